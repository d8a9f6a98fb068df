"""What a kind had when it was last chosen comes back with it, but for what speaks of other data."""

from playground.app.model.state import State


def test_a_kind_has_again_what_it_had_when_it_was_last_chosen() -> None:
    state = State()
    state.edit({"sampling.kind": "edm", "sampling.churn": 7.0})
    state.edit({"sampling.kind": "langevin"})
    state.edit({"sampling.steps": 321})
    state.edit({"sampling.kind": "edm"})
    assert state.value("sampling.churn") == 7.0
    assert state.value("sampling.steps") == 321  # one setting of all samplers


def test_what_speaks_of_the_data_does_not_come_back_with_others() -> None:
    state = State()
    state.edit({"noise.sigma_max": 50.0})
    state.edit({"noise.kind": "vp"})
    state.edit({"data.kind": "rings"})
    state.edit({"noise.kind": "ve"})
    assert state.value("noise.sigma_max") == "auto"


def test_undo_takes_back_a_change_of_kind_with_its_settings() -> None:
    state = State()
    state.edit({"noise.sigma_max": 50.0})
    before = state.experiment
    state.edit({"noise.kind": "custom", "noise.schedule": ((0.0, 0.1), (1.0, 9.0))})
    state.undo()
    assert state.experiment == before
