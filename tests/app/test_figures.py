"""What was measured belongs to weights and settings, and comes back with them: by undo, and from a saved session."""

import json
import math

import numpy as np
import pytest
from controllers_double import CURVES

from playground.app.controllers import measurements
from playground.app.controllers.replaying import SETTLE
from playground.app.model import figures
from playground.lab import run_figures
from playground.lab.compute import compute, result
from playground.lab.measured import Figures, Measured
from playground.lab.progress import MeasuringProgress
from playground.lab.session import Session
from playground.lab.store import Store
from playground.messages import Message, setting
from tests.app.conftest import started
from tests.figures import on_cards


@pytest.fixture
def controllers(qtbot):
    """Controllers that have trained, with everything measured."""
    controllers = started(qtbot)
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not None and controllers.playing.trajectory.finished)
    controllers.measuring.measure("test-set")
    controllers.measuring.measure("quality")
    controllers.measuring.measure("fisher")
    controllers.clicking.inspect((0.3, 0.2))
    jobs = ("test-set", "quality", "fisher", "likelihood")
    qtbot.waitUntil(lambda: not any(controllers.jobs.running(job) for job in jobs))
    assert {"test_nll", "sliced_wasserstein2", "integral"} <= on_cards(controllers).keys()
    assert len(on_cards(controllers)["score_sigmas"]) == 24
    yield controllers
    assert controllers.shutdown(20.0)


@pytest.fixture
def other(qtbot):
    """Another controllers, as after a new start."""
    other = started(qtbot)
    yield other
    assert other.shutdown(20.0)


def present(controllers) -> dict:
    """What was measured of the weights in view by the present settings."""
    model = controllers.state.model
    store = controllers.state.store
    return figures.known(store, model.model_key)


def settle(qtbot, controllers) -> None:
    qtbot.waitUntil(lambda: not controllers.building.busy)


def test_a_saved_session_brings_back_what_was_measured(qtbot, controllers, other, tmp_path):
    measured = on_cards(controllers)
    controllers.sessions.pack({})().save(tmp_path / "a.spg")
    with qtbot.waitSignal(other.state.problem_changed):
        other.sessions.open(Session.load(tmp_path / "a.spg"))
    assert on_cards(other) == measured
    assert not any(other.jobs.running(job) for job in ("test-set", "quality", "fisher"))
    qtbot.waitUntil(lambda: other.clicking.likelihood is not None)
    np.testing.assert_allclose(other.clicking.likelihood.point, (0.3, 0.2))


def test_undo_of_other_data_brings_back_what_was_measured_and_the_clicked_point(qtbot, controllers):
    measured = on_cards(controllers)
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.state.edit({"data.kind": "pinwheel"})
    assert "test_nll" not in on_cards(controllers)
    assert "score_sigmas" not in on_cards(controllers)
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.state.undo()
    settle(qtbot, controllers)
    assert on_cards(controllers) == measured
    qtbot.waitUntil(lambda: controllers.clicking.likelihood is not None)
    np.testing.assert_allclose(controllers.clicking.likelihood.point, (0.3, 0.2))


def test_undo_of_a_reset_brings_back_what_was_measured(qtbot, controllers):
    measured = on_cards(controllers)
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.building.reset_training()
    assert "test_nll" not in on_cards(controllers)
    controllers.state.undo()
    settle(qtbot, controllers)
    assert on_cards(controllers) == measured


def test_undo_of_another_sampler_brings_back_its_distances_and_none_are_shown_of_the_other(qtbot, controllers):
    controllers.measuring.measure("budget")
    qtbot.waitUntil(lambda: not controllers.jobs.running("budget"))
    distance, steps = (on_cards(controllers)[key] for key in ("sliced_wasserstein2", "budget_steps"))
    controllers.state.edit({"sampling.steps": 12})
    assert not {"sliced_wasserstein2", "budget_steps"} & on_cards(controllers).keys()
    assert "test_nll" in on_cards(controllers)
    assert present(controllers).keys() == {"Likelihoods", "Integral", "Score along sigma"}
    controllers.state.undo()
    assert on_cards(controllers)["sliced_wasserstein2"] == distance
    assert on_cards(controllers)["budget_steps"] == steps


