"""A stand-alone script trains and samples as the program does, for every kind and every choice, without the program.

The experiments are made from the registry: choices are put together into as few experiments as their conflicts allow, so a new
kind or a new choice is tested by itself.
"""

import itertools
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from playground.kinds.kind import Kind, forget, registered
from playground.kinds.plugins import load_plugin
from playground.kinds.setting import own_fields
from playground.lab import experiment as experiments
from playground.lab import script_files
from playground.lab.autoguidance import with_weaker
from playground.lab.conflicts import Conditions, sampling_conflict, training_conflict
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.standalone import source
from playground.lab.standalone.bundle import Bundle
from playground.lab.standalone.expressions import Expressions
from playground.lab.standalone.recording import Recording
from playground.lab.standalone.source import NoSource
from playground.lab.training import Trainer

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT / "packaging"))

import contents  # noqa: E402

SMALL: dict[str, Any] = {
    "data.seed": 3,
    "training.seed": 5,
    "sampling.seed": 7,
    "data.points": 300,
    "data.pixels": 8,
    "network.width": 16,
    "network.depth": 2,
    "network.features": 8,
    "objective.normalizer_grid": 16,
    "objective.projections": 2,
    "training.steps": 5,
    "training.batch": 40,
    "training.early_stopping": "off",
    "sampling.particles": 16,
    "sampling.steps": 6,
    "sampling.levels": 3,
    "noise.levels": 3,
    "sampling.churn": 3.0,
}
FILES = {
    "file": {"data.path": "points.csv"},
    "images": {"data.path": "pictures"},
    "drawn": {
        "data.strokes": [{"points": [[0.0, 0.0], [1.0, 2.0]], "radius": 0.2}, {"points": [[1.0, 0.0]], "radius": 0.3}]
    },
}
EXTRA: tuple[dict[str, Any], ...] = (
    {"noise.kind": "custom", "noise.schedule": [[0.0, 0.02], [0.4, 0.3], [1.0, 6.0]]},
    {"noise.kind": "discrete", "noise.sigmas": [6.0, 1.0, 0.1]},
    {"sampling.kind": "reverse-sde", "sampling.stochasticity": 0.5, "sampling.corrector_steps": 1},
    {
        "sampling.kind": "reverse-sde",
        "sampling.labels": "one",
        "sampling.label": 3,
        "sampling.guidance": 1.5,
        "data.kind": "digits",
    },
    {"data.kind": "two-moons", "data.scale": 3.0},
    {
        "noise.kind": "flow-matching",
        "noise.source": "eight-gaussians",
        "noise.coupling": "optimal-transport",
        "sampling.kind": "probability-flow",
        "training.reflow": True,
        "training.steps": 70,
    },
    {
        "noise.kind": "flow-matching",
        "noise.source": "two-gaussians",
        "sampling.kind": "probability-flow",
        "sampling.source": "exact",
    },
    {
        "data.kind": "rings",
        "data.classes": "on",
        "sampling.labels": "all",
        "sampling.guidance": 1.0,
        "sampling.source": "exact",
    },
    {
        "data.kind": "two-moons",
        "network.kind": "mlp",
        "training.steps": 70,
        "training.early_stopping": "on",
        "sampling.guide": "checkpoint",
        "sampling.guidance": 1.5,
    },
    {
        "data.kind": "digits",
        "sampling.labels": "all",
        "sampling.guide": "checkpoint",
        "sampling.guidance": 1.0,
        "sampling.guide_step": 3,
    },
)
"""Settings whose values are no choices, and that change what a script contains."""


def choices() -> Iterator[dict[str, Any]]:
    """Every kind, and every value of every setting with a few of them, as settings."""
    shown: set[tuple[str, object]] = set()
    for kind in registered():
        yield {f"{kind.section}.kind": kind.name()}
        for key, field in own_fields(kind, kind.section).items():
            for value in field.choices or ((True, False) if field.kind == "bool" else ()):
                mark = (key, value) if inherited(kind, key) else (f"{kind.name()} {key}", value)
                if mark not in shown and value != "auto":
                    shown.add(mark)
                    yield {f"{kind.section}.kind": kind.name(), key: value}
    for key, field in experiments.fields(Experiment()).items():
        if key.startswith("training."):
            yield from ({key: value} for value in field.choices if value != "auto")


def inherited(kind: type[Kind], key: str) -> bool:
    return key.split(".")[1] not in kind.__annotations__


def made(settings: dict[str, Any]) -> Experiment | None:
    """The experiment of some settings, or None if they contradict each other."""
    kinds = {key: value for key, value in settings.items() if key.endswith(".kind")}
    experiment = experiments.replace(Experiment(), kinds)
    known = experiments.fields(experiment)
    wanted = {key: value for key, value in settings.items() if key not in kinds}
    if not wanted.keys() <= known.keys():
        return None
    own = FILES.get(experiment.data.kind, {})
    if settings.get("noise.source") == "file":
        own = {**own, "noise.source_path": "start.csv"}
    small = {key: value for key, value in SMALL.items() if key in known}
    try:
        experiment = experiments.replace(experiment, {**own, **small, **wanted})
    except ExperimentError:
        return None
    if experiment.data.images and experiment.objective.passes(64) > 4:
        return None  # a pass for each pixel takes too long here
    conditions = Conditions(
        tuple(range(10)) if resolve(experiment).network.is_told_classes(experiment, None) else (), 60
    )
    if training_conflict(experiment, conditions) or sampling_conflict(experiment, conditions):
        return None
    return experiment


HELP: tuple[dict[str, Any], ...] = (
    {},
    {"network.kind": "energy"},
    {"objective.kind": "sliced", "sampling.kind": "langevin"},
    {"sampling.kind": "langevin"},
    {"sampling.kind": "probability-flow"},
    {"data.kind": "digits"},
    {"sampling.source": "empirical"},
)
"""What may have to be chosen beside a choice."""


