from typing import TYPE_CHECKING

from playground.kinds.chosen import Chosen, Given
from playground.kinds.kind import register
from playground.kinds.objectives.objective import Objective
from playground.messages import Edit, Message

if TYPE_CHECKING:
    from playground.theory.objectives import Objective as Loss

MUCH = 2
"""The most axes for which the cost of a step is not mentioned: those of points in the plane."""


@register
class Exact(Objective, tag="exact", frozen=True):
    """Hyvärinen's loss with the full trace. Its cost grows with the dimension."""

    title = "Exact"
    place = 0
    equation = r"E\,[\mathrm{tr}\,\nabla s + \frac{1}{2} \|s\|^2]"

    def passes(self, dim: int) -> int:
        return dim

    def cost(self, chosen: Chosen, dim: int) -> Message | None:
        if dim <= MUCH:
            return None
        return Message(
            "exact-is-slow",
            "Exact matching differentiates the score along each of {} axes at every step. Sliced matching does so "
            "along a few random "
            "directions, and has the same mean.",
            (dim,),
            "objective.kind",
            (Edit("Use sliced", {"objective.kind": "sliced"}),),
        )

    def build(self, given: Given) -> "Loss":
        from playground.theory.objectives import Exact

        return Exact(given.noise, given.sigma_distribution, self.weight)
