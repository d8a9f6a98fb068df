"""The names of settings on the cards, and messages with these names.

The command line and files write a setting as its key (``training.batch = 0``) and a choice by its own name. Cards show
neither, so the window writes labels for keys, titles for choices, and formatted numbers.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from playground.app.style.number_formats import format_count, format_number
from playground.kinds.kind import Kind, registered
from playground.kinds.setting import Field, own_fields
from playground.lab.experiment import FILES, Experiment, every_field
from playground.lab.table_cells import is_number
from playground.messages import Message, Setting, Value, alternatives, written

CARDS = {
    "data": "Data",
    "noise": "Noise",
    "network": "Objective",
    "objective": "Objective",
    "training": "Train",
    "sampling": "Sample",
    "likelihood": "Likelihood",
}


def capital(text: str) -> str:
    """The text with a capital first letter; the others stay, unlike in ``str.capitalize``, as in "Gaussians"."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class _Names:
    """The names on the cards.

    Attributes:
        fields: every setting by its key.
        titles: by setting, the title of each choice; kinds with a setting of the same name may offer different choices.
    """

    fields: Mapping[str, Field]
    titles: Mapping[str, Mapping[str, str]]


@functools.lru_cache(maxsize=1)
def _names_of(kinds: tuple[type[Kind], ...]) -> _Names:
    """The names of the settings of all registered kinds."""
    fields = every_field()
    known = [*fields.values()]
    for name, section in ((name, getattr(Experiment(), name)) for name in Experiment.__struct_fields__):
        if isinstance(section, Kind):
            known += [field for kind in type(section).kinds().values() for field in own_fields(kind, name).values()]
    titles: dict[str, dict[str, str]] = {}
    for field in known:
        titles.setdefault(field.key, {}).update({choice: field.title_of(choice) for choice in field.choices})
    return _Names(fields, titles)


def _names() -> _Names:
    """The names of all settings, including those of kinds that were just registered."""
    return _names_of(registered())


def _named(key: str) -> str:
    """A setting in a sentence, with its card if the name is not unique; one of no card by its key in words."""
    fields = _names().fields
    if key not in fields:
        return key if "." in key else key.replace("_", " ")
    name = fields[key].label
    sections = {key.split(".")[0] for key, field in fields.items() if "." in key and field.label == name}
    return name if len(sections) == 1 or "." not in key else f"{name} ({CARDS[key.split('.')[0]]})"


def begun(text: str) -> str:
    """The label with a capital letter, to begin a sentence; symbols stay, because a capital is another symbol."""
    return capital(text) if text[:1].isascii() else text


def worded(message: Message | str | None, own: str = "") -> str:
    """A message in the window's words: labels for keys, titles for choices, formatted numbers and counts.

    Args:
        message: a message; a sentence is returned as it is, and None gives "".
        own: the setting below which the message is shown, which needs no card's name.

    >>> worded(Message("example", "{} is not allowed.", (Setting("training.batch", (0,)),)))
    'Batch B = 0 is not allowed.'
    """
    if not isinstance(message, Message):
        return message or ""
    text = message.render(functools.partial(_setting, own=own), format_number, format_count)
    return begun(text) if message.begins_with_setting else text


def _setting(setting: Setting, own: str) -> str:
    """A setting by its label, with its values by their titles."""
    names = _names()
    name = names.fields[own].label if setting.key == own and own in names.fields else _named(setting.key)
    if setting.to_set:
        return _TO_SET.get(setting.key) or f"set {name} to"
    if not setting.values:
        return name
    titles = names.titles.get(setting.key, {})
    said = [f"“{titles[value]}”" if value in titles else _number(value) for value in setting.values]
    sign = "" if setting.values[0] in titles else "= "
    return f"{name} {sign}{alternatives(said)}"


_TO_SET = dict.fromkeys(FILES, "open")
"""The window's words for a setting that has no row."""


def _number(value: Value) -> str:
    return format_number(value) if is_number(value) else written(value)
