"""The steps of a lesson in a row: those that are done, the current one, and those to come."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from playground.app.style.painting import paint_box, smooth
from playground.app.style.text_size import px
from playground.app.widgets import layouts

HEIGHT, LENGTH, GAP = 6, 32, 5  # px
RING = 3  # px beyond the bar: the current step is taller, so that colour alone does not mark it


class StepBar(QWidget):
    """A bar for each step: filled if it is done, tall and in the particles' colour if it is the current one."""

    def __init__(self) -> None:
        super().__init__()
        self._count, self._place, self._done = 1, 0, frozenset[int]()
        self.setFixedHeight(px(HEIGHT) + 2 * RING)
        layouts.grow_across(self)

    def show_steps(self, count: int, place: int, done: frozenset[int]) -> None:
        """Show `count` steps, the current one at `place` from 0, and the done ones, counted from 1."""
        self._count, self._place, self._done = count, place, done
        words = f"Step {place + 1} of {count}, {len(done)} done"
        self.setAccessibleName(words)
        self.setToolTip(f"{words}.")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        length = min(px(LENGTH), (self.width() - GAP * (self._count - 1)) / self._count)
        for place in range(self._count):
            here, done = place == self._place, place + 1 in self._done
            bar = QRectF(place * (length + GAP), RING, length, px(HEIGHT))
            if here:
                bar.adjust(0, 1 - RING, 0, RING - 1)
            fill = "particles" if here else "accent" if done else "border"
            paint_box(painter, bar, bar.height() / 2, fill)
