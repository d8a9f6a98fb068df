"""Pinned runs keep their own figures whatever is changed, come back with settings, noise and weights, and are kept in the session."""

import dataclasses

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QTimer

from playground.app.controllers import why_disabled
from playground.app.controllers.pinning import PINNED
from playground.app.model.pinned_runs import WAITING, is_measured
from playground.app.style.number_formats import format_count
from playground.lab import run_figures
from playground.lab.compute import result
from playground.lab.document import LessonPlace
from playground.lab.evaluation import sample_distances
from playground.lab.experiment import Experiment, replace
from playground.lab.figures import sorts_of
from playground.lab.measured import Figures, missing
from playground.lab.pinned_run import KL
from playground.lab.progress import MeasuringProgress
from playground.lab.session import Session
from playground.lab.store import Store
from playground.user_errors import UserError
from tests.app.conftest import pinned_run, put_pin, started, wait
from tests.figures import flat, on_cards


@pytest.fixture
def controllers(qtbot):
    controllers = started(qtbot, kind="two-gaussians")
    controllers.playing.set_loop(False)
    wait_finished(qtbot, controllers)
    yield controllers
    assert controllers.shutdown(20.0)


@pytest.fixture
def other(qtbot):
    """Another controllers, as after a new start."""
    other = started(qtbot, kind="two-gaussians")
    yield other
    assert other.shutdown(20.0)


def wait_finished(qtbot, controllers) -> None:
    """Until the run of the present settings can be pinned."""
    pinning, playing = controllers.pinning, controllers.playing
    qtbot.waitUntil(
        lambda: (
            not controllers.building.busy
            and playing.is_of_now
            and pinning.finished is not None
            and pinning.finished.trajectory is playing.trajectory
            and pinning.finished.seed == controllers.state.experiment.sampling.seed
        )
    )


def change(qtbot, controllers, changes) -> None:
    assert controllers.state.edit(changes)
    wait_finished(qtbot, controllers)


def wait_measured(qtbot, controllers) -> None:
    qtbot.waitUntil(lambda: all(is_measured(figures) for _, figures in controllers.pinning.known))


def again(qtbot, controllers, new_seed=False) -> None:
    """Sample the run anew."""
    before = controllers.playing.trajectory
    controllers.sampling.restart(new_seed)
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not before)
    wait_finished(qtbot, controllers)


def trained(qtbot, controllers) -> None:
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    again(qtbot, controllers)


def known(controllers, place: int = 0):
    """What is known of a pinned run."""
    return controllers.pinning.known[place][1]


def measured_anew(controllers, trajectory) -> dict:
    """The figures of a run's end, by nobody's help."""
    last = result(sample_distances(controllers.state.model.problem, np.array(trajectory.positions[-1])))
    return flat(last)


def test_a_pinned_run_is_measured_though_the_sampler_is_changed_at_once(qtbot, controllers):
    own = measured_anew(controllers, controllers.playing.trajectory)
    controllers.pinning.pin()
    assert known(controllers).known("wasserstein2").reason == WAITING
    change(qtbot, controllers, {"sampling.kind": "probability-flow", "sampling.steps": 4})
    controllers.pinning.pin()
    other = measured_anew(controllers, controllers.playing.trajectory)
    wait_measured(qtbot, controllers)
    first, second = controllers.pinning.runs
    for key in ("wasserstein2", "wasserstein2_floor", "classifier_accuracy", "mode_weights"):
        assert known(controllers).flat()[key] == own[key]
        assert known(controllers, 1).flat()[key] == other[key]
    assert own["wasserstein2"] != other["wasserstein2"]
    assert (first.name, second.name) == ("reverse SDE 10", "probability flow 4")
    assert (first.sampler_steps, second.sampler_steps) == (10, 4)
    assert [known(controllers, 1).number(name) for name in ("nfe_mean", "nfe_max")] == [4, 4]
    assert known(controllers).number("sampling_seconds") > 0
    change(qtbot, controllers, {"sampling.kind": "langevin"})
    assert known(controllers).number("wasserstein2") == own["wasserstein2"]


def test_the_adaptive_solver_has_no_steps_but_a_mean_and_a_most(qtbot, controllers):
    change(
        qtbot,
        controllers,
        {"sampling.kind": "probability-flow", "sampling.solver": "adaptive", "sampling.source": "exact"},
    )
    controllers.pinning.pin()
    (run,) = controllers.pinning.runs
    assert run.sampler_steps is None
    assert run.name == "probability flow"
    assert known(controllers).number("nfe_max") > known(controllers).number("nfe_mean") > 0


