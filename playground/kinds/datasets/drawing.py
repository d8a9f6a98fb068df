import math
from collections.abc import Iterator
from typing import Annotated, Self

import msgspec

from playground.data import strokes
from playground.data.dataset import Dataset, DatasetRequest, sample_dataset
from playground.data.strokes import MOST_STROKES
from playground.kinds.datasets.data_source import POINTS, DataSource, Points, Stroke
from playground.kinds.kind import register
from playground.kinds.setting import meta
from playground.messages import Message, setting


@register
class Drawing(DataSource, tag="drawn", frozen=True):
    """Painted on the canvas with the brush."""

    title = "Drawing"
    phrase = "drawing"
    place = 10
    known_density = True

    points: Points = POINTS
    strokes: Annotated[
        tuple[Stroke, ...],
        meta(
            "Brush strokes, for kind = drawn",
            label="drawing",
            resets=True,
            example="[{points = [[0.0, 0.0], [1.0, 2.0]], radius = 0.2}]",
        ),
    ] = ()

    def errors(self) -> Iterator[Message]:
        if len(self.strokes) > MOST_STROKES:
            yield Message(
                "many-strokes",
                "{} has {:,} strokes, and at most {:,} are possible: draw with fewer, longer ones.",
                (setting("data.strokes"), len(self.strokes), MOST_STROKES),
                "data.strokes",
            )
        for stroke in self.strokes:
            numbers = [stroke.radius, *(coordinate for point in stroke.points for coordinate in point)]
            if not stroke.points or stroke.radius <= 0 or not all(map(math.isfinite, numbers)):
                yield Message(
                    "strokes",
                    "{} must hold finite points and a radius above 0.",
                    (setting("data.strokes"),),
                    "data.strokes",
                )

    def conflicts(self) -> Iterator[Message]:
        if not self.strokes:
            yield Message(
                "nothing-drawn",
                "Nothing is drawn yet: paint on the canvas with the brush, then train.",
                (),
                "data.strokes",
            )

    def sized(self, points: int) -> Self:
        return msgspec.structs.replace(self, points=points)

    def read(self, request: DatasetRequest) -> Dataset:
        return sample_dataset(strokes.density_of_strokes(request.strokes), self.phrase, request)
