"""The bundled 8x8 handwritten digits (E. Alpaydin and C. Kaynak, 1998; CC BY 4.0, see resources/digits-LICENSE.txt)."""

import zipfile
import zlib

import numpy as np
from numpy.typing import NDArray

from playground.data.dataset import Array, DataError, Dataset, DatasetRequest, held_out_count, stratified
from playground.resources import resource

GREY_LEVELS = 17  # ink covers 0 to 16 of the 4x4 cells of a pixel


def load_digits(title: str, request: DatasetRequest) -> Dataset:
    """1,797 images with pixels between -1 (paper) and 1 (ink), in a split with equal class frequencies.

    [-1, 1] is divided into 17 equal bins. A pixel with k of 16 cells inked has the value at the centre of bin k, counted from 0.
    After :func:`dequantise`, a log-density gives bits per dimension with the constant log2(17/2).

    Raises:
        DataError: the bundled file is missing or damaged.
    """
    path = resource("digits.npz")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            levels, labels = archive["images"], archive["labels"].astype(np.int64)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile, zlib.error):
        raise DataError(f"The bundled digits cannot be read from {path}: install the program again.") from None
    images = (levels[:, None].astype(np.float64) + 0.5) * (2 / GREY_LEVELS) - 1
    held_out = stratified(labels, held_out_count(len(labels), request.held_out), request.seed)
    return Dataset(
        name=title,
        points=images[~held_out],
        density=None,
        shape=(1, 8, 8),
        axes=("x", "y"),
        held_out=images[held_out],
        labels=labels[~held_out],
        grey_levels=GREY_LEVELS,
    )


def dequantise(images: NDArray[np.floating], grey_levels: int, seed: int) -> Array:
    """Images with uniform noise within each pixel's grey-level bin, so that they have a density (Theis et al. 2016)."""
    noise = np.random.default_rng(seed).uniform(-1, 1, images.shape)
    return images + noise / grey_levels
