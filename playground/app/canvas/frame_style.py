"""How the layers of a frame are shown, as chosen by the options of their chips."""

from dataclasses import dataclass

from playground.app.model.views import ErrorStyle, ParticleColors
from playground.drawing.layers import DensityStyle


@dataclass(frozen=True)
class FrameStyle:
    """The chosen options of layers that are computed for each frame, and the followed particle.

    The defaults are those of the legend.
    """

    density: DensityStyle = "plain"
    error: ErrorStyle = "both"
    particles: ParticleColors = "one"
    followed: int | None = None  # the followed particle, if any
    short: bool = False  # whether there is room for a short caption only
    time_to_data: bool = False  # whether the caption's t is 0 at the noise and 1 at the data


PLAIN = FrameStyle()
"""The style at the window's start, and always on the command line."""
