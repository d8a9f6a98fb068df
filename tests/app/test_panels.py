import dataclasses

import numpy as np
import pytest
from controllers_double import ControllersDouble, moons, score_errors
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
    QWidgetItem,
)
from scipy.special import ndtr

from playground.app import panels
from playground.app.controllers import why_disabled
from playground.app.model.state import State
from playground.app.model.views import DensityView, LatentInterpolation
from playground.app.panels.figure import Figure
from playground.app.panels.training import BUTTON
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.wrapping import BREAK
from playground.app.widgets.charts.chart import ChartView
from playground.app.widgets.charts.noise_levels import NoiseLevelChart
from playground.app.widgets.collapsible_panel import CollapsiblePanel, shortened
from playground.app.widgets.field_row import FieldRow
from playground.app.workers.jobs import JobStatus
from playground.drawing.palette import DARK, LIGHT
from playground.kinds.datasets import Toy
from playground.kinds.kind import forget, register
from playground.kinds.noise.noise import crossed_ends
from playground.lab.conflicts import Conditions, sampling_conflict, training_conflict
from playground.lab.experiment import fields, replace
from playground.lab.label_dropout_checks import untrained_conditional_score, untrained_unconditional_score
from playground.lab.measured import Figures
from playground.messages import Edit, Message, plain, setting

KINDS = [card.panel for card in panels.LAYOUT]
PATH = "/some/where/faithful.csv"
TOLD = Conditions(tuple(range(10)), 359)


@pytest.fixture
def state(qapp):
    return State()


@pytest.fixture
def controllers(state):
    return ControllersDouble(state)


@pytest.fixture
def show(qtbot, state, controllers):
    """Shows panels in a column as the window's, which scrolls, and keeps them."""
    column = QWidget()
    layout = QVBoxLayout(column)
    # The cards fill the column: in a wider one Qt would reckon the height of their sentences for its width, not theirs.
    layout.setContentsMargins(0, 0, 0, 0)
    column.setFixedWidth(288)
    area = QScrollArea()
    area.setWidget(column)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.resize(330, 600)
    qtbot.addWidget(area)

    def put(*kinds: type[CollapsiblePanel]) -> list[CollapsiblePanel]:
        made = [kind(state, controllers) for kind in kinds]
        for panel in made:
            layout.addWidget(panel)
        layout.addStretch(1)
        with qtbot.waitExposed(area):
            area.show()
        return made

    return put


