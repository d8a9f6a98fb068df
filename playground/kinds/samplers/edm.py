import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from playground.kinds.chosen import Chosen, Given
from playground.kinds.kind import register
from playground.kinds.samplers.from_noise import FromNoise
from playground.kinds.samplers.sampler import no_level
from playground.kinds.setting import Auto, meta
from playground.kinds.tables import FinalDenoising
from playground.messages import Message, setting

if TYPE_CHECKING:
    from playground.theory.guidance import LabelledScore
    from playground.theory.samplers import Sampler as Run


@register
class EDM(FromNoise, tag="edm", frozen=True):
    """Karras et al. 2022: the flow by Heun's method, with noise added (churn) before each step."""

    title = "EDM sampler"
    short = "EDM"
    phrase = "EDM sampler"
    place = 5
    equation = r"\hat{y} = y + \sqrt{\hat\sigma^2 - \sigma^2}\,S_{noise}\,z,\ dy = -\sigma\,s(y, \sigma)\,d\sigma"

    churn: Annotated[
        float,
        meta(
            "Noise that the EDM sampler adds over the whole run; 0: none, the probability flow",
            label="S churn",
            ge=0.0,
            le=1000.0,
            reach=(0.0, 100.0),
            symbol="S_churn",
            equation=r"\hat\sigma = (1 + \min(S_{churn}/n, \sqrt{2} - 1))\,\sigma",
        ),
    ] = 40.0
    churn_min: (
        Annotated[
            float,
            meta(
                "Finest noise level at which the EDM sampler adds noise. auto: the finest of all",
                label="S min",
                ge=1e-15,
                le=1e15,
                symbol="S_min",
                unit="data",
                log=True,
                advanced=True,
            ),
        ]
        | Auto
    ) = "auto"
    churn_max: (
        Annotated[
            float,
            meta(
                "Coarsest noise level at which the EDM sampler adds noise. auto: the coarsest of all",
                label="S max",
                ge=1e-15,
                le=1e15,
                symbol="S_max",
                unit="data",
                log=True,
                advanced=True,
            ),
        ]
        | Auto
    ) = "auto"
    churn_noise: Annotated[
        float,
        meta(
            "Factor on the noise that the EDM sampler adds; slightly above 1 restores detail that a network loses",
            label="S noise",
            ge=0.9,
            le=1.1,
            symbol="S_noise",
            advanced=True,
        ),
    ] = 1.0
    final_denoising: FinalDenoising = True

    def path_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        yield from super().path_conflicts(chosen)
        yield from no_level("no-level-to-churn", "sampling.churn", self.churn_min, self.churn_max)

    def without_effect(self, given: Given) -> Iterator[Message]:
        yield from super().without_effect(given)
        if not self.churn:
            return
        coarsest, finest = (given.units.sigma_to_user(end) for end in (given.noise.sigma_max, given.noise.sigma_min))
        churn, none = setting("sampling.churn", self.churn), setting("sampling.churn", 0)
        if self.churn_min != "auto" and self.churn_min > coarsest * (1 + 1e-6):
            yield Message(
                "churn-above-all-levels",
                "{} changes nothing: {} lies above the coarsest noise level, {}; lower it, or set {}.",
                (churn, setting("sampling.churn_min", self.churn_min), f"{coarsest:.3g}", none),
                "sampling.churn_min",
            )
        if self.churn_max != "auto" and self.churn_max < finest * (1 - 1e-6):
            yield Message(
                "churn-below-all-levels",
                "{} changes nothing: {} lies below the finest noise level, {}; raise it, or set {}.",
                (churn, setting("sampling.churn_max", self.churn_max), f"{finest:.3g}", none),
                "sampling.churn_max",
            )

    def build(self, given: Given, score: "LabelledScore | None") -> "Run":
        from playground.theory.samplers import EdmSampler

        assert self.steps != "auto"
        assert self.time_grid != "auto"
        to_internal = given.units.sigma_to_internal
        return EdmSampler(
            given.process(),
            self.steps,
            self.final_denoising,
            self.time_grid,
            self.correctors(),
            self.snr,
            churn=self.churn,
            churn_min=0.0 if self.churn_min == "auto" else to_internal(self.churn_min),
            churn_max=math.inf if self.churn_max == "auto" else to_internal(self.churn_max),
            churn_noise=self.churn_noise,
        )
