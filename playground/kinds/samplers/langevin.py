from collections.abc import Iterator
from typing import TYPE_CHECKING

from playground.kinds.chosen import Chosen, Conditions, Given, Mask
from playground.kinds.inpainting import InpaintingImage, InpaintingMask, known_coordinates
from playground.kinds.kind import register
from playground.kinds.samplers.langevin_dynamics import LangevinDynamics
from playground.kinds.samplers.sampler import USE_VE
from playground.messages import Edit, Message, setting

if TYPE_CHECKING:
    from playground.theory.guidance import LabelledScore
    from playground.theory.samplers import Sampler as Run

STEP = 0.05
"""The default step over the variance of the narrowest part, whose stationary variance is then 2.6 % too large."""


@register
class Langevin(LangevinDynamics, tag="langevin", frozen=True):
    """Langevin dynamics at one noise level: step along the score, add noise."""

    title = "Langevin"
    short = "Langevin"
    place = 0
    equation = r"x \leftarrow x + \epsilon\,s(x, \sigma) + \sqrt{2\epsilon}\,z"

    inpainting_mask: InpaintingMask = "none"
    inpainting_image: InpaintingImage = 0

    @property
    def mask(self) -> Mask:
        return self.inpainting_mask

    @property
    def known_point(self) -> int:
        return self.inpainting_image

    def conflicts(self, chosen: Chosen, conditions: Conditions | None) -> Iterator[Message]:
        yield from super().conflicts(chosen, conditions)
        if self.source == "exact" and not chosen.noise.has_noise and chosen.data.is_sharp:
            yield Message(
                "random-walk",
                "Without noise the exact score of the boxes of {} is 0, so Langevin is a random walk: choose a noise, {} above 0, or {}.",
                (
                    setting("data.kind", chosen.data.kind),
                    setting("data.noise"),
                    setting("sampling.kind", "mala"),
                ),
                "sampling.kind",
                (Edit("Use MALA", {"sampling.kind": "mala"}), USE_VE),
            )

    def default_step(self, given: Given) -> float:
        return STEP * self.narrowest(given)

    def build(self, given: Given, score: "LabelledScore | None") -> "Run":
        from playground.theory.samplers import Langevin

        assert self.steps != "auto"
        known = known_coordinates(self.mask, given)
        return Langevin(given.noise.sigma_min, self.step_of(given), self.steps, known)
