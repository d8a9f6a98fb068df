"""What is kept: history, files, unsaved work, exports."""

import base64
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.journeys.conftest import Desk
from tests.journeys.reading import at_the_end
from tests.journeys.user import User
from tests.own_process import at_work

ROOT = Path(__file__).parents[2]

TRAINED = "Train: finished · 300 steps"
HELD_OUT = r"held out [\d.]+"

VICTIM = """
import time
from PySide6.QtWidgets import QApplication
from tests.journeys.conftest import Desk
from tests.journeys.test_keeping import work
application = QApplication([])

def journey(user):
    print(work(user), flush=True)
    time.sleep(600)

Desk()(journey)
"""


def trains(user: User) -> str:
    """Train to the end; what the chart says of the held-out loss then."""
    user.click("Train", "Button")
    user.find(TRAINED, "CheckBox")
    return user.reads(HELD_OUT, inside="Train")


def is_written(user: User, path: Path) -> None:
    user.wait(path.exists, f"the file {path.name}")


def exports(user: User, dialog: str, path: Path, **numbers: str) -> None:
    """Answer the dialog of an export, and wait for its file."""
    user.write("File", str(path), dialog, end="Tab")
    for field, number in numbers.items():
        user.write(field, number, dialog, role="SpinBox", end="Tab")
    user.click("Export", "Button", dialog)
    user.wait(lambda: not user.finds(dialog, "Dialog"), "the dialog to close")
    is_written(user, path)


def autosaves(user: User) -> None:
    """Wait until unsaved work was written once more: "autosaved 5 s ago" becomes "autosaved 0 s ago"."""
    seen: list[int | None] = []

    def again() -> bool:
        age = re.search(r"autosaved (\d+) s ago", user.screen())
        seen.append(int(age[1]) if age else None)
        ages = [age for age in seen if age is not None]
        return bool(ages) and (seen[0] is None or ages[-1] < max(ages))

    user.wait(again, "another autosave")


def work(user: User) -> str:
    """What the user does whose program is killed: trains, changes the data, and waits until that is on disk."""
    loss = trains(user)
    user.click("Data: Rings", "CheckBox")
    user.reads("Rings · denoising")
    user.press("Space")
    autosaves(user)  # which may have begun before the change
    user.click("Layer: Trails", "CheckBox", at=(0.3, 0.5))
    autosaves(user)
    return loss


@pytest.mark.guide("Undo and history", "Training")
def test_undo_across_two_trainings_and_back_by_hand(desk: Desk) -> None:
    """The weights of each data set are found again: by undo, by redo, by the old value, and by the list of changes."""

    def journey(user: User) -> None:
        user.unfold("Train")
        moons = trains(user)
        user.click("Data: Two Gaussians", "CheckBox")
        user.reads("Two Gaussians · denoising")
        user.find("Train: untrained", "CheckBox")
        gaussians = trains(user)
        assert gaussians != moons
        user.press("Ctrl+Z")
        user.reads("Two moons · denoising")
        user.reads(moons, inside="Train")
        user.press("Ctrl+Shift+Z")
        user.reads("Two Gaussians · denoising")
        user.reads(gaussians, inside="Train")
        user.click("Data: Two moons", "CheckBox")
        user.reads("Two moons · denoising")
        user.reads(moons, inside="Train")
        user.find(TRAINED, "CheckBox")

        user.press("Ctrl+H")
        assert [thing.name for thing in user.finds(".*", "ListItem", "History")] == [
            "As opened",
            "Data: Two moons → Two Gaussians",
            "Data: Two Gaussians → Two moons",
        ]
        user.click("Data: Two moons → Two Gaussians", "ListItem", "History")
        user.reads("Two Gaussians · denoising")
        user.reads(gaussians, inside="Train")
        user.click("As opened", "ListItem", "History")
        user.reads("Two moons · denoising")
        user.reads(moons, inside="Train")
        user.press("Escape")
        user.wait(lambda: not user.finds("History", "Dialog"), "the list to close")

    desk(journey)


