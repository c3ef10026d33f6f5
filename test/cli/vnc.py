# SPDX-License-Identifier: GPL-2.0-or-later
"""The VNC server: passwords, sockets, several clients, hostile ones, and a screen that stands still."""
import glob
import os
import random
import socket
import stat
import struct
import time

import rfb
from control import Machine, vmm
from lib import complaint, run

KEYS = rfb.KEY_NUMBERS


def machine(files, name, where, *args):
    """A guest that shows the firmware's text and then stands still."""
    return Machine(files, name, "--display", where, *args, files.path("spin.img"))


def alone(m, n):
    """Waits until there are n clients."""
    for _ in range(300):
        if m.ask("info", "display")["viewers"] == n:
            return True
        time.sleep(0.1)
    return False


def greeted(where):
    """The server answers a new client; those that have hung up may take a moment to make place for it."""
    end = time.monotonic() + 10
    while True:
        try:
            with rfb.Client(where) as c:
                c.refresh()
                return c.width >= 320
        except rfb.RfbError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_login(files):
    """Without a password; the name; a whole picture with something on it."""
    n = rfb.free_display()
    with machine(files, "vl", f"vnc=:{n}") as m:
        m.expect("R", 60)
        with rfb.Client(n) as c:
            c.refresh()
            if c.name != "vl" or (c.width, c.height) != (720, 400):
                return f"{c.name} {c.width}x{c.height}"
            if not any(any(row) for row in c.rows):
                return "a black picture"
        try:
            rfb.Client(n, password="secret")
            return "a login with a password"
        except rfb.RfbError:
            pass
    return None


def test_password(files):
    n = rfb.free_display()
    secret = files.write("secret", b"sesame99\n")
    os.chmod(secret, 0o600)
    with machine(files, "vp", f"vnc=:{n},password-file={secret}") as m:
        m.expect("R", 60)
        for password in ("sesame9", "", "SESAME99", None):
            try:
                rfb.Client(n, password=password)
                return f"logged in with {password!r}"
            except rfb.RfbError:
                pass
        with rfb.Client(n, password="sesame99") as c:
            c.refresh()
    return None


def test_bad_options(files):
    """What is refused: the password's file, addresses."""
    loose = files.write("loose", b"secret\n")
    os.chmod(loose, 0o644)
    empty = files.write("empty-secret", b"\n")
    os.chmod(empty, 0o600)
    for value, wanted in (
        (f"vnc,password-file={loose}", "everybody can read"),
        (f"vnc,password-file={empty}", "first line is empty"),
        ("vnc,password-file=/nonexistent", "No such file"),
        ("vnc=9", "is not an address"),
        ("vnc=:99999", "is not an address"),
        ("vnc=:x", "is not an address"),
        ("vnc=unix:", "is not an address"),
        ("vnc=unix:/nonexistent/s", "No such file"),
        ("vnc=no.such.host.invalid:1", "no.such.host.invalid"),
        ("vnc,colour=red", "'colour=red' is not known"),
        ("term,fullscreen", "'fullscreen' is not known"),
        ("sdl=1", "is not known"),
    ):
        why = complaint(run(files, ["--display", value, "--serial", "none", "--control", "none", "%spin.img"]), 2, wanted)
        if why:
            return f"{value}: {why}"
    return None


def test_port_in_use(files):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        n = s.getsockname()[1] - 5900
        args = ["--display", f"vnc=:{n}", "--serial", "none", "--control", "none", "%spin.img"]
        return complaint(run(files, args), 2, "Address already in use")


def test_unix_socket(files):
    """For its owner alone, and gone with the machine."""
    path = files.path("vnc.sock")
    with machine(files, "vu", "vnc=unix:" + path) as m:
        m.expect("R", 60)
        if stat.S_IMODE(os.stat(path).st_mode) != 0o600:
            return oct(os.stat(path).st_mode)
        if not greeted(path):
            return "no picture"
        m.vmm("kill")
        m.wait(0, 60)
    return "the socket is still there" if os.path.exists(path) else None


def test_several(files):
    """Eight clients have the same picture; the ninth is sent away; a place that is left is free."""
    n = rfb.free_display()
    with machine(files, "vs", f"vnc=:{n}") as m:
        m.expect("R", 60)
        clients = [rfb.Client(n) for _ in range(8)]
        for c in clients:
            c.refresh()
        if any(c.rows != clients[0].rows for c in clients):
            return "pictures differ"
        if m.ask("info", "display")["viewers"] != 8:
            return f"{m.ask('info', 'display')}"
        try:
            rfb.Client(n)
            return "nine clients"
        except (rfb.RfbError, OSError):
            pass
        clients.pop().s.close()
        if not alone(m, 7) or not greeted(n):
            return "no place"
        for c in clients:
            c.s.close()
    return None


