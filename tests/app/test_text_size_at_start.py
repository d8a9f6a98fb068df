"""A window opens in the size of text that was chosen before."""

from PySide6.QtWidgets import QPushButton

from playground.app.model.preferences import Preferences
from playground.app.style import text_size
from tests.app.conftest import end, make_window, wait


def test_a_window_opens_in_the_size_that_is_remembered(qtbot, tmp_path):
    preferences = Preferences(tmp_path / "settings.ini")
    preferences.set("text_size", 150)
    preferences.flush()
    window = make_window(tmp_path)
    try:
        window.resize(1600, 900)
        window.show()
        wait()
        assert window.look.text_percent == 150
        assert window.top_bar.findChild(QPushButton, "learn.scenes.button").font().pixelSize() == 20
        assert window.top_bar.height() == 69  # of 46 at 100 %
    finally:
        window.look.set_text_size(100)
        end(window)
    assert text_size.factor() == 1.0
