"""``score-playground boltzmann``: its files and its errors."""

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

from playground.cli import boltzmann
from playground.lab import experiment as experiments
from playground.lab.boltzmann.cost import measure_cost
from playground.lab.boltzmann.settings import Boltzmann
from tests.cli.conftest import Ask


@pytest.fixture(autouse=True)
def few_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boltzmann, "measure_cost", lambda: measure_cost(2, 5))


def rows(path: Path) -> tuple[list[str], np.ndarray]:
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    return header.split(","), np.array([[float(cell) for cell in line.split(",")] for line in lines])


def test_everything_is_in_its_folder(tmp_path: Path, ask: Ask) -> None:
    code, said, error = ask("boltzmann", "--out", tmp_path / "out", "--set", "steps=300", "--seed", 3)
    assert code == 0
    assert [line.partition(" ...")[0] for line in error.splitlines() if line.endswith(" ...")] == [
        "Training",
        "Cost of Z",
    ]
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "boltzmann.toml",
        "cost.csv",
        "metrics.json",
        "picture.png",
        "samples.csv",
        "weights.csv",
    ]
    settings = experiments.load_as(Boltzmann, out / "boltzmann.toml")
    assert settings == Boltzmann(steps=300, seed=3)
    found = json.loads((out / "metrics.json").read_text())
    assert found["nll"] == pytest.approx(found["optimal_nll"] + found["nll_excess"])
    assert found["optimal_nll"] == pytest.approx(np.log(14))
    assert 0 < found["nll_excess"] < 0.1
    assert [found[key] for key in ("units", "states", "patterns", "steps", "samples")] == [9, 512, 14, 300, 48]
    assert found["most_probable"][0]["is_pattern"]
    assert found["samples_that_are_patterns"] > 0.8

    header, weights = rows(out / "weights.csv")
    assert header == [f"w{unit}" for unit in range(9)]
    assert np.allclose(weights, weights.T, atol=1e-12)
    header, samples = rows(out / "samples.csv")
    assert samples.shape == (48, 9)
    assert set(samples.ravel()) == {-1.0, 1.0}
    header, cost = rows(out / "cost.csv")
    assert header == ["units", "seconds_partition", "seconds_weight_of_one_state"]
    assert cost[:, 0].tolist() == [2, 3, 4, 5]
    assert (cost[:, 1] > cost[:, 2]).all()
    picture = QImage(str(out / "picture.png"))
    assert (picture.width(), picture.height()) == (1920, 1280)
    assert f"{'optimal NLL':>25}  {found['optimal_nll']:.4f}\n" in said
    assert str(out) in said


def test_a_run_repeats_from_its_own_settings(tmp_path: Path, ask: Ask) -> None:
    changes = ("--set", "rows=2", "--set", "columns=2", "--set", "steps=50", "--set", "sampler=gibbs")
    assert ask("boltzmann", "--out", tmp_path / "one", *changes)[0] == 0
    assert ask("boltzmann", tmp_path / "one" / "boltzmann.toml", "--out", tmp_path / "two")[0] == 0
    for name in ("weights.csv", "samples.csv", "boltzmann.toml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "rows=5", "--set", "columns=4"], "make 20 pixels"),
        (["--set", "data=drawn"], "set patterns to a list, as in"),
        (["--set", "learning_rate=.1"], "digits on both sides of a point"),
        (["--set", "steps"], "--set takes key=value, as in steps=500"),
        (["--set", "stepz=4"], "did you mean steps?"),
        (["none.toml"], "none.toml cannot be read"),
    ],
)
def test_user_errors_are_one_sentence(arguments: list[str], said: str, tmp_path: Path, ask: Ask) -> None:
    code, _, error = ask("boltzmann", "--out", tmp_path / "out", *arguments)
    assert code == 2
    assert said in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()
