"""Large sets of images: results equal those of the plain formulas, with little memory."""

import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from playground.app.model import assembling
from playground.data import Dataset, units
from playground.data.units import Units
from playground.kinds.datasets import load_dataset
from playground.lab import problem as problems
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem, diameter
from playground.lab.session import Session
from playground.theory import local_geometry
from tests.generators import seeded
from tests.present import present

COUNT, SHAPE = 3_000, (3, 32, 32)
NUMBERS = COUNT * math.prod(SHAPE)  # 37 MB in single precision


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Smooth fields with noise, (N, H, W, C) bytes."""
    rng = np.random.default_rng(0)
    coarse = rng.normal(size=(COUNT, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
    brightness, contrast = rng.uniform(70, 180, (COUNT, 1, 1, 3)), rng.uniform(10, 60, (COUNT, 1, 1, 1))
    return np.clip(np.rint(brightness + contrast * coarse + rng.normal(0, 4, coarse.shape)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def path(images: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(path, images)
    return path


def experiment(path: Path) -> Experiment:
    return replace(Experiment(), {"data.kind": "images", "data.path": str(path), "network.width": 8})


@pytest.fixture(scope="module")
def dataset(path: Path) -> Dataset:
    return load_dataset("images", path=str(path), held_out=500)


def peak(work: Callable[[], Any]) -> int:
    """The most bytes that numpy and Python hold at once for a piece of work."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Tensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the largest number of elements of a torch tensor in double precision."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, tuple | list) else [made]:
            if isinstance(one, torch.Tensor) and one.dtype == torch.float64:
                self.most = max(self.most, one.numel())
        return made


def test_images_are_exact_in_single_precision(images: np.ndarray, dataset: Dataset) -> None:
    plain = (images.astype(np.float64) + 0.5) * (2 / 256) - 1
    found = np.concatenate([dataset.points, dataset.held_out])
    assert found.dtype == np.float32
    wanted = sorted(image.tobytes() for image in plain.transpose(0, 3, 1, 2))
    assert sorted(image.tobytes() for image in found.astype(np.float64)) == wanted


@pytest.mark.parametrize("colours", ["auto", "rgb"])
def test_reading_images_takes_little_more_memory_than_the_images(path: Path, colours: str) -> None:
    """The result has 4 bytes per number, and no array before it is larger."""
    assert peak(lambda: load_dataset("images", path=str(path), held_out=500, colours=colours)) < 8 * NUMBERS


def test_units_are_the_plain_formulas_in_double_precision(dataset: Dataset) -> None:
    points = dataset.points.astype(np.float64)
    found = Units.of(dataset)
    np.testing.assert_allclose(found.offset, points.mean(axis=0), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(found.scale, math.sqrt(points.var(axis=0).mean()), rtol=1e-13)
    plain = (points - found.offset) / found.scale
    np.testing.assert_array_equal(found.standardized(dataset.points), plain.astype(np.float32))


def test_units_take_a_few_rows_at_a_time(dataset: Dataset) -> None:
    assert peak(lambda: Units.of(dataset)) < 4 * 8 * units.PART
    found = Units.of(dataset)
    assert peak(lambda: found.standardized(dataset.points)) < dataset.points.nbytes + 4 * 8 * units.PART


@pytest.mark.parametrize("shape", [(2,), SHAPE])
def test_the_diameter_is_that_of_all_rows_at_once(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]) -> None:
    points = torch.randn(2_000, *shape, generator=seeded(0))
    monkeypatch.setattr(local_geometry, "PART", points.numel())
    monkeypatch.setattr(local_geometry, "PROJECTED", 128 * len(points))
    whole = diameter(points)
    monkeypatch.setattr(local_geometry, "PART", 100_000)
    monkeypatch.setattr(local_geometry, "PROJECTED", 0)
    assert diameter(points) == pytest.approx(whole, rel=1e-12)


def test_the_diameter_takes_a_few_rows_at_a_time(dataset: Dataset) -> None:
    points = torch.from_numpy(dataset.points)
    with Tensors() as made:
        diameter(points)
    outermost = (2 * 128 + 256) * points[0].numel()
    assert made.most <= max(units.PART, outermost) < points.numel() / 4


def test_expensive_diagnostics_are_computed_once(monkeypatch: pytest.MonkeyPatch, path: Path, dataset: Dataset) -> None:
    asked: list[int] = []

    def counted(points: torch.Tensor) -> float:
        asked.append(len(points))
        return diameter(points)

    monkeypatch.setattr(problems, "diameter", counted)
    made = assembling.assemble(experiment(path), "cpu", dataset=dataset)
    assert asked == [len(dataset.points)]
    view = made.view
    assert view.diameter == pytest.approx(made.problem.units.sigma_to_user(diameter(made.problem.train)))
    assert np.shares_memory(view.points, dataset.points)
    np.testing.assert_allclose(
        present(view.brightness), dataset.points.mean(axis=(1, 2, 3), dtype=np.float64), atol=1e-6
    )
    assert view.limits == (dataset.points.min(), dataset.points.max())


def test_sessions_of_images_are_saved_without_a_second_copy(tmp_path: Path, path: Path, dataset: Dataset) -> None:
    session = Session(experiment(path), dataset.points, dataset.held_out)
    size = dataset.points.nbytes + dataset.held_out.nbytes
    assert peak(lambda: session.save(tmp_path / "one.spg")) < 1.5 * size


def test_images_saved_in_double_precision_open_in_single(path: Path, dataset: Dataset) -> None:
    points, held_out = (part.astype(np.float64) for part in (dataset.points, dataset.held_out))
    opened = Session(experiment(path), points, held_out).dataset()
    assert opened.points.dtype == opened.held_out.dtype == np.float32
    np.testing.assert_array_equal(opened.points, dataset.points)
    built, plain = Problem.build(experiment(path), opened), Problem.build(experiment(path), dataset)
    torch.testing.assert_close(built.train, plain.train, rtol=0, atol=0)
    assert built.noise.sigma_max == plain.noise.sigma_max
