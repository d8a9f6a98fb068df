"""What one part of the window tells the others."""

from typing import Protocol

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from playground.app.actions import Window
from playground.app.bars import StatusBar, TopBar
from playground.app.canvas.layer_choices import LayerChoices
from playground.app.canvas.own_layers import OwnLayers
from playground.app.canvas.run_views import RunViews
from playground.app.canvas.tools import Tools
from playground.app.columns import Columns
from playground.app.controllers.autosaving import Autosaving
from playground.app.highlighting import Highlighting
from playground.app.look import application
from playground.app.menus import show_canvas_menu
from playground.app.model.edit_text import summary
from playground.app.notices import Notices
from playground.app.panels import DataPanel, FieldNamesPanel, LessonPanel, LikelihoodPanel, RunsPanel, TrainingPanel
from playground.app.widgets.toasts import Toasts
from playground.lab.session import Session

# After a change of these, the user wants to see the particles move.
PLAYED = frozenset({"data.kind", "data.path", "sampling.kind"})


class Parts(Window, Protocol):
    """The parts of the window that are connected."""

    autosaving: Autosaving
    columns: Columns
    highlighting: Highlighting
    layer_choices: LayerChoices
    own_layers: OwnLayers
    run_views: RunViews
    status: StatusBar
    toasts: Toasts
    tools: Tools
    top_bar: TopBar

    @property
    def notices(self) -> Notices: ...
    def setWindowTitle(self, title: str, /) -> None: ...


class Connections(QObject):
    """Connects the parts of a window, and keeps its commands, its state and its title up to date."""

    def __init__(self, window: Parts, parent: QWidget) -> None:
        super().__init__(parent)
        self._window, self._controllers = window, window.controllers
        self._connect_controllers()
        self._connect_files()
        self._connect_cards(parent)
        window.status.count_paints(window.canvas.surface)
        self._refresh()

    def _connect_controllers(self) -> None:
        window, controllers = self._window, self._controllers
        playing, replaying = controllers.playing, controllers.replaying
        for changed in (
            window.presenter.changed,
            controllers.building.problem_failed,
            controllers.training.changed,
            playing.playing_changed,
            playing.loop_changed,
            replaying.chosen,
            replaying.steps_changed,
            replaying.playing_changed,
            controllers.comparing.active_changed,
        ):
            changed.connect(self._refresh)
        for there_is in (playing.trajectory_changed, controllers.pinning.finished_changed):
            there_is.connect(window.actions_by_key.refresh)
        controllers.building.problem_changed.connect(self.show_name)
        controllers.lessons.beginning.connect(window.tour.end)  # it would cover what is taught
        # The user comes from another window, which may have answered.
        application().applicationStateChanged.connect(controllers.lessons.look)
        window.opening.lesson_opened.connect(controllers.lessons.begin)
        window.state.changed.connect(self._edited)
        window.state.notified.connect(window.notices.show)
        window.status.follow(controllers, window.autosaving, window.documents)

    def _connect_files(self) -> None:
        window = self._window
        window.documents.opened.connect(self._opened)
        window.documents.changed.connect(self.show_name)
        window.notices.follow_documents(window.documents)
        window.notices.follow_log(window.log)
        window.notices.follow_exports(window.exports)

    def _connect_cards(self, parent: QWidget) -> None:
        window, canvas = self._window, self._window.canvas
        data, likelihood, training = window.panel(DataPanel), window.panel(LikelihoodPanel), window.panel(TrainingPanel)
        for part in (canvas.layers, window.panel(FieldNamesPanel)):
            window.look.time_turned.connect(part.set_time_to_data)
        window.look.cards_changed.connect(window.columns.show_all)
        data.open_file_requested.connect(window.opening.ask_open)
        data.open_folder_requested.connect(window.opening.ask_open_folder)
        data.paint_on(canvas)
        data.brush_toggled.connect(likelihood.show_brush)
        window.documents.opened.connect(data.put_brush_down)
        likelihood.click_by(window.tools)
        likelihood.second.toggled.connect(lambda on: data.brush.setChecked(not on and data.brush.isChecked()))
        training.chart.set_provenance(self._controllers.sessions.provenance)
        training.reset_requested.connect(lambda: window.actions_by_key.trigger("train.reset"))
        window.panel(RunsPanel).table_requested.connect(lambda: window.dialogs.show("runs"))
        window.panel(LessonPanel).highlighted.connect(window.highlighting.highlight)
        window.run_views.menu_requested.connect(lambda place: show_canvas_menu(window.actions_by_key, parent, place))

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if any(key.startswith("data.") for key in keys):
            self._window.toasts.settle()  # errors about files or drawings are out of date
        if keys & PLAYED:
            self._controllers.playing.set_playing(True)
        self.show_name()

    @Slot(object)
    def _opened(self, session: Session) -> None:
        self._window.toasts.settle()
        window, views = self._window, self._window.run_views
        window.layer_choices.show_plane_layers(session.points.ndim == 2)
        views.views[0].show_session(session)
        window.own_layers.restore(session)

    @Slot()
    def _refresh(self) -> None:
        self._window.status.show_state()
        self._window.actions_by_key.refresh()
        self._window.toasts.review()

    @Slot()
    def show_name(self) -> None:
        """Show the title, and the experiment in one line."""
        window, summary_label = self._window, self._window.top_bar.summary
        window.setWindowTitle(window.documents.title)
        summary_label.show_summary(summary(window.state.experiment))
        self._refresh()
