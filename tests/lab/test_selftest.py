"""The self-test passes with the right theory, and any wrong constant makes its row fail."""

import math
import time

import pytest
import torch
from torch import Tensor

from playground.lab.audit.deviations import STANDARD_ERRORS, normals, standard_errors, variance_errors
from playground.lab.claims import measured
from playground.lab.selftest import CLAIMS, guidance
from playground.theory import boltzmann, densities, fused, likelihood, ode
from playground.theory.noise import (
    GaussianPrior,
    Process,
    SubVariancePreserving,
    VariancePreserving,
    per_point,
)
from playground.theory.noise.process import as_time
from playground.theory.objectives import PROBE_DISTRIBUTIONS, Exact, sphere
from playground.theory.partition import QuadratureGrid
from playground.theory.samplers import base, langevin, path, reverse


@pytest.mark.alone
def test_every_claim_holds_within_seconds() -> None:
    """The limit is 20 s on one core, here in processor time because the machine may have other work."""
    start = time.process_time()
    rows = list(measured(CLAIMS))
    seconds = time.process_time() - start
    assert [row for row in rows if not row.holds] == []
    assert seconds < 20


def test_claims_are_told_apart_and_each_has_an_area() -> None:
    assert len({(check.source, check.what) for check in CLAIMS}) == len(CLAIMS)
    areas = [check.source for check in CLAIMS]
    assert len({area for area, before in zip(areas, ["", *areas], strict=False) if area != before}) == len(set(areas))
    assert not [check.what for check in CLAIMS if check.what.endswith(".") or len(check.what) > 90]


def wrong_rate(process: VariancePreserving, t: Tensor | float) -> Tensor:
    return torch.sqrt(2 * process._beta(t))


def without_half(process: Process, score, x: Tensor, t: Tensor | float) -> Tensor:
    t = as_time(t, x)
    return process.drift(x, t) - per_point(process.diffusion(t).square(), x) * process.score(score, x, t)


def twice_the_score(score, y: Tensor, sigma: Tensor) -> Tensor:
    spread = (1 + sigma.square()).sqrt()[:, None]
    return -sigma[:, None] * (2 * spread * score(spread * y, sigma) + y)


def short_noise(score, x: Tensor, sigma: Tensor, step: float, generator: torch.Generator) -> Tensor:
    return x + step * score(x, sigma) + math.sqrt(step) * base.normal(x, generator)


def careless_heun(
    score, y: Tensor, sigma: float, sigma_next: float, generator: torch.Generator, stochasticity: float
) -> Tensor:
    h = sigma**2 - sigma_next**2
    moved = y + math.sqrt(h) * base.normal(y, generator)
    return moved + h * score(y, y.new_tensor(sigma))


def swapped_stage() -> tuple[tuple[float, ...], ...]:
    stages = list(ode.STAGES)
    stages[3] = (19372 / 6561, -25360 / 2187, 64448 / 6561, 212 / 729)
    return tuple(stages)


def other_guidance(score, label: Tensor, scale: float):
    return lambda x, sigma: score(x, sigma) + scale * (score(x, sigma, label) - score(x, sigma))


def mere_replacement(score, known: Tensor, mask: Tensor):
    return lambda x, sigma: torch.where(mask, (known - x) / sigma**2, score(x, sigma))


# The changed part, its wrong replacement, and the beginning of a claim that must fail.
FAULTS = {
    "g^2 of VP twice too large": (VariancePreserving, "diffusion", wrong_rate, "VP: drift and diffusion"),
    "sub-VP with VP's root": (
        SubVariancePreserving,
        "noise_over_signal",
        staticmethod(VariancePreserving.noise_over_signal),
        "sub-VP: mean factor",
    ),
    "ln 2 pi": (densities, "_LOG_TWO_PI", math.log(math.pi), "mixture: integrates to 1"),
    "g^2 in place of g^2/2": (Process, "probability_flow", without_half, "Heun, VE: order"),
    "g^2 in place of g^2/2, likelihood": (likelihood, "velocity", twice_the_score, "mixture, VP: log p"),
    "a prior without the data's variance": (
        Process,
        "prior",
        lambda process, mean, variance: GaussianPrior(mean, float(process.std(1.0))),
        "VE: the prior",
    ),
    "Langevin's root": (langevin, "langevin", short_noise, "Langevin: variance"),
    "annealed Langevin's root": (langevin, "langevin", short_noise, "annealed Langevin"),
    "stochastic Heun without its second score": (reverse, "heun", careless_heun, "stochastic Heun, VE"),
    "a stage of Dormand-Prince": (ode, "STAGES", swapped_stage(), "Dormand-Prince"),
    "directions of unit length": (
        PROBE_DISTRIBUTIONS,
        "sphere",
        lambda like, source: sphere(like, source) / math.sqrt(like[0].numel()),
        "sliced, sphere, variance reduced",
    ),
    "ln Z with half the spacing": (
        QuadratureGrid,
        "log_sum",
        lambda square, values: torch.logsumexp(values, 0) + math.log(square.spacing),
        "Z of a Gaussian",
    ),
    "the sign of ln Z": (
        QuadratureGrid,
        "log_sum",
        lambda square, values: -torch.logsumexp(values, 0) - 2 * math.log(square.spacing),
        "maximum likelihood",
    ),
    "guidance from the score of all data": (guidance, "GuidedScore", other_guidance, "guided score"),
    "guidance from the score of all data, its flow": (guidance, "GuidedScore", other_guidance, "guided flow"),
    "known coordinates merely replaced": (guidance, "InpaintingScore", mere_replacement, "known coordinates: mean"),
    "the score of all data for the rest": (guidance, "InpaintingScore", mere_replacement, "known coordinates: power"),
    "Adam's second decay": (fused, "SECOND_DECAY", 0.999, "silu: denoising steps"),
    "the correctors' ratio": (
        path,
        "_mean_norm",
        lambda x: x.flatten(1).square().sum(1).mean(),
        "corrector",
    ),
    "y'Wy without its half": (boltzmann, "log_weight", lambda w, y: ((y @ w) * y).sum(-1), "chain: Z"),
}


@pytest.mark.claims
@pytest.mark.parametrize(("owner", "name", "wrong", "claim"), FAULTS.values(), ids=FAULTS.keys())
def test_a_wrong_constant_fails_its_row(owner, name: str, wrong, claim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = [check for check in CLAIMS if check.what.startswith(claim)]
    if isinstance(owner, dict):
        monkeypatch.setitem(owner, name, wrong)
    else:
        monkeypatch.setattr(owner, name, wrong)
    assert not check.checked().holds


def test_the_misprinted_trace_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Exact.loss

    def misprint(self, score, x: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
        return right(self, lambda y, level: -score(y, level), x, sigma, generator)  # changes only the sign of the trace

    monkeypatch.setattr(Exact, "loss", misprint)
    rows = list(measured(tuple(check for check in CLAIMS if check.what.startswith("exact: "))))
    assert len(rows) == 2
    assert not any(row.holds for row in rows)


def test_standard_errors_are_what_they_say() -> None:
    """Two thirds of 300 sets of normal numbers are within one standard error, and none is beyond the bound."""
    for errors in (lambda x: standard_errors(x, 0.0), lambda x: variance_errors(x, 1.0)):
        found = torch.tensor([errors(normals(200, seed=seed)) for seed in range(300)])
        assert float((found < 1).double().mean()) == pytest.approx(0.683, abs=0.1)
        assert float(found.max()) < STANDARD_ERRORS
