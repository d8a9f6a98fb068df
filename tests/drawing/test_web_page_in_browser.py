"""A web page in a real browser without a window: what is drawn and said, by mouse, keys and a narrow screen.

It needs Chromium, which ``make claims`` installs on Debian and Ubuntu.
"""

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground.drawing.layers import Data, Density, Field
from playground.drawing.scene import Scene
from playground.drawing.web_page import Page, PageColumn, PageEquation, PageQuestion, write_page
from playground.lab.chart import Axis, Chart, Series
from playground.lab.compute import result
from tests.drawing.test_web_page import filmed, scene, trajectory
from tests.machine import slowness

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.claims, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]
READY = "html[data-ready=yes]"
PARTICLES, FRAMES = 2_000, 60
PLACED = """run => Array.from({length: run.points.shape[1]}, (_, i) => {
    const { values, shape, scale, offset } = run.points, at = 2 * (ownFrame(run) * shape[1] + i);
    return [values[at] * scale[0] + offset[0], values[at + 1] * scale[1] + offset[1]];
})"""
"""The places on the canvas of the particles that are drawn."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Tab:
    """An open page, with the requests that it made and the errors of its script."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int] = (1280, 800), **context: Any) -> None:
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]}, **context)
        self.requests, self.errors = list[str](), list[str]()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.goto(address)
        self.page.wait_for_selector(READY)

    def wait_for(self, condition: str) -> None:
        """Wait until a condition of the script holds. The page lets no text become code, so it is asked from outside."""
        end = time.monotonic() + 20
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, condition
            self.page.wait_for_timeout(20)

    @property
    def said(self) -> str:
        return str(self.page.inner_text("#seen", timeout=1000))

    @property
    def frame(self) -> int:
        return int(self.page.input_value("#frame"))


@pytest.fixture
def still() -> dict[str, Any]:
    return {"reduced_motion": "reduce"}  # so that nothing plays by itself


