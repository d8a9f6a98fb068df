"""The look, the command line, and the windows of the menu Tools."""

import csv
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from playground.cli import main
from tests.journeys.conftest import SMALL, Desk
from tests.journeys.user import User

ROOT = Path(__file__).parents[2]
PLUGIN = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8"), re.DOTALL)[0]
"""The first one of the page: five dots that make a cross."""

SWEEP = """
base = "small.toml"
seeds = 2

[axes]
"sampling.steps" = [5, 20]
"""


Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """What the program answers to a command of the terminal: its exit code, and what it writes there."""

    def run(*words: object) -> tuple[int, str]:
        code = main([str(word) for word in words])
        written = capsys.readouterr()
        return code, written.out + written.err

    return run


def is_dark(user: User) -> bool:
    """Whether most of the canvas is dark."""
    return float(np.median(user.picture())) < 100


def is_theme(user: User, dark: bool) -> bool:
    return is_dark(user) == dark


def width(user: User) -> int:
    """Of a word, in pixels."""
    return user.find("speed", "StaticText").where.width()


@pytest.mark.guide("Preferences", "The window")
def test_theme_and_text_size_are_there_at_the_next_start(desk: Desk) -> None:
    widths: list[int] = []
    themes: list[bool] = []

    def chooses(user: User) -> None:
        user.reads("not trained")
        first = is_dark(user)  # which one depends on the system
        for dark in (not first, first, not first):
            user.menu("View", "Dark theme" if dark else "Light theme")
            user.wait(partial(is_theme, user, dark), "the other theme")
        themes.append(not first)
        widths.append(width(user))
        user.press("Ctrl++", 3)
        user.wait(lambda: width(user) > 1.15 * widths[0], "larger text")
        widths.append(width(user))

    def starts(user: User) -> None:
        user.reads("not trained")
        user.wait(lambda: is_dark(user) == themes[0], "the theme that was chosen")
        assert width(user) == widths[1]
        user.press("Ctrl+0")
        user.wait(lambda: width(user) == widths[0], "text of the usual size")

    desk(chooses)
    desk(starts)


@pytest.mark.guide("Command line", "run", "The other commands")
def test_a_run_of_the_command_line_opens_in_the_window(desk: Desk, command: Command, tmp_path: Path) -> None:
    folder, more, points = tmp_path / "out", tmp_path / "more.npz", tmp_path / "points.csv"
    assert command("run", SMALL, "--out", folder, "--set", "training.steps=100", "--seed", 7)[0] == 0
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert 0.05 < metrics["sliced_wasserstein2"]["value"] < 5
    written = {path.name for path in folder.iterdir()}
    assert {"experiment.toml", "metrics.json", "trajectory.npz", "samples.csv", "picture.png", "video.mp4"} <= written
    code, said = command("run", SMALL, "--out", folder)
    assert code == 2
    assert "--overwrite" in said
    assert command("sample", folder, "--particles", 30, "--out", more)[0] == 0
    with np.load(more) as arrays:
        assert any(30 in arrays[name].shape for name in arrays.files)
    points.write_text("x,y\n0,0\n1,0.5\n", encoding="utf-8")
    assert command("likelihood", folder, "--points", points, "--out", tmp_path / "log-p.csv")[0] == 0
    with (tmp_path / "log-p.csv").open(encoding="utf-8", newline="") as file:
        assert all(-20 < float(row["log_prob"]) < 5 for row in csv.DictReader(file))

    def journey(user: User) -> None:
        user.reads("Two moons · denoising")
        user.find("Train: .*100 steps", "CheckBox")
        user.reads("seed 7")
        user.wait(user.moves, "particles to move")

    desk(journey, folder)


