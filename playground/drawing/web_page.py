"""A run as a web page: one file that plays without this program and makes no request.

The page has what a film has, as numbers: particles, trails, score field, density and caption of each frame. Positions are rounded to
1/65,534 of the box that holds the whole run. ``resources/web`` has the page's script and style; its test reads the numbers back.
"""

import base64
import json
import math
import re
import zlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from playground.drawing.axes import ticks_of
from playground.drawing.chart_html import chart_html
from playground.drawing.coloring import Coloring
from playground.drawing.frames import FilmedRun, completed
from playground.drawing.images import ink_colors
from playground.drawing.layers import Density, Field, ScoreError
from playground.drawing.palette import DARK, LIGHT, Palette, category_colors, density_colors, value_colors
from playground.drawing.plane import Plane
from playground.drawing.render import PictureError
from playground.drawing.scene import NAMES, Scene
from playground.lab.atomic import atomic_write
from playground.lab.chart import Chart
from playground.lab.compute import Shares, passed_on
from playground.lab.lessons import ANSWER, MeasuredStep
from playground.lab.step_figure import filled_in
from playground.records import record
from playground.resources import resource
from playground.user_errors import cannot_write

SIZE = 960, 720
"""Units across and down of a canvas; the page scales it."""
LIMIT = 2_000_000
"""Most bytes of positions or pixels before they are packed: the page then has at most 3 MB, whatever they are."""
PARTICLES, IMAGES, POINTS = 2_000, 35, 3_000
"""Most particles of a run, images of a run, and training points."""
FEWEST = 48
"""Frames that every run has, if it has so many: there are fewer particles otherwise."""
STAGES = 8
"""Most training steps."""
MOMENTS = 96
"""Frames of all runs together that have a score field and a density of their own; others show those of the nearest such frame."""
CELLS = 96
"""Most cells of a density across and down."""
LONGEST = 18.0
"""Units of the longest half of an arrow, see :meth:`Field.arrows`."""
FAR = 8
"""Canvases around the one in view, beyond which a point stands at the edge, so that a diverged one does not coarsen the others."""
NOWHERE = 65_535
"""Stands for a coordinate that is not finite."""


@record
class PageColumn:
    """One run of a page, or the runs of several training steps.

    Attributes:
        title: what it is.
        scene: its canvas, of :data:`SIZE`; layers that are None are left out.
        runs: the run with the weights of each training step.
        letter: the letter of its name in a comparison, in this colour.
        said: returns what is said after the caption of a frame.
        at: returns where a frame is on the page's chart, (x, y); None if it is not there.
    """

    title: str
    scene: Scene
    runs: Sequence[FilmedRun]
    letter: str = ""
    color: str = "text"
    said: Callable[[int], str] = lambda frame: ""
    at: Callable[[int], tuple[float, float] | None] = lambda frame: None


class PageEquation(NamedTuple):
    """An equation as LaTeX, which a screen reader says, and as the element of HTML that draws it in the colour of the text."""

    latex: str
    svg: str


@dataclass(frozen=True)
class PageQuestion:
    """A question of a lesson. What was measured is shown after a prediction.

    Attributes:
        text: said before it, in Markdown.
        choices: the answers to choose from, if there are any.
        right: the index of the right one.
        scale: the ends of a scale on which a number is given instead.
        explanation: said after it, in Markdown; the prediction takes the place of ``{you}``, and its distance to what was measured
            that of ``{distance}``.
        measured: the value, or a place of the plane, which is to be marked if there are neither choices nor a scale.
        reach: the largest distance of a mark that counts as right.
        point: the point of the plane that the question is about, if it is about one.
        columns: what was measured of each choice, if they are the page's columns.
        equations: said with the text.
        valued: said before the explanation: with their values, and those that name the answer.
    """

    text: str
    question: str
    explanation: str
    measured: tuple[float, ...]
    choices: tuple[str, ...] = ()
    right: int | None = None
    scale: tuple[float, float] | None = None
    reach: float = 0.0
    point: tuple[float, float] | None = None
    columns: tuple[str, ...] = ()
    equations: tuple[PageEquation, ...] = ()
    valued: tuple[PageEquation, ...] = ()

    @classmethod
    def of(cls, found: MeasuredStep, number: Callable[[float], str]) -> "PageQuestion | None":
        """The question of a step; None before its figures are measured, or if one of them is not known.

        Args:
            number: writes a value of the explanation.
        """
        step, values = found.step, dict(found.values)
        if not found.complete or not all(map(math.isfinite, values.values())):
            return None
        measured = (values[ANSWER],) if step.mark is None else found.place
        if step.mark is not None:
            values |= dict(zip((f"{ANSWER}_x", f"{ANSWER}_y"), measured, strict=True))
        kept = re.sub(r"\{(you(?:_[xy])?|distance)(?::[^{}]*)?\}", r"\0\1\0", step.explanation)
        explanation = re.sub(r"\0(\w+)\0", r"{\1}", filled_in(kept, values, number))
        choices = tuple(choice.text for choice in step.choices)
        right = found.right_choice if choices else None
        reach = step.mark or 0.0
        point = step.check.point if step.check is not None else None
        columns = tuple(map(number, found.columns)) if step.compares else ()
        return cls(step.text, step.question, explanation, measured, choices, right, step.scale, reach, point, columns)


