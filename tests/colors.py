"""Colours as tests compare them."""

from PySide6.QtGui import QColor


def rgb(color: QColor) -> tuple[int, int, int]:
    """Its red, green and blue from 0 to 255."""
    return color.red(), color.green(), color.blue()
