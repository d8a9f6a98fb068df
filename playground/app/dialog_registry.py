"""The dialogs beside the main window: how each is made, and which exist."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from playground.app.dialogs.history_window import HistoryWindow
from playground.app.dialogs.log import LogDialog
from playground.app.search import entries
from playground.app.widgets.dialog import Dialog
from playground.lab.lessons import Lesson

if TYPE_CHECKING:
    from playground.app.window import MainWindow

AnyDialog = TypeVar("AnyDialog", bound=Dialog)


def _log(window: "MainWindow") -> Dialog:
    return LogDialog(window.log, window)


def _history(window: "MainWindow") -> Dialog:
    return HistoryWindow(window.state.stack, window)


# The modules of these are not needed to open the main window.


def _report(window: "MainWindow") -> Dialog:
    from playground.app.dialogs.report import ReportDialog

    return ReportDialog(window.log, window)


def _audit(window: "MainWindow") -> Dialog:
    from playground.app.dialogs.audit_dialog import AuditDialog

    return AuditDialog(window.state, window)


def _plugins(window: "MainWindow") -> Dialog:
    from playground.app.dialogs.plugins_dialog import PluginsDialog

    return PluginsDialog(window.plugins, window.dialogs.show_audit, window)


def _boltzmann(window: "MainWindow") -> Dialog:
    from playground.app.dialogs.boltzmann.window import BoltzmannWindow

    return BoltzmannWindow(window)


def _sweep(window: "MainWindow") -> Dialog:
    from playground.app.controllers.sweeping import Sweeping
    from playground.app.dialogs.sweep.window import SweepWindow

    return SweepWindow(
        Sweeping(window.opening.open_made),
        lambda: window.state.experiment,
        window.documents.folder,
        window,
    )


def _scenes(window: "MainWindow") -> Dialog:
    from playground.app.dialogs.gallery import Gallery

    lessons = window.controllers.lessons
    return Gallery(lessons.begin, window)


def _runs(window: "MainWindow") -> Dialog:
    from playground.app.dialogs.runs_window import RunsWindow

    return RunsWindow(window.controllers, lambda: window.actions_by_key.trigger("file.export_runs"), window)


def _glossary(window: "MainWindow") -> Dialog:
    from playground.app.dialogs.glossary_dialog import GlossaryDialog

    return GlossaryDialog(window)


def _answers(window: "MainWindow") -> Dialog:
    from playground.app.dialogs.answers_dialog import AnswersDialog

    return AnswersDialog(window.controllers.lessons, window.documents, window)


def _palette(window: "MainWindow") -> Dialog:
    from playground.app.dialogs.command_palette import CommandPalette

    return CommandPalette(lambda: entries(window), window)


DIALOGS: dict[str, Callable[["MainWindow"], Dialog]] = {
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
        window: the main window, which the dialogs show, and their parent.

    Attributes:
        made: the dialogs made so far, by their names.
    """

    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        self.made: dict[str, Dialog] = {}

    def show(self, name: str) -> None:
        """Bring a dialog to the front.

        Raises:
            KeyError: no dialog of `DIALOGS` has this name.
        """
        if name not in self.made:
            self.made[name] = DIALOGS[name](self._window)
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