def test_what_quality_measured_of_this_run_is_taken(qtbot, controllers):
    controllers.measuring.measure("quality")
    qtbot.waitUntil(lambda: not controllers.jobs.running("quality"))
    controllers.pinning.pin()
    assert not controllers.jobs.running(PINNED)
    assert known(controllers).number("wasserstein2") == on_cards(controllers)["wasserstein2"]


def test_figures_of_another_run_are_not_taken(qtbot, controllers):
    controllers.measuring.measure("quality")
    qtbot.waitUntil(lambda: not controllers.jobs.running("quality"))
    before = on_cards(controllers)["wasserstein2"]
    controllers.sampling.restart(True)
    assert "wasserstein2" not in on_cards(controllers)  # which is not of these samples
    wait_finished(qtbot, controllers)
    controllers.pinning.pin()
    wait_measured(qtbot, controllers)
    (run,) = controllers.pinning.runs
    assert run.experiment.sampling.seed == 1
    assert known(controllers).number("wasserstein2") not in (None, before)
    assert on_cards(controllers)["wasserstein2"] == known(controllers).number("wasserstein2")  # Quality shows it too


def test_a_run_is_pinned_once_and_only_when_it_has_ended(qtbot, controllers):
    state = controllers.state
    assert why_disabled.pinning(controllers) is None
    controllers.pinning.pin()
    controllers.pinning.pin()
    assert len(controllers.pinning.runs) == 1
    assert why_disabled.pinning(controllers) is why_disabled.PINNED
    controllers.playing.set_playing(False)
    state.edit({"sampling.steps": 400})
    qtbot.waitUntil(lambda: controllers.pinning.finished is None)
    assert why_disabled.pinning(controllers) is why_disabled.UNFINISHED
    controllers.pinning.pin()
    assert len(controllers.pinning.runs) == 1


def test_a_run_is_sampled_again_when_training_ends_and_a_pin_waits_for_it(qtbot, controllers):
    told = []
    controllers.state.notified.connect(told.append)
    playing, pinning = controllers.playing, controllers.pinning
    change(qtbot, controllers, {"sampling.steps": 300})
    before = playing.trajectory
    controllers.training.changed.connect(lambda training: training == "finished" and QTimer.singleShot(0, pinning.pin))
    controllers.training.start()
    qtbot.waitUntil(lambda: bool(told))
    assert controllers.training.status == "finished"
    assert pinning.runs == ()
    assert [one.message for one in told] == [
        "The run is sampled again with the weights in view. It is pinned when it has ended."
    ]
    qtbot.waitUntil(lambda: bool(pinning.runs))
    (run,) = pinning.runs
    assert run.trained_steps == controllers.training.trained_steps == 40
    assert playing.trajectory is not before
    assert pinning.is_pinned
    assert run.model == controllers.state.model.model_key
    assert len(told) == 2
    assert not told[0].is_current()


def test_a_pin_that_waits_is_dropped_when_another_run_is_begun(qtbot, controllers):
    told = []
    controllers.state.notified.connect(told.append)
    playing, pinning, state = controllers.playing, controllers.pinning, controllers.state
    change(qtbot, controllers, {"sampling.steps": 2000})  # so that it takes longer than this test needs to look
    controllers.training.changed.connect(lambda training: training == "finished" and QTimer.singleShot(0, pinning.pin))
    controllers.training.start()
    qtbot.waitUntil(lambda: bool(told))
    assert controllers.training.status == "finished"
    assert pinning.runs == ()
    change(qtbot, controllers, {"sampling.steps": 10})
    assert pinning.runs == ()
    assert playing.run.is_of_its_weights
    pinning.pin()
    assert pinning.runs[0].sampler_steps == state.experiment.sampling.steps == 10


def test_a_deleted_run_is_measured_only_once_it_is_back(qtbot, controllers):
    pinning, jobs = controllers.pinning, controllers.jobs
    pinning.pin()
    assert jobs.running(PINNED)
    pinning.delete(pinning.runs[0])
    pinning.look()
    assert not jobs.running(PINNED)
    controllers.state.undo()
    assert len(pinning.runs) == 1
    wait_measured(qtbot, controllers)


