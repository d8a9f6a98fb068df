"""Tools > Boltzmann machine: draw patterns, watch them being learned, and see the cost of Z."""

import numpy as np
from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QScrollArea, QWidget

from playground.app.dialogs.boltzmann.cards import CostCard, LearningCard, WeightsCard
from playground.app.dialogs.boltzmann.gallery import Entry, Gallery
from playground.app.dialogs.boltzmann.machine import COST, Machine
from playground.app.dialogs.boltzmann.pad import PatternPad
from playground.app.dialogs.boltzmann.readings import pattern_sentence
from playground.app.dialogs.help import native_keys
from playground.app.dialogs.working_dialog import WorkingDialog
from playground.app.style import theme
from playground.app.style.number_formats import format_count, format_number
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption, named
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.controls import SegmentedControl
from playground.app.widgets.fields import make_field
from playground.drawing.boltzmann import probability
from playground.lab.boltzmann.patterns import write_pattern
from playground.lab.boltzmann.settings import are_patterns, patterns_of
from playground.lab.provenance import Provenance

SIZE = QSize(1180, 700)
SMALLEST = 600  # px high
LEFT = 300  # px
RIGHT = 270  # px at least, for two buttons side by side and a chart with named curves
SIZES = ("2×2", "3×3", "4×4")
EMPTY = "Nothing to learn yet: draw a pattern below and press Add."
UNDO = QKeySequence.StandardKey.Undo
CLEARED = " {} brings back what was there."
ABOUT = (
    "A Boltzmann machine gives each pattern y of −1 and +1 the probability <b>p(y) = exp(y'Wy/2) / "
    "Z</b>. Z is the sum over all 2<sup>d</sup> patterns. Learning needs it at every step, and each "
    "pixel more doubles its cost. Score matching learns the gradient of log p in x, which does not "
    "contain Z. So the rest of this program can take images, and this window ends at 16 pixels."
)


