"""The runs in view: one, or the columns of a comparison in lockstep, with the chart of their distances below."""

import itertools
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from playground.app.canvas.layers import Layers
from playground.app.canvas.run_view import RunView
from playground.app.controllers.column_runs import Equal
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.runs import Run
from playground.app.controllers.training_loop import Fair
from playground.app.model.columns import LETTERS
from playground.app.style.labels import worded
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption
from playground.app.widgets.charts.distance import COLORS, DistanceChart, distance_chart
from playground.app.widgets.controls import ChoiceBox
from playground.app.workers.timers import timer
from playground.drawing.side_by_side import DrawnChart
from playground.lab.columns import MOST, DistanceCurve
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
ONE_ROW = 1000  # px, width from which what is equal and the controls stand in one row
SCARCE = 380  # px, height below which there is no room for the chart, nor for two rows
ONE_PATH = "Noise added on the way is from one Brownian path."
STARTS = {
    "noise": ("with noise", "with the same noise"),
    "box": ("at points of a box around the data", "at the same points of a box around the data"),
    "data": ("at training points", "at the same training points"),
    "set": ("at points of the start set", "at the same points of the start set"),
}
"""Where one column begins, and where several do."""


class RunViews(QWidget):
    """The view of the main run; or of two to four columns, with a line that says what is equal in all, and the chart.

    Args:
        layers: which layers all views show.

    Attributes:
        views: those of the runs in view from left to right. The first one stays.

    Signals:
        menu_requested(QPoint): the menu of a canvas is to open at this place of the screen.
    """

    menu_requested = Signal(object)

    def __init__(self, controllers: Controllers, layers: Layers) -> None:
        super().__init__()
        self._controllers, self._layers = controllers, layers
        self._comparing, self._playing = controllers.comparing, controllers.playing
        self._marking = timer(self, self._mark, interval=MARKED)
        self.views: list[RunView] = []
        self._grid = QGridLayout()
        self._grid.setSpacing(1)
        self._frames = above, below = QFrame(), QFrame()  # of a comparison
        self.equal = _choice(EQUAL, "What is equal in all columns", "What is equal in all columns.", ONE_PATH)
        tip = "How long columns are trained that need a training of their own."
        self.fair = _choice(FAIR, "What is equal in all trainings", tip)
        self.fair.hide()
        tip = "Add a column with another sampler; its head lets you choose what differs."
        self.add = button("+ Column", tip, controllers.column_edits.add)
        tip = "End the comparison. The main run is in view again."
        self.leave = button("Leave", tip, controllers.column_edits.leave)
        self.said = caption(ONE_PATH)
        controls = self.fair, self.equal, self.add, self.leave
        for control in controls:
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.chart = DistanceChart()
        self.chart.set_provenance(lambda: self.provenance)
        side, gap = UNIT * 3 // 2, UNIT // 2
        self._top = layouts.down(
            (layouts.across(self.said, margins=(side, gap, UNIT, gap)), 1),
            layouts.across(None, *controls, spacing=UNIT, margins=(side, gap, UNIT, gap)),
            within=above,
            spacing=0,
            margins=0,
        )
        layouts.down(self.chart, within=below, margins=(side, 0, UNIT, UNIT))
        layouts.down(above, (self._grid, 1), below, within=self, spacing=0, margins=0)
        self.equal.chosen.connect(self._comparing.set_equal)
        self.fair.chosen.connect(self._comparing.set_fair)
        self._comparing.active_changed.connect(self._begin_or_end)
        self._comparing.changed.connect(self._show_runs)
        self._comparing.measured.connect(self._show_curves)
        self._make_views()
        self._give_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._give_room()
        self._place_views()
        super().resizeEvent(event)

    @property
    def _is_low(self) -> bool:
        return self.height() < px(SCARCE)

    def _give_room(self) -> None:
        """Leave the room to the canvases where it is scarce, as in a low window with large text."""
        # In a narrow window several notices beside the controls would take ten lines.
        layouts.turn(self._top, self.width() > px(ONE_ROW))
        for frame in self._frames:
            frame.setVisible(self._comparing.is_active)
        self.chart.setVisible(not self._is_low)
        self.said.setVisible(not self._is_low or bool(self._comparing.notices))

    # The views

    @Slot(bool)
    def _begin_or_end(self, active: bool) -> None:
        self.setAccessibleName("Comparison" if active else "")
        self._make_views()
        self.views[0].canvas.surface.release()  # all columns show the same
        self._give_room()
        self._marking.stop()
        if active:
            self._marking.start()
            self._say()
            self.chart.show_empty(SAMPLING)
        self.views[0].canvas.setFocus()

    def _make_views(self) -> None:
        """Create a view for each run, and say in the heads of columns what differs."""
        count = max(len(self._comparing.columns), 1)
        while len(self.views) > count:
            view = self.views.pop()
            view.setParent(None)
            view.deleteLater()
        while len(self.views) < count:
            view = RunView(len(self.views), self._controllers, self._layers)
            if self.views:
                first = self.views[0].canvas.surface
                view.canvas.surface.fit(first.range.fitted)
                view.canvas.surface.look_at(first.wanted)
            view.canvas.viewport_changed.connect(lambda _, view=view: self._link(view))
            view.canvas.surface.menu_requested.connect(self.menu_requested)
            self.views.append(view)
        self._place_views()
        for one, other in itertools.pairwise(self.views):
            layouts.tab_through(one.canvas.surface, other.head.button, other.head.remove, other.canvas.surface)
        for view in self.views if self._comparing.is_active else ():
            view.head.show_column()
        self.add.setEnabled(self._controllers.column_edits.can_add)

    def _place_views(self) -> None:
        """Put the views beside each other, four in two rows if there is room for both."""
        across = 2 if len(self.views) == MOST and not self._is_low else MOST
        for place, view in enumerate(self.views):
            self._grid.removeWidget(view)
            self._grid.addWidget(view, *divmod(place, across))
        for place in range(MOST):
            self._grid.setColumnStretch(place, place < min(len(self.views), across))
            self._grid.setRowStretch(place, place * across < len(self.views))

    def drawn_chart(self, frame: int | None) -> DrawnChart | None:
        """The chart for a film, or for a picture of a frame of the common timeline; None if there is none."""
        total, runs, shown = self._playing.total, self._comparing.runs, self.chart.chart
        if shown is None:
            return None
        still = None if frame is None else _places(runs, frame, total)
        return DrawnChart(shown, at=lambda frame: _places(runs, frame, total) if still is None else still)

    @property
    def provenance(self) -> str:
        """What made the runs of columns, as a list in one line of JSON."""
        played = [run.trajectory for run in self._comparing.runs]
        return f"[{', '.join(one.provenance for one in played if one is not None and one.provenance)}]"

    @Slot()
    def _show_runs(self) -> None:
        self._make_views()
        for view in self.views:
            view.renew()
        self.fair.setVisible(self._comparing.trains)
        self._say()
        self._show_curves()

    @Slot()
    def _say(self) -> None:
        """Say how the columns are compared, or show a warning; and what each has cost so far."""
        warnings = " ".join(f"⚠ {worded(notice)}" for notice in self._comparing.notices)
        self.said.setText(warnings or how_compared(self._comparing.runs))
        self._give_room()
        for view in self.views:
            view.head.show_cost(self._playing.frame)

    def _link(self, origin: RunView) -> None:
        """Show the same part of the plane in the other views."""
        for view in self.views:
            if view is not origin:
                view.canvas.surface.look_at(origin.canvas.surface.wanted)

    # The chart

    @Slot()
    def _show_curves(self) -> None:
        told = [(LETTERS[run.place], run.place, run.curve) for run in self._comparing.runs]
        curves = [(letter, place, curve) for letter, place, curve in told if isinstance(curve, DistanceCurve)]
        if curves:
            self.chart.show_chart(*distance_chart(curves))
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
        place = place_of(run, run.frame_at(frame, total)) if run.trajectory is not None else None
        if place is not None:
            found.append((*place, COLORS[run.place]))
    return found


def place_of(run: Run, frame: int) -> tuple[float, float] | None:
    """Evaluations and distance of a column at a frame of its own; None before it is measured."""
    trajectory, curve = run.trajectory, run.curve
    if trajectory is None or not isinstance(curve, DistanceCurve):
        return None
    return curve.at(float(trajectory.nfe_mean[frame]))
