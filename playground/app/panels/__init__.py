"""The cards, one per file: the pipeline on the left of the window, the measurements on the right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.panels.data import DataPanel
from playground.app.panels.field_names import FieldNamesPanel
from playground.app.panels.lesson import LessonPanel
from playground.app.panels.likelihood import LikelihoodPanel
from playground.app.panels.noise import NoisePanel
from playground.app.panels.objective import ObjectivePanel
from playground.app.panels.particle import ParticlePanel
from playground.app.panels.quality import QualityPanel
from playground.app.panels.runs import RunsPanel
from playground.app.panels.sampling import SamplingPanel
from playground.app.panels.training import TrainingPanel
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.lab.document import Document


@dataclass(frozen=True)
class Card:
    """A card of the window.

    Attributes:
        panel: its class.
        column: "left" for the pipeline, "right" for the measurements, "lesson" for the part above the left column.
        asks: what the user has asked for that the card shows. While not all cards are in view, it comes with that and goes with
            it.
    """

    panel: Callable[[State, Controllers], CollapsiblePanel]
    column: str
    asks: Callable[[Controllers], Sequence[object]] = lambda controllers: ()


def _document(controllers: Controllers) -> Document:
    return controllers.state.document


LAYOUT = (
    Card(LessonPanel, "lesson"),
    Card(DataPanel, "left"),
    Card(NoisePanel, "left"),
    Card(ObjectivePanel, "left"),
    Card(TrainingPanel, "left"),
    Card(SamplingPanel, "left"),
    Card(LikelihoodPanel, "right", asks=lambda c: _document(c).clicked),
    Card(ParticlePanel, "right", asks=lambda c: (c.inspecting.number,) if c.inspecting.is_active else ()),
    Card(FieldNamesPanel, "right"),
    Card(QualityPanel, "right"),
    Card(RunsPanel, "right", asks=lambda c: [run.number for run in _document(c).pins]),
)
"""The cards in the order in which they stand."""

__all__ = [
    "LAYOUT",
    "Card",
    "DataPanel",
    "FieldNamesPanel",
    "LessonPanel",
    "LikelihoodPanel",
    "NoisePanel",
    "ObjectivePanel",
    "ParticlePanel",
    "QualityPanel",
    "RunsPanel",
    "SamplingPanel",
    "TrainingPanel",
]
