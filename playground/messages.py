"""What is wrong, or worth knowing, as a value: who shows it decides how settings are called there.

A message has a code, the setting it is about, a sentence with gaps, what fills them, and the edits that would mend it. The
command line writes a setting as its key (``noise.kind = none``), the window as its label. Nobody reads a sentence to learn what it says.
"""

import decimal
import numbers
import re
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_DIGITS = 10**15
"""From this number on a sentence has a power of ten, whatever its gap asks for."""

Value = Any  # of a setting: a number, a string, a truth value or a tuple


@dataclass(frozen=True)
class Setting:
    """A setting that a sentence names, with the value that it has or the ones to choose from.

    Attributes:
        key: dotted, as in a file.
        values: none, one or several; the last may be words such as "another process".
        to_set: whether the sentence goes on with what to set it to: ``set data.path to`` a file.
    """

    key: str
    values: tuple[Value, ...] = ()
    to_set: bool = False


def setting(key: str, *values: Value) -> Setting:
    """A setting for the gap of a sentence.

    >>> str(Message("example", "With {} there is no path.", (setting("noise.kind", "none"),)))
    'With noise.kind = none there is no path.'
    """
    return Setting(key, values)


def to_set(key: str) -> Setting:
    """A setting for the gap of a sentence that goes on with what to set it to.

    >>> str(Message("example", "Nothing is chosen: {} a file.", (to_set("data.path"),)))
    'Nothing is chosen: set data.path to a file.'
    """
    return Setting(key, to_set=True)


@dataclass(frozen=True)
class Edit:
    """Settings that would mend what is wrong, and what the button that makes it says.

    Attributes:
        title: in at most four words, as "Use sliced".
        changes: values by dotted key.
    """

    title: str
    changes: Mapping[str, Value] = field(hash=False)


@dataclass(frozen=True)
class Message:
    """One sentence or two, to be compared by its code.

    Attributes:
        code: its name, the same whatever the numbers are; "" of a sentence that has none.
        text: the sentence, with a gap for each value: ``{}``, ``{:,}`` for a count, or ``{:.3g}`` and the like for a number.
        values: settings, numbers, words and other messages for its gaps.
        key: the setting to change, "" where there is none.
        edits: each of which would mend it.
    """

    code: str
    text: str
    values: tuple[object, ...] = ()
    key: str = ""
    edits: tuple[Edit, ...] = ()

    def __str__(self) -> str:
        """As files and the command line say it: settings by their keys."""
        return self.render(_as_in_a_file, "{:g}".format, "{:,}".format)

    @property
    def keys(self) -> frozenset[str]:
        """The settings that it names.

        >>> sorted(Message("example", "{}: {}", (setting("sampling.seed"), Message("inner", "{}", (setting("data.path"),)))).keys)
        ['data.path', 'sampling.seed']
        """
        return frozenset(filter(None, (self.key, *_keys_in(self.values))))

    @property
    def begins_with_setting(self) -> bool:
        """Whether the first word is the name of a setting."""
        first = self.values[0] if self.values and next(iter(string.Formatter().parse(self.text)))[0] == "" else None
        return isinstance(first, Setting) or (isinstance(first, Message) and first.begins_with_setting)

    def render(
        self, name: Callable[[Setting], str], number: Callable[[float], str], count: Callable[[int], str]
    ) -> str:
        """The text.

        Args:
            name: says a setting.
            number: says a number that is not whole, or that the text wants in few digits, as by ``{:.3g}``.
            count: says a whole number whose digits the text wants grouped, by ``{:,}``.
        """
        return _Renderer(name, number, count).format(self.text, *self.values)


def instead(code: str, text: str, values: tuple[object, ...], key: str, value: Value, title: str = "") -> Message:
    """A message whose way out is one value of a setting: the last gap of its text names it, and its edit takes it.

    Args:
        values: what fills the other gaps.
        title: of the edit; by default "Use" and the value.

    >>> str(instead("example", "With {} there is no path: choose {}.", (setting("noise.kind", "none"),), "noise.kind", "ve"))
    'With noise.kind = none there is no path: choose noise.kind = ve.'
    """
    edit = Edit(title or f"Use {written(value)}", {key: value})
    return Message(code, text, (*values, setting(key, value)), key, (edit,))


class _Renderer(string.Formatter):
    """See :meth:`Message.render`."""

    def __init__(
        self, name: Callable[[Setting], str], number: Callable[[float], str], count: Callable[[int], str]
    ) -> None:
        self._name, self._number, self._count = name, number, count

    def format_field(self, value: object, spec: str) -> str:
        if isinstance(value, Setting):
            return self._name(value)
        if isinstance(value, Message):
            return value.render(self._name, self._number, self._count)
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return str(value)
        if spec.endswith("g"):
            return self._number(float(format(value, spec)))
        if isinstance(value, int) and abs(value) >= MOST_DIGITS:
            return digits(value)
        if spec == "," and isinstance(value, numbers.Integral):
            return self._count(int(value))
        if spec and abs(float(value)) < MOST_DIGITS:
            return format(value, spec)
        return str(value) if isinstance(value, numbers.Integral) else self._number(float(value))


def _keys_in(values: tuple[object, ...]) -> Iterator[str]:
    for value in values:
        if isinstance(value, Setting):
            yield value.key
        elif isinstance(value, Message):
            yield from value.keys


