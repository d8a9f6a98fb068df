"""The user's own images: a folder of pictures or a file of many images, scaled and cropped to small squares.

Images from any file are bytes (N, height, width, colours) with 256 levels. They become a data set like the digits.
"""

import functools
import math
import os
import struct
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from playground.data import repeats
from playground.data.archives import ENDINGS, as_bytes, read_archive, training_files
from playground.data.dataset import (
    DataError,
    Dataset,
    DatasetRequest,
    class_numbers,
    held_out_count,
    listed,
    stratified,
)
from playground.data.files import classes_of_array
from playground.messages import Edit, Message, how_many, joined, setting, to_set

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

SUFFIXES = (".png", ".jpg", ".jpeg")
LEAST = 50
MOST_NUMBERS = 2**26  # most pixels times colours of all images: 256 MB in single precision
MOST_PIXELS = 2**27  # most pixels of one picture, which takes half a gigabyte to decode
LARGE = 2**24  # pixels from which only one picture is decoded at a time
STRIP = 2**20  # pixels that are converted at a time
REDUCED = 8  # pixels along a new one up to which a large picture is first reduced
SMALLEST_SIDE, LARGEST_SIDE = 8, 32  # range of "auto"
FEW = 0.05  # share of a folder's pictures that "auto" enlarges, so that one small icon does not make all images small
GREY_LEVELS = 256
LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
COLOURLESS = 8  # most levels by which the colours of a grey picture differ, after JPEG's rounding

DAMAGE = (OSError, SyntaxError, TypeError, ValueError, struct.error)  # what Pillow raised for 200,000 damaged files

Bytes = NDArray[np.uint8]
Labels = NDArray[np.int64]
Read = TypeVar("Read")


def load_images(request: DatasetRequest) -> Dataset:
    """The images at `request.path`: at most data.points of them, drawn at random, of which at most a fifth is held out.

    Equal images stay on one side of the split, so that training does not see held-out images.

    Raises:
        DataError: there are no images, too few can be read, or a file is damaged. The message names the file.
    """
    if not request.path:
        raise DataError(
            Message(
                "no-images",
                "No images are chosen: {} a folder of PNG or JPEG files, or an IDX, NPZ or CIFAR file.",
                (to_set("data.path"),),
                "data.path",
            )
        )
    path = Path(request.path)
    try:
        if not path.exists():
            raise DataError(
                f"{path} does not exist: choose a folder of PNG or JPEG files, or an IDX, NPZ or CIFAR file."
            )
        if not (path.is_dir() or path.is_file()):
            raise DataError(f"{path} is not a regular file: choose a folder of pictures or a file of images.")
        images, labels, names, note = _read(path, request)
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from None
    except MemoryError:
        raise DataError(
            Message(
                "out-of-memory",
                "{} needs more memory than there is: lower {} or {}.",
                (path.name, setting("data.pixels"), setting("data.points")),
                "data.pixels",
            )
        ) from None
    return _split(path.name, images, labels, names, note, request)


def load_image_array(
    array: NDArray[np.generic], labels: NDArray[np.generic] | None, request: DatasetRequest
) -> Dataset:
    """The images of an array, scaled and split as those of a file.

    Args:
        array: as :func:`playground.data.archives.as_bytes` takes it, with black = -1.
        labels: the class of each image, (N,) whole numbers or texts; or None.

    Raises:
        DataError: the array has another shape, holds other values, or is too small; or the labels do not fit it.
    """
    levels = as_bytes(Path(request.path), array, black=-1)
    classes, names = classes_of_array(request.path, len(levels), labels)
    images, taken, note = _drawn_and_scaled(levels, request)
    return _split(request.path, images, None if classes is None else classes[taken], names, note, request)


