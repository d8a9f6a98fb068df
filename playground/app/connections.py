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
from playground.app.controllers.autosaving import Autosaving
from playground.app.hidden_settings import HiddenSettings
from playground.app.highlighting import Highlighting
from playground.app.look import application
from playground.app.menus import show_canvas_menu
from playground.app.model.edit_text import summary
from playground.app.notices import Notices
from playground.app.panels import (
    DataPanel,
    FieldNamesPanel,
    LessonPanel,
    LikelihoodPanel,
    ObjectivePanel,
    QualityPanel,
    RunsPanel,
    TrainingPanel,
)
from playground.app.style.wrapping import wrapped
from playground.app.widgets.toasts import Toasts
from playground.app.widgets.transport import Transport
from playground.lab.session import Session

CLICK = "click a point for its likelihood"
MORE = "Alt+click follows a particle. Arrow keys move the view under a cross, where Enter clicks."
BACK = "The cards make room for the columns; S brings them back."
# After a change of these, the user wants to see the particles move.
PLAYED = frozenset({"data.kind", "data.path", "sampling.kind"})


class Parts(Window, Protocol):
    """The parts of the window that are connected."""

    autosaving: Autosaving
    hidden_settings: HiddenSettings
    highlighting: Highlighting
    layer_choices: LayerChoices
    own_layers: OwnLayers
    run_views: RunViews
    status: StatusBar
    toasts: Toasts
    tools: Tools
    top_bar: TopBar
    transport: Transport

    @property
    def notices(self) -> Notices: ...
    def setWindowTitle(self, title: str, /) -> None: ...


class Connections(QObject):
    """Connects the parts of a window, and keeps its commands, its state and its title up to date."""

    def __init__(self, window: Parts, parent: QWidget) -> None:
        super().__init__(parent)
        self._window, self._controllers = window, window.controllers
        self._has_room = False  # whether compared runs have that of the side columns
        self._connect_controllers()
        self._connect_files()
        self._connect_cards(parent)
        self._connect_calm()
        self._refresh()

    def _connect_controllers(self) -> None:
        window, controllers = self._window, self._controllers
        playing, replaying = controllers.playing, controllers.replaying
        for changed in (
            window.presenter.changed,
            controllers.training.changed,
            playing.playing_changed,
            playing.loop_changed,
            window.state.weights_chosen,
            replaying.steps_changed,
            replaying.playing_changed,
            controllers.comparing.active_changed,
            controllers.lessons.changed,
        ):
            changed.connect(self._refresh)
        for there_is in (playing.trajectory_changed, controllers.pinning.finished_changed):
            there_is.connect(window.actions_by_key.refresh)
        window.state.problem_changed.connect(self.show_name)
        controllers.lessons.beginning.connect(window.tour.end)  # it would cover what is taught
        for leading in (controllers.lessons.changed, window.tour.shown_changed):
            leading.connect(self._fill_train)
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
        data.open_file_requested.connect(window.opening.ask_open)
        data.open_folder_requested.connect(window.opening.ask_open_folder)
        data.paint_on(canvas)
        self._controllers.comparing.active_changed.connect(data.brush.setDisabled)
        data.brush_toggled.connect(likelihood.show_brush)
        window.documents.opened.connect(data.put_brush_down)
        likelihood.click_by(window.tools)
        likelihood.second.toggled.connect(lambda on: data.brush.setChecked(not on and data.brush.isChecked()))
        training.chart.set_provenance(self._controllers.sessions.provenance)
        objective = window.panel(ObjectivePanel)
        training.quality_requested.connect(window.panel(QualityPanel).reveal)
        objective.equation_button.clicked.connect(window.panel(FieldNamesPanel).wanted)
        training.reset_requested.connect(lambda: window.actions_by_key.trigger("train.reset"))
        window.panel(RunsPanel).table_requested.connect(lambda: window.dialogs.show("runs"))
        window.panel(LessonPanel).highlighted.connect(window.highlighting.highlight)
        window.panel(LessonPanel).term_asked.connect(lambda term: window.dialogs.show_term(term))
        window.run_views.menu_requested.connect(lambda place: show_canvas_menu(window.actions_by_key, parent, place))

    def _connect_calm(self) -> None:
        """Connect what shows everything, or only what is needed."""
        window, controllers, changed = self._window, self._controllers, self._window.look.cards_changed
        canvas = window.canvas
        for part in (window.columns, window.chips, window.top_bar, window.transport, window.hidden_settings):
            changed.connect(part.show_all)
        changed.connect(canvas.layers.set_captioned)
        for signal in (changed, window.presenter.changed):
            signal.connect(self._show_status)
        for each_frame in (self._name_layers, window.status.count):
            canvas.surface.painted.connect(each_frame)
        for signal in (
            changed,
            window.state.document_changed,
            window.state.problem_changed,
            controllers.lessons.changed,
            controllers.comparing.active_changed,
        ):
            signal.connect(self._invite)
        for signal in (changed, controllers.lessons.changed, controllers.comparing.active_changed):
            signal.connect(self._make_room)

    @Slot()
    def _fill_train(self) -> None:
        """Fill the button that trains, unless a lesson or the tour has one to press next."""
        led = self._controllers.lessons.lesson is not None or not self._window.tour.isHidden()
        self._window.top_bar.fill_train(not led)

    @Slot()
    def _make_room(self) -> None:
        """Put the side columns away when runs begin to be compared, unless all cards are to be in view, or a lesson asks about them."""
        controllers = self._controllers
        has_room = (
            controllers.comparing.is_active and controllers.lessons.lesson is None and not self._window.look.all_cards
        )
        if has_room != self._has_room:
            self._has_room = has_room
            self._window.columns.put_away(has_room)
            if has_room:
                columns = self._window.columns
                self._window.notices.notify("info", BACK, "view.columns", lambda: columns.are_away)

    @Slot()
    def _show_status(self) -> None:
        """Show the line below the timeline among all cards: cards and title say what a learner needs of it."""
        self._window.status.setVisible(self._window.look.all_cards and not self._window.presenter.is_on)

    @Slot()
    def _name_layers(self) -> None:
        canvas, compared = self._window.canvas, self._controllers.comparing.is_active
        if not canvas.layers.captioned:
            self._window.chips.show_frame(canvas.shown(), () if compared else canvas.beside)

    @Slot()
    def _invite(self) -> None:
        """Say on the canvas what a click does, until one did it."""
        window, controllers, canvas = self._window, self._controllers, self._window.canvas
        if controllers.clicking.has_point:
            window.look.remember_click()
        closed = controllers.comparing.is_active or controllers.lessons.hides_values or "path" in canvas.layers.absent
        waits = not (window.look.all_cards or window.look.clicked or closed)
        canvas.surface.set_hint(CLICK if waits else "")
        canvas.surface.setToolTip(wrapped(MORE) if waits else "")

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        if any(key.startswith("data.") for key in keys):
            self._window.toasts.settle()  # errors about files or drawings are out of date
        if keys & PLAYED:
            self._controllers.playing.set_playing(True)

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
        """Show the title, and in one line the experiment of the run in view: while other data load, it is that of the old ones."""
        window, model, summary_label = self._window, self._window.state.model, self._window.top_bar.summary
        window.setWindowTitle(window.documents.title)
        summary_label.show_summary(summary(window.state.experiment if model is None else model.problem.experiment))
        self._refresh()
