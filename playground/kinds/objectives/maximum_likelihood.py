from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from playground.kinds.chosen import Chosen, Conditions, Given
from playground.kinds.kind import register
from playground.kinds.objectives.objective import Objective
from playground.kinds.setting import meta
from playground.messages import Edit, Message, setting

if TYPE_CHECKING:
    from playground.theory.objectives import Objective as Loss

LEVELS = 2  # most noise levels in a batch, as each takes a sum over the plane


@register
class MaximumLikelihood(Objective, tag="maximum-likelihood", frozen=True):
    """Maximum likelihood, which score matching avoids: Z is summed over the plane at every step. Needs an energy."""

    title = "Likelihood"
    place = 3
    equation = r"E\,[f] + \ln Z"
    default_weight = "constant"
    matches_density = True

    normalizer_grid: Annotated[
        int,
        meta(
            "Grid cells along each side for Z, in maximum likelihood. A step costs their square; structure narrower "
            "than a cell is missed",
            label="normalizer grid",
            ge=16,
            le=512,
            symbol="n",
            equation=r"\ln Z = \ln \sum_j e^{-f(x_j)} \Delta^2",
            log=True,
        ),
    ] = 64

    def conflicts(self, chosen: Chosen, conditions: Conditions | None) -> Iterator[Message]:
        score = Edit("Use denoising", {"objective.kind": "denoising"})
        if not chosen.network.states_density:
            yield Message(
                "likelihood-of-a-score",
                "Maximum likelihood needs a density, which a score network does not have: choose {}, or another objective.",
                (setting("network.kind", "energy"),),
                "objective.kind",
                (Edit("Use an energy", {"network.kind": "energy"}), score),
            )
        elif chosen.data.images:
            yield Message(
                "likelihood-of-images",
                "Maximum likelihood computes Z on a grid, which is possible in two dimensions only: choose score matching, which needs no Z, or points of the plane.",
                (),
                "objective.kind",
                (score,),
            )

    def cost(self, chosen: Chosen, dim: int) -> Message:
        levels = LEVELS if chosen.noise.has_path else 1
        return Message(
            "likelihood-is-slow",
            "Z is summed over {} points at every step.",
            (float(levels * self.normalizer_grid**2),),  # a float, so that it is formatted as a quantity
        )

    def build(self, given: Given) -> "Loss":
        from playground.theory.objectives import MaximumLikelihood

        reach = float(given.train.abs().max())
        return MaximumLikelihood(
            given.noise, given.sigma_distribution, self.weight, reach, self.normalizer_grid, LEVELS
        )