def _split(
    name: str,
    images: Bytes,
    labels: Labels | None,
    names: tuple[str, ...],
    note: Message | None,
    request: DatasetRequest,
) -> Dataset:
    """The data set of square images, of which a part is held out."""
    if len(images) < LEAST:
        count = how_many(len(images), "image")
        few = Message("few-images", "{} has {}: at least {} are needed to learn from.", (name, count, LEAST))
        raise DataError(joined(few, note) or few)
    images = _coloured(images, request.colours)
    classes = np.zeros(len(images), dtype=np.int64) if labels is None else labels
    group, different = repeats.equal_rows(images)
    if different < repeats.LEAST_DIFFERENT:
        raise DataError(
            f"{name} has only {how_many(different, 'different image')} among {len(images)}: at least "
            f"{repeats.LEAST_DIFFERENT} are needed."
        )
    held_out = _held_out(group, classes, held_out_count(len(images), request.held_out), request.seed)
    note = joined(note, repeats.note(len(images), different, "images"))
    points = _values(images[~held_out])
    return Dataset(
        name=name,
        points=points,
        density=None,
        shape=points.shape[1:],
        axes=("x", "y"),
        held_out=_values(images[held_out]),
        labels=None if labels is None else labels[~held_out],
        class_names=names,
        grey_levels=GREY_LEVELS,
        note=note,
    )


