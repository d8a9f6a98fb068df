"""The notebooks of an experiment are valid, and their cells run one after another."""

import codeop
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground.data import Dataset
from playground.kinds.datasets.from_file import ARRAY
from playground.lab import standalone
from playground.lab.experiment import Experiment, replace
from playground.lab.script_files import save, save_standalone
from playground.user_errors import UserError

SHORT = {
    "training.steps": 5,
    "sampling.steps": 5,
    "sampling.particles": 60,
    "data.points": 300,
    "likelihood.points": 10,
}


def run_cells(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the code of a notebook as Jupyter does: in its folder, with imports from __future__ for all later cells."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(path.parent)
    contents = json.loads(path.read_text(encoding="utf-8"))
    assert (contents["nbformat"], contents["nbformat_minor"]) == (4, 5)
    assert contents["metadata"]["kernelspec"]["name"] == "python3"
    cells = contents["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    compiled, names = codeop.Compile(), dict[str, Any](__name__="__main__")
    for cell in cells:
        assert cell["cell_type"] in ("markdown", "code")
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec(compiled(text, cell["id"], "exec"), names)
        else:
            assert text.strip()
    return names


@pytest.mark.parametrize(("kind", "alone"), [("two-moons", False), ("two-moons", True), ("digits", True)])
def test_a_notebook_trains_samples_and_plots(
    kind: str, alone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = replace(Experiment(), {"data.kind": kind, **({"training.steps": 5} if kind == "digits" else SHORT)})
    experiment = replace(experiment, {"sampling.steps": 5, "sampling.particles": 60, "network.width": 16})
    path = tmp_path / "run.ipynb"
    if alone:
        save_standalone(experiment, tmp_path / "alone")
        path = tmp_path / "alone" / standalone.NOTEBOOK
    else:
        assert save(experiment, path) is None
    names = run_cells(path, monkeypatch)
    assert names["samples"].shape == ((60, 2) if kind == "two-moons" else (60, 1, 8, 8))
    assert np.isfinite(names["samples"]).all()
    assert len(names["figure"].axes) == 2
    assert names["left"].lines
    assert names["right"].lines or names["right"].images


def test_data_beside_a_script_replace_nothing_else(tmp_path: Path) -> None:
    """Only a script that is replaced has its data replaced; no name ends a text within the script."""
    experiment = replace(Experiment(), {"data.kind": "file", "data.path": ARRAY})
    dataset = Dataset("points", np.zeros((4, 2)), None, (2,), ("x", "y"), np.ones((2, 2)))
    (tmp_path / "faces-data.spg").write_bytes(b"the user's")
    with pytest.raises(UserError, match=r"faces-data\.spg exists already and would be lost"):
        save(experiment, tmp_path / "faces.py", dataset)
    assert (tmp_path / "faces-data.spg").read_bytes() == b"the user's"
    assert not (tmp_path / "faces.py").exists()
    path = tmp_path / 'x""";CODE;""".py'
    for _ in range(2):  # the second time it replaces its own
        beside = save(experiment, path, dataset)
    assert beside == tmp_path / "x----CODE-----data.spg"
    assert ";CODE;" not in path.read_text(encoding="utf-8")


def test_a_stand_alone_folder_replaces_no_other(tmp_path: Path) -> None:
    experiment = replace(Experiment(), {"training.steps": 5, "data.points": 60})
    for name in ("mine", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine" / "data.npz").write_bytes(b"the user's")
    with pytest.raises(UserError, match="mine has files already: give the name of a new one"):
        save_standalone(experiment, tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["data.npz"]
    save_standalone(experiment, tmp_path / "empty")
    save_standalone(experiment, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        inside = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
        assert {name.partition("/")[0] for name in archive.namelist()} == {"all"}
    folder = tmp_path / "empty"
    assert inside == {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    assert {standalone.SCRIPT, standalone.NOTEBOOK, "data.npz", "playground/theory/objectives.py"} <= inside.keys()
    before = (tmp_path / "all.zip").read_bytes()
    save_standalone(experiment, tmp_path / "all.zip")  # a file that is named is replaced
    assert (tmp_path / "all.zip").read_bytes() == before  # the same experiment writes the same bytes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.zip", "empty", "mine"]  # nothing half done


def test_a_stand_alone_folder_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, contents: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        save_standalone(replace(Experiment(), {"data.points": 60}), tmp_path / "alone")
    assert [*tmp_path.iterdir()] == []
