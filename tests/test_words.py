"""The texts that users read are in the words of the field."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("app", "cli", "data", "drawing", "kinds", "lab")
OWN_WORDS = (
    "there and back",
    "told apart",
    "by heart",
    "what they show",
    "perfect model's",
    "rungs",
    "cells of Z",
    "law of v",
    "law of ln",
    "rate falls",
    "step grid",
    "noise-free last",
    "Go on",
    "churned",
    "churn sampler",
    "held against",
    "of which the blur",
    "widest gap",
)
"""What this program once called things, for which the field has words of its own: docs/glossary.md."""


def spoken(source: str) -> Iterator[str]:
    """The texts with blanks in a module, without docstrings; `x` for what is put in."""
    tree, silent = ast.parse(source), set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            silent.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        if " " in text and not re.search(r"\\|\w \{\s", text):  # neither LaTeX, a pattern nor a style sheet
            yield re.sub(r"<[^>]+>", " ", text.replace("</p><p>", ". "))


FILES = sorted(
    path
    for room in ROOMS
    for path in (ROOT / "playground" / room).rglob("*.py")
    if not {"selftest", "selftest.py"} & set(path.parts)  # its claims are lines of a table
)


@cache
def texts() -> list[tuple[str, str]]:
    """Each file, and each text in it."""
    assert len(FILES) > 200
    return [(str(path.relative_to(ROOT)), text) for path in FILES for text in spoken(path.read_text(encoding="utf-8"))]


def bundled_texts() -> list[tuple[str, str]]:
    """Each scene, each lesson and its text."""
    found = [path for ending in ("toml", "md") for path in sorted((ROOT / "resources").rglob(f"*.{ending}"))]
    assert len(found) > 40
    return [(str(path.relative_to(ROOT)), " ".join(path.read_text(encoding="utf-8").split())) for path in found]


def test_texts_are_in_the_words_of_the_field() -> None:
    assert [
        (path, text) for path, text in [*texts(), *bundled_texts()] if any(words in text for words in OWN_WORDS)
    ] == []


def test_own_words_would_be_found() -> None:
    (text,) = spoken('def f(n):\n    """There and back."""\n    return f"There and {n} back: " "and more"')
    assert text == "There and x back: and more"


PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)


def prose(page: str) -> str:
    """A page without code, and without what a script has written."""
    page = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"<!-- (?!end).*?<!-- end[^>]*>", "", page, flags=re.DOTALL)


def test_pages_are_in_the_words_of_the_field() -> None:
    read = {page.name: " ".join(prose(page.read_text(encoding="utf-8")).split()) for page in PAGES}
    assert [(name, words) for name, text in read.items() for words in OWN_WORDS if words in text] == []


def test_the_prose_of_a_page_is_without_its_code() -> None:
    page = "# T\n\nOne\ntwo.\n\n```\ny\n```\n\n<!-- t: made -->\nz\n<!-- end of t -->\n"
    assert prose(page).split() == ["#", "T", "One", "two."]
