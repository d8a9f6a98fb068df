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
    QPushButton,
    QToolButton,
    QTreeView,
    QWidget,
)

from playground.app.style.wrapping import breakable

Answer = QMessageBox.StandardButton

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
        always = QCheckBox("Load it at every &start")
        always.setChecked(changed)
        always.setToolTip("<p>Adds the file to the list in Tools &gt; Plug-ins.</p>")
        answer = ask(
            self._parent,
            "runPlugin",
            "Load plug-in",
            f"Run the program {breakable(path.name)}?",
            f"{breakable(str(path))}\n\n"
            f"{CHANGED if changed else ''}"
            "A plug-in is a program: it can do anything that you can do, such as read and delete your files. "
            "Load only what you trust.\n\n"
            "Sessions, lessons and experiments never load one.",
            {Answer.Yes: "&Load", Answer.Cancel: "&Cancel"},
            option=always,
            icon=QMessageBox.Icon.Warning,
        )
        return always.isChecked() if answer == Answer.Yes else None

    def save_or_discard(self, name: str) -> bool | None:
        answer = ask(
            self._parent,
            "unsavedWork",
            "Unsaved work",
            f"Save the changes to {name}?",
            "Otherwise training, drawing and settings since the last save are lost.",
            {Answer.Save: "&Save", Answer.Discard: "&Discard", Answer.Cancel: "&Cancel"},
            default=Answer.Save,
        )
        return {Answer.Save: True, Answer.Discard: False}.get(answer)


def ask(
    parent: QWidget,
    name: str,
    title: str,
    question: str,
    more: str,
    texts: Mapping[Answer, str],
    default: Answer = Answer.Cancel,
    option: QCheckBox | None = None,
    icon: QMessageBox.Icon = QMessageBox.Icon.NoIcon,
) -> Answer:
    """Ask a question, and wait for the answer.

    Args:
        name: the object name of the box.
        more: a sentence below the question.
        texts: the buttons, each with its own key: some of Qt's names have none, depending on the platform.
        option: a box to check below the question.
    """
    box = QMessageBox(icon, title, question, parent=parent)
    box.setObjectName(name)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(more)
    for answer, text in texts.items():
        box.addButton(answer).setText(text)
    box.setDefaultButton(default)
    box.setEscapeButton(Answer.Cancel)
    if option is not None:
        box.setCheckBox(option)
    chosen = Answer(box.exec())
    if option is not None:
        option.setParent(None)  # which is read after its box has gone
    box.deleteLater()
    return chosen


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


def close_buttons(dialog: QDialog, *others: QPushButton) -> QDialogButtonBox:
    """The buttons of a dialog that is only looked at: Close, and others. Return presses the one that has the focus."""
    buttons = QDialogButtonBox()
    for one in others:
        one.setAutoDefault(True)
        buttons.addButton(one, QDialogButtonBox.ButtonRole.ActionRole)
    buttons.addButton(QDialogButtonBox.StandardButton.Close).setText("C&lose")
    buttons.rejected.connect(dialog.reject)
    return buttons


def may_replace(parent: QWidget, sentence: str, question: str = "Replace it?") -> bool:
    """Ask whether a file on disk may be replaced, and wait for the answer.

    Args:
        parent: the window that asks.
        sentence: a sentence about the existing file.
    """
    texts = {Answer.Yes: "&Replace", Answer.Cancel: "&Cancel"}
    return ask(parent, "replaceFile", "Replace file", breakable(sentence), question, texts) == Answer.Yes


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