def test_a_run_is_sampled_again_when_training_pauses(qtbot, controllers):
    playing, training = controllers.playing, controllers.training
    change(qtbot, controllers, {"training.steps": 1_000_000})
    training.start()
    qtbot.waitUntil(lambda: training.trained_steps > 100)
    training.pause()
    qtbot.waitUntil(lambda: playing.run.is_of_its_weights and not training.is_resting)
    wait_finished(qtbot, controllers)
    controllers.pinning.pin()
    assert controllers.pinning.runs[0].trained_steps == training.trained_steps
    trajectory = playing.trajectory
    qtbot.wait(50)
    assert not controllers.playing.main.lags
    assert playing.trajectory is trajectory


def test_a_run_that_was_sampled_while_training_says_so(qtbot, controllers):
    told = []
    controllers.state.notified.connect(told.append)
    pinning, training = controllers.pinning, controllers.training
    change(qtbot, controllers, {"training.steps": 10_000_000})
    training.start()
    qtbot.waitUntil(lambda: training.trained_steps > 100)
    for number in (1, 2):
        before = pinning.finished
        controllers.sampling.restart()
        qtbot.waitUntil(lambda before=before: pinning.finished not in (None, before))
        controllers.state.model.training.rest()  # sampling takes no time here, and weights change while it runs
        before = pinning.finished
        pinning.finished = None
        pinning.look()
        pinning.pin()
        assert len(pinning.runs) == number
    first, second = pinning.runs
    assert first.trained_steps is second.trained_steps is None
    assert 0 <= first.trained_from < second.trained_from
    assert first.name == f"reverse SDE 10 · while training from step {format_count(first.trained_from)}"
    assert second.name == f"reverse SDE 10 · while training from step {format_count(second.trained_from)}"
    assert f"from step {format_count(second.trained_from)} on" in str(told[-1].message)


def test_a_restored_run_plays_its_own_particles_and_is_one_step(qtbot, controllers):
    playing, state = controllers.playing, controllers.state
    again(qtbot, controllers, new_seed=True)
    experiment, trajectory = state.experiment, playing.trajectory
    assert experiment.sampling.seed == 1  # new noise is another seed
    controllers.pinning.pin()
    wait_measured(qtbot, controllers)
    controllers.sampling.restart(True)
    assert state.experiment.sampling.seed == 2
    state.undo()
    assert state.experiment == experiment
    state.redo()
    change(qtbot, controllers, {"sampling.kind": "langevin", "sampling.source": "exact"})
    change(qtbot, controllers, {"sampling.seed": 7})
    controllers.pinning.restore(controllers.pinning.runs[0])
    assert state.experiment == experiment
    qtbot.waitUntil(lambda: playing.trajectory is trajectory)
    assert playing.is_of_now
    assert on_cards(controllers)["wasserstein2"] == known(controllers).number("wasserstein2")
    qtbot.waitUntil(lambda: controllers.pinning.is_pinned)  # as the run that it is
    state.undo()
    assert state.experiment.sampling.seed == 7
    assert state.experiment.sampling.kind == "langevin"
    state.redo()
    assert state.experiment == experiment


def test_a_restored_run_of_other_data_brings_its_weights_back(qtbot, controllers):
    trained(qtbot, controllers)
    controllers.pinning.pin()
    weights, trajectory = controllers.state.model.weights, controllers.playing.trajectory
    assert controllers.pinning.runs[0].trained_steps == 40
    change(qtbot, controllers, {"data.kind": "rings"})
    told = []
    controllers.state.notified.connect(told.append)
    controllers.pinning.restore(controllers.pinning.runs[0])
    qtbot.waitUntil(lambda: controllers.playing.trajectory is trajectory)
    assert controllers.state.model.weights is weights
    assert [notification.message for notification in told] == []


def test_weights_of_a_training_step_come_back_where_they_are_kept(qtbot, controllers):
    trained(qtbot, controllers)
    before = controllers.playing.trajectory
    controllers.replaying.choose(1)
    step = controllers.replaying.step
    assert 0 < step < 40
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not before)
    wait_finished(qtbot, controllers)
    controllers.pinning.pin()
    assert controllers.pinning.runs[0].trained_steps == step
    trajectory = controllers.playing.trajectory
    controllers.replaying.choose(99)
    wait_measured(qtbot, controllers)
    controllers.pinning.restore(controllers.pinning.runs[0])
    assert controllers.replaying.step == step
    assert controllers.playing.trajectory is trajectory
    assert controllers.playing.run.is_of_its_weights
    controllers.playing.again()  # as at the end of a loop, where a run of newer weights would begin
    assert controllers.playing.main.coming == ()
    wait(milliseconds=100)
    assert controllers.playing.trajectory is trajectory


