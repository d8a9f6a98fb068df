"""The columns of a comparison side by side, in lockstep, with the chart of their distances below."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from playground.app.canvas import column_menu, readouts
from playground.app.canvas.legend import COMPUTED
from playground.app.canvas.run_view import RunView
from playground.app.canvas.view import CanvasView
from playground.app.controllers.column_runs import ColumnRun, Equal
from playground.app.controllers.column_training import Fair
from playground.app.controllers.comparing import Comparing
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.video_frames import video_frames_over
from playground.app.model.columns import LETTERS
from playground.app.model.edit_text import SAME, difference
from playground.app.model.state import State
from playground.app.model.views import ProblemView
from playground.app.style.labels import worded
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role, set_state
from playground.app.style.wrapping import wrapped
from playground.app.widgets.charts.distance import COLORS, DistanceChart
from playground.app.widgets.controls import ChoiceBox
from playground.app.widgets.menu_button import MenuButton
from playground.app.widgets.steady_size import SteadySize
from playground.drawing.film import FrameOverlay
from playground.drawing.palette import DARK, Palette
from playground.drawing.plane import Viewport
from playground.drawing.side_by_side import DrawnChart, DrawnColumn, SideBySide
from playground.lab.columns import Column
from playground.messages import Message

EQUAL: tuple[tuple[Equal, str, str], ...] = (
    ("own", "Steps as set", "Each column takes the steps of its own settings."),
    ("steps", "Equal steps", "All columns take as many steps as A."),
    ("evaluations", "Equal evaluations", "All columns take as many steps as A's score evaluations allow."),
)
FAIR: tuple[tuple[Fair, str, str], ...] = (
    ("steps", "Equal training", "Each is trained for as many steps as the main experiment was."),
    ("seconds", "Equal seconds", "Each is trained for as many seconds as the main experiment was."),
)
SAMPLING = "The columns are sampled and then measured."
MARKED = (
    200  # ms between two moves of the marks in the chart and two numbers in the heads: they cost as much as a canvas
)
NARROWEST = 160, 140  # px, least width and height of a column; four fit beside the cards in a window of 1280
SCARCE = 380  # px, height below which there is no room for the chart
WIDE = 320  # px at the usual size of the text, width of a column from which its head explains its number
WIDEST_COST = "10 000"
ONE_PATH = "Noise added on the way is from one Brownian path."
STARTS = {
    "noise": ("with noise", "with the same noise"),
    "box": ("at points of a box around the data", "at the same points of a box around the data"),
    "data": ("at training points", "at the same training points"),
    "set": ("at points of the start set", "at the same points of the start set"),
}
"""Where one column begins, and where several do."""


class ColumnView(QFrame):
    """One column: the head says only what differs, and the canvas is below it.

    Signals:
        chosen(Column): another set of changed settings was chosen.
        removed()
    """

    chosen = Signal(object)
    removed = Signal()

    def __init__(self, place: int, state: State, controllers: Controllers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.place, self._state, self._controllers = place, state, controllers
        self._comparing: Comparing = controllers.comparing
        self.run: ColumnRun | None = None
        self._unit = ""  # behind the number in the head
        letter = LETTERS[place]
        self.letter = QLabel(letter)
        set_role(self.letter, "heading")
        self.menu = QMenu(self)
        self.button = MenuButton(self.menu)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill)
        self.cost = QLabel()
        self.cost.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        set_role(self.cost, "caption")
        self.remove = QToolButton()
        self.remove.setText("✕")
        set_role(self.remove, "quiet")
        self.remove.setToolTip("Remove this column")
        self.remove.setAccessibleName(f"Remove column {letter}")
        self.remove.clicked.connect(self.removed)
        self._head, name, end = QBoxLayout(QBoxLayout.Direction.LeftToRight), QHBoxLayout(), QHBoxLayout()
        self._head.setContentsMargins(UNIT // 2, UNIT // 2, UNIT // 2, UNIT // 2)
        for layout in (self._head, name, end):
            layout.setSpacing(UNIT // 2)
        name.addWidget(self.letter)
        name.addWidget(self.button, 1)
        self._cost_room = SteadySize(self.cost, self)
        end.addStretch(1)
        end.addWidget(self._cost_room)
        end.addWidget(self.remove)
        self._head.addLayout(name, 1)
        self._head.addLayout(end)
        self.canvas = CanvasView()
        self.canvas.setMinimumSize(*NARROWEST)
        self.canvas.surface.setAccessibleName(f"Canvas of column {letter}")
        self.canvas.surface.setAccessibleDescription(
            "In the plane arrow keys move all columns, plus and minus zoom, 0 shows all. Alt+click or Alt+Enter follows a "
            "particle in all columns."
        )
        self._inspecting = controllers.inspecting
        self._view = RunView(self.canvas, controllers.following, narrow=True)
        self.canvas.alt_clicked.connect(lambda x, y: self._inspecting.follow(self.canvas.particle_near(x, y), place))
        self.canvas.image_alt_selected.connect(lambda number: self._inspecting.follow(number, place))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addLayout(self._head)
        rows.addWidget(self.canvas, 1)

    @property
    def fits_one_line(self) -> bool:
        """Whether the head has room for its complete name beside any number."""
        number = self.cost.fontMetrics().horizontalAdvance(WIDEST_COST + self._unit_here)
        parts = self.letter.sizeHint().width(), self.button.sizeHint().width(), number, self.remove.sizeHint().width()
        return sum(parts) + 5 * (UNIT // 2) <= self.width()

    def set_lines(self, two: bool) -> None:
        """Give the name a line of its own, or one with the number."""
        direction = QBoxLayout.Direction.TopToBottom if two else QBoxLayout.Direction.LeftToRight
        if self._head.direction() != direction:
            self._head.setDirection(direction)

    @property
    def _unit_here(self) -> str:
        """The unit of the number, where there is room for it."""
        return " evaluations" if self.width() > px(WIDE) else ""

    @property
    def column(self) -> Column:
        return self._comparing.columns[self.place]

    @Slot()
    def _fill(self) -> None:
        view = self._controllers.building.problem
        resolved = None if self.run is None or self.run.model is None else self.run.model.view.resolved
        resolved = resolved or (None if view is None else view.resolved)
        replaying = self._controllers.replaying
        steps = replaying.steps if replaying.can_choose else ()
        column_menu.fill(self.menu, self._state.experiment, resolved, self.column, steps, self.chosen.emit)

    @property
    def _weights(self) -> str:
        """What the caption says about the weights that the particles follow."""
        run = self.run
        if run is None or run.model is None or run.experiment.sampling.follows != "learned":
            return ""
        return readouts.weights_in_view(run.model.weights)

    def drawn(self, frame: int | None, as_seen: bool) -> DrawnColumn | None:
        """The column for a film or a picture; None if it has no run.

        Args:
            frame: of a picture, the frame of the common timeline; None for a film. The run may still be sampled.
            as_seen: include field and density of the current frame, for a picture of that frame only.
        """
        run, total = self.run, self._comparing.total
        trajectory = None if run is None else run.trajectory
        if run is None or run.model is None or run.failure is not None or trajectory is None or not len(trajectory):
            return None
        views = functools.partial(video_frames_over, run.model, self._controllers.following.wanted_by(run))
        maker = self._view.maker(views, run.experiment.sampling, self._weights)
        still = None if frame is None else run.frame_at(frame, total)

        def prepare(viewport: Viewport, frames: np.ndarray) -> tuple[FrameOverlay, Iterator[float]]:
            if as_seen:
                return lambda scene, frame: scene, iter(())
            return maker(viewport)(trajectory, frames)

        return DrawnColumn(
            LETTERS[self.place],
            self.button.words(),
            COLORS[self.place],
            self.canvas.still(),
            prepare,
            lambda frame: run.frame_at(frame, total) if still is None else still,
            lambda frame: readouts.evaluations(trajectory, frame, " evaluations"),
        )

    def show_head(self) -> None:
        """Show what differs, and what a run costs."""
        main, column = self._state.experiment, self.column
        words = difference(main, column)
        self.button.show_words(words, difference(main, column, short=True))
        self.button.setToolTip(wrapped(f"{words}.", "Click to choose what this column changes of the main experiment."))
        self.button.setAccessibleName(f"Column {LETTERS[self.place]}: {words}")
        set_state(self.button, "same", words == SAME)
        self.remove.setVisible(self._comparing.can_remove)

    def show_run(self, run: ColumnRun, view: ProblemView, like: CanvasView) -> None:
        """Show another run, with the data of another canvas."""
        self.run = run
        self._view.clear()
        self._view.clear_overlays()
        self.canvas.show_problem(view)
        self.canvas.set_hint(worded(run.failure) if run.failure is not None else "")
        self.cost.setText("")

    def show(self, frame: int, total: int) -> None:  # type: ignore[override]
        """Show its own frame at a frame of the common timeline."""
        run = self.run
        trajectory = None if run is None else run.trajectory
        if run is None or trajectory is None or not len(trajectory):
            return
        own = run.frame_at(frame, total)
        self._view.show(run.overlays, trajectory, own, run.experiment.sampling, self._weights)
        self.canvas.choose_images(self._inspecting.number, None)

    def show_cost(self, frame: int, total: int) -> None:
        """Show the score evaluations up to a frame of the common timeline."""
        run = self.run
        trajectory = None if run is None else run.trajectory
        if run is not None and trajectory is not None and self._comparing.trained(run) is None:
            unit = self._unit_here
            if unit != self._unit:
                self._unit = unit
                self._cost_room.apply_text_size()
            self.cost.setText(readouts.evaluations(trajectory, run.frame_at(frame, total), unit))

    def minimumSizeHint(self) -> QSize:
        """The canvas alone decides how narrow it gets, so that no number in a head makes columns unequal."""
        return QSize(self.canvas.minimumWidth(), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.show_cost(self._controllers.playing.frame, self._comparing.total)
        super().resizeEvent(event)

    def show_training(self) -> None:
        """Show the progress of the column's own training."""
        share = None if self.run is None else self._comparing.trained(self.run)
        if share is not None:
            self.cost.setText(f"training {share:.0%}")

    def follow(self, like: CanvasView) -> None:
        """Show the layers of another canvas, but with the field that its own particles follow."""
        shown = like.visible
        if self.run is not None:
            layers = self._controllers.following.wanted_by(self.run).layers
            shown = shown | {name: name in layers for name in COMPUTED}
        for name, on in shown.items():
            self.canvas.set_layer_visible(name, on)


