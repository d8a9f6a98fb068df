"""Settings and options that several kinds share."""

from typing import Annotated, Literal

from playground.kinds.setting import Option, meta

Probes = Annotated[
    Literal["rademacher", "gaussian", "sphere"],
    meta(
        "Distribution of the random directions; all have unit covariance",
        label="probe distribution",
        symbol="v",
        equation=r"E[v v^\top] = I",
        options={
            "rademacher": Option("±1", "Rademacher: each coordinate is ±1; the least variance."),
            "gaussian": Option("Normal", "Standard normal."),
            "sphere": Option("Sphere", "Uniform on the sphere of radius √D."),
        },
    ),
]

TimeGrid = Annotated[
    Literal["auto", "log-sigma", "time", "karras"],
    meta(
        "Time steps from noise to data: equal ratios of σ, equal times, or the grid of Karras et al. with ρ = 7. "
        "auto: Karras's for the flow and DPM-Solver++, else log-sigma",
        label="time grid",
        options={
            "auto": Option("Auto", "Karras's for the flow and DPM-Solver++, else log σ."),
            "log-sigma": Option(
                "log σ",
                "Equal ratios of σ: each step changes the signal-to-noise ratio by the same factor.",
                r"\ln \sigma_i = \ln \sigma_{max} + \frac{i}{n}(\ln \sigma_{min} - \ln \sigma_{max})",
            ),
            "time": Option(
                "t",
                "Equal steps in time: as log σ for VE, coarse near the data for VP.",
                r"t_i = 1 - \frac{i}{n}(1 - t_{min})",
            ),
            "karras": Option(
                "Karras",
                "Equal steps in σ^(1/7): longer near the data and shorter at large σ than log σ.",
                r"\sigma_i^{1/\rho} = \sigma_{max}^{1/\rho} + \frac{i}{n}(\sigma_{min}^{1/\rho} - \sigma_{max}^{1/\rho})",
            ),
        },
        advanced=True,
    ),
]

FinalDenoising = Annotated[
    bool,
    meta(
        "End with one noise-free step to the posterior mean, the expected clean point (Tweedie)",
        label="final denoising step",
        equation=r"x + \sigma_L^2 s(x, \sigma_L)",
        advanced=True,
    ),
]

SOLVER = (
    "Solver of the reverse SDE and of the probability flow. auto: Euler in t for the SDE, DPM-Solver++ for the flow, and Heun between two sets. "
    "DDIM, for both, is Euler in σ; it is exact for a single data point. DPM-Solver++(2M), of second order with one score evaluation a step, is for both. "
    "UniPC-2 adds a corrector to it, for the flow. "
    "ShARK, a stochastic Runge-Kutta scheme of order 1.5, is for the SDE; the adaptive solver is for the flow"
)
"""The description of both settings `solver`."""
EULER_IN_T = "Euler in t"
"""The title of the solver `euler`; DDIM is Euler's method too, in σ."""
DPM_SOLVER = Option(
    "DPM-Solver++(2M)",
    "One score evaluation a step, extrapolated from the step before. The error falls as 1/steps².",
    r"y' = e^{-h} y + (1 - e^{-h})\,[D + \frac{1}{2r}(D - D_0)],\ D = y + \sigma^2 s(y, \sigma)",
)
UNIPC = Option(
    "UniPC-2",
    "As DPM-Solver++(2M), and each step is corrected by the evaluation of the next. The error falls as 1/steps³.",
    r"y' = e^{-h} y + \int_0^h e^{u - h} D(u)\,du",
)
MULTISTEPS = 50
"""Default steps of DPM-Solver++ and UniPC, one evaluation each, on the grid of Karras et al. On two moons more are no better
(docs/samplers.md)."""
