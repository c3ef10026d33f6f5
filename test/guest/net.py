# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests on networks and on virtio devices: rows of run.py."""
import functools
import hashlib
import http.server
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from guest import VMM, Guest, GuestError, image

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


def two_guests():
    """Two machines with a cable between them; one ends, and the other one sees the cable pulled and
    plugged in again by a third."""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "cable")

        def machine(name, model):
            return boot("linux-6.1-amd64", "initrd-net-amd64", "--name", name, "--net", f"pair,path={path},model={model}")

        with machine("left", "e1000") as a:
            with machine("right", "virtio") as b:
                ready(a)
                ready(b)
                a.command("net eth0 10.9.0.1", PROMPT)
                b.command("net eth0 10.9.0.2", PROMPT)
                out = b.command("ping -c 3 -W 20 10.9.0.1", PROMPT, 120 * T)
                if " 0% packet loss" not in out:
                    b.fail(f"ping: {out!r}")
                sent = a.command("head -c 900001 /dev/urandom >/tmp/x; md5sum /tmp/x", PROMPT, 60 * T)
                digest = re.search(r"[0-9a-f]{32}", sent).group(0)
                a.command("httpd -p 80 -h /tmp", PROMPT)
                out = b.command("wget -q -O /tmp/y http://10.9.0.1/x; md5sum /tmp/y", PROMPT, 240 * T)
                if digest not in out:
                    b.fail(f"what came is not what was sent ({digest}): {out!r}")
                off(b)
            out = a.command("sleep 2; cat /sys/class/net/eth0/carrier", PROMPT, 60 * T)
            if "\n0" not in out:
                a.fail(f"the cable is still there: {out!r}")
            with machine("third", "rtl8139") as c:
                ready(c)
                c.command("net eth0 10.9.0.3", PROMPT)
                out = c.command("ping -c 3 -W 20 10.9.0.1", PROMPT, 120 * T)
                if " 0% packet loss" not in out and " 33% packet loss" not in out:
                    c.fail(f"ping of the third: {out!r}")
            off(a)
            return f"{a.seconds():.1f} s in all"


