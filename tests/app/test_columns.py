"""What a column changes, in words and as the fewest edits."""

from typing import Any

import pytest

from playground.app.model.columns import changed, edits_between, presets
from playground.app.model.edit_text import SAME, difference
from playground.lab import experiment as description
from playground.lab.columns import Column
from playground.lab.experiment import Experiment, ExperimentError

MAIN = description.replace(Experiment(), {"sampling.kind": "reverse-sde", "sampling.steps": 300})


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({}, SAME),
        ({"sampling.steps": 300}, SAME),
        ({"sampling.steps": 50}, "steps 50"),
        ({"sampling.kind": "probability-flow", "sampling.solver": "euler"}, "Probability flow, Euler in t"),
        ({"sampling.source": "exact", "sampling.steps": 1000}, "Exact, steps 1\u202f000"),
        ({"noise.kind": "vp"}, "VP"),
    ],
)
def test_a_head_says_only_the_difference(edits: dict[str, Any], words: str) -> None:
    assert difference(MAIN, Column.of(edits)) == words


def test_a_training_step_is_a_difference() -> None:
    assert difference(MAIN, Column.of({}, step=1000)) == "training step 1\u202f000"


def test_a_setting_put_back_is_no_edit() -> None:
    column = changed(MAIN, Column(), "sampling.steps", 50)
    assert column == Column.of({"sampling.steps": 50})
    assert changed(MAIN, column, "sampling.steps", 300) == Column()


def test_another_kind_keeps_what_it_shares_and_drops_what_it_lacks() -> None:
    column = changed(MAIN, changed(MAIN, Column(), "sampling.solver", "shark"), "sampling.kind", "langevin")
    assert column == Column.of({"sampling.kind": "langevin"})
    back = changed(MAIN, column, "sampling.kind", "reverse-sde")
    assert "sampling.kind" not in dict(back.edits)


def test_edits_lead_from_one_experiment_to_the_other() -> None:
    other = description.replace(MAIN, {"noise.kind": "vp", "sampling.kind": "edm", "sampling.churn": 3.0})
    edits = edits_between(MAIN, other)
    assert list(edits)[:2] == ["noise.kind", "sampling.kind"]
    assert description.replace(MAIN, edits) == other
    assert edits_between(MAIN, MAIN) == {}


def test_edits_that_no_longer_fit_are_left_out_until_they_do() -> None:
    column = Column.of({"sampling.solver": "shark", "sampling.steps": 70})
    langevin = description.replace(MAIN, {"sampling.kind": "langevin"})
    assert difference(langevin, column) == "steps 70"
    assert difference(MAIN, column) == "ShARK, steps 70"


def test_data_are_no_difference() -> None:
    assert edits_between(MAIN, description.replace(MAIN, {"data.kind": "rings"})) == {}


def test_what_the_experiment_cannot_take_is_refused() -> None:
    with pytest.raises(ExperimentError):
        changed(MAIN, Column(), "sampling.steps", 0)


def test_presets_lie_within_the_bounds_and_are_others() -> None:
    experiment = description.replace(MAIN, {"sampling.kind": "edm"})
    for key, field in description.fields(experiment).items():
        if field.kind in ("int", "float") and key.startswith("sampling."):
            value = 3.0 if field.default in ("auto", None) else float(field.default)
            found = presets(field, value)
            assert value not in found
            assert all(field.minimum <= each <= field.maximum for each in found), key
