"""A chart in a window of its own."""

from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QSizePolicy

from playground.app.style import theme
from playground.app.widgets.charts.chart import HEAD_PIXELS, MARGIN, ChartView
from playground.drawing.legend import entries_of, laid_out
from playground.lab.chart import Chart


class TallChart(ChartView):
    """A chart that uses all of its height; its head has the lines that the names need with their values."""

    def __init__(self, name: str, about: str, height: int) -> None:
        super().__init__(name, about, height)
        self.setMaximumHeight(16777215)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_chart(self, chart: Chart, description: str) -> None:
        super().show_chart(chart, description)
        self._place()

    def _head(self) -> int:
        metrics = QFontMetricsF(theme.number_font(HEAD_PIXELS))
        names = [] if self.chart is None else entries_of(self.chart)
        longest = [entry._replace(text=f"{entry.text} 0.0123") for entry in names]  # under the pointer
        placed = laid_out(longest, metrics, self.width() - MARGIN)
        return round(MARGIN + max([box.bottom() for box, _ in placed], default=metrics.height()))
