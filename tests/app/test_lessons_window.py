"""Lessons in the window: predict, then see; and the own work comes back untouched."""

import csv
import itertools
import platform
import threading
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAccessible, QFontMetricsF, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QMenu,
    QMessageBox,
    QPushButton,
    QSlider,
    QWidget,
)

from playground.app.canvas import readouts
from playground.app.controllers.building import FIRST
from playground.app.controllers.lessons import Lessons
from playground.app.model import figures
from playground.app.model.errors import Log
from playground.app.model.lesson_progress import Answer, LessonProgress
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.panels import (
    DataPanel,
    LessonPanel,
    LikelihoodPanel,
    NoisePanel,
    QualityPanel,
    SamplingPanel,
    TrainingPanel,
)
from playground.app.panels.lesson import Scale
from playground.app.panels.lesson_summary import LessonSummary
from playground.app.style.number_formats import format_number, without_typography
from playground.app.widgets import live_equation_view
from playground.app.widgets.column import Column
from playground.app.widgets.equation import equation_svg
from playground.app.widgets.equation_dialog import EquationDialog
from playground.app.widgets.field_row import FieldRow
from playground.app.widgets.file_prompts import FilePrompts
from playground.app.widgets.live_equation_view import LiveEquationView
from playground.app.window import OPENING, MainWindow
from playground.app.workers.jobs import Jobs
from playground.lab import step_measuring
from playground.lab.experiment import Experiment, from_tree, replace
from playground.lab.glossary import ABBREVIATED, glossary
from playground.lab.lesson_template import lesson_template
from playground.lab.lessons import ANSWER, COLUMNS, Choice, Lesson, MeasuredStep, Step, bundled, load, load_all
from playground.lab.live_equation import LiveEquation
from playground.lab.measured import Figures, Measured
from playground.lab.session import Session
from playground.lab.step_figure import Figure
from playground.resources import resource
from tests.app.conftest import end, wait

EXACT = {"data": {"kind": "two-gaussians"}, "sampling": {"kind": "langevin", "source": "exact"}}
SAME_DATA = {"data": {"points": 2_000}, "sampling": {"source": "exact", "steps": 60}, "likelihood": {"source": "exact"}}
CHECK = Figure("mode_weights", index=0)
LESSON = Lesson(
    "mine",
    "A lesson",
    (
        Step(text="Only text."),
        Step(
            experiment=EXACT,
            question="How many?",
            scale=(0.0, 1.0),
            check=CHECK,
            highlight="sampling.particles",
            explanation="You said {you}, it is {measured}.",
        ),
        Step(
            experiment=EXACT,
            question="Which?",
            choices=(Choice("few", below=0.5), Choice("many", at_least=0.5)),
            check=CHECK,
            explanation="It is {measured}.",
        ),
    ),
)

SCENE = Lesson("a-scene", "A scene", (Step(experiment=EXACT, figures={"measured": CHECK}),))
OTHER = Lesson("other", "Other", (Step(experiment={"data": {"kind": "rings"}}),))


class Training:
    """Takes experiments."""

    def __init__(self, state):
        self.state = state

    def teach(self, experiment, lesson, weights=None, columns=()):
        wanted = msgspec.structs.replace(self.state.document, experiment=experiment, lesson=lesson)
        self.state.push(wanted.begun(lesson.name))


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    def measure(step):
        yield 0.5, None
        yield 1.0, MeasuredStep(step, {"measured": 0.75})

    monkeypatch.setattr(step_measuring, "measure", measure)


@pytest.fixture
def state():
    return State()


@pytest.fixture
def controller(qtbot, state):
    yield Lessons(state, Training(state))
    assert state.jobs.shutdown(5.0)
    state.close()


def until_measured(controller, qtbot):
    qtbot.waitUntil(lambda: controller.may_go_on)


def test_the_own_work_comes_back_when_the_lesson_is_left(controller, state):
    state.edit({"noise.kind": "vp"})
    own, steps = state.experiment, state.stack.index()
    controller.begin(LESSON)
    assert state.experiment == own  # its first step is only text
    controller.go(1)
    assert state.experiment.sampling.kind == "langevin"
    state.edit({"sampling.steps": 9})
    controller.go(2)
    controller.leave()
    assert state.experiment == own
    assert state.stack.index() == steps
    assert controller.lesson is None


def _leave(controller, state):
    controller.leave()


def _undo(controller, state):
    while controller.lesson is not None:
        state.undo()


@pytest.mark.parametrize("end", [_leave, _undo])
def test_saved_work_is_not_unsaved_after_a_lesson(controller, state, end):
    controller.begin(LESSON)
    controller.go(1)
    state.edit({"sampling.steps": 7})
    state.mark_modified()  # as by training, which is the lesson's
    assert not state.modified
    end(controller, state)
    assert not state.modified


@pytest.mark.parametrize("end", [_leave, _undo])
@pytest.mark.parametrize("before", [{"noise.kind": "vp"}, None])
def test_unsaved_work_is_still_unsaved_after_a_lesson(controller, state, end, before):
    if before is None:
        state.mark_modified()  # as by training
    else:
        state.edit(before)
    controller.begin(LESSON)
    controller.go(1)
    end(controller, state)
    assert state.modified


@pytest.mark.parametrize("modified", [False, True])
def test_a_file_that_was_saved_in_a_lesson_does_not_hold_the_own_work(controller, state, modified):
    if modified:
        state.edit({"noise.kind": "vp"})
    controller.begin(LESSON)
    controller.go(1)
    state.mark_saved()
    assert state.modified is modified
    controller.leave()
    assert state.modified is modified


def test_what_is_trained_at_a_step_without_settings_is_the_own_work(controller, state):
    controller.begin(LESSON)
    assert controller.step.settings is None
    state.mark_modified()  # as by training
    controller.leave()
    assert state.modified


def test_a_file_that_could_not_be_written_leaves_the_own_work_unsaved_also_in_a_lesson(controller, state):
    controller.begin(LESSON)
    controller.go(1)
    state.mark_modified(own=True)
    assert state.modified


def test_a_window_has_no_unsaved_work_after_a_lesson_but_a_run_that_was_pinned_in_it(window, qtbot):
    lessons, building, pinning = window.controllers.lessons, window.controllers.building, window.controllers.pinning
    window.state.mark_saved()
    for pins in (False, True):
        lessons.begin(load_all()["01-score"])
        qtbot.waitUntil(lambda: not building.busy)
        if pins:
            qtbot.waitUntil(lambda: pinning.finished is not None)
            pinning.pin()
        lessons.leave()
        qtbot.waitUntil(lambda: not building.busy)
        assert window.state.modified is pins
        assert window.windowTitle().startswith("•") is pins


def test_another_lesson_begins_with_the_own_work_too(controller, state):
    own = state.experiment
    controller.begin(LESSON)
    controller.go(1)
    controller.begin(LESSON)
    assert state.experiment == own


