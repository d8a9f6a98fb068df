"""The window over time: drops, data, measurements, resets, closing."""

import warnings

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QRect, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QMessageBox,
    QScrollArea,
)

from playground.app.actions import reset_training, toggle_full_screen
from playground.app.model.errors import Log
from playground.app.model.preferences import KEYS, Preferences, VideoChoice
from playground.app.model.views import DensityView
from playground.app.panels import DataPanel, LikelihoodPanel, NoisePanel, QualityPanel, TrainingPanel
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_number
from playground.app.widgets import toasts
from playground.app.widgets.file_prompts import FilePrompts
from playground.app.window import SMALLEST, MainWindow
from playground.app.window_state import COLUMNS, FIRST, FRAME
from playground.lab.conflicts import sampling_conflict, training_conflict
from playground.resources import resource
from tests.app.conftest import wait

LEFT = Qt.MouseButton.LeftButton


def test_nothing_can_be_measured_before_there_is_a_problem(bare_window):
    quality, likelihood = bare_window.panel(QualityPanel), bare_window.panel(LikelihoodPanel)
    for button in (quality.buttons["fisher"], quality.buttons["quality"], likelihood.map, likelihood.test):
        assert not button.isEnabled()


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    at, actions = QPoint(600, 400), Qt.DropAction.CopyAction
    buttons, modifiers = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Qt 6.12 has another constructor, 6.11 only this one
        enter = QDragEnterEvent(at, actions, data, buttons, modifiers)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(at), actions, data, buttons, modifiers))


