"""Files of many images in their published formats: IDX (MNIST, Fashion-MNIST), CIFAR's binary files, NPZ and NPY.

None of these formats can run code. A header's size is checked against the file before any memory is taken.
"""

import gzip
import math
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from playground.data.dataset import DataError, listed
from playground.data.npy import open_npy, size_in_header
from playground.messages import Message

MOST_BYTES = 2**31  # largest size of all images in one file, and of all arrays in an NPZ file
PIECE = 2**22  # numbers that are converted at a time: 16 MB in single precision
MOST_CLASSES = 1_000
CIFAR = {3073: (10,), 3074: (20, 100)}
"""Bytes of one image with its labels, and the number of classes of each label, in CIFAR-10 and CIFAR-100. The last label counts."""
PUBLISHED = (
    ("data_batch_*.bin", "test_batch.bin"),
    ("train.bin", "test.bin"),
    ("train-images?idx3-ubyte", "t10k-images?idx3-ubyte"),
    ("train-images?idx3-ubyte.gz", "t10k-images?idx3-ubyte.gz"),
)
"""Names of the training and test files in the folders of CIFAR-10, CIFAR-100 and MNIST, unpacked or not."""
ENDINGS = (".gz", ".bin", ".npz", ".npy", "-ubyte", ".ubyte")
IMAGE_WORDS = frozenset({"image", "images", "img", "imgs", "x", "data", "pixels"})
LABEL_WORDS = frozenset({"label", "labels", "y", "target", "targets", "class", "classes", "category", "categories"})
PART_WORDS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev", "extra"})
"""Words in the names of an NPZ file's arrays that tell images, labels and parts of a data set."""

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Arrays = dict[str, NDArray[np.generic]]


def training_files(folder: Path) -> tuple[list[Path], Message | None]:
    """The training files in a published data set's folder, and a note on its test files; no files if it is another folder."""
    for training, testing in PUBLISHED:
        files = sorted(folder.glob(training))
        if files:
            left_out = listed([file.name for file in sorted(folder.glob(testing))])
            text = "Left out: {}; the held-out images are taken from the training files."
            return files, Message("test-files-left-out", text, (left_out,)) if left_out else None
    return [], None


def read_archive(path: Path) -> tuple[Images, Labels | None, Message | None]:
    """Read all images of a file.

    Returns:
        The images, (N, height, width, 1 or 3) bytes; their classes, (N,), or None if neither the file nor the one beside it has
        them; and a note on what else the file holds, or None.

    Raises:
        DataError: the file's format is unknown, or the file is damaged.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(6)
    if head.startswith(b"\x1f\x8b") or (head[:2] == b"\0\0" and head[3:4] in (b"\1", b"\3", b"\4")):
        return _read_idx(path)
    if head.startswith(b"PK\3\4") or head == np.lib.format.MAGIC_PREFIX:
        return _read_numpy(path, packed=head.startswith(b"PK"))
    if head.startswith(b"\x80"):
        raise DataError(
            f"{path.name} is a Python pickle, which could run code and is not opened: take CIFAR's binary version."
        )
    return *_read_cifar(path), None


def _read_idx(path: Path) -> tuple[Images, Labels | None, Message | None]:
    images = _idx(path)
    if images.ndim != 3:
        raise DataError(f"{path.name} holds labels and no images: choose the file of images beside it.")
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    if name == path.name:
        return images[..., None], None, None
    other = name.removesuffix(".gz") if name.endswith(".gz") else f"{name}.gz"
    beside = next((file for file in (path.with_name(name), path.with_name(other)) if file.is_file()), None)
    if beside is None:
        return (
            images[..., None],
            None,
            Message("no-classes", "They have no classes, for {} does not lie beside them.", (name,)),
        )
    labels = _idx(beside)
    if labels.shape != (len(images),):
        raise DataError(
            f"{beside.name} holds {labels.size} labels for {len(images)} images: they belong to other files."
        )
    return images[..., None], labels.astype(np.int64), None


def _idx(path: Path) -> Images:
    """The array of an IDX file of bytes, compressed by gzip or not."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            zeros, kind, axes = struct.unpack(">HBB", file.read(4))
            if zeros or kind != 8 or axes not in (1, 3):
                raise DataError(f"{path.name} is not an IDX file of grey images or labels, as MNIST's are.")
            shape = struct.unpack(f">{axes}I", file.read(4 * axes))
            size = math.prod(shape)
            _check_size(path, size)
            content = file.read(size + 1)  # one byte more, so that gzip reaches the end and compares its checksum
    except (EOFError, struct.error, gzip.BadGzipFile, zlib.error):
        raise DataError(f"{path.name} is a damaged IDX file: fetch it again.") from None
    if len(content) > size:
        raise DataError(f"{path.name} holds more than the {size:,} bytes that its header tells of: fetch it again.")
    if len(content) < size:
        raise DataError(f"{path.name} is cut off: {len(content):,} of {size:,} bytes are there; fetch it again.")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _read_cifar(path: Path) -> tuple[Images, Labels]:
    size = path.stat().st_size
    _check_size(path, size)
    for record, classes in CIFAR.items():
        if size and size % record == 0:
            rows, first = np.fromfile(path, dtype=np.uint8).reshape(-1, record), len(classes)
            if (rows[:, :first] < classes).all():
                return rows[:, first:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), rows[:, first - 1].astype(np.int64)
    bytes_of_one = " or ".join(f"{record:,}" for record in CIFAR)
    binary = f" (a record of CIFAR has {bytes_of_one} bytes, the class first)" if path.suffix == ".bin" else ""
    raise DataError(
        f"{path.name} holds no images that can be read{binary}: choose an IDX (MNIST), binary CIFAR, NPZ or NPY "
        "file, or a folder of PNG or JPEG files."
    )


