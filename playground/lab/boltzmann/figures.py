"""The figures of a Boltzmann machine: what its window shows, ``metrics.json`` has and the command line prints."""

from playground.lab.figures.spec import FigureSpec

FIGURES = {
    "states": FigureSpec(
        "states summed", "Number of terms in Z: two to the number of units. Every step sums over all of them."
    ),
    "partition": FigureSpec("Z", "The sum of exp(y'Wy/2) over all states"),
    "log_partition": FigureSpec("log Z", "Its logarithm, part of the log-likelihood", decimals=4),
    "partition_gradient": FigureSpec(
        "|∇ log Z|",
        "Norm of the gradient of log Z in the weights: the machine's correlations, the expensive part of learning",
        decimals=4,
    ),
    "nll_gradient": FigureSpec(
        "|∇ NLL|", "Norm of the data's correlations minus the machine's: learning ends where they agree"
    ),
    "nll": FigureSpec("NLL", "Negative log-likelihood of a pattern, in nats", unit="nat", decimals=4),
    "optimal_nll": FigureSpec(
        "optimal NLL",
        "The entropy of the patterns together with their negatives: without biases y and −y are equally probable",
        unit="nat",
        decimals=4,
    ),
    "nll_excess": FigureSpec("above the optimum", "NLL minus optimal NLL, in nats"),
}
"""Each is an attribute of :class:`playground.lab.boltzmann.training.Progress`."""
