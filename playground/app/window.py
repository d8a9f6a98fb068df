"""The window: its layout, and how it opens, closes and changes its theme."""

import signal
from functools import partial
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QMimeData, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QMainWindow,
)

from playground.app import bars
from playground.app.actions import Actions
from playground.app.bars import FirstPaint, StatusBar, TopBar
from playground.app.canvas import CanvasView, ChipBar
from playground.app.canvas.compare_view import CompareView
from playground.app.canvas.display import Display
from playground.app.canvas.exported import Exported
from playground.app.canvas.own_layers import OwnLayers
from playground.app.canvas.tools import Tools
from playground.app.columns import Columns, filled
from playground.app.controllers.autosaving import Autosaving
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.documents import Documents
from playground.app.controllers.opening import OPENABLE, Opening
from playground.app.controllers.plugins import Plugins
from playground.app.controllers.recovering import Recovering
from playground.app.dialog_registry import DialogRegistry
from playground.app.dialogs.exports import Exports
from playground.app.dialogs.tour import Tour
from playground.app.highlighting import Highlighting
from playground.app.look import Look, application
from playground.app.menus import TOP_BAR, MainMenu, show_canvas_menu
from playground.app.model.edit_text import summary
from playground.app.model.errors import Log, logger
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.notices import Notices
from playground.app.panels import (
    MEASUREMENTS,
    PIPELINE,
    DataPanel,
    FieldNamesPanel,
    LessonPanel,
    LikelihoodPanel,
    RunsPanel,
    TrainingPanel,
)
from playground.app.presenter import Presenter
from playground.app.style import text_size, theme
from playground.app.timeline import Timeline
from playground.app.widgets import accessible_roles, layouts
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.column import Cards, Column
from playground.app.widgets.file_prompts import FilePrompts
from playground.app.widgets.recovery_bar import RecoveryBar
from playground.app.widgets.toasts import Toasts
from playground.app.widgets.transport import Transport
from playground.app.window_state import WindowState
from playground.app.workers.signals import ending_signals
from playground.drawing.palette import PALETTES
from playground.lab import lessons
from playground.lab.session import Session
from playground.resources import resource

SMALLEST = (1024, 600)
LESSON_PROGRESS = "lessons"
OPENING = "checkpoints/two-moons.spg"
QUIT_SECONDS = 1.6
# After a change of these, the user wants to see the particles move.
PLAYED = frozenset({"data.kind", "data.path", "sampling.kind"})