class BoltzmannWindow(WorkingDialog):
    """Starts with 3 x 3 bars and stripes. It is not modal, and may be closed at any time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("boltzmannWindow")
        self.setWindowTitle("Boltzmann machine")
        self.setWindowFlags(Qt.WindowType.Window)
        self.machine = Machine(self.jobs, self)
        self._lay_out()
        self.machine.changed.connect(self._show)
        self.machine.state.changed.connect(self._edited)
        QShortcut(UNDO, self).activated.connect(self.machine.state.undo)
        QShortcut(QKeySequence.StandardKey.Redo, self).activated.connect(self.machine.state.redo)
        self._show_patterns()
        self._show()
        self.setMinimumHeight(SMALLEST)
        self.resize(SIZE)
        self.pad.setFocus()
        self.machine.train()
        self.machine.measure()

    # --- layout

    def _lay_out(self) -> None:
        about = caption(ABOUT)
        about.setAccessibleName("What this window shows")
        columns = layouts.across(spacing=UNIT, margins=0)
        left, right = QWidget(), QWidget()
        left.setFixedWidth(px(LEFT))
        right.setMinimumWidth(px(RIGHT))
        self.learning, self.weights, self.cost = LearningCard(), WeightsCard(), CostCard(self.machine.measure)
        self.learning.curve.set_provenance(lambda: str(Provenance.of(self.machine.settings, "cpu")))
        cards = (self._patterns_card(), 1), self._draw_card(), self._train_card()
        layouts.down(*cards, within=left, spacing=UNIT, margins=0)
        middle = layouts.down((self.learning, 1), (self.weights, 1), spacing=UNIT, margins=0)
        others = (self._likely_card(), 1), (self._samples_card(), 1), (self.cost, 1)
        layouts.down(*others, within=right, spacing=UNIT, margins=0)
        layouts.add(columns, left, (middle, 1), (right, 1))
        inner = QWidget()
        inner.setLayout(columns)
        area = layouts.scrolled(inner, QScrollArea(), across=True)  # with text of 200 % it is wider than many screens
        layouts.down(
            about, (area, 1), within=self, spacing=UNIT, margins=(2 * UNIT, 3 * UNIT // 2, 2 * UNIT, 3 * UNIT // 2)
        )

    def _patterns_card(self) -> CollapsiblePanel:
        self.patterns_card = card = CollapsiblePanel("Patterns")
        self.sizes = SegmentedControl([(size, size) for size in SIZES])
        for size, choice in self.sizes.buttons.items():
            units = int(size[0]) ** 2
            named(
                choice,
                f"{size} pixels",
                f"Pictures of {size} pixels: {units} units, 2^{units} = {2**units:,} states to sum over",
            )
        self.sizes.chosen.connect(self._choose_size)
        self.patterns = Gallery("Patterns to learn", 36, (44, 42))
        self.patterns.taken.connect(self._take)
        self.patterns.removed.connect(self._remove)
        layouts.add(card.body, make_field(self.machine.state, "data", None), self.sizes, (self.patterns, 1))
        return card

    def _draw_card(self) -> CollapsiblePanel:
        card = CollapsiblePanel("Draw")
        self.pad = PatternPad()
        self.pad.drawn.connect(self._show_pattern)
        self.pad.finished.connect(self._add)
        self.pattern_label = named(
            QLabel(wordWrap=True),
            "Probability of the drawn pattern",
            "How probable the drawn pattern is under the weights as they are now",
        )
        self.pattern_label.setFont(theme.number_font())
        self.add = button("&Add", "Learn the drawn pattern too (Enter)", self._add, "addPattern")
        self.remove = button(
            "Remo&ve",
            "Remove the drawn pattern (Delete in the list)",
            lambda: self._remove(self.pad.pattern),
            "removePattern",
        )
        self.clear = button(
            "&Clear all",
            f"Start from no patterns at all; {native_keys(UNDO)} brings them back",
            lambda: self._become([]),
            "clearPatterns",
        )
        row = layouts.across(self.add, self.remove, spacing=UNIT // 2)
        beside = layouts.down((self.pattern_label, 1), row, self.clear, spacing=UNIT // 2)
        card.body.addLayout(layouts.across(self.pad, (beside, 1)))
        return card

    def _train_card(self) -> CollapsiblePanel:
        self.train_card = card = CollapsiblePanel("Train")
        self.train = button(
            "&Train",
            "Increase the log-likelihood of the patterns by gradient ascent, or pause",
            self._toggle,
            "trainBoltzmann",
        )
        set_role(self.train, "primary")
        self.reset = button("&Reset", "Discard what was learned: W = 0", self.machine.reset, "resetBoltzmann")
        row = layouts.across((self.train, 1), self.reset, spacing=UNIT)
        layouts.add(card.body, *(make_field(self.machine.state, key) for key in ("learning_rate", "steps")), row)
        return card

    def _likely_card(self) -> CollapsiblePanel:
        self.likely_card = card = CollapsiblePanel("Most probable")
        self.likely = Gallery("Most probable states", 36, (54, 56))
        self.likely.set_empty("The most probable pictures appear here.")
        self.likely.taken.connect(self._take)
        card.body.addWidget(self.likely, 1)
        return card

    def _samples_card(self) -> CollapsiblePanel:
        self.samples_card = card = CollapsiblePanel("Samples")
        self.again = button("&Sample again", "Draw with other random numbers", self._sample_again, "sampleAgain")
        row = layouts.across((make_field(self.machine.state, "sampler", None), 1), self.again, spacing=UNIT)
        self.samples = Gallery("Samples", 24, (28, 28))
        self.samples.set_empty("Samples of the machine appear here.")
        self.samples.taken.connect(self._take)
        layouts.add(card.body, row, (self.samples, 1))
        return card

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
        self._show_pattern()

    def _texts(self) -> list[str]:
        """The patterns to learn, as texts."""
        return [write_pattern(one) for one in patterns_of(self.machine.settings)]

    def _become(self, texts: list[str]) -> None:
        self.machine.state.edit({"data": "drawn", "patterns": tuple(texts)})

    @Slot()
    def _add(self) -> None:
        texts, drawn = self._texts(), write_pattern(self.pad.pattern)
        if drawn not in texts:
            self._become([*texts, drawn])

    @Slot(object)
    def _remove(self, pattern: np.ndarray) -> None:
        texts = self._texts()
        texts.remove(write_pattern(pattern))
        self._become(texts)

    def _toggle(self) -> None:
        if self.machine.training:
            self.machine.pause()
        else:
            self.machine.train()

    def _sample_again(self) -> None:
        self.machine.state.edit({"seed": self.machine.settings.seed + 1}, merge="seed")

    # --- content

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if keys & {"rows", "columns", "data", "patterns"}:
            self._show_patterns()

    def _show_patterns(self) -> None:
        settings, found = self.machine.settings, patterns_of(self.machine.settings)
        shape = settings.rows, settings.columns
        self.sizes.set_value("{}×{}".format(*shape))
        if self.pad.pattern.shape != shape:
            self.pad.set_pattern(np.full(shape, -1))
        self.patterns_card.set_state(f"{len(found)} of {format_count(2 ** np.prod(shape).item())} states")
        self.clear.setEnabled(len(found) > 0)
        back = CLEARED.format(native_keys(UNDO)) if self.machine.state.stack.canUndo() else ""
        self.patterns.set_empty(EMPTY + back)
        self.patterns.show_patterns([Entry(one, "data") for one in found])
        self._show_pattern()

    @Slot()
    def _show_pattern(self) -> None:
        view = self.machine.view
        self.pattern_label.setText(pattern_sentence(self.pad.pattern, None if view is None else view.progress))
        known = write_pattern(self.pad.pattern) in self._texts()
        self.add.setEnabled(not known)
        self.remove.setEnabled(known)

    @Slot()
    def _show(self) -> None:
        """Show the machine as it is now."""
        machine, view = self.machine, self.machine.view
        self._show_pattern()
        self.train.setText("&Pause" if machine.training else "&Train")
        self.train.setEnabled(machine.training or not (machine.conflict or machine.finished))
        self.cost.measure.setEnabled(not machine.jobs.running(COST))
        for one in (self.reset, self.again):
            one.setEnabled(view is not None)
        said = "learning" if machine.training else "learned" if machine.finished else "paused" if view else ""
        self.train_card.set_state(said)
        progress = None if view is None else view.progress
        self.weights.show_progress(progress, machine.settings)
        self.learning.show_progress(progress, machine.settings.steps, machine.conflict)
        if machine.cost is not None and machine.cost is not self.cost.shown:
            self.cost.show_cost(machine.cost)
        likely, samples, shares = [], [], ("", "")
        if view is not None:
            learned = are_patterns(machine.settings, view.likely.states)
            for state, chance, known in zip(view.likely.states, view.likely.probabilities, learned, strict=True):
                share, which = probability(chance), "one of the patterns" if known else "not one of the patterns"
                likely.append(Entry(state, "data" if known else "learned", f"p = {share}, {which}; ", share))
            samples = [Entry(state, "particles") for state in view.samples]
            count = np.count_nonzero(are_patterns(machine.settings, view.samples))
            shares = (
                f"{format_number(100 * view.likely.of_patterns)} % are patterns",
                f"{count} of {len(samples)} are patterns",
            )
        self.likely.show_patterns(likely)
        self.samples.show_patterns(samples)
        for card, share in zip((self.likely_card, self.samples_card), shares, strict=True):
            card.set_state(share)
