"""The words for the figures of ``metrics.json``: what each is called and means, its unit and its floor. It imports no torch.

The cards, the run table, the command line and the sweeps take their words from here. ``docs/metrics.md`` adds each figure's formula,
error and source, and ``docs/glossary.md`` its symbol.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from playground.data.units import EQUALIZED

Unit = Literal["", "nat", "bit", "data", "data²", "1/data²", "share", "count", "s"]
"""The unit of a figure. ``data`` is the unit of the user's data, and ``share`` a fraction, which the window shows in per cent."""


@dataclass(frozen=True)
class FigureWords:
    """The words for one figure.

    Attributes:
        title: its name, the same on a card, in a table, in a plot and on the command line.
        meaning: what it measures, in a few sentences.
        equation: LaTeX.
        short: its name where there is little room; "" if that is the title.
        unit: its unit.
        floor: what a perfect model or sampler has: a number, or the key of the figure that tells it; None if there is none.
        decimals: how many a card shows; None for as many digits as matter. Figures in nats and bits have three.
    """

    title: str
    meaning: str
    equation: str = ""
    short: str = ""
    unit: Unit = ""
    floor: float | str | None = None
    decimals: int | None = None

    @property
    def places(self) -> int | None:
        """The decimals of its value, error and floor; None for as many digits as matter."""
        return 3 if self.decimals is None and self.unit in ("nat", "bit") else self.decimals

    @property
    def heading(self) -> str:
        """The name in the head of a narrow column."""
        return self.short or self.title

    @property
    def floor_key(self) -> str:
        """The key of the figure that is its floor; "" if there is none."""
        return self.floor if isinstance(self.floor, str) else ""

    @property
    def axis(self) -> str:
        """The name on the axis of a plot, with a unit that all data share."""
        return f"{self.title} ({self.unit})" if self.unit in ("nat", "s") else self.title


TRIP = (
    "It comes from the solver's steps, magnified by the flow on the way back. With a badly trained score it may be a thousand "
    "times the error of log p itself. A lower tolerance shows that error."
)
"""The cause of the round-trip error, of one point or of the worst."""
_CLOUDS = "From 5 clouds of 400 start points, with the standard error."
_ORDER = "Replaced in this order: score factor, score, steps, prior, σ min."

