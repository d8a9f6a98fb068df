"""The thread that samples keeps away from the processor while the window draws."""

import time

import pytest
import torch

from playground.app import live as module
from playground.app.live import Live
from playground.app.playback import TICK
from playground.lab.experiment import Experiment, replace
from playground.lab.fields import PIECE, density_over
from playground.lab.problem import Problem


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds slept, on a clock that stands still otherwise."""
    now, naps = [100.0], []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.time, "sleep", sleep)
    return naps


@pytest.mark.parametrize(
    ("passed", "nap"),
    [
        (0.0, module.DRAWING),  # the frame is being drawn
        (0.003, module.DRAWING - 0.003),
        (module.DRAWING + 0.001, None),  # it is drawn
        (TICK / 1000 - 0.5 * module.SOON, module.DRAWING + 0.5 * module.SOON),  # the next one is about to begin
        (TICK / 1000 + module.DRAWING + 0.001, None),  # none came: nothing plays
    ],
)
def test_sampling_sleeps_while_a_frame_is_drawn_or_about_to_be(
    slept: list[float], passed: float, nap: float | None
) -> None:
    live = Live()
    live.stand_back()
    time.sleep(passed)
    slept.clear()
    live._give_way()
    assert slept == ([] if nap is None else [pytest.approx(nap)])


def test_a_score_gives_way_before_every_piece_and_is_the_whole_score() -> None:
    live, problem = Live(), Problem.build(Experiment())
    asked: list[int] = []
    live._give_way = lambda: asked.append(1)  # type: ignore[method-assign]
    bench = _Bench(problem)
    score = live._learned(bench)
    x = torch.randn(3 * module.ROWS + 5, 2)
    found = score(x, torch.tensor(0.5))
    assert len(asked) == 4
    network = problem.network()
    network.load_state_dict(bench.weights.tensors)
    with torch.no_grad():
        torch.testing.assert_close(found, network(x, torch.tensor(0.5)))


def test_an_adaptive_run_leaves_the_loop_after_every_score() -> None:
    """So whoever stops the thread, begins another run or wants a field waits for one evaluation, however far the next frame is."""
    settings = {"kind": "probability-flow", "solver": "adaptive", "steps": 1, "particles": 50, "tolerance": 1e-6}
    problem = Problem.build(replace(Experiment(), {f"sampling.{key}": value for key, value in settings.items()}))
    live, asked = Live(), []

    def score(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        asked.append(len(x))
        return problem.density.score(x, sigma)

    live.score = lambda run: score  # type: ignore[method-assign]
    live.begin(module.Run(_Bench(problem), problem, seed=0, number=1))
    live.want(2)
    loop, most = live.loop(), []
    while not live.finished(1):
        before = len(asked)
        next(loop)
        most.append(len(asked) - before)
    loop.close()
    assert sorted(most)[-2] == 1
    assert most[1] == 3  # the first step asks twice for its length
    assert len(asked) > 60
    assert live._step_seconds > 0


def test_a_density_is_the_same_however_often_it_gives_way() -> None:
    problem, asked = Problem.build(Experiment()), []
    bounds = (-3.0, 3.0, -2.0, 2.0)
    whole = density_over(problem, bounds, 0.3, None)
    pieces = density_over(problem, bounds, 0.3, None, lambda: asked.append(1))
    assert len(asked) == -(-whole.size // PIECE)
    assert (pieces == whole).all()


class _Bench:
    """A bench with untrained weights."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        network = problem.network()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.01)
        self.weights = module.Weights(0, network.state_dict(), untrained=False)
