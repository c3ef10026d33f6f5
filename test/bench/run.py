#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same guest on vmm's software CPU, QEMU TCG and Bochs, beside the same work done natively.

usage: run.py [startup] [work] [--rounds N] [--only vmm,qemu,bochs]
Prints tables. Times are the host's wall clock between marks that the guest writes to its serial
line, so a guest's own clock does not matter; medians over the rounds; read the ratios only.
"""
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test", "guest"))
from guest import VMM, image  # noqa: E402

MEMORY = "256"
# name, command; each runs in a shell with the input file /data present
WORK = [
    ("factor", "factor 300000000001220000000000407 30000000000018200000000002759 >/dev/null"),
    ("gzip -9", "gzip -9 -c /data >/dev/null"),
    ("md5sum", "for i in 1 2 3 4; do md5sum /data >/dev/null; done"),
    ("lame", "lame --quiet -r -s 44.1 --bitwidth 16 /audio /dev/null"),
    ("shell loop", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"),
    ("fork+exec", "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done"),
]
PROGRAMS = ["factor", "gzip", "md5sum", "lame", "dash", "true"]


def library_files(path):
    out = subprocess.run(["ldd", path], stdout=subprocess.PIPE, check=False).stdout.decode()
    return [p for p in re.findall(r"(/\S+)", out)]


def make_inputs(root):
    """Deterministic input: text-like bytes for gzip and md5sum, a chirp for LAME."""
    state, out = 1, bytearray()
    words = [bytes(97 + (i * j) % 26 for j in range(1, 3 + i % 9)) for i in range(1, 400)]
    while len(out) < 6 << 20:
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        out += words[(state >> 33) % len(words)] + b" "
    with open(os.path.join(root, "data"), "wb") as f:
        f.write(out)
    audio, phase = bytearray(), 0
    for i in range(44100 * 4):
        phase += 200 + i // 40
        v = int(((phase // 8) % 4096 - 2048) * 8) & 0xFFFF
        audio += bytes((v & 255, v >> 8)) * 2
    with open(os.path.join(root, "audio"), "wb") as f:
        f.write(audio)


def make_root(root):
    """A root folder with the host's own programs, used natively (chroot-free) and in the guest."""
    for d in ("bin", "proc", "dev", "tmp"):
        os.makedirs(os.path.join(root, d))
    bb = "/bin/busybox"
    shutil.copy(bb, os.path.join(root, "bin/busybox"))
    for name in PROGRAMS:
        path = os.path.realpath(shutil.which(name))
        shutil.copy(path, os.path.join(root, "bin", name))
        for lib in library_files(path):
            dest = root + lib
            os.makedirs(os.path.dirname(dest), exist_ok=True)
            shutil.copy(os.path.realpath(lib), dest)
    os.symlink("dash", os.path.join(root, "bin/sh"))
    make_inputs(root)
    lines = ["#!/bin/sh", "export PATH=/bin", "busybox mount -t devtmpfs dev /dev", "exec >/dev/ttyS0 2>&1", "echo MARK boot"]
    for name, command in WORK:
        lines += [f"echo MARK start {name}", command, f"echo MARK end {name}"]
    lines += ["echo MARK done", "busybox poweroff -f"]
    with open(os.path.join(root, "init"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    os.chmod(os.path.join(root, "init"), 0o755)


def native_times(root):
    out = {}
    for name, command in WORK:
        command = command.replace("/data", root + "/data").replace("/audio", root + "/audio")
        start = time.monotonic()
        subprocess.run([os.path.join(root, "bin/dash"), "-c", command], check=True)
        out[name] = time.monotonic() - start
    return out


class Marks:
    """Reads a guest's serial line and notes when each mark came."""

    def __init__(self):
        self.at = {}
        self.start = time.monotonic()
        self.buf = b""

    def feed(self, data):
        self.buf += data
        while b"\n" in self.buf:
            line, self.buf = self.buf.split(b"\n", 1)
            m = re.search(rb"MARK (.*?)\r?$", line)
            if m:
                self.at[m.group(1).decode()] = time.monotonic() - self.start

    def times(self):
        out = {"boot": self.at.get("boot")}
        for name, _ in WORK:
            a, b = self.at.get("start " + name), self.at.get("end " + name)
            out[name] = b - a if a is not None and b is not None else None
        return out


def run_pipe(argv, limit):
    """A machine whose serial line is its standard output."""
    marks = Marks()
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    timer = threading.Timer(limit, p.kill)
    timer.start()
    while True:
        data = os.read(p.stdout.fileno(), 65536)
        if not data:
            break
        marks.feed(data)
        if "done" in marks.at:
            break
    timer.cancel()
    p.kill()
    p.wait()
    return marks.times()


CMDLINE = "console=ttyS0 quiet panic=-1"


def run_vmm(kernel, initrd, limit):
    return run_pipe([VMM, "run", "--accel", "soft", "--memory", MEMORY, "--display", "none", "--serial", "stdio",
                     "--kernel", kernel, "--initrd", initrd, "--append", CMDLINE], limit)


def run_qemu(kernel, initrd, limit):
    return run_pipe(["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", MEMORY, "-display", "none", "-serial", "stdio",
                     "-monitor", "none", "-net", "none", "-kernel", kernel, "-initrd", initrd, "-append", CMDLINE], limit)


def run_bochs(kernel, initrd, limit):
    """Bochs has no kernel loader: an isolinux CD; its serial line goes to a file."""
    with tempfile.TemporaryDirectory() as d:
        cd = os.path.join(d, "cd/isolinux")
        os.makedirs(cd)
        shutil.copy("/usr/lib/ISOLINUX/isolinux.bin", cd)
        shutil.copy("/usr/lib/syslinux/modules/bios/ldlinux.c32", cd)
        shutil.copy(kernel, os.path.join(cd, "vmlinuz"))
        shutil.copy(initrd, os.path.join(cd, "initrd"))
        with open(os.path.join(cd, "isolinux.cfg"), "w", encoding="ascii") as f:
            f.write(f"DEFAULT l\nLABEL l\nKERNEL vmlinuz\nINITRD initrd\nAPPEND {CMDLINE}\n")
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", d + "/cd.iso", "-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat",
                        "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", d + "/cd"], check=True, stderr=subprocess.DEVNULL)
        with open(d + "/rc", "w", encoding="ascii") as f:
            f.write("c\n")
        with open(d + "/bochsrc", "w", encoding="ascii") as f:
            f.write(f"""cpu: model=corei7_haswell_4770, count=1, ips=100000000
memory: guest={MEMORY}, host={MEMORY}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata1: enabled=1
ata1-master: type=cdrom, path={d}/cd.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={d}/serial
display_library: rfb, options="timeout=0"
clock: sync=none
log: {d}/log
""")
        marks = Marks()
        p = subprocess.Popen(["bochs", "-q", "-f", d + "/bochsrc", "-rc", d + "/rc"], stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        end, pos = time.monotonic() + limit, 0
        while time.monotonic() < end and "done" not in marks.at and p.poll() is None:
            time.sleep(0.05)
            if os.path.exists(d + "/serial"):
                with open(d + "/serial", "rb") as f:
                    f.seek(pos)
                    data = f.read()
                pos += len(data)
                marks.feed(data)
        try:
            os.killpg(p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        p.wait()
        return marks.times()


MACHINES = {"vmm": run_vmm, "qemu": run_qemu, "bochs": run_bochs}


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def bench_work(which, rounds):
    kernel = image("linux-6.1-cloud")
    with tempfile.TemporaryDirectory() as d:
        root, initrd = d + "/root", d + "/initrd"
        make_root(root)
        subprocess.run(f"cd {root} && find . | cpio -o -H newc --quiet | gzip -1 > {initrd}", shell=True, check=True)
        got = {m: [] for m in which}
        native = []
        for _ in range(rounds):
            native.append(native_times(root))
            for m in which:
                got[m].append(MACHINES[m](kernel, initrd, 1800))
    print("\nSeconds, and times native in brackets (boot: start of the program to the first user process)")
    print(f"{'work':12} {'native':>8} " + " ".join(f"{m:>18}" for m in which))
    for name in ["boot"] + [w[0] for w in WORK]:
        nat = median([n.get(name) for n in native])
        row = f"{name:12} {nat:8.3f} " if nat else f"{name:12} {'-':>8} "
        for m in which:
            v = median([r[name] for r in got[m]])
            ratio = f"({v / nat:6.1f})" if v and nat else " " * 8
            row += f" {v:8.3f} {ratio}" if v else f" {'failed':>17}"
        print(row)
    return got


def make_rom(path):
    """A firmware of 64 KiB whose first instruction after reset writes to the serial port."""
    rom = bytearray(b"\xf4" * 65536)
    rom[0xFFF0:0xFFF3] = b"\xe9" + (0x0000 - 0xFFF3 & 0xFFFF).to_bytes(2, "little")
    rom[0:9] = b"\xb0\x21\xba\xf8\x03\xee\xf4\xeb\xfd"
    with open(path, "wb") as f:
        f.write(rom)


def first_byte(argv):
    start = time.monotonic()
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.read(p.stdout.fileno(), 1)
    took = time.monotonic() - start
    p.kill()
    p.wait()
    return took * 1000


def own_memory(pid, guest_sizes):
    """MiB resident beside guest memory and video memory, in all and private.

    vmm marks guest memory (flag "dd", not dumped, in smaps); for others it is the mappings that have
    exactly the size of the guest's or its video memory, in KiB.
    """
    maps = []
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as f:
        for line in f:
            key, *rest = line.split()
            if not key.endswith(":"):
                maps.append({"VmFlags:": []})
            else:
                maps[-1][key] = rest
    rss = private = 0
    for m in maps:
        if "dd" in m["VmFlags:"] and not guest_sizes or int(m["Size:"][0]) in guest_sizes:
            continue
        rss += int(m["Rss:"][0])
        private += int(m["Private_Dirty:"][0]) + int(m["Private_Clean:"][0])
    return rss / 1024, private / 1024


def memory_of(argv, guest_sizes):
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    buf, end = b"", time.monotonic() + 300
    while b"guest ready" not in buf and time.monotonic() < end:
        buf += os.read(p.stdout.fileno(), 4096)
    time.sleep(1)
    out = own_memory(p.pid, guest_sizes)
    p.kill()
    p.wait()
    return out


def bench_startup(which, rounds):
    with tempfile.TemporaryDirectory() as d:
        rom = d + "/rom"
        make_rom(rom)
        cmd = {
            "vmm": [VMM, "run", "--accel", "soft", "--memory", "128", "--display", "none", "--serial", "stdio", "--bios", rom,
                    "--cdrom", "none"],
            "qemu": ["qemu-system-x86_64", "-accel", "tcg", "-m", "128", "-display", "none", "-serial", "stdio", "-monitor", "none",
                     "-net", "none", "-bios", rom],
        }
        linux = ["--kernel", image("linux-6.1-cloud"), "--initrd", image("initrd-amd64"), "--append", "console=ttyS0 quiet"]
        print(f"{'':8} {'exec to first instruction, ms':>30} {'own memory with Linux up, MiB':>34}")
        for m in [x for x in which if x in cmd]:
            ms = median([first_byte(cmd[m]) for _ in range(5 * rounds)])
            argv = [MEMORY if a == "128" else a for a in cmd[m][:-2]]
            if m == "vmm":
                rss, private = memory_of(argv[: argv.index("--bios")] + linux, ())
            else:
                rss, private = memory_of(argv + [a.replace("--", "-") for a in linux], (int(MEMORY) << 10, 16 << 10))
            print(f"{m:8} {ms:30.1f} {rss:18.1f} ({private:.1f} private)")


def main():
    args = sys.argv[1:]
    rounds = int(args[args.index("--rounds") + 1]) if "--rounds" in args else 1
    which = args[args.index("--only") + 1].split(",") if "--only" in args else list(MACHINES)
    parts = [a for a in args if a in ("startup", "work")] or ["startup", "work"]
    if "startup" in parts:
        bench_startup(which, rounds)
    if "work" in parts:
        bench_work(which, rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
