"""Someone who uses the window: reads what is on screen, and has a mouse and a keyboard.

A :class:`User` knows nothing of the program. What is on screen is read as a screen reader reads it: by role, name and
value; a picture is read by its pixels. Events are sent to whatever lies under the pointer, so what is covered, scrolled away or
disabled cannot be used.

The user is a thread of its own beside the program's. So a dialog that waits for an answer waits for the user, as it does outside
of a test.
"""

import functools
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, QPoint, QPointF, QRect, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleInterface,
    QCursor,
    QImage,
    QKeySequence,
    QMouseEvent,
    QTextDocumentFragment,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QComboBox, QLabel, QMenu, QWidget

PATIENCE = float(os.environ.get("PATIENCE", "60"))
"""Seconds until what should come to be is given up. Other tests run beside, and a busy machine is no failure."""

LOOK = 0.05  # seconds between two looks at the screen
STILL = 8  # looks in which a picture that stands is the same
NOTCH = 120  # one step of a mouse wheel, in Qt's unit

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
PLAIN, SHIFT, ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
UNSEEN = frozenset({"Client", "Grouping", "Border", "Splitter", "Separator", "ScrollBar", "Grip", "Window", "Pane"})
"""Roles of what only holds other things."""

Result = TypeVar("Result")


class Thing:
    """One thing on screen, as a screen reader has it.

    What is asked for is read in the program's thread, once; see :meth:`as_now`.

    Attributes:
        inside: the names of what it lies in, from the outside in.
        holder: the widget, or that of the entry of a list, a table or a menu.
    """

    def __init__(self, read: QAccessibleInterface, inside: tuple[str, ...], holder: QWidget) -> None:
        self._read, self.inside = read, inside
        self.holder = holder if self.widget is None else self.widget

    @functools.cached_property
    def widget(self) -> QWidget | None:
        """None of an entry of a list, a table or a menu."""
        widget = self._read.object()
        return widget if isinstance(widget, QWidget) else None

    @functools.cached_property
    def role(self) -> str:
        """As in QAccessible.Role: "Button", "CheckBox", "ComboBox", "EditableText", "Canvas", ..."""
        return self._read.role().name

    @functools.cached_property
    def name(self) -> str:
        """Its label, or its text; without marks for keys and without HTML."""
        if isinstance(self.widget, QComboBox):  # on Unix, Qt gives the chosen entry as the name
            labels = (label for label, _ in self._read.relations(QAccessible.RelationFlag.Label))
            names = self.widget.accessibleName(), *(label.text(QAccessible.Text.Name) for label in labels)
            return _plain(next(filter(None, names), ""))
        return _plain(self._read.text(QAccessible.Text.Name))

    @functools.cached_property
    def value(self) -> str:
        """What is written or chosen in it."""
        value = _plain(self._read.text(QAccessible.Text.Value))
        if isinstance(self.widget, QLabel) and not value and _plain(self.widget.text()) != self.name:
            return _plain(self.widget.text())  # its name says what it is
        return value

    @functools.cached_property
    def description(self) -> str:
        """The longer text, a tooltip for instance."""
        return _plain(self._read.text(QAccessible.Text.Description))

    @functools.cached_property
    def where(self) -> QRect:
        """In pixels of the screen."""
        return self._read.rect()

    @functools.cached_property
    def enabled(self) -> bool:
        return not self._read.state().disabled

    @functools.cached_property
    def checked(self) -> bool:
        return bool(self._read.state().checked)

    @property
    def text(self) -> str:
        return f"{self.name} {self.value}".strip()

    def as_now(self) -> "Thing":
        """It with all that can be read of it now, for another thread to look at later."""
        for name, part in vars(Thing).items():
            if isinstance(part, functools.cached_property):
                getattr(self, name)
        del self._read
        return self


class NotSeen(AssertionError):
    """What a user looked for did not come."""


class _Hands(QObject):
    """Does in the program's thread what another thread asks for."""

    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked.connect(self._do, Qt.ConnectionType.QueuedConnection)

    @Slot(object)
    def _do(self, work: Callable[[], None]) -> None:
        work()


