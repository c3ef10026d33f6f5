#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots real operating systems and firmware and checks what they show.

usage: run.py [--all] [NAME...]     without names: the quick ones; --all: every one
Prints a line per guest with its time; ends with "N passed, N failed".
"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import net  # noqa: E402
import screen  # noqa: E402
import sound  # noqa: E402
import systems  # noqa: E402
from guest import Guest, GuestError, image  # noqa: E402
from picture import picture_differs  # noqa: E402

CMDLINE = "console=ttyS0 quiet"
PROMPT = r"guest# "
CLOUD = ("--memory", "256M")
# Time limits are for broken guests, not for slow machines: several times what is usual.
T = float(os.environ.get("GUEST_TIMEOUT", "1"))


def shell_and_off(g, boot, checks=()):
    """The initramfs of scripts/guest.sh: its shell works, and poweroff ends vmm with status 0."""
    g.expect(r"guest ready: Linux", boot * T)
    took = g.seconds()
    g.expect(PROMPT, 60 * T)
    for command, wanted in checks:
        out = g.command(command, PROMPT)
        if wanted not in out:
            g.fail(f"{command}: no {wanted!r} in {out!r}")
    g.send("poweroff -f\n")
    g.wait(0, 60 * T)
    return f"kernel to shell {took:.1f} s"


def linux(kernel, initrd, boot=240, args=(), append="", checks=()):
    def run():
        with Guest("--kernel", image(kernel), "--initrd", image(initrd), "--append", f"{CMDLINE} {append}", *args) as g:
            return shell_and_off(g, boot, checks)

    return run


# Parallel work for every CPU: processes, pipes, files, page faults, copies that must be equal.
STRESS = r"""cat > /tmp/job <<'EOS'
i=$1; n=0; cd /tmp
while [ $n -lt ROUNDS ]; do
 n=$((n+1))
 head -c 200000 /dev/urandom > f$i || echo BAD
 gzip -c f$i | gunzip -c | cmp - f$i || echo BAD
 cp f$i g$i; a=$(md5sum < f$i); b=$(dd if=g$i bs=4k 2>/dev/null | md5sum)
 [ "$a" = "$b" ] || echo BAD
 [ "$(seq 1 200 | sort -rn | sort -n | tail -n 1)" = 200 ] || echo BAD
done
EOS
"""


def smp(cpus, kernel="linux-6.1-cloud", initrd="initrd-amd64", rounds=0, args=CLOUD, boot=300):
    """The kernel starts all CPUs, each has its timer interrupts; then twice as many jobs as CPUs."""

    def run():
        append = ("--append", "console=ttyS0 loglevel=5")
        with Guest("--kernel", image(kernel), "--initrd", image(initrd), *append, "--cpus", str(cpus), *args) as g:
            g.expect(r"guest ready: Linux", boot * T)
            took = g.seconds()
            g.expect(PROMPT, 60 * T)
            out = g.command("grep -c ^processor /proc/cpuinfo", PROMPT)
            n = int(str(cpus).partition(",")[0])
            if not re.search(rf"^{n}\r?$", out, re.M):
                g.fail(f"not {n} CPUs: {out!r}")
            if rounds:
                for line in STRESS.replace("ROUNDS", str(rounds)).splitlines():
                    g.send(line + "\n")
                    time.sleep(0.05)
                g.command("true", PROMPT)
                out = g.command(f"for j in $(seq 1 {2 * n}); do sh /tmp/job $j & done; wait; echo all is do''ne", r"all is done\r?$", 900 * T)
                if "BAD" in out:
                    g.fail(f"stress: {out!r}")
                g.command("", PROMPT)
                g.expect(PROMPT, 60 * T)
            out = g.command("grep LOC: /proc/interrupts", PROMPT)
            line = re.search(r"^ *LOC:([ \d]+)", out, re.M)
            ticks = [int(x) for x in line.group(1).split()] if line else []
            if len(ticks) != n or min(ticks) < 1:
                g.fail(f"timer interrupts: {ticks}")
            out = g.command("dmesg | grep -iE 'stall|lockup|hung|warp|BUG:|Call Trace'", PROMPT)
            if re.search(r"^\[", out, re.M):
                g.fail(f"the kernel complains: {out!r}")
            g.send("poweroff -f\n")
            g.wait(0, 60 * T)
            return f"kernel to shell {took:.1f} s, {g.seconds():.1f} s in all"

    return run


