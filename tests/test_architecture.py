"""The house rules that a program can check."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from own_process import loaded

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "playground"
SOURCES = sorted(PACKAGE.rglob("*.py"))
OURS = SOURCES + [
    path for folder in ("tests", "docs", "resources", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))
]
ROOMS = ["theory", "data", "kinds", "lab", "drawing", "app", "cli"]

EXCEPT = {
    # Its sines, and its steps over a few numbers, take half the time of torch's on a CPU.
    ("fused.py", "numpy"),
    ("transport.py", "numpy"),
    ("transport.py", "numpy.typing"),
    # A process of a sweep waits in a thread for the end of the program that started it.
    ("executors.py", "threading"),
}


def imports(path: Path) -> Iterator[tuple[str, str | None]]:
    """Modules that a file imports anywhere, with the name taken from each."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or "", alias.name


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def room_of(path: Path) -> str | None:
    first = path.relative_to(PACKAGE).parts[0]
    return first if first in ROOMS else None


def offenders(broken_in: Callable[[Path], bool], paths: Iterable[Path] = SOURCES) -> list[str]:
    """The files in which a rule is broken."""
    return [str(path.relative_to(ROOT)) for path in paths if broken_in(path)]


def test_a_room_imports_only_the_rooms_before_it() -> None:
    def broken(path: Path) -> bool:
        room = room_of(path)
        imported = (f"{module}.{name}".split(".") for module, name in imports(path))
        rooms = (parts[1] for parts in imported if parts[0] == "playground" and len(parts) > 1)
        return room is not None and any(ROOMS.index(other) > ROOMS.index(room) for other in rooms if other in ROOMS)

    assert offenders(broken) == []


def test_each_room_uses_only_what_belongs_in_it() -> None:
    forbidden = {
        "theory": {"PySide6", "numpy", "threading", "time", "os", "pathlib", "io"},
        "data": {"PySide6", "threading", "time"},
        "kinds": {"PySide6", "threading", "time"},
        "lab": {"PySide6", "threading", "rich", "typer"},
        "drawing": {"torch", "PySide6.QtWidgets"},
    }

    def broken(path: Path) -> bool:
        return any(
            forbidden.get(room_of(path) or "", set()) & {module, module.split(".")[0], f"{module}.{name}"}
            for module, name in imports(path)
            if (path.name, module) not in EXCEPT
        )

    assert offenders(broken) == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert offenders(lambda path: path.stem in vague) == []


def test_every_module_says_what_it_is_for() -> None:
    def broken(path: Path) -> bool:
        documented = _the_kind(tree_of(path)) or tree_of(path)
        return bool(text_of(path).strip()) and not ast.get_docstring(documented)

    assert offenders(broken) == []


def _the_kind(module: ast.Module) -> ast.ClassDef | None:
    """The class that is registered in a module with no docstring of its own: what it says is what the module is for."""
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    registered = [node for node in classes if any(ast.unparse(name) == "register" for name in node.decorator_list)]
    return registered[0] if len(registered) == 1 and not ast.get_docstring(module) else None


def test_nothing_unpickles() -> None:
    """Opening a file must never run code."""
    calls = re.compile(r"\btorch\.(load|save)\(|allow_pickle\s*=\s*True|(?<![.\w])(eval|exec)\(")
    modules = {"pickle", "shelve", "dill", "joblib", "marshal"}
    assert offenders(lambda path: bool(calls.search(text_of(path)))) == []
    assert offenders(lambda path: bool(modules & {module.split(".")[0] for module, _ in imports(path)})) == []


def test_tables_are_written_in_one_place() -> None:
    """A header or a cell of a stranger that is a formula is covered there."""
    writes = re.compile(r"\bcsv\.(writer|DictWriter)\b|\bsavetxt\(|\.to_csv\(")
    assert offenders(lambda path: bool(writes.search(text_of(path)))) == ["playground/lab/csv_table.py"]


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TO" r"DO|FIX" r"ME|XXX|HACK)\b")

    def broken(path: Path) -> bool:
        if not later.search(text_of(path)):
            return False
        tokens = tokenize.generate_tokens(io.StringIO(text_of(path)).readline)
        return any(token.type == tokenize.COMMENT and later.search(token.string) for token in tokens)

    assert offenders(broken, OURS) == []


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
        loops = [node.iter for node in ast.walk(tree_of(path)) if isinstance(node, ast.For | ast.comprehension)]
        return any(re.fullmatch(r"sys\.modules(\.\w+\(\))?", ast.unparse(each)) for each in loops)

    assert offenders(goes_through, OURS) == []
