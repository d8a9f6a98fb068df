"""The self-test passes with the right theory, and any wrong constant makes its claim fail."""

import math
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.kinds.kind import registered
from playground.lab import selftest
from playground.lab.audit import datasets, kind_named
from playground.lab.audit.deviations import STANDARD_ERRORS, normals, standard_errors, variance_errors
from playground.lab.claims import measured
from playground.lab.selftest import claims, guidance
from playground.theory import boltzmann, densities, fused, likelihood, ode, tableau
from playground.theory.noise import (
    Cosine,
    FlowMatching,
    GaussianPrior,
    Process,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
    per_point,
)
from playground.theory.noise.process import ScoreFunction, as_time
from playground.theory.objectives import Exact, Sliced
from playground.theory.partition import QuadratureGrid
from playground.theory.samplers import base, langevin, path, reverse


@pytest.mark.alone
def test_every_claim_holds_within_seconds() -> None:
    """The limit is 20 s on one core, here in processor time because the machine may have other work."""
    start = time.process_time()
    rows = list(measured(claims()))
    seconds = time.process_time() - start
    assert [row for row in rows if not row.holds] == []
    assert seconds < 20


def test_claims_are_told_apart_and_each_has_a_source() -> None:
    found = claims()
    assert len({(claim.source, claim.what) for claim in found}) == len(found) > 150
    sources = [claim.source for claim in found]
    assert len([1 for one, before in zip(sources, ["", *sources], strict=False) if one != before]) == len(set(sources))
    assert not [claim.what for claim in found if claim.what.endswith(".") or len(claim.what) > 90]


def test_it_is_the_audit_of_the_built_in_kinds_and_the_theory_that_no_kind_has_alone() -> None:
    sources = {claim.source for claim in claims()}
    assert {
        "noise: VP",
        "data: Two moons",
        "sampling: Reverse SDE, shark",
        "network: Energy, silu",
        "likelihood",
    } <= sources


def wrong_rate(process: VariancePreserving, t: Tensor | float) -> Tensor:
    return torch.sqrt(2 * process._beta(t))


def without_half(process: Process, score: ScoreFunction, x: Tensor, t: Tensor | float) -> Tensor:
    t = as_time(t, x)
    return process.drift(x, t) - per_point(process.diffusion(t).square(), x) * process.score(score, x, t)


def twice_the_score(score: ScoreFunction, y: Tensor, sigma: Tensor) -> Tensor:
    spread = (1 + sigma.square()).sqrt()[:, None]
    return -sigma[:, None] * (2 * spread * score(spread * y, sigma) + y)


def short_noise(score: ScoreFunction, x: Tensor, sigma: Tensor, step: float, generator: torch.Generator) -> Tensor:
    return x + step * score(x, sigma) + math.sqrt(step) * base.normal(x, generator)


def careless_heun(
    score: ScoreFunction, y: Tensor, sigma: float, sigma_next: float, generator: torch.Generator, stochasticity: float
) -> Tensor:
    h = sigma**2 - sigma_next**2
    moved = y + math.sqrt(h) * base.normal(y, generator)
    return moved + h * score(y, y.new_tensor(sigma))


def swapped_stage() -> tuple[tuple[float, ...], ...]:
    stages = list(tableau.STAGES)
    stages[3] = (19372 / 6561, -25360 / 2187, 64448 / 6561, 212 / 729)
    return tuple(stages)


def other_guidance(score: Callable[..., Tensor], label: Tensor, scale: float) -> ScoreFunction:
    return lambda x, sigma: score(x, sigma) + scale * (score(x, sigma, label) - score(x, sigma))


def mere_replacement(score: ScoreFunction, known: Tensor, mask: Tensor) -> ScoreFunction:
    return lambda x, sigma: torch.where(mask, (known - x) / sigma**2, score(x, sigma))


