"""docs/theory.md names code and tests that exist, has tests for every system, and leaves out no part of theory/."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

from playground import theory
from playground.app.widgets.equation import equation_svg
from playground.theory.densities import Density
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import SIGMA_DISTRIBUTIONS, Noise, Process
from playground.theory.objectives import PROBE_DISTRIBUTIONS, Objective
from playground.theory.samplers import Sampler

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/theory.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
ROWS = re.findall(r"^\| (T\d+) \| (.+) \| `(tests/[^`]+)` \|$", PAGE, re.MULTILINE)
SYSTEMS = [f"T{number}" for number in range(1, 19)]
WORDS = re.sub(r"(?ms)^```math\n.*?^```\n", "", PAGE)
DISPLAYED = re.findall(r"(?ms)^```math\n(.*?)\n```$", PAGE)
INLINE = re.findall(r"\$([^$\n]+)\$", WORDS)
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


def test_every_system_has_its_equations_in_the_text_and_its_tests_in_the_appendix() -> None:
    *sections, appendix = SECTIONS.values()
    assert appendix.startswith("Appendix")
    assert len(re.findall(r"^\| T", appendix, re.MULTILINE)) == len(ROWS)
    assert list(dict.fromkeys(system for system, _, _ in ROWS)) == SYSTEMS
    headings = re.findall(r"^### .+ \((T\d+)\)$", "\n".join(sections), re.MULTILINE)
    assert set(headings) == set(SYSTEMS)


def test_all_tests_are_in_the_appendix_each_with_one_statement() -> None:
    assert sorted(test for _, _, test in ROWS) == TESTS
    assert all(statement.endswith(".") for _, statement, _ in ROWS)


def test_every_section_names_code() -> None:
    *sections, _ = SECTIONS.items()
    assert [title for title, text in sections if "\n- Code: `playground." not in text] == []


def test_nothing_is_quoted_in_another_form() -> None:
    """A name that the patterns above miss would never be checked."""
    quoted = set(re.findall(r"`([^`]+)`", WORDS))
    assert quoted - set(NAMES) - set(TESTS) == {"score-playground selftest", "sampling.corrector_steps"}


def test_every_equation_is_drawn_and_each_of_its_commands_is_known() -> None:
    assert len(DISPLAYED) > 35
    assert len(INLINE) > 250
    equations = {*DISPLAYED, *INLINE}
    for latex in equations:
        equation_svg(latex, "black")

    from ziamath.tex import tex2mml  # whose first import, in equation_svg, warns

    unknown = [latex for latex in equations if ">\\" in tex2mml(latex)]
    assert unknown == []  # it would be drawn as its name


def test_github_sets_the_same_equations() -> None:
    r"""It allows no \operatorname, and its Markdown takes a backslash before punctuation away from an equation in a line."""
    assert [latex for latex in (*DISPLAYED, *INLINE) if "operatorname" in latex] == []
    assert [latex for latex in INLINE if re.search(r"\\[^a-zA-Z]", latex)] == []


def test_no_formula_is_left_in_the_text() -> None:
    text = re.sub(r"\$[^$\n]+\$|`[^`]+`|\]\([^)]+\)", "", WORDS.partition("## Appendix")[0])
    assert re.findall(r".*[$_^√∑Σ∫∇].*|^    \S.*", text, re.MULTILINE) == []


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
    wanted = set().union(*(subclasses(base) for base in (Process, Density, ScoreNetwork, Objective, Sampler, Noise)))
    wanted |= set(SIGMA_DISTRIBUTIONS.values()) | set(PROBE_DISTRIBUTIONS.values())
    named = {name.rpartition(".")[2] for name in NAMES}
    assert {kind.__name__ for kind in wanted} - named == set()
