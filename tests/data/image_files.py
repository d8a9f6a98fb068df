"""Images of known bytes, and the files that they are written to."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from playground.data import Dataset
from playground.kinds.datasets import load_dataset

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (60, 28, 28), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
CLASSES = np.arange(60) % 10


def load(path: Path, **changes: object) -> Dataset:
    settings: dict[str, Any] = {"held_out": 12} | changes
    return load_dataset("images", path=str(path), **settings)


def bytes_of(dataset: Dataset) -> np.ndarray:
    """All images as bytes, (N, H, W, C), in no particular order."""
    points = np.concatenate([dataset.points, dataset.held_out])
    return np.rint((points + 1) * 128 - 0.5).astype(np.uint8).transpose(0, 2, 3, 1)


def same_images(found: np.ndarray, wanted: np.ndarray) -> bool:
    return sorted(image.tobytes() for image in found) == sorted(image.tobytes() for image in wanted)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def save_picture(path: Path, pixels: np.ndarray) -> None:
    """A PNG or JPEG file, by its suffix."""
    Image.fromarray(pixels).save(path, subsampling=0)


def save_cats_and_dogs(folder: Path) -> None:
    """Thirty small pictures of each of two classes, with a folder for each class."""
    for number, pixels in enumerate(COLOUR[:, :8, :8]):
        path = folder / ("cats", "dogs")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_picture(path, pixels)


def cifar(images: np.ndarray) -> bytes:
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([CLASSES[: len(images), None].astype(np.uint8), rows], axis=1).tobytes()
