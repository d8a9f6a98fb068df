"""The settings of the data."""

from typing import Annotated, Literal

import msgspec

from playground.lab.setting import Auto, meta


class Stroke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One stroke of the brush: a polyline and the brush's radius (one standard deviation), in the user's units."""

    points: tuple[tuple[float, float], ...]
    radius: float


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The source of the points."""

    kind: Annotated[
        Literal[
            "two-moons",
            "two-gaussians",
            "eight-gaussians",
            "checkerboard",
            "pinwheel",
            "two-spirals",
            "rings",
            "swiss-roll",
            "drawn",
            "file",
            "digits",
            "images",
        ],
        meta("Data set to learn", resets=True),
    ] = "two-moons"
    # With 20,000 the two Gaussians' KL was 0.0034 nat and mostly what these leave open; it is 0.0017 with 50,000, 0.0014 with 100,000.
    points: Annotated[
        int,
        meta(
            "Points in the training set of a toy or a drawing; of images at most this many",
            ge=50,
            le=1_000_000,
            symbol="N",
            log=True,
            resets=True,
        ),
    ] = 50_000
    scale: Annotated[
        float, meta("Factor on all coordinates of a toy", ge=1e-3, le=1e3, unit="×", log=True, resets=True)
    ] = 1.0
    noise: (
        Annotated[
            float,
            meta(
                "Standard deviation of the noise that is part of a toy's density, before scaling",
                ge=0.0,
                le=10.0,
                symbol="s",
                unit="data",
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    path: Annotated[
        str,
        meta(
            "kind = file: a CSV, TSV or NPY file with two columns. kind = images: a folder of PNG or JPEG files, "
            "each sub-folder one class; MNIST or CIFAR as a folder or file; or an NPZ file of images",
            resets=True,
        ),
    ] = ""
    pixels: (
        Annotated[
            int,
            meta(
                "Pixels along a side of kind = images: the middle square of each image, scaled. auto: the images' "
                "own size, from 8 to 32; in a folder the largest that 95 % of them reach",
                ge=8,
                le=64,
                unit="px",
                resets=True,
            ),
        ]
        | Auto
    ) = "auto"
    colours: Annotated[
        Literal["auto", "grey", "rgb"],
        meta("Colours of kind = images. auto: RGB if any image has colours", resets=True),
    ] = "auto"
    split: Annotated[
        Literal["auto", "rows", "groups"],
        meta(
            "How rows of kind = file are held out: each by itself, or duplicates together (a grouped split), as "
            "copies should be. auto: rows if more than 1 % are duplicates, as in discrete data, else groups",
            resets=True,
        ),
    ] = "auto"
    strokes: Annotated[tuple[Stroke, ...], meta("Brush strokes, for kind = drawn", resets=True)] = ()

    def used(self) -> "Data":
        """Return the same settings without those kept for other kinds: a drawing or a path, to be found again with its
        kind."""
        other = [name for name, kinds in _OF.items() if self.kind not in kinds]
        default = Data()
        return msgspec.structs.replace(self, **{name: getattr(default, name) for name in other})


_OF = {
    "strokes": ("drawn",),
    "path": ("file", "images"),
    "pixels": ("images",),
    "colours": ("images",),
    "split": ("file",),
}
