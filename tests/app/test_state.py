import gc
import tracemalloc
import weakref

import pytest
from PySide6.QtWidgets import QUndoView

from playground.app.model.state import State
from playground.kinds.datasets.data_source import Stroke
from playground.lab import experiment as description
from playground.lab.columns import Column
from playground.lab.experiment import Experiment
from tests.app.conftest import pinned_run

A = pinned_run(1, "a")


def recorded(signal):
    got = []
    signal.connect(lambda *values: got.append(values))
    return got


def test_an_edit_changes_the_experiment_and_says_which_keys():
    state = State()
    changed = recorded(state.changed)
    assert state.edit({"noise.kind": "discrete", "noise.levels": 5})
    assert state.experiment.noise.kind == "discrete"
    assert state.value("noise.levels") == 5
    assert changed == [(frozenset({"noise.kind", "noise.levels", "noise.sigmas"}),)]  # the last came with the kind
    changed.clear()
    state.edit({"noise.kind": "ve"})
    assert changed == [(frozenset({"noise.kind", "noise.levels", "noise.sigmas"}),)]  # two of which are gone


def test_a_setting_of_another_kind_is_refused_and_changes_nothing():
    state = State()
    refused = recorded(state.refused)
    assert not state.edit({"noise.levels": 5})
    assert state.experiment == Experiment()
    key, sentence = refused[0]
    assert key == "noise.levels"
    assert "noise.kind = discrete" in str(sentence)


def test_a_kind_has_again_what_it_had_when_it_was_last_chosen():
    state = State()
    state.edit({"noise.kind": "discrete", "noise.levels": 5, "noise.sigma_max": 4.0})
    assert not state.remembers("noise", "single")
    state.edit({"noise.kind": "ve"})
    state.edit({"noise.sigma_max": 6.0})
    assert state.remembers("noise", "discrete")
    state.edit({"noise.kind": "discrete"})
    assert (state.value("noise.levels"), state.value("noise.sigma_max")) == (5, 6.0)  # the last is one setting of both
    state.load(Experiment())
    assert not state.remembers("noise", "discrete")
    state.edit({"noise.kind": "discrete"})
    assert state.value("noise.levels") == 20


FOR_DIGITS = {
    "data.kind": "digits",
    "sampling.labels": "one",
    "sampling.label": 3,
    "sampling.guidance": 2.0,
    "sampling.guide": "checkpoint",
    "sampling.guide_step": 100,
    "sampling.inpainting_mask": "left",
    "sampling.inpainting_image": 5,
    "training.learning_rate": 1e-3,
    "training.batch": 32,
    "noise.sigma_max": 9.0,
}


@pytest.mark.parametrize("path", ["", "points.csv"])
def test_what_was_chosen_for_the_data_is_cleared_with_them_in_one_step(path):
    state = State()
    cleared = recorded(state.cleared)
    state.edit(FOR_DIGITS)
    assert cleared == []
    before, steps = state.experiment, state.stack.count()
    state.edit({"data.kind": "file", "data.path": path} if path else {"data.kind": "two-moons"})
    of_digits = {key for key in FOR_DIGITS if key not in ("data.kind", "training.batch")}
    assert {key: state.value(key) for key in of_digits} == {key: state.field(key).default for key in of_digits}
    assert state.value("training.batch") == 32
    assert set(*cleared[0]) == of_digits
    assert state.stack.count() == steps + 1
    state.undo()
    assert state.experiment == before
    assert len(cleared) == 1
    state.redo()
    state.edit({"sampling.kind": "reverse-sde"})
    state.edit({"sampling.kind": "probability-flow"})  # whose settings were remembered
    assert (state.value("sampling.label"), state.value("sampling.guidance")) == (0, 0.0)


