"""The doctor: a verdict on each requirement, and an exit code for failures."""

import ctypes
import json
import tempfile
from pathlib import Path

import pytest

from playground.cli import doctor
from playground.cli.doctor import machine, program
from playground.cli.doctor.machine import GIB
from playground.cli.doctor.verdict import FAILED, OK, WARNING, Verdict
from playground.drawing.screen_libraries import SCREEN_LIBRARIES
from tests.cli.conftest import Ask

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [*doctor.MACHINE, *doctor.PROGRAM])
def test_every_requirement_has_a_verdict_here(name: str) -> None:
    verdict = {**doctor.MACHINE, **doctor.PROGRAM}[name]()
    assert verdict.level in (OK, WARNING)  # a machine that runs the tests has everything that the program needs
    assert verdict.found
    assert (verdict.level == OK) == (verdict.advice == "")


def table(monkeypatch: pytest.MonkeyPatch, **verdicts: Verdict) -> None:
    """Replace the real verdicts by fixed ones."""
    monkeypatch.setattr(doctor, "MACHINE", {})
    monkeypatch.setattr(
        doctor, "PROGRAM", {name: (lambda verdict=verdict: verdict) for name, verdict in verdicts.items()}
    )


def test_the_exit_code_says_whether_a_requirement_failed(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    fine, slow = Verdict(OK, "two"), Verdict(WARNING, "one", "Take two.")
    table(monkeypatch, cores=fine)
    assert ask("doctor")[0] == 0
    table(monkeypatch, cores=fine, disk=slow)
    code, said, _ = ask("doctor")
    assert code == 0
    assert "Take two." in said
    assert "1 of 2 could be better" in said
    table(monkeypatch, cores=fine, disk=Verdict(FAILED, "none", "Buy one."))
    code, said, _ = ask("doctor")
    assert code == 1
    assert "1 of 2 failed" in said
    assert "Buy one." in said


def test_json_has_every_verdict_and_nothing_else(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    table(monkeypatch, cores=Verdict(OK, "two"), disk=Verdict(WARNING, "8 µs", "Take two."))
    code, said, error = ask("doctor", "--json")
    fine = {"name": "cores", "level": "ok", "found": "two", "advice": ""}
    slow = {"name": "disk", "level": "warning", "found": "8 µs", "advice": "Take two."}
    assert (code, json.loads(said), error) == (0, {"works": True, "checks": [fine, slow]}, "")
    table(monkeypatch, cores=Verdict(FAILED, "none", "Buy one."))
    code, said, _ = ask("doctor", "--json")
    assert (code, json.loads(said)["works"]) == (1, False)


def test_a_check_that_raises_while_shown_has_failed(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    def broken() -> Verdict:
        raise RuntimeError("the disk is on fire\nand more")

    monkeypatch.setattr(doctor, "MACHINE", {"disk": broken})
    monkeypatch.setattr(doctor, "PROGRAM", {})
    code, said, error = ask("doctor")
    assert code == 1
    assert "RuntimeError: the disk is on fire" in said
    assert "and more" not in said
    assert error == ""


def test_missing_libraries_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ctypes.CDLL

    def load(name: str, *rest: object) -> object:
        if name == "libxcb-cursor.so.0":
            raise OSError(name)
        return real(None)

    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.ctypes, "CDLL", load)
    verdict = machine.screen_libraries()
    assert verdict.level == FAILED
    assert verdict.found == "missing libxcb-cursor.so.0"
    assert verdict.advice.endswith("apt-get install libxcb-cursor0")


def test_the_libraries_are_those_that_make_installs() -> None:
    lines = (ROOT / "packaging/system-libraries.txt").read_text().splitlines()
    packages = {line for line in lines if line and not line.startswith("#")}
    assert set(SCREEN_LIBRARIES.values()) == packages - {"fonts-dejavu-core"}


@pytest.mark.parametrize(("free", "level"), [(0.2, FAILED), (1.0, WARNING), (4.0, OK)])
def test_memory_is_checked_by_free_memory(free: float, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: (int(free * GIB), 8 * GIB))
    verdict = machine.memory()
    assert verdict.level == level
    assert f"{free:.1f} of 8.0 GiB" in verdict.found


def test_free_memory_is_part_of_all_memory() -> None:
    free, total = machine.free_memory()
    assert 0 < free <= total


@pytest.mark.parametrize(
    ("name", "version", "level"), [("glibc", "2.31", FAILED), ("glibc", "2.34", OK), ("", "", FAILED)]
)
def test_an_old_c_library_fails(name: str, version: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.platform, "libc_ver", lambda: (name, version))
    assert machine.system().level == level


def test_a_package_needs_the_glibc_that_its_build_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.sys, "_MEIPASS", str(tmp_path), raising=False)
    monkeypatch.setattr(machine.platform, "libc_ver", lambda: ("glibc", "2.36"))
    assert machine.system().level == OK
    (tmp_path / "glibc.txt").write_text("2.38\n")
    verdict = machine.system()
    assert verdict.level == FAILED
    assert verdict.advice == "The program needs glibc 2.38 or newer: Debian 13, Ubuntu 24.04, Fedora 40 or later."


def test_without_a_display_the_screen_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.sys, "platform", "linux")
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert machine.screen().level == WARNING
    monkeypatch.setenv("DISPLAY", ":7")
    assert machine.screen() == Verdict(OK, "DISPLAY=:7")


