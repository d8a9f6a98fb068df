"""Start, output and interruption of the program."""

import itertools
import math
import os
import re
import signal
import subprocess
import sys
import time
import types
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer

from playground import __version__
from playground.app.canvas import frames
from playground.cli import COMMANDS, main, running
from playground.cli.commands import app
from playground.cli.stopping import ANYWHERE
from playground.drawing.film import at_frame
from playground.drawing.no_display import NO_DISPLAY
from playground.drawing.render import NO_DISPLAY_NEEDED
from playground.drawing.screen_libraries import missing_libraries
from playground.kinds.setting import Field, own_fields
from playground.lab.audit import Audit, Claim
from playground.lab.boltzmann.cost import measure_cost
from playground.lab.boltzmann.settings import Boltzmann
from playground.lab.experiment import fields
from playground.lab.lessons import MeasuredStep, Step
from playground.lab.session import Session
from playground.lab.sweep import folder
from tests.cli.conftest import Ask

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


@pytest.mark.claims
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


@pytest.mark.claims  # starts a process
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


MADE = {
    "window": "from playground.cli import main; raise SystemExit(main([]))",
    "picture": "from playground.drawing.render import headless; headless()",
}
NO_SUCH = r"Qt has no platform of this name: {} \(allowed: .*\boffscreen\b.*\)\. Unset QT_QPA_PLATFORM, or set it to one of these\."
NO_CURSOR = (
    r"Qt's window needs a system library that cannot be loaded: libxcb-cursor\.so\.0\. "
    r"On Debian and Ubuntu: sudo apt-get install libxcb-cursor0\nQt: From 6\.5\.0, xcb-cursor0 .*"
)
NO_SCREEN, NO_PAINTING = re.escape(NO_DISPLAY), re.escape(NO_DISPLAY_NEEDED)
NO_SOCKET, NO_SERVER = r"\nQt: Failed to create wl_display .*", r"\nQt: could not connect to display{}"