def test_what_comes_together_with_other_data_stays():
    state = State()
    cleared = recorded(state.cleared)
    state.edit({"data.kind": "digits", "training.learning_rate": 1e-4})
    state.edit({"data.kind": "two-moons", "sampling.labels": "one", "sampling.guidance": 3.0, "noise.sigma_max": 7.0})
    assert [state.value(key) for key in ("sampling.labels", "sampling.guidance", "noise.sigma_max")] == [
        "one",
        3.0,
        7.0,
    ]
    assert cleared == [(("training.learning_rate",),)]
    given = description.replace(Experiment(), FOR_DIGITS)  # as the command line does
    assert description.value(description.replace(given, {"data.kind": "two-moons"}), "sampling.guidance") == 2.0


def test_another_file_is_other_data_and_the_same_one_is_not():
    state = State()
    state.edit({"data.kind": "file", "data.path": "a.csv"})
    state.edit({"training.learning_rate": 1e-4})
    state.edit({"data.kind": "file", "data.path": "a.csv"})
    assert state.value("training.learning_rate") == 1e-4
    state.edit({"data.path": "b.csv"})
    assert state.value("training.learning_rate") == state.field("training.learning_rate").default


def test_an_edit_to_the_same_value_is_no_edit():
    state = State()
    changed = recorded(state.changed)
    assert state.edit({"training.batch": "auto"})
    assert changed == []
    assert not state.stack.canUndo()


def test_a_wrong_value_is_refused_with_a_sentence_and_changes_nothing():
    state = State()
    refused = recorded(state.refused)
    assert not state.edit({"training.batch": 0})
    assert state.experiment == Experiment()
    key, sentence = refused[0]
    assert key == "training.batch"
    assert "from 1 to 65536" in str(sentence)


def test_undo_and_redo_walk_the_history():
    state = State()
    state.edit({"training.batch": 64})
    state.edit({"sampling.steps": 10})
    state.undo()
    assert (state.value("training.batch"), state.value("sampling.steps")) == (64, "auto")
    state.undo()
    assert state.experiment == Experiment()
    assert not state.stack.canUndo()
    state.redo()
    state.redo()
    assert (state.value("training.batch"), state.value("sampling.steps")) == (64, 10)
    assert not state.stack.canRedo()


def test_a_drag_is_one_step_and_the_next_drag_another():
    state = State()
    for rate in (1e-3, 2e-3, 4e-3):
        state.edit({"training.learning_rate": rate}, merge="drag 1")
    for rate in (5e-3, 6e-3):
        state.edit({"training.learning_rate": rate}, merge="drag 2")
    state.undo()
    assert state.value("training.learning_rate") == 4e-3
    state.undo()
    assert state.value("training.learning_rate") == 3e-3


def test_a_new_edit_forgets_what_was_undone():
    state = State()
    state.edit({"training.batch": 64})
    state.undo()
    state.edit({"training.batch": 128})
    assert not state.stack.canRedo()


def test_modified_compares_with_what_was_saved():
    state = State()
    assert not state.modified
    state.edit({"training.batch": 64})
    assert state.modified
    state.undo()
    assert not state.modified
    state.mark_modified()
    assert state.modified
    state.mark_saved()
    assert not state.modified


def test_loading_starts_afresh():
    state = State()
    state.edit({"training.batch": 64})
    state.load(description.replace(Experiment(), {"sampling.seed": 5}))
    assert state.experiment.sampling.seed == 5
    assert not state.stack.canUndo()
    assert not state.modified


