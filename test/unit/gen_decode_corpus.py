#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes test/unit/lib/decode_corpus.h: instruction lengths as GNU objdump sees them.

usage: gen_decode_corpus.py > decode_corpus.h

One row is a mode, prefixes, an escape, a ModRM byte and a string of 256 characters, one per opcode:
the length in hexadecimal, '-' undefined, '.' not compared: features that the decoder does not know,
prefixes and opcodes where binutils follows another vendor than the decoder does.
"""
import re
import subprocess
import sys
import tempfile

TAIL = bytes([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x08, 0x09, 0x0a, 0x0b])
PREFIXES = {16: ['', '66', '67', 'f3'], 32: ['', '66', '67', 'f2'],
            64: ['', '66', 'f3', '48', '6641', '67', 'f248']}
ESCAPES = ['', '0f', '0f38', '0f3a']
MODRM = [0x44, 0x85, 0xc1, 0xf0]
# Mnemonics outside of the decoder's instruction set, or disassembled only by binutils.
OTHER = re.compile(
    r'^(v[a-z]|k[a-z]|sha|wrss|wruss|movdir|enq|aadd|aand|aor|axor|xstore|xcrypt|xsha|montmul|getsec|femms'
    r'|gf2|bnd|encl|tlbsync|pvalid|psmash|rmp|wrpkru|rdpkru|serialize|xabort|xbegin|xend|xtest'
    r'|monitorx|mwaitx|clzero|mcommit|rdpru|invlpgb|incssp|rstorssp|setssbsy|saveprev|clrssbsy|extrq'
    r'|insertq|movntss|movntsd|ptwrite|umonitor|umwait|tpause|aes(enc|dec).*kl|loadiwkey|encodekey'
    r'|cldemote|prefetch|hreset|wbnoinvd|pconfig|stui|clui|senduipi|uiret|testui|xsusldtrk'
    r'|xresldtrk|rdssp|seamcall|tdcall|fwait|nop)')


def slots(mode, prefix, escape, modrm):
    for op in range(256):
        yield bytes.fromhex(prefix + escape) + bytes([op, modrm]) + TAIL


def compared(mode, prefix, escape, op, text):
    one_byte_skip = {0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x62, 0x64, 0x65, 0x66, 0x67, 0x9b, 0xc4, 0xc5, 0xd6,
                     0xf0, 0xf2, 0xf3}
    if escape == '' and (op in one_byte_skip or (mode == 64 and 0x40 <= op <= 0x4f)):
        return False
    if escape == '0f' and op in (0x38, 0x3a):
        return False
    words = [w for w in text.split() if not re.match(r'rex|data|addr|rep|cs$', w)]
    if words and OTHER.match(words[0]):
        return False
    if words and words[0] == 'mov' and re.search(r'\?|\bcs\b|\b(cr|dr|db|tr)\d', text):
        return False
    # Near branches with 66 in 64-bit mode, undocumented x87 aliases, prefixes that Intel refuses.
    if mode == 64 and '66' in prefix and (op in (0xe8, 0xe9) or
                                          (escape == '0f' and 0x80 <= op <= 0x8f)):
        return False
    if escape == '' and 0xd8 <= op <= 0xdf and 'bad' in text:
        return False
    if escape == '0f' and prefix and op in (0x01, 0x09, 0x78, 0x79, 0xae, 0xbc, 0xbd, 0xc7, 0xd7):
        return False
    if escape == '0f' and op in (0x01, 0x0d, 0x1a, 0x1b, 0xae):
        return 'bad' not in text
    return mode == 64 or not re.search(r'swapgs|fsbase|gsbase', text)


def row(mode, prefix, escape, modrm):
    data = b''.join(s.ljust(32, b'\x90') for s in slots(mode, prefix, escape, modrm))
    with tempfile.NamedTemporaryFile() as f:
        f.write(data)
        f.flush()
        opt = {16: ',i8086', 32: '', 64: ',x86-64'}[mode]
        out = subprocess.run(['objdump', '-D', '-w', '-z', '-b', 'binary', '-m', 'i386', '-M',
                              'intel' + opt, f.name], capture_output=True, check=True).stdout
    seen = {}
    for line in out.decode().splitlines():
        m = re.match(r'\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*(.*)', line)
        if m:
            seen[int(m.group(1), 16)] = (len(m.group(2).split()), m.group(3))
    cells = ''
    for op in range(256):
        if op * 32 not in seen:
            cells += '.'
            continue
        length, text = seen[op * 32]
        if not compared(mode, prefix, escape, op, text):
            cells += '.'
        else:
            cells += '-' if '(bad)' in text else '%x' % length
    return cells


def main():
    print('/* SPDX-License-Identifier: GPL-2.0-or-later */')
    print('/* Instruction lengths from GNU objdump, made by test/unit/gen_decode_corpus.py. */')
    for mode, prefixes in PREFIXES.items():
        for prefix in prefixes:
            for escape in ESCAPES:
                for modrm in MODRM:
                    cells = row(mode, prefix, escape, modrm)
                    print('{ X86_MODE_%d, "%s", "%s", 0x%02x,' % (mode, prefix, escape, modrm))
                    for i in range(0, 256, 128):
                        print('  "%s"%s' % (cells[i:i + 128], ' },' if i else ''))


main()
