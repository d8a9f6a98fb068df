"""Paints the samples of every sampler for every toy, with the exact score and with learned ones, and for the digits.

    python docs/images/make_sampler_sheets.py [--out DIR] [--only exact|learned|digits]

The number of a cell is the sliced Wasserstein-2 distance of its particles from the density, as a multiple of that between
two draws of as many points: 1 is perfect. It is red if it is larger than the worst of DRAWS draws of the density itself. All
samplers of the settings are included, so that a new one appears by itself; all take the same number of steps.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import torch
import typer
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter
from rich.progress import Progress, TaskID

from playground.drawing.axes import figure_font, text_background
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Data, Particles
from playground.drawing.palette import DARK
from playground.drawing.plane import bounds_of, shaped
from playground.drawing.render import headless, render, save_image
from playground.drawing.scene import Scene
from playground.kinds.datasets import DataSource, Toy
from playground.kinds.inpainting import known_pixels
from playground.kinds.samplers import Sampler
from playground.kinds.setting import own_fields
from playground.lab.conflicts import sampling_conflict
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.training import Trainer
from playground.lab.weights import load_weights
from playground.resources import resource
from playground.theory.guidance import LabelledScore
from playground.theory.metrics import sliced_wasserstein2

Settings = Mapping[str, object]
SOURCES = DataSource.kinds()
TOYS = [kind for kind, source in SOURCES.items() if issubclass(source, Toy)]
STEPS, PARTICLES = 200, 2_000
IMAGES = 42  # six rows of seven fill a cell
TRAINING: Settings = {"network.width": 64, "training.steps": 3_000}
DRAWS, PROJECTIONS = 10, 32  # of the density, for the comparison with samples

ALTERNATIVES: tuple[Settings, ...] = ({}, {"network.kind": "energy"})
"""Settings that are tried in turn for a sampler: one that refuses the first gets a learned density."""

CELL, IMAGE_CELL, SIDE, HEAD, GAP = 128, 228, 96, 40, 3  # px
DOT = 0.45  # relative to the size of particles in the window
SURFACES, INKS = ("background", "panel"), ("particles", "data", "text", "muted", "error")


class Sheet(StrEnum):
    """A picture that can be made alone."""

    EXACT = "exact"
    LEARNED = "learned"
    DIGITS = "digits"


@dataclass(frozen=True)
class Column:
    """A sampler: its name and its solver's, and the settings that choose it."""

    titles: tuple[str, str]
    settings: Settings


GIVEN = Column(
    ("Left half given", "Reverse SDE"),
    {"sampling.inpainting_mask": "left", "sampling.inpainting_image": 2, "sampling.labels": "none"},
)
"""A column of the digits beside the samplers: inpainting of a held-out digit, of which half is known."""


@dataclass(frozen=True)
class Cell:
    """A picture, its distance relative to the floor if there is one, and whether it is larger than a perfect sampler's."""

    scene: Scene
    ratio: float | None = None
    beyond: bool = False


def samplers() -> list[Column]:
    """Every sampler with each of its solvers, except the forward process. The reverse SDE also has a corrector."""
    found = []
    for kind, sampler in Sampler.kinds().items():
        if kind == "forward":
            continue
        solver = own_fields(sampler, "sampling").get("sampling.solver")
        if solver is None:
            first, _, last = sampler.title.partition(" ")
            found.append(Column((first, last), {"sampling.kind": kind}))
            continue
        for choice in solver.choices:
            if choice == "auto":  # one of the others
                continue
            titles = sampler.title, solver.title_of(choice)
            settings = {"sampling.kind": kind, "sampling.solver": choice}
            found.append(Column(titles, settings))
            if kind == "reverse-sde" and choice == "euler":
                corrected = settings | {"sampling.corrector_steps": 1}
                found.append(Column((titles[0], f"{titles[1]}, corrector"), corrected))
    return found


def fitted(experiment: Experiment, column: Column, alternatives: Sequence[Settings]) -> Experiment | None:
    """The experiment with a sampler and the first alternative that it does not refuse, or None."""
    trials = (replace(experiment, {**column.settings, **alternative}) for alternative in alternatives)
    return next((trial for trial in trials if sampling_conflict(trial) is None), None)


def trained(problem: Problem) -> LabelledScore:
    """The averaged network after the experiment's training."""
    trainer = Trainer(problem)
    for _ in trainer:
        pass
    return trainer.ema.requires_grad_(False)


