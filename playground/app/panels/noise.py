"""The noise card: none, one level, several levels, or a continuous process."""

import msgspec
import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPushButton, QWidget

from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.model.views import ProblemView
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_number
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, text_line
from playground.app.widgets.charts.noise_levels import NoiseLevelChart
from playground.app.widgets.collapsible_panel import SIGNS, CollapsiblePanel, Notice
from playground.app.widgets.equation import Tooltip
from playground.app.widgets.field_row import warning
from playground.app.widgets.fields import FileField, make_field
from playground.app.widgets.file_prompts import open_name
from playground.app.widgets.kind_rows import KindRows, column
from playground.app.widgets.number_rows import RangeField
from playground.kinds.noise import Noise
from playground.messages import Message, joined

ENDS = ("noise.sigma_max", "noise.sigma_min")  # in one row if a kind has both
POINT_FILTER = "Points (*.csv *.tsv *.txt *.npy);;All files (*)"
DIAMETER = (
    "<p>Dotted line: the diameter of the data, the largest distance between two points. The coarsest level should be at "
    "least that.</p>"
)


class NoisePanel(CollapsiblePanel):
    """The kind of noise, a chart of its levels to drag, and its numbers."""

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Noise", 2, purpose="How much noise is added to the data.")
        self.state = state
        self._reading = controllers.reading
        self._gesture, self._by_key = 0, False
        self.kind = make_field(state, "noise.kind", None)
        self.chart = NoiseLevelChart()  # without a parent, like all widgets added below, so that Tab follows this order
        self._chart_tip = Tooltip(self.chart, "")
        self.chart.grabbed.connect(self._grabbed)
        self.chart.previewed.connect(self._previewed)
        self.chart.moved.connect(self._moved)
        self.chart.abandoned.connect(self._show_taken)
        self.behind(self.kind)
        self.body.addWidget(self.chart)
        rows = column(self.behind())
        self.by_hand = QWidget()
        self._by_hand_text = text_line()
        tip = "Keep both ends and space the levels between them at equal ratios."
        spoken = "Space the noise levels evenly"
        self.evenly = button("Space evenly", tip, self._space_evenly, spoken=spoken)
        layouts.across((self._by_hand_text, 1), self.evenly, within=self.by_hand, margins=0)
        self.notice, self._in_short = Notice(), QWidget()
        self.body.addWidget(self.by_hand)
        self.behind(self.notice)
        self.short_notice = QPushButton()
        theme.set_role(self.short_notice, "chip")
        layouts.across(None, self.short_notice, within=self._in_short, margins=0)
        self.header.put_in_place_of_state(self._in_short)
        self.arranged.connect(self._show_short_notice)
        self.levels = KindRows(
            state,
            "noise",
            rows,
            column(self.advanced()),
            {
                ENDS[0]: lambda state, _: RangeField(state, *ENDS, label="σ range"),
                "noise.source_path": lambda state, key: FileField(state, key, self._choose_file),
            },
            shown_elsewhere=lambda key: key == ENDS[1] and ENDS[0] in state.fields(),
            parent=self,
        )
        state.changed.connect(self._state_changed)
        self.state.problem_changed.connect(self._problem_changed)
        self.short_notice.clicked.connect(self.disclosure.click)
        QWidget.setTabOrder(self.header, self.short_notice)
        self._refresh()

    @Slot()
    def _choose_file(self) -> None:
        path = open_name(self, "Open start points", "", POINT_FILTER)
        if path:
            self._reading.open_start(path)

    # The user's actions

    @Slot(bool)
    def _grabbed(self, by_key: bool) -> None:
        # Every drag is an undo step of its own; key presses in a row are one.
        self._by_key = by_key
        if not by_key:
            self._gesture += 1
        text = warning(self.state.unsaved_steps())
        if text:
            self._tell("warning", Message("discards-weights", text))

    @Slot(object)
    def _previewed(self, sigmas: np.ndarray) -> None:
        ends = self.levels.rows.get(ENDS[0])
        if isinstance(ends, RangeField):
            ends.preview(float(sigmas[0]), float(sigmas[-1]))
        self.set_state(f"σ {format_number(sigmas[0])} → {format_number(sigmas[-1])}")

    @Slot(int, object)
    def _moved(self, index: int, sigmas: np.ndarray) -> None:
        view = self.state.problem
        changes = self.state.experiment.noise.dragged(index, sigmas, 1.0 if view is None else view.sigma)
        self.state.edit(changes, merge=f"levels {self._gesture} {index}" if self._by_key else "")
        self._show_taken()

    @Slot()
    def _show_taken(self) -> None:
        """Show the ends that the settings have, in place of those of a drag that was refused or given up."""
        ends = self.levels.rows.get(ENDS[0])
        if isinstance(ends, RangeField):
            ends.refresh()
        self._refresh()

    @Slot()
    def _space_evenly(self) -> None:
        self.state.edit(self.state.experiment.noise.evened())

    # Content

    @Slot(object)
    def _state_changed(self, keys: frozenset[str]) -> None:
        if any(key.startswith(("noise.", "data.", "sampling.", "objective.")) for key in keys):
            self._refresh()

    @property
    def _failure(self) -> Message | None:
        """Why the noise gives no problem."""
        why = self.state.failure
        return why if why is not None and why.key.startswith("noise.") else None

    @Slot()
    def _problem_changed(self) -> None:
        self._refresh()  # suggestions for data that are gone disappear with them
        if self._failure:
            self.disclosure.setChecked(True)
            self.reveal()

    @Slot()
    def _refresh(self) -> None:
        noise, view = self.state.experiment.noise, self.state.problem
        marked = view is not None and not view.is_image and noise.has_path
        self._chart_tip.set_words(f"<p>{noise.chart}</p>" + (DIAMETER if marked else ""))
        self.by_hand.setVisible(noise.is_by_hand)
        self.set_has_advanced(self.levels.has_advanced)
        known = None if view is None or view.resolved is None else view.resolved.noise
        if view is None or type(known) is type(noise):
            names = () if known is None else known.__struct_fields__
            self.levels.resolve({f"noise.{name}": getattr(known, name) for name in names})
        levels = self._levels(view, known)
        if levels is not None:
            diameter = None if view is None or view.is_image else view.diameter
            self._by_hand_text.setText(f"{len(levels)} points set by hand")
            self.evenly.setText("Space evenly" if noise.times_shown() is None else "Straighten")
            self.chart.show_levels(noise, levels, diameter=diameter)
        elif view is None or self.chart.kind != noise.kind:  # dragging the levels of another kind would set this one's
            self.chart.show_levels(noise, np.zeros(0))
        self.set_state(worded(noise.state(np.zeros(0) if levels is None else levels)))
        self._warn(view)

    def _levels(self, view: ProblemView | None, known: Noise | None) -> np.ndarray | None:
        """The levels to draw, coarse to fine; None while they are being computed."""
        noise = self.state.experiment.noise
        settings = {name: getattr(noise, name) for name in noise.__struct_fields__}
        open_ones = [name for name, value in settings.items() if value == "auto" and not noise.is_by_hand]
        if open_ones and type(known) is not type(noise):
            return None
        settled = msgspec.structs.replace(noise, **{name: getattr(known, name) for name in open_ones})
        if any(True for _ in settled.errors()):
            return None
        levels = settled.levels_shown(None if view is None else view.sigma)
        return levels if len(levels) or not noise.has_noise else None

    def _warn(self, view: ProblemView | None) -> None:
        experiment = self.state.experiment
        if self._failure:
            self._tell("error", self._failure)
            return
        kind = None if view is None or view.resolved is None else type(view.resolved.noise)
        found: tuple[Message, ...] = ()
        if view is not None and kind is type(experiment.noise) and view.describes(experiment):
            found = view.diagnostics(experiment.objective.kind)
        self._tell("warning", *found)

    def _tell(self, level: str, *messages: Message) -> None:
        """Show messages; on a calm card behind its icon, with the first one's code in place of the state."""
        self.notice.show_message(level, joined(*messages, between="\n"), self.state.edit)
        self.short_notice.setText(" ".join([SIGNS[level], *(messages[0].code.split("-") if messages else ())]))
        self.short_notice.setAccessibleName(self.notice.accessibleName())
        self.short_notice.setToolTip(wrapped(self.notice.text.text(), "Press to see what helps."))
        self._show_short_notice()

    @Slot()
    def _show_short_notice(self) -> None:
        """Show it while its sentence is folded away."""
        self._in_short.setHidden(self.notice.isHidden() or self.notice.isVisibleTo(self))
        self.header.update()
