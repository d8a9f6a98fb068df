"""The part that the kinds of files share."""

from typing import Annotated, ClassVar

from playground.kinds.datasets.data_source import DataSource
from playground.kinds.setting import meta


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
