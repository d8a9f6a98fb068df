"""The template of a lesson: it is a valid lesson, and shows the experiment from which it was made."""

import re
from pathlib import Path
from typing import Any

import pytest

from playground.kinds.datasets import Stroke
from playground.lab import lessons
from playground.lab.experiment import Experiment, ExperimentError, replace
from playground.lab.lesson_template import lesson_template

EXPERIMENTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "vp": {
        "data.kind": "rings",
        "noise.kind": "vp",
        "noise.beta_max": 7.0,
        "sampling.kind": "probability-flow",
        "seed": 5,
    },
    "drawn": {"data.kind": "drawn", "data.strokes": (Stroke(((0.0, 0.5), (1.0, 0.25)), 0.1),)},
    "digits": {"data.kind": "digits", "training.steps": 7},
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_its_step_shows_the_experiment(tmp_path: Path, name: str) -> None:
    experiment = replace(Experiment(), EXPERIMENTS[name])
    path = tmp_path / "own.lesson.md"
    path.write_text(lesson_template(experiment, 'A "quoted" title'), encoding="utf-8")
    lesson = lessons.load(path)
    (step,) = lesson.steps
    assert lesson.title == 'A "quoted" title'
    assert step.settings == experiment
    for value in (0.9, 1.5, 3.0, 4.0, 50.0):
        assert sum(choice.holds(value) for choice in step.choices) == 1
    assert (
        lessons.MeasuredStep(step, {"measured": 1.234})
        .explained("{:.2f}".format)
        .startswith("Measured: **1.23** times.")
    )


def test_a_file_of_points_is_no_part_of_a_lesson() -> None:
    experiment = replace(Experiment(), {"data.kind": "file", "data.path": "points.csv"})
    with pytest.raises(ExperimentError, match="A lesson reads no file"):
        lesson_template(experiment, "mine")
    long = tuple(Stroke(tuple((float(n), 0.123456789) for n in range(2000)), 0.1) for _ in range(8))
    with pytest.raises(ExperimentError, match="too long for a lesson"):
        lesson_template(replace(Experiment(), {"data.kind": "drawn", "data.strokes": long}), "mine")


def test_the_page_s_examples_are_a_lesson_and_a_scene(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/lessons.md").read_text(encoding="utf-8")
    found = []
    for text in re.findall(r"(?ms)^```markdown\n(.*?)^```", page):
        (tmp_path / "example.lesson.md").write_text(text, encoding="utf-8")
        found.append(lessons.load(tmp_path / "example.lesson.md"))
    lesson, scene = found
    assert (lesson.is_scene, scene.is_scene) == (False, True)
    assert lesson.steps[0].names == {"you", "measured", "data"}
    keys = re.findall(r"(?m)^\| `(\w+)`(?:, `(\w+)`)? \|", page)
    texts = {"text", "explanation"}
    assert {key for pair in keys for key in pair if key} == set(lessons.Step.__struct_fields__) - texts