@pytest.mark.claims  # starts processes
@pytest.mark.guide("Sweeps", "sweep")
def test_a_sweep_of_four_cells_to_its_table(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL.read_text(encoding="utf-8").replace("300", "30"), encoding="utf-8")
    sweep, folder = tmp_path / "tiny.toml", tmp_path / "out"
    sweep.write_text(SWEEP, encoding="utf-8")
    folder.mkdir()

    def journey(user: User) -> None:
        user.menu("Tools", "Sweep…")
        user.click("Base of the sweep", "ButtonMenu")
        user.click("A sweep's file…", "MenuItem")
        user.names_file(sweep)
        user.wait(lambda: user.find("Values of this axis", "EditableText").value == "5, 20", "the axis")
        user.reads("4 cells", inside="Sweep")
        user.click("Folder of the results", "ButtonMenu")
        user.click("Choose a folder…", "MenuItem")
        user.names_file(folder)
        user.click("Start", "Button", "Sweep")
        user.wait(lambda: (folder / "means.csv").exists(), "the tables")
        user.wait(lambda: not user.find("Cancel", "Button", "Sweep").enabled, "the sweep to end")
        user.find(r"sampling\.steps: 5", inside="Table of the sweep")
        user.click(r"sampling\.steps: 20", inside="Table of the sweep")
        user.click("Open run", "Button", "Sweep")
        user.find("Train: .*30 steps", "CheckBox")
        user.click(r"sampling\.steps: 20", inside="Table of the sweep")  # the main window may be the active one
        user.press("Escape")
        user.wait(lambda: not user.finds("Sweep", "Dialog"), "the window of sweeps to close")
        user.unfold("Sample")
        user.wait(lambda: user.find("steps", "EditableText", "Sample").value == "20", "the steps of the run")

    desk(journey)
    with (folder / "means.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["sampling.steps"] for row in rows] == ["5", "20"]
    assert len((folder / "cells.csv").read_text(encoding="utf-8").splitlines()) == 5  # with its header
    assert {path.suffix for path in (folder / "plots").iterdir()} >= {".png", ".svg", ".pdf"}


@pytest.mark.guide("On a cluster", "Sweeps")
def test_plain_tcp_is_refused(desk: Desk, command: Command, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL.read_text(encoding="utf-8"), encoding="utf-8")
    sweep = tmp_path / "tiny.toml"
    sweep.write_text(SWEEP, encoding="utf-8")
    code, said = command("sweep", sweep, "--out", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:8786")
    assert code == 2
    assert "--insecure-tcp" in said
    array = tmp_path / "array.sh"
    assert command("sweep", sweep, "--out", tmp_path / "out", "--slurm", array)[0] == 0
    assert "#SBATCH --array=0-3" in array.read_text(encoding="utf-8")

    def journey(user: User) -> None:
        user.menu("Tools", "Sweep…")
        user.write("Scheduler", "tcp://127.0.0.1:8786", "Sweep", end="Tab")
        user.reads("is refused: anyone who reaches a tcp port can run code there", inside="Sweep")
        assert not user.find("Start", "Button", "Sweep").enabled
        user.press("Escape")
        user.wait(lambda: not user.finds("Sweep", "Dialog"), "the window of sweeps to close")

    desk(journey)


@pytest.mark.guide("Plug-ins and audits")
def test_a_plugin_is_asked_about_loaded_and_audited(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "cross.py"
    file.write_text(PLUGIN, encoding="utf-8")

    def journey(user: User) -> None:
        user.reads("not trained")
        assert not user.finds("Data: Cross")
        user.menu("File", "Load plug-in…")
        user.names_file(file)
        user.reads("A plug-in is a program: it can do anything that you can do")
        user.press("Return")  # Cancel is the default
        user.wait(lambda: not user.finds("Load plug-in", "Dialog|AlertMessage"), "the question to go")
        assert not user.finds("Data: Cross")
        user.menu("File", "Load plug-in…")
        user.names_file(file)
        user.click("Load", "Button", "Load plug-in")
        user.click("Data: Cross", "CheckBox")
        user.reads("Cross · denoising")
        user.menu("Tools", "Plug-ins…")
        user.find("cross.py", "TreeItem", "Plug-ins")
        user.click("cross.py", "TreeItem", "Plug-ins")
        user.click("Audit…", "Button", "Plug-ins")
        user.wait(lambda: "Cross" in user.find("Kind to audit", "ComboBox").value, "the plug-in to be chosen")
        user.click("Run", "Button", "Audit")
        user.wait(lambda: len(user.finds("yes", "TreeItem", "Audit")) > 5, "claims that hold")
        user.wait(
            lambda: bool(user.finds("Run", "Button", "Audit")) and bool(user.finds("Close", "Button", "Audit")),
            "the end",
        )
        assert not user.finds("no", "TreeItem", "Audit")
        user.click("Close", "Button", "Audit")
        user.wait(lambda: not user.finds("Audit", "Dialog"), "the audit to close")
        user.click("Close", "Button", "Plug-ins")

    desk(journey)


@pytest.mark.guide("Boltzmann machine")
def test_the_small_boltzmann_machine_learns_its_patterns(desk: Desk) -> None:
    """The loss comes near its optimum, which is known, and samples are patterns."""

    def journey(user: User) -> None:
        user.press("Ctrl+B")
        user.click("2×2 pixels", "CheckBox", "Boltzmann machine")
        user.reads("2⁴ = 16", inside="Boltzmann machine")

        def above() -> float:
            (value,) = [one.value for one in user.finds("above the optimum", inside="Boltzmann machine") if one.value]
            return float(value)

        user.wait(lambda: above() < 0.02, "a loss near its optimum")
        share = float(user.reads(r"[\d.]+ % are patterns").split()[0])
        assert share > 80
        user.press("Escape")

    desk(journey)
