"""A training that goes on: what it publishes, and what a file says of how a training went."""

import dataclasses

import numpy as np
import pytest

from playground.app.model.live_training import LiveTraining
from playground.lab import training
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.training import Trainer


def untrained(course=None) -> LiveTraining:
    settings = {"data.points": 200, "network.width": 8, "network.depth": 1}
    return LiveTraining(Trainer(Problem.build(replace(Experiment(), settings))), course=course)


def test_how_a_training_went_is_told_and_read_again() -> None:
    trained = untrained()
    trained.advance(more=True)
    trained.publish(status="training")
    course = trained.now.course
    assert course["state"] == "paused"
    assert all(isinstance(step, int) for step in course["steps"])
    one = untrained(course).now
    assert one.status == "paused"
    assert np.array_equal(one.losses, trained.now.losses)
    assert np.array_equal(one.held_out, trained.now.held_out)
    assert one.step == trained.now.step > 0
    assert one.progress is not None
    assert one.progress.optimal_loss_error is not None


def test_of_a_damaged_file_what_is_valid_is_shown() -> None:
    one = untrained(
        {"state": "diverged", "steps": [1, 2, 3], "losses": [0.5, None, 2], "held_out": [[1, 0.5]], "progress": 7}
    ).now
    assert (one.status, one.losses.tolist(), one.held_out.tolist()) == ("diverged", [[1, 3], [0.5, 2]], [[1], [0.5]])
    assert one.progress is None
    for steps, losses in (([1, 2], ["a", 0.5]), ([1, None], [0.5, 0.5]), ("12", [0.5, 0.5]), (None, None)):
        other = untrained({"state": "asleep", "steps": steps, "losses": losses, "held_out": 3}).now
        assert (other.status, other.losses.shape, other.held_out.shape) == ("untrained", (2, 0), (2, 0))


def test_lists_of_different_lengths_are_no_curve() -> None:
    assert untrained({"steps": [1, 2], "losses": [0.5]}).now.losses.shape == (2, 0)


def test_a_long_curve_is_thinned_and_keeps_its_last_point() -> None:
    losses = np.array([np.arange(1, 5_002), np.linspace(1, 0, 5_001)])
    course = dataclasses.replace(untrained().now, losses=losses).course
    assert course["steps"][-3:] == [4_997, 4_999, 5_001]
    assert course["losses"] == losses[1, np.array(course["steps"]) - 1].tolist()


def test_what_was_published_never_changes() -> None:
    one = untrained()
    seen = [one.now]
    for _ in range(4):
        one.advance(more=True)
        seen.append(one.now)
    one.rest(status="paused")
    assert [now.losses.shape[1] for now in seen] == [0, 1, 2, 3, 4]
    assert [now.step for now in seen] == sorted({now.step for now in seen})
    assert seen[0].newest.untrained
    assert (one.now.newest.made, one.now.status) == (one.trainer.step, "paused")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.now.status = "training"


def test_the_weights_of_a_kept_step_are_found_and_the_newest_take_the_place_of_others() -> None:
    one = untrained()
    while len(one.now.kept_steps) < 3:
        one.advance(more=True)
        one.rest()
    step = one.now.kept_steps[1]
    kept = one.now.weights_at(step)
    assert (kept.step, kept.made, kept.tensors) == (step, step, one.trainer.checkpoints.weights[step])
    assert one.now.weights_at(step + 1) is one.now.weights_at(None) is one.now.newest
    assert [weights.made for weights in one.now.shown_weights] == list(one.now.shown_steps)


def test_the_weights_of_a_kept_step_are_one_object_however_many_come_after_it() -> None:
    one, step = untrained(), 0
    while len(one.now.kept_steps) < 4:
        one.advance(more=True)
        one.rest()
        if not step and one.now.kept_steps:
            step, first = one.now.kept_steps[-1], one.now.kept[one.now.kept_steps[-1]]
    assert one.now.kept[step] is first


def test_training_goes_on_to_its_limit_after_a_divergence_with_the_same_settings(monkeypatch) -> None:
    one = untrained()
    settings = one.now.experiment
    one.set_hyperparameters(settings)
    with monkeypatch.context() as patch:
        patch.setattr(training, "EXPLODED", 0.0)  # any loss is too large
        one.advance(more=False)
    assert one.trainer.finished
    one.set_hyperparameters(settings)  # as Train does
    one.advance(more=False)
    assert not one.trainer.finished


def test_settings_that_cannot_be_taken_are_asked_for_again(monkeypatch) -> None:
    one = untrained()
    one.advance(more=True)
    other, take = replace(one.now.experiment, {"objective.kind": "exact"}), one.trainer.set_hyperparameters

    def fail(experiment: Experiment) -> None:
        raise ValueError("not now")

    monkeypatch.setattr(one.trainer, "set_hyperparameters", fail)
    one.set_hyperparameters(other)
    with pytest.raises(ValueError, match="not now"):
        one.advance(more=True)
    assert one.now.losses.shape[1] == 1
    monkeypatch.setattr(one.trainer, "set_hyperparameters", take)
    one.advance(more=True)
    assert one.now.experiment.objective.kind == "exact"


def test_other_settings_are_taken_once_before_the_next_block() -> None:
    one = untrained()
    one.advance(more=True)
    other = replace(one.now.experiment, {"training.learning_rate": 1e-4, "training.seed": 5})
    one.set_hyperparameters(other)
    one.advance(more=True)
    assert one.now.experiment.training.learning_rate == 1e-4
    assert one.now.experiment.training.seed == 0
    assert one.now.losses.shape[1] == 2
    one.set_hyperparameters(replace(other, {"objective.kind": "exact"}))
    one.advance(more=True)
    assert one.now.losses.shape[1] == 1  # the two losses have no common scale
