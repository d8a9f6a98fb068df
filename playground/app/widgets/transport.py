"""The bar below the canvas: play, step and scrub through the sampler's recorded frames."""

import math

from PySide6.QtCore import QPoint, QPointF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QMouseEvent, QPaintEvent, QPalette, QResizeEvent, QTextDocumentFragment
from PySide6.QtWidgets import QAbstractButton, QLabel, QToolTip, QWidget

from playground.app.style import theme
from playground.app.style.number_formats import format_number, parse_number
from playground.app.style.painting import Ink, inside, paint_box, smooth
from playground.app.style.text_size import px
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import named
from playground.app.widgets.controls import KeyboardRing, NumberEdit, Slider
from playground.app.widgets.scrubber import Scrubber
from playground.app.widgets.training_track import TrainingTrack

TINY, SMALL, LARGE = 20, 32, 46  # px, sides of the buttons
PICTURES = {TINY: 10, SMALL: 16, LARGE: 22}  # px, sides of their icons
FASTEST = 8.0  # times the normal speed; the slowest is its inverse
NARROW = 720  # px: below it the word "speed" is hidden


class TransportButton(KeyboardRing, QAbstractButton):
    """A command's button with an icon: square, or a large disc for playing."""

    def __init__(self, icon: str, size: int = SMALL) -> None:
        super().__init__()
        self._icon, self._large = icon, size == LARGE
        self._picture = PICTURES[size]
        self._goes_on = False
        self.setFixedSize(px(size), px(size))
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def follow(self, action: QAction) -> None:
        """Carry out a command, and show whether it can be carried out now."""
        self._action = action
        self.setCheckable(action.isCheckable())
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    @Slot(bool)
    def set_going_on(self, going_on: bool) -> None:
        """Set whether it plays, so that a press pauses."""
        self._goes_on = going_on
        self.update()

    @Slot()
    def _follow(self) -> None:
        self.setAccessibleName(self._action.text().partition("\t")[0].rstrip("…"))
        self.setAccessibleDescription(QTextDocumentFragment.fromHtml(self._action.toolTip()).toPlainText())
        self.setToolTip(f"<p>{self.accessibleName()}</p>{self._action.toolTip()}")
        self.setEnabled(self._action.isEnabled())
        self.setChecked(self._action.isChecked())
        self.update()

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        box = inside(self)
        hovered, down = self.underMouse() and self.isEnabled(), self.isDown()
        if self._large:
            disc = theme.color("particles" if self.isEnabled() else "raised")
            fill: Ink = disc.darker(112) if down else disc.lighter(110) if hovered else disc
            ink = "on_accent" if self.isEnabled() else "disabled"
            line, radius = None, box.width() / 2
        else:
            fill = "border" if down else "hover" if hovered or self.isChecked() else "raised"
            ink = "accent" if self.isChecked() else "text" if self.isEnabled() else "disabled"
            line = "accent" if self.isChecked() else "border"
            radius = min(7.0, box.width() / 4)
        paint_box(painter, box, radius, fill, line)
        if self.ringed:
            ring = "text" if self._large else "accent"
            paint_box(painter, box.adjusted(1, 1, -1, -1), radius - 1, line=ring, width=2)
        side = px(self._picture)
        icon = "pause" if self._goes_on and self.isEnabled() else self._icon
        picture = theme.icon(icon, ink, self._picture).pixmap(QSize(side, side), self.devicePixelRatioF())
        # The triangle's centre of mass lies left of its box's centre.
        nudge = 1.0 if self._large and icon == "play" else 0.0
        painter.drawPixmap(QPointF((self.width() - side) / 2 + nudge, (self.height() - side) / 2), picture)


class SpeedSlider(Slider):
    """A logarithmic slider; a double click returns it to the centre."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.setValue(self.STEPS // 2)
        self.moved.emit(self.position())


class Transport(QWidget):
    """The timeline of one sampling run, and below it that of the training.

    Signals:
        speed_changed(float): frames per normal frame time, 1/8 to 8.
    """

    speed_changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._speed = 1.0
        self._all, self._trained = True, False
        self.restart = TransportButton("restart")
        self.new_seed = TransportButton("new-seed")
        self.back = TransportButton("step-back")
        self.play = TransportButton("play", LARGE)
        self.forward = TransportButton("step-forward")
        self.loop = TransportButton("loop")
        self.scrubber = Scrubber()
        self.track = TrainingTrack()
        self.play_training = TransportButton("play", TINY)
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
        self.set_speed(1.0)

    def _lay_out(self) -> None:
        order = (self.restart, self.back, self.play, self.forward, self.new_seed, self.loop)
        row = layouts.across(*order, within=self, spacing=8, margins=(16, 3, 16, 3))
        row.addSpacing(8)
        training = layouts.across(spacing=8)
        training.addWidget(self.play_training, 0, Qt.AlignmentFlag.AlignTop)
        training.addWidget(self.track, 1)
        times = layouts.down(self.scrubber, training, spacing=0)
        for part in (self.play_training, self.track):
            layouts.keep_room(part)
        row.addLayout(times, 1)
        row.addSpacing(8)
        layouts.add(row, self.speed_label, self.speed_slider, self.speed_edit)
        layouts.grow_across(self)
        times_and_speed = self.scrubber, self.play_training, self.track, self.speed_slider, self.speed_edit
        layouts.tab_through(*order, *times_and_speed)

    def show_all(self, on: bool) -> None:
        """Show everything, or play, the time and the speed; keys and the menu Sample have the rest."""
        buttons = self.restart, self.back, self.forward, self.new_seed, self.loop
        for part in (*buttons, self.speed_slider):
            part.setVisible(on)
        self._all = on
        self.speed_label.setVisible(on and self.width() >= px(NARROW))
        self.scrubber.show_numbers(on)
        self.show_training(self._trained)

    def show_training(self, trained: bool) -> None:
        """Show the timeline of the training, if there was one; its room is kept."""
        self._trained = trained
        for part in (self.play_training, self.track):
            part.setVisible(trained or self._all)

    def _connect(self) -> None:
        for button in (self.back, self.forward):
            button.setAutoRepeat(True)
            button.setAutoRepeatDelay(350)
            button.setAutoRepeatInterval(60)
        self.speed_slider.moved.connect(lambda place: self._choose_speed(_speed_at(place)))
        self.speed_edit.committed.connect(self._type_speed)
        self.speed_edit.abandoned.connect(lambda: self._refuse(""))
        self.speed_edit.stepped.connect(lambda steps: self._choose_speed(self._speed * 2 ** (steps / 2)))

    # --- speed

    @Slot(float)
    def set_speed(self, speed: float) -> None:
        """Show a speed, 1/8 to 8."""
        self._speed = min(max(speed, 1 / FASTEST), FASTEST)
        self.speed_slider.set_position(0.5 + math.log2(self._speed) / (2 * math.log2(FASTEST)))
        self.speed_edit.show_value(self._speed)
        self._refuse("")

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
        refused = self.speed_edit.property("refused")
        theme.set_state(self.speed_edit, "refused", bool(sentence))
        self.speed_edit.setToolTip(wrapped(sentence or "Speed of playing: type a factor from 1/8 to 8."))
        self.speed_edit.setAccessibleDescription(sentence)
        if sentence:
            above = QPoint(0, -3 * self.speed_edit.height())
            QToolTip.showText(self.speed_edit.mapToGlobal(above), self.speed_edit.toolTip(), self.speed_edit)
        elif refused:
            QToolTip.hideText()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.speed_label.setVisible(self._all and self.width() >= px(NARROW))
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