def test_folders_that_take_no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(machine.tempfile, "TemporaryFile", refuse)
    assert machine.settings_folder().level == WARNING
    assert machine.temporary_folder().level == FAILED
    assert "Permission denied" in machine.temporary_folder().found


def test_the_checks_write_no_settings(own_places: Path) -> None:
    assert machine.settings_folder().level == OK
    assert not list(own_places.rglob("score-playground"))


def test_no_temporary_folder_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert machine.temporary_folder().level == FAILED


def test_slow_training_and_missing_codecs_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "SLOW", 1e9)
    monkeypatch.setattr(program, "SPEED_SECONDS", 0.05)
    assert program.training().level == WARNING
    monkeypatch.setattr("playground.drawing.video.av.codecs_available", {"gif"})
    verdict = program.video()
    assert verdict.level == WARNING
    assert "no encoder for H.264" in verdict.found


def test_fontconfig_s_own_names_are_no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PySide6.QtGui.QFontDatabase.families", lambda: ["Monospace", "Sans Serif", "Serif"])
    verdict = program.fonts()
    assert verdict.level == OK
    assert verdict.found == "Score Playground Inter; no other families for other alphabets"


def test_a_typeface_that_is_not_there_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from PySide6.QtGui import QGuiApplication

    monkeypatch.setattr("playground.drawing.fonts.resource", lambda name: tmp_path / name)
    QGuiApplication.instance().setProperty("typeface", False)
    verdict = dict(doctor.examine({"fonts": program.fonts}))["fonts"]
    assert verdict.level == FAILED
    assert "Inter-Regular.otf" in verdict.found


@pytest.mark.qt_log_ignore("Cannot read file .*play.svg")  # what Qt says of it
def test_a_broken_icon_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("experiments", "checkpoints", "icons"):
        (tmp_path / folder).mkdir()
    (tmp_path / "icons/play.svg").write_text("no picture")
    monkeypatch.setattr("playground.resources.resource", lambda name: tmp_path / name)
    verdict = program.bundled_files()
    assert verdict.level == FAILED
    assert "play.svg" in verdict.found
    assert "two-moons" in verdict.found


def test_the_window_is_not_opened_where_it_would_abort(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    monkeypatch.setattr(doctor, "MACHINE", {"screen": lambda: Verdict(WARNING, "none", "Buy one.")})
    monkeypatch.setattr(doctor, "PROGRAM", {})
    code, said, _ = ask("doctor", "--window")
    assert code == 1
    assert "not opened" in said
