"""KL on two moons beside published flows.

- At noise 0.1 a spline flow with a test NLL of 1.0958 nat and a continuous flow with 1.1546 are published. The entropy is 1.0076, so
  their KL is 0.088 and 0.147. Neither the number of data nor the training is known to us; we train on 50,000 points.
- At noise 0.06 a RealNVP of 71,744 weights has a best NLL of 1.3375 (S. Mohapatra, "Deconstructing normalizing flows from scratch",
  part 3): 4,000 points, standardized in each axis, 1,000 epochs of batches of 256, so 16,000 steps. In these units the entropy is 1.317.
  The source names no other points, so this seems to be the NLL of the training points.

The KL is an NLL less the entropy, which is the same in any units. Ours is the mean of log p - log p_model over fresh draws, which has far
less chance in it.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from learned import learned
from tables import rows

from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from playground.lab.likelihood import log_likelihood
from playground.lab.problem import Problem


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A published figure, and how ours is trained."""

    name: str
    published: str
    settings: Mapping[str, object]


PROTOCOL = {"data.noise": 0.06, "data.points": 4_000, "training.batch": 256, "training.steps": 16_000}


def cases(steps: int) -> tuple[Case, ...]:
    return (
        Case(
            f"noise 0.1, 50,000 points, {steps:,} steps",
            "0.088 spline flow, 0.147 continuous flow",
            {"training.steps": steps},
        ),
        Case("noise 0.06, 4,000 points, stopped early", "0.020 RealNVP", PROTOCOL),
        Case("noise 0.06, 4,000 points, to the end", "0.020 RealNVP", {**PROTOCOL, "training.early_stopping": "off"}),
    )


def measured(case: Case, seed: int, points: int) -> float:
    """KL of held-out points, in nats."""
    settings = {"data.kind": "two-moons", "seed": seed, "likelihood.points": points}
    problem = Problem.build(replace(Experiment(), {**settings, **case.settings}))
    trainer = learned(problem)
    x = problem.evaluation_points
    found = result(log_likelihood(problem, trainer.ema.requires_grad_(False), x, tolerance=1e-4))
    truth = problem.exact_log_prob(x)
    assert truth is not None
    apart = float(np.mean(truth.numpy() - found.log_prob))
    print(f"{case.name}, seed {seed}: {trainer.step:,} steps, KL {apart:.4f}", flush=True)
    return apart


def table(seeds: int, steps: int, points: int) -> str:
    """The table as Markdown."""
    return as_markdown({case: [measured(case, seed, points) for seed in range(seeds)] for case in cases(steps)}, points)


def as_markdown(found: Mapping[Case, list[float]], points: int) -> str:
    """The table of the KL of each seed of each case."""
    cells = [
        ["two moons", "published KL", "ours, mean", *(f"seed {seed}" for seed in range(min(map(len, found.values()))))]
    ]
    for case, values in found.items():
        cells.append([case.name, case.published, _told(values), *(f"{value:.4f}" for value in values)])
    return f"KL in nats over {points:,} held-out points; the error of a mean is that over seeds.\n\n{rows(cells)}"


def _told(values: list[float]) -> str:
    error = f" ± {np.std(values, ddof=1) / len(values) ** 0.5:.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{error}"