def test_a_dropped_file_of_points_becomes_the_data(window, qtbot, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("east,north\n" + "\n".join(f"{300 + 40 * (i % 7)},{i}" for i in range(200)))
    drop(window, path)
    qtbot.waitUntil(lambda: window.controllers.state.problem.axes == ("east", "north"))
    assert window.state.experiment.data.kind == "file"
    assert "mine.csv" in window.top_bar.summary.text()


def test_the_title_is_that_of_the_run_in_view_while_other_data_load(window):
    title = window.top_bar.summary
    wait(lambda: not window.building.busy)
    before = title.text()
    window.state.edit({"data.kind": "rings"})
    assert window.building.busy
    assert title.text() == before
    wait(lambda: not window.building.busy)
    assert title.text().startswith("Rings")
    window.state.undo()


def test_a_measurement_that_other_data_stop_is_named_and_undo_is_offered(window, qtbot):
    wait(lambda: window.playing.recorded > 5 and not window.building.busy)
    window.controllers.measuring.measure("quality")
    assert window.controllers.jobs.running("quality")
    window.state.edit({"data.kind": "rings"})
    wait(lambda: not window.building.busy)
    assert not window.controllers.jobs.running("quality")
    (toast,) = [one for one in window.toasts.shown if "stopped" in one.sentence]
    assert toast.sentence.startswith("Measuring the samples was stopped")
    window.state.undo()
    wait(lambda: toast not in window.toasts.shown)


def test_a_dropped_file_that_is_no_good_is_a_sentence(window, qtbot, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("x,y\n1,2\n3,oops\n")
    drop(window, path)
    qtbot.waitUntil(lambda: bool(window.toasts.shown))
    assert window.toasts.shown[0].level == "error"
    assert window.state.experiment.data.kind == "two-moons"
    assert not window.panel(DataPanel).notice.isVisible()


def test_a_file_that_is_no_good_is_forgotten_once_there_are_other_data(window, qtbot, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("x,y\n1,2\n3,oops\n")
    drop(window, path)
    qtbot.waitUntil(lambda: bool(window.toasts.shown))
    window.state.edit({"data.kind": "rings"})
    assert window.toasts.shown == []


def test_settings_that_give_no_data_are_a_sentence_in_their_card_alone(window, qtbot):
    card, column = window.panel(DataPanel), window.findChild(QScrollArea, "leftColumn")
    column.verticalScrollBar().setValue(column.verticalScrollBar().maximum())
    window.state.edit({"data.noise": 1e-7})
    qtbot.waitUntil(card.notice.isVisible)
    assert "too thin" in card.notice.text.text()
    assert not card.notice.visibleRegion().isEmpty()
    assert window.toasts.shown == []


def test_under_a_noise_that_the_sampler_cannot_follow_no_old_run_is_shown(window, qtbot):
    qtbot.waitUntil(lambda: window.canvas.shown().particles is not None)
    assert window.canvas.shown().caption
    window.state.edit({"noise.kind": "none", "objective.kind": "exact"})
    qtbot.waitUntil(lambda: window.controllers.playing.trajectory is None)
    scene = window.canvas.shown()
    assert scene.particles is None
    assert scene.trails is None
    assert scene.caption == ()
    bar = window.transport
    why = worded(sampling_conflict(window.state.experiment))
    for button in (bar.play, bar.back, bar.forward, bar.restart, bar.new_seed):
        assert not button.isEnabled()
        assert why in button.toolTip()
    assert bar.play.accessibleName() == "Play"
    assert bar.scrubber.maximum() == 0  # no frame of the run that is gone
    window.toasts.settle()
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert [toast.sentence for toast in window.toasts.shown] == [why]
    assert window.actions_by_key["sample.play"].text().startswith("Play")
    window.state.edit({"noise.kind": "ve"})
    assert bar.restart.isEnabled()
    qtbot.waitUntil(lambda: window.controllers.playing.recorded > 0)
    assert bar.play.isEnabled()
    assert bar.play.accessibleName() == "Pause"
    assert why not in bar.play.toolTip()


def test_without_noise_the_density_of_the_last_noise_leaves_the_canvas(window, qtbot, tmp_path):
    path = tmp_path / "points.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(300, 2)), delimiter=",")
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        drop(window, path)
    for layer in ("density", "exact"):
        window.canvas.layers.set_visible(layer, True)
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).density is not None)
    qtbot.waitUntil(lambda: window.canvas.scene(10, 10).exact is not None)
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        window.state.edit({"noise.kind": "none", "objective.kind": "exact"})
    late = DensityView(np.ones((4, 4)), (0, 1, 0, 1), 1.0, "learned")
    window.controllers.following.in_view[0].density.seen = late
    window.controllers.following.changed.emit(late, 0)
    scene = window.canvas.scene(10, 10)
    assert scene.density is None
    assert scene.exact is None
    assert not window.chips.chips["density"].isEnabled()


def test_the_map_that_was_asked_for_is_captioned_as_long_as_it_is_seen(window, qtbot):
    """Of any source: at the run's sigma the canvas would show another density."""
    controllers, canvas = window.controllers, window.canvas
    qtbot.waitUntil(lambda: controllers.playing.trajectory is not None and controllers.playing.trajectory.finished)
    window.state.edit({"likelihood.source": "empirical"})
    canvas.layers.set_visible("density", True)
    controllers.playing.set_playing(False)
    controllers.playing.seek(5)
    controllers.mapping.compute()
    line = f"density (training set) at σ = {format_number(controllers.state.problem.sigma_min)}"
    qtbot.waitUntil(lambda: canvas.scene(10, 10).caption[-1] == line)
    canvas.layers.set_visible("density", False)
    assert line not in canvas.scene(10, 10).caption
    canvas.layers.set_visible("density", True)
    assert line in canvas.scene(10, 10).caption
    controllers.playing.seek(6)
    qtbot.waitUntil(lambda: line not in canvas.scene(10, 10).caption)


def test_the_first_dropped_file_that_opens_is_taken(window, qtbot, tmp_path):
    (tmp_path / "a.pdf").write_text("no")
    (tmp_path / "b.toml").write_text("seed = 5\n")
    drop(window, tmp_path / "a.pdf", tmp_path / "b.toml")
    qtbot.waitUntil(lambda: window.state.experiment.sampling.seed == 5)
    assert window.toasts.shown[0].sentence.startswith("Only b.toml is opened:")


def test_a_file_of_images_without_a_suffix_is_found_among_several(window, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(window.opening, "open", opened.append)
    drop(window, tmp_path / "readme.pdf", tmp_path / "train-images-idx3-ubyte")
    wait(lambda: bool(opened))
    assert [path.name for path in opened] == ["train-images-idx3-ubyte"]


def test_a_readout_of_the_plane_does_not_stay_over_images(window, monkeypatch):
    """Nor a caption of the last run, until that of these data begins; the pointer rests where it is."""
    surface = window.canvas.surface
    window.controllers.playing.set_playing(False)

    for step in 10 * (0, 9):  # a move takes back what the last one asked for, so each waits for its answer
        place = QPointF(surface.rect().center() + QPoint(step, 0))
        none = Qt.MouseButton.NoButton
        moved = QMouseEvent(
            QEvent.Type.MouseMove, place, surface.mapToGlobal(place), none, none, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(surface, moved)  # whatever lies above it, and wherever the cursor is
        wait(lambda: window.canvas.readout() != "")
        if window.canvas.readout() != "":
            break
    assert window.canvas.readout() != ""
    monkeypatch.setattr(
        window.controllers.playing.sampler, "_start", lambda run: iter(())
    )  # as on a machine that is too busy to begin it
    window.state.edit({"data.kind": "digits", "network.width": 8})
    wait(lambda: window.controllers.state.problem.is_image)
    assert window.canvas.readout() == ""
    assert window.canvas.scene(800, 600).caption == ()


def test_the_status_bar_says_what_goes_on(window, qtbot):
    texts = " | ".join(label.text() for label in window.status.findChildren(QLabel))
    assert "not trained" in texts
    assert "CPU" in texts
    assert "seed 0" in texts
    qtbot.waitUntil(lambda: "frames/s" in window.status.frames.text())
    window.controllers.training.start()
    assert "training" in window.status.training.text()


def test_a_reset_by_the_cards_button_can_be_taken_back_from_its_toast(window, qtbot, monkeypatch):
    monkeypatch.setitem(toasts.MILLISECONDS, "info", 60_000)  # longer than a busy machine may take to build anew
    controllers, card = window.controllers, window.panel(TrainingPanel)
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 5)
    controllers.training.pause()
    steps = controllers.training.trained_steps
    card.reset.click()
    (toast,) = window.toasts.shown
    assert "Undo brings the weights back" in toast.sentence
    qtbot.waitUntil(lambda: controllers.training.trained_steps == 0 and controllers.state.problem is not None)
    assert toast.button.text() == "Undo"
    toast.button.click()
    assert controllers.training.trained_steps >= steps  # the block under way when training paused counts
    assert not window.toasts.shown


def test_the_toast_of_a_reset_leaves_where_undo_would_take_back_something_else(window, qtbot):
    controllers = window.controllers
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 5)
    controllers.training.pause()
    reset_training(window, window.controllers)
    assert len(window.toasts.shown) == 1
    window.state.edit({"sampling.particles": 7})
    window.toasts.review()
    assert not window.toasts.shown
    window.state.undo()
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert controllers.training.trained_steps > 5


def test_closing_with_unsaved_work_asks_and_cancel_keeps_the_window(window, qtbot):
    window.state.edit({"sampling.seed": 4})
    assert window.windowTitle().startswith("• ")
    asked = []

    def cancel():
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            asked.append(box.text())
            box.button(QMessageBox.StandardButton.Cancel).click()
        else:  # a busy machine asks later
            QTimer.singleShot(50, cancel)

    window.close()
    QTimer.singleShot(50, cancel)
    qtbot.waitUntil(lambda: bool(asked))
    assert window.isVisible()


def test_escape_leaves_full_screen_where_nothing_else_is_to_be_cleared(window, qtbot):
    controllers = window.controllers
    toggle_full_screen(window)
    assert window.isFullScreen()
    controllers.clicking.inspect((0.5, 0.2))
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not controllers.jobs.running("likelihood")
    controllers.clicking.inspect((0.5, 0.2))
    qtbot.waitUntil(lambda: controllers.clicking.likelihood is not None)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert controllers.clicking.likelihood is None
    assert window.isFullScreen()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isFullScreen()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isFullScreen()


def test_closing_without_work_asks_nothing(own_window):
    window = own_window
    window.close()
    assert not window.isVisible()
    assert window.ended


def test_closing_during_a_save_waits_for_the_file(own_window, qtbot, tmp_path):
    window = own_window
    qtbot.waitUntil(lambda: not window.controllers.building.busy)
    window.documents.path = tmp_path / "x.spg"
    window.documents.save()
    window.close()
    assert window.isVisible()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert window.documents.path.exists()


def test_closing_during_a_save_that_fails_keeps_the_window(window, qtbot, tmp_path, monkeypatch):
    # On a busy machine the save has failed before the window asks.
    monkeypatch.setattr(FilePrompts, "save_or_discard", lambda self, name: None)
    qtbot.waitUntil(lambda: not window.controllers.building.busy)
    window.documents.path = tmp_path / "gone" / "x.spg"
    window.documents.save()
    window.close()
    qtbot.waitUntil(lambda: not window.documents.saving)
    wait(milliseconds=100)
    assert window.isVisible()
    assert window.state.modified


def test_pressing_close_again_during_a_save_asks_no_more_often(own_window, qtbot, tmp_path, monkeypatch):
    window = own_window
    qtbot.waitUntil(lambda: not window.controllers.building.busy)
    asked = []
    monkeypatch.setattr(FilePrompts, "save_or_discard", lambda prompts, name: (asked.append(1), False)[1])
    window.documents.path = tmp_path / "x.spg"
    window.documents.save()
    window.close()
    window.close()
    window.state.edit({"sampling.seed": 4})
    wait(milliseconds=20)
    qtbot.waitUntil(lambda: not window.isVisible())
    assert asked == [1]


def test_an_experiment_whose_data_are_gone_shows_no_others(window, qtbot, tmp_path):
    gone, drawn = tmp_path / "gone.toml", window.canvas
    gone.write_text('data.kind = "images"\ndata.path = "nowhere"\n')
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        window.opening.open(gone)
    assert "nowhere does not exist" in str(window.controllers.state.failure)
    assert window.controllers.state.problem is None
    assert window.controllers.playing.trajectory is None
    qtbot.waitUntil(lambda: drawn.scene(10, 10).hint == "There are no data yet.")
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        window.state.edit({"data.kind": "rings"})
    assert drawn.scene(10, 10).hint == ""


def test_layout_comes_back(qtbot, tmp_path):
    sizes: list[int] = []
    for turn in range(2):
        preferences = Preferences(tmp_path / "settings.ini")
        if turn == 0:
            preferences.set("all_cards", True)
        window = MainWindow(preferences, Log(), device="cpu")
        assert window.look.all_cards
        if turn == 0:
            window.show()
            window.resize(1366, 707)  # both columns have room
            window.columns.setSizes([333, 450, 326])
            window.panels[0].set_folded(True)
        else:
            window.show()
            assert window.height() == 707
            window.resize(1366, 707)  # the offscreen screen is small
            wait()
            assert not window.columns.joined
            assert window.columns.sizes()[0] == sizes[0]
            assert window.panels[0].is_folded()
        sizes = window.columns.sizes()
        window.leave()
        window.deleteLater()


def test_a_reset_window_is_as_at_its_first_start_and_keeps_the_work(window, qtbot, tmp_path):
    settings, controllers, state = window.preferences, window.controllers, window.state
    window.tools._add_stroke([(0.0, 0.0), (1.0, 1.0)], 0.2)
    controllers.training.start()
    qtbot.waitUntil(lambda: controllers.training.trained_steps > 0)
    controllers.training.pause()
    qtbot.waitUntil(lambda: not controllers.training.is_resting)  # the block that ran at the pause counts too
    settings.set("video", VideoChoice(width=640, height=360))
    settings.add_recent(tmp_path / "a.spg")
    window.look.set_theme("light")
    window.columns.setSizes([400, window.width() - 730, 330])
    for panel in window.panels:
        panel.hide_advanced()
        panel.set_folded(True)
    window.panel(TrainingPanel).disclosure.setChecked(True)
    toggle_full_screen(window)
    work = (
        state.experiment,
        controllers.training.trained_steps,
        controllers.state.problem,
        state.modified,
        state.stack.undoText(),
    )
    window.actions_by_key.trigger("view.reset")
    assert (
        state.experiment,
        controllers.training.trained_steps,
        controllers.state.problem,
        state.modified,
        state.stack.undoText(),
    ) == work
    assert state.experiment.data.strokes
    assert QApplication.activeModalWidget() is None
    qtbot.waitUntil(lambda: not window.look.restyling.running)
    room = window.screen().availableGeometry()
    assert not window.isFullScreen()
    assert (window.width(), window.height()) == (
        min(max(room.width() - FRAME[0], SMALLEST[0]), FIRST[0]),
        min(max(room.height() - FRAME[1], SMALLEST[1]), FIRST[1]),
    )
    assert theme.palette().name == "dark"
    assert not any(panel.is_folded() for panel in window.panels)
    assert not window.look.all_cards
    assert not window.panel(TrainingPanel).disclosure.isChecked()
    qtbot.waitUntil(lambda: window.columns.sizes()[::2] == [COLUMNS[0], 0])
    kept = Preferences(tmp_path / "settings.ini")  # the file, as another start would read it
    assert {key: kept.get(key) for key in KEYS if key not in ("geometry", "columns")} == {
        key: default for key, (_, default) in KEYS.items() if key not in ("geometry", "columns")
    }
    assert window.documents.recent() == []


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (1024, 600)])
def test_what_toasts_say_is_read_whole_and_takes_no_click_from_the_canvas_nor_from_a_control(window, qtbot, size):
    window.resize(*size)
    window.notices.notify("error", 'measured.csv, line 62: "oops" is not a number; correct it or remove the line.')
    window.log.failed.emit("Something went wrong (ValueError: an example). Your work is kept; the log has the details.")
    assert len(window.toasts.shown) == 2
    toast, surface = window.toasts.shown[0], window.canvas.surface
    parts = [surface, window.top_bar.menu, *window.findChildren(QAbstractButton)]
    others = [part for part in parts if window.isAncestorOf(part) and not window.toasts.isAncestorOf(part)]

    def covered() -> list[str]:
        shown = {
            part: part.visibleRegion().boundingRect() for part in others if part.isVisible()
        }  # not what is scrolled
        places = {part: QRect(part.mapTo(window, shape.topLeft()), shape.size()) for part, shape in shown.items()}
        return [part.accessibleName() for part, place in places.items() if place.intersects(window.toasts.geometry())]

    wait(lambda: toast.label.height() >= toast.label.heightForWidth(toast.label.width()))
    wait(lambda: not covered() and window.rect().contains(window.toasts.geometry()))
    with qtbot.waitSignal(window.canvas.picking.picked):
        QTest.mouseClick(window.windowHandle(), LEFT, pos=surface.mapTo(window, QPoint(surface.width() - 100, 20)))


