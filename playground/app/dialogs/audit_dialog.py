"""Tools > Audit, Help > Self-test and Learn > Check lesson: a table of claims that a thread measures one by one, and charts of what was measured."""

from collections.abc import Iterator, Sequence

import msgspec
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QProgressBar, QWidget

from playground.app.dialogs.claim_table import ClaimTable
from playground.app.dialogs.working_dialog import WorkingDialog
from playground.app.model import errors
from playground.app.model.state import State
from playground.app.style.labels import CARDS, worded
from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption, named, text_line
from playground.app.widgets.charts.chart import ChartView
from playground.app.widgets.controls import ChoiceBox
from playground.app.widgets.lesson_claims import lesson_claims
from playground.app.workers.worker import interrupted
from playground.drawing import selftest
from playground.kinds.kind import registered
from playground.lab import audit as audits
from playground.lab.audit import Audit
from playground.lab.chart import Chart
from playground.lab.claims import Claim, how_many_hold, measured
from playground.lab.lessons import Lesson, MeasuredStep, Step
from playground.user_errors import user_error

JOB = "audit"
CHARTS = 2
CHART_HEIGHT = 190
SELFTEST, LESSON = "selftest", "lesson"
EMPTY = "Run measures what the tests claim, each claim beside its bound."
SECTIONS = ("data", "noise", "objective", "network", "sampling")
ABOUT = "<p>What this audit measured; dashed lines are bounds or closed forms.</p>"


