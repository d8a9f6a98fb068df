"""The bar below the canvas: play, step and scrub through the sampler's recorded frames."""

import itertools
import math
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QLabel, QSizePolicy, QToolTip, QWidget

from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_number, parse_number
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import named
from playground.app.widgets.controls import KeyboardRing, NumberEdit, Slider
from playground.app.widgets.scrubber import Scrubber
from playground.app.widgets.training_track import TrainingTrack
from playground.messages import Message

TINY, SMALL, LARGE = 20, 32, 46  # px, sides of the buttons
PICTURES = {TINY: 10, SMALL: 16, LARGE: 22}  # px, sides of their icons
FASTEST = 8.0  # times the normal speed; the slowest is its inverse
NARROW = 720  # px: below it the word "speed" is hidden


class TransportButton(KeyboardRing, QAbstractButton):
    """A button with an icon: square, or a large disc for playing."""

    def __init__(self, icon: str, name: str, tip: str, size: int = SMALL, checkable: bool = False) -> None:
        super().__init__()
        self._icon, self._large = icon, size == LARGE
        self._why_disabled = ""
        self._picture = PICTURES[size]
        self.setFixedSize(px(size), px(size))
        self.setCheckable(checkable)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.describe(icon, name, tip)

    def describe(self, icon: str, name: str, tip: str) -> None:
        """Set what the button does."""
        self._icon, self._tip = icon, tip
        self.setAccessibleName(name)
        self._say()

    def set_why_disabled(self, why: Message | None) -> None:
        """Set why the button is disabled now; None enables it."""
        self._why_disabled = worded(why)
        self.setEnabled(why is None)
        self._say()

    def _say(self) -> None:
        text = self._why_disabled or self._tip
        self.setAccessibleDescription(text)
        self.setToolTip(f"<p>{self.accessibleName()}<br>{text}</p>")
        self.update()

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        hovered, down = self.underMouse() and self.isEnabled(), self.isDown()
        if self._large:
            fill = theme.color("particles") if self.isEnabled() else theme.color("raised")
            fill = fill.darker(112) if down else fill.lighter(110) if hovered else fill
            ink = "on_accent" if self.isEnabled() else "disabled"
            painter.setPen(Qt.PenStyle.NoPen)
            radius = box.width() / 2
        else:
            fill = theme.color("border" if down else "hover" if hovered or self.isChecked() else "raised")
            ink = "accent" if self.isChecked() else "text" if self.isEnabled() else "disabled"
            painter.setPen(QPen(theme.color("accent" if self.isChecked() else "border"), 1))
            radius = min(7.0, box.width() / 4)
        painter.setBrush(fill)
        painter.drawRoundedRect(box, radius, radius)
        if self.ringed:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("text" if self._large else "accent"), 2))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), radius - 1, radius - 1)
        side = px(self._picture)
        picture = theme.icon(self._icon, ink, self._picture).pixmap(QSize(side, side), self.devicePixelRatioF())
        # The triangle's centre of mass lies left of its box's centre.
        nudge = 1.0 if self._large and self._icon == "play" else 0.0
        painter.drawPixmap(QPointF((self.width() - side) / 2 + nudge, (self.height() - side) / 2), picture)


