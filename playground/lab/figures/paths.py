"""Figures of the paths between two sets."""

from playground.data.units import EQUALIZED
from playground.lab.figures.spec import MEASURED, FigureSpec

_CLOUDS = "From 5 clouds of 400 start points, with the standard error."

PART = "Path energy"
FIGURES = {
    "path_energy": FigureSpec(
        "path energy",
        f"Mean squared velocity along the paths. It is at least W₂² of the two sets. {_CLOUDS}",
        r"E \int_0^1 \|u\|^2\,dt",
        unit="data²",
        card="paths",
    ),
    "normalized_path_energy": FigureSpec(
        "normalized path energy",
        "How far the path energy is from W₂² of the two sets, over that. The floor is the mean of a perfect transport, whose "
        f"figure is the size of noise. {_CLOUDS}",
        floor=MEASURED,
        card="paths",
    ),
    "straightness": FigureSpec(
        "straightness",
        "Mean squared difference of velocity and displacement. 0: straight paths, for which one Euler step is exact. "
        + _CLOUDS,
        unit="data²",
        floor=0,
        card="paths",
    ),
    "one_step_wasserstein2": FigureSpec(
        "W₂, one step",
        f"Wasserstein-2 distance between data and ends after one Euler step. {_CLOUDS} {EQUALIZED}",
        unit="data",
        floor="path_floor_wasserstein2",
        card="paths",
    ),
    "many_steps_wasserstein2": FigureSpec(
        "W₂, 100 steps",
        f"The same after 100 steps of Heun’s method. The floor is that of two clouds of data. {_CLOUDS} {EQUALIZED}",
        unit="data",
        floor="path_floor_wasserstein2",
        card="paths",
    ),
    "path_floor_wasserstein2": FigureSpec(
        "floor of W₂",
        "Wasserstein-2 distance of two clouds that are both drawn from the data.",
        unit="data",
        printed=False,
    ),
}
