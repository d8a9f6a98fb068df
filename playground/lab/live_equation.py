r"""Equations in LaTeX whose symbols can be replaced by values: ``[[symbol|name]]``, or ``[[symbol|name:.2f]]`` with a format.

An equation is data only: a name is looked up among given values, and nothing is computed.

>>> equation = LiveEquation(r"x + [[\epsilon|sampling.step:.2f]] s([[x|you]])")
>>> equation.symbols
'x + {\\epsilon} s({x})'
>>> equation.with_values({"sampling.step": 0.05})
'x + {0.05} s({x})'
>>> sorted(equation.names)
['sampling.step', 'you']
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PART = re.compile(r"\[\[([^|]+?)\|([A-Za-z_][\w.]*)(?::(\.\d[fg]))?\]\]")
LONGEST = 400  # characters
DEFAULT = ".3g"


@dataclass(frozen=True)
class LiveEquation:
    """An equation with symbols that can be replaced by values."""

    source: str

    @property
    def names(self) -> frozenset[str]:
        """Those of its values."""
        return frozenset(name for _, name, _ in PART.findall(self.source))

    @property
    def is_sound(self) -> bool:
        """Whether it is not too long, and all of its double brackets can be read."""
        rest = PART.sub("", self.source)
        return len(self.source) <= LONGEST and "[[" not in rest and "]]" not in rest

    @property
    def symbols(self) -> str:
        """The LaTeX with all symbols."""
        return self.with_values({})

    @property
    def formatted(self) -> frozenset[str]:
        """The names of those values that have a format."""
        return frozenset(name for _, name, form in PART.findall(self.source) if form)

    def with_values(self, values: Mapping[str, float | str]) -> str:
        """The LaTeX with a value in place of each symbol whose name is in `values`; a text is a number that is written
        already.
        """

        def put(found: re.Match[str]) -> str:
            symbol, name, form = found.groups()
            value = values.get(name)
            return (
                f"{{{symbol if value is None else latex(value) if isinstance(value, str) else written(value, form)}}}"
            )

        return PART.sub(put, self.source)


def written(value: float, form: str = "") -> str:
    r"""A number in LaTeX; without a format it is a whole number or has three digits.

    >>> written(-1.25, ".1f"), written(3e-7, ".2g"), written(5000), written(0.12345)
    ('-1.2', '3 \\cdot 10^{-7}', '5000', '0.123')
    """
    return latex(format(value, form or ("d" if isinstance(value, int) else DEFAULT)))


def latex(number: str) -> str:
    r"""A written number in LaTeX.

    >>> latex("3e-07"), latex("-1.25")
    ('3 \\cdot 10^{-7}', '-1.25')
    """
    mantissa, _, power = number.partition("e")
    return f"{mantissa} \\cdot 10^{{{int(power)}}}" if power else mantissa
