"""Settings that are sound one by one and make no sense together, each in a sentence that says what to choose.

They are no errors of an experiment: it can be opened, edited and saved, and what it does describe still works.
"""

from dataclasses import dataclass

from playground.data.sources import SOURCES, Toy
from playground.lab.defaults import resolve
from playground.lab.sampling_settings import FROM_NOISE
from playground.lab.settings import Experiment

MOST_CLASSES = 20  # that a sentence names


@dataclass(frozen=True)
class Conditions:
    """The facts of the data on which conditioning rests, for the network and its samples.

    Attributes:
        classes: those that the network is told of, in order; none where it is told no labels.
        held_out: points that training never sees, from which the known part of a point is taken.
        hidden_labels: the least and the largest share of labels that training has hidden so far; None before any, and where the
            network is told none.
    """

    classes: tuple[int, ...] = ()
    held_out: int = 0
    hidden_labels: tuple[float, float] | None = None


@dataclass(frozen=True)
class Conflict:
    """A pair of settings that makes no sense, in one sentence; `key` names the setting to change."""

    key: str
    sentence: str


def training_conflict(experiment: Experiment, conditions: Conditions | None = None) -> Conflict | None:
    """Why this experiment cannot be trained, or None.

    Args:
        conditions: what can be conditioned on, where the data have been read.
    """
    # First what leaves no data or no network to build: another conflict would hide it, and the window would try.
    if experiment.network.kind == "u-net" and not SOURCES[experiment.data.kind].images:
        return Conflict(
            "network.kind",
            "A U-Net needs images: choose network.kind = mlp for points, or the digits or images.",
        )
    if experiment.data.kind == "file" and not experiment.data.path:
        return Conflict(
            "data.path",
            "No file is chosen: set data.path to a CSV, TSV or NPY file with two columns, or drop one on the window.",
        )
    if experiment.data.kind == "images" and not experiment.data.path:
        return Conflict(
            "data.path",
            "No images are chosen: set data.path to a folder of PNG or JPEG files, or an IDX, NPZ or CIFAR file.",
        )
    if experiment.data.kind == "drawn" and not experiment.data.strokes:
        return Conflict("data.strokes", "Nothing is drawn yet: paint on the canvas with the brush, then train.")
    if experiment.objective.kind == "denoising" and experiment.noise.kind == "none":
        return Conflict(
            "objective.kind",
            "Denoising needs noise: with noise.kind = none its target z/σ divides by zero. Choose a noise, or "
            "exact or sliced matching.",
        )
    if experiment.objective.kind == "maximum-likelihood" and experiment.network.kind != "energy":
        return Conflict(
            "objective.kind",
            "Maximum likelihood needs a density, which a score network does not have: choose network.kind = "
            "energy, or another objective.",
        )
    if experiment.objective.kind == "maximum-likelihood" and SOURCES[experiment.data.kind].images:
        return Conflict(
            "objective.kind",
            "Maximum likelihood computes Z on a grid, which is possible in two dimensions only: choose score "
            "matching, which needs no Z, or points of the plane.",
        )
    reference = experiment.objective.target_batch
    if experiment.objective.kind == "denoising" and reference not in ("auto", 1) and _told(experiment, conditions):
        return Conflict(
            "objective.target_batch",
            "The stable target of a U-Net with class labels would mix classes, but objective.target_batch = "
            f"{reference}: choose objective.target_batch = auto or 1, or network.kind = mlp.",
        )
    return None


