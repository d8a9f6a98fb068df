"""The errors of the learned score along sigma."""

from playground.data.units import EQUALIZED
from playground.lab.figures.spec import FigureSpec

PART = "Score errors"
FIGURES = {
    "relative_score_error": FigureSpec(
        "relative error at σ",
        "At the noise level of the canvas, with its standard error.",
        unit="share",
        floor=0,
        needs=("reference",),
        card="score",
        sort="curve",
        color="error",
        printed=False,
    ),
    "fisher_divergence": FigureSpec(
        "Fisher divergence at σ",
        "Mean squared distance between the learned and the reference score at the noise level of the canvas. The reference "
        "is the exact score, or the training set's. It has its standard error and is per squared unit of your data. "
        + EQUALIZED,
        r"E\,\|s_\theta(x, \sigma) - \nabla \log p_\sigma(x)\|^2",
        unit="1/data²",
        floor=0,
        needs=("reference",),
        card="score",
        sort="curve",
        printed=False,
    ),
}
