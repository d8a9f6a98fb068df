"""A web page has the numbers of its run: read back from the file, without a browser."""

import base64
import dataclasses
import json
import math
import re
import zlib
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from playground.app.style.number_formats import format_number
from playground.data.units import Units
from playground.drawing.coloring import by_class
from playground.drawing.film import FrameOverlay, at_frame
from playground.drawing.frames import FilmedRun
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Data, Density, Field, Particles, Trails
from playground.drawing.plane import Plane
from playground.drawing.render import PictureError
from playground.drawing.scene import Scene
from playground.drawing.web_page import FEWEST, LIMIT, NOWHERE, SIZE, Page, PageColumn, PageQuestion, spread, write_page
from playground.lab.compute import result
from playground.lab.lessons import MeasuredStep, Step
from playground.lab.step_figure import Figure
from playground.lab.trajectory import Trajectory

Show = Callable[[Scene, int], Scene]
LARGEST = 3_000_000


class Read:
    """A page as its script reads it."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text("utf-8")
        self.shown: dict[str, Any] = json.loads(self._element("shown"))
        self._bytes = np.frombuffer(zlib.decompress(base64.b64decode(self._element("numbers"))), np.uint8)

    def _element(self, name: str) -> str:
        found = re.search(rf'id="{name}">(.*?)</script>', self.text, re.DOTALL)
        assert found is not None
        return found[1]

    def array(self, place: dict[str, Any]) -> NDArray[Any]:
        size = int(np.prod(place["shape"]))
        low = self._bytes[place["at"] : place["at"] + size]
        if place["type"] != "uint16":
            found: NDArray[Any] = low.view(place["type"]).reshape(place["shape"])
            return found
        high = self._bytes[place["at"] + size : place["at"] + 2 * size]
        return (low.astype(np.uint16) | high.astype(np.uint16) << 8).reshape(place["shape"])

    def points(self, place: dict[str, Any]) -> NDArray[Any]:
        """Points in the user's units, in the viewport of :func:`scene`."""
        whole = self.array(place)
        if place["along"]:
            whole = np.cumsum(whole, axis=0, dtype=np.uint16)
        places = whole * np.array(place["scale"]) + np.array(place["offset"])
        return np.where(whole == NOWHERE, np.nan, places * np.array([8, -6]) / SIZE + np.array([-4, 3]))


def trajectory(positions: NDArray[Any], provenance: str = "") -> Trajectory:
    shape, length = positions.shape[2:], len(positions)
    run = Trajectory(Units(np.zeros(shape), np.ones(shape)), shape, positions.shape[1], length - 1)
    run._positions[:], run._length, run.provenance = positions, length, provenance
    run._step[:], run._sigma[:] = np.arange(length), np.linspace(2, 0, length)  # noqa: SLF001
    return run


def filmed(run: Trajectory, show: Show = lambda scene, frame: scene) -> FilmedRun:
    def overlays(run: Trajectory | None, frames: NDArray[Any]) -> Generator[float, None, FrameOverlay]:
        yield 0.5
        assert run is not None
        return lambda scene, frame: show(at_frame(scene, run.positions, frame), frame)

    return FilmedRun(partial(iter, (run,)), overlays)


def scene(**layers: Any) -> Scene:
    nothing = np.zeros((0, 2))
    return Scene(viewport=(-4, 4, -3, 3), particles=Particles(nothing), trails=Trails(nothing[None]), **layers)


def written(path: Path, page: Page) -> Read:
    told = list(write_page(page, path / "page.html"))
    assert told == sorted(told)
    assert told[-1] == 1.0
    return Read(path / "page.html")


def one(run: Trajectory, show: Show = lambda scene, frame: scene, **layers: Any) -> Page:
    return Page("moons", [PageColumn("Langevin", scene(**layers), [filmed(run, show)])])


@pytest.fixture
def noise() -> NDArray[Any]:
    return np.random.default_rng(0).standard_normal((40, 300, 2)) * 5


def test_particles_are_those_of_the_run_but_for_rounding(tmp_path: Path, noise: NDArray[Any]) -> None:
    found = written(tmp_path, one(trajectory(noise)))
    run = found.shown["columns"][0]["runs"][0]
    assert run["frames"] == [*range(40)]
    unit = np.ptp(noise, axis=(0, 1)) / (NOWHERE - 1)
    assert (abs(found.points(run["points"]) - noise) <= 0.51 * unit).all()


