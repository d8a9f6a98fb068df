"""What a film shows beside its particles: the layers that the engine computes anew for each frame."""

import dataclasses
import typing
from collections.abc import Iterator

import numpy as np

from playground.app import readouts
from playground.app.engine import Engine
from playground.app.export_size import Dresser
from playground.drawing.film import Dress
from playground.drawing.layers import Density, Field
from playground.drawing.scene import Scene

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

COMPUTED = frozenset({"learned", "exact", "density"})  # layers that cost the engine work


def dresser(engine: Engine, kind: str, scene: Scene) -> Dresser:
    """Gives each frame of a film the score field, density and caption that the canvas would show with it.

    What it returns is called in the export's thread.

    Args:
        kind: of the sampler, whose run the captions speak of.
    """
    wanted = frozenset(name for name in COMPUTED if getattr(scene, name) is not None)
    views = engine.view_maker(scene.viewport, wanted)

    def dress_run(trajectory: "Trajectory", frames: np.ndarray) -> tuple[Dress, Iterator[float]]:
        def dress(shown: Scene, frame: int) -> Scene:
            field, density = views.at(float(trajectory.sigma[frame]), float(trajectory.time[frame]))
            changes: dict[str, typing.Any] = {}
            if field is not None:
                if shown.learned is not None and field.learned is not None:
                    changes["learned"] = Field(field.positions, field.learned, "learned")
                if shown.exact is not None and field.exact is not None:
                    changes["exact"] = Field(field.positions, field.exact, "exact")
            if density is not None and shown.density is not None:
                changes["density"] = Density(density.density, density.extent)
            if shown.caption:
                changes["caption"] = tuple(readouts.caption(trajectory, frame, kind))
            return dataclasses.replace(shown, **changes)

        shown = np.unique(frames)
        return dress, views.prepare(zip(trajectory.sigma[shown].tolist(), trajectory.time[shown].tolist(), strict=True))

    return dress_run