def test_one_predicts_before_one_sees_and_only_once(controller, qtbot):
    controller.begin(LESSON)
    assert controller.may_go_on
    controller.go(1)
    assert not controller.may_go_on
    controller.predict(0.8)
    assert not controller.may_go_on  # before it is measured
    controller.predict(0.1)
    until_measured(controller, qtbot)
    answer = controller.answer
    assert (answer.prediction, answer.measured, answer.right) == ((0.8,), 0.75, None)
    controller.go(0)
    controller.go(1)
    assert controller.answer == answer
    controller.forget_answer()
    assert not controller.may_go_on


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"sampling": {"steps": 7}}, True),
        ({"noise": {"kind": "vp"}, "likelihood": {"points": 100}}, True),
        ({"data": {"kind": "pinwheel"}, "sampling": {"kind": "probability-flow"}}, True),
        ({"sampling": {"source": "learned"}}, False),
    ],
)
def test_the_window_shows_what_was_measured_unless_it_needs_a_training(controller, state, qtbot, changes, shown):
    check = msgspec.structs.replace(CHECK, settings=changes)
    step = Step(experiment=EXACT, question="?", scale=(0.0, 1.0), check=check)
    state.edit({"noise.kind": "vp", "noise.beta_max": 5.0})  # what a kind had comes back only in one's own work
    own = state.experiment
    controller.begin(Lesson("mine", "A lesson", (step,)))
    assert state.experiment == step.settings
    state.edit({"sampling.kind": "reverse-sde", "sampling.corrector_steps": 2})
    controller.predict(0.8)
    assert state.experiment.sampling.kind == "reverse-sde"
    until_measured(controller, qtbot)
    measured = from_tree(changes, step.settings)
    assert state.experiment == measured if shown else state.experiment.sampling.kind == "reverse-sde"
    controller.go(0)
    assert state.experiment == (measured if shown else step.settings)
    controller.forget_answer()
    assert state.experiment == step.settings
    controller.leave()
    assert state.experiment == own


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ({"steps": 9}, {"sampling": {"corrector_steps": 3}}, True),
        ({}, {"sampling": {"source": "exact"}, "noise": {"kind": "vp"}}, True),
        ({}, {"noise": {"kind": "vp"}}, False),
        ({}, {"training": {"steps": 7}}, False),
        ({}, {"data": {"kind": "pinwheel"}}, False),
        ({}, {"sampling": {"seed": 1}}, True),
        ({}, {"training": {"seed": 1}}, False),
        ({}, {"data": {"seed": 1}}, False),
        ({}, {"seed": 1}, False),
        ({"source": "exact"}, {"sampling": {"source": "learned"}}, False),
    ],
)
def test_settings_that_need_a_training_of_their_own(before, after, shown):
    check = msgspec.structs.replace(CHECK, settings=after)
    step = Step(experiment={"sampling": {"kind": "reverse-sde", **before}}, check=check)
    assert step.answer_settings == (from_tree(after, step.settings) if shown else step.settings)


@pytest.mark.parametrize(("choice", "right"), [(0, False), (1, True)])
def test_a_choice_is_judged_by_what_is_measured(controller, qtbot, choice, right):
    controller.begin(LESSON)
    controller.go(2)
    controller.predict(choice)
    until_measured(controller, qtbot)
    assert controller.answer.right is right
    assert controller.progress.rows("Ada", ["mine"]) == [
        ("Ada", "mine", 3, "Which?", ("few", "many")[choice], 0.75, right)
    ]


def test_no_step_lies_beyond_the_ends(controller):
    controller.begin(LESSON)
    controller.go(-1)
    controller.go(3)
    assert controller.place == 0


def until_written(window, qtbot):
    assert window.documents.busy  # a thread writes, because a slow disk would hold up the window
    qtbot.waitUntil(lambda: not window.documents.busy)


def until_drawn(window):
    """Wait for the equations of the step, with which its text comes."""
    wait(lambda: not any(map(window.controllers.jobs.running, ("equation of the lesson", "equation with values"))))


def until_shown(window, qtbot):
    lessons = window.controllers.lessons
    qtbot.waitUntil(lambda: lessons.may_go_on and not lessons.measuring)
    until_drawn(window)


def test_the_card_asks_hides_and_reveals(window, qtbot):
    lessons, panel = window.controllers.lessons, window.panel(LessonPanel)
    assert panel.isHidden()
    lessons.begin(LESSON)
    assert not panel.isHidden()
    assert panel.commit.isHidden()
    panel.onward.click()
    assert not panel.commit.isHidden()
    assert panel.explanation.isHidden()
    assert not panel.onward.isEnabled()
    assert not panel.commit.isEnabled()  # where the scale starts is no prediction
    assert panel.scale.accessibleName() == "scale from 0 to 1"
    panel.slider.set_position(0.8)
    panel.commit.click()
    until_shown(window, qtbot)
    assert panel.explanation.text() == "You said 0.8, it is 0.75."
    assert "you said 0.8, measured 0.75" in panel.scale.accessibleName()
    assert set(panel.scale.labels()) == {"you: 0.8", "measured: 0.75", "0", "1"}
    assert panel.onward.isEnabled()
    panel.onward.click()
    assert not panel.commit.isEnabled()  # nothing is chosen yet
    panel.group.button(0).setChecked(True)
    panel.commit.click()
    until_shown(window, qtbot)
    assert panel.notice.text.text() == "Not as you said: many. Measured: 0.75."
    assert [button.isEnabled() for button in panel.group.buttons()] == [True, False]  # the chosen one stays legible
    assert panel.onward.text() == "Finish"
    panel.onward.click()
    assert panel.isHidden()


def filled(window) -> set[str]:
    """The texts of the filled buttons in view."""
    buttons = window.findChildren(QPushButton)
    return {one.text() for one in buttons if one.isVisible() and one.property("role") == "primary"}


@pytest.mark.parametrize("everything", [True, False])
def test_one_button_in_view_is_filled_and_in_a_lesson_it_is_that_of_the_step(window, qtbot, monkeypatch, everything):
    def measure(step):
        yield 1.0, MeasuredStep(step, dict.fromkeys(step.asked, 0.4))

    monkeypatch.setattr(step_measuring, "measure", measure)
    lessons, panel = window.controllers.lessons, window.panel(LessonPanel)
    window.look.set_all_cards(everything)
    try:
        assert filled(window) == {window.top_bar.train.text()}
        lessons.begin(LESSON)
        assert filled(window) == {"Next"}
        lessons.go(1)
        assert filled(window) == {"This is my prediction"}
        lessons.predict(0.5)
        until_shown(window, qtbot)
        assert filled(window) == {"Next"}
        lessons.begin(load_all()["01-score"])
        lessons.go(3)
        lessons.predict(0)
        until_shown(window, qtbot)
        assert panel.onward.isVisible()
        assert filled(window) == {"Next lesson"}
        lessons.leave()
        assert filled(window) == {window.top_bar.train.text()}
    finally:
        window.look.set_all_cards(True)


def test_the_end_of_a_lesson_shows_what_was_said_and_what_was_measured_in_one_picture(window, qtbot):
    lessons, panel = window.controllers.lessons, window.panel(LessonPanel)
    lessons.begin(LESSON)
    lessons.go(1)
    lessons.predict(0.5)
    until_shown(window, qtbot)
    assert not panel.summary.isVisible()
    lessons.go(2)
    lessons.predict(0)
    assert not panel.summary.isVisible()  # before it is measured
    until_shown(window, qtbot)
    assert panel.summary.isVisible()
    said = "2. How many? you 0.5, measured 0.75 3. Which? ✗ few; measured: many"
    assert panel.summary.accessibleName().endswith(said)
    picture = panel.summary.grab().toImage()
    values = [lessons.summary[2].prediction[0], lessons.summary[2].values["measured"]]
    assert values == [0.5, 0.75]
    lessons.go(1)
    lessons.forget_answer()
    lessons.predict(0.1)
    until_shown(window, qtbot)
    lessons.go(2)
    assert panel.summary.grab().toImage() != picture
    panel.again.click()
    assert not panel.summary.isVisible()
    lessons.leave()


def test_the_end_of_a_lesson_has_its_questions_whole(qtbot):
    summary = LessonSummary()
    qtbot.addWidget(summary)

    def height(question):
        step = Step(question=question, scale=(0.0, 1.0), check=CHECK)
        summary.show_answers({1: MeasuredStep(step, {"measured": 0.75}, prediction=(0.5,))})
        return summary.heightForWidth(260)

    one = height("How many?")
    several = height("How many of the particles end in the right mode, if all of them begin in the left one?")
    assert several > one + 10
    assert summary.heightForWidth(1200) == one
    summary.resize(260, several)
    picture = summary.grab().toImage()
    height("How many of the particles end in the right mode, if all of them begin in the other one?")
    assert summary.grab().toImage() != picture  # its last words are painted too


