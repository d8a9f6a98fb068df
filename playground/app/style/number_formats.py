"""Numbers as people read and type them, and the axes of sliders."""

import math
import re

import numpy as np
from numpy.typing import ArrayLike

from playground.kinds.setting import Field
from playground.lab.chart import Axis
from playground.messages import MOST_DIGITS, digits

THIN_SPACE = "\u202f"  # no line breaks here
FIGURE_SPACE = "\u2007"  # as wide as a digit among digits of equal width
MINUS = "\u2212"
NOTHING = "–"  # where a number is not known


def format_number(value: float, digits: int = 3) -> str:
    """A number in few characters: ``20 000``, ``0.05``, ``3e-3``, ``-0.713``, ``1.2e6``.

    >>> format_number(20_000), format_number(0.003), format_number(12.3456), format_number(-0.71349)
    ('20\u202f000', '3e-3', '12.3', '\u22120.713')
    """
    value = float(value)
    if not math.isfinite(value):
        return "∞" if value > 0 else f"{MINUS}∞" if value < 0 else "not a number"
    sign = MINUS if value < 0 else ""
    size = abs(value)
    if size == 0:
        return "0"
    if size.is_integer() and size < 1e6:  # more digits do not fit in a row
        return sign + format_count(int(size))
    if 1e-2 <= size < 1e5:
        if size >= 10**digits:
            return sign + format_count(round(size))
        text = f"{size:.{digits}g}"
        return sign + (text if "e" not in text else format_count(round(size)))  # 99.9 in two digits
    mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{sign}{mantissa}e{int(exponent)}"


def format_count(number: int) -> str:
    """A whole number with its digits grouped."""
    return f"{number:,}".replace(",", THIN_SPACE)


def format_coordinate(value: float, span: tuple[float, float], places: int = 3) -> str:
    """A coordinate with enough digits for a thousandth of the data's width, whatever the offset; fewer `places` give a
    hundredth or a tenth.

    >>> format_coordinate(101325.4, (100_200, 102_400)), format_coordinate(-0.001, (-1.5, 2.5), 2), format_coordinate(1.0021e-3, (1e-3, 1.007e-3))
    ('101325', '0.00', '1.0021e-3')
    """
    digits = max(0, places - math.floor(math.log10(max(span[1] - span[0], 1e-300))))
    if digits <= 6:
        return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)
    before = 0 if value == 0 else math.floor(math.log10(abs(value))) + 1
    return format_number(value, min(max(digits + before, 4), 15))


def format_measured(value: float, error: float, digits: int = 1) -> str:
    """A value and its error, rounded to this many digits of the error; both with a power of ten if either needs it.

    >>> format_measured(0.17034, 0.0016), format_measured(-1.5, 0.04), format_measured(32.3, 12.0), format_measured(8.71e-7, 1.84e-7, 2)
    ('0.170 ± 0.002', '\u22121.50 ± 0.04', '32 ± 12', '8.7e-7 ± 1.8e-7')
    """
    if not 1e-300 < error < math.inf or not math.isfinite(value):
        return f"{format_number(value)} ± {format_number(error, digits)}"
    last, size = math.floor(math.log10(error)) - digits + 1, max(abs(value), error)
    if 1e-4 <= size < 1e5 and last >= -9:
        places = max(-last, 0)
        return f"{round(value, places) + 0.0:.{places}f} ± {error:.{places}f}".replace("-", MINUS)
    finest = math.floor(math.log10(size)) - 14  # a number has no more digits
    return f"{_with_power(value, max(last, finest))} ± {_with_power(error, last)}"


def _with_power(value: float, last: int) -> str:
    """A number with a power of ten, rounded at 10^last: ``8.70e-7``."""
    digits = f"{value / 10.0**last:.0f}".lstrip("-")
    if digits == "0":
        return "0"
    mantissa, exponent = f"{abs(value):.{len(digits) - 1}e}".split("e")
    return f"{MINUS if value < 0 else ''}{mantissa}e{int(exponent)}"


def format_percent(share: float) -> str:
    """A share in per cent, with two digits or rounded to one per cent.

    >>> format_percent(0.0123), format_percent(0.996), format_percent(1.9), format_percent(190)
    ('1.2 %', '100 %', '190 %', '19\u202f000 %')
    """
    return f"{format_number(100 * share, 2)} %"


def format_percent_with_error(share: float, error: float) -> str:
    """A share and its standard error; the share alone if the error is 0 or not known.

    >>> format_percent_with_error(0.0123, 0.0004), format_percent_with_error(1.9, 0.0)
    ('1.23 ± 0.04 %', '190 %')
    """
    return f"{format_measured(100 * share, 100 * error)} %" if error > 0 else format_percent(share)