def test_what_is_not_finite_has_no_place(tmp_path: Path, noise: NDArray[Any]) -> None:
    noise[5:, 7] = np.nan
    found = written(tmp_path, one(trajectory(noise)))
    points = found.points(found.shown["columns"][0]["runs"][0]["points"])
    assert np.array_equal(np.isnan(points), np.isnan(noise))


def test_a_long_run_of_many_has_fewer_frames_and_particles_and_says_so(tmp_path: Path) -> None:
    positions = np.random.default_rng(0).standard_normal((1500, 5000, 2)).astype(np.float32)
    found = written(tmp_path, one(trajectory(positions)))
    run = found.shown["columns"][0]["runs"][0]
    frames, particles, _ = run["points"]["shape"]
    assert (run["of"], particles) == (5000, 1667)  # every third
    assert 4 * particles * frames <= LIMIT < 4 * particles * (frames + 1)
    assert (run["frames"][0], run["frames"][-1]) == (0, 1499)
    points = found.points(run["points"])
    assert np.abs(points[3] - positions[run["frames"][3], ::3]).max() < 1e-3
    assert len(found.text) <= LARGEST  # although noise cannot be compressed


def test_columns_and_training_steps_share_the_room(tmp_path: Path) -> None:
    positions = np.random.default_rng(0).standard_normal((300, 2000, 2)).astype(np.float32)
    columns = [PageColumn(name, scene(), [filmed(trajectory(positions))] * 2) for name in "ABCD"]
    found = written(tmp_path, Page("", columns, steps=[10, 2000]))
    shapes = [run["points"]["shape"] for column in found.shown["columns"] for run in column["runs"]]
    assert len(shapes) == 8
    assert len({tuple(shape) for shape in shapes}) == 1
    assert shapes[0][0] >= FEWEST
    assert found.shown["steps"] == [10, 2000]
    assert len(found.text) <= LARGEST


def test_maps_and_arrows_are_of_their_frame(tmp_path: Path, noise: NDArray[Any]) -> None:
    rng = np.random.default_rng(1)
    values, places = rng.random((40, 30, 50)), rng.uniform(-2, 2, (60, 2))
    vectors = rng.standard_normal((40, 60, 2))

    def show(scene: Scene, frame: int) -> Scene:
        layers: dict[str, Any] = {
            "density": Density(values[frame], (-4, 4, -3, 3)),
            "learned": Field(places, vectors[frame]),
        }
        return dataclasses.replace(scene, **layers, caption=(f"frame {frame}",))

    found = written(tmp_path, one(trajectory(noise), show))
    run = found.shown["columns"][0]["runs"][0]
    assert run["captions"] == [[f"frame {frame}"] for frame in range(40)]
    assert run["moments"] == [*range(40)]
    cells = found.array(run["maps"]["density"])
    assert np.array_equal(cells[3], np.round(255 * Density(values[3], (-4, 4, -3, 3)).shares()))
    field = run["fields"]["learned"]
    assert field["counts"] == [60] * 40
    tails, tips, _ = Field(places, vectors[3]).arrows(Plane((-4, 4, -3, 3), *SIZE))
    middles, halves = found.array(field["middles"])[180:240] / 64, found.array(field["halves"])[180:240] * (18 / 127)
    assert np.abs(middles - (tails + tips) / 2).max() < 0.01
    assert np.abs(halves - (tips - tails) / 2).max() < 0.08


def test_classes_and_training_points_are_there(tmp_path: Path, noise: NDArray[Any]) -> None:
    points, labels = np.random.default_rng(2).standard_normal((500, 2)), np.arange(500) % 3

    def show(scene: Scene, frame: int) -> Scene:
        assert scene.particles is not None
        colored = Particles(scene.particles.positions, coloring=by_class(np.arange(300) % 3, ()))
        return dataclasses.replace(scene, particles=colored)

    found = written(tmp_path, one(trajectory(noise), show, data=Data(points, by_class(labels, ()))))
    column = found.shown["columns"][0]
    assert np.abs(found.points(column["data"]) - points).max() < 1e-4
    assert np.array_equal(found.array(column["labels"]), by_class(labels, ()).labels)
    assert np.array_equal(found.array(column["runs"][0]["labels"])[0], by_class(np.arange(300) % 3, ()).labels)


