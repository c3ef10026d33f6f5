# SPDX-License-Identifier: GPL-2.0-or-later
"""The sandbox (docs/safety.md): what the threads of a running machine may still do when somebody else decides.

gdb plays the guest that has taken over a thread: it makes the thread call what such a guest would call, in every
thread of the process, and looks at what comes of it.
"""
import json
import os
import shutil
import socket
import subprocess
import time

from control import Machine
from lib import Skip, run

# name, call with %s for the address of a path, what comes of it: an error of errno, "SIGSYS", or "ok"
EACCES, ENOSYS = 13, 38
REFUSED = [
    ("open /etc/passwd", "syscall(2, %s, 0, 0)", "/etc/passwd", EACCES),
    ("openat /etc/passwd", "syscall(257, -100, %s, 0, 0)", "/etc/passwd", EACCES),
    ("openat with O_CREAT", "syscall(257, -100, %s, 0x41, 0600)", "/tmp/guestmode-escape", EACCES),
    ("openat2", "syscall(437, -100, %s, 0, 24)", "/etc/passwd", EACCES),
    ("creat", "syscall(85, %s, 0600)", "/tmp/guestmode-escape", EACCES),
    ("stat", "syscall(4, %s, $sp - 8192)", "/etc/passwd", EACCES),
    ("unlink", "syscall(87, %s)", "/tmp/guestmode-escape", EACCES),
    ("rename", "syscall(82, %s, %s)", "/tmp/guestmode-escape", EACCES),
    ("mkdir", "syscall(83, %s, 0700)", "/tmp/guestmode-escape", EACCES),
    ("connect", "syscall(42, 0, 0, 0)", None, EACCES),
    ("socket AF_UNIX", "syscall(41, 1, 1, 0)", None, ENOSYS),
    ("socket AF_INET", "syscall(41, 2, 1, 0)", None, ENOSYS),
    ("mmap executable", "syscall(9, 0, 4096, 5, 0x22, -1, 0)", None, EACCES),
    ("mprotect executable", "syscall(10, (unsigned long) $sp & ~4095, 4096, 5)", None, EACCES),
    ("ioctl TIOCSTI", "syscall(16, 0, 0x5412, $sp)", None, ENOSYS),
    ("ioctl KVM_CREATE_VM", "syscall(16, 0, 0xae01, 0)", None, ENOSYS),
    ("kill", "syscall(62, 1, 0)", None, ENOSYS),
    ("tgkill of another process", "syscall(234, 1, 1, 0)", None, ENOSYS),
    ("clone3", "syscall(435, $sp - 8192, 88)", None, ENOSYS),
    ("getpid, which is allowed", "syscall(39)", None, "ok"),
]
FATAL = [
    ("execve", "syscall(59, %s, 0, 0)", "/bin/true", "SIGSYS"),
    ("execveat", "syscall(322, -100, %s, 0, 0, 0)", "/bin/true", "SIGSYS"),
    ("fork", "syscall(57)", None, "SIGSYS"),
    ("vfork", "syscall(58)", None, "SIGSYS"),
    ("clone of a process", "syscall(56, 17, 0, 0, 0, 0)", None, "SIGSYS"),
    ("ptrace", "syscall(101, 16, 1, 0, 0)", None, "SIGSYS"),
    ("mount", "syscall(165, %s, %s, %s, 0, 0)", "/tmp", "SIGSYS"),
    ("unshare", "syscall(272, 0x10000000)", None, "SIGSYS"),
    ("bpf", "syscall(321, 0, 0, 0)", None, "SIGSYS"),
    ("setuid", "syscall(105, 0)", None, "SIGSYS"),
    ("io_uring_setup", "syscall(425, 8, $sp)", None, "SIGSYS"),
]
# What user networking needs on top of it, and no more.
NET = [
    ("openat /etc/resolv.conf", "syscall(257, -100, %s, 0, 0)", "/etc/resolv.conf", "ok"),
    ("openat /etc/resolv.conf to write", "syscall(257, -100, %s, 1, 0)", "/etc/resolv.conf", EACCES),
    ("openat /etc/passwd", "syscall(257, -100, %s, 0, 0)", "/etc/passwd", EACCES),
    ("openat ../resolv.conf", "syscall(257, -100, %s, 0, 0)", "/etc/../etc/resolv.conf", EACCES),
    ("openat tftp/there", "syscall(257, -100, %s, 0, 0)", "TFTP/there", "ok"),
    ("openat tftp/../text.txt", "syscall(257, -100, %s, 0, 0)", "TFTP/../text.txt", EACCES),
    ("openat tftp/link", "syscall(257, -100, %s, 0, 0)", "TFTP/link", EACCES),
    ("socket AF_UNIX", "syscall(41, 1, 1, 0)", None, ENOSYS),
    ("socket AF_PACKET", "syscall(41, 17, 3, 0)", None, ENOSYS),
    ("socket AF_INET", "syscall(41, 2, 1, 0)", None, "ok"),
]

