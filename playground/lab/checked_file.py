"""Texts and arrays in one safetensors file with a checksum. Reading one runs no code, whoever made it.

The file is a JSON header, then plain numbers. The header's metadata holds the texts, and under ``checksum`` the CRC-32 of
the whole file. Equal contents give equal bytes. This module imports no torch.
"""

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from playground.lab.atomic import atomic_write

NO_CHECKSUM = "00000000"  # in place of the checksum while it is computed


def write(path: str | os.PathLike[str], texts: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write texts and numeric arrays atomically. The text ``checksum`` is the file's own.

    Raises:
        OSError: the file cannot be written, for instance because the disk is full.
    """
    metadata = {**texts, "checksum": NO_CHECKSUM}
    head, numbers = _ordered(safetensors.numpy.save({name: _plain(array) for name, array in arrays.items()}, metadata))
    checksum = f"{zlib.crc32(numbers, zlib.crc32(head)):08x}"
    contents = _with_checksum(head, NO_CHECKSUM, checksum), numbers
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.writelines(contents)


def read(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Read the texts and the arrays; :func:`is_intact` compares the checksum.

    The library checks lengths, offsets and shapes against the file's size first.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no safetensors file, or damaged.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {}), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, MemoryError):
        raise
    except Exception as error:  # the library's error, or numpy's for a dtype that it lacks (bfloat16)
        raise ValueError(str(error)) from None


def is_intact(path: Path, texts: Mapping[str, str]) -> bool:
    """Whether a file has the checksum that its texts state.

    Raises:
        OSError: the file cannot be read.
    """
    stated = texts.get("checksum", "")
    with path.open("rb") as file:
        length = file.read(8)
        head = length + file.read(int.from_bytes(length, "little"))
        found = zlib.crc32(_with_checksum(head, stated, NO_CHECKSUM))
        while piece := file.read(2**20):
            found = zlib.crc32(piece, found)
    return stated == f"{found:08x}"


def _plain(array: np.ndarray) -> np.ndarray:
    """Make an array contiguous and little-endian, as safetensors stores numbers; scalars keep their empty shape."""
    array = np.asarray(array)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)


def _ordered(contents: bytes) -> tuple[bytes, memoryview]:
    """Return the file's head and numbers, with the metadata in a fixed order; the library's order changes each time.

    The numbers are not copied: for a large set of images they take most of the memory of saving.
    """
    end = 8 + int.from_bytes(contents[:8], "little")
    header = json.loads(contents[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text, memoryview(contents)[end:]


def _with_checksum(head: bytes, old: str, new: str) -> bytes:
    """Replace the checksum in a file's head. It cannot occur in another text, where quotes have a backslash."""
    return head.replace(f'"checksum":"{old}"'.encode(), f'"checksum":"{new}"'.encode(), 1)
