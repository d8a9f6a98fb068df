"""The orientation in which a picture was taken, from the Exif note in PNG and JPEG files, which FFmpeg does not obey.

Source: Exif 2.32, tag 0x0112 of the TIFF directory that a JPEG file's APP1 segment or a PNG file's eXIf chunk holds.
"""

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

ORIENTATION = 0x0112
UPRIGHT = 1
EXIF = b"Exif\0\0"
MOST_BYTES = 2**16  # that a segment of a JPEG file can hold


def orientation(path: str | Path) -> int:
    """Read a picture's orientation, 1 to 8 as Exif counts; 1, upright, where the file does not say it, or says it
    badly."""
    with open(path, "rb") as file:
        try:
            found = _tag(_directory(file))
        except (struct.error, OSError, ValueError):
            return UPRIGHT
    return found if 1 <= found <= 8 else UPRIGHT


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Pixels (height, width, C) as they are to be looked at."""
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels[::-1] if orientation in (3, 4, 7, 8) else pixels


def _directory(file: BinaryIO) -> bytes:
    """The TIFF directory that Exif lies in, empty where there is none."""
    start = file.read(8)
    if start.startswith(b"\x89PNG"):
        while True:
            size, kind = struct.unpack(">I4s", file.read(8))
            if kind == b"eXIf":
                return file.read(min(size, MOST_BYTES))
            file.seek(size + 4, 1)
    if not start.startswith(b"\xff\xd8"):
        return b""
    file.seek(2)
    while True:
        mark, kind, size = struct.unpack(">BBH", file.read(4))
        if mark != 0xFF or kind == 0xDA:  # the picture itself begins
            return b""
        content = file.read(size - 2) if kind == 0xE1 else b""
        if content.startswith(EXIF):
            return content[len(EXIF) :]
        file.seek(size - 2 - len(content), 1)


def _tag(directory: bytes) -> int:
    if directory[:2] not in (b"II", b"MM"):
        return UPRIGHT
    order = "<" if directory.startswith(b"II") else ">"
    (first,) = struct.unpack_from(f"{order}I", directory, 4)
    (count,) = struct.unpack_from(f"{order}H", directory, first)
    for entry in range(count):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", directory, first + 2 + 12 * entry)
        if tag == ORIENTATION:
            return int(value)
    return UPRIGHT