def plain(sentence: str) -> Message:
    """A sentence that names no setting, as a message without a code.

    >>> str(plain("It holds {}."))
    'It holds {}.'
    """
    return Message("", "{}", (sentence,))


def joined(*messages: Message | None, between: str = " ") -> Message | None:
    """Several messages as one, those that are None left out; None where all are.

    >>> str(joined(plain("One."), None, plain("Two.")))
    'One. Two.'
    """
    there = tuple(message for message in messages if message is not None)
    if len(there) < 2:
        return there[0] if there else None
    key = next((message.key for message in there if message.key), "")
    edits = tuple(edit for message in there for edit in message.edits)
    return Message("several", between.join(["{}"] * len(there)), there, key, edits)


def changed(changes: Mapping[str, Value]) -> Message:
    """What settings become by an edit.

    >>> str(changed({"noise.kind": "ve", "sampling.seed": 1}))
    'noise.kind = ve, sampling.seed = 1'
    """
    made = tuple(setting(key, value) for key, value in changes.items())
    return Message("changed", ", ".join(["{}"] * len(made)), made)


def to_json(message: Message) -> dict[str, Any]:
    """A message as JSON values, for :func:`from_json`."""

    def plain_value(value: object) -> object:
        if isinstance(value, Setting):
            return {"setting": value.key, "values": list(value.values), "to_set": value.to_set}
        if isinstance(value, Message):
            return {"message": to_json(value)}
        if isinstance(value, bool | str) or not isinstance(value, numbers.Real):
            return str(value)
        return int(value) if isinstance(value, numbers.Integral) else float(value)

    return {
        "code": message.code,
        "text": message.text,
        "values": [plain_value(value) for value in message.values],
        "key": message.key,
        "edits": [{"title": edit.title, "changes": dict(edit.changes)} for edit in message.edits],
    }


def from_json(saved: object) -> Message | None:
    """What :func:`to_json` gave, or a bare sentence; None where it is neither.

    >>> message = Message("example", "{} is {:.2g} off.", (setting("sampling.seed", 1), 0.123), "sampling.seed")
    >>> from_json(to_json(message)) == message, str(from_json("One.")), from_json(["One."])
    (True, 'One.', None)
    """
    if isinstance(saved, str):
        return plain(saved)
    try:
        return _message(saved)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return None


_GAP = re.compile(r"\{(:,|:\.[0-9][fg%])?\}")
"""What the text of a file may have in braces: neither attributes nor widths of a million."""


def _message(saved: Any) -> Message:
    code, text, key = (_string(saved[name]) for name in ("code", "text", "key"))
    values = tuple(_value(value) for value in saved["values"])
    edits = tuple(Edit(_string(edit["title"]), _changes(edit["changes"])) for edit in saved["edits"])
    if len(_GAP.findall(text)) != len(values) or set(_GAP.sub("", text)) & set("{}"):
        raise ValueError(text)
    message = Message(code, text, values, key, edits)
    str(message)  # a gap for a number may have been given words
    return message


def _value(saved: Any) -> object:
    if isinstance(saved, dict):
        if "message" in saved:
            return _message(saved["message"])
        return Setting(_string(saved["setting"]), _tuple(saved["values"]), bool(saved["to_set"]))
    if not isinstance(saved, str | int | float):
        raise ValueError(saved)
    return saved


def _changes(saved: Any) -> dict[str, Value]:
    return {_string(key): _tuple(value) for key, value in saved.items()}


def _tuple(saved: Any) -> Value:
    """JSON's lists as a setting has them."""
    if isinstance(saved, list):
        return tuple(map(_tuple, saved))
    if not isinstance(saved, str | int | float):
        raise ValueError(saved)
    return saved


def _string(saved: Any) -> str:
    if not isinstance(saved, str):
        raise ValueError(saved)
    return saved


def written(value: Value) -> str:
    """A setting's value as TOML has it, without quotes.

    >>> written(True), written(0.5), written("ve"), written(())
    ('true', '0.5', 've', '[]')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else digits(value) if isinstance(value, int) else str(value)


def digits(value: float) -> str:
    """A number with all of its digits, or as a power of ten from 1e15 on, so that no sentence is a hundred digits long.

    >>> digits(-1), digits(20_000), digits(0.05), digits(1e-9), digits(int(1e99)), digits(-12_345 * 10**400)
    ('-1', '20000', '0.05', '1e-9', '1e99', '-1.2345e404')
    """
    if isinstance(value, int):
        text = str(value) if abs(value) < MOST_DIGITS else f"{decimal.Decimal(value):.5e}"
    else:
        text = repr(float(value))
    mantissa, power, exponent = text.partition("e")
    if power and "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}" if power else mantissa


def how_many(count: int, noun: str) -> str:
    """A number of things.

    >>> how_many(1, "cell"), how_many(2, "cell")
    ('1 cell', '2 cells')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def alternatives(words: list[str]) -> str:
    """Words to choose from.

    >>> alternatives(["a", "b", "c"])
    'a, b or c'
    """
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _as_in_a_file(setting: Setting) -> str:
    if setting.to_set:
        return f"set {setting.key} to"
    if not setting.values:
        return setting.key
    return f"{setting.key} = {alternatives([written(value) for value in setting.values])}"
