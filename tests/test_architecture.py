"""The house rules that ruff and import-linter cannot state."""

import ast
import re
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.own_process import loaded

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
    """But for charts: the items of pyqtgraph are widgets, which need an application of widgets."""
    found = offenders(lambda path: "QtWidgets" in text_of(path), sorted((PACKAGE / "drawing").rglob("*.py")))
    assert found == ["playground/drawing/plot.py", "playground/drawing/render.py"]


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
        ("import playground.lab.figures.score", "playground.lab.figures.score", HEAVY),
        ("import playground.data", "playground.data", {"torch"}),
        (
            "import playground.drawing.boltzmann, playground.drawing.sweep_pictures, playground.cli.painting",
            "playground.drawing.chart_pictures",
            {"pyqtgraph"},  # which takes a quarter of a second, until a chart is drawn
        ),
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


def test_nothing_goes_through_sys_modules_while_threads_import() -> None:
    """A loop over it ends with "dictionary changed size during iteration"; `list` takes all of it at once."""

    def goes_through(path: Path) -> bool:
        tree = ast.parse(text_of(path) if "sys.modules" in text_of(path) else "")
        loops = [node.iter for node in ast.walk(tree) if isinstance(node, ast.For | ast.comprehension)]
        return any(re.fullmatch(r"sys\.modules(\.\w+\(\))?", ast.unparse(each)) for each in loops)

    assert offenders(goes_through, OURS) == []


APP = PACKAGE / "app"
MOST_LINES, MOST_COLLABORATORS = 300, 4
RECORDS = {
    "record",
    "dataclass",
    "dataclasses.dataclass",
    "Struct",
    "msgspec.Struct",
    "NamedTuple",
    "Enum",
    "TypedDict",
}
"""Their fields are values, so their constructors take any number."""


def _is_record(node: ast.ClassDef) -> bool:
    marks = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
    return bool(RECORDS & {ast.unparse(one) for one in (*marks, *node.bases)})


def _classes(folder: Path) -> dict[str, ast.ClassDef]:
    """Every class of a folder by its file and name."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[f"{path.relative_to(folder).as_posix()}:{node.name}"] = node
    return found


def _callables(folder: Path) -> set[str]:
    """The names that stand for a Callable."""
    found = {"Callable"}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Callable["):
                found |= {ast.unparse(target) for target in node.targets}
    return found


def over_the_bounds(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """The classes with too many lines and those with too many collaborators, each with its number.

    A collaborator is an argument of the constructor that is an object of the window (a controller, a model, a view; no
    record) or a function that stands for one. Values, such as numbers, texts, colours and a run, are none, nor is the parent.
    `Controllers` counts as one.
    """
    classes = _classes(folder)
    objects = {node.name for node in classes.values() if not _is_record(node)} | _callables(folder)
    long, knowing = {}, {}
    for name, node in classes.items():
        lines = (node.end_lineno or 0) - node.lineno + 1
        if lines > MOST_LINES:
            long[name] = lines
        for made in node.body:
            if isinstance(made, ast.FunctionDef) and made.name == "__init__":
                given = [*made.args.args, *made.args.kwonlyargs]
                known = [one for one in given if one.arg != "parent" and one.annotation is not None]
                count = sum(bool(objects & set(re.findall(r"\w+", ast.unparse(one.annotation)))) for one in known)
                if count > MOST_COLLABORATORS:
                    knowing[name] = count
    return long, knowing


LONG: dict[str, int] = {}
"""Classes of the window that still have more lines, with their ceilings, which may only fall. Take out those that hold."""


@pytest.mark.parametrize("which", [0, 1], ids=["lines", "collaborators"])
def test_classes_of_the_window_are_small_and_know_few(which: int) -> None:
    found, ceilings = over_the_bounds(APP)[which], (LONG, {})[which]
    grown = {name: number for name, number in found.items() if number > ceilings.get(name, 0)}
    assert not grown, (
        f"Make these smaller than {ceilings}: two concepts are two classes, and what passes on is known in one place."
    )


def test_the_bounds_are_seen(tmp_path: Path) -> None:
    code = """
        Act = Callable[[], None]
        class Model: ...
        @dataclass
        class Record: ...
        @record
        class Value: ...
        class View(QObject):
            def __init__(self, a: Model, b: "Model | None", c: Act, d: Callable[[], int], e: {fifth}, parent: Model): ...
    """
    for fifth, count in (("Model", {"a.py:View": 5}), ("Record", {}), ("Value", {}), ("int", {})):
        (tmp_path / "a.py").write_text(textwrap.dedent(code.replace("{fifth}", fifth)))
        assert over_the_bounds(tmp_path) == ({}, count)
    (tmp_path / "a.py").write_text("class Long:\n" + 300 * "    x = 1\n")
    assert over_the_bounds(tmp_path) == ({"a.py:Long": 301}, {})


ANNOUNCES = {"state", "store", "jobs", "clock", "settle", "timer"}
"""Those whose signals controllers may connect to: the state, the store, the jobs, and timers of their own."""


def test_controllers_hear_of_changes_from_state_store_and_jobs() -> None:
    found = []
    for path in sorted((APP / "controllers").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Attribute(value=owner), attr="connect")):
                    if ast.unparse(owner).rpartition(".")[2].lstrip("_") not in ANNOUNCES:
                        found.append(f"{path.name}: {ast.unparse(node)}")
    assert found == []
