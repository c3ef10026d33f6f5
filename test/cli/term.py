# SPDX-License-Identifier: GPL-2.0-or-later
"""The terminal display, as a user sees it: vmm in a terminal of tmux, keys typed into it.

GRUB's rescue CD is the guest: it has a command line on the screen, and can talk to a serial line.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time

from lib import VMM, GuestError, Skip, image


class Terminal:
    """A shell in a terminal of 100 by 32 characters."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = os.path.join(folder, "tmux")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "32", "-c", folder, "env PS1='$ ' sh")

    def tmux(self, *args):
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        env.pop("TMUX", None)
        p = subprocess.run(["tmux", "-u", "-S", self.socket, *args], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, check=False)
        if p.returncode:
            raise GuestError(f"tmux {args[0]}: {p.stderr.decode()}")
        return p.stdout.decode(errors="replace")

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def type(self, text):
        self.tmux("send-keys", "-l", text)
        self.keys("Enter")

    def menu(self, *letters):
        """Ctrl-] and what is chosen there."""
        self.keys("C-]")
        self.expect("other keys: back", 20)
        for c in letters:
            self.keys(c)

    def expect(self, pattern, timeout, gone=False):
        end = time.monotonic() + timeout
        rx = re.compile(pattern, re.M)
        while True:
            screen = self.screen()
            if bool(rx.search(screen)) != gone:
                return screen
            if time.monotonic() > end:
                raise GuestError(f"terminal: {pattern!r} {'stays' if gone else 'does not come'}:\n{screen}")
            time.sleep(0.1)

    def close(self):
        try:
            self.tmux("kill-server")
        except GuestError:
            pass


def check_guest_keys(t):
    t.expect(r"Change the colors", 120)
    t.keys("c")
    t.expect(r"grub>", 60)
    t.type("echo Some-Text_42 \"(x|y)\"")
    t.expect(r"^Some-Text_42 \(x\|y\)", 30)
    # Cursor keys and Home edit the line.
    t.tmux("send-keys", "-l", "cho back")
    t.keys("Home")
    t.tmux("send-keys", "-l", "e")
    t.keys("End", "Left", "BSpace")
    t.keys("Enter")
    t.expect(r"^bak", 30)


