#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: what is refused and how, exit statuses, signals, faults of the host.

Ends with "N passed, N failed".
"""
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest"))
from guest import VMM, Guest, GuestError, image  # noqa: E402


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


def asm(*parts):
    return b"".join(parts)


CLI_POWEROFF = asm(
    # outw 0x2000 (SLP_EN, SLP_TYP 0) to the PM1a control register at 0x604
    b"\xba\x04\x06\xb8\x00\x20\xef\xf4\xeb\xfd",
)
RESET = b"\xb0\x06\xba\xf9\x0c\xee\xf4\xeb\xfd"  # out 0xcf9, 6
TRIPLE = b"\xfa\x0f\x01\x1e\x00\x7e\xcc\xeb\xfe"  # lidt of an empty table, int3
SPIN = b"\xb0\x52\xba\xf8\x03\xee\xeb\xfe"  # 'R' on the serial line, then loop


def make_files(top):
    f = Files(top)
    f.write("empty.img", b"")
    f.write("odd.img", b"x" * 1000)
    f.write("zero.img", bytes(1 << 20))
    f.write("off.img", boot_sector(CLI_POWEROFF) + bytes(511 * 512))
    f.write("reset.img", boot_sector(RESET) + bytes(511 * 512))
    # limit 0 at 0x7e00 needs the second sector: the boot sector's own zero bytes serve
    f.write("triple.img", boot_sector(b"\xfa\x31\xc0\x8e\xd8\x0f\x01\x1e\xf0\x7d\xcc\xeb\xfe".ljust(0x1F0, b"\x90") + bytes(6)) + bytes(511 * 512))
    f.write("spin.img", boot_sector(SPIN) + bytes(511 * 512))
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


# arguments (%NAME: a file of the folder), wanted exit status, wanted on stderr
BAD = [
    ([], 2, r"nothing to boot"),
    (["%missing.img"], 2, r"missing\.img.*No such file"),
    (["%empty.img"], 2, r"empty\.img.*empty"),
    (["%folder"], 2, r"folder.*directory"),
    (["%odd.img"], 2, r"odd\.img.*512"),
    (["--no-such-option", "%zero.img"], 2, r"--no-such-option: unknown option"),
    (["-x", "%zero.img"], 2, r"-x: unknown option"),
    (["--memory"], 2, r"--memory: needs a value"),
    (["--memory", "lots", "%zero.img"], 2, r"--memory: 'lots' is not a size"),
    (["--memory", "1K", "%zero.img"], 2, r"--memory: 1K is too small"),
    (["--memory", "99999999999G", "%zero.img"], 2, r"--memory: .*too large"),
    (["--memory", "500G", "%zero.img"], 2, r"--memory: .*too large"),
    (["--boot", "xyz", "%zero.img"], 2, r"--boot: 'xyz' is not a boot order"),
    (["--accel", "magic", "%zero.img"], 2, r"--accel: 'magic' is not known"),
    (["--accel", "guestmode", "--accel-device", "/nonexistent", "%zero.img"], 2, r"guestmode.*No such file"),
    (["--cpu", "z80", "%zero.img"], 2, r"--cpu: 'z80' is not known"),
    (["--display", "hologram", "%zero.img"], 2, r"--display: 'hologram' is not known"),
    (["--disk", "%zero.img,colour=red"], 2, r"--disk: 'colour=red' is not known"),
    (["--disk", "%zero.img,format=vhdx"], 2, r"vhdx"),
    (["--serial", "nonsense", "%zero.img"], 2, r"nonsense"),
    (["--bios", "%missing", "%zero.img"], 2, r"missing.*No such file"),
    (["--bios", "%small-bios", "%zero.img"], 2, r"small-bios"),
    (["--bios", "%zero-bios", "%zero.img"], 2, r"zero-bios"),
    (["--kernel", "%missing"], 2, r"missing.*No such file"),
    (["--kernel", "%text.txt"], 2, r"text\.txt"),
    (["--kernel", "%short-kernel"], 2, r"short-kernel"),
    (["--kernel", "%short-elf"], 2, r"short-elf"),
    (["--kernel", "%hostile-kernel"], 2, r"hostile-kernel"),
    (["--kernel", "%folder"], 2, r"folder"),
    (["--append", "x", "%zero.img"], 2, r"need --kernel"),
    (["%missing.conf"], 2, r"missing\.conf: No such file"),
    (["%bad.conf"], 2, r"bad\.conf:2: no-such-key: not known"),
    (["%syntax.conf"], 2, r"syntax\.conf:2: "),
    (["%value.conf"], 2, r"value\.conf:2: memory: 'lots' is not a size"),
    (["--disk", "%zero.img"] * 5, 2, r"too many disks"),
]


def run(files, args, stdin=subprocess.DEVNULL, timeout=60):
    args = [files.path(a[1:]) if a.startswith("%") else a for a in args]
    return subprocess.run([VMM, "run", *args], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)


def check_bad(files, args, status, pattern):
    p = run(files, args)
    err = p.stderr.decode(errors="replace")
    if p.returncode != status:
        return f"exit status {p.returncode}, wanted {status}; {err!r}"
    if not re.search(pattern, err, re.I):
        return f"{err!r} does not match {pattern!r}"
    if err.count("\n") != 1 or not err.startswith("vmm: "):
        return f"not one line from vmm: {err!r}"
    return None


HEADLESS = ["--display", "none", "--serial", "none", "--accel", "soft", "--memory", "32M"]


def status_of(files, want, *args):
    p = run(files, [*HEADLESS, *args])
    if p.returncode != want:
        return f"exit status {p.returncode}, wanted {want}: {p.stderr.decode(errors='replace')}"
    return p


def test_poweroff(files):
    p = status_of(files, 0, "%off.img")
    return p if isinstance(p, str) else None


def test_machine_file(files):
    p = run(files, ["--accel", "soft", "%good.conf"])
    return None if p.returncode == 0 else f"exit status {p.returncode}: {p.stderr!r}"


def test_reset(files):
    p = status_of(files, 3, "--no-reboot", "%reset.img")
    return p if isinstance(p, str) else None


def test_crash(files):
    p = status_of(files, 4, "--no-reboot", "%triple.img")
    if isinstance(p, str):
        return p
    err = p.stderr.decode()
    return None if re.search(r"triple fault", err) and re.search(r"cr3 ", err) else f"no state shown: {err!r}"


def test_stdin_closed(files):
    """End of file on standard input does not end the machine."""
    p = run(files, ["--display", "none", "--accel", "soft", "--memory", "32M", "%off.img"])
    return None if p.returncode == 0 else f"exit status {p.returncode}: {p.stderr!r}"


def test_disk_in_use(files):
    with Guest("--memory", "32M", files.path("spin.img")) as g:
        g.expect("R", 60)
        p = run(files, [*HEADLESS, "%spin.img"])
        err = p.stderr.decode()
        if p.returncode != 2 or not re.search(r"spin\.img.*in use", err):
            return f"exit status {p.returncode}: {err!r}"
        p = run(files, ["--display", "none", "--memory", "bad", "%spin.img"])
    with open(files.path("spin.img"), "r+b") as f:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return None


def test_sigterm_stops(files):
    """A guest that has not switched ACPI on does not listen to the power button: it is stopped."""
    with Guest("--memory", "32M", files.path("spin.img")) as g:
        g.expect("R", 60)
        g.proc.send_signal(signal.SIGTERM)
        g.wait(0, 25)
        err = g.errors()
    return None if "does not listen to its power button" in err else f"no word about it: {err!r}"


def test_sigterm_powers_off(files):
    """SIGTERM presses the power button: Linux shuts itself down, then exit status 0."""
    with Guest("--disk", image("demo-disk") + ",snapshot") as g:
        g.expect(r"guestmode# ", 240)
        g.proc.send_signal(signal.SIGTERM)
        # The kernel's last words: vmm stopping the machine after its grace period has none.
        g.expect(r"reboot: Power down", 120)
        g.wait(0, 30)
        err = g.errors()
    return f"vmm says {err!r}" if err else None


def test_sigterm_twice(files):
    """A second SIGTERM stops a guest that listens but does not power off."""
    with Guest("--disk", image("demo-disk") + ",snapshot") as g:
        g.expect(r"guestmode# ", 240)
        g.command("killall acpid", r"guestmode# ")
        g.proc.send_signal(signal.SIGTERM)
        time.sleep(1)
        if g.proc.poll() is not None:
            return "the first signal ended it"
        g.proc.send_signal(signal.SIGTERM)
        g.wait(0, 20)
        err = g.errors()
    return None if "stopped by a signal\n" in err else f"vmm says {err!r}"


def test_sigkill_keeps_flushed(files):
    """What the guest flushed is in the image after SIGKILL."""
    disk = files.path("kill.img")
    subprocess.run(["cp", "--sparse=always", image("demo-disk"), disk], check=True)
    text = "flushed-before-the-kill"
    with Guest("--disk", disk) as g:
        g.expect(r"guestmode# ", 240)
        g.command(f"echo {text} > /root/kept; sync", r"guestmode# ")
        g.proc.kill()
        g.proc.wait()
    with Guest("--disk", disk + ",snapshot") as g:
        g.expect(r"guestmode# ", 240)
        if text not in g.command("cat /root/kept", r"guestmode# "):
            return "the file is gone"
    return None


TESTS = [
    test_poweroff,
    test_machine_file,
    test_reset,
    test_crash,
    test_stdin_closed,
    test_disk_in_use,
    test_sigterm_stops,
    test_sigterm_powers_off,
    test_sigterm_twice,
    test_sigkill_keeps_flushed,
]


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as top:
        files = make_files(top)
        cases = [(" ".join(a) or "(no arguments)", lambda a=a, s=s, p=p: check_bad(files, a, s, p)) for a, s, p in BAD]
        cases += [(t.__name__, lambda t=t: t(files)) for t in TESTS]
        for name, fn in cases:
            if len(sys.argv) > 1 and not any(a in name for a in sys.argv[1:]):
                continue
            try:
                why = fn()
            except (GuestError, subprocess.TimeoutExpired) as e:
                why = str(e)
            if why:
                print(f"FAIL  {name}: {why}", flush=True)
                failed += 1
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
