"""Who tells whom: what engine, state, canvas and transport have to say to each other."""

import dataclasses
import typing
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject

from playground.app import readouts
from playground.app.views import DensityView, FieldView, PointLikelihood, ProbeView, ProblemView
from playground.drawing.film import Dress, trail
from playground.drawing.layers import Density, Field
from playground.drawing.scene import Scene
from playground.lab.experiment import Stroke
from playground.lab.session import Session

if typing.TYPE_CHECKING:
    from playground.app.window import MainWindow
    from playground.lab.trajectory import Trajectory

COMPUTED = frozenset({"learned", "exact", "density"})  # layers that cost the engine work
Dresser = Callable[["Trajectory"], Dress]


class Wiring(QObject):
    """Connects the parts of one window."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._state, self._engine, self._canvas = window.state, window.engine, window.canvas
        self._transport = window.transport
        self._shown_data = ""
        engine, canvas, transport, state = self._engine, self._canvas, self._transport, self._state

        engine.problem_changed.connect(self._show_problem)
        engine.problem_failed.connect(lambda sentence: window.notify("error", sentence))
        engine.trajectory_changed.connect(self._show_trajectory)
        engine.frame_changed.connect(self._show_frame)
        engine.field_changed.connect(self._show_field)
        engine.density_changed.connect(self._show_density)
        engine.likelihood_changed.connect(self._show_likelihood)
        engine.probed.connect(self._show_probe)
        engine.message.connect(window.notify)
        engine.training_changed.connect(lambda _: self._refresh())
        engine.playing_changed.connect(transport.set_playing)
        engine.playing_changed.connect(lambda _: self._refresh())
        state.changed.connect(lambda _: window._show_name())
        window.documents.opened.connect(self._show_session)
        window.documents.describe_view = self.view

        canvas.viewport_changed.connect(self._look)
        canvas.layer_toggled.connect(lambda *_: self._want())
        canvas.hovered.connect(self._hover)
        canvas.clicked.connect(engine.inspect)
        canvas.stroke_drawn.connect(self._add_stroke)

        transport.play_toggled.connect(engine.set_playing)
        transport.stepped.connect(engine.step)
        transport.scrubbed.connect(engine.seek)
        transport.restarted.connect(engine.restart)
        transport.loop_toggled.connect(engine.set_loop)
        transport.speed_changed.connect(engine.set_speed)
        self._want()

    def _refresh(self) -> None:
        self._window._show_status()
        self._window.actions_by_key.refresh()

    # --- the problem and its files

    def _show_problem(self, problem: ProblemView) -> None:
        canvas = self._canvas
        if problem.is_image:
            canvas.set_images(problem.points)
        else:
            canvas.set_images(None)
            canvas.set_data(problem.points)
        data = repr((problem.name, problem.bounds, problem.is_image))
        if data != self._shown_data:
            # Only for other data: a view that the user chose stays through a change of noise or network.
            self._shown_data = data
            canvas.fit(problem.bounds)
        self._window._show_name()

    def _show_session(self, session: Session) -> None:
        """What can be shown of a file before torch is there."""
        if session.points.ndim == 2:
            self._canvas.set_data(session.points)
            self._canvas.fit()

    def view(self) -> dict[str, typing.Any]:
        """What of the canvas a session keeps."""
        return {}

    # --- the moment in view

    def _show_trajectory(self, trajectory: typing.Any) -> None:
        self._transport.set_sigmas(np.asarray(trajectory.sigma) if trajectory is not None else np.zeros(0))
        self._window.actions_by_key.refresh()

    def _show_frame(self, frame: int) -> None:
        trajectory = self._engine.trajectory
        if trajectory is None or not 0 <= frame < len(trajectory):
            return
        positions = trajectory.positions
        if len(trajectory.shape) == 3:
            self._canvas.set_images(positions[frame])
        else:
            self._canvas.set_particles(positions[frame])
            self._canvas.set_trails(trail(positions, frame))
        self._canvas.set_caption(readouts.caption(trajectory, frame, self._state.experiment.sampling.kind))
        self._transport.set_progress(frame, len(trajectory), trajectory.total)

    def _show_field(self, view: FieldView) -> None:
        self._canvas.set_field(view.positions, view.learned, "learned")
        self._canvas.set_field(view.positions, view.exact, "exact")

    def _show_density(self, view: DensityView) -> None:
        self._canvas.set_density(view.density, view.extent)

    def _show_likelihood(self, likelihood: PointLikelihood | None) -> None:
        self._canvas.set_path(None if likelihood is None else likelihood.path)

    # --- the pointer

    def _hover(self, point: tuple[float, float] | None) -> None:
        problem = self._engine.problem
        if point is None or problem is None or problem.is_image:
            self._canvas.set_readout([])
            return
        self._engine.probe(*point)

    def _show_probe(self, probe: ProbeView) -> None:
        problem = self._engine.problem
        if problem is not None:
            self._canvas.set_readout(readouts.pointer(probe, problem))

    def _add_stroke(self, points: np.ndarray, radius: float) -> None:
        stroke = Stroke(tuple((float(x), float(y)) for x, y in points), float(radius))
        strokes = self._state.experiment.data.strokes if self._state.experiment.data.kind == "drawn" else ()
        self._state.edit({"data.kind": "drawn", "data.strokes": (*strokes, stroke)})

    # --- what is wanted

    def _look(self, *viewport: typing.Any) -> None:
        x0, x1, y0, y1 = viewport[0] if len(viewport) == 1 else viewport
        self._engine.set_viewport(x0, x1, y0, y1)

    def _want(self) -> None:
        on = frozenset(name for name in COMPUTED if self._window.chips.is_on(name))
        self._engine.set_wanted(on)

    # --- films

    def dresser(self, scene: Scene) -> Dresser:
        """Gives each frame of a film the score field, density and caption that the canvas would show with it.

        What it returns is called in the export's thread.
        """
        kind = self._state.experiment.sampling.kind
        wanted = frozenset(name for name in COMPUTED if getattr(scene, name) is not None)
        views = self._engine.view_maker(scene.viewport, wanted)

        def dress_run(trajectory: "Trajectory") -> Dress:
            def dress(shown: Scene, frame: int) -> Scene:
                field, density = views(float(trajectory.sigma[frame]), float(trajectory.time[frame]))
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

            return dress

        return dress_run
