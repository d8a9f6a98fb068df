from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Self

import msgspec

from playground.kinds.chosen import Chosen, ChosenNoise, Conditions, Given
from playground.kinds.kind import register
from playground.kinds.objectives.objective import Objective
from playground.kinds.setting import Auto, meta
from playground.messages import Edit, Message, setting

if TYPE_CHECKING:
    from playground.theory.objectives import Objective as Loss

TARGET_BATCH = 256
"""Points of a stable target. They make a fifth fewer steps per second. After 20 s the KL of eight Gaussians is 0.009 to 0.010 nat
instead of 0.015, and that of a checkerboard 0.059 instead of 0.066. Two-gaussians and two-moons do not change within the error.
Images do not gain, as other images are too far away to explain a noisy one."""


@register
class Denoising(Objective, tag="denoising", frozen=True):
    """The network predicts the added noise; needs noise."""

    title = "Denoising"
    place = 2
    equation = r"E\,\|s(x + \sigma z, \sigma) + z/\sigma\|^2"
    default_weight = "edm"
    denoises = True

    target_batch: (
        Annotated[
            int,
            meta(
                "Points over which the target of denoising is averaged (stable target, Xu et al. 2023); this lowers "
                "its variance at coarse levels. 1: each point's own noise, as for a network with class labels. At "
                "most the batch. auto: 256, or 1 for images, with classes and between two sets",
                label="stable-target batch",
                ge=1,
                le=65_536,
                symbol="n",
                equation=r"m(y) = \sum_j w_j x_j,\ w_j \propto e^{-\|y - x_j\|^2 / 2\sigma^2}",
                log=True,
                advanced=True,
            ),
        ]
        | Auto
    ) = "auto"

    def resolve(self, images: bool, noise: ChosenNoise) -> Self:
        target = self.target_batch
        if target == "auto":
            # Between two sets, where there is no score, each point has its own start.
            target = TARGET_BATCH if noise.has_score and not images else 1
        return msgspec.structs.replace(Objective.resolve(self, images, noise), target_batch=target)

    def of_single_points(self) -> Self:
        return msgspec.structs.replace(self, target_batch=1)

    def found(self, given: Given) -> Self:
        # A mean over points of all classes is no target for the score of one; a number above 1 is a conflict then.
        return self.of_single_points() if given.classes else self

    def loss_identity(self, batch: int) -> Self:
        assert self.target_batch != "auto"
        return msgspec.structs.replace(self, target_batch=min(self.target_batch, batch))

    def conflicts(self, chosen: Chosen, conditions: Conditions | None) -> Iterator[Message]:
        if not chosen.noise.has_noise:
            yield Message(
                "denoising-without-noise",
                "Denoising needs noise: with {} its target z/σ divides by zero. Choose a noise, or exact or sliced matching.",
                (setting("noise.kind", chosen.noise.kind),),
                "objective.kind",
                (Edit("Use sliced", {"objective.kind": "sliced"}), Edit("Add noise", {"noise.kind": "ve"})),
            )
        if self.target_batch not in ("auto", 1) and chosen.network.is_told_classes(chosen, conditions):
            yield Message(
                "stable-target-of-classes",
                "The stable target of a network with class labels would mix classes, but {}: choose {}, or {}.",
                (
                    setting("objective.target_batch", self.target_batch),
                    setting("objective.target_batch", "auto", 1),
                    setting("network.kind", "energy"),
                ),
                "objective.target_batch",
                (Edit("Use Auto", {"objective.target_batch": "auto"}),),
            )

    def build(self, given: Given) -> "Loss":
        from playground.theory.objectives import Denoising

        assert self.target_batch != "auto"
        return Denoising(given.noise, given.sigma_distribution, self.weight, min(self.target_batch, given.batch))
