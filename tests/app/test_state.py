import pytest

from playground.app.state import Deed, State
from playground.lab.experiment import Experiment


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
    assert "noise.kind = discrete" in sentence


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


def test_an_edit_to_the_same_value_is_no_edit():
    state = State()
    changed = recorded(state.changed)
    assert state.edit({"training.batch": "auto"})
    assert changed == []
    assert not state.can_undo


def test_a_wrong_value_is_refused_with_a_sentence_and_changes_nothing():
    state = State()
    refused = recorded(state.refused)
    assert not state.edit({"training.batch": 0})
    assert state.experiment == Experiment()
    key, sentence = refused[0]
    assert key == "training.batch"
    assert "from 1 to 65536" in sentence


def test_undo_and_redo_walk_the_history():
    state = State()
    state.edit({"training.batch": 64})
    state.edit({"sampling.steps": 10})
    state.undo()
    assert (state.value("training.batch"), state.value("sampling.steps")) == (64, "auto")
    state.undo()
    assert state.experiment == Experiment()
    assert not state.can_undo
    state.redo()
    state.redo()
    assert (state.value("training.batch"), state.value("sampling.steps")) == (64, 10)
    assert not state.can_redo


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
    assert not state.can_redo


def test_modified_compares_with_what_was_saved():
    state = State()
    assert not state.modified
    state.edit({"training.batch": 64})
    assert state.modified
    state.undo()
    assert not state.modified
    state.touch()
    assert state.modified
    state.mark_saved()
    assert not state.modified


def test_loading_starts_afresh():
    state = State()
    state.edit({"training.batch": 64})
    state.load(Experiment(seed=5))
    assert state.experiment.seed == 5
    assert not state.can_undo
    assert not state.modified


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"data.kind": "rings", "noise.sigma_max": 3.0}, "change of data"),
        ({"sampling.kind": "langevin"}, "change of sampler"),
        ({"training.learning_rate": 1e-3}, "change of learning rate"),
        ({"noise.sigma_max": 5.0, "noise.sigma_min": 0.1}, "change of sigma max and sigma min"),
        ({"training.batch": 64, "network.width": 64, "seed": 3}, "change of settings"),
        ({"data.kind": "file", "data.path": "/home/me/points.csv", "noise.sigma_max": 3.0}, "opening of points.csv"),
        ({"data.kind": "file", "data.path": f"/{'a' * 20}{'b' * 20}.csv"}, f"opening of {'a' * 16}…{'b' * 12}.csv"),
    ],
)
def test_undo_names_what_it_takes_back(changes, text):
    state = State()
    assert state.undo_text == ""
    state.edit(changes)
    assert state.undo_text == text


def test_a_deed_is_a_step_between_edits():
    done = []
    state = State()
    deed = Deed("reset", lambda: done.append("undone"), lambda: done.append("done again"))
    state.edit({"seed": 1}, merge="drag")
    state.did(deed)
    assert (state.undo_text, state.undoes(deed), state.modified) == ("reset", True, True)
    state.edit({"seed": 2}, merge="drag")  # no longer one step with what came before the deed
    assert not state.undoes(deed)
    state.undo()
    assert (state.value("seed"), done) == (1, [])
    state.undo()
    assert (state.value("seed"), done) == (1, ["undone"])
    state.undo()
    assert state.value("seed") == 0
    for _ in range(3):
        state.redo()
    assert (state.value("seed"), done) == (2, ["undone", "done again"])


def test_a_deed_after_an_undo_is_the_end_of_the_history():
    state = State()
    state.edit({"seed": 1})
    state.undo()
    state.did(Deed("reset", list, list))
    assert not state.can_redo


@pytest.mark.parametrize("happens", [State.touch, State.mark_saved])
def test_work_between_two_edits_of_one_tag_keeps_them_apart(happens):
    """Training that went on at the first, or a file that holds it, is what undo leads back to."""
    state = State()
    for kind in ("vp", "sub-vp"):
        state.edit({"noise.kind": kind}, merge="keys")
        happens(state)
    state.undo()
    assert state.value("noise.kind") == "vp"