def packed() -> list[Experiment]:
    """As few experiments as contain every choice."""
    found: list[dict[str, Any]] = []
    for choice in [*EXTRA, *choices()]:
        for settings in found:
            if all(settings.get(key, value) == value for key, value in choice.items()) and made({**settings, **choice}):
                settings.update(choice)
                break
        else:
            beside = next((help for help in HELP if made({**help, **choice})), None)
            assert beside is not None, f"no experiment has {choice}"
            found.append({**beside, **choice})
    return [experiment for settings in found if (experiment := made(settings)) is not None]


RUNNER = """
import os, runpy, sys
import numpy as np
sys.modules["playground"] = None  # importing it is an error
import torch
torch.set_num_threads(1)
for folder in sys.argv[1:]:
    os.chdir(folder)
    names = runpy.run_path("script.py")
    np.savez("results.npz", losses=names["losses"], samples=names["samples"])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's files."""
    folder = tmp_path_factory.mktemp("scripts")
    generator = np.random.default_rng(0)
    np.savetxt(folder / "points.csv", generator.normal(size=(300, 2)) * [1.0, 9.0], delimiter=",")
    np.savetxt(folder / "start.csv", 3.0 + generator.normal(size=(300, 2)), delimiter=",")
    for name in ("cats", "dogs"):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(30):
            pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "pictures" / name / f"{number}.png")
    return folder


def by_the_program(experiment: Experiment) -> tuple[list[tuple[int, float]], np.ndarray]:
    """The step and the loss of each progress report, and the samples."""
    trainer = Trainer(Problem.build(experiment))
    reports = [(progress.step, progress.loss) for progress in trainer]
    learned = with_weaker(trainer.problem, trainer.ema.requires_grad_(False), trainer.checkpoints.weights, trainer.step)
    *_, trajectory = sample(trainer.problem, trainer.problem.known_score() or learned)
    return reports, trajectory.positions[-1]


def named(experiment: Experiment) -> str:
    chosen = (experiment.data, experiment.noise, experiment.network, experiment.objective, experiment.sampling)
    return " + ".join(kind.kind for kind in chosen)


def spread(points: np.ndarray) -> float:
    return float(np.abs(points).max())


def check_scripts(wanted: list[Experiment], folder: Path) -> None:
    """Write the scripts of some experiments, run them where the program cannot be imported, and compare the results."""
    before, found, folders = torch.get_num_threads(), [], []
    torch.set_num_threads(1)
    try:
        for number, experiment in enumerate(wanted):
            own = folder / str(number)
            own.mkdir()
            script_files.save(experiment, own / "script.py", standalone=True)
            folders.append(own)
            found.append((experiment, *by_the_program(experiment)))
    finally:
        torch.set_num_threads(before)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", RUNNER, *map(str, folders)]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE)
    for own, (experiment, reports, expected) in zip(folders, found, strict=True):
        results = np.load(own / "results.npz")
        losses, ends = results["losses"], [0, *(step for step, _ in reports)]
        means = np.array([losses[first:last].mean() for first, last in itertools.pairwise(ends)])
        shown, what = np.array([loss for _, loss in reports]), f"{named(experiment)} in {own}"
        # Adam divides by the size of the gradients. So rounding errors grow from step to step.
        within = 1e-4 if ends[-1] > 5 else 2e-6
        np.testing.assert_allclose(means, shown, rtol=0, atol=within * np.abs(shown).max(), err_msg=what)
        np.testing.assert_allclose(
            results["samples"], expected, rtol=0, atol=50 * within * spread(expected), err_msg=what
        )


@pytest.mark.claims
def test_scripts_have_the_losses_and_samples_of_the_program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    # Scripts have no guards against divergence, and these networks are hardly trained.
    monkeypatch.setattr("playground.lab.training.EXPLODED", 1e9)
    monkeypatch.setattr("playground.lab.sampling.FAR", 1e9)
    read, path_of = set[str](), source._path
    monkeypatch.setattr(source, "_path", lambda module: read.add(module) or path_of(module))
    source.module_of.cache_clear()
    check_scripts(packed(), folder)
    # The package has the sources of these modules alone.
    shipped = tuple(f"{package}." for package in contents.SOURCES_SHIPPED)
    assert [module for module in sorted(read) if not f"{module}.".startswith(shipped)] == []


@pytest.mark.claims
def test_a_script_contains_the_code_of_plugins(tmp_path: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    kinds: list[type[Kind]] = []
    try:
        for number, heading in enumerate(("A data set", "A noise process", "An objective", "A sampler")):
            path = tmp_path / f"own_{number}.py"
            path.write_text(re.search(rf"### {heading}\n\n```python\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
            kinds += load_plugin(path)
        experiment = made({f"{kind.section}.kind": kind.name() for kind in kinds})
        assert experiment is not None
        check_scripts([experiment], tmp_path)
    finally:
        for kind in kinds:
            forget(kind)
    assert "Own kinds ---" in (tmp_path / "0" / "script.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_that_are_not_finite_are_written_as_they_are(value: float) -> None:
    write = Expressions(Recording(), Bundle(), Experiment())
    for whole in (value, (0.5, value), [value], torch.tensor([1.0, value])):
        found = eval(write.of(whole), {"math": math, "torch": torch})
        np.testing.assert_array_equal(np.asarray(found), np.asarray(whole))


def test_an_object_that_a_function_of_its_own_makes_is_refused() -> None:
    def made_in_a_function(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return like

    with pytest.raises(NoSource, match="no script can be written of it"):
        Expressions(Recording(), Bundle(), Experiment()).of(made_in_a_function)
