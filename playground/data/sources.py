"""Every kind of data there is. A new one is a line here, and then appears in panel, command line, docs and tests.

This module imports no torch, so that the window can list the sources before it is loaded.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from playground.data import digits, files, pictures, strokes, toys
from playground.data.dataset import DataError, Dataset, DatasetRequest, Stroke, sample_dataset

if TYPE_CHECKING:
    from playground.theory.densities import Density


@dataclass(frozen=True)
class Source(ABC):
    """A kind of data: what it is called, and how it is loaded."""

    title: str
    description: str
    known_density: ClassVar[bool]
    images: ClassVar[bool] = False
    labelled: ClassVar[bool | None] = False
    """Whether the points have classes; None where only the data can tell."""

    @abstractmethod
    def load(self, request: DatasetRequest) -> Dataset:
        """The data set; the same request gives the same points.

        Raises:
            DataError: the data cannot be made or read.
        """


@dataclass(frozen=True)
class Toy(Source):
    """A density over the plane in closed form; `noise` is its blur, before scaling, where the user gives none."""

    density: "Callable[[float], Density]"
    noise: float
    known_density = True

    def load(self, request: DatasetRequest) -> Dataset:
        """Draws from the density, scaled."""
        noise = self.noise if isinstance(request.noise, str) else request.noise
        least = toys.narrowest_deviation(self.density, self.noise)
        if not least <= noise < math.inf:
            raise DataError(
                f"data.noise = {noise:g} leaves {self.title} too thin for a density: choose at least {least:g}, or auto for {self.noise:.3g}."
            )
        import torch

        density = self.density(noise)
        if request.scale != 1:
            density = density.standardized(torch.zeros(2, dtype=torch.float64), 1 / request.scale)
        return sample_dataset(density, self.title, request)


@dataclass(frozen=True)
class Drawing(Source):
    """The density that the user paints; it is known exactly."""

    known_density = True

    def load(self, request: DatasetRequest) -> Dataset:
        """Draws from the painted density."""
        return sample_dataset(strokes.density_of_strokes(request.strokes), self.title, request)


@dataclass(frozen=True)
class PointFile(Source):
    """The user's own points."""

    known_density = False

    def load(self, request: DatasetRequest) -> Dataset:
        """The file's points, split."""
        return files.load_file(request)


@dataclass(frozen=True)
class Digits(Source):
    """The bundled images."""

    known_density = False
    images = True
    labelled = True

    def load(self, request: DatasetRequest) -> Dataset:
        """The images, split."""
        return digits.load_digits(self.title, request)


@dataclass(frozen=True)
class ImageFiles(Source):
    """The user's own images."""

    known_density = False
    images = True
    labelled = None

    def load(self, request: DatasetRequest) -> Dataset:
        """The images, scaled, cropped and split."""
        return pictures.load_images(request)


SOURCES: dict[str, Source] = {
    "two-moons": Toy("two moons", "Two half circles that reach into each other", toys.two_moons, noise=0.1),
    "two-gaussians": Toy(
        "two Gaussians",
        "Weights 0.8 and 0.2, far apart: Langevin dynamics gets them wrong",
        toys.two_gaussians,
        noise=1.0,
    ),
    "eight-gaussians": Toy("eight Gaussians", "Eight equal blobs on a circle", toys.eight_gaussians, noise=0.5 / 1.414),
    "checkerboard": Toy("checkerboard", "Eight squares with sharp edges", toys.checkerboard, noise=0.0),
    "pinwheel": Toy("pinwheel", "Five bent arms", toys.pinwheel, noise=0.15),
    "two-spirals": Toy("two spirals", "Two arms of one and a half turns", toys.two_spirals, noise=0.1),
    "rings": Toy("rings", "Four circles about one centre", toys.rings, noise=0.1),
    "swiss-roll": Toy("Swiss roll", "One arm, denser inside", toys.swiss_roll, noise=0.2),
    "drawn": Drawing("drawing", "Painted on the canvas with the brush"),
    "file": PointFile("file", "Your own points: a CSV, TSV or NPY file with two columns"),
    "digits": Digits("digits", "Handwritten digits, 8x8 pixels: a space of 64 dimensions"),
    "images": ImageFiles(
        "images", "Your own images: a folder of PNG or JPEG files, or a file of MNIST, CIFAR or NPZ images"
    ),
}


def load_dataset(
    kind: str,
    *,
    points: int = 50_000,
    scale: float = 1.0,
    noise: float | str = "auto",
    path: str = "",
    strokes: Sequence[Stroke] = (),
    held_out: int = 2_000,
    seed: int = 0,
    pixels: int | str = "auto",
    colours: str = "auto",
    stopped: Callable[[], bool] = lambda: False,
    split: str = "auto",
) -> Dataset:
    """The data set of a `kind` in SOURCES; see :class:`~playground.data.dataset.DatasetRequest` for the rest.

    Raises:
        DataError: the kind is unknown, or the data cannot be made or read.
    """
    if kind not in SOURCES:
        raise DataError(f"data.kind = {kind} is not known: it must be one of {', '.join(SOURCES)}.")
    request = DatasetRequest(points, scale, noise, path, strokes, held_out, seed, pixels, colours, stopped, split)
    return SOURCES[kind].load(request)
