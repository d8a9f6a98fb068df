"""The part that the kinds of files share."""

from abc import abstractmethod
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from playground.data.dataset import Dataset
from playground.kinds.datasets.data_source import DataSource
from playground.kinds.setting import meta

ARRAY = "numpy array"
"""The path of data that were given as an array from Python."""


class FromFile(DataSource, frozen=True):
    """Points that are read from a file or folder of the user."""

    is_finite: ClassVar[bool] = True
    is_file: ClassVar[bool] = True

    path: Annotated[
        str,
        meta(
            "kind = file: a CSV, TSV or NPY file with two columns, and maybe a third named label or class. kind = images: "
            "a folder of PNG or JPEG files, each sub-folder one class; MNIST or CIFAR as a folder or file; or an NPZ file of "
            "images",
            label="file",
            resets=True,
        ),
    ] = ""

    @property
    def labelled(self) -> bool | None:
        return None

    @property
    def file(self) -> str:
        return self.path

    @property
    def is_array(self) -> bool:
        """Whether the data were given as an array, so that only a session has them."""
        return self.path == ARRAY

    @abstractmethod
    def of_array(self, array: NDArray[np.generic], labels: NDArray[np.generic] | None, held_out: int) -> Dataset:
        """The data set of an array instead of a file, with `path` as its name.

        Args:
            array: points (N, 2), or images as :func:`playground.data.archives.as_bytes` takes them with black = -1.
            labels: the class of each, (N,) whole numbers or texts; or None.
            held_out: as in :meth:`load`.

        Raises:
            DataError: the array has another shape, holds other values, or is too small; or the labels do not fit it.
        """