GDB = r"""
import gdb, json
calls = json.load(open(CALLS))
gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set unwindonsignal on")
gdb.execute("handle SIGUSR1 nostop noprint pass", to_string=True)
gdb.execute("handle SIGSYS stop print nopass", to_string=True)
gdb.execute("set scheduler-locking on")
out, signals = [], []
gdb.events.stop.connect(lambda e: signals.append(getattr(e, "stop_signal", "")))
inferior = gdb.selected_inferior()
threads = [t for t in inferior.threads() if not ONE or t.num == 1]
for t in threads:
    t.switch()
    gdb.newest_frame().select()
    for name, call, path, want in calls:
        at = 0
        if path:
            at = int(gdb.parse_and_eval("(unsigned long) $sp")) - 16384
            inferior.write_memory(at, path.encode() + b"\0")
        text = "((long (*)()) syscall)" + call.replace("%s", "(char *) %d" % at)[len("syscall"):]
        try:
            got = int(gdb.parse_and_eval(text))
            if got < 0:
                got = -int(gdb.parse_and_eval("*((int *(*)()) __errno_location)()"))
        except gdb.error as e:
            got = signals[-1] if signals and "signaled" in str(e) else str(e)
        out.append([t.ptid[1], name, want, got])
json.dump(out, open(RESULT, "w"))
"""


def gdb_needed():
    if not shutil.which("gdb"):
        raise Skip("no gdb here")
    if os.uname().machine != "x86_64":
        raise Skip("the numbers of the calls are those of x86-64")


def attack(files, pid, calls, one=False):
    """Makes the calls in all threads (or the first); what went otherwise than wanted, or None."""
    script, result = files.path("attack.py"), files.path("attack.json")
    with open(files.path("calls.json"), "w", encoding="ascii") as f:
        json.dump([[n, c, p and p.replace("TFTP", files.path("tftp")), w] for n, c, p, w in calls], f)
    with open(script, "w", encoding="ascii") as f:
        f.write(f"CALLS, RESULT, ONE = {files.path('calls.json')!r}, {result!r}, {one}\n" + GDB)
    p = subprocess.run(["gdb", "-q", "-nx", "-batch", "-p", str(pid), "-x", script], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=300, check=False)
    if not os.path.exists(result):
        return f"gdb: {p.stdout[-300:]} {p.stderr[-500:]}"
    with open(result, encoding="ascii") as f:
        seen = json.load(f)
    os.unlink(result)
    threads = {t for t, *_ in seen}
    for tid, name, want, got in seen:
        good = got >= 0 if want == "ok" and isinstance(got, int) else got == (-want if isinstance(want, int) else want)
        if not good:
            return f"thread {tid}: {name}: {got}, wanted {want}"
    if len(seen) != len(calls) * len(threads) or (not one and len(threads) < 3):
        return f"{len(seen)} calls in {len(threads)} threads only"
    return None


def status(pid, task):
    with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def threads_of(pid):
    return [status(pid, t) for t in os.listdir(f"/proc/{pid}/task")]


def keeper_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(n) for n in f.read().split()]


def test_status(files):
    """Every thread is confined, and the keeper too."""
    with Machine(files, "sb", "--cpus", "2", files.path("spin.img")) as m:
        m.expect("R", 60)
        seen = threads_of(m.proc.pid)
        if len(seen) < 4:
            return f"{len(seen)} threads: a disk, two CPUs and the main one were expected"
        for s in seen:
            if [int(s[k], 16) for k in ("CapPrm", "CapEff", "CapInh", "CapAmb")] != [0] * 4 or s["NoNewPrivs"] != "1" or s["Seccomp"] != "2":
                return f"thread {s['Pid']}: {s}"
        keepers = keeper_of(m.proc.pid)
        if len(keepers) != 1:
            return f"keepers: {keepers}"
        s = status(keepers[0], keepers[0])
        if int(s["CapEff"], 16) & ~2 or s["NoNewPrivs"] != "1" or s["Seccomp"] != "2":
            return f"the keeper: {s}"
        if m.ask("stat")["sandbox"] != "on":
            return "stat does not say it"
    return None


def test_attack(files):
    """No thread opens a file, maps code, or starts a program; the machine survives the trying."""
    gdb_needed()
    with Machine(files, "at", "--cpus", "2", files.path("spin.img")) as m:
        m.expect("R", 60)
        why = attack(files, m.proc.pid, REFUSED + FATAL)
        if not why and m.ask("stat")["state"] != "running":
            why = "the machine does not run any more"
        return why or ("a file was made" if os.path.exists("/tmp/guestmode-escape") else None)


def test_attack_net(files):
    """User networking reads resolv.conf and the TFTP folder, and opens sockets of the Internet."""
    gdb_needed()
    if not os.path.exists("/etc/resolv.conf"):
        raise Skip("no /etc/resolv.conf here")
    os.mkdir(files.path("tftp"))
    files.write("tftp/there", b"x")
    os.symlink("../text.txt", files.path("tftp/link"))
    with Machine(files, "an", "--net", f"user,tftp={files.path('tftp')}", files.path("spin.img")) as m:
        m.expect("R", 60)
        return attack(files, m.proc.pid, NET, one=True) or attack(files, m.proc.pid, FATAL, one=True)