class User:
    """See the module. Make it in the program's thread, and use it in another, as :func:`live` does."""

    def __init__(self) -> None:
        self._hands = _Hands()

    # What is seen

    def things(self) -> list[Thing]:
        """All that can be seen now: a modal dialog hides what lies behind it."""
        return self._in_program(lambda: [thing.as_now() for thing in _things()])

    def screen(self) -> str:
        """All texts on screen, one a line."""
        texts = lambda: [thing.text for thing in _things() if thing.role not in UNSEEN]  # noqa: E731
        return "\n".join(filter(None, self._in_program(texts)))

    def finds(self, name: str, role: str | None = None, inside: str | None = None) -> list[Thing]:
        """What has a name.

        Args:
            name: a regular expression for the whole name.
            role: as in :class:`Thing`; any if it is None.
            inside: the name of a card, dialog or menu around it, as a regular expression.
        """
        found = lambda: [thing.as_now() for thing in _things() if _is(thing, name, role, inside)]  # noqa: E731
        return self._in_program(found)

    def find(self, name: str, role: str | None = None, inside: str | None = None) -> Thing:
        """The one thing of that name, as soon as it is there; see :meth:`finds`."""
        found: list[Thing] = []

        def there() -> bool:
            found[:] = self.finds(name, role, inside)
            return bool(found)

        self.wait(there, f"{role or 'a thing'} named {name!r}" + (f" in {inside!r}" if inside else ""))
        if len(found) > 1:
            raise NotSeen(f"{len(found)} things are named {name!r}: {[(one.role, one.inside) for one in found]}")
        return found[0]

    def reads(self, text: str, inside: str | None = None) -> str:
        """Wait until a text is on screen.

        Args:
            text: a regular expression for a part of the name, value or description of one thing.
            inside: see :meth:`finds`.

        Returns:
            The text that matched.
        """
        matched: list[str] = []

        def look() -> bool:
            texts = (each for thing in _things() if _lies(thing, inside) for each in (thing.text, thing.description))
            found = next(filter(None, (re.search(text, written) for written in texts)), None)
            matched[:] = [] if found is None else [found[0]]
            return found is not None

        self.wait(lambda: self._in_program(look), f"the text {text!r}" + (f" in {inside!r}" if inside else ""))
        return matched[0]

    def no_longer_reads(self, text: str) -> None:
        """Wait until no thing on screen has the text; see :meth:`reads`."""
        self.wait(lambda: re.search(text, self.screen()) is None, f"the text {text!r} to go away")

    def measured(self, name: str, inside: str | None = None) -> str:
        """The value of a figure, as soon as there is one.

        Args:
            name: the name of the figure, as a regular expression.
            inside: see :meth:`finds`.
        """
        value = ""

        def there() -> bool:
            nonlocal value
            figures = self.finds(".*", "StaticText", name)
            texts = [thing for thing in figures if re.fullmatch(name, thing.inside[-1]) and _lies(thing, inside)]
            value = texts[-1].text if len(texts) == 2 else ""
            return value not in ("", "–", "…")

        self.wait(there, f"a value of {name!r}")
        return value

    def picture(self, name: str | Thing = "Canvas", role: str | None = None, inside: str | None = None) -> np.ndarray:
        """The pixels of a thing, (height, width, 3), each from 0 to 255."""
        thing = name if isinstance(name, Thing) else self.find(name, role, inside)
        return self._in_program(lambda: _pixels(thing.widget))

    def stands(self, name: str = "Canvas", inside: str | None = None) -> np.ndarray:
        """The picture of a thing once it has been the same for a while."""
        thing = self.find(name, inside=inside)
        same, picture = 0, self.picture(thing)
        end = time.monotonic() + PATIENCE
        while same < STILL:
            if time.monotonic() > end:
                raise NotSeen(f"Waited for {name} to stand. On screen:\n{self.screen()}")
            time.sleep(LOOK)
            before, picture = picture, self.picture(thing)
            same = same + 1 if np.array_equal(before, picture) else 0
        return picture

    def moves(self, name: str = "Canvas", inside: str | None = None) -> bool:
        """Whether the picture of a thing changes within a second."""
        thing = self.find(name, inside=inside)
        first = self.picture(thing)
        for _ in range(50):
            time.sleep(LOOK)
            if not np.array_equal(first, self.picture(thing)):
                return True
        return False

    def wait(self, until: Callable[[], bool], what: str = "") -> None:
        """Wait until something holds.

        Raises:
            NotSeen: it did not for a long time; the screen is in the message.
        """
        begun = time.monotonic()
        end = begun + PATIENCE
        while not until():
            looked = time.monotonic()
            if looked > end:
                raise NotSeen(f"Waited for {what or until}. On screen:\n{self.screen()}")
            time.sleep(min(max(LOOK, (looked - begun) / 5), 5 * LOOK))  # less often at what takes long

    # What is done

    def click(
        self,
        name: str | Thing,
        role: str | None = None,
        inside: str | None = None,
        *,
        at: tuple[float, float] = (0.5, 0.5),
        keys: Qt.KeyboardModifier = PLAIN,
        button: Qt.MouseButton = LEFT,
        double: bool = False,
    ) -> None:
        """Click a thing as soon as it is there and enabled, after turning the wheel until it is in view.

        Args:
            name: see :meth:`find`.
            at: where in it, as fractions of its width and height from the upper left.
            keys: the keys held down meanwhile.
        """
        self._reach(name, role, inside, lambda thing: _click(thing, at, keys, button, double))

    def drag(
        self,
        name: str | Thing,
        start: tuple[float, float],
        end: tuple[float, float],
        role: str | None = None,
        inside: str | None = None,
        *,
        keys: Qt.KeyboardModifier = PLAIN,
        steps: int = 12,
    ) -> None:
        """Press in a thing, move, and let go; places are as in :meth:`click`."""
        thing = self._reach(name, role, inside, lambda thing: _mouse(_point(thing.where, start), "press", keys))
        from_, to = _point(thing.where, start), _point(thing.where, end)
        for step in range(1, steps + 1):
            place = from_ + (to - from_) * step / steps
            self._send(functools.partial(_mouse, place, "move", keys))
        self._send(lambda: _mouse(to, "release", keys))

    def point_at(self, name: str | Thing, at: tuple[float, float] = (0.5, 0.5), **where: str) -> None:
        """Move the pointer over a thing, with no button pressed."""
        move = lambda thing: _mouse(_point(thing.where, at), "move", PLAIN)  # noqa: E731
        self._reach(name, where.get("role"), where.get("inside"), move)

    def wheel(self, name: str | Thing, notches: int, at: tuple[float, float] = (0.5, 0.5), keys: Any = PLAIN) -> None:
        """Turn the wheel over a thing: up if notches is positive."""
        self._reach(name, None, None, lambda thing: _wheel(_point(thing.where, at), notches, keys))

    def press(self, keys: str, times: int = 1) -> None:
        """Press keys where the focus is.

        Args:
            keys: one chord as Qt writes it, such as "Ctrl+Z", "Return", "Space" or "A".
        """
        chord = QKeySequence(keys)[0]  # type: ignore[index]  # the stub lacks it
        self.wait(lambda: self._in_program(_is_active), "an active window")
        for _ in range(times):
            self._send(lambda: QTest.keyClick(_focused(), chord.key(), chord.keyboardModifiers()))

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        for letter in text:
            self._send(functools.partial(_strike, letter))

    def write(
        self, name: str | Thing, text: str, inside: str | None = None, role: str = "EditableText", end: str = "Return"
    ) -> None:
        """Click a field, replace what is in it, and press Enter, or Tab where Enter would close the dialog."""
        self.click(name, role, inside)
        self.press("Ctrl+A")
        self.type(text)
        self.press(end)

    def unfold(self, card: str) -> None:
        """Click the title of a card unless the card is unfolded already."""

        self.wait(lambda: bool(self.finds(f"{card}(: .*)?", "CheckBox", card)), f"the card {card}")

        def header() -> Thing:
            return self.finds(f"{card}(: .*)?", "CheckBox", card)[0]

        if not header().checked:
            self.click(header())
            self.wait(lambda: header().checked, f"the card {card} to unfold")

    def choose(self, name: str, option: str, inside: str | None = None) -> None:
        """Choose from a list: open it, and click the entry of that text."""
        self.click(name, "ComboBox", inside)

        def chosen() -> bool:
            for entry in self.finds(re.escape(option), "ListItem", name):
                self.click(entry)  # Qt ignores it if it may be a double click on the box
            return self.find(name, "ComboBox", inside).value == option

        self.wait(chosen, f"{name} to be {option}")

    def menu(self, *names: str) -> None:
        """Click one entry after another, each a regular expression, through the menu of the window."""
        self.click("Menu", "ButtonMenu")
        for name, around in zip(names, (None, *names), strict=False):
            self.click(name, "MenuItem", around)

    def names_file(self, path: object) -> None:
        """Answer the dialog that asks for a file or a folder, as soon as it is there."""
        field = "File name:|Directory:"
        self.click(field, "EditableText")
        self.press("Ctrl+A")
        self.type(str(path))
        self.wait(lambda: self.find(field, "EditableText").value.endswith(str(path)), "the typed path")

        def gone() -> bool:
            self.press("Return")  # the first one may only close the list of names that begin alike
            return not self.finds(field, "EditableText")

        self.wait(gone, "the file dialog to close")

    # How it is done

    def _in_program(self, work: Callable[[], Result]) -> Result:
        """What a function returns that runs in the program's thread."""
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self._hands.asked.emit(run)
        return future.result(PATIENCE)

    def _send(self, event: Callable[[], None]) -> None:
        """Do something that may open a dialog which waits for an answer: then this does not."""
        failed: list[BaseException] = []

        def run() -> None:
            try:
                event()
            except BaseException as error:
                failed.append(error)

        self._hands.asked.emit(run)
        self._in_program(lambda: None)  # runs inside of that dialog
        if failed:
            raise failed[0]

    def _reach(self, name: str | Thing, role: str | None, inside: str | None, act: Callable[[Thing], None]) -> Thing:
        """Do something to a thing once it is enabled and in view, before anything else can happen to it."""
        reached: list[Thing] = []

        def named() -> list[Thing]:
            if not isinstance(name, Thing):
                return [thing for thing in _things() if _is(thing, name, role, inside)]
            if name.widget is None:
                return [name]
            return [thing for thing in _things() if thing.widget is name.widget]

        def look() -> None:
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)  # nothing moves after it was found
            found = [thing for thing in named() if thing.enabled]
            if len(found) > 1:
                raise NotSeen(f"{len(found)} things are named {name!r}: {[(one.role, one.inside) for one in found]}")
            if found and _in_view(found[0]):
                reached[:] = found
                act(found[0])

        def there() -> bool:
            self._send(look)
            return bool(reached)

        self.wait(there, f"{role or 'a thing'} named {name!r} that can be used" + (f" in {inside!r}" if inside else ""))
        return reached[0]


