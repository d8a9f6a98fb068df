"""The common base of all objectives."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import msgspec

from playground.kinds.chosen import Chosen, Conditions, Given
from playground.kinds.kind import Kind
from playground.kinds.setting import Option, meta
from playground.messages import Message

if TYPE_CHECKING:
    from playground.theory.objectives import Objective as Loss

_SUM = r"E_{\sigma}\,\lambda(\sigma)\,J(\sigma)"


class Objective(Kind, frozen=True):
    """The loss that training minimises.

    Attributes:
        default_weight: what `weight` = "auto" stands for. Of score matching, at coarse levels the noise of denoising's gradients is
            the same at every level with sigma^2 (sigma^2 + 1), and 1/sigma with sigma^2; that of exact and sliced matching grows
            like sigma with the former. After 5,000 steps on two moons: denoising 0.0114 against 0.0166 nat (0.013 against 0.052
            after 4,000 for VP, whose levels reach 150), exact 0.065 against 0.044.
    """

    section: ClassVar[str] = "objective"
    summary: ClassVar[str] = (
        "Exact, sliced or denoising score matching; or maximum likelihood of an energy in the plane, with Z by "
        "quadrature"
    )
    noun: ClassVar[str] = "objective"
    default_weight: ClassVar[str] = "sigma2"

    weight: Annotated[
        Literal["auto", "sigma2", "edm", "likelihood", "constant"],
        meta(
            "Weight of each noise level in the loss. auto: edm for denoising, sigma2 for exact and sliced matching, "
            "constant for maximum likelihood",
            label="weight λ(σ)",
            symbol="λ(σ)",
            options={
                "auto": Option(
                    "Auto", "EDM for denoising, σ² for exact and sliced matching: the least noisy gradients.", _SUM
                ),
                "sigma2": Option("σ²", "All noise levels count alike.", rf"{_SUM},\ \lambda = \sigma^2"),
                "edm": Option(
                    "EDM",
                    "σ²(σ² + 1), Karras et al. 2022: the network's raw output counts alike at every level.",
                    rf"{_SUM},\ \lambda = \sigma^2 (\sigma^2 + 1)",
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

    def resolve(self, images: bool) -> Self:
        """Return the settings with a value for each "auto".

        Args:
            images: whether the points are images.
        """
        weight = self.default_weight if self.weight == "auto" else self.weight
        return msgspec.structs.replace(self, weight=weight)

    def loss_identity(self, batch: int) -> Self:
        """The resolved settings as far as they make another loss: of two equal ones, losses stand on one curve above one optimum.

        Args:
            batch: points of a training step.
        """
        return self

    def passes(self, dim: int) -> int:
        """Return how often a training step differentiates the score along a direction.

        Args:
            dim: numbers of one point.
        """
        return 0

    def conflicts(self, chosen: Chosen, conditions: Conditions | None) -> Iterator[Message]:
        """Return the conflicts with the experiment that leave nothing to train.

        Args:
            conditions: where the data have been read.
        """
        yield from ()

    def cost(self, chosen: Chosen, dim: int) -> Message | None:
        """Return a sentence on the cost of a step, where it is high.

        Args:
            dim: numbers of one point, 0 where that is not known yet.
        """
        return None

    @abstractmethod
    def build(self, given: Given) -> "Loss":
        """The loss, of resolved settings."""
