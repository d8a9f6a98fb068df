"""No logic of the window reads a sentence: it compares messages, codes, keys and flags."""

import ast
from pathlib import Path

APP = Path(__file__).parents[2] / "playground" / "app"
TEXTS = {"text", "toolTip", "windowTitle", "accessibleName", "currentText", "title", "sentence"}
"""Attributes and methods that give what the user reads."""


def is_read(node: ast.expr) -> bool:
    """Whether an expression is a text on screen, or words that look like one."""
    called = node.func if isinstance(node, ast.Call) else node
    if isinstance(called, ast.Attribute) and called.attr in TEXTS:
        return True
    words = [node, *getattr(node, "elts", [])]
    return any(
        isinstance(word, ast.Constant)
        and isinstance(word.value, str)
        and (" " in word.value or word.value[:1].isupper())
        for word in words
    )


def compared(tree: ast.AST) -> set[str]:
    """The comparisons with a text. `!=` may ask whether a shown text changes."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and not isinstance(node.ops[0], ast.NotEq | ast.Is | ast.IsNot):
            if any(is_read(side) for side in (node.left, *node.comparators)):
                found.add(ast.unparse(node))
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("startswith", "endswith")
            and is_read(node.func.value)
        ):
            found.add(ast.unparse(node))
    return found


def test_no_logic_reads_a_sentence() -> None:
    files = {str(file.relative_to(APP)): ast.parse(file.read_text(encoding="utf-8")) for file in APP.rglob("*.py")}
    assert {name: found for name, tree in files.items() if (found := compared(tree))} == {}


def test_a_sentence_that_is_read_would_be_found() -> None:
    tree = ast.parse(
        'label.text() == "x"\n"Train" in words\ntitle in ("run", "what differs")\nscene.title == other\n'
        'box.text().startswith("x")\nif text != self.text(): pass\nkind == "digits"\nkey.endswith(".kind")'
    )
    assert compared(tree) == {
        "label.text() == 'x'",
        "'Train' in words",
        "title in ('run', 'what differs')",
        "scene.title == other",
        "box.text().startswith('x')",
    }
