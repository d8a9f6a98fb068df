"""Questions that the user must answer before a file is lost."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from PySide6.QtWidgets import QDialogButtonBox, QMessageBox, QWidget

from playground.app.wrapping import breakable

Answer = QMessageBox.StandardButton
StandardButton = QMessageBox.StandardButton | QDialogButtonBox.StandardButton


def name_buttons(box: QMessageBox | QDialogButtonBox, texts: Mapping[StandardButton, str]) -> None:
    """Name standard buttons, each with a key of its own: of Qt's names some have none, and which depends on the platform."""
    for standard, text in texts.items():
        box.button(standard).setText(text)


def may_replace(parent: QWidget, sentence: str, question: str = "Replace it?") -> bool:
    """Ask whether a file on disk may be replaced, and wait for the answer.

    Args:
        parent: the window that asks.
        sentence: what is there.
    """
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Replace file", breakable(sentence), Answer.Yes | Answer.Cancel, parent)
    box.setObjectName("replaceFile")
    box.setInformativeText(question)
    name_buttons(box, {Answer.Yes: "&Replace", Answer.Cancel: "&Cancel"})
    box.setDefaultButton(Answer.Cancel)
    answer = Answer(box.exec())
    box.deleteLater()
    return answer == Answer.Yes


def completed(parent: QWidget, name: str, endings: Collection[str], ending: str) -> Path | None:
    """The file that a file dialog's name stands for; None where it is there and may not be replaced.

    Args:
        parent: the window that asks. The file dialog has asked about the name as it was typed, not about the completed one.
        name: as the user typed it.
        endings: those that it may have.
        ending: the one that it gets where it has none of them.
    """
    if name.lower().endswith(tuple(endings)):
        return Path(name)
    path = Path(name + ending)
    return path if not os.path.isfile(path) or may_replace(parent, f"{path.name} exists already.") else None
