"""Short runs that many tests look at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from playground.cli import main, running
from tests import fewer

ROOT = Path(__file__).parents[2]
ODD_UNITS = ROOT / "resources/experiments/odd-units.toml"
QUICK = [
    "--device=cpu",  # the same seed gives the same numbers on every machine
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
    """Options for a run on a toy whose files and messages are checked, but not its numbers."""
    return QUICKEST


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Call the program; return exit code, standard output and standard error.

    Its runs have small films and few points and cells, which take most of the time.
    """
    fewer.points_of_optimal_losses(monkeypatch)
    fewer.cells_of_maps(monkeypatch)
    fewer.pixels_of_films(monkeypatch)

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip picture and film, for runs in which they are not checked."""
    for paint in ("paint_picture", "paint_video"):
        monkeypatch.setattr(running, paint, lambda *_: None)


def run(experiment: Path, out: Path, *options: str, film: Callable[..., None] = fewer.pixels_of_films) -> Path:
    """The folder of a run that went well."""
    with pytest.MonkeyPatch.context() as patch:
        for less in (fewer.points_of_optimal_losses, fewer.cells_of_maps, film):
            less(patch)
        assert main(["run", str(experiment), "--out", str(out), *QUICK, *options]) == 0
    return out


@pytest.fixture(scope="session")
def moons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on two moons, whose film has the usual size."""
    place = tmp_path_factory.mktemp("moons")
    (place / "empty.toml").write_text("")
    return run(place / "empty.toml", place / "out", "--seed", "3", film=lambda _: None)


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on points with offset 300 and scale 40."""
    return run(ODD_UNITS, tmp_path_factory.mktemp("odd") / "out")


@pytest.fixture(scope="session")
def without_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with a single sigma, which has no probability flow."""
    place = tmp_path_factory.mktemp("single")
    (place / "one.toml").write_text('[noise]\nkind = "single"\n[sampling]\nkind = "langevin"\n')
    return run(place / "one.toml", place / "out")
