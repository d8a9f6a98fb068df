"""The size of the text: all follows at once, comes back exactly, and is remembered."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QScrollBar, QVBoxLayout, QWidget

from playground.app.model.edit_text import summary
from playground.app.panels import LikelihoodPanel
from playground.app.widgets.charts.chart import ChartView
from playground.app.widgets.controls import ChoiceBox
from tests.app.conftest import wait


@pytest.fixture
def window(window, qtbot):
    window.resize(1280, 720)
    window.activateWindow()  # it has the keys
    qtbot.waitUntil(window.isActiveWindow)
    yield window
    window.look.set_text_size(100)


def sizes(window) -> list[tuple[object, ...]]:
    """What each widget has of fonts and bounds."""
    return [
        (
            type(widget).__name__,
            widget.font().pixelSize(),
            widget.minimumSize().toTuple(),
            widget.maximumSize().toTuple(),
        )
        for widget in window.findChildren(QWidget)
        if widget.isVisibleTo(window) and not isinstance(widget, QScrollBar)
    ]


def test_keys_go_through_the_sizes(window):
    for key, percent in (
        (Qt.Key.Key_Plus, 110),
        (Qt.Key.Key_Equal, 120),
        (Qt.Key.Key_Minus, 110),
        (Qt.Key.Key_0, 100),
        (Qt.Key.Key_Minus, 90),
    ):
        QTest.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
        assert window.look.text_percent == percent
        assert window.preferences.get("text_size") == percent


def test_a_list_of_choices_takes_the_width_of_its_present_font(qtbot):
    box = ChoiceBox([("mlp", "MLP"), ("energy", "Energy")])
    qtbot.addWidget(box)
    font, widths = QFont(), []
    for pixels in (13, 26, 13):
        font.setPixelSize(pixels)
        box.setFont(font)
        widths.append(box.minimumSizeHint().width())
    assert widths[0] == widths[2] < widths[1]


def test_the_keys_end_at_both_ends(window):
    for key, end in ((Qt.Key.Key_Plus, 200), (Qt.Key.Key_Minus, 80)):
        for _ in range(12):
            QTest.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
        assert window.look.text_percent == end


def test_all_sizes_come_back_exactly(window):
    window.look.set_text_size(110)  # from here on every widget has been measured by the same rule
    window.look.set_text_size(100)
    before = sizes(window)
    for percent in (130, 80, 200, 110, 90, 100):
        window.look.set_text_size(percent)
        wait()
    assert sizes(window) == before


def test_the_least_size_of_a_dialog_is_that_of_its_layout(window, qtbot):
    """Also after a size of the text at which it was larger or smaller."""
    dialog = QDialog(window)
    qtbot.addWidget(dialog)
    QVBoxLayout(dialog).addWidget(QPushButton("Some words"))
    dialog.show()
    for percent in (200, 100, 80, 200):
        window.look.set_text_size(percent)
        wait()
        assert dialog.minimumSize() == dialog.layout().totalMinimumSize()


def test_text_rows_charts_and_captions_follow(window):
    card = window.panel(LikelihoodPanel)
    label = next(label for label in card.findChildren(QLabel) if label.text().startswith("train NLL"))
    button = window.top_bar.findChild(QPushButton, "learn.scenes.button")
    chart, chip = card.window().findChild(ChartView), window.chips.chips["particles"]
    parts = {
        "text of a caption": lambda: label.font().pixelSize(),
        "text of a button": lambda: button.font().pixelSize(),
        "height of a chart": lambda: chart.height(),
        "width of a chip": lambda: chip.sizeHint().width(),
        "height of the play button": lambda: window.transport.play.height(),
        "distance of the arrows": lambda: window.canvas.width() / window.canvas.arrow_grid()[0],
    }
    before = {name: measure() for name, measure in parts.items()}
    window.look.set_text_size(200)
    wait()
    for name, measure in parts.items():
        assert measure() == pytest.approx(2 * before[name], rel=0.08), name


@pytest.mark.parametrize(
    ("percent", "size", "shown"),
    [
        (100, (1024, 600), "Two moons · denoising · VE process"),
        (200, (1280, 720), "Two moons · denoising · VE process"),
        (200, (1024, 600), "Two moons"),
    ],
)
def test_the_top_bar_shows_what_there_is_room_for(window, percent, size, shown):
    bar = window.top_bar
    window.resize(*size)
    window.look.set_text_size(percent)

    def cut() -> list[str]:
        widgets = (*bar.findChildren(QPushButton), *bar.findChildren(QLabel))
        others = (one for one in widgets if one is not bar.summary and one.isVisible())
        return [one.text() for one in others if one.width() < one.sizeHint().width()]

    wait(lambda: bar.summary.text() == shown and not cut())
    whole = summary(window.state.experiment)
    assert bar.summary.text() == shown
    assert bar.summary.toolTip() == ("" if shown == whole else whole)
    assert not cut()


def test_another_theme_keeps_the_size(window):
    """A style sheet brings back the font that it knows, whenever the palette changes."""
    window.look.set_text_size(150)
    wait()  # until the cards stand in one column
    before = sizes(window)
    for name in ("light", "dark"):
        window.look.set_theme(name)
        wait(lambda: not window.look.restyling.running)
    assert sizes(window) == before


def test_where_two_columns_have_no_room_their_cards_stand_in_one(window):
    card = window.panel(LikelihoodPanel)
    assert not window.columns.joined
    window.look.set_text_size(200)
    wait()
    assert window.columns.joined
    assert card.isVisible()
    assert window.findChild(QWidget, "leftColumn").isAncestorOf(card)
    assert window.size().toTuple() == (1280, 720)
    assert window.canvas.width() >= 400
    window.resize(2400, 1000)
    wait()
    assert not window.columns.joined
    assert window.findChild(QWidget, "rightColumn").isAncestorOf(card)
