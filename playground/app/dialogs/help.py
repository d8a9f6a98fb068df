"""The list of keys, and the version and licence of the program."""

import platform
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt, QUrl, qVersion
from PySide6.QtGui import QAccessible, QDesktopServices, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QLabel,
    QMessageBox,
    QScrollArea,
    QWidget,
)

import playground
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.captions import text_line
from playground.app.widgets.file_prompts import close_buttons
from playground.resources import notices, resource
from playground.version import SITE

CANVAS_KEYS = (
    ("Move the view, or go to an image", "← ↑ ↓ →"),
    ("Fit, or go to the first image", "Home"),
    ("Go to the last image", "End"),
    ("Zoom", "+ −"),
    ("Click in the middle, or on the image", "Enter"),
    ("Shift+click there", "Shift+Enter"),
    ("Narrower or wider brush", "[ ]"),
)
"""Keys of the focused canvas. They are no actions, because other controls use the same keys."""


Key = str | QKeySequence.StandardKey


class KeyList(QScrollArea):
    """All keys, in a list higher than a small screen; arrow keys scroll it."""

    accessible_role = QAccessible.Role.List


def show_keys(parent: QWidget, sections: Mapping[str, Sequence[tuple[str, Key]]]) -> None:
    """Open the list of keys.

    Args:
        sections: by title: the commands, each with its key or "".
    """
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Keys")
    dialog.setObjectName("keysDialog")
    # Some systems have no key for a standard action, as for Quit on Windows.
    listed = {
        title: [(text, native) for text, keys in rows if (native := native_keys(keys))]
        for title, rows in sections.items()
    }
    listed["On the canvas"] = list(CANVAS_KEYS)
    left, right = (QFormLayout(horizontalSpacing=24, verticalSpacing=4) for _ in range(2))
    half = sum(len(rows) + 1 for rows in listed.values()) / 2
    for title, rows in listed.items():
        if not rows:
            continue
        column = left if left.rowCount() <= half - len(rows) / 2 and not right.rowCount() else right
        heading = text_line(title, "heading")
        heading.setContentsMargins(0, UNIT if column.rowCount() else 0, 0, 0)
        column.addRow(heading)
        for text, native in rows:
            shown = QLabel(native)
            shown.setProperty("role", "number")
            shown.setAlignment(Qt.AlignmentFlag.AlignRight)
            column.addRow(QLabel(text), shown)  # of a bare text Qt makes a buddy, which needs a key
    buttons = close_buttons(dialog)
    inside = QWidget()
    layouts.across((left, 1), (right, 1), within=inside, spacing=64, margins=UNIT)
    area = KeyList()
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setAccessibleName("Keys")
    area.setAccessibleDescription("Every command with its key; arrow keys scroll.")
    layouts.down(area, buttons, within=dialog)
    bar = area.verticalScrollBar().sizeHint().width()
    wanted = inside.sizeHint() + QSize(bar + 4 * UNIT, buttons.sizeHint().height() + 6 * UNIT)
    dialog.resize(wanted.boundedTo(parent.window().size() - QSize(2 * UNIT, 6 * UNIT)))
    dialog.show()


def native_keys(keys: Key) -> str:
    """A shortcut as this system writes it; "" if there is none."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def show_documentation(place: str = "index.html") -> None:
    """Open a place of the documentation in the browser: the packaged one, which needs no network, or the published one."""
    packaged = resource("site").resolve()
    site = f"{packaged.as_uri()}/" if packaged.is_dir() else SITE
    QDesktopServices.openUrl(QUrl(site + place))


def show_about(parent: QWidget) -> None:
    """Open the version and licences."""
    packaged = notices()
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setObjectName("aboutDialog")
    box.setWindowTitle("About Score Playground")
    box.setText(f"Score Playground {playground.__version__}")
    where = "NOTICES.txt beside the program" if packaged else "docs/dependencies.md of the source"
    box.setInformativeText(
        "See how score-based generative models and diffusion work: train, sample, measure, in one window.\n\n"
        "Its source is under the MIT licence, the typeface under the OFL 1.1, the digits under CC BY 4.0. The packaged "
        "program as a whole is under the GPL 3.\n\n"
        f"Python {platform.python_version()}, Qt {qVersion()}; what else it builds on, and under which licences, is in "
        f"{where}.\n\n"
        "It sends nothing by itself: no reports, no statistics, no search for updates."
    )
    if packaged:
        button = box.addButton("&Licences", QMessageBox.ButtonRole.HelpRole)
        button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(packaged))))
    box.addButton(QMessageBox.StandardButton.Ok).setText("&OK")
    box.setWindowModality(Qt.WindowModality.WindowModal)
    layout = box.layout()
    assert layout is not None
    margins = layout.contentsMargins()
    margins.setRight(margins.right() + px(20))  # as wide as the empty place of an icon at the left
    layout.setContentsMargins(margins)
    box.show()
