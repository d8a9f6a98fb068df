import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from playground.kinds.chosen import Chosen, Given
from playground.kinds.kind import register
from playground.kinds.samplers.langevin_dynamics import LangevinDynamics
from playground.kinds.samplers.sampler import USE_LANGEVIN
from playground.messages import Edit, Message, setting

if TYPE_CHECKING:
    from playground.theory.guidance import LabelledScore
    from playground.theory.samplers import Sampler as Run
    from playground.theory.samplers.langevin import LogDensity
    from playground.theory.starts import Start

STEP = 1.25
"""The default step if the narrowest part has variance 1, in one dimension. In D dimensions it is D^(1/3) times shorter (Roberts &
Rosenthal 1998). MALA then accepts 67 to 79 % on toys of Gaussians, 99 % on the checkerboard and 62 % on the digits' training set.
The stationary density is right at any step size."""


@register
class Mala(LangevinDynamics, tag="mala", frozen=True):
    """MALA: Langevin steps that are accepted or rejected, so that the density is right at any step size."""

    title = "Metropolis-adjusted Langevin"
    short = "MALA"
    place = 1
    equation = (
        r"x' = x + \epsilon\,s(x) + \sqrt{2\epsilon}\,z,\ "
        r"P(accept) = \min(1, \frac{p(x')\,q(x \mid x')}{p(x)\,q(x' \mid x)})"
    )

    def score_conflicts(self, chosen: Chosen) -> Iterator[Message]:
        if self.source == "learned" and not chosen.network.states_density:
            known = "exact" if chosen.data.known_density else "empirical"
            title = {"exact": "Use exact", "empirical": "Use training set"}[known]
            yield Message(
                "no-density-of-a-score",
                "MALA compares densities, and a learned score has none: choose {}, {}, or {}.",
                (
                    setting("sampling.source", "exact", "empirical"),
                    setting("network.kind", "energy"),
                    setting("sampling.kind", "langevin"),
                ),
                "sampling.source",
                (Edit(title, {"sampling.source": known}), USE_LANGEVIN),
            )
        yield from super().score_conflicts(chosen)

    def default_step(self, given: Given) -> float:
        return STEP / math.cbrt(math.prod(given.shape)) * self.narrowest(given)

    def euler_steps(self, given: Given) -> Sequence[tuple[float, float]]:
        return ()  # the Metropolis test rejects steps that overshoot

    def build(self, given: Given, score: "LabelledScore | None") -> "Run":
        from playground.theory.samplers import MetropolisAdjustedLangevin

        assert self.steps != "auto"
        return MetropolisAdjustedLangevin(
            self._log_density(given, score), given.noise.sigma_min, self.step_of(given), self.steps
        )

    def start_of_run(self, given: Given) -> "Start":
        """Return the start without what lies outside the sharp boxes of a toy, where the density is zero."""
        from playground.theory.starts import StartOnSupport

        start = super().start_of_run(given)
        if self.source != "exact":
            return start
        return StartOnSupport(start, self._log_density(given, None), given.noise.sigma_min)

    def _log_density(self, given: Given, score: "LabelledScore | None") -> "LogDensity":
        from playground.theory.partition import EnergyFunction

        if self.source == "empirical":
            return given.empirical.log_prob
        if self.source == "learned":
            assert isinstance(score, EnergyFunction)  # by score_conflicts
            return score.log_density
        assert given.density is not None  # by score_conflicts
        return given.density.log_prob
