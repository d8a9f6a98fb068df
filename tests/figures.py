"""Figures as the tests read them."""

from collections.abc import Mapping
from typing import Any

from playground.lab.measured import Figures, Measured


def flat(found: Mapping[str, Measured] | None) -> dict[str, Any]:
    """Figures as the columns of a table: numbers by name, errors and floors beside them, and `reasons`."""
    assert found is not None
    return Figures(found).flat()


def on_cards(controllers: Any) -> dict[str, Any]:
    """The figures that a window's cards have, as the columns of a table without those that are missing, and `reasons`."""
    return {name: value for name, value in controllers.measuring.evaluation.flat().items() if value is not None}
