"""The house rules that ruff and import-linter cannot state."""

import ast
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from own_process import loaded

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "playground"
SOURCES = sorted(PACKAGE.rglob("*.py"))
OURS = SOURCES + [
    path for folder in ("tests", "docs", "resources", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))
]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def offenders(broken_in: Callable[[Path], bool], paths: Iterable[Path] = SOURCES) -> list[str]:
    """The files in which a rule is broken."""
    return [str(path.relative_to(ROOT)) for path in paths if broken_in(path)]


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert offenders(lambda path: path.stem in vague) == []


def test_no_array_is_read_with_pickles() -> None:
    assert offenders(lambda path: bool(re.search(r"allow_pickle\s*=\s*True", text_of(path)))) == []


def test_pictures_are_painted_without_widgets() -> None:
    assert offenders(lambda path: "QtWidgets" in text_of(path), sorted((PACKAGE / "drawing").rglob("*.py"))) == []


HEAVY = {"torch", "PySide6"}
TRAINS = """
import torch
from playground.lab.experiment import Experiment
from playground.lab.problem import Problem
from playground.lab.training import Trainer
torch.set_num_threads(1)
next(Trainer(Problem.build(Experiment(), None, torch.device("cpu"))))
"""
OPENS = """
from playground.lab.session import Session
from playground.resources import resource
Session.load(resource("checkpoints/two-moons.spg"))
"""


@pytest.mark.claims
@pytest.mark.parametrize(
    ("code", "part", "absent"),
    [
        ("import playground; assert 'train' in dir(playground)", "playground", {*HEAVY, "numpy"}),
        ("import playground.cli", "playground.cli", HEAVY),
        ("from playground.cli import main; main(['--version'])", "playground.cli", HEAVY),
        ("from playground.cli import main; main(['--help'])", "playground.cli.commands", HEAVY),
        ("import playground.lab.experiment", "playground.kinds.samplers.langevin", HEAVY),
        ("import playground.lab.score_error_curve", "playground.lab.score_error_curve", HEAVY),
        ("import playground.data", "playground.data", {"torch"}),
        (OPENS, "playground.lab.session", HEAVY),
        (
            "import playground.app.panels",
            "playground.app.panels.data",
            {"torch", "ziamath", "playground.theory.noise", "playground.lab.problem"},
        ),
        (TRAINS, "playground.theory.fused", {"sympy", "torch._dynamo"}),  # they take as long as all else before a step
    ],
)
def test_a_start_loads_only_what_it_needs(code: str, part: str, absent: set[str]) -> None:
    found = loaded(code)
    assert part in found
    assert found & absent == set()


def test_nothing_goes_through_sys_modules_while_threads_import():
    """A loop over it ends with "dictionary changed size during iteration"; `list` takes all of it at once."""

    def goes_through(path: Path) -> bool:
        loops = [
            node.iter for node in ast.walk(ast.parse(text_of(path))) if isinstance(node, ast.For | ast.comprehension)
        ]
        return any(re.fullmatch(r"sys\.modules(\.\w+\(\))?", ast.unparse(each)) for each in loops)

    assert offenders(goes_through, OURS) == []
