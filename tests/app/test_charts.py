import csv
import gc
import itertools
import math
import re
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from own_process import ran
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QFontMetricsF, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QToolTip, QWidget
from scipy.special import ndtr

from playground.app.style import theme
from playground.app.style.number_formats import format_count
from playground.app.widgets import file_prompts
from playground.app.widgets.charts import saving
from playground.app.widgets.charts.chart import HEAD_PIXELS, ChartView
from playground.app.widgets.charts.errors import ErrorAlongSigma
from playground.app.widgets.charts.histogram import BINS, MarginalHistogram
from playground.app.widgets.charts.level_picture import LevelPicture
from playground.app.widgets.charts.library import library
from playground.app.widgets.charts.loss import COLUMNS, LossChart, averaged
from playground.app.widgets.charts.noise_levels import NoiseLevelChart
from playground.app.widgets.charts.pairs import NearestPairs
from playground.drawing.palette import DARK, LIGHT
from playground.kinds.noise import Noise
from playground.kinds.noise.discrete import Discrete
from playground.kinds.noise.none import NoNoise
from playground.kinds.noise.single import SingleLevel
from playground.kinds.noise.ve import VarianceExploding
from playground.lab.chart import Axis, Chart, Series
from playground.user_errors import user_error

LEVELS = np.geomspace(8.0, 0.05, 10)


def count_of(chart: QWidget, token: str) -> int:
    """Pixels of a token's colour, of curves alone where pyqtgraph draws them."""
    part = chart.plot.view if isinstance(chart, ChartView) and chart.plot is not None else chart
    image = part.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)[:, : image.width()]
    return int(np.count_nonzero((pixels & 0xFFFFFF) == (theme.color(token).rgb() & 0xFFFFFF)))


class Paints(QWidget):
    """Counts the paint events of widgets."""

    def __init__(self, *watched: QWidget) -> None:
        super().__init__()
        self.count = 0
        for one in watched:
            one.installEventFilter(self)

    def eventFilter(self, watched, event) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


@pytest.fixture
def noise_chart(qtbot):
    chart = NoiseLevelChart()
    qtbot.addWidget(chart)
    chart.resize(264, chart.height())
    chart.show_levels(Discrete(), LEVELS)
    with qtbot.waitExposed(chart):
        chart.show()
    return chart


