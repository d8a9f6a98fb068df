"""The parts of the packaging that need no build: the lock, what stays out, the installer's script, the release workflow."""

import ast
import os
import plistlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from PIL import Image, _imaging

import playground
from tests.own_process import ran

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
sys.path.append(str(PACKAGING))  # after the library of the same name

import archives  # noqa: E402
import contents  # noqa: E402
import lock  # noqa: E402
import notices  # noqa: E402
import other_programs  # noqa: E402
import package_test  # noqa: E402
import product  # noqa: E402
import sizes  # noqa: E402
import system_libraries  # noqa: E402

SYSTEMS = sorted(lock.PLATFORMS)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked(system: str) -> dict[str, tuple[Version, int]]:
    """Version and number of hashes of each package in a lock."""
    rows: dict[str, tuple[Version, int]] = {}
    text = (PACKAGING / "lock" / f"{system}.txt").read_text()
    for entry in re.split(r"(?m)^(?=[a-z0-9])", text)[1:]:
        name, version = re.match(r"(\S+)==(\S+)", entry).groups()  # type: ignore[union-attr]
        rows[name] = Version(version), len(re.findall(r"--hash=sha256:[0-9a-f]{64}", entry))
    return rows


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_lock_is_in_step_with_the_project(system: str) -> None:
    rows = locked(system)
    extra = [line for line in (PACKAGING / "requirements.in").read_text().splitlines() if not line.startswith("#")]
    for wanted in map(Requirement, [*PROJECT["dependencies"], *extra]):
        if wanted.marker and not wanted.marker.evaluate({"python_version": lock.PYTHON}):
            continue
        version, _ = rows[wanted.name.lower().replace("_", "-")]
        assert wanted.specifier.contains(version.public), f"run packaging/lock.py: {wanted} against {version}"


@pytest.mark.parametrize(("python", "allowed"), [("3.11", False), ("3.12", True), ("3.14", True)])
def test_the_qt_that_aborts_on_python_3_11_is_left_out_there_alone(python: str, allowed: bool) -> None:
    wanted = [one for one in map(Requirement, PROJECT["dependencies"]) if one.name == "PySide6-Essentials"]
    (here,) = [one for one in wanted if one.marker and one.marker.evaluate({"python_version": python})]
    assert here.specifier.contains("6.12.0") == allowed
    assert here.specifier.contains("6.12.1")


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_locked_version_has_hashes(system: str) -> None:
    rows = locked(system)
    assert len(rows) > 20
    assert all(count for _, count in rows.values())
    assert all(f"\n{name}==" in (PACKAGING / "lock" / f"{system}.txt").read_text() for name in rows)


def test_the_locks_agree_on_versions() -> None:
    public = [{name: version.public for name, (version, _) in locked(system).items()} for system in SYSTEMS]
    for name in set.intersection(*(set(rows) for rows in public)):
        assert len({rows[name] for rows in public}) == 1, name


def test_torch_on_linux_is_the_build_for_the_processor() -> None:
    assert locked("linux")["torch"][0].local == "cpu"
    assert not any(name.startswith(("nvidia", "triton")) for system in SYSTEMS for name in locked(system))


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("libQt6Qml.so.6", True),
        ("PySide6/Qt/lib/libQt6QuickControls2.so.6", True),
        ("PySide6/Qt6VirtualKeyboard.dll", True),
        ("PySide6\\plugins\\imageformats\\qpdf.dll", True),
        ("PySide6/Qt/plugins/qmltooling/libqmldbg_debugger.so", True),
        ("PySide6/Qt/translations/qt_de.qm", True),
        ("torch/include/ATen/ATen.h", True),
        ("torch/bin/protoc", True),
        ("numpy/tests/test_scripts.py", True),
        ("numpy-2.4.6.dist-info/RECORD", True),
        ("numpy-2.4.6.dist-info/METADATA", False),
        ("PySide6/QtWidgets.abi3.so", False),
        ("PySide6/Qt/lib/libQt6Svg.so.6", False),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", False),
        ("PySide6/Qt/plugins/platforms/libqoffscreen.so", False),
        ("PySide6/Qt/plugins/imageformats/libqsvg.so", False),
        ("PySide6/plugins/platforms/qwindows.dll", False),
        ("torch/lib/libtorch_cpu.so", False),
        ("torch/nn/functional.py", False),
        ("torch/bin/torch_shm_manager", False),
        ("playground/theory/fused.py", False),
        ("resources/experiments/two-moons.toml", False),
        ("ziafont/fonts/DejaVuSans.ttf", False),
    ],
)
def test_what_stays_out(path: str, out: bool) -> None:
    assert contents.unwanted(path) == out