def test_violation(files):
    """The call is not made: the machine ends with a status and a line of its own."""
    gdb_needed()
    with Machine(files, "vi", files.path("spin.img")) as m:
        m.expect("R", 60)
        subprocess.run(["gdb", "-q", "-nx", "-batch", "-p", str(m.proc.pid), "-ex", "handle SIGSYS nostop noprint pass",
                        "-ex", "call ((long (*)()) syscall)(59, 0, 0, 0)"], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
        if m.proc.wait(60) != 5:
            return f"exit status {m.proc.returncode}"
        end = time.monotonic() + 30
        while "execve" not in m.errors() and time.monotonic() < end:
            time.sleep(0.1)
        return None if "sandbox" in m.errors() and "execve" in m.errors() else f"it says {m.errors()!r}"


def test_off(files):
    with Machine(files, "of", "--sandbox", "off", files.path("spin.img")) as m:
        m.expect("R", 60)
        if any(s["Seccomp"] != "0" or s["NoNewPrivs"] != "0" for s in threads_of(m.proc.pid)) or keeper_of(m.proc.pid):
            return "there is a sandbox"
        if m.ask("stat")["sandbox"] != "off":
            return "stat does not say it"
    p = run(files, ["--sandbox", "maybe", "%off.img"])
    return None if p.returncode == 2 and b"on nor off" in p.stderr else f"{p.returncode}: {p.stderr!r}"


def test_insert(files):
    """The machine opens no medium by itself, and takes no descriptor that is none."""
    other = files.write("sandboxed.iso", bytes(2048 * 20))
    with Machine(files, "in", "--cdrom", "none", files.path("spin.img")) as m:
        m.expect("R", 60)
        s, f = m.connect()
        f.readline()
        request = json.dumps({"command": "insert", "arguments": {"drive": "cd0", "path": other}}).encode() + b"\n"
        s.sendall(request)
        if "sandbox" not in json.loads(f.readline()).get("error", ""):
            return "opened by a machine in its sandbox"
        for path, mode in (("/dev/null", os.O_RDONLY), (files.top, os.O_RDONLY), (other, os.O_WRONLY)):
            fd = os.open(path, mode)
            socket.send_fds(s, [request], [fd])
            os.close(fd)
            if "error" not in json.loads(f.readline()):
                return f"{path} was taken"
        fds = [os.open(other, os.O_RDONLY) for _ in range(2)]
        before = len(os.listdir(f"/proc/{m.proc.pid}/fd"))
        socket.send_fds(s, [request], fds)
        if "error" in json.loads(f.readline()):
            return "not inserted"
        after = len(os.listdir(f"/proc/{m.proc.pid}/fd"))
        for fd in fds:
            os.close(fd)
        return None if after == before + 1 else f"{before} descriptors, then {after}"


def told(m, command, **arguments):
    """What the machine answers to a request without a descriptor."""
    s, f = m.connect()
    with s, f:
        f.readline()
        s.sendall(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
        return json.loads(f.readline())


def test_media(files):
    """What --media named is opened for it, by path and by name, and nothing else is."""
    os.makedirs(files.path("isos"), exist_ok=True)
    one, two = files.write("one.iso", bytes(2048 * 20)), files.write("isos/two.iso", bytes(2048 * 21))
    other, floppy = files.write("other.iso", bytes(2048 * 22)), files.write("isos/floppy.img", bytes(1440 << 10))
    os.symlink(other, files.path("isos/link.iso"))
    media = ("--media", one, "--media", files.path("isos"))
    with Machine(files, "md", "--cdrom", "none", "--floppy", "none", *media, files.path("spin.img")) as m:
        m.expect("R", 60)
        for path, size in ((one, 20), (two, 21), ("two.iso", 21)):
            answer = told(m, "insert", drive="cd0", path=path, force=True)
            cd = next(d for d in m.ask("info", "block") if d["drive"] == "cd0")
            if "error" in answer or cd["size"] != 2048 * size:
                return f"{path}: {answer}, {cd}"
        answer = told(m, "insert", drive="fd0", path=floppy)
        fd = next(d for d in m.ask("info", "block") if d["drive"] == "fd0")
        if "error" in answer or not fd["readonly"]:
            return f"the floppy: {answer}, {fd}"
        for path in (other, files.path("isos/../other.iso"), files.path("isos/link.iso"), "link.iso", "..", files.path("isos"), "/dev/null", ""):
            answer = told(m, "insert", drive="cd0", path=path, force=True)
            if "--media" not in answer.get("error", ""):
                return f"{path}: {answer}"
        answer = told(m, "insert", drive="cd0", path="none.iso")
        if "No such file" not in answer.get("error", ""):
            return f"a file that is missing: {answer}"
    p = run(files, ["--media", "%nothing.iso", "%off.img"])
    return None if p.returncode == 2 and b"No such file" in p.stderr else f"{p.returncode}: {p.stderr!r}"


TESTS = [test_status, test_attack, test_attack_net, test_violation, test_off, test_insert, test_media]


def cases(files):
    return [("sandbox " + t.__name__.removeprefix("test_"), lambda t=t: t(files)) for t in TESTS]
