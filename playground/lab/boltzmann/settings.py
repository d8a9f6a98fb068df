"""The settings of a Boltzmann machine, as :mod:`playground.lab.settings` has those of an experiment.

This module imports no torch.
"""

from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from playground.kinds.setting import SEEDS, Option, meta
from playground.lab.boltzmann.patterns import bars_and_stripes, read_pattern
from playground.lab.experiment import ExperimentError, check_together
from playground.messages import Message

MOST_PIXELS = 16
"""Each pixel is one unit. A step over 2^16 states takes a millisecond; each further unit would double it."""


class Boltzmann(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A machine with one unit for each pixel of a small picture, trained by summing over all its states."""

    seed: Annotated[int, meta("Seed of the samples", ge=0, le=SEEDS - 1)] = 0
    rows: Annotated[int, meta("Pixels down; rows times columns is from 2 to 16", ge=1, le=16, resets=True)] = 3
    columns: Annotated[int, meta("Pixels across", ge=1, le=16, resets=True)] = 3
    data: Annotated[
        Literal["bars-and-stripes", "drawn"],
        meta(
            "Patterns to learn: every picture of equal rows or of equal columns, or your own",
            options={
                "bars-and-stripes": Option("Bars and stripes", "Every picture of equal rows or of equal columns."),
                "drawn": Option("Your own", "The patterns that you draw and add."),
            },
            resets=True,
        ),
    ] = "bars-and-stripes"
    patterns: Annotated[
        tuple[str, ...],
        meta(
            "The patterns of data = drawn, row by row; duplicates are allowed",
            resets=True,
            example='["##./##./##.", ".../###/###"]',
        ),
    ] = ()
    steps: Annotated[int, meta("Steps of gradient ascent", ge=1, le=1_000_000, log=True)] = 10_000
    learning_rate: Annotated[
        float,
        meta(
            "First step size along the gradient; later ones follow the curvature, halved where the NLL would rise",
            ge=1e-4,
            le=1.0,
            symbol="η",
            equation=r"W \leftarrow W + \eta\,(E_{data}[y y^\top] - E_p[y y^\top])",
            log=True,
            resets=True,
        ),
    ] = 0.1
    sampler: Annotated[
        Literal["exact", "gibbs"],
        meta(
            "exact: independent samples from all 2^d probabilities. gibbs: one unit after the other given the others, which needs no Z",
            options={
                "exact": Option(
                    "Exact", "Independent samples from all probabilities, which takes Z.", r"p(y) = e^{y^\top W y/2}/Z"
                ),
                "gibbs": Option(
                    "Gibbs",
                    "One pixel after the other, given all others: no Z, but chains may mix slowly.",
                    r"p(y_i = 1 \mid y_{\neq i}) = 1/(1 + e^{-2 \sum_j W_{ij} y_j})",
                ),
            },
        ),
    ] = "exact"
    samples: Annotated[int, meta("Number of samples", ge=1, le=100_000, symbol="N", log=True)] = 48
    sweeps: Annotated[int, meta("Sweeps of Gibbs sampling over all units", ge=1, le=100_000, log=True)] = 100


@check_together.register
def _(settings: Boltzmann) -> None:
    pixels = settings.rows * settings.columns
    if not 2 <= pixels <= MOST_PIXELS:
        raise ExperimentError(
            f"rows = {settings.rows} and columns = {settings.columns} make {pixels} pixels: from 2 to {MOST_PIXELS} can be "
            "summed over, as in 4 rows and 4 columns."
        )
    for text in settings.patterns if settings.data == "drawn" else ():
        shape = read_pattern(text).shape if set(text) <= set("#./") else None
        if shape != (settings.rows, settings.columns):
            example = "/".join(["#" + "." * (settings.columns - 1)] * settings.rows)
            raise ExperimentError(
                f'patterns holds "{text[:40]}", which is not {settings.rows} rows of {settings.columns} pixels # or '
                f'., as in "{example}": change it, or rows and columns.'
            )


def training_conflict(settings: Boltzmann) -> Message | None:
    """Why this machine cannot be trained, or None."""
    if settings.data == "drawn" and not settings.patterns:
        return Message(
            "no-patterns",
            "There are no patterns to learn: draw one and add it, or take bars and stripes.",
            key="patterns",
        )
    return None


def patterns_of(settings: Boltzmann) -> NDArray[np.int8]:
    """The patterns that the machine is to learn, (N, rows, columns); N = 0 if nothing is drawn."""
    if settings.data == "bars-and-stripes":
        return bars_and_stripes(settings.rows, settings.columns)
    drawn = [read_pattern(text) for text in settings.patterns]
    return np.array(drawn, np.int8).reshape(-1, settings.rows, settings.columns)


def are_patterns(settings: Boltzmann, pictures: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(N,) whether each picture (N, rows, columns) is one of the patterns."""
    known = {pattern.tobytes() for pattern in patterns_of(settings)}
    return np.array([picture.tobytes() in known for picture in pictures], bool)