def test_every_module_of_the_program_goes_in() -> None:
    modules = contents.hidden_modules(ROOT)
    assert {"playground", "playground.theory.fused", "playground.app.end_to_end_check", "playground.cli.doctor"} <= set(
        modules
    )
    assert "playground.__main__" not in modules
    assert f"shellingham.{os.name}" in modules  # shellingham.detect_shell imports it by this name


def test_nothing_that_the_program_imports_is_excluded() -> None:
    for path in (ROOT / "playground").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                assert not any(name == out or name.startswith(f"{out}.") for out in contents.EXCLUDED_MODULES), path


@pytest.mark.claims  # starts a process
def test_pictures_are_read_without_what_stays_out(tmp_path: Path) -> None:
    pixels = Image.new("RGB", (16, 16), "red")
    pixels.save(tmp_path / "a.png", exif=Image.Exif())
    pixels.convert("CMYK").save(tmp_path / "b.jpg")
    pixels.save(tmp_path / "c.jpg", "MPO", save_all=True, append_images=[pixels])
    code = f"""
import sys
sys.path.append({str(PACKAGING)!r})
import contents
sys.modules |= dict.fromkeys(name for name in contents.EXCLUDED_MODULES if name.startswith("PIL."))
from playground.data import pictures
print(sum(pictures.read_picture(name, 8)[0, 0, 0] > 250 for name in sys.argv[1:]), "are red")
"""
    files = [tmp_path / name for name in ("a.png", "b.jpg", "c.jpg")]
    assert ran(code, *files) == "3 are red\n"


@pytest.mark.claims  # starts a process
def test_charts_are_painted_without_opengl() -> None:
    code = f"""
import runpy, sys
runpy.run_path({str(PACKAGING / "hooks" / "without_opengl.py")!r})
from PySide6.QtWidgets import QApplication
import pyqtgraph
application = QApplication([])
plot = pyqtgraph.PlotWidget()
plot.plot([0, 1, 2], [2, 0, 1], pen="w")
picture = plot.grab().toImage()
assert len({{picture.pixel(x, y) for x in range(picture.width()) for y in range(picture.height())}}) > 2
loaded = [name for name, module in list(sys.modules.items()) if "OpenGL" in name and getattr(module, "__file__", None)]
assert all(name.startswith("pyqtgraph") for name in loaded), loaded
"""
    ran(code)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no library has a name of its own")
def test_the_libraries_that_pillow_needs_have_their_licences_named() -> None:
    needed = subprocess.run(["ldd", _imaging.__file__], capture_output=True, text=True, check=True).stdout
    names = [Path(path).name for path in re.findall(r"=> (\S+pillow\.libs\S+)", needed)]
    for name in names:
        assert any(name.startswith(start) for start in notices.LIBRARIES), f"{name}: name it in packaging/notices.py"