def test_nothing_is_shown_or_saved_of_weights_that_it_is_not_of(qtbot, controllers):
    controllers.state.edit({"training.steps": 1_000_000})
    controllers.training.start()
    qtbot.waitUntil(lambda: on_cards(controllers).keys() <= {"reasons"})
    assert not controllers.sessions.pack({})().measurements
    trained = controllers.training.trained_steps
    qtbot.waitUntil(lambda: controllers.training.trained_steps > trained)
    controllers.training.pause()
    qtbot.waitUntil(lambda: not controllers.training.is_resting)
    assert on_cards(controllers).keys() <= {"reasons"}
    assert not controllers.sessions.pack({})().measurements


CURVE = {"score_sigmas": [0.1, 1.0]} | {name: [0.5, math.nan] for name in CURVES} | {"score_reference": "exact"}
EARLIER = {
    "fraction": 1.0,
    "sigmas": [0.1, 1.0],
    **{key: [0.5, None] for key in ("divergence", "divergence_error", "relative", "relative_error")},
    "source": "exact",
}


def test_figures_survive_json_and_what_is_unsound_is_left_out():
    why = Message("unknown", "{} has no density.", (setting("data.kind", "file"),))
    found = {
        "Likelihoods": Figures.of({"test_nll": np.float64(1.5), "kl": None, "reasons": {"kl": why}}),
        "Score along sigma": Figures.of(CURVE | {"reasons": {}}),
    }
    saved = json.loads(json.dumps(figures.to_json(found), allow_nan=False))
    back = figures.from_json(saved)
    assert back["Likelihoods"].flat() == {"test_nll": 1.5, "kl": None, "reasons": {"kl": why}}
    assert figures.plain(back["Score along sigma"].flat()) == figures.plain(CURVE | {"reasons": {}})
    for broken in ({}, {"score_sigmas": [1.0]}, {"score_sigmas": [1, 0.1]}, {"score_sigmas": [0.0, 1.0]}):
        found = figures.from_json({"fisher": broken and saved["fisher"] | broken})
        assert "score_sigmas" not in found.get("Score along sigma", {})
    assert (
        "score_reference"
        not in figures.from_json({"fisher": saved["fisher"] | {"score_reference": 3}})["Score along sigma"]
    )
    assert figures.from_json({"quality": {"kl": {"a": 1}, "reasons": 3}}) == {}
    assert figures.from_json({"quality": 3}) == {}


def test_the_errors_of_the_score_are_read_as_earlier_versions_wrote_them():
    found = figures.from_json({"fisher": EARLIER})["Score along sigma"]
    assert figures.plain(found.flat()) == figures.plain(CURVE | {"reasons": {}})
    for broken in ({"sigmas": [1.0]}, {"sigmas": [1, 0.1]}):
        assert "score_sigmas" not in figures.from_json({"fisher": EARLIER | broken})["Score along sigma"]


@pytest.mark.parametrize(
    ("measurement", "broken"),
    [
        ("test-set", {"test_nll": "abc", "kl": [1, 2], "train_nll": True, "entropy": 10**400, "integral": math.inf}),
        ("test-set", {"density": 1.0, "energy_note": [1], "mode_weights": [1.0], "bits_per_dim": {"a": 1}}),
        ("quality", {"sliced_wasserstein2": "x", "reference_set": 3, "two_sample_points": [1, 2, 3]}),
        ("quality", {"nearest_neighbour_rows": [], "wasserstein2_points": ["a", "b"], "memorized_share": [0.1]}),
        ("quality", {"nearest_neighbour_rows": [0.5], "mode_weights": 0.5, "class_frequencies": ["a"], "unknown": 1.0}),
        ("quality", {"mode_weights": [0.5, None], "class_frequencies_true": [math.nan]}),
    ],
)
def test_a_figure_that_is_of_another_type_than_its_name_is_left_out(measurement, broken):
    assert figures.from_json({measurement: broken}) == {}


def test_shares_are_left_out_without_as_many_errors_and_truths():
    for key in ("mode_weights", "class_frequencies"):
        sound = {key: [0.4, 0.6], f"{key}_standard_error": [0.1, 0.1], f"{key}_true": [0.5, 0.5]}
        assert figures.from_json({"quality": sound})["Distances"].flat() == sound | {"reasons": {}}
        for other in (f"{key}_standard_error", f"{key}_true"):
            for value in ([0.5], None, "x"):
                assert key not in figures.from_json({"quality": sound | {other: value}}).get("Distances", {})


