"""The settings of likelihoods and latent codes."""

from typing import Annotated, Literal

import msgspec

from playground.lab.setting import meta

LOG_P_OF = {"learned": "model", "exact": "exact score", "empirical": "training set"}
"""The names of log p by the score that likelihood.source names."""


class Likelihood(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The score, the accuracy and the trace of log-likelihoods."""

    source: Annotated[
        Literal["learned", "exact", "empirical"],
        meta(
            "Score whose density is evaluated: the network's, that of the known density, or that of the smoothed "
            "training set",
            symbol="s",
        ),
    ] = "learned"
    tolerance: Annotated[
        float,
        meta("Error allowed to each step of the ODE solver, for each point", ge=1e-9, le=0.1, log=True),
    ] = 1e-5
    points: Annotated[int, meta("Number of held-out points in the test set", ge=10, le=1_000_000, log=True)] = 2_000
    trace: Annotated[
        Literal["auto", "exact", "hutchinson"],
        meta(
            "Divergence. auto: exact for points, Hutchinson's estimate for images. Density maps and ∫ p over the "
            "plane are always exact, because exp would turn the estimate's noise into bias",
            equation={
                "exact": r"\mathrm{tr}\,\nabla \tilde f",
                "hutchinson": r"\mathrm{tr}\,\nabla \tilde f = E_v[v^\top \nabla \tilde f\, v]",
            },
        ),
    ] = "auto"
    trace_probes: Annotated[
        int,
        meta(
            "Random probe vectors per point in Hutchinson's estimate; from two on its standard error is known",
            ge=1,
            le=256,
            symbol="k",
            equation=r"\frac{1}{k} \sum_j v_j^\top \nabla \tilde f\, v_j",
            log=True,
        ),
    ] = 1
    dequantization_samples: Annotated[
        int,
        meta(
            "Samples of the uniform noise that dequantizes each test image; bits per dimension are averaged over them",
            ge=1,
            le=100,
            symbol="u",
            equation=r"E_u[-\log p(x + u)] \ge -\log P(x)",
            log=True,
        ),
    ] = 1
    probes: Annotated[
        Literal["rademacher", "gaussian", "sphere"],
        meta(
            "Distribution of the probe vectors, drawn once for the whole path; all have unit covariance",
            symbol="v",
            equation=r"E[v v^\top] = I",
        ),
    ] = "rademacher"
    interpolation: Annotated[
        Literal["spherical", "rotation", "linear"],
        meta(
            "Path between the latent codes of two points. spherical: along the great circle of their directions, "
            "an angle θ apart, with linear length. rotation: keeps the distribution of independent codes. "
            "linear: does not",
            symbol="z(u)",
            equation={
                "spherical": r"\hat{z}(u) = \frac{\sin((1-u)\theta)\,\hat{z}_0 + \sin(u\theta)\,\hat{z}_1}{\sin\theta}",
                "rotation": r"z(u) = \cos(\frac{\pi u}{2}) z_0 + \sin(\frac{\pi u}{2}) z_1",
                "linear": r"z(u) = (1 - u) z_0 + u z_1",
            },
        ),
    ] = "spherical"
