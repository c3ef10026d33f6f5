# SPDX-License-Identifier: GPL-2.0-or-later
"""The gdb server: gdb itself on the firmware, on protected-mode code and on a Linux kernel; bad packets."""
import re
import shutil
import socket
import subprocess
import time

from lib import VMM, Guest, Skip, assemble, boot_sector, image

# Real mode, then a loop of protected mode at 7c40 that writes 9100, reads 9200, calls 7c80.
MODES = """
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw $0x1234, %bx
	lgdtl gdtr
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $8, $pm
	.org 0x40
	.code32
pm:	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $0x9000, %esp
1:	incl 0x9100
	movl 0x9200, %edx
	call f
	jmp 1b
	.org 0x80
f:	movl $0x55aa55aa, %ecx
	ret
	.org 0xc0
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:	.word 23
	.long gdt
"""


def gdb(address, commands, timeout=60):
    if not shutil.which("gdb"):
        raise Skip("needs gdb")
    args = ["gdb", "-nx", "-batch", "-ex", "set pagination off", "-ex", "set confirm off", "-ex", "set remotetimeout 60", "-ex", f"target remote {address}"]
    for c in commands:
        args += ["-ex", c]
    p = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False)
    return p.stdout


def wanted(out, patterns):
    """The patterns in this order."""
    at = 0
    for p in patterns:
        m = re.compile(p, re.M).search(out, at)
        if not m:
            return f"no {p!r} behind byte {at} of:\n{out}"
        at = m.end()
    return None


def modes_image(files):
    disk = files.path("modes.img")
    with open(disk, "wb") as f:
        f.write(boot_sector(assemble(files, "modes", MODES)) + bytes(511 * 512))
    return disk


def test_modes(files):
    """Reset vector, real mode, protected mode: breakpoints, steps, watchpoints, registers, memory."""
    sock = files.path("gdb1")
    with Guest("--memory", "32M", "--gdb", f"unix:{sock},wait,arch=i386", modes_image(files)) as g:
        why = wanted(gdb(sock, [
            "p/x $pc", "p/x $cs_base", "stepi", "p/x $pc",
            "break *0x7c00", "continue", "p/x $pc", "delete",
            "break *0x7c08", "continue", "p/x $bx", "stepi", "p/x $pc", "delete",
            "hbreak *0x7c40", "continue", "p/x $cs", "p/x $cr0 & 1", "delete",
            "break *0x7c85", "continue", "p/x $ecx", "x/xw $esp", "delete",
            "watch *(int*)0x9100", "continue", "continue", "delete",
            "rwatch *(int*)0x9200", "continue", "p/x $pc", "delete",
            "set $ecx=0x77", "p/x $ecx", "set *(int*)0x9300=0xabcdef", "p/x *(int*)0x9300",
            "x/2xb 0x7dfe", "monitor stat", "monitor phys on", "x/xw 0x9300", "monitor phys off",
            "x/x 0x40000000", "info threads", "detach"]), [
            r"\$1 = 0xfffffff0", r"\$2 = 0xffff0000", r"\$3 = 0xfe05b",
            r"Breakpoint 1, ", r"\$4 = 0x7c00", r"Breakpoint 2, ", r"= 0x1234", r"= 0x7c0e",
            r"Breakpoint 3, ", r"= 0x8", r"= 0x1", r"Breakpoint 4, ", r"= 0x55aa55aa", r"0x8ffc:\s+0x00007c",
            r"Hardware watchpoint 5", r"Old value = (\d+)", r"New value = \d+", r"Old value", r"New value",
            r"Hardware read watchpoint 6", r"Value = 0", r"= 0x7c", r"= 0x77", r"= 0xabcdef",
            r"0x7dfe:\s+0x55\s+0xaa", r"state: paused", r"physical", r"0x9300:\s+0x00abcdef",
            r"Cannot access memory", r"Thread 1 \(CPU 0\)", r"detached"])
        if why:
            return why
        if g.proc.poll() is not None:
            return "the machine ended"
    return None


def test_guest_unaware(files):
    """A breakpoint changes no byte of the guest's memory."""
    sock = files.path("gdb2")
    with Guest("--memory", "32M", "--gdb", f"unix:{sock},wait,arch=i386", modes_image(files)):
        out = gdb(sock, ["break *0x7c40", "continue", "break *0x7c80", "monitor phys on", "x/xb 0x7c80", "delete", "x/xb 0x7c80", "kill"])
        return wanted(out, [r"Breakpoint 1, ", r"0x7c80:\s+0xb9", r"0x7c80:\s+0xb9"])


def test_linux(files):
    """A running 64-bit kernel on two CPUs: threads, its registers, virtual memory, a breakpoint where it is idle."""
    sock = files.path("gdb3")
    with Guest("--memory", "256M", "--cpus", "2", "--gdb", f"unix:{sock}", "--disk", image("demo-disk") + ",snapshot") as g:
        g.expect(r"guestmode# ", 300)
        out = gdb(sock, ["info threads", "p/x $cs", "p/x $cr0", "p/x $rip", "x/i $pc", "x/8xb $pc", "break *$pc", "continue", "p/x $rip",
                         "delete", "stepi", "stepi", "thread 2", "p/x $rsp", "stepi", "thread 1", "p/x $efer", "x/xg $rsp", "detach"], 200)
        why = wanted(out, [r"Thread 1 \(CPU 0\)", r"Thread 2 \(CPU 1\)", r"= 0x10", r"= 0x8\w+", r"= 0xffffffff\w+", r"0xffffffff",
                           r"Breakpoint 1, ", r"= 0xffffffff\w+", r"Switching to thread 2", r"= 0x\w+", r"Switching to thread 1", r"= 0x[0-9a-f]*d01", r"0xffff\w+:\s+0x", r"detached"])
        if why:
            return why
        g.command("echo still-$((1 + 1))-alive", r"still-2-alive", 60)
    return None


