from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from playground.kinds.chosen import Chosen, ChosenNoise, Given, Mask
from playground.kinds.inpainting import InpaintingImage, InpaintingMask
from playground.kinds.kind import register
from playground.kinds.samplers.langevin_dynamics import LangevinDynamics
from playground.kinds.samplers.sampler import no_path
from playground.kinds.setting import meta
from playground.kinds.tables import FinalDenoising
from playground.messages import Edit, Message, setting

if TYPE_CHECKING:
    from playground.theory.guidance import LabelledScore
    from playground.theory.samplers import Sampler as Run

STEP = 0.5
"""The default step over sigma_L^2: half the noise's variance at every level. Among steps from 0.1 to 1.3 it gave the most accurate
mode weights of the two Gaussians, and widths within 4 %."""


@register
class AnnealedLangevin(LangevinDynamics, tag="annealed-langevin", frozen=True):
    """Langevin dynamics at each noise level in turn, from coarse to fine."""

    title = "Annealed Langevin"
    short = "annealed Langevin"
    place = 2
    equation = (
        r"x \leftarrow x + \frac{\alpha_i}{2} s(x, \sigma_i) + \sqrt{\alpha_i}\,z,\ "
        r"\alpha_i = \epsilon\,\sigma_i^2/\sigma_L^2"
    )
    step_symbol = "α"
    has_levels = True

    levels: Annotated[
        int,
        meta(
            "Noise levels that it takes from a continuous process, at equal ratios; discrete noise has its own",
            label="levels L",
            ge=2,
            le=1000,
            reach=(2, 200),
            symbol="L",
            log=True,
            when=lambda chosen: chosen.noise.is_continuous,
            otherwise=Message("own-levels", "discrete noise has levels of its own; set {}", (setting("noise.levels"),)),
        ),
    ] = 20
    final_denoising: FinalDenoising = True
    inpainting_mask: InpaintingMask = "none"
    inpainting_image: InpaintingImage = 0

    @property
    def mask(self) -> Mask:
        return self.inpainting_mask

    @property
    def known_point(self) -> int:
        return self.inpainting_image

    @property
    def starts_in_box(self) -> bool:
        return False

    def level_count(self, noise: ChosenNoise) -> int:
        """Return the number of noise levels."""
        return noise.count or self.levels

    def path_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        needed = "Annealed Langevin needs several noise levels, but {} has fewer than two: choose {}, or {}."
        yield from no_path("annealing-without-levels", needed, chosen)
        levels = self.level_count(chosen.noise)
        if self.steps != "auto" and self.steps < levels:
            yield Message(
                "fewer-steps-than-levels",
                "Annealed Langevin takes at least one step at each of its {} levels, but {}: choose at least {}, or "
                "fewer {}.",
                (
                    levels,
                    setting("sampling.steps", self.steps),
                    levels,
                    setting("noise.levels" if chosen.noise.count else "sampling.levels"),
                ),
                "sampling.steps",
                (Edit(f"Use {levels} steps", {"sampling.steps": levels}),),
            )

    def default_step(self, given: Given) -> float:
        return STEP * given.noise.sigma_min**2

    def euler_steps(self, given: Given) -> Sequence[tuple[float, float]]:
        levels = given.noise.levels(self.levels).tolist()
        return [(sigma, self.step_of(given) / 2 * (sigma / levels[-1]) ** 2) for sigma in levels]

    def noise_of_run(self, given: Given) -> float:
        return given.noise.sigma_max

    def build(self, given: Given, score: "LabelledScore | None") -> "Run":
        from playground.theory.samplers import AnnealedLangevin

        assert self.steps != "auto"
        levels = given.noise.levels(self.levels)
        return AnnealedLangevin(levels, self.step_of(given), self.steps // len(levels), self.final_denoising)
