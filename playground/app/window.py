"""The window: its layout, and how it opens, closes and changes its theme."""

import signal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QMainWindow,
    QSizePolicy,
    QWidget,
)

from playground.app import bars
from playground.app.actions import Actions
from playground.app.bars import FirstPaint, PaintCounter, StatusBar, TopBar
from playground.app.canvas import CanvasView, ChipBar
from playground.app.canvas.compare_view import CompareView
from playground.app.canvas.display import Display
from playground.app.canvas.exported import ExportedCanvas, ExportedColumns
from playground.app.canvas.own_layers import OwnLayers
from playground.app.canvas.tools import Tools
from playground.app.columns import Columns
from playground.app.controllers.autosaving import Autosaving
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.documents import Documents
from playground.app.controllers.notification import Notification
from playground.app.controllers.opening import OPENABLE, Opening
from playground.app.controllers.plugins import Plugins
from playground.app.controllers.recovering import Recovering
from playground.app.dialog_registry import DialogRegistry
from playground.app.dialogs.exports import Exports
from playground.app.dialogs.help import show_about, show_keys
from playground.app.dialogs.log import copy_log
from playground.app.dialogs.tour import Tour
from playground.app.highlighting import Highlighting
from playground.app.menus import TOP_BAR, MainMenu, keys_by_menu, show_canvas_menu
from playground.app.model.edit_text import summary
from playground.app.model.errors import Log, logger
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.panels import (
    DataPanel,
    FieldNamesPanel,
    LessonPanel,
    LikelihoodPanel,
    NoisePanel,
    ObjectivePanel,
    ParticlePanel,
    QualityPanel,
    RunsPanel,
    SamplingPanel,
    ScenePanel,
    TrainingPanel,
)
from playground.app.presenter import Presenter
from playground.app.style import text_size, theme
from playground.app.style.labels import worded
from playground.app.style.theme import UNIT, is_colored
from playground.app.timeline import Timeline
from playground.app.widgets import accessible_roles, layouts
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.column import Cards, Column
from playground.app.widgets.file_prompts import FilePrompts
from playground.app.widgets.recovery_bar import RecoveryBar
from playground.app.widgets.toasts import IsCurrent, ToastAction, Toasts
from playground.app.widgets.transport import Transport
from playground.app.window_state import WindowState
from playground.app.workers.signals import ending_signals
from playground.drawing.palette import PALETTES, Palette
from playground.lab import lessons
from playground.lab.session import Session
from playground.messages import Message
from playground.resources import resource

SMALLEST = (1024, 600)
PIPELINE = (LessonPanel, ScenePanel, DataPanel, NoisePanel, ObjectivePanel, TrainingPanel, SamplingPanel)
MEASUREMENTS = (LikelihoodPanel, ParticlePanel, FieldNamesPanel, QualityPanel, RunsPanel)
LESSON_PROGRESS = "lessons"
OPENING = "checkpoints/two-moons.spg"
QUIT_SECONDS = 1.6
# After a change of these, the user wants to see the particles move.
PLAYED = frozenset({"data.kind", "data.path", "sampling.kind"})


