"""Questions that the user must answer before a file is lost."""

from PySide6.QtWidgets import QMessageBox, QWidget

from playground.app.wrapping import breakable

Answer = QMessageBox.StandardButton


def may_replace(parent: QWidget, sentence: str, question: str = "Replace it?") -> bool:
    """Ask whether a file on disk may be replaced, and wait for the answer.

    Args:
        parent: the window that asks.
        sentence: what is there.
    """
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Replace file", breakable(sentence), Answer.Yes | Answer.Cancel, parent)
    box.setObjectName("replaceFile")
    box.setInformativeText(question)
    box.button(Answer.Yes).setText("Replace")
    box.setDefaultButton(Answer.Cancel)
    answer = Answer(box.exec())
    box.deleteLater()
    return answer == Answer.Yes
