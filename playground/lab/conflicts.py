"""Settings that are valid one by one but contradict each other, each as a message that says what to choose.

A conflict is no error: the experiment can be opened, edited and saved, and its other parts still work. Each kind's own
file says what the kind does not fit; this module asks the kinds in turn.
"""

import itertools

from playground.kinds.chosen import Conditions as Conditions
from playground.kinds.noise.noise import WITH_PATH
from playground.kinds.samplers import FromNoise
from playground.kinds.samplers.sampler import USE_VE, no_exact_score
from playground.kinds.setting import ExperimentError
from playground.lab.settings import Experiment
from playground.messages import Message, instead, setting


def refuse(conflict: Message | None) -> None:
    """Raise ExperimentError if settings do not fit together."""
    if conflict is not None:
        raise ExperimentError(conflict)


def training_conflict(experiment: Experiment, conditions: Conditions | None = None) -> Message | None:
    """Why this experiment cannot be trained, or None.

    Args:
        conditions: what can be conditioned on, if the data have been read.
    """
    # Conflicts that leave no network or no data come first. Another one would hide them, and the window would try
    # to build both.
    found = itertools.chain(
        experiment.network.conflicts(experiment),
        experiment.data.conflicts(),
        experiment.noise.training_conflicts(experiment),
        experiment.objective.conflicts(experiment, conditions),
    )
    return next(found, None)


def sampling_conflict(experiment: Experiment, conditions: Conditions | None = None) -> Message | None:
    """Why this experiment's sampler does not fit its noise, its data or its network, or None.

    Args:
        conditions: what can be conditioned on, if the data have been read.
    """
    found = itertools.chain(
        experiment.noise.sampling_conflicts(experiment), experiment.sampling.conflicts(experiment, conditions)
    )
    return next(found, None)


def comparison_conflict(experiment: Experiment, conditions: Conditions) -> Message | None:
    """Why the samples cannot be compared with the data, or None: the samples are conditioned and the data are not.

    Args:
        conditions: what can be conditioned on.
    """
    sampling = experiment.sampling
    if sampling.mask != "none":
        parts = {"left": ("first coordinate", "left half"), "top": ("second coordinate", "upper half")}
        part = parts[sampling.mask][experiment.data.images] if sampling.mask in parts else sampling.mask
        return instead(
            "conditioned-on-a-part",
            "The samples are conditioned on the {} of held-out point {}, but the data are not: choose {} to compare them.",
            (part, sampling.known_point),
            "sampling.inpainting_mask",
            "none",
        )
    if not conditions.classes_of(sampling.follows):
        return None
    if sampling.labels == "one":
        return instead(
            "conditioned-on-a-class",
            "The samples are conditioned on class {}, but the data are not: choose {} to compare them.",
            (sampling.label,),
            "sampling.labels",
            "all",
        )
    if sampling.labels == "all" and sampling.guidance and not sampling.follows_checkpoint:
        return instead(
            "guided",
            "The samples are pushed towards their classes by {}, but the data are not: choose {} to compare them.",
            (setting("sampling.guidance", sampling.guidance),),
            "sampling.guidance",
            0.0,
        )
    return None


def tilted_conflict(experiment: Experiment, conditions: Conditions) -> Message | None:
    """Why an experiment's samples have no tilted density, or None: they need a class whose density is known.

    Args:
        conditions: what can be conditioned on.
    """
    sampling = experiment.sampling
    if sampling.mask != "none":
        return Message("inpainted", "Inpainted samples have no tilted density, as a part of each is given.")
    if not conditions.known_classes:
        return Message("no-known-classes", "The tilted density needs a toy with classes, whose densities are known.")
    if sampling.labels == "none" or not conditions.classes_of(sampling.follows):
        return Message(
            "no-class-asked",
            "The samples have no class, so they have no tilted density: choose {}.",
            (setting("sampling.labels", "one", "all"),),
            "sampling.labels",
        )
    return None


