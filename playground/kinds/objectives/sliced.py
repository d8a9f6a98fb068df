from typing import TYPE_CHECKING, Annotated

from playground.kinds.chosen import Given
from playground.kinds.kind import register
from playground.kinds.objectives.objective import Objective
from playground.kinds.setting import meta
from playground.kinds.tables import Probes

if TYPE_CHECKING:
    from playground.theory.objectives import Objective as Loss


@register
class Sliced(Objective, tag="sliced", frozen=True):
    """The trace is estimated along a few random directions."""

    title = "Sliced"
    place = 1
    equation = r"E\,[v^\top \nabla s\,v + \frac{1}{2} \|s\|^2]"

    projections: Annotated[
        int,
        meta(
            "Random directions per point, for sliced matching",
            label="projections k",
            ge=1,
            le=64,
            symbol="k",
            equation=r"E_v\,[v^\top \nabla s\, v + \frac{1}{2}(v^\top s)^2]",
        ),
    ] = 1
    probes: Probes = "rademacher"
    variance_reduced: Annotated[
        bool,
        meta(
            "Use the exact squared norm instead of its projection: less variance",
            label="variance-reduced",
            equation=r"\frac{1}{2}\|s\|^2",
        ),
    ] = True

    def passes(self, dim: int) -> int:
        return self.projections

    def build(self, given: Given) -> "Loss":
        from playground.theory.objectives import Sliced

        return Sliced(
            given.noise,
            given.sigma_distribution,
            self.weight,
            projections=self.projections,
            probes=self.probes,
            variance_reduced=self.variance_reduced,
        )