@pytest.mark.parametrize(
    ("changes", "listed", "text"),
    [
        ({"data.kind": "rings", "noise.sigma_max": 3.0}, "Data: Two moons → Rings", "data: Two moons → Rings"),
        ({"sampling.kind": "langevin"}, "Sampler: Reverse SDE → Langevin", "sampler: Reverse SDE → Langevin"),
        ({"training.learning_rate": 1e-3}, "Learning rate: 3e-3 → 1e-3", "learning rate: 3e-3 → 1e-3"),
        ({"noise.sigma_max": 8}, "σ max: auto → 8", "σ max: auto → 8"),
        ({"training.learning_rate": 3.0001e-3}, "Learning rate: 0.003 → 0.0030001", "learning rate: 0.003 → 0.0030001"),
        (
            {"training.batch": 64, "sampling.seed": 3},
            "Batch B: auto → 64, seed: 0 → 3",
            "batch B: auto → 64, seed: 0 → 3",
        ),
        ({"training.batch": 64, "network.width": 64, "sampling.seed": 3}, "3 settings", "change of 3 settings"),
        ({"data.kind": "file", "data.path": "/home/me/points.csv"}, "Open points.csv", "opening of points.csv"),
        (
            {"data.kind": "file", "data.path": f"/{'a' * 20}{'b' * 20}.csv"},
            f"Open {(short := 'a' * 16 + '…' + 'b' * 12)}.csv",
            f"opening of {short}.csv",
        ),
        ({"sampling.final_denoising": False}, "Final denoising step: on → off", "final denoising step: on → off"),
    ],
)
def test_the_history_says_what_became_what(changes, listed, text):
    state = State()
    assert state.stack.undoText() == ""
    state.edit(changes)
    assert (state.stack.text(0), state.stack.undoText()) == (listed, text)


@pytest.mark.parametrize(
    ("kind", "key", "before", "after", "text"),
    [
        ("noise.kind = discrete", "noise.sigmas", (), (4.0, 2.0, 1.0), "noise levels: none → 3"),
        ("noise.kind = discrete", "noise.sigmas", (4.0, 2.0, 1.0), (4.0, 2.5, 1.0), "noise levels: 2 → 2.5"),
        (
            "noise.kind = custom",
            "noise.schedule",
            ((0.0, 1.0), (1.0, 9.0)),
            ((0.0, 1.0), (1.0, 8.0)),
            "curve σ(t): 1 of 2 changed",
        ),
        ("data.kind = drawn", "data.strokes", (Stroke(((0.0, 1.0),), 0.1),), (), "drawing: 1 → none"),
    ],
)
def test_the_history_says_of_a_list_what_changed_in_it(kind, key, before, after, text):
    state = State()
    state.edit({kind.split()[0]: kind.split()[-1], key: before})
    assert state.edit({key: after})
    assert state.stack.undoText() == text


def test_a_gesture_is_named_from_its_start_to_its_end_and_is_no_step_where_it_leads_back():
    state = State()
    state.edit({"sampling.seed": 1})
    for sigma in (3.0, 5.0, 8.0):
        state.edit({"noise.sigma_max": sigma}, merge="drag 1")
    assert (state.stack.count(), state.stack.undoText()) == (2, "σ max: auto → 8")
    for sigma in (9.0, 8.0):
        state.edit({"noise.sigma_max": sigma}, merge="drag 2")
    assert (state.stack.count(), state.stack.undoText()) == (2, "σ max: auto → 8")
    state.edit({"noise.sigma_max": 9.0}, merge="drag 2")  # which does not go on with the first drag
    state.undo()
    assert state.value("noise.sigma_max") == 8


def test_many_steps_at_once_are_told_as_one_change():
    """A click in the history builds the problem once, not once for each step on the way."""
    state = State()
    for seed in range(1, 6):
        state.edit({"sampling.seed": seed})
    state.edit({"training.batch": 64})
    changed, replaced = recorded(state.changed), recorded(state.replaced)
    state.stack.setIndex(1)
    assert (changed, replaced) == ([(frozenset({"sampling.seed", "training.batch"}),)], [()])
    assert (state.value("sampling.seed"), state.value("training.batch")) == (1, "auto")
    state.stack.setIndex(6)
    assert (state.value("sampling.seed"), state.value("training.batch")) == (5, 64)


def test_a_long_history_holds_a_drawing_once():
    stroke = Stroke(tuple((float(number), 0.5) for number in range(500)), 0.1)
    state = State()
    state.edit({"data.kind": "drawn", "data.strokes": (stroke,) * 20})
    tracemalloc.start()
    for seed in range(50):
        state.edit({"sampling.seed": seed + 1})
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert state.stack.count() == 51
    assert kept < 50 * 10_000  # one copy of the drawing alone takes more than a megabyte


