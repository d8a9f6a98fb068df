"""Every file says what made it: version, seeds, digests, device and plug-ins. It is read by other programs' readers here."""

import ast
import dataclasses
import hashlib
import html
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
import numpy as np
import pytest
import safetensors
from PIL import Image

from playground.cli import main, results
from playground.data import Dataset
from playground.drawing.film import picture
from playground.drawing.render import headless
from playground.drawing.scene import Scene
from playground.drawing.vectors import SUFFIXES
from playground.drawing.video import FORMATS
from playground.kinds import plugins
from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.provenance import Provenance
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.trajectory import Trajectory
from playground.version import __version__
from tests import fewer

NAME = "my points & <é>.csv"  # what XML and PDF must escape
PLUGIN = "b" * 64  # its digest
QUICK = (
    *("--device=cpu", "--set=training.steps=2", "--set=sampling.particles=10", "--set=sampling.steps=4"),
    *("--set=likelihood.points=10", "--set=likelihood.tolerance=0.1"),
)


def _safetensors(path: Path) -> Any:
    with safetensors.safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["provenance"])


def _npz(path: Path) -> Any:
    with np.load(path, allow_pickle=False) as arrays:
        return json.loads(str(arrays["provenance"]))


def _image(path: Path) -> Any:
    with Image.open(path) as image:
        return json.loads(image.info["comment" if path.suffix == ".gif" else "provenance"])


def _video(path: Path) -> Any:
    with av.open(str(path)) as file:
        return json.loads({key.lower(): value for key, value in file.metadata.items()}["comment"])


def _svg(path: Path) -> Any:
    described = ElementTree.parse(path).getroot().findtext("{http://www.w3.org/2000/svg}desc")
    return json.loads((described or "").removeprefix("Painted by Score Playground "))


def _pdf(path: Path) -> Any:
    found = re.search(rb"/Creator \((.*?)(?<!\\)\)\n", path.read_bytes(), re.DOTALL)
    assert found is not None
    creator = re.sub(rb"\\(.)", rb"\1", found[1], flags=re.DOTALL).decode("utf-16")
    return json.loads(creator.removeprefix("Score Playground "))


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))["provenance"]


def _comment(path: Path) -> Any:
    text = path.read_text("utf-8")
    assert (tomllib.loads(text) if path.suffix == ".toml" else ast.parse(text)) is not None
    return json.loads(text.partition("\n")[0].removeprefix("# provenance = "))


def _page(path: Path) -> Any:
    found = re.search("<pre>(.*?)</pre>", path.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(html.unescape(found[1]))[0]


def _notebook(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))["metadata"]["provenance"]


READERS: dict[str, Callable[[Path], Any]] = {
    **dict.fromkeys((".safetensors", ".spg"), _safetensors),
    **{".npz": _npz, ".json": _json, ".png": _image, ".gif": _image, ".mp4": _video, ".webm": _video},
    **{".svg": _svg, ".pdf": _pdf, ".toml": _comment, ".py": _comment, ".ipynb": _notebook, ".html": _page},
}
"""For every kind of file that is written of a run, but CSV, which has no place for it."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with all files of a run on points of a file, of its exports, of a sweep and of a Boltzmann machine."""
    place = tmp_path_factory.mktemp("provenance")
    points, out = place / NAME, place / "written"
    np.savetxt(points, np.random.default_rng(0).standard_normal((300, 2)), delimiter=",")
    given = replace(Experiment(), {"data.kind": "file", "data.path": str(points), "data.seed": 1, "training.seed": 2})
    (place / "given").mkdir()
    experiments.save(given, place / "given" / "experiment.toml")
    (place / "given" / "sweep.toml").write_text(
        'base = "experiment.toml"\nseeds = [7, 8]\n[axes]\n"sampling.steps" = [3, 4]\n'
        "[experiment.training]\nsteps = 2\n[experiment.sampling]\nparticles = 10\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        fewer.points_of_optimal_losses(patch)
        fewer.cells_of_maps(patch)
        fewer.pixels_of_films(patch)
        patch.setitem(plugins.loaded, place / "mine.py", plugins.Loaded((), PLUGIN))
        for words in (
            ("run", place / "given/experiment.toml", "--out", out / "run", "--web", *QUICK),
            ("sample", out / "run", "--out", out / "sampled.npz", "--device=cpu"),
            *(("video", out / "run", "--out", out / f"film{end}", "--size=96x72") for end in (".webm", ".gif")),
            *(("script", out / "run", "--out", out / f"short{end}") for end in (".py", ".ipynb")),
            ("script", out / "run", "--standalone", "--out", out / "alone"),
            ("sweep", place / "given/sweep.toml", "--out", out / "sweep", "--workers=1", "--device=cpu"),
            ("boltzmann", "--out", out / "machine", "--set=steps=2", "--set=seed=5"),
        ):
            assert main([str(word) for word in words]) == 0, words
        Session.load(out / "run" / "model.safetensors").save(out / "again.spg")
        run = Trajectory.load_npz(out / "run" / "trajectory.npz")
        application = headless()
        for suffix in SUFFIXES:
            made = picture(Scene(provenance=run.provenance), 96, 72, suffix)
            assert isinstance(made, bytes)
            (out / f"canvas{suffix}").write_bytes(made)
        del application
        yield out


def _files(folder: Path) -> list[Path]:
    own = {".csv", ".lock"}  # of tables, which other programs read; and of processes
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in own]
    return [
        path for path in files if "playground" not in path.relative_to(folder).parts
    ]  # the program's own, as they are


@pytest.mark.claims  # a file of every kind
def test_every_kind_of_file_is_written(written: Path) -> None:
    found = {path.suffix for path in _files(written)}
    assert (
        found == set(READERS) >= {*FORMATS, *SUFFIXES, *(Path(name).suffix for name in results.EVERYTHING)} - {".csv"}
    )


