"""What the cards call the settings; and messages as the window writes them.

The command line and files write a setting as its key (``training.batch = 0``) and a choice by its own name. Whoever looks at a card
knows neither: the window writes labels for keys, titles for choices, and numbers as everywhere.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from playground.app.style.number_formats import format_number
from playground.kinds.kind import Kind, registered
from playground.kinds.setting import Field, own_fields
from playground.lab.experiment import Experiment, every_field
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
    """With a capital at the start and the others kept, which ``str.capitalize`` takes from Gaussians."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class _Names:
    """What stands on the cards.

    Attributes:
        fields: every setting by its key.
        titles: of each setting what stands on the button of each choice; kinds that have a setting of one name may offer others each.
    """

    fields: Mapping[str, Field]
    titles: Mapping[str, Mapping[str, str]]


@functools.lru_cache(maxsize=1)
def _names_of(kinds: tuple[type[Kind], ...]) -> _Names:
    """The names of the settings of these kinds, which are all that are registered."""
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
    """The names of all settings, those of kinds that were registered a moment ago too."""
    return _names_of(registered())


def _named(key: str) -> str:
    """A setting in a sentence, with its card where other cards have one of that name; a key that no kind has stays as it is."""
    fields = _names().fields
    if key not in fields:
        return key
    name = fields[key].label
    sections = {key.split(".")[0] for key, field in fields.items() if "." in key and field.label == name}
    return name if len(sections) == 1 or "." not in key else f"{name} ({CARDS[key.split('.')[0]]})"


def begun(text: str) -> str:
    """A sentence that begins with a label: by a capital, as a key in its place has none; but of a symbol that is another one."""
    return capital(text) if text[:1].isascii() else text


def worded(message: Message | str | None, own: str = "") -> str:
    """A message as the window says it: labels for keys, titles for choices, numbers as everywhere.

    Args:
        message: where it is a sentence and no message, it names no setting and is shown as it is; of None there is nothing to say.
        own: the setting that the message stands below, which needs no card's name to be known.

    >>> worded(Message("example", "{} is not allowed.", (Setting("training.batch", (0,)),)))
    'Batch B = 0 is not allowed.'
    """
    if not isinstance(message, Message):
        return message or ""
    text = message.render(functools.partial(_setting, own=own), format_number)
    return begun(text) if message.begins_with_setting else text


def _setting(setting: Setting, own: str) -> str:
    """A setting by its label, and its values by their titles."""
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


_TO_SET = {"data.path": "open"}
"""What is done in the window with a setting that has no row."""


def _number(value: Value) -> str:
    return format_number(value) if isinstance(value, int | float) and not isinstance(value, bool) else written(value)
