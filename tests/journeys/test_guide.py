"""Each heading of docs/guide.md is walked through by a journey that names it."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "docs" / "guide.md"
HEADINGS = re.findall(r"^#{2,4} (.+)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)


def marks() -> dict[str, list[str]]:
    """By journey, the headings in its mark; read, not imported, as the journeys of all files count in each process."""
    found: dict[str, list[str]] = {}
    for path in sorted(set(HERE.glob("test_*.py")) - {Path(__file__)}):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[f"{path.name}: {node.name}"] = [
                    ast.literal_eval(word)
                    for mark in node.decorator_list
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.guide"
                    for word in mark.args
                ]
    return found


MARKS = marks()


def test_each_heading_has_a_journey() -> None:
    named = {heading for headings in MARKS.values() for heading in headings}
    assert [heading for heading in HEADINGS if heading not in named] == []


@pytest.mark.parametrize("journey", MARKS)
def test_each_journey_names_headings_of_the_guide(journey: str) -> None:
    assert MARKS[journey]
    assert set(MARKS[journey]) <= set(HEADINGS)
