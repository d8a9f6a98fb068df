"""The listings of CONTRIBUTING.md: each adds a kind from one file outside the package, and it appears wherever kinds are listed."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from playground.kinds.kind import Kind, forget
from playground.lab.experiment import Experiment, dump, fields, parse, replace

ROOT = Path(__file__).parents[2]
HEADINGS = {"A data set": "data", "A noise process": "noise", "An objective": "objective", "A sampler": "sampling"}


def listing(heading: str) -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"### {heading}\n\n```python\n(.*?)```", text, re.DOTALL)
    return str(found)


@pytest.fixture(params=HEADINGS)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[type[Kind]]:
    """The kind of a listing, registered for one test."""
    section, path = HEADINGS[request.param], tmp_path / "plugin.py"
    path.write_text(listing(request.param), encoding="utf-8")
    family = type(getattr(Experiment(), section))
    before = set(family.kinds())
    spec = importlib.util.spec_from_file_location(f"plugin_{section}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    (name,) = set(family.kinds()) - before
    yield family.kinds()[name]
    forget(family.kinds()[name])
    del sys.modules[spec.name]


def test_a_kind_of_one_file_is_a_setting_with_its_texts_and_place(kind: type[Kind]) -> None:
    choice = fields()[f"{kind.section}.kind"]
    assert kind.name() in choice.choices
    assert choice.title_of(kind.name()) == kind.title
    assert choice.meaning_of(kind.name()) == kind.meaning() != ""
    places = [other.place for other in kind.kinds().values()]
    assert places == sorted(places)
    chosen = replace(Experiment(), {f"{kind.section}.kind": kind.name()})
    own = {f"{kind.section}.{name}" for name in kind.__struct_fields__}
    assert own <= set(fields(chosen))


def test_it_is_read_and_written_as_toml(kind: type[Kind]) -> None:
    experiment = parse(f'[{kind.section}]\nkind = "{kind.name()}"\n')
    assert getattr(experiment, kind.section).kind == kind.name()
    assert parse(dump(experiment)) == experiment


def test_it_trains_samples_and_stays_finite(kind: type[Kind]) -> None:
    from playground.lab.problem import Problem
    from playground.lab.sampling import sample
    from playground.lab.training import Trainer

    small = {"data.points": 300, "training.steps": 20, "training.batch": 64, "network.width": 16}
    small |= {"likelihood.points": 20, "sampling.particles": 20, "sampling.steps": 20}
    problem = Problem.build(replace(Experiment(), {f"{kind.section}.kind": kind.name(), **small}))
    trainer = Trainer(problem)
    *_, last = trainer
    assert last.diverged is None
    *_, run = sample(problem, trainer.ema)
    assert abs(run.positions[-1]).max() < 1e3


@pytest.mark.parametrize("kind", ["A sampler"], indirect=True)
def test_a_step_of_its_langevin_dynamics_that_is_too_long_is_refused(kind: type[Kind]) -> None:
    from playground.lab.problem import Problem
    from playground.lab.sampling import sample
    from playground.theory.samplers import SamplerDiverged

    few = {"data.points": 300, "sampling.particles": 20, "sampling.steps": 5, "sampling.source": "exact"}
    wild = replace(Experiment(), {"sampling.kind": kind.name(), "sampling.step": 1e5, **few})
    problem = Problem.build(wild)
    score = problem.known_score()
    assert score is not None
    with pytest.raises(SamplerDiverged, match="unstable"):
        next(sample(problem, score))


def test_it_is_in_the_docs(kind: type[Kind]) -> None:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs/make_experiment_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.reference()
    assert f"| `{kind.name()}` | {kind.title}: {kind.meaning()}" in page


def test_the_window_offers_it_and_makes_its_rows(kind: type[Kind], qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QVBoxLayout, QWidget

    from playground.app.model.state import State
    from playground.app.widgets.fields import make_field
    from playground.app.widgets.kind_rows import KindRows, column

    card = QWidget()
    state = State(parent=card)
    qtbot.addWidget(card)
    body = QVBoxLayout(card)
    offered: Any = make_field(state, f"{kind.section}.kind", None)
    body.addWidget(offered)
    rows = KindRows(state, kind.section, column(body), column(body), parent=card)
    control = offered.control
    assert kind.name() in control.buttons if hasattr(control, "buttons") else control.findData(kind.name()) >= 0
    before = state.experiment
    assert state.edit({f"{kind.section}.kind": kind.name()})
    wanted = [f"{kind.section}.{name}" for name in kind.__struct_fields__]
    assert set(rows.rows) == {key for key in wanted if state.field(key).kind not in ("list", "text")}
    name = next(
        name for name in kind.__struct_fields__ if state.field(f"{kind.section}.{name}").kind in ("int", "float")
    )
    key = f"{kind.section}.{name}"
    value = state.field(key).maximum
    state.edit({key: value})
    state.edit({f"{kind.section}.kind": getattr(before, kind.section).kind})
    state.edit({f"{kind.section}.kind": kind.name()})
    assert state.value(key) == value  # its settings come back


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with each listing as a module, and the kind's name by module."""
    folder, names = tmp_path_factory.mktemp("plugins"), {}
    for heading, section in HEADINGS.items():
        text = listing(heading)
        (folder / f"plugin_{section}.py").write_text(text, encoding="utf-8")
        (names[f"plugin_{section}"],) = re.findall(r'tag="([\w-]+)"', text)
    return folder, names


def said_by(folder: Path, *arguments: str) -> str:
    """What Python prints with the plug-ins on its path."""
    variables = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(folder))), "COLUMNS": "400"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.claims
def test_the_command_line_lists_them(plugins: tuple[Path, dict[str, str]]) -> None:
    folder, names = plugins
    for command, listed in (("run", names), ("sample", {"plugin_sampling"})):
        program = f"import {', '.join(names)}; from playground.cli import main; main([{command!r}, '--help'])"
        said = said_by(folder, "-c", program)
        assert {names[module] for module in listed if not re.search(rf"\b{names[module]}\b", said)} == set()


@pytest.mark.claims
def test_the_parametrised_tests_run_over_them(plugins: tuple[Path, dict[str, str]]) -> None:
    folder, names = plugins
    loaded = [word for module in names for word in ("-p", module)]
    files = ["tests/data/test_sources.py", "tests/lab/test_experiment.py"]
    said = said_by(folder, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *loaded, *files)
    tests = {name: re.findall(rf"::(\w+)\[(?:[\w-]+-)?{name}(?:-[\w-]+)?\]", said) for name in names.values()}
    assert {name for name, found in tests.items() if len(found) < 3} == set()