LEAST_SAMPLES = 4
"""Least number of samples, and of data, from which the error of a distance can be estimated. It repeats
:data:`playground.theory.two_samples.LEAST` for a window that has not loaded torch; a test compares the two."""


def why_too_few_samples(count: int) -> Message | None:
    """Why so many samples (one or more) are too few to compare with the data, or None."""
    if count >= LEAST_SAMPLES:
        return None
    said = "1 sample is" if count == 1 else f"{count} samples are"
    return Message(
        "few-samples",
        f"{said} too few to compare with the data: set {{}} to {LEAST_SAMPLES} or more.",
        (setting("sampling.particles"),),
        "sampling.particles",
    )


def has_energy(experiment: Experiment) -> bool:
    """Whether the network is an energy in the plane, whose density can be normalised by a sum over a grid."""
    return experiment.network.states_density and not experiment.data.images


def likelihood_conflict(experiment: Experiment) -> Message | None:
    """Why the experiment has no likelihoods, or None. A learned energy needs no probability flow for them."""
    conflict = flow_conflict(experiment)
    if conflict is None or not has_energy(experiment):
        return conflict
    if experiment.likelihood.source == "learned":
        return None
    if conflict.key == "likelihood.source":  # it says so already
        return conflict
    text = ", or {}, for the learned energy states log p without a path"
    return path_conflict(experiment, otherwise=Message("or-energy", text, (setting("likelihood.source", "learned"),)))


def unknown_density(experiment: Experiment) -> Message:
    """Why there is no figure that needs the density of the data."""
    kind = setting("data.kind", experiment.data.kind)
    return Message("unknown-density", "The density of {} is not known.", (kind,))


def budget_conflict(experiment: Experiment, conditions: Conditions) -> Message | None:
    """Why the distance between samples and data cannot be split into the parts of score, steps, prior and sigma_min, or None.

    Args:
        conditions: what can be conditioned on.
    """
    conflict = sampling_conflict(experiment, conditions)
    if conflict is not None:
        return conflict
    sampling = experiment.sampling
    if not isinstance(sampling, FromNoise):
        return instead(
            "no-budget",
            "{} follows no process from its prior to the data: choose {}, or another sampler that does.",
            (setting("sampling.kind", sampling.kind),),
            "sampling.kind",
            "probability-flow",
            "Use the flow",
        )
    if not experiment.noise.has_score:
        return experiment.noise.score_conflict()
    if not experiment.data.known_density:
        text = "The exact score of {} is not known: only toys and drawings have one, and so an error budget."
        return Message("no-exact-score", text, (setting("data.kind", experiment.data.kind),), "data.kind")
    return comparison_conflict(experiment, conditions) or (
        None if sampling.particles == "auto" else why_too_few_samples(sampling.particles)
    )


LIKELIHOOD = "The likelihood follows"


def flow_conflict(experiment: Experiment, asked: str = LIKELIHOOD) -> Message | None:
    """Why the probability flow cannot compute the likelihoods and latent codes, or None; see :func:`path_conflict`."""
    if experiment.likelihood.source == "exact" and not experiment.data.known_density:
        return no_exact_score(experiment, "likelihood.source")
    return path_conflict(experiment, asked)


def path_conflict(experiment: Experiment, asked: str = LIKELIHOOD, otherwise: Message | str = "") -> Message | None:
    """Why there is no probability flow from data to noise, or None.

    Args:
        asked: the beginning of the sentence, which says what needs the flow.
        otherwise: the end of the sentence, with another choice.
    """
    if experiment.noise.has_path:
        return experiment.noise.flow_conflict()
    return Message(
        "no-path",
        f"{asked} the probability flow from data to noise, but {{}} has no such path: choose {{}}{{}}.",
        (setting("noise.kind", experiment.noise.kind), WITH_PATH, otherwise),
        "noise.kind",
        (USE_VE,),
    )
