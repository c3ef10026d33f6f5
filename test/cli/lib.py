# SPDX-License-Identifier: GPL-2.0-or-later
"""What the command line's tests share: a folder of good and bad inputs, and running vmm on them."""
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))
from guest import VMM, Guest, GuestError, image  # noqa: E402,F401  (for the tests)

HEADLESS = ["--display", "none", "--serial", "none", "--accel", "soft", "--memory", "32M"]


class Skip(Exception):
    """The test cannot be done on this machine; the text says why."""


class Files:
    """Disk images and other inputs, good and bad, in a folder of their own."""

    def __init__(self, top):
        self.top = top

    def path(self, name):
        return os.path.join(self.top, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)


def boot_sector(code):
    return code.ljust(510, b"\x90")[:510] + b"\x55\xaa"


def assemble(files, name, text):
    """Machine code of a 16-bit program that stands at 0x7c00, by the GNU assembler."""
    source, obj, out = (files.path(name + s) for s in (".s", ".o", ".bin"))
    with open(source, "w", encoding="ascii") as f:
        f.write(".code16\n" + text)
    subprocess.run(["as", "--32", "-o", obj, source], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "-e", "0x7c00", "--oformat", "binary", "-o", out, obj], check=True)
    with open(out, "rb") as f:
        return f.read()


POWEROFF = b"\xba\x04\x06\xb8\x00\x20\xef\xf4\xeb\xfd"  # outw 0x604 (PM1a control), SLP_EN with SLP_TYP 0
RESET = b"\xb0\x06\xba\xf9\x0c\xee\xf4\xeb\xfd"  # out 0xcf9, 6
SPIN = b"\xb0\x52\xba\xf8\x03\xee\xeb\xfe"  # 'R' on the serial line, then loop
# lidt of the zero bytes at 0x7df0, int3
TRIPLE = b"\xfa\x31\xc0\x8e\xd8\x0f\x01\x1e\xf0\x7d\xcc\xeb\xfe".ljust(0x1F0, b"\x90") + bytes(6)


def make_files(top):
    f = Files(top)
    rest = bytes(511 * 512)
    f.write("empty.img", b"")
    f.write("odd.img", b"x" * 1000)
    f.write("zero.img", bytes(1 << 20))
    f.write("off.img", boot_sector(POWEROFF) + rest)
    f.write("reset.img", boot_sector(RESET) + rest)
    f.write("triple.img", boot_sector(TRIPLE) + rest)
    f.write("spin.img", boot_sector(SPIN) + rest)
    f.write("text.txt", b"this is no kernel\n" * 100)
    f.write("short-kernel", b"\x00" * 0x1F1 + b"\x04" + bytes(0x10) + b"HdrS")
    f.write("short-elf", b"\x7fELF\x02\x01\x01" + bytes(30))
    f.write("bad.conf", b"memory = 256M\nno-such-key = 1\n")
    f.write("syntax.conf", b"memory = 256M\nthis is no key\n")
    f.write("value.conf", b"\nmemory = lots\n")
    f.write("good.conf", f"name = test\nmemory = 64M\ndisk = {f.path('off.img')}\ndisplay = none\nserial = none\n".encode())
    f.write("small-bios", b"\x00" * 512)
    f.write("zero-bios", bytes(128 << 10))
    os.mkdir(f.path("folder"))
    hostile = bytearray(4096)
    hostile[0x1F1] = 255
    hostile[0x1FE:0x200] = b"\x55\xaa"
    hostile[0x202:0x206] = b"HdrS"
    hostile[0x206:0x208] = struct.pack("<H", 0x20F)
    hostile[0x1F4:0x1F8] = b"\xff\xff\xff\xff"
    f.write("hostile-kernel", bytes(hostile))
    return f


def run(files, args, timeout=60, **how):
    """Runs vmm to its end; an argument %NAME is a file of the folder."""
    args = [files.path(a[1:]) if a.startswith("%") else a for a in args]
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.run([VMM, "run", *args], timeout=timeout, check=False, **how)


def complaint(p, status, pattern=None):
    """What is wrong with a finished process, or None."""
    err = (p.stderr or b"").decode(errors="replace")
    if p.returncode != status:
        return f"exit status {p.returncode}, wanted {status}: {err!r}"
    if pattern and not re.search(pattern, err, re.I):
        return f"{err!r} does not match {pattern!r}"
    return None
