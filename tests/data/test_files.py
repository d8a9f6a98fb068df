"""Files of two columns: every format that is read, and the message for every one that is not."""

import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.data import DataError, Dataset, files, read_points
from playground.kinds.datasets import load_dataset

POINTS = np.round(np.random.default_rng(0).normal(size=(100, 2)), 4)
ROWS = [f"{x:.4f},{y:.4f}" for x, y in POINTS]
PLAIN = "\n".join(ROWS) + "\n"
COMMAS = PLAIN.replace(",", ";").replace(".", ",")  # decimal commas, semicolons between cells

READABLE = {
    "no header": PLAIN,
    "no last newline": PLAIN[:-1],
    "header": "x,y\n" + PLAIN,
    "Windows": ("x,y\n" + PLAIN).replace("\n", "\r\n"),
    "old Mac": ("x,y\n" + PLAIN).replace("\n", "\r"),
    "byte order mark": "\ufeffx,y\n" + PLAIN,
    "semicolons": "x;y\n" + PLAIN.replace(",", ";"),
    "tabs": "x\ty\n" + PLAIN.replace(",", "\t"),
    "blanks": "  x  y\n" + PLAIN.replace(",", "   "),
    "blanks around commas": PLAIN.replace(",", " , "),
    "blanks at the ends": PLAIN.replace("\n", "  \n  "),
    "decimal commas and semicolons": COMMAS,
    "decimal commas and tabs": COMMAS.replace(";", "\t"),
    "decimal commas and blanks": COMMAS.replace(";", "  "),
    "decimal commas in quotes": COMMAS.replace(";", '","').replace("\n", '"\n"')[:-1].join(['"', ""]),
    "quotes": '"x","y"\n' + "".join('"{}","{}"\n'.format(*row.split(",")) for row in ROWS),
    "single quotes": "".join("'{}','{}'\n".format(*row.split(",")) for row in ROWS),
    "Excel's line of the separator": "sep=;\r\nx;y\r\n" + PLAIN.replace(",", ";"),
    "that line above no header": "SEP=,\n" + PLAIN,
    "comments": "# made by hand\n\n% so they say\n// or not\nx, y # names\n" + PLAIN.replace("\n", "  # a point\n"),
    "blank lines": PLAIN.replace("\n", "\n\n  \n\t\n"),
    "last separators": PLAIN.replace("\n", ",\n"),
    "exponents": "".join(f"{x:+.6E},{y:.6e}\n" for x, y in POINTS),
}


def _write(folder: Path, content: str | bytes, name: str = "points.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _with(row: int, text: str) -> str:
    """A good table with a header, in which one row, counted from 0, is replaced. It is on line row + 2."""
    return "\n".join(["x,y", *ROWS[:row], text, *ROWS[row + 1 :]]) + "\n"


AMONG = {
    "commas": ("y,note,X\n2,a b,1\n4,,3\n", [[1, 2], [3, 4]]),
    "semicolons and decimal commas": ("sep=;\nx;y;z\n1,5;2;0\n3;4;0\n", [[1.5, 2], [3, 4]]),
    "tabs and comments": ("# made by hand\nz\ty\tx\n\n0\t2\t1 # a point\n0\t4\t3\n", [[1, 2], [3, 4]]),
    "quoted notes": ('x,y,note\n1,2,"far, and farther"\n3,4,\n', [[1, 2], [3, 4]]),
    "quoted decimal commas": ('x,y,z\n"1,5","2,5",0\n3,4,0\n', [[1.5, 2.5], [3, 4]]),
    "blanks": ("z x y\n0 1 2\n0 3 4\n", [[1, 2], [3, 4]]),
    "a name of two words": ("x y (km)\n1 2\n3 4\n", [[1, 2], [3, 4]]),
    "no more than two": ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]]),
}


@pytest.mark.parametrize(("content", "points"), AMONG.values(), ids=AMONG.keys())
def test_columns_are_chosen_by_name_among_more(content: str, points: list[list[float]], tmp_path: Path) -> None:
    assert files.read_columns(_write(tmp_path, content), ("x", "y"))[0].tolist() == points