def format_exactly(value: float) -> str:
    """A number for editing, without rounding and without spaces between digits; an integer from 1e15 on has a power of ten."""
    return digits(int(value) if float(value).is_integer() and abs(value) < MOST_DIGITS else value)


def parse_number(text: str, whole: bool) -> float | int | None:
    """The number that a typed text means; None if it is not a number.

    Spaces group digits, a comma is a decimal point or groups thousands, and ``3e-3`` or ``2·10^-4`` work as well.

    >>> parse_number("20 000", True), parse_number("3e-3", False), parse_number("0,05", False), parse_number("20,000", True), parse_number("x", False)
    (20000, 0.003, 0.05, 20000, None)
    """
    text = text.strip().replace(MINUS, "-").replace("–", "-")
    for space in (" ", "\u2009", "\u00a0", THIN_SPACE, "_", "'"):
        text = text.replace(space, "")
    for power in ("·10^", "*10^", "x10^", "×10^"):
        text = text.replace(power, "e")
    if "," in text:
        head, *groups = text.split(",")
        thousands = all(len(group) == 3 and group.isdigit() for group in groups) and head.lstrip("-").isdigit()
        if "." in text or len(groups) > 1 or (whole and thousands):
            if not thousands and "." not in text:
                return None
            text = text.replace(",", "")
        else:
            text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if whole and number.is_integer() else number


def without_typography(text: str) -> str:
    """A text with numbers that programs can read: ASCII minus, and no space between digits.

    >>> without_typography("log p = \u22120.713 \u2212 3.21, 20\u202f000 steps; f \u2212 g")
    'log p = -0.713 - 3.21, 20000 steps; f \u2212 g'
    """
    return re.sub(rf"(?<=\d){THIN_SPACE}(?=\d{{3}})", "", re.sub(rf"{MINUS}(?=\s?[\d.∞])", "-", text))


def format_duration(seconds: float) -> str:
    """Time left as on a clock: ``0:09``, ``12:30``, ``1:02:00``."""
    total = max(math.ceil(seconds), 0)
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_compact(count: float) -> str:
    """A count in at most four characters and a letter: ``42 k``, ``1.3 M``."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            scaled = count / size
            return f"{scaled:.1f} {letter}" if scaled < 9.95 else f"{scaled:.0f} {letter}"
    return f"{count:.0f}"


class NearOne(Axis):
    """An axis for weights close to 1: logarithmic in one minus the value."""

    def bend(self, values: ArrayLike) -> np.ndarray:
        return np.asarray(-np.log10(np.maximum(1 - np.asarray(values, float), 1e-12)))

    def unbend(self, distances: ArrayLike) -> np.ndarray:
        return np.asarray(1 - np.power(10.0, np.negative(distances)))


def round_to_slider(value: float, axis: Axis, whole: bool) -> float | int:
    """A slider's value as a person would write it: two or three digits, and a round number on a linear scale."""
    if isinstance(axis, NearOne):
        return 1 - float(f"{1 - value:.1e}") if value < 1 else value
    if axis.log and value > 0:
        value = float(f"{value:.1e}") if not whole or value >= 100 else value
    elif not whole:
        step = 10 ** math.floor(math.log10(max(axis.high - axis.low, 1e-300)) - 2)
        value = float(f"{round(value / step) * step:.12g}")
    value = min(max(value, axis.low), axis.high)
    return round(value) if whole else value


_DECADES = 3  # on either side of the resolved value, for settings in the user's own unit


def slider_axis(field: Field, centre: float | None) -> Axis:
    """The axis of a setting's slider; `centre` is the value that suits the data, for settings in the data's unit."""
    assert field.minimum is not None
    assert field.maximum is not None
    kind = NearOne if field.near_one else Axis
    if field.reach is not None:
        return kind("", *field.reach, field.log)
    if field.unit.startswith("data") and field.log:
        middle = centre or 1.0
        low, high = middle / 10**_DECADES, middle * 10**_DECADES
        return Axis("", max(low, field.minimum), min(high, field.maximum), True)
    return kind("", field.minimum or (1 if field.log else field.minimum), field.maximum, field.log)


def format_ago(seconds: float) -> str:
    """A time that has passed, in words.

    >>> format_ago(12.3), format_ago(130), format_ago(7300)
    ('12 s ago', '2 min ago', '2 h ago')
    """
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 3600 else f"{seconds / 3600:.0f} h ago"


def megabytes(size: int) -> str:
    """A number of bytes as text, in kB or MB."""
    if size < 1_000_000:
        return f"{max(size // 1000, 1)} kB"
    return f"{size / 1e6:.1f} MB"
