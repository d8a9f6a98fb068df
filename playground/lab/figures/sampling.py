"""The cost of sampling."""

from playground.lab.figures.spec import FigureSpec

PART = "Sampling"
FIGURES = {
    "nfe_mean": FigureSpec(
        "score evaluations",
        "Score evaluations (NFE) of one particle; with the adaptive solver the mean and the maximum. Guidance takes two "
        "evaluations where one is enough without.",
        short="NFE",
        unit="count",
        printed=False,
    ),
    "nfe_max": FigureSpec(
        "most score evaluations",
        "Score evaluations of the particle that took most; the adaptive solver gives each its own.",
        short="most NFE",
        unit="count",
        printed=False,
    ),
    "sampling_seconds": FigureSpec(
        "sampling time", "Time that the sampler took.", short="seconds", unit="s", printed=False
    ),
}