def test_an_error_in_the_program_is_a_toast_with_the_log_to_copy(window):
    window.log.add("a line of the log")
    window.log.failed.emit("Something went wrong (ValueError: x). Your work is kept; the log has the details.")
    (toast,) = window.toasts.shown
    toast.button.click()
    assert "a line of the log" in QApplication.clipboard().text()


def test_a_view_stays_through_the_first_change_after_opening(window):
    """The same data under other noise are not other data."""
    before = window.controllers.state.problem
    window.state.mark_saved()
    window.opening.open(resource("checkpoints/two-moons.spg"))
    wait(lambda: window.controllers.state.problem is not before)
    bounds = window.controllers.state.problem.bounds
    window.canvas.fit((0.0, 1.0, 0.0, 1.0))
    chosen = window.canvas.viewport
    window.state.edit({"noise.sigma_max": 9.0})
    wait(lambda: window.controllers.state.problem.sigma_max == 9.0)
    assert window.controllers.state.problem.bounds == bounds  # the points are those of the file
    assert window.canvas.viewport == chosen


def test_other_data_far_from_the_origin_come_into_view(window, tmp_path):
    """A hair is measured by the data's width, not by how far from the origin they lie."""
    points = np.random.default_rng(0).normal(size=(500, 2))
    for folder, offset in (("a", 1e6), ("b", 1e6 + 60)):
        (tmp_path / folder).mkdir()
        np.savetxt(tmp_path / folder / "p.csv", points + offset, delimiter=",", header="x,y", comments="")
        window.state.mark_saved()
        window.opening.open(tmp_path / folder / "p.csv")
        wait(lambda offset=offset: abs(sum(window.controllers.state.problem.bounds[:2]) / 2 - offset) < 5)
        x0, x1, y0, y1 = window.canvas.viewport
        assert x0 < offset < x1
        assert y0 < offset < y1


