"""The lesson card: its step, the prediction, the measured values beside it, and the explanation."""

import math
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent, QPalette, QPen, QTextDocumentFragment
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QLabel,
    QMessageBox,
    QPushButton,
    QRadioButton,
    QWidget,
)

from playground.app.controllers.controllers import Controllers
from playground.app.controllers.lessons import TASK
from playground.app.model.lesson_progress import Answer
from playground.app.model.state import State
from playground.app.style import theme
from playground.app.style.number_formats import format_number, without_typography
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import unbroken, with_indices
from playground.app.widgets import layouts
from playground.app.widgets.captions import named
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.app.widgets.column import Cards
from playground.app.widgets.controls import Slider
from playground.app.widgets.live_equation_view import LiveEquationView
from playground.app.widgets.selectable import SelectableLabel
from playground.app.widgets.step_bar import StepBar
from playground.app.workers.tasks import TaskStatus
from playground.drawing.palette import DARK, Palette
from playground.lab.defaults import resolve
from playground.lab.experiment import fields
from playground.lab.experiment import value as experiment_value
from playground.lab.lessons import ANSWER, Step
from playground.lab.live_equation import LiveEquation

TO_MARK = "Click the place on the canvas. Enter on the canvas takes the middle of the view."
MARKED = "Your mark is at {}. Click elsewhere to move it."


