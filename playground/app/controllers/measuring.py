"""Measurements on request: likelihoods, densities, test sets, samples and score errors."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from playground.app.controllers import measurements
from playground.app.controllers.building import Building
from playground.app.controllers.following import Following
from playground.app.controllers.notification import Notification, conflict, stopped
from playground.app.controllers.overlay_timing import FOLLOWING
from playground.app.controllers.playing import Playing, of_a_run
from playground.app.controllers.replaying import Replaying
from playground.app.model import figures
from playground.app.model.state import State
from playground.app.model.views import DensityView, LatentInterpolation, PointLikelihood
from playground.app.model.workspace import Model
from playground.app.workers.tasks import Tasks
from playground.lab.conflicts import flow_conflict, likelihood_conflict
from playground.lab.document import Place
from playground.lab.experiment import Experiment
from playground.lab.keys import ModelKey
from playground.lab.measured import Figures, Measured
from playground.lab.trajectory import Trajectory
from playground.messages import Message

POINT_KEYS = frozenset(
    f"likelihood.{name}" for name in ("tolerance", "trace", "trace_probes", "probes")
)  # the settings that log p depends on
TEST_SET_KEYS = POINT_KEYS | {"likelihood.dequantization_samples"}
UNFINISHED = "These images are still being sampled: click one at the end of the run."
STALE = Message("stale", "Measured with other settings than the present ones: measure again.")
STALE_FIGURE = Measured(None, reason=STALE)
SETTLE = 250  # ms that a chosen training step must stay before its weights are measured
TITLES = {
    "test-set": "Test set",
    "quality": "Quality",
    "budget": "Error budget",
    "paths": "Paths between the sets",
    "fisher": "Score errors",
}
TASKS = ("likelihood", "interpolation", "density", FOLLOWING, *TITLES)


def _number(place: Place) -> int | None:
    """The number of a clicked image; None of a point."""
    return place if isinstance(place, int) else None


def _place(point: np.ndarray, number: int | None) -> Place:
    """The place of a measured point or image."""
    return (float(point[0]), float(point[1])) if number is None else number


class Measuring(QObject):
    """Runs each measurement as a task with progress that can be cancelled, with the weights at its start.

    Signals:
        likelihood_changed(PointLikelihood | None)
        interpolation_changed(LatentInterpolation | None)
        evaluation_changed(dict): the figures so far.
        notified(Notification)
    """

    likelihood_changed = Signal(object)
    interpolation_changed = Signal(object)
    evaluation_changed = Signal(object)
    notified = Signal(object)

    def __init__(
        self,
        state: State,
        building: Building,
        replaying: Replaying,
        playing: Playing,
        following: Following,
        tasks: Tasks,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._building, self._replaying, self._playing = state, building, replaying, playing
        self._following, self._tasks = following, tasks
        self._shown: dict[str, Figures] = {}  # by part: those known now, or measured last
        self._likelihood: PointLikelihood | None = None
        self._interpolation: LatentInterpolation | None = None
        self._clicked: tuple[Place, ...] = state.document.clicked  # those that are measured
        self._point: np.ndarray | None = None  # the first of them
        self._finished_map: DensityView | None = None  # shown when the map in progress was requested
        self._followed: set[str] = set()  # measurements to repeat with the chosen weights
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE)
        self._settle.timeout.connect(self._measure_followed)
        replaying.chosen.connect(self._take_weights)
        replaying.playing_changed.connect(lambda _: self._settle.start())
        building.taken.connect(self._take)
        building.settings_changed.connect(self._take_settings)
        state.changed.connect(self._measure_again)
        state.document_changed.connect(self._follow_clicked)

    def stop(self) -> None:
        """Start no measurement by itself any more, when quitting."""
        self._settle.stop()

    @property
    def evaluation(self) -> Mapping[str, Any]:
        """The figures as metrics.json has them; of those that are missing only the reasons."""
        found = figures.joined([shown.flat() for shown in self._shown.values()]) if self._shown else {}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def likelihood(self) -> PointLikelihood | None:
        return self._likelihood

    @property
    def is_measuring_point(self) -> bool:
        """Whether the likelihood of a point is being computed."""
        return self._tasks.running("likelihood")

    @property
    def interpolation(self) -> LatentInterpolation | None:
        return self._interpolation

    @Slot(object)
    def _take_settings(self, keys: frozenset[str]) -> None:
        if of_a_run(keys):
            for task in ("quality", "budget", "paths"):
                self._tasks.cancel(task)
                self._outdate(figures.MEASUREMENTS[task])
            self.look_up()
        if "likelihood.source" in keys:
            self.forget_weights()

    @Slot()
    def _take(self) -> None:
        """Measure on this workspace what is clicked."""
        self._followed.clear()
        self._forget_measurements()
        self._measure_clicked(again=True)

    # Clicked points

    def inspect(self, x: float, y: float) -> None:
        """Compute the log-likelihood of a point, as soon as there is a workspace."""
        self._click((x, y))

    def inspect_image(self, number: int) -> None:
        """Compute the log-likelihood of an image of the grid."""
        if self._show_finished_image(number):
            self._click(number)

    def go_to(self, x: float, y: float) -> None:
        """Compute the interpolation from the inspected point to a second one; without a first, this is the first."""
        self._click_second((x, y))

    def go_to_image(self, number: int) -> None:
        """Compute the interpolation from the inspected image to a second image of the grid."""
        if self._show_finished_image(number):
            self._click_second(number)

    def clear_inspection(self) -> None:
        self._put_clicked(())
        self._show_none()

    def _click(self, place: Place) -> None:
        workspace = self._building.workspace
        if workspace is None or (self._fits(place) and self._measurable(likelihood_conflict) is not None):
            self._put_clicked((place,))
            if not self._measure_clicked():
                self._show_none()

    def _fits(self, place: Place) -> bool:
        """Whether a place is one of the present data; those in view may be going away."""
        workspace, data = self._building.workspace, self._state.experiment.data
        shown = workspace is not None and workspace.problem.experiment.data == data
        return shown and isinstance(place, int) == data.images

    def _click_second(self, place: Place) -> None:
        point = self._point_at(place)
        if self._point is None or point is None:
            self._click(place)
        elif self._fits(place) and self._measurable(flow_conflict) is not None:
            self._put_clicked((self._clicked[0], place))
            self._measure_second()

    def _put_clicked(self, places: tuple[Place, ...]) -> None:
        self._clicked = places
        self._state.put(merge="clicked", clicked=places)

    @Slot()
    def _follow_clicked(self) -> None:
        """Measure the points of the document if they are not those that are measured, as after undo."""
        if self._state.document.clicked != self._clicked:
            self._clicked = self._state.document.clicked
            self._show_none()
            self._measure_clicked(again=True)

    def _measure_clicked(self, again: bool = False) -> bool:
        """Measure what is clicked, as far as the settings allow; later if data or network are still being built.

        Args:
            again: an image must be one of the run in view, not of the one before it.

        Returns:
            Whether it is measured.
        """
        workspace, experiment = self._building.workspace, self._state.experiment
        if (
            workspace is None
            or self._building.is_replacing
            or self._building.is_behind(workspace)
            or likelihood_conflict(experiment) is not None
            or (again and experiment.data.images and not self._playing.is_of_now)
        ):
            return False
        points = [self._point_at(place) for place in self._clicked]
        if not points or points[0] is None or points[-1] is None:
            return False
        self._inspect(points[0], _number(self._clicked[0]))
        self._measure_second()
        return True

    def _measure_second(self) -> None:
        """Compute the interpolation from the first clicked point to the second, if there is one and the settings allow it."""
        point = self._point_at(self._clicked[-1])
        if len(self._clicked) == 2 and point is not None and flow_conflict(self._state.experiment) is None:
            first, second = self._clicked
            assert self._point is not None
            self._find_interpolation(np.stack([self._point, point]), (_number(first), _number(second)))

    def _show_none(self) -> None:
        for task in ("likelihood", "interpolation"):
            self._tasks.cancel(task)
        self._likelihood = self._point = None
        self.likelihood_changed.emit(None)
        self._show_interpolation(None)

    def go_again(self) -> None:
        """Compute the current interpolation again, with other settings."""
        if self._interpolation is not None:
            self._find_interpolation(self._interpolation.ends, self._interpolation.numbers)

    @Slot(object)
    def _measure_again(self, keys: frozenset[str]) -> None:
        """Compute the inspected point and the interpolation again, if they depend on the changed settings.

        The test set takes longer. It is repeated only if it is being measured; its old figures are dropped.
        """
        if keys & TEST_SET_KEYS and flow_conflict(self._state.experiment) is None:
            if not self._shown.keys().isdisjoint(figures.MEASUREMENTS["test-set"]):
                from playground.lab.evaluation import FROM_LIKELIHOOD  # torch is loaded if something was measured

                self._outdate(figures.MEASUREMENTS["test-set"], {*FROM_LIKELIHOOD, "integral"})
            self.look_up()
            if self._tasks.running("test-set"):
                self.measure("test-set")
        first, interpolation = self._likelihood, self._interpolation
        if first is not None and keys & POINT_KEYS and likelihood_conflict(self._state.experiment) is None:
            self._inspect(first.point, first.number)
            if interpolation is not None:
                self._find_interpolation(interpolation.ends, interpolation.numbers)
        elif "likelihood.interpolation" in keys:
            self.go_again()

    def _inspect(self, point: np.ndarray, number: int | None) -> None:
        model = self._measurable(likelihood_conflict)
        if model is None:
            return
        self._point = point
        self._tasks.cancel("interpolation")
        self._show_interpolation(None)
        self._tasks.start(
            "likelihood",
            "Log-likelihood",
            lambda: measurements.point_likelihood(model.problem, model.weights, point, number),
            self._inspected,
        )

    def _inspected(self, likelihood: PointLikelihood) -> None:
        self._likelihood = likelihood
        self.likelihood_changed.emit(likelihood)

    def _find_interpolation(self, ends: np.ndarray, numbers: tuple[int | None, int | None]) -> None:
        model = self._measurable(flow_conflict)
        if model is None:
            return
        self._tasks.start(
            "interpolation",
            "Latent interpolation",
            lambda: measurements.latent_interpolation(model.problem, model.weights, ends, numbers),
            self._show_interpolation,
        )

    def _show_interpolation(self, interpolation: LatentInterpolation | None) -> None:
        self._interpolation = interpolation
        self.interpolation_changed.emit(interpolation)

    def _show_finished_image(self, number: int) -> bool:
        """Go to the frame at which the images of the run are finished.

        Returns:
            Whether there is this image; a message says if it is still being sampled.
        """
        run = self._playing.trajectory
        if run is not None and not run.finished and self._image_at(number) is None:
            self.notified.emit(Notification("info", UNFINISHED, "sample.end", lambda: not run.finished))
        if self._image_at(number) is None:
            return False
        if run is not None:
            self._playing.seek(self._playing.recorded - 1 if self._state.experiment.sampling.is_generative else 0)
        return True

    def _point_at(self, place: Place) -> np.ndarray | None:
        """A point of the plane, or an image of the grid if that is finished."""
        return self._image_at(place) if isinstance(place, int) else np.array(place)

    def _image_at(self, number: int) -> np.ndarray | None:
        """An image of the grid at the end of its run, or of the data if there is no run."""
        workspace, trajectory = self._building.workspace, self._playing.trajectory
        if workspace is None:
            return None
        images: np.ndarray = workspace.view.points
        if trajectory is not None and trajectory.shape == workspace.problem.shape:
            if not trajectory.finished:
                return None
            # The forward process ends in noise, so take its first frame.
            images = trajectory.positions[-1 if self._state.experiment.sampling.is_generative else 0]
        return np.array(images[number]) if number < len(images) else None

    def density_map(self) -> None:
        """Compute the model's density at the finest level over the canvas; it stays until the playhead moves."""
        model = self._measurable(likelihood_conflict)
        if model is None:
            return
        if not self._following.pinned or not self._tasks.running("density"):
            self._finished_map = None if not self._following.pinned else self._following.seen_density
        self._following.pin()
        bounds = self._following.bounds
        self._tasks.start(
            "density",
            "Density map",
            lambda: measurements.likelihood_density(model.problem, model.weights, bounds, measurements.ASKED_CELLS),
            self._following.show_density,
            self._map_failed,
        )

    def _map_failed(self, error: BaseException) -> None:
        self._leave_map()
        self.notified.emit(stopped(self._state, "Density", error))

    def _leave_map(self) -> None:
        """Show the last complete map again, or else the density of the frame. An incomplete map shows blocks."""
        if self._following.pinned and self._finished_map is not None:
            self._following.show_density(self._finished_map)
        else:
            self._following.unpin()

    def measure(self, task: str) -> None:
        """Measure figures of the settings and weights in view: one of :data:`playground.app.model.figures.MEASUREMENTS`."""
        workspace, trajectory = self._building.workspace, self._playing.trajectory
        if workspace is None:
            return
        problem, weights, store = workspace.problem, workspace.weights, self._building.store
        run: Callable[[], Iterable[Trajectory]] = tuple
        if task == "test-set" and self._measurable(likelihood_conflict) is None:
            return
        if task == "fisher" and problem.reference is None:
            return
        if task == "quality":
            if trajectory is None or not len(trajectory):
                return
            run = self._playing.trajectory_iterator()  # one that has not ended is completed first
        assert workspace.key is not None
        model = ModelKey.after(workspace.key, weights.made, self._state.experiment)
        keys = [figures.key(part, model) for part in figures.MEASUREMENTS[task]]
        keeps = workspace.training != "training"  # otherwise it changes the weights meanwhile
        self._tasks.start(
            task,
            TITLES[task],
            lambda: measurements.figures(keys, problem, weights, run(), store if keeps else None),
            self._show_figures,
        )

    def _show_figures(self, found: Mapping[str, Figures]) -> None:
        self._shown |= found
        self.evaluation_changed.emit(self.evaluation)

    def cancel(self, task: str) -> None:
        if task == "density" and self._tasks.running(task):
            self._leave_map()
        self._tasks.cancel(task)
        if task == "likelihood" and self._clicked:
            self._tasks.cancel("interpolation")  # which begins at that point
            shown = self._likelihood
            self._point = None if shown is None else shown.point
            self._put_clicked(() if shown is None else (_place(shown.point, shown.number),))
        elif task == "interpolation" and len(self._clicked) == 2:
            between = self._interpolation
            second = () if between is None else (_place(between.ends[1], between.numbers[1]),)
            self._put_clicked((self._clicked[0], *second))

    def look_up(self) -> None:
        """Show what is known of the weights and settings in view."""
        self._show_figures(self._known())

    def _known(self) -> dict[str, Figures]:
        """What was measured with the weights in view and the current settings; nothing while training changes the weights."""
        workspace = self._building.workspace
        model = None if workspace is None else workspace.model_key(self._state.experiment)
        return figures.known(self._building.store, model)

    def _outdate(self, parts: Iterable[str], names: Collection[str] | None = None) -> None:
        """Show in place of figures that they belong to other settings.

        Args:
            names: those that do; by default all.
        """
        for part in self._shown.keys() & parts:
            shown = self._shown[part].items()
            self._shown[part] = Figures(
                {name: STALE_FIGURE if names is None or name in names else figure for name, figure in shown}
            )

    def forget_weights(self) -> None:
        """Remove the figures of earlier weights: training began or paused, or likelihoods use another score.

        Measurements in progress start again; the clicked point, when training has paused.
        """
        self._measure(self._forget_model())
        if self._building.workspace is not None and self._building.workspace.training != "training":
            self._inspect_again()

    @Slot()
    def _take_weights(self) -> None:
        """Another training step was chosen: show its kept figures at once.

        Other measurements are repeated when the step has stayed chosen for a moment.
        """
        shown = figures.MEASUREMENTS.items()
        self._followed |= {task for task, parts in shown if not self._shown.keys().isdisjoint(parts)}
        self._followed |= self._forget_model()
        self._settle.start()

    @Slot()
    def _measure_followed(self) -> None:
        workspace = self._building.workspace
        if workspace is None or workspace.training == "training":
            self._followed.clear()
        elif self._playing.is_replacing:
            self._settle.start()
        else:
            if self._likelihood is None and not self.is_measuring_point:
                self._take_image()
                self._inspect_again()
            if not self._replaying.is_playing:
                known, followed, self._followed = self._known().keys(), self._followed, set()
                self._measure([task for task in followed if not known >= set(figures.MEASUREMENTS.get(task, ("",)))])

    def _take_image(self) -> None:
        """If an image was clicked, take the image that is now in its place."""
        if self._clicked and isinstance(self._clicked[0], int):
            image = self._image_at(self._clicked[0])
            self._point = self._point if image is None else image

    def _measure(self, tasks: Collection[str]) -> None:
        """Start these measurements."""
        for task in figures.MEASUREMENTS:
            if task in tasks:
                self.measure(task)
        if "density" in tasks:
            self.density_map()

    def _inspect_again(self) -> None:
        """Compute the log-likelihood of the clicked point again, if the settings allow."""
        if self._clicked and self._point is not None and likelihood_conflict(self._state.experiment) is None:
            self._inspect(self._point, _number(self._clicked[0]))
            self._measure_second()

    def _forget_model(self) -> set[str]:
        """Remove what was measured with other weights, but keep the clicked point.

        Returns:
            The measurements that were in progress.
        """
        point = self._point
        running = {task for task in figures.MEASUREMENTS if self._tasks.running(task)}
        if self._following.pinned and self._tasks.running("density"):  # otherwise the map will not be shown
            running.add("density")
        shown = self._following.seen_density
        if "density" in running or (shown is not None and shown.asked and shown.source == "learned"):
            self._following.unpin()
        self._forget_measurements()
        self._point = point
        return running

    def _measurable(self, why: Callable[[Experiment], Message | None]) -> Model | None:
        """The current model; None if there is none, or if `why` gives a reason against measuring, which is reported."""
        workspace = self._building.workspace
        if workspace is None:
            return None
        if why(self._state.experiment) is not None:
            self.notified.emit(conflict(lambda: why(self._state.experiment)))
            return None
        return workspace.model

    def _forget_measurements(self) -> None:
        """Remove all figures, which belong to another model, and show those kept for the current one."""
        for task in TASKS:
            self._tasks.cancel(task)
        self._shown = {}
        self._likelihood = self._point = None
        self.evaluation_changed.emit({})
        self.likelihood_changed.emit(None)
        self._show_interpolation(None)
        self.look_up()
