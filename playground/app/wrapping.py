"""Where a line of a sentence may be broken: Qt breaks none inside a word, and a file may have a name of 255 characters."""

import re

BREAK = "\u200b"  # where a line may end, and nothing is seen
LONGEST = 32  # characters without a break that the narrowest label holds

_LONG = re.compile(rf"[^\s/{BREAK}]{{{LONGEST}}}(?=[^\s/{BREAK}])")


def breakable(sentence: str) -> str:
    """The sentence as a label shows it: one long name in it makes no window wide.

    >>> breakable("a.csv is no file.") == "a.csv is no file."
    True
    >>> [len(part) for part in breakable(80 * "n" + " is no file.").split(BREAK)]
    [32, 32, 28]
    """
    return _LONG.sub(rf"\g<0>{BREAK}", sentence)
