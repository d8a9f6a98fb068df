"""Settings that are set and change nothing: they wait for another sampler or noise, or for levels that this noise lacks.

They stop nothing, for a file may serve several samplers; the window hides what does not act. Those of classes are in
:func:`playground.lab.conditioning.idle`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.lab import defaults
from playground.lab.experiment import Experiment, fields, value
from playground.lab.sampling_settings import FROM_NOISE
from playground.lab.settings import RATED

if TYPE_CHECKING:  # the window asks before torch is loaded
    from playground.lab.problem import Problem


@dataclass(frozen=True)
class _Readers:
    """Who reads some settings.

    Attributes:
        act: whether an experiment does.
        who: in words, with what to choose for it.
    """

    keys: tuple[str, ...]
    act: Callable[[Experiment], bool]
    who: str


def _ends_by_hand(experiment: Experiment) -> bool:
    noise = experiment.noise
    return bool(noise.sigmas if noise.kind == "discrete" else noise.schedule if noise.kind == "custom" else ())


def _corrected(experiment: Experiment) -> bool:
    sampling = defaults.resolve(experiment).sampling
    return sampling.kind in FROM_NOISE and sampling.corrector_steps != 0


_READERS = (
    _Readers(
        ("noise.sigma_min", "noise.sigma_max"),
        lambda experiment: experiment.noise.kind not in ("none", "single"),
        "only several noise levels have ends; the level of noise.kind = single is noise.sigma",
    ),
    _Readers(
        ("noise.sigma_min", "noise.sigma_max"),
        lambda experiment: not _ends_by_hand(experiment),
        "noise.sigmas and noise.schedule contain their own ends; change or remove them",
    ),
    _Readers(
        ("noise.sigma_max",),
        lambda experiment: experiment.noise.kind not in RATED,
        "the rates of VP and sub-VP set their end; change noise.beta_max, or choose another process",
    ),
    _Readers(
        ("noise.beta_min", "noise.beta_max"),
        lambda experiment: experiment.noise.kind in RATED,
        "only VP and sub-VP have rates; choose noise.kind = vp or sub-vp",
    ),
    _Readers(
        ("objective.projections", "objective.probes", "objective.variance_reduced"),
        lambda experiment: experiment.objective.kind == "sliced",
        "only sliced matching uses random directions; choose objective.kind = sliced",
    ),
    _Readers(
        ("objective.normalizer_grid",),
        lambda experiment: experiment.objective.kind == "maximum-likelihood",
        "only maximum likelihood computes Z on a grid; choose objective.kind = maximum-likelihood",
    ),
    _Readers(
        ("sampling.step",),
        lambda experiment: experiment.sampling.kind in ("langevin", "mala", "annealed-langevin"),
        "only Langevin samplers have this step size; choose sampling.kind = langevin, mala or annealed-langevin",
    ),
    _Readers(
        ("sampling.time_grid",),
        lambda experiment: experiment.sampling.kind in (*FROM_NOISE, "forward"),
        "only processes between noise and data have a time grid; choose sampling.kind = reverse-sde, "
        "probability-flow, edm or forward",
    ),
    _Readers(
        ("sampling.tolerance",),
        lambda experiment: experiment.sampling.kind == "probability-flow" and experiment.sampling.solver == "adaptive",
        "only the probability flow with sampling.solver = adaptive has a tolerance",
    ),
    _Readers(
        ("sampling.corrector_steps",),
        lambda experiment: experiment.sampling.kind in FROM_NOISE,
        "only samplers from noise to data have correctors; choose sampling.kind = reverse-sde, probability-flow or edm",
    ),
    _Readers(
        ("sampling.snr",),
        _corrected,
        "there are no corrector steps; choose sampling.kind = reverse-sde, probability-flow or edm and "
        "sampling.corrector_steps above 0",
    ),
    _Readers(
        ("sampling.final_denoising",),
        lambda experiment: experiment.sampling.kind in ("annealed-langevin", "reverse-sde", "edm"),
        "only annealed Langevin, the reverse SDE and the EDM sampler have this step",
    ),
    _Readers(
        ("sampling.churn", "sampling.churn_min", "sampling.churn_max", "sampling.churn_noise"),
        lambda experiment: experiment.sampling.kind == "edm",
        "only the EDM sampler adds noise on the way; choose sampling.kind = edm",
    ),
)

_NONE_ANYWAY = ("sampling.corrector_steps", 0)
"""A choice of what is so without a reader too, and so of nothing that could be missed."""


def acts(experiment: Experiment, key: str) -> bool:
    """Whether a setting changes anything, as far as samplers, noise and objective read it."""
    return all(readers.act(experiment) for readers in _READERS if key in readers.keys)


def _shown(given: bool | float | str) -> str:
    if isinstance(given, str):
        return given
    return str(given).lower() if isinstance(given, bool) else f"{given:g}"


def idle_settings(problem: "Problem") -> Iterator[str]:
    """A sentence for each setting that is not at its default and changes nothing."""
    experiment, known = problem.experiment, fields()
    for readers in _READERS:
        if readers.act(experiment):
            continue
        for key in readers.keys:
            given = value(experiment, key)
            if given != known[key].default and (key, given) != _NONE_ANYWAY:
                yield f"{key} = {_shown(given)} changes nothing: {readers.who}."
    if experiment.training.early_stopping == "on" and not problem.has_held_out_loss:
        yield (
            "training.early_stopping = on changes nothing: held-out images have no labels, and "
            "training.label_dropout = 0 never trains without labels. Raise training.label_dropout."
        )
    sampling, noise, to_user = experiment.sampling, problem.noise, problem.units.sigma_to_user
    if sampling.kind != "edm" or not sampling.churn:
        return
    coarsest, finest = to_user(noise.sigma_max), to_user(noise.sigma_min)
    if sampling.churn_min != "auto" and sampling.churn_min > coarsest * (1 + 1e-6):
        yield (
            f"sampling.churn = {sampling.churn:g} changes nothing: sampling.churn_min = {sampling.churn_min:g} lies above the "
            f"coarsest noise level, {coarsest:.3g}; lower it, or set sampling.churn = 0."
        )
    if sampling.churn_max != "auto" and sampling.churn_max < finest * (1 - 1e-6):
        yield (
            f"sampling.churn = {sampling.churn:g} changes nothing: sampling.churn_max = {sampling.churn_max:g} lies below the "
            f"finest noise level, {finest:.3g}; raise it, or set sampling.churn = 0."
        )
