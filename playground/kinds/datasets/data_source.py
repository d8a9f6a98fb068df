"""The common base of all data sets, and that of the toys."""

import dataclasses
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import msgspec
import numpy as np

from playground.data import repeats, toys
from playground.data.dataset import DataError, Dataset, DatasetRequest, class_numbers, sample_dataset
from playground.kinds.kind import Kind
from playground.kinds.setting import Auto, Option, meta, seed_meta
from playground.messages import Edit, Message, alternatives, joined, setting

if TYPE_CHECKING:
    from playground.theory.densities import Density

# The two Gaussians' KL is 0.0034 nat with 20,000 points, mostly from their finite number. It is 0.0017 with 50,000, and 0.0014 with
# 100,000.
POINTS = 50_000

Points = Annotated[
    int,
    meta(
        "Points in the training set of a toy or a drawing; for images, at most this many",
        label="points N",
        ge=50,
        le=1_000_000,
        reach=(100, 200_000),
        symbol="N",
        log=True,
        resets=True,
    ),
]


class Stroke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One stroke of the brush: a polyline and the brush's radius (one standard deviation), in the user's units."""

    points: tuple[tuple[float, float], ...]
    radius: float


class DataSource(Kind, frozen=True, kw_only=True):
    """The source of the points.

    Attributes:
        phrase: its name in a sentence.
        known_density: whether the density of its points is known in closed form.
        images: whether its points are images.
        is_finite: whether the number of points is limited, so that held-out points are missing from the training set.
        is_file: whether they are read from a file or folder of the user.
        icon_shows_points: whether its icon is a picture of its points, and not of an action.
    """

    section: ClassVar[str] = "data"
    summary: ClassVar[str] = "Data set to learn"
    noun: ClassVar[str] = "data"
    resets: ClassVar[bool] = True
    phrase: ClassVar[str]
    known_density: ClassVar[bool] = False
    images: ClassVar[bool] = False
    is_finite: ClassVar[bool] = False
    is_file: ClassVar[bool] = False
    icon_shows_points: ClassVar[bool] = False

    seed: Annotated[
        int,
        seed_meta(
            "Seed of the data: the points that are drawn or chosen, and which of them are held out",
            label="data seed",
            resets=True,
        ),
    ] = 0

    @property
    def is_sharp(self) -> bool:
        """Whether its density has edges."""
        return False

    @property
    def labelled(self) -> bool | None:
        """Whether its points have classes; None if that is known only after the data are read."""
        return False

    @property
    def file(self) -> str:
        """The file or folder that it is read from, or "" if there is none."""
        return ""

    def fits_shape(self, shape: tuple[int, ...]) -> bool:
        """Whether a point can have this shape: (2,), or (channels, side, side) if it is an image."""
        if not self.images:
            return shape == (2,)
        return len(shape) == 3 and shape[0] in (1, 3) and shape[1] == shape[2] and 8 <= shape[1] <= 64

    def resolve(self) -> Self:
        """Return the settings with a value for each "auto" that needs no data."""
        return self

    def found(self, dataset: Dataset) -> Self:
        """Return the settings with a value for each "auto", as the loaded data decided."""
        return self

    def errors(self) -> Iterator[Message]:
        """Return the contradictions between the settings, with which no data can be made."""
        yield from ()

    def conflicts(self) -> Iterator[Message]:
        """Return the conflicts because of which there are no data."""
        yield from ()

    def load(self, held_out: int = 2_000, stopped: Callable[[], bool] = lambda: False) -> Dataset:
        """The data set. The same settings give the same points.

        Args:
            held_out: the wanted number of held-out points. Finite data give at most a fifth of their points.
            stopped: called while many files are read. Once it returns true, reading ends with a DataError.

        Raises:
            DataError: the data cannot be made or read.
        """
        settings = {name: getattr(self, name) for name in self.__struct_fields__}
        return self.read(DatasetRequest(held_out=held_out, stopped=stopped, **settings))

    def restored(self, saved: Dataset) -> Dataset:
        """The data set of a session, with its density if that is known.

        Args:
            saved: what a session keeps of it: points, classes and axes.

        Raises:
            DataError: the data cannot be made.
        """
        made = self.sized(len(saved.points)).load(len(saved.held_out))
        # The saved points, not the new ones, as another version of torch may draw other points. In double precision, as the bundled
        # sessions store half precision, which is too coarse for sums.
        points, held_out = (np.asarray(array, dtype=np.float64) for array in (saved.points, saved.held_out))
        labels = made.labels if saved.labels is None else saved.labels
        return dataclasses.replace(made, points=points, held_out=held_out, labels=labels)

    def sized(self, points: int) -> Self:
        """Return the settings with this number of training points, if that is a setting."""
        return self

    @abstractmethod
    def read(self, request: DatasetRequest) -> Dataset:
        """The data set of a request with this kind's settings.

        Raises:
            DataError: the data cannot be made or read.
        """


class Toy(DataSource, frozen=True):
    """A density over the plane in closed form.

    Attributes:
        own_noise: the default standard deviation of its noise, before scaling.
    """

    known_density: ClassVar[bool] = True
    icon_shows_points: ClassVar[bool] = True
    own_noise: ClassVar[float]

    points: Points = POINTS
    scale: Annotated[
        float,
        meta(
            "Factor on all coordinates of a toy", ge=1e-3, le=1e3, reach=(0.01, 100.0), unit="×", log=True, resets=True
        ),
    ] = 1.0
    noise: (
        Annotated[
            float,
            meta(
                "Standard deviation of the noise that is part of a toy's density, before scaling",
                label="noise std",
                ge=0.0,
                le=10.0,
                reach=(0.0, 1.0),
                symbol="s",
                unit="data",
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    shift: Annotated[
        float,
        meta(
            "Added to all coordinates of a toy, after scaling; it matters beside a start set",
            ge=-1e6,
            le=1e6,
            reach=(-10.0, 10.0),
            unit="data",
            resets=True,
        ),
    ] = 0.0

    @classmethod
    @abstractmethod
    def density(cls, noise: float) -> "Density":
        """The density with noise of this standard deviation, in float64."""

    @classmethod
    def made(cls, noise: float) -> "Density":
        """The density with noise of this standard deviation, after a check, for a plug-in may have written it.

        Raises:
            DataError: it cannot be made, or lacks what a density has.
        """
        from playground.theory.densities import Density

        def refused(what: str, *values: object) -> DataError:
            text = f"The density of {{}} {what}. The page docs/plugins.md shows a whole one."
            return DataError(Message("unsound-density", text, (cls.phrase, *values), "data.kind"))

        try:
            density = cls.density(noise)
        except Exception as error:
            raise refused("cannot be made: {}: {}", type(error).__name__, str(error).rstrip(".")) from error
        if not isinstance(density, Density):
            raise refused("is no Density: density() must return one")
        missing = [name for name in ("dim", "mean", "variance") if not hasattr(density, name)]
        if missing:
            raise refused("has no {}: its __init__ must set dim, mean and variance", alternatives(missing))
        if density.dim != 2 or tuple(density.mean.shape) != (2,):
            raise refused("is not over the plane: dim must be 2 and mean of shape (2,)")
        if not 0 < density.variance < math.inf:
            raise refused("has the variance {:g}: it must be above 0 and finite", density.variance)
        return density

    @property
    def is_sharp(self) -> bool:
        return self.resolve().noise == 0  # only boxes have a density without noise

    def sized(self, points: int) -> Self:
        return msgspec.structs.replace(self, points=points)

    def resolve(self) -> Self:
        return msgspec.structs.replace(self, noise=self.own_noise) if self.noise == "auto" else self

    def read(self, request: DatasetRequest) -> Dataset:
        return sample_dataset(self.scaled_density(), self.phrase, request)

    def scaled_density(self, key: str = "data.noise") -> "Density":
        """The density in the user's units, scaled and shifted.

        Args:
            key: the setting that holds the noise.

        Raises:
            DataError: the noise is too small for a closed form, or as :meth:`made`.
        """
        noise = self.own_noise if self.noise == "auto" else self.noise
        least = toys.narrowest_deviation(self.made, self.own_noise)
        if not least <= noise < math.inf:
            raise DataError(
                Message(
                    "too-thin",
                    "{} leaves {} too thin for a density: choose at least {:g}, or auto for {:.3g}.",
                    (setting(key, noise), self.phrase, least, self.own_noise),
                    key,
                    (Edit("Use Auto", {key: "auto"}),),
                )
            )
        density = self.made(noise)
        if self.scale != 1 or self.shift:
            import torch

            offset = torch.full((2,), -self.shift / self.scale, dtype=torch.float64)
            density = density.standardized(offset, 1 / self.scale)
        return density


class ToyWithClasses(Toy, frozen=True):
    """A toy of several parts, each of which is a class.

    Attributes:
        parts: the names of its classes.
    """

    parts: ClassVar[tuple[str, ...]]

    classes: Annotated[
        Literal["off", "on"],
        meta(
            "Classes of the points: none, or for each the part that it comes from, a moon, Gaussian, arm or ring. An MLP then "
            "learns the score of each class too",
            options={
                "off": Option("None", "The points have no classes."),
                "on": Option("Parts", "Each moon, Gaussian, arm or ring is a class of its own."),
            },
            resets=True,
        ),
    ] = "off"

    @property
    def labelled(self) -> bool | None:
        return self.classes == "on"

    def read(self, request: DatasetRequest) -> Dataset:
        return super().read(dataclasses.replace(request, class_names=self.parts))


def read_back(saved: Dataset, path: str, what: str, precision: type[np.floating], grey_levels: int | None) -> Dataset:
    """The data set of a file, from a session.

    Args:
        saved: the session's points.
        path: the file or folder that they came from.
        what: the name of its points in a sentence, in the plural.
        precision: the precision in which they are read from their own file. Earlier versions saved images in double precision.
        grey_levels: the number of values of a pixel; None for points in the plane.
    """
    points, held_out = (np.asarray(array, dtype=precision) for array in (saved.points, saved.held_out))
    made = Dataset(
        name=Path(path).name,
        points=points,
        density=None,
        shape=points.shape[1:],
        axes=saved.axes,
        held_out=held_out,
        labels=saved.labels,
        class_names=saved.class_names,
        grey_levels=grey_levels,
    )
    count = len(points) + len(held_out)
    repeated = repeats.note(count, count - made.repeated, what, grouped=made.biased_split)
    sources = "folders" if grey_levels is not None else "labels"
    return dataclasses.replace(made, note=joined(class_numbers(saved.class_names, sources), repeated))
