"""The gallery of scenes, whose pictures are runs computed here that play under the pointer."""

import functools
from collections.abc import Callable, Iterator

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QGridLayout, QScrollArea, QWidget

from playground.app.dialogs.working_dialog import WorkingDialog
from playground.app.model.views import plane_bounds
from playground.app.style import text_size, theme
from playground.app.style.painting import CENTRE, inside, paint_box, paint_text, smooth
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT
from playground.app.widgets import layouts
from playground.app.widgets.captions import caption, named
from playground.app.widgets.controls import PressedByEnter
from playground.app.workers.timers import timer
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Data, Particles
from playground.drawing.plane import Plane, shaped
from playground.lab.lessons import SCENES, Lesson, load_all
from playground.user_errors import UserError

COLUMNS = 4  # tiles side by side at the usual size of the text
PICTURE = QSize(232, 130)
TEXT = 58  # px below the picture
FRAME = 70  # ms between two frames
SAID = "Each scene sets the window, makes a claim and measures it on this machine. Undo brings your own work back."
Run = tuple[np.ndarray, np.ndarray]  # data and frames


class SceneTile(PressedByEnter):
    """One scene: its run, its title and its topic.

    Signals:
        focused(): it has the keyboard's focus.
    """

    focused = Signal()

    def __init__(self, scene: Lesson) -> None:
        super().__init__()
        self.scene = scene
        self.run: Run | None = None
        self.frame = -1
        self._timer = timer(self, self._advance, interval=FRAME)
        self.setFixedSize(px(PICTURE.width()), px(PICTURE.height()) + px(TEXT))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        named(self, f"{scene.title}: {scene.steps[0].text}", scene.steps[0].text)

    def show_run(self, run: Run) -> None:
        """Paint this run from now on: (N, 2) data and (frames, particles, 2), or images without frames."""
        self.run, self.frame = run, len(run[1]) - 1
        self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn):
            if self.isVisible():  # the focus may come back to a tile of a gallery that is being closed
                self._timer.start()
            if event.type() == QEvent.Type.FocusIn:
                self.focused.emit()
        elif event.type() in (QEvent.Type.Leave, QEvent.Type.FocusOut, QEvent.Type.Hide):
            self._timer.stop()
            self.frame = -1 if self.run is None else len(self.run[1]) - 1
            self.update()
        return super().event(event)

    @Slot()
    def _advance(self) -> None:
        if self.run is not None and len(self.run[1]):
            self.frame = (self.frame + 1) % len(self.run[1])
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        picture = QRectF(0, 0, px(PICTURE.width()), px(PICTURE.height()))
        painter.fillRect(picture, theme.color("background"))
        if self.run is not None:
            self._paint_run(painter, *self.run)
        else:
            paint_text(painter, picture, "computing…", "muted", CENTRE)
        lit = self.underMouse() or self.hasFocus()
        paint_box(painter, inside(self), 6, line="accent" if lit else "border", width=1.5)
        bold = theme.text_font(theme.FONT_PIXELS, QFont.Weight.DemiBold)
        small = theme.text_font(theme.CAPTION_PIXELS)
        line = QRectF(10, px(PICTURE.height()) + px(9), self.width() - 20, px(20))
        for font, token, text in (
            (bold, "text", self.scene.title),
            (small, "muted", self.scene.topic),
        ):
            painter.setFont(font)
            paint_text(painter, line, text, token)
            line.translate(0, px(21))

    def _paint_run(self, painter: QPainter, data: np.ndarray, frames: np.ndarray) -> None:
        width, height, ratio = px(PICTURE.width()), px(PICTURE.height()), self.devicePixelRatioF()
        if data.ndim > 2:
            limits = float(data.min()), float(data.max())
            images = ImageGrid(data[:40], limits, role="data")
            images.paint(painter, Plane((0.0, 1.0, 0.0, 1.0), width, height, ratio), theme.palette())
            return
        plane = Plane(shaped(plane_bounds(data), width, height), width, height, ratio)
        Data(data).paint(painter, plane, theme.palette())
        Particles(frames[self.frame], size=0.8).paint(painter, plane, theme.palette())


class Gallery(WorkingDialog):
    """All bundled scenes; a click shows one in the window.

    Args:
        show: shows a scene in the window.

    Attributes:
        columns: how many tiles stand side by side.
    """

    def __init__(self, show: Callable[[Lesson], None], parent: QWidget | None = None) -> None:
        super().__init__("gallery", "Scenes", parent)
        self._show, self.columns = show, COLUMNS
        self._computed: dict[int, Run] = {}  # grows in the thread
        self.tiles = [SceneTile(scene) for scene in load_all(SCENES).values()]
        said = caption(SAID)
        inside = QWidget()
        self._grid = QGridLayout(inside)
        self._grid.setSpacing(2 * UNIT)
        self._grid.setContentsMargins(0, 0, UNIT, 0)
        group = QButtonGroup(self)  # within which arrows move the focus
        group.setExclusive(False)
        group.buttonClicked.connect(self._chosen)
        self._area = area = layouts.scrolled(inside, QScrollArea())
        for tile in self.tiles:
            group.addButton(tile)
            tile.focused.connect(functools.partial(area.ensureWidgetVisible, tile))
        layouts.down(said, area, within=self, spacing=UNIT, margins=(2 * UNIT, 2 * UNIT, UNIT, 2 * UNIT))
        self.apply_text_size()

    def sizeHint(self) -> QSize:
        """Three rows of tiles, below what is said."""
        return QSize(super().sizeHint().width(), 3 * (px(PICTURE.height()) + px(TEXT) + 2 * UNIT) + 8 * UNIT)

    def apply_text_size(self) -> None:
        """Put as many tiles side by side as four are wide at the usual size of the text, if the screen has room."""
        bar = self._area.verticalScrollBar().sizeHint().width()
        room = text_size.within_screen(self, self.maximumSize()).width() - bar - 2 * UNIT  # beside the tiles' gaps
        fitting = room // (px(PICTURE.width()) + 2 * UNIT)
        self.columns = max(min(round(COLUMNS / text_size.factor()), fitting), 1)
        for place, tile in enumerate(self.tiles):
            self._grid.addWidget(tile, place // self.columns, place % self.columns)
        self._area.setMinimumWidth(self._grid.sizeHint().width() + bar)
        self.resize(text_size.within_screen(self, self.sizeHint()))

    @property
    def complete(self) -> bool:
        """Whether every tile shows its run."""
        return all(tile.run is not None for tile in self.tiles)

    @Slot()
    def start(self) -> None:
        """Compute the runs that are not there yet."""
        steps = [(place, tile.scene.steps[0]) for place, tile in enumerate(self.tiles) if tile.run is None]
        if self.jobs.busy or not steps:
            return
        steps.sort(key=lambda one: one[1].shown_settings.sampling.follows == "learned")  # those to be trained come last

        def compute() -> Iterator[tuple[None, int]]:
            from playground.lab.step_measuring import preview  # loads torch

            for place, step in steps:
                try:
                    for run in preview(step):
                        if run is not None:
                            self._computed[place] = run
                        yield None, len(self._computed)  # the thread can end here
                except UserError:  # its tile stays empty, and the others follow
                    continue

        self.jobs.start("gallery", compute, self._paint)

    def _paint(self, _: int) -> None:
        """Show the runs that have been computed so far."""
        for place, run in list(self._computed.items()):
            if self.tiles[place].run is None:
                self.tiles[place].show_run(run)

    @Slot(QAbstractButton)
    def _chosen(self, tile: SceneTile) -> None:
        self.close()
        self._show(tile.scene)
