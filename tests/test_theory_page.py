"""docs/theory.md names code and tests that exist, for every system, and leaves out no part of theory/."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

from playground import theory
from playground.theory.densities import Density
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import SIGMA_DISTRIBUTIONS, Noise, Process
from playground.theory.objectives import OBJECTIVES, PROBE_DISTRIBUTIONS
from playground.theory.samplers import Sampler

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/theory.md").read_text(encoding="utf-8")
SECTIONS = {part.split(":")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
NAMES = sorted(set(re.findall(r"`(playground\.[\w.]+)`", PAGE)))
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", PAGE)))


def test_code_that_is_named_exists() -> None:
    missing = []
    for name in NAMES:
        try:
            pkgutil.resolve_name(name)
        except (ImportError, AttributeError):
            missing.append(name)
    assert NAMES
    assert missing == []


def test_tests_that_are_named_exist() -> None:
    there = set()
    for path in {name.split("::")[0] for name in TESTS}:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        there |= {f"{path}::{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert TESTS
    assert set(TESTS) - there == set()


def test_every_system_has_its_section_in_order() -> None:
    assert list(SECTIONS) == [f"T{number}" for number in range(1, 16)]


def test_a_section_names_code_and_tests_or_says_that_there_is_none() -> None:
    proven = {
        system for system, text in SECTIONS.items() if "\n- Code: `playground." in text and "\n- Tests: `tests/" in text
    }
    owned = {system for system, text in SECTIONS.items() if "\nNot in the program yet: " in text}
    assert set(SECTIONS) - proven - owned == set()


def test_nothing_is_quoted_in_another_form() -> None:
    """A name that the patterns above miss would never be checked."""
    quoted = set(re.findall(r"`([^`]+)`", PAGE))
    assert quoted - set(NAMES) - set(TESTS) == {"score-playground selftest"}


def subclasses(base: type) -> set[type]:
    return {
        kind
        for child in base.__subclasses__()
        for kind in {child, *subclasses(child)}
        if kind.__module__.startswith("playground.") and not inspect.isabstract(kind)
    }


def test_no_part_of_the_theory_is_left_out() -> None:
    """Every process, distribution, noise, objective, direction, density, network and sampler is named."""
    for module in pkgutil.walk_packages(theory.__path__, "playground.theory."):
        importlib.import_module(module.name)
    wanted = set().union(*(subclasses(base) for base in (Process, Density, ScoreNetwork, Sampler, Noise)))
    wanted |= set(SIGMA_DISTRIBUTIONS.values()) | set(OBJECTIVES.values()) | set(PROBE_DISTRIBUTIONS.values())
    named = {name.rpartition(".")[2] for name in NAMES}
    assert {kind.__name__ for kind in wanted} - named == set()
