"""The data set that every source of points returns, and the error where it cannot."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from playground.data import repeats
from playground.messages import Message
from playground.records import record
from playground.user_errors import UserError

if TYPE_CHECKING:  # torch takes a second to import, and the window lists the sources before that
    import torch

    from playground.theory.densities import Density

Array = NDArray[np.float64]
MOST_NAMES = 3  # most file names in a sentence
MOST_CLASS_NAMES = 50_000  # most in a session; each takes up to 1.8 kB in the file's header, which has at most 100 MB


class DataError(UserError, ValueError):
    """Data that cannot be used. The message is one sentence for the user and names the way out."""


@record
class StartPoints:
    """Points of a file from which a flow starts.

    Attributes:
        file: the file.
        points: (N, 2), in the user's units.
    """

    file: str
    points: NDArray[np.floating]


@record
class Dataset:
    """Points to train on and held-out points to evaluate on.

    Attributes:
        name: the source's title, or the file's name.
        points: the training set, (N, *shape) float64, in the user's units. The user's own images are float32, which holds their
            256 levels exactly in half the memory.
        density: the density of the points, if it is known, in the user's units and float64.
        shape: the shape of one point: (2,) in the plane, (1, 8, 8) for the digits.
        axes: names of the two coordinates, from a table's header or "x", "y".
        held_out: points that training never sees, (M, *shape), in the same units. They are new samples if the density is known,
            else a part of the data.
        labels: classes of `points`, (N,), counted from 0, if there are any.
        class_names: the names of the classes in the order of their numbers, if they are known.
        grey_levels: for images, the number of values of a pixel; see :func:`playground.data.digits.dequantise`.
        note: a remark on how the data were read, or None.
        start: the points of a file from which the flow to these data starts, or None.
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
    start: StartPoints | None = None

    @functools.cached_property
    def repeated(self) -> int:
        """The number of points that repeat another, in both sets. The count takes seconds for five million points."""
        keys = np.concatenate([repeats.row_keys(part) for part in (self.points, self.held_out)])
        return len(keys) - len(np.unique(keys))

    @property
    def repeats_much(self) -> bool:
        """Whether too many points repeat another to be chance."""
        return repeats.notable(self.repeated, len(self.points) + len(self.held_out))

    @functools.cached_property
    def biased_split(self) -> bool:
        """Whether the held-out points have another distribution than all points, as many repeat and duplicates stay together."""
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
    """The request to a data source. Each source reads the fields that concern it.

    Attributes:
        points: the number of training points to draw from a known density.
        scale: the factor on all coordinates of a toy.
        noise: the standard deviation of a toy's own noise before scaling, or "auto" for its default.
        shift: the number added to all coordinates of a toy, after scaling.
        path: a file or folder.
        strokes: the strokes of a drawing.
        held_out: the wanted number of held-out points. Finite data give at most a fifth of their points.
        seed: the seed of all samples and splits.
        pixels: the pixels along a side of an image, or "auto" for the images' own size, from 8 to 32. In a folder that is the
            largest size that 95 % of the pictures reach.
        colours: "grey", "rgb", or "auto" for the images' own colours.
        stopped: called while many files are read. Once it returns true, reading ends with a DataError.
        split: how a file's rows are held out: "rows", "groups" of equal ones, or "auto".
        classes: "on" if each point of a toy gets the class of its part.
        class_names: the names of these classes.
    """

    held_out: int
    seed: int
    stopped: Callable[[], bool] = lambda: False
    points: int = 50_000
    scale: float = 1.0
    noise: "float | str" = "auto"
    shift: float = 0.0
    path: str = ""
    strokes: Sequence[Stroke] = ()
    pixels: "int | str" = "auto"
    colours: str = "auto"
    split: str = "auto"
    classes: str = "off"
    class_names: Sequence[str] = ()


def listed(names: Sequence[str]) -> str:
    """The names in one line, or the first few if there are many."""
    others = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + others


def one_line(name: str) -> str:
    """A name from outside, without line breaks and other characters that cannot be printed."""
    return "".join(filter(str.isprintable, " ".join(name.split())))


def class_numbers(class_names: Sequence[str], sources: str = "folders") -> Message | None:
    """A message on the classes' numbers, which follow the order of their folders; None if they have no names.

    It is one line for any names.

    Args:
        sources: what the names come from, in the plural.

    >>> str(class_numbers(("cats", "dogs\\n")))
    'Classes are numbered as their folders are sorted: 0 cats, 1 dogs.'
    """
    if not class_names:
        return None
    shown = listed([f"{number} {name}" for number, name in enumerate(map(one_line, class_names))])
    most = f"; a session keeps the names of at most {MOST_CLASS_NAMES:,}, so it will have none"
    return Message(
        "class-numbers",
        f"Classes are numbered as their {sources} are sorted: {{}}{{}}.",
        (shown, most if len(class_names) > MOST_CLASS_NAMES else ""),
    )


def sample_dataset(density: "Density", name: str, request: DatasetRequest) -> Dataset:
    """A data set of independent samples of a known density in the plane, with the classes of its parts if they are asked for."""
    from playground.theory.densities import GaussianMixture

    labels, generator = None, _generator(request.seed, stream=0)
    if request.classes == "on" and isinstance(density, GaussianMixture) and density.classes is not None:
        points, components = density.sample_with_components(request.points, generator)
        labels = density.classes[components].numpy()
    else:
        points = density.sample(request.points, generator)
    return Dataset(
        name=name,
        points=points.numpy(),
        density=density,
        shape=(2,),
        axes=("x", "y"),
        held_out=density.sample(request.held_out, _generator(request.seed, stream=1)).numpy(),
        labels=labels,
        class_names=() if labels is None else tuple(request.class_names),
    )


def _generator(seed: int, stream: int) -> "torch.Generator":
    """A generator for a seed and a stream. Generators of different streams are independent for all seeds."""
    import torch

    (state,) = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def stratified(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.bool_]:
    """A mask of `count` items in which each class has its share, to within one item."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))
    # Every (N/count)-th item, sorted by class, takes each class in proportion.
    order = order[np.argsort(labels[order], kind="stable")]
    mask = np.zeros(len(labels), dtype=np.bool_)
    mask[order[((np.arange(count) + 0.5) * len(labels) / count).astype(np.int64)]] = True
    return mask


def held_out_count(available: int, wanted: int) -> int:
    """Return how many of `available` points to hold out: `wanted`, but at most a fifth."""
    return max(1, min(wanted, available // 5))
