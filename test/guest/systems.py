# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole systems of the distribution, as they come: Xen with a Linux dom0, the Debian installer."""
import os
import time

from guest import Guest, image
from picture import picture_differs

T = float(os.environ.get("GUEST_TIMEOUT", "1"))
PROMPT = r"guest# "


def xen():
    """GRUB starts Xen by multiboot 2, Xen starts Linux, which finds itself in the first domain."""
    with Guest("--cdrom", image("xen-cd"), "--memory", "768M") as g:
        g.expect(r"Xen version 4\.17", 240 * T)
        g.expect(r"guest ready: Linux", 900 * T)
        took = g.seconds()
        g.expect(PROMPT, 60 * T)
        out = g.command("cat /sys/hypervisor/type /sys/hypervisor/guest_type; cat /proc/cpuinfo | grep -c hypervisor", PROMPT)
        if "xen" not in out or "PV" not in out:
            g.fail(f"not a domain of Xen: {out!r}")
        g.send("poweroff -f\n")
        g.wait(0, 120 * T)
        return f"dom0 shell after {took:.1f} s"


def installer_serial(arch):
    """The first dialog on the serial line, drawn with the keys of a VT102."""

    def run():
        with Guest("--cdrom", image(f"installer-cd-{arch}"), "--memory", "1G") as g:
            g.expect(r"serial line", 120 * T)
            g.send("s\n")
            g.expect(r"Select a language", 900 * T)
            g.expect(r"English", 60 * T)
            return f"first dialog after {g.seconds():.1f} s"

    return run


def installer_screen(arch):
    """The same in the frame buffer: the picture in pictures/, but for one pixel in a hundred."""

    def run():
        with Guest("--cdrom", image(f"installer-cd-{arch}"), "--memory", "1G", screen="png") as g:
            g.expect(r"serial line", 120 * T)
            g.send("v\n")
            end, differ = time.monotonic() + 900 * T, 1.0
            while time.monotonic() < end and g.proc.poll() is None:
                differ = picture_differs("installer", g.screen())
                if differ <= 0.01:
                    return f"{100 * differ:.2f} % of the pixels differ, {g.seconds():.1f} s"
                time.sleep(5)
            g.fail(f"the dialog is not the picture: {100 * differ:.1f} % of the pixels differ")

    return run


GUESTS = [
    ("xen-dom0", False, xen),
    ("installer-amd64-serial", False, installer_serial("amd64")),
    ("installer-i386-serial", False, installer_serial("i386")),
    ("installer-amd64-screen", False, installer_screen("amd64")),
    ("installer-i386-screen", False, installer_screen("i386")),
]
