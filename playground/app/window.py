"""The window: its layout, and how it opens, closes and changes its theme."""

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QMainWindow

from playground.app.actions import Actions, PanelKind
from playground.app.bars import SHEET, ActionButton, CentralWidget, StatusBar, TopBar
from playground.app.canvas import ChipBar
from playground.app.canvas.exported import Exported
from playground.app.canvas.layer_choices import LayerChoices
from playground.app.canvas.layers import Layers
from playground.app.canvas.own_layers import OwnLayers
from playground.app.canvas.run_views import RunViews
from playground.app.canvas.tools import Tools
from playground.app.columns import Columns
from playground.app.connections import Connections
from playground.app.controllers.autosaving import Autosaving
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.documents import Documents
from playground.app.controllers.opening import Opening
from playground.app.controllers.plugins import Plugins
from playground.app.controllers.recovering import Recovering
from playground.app.dialog_registry import DialogRegistry
from playground.app.dialogs.exports import Exports
from playground.app.dialogs.tour import Tour
from playground.app.hidden_settings import HiddenSettings
from playground.app.highlighting import Highlighting
from playground.app.look import Look, application
from playground.app.menus import MainMenu
from playground.app.model.errors import Log, logger
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.notices import Notices
from playground.app.panels import SamplingPanel
from playground.app.presenter import Presenter
from playground.app.style import text_size, theme
from playground.app.timeline import Timeline
from playground.app.widgets import accessible_roles, layouts
from playground.app.widgets.file_prompts import FilePrompts
from playground.app.widgets.recovery_bar import RecoveryBar
from playground.app.widgets.toasts import Toasts
from playground.app.widgets.transport import Transport
from playground.app.window_state import WindowState
from playground.drawing.palette import PALETTES
from playground.lab import lessons
from playground.resources import resource

SMALLEST = (1024, 600)
OPENING = "checkpoints/two-moons.spg"
QUIT_SECONDS = 1.6


