"""How the layers of a frame are shown, by the options of their chips."""

from dataclasses import dataclass

from playground.app.model.views import ErrorStyle, ParticleColors
from playground.drawing.layers import DensityStyle


@dataclass(frozen=True)
class FrameStyle:
    """The chosen options of what is computed for each frame, and the particle that is followed.

    The defaults are those of the legend.
    """

    density: DensityStyle = "plain"
    error: ErrorStyle = "both"
    particles: ParticleColors = "one"
    followed: int | None = None  # the particle that is followed, if any


PLAIN = FrameStyle()
"""What the window shows at first, and the command line always."""
