"""A third column of a table gives each row a class."""

from pathlib import Path

import numpy as np
import pytest

from playground.data import DataError, files
from playground.kinds.datasets import load_dataset

ROWS = [(0.5 * row, (row * 7) % 13 / 3) for row in range(90)]
NAMES = ("cat", "dog", "big dog")


def written(folder: Path, lines: list[str]) -> str:
    path = folder / "points.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def rows_with(labels: list[str], separator: str = ",") -> list[str]:
    return [separator.join([f"{x}", f"{y}", label]) for (x, y), label in zip(ROWS, labels, strict=True)]


@pytest.mark.parametrize("header", ["x,y,label", "x,y,Class", "a\tb\tLABEL", "x;y;class"])
def test_a_column_called_label_or_class_has_the_classes(header: str, tmp_path: Path) -> None:
    separator = next(mark for mark in "\t;," if mark in header)
    labels = [NAMES[row % 3] for row in range(90)]
    lines = ["# made by hand", header, *rows_with(labels, separator)]
    lines.insert(40, "")
    data = load_dataset("file", path=written(tmp_path, lines), held_out=15)
    assert data.class_names == ("big dog", "cat", "dog")
    assert data.axes == tuple(header.split(separator)[:2])
    assert data.labels is not None
    assert len(data.labels) == len(data.points) == 90 - len(data.held_out)
    of_point = {ROWS[row]: labels[row] for row in range(90)}
    for point, label in zip(data.points.tolist(), data.labels, strict=True):
        assert data.class_names[label] == of_point[tuple(point)]
    assert "Classes are numbered as their labels are sorted: 0 big dog, 1 cat, 2 dog." in str(data.note)


def test_the_label_may_come_first_and_whole_numbers_are_sorted_by_size(tmp_path: Path) -> None:
    lines = ["class,x,y", *(f"{(10, 9, 2)[row % 3]},{x},{y}" for row, (x, y) in enumerate(ROWS))]
    data = load_dataset("file", path=written(tmp_path, lines))
    assert data.class_names == ("2", "9", "10")
    counted = [line.replace("10,", "0,", 1).replace("9,", "1,", 1) for line in lines]
    assert load_dataset("file", path=written(tmp_path, counted)).class_names == ()  # the names are the numbers


def test_points_are_read_without_their_labels(tmp_path: Path) -> None:
    path = written(tmp_path, ["x,y,label", *rows_with(["a"] * 90)])
    points, axes, _ = files.read_points(path)
    np.testing.assert_array_equal(points, ROWS)
    assert axes == ("x", "y")
    assert files.read_columns(path, ("y", "x"))[0].tolist() == [[y, x] for x, y in ROWS]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["x,y,label", *rows_with(["a"] * 45 + [""] + ["b"] * 44)], "line 47: the label is missing"),
        (["x,y,note", *rows_with(["a"] * 90)], "3 columns, but points of the plane have 2"),
        (["label,y,class", *rows_with(["a"] * 90)], "3 columns, but points of the plane have 2"),
        (
            ["x,y,label", *(f"{row},{row % 7},name{row}" for row in range(1_001))],
            "1,001 different values, and at most 1,000",
        ),
    ],
)
def test_labels_that_cannot_be_used_are_refused(lines: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        load_dataset("file", path=written(tmp_path, lines))
