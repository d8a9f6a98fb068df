"""``score-playground script``."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from playground.cli import main
from playground.lab.experiment import Experiment, replace
from playground.lab.script import as_python
from playground.lab.session import Session
from playground.lab.standalone import SCRIPT
from playground.resources import resource


@pytest.mark.parametrize("name", ["experiments/drawn.toml", "checkpoints/two-moons.spg"])
def test_the_script_is_that_of_the_file(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "script.py"
    assert main(["script", str(resource(name)), "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    compile(out.read_text(encoding="utf-8"), "script.py", "exec")
    assert out.read_text(encoding="utf-8").partition("\n")[2].startswith("import playground as sp\n")


def test_a_script_of_no_experiment_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.toml").write_text("[noise]\nkind = 'vee'\n", encoding="utf-8")
    assert main(["script", str(tmp_path / "wrong.toml"), "--out", str(tmp_path / "script.py")]) == 2
    assert "vee" in capsys.readouterr().err
    assert not (tmp_path / "script.py").exists()


def test_a_path_with_quotes_is_written_safely() -> None:
    experiment = replace(Experiment(), {"data.kind": "file", "data.path": '/tmp/it\'s "here".csv'})
    names: dict[str, object] = {}
    exec(as_python(experiment).split("session =")[0], names)
    assert names["experiment"] == experiment


@pytest.mark.parametrize("name", ["own", "own.zip"])
def test_a_stand_alone_folder_has_the_users_points(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    points = tmp_path / "points.csv"
    points.write_text("\n".join(f"{number % 7},{number % 11}.5" for number in range(90)), encoding="utf-8")
    (tmp_path / "own.toml").write_text(f"[data]\nkind = 'file'\npath = '{points}'\n", encoding="utf-8")
    out = tmp_path / "new" / name if name == "own" else tmp_path / name
    assert main(["script", str(tmp_path / "own.toml"), "--standalone", "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    folder = out
    if name != "own":
        shutil.unpack_archive(out, tmp_path / "unpacked")
        folder = tmp_path / "unpacked" / "own"
    compile((folder / SCRIPT).read_text(encoding="utf-8"), SCRIPT, "exec")
    with np.load(folder / "data.npz") as data:
        assert data["points"].shape[1] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--standalone", "--out=alone.py"), "a stand-alone script has several: give a folder, or a .zip"),
        (("--standalone", "--out=full"), "has files already: give the name of a new one"),
        (("--standalone", "--out=file"), "is a file: give the name of a folder"),
        (("--out=short.zip",), "must end in .py or .ipynb"),
    ],
)
def test_an_output_that_does_not_fit_is_refused(
    tmp_path: Path,
    options: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert main(["script", str(resource("experiments/drawn.toml")), *options]) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
    assert {path.name for path in tmp_path.rglob("*")} == {"full", "mine.txt", "file"}


def test_settings_of_the_option_are_those_of_the_script(tmp_path: Path) -> None:
    out, moons = tmp_path / "moons.py", resource("checkpoints/two-moons.spg")
    changes = ["--set=training.steps=1e3", "--set", "sampling.kind=probability-flow"]
    assert main(["script", str(moons), "--out", str(out), *changes]) == 0
    names: dict[str, object] = {}
    exec(out.read_text(encoding="utf-8").split("session =")[0], names)
    changed = {"training.steps": 1000, "sampling.kind": "probability-flow"}
    assert names["experiment"] == replace(Session.load(moons).experiment, changed)


def test_a_script_with_another_data_set_does_not_take_the_session_s_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, digits = tmp_path / "own", resource("checkpoints/digits.spg")
    assert main(["script", str(digits), "--out", str(out), "--standalone", "--set=data.kind=rings"]) == 0
    with np.load(out / "data.npz") as data:
        assert data["points"].shape[1:] == (2,)
    out = tmp_path / "own.py"
    assert main(["script", str(digits), "--out", str(out), "--set=sampling.stepz=3"]) == 2
    assert "did you mean sampling.steps?" in capsys.readouterr().err


def test_a_session_is_written_with_its_own_points(tmp_path: Path) -> None:
    out, moons = tmp_path / "moons", resource("checkpoints/two-moons.spg")
    assert main(["script", str(moons), "--standalone", "--out", str(out)]) == 0
    with np.load(out / "data.npz") as data:
        np.testing.assert_array_equal(data["points"], Session.load(moons).points)
