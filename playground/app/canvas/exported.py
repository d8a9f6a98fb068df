"""What is exported as a film or a picture: the canvas, or the columns of a comparison."""

import dataclasses
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from playground.app.canvas import readouts
from playground.app.canvas.frames import frames_of
from playground.app.canvas.run_view import RunView
from playground.app.canvas.run_views import RunViews, place_of
from playground.app.controllers import why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.exported_files import ExportedFile
from playground.app.controllers.runs import Run
from playground.app.controllers.video_frames import VideoFrames, video_frames_over
from playground.app.model.columns import LETTERS
from playground.app.model.live_training import Weights
from playground.app.model.preferences import Choice, VideoChoice
from playground.app.style import text_size, theme
from playground.app.style.figure_words import figure_rows
from playground.app.widgets.charts.distance import COLORS
from playground.app.widgets.step_equation import numbers_in_view, page_question
from playground.drawing.film import FrameOverlay, OverlayMaker
from playground.drawing.frames import (
    COMPLETED,
    FilmedRun,
    Preparation,
    Preparing,
    Shown,
    Style,
    completed,
    of_run,
    of_training,
    write_film,
    write_picture,
)
from playground.drawing.labels import Labels
from playground.drawing.palette import PALETTES
from playground.drawing.plane import Viewport
from playground.drawing.render import render
from playground.drawing.side_by_side import DrawnColumn, SideBySide
from playground.drawing.web_page import SIZE, STAGES, Page, PageColumn, spread, write_page
from playground.kinds.samplers.sampler import Sampler
from playground.lab.compute import Shares, passed_on, result
from playground.lab.lessons import Step
from playground.lab.live_equation import LiveEquation
from playground.lab.trajectory import Trajectory
from playground.messages import Message

COPIED_RATIO = 2.0  # pixels of a copied picture per unit of the canvas, sharp on a slide

Written = Callable[[Choice, Path], Iterator[float]]
"""Takes the choices when an export begins; the iterator writes the file, in a thread, and yields the fraction done."""