def test_a_term_in_the_text_opens_the_glossary_at_its_line(window):
    lessons, panel = window.controllers.lessons, window.panel(LessonPanel)
    lessons.begin(Lesson("terms", "Terms", (Step(text="The KL is 2 nats, the KL."), Step(text="Nothing new."))))
    assert panel.text.accessibleName() == "The KL is 2 nats, the KL."
    assert panel.text.text().count("](term:") == 2
    assert panel.text.focusPolicy() == Qt.FocusPolicy.StrongFocus
    panel.text.linkActivated.emit("term:Kullback-Leibler%20divergence")
    dialog = window.dialogs.made["glossary"]
    assert dialog.line.text() == "Kullback-Leibler divergence"
    assert "Kullback-Leibler" in dialog.entries.toPlainText()
    dialog.close()
    lessons.go(1)
    assert panel.text.focusPolicy() == Qt.FocusPolicy.ClickFocus  # no stop of Tab
    lessons.leave()


def test_every_abbreviation_has_its_line_in_the_glossary():
    assert {*ABBREVIATED.values()} <= {entry.term for entry in glossary()}


def test_the_middle_of_the_scale_is_predicted_by_a_press_and_the_next_scale_is_unset_again(window):
    lessons, panel = window.controllers.lessons, window.panel(LessonPanel)
    asked = LESSON.steps[1]
    lessons.begin(Lesson("scales", "A", (asked, msgspec.structs.replace(asked))))
    panel.slider.sliderPressed.emit()  # the mouse on the handle, which does not move
    assert panel.commit.isEnabled()
    assert panel.scale.accessibleName() == "scale from 0 to 1, you said 0.5"
    lessons.go(1)
    assert not panel.commit.isEnabled()
    assert panel.scale.labels().keys() == {"0", "1"}


def test_values_at_a_point_are_hidden_while_a_question_is_open(window, qtbot, monkeypatch):
    lessons, canvas, following, shown = window.controllers.lessons, window.canvas, window.controllers.following, []
    monkeypatch.setattr(canvas, "set_readout", shown.append)
    lessons.begin(LESSON)
    lessons.go(1)

    def built():
        model = window.state.model
        if window.playing.frame_noise is None:
            return False
        return not window.building.busy and model.problem.experiment.data.kind == "two-gaussians"

    qtbot.waitUntil(built)
    canvas.hovered.emit((5.0, 5.0))
    with qtbot.waitSignal(following.probed):
        following.probe(5.0, 5.0)  # as another card does
    assert max(shown, key=len) == readouts.position(5.0, 5.0, window.state.problem)
    for modifier in ("", "shift"):
        canvas.picking.picked.emit((5.0, 5.0), modifier)
        assert not window.clicking.is_measuring_point
    shown.clear()
    lessons.predict(0.5)
    until_shown(window, qtbot)
    qtbot.waitUntil(lambda: any(line.startswith("log p") for lines in shown for line in lines))
    canvas.picking.picked.emit((5.0, 5.0), "")
    assert window.clicking.is_measuring_point


def test_a_click_on_the_canvas_is_the_mark_that_is_predicted(window, qtbot, monkeypatch):
    def measure(step):
        yield 1.0, MeasuredStep(step, {"measured_x": 0.5, "measured_y": -0.5})

    monkeypatch.setattr(step_measuring, "measure", measure)
    lessons, panel, canvas = window.controllers.lessons, window.panel(LessonPanel), window.canvas
    check = Figure("denoised", point=(1.0, 1.0), sigma=1.0)
    said = "{distance} away, at ({measured_x}, {measured_y})."
    asked = Step(experiment=EXACT, question="Where?", mark=1.0, check=check, explanation=said)
    lessons.begin(
        Lesson(
            "marks",
            "A",
            (asked, Step(text="End.")),
        )
    )
    assert canvas.shown().marks.point == (1.0, 1.0)
    assert not panel.commit.isEnabled()
    assert panel.mark.text().startswith("Click the place on the canvas")
    canvas.picking.picked.emit((9.0, 9.0), "")
    canvas.picking.picked.emit((0.5, 0.0), "")
    assert window.clicking.likelihood is None
    assert not window.clicking.is_measuring_point
    assert panel.mark.text() == "Your mark is at (0.5, 0). Click elsewhere to move it."
    assert (canvas.shown().marks.you, canvas.shown().marks.measured) == ((0.5, 0.0), None)
    panel.commit.click()
    canvas.picking.picked.emit((3.0, 3.0), "")  # too late
    until_shown(window, qtbot)
    assert (canvas.shown().marks.you, canvas.shown().marks.measured) == ((0.5, 0.0), (0.5, -0.5))
    assert panel.explanation.text() == "0.5 away, at (0.5, −0.5)."
    assert panel.notice.text.text() == "Right. Measured: (0.5, −0.5); your mark is 0.5 away."
    assert lessons.progress.rows("Ada", ["marks"]) == [("Ada", "marks", 1, "Where?", "(0.5, 0)", "(0.5, -0.5)", True)]
    panel.again.click()
    assert canvas.shown().marks.you is None
    canvas.picking.picked.emit((3.0, 3.0), "")
    panel.commit.click()
    until_shown(window, qtbot)
    assert panel.notice.text.text().startswith("It is elsewhere. Measured: (0.5, −0.5)")
    panel.onward.click()
    assert canvas.shown().marks is None


@pytest.mark.parametrize(("lesson", "key"), [("01-score", "exact_log_prob"), ("05-langevin-weights", "mode_weights")])
def test_what_a_question_names_is_marked(window, lesson, key):
    lessons, canvas, lesson = window.controllers.lessons, window.canvas, load_all()[lesson]
    lessons.begin(lesson)
    assert canvas.shown().marks is None
    place, check = next(
        (place, step.check) for place, step in enumerate(lesson.steps) if step.check and step.check.key == key
    )
    lessons.go(place)
    wait(lambda: not window.building.busy and canvas.shown().marks is not None)
    marks, modes = canvas.shown().marks, window.state.problem.modes
    assert (marks.point, marks.you, marks.measured) == (check.point, None, None)
    assert marks.modes is (modes if check.point is None else None)
    assert len(modes) == 2


@pytest.mark.parametrize("value", [0.0239, -7.6612, 0.00012345, 12345.6, -0.5])
def test_a_result_is_written_alike_wherever_it_stands(window, qtbot, monkeypatch, value):
    def measure(step):
        yield 1.0, MeasuredStep(step, dict.fromkeys(step.asked, value))

    monkeypatch.setattr(step_measuring, "measure", measure)
    lessons, panel = window.controllers.lessons, window.panel(LessonPanel)
    said = "It is {measured}."
    asked = {"experiment": EXACT, "question": "?", "check": CHECK, "equation": "[[a|measured]]"}
    scaled = Step(**asked, explanation=said, scale=(-10.0, 10.0))
    chosen = Step(**asked, explanation=said, choices=(Choice("low", below=0.0), Choice("high", at_least=0.0)))
    lessons.begin(Lesson("mine", "A lesson", (scaled, chosen)))
    number = format_number(value)
    for place in range(2):
        lessons.go(place)
        lessons.predict(0)
        until_shown(window, qtbot)
        assert panel.explanation.text() == f"It is {number}."
        mantissa, _, power = without_typography(number).partition("e")
        assert panel.valued.latex == f"{{{mantissa}" + (f" \\cdot 10^{{{power}}}" if power else "") + "}"
    assert panel.notice.text.text().endswith(f"Measured: {number}.")
    lessons.go(0)
    assert f"measured: {number}" in panel.scale.labels()
    assert panel.scale.accessibleName().endswith(f"measured {number}")


