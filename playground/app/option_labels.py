"""Short titles and one-line meanings of the settings' choices. A choice without an entry shows its own name."""

from playground.data.sources import SOURCES


def capital(text: str) -> str:
    """With a capital at the start and the others kept, which ``str.capitalize`` takes from Gaussians."""
    return text[:1].upper() + text[1:]


_CHOICES: dict[str, dict[str, tuple[str, str]]] = {
    "data.kind": {kind: (capital(source.title), "") for kind, source in SOURCES.items()},
    "noise.kind": {
        "none": ("None", "The score of the data without noise; it is learned well only near the data."),
        "single": ("Single σ", "The score of the data smoothed by one noise level."),
        "discrete": ("Discrete", "A few noise levels from coarse to fine (NCSN). Drag them in the chart."),
        "ve": ("VE", "Variance exploding: the noise grows, the data keep their scale."),
        "vp": ("VP", "Variance preserving: the data shrink while the noise grows, to a unit Gaussian."),
        "sub-vp": ("sub-VP", "As VP with less noise on the way: std = 1 - α² instead of its square root."),
        "cosine": ("Cosine", "Variance preserving: α = cos θ and std = sin θ, with θ linear in t."),
        "custom": ("Custom", "Variance exploding along your own σ(t). Drag its points in the chart."),
    },
    "data.colours": {
        "auto": ("Auto", "RGB if any image has colours, else grey."),
        "grey": ("Grey", "One number a pixel: a third of the numbers to learn."),
        "rgb": ("RGB", "Red, green and blue: three numbers a pixel."),
    },
    "data.split": {
        "auto": ("Auto", "Rows if more than 1 % of them are duplicates, else groups."),
        "rows": ("Rows", "Each row by itself: duplicates may be in both sets, as in discrete data."),
        "groups": ("Groups", "Duplicates stay together: no copy of a held-out row is trained on."),
    },
    "network.kind": {
        "auto": ("Auto", "An MLP for points, a U-Net for images."),
        "mlp": ("MLP", "Fully connected layers."),
        "energy": (
            "Energy",
            "An MLP with one output f: the score is -∇f, the density e⁻ᶠ/Z. A step of denoising takes twice an MLP's time, "
            "one of exact or sliced matching five to ten times.",
        ),
        "u-net": ("U-Net", "Convolutions from fine resolution to coarse and back; for images."),
    },
    "network.activation": {
        "silu": ("SiLU", "x times its sigmoid."),
        "gelu": ("GELU", "x times the normal distribution function."),
        "tanh": ("tanh", "Saturates at ±1."),
        "softplus": ("Softplus", "A smooth ramp."),
    },
    "objective.kind": {
        "exact": ("Exact", "Hyvärinen's loss with the full trace. Its cost grows with the dimension."),
        "sliced": ("Sliced", "The trace is estimated along a few random directions."),
        "denoising": ("Denoising", "The network predicts the added noise; needs noise."),
        "maximum-likelihood": (
            "Likelihood",
            "Maximum likelihood, which score matching avoids: Z is summed over the plane at every step. Needs an energy.",
        ),
    },
    "objective.weight": {
        "auto": ("Auto", "EDM for denoising, σ² for exact and sliced matching: the least noisy gradients."),
        "sigma2": ("σ²", "All noise levels count alike."),
        "edm": ("EDM", "σ²(σ² + 1), Karras et al. 2022: the network's raw output counts alike at every level."),
        "likelihood": ("g²", "Likelihood weighting: the loss bounds the NLL, and fine levels count most."),
        "constant": ("1", "No weight: the finest level dominates the loss."),
    },
    "objective.probes": {
        "rademacher": ("±1", "Rademacher: each coordinate is ±1; the least variance."),
        "gaussian": ("Normal", "Standard normal."),
        "sphere": ("Sphere", "Uniform on the sphere of radius √D."),
    },
    "training.early_stopping": {
        "auto": ("Auto", "On for points of the plane, at most 10,000 of them."),
        "on": ("On", "Keep the weights with the lowest held-out loss; stop when it no longer falls."),
        "off": ("Off", "Train to the limit and keep the last weights."),
    },
    "training.lr_schedule": {
        "cosine": ("Cosine", "Half a cosine, down to zero at the end of training."),
        "none": ("None", "The learning rate stays constant."),
    },
    "training.sigma_distribution": {
        "log-normal": ("Log-normal", "ln σ is normal: most samples where the score is hardest to learn."),
        "log-uniform": ("Log-uniform", "ln σ is uniform: all levels alike."),
        "time": ("Uniform in t", "t is uniform: the same as log-uniform for VE, mostly coarse levels for VP."),
        "importance": (
            "Importance",
            "Importance sampling for the weight g²: less variance in denoising, more in exact and sliced matching.",
        ),
    },
    "sampling.kind": {
        "langevin": ("Langevin", "Langevin dynamics at one noise level: step along the score, add noise."),
        "mala": (
            "Metropolis-adjusted Langevin",
            "MALA: Langevin steps that are accepted or rejected, so that the density is right at any step size.",
        ),
        "annealed-langevin": (
            "Annealed Langevin",
            "Langevin dynamics at each noise level in turn, from coarse to fine.",
        ),
        "reverse-sde": ("Reverse SDE", "The reverse SDE: from noise to data, with new noise at every step."),
        "probability-flow": ("Probability flow", "The probability-flow ODE: the same marginals without added noise."),
        "edm": (
            "EDM sampler",
            "Karras et al. 2022: the flow by Heun's method, with noise added (churn) before each step.",
        ),
        "forward": ("Forward process", "No sampler: the noise process itself, from data to noise."),
    },
    "sampling.source": {
        "learned": ("Learned", "The network's score, with its newest averaged (EMA) weights."),
        "exact": ("Exact", "The score of the known density: what a perfect network would give."),
        "empirical": (
            "Training set",
            "The score of the smoothed training set. A network that fits it perfectly only reproduces training points.",
        ),
    },
    "sampling.labels": {
        "none": ("Any", "No class is given to the network: the score of all data."),
        "one": ("One", "All particles have one class."),
        "all": ("All", "Each particle has a class, in the frequencies of the data."),
    },
    "sampling.inpainting_mask": {
        "none": ("None", "Nothing is given: plain sampling."),
        "left": ("Left", "The left half of an image, or x in the plane, is given; the rest is sampled."),
        "top": ("Top", "The upper half of an image, or y in the plane, is given; the rest is sampled."),
        "frame": ("Frame", "All of an image but a box in its middle is given; the box is sampled."),
    },
    "sampling.solver": {
        "auto": ("Auto", "Euler for the SDE, Heun for the flow."),
        "euler": ("Euler", "One score evaluation a step. The error falls as 1/steps."),
        "heun": (
            "Heun",
            "Two score evaluations a step, the mean drift of both ends. The error falls as 1/steps².",
        ),
        "dpm-solver++": (
            "DPM-Solver++(2M)",
            "One score evaluation a step, extrapolated from the step before. The error falls as 1/steps².",
        ),
        "adaptive": ("Adaptive", "Steps are fitted to each point until their error is below the tolerance."),
        "shark": (
            "ShARK",
            "A stochastic Runge-Kutta scheme of strong order 1.5: two score evaluations a step.",
        ),
    },
    "sampling.time_grid": {
        "auto": ("Auto", "Karras's for the flow and DPM-Solver++, else log σ."),
        "log-sigma": ("log σ", "Equal ratios of σ: each step changes the signal-to-noise ratio by the same factor."),
        "time": ("t", "Equal steps in time: as log σ for VE, coarse near the data for VP."),
        "karras": ("Karras", "Equal steps in σ^(1/7): longer near the data and shorter at large σ than log σ."),
    },
    "sampling.start": {
        "auto": ("Auto", "The usual start of the chosen sampler."),
        "prior": ("Prior", "The Gaussian at the end of the noise process."),
        "uniform": ("Box", "Uniform over the bounding box of the data."),
    },
    "data": {  # of a Boltzmann machine
        "bars-and-stripes": ("Bars and stripes", "Every picture of equal rows or of equal columns."),
        "drawn": ("Your own", "The patterns that you draw and add."),
    },
    "sampler": {
        "exact": ("Exact", "Independent samples from all probabilities, which takes Z."),
        "gibbs": ("Gibbs", "One pixel after the other, given all others: no Z, but chains may mix slowly."),
    },
    "likelihood.source": {
        "learned": ("Learned", "The network's score, with its newest averaged (EMA) weights."),
        "exact": ("Exact", "The score of the known density: what remains is the error of solver and prior."),
        "empirical": ("Training set", "The score of the smoothed training set: likely near its points, nowhere else."),
    },
    "likelihood.trace": {
        "auto": ("Auto", "Exact for points, estimated for images."),
        "exact": ("Exact", "The divergence itself: one backward pass for each dimension."),
        "hutchinson": (
            "Hutchinson",
            "Hutchinson's estimate along random probe vectors, which each point keeps on its whole path. "
            "Density maps and ∫ p stay exact.",
        ),
    },
    "likelihood.interpolation": {
        "spherical": (
            "Spherical",
            "Along the great circle between the two directions (slerp), with linear length.",
        ),
        "rotation": (
            "Rotation",
            "Weights cos and sin: each point has the prior's distribution if the ends are independent.",
        ),
        "linear": ("Linear", "A straight line. Its middle has half the prior's variance: likelier than the data."),
    },
    "likelihood.probes": {
        "rademacher": ("±1", "Rademacher: each coordinate is ±1. Variance 2 Σ S_ij² over i ≠ j."),
        "gaussian": ("Normal", "Standard normal. Variance 2 Σ S_ij², diagonal included."),
        "sphere": ("Sphere", "Uniform on the sphere of radius √D. Exact for multiples of the identity."),
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
