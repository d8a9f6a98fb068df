"""All figures of a run: those of its training, likelihoods, samples, score, steps and paths, as docs/metrics.md lists them.

They are measured in parts, because the figures of a part come from the same draws. Importing this module registers how everything
that has a key is computed.
"""

import dataclasses
import math
from collections.abc import Callable, Generator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from playground import messages
from playground.lab import error_budget, path_energy, score_errors
from playground.lab import experiment as experiments
from playground.lab.compute import Value, computes, passed_on
from playground.lab.conflicts import flow_conflict
from playground.lab.density_map import integral
from playground.lab.evaluation import evaluate, sample_distances
from playground.lab.experiment import SEEDS
from playground.lab.figures import sorts_of
from playground.lab.figures.parts import PARTS
from playground.lab.keys import FiguresKey
from playground.lab.measured import ENDS, Figures, Measured, owners
from playground.lab.model import Model
from playground.lab.opened import Opened
from playground.lab.progress import MeasuringProgress, TrainingProgress
from playground.lab.provenance import Provenance
from playground.lab.trained import Trained
from playground.lab.training import Trainer
from playground.lab.trajectory import Trajectory
from playground.records import record
from playground.user_errors import UserError

Found = Mapping[str, Measured]
Steps = Generator[MeasuringProgress, None, Found]


@record
class Measurable:
    """What a part of the figures is measured of.

    Attributes:
        trained: None without a training.
        run: None for figures of no run.
    """

    model: Model
    trained: Trained | None = None
    run: Trajectory | None = None

    @property
    def samples(self) -> NDArray[np.floating]:
        """The particles at the end of the run, (N, *shape) in the user's units."""
        assert self.run is not None
        final: NDArray[np.floating] = self.run.positions[-1]
        return final


def part_of(key: str) -> str:
    """The name of the part that has a figure.

    Raises:
        UserError: there is no such figure.
    """
    sorts = {name: sorts_of(name) for name in PARTS}
    found = next((name for name, keys in sorts.items() if owners(key, keys)[0][0] in keys), None)
    if found is None:
        raise UserError(f"{key} is not known: no figure has this name.")
    return found


def run_figures(opened: Opened) -> Generator[MeasuringProgress, None, Figures]:
    """Measure all figures of a document whose network is trained, and say what made them."""
    figures: dict[str, Measured] = {}
    for name, part in PARTS.items():
        if not part.on_request:
            figures |= yield from opened.compute(FiguresKey.of(name, opened.document.model))
    experiment = opened.document.experiment
    made = {key.replace(".", "_"): experiments.value(experiment, key) for key in SEEDS}
    made["provenance"] = Provenance.of(experiment, figures["device"].value).as_json()
    return Figures(
        {name: finite(figure) for name, figure in figures.items()}
        | {name: Measured(value) for name, value in made.items()}
    )


@computes(FiguresKey)
def _figures(key: FiguresKey, _device: str) -> Generator[Any, Any, Figures]:
    run, weights = None if key.run is None else (yield key.run), key.model.weights
    model, is_of_training = (yield key.model), PARTS[key.part].about == "training"
    trained = (yield weights.training) if weights is not None and is_of_training else None
    measuring = MEASURE[key.part](Measurable(model, trained, run))
    found = yield from passed_on(measuring, lambda told: dataclasses.replace(told, stage=key.part))
    return Figures(found)


def sampling_cost(trajectory: Trajectory) -> Found:
    """The cost of a sampler's run: score evaluations of one particle (mean and maximum), and seconds."""
    return {
        "nfe_mean": Measured(float(trajectory.nfe_mean[-1])),
        "nfe_max": Measured(int(trajectory.nfe_max[-1])),
        "sampling_seconds": Measured(trajectory.seconds),
    }


def fraction(progress: TrainingProgress | Trajectory | MeasuringProgress) -> float:
    """How much of its work is done."""
    if isinstance(progress, Trajectory):
        return len(progress) / progress.total
    if isinstance(progress, MeasuringProgress):
        return progress.fraction
    left = progress.seconds_left or 0.0
    return progress.seconds / (progress.seconds + left) if progress.seconds + left else 1.0


def _cost(measured: Measurable) -> Steps:
    yield from ()
    assert measured.run is not None
    return sampling_cost(measured.run)


def _of_training(measured: Measurable) -> Steps:
    """The figures of a training, among them its final loss, which is estimated from many draws."""
    trained = measured.trained
    assert trained is not None
    trainer = Trainer(measured.model.problem)
    trainer.restore(trained.state)
    loss = None
    if trainer.step:
        loss = yield from passed_on(trainer.evaluate_loss(), MeasuringProgress)
    return _training(trainer, trained.last, loss)


