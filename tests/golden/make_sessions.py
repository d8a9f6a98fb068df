"""Makes the golden sessions, the folders of killed programs and the answers to lessons, as users of this version make them.

python -m tests.golden.make_sessions FOLDER [NAME ...]

They are files of the version that made them. A later version must open them: nothing here writes over tests/golden/sessions.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"  # before Qt is imported

import platformdirs
import tomli_w
from PySide6.QtWidgets import QApplication

from playground.cli import main
from tests.golden.looking import look, to_the_end, unfold
from tests.golden.measuring import HERE
from tests.journeys.conftest import Desk
from tests.journeys.user import User

SMALL: dict[str, dict[str, object]] = {
    "data": {"points": 100},
    "network": {"kind": "mlp", "width": 8, "depth": 2, "features": 4},
    "training": {"steps": 64, "batch": 32},
    "sampling": {"particles": 20, "steps": 10},
    "likelihood": {"points": 20, "tolerance": 1e-2},
}
"""So small that a file has few kilobytes."""
FINISHED = r"Train: finished · \d+ steps?"

Journey = Callable[[User], None]


def trains(user: User) -> None:
    user.click("Train", "Button")
    user.find(FINISHED, "CheckBox")


def untrained(user: User) -> None:
    user.choose("noise", "VP", "Noise")
    user.choose("sampler", "Probability flow")
    user.write("steps", "12", "Sample")
    user.reads("Two moons · denoising · VP")


def trained(user: User) -> None:
    trains(user)
    to_the_end(user)
    user.measured("relative error at σ", "Quality")
    user.click("Measure the samples", "Button")
    user.measured("sliced W₂", "Quality")
    user.click("Test set", "Button")
    user.measured("worst round trip.*", "Likelihood")
    user.click("Canvas", "Canvas", at=(0.45, 0.5))
    user.measured("log p, model", "Likelihood")
    user.click("Layer: Trails", "CheckBox", at=(0.3, 0.5))
    user.wait(lambda: not user.find("Layer: Trails", "CheckBox").checked, "no trails")
    user.click("Measure the error budget", "Button")
    user.measured("squared sliced W₂", "Quality")


def earlier_step(user: User) -> None:
    """An earlier training step is on show, of a session that `score-playground run` wrote."""
    user.press("[")
    user.reads("weights of training step 32")
    user.no_longer_reads("sampling…")


def classes(user: User) -> None:
    trains(user)
    user.click("Sample: advanced settings")
    user.write("guidance w", "1.5", "Sample")


def images(user: User) -> None:
    trains(user)


def two_sets(user: User) -> None:
    trains(user)
    to_the_end(user)
    user.click("Measure the paths.*", "Button")
    user.measured("path energy", "Quality")


def inpainted(user: User) -> None:
    trains(user)


def draws(user: User) -> None:
    """Two strokes take the place of the data."""
    user.click("Data: Drawing", "CheckBox")
    user.reads("nothing drawn yet")
    user.drag("Canvas", (0.2, 0.3), (0.4, 0.6))
    user.reads("drawing · 100")
    user.drag("Canvas", (0.7, 0.3), (0.8, 0.6))


def drawn(user: User) -> None:
    draws(user)
    trains(user)


def pinned(user: User) -> None:
    trains(user)
    to_the_end(user)
    user.press("K")
    user.reads("Runs: 1 pinned")
    user.choose("sampler", "Probability flow")
    to_the_end(user)
    user.press("K")
    user.reads("Runs: 2 pinned")
    user.write("steps", "5", "Sample")
    to_the_end(user)
    user.press("K")
    user.reads("Runs: 3 pinned")


def own_file(user: User) -> None:
    user.click("Open", "Button")
    user.names_file(HERE / "experiments" / "classes.csv")
    user.reads("160 rows")
    trains(user)


SESSIONS: dict[str, tuple[Journey, dict[str, dict[str, object]]]] = {
    "untrained": (untrained, {}),
    "trained": (trained, {"data": {"kind": "two-gaussians"}}),
    "earlier-step": (earlier_step, {"data": {"kind": "pinwheel"}}),
    "classes": (classes, {"data": {"kind": "two-gaussians", "classes": "on"}, "sampling": {"labels": "one"}}),
    "images": (
        images,
        {
            "data": {
                "kind": "images",
                "path": str(HERE / "experiments" / "patches.npz"),
                "points": 50,
                "pixels": 8,
                "colours": "grey",
            },
            "network": {"kind": "u-net", "width": 4, "depth": 1, "features": None},
            "training": {"steps": 1, "batch": 16},
            "sampling": {"particles": 6, "steps": 5},
        },
    ),
    "two-sets": (
        two_sets,
        {
            "data": {"kind": "two-moons", "scale": 3.0},
            "noise": {"kind": "flow-matching", "source": "eight-gaussians", "coupling": "optimal-transport"},
            "sampling": {"kind": "probability-flow", "solver": "euler"},
        },
    ),
    "inpainted": (
        inpainted,
        {"data": {"kind": "swiss-roll"}, "sampling": {"inpainting_mask": "left", "inpainting_image": 1}},
    ),
    "drawn": (drawn, {}),
    "pinned": (pinned, {"data": {"kind": "eight-gaussians"}}),
    "own-file": (own_file, {}),
}


def _joined(settings: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """The settings of SMALL with these; None takes one away."""
    whole = {section: SMALL.get(section, {}) | settings.get(section, {}) for section in {**SMALL, **settings}}
    return {section: {key: one for key, one in keys.items() if one is not None} for section, keys in whole.items()}


def make_session(name: str, folder: Path) -> None:
    """Write a session, its settings, and what its user reads at the end."""
    journey, settings = SESSIONS[name]
    folder.mkdir(parents=True, exist_ok=True)
    session, exported = folder / f"{name}.spg", folder / f"{name}.toml"
    seen: dict[str, str] = {}

    def whole(user: User) -> None:
        user.reads("not trained|trained")
        unfold(user)
        journey(user)
        to_the_end(user)
        user.press("Ctrl+S")
        user.names_file(session)
        user.wait(session.exists, "the session")
        user.wait(lambda: bool(user.finds(rf"{session.name}.*", "Window")), "the name in the title")
        seen.update(look(user))
        user.menu("File", "Export settings…")
        user.names_file(exported)
        user.wait(exported.exists, "the settings")

    with tempfile.TemporaryDirectory() as place:
        start = Path(place) / "start.toml"
        start.write_text(tomli_w.dumps(_joined(settings)))
        if name == "earlier-step":
            assert main(["run", str(start), "--out", str(Path(place) / "run"), "--device", "cpu"]) == 0
            start = Path(place) / "run"
        Desk()(whole, start)
    written = tomllib.loads(exported.read_text("utf-8"))
    if "path" in written["data"]:  # that of this machine, which a session does not keep either
        written["data"]["path"] = Path(written["data"]["path"]).name
    exported.write_text(tomli_w.dumps(written), "utf-8")
    (folder / f"{name}.json").write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n", "utf-8")


def drawing_is_lost(user: User) -> None:
    """The program is killed with a drawing that no file has, after a training of other data."""
    trains(user)
    draws(user)
    user.reads("autosaved [0-2] s ago")
    user.reads("autosaved [7-9] s ago")  # what was not written yet would have been after five


def training_is_lost(user: User) -> None:
    """The program is killed while it trains for hours, with a pinned run of an earlier training."""
    trains(user)
    to_the_end(user)
    user.press("K")
    user.reads("Runs: 1 pinned")
    user.click("Data: Rings", "CheckBox")
    user.reads("Rings · denoising")
    user.unfold("Train")
    user.click("Train: advanced settings")
    user.write("steps", "100000000", "Train")
    user.click("Train the network", "Button", "Train")
    user.reads("steps/s", "Train")
    user.reads("autosaved [4-9] s ago")
    user.reads("autosaved [0-2] s ago")  # the second write has all that was there at the first


KILLED = {"drawing": drawing_is_lost, "training": training_is_lost}
LESSONS = "lessons"


def killed(name: str, folder: Path) -> None:
    """Keep what a killed program leaves of its work."""
    with tempfile.TemporaryDirectory() as place:
        homes = dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"), place)
        victim = [sys.executable, "-m", "tests.golden.make_sessions", place, f"victim-{name}"]
        ended = subprocess.run(victim, env=os.environ | homes, check=False)
        assert ended.returncode == -signal.SIGKILL, "it was not killed"
        (left,) = Path(place).glob("**/recovery/*/")
        (folder / "recovery").mkdir(parents=True, exist_ok=True)
        left.rename(folder / "recovery" / name)


def be_killed(name: str, place: Path) -> None:
    def whole(user: User) -> None:
        KILLED[name](user)
        os.kill(os.getpid(), signal.SIGKILL)

    start = place / "start.toml"
    start.write_text(tomli_w.dumps(SMALL))
    Desk()(whole, start)


def answer_lessons(folder: Path) -> None:
    """Go through a lesson to its end, and through the beginning of another; keep the folder of the answers."""

    def answers(user: User, answer: str) -> None:
        user.click("Next", "Button", "Lesson")
        if answer:
            user.click(answer, "RadioButton", "Lesson")
        else:
            user.click("Your prediction", "Slider", "Lesson")
        user.click("This is my prediction", "Button", "Lesson")
        user.reads("measured", inside="Lesson")

    def whole(user: User) -> None:
        user.reads("not trained")
        user.menu("Learn", "Lessons", "What a score is.*")
        user.reads("step 1 of 4", inside="Lesson")
        for answer in ("", "", "It falls"):
            answers(user, answer)
        user.click("Finish", "Button", "Lesson")
        user.reads("Two moons · denoising")

    with tempfile.TemporaryDirectory() as place:
        start = Path(place) / "start.toml"
        start.write_text(tomli_w.dumps(SMALL))
        Desk()(whole, start)
    kept = platformdirs.user_config_path("score-playground") / LESSONS
    shutil.copytree(kept, folder / LESSONS, dirs_exist_ok=True)


if __name__ == "__main__":
    application = QApplication([])
    target, names = Path(sys.argv[1]).resolve(), sys.argv[2:] or [*SESSIONS, *KILLED, LESSONS]
    for one in names:
        if one.startswith("victim-"):
            be_killed(one.removeprefix("victim-"), target)
        elif one in SESSIONS:
            make_session(one, target)
        elif one in KILLED:
            killed(one, target)
        else:
            answer_lessons(target)
