"""The pictures of every sampler: none is left out, and the number distinguishes good samples from bad ones."""

import importlib.util
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from playground.drawing.layers import Particles
from playground.drawing.palette import DARK
from playground.drawing.scene import Scene
from playground.kinds.samplers import Sampler
from playground.lab.experiment import Experiment, fields, replace
from playground.lab.problem import Problem
from tests.colors import rgb
from tests.densities import density_of
from tests.generators import seeded

SCRIPT = Path(__file__).parents[2] / "docs" / "images" / "make_sampler_sheets.py"


@pytest.fixture(scope="module")
def sheets() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("make_sampler_sheets", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses need their module there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_every_sampler_has_a_column_with_every_solver_that_it_takes(sheets: ModuleType) -> None:
    columns = sheets.samplers()
    shown = {(column.settings["sampling.kind"], column.settings.get("sampling.solver")) for column in columns}
    wanted = set()
    for kind in set(Sampler.kinds()) - {"forward"}:
        of_kind = fields(replace(Experiment(), {"sampling.kind": kind}))
        solvers = of_kind["sampling.solver"].choices if "sampling.solver" in of_kind else (None,)
        wanted |= set(itertools.product([kind], set(solvers) - {"auto"}))
    assert shown == wanted
    assert {kind for kind, solver in wanted if solver} == {"reverse-sde", "probability-flow"}
    assert any(column.settings.get("sampling.corrector_steps") for column in columns)
    titles = [column.titles for column in columns]
    assert len(set(titles)) == len(titles)


def test_each_sampler_fits_the_learned_score_of_points(sheets: ModuleType) -> None:
    for column in sheets.samplers():
        chosen = sheets.fitted(Experiment(), column, sheets.ALTERNATIVES)
        assert chosen is not None, column
        energy = chosen.sampling.kind == "mala"
        assert (chosen.network.kind == "energy") == energy, column


def test_the_number_tells_the_density_s_own_draws_from_others(sheets: ModuleType) -> None:
    problem = Problem.build(replace(Experiment(), {"data.points": 100, "sampling.particles": 500}))
    judge = sheets.Judge(problem)
    draws = density_of(problem.dataset).sample(500, seeded(1)).numpy()
    assert judge.ratio(draws) == pytest.approx(1.0, abs=0.5)
    assert judge.bound >= 1.0
    assert judge.ratio(draws + np.array([0.3, 0.0])) > 2 * judge.bound


@pytest.mark.parametrize(("beyond", "color"), [(False, "text"), (True, "error")])
def test_a_cell_is_painted_with_its_number(qapp: object, sheets: ModuleType, beyond: bool, color: str) -> None:
    image = sheets.blank(200, 200)
    cell = sheets.Cell(Scene(palette=DARK, particles=Particles(np.zeros((1, 2)))), 1.5, beyond)
    painter = QPainter(image)
    sheets.paint_cell(painter, QRectF(20, 20, 128, 128), cell)
    painter.end()
    image = sheets.few_colors(image)
    assert close(image.pixelColor(84, 84), DARK.color("particles"))
    assert close(image.pixelColor(30, 30), DARK.color("background"))
    assert close(image.pixelColor(10, 10), DARK.color("panel"))
    corner = [image.pixelColor(x, y) for x, y in itertools.product(range(110, 148), range(132, 148))]
    assert any(close(pixel, DARK.color(color), 40) for pixel in corner)


def close(pixel: QColor, wanted: QColor, apart: int = 12) -> bool:
    return all(abs(a - b) <= apart for a, b in zip(rgb(pixel), rgb(wanted), strict=True))