def _held_out(group: NDArray[np.int64], classes: Labels, count: int, seed: int) -> NDArray[np.bool_]:
    """A mask of about `count` images in whole groups of equal ones, in which each class has its share.

    It has at most a fifth of the groups, and no group that is more than a quarter of the held-out images. A group has the class
    of its first image.
    """
    sizes, first = np.bincount(group), np.unique(group, return_index=True)[1]
    fitting = np.flatnonzero(sizes <= max(count // 4, int(sizes.min())))
    groups = held_out_count(len(fitting), count * len(fitting) // int(sizes[fitting].sum()))
    taken = np.zeros(len(sizes), dtype=np.bool_)
    taken[fitting[stratified(classes[first[fitting]], groups, seed)]] = True
    return taken[group]


def _read(path: Path, request: DatasetRequest) -> tuple[Bytes, Labels | None, tuple[str, ...], Message | None]:
    """Read at most as many images as are wanted.

    Returns:
        Square images (N, side, side, 1 or 3), their classes, the classes' names, and a note on what was left out.
    """
    files, left_out = training_files(path) if path.is_dir() else ([path], None)
    if not files:
        return _read_folder(path, request)
    parts = [read_archive(file) for file in files]
    labels = [labels for _, labels, _ in parts if labels is not None]
    images = parts[0][0] if len(parts) == 1 else np.concatenate([images for images, _, _ in parts])
    images, rows, note = _drawn_and_scaled(images, request)
    classes = np.concatenate(labels)[rows] if len(labels) == len(parts) else None
    return images, classes, (), joined(note, left_out, *(note for _, _, note in parts))


def _drawn_and_scaled(images: Bytes, request: DatasetRequest) -> tuple[Bytes, NDArray[np.int64], Message | None]:
    """At most as many images as are wanted, square; their rows; and a note on what was left out or enlarged."""
    shorter = min(images.shape[1:3])
    side = _side(request, [shorter])
    rows = _some(len(images), _wanted(request, images.shape[3] * side**2), request.seed)
    note = joined(_drawn(len(rows), len(images)), _enlarged([shorter] * len(rows), side))
    return scaled(images[rows], side), rows, note


def _side(request: DatasetRequest, shorter: Sequence[int]) -> int:
    """The pixels along a side of the learned images, for images with these shorter sides."""
    return _own_side(shorter) if isinstance(request.pixels, str) else request.pixels


def _own_side(shorter: Sequence[int]) -> int:
    """Choose the side for "auto". Only a share FEW of the images, and those below the smallest side, are enlarged."""
    return min(max(sorted(shorter)[int(FEW * len(shorter))], SMALLEST_SIDE), LARGEST_SIDE)


def _drawn(taken: int, available: int) -> Message | None:
    if taken == available:
        return None
    return Message("images-drawn", "{:,} of {:,} images were drawn.", (taken, available))


def _enlarged(shorter: Sequence[int], side: int, names: Sequence[str] = ()) -> Message | None:
    """A message if images were enlarged.

    Args:
        shorter: the shorter sides of the images.
        side: the side of the learned images.
        names: the images' names, if each is a file.
    """
    count = sum(own < side for own in shorter)
    if not count:
        return None
    what, were = ("image", "was") if count == 1 else ("images", "were")
    which = f" ({listed([name for name, own in zip(names, shorter, strict=True) if own < side])})" if names else ""
    text = "{:,} {} smaller than {} x {}{} {} enlarged, so bits per dimension count copied pixels"
    values = (count, what, side, side, which, were)
    best = max(min(shorter), SMALLEST_SIDE)
    if best == side:
        return Message("images-enlarged", f"{text}.", values)
    if _own_side(shorter) == best:
        way_out, wanted = ": choose {}, or at most {}.", (setting("data.pixels", "auto"), best)
        edit = Edit("Use Auto", {"data.pixels": "auto"})
        return Message("images-enlarged", text + way_out, (*values, *wanted), "data.pixels", (edit,))
    away, edit = "it" if count == 1 else "them", Edit(f"Use {best}", {"data.pixels": best})
    return Message(
        "images-enlarged",
        f"{text}: take {away} away, or choose {{}}.",
        (*values, setting("data.pixels", best)),
        "data.pixels",
        (edit,),
    )


def _passed_over(names: list[str]) -> Message | None:
    """A message on the other files in a folder of pictures."""
    if not names:
        return None
    return Message(
        "files-passed-over",
        "Passed over: {}; read are PNG and JPEG files, of sub-folders only where none lies beside these.",
        (listed(names),),
    )


def _left_out(names: list[str]) -> Message | None:
    """A message on the pictures of a folder that could not be read."""
    if not names:
        return None
    return Message(
        "pictures-left-out",
        "Left out: {}, which {} damaged, no PNG or JPEG, not allowed to be read, or of over {} million pixels.",
        (listed(names), "is" if len(names) == 1 else "are", MOST_PIXELS // 10**6),
    )


def _wanted(request: DatasetRequest, numbers: int) -> int:
    return min(request.points + request.held_out, MOST_NUMBERS // numbers)


def _some(available: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """Choose at most `wanted` of `available` items at random, in order."""
    if wanted >= available:
        return np.arange(available)
    return np.sort(np.random.default_rng(seed).choice(available, wanted, replace=False))


def _read_folder(folder: Path, request: DatasetRequest) -> tuple[Bytes, Labels | None, tuple[str, ...], Message | None]:
    """The pictures of a folder, or if it has none those of its sub-folders, each of which is a class; and a note on the rest."""
    files, labels, others = _found(folder)
    folders = [] if labels is None else [os.path.basename(os.path.dirname(name)) for name in files]
    classes = tuple(dict.fromkeys(folders))
    looked = _some(len(files), _wanted(request, 1), request.seed)
    sizes = _read_each(folder, files, looked, read_size, request.stopped)
    shorter = {row: min(size) for row, size in sizes.items()}
    side = _side(request, list(shorter.values()))
    drawn = np.array(list(shorter))[_some(len(shorter), _wanted(request, 3 * side**2), request.seed)]
    large = {row for row in drawn.tolist() if math.prod(sizes[row]) > LARGE}
    images = _read_each(folder, files, drawn, lambda name: read_picture(name, side), request.stopped, large)
    rows = np.array(list(images))

    def names(some: Iterable[int]) -> list[str]:
        return [os.path.relpath(files[row], folder) for row in some]

    left_out = names(row for row in looked if row not in shorter) + names(row for row in drawn if row not in images)
    notes = (
        _drawn(len(drawn), len(files) - (len(looked) - len(shorter))),
        class_numbers(classes),
        _enlarged([shorter[row] for row in rows], side, names(rows)),
        _left_out(left_out),
        _passed_over([os.path.relpath(name, folder) for name in sorted(others)]),
    )
    return (
        np.stack(list(images.values())),
        None if labels is None else labels[rows],
        classes,
        joined(*notes),
    )


def _read_each(
    folder: Path,
    files: Sequence[str],
    rows: NDArray[np.int64],
    read: Callable[[str], Read],
    stopped: Callable[[], bool],
    one_at_a_time: Container[int] = (),
) -> dict[int, Read]:
    """Read these rows of `files`. The result has those that can be read, by row.

    It uses threads, as decoding releases the interpreter lock and the results are small. The rows `one_at_a_time` share a thread.

    Raises:
        DataError: `stopped` returned true, or none can be read; then it is the first file's error.
    """
    from concurrent.futures import ThreadPoolExecutor

    def tried(row: int) -> Read | DataError:
        try:
            return read(files[row])
        except PermissionError:
            return DataError(f"{files[row]} may not be read: allow it, or remove it from the folder.")
        except DataError as error:
            return error

    found: dict[int, Read] = {}
    conflicts: list[DataError] = []
    warnings.filterwarnings("ignore", module="PIL")  # for example on corrupt metadata
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool, ThreadPoolExecutor(1) as alone:
        running = {row: (alone if row in one_at_a_time else pool).submit(tried, row) for row in rows.tolist()}
        for row, future in running.items():
            one = future.result()
            if isinstance(one, DataError):
                conflicts.append(one)
            else:
                found[row] = one
            if stopped():
                for future in running.values():
                    future.cancel()
                raise DataError(f"Reading {folder} was stopped.")
    if not found:
        raise conflicts[0]
    return found


def _found(folder: Path) -> tuple[list[str], Labels | None, list[str]]:
    """The pictures of a folder or of its sub-folders, the classes of the latter, and the other files.

    Raises:
        DataError: there are no pictures, or only a few beside sub-folders of pictures.
    """
    files, others = _pictures(folder)
    looked = {} if len(files) >= LEAST else {name: _pictures(name) for name in others if os.path.isdir(name)}
    classes = [name for name, (pictures, _) in looked.items() if pictures]
    if files and classes:
        names = [listed([os.path.basename(name) for name in some]) for some in (files, classes)]
        count, them = ("1 picture", "it") if len(files) == 1 else (f"{len(files)} pictures", "them")
        raise DataError(
            f"{folder.name} holds {count} ({names[0]}) beside sub-folders of pictures ({names[1]}), which are read only where no "
            f"picture lies beside them: move {them} away to learn from the sub-folders, each of which is a class."
        )
    if files:
        return files, None, others
    files = [picture for name in classes for picture in looked[name][0]]
    if not files:
        archives = [os.path.basename(name) for name in others if name.endswith(ENDINGS)]
        file = f", or a file of images: {listed(archives)}" if archives else ""
        raise DataError(
            f"{folder} holds no PNG or JPEG files: choose a folder that does, or one whose sub-folders do{file}."
        )
    others = [name for name in others if name not in classes] + [rest for name in classes for rest in looked[name][1]]
    counts = [len(looked[name][0]) for name in classes]
    return files, np.repeat(np.arange(len(classes)), counts) if len(classes) > 1 else None, others


def _pictures(folder: str | Path) -> tuple[list[str], list[str]]:
    """The pictures in a folder, and its other entries, without hidden ones."""
    pictures: list[str] = []
    others: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):  # macOS writes such a file beside each picture on a USB stick
                continue
            some = pictures if entry.name.lower().endswith(SUFFIXES) and entry.is_file() else others
            some.append(entry.path)
    return sorted(pictures), sorted(others)


@contextmanager
def _opened(name: str) -> "Iterator[ImageFile]":
    """A picture of which only the header is read.

    Raises:
        DataError: it is no picture, damaged, or too large to decode. Errors within the context become one too.
        OSError: the file cannot be opened.
    """
    from PIL import Image  # takes 0.05 s, for which the window does not wait

    Image.MAX_IMAGE_PIXELS = None  # our own check below names the file
    with open(name, "rb") as file:
        try:
            with Image.open(file, formats=("PNG", "JPEG")) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise DataError(
                        f"{name} has {image.width} x {image.height} pixels: at most {MOST_PIXELS // 10**6} million can be "
                        "decoded; make it smaller, or remove it from the folder."
                    )
                yield image
        except DataError:
            raise
        except DAMAGE:
            raise DataError(
                f"{name} is not a PNG or JPEG picture, or a damaged one: remove it from the folder."
            ) from None


def read_size(name: str) -> tuple[int, int]:
    """The width and height of a picture in pixels, from its header alone."""
    with _opened(name) as image:
        return image.size


def read_picture(name: str, side: int) -> Bytes:
    """One picture, (side, side, 3), turned as its camera noted, on a white background.

    A large picture is first reduced to means over squares of pixels.
    """
    from PIL.ImageOps import exif_transpose

    wanted = REDUCED * side
    with _opened(name) as image:
        image.draft(None, (wanted, wanted))  # JPEG can be decoded at a half, a quarter or an eighth of its size
        image.load()  # so that damaged pixels are not taken for a damaged orientation, which is ignored
        reduced = _reduced(image, max(1, min(image.size) // wanted))
    with suppress(*DAMAGE):
        exif_transpose(reduced, in_place=True)
    small: Bytes = scaled(np.asarray(reduced)[None], side)[0]
    if small.shape[2] == 3:
        return small
    alpha = small[..., 3:].astype(np.float32) / 255
    return np.asarray(np.rint(alpha * small[..., :3] + 255 * (1 - alpha)), dtype=np.uint8)


def _reduced(image: "Image", factor: int) -> "Image":
    """A loaded picture in RGB or RGBA: each new pixel is the mean of factor x factor old ones.

    It goes through the picture in strips, so that there is no second copy of a large one.
    """
    from PIL import Image

    height = factor * max(1, STRIP // (factor * image.width))
    strips = [
        np.asarray(_in_colours(image.crop((0, top, image.width, min(top + height, image.height)))).reduce(factor))
        for top in range(0, image.height, height)
    ]
    reduced = Image.fromarray(np.concatenate(strips))
    reduced.info = image.info  # with the orientation
    return reduced


def _in_colours(image: "Image") -> "Image":
    """A picture as RGB, or as RGBA if parts of it are transparent."""
    from PIL import Image

    if image.mode != "I;16":
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    deep = np.asarray(image)  # Pillow's conversion would clip its levels at 255
    deep = np.where(deep == image.info.get("transparency"), 65535, deep)
    return Image.fromarray(np.repeat(np.rint(deep / 257).astype(np.uint8)[..., None], 3, axis=2))


def scaled(images: Bytes, side: int) -> Bytes:
    """The middle square of each image (N, height, width, C), scaled to (N, side, side, C). A new pixel is a mean over its area."""
    height, width = images.shape[1:3]
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    square = images[:, top : top + shorter, left : left + shorter]
    if shorter == side:
        return np.ascontiguousarray(square)
    weights = _covered(shorter, side)
    out = np.empty((len(images), side, side, images.shape[3]), dtype=np.uint8)
    some = max(1, 2**22 // (shorter**2 * images.shape[3]))  # images at a time: 16 MB in single precision
    for start in range(0, len(images), some):
        part = square[start : start + some].astype(np.float32)
        rows = np.tensordot(part, weights, axes=(1, 1))  # (n, width, C, side)
        small = np.tensordot(rows, weights, axes=(1, 1))  # (n, C, side, side): rows, then columns
        out[start : start + some] = np.rint(small).transpose(0, 2, 3, 1)
    return out


def _covered(old: int, new: int) -> NDArray[np.float32]:
    """The share of each new pixel that each old one covers, (new, old). Rows sum to 1."""
    edges = np.linspace(0, old, new + 1)
    low = np.maximum(edges[:-1, None], np.arange(old))
    high = np.minimum(edges[1:, None], np.arange(1, old + 1))
    return np.asarray(np.maximum(high - low, 0) * (new / old), dtype=np.float32)


def _coloured(images: Bytes, colours: str) -> Bytes:
    """Images (N, side, side, 1 or 3) with these colours. "auto" keeps colours if there are any."""
    if images.shape[3] == 1:
        return images if colours != "rgb" else np.repeat(images, 3, axis=3)
    if colours == "auto":
        # Channel by channel: a reduction along such a short axis takes ten times as long.
        channels = [images[..., channel] for channel in range(3)]
        spread = int((functools.reduce(np.maximum, channels) - functools.reduce(np.minimum, channels)).max())
        colours = "grey" if spread <= COLOURLESS else "rgb"
    if colours == "rgb":
        return images
    return np.asarray(np.rint(images @ LUMINANCE), dtype=np.uint8)[..., None]


def _values(images: Bytes) -> NDArray[np.float32]:
    """Images (N, C, H, W) with each level at the centre of its bin of [-1, 1].

    The values are odd multiples of 1/256, which single precision holds exactly.
    """
    values = images.transpose(0, 3, 1, 2).astype(np.float32, order="C")
    values += 0.5
    values *= 2 / GREY_LEVELS
    values -= 1
    return values