@pytest.mark.parametrize("content", READABLE.values(), ids=READABLE.keys())
def test_common_table_formats(content: str, tmp_path: Path) -> None:
    points, axes, _ = read_points(_write(tmp_path, content))
    np.testing.assert_allclose(points, POINTS, rtol=0, atol=1e-12)
    assert axes == ("x", "y")
    assert points.dtype == np.float64


@pytest.mark.parametrize(
    ("content", "axes"),
    [
        ("longitude,latitude\n" + PLAIN, ("longitude", "latitude")),
        ('"height, cm";"größe"\n' + COMMAS, ("height, cm", "größe")),
        ("time (s) height (m)\n" + PLAIN.replace(",", " "), ("x", "y")),  # blanks within names between blanks
        (",\n" + PLAIN, ("x", "y")),
        ("a" * 1000 + ",b\n" + PLAIN, ("a" * 40, "b")),
    ],
)
def test_the_header_names_the_axes(content: str, axes: tuple[str, str], tmp_path: Path) -> None:
    points, names, _ = read_points(_write(tmp_path, content))
    assert names == axes
    np.testing.assert_array_equal(points, POINTS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    points, axes, _ = read_points(_write(tmp_path, ("größe,y\n" + PLAIN).encode(encoding)))
    assert axes == ("größe", "y")
    np.testing.assert_array_equal(points, POINTS)


def test_decimal_commas_far_below_whole_numbers(tmp_path: Path) -> None:
    rows = [f"{i};{i % 7}" for i in range(1_000)] + ["1,5;2,5"]
    points, *_ = read_points(_write(tmp_path, "\n".join(rows)))
    assert points[-1].tolist() == [1.5, 2.5]


@given(
    st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 2), max_size=20),
    st.sampled_from([",", ";", "\t", " "]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_written_numbers_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float]], separator: str, comma: bool, newline: str
) -> None:
    rows = [*rows, *map(tuple, POINTS.tolist())]  # enough rows, and no constant column
    lines = [separator.join(map(repr, row)) for row in rows]
    if comma and separator != ",":
        lines = [line.replace(".", ",") for line in lines]
    path = _write(tmp_path_factory.getbasetemp(), newline.join(lines), "round.csv")
    np.testing.assert_array_equal(read_points(path)[0], np.array(rows))
    np.save(path.with_suffix(".npy"), np.array(rows))
    np.testing.assert_array_equal(read_points(path.with_suffix(".npy"))[0], np.array(rows))


