# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input is refused with one line and exit status 2; how a machine ended is told by the status."""
import re

from lib import HEADLESS, complaint, run

# arguments (%NAME: a file of the folder), wanted exit status, wanted on stderr
BAD = [
    ([], 2, r"nothing to boot"),
    (["%missing.img"], 2, r"missing\.img.*No such file"),
    (["%empty.img"], 2, r"empty\.img.*empty"),
    (["%folder"], 2, r"folder.*directory"),
    (["%odd.img"], 2, r"odd\.img.*512"),
    (["--no-such-option", "%zero.img"], 2, r"--no-such-option: unknown option"),
    (["-x", "%zero.img"], 2, r"-x: unknown option"),
    (["--memory"], 2, r"--memory: needs a value"),
    (["--memory", "lots", "%zero.img"], 2, r"--memory: 'lots' is not a size"),
    (["--memory", "1K", "%zero.img"], 2, r"--memory: 1K is too small"),
    (["--memory", "99999999999G", "%zero.img"], 2, r"--memory: .*too large"),
    (["--memory", "500G", "%zero.img"], 2, r"--memory: .*too large"),
    (["--boot", "xyz", "%zero.img"], 2, r"--boot: 'xyz' is not a boot order"),
    (["--accel", "magic", "%zero.img"], 2, r"--accel: 'magic' is not known"),
    (["--accel", "guestmode", "--accel-device", "/nonexistent", "%zero.img"], 2, r"guestmode.*No such file"),
    (["--cpu", "z80", "%zero.img"], 2, r"--cpu: 'z80' is not known"),
    (["--cpus", "0", "%zero.img"], 2, r"--cpus: '0' is not understood"),
    (["--cpus", "256", "%zero.img"], 2, r"--cpus: '256' is not understood.*1 to 255"),
    (["--cpus", "sockets=16,cores=16", "%zero.img"], 2, r"--cpus: .*256 CPUs; a machine has 1 to 255"),
    (["--cpus", "4,sockets=3", "%zero.img"], 2, r"--cpus: .*3 sockets of 1 cores of 1 threads are not 4 CPUs"),
    (["--cpus", "4,threads", "%zero.img"], 2, r"--cpus: '4,threads' is not understood"),
    (["--cpus", "2", "--cpu", "486", "%zero.img"], 2, r"--cpus: CPU model 486 has no local APIC"),
    (["--display", "hologram", "%zero.img"], 2, r"--display: 'hologram' is not known"),
    (["--disk", "%zero.img,colour=red"], 2, r"--disk: 'colour=red' is not known"),
    (["--disk", "%zero.img,format=vhdx"], 2, r"vhdx"),
    (["--disk", "%zero.img,if=virtio,queues=9"], 2, r"--disk: 'queues=9' is not known"),
    (["--sound", "gramophone", "%zero.img"], 2, r"--sound: 'gramophone' is not known \(none, speaker"),
    (["--sound", "sb16,loud", "%zero.img"], 2, r"--sound: 'loud' is not known here"),
    (["--sound", "ac97,wav=/dev/null", "%zero.img"], 2, r"--sound: /dev/null: is not an ordinary file"),
    (["--sound", "ac97,wav=%missing/x.wav", "%zero.img"], 2, r"--sound: .*No such file"),
    (["--net", "carrier-pigeon", "%zero.img"], 2, r"--net: 'carrier-pigeon' is not known"),
    (["--net", "user,model=ne1000", "%zero.img"], 2, r"--net: model=ne1000: not known"),
    (["--net", "user,mac=01:00:00:00:00:00", "%zero.img"], 2, r"--net: .*group address"),
    (["--net", "user,mac=zz", "%zero.img"], 2, r"--net: mac=zz: not an address"),
    (["--net", "user,forward=tcp:22", "%zero.img"], 2, r"--net: forward=tcp:22: not understood"),
    (["--net", "user,ifname=tap0", "%zero.img"], 2, r"--net: ifname= does not belong"),
    (["--net", "user,tftp=%missing", "%zero.img"], 2, r"tftp=.*No such file"),
    (["--net", "tap", "%zero.img"], 2, r"--net: tap needs ifname="),
    (["--net", "pair", "%zero.img"], 2, r"--net: pair needs path="),
    (["--net", "none,capture=/dev/full", "%zero.img"], 2, r"capture=/dev/full: No space"),
    (["--net", "none"] + ["--net", "none"] * 8 + ["%zero.img"], 2, r"--net: too many network cards"),
    (["--device", "toaster", "%zero.img"], 2, r"--device: 'toaster' is not known"),
    (["--device", "virtio-rng,chardev=stdio", "%zero.img"], 2, r"--device: 'chardev=stdio' is not known"),
    (["--boot", "n"], 2, r"nothing to boot"),
    (["--serial", "nonsense", "%zero.img"], 2, r"nonsense"),
    (["--bios", "%missing", "%zero.img"], 2, r"missing.*No such file"),
    (["--bios", "%small-bios", "%zero.img"], 2, r"small-bios"),
    (["--bios", "%zero-bios", "%zero.img"], 2, r"zero-bios"),
    (["--kernel", "%missing"], 2, r"missing.*No such file"),
    (["--kernel", "%text.txt"], 2, r"text\.txt"),
    (["--kernel", "%short-kernel"], 2, r"short-kernel"),
    (["--kernel", "%short-elf"], 2, r"short-elf"),
    (["--kernel", "%hostile-kernel"], 2, r"hostile-kernel"),
    (["--kernel", "%folder"], 2, r"folder"),
    (["--append", "x", "%zero.img"], 2, r"need --kernel"),
    (["%missing.conf"], 2, r"missing\.conf: No such file"),
    (["%bad.conf"], 2, r"bad\.conf:2: no-such-key: not known"),
    (["%syntax.conf"], 2, r"syntax\.conf:2: "),
    (["%value.conf"], 2, r"value\.conf:2: memory: 'lots' is not a size"),
    (["--disk", "%zero.img"] * 5, 2, r"too many disks"),
    (["--disk", "%zero.img,if=virtio"] * 9, 2, r"too many disks"),
]


def check_bad(files, args, status, pattern):
    p = run(files, args)
    err = p.stderr.decode(errors="replace")
    if err.count("\n") != 1 or not err.startswith("vmm: "):
        return f"not one line from vmm: {err!r}"
    return complaint(p, status, pattern)


def test_poweroff(files):
    return complaint(run(files, [*HEADLESS, "%off.img"]), 0)


def test_machine_file(files):
    return complaint(run(files, ["--accel", "soft", "%good.conf"]), 0)


def test_reset(files):
    return complaint(run(files, [*HEADLESS, "--no-reboot", "%reset.img"]), 3)


def test_crash(files):
    p = run(files, [*HEADLESS, "--no-reboot", "%triple.img"])
    err = p.stderr.decode()
    if not re.search(r"triple fault", err) or not re.search(r"cr3 ", err):
        return f"no state shown: {err!r}"
    return complaint(p, 4)


def cases(files):
    bad = [(" ".join(a) or "(no arguments)", lambda a=a, s=s, p=p: check_bad(files, a, s, p)) for a, s, p in BAD]
    return bad + [(t.__name__, lambda t=t: t(files)) for t in (test_poweroff, test_machine_file, test_reset, test_crash)]