class MainWindow(QMainWindow):
    """One experiment: pipeline on the left, canvas in the centre, measurements on the right, timeline below.

    Args:
        preferences: the remembered values.
        log: the log for errors.
        path: a file to open when the window is there; the bundled session opens if it is None, and below a lesson.
        device: "auto", "cpu", "cuda" or "mps".

    Signals:
        first_painted(): the window has been painted for the first time.
    """

    first_painted = Signal()

    def __init__(
        self,
        preferences: Preferences,
        log: Log,
        path: Path | None = None,
        device: str = "auto",
        kept_plugins: bool = True,
    ) -> None:
        text_size.set_factor(preferences.get("text_size") / 100)
        # First, because before the program runs only new widgets take a font.
        accessible_roles.install()
        theme.prepare(application(), PALETTES[theme.shown(application(), preferences.get("theme"))])
        super().__init__()
        self.preferences, self.log = preferences, log
        self._path, self._kept_plugins = path, kept_plugins
        self._leaving = self._interrupted = self._closed = False
        self.setObjectName("window")
        self.setAcceptDrops(True)
        self.setMinimumSize(*SMALLEST)
        self.look = Look(preferences, self)
        self.state = State(parent=self)
        self.controllers = Controllers(self.state, device)
        self.building, self.training = self.controllers.building, self.controllers.training
        self.playing, self.clicking = self.controllers.playing, self.controllers.clicking
        self._lay_out()
        self.highlighting = Highlighting(self.controllers.lessons, self.columns, self)
        self._window_state = WindowState(self, preferences, self.columns)
        self.own_layers = OwnLayers(self.controllers, self.canvas.layers, self)
        self._make_documents()
        self._make_tools()
        connections = Connections(self, self)
        self.controllers.lessons.keep_progress_in(preferences.beside("lessons"))
        Timeline(self.controllers, self.transport, self.actions_by_key, self)
        theme.apply_style_sheet(application(), SHEET)
        self._window_state.restore()
        self.look.set_time_to_data(self.look.time_to_data)
        self.look.cards_changed.emit(self.look.all_cards)
        connections.show_name()
        self.canvas.setFocus()
        if path is None or path.name.lower().endswith(lessons.SUFFIX):
            self.opening.open_bundled()
        # Once the event loop is free again.
        first = Qt.ConnectionType.SingleShotConnection
        self.canvas.surface.painted.connect(lambda: QTimer.singleShot(0, self._painted), first)

    def _make_documents(self) -> None:
        """Make the controllers of files, unsaved work and plug-ins."""
        preferences, sessions, prompts = self.preferences, self.controllers.sessions, FilePrompts(self)
        sessions.set_view(self.own_layers.described)
        self.documents = Documents(self.state, sessions, preferences, prompts)
        self.opening = Opening(self.controllers.reading, sessions, self.documents, prompts, resource(OPENING))
        self.autosaving = Autosaving(self.state, sessions, self.documents, preferences.recovery)
        self.recovering = Recovering(self.state, sessions, self.documents, preferences.recovery)
        self.recovery_bar.follow(self.recovering)
        self.plugins = Plugins(self.state, preferences, prompts)

    def _make_tools(self) -> None:
        """Make what acts on the canvas and the window: tools, exports, commands, dialogs and menus."""
        self.tools = Tools(self.controllers, self.run_views.views[0], self)
        self.exported = Exported(self.controllers, self.run_views)
        self.exports = Exports(self.exported, self.preferences, self.documents.proposal, self)
        self.presenter = Presenter(self, self.controllers.lessons, self.top_bar, self)
        self.actions_by_key: Actions = Actions(self, self)
        self.dialogs = DialogRegistry(self, self)
        self.menu = MainMenu(self.actions_by_key, self.documents, self.opening, self.controllers.lessons, self)
        self.top_bar.fill(self.actions_by_key, self.menu, self.menu.learn)
        self.panel(SamplingPanel).put_beside_sampler(ActionButton(self.actions_by_key["sample.compare"], "Compare"))
        self.tour = Tour(self, lambda: self.controllers.lessons.begin(next(iter(lessons.load_all().values()))))
        # Over the heading, so that no toast takes a click meant for the canvas; without it over the canvas's lower edge.
        self.toasts = Toasts(self.top_bar.heading, self.columns.centre)
        self.notices = Notices(self.toasts, self.actions_by_key)

    def _lay_out(self) -> None:
        self.top_bar = TopBar(self)
        self.columns = Columns(self.state, self.controllers)
        self.panels = [*self.columns.panels.values()]
        lessons, sampling = self.controllers.lessons, self.panel(SamplingPanel)
        self.hidden_settings = HiddenSettings(self.state, lessons, self.panels, sampling)
        layers = Layers(self)
        layers.set_visible("density", self.look.all_cards)  # at coarse noise it covers the whole canvas
        self.chips = ChipBar(layers)
        # Before the views, which show no layer that cannot be shown.
        self.layer_choices = LayerChoices(self.controllers, layers, self.chips, self)
        self.run_views = RunViews(self.controllers, layers)
        self.canvas = self.run_views.views[0].canvas
        layouts.down(self.chips, (self.run_views, 1), within=self.columns.centre, spacing=0, margins=0)
        self.columns.arrange()
        self.transport = Transport()
        bar = QFrame()
        bar.setObjectName("transportBar")
        layouts.down(self.transport, within=bar, margins=0)
        self.status = StatusBar(self)
        whole = CentralWidget()
        self.recovery_bar = RecoveryBar()
        layouts.down(
            self.top_bar, self.recovery_bar, (self.columns, 1), bar, self.status, within=whole, spacing=0, margins=0
        )
        whole.set_focus_home(self.canvas)
        self.setCentralWidget(whole)

    def panel(self, kind: type[PanelKind]) -> PanelKind:
        """The panel of this class."""
        return next(panel for panel in self.panels if isinstance(panel, kind))

    def _painted(self) -> None:
        """Start the controllers: the window is visible, and torch can be loaded."""
        if self._closed:  # before the event loop was free
            return
        self.first_painted.emit()
        self._window_state.keep_first_on_screen()
        self.controllers.start()
        self.autosaving.start()
        self.plugins.ready.connect(self._open_first)
        if self._kept_plugins:
            self.plugins.start()
        else:
            self._open_first()

    @Slot()
    def _open_first(self) -> None:
        """Open the file that was asked for, and offer unsaved work: both may have kinds of the plug-ins."""
        if self._closed:  # while a plug-in was being loaded
            return
        if self._path is not None:
            self.opening.open(self._path)
        elif not self.preferences.get("tour_offered"):
            self.preferences.set("tour_offered", True)
            self.tour.start()
        self.recovering.look()

    def closeEvent(self, event: QCloseEvent) -> None:
        if (self.state.modified or self.documents.saving) and not self._leaving:
            event.ignore()
            # Not inside the event, because Qt ignores a close() during closing.
            QTimer.singleShot(0, self, lambda: self.documents.when_safe(self.leave))
            return
        event.accept()
        self._closed = True
        self.presenter.leave()
        self.hide()
        self.status.stop()
        self._window_state.remember()
        self.exports.cancel()
        self.documents.finish(QUIT_SECONDS)
        self.ended = self.autosaving.end(self._interrupted and self.state.modified, QUIT_SECONDS)
        self.ended &= self.recovering.end(self._interrupted, QUIT_SECONDS)
        self.ended &= self.controllers.shutdown(QUIT_SECONDS) & self.exports.shutdown(QUIT_SECONDS / 2)
        self.ended &= self.dialogs.shutdown(QUIT_SECONDS) & self.plugins.shutdown(QUIT_SECONDS)

    def leave(self) -> None:
        """Close without asking."""
        self._leaving = True
        self.close()

    def interrupt(self, signal: str) -> None:
        """Close without asking, as a signal of the system requires; unsaved work is offered at the next start."""
        logger.info("%s closes the window", signal)
        self._interrupted = True
        self.leave()

    def reset_layout(self) -> None:
        """Restore the first layout and forget all remembered values; the work stays as it is."""
        self.presenter.leave()
        self.columns.reset()
        self._window_state.reset()
        self.look.reset()
        said = "The window has its first layout; recent files, folders and export choices are cleared."
        self.notices.notify("info", said)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle keys that no focused control has used."""
        if not self.actions_by_key.plain_key(event.key(), event.modifiers()):
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.opening.dropped(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = self.opening.dropped(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            if len(event.mimeData().urls()) > 1:
                self.notices.notify("info", f"Only {path.name} is opened: drop one file, or one folder of pictures.")
            # After the event, because a question about unsaved work must not block the program the file comes from.
            QTimer.singleShot(0, lambda: self.opening.open(path))
