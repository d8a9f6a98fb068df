"""An experiment as a script and as a command line: each gives the same experiment again."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

import playground as sp
from playground.cli.results import write_script
from playground.cli.settings import with_settings
from playground.kinds.kind import registered
from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment, changed
from playground.lab.script import as_command, as_python, why_no_command
from playground.lab.session import Session

ROOT = Path(__file__).parents[2]
KINDS = [(kind.section, kind.name()) for kind in registered()]


def of_script(text: str, monkeypatch: pytest.MonkeyPatch) -> Experiment | Session:
    """The experiment or the session that a script trains, without training it."""
    trained: list[Experiment | Session] = []

    class Stopped(Exception):
        pass

    def train(experiment: Experiment | Session) -> None:
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


def test_an_array_has_a_script_and_no_command() -> None:
    assert why_no_command(Experiment()) is None
    assert why_no_command(experiments.replace(Experiment(), {"data.kind": "file", "data.path": "points.csv"})) is None
    points = np.random.default_rng(0).normal(size=(200, 2))
    session = sp.train(Experiment(), {"training.steps": 1, "likelihood.points": 20}, data=points).result()
    assert "needs a file" in str(why_no_command(session.experiment))


@pytest.mark.parametrize("path", sorted((ROOT / "resources/experiments").glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_comes_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = experiments.load(path)
    assert of_script(as_python(experiment), monkeypatch) == experiment
    assert of_command(as_command(experiment)) == experiment


def test_only_what_differs_is_written() -> None:
    experiment = experiments.replace(Experiment(), {"sampling.steps": 40, "sampling.kind": "probability-flow"})
    assert list(changed(experiment)) == ["sampling.kind", "sampling.steps"]
    assert "learning_rate" not in as_python(experiment)


@pytest.mark.parametrize("ending", [".py", ".ipynb"])
def test_a_script_of_an_array_takes_it_from_the_session_beside_it(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    experiment = experiments.replace(Experiment(), {"training.steps": 3, "network.width": 16})
    session = sp.train(experiment, data=points, labels=points[:, 0] > 0).result()
    session.save(tmp_path / "array.spg")
    write_script(tmp_path / "array.spg", tmp_path / f"my array{ending}", False)
    text = (tmp_path / f"my array{ending}").read_text(encoding="utf-8")
    if ending == ".ipynb":
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
    assert "were given as an array" in text
    monkeypatch.chdir(tmp_path)
    source = of_script(text, monkeypatch)
    assert isinstance(source, Session)
    assert source.experiment == session.experiment
    for name in ("points", "held_out", "labels"):
        np.testing.assert_array_equal(getattr(source, name), getattr(session, name))
    assert source.weights is None
    session.save(tmp_path / "data.spg")  # as File > Save as writes it, with the network
    copied = as_python(session.experiment)
    assert "File > Save as writes this session" in copied
    source = of_script(copied, monkeypatch)
    assert isinstance(source, Session)
    np.testing.assert_array_equal(source.points, session.points)
    assert source.weights is None  # trained anew
    assert "array" not in as_python(experiment)


def test_a_script_runs(capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"training.steps": 5, "sampling.steps": 5, "sampling.particles": 60, "likelihood.points": 10}
    exec(as_python(experiments.replace(Experiment(), settings)), {})
    assert "'kl'" in capsys.readouterr().out
