"""Prompts for a file or a folder, and the question before work is lost.

They are the platform's dialogs if there are any, else Qt's, and start in the folder that was used last.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHeaderView,
    QMessageBox,
    QToolButton,
    QTreeView,
    QWidget,
)

from playground.app.style.wrapping import breakable

Answer = QMessageBox.StandardButton
StandardButton = QMessageBox.StandardButton | QDialogButtonBox.StandardButton

CHANGED = "It is in the list of Tools > Plug-ins, but the file has changed since you agreed to load it.\n\n"
SIZE = (760, 480)  # px of Qt's own dialog: wide enough for names of 40 characters beside size, type and date

ARROWS = {
    "backButton": Qt.ArrowType.LeftArrow,
    "forwardButton": Qt.ArrowType.RightArrow,
    "toParentButton": Qt.ArrowType.UpArrow,
}
"""Buttons of Qt's own dialog whose icons are black in every theme, and the arrows that replace them."""


class FilePrompts:
    """The questions of the controllers of files and plug-ins to the user, over one window."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def open_name(self, title: str, folder: str, filters: str) -> str:
        return open_name(self._parent, title, folder, filters)

    def folder_name(self, title: str, folder: str) -> str:
        return folder_name(self._parent, title, folder)

    def save_path(self, title: str, proposed: str, filters: str, ending: str) -> Path | None:
        name, _ = save_name(self._parent, title, proposed, filters)
        return completed(self._parent, name, (ending,), ending) if name else None

    def may_replace(self, sentence: str, question: str) -> bool:
        return may_replace(self._parent, sentence, question)

    def may_run_plugin(self, path: Path, changed: bool = False) -> bool | None:
        """Ask whether a plug-in may run; see :class:`playground.app.controllers.plugins.PluginPrompts`."""
        box = QMessageBox(
            QMessageBox.Icon.Warning,
            "Load plug-in",
            f"Run the program {breakable(path.name)}?",
            Answer.Yes | Answer.Cancel,
            self._parent,
        )
        box.setObjectName("runPlugin")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(
            f"{breakable(str(path))}\n\n"
            f"{CHANGED if changed else ''}"
            "A plug-in is a program: it can do anything that you can do, such as read and delete your files. "
            "Load only what you trust.\n\n"
            "Sessions, lessons and experiments never load one."
        )
        always = QCheckBox("Load it at every &start")
        always.setChecked(changed)
        always.setToolTip("<p>Adds the file to the list in Tools &gt; Plug-ins.</p>")
        box.setCheckBox(always)
        name_buttons(box, {Answer.Yes: "&Load", Answer.Cancel: "&Cancel"})
        box.setDefaultButton(Answer.Cancel)
        box.setEscapeButton(Answer.Cancel)
        answer = Answer(box.exec())
        found = always.isChecked() if answer == Answer.Yes else None
        box.deleteLater()
        return found

    def save_or_discard(self, name: str) -> bool | None:
        box = QMessageBox(
            QMessageBox.Icon.NoIcon,
            "Unsaved work",
            f"Save the changes to {name}?",
            Answer.Save | Answer.Discard | Answer.Cancel,
            self._parent,
        )
        box.setObjectName("unsavedWork")
        box.setInformativeText("Otherwise training, drawing and settings since the last save are lost.")
        name_buttons(box, {Answer.Save: "&Save", Answer.Discard: "&Discard", Answer.Cancel: "&Cancel"})
        box.setDefaultButton(Answer.Save)
        answer = Answer(box.exec())
        box.deleteLater()
        return {Answer.Save: True, Answer.Discard: False}.get(answer)


def open_name(parent: QWidget, title: str, folder: str, filters: str) -> str:
    """The file that the user chooses to open; "" if none is chosen.

    Args:
        folder: the first folder of the dialog.
        filters: filters as in :class:`QFileDialog`.
    """
    return _answer(make_dialog(parent, title, folder, filters))[0]


def folder_name(parent: QWidget, title: str, folder: str) -> str:
    """The folder that the user chooses; "" if none is chosen."""
    dialog = make_dialog(parent, title, folder, "")
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    return _answer(dialog)[0]


def save_name(parent: QWidget, title: str, proposed: str, filters: str) -> tuple[str, str]:
    """The file to write and its filter; two "" if none is chosen. The dialog asks before it replaces a file.

    Args:
        proposed: the first folder and name of the dialog.
        filters: filters as in :class:`QFileDialog`.
    """
    dialog = make_dialog(parent, title, str(Path(proposed).parent), filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.selectFile(Path(proposed).name)
    return _answer(dialog)


def make_dialog(parent: QWidget, title: str, folder: str, filters: str) -> QFileDialog:
    """A file dialog with readable columns; Qt's own dialog gives dates too little room."""
    dialog = QFileDialog(parent, title, folder, filters, fileMode=QFileDialog.FileMode.ExistingFile)
    table = dialog.findChild(QTreeView, "treeView")
    if table is not None:  # Qt's own dialog
        header = table.header()
        header.setStretchLastSection(False)
        for column in range(1, header.count()):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for name, arrow in ARROWS.items():
            button = dialog.findChild(QToolButton, name)
            if button is not None:
                button.setArrowType(arrow)
        dialog.resize(*SIZE)
    return dialog


def _answer(dialog: QFileDialog) -> tuple[str, str]:
    accepted = dialog.exec() == QFileDialog.DialogCode.Accepted
    answer = (dialog.selectedFiles()[0], dialog.selectedNameFilter()) if accepted else ("", "")
    dialog.deleteLater()
    return answer


def name_buttons(box: QMessageBox | QDialogButtonBox, texts: Mapping[StandardButton, str]) -> None:
    """Name standard buttons, each with its own key. Some of Qt's names have none, depending on the platform."""
    for standard, text in texts.items():
        box.button(standard).setText(text)  # type: ignore[arg-type]  # a box is given its own kind's


def close_buttons(dialog: QDialog) -> QDialogButtonBox:
    """The buttons of a dialog that is only looked at: Close, before others are added."""
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    name_buttons(buttons, {QDialogButtonBox.StandardButton.Close: "C&lose"})
    buttons.rejected.connect(dialog.reject)
    return buttons


def may_replace(parent: QWidget, sentence: str, question: str = "Replace it?") -> bool:
    """Ask whether a file on disk may be replaced, and wait for the answer.

    Args:
        parent: the window that asks.
        sentence: a sentence about the existing file.
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
    """The file for a name from a file dialog; None if it exists and may not be replaced.

    Args:
        parent: the window that asks. The file dialog asked about the typed name only, not about the completed one.
        name: as the user typed it.
        endings: the suffixes that it may have.
        ending: the suffix that it gets if it has none of them.
    """
    if name.lower().endswith(tuple(endings)):
        return Path(name)
    path = Path(name + ending)
    return path if not os.path.isfile(path) or may_replace(parent, f"{path.name} exists already.") else None