def test_an_equation_has_symbols_first_and_then_the_values_of_now(window, qtbot):
    lessons, panel, state = window.controllers.lessons, window.panel(LessonPanel), window.state
    source = r"[[\epsilon|sampling.step:.2f]] + [[w|measured]] + [[N|sampling.particles]]"
    text = Step(experiment=EXACT, equation=r"[[N|sampling.particles:.0f]]")
    asked = Step(experiment=EXACT, equation=source, question="How many?", scale=(0.0, 1.0), check=CHECK)
    lessons.begin(Lesson("live", "A", (text, asked, Step(text="End."))))
    until_drawn(window)
    assert (panel.symbols.latex, panel.valued.latex) == ("{N}", "{2000}")
    state.edit({"sampling.particles": 700})
    until_drawn(window)
    assert panel.valued.latex == "{700}"
    lessons.next()
    assert panel.symbols.isHidden()  # it is about the answer
    assert panel.valued.isHidden()
    lessons.predict(0.5)
    until_shown(window, qtbot)
    assert panel.symbols.latex == r"{\epsilon} + {w} + {N}"
    assert not panel.symbols.isHidden()
    # The automatic step has a value once the data are there.
    assert panel.valued.latex in (r"{\epsilon} + {0.75} + {2000}", "{0.05} + {0.75} + {2000}")
    state.edit({"sampling.step": 0.25, "sampling.particles": 70})
    until_drawn(window)
    assert panel.valued.latex == "{0.25} + {0.75} + {70}"
    assert not panel.valued.image.isNull()
    assert panel.valued.accessibleName() == "The equation with its values: {0.25} + {0.75} + {70}"
    before = panel.valued.image
    window.look.set_theme("light")
    qtbot.waitUntil(lambda: panel.valued.image is not before)
    lessons.next()
    assert panel.symbols.isHidden()


@pytest.mark.parametrize(
    ("name", "place", "hidden"), [("05-langevin-weights", 0, False), ("07-annealed-langevin", 1, True)]
)
def test_an_equation_of_a_bundled_lesson_tells_no_answer_before_the_prediction(window, name, place, hidden):
    lessons, panel = window.controllers.lessons, window.panel(LessonPanel)
    lesson = load_all()[name]
    lessons.begin(lesson)
    lessons.go(place)
    until_drawn(window)
    assert lesson.steps[place].equation
    assert not panel.question.isHidden() or not hidden
    assert panel.symbols.isHidden() == hidden


def test_an_equation_that_cannot_be_drawn_is_written_out(qtbot):
    owner = QObject()
    jobs = Jobs(owner)
    view = LiveEquationView(jobs, "equation")
    qtbot.addWidget(view)
    latex = r"\frac{"
    assert not view.is_drawn(latex)
    qtbot.waitUntil(lambda: jobs.idle)
    assert view.is_drawn(latex)
    view.show_equation(latex, "Equation")
    assert view.image.isNull()
    assert not view.grab().isNull()