def test_weights_that_are_not_kept_are_told(qtbot, controllers):
    trained(qtbot, controllers)
    controllers.pinning.pin()
    (run,) = controllers.pinning.runs
    controllers.state.put(pins=(msgspec.structs.replace(run, trained_steps=37),))
    told = []
    controllers.state.notified.connect(told.append)
    controllers.pinning.restore(controllers.pinning.runs[0])
    assert [str(notification.message) for notification in told] == [
        "The run was sampled after 37 training steps, whose weights are not kept."
    ]


def test_figures_of_a_run_of_the_own_work_are_unsaved_work_also_in_a_lesson(qtbot, controllers):
    controllers.pinning.pin()
    controllers.state.mark_saved()
    lesson = LessonPlace("lesson", "A lesson", 0)
    controllers.training.teach(replace(controllers.state.experiment, {"sampling.source": "exact"}), lesson)
    assert not controllers.state.modified
    wait_measured(qtbot, controllers)
    assert controllers.state.modified


def test_an_undone_pin_is_no_unsaved_work_and_measured_only_once_it_is_back(qtbot, controllers):
    controllers.pinning.pin()
    controllers.state.undo()
    qtbot.waitUntil(lambda: not controllers.jobs.running(PINNED))
    qtbot.wait(100)
    assert not controllers.jobs.running(PINNED)
    assert not controllers.state.modified
    controllers.state.redo()
    wait_measured(qtbot, controllers)


def test_a_run_whose_weights_changed_is_not_played_again_without_a_word(qtbot, controllers):
    trained(qtbot, controllers)
    put_pin(controllers.state, pinned_run(1, "one", controllers.state.experiment, trained_from=1_234))
    told = []
    controllers.state.notified.connect(told.append)
    controllers.pinning.restore(controllers.pinning.runs[0])
    assert [str(notification.message) for notification in told] == [
        "Training changed the weights of this run from step 1,234 on. It is sampled again with the present ones."
    ]


def test_a_run_by_weights_that_changed_meanwhile_names_no_training_step(qtbot, controllers):
    controllers.pinning.finished = None
    controllers.playing.main.put([dataclasses.replace(controllers.playing.run, weights=None)])
    controllers.pinning.look()
    controllers.pinning.pin()
    assert controllers.pinning.runs[0].trained_steps is None


def test_a_deleted_run_comes_back_by_undo(qtbot, controllers):
    pinning, state = controllers.pinning, controllers.state
    pinning.pin()
    change(qtbot, controllers, {"sampling.steps": 12})
    pinning.pin()
    pinning.rename(pinning.runs[0], "  first\nof all ")
    pinning.rename(pinning.runs[1], " ")
    pinning.delete(pinning.runs[0])
    assert [run.name for run in pinning.runs] == ["reverse SDE 12"]
    assert state.undo_text == "deletion of first of all"
    assert state.modified
    wait_measured(qtbot, controllers)
    state.undo()
    wait_measured(qtbot, controllers)  # it was measured all the same
    assert [run.name for run in pinning.runs] == ["first of all", "reverse SDE 12"]
    assert state.undo_text == "renaming of first of all"
    state.undo()
    assert [run.name for run in pinning.runs] == ["reverse SDE 10", "reverse SDE 12"]
    state.undo()
    assert [run.name for run in pinning.runs] == ["reverse SDE 10"]
    assert state.experiment.sampling.steps == 12
    state.redo()
    assert [run.name for run in pinning.runs] == ["reverse SDE 10", "reverse SDE 12"]
    assert is_measured(known(controllers, 1))


def test_of_a_run_that_is_gone_no_deletion_is_told(qtbot, controllers):
    pinning, state = controllers.pinning, controllers.state
    pinning.pin()
    (run,) = pinning.runs
    pinning.delete(run)
    told, step = [], state.last_step
    state.notified.connect(told.append)
    pinning.delete(run)
    assert (told, state.last_step) == ([], step)


