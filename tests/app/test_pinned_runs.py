"""The list of pinned runs: what sets them apart, as a table, and as a stranger's file may have it."""

import csv
import io
import json
import math
from pathlib import Path

import pytest
from msgspec.structs import replace as replaced
from own_process import ran

from playground.app.model.pinned_runs import (
    LONGEST_NAME,
    MOST,
    clean_name,
    differences,
    from_json,
    is_full,
    is_measured,
    named,
    to_json,
    with_run,
)
from playground.app.model.run_table import table_text
from playground.app.panels.run_columns import is_at_floor
from playground.lab.experiment import Experiment, replace
from playground.lab.figures import sorts_of
from playground.lab.pinned_run import KL, PinnedRun
from playground.lab.store import Store
from playground.messages import Message
from tests.app.conftest import pinned_run, with_figures

MEASURED = {
    "wasserstein2": 0.2,
    "wasserstein2_floor": 0.1,
    "wasserstein2_floor_std": 0.01,
    "wasserstein2_points": (60, 60),
    "mode_weights": [0.25, 0.75],
    "mode_weights_standard_error": [0.05, 0.05],
    "mode_weights_true": [0.5, 0.5],
    "reasons": {"classifier_accuracy": Message("few", "There are only {} samples.", (3,))},
}


def run(number: int, name: str = "", **changes) -> PinnedRun:
    experiment = replace(Experiment(), {key.replace("__", "."): value for key, value in changes.items()})
    return pinned_run(number, name or f"run {number}", experiment, sampler_steps=10)


def known_of(found: dict):
    """What a store has of a run."""
    store = Store()
    return with_figures(store, run(1), found).figures(store)


def read(saved, **more) -> tuple[PinnedRun, ...]:
    return from_json(saved, Store(), **more)


def test_only_what_differs_is_said():
    runs = [run(1), run(2, sampling__seed=3), run(3, sampling__kind="probability-flow", sampling__steps=25)]
    assert differences(runs) == {
        1: "sampler Reverse SDE, steps auto, seed 0",
        2: "sampler Reverse SDE, steps auto, seed 3",
        3: "sampler Probability flow, steps 25, seed 0",
    }
    assert differences(runs[:1]) == {1: ""}
    named = [run(1, "reverse SDE"), run(2, "flow 25", sampling__kind="probability-flow", sampling__steps=25)]
    told = differences(named, beside_names=True)
    assert "Reverse SDE" not in told[1]
    assert "steps 25" not in told[2]
    assert "Probability flow" in told[2]


def pinned(*runs: PinnedRun) -> tuple[PinnedRun, ...]:
    """The runs, pinned one after another."""
    found: tuple[PinnedRun, ...] = ()
    for one in runs:
        found = with_run(found, one)
    return found


def pinned_names(*changes: dict[str, object]) -> list[str]:
    return [one.name for one in pinned(*(run(number, **settings) for number, settings in enumerate(changes)))]


def test_runs_of_one_sampler_are_named_by_what_differs():
    exact, sliced = {"objective__kind": "exact"}, {"objective__kind": "sliced"}
    assert pinned_names(exact) == ["reverse SDE 10"]
    assert pinned_names(exact, sliced) == ["reverse SDE 10 · Exact", "reverse SDE 10 · Sliced"]
    assert pinned_names({"sampling__guidance": 1.0}, {"sampling__guidance": 2.0, "sampling__seed": 3}) == [
        "reverse SDE 10 · guidance w 1 · seed 0",
        "reverse SDE 10 · guidance w 2 · seed 3",
    ]
    flow = {"sampling__kind": "probability-flow"}
    assert pinned_names(exact, flow, sliced)[1] == "probability flow 10"
    assert pinned_names(exact, sliced, sliced | {"sampling__seed": 3}) == [
        "reverse SDE 10 · Exact",
        "reverse SDE 10 · Sliced",
        "reverse SDE 10 · Sliced · seed 3",
    ]
    assert pinned_names(exact, exact) == ["reverse SDE 10", "reverse SDE 10 (2)"]  # only the runs differ


