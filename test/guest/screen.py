# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests at a screen: VNC clients, a window, pointers, changing CDs: rows of run.py."""
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import rfb
from guest import VMM, Guest, GuestError, image
from picture import pixels_differ, png_pixels

PROMPT = r"guest# "
T = float(os.environ.get("GUEST_TIMEOUT", "1"))


def linux(*args, append="", **how):
    g = Guest("--kernel", image("linux-6.1-amd64"), "--initrd", image("initrd-screen-amd64"), "--append", f"console=ttyS0 quiet {append}", "--memory", "512M", *args, **how)
    return g


def ready(g):
    g.expect(r"guest ready: Linux", 300 * T)
    g.expect(PROMPT, 60 * T)


def settle(client, limit=60):
    """Takes updates until there are none for a second; the cursor of a frame buffer blinks, though."""
    end = time.monotonic() + limit * T
    while client.update(True, 1) and time.monotonic() < end:
        pass


def captured(n, folder, name="shot.png"):
    """The picture that gvnccapture, a client of somebody else's, gets."""
    path = os.path.join(folder, name)
    p = subprocess.run(["gvnccapture", "-q", f"localhost:{n}", path], capture_output=True, timeout=120, check=False)
    if p.returncode:
        raise GuestError(f"gvnccapture: {p.stderr.decode()}")
    keep(path)
    return png_pixels(path)


def keep(path):
    """For looking at: SCREEN_KEEP=FOLDER collects the pictures."""
    if os.environ.get("SCREEN_KEEP"):
        shutil.copy(path, os.environ["SCREEN_KEEP"])


def vnc_text():
    """Typed over VNC, run by the guest's shell, seen in the picture; gvnccapture sees the same."""
    n = rfb.free_display()
    with tempfile.TemporaryDirectory() as d, Guest("--disk", image("demo-disk") + ",snapshot", "--display", f"vnc=:{n}") as g:
        g.expect(r"guestmode# ", 240 * T)
        g.expect_screen(r"^guestmode#", 60 * T)
        with rfb.Client(n) as c:
            c.refresh()
            settle(c)
            before = list(map(bytes, c.rows))
            c.type('echo "Seen: $((6*7))" | tr S s; echo ~!@#%^\\&*_+{}\\|:?,./-=[]\n')
            g.expect_screen(r"^seen: 42$", 60 * T)
            g.expect_screen(r"^~!@#%\^&\*_\+\{\}\|:\?,\./-=\[\]$", 60 * T)
            settle(c)
            if before == c.rows:
                g.fail("the picture did not change")
            width, height, rows = captured(n, d)
            if (width, height) != (c.width, c.height) or rows != c.rgb():
                g.fail(f"gvnccapture has another picture: {width}x{height}, {pixels_differ(rows, c.rgb()):.3f}")
            c.type("poweroff\n")
        g.wait(0, 120 * T)
        return f"{g.seconds():.1f} s"


def vnc_graphics():
    """From text to the frame buffer of Linux: the new size is told, the picture is the screenshot's, keys are
    taken, and the guest's tablet is where the client points."""
    n = rfb.free_display()
    with linux("--display", f"vnc=:{n}", screen="png") as g:
        with rfb.Client(n) as c:
            c.refresh()
            ready(g)
            settle(c, 5)
            if c.sizes[0] == c.sizes[-1] or c.width < 1024:
                g.fail(f"sizes: {c.sizes}")
            g.command("(setsid sh </dev/tty1 >/dev/tty1 2>&1 &)", PROMPT)
            c.type("echo typed-$((6*7)) | tee /tmp/typed\n")
            if "typed-42" not in g.command("sleep 1; cat /tmp/typed", PROMPT, 60 * T):
                g.fail("not typed")
            settle(c, 5)
            shot = g.screen()
            keep(shot)
            width, height, rows = png_pixels(shot)
            if (width, height) != (c.width, c.height):
                g.fail(f"screenshot {width}x{height}, client {c.width}x{c.height}")
            # The cursor of the frame buffer console blinks.
            if pixels_differ(rows, c.rgb()) > 0.0005:
                g.fail(f"the client has another picture: {pixels_differ(rows, c.rgb()):.4f}")
            tablet(g, c)
        g.send("poweroff -f\n")
        g.wait(0, 60 * T)
        return f"{c.width}x{c.height}, {g.seconds():.1f} s"


