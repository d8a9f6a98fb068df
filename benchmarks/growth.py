"""The growth of computing time: ``python benchmarks/growth.py [--out docs/images/growth.png]``.

It plots seconds of one core against particles, points, width, dimensions and the side of images, on logarithmic axes. The
slope of the upper half is printed: 1 means that twice as much takes twice as long. Network and objective are the defaults
unless the axis says otherwise. Each time is the least of several, on one thread, as processor time, so that other work does
not count.
"""

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
import typer
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from playground.drawing.axes import figure_font
from playground.drawing.boltzmann import cost_chart
from playground.drawing.chart_pictures import paint_chart
from playground.drawing.palette import DARK
from playground.drawing.render import headless, save_image
from playground.lab.boltzmann.cost import Cost, measure_cost
from playground.lab.chart import Chart, Series
from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from playground.lab.likelihood import log_likelihood
from playground.lab.problem import Problem
from playground.lab.training import Trainer
from playground.theory.networks import MLP, ScoreNetwork, UNet
from playground.theory.noise import ScoreFunction, SingleSigma
from playground.theory.objectives import Denoising, Exact, Objective, Sliced
from playground.theory.samplers.reverse import euler_maruyama

LEAST_TIME, LEAST_CALLS = 0.3, 3
COLORS = ("learned", "particles", "data")
PANEL, FOOT = (420, 300), 10  # px
Measurement = tuple[str, str, str, Callable[[], Iterator[tuple[str, float, float]]]]


def seconds(work: Callable[[], torch.Tensor | np.ndarray]) -> float:
    """The least of several times, after one call to warm up, whose result shows that the work is done."""
    done = np.asarray(work())
    if not done.size or not np.isfinite(done).all() or not done.any():
        raise RuntimeError(f"nothing was computed: {done}")
    times: list[float] = []
    while len(times) < LEAST_CALLS or sum(times) < LEAST_TIME:
        begun = time.thread_time()
        work()
        times.append(time.thread_time() - begun)
    return min(times)


def particles() -> Iterator[tuple[str, float, float]]:
    """One Euler-Maruyama step of the reverse SDE."""
    problem = Problem.build(Experiment())
    network, generator = problem.network().requires_grad_(False), problem.generator("growth")
    (state,) = problem.process().states_at([0.5])
    for count in (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000):
        x = torch.randn(count, 2, generator=generator)
        with torch.no_grad():
            yield "reverse SDE", count, seconds(partial(euler_maruyama, network, x, state, 0.49, generator, 1.0))


def points() -> Iterator[tuple[str, float, float]]:
    """log p by the adaptive solver, at a tolerance of 1e-3, with the exact trace."""
    problem = Problem.build(replace(Experiment(), {"likelihood.tolerance": 1e-3}))
    score, data = problem.network().requires_grad_(False), problem.dataset.points
    for count in (10, 30, 100, 300, 1_000, 3_000):
        yield "probability flow", count, seconds(partial(log_prob, problem, score, data[:count]))


def log_prob(problem: Problem, score: ScoreFunction, x: np.ndarray) -> np.ndarray:
    return result(log_likelihood(problem, score, x)).log_prob


def width() -> Iterator[tuple[str, float, float]]:
    """A training step of the MLP with three layers, batch 512."""
    for units in (16, 32, 64, 128, 256, 512):
        changes = {"network.width": units, "training.steps": 1_000_000_000, "data.points": 2_000}
        trainer = Trainer(Problem.build(replace(Experiment(), changes)))
        steps, running = trainer.step, iter(trainer)
        next(running)
        least, begun = math.inf, time.thread_time()
        while time.thread_time() - begun < 4 * LEAST_TIME:
            steps, now = trainer.step, time.thread_time()
            next(running)
            least = min(least, (time.thread_time() - now) / (trainer.step - steps))
        yield "denoising", units, least


def dimensions() -> Iterator[tuple[str, float, float]]:
    """Loss and gradient by autograd, MLP 128x3, batch 128."""
    for dim in (2, 4, 8, 16, 32, 64):
        generator = torch.Generator().manual_seed(0)
        network = MLP(dim, width=128, depth=3, activation="silu", features=64, scale=2.0, generator=generator)
        for kind in (Exact, Sliced, Denoising):
            work = step(kind(SingleSigma(0.5), weight="constant"), network, torch.randn(128, dim), generator)
            yield kind.__name__.lower(), dim, seconds(work)


