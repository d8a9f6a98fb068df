"""The session file: exact round trips, and a sentence for every other file."""

import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.data.dataset import Dataset, DatasetRequest
from playground.kinds.datasets.data_source import DataSource
from playground.kinds.kind import forget, register
from playground.lab import experiment as experiments
from playground.lab import session as sessions
from playground.lab.columns import Column
from playground.lab.experiment import Experiment
from playground.lab.session import Session, SessionError

rng = np.random.default_rng(0)


def a_trajectory(**changes: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "positions": rng.normal(size=(3, 5, 2)).astype(np.float32),
        "sigma": np.array([3.0, 2.0, 1.0]),
        "time": np.full(3, np.nan),
        "step_size": np.zeros(3),
        "shape": np.array([2]),
    } | changes


def a_session(**changes: Any) -> Session:
    contents: dict[str, Any] = {
        "experiment": experiments.replace(Experiment(), {"seed": 7, "noise.kind": "vp", "data.points": 100}),
        "points": rng.normal(size=(100, 2)),
        "held_out": rng.normal(size=(20, 2)),
        "axes": ("width, cm", "Höhe"),
        "weights": {
            "network.0.weight": rng.normal(size=(4, 2)).astype(np.float32),
            "step": np.array(12),
            "limits": np.array([np.inf, 20.0]),
            "flag": np.array(True),
        },
        "trajectory": a_trajectory() | {"axes": np.array(["width, cm", "Höhe"])},
        "training": {"step": 12, "seconds": 1.5},
        "view": {"layers": ["data", "particles"], "bounds": [-1.0, 1.0, -2.0, 2.0]},
        "clicked": ((0.1, -2.5), (3.0, 1e-9)),
    }
    return Session(**(contents | changes))


def assert_same(one: Session, other: Session) -> None:
    for name in ("experiment", "class_names", "axes", "training", "view", "clicked"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("points", "held_out"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    for name in ("weights", "trajectory"):
        first, second = getattr(one, name) or {}, getattr(other, name) or {}
        assert first.keys() == second.keys()
        for key, array in first.items():
            np.testing.assert_array_equal(array, second[key])
            assert array.dtype == second[key].dtype
            assert array.shape == second[key].shape


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"accepted": np.array([np.nan, 0.5, 0.75])},
        {"nfe_mean": np.array([0.0, 12.5, 90.25]), "nfe_max": np.array([0.0, 14.0, 140.0])},
    ],
    ids=["", "Metropolis", "evaluations"],
)
def test_everything_comes_back_exactly(tmp_path: Path, told: dict[str, np.ndarray]) -> None:
    session = a_session()
    assert session.trajectory is not None
    session = replace(session, trajectory={**session.trajectory, **told})
    session.save(tmp_path / "one.spg")
    assert_same(session, Session.load(tmp_path / "one.spg"))


@pytest.mark.parametrize("file", ["//server/share/points.csv", r"\\server\share\points.csv"])
def test_a_session_names_no_share_and_reads_from_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """One's own session has the points, and keeps the file's name alone. That of a stranger with such a path is refused."""
    experiment = experiments.replace(Experiment(), {"data.kind": "file", "data.path": file})
    a_session(experiment=experiment).save(tmp_path / "mine.spg")
    assert Session.load(tmp_path / "mine.spg").experiment.data.file == "points.csv"
    monkeypatch.setattr(experiments, "without_places", lambda experiment: experiment)
    a_session(experiment=experiment).save(tmp_path / "theirs.spg")
    with pytest.raises(SessionError, match="a network share or a device"):
        Session.load(tmp_path / "theirs.spg")


def test_a_session_before_training_and_one_of_images(tmp_path: Path) -> None:
    images = rng.random((60, 1, 8, 8))
    digits = experiments.replace(Experiment(), {"data.kind": "digits"})
    session = a_session(
        experiment=digits, points=images, held_out=images[:10], weights=None, trajectory=None, clicked=()
    )
    session.save(tmp_path / "one.spg")
    loaded = Session.load(tmp_path / "one.spg")
    assert_same(session, loaded)
    assert loaded.weights is None
    assert loaded.trajectory is None


