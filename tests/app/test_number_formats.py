import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.app.style.number_formats import (
    NearOne,
    format_compact,
    format_duration,
    format_exactly,
    format_measured,
    format_number,
    format_percent,
    parse_number,
    round_to_slider,
    slider_axis,
    without_typography,
)
from playground.lab.chart import Axis
from playground.lab.experiment import fields

NUMBERS = {key: field for key, field in fields().items() if field.kind in ("int", "float")}


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e6))
def test_copied_numbers_can_be_parsed(value, error):
    for text in (
        without_typography(format_number(value)),
        *without_typography(format_measured(value, error)).split(" ± "),
    ):
        float(text)
    assert without_typography(format_number(value)).startswith("-") is (value < 0)


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("(−0.620, 0.980)", "(-0.620, 0.980)"),
        ("−3.92 − 3.21", "-3.92 - 3.21"),
        ("−∞", "-∞"),
        ("1\u202f234\u202f567 steps, 5\u202fcm", "1234567 steps, 5\u202fcm"),
        ("of y and −y: f − g", "of y and −y: f − g"),
    ],
)
def test_only_numbers_are_copied_otherwise(text, copied):
    assert without_typography(text) == copied


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (20_000, "20\u202f000"),
        (0.003, "3e-3"),
        (2e-4, "2e-4"),
        (0.05, "0.05"),
        (-0.71349, "−0.713"),
        (0, "0"),
        (1e9, "1e9"),
        (1.25e-7, "1.25e-7"),
        (99.99, "100"),
        (999.7, "1\u202f000"),
        (812.4, "812"),
        (math.inf, "∞"),
        (math.nan, "not a number"),
    ],
)
def test_shown(value: float, text: str):
    assert format_number(value) == text


def test_measured():
    assert format_measured(0.17034, 0.0016) == "0.170 ± 0.002"
    assert format_measured(-1.5, 0.04) == "−1.50 ± 0.04"
    assert format_measured(1e9, 3e7) == "1.00e9 ± 3e7"
    assert format_measured(2.34567e9, 3e6) == "2.346e9 ± 3e6"
    assert format_measured(8.71e-7, 1.8e-7) == "9e-7 ± 2e-7"
    assert format_measured(-8.71e-7, 3.2e-9) == "−8.71e-7 ± 3e-9"
    assert format_measured(1.0076123, 3e-6) == "1.007612 ± 0.000003"
    assert format_measured(-0.001, 0.02) == "0.00 ± 0.02"
    assert format_measured(1.5, math.inf) == "1.5 ± ∞"
    assert format_measured(0.02841, 6.4e-3, 2) == "0.0284 ± 0.0064"
    assert format_measured(6e-6, 9.5e-5, 2) == "6e-6 ± 9.5e-5"
    assert format_measured(-1.08e-5, 2.5e-6, 2) == "−1.08e-5 ± 2.5e-6"
    assert format_measured(-4e-9, 3e-7) == "0 ± 3e-7"
    assert format_measured(123_456.7, 0.4) == "1.234567e5 ± 4e-1"
    assert format_measured(-5_371_685_053.5, 1e-11) == "−5.37168505350000e9 ± 1e-11"
    assert format_measured(1.5, 0.0) == "1.5 ± 0"


@given(st.floats(-1e12, 1e12), st.floats(1e-12, 1e6))
def test_a_value_and_its_error_are_in_one_notation(value, error):
    shown = without_typography(format_measured(value, error, 2)).split(" ± ")
    notations = {"e" in text for text in shown if text != "0"}
    assert len(notations) == 1
    assert float(shown[1]) == pytest.approx(error, rel=0.05)
    assert float(shown[0]) == pytest.approx(value, abs=error, rel=1e-9)


def test_percent():
    shares = {0.0: "0 %", 0.0123: "1.2 %", 0.996: "100 %", 1.9: "190 %", 190.0: "19\u202f000 %"}
    assert {share: format_percent(share) for share in shares} == shares


@pytest.mark.parametrize(
    ("text", "whole", "value"),
    [
        ("3e-3", False, 0.003),
        (".5", False, 0.5),
        ("0,05", False, 0.05),
        ("20 000", True, 20_000),
        ("20\u202f000", True, 20_000),
        ("20,000", True, 20_000),
        ("1,234.5", False, 1234.5),
        ("1,234,567", True, 1_234_567),
        ("−2", False, -2.0),
        ("2·10^-4", False, 2e-4),
        ("1e3", True, 1000),
        ("2.5", True, 2.5),
        ("abc", False, None),
        ("", False, None),
        ("1,2,3", False, None),
        ("nan", False, None),
        ("inf", False, None),
    ],
)
def test_typed(text: str, whole: bool, value: float | None):
    assert parse_number(text, whole) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_being_edited(value: float):
    assert parse_number(format_exactly(value), False) == value


@given(st.floats(1e-12, 1e12))
def test_what_is_shown_is_near(value: float):
    read = parse_number(format_number(value), False)
    assert read is not None
    assert read == pytest.approx(value, rel=6e-3)
    assert len(format_number(value)) <= 9


def test_the_slider_of_every_setting_covers_its_default():
    for key, field in NUMBERS.items():
        axis = slider_axis(field, None)
        assert field.minimum <= axis.low < axis.high <= field.maximum, key
        if field.default != "auto":
            default = pytest.approx(field.default, rel=1e-6, abs=1e-9)
            assert axis.value(axis.clipped(field.default)) == default, key


def test_slider_values_are_allowed():
    for key, field in NUMBERS.items():
        axis = slider_axis(field, 2.0)
        for position in (0.0, 0.123, 0.5, 0.77, 1.0):
            value = round_to_slider(axis.value(position), axis, field.kind == "int")
            assert field.minimum <= value <= field.maximum, (key, position)
            assert isinstance(value, int) == (field.kind == "int"), (key, position)


@given(st.booleans(), st.floats(0, 1))
def test_position_and_value_are_inverse(log: bool, position: float):
    axis = Axis("", 0.01, 50.0, log)
    assert axis.clipped(axis.value(position)) == pytest.approx(position, abs=1e-9)


def test_the_axis_near_one_spreads_the_values_there():
    axis = NearOne("", 0.0, 0.9999)
    assert axis.clipped(0.99) == pytest.approx(0.5)
    assert axis.value(0.75) == pytest.approx(0.999)


def test_duration_and_compact():
    assert [format_duration(seconds) for seconds in (0, 8.3, 60, 750, 3720)] == [
        "0:00",
        "0:09",
        "1:00",
        "12:30",
        "1:02:00",
    ]
    assert [format_compact(count) for count in (999, 41_987, 1_300_000)] == ["999", "42 k", "1.3 M"]
