"""The self-test: the quick claims of the audits of all built-in kinds, and those about the theory that no kind has alone.

The tests check more but take longer. These show within seconds whether torch computes the same values on this
machine as on others. Everything runs on the CPU with its own seeds.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

from playground.kinds.kind import registered
from playground.kinds.setting import own_fields
from playground.lab.audit import audit, experiment_of
from playground.lab.audit.datasets import DataAudit
from playground.lab.audit.deviations import seeded
from playground.lab.audit.gaussian import mixture
from playground.lab.audit.samplers import auditing
from playground.lab.audit.stated import claims_of
from playground.lab.claims import Claim, one_thread
from playground.lab.experiment import Experiment, replace
from playground.lab.selftest import boltzmann, energies, guidance, likelihood, noise, sampling, scores, training

THEORY = (noise, scores, sampling, guidance, likelihood, training, boltzmann, energies)
"""The modules that state claims of the theory, in their order."""
QUICK = ("law", "density", "classes", "process", "from data to noise", "levels of training", "gradient", "minimiser")
"""Sources of an audit whose claims take little time."""
SLOW = (
    "Gaussian, VE",
    "x(1) from a",
    "levels",
    "Kolmogorov",
    "how often",
    "classes of points",
    "along a direction",
    "σ = ",
    "least curvature",
)
"""Begins claims that take longer, or are made for VP too, where also alpha changes."""
LEFT_OUT = ("drawn", "file", "images", "pinwheel", "rings", "two-spirals", "mlp", "auto", "u-net")
"""Kinds that need data, are mixtures like others but of hundreds of components, or whose gradients are claimed with training."""
VARIED = ("solver", "activation", "probes", "variance_reduced")
"""Settings of which each choice is audited."""
ELSEWHERE = ("auto", "adaptive")
"""Solvers that are another one's name, or have sharper claims in :mod:`playground.lab.selftest.sampling`."""


def claims() -> tuple[Claim, ...]:
    """The claims of the self-test; nothing is measured yet."""
    with one_thread():
        theory = (claim for module in THEORY for claim in claims_of(module.__name__))
        return (*_of_kinds(), *_quick("mixture of several widths", _of_mixture()), *theory)


def _of_kinds() -> Iterator[Claim]:
    for kind in registered():
        if not kind.__module__.startswith("playground.") or kind.name() in LEFT_OUT:
            continue
        varied = {key: field.choices or (True, False) for key, field in own_fields(kind).items() if key in VARIED}
        for values in itertools.product(*varied.values()):
            if not set(values).isdisjoint(ELSEWHERE):
                continue
            changes = dict(zip(varied, values, strict=True))
            experiment = replace(experiment_of(kind), {f"{kind.section}.{key}": one for key, one in changes.items()})
            sampler = kind.section == "sampling"
            made = auditing(experiment).laws() if sampler else audit(experiment, kind.section).claims
            chosen = (key.replace("_", " ") if one is True else str(one) for key, one in changes.items() if one)
            yield from _quick(", ".join([f"{kind.section}: {kind.title}", *chosen]), made)


def _of_mixture() -> Iterator[Claim]:
    """The claims of a data set about a density that no toy has."""
    audited, density = DataAudit(replace(Experiment(), {"data.kind": "two-gaussians"})), mixture()
    points = density.sample(300, seeded()).numpy()
    audited.data = dataclasses.replace(audited.data, points=points, labels=None, density=density)
    return audited.claims()


def _quick(title: str, made: Iterable[Claim]) -> Iterator[Claim]:
    for claim in made:
        if claim.source in QUICK and claim.is_bounded and not claim.what.startswith(SLOW):
            yield dataclasses.replace(claim, source=title)
