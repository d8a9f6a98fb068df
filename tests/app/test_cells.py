"""Cells that the pointer or the arrow keys choose."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from playground.app.dialogs.boltzmann.gallery import Gallery


def test_a_chosen_cell_that_has_no_room_has_no_ring_on_another(qtbot, monkeypatch):
    gallery = Gallery("Patterns", 40)
    qtbot.addWidget(gallery)
    gallery.resize(60, 40)
    gallery.show_patterns(np.ones((50, 3, 3), np.int8), "data")
    shown, _ = gallery.grid()
    assert shown < 50

    def ringed(chosen):
        gallery.chosen, images = chosen, []
        for focus in (True, False):
            monkeypatch.setattr(gallery, "hasFocus", lambda focus=focus: focus)
            images.append(gallery.grab().toImage())
        return images[0] != images[1]

    assert ringed(shown - 1)
    assert not ringed(shown)
    assert not ringed(49)
    QTest.keyClick(gallery, Qt.Key.Key_Left)
    assert gallery.chosen == shown - 1