@pytest.mark.guide("Saving and opening", "Likelihood")
def test_a_session_is_the_same_in_another_window(desk: Desk, tmp_path: Path) -> None:
    """Who gets the file sees the weights, the figures and the layers of whoever saved it."""
    file = tmp_path / "shared.spg"
    seen: dict[str, str] = {}

    def saves(user: User) -> None:
        user.unfold("Train")
        seen["loss"] = trains(user)
        user.click("Test set", "Button", "Likelihood")
        user.reads(r"\d", inside="worst round trip.*")
        user.wait(lambda: "Stop" not in user.find("Test set", "Button").description, "the whole test set")
        seen["NLL"] = user.reads(r"^\d\.\d+", inside=r"test NLL \(50\)")
        user.click("Layer: Particles", "CheckBox", at=(0.3, 0.5))
        user.wait(lambda: not user.find("Layer: Particles", "CheckBox").checked, "no particles")
        assert user.finds("• Untitled.*", "Window")
        user.press("Ctrl+S")
        user.names_file(file)
        is_written(user, file)
        user.wait(lambda: bool(user.finds(r"shared\.spg.*", "Window")), "no mark of unsaved work in the title")
        user.press("Ctrl+Q")  # nothing is lost, so nothing is asked
        user.wait(lambda: not user.things(), "the program to close")

    def opens(user: User) -> None:
        user.find(r"shared\.spg.*", "Window")
        user.find(TRAINED, "CheckBox")
        user.unfold("Train")
        user.reads(seen["loss"], inside="Train")
        assert not user.find("Layer: Particles", "CheckBox").checked
        assert user.reads(r"^\d\.\d+", inside=r"test NLL \(50\)") == seen["NLL"]

    desk(saves)
    desk(opens, file)


@pytest.mark.guide("Saving and opening", "Exports")
def test_settings_as_toml_are_opened_again(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"

    def writes(user: User) -> None:
        user.click("Data: Pinwheel", "CheckBox")
        user.reads("Pinwheel · denoising")
        user.unfold("Sample")
        user.write("steps", "25", "Sample")
        user.menu("File", "Export settings…")
        user.names_file(file)
        is_written(user, file)

    def opens(user: User) -> None:
        user.reads("Two moons · denoising")
        user.click("Open", "Button")
        user.names_file(file)
        user.reads("Pinwheel · denoising")
        user.unfold("Sample")
        user.wait(lambda: user.find("steps", "EditableText", "Sample").value == "25", "25 steps")
        user.find("Train: untrained", "CheckBox")

    desk(writes)
    settings = tomllib.loads(file.read_text(encoding="utf-8"))
    assert settings["data"]["kind"] == "pinwheel"
    assert settings["sampling"]["steps"] == 25
    assert settings["training"]["steps"] == 300
    desk(opens)


@pytest.mark.claims  # kills a process
@pytest.mark.guide("After a crash")
def test_work_of_a_killed_program_comes_back(desk: Desk) -> None:
    """With its weights and its history; and what was restored is asked about no more."""
    with at_work(VICTIM, PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "tests")])) as (loss, _):
        assert loss.startswith("held out")

    def restores(user: User) -> None:
        user.reads("Two moons · denoising")
        user.click("Restore the work of the last time", "Button")
        user.reads("Rings · denoising")
        user.find("Train: untrained", "CheckBox")
        user.press("Ctrl+Z")
        user.reads("Two moons · denoising")
        user.find(TRAINED, "CheckBox")
        user.unfold("Train")
        user.reads(loss, inside="Train")
        user.press("Ctrl+Shift+Z")
        user.reads("Rings · denoising")
        assert not user.finds("Restore the work of the last time")

    def starts_again(user: User) -> None:
        user.reads("not trained")
        user.wait(user.moves, "particles to move")
        assert not user.finds("Restore the work of the last time")

    desk(restores)
    desk(starts_again)