def test_an_equation_stays_until_another_is_drawn_and_opens_large(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    jobs = Jobs(window)
    view = LiveEquationView(jobs, "equation")
    view.setParent(window)
    window.resize(400, 300)
    view.resize(300, 40)
    window.show()

    def show(latex, spoken):
        with qtbot.waitSignal(view.drawn):
            assert not view.is_drawn(latex)
        view.show_equation(latex, spoken)

    show("x^2", "Equation")
    drawn = view.grab().toImage()
    assert not view.image.isNull()
    assert not view.is_drawn(r"\frac{1}{2}")
    with qtbot.waitSignal(view.drawn):
        assert not view.is_drawn("y^3")  # in place of the one before
    assert view.grab().toImage() == drawn
    view.show_equation("y^3", "The equation with its values")
    assert view.grab().toImage() != drawn
    QTest.mouseClick(view, Qt.MouseButton.LeftButton)
    dialog = window.findChild(EquationDialog)
    assert dialog.view.latex == "y^3"
    dialog.close()
    show("x^2", "Equation")
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert dialog.view.latex == "x^2"
    dialog.close()
    assert jobs.shutdown(5.0)  # the last equation may still be drawn


@pytest.mark.parametrize("name", load_all())
def test_every_bundled_equation_can_be_drawn(name):
    for step in load_all()[name].steps:
        if step.equation:
            assert equation_svg(LiveEquation(step.equation).symbols, "#000000").startswith(b"<svg")


def framed(part):
    """The rows in a frame."""
    return [row for row in part.findChildren(FieldRow) if row.property("framed")]


def test_other_cards_fold_but_for_the_one_with_the_setting_and_come_back(window):
    lessons, data, sampling = (
        window.controllers.lessons,
        window.panel(DataPanel),
        window.panel(SamplingPanel),
    )
    sampling.set_folded(True)
    lessons.begin(LESSON)
    assert data.is_folded()
    lessons.go(1)
    assert data.is_folded()
    assert not sampling.is_folded()
    (row,) = framed(window)
    assert row.keys == ("sampling.particles",)
    window.highlighting.highlight("noise.sigma_min")
    (row,) = framed(window)
    assert row.keys == ("noise.sigma_max", "noise.sigma_min")
    lessons.leave()
    assert not data.is_folded()
    assert sampling.is_folded()
    assert not framed(window)


def test_a_highlighted_setting_is_painted_in_a_frame_that_keeps_clear_of_its_letters(window):
    lessons, noise = window.controllers.lessons, window.panel(NoisePanel)
    lessons.begin(LESSON)
    lessons.go(1)
    window.highlighting.highlight("noise.sigma_min")
    (row,) = framed(noise)

    def edge_and_inside():
        image = row.grab().toImage()
        return image.pixelColor(0, image.height() // 2), image.pixelColor(3, image.height() // 2)

    wait(lambda: row.isVisible())
    edge, inside = edge_and_inside()
    assert edge != inside
    parts = row.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert min(part.x() for part in parts if part.isVisible()) >= 6
    window.highlighting.highlight("sampling.particles")
    noise.set_folded(False)
    assert edge_and_inside()[0] != edge
    assert row.contentsMargins().isNull()
    lessons.leave()


LAPTOP = 1366, 740  # px: a screen of 1366 x 768 with a title bar


def in_view(widget) -> bool:
    """Whether the whole of a widget is seen in its column."""
    return widget.isVisible() and widget.visibleRegion().boundingRect() == widget.rect()


@pytest.fixture
def laptop(window, monkeypatch):
    """The window on a small screen, with nothing to train."""
    monkeypatch.setattr(window.training, "start", lambda more=False: None)
    window.resize(*LAPTOP)
    return window


@pytest.mark.claims
@pytest.mark.parametrize("name", load_all())
def test_every_step_shows_its_question_and_the_setting_that_it_is_about_on_a_small_screen(laptop, monkeypatch, name):
    def measure(step):
        yield 1.0, MeasuredStep(step, dict.fromkeys((*step.asked, ANSWER), 0.4))

    monkeypatch.setattr(step_measuring, "measure", measure)
    lessons, panel = laptop.controllers.lessons, laptop.panel(LessonPanel)
    lessons.begin(load_all()[name])
    assert not laptop.columns.joined
    stays = lambda: panel.parentWidget() is laptop.findChild(Column, "leftColumn")  # noqa: E731
    for place, step in enumerate(lessons.lesson.steps):
        for answered in (False, True)[: 2 if step.question else 1]:
            if answered:
                lessons.predict(*((0.0,) if step.mark is None else (0.0, 0.0)))
                wait(lambda: lessons.may_go_on)
            else:
                lessons.go(place)
            until_drawn(laptop)
            asking = (panel.question, panel.commit, panel.onward) if step.question else (panel.onward,)
            controls = (panel.onward,) if answered else asking
            rows = framed(laptop)
            assert len(rows) == bool(step.highlight)
            parts = controls if answered else (*controls, *rows, panel.name)  # an explanation may take all the room
            wait(lambda parts=parts, answered=answered: (answered or stays()) and all(map(in_view, parts)))


def click(window, button) -> None:
    """A real click, which passes through the window."""
    assert in_view(button)
    middle = button.mapTo(window, button.rect().center())
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=middle)


PICTURE = 90  # px: higher than a line of text
NEW = itertools.count(-7, 0.01)  # values whose equation is not drawn yet


@pytest.fixture
def late(monkeypatch):
    """The measurement and the pictures of equations come when the events are set."""
    measured, drawn = threading.Event(), threading.Event()

    def measure(step):
        yield 0.5, None
        assert measured.wait(30)
        yield 1.0, MeasuredStep(step, dict.fromkeys(step.asked, next(NEW)))

    def draw(*asked):
        assert drawn.wait(30)
        image = QImage(200, PICTURE, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        return image

    monkeypatch.setattr(step_measuring, "measure", measure)
    monkeypatch.setattr(live_equation_view, "equation_image", draw)
    yield measured, drawn
    measured.set()
    drawn.set()


def until_laid_out(panel):
    """Wait until both equations have their place, and for the layout of what lies around them."""
    wait(lambda: min(panel.symbols.height(), panel.valued.height()) >= PICTURE and in_view(panel.onward))
    wait(milliseconds=50)


def test_an_answer_comes_whole_with_its_equations_and_next_stays_in_its_place(laptop, late):
    lessons, panel, (measured, drawn) = laptop.controllers.lessons, laptop.panel(LessonPanel), late
    lessons.begin(load_all()["01-score"])
    lessons.start_again()
    lessons.go(1)
    panel.slider.set_position(0.4)
    wait(lambda: in_view(panel.commit))
    click(laptop, panel.commit)
    wait(lambda: lessons.measuring)
    measured.set()
    wait(lambda: lessons.may_go_on)
    wait(milliseconds=100)
    assert not panel.explanation.isVisible()
    assert not panel.onward.isEnabled()
    drawn.set()
    wait(panel.onward.isEnabled)
    assert panel.explanation.isVisible()
    until_laid_out(panel)
    before = panel.onward.mapTo(laptop, QPoint())
    wait(milliseconds=300)
    assert panel.onward.mapTo(laptop, QPoint()) == before
    bar = panel.column().verticalScrollBar()
    click(laptop, panel.onward)
    wait(lambda: lessons.place == 2)
    wait(lambda: bar.value() == 0)
    assert bar.value() == 0


def test_a_step_begins_whole_with_its_equations(laptop, late):
    """The values of settings are not known before the data are there; until then there are symbols in their place."""
    panel, (_, drawn) = laptop.panel(LessonPanel), late
    laptop.controllers.lessons.begin(load_all()["05-langevin-weights"])
    wait(milliseconds=100)
    assert not panel.isVisible()
    drawn.set()
    until_laid_out(panel)
    before = panel.onward.mapTo(laptop, QPoint())
    wait(lambda: not laptop.building.busy and panel.valued.latex != panel.symbols.latex)
    wait(milliseconds=100)
    assert panel.onward.mapTo(laptop, QPoint()) == before


def test_a_user_who_scrolls_is_not_taken_back_to_the_setting(laptop):
    lessons = laptop.controllers.lessons
    lessons.begin(load_all()["12-predictor-corrector"])
    lessons.go(3)
    wait(milliseconds=100)
    (row,) = framed(laptop)
    column = row.parentWidget()
    while not isinstance(column, Column):
        column = column.parentWidget()
    assert in_view(row)
    column.verticalScrollBar().triggerAction(QAbstractSlider.SliderAction.SliderToMinimum)
    laptop.panel(DataPanel).set_folded(False)  # more rows above it
    wait(milliseconds=100)
    assert column.verticalScrollBar().value() == 0
    laptop.panel(DataPanel).set_folded(True)


@pytest.mark.parametrize("button", ["again", "onward", "back"])
def test_no_button_of_a_lesson_leaves_a_gap_above_its_card(laptop, monkeypatch, button):
    def measure(step):
        yield 1.0, MeasuredStep(step, dict.fromkeys(step.asked, 0.4))

    monkeypatch.setattr(step_measuring, "measure", measure)
    lessons, panel = laptop.controllers.lessons, laptop.panel(LessonPanel)
    lessons.begin(load_all()["05-langevin-weights"])
    lessons.start_again()
    lessons.go(1)
    wait(milliseconds=100)
    margin = panel.mapTo(laptop.columns, QPoint()).y()
    assert margin < 20
    lessons.predict(0.5)
    wait(lambda: lessons.may_go_on)
    wait(milliseconds=100)
    pressed = getattr(panel, button)
    QTest.mouseClick(
        laptop.windowHandle(), Qt.MouseButton.LeftButton, pos=pressed.mapTo(laptop, pressed.rect().center())
    )
    wait(milliseconds=200)
    assert (lessons.place, lessons.may_go_on) == {"again": (1, False), "onward": (2, False), "back": (0, True)}[button]
    assert panel.mapTo(laptop.columns, QPoint()).y() == margin


def test_a_highlighted_setting_takes_no_focus_and_its_advanced_part_closes_after_the_step(window):
    lessons, likelihood = window.controllers.lessons, window.panel(LikelihoodPanel)
    window.canvas.setFocus()
    focused = window.focusWidget()
    lessons.begin(LESSON)
    assert not likelihood.disclosure.isChecked()
    window.highlighting.highlight("likelihood.tolerance")
    assert likelihood.disclosure.isChecked()
    assert window.focusWidget() is focused  # a ring would go on to another card when this one folds
    window.highlighting.highlight("sampling.particles")
    assert not likelihood.disclosure.isChecked()
    likelihood.disclosure.setChecked(True)  # by the user, and it stays
    window.highlighting.highlight("likelihood.tolerance")
    lessons.leave()
    assert likelihood.disclosure.isChecked()


def test_a_folded_card_is_one_line_in_a_lesson(window):
    lessons, noise = window.controllers.lessons, window.panel(NoisePanel)
    below = noise.purpose, noise.equation_button
    assert all(part.isVisible() for part in below)
    lessons.begin(LESSON)
    assert noise.is_folded()
    assert not any(part.isVisible() for part in below)
    noise.header.click()
    assert all(part.isVisible() for part in below)
    noise.header.click()
    lessons.leave()
    assert all(part.isVisible() for part in below)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_control_of_the_card_has_a_name_and_says_what_it_does(window, place):
    lessons, panel = window.controllers.lessons, window.panel(LessonPanel)
    lessons.begin(LESSON)
    lessons.go(place)
    controls = [
        control
        for control in panel.findChildren(QWidget)
        if isinstance(control, QAbstractButton | QSlider | Scale) and control.isVisibleTo(panel)
    ]
    assert len(controls) >= 5
    read = {control: QAccessible.queryAccessibleInterface(control).text(QAccessible.Text.Name) for control in controls}
    assert [control for control, name in read.items() if not (name and control.toolTip())] == []


def test_the_lessons_are_in_the_menu(window):
    menu = QMenu()
    window.menu.fill_lessons(menu)
    first = load_all()["01-score"]
    window.controllers.lessons.progress.finish(first, 1)
    window.menu.fill_lessons(menu)
    assert menu.actions()[0].text() == f"What a score is\t1 of {len(first.steps)}"
    assert "Why Langevin gets the weights wrong" in [action.text() for action in menu.actions()]
    menu.actions()[0].trigger()
    assert window.controllers.lessons.lesson is not None


def test_the_titles_of_lessons_line_up_after_their_numbers(window):
    learn = window.menu.learn
    learn.aboutToShow.emit()
    entries = [action.text().partition("\t")[0] for action in learn.actions()[: len(load_all())]]
    metrics = QFontMetricsF(learn.font())
    places = [
        metrics.horizontalAdvance(text.removesuffix(lesson.title))
        for text, lesson in zip(entries, load_all().values(), strict=True)
    ]
    assert len(places) > 9
    assert max(places) - min(places) < 0.1


def test_a_file_is_taught_and_a_damaged_one_refused(window, connect, tmp_path):
    path = tmp_path / "own.lesson.md"
    path.write_text("+++\ntitle = 'Own'\n+++\n+++\n+++\nText.\n")
    refused = []
    connect(window.documents.refused, refused.append)
    window.opening.open(path)
    assert window.controllers.lessons.lesson.title == "Own"
    path.write_text("nothing")
    window.opening.open(path)
    assert [str(message) for message in refused] == [
        "own.lesson.md is no lesson: it begins with a head between two lines +++, and so does each step."
    ]
    assert window.controllers.lessons.lesson.title == "Own"


def test_a_lesson_is_written_of_what_the_window_shows(window, connect, qtbot, tmp_path, monkeypatch):
    path, told, refused = tmp_path / "own.lesson.md", [], []
    monkeypatch.setattr(FilePrompts, "save_path", lambda *_: path)
    connect(window.documents.saved, told.append)
    connect(window.documents.refused, refused.append)
    window.state.edit({"data.kind": "rings", "noise.kind": "vp"})
    shown = window.state.experiment
    window.actions_by_key.trigger("help.write_lesson")
    until_written(window, qtbot)
    assert told == ["Saved own.lesson.md. Change it in a text editor, and open it here to try it."]
    assert load(path).steps[0].settings == shown
    window.state.edit({"data.kind": "file", "data.path": "points.csv"})
    window.actions_by_key.trigger("help.write_lesson")
    assert [str(message) for message in refused] == [
        "A lesson reads no file of points or images: choose a toy, digits, or draw the data."
    ]


@pytest.mark.parametrize("of_the_own_settings", [False, True])
def test_below_a_lesson_at_the_start_lies_what_the_program_opens_with(qapp, tmp_path, of_the_own_settings):
    opening = Session.load(resource(OPENING))
    path = bundled()["01-score"]
    if of_the_own_settings:
        path = tmp_path / "own.lesson.md"
        path.write_text(lesson_template(opening.experiment, "Own"), encoding="utf-8")
    window = MainWindow(Preferences(tmp_path / "settings.ini"), Log(), path, device="cpu")
    building, lessons = window.building, window.controllers.lessons
    try:
        window.show()
        wait(lambda: lessons.lesson is not None and window.state.model is not None and not building.busy)
        assert building.key.name != FIRST  # the lesson's weights are its own
        lessons.leave()
        wait(lambda: not building.busy)
        assert window.state.experiment == opening.experiment
        assert window.state.model.training.now.step == int(opening.weights["step"]) > 0
        assert not window.state.model.weights.untrained
    finally:
        end(window)


def save_answers(window, qtbot):
    window.actions_by_key.trigger("learn.answers")
    dialog = window.dialogs.made["answers"]
    dialog.save.click()
    until_written(window, qtbot)
    return dialog


def test_answers_are_saved_as_a_table(window, qtbot, tmp_path, monkeypatch):
    lessons, path = window.controllers.lessons, tmp_path / "answers.csv"
    monkeypatch.setattr(FilePrompts, "save_path", lambda *_: path)
    assert not lessons.has_answers
    lessons.begin(LESSON)
    lessons.go(1)
    lessons.predict(0.5)
    until_shown(window, qtbot)
    window.actions_by_key.refresh()
    dialog = save_answers(window, qtbot)
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [list(COLUMNS), [platform.node(), "mine", "2", "How many?", "0.5", "0.75", ""]]
    lessons.progress.take(Answer("=1+1", 1, "-What?", (-2.5,), "-2.5"))
    dialog.name.setText("@Ada")
    save_answers(window, qtbot)
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["'@Ada", "'=1+1", "1", "'-What?", "-2.5", "", ""]


def test_answers_have_a_name_that_is_kept_and_are_those_to_the_chosen_lessons(window, qtbot, tmp_path, monkeypatch):
    proposed, path = [], tmp_path / "answers.csv"
    monkeypatch.setattr(FilePrompts, "save_path", lambda *asked: (proposed.append(Path(asked[2]).name), path)[1])
    first, second, *_ = load_all()
    for lesson in (first, second):
        window.controllers.lessons.progress.take(Answer(lesson, 2, "What?", (-2.5,), "-2.5"))
    window.dialogs.show("answers")
    dialog = window.dialogs.made["answers"]
    assert [dialog.chosen.item(row).text() for row in (0, 1)] == [load_all()[name].title for name in (first, second)]
    dialog.name.setText("  ")
    assert not dialog.save.isEnabled()
    dialog.name.setText(" Ada / Lovelace ")
    assert dialog.save.isEnabled()
    for row in (0, 1):
        dialog.chosen.item(row).setCheckState(Qt.CheckState.Unchecked)
    assert not dialog.save.isEnabled()
    dialog.chosen.item(1).setCheckState(Qt.CheckState.Checked)
    dialog.save.click()
    until_written(window, qtbot)
    with path.open(newline="") as file:
        assert [row[:3] for row in csv.reader(file)][1:] == [["Ada / Lovelace", second, "2"]]
    assert proposed == ["Ada - Lovelace.csv"]
    assert window.documents.student == "Ada / Lovelace"


def test_an_answer_that_is_saved_while_it_is_measured_is_filled_in_once_it_is(window, qtbot, tmp_path, monkeypatch):
    held = threading.Event()

    def measure(step):
        while not held.wait(0.01):
            yield 0.5, MeasuredStep(step, {})
        yield 1.0, MeasuredStep(step, {"measured": 0.75})

    def saved():
        with path.open(newline="") as file:
            return list(csv.reader(file))[1:]

    monkeypatch.setattr(step_measuring, "measure", measure)
    lessons, path = window.controllers.lessons, tmp_path / "answers.csv"
    monkeypatch.setattr(FilePrompts, "save_path", lambda *_: path)
    lessons.begin(LESSON)
    lessons.go(2)
    lessons.predict(1)
    window.actions_by_key.refresh()
    save_answers(window, qtbot)
    assert saved() == [[platform.node(), "mine", "3", "Which?", "many", "", ""]]
    held.set()
    until_shown(window, qtbot)
    qtbot.waitUntil(lambda: not window.documents.busy)
    assert saved() == [[platform.node(), "mine", "3", "Which?", "many", "0.75", "True"]]
    path.unlink()
    lessons.forget_answer()
    lessons.predict(0)  # which nobody asked to save
    until_shown(window, qtbot)
    assert not window.documents.busy
    assert not path.exists()


def test_while_a_question_is_open_the_run_stands_at_its_first_frame(window, qtbot):
    lessons, playing, transport = window.controllers.lessons, window.playing, window.transport
    lessons.begin(LESSON)
    assert playing.is_playing  # its first step asks nothing
    lessons.go(1)
    qtbot.waitUntil(lambda: not window.building.busy and playing.recorded > 20)
    for request in (
        lambda: QTest.keyClick(window.canvas.surface, Qt.Key.Key_Space),
        lambda: QTest.keyClick(window.canvas.surface, Qt.Key.Key_Period),
        lambda: QTest.keyClick(window.canvas.surface, Qt.Key.Key_E),
        lambda: QTest.mouseClick(transport.scrubber, Qt.MouseButton.LeftButton),
        lambda: QTest.mouseClick(transport.play, Qt.MouseButton.LeftButton),
        lambda: playing.seek(9),
        lambda: playing.step(9),
        lambda: window.controllers.sampling.restart(new_seed=True),
        lambda: window.state.edit({"sampling.kind": "annealed-langevin"}),  # which plays otherwise
    ):
        request()
        qtbot.waitUntil(lambda: not window.building.busy and playing.recorded > 20)
        assert (playing.frame, playing.is_playing) == (0, False)
    assert "Predict first" in transport.play.toolTip()
    assert transport.scrubber.value() == 0
    lessons.predict(0.5)
    until_shown(window, qtbot)
    qtbot.waitUntil(lambda: playing.frame > 5)
    assert transport.play.isEnabled()
    lessons.forget_answer()
    qtbot.waitUntil(lambda: playing.recorded > 20 and not playing.is_playing)
    assert (playing.frame, playing.is_playing) == (0, False)
    lessons.leave()
    qtbot.waitUntil(lambda: playing.frame > 5)


def test_while_a_question_is_open_no_figure_is_shown_or_measured(window, qtbot):
    lessons, quality, measuring = window.controllers.lessons, window.panel(QualityPanel), window.controllers.measuring
    asked = msgspec.structs.replace(LESSON.steps[1], experiment={})
    lessons.begin(Lesson("mine", "A lesson", (Step(text="Text."), asked)))
    qtbot.waitUntil(lambda: not window.building.busy and window.playing.recorded > 20)
    part, model = figures.MEASUREMENTS["quality"][0], window.state.model.model_key
    window.state.store.hold(figures.key(part, model), Figures({"sliced_wasserstein2": Measured(0.5)}))
    measuring.look_up()
    row, button = quality.samples.rows["sliced_wasserstein2"], quality.buttons["quality"]
    assert row.text() == "0.5"
    assert button.isEnabled()
    lessons.go(1)
    wait(lambda: row.text() == "–")
    assert not any(one.isEnabled() for one in (*quality.buttons.values(), window.panel(TrainingPanel).good))
    assert "Predict first" in button.toolTip()
    lessons.predict(0.5)
    until_shown(window, qtbot)
    wait(lambda: row.text() == "0.5")
    assert button.isEnabled()


def test_a_run_that_was_paused_stays_paused_after_a_question(window):
    lessons, playing = window.controllers.lessons, window.playing
    asked = msgspec.structs.replace(LESSON.steps[1], experiment={})
    lessons.begin(Lesson("mine", "A lesson", (Step(text="Text."), asked)))
    playing.set_playing(False)
    lessons.go(1)
    lessons.back()
    assert not playing.is_playing


@pytest.mark.claims
@pytest.mark.parametrize("way", ["leave", "undo", "other data"])
def test_a_scene_and_each_step_begin_without_the_clicked_point_which_comes_back(window, qtbot, way):
    clicking, lessons = window.clicking, window.controllers.lessons

    def settled():
        return not window.building.busy and not clicking.is_measuring_point

    def clicked(*place):
        clicking.inspect(place)
        qtbot.waitUntil(lambda: clicking.likelihood is not None and settled())

    if way == "other data":
        window.state.edit({"data.kind": "rings"})
        qtbot.waitUntil(settled)
    clicked(0.5, 0.25)
    place = window.state.stack.index()
    lessons.begin(Lesson("a-scene", "A scene", (Step(experiment=SAME_DATA),)))
    qtbot.waitUntil(settled)
    assert (window.state.document.clicked, clicking.likelihood) == ((), None)
    clicked(1.5, 1.0)
    lessons.begin(Lesson("another", "Another", (Step(experiment=SAME_DATA | {"seed": 3}),)))
    qtbot.waitUntil(settled)
    assert window.state.document.clicked == ()
    lesson = Lesson("mine", "A lesson", (Step(experiment=SAME_DATA),) * 2)
    lessons.begin(lesson)
    qtbot.waitUntil(settled)
    assert window.state.document.clicked == ()
    clicked(1.5, 1.0)
    lessons.next()
    qtbot.waitUntil(settled)
    assert window.state.document.clicked == ()
    if way == "undo":
        window.state.stack.setIndex(place)
    else:
        lessons.leave()
    qtbot.waitUntil(lambda: settled() and clicking.likelihood is not None)
    assert window.state.document.clicked == ((0.5, 0.25),)
    assert clicking.likelihood.point.tolist() == [0.5, 0.25]


def test_undo_goes_back_through_a_lesson_and_redo_into_it(controller, state):
    own, told = state.experiment, []
    controller.changed.connect(lambda: told.append(controller.place))
    controller.begin(LESSON)
    controller.go(1)
    assert state.undo_text == "step 2 of A lesson"
    controller.set_mark(1.0, 2.0)
    told.clear()
    state.undo()
    assert (controller.lesson, controller.place, state.experiment, told) == (LESSON, 0, own, [0])
    state.undo()
    assert controller.lesson is None
    assert state.experiment == own
    for _ in range(2):
        state.redo()
    assert (controller.lesson, controller.place, controller.mark) == (LESSON, 1, None)
    assert state.experiment == LESSON.steps[1].settings
    controller.leave()
    assert (controller.lesson, state.experiment, state.own_place) == (None, own, 0)


def test_an_opened_file_ends_the_lesson_and_is_left_as_it_is(controller, state):
    controller.begin(LESSON)
    controller.go(1)
    state.load(replace(Experiment(), {"data.kind": "rings"}))
    assert controller.lesson is None
    controller.go(2)
    controller.leave()
    assert state.experiment.data.kind == "rings"


def test_one_scene_after_another_leads_back_to_the_own_work_and_forgets_what_was_measured(controller, state, qtbot):
    own = state.experiment
    controller.begin(SCENE)
    controller.measure()
    qtbot.waitUntil(lambda: controller.measured is not None)
    assert controller.measured == MeasuredStep(SCENE.steps[0], {"measured": 0.75})
    controller.begin(OTHER)
    assert controller.measured is None
    state.undo()
    assert controller.scene is SCENE
    controller.leave()
    assert state.experiment == own
    assert state.stack.index() == 0


def test_a_scene_of_the_own_settings_is_a_step_and_leaves_the_last_edit(controller, state):
    state.edit({"data.kind": "rings"})
    own, place = state.experiment, state.stack.index()
    assert OTHER.steps[0].settings == own
    controller.begin(OTHER)
    assert state.undo_text == "scene: Other"
    controller.leave()
    assert controller.scene is None
    state.redo()
    assert controller.scene is OTHER
    controller.leave()
    assert state.experiment == own
    assert state.stack.index() == place


def test_a_scene_follows_a_lesson_and_undo_leads_back_to_it(window):
    state, lessons, panel = window.state, window.controllers.lessons, window.panel(LessonPanel)
    own, scene = (
        state.experiment,
        Lesson("a-scene", "A scene", (Step(experiment={"data": {"kind": "rings"}, **EXACT}),)),
    )
    lessons.begin(scene)
    assert (lessons.scene, panel.accessibleName()) == (scene, "Scene")
    lessons.begin(LESSON)
    lessons.go(1)
    assert (lessons.scene, panel.accessibleName()) == (None, "Lesson")
    lessons.leave()
    assert state.experiment == own
    lessons.begin(LESSON)
    lessons.go(1)
    lessons.begin(SCENE)
    assert (lessons.scene, panel.accessibleName()) == (SCENE, "Scene")
    state.undo()
    assert (lessons.lesson, lessons.place, panel.accessibleName()) == (LESSON, 1, "Lesson")
    state.redo()
    lessons.leave()
    assert state.experiment == own
    assert panel.isHidden()


def test_another_lesson_of_the_same_name_has_no_answer_yet(controller, qtbot):
    controller.begin(LESSON)
    controller.go(1)
    controller.predict(0.8)
    until_measured(controller, qtbot)
    first, second, third = LESSON.steps
    other = msgspec.structs.replace(second, question="Another?")
    controller.begin(Lesson("mine", "Other", (first, other, third)))
    controller.go(1)
    assert controller.answer is None


def test_a_figure_that_is_not_known_is_painted_nowhere(qtbot):
    scale = Scale()
    qtbot.addWidget(scale)
    scale.show_values((0.0, 1.0), 0.5, float("nan"), said=True)
    assert not scale.grab().isNull()


def test_what_was_done_is_there_at_the_next_start_and_the_lesson_goes_on(controller, qtbot, state, tmp_path):
    folder = tmp_path / "new" / "lessons"
    controller.progress.keep_in(folder)
    controller.begin(LESSON)
    controller.next()
    assert controller.place == 1
    controller.next()  # the question is not answered
    assert controller.place == 1
    controller.predict(0.8)
    until_measured(controller, qtbot)
    assert controller.progress.shutdown(5.0)
    answer = controller.answer
    controller.leave()

    later = Lessons(state, Training(state))
    later.progress.keep_in(folder)
    assert later.progress.rows("Ada", ["mine"]) == [("Ada", "mine", 2, "How many?", "0.8", 0.75, None)]
    later.begin(LESSON)
    assert later.place == 2  # the first step that was not done
    later.back()
    assert later.answer == answer
    later.start_again()
    assert later.place == 0
    assert not later.has_answers
    assert later.progress.shutdown(5.0)
    assert list(folder.iterdir()) == []


def done_in(folder):
    """The steps of the lesson that are done, as the next window finds them."""
    found = LessonProgress(print)
    found.keep_in(folder)
    return found.done(LESSON)


def test_a_lesson_that_is_done_begins_with_its_first_step(controller, qtbot):
    controller.begin(LESSON)
    controller.next()
    for prediction in (0.8, 1.0):
        controller.predict(prediction)
        until_measured(controller, qtbot)
        controller.next()
    assert controller.lesson is None  # left after its last step
    assert controller.progress.done(LESSON) == {1, 2, 3}
    controller.begin(LESSON)
    assert controller.place == 0


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"answers": [{"lesson": 1}]}', '{"done": {"a": ["x"]}}', "[" * 100_000, "\x00\xff"]
)
def test_progress_that_cannot_be_read_begins_anew_with_a_sentence(controller, state, tmp_path, text):
    path, told = tmp_path / "lessons.json", []
    path.write_text(text, encoding="latin-1")
    state.notified.connect(told.append)
    controller.progress.keep_in(tmp_path / "lessons")
    (notification,) = told
    assert notification.message.startswith("Your progress in lessons could not be read, and starts again.")
    assert (tmp_path / "lessons-unreadable.json").read_text(encoding="latin-1") == text
    controller.begin(LESSON)
    controller.next()
    assert controller.progress.shutdown(5.0)
    assert done_in(tmp_path / "lessons") == {1}


