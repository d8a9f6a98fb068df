"""Figures of samples beside the data."""

from playground.data.units import EQUALIZED
from playground.lab.figures.spec import MEASURED, FigureSpec

PART = "Distances"
FIGURES = {
    "reference_set": FigureSpec("reference set", "The data with which the samples are compared.", sort="text"),
    "sliced_wasserstein2": FigureSpec(
        "sliced W₂",
        "Sliced Wasserstein-2 distance between the final particles and the data, in your data's unit. The floor is the "
        "distance of a perfect sampler with as many points: mean and standard deviation of 20. Differences within this "
        "deviation mean nothing. " + EQUALIZED,
        unit="data",
        floor=MEASURED,
        card="samples",
        tells=("reference_set",),
        of_runs=True,
    ),
    "sliced_wasserstein2_over_floor": FigureSpec(
        "sliced W₂ / floor",
        "Sliced Wasserstein-2 distance to the data over that of a perfect sampler with as many points.",
        floor=1,
        part="",
        printed=False,
    ),
    "wasserstein2": FigureSpec(
        "W₂",
        "Wasserstein-2 distance by optimal transport: samples and data, at most a thousand each, are matched one to one at "
        "the least mean squared distance. The floor is that of a perfect sampler. " + EQUALIZED,
        r"W_2^2 = \min_\pi \frac{1}{N} \sum_i \|x_i - y_{\pi(i)}\|^2",
        unit="data",
        floor=MEASURED,
        card="samples",
        tells=("wasserstein2_squared",),
        of_runs=True,
    ),
    "wasserstein2_floor": FigureSpec(
        "floor of W₂",
        "Wasserstein-2 distance of a perfect sampler with as many points.",
        unit="data",
        of_runs=True,
        part="",
        printed=False,
    ),
    "wasserstein2_over_floor": FigureSpec(
        "W₂ / floor",
        "Wasserstein-2 distance to the data over that of a perfect sampler with as many points; 1 is perfect. "
        + EQUALIZED,
        floor=1,
        of_runs=True,
        part="",
        printed=False,
    ),
    "wasserstein2_squared": FigureSpec("W₂²", "The square of W₂, in squared units.", unit="data²", floor=MEASURED),
    "tilted_sliced_wasserstein2": FigureSpec(
        "sliced W₂ to tilted",
        "Sliced Wasserstein-2 distance between the final particles and draws of the tilted density. The floor is that of a "
        "perfect sampler. Guidance with w > 0 does not sample that density.",
        r"q_w(x) \propto p(x \mid c)\,p(c \mid x)^w",
        unit="data",
        floor=MEASURED,
        card="samples",
        needs=("known classes",),
    ),
    "tilted_kl": FigureSpec(
        "KL to tilted",
        "Kullback-Leibler divergence of the tilted density from that of the final particles, in nats. The latter is known by "
        "the distance to the fifth nearest particle. The floor is that of as many draws of the tilted density.",
        r"E_{q_w}[\log q_w(x) - \log p_{samples}(x)]",
        unit="nat",
        floor=MEASURED,
        card="samples",
        needs=("known classes",),
    ),
    "classifier_accuracy": FigureSpec(
        "C2ST accuracy",
        "Classifier two-sample test: how often a classifier tells samples from data, with its standard error. 50 % is "
        "perfect.",
        short="C2ST",
        unit="share",
        floor=0.5,
        card="samples",
        tells=("energy_distance", "mmd_squared"),
        of_runs=True,
    ),
    "energy_distance": FigureSpec(
        "energy distance",
        "Energy distance between samples and data, with its standard error; a single value may lie below 0.",
        unit="data",
        floor=0,
    ),
    "mmd_squared": FigureSpec(
        "squared MMD",
        "Squared maximum mean discrepancy of samples and data, with its standard error; a single value may lie below 0.",
        floor=0,
    ),
    "memorized_share": FigureSpec(
        "near a training point",
        "Fraction of the final particles nearer to a training point than a third of the distance to the second nearest. "
        "The fraction of fresh points is beside it. Only where it is exceeded by more than chance are there copies.",
        unit="share",
        floor=MEASURED,
        beside="fresh",
        printed=False,
    ),
    "kl": FigureSpec(
        "KL(data || model)",
        "Kullback-Leibler divergence in nats, with its standard error, over the test set, once that was measured in the "
        "Likelihood card. The floor is that of a perfect model at the same points: the data's density smoothed by the "
        "finest σ.",
        r"E_{p}[\log p(x) - \log q(x)]",
        short="KL",
        unit="nat",
        floor="kl_of_smoothing",
        card="samples",
        needs=("density",),
        of_runs=True,
        part="Likelihoods",
    ),
    "kernel_kl": FigureSpec(
        "KL, kernel density",
        "Kullback-Leibler divergence from the data to a kernel density of the training points, at the same points. It needs "
        "no network. For few points a network is good if it comes near.",
        unit="nat",
        floor=0,
        card="samples",
        needs=("density", "few points"),
        part="Likelihoods",
    ),
    "mode_weights": FigureSpec(
        "mode weights",
        "Fraction of the final particles nearest to each mode, and the true weights.",
        short="weights",
        unit="share",
        floor=MEASURED,
        beside="true",
        card="samples",
        needs=("modes",),
        of_runs=True,
        sort="shares",
    ),
    "class_frequencies": FigureSpec(
        "class frequencies",
        "Fraction of the final particles in each class, by the vote of the five nearest training images. Shown is the "
        "class farthest from its frequency in the training set.",
        unit="share",
        floor=MEASURED,
        beside="training",
        each="class",
        card="samples",
        needs=("images", "labels"),
        sort="shares",
        printed=False,
    ),
    "nearest_neighbour_distance": FigureSpec(
        "nearest training image",
        "Median distance from the final particles to the nearest training image, beside that of held-out images. Each has "
        "its standard error. Memorized samples lie much nearer. Below: samples, and the training image nearest to each.",
        unit="data",
        floor=MEASURED,
        beside="held-out",
        card="samples",
        needs=("images",),
        printed=False,
    ),
}
