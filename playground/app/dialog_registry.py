"""The dialogs beside the main window: how each is made, and which exist."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtWidgets import QWidget

from playground.app.actions import Window
from playground.app.dialogs.history_window import HistoryWindow
from playground.app.dialogs.log import LogDialog
from playground.app.search import entries
from playground.app.widgets.dialog import Dialog
from playground.lab.lessons import Lesson

AnyDialog = TypeVar("AnyDialog", bound=Dialog)


def _log(owner: Window, parent: QWidget) -> Dialog:
    return LogDialog(owner.log, parent)


def _history(owner: Window, parent: QWidget) -> Dialog:
    return HistoryWindow(owner.state.stack, parent)


# The modules of these are not needed to open the main window.


def _report(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.dialogs.report import ReportDialog

    return ReportDialog(owner.log, parent)


def _audit(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.dialogs.audit_dialog import AuditDialog

    return AuditDialog(owner.state, parent)


def _plugins(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.dialogs.plugins_dialog import PluginsDialog

    return PluginsDialog(owner.plugins, owner.dialogs.show_audit, parent)


def _boltzmann(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.dialogs.boltzmann.window import BoltzmannWindow

    return BoltzmannWindow(parent)


def _sweep(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.controllers.sweeping import Sweeping
    from playground.app.dialogs.sweep.window import SweepWindow

    return SweepWindow(
        Sweeping(owner.opening.open_made),
        lambda: owner.state.experiment,
        owner.documents.folder,
        parent,
    )


def _scenes(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.dialogs.gallery import Gallery

    lessons = owner.controllers.lessons
    return Gallery(lessons.begin, parent)


def _runs(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.dialogs.runs_window import RunsWindow

    return RunsWindow(owner.controllers, lambda: owner.actions_by_key.trigger("file.export_runs"), parent)


def _glossary(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.dialogs.glossary_dialog import GlossaryDialog

    return GlossaryDialog(parent)


def _answers(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.dialogs.answers_dialog import AnswersDialog

    return AnswersDialog(owner.controllers.lessons, owner.documents, parent)


def _palette(owner: Window, parent: QWidget) -> Dialog:
    from playground.app.dialogs.command_palette import CommandPalette

    return CommandPalette(lambda: entries(owner), parent)


DIALOGS: dict[str, Callable[[Window, QWidget], Dialog]] = {
    "log": _log,
    "report": _report,
    "history": _history,
    "audit": _audit,
    "plugins": _plugins,
    "boltzmann": _boltzmann,
    "sweep": _sweep,
    "scenes": _scenes,
    "runs": _runs,
    "glossary": _glossary,
    "answers": _answers,
    "palette": _palette,
}


class DialogRegistry:
    """Makes each dialog of :data:`DIALOGS` when it is first shown, and keeps it.

    Args:
        owner: the main window, as what the dialogs show.
        parent: the main window, as their parent.

    Attributes:
        made: the dialogs made so far, by their names.
    """

    def __init__(self, owner: Window, parent: QWidget) -> None:
        self._owner, self._parent = owner, parent
        self.made: dict[str, Dialog] = {}

    def show(self, name: str) -> None:
        """Bring a dialog to the front.

        Raises:
            KeyError: no dialog of `DIALOGS` has this name.
        """
        if name not in self.made:
            self.made[name] = DIALOGS[name](self._owner, self._parent)
        dialog = self.made[name]
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()
        dialog.start()

    def show_audit(self, name: str) -> None:
        """Bring the audit to the front with a kind chosen, by its section and name, or with the self-test, which begins."""
        from playground.app.dialogs.audit_dialog import SELFTEST, AuditDialog

        dialog = self._brought("audit", AuditDialog)
        dialog.choose(name)
        if name == SELFTEST and dialog.kinds.value() == name:
            dialog.run()

    def check_lesson(self, lesson: Lesson) -> None:
        """Measure in front what a lesson claims."""
        from playground.app.dialogs.audit_dialog import AuditDialog

        self._brought("audit", AuditDialog).check(lesson)

    def show_term(self, term: str) -> None:
        """Bring the glossary to the front at a term."""
        from playground.app.dialogs.glossary_dialog import GlossaryDialog

        self._brought("glossary", GlossaryDialog).line.setText(term)

    def _brought(self, name: str, kind: type[AnyDialog]) -> AnyDialog:
        """A dialog of a known class, in front."""
        self.show(name)
        dialog = self.made[name]
        assert isinstance(dialog, kind)
        return dialog

    def shutdown(self, seconds: float) -> bool:
        """Close all of them, each within some seconds.

        Returns:
            Whether all their threads ended in time.
        """
        ended = True
        for dialog in self.made.values():
            ended &= dialog.shutdown(seconds)
            dialog.close()
        return ended
