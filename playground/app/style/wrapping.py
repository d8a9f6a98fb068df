"""Line breaks in labels and tooltips. Qt breaks no long word, such as a file name, and no plain tooltip."""

import functools
import html
import re

BREAK = "\u200b"  # a line may end here; it is invisible
PHRASES = r"\ufdf0-\ufdff"  # Arabic ligatures of a whole phrase, which some fonts draw six capitals wide
LONGEST = 32  # narrow characters without a break that fit in the narrowest label; half as many wide ones


@functools.lru_cache(4096)  # a table of 60 runs has 500 of them, which are made anew with every name
def breakable(sentence: str, longest: int = LONGEST) -> str:
    """The sentence for a label, so that a long name does not widen the window. Capitals, m, w and non-ASCII characters
    count as wide.

    >>> breakable("a.csv is no file.") == "a.csv is no file."
    True
    >>> [[len(part) for part in breakable(80 * letter + " is no file.").split(BREAK)] for letter in "nW"]
    [[32, 32, 28], [16, 16, 16, 16, 28]]
    """
    pieces = rf"((?:[a-ln-vx-z0-9_.-]{{2}}|[^\s/{BREAK}{PHRASES}]){{{longest // 2}}}+)(?=[^\s/{BREAK}])"
    return re.sub(rf"([{PHRASES}])(?=\S)|{pieces}", rf"\1\2{BREAK}", sentence)


def unbroken(sentence: str) -> str:
    """The sentence with no break between a number and its unit, within a product or sum of numbers, or in "σ = 1" and "log p".

    >>> [len(line) for line in unbroken("log p of 8 × 8 pixels at σ = 0.5: 0.94 s, 3 nats").split(" ")]
    [5, 2, 5, 6, 2, 8, 7, 6]
    >>> [len(line) for line in unbroken("so −2.06 − 4.5 = −6.56").split(" ")]
    [2, 11, 1, 5]
    """
    kept = r"(?<=\d) (?=(?:s|nats?)\b|%|[×+−] \d)|(?<=\d [×+−]) (?=\d)|(?<=\b[^\W\d]) (?== [\d−])|(?<=\b[^\W\d] =) (?=[\d−])|(?<=\blog) (?=p)"
    return re.sub(kept, "\u00a0", sentence)


def with_indices(text: str) -> str:
    """Rich text or Markdown in which the index after an underscore stands below the line, and ᵀ above it.

    The typeface has no ᵀ, and that of another one is too wide.

    >>> with_indices("the score s_θ of p_σ, x_k+1, x̂_0, _not_ snake_case_names; vᵀ v")
    'the score s<sub>θ</sub> of p<sub>σ</sub>, x<sub>k+1</sub>, x̂<sub>0</sub>, _not_ snake_case_names; v<sup>T</sup> v'
    """
    text = text.replace("ᵀ", "<sup>T</sup>")
    return re.sub(r"(?<!\w)(\w[\u0300-\u036f]?)_([^\W_]+(?:\+1)?)(?![\w_])", r"\1<sub>\2</sub>", text)


def wrapped(*lines: str) -> str:
    """A tooltip of these lines of plain text, each a paragraph, because Qt breaks lines in rich text only.

    >>> wrapped("As wide as it takes.", "p < 1")
    '<p>As wide as it takes.</p><p>p &lt; 1</p>'
    """
    return "".join(f"<p>{html.escape(breakable(line), quote=False)}</p>" for line in lines if line)
