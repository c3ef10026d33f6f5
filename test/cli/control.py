# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket: every command, two machines of one name, killed ones, hostile clients."""
import json
import os
import signal
import socket
import subprocess
import time

from lib import VMM, Guest, image


class Machine(Guest):
    """A guest in a runtime folder of its own, with a name."""

    def __init__(self, files, name, *args):
        self.name = name
        self.runtime = files.path("runtime")
        os.makedirs(self.runtime, mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = self.runtime
        super().__init__("--memory", "32M", "--name", name, *args)
        end = time.monotonic() + 20
        while not os.path.exists(self.path()) and self.proc.poll() is None and time.monotonic() < end:
            time.sleep(0.02)

    def path(self):
        return os.path.join(self.runtime, "guestmode", self.name)

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.path())
        s.settimeout(30)
        return s, s.makefile("rb")

    def vmm(self, command, *words, status=0):
        p = vmm(command, self.name, *words)
        if p.returncode != status:
            self.fail(f"vmm {command} {words}: status {p.returncode}: {p.stderr}")
        return p.stdout + p.stderr

    def ask(self, command, *words):
        p = vmm(command, self.name, *words, "--json")
        if p.returncode:
            self.fail(f"vmm {command} {words}: {p.stderr}")
        return json.loads(p.stdout)

    def until(self, text, times, end):
        """The screen has the text so often."""
        while self.vmm("screenshot", "-").count(text) < times:
            if time.monotonic() > end:
                self.fail(f"no {text!r} on the screen")
            time.sleep(0.2)