def test_figures_of_a_measurement_pass_their_own_check(qtbot, controllers):
    found = present(controllers)
    back = figures.from_json(json.loads(json.dumps(figures.to_json(found))))
    assert {part: {*told} for part, told in back.items()} == {part: {*told} for part, told in found.items()}
    assert back.keys() == {"Likelihoods", "Integral", "Distances", "Score along sigma"}


def test_figures_of_a_measurement_that_was_cancelled_do_not_come_back(controllers, monkeypatch):
    store, model = Store(), controllers.state.model

    def steps(measured):
        yield MeasuringProgress(0.7, known={"kl": Measured(1)})
        return {"kl": Measured(2)}

    monkeypatch.setitem(run_figures.MEASURE, "Likelihoods", steps)
    key = figures.key("Likelihoods", model.model_key)
    given = measurements.ways(model.problem, model.weights)
    measuring = compute(key, store, given=given)
    assert next(measuring).known["kl"].value == 1  # it is shown
    assert key not in store
    assert result(measuring)["kl"].value == store.get(key)["kl"].value == 2


def test_undo_brings_back_no_distances_of_a_run_with_other_noise(qtbot, controllers, other, tmp_path):
    total = controllers.playing.trajectory.total
    controllers.sampling.restart(new_seed=True)
    controllers.state.edit({"sampling.steps": 12})
    controllers.state.undo()
    assert "sliced_wasserstein2" not in on_cards(controllers)
    assert "test_nll" in on_cards(controllers)
    qtbot.waitUntil(
        lambda: controllers.playing.trajectory.finished and controllers.playing.trajectory.total == total,
    )
    controllers.measuring.measure("quality")
    qtbot.waitUntil(lambda: not controllers.jobs.running("quality"))
    distance = on_cards(controllers)["sliced_wasserstein2"]
    controllers.sessions.pack({})().save(tmp_path / "a.spg")
    with qtbot.waitSignal(other.state.problem_changed):
        other.sessions.open(Session.load(tmp_path / "a.spg"))
    assert on_cards(other)["sliced_wasserstein2"] == distance
    before = other.playing.trajectory
    other.sampling.restart()  # with the same noise as was saved
    qtbot.waitUntil(lambda: other.playing.trajectory is not before and other.playing.trajectory.finished)
    np.testing.assert_allclose(
        other.playing.trajectory.positions[-1], controllers.playing.trajectory.positions[-1], rtol=1e-4, atol=1e-4
    )


def test_figures_of_another_split_are_not_those_after_a_reset(qtbot, other, tmp_path):
    """A training keeps its split; that of a known score, which no weights tell apart, is told apart by the split."""
    path = tmp_path / "mine.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(300, 2)), delimiter=",")
    controllers = other
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.reading.open_points(str(path))
    settle(qtbot, controllers)
    state, building, evaluation = controllers.state, controllers.building, lambda: on_cards(controllers)
    state.edit({"sampling.source": "empirical"})
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    state.edit({"likelihood.points": 100})
    settle(qtbot, controllers)
    qtbot.waitUntil(lambda: controllers.playing.is_of_now and controllers.playing.trajectory.finished)
    controllers.measuring.measure("quality")
    qtbot.waitUntil(lambda: not controllers.jobs.running("quality"))
    held_out, before = len(building.dataset.held_out), evaluation()
    assert "sliced_wasserstein2" in before
    with qtbot.waitSignal(controllers.state.problem_changed):
        building.reset_training()
    settle(qtbot, controllers)
    assert len(building.dataset.held_out) > held_out
    assert "sliced_wasserstein2" not in evaluation()
    with qtbot.waitSignal(controllers.state.problem_changed):
        state.undo()
    settle(qtbot, controllers)
    assert evaluation()["sliced_wasserstein2"] == before["sliced_wasserstein2"]


def test_what_was_to_follow_a_chosen_step_is_given_up_when_training_begins(qtbot, controllers):
    controllers.mapping.compute()
    controllers.replaying.choose(0)  # its map and figures are to be computed in a moment
    steps = controllers.training.trained_steps
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > steps)
    controllers.training.pause()
    qtbot.waitUntil(lambda: controllers.training.status in ("paused", "finished"))
    begun = []
    controllers.jobs.changed.connect(lambda job, status: begun.append(job))
    controllers.replaying.choose(0)
    qtbot.waitUntil(lambda: not controllers.playing.main.is_replacing)
    qtbot.wait(round(2_000 * SETTLE))
    assert "density" not in begun
    assert not controllers.following.pinned
