"""The card of a lesson or a scene: its step, the prediction, the measured values beside it, and the explanation."""

import math
from collections.abc import Sequence
from urllib.parse import unquote

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontMetricsF, QPaintEvent, QPen, QTextDocumentFragment
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QLabel,
    QRadioButton,
    QWidget,
)

from playground.app.controllers.controllers import Controllers
from playground.app.controllers.lessons import JOB
from playground.app.model.state import State
from playground.app.panels.figure import JobButton
from playground.app.panels.lesson_summary import LessonSummary
from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.style.painting import paint_box, smooth
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role
from playground.app.style.wrapping import unbroken, with_indices
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, named, show_text
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.app.widgets.column import Column
from playground.app.widgets.controls import Slider
from playground.app.widgets.file_prompts import Answer, ask
from playground.app.widgets.live_equation_view import LiveEquationView
from playground.app.widgets.selectable import SelectableLabel
from playground.app.widgets.step_bar import StepBar
from playground.app.widgets.step_equation import numbers_in_view, with_values
from playground.lab.chart import Axis
from playground.lab.glossary import linked
from playground.lab.lessons import ANSWER, Lesson, MeasuredStep, Step
from playground.lab.live_equation import LiveEquation

PURPOSE = {
    "Lesson": "Predict first; then see what is measured.",
    "Scene": "Shows one thing, and measures its claim.",
}
HOLDS, FAILS = "The claim holds.", "The claim does not hold here."
CHANGED = "The settings are no longer the scene's. Measure takes the scene's own."
TO_MARK = "Click the place on the canvas. Enter on the canvas takes the middle of the view."
MARKED = "Your mark is at {}. Click elsewhere to move it."


class Scale(QWidget):
    """A scale with its ends, and with the predicted and the measured value, each with its number and a word.

    Before the prediction is made, the slider above is the scale, and only the numbers are painted.
    """

    def __init__(self) -> None:
        super().__init__()
        self._axis = Axis("", 0.0, 1.0)
        self._you: float | None = None
        self._measured: float | None = None
        self._said = True
        self.apply_text_size()

    def show_values(self, ends: tuple[float, float], you: float | None, measured: float | None, said: bool) -> None:
        """Show the ends and values; `said`: whether the prediction is made."""
        self._axis, self._you, self._measured, self._said = Axis("", *ends), you, measured, said
        self.apply_text_size()
        words = [f"scale from {ends[0]:g} to {ends[1]:g}"]
        words += [] if you is None else [f"you said {format_number(you)}"]
        words += [] if measured is None else [f"measured {format_number(measured)}"]
        self.setAccessibleName(", ".join(words))
        self.update()

    def apply_text_size(self) -> None:
        self.setFixedHeight(px(58) if self._said else px(17))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.setFont(theme.text_font(theme.CAPTION_PIXELS))
        line = QRectF(4, self.height() / 2 - 2, self.width() - 8, 4)
        if self._said:
            paint_box(painter, line, 2, "border")
        for text, place in self.labels().items():
            painter.setPen(theme.color("text" if ":" in text else "muted"))  # amber on white is too faint
            painter.drawText(place, text)
        if not self._said:
            return
        for value, token in ((self._measured, "particles"), (self._you, "accent")):
            if value is not None and math.isfinite(value):
                x = int(line.left() + self._axis.clipped(value) * line.width())
                painter.setPen(QPen(theme.color(token), 2.5))
                painter.drawLine(x, int(line.center().y() - px(9)), x, int(line.center().y() + px(9)))

    def labels(self) -> dict[str, QRectF]:
        """The texts with their places: the measured value above, the others below; an end gives way to the prediction."""
        metrics = QFontMetricsF(theme.text_font(theme.CAPTION_PIXELS))
        places: dict[str, QRectF] = {}

        def put(text: str, value: float, top: float) -> None:
            width = metrics.horizontalAdvance(text) + 2
            left = 4 + self._axis.clipped(value) * (self.width() - 8) - width / 2
            place = QRectF(min(max(left, 0.0), self.width() - width), top, width, px(16))
            if not any(place.adjusted(-UNIT, 0, UNIT, 0).intersects(other) for other in places.values()):
                places[text] = place

        bottom = self.height() - px(17)
        if self._measured is not None and math.isfinite(self._measured):
            put(f"measured: {format_number(self._measured)}", self._measured, 0)
        if self._you is not None:
            put(f"you: {format_number(self._you)}", self._you, bottom)
        for end in (self._axis.low, self._axis.high):
            put(format_number(end), end, bottom)
        return places


