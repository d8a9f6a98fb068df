"""Models in memory, so that undo neither reads a file again nor builds a network again."""

from pathlib import Path
from typing import TYPE_CHECKING

from playground.app.model.model import LiveModel
from playground.lab.bounded_memory import BoundedMemory, parts_of
from playground.lab.experiment import Experiment
from playground.lab.keys import TrainingKey

if TYPE_CHECKING:
    from playground.lab.problem import Problem

KEPT = 2**30  # bytes of all models that undo can reach


class KeptModels(BoundedMemory[TrainingKey, LiveModel]):
    """The models by their trainings. What was trained goes only once the window's store has it."""

    def __init__(self) -> None:
        super().__init__(KEPT)

    def keep(self, model: LiveModel) -> None:
        """Keep a model, and let go of others."""
        key = model.training.key
        assert key is not None
        self.put(key, model, parts_of(model))
        safe = {old for old, kept in self.items() if kept.training.is_stored}
        self.shrink(lambda old: old != key and old in safe)

    def problem(self, experiment: Experiment, key: TrainingKey) -> "Problem | None":
        """The problem of a model with the same points, to be shared: split as the settings say, or unchanged if the file of
        its points is not there any more."""
        data, wanted = experiment.data, experiment.likelihood.points
        lost = data.is_file and not Path(data.file).exists()
        read = (
            one.training.trainer.problem
            for of, one in reversed(self.items())
            if of.points.digests == key.points.digests
        )
        same = (problem for problem in read if problem.experiment.data == data)
        return next((problem for problem in same if lost or problem.experiment.likelihood.points == wanted), None)
