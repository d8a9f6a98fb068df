from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from playground.kinds.chosen import Chosen, Conditions, Given
from playground.kinds.kind import register
from playground.kinds.samplers.sampler import Sampler, no_path
from playground.kinds.tables import TimeGrid
from playground.messages import Message

if TYPE_CHECKING:
    from playground.theory.guidance import LabelledScore
    from playground.theory.samplers import Sampler as Run
    from playground.theory.starts import Start


@register
class Forward(Sampler, tag="forward", frozen=True):
    """No sampler: the noise process itself, from data to noise."""

    title = "Forward process"
    short = "forward"
    place = 6
    equation = r"dx = f\,dt + g\,dw"
    is_generative = False

    time_grid: TimeGrid = "auto"

    def resolve(self, images: bool) -> Self:
        grid = "log-sigma" if self.time_grid == "auto" else self.time_grid
        return msgspec.structs.replace(Sampler.resolve(self, images), time_grid=grid)

    def conflicts(self, chosen: Chosen, conditions: Conditions | None) -> Iterator[Message]:
        needed = "The forward process leads from data to noise, but {} has no path between them: choose {}, or {}."
        yield from no_path("no-path-to-noise", needed, chosen)

    def build(self, given: Given, score: "LabelledScore | None") -> "Run":
        from playground.theory.forward import ForwardProcess

        assert self.steps != "auto"
        assert self.time_grid != "auto"
        return ForwardProcess(given.process(), self.steps, self.time_grid)

    @property
    def starts_at(self) -> Literal["noise", "box", "data"]:
        return "data"

    def start_of_run(self, given: Given) -> "Start":
        """Return the training points with the noise of t_min, at which the process starts."""
        from playground.theory.forward import NoisyData

        return NoisyData(given.process(), given.train)

    def noise_of_run(self, given: Given) -> float:
        return float(given.process().std(1.0))
