"""What a film shows beside its particles: the layers that are computed anew for each frame."""

import dataclasses
import functools
import typing
from collections.abc import Callable, Iterator

import numpy as np

from playground.app.canvas import readouts
from playground.app.controllers.export_size import OverlayMaker
from playground.app.controllers.following import Following
from playground.app.controllers.playing import Playing
from playground.app.controllers.video_frames import VideoFrames
from playground.drawing.film import FrameOverlay
from playground.drawing.layers import Density, Field
from playground.drawing.plane import Viewport
from playground.drawing.scene import Scene

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

COMPUTED = frozenset({"learned", "exact", "density"})  # layers that are computed for each frame


def overlay_makers(
    playing: Playing,
    following: Following,
    kind: str,
    wanted: frozenset[str],
    still: bool = False,
    untrained: bool = False,
) -> Callable[[Viewport], OverlayMaker]:
    """Gives each frame of a film, or that of a picture, the score field, density and caption that the canvas shows with it now.

    What it returns takes a viewport, then or later; what that returns is called in the export's thread.

    Args:
        kind: of the sampler, whose run the captions speak of.
        wanted: layers of COMPUTED that it shows.
        still: only the frame in view will be asked for, whose caption stays.
    """
    make = following.video_frame_maker(wanted, still)
    without_run = np.array([playing.sigma]), np.array([np.nan])

    def overlays_of_run(
        views: VideoFrames, trajectory: "Trajectory | None", frames: np.ndarray
    ) -> tuple[FrameOverlay, Iterator[float]]:
        sigmas, times = without_run if trajectory is None else (trajectory.sigma, trajectory.time)

        def overlay(shown: Scene, frame: int) -> Scene:
            field, density = views.at(float(sigmas[frame]), float(times[frame]))
            changes: dict[str, typing.Any] = {}
            if field is not None:
                if field.learned is not None:
                    changes["learned"] = Field(field.positions, field.learned, "learned")
                if field.exact is not None:
                    changes["exact"] = Field(field.positions, field.exact, "exact")
            if density is not None:
                changes["density"] = Density(density.density, density.extent)
            if shown.caption and not still and trajectory is not None:
                changes["caption"] = tuple(readouts.caption(trajectory, frame, kind, untrained))
            return dataclasses.replace(shown, **changes)

        shown = np.unique(frames)
        return overlay, views.prepare(zip(sigmas[shown].tolist(), times[shown].tolist(), strict=True))

    return lambda viewport: functools.partial(overlays_of_run, make(viewport))
