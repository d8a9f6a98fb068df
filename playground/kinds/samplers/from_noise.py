"""The common base of the samplers that follow a process from its prior to the data."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import msgspec

from playground.kinds.chosen import Chosen, Given, Mask
from playground.kinds.inpainting import InpaintingImage, InpaintingMask
from playground.kinds.samplers.sampler import FollowsScore, no_path
from playground.kinds.setting import Auto, meta
from playground.kinds.tables import TimeGrid
from playground.messages import Message, setting

if TYPE_CHECKING:
    from playground.theory.starts import Start

KNOWN_CORRECTORS = 3
"""Corrector steps for inpainting. The score of the unknown part is approximate at coarse levels. At finer levels it is nearly
exact, and correctors repair the errors. A run takes three to four times as long.

Kolmogorov-Smirnov distances of y given x from the exact distribution, with 2,000 particles, for which chance gives 0.03: for two
moons at x = 1.27, 0.35 without correctors, 0.06 with three and 0.05 with five. For two spirals at x = 0.93, whose arms are too far
apart for correctors at fine levels, 0.13, 0.08 and 0.08."""


class FromNoise(FollowsScore, frozen=True):
    """A sampler that follows a process from its prior to the data.

    Attributes:
        phrase: its name in a sentence.
        default_grid: the value of `time_grid` = "auto".
    """

    phrase: ClassVar[str]

    inpainting_mask: InpaintingMask = "none"
    inpainting_image: InpaintingImage = 0
    time_grid: TimeGrid = "auto"
    corrector_steps: (
        Annotated[
            int,
            meta(
                "Langevin corrector steps after each step from noise to data, which correct its marginal. auto: none, "
                "or 3 with an inpainting mask",
                label="correctors",
                ge=0,
                le=100,
                reach=(0, 10),
                advanced=True,
            ),
        ]
        | Auto
    ) = "auto"
    snr: Annotated[
        float,
        meta(
            "Signal-to-noise ratio of a corrector step: length of its score term over its noise term",
            label="corrector SNR r",
            ge=1e-3,
            le=1.0,
            symbol="r",
            equation=r"\epsilon = 2 (r\,\|z\|/\|s\|)^2",
            log=True,
            advanced=True,
            when=lambda chosen: bool(chosen.sampling.correctors()),
            otherwise=Message(
                "no-corrector",
                "it applies to corrector steps, and there are none; set {} above 0",
                (setting("sampling.corrector_steps"),),
            ),
        ),
    ] = 0.16
    score_factor: Annotated[
        float,
        meta(
            "Factor on the score in the sampler's equation. 1 is right; any other shows what a wrong equation does. 2 is the "
            "probability flow without its 1/2",
            label="score factor",
            ge=-4.0,
            le=4.0,
            reach=(0.0, 2.0),
            advanced=True,
        ),
    ] = 1.0

    @property
    def mask(self) -> Mask:
        return self.inpainting_mask

    @property
    def known_point(self) -> int:
        return self.inpainting_image

    def correctors(self) -> int:
        if self.corrector_steps != "auto":
            return self.corrector_steps
        return 0 if self.mask == "none" else KNOWN_CORRECTORS

    @property
    def denoises_at_end(self) -> bool:
        """Whether its last step goes to the denoised estimate."""
        return bool(getattr(self, "final_denoising", False))

    def default_grid(self) -> str:
        """Return the value of `time_grid` = "auto", with the other settings resolved."""
        return "log-sigma"

    def between_sets(self) -> Self:
        """Return the settings with a grid in time, in which the paths between two sets are straight."""
        return msgspec.structs.replace(self, time_grid="time") if self.time_grid == "auto" else self

    def resolve(self, images: bool) -> Self:
        settled = msgspec.structs.replace(self, corrector_steps=self.correctors())
        grid = settled.default_grid() if self.time_grid == "auto" else self.time_grid
        return FollowsScore.resolve(msgspec.structs.replace(settled, time_grid=grid), images)

    def path_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        needed = (
            f"The {self.phrase} runs from noise back to data, but {{}} has no path between them: choose {{}}, or {{}}."
        )
        yield from no_path("no-path-from-noise", needed, chosen)

    def prior_of_run(self, given: Given) -> "Start":
        from playground.theory.starts import ClassPriors, ScaledStart

        start, label = given.noise.start, given.particle_labels
        if start is not None:
            return ScaledStart(start, float(given.process().std(1.0)))
        if label is None or not label.ndim:
            return given.prior(None if label is None else int(label))
        classes = sorted({*label.tolist()})
        return ClassPriors(label, classes, [given.prior(one) for one in classes])

    def noise_of_run(self, given: Given) -> float:
        return float(given.process().std(1.0))