def sampling_conflict(experiment: Experiment, conditions: Conditions | None = None) -> Conflict | None:
    """Why this experiment's sampler does not fit its noise, its data or its network, or None.

    Args:
        conditions: what can be conditioned on, where the data have been read.
    """
    kind, noise = experiment.sampling.kind, experiment.noise.kind
    if kind in FROM_NOISE and noise in ("none", "single"):
        return Conflict(
            "sampling.kind",
            f"The {FROM_NOISE[kind]} runs from noise back to data, but noise.kind = {noise} has no path between them: choose noise.kind = discrete, ve or another process, or sampling.kind = langevin.",
        )
    if kind == "forward" and noise in ("none", "single"):
        return Conflict(
            "sampling.kind",
            f"The forward process leads from data to noise, but noise.kind = {noise} has no path between them: choose noise.kind = discrete, ve or another process, or sampling.kind = langevin.",
        )
    if kind == "annealed-langevin" and noise in ("none", "single"):
        return Conflict(
            "sampling.kind",
            f"Annealed Langevin needs several noise levels, but noise.kind = {noise} has fewer than two: choose "
            "noise.kind = discrete, ve or another process, or sampling.kind = langevin.",
        )
    levels, steps = annealing_levels(experiment), resolve(experiment).sampling.steps
    if kind == "annealed-langevin" and steps != "auto" and steps < levels:
        return Conflict(
            "sampling.steps",
            f"Annealed Langevin takes at least one step at each of its {levels} levels, but sampling.steps = {steps}: choose at least {levels}, or fewer noise.levels.",
        )
    solver = experiment.sampling.solver
    if kind == "reverse-sde" and solver == "adaptive":
        return Conflict(
            "sampling.solver",
            "The adaptive solver needs a smooth path, and the reverse SDE's is not smooth: choose "
            "sampling.solver = euler, heun, dpm-solver++ or shark, or sampling.kind = probability-flow.",
        )
    mask = experiment.sampling.inpainting_mask
    if kind == "probability-flow" and solver == "adaptive" and resolve(experiment).sampling.corrector_steps:
        if experiment.sampling.corrector_steps == "auto":
            return Conflict(
                "sampling.solver",
                "Inpainting needs a corrector after each step, and the adaptive solver has none: choose "
                "sampling.solver = heun, or sampling.inpainting_mask = none.",
            )
        return Conflict(
            "sampling.corrector_steps",
            "The adaptive solver follows one path without correctors: choose sampling.corrector_steps = 0, or "
            "sampling.solver = heun.",
        )
    if kind == "probability-flow" and solver == "shark":
        return Conflict(
            "sampling.solver",
            "ShARK is a solver for SDEs, and the probability flow is an ODE: choose sampling.solver = heun, "
            "dpm-solver++ or euler, or sampling.kind = reverse-sde.",
        )
    if mask != "none" and noise == "none":
        return Conflict(
            "sampling.inpainting_mask",
            "Inpainting needs noise, but noise.kind = none: choose a noise, or sampling.inpainting_mask = none.",
        )
    if mask != "none" and kind == "forward":
        return Conflict(
            "sampling.inpainting_mask",
            "The forward process has no inpainting, it leads every part to noise: choose "
            "sampling.inpainting_mask = none, or a sampler from noise to data.",
        )
    if mask != "none" and kind == "mala":
        return Conflict(
            "sampling.inpainting_mask",
            "MALA compares densities, and inpainting has only a score: choose sampling.inpainting_mask = none, "
            "or another sampler.",
        )
    if mask == "frame" and not SOURCES[experiment.data.kind].images:
        return Conflict(
            "sampling.inpainting_mask",
            "Points of the plane have no middle to cut out: choose sampling.inpainting_mask = left or top.",
        )
    sampling = experiment.sampling
    asked = f"labels = {sampling.labels}" if sampling.labels == "one" else f"guidance = {sampling.guidance:g}"
    # Points have no classes, and what was chosen for images waits for images to come back.
    images = SOURCES[experiment.data.kind].images
    acts = images and kind != "forward" and sampling.source == "learned" and sampling.labels != "none"
    if acts and (sampling.labels == "one" or sampling.guidance) and _told(experiment, conditions) is False:
        return Conflict(
            "sampling.labels",
            f"The network has no classes, so sampling.{asked} would change nothing: choose sampling.labels = "
            "none, or a U-Net on images with classes.",
        )
    there = () if conditions is None else conditions.classes
    if acts and sampling.labels == "one" and there and sampling.label not in there:
        return Conflict(
            "sampling.label",
            f"sampling.label = {sampling.label} is not a class of these data: choose {_choice(there)}.",
        )
    if mask != "none" and conditions is not None and sampling.inpainting_image >= conditions.held_out:
        return Conflict(
            "sampling.inpainting_image",
            f"There is no held-out point {sampling.inpainting_image}: there are {conditions.held_out} (sampling.inpainting_image = 0 to {conditions.held_out - 1}).",
        )
    low, high = experiment.sampling.churn_min, experiment.sampling.churn_max
    if kind == "edm" and low != "auto" and high != "auto" and low > high:
        return Conflict(
            "sampling.churn_min",
            f"No noise level lies from sampling.churn_min = {low:g} up to sampling.churn_max = {high:g}: lower one or raise the other, or set sampling.churn = 0 for none.",
        )
    if kind == "mala" and experiment.sampling.source == "learned" and experiment.network.kind != "energy":
        return Conflict(
            "sampling.source",
            "MALA compares densities, and a learned score has none: choose sampling.source = exact or empirical, "
            "network.kind = energy, or sampling.kind = langevin.",
        )
    if experiment.sampling.source == "exact" and not SOURCES[experiment.data.kind].known_density:
        return Conflict(
            "sampling.source",
            f"The exact score of data.kind = {experiment.data.kind} is not known: only toys and drawings have one; choose sampling.source = learned or empirical.",
        )
    if kind == "langevin" and sampling.source == "exact" and noise == "none" and _sharp(experiment):
        return Conflict(
            "sampling.kind",
            f"Without noise the exact score of the boxes of data.kind = {experiment.data.kind} is 0, so Langevin "
            "is a random walk: choose a noise, data.noise above 0, or sampling.kind = mala.",
        )
    if experiment.sampling.source == "empirical" and noise == "none":
        return Conflict(
            "sampling.source",
            "Without noise the training set has no score: choose a noise, or sampling.source = learned.",
        )
    return None


def _sharp(experiment: Experiment) -> bool:
    """Whether the data's density has edges: without a blur, only boxes have one at all."""
    return isinstance(SOURCES[experiment.data.kind], Toy) and resolve(experiment).data.noise == 0