FIGURES: Mapping[str, FigureWords] = {
    # Likelihood of held-out points
    "test_nll": FigureWords(
        "test NLL",
        "Mean of -log p over the held-out points, in nats, with its standard error.",
        r"-\frac{1}{N}\sum_i \log p(x_i)",
        unit="nat",
        floor="optimal_nll",
    ),
    "train_nll": FigureWords(
        "train NLL",
        "The same over at most 500 training points. Far below the test NLL, they are memorized.",
        unit="nat",
        floor="test_nll",
    ),
    "optimal_nll": FigureWords(
        "optimal NLL",
        "The NLL of a perfect model at the same points: the known density, smoothed by the finest σ. Its distance from "
        "the entropy is due to smoothing, not to training.",
        r"-\frac{1}{N}\sum_i \log p_{\sigma_{min}}(x_i)",
        unit="nat",
    ),
    "entropy": FigureWords(
        "entropy of the data",
        "The expected NLL of a perfect model without smoothing: no model can do better.",
        r"-\int p \log p\,dx",
        unit="nat",
    ),
    "kl": FigureWords(
        "KL(data || model)",
        "Kullback-Leibler divergence in nats, with its standard error, over the test set, once that was measured in the "
        "Likelihood card. The floor is that of a perfect model at the same points: the data's density smoothed by the "
        "finest σ.",
        r"E_{p}[\log p(x) - \log q(x)]",
        short="KL",
        unit="nat",
        floor="kl_of_smoothing",
    ),
    "kl_of_smoothing": FigureWords(
        "KL of smoothing",
        "What smoothing by the finest σ costs, in nats, however long training is. It is estimated from how thin the data "
        "are at 200 points; its error is not known. A smaller σ min costs less.",
        r"KL(p \,\|\, p_{\sigma_{min}})",
        unit="nat",
        floor=0,
    ),
    "kernel_nll": FigureWords(
        "NLL, kernel density",
        "The NLL at the same points of a kernel density of the training points, without a network. Its width has the best "
        "leave-one-out likelihood. For few points a network is good if it comes near.",
        unit="nat",
        floor="optimal_nll",
    ),
    "kernel_kl": FigureWords(
        "KL, kernel density",
        "Kullback-Leibler divergence from the data to a kernel density of the training points, at the same points. It needs "
        "no network. For few points a network is good if it comes near.",
        unit="nat",
        floor=0,
    ),
    "bits_per_dim": FigureWords(
        "bits per dimension",
        "Of grey levels dequantized by uniform noise: mean and standard error over the images; fewer are better. An upper "
        "bound for the images themselves.",
        r"E_u[-\log_2 p(x + u)]/D + \log_2(K/2)",
        unit="bit",
    ),
    "trace_standard_error": FigureWords(
        "trace estimator's s.e.",
        "Standard error that Hutchinson's estimate leaves in log p of one point, root mean square in nats. More trace "
        "probes lower it.",
        unit="nat",
        floor=0,
    ),
    "round_trip_error": FigureWords(
        "worst round trip: Δx, Δlog p",
        "Some held-out points are taken to their latent codes and back. Shown are the largest distance from the start and "
        "the largest difference of log p. " + TRIP,
        unit="data",
        floor=0,
    ),
    "integral": FigureWords(
        "∫ p over the plane",
        "A density integrates to 1. What is missing lies outside the region, or is an error. The divergence is always exact.",
        floor=1,
        decimals=3,
    ),
    # Energy networks
    "energy_nll": FigureWords(
        "test NLL, energy",
        "The NLL by the energy of the finest level and its Z. The test NLL is by the flow through all levels.",
        r"\frac{1}{N}\sum_i f(x_i) + \ln Z",
        unit="nat",
        floor="optimal_nll",
    ),
    "energy_kl": FigureWords(
        "KL, energy",
        "Kullback-Leibler divergence from the data, smoothed by the finest σ, to the density of the energy.",
        unit="nat",
        floor=0,
    ),
    "energy_integral": FigureWords(
        "∫ p, energy",
        "Integral of the energy's density over the data's region and a quarter more on every side. Its grid is not that of "
        "Z. It is 1 but for the mass outside.",
        r"\frac{1}{Z}\int e^{-f}\,dx",
        floor=1,
        decimals=3,
    ),
    "log_partition": FigureWords(
        "ln Z(σ)",
        "The normalizer, which the score does not need: a sum over the plane in your data's unit, with the quadrature "
        "error. After Test set it is that of the finest level. Otherwise it is that of the learned density on the canvas.",
        r"Z(\sigma) = \int e^{-f(x, \sigma)}\,dx",
        unit="nat",
    ),
    # Cost of sampling
    "nfe_mean": FigureWords(
        "score evaluations",
        "Score evaluations (NFE) of one particle; with the adaptive solver the mean and the maximum. Guidance takes two "
        "evaluations where one is enough without.",
        short="NFE",
        unit="count",
    ),
    "nfe_max": FigureWords(
        "most score evaluations",
        "Score evaluations of the particle that took most; the adaptive solver gives each its own.",
        short="most NFE",
        unit="count",
    ),
    "sampling_seconds": FigureWords("sampling time", "Time that the sampler took.", short="seconds", unit="s"),
    # Samples and data
    "sliced_wasserstein2": FigureWords(
        "sliced W₂",
        "Sliced Wasserstein-2 distance between the final particles and the data, in your data's unit. The floor is the "
        "distance of a perfect sampler with as many points: mean and standard deviation of 20. Differences within this "
        "deviation mean nothing. " + EQUALIZED,
        unit="data",
        floor="sliced_wasserstein2_floor",
    ),
    "sliced_wasserstein2_over_floor": FigureWords(
        "sliced W₂ / floor",
        "Sliced Wasserstein-2 distance to the data over that of a perfect sampler with as many points.",
        floor=1,
    ),
    "wasserstein2": FigureWords(
        "W₂",
        "Wasserstein-2 distance by optimal transport: samples and data, at most a thousand each, are matched one to one at "
        "the least mean squared distance. The floor is that of a perfect sampler. " + EQUALIZED,
        r"W_2^2 = \min_\pi \frac{1}{N} \sum_i \|x_i - y_{\pi(i)}\|^2",
        unit="data",
        floor="wasserstein2_floor",
    ),
    "wasserstein2_floor": FigureWords(
        "floor of W₂", "Wasserstein-2 distance of a perfect sampler with as many points.", unit="data"
    ),
    "wasserstein2_over_floor": FigureWords(
        "W₂ / floor",
        "Wasserstein-2 distance to the data over that of a perfect sampler with as many points; 1 is perfect. "
        + EQUALIZED,
        floor=1,
    ),
    "tilted_sliced_wasserstein2": FigureWords(
        "sliced W₂ to tilted",
        "Sliced Wasserstein-2 distance between the final particles and draws of the tilted density. The floor is that of a "
        "perfect sampler. Guidance with w > 0 does not sample that density.",
        r"q_w(x) \propto p(x \mid c)\,p(c \mid x)^w",
        unit="data",
        floor="tilted_sliced_wasserstein2_floor",
    ),
    "tilted_kl": FigureWords(
        "KL to tilted",
        "Kullback-Leibler divergence of the tilted density from that of the final particles, in nats. The latter is known by "
        "the distance to the fifth nearest particle. The floor is that of as many draws of the tilted density.",
        r"E_{q_w}[\log q_w(x) - \log p_{samples}(x)]",
        unit="nat",
        floor="tilted_kl_floor",
    ),
    "energy_distance": FigureWords(
        "energy distance",
        "Energy distance between samples and data, with its standard error; a single value may lie below 0.",
        unit="data",
        floor=0,
    ),
    "mmd_squared": FigureWords(
        "squared MMD",
        "Squared maximum mean discrepancy of samples and data, with its standard error; a single value may lie below 0.",
        floor=0,
    ),
    "classifier_accuracy": FigureWords(
        "C2ST accuracy",
        "Classifier two-sample test: how often a classifier tells samples from data, with its standard error. 50 % is "
        "perfect.",
        short="C2ST",
        unit="share",
        floor=0.5,
    ),
    "mode_weights": FigureWords(
        "mode weights",
        "Fraction of the final particles nearest to each mode, and the true weights.",
        short="weights",
        unit="share",
        floor="mode_weights_true",
    ),
    "memorized_share": FigureWords(
        "near a training point",
        "Fraction of the final particles nearer to a training point than a third of the distance to the second nearest. "
        "The fraction of fresh points is beside it. Only where it is exceeded by more than chance are there copies.",
        unit="share",
        floor="memorized_share_held_out",
    ),
    "class_frequencies": FigureWords(
        "class frequencies",
        "Fraction of the final particles in each class, by the vote of the five nearest training images. Shown is the "
        "class farthest from its frequency in the training set.",
        unit="share",
        floor="class_frequencies_true",
    ),
    "nearest_neighbour_distance": FigureWords(
        "nearest training image",
        "Median distance from the final particles to the nearest training image, beside that of held-out images. Each has "
        "its standard error. Memorized samples lie much nearer. Below: samples, and the training image nearest to each.",
        unit="data",
        floor="nearest_neighbour_distance_held_out",
    ),
    # Error budget
    "budget_total": FigureWords(
        "squared sliced W₂",
        "Mean squared distance between samples and data over ten more runs, of at most 300 particles each. The parts below "
        "add up to it. " + EQUALIZED,
        unit="data²",
        floor="budget_floor",
    ),
    "budget_score_factor": FigureWords(
        "score factor",
        "Fall of the squared sliced W₂ when the score has the factor 1 in the sampler’s equation. " + _ORDER,
        unit="data²",
        floor=0,
    ),
    "budget_score": FigureWords(
        "score",
        "Further fall when the particles follow the exact score, with the same steps and noise. " + _ORDER,
        unit="data²",
        floor=0,
    ),
    "budget_steps": FigureWords(
        "steps",
        "Further fall when an adaptive solver of the probability flow replaces the sampler’s steps. " + _ORDER,
        unit="data²",
        floor=0,
    ),
    "budget_prior": FigureWords(
        "prior",
        "Further fall when the run starts at data with the noise of t = 1, not at the prior. " + _ORDER,
        unit="data²",
        floor=0,
    ),
    "budget_sigma_min": FigureWords(
        "σ min",
        "Further fall when the run ends at a hundredth of σ min, without a final denoising step. " + _ORDER,
        unit="data²",
        floor=0,
    ),
    "budget_floor": FigureWords(
        "floor",
        "The squared sliced W₂ that is left: that of a perfect sampler, with so few points. " + EQUALIZED,
        unit="data²",
    ),
    # Paths between sets
    "path_energy": FigureWords(
        "path energy",
        f"Mean squared velocity along the paths. It is at least W₂² of the two sets. {_CLOUDS}",
        r"E \int_0^1 \|u\|^2\,dt",
        unit="data²",
    ),
    "normalized_path_energy": FigureWords(
        "normalized path energy",
        "How far the path energy is from W₂² of the two sets, over that. The floor is the mean of a perfect transport, whose "
        f"figure is the size of noise. {_CLOUDS}",
        floor="normalized_path_energy_floor",
    ),
    "straightness": FigureWords(
        "straightness",
        "Mean squared difference of velocity and displacement. 0: straight paths, for which one Euler step is exact. "
        + _CLOUDS,
        unit="data²",
        floor=0,
    ),
    "one_step_wasserstein2": FigureWords(
        "W₂, one step",
        f"Wasserstein-2 distance between data and ends after one Euler step. {_CLOUDS} {EQUALIZED}",
        unit="data",
        floor="path_floor_wasserstein2",
    ),
    "many_steps_wasserstein2": FigureWords(
        "W₂, 100 steps",
        f"The same after 100 steps of Heun’s method. The floor is that of two clouds of data. {_CLOUDS} {EQUALIZED}",
        unit="data",
        floor="path_floor_wasserstein2",
    ),
    "path_floor_wasserstein2": FigureWords(
        "floor of W₂", "Wasserstein-2 distance of two clouds that are both drawn from the data.", unit="data"
    ),
    # Score along sigma
    "relative_score_error": FigureWords(
        "relative error at σ",
        "At the noise level of the canvas, with its standard error.",
        floor=0,
    ),
    "fisher_divergence": FigureWords(
        "Fisher divergence at σ",
        "Mean squared distance between the learned and the reference score at the noise level of the canvas. The reference "
        "is the exact score, or the training set's. It has its standard error and is per squared unit of your data. "
        + EQUALIZED,
        r"E\,\|s_\theta(x, \sigma) - \nabla \log p_\sigma(x)\|^2",
        unit="1/data²",
        floor=0,
    ),
}
"""By the key of ``metrics.json``; ``integral`` is in the window only."""

OVER_FLOOR = {"sliced_wasserstein2": "sliced_wasserstein2_floor", "wasserstein2": "wasserstein2_floor"}
"""The distances whose ratio to their floor is a figure too, ``wasserstein2_over_floor``, with the key of that floor."""