def test_images_of_a_plugin_come_back(tmp_path: Path) -> None:
    class Stripes(DataSource, tag="stripes", frozen=True):
        """Images of stripes."""

        title = "Stripes"
        phrase = "stripes"
        images = True

        def read(self, request: DatasetRequest) -> Dataset:
            images = np.zeros((60 + request.held_out, 3, 16, 16))
            images[:, :, :: request.seed + 2] = 1.0
            points, held_out = images[:60], images[60:]
            return Dataset("stripes", points, None, points.shape[1:], ("x", "y"), held_out)

    register(Stripes)
    try:
        experiment = experiments.parse('[data]\nkind = "stripes"')
        Session.of(experiment, experiment.data.load(10)).save(tmp_path / "one.spg")
        again = Session.load(tmp_path / "one.spg")
    finally:
        forget(Stripes)
    assert again.experiment == experiment
    assert again.dataset().shape == (3, 16, 16)
    np.testing.assert_array_equal(again.dataset().points, experiment.data.load(10).points)


def test_clicked_images_are_ones_of_the_run(tmp_path: Path) -> None:
    images = rng.random((60, 1, 8, 8))
    run = a_trajectory(positions=np.zeros((3, 5, 64), np.float32), shape=np.array([1, 8, 8]))
    digits = experiments.replace(Experiment(), {"data.kind": "digits"})
    session = a_session(experiment=digits, points=images, held_out=images[:10], trajectory=run, clicked=(4, 0))
    session.save(tmp_path / "one.spg")
    assert Session.load(tmp_path / "one.spg").clicked == (4, 0)
    replace(session, clicked=(5,)).save(tmp_path / "one.spg")
    with pytest.raises(SessionError, match="clicked points do not fit its data"):
        Session.load(tmp_path / "one.spg")


def test_files_of_earlier_versions_have_no_clicked_points_and_no_names_of_classes(tmp_path: Path) -> None:
    (tmp_path / "old.spg").write_bytes(written({"experiment": experiments.dump(Experiment())}, WITH_LABELS))
    assert Session.load(tmp_path / "old.spg").clicked == ()
    assert Session.load(tmp_path / "old.spg").class_names == ()


def test_pinned_runs_come_back_and_a_session_without_any_does_not_name_them(tmp_path: Path) -> None:
    runs = [{"name": "reverse SDE", "figures": {"wasserstein2": 0.1}}]
    a_session(runs=runs).save(tmp_path / "a.spg")
    assert list(Session.load(tmp_path / "a.spg").runs) == runs
    a_session().save(tmp_path / "b.spg")
    assert Session.load(tmp_path / "b.spg").runs == ()
    with safetensors.safe_open(tmp_path / "b.spg", framework="numpy") as file:
        assert "runs" not in file.metadata()


def test_a_comparison_comes_back_without_the_places_of_its_files(tmp_path: Path) -> None:
    columns = Column(), Column.of({"sampling.steps": 20, "noise.schedule": ((0.0, 0.01), (1.0, 8.0))}, step=7)
    a_session(columns=columns).save(tmp_path / "a.spg")
    assert Session.load(tmp_path / "a.spg").columns == columns
    a_session().save(tmp_path / "b.spg")
    assert Session.load(tmp_path / "b.spg").columns == ()
    share = [[["noise.kind", "flow-matching"], ["noise.source_path", r"\\host\share\a.csv"]]]
    told = json.dumps([{}, *({"edits": edits} for edits in share)])
    (tmp_path / "c.spg").write_bytes(written(good_metadata() | {"version": "1", "columns": told}))
    read = Session.load(tmp_path / "c.spg").columns
    assert dict(read[1].edits)["noise.source_path"] == "a.csv"
    local = Column.of({"noise.source_path": "/home/me/a.csv"})
    a_session(columns=(local, read[1])).save(tmp_path / "d.spg")
    assert Session.load(tmp_path / "d.spg").columns == (local, read[1])


