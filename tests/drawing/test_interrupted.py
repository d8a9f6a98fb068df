"""Ctrl+C at any point of a picture causes no message of Qt, which aborts if an image is deleted before its painter."""

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import qInstallMessageHandler

from playground.drawing import axes
from playground.drawing.boltzmann import HEIGHT, WIDTH, paint_machine
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Data, Density, Field, Particles, Trails
from playground.drawing.palette import DARK
from playground.drawing.plane import Plane
from playground.drawing.render import painted, render
from playground.drawing.scene import Scene, Still
from playground.lab.boltzmann.cost import Cost
from playground.lab.boltzmann.training import Learned, Progress

BOX = (0.0, 10.0, 0.0, 5.0)
POINTS = np.random.default_rng(0).uniform([1, 1], [9, 4], (4, 2))


def plane() -> Scene:
    return Scene(
        BOX,
        density=Density(np.ones((4, 8)), BOX),
        data=Data(POINTS),
        learned=Field(POINTS, POINTS, "learned"),
        particles=Particles(POINTS),
        trails=Trails(np.stack([POINTS, POINTS + 0.1])),
        caption=("σ 1.00",),
        hint="a hint",
    )


def a_plane() -> None:
    render(plane(), 240, 160)


def still_layers() -> None:
    Still().image(plane(), Plane(BOX, 240, 160, 1.0))


def images() -> None:
    render(Scene(images=ImageGrid(np.zeros((3, 1, 8, 8)), (0.0, 1.0)), caption=("σ 1.00",)), 240, 160)


def a_boltzmann_machine() -> None:
    states, line, weights = np.ones((2, 2, 2), np.int8), np.arange(1, 4), np.ones((4, 4))
    costs = np.arange(1.0, 4.0)
    progress = Progress(2, 1.0, 1.0, 1.0, weights, weights, weights, line, costs, 0.1)
    learned = Learned(progress, states, np.ones(2), np.ones(2, bool), 1.0, states)
    cost = Cost(line, costs, costs, 1.0)
    painted(lambda painter: paint_machine(painter, states, learned, cost, DARK), (WIDTH, HEIGHT), 0.5)


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What Qt says meanwhile."""
    said: list[str] = []
    before = qInstallMessageHandler(lambda _kind, _context, words: said.append(words))
    yield said
    qInstallMessageHandler(before)


def interrupted(paint: Callable[[], None], at: int) -> bool:
    """Press Ctrl+C at the call number `at` of a function of drawing/; return whether there were so many calls."""
    calls, before = 0, sys.gettrace()

    def press(frame: FrameType, _event: str, _argument: Any) -> None:
        nonlocal calls
        # What is raised while an object is deleted is lost: in `__del__`, and in a generator that any() left before its end.
        names = (frame.f_code.co_name, frame.f_back and frame.f_back.f_code.co_name)
        ends = "__del__" in names or frame.f_code.co_name == "<genexpr>"
        if frame.f_globals["__name__"].startswith("playground.drawing.") and not ends:
            calls += 1
            if calls == at:
                raise KeyboardInterrupt

    axes._patch.cache_clear()
    sys.settrace(press)
    try:
        paint()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


MANY = pytest.param(a_boltzmann_machine, marks=pytest.mark.claims)  # ten seconds: it is stopped at each of its calls


@pytest.mark.parametrize("paint", [a_plane, still_layers, images, MANY])
def test_an_interrupted_picture_ends_without_messages_of_qt(paint: Callable[[], None], complaints: list[str]) -> None:
    at = 1
    while interrupted(paint, at):
        assert complaints == [], at
        at += 1
    assert at > 10