def test_no_diagnostic_outlives_the_data_it_is_about(window, qtbot, tmp_path):
    """Nor do the noise levels that were chosen for them."""
    path = tmp_path / "far.csv"
    generator = np.random.default_rng(0)
    np.savetxt(
        path, np.concatenate([generator.normal(size=(300, 2)), generator.normal(size=(300, 2)) + 60]), delimiter=","
    )
    card = window.panel(NoisePanel)
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        window.controllers.reading.open_points(str(path))
    window.state.edit({"noise.sigma_max": 5.0})
    qtbot.waitUntil(lambda: "Raise σ max" in card.notice.text.text())
    assert card.notice.buttons
    window.state.edit({"data.kind": "drawn"})
    assert not card.notice.isVisible()  # at once: other data are on their way
    qtbot.waitUntil(lambda: window.controllers.state.problem is None)
    assert not card.notice.isVisible()
    assert card.levels.rows["noise.sigma_max"].number_of("noise.sigma_min") is None
    assert len(card.chart.sigmas) == 0


def test_an_empty_drawing_is_the_reason_in_menus_keys_and_buttons(window, qtbot):
    with qtbot.waitSignal(window.controllers.state.problem_changed):
        window.state.edit({"data.kind": "drawn"})
    why = worded(training_conflict(window.state.experiment))
    assert why.startswith("Nothing is drawn yet")
    for key in ("density_map", "test_set", "samples", "errors"):
        action = window.actions_by_key[f"measure.{key}"]
        assert not action.isEnabled()
        assert action.toolTip() == f"<p>{why}</p>"
    quality, likelihood = window.panel(QualityPanel), window.panel(LikelihoodPanel)
    for button in (quality.buttons["fisher"], quality.buttons["quality"], likelihood.map, likelihood.test):
        assert button.toolTip() == f"<p>{why}</p>"
    assert not window.transport.restart.isEnabled()
    window.toasts.settle()
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_D)
    assert [toast.sentence for toast in window.toasts.shown] == [why]
    window.state.undo()
    qtbot.waitUntil(lambda: window.actions_by_key["measure.density_map"].isEnabled())
    assert window.transport.restart.isEnabled()


