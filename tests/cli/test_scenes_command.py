"""``score-playground scenes``: it prints each claim with its figures, and exits with 1 if a claim does not hold."""

import pytest

from playground.cli import main
from playground.cli import scenes as command
from playground.lab import scenes


@pytest.fixture
def measured(monkeypatch):
    """What every figure comes to."""
    value = [0.5]

    def measure(scene, device):
        yield 0.5, None
        yield 1.0, scenes.check_claim(scene, dict.fromkeys(scene.figures, value[0]))

    monkeypatch.setattr(command, "measure", measure)
    return value


def test_a_claim_is_printed_with_its_figures(measured, capsys):
    assert main(["scenes", "langevin-weights"]) == 0
    said = capsys.readouterr().out
    assert "Langevin gets the weights wrong. Four of five data points" in said
    assert "right mode 0.50, data 0.50: holds" in said


def test_a_claim_that_does_not_hold_is_named_and_exits_with_1(measured, capsys):
    measured[0] = 0.9
    assert main(["scenes", "langevin-weights", "adaptive"]) == 1
    said = capsys.readouterr().out
    assert "right mode 0.90, data 0.90: does not hold" in said
    assert "Claims that do not hold: langevin-weights, adaptive" in said


def test_an_unknown_scene_is_refused(capsys):
    assert main(["scenes", "langewin"]) == 2
    assert "langewin is no scene: give a file, or one of langevin-weights, annealing" in capsys.readouterr().err


def test_a_file_of_ones_own_is_measured(measured, tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text(scenes.bundled()["langevin-weights"].read_text("utf-8"), "utf-8")
    assert main(["scenes", str(path)]) == 0
    assert "holds" in capsys.readouterr().out
