"""How the window is laid out: as it was left, or as at its first start."""

import typing

from PySide6.QtCore import QByteArray, Qt

if typing.TYPE_CHECKING:
    from playground.app.window import MainWindow

COLUMNS = (312, 312)  # px of the left and right column at first


def restore(window: "MainWindow") -> None:
    """Lay it out as the settings remember, as far as they do."""
    settings = window.settings
    geometry = settings.get("geometry")
    if not (geometry and window.restoreGeometry(QByteArray(geometry))):
        room = window.screen().availableGeometry()
        window.resize(min(1440, room.width()), min(900, room.height()))
    folded = settings.get("folded")
    for panel in window.panels:
        panel.set_folded(folded.get(type(panel).__name__, False))
    columns = settings.get("columns")
    window.columns.setSizes(list(columns) if columns else [COLUMNS[0], window.width() - sum(COLUMNS), COLUMNS[1]])


def remember(window: "MainWindow") -> None:
    """Write down what :func:`restore` needs."""
    settings = window.settings
    settings.set("geometry", bytes(window.saveGeometry().data()))
    left, centre, right = window.columns.sizes()
    settings.set("columns", (left, centre, right))
    settings.set("folded", {type(panel).__name__: panel.is_folded() for panel in window.panels})
    settings.flush()


def reset(window: "MainWindow") -> None:
    """Lay it out as at the first start and forget all that is remembered; what is being worked on stays as it is."""
    window.settings.clear()
    window.setWindowState(Qt.WindowState.WindowNoState)
    window.set_theme(window.settings.get("theme"))
    for panel in window.panels:
        panel.hide_advanced()
    restore(window)
    frame = window.frameGeometry()  # which may have grown beyond the screen's edge
    frame.moveCenter(window.screen().availableGeometry().center())
    window.move(frame.topLeft())
    remember(window)
    window.notify(
        "info", "The window is laid out as at its first start; recent files, folders and export choices are forgotten."
    )