def live(journey: Callable[[], None]) -> None:
    """Run a user's journey in a thread of its own while the program runs in this one."""
    QAccessible.setActive(True)  # as with a screen reader: lists that change are read anew
    failed: list[BaseException] = []
    loop = QEventLoop()
    hands = _Hands()

    def run() -> None:
        try:
            journey()
        except BaseException as error:
            failed.append(error)
        hands.asked.emit(end)

    def end() -> None:
        loop.quit()
        while (
            dialog := QApplication.activeModalWidget()
        ) is not None:  # one that waits for an answer would wait for ever
            if not dialog.close():
                break

    thread = threading.Thread(target=run, name="user", daemon=True)
    QAccessible.setActive(True)  # Qt keeps what is read of lists up to date only for a reader
    thread.start()
    loop.exec()
    thread.join()
    QAccessible.setActive(False)
    if failed:
        raise failed[0]


def _is(thing: Thing, name: str, role: str | None, inside: str | None) -> bool:
    return (
        (thing.role == role if role else thing.role not in UNSEEN)
        and _lies(thing, inside)
        and re.fullmatch(name, thing.name) is not None
    )


def _lies(thing: Thing, inside: str | None) -> bool:
    return inside is None or any(re.fullmatch(inside, around) for around in thing.inside)


