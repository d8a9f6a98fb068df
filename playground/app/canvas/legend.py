"""The layers of the canvas in the order of their chips: names, colours, equations and options."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """One option of a layer: its values with their labels; the first is the default."""

    name: str
    title: str
    values: tuple[tuple[object, str], ...]


@dataclass(frozen=True)
class Entry:
    """One layer as its chip shows it.

    Args:
        key: the layer's name everywhere in the program.
        role: its colour in the palette.
        tip: one sentence with the equation.
        on: whether it is shown by default.
    """

    key: str
    title: str
    role: str
    tip: str
    options: tuple[Option, ...] = ()
    on: bool = True


COMPUTED = frozenset({"learned", "exact", "error", "density"})
"""Layers that are computed for each frame."""

_ARROWS = Option("spacing", "Arrows", ((26, "Normal"), (38, "Sparse"), (18, "Dense")))  # pixels between arrows

LEGEND = (
    Entry(
        "data",
        "Data",
        "data",
        "The training points, x ~ p_data.",
        (Option("color", "Coloured by", (("class", "Class, where there are classes"), ("one", "One colour"))),),
    ),
    Entry(
        "density",
        "Density p σ",
        "density",
        "Density of the data with noise added, p_σ = p_data ∗ N(0, σ²I), at the present σ. The colour scale "
        "is (p/p_max)^(3/4).",
        (
            Option(
                "source",
                "Density",
                (
                    ("exact", "Exact, where it is known"),
                    ("learned", "Learned, by the network"),
                    ("empirical", "Of the training set"),
                    ("tilted", "Tilted: p(x | c) p(c | x)^w"),
                ),
            ),
            Option(
                "style",
                "Shown as",
                (("plain", "Colours"), ("contours", "Colours and contours"), ("log", "Log-density with contours")),
            ),
        ),
    ),
    Entry(
        "learned",
        "Learned score",
        "learned",
        "The network's score s_θ(x, σ) ≈ ∇ log p_σ(x); the length of an arrow grows with log |s|.",
        (_ARROWS,),
    ),
    Entry(
        "exact",
        "Exact score",
        "exact",
        "The true score ∇ log p_σ(x) of a known density. Otherwise the score of the smoothed training set, which "
        "a network that memorizes would have. Broader arrows, under the learned ones.",
        (
            _ARROWS,
            Option("source", "Score", (("exact", "Exact, where it is known"), ("empirical", "Of the training set"))),
        ),
        on=False,
    ),
    Entry(
        "error",
        "Score error",
        "error",
        "How far the network is from the true score: |s_θ(x, σ) − ∇ log p_σ(x)|. The strongest red is a score's usual "
        "length. Arrows point along s_θ − ∇ log p_σ.",
        (
            Option("style", "Shown as", (("both", "Map and arrows"), ("map", "Map"), ("arrows", "Arrows"))),
            _ARROWS,
        ),
        on=False,
    ),
    Entry(
        "particles",
        "Particles",
        "particles",
        "The sampler's particles x_i at the present step.",
        (
            Option("size", "Size", ((1.0, "Normal"), (0.6, "Small"), (1.6, "Large"))),
            Option(
                "color",
                "Coloured by",
                (
                    ("one", "One colour"),
                    ("mode", "Nearest mode"),
                    ("start", "Where each began"),
                    ("speed", "Length of the last step"),
                    ("log_p", "Log-density"),
                ),
            ),
        ),
    ),
    Entry(
        "trails",
        "Trails",
        "trails",
        "The last steps of the particles; of many particles only every second, fourth, eighth and so on.",
        (Option("length", "Length", ((16, "16 steps"), (8, "8 steps"), (4, "4 steps"))),),
    ),
    Entry(
        "path",
        "Likelihood path",
        "likelihood",
        "Path of the clicked point along the probability flow dx/dt = f − ½ g² s, from data to noise. With "
        "Shift+click on a second point: the points decoded from between their latent codes.",
    ),
)

KEYS = tuple(entry.key for entry in LEGEND)


def defaults() -> dict[tuple[str, str], object]:
    """Every option by layer and name, with its default."""
    return {(entry.key, option.name): option.values[0][0] for entry in LEGEND for option in entry.options}
