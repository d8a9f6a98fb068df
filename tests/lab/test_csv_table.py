"""Tables as CSV: no cell is a formula, and what was written is read back."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from playground.data.files import read_columns
from playground.lab.csv_table import write_csv, write_rows
from playground.lab.trajectory import Trajectory

NAMES = ("=cmd|x", "-y, z")


def header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


@pytest.mark.parametrize("separator", [",", "\t"])
def test_neither_a_header_nor_a_cell_is_a_formula(separator: str) -> None:
    file = io.StringIO()
    write_rows(file, [["=cmd|x", "plain"], ["@few", -0.1], [None, np.float32(0.1)]], separator)
    assert file.getvalue() == "'=cmd|x,plain\n'@few,-0.1\n,0.1\n".replace(",", separator)


def test_points_whose_columns_have_names_of_formulas_are_read_back(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    write_csv(tmp_path / "samples.csv", NAMES, points.tolist())
    assert header(tmp_path / "samples.csv") == ["'=cmd|x", "'-y, z"]
    found, names = read_columns(tmp_path / "samples.csv")
    assert names == NAMES
    np.testing.assert_array_equal(found, points)


def test_the_header_of_a_trajectory_is_no_formula(tmp_path: Path) -> None:
    each = np.ones(2)
    arrays = {"positions": np.zeros((2, 3, 2)), "sigma": each, "time": each, "step_size": each, "shape": np.array([2])}
    run = Trajectory.from_arrays(arrays)
    run.axes = NAMES
    run.save_csv(tmp_path / "run.csv")
    assert header(tmp_path / "run.csv") == ["frame", "particle", "'=cmd|x", "'-y, z", "sigma"]
