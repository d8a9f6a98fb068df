"""An experiment as a script and as a command line: each gives the same experiment again."""

import shlex
from pathlib import Path
from typing import Any

import pytest

import playground as sp
from playground.cli.settings import with_settings
from playground.kinds.kind import registered
from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment
from playground.lab.script import as_command, as_python, changed

ROOT = Path(__file__).parents[2]
KINDS = [(kind.section, kind.name()) for kind in registered()]


def of_script(text: str, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """The experiment that a script trains, without training it."""
    trained: list[Any] = []

    class Stopped(Exception):
        pass

    def train(experiment: Experiment) -> None:
        trained.append(experiment)
        raise Stopped

    monkeypatch.setattr(sp, "train", train, raising=False)
    with pytest.raises(Stopped):
        exec(text, {})
    return trained[0]


def of_command(text: str) -> Experiment:
    words = shlex.split(text)
    assert words[:4] == ["score-playground", "run", "--out", "out/run"]
    assert set(words[4::2]) <= {"--set"}
    return with_settings(Experiment(), words[5::2], None)


@pytest.mark.parametrize(("section", "name"), KINDS, ids=[f"{section}-{name}" for section, name in KINDS])
def test_every_kind_comes_back(section: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = experiments.replace(Experiment(), {f"{section}.kind": name, "seed": 7, "training.learning_rate": 1e-3})
    assert of_script(as_python(experiment), monkeypatch) == experiment
    assert of_command(as_command(experiment)) == experiment


@pytest.mark.parametrize("path", sorted((ROOT / "resources/experiments").glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_comes_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = experiments.load(path)
    assert of_script(as_python(experiment), monkeypatch) == experiment
    assert of_command(as_command(experiment)) == experiment


def test_only_what_differs_is_written() -> None:
    experiment = experiments.replace(Experiment(), {"sampling.steps": 40, "sampling.kind": "probability-flow"})
    assert list(changed(experiment)) == ["sampling.kind", "sampling.steps"]
    assert "learning_rate" not in as_python(experiment)


def test_a_script_runs(capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"training.steps": 5, "sampling.steps": 5, "sampling.particles": 60, "likelihood.points": 10}
    exec(as_python(experiments.replace(Experiment(), settings)), {})
    assert "'kl'" in capsys.readouterr().out
