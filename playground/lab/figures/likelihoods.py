"""Figures of the likelihood of held-out points."""

from playground.lab.figures.spec import FigureSpec

TRIP = (
    "It comes from the solver's steps, magnified by the flow on the way back. With a badly trained score it may be a thousand "
    "times the error of log p itself. A lower tolerance shows that error."
)
"""The cause of the round-trip error, of one point or of the worst."""

PART = "Likelihoods"
FIGURES = {
    "test_nll": FigureSpec(
        "test NLL",
        "Mean of -log p over the held-out points, in nats, with its standard error.",
        r"-\frac{1}{N}\sum_i \log p(x_i)",
        unit="nat",
        floor="optimal_nll",
        card="held out",
        needs=("flow",),
    ),
    "train_nll": FigureSpec(
        "train NLL",
        "The same over at most 500 training points. Far below the test NLL, they are memorized.",
        unit="nat",
        floor="test_nll",
        card="held out",
        needs=("flow",),
    ),
    "kernel_nll": FigureSpec(
        "NLL, kernel density",
        "The NLL at the same points of a kernel density of the training points, without a network. Its width has the best "
        "leave-one-out likelihood. For few points a network is good if it comes near.",
        unit="nat",
        floor="optimal_nll",
        card="held out",
        needs=("few points",),
    ),
    "energy_nll": FigureSpec(
        "test NLL, energy",
        "The NLL by the energy of the finest level and its Z. The test NLL is by the flow through all levels.",
        r"\frac{1}{N}\sum_i f(x_i) + \ln Z",
        unit="nat",
        floor="optimal_nll",
        card="held out",
        needs=("energy",),
        tells=("energy_kl",),
    ),
    "energy_kl": FigureSpec(
        "KL, energy",
        "Kullback-Leibler divergence from the data, smoothed by the finest σ, to the density of the energy.",
        unit="nat",
        floor=0,
        needs=("energy",),
    ),
    "optimal_nll": FigureSpec(
        "optimal NLL",
        "The NLL of a perfect model at the same points: the known density, smoothed by the finest σ. Its distance from "
        "the entropy is due to smoothing, not to training.",
        r"-\frac{1}{N}\sum_i \log p_{\sigma_{min}}(x_i)",
        unit="nat",
        card="held out",
        needs=("density",),
    ),
    "kl_of_smoothing": FigureSpec(
        "KL of smoothing",
        "What smoothing by the finest σ costs, in nats, however long training is. It is estimated from how thin the data "
        "are at 200 points; its error is not known. A smaller σ min costs less.",
        r"KL(p \,\|\, p_{\sigma_{min}})",
        unit="nat",
        floor=0,
        card="held out",
        needs=("no density", "plane"),
    ),
    "entropy": FigureSpec(
        "entropy of the data",
        "The expected NLL of a perfect model without smoothing: no model can do better.",
        r"-\int p \log p\,dx",
        unit="nat",
        card="held out",
        needs=("density",),
    ),
    "integral": FigureSpec(
        "∫ p over the plane",
        "A density integrates to 1. What is missing lies outside the region, or is an error. The divergence is always exact.",
        floor=1,
        decimals=3,
        card="held out",
        needs=("flow", "plane"),
        part="Integral",
        printed=False,
    ),
    "energy_integral": FigureSpec(
        "∫ p, energy",
        "Integral of the energy's density over the data's region and a quarter more on every side. Its grid is not that of "
        "Z. It is 1 but for the mass outside.",
        r"\frac{1}{Z}\int e^{-f}\,dx",
        floor=1,
        decimals=3,
        card="held out",
        needs=("energy",),
        printed=False,
    ),
    "log_partition": FigureSpec(
        "ln Z(σ)",
        "The normalizer, which the score does not need: a sum over the plane in your data's unit, with the quadrature "
        "error. After Test set it is that of the finest level. Otherwise it is that of the learned density on the canvas.",
        r"Z(\sigma) = \int e^{-f(x, \sigma)}\,dx",
        unit="nat",
        card="held out",
        needs=("energy",),
    ),
    "bits_per_dim": FigureSpec(
        "bits per dimension",
        "Of grey levels dequantized by uniform noise: mean and standard error over the images; fewer are better. An upper "
        "bound for the images themselves.",
        r"E_u[-\log_2 p(x + u)]/D + \log_2(K/2)",
        unit="bit",
        card="held out",
        needs=("images",),
    ),
    "trace_standard_error": FigureSpec(
        "trace estimator's s.e.",
        "Standard error that Hutchinson's estimate leaves in log p of one point, root mean square in nats. More trace "
        "probes lower it.",
        unit="nat",
        floor=0,
        card="held out",
        needs=("estimated trace",),
        printed=False,
    ),
    "round_trip_error": FigureSpec(
        "worst round trip: Δx, Δlog p",
        "Some held-out points are taken to their latent codes and back. Shown are the largest distance from the start and "
        "the largest difference of log p. " + TRIP,
        unit="data",
        floor=0,
        card="held out",
        needs=("flow",),
        printed=False,
    ),
}