@pytest.mark.files
def test_progress_that_cannot_be_written_is_told_once(controller, state, tmp_path):
    (tmp_path / "file").write_text("no folder")
    told = []
    state.notified.connect(told.append)
    controller.progress.keep_in(tmp_path / "none" / "lessons")
    (tmp_path / "none").write_text("no folder either")
    controller.begin(LESSON)
    for _ in range(2):
        controller.next()
        controller.back()
        assert controller.progress.shutdown(5.0)
        controller.progress.start_again(LESSON)
    (notification,) = told
    assert "lessons cannot be written" in notification.message
    assert controller.lesson is not None


def test_an_answer_of_other_figures_is_to_be_measured_anew(controller):
    controller.progress.take(Answer("mine", 2, "How many?", (0.5,), "0.5", {"other": 1.0}))
    controller.begin(LESSON)
    controller.go(1)
    assert controller.answer.values is None
    assert not controller.may_go_on
    controller.progress.take(Answer("mine", 2, "How many?", (0.5,), "0.5", {"measured": float("nan")}))
    assert controller.answer.values is None


def test_the_card_shows_the_steps_and_starts_again_when_told_twice(window, qtbot, monkeypatch):
    lessons, panel = window.controllers.lessons, window.panel(LessonPanel)
    lessons.begin(LESSON)
    assert panel.start_again.isHidden()
    panel.onward.click()
    assert panel.steps.accessibleName() == "Step 2 of 3, 1 done"
    assert not panel.start_again.isHidden()
    assert not panel.steps.grab().isNull()

    def press(text):
        monkeypatch.setattr(
            QMessageBox,
            "exec",
            lambda box: next(box.standardButton(one).value for one in box.buttons() if text in one.text()),
        )
        panel.start_again.click()

    press("Cancel")
    assert lessons.progress.done(LESSON) == {1}
    press("Forget")
    assert lessons.progress.done(LESSON) == frozenset()
    assert lessons.place == 0