PanelKind = TypeVar("PanelKind", bound=CollapsiblePanel)
Area = TypeVar("Area", bound=Cards)


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
        theme_name = theme.shown(_application(), preferences.get("theme"))
        text_size.set_factor(preferences.get("text_size") / 100)
        # First, because before the program runs only new widgets take a font.
        accessible_roles.install()
        theme.prepare(_application(), PALETTES[theme_name])
        super().__init__()
        self.preferences, self.log = preferences, log
        self.theme_name: str = theme_name
        self._path, self._kept_plugins = path, kept_plugins
        self._leaving = self._interrupted = self._closed = False
        self.setObjectName("window")
        self.setAcceptDrops(True)
        self.setMinimumSize(*SMALLEST)
        self.restyling = theme.Restyling(_application(), self)
        self.restyling.finished.connect(self._apply_palette)
        _application().styleHints().colorSchemeChanged.connect(self._follow_theme)

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
        Timeline(self.state, self.controllers, self.display, self.transport, self)
        self._apply_palette()
        theme.apply_style_sheet(_application(), bars.SHEET)
        self._window_state.restore()
        self.set_time_to_data(self.time_to_data)
        self._show_name()

        self._second = QTimer(self, interval=1000)
        self._second.timeout.connect(self._each_second)
        self._second.start()
        self.canvas.setFocus()
        if path is None or path.name.lower().endswith(lessons.SUFFIX):
            self.opening.open_bundled()
        FirstPaint(self.canvas.surface, self._painted)

    def _make_documents(self) -> None:
        """Make the controllers of files, unsaved work and plug-ins."""
        preferences, sessions, prompts = self.preferences, self.controllers.sessions, FilePrompts(self)
        sessions.set_view(self._describe_view)
        self.documents = Documents(self.state, sessions, preferences, prompts, self)
        self.opening = Opening(self.controllers.reading, sessions, self.documents, prompts, resource(OPENING), self)
        folder = preferences.recovery
        self.autosaving = Autosaving(self.state, self.building, sessions, self.documents, folder, self)
        self.recovering = Recovering(sessions, self.documents, folder, self)
        self.plugins = Plugins(self.state, preferences, prompts, self)

    def _describe_view(self, own: bool) -> dict[str, Any]:
        return self.display.describe_view() | ({"layers": self._own_layers.visible} if own else {})

    def _make_tools(self) -> None:
        """Make what acts on the canvas and the window: tools, exports, commands, dialogs and menus."""
        self.tools = Tools(self.state, self.controllers, self.canvas, self.display, self)
        self.exports = Exports(
            ExportedCanvas(self.state, self.playing, self.canvas, self.display),
            ExportedColumns(self.playing, self.compare),
            self.preferences,
            self.documents.proposal,
            self,
        )
        self.presenter = Presenter(self, self.controllers, (self.top_bar, self.status), self)
        self.actions_by_key = Actions(self, self.controllers, self)
        self.presenter.changed.connect(self._refresh)
        self.dialogs = DialogRegistry(self, self.controllers, self)
        self.menu = MainMenu(self.actions_by_key, self.documents, self.opening, self.controllers.lessons, self)
        self.top_bar.fill(self.actions_by_key, TOP_BAR, self.menu)
        self.tour = Tour(self)
        # Over the heading, so that no toast takes a click meant for the canvas; without it over the canvas's lower edge.
        self.toasts = Toasts(self.top_bar.heading, self._centre)

    def _connect(self) -> None:
        """Connect the signals of all parts."""
        building, training, playing = self.building, self.training, self.playing
        for source in (self.controllers, self.tools, self.autosaving, self.recovering, self.plugins):
            source.notified.connect(self._notify)
        self.autosaving.changed.connect(self.show_status)
        self.recovering.changed.connect(self._show_recovery)
        self.recovery_bar.restore_requested.connect(self.recovering.restore)
        self.recovery_bar.discard_requested.connect(self.recovering.discard)
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
        self.controllers.scenes.showing.connect(self.tour.end)
        # The user comes from another window, which may have answered.
        _application().applicationStateChanged.connect(self.controllers.lessons.look)
        self.documents.changed.connect(self._show_name)
        self.documents.saved.connect(lambda sentence: self.notify("info", sentence))
        self.documents.refused.connect(self._refused)
        self.exports.finished.connect(self._exported)
        self.exports.failed.connect(self._export_failed)
        self.log.failed.connect(self._failed)
        self.log.refused.connect(lambda sentence: self.notify("error", sentence))
        self.panel(TrainingPanel).chart.set_provenance(self.controllers.sessions.provenance)
        data, likelihood, canvas = self.panel(DataPanel), self.panel(LikelihoodPanel), self.canvas
        data.open_file_requested.connect(self.opening.ask_open)
        data.open_folder_requested.connect(self.opening.ask_open_folder)
        data.brush_toggled.connect(canvas.surface.take_brush)
        data.brush_toggled.connect(likelihood.show_brush)
        likelihood.second.toggled.connect(lambda on: on and data.put_brush_down())
        likelihood.second.toggled.connect(self.tools.await_second)
        self.tools.second_taken.connect(likelihood.drop_second)
        self.documents.opened.connect(data.put_brush_down)
        data.brush_radius_changed.connect(canvas.brush.set_radius)
        canvas.brush.radius_changed.connect(data.radius.show_radius)
        canvas.brush.set_radius(data.radius.radius)
        self.panel(RunsPanel).table_requested.connect(lambda: self.show_dialog("runs"))
        self.canvas.surface.menu_requested.connect(lambda place: show_canvas_menu(self.actions_by_key, self, place))
        self.panel(LessonPanel).highlighted.connect(self.highlighting.highlight)
        self.compare.left.connect(self.controllers.column_edits.leave)
        self.controllers.comparing.active_changed.connect(self._take_comparison)
        self.panel(TrainingPanel).reset_requested.connect(self.reset_training)

    # --- layout

    def _lay_out(self) -> None:
        self.top_bar = TopBar(self)
        self.panels: list[CollapsiblePanel] = []
        lesson = self._column("lessonColumn", PIPELINE[:1], Cards())  # whose question stays in view beside the cards
        left = self._column("leftColumn", PIPELINE[1:], Column())
        left.put_above(lesson)
        right = self._column("rightColumn", MEASUREMENTS, Column())
        self.canvas = CanvasView()
        self.chips = ChipBar(self.canvas.layers)
        self._centre = centre = QFrame()
        centre.setObjectName("centre")
        self.compare = CompareView(self.state, self.controllers, self.canvas)
        layouts.down(self.chips, (self.canvas, 1), (self.compare, 1), within=centre, spacing=0, margins=0)
        self.columns = Columns(left, centre, right)
        self.transport = Transport()
        bar = QFrame()
        bar.setObjectName("transportBar")
        layouts.down(self.transport, within=bar, margins=0)
        self.status = StatusBar(self)
        self.meter = PaintCounter(self.canvas.surface)

        whole = bars.CentralWidget()
        self.recovery_bar = RecoveryBar(self)
        layouts.down(
            self.top_bar, self.recovery_bar, (self.columns, 1), bar, self.status, within=whole, spacing=0, margins=0
        )
        whole.set_focus_home(self.canvas)
        self.setCentralWidget(whole)

    def _column(self, name: str, kinds: tuple[type, ...], area: Area) -> Area:
        inside = QWidget()
        margin = UNIT * 3 // 2
        rows = layouts.down(
            within=inside,
            spacing=UNIT,
            margins=(margin, margin, margin, margin if isinstance(area, Column) else UNIT // 2),
        )
        for kind in kinds:
            panel = kind(self.state, self.controllers)
            self.panels.append(panel)
            rows.addWidget(panel)
        rows.addStretch(1)
        area.setObjectName(name)
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return area

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
        self._second.stop()
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

    # --- theme, text size, messages

    @property
    def palette_tokens(self) -> Palette:
        return PALETTES[self.theme_name]

    @property
    def theme_choice(self) -> str:
        """The choice of the user: "system", "dark" or "light"."""
        return str(self.preferences.get("theme"))

    def set_theme(self, choice: str) -> None:
        """Use the "dark" or the "light" theme, or that of the "system" whenever it changes."""
        self.preferences.set("theme", choice)
        self._follow_theme()

    @Slot()
    def _follow_theme(self) -> None:
        name = theme.shown(_application(), self.theme_choice)
        if name != self.theme_name:
            self.theme_name = name
            self.restyling.start(self.palette_tokens)

    @property
    def text_percent(self) -> int:
        """The size of the text, in per cent of the usual one."""
        return round(100 * text_size.factor())

    @property
    def time_to_data(self) -> bool:
        """Whether t is shown as 0 at the noise and 1 at the data."""
        return bool(self.preferences.get("time_to_data"))

    def set_time_to_data(self, on: bool) -> None:
        """Show t as 0 at the noise and 1 at the data, or the other way round."""
        self.preferences.set("time_to_data", on)
        self.canvas.layers.set_time_to_data(on)
        self.panel(FieldNamesPanel).set_time_to_data(on)

    def set_text_size(self, percent: int) -> None:
        """Set the size of the text, in per cent of the usual one, and remember it unless in presenter mode."""
        if not self.presenter.is_on:
            self.preferences.set("text_size", percent)
        self.show_text_size(percent)

    def show_text_size(self, percent: int) -> None:
        """Set the size of the text without remembering it."""
        if percent != self.text_percent:
            theme.resize(_application(), percent / 100)
            self._apply_palette()  # makes icons of the new size

    @Slot()
    def _apply_palette(self) -> None:
        for part in (*self.panels, self.chips, self.canvas, self.compare, self.transport, self.dialogs):
            if is_colored(part):
                part.apply_palette(self.palette_tokens)
        self.show_status()

    def toggle_full_screen(self) -> None:
        """Enter or leave full screen; leave the presenter mode if it is on."""
        if self.presenter.is_on:
            self.presenter.leave()
            return
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def clear(self) -> None:
        """Clear the followed particle or the clicked point; without both, leave the presenter mode or full screen."""
        filled = self.isFullScreen() or self.presenter.is_on
        followed = self.controllers.inspecting.is_active
        self.controllers.inspecting.clear()
        if filled and not followed and self.clicking.likelihood is None and not self.clicking.is_measuring_point:
            self.toggle_full_screen()
        else:
            self.clicking.clear_inspection()

    def toggle_training(self) -> None:
        """Start or pause training. At a start the card Train unfolds, so that its loss is seen; not in scenes and lessons,
        whose own cards need the room."""
        self.training.toggle()
        if self.training.wanted and self.state.document.lesson is None:
            self.panel(TrainingPanel).set_folded(False)

    @Slot()
    def reset_training(self) -> None:
        step = self.building.reset_training()
        if step is not None:
            sentence = "Training was reset. Undo brings the weights back."
            self.notify("info", sentence, "edit.undo", lambda: self.state.last_step is step)

    def reset_layout(self) -> None:
        """Restore the first layout and forget all remembered values; the work stays as it is."""
        self.presenter.leave()
        self._window_state.reset()
        self.set_theme(self.preferences.get("theme"))
        self.set_text_size(self.preferences.get("text_size"))
        self.set_time_to_data(self.time_to_data)
        self.notify("info", "The window has its first layout; recent files, folders and export choices are cleared.")

    def show_lessons(self) -> None:
        """Open the list of lessons over the canvas."""
        self.menu.lessons.popup(self.canvas.mapToGlobal(QPoint(UNIT, UNIT)))

    def show_dialog(self, name: str) -> None:
        """Bring a dialog of :data:`playground.app.dialog_registry.DIALOGS` to the front."""
        self.dialogs.show(name)

    def show_audit(self, name: str) -> None:
        """Open the audit of a kind, by its section and name, or the self-test."""
        self.dialogs.show_audit(name)

    def show_keys(self) -> None:
        """Open the list of keys, made from the registry of actions."""
        sections = keys_by_menu()
        sections["Help"].insert(0, ("All menus", bars.MENU_KEY))
        sections["Help"].append(("Equation of a setting", "Shift+F1"))
        show_keys(self, sections)

    def show_about(self) -> None:
        """Open the version and licences."""
        show_about(self)

    def notify(
        self, level: str, message: Message | str, action: str = "", is_current: IsCurrent = lambda: True
    ) -> None:
        """Show a toast while it holds, for a limited time; `action` is the key of an action that it offers."""
        offer: ToastAction | None = None
        if action:
            offer = (
                self.actions_by_key.title(action),
                self.actions_by_key[action].statusTip(),
                lambda: self.actions_by_key.trigger(action),
            )
        self.toasts.add(level, message, offer, is_current)

    @Slot(object)
    def _notify(self, notification: Notification) -> None:
        self.notify(notification.level, notification.message, notification.action, notification.is_current)

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
    def _take_comparison(self, active: bool) -> None:
        """Count the frames of the canvas in view."""
        self.meter = PaintCounter(self.compare.columns[0].canvas.surface if active else self.canvas.surface)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        self.show_status()
        self.actions_by_key.refresh()
        self.toasts.review()

    @Slot(object)
    def _refused(self, message: Message) -> None:
        """Show why a file could not be opened or saved, until one is."""
        documents, before = self.documents, self.documents.successes
        self.notify("error", message, is_current=lambda: documents.successes == before)

    def _failed(self, sentence: str) -> None:
        self.toasts.add(
            "error", sentence, ("Copy log", "Copy the log, to paste into a report", lambda: copy_log(self.log))
        )

    @Slot(object)
    def _export_failed(self, message: Message) -> None:
        if not self.exports.in_dialog:
            self.notify("error", message)

    def _exported(self, sentence: str, path: str) -> None:
        folder = QUrl.fromLocalFile(str(Path(path).parent))
        self.toasts.add(
            "info", sentence, ("Show folder", "Open the folder it is in", lambda: QDesktopServices.openUrl(folder))
        )

    @Slot()
    def _show_recovery(self) -> None:
        """Offer the work that an earlier run of the program left behind."""
        offer, busy = self.recovering.offer, self.recovering.busy
        if offer is None:
            self.recovery_bar.show_offer("", "", busy)
        else:
            about, can_restore = worded(offer.about), offer.work is not None
            self.recovery_bar.show_offer(offer.sentence, about, busy, can_restore=can_restore)

    @Slot()
    def _show_name(self) -> None:
        self.setWindowTitle(self.documents.title)
        self.top_bar.summary.show_summary(summary(self.state.experiment))
        self._refresh()

    def show_status(self) -> None:
        waiting = self.building.problem is None and not self.building.failure
        training = "loading" if waiting else self.training.status
        self.status.show_training(training, self.palette_tokens, self.controllers.replaying.step)
        self.status.show_device(self.building.device_text)
        self.status.show_seed(self.state.experiment.sampling.seed)
        self.status.show_saved(self.autosaving.text or self.documents.saved_text())

    def _each_second(self) -> None:
        rate = self.meter.take()
        self.status.show_frames(rate if self.playing.is_playing else None)
        self.show_status()

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
                self.notify("info", f"Only {path.name} is opened: drop one file, or one folder of pictures.")
            # After the event, because a question about unsaved work must not block the program the file comes from.
            QTimer.singleShot(0, lambda: self.opening.open(path))


def _dropped(data: QMimeData) -> Path | None:
    """The first dragged file that can be opened, or else the first file; opening that one says why not."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return next((path for path in paths if path.name.lower().endswith(OPENABLE)), paths[0] if paths else None)


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application


def close_on_signals(window: MainWindow) -> None:
    """Let Ctrl+C in the terminal, its end, and SIGTERM close the window without asking; unsaved work is kept."""

    def close(name: str) -> None:
        logger.info("%s closes the window", name)
        window.interrupt()

    for number in (signal.SIGINT, *ending_signals()):  # Python's handler may interrupt a line that is being logged
        signal.signal(number, lambda sent, _: QTimer.singleShot(0, partial(close, signal.Signals(sent).name)))