def _read_numpy(path: Path, packed: bool) -> tuple[Images, Labels | None, Message | None]:
    try:
        if not packed:
            return as_bytes(path, open_npy(path)), None, None
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in _members(path)}
    except DataError:
        raise
    except (ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error):
        raise DataError(
            f"{path.name} is damaged, or holds Python objects, which could run code and are not opened."
        ) from None
    found = _images(arrays)
    if found is None:
        raise DataError(
            f"{path.name} holds no array of images: save one of shape (N, height, width) or (N, height, width, 3); points of the "
            "plane belong in a CSV or NPY file."
        )
    images = as_bytes(path, arrays[found])
    labels = _labels(arrays, found)
    classes = None if labels is None else arrays[labels].reshape(-1).astype(np.int64)
    return images, classes, _left_out(list(arrays), found, labels)


def _members(path: Path) -> list[str]:
    """The names of the arrays in an NPZ file, after a check of the size of all together.

    The size of an array is the larger of what the archive and what the array's own header tell. No array is unpacked.
    """
    with zipfile.ZipFile(path) as packed:
        members = [member for member in packed.infolist() if member.filename.endswith(".npy")]
        unpacked = 0
        for member in members:
            with packed.open(member) as file:
                unpacked += max(member.file_size, size_in_header(file))
        _check_size(path, unpacked)
        return [member.filename.removesuffix(".npy") for member in members]


def _images(arrays: Arrays) -> str | None:
    """The name of the array of images: the longest; among equal lengths one named so, then one for training, then the first."""

    def rank(name: str) -> tuple[int, bool, bool]:
        words = _words(name)
        return len(arrays[name]), bool(words & IMAGE_WORDS), bool(words & {"train", "training"})

    return max((name for name, array in arrays.items() if array.ndim in (3, 4)), key=rank, default=None)


def _labels(arrays: Arrays, images: str) -> str | None:
    """The name of the array of the images' classes.

    It is an array that is named so, of the same part of the data set if there is one. Otherwise it is the only array of labels
    that fits, if it has few classes.
    """
    count, part = len(arrays[images]), _words(images) & PART_WORDS
    parts = {name: _words(name) & PART_WORDS for name in arrays}
    of_others = [name for name in arrays if part and parts[name] and parts[name] != part]
    fitting = [name for name, array in arrays.items() if name not in of_others and _are_labels(array, count)]
    named = [name for name in fitting if _words(name) & LABEL_WORDS]
    if named:
        return max(named, key=lambda name: parts[name] == part)
    if len(fitting) != 1 or any(_words(name) & LABEL_WORDS for name in arrays):
        return None
    (only,) = fitting
    return only if len(np.unique(arrays[only])) <= count / 2 else None  # more may be the images' numbers


