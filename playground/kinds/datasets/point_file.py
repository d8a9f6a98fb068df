from collections.abc import Iterator
from typing import Annotated, Literal, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from playground.data import files
from playground.data.dataset import Dataset, DatasetRequest
from playground.kinds.datasets.data_source import read_back
from playground.kinds.datasets.from_file import FromFile
from playground.kinds.kind import register
from playground.kinds.setting import Option, meta
from playground.messages import Message, to_set


@register
class PointFile(FromFile, tag="file", frozen=True):
    """Your own points: a CSV, TSV or NPY file with two columns."""

    title = "File"
    phrase = "file"
    place = 11

    split: Annotated[
        Literal["auto", "rows", "groups"],
        meta(
            "How rows of kind = file are held out: each by itself, or duplicates together (a grouped split), as "
            "copies should be. auto: rows if more than 1 % are duplicates, as in discrete data, else groups",
            options={
                "auto": Option("Auto", "Rows if more than 1 % of them are duplicates, else groups."),
                "rows": Option("Rows", "Each row by itself: duplicates may be in both sets, as in discrete data."),
                "groups": Option("Groups", "Duplicates stay together: no copy of a held-out row is trained on."),
            },
            resets=True,
        ),
    ] = "auto"

    def found(self, dataset: Dataset) -> Self:
        if self.split != "auto":
            return self
        by_row = dataset.repeats_much and not dataset.biased_split
        return msgspec.structs.replace(self, split="rows" if by_row else "groups")

    def conflicts(self) -> Iterator[Message]:
        if not self.path:
            yield Message(
                "no-file",
                "No file is chosen: {} a CSV, TSV or NPY file with two columns, or drop one on the window.",
                (to_set("data.path"),),
                "data.path",
            )

    def restored(self, saved: Dataset) -> Dataset:
        return read_back(saved, self.path, "rows", np.float64, None)

    def read(self, request: DatasetRequest) -> Dataset:
        return files.load_file(request)

    def of_array(self, array: NDArray[np.generic], labels: NDArray[np.generic] | None, held_out: int) -> Dataset:
        return files.load_array(array, labels, DatasetRequest(held_out, self.seed, path=self.path, split=self.split))
