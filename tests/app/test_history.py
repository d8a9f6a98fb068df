"""The history as JSON values and back."""

import json

import msgspec
import pytest

from playground.app.model.history import History, Other
from playground.lab.experiment import Experiment, ExperimentError, replace

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
    steps, now = [], first
    for change in changes:
        now = replace(now, change)
        steps.append(now)
    scene = replace(steps[2], {"data.kind": "rings"})  # which the next step replaces
    steps[3:3] = [
        Other("reset", name="reset 4"),
        Other("deletion", 0),
        Other(text="Pin\npin"),
        Other("reset", name="a scene 5", after=scene),
    ]
    return History(first, steps, len(steps) - 5)


def test_it_comes_back_step_by_step():
    history = long_history()
    text = json.dumps(history.to_json())
    back = History.from_json(json.loads(text))
    assert (back.first, list(back.steps), back.place) == (history.first, list(history.steps), history.place)
    assert back.experiment == history.experiment
    assert [back.at(place) for place in range(10)] == [history.at(place) for place in range(10)]


def test_one_seed_of_an_older_version_is_all_three_at_first_and_that_of_sampling_from_then_on():
    """Its change trained nothing anew, whatever the kinds."""
    first = msgspec.to_builtins(Experiment())
    for name in ("data", "training", "sampling"):
        first[name] = {key: value for key, value in first[name].items() if key != "seed"}
    changes = [["seed", -1, 5]], [["data", -1, {"kind": "rings", "points": 60}]], [["seed", -1, 6]]
    saved = {"first": {"seed": 2, **first}, "steps": [{"changes": change} for change in changes], "place": 3}
    back = History.from_json(saved)
    assert [back.at(place) for place in range(4)] == [
        replace(Experiment(), changes)
        for changes in (
            {"seed": 2},
            {"seed": 2, "sampling.seed": 5},
            {"seed": 2, "sampling.seed": 5, "data.kind": "rings", "data.points": 60},
            {"seed": 2, "sampling.seed": 6, "data.kind": "rings", "data.points": 60},
        )
    ]
    assert History.from_json(json.loads(json.dumps(back.to_json()))).experiment == back.experiment


def test_each_stroke_is_written_once():
    assert len(json.dumps(long_history().to_json())) < 2.5 * len(json.dumps(STROKES))


def test_what_did_not_change_is_shared_in_memory():
    back = History.from_json(long_history().to_json())
    drawings = [step for step in back.steps if isinstance(step, Experiment) and step.data.kind == "drawn"]
    assert drawings[-6].data.strokes[0] is drawings[1].data.strokes[0]


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
        {"steps": None},
    ],
)
def test_damage_is_told(damage):
    with pytest.raises(ExperimentError):
        History.from_json({"first": {}, "steps": [], "place": 0} | damage)
