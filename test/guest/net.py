# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests on networks and on virtio devices: rows of run.py."""
import functools
import hashlib
import http.server
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading

from guest import Guest, GuestError, image

CMDLINE = "console=ttyS0 quiet"
PROMPT = r"guest# "
T = float(os.environ.get("GUEST_TIMEOUT", "1"))


class Server:
    """A web server on this machine with one file of random bytes."""

    def __init__(self, size):
        self.dir = tempfile.TemporaryDirectory(prefix="vmm-http-")
        data = os.urandom(size)
        with open(os.path.join(self.dir.name, "file"), "wb") as f:
            f.write(data)
        self.md5 = hashlib.md5(data).hexdigest()
        self.size = size
        handler = functools.partial(Quiet, directory=self.dir.name)
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self.httpd.server_address[1]
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        self.httpd.shutdown()
        self.httpd.server_close()
        self.dir.cleanup()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def boot(kernel, initrd, *args, append="", cpu=()):
    g = Guest("--kernel", image(kernel), "--initrd", image(initrd), "--append", f"{CMDLINE} {append}", "--memory", "256M", *cpu, *args)
    return g


def ready(g):
    g.expect(r"guest ready: Linux", 300 * T)
    g.expect(PROMPT, 60 * T)


def off(g):
    g.send("poweroff -f\n")
    g.wait(0, 60 * T)


def dhcp(g, iface="eth0"):
    out = g.command(f"net {iface}", PROMPT, 120 * T)
    if "dhcp: 10.0.2.15 router 10.0.2.2 dns 10.0.2.3" not in out:
        g.fail(f"DHCP: {out!r}")


def download(g, server):
    out = g.command(f"wget -q -O /tmp/file http://10.0.2.2:{server.port}/file; md5sum /tmp/file", PROMPT, 240 * T)
    if server.md5 not in out:
        g.fail(f"the file is not what the server sent: {out!r}")


def upload(g, size=700001):
    """The guest sends; what arrives here is compared."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        got = []

        def take():
            c, _ = s.accept()
            with c:
                while True:
                    data = c.recv(65536)
                    if not data:
                        return
                    got.append(data)

        t = threading.Thread(target=take, daemon=True)
        t.start()
        port = s.getsockname()[1]
        out = g.command(f"head -c {size} /dev/urandom >/tmp/up; nc 10.0.2.2 {port} </tmp/up; md5sum /tmp/up", PROMPT, 240 * T)
        t.join(30 * T)
    if hashlib.md5(b"".join(got)).hexdigest() not in out:
        g.fail(f"{sum(map(len, got))} bytes came of {size}, or others: {out!r}")


def pcap_frames(path):
    """Number of records in a capture file; it must be well formed to its end."""
    with open(path, "rb") as f:
        data = f.read()
    if struct.unpack_from("<IHHiIII", data)[:3] != (0xA1B23C4D, 2, 4):
        raise GuestError("not a capture file")
    pos, n = 24, 0
    while pos < len(data):
        have, length = struct.unpack_from("<II", data, pos + 8)
        if have != length or not 14 <= length <= 16384:
            raise GuestError(f"record {n} of the capture is broken")
        pos += 16 + have
        n += 1
    if pos != len(data):
        raise GuestError("the capture ends in the middle of a record")
    return n


def card(model, kernel="linux-6.1-amd64", initrd="initrd-net-amd64", size=2000003, args="", cpu=(), before="", iface="eth0"):
    """DHCP, a file down, a file up, with a capture of it all."""

    def run():
        with Server(size) as server, tempfile.TemporaryDirectory() as d:
            pcap = os.path.join(d, "net.pcap")
            with boot(kernel, initrd, "--net", f"user,model={model},capture={pcap}{args}", cpu=cpu) as g:
                ready(g)
                if before:
                    g.command(before, PROMPT, 60 * T)
                dhcp(g, iface)
                download(g, server)
                upload(g)
                irqs = g.command(f"grep -E 'eth0|virtio' /proc/interrupts; ifconfig {iface}", PROMPT)
                if re.search(r"(errors|dropped):[1-9]", irqs):
                    g.fail(f"errors: {irqs!r}")
                off(g)
                took = g.seconds()
            frames = pcap_frames(pcap)
        if frames < size / 1500:
            raise GuestError(f"only {frames} frames in the capture")
        return f"{size} bytes down and 700001 up, {frames} frames captured, {took:.1f} s in all"

    return run


GUESTS = [
    ("net-e1000", True, card("e1000")),
    ("net-rtl8139", False, card("rtl8139")),
    ("net-ne2000", False, card("ne2000", size=500003)),
    ("net-virtio", True, card("virtio", "linux-6.1-cloud", "initrd-net-cloud")),
    ("net-virtio-split", False, card("virtio", "linux-6.1-cloud", "initrd-net-cloud", args=",split")),
    ("net-virtio-modern", False, card("virtio", "linux-6.1-cloud", "initrd-net-cloud", args=",modern")),
]
