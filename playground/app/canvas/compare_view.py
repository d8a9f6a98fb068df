"""The columns of a comparison side by side, in lockstep, with the chart of their distances below."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QWidget

from playground.app.canvas.column_view import ColumnView
from playground.app.canvas.view import CanvasView
from playground.app.controllers.column_runs import Equal
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.runs import Run
from playground.app.controllers.training_loop import Fair
from playground.app.model.columns import LETTERS
from playground.app.model.state import State
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import caption
from playground.app.widgets.charts.distance import COLORS, DistanceChart
from playground.app.widgets.controls import ChoiceBox
from playground.drawing.side_by_side import DrawnChart, SideBySide
from playground.lab.columns import DistanceCurve
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
# ms between two moves of the marks in the chart, which cost as much as a canvas, and two changes of the numbers in the heads
MARKED = 200
SCARCE = 380  # px, height below which there is no room for the chart
ONE_PATH = "Noise added on the way is from one Brownian path."
STARTS = {
    "noise": ("with noise", "with the same noise"),
    "box": ("at points of a box around the data", "at the same points of a box around the data"),
    "data": ("at training points", "at the same training points"),
    "set": ("at points of the start set", "at the same points of the start set"),
}
"""Where one column begins, and where several do."""


class CompareView(QWidget):
    """Two to four columns, a line that says what is equal in all, and the chart.

    Args:
        main: the canvas whose layers and view the columns follow.

    Signals:
        left(): the user asked to end the comparison.
    """

    left = Signal()

    def __init__(self, state: State, controllers: Controllers, main: CanvasView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._controllers, self._main = state, controllers, main
        self._comparing, self._playing = controllers.comparing, controllers.playing
        self._marking = QTimer(self, interval=MARKED)
        self._marking.timeout.connect(self._mark)
        self.columns: list[ColumnView] = []
        self.setAccessibleName("Comparison")
        self._row = layouts.across(spacing=1, margins=0)
        self.equal = _choice(EQUAL, "What is equal in all columns", "What is equal in all columns.", ONE_PATH)
        tip = "How long columns are trained that need a training of their own."
        self.fair = _choice(FAIR, "What is equal in all trainings", tip)
        self.fair.hide()
        self.add, self.leave = QPushButton("+ Column"), QPushButton("Leave")
        self.add.setToolTip(wrapped("Add a column with another sampler; its head lets you choose what differs."))
        self.leave.setToolTip(wrapped("End the comparison. The main run is in view again."))
        self.said = caption(ONE_PATH)
        controls = self.fair, self.equal, self.add, self.leave
        for control in controls:
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.chart = DistanceChart()
        self.chart.set_provenance(self._provenance)
        side, gap = UNIT * 3 // 2, UNIT // 2
        layouts.down(
            # A row of its own: beside the controls several notices would take ten lines.
            layouts.across(self.said, margins=(side, gap, UNIT, 0)),
            layouts.across(None, *controls, spacing=UNIT, margins=(side, gap, UNIT, gap)),
            (self._row, 1),
            layouts.down(self.chart, margins=(side, 0, UNIT, UNIT)),
            within=self,
            spacing=0,
            margins=0,
        )
        self.equal.activated.connect(lambda place: self._comparing.set_equal(EQUAL[place][0]))
        self.fair.activated.connect(lambda place: self._comparing.set_fair(FAIR[place][0]))
        self.add.clicked.connect(controllers.column_edits.add)
        self.leave.clicked.connect(self.left)
        self._comparing.active_changed.connect(self._begin_or_end)
        self._comparing.changed.connect(self._show_runs)
        self._comparing.measured.connect(self._show_curves)
        main.viewport_changed.connect(lambda _: self._link(main))
        self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._give_room()
        super().resizeEvent(event)

    def _give_room(self) -> None:
        """Leave the room to the canvases where it is scarce, as in a low window with large text."""
        scarce = self.height() < px(SCARCE)
        self.chart.setVisible(not scarce)
        self.said.setVisible(not scarce or bool(self._comparing.notices))

    # The columns

    @Slot(bool)
    def _begin_or_end(self, active: bool) -> None:
        self._main.setVisible(not active)
        self.setVisible(active)
        self._make_columns()
        self._marking.stop()
        if active:
            self._marking.start()
            self._say()
            self.chart.show_empty(SAMPLING)
            self._link(self._main)
        (self.columns[0].canvas if active else self._main).setFocus()

    def _make_columns(self) -> None:
        """Create one canvas for each column, with a head that says what differs."""
        count, problem = len(self._comparing.columns), self._controllers.building.problem
        while len(self.columns) > count:
            view = self.columns.pop()
            view.setParent(None)
            view.deleteLater()
        while len(self.columns) < count:
            view = ColumnView(len(self.columns), self._state, self._controllers, self._main.layers)
            view.canvas.viewport_changed.connect(lambda _, view=view: self._link(view.canvas))
            view.apply_palette()
            if problem is not None:
                view.canvas.fit(problem.bounds)
                view.canvas.surface.look_at(self._main.surface.wanted)
            self._row.addWidget(view, 1)
            self.columns.append(view)
        for view in self.columns:
            view.show_head()
        self.add.setEnabled(self._controllers.column_edits.can_add)

    def drawn(self, frame: int | None = None, as_seen: bool = False) -> SideBySide | None:
        """All columns for a film or a picture; None if there is none to draw.

        Args:
            frame, as_seen: see :meth:`ColumnView.drawn`.
        """
        columns = [column for column in (view.drawn(frame, as_seen) for view in self.columns) if column is not None]
        if not columns:
            return None
        total, runs = self._playing.total, self._comparing.runs
        chart, shown = None, self.chart.chart
        if shown is not None:
            still = None if frame is None else _places(runs, frame, total)
            chart = DrawnChart(shown, at=lambda frame: _places(runs, frame, total) if still is None else still)
        return SideBySide(columns, chart, theme.palette(), total, self._provenance())

    def _provenance(self) -> str:
        """What made the runs, as a list in one line of JSON."""
        played = [run.trajectory for run in self._comparing.runs]
        return f"[{', '.join(one.provenance for one in played if one is not None and one.provenance)}]"

    @Slot()
    def _show_runs(self) -> None:
        self._make_columns()
        problem = self._controllers.building.problem
        if problem is None:
            return
        for view, run in zip(self.columns, self._comparing.runs, strict=True):
            view.show_run(run, problem)
        self.fair.setVisible(self._comparing.trains)
        self._say()
        self._show_curves()

    @Slot()
    def _say(self) -> None:
        """Say how the columns are compared, or show a warning; and what each has cost so far."""
        warnings = " ".join(f"⚠ {worded(notice)}" for notice in self._comparing.notices)
        self.said.setText(warnings or how_compared(self._comparing.runs))
        self._give_room()
        for view in self.columns:
            view.show_cost(self._playing.frame)

    def _link(self, origin: CanvasView) -> None:
        """Show the same part of the plane in all canvases."""
        if self._comparing.is_active:
            for canvas in (self._main, *(view.canvas for view in self.columns)):
                canvas.surface.look_at(origin.surface.wanted)

    # The chart

    @Slot()
    def _show_curves(self) -> None:
        told = [(LETTERS[run.place], run.place, run.curve) for run in self._comparing.runs]
        curves = [(letter, place, curve) for letter, place, curve in told if isinstance(curve, DistanceCurve)]
        if curves:
            self.chart.show_curves(curves)
            self._mark()
        else:
            why = next((why for _, _, why in told if isinstance(why, Message)), None)
            self.chart.show_empty(SAMPLING if why is None else worded(why))

    @Slot()
    def _mark(self) -> None:
        """Show what each column has cost so far, and mark its position on its curve."""
        self._say()
        self.chart.show_places(_places(self._comparing.runs, self._playing.frame, self._playing.total))


def _choice(options: Sequence[tuple[str, str, str]], name: str, *tips: str) -> ChoiceBox:
    """A choice between keys, each with its title and a sentence."""
    box = ChoiceBox((key, title) for key, title, _ in options)
    box.setMinimumContentsLength(max(len(title) for _, title, _ in options))
    box.setAccessibleName(name)
    for place, (_, _, tip) in enumerate(options):
        box.setItemData(place, wrapped(tip), Qt.ItemDataRole.ToolTipRole)
    box.setToolTip(wrapped(*tips))
    return box


def how_compared(runs: Sequence[Run]) -> str:
    """Where the columns begin and what they share, in words.

    The path is said to be one of added noise, because samplers of the probability flow add none.
    """
    starts: dict[str, list[str]] = {}
    for run in runs:
        if run.failure is None:
            at = run.experiment.sampling.starts_at
            between_sets = at == "noise" and not run.experiment.noise.has_score
            starts.setdefault("set" if between_sets else at, []).append(LETTERS[run.place])
    if len(starts) == 1:
        return f"All columns begin {STARTS[next(iter(starts))][1]}. {ONE_PATH}"
    said = []
    for start, (*before, last) in starts.items():
        alone, together = STARTS[start]
        said.append(f"{', '.join(before)} and {last} begin {together}" if before else f"{last} begins {alone}")
    return f"{'; '.join(said)}. {ONE_PATH}" if said else ONE_PATH


def _places(runs: Sequence[Run], frame: int, total: int) -> list[tuple[float, float, str]]:
    """Evaluations, distance and colour of each measured column at a frame of the common timeline."""
    found = []
    for run in runs:
        trajectory, curve = run.trajectory, run.curve
        if trajectory is not None and isinstance(curve, DistanceCurve):
            cost = float(trajectory.nfe_mean[run.frame_at(frame, total)])
            found.append((cost, float(np.interp(cost, curve.evaluations, curve.distances)), COLORS[run.place]))
    return found