def test_runs_of_one_training_are_named_by_its_steps_whose_thousands_stay_together():
    steps = {"trained_steps": 2_565}, {"trained_steps": 5_430}, {"trained_from": 1_234}, {"trained_from": 99}
    runs = pinned(*(replaced(run(number), **trained) for number, trained in enumerate(steps)))
    assert [one.name for one in runs] == [
        "reverse SDE 10 · 2\u202f565 training steps",
        "reverse SDE 10 · 5\u202f430 training steps",
        "reverse SDE 10 · while training from step 1\u202f234",
        "reverse SDE 10 · while training from step 99",
    ]
    assert set(differences(runs, beside_names=True).values()) == {""}
    alone = runs[2]
    assert differences([alone]) == {alone.number: "while training from step 1\u202f234"}
    assert [one.trained_from for one in read(to_json(runs, Store()))] == [None, None, 1_234, 99]


def test_a_name_that_is_too_long_loses_whole_differences_and_no_digits():
    runs = [
        replaced(run(steps, sampling__seed=steps, objective__kind="exact", sampling__guidance=2.0), trained_from=steps)
        for steps in (999_998, 999_999)
    ]
    assert [one.name for one in pinned(*runs)] == [
        "reverse SDE 10 · seed 999\u202f998",
        "reverse SDE 10 · seed 999\u202f999",
    ]


def test_a_name_that_the_user_gave_stays():
    (first,) = pinned(run(1, objective__kind="exact"))
    runs = with_run([named(first, "mine")], run(2, objective__kind="sliced"))
    assert [one.name for one in runs] == ["mine", "reverse SDE 10 · Sliced"]
    assert differences(runs, beside_names=True) == {1: "objective Exact", 2: ""}


def test_w2_over_its_floor_and_when_it_is_reached():
    measured, unknown = known_of(MEASURED), known_of({})
    assert measured.number("wasserstein2_over_floor") == pytest.approx(2)
    assert not is_at_floor(measured)
    assert is_at_floor(known_of(MEASURED | {"wasserstein2": 0.105}))
    assert unknown.number("wasserstein2_over_floor") is None
    assert not is_measured(unknown)
    assert not is_measured(known_of({"kl": 0.1}))
    assert is_measured(measured)


def test_runs_come_back_from_json():
    store, other = Store(), Store()
    first = with_figures(store, run(1, "α, β", sampling__steps=7, sampling__seed=2), MEASURED | {"nfe_mean": 9.0})
    before = [first, run(2)]
    after = from_json(json.loads(json.dumps(to_json(before, store))), other)
    assert [(one.name, one.experiment, one.sampler_steps) for one in after] == [
        (one.name, one.experiment, one.sampler_steps) for one in before
    ]
    found, unknown = (one.figures(other) for one in after)
    assert found.value("mode_weights") == (0.25, 0.75)
    assert found.known("classifier_accuracy").reason == MEASURED["reasons"]["classifier_accuracy"]
    assert [one.number("nfe_mean") for one in (found, unknown)] == [9.0, None]
    assert not is_measured(unknown)


@pytest.mark.parametrize(
    "saved",
    [
        None,
        7,
        "runs",
        {},
        [None, 3, "x", [], {}],
        [{"experiment": 5}],
        [{"experiment": "data.kind = 'moons'"}],
        [{"experiment": "x" * 100}],
    ],
)
def test_a_stranger_s_list_that_is_none_is_empty(saved):
    assert read(saved) == ()


def test_a_stranger_s_run_keeps_only_what_is_sound():
    store = Store()
    (saved,) = to_json([with_figures(store, run(1), MEASURED)], store)
    saved |= {
        "name": "<b>\n" + "n" * 1000,
        "resolved": {"sampling.steps": ["x"], "nothing": 3, "sampling.seed": 5, "sampling.particles": 1e400},
        "sampler_steps": 2**70,
        "nfe_mean": math.nan,
        "nfe_max": "many",
        "seconds": -1.0,
        "trained_steps": True,
        "figures": {
            "wasserstein2": "near",
            "kl": math.nan,
            "mode_weights": [0.5],
            "mode_weights_true": [0.5, 0.5],
            "evil": 1,
            "reasons": {"kl": {"code": 3}},
        },
    }
    (found,) = from_json([saved], store)
    known = found.figures(store)
    assert found.name == "<b> " + "n" * (LONGEST_NAME - 4)
    assert found.resolved == ()
    assert (found.sampler_steps, found.trained_steps) == (None, None)
    for name in ("nfe_mean", "nfe_max", "sampling_seconds", "wasserstein2", "kl", "mode_weights"):
        assert known.value(name) is None
    assert "evil" not in known
    assert table_text([(found, known)])  # whatever it holds


