"""The top bar, the status bar and the style of both."""

import typing

from PySide6.QtCore import QElapsedTimer, QEvent, QRectF, Qt, Slot
from PySide6.QtGui import (
    QAccessible,
    QAction,
    QFocusEvent,
    QFont,
    QKeySequence,
    QPaintEvent,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFrame,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from playground.app.controllers.autosaving import Autosaving
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.documents import Documents
from playground.app.style import theme
from playground.app.style.number_formats import format_count
from playground.app.style.painting import paint_box, smooth
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.widgets import layouts
from playground.app.widgets.captions import named
from playground.app.widgets.collapsible_panel import shortened
from playground.app.widgets.menu_button import MenuButton
from playground.app.widgets.transport import TransportButton
from playground.app.workers.timers import timer
from playground.messages import how_many

if typing.TYPE_CHECKING:
    from playground.app.actions import Actions

BAR_HEIGHT = 46
STATUS_HEIGHT = 26
SUMMARY_WIDTH = 200  # px that the experiment in one line has beside the program's name
MENU_KEY = "F10"
PRIMARY = "train.toggle"
TOP_BAR = {"learn.scenes": "", "file.open": "open-file", "file.save": "save", "file.export_video": ""}
"""The actions with a button, each with its icon if it has one in place of its name."""
TRAINING_TEXTS = {
    "loading": "loading",
    "untrained": "not trained",
    "waiting": "waiting to train",
    "training": "training",
    "paused": "training paused",
    "finished": "trained",
    "diverged": "training diverged",
}

# The style of the window's own parts, in the tokens of the palette; :mod:`playground.app.style.theme` has the rest.
SHEET = """
#topBar, #transportBar { background: @panel; }
#topBar { border-bottom: 1px solid @border; }
#recoveryBar { background: @raised; border-bottom: 1px solid @accent; }
#transportBar { border-top: 1px solid @border; }
#statusBar { background: @background; border-top: 1px solid @border; }
#leftColumn, #rightColumn { background: @panel; }
#centre { background: @background; }
#layers:window { background: @panel; border: 1px solid @border; }
#columns::handle { background: @border; }
#columns::handle:hover { background: @accent; }
#toast { background: @raised; border: 1px solid @border; border-radius: 8px; }
#toastMark { background: @accent; border-radius: 2px; }
#toastMark[level="warning"] { background: @particles; }
#toastMark[level="error"] { background: @error; }
#toastTitle { font-weight: 600; }
#toastTitle[level="error"] { color: @error; }
#toastClose { background: transparent; border: 1px solid transparent; padding: 1px 6px; color: @muted; }
#toastClose:hover { color: @text; background: @hover; }
#toastClose:focus { border-color: @accent; }
#toastButton { background: @panel; }
#menuButton { padding: 0; }
#menuButton::menu-indicator { image: none; }
QAbstractSpinBox { padding: 0 6px; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; }
QDialog { background: @panel; }
*[framed="true"] { background: @hover; border: 1px solid @accent; border-radius: 4px; }
#log { font-family: monospace; }
"""


class CentralWidget(QWidget):
    """The widget under all parts of the window. A click on a part that takes no focus, such as a button, gives it to
    one of them.

    Otherwise a button would keep Space, and a box letters, which belong to the transport. A number that is being typed
    would not be taken before the button is pressed. A focus proxy would be a second stop of Tab.
    """

    accessible_role = QAccessible.Role.Grouping

    def __init__(self) -> None:
        super().__init__()
        self._home: QWidget | None = None
        self.setAccessibleName("Score Playground")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def set_focus_home(self, home: QWidget) -> None:
        """Give the focus of clicks to this part; from now on buttons and boxes take it by Tab only."""
        self._home = home
        for control in (*self.findChildren(QAbstractButton), *self.findChildren(QComboBox)):
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def focusInEvent(self, event: QFocusEvent) -> None:
        if self._home is not None:
            self._home.setFocus(event.reason())


class SummaryLabel(QLabel):
    """The experiment in one line, with as many of its parts as there is room for; the tooltip has all of them."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setAccessibleName("The experiment in one line")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        set_role(self, "caption")

    def show_summary(self, whole: str) -> None:
        self._whole = whole
        self.apply_text_size()

    def apply_text_size(self) -> None:
        """Show the parts that fit the width with the present font; nothing if not even the first does."""
        least = self.fontMetrics().horizontalAdvance(self._whole.split(" · ")[0])
        shown = shortened(self._whole, self.fontMetrics(), self.width()) if least <= self.width() else ""
        self.setText(shown)
        self.setToolTip("" if shown == self._whole else self._whole)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.apply_text_size()


class TopBar(QFrame):
    """The program's name, the experiment in one line, and the most important buttons."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("topBar")
        self.setFixedHeight(px(BAR_HEIGHT))
        self._name = QLabel("Score Playground")
        self._name.setFont(theme.text_font(15, QFont.Weight.DemiBold))
        self.summary = SummaryLabel()
        self._row = layouts.across(within=self, spacing=UNIT, margins=(2 * UNIT, 0, 2 * UNIT, 0))
        self.heading = QWidget()
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layouts.across(self._name, (self.summary, 1), within=self.heading, spacing=UNIT * 3 // 2, margins=0)
        self._row.addWidget(self.heading, 1)
        self._more: list[QWidget] = []  # buttons of what the menus have too

    def show_all(self, on: bool) -> None:
        """Show all buttons, or those that a beginner needs."""
        for button in self._more:
            button.setVisible(on)

    def fill_train(self, on: bool) -> None:
        """Fill the button that trains, unless another one is to be pressed next."""
        set_role(self.train, "primary" if on else "")

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            # With large text in a narrow window only the experiment is named; the window's title has the name too.
            room = self.heading.width() - self._name.sizeHint().width()
            self._name.setVisible(room >= px(SUMMARY_WIDTH))
        return done

    def fill(self, actions: "Actions", menu: QMenu, learn: QMenu) -> None:
        """Add the buttons of some actions, the menu of what teaches, and that of all.

        The button that trains is first: as it is renamed, what is beside it stays.
        """
        self.train = ActionButton(actions[PRIMARY], actions.title(PRIMARY))
        self._row.addWidget(self.train)
        self.fill_train(True)
        self.learn = named(MenuButton(learn), "Learn", "Lessons, scenes, the glossary and the tour.")
        self.learn.show_words("Learn")
        self.learn.setObjectName("learnButton")
        self.learn.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.learn.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._row.addWidget(self.learn)
        for key, icon in TOP_BAR.items():
            button = TransportButton(icon) if icon else ActionButton(actions[key], actions.title(key))
            if isinstance(button, TransportButton):
                button.follow(actions[key])
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            else:
                self._more.append(button)
            self._row.addWidget(button)
        self.menu = QToolButton()
        self.menu.setObjectName("menuButton")
        self.menu.setText("☰")
        self.menu.setToolTip(f"Menu ({MENU_KEY})")
        self.menu.setAccessibleName("Menu")
        self.menu.setMenu(menu)
        self.menu.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.menu.setFixedSize(px(38), px(30))
        self._row.addWidget(self.menu)
        # popup, because showMenu would not return before the menu is closed
        below = QShortcut(QKeySequence(MENU_KEY), self)
        below.activated.connect(lambda: menu.popup(self.menu.mapToGlobal(self.menu.rect().bottomLeft())))


class ActionButton(QPushButton):
    """A push button for an action, enabled whenever the action is."""

    def __init__(self, action: QAction, title: str) -> None:
        super().__init__(title)
        self._action, self._title = action, title
        self.setObjectName(f"{action.objectName()}.button")
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())
        now = self._action.property("label") or self._title
        if now != self.text():
            self.setText(now)
            self.setAccessibleName(now)


class Dot(QWidget):
    """A small filled circle; its colour shows the state that the text beside it names."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(px(UNIT), px(UNIT))
        self._concept = "muted"

    def show_as(self, concept: str) -> None:
        if concept != self._concept:
            self._concept = concept
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        paint_box(painter, QRectF(self.rect()), self.width() / 2, self._concept)


class StatusBar(QFrame):
    """Training, frames per second, device, seed, and the time since the last save."""

    CONCEPTS: typing.ClassVar = {"training": "accent", "finished": "data", "paused": "particles", "diverged": "error"}

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("statusBar")
        self.setFixedHeight(px(STATUS_HEIGHT))
        self._count, self._passed = 0, QElapsedTimer()  # frames of the canvas since then
        self._dot = Dot()
        self.training, self.frames, self._device, self._seed, self.saved = (QLabel() for _ in range(5))
        row = layouts.across(self._dot, within=self, spacing=UNIT, margins=(2 * UNIT, 0, 2 * UNIT, 0))
        names = ("Training", "Frames a second", "Device", "Seed", "Last save")
        labels = (self.training, self.frames, self._device, self._seed, self.saved)
        for name, label in zip(names, labels, strict=True):
            label.setAccessibleName(name)
            label.setFont(theme.number_font())
            set_role(label, "caption")
            if label is self.saved:
                row.addStretch(1)
            elif label is not self.training:
                row.addSpacing(2 * UNIT)
            row.addWidget(label)

    def follow(self, controllers: Controllers, autosaving: Autosaving, documents: Documents) -> None:
        """Show the state of these, and each second the frames of what is counted."""
        self._controllers, self._autosaving, self._documents = controllers, autosaving, documents
        autosaving.changed.connect(self.show_state)
        self._second = timer(self, self._each_second, interval=1000)
        self._second.start()
        self._passed.start()

    @Slot()
    def count(self) -> None:
        """Count one more frame."""
        self._count += 1

    def stop(self) -> None:
        """Show nothing more, when quitting."""
        self._second.stop()

    def _each_second(self) -> None:
        count, self._count = self._count, 0
        rate = 1000 * count / max(self._passed.restart(), 1)
        self.show_frames(rate if self._controllers.playing.is_playing else None)
        self.show_state()

    def show_state(self) -> None:
        training, state = self._controllers.training, self._controllers.state
        waiting = state.problem is None and not state.failure
        status = "loading" if waiting else training.status
        self.show_training(status, self._controllers.replaying.step)
        self._show(self._device, self._controllers.building.device_text)
        self._show(self._seed, f"seed {self._controllers.sampling.seed}")
        self._show(self.saved, self._autosaving.text or self._documents.saved_text())

    def show_training(self, training: str, step: int | None = None) -> None:
        """Show the status of training, and the step whose weights are shown instead of the newest."""
        shown = "" if step is None else f", weights of step {format_count(step)} shown"
        self._show(self.training, TRAINING_TEXTS.get(training, training) + shown)
        self._dot.show_as(self.CONCEPTS.get(training, "muted"))

    def show_frames(self, per_second: float | None) -> None:
        """Show the frames per second; None if nothing moves."""
        if per_second is None:
            self._show(self.frames, "at rest")
        else:
            count = round(per_second)
            self._show(self.frames, f"{how_many(count, 'frame')}/s")

    def _show(self, label: QLabel, text: str) -> None:
        """Show a text and lay it out at once, because a busy event loop may do so a second later."""
        if text != label.text():
            label.setText(text)
            layout = self.layout()
            assert layout is not None
            layout.activate()
