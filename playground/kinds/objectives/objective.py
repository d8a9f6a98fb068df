"""The common base of all objectives."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import msgspec

from playground.kinds.chosen import Chosen, ChosenNoise, Conditions, Given
from playground.kinds.kind import Kind
from playground.kinds.setting import Option, meta
from playground.messages import Message

if TYPE_CHECKING:
    from playground.theory.objectives import Objective as Loss

_SUM = r"E_{\sigma}\,\lambda(\sigma)\,J(\sigma)"


class Objective(Kind, frozen=True):
    """The loss that training minimises.

    Attributes:
        default_weight: the value of `weight` = "auto", unless denoising learns the velocity of flow matching. At coarse levels
            the gradient noise of denoising does not depend on sigma with the weight sigma^2 (sigma^2 + 1), and falls like 1/sigma
            with sigma^2. That of exact and sliced matching grows like sigma with the former weight. After 5,000 steps on two moons
            the KL is 0.0114 nat with the former against 0.0166 with the latter for denoising, and 0.065 against 0.044 for exact
            matching. For denoising with VP, whose levels reach 150, it is 0.013 against 0.052 after 4,000 steps.
        denoises: whether it is the square of denoising, which also learns a velocity where there is no score.
        matches_density: whether it has an optimum for sharp edges without noise, where the score has none.
    """

    section: ClassVar[str] = "objective"
    summary: ClassVar[str] = (
        "Exact, sliced or denoising score matching; or maximum likelihood of an energy in the plane, with Z by "
        "quadrature"
    )
    noun: ClassVar[str] = "objective"
    default_weight: ClassVar[str] = "sigma2"
    denoises: ClassVar[bool] = False
    matches_density: ClassVar[bool] = False

    weight: Annotated[
        Literal["auto", "sigma2", "edm", "sigma4", "velocity", "likelihood", "constant"],
        meta(
            "Weight of each noise level in the loss. auto: edm for denoising, or velocity with flow matching; sigma2 for exact and "
            "sliced matching, constant for maximum likelihood",
            label="weight λ(σ)",
            symbol="λ(σ)",
            options={
                "auto": Option(
                    "Auto",
                    "EDM for denoising, or Velocity with flow matching; σ² for exact and sliced matching: the least noisy gradients.",
                    _SUM,
                ),
                "sigma2": Option("σ²", "All noise levels count alike.", rf"{_SUM},\ \lambda = \sigma^2"),
                "edm": Option(
                    "EDM",
                    "σ²(σ² + 1), Karras et al. 2022: the network's raw output counts alike at every level.",
                    rf"{_SUM},\ \lambda = \sigma^2 (\sigma^2 + 1)",
                ),
                "sigma4": Option(
                    "σ⁴", "The denoised estimate counts alike at every level.", rf"{_SUM},\ \lambda = \sigma^4"
                ),
                "velocity": Option(
                    "Velocity",
                    "σ²(σ + 1)², Lipman et al. 2023: the velocity of flow matching counts alike at every level.",
                    rf"{_SUM},\ \lambda = \sigma^2 (\sigma + 1)^2",
                ),
                "likelihood": Option(
                    "g²",
                    "Likelihood weighting: the loss bounds the NLL, and fine levels count most.",
                    rf"{_SUM},\ \lambda \propto \sigma^2/p(\ln\sigma)",
                ),
                "constant": Option("1", "No weight: the finest level dominates the loss.", rf"{_SUM},\ \lambda = 1"),
            },
            when=lambda chosen: chosen.noise.has_noise,
            otherwise="without noise there is one level",
        ),
    ] = "auto"

    def resolve(self, images: bool, noise: ChosenNoise) -> Self:
        """Return the settings with a value for each "auto".

        Args:
            images: whether the points are images.
            noise: the experiment's noise.
        """
        if self.weight != "auto":
            return self
        by_velocity = self.denoises and noise.learns_velocity
        return msgspec.structs.replace(self, weight="velocity" if by_velocity else self.default_weight)

    def of_single_points(self) -> Self:
        """Return the settings with which the loss of a point does not depend on the other points of its batch."""
        return self

    def found(self, given: Given) -> Self:
        """Return the resolved settings as the data decide them."""
        return self

    def loss_identity(self, batch: int) -> Self:
        """The resolved settings that determine the loss. If they are equal, two losses have the same optimum and share a curve.

        Args:
            batch: the number of points in a training step.
        """
        return self

    def passes(self, dim: int) -> int:
        """Return how many times a training step differentiates the score along a direction.

        Args:
            dim: the number of coordinates of one point.
        """
        return 0

    def conflicts(self, chosen: Chosen, conditions: Conditions | None) -> Iterator[Message]:
        """Return the conflicts with the experiment because of which it cannot be trained.

        Args:
            chosen: the experiment's kinds.
            conditions: None before the data have been read.
        """
        yield from ()

    def cost(self, chosen: Chosen, dim: int) -> Message | None:
        """Return a sentence on the cost of a step if it is high.

        Args:
            chosen: the experiment's kinds.
            dim: the number of coordinates of one point; 0 if it is not known yet.
        """
        return None

    @abstractmethod
    def build(self, given: Given) -> "Loss":
        """The loss for resolved settings."""
