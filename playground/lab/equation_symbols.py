r"""The symbols of an equation and their meanings, read from its LaTeX and looked up in the glossary.

A letter can have two meanings: f is the drift of a process, but together with the normalizer Z it is an energy. A row of
the glossary names the neighbors of a symbol with its meaning. The row with most neighbors in the equation is taken.
"""

import re
import unicodedata
from collections.abc import Sequence

from playground.lab.glossary import GlossaryEntry, glossary

COMMANDS = {
    "alpha": "α", "beta": "β", "epsilon": "ε", "eta": "η", "theta": "θ", "lambda": "λ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "ell": "ℓ", "nabla": "∇", "log": "log", "ln": "log", "int": "∫", "sum": "∑", "propto": "∝", "sim": "∼", "mid": "|", "leftarrow": "←",
    "Delta": "Δ", "|": "‖·‖", "top": "ᵀ",
}  # fmt: skip
"""The symbols of LaTeX commands in the glossary."""

PLAIN = frozenset(
    {"frac", "sqrt", "cos", "sin", "arctan", "min", "dots", "ge", "le", ",", " ", "left", "right", "mathrm", "quad"}
)
"""Commands that need no explanation: elementary functions, comparisons and spaces."""

WHOLE = frozenset({"tr", "KL"})
"""Groups of letters that are one symbol."""

ACCENTS = {"hat": "\u0302", "tilde": "\u0303"}
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[A-Za-z]+|\d+|.")


def symbols(latex: str) -> tuple[str, ...]:
    r"""The symbols of an equation as the glossary writes them, each once, in their order.

    >>> symbols(r"dx = [f - g^2 s]\,dt + g\,dw")
    ('dx', 'x', 'f', 'g', 's', 'dt', 't', 'dw', 'w')
    >>> symbols(r"E_v\,[v^\top \nabla s_\theta\, v]")
    ('E', 'v', 'ᵀ', '∇', 's_θ')

    Raises:
        ValueError: the equation has a command that is neither a symbol nor in `PLAIN`.
    """
    return tuple(dict.fromkeys(_Reader(latex).read()))


def explained(latex: str) -> tuple[tuple[str, GlossaryEntry], ...]:
    """Each symbol of an equation with its entry of the glossary.

    Raises:
        KeyError: the glossary has no entry for a symbol.
    """
    present = symbols(latex)
    return tuple((symbol, entry_of(symbol, present)) for symbol in present)


def entry_of(symbol: str, present: Sequence[str]) -> GlossaryEntry:
    """The entry of a symbol in an equation with other symbols.

    Rows for equations come first, and among them the row with most neighbors in `present`.

    Raises:
        KeyError: the glossary has no entry.
    """
    rows = [entry for entry in glossary() if symbol in entry.symbols]
    fitting = [
        (len(neighbors), entry)
        for entry in rows
        if (neighbors := entry.neighbors) is not None and all(other in present for other in neighbors)
    ]
    if fitting:
        return max(fitting, key=lambda one: one[0])[1]
    others = [entry for entry in rows if entry.neighbors is None]
    if not others:
        raise KeyError(symbol)
    return others[0]


class _Reader:
    """Reads LaTeX from left to right."""

    def __init__(self, latex: str) -> None:
        self._tokens: list[str] = _TOKEN.findall(latex)
        self._place = 0
        self._known = {symbol for entry in glossary() for symbol in entry.symbols}

    def read(self) -> list[str]:
        found: list[str] = []
        while self._place < len(self._tokens):
            found += self._atom()
        return found

    def _next(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1]

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _skip_blanks(self) -> None:
        while self._peek() == " ":
            self._place += 1

    def _group(self) -> list[str]:
        """The tokens of the argument of an accent or an index: a group, or one token."""
        self._skip_blanks()
        if self._peek() != "{":
            return [self._next()] if self._peek() else []
        depth, inside = 0, list[str]()
        while True:
            token = self._next()
            depth += {"{": 1, "}": -1}.get(token, 0)
            if not depth:
                return inside[1:]
            inside.append(token)

    def _atom(self) -> list[str]:
        token = self._next()
        if token.startswith("\\"):
            name = token[1:]
            if name in ACCENTS:
                (inner,) = _name(self._group())
                return self._indexed(unicodedata.normalize("NFC", inner + ACCENTS[name]))
            if name in COMMANDS:
                return self._indexed(COMMANDS[name])
            if name in PLAIN:
                return []
            raise ValueError(f"{token} is no known command")
        if token == "*":
            return ["∗"]
        if token == "|" and self._peek() == "\\,":
            return ["|"]  # "given"; without blanks around it, it is an absolute value
        if not token.isalpha():
            return []
        return self._letters(token)

    def _letters(self, run: str) -> list[str]:
        if run in WHOLE:
            return [run]
        if run == "d" and self._peek().startswith("\\") and self._peek()[1:] in COMMANDS:
            inner = COMMANDS[self._peek()[1:]]
            return [f"d{inner}"]  # which comes next
        if len(run) == 2 and run[0] == "d":
            return [run, run[1]]
        if len(run) > 2:
            return []  # a word
        if run in ("N", "U") and self._peek() == "(":
            return [f"{run}(·)"]
        return [*run[:-1], *self._indexed(run[-1])]

    def _indexed(self, symbol: str) -> list[str]:
        """A symbol with its index and its prime if the glossary has that; otherwise symbol and index separately."""
        if symbol == "Δ":
            self._skip_blanks()
            if self._peek().isalpha():
                symbol += self._next()
        if self._peek() == "'":
            self._next()
            return [symbol + "'"] if symbol + "'" in self._known else [symbol]
        if self._peek() != "_":
            return [symbol]
        self._next()
        group = self._group()
        whole = f"{symbol}_{''.join(_name(group))}"
        if whole in self._known:
            return [whole]
        inner = _Reader("")
        inner._tokens = group
        return [symbol, *inner.read()]


def _name(tokens: Sequence[str]) -> list[str]:
    """Tokens as one name: letters, numbers and Greek, without braces."""
    return [
        "".join(COMMANDS.get(token[1:], token) if token[0] == "\\" else token for token in tokens if token not in "{}")
    ]
