"""The data set that every source of points returns, and the error where it cannot."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from playground.data import repeats
from playground.messages import Message
from playground.user_errors import UserError

if TYPE_CHECKING:  # torch takes a second to import, and the window lists the sources before that
    import torch

    from playground.theory.densities import Density

Array = NDArray[np.float64]
MOST_NAMES = 3  # in a sentence on many files
MOST_CLASS_NAMES = 50_000  # in a session, of 1.8 kB each at most, as JSON in JSON: the file's header may have 100 MB


class DataError(UserError, ValueError):
    """Data that cannot be used: the message is one sentence for the user and names the way out."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points to train on and held-out points to evaluate on.

    Attributes:
        name: for titles: the source's title, or the file's name.
        points: (N, *shape) float64, in the user's units; what training sees. The user's own images are float32, which holds
            their 256 levels exactly in half the memory.
        density: the density that the points are drawn from, in the user's units and float64, where it is known.
        shape: of one point: (2,) in the plane, (1, 8, 8) for the digits.
        axes: names of the two coordinates, from a table's header or "x", "y".
        held_out: (M, *shape), likewise; training never sees them. Fresh draws where the density is known, else a split.
        labels: (N,) classes of `points`, where there are any, counted from 0.
        class_names: what each class is called, in the order of their numbers, where that is known.
        grey_levels: for images, how many values a pixel takes; see :func:`playground.data.digits.dequantise`.
        note: what is to be known of how it was read; None where nothing is.
    """

    name: str
    points: NDArray[np.floating]
    density: "Density | None"
    shape: tuple[int, ...]
    axes: tuple[str, str]
    held_out: NDArray[np.floating]
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    grey_levels: int | None = None
    note: Message | None = None

    @functools.cached_property
    def repeated(self) -> int:
        """The number of points that repeat another, trained on or held out: of five million the count takes seconds."""
        keys = np.concatenate([repeats.row_keys(part) for part in (self.points, self.held_out)])
        return len(keys) - len(np.unique(keys))

    @property
    def repeats_much(self) -> bool:
        """Whether so many points repeat another that it is no chance."""
        return repeats.notable(self.repeated, len(self.points) + len(self.held_out))

    @functools.cached_property
    def biased_split(self) -> bool:
        """Whether the held-out points follow another distribution than all do: many rows repeat, and equal ones were held out together."""
        if not self.repeats_much:
            return False
        return not np.isin(repeats.row_keys(self.held_out), repeats.row_keys(self.points)).any()


class Stroke(Protocol):
    """One stroke of the brush: a polyline and the brush's standard deviation, in the user's units."""

    @property
    def points(self) -> Sequence[tuple[float, float]]: ...

    @property
    def radius(self) -> float: ...


@dataclass(frozen=True)
class DatasetRequest:
    """The request to a source; each source reads the fields that concern it.

    Attributes:
        points: training points to draw from a known density.
        scale: factor on all coordinates of a toy.
        noise: a toy's own blur before scaling, or "auto" for its default.
        path: of a file.
        strokes: of a drawing.
        held_out: how many held-out points are wanted; at most a fifth of what there is, where data are finite.
        seed: of every draw and split.
        pixels: along a side of an image, or "auto" for its own size, from 8 to 32; of a folder's pictures that of the smallest but
            a twentieth of them.
        colours: of images: "grey", "rgb", or "auto" for what they have.
        stopped: asked while many files are read; once it is true, reading ends by a DataError.
        split: of a file's rows: "rows", "groups" of equal ones, or "auto".
    """

    held_out: int
    seed: int
    stopped: Callable[[], bool] = lambda: False
    points: int = 50_000
    scale: float = 1.0
    noise: "float | str" = "auto"
    path: str = ""
    strokes: Sequence[Stroke] = ()
    pixels: "int | str" = "auto"
    colours: str = "auto"
    split: str = "auto"


def listed(names: Sequence[str]) -> str:
    """Names in a row, the first few of many."""
    others = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + others


def one_line(name: str) -> str:
    """A stranger's name without what would break the line that it stands in."""
    return "".join(filter(str.isprintable, " ".join(name.split())))


def class_numbers(class_names: Sequence[str]) -> Message | None:
    """A message on which class is which number, of folders in their order; None where they have no names.

    It is one line, whatever strangers call their folders.

    >>> str(class_numbers(("cats", "dogs\\n")))
    'Classes are numbered as their folders are sorted: 0 cats, 1 dogs.'
    """
    if not class_names:
        return None
    shown = listed([f"{number} {name}" for number, name in enumerate(map(one_line, class_names))])
    most = f"; a session keeps the names of at most {MOST_CLASS_NAMES:,}, so it will have none"
    return Message(
        "class-numbers",
        "Classes are numbered as their folders are sorted: {}{}.",
        (shown, most if len(class_names) > MOST_CLASS_NAMES else ""),
    )


def sample_dataset(density: "Density", name: str, request: DatasetRequest) -> Dataset:
    """A data set of independent draws from a known density over the plane."""
    return Dataset(
        name=name,
        points=density.sample(request.points, _generator(request.seed, stream=0)).numpy(),
        density=density,
        shape=(2,),
        axes=("x", "y"),
        held_out=density.sample(request.held_out, _generator(request.seed, stream=1)).numpy(),
    )


def _generator(seed: int, stream: int) -> "torch.Generator":
    """Generators of different streams are independent, whatever the seeds."""
    import torch

    (state,) = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def stratified(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.bool_]:
    """A mask of `count` items in which each class has its share, to within one item."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))
    # Sorted by class, every (N/count)-th item takes each class in proportion.
    order = order[np.argsort(labels[order], kind="stable")]
    mask = np.zeros(len(labels), dtype=np.bool_)
    mask[order[((np.arange(count) + 0.5) * len(labels) / count).astype(np.int64)]] = True
    return mask


def held_out_count(available: int, wanted: int) -> int:
    """Return how many of `available` finite data to hold out: as many as are wanted, at most a fifth."""
    return max(1, min(wanted, available // 5))