def event_device(g, name):
    """/dev/input/eventN of the device with this in its name."""
    out = g.command("cat /proc/bus/input/devices", PROMPT)
    for part in re.split(r"\r?\n\r?\n", out):
        m = re.search(rf'Name="[^"]*{name}[^"]*"', part)
        e = re.search(r"Handlers=.*(event\d+)", part)
        if m and e:
            return "/dev/input/" + e.group(1)
    g.fail(f"no input device {name!r}: {out!r}")


def record(g, device):
    g.command(f"(cat {device} > /tmp/events &); sleep 1", PROMPT)


def recorded(g):
    """(type, code, value) of what came in."""
    time.sleep(1)
    out = g.command("hexdump -v -e '24/1 \"%02x\" \"\\n\"' /tmp/events", PROMPT)
    return [struct.unpack("<HHi", bytes.fromhex(line[32:48])) for line in re.findall(r"^([0-9a-f]{48})\r?$", out, re.M)]


def tablet(g, c):
    """Positions, a click, the wheel."""
    record(g, event_device(g, "USB tablet"))
    for x, y, buttons in ((0, 0, 0), (c.width // 2, c.height // 4, 0), (c.width - 1, c.height - 1, 1), (c.width - 1, c.height - 1, 0), (10, 20, 8), (10, 20, 0), (10, 20, 16), (10, 20, 0)):
        c.point(x, y, buttons)
        time.sleep(0.1)
    got = recorded(g)
    wanted = [(3, 0, round(c.width // 2 * 32767 / (c.width - 1))), (3, 1, 32767), (1, 272, 1), (1, 272, 0), (2, 8, 1), (2, 8, -1)]
    for kind, code, value in wanted:
        if not any(k == kind and o == code and abs(v - value) <= (kind == 3) for k, o, v in got):
            g.fail(f"tablet: no {kind, code, value} in {got}")


def mouse():
    """The PS/2 mouse, with a wheel, gets motion."""
    n = rfb.free_display()
    with linux("--display", f"vnc=:{n},no-tablet", append="modprobe.blacklist=bochs") as g:
        ready(g)
        with rfb.Client(n) as c:
            c.refresh()
            record(g, event_device(g, "(Im|Generic|Mouse)"))
            for x, y, buttons in ((50, 50, 0), (60, 45, 0), (60, 45, 4), (60, 45, 0), (60, 45, 8), (60, 45, 0)):
                c.point(x, y, buttons)
                time.sleep(0.2)
            got = recorded(g)
        for wanted in ((2, 0, 10), (2, 1, -5), (1, 273, 1), (1, 273, 0), (2, 8, 1)):
            if wanted not in got:
                g.fail(f"mouse: no {wanted} in {got}")
        g.send("poweroff -f\n")
        g.wait(0, 60 * T)
        return f"{g.seconds():.1f} s"


def vnc_menu():
    """isolinux's graphical menu: a client that connected to text is told the size, and sees the picture."""
    reference = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pictures", "vesamenu.png")
    width, height, want = png_pixels(reference)
    n = rfb.free_display()
    with tempfile.TemporaryDirectory() as d, Guest("--cdrom", image("vesamenu-cd"), "--display", f"vnc=:{n}") as g:
        with rfb.Client(n) as c:
            end = time.monotonic() + 120 * T
            c.update(False)
            while (c.width, c.height) != (width, height) or pixels_differ(want, c.rgb()) > 0.01:
                if time.monotonic() > end:
                    g.fail(f"the menu is not the picture; sizes {c.sizes}")
                c.update(True, 1)
            before = c.rgb()
            c.press(0xFF54)  # down
            while c.rgb() == before:
                if time.monotonic() > end:
                    g.fail("the menu takes no key")
                c.update(True, 1)
            settle(c)
            if captured(n, d, "menu.png")[2] != c.rgb():
                g.fail("gvnccapture has another picture")
        return f"{c.sizes}, {g.seconds():.1f} s"


class Xvfb:
    """A display server without a display; its picture lies in a file (format of xwd). The window manager may still
    be starting when the first window comes."""

    def __init__(self, manager=("openbox", "--sm-disable")):
        self.args = manager

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="vmm-x-")
        r, w = os.pipe()
        args = ["Xvfb", "-displayfd", str(w), "-screen", "0", "1024x768x24", "-fbdir", self.dir.name, "-nolisten", "tcp"]
        self.proc = subprocess.Popen(args, pass_fds=[w], stderr=subprocess.DEVNULL)
        os.close(w)
        with os.fdopen(r) as f:
            self.display = ":" + f.readline().strip()
        os.environ["DISPLAY"] = self.display
        os.environ["SDL_VIDEODRIVER"] = "x11"
        self.manager = subprocess.Popen(self.args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, kind, value, tb):
        del os.environ["DISPLAY"], os.environ["SDL_VIDEODRIVER"]
        self.manager.kill()
        self.manager.wait()
        self.manager.stdout.close()
        self.proc.kill()
        self.proc.wait()
        self.dir.cleanup()

    def rows(self):
        with open(os.path.join(self.dir.name, "Xvfb_screen0"), "rb") as f:
            data = f.read()
        head = struct.unpack(">25I", data[:100])
        size, width, height, stride, colours = head[0], head[4], head[5], head[12], head[19]
        start, out = size + colours * 12, []
        for y in range(height):
            row = data[start + y * stride :][: 4 * width]
            line = bytearray(3 * width)
            line[0::3], line[1::3], line[2::3] = row[2::4], row[1::4], row[0::4]
            out.append(bytes(line))
        return out

    def tool(self, *args):
        p = subprocess.run(["xdotool", *args], capture_output=True, text=True, timeout=60, check=False)
        if p.returncode:
            raise GuestError(f"xdotool {args}: {p.stderr}")
        return p.stdout

    def window(self, name):
        return self.tool("search", "--sync", "--name", name).split()[0]

    def place(self, window):
        out = self.tool("getwindowgeometry", "--shell", window)
        return [int(re.search(rf"^{k}=(-?\d+)$", out, re.M).group(1)) for k in ("X", "Y", "WIDTH", "HEIGHT")]


def shows(screen, rows, place):
    """Whether the picture is on the screen at about that place: what a window manager puts around a window is
    not told."""
    w = len(rows[0])
    key = next(i for i, r in enumerate(rows) if any(r))
    for y in range(max(place[1] - 60, 0), min(place[1] + 60, len(screen) - len(rows)) + 1):
        at = screen[y + key].find(rows[key])
        if at >= 0 and at % 3 == 0 and all(screen[y + i][at : at + w] == r for i, r in enumerate(rows)):
            return True
    return False


def until(g, what, limit, fn):
    end = time.monotonic() + limit * T
    while not fn():
        if time.monotonic() > end:
            g.fail(what)
        time.sleep(0.5)


def sdl():
    """A window under Xvfb: what xdotool types the guest's shell runs; the window has the guest's picture, also
    over the whole screen; motion of a captured pointer; closing the window presses the power button."""
    with Xvfb() as x, Guest("--disk", image("demo-disk") + ",snapshot", "--display", "sdl", "--name", "sdl-test", screen="png") as g:
        g.expect(r"guestmode# ", 240 * T)
        w = x.window("sdl-test")
        x.tool("windowfocus", "--sync", w)
        x.tool("type", "--delay", "30", 'echo "Window $((6*7))!" > /tmp/w; cat /tmp/w')
        x.tool("key", "Return")
        until(g, "not typed", 60, lambda: "Window 42!" in g.command("cat /tmp/w", r"guestmode# "))
        x.tool("mousemove", "5", "5")  # the pointer would be in the picture
        time.sleep(2)
        shot = g.screen()
        keep(shot)
        width, height, rows = png_pixels(shot)
        until(g, "the window does not have the guest's size", 30, lambda: x.place(w)[2:] == [width, height])
        until(g, "the window shows another picture", 30, lambda: shows(x.rows(), rows, x.place(w)))
        x.tool("key", "ctrl+alt+f")
        until(g, "not the whole screen", 30, lambda: x.place(w) == [0, 0, 1024, 768])
        x.tool("key", "ctrl+alt+f")
        until(g, "still the whole screen", 30, lambda: x.place(w)[2:] == [width, height])
        x.tool("mousemove", "--window", w, "100", "100", "click", "1")
        until(g, "not captured", 30, lambda: "Ctrl+Alt+G" in x.tool("getwindowname", w))
        x.tool("key", "ctrl+alt+g")
        until(g, "still captured", 30, lambda: "Ctrl+Alt+G" not in x.tool("getwindowname", w))
        x.tool("windowfocus", "--sync", w)
        x.tool("key", "alt+F4")
        g.wait(0, 120 * T)
        return f"{width}x{height}, {g.seconds():.1f} s"


# Takes a window manager's place and loses what windows ask for, until it is killed.
DEAF_MANAGER = """
import ctypes, time
x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
x.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
x.XDefaultRootWindow.restype = ctypes.c_ulong
x.XSelectInput.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_long]
x.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
d = x.XOpenDisplay(None)
x.XSelectInput(d, x.XDefaultRootWindow(d), 1 << 20)  # SubstructureRedirectMask
x.XSync(d, 0)
print("deaf", flush=True)
time.sleep(100000)
"""


def sdl_deaf():
    """A window manager that loses the window's request: the machine runs all the same, says after a while that there
    is no window, and the window comes when the manager is gone."""
    with Xvfb(("python3", "-c", DEAF_MANAGER)) as x:
        x.manager.stdout.readline()
        with Guest("--disk", image("demo-disk") + ",snapshot", "--display", "sdl", "--name", "deaf-test") as g:
            g.expect(r"guestmode# ", 240 * T)
            until(g, "nothing is said about the window", 60, lambda: "does not show the window of 'deaf-test'" in g.errors())
            x.manager.kill()
            x.tool("search", "--sync", "--onlyvisible", "--name", "deaf-test")
            g.send("poweroff\n")
            g.wait(0, 120 * T)
            return f"{g.seconds():.1f} s"


def sdl_server(end):
    """A display server that stands still does not hold up the machine, also not at its end; one that is gone is like
    a window that is closed."""

    def run():
        with Xvfb() as x, Guest("--disk", image("demo-disk") + ",snapshot", "--display", "sdl", "--name", "sdl-test") as g:
            g.expect(r"guestmode# ", 240 * T)
            x.window("sdl-test")
            if end == "gone":
                x.proc.kill()
            else:
                x.proc.send_signal(signal.SIGSTOP)
                g.command("for i in 1 2 3 4 5 6 7 8; do dmesg > /dev/tty0; sleep 1; done", r"guestmode# ", 120 * T)
                g.send("poweroff\n")
            g.wait(0, 120 * T)
            return f"{g.seconds():.1f} s"

    return run


def sdl_without_desktop():
    p = subprocess.run(
        [VMM, "run", "--display", "sdl", "--serial", "none", "--control", "none", "--cdrom", "none", "--disk", image("demo-disk") + ",snapshot"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        env={k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")} | {"SDL_VIDEODRIVER": "x11"},
    )
    if p.returncode != 2 or not p.stderr.startswith("vmm: --display sdl: no window: "):
        raise GuestError(f"{p.returncode} {p.stderr!r}")
    return p.stderr.strip()


def vmm(g, *args):
    p = subprocess.run([VMM, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if p.returncode:
        g.fail(f"vmm {args}: {p.stderr}")


def cd_change():
    """Linux reads one CD, it is ejected, another one is inserted: Linux reads that. A CD that is in use is not
    ejected unless by force."""
    with tempfile.TemporaryDirectory() as d:
        for name in ("one", "two"):
            os.mkdir(f"{d}/{name}")
            with open(f"{d}/{name}/name", "w", encoding="ascii") as f:
                f.write(f"this is {name}\n")
            subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", f"{d}/{name}.iso", f"{d}/{name}"], stderr=subprocess.DEVNULL, check=True)
        os.environ["XDG_RUNTIME_DIR"] = d
        with linux("--cdrom", f"{d}/one.iso", "--name", "cdtest") as g:
            ready(g)
            for name, other in (("one", "two"), ("two", "one")):
                out = g.command("mount -t iso9660 -o ro /dev/sr0 /mnt || mkdir /mnt && mount -t iso9660 -o ro /dev/sr0 /mnt; cat /mnt/name", PROMPT, 120 * T)
                if f"this is {name}" not in out:
                    g.fail(f"not {name}: {out!r}")
                busy = subprocess.run([VMM, "eject", "cdtest", "cd0"], capture_output=True, text=True, timeout=60, check=False)
                if busy.returncode != 1 or "locked" not in busy.stderr:
                    g.fail(f"a mounted CD: {busy}")
                g.command("umount /mnt", PROMPT)
                vmm(g, "eject", "cdtest", "cd0")
                out = g.command("head -c 1 /dev/sr0 2>&1 || echo no''ne", PROMPT, 120 * T)
                if "none" not in out:
                    g.fail(f"an empty drive is read: {out!r}")
                vmm(g, "insert", "cdtest", "cd0", f"{d}/{other}.iso")
            g.send("poweroff -f\n")
            g.wait(0, 60 * T)
            return f"{g.seconds():.1f} s"


GUESTS = [
    ("vnc-text", True, vnc_text),
    ("vnc-menu", True, vnc_menu),
    ("vnc-graphics", False, vnc_graphics),
    ("mouse-ps2", False, mouse),
    ("sdl", True, sdl),
    ("sdl-no-desktop", False, sdl_without_desktop),
    ("sdl-deaf-manager", False, sdl_deaf),
    ("sdl-server-stopped", False, sdl_server("stopped")),
    ("sdl-server-gone", False, sdl_server("gone")),
    ("cd-change", False, cd_change),
]