def _things() -> Iterator[Thing]:
    """See :meth:`User.things`."""
    modal = QApplication.activeModalWidget()
    tops = [top for top in QApplication.topLevelWidgets() if top.isVisible()]
    if modal is not None:
        tops = [top for top in tops if top is modal or top.windowType() == Qt.WindowType.Popup]
    for top in tops:
        if isinstance(top.parent(), QMenu | QComboBox):  # it is read inside of its menu or box
            continue
        read = QAccessible.queryAccessibleInterface(top)
        if read is not None:
            yield from _inside(read, (), top)


def _inside(read: QAccessibleInterface, around: tuple[str, ...], holder: QWidget) -> Iterator[Thing]:
    """A thing and all in it."""
    if read.state().invisible:
        return
    thing = Thing(read, around, holder)
    yield thing
    for index in range(read.childCount()):
        child = read.child(index)
        if child is not None and child.isValid():
            yield from _inside(child, (*around, thing.name) if thing.name else around, thing.holder)


@functools.cache
def _plain(text: str) -> str:
    """Without HTML, without the marks of keys, on one line."""
    if "<" in text:
        text = QTextDocumentFragment.fromHtml(text).toPlainText()
    return " ".join(re.sub(r"&(.)", r"\1", text).split())


def _pixels(widget: QWidget | None) -> np.ndarray:
    assert widget is not None
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def _point(where: QRect, at: tuple[float, float]) -> QPoint:
    return QPoint(where.left() + round(at[0] * (where.width() - 1)), where.top() + round(at[1] * (where.height() - 1)))