@record
class Page:
    """What a web page shows.

    Attributes:
        columns: at least one; all have as many runs.
        steps: the training step of each run of a column; none if there is one run.
        shown: the index of the run that is seen at first.
        figures: names and values of that run, as they are written.
        note: how columns are compared.
        chart: below the columns.
    """

    title: str
    columns: Sequence[PageColumn]
    steps: Sequence[int] = ()
    shown: int = 0
    figures: Sequence[tuple[str, str]] = ()
    question: PageQuestion | None = None
    note: str = ""
    chart: Chart | None = None


def write_page(page: Page, path: Path) -> Generator[float, None, None]:
    """Write a page; yields the fraction done. Stop iterating to cancel: no file is left.

    Raises:
        PictureError: there is no run, the folder cannot be written, or the disk is full.
    """
    if not page.columns:
        raise PictureError("There is no run to export yet: press play first.")
    arrays, shares = _Arrays(), Shares()
    count = sum(len(column.runs) for column in page.columns)
    columns, layers, made = list[dict[str, Any]](), dict[str, str](), list[str]()
    for column in page.columns:
        runs = list[dict[str, Any]]()
        for run in column.runs:
            part = shares.part(1 / (count + 1 - len(made)))
            shown = yield from passed_on(_run(run, column.scene, count, arrays), part)
            layers |= shown.layers
            made.append(shown.provenance)
            runs.append(shown.told)
            for caption, frame in zip(shown.told["captions"], shown.told["frames"], strict=True):
                caption += filter(None, [column.said(frame)])
            if page.chart is not None:
                places = map(column.at, shown.told["frames"])
                shown.told["places"] = [place and _on_chart(page.chart, *place) for place in places]
        head = {"title": column.title, "letter": column.letter, "color": column.color, "runs": runs}
        columns.append(head | _still(column.scene, arrays))
    contents = {
        "columns": columns,
        "layers": [(name, layers[name]) for name, _ in NAMES.values() if name in layers],
        "steps": [*page.steps],
        "shown": page.shown,
        "question": page.question and vars(page.question),
        "size": SIZE,
        "themes": {palette.name: _theme(palette) for palette in (DARK, LIGHT)},
    }
    text = _page_text(page, [json.loads(one) for one in dict.fromkeys(made) if one], contents, arrays.packed())
    try:
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
            yield 1.0  # the last moment to cancel
    except OSError as error:
        raise PictureError(cannot_write(path, error)) from None


def _on_chart(chart: Chart, x: float, y: float) -> list[float]:
    """A place on a chart, each coordinate from 0 to 1."""
    return [round(float(axis.place(value)), 4) for axis, value in zip(chart.axes, (x, y), strict=True)]


