"""Texts of a stranger in tables that people open in spreadsheets."""

import pytest

from playground.lab.table_cells import cell, uncovered


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_compute_is_covered_and_comes_back(first: str) -> None:
    text = f"{first}cmd|' /C calc'!A0"
    assert cell(text) == f"'{text}"
    assert cell(["few", text]) == f"few '{text}"
    assert uncovered(cell(text)) == text


@pytest.mark.parametrize("text", ["few", "-0.5", "+1e3", "'quoted", "a=b", ""])
def test_any_other_text_stays(text: str) -> None:
    assert cell(text) == uncovered(text) == text