def test_the_test_set_s_kl_is_that_of_the_weights_that_the_run_followed(qtbot, controllers):
    trained(qtbot, controllers)
    controllers.pinning.pin()
    change(qtbot, controllers, {"sampling.source": "exact"})
    controllers.pinning.pin()
    controllers.measuring.measure("test-set")
    qtbot.waitUntil(lambda: not controllers.jobs.running("test-set"))
    learned = known(controllers)
    assert [learned[key] for key in KL] == [controllers.measuring.evaluation[key] for key in KL]
    assert known(controllers, 1).number("kl") is None
    before = learned.number("kl")
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished" and controllers.training.trained_steps == 80)
    controllers.measuring.measure("test-set")
    qtbot.waitUntil(lambda: not controllers.jobs.running("test-set"))
    assert on_cards(controllers)["kl"] != before
    assert known(controllers).number("kl") == before


def test_a_session_brings_the_runs_back_and_one_is_sampled_again_by_the_same_noise(qtbot, controllers, other, tmp_path):
    trained(qtbot, controllers)
    again(qtbot, controllers, new_seed=True)
    controllers.pinning.pin()
    end = np.array(controllers.playing.trajectory.positions[-1])
    wait_measured(qtbot, controllers)
    change(qtbot, controllers, {"sampling.kind": "langevin", "sampling.source": "exact"})
    controllers.pinning.pin()
    wait_measured(qtbot, controllers)
    controllers.sessions.pack({})().save(tmp_path / "a.spg")
    with qtbot.waitSignal(other.state.problem_changed):
        other.sessions.open(Session.load(tmp_path / "a.spg"))
    for (before, told), (after, read) in zip(controllers.pinning.known, other.pinning.known, strict=True):
        names = ("name", "experiment", "resolved", "trained_steps")
        assert [getattr(before, name) for name in names] == [getattr(after, name) for name in names]
        kept = {key: figure for key, figure in told.items() if isinstance(figure.value, float)}
        assert kept
        assert {key: read[key] for key in kept} == kept
    wait_finished(qtbot, other)
    other.pinning.restore(other.pinning.runs[0])
    wait_finished(qtbot, other)
    np.testing.assert_allclose(other.playing.trajectory.positions[-1], end, atol=1e-4)


def test_another_file_takes_the_runs_away(qtbot, controllers):
    controllers.pinning.pin()
    controllers.sessions.begin(Experiment())
    assert controllers.pinning.runs == ()
    qtbot.waitUntil(lambda: not controllers.jobs.running(PINNED))


def test_what_cannot_be_measured_says_why(qtbot, controllers):
    change(qtbot, controllers, {"sampling.inpainting_mask": "left"})
    controllers.pinning.pin()
    wait_measured(qtbot, controllers)
    assert known(controllers).number("wasserstein2") is None
    assert known(controllers).known("wasserstein2").reason.code == "conditioned-on-a-part"


def test_a_pinned_run_that_cannot_be_measured_says_why(qtbot, controllers, monkeypatch):
    def failing(measured):
        yield MeasuringProgress(0.5)
        raise UserError("It fails.")

    monkeypatch.setitem(run_figures.MEASURE, "Distances", failing)
    told = []
    controllers.pinning.changed.connect(lambda: told.append(is_measured(known(controllers))))
    controllers.pinning.pin()
    qtbot.waitUntil(lambda: is_measured(known(controllers)))
    assert told[-1]
    assert str(known(controllers).known("wasserstein2").reason) == "It fails."


def test_figures_that_were_there_already_are_no_unsaved_work(qtbot, controllers):
    controllers.pinning.pin()
    wait_measured(qtbot, controllers)
    controllers.state.mark_saved()
    controllers.pinning.look()  # as at the next tick, from which on they are wanted no more
    key = controllers.pinning.runs[0].keys["Distances"]
    controllers.jobs.arrived.emit(key)  # the Quality card has measured them again
    assert not controllers.state.modified
    controllers.state.store.hold(key, Figures(missing(sorts_of("Distances"), "another figure")))
    controllers.jobs.arrived.emit(key)
    assert controllers.state.modified


def test_a_run_of_replaced_work_is_not_kept_under_a_key_of_the_new(qtbot, controllers, monkeypatch):
    """Both begin with the same settings, whose key then names another training."""
    before, store, held, hold = controllers.playing.trajectory, controllers.state.store, [], Store.hold

    def note(store, key, value):
        held.append((store, value))
        hold(store, key, value)

    monkeypatch.setattr(Store, "hold", note)
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.sessions.begin(controllers.state.experiment)
    wait_finished(qtbot, controllers)
    assert controllers.state.store is not store
    again(qtbot, controllers)
    again(qtbot, controllers)  # what was in view is kept by then
    assert any(into is not store and isinstance(value, type(before)) for into, value in held)
    assert not any(value is before and into is not store for into, value in held)