def vmm(*args):
    return subprocess.run([VMM, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)


def test_stat_list(files):
    with Machine(files, "st", files.path("spin.img")) as m:
        m.expect("R", 60)
        s = m.ask("stat")
        if s["name"] != "st" or s["state"] != "running" or s["memory"] != 32 << 20 or s["pid"] != m.proc.pid:
            return f"stat: {s}"
        names = [x["name"] for x in json.loads(vmm("list", "--json").stdout)]
        if names != ["st"]:
            return f"list: {names}"
    return None


def test_pause_resume(files):
    """A paused machine's time stands; commands that make no sense are harmless."""
    with Machine(files, "pr", files.path("spin.img")) as m:
        m.expect("R", 60)
        m.vmm("pause")
        m.vmm("pause")
        a = m.ask("stat")
        time.sleep(0.3)
        b = m.ask("stat")
        m.vmm("resume")
        m.vmm("resume")
        c = m.ask("stat")
        if (a["state"], b["state"], c["state"]) != ("paused", "paused", "running"):
            return f"{a}, {b}, {c}"
        return None if a["seconds"] == b["seconds"] else f"time went on: {a} {b}"


def test_reset(files):
    with Machine(files, "rs", files.path("spin.img")) as m:
        m.expect("R", 60)
        m.vmm("reset")
        m.expect("R", 60)
        return None if m.ask("stat")["resets"] == 1 else "not counted"


def test_stop_kill(files):
    """stop waits until the process is gone; the name is free at once."""
    for command, word in (("stop", "does not listen"), ("kill", "ended by the user")):
        with Machine(files, "sk", files.path("spin.img")) as m:
            m.expect("R", 60)
            m.vmm(command)
            m.wait(0, 20)
            if word not in m.errors():
                return f"{command}: {m.errors()!r}"
            if os.path.exists(m.path()):
                return f"{command}: the socket is still there"
    return None


def test_stop_powers_off(files):
    with Machine(files, "so", "--memory", "128M", "--disk", image("demo-disk") + ",snapshot") as m:
        m.expect(r"guestmode# ", 240)
        m.vmm("stop")
        m.expect(r"reboot: Power down", 60)
        m.wait(0, 30)
    return None


def test_info(files):
    with Machine(files, "in", "--cdrom", "none", files.path("spin.img")) as m:
        m.expect("R", 60)
        cpus = m.ask("info", "cpus")
        if len(cpus) != 1 or cpus[0]["mode"] != "real" or not 0x7C00 <= int(cpus[0]["rip"], 16) < 0x7E00:
            return f"cpus: {cpus}"
        pci = {d["slot"]: d["ids"] for d in m.ask("info", "pci")}
        if pci.get("00:00.0") != "8086:1237" or pci.get("00:01.1") != "8086:7010":
            return f"pci: {pci}"
        tree = m.ask("info", "mtree")
        if tree["memory"][0]["kind"] != "ram" or not any(p["from"] == "0x3f8" for p in tree["ports"]):
            return f"mtree: {tree}"
        if "pic" not in m.ask("info", "irq") or not isinstance(m.ask("info", "net"), list):
            return "irq, net"
        drives = {d["drive"]: d["path"] for d in m.ask("info", "block")}
        if drives != {"hd0": files.path("spin.img"), "cd0": None}:
            return f"block: {drives}"
        if m.ask("info", "devices", "rtc").get("index") is None and not m.ask("info", "devices", "rtc"):
            return "devices rtc"
        if "not known" not in m.vmm("info", "nonsense", status=1):
            return "info nonsense"
    return None


def test_screenshot(files):
    with Machine(files, "sc", files.path("spin.img")) as m:
        m.expect("R", 60)
        png, txt = files.path("s.png"), files.path("s.txt")
        m.vmm("screenshot", png)
        m.vmm("screenshot", txt)
        with open(png, "rb") as f:
            data = f.read()
        if data[:8] != b"\x89PNG\r\n\x1a\n" or data[-8:-4] != b"IEND":
            return "no PNG"
        with open(txt, encoding="utf-8") as f:
            return None if "SeaBIOS" in f.read() else "no text"


def test_media(files):
    """Insert and eject; what is no drive, no image, or in use already."""
    other = files.write("other.iso", bytes(2048 * 20))
    with Machine(files, "md", "--cdrom", "none", "--floppy", "none", files.path("spin.img")) as m:
        m.expect("R", 60)
        m.vmm("insert", "cd0", other)
        if {d["drive"]: d["path"] for d in m.ask("info", "block")}["cd0"] != other:
            return "not inserted"
        m.vmm("eject", "cd0")
        m.vmm("eject", "cd0")
        m.vmm("insert", "fd0", files.write("floppy.img", bytes(1440 << 10)))
        for words in (("cd1", other), ("hd0", other), ("cd", other), ("cd0", "/nonexistent"), ("cd0", files.path("folder"))):
            m.vmm("insert", *words, status=1)
        if "too many" not in m.vmm("insert", "cd0", other, "force", "more", status=2):
            return "too many words"
    return None


def test_balloon(files):
    """What is asked of a guest; one without the driver keeps what it has."""
    with Machine(files, "ba", "--device", "virtio-balloon", files.path("spin.img")) as m:
        m.expect("R", 60)
        if m.ask("balloon") != {"memory": 32, "wanted": 32, "guest": 32}:
            return f"at first: {m.ask('balloon')}"
        if m.ask("balloon", "20") != {"memory": 32, "wanted": 20, "guest": 32}:
            return f"after 20: {m.ask('balloon')}"
        for bad in ("0", "33", "-1", "lots", "99999999999999999999"):
            m.vmm("balloon", bad, status=2 if bad == "lots" or len(bad) > 10 else 1)
    with Machine(files, "bn", files.path("spin.img")) as m:
        m.expect("R", 60)
        return None if "no balloon" in m.vmm("balloon", status=1) else "a balloon that is not there"


def test_sendkey(files):
    """Keys reach GRUB's menu, and what is typed there comes whole."""
    with Machine(files, "sn", "--memory", "64M", "--cdrom", image("grub-cd")) as m:
        end = time.monotonic() + 120
        while "Change the colors" not in m.vmm("screenshot", "-") and time.monotonic() < end:
            time.sleep(0.5)
        m.vmm("sendkey", "c")
        # The BIOS keeps fifteen keys, and GRUB on a busy host may look for them seldom.
        text = "echo the-quick-brown-fox-Jumps_Over 0123456789"
        for i in range(0, len(text), 12):
            m.vmm("type", text[i : i + 12])
            m.until(text[: i + 12].rstrip(), 1, end)
        m.vmm("sendkey", "ret")
        m.until(text[5:], 2, end)
        m.vmm("sendkey", "no-such-key", status=1)
    return None


def test_console(files):
    """The serial port, beside where it goes already: both ways."""
    with Machine(files, "co", "--memory", "128M", "--disk", image("demo-disk") + ",snapshot") as m:
        m.expect(r"guestmode# ", 240)
        p = subprocess.Popen([VMM, "console", "co"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        p.stdin.write(b"echo over-$((40 + 2))-there\n")
        p.stdin.flush()
        got = b""
        while b"over-42-there" not in got:
            piece = os.read(p.stdout.fileno(), 4096)
            if not piece:
                return f"console: {got!r}"
            got += piece
        p.kill()
        p.wait()
        m.expect("over-42-there", 20)
    return None


def test_names(files):
    """A name can be taken once; without a name a number is added; what is no name is refused."""
    spin2 = files.path("spin2.img")
    subprocess.run(["cp", files.path("spin.img"), spin2], check=True)
    with Machine(files, "one", files.path("spin.img")) as m:
        m.expect("R", 60)
        p = vmm("run", "--display", "none", "--serial", "none", "--accel", "soft", "--name", "one", spin2)
        if p.returncode != 2 or "is running" not in p.stderr:
            return f"second: {p.returncode} {p.stderr}"
        p = vmm("run", "--display", "none", "--serial", "none", "--accel", "soft", "--name", "a/b", spin2)
        if p.returncode != 2 or "cannot be a machine's name" not in p.stderr:
            return f"a/b: {p.returncode} {p.stderr}"
        spin_one = files.path("one.img")
        os.rename(spin2, spin_one)
        with Guest("--memory", "32M", spin_one) as g:
            g.expect("R", 60)
            names = sorted(x["name"] for x in json.loads(vmm("list", "--json").stdout))
            if names != ["one", "one-2"]:
                return f"names: {names}"
    return None


def test_stale(files):
    """What a killed machine leaves: the name can be taken again, and list cleans up."""
    for how in ("run", "list"):
        with Machine(files, "dead", files.path("spin.img")) as m:
            m.expect("R", 60)
            m.proc.kill()
            m.proc.wait()
            if not os.path.exists(m.path()):
                return "no socket is left: nothing tested"
            if how == "list":
                if "no machine" not in vmm("list").stdout or os.path.exists(m.path()):
                    return "list does not clean up"
                if "no machine" not in vmm("stat", "dead").stderr:
                    return "stat of a dead one"
                return None
        with Machine(files, "dead", files.path("spin.img")) as m:
            m.expect("R", 60)
            m.vmm("stat")
    return None


def test_folder(files):
    """A runtime folder that others can enter is not used; the machine runs all the same."""
    old = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = files.path("open")
    os.makedirs(files.path("open") + "/guestmode", mode=0o755)
    os.chmod(files.path("open") + "/guestmode", 0o755)
    try:
        with Guest("--memory", "32M", files.path("spin.img")) as g:
            g.expect("R", 60)
            if "closed to others" not in g.errors():
                return f"no word: {g.errors()!r}"
        p = vmm("run", "--display", "none", "--serial", "none", "--accel", "soft", "--name", "x", files.path("off.img"))
        return None if p.returncode == 2 else f"with a name: {p.returncode} {p.stderr}"
    finally:
        if old:
            os.environ["XDG_RUNTIME_DIR"] = old


HOSTILE = [
    (b"nonsense\n", b"not JSON"),
    (b"[1,2]\n", b"object"),
    (b'{"command":5}\n', b"object"),
    (b'{"command":"no"}\n', b"not a command"),
    (b'{"command":"info"}\n', b"needs"),
    (b'{"command":"info","arguments":[]}\n', b"no object"),
    (b'{"command":"info","arguments":{"what":7}}\n', b"wrong type"),
    (b'{"command":"stat","arguments":{"x":1}}\n', b"not known"),
    (b'{"command":"stat","command":"stat"}\n', b"not JSON"),
    (b"[" * 60000 + b"\n", b"not JSON"),
    (b'{"command":"\xff\xfe"}\n', b"not JSON"),
    (b'{"command":"stat\\u0000x"}\n', b"not JSON"),
    (b"x" * 70000, b"too long"),
    (b'{"command":"console","arguments":{"port":99}}\n', b"no serial port"),
]


def test_hostile_lines(files):
    with Machine(files, "hl", files.path("spin.img")) as m:
        m.expect("R", 60)
        for line, want in HOSTILE:
            s, f = m.connect()
            f.readline()
            s.sendall(line)
            got = f.readline()
            if want not in got:
                return f"{line[:40]!r}: {got!r}"
            s.close()
        # The id comes back, and several requests in one piece are answered in order.
        s, f = m.connect()
        f.readline()
        s.sendall(b'{"id":"a","command":"stat"}\n\n{"id":[2],"command":"help"}\n{"id":3,"command":"stat"}\n')
        ids = [json.loads(f.readline())["id"] for _ in range(3)]
        s.close()
        if ids != ["a", [2], 3]:
            return f"ids: {ids}"
        m.vmm("stat")
    return None


def test_hostile_clients(files):
    """Many connections, clients that do not read, that vanish: the machine goes on, others are served."""
    with Machine(files, "hc", files.path("spin.img")) as m:
        m.expect("R", 60)
        many = [m.connect() for _ in range(60)]
        served = sum(1 for s, f in many if f.readline())
        if served != 32:
            return f"{served} connections were served"
        for s, f in many:
            f.close()
            s.close()
        # Asks for much and reads nothing.
        deaf, _ = m.connect()
        deaf.settimeout(2)
        try:
            while True:
                deaf.sendall(b'{"command":"info","arguments":{"what":"mtree"}}\n' * 1000)
        except socket.timeout:
            pass
        a = m.ask("stat")["seconds"]
        with open(f"/proc/{m.proc.pid}/status", encoding="ascii") as f:
            rss = int([x for x in f if x.startswith("VmRSS")][0].split()[1])
        deaf.close()
        if rss > 200 << 10:
            return f"{rss} KiB of memory"
        time.sleep(0.2)
        if m.ask("stat")["seconds"] <= a:
            return "time stands"
    return None


def test_events(files):
    with Machine(files, "ev", files.path("spin.img")) as m:
        m.expect("R", 60)
        s, f = m.connect()
        f.readline()
        s.sendall(b'{"command":"events"}\n')
        f.readline()
        m.vmm("pause")
        m.vmm("resume")
        m.proc.send_signal(signal.SIGINT)
        got = [json.loads(f.readline())["event"] for _ in range(3)]
        return None if got == ["paused", "running", "ended"] else str(got)


def test_trace(files):
    out = files.path("trace.txt")
    p = subprocess.run(
        [VMM, "run", "--display", "none", "--serial", "none", "--accel", "soft", "--memory", "32M", "--control", "none", "--trace", f"io,block,state={out}", files.path("off.img")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if p.returncode:
        return p.stderr
    with open(out, encoding="utf-8") as f:
        text = f.read()
    for want in ("cpu0 io piix4 pm 0x604 w2 0x2000", "read at 0, 512 bytes: done", "state running"):
        if want not in text:
            return f"no {want!r}"
    p = vmm("run", "--trace", "io,nonsense", files.path("off.img"))
    return None if p.returncode == 2 and "nonsense" in p.stderr else p.stderr


def test_doctor(files):
    p = vmm("doctor")
    if p.returncode or "machines can run here" not in p.stdout or "firmware: /" not in p.stdout:
        return p.stdout + p.stderr
    return None


TESTS = [
    test_stat_list, test_pause_resume, test_reset, test_stop_kill, test_stop_powers_off, test_info, test_screenshot,
    test_media, test_balloon, test_sendkey, test_console, test_names, test_stale, test_folder, test_hostile_lines,
    test_hostile_clients, test_events, test_trace, test_doctor,
]


def cases(files):
    return [("control " + t.__name__, lambda t=t: t(files)) for t in TESTS]
