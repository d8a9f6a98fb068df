"""Writes experiment.md: every setting of an experiment, from its own description in playground/lab/settings.py."""

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground.lab.boltzmann.settings import Boltzmann
from playground.lab.experiment import Experiment, Field, fields
from playground.lab.units import EQUALIZED

INTRODUCTION = """\
# The settings of an experiment

*Made by `make docs` from `playground/lab/settings.py`; change it there.*

An experiment is a TOML file. What it leaves out has its default, so an empty file is a valid experiment: two moons.
On the command line, `--set section.key=value` changes a setting. The unit *data* is that of your points.
{evened}
A setting marked with **new training** cannot change without training anew.

```toml
seed = 7

[data]
kind = "eight-gaussians"

[noise]
kind = "ve"

[training]
steps = 20000
```
"""

BOLTZMANN = """
## The settings of a Boltzmann machine

The file of `score-playground boltzmann` is a TOML file too, without sections; an empty one learns 3 x 3 bars and stripes. A
pattern is written row by row, `#` for a pixel that is on:

```toml
data = "drawn"
patterns = ["#.#/.#./#.#", "###/#.#/###"]
```

| setting | default | allowed | meaning |
|---|---|---|---|"""


def reference() -> str:
    """The whole page."""
    parts = [INTRODUCTION.format(evened=EQUALIZED)]
    section = None
    for field in fields().values():
        name = field.key.split(".")[0] if "." in field.key else ""
        if name != section:
            section = name
            parts.append(_heading(name))
        parts.append(_row(field))
    parts.append(BOLTZMANN)
    parts += [_row(field) for field in fields(Boltzmann).values()]
    return "\n".join(parts) + "\n"


def _heading(section: str) -> str:
    table = "| setting | default | allowed | meaning |\n|---|---|---|---|"
    if not section:
        return f"## Of the whole\n\n{table}"
    described = type(getattr(Experiment(), section)).__doc__
    return f"\n## [{section}]\n\n{typing.cast(str, described).strip()}\n\n{table}"


def _row(field: Field) -> str:
    name = f"`{field.key.split('.')[-1]}`" + (f" ({field.symbol})" if field.symbol else "")
    words = [field.description + "."]
    if field.unit:
        words.append(f"Unit: {field.unit}.")
    words.append(_equations(field.equation))
    if field.resets:
        words.append("**New training.**")
    return f"| {name} | {_default(field.default)} | {field.bound} | {' '.join(filter(None, words))} |"


def _equations(latex: str | Mapping[str, str]) -> str:
    """The equation of a setting, or of each choice that has its own."""
    if not isinstance(latex, str):
        return "; ".join(f"{choice}: {_equations(equation)}" for choice, equation in latex.items())
    # A bare | would end the table's cell, and of \| it would leave a line break.
    latex = latex.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
    return f"${latex}$" if latex else ""


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value == "":
        return '`""`'
    if value == ():
        return "`[]`"
    return f"{value:g}" if isinstance(value, float) else f"{value}"


if __name__ == "__main__":
    path = Path(__file__).with_name("experiment.md")
    path.write_text(reference(), encoding="utf-8")
    print(f"Wrote {path}")