def test_the_window_keeps_progress_beside_its_preferences(window):
    lessons = window.controllers.lessons
    lessons.begin(LESSON)
    lessons.next()
    assert lessons.progress.shutdown(5.0)
    assert done_in(window.preferences.beside("lessons")) == {1}


def test_a_window_that_the_user_comes_back_to_shows_what_another_has_done(window, qtbot):
    lessons, panel, menu, other = (
        window.controllers.lessons,
        window.panel(LessonPanel),
        QMenu(),
        LessonProgress(print),
    )
    step = msgspec.structs.replace(LESSON.steps[1].check, settings={"sampling": {"steps": 7}})
    asked = msgspec.structs.replace(LESSON.steps[1], check=step, explanation="It is {measured}.")
    lesson = Lesson("mine", LESSON.title, (LESSON.steps[0], asked, LESSON.steps[2]))
    lessons.begin(lesson)
    lessons.go(1)
    assert panel.steps.accessibleName() == "Step 2 of 3, 0 done"
    other.keep_in(window.preferences.beside("lessons"))
    other.finish(lesson, 1)
    other.take(Answer("mine", 2, "How many?", (0.5,), "0.5", {"measured": 0.75}))
    other.finish(lesson, 2)
    other.finish(load_all()["01-score"], 1)
    assert other.shutdown(5.0)
    window.actions_by_key.refresh()
    assert not window.actions_by_key["learn.answers"].isEnabled()
    QApplication.instance().applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert panel.steps.accessibleName() == "Step 2 of 3, 2 done"
    assert panel.explanation.text() == "It is 0.75."
    assert window.state.experiment.sampling.steps == 7  # as it was measured
    assert lessons.progress.rows("Ada", ["mine"]) == [("Ada", "mine", 2, "How many?", "0.5", 0.75, None)]
    window.actions_by_key.refresh()
    assert window.actions_by_key["learn.answers"].isEnabled()
    window.menu.fill_lessons(menu)
    assert menu.actions()[0].text().endswith("\t1 of 4")
    lessons.begin(lesson)
    assert lessons.place == 2