PanelKind = TypeVar("PanelKind", bound=CollapsiblePanel)


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
        self.controllers = Controllers(self.state, device, self)
        self.building, self.training = self.controllers.building, self.controllers.training
        self.playing, self.clicking = self.controllers.playing, self.controllers.clicking
        self._lay_out()
        self.highlighting = Highlighting(self.controllers.lessons, self.panels, len(PIPELINE), self)
        self._window_state = WindowState(self, preferences, self.panels, self.columns)
        self.display = Display(self.state, self.controllers, self.canvas, self.chips, self)
        self._own_layers = OwnLayers(self.state, self.canvas.layers, self)
        self._make_documents()
        self._make_tools()
        self._connect()
        self.controllers.lessons.keep_progress_in(preferences.beside(LESSON_PROGRESS))
        Timeline(self.controllers, self.display, self.transport, self.actions_by_key, self)
        theme.apply_style_sheet(application(), bars.SHEET)
        self._window_state.restore()
        self.look.set_time_to_data(self.look.time_to_data)
        self._show_name()

        self.canvas.setFocus()
        if path is None or path.name.lower().endswith(lessons.SUFFIX):
            self.opening.open_bundled()
        FirstPaint(self.canvas.surface, self._painted)

    def _make_documents(self) -> None:
        """Make the controllers of files, unsaved work and plug-ins."""
        preferences, sessions, prompts = self.preferences, self.controllers.sessions, FilePrompts(self)
        layers = self._own_layers
        sessions.set_view(lambda own: self.display.describe_view() | ({"layers": layers.visible} if own else {}))
        self.documents = Documents(self.state, sessions, preferences, prompts, self)
        self.opening = Opening(self.controllers.reading, sessions, self.documents, prompts, resource(OPENING), self)
        folder = preferences.recovery
        self.autosaving = Autosaving(self.state, self.building, sessions, self.documents, folder, self)
        self.recovering = Recovering(self.state, sessions, self.documents, folder, self)
        self.recovery_bar.follow(self.recovering)
        self.plugins = Plugins(self.state, preferences, prompts, self)

    def _make_tools(self) -> None:
        """Make what acts on the canvas and the window: tools, exports, commands, dialogs and menus."""
        self.tools = Tools(self.state, self.controllers, self.canvas, self.display, self)
        self.exports = Exports(
            Exported(self.controllers.sampling, self.controllers.comparing, self.display, self.compare),
            self.preferences,
            self.documents.proposal,
            self,
        )
        self.presenter = Presenter(self, self.controllers.lessons, (self.top_bar, self.status), self)
        self.actions_by_key: Actions = Actions(self, self)
        self.presenter.changed.connect(self._refresh)
        self.dialogs = DialogRegistry(self, self)
        self.menu = MainMenu(self.actions_by_key, self.documents, self.opening, self.controllers.lessons, self)
        self.top_bar.fill(self.actions_by_key, TOP_BAR, self.menu)
        self.tour = Tour(self)
        # Over the heading, so that no toast takes a click meant for the canvas; without it over the canvas's lower edge.
        self.toasts = Toasts(self.top_bar.heading, self._centre)
        self.notices = Notices(self.toasts, self.actions_by_key)

    def _connect(self) -> None:
        """Connect the signals of all parts."""
        building, training, playing = self.building, self.training, self.playing
        self.state.notified.connect(self.notices.show)
        self.status.follow(self.controllers, self.autosaving, self.documents)
        for part in (self.canvas.layers, self.panel(FieldNamesPanel)):
            self.look.time_turned.connect(part.set_time_to_data)
        building.problem_changed.connect(self._show_name)
        for changed in (building.problem_failed, training.changed, playing.playing_changed, playing.loop_changed):
            changed.connect(self._refresh)
        playing.trajectory_changed.connect(self.actions_by_key.refresh)
        self.controllers.pinning.finished_changed.connect(self.actions_by_key.refresh)
        replaying = self.controllers.replaying
        for changed in (replaying.chosen, replaying.steps_changed, replaying.playing_changed):
            changed.connect(self._refresh)
        self.state.changed.connect(self._edited)
        self.documents.opened.connect(self._opened)
        self.opening.lesson_opened.connect(self.controllers.lessons.begin)
        self.controllers.lessons.beginning.connect(self.tour.end)  # it would cover what is taught
        # The user comes from another window, which may have answered.
        application().applicationStateChanged.connect(self.controllers.lessons.look)
        self.documents.changed.connect(self._show_name)
        self.notices.follow_documents(self.documents)
        self.notices.follow_log(self.log)
        self.notices.follow_exports(self.exports)
        self.panel(TrainingPanel).chart.set_provenance(self.controllers.sessions.provenance)
        data, likelihood = self.panel(DataPanel), self.panel(LikelihoodPanel)
        data.open_file_requested.connect(self.opening.ask_open)
        data.open_folder_requested.connect(self.opening.ask_open_folder)
        data.paint_on(self.canvas)
        likelihood.click_by(self.tools)
        data.brush_toggled.connect(likelihood.show_brush)
        likelihood.second.toggled.connect(lambda on: data.brush.setChecked(not on and data.brush.isChecked()))
        self.documents.opened.connect(data.put_brush_down)
        self.panel(RunsPanel).table_requested.connect(lambda: self.dialogs.show("runs"))
        self.canvas.surface.menu_requested.connect(lambda place: show_canvas_menu(self.actions_by_key, self, place))
        self.panel(LessonPanel).highlighted.connect(self.highlighting.highlight)
        self.compare.left.connect(self.controllers.column_edits.leave)
        self.controllers.comparing.active_changed.connect(self._count_paints)
        self._count_paints(False)
        self.panel(TrainingPanel).reset_requested.connect(lambda: self.actions_by_key.trigger("train.reset"))

    # --- layout

    def _lay_out(self) -> None:
        self.top_bar = TopBar(self)
        self.panels: list[CollapsiblePanel] = [
            kind(self.state, self.controllers) for kind in (*PIPELINE, *MEASUREMENTS)
        ]
        left = filled("leftColumn", self.panels[1 : len(PIPELINE)], Column())
        left.put_above(filled("lessonColumn", self.panels[:1], Cards()))  # a question stays in view beside the cards
        right = filled("rightColumn", self.panels[len(PIPELINE) :], Column())
        self.canvas = CanvasView()
        self.chips = ChipBar(self.canvas.layers)
        self._centre = centre = QFrame()
        centre.setObjectName("centre")
        self.compare = CompareView(self.state, self.controllers, self.canvas)
        layouts.down(self.chips, (self.canvas, 1), (self.compare, 1), within=centre, spacing=0, margins=0)
        self.columns = Columns(left, centre, right, self.panels[len(PIPELINE) :])
        self.transport = Transport()
        bar = QFrame()
        bar.setObjectName("transportBar")
        layouts.down(self.transport, within=bar, margins=0)
        self.status = StatusBar(self)

        whole = bars.CentralWidget()
        self.recovery_bar = RecoveryBar(self)
        layouts.down(
            self.top_bar, self.recovery_bar, (self.columns, 1), bar, self.status, within=whole, spacing=0, margins=0
        )
        whole.set_focus_home(self.canvas)
        self.setCentralWidget(whole)

    def panel(self, kind: type[PanelKind]) -> PanelKind:
        """The panel of this class."""
        return next(panel for panel in self.panels if isinstance(panel, kind))

    # --- start and end

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

    def interrupt(self) -> None:
        """Close without asking, as the system requires; unsaved work is offered at the next start."""
        self._interrupted = True
        self.leave()

    # --- the state of the window

    def reset_layout(self) -> None:
        """Restore the first layout and forget all remembered values; the work stays as it is."""
        self.presenter.leave()
        self._window_state.reset()
        self.look.reset()
        said = "The window has its first layout; recent files, folders and export choices are cleared."
        self.notices.notify("info", said)

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if any(key.startswith("data.") for key in keys):
            self.toasts.settle()  # errors about files or drawings are out of date
        if keys & PLAYED:
            self.playing.set_playing(True)
        self._show_name()

    @Slot(object)
    def _opened(self, session: Session) -> None:
        self.toasts.settle()
        self.display.show_session(session)

    @Slot(bool)
    def _count_paints(self, comparing: bool) -> None:
        """Count the frames of the canvas in view."""
        self.status.count_paints(self.compare.columns[0].canvas.surface if comparing else self.canvas.surface)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        self.status.show_state()
        self.actions_by_key.refresh()
        self.toasts.review()

    @Slot()
    def _show_name(self) -> None:
        self.setWindowTitle(self.documents.title)
        self.top_bar.summary.show_summary(summary(self.state.experiment))
        self._refresh()

    # --- keys and drops

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle keys that no focused control has used."""
        if not self.actions_by_key.plain_key(event.key(), event.modifiers()):
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = _dropped(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            if len(event.mimeData().urls()) > 1:
                self.notices.notify("info", f"Only {path.name} is opened: drop one file, or one folder of pictures.")
            # After the event, because a question about unsaved work must not block the program the file comes from.
            QTimer.singleShot(0, lambda: self.opening.open(path))


def _dropped(data: QMimeData) -> Path | None:
    """The first dragged file that can be opened, or else the first file; opening that one says why not."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return next((path for path in paths if path.name.lower().endswith(OPENABLE)), paths[0] if paths else None)


def close_on_signals(window: MainWindow) -> None:
    """Let Ctrl+C in the terminal, its end, and SIGTERM close the window without asking; unsaved work is kept."""

    def close(name: str) -> None:
        logger.info("%s closes the window", name)
        window.interrupt()

    for number in (signal.SIGINT, *ending_signals()):  # Python's handler may interrupt a line that is being logged
        signal.signal(number, lambda sent, _: QTimer.singleShot(0, partial(close, signal.Signals(sent).name)))