def test_libraries_for_the_screen_are_set_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The screen's fall back on ours, Python's lie beside the program, the building system's others stay out."""
    needed = {
        "qxcb": {"libxcb.so.1", "libz.so.1"},
        "libxcb.so.1": {"libXau.so.6"},
        "_ssl": {"libssl.so.3", "libz.so.1"},
        "libpython3.11.so.1.0": {"libexpat.so.1"},
    }

    def needs(path: str | Path) -> dict[str, Path]:
        return {name: Path("/usr/lib") / name for name in needed.get(Path(path).name, ())}

    monkeypatch.setattr(system_libraries, "needs", needs)
    monkeypatch.setattr(system_libraries, "SCREEN_LIBRARIES", {"libXau.so.6": "libxau6"})
    monkeypatch.setattr(system_libraries, "located", lambda name: Path("/usr/lib") / name)
    window = ("PySide6/Qt/plugins/platforms/libqxcb.so", "/wheel/qxcb", "BINARY")
    module = ("lib-dynload/_ssl.so", "/usr/lib/python3.11/_ssl", "EXTENSION")
    python = ("libpython3.11.so.1.0", "/usr/lib/libpython3.11.so.1.0", "BINARY")
    others = [(name, f"/usr/lib/{name}", "BINARY") for name in ("libgtk-3.so.0", "libm.so.6")]
    beside, fallback = system_libraries.split([window, module, python, *others])
    assert [name for name, _, _ in beside] == [
        *(window[0], module[0], python[0]),
        *("libexpat.so.1", "libssl.so.3", "libz.so.1"),
    ]
    assert [path.name for path in fallback] == ["libXau.so.6", "libxcb.so.1"]  # what it needs comes first


def test_the_version_stands_in_one_place() -> None:
    assert product.version() == playground.__version__
    files = [
        path for path in PACKAGING.rglob("*") if path.suffix in (".py", ".nsi", ".spec") and "lock" not in path.parts
    ]
    for path in files:
        assert f'"{playground.__version__}"' not in path.read_text(encoding="utf-8"), path


def test_macos_reads_a_document_type() -> None:
    plist = plistlib.loads(plistlib.dumps(product.info_plist()))
    (kind,) = plist["CFBundleDocumentTypes"]
    (declared,) = plist["UTExportedTypeDeclarations"]
    assert kind["LSItemContentTypes"] == [declared["UTTypeIdentifier"]]
    assert declared["UTTypeTagSpecification"]["public.filename-extension"] == ["spg"]


@pytest.mark.parametrize(
    ("signer", "asked"),
    [
        (None, {"-"}),
        ("Developer ID Application", {"Developer ID Application", "--timestamp", "runtime", "--entitlements"}),
    ],
)
def test_the_bundle_for_macos_is_signed_by_the_certificate_that_is_given(
    signer: str | None, asked: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "program").mkdir()
    (tmp_path / "program/NOTICES.txt").touch()
    (tmp_path / f"{product.TITLE}.app/Contents/Resources").mkdir(parents=True)
    ran: list[list[str]] = []
    monkeypatch.setattr(product, "SIGNER", signer)
    monkeypatch.setattr(product, "DIST", tmp_path)
    monkeypatch.setattr(product, "FOLDER", tmp_path / "program")
    monkeypatch.setattr(archives, "BUILD", tmp_path / "build")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: ran.append(command))
    archives.disk_image()
    signing, image = ran
    assert set(signing) - {"codesign", "--force", "--deep", "--sign"} >= asked
    assert ("--options" in signing) == (signer is not None)
    assert image[0] == "hdiutil"
    assert all(plistlib.loads(product.ENTITLEMENTS.read_bytes()).values())


def test_heavy_files_without_a_reason_and_broken_budgets_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "score-playground"
    folder.mkdir()
    (folder / "libtorch_cpu.so").write_bytes(bytes(2_000))
    monkeypatch.setattr(product, "FOLDER", folder)
    monkeypatch.setattr(product, "DIST", tmp_path)
    monkeypatch.setattr(product, "SYSTEM", "windows")
    monkeypatch.setattr(sizes, "HEAVY", 1_000)
    assert sizes.main() == 0
    (folder / "mystery.bin").write_bytes(bytes(2_000))
    assert sizes.main() == 1
    assert "NOBODY HAS SAID WHY" in capsys.readouterr().out
    (folder / "mystery.bin").unlink()
    monkeypatch.setattr(sizes, "INSTALLED", 1_999)
    assert sizes.main() == 1
    monkeypatch.setattr(sizes, "INSTALLED", 2_000)
    (tmp_path / "score-playground-1-setup.exe").write_bytes(bytes(50))
    monkeypatch.setattr(sizes, "DOWNLOAD", 49)
    assert sizes.main() == 1