class SpeedSlider(Slider):
    """A logarithmic slider; a double click returns it to the centre."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.setValue(self.STEPS // 2)
        self.moved.emit(self.position())


class Transport(QWidget):
    """The timeline of one sampling run, and below it that of the training.

    Signals:
        play_toggled(bool): the user asked to play or to pause.
        stepped(int): one frame forward (1) or back (-1).
        scrubbed(int): to this frame.
        restarted(bool): run the sampler again; True with a new seed, False with the same.
        loop_toggled(bool): whether to start again at the end.
        speed_changed(float): frames per normal frame time, 1/8 to 8.
        step_chosen(int): show the weights of this training step, counted from 0.
        training_play_toggled(bool): the user asked to play the training or to pause.
    """

    play_toggled = Signal(bool)
    stepped = Signal(int)
    scrubbed = Signal(int)
    restarted = Signal(bool)
    loop_toggled = Signal(bool)
    speed_changed = Signal(float)
    step_chosen = Signal(int)
    training_play_toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playing, self._replaying, self._speed = True, False, 1.0
        self._still: Message | None = None  # why nothing can be played
        self.restart = TransportButton("restart", "Restart", "Run the sampler again with the same noise (R).")
        self.new_seed = TransportButton("new-seed", "Restart with new noise", "Run the sampler with another seed (N).")
        self.back = TransportButton("step-back", "Step back", "One frame back (comma).")
        self.play = TransportButton("pause", "Pause", "", LARGE)
        self.forward = TransportButton("step-forward", "Step", "One frame forward (full stop).")
        self.loop = TransportButton("loop", "Loop", "Start again when the run ends (L).", checkable=True)
        self.loop.setChecked(True)
        self.scrubber = Scrubber()
        self.track = TrainingTrack()
        self.play_training = TransportButton("play", "Play training", "", TINY)
        self.speed_label = QLabel("speed")
        self.speed_label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.speed_slider = SpeedSlider()
        named(self.speed_slider, "Speed", "Speed of playing, from 1/8 to 8 times; double-click for 1×.")
        self.speed_slider.setFixedWidth(px(90))
        self.speed_slider.setSingleStep(round(Slider.STEPS / 12))  # half an octave
        self.speed_edit = NumberEdit(lambda speed: f"{format_number(speed)}×")
        self.speed_edit.setAccessibleName("Speed as a number")
        self.speed_edit.setFixedWidth(px(46))
        self.speed_edit.setMaxLength(12)
        self.speed_label.setBuddy(self.speed_edit)
        self._lay_out()
        self._connect()
        self.set_playing(True)
        self.set_training_playing(False)
        self.set_speed(1.0)

    def _lay_out(self) -> None:
        order = (self.restart, self.back, self.play, self.forward, self.new_seed, self.loop)
        row = layouts.across(*order, within=self, spacing=8, margins=(16, 6, 16, 6))
        row.addSpacing(8)
        training = layouts.across(spacing=8)
        training.addWidget(self.play_training, 0, Qt.AlignmentFlag.AlignTop)
        training.addWidget(self.track, 1)
        times = layouts.down(self.scrubber, training, spacing=0)
        row.addLayout(times, 1)
        row.addSpacing(8)
        layouts.add(row, self.speed_label, self.speed_slider, self.speed_edit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        chain = (*order, self.scrubber, self.play_training, self.track, self.speed_slider, self.speed_edit)
        for one, other in itertools.pairwise(chain):
            QWidget.setTabOrder(one, other)

    def _connect(self) -> None:
        self.play.clicked.connect(lambda: self.play_toggled.emit(not self._playing))
        self.back.clicked.connect(lambda: self.stepped.emit(-1))
        self.forward.clicked.connect(lambda: self.stepped.emit(1))
        for button in (self.back, self.forward):
            button.setAutoRepeat(True)
            button.setAutoRepeatDelay(350)
            button.setAutoRepeatInterval(60)
        self.restart.clicked.connect(lambda: self.restarted.emit(False))
        self.new_seed.clicked.connect(lambda: self.restarted.emit(True))
        self.loop.clicked.connect(self.loop_toggled)
        self.scrubber.scrubbed.connect(self.scrubbed)
        self.track.step_chosen.connect(self.step_chosen)
        self.play_training.clicked.connect(lambda: self.training_play_toggled.emit(not self._replaying))
        self.speed_slider.moved.connect(lambda place: self._choose_speed(_speed_at(place)))
        self.speed_edit.committed.connect(self._type_speed)
        self.speed_edit.abandoned.connect(lambda: self._refuse(""))
        self.speed_edit.stepped.connect(lambda steps: self._choose_speed(self._speed * 2 ** (steps / 2)))

    # --- set by the window

    @Slot(bool)
    def set_playing(self, playing: bool) -> None:
        """Set whether the frames run."""
        self._playing = playing
        self._show_play()

    def _show_play(self) -> None:
        if self._playing and not self._still:
            self.play.describe("pause", "Pause", "Stop at this frame (Space).")
        else:
            self.play.describe("play", "Play", "Play the run (Space).")

    def set_why_disabled(self, playing: Message | None, sampling: Message | None) -> None:
        """Set why nothing can be played and why no run can start; None if it can."""
        self._still = playing
        for button in (self.play, self.back, self.forward):
            button.set_why_disabled(playing)
        self.scrubber.setEnabled(playing is None)
        for button in (self.restart, self.new_seed):
            button.set_why_disabled(sampling)
        self._show_play()

    def set_steps(self, steps: Sequence[int], place: int, why_disabled: Message | None) -> None:
        """Set the training's steps, the index of the one in view, and why no other can be chosen."""
        self.track.set_steps(steps, place)
        self.track.set_why_disabled(why_disabled)
        self.play_training.set_why_disabled(why_disabled)

    @Slot(bool)
    def set_training_playing(self, playing: bool) -> None:
        """Set whether the training is played."""
        self._replaying = playing
        if playing:
            self.play_training.describe("pause", "Pause training playback", "Stay at this training step (P).")
        else:
            tip = "Watch the network learn, step by step, at this frame of the run (P)."
            self.play_training.describe("play", "Play training", tip)

    @Slot(int, int, int)
    def set_progress(self, frame: int, recorded: int, total: int) -> None:
        """Set the current frame, the number of frames that exist, and the number in the complete run."""
        self.scrubber.set_progress(frame, recorded, total)

    @Slot(float)
    def set_speed(self, speed: float) -> None:
        """Show a speed, 1/8 to 8."""
        self._speed = min(max(speed, 1 / FASTEST), FASTEST)
        self.speed_slider.set_position(0.5 + math.log2(self._speed) / (2 * math.log2(FASTEST)))
        self.speed_edit.show_value(self._speed)
        self._refuse("")

    @Slot(bool)
    def set_loop(self, loop: bool) -> None:
        """Show whether the run starts again at its end."""
        self.loop.setChecked(loop)

    # --- speed

    def _choose_speed(self, speed: float) -> None:
        before = self._speed
        self.set_speed(speed)
        if self._speed != before:
            self.speed_changed.emit(self._speed)

    def _type_speed(self, text: str) -> None:
        speed = parse_speed(text)
        if speed is not None and 1 / FASTEST <= speed <= FASTEST:
            self._choose_speed(speed)
            return
        what = f"A speed of “{text.strip()}” is not possible" if text.strip() else "A speed is missing"
        self._refuse(f"{what}: type a factor from 1/8 to 8, as in 2 or 1/4.")

    def _refuse(self, sentence: str) -> None:
        """Say why a speed was refused, in a tooltip, because the bar has no room for a sentence."""
        refused = self.speed_edit.property("refused") == "true"
        theme.set_state(self.speed_edit, "refused", "true" if sentence else "false")
        self.speed_edit.setToolTip(wrapped(sentence or "Speed of playing: type a factor from 1/8 to 8."))
        self.speed_edit.setAccessibleDescription(sentence)
        if sentence:
            above = QPoint(0, -3 * self.speed_edit.height())
            QToolTip.showText(self.speed_edit.mapToGlobal(above), self.speed_edit.toolTip(), self.speed_edit)
        elif refused:
            QToolTip.hideText()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.speed_label.setVisible(self.width() >= px(NARROW))
        super().resizeEvent(event)


def parse_speed(text: str) -> float | None:
    """The positive factor of a text as people write it; None if it is not one.

    >>> parse_speed("2"), parse_speed("1/4"), parse_speed("0,5 ×"), parse_speed("fast"), parse_speed("0")
    (2.0, 0.25, 0.5, None, None)
    """
    top, slash, bottom = text.strip().rstrip("×xX ").partition("/")
    numerator, denominator = parse_number(top, whole=False), parse_number(bottom, whole=False) if slash else 1.0
    if numerator is None or not denominator or numerator / denominator <= 0:
        return None
    return float(numerator / denominator)


def _speed_at(position: float) -> float:
    """The speed of a slider position in [0, 1], rounded to a readable value if one is near."""
    octaves = (2 * position - 1) * math.log2(FASTEST)
    near = round(octaves)
    return float(2.0 ** (near if abs(octaves - near) < 0.06 else octaves))