def last_frame(problem: Problem, score: LabelledScore) -> np.ndarray:
    """The final positions of the particles, (particles, *shape) in user units."""
    with torch.no_grad():
        *_, trajectory = sample(problem, score)
    last: np.ndarray = trajectory.positions[-1]
    return last


class Judge:
    """The distance of samples from a toy's density, relative to that of two draws of as many points."""

    def __init__(self, problem: Problem) -> None:
        assert problem.dataset.density is not None  # of a toy it is known
        distribution = problem.dataset.density.to("cpu", torch.float64)
        self._generator = problem.generator("distances", "cpu")
        self._draws = [distribution.sample(problem.particles, self._generator) for _ in range(DRAWS)]
        between = np.zeros((DRAWS, DRAWS))
        for one, other in itertools.combinations(range(DRAWS), 2):
            between[one, other] = between[other, one] = self._distance(self._draws[one], self._draws[other])
        of_each = between.sum(axis=0) / (DRAWS - 1)
        self._floor = float(of_each.mean())
        self.bound = float(of_each.max() / self._floor)
        """The ratio of the worst of these draws. With two modes, chance is large at this number of points."""

    def _distance(self, some: torch.Tensor, others: torch.Tensor) -> float:
        return sliced_wasserstein2(some, others, PROJECTIONS, self._generator)

    def ratio(self, points: np.ndarray) -> float:
        """Of points (N, 2) in user units."""
        samples = torch.from_numpy(points)
        return float(np.mean([self._distance(samples, draw) for draw in self._draws])) / self._floor


def toy_row(toy: str, source: str, columns: Sequence[Column]) -> Iterator[Cell | None]:
    """The data, then the samples of each sampler; None if no alternative fits."""
    experiment = replace(
        Experiment(),
        {
            "data.kind": toy,
            "sampling.source": source,
            "sampling.steps": STEPS,
            "sampling.particles": PARTICLES,
            **TRAINING,
        },
    )
    problem = Problem.build(experiment)
    bounds = bounds_of(problem.dataset.points, margin=0.08)
    assert bounds is not None  # they are finite
    place = Scene(viewport=shaped(bounds, CELL, CELL), palette=DARK)
    judge = Judge(problem)
    yield Cell(dataclasses.replace(place, data=Data(problem.dataset.points[:PARTICLES])))
    scores: dict[str, LabelledScore] = {}
    for column in columns:
        chosen = fitted(experiment, column, ALTERNATIVES)
        if chosen is None:
            yield None
            continue
        here = dataclasses.replace(problem, experiment=chosen)
        if chosen.network.kind not in scores:
            scores[chosen.network.kind] = here.known_score() or trained(here)
        points = last_frame(here, scores[chosen.network.kind])
        ratio = judge.ratio(points)
        yield Cell(dataclasses.replace(place, particles=Particles(points, size=DOT)), ratio, ratio > judge.bound)


def digits_row(columns: Sequence[Column]) -> Iterator[Cell | None]:
    """Held-out digits, then the samples of each sampler with the model that ships."""
    settings = {"data.kind": "digits", "sampling.steps": STEPS, "sampling.particles": IMAGES}
    problem = Problem.build(replace(Experiment(), settings))
    data = problem.dataset
    limits = float(data.points.min()), float(data.points.max())
    yield Cell(Scene(palette=DARK, images=ImageGrid(data.held_out[:IMAGES], limits, role="data")))
    score = problem.network().requires_grad_(False)
    load_weights(score, dict(Session.load(resource("checkpoints/digits.spg")).weights or {}))
    for column in columns:
        chosen = fitted(problem.experiment, column, ALTERNATIVES[:1])
        if chosen is None:
            yield None
            continue
        images = last_frame(dataclasses.replace(problem, experiment=chosen), score)
        known = known_pixels(chosen.sampling.mask, *problem.shape[-2:])
        yield Cell(Scene(palette=DARK, images=ImageGrid(images, limits, known=known)))


def paint_cell(painter: QPainter, box: QRectF, cell: Cell) -> None:
    """Paint the scene as in the window, with the ratio in its corner."""
    ratio = painter.device().devicePixelRatio()
    painter.drawImage(box.topLeft(), render(cell.scene, box.width(), box.height(), ratio))
    if cell.ratio is None:
        return
    text, font = f"{cell.ratio:.2f}" if cell.ratio < 10 else f"{cell.ratio:.0f}", figure_font(11, bold=True)
    width = QFontMetricsF(font).horizontalAdvance(text) + 8
    corner = QRectF(box.right() - width, box.bottom() - 16, width, 16)
    text_background(painter, DARK, corner, 3)
    painter.setFont(font)
    painter.setPen(DARK.color("error" if cell.beyond else "text"))
    painter.drawText(corner, Qt.AlignmentFlag.AlignCenter, text)


