"""Text needs an application, pictures need no window."""

import pytest
from PySide6.QtWidgets import QApplication


@pytest.fixture(scope="session", autouse=True)
def application() -> QApplication:
    """Fonts are there. Not pytest-qt's own fixture: a search for windows and threads left behind would take longer
    than these tests; the application is one that it can take over."""
    instance = QApplication.instance()
    return instance if isinstance(instance, QApplication) else QApplication([])
