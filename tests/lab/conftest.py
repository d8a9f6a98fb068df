"""Fixtures of the lab's tests: the optimal loss of a training is estimated from few points."""

from pathlib import Path

import pytest

from playground.kinds import plugins
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.training import Trainer
from playground.theory.objectives import Objective
from tests import fewer


@pytest.fixture(autouse=True)
def optimal_losses_of_few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer.points_of_optimal_losses(monkeypatch)


@pytest.fixture
def whole_optimal_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use all points, for tests of the optimal loss and of a training's distance to it."""
    monkeypatch.setattr(Objective, "optimal_loss_with_error", fewer.WHOLE)


FRAGILE = '''
from pathlib import Path

from playground.kinds.kind import register
from playground.kinds.samplers.langevin import Langevin


class Broken(Exception):
    """An error that cannot be sent to another process."""

    def __init__(self, told, more):
        super().__init__(told)
        self.more = lambda: more


@register
class Fragile(Langevin, tag="fragile", frozen=True):
    """Langevin dynamics that cannot make three steps before its file is mended."""

    title, short, place = "Fragile", "fragile", 30

    def build(self, given, score):
        if self.steps == 3 and not Path(__file__).with_name("mended").exists():
            raise Broken("three steps\\nare too many", 3)
        return super().build(given, score)
'''


def loaded(path: Path, text: str) -> Path:
    """The file of a plug-in with this text, loaded."""
    path = path.resolve()
    path.write_text(text, encoding="utf-8")
    plugins.load_plugin(path)
    return path


@pytest.fixture
def fragile(tmp_path: Path) -> Path:
    """A loaded plug-in: a sampler that fails with three steps, as long as there is no file `mended` beside it."""
    return loaded(tmp_path / "fragile.py", FRAGILE)


DEADLY = '''
import multiprocessing
import os
import signal
from pathlib import Path

from playground.kinds.kind import register
from playground.kinds.samplers.langevin import Langevin


@register
class Deadly(Langevin, tag="deadly", frozen=True):
    """Langevin dynamics that kill the process of a sweep with three steps: always, or once if there is a file `once`."""

    title, short, place = "Deadly", "deadly", 31

    def build(self, given, score):
        once = Path(__file__).with_name("once")
        if self.steps == 3 and multiprocessing.parent_process() and not once.with_name("killed").exists():
            if once.exists():
                once.rename(once.with_name("killed"))
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        return super().build(given, score)
'''


@pytest.fixture
def deadly(tmp_path: Path) -> Path:
    """A loaded plug-in: a sampler whose process is killed with three steps; only once if there is a file `once` beside it."""
    return loaded(tmp_path / "deadly.py", DEADLY)


@pytest.fixture(scope="session")
def guided_gaussians() -> Trainer:
    """A small network that has learned two Gaussians with and without their class; it must not be changed."""
    settings = {
        "data.kind": "two-gaussians",
        "data.classes": "on",
        "data.points": 4_000,
        "network.width": 64,
        "network.depth": 2,
        "training.steps": 400,
        "training.early_stopping": "off",
        "sampling.kind": "probability-flow",
        "sampling.particles": 1_000,
    }
    trainer = Trainer(Problem.build(replace(Experiment(), settings)))
    for _ in trainer:
        pass
    return trainer
