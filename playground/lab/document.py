"""What the user has, as one frozen value: settings, trainings, pinned runs, columns, clicked points, and the place in a lesson.

Everything on screen and in files is a function of a Document and of a store. Undo is a list of Documents and an index. This module
imports no torch.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from playground.lab import experiment as experiments
from playground.lab.columns import Columns, with_edits
from playground.lab.experiment import SEED, Experiment, ExperimentError, reset_key
from playground.lab.keys import GIVEN, Digests, ModelKey, PointsKey, RunKey, TrainingKey, WeightsKey
from playground.lab.pinned_run import PinnedRun
from playground.lab.provenance import digests
from playground.lab.settings import AFTER_TRAINING

DATA_FILE, START_FILE = experiments.FILES
Place = tuple[float, float] | int
"""A point of the plane in the user's units, or the number of an image."""


class LessonPlace(msgspec.Struct, frozen=True):
    """A step of a lesson, or a scene.

    Attributes:
        step: from 0; None of a scene.
    """

    name: str
    title: str
    step: int | None = None


class Document(msgspec.Struct, frozen=True):
    """What the user has.

    Attributes:
        digests: of each file that a setting names, when it was chosen: a file that changes on disk changes nothing here.
        trainings: those that were begun, the newest last; the newest one with the settings of the experiment is that of the document.
    """

    experiment: Experiment
    digests: Digests = ()
    trainings: tuple[TrainingKey, ...] = ()
    pins: tuple[PinnedRun, ...] = ()
    columns: Columns = ()
    clicked: tuple[Place, ...] = ()
    lesson: LessonPlace | None = None

    @classmethod
    def of(cls, experiment: Experiment, given: str | None = None) -> "Document":
        """The document of settings whose files are as they are now.

        Args:
            given: the digest of points that are given in place of those of the settings, as by a session.
        """
        return cls(experiment, _with_given(dict(digests(experiment)), given))

    def edited(self, changes: Mapping[str, Any]) -> "Document":
        """The document with other settings, by dotted key; a file that is chosen anew is taken as it is now.

        Raises:
            ExperimentError: as :func:`playground.lab.experiment.replace`.
        """
        experiment = experiments.replace(self.experiment, changes)
        before, found = dict(self.digests), dict(digests(experiment))
        same = experiments.files(experiment).items() & experiments.files(self.experiment).items()
        found |= {key: before[key] for key, _ in same if key in before and key not in changes}
        is_given = experiment.data == self.experiment.data and DATA_FILE not in changes
        kept = _with_given(found, before.get(GIVEN) if is_given else None)
        return msgspec.structs.replace(self.with_experiment(experiment), digests=kept)

    def with_experiment(self, experiment: Experiment) -> "Document":
        """The document with other settings and the same files.

        Points that were clicked in other data are none of its own. An empty drawing has nothing to compare, and its canvas is
        needed for the brush.
        """
        # Without any, nothing is asked of the settings: a window's may be of the brush, or of a Boltzmann machine.
        clicked, columns = self.clicked, self.columns
        if clicked and experiment.data != self.experiment.data:
            clicked = ()
        if columns and any(why.key == "data.strokes" for why in experiment.data.conflicts()):
            columns = ()
        return msgspec.structs.replace(self, experiment=experiment, columns=columns, clicked=clicked)

    def begun(self, name: str = "") -> "Document":
        """The document after a training with its settings has begun.

        Args:
            name: see :class:`TrainingKey`; "" for the training that its settings alone decide.
        """
        new = TrainingKey.of(self.experiment, self.digests, name)
        return msgspec.structs.replace(self, trainings=(*(old for old in self.trainings if old != new), new))

    @property
    def training(self) -> TrainingKey | None:
        """The newest training that was begun with the present settings, as far as a change of them resets it."""
        settings = reset_key(self.experiment)
        same = (key for key in reversed(self.trainings) if reset_key(key.experiment) == settings)
        return next((key for key in same if key == TrainingKey.of(key.experiment, self.digests, key.name)), None)

    @property
    def points(self) -> PointsKey:
        """Its points; those of its training, if there is one, which owns their split."""
        return PointsKey.of(self.experiment, self.digests) if self.training is None else self.training.points

    @property
    def model(self) -> ModelKey:
        """Its network with its problem."""
        weights = None if self.training is None else WeightsKey(self.training)
        return ModelKey(self.experiment, self.points, weights, self.digests)

    @property
    def run(self) -> RunKey:
        """Its run of the sampler; those of columns share one Brownian path."""
        return RunKey.of(self.model, compared=bool(self.columns))

    def column(self, number: int) -> "Document":
        """The document of a column.

        Raises:
            ExperimentError: its settings cannot differ.
        """
        other = with_edits(self.experiment, self.columns[number])
        return msgspec.structs.replace(self, experiment=other)

    def after_training(self, changes: Mapping[str, Any]) -> "Document":
        """The document with other settings of sampling and likelihoods. "seed" is that of sampling, as the weights belong to the others.

        Raises:
            ExperimentError: a setting would need a new training, or cannot be used.
        """
        own = {"sampling.seed": changes[SEED]} if SEED in changes else {}
        own |= {key: value for key, value in changes.items() if key != SEED}
        other = next((key for key in own if not key.startswith(AFTER_TRAINING)), None)
        if other is not None:
            raise NeedsTraining(other)
        return self.edited(own)


def _with_given(found: dict[str, str], given: str | None) -> Digests:
    """Digests by setting, with that of given points in place of that of the data's file; None if no points are given."""
    if given is not None:
        found = {GIVEN: given} | {key: digest for key, digest in found.items() if key != DATA_FILE}
    return tuple(found.items())


class NeedsTraining(ExperimentError):
    """A setting of a trained model that would need a new training.

    Attributes:
        key: the setting.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} would need a new training.")
        self.key = key
