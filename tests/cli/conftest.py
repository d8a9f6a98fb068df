"""Short runs that many tests look at."""

from collections.abc import Callable
from functools import partialmethod
from pathlib import Path

import pytest

from playground.cli import main, running
from playground.theory.objectives import Objective

ROOT = Path(__file__).parents[2]
ODD_UNITS = ROOT / "resources/experiments/odd-units.toml"
QUICK = [
    "--device=cpu",  # where the same seed gives the same numbers everywhere
    "--set=training.steps=50",
    "--set=sampling.particles=40",
    "--set=sampling.steps=12",
    "--set=likelihood.points=20",
]

QUICKEST = [
    "--device=cpu",
    "--set=data.points=500",
    "--set=training.steps=2",
    "--set=sampling.particles=10",
    "--set=sampling.steps=4",
    "--set=likelihood.points=10",
    "--set=likelihood.tolerance=0.1",
]

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def quick() -> list[str]:
    """Options that make a run take a second or two."""
    return QUICK


@pytest.fixture(scope="session")
def quickest() -> list[str]:
    """Options for a run on a toy of which only the files and the messages are looked at, not the numbers."""
    return QUICKEST


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Call the program; exit code, standard output, standard error.

    Its runs film in a 36th of the size and find the optimal loss from few points, for these take most of their time; those of
    the fixtures below are as large as anyone's.
    """
    of_few = partialmethod(Objective.optimal_loss_with_error, parts=4, count=512)
    monkeypatch.setattr(Objective, "optimal_loss_with_error", of_few)
    monkeypatch.setattr(running, "VIDEO_SIZE", (160, 120))

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def moons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on two moons."""
    place = tmp_path_factory.mktemp("moons")
    (place / "empty.toml").write_text("")
    assert main(["run", str(place / "empty.toml"), "--out", str(place / "out"), *QUICK, "--seed", "3"]) == 0
    return place / "out"


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on points with offset 300 and scale 40."""
    place = tmp_path_factory.mktemp("odd") / "out"
    assert main(["run", str(ODD_UNITS), "--out", str(place), *QUICK]) == 0
    return place


@pytest.fixture(scope="session")
def without_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with a single sigma, which has no probability flow."""
    place = tmp_path_factory.mktemp("single")
    (place / "one.toml").write_text('[noise]\nkind = "single"\n[sampling]\nkind = "langevin"\n')
    assert main(["run", str(place / "one.toml"), "--out", str(place / "out"), *QUICK]) == 0
    return place / "out"
