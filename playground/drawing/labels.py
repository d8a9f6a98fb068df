"""What is said in an exported picture: which layers are seen, of which sampler, and at which moment."""

import dataclasses
from dataclasses import dataclass

from playground.drawing.scene import Scene

OBVIOUS = ("particles", "trails", "likelihood")  # the sampler's name tells of these


@dataclass(frozen=True)
class Labels:
    """The words of a picture or film.

    Args:
        sampler: its name; none where there is no run.
        caption: whether layers, sampler and moment are named.
        legend: whether the colours are explained.
    """

    sampler: str = ""
    caption: bool = True
    legend: bool = True

    def on(self, scene: Scene) -> Scene:
        """The scene with these words."""
        named = scene.named_layers()
        seen = [name for role, name in named if role not in OBVIOUS]
        what = ", ".join([*seen, self.sampler] if self.sampler else seen)
        lines = (what, *scene.caption) if what else scene.caption
        return dataclasses.replace(
            scene,
            caption=lines if self.caption else (),
            has_scales=self.legend,
            layer_names=named if self.legend else (),
        )
