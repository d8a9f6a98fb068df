"""``score-playground scenes``: it prints each claim with its figures, and exits with 1 if a claim does not hold."""

import json

import pytest

from playground.cli import lessons as command
from playground.cli import main
from playground.lab.lessons import MeasuredStep, bundled


@pytest.fixture
def measured(monkeypatch):
    """What every figure comes to."""
    value = [0.5]

    def measure(step, device):
        yield 0.5, MeasuredStep(step, {})
        yield 1.0, MeasuredStep(step, dict.fromkeys(step.asked, value[0]))

    monkeypatch.setattr(command, "measure", measure)
    return value


def test_a_claim_is_printed_with_its_figures(measured, capsys):
    assert main(["scenes", "langevin-weights"]) == 0
    said = capsys.readouterr().out
    assert "Langevin gets the weights wrong. Four of five data points" in said
    lines = [line.split() for line in said.splitlines()]
    assert lines[2:4] == [["langevin", "0.5", "at", "most", "0.7"], ["data", "0.5", "none"]]
    assert "1 of 1 claims hold" in said


def test_a_claim_that_does_not_hold_is_named_and_exits_with_1(measured, capsys):
    measured[0] = 0.9
    assert main(["scenes", "langevin-weights", "adaptive"]) == 1
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines()]
    assert ["langevin", "0.9", "at", "most", "0.7", "FAILED"] in lines
    assert [line[0] for line in lines if line[-1] == "FAILED"] == ["langevin", "most"]


def test_an_unknown_scene_is_refused(capsys):
    assert main(["scenes", "langewin"]) == 2
    assert (
        "langewin is no scene: give a file ending in .lesson.md, or one of langevin-weights, annealing"
        in capsys.readouterr().err
    )


def test_a_file_of_ones_own_is_measured(measured, tmp_path, capsys):
    path = tmp_path / "mine.lesson.md"
    path.write_text(bundled("scenes")["langevin-weights"].read_text("utf-8"), "utf-8")
    assert main(["scenes", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"]
