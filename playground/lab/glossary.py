"""The glossary: symbols, terms and their meanings, read from docs/glossary.md, the page that is also shown in the program."""

import functools
import re
from dataclasses import dataclass
from urllib.parse import quote

from playground.resources import page

EQUATIONS = "Equations"
"""The place of a symbol that is used in equations only. Companion symbols may follow, if it has two meanings."""

ABBREVIATED = {"W₂": "Wasserstein distance", "KL": "Kullback-Leibler divergence", "nat": "nat", "nats": "nat"}
"""What texts of lessons say without explaining it, by its term."""


@dataclass(frozen=True)
class GlossaryEntry:
    """One row of the page.

    Attributes:
        section: the heading above it.
        symbol: the symbol as text, "σ_min"; empty for a term without one.
        term: its name.
        meaning: one sentence.
        place: where the program shows it, "Noise: σ min".
    """

    section: str
    symbol: str
    term: str
    meaning: str
    place: str

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbol, or each of several."""
        return tuple(self.symbol.split(", ")) if self.symbol else ()

    @property
    def neighbors(self) -> tuple[str, ...] | None:
        """The symbols that occur with it in equations when it has this meaning; None if it is not used in equations."""
        if not self.place.startswith(EQUATIONS):
            return None
        return tuple(self.place.removeprefix(EQUATIONS).removeprefix(" with ").split())


@functools.cache
def glossary() -> tuple[GlossaryEntry, ...]:
    """Every row of the page, in its order."""
    return read(page("glossary.md").read_text(encoding="utf-8"))


def read(text: str) -> tuple[GlossaryEntry, ...]:
    """The rows of a page's tables.

    >>> read("## A\\n| symbol | term | meaning | on screen |\\n|---|---|---|---|\\n| x | point | A point. | Data |")[0].term
    'point'
    """
    entries, section = [], ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("|") and not line.startswith(("|---", "| symbol")):
            symbol, term, meaning, place = (
                cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]
            )
            entries.append(GlossaryEntry(section, symbol, term, meaning, place))
    return tuple(entries)


def found(query: str) -> tuple[GlossaryEntry, ...]:
    """The entries that contain every word of a query; those with the query in their symbol or term come first."""
    words = query.lower().split()
    hits = [
        entry
        for entry in glossary()
        if all(word in f"{entry.symbol} {entry.term} {entry.meaning} {entry.place}".lower() for word in words)
    ]
    return tuple(
        sorted(hits, key=lambda entry: not all(word in f"{entry.symbol} {entry.term}".lower() for word in words))
    )


def linked(text: str) -> str:
    """Markdown in which each abbreviation is a link to its term, where it first occurs.

    >>> linked("The W₂ is 2, the W₂² is 4.")
    'The [W₂](term:Wasserstein%20distance) is 2, the W₂² is 4.'
    """
    found = set[str]()

    def link(match: re.Match[str]) -> str:
        term = ABBREVIATED.get(match[0])
        if term is None or term in found:
            return match[0]
        found.add(term)
        return f"[{match[0]}](term:{quote(term)})"

    # Links and code of the author stay as they are.
    return re.sub(rf"\[[^\]]*\]\([^)]*\)|`[^`]*`|(?<!\w)(?:{'|'.join(ABBREVIATED)})(?![\w²])", link, text)
