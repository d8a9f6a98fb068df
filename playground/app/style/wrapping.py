"""Where lines are broken: Qt breaks none inside a word, though a file may have a name of 255 characters, and no plain tooltip."""

import html
import re

BREAK = "\u200b"  # where a line may end, and nothing is seen
PHRASES = r"\ufdf0-\ufdff"  # Arabic signs of a whole phrase each, which some fonts draw six capitals wide
LONGEST = 32  # narrow characters without a break that the narrowest label holds, or half as many wide ones


def breakable(sentence: str, longest: int = LONGEST) -> str:
    """The sentence as a label shows it: one long name in it makes no window wide. Capitals, m, w and what is not ASCII are wide.

    >>> breakable("a.csv is no file.") == "a.csv is no file."
    True
    >>> [[len(part) for part in breakable(80 * letter + " is no file.").split(BREAK)] for letter in "nW"]
    [[32, 32, 28], [16, 16, 16, 16, 28]]
    """
    pieces = rf"((?:[a-ln-vx-z0-9_.-]{{2}}|[^\s/{BREAK}{PHRASES}]){{{longest // 2}}}+)(?=[^\s/{BREAK}])"
    return re.sub(rf"([{PHRASES}])(?=\S)|{pieces}", rf"\1\2{BREAK}", sentence)


def wrapped(*lines: str) -> str:
    """A tooltip of these lines of plain text, each a paragraph: Qt breaks the lines of rich text alone.

    >>> wrapped("As wide as it takes.", "p < 1")
    '<p>As wide as it takes.</p><p>p &lt; 1</p>'
    """
    return "".join(f"<p>{html.escape(breakable(line), quote=False)}</p>" for line in lines if line)
