"""The cards, one per file: the pipeline on the left of the window, the measurements on the right."""

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

PIPELINE = (LessonPanel, DataPanel, NoisePanel, ObjectivePanel, TrainingPanel, SamplingPanel)
MEASUREMENTS = (LikelihoodPanel, ParticlePanel, FieldNamesPanel, QualityPanel, RunsPanel)
"""The cards of the left column and those of the right one."""

__all__ = [
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