def uptime(g):
    """The guest's clock between two readings of ours: the narrowest of some attempts."""
    best = None
    for _ in range(15):
        lo = time.monotonic()
        out = g.command("cat /proc/uptime", PROMPT)
        hi = time.monotonic()
        guest = float(re.search(r"^(\d+\.\d+) \d+\.\d+", out, re.M).group(1))
        if not best or hi - lo < best[2] - best[0]:
            best = (lo, guest, hi)
    return best


def clock(*args, seconds=40):
    """What the real-time clock starts with, and that the guest's clock keeps the host's pace to a second in
    an hour, as far as the two readings tell (a busy host makes the bounds wider)."""

    def run():
        kernel = ("--kernel", image("linux-6.1-cloud"), "--initrd", image("initrd-amd64"), "--append", CMDLINE)
        with Guest(*kernel, "--clock", "2031-05-06T07:08:09", *CLOUD, *args) as g:
            g.expect(r"guest ready: Linux", 240 * T)
            g.expect(PROMPT, 60 * T)
            out = g.command("date -u +now=%Y-%m-%d.%H", PROMPT)
            if "now=2031-05-06.07" not in out:
                g.fail(f"not the date of --clock: {out!r}")
            first = uptime(g)
            time.sleep(seconds)
            last = uptime(g)
            passed = last[1] - first[1]
            slack = 0.02 + seconds / 3600  # readings have two decimals
            low, high = last[0] - first[2] - slack, last[2] - first[0] + slack
            if not low <= passed <= high:
                g.fail(f"{passed:.2f} s passed in the guest, {low:.2f} to {high:.2f} s here")
            g.send("poweroff -f\n")
            g.wait(0, 60 * T)
            return f"{passed:.2f} s between {low:.2f} and {high:.2f} s"

    return run


def linux_cd(name, boot=300):
    def run():
        with Guest("--cdrom", image(name)) as g:
            return shell_and_off(g, boot)

    return run


def reboot():
    """Linux resets the machine; the second boot is as good as the first one."""
    with Guest("--kernel", image("linux-6.1-cloud"), "--initrd", image("initrd-amd64"), "--append", CMDLINE, *CLOUD) as g:
        g.expect(r"guest ready: Linux", 240 * T)
        g.expect(PROMPT, 60 * T)
        g.send("reboot -f\n")
        return shell_and_off(g, 240, checks=[("cat /proc/uptime", ".")])


def memory_5g():
    """Memory above 4 GiB: Linux counts it, and takes its own from there first."""
    args = ("--memory", "5G", "--kernel", image("linux-6.1-cloud"), "--initrd", image("initrd-amd64"), "--append", CMDLINE)
    with Guest(*args) as g:
        g.expect(r"guest ready: Linux", 240 * T)
        took = g.seconds()
        g.expect(PROMPT, 60 * T)
        out = g.command("grep 'System RAM' /proc/iomem; grep MemTotal /proc/meminfo", PROMPT)
        total = int(re.search(r"MemTotal: +(\d+) kB", out).group(1))
        if not re.search(r"^100000000-17fffffff : System RAM", out, re.M) or total < 4800000:
            g.fail(f"not 5 GiB: {out!r}")
        g.send("poweroff -f\n")
        g.wait(0, 60 * T)
        return f"kernel to shell {took:.1f} s"