def run_of(seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((FRAMES, PARTICLES, 2)).cumsum(axis=0)
    return trajectory((steps / 8).astype(np.float32))


def shown(scene: Scene, frame: int) -> Scene:
    axis = np.linspace(-2.5, 2.5, 12)
    places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    density = Density(np.exp(-np.add.outer(np.linspace(-3, 3, 40) ** 2, np.linspace(-4, 4, 40) ** 2)), (-4, 4, -3, 3))
    layers: dict[str, Any] = {
        "density": density,
        "learned": Field(places, -places),
        "caption": (f"σ = {frame}", f"step {frame}"),
    }
    return dataclasses.replace(scene, **layers)


def saved(path: Path, columns: int = 1, **told: Any) -> str:
    data = Data(np.random.default_rng(9).standard_normal((300, 2)))
    made = [
        PageColumn(f"{'ABCD'[place]}  sampler {place}", scene(data=data), [filmed(run_of(place), shown)])
        for place in range(columns)
    ]
    result(write_page(Page("two moons", made, **told), path / "run.html"))
    return (path / "run.html").as_uri()


def test_particles_stand_where_the_run_has_them(browser: Any, tmp_path: Path, still: dict[str, Any]) -> None:
    address = saved(tmp_path)
    tab = Tab(browser, address, **still)
    tab.page.fill("#frame", "41")
    drawn = np.array(tab.page.evaluate(f"({PLACED})(shown.columns[0].runs[0])"))
    positions = run_of().positions[41].astype(float)
    wanted = np.stack([(positions[:, 0] + 4) * 120, (3 - positions[:, 1]) * 120], axis=1)  # 960 x 720 over 8 x 6 units
    assert np.abs(drawn - wanted).max() < 0.02
    assert tab.said == "A sampler 0: 2\u2009000 particles; σ = 41, step 41."
    assert tab.requests == [address]
    assert tab.errors == []


def test_each_layer_paints_and_can_be_hidden(browser: Any, tmp_path: Path, still: dict[str, Any]) -> None:
    tab = Tab(browser, saved(tmp_path), **still)
    pixels = "document.querySelector('canvas').toDataURL()"
    for name in ("data", "density", "learned score", "trails", "particles"):
        tab.page.fill("#frame", "30")
        before = tab.page.evaluate(pixels)
        tab.page.get_by_label(name, exact=True).uncheck()
        without = tab.page.evaluate(pixels)
        assert without != before, name
        tab.page.get_by_label(name, exact=True).check()
        assert tab.page.evaluate(pixels) == before
    assert tab.errors == []


def test_it_plays_pauses_and_is_scrubbed_by_keys(browser: Any, tmp_path: Path, still: dict[str, Any]) -> None:
    tab = Tab(browser, saved(tmp_path), **still)
    assert tab.frame == 0
    tab.page.keyboard.press("ArrowRight")
    assert tab.frame == 1
    tab.page.keyboard.press("Space")
    tab.wait_for("state.frame > 5")
    tab.page.click("#play")
    stopped = tab.frame
    tab.page.wait_for_timeout(300)
    assert tab.frame == stopped
    tab.page.focus("#frame")
    tab.page.keyboard.press("ArrowLeft")
    assert tab.frame == stopped - 1


def test_without_reduced_motion_it_plays_at_once_and_again(browser: Any, tmp_path: Path) -> None:
    tab = Tab(browser, saved(tmp_path))
    tab.page.select_option("#speed", "2")
    tab.wait_for("state.frame > 5")
    tab.wait_for("state.frame === total() - 1")
    tab.wait_for("state.frame < 5")


def test_a_prediction_is_made_before_the_run_plays_and_what_was_measured_is_told(browser: Any, tmp_path: Path) -> None:
    question = PageQuestion(
        "Four of five points lie **right**.", "Where?", "You said {you}; it is 0.8.", (0.8,), ("left", "right"), right=1
    )
    tab = Tab(browser, saved(tmp_path, question=question, figures=[("share", "0.8")]))
    assert tab.page.is_disabled("#play")
    assert tab.page.is_disabled("#frame")
    for key in ("ArrowRight", "Space"):
        tab.page.keyboard.press(key)
    assert tab.frame == 0
    assert "0.8" not in tab.page.inner_text("main")
    assert tab.page.inner_text("#question strong") == "right"
    assert tab.page.is_disabled("text=Reveal")
    tab.page.get_by_label("left").check()
    tab.page.click("text=Reveal")
    assert "You said left. Measured: right. Not this time." in tab.page.inner_text("#question")
    assert "You said left; it is 0.8." in tab.page.inner_text("#question")
    assert "share" in tab.page.inner_text("#figures")
    tab.wait_for("state.playing && state.frame > 2")
    assert tab.errors == []


def test_a_scale_shows_what_was_said_beside_what_is_measured(browser: Any, tmp_path: Path) -> None:
    drawing = '<svg width="9" height="9"><path fill="currentColor" d="M0 0h9v9z"/></svg>'
    question = PageQuestion(
        "", "How much?", "You said {you}.", (0.75,), scale=(0.0, 1.0),
        equations=(PageEquation("a = b", drawing),), valued=(PageEquation("a = 3", drawing),),
    )  # fmt: skip
    tab = Tab(browser, saved(tmp_path, question=question), (320, 640))
    said = [image.get_attribute("aria-label") for image in tab.page.locator(".equation").all()]
    assert said == ["a = b"]
    tab.page.fill("#question input", "0.2")
    tab.page.click("text=Reveal")
    line = tab.page.locator(".scale div").bounding_box()
    for name, words, at in (("you", "you: 0.2", 0.2), ("found", "measured: 0.75", 0.75)):
        mark, box = tab.page.locator(f".scale .{name}"), tab.page.locator(f".scale .{name}").bounding_box()
        assert mark.inner_text() == words
        assert box["x"] + at * box["width"] == pytest.approx(line["x"] + at * line["width"], abs=0.5)
        assert box["x"] >= line["x"]
    assert tab.page.locator(".scale").inner_text().split("\n")[::3] == ["0", "1"]
    assert tab.page.get_by_role("img", name="a = 3").is_visible()
    assert "You said 0.2." in tab.page.inner_text("#question")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 320
    assert tab.errors == []


def test_a_question_of_columns_shows_what_is_measured_of_each(browser: Any, tmp_path: Path) -> None:
    choices = "A: Heun", "B: Euler"
    question = PageQuestion("", "Which ends farthest?", "", (4.3,), choices, right=1, columns=("1.1", "4.3"))
    tab = Tab(browser, saved(tmp_path, columns=2, question=question))
    assert "4.3" not in tab.page.inner_text("main")
    tab.page.get_by_role("radio", name="A: Heun").check()
    tab.page.click("text=Reveal")
    assert tab.page.locator("#question fieldset output").all_inner_texts() == ["1.1", "4.3"]
    assert tab.page.locator("#question .right").inner_text().strip() == "B: Euler 4.3"
    assert "You said A: Heun. Measured: B: Euler. Not this time." in tab.page.inner_text("#question")
    tab.wait_for("state.frame > 2")
    assert tab.errors == []


def test_a_place_is_predicted_by_mouse_or_keys(browser: Any, tmp_path: Path) -> None:
    question = PageQuestion("", "Where is the mode?", "At {you_x}, {you_y}: {distance} away.", (1.0, 0.0), reach=0.25)
    tab = Tab(browser, saved(tmp_path, question=question))
    box = tab.page.locator("canvas").bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # (0, 0)
    tab.page.focus("canvas")
    for _ in range(5):
        tab.page.keyboard.press("ArrowRight")  # each a fiftieth of the width, 0.16
    tab.page.click("text=Reveal")
    said = tab.page.inner_text("#question")
    assert "Measured: (1, 0)." in said
    assert "Right." in said
    assert "At 0.8, 0" in said
    assert "0.2 away." in said


def test_all_of_it_is_done_by_touch(browser: Any, tmp_path: Path) -> None:
    question = PageQuestion("", "Where is the mode?", "You said {you}.", (1.0, 0.0), reach=0.25)
    tab = Tab(browser, saved(tmp_path, question=question), (390, 700), has_touch=True, is_mobile=True)
    canvas = tab.page.locator("canvas")
    canvas.tap(position={"x": canvas.bounding_box()["width"] * 5 / 8, "y": canvas.bounding_box()["height"] / 2})
    tab.page.tap("text=Reveal")
    said = tab.page.inner_text("#question")
    assert "Right." in said  # within 0.25
    tab.wait_for("state.playing && state.frame > 2")
    tab.page.tap("#play")
    bar = tab.page.locator("#frame")
    bar.tap(position={"x": bar.bounding_box()["width"] / 2, "y": bar.bounding_box()["height"] / 2})
    assert tab.frame == pytest.approx(FRAMES / 2, abs=2)
    tab.page.get_by_label("trails", exact=True).tap()
    assert tab.page.evaluate("[...state.off]") == ["trails"]
    assert tab.errors == []


def test_the_weights_of_a_training_step_are_chosen(browser: Any, tmp_path: Path, still: dict[str, Any]) -> None:
    def said(seed: int) -> Callable[[Scene, int], Scene]:
        return lambda scene, _: dataclasses.replace(scene, caption=(f"run {seed}",))

    runs = [filmed(run_of(seed), said(seed)) for seed in range(3)]
    page = Page("moons", [PageColumn("DDPM", scene(), runs)], steps=[0, 100, 2_000], shown=2)
    result(write_page(page, tmp_path / "run.html"))
    tab = Tab(browser, (tmp_path / "run.html").as_uri(), **still)
    assert (tab.page.input_value("#trained"), tab.page.inner_text("#trainedStep")) == ("2", "2\u2009000")
    tab.page.fill("#frame", "20")
    tab.page.fill("#trained", "1")
    assert tab.page.inner_text("#trainedStep") == "100"
    assert tab.frame == 20
    assert tab.said.endswith("run 1.")


def test_the_chart_marks_where_each_column_stands(browser: Any, tmp_path: Path, still: dict[str, Any]) -> None:
    x = np.arange(FRAMES, dtype=float)
    curves = [
        Series(letter, x, factor * (FRAMES - x), "error", "points") for letter, factor in (("A", 1.0), ("B", 0.5))
    ]
    chart = Chart(tuple(curves), Axis("evaluations", 0, FRAMES), Axis("distance", 0, FRAMES))

    def at(one: Series, frame: int) -> tuple[float, float]:
        return frame, float(one.y[frame])

    def said(frame: int) -> str:
        return f"{frame} evaluations"

    columns = [
        PageColumn("words", scene(), [filmed(run_of())], one.name, one.color, said, partial(at, one)) for one in curves
    ]
    question = PageQuestion("", "Which?", "", (0.0,), ("A", "B"), right=0)
    result(write_page(Page("moons", columns, note="All from the same noise.", chart=chart), tmp_path / "run.html"))
    tab = Tab(browser, (tmp_path / "run.html").as_uri(), **still)
    tab.page.fill("#frame", "15")
    plot = tab.page.locator(".plot").bounding_box()
    for mark, up in zip(tab.page.locator(".plot i").all(), (0.75, 0.375), strict=True):
        box = mark.bounding_box()
        assert (box["x"] + box["width"] / 2 - plot["x"]) / plot["width"] == pytest.approx(0.25, abs=0.01)
        assert (plot["y"] + plot["height"] - box["y"] - box["height"] / 2) / plot["height"] == pytest.approx(
            up, abs=0.02
        )
    assert tab.said.startswith("A words: 2\u2009000 particles; 15 evaluations.")
    assert "All from the same noise." in tab.page.inner_text("main")
    result(write_page(Page("moons", columns, question=question, chart=chart), tmp_path / "run.html"))
    tab = Tab(browser, (tmp_path / "run.html").as_uri(), **still)
    assert not tab.page.is_visible("#chart")  # which would answer the question
    tab.page.get_by_role("radio", name="A").check()
    tab.page.click("text=Reveal")
    assert tab.page.is_visible("#chart")


@pytest.mark.parametrize(("width", "height"), [(320, 640), (768, 1024), (1920, 1080), (3840, 2160)])
def test_nothing_is_cut_at_any_size(
    browser: Any, tmp_path: Path, still: dict[str, Any], width: int, height: int
) -> None:
    tab = Tab(browser, saved(tmp_path, columns=4, figures=[("W₂", "0.09 (floor 0.09)")]), (width, height), **still)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [canvas.bounding_box() for canvas in tab.page.locator("canvas").all()]
    assert len(boxes) == 4
    assert len({round(box["x"]) for box in boxes}) == (1 if width == 320 else 2)  # 2 x 2 where there is room
    assert tab.errors == []


def test_it_plays_inside_an_iframe(browser: Any, tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "slides.html").write_text(
        '<iframe src="run.html" width="640" height="440" sandbox="allow-scripts"></iframe>'
    )
    page = browser.new_page()
    page.goto((tmp_path / "slides.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(READY).wait_for()
    frame.get_by_role("button", name="Pause").click()
    assert frame.get_by_role("button", name="Play").is_visible()
    assert frame.locator("canvas").bounding_box()["height"] > 200


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_begins_in_the_theme_of_the_system(browser: Any, tmp_path: Path, still: dict[str, Any], theme: str) -> None:
    tab = Tab(browser, saved(tmp_path), color_scheme=theme, **still)
    assert tab.page.evaluate("state.theme") == theme
    tab.page.click("#theme")
    assert tab.page.evaluate("state.theme") == ("light" if theme == "dark" else "dark")


@pytest.mark.alone
@pytest.mark.parametrize(("columns", "least"), [(1, 60), (4, 30)])
def test_it_is_drawn_as_often_as_the_screen_asks(
    browser: Any, tmp_path: Path, still: dict[str, Any], columns: int, least: int
) -> None:
    tab = Tab(browser, saved(tmp_path, columns=columns), (1920, 1080), **still)
    drawing = "() => { const began = performance.now(); state.frame = (state.frame + 1) % total(); show(); return performance.now() - began; }"
    spent = sorted(tab.page.evaluate(drawing) for _ in range(60))
    assert spent[30] < 1000 / least * slowness()  # ms for one frame of 2,000 particles in each column


def test_numbers_on_the_axes_are_legible_on_a_phone(browser: Any, tmp_path: Path, still: dict[str, Any]) -> None:
    tab = Tab(browser, saved(tmp_path), (320, 640), **still)
    heights = tab.page.evaluate("""() => {
        const { canvas } = shown.columns[0], context = canvas.getContext("2d"), heights = [];
        context.fillText = () => heights.push(parseFloat(context.font) * canvas.clientWidth / WIDTH);
        drawGrid(context, shown.columns[0]);
        return heights;
    }""")
    assert len(heights) > 4
    assert min(heights) >= 10.9
