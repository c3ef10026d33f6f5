# SPDX-License-Identifier: GPL-2.0-or-later
"""A VNC client for tests (RFC 6143): connects, logs in, keeps the picture, types, points."""
import os
import select
import socket
import struct
import subprocess
import time

from guest import GuestError

RAW, DESKTOP_SIZE, KEY_NUMBERS = 0, -223, -258
SYMS = {"\n": 0xFF0D, "\t": 0xFF09, "\b": 0xFF08}
SHIFT = 0xFFE1


class RfbError(GuestError):
    pass


def free_display():
    """A display number whose port nobody listens on."""
    for n in range(20 + os.getpid() % 500, 600):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", 5900 + n))
                return n
            except OSError:
                continue
    raise RfbError("no free display")


def dial(where, patience=30):
    """where: a display number, or the path of a Unix socket."""
    end = time.monotonic() + patience
    while True:
        s = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
        s.settimeout(30)
        try:
            s.connect(where if isinstance(where, str) else ("127.0.0.1", 5900 + where))
            return s
        except OSError:
            s.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def vnc_response(challenge, password):
    """DES with the password's bits reversed, by the openssl program."""
    key = password.encode()[:8].ljust(8, b"\0")
    key = bytes(int(f"{b:08b}"[::-1], 2) for b in key)
    args = ["openssl", "enc", "-des-ecb", "-nopad", "-K", key.hex(), "-provider", "legacy", "-provider", "default"]
    return subprocess.run(args, input=challenge, capture_output=True, check=True).stdout


class Client:
    """The picture is self.rows, a bytearray of BGRX a line."""

    def __init__(self, where, password=None, encodings=(RAW, DESKTOP_SIZE), patience=30):
        self.s = dial(where, patience)
        self.sizes = []
        self.updates = 0
        self.key_numbers = False
        self._login(password)
        self.width, self.height, n = struct.unpack(">HH16xI", self._get(24))
        self.name = self._get(n).decode()
        self._resize(self.width, self.height)
        self.s.sendall(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.s.sendall(struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        self.s.close()

    def _get(self, n):
        out = b""
        while len(out) < n:
            data = self.s.recv(n - len(out))
            if not data:
                raise RfbError("the server hung up")
            out += data
        return out

    def _login(self, password):
        if not self._get(12).startswith(b"RFB 003.00"):
            raise RfbError("no greeting")
        self.s.sendall(b"RFB 003.008\n")
        kinds = self._get(self._get(1)[0])
        wanted = 1 if password is None else 2
        if wanted not in kinds:
            raise RfbError(f"security types {list(kinds)}")
        self.s.sendall(bytes([wanted]))
        if password is not None:
            self.s.sendall(vnc_response(self._get(16), password))
        if struct.unpack(">I", self._get(4))[0]:
            raise RfbError("login refused")
        self.s.sendall(b"\1")

    def _resize(self, w, h):
        self.width, self.height = w, h
        self.rows = [bytearray(4 * w) for _ in range(h)]
        self.sizes.append((w, h))

    def request(self, incremental=True):
        self.s.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def _rect(self):
        x, y, w, h, kind = struct.unpack(">HHHHi", self._get(12))
        if kind == DESKTOP_SIZE:
            self._resize(w, h)
        elif kind == KEY_NUMBERS:
            self.key_numbers = True
        elif kind == RAW:
            for row in range(y, y + h):
                self.rows[row][4 * x : 4 * (x + w)] = self._get(4 * w)
        else:
            raise RfbError(f"encoding {kind}")

    def message(self):
        """Reads one message of the server."""
        kind = self._get(1)[0]
        if kind == 0:
            for _ in range(struct.unpack(">xH", self._get(3))[0]):
                self._rect()
            self.updates += 1
        elif kind == 3:
            self._get(struct.unpack(">xxxI", self._get(7))[0])
        elif kind != 2:
            raise RfbError(f"message {kind}")

    def update(self, incremental=True, timeout=30):
        """Asks for a picture and takes it; False when there is nothing new within the time."""
        self.request(incremental)
        if not select.select([self.s], [], [], timeout)[0]:
            return False
        self.message()
        return True

    def refresh(self):
        """The whole picture as it is now."""
        sizes = len(self.sizes)
        self.update(False)
        if len(self.sizes) != sizes:
            self.update(False)

    def key(self, sym, down):
        self.s.sendall(struct.pack(">BBxxI", 4, down, sym))

    def press(self, sym):
        self.key(sym, 1)
        self.key(sym, 0)

    def key_number(self, code, down):
        self.s.sendall(struct.pack(">BBHII", 255, 0, down, 0, code))

    def type(self, text):
        """As a client with a US keyboard does it: shift, then the character."""
        for c in text:
            upper = c.isupper() or c in '~!@#$%^&*()_+{}|:"<>?'
            if upper:
                self.key(SHIFT, 1)
            self.press(SYMS.get(c, ord(c)))
            if upper:
                self.key(SHIFT, 0)

    def point(self, x, y, buttons=0):
        self.s.sendall(struct.pack(">BBHH", 5, buttons, x, y))

    def rgb(self):
        """Rows of RGB bytes, as png_pixels() gives them."""
        out = []
        for row in self.rows:
            line = bytearray(3 * self.width)
            line[0::3], line[1::3], line[2::3] = row[2::4], row[1::4], row[0::4]
            out.append(bytes(line))
        return out
