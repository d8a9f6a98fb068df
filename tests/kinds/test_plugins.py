"""Plug-ins: from a file by an option, and from an installed package."""

import csv
import hashlib
import os
import py_compile
import re
import subprocess
import sys
from pathlib import Path

import pytest

from playground.app.model.preferences import Preferences
from playground.cli import main
from playground.kinds import plugins
from playground.kinds.kind import forget
from playground.lab.experiment import ExperimentError, parse
from playground.lab.sweep.orders import Order
from playground.user_errors import UserError
from tests.own_process import ran

ROOT = Path(__file__).parents[2]
CROSS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/plugins.md").read_text(encoding="utf-8"), re.S)[0]


@pytest.fixture
def cross(tmp_path: Path) -> Path:
    """The plug-in of docs/plugins.md."""
    path = tmp_path / "cross.py"
    path.write_text(CROSS, encoding="utf-8")
    return path


def test_the_plugin_of_the_page_is_a_kind_like_the_others(cross: Path) -> None:
    with pytest.raises(ExperimentError, match="cross"):
        parse('[data]\nkind = "cross"\n')
    (kind,) = plugins.load_plugin(cross)
    assert (kind.section, kind.name()) == ("data", "cross")
    assert parse('[data]\nkind = "cross"\n').data.load(100).points.shape == (50_000, 2)


@pytest.mark.claims
def test_kinds_that_a_plugin_is_the_first_to_import_are_not_its_own(cross: Path) -> None:
    code = (
        "from pathlib import Path; from playground.kinds.plugins import load_plugin; "
        f"print([kind.name() for kind in load_plugin(Path({str(cross)!r}))])"
    )
    assert ran(code) == "['cross']\n"