def floppy():
    """Linux's floppy driver writes through the 8237 what the host finds in the image, and reads it back."""
    with tempfile.TemporaryDirectory() as d:
        disk = os.path.join(d, "floppy.img")
        with open(disk, "wb") as f:
            f.truncate(1474560)
        args = ("--kernel", image("linux-6.1-amd64"), "--initrd", image("initrd-amd64-floppy"), "--append", CMDLINE)
        with Guest(*args, "--floppy", disk) as g:
            g.expect(r"guest ready: Linux", 240 * T)
            g.expect(PROMPT, 60 * T)
            g.command("seq 1 20000 | head -c 100000 > /tmp/x; dd if=/tmp/x of=/dev/fd0 bs=512 conv=fsync", PROMPT, 120 * T)
            g.command("echo 3 > /proc/sys/vm/drop_caches", PROMPT)
            out = g.command("head -c 100000 /dev/fd0 | cmp - /tmp/x && echo the same", PROMPT, 120 * T)
            if "\nthe same" not in out:
                g.fail(f"read back: {out!r}")
            g.send("poweroff -f\n")
            g.wait(0, 60 * T)
            took = g.seconds()
        wanted = "".join(f"{i}\n" for i in range(1, 20001)).encode()[:100000]
        with open(disk, "rb") as f:
            if f.read(100000) != wanted:
                raise GuestError("the image has not what the guest wrote")
    return f"{took:.1f} s in all"