def drag(chart: NoiseLevelChart, index: int, by: int) -> None:
    start = chart.place(index).toPoint()
    QTest.mousePress(chart, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 5):
        QTest.mouseMove(chart, start + QPoint(by * step // 4, 0))
    QTest.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=start + QPoint(by, 0))


def test_the_coarse_end_moves_all_geometric_levels(noise_chart, qtbot):
    previews = []
    noise_chart.previewed.connect(previews.append)
    with qtbot.waitSignal(noise_chart.moved) as caught:
        drag(noise_chart, 0, 40)
    index, sigmas = caught.args
    assert index == 0
    assert len(previews) >= 4
    assert previews[0][0] > previews[-1][0]
    # 40 px to the right on an axis of 248 px from 32 down to 0.0125.
    assert sigmas[0] == pytest.approx(8.0 * (0.0125 / 32) ** (40 / 248), rel=0.02)
    assert sigmas[-1] == LEVELS[-1]
    ratios = sigmas[:-1] / sigmas[1:]
    assert ratios == pytest.approx(ratios.mean(), rel=1e-3)


def test_the_fine_end_leaves_the_coarse_one(noise_chart, qtbot):
    with qtbot.waitSignal(noise_chart.moved) as caught:
        drag(noise_chart, 9, -30)
    index, sigmas = caught.args
    assert index == 9
    assert sigmas[0] == 8.0
    assert sigmas[-1] > 0.05


def test_a_level_moves_alone_and_stays_between_its_neighbours(noise_chart, qtbot):
    with qtbot.waitSignal(noise_chart.moved) as caught:
        drag(noise_chart, 4, 200)
    index, sigmas = caught.args
    assert index == 4
    assert sigmas[4] > sigmas[5]
    assert sigmas[4] < LEVELS[4]
    assert np.array_equal(np.delete(sigmas, 4), np.delete(LEVELS, 4))


def test_the_axis_waits_for_the_pointer_to_leave(noise_chart):
    """A released handle stays under the pointer; one at the end of the axis gets new room at once."""
    before = noise_chart.levels.axis
    drag(noise_chart, 0, 40)
    released = noise_chart.place(0).x()
    noise_chart.show_levels(Discrete(), noise_chart.sigmas, diameter=3.0)  # as after the edit
    assert noise_chart.levels.axis == before
    assert noise_chart.place(0).x() == released
    QApplication.sendEvent(noise_chart, QEvent(QEvent.Type.Leave))
    assert noise_chart.levels.axis.high < before.high
    assert noise_chart.place(0).x() < released
    drag(noise_chart, 0, -300)
    assert noise_chart.levels.axis.high > noise_chart.sigmas[0]


def test_an_end_does_not_cross_the_other(noise_chart, qtbot):
    with qtbot.waitSignal(noise_chart.moved) as caught:
        drag(noise_chart, 0, 300)
    sigmas = caught.args[1]
    assert np.all(np.diff(sigmas) < 0)


def test_a_click_without_a_drag_changes_nothing(noise_chart, qtbot):
    with qtbot.assertNotEmitted(noise_chart.moved):
        QTest.mouseClick(noise_chart, Qt.MouseButton.LeftButton, pos=noise_chart.place(3).toPoint())


@pytest.mark.parametrize("way", [(QPoint(0, 3),), (QPoint(30, 0), QPoint(0, 2))])
def test_a_handle_let_go_where_it_was_keeps_all_its_digits(noise_chart, qtbot, way):
    levels = LEVELS * 1.2345678
    noise_chart.show_levels(Discrete(), levels)
    start = noise_chart.place(0).toPoint()
    with qtbot.assertNotEmitted(noise_chart.moved), qtbot.waitSignal(noise_chart.abandoned):
        QTest.mousePress(noise_chart, Qt.MouseButton.LeftButton, pos=start)
        for by in way:
            QTest.mouseMove(noise_chart, start + by)
        QTest.mouseRelease(noise_chart, Qt.MouseButton.LeftButton, pos=start + way[-1])
    assert np.array_equal(noise_chart.sigmas, levels)


def test_a_press_beside_the_handles_takes_none(noise_chart, qtbot):
    with qtbot.assertNotEmitted(noise_chart.grabbed):
        QTest.mousePress(noise_chart, Qt.MouseButton.LeftButton, pos=QPoint(250, 10))


def test_escape_takes_a_drag_back(noise_chart, qtbot):
    start = noise_chart.place(0).toPoint()
    QTest.mousePress(noise_chart, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(noise_chart, start + QPoint(50, 0))
    assert noise_chart.sigmas[0] < 7
    with qtbot.assertNotEmitted(noise_chart.moved):
        QTest.keyClick(noise_chart, Qt.Key.Key_Escape)
        QTest.mouseRelease(noise_chart, Qt.MouseButton.LeftButton, pos=start + QPoint(50, 0))
    assert np.array_equal(noise_chart.sigmas, LEVELS)
    assert noise_chart.accessibleDescription().startswith("From 8 to 0.05; ")  # said as it is shown


def test_a_dragged_handle_stays_under_the_pointer(noise_chart):
    start = noise_chart.place(0).toPoint()
    QTest.mousePress(noise_chart, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(noise_chart, start + QPoint(50, 0))
    held = noise_chart.sigmas
    noise_chart.show_levels(Discrete(), LEVELS * 2)
    assert np.array_equal(noise_chart.sigmas, held)
    QTest.mouseRelease(noise_chart, Qt.MouseButton.LeftButton, pos=start + QPoint(50, 0))


def test_a_dragged_handle_is_released_when_the_noise_changes_kind(noise_chart, qtbot):
    start = noise_chart.place(3).toPoint()
    QTest.mousePress(noise_chart, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(noise_chart, start + QPoint(10, 0))
    with qtbot.assertNotEmitted(noise_chart.moved):
        noise_chart.show_levels(VarianceExploding(), LEVELS * 2)
        QTest.mouseRelease(noise_chart, Qt.MouseButton.LeftButton, pos=start + QPoint(10, 0))
    assert np.array_equal(noise_chart.sigmas, LEVELS * 2)


def test_only_the_ends_of_a_process_can_be_dragged(noise_chart, qtbot):
    noise_chart.show_levels(VarianceExploding(), LEVELS)
    assert noise_chart.handles() == [0, 9]
    with qtbot.assertNotEmitted(noise_chart.grabbed):
        QTest.mousePress(noise_chart, Qt.MouseButton.LeftButton, pos=noise_chart.place(5).toPoint())
    noise_chart.show_levels(SingleLevel(), np.array([0.3]))
    assert noise_chart.handles() == [0]
    with qtbot.waitSignal(noise_chart.moved) as caught:
        drag(noise_chart, 0, -20)
    assert caught.args[1][0] > 0.3
    noise_chart.show_levels(NoNoise(), np.zeros(0))
    assert noise_chart.handles() == []
    assert noise_chart.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_the_ends_that_tab_goes_to_have_names_of_their_own(noise_chart):
    noise_chart.setFocus(Qt.FocusReason.TabFocusReason)
    names = [noise_chart.accessibleName()]
    for _ in range(2):
        QTest.keyClick(noise_chart, Qt.Key.Key_Down)
        names.append(noise_chart.accessibleName())
    QTest.keyClick(noise_chart, Qt.Key.Key_Tab)
    names.append(noise_chart.accessibleName())
    assert names == ["Noise levels, coarsest", "Noise levels, level 2", "Noise levels, level 3", "Noise levels, finest"]
    noise_chart.show_levels(SingleLevel(), np.array([0.3]))
    assert noise_chart.accessibleName() == "Noise levels"


def test_the_keyboard_reaches_and_moves_every_handle(qtbot):
    place = QWidget()
    qtbot.addWidget(place)
    row = QHBoxLayout(place)
    before, noise_chart, after = QLineEdit(), NoiseLevelChart(), QLineEdit()
    for widget in (before, noise_chart, after):
        row.addWidget(widget)
    place.resize(600, 120)
    noise_chart.show_levels(Discrete(), LEVELS)
    with qtbot.waitExposed(place):
        place.show()
    before.setFocus()
    QTest.keyClick(before, Qt.Key.Key_Tab)
    assert noise_chart.hasFocus()
    with qtbot.waitSignal(noise_chart.moved) as caught:
        QTest.keyClick(noise_chart, Qt.Key.Key_Left)
    assert caught.args[0] == 0
    assert caught.args[1][0] > 8.0
    QTest.keyClick(noise_chart, Qt.Key.Key_Down)
    with qtbot.waitSignal(noise_chart.moved) as caught:
        QTest.keyClick(noise_chart, Qt.Key.Key_Right)
    assert caught.args[0] == 1
    coarse = noise_chart.sigmas[1]
    QTest.keyClick(noise_chart, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert 1 < noise_chart.sigmas[1] / coarse < 1.05
    QTest.keyClick(noise_chart, Qt.Key.Key_Tab)
    assert noise_chart.hasFocus()
    with qtbot.waitSignal(noise_chart.moved) as caught:
        QTest.keyClick(noise_chart, Qt.Key.Key_Right)
    assert caught.args[0] == 9
    QTest.keyClick(noise_chart, Qt.Key.Key_Tab)
    assert after.hasFocus()
    QTest.keyClick(after, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert noise_chart.hasFocus()


def test_a_level_that_can_be_moved_no_longer_gives_way_to_the_nearest_that_can(noise_chart):
    noise_chart.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(3):
        QTest.keyClick(noise_chart, Qt.Key.Key_Down)
    noise_chart.show_levels(VarianceExploding(), LEVELS)  # as by Ctrl+Z, which leaves the focus here
    assert noise_chart.accessibleName() == "Noise levels, coarsest"
    QTest.keyClick(noise_chart, Qt.Key.Key_Down)
    assert noise_chart.accessibleName() == "Noise levels, finest"


def test_home_and_end_choose_the_ends(noise_chart):
    noise_chart.setFocus(Qt.FocusReason.TabFocusReason)
    names = []
    for key in (Qt.Key.Key_Down, Qt.Key.Key_End, Qt.Key.Key_Up, Qt.Key.Key_Home):
        QTest.keyClick(noise_chart, key)
        names.append(noise_chart.accessibleName())
    assert names == ["Noise levels, level 2", "Noise levels, finest", "Noise levels, level 9", "Noise levels, coarsest"]


def test_hovering_names_the_level(noise_chart):
    bare = noise_chart.grab().toImage()
    QTest.mouseMove(noise_chart, noise_chart.place(4).toPoint())
    assert noise_chart.grab().toImage() != bare


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_every_kind_is_drawn(noise_chart, palette, recolor):
    recolor(palette)
    for kind, noise in Noise.kinds().items():
        noise_chart.show_levels(
            noise(), {"none": np.zeros(0), "single": np.array([0.3])}.get(kind, LEVELS[:6]), diameter=3.0
        )
        assert (count_of(noise_chart, "learned") > 15) == (kind != "none"), kind


def test_powers_of_ten_on_an_axis_are_thinned():
    assert [*Axis("σ", 0.02, 300, log=True).powers(5)] == [-1, 0, 1, 2]
    assert len(Axis("σ", 1e-9, 1e9, log=True).powers(5)) <= 5


# Loss


def losses(count: int) -> tuple[np.ndarray, np.ndarray]:
    steps = np.arange(count) * 10 + 10
    return steps, 1.85 + np.exp(-steps / (count + 1)) + 0.05 * np.random.default_rng(0).standard_normal(count)


def shown(qtbot, chart: QWidget) -> QWidget:
    """A chart in the narrowest column, in sight; what draws it is there."""
    library.load()
    qtbot.addWidget(chart)
    chart.resize(232, chart.height())
    with qtbot.waitExposed(chart):
        chart.show()
    return chart


def text_of(chart: ChartView) -> str:
    """What stands above the curves."""
    return ", ".join(entry.text for entry in chart.entries())


def named(chart: ChartView, name: str) -> Series:
    return next(one for one in chart.series if one.name == name)


def test_pyqtgraph_is_loaded_once_a_chart_has_something_to_show():
    """In a process of its own: nothing before, and then in a thread."""
    code = """
import sys
from playground.app.main import make_application
from playground.app.window import MainWindow
from playground.app.widgets.charts.library import library
from playground.app.widgets.charts.loss import LossChart
application = make_application()
chart = LossChart()
chart.show()
application.processEvents()
chart.show_empty("Nothing yet.")
assert "pyqtgraph" not in sys.modules
chart.show_history([1, 2], [3.0, 2.0])
assert chart.plot is None
library.loaded.connect(application.quit)
application.exec()
application.processEvents()
assert chart.plot is not None
"""
    ran(code)


@pytest.mark.claims  # starts a process
def test_the_thread_that_loads_pyqtgraph_makes_no_class_of_qt():
    """PySide makes a class when it is first looked up; in a thread that crashed the program."""
    code = (
        "from PySide6 import QtWidgets\n"
        "from PySide6.QtCore import QCoreApplication\n"
        "from playground.app.widgets.charts.library import Library\n"
        "assert 'QWizard' not in vars(QtWidgets)\n"
        "app, library, made = QCoreApplication([]), Library(), []\n"
        "load = library.load\n"
        "library.load = lambda: (made.append('QWizard' in vars(QtWidgets)), load())\n"
        "library.loaded.connect(app.quit)\n"
        "assert library.get() is None\n"
        "assert not made\n"
        "app.exec()\n"
        "assert made == [True]\n"
        "assert library.get() is not None\n"
    )
    ran(code)


@pytest.fixture
def loss(qtbot):
    return shown(qtbot, LossChart())


@pytest.mark.alone
def test_a_long_history_is_thinned_to_what_can_be_seen(loss):
    steps, values = losses(100_000)
    began = time.perf_counter()
    loss.show_history(steps, values, 1.85)
    loss.grab()
    assert time.perf_counter() - began < 0.5
    thin, means, smooth = averaged(steps, values)
    assert len(thin) == len(named(loss, "loss").x) == COLUMNS
    # Means of equally full columns keep the mean of all.
    assert means.mean() == pytest.approx(values.mean(), rel=1e-3)
    tail = slice(COLUMNS // 2, None)
    assert np.diff(smooth[tail]).std() < 0.5 * np.diff(means[tail]).std()
    drawn, _ = loss.plot.line("each step").getData()
    assert len(drawn) <= 2 * loss.width()


@pytest.mark.alone
def test_thousands_of_losses_are_drawn_in_a_few_milliseconds(loss):
    steps, values = losses(5_000)
    seconds = []
    for last in range(4_900, 5_000, 5):
        began = time.thread_time()
        loss.show_history(steps[:last], values[:last], 1.85, 0.002, (steps[:last:200], values[:last:200]))
        seconds.append(time.thread_time() - began)
    assert min(seconds) < 8e-3  # half a frame; 2.5 ms were measured on an EPYC, 3.2 on a Xeon


def test_a_short_history_is_shown_as_it_is(loss):
    steps, values = losses(5)
    loss.show_history(steps, values)
    assert np.array_equal(named(loss, "each step").y, values)


def test_the_smoothed_line_has_no_bias(loss):
    loss.show_history(np.arange(1, 100), np.full(99, 2.5))
    assert named(loss, "loss").y == pytest.approx(2.5)


def test_infinite_losses_are_left_out(loss):
    loss.show_history(np.arange(1, 5), np.array([2.0, math.inf, math.nan, 1.0]))
    assert np.array_equal(named(loss, "each step").y, [2.0, 1.0])
    loss.grab()
    loss.show_empty("Press Train.")
    loss.show_history(np.arange(2), np.array([math.inf, math.nan]))
    assert loss.empty


def test_the_optimal_loss_is_drawn_where_it_is_known(loss):
    loss.show_history(*losses(50), 1.85)
    _, drawn = loss.plot.line("optimal").getData()
    assert loss.plot.box.viewRange()[1][0] < drawn[0] == drawn[1] < loss.plot.box.viewRange()[1][1]
    assert loss.plot.line("optimal").isVisible()
    loss.show_history(*losses(50))
    assert not loss.plot.line("optimal").isVisible()
    loss.show_history(*losses(50), 1.85)
    assert "optimal 1.85" in text_of(loss)
    assert "1.85" in loss.accessibleDescription()


def test_the_held_out_loss_is_drawn_beside_the_training_loss(loss):
    steps, values = losses(50)
    loss.show_history(steps, values, 1.85)
    without = count_of(loss, "data")
    loss.show_history(
        steps, values, 1.85, None, (steps[::5], np.append(np.linspace(2.5, 3.4, len(steps[::5]) - 1), 3.25))
    )
    assert count_of(loss, "data") > without + 50
    assert ", held out 3.25, optimal loss" in loss.accessibleDescription()
    loss.show_history(steps, values, 1.85, None, (steps[:2], np.array([math.inf, math.nan])))
    assert "held out" not in loss.accessibleDescription()


def test_the_held_out_loss_has_as_many_decimals_as_the_loss_beside_it(loss):
    steps, values = losses(400)
    checks = steps[::40], np.full(len(steps[::40]), 1.9)
    loss.show_history(steps, values, 1.85, 0.002, checks)
    shown = re.search(r"([\d.]+) ± .* held out ([\d.]+)", loss.accessibleDescription())
    assert shown is not None
    assert len(shown[2]) == len(shown[1]) > len("1.9")


def test_an_empty_chart_says_its_sentence_once(loss, monkeypatch):
    said = []
    loss.show_history(*losses(50), 1.85)
    monkeypatch.setattr(
        loss, "setAccessibleDescription", lambda text: (said.append(text), QWidget.setAccessibleDescription(loss, text))
    )
    for sentence in ("Press Train.", "Press Train.", "Of another objective."):
        loss.show_empty(sentence)
    assert said == ["Press Train.", "Of another objective."]
    assert loss.empty


def test_every_entry_of_the_loss_stands_above_its_curves(loss, qtbot):
    generator = np.random.default_rng(0)
    steps, values = np.arange(1, 2001), -0.377 + 0.02 * generator.standard_normal(2000)
    held_out = steps[::200], values[::200]
    low = loss.height()
    for floor, error in ((None, None), (-0.381234, 0.0021)):
        loss.show_history(steps, values, floor, error, held_out)
        qtbot.waitUntil(lambda: max(box.bottom() for box, _ in loss.laid_out()) <= loss.plot.view.y())
    high = loss.height()
    assert high > low
    loss.show_history(steps[:-1], values[:-1], None, None, held_out)
    assert loss.height() == high  # what lies below does not move back and forth
    loss.resize(600, high)
    assert loss.height() < high
    qtbot.waitUntil(lambda: max(box.bottom() for box, _ in loss.laid_out()) <= loss.plot.view.y())


def test_loss_and_optimal_loss_stand_with_their_errors(loss):
    generator = np.random.default_rng(0)
    steps, values = np.arange(1, 2001), 1.0 + 0.2 * generator.standard_normal(2000)
    loss.show_history(steps, values, 0.987, 0.004)
    said = loss.accessibleDescription()
    assert said.endswith("optimal loss 0.987 ± 0.004 over fresh points.")
    smooth = named(loss, "loss").y
    assert said.startswith(f"{smooth[-1]:.2f} ± ")
    error = float(said.split(" ± ")[1].split()[0])
    # Columns of 6.25 losses each, averaged with weights that fall by 0.85.
    assert error == pytest.approx(0.2 / np.sqrt(6.25) * np.sqrt(0.15 / 1.85), rel=0.3)
    loss.show_history(steps[:30], values[:30])
    assert "±" not in loss.accessibleDescription()


def test_nothing_is_painted_when_nothing_is_new(loss, qtbot):
    loss.show_history(*losses(50), 1.85)
    qtbot.wait(200)
    paints = Paints(loss, loss.plot.view.viewport())
    qtbot.addWidget(paints)
    for _ in range(5):
        loss.show_history(*losses(50), 1.85)
        qtbot.wait(5)
    assert paints.count == 0
    loss.show_history(*losses(51), 1.85)
    qtbot.waitUntil(lambda: paints.count > 0)


def test_a_hidden_chart_is_drawn_once_visible(loss, qtbot, recolor):
    loss.show_history(*losses(50), 1.85)
    loss.hide()
    loss.show_history(*losses(80), 1.85)
    recolor(LIGHT)
    assert len(loss.plot.line("each step").xData) == 50
    loss.show()
    assert len(loss.plot.line("each step").xData) == 80


def test_any_history_can_be_drawn(loss):
    for values in (np.zeros(0), np.array([1.0]), np.full(40, 2.0), -np.geomspace(1, 1e5, 40)):
        loss.show_history(np.arange(len(values)), values, None)
        assert (count_of(loss, "learned") > 20) == (len(values) > 1)


def test_values_of_the_loss_are_labelled_and_told_apart(loss):
    for low, spread in ((1.85, 0.01), (-120.0, 3.0), (1e-5, 1e-6)):
        steps, _ = losses(300)
        values = (
            low + spread * np.random.default_rng(0).standard_normal(300) + 50 * spread * np.exp(-np.arange(300) / 9)
        )
        loss.show_history(steps, values)
        labels = [label for _, label in loss.plot.labels[1]]
        assert len(labels) >= 2
        assert len(set(labels)) == len(labels)


# What all charts can


def test_a_chart_that_is_gone_leaves_nothing(qapp):
    """New plots leak easily, see pyqtgraph #2665."""
    library.load()
    chart = LossChart()
    chart.show()
    chart.show_history(*losses(50), 1.85)
    parts = [weakref.ref(part) for part in (chart, chart.plot, chart.plot.box, saving.menu_of(chart))]
    chart.close()
    chart.deleteLater()
    del chart
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()
    assert [part() for part in parts] == [None] * 4


def test_new_data_take_the_place_of_old_in_the_same_items(loss):
    items = set()
    for steps in range(50, 60):
        loss.show_history(*losses(steps), 1.85)
        items.add(len(loss.plot.view.items()))
    assert len(items) == 1


def reading(chart: ChartView, x: float) -> str:
    """What is read where the pointer is nearest to an x value."""
    at = QPointF(round(chart.plot.pixels(x)), chart.plot.box.sceneBoundingRect().center().y())
    none = Qt.MouseButton.NoButton  # the cursor itself may be there already, and would not move
    move = QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(chart.plot.view.viewport(), move)
    return text_of(chart)


def test_under_the_pointer_the_values_are_read(loss, qtbot):
    steps, values = losses(50)
    loss.show_history(steps, values, 1.85)
    rest = text_of(loss)
    at = loss.chart.nearest(named(loss, "loss"), float(steps.mean()))
    found = reading(loss, named(loss, "loss").x[at])
    assert found == f"step {steps[at]}, loss {named(loss, 'loss').y[at]:.3g}, optimal 1.85"
    QApplication.sendEvent(loss.plot.view.viewport(), QEvent(QEvent.Type.Leave))
    assert text_of(loss) == rest


def test_on_an_axis_of_names_the_name_is_read(qtbot):
    chart, axis = ChartView("Chart", "", 200), Axis("sampler", -0.5, 1.5, names=("euler", "heun"))
    chart.show_chart(Chart((Series("W2", np.arange(2.0), np.ones(2), "data"),), axis, Axis("W2", 0, 2)), "")
    shown(qtbot, chart)
    assert reading(chart, 1.0) == "heun, W2 1"


def test_arrow_keys_read_from_point_to_point_and_other_keys_go_on_to_the_window(loss):
    steps, values = losses(50)
    loss.show_history(steps, values, 1.85)
    before = loss.accessibleDescription()
    loss.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(3):
        QTest.keyClick(loss, Qt.Key.Key_Right)
    QTest.keyClick(loss, Qt.Key.Key_Left)
    assert loss.accessibleDescription().startswith(f"step {steps[1]}, loss ")
    loss.clearFocus()
    assert loss.accessibleDescription() == before
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(loss, event)
    assert not event.isAccepted()


def test_only_a_chart_with_curves_takes_the_focus_and_only_by_tab(loss):
    assert loss.focusPolicy() == Qt.FocusPolicy.NoFocus
    loss.show_history(*losses(50))
    assert loss.focusPolicy() == Qt.FocusPolicy.TabFocus
    loss.clearFocus()
    QTest.mouseClick(loss.plot.view.viewport(), Qt.MouseButton.LeftButton)
    assert not loss.isAncestorOf(QApplication.focusWidget() or QWidget())
    assert all(not child.focusPolicy() for child in loss.findChildren(QWidget))
    loss.show_empty("")
    assert loss.focusPolicy() == Qt.FocusPolicy.NoFocus


def wheel(chart: ChartView, modifiers: Qt.KeyboardModifier) -> QWheelEvent:
    viewport, at = chart.plot.view.viewport(), QPointF(chart.plot.box.sceneBoundingRect().center())
    event = QWheelEvent(
        at,
        QPointF(viewport.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)
    return event


def test_the_wheel_scrolls_the_column_and_with_control_it_zooms(loss):
    loss.show_history(*losses(50))
    whole = loss.plot.box.viewRange()
    assert not wheel(loss, Qt.KeyboardModifier.NoModifier).isAccepted()
    assert loss.plot.box.viewRange() == whole
    assert wheel(loss, Qt.KeyboardModifier.ControlModifier).isAccepted()
    (left, right), _ = loss.plot.box.viewRange()
    assert whole[0][0] < left < right < whole[0][1]


def test_a_zoom_stays_as_losses_come_and_a_double_click_shows_all(loss):
    steps, values = losses(60)
    loss.show_history(steps[:50], values[:50])
    loss.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(loss, Qt.Key.Key_Plus)
    near = loss.plot.box.viewRange()[0]
    labels = loss.plot.labels[0]
    assert all(near[0] <= place <= near[1] for place, _ in labels)
    loss.show_history(steps[:55], values[:55])
    assert loss.plot.box.viewRange()[0] == near
    QTest.mouseDClick(loss.plot.view.viewport(), Qt.MouseButton.LeftButton)
    assert loss.plot.box.viewRange()[0] == pytest.approx([steps[0], steps[54]])
    loss.show_history(steps, values)
    assert loss.plot.box.viewRange()[0] == pytest.approx([steps[0], steps[59]])


def test_a_drag_moves_no_further_than_there_is_something(loss):
    loss.show_history(*losses(50))
    QTest.keyClick(loss, Qt.Key.Key_Plus)
    QTest.keyClick(loss, Qt.Key.Key_Plus)
    (left, right), _ = loss.plot.box.viewRange()
    drag_view(loss, 20)
    (moved, end), _ = loss.plot.box.viewRange()
    assert moved < left
    assert end - moved == pytest.approx(right - left)
    drag_view(loss, 2_000)
    assert loss.plot.box.viewRange()[0][0] == pytest.approx(10)


def drag_view(chart: ChartView, by: int) -> None:
    time.sleep(0.02)  # pyqtgraph takes at most a hundred moves a second
    viewport, start = chart.plot.view.viewport(), chart.plot.box.sceneBoundingRect().center().toPoint()
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.3, 0.6, 1.0):
        at = QPointF(start + QPoint(round(by * share), 0))
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(
            viewport, QMouseEvent(QEvent.Type.MouseMove, at, at, Qt.MouseButton.NoButton, left, none)
        )
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=start + QPoint(by, 0))


def test_the_menu_copies_saves_and_changes_scales(loss, monkeypatch, tmp_path):
    steps, values = losses(50)
    loss.show_history(steps, values, 1.85)
    menu = saving.menu_of(loss)
    actions = {action.text(): action for action in menu.actions() if action.text()}
    assert list(actions) == [
        "Copy picture", "Save PNG…", "Save SVG…", "Save PDF…", "Save CSV…", "Logarithmic steps", "Logarithmic loss",
        "Show all"
    ]  # fmt: skip
    actions["Copy picture"].trigger()
    copied = QApplication.clipboard().image()
    assert copied.width() == 2 * loss.width()
    asked = []
    for suffix in ("png", "svg", "pdf", "csv"):

        def answer(parent, title, proposed, filters, suffix=suffix) -> tuple[str, str]:
            asked.append(Path(proposed).name)
            return str(tmp_path / f"mine.{suffix}"), filters

        monkeypatch.setattr(file_prompts, "save_name", answer)
        actions[f"Save {suffix.upper()}…"].trigger()
    assert asked == ["loss.png", "loss.svg", "loss.pdf", "loss.csv"]
    assert QImage(str(tmp_path / "mine.png")).size() == copied.size()
    assert QSvgRenderer(str(tmp_path / "mine.svg")).isValid()
    document = (tmp_path / "mine.pdf").read_bytes()
    assert document.startswith(b"%PDF")
    found = re.search(rb"/MediaBox \[\s*0 0 ([\d.]+) ([\d.]+)", document)
    assert [float(side) for side in found.groups()] == pytest.approx([0.75 * loss.width(), 0.75 * loss.height()], abs=1)
    rows = list(csv.reader((tmp_path / "mine.csv").read_text().splitlines()))
    assert rows[0] == ["series", "steps", "loss"]
    assert rows[1] == ["each step", str(float(steps[0])), str(values[0])]
    assert {row[0] for row in rows[1:]} == {"each step", "loss", "optimal"}
    assert not actions["Show all"].isEnabled()
    actions["Logarithmic steps"].trigger()
    assert {"10", "100"} <= {label for _, label in loss.plot.labels[0]}
    assert loss.plot.box.viewRange()[0] == pytest.approx(np.log10([10, 500]), abs=0.2)
    menu.deleteLater()


def test_large_numbers_on_an_axis_are_grouped_or_powers(loss):
    steps, values = losses(2_000)
    loss.show_history(steps, values)
    assert [label for _, label in loss.plot.labels[0] if label][:1] == [format_count(5_000)]
    assert loss.plot.x_name.text() == f"{format_count(20_000)} steps"  # how far it has come
    loss.resize(460, loss.height())
    loss.set_log(0, True)
    assert [label for _, label in loss.plot.labels[0] if label] == ["10", "100", "10³"]


def test_a_scale_can_be_logarithmic_only_where_all_is_above_zero(loss):
    steps, values = losses(50)
    loss.show_history(steps, values - 10)
    menu = saving.menu_of(loss)
    enabled = {action.text(): action.isEnabled() for action in menu.actions()}
    assert enabled["Logarithmic steps"]
    assert not enabled["Logarithmic loss"]
    menu.deleteLater()


def test_a_saved_picture_says_what_made_it(loss, tmp_path):
    loss.show_history(*losses(50))
    loss.set_provenance(lambda: "of this run")
    for suffix in (".png", ".svg"):
        saving.save(loss, tmp_path / f"loss{suffix}")
    assert QImage(str(tmp_path / "loss.png")).text("provenance") == "of this run"
    assert "of this run</desc>" in (tmp_path / "loss.svg").read_text(encoding="utf-8")


def test_what_cannot_be_written_is_said(loss, tmp_path):
    loss.show_history(*losses(50))
    with pytest.raises(OSError, match="No such file") as caught:
        saving.save(loss, tmp_path / "none" / "loss.csv")
    assert "none" in str(user_error(caught.value))


def test_the_menu_comes_by_right_click_and_by_key(loss, qtbot):
    loss.show_history(*losses(50))
    viewport = loss.plot.view.viewport()
    for target, reason in ((viewport, QContextMenuEvent.Reason.Mouse), (loss, QContextMenuEvent.Reason.Keyboard)):
        QApplication.sendEvent(target, QContextMenuEvent(reason, QPoint(40, 40), target.mapToGlobal(QPoint(40, 40))))
        menu = QApplication.activePopupWidget()
        assert menu.actions()[0].text() == "Copy picture"
        menu.close()
        qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)


def test_the_tooltip_is_the_charts_own(loss):
    """Over the curves too: the view below the pointer has none."""
    loss.show_history(*losses(50))
    at = QPoint(100, 60)
    event = QHelpEvent(QEvent.Type.ToolTip, at, loss.mapToGlobal(at))
    QApplication.sendEvent(loss.plot.view.viewport(), event)
    assert not event.isAccepted() or QToolTip.text() == loss.toolTip()
    assert "Dashed: the optimal loss" in loss.toolTip()
    assert "right click" in loss.toolTip()
    QToolTip.hideText()


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_charts_follow_the_theme(loss, palette, recolor):
    loss.show_history(*losses(50), 1.85)
    recolor(palette)
    assert count_of(loss, "learned") > 20
    assert count_of(loss, "raised") > 0.5 * loss.width() * loss.height() * loss.devicePixelRatioF() ** 2


def test_a_chart_on_the_screen_follows_a_change_of_theme(loss, qtbot, qapp):
    """What grab() gives is painted anew for it; this asks for what was painted on the screen."""

    def behind() -> str:
        image = loss.screen().grabWindow(loss.winId()).toImage()
        place = loss.plot.view.geometry().bottomRight() - QPoint(2, 2)
        return image.pixelColor(place * loss.devicePixelRatioF()).name()

    loss.show_history(*losses(50), 1.85)
    paints = Paints(loss.plot.view.viewport())
    qtbot.addWidget(paints)
    restyling = theme.Restyling(qapp)
    for palette in (LIGHT, DARK):
        restyling.start(palette)
        qtbot.waitUntil(lambda palette=palette: behind() == palette.raised)
    qtbot.wait(50)
    paints.count = 0
    loss.show_history(*losses(80), 1.85)
    qtbot.waitUntil(lambda: paints.count > 0)  # and it goes on


# Errors


@pytest.fixture
def errors(qtbot):
    return shown(qtbot, ErrorAlongSigma())


def test_the_error_at_one_level_is_no_curve(errors):
    errors.show_errors(np.ones(1), np.full(1, 0.3), np.full(1, 0.1))
    one = errors.grab().toImage()
    errors.show_empty("Press Measure.")  # is not asked for what has been measured
    assert errors.grab().toImage() == one
    assert errors.accessibleDescription() == "At most 30 ± 10 %, at sigma 1."
    errors.show_errors(*np.zeros((3, 0)))
    assert errors.accessibleDescription() == "Press Measure."


def test_errors_are_read_coarse_at_the_left(errors):
    assert errors.plot is None
    errors.show_errors(LEVELS, np.linspace(0.1, 0.4, 10), np.zeros(10))
    assert count_of(errors, "error") > 50
    assert errors.plot.pixels(8.0) < errors.plot.pixels(0.05)
    assert {"0.1", "1"} <= {label for _, label in errors.plot.labels[0]}
    assert reading(errors, 8.0) == "σ = 8, error 10 %"
    assert reading(errors, 0.05) == "σ = 0.05, error 40 %"
    errors.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(errors, Qt.Key.Key_Left)  # to coarser levels, as on the screen
    assert text_of(errors).startswith(f"σ = {LEVELS[-2]:.3g}")


def test_noise_levels_are_written_as_everywhere_else(errors):
    errors.show_errors(np.geomspace(0.2, 0.01, 10), np.linspace(0.1, 0.4, 10), np.zeros(10))
    assert "0.05" in {label for _, label in errors.plot.labels[0]}


def test_a_mark_shows_where_the_sampler_is_now(errors):
    errors.show_errors(LEVELS, np.linspace(0.1, 0.4, 10), np.zeros(10))
    assert "now" not in text_of(errors)
    before = count_of(errors, "particles")
    errors.mark(0.5)
    assert count_of(errors, "particles") > before + 30
    assert "now" in text_of(errors)
    for sigma in (1e-4, 1e4):
        errors.mark(sigma)  # at the end that is nearest
        assert count_of(errors, "particles") > before + 30
    errors.mark(None)
    assert count_of(errors, "particles") == before


def test_a_mark_moves_while_the_first_plot_is_made(errors, monkeypatch, qtbot):
    """It is made when its library is there, and filled after the next event."""
    with monkeypatch.context() as patch:
        patch.setattr(library, "get", lambda: None)
        errors.show_errors(LEVELS, np.linspace(0.1, 0.4, 10), np.zeros(10))
    errors.mark(0.5)
    library.loaded.emit()
    assert errors.plot is not None
    errors.mark(0.3)
    qtbot.waitUntil(lambda: count_of(errors, "particles") > 30)


def test_the_mark_is_not_painted_for_less_than_half_a_pixel(errors, qtbot):
    errors.show_errors(LEVELS, np.linspace(0.1, 0.4, 10), np.zeros(10))
    errors.mark(0.5)
    qtbot.wait(100)
    paints = Paints(errors, errors.plot.view.viewport())
    qtbot.addWidget(paints)
    errors.mark(0.5001)
    qtbot.wait(20)
    assert paints.count == 0
    errors.mark(0.3)
    qtbot.waitUntil(lambda: paints.count > 0)


def test_a_band_shows_how_far_the_errors_can_be_trusted(errors):
    """Two standard errors wide, of the curve's colour on the card's."""
    sigmas, spread = np.geomspace(0.01, 10, 24), np.full(24, 0.1)
    heights = []
    for error in (0.0 * spread, spread):
        errors.show_errors(sigmas, np.full(24, 0.5), error)
        picture = errors.plot.view.grab().toImage()
        column = [picture.pixelColor(100, y) for y in range(picture.height())]
        heights.append(sum(color.red() > color.blue() + 25 for color in column))
    tall = errors.plot.box.height()
    assert heights[0] < 0.1 * tall  # the curve alone
    assert heights[1] == pytest.approx(0.2 * tall, abs=3)
    assert reading(errors, 0.3).endswith("error 50 ± 10 %")
    assert errors.accessibleDescription().startswith("At most 50 ± 10 %, at sigma")
    assert saving.rows(errors)[0] == ["series", "σ", "error, %", "standard error"]
    assert saving.rows(errors)[1] == ["error", pytest.approx(0.01), 50.0, 10.0]


def test_errors_that_are_not_finite_are_left_out(errors):
    errors.show_errors(
        np.array([1.0, 2.0, 3.0, 0.0]), np.array([0.1, math.nan, 0.3, 0.2]), np.array([math.nan, 0.1, 0.1, 0.1])
    )
    assert np.array_equal(errors.measured[0], [1.0, 3.0])
    errors.grab()


# Histogram


@pytest.fixture
def histogram(qtbot):
    return shown(qtbot, MarginalHistogram())


def test_samples_like_the_data_overlap_with_them(histogram):
    generator = np.random.default_rng(0)
    histogram.show_data(generator.standard_normal(20_000), "x")
    assert histogram.overlap() is None
    histogram.show_samples(generator.standard_normal(20_000))
    assert histogram.overlap() == pytest.approx(0.98, abs=0.02)
    histogram.show_samples(generator.standard_normal(20_000) + 100)
    assert histogram.overlap() == 0
    assert count_of(histogram, "particles") > 50


def test_a_known_density_is_drawn_and_its_share_of_each_bin_is_the_closed_form(histogram):
    values = np.random.default_rng(0).standard_normal(20_000)
    histogram.show_data(values, "x")
    assert histogram.exact() is None
    assert "exact" not in text_of(histogram)
    without = count_of(histogram, "exact")
    places = np.linspace(-6, 6, 401)
    histogram.show_data(values, "x", np.stack([places, ndtr(places)]))
    np.testing.assert_allclose(histogram.exact(), np.diff(ndtr(histogram.edges)), atol=1e-4)
    assert count_of(histogram, "exact") > without + 50
    assert "exact" in text_of(histogram)
    # It runs along the tops of the bars, which are those of as many draws of it.
    bars = np.histogram(values, histogram.edges)[0] / len(values)
    assert np.abs(histogram.exact() - bars).max() < 5 * np.sqrt(bars.max() / len(values))


@pytest.mark.parametrize("std", [1e-3, 1e-2])
def test_a_peak_thinner_than_what_lies_between_two_places_keeps_its_mass(histogram, std):
    """Of heights there alone it would be nearly none, or far too much: the curve would lie elsewhere than the bars."""
    places = np.linspace(-6, 6, 401)
    histogram.show_data(np.append(np.full(800, 2.001), np.full(200, -2.0)), "x", _peaks(places, std))
    assert histogram.exact().sum() == pytest.approx(1)
    assert histogram.exact()[BINS // 2 :].sum() == pytest.approx(0.8)
    assert count_of(histogram, "exact") > 20


def _peaks(places: np.ndarray, std: float) -> np.ndarray:
    return np.stack([places, 0.8 * ndtr((places - 2.001) / std) + 0.2 * ndtr((places + 2) / std)])


@pytest.mark.parametrize(("low", "high"), [(100_300, 102_300), (0.001, 0.001007), (-1, 2)])
def test_labels_far_from_zero_are_told_apart_and_the_name_of_the_axis_lies_beside_them(histogram, low, high):
    metrics = QFontMetricsF(theme.number_font(HEAD_PIXELS))
    for name in ("x", "length of the rod in thousandths of a metre"):
        histogram.show_data(np.linspace(low, high, 100_001), name)
        labels = [label for _, label in histogram.plot.labels[0] if label]
        assert len(labels) == len(set(labels)) >= 1
        places = [histogram.plot.box.mapViewToScene(QPointF(place, 0)).x() for place, _ in histogram.plot.labels[0]]
        assert all(
            right - left > max(map(metrics.horizontalAdvance, labels)) for left, right in itertools.pairwise(places)
        )
        written = histogram.plot.x_name.text()
        assert written == name or (
            written.endswith("…") and metrics.horizontalAdvance(written) < 0.6 * histogram.width()
        )
    first, last = (reading(histogram, end).split(", ")[0] for end in (low, high))
    assert first != last


def test_a_histogram_reads_the_shares_of_a_bin(histogram):
    values = np.array([0.0] * 30 + [1.0] * 70)
    histogram.show_data(values, "x", np.stack([np.linspace(-1, 2, 401), np.linspace(0, 1, 401)]))
    histogram.show_samples(np.array([0.0, 1.0]))
    parts = reading(histogram, 1.0).split(", ")
    assert parts[0].startswith("x = ")
    assert parts[1:] == ["data 70 %", f"exact {100 * histogram.exact()[BINS // 2]:.2g} %", "samples 50 %"]
    table = saving.rows(histogram)
    assert table[0] == ["series", "x", "share, %"]
    assert sum(row[2] for row in table if row[0] == "data") == pytest.approx(100)


def test_new_data_forget_the_samples(histogram):
    histogram.show_data(np.arange(10.0), "x")
    histogram.show_samples(np.arange(10.0))
    histogram.show_data(np.arange(20.0), "y")
    assert histogram.overlap() is None
    assert "y" in histogram.accessibleDescription()


def test_any_data_can_be_drawn(histogram):
    for values in (np.zeros(0), np.full(50, 3.0), np.array([1.0])):
        histogram.show_data(values, "x")
        histogram.show_samples(values)
        assert (count_of(histogram, "particles") > 20) == (len(values) > 0)


# Pairs of images


def test_pairs_fill_the_width_and_say_how_far_apart_they_are(qtbot):
    library.load()
    pairs = NearestPairs()
    qtbot.addWidget(pairs)
    pairs.resize(232, 0)
    pairs.show_pairs(np.zeros((0, 1, 1, 1)), np.zeros((0, 1, 1, 1)))
    assert not pairs.isVisible()
    samples, neighbours = np.zeros((4, 1, 8, 8)), np.zeros((4, 1, 8, 8))
    samples[2, 0, 3, 4] = 0.5
    neighbours[0] = 1.0
    pairs.show_pairs(samples, neighbours)
    assert pairs.isVisible()
    assert pairs.accessibleDescription() == "4 samples, 0 to 8 from the nearest training image."
    width = pairs.plot.view.width()
    assert pairs.plot.view.height() == pytest.approx(2 * width / 4, abs=2)
    assert [reading(pairs, number) for number in (1, 3)] == ["pair 1, distance 8", "pair 3, distance 0.5"]
    assert [row[2] for row in saving.rows(pairs)[1:]] == [8.0, 0.0, 0.5, 0.0]
    menu = saving.menu_of(pairs)
    assert not any("Logarithmic" in action.text() for action in menu.actions())
    menu.deleteLater()
    # The neighbour of the first is white all over: data's brightest hue, below a dark sample.
    pairs.point_at(None)
    picture = pairs.plot.view.grab().toImage()
    upper, lower = (picture.pixelColor(width // 8, round(share * picture.height())) for share in (0.25, 0.75))
    assert lower.lightness() > upper.lightness() + 100
    pairs.resize(2 * pairs.width(), pairs.height())
    assert pairs.plot.view.height() == pytest.approx(pairs.plot.view.width() / 2, abs=2)


FLAT, STEEP = np.array([7.5, 0.012, 0.011, 0.01, 0.009, 0.007]), np.array([7.5, 7.0, 6.5, 6.0, 0.01, 0.007])


@pytest.mark.parametrize("width", [200, 254, 400])
@pytest.mark.parametrize("by", [-8, 8])
@pytest.mark.parametrize(
    ("kind", "sigmas"),
    [
        ("custom", np.geomspace(7.5, 0.007, 6)),
        ("custom", FLAT),
        ("custom", STEEP),
        ("discrete", LEVELS),
        ("ve", LEVELS),
    ],
)
def test_the_value_of_what_is_dragged_hides_neither_the_curve_nor_a_handle(
    noise_chart, monkeypatch, kind, sigmas, by, width
) -> None:
    noise_chart.resize(width, noise_chart.height())
    written, paint = [], LevelPicture.words

    def words(picture, text, at, *rest, plate=False, **named):
        if not plate:
            paint(picture, text, at, *rest, plate=plate, **named)
            return
        metrics = picture.painter.fontMetrics()
        box = QRectF(0, 0, metrics.horizontalAdvance(text) + 1, metrics.height())
        box.moveCenter(at)
        written.append(box.adjusted(-3, 0, 3, 0))

    for index in noise_chart.handles() if kind == "discrete" else range(len(sigmas)):
        noise_chart.show_levels(NoNoise(), np.zeros(0))
        noise_chart.show_levels(Noise.kinds()[kind](), sigmas)
        if index not in noise_chart.handles():
            continue
        start = noise_chart.place(index).toPoint()
        QTest.mousePress(noise_chart, Qt.MouseButton.LeftButton, pos=start)
        QTest.mouseMove(noise_chart, start + QPoint(by, 0))
        monkeypatch.setattr(LevelPicture, "words", words)
        monkeypatch.setattr(LevelPicture, "line", lambda *_: None)  # of the grid
        bare = noise_chart.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        monkeypatch.undo()
        QTest.mouseRelease(noise_chart, Qt.MouseButton.LeftButton, pos=start + QPoint(by, 0))
        box = written[-1]
        assert QRectF(noise_chart.rect()).contains(box)
        here = box.toAlignedRect()
        seen = {
            bare.pixel(x, y) for x in range(here.left() + 1, here.right()) for y in range(here.top(), here.bottom())
        }
        assert seen == {bare.pixel(0, 0)}, (index, box)
