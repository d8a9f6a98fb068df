r"""The symbols of an equation and their meanings, read from its LaTeX and looked up in the glossary.

A letter can have two meanings: f is the drift of a process, but together with the normalizer Z it is an energy. A row of
the glossary names the neighbors of a symbol with its meaning. The row with most neighbors in the equation is taken.
"""

import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

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
    return tuple(dict.fromkeys(_Reader(_TOKEN.findall(latex)).read()))


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
    """Reads tokens of LaTeX from left to right."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._left = deque(tokens)

    def read(self) -> Iterator[str]:
        """The symbols, in their order."""
        while self._left:
            yield from self._atom(self._left.popleft())

    def _next_is(self, *tokens: str) -> bool:
        return bool(self._left) and self._left[0] in tokens

    def _skip_blanks(self) -> None:
        while self._next_is(" "):
            self._left.popleft()

    def _group(self) -> list[str]:
        """The tokens of the argument of an accent or an index: a group, or one token."""
        self._skip_blanks()
        depth, inside = 0, list[str]()
        while self._left:
            token = self._left.popleft()
            depth += {"{": 1, "}": -1}.get(token, 0)
            inside.append(token)
            if not depth:
                break
        return inside[1:-1] if len(inside) > 1 else inside

    def _atom(self, token: str) -> list[str]:
        if token.startswith("\\"):
            name = token[1:]
            if name in ACCENTS:
                return self._indexed(unicodedata.normalize("NFC", _name(self._group()) + ACCENTS[name]))
            if name in COMMANDS:
                return self._indexed(COMMANDS[name])
            if name in PLAIN:
                return []
            raise ValueError(f"{token} is no known command")
        if token == "*":
            return ["∗"]
        if token == "|" and self._next_is("\\,"):
            return ["|"]  # "given"; without blanks around it, it is an absolute value
        return self._letters(token) if token.isalpha() else []

    def _letters(self, run: str) -> list[str]:
        if run in WHOLE:
            return [run]
        if run == "d" and self._next_is(*(f"\\{name}" for name in COMMANDS)):
            return [f"d{_name([self._left[0]])}"]  # which comes next
        if len(run) == 2 and run[0] == "d":
            return [run, run[1]]
        if len(run) > 2:
            return []  # a word
        if run in ("N", "U") and self._next_is("("):
            return [f"{run}(·)"]
        return [*run[:-1], *self._indexed(run[-1])]

    def _indexed(self, symbol: str) -> list[str]:
        """A symbol with its index and its prime if the glossary has that; otherwise symbol and index separately."""
        known = {symbol for entry in glossary() for symbol in entry.symbols}
        if symbol == "Δ":
            self._skip_blanks()
            if self._left and self._left[0].isalpha():
                symbol += self._left.popleft()
        if self._next_is("'"):
            prime = symbol + self._left.popleft()
            return [prime if prime in known else symbol]
        if not self._next_is("_"):
            return [symbol]
        self._left.popleft()
        group = self._group()
        whole = f"{symbol}_{_name(group)}"
        return [whole] if whole in known else [symbol, *_Reader(group).read()]


def _name(tokens: Sequence[str]) -> str:
    """Tokens as one name: letters, numbers and Greek, without braces."""
    return "".join(
        COMMANDS.get(token[1:], token) if token[0] == "\\" else token for token in tokens if token not in "{}"
    )
