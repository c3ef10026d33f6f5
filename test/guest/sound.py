# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that make sound: what they play is found again in the WAV file."""
import array
import math
import os
import sys
import tempfile
import time
import wave

from guest import Guest, GuestError, image

T = float(os.environ.get("GUEST_TIMEOUT", "1"))
PROMPT = r"guest# "
BLOCK = 2400  # frames, a twentieth of a second: whole periods of every tone below


def share(samples, hz, rate):
    """How much of the samples is a sine of this frequency, 0 to 1 (Goertzel's algorithm)."""
    coeff = 2 * math.cos(2 * math.pi * hz / rate)
    a = b = 0.0
    for x in samples:
        a, b = x + coeff * a - b, a
    power = a * a + b * b - coeff * a * b
    total = sum(x * x for x in samples) * len(samples) / 2
    return power / total if total else 0.0


def tones(path, wanted):
    """Blocks of the file in which each of the frequencies is nearly all there is."""
    with wave.open(path) as w:
        rate, frames = w.getframerate(), w.getnframes()
        if (rate, w.getnchannels(), w.getsampwidth()) != (48000, 2, 2):
            raise GuestError("not 48 kHz, 16 bits, stereo")
        data = array.array("h", w.readframes(frames))
    if sys.byteorder == "big":
        data.byteswap()
    found = dict.fromkeys(wanted, 0)
    for at in range(0, frames - BLOCK, BLOCK):
        block = data[2 * at : 2 * (at + BLOCK) : 2]
        if max(block) - min(block) < 200:
            continue
        mean = sum(block) / len(block)
        block = [x - mean for x in block]
        for hz in wanted:
            found[hz] += share(block, hz, rate) > 0.75
    return found, frames / rate


def check(path, wanted):
    """wanted: frequency, then how many blocks of it there are at least."""
    found, seconds = tones(path, wanted)
    for hz, least in wanted.items():
        if found[hz] < least:
            raise GuestError(f"{hz} Hz is in {found[hz]} blocks of {seconds:.1f} s, not in {least}: {found}")
    return ", ".join(f"{hz} Hz for {n / 20:.2f} s" for hz, n in found.items())


def beep(g, hz, ms):
    """The console's bell, which the kernel's pcspkr driver rings."""
    g.command(rf"printf '\033[10;{hz}]\033[11;{ms}]\a' >/dev/tty0; sleep {ms // 1000 + 1}", PROMPT)


def speaker():
    with tempfile.TemporaryDirectory() as d:
        wav = os.path.join(d, "speaker.wav")
        args = ("--kernel", image("linux-6.1-amd64"), "--initrd", image("initrd-sound-amd64"), "--append", "console=ttyS0 quiet")
        with Guest(*args, "--sound", f"speaker,wav={wav}") as g:
            g.expect(r"guest ready: Linux", 240 * T)
            g.expect(PROMPT, 60 * T)
            beep(g, 1000, 700)
            beep(g, 440, 500)
            g.send("poweroff -f\n")
            g.wait(0, 60 * T)
        return check(wav, {1000: 10, 440: 7})


def card(name, kernel, initrd, setup, mixer):
    """A sine in 16-bit stereo at 44.1 kHz, another in 8-bit mono at 8 kHz."""

    def run():
        with tempfile.TemporaryDirectory() as d:
            wav = os.path.join(d, "card.wav")
            args = ("--kernel", image(kernel), "--initrd", image(initrd), "--append", "console=ttyS0 quiet")
            with Guest(*args, "--sound", f"{name},wav={wav}") as g:
                g.expect(r"guest ready: Linux", 240 * T)
                g.expect(PROMPT, 60 * T)
                if setup:
                    g.command(setup, PROMPT)
                out = g.command("cat /proc/asound/cards", PROMPT)
                if mixer not in out:
                    g.fail(f"the driver found no {mixer}: {out!r}")
                for tone in ("44100 16 2 440 1000", "8000 8 1 1000 1000"):
                    out = g.command(f"/lib/tone {tone}", PROMPT, 120 * T)
                    if "tone: played" not in out:
                        g.fail(f"{tone}: {out!r}")
                g.send("poweroff -f\n")
                g.wait(0, 60 * T)
            return check(wav, {440: 14, 1000: 14})

    return run


# Timer channel 2 to 1193182 / 1193 Hz, square wave; speaker on for 18 ticks; then "rang" to the serial line.
BEEP = bytes.fromhex("fa b0b6e643 b0a9e642 b004e642 e4610c03e661 fb b91200 f4 e2fd e46124fce661 baf803") + b"".join(
    bytes([0xB0, c, 0xEE]) for c in b"rang"
) + bytes.fromhex("fa f4 ebfd")


def boot_sector(out):
    """A boot sector that beeps; out: where to, "" the host's sound (a driver that plays nothing)."""

    def run():
        with tempfile.TemporaryDirectory() as d:
            disk, wav = os.path.join(d, "beep.img"), os.path.join(d, "beep.wav")
            with open(disk, "wb") as f:
                f.write(BEEP.ljust(510, b"\0") + b"\x55\xaa" + bytes(512 * 63))
            os.environ["SDL_AUDIODRIVER"] = "dummy"
            with Guest("--disk", disk, "--memory", "16M", "--sound", "speaker" + out.replace("%", wav)) as g:
                g.expect(r"rang", 60 * T)
                time.sleep(1)
                g.proc.terminate()
                g.wait(0, 30 * T)
                took = g.seconds()
            return check(wav, {1000: 14}) if out else f"{took:.1f} s"

    return run


SB16 = "rmmod snd_sb16; insmod /lib/*-snd-sb16.ko isapnp=0 port=0x220 irq=5 dma8=1 dma16=5"

GUESTS = [
    ("sound-beep", True, boot_sector(",wav=%")),
    ("sound-host", True, boot_sector("")),
    ("sound-speaker", False, speaker),
    ("sound-ac97", True, card("ac97", "linux-6.1-amd64", "initrd-sound-amd64", "", "82801AA-ICH")),
    ("sound-sb16", False, card("sb16", "linux-6.1-686", "initrd-sound-i386", SB16, "SB16")),
]