def paint_titles(painter: QPainter, box: QRectF, titles: tuple[str, str]) -> None:
    """A name over a quieter one."""
    for number, (text, color) in enumerate(zip(titles, ("text", "muted"), strict=True)):
        font = figure_font(11, bold=number == 0)
        painter.setFont(font)
        painter.setPen(DARK.color(color))
        shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box.adjusted(0, 16 * number, 0, 0), Qt.AlignmentFlag.AlignLeft, shown)


def blank(width: float, height: float) -> QImage:
    """An empty sheet."""
    image = QImage(round(width), round(height), QImage.Format.Format_RGB32)
    image.fill(DARK.color("panel"))
    return image


def toy_sheet(source: str, columns: Sequence[Column], advance: Callable[[str], None]) -> QImage:
    """A row for each toy, a column for each sampler, the data in front."""
    pitch = CELL + GAP
    image = blank(SIDE + (1 + len(columns)) * pitch, HEAD + len(TOYS) * pitch)
    painter = QPainter(image)
    for number, titles in enumerate([("Data", ""), *(column.titles for column in columns)]):
        paint_titles(painter, QRectF(SIDE + number * pitch, 5, CELL, HEAD), titles)
    for row, toy in enumerate(TOYS):
        top = HEAD + row * pitch
        first, _, second = SOURCES[toy].title.partition(" ")
        paint_titles(painter, QRectF(6, top + CELL / 2 - 16, SIDE - 8, HEAD), (first, second))
        for number, cell in enumerate(toy_row(toy, source, columns)):
            if cell is not None:
                paint_cell(painter, QRectF(SIDE + number * pitch, top, CELL, CELL), cell)
            advance(SOURCES[toy].title)
    painter.end()
    return image


def digits_sheet(columns: Sequence[Column], advance: Callable[[str], None]) -> QImage:
    """Held-out digits and those of each sampler, each under its name."""
    cells: list[tuple[tuple[str, str], Cell]] = []
    names = [("Held-out digits", ""), *(column.titles for column in columns)]
    for titles, cell in zip(names, digits_row(columns), strict=True):
        if cell is not None:
            cells.append((titles, cell))
        advance("digits")
    across, tall, pitch = 4, HEAD + IMAGE_CELL, IMAGE_CELL + GAP
    image = blank(across * pitch + GAP, -(-len(cells) // across) * tall)
    painter = QPainter(image)
    for number, (titles, cell) in enumerate(cells):
        row, column = divmod(number, across)
        paint_titles(painter, QRectF(GAP + column * pitch, row * tall + 5, IMAGE_CELL, HEAD), titles)
        paint_cell(painter, QRectF(GAP + column * pitch, row * tall + HEAD, IMAGE_CELL, IMAGE_CELL), cell)
    painter.end()
    return image


def few_colors(image: QImage) -> QImage:
    """Reduce the picture to the 256 colours from its surfaces to its inks, which takes a third of the space."""
    table, shades = [], np.linspace(0, 1, 256 // (len(SURFACES) * len(INKS)))
    for surface, ink in itertools.product(SURFACES, INKS):
        found = [DARK.color(name) for name in (surface, ink)]
        ends = [np.array((color.red(), color.green(), color.blue())) for color in found]
        table += [
            QColor(*np.round((1 - shade) * ends[0] + shade * ends[1]).astype(int).tolist()).rgb() for shade in shades
        ]
    return image.convertToFormat(QImage.Format.Format_Indexed8, table, Qt.ImageConversionFlag.ThresholdDither)


def main(out: Path = Path(__file__).parent, only: Sheet | None = None) -> None:
    torch.set_num_threads(1)
    application, found = headless(), samplers()
    for sheet in [only] if only else list(Sheet):
        digits = sheet is Sheet.DIGITS
        columns = [*found, GIVEN] if digits else found
        with Progress() as progress:
            task = progress.add_task(sheet, total=(1 if digits else len(TOYS)) * (1 + len(columns)))

            def advance(what: str, progress: Progress = progress, task: TaskID = task, sheet: Sheet = sheet) -> None:
                progress.update(task, advance=1, description=f"{sheet}: {what}")

            image = digits_sheet(columns, advance) if digits else toy_sheet(sheet, columns, advance)
        path = out / ("digits.png" if digits else f"samplers-{sheet}.png")
        save_image(image if digits else few_colors(image), path)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    del application


if __name__ == "__main__":
    typer.run(main)