def test_images_are_brightness(tmp_path: Path) -> None:
    images = np.random.default_rng(3).uniform(-1, 1, (9, 50, 1, 8, 8))
    shown = Scene(images=ImageGrid(images[0], (-1.0, 1.0)))
    found = written(tmp_path, Page("digits", [PageColumn("DDPM", shown, [filmed(trajectory(images))])]))
    run = found.shown["columns"][0]["runs"][0]
    pixels = found.array(run["images"])
    assert pixels.shape == (9, 25, 8, 8, 1)  # every second
    assert np.abs(pixels[..., 0] / 127.5 - 1 - images[:, ::2, 0]).max() < 1 / 255


def test_no_text_of_a_user_becomes_part_of_the_page(tmp_path: Path, noise: NDArray[Any]) -> None:
    evil = "</script><script>alert(1)</script><!--NUMBERS--><!--SCRIPT-->"
    columns = [dataclasses.replace(column, title=evil) for column in one(trajectory(noise)).columns]
    found = written(tmp_path, Page(evil, columns, figures=[(evil, evil)]))
    assert found.shown["columns"][0]["title"] == evil
    assert found.text.count("<script") == 3
    assert found.text.count("&lt;/script>&lt;script>alert(1)") == 4  # title, heading, name and value of a figure
    assert found.text.count("alert(1)") == 5


def test_a_page_makes_no_request(tmp_path: Path, noise: NDArray[Any]) -> None:
    found = written(tmp_path, one(trajectory(noise, '{"version": "1"}')))
    assert "Made by Score Playground 1</summary>" in found.text
    assert "default-src 'none'" in found.text
    assert not re.search(r"\bfetch\(|XMLHttp|https?:|\bsrc=|\bhref=|@import|url\(", found.text)


def test_a_page_that_is_cancelled_or_cannot_be_written_leaves_no_file(tmp_path: Path, noise: NDArray[Any]) -> None:
    work = write_page(one(trajectory(noise)), tmp_path / "page.html")
    next(work)
    work.close()
    assert [*tmp_path.iterdir()] == []
    with pytest.raises(PictureError, match="nowhere"):
        result(write_page(one(trajectory(noise)), tmp_path / "nowhere" / "page.html"))


def test_a_question_keeps_what_is_predicted_for_the_reader() -> None:
    step = Step(
        question="How much?",
        scale=(0.0, 1.0),
        check=Figure("mode_weights", index=0),
        explanation="You said {you:.2f}; measured is {measured:.2f} of {all}.",
    )
    found = PageQuestion.of(MeasuredStep(step, {"measured": 0.75, "all": 2.0}, prediction=(0.3,)), format_number)
    assert found is not None
    assert found.explanation == "You said {you}; measured is 0.75 of 2."
    assert (found.measured, found.scale, found.choices, found.right) == ((0.75,), (0.0, 1.0), (), None)


def test_a_question_whose_answer_is_not_known_is_no_question() -> None:
    step = Step(question="How much?", scale=(0.0, 1.0), check=Figure("mode_weights", index=0))
    assert PageQuestion.of(MeasuredStep(step, {}), format_number) is None
    assert PageQuestion.of(MeasuredStep(step, {"measured": math.nan}), format_number) is None


def test_a_page_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no run to export"):
        result(write_page(Page("", []), tmp_path / "page.html"))


def test_a_particle_that_diverged_leaves_the_others_their_places(tmp_path: Path, noise: NDArray[Any]) -> None:
    noise[:, 0] = 1e6
    found = written(tmp_path, one(trajectory(noise)))
    points = found.points(found.shown["columns"][0]["runs"][0]["points"])
    assert np.abs(points[:, 1:] - noise[:, 1:]).max() < 2e-3
    assert (points[:, 0] > 50).all()


def test_the_first_and_the_last_are_among_some() -> None:
    assert spread(1, 5).tolist() == [0]
    assert spread(4, 9).tolist() == [0, 1, 2, 3]
    assert spread(100, 3).tolist() == [0, 50, 99]