def side() -> Iterator[tuple[str, float, float]]:
    """Loss and gradient of the U-Net, 16 grey images. Above 32 pixels its blocks have 4x4 pixels, which is another curve."""
    for pixels in (8, 12, 16, 24, 32, 36, 48, 64):
        generator = torch.Generator().manual_seed(0)
        network = UNet((1, pixels, pixels), width=128, depth=3, activation="silu", generator=generator)
        objective = Denoising(SingleSigma(0.5), weight="constant")
        name = f"blocks of {network.block}×{network.block}"
        yield name, pixels, seconds(step(objective, network, torch.randn(16, 1, pixels, pixels), generator))


def step(
    objective: Objective, network: ScoreNetwork, x: torch.Tensor, generator: torch.Generator
) -> Callable[[], torch.Tensor]:
    """The part of a training step that grows: the loss and its gradient, of which one part is returned."""
    sigma, parameters = torch.full((len(x),), 0.5), list(network.parameters())
    return lambda: torch.autograd.grad(objective.loss(network, x, sigma, generator).mean(), parameters)[-1]


MEASUREMENTS: tuple[Measurement, ...] = (
    ("A sampler's step", "particles", "seconds", particles),
    ("Log-likelihood", "points", "seconds", points),
    ("A training step", "width", "seconds", width),
    ("A step by objective", "D", "seconds", dimensions),
    ("A U-Net's step", "side, pixels", "seconds", side),
)


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """The slope of the upper half of the points, on logarithmic axes."""
    half = len(x) // 2
    return float(np.polyfit(np.log(x[half:]), np.log(y[half:]), 1)[0])


def measured(names: list[str], measure: Callable[[], Iterator[tuple[str, float, float]]]) -> dict[str, np.ndarray]:
    """Measure, print and return the sizes and seconds of each curve, (2, N)."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for name, size, taken in measure():
        pairs.setdefault(name, []).append((size, taken))
    print(f"{names[0]} against {names[1]}")
    curves = {name: np.array(points).T for name, points in pairs.items()}
    for name, curve in curves.items():
        times = "  ".join(f"{size:g}: {1e3 * taken:.3g} ms" for size, taken in curve.T)
        print(f"  {name:>16}, slope {slope(*curve):.2f}   {times}", flush=True)
    return curves


def panel(painter: QPainter, box: QRectF, found: dict[str, np.ndarray], names: list[str]) -> None:
    """Paint one chart, with the slope of each curve in its legend."""
    title, across, upward = names
    heading(painter, box, title)
    series = [
        Series(name, x, y, color, "points", f"{name}: slope {slope(x, y):.2f}", 1.5)
        for (name, (x, y)), color in zip(found.items(), COLORS, strict=False)
    ]
    paint_chart(painter, box, Chart.around(title, (across, upward), series, (True, True)), DARK)


def partition(painter: QPainter, box: QRectF, cost: Cost) -> None:
    """Paint the chart of the cost of a Boltzmann machine's Z, against the number of units on a linear axis."""
    heading(painter, box, "Z of a Boltzmann machine")
    paint_chart(painter, box, cost_chart(cost), DARK)


def heading(painter: QPainter, box: QRectF, title: str) -> None:
    painter.setFont(figure_font(14, bold=True))
    painter.setPen(DARK.color("text"))
    painter.drawText(box.adjusted(0, -26, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, title)


def main(out: Path = Path("docs/images/growth.png")) -> None:
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    found = [(names, measured(names, measure)) for *names, measure in MEASUREMENTS]
    *_, cost = measure_cost()
    print(f"Z of a Boltzmann machine: (measured factor a unit, seconds a state) {cost.growth()}")
    application = headless()
    wide, tall = PANEL
    image = QImage(2 * 3 * wide, 2 * 2 * tall, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(2.0)
    image.fill(DARK.color("background"))
    painter = QPainter(image)
    for number, (names, curves) in enumerate(found):
        row, column = divmod(number, 3)
        panel(painter, QRectF(column * wide + 20, row * tall + 40, wide - 40, tall - 40 - FOOT), curves, names)
    partition(painter, QRectF(2 * wide + 20, tall + 40, wide - 40, tall - 40 - FOOT), cost)
    painter.end()
    save_image(image, out)
    print(f"The picture is {out}")
    del application


if __name__ == "__main__":
    typer.run(main)
