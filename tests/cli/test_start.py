"""Start, output and interruption of the program."""

import itertools
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer

from playground import __version__
from playground.app.canvas import frames
from playground.cli import COMMANDS, main
from playground.cli.commands import app
from playground.drawing.no_display import NO_DISPLAY
from playground.kinds.setting import Field, own_fields
from playground.lab.boltzmann.settings import Boltzmann
from playground.lab.experiment import fields
from playground.lab.session import Session

Ask = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


def test_version_and_help(ask: Ask) -> None:
    assert ask("--version") == (0, f"score-playground {__version__}\n", "")
    code, said, _ = ask("--help")
    assert code == 0
    for command in COMMANDS:
        assert command in said
        code, described, _ = ask(command, "--help")
        assert code == 0
        assert ("--out" in described) == (command not in ("scenes", "lesson", "selftest", "doctor"))
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]
    assert set(COMMANDS) == commands | {group.name for group in app.registered_groups}


@pytest.mark.parametrize(
    ("command", "known", "keys"),
    [
        *((command, fields(), "*.kind") for command in ("run", "audit")),
        ("sample", fields(), "sampling.kind"),
        *((command, fields(), "likelihood.*") for command in ("likelihood", "decode", "interpolate")),
        ("boltzmann", own_fields(Boltzmann), "*"),
    ],
)
def test_help_lists_the_choices_of_what_a_command_takes(
    command: str, known: Mapping[str, Field], keys: str, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    lists = [f"{key}: {', '.join(field.choices)}" for key, field in known.items() if field.choices]
    expected = [text for text in lists if fnmatch(text.partition(":")[0], keys)]
    _, said, _ = ask(command, "--help")
    assert expected
    assert [text for text in lists if text in said] == expected


@pytest.mark.parametrize("command", COMMANDS)
def test_help_breaks_no_word_on_a_narrow_terminal(command: str, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    described = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    _, said, _ = ask(command, "--help")
    for option in described.params:
        for word in (option.metavar or "", *option.help.split()):
            assert word in said
    assert "…" not in said


def test_version_and_help_load_neither_torch_nor_qt() -> None:
    for option in ("--version", "--help"):
        code = f"import sys; from playground.cli import main; main([{option!r}]); sys.exit(bool({{'torch', 'PySide6'}} & set(sys.modules)))"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_the_first_picture_waits_for_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    code = """
import os, sys
from PySide6.QtWidgets import QApplication, QLabel
from playground.app import main
from playground.app.style import theme

def painted():
    loaded = {"torch", "typer", "av", "PIL", "ziamath", "numpy.ma", "concurrent.futures"} & set(sys.modules)
    labels = next(window for window in QApplication.topLevelWidgets() if window.objectName() == "window").findChildren(QLabel)
    fonts = {label.font().family() for label in labels} - {theme.text_font().family(), theme.number_font().family()}
    sheeted = {label.font().pixelSize() for label in labels if label.property("role") == "caption"}
    print(loaded, fonts, sheeted, flush=True)
    os._exit(0)

main._say_ready = painted
from playground.cli import main as command
command([])
"""
    variables = {"PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen", "SCORE_PLAYGROUND_READY": "1"}
    variables |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.stdout == "set() set() {12}\n", done.stderr


def test_no_garbage_is_looked_for_among_the_classes_of_the_window(tmp_path: Path) -> None:
    code = """
import gc, os
before = gc.get_stats()[2]["collections"]

def frozen():  # once all is imported
    print(gc.get_stats()[2]["collections"] - before, gc.isenabled(), flush=True)
    os._exit(0)

gc.freeze = frozen
from playground.cli import main
main([])
"""
    variables = {"PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.stdout == "0 False\n", done.stderr


def test_without_arguments_the_window_opens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[tuple[Path | None, bool]] = []

    def launch(path: Path | None, kept_plugins: bool) -> int:
        opened.append((path, kept_plugins))
        return 0

    window = types.ModuleType("playground.app.main")
    window.launch = launch  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "playground.app.main", window)
    (tmp_path / "points.csv").write_text("x,y\n")
    assert main([]) == 0
    assert main([str(tmp_path / "points.csv")]) == 0
    assert main([str(tmp_path)]) == 0
    assert main(["--no-plugins", str(tmp_path)]) == 0
    assert opened == [(None, True), (tmp_path / "points.csv", True), (tmp_path, True), (tmp_path, False)]


def test_without_a_display_the_window_is_refused(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    code, _, error = ask()
    assert code == 2
    assert "There is no display here" in error


@pytest.mark.skipif(sys.platform != "linux", reason="Windows and macOS always have a display")
@pytest.mark.parametrize(
    "variables",
    [{"DISPLAY": ":99"}, {"WAYLAND_DISPLAY": "wayland-9"}, {"QT_QPA_PLATFORM": "nonsense"}, {"QT_QPA_PLATFORM": "xcb"}],
    ids=str,
)
def test_where_qt_would_abort_the_window_is_refused(tmp_path: Path, variables: dict[str, str]) -> None:
    """A display that is not there, and a platform that Qt does not have."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment |= {"PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(tmp_path), **variables}
    command = [sys.executable, "-m", "playground"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr == f"score-playground: {NO_DISPLAY}\n"


def test_a_picture_on_an_unknown_platform_is_refused(moons: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "playground",
        "video",
        str(moons),
        "--out",
        str(tmp_path / "a.gif"),
        "--size=64x64",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "nonsense"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("score-playground: Qt has no platform of this name: unset QT_QPA_PLATFORM")
    assert not (tmp_path / "a.gif").exists()


def test_a_pipe_gets_plain_lines(moons: Path, tmp_path: Path, ask: Ask) -> None:
    _, said, _ = ask("sample", moons, "--out", tmp_path / "a.npz")
    assert said.splitlines()[0] == "Sampling ..."
    assert "\x1b" not in said
    assert "\r" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no broken pipes")
@pytest.mark.parametrize("command", ["--version", "--help", "selftest"])
def test_a_closed_pipe_is_no_failed_check(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    asked = [sys.executable, "-m", "playground", command]
    found = subprocess.run(asked, stdout=writing, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    os.close(writing)
    assert (found.returncode, found.stderr) == (141, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for other processes")
def test_interrupting_leaves_nothing_half_done(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text("[training]\nseconds = 600\n")
    command = [sys.executable, "-m", "playground", "run", "long.toml", "--out", "out"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Data: two moons, ")
        assert process.stdout.readline() == "Training ...\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert [file.name for file in tmp_path.iterdir()] == ["long.toml"]


@pytest.mark.parametrize("stage", ["paint_picture", "paint_video", "_evaluate"])
def test_an_interrupted_run_leaves_whole_files_of_one_run(
    stage: str, tmp_path: Path, ask: Ask, quickest: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.toml").write_text("")
    out = tmp_path / "out"
    out.mkdir()
    (out / "video.mp4").write_text("of an earlier run")
    (out / "notes.txt").write_text("the user's own")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"playground.cli.running.{stage}", stop)
    code, _, error = ask("run", tmp_path / "empty.toml", "--out", out, "--overwrite", *quickest)
    assert code == 130
    assert "Interrupted" in error
    assert Session.load(out / "model.safetensors").weights
    assert (out / "notes.txt").exists()
    assert not (out / "video.mp4").exists()
    assert not [file for file in out.iterdir() if file.name.startswith(".")]


def test_a_pipe_that_knows_few_letters_gets_the_others_as_question_marks(tmp_path: Path) -> None:
    """On Windows a pipe has the letters of the country, without √ and W₂."""
    command = [sys.executable, "-m", "playground", "audit", "two-gaussians"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "distance of a coordinate, times ?n" in done.stdout.decode("cp1252")


def test_an_empty_platform_is_none(moons: Path, tmp_path: Path) -> None:
    """With an empty value Qt would look for a display, and abort the process if there is none."""
    variables = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    film = tmp_path / "film.gif"
    command = [sys.executable, "-m", "playground", "video", str(moons), "--out", str(film), "--size=64x64", "--fps=5"]
    environment = {**variables, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert film.stat().st_size > 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for other processes")
@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_between_two_pictures_of_a_film_leaves_nothing(
    moons: Path, tmp_path: Path, ask: Ask, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = getattr(signal, sent)
    at_frame, asked = frames.at_frame, itertools.count()

    def stopped(*arguments: Any) -> Any:
        if next(asked) == 10:
            assert [file.suffix for file in tmp_path.glob(".film-*")] == [".mp4"]
            os.kill(os.getpid(), number)
        return at_frame(*arguments)

    monkeypatch.setattr(frames, "at_frame", stopped)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
    try:
        code, _, error = ask("video", moons, "--out", tmp_path / "film.mp4", "--size=128x96")
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 128 + number
    assert error == "\nInterrupted: nothing half-written is left behind.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for other processes")
def test_a_process_that_films_ends_by_the_signal_and_leaves_nothing(moons: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "playground", "video", str(moons), "--out", str(tmp_path / "film.mp4")]
    with subprocess.Popen(
        [*command, "--size=1920x1080", "--fps=120"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        while process.poll() is None and not any(file.stat().st_size for file in tmp_path.glob(".film-*.mp4")):
            time.sleep(0.01)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert error == "\nInterrupted: nothing half-written is left behind.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_command_restores_the_signal_handler(ask: Ask) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert ask("--version")[0] == 0
    assert signal.getsignal(signal.SIGTERM) is before
