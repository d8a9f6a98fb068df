"""What a frame of a run shows, on the screen as in a picture, a film and on the command line."""

import dataclasses
import functools
import typing
from collections.abc import Callable, Iterator

import numpy as np

from playground.app.canvas import readouts
from playground.app.canvas.colorings import coloring
from playground.app.canvas.frame_style import PLAIN, FrameStyle
from playground.app.controllers.export_size import OverlayMaker
from playground.app.controllers.following import Following
from playground.app.controllers.playing import Playing
from playground.app.controllers.video_frames import VideoFrames
from playground.app.model.views import DensityView, FieldView, ParticleValues
from playground.drawing.film import FrameOverlay, at_frame
from playground.drawing.labels import Labels
from playground.drawing.layers import FollowedParticle, Role
from playground.drawing.plane import Viewport
from playground.drawing.scene import Scene
from playground.lab.inspection import InspectedParticle

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

LATE = 3  # frames after which the terms of a step are no longer shown: while it plays, they come a frame or two late
COMPUTED = frozenset({"learned", "exact", "error", "density"})  # layers that are computed for each frame


def show_frame(
    scene: Scene,
    trajectory: "Trajectory | None",
    frame: int,
    kind: str,
    field: FieldView | None,
    density: DensityView | None,
    weights: str = "",
    style: FrameStyle = PLAIN,
    values: ParticleValues | None = None,
    particle: InspectedParticle | None = None,
) -> Scene:
    """Return the scene with everything that a frame shows: particles and trails or images, score fields, density and caption.

    Args:
        scene: of which particles, trails and images that are None stay so.
        trajectory: None where there is no run.
        kind: of the sampler, whose run the caption speaks of.
        field, density: those of the frame; None where they are not shown.
        weights: what the caption says of them.
        style: how the layers are shown.
        values: what the particles are coloured by, where it is computed.
        particle: the one that is followed, in this frame or one just before.
    """
    learned, exact = (None, None) if field is None else field.layers
    error = None if field is None else field.errors.get(style.error)
    layer = None if density is None else density.layers[style.density]
    scene = dataclasses.replace(scene, learned=learned, exact=exact, error=error, density=layer)
    if trajectory is None:
        return scene
    caption = readouts.caption(trajectory, frame, kind, weights)
    asked = [] if density is None else readouts.asked_density(density)
    scene = dataclasses.replace(at_frame(scene, trajectory.positions, frame), caption=(*caption, *asked))
    if scene.particles is not None and style.particles != "one":
        colors = coloring(style.particles, trajectory, frame, values)
        scene = dataclasses.replace(scene, particles=dataclasses.replace(scene.particles, coloring=colors))
    flow = None if scene.followed is None else scene.followed.flow
    return dataclasses.replace(scene, followed=followed_particle(trajectory, frame, style.followed, particle, flow))


def followed_particle(
    trajectory: "Trajectory",
    frame: int,
    number: int | None,
    particle: InspectedParticle | None,
    flow: np.ndarray | None = None,
) -> FollowedParticle | None:
    """A particle with its way so far and the terms of its next step; None where none is followed.

    Args:
        particle: what is known of it in this frame, or for a few frames in one before.
        flow: the path of a start that is dragged.
    """
    positions = trajectory.positions
    if positions.ndim != 3 or number is None or number >= positions.shape[1]:
        return None if flow is None else FollowedParticle(np.zeros((0, 2)), flow=flow)
    way = positions[: frame + 1, number]
    known = particle is not None and particle.number == number and 0 <= frame - particle.frame <= LATE
    if particle is None or not known:
        return FollowedParticle(way, flow=flow)
    step = particle.step
    terms: tuple[tuple[np.ndarray, Role], ...] = ()
    if step is not None:
        terms = (step.drift, "exact"), (step.score, "learned"), (step.rest, "particles")
    return FollowedParticle(way, terms, particle.denoised_here, flow)


def frames_of(
    views: VideoFrames,
    kind: str,
    weights: str,
    trajectory: "Trajectory | None",
    frames: np.ndarray,
    sigma: float = 0.0,
    style: FrameStyle = PLAIN,
) -> tuple[FrameOverlay, Iterator[float]]:
    """Gives a scene what a frame shows, once what is prepared meanwhile is done; see :func:`show_frame`.

    Args:
        frames: that will be asked for.
        sigma: at which field and density are shown where there is no run.
    """
    sigmas, times = (
        (np.array([sigma]), np.array([np.nan])) if trajectory is None else (trajectory.sigma, trajectory.time)
    )

    def at(scene: Scene, frame: int) -> Scene:
        moment = float(sigmas[frame]), float(times[frame])
        field, density = views.at(*moment)
        values = None
        if trajectory is not None and scene.particles is not None:
            values = views.particle_values(style.particles, trajectory.positions[frame], *moment)
        particle = None if trajectory is None else views.inspect(trajectory, frame, style.followed)
        return show_frame(scene, trajectory, frame, kind, field, density, weights, style, values, particle)

    shown = np.unique(frames)
    return at, views.prepare(zip(sigmas[shown].tolist(), times[shown].tolist(), strict=True))


def frame_makers(
    playing: Playing,
    following: Following,
    kind: str,
    wanted: frozenset[str],
    still: bool = False,
    weights: str = "",
    style: FrameStyle = PLAIN,
) -> Callable[[Viewport], OverlayMaker]:
    """Gives each frame of a film, or that of a picture, what the canvas shows with it now.

    What it returns takes a viewport, then or later; what that returns is called in the export's thread.

    Args:
        kind: of the sampler.
        wanted: layers of COMPUTED that it shows.
        still: only the frame in view will be asked for.
        weights: what the caption says of them.
    """
    make, sigma = following.video_frame_maker(wanted, still), playing.sigma

    def maker(viewport: Viewport) -> OverlayMaker:
        return functools.partial(frames_of, make(viewport), kind, weights, sigma=sigma, style=style)

    return maker


def labelled(maker: OverlayMaker, labels: Labels) -> OverlayMaker:
    """The same with the words of an exported picture."""

    def make(trajectory: "Trajectory | None", frames: np.ndarray) -> tuple[FrameOverlay, Iterator[float]]:
        overlay, preparing = maker(trajectory, frames)
        return lambda scene, frame: labels.on(overlay(scene, frame)), preparing

    return make