class Scale(QWidget):
    """A scale with its ends, and with the predicted and the measured value, each with its number and a word.

    Before the prediction is made, the slider above is the scale, and only the numbers are painted.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colors = DARK
        self._ends = (0.0, 1.0)
        self._you: float | None = None
        self._measured: float | None = None
        self._said = True
        self.apply_text_size()

    def show_values(self, ends: tuple[float, float], you: float | None, measured: float | None, said: bool) -> None:
        """Show the ends and values; `said`: whether the prediction is made."""
        self._ends, self._you, self._measured, self._said = ends, you, measured, said
        self.apply_text_size()
        words = [f"scale from {ends[0]:g} to {ends[1]:g}"]
        words += [] if you is None else [f"you said {format_number(you)}"]
        words += [] if measured is None else [f"measured {format_number(measured)}"]
        self.setAccessibleName(", ".join(words))
        self.update()

    def apply_palette(self, palette: Palette) -> None:
        self._colors = palette
        self.update()

    def apply_text_size(self) -> None:
        self.setFixedHeight(px(58) if self._said else px(17))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
        line = QRectF(4, self.height() / 2 - 2, self.width() - 8, 4)
        if self._said:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.palette().color(QPalette.ColorRole.Mid))
            painter.drawRoundedRect(line, 2, 2)
        for text, place in self.labels().items():
            painter.setPen(self._colors.color("text" if ":" in text else "muted"))  # amber on white is too faint
            painter.drawText(place, text)
        if not self._said:
            return
        for value, token in ((self._measured, "particles"), (self._you, "accent")):
            if value is not None and math.isfinite(value):
                x = int(line.left() + self._share(value) * line.width())
                painter.setPen(QPen(self._colors.color(token), 2.5))
                painter.drawLine(x, int(line.center().y() - px(9)), x, int(line.center().y() + px(9)))

    def labels(self) -> dict[str, QRectF]:
        """The texts with their places: the measured value above, the others below; an end gives way to the prediction."""
        metrics = QFontMetricsF(theme.text_font(theme.CAPTION_PIXELS))
        low, high = self._ends
        places: dict[str, QRectF] = {}

        def put(text: str, value: float, top: float) -> None:
            width = metrics.horizontalAdvance(text) + 2
            left = 4 + self._share(value) * (self.width() - 8) - width / 2
            place = QRectF(min(max(left, 0.0), self.width() - width), top, width, px(16))
            if not any(place.adjusted(-UNIT, 0, UNIT, 0).intersects(other) for other in places.values()):
                places[text] = place

        bottom = self.height() - px(17)
        if self._measured is not None and math.isfinite(self._measured):
            put(f"measured: {format_number(self._measured)}", self._measured, 0)
        if self._you is not None:
            put(f"you: {format_number(self._you)}", self._you, bottom)
        for end in (low, high):
            put(format_number(end), end, bottom)
        return places

    def _share(self, value: float) -> float:
        low, high = self._ends
        return min(max((value - low) / (high - low), 0.0), 1.0)


class LessonPanel(CollapsiblePanel):
    """Hidden while no lesson is in progress.

    Signals:
        highlighted(str): the key of the setting that the step is about; "" if there is none.
    """

    highlighted = Signal(str)

    def __init__(self, state: State, controllers: Controllers, parent: QWidget | None = None) -> None:
        super().__init__("Lesson", None, parent, purpose="Predict first; then see what is measured.")
        self._lessons, self._state, self._building = controllers.lessons, state, controllers.building
        self._shown: tuple[str, int] | None = None
        self._explains = False
        self.name = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.name.setFont(theme.text_font(theme.FONT_PIXELS, QFont.Weight.DemiBold))
        self.steps = StepBar()
        self.start_again = QPushButton("Start again")
        self.start_again.setToolTip("Forget your answers to this lesson, and go to its first step.")
        self.start_again.clicked.connect(self._start_again)
        set_role(self.start_again, "quiet")
        self.symbols = LiveEquationView(controllers.tasks, "equation of the lesson")
        self.valued = LiveEquationView(controllers.tasks, "equation with values")
        self.text, self.question, self.explanation = (_Markdown() for _ in range(3))
        self.question.setFont(theme.text_font(theme.FONT_PIXELS, QFont.Weight.DemiBold))
        self.choices = layouts.down(spacing=4)
        self.group = QButtonGroup(self)
        self.slider = Slider()
        self.slider.setAccessibleName("Your prediction")
        self._placed = False  # whether the slider was moved: where it starts is no prediction
        self.slider.valueChanged.connect(self._set_prediction)
        self.slider.sliderPressed.connect(self._set_prediction)
        self.scale = Scale()
        self.mark = SelectableLabel()
        self.mark.setTextFormat(Qt.TextFormat.PlainText)
        self.mark.setWordWrap(True)
        set_role(self.mark, "caption")
        self.notice = Notice()
        self.slider.setToolTip("Drag to what you expect.")
        self.scale.setToolTip("What you said, and what was measured on this machine.")
        self.commit = QPushButton("This is my prediction")
        self.commit.setToolTip("Commit to it: then it is measured, and explained.")
        self.commit.clicked.connect(self._commit)
        set_role(self.commit, "primary")
        self.back, self.again, self.onward = QPushButton("Back"), QPushButton("Again"), QPushButton("Next")
        self.end = QPushButton("Leave")
        self.end.setToolTip("End the lesson. Your own work comes back as it was.")
        self.onward.setToolTip("To the next step.")
        self.back.setToolTip("To the step before.")
        self.again.setToolTip("Answer this step again.")
        lessons = self._lessons
        self.back.clicked.connect(lessons.back)
        self.onward.clicked.connect(lessons.next)
        self.again.clicked.connect(lessons.forget_answer)
        self.end.clicked.connect(lessons.leave)
        for button in (self.commit, self.back, self.again, self.onward, self.end, self.start_again):
            button.setAccessibleName(button.text())
        buttons = layouts.across(
            (self.end, 1),
            (self.back, 1),
            (self.again, 1),
            (self.onward, 1),
            spacing=UNIT // 2,
            margins=(0, UNIT // 2, 0, UNIT // 2),
        )
        above = layouts.across((self.steps, 1), self.start_again)
        layouts.add(self.body, self.name, above, self.text, self.symbols, self.question, self.choices)
        below: tuple[QWidget, ...] = (
            self.slider,
            self.scale,
            self.mark,
            self.commit,
            self.notice,
            self.valued,
            self.explanation,
        )
        layouts.add(self.body, *below, buttons)
        lessons.changed.connect(self._show)
        controllers.tasks.changed.connect(self._follow)
        state.changed.connect(self._show_equations)
        controllers.building.problem_changed.connect(self._show_equations)
        self._show()

    @Slot()
    def _show(self) -> None:
        lessons, lesson, step = self._lessons, self._lessons.lesson, self._lessons.step
        focused = QApplication.focusWidget()
        if focused is not None and not self.isAncestorOf(focused):
            focused = None
        self.setVisible(lesson is not None)
        if lesson is None or step is None:
            self._shown = None
            self.highlighted.emit("")
            return
        if self._shown != (lesson.name, lessons.place):
            self._shown = lesson.name, lessons.place
            self._lay_out()
            self.highlighted.emit(step.head.highlight)
            self.reveal()
        head, answer = step.head, lessons.answer
        asked, answered = bool(head.question), answer is not None
        values = None if answer is None else answer.values
        for button in self.group.buttons():
            chosen = answer is not None and self.group.id(button) == int(answer.prediction[0])
            button.setEnabled(not answered or chosen)  # what was chosen stays legible
            if chosen:
                button.setChecked(True)
        self.slider.setVisible(head.scale is not None and not answered)
        self.scale.setVisible(head.scale is not None)
        self.commit.setVisible(asked and not answered)
        self.commit.setEnabled(bool(self._predicted()))
        self.mark.setVisible(head.mark is not None and not answered)
        self.mark.setText(TO_MARK if lessons.mark is None else MARKED.format(_place(lessons.mark)))
        if head.scale is not None:
            predicted = self._predicted() if answer is None else answer.prediction
            self.scale.show_values(
                head.scale, predicted[0] if predicted else None, None if values is None else values[ANSWER], answered
            )
        self._show_notice(values, None if answer is None else answer.right)
        explained = step.explanation if not asked else ""
        if asked and answer is not None and values is not None:
            explained = step.explained(answer.prediction, values, format_number)
        self.explanation.setText(_shown(explained))
        self.explanation.setVisible(bool(explained))
        self._show_equations()
        done = lessons.progress.done(lesson)
        self.steps.show_steps(len(lesson.steps), lessons.place, done)
        self.start_again.setVisible(bool(done) or answered)
        self.back.setEnabled(lessons.place > 0)
        self.again.setEnabled(answered and not lessons.measuring)
        self.onward.setEnabled(lessons.may_go_on)
        self.onward.setText("Next" if lessons.place + 1 < len(lesson.steps) else "Finish")
        self.onward.setAccessibleName(self.onward.text())
        self.onward.setToolTip("To the next step." if lessons.may_go_on else "First predict, then see.")
        column = self.column()
        if isinstance(column, Cards):
            if not explained:
                column.keep_in_view(None)
            elif answered and not self._explains:
                self.set_folded(False)
                column.keep_in_view(self.onward)  # its equation is drawn later, and moves it
        self._explains = bool(explained)
        if focused is not None and not (focused.isVisibleTo(self) and focused.isEnabled()):
            self._next_control().setFocus()  # it would go to another card, which would seem to be meant

    def _next_control(self) -> QWidget:
        """The control that is used next."""
        if self.onward.isEnabled():
            return self.onward
        answering = (*self.group.buttons(), self.slider, self.commit)
        return next((one for one in answering if one.isVisibleTo(self) and one.isEnabled()), self.end)

    @Slot()
    def _show_equations(self) -> None:
        """Show the step's equation in symbols and, when nothing remains to be predicted, with its values.

        An equation that gives the answer away is hidden until then.
        """
        lessons, step = self._lessons, self._lessons.step
        if step is None:
            return
        equation, answer = LiveEquation(step.head.equation), lessons.answer
        values: dict[str, float | str] = {**self._settings(equation.names)}
        if answer is not None and answer.values is not None:
            found = step.values(answer.prediction, answer.values)
            values |= {name: without_typography(format_number(value)) for name, value in found.items()}
        valued, known = equation.with_values(values), lessons.may_go_on
        self.symbols.show_equation(equation.symbols if known or not step.equation_names_answer else "", "Equation")
        self.valued.show_equation(
            valued if known and valued != equation.symbols else "", "The equation with its values"
        )

    def _settings(self, names: frozenset[str]) -> dict[str, float]:
        """The current numbers of some settings; for "auto" its number, if known."""
        experiment, view, found = self._state.experiment, self._building.problem, dict[str, float]()
        for name in names & fields(experiment).keys():
            value = experiment_value(resolve(experiment), name)
            if value == "auto" and name == "sampling.step":
                value = self._building.default_step
            elif value == "auto" and view is not None and view.resolved is not None and name in fields(view.resolved):
                value = experiment_value(view.resolved, name)
            if isinstance(value, int | float):
                found[name] = value
        return found

    def _lay_out(self) -> None:
        """Lay out another step."""
        lesson, step = self._lessons.lesson, self._lessons.step
        assert lesson is not None
        assert step is not None
        self.set_state(f"step {self._lessons.place + 1} of {len(lesson.steps)}")
        self.name.setText(lesson.head.title)
        self.text.setText(_shown(step.text))
        self.question.setText(_shown(step.head.question))
        self.question.setVisible(bool(step.head.question))
        for button in self.group.buttons():
            self.group.removeButton(button)
            self.choices.removeWidget(button)
            button.hide()
            button.deleteLater()
        for place, choice in enumerate(step.head.choices):
            button = QRadioButton(choice.text)
            named(button, choice.text, "What you expect.")
            self.group.addButton(button, place)
            self.choices.addWidget(button)
            button.toggled.connect(self._moved)
        self.slider.set_position(0.5)
        self._placed = False
        self.slider.set_known(False)

    def _show_notice(self, values: Mapping[str, float] | None, right: bool | None) -> None:
        step, lessons = self._lessons.step, self._lessons
        assert step is not None
        if lessons.answer is None:
            self.notice.say("info", "")
        elif values is None:
            self.notice.say(
                "info",
                "Measuring on this machine…" if lessons.measuring else "Not measured yet.",
                *(() if lessons.measuring else (("Measure", "Measure what was asked.", lessons.measure),)),
            )
        elif right is None:
            self.notice.say("info", "")
        else:
            self.notice.say("info" if right else "warning", _judged(step, lessons.answer, values))

    def _predicted(self) -> tuple[float, ...]:
        """The prediction so far; empty if there is none."""
        step = self._lessons.step
        assert step is not None
        if step.head.mark is not None:
            return self._lessons.mark or ()
        if step.head.scale is None:
            return (float(self.group.checkedId()),) if self.group.checkedId() >= 0 else ()
        if not self._placed:
            return ()
        low, high = step.head.scale
        return (low + (high - low) * self.slider.position(),)

    @Slot()
    def _set_prediction(self) -> None:
        self._placed = True
        self.slider.set_known(True)
        self._moved()

    @Slot()
    def _moved(self) -> None:
        self._show()

    @Slot()
    def _commit(self) -> None:
        self._lessons.predict(*self._predicted())

    @Slot()
    def _start_again(self) -> None:
        box = QMessageBox(
            QMessageBox.Icon.NoIcon, "Start again", "Forget your answers to this lesson?", parent=self.window()
        )
        box.setObjectName("startAgain")
        forget = box.addButton("&Forget", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton("&Cancel", QMessageBox.ButtonRole.RejectRole))
        box.exec()
        if box.clickedButton() is forget:
            self._lessons.start_again()
        box.deleteLater()

    @Slot(str, object)
    def _follow(self, task: str, status: TaskStatus) -> None:
        if task == TASK and self._lessons.lesson is not None:
            if status.error is not None:
                self.notice.say("error", status.error, ("Measure", "Try again.", self._lessons.measure))
            elif not status.running:
                self._show()


def _judged(step: Step, answer: Answer, values: Mapping[str, float]) -> str:
    """Whether a choice or a mark is right, and the measured values, in words."""
    if step.head.mark is not None:
        found = step.values(answer.prediction, values)
        said = "Right" if answer.right else "It is elsewhere"
        return f"{said}. Measured: {_place(step.place(values))}; your mark is {format_number(found['distance'])} away."
    measured = values[ANSWER]
    choice = step.right_choice(measured)
    true = "none of these" if choice is None else step.head.choices[choice].text
    return f"{'As you said' if answer.right else 'Not as you said'}: {true}. Measured: {format_number(measured)}."


def _place(place: Sequence[float]) -> str:
    return f"({', '.join(map(format_number, place))})"


def _shown(text: str) -> str:
    return with_indices(unbroken(text))


class _Markdown(SelectableLabel):
    """A text of a lesson; a screen reader reads it without its marks."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.MarkdownText)
        self.setWordWrap(True)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setAccessibleName(QTextDocumentFragment.fromMarkdown(text).toPlainText())
