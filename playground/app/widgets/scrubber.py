"""The sampler's timeline: a track in the colour of each frame's noise level, and a handle at the current frame."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
)
from PySide6.QtWidgets import QAbstractSlider

from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.style.painting import paint_box, smooth
from playground.app.style.text_size import px
from playground.app.widgets.captions import named
from playground.app.widgets.track import EDGE, Track, fonts
from playground.drawing.palette import Palette, rgb

TRACK, TOP = 14, 18  # px: thickness, and room above it for the labels
HANDLE = 5  # px that the handle extends above and below


class Scrubber(Track):
    """Frames from left to right. Frames that are not sampled yet are an empty track and cannot be reached.

    Signals:
        scrubbed(int): the user moved to a frame.
    """

    scrubbed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._sigmas = np.zeros(0)
        self._span: tuple[float, float] | None = None
        self._steps: np.ndarray | None = None
        self._last: int | None = None
        self._cost: Callable[[int], str] = lambda frame: ""
        self._recorded = 0
        self._numbers = True
        self._track: QImage | None = None
        self.setTracking(True)
        named(self, "Timeline of the sampler", "Drag to move particles and field through the noise levels.")
        self.setAccessibleDescription("Arrow keys move by a frame, Page keys by a tenth, Home and End to the ends.")

    # --- content

    def set_progress(self, frame: int, recorded: int, total: int) -> None:
        """Set the current frame, the number of frames that exist, and the number in the complete run."""
        if (recorded, total) != (self._recorded, self.maximum() + 1):
            self._recorded, self._track = recorded, None
            self.setRange(0, max(total - 1, 0))
            self.setPageStep(max(1, total // 10))
        if not self.isSliderDown():
            self.setValue(frame)
        self.update()

    def set_sigmas(
        self,
        sigmas: np.ndarray,
        span: tuple[float, float] | None = None,
        steps: np.ndarray | None = None,
        last: int | None = None,
        cost: Callable[[int], str] = lambda frame: "",
    ) -> None:
        """Set the noise levels of the recorded frames, (frames,), in the user's units.

        Args:
            span: largest and smallest noise level of the complete run, if known before it ends.
            steps: (frames,) the sampler's step of each frame, if not every step has a frame.
            last: the sampler's last step, if it is not the last frame's number.
            cost: returns the score evaluations up to a recorded frame, in words.
        """
        self._sigmas, self._span, self._track = np.array(sigmas, float), span, None
        self._steps, self._last, self._cost = steps, last, cost
        self.update()

    def show_numbers(self, on: bool) -> None:
        """Say the noise levels and the step, or only which end is which and how much is sampled."""
        self._numbers = on
        self.update()

    def apply_palette(self) -> None:
        self._track = None

    def labels(self) -> tuple[str, str, str, str]:
        """The texts at both ends, and in the centre: the current step, and the last one or the sampling's progress."""
        total = self.maximum()
        if not len(self._sigmas):
            return "", "", "", ""
        complete = self._recorded > total
        rises = self._sigmas[-1] > self._sigmas[0]  # the forward process goes from data to noise
        begin, finish, ahead = ("data", "noise", 0) if rises else ("noise", "data", 1)
        if self._is_level:
            begin, finish = "start", "end"
        last = float(self._sigmas[-1]) if self._span is None else self._span[ahead]
        right = (
            f"{finish} σ = {format_number(last)}"
            if complete or self._span is not None
            else f"now σ = {format_number(last)}"
        )
        end = f"{self._last_step}"
        if not self._numbers:
            sampled = "" if complete else f"{self._step(max(self._recorded - 1, 0))} of {end} sampled"
            return begin, finish, sampled, ""
        if complete:
            cost = self._cost(self._recorded - 1)
            end += f" · {cost}" if cost else ""
        else:
            end = f"{self._step(max(self._recorded - 1, 0))} of {end} sampled"
        now = f"step {self._step(self.sliderPosition())}"
        return f"{begin} σ = {format_number(float(self._sigmas[0]))}", right, now, end

    @property
    def _is_level(self) -> bool:
        """Whether all of the run has one noise level, as with Langevin dynamics, but for a last step that denoises."""
        if self._span is None and len(self._sigmas) < 3:
            return False  # the run has just begun
        first, last = self._span or (self._sigmas[0], self._sigmas[-2])
        return bool(np.isclose(first, last))

    @property
    def _last_step(self) -> int:
        return self.maximum() if self._last is None else self._last

    def _step(self, frame: int) -> int:
        """The sampler's step of a recorded frame."""
        return frame if self._steps is None or frame >= len(self._steps) else int(self._steps[frame])

    # --- the user's actions

    def _reach(self, frame: int) -> int:
        return min(max(frame, 0), max(self._recorded - 1, 0))

    def take_key(self, action: int) -> None:
        wanted = self.sliderPosition()
        self.setSliderPosition(self._reach(wanted))
        if action == QAbstractSlider.SliderAction.SliderToMaximum.value:
            self.scrubbed.emit(wanted)  # frames at the end of the run are sampled if necessary
        elif action != QAbstractSlider.SliderAction.SliderMove.value:
            self.scrubbed.emit(self.sliderPosition())

    def place_at(self, x: float) -> int:
        return round(self.share_at(x) * self.maximum())

    def go(self, place: int) -> None:
        frame = self._reach(place)
        changed = frame != self.value()
        self.setSliderPosition(frame)
        if changed:
            self.scrubbed.emit(frame)
        self.update()

    def words_at(self, place: int) -> str:
        frame = min(max(place, 0), self.maximum())
        if frame >= len(self._sigmas):
            return "Not sampled yet"
        cost = self._cost(frame)
        words = f"Step {self._step(frame)} of {self._last_step}, σ = {format_number(float(self._sigmas[frame]))}"
        return f"{words}, {cost}" if cost else words

    # --- painting

    def high(self) -> int:
        return px(TOP) + px(TRACK) + HANDLE + 1

    def _place(self, frame: int) -> float:
        return self.x_of(frame / max(self.maximum(), 1))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        track = QRectF(0, self.height() - HANDLE - 1 - px(TRACK), self.width(), px(TRACK))
        shape = QPainterPath()
        shape.addRoundedRect(track, track.height() / 2, track.height() / 2)
        painter.fillPath(shape, theme.color("border"))
        if self._recorded and len(self._sigmas):
            painter.save()
            painter.setClipPath(shape)
            # The recorded part ends in a straight edge, the track in a round one.
            end = self.width() if self._recorded > self.maximum() else self._place(self._recorded - 1)
            painter.setClipRect(QRectF(0, 0, end, self.height()), Qt.ClipOperation.IntersectClip)
            if self._track is None or self._track.width() != self.width():
                self._track = self._colored(self.width())
            painter.drawImage(track, self._track)
            painter.restore()
        if self.hasFocus():
            ring = track.adjusted(1, -2, -1, 2)
            paint_box(painter, ring, ring.height() / 2, line="accent", width=2)
        x = self._place(self.sliderPosition())
        handle = QRectF(x - 2, track.top() - HANDLE, 4, track.height() + 2 * HANDLE)
        handle.adjust(-0.75, -0.75, 0.75, 0.75)
        paint_box(painter, handle, 2.5, "text", "panel", 1.5)
        self._paint_labels(painter)

    def _paint_labels(self, painter: QPainter) -> None:
        font, bold = fonts()
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(theme.color("muted"))
        noise, data, present, end = self.labels()
        base, left, right = metrics.ascent() + 1, 2.0, self.width() - 2.0
        noise_end, data_start = left + metrics.horizontalAdvance(noise), right - metrics.horizontalAdvance(data)
        if noise_end + 8 < data_start:
            painter.drawText(QPointF(data_start, base), data)
        painter.drawText(QPointF(left, base), noise)
        if not noise:
            return
        of, room = QFontMetricsF(bold).horizontalAdvance(present), data_start - noise_end - 24
        of_last = " / " if self._recorded > self.maximum() else " · "
        # The last step's cost is left out if there is no room.
        wholes = [f"{of_last}{end}", f"{of_last}{end.partition(' · ')[0]}", ""]
        end = next((text for text in wholes if of + metrics.horizontalAdvance(text) < room), "")
        middle = (self.width() - of - metrics.horizontalAdvance(end)) / 2
        if middle < noise_end + 8:
            middle = noise_end + 12
        if middle + of > data_start:
            return
        painter.drawText(QPointF(middle + of, base), end if self._numbers else "")
        painter.setFont(bold)
        painter.setPen(theme.color("text"))
        painter.drawText(QPointF(middle, base), present)

    def _colored(self, width: int) -> QImage:
        """One row of pixels, from the score's hue at high noise to the particles' at none, linear in log sigma."""
        frames = np.clip((np.arange(width) + 0.5 - EDGE) / max(width - 2 * EDGE, 1), 0, 1) * self.maximum()
        sigmas = np.interp(frames, np.arange(len(self._sigmas)), self._sigmas)
        high, low = self._span or (float(self._sigmas.max()), float(self._sigmas.min()))
        positive = self._sigmas[self._sigmas > 0]
        floor = low if low > 0 else float(positive.min()) if len(positive) else 1.0  # sigma may end at exactly 0
        high = max(high, floor)
        reach = np.log(high / floor)
        level = 0.5 * np.ones(width) if reach < 1e-6 else np.log(high / np.maximum(sigmas, floor)) / reach
        stops = _noise_to_data(theme.palette())
        places = np.linspace(0, 1, len(stops))
        red, green, blue = (
            np.round(np.interp(level, places, [stop[channel] for stop in stops])).astype(np.uint32)
            for channel in range(3)
        )
        row = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
        return QImage(row.data, width, 1, 4 * width, QImage.Format.Format_RGB32).copy()


def _noise_to_data(palette: Palette) -> list[tuple[int, int, int]]:
    """Red, green and blue of dim periwinkle, periwinkle, a muted amber, and amber."""
    panel, learned, particles = QColor(palette.panel), QColor(palette.learned), QColor(palette.particles)
    stops = (
        _mixed(panel, learned, 0.35),
        _mixed(panel, learned, 0.75),
        _mixed(panel, _mixed(learned, particles, 0.65), 0.7),
        particles,
    )
    return [(stop.red(), stop.green(), stop.blue()) for stop in stops]


def _mixed(one: QColor, other: QColor, part: float) -> QColor:
    return QColor(*(round(a + (b - a) * part) for a, b in zip(rgb(one), rgb(other), strict=True)))