def check_screenshot(t):
    t.menu("p")
    t.expect(r"screenshot: \S+\.png", 20)
    end = time.monotonic() + 20
    while not glob.glob(t.folder + "/*.png") and time.monotonic() < end:
        time.sleep(0.1)
    pictures = glob.glob(t.folder + "/*.png")
    with open(pictures[0], "rb") as f:
        head = f.read(24)
    size = (int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    return None if head[:8] == b"\x89PNG\r\n\x1a\n" and size[0] >= 640 and size[1] >= 400 else f"picture of {size}"


def check_pause(t):
    t.menu("z")
    t.expect(r"other keys: back", 20, gone=True)
    t.expect(r"paused", 20)
    t.type("echo while-standing")
    time.sleep(1)
    if "while-standing" in t.screen():
        return "a paused guest took keys"
    t.menu()
    t.expect("resume", 20)
    t.keys("z")
    t.expect(r"paused", 20, gone=True)
    # The keys of before have filled the keyboard's buffer, and what comes until the guest has emptied it is lost.
    for left in range(10, -1, -1):
        t.type("")
        t.type("echo running again")
        try:
            t.expect(r"^running again", 6 if left else 30)
            return None
        except GuestError:
            if not left:
                raise
    return None


def check_serial_view(t):
    t.type("serial --unit=0 --speed=115200")
    t.type("terminal_output serial console")
    t.type("echo on-the-serial-line")
    t.expect(r"^on-the-serial-line", 30)
    t.menu("s")
    t.expect(r"other keys: back", 20, gone=True)
    t.expect(r"on-the-serial-line", 30)
    t.menu()
    t.expect("s +screen", 20)
    t.keys("s")
    t.expect(r"grub>", 30)


def check_reset(t):
    t.menu("r")
    t.expect("sure", 20)
    t.keys("r")
    t.expect(r"Some-Text_42|on-the-serial-line", 60, gone=True)
    t.expect(r"Change the colors", 120)


def check_command(t):
    """The line behind the menu's colon."""
    t.menu(":")
    t.keys("s", "t", "a", "t", "Enter")
    t.expect("state: running", 20)
    t.keys("x")
    t.expect("state: running", 20, gone=True)


def check_insert(t):
    """A CD that was named at the start goes in again; another file does not."""
    for path, answer in ((t.cd, "^done"), (t.folder + "/before", "only what --media named")):
        t.menu(":")
        t.tmux("send-keys", "-l", f"insert cd0 {path} force")
        t.keys("Enter")
        t.expect(answer, 20)
        t.keys("x")
        t.expect(answer, 20, gone=True)


def check_quit(t):
    t.menu("q")
    t.expect("sure", 20)
    t.keys("q")
    t.expect(r"status=0", 30)
    t.type("stty -a > after; echo a-plain-shell")
    t.expect(r"^a-plain-shell", 20)
    with open(t.folder + "/before", encoding="ascii") as a, open(t.folder + "/after", encoding="ascii") as b:
        return None if a.read() == b.read() else "the terminal's settings are not what they were"


def test_terminal(files):
    """Screen, keys, menu with screenshot, pause, serial view, reset and quit; the terminal afterwards."""
    if not shutil.which("tmux"):
        raise Skip("needs tmux")
    cd = image("grub-cd")
    with tempfile.TemporaryDirectory(prefix="vmm-term-") as d:
        t = Terminal(d)
        try:
            t.expect(r"^\$", 20)
            t.cd = cd
            t.type("stty -a > before")
            t.type(f"{VMM} run --accel soft --memory 64M --cdrom {cd}; echo status=$?")
            for step in (check_guest_keys, check_screenshot, check_pause, check_serial_view, check_command, check_insert, check_reset, check_quit):
                why = step(t)
                if why:
                    return f"{step.__name__}: {why}"
        finally:
            t.close()
    return None


def ticking(pid):
    """The terminal's redraw timer runs: by what the kernel says of the timers of the process."""
    for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
        try:
            with open(path, encoding="ascii") as f:
                if "it_interval: (0, 33333333)" in f.read():
                    return True
        except OSError:
            pass
    return False


def test_terminal_rests(files):
    """A screen that stands still is not looked at: the timer stops. Sizes, the menu and the guest start it."""
    if not shutil.which("tmux"):
        raise Skip("needs tmux")
    with tempfile.TemporaryDirectory(prefix="vmm-term-") as d:
        t = Terminal(d)
        try:
            t.type(f"{VMM} run --accel soft --memory 32M --name rests --control {d}/ctl --sandbox off {files.path('spin.img')}")
            t.expect(r"Booting from", 60)
            pids = subprocess.run(["pgrep", "-f", f"control {d}/ctl"], stdout=subprocess.PIPE, check=False).stdout.split()
            pids = [int(p) for p in pids if os.path.realpath(f"/proc/{int(p)}/exe") == os.path.realpath(VMM)]
            for what in ("the start", "another size", "the menu"):
                for _ in range(200):
                    if not any(map(ticking, pids)):
                        break
                    time.sleep(0.1)
                else:
                    return f"after {what} the timer does not stop"
                if what == "the start":
                    t.tmux("resize-window", "-x", "60", "-y", "20")
                    t.expect(r"rests \| text", 20)
                elif what == "another size":
                    t.menu()
                    t.keys("x")
            t.menu("q", "q")
            t.expect(r"ended by the user", 30)
        finally:
            t.close()
    return None


def test_terminal_too_small(files):
    """A terminal of a few characters is no reason to end."""
    if not shutil.which("tmux"):
        raise Skip("needs tmux")
    with tempfile.TemporaryDirectory(prefix="vmm-term-") as d:
        t = Terminal(d)
        try:
            t.tmux("resize-window", "-x", "20", "-y", "5")
            t.type(f"{VMM} run --accel soft --memory 32M {files.path('spin.img')}")
            time.sleep(2)
            t.keys("C-]")
            time.sleep(1)
            t.tmux("resize-window", "-x", "90", "-y", "30")
            t.expect("other keys: back", 20)
            t.keys("q", "q")
            t.expect(r"ended by the user", 30)
        finally:
            t.close()
    return None


def cases(files):
    return [(t.__name__, lambda t=t: t(files)) for t in (test_terminal, test_terminal_rests, test_terminal_too_small)]
