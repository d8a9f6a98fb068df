"""The doctor: a verdict on each requirement, and an exit code for failures."""

import ctypes
import json
import math
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.cli import doctor
from playground.cli.doctor import machine, program
from playground.cli.doctor.machine import GIB
from playground.drawing import selftest
from playground.drawing.screen_libraries import SCREEN_LIBRARIES
from playground.lab.claims import Claim, Found
from tests.cli.conftest import Ask

FAILED, WARNING, OK = "FAILED", "warning", "ok"

ROOT = Path(__file__).parents[2]


def verdict(found: Found, low: float = -math.inf, high: float = 0.0) -> str:
    """The verdict on what one requirement returned."""
    return Claim("", "", lambda: found, high, low).checked().verdict


@pytest.mark.parametrize("claim", [*doctor.MACHINE, *doctor.PROGRAM], ids=lambda claim: claim.what)
def test_every_requirement_holds_here(claim: Claim) -> None:
    found = claim.checked()
    assert found.holds  # a machine that runs the tests has everything that the program needs
    assert found.words


def told(found: Found) -> Callable[[], Found]:
    return lambda: found


def table(monkeypatch: pytest.MonkeyPatch, **found: Found) -> None:
    """Replace what is really measured."""
    monkeypatch.setattr(doctor, "MACHINE", ())
    claims = [Claim("a", name, told(one), 0) for name, one in found.items()]
    monkeypatch.setattr(doctor, "PROGRAM", claims)
    monkeypatch.setattr(selftest, "FILMS", ())


