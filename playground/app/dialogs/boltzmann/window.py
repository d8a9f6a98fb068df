"""Tools > Boltzmann machine: draw patterns, watch them being learned, and see the cost of Z."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QBoxLayout, QLabel, QScrollArea, QWidget

from playground.app.dialogs.boltzmann.heat import WeightMap
from playground.app.dialogs.boltzmann.machine import COST, Machine
from playground.app.dialogs.boltzmann.pad import PatternPad
from playground.app.dialogs.boltzmann.patterns import Patterns
from playground.app.dialogs.boltzmann.readings import figure_text, pattern_sentence, verdict
from playground.app.dialogs.help import native_keys
from playground.app.dialogs.working_dialog import WorkingDialog
from playground.app.panels.figure import Figure
from playground.app.style import theme
from playground.app.style.number_formats import format_count, format_number
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption, named
from playground.app.widgets.charts.tall import TallChart
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.controls import SegmentedControl
from playground.app.widgets.fields import make_field
from playground.drawing.boltzmann import cost_chart, curve_chart, in_color, likely_patterns
from playground.lab.boltzmann.figures import FIGURES
from playground.lab.boltzmann.patterns import write_pattern
from playground.lab.boltzmann.settings import are_patterns, patterns_of, training_conflict
from playground.lab.provenance import Provenance

if TYPE_CHECKING:
    from playground.lab.boltzmann.cost import Cost

SIZE = 1180, 700  # px
SMALLEST = 600  # px high
LEFT = 300  # px
RIGHT = 270  # px at least, for two buttons side by side and a chart with named curves
SIZES = ("2×2", "3×3", "4×4")
EMPTY = "Nothing to learn yet: draw a pattern below and press Add."
UNMEASURED = "Measure the time of Z for 2 to 20 units on this machine."
UNTRAINED = "Press Train: the NLL falls from d ln 2 towards the optimal one."
UNDO = QKeySequence.StandardKey.Undo
ABOUT = (
    "A Boltzmann machine gives each pattern y of −1 and +1 the probability <b>p(y) = exp(y'Wy/2) / "
    "Z</b>. Z is the sum over all 2<sup>d</sup> patterns. Learning needs it at every step, and each "
    "pixel more doubles its cost. Score matching learns the gradient of log p in x, which does not "
    "contain Z. So the rest of this program can take images, and this window ends at 16 pixels."
)
ABOUT_LEARNING = "<p>Mean negative log-likelihood of a pattern during training. Dashed: the optimal one of a machine without biases.</p>"
ABOUT_COST = "<p>Time of Z and its gradient on this machine, and of the weight of one state. Dashed: a doubling with each unit.</p>"


class BoltzmannWindow(WorkingDialog):
    """Starts with 3 x 3 bars and stripes. It is not modal, and may be closed at any time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("boltzmannWindow", "Boltzmann machine", parent, SIZE, Qt.WindowType.Window)
        self.machine = Machine(self.jobs, self)
        self.pad, self.map, self.sizes = PatternPad(), WeightMap(), SegmentedControl([(size, size) for size in SIZES])
        self.patterns = Patterns("Patterns to learn", (44, 42))
        self.likely = Patterns("Most probable states", (54, 56))
        self.samples = Patterns("Samples", (28, 28))
        self.curve = TallChart("Learning curve", ABOUT_LEARNING, 140)
        self.cost = TallChart("Cost of Z", ABOUT_COST, 124)
        self.cost.show_empty(UNMEASURED)
        self.verdict, self.cost_label = _lines("Meaning of the numbers", 2), _lines("The time of Z", 3)
        self.weight_label = _lines("The weight of two pixels", 1)
        self.pattern_label = named(
            QLabel(wordWrap=True),
            "Probability of the drawn pattern",
            "How probable the drawn pattern is under the weights as they are now",
        )
        self.pattern_label.setFont(theme.number_font())
        self.figures = {key: Figure(spec.title, spec.meaning) for key, spec in FIGURES.items()}
        for key, figure in self.figures.items():
            figure.value.setAccessibleName(FIGURES[key].title)
        self.cards: dict[str, CollapsiblePanel] = {}
        self._make_buttons()
        self._lay_out()
        self._connect()
        self._show()
        self.setMinimumHeight(SMALLEST)
        self.pad.setFocus()
        self.machine.train()
        self.machine.measure()

    # --- layout

    def _make_buttons(self) -> None:
        self.add = button("&Add", "Learn the drawn pattern too (Enter)", self._add)
        self.remove = button(
            "Remo&ve",
            "Remove the drawn pattern (Delete in the list)",
            lambda: self._remove(self.pad.pattern),
        )
        self.clear = button(
            "&Clear all",
            f"Start from no patterns at all; {native_keys(UNDO)} brings them back",
            lambda: self._learn([]),
        )
        self.train = button(
            "&Train",
            "Increase the log-likelihood of the patterns by gradient ascent, or pause",
            self._toggle,
        )
        set_role(self.train, "primary")
        self.reset = button("&Reset", "Discard what was learned: W = 0", self.machine.reset)
        self.again = button("&Sample again", "Draw with other random numbers", self._sample_again)
        self.measure = button("&Measure", UNMEASURED, self.machine.measure)
        for size, choice in self.sizes.buttons.items():
            units = int(size[0]) ** 2
            said = f"Pictures of {size} pixels: {units} units, 2^{units} = {format_count(2**units)} states to sum over"
            named(choice, f"{size} pixels", said)

    def _lay_out(self) -> None:
        about = caption(ABOUT)
        about.setAccessibleName("What this window shows")
        data, sampler = (make_field(self.machine.state, key, None) for key in ("data", "sampler"))
        rate, steps = (make_field(self.machine.state, key) for key in ("learning_rate", "steps"))
        buttons = layouts.across(self.add, self.remove, spacing=UNIT // 2)
        beside = layouts.down((self.pattern_label, 1), buttons, self.clear, spacing=UNIT // 2)
        rows = layouts.down(*self.figures.values(), None, spacing=0)
        drawing, weights = layouts.across(self.pad, (beside, 1)), layouts.across((self.map, 1), (rows, 1))
        training = layouts.across((self.train, 1), self.reset, spacing=UNIT)
        sampling = layouts.across((sampler, 1), self.again, spacing=UNIT)
        left = self._column(
            ("Patterns", data, self.sizes, (self.patterns, 1)),
            ("Draw", drawing),
            ("Train", rate, steps, training),
        )
        middle = self._column(
            ("Learning", (self.curve, 1), self.verdict), ("Weights and Z", (weights, 1), self.weight_label)
        )
        right = self._column(
            ("Most probable", (self.likely, 1)),
            ("Samples", sampling, (self.samples, 1)),
            ("Cost of Z", (self.cost, 1), layouts.across((self.cost_label, 1), self.measure)),
        )
        for card in ("Patterns", "Draw", "Train"):
            self.cards[card].setFixedWidth(px(LEFT))
        self.cards["Samples"].setMinimumWidth(px(RIGHT))
        inner = QWidget()
        layouts.across(left, (middle, 1), (right, 1), within=inner, spacing=UNIT, margins=0)
        area = layouts.scrolled(inner, QScrollArea(), across=True)  # with text of 200 % it is wider than many screens
        margins = (2 * UNIT, 3 * UNIT // 2, 2 * UNIT, 3 * UNIT // 2)
        layouts.down(about, (area, 1), within=self, spacing=UNIT, margins=margins)

    def _column(self, *cards: tuple[str, *tuple[layouts.Part, ...]]) -> QBoxLayout:
        """Cards below each other, each by its title and its parts; one grows if a part of it does."""
        column = layouts.down(spacing=UNIT)
        for title, *parts in cards:
            card = self.cards[title] = CollapsiblePanel(title)
            layouts.add(card.body, *parts)
            column.addWidget(card, any(isinstance(part, tuple) for part in parts))
        return column

    def _connect(self) -> None:
        machine = self.machine
        machine.changed.connect(self._show)
        machine.state.changed.connect(self._show)
        machine.measured.connect(self._show_cost)
        QShortcut(UNDO, self).activated.connect(machine.state.undo)
        QShortcut(QKeySequence.StandardKey.Redo, self).activated.connect(machine.state.redo)
        for patterns in (self.patterns, self.likely, self.samples):
            patterns.taken.connect(self._take)
        self.patterns.removed.connect(self._remove)
        self.map.described.connect(self.weight_label.setText)
        self.sizes.chosen.connect(self._choose_size)
        self.pad.drawn.connect(self._show)
        self.pad.finished.connect(self._add)
        self.curve.set_provenance(lambda: str(Provenance.of(machine.settings, "cpu")))

    # --- the user's actions

    @Slot(str)
    def _choose_size(self, size: str) -> None:
        side = int(size[0])
        changes: dict[str, object] = {"rows": side, "columns": side}
        if self.machine.settings.data == "drawn":
            changes["patterns"] = ()  # patterns of another size cannot be learned
        self.machine.state.edit(changes)

    @Slot(object)
    def _take(self, pattern: np.ndarray) -> None:
        """Put a picture on the pad, where its probability is shown."""
        self.pad.set_pattern(pattern)
        self._show()

    def _texts(self) -> list[str]:
        """The patterns to learn, as texts."""
        return [write_pattern(one) for one in patterns_of(self.machine.settings)]

    def _learn(self, texts: list[str]) -> None:
        self.machine.state.edit({"data": "drawn", "patterns": tuple(texts)})

    @Slot()
    def _add(self) -> None:
        texts, drawn = self._texts(), write_pattern(self.pad.pattern)
        if drawn not in texts:
            self._learn([*texts, drawn])

    @Slot(object)
    def _remove(self, pattern: np.ndarray) -> None:
        texts = self._texts()
        texts.remove(write_pattern(pattern))
        self._learn(texts)

    def _toggle(self) -> None:
        if self.machine.training:
            self.machine.pause()
        else:
            self.machine.train()

    def _sample_again(self) -> None:
        self.machine.state.edit({"seed": self.machine.settings.seed + 1}, merge="seed")

    # --- content

    @Slot()
    def _show(self) -> None:
        """Show the settings and the machine as they are now."""
        machine, view, settings = self.machine, self.machine.view, self.machine.settings
        progress, shape = None if view is None else view.progress, (settings.rows, settings.columns)
        patterns, conflict = patterns_of(settings), training_conflict(settings)
        self.sizes.set_value("{}×{}".format(*shape))
        if self.pad.pattern.shape != shape:
            self.pad.set_pattern(np.full(shape, -1))
        back = f" {native_keys(UNDO)} brings back what was there." if machine.state.stack.canUndo() else ""
        self.patterns.show_patterns(in_color(patterns, "data"), EMPTY + back)
        known = write_pattern(self.pad.pattern) in self._texts()
        self.pattern_label.setText(pattern_sentence(self.pad.pattern, progress))
        self.train.setText("&Pause" if machine.training else "&Train")
        for control, enabled in (
            (self.add, not known),
            (self.remove, known),
            (self.clear, len(patterns) > 0),
            (self.train, machine.training or not (conflict or machine.finished)),
            (self.measure, not machine.jobs.running(COST)),
            (self.reset, view is not None),
            (self.again, view is not None),
        ):
            control.setEnabled(enabled)
        learning = "learning" if machine.training else "learned" if machine.finished else "paused" if view else ""
        states = {
            "Patterns": f"{len(patterns)} of {format_count(2 ** (shape[0] * shape[1]))} states",
            "Train": learning,
        }
        self.map.show_weights(progress, shape[0] * shape[1], shape[1])
        for key, figure in self.figures.items():
            figure.show_text("" if progress is None else figure_text(key, progress))
        likely, samples, said = [], [], ""
        if view is None:
            self.curve.show_empty(str(conflict or UNTRAINED))
        else:
            said = verdict(view.progress)
            self.curve.show_chart(curve_chart(view.progress, settings.steps), said)
            likely, samples = likely_patterns(view), in_color(view.samples, "particles")
            count = np.count_nonzero(are_patterns(settings, view.samples))
            states |= {
                "Learning": f"step {format_count(view.progress.step)}",
                "Most probable": f"{format_number(100 * view.of_patterns)} % are patterns",
                "Samples": f"{count} of {len(samples)} are patterns",
            }
        self.verdict.setText(said)
        self.likely.show_patterns(likely, "The most probable pictures appear here.")
        self.samples.show_patterns(samples, "Samples of the machine appear here.")
        for title, card in self.cards.items():
            card.set_state(states.get(title, ""))

    @Slot(object)
    def _show_cost(self, cost: "Cost") -> None:
        said = cost.words(format_number)
        z, one = (format_number(float(times[-1])) for times in (cost.partition, cost.weight))
        last = f"{cost.units[-1]} units: {z} seconds for Z and its gradient, {one} for one state."
        self.cost.show_chart(cost_chart(cost), f"{last} {said}")
        self.cost_label.setText(said)


def _lines(name: str, count: int) -> QLabel:
    """Small text with room for some lines."""
    label = caption()
    label.setMinimumHeight(count * label.fontMetrics().lineSpacing())
    label.setAccessibleName(name)
    return label
