"""Pictures are turned as their camera noted, in every format, and a damaged note is ignored."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from playground.data import pictures
from tests.data.image_files import save_picture

PIXELS = np.zeros((16, 16, 3), dtype=np.uint8)
PIXELS[:8, :8], PIXELS[:8, 8:], PIXELS[8:, :8] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
LAID = {
    1: PIXELS,
    2: np.fliplr(PIXELS),
    3: np.rot90(PIXELS, 2),
    4: np.flipud(PIXELS),
    5: np.rot90(np.fliplr(PIXELS)),
    6: np.rot90(PIXELS),
    7: np.rot90(np.fliplr(PIXELS), -1),
    8: np.rot90(PIXELS, -1),
}
"""How a camera lays the pixels of each orientation down: of 6, the row at the top is the right side of what was seen."""


def directory(value: int, order: str = ">", tag: int = 0x0112) -> bytes:
    """A TIFF directory of two entries."""
    entries = b"".join(
        struct.pack(f"{order}HHIHH", number, 3, 1, what, 0) for number, what in ((0x0100, 9), (tag, value))
    )
    return {">": b"MM", "<": b"II"}[order] + struct.pack(f"{order}HIH", 42, 8, 2) + entries + bytes(4)


def note(path: Path, exif: bytes) -> None:
    """Write a directory into a picture."""
    content = path.read_bytes()
    if path.suffix == ".png":
        chunk = b"eXIf" + exif
        path.write_bytes(
            content[:33] + struct.pack(">I", len(exif)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[33:]
        )
    else:
        segment = b"Exif\0\0" + exif
        path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + content[2:])


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", LAID)
def test_a_picture_is_turned_as_its_camera_noted(tmp_path: Path, suffix: str, order: str, value: int) -> None:
    path = tmp_path / f"a{suffix}"
    save_picture(path, LAID[value])
    note(path, directory(value, order))
    found = pictures.read_picture(str(path), 16).astype(int)
    assert np.abs(found - PIXELS).mean() < 8


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize(
    "exif",
    [
        *(
            b"",
            b"MM",
            directory(0),
            directory(9),
            directory(6, tag=0x0113),
            directory(6)[:20],
            b"XX" + directory(6)[2:],
        ),
        directory(9)[:8] + b"\0\1" + struct.pack(">2H2I", 0x0112, 2, 9, 2**31),  # its value lies beyond the file
    ],
)
def test_a_damaged_note_is_ignored(tmp_path: Path, suffix: str, exif: bytes) -> None:
    """It gives no warning either, as warnings are errors here."""
    path = tmp_path / f"a{suffix}"
    save_picture(path, PIXELS)
    plain = pictures.read_picture(str(path), 16)
    note(path, exif)
    found = pictures._read_each(tmp_path, [str(path)], np.arange(1), lambda name: pictures.read_picture(name, 16), bool)
    np.testing.assert_array_equal(found[0], plain)
