"""Keys: what each computed value depends on, by its content. Equal keys have equal values, in every process.

A key has an experiment that is reduced to the settings on which its value depends; all others have their defaults. So keys
compare by what matters, and the reduced experiment is all that is needed to compute the value. This module imports no torch: the
window asks for keys before torch is loaded.
"""

import functools
import hashlib
from collections.abc import Collection
from typing import Any, ClassVar

import msgspec

from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment, fields, value
from playground.lab.figures.parts import PARTS
from playground.lab.measured import Figures
from playground.lab.points import Points
from playground.lab.settings import Likelihood, Training
from playground.lab.store import Kept
from playground.lab.trained import Trained
from playground.lab.trajectory import Trajectory

Digests = tuple[tuple[str, str], ...]
"""SHA-256 of each file that a setting names, and of the plug-in of each chosen kind, by setting."""
GIVEN = "given"
"""The name of the digest of points that are given, as by a session, in place of those that the settings say."""
HELD_OUT = "data.held_out"
"""The name in place of a digest of how many points a training holds out of finite data, if that is not what the settings say now."""
KNOWN = ("exact", "empirical")
"""The scores that need no network."""
DEFAULT = Experiment()


class Key(msgspec.Struct, frozen=True, cache_hash=True):
    """What a value depends on. Its fields are experiments, other keys and plain values."""

    kept: ClassVar[type[Kept] | None] = None
    """The type of its value, if a store writes it into its folder."""

    @property
    def again(self) -> bool:
        """Whether its value can be computed again."""
        return True

    @property
    def file(self) -> str:
        """A name of letters and digits that is the same for equal keys in every process.

        It leaves out settings that have their defaults, so that one which a later version adds does not change it.
        """
        return _file(self)


@functools.lru_cache(maxsize=1024)
def _file(key: Key) -> str:
    told = msgspec.msgpack.encode([_plain(getattr(key, name)) for name in key.__struct_fields__])
    return f"{type(key).__name__.removesuffix('Key').lower()}-{hashlib.sha256(told).hexdigest()[:32]}"


def _plain(part: Any) -> Any:
    if isinstance(part, Experiment):
        # Equal keys have equal files: 0.0 equals -0.0.
        return [
            (key, value + 0.0 if isinstance(value, float) else value)
            for key, value in sorted(experiments.changed(part).items())
        ]
    return part.file if isinstance(part, Key) else part


class PointsKey(Key, frozen=True, cache_hash=True):
    """The points of an experiment: those to train on, those held out, and those from which a flow starts."""

    experiment: Experiment
    digests: Digests = ()

    kept: ClassVar[type[Kept] | None] = Points

    @property
    def again(self) -> bool:
        return not any(key == GIVEN for key, _ in self.digests)

    @classmethod
    def of(cls, experiment: Experiment, digests: Digests = ()) -> "PointsKey":
        start = experiment.noise if experiment.noise.file else DEFAULT.noise
        sections = (GIVEN, "data", "noise") if experiment.noise.file else (GIVEN, "data")
        given = any(key == GIVEN for key, _ in digests)  # and so is their split
        split = DEFAULT.likelihood if given else _split(experiment)
        settings = Experiment(data=experiment.data, noise=start, likelihood=split)
        return cls(settings, _of_sections(digests, sections))


class ProblemKey(Key, frozen=True, cache_hash=True):
    """Points on the device, with what is measured of them when it is first asked for."""

    points: PointsKey


class TrainingKey(Key, frozen=True, cache_hash=True):
    """One training.

    Attributes:
        name: which training it is, where settings do not decide: it was trained further, or with settings that were changed on
            the way. Its experiment then has only the settings that reset it, and only a store has what came of it. "" for
            the training from its start to its end by all of its settings.
    """

    experiment: Experiment
    digests: Digests = ()
    name: str = ""

    kept: ClassVar[type[Kept] | None] = Trained

    @classmethod
    def of(cls, experiment: Experiment, digests: Digests = (), name: str = "") -> "TrainingKey":
        reduced = msgspec.structs.replace(experiment, sampling=DEFAULT.sampling, likelihood=_split(experiment))
        sections = [GIVEN, "data", "noise", "network"]
        if name:
            return cls(_only_resets(reduced), _of_sections(digests, sections), name)
        return cls(reduced, _of_sections(digests, [*sections, "objective"]))

    @property
    def again(self) -> bool:
        return not self.name

    @property
    def points(self) -> PointsKey:
        """The points that it trains on. It owns them, so that no other number of held-out points puts one into the test set."""
        return PointsKey.of(self.experiment, self.digests)


class WeightsKey(Key, frozen=True, cache_hash=True):
    """The averaged weights of a training.

    Attributes:
        step: that after which they were kept; None for those with which the training ended.
    """

    training: TrainingKey
    step: int | None = None