def test_the_icons_of_each_system_are_written(tmp_path: Path) -> None:
    import icons  # opens Qt

    (tmp_path / "icon.ico").write_bytes(icons.ico({size: icons.png(size) for size in icons.ICO_SIZES}))
    (tmp_path / "icon.icns").write_bytes(icons.icns({kind: icons.png(size) for kind, size in icons.ICNS_KINDS.items()}))
    with Image.open(tmp_path / "icon.ico") as windows:
        assert windows.info["sizes"] == {(size, size) for size in icons.ICO_SIZES}
    with Image.open(tmp_path / "icon.icns") as macos:
        macos.load()
        assert macos.size == (1024, 1024)


@pytest.mark.skipif(shutil.which("makensis") is None, reason="needs NSIS")
def test_the_installer_for_windows_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stand-in for the program's folder."""
    folder = tmp_path / "stand in"
    (folder / "_internal").mkdir(parents=True)
    for name in ("score-playground.exe", "Score Playground.exe", "NOTICES.txt", "_internal/python311.dll"):
        (folder / name).write_bytes(b"stand-in")
    icon = tmp_path / "icon.ico"
    import icons  # opens Qt

    icon.write_bytes(icons.ico({size: icons.png(size) for size in icons.ICO_SIZES}))
    monkeypatch.setattr(product, "WINDOWS_ICON", icon)
    made = tmp_path / f"{product.archive_stem()}-setup.exe"
    archives.compile_installer(folder, made)
    assert made.read_bytes()[:2] == b"MZ"


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="needs desktop-file-utils")
def test_the_desktop_entry_is_valid(tmp_path: Path) -> None:
    entry = tmp_path / "score-playground.desktop"
    entry.write_text(archives.DESKTOP)
    assert subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True, check=False).stdout == ""


def test_the_workflow_calls_what_is_there() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text()
    for script in re.findall(r"packaging/[\w-]+\.py", text):
        assert (ROOT / script).is_file(), script
    for system in ("ubuntu", "windows", "macos"):
        assert system in text


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_the_needed_glibc_is_the_newest_that_a_file_asks_for(tmp_path: Path) -> None:
    (tmp_path / "one.so").symlink_to(sys.executable)
    shutil.copyfile(Path(sys.executable).resolve(), tmp_path / "two.so")
    ((path, (minor, names)),) = sizes.asked_of_glibc(tmp_path).items()  # a link is no second file
    assert path == "two.so"
    assert minor >= 2
    assert names
    asked = {"a/one.so": (34, ["dlopen"]), "a/fallback/two.so": (39, ["exp10"]), "three.so": (36, ["arc4random"])}
    assert sizes.needed_glibc(asked) == (2, 36)
    with pytest.raises(SystemExit, match="asks for any version of glibc"):
        sizes.needed_glibc({"a/fallback/two.so": (39, ["exp10"])})


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
@pytest.mark.parametrize(
    ("says", "asked"),
    [
        ("0 DF *UND* 0 (GLIBC_2.34)  dlopen\n0 DF *UND* 0 (GLIBC_2.2.5) getenv", (34, ["dlopen"])),
        ("0 DF *UND* 0 GLIBC_2.34  dlopen\n0 DF *UND* 0 GLIBC_2.2.5 getenv", None),
        ("", None),
    ],
)
def test_an_objdump_that_is_not_understood_ends_the_build(
    says: str, asked: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.so").write_bytes(b"\x7fELF...GLIBC_2.34\0")
    (tmp_path / "data.so").write_bytes(b"\x7fELF...")  # asks for nothing
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda command, **_: subprocess.CompletedProcess(command, 0, says if command[-1].stem == "one" else "", ""),
    )
    if asked is None:
        with pytest.raises(SystemExit, match=r"one\.so names a version of glibc, but objdump -T tells none"):
            sizes.asked_of_glibc(tmp_path)
    else:
        assert sizes.asked_of_glibc(tmp_path) == {"one.so": asked}


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="Windows tells no ticks")
@pytest.mark.parametrize(
    ("ran", "waited", "whole", "others"), [(0.5, 0.4, 0.5, 0.4), (0.5, 0.4, 0.8, 0.1), (0.5, 0.4, 3, 0)]
)
def test_a_wait_that_its_own_threads_may_cause_is_the_program_s(
    ran: float, waited: float, whole: float, others: float, tmp_path: Path
) -> None:
    """By what Linux says of a process: its main thread ran and waited, all its threads ran."""
    ticks = round(whole * os.sysconf("SC_CLK_TCK"))
    (tmp_path / "schedstat").write_text(f"{ran * 1e9:.0f} {waited * 1e9:.0f} 17\n")
    (tmp_path / "stat").write_text(f"7 (score (play) R) S {'0 ' * 10}{ticks // 2} {ticks - ticks // 2} 0 0 20\n")
    assert other_programs.waited_for_others(tmp_path) == pytest.approx(others, abs=1e-6)
    assert other_programs.waited_for_others(tmp_path / "nobody") == 0