def press(button: QAbstractButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def button_called(panel: QWidget, text: str) -> QAbstractButton:
    return next(button for button in panel.findChildren(QAbstractButton) if button.text() == text)


SCENES = {
    "toy": {},
    "levels by hand": {"noise.kind": "discrete", "noise.sigmas": (5.0, 1.0, 0.2), "sampling.kind": "annealed-langevin"},
    "vp, sliced": {"noise.kind": "vp", "objective.kind": "sliced"},
    "nothing fits": {"noise.kind": "none", "sampling.source": "exact", "data.kind": "digits"},
    "one sigma": {"noise.kind": "single", "objective.kind": "exact", "sampling.kind": "langevin"},
    "churn, corrected": {"sampling.kind": "edm", "sampling.corrector_steps": 2},
    "Metropolis": {"sampling.kind": "mala"},
    "file": {"data.kind": "file", "data.path": PATH},
    "drawn": {"data.kind": "drawn"},
}


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_fits_and_has_names(show, state, controllers, qtbot, recolor, scene):
    state.edit(SCENES[scene])
    shown = [panel for panel in show(*KINDS) if panel.isVisible()]  # those of a scene and a lesson are not
    controllers.build(axes=("a rather long name of an axis", "y"))
    controllers.train_to(3_000, "diverged", plain("The loss exploded: lower the learning rate."))
    controllers.sample()
    controllers.show_point()
    controllers.measure()
    for palette in (LIGHT, DARK):
        recolor(palette)
        for panel in shown:
            if hasattr(panel, "disclosure"):
                panel.disclosure.setChecked(True)
    qtbot.waitUntil(lambda: all(settled(panel.body) and within(panel) for panel in shown))
    for panel in shown:
        assert panel.width() == 288
        for control in panel.findChildren(QWidget):
            if not control.isVisibleTo(panel) or control.window() is control:
                continue
            # Nothing is cut by the card's edge, and nothing lies over a neighbour.
            at = control.mapTo(panel, QPoint(0, 0))
            assert at.x() >= 0, control
            assert at.x() + control.width() <= 288, control
            assert at.y() + control.height() <= panel.height(), control
            if isinstance(
                control, QAbstractButton | QAbstractSlider | QComboBox | QLineEdit | ChartView | NoiseLevelChart
            ):
                # A button's text is its name; Qt's name of a list would be what is chosen in it.
                assert control.accessibleName() or (isinstance(control, QPushButton) and control.text()), control
                assert control.toolTip(), control
        overlaps(panel.body)
        assert panel.header.accessibleName().startswith(panel.title)


def within(card: CollapsiblePanel) -> bool:
    """Whether a card has grown to hold what its layouts have in them."""
    controls = [
        control for control in card.findChildren(QWidget) if control.isVisibleTo(card) and not control.isWindow()
    ]
    return all(control.mapTo(card, control.rect().bottomLeft()).y() < card.height() for control in controls)


def settled(layout) -> bool:
    """Layouts inside layouts settle one after the other, in as many turns of the event loop."""
    try:
        overlaps(layout)
    except AssertionError:
        return False
    return True


def overlaps(layout) -> None:
    """Fail where two rows of a layout cover each other or one got less height than its words need."""
    bottom = -1
    children = layout.parentWidget().findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    rows = [QWidgetItem(child) for child in children if layout.indexOf(child) >= 0]
    for item in sorted([*rows, *layout.children()], key=lambda row: row.geometry().top()):
        if item.isEmpty():
            continue
        box = item.geometry()
        assert box.top() >= bottom, item.widget()
        if item.widget() is not None:
            need = item.heightForWidth(box.width()) if item.hasHeightForWidth() else item.minimumSize().height()
            assert box.height() >= need, item.widget()
        bottom = box.bottom()


def test_tab_goes_through_all_panels_once(show, state, controllers):
    shown = [panel for panel in show(*KINDS) if panel.isVisible()]
    controllers.build()
    first = shown[0].header
    first.setFocus()
    seen: list[QWidget] = []
    now: QWidget = first
    while not seen or now is not first:
        assert len(seen) < 300
        if now not in seen:
            seen.append(now)
        QTest.keyClick(now, Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
    order = [shown.index(next(panel for panel in shown if panel.isAncestorOf(widget))) for widget in seen]
    assert order == sorted(order)
    assert set(order) == set(range(len(shown)))
    for panel in shown:
        for button in panel.findChildren(QAbstractButton):
            grouped = button.group() is not None
            if button.isVisibleTo(panel) and button.isEnabled() and not grouped and button.isVisible():
                assert button in seen, button.accessibleName()


def test_tab_goes_down_the_noise_card(show, controllers):
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    panel.header.setFocus()
    QTest.keyClick(panel.header, Qt.Key.Key_Tab)
    assert panel.equation_button.hasFocus()
    QTest.keyClick(panel.equation_button, Qt.Key.Key_Tab)
    assert panel.kind.isAncestorOf(QApplication.focusWidget())
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert panel.chart.hasFocus()
    QTest.keyClick(panel.chart, Qt.Key.Key_Tab)  # to its other end
    QTest.keyClick(panel.chart, Qt.Key.Key_Tab)
    assert panel.levels.rows["noise.sigma_max"].isAncestorOf(QApplication.focusWidget())


def test_a_drag_of_the_noise_that_is_refused_or_given_up_leaves_no_number(show, state, controllers):
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    numbers = panel.levels.rows["noise.sigma_max"].numbers.values()
    before = [number.text() for number in numbers]
    levels = panel.chart.levels.sigmas
    for end in (panel.chart.abandoned.emit, lambda: panel.chart.moved.emit(0, levels * 1e15)):
        panel.chart.previewed.emit(levels * 1e15)
        assert [number.text() for number in numbers] != before
        end()
        assert [number.text() for number in numbers] == before


def test_tab_goes_on_to_what_mends_the_choice_that_was_refused(show, state, controllers):
    (panel,) = show(panels.SamplingPanel)
    controllers.build()
    state.edit({"noise.kind": "single", "sampling.kind": "reverse-sde"})
    panel.kind.control.setFocus()
    for button in panel.notice.buttons:
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert button.hasFocus(), button.text()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert panel.sampler.rows["sampling.source"].isAncestorOf(QApplication.focusWidget())


def test_cards_fold_by_mouse_and_keyboard(show, controllers):
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    tall = panel.sizeHint().height()
    press(panel.header)
    assert panel.is_folded()
    assert panel.sizeHint().height() < 70  # title and purpose
    panel.header.setFocus()
    QTest.keyClick(panel.header, Qt.Key.Key_Space)
    assert panel.sizeHint().height() == tall
    assert "3.39" in panel.header.state
    assert panel.header.state in panel.header.toolTip()


# Data


def test_tiles_choose_the_data_and_forget_what_was_in_its_units(show, state, controllers):
    state.edit({"noise.sigma_max": 50.0, "sampling.kind": "langevin", "sampling.step": 1.0})
    (panel,) = show(panels.DataPanel)
    controllers.build()
    assert set(panel.tiles) == set(fields()["data.kind"].choices)
    press(panel.tiles["checkerboard"])
    assert state.experiment.data.kind == "checkerboard"
    assert state.experiment.noise.sigma_max == "auto"
    assert state.experiment.sampling.step == "auto"
    assert panel.tiles["checkerboard"].isChecked()
    state.undo()
    assert panel.tiles["two-moons"].isChecked()
    assert state.experiment.noise.sigma_max == 50.0
    assert "two moons" in panel.header.state


@pytest.mark.parametrize(
    ("before", "kind", "gone"),
    [
        (
            {
                "data.kind": "digits",
                "sampling.inpainting_mask": "frame",
                "sampling.inpainting_image": 300,
                "network.kind": "u-net",
            },
            "rings",
            {"sampling.inpainting_mask": "none", "sampling.inpainting_image": 0, "network.kind": "auto"},
        ),
        (
            {"data.kind": "digits", "sampling.inpainting_mask": "left", "sampling.labels": "one", "sampling.label": 7},
            "rings",
            {"sampling.inpainting_mask": "none", "sampling.labels": "all", "sampling.label": 0},
        ),
        (
            {"data.kind": "images", "data.path": "cats", "sampling.labels": "one", "sampling.label": 12},
            "digits",
            {"sampling.labels": "all", "sampling.label": 0},
        ),
        (
            {"data.kind": "digits", "sampling.inpainting_mask": "frame", "sampling.guidance": 2.0},
            "images",
            {"data.path": "cats", "sampling.guidance": 0.0, "sampling.inpainting_mask": "none"},
        ),
    ],
)
def test_a_tile_lets_go_of_what_was_chosen_for_other_data_and_undo_brings_it_back(
    show, state, controllers, before, kind, gone
):
    state.edit({"data.kind": "images", "data.path": "cats"})  # else its tile asks for a folder
    state.edit(before)
    chosen = state.experiment
    (panel,) = show(panels.DataPanel)
    press(panel.tiles[kind])
    assert state.experiment == replace(chosen, {"data.kind": kind, **gone})
    assert sampling_conflict(state.experiment, Conditions(held_out=50)) is None
    state.undo()
    assert state.experiment == chosen


def test_every_kind_has_a_picture(show, controllers):
    (panel,) = show(panels.DataPanel)
    for kind, tile in panel.tiles.items():
        assert theme.icon_path(f"data-{kind}").exists(), kind
        assert not tile.icon().isNull(), kind


def test_the_file_tile_asks_for_a_file_first(show, state, controllers, qtbot):
    (panel,) = show(panels.DataPanel)
    with qtbot.waitSignal(panel.open_file_requested):
        press(panel.tiles["file"])
    assert state.experiment.data.kind == "two-moons"
    assert panel.tiles["two-moons"].isChecked()
    controllers.building.busy = True
    state.edit({"data.kind": "file", "data.path": PATH})
    assert panel.header.state == "loading…"  # and not the number of points from before
    height, lines = panel.sizeHint().height(), panel.file_text.text().count("\n")
    controllers.building.busy = False
    controllers.build(count=218, conditions=Conditions(held_out=54), name="faithful", axes=("eruptions", "waiting"))
    assert panel.file_text.text().count("\n") == lines
    assert panel.sizeHint().height() == height  # the card does not jump
    assert panel.header.state == "faithful.csv · 272"
    assert panel.file_text.text() == "272 rows: eruptions, waiting\n218 to train, 54 held out"
    assert not panel.notice.isVisible()
    controllers.build(
        count=218, conditions=Conditions(held_out=54), name="faithful", note="40 of 272 rows repeat another."
    )
    assert panel.notice.text.text() == "40 of 272 rows repeat another."
    assert panel.notice.isVisible()
    with qtbot.waitSignal(panel.open_file_requested):
        press(panel.open)


@pytest.mark.parametrize(("kind", "axes"), [("images", ("x", "y")), ("file", ("eruptions (min)", "waiting (min)"))])
def test_notes_on_reading_take_a_line_a_sentence(show, state, controllers, kind, axes):
    """The buttons lie below it: beside them, what was read of images broke into four lines."""
    (panel,) = show(panels.DataPanel)
    state.edit({"data.kind": kind, "data.path": PATH})
    images = kind == "images"
    points = np.zeros((300, 3, 21, 21) if images else (300, 2))
    controllers.build(axes=axes, points=points, is_image=images)
    QApplication.processEvents()
    text = panel.file_text
    assert text.text().count("\n") == 1
    assert text.height() < 3 * text.fontMetrics().lineSpacing()
    for button in (panel.open, panel.folder):
        assert not button.isVisible() or button.mapTo(panel, QPoint()).y() > text.mapTo(panel, QPoint()).y()


def test_the_buttons_of_images_are_reached_from_left_to_right_and_say_what_they_open(show, state, controllers):
    (panel,) = show(panels.DataPanel)
    state.edit({"data.kind": "images", "data.path": PATH})
    controllers.build(points=np.zeros((300, 3, 21, 21)), is_image=True)
    QApplication.processEvents()
    assert panel.folder.x() < panel.open.x()
    assert panel.folder.nextInFocusChain() is panel.open
    assert panel.open.accessibleName() == "Open a file of images"
    assert "NPZ" in panel.open.toolTip()
    state.edit({"data.kind": "file", "data.path": PATH})
    assert panel.open.accessibleName() == "Open a file of points"
    assert "CSV" in panel.open.toolTip()


@pytest.mark.parametrize("folder", [True, False])
def test_a_folder_that_fails_is_replaced_by_another_folder(show, state, controllers, qtbot, tmp_path, folder):
    (panel,) = show(panels.DataPanel)
    path = tmp_path / "gone"
    if not folder:
        path.write_text("no images")
    state.edit({"data.kind": "images", "data.path": str(path)})
    controllers.fail(plain("gone does not exist."))
    (again,) = (button for button in panel.notice.findChildren(QPushButton) if button.text() == "Open another…")
    with qtbot.waitSignal(panel.open_folder_requested if folder else panel.open_file_requested):
        press(again)


@pytest.mark.parametrize("name", [letter * 40 for letter in ("n", "W", "m", "\ufdfd", "é", "漢")])
def test_no_name_makes_the_data_card_wider(show, state, controllers, name):
    (panel,) = show(panels.DataPanel)
    state.edit({"data.kind": "file", "data.path": PATH})
    controllers.build(axes=("x", "y"), note="A remark.")
    QApplication.processEvents()
    width = panel.body.totalMinimumSize().width()
    controllers.build(axes=("<img width=900>", name), note=f"Classes: 0 {name[:31]}, 1 {name}.")
    QApplication.processEvents()
    assert panel.body.totalMinimumSize().width() == width
    for label in (panel.notice.text, panel.file_text):  # nothing is cut off
        words = label.text().replace("\n", " ").replace(BREAK, " ").split()
        widest = max(label.fontMetrics().horizontalAdvance(word) for word in words)
        assert widest <= label.width()


@pytest.mark.parametrize(
    ("kind", "other", "message", "said"),
    [
        (
            panels.DataPanel,
            panels.NoisePanel,
            plain("faithful.csv, line 12: three columns."),
            "faithful.csv, line 12: three columns.",
        ),
        (
            panels.NoisePanel,
            panels.DataPanel,
            crossed_ends(900.0, 8.0),
            "σ min = 900 must lie below σ max = 8: lower one or raise the other.",
        ),
    ],
)
def test_why_there_is_no_problem_is_said_in_the_card_that_is_to_blame(
    show, state, controllers, kind, other, message, said
):
    panel, silent = show(kind, other)
    panel.set_folded(True)
    controllers.fail(message)
    assert panel.notice.isVisible()
    assert panel.notice.text.text() == said
    assert not silent.notice.isVisible()
    controllers.build()
    assert not panel.notice.isVisible()


def test_drawing(show, state, controllers, qtbot):
    from playground.kinds.datasets.data_source import Stroke

    (panel,) = show(panels.DataPanel)
    with qtbot.waitSignal(panel.brush_toggled) as caught:
        press(panel.tiles["drawn"])
    assert caught.args == [True]
    assert worded(training_conflict(state.experiment)) == panel.notice.text.text()
    assert not panel.undo.isEnabled()
    one, two = Stroke(((0.0, 0.0), (1.0, 1.0)), 0.2), Stroke(((2.0, 0.0),), 0.1)
    state.edit({"data.strokes": (one, two)})
    assert not panel.notice.isVisible()
    press(panel.undo)
    assert state.experiment.data.strokes == (one,)
    press(panel.clear)
    assert state.experiment.data.strokes == ()
    with qtbot.waitSignal(panel.radius.state.changed) as caught:
        panel.radius.number.setFocus()
        panel.radius.number.selectAll()
        QTest.keyClicks(panel.radius.number, "0.35")
        QTest.keyClick(panel.radius.number, Qt.Key.Key_Return)
    assert caught.args == [{"brush_radius"}]
    for text, said in {
        "wide": "“wide” is not a number: type a number from 0.001 to 1000, as in 0.2.",
        "": "A number is missing: type a number from 0.001 to 1000, as in 0.2.",
        "0": "Brush radius = 0.0 is not allowed: it must be a number from 0.001 to 1000.",
        "-1": "Brush radius = -1.0 is not allowed: it must be a number from 0.001 to 1000.",
        "1e99": "Brush radius = 1e99 is not allowed: it must be a number from 0.001 to 1000.",
    }.items():
        panel.radius.number.selectAll()
        QTest.keyClicks(panel.radius.number, text or "\b")
        QTest.keyClick(panel.radius.number, Qt.Key.Key_Return)
        assert (panel.radius.note.text(), panel.radius.note.isVisible()) == (said, True)
        assert panel.radius.number.property("refused")
        assert panel.radius.state.value("brush_radius") == 0.35
    QTest.keyClick(panel.radius.number, Qt.Key.Key_Escape)
    assert not panel.radius.note.isVisible()
    assert panel.radius.number.text() == "0.35"
    with qtbot.waitSignal(panel.brush_toggled) as caught:
        press(panel.tiles["rings"])
    assert caught.args == [False]


# Noise


def drag_handle(panel: panels.NoisePanel, index: int, by: int) -> None:
    start = panel.chart.place(index).toPoint()
    QTest.mousePress(panel.chart, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(panel.chart, start + QPoint(by // 2, 0))
    QTest.mouseMove(panel.chart, start + QPoint(by, 0))
    QTest.mouseRelease(panel.chart, Qt.MouseButton.LeftButton, pos=start + QPoint(by, 0))


def test_dragging_the_ends_sets_the_range(show, state, controllers):
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    drag_handle(panel, 0, -20)
    assert state.experiment.noise.sigma_max > 3.39
    assert state.experiment.noise.sigma_min == "auto"
    drag_handle(panel, len(panel.chart.sigmas) - 1, -20)
    assert state.experiment.noise.sigma_min > 0.0081
    state.undo()
    assert state.experiment.noise.sigma_min == "auto"
    state.undo()
    assert state.experiment.noise.sigma_max == "auto"
    assert panel.chart.sigmas[0] == pytest.approx(3.39)


def test_the_chart_names_its_ends_for_each_noise(show, state, controllers):
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    told = {}
    for kind in fields()["noise.kind"].choices:
        state.edit({"noise.kind": kind})
        told[kind] = panel.chart.toolTip()
    assert "Left: σ max, the noise at t = 1" in told["ve"]
    assert "shrinks the data" not in told["ve"]
    for kind in ("vp", "sub-vp"):
        assert "dragging it sets the rate β₁" in told[kind]
    assert "one level alone" in told["discrete"]
    assert "Left" not in told["single"] + told["none"]


def test_dragging_a_level_sets_the_levels_by_hand_and_back(show, state, controllers):
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    panel.kind.control.activated.emit(panel.kind.control.findData("discrete"))
    state.edit({"noise.levels": 10})
    controllers.build()
    drag_handle(panel, 3, 8)
    sigmas = state.experiment.noise.sigmas
    levels = state.experiment.noise.levels
    assert len(sigmas) == levels
    assert panel.header.state == f"by hand, L = {levels}"
    assert panel.by_hand.isVisible()
    assert not panel.levels.rows["noise.levels"].isVisible()
    press(panel.evenly)
    noise = state.experiment.noise
    assert (noise.sigmas, noise.sigma_max, noise.sigma_min) == ((), sigmas[0], sigmas[-1])


def test_dragging_a_point_draws_the_schedule_and_straightening_takes_it_back(show, state, controllers):
    state.edit({"noise.kind": "custom"})
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    line = panel.chart.sigmas
    assert np.diff(np.log(line)) == pytest.approx(np.log(line[-1] / line[0]) / 5)
    drag_handle(panel, 2, -12)
    schedule = state.experiment.noise.schedule
    assert [t for t, _ in schedule] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    moved = np.array([sigma for _, sigma in schedule])[::-1]
    assert moved[2] > 1.05 * line[2]  # left is coarser
    assert np.delete(moved, 2) == pytest.approx(np.delete(line, 2), rel=1e-3)
    assert "6 points set by hand" in panel._by_hand_text.text()
    curve = panel.chart.levels.curve()
    assert (curve[0].x(), curve[-1].x()) == pytest.approx((panel.chart.place(5).x(), panel.chart.place(0).x()))
    press(panel.evenly)
    noise = state.experiment.noise
    assert (noise.schedule, noise.sigma_max, noise.sigma_min) == ((), moved[0], moved[-1])


def test_dragging_the_end_of_a_vp_process_sets_its_rate(show, state, controllers):
    state.edit({"noise.kind": "vp"})
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    # sigma(1) = std/alpha with alpha = exp(-(b0 + b1)/4): what the process reaches, in the user's unit.
    reached = controllers.state.problem.sigma * np.sqrt(np.expm1((0.1 + 20.0) / 2))
    assert panel.chart.sigmas[0] == pytest.approx(reached, rel=1e-6)
    drag_handle(panel, 0, 25)
    rate = state.experiment.noise.beta_max
    assert rate < 20
    assert panel.chart.sigmas[0] == pytest.approx(
        controllers.state.problem.sigma * np.sqrt(np.expm1((0.1 + rate) / 2)), rel=1e-6
    )


def test_dragging_says_what_it_costs(show, state, controllers):
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    controllers.train_to(12_400)
    place = panel.chart.place(0).toPoint()
    QTest.mousePress(panel.chart, Qt.MouseButton.LeftButton, pos=place)
    assert "discards 12\u202f400 training steps" in panel.notice.text.text()
    QTest.mouseRelease(panel.chart, Qt.MouseButton.LeftButton, pos=place)
    panel._refresh()
    assert not panel.notice.isVisible()


@pytest.mark.parametrize("by", [0, 12])
def test_the_cost_of_a_drag_is_shown_only_during_the_drag(show, state, controllers, by):
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    controllers.train_to(2_000)
    before, start = panel.header.state, panel.chart.place(0).toPoint()
    QTest.mousePress(panel.chart, Qt.MouseButton.LeftButton, pos=start)
    if by:
        QTest.mouseMove(panel.chart, start + QPoint(by, 0))
        QTest.keyClick(panel.chart, Qt.Key.Key_Escape)
    QTest.mouseRelease(panel.chart, Qt.MouseButton.LeftButton, pos=start + QPoint(by, 0))
    assert not panel.notice.isVisible()
    assert panel.header.state == before


def test_a_level_of_other_noise_cannot_be_dragged_while_those_of_the_present_one_are_worked_out(
    show, state, controllers
):
    state.edit({"noise.kind": "vp"})
    (panel,) = show(panels.NoisePanel)
    controllers.build(
        resolved=replace(state.experiment, {"noise.sigma_min": 0.01})
    )  # a process of rates has no sigma_max
    start = panel.chart.place(0).toPoint()
    QTest.mousePress(panel.chart, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(panel.chart, start + QPoint(12, 0))
    state.undo()
    assert panel.levels.rows["noise.sigma_max"].number_of("noise.sigma_max") is None  # until the data are built again
    before = state.experiment
    QTest.mouseRelease(panel.chart, Qt.MouseButton.LeftButton, pos=start + QPoint(12, 0))
    assert state.experiment == before
    assert not panel.chart.handles()
    controllers.build()
    assert panel.chart.handles()


def test_the_full_trace_of_images_says_what_it_costs(show, state, controllers):
    state.edit({"data.kind": "digits", "objective.kind": "exact"})
    (panel,) = show(panels.ObjectivePanel)
    controllers.build()
    assert "each of 64 axes" in panel.notice.text.text()
    press(panel.notice.buttons[0])
    assert state.experiment.objective.kind == "sliced"
    assert not panel.notice.isVisible()
    state.edit({"data.kind": "two-moons", "objective.kind": "exact"})
    controllers.build()
    assert not panel.notice.isVisible()


RAISE = Edit("σ max = 60", {"noise.sigma_max": 60.0})


def test_a_warning_offers_its_cure(show, state, controllers):
    (panel,) = show(panels.NoisePanel)
    controllers.build(diagnostics=lambda _: (Message("test", "σ max = 3.39 is not enough.", edits=(RAISE,)),))
    assert "not enough" in panel.notice.text.text()
    assert panel.notice.buttons[0].text() == "σ max = 60"
    assert panel.notice.buttons[0].toolTip() == "<p>σ max = 60</p>"
    press(panel.notice.buttons[0])
    assert state.experiment.noise.sigma_max == 60.0


def test_a_calm_card_warns_in_the_place_of_its_state(show, state, controllers):
    """Nothing below it moves: the sentence and its cure are behind the icon, which a press on the warning opens."""
    (panel,) = show(panels.NoisePanel)
    panel.show_all(False)
    controllers.build()
    controllers.train_to(12_400)
    before = panel.sizeHint()
    place = panel.chart.place(0).toPoint()
    QTest.mousePress(panel.chart, Qt.MouseButton.LeftButton, pos=place)
    assert panel.short_notice.isVisible()
    assert panel.short_notice.text() == "! discards weights"
    assert panel.sizeHint() == before
    QTest.mouseRelease(panel.chart, Qt.MouseButton.LeftButton, pos=place)
    assert not panel.short_notice.isVisible()
    controllers.build(diagnostics=lambda _: (Message("levels-apart", "L = 3 is not enough.", edits=(RAISE,)),))
    assert panel.short_notice.text() == "! levels apart"
    assert panel.short_notice.accessibleName() == "Warning: L = 3 is not enough."
    assert panel.sizeHint() == before
    press(panel.short_notice)
    assert panel.notice.isVisible()
    assert not panel.short_notice.isVisible()
    press(panel.notice.buttons[0])
    assert state.experiment.noise.sigma_max == 60.0


def test_maximum_likelihood_is_behind_the_icon_of_a_calm_card(show, state):
    (panel,) = show(panels.ObjectivePanel)
    button = panel.kind.control.buttons["maximum-likelihood"]
    assert button.isVisible()
    panel.show_all(False)
    assert not button.isVisible()
    press(panel.disclosure)
    assert button.isVisible()
    press(button)
    press(panel.disclosure)
    assert button.isVisible()  # it is chosen
    state.edit({"objective.kind": "denoising"})
    assert not button.isVisible()


def test_a_warning_that_no_setting_mends_has_no_button(show, state, controllers):
    (panel,) = show(panels.NoisePanel)
    controllers.build(
        diagnostics=lambda _: (
            plain("The points lie on a line."),
            Message("test", "Too small.", edits=(RAISE,)),
        )
    )
    assert panel.notice.text.text() == "The points lie on a line.\nToo small."
    assert [button.text() for button in panel.notice.buttons] == ["σ max = 60"]


def test_a_warning_follows_the_objective_that_is_chosen(show, state, controllers):
    (panel,) = show(panels.NoisePanel)
    edges = {"exact": (plain("The data have sharp edges."),)}
    state.edit({"objective.kind": "exact"})
    controllers.build(diagnostics=lambda objective: edges.get(objective, ()))
    assert panel.notice.text.text() == "The data have sharp edges."
    state.edit({"objective.kind": "maximum-likelihood"})
    assert not panel.notice.isVisible()
    state.edit({"objective.kind": "exact"})
    assert panel.notice.text.text() == "The data have sharp edges."


def test_diagnostics_leave_with_the_data_they_are_about(show, state, controllers):
    """Other data are on their way, or there are none any more: what was said of the last ones is not true of these."""
    noise, objective, training = show(panels.NoisePanel, panels.ObjectivePanel, panels.TrainingPanel)
    state.edit({"data.kind": "digits", "objective.kind": "exact", "training.label_dropout": 0.0})
    diagnostics = (Message("test", "σ max = 3.39 is not enough.", edits=(RAISE,)),)
    controllers.build(diagnostics=lambda _: diagnostics, conditions=TOLD)
    state.edit({"sampling.guidance": 1.0})
    cards = (noise, objective, training)
    assert [card.notice.isVisible() for card in cards] == [True] * 3
    state.edit({"data.points": 7_000, "data.kind": "rings"})
    assert [card.notice.text.text() for card in cards if card.notice.isVisible()] == []
    controllers.build(diagnostics=lambda _: diagnostics)
    assert noise.notice.isVisible()
    controllers.fail(plain("Nothing is drawn yet: take the brush."))
    assert not noise.notice.isVisible()
    assert not noise.notice.buttons


@pytest.mark.parametrize("job", ["likelihood", "density", "test-set", "quality", "budget", "fisher"])
@pytest.mark.parametrize("change", ["the data are gone", "other data", "other weights", "measured again"])
def test_why_a_measurement_failed_is_told_as_long_as_it_is_of_what_is_there(show, controllers, job, change):
    kind = panels.QualityPanel if job in ("quality", "budget", "fisher") else panels.LikelihoodPanel
    (panel,) = show(kind)
    controllers.build()
    controllers.run(job, None, "The flow could not be followed.", running=False)
    assert panel.notice.text.text() == "The flow could not be followed."
    if change == "the data are gone":
        controllers.fail(plain("Nothing is drawn yet: take the brush."))
    elif change == "other data":
        controllers.build()
    elif change == "other weights":
        controllers.training.changed.emit("training")
        controllers.clicking.likelihood_changed.emit(None)
    else:
        controllers.run(job)
    assert not panel.notice.isVisible()


# Refusals


def test_denoising_without_noise_is_refused_and_mended(show, state, controllers):
    objective, training = show(panels.ObjectivePanel, panels.TrainingPanel)
    controllers.build()
    state.edit({"noise.kind": "none"})
    assert objective.notice.text.text() == worded(training_conflict(state.experiment))
    assert "Objective" in training.notice.text.text()
    assert not training.button.isEnabled()
    press(button_called(objective, "Use sliced"))
    assert state.experiment.objective.kind == "sliced"
    assert not objective.notice.isVisible()
    assert not training.notice.isVisible()
    assert training.button.isEnabled()


def test_a_convolution_on_points_is_refused_and_mended(show, state, controllers):
    (panel,) = show(panels.ObjectivePanel)
    controllers.build()
    state.edit({"network.kind": "u-net"})
    press(button_called(panel, "Use an MLP"))
    assert state.experiment.network.kind == "mlp"
    assert panel.header.state == "MLP 128×3 · 42 k"


def test_a_reference_batch_is_hidden_from_classes_and_refused_and_mended(show, state, controllers):
    (panel,) = show(panels.ObjectivePanel)
    panel.disclosure.setChecked(True)
    controllers.build()
    reference = panel.objective.rows["objective.target_batch"]
    assert reference.isVisible()
    state.edit({"data.kind": "digits", "objective.target_batch": 64})
    controllers.build(conditions=TOLD)
    assert panel.objective.rows["objective.target_batch"] is reference
    assert not reference.isVisible()
    press(button_called(panel, "Use Auto"))
    assert state.experiment.objective.target_batch == "auto"
    assert not panel.notice.isVisible()


def test_training_waits_for_what_only_the_files_tell_of_their_classes(show, state, controllers):
    objective, training = show(panels.ObjectivePanel, panels.TrainingPanel)
    state.edit({"data.kind": "images", "data.path": "images", "objective.target_batch": 64})
    controllers.build(conditions=Conditions())
    assert training.button.isEnabled()
    controllers.build(conditions=TOLD)
    assert objective.notice.isVisible()
    assert not training.button.isEnabled()
    assert "see Objective above" in training.notice.text.text()
    press(button_called(objective, "Use Auto"))
    assert training.button.isEnabled()


@pytest.mark.parametrize(
    ("changes", "way", "mended"),
    [
        (
            {"data.kind": "digits", "network.kind": "energy", "sampling.labels": "one"},
            "Use none",
            ("sampling.labels", "none"),
        ),
        (
            {
                "data.kind": "checkerboard",
                "noise.kind": "none",
                "sampling.kind": "langevin",
                "sampling.source": "exact",
            },
            "Use MALA",
            ("sampling.kind", "mala"),
        ),
        ({"noise.kind": "single"}, "Use Langevin", ("sampling.kind", "langevin")),
        ({"noise.kind": "none", "sampling.kind": "annealed-langevin"}, "Use VE noise", ("noise.kind", "ve")),
        ({"sampling.kind": "mala"}, "Use exact", ("sampling.source", "exact")),
        ({"sampling.inpainting_mask": "frame"}, "Use none", ("sampling.inpainting_mask", "none")),
        (
            {"sampling.kind": "mala", "data.kind": "digits"},
            "Use training set",
            ("sampling.source", "empirical"),
        ),
        (
            {"sampling.kind": "probability-flow", "sampling.solver": "adaptive", "sampling.corrector_steps": 1},
            "Use none",
            ("sampling.corrector_steps", 0),
        ),
        (
            {"sampling.kind": "probability-flow", "sampling.solver": "adaptive", "sampling.inpainting_mask": "left"},
            "Use Auto",
            ("sampling.solver", "auto"),
        ),
        (
            {"sampling.kind": "edm", "sampling.churn_min": 2.0, "sampling.churn_max": 1.0},
            "Use Auto",
            ("sampling.churn_min", "auto"),
        ),
        (
            {"sampling.kind": "annealed-langevin", "sampling.steps": 10, "sampling.levels": 30},
            "Use 30 steps",
            ("sampling.steps", 30),
        ),
        (
            {
                "sampling.kind": "annealed-langevin",
                "sampling.steps": 10,
                "noise.kind": "discrete",
                "noise.levels": 30,
            },
            "Use 30 steps",
            ("sampling.steps", 30),
        ),
        ({"data.kind": "digits", "sampling.source": "exact"}, "Use learned", ("sampling.source", "learned")),
    ],
)
def test_samplers_that_do_not_fit_are_refused_and_mended(show, state, controllers, changes, way, mended):
    (panel,) = show(panels.SamplingPanel)
    state.edit(changes)
    assert panel.notice.text.text() == worded(sampling_conflict(state.experiment))
    press(button_called(panel, way))
    assert state.value(mended[0]) == mended[1]
    assert not panel.notice.isVisible()


@pytest.mark.parametrize(
    ("changes", "way", "mended"),
    [
        ({"data.kind": "digits", "sampling.labels": "one", "sampling.label": 12}, "Use class 9", ("sampling.label", 9)),
        (
            {"sampling.inpainting_mask": "left", "sampling.inpainting_image": 5_000},
            "Use 358",
            ("sampling.inpainting_image", 358),
        ),
    ],
)
def test_conditions_that_the_data_lack_are_refused_and_mended(show, state, controllers, changes, way, mended):
    (panel,) = show(panels.SamplingPanel)
    state.edit(changes)
    assert not panel.notice.isVisible()  # until the data are read
    controllers.build(conditions=TOLD)
    why = worded(sampling_conflict(state.experiment, TOLD))
    assert panel.notice.text.text() == worded(why_disabled.sampling(controllers)) == why
    controllers.sample()  # an earlier run is in view
    assert worded(why_disabled.comparing_samples(controllers)) == why
    press(button_called(panel, way))
    assert state.value(mended[0]) == mended[1]
    assert not panel.notice.isVisible()
    assert why_disabled.sampling(controllers) is None


@pytest.mark.parametrize(("name", "last"), [("label", 9), ("inpainting_image", 358)])
def test_a_slider_over_what_the_data_have_ends_where_they_do(show, state, controllers, name, last):
    (panel,) = show(panels.SamplingPanel)
    state.edit({"data.kind": "digits", "sampling.labels": "one", "sampling.inpainting_mask": "left"})
    panel.disclosure.setChecked(True)
    controllers.build(is_image=True, conditions=TOLD)
    field = panel.sampler.rows[f"sampling.{name}"]
    QTest.keyClick(field.slider, Qt.Key.Key_End)
    assert state.value(field.key) == last
    field.number.setFocus()
    QTest.keyClick(field.number, Qt.Key.Key_Up)
    assert state.value(field.key) == last
    assert not panel.notice.isVisible()
    controllers.build(is_image=True, conditions=Conditions((0, 1, 2), 4))
    QTest.keyClick(field.slider, Qt.Key.Key_End)
    assert state.value(field.key) == {"label": 2, "inpainting_image": 3}[name]


def test_the_class_that_is_chosen_has_its_name_beside_its_number(show, state, controllers):
    (panel,) = show(panels.SamplingPanel)
    names = ("cats", "dogs", "fish", "<b>owls</b>\n" + 200 * "n")
    state.edit({"data.kind": "images", "data.path": "/animals", "sampling.label": 1})
    controllers.build(is_image=True, conditions=Conditions((0, 1, 2, 3), 4), class_names=names)
    class_name = panel.sampler.rows["sampling.label"].class_name
    assert not class_name.isVisible()  # all classes are sampled
    state.edit({"sampling.labels": "one"})
    assert (class_name.isVisible(), class_name.text()) == (True, "dogs")
    state.edit({"sampling.label": 3})
    assert class_name.text().startswith("<b>owls</b> nn")
    assert class_name.textFormat() == Qt.TextFormat.PlainText
    assert panel.width() <= 288
    state.edit({"sampling.label": 9})
    assert not class_name.isVisible()
    state.edit({"sampling.label": 0})
    controllers.build(is_image=True, conditions=Conditions((0, 1), 4))  # digits, say: their number is their name
    assert not class_name.isVisible()


CARD_OF = {
    "data": panels.DataPanel,
    "noise": panels.NoisePanel,
    "network": panels.ObjectivePanel,
    "objective": panels.ObjectivePanel,
    "sampling": panels.SamplingPanel,
}
BY_HAND = {"data.path", "data.strokes", "noise.sigmas", "noise.schedule"}
"""Set by opening a file, on the canvas or on the chart, and in no row."""


@pytest.mark.parametrize("section", CARD_OF)
def test_the_rows_are_those_of_the_chosen_kind_that_do_something(show, state, controllers, section):
    """By every kind: the description says what there is and when it does something, and no panel says it again."""
    (panel,) = show(CARD_OF[section])
    for kind in fields()[f"{section}.kind"].choices:
        for correctors in (0, 2):
            state.edit({f"{section}.kind": kind})
            if "sampling.corrector_steps" in state.fields():
                state.edit({"sampling.corrector_steps": correctors})
            controllers.build(conditions=TOLD if section == "sampling" else Conditions(held_out=359))
            own = {key: field for key, field in state.fields().items() if key.startswith(f"{section}.")}
            expected = own.keys() - BY_HAND - {f"{section}.kind"}
            if "noise.sigma_max" in own:
                expected -= {"noise.sigma_min"}  # one row for both
            rows = [row for row in panel.findChildren(FieldRow) if row.key.startswith(f"{section}.")]
            rows = [row for row in rows if row.key != f"{section}.kind"]
            assert sorted(row.key for row in rows) == sorted(expected), kind
            for row in rows:
                assert row.field == own[row.key], (kind, row.key)
                acts = row.field.when is None or row.field.when(state.experiment)
                assert row.isHidden() != acts, (kind, row.key)


def test_a_row_stays_where_the_next_kind_has_its_setting(show, state, controllers):
    """What is typed in it, and the focus, survive; a row whose setting means another thing is a new one."""
    (panel,) = show(panels.SamplingPanel)
    state.edit({"sampling.steps": 300})
    controllers.build()
    before = dict(panel.sampler.rows)
    steps = before["sampling.steps"]
    steps.number.setFocus()
    QTest.keyClicks(steps.number, "7")
    state.edit({"sampling.kind": "probability-flow"})
    rows = panel.sampler.rows
    assert rows["sampling.steps"] is steps
    assert steps.number.hasFocus()
    assert steps.number.text().endswith("7")
    assert rows["sampling.solver"] is not before["sampling.solver"]
    assert "adaptive" in rows["sampling.solver"].field.choices
    assert "sampling.final_denoising" not in rows


@pytest.mark.parametrize("section", [section for section in CARD_OF if section != "network"])
def test_tab_goes_down_a_card_whatever_was_chosen_before(show, state, controllers, section):
    """Rows come and go: those that are new stand between others, and not behind all that the window holds."""
    panel, after = show(CARD_OF[section], panels.TrainingPanel)
    kinds = fields()[f"{section}.kind"].choices
    for kind in (*kinds, *reversed(kinds)):
        state.edit({f"{section}.kind": kind})
        controllers.build()
        panel.disclosure.setChecked(not panel.disclosure.isHidden())
        QApplication.sendPostedEvents()
        panel.layout().activate()
        seen: list[QWidget] = []
        now: QWidget = panel.header
        now.setFocus()
        while not after.isAncestorOf(now):
            assert len(seen) < 200
            seen.append(now)
            QTest.keyClick(now, Qt.Key.Key_Tab)
            now = QApplication.focusWidget()
        rows = [row for row in panel.findChildren(FieldRow) if row.isVisible()]
        reached = [next((row for row in rows if row.isAncestorOf(widget)), None) for widget in seen]
        passed = [row for row in dict.fromkeys(reached) if row is not None]
        assert set(passed) == set(rows), kind
        assert sorted(passed, key=lambda row: row.mapTo(panel, QPoint(0, 0)).y()) == passed, kind
        if panel.disclosure in seen:
            behind = [row for row in rows if row.field.advanced]
            assert all(seen.index(panel.disclosure) < reached.index(row) for row in behind), kind


def test_a_likelihood_without_a_process_is_refused_and_mended(show, state, controllers):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    state.edit({"noise.kind": "single"})
    assert not panel.test.isEnabled()
    press(button_called(panel, "Use VE noise"))
    assert panel.test.isEnabled()


@pytest.mark.parametrize("why", [None, plain("Nothing is drawn yet: paint."), plain("a.csv has no numbers.")])
def test_without_data_every_button_says_why(show, state, controllers, why):
    training, likelihood, quality = show(panels.TrainingPanel, panels.LikelihoodPanel, panels.QualityPanel)
    controllers.build()
    controllers.sample()
    controllers.fail(why)
    said = str(why or why_disabled.LOADING)
    buttons = (training.button, likelihood.map, likelihood.test, quality.buttons["fisher"], quality.buttons["quality"])
    for button in buttons:
        assert not button.isEnabled()
        assert button.toolTip() == f"<p>{said}</p>"
    assert why_disabled.sampling(controllers) == why  # what is being loaded may be played as soon as it is there
    assert training.chart.empty_text == ""
    controllers.build()
    for button in buttons:
        assert button.isEnabled()
        assert said not in button.toolTip()
    assert training.chart.empty_text.startswith("Press Train")


def test_while_the_settings_give_no_data_nothing_is_measured_of_the_old_ones(show, state, controllers):
    likelihood, quality = show(panels.LikelihoodPanel, panels.QualityPanel)
    controllers.build()
    controllers.sample()
    old = controllers.state.problem
    controllers.fail(plain("a.csv has no numbers."))
    controllers.show(old, controllers.state.failure)
    for button in (likelihood.map, likelihood.test, quality.buttons["fisher"], quality.buttons["quality"]):
        assert not button.isEnabled()
        assert button.toolTip() == "<p>a.csv has no numbers.</p>"
    controllers.train_to(200, "finished")
    assert "fisher" not in controllers.asked


def test_scores_that_training_never_shows_are_not_measured(show, state, controllers, qtbot):
    training, likelihood, quality = show(panels.TrainingPanel, panels.LikelihoodPanel, panels.QualityPanel)
    state.edit({"data.kind": "digits", "training.label_dropout": 0.0})
    controllers.build(conditions=TOLD)
    why = worded(untrained_unconditional_score(state.experiment, TOLD))
    assert training.notice.text.text() == quality.score.chart.empty_text == why
    for button in (likelihood.test, quality.buttons["fisher"]):
        assert not button.isEnabled()
        assert button.toolTip() == f"<p>{why}</p>"
    controllers.train_to(200, "finished")
    state.edit({"likelihood.source": "empirical"})
    assert likelihood.test.isEnabled()  # which rests on no network
    assert not quality.buttons["fisher"].isEnabled()
    state.edit({"likelihood.source": "learned"})
    with qtbot.waitSignal(training.reset_requested):  # what was trained by the old share stays untrained without labels
        press(button_called(training, "Use 0.3"))
    assert not training.notice.isVisible()
    for button in (likelihood.test, quality.buttons["fisher"]):
        assert button.isEnabled()
    state.edit({"training.label_dropout": 1.0})
    assert training.notice.text.text() == worded(untrained_conditional_score(state.experiment, TOLD))
    assert quality.buttons["fisher"].isEnabled()
    state.edit({"sampling.labels": "none"})
    assert not training.notice.isVisible()


def test_a_score_can_be_measured_as_soon_as_training_shows_it(show, state, controllers):
    training, likelihood, quality = show(panels.TrainingPanel, panels.LikelihoodPanel, panels.QualityPanel)
    state.edit({"data.kind": "digits"})
    controllers.build(conditions=dataclasses.replace(TOLD, hidden_labels=(0.0, 0.0)))
    buttons = (likelihood.test, quality.buttons["fisher"])
    assert not any(button.isEnabled() for button in buttons)
    assert training.notice.isVisible()
    shown = dataclasses.replace(TOLD, hidden_labels=(0.0, 0.3))
    controllers.show(dataclasses.replace(controllers.state.problem, conditions=shown))
    controllers.train_to(200)
    assert all(button.isEnabled() for button in buttons)
    assert not training.notice.isVisible()


def test_the_loss_chart_asks_for_no_button_that_cannot_be_pressed(show, state, controllers):
    (panel,) = show(panels.TrainingPanel)
    controllers.build()
    assert panel.chart.empty_text.startswith("Press Train")
    state.edit({"noise.kind": "none"})
    assert not panel.button.isEnabled()
    assert panel.chart.empty_text == ""


# Training


def test_the_button_trains_pauses_and_goes_on(show, state, controllers, qtbot):
    (panel,) = show(panels.TrainingPanel)
    assert not panel.button.isEnabled()
    controllers.build()
    press(panel.button)
    controllers.train_to(2_000)
    assert panel.button.text() == "Pause"
    assert panel.header.state == "812 steps/s · 0:09"
    press(panel.button)
    controllers.train_to(2_000, "paused")
    assert panel.button.text() == "Resume"
    assert panel.header.state == "paused · 2\u202f000 steps"
    press(panel.button)
    with qtbot.waitSignal(panel.reset_requested):
        press(panel.reset)
    assert controllers.asked == ["start", "pause", "start"]


def test_weights_without_a_history_can_be_trained_on_and_reset(show, controllers, monkeypatch):
    (panel,) = show(panels.TrainingPanel)
    monkeypatch.setattr(type(controllers.training), "trained_steps", 200)
    controllers.training.status = "paused"
    controllers.build()
    assert panel.header.state == "paused · 200 steps"
    assert panel.reset.isEnabled()
    assert "holds no losses" in panel.chart.accessibleDescription()
    controllers.training.status = "finished"  # as the limit in the file tells
    controllers.build()
    assert panel.header.state == "finished · 200 steps"
    assert panel.button.text() == "Train more"
    assert panel.bar.value() == panel.bar.maximum()


def test_weights_of_another_objective_can_be_reset_beside_the_train_button(show, state, controllers, qtbot):
    (panel,) = show(panels.TrainingPanel)
    controllers.build()
    controllers.train_to(2_000, "finished")
    assert not panel.notice.isVisible()
    controllers.training.other_objective = plain("These weights were trained with another objective.")
    state.edit({"objective.kind": "sliced"})
    assert panel.notice.text.text() == "These weights were trained with another objective."
    (reset,) = panel.notice.buttons
    with qtbot.waitSignal(panel.reset_requested):
        press(reset)
    controllers.training.other_objective = None
    controllers.build()
    assert not panel.notice.isVisible()


def test_training_that_waits_says_so_and_can_be_taken_back(show, controllers):
    (panel,) = show(panels.TrainingPanel)
    controllers.build()
    controllers.train_to(2_000, "waiting")
    assert panel.button.text() == "Cancel"
    assert "as soon as the data and the network are ready" in panel.button.toolTip()
    assert panel.header.state == "starts when ready"
    assert not panel.bar.isVisibleTo(panel)
    press(panel.button)
    assert controllers.asked == ["pause"]


def test_divergence_is_said_and_mended(show, state, controllers):
    (panel,) = show(panels.TrainingPanel)
    controllers.build()
    controllers.train_to(3_100, "diverged", plain("The loss exploded at step 3100."))
    assert "exploded" in panel.notice.text.text()
    press(button_called(panel, "Resume slower"))
    assert state.experiment.training.learning_rate == 1e-3
    assert controllers.asked == ["start"]


def test_the_chart_follows_the_loss(show, state, controllers, qtbot):
    (panel,) = show(panels.TrainingPanel)
    controllers.build()
    controllers.train_to(2_000)
    assert "optimal loss 1.849 ± 0.002" in panel.chart.accessibleDescription()
    controllers.train_to(4_000)
    qtbot.waitUntil(lambda: "3\u202f9" in panel.chart.accessibleDescription().split("after")[1])
    assert panel.distance.text() == ""
    controllers.measure()
    assert panel.distance.text() == "KL 0.008\n± 0.001 nat"
    assert panel.distance.sizeHint().width() <= panel.distance.width()
    controllers.measuring.evaluation_changed.emit(Figures.of({"kl": 0.0079}))
    assert panel.distance.text() == "KL 0.008 nat"
    state.edit({"likelihood.source": "exact"})
    controllers.measure()
    assert panel.distance.text() == ""  # beside the training, that of the known score would pass for the network's


def test_the_loss_of_another_objective_is_not_shown_as_that_of_this_one(show, state, controllers):
    (panel,) = show(panels.TrainingPanel)
    controllers.build()
    assert panel.chart.accessibleDescription().startswith("Press Train")
    controllers.train_to(2_000, "paused")
    assert "optimal loss" in panel.chart.accessibleDescription()
    history, controllers.training.loss_history = controllers.training.loss_history, (np.zeros(0), np.zeros(0))
    panel.header.click()
    state.edit({"objective.kind": "exact"})
    panel.header.click()
    assert panel.chart.accessibleDescription().startswith("The loss so far belongs to another objective")
    controllers.training.loss_history = history
    state.edit({"objective.kind": "denoising"})
    assert "optimal loss 1.849 ± 0.002" in panel.chart.accessibleDescription()
    controllers.training.loss_history = (np.zeros(0), np.zeros(0))
    state.edit({"training.sigma_distribution": "time"})
    assert "or other noise levels" in panel.chart.accessibleDescription()


def test_why_training_stopped_early_is_said(show, state, controllers):
    (panel,) = show(panels.TrainingPanel)
    controllers.build()
    controllers.train_to(1_200, "training")
    controllers.training.last_progress.note = "Training stopped early at step 1,200."
    assert not panel.notice.isVisible()
    controllers.training.status = "finished"
    controllers.training.changed.emit("finished")
    assert panel.notice.text.text() == "Training stopped early at step 1,200."
    assert panel.button.text() == "Train more"
    assert panel.button.isEnabled()


def test_memorized_training_points_are_warned_of(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    shares = {"memorized_share": 0.93, "memorized_share_held_out": 0.11}
    errors = {f"{key}_standard_error": 0.01 for key in shares}
    controllers.measuring.evaluation_changed.emit(Figures.of({"reasons": {}, **shares, **errors}))
    assert panel.memorization.notice.text.text().startswith("The training points are memorized: 93%")
    assert "11" in panel.memorization.near.text()
    controllers.measuring.evaluation_changed.emit(
        Figures.of({"reasons": {}, **shares, **errors, "memorized_share": 0.088})
    )
    assert panel.memorization.notice.text.text() == "The samples are as near to training points as fresh points are."
    controllers.measuring.evaluation_changed.emit(Figures.of({"reasons": {}}))
    assert not panel.memorization.notice.isVisible()


def test_the_share_of_hidden_labels_is_set_where_the_network_learns_labels(show, state, controllers):
    (panel,) = show(panels.TrainingPanel)
    panel.disclosure.setChecked(True)
    assert not panel.dropout.isVisible()  # nobody knows yet
    controllers.build()
    assert not panel.dropout.isVisible()
    state.edit({"data.kind": "digits"})
    controllers.build(conditions=TOLD)
    assert panel.dropout.isVisible()
    panel.dropout.number.committed.emit("0.75")
    assert state.experiment.training.label_dropout == 0.75
    panel.dropout.number.committed.emit("1.5")
    assert state.experiment.training.label_dropout == 0.75
    assert "from 0 to 1" in panel.dropout.note.text()
    panel.dropout.slider.set_position(0.0)
    panel.dropout.slider.moved.emit(0.0)
    panel.dropout.slider.settled.emit()
    assert state.experiment.training.label_dropout == 0
    assert panel.notice.text.text() == worded(untrained_unconditional_score(state.experiment, TOLD))
    for control in panel.dropout.controls():
        assert "0 leaves the score without a class untrained" in control.toolTip()
        assert "1 leaves that of each class untrained" in control.toolTip()
    state.edit({"network.kind": "mlp"})
    controllers.build(conditions=Conditions())
    assert not panel.dropout.isVisible()


# Measurements


def shown_figures(panel: panels.LikelihoodPanel) -> list[str]:
    first = panel.point, panel.log_prob, panel.energy, panel.exact
    figures = *first, panel.terms, panel.latent, panel.trip, panel.evaluations
    return [figure.text() for figure in figures if not figure.isHidden()]


def test_the_clicked_point(show, state, controllers):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    assert panel.hint.isVisible()
    assert not panel.point.isVisible()
    controllers.show_point()
    shown = shown_figures(panel)
    there_and_back = "Δx 2.1e-5, Δlog p 4e-5"
    assert shown == ["(−0.620, 0.980)", "−0.713", "−0.705", "−3.92 + 3.21", "(0.31, −1.27)", there_and_back, "86"]
    assert not panel.hint.isVisible()
    controllers.clicking.likelihood = None
    controllers.clicking.likelihood_changed.emit(None)
    assert panel.hint.isVisible()


def test_an_energy_shows_its_z_and_what_it_says_of_points(show, state, controllers):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    shown = (
        panel.held_out.rows["log_partition"],
        panel.held_out.rows["energy_nll"],
        panel.held_out.rows["energy_integral"],
    )
    assert not any(figure.isVisible() for figure in shown)
    state.edit({"network.kind": "energy", "noise.kind": "none"})
    controllers.build(has_energy=True, sigma_min=0.0081)
    assert all(figure.isVisible() for figure in shown)
    assert panel.test.isEnabled()  # without noise there is no flow, and the energy needs none
    assert panel.map.isEnabled()
    assert not panel.held_out.nll.isVisible()
    assert panel.hint.text().endswith("by the energy and its Z.")
    assert panel.notice.isHidden()
    controllers.show_point()
    controllers.clicking.likelihood_changed.emit(
        dataclasses.replace(controllers.clicking.likelihood, flow=None, sigma=0.0, exact=None, energy=(-0.8125, 2e-4))
    )
    texts = shown_figures(panel)
    assert texts == ["(−0.620, 0.980)", "−0.812 (ln Z ± 2e-4)"]  # what training has left is no part of the error
    assert "Of the data as they are." in panel.energy.toolTip()
    assert not panel.second.isVisible()  # there are no codes to go between
    state.edit({"likelihood.source": "exact"})
    assert not panel.test.isEnabled()  # of which the energy says nothing
    state.edit({"likelihood.source": "learned"})
    assert panel.header.state == "Z by quadrature"
    controllers.following.changed.emit(DensityView(np.ones((2, 2)), (0.0, 1.0, 0.0, 1.0), 0.1, "exact"), 0)
    assert panel.held_out.rows["log_partition"].text() == "–"
    controllers.following.changed.emit(
        DensityView(np.ones((2, 2)), (0.0, 1.0, 0.0, 1.0), 0.1, "learned", (-1.25, 3e-4)), 0
    )
    assert panel.held_out.rows["log_partition"].text() == "−1.250 (quadrature ± 3e-4)"
    controllers.measuring.evaluation_changed.emit(Figures.of({"log_partition": 0.5, "log_partition_error": 1e-5}))
    assert panel.held_out.rows["log_partition"].text() == "0.500 (quadrature ± 1e-5)"
    assert (
        "At σ = 8.1e-3." in panel.held_out.rows["log_partition"].toolTip()
    )  # the test set is judged at the finest level
    controllers.measuring.evaluation_changed.emit(
        Figures.of(
            {
                "energy_nll": 1.3,
                "energy_nll_standard_error": 0.02,
                "energy_integral": 0.9991,
                "energy_kl": 0.04,
                "energy_kl_standard_error": 0.01,
            }
        )
    )
    assert panel.held_out.rows["energy_nll"].text() == "1.300 ± 0.020"
    assert "KL, energy: 0.040 ± 0.010" in panel.held_out.rows["energy_nll"].toolTip()
    assert panel.held_out.rows["energy_integral"].text() == "0.999"
    assert panel.held_out.rows["log_partition"].text() == "0.500 (quadrature ± 1e-5)"
    controllers.measuring.evaluation_changed.emit(
        Figures.of({})
    )  # as after a reset, other data, or a session that was opened
    assert {
        figure.text()
        for figure in (
            panel.held_out.rows["log_partition"],
            panel.held_out.rows["energy_nll"],
            panel.held_out.rows["energy_integral"],
        )
    } == {"–"}
    assert "At σ" not in panel.held_out.rows["log_partition"].toolTip()


def test_maximum_likelihood_says_what_it_needs_and_what_it_costs(show, state, controllers):
    (panel,) = show(panels.ObjectivePanel)
    controllers.build()
    assert "objective.normalizer_grid" not in panel.objective.rows
    state.edit({"objective.kind": "maximum-likelihood"})
    assert panel.objective.rows["objective.normalizer_grid"].isVisible()
    assert "needs a density" in panel.notice.text.text()
    state.edit({"network.kind": "energy"})
    controllers.build(has_energy=True)
    assert "8\u202f192 points" in panel.notice.text.text()
    state.edit({"noise.kind": "single"})
    assert "192" not in panel.notice.text.text()


def test_estimates_of_the_trace_show_their_error_where_it_is_known(show, state, controllers):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    panel.disclosure.click()
    assert not panel.settings["trace_probes"].isVisible()
    state.edit({"likelihood.trace": "hutchinson"})
    assert panel.settings["trace_probes"].isVisible()
    assert panel.settings["probes"].isVisible()
    for error, vectors, text, word in (
        (0.12, 2, "−0.713 ± 0.120", "2 trace probes, with their"),
        (None, 2, "−0.713", "2 trace probes that agree"),
        (None, 1, "−0.713", "a single trace probe"),
    ):
        state.edit({"likelihood.trace_probes": vectors})
        controllers.show_point({"standard_error": error})
        assert panel.log_prob.text() == text
        assert panel.log_prob.name.text() == "log p, model (estimate)"
        assert word in panel.log_prob.toolTip()
        way = np.zeros((3, 2)), np.array([-1.0, -2.5, -1.0]), None if error is None else np.full(3, error)
        controllers.clicking.interpolation_changed.emit(LatentInterpolation(np.zeros((2, 2)), (None, None), *way))
        assert panel.lowest.name.text() == "lowest log p between (estimate)"
    controllers.show_point({"standard_error": 0.0})
    controllers.clicking.interpolation_changed.emit(
        LatentInterpolation(np.zeros((2, 2)), (None, None), *way[:2], np.zeros(3))
    )
    assert (panel.log_prob.name.text(), panel.lowest.name.text()) == ("log p, model", "lowest log p between")
    controllers.measuring.evaluation_changed.emit(Figures.of({"trace_standard_error": 0.034}))
    assert panel.held_out.rows["trace_standard_error"].text() == "0.034"
    probes = setting("likelihood.trace_probes")
    why = Message("one-probe", "A single trace probe has no standard error: set {} to 2 or more.", (probes,))
    controllers.measuring.evaluation_changed.emit(
        Figures.of({"trace_standard_error": None, "reasons": {"trace_standard_error": why}})
    )
    assert panel.held_out.rows["trace_standard_error"].text() == "–"
    assert (
        "has no standard error: set trace probes k to 2 or more."
        in panel.held_out.rows["trace_standard_error"].toolTip()
    )


def test_an_exact_source_of_unknown_data_is_refused_and_mended(show, state, controllers):
    state.edit({"data.kind": "digits", "likelihood.source": "exact"})
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    assert "data “Digits” is not known" in panel.notice.text.text()
    press(button_called(panel, "Use learned"))
    assert state.value("likelihood.source") == "learned"
    assert not panel.notice.isVisible()
    state.edit({"data.kind": "two-moons", "likelihood.source": "empirical"})
    controllers.build()
    controllers.show_point(source="empirical")
    assert panel.log_prob.name.text() == "log p, training set"


@pytest.mark.parametrize(("source", "said"), [("exact", "exact score"), ("empirical", "training set")])
def test_a_score_that_is_not_the_learned_one_is_named_in_the_header(show, state, controllers, source, said):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    assert panel.header.state == "probability flow"
    state.edit({"likelihood.source": source})
    assert not panel.disclosure.isChecked()  # the setting itself is out of view
    assert panel.header.state == f"{said} · flow"
    controllers.show_point()
    assert panel.evaluations.name.text() == "network evaluations"
    controllers.show_point(source=source)
    assert panel.evaluations.name.text() == "score evaluations"  # no network was asked
    assert "by the chosen score" in panel.log_prob.toolTip()
    assert "<p> </p>" not in panel.log_prob.toolTip()


def test_a_log_p_in_doubt_is_marked(show, state, controllers):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    controllers.show_point(warning=Message("extrapolated", "extrapolated: 12 times as far out"))
    assert (panel.log_prob.name.text(), panel.log_prob.text()) == ("log p, extrapolated", "−0.713")
    assert "Extrapolated: 12 times as far out" in panel.log_prob.toolTip()
    controllers.show_point(
        warning=Message(
            "untrained", "untrained: {} shows the network every label", (setting("training.label_dropout", 0),)
        )
    )
    assert panel.log_prob.name.text() == "log p, untrained"
    assert "Untrained: label dropout = 0 shows" in panel.log_prob.toolTip()
    controllers.show_point(
        {"standard_error": None},
        warning=Message("not measured", "not measured: the flow misses it"),
        source="empirical",
    )
    assert (panel.log_prob.name.text(), panel.log_prob.text()) == ("log p, not measured", "–")
    controllers.show_point(warning=Message("extrapolated", "extrapolated: 12 times as far out"), energy=(-9.0, 1e-4))
    controllers.clicking.likelihood_changed.emit(dataclasses.replace(controllers.clicking.likelihood, flow=None))
    assert panel.energy.name.text() == "log p, extrapolated"
    controllers.show_point(energy=(-0.7, 1e-4))
    assert (panel.log_prob.name.text(), panel.energy.name.text()) == ("log p, model", "log p, energy")
    assert not panel.notice.isVisible()
    controllers.show_point(few_data=Message("few-data", "Few data are here: {} of {:,}.", (3, 10_000)))
    assert panel.notice.text.text() == "Few data are here: 3 of 10\u202f000."
    controllers.show_point()
    assert not panel.notice.isVisible()


def test_a_second_point_is_asked_for_once(show, state, controllers):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    assert not panel.second.isVisible()
    waits: list[bool] = []
    panel.second.toggled.connect(waits.append)
    controllers.show_point()
    press(panel.second)
    assert panel.second.text() == "Click the second point…"
    panel.drop_second()
    assert waits == [True, False]
    assert panel.second.text() == "Interpolate to a second point"
    ends = np.array([[0.0, 0.0], [1.0, 1.0]])
    controllers.clicking.interpolation = LatentInterpolation(
        ends, (None, None), np.linspace(*ends, 5), np.array([-3.0, -1.0, -4.25, -1.0, -0.5]), None
    )
    controllers.clicking.interpolation_changed.emit(controllers.clicking.interpolation)
    assert panel.lowest.text() == "−4.250"
    controllers.clicking.interpolation_changed.emit(
        dataclasses.replace(controllers.clicking.interpolation, standard_error=np.array([0.1, 0.2, 0.3, 0.4, 0.5]))
    )
    assert panel.lowest.text() == "−4.250 ± 0.300"
    controllers.clicking.interpolation_changed.emit(
        dataclasses.replace(controllers.clicking.interpolation, standard_error=np.zeros(5))
    )
    assert panel.lowest.text() == "−4.250"
    controllers.clicking.interpolation_changed.emit(None)
    assert not panel.lowest.isVisible()


@pytest.mark.parametrize(
    ("unit", "offset", "place"),
    [
        (1.0, 0.0, "(−1.200, 0.004)"),
        (1e-9, 0.0, "(−1.2e-9, 4e-12)"),
        (1e9, 0.0, "(−1200000000, 4000000)"),
        (1.0, 1e6, "(999998.800, 1000000.004)"),
    ],
)
def test_a_clicked_point_has_digits_in_any_unit(show, controllers, unit, offset, place):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build(bounds=tuple(offset + unit * edge for edge in (-4, 4, -4, 4)))
    controllers.show_point(point=offset + np.array([-1.2, 0.004]) * unit)
    assert panel.point.text().replace("\u202f", "") == place


def test_a_clicked_image_has_a_number_and_a_code_of_a_length(show, state, controllers):
    state.edit({"data.kind": "digits"})
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    assert panel.hint.text().startswith("Click a finished image")
    controllers.show_point({"latent": np.full((1, 8, 8), 0.9), "path": None}, number=4, point=np.zeros((1, 8, 8)))
    assert panel.point.name.text() == "clicked image"
    assert panel.point.text() == "number 5"
    assert panel.latent.text() == "length 7.2 of √D = 8.0"


def test_the_test_set_has_as_many_points_as_were_held_out(show, state, controllers):
    state.edit({"data.kind": "digits"})
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    assert panel.held_out.nll.name.text() == "test NLL (359)"  # of 2,000 asked for
    state.edit({"data.kind": "two-moons"})
    controllers.build()
    assert panel.held_out.nll.name.text() == "test NLL (2\u202f000)"


def test_measurements_run_show_how_far_they_are_and_can_be_cancelled(show, state, controllers):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    press(panel.test)
    controllers.run("test-set", 0.4)
    assert panel.test.text() == "Cancel · 0:05"
    press(panel.test)
    controllers.run("test-set", running=False)
    assert panel.test.text() == "Test set"
    assert controllers.asked == ["test-set", ("cancel", "test-set")]
    press(panel.map)
    controllers.run("density", running=False, error="The solver needs too many steps.")
    assert panel.notice.text.text() == "The solver needs too many steps."
    controllers.measure()
    figures = [
        figure.text()
        for figure in (
            panel.held_out.nll,
            panel.held_out.rows["optimal_nll"],
            panel.held_out.rows["entropy"],
            panel.held_out.rows["integral"],
        )
    ]
    assert figures == ["1.015 ± 0.014", "1.009 ± 0.014", "1.008", "1.000"]


def test_the_quality_of_score_and_samples(show, state, controllers, qtbot):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    controllers.sample()
    controllers.measure()
    assert panel.samples.rows["sliced_wasserstein2"].text() == "0.0213 (floor 0.0181 ± 23 %)"
    assert panel.samples.rows["wasserstein2"].text() == "0.0913 (floor 0.0852 ± 7.2 %)"
    assert "W₂²: 8.34e-3 (floor 7.29e-3)" in panel.samples.rows["wasserstein2"].toolTip()
    assert panel.samples.rows["classifier_accuracy"].text() == "51 ± 1 % (floor 50 %)"
    assert "squared MMD: −0.0001 ± 0.0003 (floor 0)" in panel.samples.rows["classifier_accuracy"].toolTip()
    assert "reference set: fresh draws of the known density" in panel.samples.rows["sliced_wasserstein2"].toolTip()
    for figure in (panel.samples.rows["sliced_wasserstein2"], panel.score.rows["fisher_divergence"]):
        assert "stretched to their geometric mean" in figure.toolTip()
    assert panel.samples.rows["kl"].text() == "0.008 ± 0.001 (floor 0.002)"
    assert panel.samples.rows["mode_weights"].text() == "0.49 / 0.51 (true 0.50 / 0.50)"
    assert panel.score.rows["relative_score_error"].text().endswith("%")
    one, sigmas = np.ones(2), np.array([0.1, 1.0])
    evaluated = controllers.measuring.evaluation_changed
    evaluated.emit(Figures.of(score_errors(sigmas, one, 0 * one, 1.9 * one, 0 * one)))
    assert (panel.score.rows["relative_score_error"].text(), panel.score.rows["fisher_divergence"].text()) == (
        "190 %",
        "1",
    )
    evaluated.emit(Figures.of(score_errors(sigmas, 4.56 * one, 0.3 * one, 0.123 * one, 0.004 * one)))
    assert (panel.score.rows["relative_score_error"].text(), panel.score.rows["fisher_divergence"].text()) == (
        "12.3 ± 0.4 %",
        "4.6 ± 0.3",
    )
    evaluated.emit(Figures.of(score_errors(sigmas[:1], *[one[:1]] * 4)))
    assert panel.score.chart.measured.shape[1] == 1
    qtbot.waitUntil(lambda: panel.marginals.histogram.overlap() is not None)
    assert panel.marginals.histogram.overlap() > 0.9
    controllers.playing.trajectory.positions[1] = moons(2000) + 50
    controllers.playing.frame = 1
    controllers.playing.frame_changed.emit(1)
    qtbot.waitUntil(lambda: panel.marginals.histogram.overlap() < 0.1)
    press(panel.marginals.axes.buttons["1"])
    assert "y" in panel.marginals.histogram.accessibleDescription()
    evaluated.emit(Figures.of({}))
    assert panel.score.rows["relative_score_error"].text() == "–"
    assert panel.score.chart.measured.shape[1] == 0
    controllers.playing.trajectory = None
    controllers.playing.trajectory_changed.emit(None)
    assert panel.marginals.histogram.overlap() is None


BUDGET = {
    "total": 0.5,
    "score_factor": 0.0,
    "score": 0.3,
    "steps": 0.15,
    "prior": -0.05,
    "sigma_min": 0.0,
    "floor": 0.1,
}


def test_the_error_budget_is_a_bar_of_its_parts(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    budget = panel.budget
    assert (budget.empty.isVisible(), budget.bar.isVisible(), budget.rows["budget_total"].isVisible()) == (
        True,
        False,
        False,
    )
    found = {f"budget_{name}": value for name, value in BUDGET.items()}
    controllers.measuring.evaluation_changed.emit(Figures.of(found | {f"{key}_standard_error": 0.012 for key in found}))
    assert (budget.empty.isVisible(), budget.bar.isVisible(), budget.rows["budget_total"].isVisible()) == (
        False,
        True,
        True,
    )
    assert budget.rows["budget_total"].text() == "0.500 ± 0.012"
    assert budget.rows["budget_prior"].text() == "−0.050 ± 0.012"
    assert budget.rows["budget_sigma_min"].text() == "0.000 ± 0.012"
    shares = {"score": 0.3 / 0.55, "steps": 0.15 / 0.55, "prior": 0.0, "sigma_min": 0.0, "floor": 0.1 / 0.55}
    assert budget.bar.shares == pytest.approx({f"budget_{name}": share for name, share in shares.items()})
    assert budget.bar.accessibleDescription().startswith("score 55 %, steps 27 %, prior 0 %")
    picture = budget.bar.grab().toImage()
    ratio, middle = picture.devicePixelRatio(), picture.height() // 2
    for share, name in ((0.02, "learned"), (0.56, "trails"), (0.98, "exact")):
        pixel = picture.pixelColor(round(share * budget.bar.width() * ratio), middle)
        assert pixel == theme.color(name), name
    assert not budget.rows["budget_score_factor"].isVisible()  # it is right
    controllers.measuring.evaluation_changed.emit(
        Figures.of(found | {"budget_score_factor": 0.45, "budget_total": 0.95})
    )
    assert budget.rows["budget_score_factor"].text() == "0.450"
    assert budget.bar.shares["budget_score_factor"] == pytest.approx(0.45)
    controllers.measuring.evaluation_changed.emit(
        Figures.of({"budget_total": None, "reasons": {"budget_total": plain("Measure again.")}})
    )
    assert not budget.bar.isVisible()
    assert budget.empty.text() == "Measure again."


def test_the_error_budget_says_why_there_is_none(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    assert panel.buttons["budget"].isEnabled()
    state.edit({"sampling.kind": "langevin"})
    assert not panel.buttons["budget"].isEnabled()
    assert "follows no process" in panel.budget.empty.text()
    state.edit({"sampling.kind": "edm", "data.kind": "digits"})
    controllers.build(conditions=TOLD)
    assert "exact score of" in panel.budget.empty.text()
    assert panel.budget.empty.text() in panel.buttons["budget"].toolTip()


def test_the_paths_between_two_sets_have_figures_of_their_own(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    assert not panel.paths.isVisible()
    assert not panel.buttons["paths"].isVisible()
    state.edit({"noise.kind": "flow-matching", "noise.source": "eight-gaussians", "sampling.kind": "probability-flow"})
    controllers.build(has_score=False)
    assert panel.paths.isVisible()
    assert panel.buttons["paths"].isEnabled()
    found = {"straightness": 0.0375, "one_step_wasserstein2": 0.503, "path_floor_wasserstein2": 0.463}
    controllers.measuring.evaluation_changed.emit(Figures.of(found | {f"{key}_standard_error": 0.03 for key in found}))
    rows = panel.paths.rows
    assert rows["straightness"].text() == "0.04 ± 0.03"
    assert rows["one_step_wasserstein2"].text() == "0.50 ± 0.03 (floor 0.463)"
    assert rows["path_energy"].text() == "–"
    press(panel.buttons["paths"])
    assert "paths" in controllers.asked
    state.edit({"sampling.kind": "langevin"})
    assert "there is only a velocity" in panel.buttons["paths"].toolTip()


def test_a_known_density_lies_over_the_histogram_along_the_axis_that_is_shown(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build(marginals=None)
    assert panel.marginals.histogram.exact() is None
    assert "exact" not in str(panel.marginals.histogram.entries())
    places = np.linspace(-5, 5, 401)
    narrow, wide = (ndtr(places / std) for std in (0.1, 1.0))
    controllers.build(marginals=np.array([[places, narrow], [places, wide]]))
    assert "exact" in str(panel.marginals.histogram.entries())
    along_x = panel.marginals.histogram.exact().max()
    press(panel.marginals.axes.buttons["1"])
    assert panel.marginals.histogram.exact().max() < 0.3 * along_x


def test_conditioned_samples_are_not_compared_and_the_card_says_why(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    controllers.sample()
    assert (panel.unlike.isVisible(), panel.buttons["quality"].isEnabled()) == (False, True)
    state.edit({"sampling.inpainting_mask": "left", "sampling.inpainting_image": 3})
    assert panel.unlike.text().startswith(
        "The samples are conditioned on the first coordinate of held-out point 3, but the data are not"
    )
    assert (panel.unlike.isVisible(), panel.buttons["quality"].isEnabled()) == (True, False)
    state.edit({"sampling.inpainting_mask": "none"})
    assert (panel.unlike.isVisible(), panel.buttons["quality"].isEnabled()) == (False, True)


def test_samples_of_a_class_that_is_not_there_are_not_spoken_of(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    state.edit({"data.kind": "digits", "sampling.labels": "one", "sampling.label": 12})
    controllers.build(is_image=True, conditions=TOLD)
    controllers.sample()
    assert (panel.unlike.isVisible(), panel.buttons["quality"].isEnabled()) == (False, False)
    assert "is not a class of these data" in panel.buttons["quality"].toolTip()


def test_class_frequencies_of_conditioned_images_are_still_measured(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    state.edit({"data.kind": "digits", "sampling.labels": "one"})
    controllers.build(is_image=True, conditions=TOLD)
    controllers.sample()
    assert (panel.unlike.isVisible(), panel.buttons["quality"].isEnabled()) == (True, True)
    controllers.measuring.evaluation_changed.emit(Figures.of({"nearest_neighbour_distance": 1.5}))
    assert panel.samples.rows["nearest_neighbour_distance"].text() == "1.5"


def test_a_long_number_goes_below_its_name(qtbot):
    figure = Figure("mode weights", "Shares.")
    qtbot.addWidget(figure)
    figure.resize(250, 20)
    figure.show()
    long = "0.84 / 0.16 (true 0.80 / 0.20)"
    for text, below in (("0.84", False), (long, True), ("0.84", True), (long, True), ("", False), ("0.84", False)):
        figure.show_text(text)  # once below it stays there until it is empty, so that no frame moves what is under it
        qtbot.waitUntil(lambda below=below: (figure.value.mapTo(figure, QPoint()).y() > figure.name.y()) == below)
        assert figure.value.width() >= figure.value.sizeHint().width()
        figure.resize(250, figure.sizeHint().height())


def test_many_modes_are_summed_up(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    shares = [0.125] * 8
    controllers.measuring.evaluation_changed.emit(
        Figures.of(
            {"mode_weights": [0.2, *shares[1:]], "mode_weights_true": shares, "mode_weights_standard_error": [0.01] * 8}
        )
    )
    assert panel.samples.rows["mode_weights"].text() == "worst 0.200 (true 0.125)"
    assert panel.samples.rows["mode_weights"].toolTip().count("±") == 8


def test_a_few_particles_are_not_compared_and_say_what_to_do(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    controllers.sample(3)
    assert not panel.buttons["quality"].isEnabled()
    assert why_disabled.comparing_samples(controllers).code == "few-samples"
    controllers.sample(4)
    assert panel.buttons["quality"].isEnabled()


@pytest.mark.parametrize(
    ("kind", "settings", "key"),
    [
        ("LikelihoodPanel", {}, "test_nll"),
        ("LikelihoodPanel", {}, "round_trip_error"),
        ("LikelihoodPanel", {}, "optimal_nll"),
        ("LikelihoodPanel", {"data.kind": "digits"}, "bits_per_dim"),
        ("LikelihoodPanel", {"network.kind": "energy"}, "energy_nll"),
        ("QualityPanel", {}, "sliced_wasserstein2"),
        ("QualityPanel", {}, "classifier_accuracy"),
        ("QualityPanel", {}, "kl"),
        ("QualityPanel", {}, "mode_weights"),
        ("QualityPanel", {"data.kind": "digits"}, "class_frequencies"),
        ("QualityPanel", {"data.kind": "digits"}, "nearest_neighbour_distance"),
    ],
)
def test_a_figure_that_is_missing_says_why(show, state, controllers, kind, settings, key):
    (panel,) = show(getattr(panels, kind))
    state.edit(settings)
    controllers.build(has_energy="network.kind" in settings, labelled=True)
    controllers.measuring.evaluation_changed.emit(
        Figures.of(
            {
                key: None,
                "reasons": {key: Message("lost", "The flow is lost: lower {}.", (setting("likelihood.tolerance"),))},
            }
        )
    )
    shown = getattr(panel, "held_out", getattr(panel, "samples", None)).rows[key]
    assert shown.isVisible()
    assert shown.text() == "–"
    said = "The flow is lost: lower tolerance (Likelihood)."
    assert said in shown.toolTip()
    assert said in shown.accessibleDescription()
    caption = panel.held_out.why if kind == "LikelihoodPanel" else panel.unlike
    assert caption.text() == (said if key in ("test_nll", "sliced_wasserstein2") else "")
    assert caption.isVisible() == bool(caption.text())
    controllers.measuring.evaluation_changed.emit(Figures.of({}))
    assert said not in shown.toolTip() + shown.accessibleDescription() + caption.text()


def test_few_points_have_the_figures_of_a_kernel_density_beside_the_networks(show, state, controllers):
    likelihood, quality = show(panels.LikelihoodPanel, panels.QualityPanel)
    shown = likelihood.held_out.rows["kernel_nll"], quality.samples.rows["kernel_kl"]
    controllers.build()
    assert not any(figure.isVisible() for figure in shown)
    controllers.build(has_kernel_density=True)
    assert [(figure.isVisible(), figure.text()) for figure in shown] == [(True, "–")] * 2
    found = {"kernel_nll": 1.24, "kernel_nll_standard_error": 0.06, "kernel_kl": 0.27, "kernel_kl_standard_error": 0.03}
    controllers.measuring.evaluation_changed.emit(Figures.of(found))
    assert [figure.text() for figure in shown] == ["1.240 ± 0.060", "0.270 ± 0.030"]
    controllers.build(known_density=False, has_kernel_density=True)
    assert [figure.isVisible() for figure in shown] == [True, False]


def test_a_score_that_nothing_can_be_relative_to_says_so(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    sigmas, ones, none = np.array([0.01, 0.3, 8.0]), np.ones(3), np.full(3, np.nan)
    said = "At 3 of 3 noise levels the exact score is 0 at all held-out points"
    why = plain(f"{said}.")
    evaluated = controllers.measuring.evaluation_changed
    evaluated.emit(
        Figures.of(score_errors(sigmas, ones, 0.1 * ones, none, none) | {"reasons": {"relative_score_error": why}})
    )
    assert panel.score.rows["fisher_divergence"].text() == "1.0 ± 0.1"
    assert panel.score.rows["relative_score_error"].text() == "–"
    for words in (
        panel.score.rows["relative_score_error"].toolTip(),
        panel.score.chart.empty_text,
        panel.score.chart.accessibleDescription(),
    ):
        assert said in words
    evaluated.emit(Figures.of(score_errors(sigmas, ones, 0.1 * ones, 0.1 * ones, 0.01 * ones)))
    assert panel.score.rows["relative_score_error"].text() == "10 ± 1 %"
    assert said not in panel.score.rows["relative_score_error"].toolTip()


def test_an_error_that_is_not_known_is_left_out(show, state, controllers):
    (panel,) = show(panels.LikelihoodPanel)
    controllers.build()
    keys = ("test_nll", "energy_nll", "energy_kl", "optimal_nll", "bits_per_dim")
    controllers.measuring.evaluation_changed.emit(
        Figures.of(dict.fromkeys(keys, 1.0) | {f"{key}_standard_error": None for key in keys})
    )
    assert {
        figure.text()
        for figure in (
            panel.held_out.nll,
            panel.held_out.rows["energy_nll"],
            panel.held_out.rows["optimal_nll"],
            panel.held_out.rows["bits_per_dim"],
        )
    } == {"1.000"}


def test_the_score_is_measured_when_training_rests(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    controllers.train_to(100)
    assert controllers.asked == []
    controllers.train_to(200, "finished")
    assert controllers.asked == ["fisher"]
    panel.set_folded(True)
    controllers.train_to(300, "paused")
    assert controllers.asked == ["fisher"]


def test_without_a_known_density_the_score_is_compared_with_the_training_sets(show, state, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build()
    assert not panel.score.against.isVisible()
    controllers.build(known_density=False, name="measured.csv")
    assert panel.score.against.text() == "against the training set’s smoothed score"
    assert panel.score.against.isVisible()
    assert panel.buttons["fisher"].isEnabled()
    assert "Measure compares with the score of the training set" in panel.score.chart.empty_text
    controllers.measure()
    assert panel.score.rows["relative_score_error"].isVisible()
    assert panel.score.rows["relative_score_error"].text().endswith("%")
    controllers.build(known_density=False, sigma_min=0.0, sigma_max=0.0)
    assert not panel.buttons["fisher"].isEnabled()  # bare points have no score
    assert not panel.score.against.isVisible()


def test_images_have_no_plane(show, state, controllers):
    state.edit({"data.kind": "digits"})
    likelihood, quality = show(panels.LikelihoodPanel, panels.QualityPanel)
    controllers.build()
    assert not likelihood.map.isVisible()
    assert likelihood.held_out.rows["bits_per_dim"].isVisible()
    assert quality.buttons["fisher"].isEnabled()  # against the training set's
    controllers.train_to(200, "finished")
    assert "fisher" not in controllers.asked  # some seconds of work, which is only done when asked for
    assert not quality.marginals.axes.isVisible()
    assert "mean brightness" in quality.marginals.histogram.accessibleDescription()


def test_a_card_leaves_out_the_last_parts_of_its_state_before_it_cuts_a_word(qapp: QApplication) -> None:
    metrics = QFontMetrics(qapp.font())
    state = "U-Net 128×3 · 141 k"
    whole, first = metrics.horizontalAdvance(state), metrics.horizontalAdvance("U-Net 128×3")
    assert shortened(state, metrics, whole) == state
    assert shortened(state, metrics, whole - 1) == "U-Net 128×3"
    assert shortened(state, metrics, first - 1).endswith("…")


def test_digits_show_their_labels_and_nearest_training_images(show, state, controllers):
    state.edit({"data.kind": "digits"})
    (panel,) = show(panels.QualityPanel)
    controllers.build(labelled=True)
    panel._show_evaluation(
        Figures.of(
            {
                "class_frequencies": [0.3, 0.7],
                "class_frequencies_true": [0.5, 0.5],
                "class_frequencies_standard_error": [0.05, 0.05],
                "nearest_neighbour_distance": 2.0,
                "nearest_neighbour_distance_held_out": 1.96,
                "nearest_neighbour_distance_standard_error": 0.0123,
                "nearest_neighbour_distance_held_out_standard_error": 0.0248,
            }
        )
    )
    assert "class 0: 0.300 (training 0.500)" in panel.samples.rows["class_frequencies"].value.text()
    assert panel.samples.rows["nearest_neighbour_distance"].value.text() == "2.00 ± 0.01 (held-out 1.96 ± 0.02)"
    assert (
        panel.samples.rows["nearest_neighbour_distance"].value.sizeHint().width()
        <= panel.samples.rows["nearest_neighbour_distance"].width()
    )


def test_a_button_that_measures_keeps_its_name(show, controllers):
    (quality,) = show(panels.QualityPanel)
    controllers.build()
    for button, job in (
        (quality.buttons["fisher"], "fisher"),
        (quality.buttons["quality"], "quality"),
        (quality.buttons["budget"], "budget"),
    ):
        name = button.accessibleName()
        assert name.startswith("Measure the ")
        controllers.jobs.changed.emit(job, JobStatus(running=True))
        assert button.accessibleName() == f"Cancel: {name}"
        controllers.jobs.changed.emit(job, JobStatus(running=False))
        assert button.accessibleName() == name


def test_the_training_button_is_named_in_words_that_say_it_once(show, controllers):
    (panel,) = show(panels.TrainingPanel)
    controllers.build()
    for training in BUTTON:
        controllers.train_to(300, training)
        controllers.training.changed.emit(training)
        name = panel.button.accessibleName()
        assert name.lower().count("train") == 1
        assert name.startswith(BUTTON[training].split()[0])


# Classes of points and guidance


def visible_rows(panel: panels.SamplingPanel) -> set[str]:
    panel.disclosure.setChecked(True)
    return {key.removeprefix("sampling.") for key, row in panel.sampler.rows.items() if row.isVisibleTo(panel)}


def test_guidance_is_offered_for_classes_of_the_followed_score_and_for_a_checkpoint(show, state, controllers):
    (panel,) = show(panels.SamplingPanel)
    of_guidance = {"guidance", "guidance_min", "guidance_max"}
    state.edit({"data.classes": "on", "sampling.kind": "probability-flow"})
    both = Conditions((0, 1), 100, known_classes=(0, 1))
    for known, source, classes in (
        (both, "learned", True),
        (both, "exact", True),
        (Conditions((), 100, known_classes=(0, 1)), "learned", False),  # an energy takes no classes
        (Conditions((), 100, known_classes=(0, 1)), "exact", True),
        (both, "empirical", False),
    ):
        state.edit({"sampling.source": source})
        controllers.build(conditions=known)
        assert ("labels" in visible_rows(panel)) is classes
        assert (of_guidance <= visible_rows(panel)) is classes
        assert ("guide" in visible_rows(panel)) is (source == "learned")
    state.edit({"data.classes": "off", "sampling.source": "learned"})
    controllers.build()
    assert not of_guidance & visible_rows(panel)
    state.edit({"sampling.guide": "checkpoint"})
    assert {*of_guidance, "guide_step"} <= visible_rows(panel)
    assert "labels" not in visible_rows(panel)


def test_the_distance_to_the_tilted_density_is_shown_where_classes_are_known(show, controllers):
    (panel,) = show(panels.QualityPanel)
    controllers.build(conditions=Conditions((0, 1), 100))
    assert not panel.samples.rows["tilted_sliced_wasserstein2"].isVisible()
    controllers.build(conditions=Conditions((0, 1), 100, known_classes=(0, 1)))
    assert panel.samples.rows["tilted_sliced_wasserstein2"].isVisible()
    key = "tilted_sliced_wasserstein2"
    controllers.measuring.evaluation_changed.emit(
        Figures.of({key: 0.4251, f"{key}_floor": 0.0362, f"{key}_floor_std": 0.0134})
    )
    assert panel.samples.rows["tilted_sliced_wasserstein2"].text() == "0.425 (floor 0.0362 ± 37 %)"
    assert panel.samples.rows["tilted_kl"].isVisible()
    controllers.measuring.evaluation_changed.emit(
        Figures.of({"tilted_kl": 0.731, "tilted_kl_floor": 0.0213, "tilted_kl_floor_std": 0.0134})
    )
    assert panel.samples.rows["tilted_kl"].text() == "0.731 (floor 0.021 ± 0.013)"


def test_a_flow_from_a_file_shows_its_name_and_asks_for_another(show, state, controllers, monkeypatch):
    (panel,) = show(panels.NoisePanel)
    controllers.build()
    state.edit({"noise.kind": "flow-matching", "noise.source": "rings"})
    file, noise = panel.levels.rows["noise.source_path"], panel.levels.rows["noise.source_noise"]
    assert (file.isHidden(), noise.isHidden()) == (True, False)
    state.edit({"noise.source": "file"})
    assert (file.isHidden(), noise.isHidden()) == (False, True)
    assert file.button.text() == "Open…"
    chosen = ["", "/data/" + "circle-of-radius-seven-and-more.csv"]
    controllers.reading.open_start = lambda path: state.edit({"noise.source_path": path})
    monkeypatch.setattr("playground.app.panels.noise.open_name", lambda *asked: chosen.pop(0))
    press(file.button)
    assert state.experiment.noise.source_path == ""
    press(file.button)
    assert state.experiment.noise.source_path.endswith("more.csv")
    assert file.button.text() == "circle-of-radius-seven-a…"
    assert file.button.accessibleName() == "start file: circle-of-radius-seven-and-more.csv"
    state.edit({"noise.source": "noise"})
    assert file.isHidden()


def test_a_plug_in_data_set_joins_the_start_sets(show, state, controllers):
    (panel,) = show(panels.NoisePanel)
    state.edit({"noise.kind": "flow-matching"})
    row = panel.levels.rows["noise.source"]

    class Ring(Toy, tag="own-ring", frozen=True):
        """A ring of a plug-in."""

        title, phrase, own_noise = "Own ring", "own ring", 0.1
        density = Toy.kinds()["rings"].density

    register(Ring)
    try:
        state.kinds_changed.emit()
        assert row.control.findText("Own ring") >= 0
    finally:
        forget(Ring)
        state.kinds_changed.emit()
    assert row.control.findText("Own ring") < 0