@given(st.binary(max_size=400))
def test_any_bytes_give_points_or_a_message(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    for name in ("any.csv", "any.npy"):
        path = _write(tmp_path_factory.getbasetemp(), content, name)
        with pytest.raises(DataError, match=r"^[^\n]+[.v)]$"):
            read_points(path)


@given(st.text(alphabet="0123456789.,;\t \n\"'#-+enaif%/xy", max_size=300))
def test_any_text_gives_points_or_a_message(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = _write(tmp_path_factory.getbasetemp(), content, "any.txt")
    with pytest.raises(DataError, match=r"^[^\n]+\.$"):  # too short for fifty different rows, except by luck
        read_points(path)


REFUSED = {
    "ragged": (_with(10, "1,2,3"), r"points.csv, line 12: 3 cells where the lines before have 2"),
    "short row": (_with(10, "1"), r"line 12: 1 cell where"),
    "text": (_with(20, "1.0,abc"), r'line 22: "abc" is not a number'),
    "a word with a bell": (_with(20, "1.0,a\x85c"), r'line 22: "a\?c" is not a number'),
    "long text": (_with(20, "1.0," + "abc" * 50), r'line 22: "(abc)+\.\.\." is not a number'),
    "no value": (_with(20, "1.0,"), r"line 22: a cell is empty"),
    "NaN": (_with(30, "nan,1"), r"line 32: NaN is not a number"),
    "infinity": (_with(30, "1,-inf"), r"line 32: the value is infinite"),
    "beyond double": (_with(30, "1,1e400"), r"line 32: the value is infinite"),
    "huge": (_with(30, "1,-1e300"), r"line 32: -1e\+300 is too large; coordinates go from -1e\+12 to 1e\+12"),
    "NaN after comments": ("# a\n\n" + _with(30, "nan,1"), r"line 34: NaN"),
    "underscores": (_with(5, "1_000,2"), r'line 7: "1_000" is not a number'),
    "other digits": (_with(5, "١,2"), r'line 7: "١" is not a number'),
    "both marks": (
        "".join(f"{x:.3f};{y:.3f}\n".replace(".", ",", 1) for x, y in POINTS),
        r'line 1: ".*" is not a number',
    ),
    "few": ("x,y\n" + "\n".join(ROWS[:12]), r"points.csv has 12 rows: at least 50 are needed"),
    "one": ("1,2", r"has 1 row: at least 50"),
    "equal": ("3,4\n" * 100, r"all 100 points are equal, \(3, 4\)"),
    "constant": ("time,height\n" + "".join(f"{i},7.5\n" for i in range(100)), r"column height is 7.5 in every row"),
    "narrow": (
        "".join(f"{1e6 + 1e-5 * i!r},{i}\n" for i in range(100)),
        r"column x varies by only 0.00099 about 1e\+06, .*; subtract its mean\.",
    ),
    "tiny": ("".join(f"{i},{1e-15 * i!r}\n" for i in range(100)), r"y spreads by only 2.89e-14, .*; choose a smaller"),
    "empty": ("", r"points.csv is empty"),
    "blank": ("\n\n \n", r"has no rows"),
    "comments only": ("# a\n# b\n", r"has no rows"),
    "header only": ("x,y\n", r"has no rows below its header"),
    "three columns": ("a,b,c\n" + "1,2,3\n" * 60, r"line 1: 3 columns, but points of the plane have 2; keep the two"),
    "one column": ("a\n" + "1\n" * 60, r"line 2: 1 column, but .* a second one is missing"),
    "decimal commas between commas": ("1,5,2,5\n" * 60, r"line 1: 4 columns"),
    "letter": ("Dear user,\nthis is a letter, is it not?\nBye.\n", r"line 2: 7 columns"),
    "binary": (np.random.default_rng(0).bytes(5000), r"neither a table of text nor an NPY file"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", r"neither a table"),
    "half a UTF-16": (b"\xff\xfe" + b"\x00\xd8" * 3 + b"1", r"neither a table"),
    "Excel": (b"PK\x03\x04" + bytes(100), r"ZIP archive \(NPZ or Excel\): save its two columns as CSV or NPY"),
    "pickle": (pickle.dumps(POINTS), r"neither a table"),
}


@pytest.mark.parametrize(("content", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_tables(content: str | bytes, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        read_points(_write(tmp_path, content))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def _header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00v\x00" + text.encode().ljust(0x76)


NPY_REFUSED = {
    "complex": (POINTS.astype(complex), r"values of type complex128, not real numbers"),
    "text": (POINTS.astype(str), r"values of type <U"),
    "truth": (POINTS > 0, r"values of type bool"),
    "dates": (np.zeros((60, 2), "M8[s]"), r"values of type datetime64"),
    "fields": (np.zeros(60, dtype=[("a", "f8"), ("b", "f8")]), r"values of type"),
    "objects": (np.array([[{}, 1]] * 60, dtype=object), r"Python objects, which could run code"),
    "three columns": (np.ones((60, 3)), r"shape \(60, 3\), but points of the plane have shape \(N, 2\)"),
    "flat": (np.ones(60), r"shape \(60,\)"),
    "one number": (np.array(3.0), r"shape \(\)"),
    "on its side": (np.ones((2, 60)), r"shape \(2, 60\), .*: transpose it\."),
    "no rows": (np.ones((0, 2)), r"has 0 rows"),
    "NaN": (np.where(np.arange(200).reshape(100, 2) == 15, np.nan, 1.0), r"row 7: NaN"),
    "cut in the header": (_header("")[:50], r"damaged NPY file"),
    "cut in the data": (_header("{'descr': '<f8', 'fortran_order': False, 'shape': (99, 2), }"), r"damaged NPY file"),
    "endless": (_header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**20}, 2), }}"), r"damaged NPY file"),
    "another version": (b"\x93NUMPY\x09\x00" + bytes(100), r"damaged NPY file"),
}


@pytest.mark.parametrize(("content", "sentence"), NPY_REFUSED.values(), ids=NPY_REFUSED.keys())
def test_bad_arrays(content: bytes | np.ndarray, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "points.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(DataError, match=sentence) as caught:
        read_points(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "int8", "uint64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_every_real_type(dtype: str, order: str, tmp_path: Path) -> None:
    points = (np.abs(POINTS) * 30).astype(dtype)
    np.save(tmp_path / "points.npy", np.asarray(points, order=order))  # type: ignore[call-overload]
    read, axes, _ = read_points(tmp_path / "points.npy")
    np.testing.assert_array_equal(read, points.astype(np.float64))
    assert axes == ("x", "y")
    np.save(tmp_path / "without-ending", points)
    (tmp_path / "without-ending.npy").rename(tmp_path / "points.csv")  # the content decides, not the name
    np.testing.assert_array_equal(read_points(tmp_path / "points.csv")[0], read)


def test_paths_that_are_no_file(tmp_path: Path) -> None:
    for path, sentence in (
        (tmp_path / "missing.csv", "missing.csv does not exist"),
        (tmp_path, "is a folder: choose a CSV"),
        ("", "No file is chosen"),
        (
            tmp_path / ("n" * 300),
            "cannot be read|does not exist",
        ),  # from Python 3.14 on, no name is too long to ask for
    ):
        with pytest.raises(DataError, match=sentence):
            read_points(path)


@pytest.mark.alone
def test_ten_million_rows_are_refused_at_once(tmp_path: Path) -> None:
    """They fail before they are read into memory, by a count of lines or by an array's header."""
    block = (PLAIN * 1_000).encode()
    path = tmp_path / "ten.csv"
    with path.open("wb") as file:
        for _ in range(100):
            file.write(block)
    np.lib.format.open_memmap(tmp_path / "ten.npy", mode="w+", dtype=np.int8, shape=(10_000_000, 2))
    for name, way_out in (("ten.csv", r"awk 'NR % 10 == 1' ten.csv"), ("ten.npy", r"points\[::10\]")):
        start = time.perf_counter()
        with pytest.raises(DataError, match=f"{name} has more than 5,000,000 rows.*{way_out}"):
            read_points(tmp_path / name)
        assert time.perf_counter() - start < 2
    path.unlink()


def test_the_limit_counts_rows_not_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 100)
    assert len(read_points(_write(tmp_path, "# a\nx,y\n" + PLAIN))[0]) == 100
    with pytest.raises(DataError, match="more than 100 rows"):
        read_points(_write(tmp_path, PLAIN + "1,2\n"))


@pytest.mark.alone
def test_a_bad_line_deep_in_a_large_file_is_named_soon(tmp_path: Path) -> None:
    rows = 500_000
    path = _write(tmp_path, PLAIN * (rows // 100) + "1,x\n")
    start = time.perf_counter()
    with pytest.raises(DataError, match=f'line {rows + 1}: "x" is not a number'):
        read_points(path)
    assert time.perf_counter() - start < 5
    assert len(read_points(_write(tmp_path, PLAIN * (rows // 100)))[0]) == rows


def test_blocks_of_comments_only(tmp_path: Path) -> None:
    """They are longer than a block of the parser, before, between and after the data."""
    silence = "# nothing to see\n" * 40_000
    points, *_ = read_points(_write(tmp_path, silence + "x,y\n" + PLAIN + silence + PLAIN + silence))
    np.testing.assert_array_equal(points, np.concatenate([POINTS, POINTS]))
    with pytest.raises(DataError, match=f"line {80_000 + 102}: NaN"):
        read_points(_write(tmp_path, silence + "x,y\n" + PLAIN + silence + "1,nan\n"))


def test_a_file_is_split(tmp_path: Path) -> None:
    path = _write(tmp_path, "a,b\n" + PLAIN)
    dataset = load_dataset("file", path=str(path), held_out=2_000)
    assert dataset.name == "points.csv"
    assert dataset.axes == ("a", "b")
    assert dataset.density is None
    assert len(dataset.held_out) == 20  # a fifth at most
    assert len(load_dataset("file", path=str(path), held_out=10).held_out) == 10
    together = np.concatenate([dataset.points, dataset.held_out])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(POINTS, axis=0))


def _loaded(folder: Path, points: np.ndarray, held_out: int = 2_000, seed: int = 0, split: str = "auto") -> Dataset:
    np.save(folder / "points.npy", points)
    return load_dataset("file", path=str(folder / "points.npy"), held_out=held_out, seed=seed, split=split)


def test_different_rows_are_split_by_the_seed(tmp_path: Path) -> None:
    order = np.random.default_rng(7).permutation(100)
    dataset = _loaded(tmp_path, POINTS, 15, 7)
    np.testing.assert_array_equal(dataset.held_out, POINTS[np.sort(order[:15])])
    np.testing.assert_array_equal(dataset.points, POINTS[np.sort(order[15:])])
    assert dataset.note is None


@pytest.mark.parametrize(
    ("copies", "least", "most"),
    [
        ([40] * 100, 800, 800),
        ([1] * 95 + [500, 1, 1, 1, 1], 18, 20),  # a fifth of the different rows, with the frequent one in training
        ([20] * 50 + [300], 200, 260),
        ([10] * 5, 10, 10),
        ([4] * 10 + [1] * 90, 20, 26),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_equal_rows_are_on_one_side(tmp_path: Path, copies: list[int], least: int, most: int, seed: int) -> None:
    rows = np.random.default_rng(seed).permutation(np.repeat(POINTS[: len(copies)], copies, axis=0))
    dataset = _loaded(tmp_path, rows, seed=seed, split="groups")
    trained, held_out = ({tuple(row) for row in part.tolist()} for part in (dataset.points, dataset.held_out))
    assert not trained & held_out
    assert least <= len(dataset.held_out) <= most
    assert len(dataset.points) + len(dataset.held_out) == len(rows)
    repeated = len(rows) - len(copies)
    assert str(dataset.note).startswith(f"{repeated:,} of {len(rows):,} rows repeat another; duplicates are all in")
    assert dataset.biased_split


@pytest.mark.parametrize("seed", range(3))
def test_training_keeps_every_value_of_discrete_data(tmp_path: Path, seed: int) -> None:
    lattice = np.random.default_rng(seed).integers(0, 6, size=(20_000, 2)).astype(float)
    dataset = _loaded(tmp_path, lattice, seed=seed)
    assert len(dataset.held_out) == 2_000
    assert len(np.unique(dataset.points, axis=0)) == len(np.unique(dataset.held_out, axis=0)) == 36
    assert "rows are held out at random" in str(dataset.note)
    assert "data.split = groups" in str(dataset.note)
    assert not dataset.biased_split
    np.testing.assert_array_equal(_loaded(tmp_path, lattice, seed=seed, split="rows").held_out, dataset.held_out)


def test_rows_that_repeat_by_chance_are_on_one_side(tmp_path: Path) -> None:
    rows = np.concatenate([np.random.default_rng(0).normal(size=(2_000, 2)), POINTS[:10], POINTS[:10]])
    dataset = _loaded(tmp_path, rows, seed=1)
    trained, held_out = ({tuple(row) for row in part.tolist()} for part in (dataset.points, dataset.held_out))
    assert not trained & held_out
    dataset = _loaded(tmp_path, rows, seed=1, split="rows")
    np.testing.assert_array_equal(dataset.held_out, rows[np.sort(np.random.default_rng(1).permutation(2_020)[:404])])


def test_a_few_repeated_rows_give_no_note_and_too_few_different_ones_an_error(tmp_path: Path) -> None:
    assert _loaded(tmp_path, np.concatenate([POINTS, POINTS[:1]])).note is None
    assert _loaded(tmp_path, np.concatenate([POINTS, POINTS[:6]])).note is not None
    with pytest.raises(DataError, match=r"points.npy has only 4 different points in 80 rows: at least 5 are needed\."):
        _loaded(tmp_path, np.repeat(POINTS[:4], 20, axis=0))


@pytest.mark.parametrize("unit", [1e-11, 2e-9, 1e9, 1e11])
def test_points_of_any_unit_are_read(tmp_path: Path, unit: float) -> None:
    dataset = _loaded(tmp_path, (POINTS - 0.015) * [unit, 1])
    assert dataset.points[:, 0].std() == pytest.approx(unit, rel=0.3)
