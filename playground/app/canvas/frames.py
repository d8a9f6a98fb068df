"""What a frame of a run shows: on the screen, in a picture, in a film and on the command line."""

import dataclasses
import typing
from collections.abc import Generator

import numpy as np

from playground.app.canvas import readouts
from playground.app.canvas.colorings import coloring
from playground.app.canvas.frame_style import PLAIN, FrameStyle
from playground.app.controllers.video_frames import VideoFrames
from playground.app.model.views import DensityView, FieldView, ParticleValues
from playground.drawing.film import FrameOverlay, at_frame
from playground.drawing.layers import FollowedParticle, Role
from playground.drawing.scene import Scene
from playground.kinds.samplers.sampler import Sampler
from playground.lab.inspection import InspectedParticle

if typing.TYPE_CHECKING:
    from playground.lab.trajectory import Trajectory

LATE = 3  # frames after which the terms of a step are hidden; while the run plays, they come a frame or two late


def show_frame(
    scene: Scene,
    trajectory: "Trajectory | None",
    frame: int,
    sampler: Sampler,
    field: FieldView | None,
    density: DensityView | None,
    weights: str = "",
    style: FrameStyle = PLAIN,
    values: ParticleValues | None = None,
    particle: InspectedParticle | None = None,
) -> Scene:
    """Return the scene with everything that a frame shows: particles and trails or images, score fields, density and
    caption.

    Args:
        scene: the scene; particles, trails and images that are None stay None.
        trajectory: the run; None if there is none.
        sampler: the one that made the run, for the caption.
        field, density: those of the frame; None if they are not shown.
        weights: what the caption says about them.
        style: how the layers are shown.
        values: computed values that colour the particles, if any.
        particle: the followed particle, from this frame or a frame shortly before.
    """
    learned, exact = (None, None) if field is None else field.layers
    parts: dict[str, typing.Any] = {
        "learned": learned,
        "exact": exact,
        "error": None if field is None else field.errors.get(style.error),
        "density": None if density is None else density.layers[style.density],
    }
    if trajectory is None:
        return dataclasses.replace(scene, **parts)
    if style.short:
        lines = readouts.short_caption(trajectory, frame, weights)
    else:
        asked = [] if density is None else readouts.asked_density(density)
        lines = [*readouts.caption(trajectory, frame, sampler, weights, style.time_to_data), *asked]
    scene = at_frame(scene, trajectory.positions, frame)
    if scene.particles is not None and style.particles != "one":
        colors = coloring(style.particles, trajectory, frame, values)
        parts["particles"] = dataclasses.replace(scene.particles, coloring=colors)
    followed = followed_particle(trajectory, frame, style.followed, particle)
    told = trajectory.provenance
    return dataclasses.replace(scene, **parts, caption=tuple(lines), followed=followed, provenance=told)


def followed_particle(
    trajectory: "Trajectory",
    frame: int,
    number: int | None,
    particle: InspectedParticle | None,
) -> FollowedParticle | None:
    """A particle with its path so far and the terms of its next step; None if no particle is followed.

    Args:
        particle: its values, from this frame or one at most a few frames before.
    """
    positions = trajectory.positions
    if positions.ndim != 3 or number is None or number >= positions.shape[1]:
        return None
    way = positions[: frame + 1, number]
    known = particle is not None and particle.number == number and 0 <= frame - particle.frame <= LATE
    if particle is None or not known:
        return FollowedParticle(way)
    step = particle.step
    terms: tuple[tuple[np.ndarray, Role], ...] = ()
    if step is not None:
        terms = (step.drift, "exact"), (step.score, "learned"), (step.rest, "particles")
    return FollowedParticle(way, terms, particle.denoised_here)


def frames_of(
    views: VideoFrames,
    sampler: Sampler,
    weights: str,
    trajectory: "Trajectory | None",
    frames: np.ndarray,
    sigma: float = 0.0,
    style: FrameStyle = PLAIN,
) -> Generator[float, None, FrameOverlay]:
    """Makes frames for :func:`show_frame`: prepares what they need, then adds it to the scene of each.

    Args:
        frames: the frames that will be requested.
        sigma: the noise level of field and density if there is no run.
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
        return show_frame(scene, trajectory, frame, sampler, field, density, weights, style, values, particle)

    shown = np.unique(frames)
    yield from views.prepare(zip(sigmas[shown].tolist(), times[shown].tolist(), strict=True))
    return at