@pytest.mark.claims  # starts a process
def test_the_figures_of_a_session_are_read_without_torch():
    """The window opens before torch is there, and would stand still for a second."""
    saved = Path(__file__).parents[1] / "golden" / "sessions" / "pinned.spg"
    code = f"""
import sys
from pathlib import Path
from playground.app.model import figures
from playground.app.model.pinned_runs import from_json, is_measured
from playground.lab.session import Session
from playground.lab.store import Store
session, store = Session.load(Path({str(saved)!r})), Store()
assert all(is_measured(run.figures(store)) for run in from_json(session.runs, store))
figures.from_json(session.measurements)
assert "torch" not in sys.modules
"""
    ran(code)


def test_a_file_has_no_more_runs_than_can_be_pinned():
    saved = to_json([run(1)], Store()) * (MOST + 5)
    assert len(read(saved)) == MOST
    assert len(read(saved, most=None)) == MOST + 5  # own work, with its deleted runs


def test_the_list_is_full_by_number_and_by_size():
    runs = [run(number) for number in range(MOST)]
    assert not is_full(runs[1:])
    assert is_full(runs)
    strokes = [{"points": [(0.1234567890123, 0.5)] * 9_000, "radius": 0.1}] * 20
    assert is_full([run(1, data__kind="drawn", data__strokes=strokes)])


def test_runs_of_two_files_have_figures_of_their_own():
    store = Store()
    for distance in (0.1, 0.9, 0.1):
        one = with_figures(store, run(1, "one"), {"wasserstein2": distance})
        (again,) = from_json(to_json([one], store), store)
        assert again.model != one.model
        assert again.figures(store).number("wasserstein2") == distance


def test_a_run_of_data_on_a_network_share_comes_back_without_the_place():
    before = [run(1, data__kind="file", data__path="//server/share/points.csv")]
    (after,) = read(json.loads(json.dumps(to_json(before, Store()))))
    assert after.experiment.data.path == "points.csv"


def test_a_name_needs_a_letter():
    assert clean_name(" \n ") == ""


def test_the_table_has_the_names_of_metrics_json_and_one_row_a_run():
    store = Store()
    runs = [with_figures(store, run(1, "a,b"), MEASURED), run(2, "=1+1", sampling__kind="langevin", noise__kind="vp")]
    known = [(one, one.figures(store)) for one in runs]
    header, first, second = csv.reader(io.StringIO(table_text(known)))
    assert header[:2] == ["run", "sampling.kind"]
    figures = [*sorts_of("Distances"), *KL]
    figures.remove("nearest_neighbour_rows")  # which are rows of the data, no figure
    parts = [name for name in known[0][1].flat() if name not in (*figures, "reasons")]
    assert header[-len(figures + parts) :] == figures + parts
    assert {"wasserstein2_floor", "mode_weights_true"} <= set(parts)
    assert {"noise.kind", "nfe_mean", "nfe_max", "sampling_seconds", "sampling.seed"} <= set(header)
    cells = dict(zip(header, first, strict=True))
    assert cells["run"] == "a,b"
    assert cells["wasserstein2"] == "0.2"
    assert cells["mode_weights"] == "0.25 0.75"
    assert cells["kl"] == ""
    assert dict(zip(header, second, strict=True))["run"] == "'=1+1"  # no formula of a stranger
    assert dict(zip(header, second, strict=True))["noise.kind"] == "vp"
    assert table_text(known, "\t").splitlines()[0].split("\t") == header