@pytest.mark.claims
@pytest.mark.skipif(sys.platform != "linux", reason="Windows and macOS always have a display")
@pytest.mark.skipif(bool(missing_libraries()), reason=f"Qt's xcb cannot be loaded here without {missing_libraries()}")
@pytest.mark.parametrize(
    ("made", "variables", "said"),
    [
        ("window", {}, NO_SCREEN),
        ("window", {"DISPLAY": ":99"}, NO_SCREEN + NO_SERVER.format(" :99")),
        ("window", {"WAYLAND_DISPLAY": "wayland-9"}, NO_SCREEN + NO_SOCKET + NO_SERVER.format("")),
        ("window", {"QT_QPA_PLATFORM": "xcb"}, NO_SCREEN + NO_SERVER.format("")),
        ("window", {"QT_QPA_PLATFORM": "xcb", "DISPLAY": ":99"}, NO_SCREEN + NO_SERVER.format(" :99")),
        ("window", {"QT_QPA_PLATFORM": "nonsense"}, NO_SUCH.format("nonsense")),
        ("window", {"QT_QPA_PLATFORM": "nonsense", "DISPLAY": ":99"}, NO_SUCH.format("nonsense")),
        ("window", {"QT_QPA_PLATFORM": "a;b", "DISPLAY": ":99"}, NO_SUCH.format("a, b")),
        (
            "window",
            {"QT_QPA_PLATFORM": "a;xcb", "DISPLAY": ":99"},
            NO_SCREEN + '\nQt: Could not find .* "a" .*' + NO_SERVER.format(" :99"),
        ),
        ("window", {"DISPLAY": ":99", "LD_LIBRARY_PATH": "unloadable"}, NO_CURSOR),
        ("window", {"LD_LIBRARY_PATH": "unloadable", "QT_QPA_PLATFORM": "xcb"}, NO_SCREEN),
        ("picture", {"QT_QPA_PLATFORM": "xcb", "DISPLAY": ":99"}, NO_PAINTING + NO_SERVER.format(" :99")),
        ("picture", {"QT_QPA_PLATFORM": "nonsense", "DISPLAY": ":99"}, NO_SUCH.format("nonsense")),
        ("picture", {"QT_QPA_PLATFORM": "xcb", "DISPLAY": ":99", "LD_LIBRARY_PATH": "unloadable"}, NO_CURSOR),
    ],
    ids=str,
)
def test_where_qt_would_abort_the_reason_is_said(
    tmp_path: Path, made: str, variables: dict[str, str], said: str
) -> None:
    """A display that is not there, a platform that Qt does not have, and a library that cannot be loaded."""
    (tmp_path / "unloadable").mkdir()
    (tmp_path / "unloadable" / "libxcb-cursor.so.0").touch()
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "XDG_SESSION_TYPE")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment |= {"PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(tmp_path), **variables}
    command = [sys.executable, "-c", MADE[made]]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert re.fullmatch(f"score-playground: {said}\n", done.stderr), done.stderr


@pytest.mark.claims
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
    assert done.stderr.startswith("score-playground: Qt has no platform of this name: nonsense (allowed: ")
    assert not (tmp_path / "a.gif").exists()


def test_a_pipe_gets_plain_lines(moons: Path, tmp_path: Path, ask: Ask) -> None:
    _, said, progress = ask("sample", moons, "--out", tmp_path / "a.npz")
    assert progress.splitlines()[0] == "Sampling ..."
    assert "\x1b" not in said + progress
    assert "\r" not in said + progress


RESULTS = {
    "sample": r"Score evaluations: .*|The final points of .*",
    "likelihood": r"Mean log-likelihood .*; each is in .*",
    "decode": r"2 codes are decoded in .*",
    "interpolate": r"The interpolation, 3 points, is in .*",
    "video": r"The video is .*",
    "script": r"The script is .*",
    "boltzmann": r" *(units|\d+|states|Z|NLL|optimal|above|log Z|\|∇.*\||samples) .*|Z of 5 units .*|Everything is in .*",
    "scenes": r"claim +measured +bound|\S.*\.|  \w+ .*\d  (none|at .*|.* to .*)",
    "lesson": r"claim +measured +bound|\S.*|  \d\. .*  ok  (Measured|can be drawn).*",
    "sweep": r"sampling\.steps 3: .*|The (tables|pictures) are .*",
}
"""The lines of standard output that are the results of each command."""


@pytest.mark.parametrize("command", RESULTS)
def test_standard_output_has_the_results_alone(
    command: str, moons: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe reads them without progress, notes and warnings, which go to standard error."""
    monkeypatch.setattr("playground.cli.boltzmann.measure_cost", lambda: measure_cost(2, 5))
    (tmp_path / "two.csv").write_text("x,y\n0,1\n1,-0.5\n")
    (tmp_path / "codes.csv").write_text("z0,z1\n0.3,0.1\n0.1,0.2\n")
    (tmp_path / "sweep.toml").write_text(
        "experiment.sampling = { source = 'exact', particles = 60 }\n[axes]\n'sampling.steps' = [3]\n"
    )
    out, fast = f"--out={tmp_path / 'out.csv'}", "--set=likelihood.tolerance=0.1"
    arguments: dict[str, list[object]] = {
        "sample": [moons, out],
        "likelihood": [moons, f"--points={tmp_path / 'two.csv'}", out, fast],
        "decode": [moons, f"--latent={tmp_path / 'codes.csv'}", out, fast],
        "interpolate": [moons, f"--points={tmp_path / 'two.csv'}", "--count=3", out, fast],
        "video": [moons, f"--out={tmp_path / 'out.gif'}", "--size=64x64", "--fps=5"],
        "script": [moons, f"--out={tmp_path / 'out.py'}"],
        "boltzmann": [f"--out={tmp_path / 'out'}", "--set=steps=3"],
        "scenes": ["annealing"],
        "lesson": ["check", "05-langevin-weights"],
        "sweep": [tmp_path / "sweep.toml", f"--out={tmp_path / 'out'}", "--workers=1"],
    }
    if command in ("scenes", "lesson"):
        monkeypatch.setattr("playground.cli.lessons.measure", measured_at_once)
    assert main([command, *map(str, arguments[command])]) == 0
    said, progress = capfd.readouterr()
    assert [line for line in said.splitlines() if re.fullmatch(RESULTS[command], line) is None] == []
    assert said
    assert (" ...\n" in progress) == (command != "script")


def measured_at_once(step: Step, device: str, store: object) -> Iterator[tuple[float, MeasuredStep]]:
    """The figures of a step, all within their bounds."""
    middle = {
        name: next(bound for bound in (figure.at_least, figure.at_most, 0.5) if math.isfinite(bound))
        for name, figure in step.asked.items()
    }
    yield 1.0, MeasuredStep(step, middle)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sample", "x"], "Missing option '--out'; see score-playground sample --help."),
        (["lesson", "report", "x"], "Missing option '--out'; see score-playground lesson report --help."),
        (["audit", "vp", "--zz"], "No such option: --zz; see score-playground audit --help."),
        (["--zz"], "No such option: --zz; see score-playground --help."),
        (["run", "--out"], "Option '--out' requires an argument; see score-playground run --help."),
        (["script", "--set"], "Option '--set' requires an argument; see score-playground script --help."),
        (
            ["lesson", "report", "--out"],
            "Option '--out' requires an argument; see score-playground lesson report --help.",
        ),
        (
            ["lesson"],
            "lesson needs check, new, page or report after it, as in score-playground lesson check: see score-playground lesson --help.",
        ),
    ],
)
def test_a_command_that_lacks_something_names_its_own_help(arguments: list[str], sentence: str, ask: Ask) -> None:
    assert ask(*arguments) == (2, "", f"score-playground: {sentence}\n")
    command = sentence.rpartition("see score-playground ")[2].removesuffix(" --help.").split()
    if command != ["--help."]:
        assert ask(*command, "--help")[0] == 0


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("score-playground le", {"lesson"}),
        ("score-playground run --se", {"--set", "--seed"}),
        ("score-playground lesson ", {"check", "new", "page", "report"}),
        ("score-playground --plugin x.py aud", {"audit"}),
    ],
)
def test_a_shell_is_told_what_may_follow(
    words: str, completed: set[str], ask: Ask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It calls the program without arguments, and no window opens."""
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    monkeypatch.setenv("_SCORE_PLAYGROUND_COMPLETE", "complete_bash")
    with pytest.raises(SystemExit) as end:
        ask()
    assert end.value.code == 0
    assert set(capsys.readouterr().out.split()) == completed


def test_the_script_of_completion_asks_the_program(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_SCORE_PLAYGROUND_COMPLETE", "source_bash")
    with pytest.raises(SystemExit):
        ask()
    script = capsys.readouterr().out
    assert "_SCORE_PLAYGROUND_COMPLETE=complete_bash $1" in script
    assert "-F _score_playground_completion score-playground" in script
    monkeypatch.delenv("_SCORE_PLAYGROUND_COMPLETE")
    assert "--install-completion" in ask("--help")[1]


@pytest.mark.claims
@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no broken pipes")
@pytest.mark.parametrize("command", ["--version", "--help", "selftest"])
def test_a_closed_pipe_is_no_failed_check(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    asked = [sys.executable, "-m", "playground", command]
    found = subprocess.run(asked, stdout=writing, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    os.close(writing)
    assert (found.returncode, found.stderr) == (141, b"")


@pytest.mark.claims
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
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Data: two moons, ")
        assert process.stderr.readline() == "Training ...\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said, error = process.communicate()
    assert (process.returncode, said) == (130, "")
    assert "Traceback" not in error
    assert error.endswith(f"\nInterrupted: {running.UNTRAINED}\n")
    assert [file.name for file in tmp_path.iterdir()] == ["long.toml"]


@pytest.mark.parametrize("stage", ["paint_picture", "paint_video", "run_figures"])
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
    assert (
        f"Interrupted: {out} has the trained network, and these complete files: experiment.toml, model.safetensors"
        in error
    )
    told = re.search(r"complete files: (.*?)\. ", error)
    assert told is not None
    assert {*told[1].split(", "), "notes.txt"} == {file.name for file in out.iterdir()}
    assert f"score-playground sample {out} goes on from there" in error
    assert Session.load(out / "model.safetensors").weights
    assert (out / "notes.txt").exists()
    assert not (out / "video.mp4").exists()
    assert not [file for file in out.iterdir() if file.name.startswith(".")]


@pytest.mark.claims
def test_a_pipe_that_knows_few_letters_gets_the_others_as_question_marks(tmp_path: Path) -> None:
    """On Windows a pipe has the letters of the country, without √ and W₂."""
    command = [sys.executable, "-m", "playground", "audit", "two-gaussians"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "distance of a coordinate, times ?n" in done.stdout.decode("cp1252")


@pytest.mark.claims
def test_an_empty_platform_is_none(moons: Path, tmp_path: Path) -> None:
    """With an empty value Qt would look for a display, and abort the process if there is none."""
    variables = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    film = tmp_path / "film.gif"
    command = [sys.executable, "-m", "playground", "video", str(moons), "--out", str(film), "--size=64x64", "--fps=5"]
    environment = {**variables, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert film.stat().st_size > 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for other processes")
@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_between_two_pictures_of_a_film_leaves_nothing(
    moons: Path, tmp_path: Path, ask: Ask, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = getattr(signal, sent)
    asked = itertools.count()

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
    assert error.endswith(f"\nInterrupted: {ANYWHERE}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.claims
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
        _, error = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM, error
    assert error.endswith(f"\nInterrupted: {ANYWHERE}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for other processes")
def test_a_sweep_that_is_stopped_says_how_many_cells_are_complete_and_goes_on(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "seeds = 3\nexperiment.sampling = { source = 'exact', particles = 60 }\n[axes]\n'sampling.steps' = [3]\n"
    (tmp_path / "sweep.toml").write_text(text)
    asked = ("sweep", tmp_path / "sweep.toml", "--out", tmp_path / "out", "--workers=1")
    write = folder.write

    def stopped(*arguments: Any) -> None:
        write(*arguments)
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "write", stopped)
        code, said, error = ask(*asked)
    assert (code, said) == (143, "")
    place = tmp_path / "out"
    assert error.endswith(
        f"\nInterrupted: 1 of 3 cells are complete in {place}. The same command goes on with the others.\n"
    )
    code, _, error = ask(*asked)
    assert (code, "1 of 3 cells are there already" in error) == (0, True)


def stop() -> float:
    raise KeyboardInterrupt


def test_claims_that_are_stopped_are_counted(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = (Claim("a", "one", lambda: 0.5, 1.0), Claim("a", "two", stop, 1.0), Claim("a", "three", lambda: 0.5, 1.0))
    for place in ("drawing.selftest.selftest", "lab.audit.audit"):
        monkeypatch.setattr(f"playground.{place}", lambda *asked: Audit("", "", claims))
    told = "Interrupted: 1 of 3 claims are measured. No file is written, and the same command begins anew."
    for asked in (("selftest",), ("selftest", "--json"), ("audit", "vp", "--out", tmp_path / "table.csv")):
        code, said, error = ask(*asked)
        assert (code, error.splitlines()[-1]) == (130, told)
        assert ("one" in said) == ("--json" not in asked)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (("scenes",), ["langevin-weights", "order"]),
        (("lesson", "check"), ["05-langevin-weights", "06-low-density"]),
    ],
)
def test_what_is_not_measured_yet_is_named_in_the_command_that_does(
    command: tuple[str, ...], names: list[str], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(step: Step, device: str, store: object) -> Iterator[tuple[float, MeasuredStep]]:
        settings = step.shown_settings
        first = settings.data.kind == "two-gaussians" and settings.noise.kind != "single"
        if not first:
            stop()
        return measured_at_once(step, device, store)

    monkeypatch.setattr("playground.cli.lessons.measure", measure)
    code, _, error = ask(*command, *names)
    left = " ".join((*command, names[1]))
    told = f"Interrupted: 1 of 2 are measured. For the others: score-playground {left}"
    assert (code, error.splitlines()[-1]) == (130, told)


def test_a_command_restores_the_signal_handler(ask: Ask) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert ask("--version")[0] == 0
    assert signal.getsignal(signal.SIGTERM) is before
