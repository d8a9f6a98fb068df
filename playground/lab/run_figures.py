"""All figures of a run: those of its training, likelihoods, samples, score, steps and paths, as docs/metrics.md lists them."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from playground.lab.error_budget import error_budget
from playground.lab.evaluation import evaluate
from playground.lab.model import Model
from playground.lab.path_energy import path_figures
from playground.lab.problem import Problem
from playground.lab.provenance import Provenance
from playground.lab.score_errors import score_figures
from playground.lab.training import Trainer, TrainingProgress
from playground.lab.trajectory import Trajectory

Figures = dict[str, Any]


@dataclass(frozen=True)
class FiguresProgress:
    """How far the figures of a run are.

    Attributes:
        stage: what is measured now.
        fraction: how much of this stage is done.
        label: the part of it.
        metrics: all figures, once they are there; one that does not apply is None, and `reasons` says why.
    """

    stage: str
    fraction: float
    label: str
    metrics: Figures | None = None


def run_figures(
    trainer: Trainer,
    last: TrainingProgress | None,
    final_loss: tuple[float, float] | None,
    model: Model,
    trajectory: Trajectory,
) -> Iterator[FiguresProgress]:
    """Measure a run whose training and sampling have ended.

    Args:
        last: the last progress of the training, and
        final_loss: the last result of :meth:`Trainer.evaluate_loss`; both are None if nothing was trained.
        model: the trained network.
        trajectory: its samples.
    """
    problem = model.problem
    score = score_figures(problem, model.learned)
    paths = path_figures(problem, model.score)
    stages: list[tuple[str, Iterable[tuple[float, str, Figures | None]]]] = [
        ("Evaluating", _evaluated(model, trajectory)),
        ("Score errors", _labelled("noise levels", score)),
        ("Error budget", _labelled("score, steps, prior and sigma_min", error_budget(problem, model.score))),
    ]
    if not problem.has_score:  # else there is nothing to compute
        stages.append(("Path energy", _labelled("paths between the sets", paths)))
    found = {"Training": _training(trainer, last, final_loss)}
    for stage, work in stages:
        yield FiguresProgress(stage, 0.0, "")
        for fraction, label, figures in work:
            yield FiguresProgress(stage, fraction, label)
            if figures is not None:
                found[stage] = figures
    if problem.has_score:
        *_, (_, none) = paths
        assert none is not None
        found["Path energy"] = none
    parts = (
        sampling_cost(trajectory),
        *(found[stage] for stage in ("Evaluating", "Training", "Score errors", "Error budget", "Path energy")),
    )
    reasons = {key: reason for part in parts for key, reason in part["reasons"].items()}
    together = {key: value for part in parts for key, value in part.items()} | {"reasons": reasons}
    yield FiguresProgress(stage, 1.0, "", finite(together))


def sampling_cost(trajectory: Trajectory) -> Figures:
    """The cost of a sampler's run: score evaluations of one particle (mean and maximum), and seconds."""
    return {
        "nfe_mean": float(trajectory.nfe_mean[-1]),
        "nfe_max": int(trajectory.nfe_max[-1]),
        "sampling_seconds": trajectory.seconds,
        "reasons": {},
    }


def _evaluated(model: Model, trajectory: Trajectory) -> Iterator[tuple[float, str, Figures | None]]:
    for progress in evaluate(model.problem, model.likelihood_score, trajectory.positions[-1]):
        yield progress.fraction, "" if progress.metrics else progress.label, progress.metrics


def _labelled(
    label: str, measuring: Iterable[tuple[float, Figures | None]]
) -> Iterator[tuple[float, str, Figures | None]]:
    for fraction, figures in measuring:
        yield fraction, label if figures is None else "", figures


def _training(trainer: Trainer, last: TrainingProgress | None, final_loss: tuple[float, float] | None) -> Figures:
    problem = trainer.problem
    loss, loss_error = final_loss or (None, None)
    beside = None if final_loss is None else trainer.held_out_loss(*final_loss)
    held_out, held_out_error = beside or (None, None)
    found = {
        "train_points": len(problem.dataset.points),
        "held_out_points": len(problem.dataset.held_out),
        "data_note": str(problem.dataset.note or ""),
        "steps": trainer.step,
        "seconds": trainer.seconds,
        "steps_per_second": trainer.step / trainer.seconds if trainer.seconds else None,
        "final_loss": loss,
        "final_loss_standard_error": loss_error,
        "held_out_loss": held_out,
        "held_out_loss_standard_error": held_out_error,
        "kept_step": None if last is None or last.diverged else trainer.stopping.best_step or trainer.step,
        "early_stopping": None if last is None else last.note,
        "optimal_loss": None if last is None else last.optimal_loss,
        "optimal_loss_standard_error": None if last is None else last.optimal_loss_error,
        "diverged": None if last is None else last.diverged,
        "parameters": sum(parameter.numel() for parameter in trainer.network.parameters()),
        "device": str(problem.device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "data_seed": problem.experiment.data.seed,
        "training_seed": problem.experiment.training.seed,
        "sampling_seed": problem.experiment.sampling.seed,
        "provenance": Provenance.of(problem.experiment, problem.device).as_json(),
    }
    return found | {"reasons": {key: _why_none(key, problem, last) for key, value in found.items() if value is None}}


def _why_none(key: str, problem: Problem, last: TrainingProgress | None) -> str:
    """Why a figure of the training is missing."""
    if last is None:
        return "Nothing was trained: set training.steps, or training.seconds, above 0."
    if key == "early_stopping":
        return "Training ended by its limit, with its last weights."
    if key == "kept_step":
        return "Training diverged: the last good weights are kept."
    if not problem.has_score:
        return "Between two sets the loss is that of a velocity, and depends on how the points are paired."
    if key.startswith("held_out_loss"):
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


def finite(contents: dict[str, Any]) -> dict[str, Any]:
    """Replace numbers that are not finite by null, since JSON has none, and say so in `reasons` if they say nothing."""
    reasons = dict(contents["reasons"])
    kept = {}
    for key, value in contents.items():
        astray = [one for one in (value if isinstance(value, list) else [value]) if _is_astray(one)]
        if astray:
            unknown = f"The result is {astray[0]} and not finite: if training diverged, lower training.learning_rate."
            reasons.setdefault(key, unknown)
            value = [None if _is_astray(one) else one for one in value] if isinstance(value, list) else None
        kept[key] = value
    return kept | {"reasons": reasons}


def _is_astray(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
