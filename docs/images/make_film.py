"""Films the real window for README: train, scrub, click, compare.

    python docs/images/make_film.py [--out FILE.webp]

The window is driven by mouse events, as a user drives it; the pointer is painted in, because a picture of a window has none. What is
seen takes as long as it takes. On a busy machine training is slower.
"""

import argparse
import io
import tempfile
import time
from pathlib import Path

from make_screenshots import HERE, place, problem, wait  # which also sets Qt's platform
from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPolygonF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from playground.app.model.errors import Log
from playground.app.model.preferences import Preferences
from playground.app.panels import DataPanel
from playground.app.window import MainWindow

SIZE = 1280, 720
SHOWN = 960, 540
RATE = 6  # pictures a second
MOST = 5_000_000  # bytes
QUALITIES = 60, 50, 40, 30
POINTER = QPolygonF(
    [QPointF(*corner) for corner in ((0, 0), (0, 17), (4.5, 13), (8, 20), (11, 18.5), (7.5, 12), (13, 12))]
)


class Film:
    """The pictures of a window and its pointer.

    Attributes:
        pictures: each as PNG.
    """

    def __init__(self, window: MainWindow) -> None:
        self.pictures: list[bytes] = []
        self._window, self._at, self._next = window, QPointF(SIZE[0] / 2, SIZE[1] / 2), time.monotonic()

    def go_on(self, seconds: float) -> None:
        """Film for some seconds."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            wait(seconds=max(0.001, min(self._next, end) - now))
            if time.monotonic() >= self._next:
                self._take()

    def move(self, widget: QWidget, to: QPoint, seconds: float = 0.7) -> None:
        """Move the pointer, pressed or not, to a place of a widget."""
        start, end = self._at, QPointF(widget.mapTo(self._window, to))
        count = max(1, round(seconds * RATE))
        for number in range(1, count + 1):
            self._at = start + (end - start) * (number / count)
            QTest.mouseMove(widget, widget.mapFrom(self._window, self._at.toPoint()))
            self.go_on(seconds / count)

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Move to a widget and click on it."""
        spot = widget.rect().center() if at is None else at
        self.move(widget, spot)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=spot)
        self.go_on(0.3)

    def drag(self, widget: QWidget, places: list[QPoint]) -> None:
        """Press at the first place, move through all others, and release."""
        self.move(widget, places[0])
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=places[0])
        for spot in places[1:]:
            self.move(widget, spot, 1.6)
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=places[-1])

    def _take(self) -> None:
        self._next = max(self._next + 1 / RATE, time.monotonic())
        image = self._window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._at)
        painter.setBrush(QColor("white"))
        painter.setPen(QColor("black"))
        painter.drawPolygon(POINTER)
        painter.end()
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.scaled(*SHOWN, mode=Qt.TransformationMode.SmoothTransformation).save(buffer, "PNG")  # type: ignore[call-overload]
        self.pictures.append(bytes(buffer.data().data()))


def button(window: MainWindow, name: str) -> QAbstractButton:
    """The visible button of this name."""
    every = (one for one in window.findChildren(QAbstractButton) if one.isVisible())
    return next(one for one in every if name in (one.text().replace("&", ""), one.accessibleName()))


def act(window: MainWindow, film: Film) -> None:
    """Train on a pinwheel, scrub through a run, click a point, compare two samplers."""
    data = window.panel(DataPanel)
    film.go_on(1)
    film.click(data.more)
    film.click(data.tiles["pinwheel"])
    wait(lambda: problem(window).name == "pinwheel")
    film.click(window.top_bar.train)
    film.go_on(7)
    scrubber = window.transport.scrubber
    middle = scrubber.height() // 2
    film.drag(scrubber, [QPoint(round(share * scrubber.width()), middle) for share in (0.95, 0.35, 0.8)])
    film.click(window.canvas.surface, place(window, 0.9, 0.5))
    wait(lambda: window.controllers.clicking.likelihood is not None)
    film.go_on(2)
    film.click(button(window, "Compare"))
    film.go_on(5)


def save(film: Film, path: Path) -> None:
    """Write the film in the best quality of at most :data:`MOST` bytes.

    Raises:
        ValueError: none has so few.
    """
    first, *others = (Image.open(io.BytesIO(picture)).convert("RGB") for picture in film.pictures)
    for quality in QUALITIES:
        first.save(path, save_all=True, append_images=others, duration=1000 // RATE, loop=0, quality=quality, method=4)
        if path.stat().st_size <= MOST:
            return
    raise ValueError(f"The film of {len(film.pictures)} pictures has {path.stat().st_size:,} bytes.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=HERE / "film.webp")
    chosen = parser.parse_args()
    application = QApplication([])
    with tempfile.TemporaryDirectory() as settings:
        preferences = Preferences(Path(settings) / "settings.ini")
        preferences.set("tour_offered", True)
        window = MainWindow(preferences, Log())
        window.show()
        wait(lambda: window.controllers.state.problem is not None and window.controllers.playing.recorded > 2)
        window.resize(*SIZE)
        film = Film(window)
        act(window, film)
        save(film, chosen.out)
        window.leave()
    del application


if __name__ == "__main__":
    main()
