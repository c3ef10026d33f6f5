# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of the host: full disks, limits, closed pipes, files that may not be opened.

A boot sector takes commands on its serial line: a and b write sectors 1 and 1500, A and B read
them, f flushes the disk's cache, q powers off. It answers with k (done) or e (error).
"""
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from lib import HEADLESS, VMM, Guest, Skip, assemble, boot_sector, complaint, run

WRITER = r"""
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	movb %dl, drive
	cld
	movw $0x7e00, %di
	movw $256, %cx
	movw $0x4444, %ax
	rep stosw
	movb $'R', %al
	jmp answer
command:
	movw $0x3fd, %dx
	inb %dx, %al
	testb $1, %al
	jz command
	movw $0x3f8, %dx
	inb %dx, %al
	cmpb $'q', %al
	je off
	cmpb $'f', %al
	je flush
	movw $0x4300, %bx
	testb $0x20, %al
	jnz 1f
	movw $0x4200, %bx
1:	orb $0x20, %al
	movw $1, %cx
	cmpb $'a', %al
	je 2f
	movw $1500, %cx
2:	movw %cx, lba
	movw $1, packet + 2	/* a failure leaves 0 there */
	movw %bx, %ax
	movw $packet, %si
	movb drive, %dl
	int $0x13
	movb $'k', %al
	jnc answer
	movb $'e', %al
answer:
	movw $0x3f8, %dx
	outb %al, %dx
	jmp command
flush:
	movw $0x1f6, %dx
	movb $0xe0, %al
	outb %al, %dx
	movw $0x1f7, %dx
	movb $0xe7, %al
	outb %al, %dx
3:	inb %dx, %al
	testb $0x80, %al
	jnz 3b
	testb $1, %al
	movb $'k', %al
	jz answer
	movb $'e', %al
	jmp answer
off:
	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
	hlt
	jmp off
drive:	.byte 0
	.balign 4
packet:	.byte 16, 0
	.word 1, 0x7e00, 0
lba:	.long 0, 0
"""
SIZE = 1 << 20  # of the disk
LIMIT = 512 << 10  # of what the host lets vmm write: sector 1500 is behind it
SECTOR = b"D" * 512


def writer_disk(files, path):
    with open(path, "wb") as f:
        f.write(boot_sector(assemble(files, "writer", WRITER)))
        f.truncate(SIZE)
    return path


def limit_files(pid, limit):
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def sector(path, lba):
    with open(path, "rb") as f:
        f.seek(lba * 512)
        return f.read(512)


def answers(g, command, want, timeout=30):
    g.send(command)
    g.expect(want, timeout)


def test_write_error_reported(files):
    """The guest sees the error and goes on; what it flushed stays."""
    disk = writer_disk(files, files.path("report.img"))
    with Guest("--memory", "32M", "--disk", disk) as g:
        g.expect("R", 60)
        limit_files(g.proc.pid, LIMIT)
        answers(g, "a", "k")
        answers(g, "f", "k")
        answers(g, "b", "e")
        if "write failed" not in g.errors():
            return f"the user is not told: {g.errors()!r}"
        answers(g, "A", "k")
        answers(g, "f", "k")
        limit_files(g.proc.pid, resource.RLIM_INFINITY)
        answers(g, "b", "k")
        answers(g, "q", "", 1)
        g.wait(0, 30)
    return None if sector(disk, 1) == sector(disk, 1500) == SECTOR else "the sectors are not in the image"


def paused_then_resumed(g, disk, mend):
    g.send("b")
    end = time.monotonic() + 30
    while "paused" not in g.errors() and time.monotonic() < end:
        time.sleep(0.05)
    if "kill -CONT" not in g.errors():
        return f"no message how to go on: {g.errors()!r}"
    seen = len(g.out)
    # Resumed too early: it fails again, and pauses again.
    g.proc.send_signal(signal.SIGCONT)
    while g.errors().count("paused") < 2 and time.monotonic() < end:
        time.sleep(0.05)
    if len(g.out) != seen or g.errors().count("paused") < 2:
        return "the guest ran on"
    mend()
    g.proc.send_signal(signal.SIGCONT)
    g.expect("k", 30)
    answers(g, "f", "k")
    g.send("q")
    g.wait(0, 30)
    return None if sector(disk, 1500) == SECTOR else "the sector is not in the image"


def test_write_error_pauses(files):
    disk = writer_disk(files, files.path("pause.img"))
    with Guest("--memory", "32M", "--on-disk-error", "pause", "--disk", disk) as g:
        g.expect("R", 60)
        limit_files(g.proc.pid, LIMIT)
        return paused_then_resumed(g, disk, lambda: limit_files(g.proc.pid, resource.RLIM_INFINITY))


def test_paused_machine_stops(files):
    """SIGTERM ends a machine that stands: there is nobody to press the button for."""
    disk = writer_disk(files, files.path("pause2.img"))
    with Guest("--memory", "32M", "--on-disk-error", "pause", "--disk", disk) as g:
        g.expect("R", 60)
        limit_files(g.proc.pid, LIMIT)
        g.send("b")
        end = time.monotonic() + 30
        while "paused" not in g.errors() and time.monotonic() < end:
            time.sleep(0.05)
        g.proc.send_signal(signal.SIGTERM)
        g.wait(0, 8)


def test_write_error_stops(files):
    disk = writer_disk(files, files.path("stop.img"))
    with Guest("--memory", "32M", "--on-disk-error", "stop", "--disk", disk) as g:
        g.expect("R", 60)
        limit_files(g.proc.pid, LIMIT)
        answers(g, "a", "k")
        answers(g, "f", "k")
        g.send("b")
        g.wait(1, 30)
        if "stop.img: write failed at byte 768000" not in g.errors():
            return f"not told why: {g.errors()!r}"
    return None if sector(disk, 1) == SECTOR else "the flushed sector is gone"


def test_file_system_full(files):
    """ENOSPC of a real file system, in place of a limit: pause, make room, go on."""
    top = files.path("full")
    os.mkdir(top)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", top], stderr=subprocess.DEVNULL, check=False)
    if mount.returncode:
        raise Skip("needs to mount a small file system (root)")
    try:
        disk = writer_disk(files, top + "/disk.img")
        with Guest("--memory", "32M", "--on-disk-error", "pause", "--disk", disk) as g:
            g.expect("R", 60)
            try:
                with open(top + "/filler", "wb") as f:
                    f.write(bytes(1 << 20))
            except OSError:
                pass
            why = paused_then_resumed(g, disk, lambda: os.unlink(top + "/filler"))
            return why or (None if "No space left" in g.errors() else f"another error: {g.errors()!r}")
    finally:
        subprocess.run(["umount", "-l", top], check=False)


def test_output_pipe_closed(files):
    """Nobody reads the serial line any more: the guest goes on."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        p = run(files, ["--display", "none", "--accel", "soft", "--memory", "32M", "--debugcon", "stdio", "%off.img"], stdout=write_end)
    finally:
        os.close(write_end)
    return complaint(p, 0)


