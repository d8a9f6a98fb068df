"""The window at every size: its layout, its words, its keyboard and its themes. These tests leave it as it was."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QWidget,
)

from playground.app.actions import reset_training
from playground.app.menus import CANVAS_MENU
from playground.app.model.edit_text import summary
from playground.app.panels import LikelihoodPanel, TrainingPanel
from playground.app.panels.training import BUTTON, COMMAND
from playground.app.style import theme
from playground.app.widgets import collapsible_panel
from playground.app.widgets.collapsible_panel import shortened
from playground.app.widgets.field_row import FieldLabel
from playground.app.window import SMALLEST
from playground.drawing.palette import PALETTES
from playground.lab.experiment import Experiment, replace
from playground.lab.lessons import load_all
from playground.lab.settings import LOG_P_OF
from tests.app.conftest import wait


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900), (3840, 2160), (1024, 600)])
def test_parts_fill_the_window_without_overlap(window, size):
    window.resize(*size)
    wait()
    assert (window.width(), window.height()) == size
    left, centre, right = (window.columns.widget(number) for number in range(3))
    assert centre.width() >= 380
    assert left.width() >= left.widget().minimumSizeHint().width()
    assert right.width() >= right.widget().minimumSizeHint().width()
    assert window.canvas.height() >= 250
    bottom = window.status.mapTo(window, QPoint(0, window.status.height())).y()
    assert bottom == window.height()


def test_the_status_makes_room_for_its_words_at_once(window):
    status = window.status
    for training, rate in (("untrained", 9.0), ("paused", 188.0), ("diverged", None)):
        status.show_training(training)
        status.show_frames(rate)
        for label in (status.training, status.frames):
            assert label.width() >= label.fontMetrics().horizontalAdvance(label.text()), label.text()
    window.status.show_state()


def test_no_name_of_a_setting_is_cut_off(window):
    labels = window.findChildren(FieldLabel)
    assert len(labels) > 40
    for label in labels:
        mark = 14 if label._resets else 0
        assert label.fontMetrics().horizontalAdvance(label.text()) + mark <= label.maximumWidth(), label.text()


def test_the_button_says_what_it_does_now(window):
    button = next(one for one in window.top_bar.findChildren(QAbstractButton) if one.text() == "Train")
    window.controllers.training.start()
    assert button.text() == button.accessibleName() == "Pause training"
    window.controllers.training.pause()
    assert button.text() == button.accessibleName() == "Resume training"
    reset_training(window, window.controllers)
    wait(lambda: button.text() == button.accessibleName() == "Train")
    assert button.text() == button.accessibleName() == "Train"


def test_the_buttons_beside_train_stay_as_it_is_renamed(window):
    """Its name changes under the pointer that pressed it."""
    bar, places = window.top_bar, set()
    for text in (*COMMAND.values(), bar.train.text()):
        bar.train.setText(text)
        wait()
        places.add((bar.learn.x(), bar.train.geometry().right()))
        assert bar.train.width() >= bar.train.fontMetrics().horizontalAdvance(text) + 20
    assert len(places) == 1


@pytest.mark.parametrize("shown", ["own work", "scene", "lesson"])
def test_train_of_the_top_bar_unfolds_the_loss_except_in_a_scene_or_lesson(window, shown):
    card, button = window.panel(TrainingPanel), window.findChild(QAbstractButton, "train.toggle.button")
    lessons = window.controllers.lessons
    if shown == "scene":
        lessons.begin(
            next(one for one in load_all("scenes").values() if one.steps[0].settings.sampling.follows != "learned")
        )
    elif shown == "lesson":
        lessons.begin(load_all()["01-score"])  # its first step folds the cards
    wait(lambda: not window.building.busy)
    card.set_folded(True)
    button.click()
    assert window.training.wanted
    assert card.is_folded() is (shown != "own work")
    card.set_folded(True)
    button.click()
    assert not window.training.wanted
    assert card.is_folded()  # as a pause leaves it


@pytest.mark.parametrize("training", BUTTON)
def test_bar_menu_and_card_say_the_same_of_training(window, monkeypatch, training):
    window.resize(*SMALLEST)
    monkeypatch.setattr(type(window.controllers.training), "status", training)
    window.controllers.training.changed.emit(training)
    wait()
    button = window.findChild(QAbstractButton, "train.toggle.button")
    said = window.panel(TrainingPanel).button.text()
    assert button.text() in (said, f"{said} training")
    assert window.actions_by_key["train.toggle"].text().startswith(f"{button.text()}\t")
    assert button.width() >= button.sizeHint().width()
    assert window.top_bar.summary.width() >= 200  # beside it, where the experiment is told
    monkeypatch.undo()
    window.controllers.training.changed.emit(window.controllers.training.status)


@pytest.mark.parametrize("source", ["exact", "empirical"])
def test_the_smallest_window_names_the_score_of_likelihoods(window, monkeypatch, source):
    window.resize(1024, 600)
    wait()
    window.state.edit({"likelihood.source": source})
    header, painted = window.panel(LikelihoodPanel).header, []
    monkeypatch.setattr(collapsible_panel, "shortened", lambda *words: painted.append(shortened(*words)) or painted[-1])
    header.grab()
    assert painted == [header.state] == [f"{LOG_P_OF[source]} · flow"]  # all of it, and without dots
    window.state.edit({"likelihood.source": "learned"})


def test_a_narrow_window_never_cuts_a_chip(window):
    window.resize(1024, 600)
    wait()
    for chip in window.chips.chips.values():
        assert window.chips.rect().contains(chip.geometry())


def test_every_control_has_a_name_a_tip_and_a_place_in_the_tab_order(window):
    controls = [
        widget
        for widget in window.findChildren(QWidget)
        if isinstance(widget, (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit))
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert len(controls) > 40
    unnamed = [
        f"{type(widget).__name__} {widget.objectName()}"
        for widget in controls
        if not (widget.accessibleName() or getattr(widget, "text", str)())
    ]
    assert unnamed == []
    silent = [widget.accessibleName() or widget.objectName() for widget in controls if not widget.toolTip()]
    assert silent == []


def test_tab_reaches_canvas_transport_and_cards(window):
    window.activateWindow()
    wait(window.isActiveWindow)  # another one may have been, just before
    window.canvas.setFocus()
    seen = [QApplication.focusWidget()]
    for _ in range(200):
        assert seen[-1] is not None  # Qt aborts where a key is sent to nothing
        QTest.keyClick(seen[-1], Qt.Key.Key_Tab)
        seen.append(QApplication.focusWidget())
        if seen[-1] is seen[0]:
            break
    cards = (panel for panel in window.panels if panel.isVisible())  # those of a scene and a lesson are not
    parts = (window.top_bar, window.chips, window.canvas, window.transport, *cards)
    missed = [part.objectName() for part in parts if not any(part.isAncestorOf(widget) for widget in seen if widget)]
    assert missed == []


def test_the_theme_follows_the_system_where_that_is_chosen(window, monkeypatch):
    scheme = Qt.ColorScheme.Unknown

    class Hints:
        def colorScheme(self):
            return scheme

    monkeypatch.setattr(QApplication, "styleHints", lambda self: Hints())
    window.look.set_theme("system")
    for scheme, shown in (
        (Qt.ColorScheme.Light, "light"),
        (Qt.ColorScheme.Dark, "dark"),
        (Qt.ColorScheme.Light, "light"),
    ):
        QGuiApplication.styleHints().colorSchemeChanged.emit(scheme)
        assert (window.look.theme_choice, theme.palette().name) == ("system", shown)
    window.look.set_theme("dark")  # which holds, whatever the system has
    QGuiApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert (window.look.theme_choice, theme.palette().name) == ("dark", "dark")
    scheme = Qt.ColorScheme.Unknown
    window.look.set_theme("system")
    assert theme.palette().name == "dark"
    wait(lambda: not window.look.restyling.running)


def test_themes_change_and_are_remembered(window):
    for name in ("light", "dark"):
        window.look.set_theme(name)
        assert window.preferences.get("theme") == name
        wait(lambda: not window.look.restyling.running)
        assert window.palette().window().color().name() == PALETTES[name].panel
        assert window.canvas.scene(10, 10).palette is PALETTES[name]
        assert window.updatesEnabled()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "Two moons · denoising · VE process"),
        ({"noise.kind": "discrete", "noise.levels": 10}, "Two moons · denoising · 10 noise levels"),
        ({"data.kind": "file", "data.path": "C:\\a\\b.csv"}, "b.csv · denoising · VE process"),
        ({"noise.kind": "none", "objective.kind": "exact"}, "Two moons · exact · no noise"),
        ({"data.kind": "images", "data.path": "/a/cats"}, "cats · denoising · VE process"),
        (
            {"network.kind": "energy", "objective.kind": "maximum-likelihood"},
            "Two moons · maximum likelihood · VE process",
        ),
        ({"data.kind": "eight-gaussians"}, "Eight Gaussians · denoising · VE process"),
    ],
)
def test_summary_says_the_experiment_in_one_line(changes, line):
    assert summary(replace(Experiment(), changes)) == line


def test_the_pointer_reads_out_position_score_and_density(window):
    surface = window.canvas.surface
    for step in (0, 9):
        QTest.mouseMove(surface, surface.rect().center() + QPoint(step, 0))
    wait(lambda: "log p" in window.canvas.readout())
    lines = window.canvas.readout().splitlines()
    assert lines[0].startswith("x ")
    assert lines[1].startswith("learned score (")
    assert lines[2].startswith("exact (")


@pytest.mark.parametrize(
    ("rate", "said"), [(None, "at rest"), (0.2, "0 frames/s"), (1.4, "1 frame/s"), (1.6, "2 frames/s")]
)
def test_one_frame_a_second_is_no_plural(window, rate, said):
    window.status.show_frames(rate)
    assert window.status.frames.text() == said


def test_the_canvas_has_a_menu_that_copies_it(window):
    QApplication.clipboard().clear()
    QTest.mouseClick(window.canvas.surface, Qt.MouseButton.RightButton, pos=QPoint(60, 60))
    wait()
    menu = window.findChild(QMenu, "canvasMenu")
    assert menu.isVisible()
    assert [action.objectName() for action in menu.actions()] == list(CANVAS_MENU)
    menu.actions()[0].trigger()
    menu.close()
    wait()
    assert QApplication.clipboard().image().width() == 2 * window.canvas.width()