def hostile_bytes(rng):
    """Beginnings that are right, then anything."""
    hello = b"RFB 003.008\n\1\1"
    tails = [
        b"",
        bytes(rng.randrange(256) for _ in range(3000)),
        struct.pack(">BxH", 2, 65535),
        struct.pack(">BxxxI", 6, 0xFFFFFFFF) + b"x" * 100,
        struct.pack(">BxxxI", 6, 0x7FFFFFFF),
        struct.pack(">BxxxBBBBHHHBBBxxx", 0, 255, 255, 1, 1, 65535, 0, 1, 255, 255, 255),
        struct.pack(">BxxxBBBBHHHBBBxxx", 0, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0) + struct.pack(">BBHHHH", 3, 0, 65535, 65535, 65535, 65535),
        struct.pack(">BBHHHH", 3, 0, 0, 0, 65535, 65535) * 50,
        b"".join(struct.pack(">BBxxI", 4, rng.randrange(256), rng.randrange(1 << 32)) for _ in range(2000)),
        b"".join(struct.pack(">BBHH", 5, rng.randrange(256), rng.randrange(65536), rng.randrange(65536)) for _ in range(2000)),
        bytes([7, 0]) + bytes(2000),
        bytes([8, 255, 0, 0]) + b"\0" * 100,
        bytes([255, 0, 0, 1]),
        struct.pack(">BxHi", 2, 1, KEYS) + b"".join(struct.pack(">BBHII", 255, 0, 1, 0, k) for k in range(0, 70000, 97)),
        struct.pack(">BxHi", 2, 1, KEYS) + struct.pack(">BBHII", 255, 9, 1, 0, 5),
    ]
    for tail in tails:
        yield hello + tail
        yield hello[:13] + tail[:50]
    yield b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    yield b"\x16\x03\x01\x02\x00\x01"
    yield b"RFB 999.999\n" * 10
    yield bytes(rng.randrange(256) for _ in range(5000))


def test_hostile_clients(files):
    """Nonsense, half messages, clients that hang up or fall silent: others are served all the while."""
    n, rng = rfb.free_display(), random.Random(7)
    with machine(files, "vh", f"vnc=:{n}") as m:
        m.expect("R", 60)
        with rfb.Client(n) as good:
            for data in hostile_bytes(rng):
                s = rfb.dial(n)
                try:
                    s.sendall(data)
                except OSError:
                    pass
                good.refresh()
                s.close()
            if not alone(m, 1):
                return "those who hung up are still there"
            # Six of them stay, silent in the middle of something.
            silent = [rfb.dial(n) for _ in range(6)]
            for i, s in enumerate(silent):
                s.sendall(b"RFB 003.008\n\1\1\6\0\0\0\0\0\7\0"[: 3 * i])
            for _ in range(3):
                good.refresh()
            if not greeted(n) or m.ask("stat")["state"] != "running":
                return "others are not served"
            for s in silent:
                s.close()
    return None


def switches(pid):
    """How often the threads of VNC clients have slept."""
    out = {}
    for task in glob.glob(f"/proc/{pid}/task/*"):
        with open(task + "/comm", encoding="ascii") as f:
            if f.read() != "vnc\n":
                continue
        with open(task + "/status", encoding="ascii") as f:
            out[task] = next(line for line in f if line.startswith("voluntary"))
    return out


def test_idle(files):
    """A screen that stands still is not looked at, and nothing is sent; a change is seen."""
    n = rfb.free_display()
    with machine(files, "vi", f"vnc=:{n}") as m:
        m.expect("R", 60)
        with rfb.Client(n) as c:
            c.refresh()
            for _ in range(50):
                if not c.update(True, 0.4):
                    break
            looks, slept = m.ask("info", "display")["looks"], switches(m.proc.pid)
            if len(slept) != 1:
                return f"threads: {slept}"
            time.sleep(3)
            if m.ask("info", "display")["looks"] != looks or switches(m.proc.pid) != slept:
                return f"{looks} looks, then {m.ask('info', 'display')['looks']}; {slept} {switches(m.proc.pid)}"
            m.vmm("reset")
            c.message()
            if m.ask("info", "display")["looks"] == looks:
                return "no look at what changed"
    return None


def test_nobody(files):
    """Without a client nothing is looked at."""
    n = rfb.free_display()
    with machine(files, "vn", f"vnc=:{n}") as m:
        m.expect("R", 60)
        if m.ask("info", "display")["looks"]:
            return f"{m.ask('info', 'display')}"
    return None


def test_key_numbers(files):
    """Keys by scan code are offered to clients that know them."""
    n = rfb.free_display()
    with machine(files, "vk", f"vnc=:{n}") as m:
        m.expect("R", 60)
        with rfb.Client(n, encodings=(rfb.RAW, KEYS)) as c:
            c.refresh()
            while not c.key_numbers:
                c.message()
            for code in (0x1E, 0x9D, 0xC6, 0x1234, 0xFFFFFFFF):
                c.key_number(code, 1)
                c.key_number(code, 0)
            c.refresh()
    return None


def test_doctor(files):
    out = vmm("doctor").stdout
    return None if "VNC" in out and "window" in out else out


TESTS = [
    test_login, test_password, test_bad_options, test_port_in_use, test_unix_socket, test_several,
    test_hostile_clients, test_idle, test_nobody, test_key_numbers, test_doctor,
]


def cases(files):
    return [("vnc " + t.__name__, lambda t=t: t(files)) for t in TESTS]
