# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs vmm with a guest and talks to it: serial line, screen as text, screen as picture.

The screen is read the way a user can: `--screenshot FILE`, written whenever the process gets
SIGUSR2 (.txt: text, .png: picture).
"""
import os
import re
import signal
import subprocess
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VMM = os.environ.get("VMM", os.path.join(TOP, "build", "vmm"))


class GuestError(Exception):
    pass


def image(name):
    """Path of a test guest; makes it on first use."""
    out = subprocess.run([os.path.join(TOP, "scripts", "guest.sh"), name], stdout=subprocess.PIPE, check=True)
    return out.stdout.decode().strip()


class Guest:
    """One run of vmm. Use as a context manager; the process is killed on the way out."""

    def __init__(self, *args, screen="txt"):
        self.dir = tempfile.TemporaryDirectory(prefix="vmm-guest-")
        self.shot = os.path.join(self.dir.name, "screen." + screen)
        self.errlog = open(os.path.join(self.dir.name, "stderr"), "w+b")
        self.out = b""
        self.seen = 0
        self.start = time.monotonic()
        self.cond = threading.Condition()
        self.proc = subprocess.Popen(
            [VMM, "run", "--display", "none", "--serial", "stdio", "--accel", "soft", "--screenshot", self.shot, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errlog,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        while self.proc.poll() is None and not self._listens():
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        self.proc.kill()
        self.proc.wait()
        self.errlog.close()
        self.dir.cleanup()

    def _listens(self):
        """vmm has blocked SIGUSR2, which it takes through a signalfd; before, it would die of it."""
        with open(f"/proc/{self.proc.pid}/status", encoding="ascii") as f:
            mask = re.search(r"^SigBlk:\s*([0-9a-f]+)", f.read(), re.M)
        return int(mask.group(1), 16) >> (signal.SIGUSR2 - 1) & 1

    def _read(self):
        while True:
            data = os.read(self.proc.stdout.fileno(), 65536)
            with self.cond:
                self.out += data
                self.cond.notify_all()
            if not data:
                return

    def seconds(self):
        return time.monotonic() - self.start

    def errors(self):
        with open(self.errlog.name, "rb") as f:
            return f.read().decode(errors="replace")

    def fail(self, why):
        tail = self.out[-600:].decode(errors="replace")
        raise GuestError(f"{why}\n--- serial ---\n{tail}\n--- screen ---\n{self.screen()}\n--- stderr ---\n{self.errors()[-800:]}")

    def expect(self, pattern, timeout):
        """Waits for a regular expression on the serial line behind what was matched before."""
        rx = re.compile(pattern.encode(), re.M)
        end = time.monotonic() + timeout
        last = False
        while True:
            with self.cond:
                m = rx.search(self.out, self.seen)
                if m:
                    self.seen = m.end()
                    return m
                left = end - time.monotonic()
                if last or left <= 0:
                    break
                self.cond.wait(min(left, 0.5))
            if self.proc.poll() is not None:
                # What it wrote before its end may still be in the pipe.
                self.reader.join(5)
                last = True
        self.fail(f"serial line: no {pattern!r} within {timeout} s")

    def send(self, text):
        self.proc.stdin.write(text.encode())
        self.proc.stdin.flush()

    def command(self, text, prompt, timeout=60):
        """Types a command, waits for the prompt, returns what it printed."""
        start = self.seen
        self.send(text + "\n")
        self.expect(prompt, timeout)
        return self.out[start : self.seen].decode(errors="replace")

    def screen(self):
        """The screen as it is now: text, or the path of a picture."""
        if self.proc.poll() is None:
            try:
                os.unlink(self.shot)
            except FileNotFoundError:
                pass
            self.proc.send_signal(signal.SIGUSR2)
            for _ in range(100):
                if os.path.exists(self.shot) or self.proc.poll() is not None:
                    break
                time.sleep(0.05)
        if not os.path.exists(self.shot):
            return ""
        if self.shot.endswith(".png"):
            return self.shot
        with open(self.shot, encoding="utf-8") as f:
            return f.read()

    def expect_screen(self, pattern, timeout):
        rx = re.compile(pattern, re.M)
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.proc.poll() is None:
            if rx.search(self.screen()):
                return
            time.sleep(0.3)
        self.fail(f"screen: no {pattern!r} within {timeout} s")

    def wait(self, status, timeout):
        """Waits for the end of vmm and checks its exit status."""
        try:
            got = self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"still running after {timeout} s")
        if got != status:
            self.fail(f"exit status {got}, wanted {status}")
