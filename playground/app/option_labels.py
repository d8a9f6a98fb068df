"""Short titles and one-line meanings of the settings' choices. A choice without an entry shows its own name."""

from playground.data.sources import SOURCES


def capital(text: str) -> str:
    """With a capital at the start and the others kept, which ``str.capitalize`` takes from Gaussians."""
    return text[:1].upper() + text[1:]


_CHOICES: dict[str, dict[str, tuple[str, str]]] = {
    "data.kind": {kind: (capital(source.title), "") for kind, source in SOURCES.items()},
    "noise.kind": {
        "none": ("None", "The score of the data themselves: learned well only where data are."),
        "single": ("One σ", "The score of the data blurred once."),
        "discrete": ("Ladder", "A few noise levels, from coarse to fine: drag its ends and rungs."),
        "ve": ("VE", "Variance exploding: noise grows without bound, the data stay where they are."),
        "vp": ("VP", "Variance preserving: data shrink while noise grows, to a unit Gaussian."),
        "sub-vp": ("sub-VP", "As VP with less noise on the way: std = 1 - α² instead of its root."),
        "cosine": ("Cosine", "Variance preserving at a steady pace: α = cos θ and std = sin θ, θ growing evenly."),
        "custom": ("Drawn", "Variance exploding along a curve of your own: drag its points."),
    },
    "data.colours": {
        "auto": ("Auto", "Grey for pictures that are, else red, green and blue."),
        "grey": ("Grey", "One number a pixel: a third of the numbers to learn."),
        "rgb": ("RGB", "Red, green and blue, three numbers a pixel."),
    },
    "data.split": {
        "auto": ("Auto", "By row where more than 1 % of the rows repeat another, else in groups."),
        "rows": ("Rows", "Each row by itself: equal ones may be trained on and held out, as of discrete data."),
        "groups": ("Groups", "Equal rows together, so that no copy of a held-out row was trained on."),
    },
    "network.kind": {
        "auto": ("Auto", "An MLP for points, a U-Net for images."),
        "mlp": ("MLP", "Layers that see all coordinates at once."),
        "energy": (
            "Energy",
            "An MLP of one output f: the score is -∇f, and e⁻ᶠ over its Z a density. A step of denoising takes twice an MLP's "
            "time, one of exact or sliced matching five to ten times.",
        ),
        "u-net": ("U-Net", "Layers that look at neighbouring pixels, from fine to coarse and back; for images."),
    },
    "network.activation": {
        "silu": ("SiLU", "x times its own sigmoid."),
        "gelu": ("GELU", "x times the normal distribution function."),
        "tanh": ("tanh", "Saturates at ±1."),
        "softplus": ("Softplus", "A smooth ramp."),
    },
    "objective.kind": {
        "exact": ("Exact", "Hyvärinen's loss with the full trace; its cost grows with the dimension."),
        "sliced": ("Sliced", "The trace seen along a few random directions."),
        "denoising": ("Denoising", "Predict the noise that was added; needs noise."),
        "maximum-likelihood": (
            "Likelihood",
            "What score matching avoids: the likelihood itself, with Z summed over the plane at every step; needs an energy.",
        ),
    },
    "objective.weight": {
        "auto": ("Auto", "EDM for denoising, σ² for exact and sliced: what has the least noise."),
        "sigma2": ("σ²", "Every level counts alike."),
        "edm": ("EDM", "σ²(σ² + 1), Karras et al. 2022: the network's own output counts alike at every level."),
        "likelihood": ("g²", "Bounds the likelihood: fine levels count most."),
        "constant": ("1", "No weight: the finest level drowns all others."),
    },
    "objective.probes": {
        "rademacher": ("±1", "Rademacher: each coordinate ±1; the least variance."),
        "gaussian": ("Normal", "Standard normal."),
        "sphere": ("Sphere", "Uniform on the sphere of radius √D."),
    },
    "training.early_stopping": {
        "auto": ("Auto", "On for at most 10,000 training points of the plane."),
        "on": ("On", "The weights of the least held-out loss are kept; training ends where it falls no more."),
        "off": ("Off", "Training goes on to its limit, and the last weights are kept."),
    },
    "training.lr_schedule": {
        "cosine": ("Cosine", "Falls along half a cosine to zero at the end."),
        "none": ("None", "Stays."),
    },
    "training.sigma_distribution": {
        "log-normal": ("Normal", "ln σ is normal: most training where the score is hardest."),
        "log-uniform": ("Uniform", "ln σ is uniform: all levels alike."),
        "time": ("Even in t", "The process's own time is uniform: for VE as Uniform, for VP mostly coarse levels."),
        "importance": (
            "Importance",
            "What the weight g² makes much of in denoising is drawn more often, and so counts with less noise; with more in exact and "
            "sliced matching.",
        ),
    },
    "sampling.kind": {
        "langevin": ("Langevin", "Langevin dynamics at one noise level: step along the score, add noise."),
        "mala": (
            "Metropolis-adjusted Langevin",
            "Langevin dynamics whose steps may be refused, so that the density is right at any step size.",
        ),
        "annealed-langevin": ("Annealed Langevin", "Annealed Langevin dynamics: down the ladder, level by level."),
        "reverse-sde": ("Reverse SDE", "The reverse SDE: from noise back to data, at random."),
        "probability-flow": ("Probability flow", "The probability-flow ODE: the same marginals without any noise."),
        "edm": (
            "Churn sampler",
            "Karras et al. 2022: the flow by Heun's method, with noise churned in before each step.",
        ),
        "forward": ("Forward process", "No sampler: the process itself, data dissolving into noise."),
    },
    "sampling.source": {
        "learned": ("Learned", "Follow the network's score, with its newest averaged weights."),
        "exact": ("Exact", "Follow the known density's own score: what a perfect network would do."),
        "empirical": (
            "Data",
            "Follow the smoothed training set: what fits it perfectly gives its points back by heart.",
        ),
    },
    "sampling.labels": {
        "none": ("Any", "No particle is told a class: the score of all data."),
        "one": ("One", "All particles are told one class."),
        "all": ("All", "Each particle is told a class, in the data's shares."),
    },
    "sampling.inpainting_mask": {
        "none": ("None", "Nothing is known beforehand."),
        "left": ("Left", "The left half of an image, or x in the plane: the rest is sampled given that."),
        "top": ("Top", "The upper half of an image, or y in the plane: the rest is sampled given that."),
        "frame": ("Frame", "All of an image but a box in its middle."),
    },
    "sampling.solver": {
        "auto": ("Auto", "Euler for the SDE, Heun for the flow."),
        "euler": ("Euler", "One score a step; the error falls with the number of steps."),
        "heun": ("Heun", "Two scores a step, the mean drift of both ends; the error falls with the number's square."),
        "dpm-solver++": (
            "DPM-Solver++(2M)",
            "One score a step, carried on from the step before; the error falls with the number's square.",
        ),
        "adaptive": ("Adaptive", "Steps fitted to each point by themselves until their error is below the tolerance."),
        "shark": (
            "ShARK",
            "A stochastic Runge-Kutta scheme of order 1.5: two scores a step, closest to its noise's own path.",
        ),
    },
    "sampling.time_grid": {
        "auto": ("Auto", "Karras's for the flow and DPM-Solver++, else log σ."),
        "log-sigma": ("log σ", "Equal ratios of σ: each step changes the signal-to-noise ratio by the same factor."),
        "time": ("t", "Equal steps in time; the same as log σ for VE, coarse near the data for VP."),
        "karras": ("Karras", "Equal steps in the 7th root of σ: longer ones near the data, shorter ones far out."),
    },
    "sampling.start": {
        "auto": ("Auto", "Whatever the sampler starts from by itself."),
        "prior": ("Prior", "The Gaussian that the noise ends in."),
        "uniform": ("Box", "Evenly over the data's box."),
    },
    "data": {  # of a Boltzmann machine
        "bars-and-stripes": ("Bars and stripes", "Every picture of equal rows or of equal columns."),
        "drawn": ("Your own", "The patterns that you draw and add."),
    },
    "sampler": {
        "exact": ("Exact", "Drawn from all probabilities, which takes Z."),
        "gibbs": ("Gibbs", "One pixel after the other, given all others: no Z, but chains may stay where they are."),
    },
    "likelihood.source": {
        "learned": ("Learned", "The network's score, with its newest averaged weights."),
        "exact": ("Exact", "The known density's own score: what is left is the error of solver and prior."),
        "empirical": ("Data", "The smoothed training set's: likely where its points are, and nowhere else."),
    },
    "likelihood.trace": {
        "auto": ("Auto", "Exact for points, estimated for images."),
        "exact": ("Exact", "The divergence itself; costs one pass a dimension."),
        "hutchinson": (
            "Estimate",
            "Hutchinson's estimate, along random vectors that each point keeps for its whole way. Density maps and ∫ p stay exact.",
        ),
    },
    "likelihood.interpolation": {
        "spherical": (
            "Circle",
            "Along the great circle between the directions, the length going evenly from one to the other.",
        ),
        "rotation": (
            "Rotation",
            "cos and sin: every point of it has the law of the noise, if the two ends are independent.",
        ),
        "linear": ("Straight", "A straight line, whose middle has half the noise's variance: likelier than the data."),
    },
    "likelihood.probes": {
        "rademacher": ("±1", "Rademacher: each coordinate ±1. Its variance leaves out the diagonal: 2 Σ S_ij², i ≠ j."),
        "gaussian": ("Normal", "Standard normal. Its variance is 2 Σ S_ij², over the diagonal too."),
        "sphere": ("Sphere", "Uniform on the sphere of radius √D: of a multiple of the identity it is exact."),
    },
}


def title(key: str, choice: str) -> str:
    """What stands on the button of a choice."""
    return _CHOICES.get(key, {}).get(choice, (choice.replace("-", " "), ""))[0]


def meaning(key: str, choice: str) -> str:
    """One line about a choice, or nothing."""
    return _CHOICES.get(key, {}).get(choice, ("", ""))[1]


def titles(key: str, choices: tuple[str, ...]) -> list[tuple[str, str]]:
    """(choice, title) for each choice."""
    return [(choice, title(key, choice)) for choice in choices]