def test_a_screen_reader_reads_no_marks_of_markdown(window):
    text = "The chip **Density** shows *p*_σ:\n\n- first $x_0$\n- second"
    lesson = Lesson("mine", "A lesson", (Step(text=text),))
    window.controllers.lessons.begin(lesson)
    read = window.panel(LessonPanel).text.accessibleName()
    assert "The chip Density shows p" in read
    assert not set(read) & set("*<")


def test_a_question_shows_its_columns_and_measures_none_before_the_prediction(window, qtbot, monkeypatch):
    def measure(step):
        yield 1.0, MeasuredStep(step, {"measured_1": 0.5, "measured_2": 0.75, "measured": 0.75})

    monkeypatch.setattr(step_measuring, "measure", measure)
    lessons, comparing, panel = window.controllers.lessons, window.controllers.comparing, window.panel(LessonPanel)
    own = window.state.experiment
    columns = (Choice("A: 60 steps"), Choice("B: 20 steps", {"sampling": {"steps": 20}}))
    step = Step(experiment=SAME_DATA, question="Which?", choices=columns, right="greatest", check=CHECK)
    lessons.begin(Lesson("columns", "Columns", (step, Step(text="End."))))
    qtbot.waitUntil(lambda: len(comparing.runs) == 2 and all(run.finished for run in comparing.runs))
    assert [dict(column.edits) for column in comparing.columns] == [{}, {"sampling.steps": 20}]
    window.controllers.playing.hold(True)
    wait(milliseconds=300)
    assert [run.curve for run in comparing.runs] == [None, None]
    panel.group.button(0).click()
    panel.commit.click()
    until_shown(window, qtbot)
    assert lessons.answer.right is False
    assert panel.notice.text.text() == "Not as you said: B: 20 steps. Measured: 0.75."
    qtbot.waitUntil(lambda: all(run.curve is not None for run in comparing.runs))
    assert lessons.progress.rows("Ada", ["columns"]) == [("Ada", "columns", 1, "Which?", "A: 60 steps", 0.75, False)]
    lessons.next()
    lessons.leave()
    assert not comparing.is_active
    assert window.state.experiment == own
