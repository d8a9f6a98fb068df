"""The headings of guide and theory, each with its place in the documentation as a site."""

import functools
import re
from dataclasses import dataclass

from playground.resources import page

PAGES = ("guide", "theory")


@dataclass(frozen=True)
class Heading:
    """One heading.

    Attributes:
        page: the name of its page, "theory".
        text: what it says, "Langevin dynamics".
        place: the address of its section below that of the site, "theory.html#langevin-dynamics-t6".
    """

    page: str
    text: str
    place: str


@functools.cache
def headings() -> tuple[Heading, ...]:
    """Every heading below a page's title, in their order."""
    return tuple(found for name in PAGES for found in read(name, page(f"{name}.md").read_text(encoding="utf-8")))


def read(name: str, text: str) -> tuple[Heading, ...]:
    """The headings of a page below its title; numbers of chapters and of the lecture's topics are left out of their text.

    >>> read("theory", "# Theory\\n## 1 Data\\n### The flow (T14)")[1]
    Heading(page='theory', text='The flow', place='theory.html#the-flow-t14')
    """
    code = re.sub(r"(?ms)^```.*?^```", "", text)  # a comment of Python begins as a heading does
    return tuple(
        Heading(name, re.sub(r"^\d+ | \(T\d+\)$", "", title), f"{name}.html#{_id(title)}")
        for title in re.findall(r"(?m)^##+ (.+)$", code)
    )


def _id(title: str) -> str:
    """The section's id, as docutils makes it: letters and digits with hyphens between them, from the first letter on."""
    return re.sub(r"^[^a-z]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", title.lower()))