def test_the_exit_code_says_whether_a_requirement_failed(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    fine, slow = Found(0, "two"), Found(0, "one", "Take two.")
    table(monkeypatch, cores=fine)
    assert ask("doctor")[0] == 0
    table(monkeypatch, cores=fine, disk=slow)
    code, said, _ = ask("doctor")
    assert code == 0
    assert "warning  one" in said
    assert "Take two." in said
    assert "2 of 2 claims hold; 1 could be better" in said
    table(monkeypatch, cores=fine, disk=Found(1, "none", "Buy one."))
    code, said, _ = ask("doctor")
    assert code == 1
    assert "1 of 2 claims hold" in said
    assert "FAILED  none" in said
    assert "Buy one." in said


def test_json_has_every_verdict_and_nothing_else(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    table(monkeypatch, cores=Found(0, "two"), disk=Found(0, "8 µs", "Take two."))
    code, said, error = ask("doctor", "--json")
    told = json.loads(said)
    assert (code, told["passed"], error) == (0, True, "")
    assert [(one["claim"], one["words"], one["advice"]) for one in told["claims"]] == [
        ("cores", "two", ""),
        ("disk", "8 µs", "Take two."),
    ]
    table(monkeypatch, cores=Found(1, "none", "Buy one."))
    code, said, _ = ask("doctor", "--json")
    assert (code, json.loads(said)["passed"]) == (1, False)


def test_a_check_that_raises_has_failed_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    def broken() -> Found:
        raise RuntimeError("the disk is on fire\nand more")

    table(monkeypatch)
    monkeypatch.setattr(doctor, "MACHINE", (Claim("a", "disk", broken, 0),))
    code, said, error = ask("doctor")
    assert code == 1
    assert "RuntimeError: the disk is on fire" in said
    assert "Send this line" in said
    assert "and more" not in said
    assert error == ""


def test_missing_libraries_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ctypes.CDLL

    def load(name: str, *rest: object) -> object:
        if name == "libxcb-cursor.so.0":
            raise OSError(name)
        return real(None)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", load)
    found = machine.screen_libraries()
    assert verdict(found) == FAILED
    assert found.words == "missing libxcb-cursor.so.0"
    assert found.advice.endswith("apt-get install libxcb-cursor0")


def test_the_libraries_are_those_that_make_installs() -> None:
    lines = (ROOT / "packaging/system-libraries.txt").read_text().splitlines()
    packages = {line for line in lines if line and not line.startswith("#")}
    assert set(SCREEN_LIBRARIES.values()) == packages - {"fonts-dejavu-core"}


@pytest.mark.parametrize(("free", "level"), [(0.2, FAILED), (1.0, WARNING), (4.0, OK)])
def test_memory_is_checked_by_free_memory(free: float, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: (int(free * GIB), 8 * GIB))
    found = machine.memory()
    assert verdict(found, machine.LEAST_MEMORY, math.inf) == level
    assert f"{free:.1f} of 8.0 GiB" in found.words


def test_free_memory_is_part_of_all_memory() -> None:
    free, total = machine.free_memory()
    assert 0 < free <= total


@pytest.mark.parametrize(
    ("name", "version", "level"), [("glibc", "2.31", FAILED), ("glibc", "2.34", OK), ("", "", FAILED)]
)
def test_an_old_c_library_fails(name: str, version: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "libc_ver", lambda: (name, version))
    assert verdict(machine.system()) == level


def test_a_package_needs_the_glibc_that_its_build_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    assert verdict(machine.system()) == OK
    (tmp_path / "glibc.txt").write_text("2.38\n")
    found = machine.system()
    assert verdict(found) == FAILED
    assert found.advice == "The program needs glibc 2.38 or newer: Debian 13, Ubuntu 24.04, Fedora 40 or later."


def test_without_a_display_the_screen_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert verdict(machine.screen()) == WARNING
    monkeypatch.setenv("DISPLAY", ":7")
    assert machine.screen() == Found(0, "DISPLAY=:7")


def test_folders_that_take_no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert verdict(machine.settings_folder()) == WARNING
    assert verdict(machine.temporary_folder()) == FAILED
    assert "Permission denied" in machine.temporary_folder().words


def test_the_checks_write_no_settings(own_places: Path) -> None:
    assert verdict(machine.settings_folder()) == OK
    assert not list(own_places.rglob("score-playground"))


def test_no_temporary_folder_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert verdict(machine.temporary_folder()) == FAILED


def test_slow_training_and_missing_codecs_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "SLOW", 1e9)
    monkeypatch.setattr(program, "SPEED_SECONDS", 0.05)
    assert verdict(program.training()) == WARNING
    monkeypatch.setattr("playground.drawing.video.av.codecs_available", {"gif"})
    found = [claim.checked() for claim in selftest.FILMS]
    assert [claim.verdict for claim in found] == [WARNING, WARNING, OK]
    assert "no encoder for H.264" in found[0].words


def test_fontconfig_s_own_names_are_no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PySide6.QtGui.QFontDatabase.families", lambda: ["Monospace", "Sans Serif", "Serif"])
    found = program.fonts()
    assert verdict(found) == OK
    assert found.words == "Score Playground Inter; no other families for other alphabets"


def test_a_typeface_that_is_not_there_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from PySide6.QtGui import QGuiApplication

    monkeypatch.setattr("playground.drawing.fonts.resource", lambda name: tmp_path / name)
    application = QGuiApplication.instance()
    assert application is not None
    application.setProperty("typeface", False)
    found = Claim("", "fonts", program.fonts, 0).checked()
    assert not found.holds
    assert "Inter-Regular.otf" in found.words


@pytest.mark.qt_log_ignore("Cannot read file .*play.svg")  # what Qt says of it
def test_a_broken_icon_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("experiments", "checkpoints", "icons"):
        (tmp_path / folder).mkdir()
    (tmp_path / "icons/play.svg").write_text("no picture")
    monkeypatch.setattr("playground.resources.resource", lambda name: tmp_path / name)
    found = program.bundled_files()
    assert verdict(found) == FAILED
    assert "play.svg" in found.words
    assert "two-moons" in found.words


def test_the_window_is_not_opened_where_it_would_abort(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    table(monkeypatch)
    monkeypatch.setattr(doctor, "MACHINE", (Claim("a", "screen", lambda: Found(0, "none", "Buy one."), 0),))
    code, said, _ = ask("doctor", "--window")
    assert code == 1
    assert "not opened" in said