@pytest.mark.claims  # a file of every kind
def test_every_file_says_what_made_it(written: Path) -> None:
    digest = hashlib.sha256((written.parent / NAME).read_bytes()).hexdigest()
    for path in _files(written):
        if path.name in ("sweep.json", "data.npz"):  # a sweep's description; arrays that belong to a script
            continue
        told = READERS[path.suffix](path)
        for one in told if isinstance(told, list) else [told]:
            assert one["version"] == __version__, path
            assert one["plugins"] == [{"name": "mine.py", "sha256": PLUGIN}], path
            computed = path.suffix not in (".py", ".ipynb")
            assert one.get("device") == ("cpu" if computed else None), path
            if "machine" in path.parts:
                assert (one["seeds"], one["files"]) == ({"seed": 5}, {}), path
                continue
            assert one["files"] == {"data.path": {"name": NAME, "sha256": digest}}, path
            assert set(one["seeds"]) == set(experiments.SEEDS), path
            if "sweep" not in path.parts:
                assert one["seeds"] == {"data.seed": 1, "training.seed": 2, "sampling.seed": 0}, path
            elif "plots" in path.parts:
                assert one["seeds"] == {key: [7, 8] for key in experiments.SEEDS}, path
        assert str(written.parent) not in json.dumps(told), path


@pytest.mark.claims  # a file of every kind
def test_the_same_run_has_the_same_provenance(written: Path) -> None:
    metrics = _json(written / "run" / "metrics.json")
    assert metrics == _npz(written / "run" / "trajectory.npz") == _image(written / "run" / "picture.png")


def _of_file(path: Path) -> Any:
    return Provenance.of(replace(Experiment(), {"data.kind": "file", "data.path": str(path)})).files["data.path"]


def test_a_changed_file_has_another_digest(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("1,2\n3,4\n")
    before = _of_file(path)
    assert before == {"name": "points.csv", "sha256": hashlib.sha256(b"1,2\n3,4\n").hexdigest()}
    path.write_text("1,2\n3,4\n5,6\n")
    assert _of_file(path)["sha256"] == hashlib.sha256(b"1,2\n3,4\n5,6\n").hexdigest()


def test_a_file_that_cannot_be_read_has_a_reason(tmp_path: Path) -> None:
    gone = _of_file(tmp_path / "gone.csv")
    assert (gone["name"], gone["sha256"]) == ("gone.csv", None)
    assert gone["reason"] == "The file cannot be read: No such file or directory."
    assert "network share or a device" in _of_file(Path("/dev/zero"))["reason"]  # reading it would never end
    if hasattr(os, "mkfifo"):  # not on Windows
        os.mkfifo(tmp_path / "pipe.csv")
        assert "neither a file nor a folder" in _of_file(tmp_path / "pipe.csv")["reason"]  # nor would this
    share = replace(Experiment(), {"data.kind": "file", "data.path": r"\\server\share\a.csv"})
    assert Provenance.of(share).files["data.path"]["name"] == "a.csv"


def test_a_folder_has_one_digest_of_its_pictures(tmp_path: Path) -> None:
    for name, contents in (("b/2.png", b"two"), ("a/1.jpg", b"one"), ("a/notes.txt", b"none"), (".hidden.png", b"no")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(contents)
    settings = {"data.kind": "images", "data.path": str(tmp_path)}

    def found() -> Any:
        return Provenance.of(replace(Experiment(), settings)).files["data.path"]

    lines = [
        f"{hashlib.sha256(each).hexdigest()}  {name}\n" for name, each in (("a/1.jpg", b"one"), ("b/2.png", b"two"))
    ]
    assert found() == {"name": tmp_path.name, "sha256": hashlib.sha256("".join(lines).encode()).hexdigest()}
    before = found()
    (tmp_path / "b/2.png").rename(tmp_path / "b/3.png")
    assert found() != before


def _problem() -> Problem:
    settings = {"sampling.source": "exact", "sampling.particles": 8, "sampling.steps": 3, "likelihood.points": 10}
    return Problem.build(replace(Experiment(), settings))


def test_a_run_has_the_seed_that_it_was_drawn_by(tmp_path: Path) -> None:
    problem = _problem()
    score = problem.known_score()
    assert score is not None
    *_, run = sample(problem, score, seed=9)
    assert json.loads(run.provenance)["seeds"]["sampling.seed"] == 9
    run.last_frame().save_npz(tmp_path / "last.npz")
    assert Trajectory.load_npz(tmp_path / "last.npz").provenance == run.provenance
    session = Session.of(problem.experiment, problem.dataset, trajectory=run.arrays())
    session.save(tmp_path / "a.spg")
    loaded = Session.load(tmp_path / "a.spg")
    assert loaded.trajectory is not None
    assert Trajectory.from_arrays(dict(loaded.trajectory)).provenance == run.provenance
    assert _safetensors(tmp_path / "a.spg")["seeds"]["sampling.seed"] == 0  # its settings


def test_a_session_keeps_the_device_of_its_weights(tmp_path: Path) -> None:
    dataset: Dataset = _problem().dataset
    Session.of(Experiment(), dataset, device="cuda").save(tmp_path / "a.spg")
    again = dataclasses.replace(Session.load(tmp_path / "a.spg"), view={"zoom": 1})
    again.save(tmp_path / "b.spg")
    assert _safetensors(tmp_path / "b.spg")["device"] == "cuda"
    Session.of(Experiment(), dataset).save(tmp_path / "c.spg")
    assert "device" not in _safetensors(tmp_path / "c.spg")  # nothing was trained
