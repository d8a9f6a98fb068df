"""Log p where the user clicks: of points and images, and on the way between two."""

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import Signal, Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.measurements import ClickedKey, PathKey, PointKey, ways
from playground.app.controllers.measuring import POINT_KEYS
from playground.app.controllers.notification import notify, refused
from playground.app.controllers.playing import Playing
from playground.app.model.state import State
from playground.app.model.views import LatentInterpolation, PointLikelihood
from playground.app.workers.jobs import CLICKED, Wanted
from playground.lab.conflicts import flow_conflict, likelihood_conflict
from playground.lab.document import Place

UNFINISHED = "These images are still being sampled: click one at the end of the run."


def _place(point: np.ndarray, number: int | None) -> Place:
    """The place of a measured point or image."""
    return (float(point[0]), float(point[1])) if number is None else number


class Clicking(Controller):
    """Wants log p of what the document has clicked, by the weights in view, and shows it; each can be cancelled.

    Attributes:
        likelihood: that of the first clicked point or image; None before it is measured.
        interpolation: that to the second; None before.

    Signals:
        likelihood_changed(PointLikelihood | None)
        interpolation_changed(LatentInterpolation | None)
    """

    likelihood_changed = Signal(object)
    interpolation_changed = Signal(object)

    def __init__(
        self,
        state: State,
        playing: Playing,
    ) -> None:
        super().__init__(state)
        self._playing = playing
        self.likelihood: PointLikelihood | None = None
        self.interpolation: LatentInterpolation | None = None
        self._clicked: tuple[Place, ...] = state.document.clicked  # those that are wanted
        self._points: dict[Place, np.ndarray] = {}  # theirs; images as they were when they were wanted
        state.model_changed.connect(self._begin_again)
        state.changed.connect(self._measure_again)
        state.document_changed.connect(self._follow_clicked)

    @property
    def has_point(self) -> bool:
        """Whether a point or an image is clicked, measured or not."""
        return bool(self._state.document.clicked)

    @property
    def is_measuring_point(self) -> bool:
        """Whether the likelihood of a point is being computed."""
        return self._jobs.running("likelihood")

    # What the window may ask for

    def inspect(self, place: Place) -> None:
        """Compute the log-likelihood of a point, as soon as there is a model, or of an image of the grid."""
        self._click((place,))

    def go_to(self, place: Place) -> None:
        """Compute the interpolation from what is inspected to a second point or image; without a first, this is the first."""
        self._click((*self._first, place))

    def clear_inspection(self) -> None:
        self._put_clicked(())
        self._measure()

    def cancel(self, job: str) -> None:
        """Stop a measurement; what was not measured is no longer clicked."""
        self._jobs.cancel(job)
        if job == "likelihood" and self._clicked:
            self._jobs.cancel("interpolation")  # which begins at that point
            shown = self.likelihood
            points = {} if shown is None else {_place(shown.point, shown.number): shown.point}
            self._points |= points
            self._put_clicked(tuple(points))
        elif job == "interpolation" and len(self._clicked) == 2:
            between = self.interpolation
            second = {} if between is None else {_place(between.ends[1], between.numbers[1]): between.ends[1]}
            self._points |= second
            self._put_clicked((self._clicked[0], *second))

    @property
    def _first(self) -> tuple[Place, ...]:
        """The first clicked place, if it is wanted."""
        return tuple(place for place in self._clicked[:1] if place in self._points)

    def _click(self, places: tuple[Place, ...]) -> None:
        if isinstance(places[-1], int) and not self._show_finished_image(places[-1]):
            return
        why = likelihood_conflict if len(places) == 1 else flow_conflict
        if self._state.model is None or (self._fits(places[-1]) and not refused(self._state, why)):
            self._put_clicked(places)
            self._measure()

    def _fits(self, place: Place) -> bool:
        """Whether a place is one of the present data; those in view may be going away."""
        model, data = self._state.model, self._state.experiment.data
        shown = model is not None and model.problem.experiment.data == data
        return shown and isinstance(place, int) == data.images

    def _put_clicked(self, places: tuple[Place, ...]) -> None:
        self._clicked = places
        self._state.put(merge="clicked", clicked=places)

    # What is wanted

    @Slot()
    def _follow_clicked(self) -> None:
        """Want the points of the document if they are not those that are wanted, as after undo."""
        if self._state.document.clicked != self._clicked:
            self._clicked = self._state.document.clicked
            self._begin_again()

    @Slot()
    def _begin_again(self) -> None:
        """Want what is clicked of this model. An image must be one of the run in view, not of the one before it."""
        self.remove()
        self._points.clear()
        if not self._state.experiment.data.images or self._playing.is_of_now:
            self._measure()

    @Slot(object)
    def _measure_again(self, keys: frozenset[str]) -> None:
        """Want other values if they depend on the changed settings."""
        if (
            (self.likelihood is not None or self.is_measuring_point)
            and keys & {*POINT_KEYS, "likelihood.interpolation"}
            and likelihood_conflict(self._state.experiment) is None
        ):
            self._measure()

    def remove(self) -> tuple[set[str], set[str]]:
        """Remove what is of other weights; the points stay clicked, and are measured again if there are any."""
        self._want_none("likelihood", self._show_likelihood)
        self._want_none("interpolation", self._show_interpolation)
        return {"likelihood"}, set()

    def measure(self, _job: str) -> None:
        """Measure what is clicked with the weights in view, unless training is changing them."""
        if self._state.model is not None and not self._state.model.is_training:
            self._measure()

    def _measure(self) -> None:
        """Want what is clicked, as far as the settings allow; later if data or network are still being built."""
        model, experiment = self._state.model, self._state.experiment
        found = {place: self._point_at(place) for place in self._clicked}
        known = self._points | {place: point for place, point in found.items() if point is not None}
        self._points = {place: known[place] for place in self._clicked if place in known}
        points = [self._points[place] for place in self._clicked if place in self._points]
        if (
            model is None
            or not points
            or len(points) < len(self._clicked)
            or not self._state.is_applied
            or likelihood_conflict(experiment) is not None
        ):
            self.remove()
            return
        key = model.key_after(model.weights.made)
        assert key is not None
        numbers = [place if isinstance(place, int) else None for place in self._clicked]
        self._want("likelihood", PointKey.of(key, points[:1], numbers[:1]), self._show_likelihood)
        if len(points) == 2 and flow_conflict(experiment) is None:
            between = PathKey.of(key, points, numbers)
            self._want("interpolation", between, self._show_interpolation)
        else:
            self._want_none("interpolation", self._show_interpolation)

    def _want(self, job: str, key: ClickedKey, show: Callable[[Any], None]) -> None:
        model = self._state.model
        assert model is not None
        wanted = Wanted((key,), self._state.store, ways(model.problem, model.weights), CLICKED)
        self._jobs.want(job, wanted, lambda _, found: show(found))

    def _want_none(self, job: str, show: Callable[[Any], None]) -> None:
        self._jobs.cancel(job)
        show(None)

    def _show_likelihood(self, likelihood: PointLikelihood | None) -> None:
        self.likelihood = likelihood
        self.likelihood_changed.emit(likelihood)

    def _show_interpolation(self, interpolation: LatentInterpolation | None) -> None:
        self.interpolation = interpolation
        self.interpolation_changed.emit(interpolation)

    def _show_finished_image(self, number: int) -> bool:
        """Go to the frame at which the images of the run are finished.

        Returns:
            Whether there is this image; a message says if it is still being sampled.
        """
        run = self._playing.trajectory
        if run is not None and not run.finished and self._image_at(number) is None:
            notify(self._state, "info", UNFINISHED, "sample.end", lambda: not run.finished)
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
        model, trajectory = self._state.model, self._playing.trajectory
        if model is None:
            return None
        images: np.ndarray = model.view.points
        if trajectory is not None and trajectory.shape == model.problem.shape:
            if not trajectory.finished:
                return None
            # The forward process ends in noise, so take its first frame.
            images = trajectory.positions[-1 if self._state.experiment.sampling.is_generative else 0]
        return np.array(images[number]) if number < len(images) else None
