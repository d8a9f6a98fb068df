"""Tools > Audit: what the tests ask, asked of any kind, with the charts of what was measured."""

from collections.abc import Callable, Iterator, Sequence

import msgspec
from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from playground.app.dialogs.claims_dialog import ClaimsDialog
from playground.app.model import errors
from playground.app.model.state import State
from playground.app.style.labels import CARDS, worded
from playground.app.style.text_size import px, within_screen
from playground.app.style.theme import UNIT, set_role
from playground.app.widgets.charts.chart import Chart
from playground.app.widgets.charts.series import Series
from playground.app.widgets.controls import ChoiceBox
from playground.drawing.audit import curves_of
from playground.drawing.palette import Palette
from playground.kinds.kind import Kind, registered
from playground.lab import audit as audits
from playground.lab.experiment import Experiment
from playground.lab.selftest import Row
from playground.user_errors import user_error

CHARTS = 2
CHART_HEIGHT = 190
EMPTY = "Run measures what the tests claim of this kind, each claim beside its bound."
SECTIONS = ("data", "noise", "objective", "network", "sampling")
ABOUT = "<p>What this audit measured; dashed lines are bounds or closed forms.</p>"


class AuditDialog(ClaimsDialog):
    """The claims of one kind. The window stays usable; Cancel and closing stop after the current claim, within seconds.

    Args:
        state: the experiment; a kind that it has chosen is audited with its settings.
    """

    def __init__(self, state: State, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__("Claims of the kind, what was measured and its bound", parent, EMPTY)
        self._state = state
        self.setObjectName("auditDialog")
        self.setWindowTitle("Audit")
        self._charts: Sequence[audits.Chart] = ()
        self.failure = ""

        self.kinds = ChoiceBox(())
        self.kinds.setAccessibleName("Kind to audit")
        self.kinds.setToolTip("<p>A kind that the experiment has chosen is audited with its settings there.</p>")
        self.run_button = QPushButton("&Run")
        self.run_button.setObjectName("runAudit")
        self.run_button.setToolTip("<p>Measure the claims, in under 30 s.</p>")
        self.run_button.clicked.connect(self.run)
        chosen = QHBoxLayout()
        chosen.addWidget(self.kinds, 1)
        chosen.addWidget(self.run_button)

        self.titles = [QLabel("") for _ in range(CHARTS)]
        self.charts = [Chart(f"Chart {number + 1} of the audit", ABOUT, CHART_HEIGHT) for number in range(CHARTS)]
        beside = QHBoxLayout()
        beside.setSpacing(2 * UNIT)
        self.boxes = []
        for title, chart in zip(self.titles, self.charts, strict=True):
            set_role(title, "caption")
            chart.apply_palette(palette)
            box = QWidget()
            column = QVBoxLayout(box)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(title)
            column.addWidget(chart)
            box.setVisible(False)
            beside.addWidget(box, 1)
            self.boxes.append(box)

        self.bar.setAccessibleName("Progress of the audit")
        self.status.setWordWrap(True)
        self.cancel_button.setObjectName("cancelAudit")
        self.cancel_button.setToolTip("<p>Stop after the current claim, or close.</p>")
        buttons = QHBoxLayout()
        buttons.addWidget(self.status, 1)
        buttons.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        layout.setSpacing(UNIT)
        layout.addLayout(chosen)
        layout.addWidget(self.table, 1)
        layout.addLayout(beside)
        layout.addWidget(self.bar)
        layout.addLayout(buttons)
        self.resize(within_screen(self, QSize(px(940), px(640))))
        state.kinds_changed.connect(self._fill)
        self._fill()

    def apply_palette(self, palette: Palette) -> None:
        for chart in self.charts:
            chart.apply_palette(palette)

    @Slot()
    def _fill(self) -> None:
        """List all kinds in the order of the cards, and keep the choice; at first that of the sampler."""
        before = self.kinds.currentData() or f"sampling.{self._state.experiment.sampling.kind}"
        self.kinds.clear()
        found = sorted(registered(), key=lambda kind: (SECTIONS.index(kind.section), kind.place, kind.name()))
        for kind in found:
            self.kinds.addItem(
                f"{CARDS.get(kind.section, kind.section)}: {kind.title}", f"{kind.section}.{kind.name()}"
            )
        self.choose(before)

    def choose(self, name: str) -> None:
        """Choose a kind by its section and name, as in ``noise.vp``."""
        self.kinds.setCurrentIndex(max(self.kinds.findData(name), 0))

    def _experiment(self, kind: type[Kind]) -> Experiment:
        """The experiment of the audit, with the kind's settings if the window's experiment has chosen it."""
        made = audits.experiment_of(kind)
        own = getattr(self._state.experiment, kind.section)
        return msgspec.structs.replace(made, **{kind.section: own}) if type(own) is kind else made

    @Slot()
    def run(self) -> None:
        """Measure the chosen kind from its first claim, unless an audit runs already."""
        if self.running or self.kinds.currentIndex() < 0:
            return
        kind = audits.kind_named(self.kinds.currentData())
        experiment = self._experiment(kind)
        rows, self._charts, self.failure = self._begin(0), (), ""
        for box in self.boxes:
            box.setVisible(False)
        self._work(self._measuring(experiment, kind.section, rows), "audit")
        self._say()

    def _measuring(self, experiment: Experiment, section: str, rows: list[Row]) -> Callable[[], Iterator[None]]:
        def measure() -> Iterator[None]:
            made = audits.audit(experiment, section)
            self._count = len(made.checks)
            yield
            for row in made.rows():
                rows.append(row)
                yield
            self._charts = made.charts()

        return measure

    def _ended(self, error: BaseException | None) -> None:
        if error is not None:
            message = user_error(error)
            self.failure = "The audit broke off: see the log." if message is None else worded(message)
            if message is None:
                errors.report(error, "the audit broke off")
            self.bar.setRange(0, 1)
        self._show_charts()

    def _show_charts(self) -> None:
        for box, title, chart, shown in zip(self.boxes, self.titles, self.charts, self._charts, strict=False):
            curves, x, y = curves_of(shown)
            title.setText(shown.title)
            series = [
                Series(
                    curve.label,
                    curve.x,
                    curve.y,
                    curve.color,
                    "dashed" if curve.dashed else "points" if curve.points else "line",
                    error=curve.error,
                )
                for curve in curves
            ]
            names = ", ".join(one.name for one in series)
            box.setVisible(True)
            chart.show_series(series, x, y, f"{shown.title}: {names}.")

    def _say(self) -> None:
        rows = self.rows[: self._shown]
        claims = [row for row in rows if row.is_bounded or not row.passed]
        held = sum(row.passed for row in claims)
        if self.running:
            text = f"{len(rows)} of {self._count} measured" if self._count else "Preparing…"
        elif self.failure:
            text = self.failure
        elif len(rows) < self._count:
            text = f"Cancelled after {len(rows)} of {self._count}"
        elif rows:
            text = f"{held} of {len(claims)} claims hold"
        else:
            text = ""
        if held < len(claims) and self.running:
            text += f", {len(claims) - held} do not hold"
        self.status.setText(text)
        self.run_button.setEnabled(not self.running)
        self.kinds.setEnabled(not self.running)
        self.cancel_button.setText("&Cancel" if self.running else "&Close")
