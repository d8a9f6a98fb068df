"""Files that the window of 0.1.0 left: sessions, the work of killed programs, answers to lessons. Every later version opens them."""

import csv
import itertools
import json
import re
import shutil
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from safetensors.numpy import load_file

import playground as sp
from playground.cli import main
from tests.golden.comparing import differences, read, tolerance
from tests.golden.looking import alike, look, to_the_end, unfold
from tests.golden.measuring import HERE, SESSIONS, Values, of_session
from tests.journeys.conftest import Desk
from tests.journeys.conftest import desk as desk
from tests.journeys.user import NotSeen, User

pytestmark = pytest.mark.claims

MADE = HERE / "sessions"


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_has_its_settings(name: str) -> None:
    session, settings = sp.Session.load(SESSIONS[name]).experiment, sp.load(MADE / f"{name}.toml")
    if settings.data.kind in ("file", "images"):  # the path is that of another machine
        session, settings = (sp.replace(one, {"data.path": "here"}) for one in (session, settings))
    assert session == settings
    assert sp.replace(settings, {"seed": 1}) != session


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_has_its_data_and_its_network(name: str) -> None:
    """Data, score, log p and samples."""
    golden = read(name)
    assert differences(golden.python, of_session(name), tolerance(name, golden)) == []


def test_the_command_line_opens_a_session(tmp_path: Path) -> None:
    golden = read("trained")
    assert main(["sample", str(SESSIONS["trained"]), "--out", str(tmp_path / "samples.npz"), "--device", "cpu"]) == 0
    with np.load(tmp_path / "samples.npz") as found:
        samples = found["positions"][-1]
    found = Values({"samples": samples}, None, {})
    expected = Values({"samples": golden.python.arrays["samples"]}, None, {})
    assert differences(expected, found, tolerance("trained", golden)) == []


@pytest.mark.parametrize("name", SESSIONS)
def test_the_window_shows_what_it_showed(desk: Desk, name: str) -> None:
    """Settings, figures, layers, runs and the training step, as whoever saved the file read them."""
    seen = json.loads((MADE / f"{name}.json").read_text("utf-8"))

    def journey(user: User) -> None:
        user.find(rf"{name}\.spg.*", "Window")
        unfold(user)
        to_the_end(user)
        other: list[str] = []

        def same() -> bool:
            other[:] = alike(seen, look(user))
            return not other

        try:
            user.wait(same)
        except NotSeen:
            assert other == []

    desk(journey, SESSIONS[name])


def test_the_window_plays_the_saved_run(desk: Desk, tmp_path: Path) -> None:
    def journey(user: User) -> None:
        user.find(r"trained\.spg.*", "Window")
        user.menu("File", "Export trajectory…")
        user.names_file(tmp_path / "run.npz")
        user.wait((tmp_path / "run.npz").exists, "the run")

    desk(journey, SESSIONS["trained"])
    with np.load(tmp_path / "run.npz") as found:
        np.testing.assert_array_equal(found["positions"], load_file(SESSIONS["trained"])["trajectory/positions"])


def test_no_other_session_would_do() -> None:
    """What is said of a window or a program that opened another file, or none."""
    seen = {name: json.loads((MADE / f"{name}.json").read_text("utf-8")) for name in SESSIONS}
    for name, other in itertools.permutations(SESSIONS, 2):
        assert alike(seen[name], seen[other])
        assert differences(read(name).python, read(other).python, 1.0)
    for name in SESSIONS:
        assert alike(seen[name], seen[name]) == []
        assert len(alike(seen[name], {})) == len(seen[name]) > 20
        for key, text in seen[name].items():
            changed = re.sub(r"\d", lambda digit: str(9 - int(digit[0])), text)
            assert changed == text or alike(seen[name], {**seen[name], key: changed})


def test_a_figure_may_be_rounded_otherwise() -> None:
    assert alike({"log p": "−2.345 ± 0.1"}, {"log p": "−2.346 ± 0.1"}) == []
    assert alike({"log p": "−2.345 ± 0.1"}, {"log p": "−2.445 ± 0.1"})
    assert alike({"log p": "−2.345"}, {"log p": "2.345"})


def left_behind(name: str) -> None:
    """Put the work of a killed program where the next one looks for it."""
    place = platformdirs.user_state_path("score-playground") / "recovery" / name
    shutil.copytree(MADE / "recovery" / name, place)


def restores(user: User) -> None:
    user.reads("did not close properly")
    user.click("Restore the work of the last time", "Button")


def test_a_drawing_of_a_killed_program_comes_back(desk: Desk) -> None:
    left_behind("drawing")

    def journey(user: User) -> None:
        restores(user)
        user.reads("Drawing · denoising")
        user.reads("drawing · 100")
        user.press("Ctrl+H")
        user.wait(lambda: len(user.finds(".*", "ListItem", "History")) == 4, "the history")
        user.click("As opened", "ListItem", "History")
        user.reads("Two moons · denoising")
        user.find("Train: finished · 64 steps", "CheckBox")

    desk(journey)


def steps(user: User) -> int:
    return int(re.sub(r"\D", "", user.reads(r"paused · [\d ]+ steps")))


def test_a_training_of_a_killed_program_goes_on(desk: Desk) -> None:
    left_behind("training")

    def journey(user: User) -> None:
        restores(user)
        user.reads("Rings · denoising")
        paused = steps(user)
        assert paused > 64
        user.reads("Runs: 1 pinned")
        user.unfold("Train")
        user.click("Resume training", "Button", "Train")
        user.reads("steps/s", "Train")
        user.click("Pause training", "Button", "Train")
        user.wait(lambda: steps(user) > paused, "more steps")
        user.press("Ctrl+Z", times=2)
        user.reads("Two moons · denoising")
        user.find("Train: finished · 64 steps", "CheckBox")

    desk(journey)


@pytest.mark.parametrize("form", ["lessons.json", "lessons"])  # one file for all, as once; one for each step
def test_answers_to_a_lesson_are_kept(desk: Desk, tmp_path: Path, form: str) -> None:
    kept = json.loads((MADE / "lessons.json").read_text("utf-8"))
    place = platformdirs.user_config_path("score-playground")
    place.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if (MADE / form).is_dir() else shutil.copy)(MADE / form, place / form)
    table = tmp_path / "answers.csv"

    def journey(user: User) -> None:
        user.menu("Learn", "Save answers.*")
        user.click("Save…", "Button", "Save answers")
        user.names_file(table)
        user.wait(table.exists, "the answers")

    desk(journey)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["lesson"], int(row["step"]), row["answer"]) for row in rows] == [
        (answer["lesson"], answer["step"], answer["said"]) for answer in kept["answers"]
    ]
    assert len(rows) == 3
