"""Training in a process of its own gives what training in the window's process gives, and loses little when it is killed."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from playground.app.controllers.controllers import Controllers
from playground.app.controllers.training_loop import TrainingLoop
from playground.app.model import training_process
from playground.app.model.live_training import LiveTraining
from playground.app.model.state import State
from playground.app.model.training_process import TrainingProcess
from playground.kinds import plugins
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.training import Trainer
from playground.user_errors import UserError

SETTINGS = {
    "data.points": 300,
    "network.width": 8,
    "network.depth": 1,
    "training.batch": 32,
    "training.steps": 100_000,
    "training.early_stopping": "off",
}
STARTED = 240.0  # seconds within which a process must have loaded torch


def ready(process: TrainingProcess) -> TrainingProcess:
    problem, deadline = untrained().trainer.problem, time.monotonic() + STARTED
    while not process.takes(problem):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.fixture(scope="module")
def process() -> Iterator[TrainingProcess]:
    one = ready(TrainingProcess())
    yield one
    one.end()


class Mortal(TrainingProcess):
    """One that may be killed."""

    def __init__(self) -> None:
        super().__init__()
        others = set(multiprocessing.active_children())
        ready(self)
        (self.victim,) = set(multiprocessing.active_children()) - others

    def kill(self) -> None:
        self.victim.kill()
        self.victim.join(10)
        assert not self.victim.is_alive()


@pytest.fixture
def mortal() -> Iterator[Mortal]:
    one = Mortal()
    yield one
    one.end()


def untrained(**changes: object) -> LiveTraining:
    edits = {key.replace("__", "."): value for key, value in changes.items()}
    return LiveTraining(Trainer(Problem.build(replace(Experiment(), {**SETTINGS, **edits}))))


def is_away(one: LiveTraining) -> bool:
    return one.trainer.step < one.now.step


def with_column(process: TrainingProcess) -> tuple[LiveTraining, LiveTraining, TrainingLoop]:
    """A training, that of a column, and the loop that trains both in a process."""
    one, column, loop = untrained(), untrained(training__seed=1), TrainingLoop()
    loop.train_in(process)
    loop.put(one)
    loop.put_columns([column], "steps")
    loop.start(more=False)
    return one, column, loop


def as_one_trainer(steps: int, **changes: object) -> Trainer:
    """A trainer that made these steps here."""
    trainer = untrained(**changes).trainer
    while trainer.step < steps:
        next(trainer)
    assert trainer.step == steps
    return trainer


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"network__kind": "energy"},
        {"objective__kind": "sliced", "noise__kind": "ve"},
        {"data__kind": "two-gaussians"},
        {"training__early_stopping": "on", "training__steps": 2_000},
    ],
)
def test_the_same_is_learned_there_as_here(process: TrainingProcess, changes: dict[str, object]) -> None:
    one = untrained(**changes)
    for _ in range(6):
        one.advance(False, process)
    assert is_away(one)
    one.rest()
    here, newest = as_one_trainer(one.now.step, **changes), one.now.newest
    assert newest.made == one.now.step
    expected = here.snapshot()
    assert all(torch.equal(newest.tensors[name], expected[name]) for name in expected)
    assert list(one.now.kept) == list(here.kept)
    for step, kept in here.kept.items():
        assert all(torch.equal(one.now.kept[step].tensors[name], tensor) for name, tensor in kept.items())
    one.bring_back()
    assert not is_away(one)
    one.advance(False)
    next(here)
    state, expected_state = one.trainer.state(), here.state()
    assert state.keys() == expected_state.keys()
    for name, array in expected_state.items():
        assert (state[name] == array).all() or name in ("seconds", "limits"), name


def test_kept_weights_stay_the_same_objects_there_and_back(process: TrainingProcess) -> None:
    one = untrained()
    while len(one.now.kept) < 3:
        one.advance(False, process)
        one.rest()
    before = dict(one.now.kept)
    for _ in range(4):
        one.advance(False, process)
    one.rest()
    assert all(one.now.kept[step] is kept for step, kept in before.items())
    before = dict(one.now.kept)
    one.bring_back()
    one.rest()
    assert all(one.now.kept[step] is kept for step, kept in before.items())


def test_settings_and_a_further_limit_reach_it(process: TrainingProcess) -> None:
    one = untrained(training__steps=96, training__lr_schedule="none")
    while not one.now.finished:
        one.advance(False, process)
    assert is_away(one)
    steps = one.now.step
    one.set_hyperparameters(replace(one.now.experiment, {"training.learning_rate": 1e-4, "objective.kind": "exact"}))
    one.advance(True, process)
    assert one.now.step > steps
    assert one.now.experiment.training.learning_rate == one.now.progress.learning_rate == 1e-4
    assert one.now.losses.shape[1] == 1  # of the new objective
    one.bring_back()
    assert one.trainer.problem.experiment == one.now.experiment


def test_what_it_has_learned_is_saved_while_it_goes_on(process: TrainingProcess) -> None:
    one = untrained()
    for _ in range(5):
        one.advance(False, process)
    saved = one.trained()
    assert int(saved.state["step"]) == one.now.step == saved.last.step
    assert is_away(one)


def test_images_stay_here(process: TrainingProcess) -> None:
    problem = untrained().trainer.problem
    images = type("Images", (), {"device": problem.device, "shape": (1, 8, 8)})()
    assert process.takes(problem)
    assert not process.takes(images)


def test_it_goes_on_from_what_was_saved_if_the_process_is_killed(mortal: Mortal) -> None:
    one = untrained()
    for _ in range(5):
        one.advance(False, mortal)
    saved = one.trained().last.step
    assert is_away(one)
    for _ in range(3):
        one.advance(False, mortal)
    mortal.kill()
    one.advance(False, mortal)
    assert one.now.step == one.trainer.step == one.now.newest.made == saved
    assert one.now.losses[0].max() == saved
    assert str(one.lost.take()) == f"The system ended the process that trained: training goes on from step {saved:,}."
    one.advance(False, mortal)
    assert one.now.step == one.trainer.step > saved
    here = as_one_trainer(one.now.step).snapshot()
    assert all(torch.equal(one.trainer.snapshot()[name], here[name]) for name in here)


def test_a_loop_goes_on_with_all_if_its_process_is_killed(mortal: Mortal) -> None:
    one, column, loop = with_column(mortal)
    going = loop.train()
    while not (is_away(one) and is_away(column)):
        next(going)
    mortal.kill()
    for _ in range(8):
        next(going)
    for each in (one, column):
        assert each.trainer.step == each.now.step > 0
    assert loop.failures == {}
    going.close()


def test_after_a_kill_settings_that_were_taken_there_are_taken_again(mortal: Mortal) -> None:
    one = untrained(training__steps=1_000, training__early_stopping="on")
    for _ in range(4):
        one.advance(False, mortal)
    one.set_hyperparameters(replace(one.now.experiment, {"training.steps": 5_000, "objective.kind": "exact"}))
    one.advance(False, mortal)
    assert is_away(one)
    mortal.kill()
    one.advance(False, mortal)
    assert one.now.experiment.objective.kind == "denoising"
    one.advance(False, mortal)
    assert one.now.experiment.objective.kind == "exact"
    assert one.now.experiment.training.steps == 5_000
    assert one.trainer.state()["limits"][0] == 5_000
    assert one.now.losses.shape[1] == 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_to_all_processes_of_a_terminal_ends_no_training(process: TrainingProcess, name: str) -> None:
    one = untrained()
    for _ in range(3):
        one.advance(False, process)
    for child in multiprocessing.active_children():
        if hasattr(signal, name) and child.name == "training" and child.pid is not None:
            os.kill(child.pid, getattr(signal, name))
    steps = one.now.step
    one.advance(False, process)
    assert one.now.step > steps
    assert is_away(one)


def test_errors_there_are_told_here(process: TrainingProcess) -> None:
    with pytest.raises(RuntimeError, match="KeyError: 10000"):
        process.call("advance", 10_000)
    assert process.takes(untrained().trainer.problem)
    with pytest.raises(UserError, match="No file"):
        process.call("begin", 10_001, {}, {Path("No file.py"): ""}, ({}, {}), {})


def test_saving_does_not_fail_if_the_process_is_killed(mortal: Mortal) -> None:
    one = untrained()
    for _ in range(5):
        one.advance(False, mortal)
    assert is_away(one)
    mortal.kill()
    saved = one.trained()
    assert int(saved.state["step"]) == one.now.step == saved.last.step > 0


def test_a_loop_brings_all_back_when_it_ends(process: TrainingProcess) -> None:
    one, column, loop = with_column(process)
    going = loop.train()
    while not (is_away(one) and is_away(column)):
        next(going)
    going.close()
    for each in (one, column):
        assert each.trainer.step == each.now.step == each.now.newest.made > 0
    assert column.now.status == "paused"


def _dies(connection: object) -> None:
    """A process that ends at once."""


def _waits(connection: object) -> None:
    """A process that does nothing, and never says that it is ready."""
    time.sleep(600)


@pytest.mark.parametrize("serve", [_dies, _waits])
def test_training_stays_here_without_a_process_that_works(serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_process, "_serve", serve)
    process, one, others = TrainingProcess(), untrained(), set(multiprocessing.active_children())
    one.advance(False, process)
    steps = one.now.step
    one.advance(False, process)
    if serve is _dies:
        for child in set(multiprocessing.active_children()) - others:
            child.join(30)  # the next look is after its end
    one.advance(False, process)
    assert one.trainer.step == one.now.step > steps
    process.end()


def test_a_training_whose_plugin_is_another_file_now_stays_here(
    process: TrainingProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = untrained(), untrained(training__seed=1)
    for _ in range(2):
        other.advance(False, process)
    missing = tmp_path / "missing.py"
    monkeypatch.setitem(plugins.loaded, missing, plugins.Loaded((), "0" * 64))
    for _ in range(3):
        one.advance(False, process)
        other.advance(False, process)
    assert one.trainer.step == one.now.step > 0
    assert is_away(other)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="signals of POSIX")
def test_the_process_ends_with_its_window_though_it_does_not_answer(mortal: Mortal) -> None:
    one = untrained()
    for _ in range(3):
        one.advance(False, mortal)
    os.kill(mortal.victim.pid, signal.SIGSTOP)
    waits = threading.Thread(target=one.advance, args=(False, mortal))
    waits.start()
    asked = threading.Thread(target=mortal.end)
    asked.start()
    for thread in (asked, waits):
        thread.join(10)
        assert not thread.is_alive()
    assert not mortal.victim.is_alive()
    assert not mortal.takes(untrained().trainer.problem)


def test_a_window_trains_in_its_process_until_it_rests_or_quits(qtbot) -> None:
    controllers = Controllers(State(replace(Experiment(), SETTINGS)), device="cpu")
    others = set(multiprocessing.active_children())
    controllers.train_in_process()
    with qtbot.waitSignal(controllers.state.problem_changed):
        controllers.start()
    one = controllers.state.model.training
    try:
        controllers.training.start()
        qtbot.waitUntil(lambda: is_away(one))
        controllers.training.pause()
        qtbot.waitUntil(lambda: not controllers.jobs.running("training"))
        assert one.now.status == "paused"
        assert one.trainer.step == one.now.step == one.now.newest.made
        controllers.training.start()
        qtbot.waitUntil(lambda: is_away(one))
        assert len(set(multiprocessing.active_children()) - others) == 1
    finally:
        assert controllers.shutdown(10.0)
    assert one.trainer.step == one.now.step
    assert not set(multiprocessing.active_children()) - others
