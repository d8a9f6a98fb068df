"""The settings of inpainting, which several samplers have: the part of a point that is known beforehand."""

from typing import TYPE_CHECKING, Annotated

import numpy as np

from playground.kinds.chosen import Given, Mask
from playground.kinds.setting import Option, meta

if TYPE_CHECKING:
    from torch import Tensor

InpaintingMask = Annotated[
    Mask,
    meta(
        "Part of each point that is given: none; the left or upper half of an image (x or y in the plane); all but a "
        "box in the middle",
        label="inpainting mask",
        of_data=True,
        symbol="y",
        equation=r"\nabla_u \log p(u \mid y)",
        options={
            "none": Option("None", "Nothing is given: plain sampling."),
            "left": Option("Left", "The left half of an image, or x in the plane, is given; the rest is sampled."),
            "top": Option("Top", "The upper half of an image, or y in the plane, is given; the rest is sampled."),
            "frame": Option("Frame", "All of an image but a box in its middle is given; the box is sampled."),
        },
        advanced=True,
    ),
]
InpaintingImage = Annotated[
    int,
    meta(
        "Held-out point that the given part is taken from, counted from 0",
        label="inpainting image",
        of_data=True,
        ge=0,
        le=1_000_000,
        advanced=True,
        when=lambda chosen: chosen.sampling.mask != "none",
        otherwise="nothing is inpainted; choose an inpainting mask",
    ),
]


def known_pixels(mask: Mask, height: int, width: int) -> np.ndarray | None:
    """The mask, (height, width), that is True where an image is known beforehand; None if nothing is known."""
    if mask == "none":
        return None
    known = np.zeros((height, width), dtype=bool)
    if mask == "left":
        known[:, : width // 2] = True
    elif mask == "top":
        known[: height // 2] = True
    else:
        known[:] = True
        known[height // 4 : height - height // 4, width // 4 : width - width // 4] = False
    return known


def known_coordinates(mask: Mask, given: Given) -> "Tensor | None":
    """Return the mask in the shape of one point, on the data's device. For points in the plane, "left" is x and "top" is y."""
    if mask == "none":
        return None
    import torch

    shape = given.shape
    known = np.array([mask == "left", mask == "top"]) if len(shape) == 1 else known_pixels(mask, *shape[-2:])
    return torch.from_numpy(known).to(given.device).expand(shape)
