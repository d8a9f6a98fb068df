from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

import msgspec

from playground.kinds.chosen import Chosen, Given
from playground.kinds.kind import register
from playground.kinds.samplers.from_noise import FromNoise
from playground.kinds.samplers.sampler import STEPS
from playground.kinds.setting import Option, meta
from playground.kinds.tables import DPM_SOLVER, EULER_IN_T, MULTISTEPS, SOLVER, UNIPC
from playground.messages import Edit, Message, setting

if TYPE_CHECKING:
    from playground.theory.guidance import LabelledScore
    from playground.theory.samplers import Sampler as Run

HEUN_STEPS = 25
"""Default steps of Heun's method, two evaluations each, on the grid of Karras et al. On two moons more are no better
(docs/samplers.md)."""


@register
class ProbabilityFlow(FromNoise, tag="probability-flow", frozen=True):
    """The probability-flow ODE: the same marginals without added noise."""

    title = "Probability flow"
    short = "probability flow"
    phrase = "probability flow"
    place = 4
    equation = r"dx = [f - \frac{1}{2} g^2 s]\,dt"
    is_flow = True

    solver: Annotated[
        Literal["auto", "ddim", "euler", "heun", "dpm-solver++", "unipc", "adaptive"],
        meta(
            SOLVER,
            options={
                "auto": Option("Auto", "Euler in t for the SDE, DPM-Solver++ for the flow, and Heun between two sets."),
                "ddim": Option(
                    "DDIM",
                    "Euler's method in σ: one score evaluation a step. The error falls as 1/steps; a single data point has none.",
                    r"y' = D + \frac{\sigma'}{\sigma}(y - D),\ D = y + \sigma^2 s(y, \sigma)",
                ),
                "euler": Option(
                    EULER_IN_T,
                    "Euler's method in t: as DDIM for flow matching, and less accurate for other noise.",
                    r"x' = x + h f(x)",
                ),
                "heun": Option(
                    "Heun",
                    "Two score evaluations a step, the mean drift of both ends. The error falls as 1/steps².",
                    r"x' = x + \frac{h}{2}[f(x) + f(x + h f(x))]",
                ),
                "dpm-solver++": DPM_SOLVER,
                "unipc": UNIPC,
                "adaptive": Option(
                    "Adaptive",
                    "Steps are fitted to each point until their error is below the tolerance.",
                    r"x' = x + h \sum_{j=1}^{7} b_j k_j,\ k_j = f(x + h \sum_{i<j} a_{ji} k_i)",
                ),
            },
            advanced=True,
        ),
    ] = "auto"
    tolerance: Annotated[
        float,
        meta(
            "Error allowed to each step of the adaptive solver, for each point",
            ge=1e-9,
            le=0.1,
            reach=(1e-8, 1e-2),
            log=True,
            advanced=True,
            when=lambda chosen: chosen.sampling.fits_steps,
            otherwise=Message(
                "no-tolerance", "only {} fits its steps to it", (setting("sampling.solver", "adaptive"),)
            ),
        ),
    ] = 1e-4

    @property
    def fits_steps(self) -> bool:
        return self.solver == "adaptive"

    def between_sets(self) -> Self:
        solver = "heun" if self.solver == "auto" else self.solver
        return FromNoise.between_sets(msgspec.structs.replace(self, solver=solver))

    def default_steps(self) -> int:
        if self.corrector_steps:
            return STEPS
        return {"dpm-solver++": MULTISTEPS, "unipc": MULTISTEPS, "heun": HEUN_STEPS}.get(self.solver, STEPS)

    def default_grid(self) -> str:
        return "karras"

    def resolve(self, images: bool) -> Self:
        solver = "dpm-solver++" if self.solver == "auto" else self.solver
        return FromNoise.resolve(msgspec.structs.replace(self, solver=solver), images)

    def path_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        yield from super().path_conflicts(chosen)
        if self.solver not in ("adaptive", "unipc") or not self.correctors():
            return
        if self.corrector_steps == "auto":
            yield Message(
                "inpainting-by-adaptive-steps",
                "Inpainting needs Langevin correctors after each step, and {} takes none: choose {}, or {}.",
                (
                    setting("sampling.solver", self.solver),
                    setting("sampling.solver", "heun"),
                    setting("sampling.inpainting_mask", "none"),
                ),
                "sampling.solver",
                (Edit("Use Auto", {"sampling.solver": "auto"}),),
            )
        else:
            yield Message(
                "correctors-of-adaptive-steps",
                "Langevin correctors do not go with {}, which follows one path: choose {}, or {}.",
                (
                    setting("sampling.solver", self.solver),
                    setting("sampling.corrector_steps", 0),
                    setting("sampling.solver", "heun"),
                ),
                "sampling.corrector_steps",
                (Edit("Use none", {"sampling.corrector_steps": 0}),),
            )

    def build(self, given: Given, score: "LabelledScore | None") -> "Run":
        from playground.theory.samplers import (
            AdaptiveFlow,
            DDIMSampler,
            MultistepSampler,
            ProbabilityFlow,
            UniPCSampler,
        )

        assert self.steps != "auto"
        assert self.time_grid != "auto"
        process, grid = given.process(), self.time_grid
        if self.solver == "adaptive":
            return AdaptiveFlow(process, self.steps, self.tolerance, grid)
        if self.solver == "unipc":
            return UniPCSampler(process, self.steps, False, grid)
        common = (process, self.steps, False, grid, self.correctors(), self.snr)
        if self.solver == "dpm-solver++":
            return MultistepSampler(*common)
        if self.solver == "ddim":
            return DDIMSampler(*common)
        assert self.solver != "auto"
        return ProbabilityFlow(*common, solver=self.solver)
