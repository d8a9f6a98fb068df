"""Charts in pictures and films, drawn by the code that draws those of the window."""

import threading
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSizeF, QThread, QTimer
from PySide6.QtGui import QFontMetricsF, QPainter, QPicture

from playground.drawing.axes import figure_font
from playground.drawing.legend import entries_of, laid_out, paint_legend
from playground.drawing.palette import Palette
from playground.drawing.render import PictureError
from playground.lab.chart import Chart

PATIENCE = 0.05  # s between two looks whether a thread that waits for a chart was asked to end


def paint_chart(painter: QPainter, box: QRectF, chart: Chart, palette: Palette, text: float = 11) -> QRectF:
    """Paint a chart into a box, with the names of its series above it.

    Args:
        text: size of the letters in pixels.

    Returns:
        The rectangle of the curves, for further painting there.
    """
    picture, inside = recorded(chart, box.size(), palette, text, painter.deviceTransform().m11())
    painter.drawPicture(box.topLeft(), picture)
    return inside.translated(box.topLeft())


def place_on(curves: QRectF, chart: Chart, x: float, y: float) -> QPointF:
    """A point of a chart whose curves have this rectangle."""
    across, up = float(chart.x.place(x)), float(chart.y.place(y))
    return QPointF(curves.left() + across * curves.width(), curves.bottom() - up * curves.height())


def recorded(chart: Chart, size: QSizeF, palette: Palette, text: float, fineness: float) -> tuple[QPicture, QRectF]:
    """A chart to be painted many times in any thread, and the rectangle of its curves.

    Its items belong to the thread of the application: another thread waits for that one.

    Args:
        fineness: pixels per painter unit.

    Raises:
        PictureError: the thread was asked to end before.
    """
    found: list[tuple[QPicture, QRectF]] = []
    _in_the_applications_thread(lambda: found.append(_record(chart, size, palette, text, fineness)))
    return found[0]


def _record(chart: Chart, size: QSizeF, palette: Palette, text: float, fineness: float) -> tuple[QPicture, QRectF]:
    from playground.drawing.plot import Plot

    font, picture = figure_font(text), QPicture()
    names = laid_out(entries_of(chart), QFontMetricsF(font), size.width())
    head = max([box.bottom() + 4 for box, _ in names], default=0.0)
    plot, below = Plot(None, font, "background"), QRectF(QPointF(0, head), size - QSizeF(0, head))
    plot.resize(below)
    plot.show(chart, palette, chart.x.name)
    with QPainter(picture) as painter:
        painter.setFont(font)
        paint_legend(painter, names, palette)
        plot.paint(painter, below, fineness)
    return picture, plot.box.sceneBoundingRect().translated(below.topLeft())


def _in_the_applications_thread(work: Callable[[], None]) -> None:
    application = QCoreApplication.instance()
    assert application is not None
    if QThread.currentThread() is application.thread():
        work()
        return
    done = threading.Event()

    def do() -> None:
        try:
            work()
        finally:
            done.set()

    QTimer.singleShot(0, application, do)
    while not done.wait(PATIENCE):
        if QThread.currentThread().isInterruptionRequested():
            raise PictureError("The picture was stopped.")
