"""Which columns are compared: each change of them is a step of the history."""

from collections.abc import Sequence

from PySide6.QtCore import Slot

from playground.app.controllers.controller import Controller
from playground.app.controllers.notification import notify
from playground.app.controllers.playing import Playing
from playground.app.model.columns import another, edits_between
from playground.app.model.state import State
from playground.lab.columns import FEWEST, MOST, Column, Columns, with_edits
from playground.lab.pinned_run import PinnedRun
from playground.messages import Message

MATCHING = ("exact", "sliced", "denoising")


class ColumnEdits(Controller):
    """Begins, changes and ends comparisons."""

    def __init__(self, state: State, playing: Playing) -> None:
        super().__init__(state)
        self._playing = playing

    @property
    def columns(self) -> Columns:
        return self._state.document.columns

    @property
    def can_add(self) -> bool:
        return FEWEST <= len(self.columns) < MOST

    @property
    def can_remove(self) -> bool:
        return len(self.columns) > FEWEST

    @Slot()
    def toggle(self) -> None:
        """Start the comparison, or leave it."""
        (self.leave if self.columns else self.begin)()

    def begin(self, columns: Sequence[Column] = ()) -> None:
        """Compare these columns; by default the main experiment with another sampler."""
        if self._state.model is None:
            return
        chosen = tuple(columns)[:MOST]
        if len(chosen) < FEWEST:
            chosen = (Column(), self._another(()))
        self._state.put(columns=chosen)
        self._playing.set_playing(True)

    @Slot()
    def compare_objectives(self) -> None:
        """Compare scores that are learned by the objectives of score matching."""
        own, sampling = self._state.experiment.objective.kind, self._state.experiment.sampling
        learned = {} if sampling.follows in (None, "learned") else {"sampling.source": "learned"}
        changes = [learned if kind == own else {"objective.kind": kind, **learned} for kind in MATCHING]
        self.begin([Column.of(each) if each else Column() for each in changes])

    @Slot()
    def leave(self) -> None:
        """End the comparison and show the main run again."""
        self._state.put(columns=())

    def compare(self, runs: Sequence[PinnedRun]) -> None:
        """Compare pinned runs: their settings are sampled again with common noise."""
        main, model = self._state.experiment, self._state.model
        if model is None:
            return
        others = next((run for run in runs if run.experiment.data != main.data), None)
        if others is not None:
            said = "Run {} was sampled on other data: restore it first, or choose others."
            notify(
                self._state,
                "error",
                Message("other-data", said, (others.name,)),
                "",
                lambda: self._state.experiment == main,
            )
            return
        columns, lost = [], None
        for run in runs:
            step = None if run.trained_steps == model.training.now.step else run.trained_steps
            if step is not None and step not in model.training.now.kept_steps:
                step, lost = None, lost or run.trained_steps
            columns.append(Column.of(edits_between(main, run.experiment), step))
        self.begin(columns)
        if lost is not None:
            said = "The weights of {:,} training steps are not kept: the column follows the newest."
            notify(self._state, "warning", Message("lost-weights", said, (lost,)), "", lambda: bool(self.columns))

    @Slot()
    def add(self) -> None:
        """Add a column at the right: the main experiment with a sampler that is not compared yet."""
        if self.can_add:
            self._state.put(columns=(*self.columns, self._another(self.columns)))

    def remove(self, place: int) -> None:
        """Remove a column."""
        if self.can_remove:
            self._state.put(columns=(*self.columns[:place], *self.columns[place + 1 :]))

    def put(self, place: int, column: Column) -> None:
        """Change the edits of a column.

        Raises:
            ExperimentError: the edits do not fit the main experiment.
        """
        with_edits(self._state.experiment, column)
        self._state.put(columns=(*self.columns[:place], column, *self.columns[place + 1 :]))

    def _another(self, columns: Columns) -> Column:
        return another(self._state.experiment, self._state.conditions, columns)
