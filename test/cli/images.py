# SPDX-License-Identifier: GPL-2.0-or-later
"""vmm image, and qcow2 disks in machines. qemu-img is the other opinion where it is installed."""
import json
import os
import random
import shutil
import subprocess

from lib import VMM, Guest, image, run


def vmm(*args, status=0):
    p = subprocess.run([VMM, "image", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
    if p.returncode != status:
        raise subprocess.SubprocessError(f"vmm image {' '.join(args)}: status {p.returncode}: {p.stdout}{p.stderr}")
    return p.stdout + p.stderr


def qemu(*args):
    if shutil.which("qemu-img"):
        subprocess.run(["qemu-img", *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=True)


def raw_disk(files, name, size=5 << 20):
    random.seed(name)
    parts = [bytes(100000), random.randbytes(300000), b"text " * 50000]
    data = b"".join(parts[i % 3] for i in range(size // 100000))
    return files.write(name, data[:size].ljust(size, b"\0"))


def same(a, b):
    with open(a, "rb") as x, open(b, "rb") as y:
        return x.read() == y.read()


def test_create_info(files):
    f = files.path("c.qcow2")
    vmm("create", f, "10G")
    i = json.loads(vmm("info", "--json", f))
    if i["size"] != 10 << 30 or i["format"] != "qcow2" or i["version"] != 3 or i["cluster-size"] != 65536:
        return f"{i}"
    if "exists" not in vmm("create", f, "1G", status=1).replace("File exists", "exists"):
        return "written over"
    vmm("create", "--force", "--compat", "2", "--cluster-size", "4K", f, "1G")
    qemu("check", f)
    for bad in (("x", "lots"), ("x", "1000"), ("-f", "vdi", "x", "1G"), ("--cluster-size", "3K", "x", "1G"), ("--compat", "2", "--compression", "zstd", "x", "1G"), ("x",)):
        vmm("create", *bad, status=2)
    return "a file was left" if os.path.exists("x") else None


def test_convert(files):
    """raw to qcow2 of several kinds and back; what we write qemu-img checks and compares."""
    raw = raw_disk(files, "raw.img")
    for n, options in enumerate(([], ["-c"], ["-c", "--compression", "zstd"], ["--cluster-size", "2M", "-c"], ["--compat", "2", "--cluster-size", "512"])):
        q, back = files.path(f"v{n}.qcow2"), files.path(f"v{n}.raw")
        vmm("convert", *options, raw, q)
        vmm("check", q)
        qemu("check", q)
        qemu("compare", "-f", "raw", "-F", "qcow2", raw, q)
        vmm("convert", "-O", "raw", q, back)
        if not same(raw, back):
            return f"{options}: not the same"
        if options == ["-c"] and os.path.getsize(q) > os.path.getsize(raw) * 0.9:
            return f"{options}: {os.path.getsize(q)} bytes"
    if "exists" not in vmm("convert", raw, files.path("v0.qcow2"), status=1):
        return "written over"
    return None


def test_backing(files):
    raw = raw_disk(files, "base.img")
    f, g, out = files.path("b1.qcow2"), files.path("b2.qcow2"), files.path("b.raw")
    vmm("create", "-b", "base.img", "-F", "raw", f)
    vmm("create", "-b", "b1.qcow2", "-F", "qcow2", g)
    qemu("check", g)
    vmm("convert", "-O", "raw", g, out)
    if not same(raw, out):
        return "not the same"
    # A loop, and a missing one.
    vmm("create", "--force", "-b", "b2.qcow2", "-F", "qcow2", f)
    if "loop" not in vmm("convert", g, files.path("no"), status=1):
        return "loop"
    return None


def test_guessed_backing(files):
    """A guest that writes a qcow2 header into its raw disk does not get a file of the host's."""
    f = files.path("guess.img")
    vmm("create", "-b", files.path("off.img"), "-F", "raw", f)
    p = run(files, ["--display", "none", "--serial", "none", f])
    if p.returncode != 2 or b"format=qcow2" not in p.stderr:
        return f"{p.returncode} {p.stderr}"
    p = run(files, ["--display", "none", "--serial", "none", "--accel", "soft", "--disk", f + ",format=qcow2"])
    return None if p.returncode == 0 else f"{p.returncode} {p.stderr}"


def test_resize(files):
    f = files.path("r.qcow2")
    vmm("create", f, "1G")
    vmm("resize", f, "+1G")
    vmm("resize", f, "512M", status=1)
    vmm("resize", "--shrink", f, "512M")
    vmm("check", f)
    qemu("check", f)
    size = json.loads(vmm("info", "--json", f))["size"]
    return None if size == 512 << 20 else f"{size}"


def test_snapshots(files):
    raw, other = raw_disk(files, "s1.img"), raw_disk(files, "s2.img")
    f, out = files.path("s.qcow2"), files.path("s.raw")
    vmm("convert", raw, f)
    vmm("snapshot", "create", f, "first")
    vmm("snapshot", "create", f, "first", status=1)
    vmm("snapshot", "apply", f, "none", status=1)
    if shutil.which("qemu-io"):
        subprocess.run(["qemu-io", "-c", "write -P 7 0 2M", f], stdout=subprocess.DEVNULL, check=True)
    if "first" not in vmm("snapshot", "list", f):
        return "not listed"
    vmm("check", f)
    qemu("check", f)
    vmm("snapshot", "apply", f, "first")
    vmm("convert", "-O", "raw", f, out)
    if not same(raw, out) or same(raw, other):
        return "apply"
    vmm("snapshot", "delete", f, "first")
    vmm("check", f)
    qemu("check", f)
    return None


def test_check_repair(files):
    f = files.path("k.qcow2")
    vmm("convert", raw_disk(files, "k.img"), f)
    with open(f, "r+b") as x:
        x.seek(0x20000 + 2 * 500)
        x.write(b"\0\1")
    if "leak" not in vmm("check", f, status=3):
        return "leak not found"
    vmm("check", "--repair", f)
    vmm("check", f)
    qemu("check", f)
    return None


def test_boot(files):
    """Linux on a compressed qcow2: writes, syncs, powers off; the image is clean; a snapshot brings the old state."""
    f = files.path("boot.qcow2")
    vmm("convert", "-c", image("demo-disk"), f)
    vmm("snapshot", "create", f, "clean")
    for text, known in (("written-to-qcow2", False), ("again", True)):
        with Guest("--disk", f) as g:
            g.expect(r"guestmode# ", 240)
            if ("written-to-qcow2" in g.command("cat /root/kept", r"guestmode# ")) != known:
                return f"kept: {known}"
            g.command(f"echo {text} >> /root/kept; dd if=/dev/urandom of=/root/big bs=64k count=100; sync", r"guestmode# ", 240)
            g.send("poweroff\n")
            g.wait(0, 120)
        vmm("check", f)
        qemu("check", f)
    vmm("snapshot", "apply", f, "clean")
    vmm("check", f)
    qemu("check", f)
    with Guest("--disk", f + ",snapshot") as g:
        g.expect(r"guestmode# ", 240)
        if "written" in g.command("cat /root/kept", r"guestmode# "):
            return "the snapshot is not the old state"
    return None


def test_kill(files):
    """SIGKILL in the middle of writing: what was flushed is there, the image has leaks at worst."""
    f = files.path("killed.qcow2")
    vmm("convert", image("demo-disk"), f)
    with Guest("--disk", f) as g:
        g.expect(r"guestmode# ", 240)
        g.command("echo flushed-first > /root/kept; sync", r"guestmode# ")
        g.send("while :; do dd if=/dev/urandom of=/root/big bs=64k count=50; sync; rm /root/big; done\n")
        g.expect("records out", 60)
        g.proc.kill()
        g.proc.wait()
    p = subprocess.run([VMM, "image", "check", f], capture_output=True, text=True, timeout=100, check=False)
    if p.returncode not in (0, 3):
        return f"check: {p.returncode} {p.stdout[-400:]}"
    with Guest("--disk", f + ",snapshot") as g:
        g.expect(r"guestmode# ", 240)
        if "flushed-first" not in g.command("cat /root/kept", r"guestmode# "):
            return "the file is gone"
    return None


TESTS = [
    test_create_info, test_convert, test_backing, test_guessed_backing, test_resize, test_snapshots,
    test_check_repair, test_boot, test_kill,
]


def cases(files):
    return [("image " + t.__name__, lambda t=t: t(files)) for t in TESTS]