def test_another_divergence_measures_the_clicked_point_anew(window, qtbot):
    with qtbot.waitSignal(window.controllers.clicking.likelihood_changed):
        window.controllers.clicking.inspect((0.0, 1.0))
    before = window.controllers.clicking.likelihood
    window.state.edit({"likelihood.trace": "hutchinson", "likelihood.trace_probes": 8, "likelihood.probes": "gaussian"})
    qtbot.waitUntil(lambda: window.controllers.clicking.likelihood not in (None, before))
    assert window.controllers.clicking.likelihood.flow.standard_error > 0


def test_a_failed_export_is_told_in_its_dialog_alone(window, qtbot, tmp_path):
    window.exports.picture()
    dialog = window.exports.dialog
    (tmp_path / "taken.png").mkdir()
    for name in ("taken.png", 300 * "n" + ".png"):
        dialog.form.path.setText(str(tmp_path / name))
        with qtbot.waitSignal(window.exports.failed):
            dialog.start_button.click()
        assert "cannot be written" in dialog.failure
        assert not window.toasts.shown
    window.exports.in_dialog = False
    window.exports.failed.emit("Another export is still running.")  # of which the dialog says nothing
    assert [toast.sentence for toast in window.toasts.shown] == ["Another export is still running."]
    dialog.close()


def test_a_window_that_is_closed_right_after_its_first_paint_starts_nothing(bare_window, qtbot):
    bare_window.show()
    bare_window.canvas.surface.grab()
    bare_window.leave()
    qtbot.wait(50)
    assert not bare_window.controllers.sampling.threads.busy
