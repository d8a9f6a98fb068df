"""The declaration of one setting: its type, and with :func:`meta` its bounds, texts and slider."""

import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import msgspec

from playground.kinds.chosen import Chosen
from playground.messages import Message
from playground.user_errors import UserError

Auto = Literal["auto"]


class ExperimentError(UserError, ValueError):
    """A setting that cannot be used. The message is one sentence for the user and names the way out."""


@dataclass(frozen=True)
class Option:
    """One option of a setting with a few values.

    Attributes:
        title: the text on its button.
        meaning: one line about it, or "".
        equation: its own LaTeX, or "".
    """

    title: str
    meaning: str = ""
    equation: str = ""


def meta(
    description: str,
    *,
    label: str = "",
    ge: float | None = None,
    le: float | None = None,
    symbol: str = "",
    equation: str = "",
    options: Mapping[str, Option] = types.MappingProxyType({}),
    offered: Callable[[], Mapping[str, Option]] | None = None,
    unit: str = "",
    log: bool = False,
    near_one: bool = False,
    reach: tuple[float, float] | None = None,
    resets: bool = False,
    of_data: bool = False,
    advanced: bool = False,
    example: str = "",
    when: Callable[[Chosen], bool] | None = None,
    otherwise: Message | str = "",
) -> msgspec.Meta:
    """Bounds and documentation of one field.

    Args:
        description: its meaning, in the tooltip and the docs.
        label: its name in its card, if the plain form of the key is not clear enough.
        ge, le: its bounds.
        symbol: its mathematical symbol.
        equation: LaTeX for all values.
        options: its options by value, for a setting with a few values.
        offered: returns its options by value, if plug-ins may add some; its type is then str.
        unit: its unit; "data" is the user's own unit.
        log: whether its slider is logarithmic.
        near_one: whether its slider is logarithmic in one minus the value.
        reach: the range of its slider, if the bounds are too wide for it. Any value within the bounds can be typed.
        resets: whether a change starts training anew.
        of_data: whether it was chosen for the data, so that the window returns it to its default with other data.
        advanced: whether it is in the "Advanced" part of its card.
        example: an example of a list, as in a file.
        when: returns whether it has an effect with the chosen kinds; None for always.
        otherwise: why it has no effect, without a full stop.
    """
    extra = {
        "label": label,
        "symbol": symbol,
        "equation": equation,
        "options": types.MappingProxyType(dict(options)),
        "offered": offered,
        "unit": unit,
        "log": log,
        "near_one": near_one,
        "reach": reach,
        "resets": resets,
        "of_data": of_data or unit.startswith("data"),
        "advanced": advanced,
        "example": example,
        "when": when,
        "otherwise": otherwise,
    }
    return msgspec.Meta(ge=ge, le=le, description=description, extra=extra)


SEEDS = 2**31
"""The number of seeds."""


def seed_meta(description: str, *, label: str = "", resets: bool = False) -> msgspec.Meta:
    """Bounds and documentation of a seed of an experiment; the arguments are those of :func:`meta`."""
    return meta(description, label=label, ge=0, le=SEEDS - 1, resets=resets, advanced=True)


@dataclass(frozen=True)
class Field:
    """One setting, as panels, tooltips, TOML, the command line and the docs use it."""

    key: str  # "noise.sigma_max"; a setting without a section, as of a Boltzmann machine, has its name alone
    kind: Literal["int", "float", "bool", "choice", "text", "list"]
    default: Any
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    auto: bool  # whether "auto" is allowed beside a number
    description: str
    label: str  # its name in its card: "σ max"
    symbol: str
    equation: str  # LaTeX for all values
    options: Mapping[str, Option]
    unit: str  # "data", "data²", "s", ... : "data" is the user's own unit
    log: bool
    near_one: bool
    reach: tuple[float, float] | None
    resets: bool
    of_data: bool
    advanced: bool
    example: str
    when: Callable[[Chosen], bool] | None
    otherwise: Message | str

    def equation_of(self, value: Any) -> str:
        """The LaTeX for a value, or "" if there is none."""
        option = self.options.get(value) if isinstance(value, str) else None
        return option.equation if option is not None and option.equation else self.equation

    def title_of(self, choice: str) -> str:
        """The words on the button of a choice."""
        return self.options[choice].title if choice in self.options else choice.replace("-", " ")

    def meaning_of(self, choice: str) -> str:
        """One line about a choice, or "" if there is none."""
        return self.options[choice].meaning if choice in self.options else ""

    @property
    def bound(self) -> str:
        """The allowed values in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        if self.kind == "text":
            return "text"
        if self.kind == "list":
            return f"a list, as in {self.example}"
        number = "a whole number" if self.kind == "int" else "a number"
        limits = f" from {_number(self.minimum)} to {_number(self.maximum)}"
        return number + limits + (' or "auto"' if self.auto else "")


def _number(value: float | None) -> str:
    if value is None:
        return "any"
    if float(value).is_integer() and abs(value) < 1e10:
        return str(int(value))
    mantissa, _, exponent = f"{value:g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa  # 1e-9, not 1e-09


def _label(key: str, symbol: str) -> str:
    """The plain form of a key, with its symbol if there is room: ``learning rate``, ``levels L``."""
    name = key.split(".")[-1].replace("_", " ")
    return f"{name} {symbol}" if symbol and len(name) + len(symbol) < 13 else name


def field(key: str, hint: Any, default: Any) -> Field:
    """Make the field of a key from its type with :func:`meta`."""
    auto = False
    if get_origin(hint) in (typing.Union, types.UnionType):
        auto = True
        (hint,) = (part for part in get_args(hint) if part != Auto)
    base, described = get_args(hint)
    choices: tuple[str, ...] = ()
    if get_origin(base) is Literal:
        kind, choices = "choice", get_args(base)
    elif get_origin(base) is tuple:
        kind = "list"
    else:
        kind = {bool: "bool", int: "int", float: "float", str: "text"}[base]
    extra = dict(described.extra)
    offered = extra.pop("offered")
    if offered is not None:
        kind, extra["options"] = "choice", types.MappingProxyType(dict(offered()))
        choices = tuple(extra["options"])
    return Field(
        key=key,
        kind=typing.cast(Any, kind),
        default=default,
        minimum=described.ge,
        maximum=described.le,
        choices=choices,
        auto=auto,
        description=described.description,
        **extra | {"label": extra["label"] or _label(key, extra["symbol"])},
    )


@functools.cache
def own_fields(described: type[msgspec.Struct], section: str = "") -> Mapping[str, Field]:
    """The settings of one struct by their keys, in the order of their declaration. Nested structs are left out.

    They are kept until the registry changes, as a setting may offer its kinds.
    """
    prefix = f"{section}." if section else ""
    default = described()
    return types.MappingProxyType(
        {
            prefix + name: field(prefix + name, hint, getattr(default, name))
            for name, hint in typing.get_type_hints(described, include_extras=True).items()
            if name in described.__struct_fields__ and not isinstance(getattr(default, name), msgspec.Struct)
        }
    )