NO_LIST = "{}", "[", "[" * 100_000, "3"
REFUSED = {
    "pinned runs|its runs cannot be read": ("runs", (*NO_LIST, '["' + "x" * 10_000_001 + '"]')),
    "compared columns cannot be read": (
        "columns",
        (
            *NO_LIST,
            "[{}]",
            "[{}, {}, {}, {}, {}]",
            '[{}, {"edits": [["sampling.steps"]]}]',
            '[{}, {"edits": [["sampling.steps", {"a": 1}]]}]',
            '[{}, {"edits": [["' + "x" * 101 + '", 1]]}]',
            '[{}, {"step": "x"}]',
            '[{}, {"edits": [["sampling.kind", "' + "x" * 100_000 + '"]]}]',
        ),
    ),
}


@pytest.mark.parametrize("said", REFUSED)
def test_pinned_runs_and_columns_that_cannot_be_read_are_refused(tmp_path: Path, said: str) -> None:
    path, (name, texts) = tmp_path / "a.spg", REFUSED[said]
    for text in texts:
        path.write_bytes(written(good_metadata() | {"version": "1", name: text}))
        with pytest.raises(SessionError, match=said):
            Session.load(path)


def of_classes(*names: str) -> Session:
    images, labels = rng.random((60, 1, 8, 8)), np.arange(60) % len(names)
    experiment = experiments.replace(Experiment(), {"data.kind": "images", "data.path": "/elsewhere/animals"})
    none = {"weights": None, "trajectory": None, "clicked": ()}
    return a_session(
        experiment=experiment, points=images, held_out=images[:9] / 2, labels=labels, class_names=names, **none
    )


@pytest.mark.parametrize("names", [("cats", "Füchse 🦊"), ("two\nlines\x1b[2J", "a \udce9", "\u202eodd", "d", "e")])
def test_classes_have_their_names_again(tmp_path: Path, names: tuple[str, ...]) -> None:
    of_classes(*names).save(tmp_path / "one.spg")
    session = Session.load(tmp_path / "one.spg")
    assert session.class_names == names
    session.save(tmp_path / "two.spg")
    assert (tmp_path / "two.spg").read_bytes() == (tmp_path / "one.spg").read_bytes()
    dataset = Session.load(tmp_path / "two.spg").dataset()
    assert dataset.class_names == names
    shown = {2: "0 cats, 1 Füchse 🦊", 5: "0 two lines[2J, 1 a , 2 odd and 2 more"}[len(names)]
    assert str(dataset.note) == f"Classes are numbered as their folders are sorted: {shown}."


def test_as_many_names_as_are_read_fit_into_the_header_whatever_they_are(tmp_path: Path) -> None:
    """A byte that is no text takes seven bytes there. With a limit of 1,000, ImageNet's 21,841 classes lost their names."""
    names = ("\udce9" * 255,) * 50_000
    replace(of_classes("a", "b"), class_names=names).save(tmp_path / "one.spg")
    assert Session.load(tmp_path / "one.spg").class_names == names


def test_more_or_longer_names_than_are_read_are_not_written(tmp_path: Path) -> None:
    for names in (("a",) * 50_001, ("a" * 256, "b")):
        session = of_classes("a", "b")
        replace(session, class_names=names).save(tmp_path / "one.spg")
        loaded = Session.load(tmp_path / "one.spg")
        assert loaded.class_names == ()
        np.testing.assert_array_equal(loaded.labels, session.labels)


def test_arrays_of_any_layout_are_saved_as_they_look(tmp_path: Path) -> None:
    points = np.asfortranarray(rng.normal(size=(100, 4)))[:, ::2]
    held_out = rng.normal(size=(20, 2)).astype(">f8")
    a_session(points=points, held_out=held_out).save(tmp_path / "one.spg")
    loaded = Session.load(tmp_path / "one.spg")
    np.testing.assert_array_equal(loaded.points, points)
    np.testing.assert_array_equal(loaded.held_out, held_out)


