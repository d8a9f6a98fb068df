from collections.abc import Iterator
from typing import Annotated, Literal, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from playground.data import pictures
from playground.data.dataset import Dataset, DatasetRequest
from playground.kinds.datasets.data_source import POINTS, Points, read_back
from playground.kinds.datasets.from_file import FromFile
from playground.kinds.kind import register
from playground.kinds.setting import Auto, Option, meta
from playground.messages import Message, to_set


@register
class Images(FromFile, tag="images", frozen=True):
    """Your own images: a folder of PNG or JPEG files, or a file of MNIST, CIFAR or NPZ images."""

    title = "Images"
    phrase = "images"
    place = 9
    images = True

    points: Points = POINTS
    pixels: (
        Annotated[
            int,
            meta(
                "Pixels along a side of kind = images: the middle square of each image, scaled. auto: the images' own "
                "size, from 8 to 32; in a folder the largest that 95 % of them reach",
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
        meta(
            "Colours of kind = images. auto: RGB if any image has colours",
            options={
                "auto": Option("Auto", "RGB if any image has colours, else grey."),
                "grey": Option("Grey", "One number a pixel: a third of the numbers to learn."),
                "rgb": Option("RGB", "Red, green and blue: three numbers a pixel."),
            },
            resets=True,
        ),
    ] = "auto"

    def found(self, dataset: Dataset) -> Self:
        channels, side = dataset.shape[:2]
        return msgspec.structs.replace(
            self,
            pixels=side if self.pixels == "auto" else self.pixels,
            colours=("grey" if channels == 1 else "rgb") if self.colours == "auto" else self.colours,
        )

    def conflicts(self) -> Iterator[Message]:
        if not self.path:
            yield Message(
                "no-images",
                "No images are chosen: {} a folder of PNG or JPEG files, or an IDX, NPZ or CIFAR file.",
                (to_set("data.path"),),
                "data.path",
            )

    def restored(self, saved: Dataset) -> Dataset:
        return read_back(saved, self.path, "images", np.float32, pictures.GREY_LEVELS)

    def read(self, request: DatasetRequest) -> Dataset:
        return pictures.load_images(request)

    def of_array(self, array: NDArray[np.generic], labels: NDArray[np.generic] | None, held_out: int) -> Dataset:
        wanted = DatasetRequest(
            held_out, self.seed, points=self.points, path=self.path, pixels=self.pixels, colours=self.colours
        )
        return pictures.load_image_array(array, labels, wanted)
