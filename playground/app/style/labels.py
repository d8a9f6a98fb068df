"""What the cards call the settings; and sentences that name settings, as the window says them.

The same sentences serve the command line and files, where a setting is its key (``training.batch = 0``) and a choice its
own name. Whoever looks at a card knows neither.
"""

import re

from playground.app.style.number_formats import format_number
from playground.kinds.kind import Kind
from playground.kinds.setting import own_fields
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


def _titles() -> dict[str, dict[str, str]]:
    """What stands on the button of each choice, by key; kinds that have a setting of one name may offer others each."""
    known = [*_FIELDS.values()]
    for name, section in ((name, getattr(Experiment(), name)) for name in Experiment.__struct_fields__):
        if isinstance(section, Kind):
            known += [field for kind in type(section).kinds().values() for field in own_fields(kind, name).values()]
    titles: dict[str, dict[str, str]] = {}
    for field in known:
        titles.setdefault(field.key, {}).update({choice: field.title_of(choice) for choice in field.choices})
    return titles


_FIELDS = every_field()
_TITLES = _titles()


def _named(key: str) -> str:
    """A setting in a sentence, with its card where other cards have one of that name."""
    name = _FIELDS[key].label
    sections = {key.split(".")[0] for key, field in _FIELDS.items() if "." in key and field.label == name}
    return name if len(sections) == 1 else f"{name} ({CARDS[key.split('.')[0]]})"


_KEY = "|".join(re.escape(key) for key in sorted(_FIELDS, key=len, reverse=True) if "." in key)
_VALUE = r"[a-z0-9][a-z0-9-]*+(?:\+\+)?"
_SETTING = re.compile(rf"\b({_KEY})\b(?: = ((?:{_VALUE}, )*{_VALUE} or {_VALUE}|{_VALUE})(?!\w))?")
_POWER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?e[+-]\d+\b")


def keys_in(sentence: str) -> set[str]:
    """The settings that a sentence of the laboratory names.

    >>> sorted(keys_in("training.batch = 0 is not allowed: choose sampling.source = exact or empirical."))
    ['sampling.source', 'training.batch']
    """
    return {found[1] for found in _SETTING.finditer(sentence)}


def spoken(sentence: str) -> str:
    """A sentence of the laboratory as the window says it: labels for keys, titles for choices, numbers as everywhere.

    >>> spoken("training.batch = 0 is not allowed: choose sampling.source = exact or empirical.")
    'Batch B = 0 is not allowed: choose score (Sample) “Exact” or “Training set”.'
    """

    def say(found: re.Match[str]) -> str:
        key, values = found[1], found[2]
        name = _named(key)
        if values is None:
            return name
        titles = _TITLES[key]
        if values.split(",")[0].split()[0] not in titles:
            return f"{name} = {values}"
        said = re.sub(_VALUE, lambda one: f"“{titles[one[0]]}”" if one[0] in titles else one[0], values)
        return f"{name} {said}"

    text = _SETTING.sub(say, sentence.replace("set data.path to", "open"))
    text = _POWER.sub(lambda number: format_number(float(number[0])), text)
    return _begun(text) if _SETTING.match(sentence) else text


def _begun(text: str) -> str:
    """A sentence that begins with a label: by a capital, as a key in its place has none; but of a symbol that is another one."""
    return capital(text) if text[:1].isascii() else text


def worded(message: Message | str | None) -> str:
    """A message as the window says it; a sentence that names settings by their keys too, and nothing of None."""
    if not isinstance(message, Message):
        return spoken(message or "")
    text = message.render(_setting, format_number)
    begins = message.text.startswith("{}") and isinstance(message.values[0], Setting)
    return _begun(text) if begins else text


def _setting(setting: Setting) -> str:
    """A setting by its label, and its values by their titles."""
    if not setting.values:
        return _named(setting.key)
    titles = _TITLES[setting.key]
    said = [f"“{titles[value]}”" if value in titles else _number(value) for value in setting.values]
    sign = "" if setting.values[0] in titles else "= "
    return f"{_named(setting.key)} {sign}{alternatives(said)}"


def _number(value: Value) -> str:
    return format_number(value) if isinstance(value, int | float) and not isinstance(value, bool) else written(value)
