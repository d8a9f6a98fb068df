from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

import msgspec

from playground.kinds.chosen import Chosen, Given
from playground.kinds.kind import register
from playground.kinds.samplers.from_noise import FromNoise
from playground.kinds.samplers.sampler import STEPS
from playground.kinds.setting import Option, meta
from playground.kinds.tables import DPM_SOLVER, EULER_IN_T, MULTISTEPS, SOLVER, FinalDenoising
from playground.messages import Edit, Message, setting

if TYPE_CHECKING:
    from playground.theory.guidance import LabelledScore
    from playground.theory.samplers import Sampler as Run


@register
class ReverseSDE(FromNoise, tag="reverse-sde", frozen=True):
    """The reverse SDE: from noise to data, with new noise at every step."""

    title = "Reverse SDE"
    short = "reverse SDE"
    phrase = "reverse SDE"
    place = 3
    equation = r"dx = [f - \frac{1 + \ell^2}{2} g^2 s]\,dt + \ell\,g\,dw"

    solver: Annotated[
        Literal["auto", "ddim", "euler", "heun", "dpm-solver++", "shark"],
        meta(
            SOLVER,
            options={
                "auto": Option("Auto", "Euler in t for the SDE, DPM-Solver++ for the flow, and Heun between two sets."),
                "ddim": Option(
                    "DDIM",
                    "One score evaluation a step. ℓ = 1, the most, is ancestral sampling; a single data point has no error.",
                    r"y' = D + \frac{\sigma'}{\sigma} \sqrt{1 - \ell^2 (1 - \sigma'^2/\sigma^2)}\,(y - D) "
                    r"+ \ell \sigma' \sqrt{1 - \sigma'^2/\sigma^2}\,z",
                ),
                "euler": Option(
                    EULER_IN_T,
                    "Euler-Maruyama: one score evaluation a step. The error falls as 1/steps.",
                    r"x' = x + h f(x) + g\,\Delta w",
                ),
                "heun": Option(
                    "Heun",
                    "Two score evaluations a step, the mean drift of both ends. The error falls as 1/steps².",
                    r"x' = x + \frac{h}{2}[f(x) + f(x + h f(x) + g\,\Delta w)] + g\,\Delta w",
                ),
                "dpm-solver++": DPM_SOLVER,
                "shark": Option(
                    "ShARK",
                    "A stochastic Runge-Kutta scheme of strong order 1.5: two score evaluations a step.",
                    r"x' = x + h\,[\frac{2}{5} f(x_1) + \frac{3}{5} f(x_2)] + g\,\Delta w",
                ),
            },
            advanced=True,
        ),
    ] = "auto"
    stochasticity: Annotated[
        float,
        meta(
            "Noise of the SDE. Its marginals are the same for every value: 0 is the probability flow, 1 the reverse SDE, and "
            "more noise corrects more errors but needs more steps. With DDIM it is η, at most 1",
            label="noise ℓ",
            ge=0.0,
            le=10.0,
            reach=(0.0, 2.0),
            symbol="ℓ",
            equation=r"dx = [f - \frac{1 + \ell^2}{2} g^2 s]\,dt + \ell\,g\,dw",
            advanced=True,
        ),
    ] = 1.0
    final_denoising: FinalDenoising = True

    def path_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        yield from super().path_conflicts(chosen)
        if self.solver == "ddim" and self.stochasticity > 1:
            yield Message(
                "beyond-ancestral-sampling",
                "DDIM has no more noise than ancestral sampling, {}, but {}: lower it, or choose {}.",
                (
                    setting("sampling.stochasticity", 1.0),
                    setting("sampling.stochasticity", self.stochasticity),
                    setting("sampling.solver", "dpm-solver++"),
                ),
                "sampling.stochasticity",
                (Edit("Use 1", {"sampling.stochasticity": 1.0}),),
            )

    def default_steps(self) -> int:
        return MULTISTEPS if self.solver == "dpm-solver++" and not self.corrector_steps else STEPS

    def default_grid(self) -> str:
        return "karras" if self.solver == "dpm-solver++" else "log-sigma"

    def resolve(self, images: bool) -> Self:
        solver = "euler" if self.solver == "auto" else self.solver
        return FromNoise.resolve(msgspec.structs.replace(self, solver=solver), images)

    def build(self, given: Given, score: "LabelledScore | None") -> "Run":
        from playground.theory.samplers import DDIMSampler, MultistepSampler, ReverseSDE

        assert self.steps != "auto"
        assert self.time_grid != "auto"
        common = (given.process(), self.steps, self.final_denoising, self.time_grid, self.correctors(), self.snr)
        if self.solver == "ddim":
            return DDIMSampler(*common, eta=self.stochasticity)
        if self.solver == "dpm-solver++":
            return MultistepSampler(*common, stochasticity=self.stochasticity)
        assert self.solver != "auto"
        return ReverseSDE(*common, solver=self.solver, stochasticity=self.stochasticity)