def test_the_points_of_a_file_travel_with_the_session(tmp_path: Path) -> None:
    experiment = experiments.replace(Experiment(), {"data.kind": "file", "data.path": "/elsewhere/points.csv"})
    session = a_session(experiment=experiment)
    session.save(tmp_path / "one.spg")
    dataset = Session.load(tmp_path / "one.spg").dataset()
    np.testing.assert_array_equal(dataset.points, session.points)
    np.testing.assert_array_equal(dataset.held_out, session.held_out)
    assert (dataset.name, dataset.axes, dataset.shape) == ("points.csv", session.axes, (2,))
    assert dataset.density is None


@pytest.mark.parametrize(("kind", "shape", "what"), [("file", (2,), "rows"), ("images", (3, 8, 8), "images")])
def test_a_session_says_again_that_rows_repeat(tmp_path: Path, kind: str, shape: tuple[int, ...], what: str) -> None:
    experiment = experiments.replace(Experiment(), {"data.kind": kind, "data.path": "/elsewhere/points"})
    points, held_out = np.tile(rng.random((50, *shape)), (2, *[1] * len(shape))), rng.random((20, *shape))
    a_session(experiment=experiment, points=points, held_out=held_out, trajectory=None, clicked=()).save(tmp_path / "a")
    said = str(Session.load(tmp_path / "a").dataset().note)
    assert said == f"50 of 120 {what} repeat another; duplicates are all in the training set or all held out."
    if what == "rows":  # if rows were held out one by one
        shared = a_session(experiment=experiment, points=points, held_out=points[:20], trajectory=None, clicked=())
        assert str(shared.dataset().note).startswith("70 of 120 rows repeat another; rows are held out at random")
    plain = a_session(experiment=experiment, points=points[:50], held_out=held_out, trajectory=None, clicked=())
    assert plain.dataset().note is None


def test_a_toy_has_its_density_again_and_its_own_points(tmp_path: Path) -> None:
    session = a_session()
    session.save(tmp_path / "one.spg")
    dataset = Session.load(tmp_path / "one.spg").dataset()
    np.testing.assert_array_equal(dataset.points, session.points)
    assert dataset.density is not None


def test_saving_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.spg"
    first = a_session()
    first.save(path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    methods: tuple[tuple[object, str], ...] = (os, "replace"), (os, "fsync"), (Path, "open")
    for owner, method in methods:
        with monkeypatch.context() as patch:
            patch.setattr(owner, method, full)
            with pytest.raises(
                SessionError,
                match=r"no space left on device\): free some space or choose another folder\. The old file is kept\.",
            ):
                a_session(training={"step": 99}).save(path)
        assert_same(first, Session.load(path))
        assert [file.name for file in tmp_path.iterdir()] == ["one.spg"]


def test_saving_where_there_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SessionError, match=r"cannot be written \(no such file or directory\): choose another folder\.$"
    ):
        a_session().save(tmp_path / "none" / "one.spg")


@pytest.mark.parametrize("length", [250, 300])
def test_a_session_of_too_long_a_name_is_no_fault_of_the_program(tmp_path: Path, length: int) -> None:
    with pytest.raises(SessionError, match=r"cannot be written \(file name too long\): give it a shorter name"):
        a_session().save(tmp_path / (length * "n" + ".spg"))


def test_a_saved_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    a_session().save(tmp_path / "one.spg")
    assert (tmp_path / "one.spg").stat().st_mode == (tmp_path / "other").stat().st_mode


def good_metadata() -> dict[str, str]:
    return {
        "format": sessions.FORMAT,
        "version": "1",
        "experiment": "",
        "axes": '["x", "y"]',
        "training": "{}",
        "view": "{}",
    }


def good_tensors() -> dict[str, np.ndarray]:
    return {"data/points": np.zeros((60, 2)), "data/held_out": np.zeros((20, 2))}


WITH_LABELS = {"data/labels": np.arange(60) % 2}


def written(
    metadata: dict[str, str] | None = None, tensors: dict[str, np.ndarray] | None = None, without: str = ""
) -> bytes:
    kept = {name: text for name, text in (good_metadata() | (metadata or {})).items() if name != without}
    return safetensors.numpy.save(good_tensors() | (tensors or {}), kept)


