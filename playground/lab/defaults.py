"""The values of "auto" that the other settings decide: no data are needed, and no torch, so the window shows them at
once.

The rest, all in the unit of the data, needs them: :meth:`playground.lab.problem.Problem.resolve` knows the noise's, and
:func:`playground.lab.sampling.step_in_user_units` Langevin's step.
"""

from typing import TypeVar

import msgspec

from playground.data.sources import SOURCES, Toy
from playground.lab.experiment import Experiment
from playground.lab.sampling_settings import Sampling
from playground.lab.settings import Objective

Section = TypeVar("Section", bound=msgspec.Struct)

SECONDS, IMAGE_SECONDS = 20.0, 120.0
"""Training where no number of steps is given: on the digits a U-Net has then learned what it can without learning them by heart."""
BATCH, IMAGE_BATCH = 512, 64
"""Points a training step: for an MLP 512 take hardly longer than 64, for a convolution eight times as long."""
TARGET_BATCH = 256
"""Points of a denoising target: they cost a fifth of the steps, and after 20 s the KL of eight Gaussians is 0.009 to 0.010
nat instead of 0.015, of a checkerboard 0.059 instead of 0.066 (two-gaussians and two-moons the same within errors). An
image has no others near it that its noise could be taken for."""
LEVELS = 2  # of noise in a batch of maximum likelihood, where there are more: each takes a sum over the plane
KNOWN_CORRECTORS = 3
"""Corrector steps where a part of the point is known: the score of the rest is approximate at coarse levels, and that of the finer
ones, nearly right, mends what it did. A run takes three to four times as long. Kolmogorov-Smirnov distance of y given x from the exact
distribution, of 2,000 particles, whose chance is 0.03: two moons at x = 1.27 without 0.35, with three 0.06, with five 0.05; two spirals at
x = 0.93, whose arms lie too far apart to be mended at fine levels, 0.13, 0.08 and 0.08."""
PARTICLES, IMAGE_PARTICLES = 2_000, 96
"""Points to sample: images in 8 rows of 12 are as many as can be read at a glance, and 500 steps of them take seconds."""
STEPS, HEUN_STEPS, MULTISTEPS = 500, 25, 50
"""Steps of samplers; of Heun for the flow and of DPM-Solver++, 50 evaluations each on Karras's grid: on two moons more
are no better (docs/samplers.md). The other samplers keep steps enough to be watched, and correctors act after each."""


def resolve(experiment: Experiment) -> Experiment:
    """The experiment with every "auto" that the other settings decide as what it stands for."""
    source = SOURCES[experiment.data.kind]
    images = source.images
    return msgspec.structs.replace(
        experiment,
        data=_filled(experiment.data, noise=source.noise if isinstance(source, Toy) else "auto"),
        network=_filled(experiment.network, kind="u-net" if images else "mlp"),
        objective=_filled(
            experiment.objective,
            weight=default_weight(experiment.objective.kind),
            target_batch=1 if images else TARGET_BATCH,
        ),
        training=_filled(
            experiment.training,
            seconds=(IMAGE_SECONDS if images else SECONDS) if experiment.training.steps == "auto" else "auto",
            batch=IMAGE_BATCH if images else BATCH,
        ),
        sampling=_with_steps(
            _filled(
                experiment.sampling,
                particles=IMAGE_PARTICLES if images else PARTICLES,
                solver="euler" if experiment.sampling.kind == "reverse-sde" else "heun",
                corrector_steps=0 if experiment.sampling.inpainting_mask == "none" else KNOWN_CORRECTORS,
            )
        ),
        likelihood=_filled(experiment.likelihood, trace="hutchinson" if images else "exact"),
    )


def _filled(section: Section, **stands_for: object) -> Section:
    """A section with something in place of its "auto"s."""
    return msgspec.structs.replace(
        section, **{name: new for name, new in stands_for.items() if getattr(section, name) == "auto"}
    )


def _with_steps(sampling: Sampling) -> Sampling:
    """Steps and grid, which follow from the sampler and its solver."""
    flow, multistep = sampling.kind == "probability-flow", sampling.solver == "dpm-solver++"
    multistep = multistep and sampling.kind in ("probability-flow", "reverse-sde")
    steps = STEPS
    if not sampling.corrector_steps:
        steps = MULTISTEPS if multistep else HEUN_STEPS if flow and sampling.solver == "heun" else STEPS
    return _filled(sampling, steps=steps, time_grid="karras" if flow or multistep else "log-sigma")


EVALUATION_PASSES = 4096
"""Most points whose loss is asked for at once, times the axes along which each is differentiated."""


def derivative_passes(objective: Objective, dim: int) -> int:
    """Return how often a training step differentiates the score along a direction: for exact matching, once an axis."""
    return {"exact": dim, "sliced": objective.projections}.get(objective.kind, 0)


def default_weight(objective: str) -> str:
    """The weight that gives the gradients of an objective the least noise where that is largest, at coarse levels.

    Likelihoods are in nats at every level and need none. Of score matching, at coarse levels the noise of denoising's gradients is the same at every level with sigma^2 (sigma^2 + 1), and 1/sigma with sigma^2;
    that of exact and sliced matching grows like sigma with the former. After 5,000 steps on two moons: denoising 0.0114
    against 0.0166 nat (0.013 against 0.052 after 4,000 for VP, whose levels reach 150), exact 0.065 against 0.044.
    """
    return {"denoising": "edm", "maximum-likelihood": "constant"}.get(objective, "sigma2")
