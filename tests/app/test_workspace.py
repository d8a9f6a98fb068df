"""The workspace: what a file says of how a training went."""

from playground.app.model.workspace import Workspace, assemble
from playground.lab.experiment import Experiment, replace


def untrained() -> Workspace:
    settings = {"data.points": 200, "network.width": 8, "network.depth": 1}
    return next(assemble(replace(Experiment(), settings), "cpu"))[1]


def test_how_a_training_went_is_told_and_read_again() -> None:
    trained, one = untrained(), untrained()
    trained.advance(more=True)
    trained.become("training")
    course = trained.summary()
    assert course["state"] == "paused"
    one.remember(course)
    assert (one.training, one.steps, one.losses) == ("paused", trained.steps, trained.losses)
    assert one.trained_steps == trained.trained_steps > 0
    assert one.progress is not None
    assert one.progress.optimal_loss_error is not None


def test_of_a_damaged_file_what_is_valid_is_shown() -> None:
    one = untrained()
    one.remember(
        {"state": "diverged", "steps": [1, 2, 3], "losses": [0.5, None, 2], "held_out": [[1, 0.5]], "progress": 7}
    )
    assert (one.training, one.steps, one.losses, one.held_out) == ("diverged", [1, 3], [0.5, 2], [(1, 0.5)])
    assert one.progress is None
    for steps, losses in (([1, 2], ["a", 0.5]), ([1, None], [0.5, 0.5]), ("12", [0.5, 0.5]), (None, None)):
        other = untrained()
        other.remember({"state": "asleep", "steps": steps, "losses": losses, "held_out": 3})
        assert (other.training, other.steps, other.losses, other.held_out) == ("untrained", [], [], [])


def test_lists_of_different_lengths_are_no_curve() -> None:
    one = untrained()
    one.remember({"steps": [1, 2], "losses": [0.5]})
    assert (one.steps, one.losses) == ([], [])
