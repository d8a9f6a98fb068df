"""Writes experiment.md: every setting of an experiment, from its own description in playground/kinds/ and playground/lab/settings.py."""

from pathlib import Path
from typing import Any

import msgspec

from playground.data.units import EQUALIZED
from playground.kinds.kind import Kind
from playground.kinds.setting import own_fields
from playground.lab.boltzmann.settings import Boltzmann
from playground.lab.experiment import Experiment, Field, fields

INTRODUCTION = """\
# The settings of an experiment

*Made by `make docs` from `playground/kinds/` and `playground/lab/settings.py`; change it there.*

An experiment is a TOML file. What it leaves out has its default, so an empty file is a valid experiment: two moons.
On the command line, `--set section.key=value` changes a setting. The unit *data* is that of your points.
{evened}
A setting marked with **new training** cannot change without training anew.

A line `seed = 7` before the sections sets the seeds of data, training and sampling that the file does not set, and `--seed 7` all that no
`--set` sets; [architecture.md](architecture.md#seeds) says what each of them draws.

```toml
[data]
kind = "eight-gaussians"
seed = 7

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
    parts = [
        INTRODUCTION.format(evened=EQUALIZED),
    ]
    for name in Experiment.__struct_fields__:
        section = getattr(Experiment(), name)
        if isinstance(section, Kind):
            parts += _family(type(section), section.kind)
        elif isinstance(section, msgspec.Struct):
            parts += [
                _heading(f"[{name}]", section.__doc__ or ""),
                *map(_row, own_fields(type(section), name).values()),
            ]
    parts.append(BOLTZMANN)
    parts += [_row(field) for field in fields(Boltzmann).values()]
    return "\n".join(parts) + "\n"


def _family(family: type[Kind], default: str) -> list[str]:
    """The kinds of a section, and every setting once, with the kinds that have it."""
    kinds = family.kinds()
    base = next(cls for cls in family.__mro__ if cls.__mro__[1] is Kind)
    parts = [_heading(f"[{family.section}]", base.__doc__ or ""), _row(family.choice(default))]
    parts.append("\n| kind | meaning |\n|---|---|")
    for name, kind in kinds.items():
        words = f"{kind.title}: {kind.meaning()} {_equation(kind.equation)}".strip()
        parts.append(f"| `{name}`{' (default)' if name == default else ''} | {words} |")
    found: list[tuple[Field, list[str]]] = []
    for name, kind in kinds.items():
        for field in own_fields(kind, family.section).values():
            having = next((names for known, names in found if known == field), None)
            if having is None:
                found.append((field, [name]))
            else:
                having.append(name)
    parts.append("\n| setting | of kind | default | allowed | meaning |\n|---|---|---|---|---|")
    for field, names in found:
        of = "all" if len(names) == len(kinds) else ", ".join(names)
        parts.append(_row(field).replace(" | ", f" | {of} | ", 1))
    return parts


TABLE = "| setting | default | allowed | meaning |\n|---|---|---|---|"


def _heading(title: str, described: str = "") -> str:
    summary = described.strip().partition("\n")[0]
    return "\n".join(filter(None, (f"\n## {title}\n", f"{summary}\n" if summary else "", TABLE)))


def _row(field: Field) -> str:
    name = f"`{field.key.split('.')[-1]}`" + (f" ({field.symbol})" if field.symbol else "")
    words = [field.description + "."]
    if field.unit:
        words.append(f"Unit: {field.unit}.")
    words.append(_equation(field.equation))
    if not field.key.endswith(".kind"):  # kinds have their own headings
        named = [(name, option.equation) for name, option in field.options.items() if option.equation]
        words.append("; ".join(f"{name}: {_equation(equation)}" for name, equation in named))
    if field.resets:
        words.append("**New training.**")
    return f"| {name} | {_default(field.default)} | {field.bound} | {' '.join(filter(None, words))} |"


def _equation(latex: str) -> str:
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
