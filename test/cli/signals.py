# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals to vmm: how it ends, and that nothing is lost that the guest flushed."""
import signal
import subprocess
import time

from lib import Guest, image


def test_sigterm_stops(files):
    """A guest that has not switched ACPI on does not listen to the power button: it is stopped."""
    with Guest("--memory", "32M", files.path("spin.img")) as g:
        g.expect("R", 60)
        g.proc.send_signal(signal.SIGTERM)
        g.wait(0, 25)
        err = g.errors()
    return None if "does not listen to its power button" in err else f"no word about it: {err!r}"


def test_sigterm_during_boot(files):
    """While the firmware runs nobody listens either."""
    with Guest("--memory", "32M", files.path("spin.img")) as g:
        g.proc.send_signal(signal.SIGTERM)
        g.wait(0, 25)


def test_sigint(files):
    with Guest("--memory", "32M", files.path("spin.img")) as g:
        g.expect("R", 60)
        start = time.monotonic()
        g.proc.send_signal(signal.SIGINT)
        g.wait(0, 30)
        if time.monotonic() - start > 9 or "interrupted" not in g.errors():
            return f"not at once: {time.monotonic() - start:.1f} s, {g.errors()!r}"
    return None


def test_sighup(files):
    """The terminal went away: like SIGTERM."""
    with Guest("--memory", "32M", files.path("spin.img")) as g:
        g.expect("R", 60)
        g.proc.send_signal(signal.SIGHUP)
        g.wait(0, 60)


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
    test_sigterm_stops,
    test_sigterm_during_boot,
    test_sigterm_twice,
    test_sigint,
    test_sighup,
    test_sigterm_powers_off,
    test_sigkill_keeps_flushed,
]


def cases(files):
    return [(t.__name__, lambda t=t: t(files)) for t in TESTS]
