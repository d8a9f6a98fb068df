"""The terms of recorded steps: they are what the samplers computed, and their noise is the noise that was drawn."""

import itertools
import math

import pytest
import torch

from playground.theory.forward import ForwardProcess
from playground.theory.noise import Process, geometric
from playground.theory.samplers import (
    AdaptiveFlow,
    AnnealedLangevin,
    DDIMSampler,
    EdmSampler,
    Langevin,
    MetropolisAdjustedLangevin,
    MultistepSampler,
    ProbabilityFlow,
    ReverseSDE,
    Sampler,
    UniPCSampler,
    base,
)
from playground.theory.samplers.brownian import StepRandomness
from playground.theory.samplers.terms import StepTerms
from tests.generators import seeded
from tests.theory.gaussian_runs import VE, VP, gaussian_log_density, gaussian_score

START = torch.randn(7, 2, generator=seeded(3), dtype=torch.float64)
FIRST_ORDER = {
    "langevin": Langevin(0.3, 0.02, 6),
    "annealed": AnnealedLangevin(geometric(8.0, 0.05, 4), 1e-3, 3, True),
    "annealed, no denoising": AnnealedLangevin(geometric(8.0, 0.05, 4), 1e-3, 3, False),
    "reverse SDE, VE": ReverseSDE(VE, 6, True, solver="euler"),
    "reverse SDE, VP": ReverseSDE(VP, 6, True, solver="euler"),
    "reverse SDE, VP, no denoising": ReverseSDE(VP, 6, False, solver="euler"),
    "reverse SDE with less noise": ReverseSDE(VP, 6, True, solver="euler", stochasticity=0.4),
    "reverse SDE without noise": ReverseSDE(VP, 6, True, solver="euler", stochasticity=0.0),
    "DDIM, VE": DDIMSampler(VE, 6, True),
    "DDIM, VP": DDIMSampler(VP, 6, False),
    "DDIM with noise, VP": DDIMSampler(VP, 6, True, eta=0.4),
    "ancestral sampling, VE": DDIMSampler(VE, 6, False, eta=1.0),
    "ancestral sampling, VP": DDIMSampler(VP, 6, False, eta=1.0),
    "flow, VE": ProbabilityFlow(VE, 6, True, solver="euler"),
    "flow, VP": ProbabilityFlow(VP, 6, False, solver="euler"),
    "forward, VE": ForwardProcess(VE, 6),
    "forward, VP": ForwardProcess(VP, 6),
}


def rests(
    sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[StepTerms, torch.Tensor, list[torch.Tensor]]]:
    """Of each step its terms, what they leave of the recorded displacement, and the random numbers that were drawn for it."""
    drawn: list[torch.Tensor] = []
    normal = base.normal

    def noting(like: torch.Tensor, source: StepRandomness) -> torch.Tensor:
        drawn.append(normal(like, source))
        return drawn[-1]

    for module in (base, __import__("playground.theory.forward", fromlist=["normal"])):
        monkeypatch.setattr(module, "normal", noting)
    found, frames, counts = [], [], []
    for frame in sampler.run(gaussian_score, START, seeded()):
        frames.append(frame)
        counts.append(len(drawn))
    for (before, after), (first, last) in zip(itertools.pairwise(frames), itertools.pairwise(counts), strict=True):
        terms = sampler.terms(before, after)
        assert terms is not None
        x = before.positions
        slope = gaussian_score(x / terms.scale, torch.tensor(terms.sigma, dtype=x.dtype)) / terms.scale
        rest = after.positions - x - terms.drift * x - terms.score * slope
        found.append((terms, rest, drawn[first:last]))
    return found


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_drift_score_and_noise_add_to_the_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is the stated deviation times the very random numbers of the step."""
    found = rests(FIRST_ORDER[name], monkeypatch)
    assert len(found) == FIRST_ORDER[name].total
    for terms, rest, drawn in found:
        assert terms.noise is not None
        assert len(drawn) in (len(terms.rest), 1)  # without noise in the equation it is drawn and not used
        noise = terms.noise * drawn[0] if drawn else torch.zeros_like(rest)
        torch.testing.assert_close(rest, noise, rtol=1e-5, atol=1e-7)
    assert any(bool(terms.symbols[1]) == (terms.score != 0) for terms, _, _ in found)


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (ReverseSDE(VP, 6, True, solver="heun"), ("higher order", "noise")),
        (ReverseSDE(VP, 6, True, solver="shark"), ("higher order", "noise")),
        (ReverseSDE(VP, 6, True, solver="euler", corrector_steps=1), ("corrector", "noise")),
        (ProbabilityFlow(VP, 6, True, solver="heun"), ("higher order",)),
        (DDIMSampler(VP, 6, True, corrector_steps=1), ("corrector",)),
        (DDIMSampler(VP, 6, True, corrector_steps=1, eta=1.0), ("corrector", "noise")),
        (EdmSampler(VP, 6, True), ("higher order", "noise")),
        (EdmSampler(VP, 6, True, churn=0.0), ("higher order",)),
        (MultistepSampler(VP, 6, True), ("higher order",)),
        (UniPCSampler(VP, 6, True), ("higher order",)),
        (MultistepSampler(VP, 6, True, stochasticity=1.0), ("higher order", "noise")),
        (AdaptiveFlow(VP, 6, 1e-3), ("higher order",)),
        (MetropolisAdjustedLangevin(gaussian_log_density, 0.3, 0.02, 6), ("noise", "refusal")),
        (Langevin(0.3, 0.02, 6, torch.tensor([True, False])), ("noise", "known part")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Sampler) else "+".join(value),
)
def test_steps_that_are_more_than_first_order_say_what_the_rest_is(
    sampler: Sampler, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    terms, rest, _ = rests(sampler, monkeypatch)[0]
    assert terms.rest == expected
    assert terms.noise is None
    assert bool(torch.isfinite(rest).all())


@pytest.mark.parametrize("process", [VE, VP], ids=["VE", "VP"])
@pytest.mark.parametrize("solver", ["heun", "adaptive", "dpm"])
def test_the_rest_of_a_short_step_of_the_flow_is_of_second_order(
    process: Process, solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the step leaves a quarter of the rest: the terms are then the flow's own, with its factor 1/2."""

    def size(steps: int) -> float:
        sampler: Sampler = ProbabilityFlow(process, steps, False, "time", solver="heun")
        if solver == "adaptive":
            sampler = AdaptiveFlow(process, steps, 1e-9, "time")
        if solver == "dpm":
            sampler = MultistepSampler(process, steps, False, "time")
        return float(rests(sampler, monkeypatch)[0][1].norm())

    assert math.log2(size(200) / size(400)) == pytest.approx(2.0, abs=0.2)
