"""The words of an exported picture: its layers, its sampler and its moment."""

import dataclasses
from dataclasses import dataclass

from playground.drawing.scene import Scene

OBVIOUS = ("particles", "trails", "likelihood")  # layers that the sampler's name implies


@dataclass(frozen=True)
class Labels:
    """The words of a picture or film.

    Args:
        sampler: the sampler's name; empty without a run.
        caption: whether the layers, the sampler and the moment are named.
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