def test_a_part_of_the_document_is_a_step_between_edits():
    state, told = State(), []
    state.document_changed.connect(lambda: told.append(state.document))
    state.edit({"sampling.seed": 1}, merge="drag")
    state.put(pins=(A,))
    assert (state.undo_text, state.modified) == ("pinning of a", True)
    step = state.last_step
    state.edit({"sampling.seed": 2}, merge="drag")  # no longer one step with what came before
    assert state.last_step is not step
    state.undo()
    assert (state.value("sampling.seed"), state.document.pins) == (1, (A,))
    assert state.last_step is step
    state.undo()
    assert (state.value("sampling.seed"), state.document.pins) == (1, ())
    state.undo()
    assert not state.modified
    for _ in range(3):
        state.redo()
    assert (state.value("sampling.seed"), state.document.pins) == (2, (A,))
    assert len(told) == 9


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a", "b", "c"], "Pin run c"),
        (["a"], "Delete run b"),
        (["a", "d"], "Rename run d"),
    ],
)
def test_what_happens_to_a_pin_is_said_in_the_history(names: list[str], text: str):
    state = State()
    state.put(pins=(A, pinned_run(2, "b")))
    state.put(pins=tuple(pinned_run(number, name) for number, name in enumerate(names, 1)))
    assert state.stack.text(1) == text


FIRST, OTHER = Column(), Column.of({"sampling.steps": 20})


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ((), (FIRST, OTHER), "Compare"),
        ((FIRST, OTHER), (), "Leave the comparison"),
        ((FIRST, FIRST), (FIRST, FIRST, OTHER), "Add a column"),
        ((FIRST, OTHER, FIRST), (FIRST, FIRST), "Remove a column"),
        ((FIRST, FIRST), (FIRST, OTHER), "Column B: steps 20"),
        ((FIRST, OTHER), (Column(step=9), OTHER), "Column A: training step 9"),
        ((FIRST, FIRST), (OTHER, OTHER), "Compare"),
        ((FIRST, FIRST), (OTHER, OTHER, FIRST), "Compare"),
    ],
)
def test_what_happens_to_columns_is_said_in_the_history(before, after, text: str):
    state = State()
    state.put(columns=before)
    count = state.stack.count()
    state.put(columns=after)
    state.put(columns=after)  # which changes nothing
    assert [state.stack.text(place) for place in range(count, state.stack.count())] == [text]
    assert state.document.columns == after


@pytest.mark.parametrize("happens", [State.mark_modified, State.mark_saved])
def test_work_between_two_edits_of_one_tag_keeps_them_apart(happens):
    """Training that went on at the first, or a file that holds it, is what undo leads back to."""
    state = State()
    for kind in ("vp", "sub-vp"):
        state.edit({"noise.kind": kind}, merge="keys")
        happens(state)
    state.undo()
    assert state.value("noise.kind") == "vp"


def test_a_state_that_nobody_uses_goes_with_its_history(qtbot):
    """Steps that held their state would keep it: Qt owns them, so that Python sees no cycle."""
    state = State()
    state.edit({"sampling.seed": 1})
    view = QUndoView(state.stack)
    qtbot.addWidget(view)
    known = weakref.ref(state)
    view.close()
    del state
    gc.collect()
    assert known() is None


def test_a_gesture_keeps_none_of_the_experiments_on_its_way():
    state = State()
    for number in range(50):
        state.edit({"sampling.seed": 100_000 + number}, merge="seed")
    assert state.stack.count() == 1
    gc.collect()
    seeds = [
        seed for thing in gc.get_objects() if type(thing) is Experiment and (seed := thing.sampling.seed) >= 100_000
    ]
    assert set(seeds) == {100_049}


def test_what_the_settings_decide_is_found_once_for_each_experiment():
    state = State()
    resolved = state.resolved
    assert "auto" not in (resolved.training.batch, resolved.network.kind)
    assert state.resolved is resolved
    state.edit({"training.batch": 64})
    assert state.resolved.training.batch == 64
    state.undo()
    assert state.resolved == resolved
