"""A label whose text changes with every frame keeps its size, so that nothing around it is laid out again."""

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QWidget

from playground.app.widgets.steady_size import SteadySize


class _Requests(QObject):
    """Counts how often the layout of a widget is asked for."""

    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.LayoutRequest
        return False


@pytest.fixture
def row(qtbot) -> tuple[QWidget, QLabel, _Requests]:
    outside, label, requests = QWidget(), QLabel("800"), _Requests()
    qtbot.addWidget(outside)
    beside = QHBoxLayout(outside)
    beside.addWidget(QPushButton("head"), 1)
    beside.addWidget(SteadySize(label))
    outside.resize(300, 40)
    outside.show()
    shown(label, "801")
    outside.installEventFilter(requests)
    requests.setParent(outside)
    return outside, label, requests


def shown(label: QLabel, text: str) -> None:
    label.setText(text)
    for _ in range(3):
        QApplication.processEvents()


def test_a_text_that_fits_asks_for_no_layout(row) -> None:
    _, label, requests = row
    wide = label.width()
    for text in ("80", "1", "8"):
        shown(label, text)
    assert (requests.count, label.width()) == (0, wide)


def test_a_longer_text_gets_its_room_and_keeps_it(row) -> None:
    _, label, requests = row
    shown(label, "1,000 evaluations")
    wide = label.width()
    assert requests.count > 0
    assert wide >= label.sizeHint().width()
    shown(label, "2 evaluations")
    assert label.width() == wide


def test_an_empty_label_gives_its_room_back(row) -> None:
    _, label, _ = row
    shown(label, "")
    assert label.width() == 0


def test_a_larger_font_gets_its_room(row) -> None:
    _, label, _ = row
    font = label.font()
    font.setPixelSize(2 * label.fontMetrics().height())
    label.setFont(font)
    shown(label, label.text())
    assert label.height() >= label.sizeHint().height()
    assert label.width() >= label.sizeHint().width()


def test_another_size_of_the_text_gives_the_room_back_that_the_larger_one_took(row) -> None:
    _, label, _ = row
    wide, font = label.width(), label.font()
    for size in (2 * label.fontMetrics().height(), label.fontInfo().pixelSize()):  # a system may have it in points
        font.setPixelSize(size)
        label.setFont(font)
        label.parentWidget().apply_text_size()
        shown(label, label.text())
    assert label.width() <= wide