def _page_text(page: Page, made: Sequence[Any], contents: Mapping[str, Any], numbers: bytes) -> str:
    """The page with these contents.

    Args:
        made: what made each run.
    """
    shown = json.dumps(contents, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    rows = (f'<tr><th scope="row">{_escaped(name)}<td>{_escaped(value)}\n' for name, value in page.figures)
    step = f" with the weights of training step {page.steps[page.shown]:,}" if page.steps else ""
    parts = {
        "TITLE": _escaped(page.title),
        "STYLE": resource("web/page.css").read_text("utf-8"),
        "NOTE": _escaped(page.note),
        "CHART": "" if page.chart is None else chart_html(page.chart),
        "WEIGHTS": step.replace(",", "\u202f"),
        "FIGURES": "".join(rows),
        "VERSIONS": ", ".join(dict.fromkeys(_escaped(str(one.get("version", ""))) for one in made)),
        "PROVENANCE": _escaped(json.dumps(made, ensure_ascii=False, indent=1)),
        "SHOWN": shown.replace("<", "\\u003c"),  # so that no text of a user ends the element
        "NUMBERS": base64.b64encode(numbers).decode(),
        "SCRIPT": resource("web/page.js").read_text("utf-8"),
    }
    return re.sub("<!--([A-Z]+)-->", lambda found: parts[found[1]], resource("web/page.html").read_text("utf-8"))


class _Arrays:
    """Arrays one after the other, each known by its place."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, array: NDArray[Any]) -> dict[str, Any]:
        """Append an array of bytes or of 16-bit numbers, whose low bytes come first; return where it is."""
        array = np.ascontiguousarray(array)
        wide = array.dtype == np.uint16
        planes = [array.astype(np.uint8), (array >> 8).astype(np.uint8)] if wide else [array.view(np.uint8)]
        place = self._length
        for plane in planes:
            self._parts.append(plane.tobytes())
            self._length += plane.size
        return {"at": place, "shape": [*array.shape], "type": array.dtype.name}

    def packed(self) -> bytes:
        return zlib.compress(b"".join(self._parts), 9)


@dataclass(frozen=True)
class _Run:
    """One run as its page has it.

    Attributes:
        told: for the script.
        layers: the colour and the name of each layer that some frame shows.
    """

    told: dict[str, Any]
    layers: Mapping[str, str]
    provenance: str


def _run(filmed: FilmedRun, scene: Scene, count: int, arrays: _Arrays) -> Generator[float, None, _Run]:
    """One run; `count` is the number of all runs of the page."""
    shares = Shares()
    run = yield from passed_on(completed(filmed.run()), shares.part(0.5))
    plane = Plane(scene.viewport, *SIZE)
    positions = run.positions
    image = positions.ndim != 3
    item = math.prod(run.shape) if image else 4  # bytes
    room = LIMIT // count // item  # for particles of all frames
    most = max(1, min(IMAGES if image else PARTICLES, room // min(FEWEST, len(run))))
    stride = -(-positions.shape[1] // most)
    drawn = positions[:, ::stride]
    frames = spread(len(run), room // drawn.shape[1])
    moments = frames[spread(len(frames), MOMENTS // count)]
    overlay = yield from passed_on(filmed.overlay_maker(run, frames), shares.part(0.3))
    told: dict[str, Any] = {"frames": frames.tolist(), "of": positions.shape[1], "captions": []}
    labels, scenes, painting = list[NDArray[np.uint8]](), dict[int, Scene](), shares.part()
    for number, frame in enumerate(frames.tolist()):
        shown = overlay(scene, frame)
        told["captions"].append([*shown.caption])
        if frame in moments:
            scenes[number] = shown
        if shown.particles is not None and shown.particles.coloring is not None:
            labels.append(shown.particles.coloring.labels[::stride])
            told["colors"] = _coloring(shown.particles.coloring)
        yield painting((number + 1) / len(frames))
    if image:
        told["images"] = _images(drawn[frames], scene, arrays)
        return _Run(told, {}, run.provenance)
    told["points"] = _points(drawn[frames], scene, arrays, along=True)
    if labels:
        told["labels"] = arrays.add(np.stack(labels))
    layers = dict(named for one in scenes.values() for named in one.named_layers())
    return _Run(told | _overlays(scenes, plane, arrays), layers, run.provenance)


def spread(length: int, most: int) -> NDArray[np.intp]:
    """At most so many of 0 ... length - 1, the first and the last among them."""
    return np.unique(np.round(np.linspace(0, length - 1, max(2, min(length, most)))).astype(int))


def _still(scene: Scene, arrays: _Arrays) -> dict[str, Any]:
    """What is the same in every frame."""
    told: dict[str, Any] = {"viewport": scene.viewport, "axes": scene.axes, "image": scene.images is not None}
    told["ticks"] = [[(place, text) for _, text, place in some] for some in ticks_of(Plane(scene.viewport, *SIZE))]
    told["layers"] = [name for name, _ in scene.named_layers()]
    if scene.data is not None:
        stride = -(-len(scene.data.positions) // POINTS)
        told["data"] = _points(scene.data.positions[::stride], scene, arrays)
        if scene.data.coloring is not None:
            told["labels"] = arrays.add(scene.data.coloring.labels[::stride])
    if scene.path is not None:
        told["path"] = _points(scene.path.points, scene, arrays)
    return told


def _points(points: NDArray[Any], scene: Scene, arrays: _Arrays, along: bool = False) -> dict[str, Any]:
    """Points (..., 2) as whole numbers, whose places on the canvas are these times a scale, plus an offset. Points more than FAR canvases
    away stand at the edge of the others.

    Args:
        along: whether the differences along the first axis are stored, which take less room.
    """
    places = Plane(scene.viewport, *SIZE).to_painter(points)
    finite = np.isfinite(points)
    flat, known, size = places.reshape(-1, 2), finite.reshape(-1, 2), np.array(SIZE)
    low = np.maximum(np.min(flat, axis=0, where=known, initial=np.inf), -FAR * size)
    high = np.minimum(np.max(flat, axis=0, where=known, initial=-np.inf), (FAR + 1) * size)
    low, high = (np.where(known.any(axis=0), end, 0.0) for end in (low, high))
    scale = np.where(high > low, high - low, 1.0) / (NOWHERE - 1)
    whole = np.where(finite, np.clip(np.round((places - low) / scale), 0, NOWHERE - 1), NOWHERE).astype(np.uint16)
    if along:
        whole = np.diff(whole, axis=0, prepend=np.zeros_like(whole[:1]))  # modulo 65,536
    return {"scale": scale.tolist(), "offset": low.tolist(), "along": along, **arrays.add(whole)}


def _images(images: NDArray[Any], scene: Scene, arrays: _Arrays) -> dict[str, Any]:
    """Images (frames, N, C, H, W) or (frames, N, H, W) as brightness, channels last."""
    assert scene.images is not None
    found = scene.images.brightness(images)
    return arrays.add(np.moveaxis(found[:, :, None] if found.ndim == 4 else found, 2, -1))


def _overlays(scenes: Mapping[int, Scene], plane: Plane, arrays: _Arrays) -> dict[str, Any]:
    """Maps and arrows of the frames that have some, by their number on the page."""
    told: dict[str, Any] = {"moments": [*scenes], "maps": {}, "fields": {}}
    every = scenes.values()
    maps: dict[str, list[Density | ScoreError | None]] = {
        "density": [one.density for one in every],
        "error": [one.error for one in every],
    }
    for name, some in maps.items():
        shown = [one for one in some if one is not None and one.values is not None]
        if shown and len(shown) == len(scenes):
            cells = np.stack([np.round(255 * _thinned(one.shares())).astype(np.uint8) for one in shown])
            x0, x1, y0, y1 = shown[0].extent
            told["maps"][name] = {**arrays.add(cells), "corners": plane.to_painter([(x0, y1), (x1, y0)]).tolist()}
    fields: dict[str, list[Field | None]] = {
        "exact": [one.exact for one in every],
        "learned": [one.learned for one in every],
        "error": [None if one.error is None else one.error.arrows for one in every],
    }
    for name, drawn in fields.items():
        arrows = [one.arrows(plane) for one in drawn if one is not None]
        if arrows and len(arrows) == len(scenes):
            told["fields"][name] = _arrows(arrows, arrays)
    return told


def _thinned(values: NDArray[Any]) -> NDArray[Any]:
    """Every so manieth value in both directions, so that at most CELLS are left."""
    rows, columns = (-(-side // CELLS) for side in values.shape)
    return values[::rows, ::columns]


def _arrows(moments: Sequence[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]], arrays: _Arrays) -> dict[str, Any]:
    """The arrows of each moment: middles in 1/64 of a unit of SIZE, and halves in 1/7 of one."""
    tails, tips = (np.concatenate([moment[end] for moment in moments]) for end in (0, 1))
    middles = np.clip(np.round((tails + tips) * 32), 0, NOWHERE).astype(np.uint16)
    halves = np.clip(np.round((tips - tails) / 2 * 127 / LONGEST), -127, 127).astype(np.int8)
    return {
        "counts": [len(tail) for tail, _, _ in moments],
        "middles": arrays.add(middles),
        "halves": arrays.add(halves),
    }


def _coloring(coloring: Coloring) -> dict[str, Any]:
    """The table of the colours, and what each of some means."""
    if coloring.numbers is not None:
        return {
            "title": coloring.title,
            "of": "values",
            "key": [(round(255 * at), text) for at, text in coloring.numbers],
        }
    return {"title": coloring.title, "of": "categories", "key": [*zip(coloring.order, coloring.names, strict=False)]}


def _theme(palette: Palette) -> dict[str, Any]:
    """The colours of a palette."""
    colors = {name: color for name, color in vars(palette).items() if str(color).startswith("#")}
    tables = {
        "densities": density_colors(palette),
        "values": value_colors(palette),
        "categories": category_colors(palette),
        "inks": ink_colors(palette, "particles"),
    }
    return colors | {name: [f"#{color & 0xFFFFFF:06x}" for color in table.tolist()] for name, table in tables.items()}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