def _left_out(names: list[str], images: str, labels: str | None) -> Message | None:
    """A message on which arrays are read, if there are others or the choice is a guess."""
    others = [name for name in names if name not in (images, labels)]
    if not others and (labels is None or _words(labels) & LABEL_WORDS):
        return None
    classes = "" if labels is None else f", their classes from {labels}"
    rest = f"; left out: {listed(others)}" if others else ""
    text, values = "The images come from the array {}{}{}.", (images, classes, rest)
    if labels is not None:
        return Message("arrays", text, values)
    wanted = " Classes are read from an array called labels: whole numbers from 0 to {}, one an image."
    return Message("arrays", text + wanted, (*values, MOST_CLASSES - 1))


def _words(name: str) -> set[str]:
    """The words of an array's name: x and train for x_train, trainX and X-train."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def as_bytes(path: Path, array: NDArray[np.generic], black: Literal[0, -1] = 0) -> Images:
    """Images as bytes (N, height, width, colours).

    Args:
        path: what a message calls them.
        array: (N, height, width), with 1 or 3 colours as a last axis or before the height: whole numbers from 0 to 255, or
            others from `black` to 1.
        black: 0, as files have it; or -1, as the user's points have it.

    Raises:
        DataError: it has another shape, or other numbers; or no number below 0 although black is -1.
    """
    _check_size(path, array.size)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] not in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or array.shape[3] not in (1, 3) or min(array.shape[1:3]) < 2:
        shape = ", ".join(map(str, array.shape))
        raise DataError(
            f"{path.name} holds an array of shape ({shape}): images have (N, height, width), (N, height, width, 3) or "
            "(N, 3, height, width)."
        )
    if not array.size:
        raise DataError(f"{path.name} holds no images: its shape begins with 0.")
    if array.dtype.kind not in "iuf":
        what = "truth values" if array.dtype.kind == "b" else f"{array.dtype} values"
        raise DataError(f"{path.name} holds {what}: give whole numbers from 0 to 255, or others from {black} to 1.")
    low, high = array.min(), array.max()
    if array.dtype.kind in "iu":
        if low < 0 or high > 255:
            raise DataError(f"{path.name} holds whole numbers from {low} to {high}: those of images go from 0 to 255.")
        return np.asarray(array, dtype=np.uint8)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"{path.name} holds numbers that are NaN or infinite: leave their images out.")
    if low < black or high > 1:
        raise DataError(
            f"{path.name} holds numbers from {low:.3g} to {high:.3g}: give whole ones from 0 to 255, or others from {black} to 1."
        )
    if black == -1 and low >= 0:  # numbers from 0 to 1 would be read as light images
        raise DataError(f"{path.name} holds no number below 0, and black is -1: map numbers from 0 to 1 by 2 * x - 1.")
    out = np.empty(array.shape, dtype=np.uint8)
    some = max(1, PIECE // math.prod(array.shape[1:]))
    for start in range(0, len(array), some):
        values = np.asarray(array[start : start + some], dtype=np.float32)
        levels = values * 255 if black == 0 else (values + 1) * 128 - 0.5  # 256 bins of [-1, 1], by their centres
        out[start : start + some] = np.rint(levels).clip(0, 255)
    return out


def _are_labels(array: NDArray[np.generic], count: int) -> bool:
    if array.dtype.kind not in "biu" or array.shape not in ((count,), (count, 1)) or not count:
        return False
    return bool(array.min() >= 0 and array.max() < MOST_CLASSES)


def _check_size(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise DataError(
            f"{path.name} holds {size / 2**30:.1f} GB of images: keep a part of at most {MOST_BYTES // 2**30} GB."
        )