def disks_and_cd():
    """A second disk takes a file that the host finds afterwards; a CD's file is read."""
    prompt = r"guestmode# "
    with tempfile.TemporaryDirectory() as d:
        disk, folder = os.path.join(d, "second.img"), os.path.join(d, "cd")
        tool = {"env": {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        subprocess.run(["mke2fs", "-q", "-t", "ext4", disk, "32M"], check=True, **tool)
        os.mkdir(folder)
        data = os.urandom(3000001)
        with open(os.path.join(folder, "A long name.bin"), "wb") as f:
            f.write(data)
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", d + "/cd.iso", folder], stderr=subprocess.DEVNULL, check=True)
        digest = hashlib.md5(data).hexdigest()
        with Guest("--disk", image("demo-disk") + ",snapshot", "--disk", disk, "--cdrom", d + "/cd.iso") as g:
            g.expect(prompt, 240 * T)
            g.command("mount -t iso9660 -o ro /dev/sr0 /mnt", prompt)
            if digest not in g.command("md5sum '/mnt/A long name.bin'", prompt, 120 * T):
                g.fail("the CD's file is another")
            g.command("mkdir /tmp/b; mount -t ext4 /dev/sdb /tmp/b", prompt)
            out = g.command("cp '/mnt/A long name.bin' /tmp/b/copy; umount /tmp/b; echo copied=$?", prompt, 120 * T)
            if "copied=0" not in out:
                g.fail(f"the second disk: {out!r}")
            g.send("poweroff\n")
            g.wait(0, 120 * T)
            took = g.seconds()
        fsck = subprocess.run(["e2fsck", "-fn", disk], check=False, **tool)
        if fsck.returncode:
            raise GuestError(f"e2fsck: {fsck.stdout.decode()}")
        subprocess.run(["debugfs", "-R", f"dump copy {d}/copy", disk], check=True, **tool)
        with open(d + "/copy", "rb") as f:
            if f.read() != data:
                raise GuestError("the second disk's file is another")
    return f"{took:.1f} s in all"


def on_screen(pattern, limit, *args):
    """Boots and waits for text on the VGA screen."""

    def run():
        with Guest(*[image(a[1:]) if a.startswith("@") else a for a in args]) as g:
            g.expect_screen(pattern, limit * T)
            return f"{g.seconds():.1f} s"

    return run


def on_serial(pattern, limit, *args):
    def run():
        with Guest(*[image(a[1:]) if a.startswith("@") else a for a in args]) as g:
            g.expect(pattern, limit * T)
            return f"{g.seconds():.1f} s"

    return run


def vesamenu():
    """isolinux with a graphical menu: the picture in pictures/, but for one pixel in a hundred (an
    isolinux of another release may word its help lines differently)."""
    with Guest("--cdrom", image("vesamenu-cd"), screen="png") as g:
        end, differ = time.monotonic() + 120 * T, 1.0
        while time.monotonic() < end:
            differ = picture_differs("vesamenu", g.screen())
            if differ <= 0.01:
                return f"{100 * differ:.2f} % of the pixels differ, {g.seconds():.1f} s"
            time.sleep(1)
        g.fail(f"the menu is not the picture: {100 * differ:.1f} % of the pixels differ")


def demo_disk(name):
    """A disk with MBR, GRUB, a kernel and a root file system, all written by scripts/demo-disk.sh."""

    def run():
        with Guest("--disk", image(name) + ",snapshot") as g:
            g.expect(r"guestmode# ", 240 * T)
            took = g.seconds()
            out = g.command("grep -c . /proc/interrupts; ls /dev/sda1", r"guestmode# ")
            if "/dev/sda1" not in out:
                g.fail("no /dev/sda1")
            g.send("poweroff\n")
            g.wait(0, 120 * T)
            return f"disk to shell {took:.1f} s"

    return run


def debian_login(g, boot):
    g.expect(r"login: ", boot * T)
    took = g.seconds()
    g.send("root\n")
    g.expect(r"root@\S+:~# ", 120 * T)
    return took


def debian_disk(*args):
    """systemd to the login prompt on screen and serial line; what was written is there after a
    power-off, a clean file system check and a second boot."""
    prompt = r"root@\S+:~# "

    def run():
        return debian_disk_run(prompt, args)

    return run


def debian_disk_run(prompt, args):
    with tempfile.TemporaryDirectory(dir=os.path.dirname(image("debian-disk"))) as d:
        disk = os.path.join(d, "disk.img")
        os.system(f"cp --sparse=always '{image('debian-disk')}' '{disk}'")
        with Guest("--disk", disk, *args) as g:
            first = debian_login(g, 900)
            g.expect_screen(r"login:$", 60 * T)
            g.command("head -c 3000000 /dev/urandom > /root/data; md5sum /root/data > /root/sum; sync", prompt, 120 * T)
            g.send("poweroff\n")
            g.wait(0, 300 * T)
        code = os.system(f"PATH=$PATH:/sbin:/usr/sbin e2fsck -fn '{disk}?offset=1048576' >/dev/null 2>&1")
        if code:
            raise GuestError(f"e2fsck found errors (status {code >> 8})")
        with Guest("--disk", disk, *args) as g:
            second = debian_login(g, 900)
            if "data: OK" not in g.command("md5sum -c /root/sum", prompt, 120 * T):
                g.fail("the file is not what was written")
            g.send("poweroff\n")
            g.wait(0, 300 * T)
    return f"login after {first:.1f} s and {second:.1f} s"


# name, quick, function
GUESTS = [
    ("grub-cd", True, on_screen(r"GNU GRUB", 60, "--cdrom", "@grub-cd")),
    ("grub-floppy", True, on_screen(r"GNU GRUB", 120, "--floppy", "@grub-floppy")),
    ("ipxe-cd", True, on_screen(r"^Features: .*HTTP", 60, "--cdrom", "@ipxe-cd")),
    ("vesamenu-cd", True, vesamenu),
    ("invaders-cd", True, on_screen(r"(-\*- .*\n.*){4}", 60, "--cdrom", "@invaders-cd")),
    ("mach-486", True, on_screen(r"[Nn]o bootstrap", 120, "--kernel", "@mach-486")),
    ("mach-amd64", False, on_screen(r"[Nn]o bootstrap", 120, "--kernel", "@mach-amd64")),
    ("mach-486-pentium2", False, on_screen(r"[Nn]o bootstrap", 120, "--kernel", "@mach-486", "--cpu", "pentium2")),
    ("grub-cd-486", False, on_screen(r"GNU GRUB", 60, "--cdrom", "@grub-cd", "--cpu", "486", "--memory", "16M")),
    ("hdt-cd", False, on_screen(r"^ *Product Name +: Standard PC(.*\n)+.*NB Devices +: [1-9]", 120, "--cdrom", "@hdt-cd")),
    ("memtest-cd", True, on_screen(r"Test #\d", 240, "--cdrom", "@memtest-cd", "--memory", "128M")),
    ("memtest32-cd", False, on_screen(r"Test #\d", 240, "--cdrom", "@memtest32-cd", "--memory", "128M")),
    ("memtest32-cd-pentium", False, on_screen(r"Test #\d", 240, "--cdrom", "@memtest32-cd", "--memory", "64M", "--cpu", "pentium")),
    ("linux-6.1-cloud", True, linux("linux-6.1-cloud", "initrd-amd64", args=CLOUD)),
    ("linux-6.1-cloud-entry32", False, linux("linux-6.1-cloud", "initrd-amd64", args=(*CLOUD, "--entry", "32"))),
    ("linux-6.1-cloud-entry64", False, linux("linux-6.1-cloud", "initrd-amd64", args=(*CLOUD, "--entry", "64"))),
    ("linux-6.1-pvh", True, linux("vmlinux-6.1-cloud", "initrd-amd64", args=(*CLOUD, "--entry", "pvh"))),
    ("linux-6.1-amd64", False, linux("linux-6.1-amd64", "initrd-amd64")),
    ("linux-6.1-686", False, linux("linux-6.1-686", "initrd-i386", args=CLOUD)),
    ("linux-6.1-686-pae", True, linux("linux-6.1-686-pae", "initrd-i386", args=CLOUD)),
    ("linux-5.10-cloud", False, linux("linux-5.10-cloud", "initrd-amd64", args=CLOUD)),
    ("linux-6.12-cloud", False, linux("linux-6.12-cloud", "initrd-amd64", args=CLOUD)),
    ("linux-cd-cloud", False, linux_cd("linux-cd-cloud")),
    ("linux-cd-amd64", False, linux_cd("linux-cd-amd64")),
    ("linux-cd-686", False, linux_cd("linux-cd-686")),
    ("linux-cd-686-pae", False, linux_cd("linux-cd-686-pae")),
    ("linux-6.1-686-pentium3", False, linux("linux-6.1-686", "initrd-i386", args=(*CLOUD, "--cpu", "pentium3"))),
    ("linux-6.1-cloud-core2", False, linux("linux-6.1-cloud", "initrd-amd64", args=(*CLOUD, "--cpu", "core2"))),
    ("reboot", False, reboot),
    ("memory-5g", False, memory_5g),
    ("floppy", False, floppy),
    ("demo-disk", True, demo_disk("demo-disk")),
    ("linux-disk-amd64", False, demo_disk("linux-disk-amd64")),
    ("linux-disk-686", False, demo_disk("linux-disk-686")),
    ("linux-disk-686-pae", False, demo_disk("linux-disk-686-pae")),
    ("disks-and-cd", False, disks_and_cd),
    ("debian-disk", False, debian_disk()),
    ("smp-2", True, smp(2)),
    ("smp-4-stress", False, smp("4,sockets=2,cores=2", rounds=6)),
    ("smp-2-686-pae", False, smp(2, "linux-6.1-686-pae", "initrd-i386", rounds=2)),
    ("smp-3-threads", False, smp("6,cores=3,threads=2", "linux-6.12-cloud")),
    ("clock", False, clock()),
    ("clock-smp", False, clock("--cpus", "2")),
    ("debian-disk-smp", False, debian_disk("--cpus", "4")),
]


GUESTS += net.GUESTS + screen.GUESTS + sound.GUESTS + systems.GUESTS


def main():
    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    everything = "--all" in sys.argv
    known = {g[0] for g in GUESTS}
    for name in names:
        if name not in known:
            sys.exit(f"run.py: no guest named {name}; there are: {' '.join(sorted(known))}")
    passed = failed = 0
    for name, quick, fn in GUESTS:
        if names and name not in names or not names and not quick and not everything:
            continue
        try:
            print(f"ok    {name}: {fn()}", flush=True)
            passed += 1
        except (GuestError, OSError, AssertionError) as e:
            print(f"FAIL  {name}: {e}", flush=True)
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
