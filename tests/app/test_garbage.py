"""Garbage is collected in the GUI thread, where Qt's objects may be destroyed."""

import gc
import threading
import weakref

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from playground.app.workers.garbage import GarbageCollector


def allocate() -> None:
    """Make objects for which Python collects all generations many times."""
    for _ in range(200):
        [[] for _ in range(2_000)]


@pytest.mark.parametrize("collector", [False, True], ids=["Python's own", "the program's"])
def test_a_closed_widget_is_destroyed_in_the_gui_thread(qtbot: QtBot, collector: bool) -> None:
    parent = QObject()
    if collector:
        GarbageCollector(parent)
    else:
        gc.enable()  # what is to be avoided: a worker destroys it
    where: list[int] = []
    dialog = QWidget()
    weakref.finalize(dialog, lambda: where.append(threading.get_ident()))
    cycle: list[object] = [dialog]
    cycle.append(cycle)
    del dialog, cycle
    worker = threading.Thread(target=allocate)
    worker.start()
    worker.join()
    assert bool(where) is not collector
    qtbot.waitUntil(lambda: bool(where))
    assert (where[0] == threading.get_ident()) is collector