def test_interrupt(files):
    """Ctrl-C of gdb, a second client, and the user's resume while gdb holds the machine."""
    sock = files.path("gdb4")
    with Guest("--memory", "32M", "--gdb", f"unix:{sock},wait", "--name", "held", files.path("spin.img")):
        c = Client(sock)
        c.ask("QStartNoAckMode")
        c.send("vCont;c")
        time.sleep(0.5)
        c.raw(b"\x03")
        stop = c.receive()
        if not stop.startswith("T02"):
            return f"stop: {stop}"
        other = socket.socket(socket.AF_UNIX)
        other.settimeout(20)
        other.connect(sock)
        if other.recv(1) != b"":
            return "a second client is taken"
        return None if c.ask("g") != "" else "no registers"


def connect(s, path):
    """The machine may still be starting."""
    end = time.monotonic() + 60
    while True:
        try:
            return s.connect(path)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class Client:
    """The bare protocol."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        connect(self.s, path)
        self.buf = b""

    def raw(self, data):
        self.s.sendall(data)

    def send(self, text):
        data = text.encode("latin-1")
        self.raw(b"$" + data + b"#%02x" % (sum(data) & 255))

    def receive(self):
        while True:
            m = re.search(rb"\$([^#]*)#..", self.buf, re.S)
            if m:
                self.buf = self.buf[m.end():]
                return m.group(1).decode("latin-1")
            data = self.s.recv(65536)
            if not data:
                raise ConnectionError("closed")
            self.buf += data

    def ask(self, text):
        self.send(text)
        return self.receive()


BAD = [
    ("m", "E22"), ("m0", "E22"), ("m0,", "E22"), ("m0,ffffffffffffffff", "E22"), ("mfffffffffffffff0,20", "E14"), ("mzz,1", "E22"),
    ("M0,4:00", "E22"), ("M0,1:zz", "E22"), ("X0,10:", "E22"), ("p", "E22"), ("pffff", "E22"), ("P0", "E22"), ("P0=1", "E22"), ("Pffffffff=00", "E22"),
    ("Z9,0,1", "E22"), ("Z0", "E22"), ("Z2,0,0", "E22"), ("Z2,0,ffffffff", "E22"), ("z1,5,1", "OK"), ("Hg7", "E22"), ("T99", "E22"), ("T", "E22"),
    ("vCont;x", "E22"), ("vCont;s:77", "E22"), ("vMustReplyEmpty", ""), ("qXfer:features:read:other:0,10", "E00"), ("qXfer:features:read:target.xml:zz", "E22"),
    ("qXfer:features:read:target.xml:ffffff,10", "l"), ("qRcmd,zz", "E22"), ("qRcmd," + "61" * 600, "E22"), ("qNonsense", ""), ("\x01\x02", ""), ("", ""),
    ("G", "OK"), ("G" + "zz" * 300, "OK"), ("qThreadExtraInfo,0", "E22"), ("y", ""),
]


def test_bad_packets(files):
    sock = files.path("gdb5")
    with Guest("--memory", "32M", "--gdb", f"unix:{sock},wait", files.path("spin.img")) as g:
        c = Client(sock)
        c.ask("QStartNoAckMode")
        for packet, want in BAD:
            got = c.ask(packet)
            if got != want:
                return f"{packet[:40]!r}: {got[:60]!r}, wanted {want!r}"
        for i in range(64):
            if c.ask(f"Z0,{i * 16:x},1") != "OK":
                return f"breakpoint {i}"
        if c.ask("Z0,9999,1") != "E28":
            return "one breakpoint too many"
        c.raw(b"noise+++---$#00$unfinished")
        c.s.close()
        c = Client(sock)
        c.ask("QStartNoAckMode")
        c.raw(b"$" + b"a" * 20000)
        try:
            c.receive()
            return "an endless packet is taken"
        except ConnectionError:
            pass
        c = Client(sock)
        # A wrong sum is asked for again.
        c.raw(b"$?#00")
        if c.s.recv(1) != b"-":
            return "wrong sum"
        if g.proc.poll() is not None:
            return "the machine ended"
    return None


def test_refused(files):
    for spec in ("nonsense", "1.2.3:70", "99999", "7000,what", "unix:/nonexistent/x"):
        p = subprocess.run([VMM, "run", "--display", "none", "--serial", "none", "--control", "none", "--gdb", spec, files.path("off.img")],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        if p.returncode != 2 or "--gdb" not in p.stderr:
            return f"{spec}: {p.returncode} {p.stderr}"
    return None


TESTS = [test_modes, test_guest_unaware, test_linux, test_interrupt, test_bad_packets, test_refused]


def cases(files):
    return [("gdb " + t.__name__, lambda t=t: t(files)) for t in TESTS]