class CompareView(QWidget):
    """Two to four columns, a line that says what is equal in all, and the chart.

    Args:
        main: the canvas whose layers and view the columns follow.
        adopt: called with each new button, to set its focus behaviour.

    Signals:
        left(): the user asked to end the comparison.
    """

    left = Signal()

    def __init__(self, state: State, controllers: Controllers, main: CanvasView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._controllers, self._main = state, controllers, main
        self._comparing, self._playing = controllers.comparing, controllers.playing
        self._colors = DARK
        self._linking = False
        self._marking = QTimer(self)
        self._marking.setSingleShot(True)
        self._marking.setInterval(MARKED)
        self._marking.timeout.connect(self._mark)
        self.columns: list[ColumnView] = []
        self.setAccessibleName("Comparison")
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(1)
        self.equal = _choice(EQUAL, "What is equal in all columns", "What is equal in all columns.", ONE_PATH)
        tip = "How long columns are trained that need a training of their own."
        self.fair = _choice(FAIR, "What is equal in all trainings", tip)
        self.fair.hide()
        self.add = self._button("+ Column", "Add a column with another sampler; its head lets you choose what differs.")
        self.leave = self._button("Leave", "End the comparison. The main run is in view again.")
        self.said = QLabel(ONE_PATH)
        self.said.setWordWrap(True)
        set_role(self.said, "caption")
        bar = QHBoxLayout()
        bar.setContentsMargins(UNIT * 3 // 2, UNIT // 2, UNIT, UNIT // 2)
        bar.setSpacing(UNIT)
        bar.addStretch(1)
        for control in (self.fair, self.equal, self.add, self.leave):
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            bar.addWidget(control)
        self.chart = DistanceChart()
        self.chart.set_provenance(self._provenance)
        below = QVBoxLayout()
        below.setContentsMargins(UNIT * 3 // 2, 0, UNIT, UNIT)
        below.addWidget(self.chart)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        words = QHBoxLayout()  # a row of its own: beside the controls several notices would take ten lines
        words.setContentsMargins(UNIT * 3 // 2, UNIT // 2, UNIT, 0)
        words.addWidget(self.said)
        rows.addLayout(words)
        rows.addLayout(bar)
        rows.addLayout(self._row, 1)
        rows.addLayout(below)
        self.equal.activated.connect(lambda place: self._comparing.set_equal(EQUAL[place][0]))
        self.fair.activated.connect(lambda place: self._comparing.set_fair(FAIR[place][0]))
        self._comparing.progressed.connect(self._show_trainings)
        self.add.clicked.connect(lambda: self._comparing.add())
        self.leave.clicked.connect(self.left)
        self._comparing.active_changed.connect(self._begin_or_end)
        self._comparing.changed.connect(self._show_runs)
        self._comparing.measured.connect(self._show_curves)
        self._comparing.overlays_changed.connect(self._show_column)
        self._playing.frame_changed.connect(self._show_frame)
        self._playing.playing_changed.connect(self._show_columns)
        controllers.inspecting.changed.connect(self._show_particle)
        main.layer_toggled.connect(self._follow_layers)
        main.option_changed.connect(self._follow_layers)
        main.viewport_changed.connect(lambda _: self._link(main))
        self.hide()

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(wrapped(tip))
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._give_room()
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._arrange_heads)  # when the columns have their widths

    def apply_text_size(self) -> None:
        QTimer.singleShot(0, self, self._arrange_heads)

    @Slot()
    def _arrange_heads(self) -> None:
        """Give all heads as many lines as the longest name needs, so that the canvases stay in line."""
        two = not all(view.fits_one_line for view in self.columns)
        for view in self.columns:
            view.set_lines(two)

    def _give_room(self) -> None:
        """Leave the room to the canvases where it is scarce, as in a low window with large text."""
        scarce = self.height() < px(SCARCE)
        self.chart.setVisible(not scarce)
        self.said.setVisible(not scarce or bool(self._comparing.notices))

    def apply_palette(self, palette: Palette) -> None:
        self._colors = palette
        self.chart.apply_palette(palette)
        for view in self.columns:
            self._color(view)

    def _color(self, view: ColumnView) -> None:
        view.canvas.apply_palette(self._colors)
        color = getattr(self._colors, COLORS[view.place])
        view.letter.setStyleSheet(f"color: {color}; font-weight: 600;")

    # The columns

    @Slot(bool)
    def _begin_or_end(self, active: bool) -> None:
        self._main.setVisible(not active)
        self.setVisible(active)
        if active:
            self._make_columns()
            self._say()
            self.chart.show_empty(SAMPLING)
            self._link(self._main)
            self.columns[0].canvas.setFocus()
        else:
            self._drop_columns(0)
            self._main.setFocus()

    def _make_columns(self) -> None:
        """Create one canvas for each column, with a head that says what differs."""
        count = len(self._comparing.columns)
        self._drop_columns(count)
        while len(self.columns) < count:
            view = ColumnView(len(self.columns), self._state, self._controllers)
            view.chosen.connect(lambda column, place=view.place: self._comparing.put(place, column))
            view.removed.connect(lambda place=view.place: self._comparing.remove(place))
            view.canvas.viewport_changed.connect(lambda _, view=view: self._link(view.canvas))
            for control in (view.button, view.remove):
                control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._color(view)
            self._row.addWidget(view, 1)
            self.columns.append(view)
        for view in self.columns:
            view.show_head()
        QTimer.singleShot(0, self, self._arrange_heads)
        self.add.setEnabled(self._comparing.can_add)

    def _drop_columns(self, count: int) -> None:
        for view in self.columns[count:]:
            self._row.removeWidget(view)
            view.setParent(None)
            view.deleteLater()
        del self.columns[count:]

    @property
    def is_active(self) -> bool:
        """Whether the columns are in view."""
        return self._comparing.is_active

    def awaited(self, film: bool) -> Message | None:
        """A message on what a film waits for, or else a picture; None if nothing."""
        if film or self._comparing.recorded == 0:
            return self._comparing.awaited
        return None

    def drawn(self, frame: int | None = None, as_seen: bool = False) -> SideBySide | None:
        """All columns for a film or a picture; None if there is none to draw.

        Args:
            frame, as_seen: see :meth:`ColumnView.drawn`.
        """
        views = self.columns if self.is_active else []
        columns = [column for column in (view.drawn(frame, as_seen) for view in views) if column is not None]
        if not columns:
            return None
        total = self._comparing.total
        chart, shown = None, self.chart.chart
        if shown is not None:
            runs = self._comparing.runs
            still = None if frame is None else _places(runs, frame, total)
            chart = DrawnChart(shown, at=lambda frame: _places(runs, frame, total) if still is None else still)
        return SideBySide(columns, chart, self._colors, total, self._provenance())

    def _provenance(self) -> str:
        """What made the runs, as a list in one line of JSON."""
        played = [run.trajectory for run in self._comparing.runs]
        return f"[{', '.join(one.provenance for one in played if one is not None and one.provenance)}]"

    @Slot()
    def _show_runs(self) -> None:
        self._make_columns()
        view = self._controllers.building.problem
        if view is None:
            return
        for column, run in zip(self.columns, self._comparing.runs, strict=True):
            first = column.run is None
            column.show_run(run, view, self._main)
            if first:
                column.canvas.fit(view.bounds)
                column.canvas.look_at(self._main.wanted_viewport)
        self.fair.setVisible(self._comparing.trains)
        self._say()
        self._follow_layers()
        self._show_curves()

    def _say(self) -> None:
        """Say how the columns are compared, or show a warning."""
        warnings = " ".join(f"⚠ {worded(notice)}" for notice in self._comparing.notices)
        self.said.setText(warnings or how_compared(self._comparing.runs))
        self._give_room()

    @Slot()
    def _show_trainings(self) -> None:
        self._say()
        for view in self.columns:
            view.show_training()

    @Slot()
    def _follow_layers(self) -> None:
        if not self._comparing.is_active:
            return
        for view in self.columns:
            for (layer, option), value in self._main.options.items():
                view.canvas.set_option(layer, option, value)
        self._want()
        for view in self.columns:
            view.follow(self._main)

    def _want(self) -> None:
        """Ask for the layers of the main canvas, in the part of the plane that each column shows."""
        if self.columns:
            seen = self.columns[0].canvas.wanted
            wanted = dataclasses.replace(self._main.wanted, bounds=seen.bounds, grid=seen.grid)
            self._controllers.following.want(wanted)

    def _link(self, origin: CanvasView) -> None:
        """Show the same part of the plane in all canvases."""
        if self._linking or not self._comparing.is_active:
            return
        self._linking = True
        for canvas in (self._main, *(view.canvas for view in self.columns)):
            if canvas is not origin:
                canvas.look_at(origin.wanted_viewport)
        self._linking = False
        self._want()

    @Slot()
    def _show_frame(self) -> None:
        if self._comparing.is_active:
            self._show_columns()
            self._mark_soon()

    @Slot()
    def _show_columns(self) -> None:
        for view in self.columns:
            view.show(self._playing.frame, self._comparing.total)

    @Slot()
    def _show_particle(self) -> None:
        """Show the followed particle: its values in each column come on their own, up to four in a frame."""
        if not self._playing.shows_another_soon:
            self._show_columns()

    @Slot(int)
    def _show_column(self, place: int) -> None:
        """Show what was computed for one column, unless all are about to show another frame."""
        if place < len(self.columns) and not self._playing.shows_another_soon:
            self.columns[place].show(self._playing.frame, self._comparing.total)
            self._mark_soon()

    # The chart

    @Slot()
    def _show_curves(self) -> None:
        curves = [(LETTERS[run.place], run.place, run.curve) for run in self._comparing.runs if run.curve is not None]
        if curves:
            self.chart.show_curves(curves)
            self._mark()
        else:
            why = self._comparing.why_not_measured
            self.chart.show_empty(SAMPLING if why is None else worded(why))

    def _mark_soon(self) -> None:
        if not self._marking.isActive():
            self._marking.start()

    @Slot()
    def _mark(self) -> None:
        """Show what each column has cost so far, and mark its position on its curve."""
        for view in self.columns:
            view.show_cost(self._playing.frame, self._comparing.total)
        self.chart.show_now(_places(self._comparing.runs, self._playing.frame, self._comparing.total))


def _choice(options: Sequence[tuple[str, str, str]], name: str, *tips: str) -> ChoiceBox:
    """A choice between keys, each with its title and a sentence."""
    box = ChoiceBox((key, title) for key, title, _ in options)
    box.setMinimumContentsLength(max(len(title) for _, title, _ in options))
    box.setAccessibleName(name)
    for place, (_, _, tip) in enumerate(options):
        box.setItemData(place, wrapped(tip), Qt.ItemDataRole.ToolTipRole)
    box.setToolTip(wrapped(*tips))
    return box


def how_compared(runs: Sequence[ColumnRun]) -> str:
    """Where the columns begin and what they share, in words.

    The path is said to be one of added noise, because samplers of the probability flow add none.
    """
    starts: dict[str, list[str]] = {}
    for run in runs:
        if run.failure is None:
            at = run.experiment.sampling.starts_at
            between_sets = at == "noise" and not run.experiment.noise.has_score
            starts.setdefault("set" if between_sets else at, []).append(LETTERS[run.place])
    if not starts:
        return ONE_PATH
    if len(starts) == 1:
        return f"All columns begin {STARTS[next(iter(starts))][1]}. {ONE_PATH}"
    said = []
    for start, (*before, last) in starts.items():
        alone, together = STARTS[start]
        said.append(f"{', '.join(before)} and {last} begin {together}" if before else f"{last} begins {alone}")
    return f"{'; '.join(said)}. {ONE_PATH}"


def _places(runs: Sequence[ColumnRun], frame: int, total: int) -> list[tuple[float, float, str]]:
    """Evaluations, distance and colour of each measured column at a frame of the common timeline."""
    found = []
    for run in runs:
        trajectory, curve = run.trajectory, run.curve
        if trajectory is not None and curve is not None:
            cost = float(trajectory.nfe_mean[run.frame_at(frame, total)])
            found.append((cost, float(np.interp(cost, curve.evaluations, curve.distances)), COLORS[run.place]))
    return found
