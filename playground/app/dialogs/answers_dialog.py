"""Learn > Save answers: whose answers they are, and to which lessons."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QListWidgetItem, QWidget

from playground.app.controllers.documents import Documents
from playground.app.controllers.lessons import Lessons
from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, named
from playground.app.widgets.dialog import Dialog
from playground.app.widgets.file_prompts import close_buttons
from playground.lab.lessons import load_all


class AnswersDialog(Dialog):
    """A line for the name, and the lessons that have answers, each to be chosen. Nothing is saved without a name or a lesson."""

    def __init__(self, lessons: Lessons, documents: Documents, parent: QWidget | None = None) -> None:
        super().__init__("answersDialog", "Save answers", parent, (420, 320))
        self._lessons, self._documents = lessons, documents
        self.name = named(QLineEdit(documents.student), "Your name", "Your teacher sees it beside your answers.")
        self.name.textChanged.connect(self._refresh)
        label = QLabel("&Name")
        label.setBuddy(self.name)
        self.chosen = named(QListWidget(), "Lessons to save", "Space takes a lesson in, or leaves it out.")
        self.chosen.itemChanged.connect(self._refresh)
        self.save = button("&Save…", "Choose a file, and write these answers as CSV.", self._save)
        buttons = close_buttons(self, self.save)
        layouts.down(label, self.name, (self.chosen, 1), buttons, within=self, spacing=UNIT)
        self.start()

    def start(self) -> None:
        """List the lessons that have answers now, all chosen."""
        self.chosen.clear()
        known = load_all()
        for name in dict.fromkeys(answer.lesson for answer in self._lessons.progress.answers()):
            item = QListWidgetItem(known[name].title if name in known else name, self.chosen)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setCheckState(Qt.CheckState.Checked)
        self.name.setFocus()
        self._refresh()

    def _names(self) -> list[str]:
        """The chosen lessons."""
        items = map(self.chosen.item, range(self.chosen.count()))
        checked = (item for item in items if item.checkState() == Qt.CheckState.Checked)
        return [item.data(Qt.ItemDataRole.UserRole) for item in checked]

    @Slot()
    def _refresh(self) -> None:
        self.save.setEnabled(bool(self.name.text().strip() and self._names()))

    def _save(self) -> None:
        student, names, progress = self.name.text().strip(), self._names(), self._lessons.progress
        self.close()
        self._documents.save_answers(student, lambda: progress.rows(student, names), self._lessons.when_measured)