class AuditDialog(WorkingDialog):
    """The self-test, or the claims of one kind or of the lesson in view. The window stays usable; Cancel and closing stop after the current claim, within seconds.

    Args:
        state: the experiment; a kind that it has chosen is audited with its settings.

    Attributes:
        claims: what was measured; grows in the thread.
    """

    def __init__(self, state: State, parent: QWidget | None = None) -> None:
        super().__init__("auditDialog", "Audit", parent, (940, 640))
        self._state = state
        self.claims: list[Claim] = []
        self._lesson: Lesson | None = None
        self._made = Audit("", "", ())
        self._shown: int = 0
        self._charts: Sequence[Chart] = ()
        self.failure = ""

        self.kinds = ChoiceBox(())
        named(
            self.kinds,
            "Kind to audit",
            "The self-test, a lesson that was in view, or one kind. A kind that the experiment has chosen is audited with its settings there.",
        )
        tip = "Measure the claims: those of a kind in under 30 s, those of a lesson in minutes."
        self.run_button = button("&Run", tip, self.run, "runAudit")
        self.run_button.setAutoDefault(True)
        chosen = layouts.across((self.kinds, 1), self.run_button)

        self.table = ClaimTable(EMPTY)
        self.titles = [text_line() for _ in range(CHARTS)]
        self.charts = [ChartView(f"Chart {number + 1} of the audit", ABOUT, CHART_HEIGHT) for number in range(CHARTS)]
        beside = layouts.across(spacing=2 * UNIT)
        self.boxes = []
        for title, chart in zip(self.titles, self.charts, strict=True):
            box = QWidget()
            layouts.down(title, chart, within=box, margins=0)
            box.setVisible(False)
            beside.addWidget(box, 1)
            self.boxes.append(box)

        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName("Progress of the audit")
        self.status = caption("")
        self.cancel_button = button("&Close", "Stop after the current claim, or close.", self.reject, "cancelAudit")
        self.cancel_button.setAutoDefault(True)  # with the focus on it, Return presses it, not Run
        buttons = layouts.across((self.status, 1), self.cancel_button)
        layouts.down(chosen, (self.table, 1), beside, self.bar, buttons, within=self, spacing=UNIT, margins=2 * UNIT)
        state.kinds_changed.connect(self._fill)
        self._fill()

    @Slot()
    def _fill(self) -> None:
        """List the self-test and all kinds in the order of the cards, and keep the choice; at first that of the sampler."""
        before = self.kinds.currentData() or f"sampling.{self._state.experiment.sampling.kind}"
        self.kinds.clear()
        self.kinds.addItem("Self-test of the program", SELFTEST)
        if self._lesson is not None:
            self.kinds.addItem(f"Lesson: {self._lesson.title}", LESSON)
        found = sorted(registered(), key=lambda kind: (SECTIONS.index(kind.section), kind.place, kind.name()))
        for kind in found:
            self.kinds.addItem(
                f"{CARDS.get(kind.section, kind.section)}: {kind.title}", f"{kind.section}.{kind.name()}"
            )
        self.choose(before)

    def choose(self, name: str) -> None:
        """Choose the self-test, or a kind by its section and name, as in ``noise.vp``, unless an audit runs."""
        if not self.running:
            self.kinds.setCurrentIndex(max(self.kinds.findData(name), 0))

    def check(self, lesson: Lesson) -> None:
        """Measure what a lesson claims, unless an audit runs."""
        if not self.running:
            self._lesson = lesson
            self._fill()
            self.choose(LESSON)
            self.run()

    @property
    def running(self) -> bool:
        return self.jobs.busy

    @Slot()
    def run(self) -> None:
        """Measure what is chosen from its first claim, unless an audit runs already."""
        if self.running:
            return
        claims = self.claims = list[Claim]()
        self._made, self._shown, self._charts, self.failure = Audit("", "", ()), 0, (), ""
        self._cancelled = False
        self.table.clear()
        self.bar.setRange(0, 0)
        for box in self.boxes:
            box.setVisible(False)
        name, own, lesson = self.kinds.value(), self._state.experiment, self._lesson

        def measure() -> Iterator[tuple[None, int]]:
            if name == SELFTEST:
                made = selftest.selftest()
            elif name == LESSON and lesson is not None:
                made = Audit(LESSON, lesson.title, tuple(lesson_claims(lesson, _measured)))
            else:
                kind = audits.kind_named(name)
                experiment, asked = audits.experiment_of(kind), getattr(own, kind.section)
                if type(asked) is kind:
                    experiment = msgspec.structs.replace(experiment, **{kind.section: asked})
                made = audits.audit(experiment, kind.section)
            self._made = made
            yield None, len(claims)
            for claim in measured(made.claims):
                if name == LESSON and interrupted():
                    return  # within a step of a lesson, which was not measured to its end
                claims.append(claim)
                yield None, len(claims)
            self._charts = made.charts()

        self.jobs.start(JOB, measure, self._add, self._failed, self._end)
        self._say()

    def reject(self) -> None:
        """Cancel: the work if it runs, otherwise the dialog."""
        if self.running:
            self.jobs.interrupt(JOB)
            self._cancelled = True
            self.status.setText("Stopping…")
        else:
            super().reject()

    def _add(self, count: int) -> None:
        """Show the claims that have been measured so far."""
        for claim in self.claims[self._shown : count]:
            self.table.add(claim)
        self._shown = count
        self.bar.setRange(0, max(len(self._made.claims), 1))
        self.bar.setValue(count)
        if not self._cancelled:
            self._say()

    def _failed(self, error: BaseException) -> None:
        message = user_error(error)
        self.failure = "The audit broke off: see the log." if message is None else worded(message)
        if message is None:
            errors.report(error, "the audit broke off")
        self._end()

    def _end(self) -> None:
        self.bar.setRange(0, max(len(self._made.claims), 1))
        self._show_charts()
        self._say()

    def _show_charts(self) -> None:
        for box, title, view, chart in zip(self.boxes, self.titles, self.charts, self._charts, strict=False):
            title.setText(chart.title)
            box.setVisible(True)
            view.show_chart(chart, f"{chart.title}: {', '.join(one.name for one in chart.series)}.")

    def _say(self) -> None:
        found, count = self.claims[: self._shown], len(self._made.claims)
        failed = sum(not claim.holds for claim in found)
        text = how_many_hold(found) if found else ""
        if self.running:
            text = f"{len(found)} of {count} measured" if count else "Preparing…"
        elif self.failure:
            text = self.failure
        elif len(found) < count:
            text = f"Cancelled after {len(found)} of {count}"
        if failed and len(found) < count and not self.failure:
            text += f", {failed} do not hold"
        self.status.setText(text)
        self.run_button.setEnabled(not self.running)
        self.kinds.setEnabled(not self.running)
        self.cancel_button.setText("&Cancel" if self.running else "&Close")


def _measured(step: Step) -> MeasuredStep:
    """The figures of a step; as far as they are measured if the audit is cancelled."""
    from playground.lab.step_measuring import measure

    for _fraction, latest in measure(step):
        found = latest
        if interrupted():
            break
    return found
