"""The notebooks of an experiment are valid, and their cells run one after another."""

import codeop
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground.lab.experiment import Experiment, replace
from playground.lab.script_files import save
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


@pytest.mark.parametrize(("kind", "standalone"), [("two-moons", False), ("two-moons", True), ("digits", True)])
def test_a_notebook_trains_samples_and_plots(
    kind: str, standalone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = replace(Experiment(), {"data.kind": kind, **({"training.steps": 5} if kind == "digits" else SHORT)})
    experiment = replace(experiment, {"sampling.steps": 5, "sampling.particles": 60, "network.width": 16})
    beside = save(experiment, tmp_path / "run.ipynb", standalone)
    assert (beside is not None) == (standalone and kind == "digits")
    names = run_cells(tmp_path / "run.ipynb", monkeypatch)
    assert names["samples"].shape == ((60, 2) if kind == "two-moons" else (60, 1, 8, 8))
    assert np.isfinite(names["samples"]).all()
    assert len(names["figure"].axes) == 2
    assert names["left"].lines
    assert names["right"].lines or names["right"].images


def test_data_beside_a_script_replace_nothing_else(tmp_path: Path) -> None:
    """Only a script that is replaced has its data replaced; no name ends a text within the script."""
    experiment = replace(Experiment(), {"data.kind": "digits", "training.steps": 5})
    (tmp_path / "faces-data.npz").write_bytes(b"the user's")
    with pytest.raises(UserError, match=r"faces-data\.npz exists already and would be lost"):
        save(experiment, tmp_path / "faces.py", True)
    assert (tmp_path / "faces-data.npz").read_bytes() == b"the user's"
    assert not (tmp_path / "faces.py").exists()
    path = tmp_path / 'x""";CODE;""".py'
    for _ in range(2):  # the second time it replaces its own
        beside = save(experiment, path, True)
    assert beside == tmp_path / "x----CODE-----data.npz"
    assert ";CODE;" not in path.read_text(encoding="utf-8")
