"""Tools > Boltzmann machine: draw patterns, watch them being learned, and see the cost of Z."""

import numpy as np
from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QFrame, QLabel, QScrollArea, QWidget

from playground.app.dialogs.boltzmann.cards import CostCard, LearningCard, WeightsCard
from playground.app.dialogs.boltzmann.gallery import Gallery
from playground.app.dialogs.boltzmann.machine import Machine, MachineState
from playground.app.dialogs.boltzmann.pad import PatternPad
from playground.app.dialogs.boltzmann.readings import pattern_sentence, pattern_words
from playground.app.dialogs.help import native_keys
from playground.app.style import theme
from playground.app.style.number_formats import format_count
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption, named
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.controls import SegmentedControl
from playground.app.widgets.fields import make_field
from playground.drawing.boltzmann import probability
from playground.drawing.palette import Palette
from playground.lab.boltzmann.patterns import write_pattern
from playground.lab.boltzmann.settings import Boltzmann
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


class BoltzmannWindow(QDialog):
    """Starts with 3 x 3 bars and stripes. It is not modal, and may be closed at any time."""

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("boltzmannWindow")
        self.setWindowTitle("Boltzmann machine")
        self.setWindowFlags(Qt.WindowType.Window)
        self.machine = Machine(self)
        self._palette = palette
        self._begun = False
        self._lay_out()
        self.machine.seen.connect(self._show)
        self.machine.measured.connect(self.cost.show_cost)
        self.machine.changed.connect(self._show_state)
        self.machine.state.changed.connect(self._edited)
        for keys, act in (
            (UNDO, self.machine.state.undo),
            (QKeySequence.StandardKey.Redo, self.machine.state.redo),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(act)
        self.apply_palette(palette)
        self._show_patterns()
        self._show(None)
        self._show_state()
        self.setMinimumHeight(SMALLEST)
        self.resize(SIZE)

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
        for holder, cards in (
            (left, (self._patterns_card(), self._draw_card(), self._train_card())),
            (QWidget(), (self.learning, self.weights)),
            (right, (self._likely_card(), self._samples_card(), self.cost)),
        ):
            column = layouts.down(within=holder, spacing=UNIT, margins=0)
            for card in cards:
                grows = card.objectName() not in ("card-draw", "card-train")
                column.addWidget(card, 1 if grows else 0)
            columns.addWidget(holder, 0 if holder is left else 1)
        inner, area = QWidget(), QScrollArea()  # with text of 200 % the columns are wider than many screens
        inner.setLayout(columns)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        layouts.down(
            about, (area, 1), within=self, spacing=UNIT, margins=(2 * UNIT, 3 * UNIT // 2, 2 * UNIT, 3 * UNIT // 2)
        )

    def _patterns_card(self) -> CollapsiblePanel:
        self.patterns_card = card = CollapsiblePanel("Patterns")
        card.body.addWidget(make_field(self.machine.state, "data", None))
        self.sizes = SegmentedControl([(size, size) for size in SIZES])
        for size, choice in self.sizes.buttons.items():
            units = int(size[0]) ** 2
            named(
                choice,
                f"{size} pixels",
                f"Pictures of {size} pixels: {units} units, 2^{units} = {2**units:,} states to sum over",
            )
        self.sizes.chosen.connect(self._choose_size)
        card.body.addWidget(self.sizes)
        self.patterns = Gallery("Patterns to learn", 76, largest=14.0)
        self.patterns.chosen.connect(lambda number: self._take(self.patterns.patterns[number]))
        self.patterns.removed.connect(self._remove)
        card.body.addWidget(self.patterns, 1)
        return card

    def _draw_card(self) -> CollapsiblePanel:
        card = CollapsiblePanel("Draw")
        self.pad = PatternPad()
        self.pad.drawn.connect(self._show_pattern)
        self.pad.finished.connect(self._add)
        self.pattern_label = QLabel(wordWrap=True)
        named(
            self.pattern_label,
            "Probability of the drawn pattern",
            "How probable the drawn pattern is under the weights as they are now",
        )
        self.pattern_label.setFont(theme.number_font())
        self.add = button("&Add", "Learn the drawn pattern too (Enter)", self._add, "addPattern")
        self.remove = button("Remo&ve", "Remove the drawn pattern (Delete in the list)", self._drop, "removePattern")
        self.clear = button(
            "&Clear all",
            f"Start from no patterns at all; {native_keys(UNDO)} brings them back",
            self._clear,
            "clearPatterns",
        )
        row = layouts.across(self.add, self.remove, spacing=UNIT // 2)
        beside = layouts.down((self.pattern_label, 1), row, self.clear, spacing=UNIT // 2)
        both = layouts.across(self.pad, (beside, 1))
        card.body.addLayout(both)
        return card

    def _train_card(self) -> CollapsiblePanel:
        self.train_card = card = CollapsiblePanel("Train")
        for key in ("learning_rate", "steps"):
            card.body.addWidget(make_field(self.machine.state, key))
        self.train = button(
            "&Train",
            "Increase the log-likelihood of the patterns by gradient ascent, or pause",
            self._toggle,
            "trainBoltzmann",
        )
        set_role(self.train, "primary")
        self.reset = button("&Reset", "Discard what was learned: W = 0", self.machine.reset, "resetBoltzmann")
        row = layouts.across((self.train, 1), self.reset, spacing=UNIT)
        card.body.addLayout(row)
        return card

    def _likely_card(self) -> CollapsiblePanel:
        self.likely_card = card = CollapsiblePanel("Most probable")
        self.likely = Gallery("Most probable states", 76, captions=True)
        self.likely.set_empty("The most probable pictures appear here.")
        self.likely.chosen.connect(lambda number: self._take(self.likely.patterns[number]))
        card.body.addWidget(self.likely, 1)
        return card

    def _samples_card(self) -> CollapsiblePanel:
        self.samples_card = card = CollapsiblePanel("Samples")
        self.again = button("&Sample again", "Draw with other random numbers", self._sample_again, "sampleAgain")
        row = layouts.across((make_field(self.machine.state, "sampler", None), 1), self.again, spacing=UNIT)
        card.body.addLayout(row)
        self.samples = Gallery("Samples", 64)
        self.samples.set_empty("Samples of the machine appear here.")
        self.samples.chosen.connect(lambda number: self._take(self.samples.patterns[number]))
        card.body.addWidget(self.samples, 1)
        return card

    # --- life

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._begun:
            self._begun = True
            self.pad.setFocus()
            self.machine.train()
            self.machine.measure()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.machine.stop()
        event.accept()

    def reject(self) -> None:
        self.close()  # Escape closes it in the same way

    def shutdown(self, seconds: float) -> bool:
        """End its threads, when quitting.

        Returns:
            Whether they ended in time.
        """
        return self.machine.shutdown(seconds)

    def apply_palette(self, palette: Palette) -> None:
        self._palette = palette
        for card in self.findChildren(CollapsiblePanel):
            card.apply_palette(palette)

    # --- the user's actions

    def _choose_size(self, size: str) -> None:
        side = int(size[0])
        settings = self.machine.settings
        changes: dict[str, object] = {"rows": side, "columns": side}
        if settings.data == "drawn":
            changes["patterns"] = ()  # patterns of another size cannot be learned
        self.machine.state.edit(changes)

    def _take(self, pattern: np.ndarray) -> None:
        """Put a picture on the pad, where its probability is shown."""
        self.pad.set_pattern(pattern)
        self._show_pattern()

    def _become(self, patterns: list[np.ndarray]) -> None:
        self.machine.state.edit({"data": "drawn", "patterns": tuple(map(write_pattern, patterns))})

    @Slot()
    def _add(self) -> None:
        if self._drawn_number() is None:
            self._become([*self.machine.patterns(), self.pad.pattern])

    @Slot()
    def _drop(self) -> None:
        number = self._drawn_number()
        if number is not None:
            self._remove(number)

    @Slot(int)
    def _remove(self, number: int) -> None:
        patterns = [*self.machine.patterns()]
        del patterns[number]
        self._become(patterns)

    @Slot()
    def _clear(self) -> None:
        self._become([])

    def _drawn_number(self) -> int | None:
        """The index of the pattern on the pad; None if it is not one of the patterns."""
        drawn = self.pad.pattern
        return next((n for n, one in enumerate(self.machine.patterns()) if np.array_equal(one, drawn)), None)

    @Slot()
    def _toggle(self) -> None:
        if self.machine.training:
            self.machine.pause()
        else:
            self.machine.train()

    @Slot()
    def _sample_again(self) -> None:
        self.machine.state.edit({"seed": self.machine.settings.seed + 1}, merge="seed")

    # --- content

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if keys & {"rows", "columns", "data", "patterns"}:
            self._show_patterns()

    def _show_patterns(self) -> None:
        settings: Boltzmann = self.machine.settings
        self.sizes.set_value(f"{settings.rows}×{settings.columns}")
        found = self.machine.patterns()
        if self.pad.pattern.shape != (settings.rows, settings.columns):
            self.pad.set_pattern(np.full((settings.rows, settings.columns), -1, np.int8))
        self.patterns.show_patterns(found, ["data"] * len(found), [pattern_words(one) for one in found])
        states = format_count(2 ** (settings.rows * settings.columns))
        self.patterns_card.set_state(f"{len(found)} of {states} states")
        self.clear.setEnabled(len(found) > 0)
        self.patterns.set_empty(
            EMPTY + (CLEARED.format(native_keys(UNDO)) if self.machine.state.stack.canUndo() else "")
        )
        self._show_pattern()

    @Slot()
    def _show_pattern(self) -> None:
        view = self.machine.view
        progress = None if view is None else view.progress
        self.pattern_label.setText(pattern_sentence(self.pad.pattern, progress))
        known = self._drawn_number() is not None
        self.add.setEnabled(not known)
        self.remove.setEnabled(known)

    @Slot(object)
    def _show(self, view: MachineState | None) -> None:
        self._show_pattern()
        settings = self.machine.settings
        if view is None:
            none = np.zeros((0, 3, 3), np.int8)
            self.weights.clear(settings.rows * settings.columns, settings.columns)
            self.learning.clear(self.machine.conflict)
            for gallery in (self.likely, self.samples):
                gallery.show_patterns(none, [], [])
            return
        progress, likely = view.progress, view.likely
        self.weights.show_progress(progress, settings.columns)
        self.learning.show_progress(progress, settings.steps)
        colors = ["data" if learned else "learned" for learned in likely.learned]
        chances = likely.probabilities.tolist()
        words = [
            f"p = {probability(chance)}, {'one of the patterns' if learned else 'not one of the patterns'}; {pattern_words(one)}"
            for one, chance, learned in zip(likely.states, chances, likely.learned, strict=True)
        ]
        self.likely.show_patterns(likely.states, colors, words, [probability(chance) for chance in chances])
        share = f"{100 * likely.of_patterns:.1f}".removesuffix(".0")
        self.likely_card.set_state(f"{share} % are patterns")
        drawn = view.samples
        self.samples.show_patterns(drawn, ["particles"] * len(drawn), [pattern_words(one) for one in drawn])
        self.samples_card.set_state(f"{round(view.learned * len(drawn))} of {len(drawn)} are patterns")

    @Slot()
    def _show_state(self) -> None:
        machine = self.machine
        conflict = machine.conflict
        self.train.setText("&Pause" if machine.training else "&Train")
        self.train.setEnabled(machine.training or not (conflict or machine.finished))
        self.reset.setEnabled(machine.view is not None)
        self.again.setEnabled(machine.view is not None)
        self.cost.measure.setEnabled(not machine.measuring)
        words = "learning" if machine.training else "learned" if machine.finished else "paused" if machine.view else ""
        self.train_card.set_state(words)
        if machine.view is None:
            self.learning.set_state("")
            self.likely_card.set_state("")
            self.samples_card.set_state("")