class Exported:
    """Exports the run or the training on the canvas, and the canvas as it is; during a comparison its columns."""

    def __init__(self, controllers: Controllers, views: RunViews) -> None:
        self._controllers, self._views, self._view = controllers, views, views.views[0]
        self._state = controllers.state
        self._sampling, self._comparing = controllers.sampling, controllers.comparing
        self._following, self._playing = controllers.following, controllers.playing
        self._canvas = self._view.canvas

    @property
    def has_frames(self) -> bool:
        """Whether there is a run, or columns whose runs can be waited for."""
        return self.is_compared or self._view.run is not None

    @property
    def why_no_training(self) -> Message | None:
        """Why the training cannot be filmed now; None if it can."""
        return why_disabled.choosing_step(self._controllers)

    @property
    def is_compared(self) -> bool:
        """Whether columns are exported."""
        return self._comparing.is_active

    def awaited(self, film: bool) -> Message | None:
        """What a film of columns waits for, or else a picture; None if nothing."""
        return self._comparing.awaited if self.is_compared and (film or self._playing.recorded == 0) else None

    def film(self) -> Written | None:
        """The run or the training, on the canvas as it is when the export begins, or all columns over the common timeline; None
        if no column can be sampled.
        """
        if self.is_compared:
            return self._columns(None)

        def write(choice: Choice, path: Path) -> Iterator[float]:
            assert isinstance(choice, VideoChoice)
            style = self._style()(choice)
            scene = self._canvas.scene(*choice.size)
            if choice.subject == "training":
                steps = self.training_film(scene.viewport)
                return _written(partial(of_training, scene, steps, self._playing.share, style), choice, path)
            overlay_maker, runs = self.overlay_makers()(scene.viewport), self._sampling.trajectory_iterator()

            def frames(shown: Shown) -> Preparing:
                shares = Shares()
                run = yield from passed_on(completed(runs()), shares.part(COMPLETED))
                return (yield from passed_on(of_run(scene, run, overlay_maker, style, shown), shares.part()))

            return _written(frames, choice, path)

        return write

    def picture(self) -> Written | None:
        """The canvas as it is now, also while a run continues, or all columns at the frame in view; None if no column can be
        sampled.
        """
        if self.is_compared:
            return self._columns(self._playing.frame)
        still, overlay_makers, style = self._canvas.still(), self.overlay_makers(still=True), self._style()
        run, frame = (self._playing.trajectory, self._playing.frame) if self.has_frames else (None, 0)

        def write(choice: Choice, path: Path) -> Iterator[float]:
            scene = still(*choice.size)
            frames = partial(of_run, scene, run, overlay_makers(scene.viewport), style(choice))
            return _written(frames, choice, path, frame)

        return write

    def web_page(self) -> ExportedFile:
        """All columns, or the run with the weights of each training step, and the question of the lesson's step if it is answered."""
        lessons, model, trained = self._controllers.lessons, self._state.model, list[Weights]()
        if self.is_compared:
            columns = [column for view in self._views.views for column in self._page_column(view)]
        else:
            scene = self._canvas.scene(*SIZE)
            films = [FilmedRun(self._sampling.trajectory_iterator(), self.overlay_makers()(scene.viewport))]
            if model is not None and self.why_no_training is None:
                kept, every = model.training.now.shown_weights, self.training_film(scene.viewport)
                chosen = [place for place, weights in enumerate(kept) if weights.made == model.weights.made]
                places = sorted({*spread(len(kept), STAGES - 1).tolist(), *chosen})
                trained, films = [kept[place] for place in places], [every[place] for place in places]
                scene = dataclasses.replace(scene, path=None, interpolation=None)  # of the weights of one step
            columns = [PageColumn(self._state.experiment.sampling.title, scene, films)]
        found = lessons.measured if lessons.step is not None and lessons.step.question else None
        steps = [weights.made for weights in trained]
        page = Page(
            lessons.lesson.title if lessons.lesson is not None else "" if model is None else model.view.name,
            columns,
            steps,
            steps.index(model.weights.made) if model is not None and model.weights.made in steps else len(steps) - 1,
            () if self.is_compared else figure_rows(self._controllers.measuring.evaluation),
            None if found is None else page_question(found, self._numbers(found.step)),
            self._views.said.text() if self.is_compared else "",
            self._views.chart.chart if self.is_compared else None,
        )
        return ExportedFile("Export web page", ("Web pages (*.html)",), partial(write_page, page))

    def _numbers(self, step: Step) -> dict[str, float]:
        """The numbers of the settings that the equation of a step names."""
        return numbers_in_view(LiveEquation(step.equation).names, self._state, self._controllers.building)

    def _page_column(self, view: RunView) -> list[PageColumn]:
        """A column of a page; none without a run."""
        recorded, scene = self._recorded(view), view.canvas.still()(*SIZE)
        if recorded is None:
            return []
        run, trajectory, maker = recorded
        return [
            PageColumn(
                view.head.button.words(),
                scene,
                [FilmedRun(lambda: iter((trajectory,)), maker(scene.viewport))],
                LETTERS[view.place],
                COLORS[view.place],
                lambda frame: readouts.evaluations(trajectory, frame, " evaluations"),
                partial(place_of, run),
            )
        ]

    def copied(self) -> QImage:
        """The canvas or the columns in view as they are now, at twice their pixels."""
        frame, unit = self._playing.frame, text_size.factor()
        drawing = self.drawn(frame, as_seen=True)
        shown: QWidget = self._canvas if drawing is None else self._views
        width, height = shown.width(), shown.height()
        if drawing is not None:
            size = round(COPIED_RATIO * width) // 2 * 2, round(COPIED_RATIO * height) // 2 * 2
            copied = result(drawing.frames(Style(size), lambda count: np.array([frame]))).at(frame)
            assert isinstance(copied, QImage)
            return copied
        image = render(self._canvas.still()(width, height), width / unit, height / unit, COPIED_RATIO * unit)
        image.setDevicePixelRatio(1.0)
        return image

    def training_film(self, viewport: Viewport) -> list[FilmedRun]:
        """The steps of a film of the training: the current view with the weights of each."""
        model, steps = self._controllers.state.model, []
        for weights in () if model is None else model.training.now.shown_weights:
            views, said = self._following.video_frame_maker(weights=weights), readouts.weights_in_view(weights)
            sampler, run = self._state.experiment.sampling, self._sampling.trajectory_iterator(weights)
            steps.append(FilmedRun(run, _maker(self._view, views, sampler, said)(viewport)))
        return steps

    def overlay_makers(self, still: bool = False) -> Callable[[Viewport], OverlayMaker]:
        """See :func:`_maker`; `still` if only the current frame will be requested."""
        view = self._view
        run = view.run if still else None  # a film's run is of the present settings
        views, sampler = self._following.video_frame_maker(still), (run or self._state).experiment.sampling
        return _maker(view, views, sampler, view.weights, self._playing.sigma)

    def drawn(self, frame: int | None = None, as_seen: bool = False) -> SideBySide | None:
        """All columns for a film or a picture; None if nothing is compared, or no column can be drawn.

        Args:
            frame: of a picture, the frame of the common timeline; None for a film. The runs may still be sampled.
            as_seen: include field and density of the current frame, for a picture of that frame only.
        """
        if not self.is_compared:
            return None
        drawn = (self._column(view, frame, as_seen) for view in self._views.views)
        columns = [column for column in drawn if column is not None]
        chart, provenance = self._views.drawn_chart(frame), self._views.provenance
        return SideBySide(columns, chart, theme.palette(), self._playing.total, provenance) if columns else None

    def _column(self, view: RunView, frame: int | None, as_seen: bool) -> DrawnColumn | None:
        """A column; None if it has no run."""
        recorded, total = self._recorded(view), self._playing.total
        if recorded is None:
            return None
        run, trajectory, maker = recorded
        still = None if frame is None else run.frame_at(frame, total)

        def prepare(viewport: Viewport, frames: np.ndarray) -> Generator[float, None, FrameOverlay]:
            if as_seen:
                return lambda scene, frame: scene
            return (yield from maker(viewport)(trajectory, frames))

        return DrawnColumn(
            LETTERS[view.place],
            view.head.button.words(),
            COLORS[view.place],
            view.canvas.still(),
            prepare,
            lambda frame: run.frame_at(frame, total) if still is None else still,
            lambda frame: readouts.evaluations(trajectory, frame, " evaluations"),
        )

    def _recorded(self, view: RunView) -> tuple[Run, Trajectory, Callable[[Viewport], OverlayMaker]] | None:
        """The run of a column, what is recorded of it, and what makes its frames; None if there is nothing to draw."""
        run = view.run
        trajectory = None if run is None else run.trajectory
        if run is None or run.model is None or run.failure is not None or trajectory is None:
            return None
        views = partial(video_frames_over, run.model, self._following.wanted_by(run))
        return run, trajectory, _maker(view, views, run.experiment.sampling, view.weights)

    def _columns(self, frame: int | None) -> Written | None:
        drawing = self.drawn(frame)
        if drawing is None:
            return None

        def write(choice: Choice, path: Path) -> Iterator[float]:
            return _written(partial(drawing.frames, _style(choice)), choice, path, frame or 0)

        return write

    def _style(self) -> Callable[[Choice], Style]:
        """How a picture or film of the present run is painted."""
        run = self._view.run
        sampler = "" if run is None else run.experiment.sampling.title
        return lambda choice: _style(choice, sampler)


def _maker(
    view: RunView,
    views: Callable[[Viewport], VideoFrames],
    sampler: Sampler,
    weights: str = "",
    sigma: float = 0.0,
) -> Callable[[Viewport], OverlayMaker]:
    """Makes frames as they are shown now; see :func:`playground.app.canvas.frames.frames_of`.

    The result takes a viewport, now or later, and returns a function for the export's thread.

    Args:
        views: computes field and density over any viewport.
    """
    style = view.frame_style
    return lambda viewport: partial(frames_of, views(viewport), sampler, weights, sigma=sigma, style=style)


def _written(frames: Preparation, choice: Choice, path: Path, frame: int = 0) -> Iterator[float]:
    """Write a film of these frames, or the picture of one, by the choice."""
    if isinstance(choice, VideoChoice):
        return write_film(frames, path, choice.seconds, choice.fps)
    return write_picture(frames, frame, path)


def _style(choice: Choice, sampler: str = "") -> Style:
    labels = Labels(sampler, choice.caption, choice.legend)
    return Style(choice.size, choice.suffix, PALETTES.get(choice.theme), labels)
