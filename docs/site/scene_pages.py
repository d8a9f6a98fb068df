"""A scene as a web page and a picture, made of a run as the command line makes them."""

from pathlib import Path

from playground.app.style.number_formats import format_number
from playground.cli.painting import paint_picture, paint_web_page, run_of
from playground.drawing.labels import Labels
from playground.lab.lessons import Lesson
from playground.lab.step_measuring import StepRun, measure
from playground.lab.store import Store

PICTURE = 240, 180
"""Of which a picture has twice the pixels along each side."""


def write_scene(scene: Lesson, folder: Path) -> str:
    """Train, sample and measure a scene; write its last run into a folder, as NAME.html and NAME.png.

    Returns:
        What was measured, in words.
    """
    (step,), store = scene.steps, Store()
    *_, (_, found) = measure(step, store=store)
    model, trajectory = run_of(StepRun(step.shown_settings, "cpu", store, step.weights))
    paint_web_page(model, trajectory, folder / f"{scene.name}.html", title=scene.title)
    paint_picture(model, trajectory, folder / f"{scene.name}.png", PICTURE, Labels(caption=False, legend=False))
    return found.explained(format_number)
