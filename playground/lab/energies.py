"""The density of an energy network, e^-f / Z, with Z from a sum over a grid, in the user's units.

It needs no path from data to noise, so it exists for a single noise level or none too. It depends on the energy at one
noise level; the likelihood by the flow depends on the scores at all levels. After perfect training the two agree.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from playground.lab.conflicts import has_energy, path_conflict, unknown_density
from playground.lab.fields import Array, bounds_of_smoothed, grid_points
from playground.lab.figures import needing
from playground.lab.likelihood import checked_points, nll_and_kl
from playground.lab.measured import Measured, missing
from playground.lab.problem import Problem
from playground.messages import Message, instead, setting
from playground.theory import metrics
from playground.theory.networks import Energy
from playground.theory.noise import ScoreFunction
from playground.theory.partition import LogPartition, log_density_at, log_partition

PICTURE_TOLERANCE, PICTURE_CELLS = 0.02, 256
"""Tolerance and most cells of Z for a picture: nobody sees 2 % of a colour, and it may take a tenth of a second of one
core."""

INTEGRAL_TOLERANCE = 0.02  # distance of the integral of p from 1 above which there is a note


@dataclass(frozen=True)
class NormalisedEnergy:
    """An energy with its Z at one noise level.

    Attributes:
        level: the noise level in internal units.
        partition: ln Z in internal units, with its error.
    """

    problem: Problem
    energy: Energy
    level: float
    partition: LogPartition

    @property
    def log_partition(self) -> float:
        """ln Z of e^-f over the plane in user units: that in internal units plus the log Jacobian of the units."""
        return self.partition.value + float(np.log(self.problem.units.scale).sum())

    @property
    def sigma(self) -> float:
        """The noise level in user units."""
        return self.problem.units.sigma_to_user(self.level)

    @property
    def origin(self) -> str:
        """The density's name and source, in a sentence without its full stop."""
        smoothed = (
            f"the data smoothed by sigma = {self.sigma:.6g} (user units)" if self.level else "the data as they are"
        )
        return f"exp(-f)/Z of the learned energy, of {smoothed}; ln Z = {self.log_partition:.6g} ± {self.partition.error:.2g}"

    def log_prob(self, points: Array) -> Array:
        """log p_sigma at points (N, 2) in user units: (N,), in nats per user units.

        Raises:
            ExperimentError: as :func:`playground.lab.likelihood.checked_points`.
        """
        unnormalised = log_density_at(self.energy, checked_points(self.problem, points), self.level).cpu().numpy()
        return self.problem.units.log_prob_to_user(unnormalised - self.partition.value)

    def integral(self, cells: int = 400) -> float:
        """Integrate p_sigma over the :func:`bounds_of_smoothed` data: 1, except for mass outside."""
        bounds = x0, x1, y0, y1 = bounds_of_smoothed(self.problem, self.level)
        values = self.log_prob(grid_points(bounds, cells, cells).reshape(-1, 2))
        return float(np.exp(values).sum() * (x1 - x0) * (y1 - y0) / cells**2)


def normalised(
    problem: Problem, score: ScoreFunction, sigma: float | None = None, *, for_picture: bool = False
) -> NormalisedEnergy | None:
    """The learned energy with its Z, or None if the score is not that of an energy in the plane.

    Args:
        sigma: noise level in user units; None, or a level below the finest, stands for the finest.
        for_picture: compute Z less exactly, for a picture that is soon replaced.
    """
    if not isinstance(score, Energy) or problem.shape != (2,):
        return None
    level = problem.noise.sigma_min if sigma is None else problem.level(sigma)
    reach = float(problem.train.abs().max())
    exactness = (PICTURE_TOLERANCE, PICTURE_CELLS) if for_picture else ()
    return NormalisedEnergy(problem, score, level, log_partition(score, level, reach, problem.train, *exactness))


def integral_note(integral: float) -> Message | None:
    """Return a message if the integral of an energy's density around the data is not 1, with the cause; None within
    2 %."""
    if integral < 1 - INTEGRAL_TOLERANCE:
        return Message(
            "mass-outside",
            "The energy's density integrates to {:.3f} over the data and a margin. The rest of its mass "
            "lies outside, where nothing was trained. Train longer, or with more noise levels.",
            (integral,),
        )
    if integral > 1 + INTEGRAL_TOLERANCE:
        return Message(
            "narrow-peaks",
            "The energy's density integrates to {:.3f} and not to 1: its peaks are too narrow for the "
            "grid. Its ln Z and NLL cannot be trusted. Train with a larger {}.",
            (integral, setting("noise.sigma_min")),
            "noise.sigma_min",
        )
    return None


def _why_no_energy(problem: Problem) -> Message:
    """Why a score has no Z."""
    source = problem.experiment.likelihood.source
    if problem.shape != (2,):
        text = "Z of images is an integral over {} dimensions, too many for quadrature."
        return Message("no-energy", text, (math.prod(problem.shape),))
    if has_energy(problem.experiment) and source != "learned":
        return instead(
            "no-energy",
            "The learned energy has a density without a flow, but the {} score has none: choose {}.",
            (source,),
            "likelihood.source",
            "learned",
        )
    return instead(
        "no-energy", "Only an energy network has a density without a flow: choose {}.", (), "network.kind", "energy"
    )


def without_energy(why: Message) -> dict[str, Measured]:
    """The figures of an energy, which are missing."""
    return missing((*needing("energy"), "energy_note"), why)


def energy_metrics(problem: Problem, score: ScoreFunction, found: dict[str, Measured]) -> None:
    """Write the likelihood figures of the energy at the finest level into `found`, or why there are none.

    If the noise has no flow from data to noise, the test set's figures are those of the energy.
    """
    model = normalised(problem, score)
    if model is None:
        found |= without_energy(_why_no_energy(problem))
        return
    points = problem.evaluation_points
    log_prob = torch.from_numpy(model.log_prob(points))
    integral = model.integral()
    note = integral_note(integral)
    why = None if note else Message("no-note", "The integral of p is 1 within 2 %.")
    found["log_partition"] = Measured(model.log_partition, model.partition.error)
    found["energy_integral"], found["energy_note"] = Measured(integral), Measured(note, reason=why)
    found["energy_nll"] = Measured(*metrics.mean_with_error(-log_prob))
    if path_conflict(problem.experiment) is not None:
        found |= nll_and_kl(log_prob, problem.exact_log_prob(points), "test_nll", "kl")
        found["test_points"], found["density"] = Measured(len(points)), Measured(model.origin)
    if problem.dataset.density is not None:
        # The energy is that of the smoothed data, which are far from the data themselves if the one sigma is coarse.
        z = torch.randn(points.shape, generator=problem.generator("energy", "cpu"), dtype=torch.float64)
        noisy = points + model.sigma * z.numpy()
        true = problem.exact_log_prob(noisy, model.sigma)
        assert true is not None
        log_prob = torch.from_numpy(model.log_prob(noisy))
        found["energy_kl"] = Measured(*metrics.kl_to_known(true, log_prob))
    else:
        found |= missing(("energy_kl",), unknown_density(problem.experiment))