def test_only_other_programs_make_a_machine_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    before = other_programs.Clock(100, 5_000, 70)
    assert not other_programs.others_were_busy(before, other_programs.Clock(110, 5_019, 89))  # all of it is its own
    assert other_programs.others_were_busy(before, other_programs.Clock(110, 5_019, 75))
    assert not other_programs.others_were_busy(before, None)
    if sys.platform == "linux":
        first = other_programs.Clock.now()
        subprocess.run([sys.executable, "-c", "sum(range(10**6))"], check=True)
        second = other_programs.Clock.now()
        assert first is not None
        assert second is not None
        assert second.own > first.own
        assert second.work >= second.own - first.own


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no shell scripts")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "never said that it was ready"),
        ("exit 3", "never said that it was ready"),
        ("kill -9 $$", "never said that it was ready"),
        ("echo score-playground $@", "never said that it was ready"),  # another program
        ("echo ready 9 ms; exit 3", "did not stay open until it was closed"),
        ("echo ready 9 ms; exec sleep 60", "did not stay open until it was closed: -15"),
    ],
)
def test_a_program_that_does_nothing_or_dies_fails_every_check_of_the_package(
    script: str, said: str, tmp_path: Path
) -> None:
    folder, program = tmp_path / "program", tmp_path / "program" / "score-playground"
    (folder / "resources" / "experiments").mkdir(parents=True)
    (folder / "resources" / "experiments" / "two-moons.toml").touch()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    table = package_test.Table()
    place = package_test.Place(str(program), folder, (), str(tmp_path), tmp_path)
    with pytest.raises(SystemExit, match=said):
        place.seconds_to_window()
    if "sleep" in script:  # as each command would
        return
    package_test.check_commands(table, place)
    package_test.run_end_to_end_check(table, place, "", "offscreen")
    package_test.check_files(table, folder)
    assert {"selftest", "run without a window", "short script", "stand-alone script"} <= set(table.failed)
    assert {f"offscreen: {name}" for name in package_test.STEPS} <= set(table.failed)
    assert {"data sets, examples, sessions and icons are inside", "licences of everything inside"} <= set(table.failed)


def test_an_archive_that_is_not_there_is_no_reason_to_test_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["package_test.py", "--archive", str(tmp_path / "none.tar.xz")])
    with pytest.raises(SystemExit) as ended:
        package_test.main()
    assert ended.value.code == 2
    assert "none.tar.xz is not there" in capsys.readouterr().err
