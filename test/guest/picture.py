# SPDX-License-Identifier: GPL-2.0-or-later
"""PNG files as rows of pixels."""
import os
import struct
import zlib


def png_pixels(path):
    """Width, height and rows of RGB bytes of an 8-bit truecolour PNG."""
    with open(path, "rb") as f:
        data = f.read()
    pos, idat, head = 8, b"", None
    while pos < len(data):
        size, kind = struct.unpack_from(">I4s", data, pos)
        body = data[pos + 8 : pos + 8 + size]
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            idat += body
        pos += 12 + size
    width, height, depth, colour = head[:4]
    bpp = {2: 3, 6: 4}[colour]
    assert depth == 8
    raw, rows, prev = zlib.decompress(idat), [], bytes(width * bpp)
    for y in range(height):
        line = raw[y * (width * bpp + 1) : (y + 1) * (width * bpp + 1)]
        rows.append(png_unfilter(line[0], bytearray(line[1:]), prev, bpp))
        prev = rows[-1]
    return width, height, [bytes(r[i] for i in range(len(r)) if bpp == 3 or i % 4 != 3) for r in rows]


def png_unfilter(kind, line, prev, bpp):
    for i in range(len(line)):
        a = line[i - bpp] if i >= bpp else 0
        b = prev[i]
        c = prev[i - bpp] if i >= bpp else 0
        if kind == 1:
            add = a
        elif kind == 2:
            add = b
        elif kind == 3:
            add = (a + b) // 2
        elif kind == 4:
            p = a + b - c
            add = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        else:
            add = 0
        line[i] = (line[i] + add) & 255
    return bytes(line)


def pixels_differ(a, b):
    """Share of pixels that differ by more than a rounding of colours."""
    bad = sum(1 for r, t in zip(a, b) if r != t for i in range(0, len(r), 3) if max(abs(r[i + k] - t[i + k]) for k in range(3)) > 8)
    return bad / (len(a) * len(a[0]) // 3)


def picture_differs(name, shot):
    """Share of the pixels in which the picture in the file `shot` ("": none) is not pictures/NAME.png."""
    if not shot:
        return 1.0
    width, height, want = png_pixels(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pictures", name + ".png"))
    got = png_pixels(shot)
    return pixels_differ(want, got[2]) if got[:2] == (width, height) else 1.0