@pytest.mark.guide("Exports", "What made a file")
def test_pictures_of_the_canvas(desk: Desk, tmp_path: Path) -> None:
    """As pixels of the chosen size, and as lines and words, each with what made it."""
    png, svg = tmp_path / "canvas.png", tmp_path / "canvas.svg"

    def journey(user: User) -> None:
        at_the_end(user)
        user.press("Ctrl+Shift+E")
        exports(user, "Export picture", png, **{"Width in pixels": "640", "Height in pixels": "360"})
        user.press("Ctrl+Shift+E")
        exports(user, "Export picture", svg)

    desk(journey)
    pixels = np.asarray(Image.open(png).convert("RGB")).astype(int)
    assert pixels.shape == (360, 640, 3)
    assert len(np.unique(pixels.reshape(-1, 3) @ [1, 256, 65536])) > 200
    written = svg.read_text(encoding="utf-8")
    assert written.count("<circle") >= 200  # particles
    assert written.count("<polyline") >= 200  # arrows
    assert "score evaluations" in written
    with Image.open(png) as picture:
        made = json.loads(picture.info["provenance"])
    assert made["seeds"] == {"data.seed": 0, "training.seed": 0, "sampling.seed": 0}
    assert json.dumps(made["version"]) in html.unescape(written)


@pytest.mark.guide("Exports")
def test_a_film_and_its_particles(desk: Desk, tmp_path: Path) -> None:
    film, particles = tmp_path / "film.mp4", tmp_path / "particles.npz"

    def journey(user: User) -> None:
        at_the_end(user)
        user.press("Ctrl+E")
        exports(
            user,
            "Export video",
            film,
            **{
                "Width in pixels": "320",
                "Height in pixels": "180",
                "Length in seconds": "2",
                "Frames a second": "10",
            },
        )
        user.menu("File", "Export trajectory…")
        user.names_file(particles)
        is_written(user, particles)

    desk(journey)
    with av.open(str(film)) as opened:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in opened.decode(video=0)]
    assert len(frames) == 20
    assert frames[0].shape == (180, 320, 3)
    assert np.abs(frames[0] - frames[-1]).max() > 100
    with np.load(particles) as arrays:
        positions, sigma = arrays["positions"], arrays["sigma"]
    assert positions.shape[1:] == (200, 2)
    assert len(positions) == len(sigma) > 40
    assert np.isfinite(positions).all()
    assert sigma[0] > 100 * sigma[-1]  # from noise to data
    assert positions[0].std() > 2 * positions[-1].std()


@pytest.mark.guide("Exports")
def test_a_run_as_a_web_page(desk: Desk, tmp_path: Path) -> None:
    """With its last frame as it is exported as particles."""
    page, particles = tmp_path / "run.html", tmp_path / "particles.npz"

    def journey(user: User) -> None:
        at_the_end(user)
        user.menu("File", "Export web page…")
        user.names_file(page)
        is_written(user, page)
        user.menu("File", "Export trajectory…")
        user.names_file(particles)
        is_written(user, particles)

    desk(journey)
    text = page.read_text(encoding="utf-8")
    ((shown,), (numbers,)) = (re.findall(rf'id="{name}">(.*?)</script>', text) for name in ("shown", "numbers"))
    (column,) = json.loads(shown)["columns"]
    place = column["runs"][-1]["points"]
    packed = np.frombuffer(zlib.decompress(base64.b64decode(numbers)), np.uint8)
    low, high = packed[place["at"] :][: 2 * np.prod(place["shape"])].reshape(2, *place["shape"]).astype(np.uint16)
    final = np.cumsum(low | high << 8, axis=0, dtype=np.uint16)[-1] * place["scale"] + place["offset"]
    (left, right, bottom, top), (width, height) = column["viewport"], json.loads(shown)["size"]
    with np.load(particles) as arrays:
        placed = (arrays["positions"][-1] - [left, top]) * [width / (right - left), height / (bottom - top)]
        assert np.abs(final - placed).max() < 0.1  # of 960 units
    assert text.count("<script") == 3
    assert "://" not in text


@pytest.mark.claims  # starts a process
@pytest.mark.guide("Exports")
@pytest.mark.qt_log_ignore("^QAccessibleTree::indexFromLogical")  # the list of files that is read while it is made anew
def test_a_script_runs_without_the_program(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "alone.zip"

    def journey(user: User) -> None:
        user.menu("File", "Save as script…")
        user.choose("Files of type:", "Stand-alone folder of torch and numpy (*.zip)")
        user.names_file(file)
        is_written(user, file)

    desk(journey)
    shutil.unpack_archive(file, tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(tmp_path / "alone" / "experiment.py")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "samples.npy has 200 samples" in done.stdout
    samples = np.load(tmp_path / "samples.npy")
    assert samples.shape == (200, 2)
    assert 0.3 < samples.std() < 3