class LessonPanel(CollapsiblePanel):
    """Hidden while neither a lesson nor a scene is in view.

    Signals:
        highlighted(str): the key of the setting that the step is about; "" if there is none.
        term_asked(str): the term of the glossary whose link was followed.
    """

    highlighted = Signal(str)
    term_asked = Signal(str)

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Lesson", purpose=PURPOSE["Lesson"])
        self._lessons, self._state, self._building = controllers.lessons, state, controllers.building
        self._shown: Step | None = None
        self._explains = False
        lessons = self._lessons
        self.name = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.steps = StepBar()
        tip = "Forget your answers to this lesson, and go to its first step."
        self.start_again = button("Start again", tip, self._start_again)
        set_role(self.start_again, "quiet")
        self.symbols = LiveEquationView(controllers.jobs, "equation of the lesson")
        self.valued = LiveEquationView(controllers.jobs, "equation with values")
        self.text, self.question, self.explanation = (_Markdown() for _ in range(3))
        for written in (self.text, self.question, self.explanation):
            written.linkActivated.connect(self._ask_term)
        for title in (self.name, self.question):
            title.setFont(theme.text_font(theme.FONT_PIXELS, QFont.Weight.DemiBold))
        self.choices = layouts.down(spacing=4)
        self.group = QButtonGroup(self)
        self.slider = Slider()
        named(self.slider, "Your prediction", "Drag to what you expect.")
        self._placed = False  # whether the slider was moved: where it starts is no prediction
        self.slider.valueChanged.connect(self._set_prediction)
        self.slider.sliderPressed.connect(self._set_prediction)
        self.scale = Scale()
        self.scale.setToolTip("What you said, and what was measured on this machine.")
        self.mark = SelectableLabel()
        self.mark.setTextFormat(Qt.TextFormat.PlainText)
        self.mark.setWordWrap(True)
        set_role(self.mark, "caption")
        tip = "Commit to it: then it is measured, and explained."
        self.commit = button("This is my prediction", tip, lambda: lessons.predict(*self._predicted()))
        meaning = "<p>Train, sample and measure on this machine and now.</p>"
        self.measure = JobButton("Measure", meaning, controllers, JOB, lessons.measure)
        self.changed, self.notice = Notice(), Notice()
        self.measure.ran.connect(self._show)
        self.measure.failed.connect(lambda message: self.notice.say("error", message))
        self.following = button("Next lesson", "End this lesson and begin the next one.", lessons.go_to_following)
        self.end = button("Leave", "End it. Your own work comes back as it was.", lessons.leave)
        self.back = button("Back", "To the step before.", lessons.back)
        self.again = button("Again", "Answer this step again.", lessons.forget_answer)
        self.onward = button("Next", "To the next step.", lessons.next)
        self._leading = (self.commit, self.following, self.onward)  # the first of them in view is the one filled button
        buttons = layouts.across(
            *((one, 1) for one in (self.end, self.back, self.again, self.onward)),
            spacing=UNIT // 2,
            margins=(0, UNIT // 2, 0, UNIT // 2),
        )
        above = layouts.across((self.steps, 1), self.start_again)
        layouts.add(self.body, self.name, above, self.text, self.symbols, self.question, self.choices, self.slider)
        layouts.add(self.body, self.scale, self.mark, self.commit, self.measure, self.changed, self.notice)
        self.summary = LessonSummary()
        layouts.add(self.body, self.valued, self.explanation, self.summary, self.following, buttons)
        for other in (lessons.changed, state.changed, state.problem_changed, self.symbols.drawn, self.valued.drawn):
            other.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        lessons, lesson, step = self._lessons, self._lessons.lesson, self._lessons.step
        symbols, valued = self._equations(step)
        if not all([self.symbols.is_drawn(symbols), self.valued.is_drawn(valued)]):  # both are asked for
            return  # the text comes once it is whole, so that nothing moves as its equations come
        focused = QApplication.focusWidget()
        if focused is not None and not self.isAncestorOf(focused):
            focused = None
        self.setVisible(lesson is not None)
        if lesson is None or step is None:
            self._shown = None
            self.highlighted.emit("")
            return
        if self._shown is not step:  # a file that was changed has other steps by the same name
            self._shown = step
            self._lay_out(lesson, step)
            self.highlighted.emit(step.highlight)
            self.reveal()
        self.symbols.show_equation(symbols, "Equation")
        self.valued.show_equation(valued, "The equation with its values")
        changed = lessons.scene is not None and self._state.experiment != step.settings
        self.changed.say("info", CHANGED if changed else "")
        answer, measured = lessons.answer, lessons.measured
        answered, values = answer is not None, {} if measured is None else measured.values
        for one in self.group.buttons():
            chosen = answer is not None and self.group.id(one) == int(answer.prediction[0])
            one.setEnabled(not answered or chosen)  # what was chosen stays legible
            if chosen:
                one.setChecked(True)
        self.slider.setVisible(step.scale is not None and not answered)
        self.scale.setVisible(step.scale is not None)
        self.commit.setVisible(bool(step.question) and not answered)
        self.commit.setEnabled(bool(self._predicted()))
        self.measure.setVisible(bool(step.asked) and (answered and not values if step.question else True))
        self.mark.setVisible(step.mark is not None and not answered)
        self.mark.setText(TO_MARK if lessons.mark is None else MARKED.format(_place(lessons.mark)))
        predicted = self._predicted() if answer is None else answer.prediction
        if step.scale is not None:
            self.scale.show_values(step.scale, predicted[0] if predicted else None, values.get(ANSWER), answered)
        if measured is None or not measured.complete or (answered and measured.right is None):
            self.notice.say("info", "")
        elif answered:
            self.notice.say("info" if measured.right else "warning", _judged(measured))
        elif step.is_bounded:
            self.notice.say(*("warning", FAILS) if measured.failed else ("info", HOLDS))
        else:
            self.notice.say("info", "")
        explained = step.explanation if not step.asked else ""
        if measured is not None and values:
            explained = measured.explained(format_number)
        show_text(self.explanation, _shown(explained))
        done = lessons.progress.done(lesson)
        self.steps.show_steps(len(lesson.steps), lessons.place, done)
        self.start_again.setVisible((bool(done) or answered) and not lesson.is_scene)
        self.back.setEnabled(lessons.place > 0)
        self.again.setEnabled(answered and not lessons.measuring)
        self.onward.setEnabled(lessons.may_go_on)
        self.summary.show_answers(lessons.summary)
        self.summary.setVisible(bool(lessons.summary))
        self.following.setVisible(lessons.following is not None)
        leading = next(one for one in self._leading if not one.isHidden() or one is self.onward)
        for one in self._leading:
            set_role(one, "primary" if one is leading else "")
        self.onward.setToolTip("To the next step." if lessons.may_go_on else "First predict, then see.")
        column = self.column()
        if isinstance(column, Column):
            if self._explains and not explained:
                column.keep_in_view(self)
            elif explained and answered and not self._explains:
                self.set_folded(False)
                column.keep_in_view(self.onward)
        self._explains = bool(explained)
        if focused is not None and not (focused.isVisibleTo(self) and focused.isEnabled()):
            self._next_control().setFocus()  # it would go to another card, which would seem to be meant

    def _next_control(self) -> QWidget:
        """The control that is used next."""
        ways = (self.onward, *self.group.buttons(), self.slider, self.commit, self.measure)
        return next((one for one in ways if one.isVisibleTo(self) and one.isEnabled()), self.end)

    def _equations(self, step: Step | None) -> tuple[str, str]:
        """The step's equation in symbols and, when nothing remains to be predicted, with its values; each "" if it is not shown.

        One that gives the answer away is hidden until then. Values that are not known yet have their symbols, which have the same
        height.
        """
        if step is None:
            return "", ""
        equation, known = LiveEquation(step.equation), self._lessons.may_go_on
        numbers = numbers_in_view(equation.names, self._state, self._building)
        valued = with_values(step.equation, numbers, self._lessons.measured)
        symbols = equation.symbols if known or not step.equation_names_answer else ""
        return symbols, valued if known and equation.names else ""

    def _lay_out(self, lesson: Lesson, step: Step) -> None:
        """Lay out another step."""
        of_lesson = not lesson.is_scene
        title = "Lesson" if of_lesson else "Scene"
        self.rename(title, PURPOSE[title])
        self.set_state(f"step {self._lessons.place + 1} of {len(lesson.steps)}" if of_lesson else lesson.topic)
        shown = "the scene claims" if lesson.is_scene else "was asked" if step.question else "the step shows"
        self.measure.rename(f"Measure what {shown}")
        last = self._lessons.place + 1 == len(lesson.steps)
        for way, text in (
            (self.end, "Leave" if of_lesson else "Back to my work"),
            (self.onward, "Finish" if last else "Next"),
        ):
            way.setText(text)
        for part in (self.steps, self.back, self.again, self.onward):
            part.setVisible(of_lesson)
        self.name.setText(lesson.title)
        self.text.setText(_shown(step.text))
        show_text(self.question, _shown(step.question))
        for old in self.group.buttons():
            self.group.removeButton(old)
            self.choices.removeWidget(old)
            old.hide()
            old.deleteLater()
        for place, choice in enumerate(step.choices):
            offered = named(QRadioButton(choice.text), choice.text, "What you expect.")
            self.group.addButton(offered, place)
            self.choices.addWidget(offered)
            offered.toggled.connect(self._show)
        self.slider.set_position(0.5)
        self._placed = False
        self.slider.set_known(False)

    def _predicted(self) -> tuple[float, ...]:
        """The prediction so far; empty if there is none."""
        step = self._lessons.step
        assert step is not None
        if step.mark is not None:
            return self._lessons.mark or ()
        if step.scale is None:
            return (float(self.group.checkedId()),) if self.group.checkedId() >= 0 else ()
        if not self._placed:
            return ()
        return (Axis("", *step.scale).value(self.slider.position()),)

    @Slot()
    def _set_prediction(self) -> None:
        self._placed = True
        self.slider.set_known(True)
        self._show()

    @Slot()
    def _ask_term(self, link: str) -> None:
        """Ask for a term of the glossary; other links of a lesson's author lead nowhere."""
        if link.startswith("term:"):
            self.term_asked.emit(unquote(link.removeprefix("term:")))

    def _start_again(self) -> None:
        texts = {Answer.Discard: "&Forget", Answer.Cancel: "&Cancel"}
        question = "Forget your answers to this lesson?"
        if ask(self.window(), "startAgain", "Start again", question, "", texts) == Answer.Discard:
            self._lessons.start_again()


def _judged(measured: MeasuredStep) -> str:
    """Whether a choice or a mark is right, and the measured values, in words."""
    if measured.step.mark is not None:
        said, away = "Right" if measured.right else "It is elsewhere", format_number(measured.named["distance"])
        return f"{said}. Measured: {_place(measured.place)}; your mark is {away} away."
    value, choice = measured.values[ANSWER], measured.right_choice
    true = "none of these" if choice is None else measured.step.choices[choice].text
    return f"{'As you said' if measured.right else 'Not as you said'}: {true}. Measured: {format_number(value)}."


def _place(place: Sequence[float]) -> str:
    return f"({', '.join(map(format_number, place))})"


def _shown(text: str) -> str:
    return with_indices(unbroken(text))


class _Markdown(SelectableLabel):
    """A text of a lesson, with links to the glossary; a screen reader reads it without its marks."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.MarkdownText)
        self.setWordWrap(True)

    def setText(self, text: str) -> None:
        linked_text = linked(text)
        super().setText(linked_text)
        ways, reached = Qt.TextInteractionFlag.TextSelectableByMouse, Qt.TextInteractionFlag.LinksAccessibleByMouse
        if linked_text != text:
            ways |= reached | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        self.setTextInteractionFlags(ways)
        self.setAccessibleName(QTextDocumentFragment.fromMarkdown(text).toPlainText())