def _of_integral(measured: Measurable) -> Steps:
    problem, found = measured.model.problem, None
    if problem.shape == (2,) and flow_conflict(problem.experiment) is None:
        found = yield from _labelled("integral of the density", integral(problem, measured.model.likelihood_score))
    return {"integral": Measured(found)}


def _of_score(model: Model, *few: int) -> Steps:
    return score_errors.score_figures(model.problem, model.learned, *few)


def _labelled(label: str, measuring: Generator[float, None, Value]) -> Generator[MeasuringProgress, None, Value]:
    return passed_on(measuring, lambda done: MeasuringProgress(done, label))


MEASURE: dict[str, Callable[[Measurable], Steps]] = {
    "Sampling": _cost,
    "Final loss": _of_training,
    "Likelihoods": lambda of: evaluate(of.model.problem, of.model.evaluated_score),
    "Distances": lambda of: sample_distances(of.model.problem, of.samples),
    "Score errors": lambda of: _of_score(of.model, *score_errors.within_a_second(of.model.problem)),
    "Error budget": lambda of: _labelled(
        "score, steps, prior and sigma_min", error_budget.error_budget(of.model.problem, of.model.score)
    ),
    "Path energy": lambda of: _labelled(
        "paths between the sets", path_energy.path_figures(of.model.problem, of.model.score)
    ),
    "Integral": _of_integral,
    "Score along sigma": lambda of: _of_score(of.model),
}
"""How each of :data:`PARTS` is measured."""


def _training(trainer: Trainer, last: TrainingProgress | None, final_loss: tuple[float, float] | None) -> Found:
    problem = trainer.problem
    beside = None if final_loss is None else trainer.held_out_loss(*final_loss)
    optimal = None if last is None else (last.optimal_loss, last.optimal_loss_error)
    found = {
        "train_points": len(problem.dataset.points),
        "held_out_points": len(problem.dataset.held_out),
        "data_note": str(problem.dataset.note or ""),
        "steps": trainer.step,
        "seconds": trainer.seconds,
        "steps_per_second": trainer.step / trainer.seconds if trainer.seconds else None,
        "final_loss": final_loss,
        "held_out_loss": beside,
        "kept_step": None if last is None or last.diverged else trainer.stopping.best_step or trainer.step,
        "early_stopping": None if last is None else last.note,
        "optimal_loss": optimal,
        "diverged": None if last is None else last.diverged,
        "parameters": sum(parameter.numel() for parameter in trainer.network.parameters()),
        "device": str(problem.device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }

    def figure(key: str, value: Any) -> Measured:
        value, error = value if isinstance(value, tuple) else (value, None)
        why = messages.plain(_why_none(key, trainer, last)) if value is None else None
        return Measured(value, error, reason=why)

    return {key: figure(key, value) for key, value in found.items()}


NOT_FINITE = messages.plain("The result is not finite: if training diverged, lower training.learning_rate.")
OF_THE_END = ("kept_step", "early_stopping", "optimal_loss", "diverged")


def _why_none(key: str, trainer: Trainer, last: TrainingProgress | None) -> str:
    """Why a figure of the training is missing."""
    problem = trainer.problem
    if not trainer.step:
        return "Nothing was trained: set training.steps, or training.seconds, above 0."
    if last is None and key in OF_THE_END:
        return "How training ended is not known of weights that were opened."
    if key == "early_stopping":
        return "Training ended by its limit, with its last weights."
    if key == "kept_step":
        return "Training diverged: the last good weights are kept."
    if not problem.has_score:
        return "Between two sets the loss is that of a velocity, and depends on how the points are paired."
    if key == "held_out_loss":
        return (
            "Held-out points have no labels, and this network never trained without labels: set "
            "training.label_dropout above 0."
        )
    if key == "diverged":
        return "Training did not diverge: it ran to its end."
    if problem.density is None:
        return f"The density of data.kind = {problem.experiment.data.kind} is not known, and so is no optimal loss."
    if problem.noise.sigma_min == 0:
        return "Sharp edges without noise have no score, and so no optimal loss: choose a noise, or data.noise above 0."
    return "The optimal loss leaves single precision: choose noise levels nearer to the data's size."


def finite(figure: Measured) -> Measured:
    """A figure with None in place of numbers that are not finite, since JSON has none, and a reason if there is none yet."""
    parts = [getattr(figure, part) for part in ("value", *ENDS)]
    kept = list(map(_known, parts))
    return figure if kept == parts else Measured(*kept, reason=figure.reason or NOT_FINITE)


def _known(part: Any) -> Any:
    if isinstance(part, tuple):
        return tuple(map(_known, part))
    return None if isinstance(part, float) and not math.isfinite(part) else part
