"""What is wrong, or worth knowing, as a value: who shows it decides how settings are called there.

A message has a code, the setting it is about, a sentence with gaps, what fills them, and the edits that would mend it. The
command line writes a setting as its key (``noise.kind = none``), the window as its label. Nobody reads a sentence to learn what it says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Value = Any  # of a setting: a number, a string, a truth value or a tuple


@dataclass(frozen=True)
class Setting:
    """A setting that a sentence names, with the value that it has or the ones to choose from.

    Attributes:
        key: dotted, as in a file.
        values: none, one or several; the last may be words such as "another process".
    """

    key: str
    values: tuple[Value, ...] = ()


def setting(key: str, *values: Value) -> Setting:
    """A setting for the gap of a sentence.

    >>> str(Message("example", "With {} there is no path.", (setting("noise.kind", "none"),)))
    'With noise.kind = none there is no path.'
    """
    return Setting(key, values)


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
        code: its name, the same whatever the numbers are.
        text: the sentence, with `{}` for each value.
        values: settings, numbers and words for its gaps.
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
        return self.render(_as_in_a_file, "{:g}".format)

    def render(self, name: Callable[[Setting], str], number: Callable[[float], str]) -> str:
        """The text, where `name` says a setting and `number` a number that is not whole."""

        def said(value: object) -> str:
            if isinstance(value, Setting):
                return name(value)
            return number(value) if isinstance(value, float) else str(value)

        return self.text.format(*map(said, self.values))


def written(value: Value) -> str:
    """A setting's value as TOML has it, without quotes.

    >>> written(True), written(0.5), written("ve"), written(())
    ('true', '0.5', 've', '[]')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def alternatives(words: list[str]) -> str:
    """Words to choose from.

    >>> alternatives(["a", "b", "c"])
    'a, b or c'
    """
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _as_in_a_file(setting: Setting) -> str:
    if not setting.values:
        return setting.key
    return f"{setting.key} = {alternatives([written(value) for value in setting.values])}"
