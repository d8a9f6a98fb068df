"""The history as JSON values and back."""

import json

import msgspec
import pytest

from playground.app.model.history import History
from playground.app.model.pinned_runs import named
from playground.app.model.state import State
from playground.lab.columns import Column
from playground.lab.experiment import Experiment, ExperimentError, replace
from tests.app.conftest import pinned_run

ONE, TWO = pinned_run(1, "one"), pinned_run(2, "two")
STROKES = [{"points": [[float(place), 0.5] for place in range(50)], "radius": 0.1} for _ in range(40)]


def long_history():
    """Every sort of step: numbers, kinds, lists that grow and shrink, resets."""
    first = Experiment()
    changes = [
        {"sampling.seed": 3},
        {"sampling.steps": 77},
        {"noise.kind": "vp"},
        {"noise.beta_max": 12.0},
        {"noise.kind": "ve", "network.width": 16},
        {"data.kind": "drawn"},
        *({"data.strokes": STROKES[:count]} for count in range(1, 30)),
        {"data.strokes": STROKES[:2]},
        {"data.strokes": [STROKES[0] | {"radius": 0.3}, STROKES[1]]},
        {"data.strokes": []},
        {"data.kind": "two-moons"},
    ]
    state = State(first)
    for number, change in enumerate(changes):
        assert state.edit(change)
        if number == 2:
            state.push(state.document.begun("reset 4"))
            state.put(pins=(ONE, TWO))
            state.put(pins=(named(TWO, "second"),))
            state.put(columns=(Column(), Column.of({"noise.schedule": ((0.0, 0.01), (1.0, 8.0))}, step=7)))
            state.put(columns=())
            scene = state.document.with_experiment(replace(state.experiment, {"data.kind": "rings"}))
            state.push(scene.begun("a scene 5"))
    first_document, *steps = state.documents
    return History([first_document, *steps], len(steps) - 5)


def test_it_comes_back_step_by_step():
    history = long_history()
    text = json.dumps(history.to_json())
    back = History.from_json(json.loads(text), (ONE, TWO))
    assert (list(back.documents), back.place) == (list(history.documents), history.place)
    assert back.document == history.document


def test_all_runs_that_version_1_kept_are_pinned():
    saved = {"first": msgspec.to_builtins(Experiment()), "steps": [{"changes": [["sampling.seed", -1, 5]]}], "place": 1}
    back = History.from_json(saved, (ONE, TWO))
    assert [document.pins for document in back.documents] == [(ONE, TWO)] * 2
    assert History.from_json(saved | {"parts": {}}, (ONE, TWO)).document.pins == ()


def test_a_run_that_was_pinned_since_is_pinned_by_its_step():
    state = State()
    state.put(pins=(ONE,))
    saved = json.loads(json.dumps(History(state.documents, 1).to_json()))
    back = History.from_json(saved, (ONE,))
    assert (list(back.documents), back.place) == (state.documents, 1)


def test_each_stroke_is_written_once():
    assert len(json.dumps(long_history().to_json())) < 2.5 * len(json.dumps(STROKES))


def test_what_did_not_change_is_shared_in_memory():
    back = History.from_json(long_history().to_json())
    drawings = [step.experiment.data for step in back.documents if step.experiment.data.kind == "drawn"]
    assert drawings[-6].strokes[0] is drawings[1].strokes[0]


@pytest.mark.parametrize(
    "damage",
    [
        {"place": 999},
        {"place": -1},
        {"place": "x"},
        {"first": {"seed": "x"}},
        {"steps": [{"changes": [["sampling.seed", -1, "x"]]}]},
        {"steps": [{"changes": [["nothing.there", -1, 1]]}]},
        {"steps": [{"changes": [["sampling.seed", 3, 1]]}]},
        {"steps": [{"changes": 3}]},
        {"steps": [7]},
        {"steps": [{"pins": [{"number": "x", "name": ""}]}]},
        {"parts": {"pins": 3}},
        {"steps": [{"columns": [{"edits": 3}]}]},
        {"parts": {"columns": 5 * [{}]}},
        {"steps": None},
    ],
)
def test_damage_is_told(damage):
    with pytest.raises(ExperimentError):
        History.from_json({"first": {}, "steps": [], "place": 0} | damage)
