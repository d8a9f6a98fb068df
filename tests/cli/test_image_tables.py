"""Tables of images, as people and scripts write them."""

from pathlib import Path

import numpy as np
import pytest

from playground.cli.likelihoods import read_table

ROWS = "1,2\n3,4\n"


def _read(folder: Path, text: str) -> list[list[float]]:
    path = folder / "images.csv"
    path.write_text(text)
    rows: list[list[float]] = read_table(path, ["p0", "p1"])[1].tolist()
    return rows


@pytest.mark.parametrize("header", ["'p1','p0'", 'p1, "p0"', '"p1","p0"', "P1 , p0", "# a run\np1,p0"])
def test_columns_are_taken_by_name_however_their_names_are_quoted(tmp_path: Path, header: str) -> None:
    assert _read(tmp_path, f"{header}\n{ROWS}") == [[2, 1], [4, 3]]
    assert _read(tmp_path, f"{header},note\n1,2,a\n3,4,#b\n") == [[2, 1], [4, 3]]


def test_a_first_image_without_a_number_is_no_header(tmp_path: Path) -> None:
    assert np.isnan(_read(tmp_path, f"nan,NaN\n{ROWS}")[0]).all()


@pytest.mark.parametrize("above", ["# p0,p1\n", "# a run\n# of two\n", "Two images\n", "# a run\nTwo images\n"])
def test_comments_and_a_title_are_skipped(tmp_path: Path, above: str) -> None:
    assert _read(tmp_path, above + ROWS) == [[1, 2], [3, 4]]
