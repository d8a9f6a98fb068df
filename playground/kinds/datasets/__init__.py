"""The data sets, each in a file of its own."""

from collections.abc import Callable
from typing import Any

from playground.data.dataset import DataError, Dataset
from playground.kinds.datasets.data_source import DataSource as DataSource
from playground.kinds.datasets.data_source import Stroke as Stroke
from playground.kinds.datasets.data_source import Toy as Toy
from playground.kinds.datasets.data_source import ToyWithClasses as ToyWithClasses
from playground.kinds.kind import discover
from playground.messages import Message, setting

discover(__name__, __path__)


def load_dataset(
    kind: str, *, held_out: int = 2_000, stopped: Callable[[], bool] = lambda: False, **settings: Any
) -> Dataset:
    """The data set of a kind with some of its settings; see :meth:`DataSource.load`.

    Raises:
        DataError: the kind is unknown, or the data cannot be made or read.
    """
    kinds = DataSource.kinds()
    if kind not in kinds:
        raise DataError(
            Message(
                "unknown-data",
                "{} is not known: it must be one of {}.",
                (setting("data.kind", kind), ", ".join(kinds)),
                "data.kind",
            )
        )
    return kinds[kind](**settings).load(held_out, stopped)
