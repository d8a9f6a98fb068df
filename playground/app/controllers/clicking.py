"""Log p where the user clicks: of points and images, and on the way between two."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers import measurements
from playground.app.controllers.building import Building
from playground.app.controllers.measuring import POINT_KEYS
from playground.app.controllers.notification import Notification, refused
from playground.app.controllers.playing import Playing
from playground.app.model.state import State
from playground.app.model.views import LatentInterpolation, PointLikelihood
from playground.app.model.workspace import Model
from playground.app.workers.tasks import Tasks
from playground.lab.conflicts import flow_conflict, likelihood_conflict
from playground.lab.document import Place
from playground.lab.experiment import Experiment
from playground.messages import Message

UNFINISHED = "These images are still being sampled: click one at the end of the run."


def _number(place: Place) -> int | None:
    """The number of a clicked image; None of a point."""
    return place if isinstance(place, int) else None


def _place(point: np.ndarray, number: int | None) -> Place:
    """The place of a measured point or image."""
    return (float(point[0]), float(point[1])) if number is None else number


class Clicking(QObject):
    """Measures what is clicked, with the weights in view; each measurement can be cancelled.

    Signals:
        likelihood_changed(PointLikelihood | None)
        interpolation_changed(LatentInterpolation | None)
        notified(Notification)
    """

    likelihood_changed = Signal(object)
    interpolation_changed = Signal(object)
    notified = Signal(object)

    def __init__(
        self,
        state: State,
        building: Building,
        playing: Playing,
        tasks: Tasks,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._building, self._playing, self._tasks = state, building, playing, tasks
        self._likelihood: PointLikelihood | None = None
        self._interpolation: LatentInterpolation | None = None
        self._clicked: tuple[Place, ...] = state.document.clicked  # those that are measured
        self._point: np.ndarray | None = None  # the first of them
        building.taken.connect(self._take)
        building.settings_changed.connect(self._take_settings)
        state.changed.connect(self._measure_again)
        state.document_changed.connect(self._follow_clicked)

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
        if "likelihood.source" in keys:
            self.forget_weights()

    @Slot()
    def _take(self) -> None:
        """Measure on this workspace what is clicked."""
        self._show_none()
        self._measure_clicked(again=True)

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
        """Compute the inspected point and the interpolation again, if they depend on the changed settings."""
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

    def cancel(self, task: str) -> None:
        """Stop a measurement; what was not measured is no longer clicked."""
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

    def forget_weights(self) -> None:
        """Remove what was measured with earlier weights: training began or paused, or likelihoods use another score.

        The clicked point is measured again when training has paused.
        """
        self.take_weights()
        if self._building.workspace is not None and self._building.workspace.training != "training":
            self._inspect_again()

    @Slot()
    def take_weights(self) -> None:
        """Remove what was measured with other weights, but keep the clicked point."""
        point = self._point
        self._show_none()
        self._point = point

    @Slot()
    def follow_weights(self) -> None:
        """Measure the clicked point with the chosen weights, when they have stayed for a moment."""
        if self._likelihood is None and not self.is_measuring_point:
            self._take_image()
            self._inspect_again()

    def _take_image(self) -> None:
        """If an image was clicked, take the image that is now in its place."""
        if self._clicked and isinstance(self._clicked[0], int):
            image = self._image_at(self._clicked[0])
            self._point = self._point if image is None else image

    def _inspect_again(self) -> None:
        """Compute the log-likelihood of the clicked point again, if the settings allow."""
        if self._clicked and self._point is not None and likelihood_conflict(self._state.experiment) is None:
            self._inspect(self._point, _number(self._clicked[0]))
            self._measure_second()

    def _measurable(self, why: Callable[[Experiment], Message | None]) -> Model | None:
        """The current model; None if there is none, or if `why` gives a reason against measuring, which is reported."""
        workspace = self._building.workspace
        if workspace is None or refused(self._state, why, self.notified.emit):
            return None
        return workspace.model
