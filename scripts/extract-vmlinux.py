#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Takes the uncompressed ELF kernel out of a bzImage (x86 boot protocol 2.08 or newer).

usage: extract-vmlinux.py BZIMAGE OUTPUT
"""
import lzma
import struct
import subprocess
import sys
import zlib

MAGICS = {
    b"\x1f\x8b\x08": lambda d: zlib.decompressobj(31).decompress(d),
    b"\xfd7zXZ\x00": lambda d: lzma.LZMADecompressor().decompress(d),
    b"\x5d\x00\x00": lambda d: lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(d),
}
TOOLS = {b"\x28\xb5\x2f\xfd": "zstd", b"\x02\x21\x4c\x18": "lz4"}


def payload(image):
    setup_sects = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sects + 1) * 512 + offset
    return image[start : start + length]


def unpack(data):
    for magic, fn in MAGICS.items():
        if data.startswith(magic):
            return fn(data)
    for magic, tool in TOOLS.items():
        if data.startswith(magic):
            # The payload ends with its unpacked size, which the tools complain about.
            return subprocess.run([tool, "-dcq"], input=data[:-4], stdout=subprocess.PIPE, check=False).stdout
    sys.exit("extract-vmlinux: unknown compression")


def main():
    with open(sys.argv[1], "rb") as f:
        elf = unpack(payload(f.read()))
    if not elf.startswith(b"\x7fELF"):
        sys.exit("extract-vmlinux: the payload is no ELF file")
    with open(sys.argv[2], "wb") as f:
        f.write(elf)


if __name__ == "__main__":
    main()
