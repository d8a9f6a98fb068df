"""The glossary as the program reads it, and the symbols of every equation."""

import ast
from pathlib import Path

import pytest

from playground.kinds.kind import registered
from playground.lab.equation_symbols import entry_of, explained, symbols
from playground.lab.experiment import every_field
from playground.lab.figures import FIGURES
from playground.lab.glossary import found, glossary, read
from playground.resources import page

ROOT = Path(__file__).parents[2]


def _equations() -> list[str]:
    """The equations of every kind, of every setting and its choices, and of every figure."""
    every = {kind.equation for kind in registered()} | {words.equation for words in FIGURES.values()}
    for field in every_field().values():
        every |= {field.equation, *(option.equation for option in field.options.values())}
    for path in (ROOT / "playground/app/panels").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Figure":
                every |= {
                    word.value
                    for word in call.args[2:3]
                    if isinstance(word, ast.Constant) and isinstance(word.value, str)
                }
    return sorted(every - {""})


def test_the_program_shows_the_page() -> None:
    assert page("glossary.md") == ROOT / "docs/glossary.md"
    lines = page("glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| symbol")]
    assert len(glossary()) == len(rows) > 150


@pytest.mark.parametrize("latex", _equations())
def test_every_symbol_of_an_equation_is_explained(latex: str) -> None:
    rows = explained(latex)
    assert rows
    for symbol, entry in rows:
        assert symbol in entry.symbols
        assert entry.meaning.endswith(".")


def test_there_are_many_equations() -> None:
    assert len(_equations()) > 50


@pytest.mark.parametrize(
    ("latex", "symbol", "term"),
    [
        (r"dx = f\,dt + g\,dw", "f", "drift"),
        (r"E\,[f] + \ln Z", "f", "energy"),
        (r"y = x + \sigma z", "y", "noisy point"),
        (r"\nabla_u \log p(u \mid y)", "y", "given part"),
        (r"(1 + w)\,s(x \mid c) - w\,s(x)", "w", "guidance"),
        (r"z(u) = (1 - u) z_0 + u z_1", "z", "latent code"),
        (r"\ln \sigma \sim N(\ln s - 1.2, 1.4^2)", "s", "scale of the data"),
        (r"\mathrm{tr}\,\nabla \tilde f", "f\u0303", "drift of the flow"),
        (r"x' = x + h f(x) + g\,\Delta w", "Δw", "step of Brownian motion"),
    ],
)
def test_a_letter_with_two_meanings_is_explained_by_its_neighbors(latex: str, symbol: str, term: str) -> None:
    assert entry_of(symbol, symbols(latex)).term == term


def test_an_unknown_symbol_is_reported() -> None:
    with pytest.raises(ValueError, match="wibble"):
        symbols(r"x + \wibble")
    with pytest.raises(KeyError):
        explained(r"G + x")


def test_every_symbol_of_equations_is_used_by_one() -> None:
    """No row of the glossary explains a symbol that occurs in no equation."""
    used = {(symbol, entry) for latex in _equations() for symbol, entry in explained(latex)}
    rows = {entry for entry in glossary() if entry.neighbors is not None}
    assert {entry.symbol for entry in rows - {entry for _, entry in used}} == set()


def test_words_find_entries_by_symbol_term_meaning_and_place() -> None:
    assert found("finest noise")[0].term == "finest noise level"
    assert found("C2ST")[0].term == "classifier two-sample test"
    assert any(entry.term == "churn" for entry in found("sample: s churn"))
    assert found("no such word") == ()
    assert found("") == glossary()


def test_a_bar_in_a_cell_is_no_border() -> None:
    (entry,) = read(r"| KL | a\|b | C. | Q: KL(data \|\| model) |")
    assert (entry.term, entry.place) == ("a|b", "Q: KL(data || model)")