def with_trajectory(**changes: np.ndarray | None) -> bytes:
    """A session whose trajectory has other arrays, and lacks those that are None."""
    whole = a_trajectory() | changes
    return written(None, {f"trajectory/{name}": array for name, array in whole.items() if array is not None})


def with_header(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def a_zip() -> bytes:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", "x")
    return buffer.getvalue()


class Trap:
    """Leaves a mark if it is ever unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("unpickled",)


def tensor(dtype: str, shape: list[int], offsets: list[int]) -> dict[str, Any]:
    return {"data/points": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


HOSTILE = {
    "empty": (b"", "is empty"),
    "text": (b"seed = 3\n", "is not a session"),
    "random": (np.random.default_rng(1).bytes(4096), "is not a session"),
    "zeros": (b"\0" * 100, "is not a session"),
    "pickle": (pickle.dumps(Trap()), "is not a session"),
    "zip": (a_zip(), "is not a session"),
    "npy": (b"\x93NUMPY\x01\x00" + b"x" * 100, "is not a session"),
    "huge header": (with_header({}, length=2**63), "is not a session"),
    "header of 100 MB": (with_header({}, length=99_999_999), "is not a session"),
    "header is no JSON": (with_header(b"{{{{"), "is not a session"),
    "header is a list": (with_header([1, 2]), "is not a session"),
    "header nests 100,000 deep": (with_header(b"[" * 100_000), "is not a session"),
    "header is no UTF-8": (with_header(b"\xff\xfe\xfd"), "is not a session"),
    "no arrays": (with_header({}), "not a session of Score Playground"),
    "negative offsets": (with_header(tensor("F64", [4, 2], [-64, 0]), b"\0" * 64), "is not a session"),
    "offsets beyond the end": (with_header(tensor("F64", [4, 2], [0, 640]), b"\0" * 64), "is not a session"),
    "shape of petabytes": (with_header(tensor("F64", [2**40, 2], [0, 64]), b"\0" * 64), "is not a session"),
    "shape that overflows": (with_header(tensor("F64", [2**62, 16], [0, 64]), b"\0" * 64), "is not a session"),
    "unknown dtype": (with_header(tensor("OBJECT", [4, 2], [0, 64]), b"\0" * 64), "is not a session"),
    "truncated header": (written()[:40], "is not a session"),
    "truncated body": (written()[:-9], "is not a session"),
    "too long": (written() + b"\0" * 8, "is not a session"),
    "someone's model": (safetensors.numpy.save({"layer": np.zeros(3)}), "not a session of Score Playground"),
    "other format": (written({"format": "other"}), "not a session of Score Playground"),
    "newer version": (written({"version": "3", "program": "9.9.0"}), "saved by a newer Score Playground (9.9.0)"),
    "version is text": (written({"version": "new"}), "its version is not a number"),
    "version of a checksum without one": (written({"version": "2"}), "its contents do not match its checksum"),
    "another file's checksum": (written({"checksum": "0badcafe"}), "its contents do not match its checksum"),
    "version of many digits": (written({"version": "9" * 5000}), "its version is not a number"),
    "no experiment": (written(without="experiment"), "its experiment is missing"),
    "experiment is no TOML": (written({"experiment": "[[["}), "not valid TOML"),
    "experiment is wrong": (written({"experiment": "sead = 3"}), "sead is not a setting"),
    "axes are no list": (written({"axes": "{}"}), "its axes cannot be read"),
    "axes are three": (written({"axes": '["a", "b", "c"]'}), "its axes have no names"),
    "axes are numbers": (written({"axes": "[1, 2]"}), "its axes have no names"),
    "view is no JSON": (written({"view": "{"}), "its view cannot be read"),
    "view nests deep": (written({"view": "[" * 100_000}), "its view cannot be read"),
    "training is a list": (written({"training": "[]"}), "its training cannot be read"),
    "clicked is no list": (written({"clicked": "{}"}), "its clicked cannot be read"),
    "clicked is a pickle": (written({"clicked": "gASVBQ=="}), "its clicked cannot be read"),
    "clicked points in 3-D": (written({"clicked": "[[1, 2, 3]]"}), "clicked points do not fit its data"),
    "a clicked point is text": (written({"clicked": '[["a", "b"]]'}), "clicked points do not fit its data"),
    "a clicked point is not finite": (written({"clicked": "[[NaN, 1e999]]"}), "clicked points do not fit its data"),
    "a clicked point is beyond all floats": (
        written({"clicked": f"[[{10**400}, 0]]"}),
        "clicked points do not fit its data",
    ),
    "an image is clicked among points": (written({"clicked": "[3]"}), "clicked points do not fit its data"),
    "three clicked points": (written({"clicked": "[[0, 0], [0, 1], [1, 1]]"}), "more than two points"),
    "names of classes are no list": (
        written({"class_names": '{"a": 1}'}, WITH_LABELS),
        "its class_names cannot be read",
    ),
    "names of classes are a pickle": (written({"class_names": "gASVBQ=="}, WITH_LABELS), "class_names cannot be read"),
    "names of classes nest deep": (written({"class_names": "[" * 100_000}, WITH_LABELS), "class_names cannot be read"),
    "names of classes are numbers": (written({"class_names": "[1, 2]"}, WITH_LABELS), "no names that can be used"),
    "a class has no name": (written({"class_names": '["a", ""]'}, WITH_LABELS), "no names that can be used"),
    "a class has a name without end": (
        written({"class_names": json.dumps(["a", 256 * "b"])}, WITH_LABELS),
        "no names that can be used",
    ),
    "a million names of classes": (
        written({"class_names": json.dumps(["a"] * 1_000_000)}, WITH_LABELS),
        "no names that can be used",
    ),
    "fewer names than classes": (written({"class_names": '["a"]'}, WITH_LABELS), "do not fit its labels"),
    "names of classes without labels": (written({"class_names": '["a"]'}), "do not fit its labels"),
    "points are whole numbers": (
        written(None, {"data/points": np.zeros((60, 2), int)}),
        "its data do not fit data.kind = two-moons",
    ),
    "points in 3-D": (written(None, {"data/points": np.zeros((60, 3))}), "its data do not fit data.kind = two-moons"),
    "points are a number": (written(None, {"data/points": np.zeros(())}), "its data do not fit data.kind = two-moons"),
    "no points": (written(None, {"data/points": np.zeros((0, 2))}), "its data points are missing"),
    "points are not finite": (written(None, {"data/points": np.full((60, 2), np.nan)}), "not finite"),
    "held-out of another kind": (
        written(None, {"data/held_out": np.zeros((9, 1, 8, 8))}),
        "its data do not fit data.kind = two-moons",
    ),
    "points that are said to be digits": (
        written({"experiment": 'data.kind = "digits"'}),
        "its data do not fit data.kind = digits",
    ),
    "images that are said to be digits": (
        written(
            {"experiment": 'data.kind = "digits"'},
            {"data/points": np.zeros((60, 3, 8, 8)), "data/held_out": np.zeros((9, 3, 8, 8))},
        ),
        "its data do not fit data.kind = digits",
    ),
    "images that are said to be moons": (
        written(None, {"data/points": np.zeros((60, 1, 8, 8)), "data/held_out": np.zeros((9, 1, 8, 8))}),
        "its data do not fit data.kind = two-moons",
    ),
    "unknown array": (written(None, {"secret": np.zeros(3)}), "unknown array 'secret'"),
    "weights not finite": (written(None, {"weights/a": np.array([np.inf])}), "not finite"),
    "trajectory without positions": (written(None, {"trajectory/sigma": np.zeros(3)}), "is of other data"),
    "acceptance of other frames": (with_trajectory(accepted=np.zeros(2)), "accepted has shape (2,)"),
    "evaluations of other frames": (with_trajectory(nfe_mean=np.zeros(2)), "nfe_mean has shape (2,)"),
    "steps of other frames": (with_trajectory(step=np.arange(2)), "one a frame"),
    "steps that fall": (with_trajectory(step=np.array([0, 2, 1])), "whole numbers that rise"),
    "trajectory of other points": (with_trajectory(positions=np.zeros((3, 5, 3))), "positions must be numbers"),
    "trajectory that ran away": (with_trajectory(positions=np.full((3, 5, 2), np.inf)), "positions are not finite"),
    "times without end": (with_trajectory(time=np.full(3, np.inf)), "time is infinite"),
    "trajectory of images": (with_trajectory(shape=np.array([1, 8, 8])), "is of other data"),
    "trajectory of other length": (with_trajectory(sigma=np.zeros(4)), "sigma has shape (4,)"),
    "trajectory of another array": (with_trajectory(secret=np.zeros(3)), "unknown array 'secret'"),
    "trajectory without times": (with_trajectory(time=None), "lacks time"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_that_are_no_session_are_refused_in_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents, sentence = HOSTILE[name]
    path = tmp_path / "one.spg"
    path.write_bytes(contents)
    monkeypatch.chdir(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(SessionError) as caught:
            Session.load(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert sentence in message
    assert "one.spg" in message
    assert "\n" not in message
    assert message[-1] in ".?"
    assert most < 20e6 + 20 * len(contents)
    assert not (tmp_path / "unpickled").exists()


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    for path, sentence in ((tmp_path / "none.spg", "No such file"), (tmp_path, "it is a folder")):
        with pytest.raises(SessionError, match=sentence):
            Session.load(path)


def test_the_hostile_files_differ_from_a_good_one_only_in_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "one.spg").write_bytes(written())
    assert len(Session.load(tmp_path / "one.spg").points) == 60


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_byte_is_noticed_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    contents = bytearray(written(None, {"weights/a": np.ones(4)}))
    for _ in range(data.draw(st.integers(1, 4))):
        contents[data.draw(st.integers(0, len(contents) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "one.spg"
    path.write_bytes(contents[: data.draw(st.integers(0, len(contents)))])
    try:
        session = Session.load(path)
    except SessionError:
        return
    assert session.points.shape[1:] == (2,)
    assert np.isfinite(session.points).all()


@pytest.mark.parametrize("seed", range(6))
def test_twenty_flipped_bytes_are_noticed_wherever_they_are(seed: int, tmp_path: Path) -> None:
    """Changed weights are still numbers, so only the checksum finds the damage."""
    path, draws = tmp_path / "one.spg", np.random.default_rng(seed)
    a_session(weights={"network": draws.normal(size=50_000).astype(np.float32)}).save(path)
    good = path.read_bytes()
    numbers = 8 + int.from_bytes(good[:8], "little")
    for first in (0, 8, numbers):  # from the whole file, from header and numbers, from the numbers only
        flipped = bytearray(good)
        for place in draws.choice(np.arange(first, len(good)), 20, replace=False):
            flipped[place] ^= int(draws.integers(1, 256))
        path.write_bytes(flipped)
        with pytest.raises(SessionError, match="damaged"):
            Session.load(path)


@pytest.mark.parametrize("damage", ["cut", "header", "length", "text"])
def test_a_damaged_file_is_told_in_plain_words(tmp_path: Path, damage: str) -> None:
    good, path = written(), tmp_path / "one.spg"
    path.write_bytes(
        {
            "cut": good[: len(good) // 2],
            "header": good[:8] + b"\xff\xfe" + good[10:],
            "length": b"\xff" * 8 + good[8:],
            "text": b"Dear all, see you at noon.",
        }[damage]
    )
    with pytest.raises(SessionError) as caught:
        Session.load(path)
    said = "one.spg is not a session of Score Playground, or a damaged one: open another .spg file."
    assert str(caught.value) == said  # without a word of the library


def test_text_that_looks_like_the_checksum_is_none(tmp_path: Path) -> None:
    for text in ('"checksum":"00000000"', "00000000", '\\"checksum":"00000000'):
        session = a_session(axes=(text, "y"), view={"checksum": "00000000"})
        session.save(tmp_path / "one.spg")
        assert Session.load(tmp_path / "one.spg").axes == (text, "y")