def _told(experiment: Experiment, conditions: Conditions | None) -> bool | None:
    """Whether the network is told classes; None where only data can tell that have not been read."""
    labelled = SOURCES[experiment.data.kind].labelled
    if labelled is None:
        labelled = None if conditions is None else bool(conditions.classes)
    return labelled if resolve(experiment).network.kind == "u-net" else False


def _choice(classes: tuple[int, ...]) -> str:
    """The classes there are, in order, as something to choose from: "one from 0 to 9", or each where some are missing."""
    if len(classes) > 1 and classes == tuple(range(classes[0], classes[-1] + 1)):
        return f"one from {classes[0]} to {classes[-1]}"
    if len(classes) > MOST_CLASSES:
        return f"one of the {len(classes)} from {', '.join(map(str, classes[:MOST_CLASSES]))} to {classes[-1]}"
    *most, last = map(str, classes)
    return f"{', '.join(most)} or {last}" if most else last


def comparison_conflict(experiment: Experiment, conditions: Conditions) -> Conflict | None:
    """Why the experiment's samples are not to be compared with its data, or None: they are conditioned, and the data are not.

    Args:
        conditions: what can be conditioned on.
    """
    sampling, told = experiment.sampling, bool(conditions.classes) and experiment.sampling.source == "learned"
    if sampling.inpainting_mask != "none":
        if SOURCES[experiment.data.kind].images:
            part = {"left": "left half", "top": "upper half", "frame": "frame"}[sampling.inpainting_mask]
        else:
            part = {"left": "first coordinate", "top": "second coordinate"}[sampling.inpainting_mask]
        return Conflict(
            "sampling.inpainting_mask",
            f"The samples are conditioned on the {part} of held-out point {sampling.inpainting_image}, the data are not: choose sampling.inpainting_mask = none to compare them.",
        )
    if told and sampling.labels == "one":
        return Conflict(
            "sampling.labels",
            f"The samples are conditioned on class {sampling.label}, the data are not: choose sampling.labels = all to compare them.",
        )
    if told and sampling.labels == "all" and sampling.guidance:
        return Conflict(
            "sampling.guidance",
            f"The samples are pushed towards their classes by sampling.guidance = {sampling.guidance:g}, the data are not: choose sampling.guidance = 0 to compare them.",
        )
    return None


LEAST_SAMPLES = 4
"""Samples, and data, below which no error of a distance can be told: :data:`playground.theory.two_samples.LEAST`, for
a window that has not loaded torch; a test holds the two together."""


def few_samples(count: int) -> str:
    """Why so many samples, one at least, are too few to be compared with the data; "" where they are not."""
    if count >= LEAST_SAMPLES:
        return ""
    said = "1 sample is" if count == 1 else f"{count} samples are"
    return f"{said} too few to compare with the data: set sampling.particles to {LEAST_SAMPLES} or more."


def annealing_levels(experiment: Experiment) -> int:
    """Return the number of noise levels of annealed Langevin."""
    noise = experiment.noise
    return len(noise.sigmas) if noise.kind == "discrete" and noise.sigmas else noise.levels


def has_energy(experiment: Experiment) -> bool:
    """Whether what is learned states a density that can be summed up: an energy in the plane."""
    return experiment.network.kind == "energy" and not SOURCES[experiment.data.kind].images


def likelihood_conflict(experiment: Experiment) -> Conflict | None:
    """Why the experiment has no likelihoods, or None: a learned energy states them itself where there is no flow to follow."""
    conflict = flow_conflict(experiment)
    if conflict is None or not has_energy(experiment):
        return conflict
    if experiment.likelihood.source == "learned":
        return None
    if conflict.key == "likelihood.source":  # it says so already
        return conflict
    way_out = ", or likelihood.source = learned, for the learned energy states log p without a path."
    return Conflict(conflict.key, conflict.sentence.removesuffix(".") + way_out)


LIKELIHOOD = "The likelihood follows"


def flow_conflict(experiment: Experiment, asked: str = LIKELIHOOD) -> Conflict | None:
    """Why the experiment's likelihoods and latent codes cannot be computed by the probability flow, or None; see :func:`path_conflict`."""
    if experiment.likelihood.source == "exact" and not SOURCES[experiment.data.kind].known_density:
        return Conflict(
            "likelihood.source",
            f"The exact score of data.kind = {experiment.data.kind} is not known: only toys and drawings have one; choose likelihood.source = learned or empirical.",
        )
    return path_conflict(experiment, asked)


def path_conflict(experiment: Experiment, asked: str = LIKELIHOOD) -> Conflict | None:
    """Why there is no probability flow from data to noise to follow, or None.

    Args:
        asked: what was asked for and needs it, as the sentence begins.
    """
    if experiment.noise.kind in ("none", "single"):
        return Conflict(
            "noise.kind",
            f"{asked} the probability flow from data to noise, but noise.kind = {experiment.noise.kind} has no such path: choose noise.kind = discrete, ve or another process.",
        )
    return None
