"""A stand-alone script trains and samples as the program does, for every kind and every choice, without the program.

The experiments are made from the registry: choices are put together into as few experiments as their conflicts allow, so a new
kind or a new choice is tested by itself.
"""

import ast
import functools
import itertools
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from playground.kinds.kind import Kind, forget, registered
from playground.kinds.plugins import load_plugin
from playground.kinds.setting import own_fields
from playground.lab import early_stopping, reflow
from playground.lab import experiment as experiments
from playground.lab.autoguidance import with_weaker
from playground.lab.conflicts import Conditions, sampling_conflict, training_conflict
from playground.lab.defaults import resolve
from playground.lab.experiment import Experiment, ExperimentError
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.standalone import SCRIPT, Objects, files
from playground.lab.training import Trainer
from playground.theory import start_set
from playground.user_errors import UserError

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "packaging"))

import contents as contents_of  # noqa: E402

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
    "training.steps": 3,
    "training.batch": 24,
    "training.early_stopping": "off",
    "sampling.particles": 8,
    "sampling.steps": 4,
    "sampling.levels": 3,
    "noise.levels": 3,
    "sampling.churn": 3.0,
}
FILES: dict[str, dict[str, Any]] = {
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
        # Training stops after 384 steps, and the best weights are those of step 192.
        "data.kind": "two-moons",
        "data.points": 50,
        "noise.kind": "ve",
        "network.kind": "mlp",
        "network.prediction": "v",
        "objective.kind": "denoising",
        "objective.weight": "edm",
        "objective.target_batch": 1,
        "training.batch": 40,
        "training.steps": 600,
        "training.learning_rate": 0.03,
        "training.ema_decay": 0.9,
        "training.early_stopping": "on",
        "sampling.kind": "reverse-sde",
        "sampling.source": "learned",
        "sampling.guide": "checkpoint",
        "sampling.guidance": 1.5,
        "sampling.guide_step": 40,
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
    # In an order of its own: that of the registry is the order in which modules were imported.
    for kind in sorted(registered(), key=lambda kind: (kind.section, kind.name())):
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


def run(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a script and return its variables. Its files of the program are those imported already, if the folder has none."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(folder / SCRIPT)}
    with pytest.MonkeyPatch.context() as patch:
        if (folder / "playground").is_dir():
            patch.syspath_prepend(folder)
            for module in [name for name in list(sys.modules) if name.partition(".")[0] == "playground"]:
                patch.delitem(sys.modules, module)
        exec(compile(text, SCRIPT, "exec"), names)
        files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    names["imported"] = {name: file for name, file in files.items() if name.startswith("playground.") and file}
    return names


def check_contents(files: dict[str, bytes]) -> None:
    """The files of the program are as they are, and import nothing but each other, torch and numpy."""
    shipped = tuple(
        f"{package.replace('.', '/')}{end}" for package in contents_of.SOURCES_SHIPPED for end in ("/", ".py")
    )
    for name, contents in files.items():
        if name.startswith("playground/") and name != "playground/__init__.py":
            assert contents == (ROOT / name).read_bytes(), name
            assert name.startswith(shipped)
        if name.endswith(".py"):
            for module in imports_of(contents):
                place, known = module.replace(".", "/"), {"torch", "numpy", "matplotlib", *sys.stdlib_module_names}
                there = f"{place}.py" in files or f"{place}/__init__.py" in files
                assert there or module.partition(".")[0] in known, f"{name} imports {module}"


@functools.cache
def imports_of(source: bytes) -> set[str]:
    """The modules that a file imports."""
    return set(re.findall(r"^ *(?:import|from) ([\w.]+)(?: import .*| as \w+)?$", source.decode(), re.MULTILINE))


def check_script(
    experiment: Experiment, folder: Path, monkeypatch: pytest.MonkeyPatch, whole: bool = False
) -> dict[str, Any]:
    """Compare the losses and the samples of a script with those of the program; return its variables.

    Args:
        whole: whether it runs with its own files of the program.
    """
    found = files(experiment)
    check_contents(found)
    reports, expected = by_the_program(experiment)
    for name, contents in found.items():
        if whole or "/" not in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(contents)
    text = found[SCRIPT].decode()
    assert len(text.splitlines()) <= 149, text  # and the line of its provenance
    results = run(text, folder, monkeypatch)
    losses, ends = np.array(results["losses"]), [0, *(step for step, _ in reports)]
    assert len(losses) == ends[-1]
    means = np.array([losses[first:last].mean() for first, last in itertools.pairwise(ends)])
    shown = np.array([loss for _, loss in reports])
    # Adam divides by the size of the gradients. So rounding errors grow from step to step.
    within = 1e-4 if ends[-1] > 5 else 2e-6
    np.testing.assert_allclose(means, shown, rtol=0, atol=within * np.abs(shown).max())
    np.testing.assert_allclose(results["samples"], expected, rtol=0, atol=50 * within * spread(expected))
    np.testing.assert_array_equal(np.load("samples.npy"), results["samples"])
    return results


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread, no plot, and no guards against divergence, as in a script: these networks are hardly trained."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr("playground.lab.training.EXPLODED", 1e9)
    monkeypatch.setattr("playground.lab.sampling.FAR", 1e9)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(Trainer, "_estimate_optimal_loss", lambda trainer, generator: (None, None))  # only shown
    monkeypatch.setattr(early_stopping, "PATIENCE", 100)
    monkeypatch.setattr(reflow, "PAIRS", 200)  # fewer pairs for program and script alike
    monkeypatch.setattr(start_set, "MATCHED", 40)
    yield
    torch.set_num_threads(before)


@pytest.mark.claims
@pytest.mark.usefixtures("quiet")
def test_scripts_have_the_losses_and_samples_of_the_program(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stopped_early = 0
    for experiment in packed():
        monkeypatch.chdir(folder)  # where the user's files are
        try:
            names = check_script(experiment, tmp_path, monkeypatch)
            stopped_early += len(names["losses"]) < names["STEPS"]
        except Exception as error:
            error.add_note(named(experiment))
            raise
    assert stopped_early == 1  # otherwise nothing is compared of how it ends


def listing(heading: str) -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(rf"### {heading}\n\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """Loads the text of a plug-in, and returns the settings that choose its kind."""
    kinds: list[type[Kind]] = []

    def load(text: str) -> dict[str, Any]:
        path = tmp_path / f"mine-{len(kinds)}.py"
        path.write_text(text, encoding="utf-8")
        kinds.extend(load_plugin(path))
        return {f"{kinds[-1].section}.kind": kinds[-1].name()}

    yield load
    for kind in kinds:
        forget(kind)


@pytest.mark.claims
@pytest.mark.usefixtures("quiet")
def test_the_mathematics_of_plugins_goes_with_a_script(
    tmp_path: Path, plugin: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: dict[str, Any] = {}
    for heading in ("A data set", "A noise process", "An objective", "A sampler"):
        chosen |= plugin(listing(heading))
    experiment = made(chosen)
    assert experiment is not None
    names = check_script(experiment, tmp_path, monkeypatch, whole=True)
    assert all(file.startswith(str(tmp_path)) for file in names["imported"].values())
    assert {"playground.theory.objectives", "playground.messages"} < names["imported"].keys()
    noise, objective, sampler = ((tmp_path / f"own_mine_{number}.py").read_text("utf-8") for number in (1, 2, 3))
    assert "class Linear(Process):" in noise
    assert "class PseudoHuberLoss(Loss):" in objective
    assert "class Ascent(Sampler):" in sampler
    assert "@register" not in noise + objective + sampler


def test_the_title_of_a_plugin_ends_no_text_of_the_script(plugin: Callable[[str], dict[str, Any]]) -> None:
    text = re.sub("title = .*", r"""title = 'C:\\\\users \"\"\"'""", listing("An objective"), count=1)
    experiment = made(plugin(text))
    assert experiment is not None
    written = files(experiment)[SCRIPT].decode()
    assert "C:'users '''," in (ast.get_docstring(ast.parse(written)) or "")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("self.c = c", "self.c = c**2", r"PseudoHuberLoss: its attribute c is not its argument c\."),
        ("self.c = c", "self.threshold = c", r"PseudoHuberLoss: it does not keep its argument c as an attribute\."),
        ("self.c = c", "self.c = c\n        Given", r"PseudoHuberLoss of the plug-in mine-0\.py needs more than torch"),
        ("class Pseudo", "import msgspec\n\n\nclass Pseudo", ""),  # what nothing needs is left out
        (
            "return PseudoHuberLoss(",
            "class Own(PseudoHuberLoss): ...\n        return Own(",
            "made inside a function or a class",
        ),
    ],
)
def test_a_plugin_that_does_not_fit_is_refused(
    before: str, after: str, message: str, plugin: Callable[[str], dict[str, Any]]
) -> None:
    text = listing("An objective").replace("self.c**2", "1.0").replace("- self.c)", "- 1.0)")
    experiment = made(plugin(text.replace(before, after, 1)))
    assert experiment is not None
    if message:
        with pytest.raises(UserError, match=message):
            files(experiment)
    else:
        assert "msgspec" not in files(experiment)["own_mine_0.py"].decode()


@pytest.mark.parametrize(
    "value", [0.5, math.inf, -math.inf, math.nan, 3, True, None, "a 'b' \"c\"", (1,), [0.5, math.inf]]
)
def test_a_value_is_written_as_it_is(value: object) -> None:
    found = eval(Objects().of(value, "value"), {"math": math})
    assert type(found) is type(value)
    np.testing.assert_equal(found, value)


def test_arrays_are_in_the_file_of_data_once() -> None:
    write, first, second = Objects(), torch.tensor([1.0, math.inf]), torch.zeros(3)
    assert [write.of(one, "mean") for one in (first, second, first)] == [
        'data["mean"]',
        'data["mean_1"]',
        'data["mean"]',
    ]
    np.testing.assert_array_equal(write.arrays["mean"], first)
    assert write.of(torch.tensor(3), "label") == "torch.tensor(3)"
