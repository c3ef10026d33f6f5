#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same guest on vmm's software CPU, QEMU TCG and Bochs, beside the same work done natively.

usage: run.py [startup] [work] [io] [--rounds N] [--only vmm,qemu,bochs] [--quick] [--limit SECONDS]
Prints tables. --quick does a quarter of each work item. A machine that has not finished when its
limit is over is stopped; rows that it did not reach show "-". Times are the host's CPU time of the
whole process between marks that the guest writes to its serial line, so neither the guest's own clock
nor other load on the host matters much; medians over the rounds; read the ratios only.
"""
import os
import re
import resource
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
from io_bench import bench_io  # noqa: E402

MEMORY = "256"
LIMIT = 600
# The emulated CPU: a Nehalem in QEMU and Bochs, as vmm announces no AVX and the C library chooses by CPUID
QEMU_CPU, BOCHS_CPU = "Nehalem", "corei5_lynnfield_750"
# rows measured from the start of the emulator and of the kernel; there is no native counterpart
BOOT = ["power on", "kernel boot"]
# name, command; each runs in a shell with the inputs of make_inputs present; {n}: loop count
WORK = [
    ("factor", "factor </numbers >/dev/null", 0),
    ("gzip -9", "gzip -9 -c /data >/dev/null", 0),
    ("md5sum", "i=0; while [ $i -lt {n} ]; do md5sum /data >/dev/null; i=$((i+1)); done", 40),
    ("lame", "lame --quiet -r -s 44.1 --bitwidth 16 /audio /dev/null 2>/dev/null", 0),
    ("shell loop", "i=0; while [ $i -lt {n} ]; do i=$((i+1)); done", 100000),
    ("fork+exec", "i=0; while [ $i -lt {n} ]; do /bin/true; i=$((i+1)); done", 100),
]
PROGRAMS = ["factor", "gzip", "md5sum", "lame", "dash", "true"]


def library_files(path):
    out = subprocess.run(["ldd", path], stdout=subprocess.PIPE, check=False).stdout.decode()
    return [p for p in re.findall(r"(/\S+)", out)]


def make_inputs(root, share):
    """Deterministic input: text-like bytes for gzip and md5sum, a chirp for LAME, numbers to factor.

    share: of the whole size, in quarters.
    """
    state, out = 1, bytearray()
    words = [bytes(97 + (i * j) % 26 for j in range(1, 3 + i % 9)) for i in range(1, 400)]
    while len(out) < share * (192 << 10):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        out += words[(state >> 33) % len(words)] + b" "
    with open(os.path.join(root, "data"), "wb") as f:
        f.write(out)
    audio, phase = bytearray(), 0
    for i in range(44100 * 3 * share):
        phase += 200 + i // 120
        v = ((phase // 8) % 4096 - 2048) * 8 & 0xFFFF
        audio += bytes((v & 255, v >> 8)) * 2
    with open(os.path.join(root, "audio"), "wb") as f:
        f.write(audio)
    with open(os.path.join(root, "numbers"), "w", encoding="ascii") as f:
        f.writelines(f"{(1 << 64) - 1 - i}\n" for i in range(share * 1000))


def commands(share):
    return [(name, command.replace("{n}", str(n * share // 4))) for name, command, n in WORK]


def make_root(root, share):
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
    make_inputs(root, share)
    lines = ["#!/bin/sh", "export PATH=/bin", "busybox mount -t devtmpfs dev /dev", "exec >/dev/ttyS0 2>&1", "echo MARK init"]
    for name, command in commands(share):
        lines += [f"echo MARK start {name}", command, f"echo MARK end {name}"]
    lines += ["echo MARK done", "busybox poweroff -f"]
    with open(os.path.join(root, "init"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    os.chmod(os.path.join(root, "init"), 0o755)


def children_time():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def cpu_time(pid):
    """Seconds of CPU that all threads of a process have used: its CPU clock (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def native_times(root, share):
    out = {}
    for name, command in commands(share):
        command = re.sub(r"/(data|audio|numbers)\b", root + r"/\1", command)
        start = children_time()
        subprocess.run([os.path.join(root, "bin/dash"), "-c", command], check=True)
        out[name] = children_time() - start
    return out


class Marks:
    """Reads a guest's serial line and notes when each mark came."""

    def __init__(self, pid):
        self.at = {}
        self.pid = pid
        self.buf = b""

    def feed(self, data):
        self.buf += data
        while b"\n" in self.buf:
            line, self.buf = self.buf.split(b"\n", 1)
            try:
                now = cpu_time(self.pid)
            except OSError:
                return  # the emulator is gone
            m = re.search(rb"MARK (.*?)\r?$", line)
            if m:
                self.at[m.group(1).decode()] = now
            elif b"] Linux version" in line:
                self.at["kernel"] = now

    def times(self):
        spans = {"power on": ("", "kernel"), "kernel boot": ("kernel", "init")}
        spans.update((w[0], ("start " + w[0], "end " + w[0])) for w in WORK)
        at = {"": 0.0, **self.at}
        return {name: at[b] - at[a] if a in at and b in at else None for name, (a, b) in spans.items()}


def run_pipe(argv, limit):
    """A machine whose serial line is its standard output."""
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    marks = Marks(p.pid)
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


CMDLINE = "console=ttyS0,115200 earlyprintk=serial,ttyS0,115200 quiet panic=-1"


def run_vmm(kernel, initrd, limit):
    return run_pipe([VMM, "run", "--accel", "soft", "--memory", MEMORY, "--display", "none", "--serial", "stdio",
                     "--kernel", kernel, "--initrd", initrd, "--append", CMDLINE], limit)


def run_qemu(kernel, initrd, limit):
    return run_pipe(["qemu-system-x86_64", "-accel", "tcg", "-cpu", QEMU_CPU, "-m", MEMORY, "-display", "none", "-serial", "stdio",
                     "-monitor", "none", "-net", "none", "-kernel", kernel, "-initrd", initrd, "-append", CMDLINE], limit)


BOCHS_ROMS = ("/usr/share/bochs/BIOS-bochs-latest", "/usr/share/bochs/VGABIOS-lgpl-latest")


def run_bochs(kernel, initrd, limit):
    """Bochs has no kernel loader: an isolinux CD; its serial line goes to a file.

    The speaker and sound are off: Bochs 2.7 crashes in its sound set-up on a machine without a sound card.
    """
    for path in BOCHS_ROMS:
        if not os.path.exists(path):
            print(f"bench: no {path}: run scripts/setup.sh bench; Bochs is left out", file=sys.stderr)
            return Marks(0).times()
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
            f.write(f"""cpu: model={BOCHS_CPU}, count=1, ips=100000000
memory: guest={MEMORY}, host={MEMORY}
romimage: file={BOCHS_ROMS[0]}
vgaromimage: file={BOCHS_ROMS[1]}
ata0-master: type=cdrom, path={d}/cd.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={d}/serial
display_library: rfb, options="timeout=0"
clock: sync=none
speaker: enabled=0
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
log: {d}/log
""")
        program = shutil.which("bochs-bin") or "bochs"  # Debian's "bochs" is a script around it
        p = subprocess.Popen([program, "-q", "-f", d + "/bochsrc", "-rc", d + "/rc"], stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        marks = Marks(p.pid)
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


def geometric_mean(values):
    return statistics.geometric_mean(values) if values else None


def number(value, width, digits=2):
    return f"{value:{width}.{digits}f}" if value is not None else f"{'-':>{width}}"


def print_work(which, native, got):
    """Two tables: seconds with the ratio to native, and vmm's time against the others'."""
    times = {m: {name: median([r[name] for r in got[m]]) for name in BOOT + [w[0] for w in WORK]} for m in which}
    base = {w[0]: median([n.get(w[0]) for n in native]) for w in WORK}
    print("\nCPU seconds, and times native in brackets")
    print(f"{'work':12} {'native':>8}" + "".join(f"{m:>20}" for m in which))
    for name in BOOT + [w[0] for w in WORK]:
        row = f"{name:12} {number(base.get(name), 8, 3)}"
        for m in which:
            v, nat = times[m][name], base.get(name)
            row += f" {number(v, 10, 3)} " + (f"({v / nat:6.1f})" if v and nat else " " * 8)
        print(row)
    row = f"{'geom. mean':12} {'':8}"
    for m in which:
        row += f" {'':10} ({number(geometric_mean([times[m][w] / base[w] for w in base if times[m][w]]), 6, 1)})"
    print(row)
    others = [m for m in which if m != "vmm"]
    if "vmm" not in which or not others:
        return
    print("\nvmm's time over the other's (below 1: vmm is faster)")
    print(f"{'work':12}" + "".join(f"{'vmm/' + m:>12}" for m in others))
    ratios = {m: {n: times["vmm"][n] / times[m][n] for n in times[m] if times[m][n] and times["vmm"][n]} for m in others}
    for name in BOOT + [w[0] for w in WORK]:
        print(f"{name:12}" + "".join(number(ratios[m].get(name), 12) for m in others))
    for label, names in (("mean of work", base), ("with kernel", [*base, "kernel boot"])):
        print(f"{label:12}" + "".join(number(geometric_mean([ratios[m][n] for n in names if n in ratios[m]]), 12) for m in others))


FOOTER = f"""
power on:    start of the program to the kernel's first line: firmware and loading. Not comparable:
             Bochs reads the kernel from a CD, the other two are handed it by --kernel.
kernel boot: the kernel's first line to the first user process, the same for all.
CPU:         QEMU {QEMU_CPU}, Bochs {BOCHS_CPU}, vmm its own maximum: none has AVX, so the C library
             takes the same SSE paths in each. Native takes what the host has (AVX2 or more)."""


def bench_work(which, rounds, share, limit):
    kernel = image("linux-6.1-cloud")
    with tempfile.TemporaryDirectory() as d:
        root, initrd = d + "/root", d + "/initrd"
        make_root(root, share)
        subprocess.run(f"cd {root} && find . | cpio -o -H newc --quiet | gzip -1 > {initrd}", shell=True, check=True)
        got = {m: [] for m in which}
        native = []
        for _ in range(rounds):
            native.append(native_times(root, share))
            for m in which:
                got[m].append(MACHINES[m](kernel, initrd, limit))
    print_work(which, native, got)
    print(FOOTER)


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
    parts = [a for a in args if a in ("startup", "work", "io")] or ["startup", "work", "io"]
    if "startup" in parts:
        bench_startup(which, rounds)
    limit = int(args[args.index("--limit") + 1]) if "--limit" in args else LIMIT
    if "io" in parts:
        bench_io(rounds, 1 if "--quick" in args else 4, limit)
    if "work" in parts:
        bench_work(which, rounds, 1 if "--quick" in args else 4, limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
