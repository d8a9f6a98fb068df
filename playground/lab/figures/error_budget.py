"""The parts of the distance between samples and data: the whole, what each replacement takes away in their order, and what is left."""

from playground.data.units import EQUALIZED
from playground.lab.figures.spec import FigureSpec

_ORDER = "Replaced in this order: score factor, score, steps, prior, σ min."

PART = "Error budget"
FIGURES = {
    "budget_total": FigureSpec(
        "squared sliced W₂",
        "Mean squared distance between samples and data over ten more runs, of at most 300 particles each. The parts below "
        "add up to it. " + EQUALIZED,
        unit="data²",
        floor="budget_floor",
        card="budget",
    ),
    "budget_score_factor": FigureSpec(
        "score factor",
        "Fall of the squared sliced W₂ when the score has the factor 1 in the sampler’s equation. " + _ORDER,
        unit="data²",
        floor=0,
        card="budget",
        color="error",
    ),
    "budget_score": FigureSpec(
        "score",
        "Further fall when the particles follow the exact score, with the same steps and noise. " + _ORDER,
        unit="data²",
        floor=0,
        card="budget",
        color="learned",
    ),
    "budget_steps": FigureSpec(
        "steps",
        "Further fall when an adaptive solver of the probability flow replaces the sampler’s steps. " + _ORDER,
        unit="data²",
        floor=0,
        card="budget",
        color="trails",
    ),
    "budget_prior": FigureSpec(
        "prior",
        "Further fall when the run starts at data with the noise of t = 1, not at the prior. " + _ORDER,
        unit="data²",
        floor=0,
        card="budget",
        color="likelihood",
    ),
    "budget_sigma_min": FigureSpec(
        "σ min",
        "Further fall when the run ends at a hundredth of σ min, without a final denoising step. " + _ORDER,
        unit="data²",
        floor=0,
        card="budget",
        color="data",
    ),
    "budget_floor": FigureSpec(
        "floor",
        "The squared sliced W₂ that is left: that of a perfect sampler, with so few points. " + EQUALIZED,
        unit="data²",
        card="budget",
        color="exact",
    ),
}