def test_serial_file_full(files):
    p = run(files, ["--display", "none", "--accel", "soft", "--memory", "32M", "--serial", "file:/dev/full", "%spin-off.img"])
    return complaint(p, 0)


def test_serial_file_unwritable(files):
    p = run(files, ["--display", "none", "--accel", "soft", "--serial", "file:" + files.path("nowhere/log"), "%off.img"])
    return complaint(p, 2, r"nowhere/log.*No such file")


def test_screenshot_unwritable(files):
    """The machine is not ended for a picture."""
    p = run(files, [*HEADLESS, "--screenshot", files.path("nowhere/shot.png"), "%off.img"])
    return complaint(p, 0, r"nowhere/shot\.png: No such file")


def test_screenshot_disk_full(files):
    with Guest("--memory", "32M", files.path("spin.img"), screen="png") as g:
        g.expect("R", 60)
        limit_files(g.proc.pid, 400)
        g.proc.send_signal(signal.SIGUSR2)
        end = time.monotonic() + 20
        while "File too large" not in g.errors() and time.monotonic() < end:
            time.sleep(0.05)
        if "File too large" not in g.errors() or os.path.exists(g.shot):
            return f"no word of it, or half a picture: {g.errors()!r}"
        g.proc.send_signal(signal.SIGINT)
        g.wait(0, 30)
    return None


def test_stdin_ends(files):
    """End of file on standard input does not end the machine."""
    return complaint(run(files, ["--display", "none", "--accel", "soft", "--memory", "32M", "%off.img"]), 0)


def test_stdio_closed(files):
    """Without standard input, output and error no disk takes their place."""
    disk = files.write("closed.img", boot_sector(b"\xb0R\xba\xf8\x03\xee" + b"\xba\x04\x06\xb8\x00\x20\xef\xf4\xeb\xfd") + bytes(511 * 512))
    before = sector(disk, 0)
    args = f"exec '{VMM}' run --accel soft --memory 32M --display none --serial stdio '{disk}' <&- >&- 2>&-"
    p = subprocess.run(["sh", "-c", args], timeout=60, check=False)
    if p.returncode:
        return f"exit status {p.returncode}"
    return None if sector(disk, 0) == before else "the serial line went to the disk"


def test_disk_in_use(files):
    with Guest("--memory", "32M", files.path("spin.img")) as g:
        g.expect("R", 60)
        why = complaint(run(files, [*HEADLESS, "%spin.img"]), 2, r"spin\.img.*in use")
        # To read it is refused as well while somebody writes.
        return why or complaint(run(files, [*HEADLESS, "--disk", "%spin.img,readonly"]), 2, r"spin\.img")


def test_disk_unreadable(files):
    """Root may read everything: another user is asked, with a copy of vmm that he may run."""
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        disk, vmm = d + "/secret.img", d + "/vmm"
        shutil.copy(files.path("zero.img"), disk)
        shutil.copy(VMM, vmm)
        os.chmod(vmm, 0o755)
        os.chmod(disk, 0)
        argv = [vmm, "run", *HEADLESS, disk]
        if os.getuid() == 0:
            argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
        why = complaint(p, 2, r"secret\.img.*Permission denied")
        if why:
            return why
        # Readable but not writable: the message says what would work.
        os.chmod(disk, 0o444)
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
        return complaint(p, 2, r"secret\.img.*(readonly|snapshot)")


TESTS = [
    test_write_error_reported,
    test_write_error_pauses,
    test_paused_machine_stops,
    test_write_error_stops,
    test_file_system_full,
    test_output_pipe_closed,
    test_serial_file_full,
    test_serial_file_unwritable,
    test_screenshot_unwritable,
    test_screenshot_disk_full,
    test_stdin_ends,
    test_stdio_closed,
    test_disk_in_use,
    test_disk_unreadable,
]


def cases(files):
    files.write("spin-off.img", boot_sector(b"\xb0R\xba\xf8\x03\xee" * 20 + b"\xba\x04\x06\xb8\x00\x20\xef\xf4\xeb\xfd") + bytes(511 * 512))
    return [(t.__name__, lambda t=t: t(files)) for t in TESTS]
