"""The texts that users read: short sentences in the words of the field."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("app", "cli", "data", "drawing", "kinds", "lab")
MOST_WORDS = 20
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


def sentences(text: str) -> list[str]:
    """Its sentences, and what stands between colons and semicolons."""
    return re.split(r"(?<=[.!?:;])\s+", text)


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


def test_sentences_are_short() -> None:
    every = [(path, sentence) for path, text in texts() for sentence in sentences(text)]
    assert [(path, sentence) for path, sentence in every if len(sentence.split()) > MOST_WORDS] == []


def bundled_texts() -> list[tuple[str, str]]:
    """Each scene, each lesson and its text."""
    found = [path for ending in ("toml", "md") for path in sorted((ROOT / "resources").rglob(f"*.{ending}"))]
    assert len(found) > 40
    return [(str(path.relative_to(ROOT)), " ".join(path.read_text(encoding="utf-8").split())) for path in found]


def test_texts_are_in_the_words_of_the_field() -> None:
    assert [
        (path, text) for path, text in [*texts(), *bundled_texts()] if any(words in text for words in OWN_WORDS)
    ] == []


def test_long_sentences_and_own_words_are_found() -> None:
    (text,) = spoken(
        'def f(n):\n    """Doc ' + "word " * 30 + '"""\n    return f"There and {n} back: " "' + "word " * 21 + '"'
    )
    assert text.startswith("There and x back: word")
    assert [len(sentence.split()) for sentence in sentences(text)] == [4, 21]


PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
MOST_WORDS_ON_A_PAGE = 34


def passages(page: str) -> Iterator[str]:
    """The paragraphs, list items and table cells of a page: no code, no equations, and nothing that a script has written."""
    page = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    page = re.sub(r"<!-- (?!end).*?<!-- end[^>]*>", "", page, flags=re.DOTALL)
    for block in re.split(r"\n\s*\n|\n(?=- |\d+\. |\|)", page):
        if not block.startswith(("#", "    ", "![")):
            yield from block.split("|") if block.startswith("|") else [block]


def test_pages_have_short_sentences_in_the_words_of_the_field() -> None:
    every = [(page.name, passage) for page in PAGES for passage in passages(page.read_text(encoding="utf-8"))]
    long = [
        (page, sentence)
        for page, passage in every
        for sentence in sentences(passage)
        if len(sentence.split()) > MOST_WORDS_ON_A_PAGE
    ]
    assert long == []
    own = [(page, text) for page, text in every if any(words in " ".join(text.split()) for words in OWN_WORDS)]
    assert own == []


def test_a_page_s_passages_are_its_prose() -> None:
    page = "# T\n\nOne\ntwo.\n\n- three\n- four\n\n| a | b |\n\n    x = 1\n\n```\ny\n```\n\n<!-- t: made -->\nz\n<!-- end of t -->\n"
    assert [text.strip() for text in passages(page) if text.strip()] == ["One\ntwo.", "- three", "- four", "a", "b"]