def _under(place: QPoint) -> QWidget:
    """What gets the events at a place of the screen."""
    popup = QApplication.activePopupWidget()
    widget = QApplication.widgetAt(place)
    if popup is not None and (widget is None or widget.window() is not popup):
        widget = popup.childAt(popup.mapFromGlobal(place)) or popup
    if widget is None:  # beyond the edge of a small screen, where Qt looks for no window
        tops = [top for top in QApplication.topLevelWidgets() if top.isVisible() and top.geometry().contains(place)]
        if tops:
            top = max(tops, key=lambda one: (one.isModal(), one.isActiveWindow()))
            widget = top.childAt(top.mapFromGlobal(place)) or top
    assert widget is not None, f"nothing of the program is at {place}"
    return widget


def _in_view(thing: Thing) -> bool:
    """Whether the middle of a thing can be seen; turns the wheel one notch towards it if it cannot.

    A thing that another one covers is not in view either.
    """
    middle = thing.where.center()
    part: QWidget | None = thing.holder
    while part is not None:
        if isinstance(part, QAbstractScrollArea):
            view = part.viewport()
            within = thing.widget is None if part is thing.holder else view.isAncestorOf(thing.holder)
            seen = view.rect().adjusted(0, 2, 0, -2)  # a click may be a pixel lower
            shown = QRect(view.mapToGlobal(seen.topLeft()), seen.size())
            if within and thing.role != "ColumnHeader" and not shown.contains(middle):
                _turn(view, QPoint(view.width() - 1, 1), 1 if middle.y() < shown.center().y() else -1)
                return False
        part = part.parentWidget()
    return _gets(_under(middle), thing.holder)


def _gets(under: QWidget, widget: QWidget) -> bool:
    """Whether what gets the events at a place is a widget, lies in it, or gets them in its place."""
    if under is widget or widget.isAncestorOf(under):
        return True
    part: QWidget | None = widget
    while part is not None and part is not under:
        if part.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents):
            return under.isAncestorOf(part)
        part = part.parentWidget()
    return False


TOP_LEVELS = (Qt.WindowType.Window, Qt.WindowType.Dialog)


def _click(
    thing: Thing, at: tuple[float, float], keys: Qt.KeyboardModifier, button: Qt.MouseButton, double: bool
) -> None:
    place = _point(thing.where, at)
    widget = _under(place)
    window = widget.window()
    if window.windowType() in TOP_LEVELS and not window.isActiveWindow():
        window.activateWindow()  # as a window manager does
        QApplication.processEvents()
    QCursor.setPos(place)  # a menu closes under a press if the pointer rests where it was when the menu came
    (QTest.mouseDClick if double else QTest.mouseClick)(widget, button, keys, widget.mapFromGlobal(place))


_held: list[QWidget] = []  # what was pressed gets the moves until the button is let go


def _mouse(place: QPoint, act: str, keys: Qt.KeyboardModifier) -> None:
    if act == "press":
        _held[:] = [_under(place)]
    widget = _held[0] if _held else _under(place)
    local = widget.mapFromGlobal(place)
    if act == "press":
        QTest.mousePress(widget, LEFT, keys, local)
    elif act == "release":
        _held.clear()
        QTest.mouseRelease(widget, LEFT, keys, local)
    elif _held:
        # QTest moves the system's pointer, whose event may come after the button is let go.
        button = Qt.MouseButton.NoButton
        move = QMouseEvent(QEvent.Type.MouseMove, QPointF(local), QPointF(place), button, LEFT, keys)
        QApplication.sendEvent(widget, move)
    else:
        QTest.mouseMove(widget, local)


def _wheel(place: QPoint, notches: int, keys: Qt.KeyboardModifier) -> None:
    widget = _under(place)
    _turn(widget, widget.mapFromGlobal(place), notches, keys)


def _turn(widget: QWidget, local: QPoint, notches: int, keys: Qt.KeyboardModifier = PLAIN) -> None:
    event = QWheelEvent(
        QPointF(local),
        QPointF(widget.mapToGlobal(local)),
        QPoint(),
        QPoint(0, NOTCH * notches),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QCoreApplication.sendEvent(widget, event)


def _is_active() -> bool:
    """Whether keys reach a window; if none is active, the one that a window manager would choose is activated."""
    active = QApplication.activeWindow()
    if QApplication.activePopupWidget() or (active is not None and active.isVisible()):  # a closed menu may still be it
        return True
    for top in [top for top in QApplication.topLevelWidgets() if top.isVisible() and top.windowType() in TOP_LEVELS]:
        top.activateWindow()
    return False


def _strike(letter: str) -> None:
    QTest.keyClick(_focused(), letter)  # type: ignore[call-overload]  # the stub knows keys only


def _focused() -> QWidget:
    popup = QApplication.activePopupWidget()
    within = popup.focusWidget() if popup is not None else QApplication.focusWidget()
    widget = within or popup or QApplication.activeWindow()
    assert widget is not None, "no window is active"
    return widget