def unit_directions(objective: Sliced, x: Tensor, sigma: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
    noisy, *directions = DRAW(objective, x, sigma, generator)
    return noisy, *(v / math.sqrt(x[0].numel()) for v in directions)


DRAW = Sliced.draw

# The changed part, its wrong replacement, and the source and the beginning of a claim that must fail.
FAULTS = {
    "g^2 of VP twice too large": (VariancePreserving, "diffusion", wrong_rate, "noise: VP", "v′ is 2 (f/x) v"),
    "sub-VP with VP's root": (
        SubVariancePreserving,
        "noise_over_signal",
        staticmethod(VariancePreserving.noise_over_signal),
        "noise: sub-VP",
        "v′ is 2 (f/x) v",
    ),
    "VE with levels of equal distance": (
        VarianceExploding,
        "sigma",
        lambda process, t: process.sigma_min + (process.sigma_max - process.sigma_min) * t,
        "noise",
        "VE: mean factor",
    ),
    "VP with twice the integral of its rate": (
        VariancePreserving,
        "_integral",
        lambda process, t: t * (2 * process.beta_min + t * (process.beta_max - process.beta_min)),
        "noise",
        "VP: mean factor",
    ),
    "sub-VP with the deviation of VP": (
        SubVariancePreserving,
        "noise_over_signal",
        staticmethod(VariancePreserving.noise_over_signal),
        "noise",
        "sub-VP: mean factor",
    ),
    "an angle of the cosine that speeds up": (
        Cosine,
        "_place",
        lambda process, t: process._start + t**2 / 2,
        "noise",
        "cosine: mean factor",
    ),
    "flow matching that speeds up": (
        FlowMatching,
        "_place",
        lambda process, t: process._start + t**2 / 2,
        "noise",
        "flow matching: mean factor",
    ),
    "ln 2 pi": (densities, "_LOG_TWO_PI", math.log(math.pi), "data: Two moons", "integrates to 1: error"),
    "g^2 in place of g^2/2": (
        Process,
        "probability_flow",
        without_half,
        "sampling: Probability flow, heun",
        "Gaussian, VP: weak order",
    ),
    "g^2 in place of g^2/2, likelihood": (likelihood, "velocity", twice_the_score, "noise: VP", "log p of 40 points"),
    "a prior without the data's variance": (
        Process,
        "prior",
        lambda process, mean, variance: GaussianPrior(mean, float(process.std(1.0))),
        "noise: VE",
        "log p of its prior",
    ),
    "Langevin's root": (langevin, "langevin", short_noise, "sampling: Langevin", "Gaussian: relative error"),
    "annealed Langevin's root": (
        langevin,
        "langevin",
        short_noise,
        "sampling: Annealed Langevin",
        "Gaussian, VP: relative error",
    ),
    "stochastic Heun without its second score": (
        reverse,
        "heun",
        careless_heun,
        "sampling: Reverse SDE, heun",
        "Gaussian, VP: weak order",
    ),
    "a stage of Dormand-Prince": (ode, "STAGES", swapped_stage(), "solvers", "Dormand-Prince"),
    "directions of unit length": (
        Sliced,
        "draw",
        unit_directions,
        "objective: Sliced, sphere, variance reduced",
        "loss of the true score",
    ),
    "ln Z with half the spacing": (
        QuadratureGrid,
        "log_sum",
        lambda square, values: torch.logsumexp(values, 0) + math.log(square.spacing),
        "energies",
        "Z of a Gaussian",
    ),
    "the sign of ln Z": (
        QuadratureGrid,
        "log_sum",
        lambda square, values: -torch.logsumexp(values, 0) - 2 * math.log(square.spacing),
        "energies",
        "maximum likelihood",
    ),
    "guidance from the score of all data": (
        datasets,
        "GuidedScore",
        other_guidance,
        "data: Two moons",
        "score guided by w = 1",
    ),
    "known coordinates merely replaced": (
        guidance,
        "InpaintingScore",
        mere_replacement,
        "guidance",
        "known coordinates: mean",
    ),
    "the score of all data for the rest": (
        guidance,
        "InpaintingScore",
        mere_replacement,
        "guidance",
        "known coordinates: power",
    ),
    "Adam's second decay": (fused, "SECOND_DECAY", 0.999, "training", "silu: denoising steps"),
    "the correctors' ratio": (
        path,
        "_mean_norm",
        lambda x: x.flatten(1).square().sum(1).mean(),
        "solvers",
        "corrector",
    ),
    "y'Wy without its half": (
        boltzmann,
        "log_weight",
        lambda w, y: ((y @ w) * y).sum(-1),
        "Boltzmann machine",
        "chain: Z",
    ),
}


@pytest.mark.claims
@pytest.mark.parametrize(("owner", "name", "wrong", "source", "what"), FAULTS.values(), ids=FAULTS.keys())
def test_a_wrong_constant_fails_its_claim(
    owner: Any, name: str, wrong: Any, source: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [kind for kind in registered() if f"{kind.section}: {kind.title}" == source.partition(",")[0]]
    monkeypatch.setattr(selftest, "registered", lambda: kinds)  # the others take a second
    (claim,) = [claim for claim in claims() if claim.source == source and claim.what.startswith(what)]
    monkeypatch.setattr(owner, name, wrong)
    assert not claim.checked().holds


def test_the_misprinted_trace_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Exact.loss

    def misprint(self: Exact, score: ScoreFunction, x: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
        return right(self, lambda y, level: -score(y, level), x, sigma, generator)  # changes only the sign of the trace

    monkeypatch.setattr(Exact, "loss", misprint)
    monkeypatch.setattr(selftest, "registered", lambda: [kind_named("exact")])
    rows = [claim.checked() for claim in claims() if claim.source == "objective: Exact"]
    assert [row.what[:23] for row in rows if not row.holds] == ["loss of the true score:"]


def test_standard_errors_are_what_they_say() -> None:
    """Two thirds of 300 sets of normal numbers are within one standard error, and none is beyond the bound."""
    for errors, expected in ((standard_errors, 0.0), (variance_errors, 1.0)):
        found = torch.tensor([errors(normals(200, seed=seed), expected) for seed in range(300)])
        assert float((found < 1).double().mean()) == pytest.approx(0.683, abs=0.1)
        assert float(found.max()) < STANDARD_ERRORS
