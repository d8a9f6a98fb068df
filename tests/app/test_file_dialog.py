"""Qt's own dialog of files: its icons and dates can be seen. A window beside it would be restyled for each theme."""

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QFileDialog,
    QToolButton,
    QTreeView,
    QWidget,
)

from playground.app import bars
from playground.app.widgets import file_prompts
from playground.drawing.palette import DARK, LIGHT
from tests.app.conftest import apply_theme, wait

BUTTONS = ("backButton", "forwardButton", "toParentButton", "newFolderButton", "listModeButton", "detailModeButton")


@pytest.fixture(params=[DARK, LIGHT], ids=["dark", "light"])
def dialog(request, qapp, qtbot, tmp_path):
    """Qt's own dialog over a folder of two files; there is no other where the tests run."""
    before = qapp.styleSheet()
    apply_theme(qapp, request.param, bars.SHEET)
    for name in ("measured-values-of-last-week.csv", "session.spg"):
        (tmp_path / name).write_text("x,y\n1,2\n")
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = file_prompts.make_dialog(parent, "Open", str(tmp_path), "All files (*)")
    dialog.show()
    table = dialog.findChild(QTreeView, "treeView")
    wait(lambda: table.model().rowCount(table.rootIndex()) == 2)
    wait(milliseconds=200)
    yield dialog
    dialog.close()
    apply_theme(qapp, DARK)
    qapp.setStyleSheet(before)


def drawn(button: QToolButton) -> tuple[int, int]:
    """Width and height of what stands out from a button's ground, inside its frame."""
    image = button.grab(QRect(QPoint(3, 3), button.size() - button.size().__class__(6, 6))).toImage()
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = (
        np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)[:, : image.width(), :3].astype(int)
    )
    stands_out = np.abs(pixels - pixels[0, 0]).max(axis=2) > 40
    rows, columns = np.flatnonzero(stands_out.any(1)), np.flatnonzero(stands_out.any(0))
    return (int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1) if len(rows) else (0, 0)


def test_the_icons_of_the_file_dialog_can_be_seen(dialog):
    for name in BUTTONS:
        button = dialog.findChild(QToolButton, name)
        button.setEnabled(True)
        width, height = drawn(button)
        assert width + height >= 11, name  # of an arrow the half of its length
        assert min(width, height) >= 4, name


def test_dates_and_sizes_in_the_file_dialog_are_whole(dialog):
    table = dialog.findChild(QTreeView, "treeView")
    header = table.header()
    for column in range(header.count()):
        assert header.sectionSize(column) >= table.sizeHintForColumn(column), column
    assert header.length() <= table.viewport().width()  # none is reached by scrolling only


def test_the_platforms_own_dialog_is_taken_where_there_is_one(dialog):
    assert not dialog.testOption(QFileDialog.Option.DontUseNativeDialog)
    assert not QCoreApplication.testAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
