"""The time to paint one picture of the canvas: ``python benchmarks/paint.py``.

The layers change as while a sampler runs: particles and trails of 16 steps in each picture, 30 x 30 arrows in every third
(20 times a second), the density in every sixth. The data stay. The picture has 800 x 700 pixels and there is no window.
"""

import dataclasses
import statistics
import time

import numpy as np
from PySide6.QtGui import QImage, QPainter

from playground.drawing.layers import Data, Density, Field, Particles, Trails
from playground.drawing.plane import Plane
from playground.drawing.render import headless
from playground.drawing.scene import Scene, Still, paint

WIDTH, HEIGHT = 800, 700
PICTURES = 60


def scene_of(particles: int, generator: np.random.Generator) -> Scene:
    """A scene of two moons with a random walk of particles."""
    angle, up = generator.uniform(0, np.pi, particles), generator.random(particles) < 0.5
    x, y = np.where(up, np.cos(angle), 1 - np.cos(angle)), np.where(up, np.sin(angle), 0.5 - np.sin(angle))
    start = np.stack([x, y], axis=1) + generator.normal(scale=0.1, size=(particles, 2))
    walk = start + np.cumsum(generator.normal(scale=0.04, size=(17, particles, 2)), axis=0)
    across, upward = np.meshgrid(np.linspace(-1.7, 2.7, 30), np.linspace(-1.7, 2.2, 30))
    grid = np.stack([across.ravel(), upward.ravel()], axis=1)
    return Scene(
        viewport=(-1.8, 2.8, -1.76, 2.27),
        density=Density(np.exp(-np.hypot(across - 0.5, upward - 0.25)), (-1.8, 2.8, -1.76, 2.27)),
        data=Data(start),
        learned=Field(grid, -grid),
        particles=Particles(walk[-1].astype(np.float32)),
        trails=Trails(walk.astype(np.float32)),
        caption=("σ = 0.220   level 7/10", "α = 9.7e-4   step 684/1000"),
    )


def milliseconds(scene: Scene) -> list[float]:
    """Time of each of PICTURES paints."""
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    found, still = [], Still()
    for number in range(PICTURES + 6):
        names = ["trails", "particles"] + ["learned"] * (number % 3 == 0) + ["density"] * (number % 6 == 0)
        # Copies have no cached results of the last picture.
        scene = dataclasses.replace(scene, **{name: dataclasses.replace(getattr(scene, name)) for name in names})
        painter = QPainter(image)
        started = time.perf_counter()
        paint(painter, scene, WIDTH, HEIGHT, still.image(scene, Plane(scene.viewport, WIDTH, HEIGHT)))
        found.append(1e3 * (time.perf_counter() - started))
        painter.end()
    return found[6:]


def main() -> None:
    application = headless()
    generator = np.random.default_rng(0)
    print(f"{'particles':>10}  {'median ms':>10}  {'95 % ms':>8}")
    for particles in (1_000, 10_000, 100_000):
        times = milliseconds(scene_of(particles, generator))
        print(f"{particles:>10,}  {statistics.median(times):>10.2f}  {sorted(times)[int(0.95 * len(times))]:>8.2f}")
    del application


if __name__ == "__main__":
    main()
