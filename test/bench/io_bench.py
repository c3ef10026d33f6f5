# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk and network of vmm beside QEMU TCG: the part "io" of run.py.

The same kernel, initramfs and commands in both; IDE with DMA and e1000 in one run, virtio in the
other. Time is the wall clock between marks on the serial line; CPU time is that of the whole process,
which is what moving the data costs the host. Ratios below 1: vmm is better.
"""
import functools
import http.server
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "guest"))
from guest import VMM, image  # noqa: E402

MIB = 1 << 20
DISK = 64 * MIB
# name, MiB moved per share (quarters), command; {n}: count of blocks, {port}: server, {sink}: sink
ITEMS = [
    ("disk read", 16, "/io {disk} read 131072 {n}", 131072),
    ("disk write", 16, "/io {disk} write 131072 {n}", 131072),
    ("disk random read", 2, "/io {disk} read 4096 {n} random", 4096),
    ("disk random write", 2, "/io {disk} write 4096 {n} random", 4096),
    ("net download", 4, "wget -q -O /dev/null http://10.0.2.2:{port}/{name}", 0),
    ("net upload", 4, "head -c {bytes} /dev/zero | nc 10.0.2.2 {sink}", 0),
]
SETUPS = {
    "IDE, e1000": {
        "disk": "/dev/sda",
        "vmm": lambda d: ["--disk", d, "--net", "user,model=e1000"],
        "qemu": lambda d: ["-drive", f"file={d},format=raw,if=ide,cache=writeback", "-netdev", "user,id=n", "-device", "e1000,netdev=n"],
    },
    "virtio": {
        "disk": "/dev/vda",
        "vmm": lambda d: ["--disk", d + ",if=virtio", "--net", "user,model=virtio"],
        "qemu": lambda d: ["-drive", f"file={d},format=raw,if=virtio,cache=writeback", "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n"],
    },
}
CMDLINE = "console=ttyS0,115200 quiet panic=-1"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve(folder):
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    return httpd


def sink():
    """Takes what comes on a port and throws it away."""
    s = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            try:
                c, _ = s.accept()
            except OSError:
                return
            with c:
                while c.recv(262144):
                    pass

    threading.Thread(target=run, daemon=True).start()
    return s


def make_initrd(out, work, disk, share, port, sink_port):
    """The network initramfs, and behind it an archive with the program and another init."""
    root = os.path.join(work, "root")
    os.makedirs(root, exist_ok=True)
    subprocess.run([os.environ.get("CC", "gcc"), "-O2", "-static", "-o", os.path.join(root, "io"), os.path.join(TOP, "test", "bench", "io.c")], check=True)
    lines = ["#!/bin/sh", "mount -t proc proc /proc", "mount -t sysfs sys /sys", "mount -t devtmpfs dev /dev",
             'for m in /lib/*.ko; do insmod "$m"; done', "exec >/dev/ttyS0 2>&1", "ifconfig eth0 10.0.2.15 up", "sleep 2",
             "i=0; while [ ! -b %s ] && [ $i -lt 20 ]; do sleep 1; i=$((i+1)); done" % disk]
    for name, mib, command, block in ITEMS:
        size = mib * share * MIB
        command = command.format(disk=disk, n=size // block if block else 0, port=port, sink=sink_port, bytes=size, name=f"file{mib * share}")
        lines += [f"echo MARK start {name}", f"{command} && echo MARK end {name}"]
    lines += ["echo MARK done", "poweroff -f"]
    with open(os.path.join(root, "init"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    os.chmod(os.path.join(root, "init"), 0o755)
    subprocess.run(f"cat '{image('initrd-bench-io')}' > '{out}'; cd '{root}' && find . | cpio -o -H newc --quiet | gzip -1 >> '{out}'", shell=True, check=True)


def cpu_time(pid):
    return time.clock_gettime((~pid << 3) | 2)


def run_machine(argv, limit):
    """Name of each item: (wall seconds, CPU seconds)."""
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    timer = threading.Timer(limit, p.kill)
    timer.start()
    at, buf = {}, b""
    while "done" not in at:
        data = os.read(p.stdout.fileno(), 65536)
        if not data:
            break
        buf += data
        while b"\n" in buf:
            line, buf = buf.split(b"\n", 1)
            pos = line.find(b"MARK ")
            if pos >= 0:
                try:
                    at[line[pos + 5 :].strip().decode()] = (time.monotonic(), cpu_time(p.pid))
                except OSError:
                    break
    timer.cancel()
    p.kill()
    p.wait()
    out = {}
    for item in ITEMS:
        a, b = at.get("start " + item[0]), at.get("end " + item[0])
        out[item[0]] = (b[0] - a[0], b[1] - a[1]) if a and b else None
    return out


def command_line(machine, setup, disk, kernel, initrd):
    if machine == "vmm":
        return [VMM, "run", "--accel", "soft", "--memory", "256", "--display", "none", "--serial", "stdio", "--kernel", kernel, "--initrd", initrd,
                "--append", CMDLINE, *SETUPS[setup]["vmm"](disk)]
    return ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "Nehalem", "-m", "256", "-display", "none", "-serial", "stdio", "-monitor", "none",
            "-kernel", kernel, "-initrd", initrd, "-append", CMDLINE, *SETUPS[setup]["qemu"](disk)]


def middle(values):
    values = [v for v in values if v]
    return tuple(statistics.median(v[i] for v in values) for i in (0, 1)) if values else None


def show(setup, got, share):
    print(f"\n{setup:20} {'MB/s':>20} {'time':>8} {'CPU ms per MB':>20} {'CPU':>8}")
    print(f"{'':20} {'vmm':>10}{'qemu':>10} {'ratio':>8} {'vmm':>10}{'qemu':>10} {'ratio':>8}")
    for name, mib, _, _ in ITEMS:
        mb = mib * share * MIB / 1e6
        v, q = (middle([r[name] for r in got[m]]) for m in ("vmm", "qemu"))
        cells = [f"{mb / x[0]:10.1f}" if x else f"{'-':>10}" for x in (v, q)]
        cpu = [f"{1000 * x[1] / mb:10.1f}" if x else f"{'-':>10}" for x in (v, q)]
        ratio = [f"{v[i] / q[i]:8.2f}" if v and q and q[i] else f"{'-':>8}" for i in (0, 1)]
        print(f"{name:20} {cells[0]}{cells[1]} {ratio[0]} {cpu[0]}{cpu[1]} {ratio[1]}")


def bench_io(rounds, share, limit):
    kernel = image("linux-6.1-amd64")
    with tempfile.TemporaryDirectory() as d:
        for mib in {i[1] * share for i in ITEMS}:
            with open(os.path.join(d, f"file{mib}"), "wb") as f:
                f.truncate(mib * MIB)
        httpd, drain = serve(d), sink()
        for setup, how in SETUPS.items():
            initrd, disk = os.path.join(d, "initrd"), os.path.join(d, "disk")
            make_initrd(initrd, d, how["disk"], share, httpd.server_address[1], drain.getsockname()[1])
            got = {"vmm": [], "qemu": []}
            for _ in range(rounds):
                for m in got:
                    with open(disk, "wb") as f:
                        f.write(os.urandom(MIB) * (DISK // MIB))
                    got[m].append(run_machine(command_line(m, setup, disk, kernel, initrd), limit))
            show(setup, got, share)
        httpd.shutdown()
        drain.close()
    print("\nratios: vmm over qemu, below 1 vmm is better; disk requests one at a time, direct I/O")
