"""What a user reads of the work in the window: to write it down with a golden session, and to read it again."""

import itertools
import re
from collections.abc import Iterator

from tests.journeys.reading import numbers
from tests.journeys.user import Thing, User

CARDS = ("Data", "Noise", "Objective", "Train", "Sample", "Likelihood", "Quality", "Runs")
"""Those whose contents belong to the work; the others are about a particle and the pointer."""
ROUNDING = re.compile("round.trip")
"""Figures that are rounding errors, and differ from machine to machine."""
WEIGHTS = r"(untrained network|weights of training step \d+)?"
"""The beginning of the canvas's caption, unless the newest weights are shown."""
NEAR = 0.02
"""Share by which a figure may be another on another machine: those of a clicked point are measured again."""


def look(user: User) -> dict[str, str]:
    """What the unfolded cards and the chips say, by the names that stand beside it."""
    things = user.things()
    seen = {"layers": " ".join(thing.name for thing in things if _is_chip(thing) and thing.checked)}
    seen |= {thing.name: thing.value for thing in things if thing.name in ("The experiment in one line", "Seed")}
    for card in CARDS:
        inside = [thing for thing in things if card in thing.inside]
        seen |= {thing.inside[-1]: thing.name for thing in inside if re.fullmatch(f"{card}: .*·.*", thing.name)}
        seen |= {f"{card}: {name}": value for name, value in (*_figures(inside), *_fields(inside))}
    rows = [thing.name for thing in things if thing.role == "TreeItem" and "Pinned runs" in thing.inside]
    found = [re.match(WEIGHTS, thing.value) for thing in things if thing.role == "Canvas"]
    weights = [one[0] for one in found if one is not None]
    return seen | {"runs": " | ".join(rows), "weights": "".join(weights)}


def alike(seen: dict[str, str], now: dict[str, str]) -> list[str]:
    """What was read then and is not read now, or only now, in words."""
    return [
        f"{name}: {now.get(name)}, and was {seen.get(name)}"
        for name in {**seen, **now}
        if not _same(seen.get(name), now.get(name))
    ]


def _same(one: str | None, other: str | None) -> bool:
    if one is None or other is None or re.sub(r"[\d.,e]+", "#", one) != re.sub(r"[\d.,e]+", "#", other):
        return one == other
    pairs = zip(numbers(one), numbers(other), strict=True)
    return all(abs(first - second) <= NEAR * abs(first) for first, second in pairs)


def to_the_end(user: User) -> None:
    """Pause, and go to the end of the run."""
    user.press("Tab")  # out of a field, in which E would be a letter
    if user.finds("Pause", "Button"):
        user.click("Pause", "Button")
    user.press("E")
    user.reads(r"(step|frame) (\d+)/\2\b")


def unfold(user: User) -> None:
    for card in CARDS:
        user.unfold(card)


def _is_chip(thing: Thing) -> bool:
    return thing.role == "CheckBox" and thing.name.startswith("Layer: ")


def _figures(things: list[Thing]) -> Iterator[tuple[str, str]]:
    """Those that have a value: a name, and a text beside it."""
    texts = [thing for thing in things if thing.role == "StaticText"]
    for name, value in itertools.pairwise(texts):
        if name.inside == value.inside and name.inside[-1] == name.text and not ROUNDING.search(name.text):
            yield name.text, value.text


def _fields(things: list[Thing]) -> Iterator[tuple[str, str]]:
    for thing in things:
        if thing.role in ("ComboBox", "EditableText", "SpinBox"):
            yield thing.name, thing.value
