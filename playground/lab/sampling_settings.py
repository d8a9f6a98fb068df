"""The settings of the samplers."""

from typing import Annotated, Literal

import msgspec
import numpy as np

from playground.lab.setting import Auto, meta

FROM_NOISE = {"reverse-sde": "reverse SDE", "probability-flow": "probability flow", "edm": "EDM sampler"}
"""The samplers that follow a process from its prior to the data, and their names."""


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sampler, its start, and the conditions on new points."""

    kind: Annotated[
        Literal[
            "langevin",
            "mala",
            "annealed-langevin",
            "reverse-sde",
            "probability-flow",
            "edm",
            "forward",
        ],
        meta(
            "Sampler; forward: the noise process itself, from data to noise",
            equation={
                "langevin": r"x \leftarrow x + \epsilon\,s(x, \sigma) + \sqrt{2\epsilon}\,z",
                "mala": r"x' = x + \epsilon\,s(x) + \sqrt{2\epsilon}\,z,\ "
                r"P(accept) = \min(1, \frac{p(x')\,q(x \mid x')}{p(x)\,q(x' \mid x)})",
                "annealed-langevin": r"x \leftarrow x + \frac{\alpha_i}{2} s(x, \sigma_i) + \sqrt{\alpha_i}\,z,\ "
                r"\alpha_i = \epsilon\,\sigma_i^2/\sigma_L^2",
                "reverse-sde": r"dx = [f - g^2 s]\,dt + g\,dw",
                "probability-flow": r"dx = [f - \frac{1}{2} g^2 s]\,dt",
                "edm": r"\hat{y} = y + \sqrt{\hat\sigma^2 - \sigma^2}\,S_{noise}\,z,\ dy = -\sigma\,s(y, \sigma)\,d\sigma",
                "forward": r"dx = f\,dt + g\,dw",
            },
        ),
    ] = "reverse-sde"
    source: Annotated[
        Literal["learned", "exact", "empirical"],
        meta(
            "Score that the particles follow: the network's, that of the known density, or that of the smoothed "
            "training set",
            symbol="s",
        ),
    ] = "learned"
    particles: (
        Annotated[
            int,
            meta("Number of particles. auto: 2000, or 96 images", ge=1, le=1_000_000, log=True),
        ]
        | Auto
    ) = "auto"
    steps: (
        Annotated[
            int,
            meta(
                "Steps of the sampler, the final denoising not counted. Annealed Langevin takes equally many at each "
                "level, at most these in all; the adaptive solver shows as many frames. auto: 500; without "
                "correctors 25 of the flow by Heun and 50 by DPM-Solver++",
                ge=1,
                le=100_000,
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    solver: Annotated[
        Literal["auto", "euler", "heun", "dpm-solver++", "shark", "adaptive"],
        meta(
            "Solver of the reverse SDE and of the probability flow. auto: Euler for the SDE, Heun for the flow. "
            "DPM-Solver++(2M), of second order with one score evaluation a step, is for both. ShARK, a "
            "stochastic Runge-Kutta scheme of order 1.5, is for the SDE; the adaptive solver is for the flow",
            equation={
                "euler": r"x' = x + h f(x) + g\,\Delta w",
                "heun": r"x' = x + \frac{h}{2}[f(x) + f(x + h f(x) + g\,\Delta w)] + g\,\Delta w",
                "dpm-solver++": r"y' = e^{-h} y + (1 - e^{-h})\,[D + \frac{1}{2r}(D - D_0)],\ D = y + \sigma^2 s(y, \sigma)",
                "shark": r"x' = x + h\,[\frac{2}{5} f(x_1) + \frac{3}{5} f(x_2)] + g\,\Delta w",
                "adaptive": r"x' = x + h \sum_{j=1}^{7} b_j k_j,\ k_j = f(x + h \sum_{i<j} a_{ji} k_i)",
            },
        ),
    ] = "auto"
    tolerance: Annotated[
        float,
        meta("Error allowed to each step of the adaptive solver, for each point", ge=1e-9, le=0.1, log=True),
    ] = 1e-4
    time_grid: Annotated[
        Literal["auto", "log-sigma", "time", "karras"],
        meta(
            "Time steps from noise to data: equal ratios of σ, equal times, or the grid of Karras et al. with ρ "
            "= 7. auto: Karras's for the flow and DPM-Solver++, else log-sigma",
            equation={
                "log-sigma": r"\ln \sigma_i = \ln \sigma_{max} + \frac{i}{n}(\ln \sigma_{min} - \ln \sigma_{max})",
                "time": r"t_i = 1 - \frac{i}{n}(1 - t_{min})",
                "karras": r"\sigma_i^{1/\rho} = \sigma_{max}^{1/\rho} + \frac{i}{n}(\sigma_{min}^{1/\rho} - \sigma_{max}^{1/\rho})",
            },
        ),
    ] = "auto"
    corrector_steps: (
        Annotated[
            int,
            meta(
                "Langevin corrector steps after each step from noise to data, which correct its marginal. auto: "
                "none, or 3 with an inpainting mask",
                ge=0,
                le=100,
            ),
        ]
        | Auto
    ) = "auto"
    snr: Annotated[
        float,
        meta(
            "Signal-to-noise ratio of a corrector step: length of its score term over its noise term",
            ge=1e-3,
            le=1.0,
            symbol="r",
            equation=r"\epsilon = 2 (r\,\|z\|/\|s\|)^2",
            log=True,
        ),
    ] = 0.16
    churn: Annotated[
        float,
        meta(
            "Noise that the EDM sampler adds over the whole run; 0: none, the probability flow",
            ge=0.0,
            le=1000.0,
            symbol="S_churn",
            equation=r"\hat\sigma = (1 + \min(S_{churn}/n, \sqrt{2} - 1))\,\sigma",
        ),
    ] = 40.0
    churn_min: (
        Annotated[
            float,
            meta(
                "Finest noise level at which the EDM sampler adds noise. auto: the finest of all",
                ge=1e-15,
                le=1e15,
                symbol="S_min",
                unit="data",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    churn_max: (
        Annotated[
            float,
            meta(
                "Coarsest noise level at which the EDM sampler adds noise. auto: the coarsest of all",
                ge=1e-15,
                le=1e15,
                symbol="S_max",
                unit="data",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    churn_noise: Annotated[
        float,
        meta(
            "Factor on the noise that the EDM sampler adds; slightly above 1 restores detail that a network loses",
            ge=0.9,
            le=1.1,
            symbol="S_noise",
        ),
    ] = 1.0
    step: (
        Annotated[
            float,
            meta(
                "Langevin's step size; with several noise levels that of the finest",
                ge=1e-35,
                le=1e35,
                symbol="ε",
                equation=r"\alpha_i = \epsilon\,\sigma_i^2/\sigma_L^2",
                unit="data²",
                log=True,
            ),
        ]
        | Auto
    ) = "auto"
    start: Annotated[
        Literal["auto", "prior", "uniform"],
        meta("Initial positions: the prior, or uniform over the data's bounding box"),
    ] = "auto"
    labels: Annotated[
        Literal["none", "one", "all"],
        meta(
            "Classes of the particles, for data with classes and a learned score: none, one, or all in the "
            "frequencies of the data",
            symbol="c",
        ),
    ] = "all"
    label: Annotated[int, meta("The class of labels = one, counted from 0", ge=0, le=999)] = 0
    guidance: Annotated[
        float,
        meta(
            "Classifier-free guidance: how far the score of the class is pushed away from the score of all data; "
            "0: the score of the class itself",
            ge=0.0,
            le=20.0,
            symbol="w",
            equation=r"(1 + w)\,s(x \mid c) - w\,s(x)",
        ),
    ] = 0.0
    inpainting_mask: Annotated[
        Literal["none", "left", "top", "frame"],
        meta(
            "Part of each point that is given: none; the left or upper half of an image (x or y in the plane); "
            "all but a box in the middle",
            symbol="y",
            equation=r"\nabla_u \log p(u \mid y)",
        ),
    ] = "none"
    inpainting_image: Annotated[
        int, meta("Held-out point that the given part is taken from, counted from 0", ge=0, le=1_000_000)
    ] = 0
    final_denoising: Annotated[
        bool,
        meta(
            "End with one noise-free step to the posterior mean, the expected clean point (Tweedie)",
            equation=r"x + \sigma_L^2 s(x, \sigma_L)",
        ),
    ] = True


def known_pixels(mask: str, height: int, width: int) -> np.ndarray | None:
    """(height, width), True where an image is known beforehand; None where it is nowhere."""
    if mask == "none":
        return None
    known = np.zeros((height, width), dtype=bool)
    if mask == "left":
        known[:, : width // 2] = True
    elif mask == "top":
        known[: height // 2] = True
    else:
        known[:] = True
        known[height // 4 : height - height // 4, width // 4 : width - width // 4] = False
    return known