class ModelKey(Key, frozen=True, cache_hash=True):
    """A network with the problem of an experiment, whose settings of sampling and likelihoods say what is asked of it.

    Attributes:
        points: those that its training owns.
        weights: None if there is none; then only known scores can be followed.
        digests: of files and of the plug-ins of all kinds.
    """

    experiment: Experiment
    points: PointsKey
    weights: WeightsKey | None = None
    digests: Digests = ()

    @classmethod
    def after(cls, training: TrainingKey, step: int, experiment: Experiment, held_out: int | None = None) -> "ModelKey":
        """The network after a step of a training, with an experiment's settings of sampling and likelihoods.

        Args:
            held_out: how many points the training holds out; None of data that give as many as the settings say.
        """
        settings = msgspec.structs.replace(
            training.experiment, sampling=experiment.sampling, likelihood=experiment.likelihood
        )
        digests = training.digests if held_out is None else (*training.digests, (HELD_OUT, str(held_out)))
        return cls(settings, PointsKey.of(settings, digests), WeightsKey(training, step), training.digests)


class StartKey(Key, frozen=True, cache_hash=True):
    """Points at which particles start, which only a store has.

    Attributes:
        digest: their SHA-256.
    """

    digest: str

    @property
    def again(self) -> bool:
        return False


class RunKey(Key, frozen=True, cache_hash=True):
    """A run of the sampler.

    Attributes:
        model: its experiment has no settings of likelihoods.
        start: the points at which the particles start; None if the sampler draws them.
        compared: whether its noise is that of the Brownian path that compared runs share.
    """

    model: ModelKey
    start: StartKey | None = None
    compared: bool = False

    kept: ClassVar[type[Kept] | None] = Trajectory

    @classmethod
    def of(cls, model: ModelKey, start: StartKey | None = None, compared: bool = False) -> "RunKey":
        split = _split(model.points.experiment)
        settings = msgspec.structs.replace(
            _only_resets(model.experiment), sampling=model.experiment.sampling, likelihood=split
        )
        weights = None if settings.sampling.follows in KNOWN else model.weights
        digests = _of_sections(model.digests, (GIVEN, "data", "noise", "network", "sampling"))
        return cls(ModelKey(settings, model.points, weights, digests), start, compared)


class FiguresKey(Key, frozen=True, cache_hash=True):
    """A part of the figures of docs/metrics.md.

    Attributes:
        part: its name, see :data:`playground.lab.figures.parts.PARTS`.
        model: with the weights that are measured, and the settings by which they are.
        run: the run that is measured; None for figures of no run.
    """

    part: str
    model: ModelKey
    run: RunKey | None = None

    kept: ClassVar[type[Kept] | None] = Figures

    @classmethod
    def of(cls, part: str, model: ModelKey, run: RunKey | None = None) -> "FiguresKey":
        """The key of a part.

        Args:
            run: that which is measured; by default the run of the model.
        """
        about, experiment = PARTS[part].about, model.experiment
        if about == "run":
            run = run or RunKey.of(model)
            return cls(part, run.model, run)
        followed = {"sampling": experiment.sampling.follows, "likelihood": experiment.likelihood.source}
        weights = None if followed.get(about) in KNOWN else model.weights
        others = {"sampling": DEFAULT.sampling, "likelihood": _split(experiment)}
        reset: dict[str, Any] = {name: section for name, section in others.items() if name != about}
        if about == "likelihood":  # interpolations are no figures
            way = DEFAULT.likelihood.interpolation
            reset[about] = msgspec.structs.replace(experiment.likelihood, interpolation=way)
        return cls(part, ModelKey(msgspec.structs.replace(experiment, **reset), model.points, weights, model.digests))

    @property
    def again(self) -> bool:
        return self.model.points.again and (self.model.weights is None or self.model.weights.training.again)


def _of_sections(digests: Digests, sections: Collection[str]) -> Digests:
    return tuple((key, digest) for key, digest in digests if key.partition(".")[0] in sections)


def _split(experiment: Experiment) -> Likelihood:
    """The default settings of likelihoods with the number of held-out points, which decides which points are trained on."""
    return Likelihood(points=experiment.likelihood.points)


def _only_resets(experiment: Experiment) -> Experiment:
    """The settings that training depends on from its first step."""
    kept = {
        key.removeprefix("training."): value(experiment, key)
        for key, field in fields(experiment).items()
        if field.resets and key.startswith("training.")
    }
    return Experiment(
        data=experiment.data,
        noise=experiment.noise,
        network=experiment.network,
        training=Training(**kept),
        likelihood=_split(experiment),
    )
