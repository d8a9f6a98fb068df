"""How the window is laid out: as it was left, or as at its first start."""

import typing

from PySide6.QtCore import QByteArray, QRect, Qt

if typing.TYPE_CHECKING:
    from playground.app.window import MainWindow

COLUMNS = (312, 306)  # px of the left and right column at first: between them the chips have room in one row
FIRST = (1440, 900)  # px of the first window, frame included, where the screen has room for it
FRAME = (2, 30)  # px that a frame takes of width and height, near enough until there is one


def restore(window: "MainWindow") -> None:
    """Lay it out as the settings remember, as far as they do."""
    preferences = window.preferences
    geometry = preferences.get("geometry")
    if not (geometry and window.restoreGeometry(QByteArray(geometry))):
        room = available(window)
        window.resize(min(FIRST[0], room.width() - FRAME[0]), min(FIRST[1], room.height() - FRAME[1]))
    folded = preferences.get("folded")
    for panel in window.panels:
        panel.set_folded(folded.get(type(panel).__name__, False))
    columns = preferences.get("columns")
    window.columns.setSizes(list(columns) if columns else [COLUMNS[0], window.width() - sum(COLUMNS), COLUMNS[1]])


def available(window: "MainWindow") -> QRect:
    """What the screen has room for: all but the system's own bars."""
    return window.screen().availableGeometry()


def keep_on_screen(window: "MainWindow") -> None:
    """Make a window that is seen for the first time smaller, and move it, until its frame lies inside the screen."""
    room, frame = available(window), window.frameGeometry()
    window.resize(
        window.width() - max(frame.width() - room.width(), 0), window.height() - max(frame.height() - room.height(), 0)
    )
    frame = window.frameGeometry()
    left = max(min(frame.left(), room.right() + 1 - frame.width()), room.left())
    top = max(min(frame.top(), room.bottom() + 1 - frame.height()), room.top())
    if (left, top) != (frame.left(), frame.top()):
        window.move(left, top)


def remember(window: "MainWindow") -> None:
    """Write down what :func:`restore` needs."""
    preferences = window.preferences
    preferences.set("geometry", bytes(window.saveGeometry().data()))
    left, centre, right = window.columns.sizes()
    preferences.set("columns", (left, centre, right))
    preferences.set("folded", {type(panel).__name__: panel.is_folded() for panel in window.panels})
    preferences.flush()


def reset(window: "MainWindow") -> None:
    """Lay it out as at the first start and forget all that is remembered; what is being worked on stays as it is."""
    window.preferences.clear()
    window.setWindowState(Qt.WindowState.WindowNoState)
    window.set_theme(window.preferences.get("theme"))
    for panel in window.panels:
        panel.hide_advanced()
    restore(window)
    frame = window.frameGeometry()  # which may have grown beyond the screen's edge
    frame.moveCenter(available(window).center())
    window.move(frame.topLeft())
    keep_on_screen(window)
    remember(window)
    window.notify("info", "The window has its first layout; recent files, folders and export choices are cleared.")