@pytest.mark.claims
def test_the_option_comes_before_a_command(cross: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["data.kind=cross", "data.points=500", "training.steps=2", "sampling.steps=2", "sampling.particles=60"]
    given = [word for setting in [*settings, "likelihood.points=10"] for word in ("--set", setting)]
    assert main(["--plugin", str(cross), "run", "--out", str(tmp_path / "out"), *given]) == 0
    assert "a cross" in capsys.readouterr().err
    assert main(["run", "--plugin", str(cross)]) == 2
    assert main(["--plugin"]) == 2
    assert "needs the name of a file" in capsys.readouterr().err


@pytest.mark.claims
def test_the_processes_of_a_sweep_have_it_too(cross: Path, tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text(
        'seeds = 2\n[experiment]\ndata.kind = "cross"\ndata.points = 500\nsampling.source = "exact"\n'
        'sampling.particles = 60\n[axes]\n"sampling.steps" = [2]\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "playground", f"--plugin={cross}", "sweep", str(tmp_path / "sweep.toml")]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out"), "--workers", "2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stdout
    with (tmp_path / "out" / "cells.csv").open(encoding="utf-8", newline="") as file:
        assert all(float(row["sliced_wasserstein2"]) > 0 for row in csv.DictReader(file))


def test_a_job_array_names_the_plugins_that_its_cells_need(cross: Path, tmp_path: Path) -> None:
    source, script = tmp_path / "sweep.toml", tmp_path / "array.sh"
    source.write_text('[experiment]\ndata.kind = "cross"\n[axes]\n"sampling.steps" = [2, 3]\n', encoding="utf-8")
    words = ["sweep", str(source), "--out", str(tmp_path / "out"), "--slurm", str(script)]
    assert main(["--plugin", str(cross), *words]) == 0
    assert f" -m playground --plugin {cross.resolve()} sweep " in script.read_text(encoding="utf-8")


def kept(path: Path) -> None:
    """Put a file into the preferences' list, as it is now."""
    preferences = Preferences()
    preferences.set("plugins", {str(path.resolve()): hashlib.sha256(path.read_bytes()).hexdigest()})
    preferences.flush()


def test_a_command_loads_the_list_of_the_preferences(
    cross: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(cross)
    script = ["script", str(tmp_path / "cross.toml"), "--out", str(tmp_path / "cross.py.out.py")]
    (tmp_path / "cross.toml").write_text('[data]\nkind = "cross"\n', encoding="utf-8")
    assert main(["--no-plugins", *script]) == 2
    assert "If a plug-in adds it, load that first" in capsys.readouterr().err
    assert main(["--version"]) == 0
    assert plugins.loaded == {}
    capsys.readouterr()
    assert main(script) == 0
    assert cross.resolve() in plugins.loaded
    assert capsys.readouterr().err == ""


def test_a_file_of_the_list_that_has_changed_runs_only_if_it_is_named(
    cross: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(cross)
    before = Preferences().get("plugins")
    cross.write_text(CROSS + f"\nimport pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n", encoding="utf-8")
    (tmp_path / "cross.toml").write_text('[data]\nkind = "cross"\n', encoding="utf-8")
    script = ["script", str(tmp_path / "cross.toml"), "--out", str(tmp_path / "out.py")]
    assert main(script) == 2
    said = capsys.readouterr().err
    assert "The plug-in cross.py has changed since it was loaded last, and is not loaded." in said
    assert f"To run it as it is now, name it: --plugin {cross.resolve()}" in said
    assert not (tmp_path / "ran").exists()
    assert main(["--plugin", str(cross), *script]) == 0
    assert (tmp_path / "ran").exists()
    assert capsys.readouterr().err == ""
    assert Preferences().get("plugins") == before


def test_a_file_of_the_list_that_is_missing_or_fails_ends_no_command(
    cross: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cross.write_text("x = 1\ny = z\n", encoding="utf-8")
    kept(cross)
    (tmp_path / "plain.toml").write_text("", encoding="utf-8")
    script = ["script", str(tmp_path / "plain.toml"), "--out", str(tmp_path / "out.py")]
    assert main(script) == 0
    assert "line 2 failed: NameError" in capsys.readouterr().err
    cross.unlink()
    assert main(script) == 0
    assert "is missing: remove it from the list" in capsys.readouterr().err


def test_what_is_read_runs_and_no_compiled_file_beside_it(cross: Path) -> None:
    stamp = cross.stat()
    py_compile.compile(str(cross), doraise=True)
    text = CROSS.replace('tag="cross"', 'tag="crown"')
    assert len(text) == len(CROSS)
    cross.write_text(text, encoding="utf-8")
    os.utime(cross, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as the compiled file states
    (kind,) = plugins.load_plugin(cross)
    assert kind.name() == "crown"


def test_the_processes_of_a_sweep_refuse_another_text(cross: Path) -> None:
    plugins.load_plugin(cross)
    files = {path: one.checksum for path, one in plugins.loaded.items()}
    assert Order({}, "samples", False, False, False, None, "cpu").plugin_files == files
    for one in plugins.loaded.values():
        for kind in one.kinds:
            forget(kind)
    plugins.loaded.clear()
    cross.write_text(CROSS + "\n", encoding="utf-8")
    with pytest.raises(plugins.ChangedPlugin):
        plugins.load_all(files)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\n", "registers no kind"),
        ("x = 1\ny = z\n", "line 2 failed: NameError: name 'z' is not defined"),
        ("def (", "failed: SyntaxError"),
        (None, "give a .py file"),
    ],
)
def test_a_file_that_is_no_plugin_is_refused(cross: Path, text: str | None, reason: str) -> None:
    if text is None:
        cross.unlink()
    else:
        cross.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(reason)):
        plugins.load_plugin(cross)
    assert plugins.loaded == {}


def test_an_installed_package_adds_kinds_by_its_entry_point(
    cross: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site" / "crosses-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: crosses\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[score_playground.kinds]\ncross = score_playground_plugin_cross_of_a_package\n", encoding="utf-8"
    )
    (tmp_path / "site" / "score_playground_plugin_cross_of_a_package.py").write_text(CROSS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    plugins.load_installed()
    assert parse('[data]\nkind = "cross"\n').data.kind == "cross"