def pxe(model, kernel="linux-6.1-cloud", initrd="initrd-amd64"):
    """The card's boot ROM gets a script, a kernel and an initramfs from the TFTP server of user
    networking; no disk, no kernel on the command line."""

    def run():
        with tempfile.TemporaryDirectory() as d:
            for name in (kernel, initrd):
                shutil.copy(image(name), os.path.join(d, name))
            with open(os.path.join(d, "boot.ipxe"), "w", encoding="ascii") as f:
                f.write(f"#!ipxe\nkernel {kernel} {CMDLINE} initrd={initrd}\ninitrd {initrd}\nboot\n")
            with Guest("--net", f"user,model={model},tftp={d},bootfile=boot.ipxe", "--boot", "n", "--memory", "256M") as g:
                g.expect(r"guest ready: Linux", 500 * T)
                took = g.seconds()
                g.expect(PROMPT, 60 * T)
                off(g)
        return f"ROM to shell {took:.1f} s"

    return run


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ssh(key, port, command, seconds):
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=120", "-o", "BatchMode=yes"]
    out = subprocess.run(["ssh", "-p", str(port), "-i", key, *options, "root@127.0.0.1", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False)
    return out.returncode, out.stdout.decode(errors="replace")


def package(folder, size=3000017):
    """A repository of Debian packages with one in it, which has a file of random bytes; their digest."""
    tree = os.path.join(folder, "tree")
    os.makedirs(tree + "/DEBIAN")
    os.makedirs(tree + "/srv")
    control = "Package: guestmode-test\nVersion: 1\nArchitecture: all\nMaintainer: nobody <root@localhost>\nDescription: a file\n"
    data = os.urandom(size)
    with open(tree + "/DEBIAN/control", "w", encoding="ascii") as f:
        f.write(control)
    with open(tree + "/srv/guestmode-test", "wb") as f:
        f.write(data)
    deb = os.path.join(folder, "test.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, deb], stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(tree)
    with open(deb, "rb") as f:
        raw = f.read()
    with open(os.path.join(folder, "Packages"), "w", encoding="ascii") as f:
        f.write(f"{control}Filename: ./test.deb\nSize: {len(raw)}\nSHA256: {hashlib.sha256(raw).hexdigest()}\n")
    return hashlib.md5(data).hexdigest()


def apt(g, port, key, server):
    """apt-get gets a package from a repository on this machine and installs it."""
    digest = package(server.dir.name)
    source = f"echo 'deb [trusted=yes] http://10.0.2.2:{server.port} ./' > /etc/apt/sources.list; rm -f /etc/apt/sources.list.d/*"
    code, out = ssh(key, port, f"{source}; apt-get -q update && apt-get -q -y install guestmode-test && md5sum /srv/guestmode-test", 600 * T)
    if code or digest not in out:
        g.fail(f"apt-get: {code} {out!r}")


def debian_ssh(model, disk="", kernel=()):
    """Debian with systemd: a log-in by SSH through a forwarded port, and downloads there."""

    def run():
        key = image("debian-disk") + ".key"
        port = free_port()
        args = [image(a[1:]) if a.startswith("@") else a for a in kernel]
        with Server(3000017) as server:
            with Guest("--disk", image("debian-disk") + ",snapshot" + disk, "--net", f"user,model={model},forward=tcp:{port}:22", *args) as g:
                g.expect(r"login: ", 900 * T)
                took = g.seconds()
                for _ in range(5):
                    code, out = ssh(key, port, "cat /etc/hostname; cat /proc/interrupts; ip -br addr", 300 * T)
                    if code == 0:
                        break
                if code or not out.startswith("debian\n"):
                    g.fail(f"ssh: {code} {out!r}")
                interrupts = out
                fetch = f"exec 3<>/dev/tcp/10.0.2.2/{server.port}; printf 'GET /file HTTP/1.0\\r\\n\\r\\n' >&3; sed '1,/^\\r$/d' <&3 | md5sum"
                code, out = ssh(key, port, f'bash -c "{fetch}"', 300 * T)
                if server.md5 not in out:
                    g.fail(f"download: {code} {out!r}")
                apt(g, port, key, server)
                if "virtio" in disk and not re.search(r"PCI-MSI \d+-edge +virtio\d+-req", interrupts):
                    g.fail(f"no message interrupts of the disk: {interrupts}")
                g.send("root\n")
                g.expect(r"root@\S+:~# ", 120 * T)
                g.send("poweroff\n")
                g.wait(0, 300 * T)
        return f"login after {took:.1f} s; a package by apt-get"

    return run


def msix_count(g, what):
    out = g.command("cat /proc/interrupts", PROMPT)
    lines = [x for x in out.splitlines() if what in x]
    if not lines or not all("PCI-MSI" in x for x in lines):
        g.fail(f"{what} has no message interrupts: {out!r}")
    return sum(int(n) for x in lines for n in re.findall(r"\s(\d+)(?=\s)", x.split("PCI-MSI")[0]))


def virtio_disk(extra=""):
    """What the guest writes is in the file; what it discards is not; its interrupts are messages."""

    def run():
        size = 64 << 20
        with tempfile.TemporaryDirectory() as d:
            disk = os.path.join(d, "disk.img")
            data = os.urandom(size // 4)
            with open(disk, "wb") as f:
                f.write(data)
                f.truncate(size)
            with boot("linux-6.1-cloud", "initrd-net-cloud", "--disk", f"{disk},if=virtio{extra}", "--device", "virtio-rng", "--device", "virtio-balloon") as g:
                ready(g)
                out = g.command(f"head -c {len(data)} /dev/vda | md5sum; cat /sys/block/vda/size", PROMPT, 240 * T)
                if hashlib.md5(data).hexdigest() not in out or f"\n{size // 512}" not in out.replace("\r", ""):
                    g.fail(f"reading: {out!r}")
                before = msix_count(g, "-req")
                g.command("seq 1 300000 >/tmp/x; dd if=/tmp/x of=/dev/vda bs=64k seek=512 conv=fsync", PROMPT, 240 * T)
                if "guest" not in g.command("blkdiscard -o 4194304 -l 4194304 /dev/vda && echo guest did", PROMPT, 60 * T):
                    g.fail("discard failed")
                if msix_count(g, "-req") <= before:
                    g.fail("the disk's interrupts were not counted")
                if not g.command("head -c 100000 /dev/hwrng | wc -c", PROMPT, 120 * T).count("100000") == 2:
                    g.fail("the entropy device gives nothing")
                off(g)
                took = g.seconds()
            with open(disk, "rb") as f:
                now = f.read()
        want = "".join(f"{i}\n" for i in range(1, 300001)).encode()
        if now[32 << 20 : (32 << 20) + len(want)] != want:
            raise GuestError("the file has not what the guest wrote")
        if any(now[4 << 20 : 8 << 20]) or now[: 4 << 20] != data[: 4 << 20]:
            raise GuestError("not what was discarded is gone, or more")
        return f"{took:.1f} s in all"

    return run


def console():
    """hvc0 is a file here: the guest writes to it."""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "console")
        with boot("linux-6.1-cloud", "initrd-net-cloud", "--device", f"virtio-console,chardev=file:{path}") as g:
            ready(g)
            g.command("echo over the virtio console >/dev/hvc0", PROMPT, 60 * T)
            off(g)
        with open(path, "rb") as f:
            if b"over the virtio console" not in f.read():
                raise GuestError("nothing came over the console")
    return "a line came"


def balloon():
    """The guest gives memory back when it is asked to, and takes it again."""

    def vmm(*words):
        return json.loads(subprocess.run([VMM, "balloon", sock, *words, "--json"], capture_output=True, check=True, timeout=60).stdout)

    def until(mib):
        vmm(str(mib))
        for _ in range(600):
            if vmm()["guest"] == mib:
                return free()
            time.sleep(0.2)
        return g.fail(f"the guest does not come to {mib} MiB: {vmm()}")

    def free():
        return int(re.search(r"MemAvailable: +(\d+) kB", g.command("cat /proc/meminfo", PROMPT)).group(1)) >> 10

    with tempfile.TemporaryDirectory() as d:
        sock = os.path.join(d, "s")
        with boot("linux-6.1-cloud", "initrd-net-cloud", "--device", "virtio-balloon", "--control", sock) as g:
            ready(g)
            seen = [free(), until(180), until(256)]
            if seen[0] - seen[1] < 60 or seen[2] - seen[1] < 60:
                g.fail(f"free memory: {seen} MiB")
            off(g)
    return f"available before, with 180 of 256 MiB, and again: {seen} MiB"


def tap():
    """A tap interface of this machine: a file from a server on the other side; then the interface
    vanishes, and the guest goes on without its cable."""
    name = f"gmt{os.getpid() % 100000}"
    with boot("linux-6.1-amd64", "initrd-net-amd64", "--net", f"tap,ifname={name},model=e1000") as g:
        subprocess.run(["ip", "addr", "add", "10.77.0.1/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        ready(g)
        caps = open(f"/proc/{g.proc.pid}/status", encoding="ascii").read()
        if int(re.search(r"CapEff:\s*([0-9a-f]+)", caps).group(1), 16) >> 12 & 1:
            g.fail("the privilege to change networks was kept")
        g.command("net eth0 10.77.0.2", PROMPT)
        out = g.command("ping -c 3 -W 20 10.77.0.1", PROMPT, 120 * T)
        if " 0% packet loss" not in out:
            g.fail(f"ping: {out!r}")
        subprocess.run(["ip", "link", "del", name], check=True)
        out = g.command("sleep 2; cat /sys/class/net/eth0/carrier; ping -c 1 -W 2 10.77.0.1", PROMPT, 120 * T)
        if "\n0" not in out or "is gone" not in g.errors():
            g.fail(f"the tap vanished and nobody said so: {out!r}")
        off(g)
    return "ping, and the interface vanished"


def isa():
    return card("ne2000-isa", "linux-6.1-686", "initrd-net-i386", size=300007, before="insmod /lib/*-ne.ko io=0x300 irq=3")


AMD64_ROOT = ("--kernel", "@linux-6.1-amd64", "--initrd", "@initrd-root-amd64", "--append", "console=tty0 console=ttyS0")

GUESTS = [
    ("net-e1000", True, card("e1000")),
    ("net-rtl8139", False, card("rtl8139")),
    ("net-ne2000", False, card("ne2000", size=500003)),
    ("net-ne2000-isa", False, isa()),
    ("net-virtio", True, card("virtio", "linux-6.1-cloud", "initrd-net-cloud")),
    ("net-virtio-split", False, card("virtio", "linux-6.1-cloud", "initrd-net-cloud", args=",split")),
    ("net-virtio-modern", False, card("virtio", "linux-6.1-cloud", "initrd-net-cloud", args=",modern")),
    ("net-pair", False, two_guests),
    ("net-tap", False, tap),
    ("pxe-e1000", False, pxe("e1000")),
    ("pxe-rtl8139", False, pxe("rtl8139")),
    ("pxe-ne2000", False, pxe("ne2000")),
    ("pxe-virtio", False, pxe("virtio")),
    ("virtio-disk", True, virtio_disk()),
    ("virtio-disk-split", False, virtio_disk(",split,queues=4")),
    ("virtio-console", False, console),
    ("virtio-balloon", False, balloon),
    ("debian-virtio", False, debian_ssh("virtio", disk=",if=virtio")),
    ("debian-ssh-e1000", False, debian_ssh("e1000", kernel=AMD64_ROOT)),
    ("debian-ssh-rtl8139", False, debian_ssh("rtl8139", kernel=AMD64_ROOT)),
]
