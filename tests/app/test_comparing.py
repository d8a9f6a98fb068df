"""Compare: columns in lockstep on one Brownian path, linked views, and the chart of their distances."""

import functools
import json

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetrics, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from playground.app.canvas.column_head import ONE_ROW
from playground.app.canvas.readouts import vector
from playground.app.canvas.run_views import EQUAL
from playground.app.controllers import comparing as comparing_module
from playground.app.controllers import training as training_module
from playground.app.controllers import why_disabled
from playground.app.controllers.sampling_worker import SamplingWorker
from playground.app.model.live_training import LiveTraining
from playground.app.panels import DataPanel, LikelihoodPanel, ParticlePanel, RunsPanel, likelihood, particle
from playground.app.panels.training import TrainingPanel
from playground.app.style.number_formats import format_measured
from playground.app.widgets.charts import saving
from playground.drawing.frames import Style, write_film
from playground.drawing.side_by_side import SideBySide
from playground.lab import sampling as sampling_module
from playground.lab.columns import Column
from playground.lab.compute import result
from playground.lab.experiment import ExperimentError, replace
from playground.lab.lessons import load as lesson_of
from playground.lab.lessons import load_all
from playground.lab.pinned_run import PinnedRun
from playground.lab.sampling import sample
from playground.user_errors import UserError
from tests.app.conftest import is_sampled, pinned_run, wait

ADDED = "Noise added on the way is from one Brownian path."
SAME_NOISE = f"All columns begin with the same noise. {ADDED}"


@pytest.fixture
def window(window):
    """A window that compares nothing, on an exact score."""
    window.state.edit({"sampling.source": "exact"})
    wait(lambda: window.playing.recorded > 5)
    return window


def compared(window, *columns: Column):
    """The comparison of these columns, sampled to the end and at rest."""
    comparing = window.controllers.comparing
    window.controllers.column_edits.begin(columns)
    wait(lambda: ready(comparing))
    assert ready(comparing)
    window.playing.set_playing(False)
    return comparing


def ready(comparing) -> bool:
    """Whether the runs of all columns are there, each ended or refused."""
    runs = comparing.runs
    current = [run.column for run in runs] == list(comparing.columns)
    return current and is_sampled(comparing)


def positions(window, place: int) -> np.ndarray:
    return window.run_views.views[place].canvas.scene(400, 400).particles.positions


def test_a_key_begins_and_ends_it_and_the_experiment_stays(window) -> None:
    experiment, steps = window.state.experiment, window.state.stack.count()
    window.canvas.setFocus()
    QTest.keyClick(window.canvas.surface, Qt.Key.Key_C)
    comparing = window.controllers.comparing
    assert comparing.is_active
    assert len(window.run_views.views) == 2
    assert window.run_views.leave.isVisible()
    assert window.run_views.views[0].head.isVisible()
    wait(lambda: ready(comparing))
    assert [run.failure for run in comparing.runs] == [None, None]
    assert comparing.runs[0].experiment == experiment
    assert comparing.runs[1].experiment.sampling.kind != experiment.sampling.kind
    assert window.actions_by_key["sample.compare"].isChecked()
    assert window.actions_by_key["file.export_video"].isEnabled()
    QTest.keyClick(window.run_views.views[0].canvas.surface, Qt.Key.Key_C)
    assert not comparing.is_active
    assert window.run_views.views[0].canvas is window.canvas
    assert not window.run_views.leave.isVisible()
    assert not window.run_views.views[0].head.isVisible()
    assert (window.state.experiment, window.state.stack.count()) == (experiment, steps + 2)


def heads(window) -> list[str]:
    """What the columns in view say, once they are sampled; none if the main canvas is in view."""
    comparing = window.controllers.comparing
    wait(lambda: not comparing.is_active or ready(comparing))
    row = window.run_views
    assert (row.leave.isVisible(), row.said.isVisible()) == (comparing.is_active, comparing.is_active)
    assert window.canvas.isVisible()
    assert comparing.columns == window.state.document.columns
    return [view.head.button.words() for view in row.views if view.head.isVisible()]


def test_each_change_of_columns_is_a_step_of_the_history(window) -> None:
    state, comparing = window.state, window.controllers.comparing
    experiment, first = state.experiment, state.stack.index()
    window.controllers.column_edits.begin((Column(), Column.of({"sampling.steps": 20})))
    for change in (
        lambda: window.controllers.column_edits.add(),
        lambda: window.controllers.column_edits.put(1, comparing.columns[1]),  # no change
        lambda: window.controllers.column_edits.put(1, Column.of({"sampling.steps": 30, "sampling.kind": "edm"})),
        lambda: window.controllers.column_edits.remove(0),
        lambda: window.controllers.column_edits.leave(),
    ):
        heads(window)
        change()
    assert [state.stack.text(place) for place in range(first, state.stack.count())] == [
        "Compare",
        "Add a column",
        "Column B: steps 30, EDM",
        "Remove a column",
        "Leave the comparison",
    ]
    assert state.redo_text is None
    assert state.undo_text == "leaving the comparison"
    seen = []
    for _ in range(5):
        state.undo()
        seen.append(heads(window))
    third = seen[0][1]
    assert seen == [
        ["steps 30, EDM sampler", third],
        ["steps 60, Reverse SDE", "steps 30, EDM sampler", third],
        ["steps 60, Reverse SDE", "steps 20", third],
        ["steps 60", "steps 20"],
        [],
    ]
    again = []
    for _ in range(5):
        state.redo()
        again.append(heads(window))
    assert again == [*seen[-2::-1], []]
    assert state.experiment == experiment
    wait(lambda: window.controllers.jobs.idle)
    assert window.controllers.jobs.idle  # nothing of the columns goes on


def test_an_empty_drawing_ends_it_and_undo_brings_both_back(window) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.steps": 20}))
    place = window.state.stack.index()
    window.state.edit({"data.kind": "drawn"})  # whose brush needs the main canvas
    assert heads(window) == []
    assert window.state.stack.index() == place + 1
    window.state.undo()
    wait(lambda: comparing.is_active)  # when there are data again
    assert heads(window) == ["steps 60", "steps 20"]
    assert [run.failure for run in comparing.runs] == [None, None]


def test_equal_columns_have_identical_particles(window) -> None:
    comparing = compared(window, Column(), Column())
    one, other = (run.trajectory.positions for run in comparing.runs)
    assert np.array_equal(one, other)
    assert len(one) > 10


def test_cards_offer_only_the_clicks_that_columns_take(window) -> None:
    hints = [window.panel(card).hint for card in (LikelihoodPanel, ParticlePanel)]
    before = [hint.text() for hint in hints]
    assert ["lick" in said for said in before] == [True, True]
    compared(window, Column(), Column.of({"sampling.steps": 20}))
    surface = window.run_views.views[0].canvas.surface
    QTest.mouseClick(surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, surface.rect().center())
    assert window.controllers.clicking.likelihood is None
    assert [hint.text() for hint in hints] == [likelihood.COMPARED, particle.COMPARED]
    assert "likelihood" not in surface.accessibleDescription()
    window.state.edit({"sampling.steps": 31})
    assert hints[0].text() == likelihood.COMPARED
    window.controllers.column_edits.leave()
    assert [hint.text() for hint in hints] == before


def test_the_main_run_is_seen_at_the_share_of_the_columns_after_a_comparison(window) -> None:
    playing = window.controllers.playing
    compared(window, Column(), Column.of({"sampling.steps": 20}))
    playing.set_playing(False)
    wait(lambda: playing.recorded == playing.total)
    playing.seek(round(0.5 * (playing.total - 1)))
    window.controllers.column_edits.leave()
    assert playing.share == pytest.approx(0.5, abs=0.05)


def test_what_belongs_to_the_main_run_alone_comes_back_after_a_comparison(window) -> None:
    brush, canvas, clicking = window.panel(DataPanel).brush, window.canvas, window.controllers.clicking
    clicking.inspect((0.3, 0.2))
    wait(lambda: canvas.shown().path is not None)
    brush.setChecked(True)
    assert (canvas.brush.is_on, canvas.shown().path is not None) == (True, True)
    window.controllers.column_edits.begin()
    assert (canvas.brush.is_on, canvas.shown().path is not None) == (False, False)
    assert canvas.surface.accessibleName() == "Canvas of column A"
    window.controllers.column_edits.leave()
    assert (canvas.brush.is_on, canvas.shown().path is not None) == (True, True)
    assert canvas.surface.accessibleName() == "Canvas"


def test_each_column_offers_the_menu_of_the_canvas(window, connect) -> None:
    compared(window, Column(), Column.of({"sampling.steps": 20}))
    asked: list[QPoint] = []
    connect(window.run_views.menu_requested, asked.append)
    for view in window.run_views.views:
        view.canvas.surface.menu_requested.emit(QPoint(view.place, 5))
        QApplication.activePopupWidget().close()
    assert asked == [QPoint(0, 5), QPoint(1, 5)]


def test_alt_click_in_a_column_follows_the_particle_with_the_same_start_in_all(window) -> None:
    comparing, inspecting = compared(window, Column(), Column.of({"sampling.steps": 20})), window.controllers.inspecting
    card = window.panel(ParticlePanel)
    card.set_folded(False)
    starts = [run.trajectory.positions[0] for run in comparing.runs]
    np.testing.assert_array_equal(*starts)
    window.playing.seek(window.playing.total // 2)
    wait(lambda: window.playing.frame == window.playing.total // 2)
    column, run = window.run_views.views[1], comparing.runs[1]
    frame = run.frame_at(window.playing.frame, window.playing.total)
    x0, x1, y0, y1 = column.canvas.viewport
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    wait(lambda: np.array_equal(positions(window, 1), run.trajectory.positions[frame]))
    number = int(np.linalg.norm(positions(window, 1) - middle, axis=1).argmin())
    x, y = column.canvas.plane().to_painter(positions(window, 1)[number]).tolist()
    at = QPoint(round(x), round(y))
    QTest.mouseClick(column.canvas.surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier, at)
    assert (inspecting.number, inspecting.place) == (number, 1)

    def shown(place: int):
        return window.run_views.views[place].canvas.scene(400, 400).followed

    wait(lambda: all(ring is not None and len(ring.terms) == 3 for ring in map(shown, (0, 1))))
    for place, run in enumerate(comparing.runs):
        frame, way = (
            run.frame_at(window.playing.frame, window.playing.total),
            np.float64(run.trajectory.positions[:, number]),
        )
        np.testing.assert_array_equal(shown(place).positions, way[: frame + 1])
        np.testing.assert_allclose(sum(term for term, _ in shown(place).terms), way[frame + 1] - way[frame], atol=1e-6)
    steps = [one.particle.step.score for one in window.controllers.following.in_view]
    assert not np.allclose(*steps)
    assert card.score.text() == vector(steps[1])
    frame = comparing.runs[1].frame_at(window.playing.frame, window.playing.total)
    assert card.header.state == f"B · {number} · step {frame}"
    far = QPoint(3, column.canvas.surface.height() - 3)
    QTest.mouseClick(column.canvas.surface, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier, far)
    assert inspecting.number is None
    assert shown(0) is shown(1) is None


def test_the_main_run_is_not_pinned_while_it_is_out_of_view(window) -> None:
    command, pinning, button = (
        window.actions_by_key["sample.pin"],
        window.controllers.pinning,
        window.panel(RunsPanel).pin,
    )
    window.controllers.sampling.restart(False)
    window.playing.seek(10**9)
    wait(lambda: button.isEnabled())
    assert button.isEnabled()
    window.controllers.column_edits.begin()
    assert not button.isEnabled()
    assert not command.isEnabled()
    assert "leave the comparison first" in button.toolTip().replace("\n", " ")
    QTest.keyClick(window.run_views.views[0].canvas.surface, Qt.Key.Key_K)
    assert not pinning.runs
    window.controllers.column_edits.leave()
    assert why_disabled.pinning(window.controllers) != why_disabled.COMPARED
    assert button.isEnabled() == (pinning.finished is not None)


def test_columns_play_in_lockstep_at_one_share_of_their_ways(window) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.steps": 20}), Column.of({"sampling.steps": 90}))
    lengths = [len(run.trajectory) for run in comparing.runs]
    assert window.playing.total == max(lengths)
    for share in (0.0, 0.5, 1.0):
        frame = round(share * (window.playing.total - 1))
        window.playing.seek(frame)
        own = [round(frame / (window.playing.total - 1) * (length - 1)) for length in lengths]
        expected = [run.trajectory.positions[at] for run, at in zip(comparing.runs, own, strict=True)]

        def shown(expected=expected) -> bool:
            return all(np.array_equal(positions(window, place), points) for place, points in enumerate(expected))

        wait(shown)  # arrows of this noise level may be waited for
        assert shown()
    starts = [run.trajectory.positions[0] for run in comparing.runs]
    assert all(np.array_equal(starts[0], start) for start in starts[1:])


def test_pan_and_zoom_are_linked(window) -> None:
    compared(window, Column(), Column.of({"sampling.steps": 20}))
    first, second = (view.canvas for view in window.run_views.views)
    before = first.surface.wanted
    middle = QPointF(first.surface.rect().center())
    QApplication.sendEvent(
        first.surface,
        QWheelEvent(
            middle,
            first.surface.mapToGlobal(middle),
            QPoint(),
            QPoint(0, 240),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )
    assert first.surface.wanted != before
    assert second.surface.wanted == window.canvas.surface.wanted == first.surface.wanted
    second.setFocus()
    QTest.keyClick(second.surface, Qt.Key.Key_Left)
    assert first.surface.wanted == second.surface.wanted
    moved = second.surface.wanted
    window.resize(1400, 800)
    wait(milliseconds=50)
    assert first.surface.wanted == moved  # another shape is no other view
    window.resize(1280, 720)
    window.canvas.fit()


def test_columns_begin_alike_and_in_the_order_of_tabs(window) -> None:
    """Nothing of an earlier comparison, or of the run that was followed, is left in the first one."""
    window.canvas.fit((-7.0, 7.0, -7.0, 7.0))
    compared(window)
    window.controllers.column_edits.leave()
    window.controllers.inspecting.follow(3)
    wait(lambda: window.canvas.scene(100, 100).followed is not None)
    window.controllers.column_edits.begin()
    assert window.canvas.scene(100, 100).followed is None
    first, second = window.run_views.views
    assert (first.head.cost.text(), second.head.cost.text()) == (" ", " ")
    assert first.canvas.surface.range.fitted == second.canvas.surface.range.fitted
    found, following = [], first.canvas.surface
    while len(found) < 3:
        following = following.nextInFocusChain()
        if following.focusPolicy() & Qt.FocusPolicy.TabFocus and following.isEnabled():
            found.append(following)
    assert found == [second.head.button, second.head.remove, second.canvas.surface]


def test_columns_come_and_go_between_two_and_four(window) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.steps": 20}))
    assert not window.run_views.views[0].head.remove.isVisible()
    for count in (3, 4):
        QTest.mouseClick(window.run_views.add, Qt.MouseButton.LeftButton)
        wait(lambda count=count: len(window.run_views.views) == count and ready(comparing))
    kinds = [dict(column.edits).get("sampling.kind") for column in comparing.columns]
    assert len(set(kinds[1:])) == 3
    assert not window.run_views.add.isEnabled()
    window.controllers.column_edits.add()
    assert len(comparing.columns) == 4
    QTest.mouseClick(window.run_views.views[1].head.remove, Qt.MouseButton.LeftButton)
    wait(lambda: len(window.run_views.views) == 3)
    assert [dict(column.edits).get("sampling.kind") for column in comparing.columns] == [kinds[0], *kinds[2:]]


def test_a_columns_noise_does_not_change_when_others_come(window) -> None:
    """The path is a function of the seed and the time, whatever the times of the other columns are."""
    shared = Column.of({"sampling.kind": "reverse-sde", "sampling.steps": 12})
    others = (
        Column(),
        Column.of({"sampling.kind": "reverse-sde", "sampling.steps": 31}),
        Column.of({"sampling.kind": "edm"}),
    )
    two = compared(window, shared, others[0]).runs[0].trajectory.positions.copy()
    window.controllers.column_edits.leave()
    four = compared(window, shared, *others).runs[0].trajectory.positions
    assert two.shape == four.shape
    assert np.array_equal(two, four)


def test_the_heads_menu_chooses_what_differs(window) -> None:
    comparing = compared(window, Column(), Column())
    view = window.run_views.views[1]
    assert view.head.button.words() == "main settings"
    view.head.menu.aboutToShow.emit()
    titles = {action.text(): action.menu() for action in view.head.menu.actions() if action.menu() is not None}
    assert {"Sampler", "Steps", "Score", "Solver", "Time grid", "Noise", "Objective", "Network"} <= titles.keys()
    chosen = next(action for action in titles["Solver"].actions() if action.text() == "ShARK")
    chosen.trigger()
    wait(lambda: ready(comparing))
    assert comparing.columns[1] == Column.of({"sampling.solver": "shark"})
    assert view.head.button.words() == "ShARK"
    assert view.head.button.accessibleName() == "Column B: ShARK"
    assert comparing.runs[1].trajectory.nfe_max[-1] > 1.9 * comparing.runs[0].trajectory.nfe_max[-1] - 2


@pytest.mark.parametrize(("equal", "solver"), [("evaluations", "heun"), ("steps", "shark")])
def test_evaluations_or_steps_are_equal_where_that_is_chosen(window, equal: str, solver: str) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.solver": solver, "sampling.steps": 100}))
    place = [key for key, _, _ in EQUAL].index(equal)
    window.run_views.equal.setCurrentIndex(place)
    window.run_views.equal.activated.emit(place)
    before = comparing.runs
    wait(lambda: comparing.runs is not before and ready(comparing))
    one, other = (run.trajectory for run in comparing.runs)
    if equal == "steps":
        assert one.steps == other.steps
    else:
        assert 0 <= one.nfe_max[-1] - other.nfe_max[-1] <= 2


def made_equal(window, equal: str, *columns: Column):
    """The comparison of these columns with that chosen to be equal."""
    comparing = compared(window, *columns)
    before = comparing.runs
    comparing.set_equal(equal)
    wait(lambda: comparing.runs is not before and ready(comparing))
    return comparing


ADAPTIVE = Column.of({"sampling.kind": "probability-flow", "sampling.solver": "adaptive"})
HEUN = Column.of({"sampling.kind": "probability-flow", "sampling.solver": "heun", "sampling.steps": 33})


@pytest.mark.parametrize("equal", ["evaluations", "steps"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_column_with_steps_of_its_own_says_that_it_is_not_made_equal(window, equal: str, place: int) -> None:
    columns = [HEUN, HEUN]
    columns[place] = ADAPTIVE
    comparing = made_equal(window, equal, *columns)
    other = comparing.runs[1 - place]
    assert other.experiment.sampling.steps == 33
    assert other.trajectory.nfe_max[-1] != comparing.runs[place].trajectory.nfe_mean[-1]
    said = ("Nothing is made equal to column A", "Column B is not made equal")[place]
    assert window.run_views.said.text() == f"⚠ {said}: each of its particles takes steps of its own."
    before = comparing.runs
    comparing.set_equal("own")
    wait(lambda: comparing.runs is not before and ready(comparing))
    assert window.run_views.said.text() == SAME_NOISE


def test_a_column_that_costs_more_than_the_budget_says_so(window) -> None:
    few = Column.of({"sampling.kind": "probability-flow", "sampling.solver": "euler", "sampling.steps": 2})
    costly = Column.of({"sampling.kind": "reverse-sde", "sampling.steps": 50, "sampling.corrector_steps": 9})
    comparing = made_equal(window, "evaluations", few, costly)
    one, other = (run.trajectory.nfe_max[-1] for run in comparing.runs)
    assert other > one
    said = f"⚠ Column B needs at least {other:,.0f} score evaluations, more than the {one:,.0f} of column A."
    assert window.run_views.said.text() == said
    assert window.run_views.said.y() < window.run_views.equal.y()  # in a row of its own


def test_a_sampler_without_a_score_has_no_evaluations_to_be_made_equal(window) -> None:
    made_equal(window, "evaluations", HEUN, Column.of({"sampling.kind": "forward"}))
    assert window.run_views.said.text() == "⚠ Column B is not made equal: its sampler evaluates no score."


def test_a_web_page_shows_what_the_window_shows_of_each_column(window, tmp_path) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.steps": 20}))
    wait(lambda: all(run.curve is not None for run in comparing.runs))
    result(window.exported.web_page().write(tmp_path / "run.html"))
    text = (tmp_path / "run.html").read_text("utf-8")
    columns = json.loads(text.partition('id="shown">')[2].partition("</script>")[0])["columns"]
    assert [(one["letter"], one["title"]) for one in columns] == [("A", "steps 60"), ("B", "steps 20")]
    chart = window.run_views.chart
    for column, run, series in zip(columns, comparing.runs, chart.series[1:], strict=True):
        last, cost = column["runs"][0], run.trajectory.nfe_mean[-1]
        assert last["captions"][-1][-1] == f"{cost:.0f} evaluations"
        places = zip((chart.chart.x, chart.chart.y), (cost, series.y[-1]), strict=True)
        assert last["places"][-1] == pytest.approx([float(axis.place(at)) for axis, at in places], abs=1e-4)
        assert f">{series.legend}<" in text
    assert window.run_views.said.text() in text


def test_distances_are_charted_against_evaluations_and_go_to_csv(window, tmp_path) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.steps": 20}))
    wait(lambda: all(run.curve is not None for run in comparing.runs))
    chart = window.run_views.chart
    assert [one.name for one in chart.series] == ["floor", "A", "B"]
    for run, series in zip(comparing.runs, chart.series[1:], strict=True):
        assert series.x[-1] == run.trajectory.nfe_mean[-1]
        assert series.y[0] > 3 * series.y[-1]
    floor, spread = comparing.runs[0].curve.floor, comparing.runs[0].curve.floor_std
    assert 0 < spread < floor
    assert list(chart.series[0].error) == [spread, spread]
    assert chart.series[0].legend == f"floor {format_measured(floor, spread, 2)}"
    low, high = sorted((chart.chart.y.low, chart.chart.y.high))
    assert low < floor - spread
    assert floor + spread < high
    assert window.exported.drawn().chart.chart.series[0].error is not None
    path = tmp_path / "distances.csv"
    saving.save(chart, path)
    rows = path.read_text().splitlines()
    assert rows[0] == "series,evaluations,sliced W₂ to the data,standard error"
    assert {row.split(",")[0] for row in rows[1:]} == {"floor", "A", "B"}


def test_a_column_that_cannot_be_sampled_says_why_and_the_others_go_on(window) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.corrector_steps": 2, "sampling.kind": "langevin"}))
    assert comparing.runs[0].finished
    assert comparing.runs[1].failure.code == "setting-of-another-kind"
    assert window.run_views.views[1].canvas.scene(300, 300).hint


def test_a_changed_main_experiment_changes_every_column(window) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.solver": "heun"}))
    before = comparing.runs
    window.state.edit({"sampling.steps": 31})
    wait(lambda: comparing.runs is not before and ready(comparing))
    assert [run.trajectory.steps for run in comparing.runs] == [32, 32]
    window.state.undo()


def test_columns_stay_when_the_main_sampler_becomes_another(window) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.solver": "heun"}))
    before = comparing.runs
    window.state.edit({"sampling.kind": "langevin"})
    wait(lambda: comparing.runs is not before and ready(comparing))
    assert comparing.runs[0].experiment.sampling.kind == "langevin"
    assert comparing.runs[1].failure is not None
    window.run_views.views[1].head.menu.aboutToShow.emit()
    before = comparing.runs
    window.state.undo()
    wait(lambda: comparing.runs is not before and ready(comparing))
    assert [run.failure for run in comparing.runs] == [None, None]


def test_columns_that_became_the_same_say_so(window) -> None:
    kind = "annealed-langevin"
    comparing = compared(window, Column(), Column.of({"sampling.kind": kind}), Column.of({"sampling.steps": 20}))
    assert window.run_views.said.text() == SAME_NOISE
    before = comparing.runs
    window.state.edit({"sampling.kind": kind})
    wait(lambda: comparing.runs is not before and ready(comparing))
    assert np.array_equal(*(run.trajectory.positions for run in comparing.runs[:2]))
    assert window.run_views.said.text() == "⚠ Columns A and B do the same: choose in a head what it changes."
    before = comparing.runs
    window.state.undo()
    wait(lambda: comparing.runs is not before and ready(comparing))
    assert window.run_views.said.text() == SAME_NOISE


def test_a_time_grid_that_is_written_and_found_alike_is_the_same(window) -> None:
    grid = window.state.model.problem.resolve().sampling.time_grid
    assert window.state.experiment.sampling.time_grid == "auto" != grid
    compared(window, Column(), Column.of({"sampling.time_grid": grid}))
    assert "A and B do the same" in window.run_views.said.text()


@pytest.mark.parametrize("shown", ["lesson", "scene"])
def test_it_makes_way_for_a_lesson_and_a_scene_and_comes_back(window, connect, shown: str) -> None:
    comparing, building = compared(window, Column(), Column.of({"sampling.steps": 20})), window.building
    place, own, seen = window.state.stack.index(), window.state.model.training, []
    connect(comparing.changed, lambda: seen.extend(comparing.runs))
    if shown == "lesson":
        lessons = window.controllers.lessons
        lessons.begin(next(iter(load_all().values())))
        wait(lambda: window.state.model.training is not own and not building.busy)
        assert heads(window) == []
        window.controllers.column_edits.begin()  # within the lesson, whose next step has another document
        assert len(heads(window)) == 2
        seen.clear()
        lessons.go(1)
    else:
        window.controllers.lessons.begin(next(iter(load_all("scenes").values())))
        wait(lambda: window.state.model.training is not own and not building.busy)
    assert heads(window) == []
    window.controllers.lessons.leave()
    assert heads(window) == ["steps 60", "steps 20"]
    assert window.state.stack.index() == place
    assert seen  # and none is of the lesson's data
    assert {id(run.model.problem.dataset) for run in seen} == {id(own.trainer.problem.dataset)}


def test_a_step_without_settings_ends_it_and_undo_goes_back_through_the_lesson(window, tmp_path) -> None:
    path, state = tmp_path / "own.lesson.md", window.state
    path.write_text("+++\ntitle = 'Own'\n+++\n+++\n+++\nText.\n+++\n+++\nMore.\n")
    compared(window, Column(), Column.of({"sampling.steps": 20}))
    place, lessons = state.stack.index(), window.controllers.lessons
    lessons.begin(lesson_of(path))
    assert heads(window) == []
    window.controllers.column_edits.begin((Column(), Column.of({"sampling.steps": 30})))
    assert heads(window) == ["steps 60", "steps 30"]
    lessons.next()
    assert heads(window) == []
    assert state.stack.index() == place + 3
    state.undo()
    assert (lessons.place, heads(window)) == (0, ["steps 60", "steps 30"])
    state.redo()
    assert (lessons.place, heads(window)) == (1, [])
    lessons.leave()
    assert heads(window) == ["steps 60", "steps 20"]
    assert state.stack.index() == place


def test_new_noise_is_new_in_all_columns_alike(window) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.steps": 20}))
    before = comparing.runs
    old = before[0].trajectory.positions[0]
    window.controllers.sampling.restart(True)
    wait(lambda: comparing.runs is not before and ready(comparing))
    one, other = (run.trajectory.positions[0] for run in comparing.runs)
    assert np.array_equal(one, other)
    assert not np.array_equal(one, old)
    window.state.undo()


def test_an_edit_of_the_data_is_refused(window) -> None:
    compared(window, Column(), Column())
    with pytest.raises(ExperimentError):
        window.controllers.column_edits.put(1, Column.of({"data.kind": "rings"}))


def test_arrows_are_those_that_each_columns_particles_follow(window) -> None:
    compared(window, Column(), Column.of({"sampling.source": "learned"}))
    window.playing.seek(window.playing.total // 2)
    own = {0: ("exact", "learned"), 1: ("learned", "exact")}

    def shown() -> bool:
        scenes = [view.canvas.scene(300, 300) for view in window.run_views.views]
        return all(getattr(scenes[place], here) is not None for place, (here, _) in own.items())

    wait(shown)
    assert shown()
    for place, (_, other) in own.items():
        assert getattr(window.run_views.views[place].canvas.scene(300, 300), other) is None


def picture_of(drawing, frame: int, suffix: str = ".png", size: tuple[int, int] = (640, 360)):
    return result(drawing.frames(Style(size, suffix), lambda count: np.array([frame]))).at(frame)


def test_a_film_and_a_picture_show_all_columns(window, tmp_path) -> None:
    comparing = compared(window, Column(), Column.of({"sampling.steps": 20}))
    wait(lambda: all(run.curve is not None for run in comparing.runs))
    drawing = window.exported.drawn()
    assert [(column.letter, column.words) for column in drawing.columns] == [
        ("A", "steps 60"),
        ("B", "steps 20"),
    ]
    last = window.playing.total - 1
    assert [column.frame(last) for column in drawing.columns] == [len(run.trajectory) - 1 for run in comparing.runs]
    assert drawing.chart.at(last)[1][0] == comparing.runs[1].trajectory.nfe_mean[-1]
    assert [one["device"] for one in json.loads(drawing.provenance)] == ["cpu", "cpu"]
    assert json.loads(window.panel(TrainingPanel).chart.provenance())["device"] == "cpu"
    start = picture_of(drawing, 0)
    end = picture_of(drawing, last)
    assert (start.width(), start.height()) == (640, 360)
    assert start.text("provenance") == window.run_views.chart.provenance() == drawing.provenance
    svg = picture_of(drawing, 0, ".svg")
    assert b"&quot;device&quot;: &quot;cpu&quot;" in svg
    halves = [(image.copy(0, 30, 320, 200), image.copy(320, 30, 320, 200)) for image in (start, end)]
    assert all(before != after for before, after in zip(*halves, strict=True))  # both columns move
    drawn = picture_of(drawing, last, ".svg")
    assert drawn.startswith(b"<?xml")
    assert b">steps 20<" in drawn
    path = tmp_path / "columns.gif"
    *_, done = write_film(functools.partial(drawing.frames, Style((320, 180))), path, 1.0, 5)
    assert done == 1.0
    assert path.stat().st_size > 5_000


def test_exports_are_of_the_columns_while_they_are_compared(window, connect, tmp_path) -> None:
    compared(window, Column(), Column.of({"sampling.steps": 20}))
    window.exports.copy_picture()
    copied = QApplication.clipboard().image()
    assert copied.width() == 2 * window.run_views.width() // 2 * 2
    window.exports.picture()
    path = tmp_path / "columns.png"
    with_finished: list[str] = []
    connect(window.exports.finished, lambda _, written: with_finished.append(written))
    window.exports.dialog.wanted.emit(path)
    wait(lambda: bool(with_finished))
    assert path.is_file()
    window.controllers.column_edits.leave()
    assert window.exported.drawn() is None


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_film_that_is_wanted_early_waits_for_all_columns(
    window, connect, tmp_path, monkeypatch, cancelled: bool
) -> None:
    comparing, exports, path = window.controllers.comparing, window.exports, tmp_path / "columns.gif"
    finished, failed, drawings = list[str](), list[object](), list[SideBySide]()
    drawn = window.exported.drawn
    monkeypatch.setattr(
        window.exported, "drawn", lambda *of, **seen: drawings.append(drawn(*of, **seen)) or drawings[-1]
    )
    connect(exports.finished, lambda _, written: finished.append(written))
    connect(exports.failed, failed.append)
    window.controllers.column_edits.begin(
        (Column(), Column.of({"sampling.steps": 20}), Column.of({"sampling.kind": "probability-flow"}))
    )
    exports.video()
    dialog = exports.dialog
    for box, value in (
        (dialog.form.width_box, 320),
        (dialog.form.height_box, 180),
        (dialog.form.seconds, 1.0),
        (dialog.form.fps, 5),
    ):
        box.setValue(value)
    dialog.form.path.setText(str(path))
    dialog.form.path.textEdited.emit(dialog.form.path.text())
    dialog.wanted.emit(path)
    assert dialog.running
    assert dialog.status.text() == "Waiting. The columns are being prepared."
    if cancelled:
        dialog.reject()
        assert (dialog.running, dialog.status.text()) == (False, "Cancelled; nothing was written.")
        wait(lambda: comparing.awaited is None)
        wait()
        assert not dialog.running
        dialog.reject()
    else:
        wait(lambda: bool(finished or failed))
        names = [one.name for one in drawings[-1].chart.chart.series]
        assert [name for name in names if name in ("A", "B", "C")] == ["A", "B", "C"]
    assert path.exists() is not cancelled
    assert failed == []


def test_a_picture_is_of_the_frame_at_which_its_dialog_opened(window, connect, tmp_path) -> None:
    compared(window, Column(), Column.of({"sampling.steps": 20}))
    window.playing.seek(10)
    wait(lambda: window.playing.frame == 10)
    finished = list[str]()
    connect(window.exports.finished, lambda _, written: finished.append(written))
    window.exports.picture()
    then = window.exported.drawn(10)
    window.playing.seek(window.playing.total - 1)
    wait(lambda: window.playing.frame == window.playing.total - 1)
    size = window.exports.dialog.form.choice().size
    window.exports.dialog.wanted.emit(tmp_path / "columns.png")
    wait(lambda: bool(finished))
    wanted = picture_of(then, 10, size=size)
    later = picture_of(then, window.playing.total - 1, size=size)
    last = picture_of(window.exported.drawn(), window.playing.total - 1, size=size)
    written = QImage(str(tmp_path / "columns.png")).convertToFormat(wanted.format())
    assert written == wanted == later
    assert written != last


def test_a_picture_of_columns_that_are_still_sampled_stays_at_its_frame(window) -> None:
    comparing = window.controllers.comparing
    window.controllers.column_edits.begin((Column.of({"sampling.steps": 300}), Column.of({"sampling.steps": 150})))
    wait(lambda: window.playing.recorded > 1)
    assert not is_sampled(comparing)
    last = window.playing.recorded - 1
    drawing = window.exported.drawn(last)
    own = [column.frame(last) for column in drawing.columns]
    wait(lambda: is_sampled(comparing))
    assert [column.frame(last) for column in drawing.columns] == own
    assert own[0] == last


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ((Column(), Column.of({"sampling.kind": "probability-flow"})), SAME_NOISE),
        (
            (Column(), Column.of({"sampling.kind": "langevin"}), Column.of({"sampling.kind": "forward"})),
            f"A begins with noise; B begins at points of a box around the data; C begins at training points. {ADDED}",
        ),
        (
            (Column(), Column.of({"sampling.kind": "langevin"}), Column.of({"sampling.steps": 20})),
            f"A and C begin with the same noise; B begins at points of a box around the data. {ADDED}",
        ),
        (
            (Column.of({"sampling.kind": "langevin"}), Column.of({"sampling.kind": "langevin", "sampling.steps": 20})),
            f"All columns begin at the same points of a box around the data. {ADDED}",
        ),
    ],
)
def test_the_line_above_says_where_columns_begin(window, columns: tuple[Column, ...], said: str) -> None:
    comparing = compared(window, *columns)
    assert window.run_views.said.text() == said
    starts = [run.trajectory.positions[0] for run in comparing.runs]
    spread = [(start - start.mean(0)) / start.std(0) for start in starts]
    alike = [np.abs(each - spread[0]).max() < 0.05 for each in spread]
    kinds = [run.experiment.sampling.starts_at for run in comparing.runs]
    assert alike == [kind == kinds[0] for kind in kinds]


def pinned(experiment, trained_steps: int | None = None) -> PinnedRun:
    return pinned_run(1, "a run", experiment, trained_steps=trained_steps)


def test_pinned_runs_are_compared_by_their_settings(window) -> None:
    comparing, main = window.controllers.comparing, window.state.experiment
    runs = [pinned(main), pinned(replace(main, {"sampling.steps": 25, "sampling.seed": 9}))]
    window.controllers.column_edits.compare(runs)
    wait(lambda: ready(comparing))
    assert [dict(column.edits) for column in comparing.columns] == [{}, {"sampling.steps": 25}]
    assert window.state.experiment == main


def test_pinned_runs_of_other_data_are_refused(window, connect) -> None:
    comparing, main, told = window.controllers.comparing, window.state.experiment, []
    connect(window.state.notified, told.append)
    window.controllers.column_edits.compare([pinned(main), pinned(replace(main, {"data.kind": "rings"}))])
    assert not comparing.is_active
    assert told[0].message.code == "other-data"


def test_weights_that_are_not_kept_are_told(window, connect) -> None:
    comparing, main, told = window.controllers.comparing, window.state.experiment, []
    connect(window.state.notified, told.append)
    window.controllers.column_edits.compare([pinned(main), pinned(main, trained_steps=77)])
    assert comparing.is_active
    assert told[0].message.code == "lost-weights"


@pytest.mark.claims
def test_a_column_of_another_objective_is_trained_as_far_as_the_main_one(window) -> None:
    window.state.edit({"sampling.source": "learned"})
    window.training.start()
    wait(lambda: window.training.trained_steps >= 100)
    window.training.pause()
    training = window.state.model.training
    wait(lambda: training.now.status == "paused")
    steps = training.now.step
    comparing = window.controllers.comparing
    window.controllers.column_edits.begin(
        [Column(), Column.of({"objective.kind": "exact"}), Column.of({"noise.kind": "vp"})]
    )
    wait(lambda: len(comparing.runs) == 3)
    assert [run.training is not None for run in comparing.runs] == [False, True, True]
    assert window.run_views.fair.isVisible()
    awaited = set[str]()

    def sampled_by_trained_weights() -> bool:
        runs, why = comparing.runs, comparing.awaited
        awaited.add("" if why is None else why.code)
        trained = [run for run in runs if run.training is not None]
        return ready(comparing) and all(not run.model.weights.untrained for run in trained)

    wait(sampled_by_trained_weights)
    assert sampled_by_trained_weights()
    assert "column-trained" in awaited  # what a film waits for
    wait(lambda: comparing.awaited is None)
    for run in comparing.runs[1:]:
        assert run.failure is None
        assert run.training.now.step >= steps
        assert run.model.weights is run.training.now.newest
        assert run.curve is not None
    assert window.state.model.training is training  # the main experiment's own stays as it was
    assert training.now.status == "paused"
    ends = [run.trajectory.positions[-1] for run in comparing.runs]
    assert not np.array_equal(ends[0], ends[1])
    kept = [run.training for run in comparing.runs]
    window.controllers.column_edits.leave()
    window.state.undo()
    window.state.redo()  # before the columns are there again
    window.controllers.column_edits.begin(
        [Column(), Column.of({"objective.kind": "exact"}), Column.of({"noise.kind": "vp"})]
    )
    wait(lambda: len(comparing.runs) == 3)
    assert [run.training for run in comparing.runs] == kept
    assert comparing.runs[1].training.now.step >= steps
    comparing.set_fair("seconds")
    wait(lambda: window.building.trainings.fair == "seconds")
    assert window.building.trainings.target == window.state.model.training.trainer.seconds
    comparing.set_fair("steps")


def test_columns_with_one_training_share_it_and_each_has_its_own_sampler(window) -> None:
    """What was trained for one sampler is sampled by another, and by the present settings."""
    comparing, edits = window.controllers.comparing, window.controllers.column_edits
    window.state.edit({"sampling.source": "learned", "network.width": 8})
    wait(lambda: not window.building.busy)
    other = {"network.width": 16}
    edits.begin([Column(), Column.of(other), Column.of(other | {"sampling.kind": "probability-flow"})])
    wait(lambda: len(comparing.runs) == 3 and all(run.path is not None for run in comparing.runs))
    _, one, two = comparing.runs
    assert one.training is two.training is not None
    assert (one.problem.experiment.sampling.kind, two.problem.experiment.sampling.kind) == (
        window.state.experiment.sampling.kind,
        "probability-flow",
    )
    window.state.edit({"sampling.steps": 7})
    wait(lambda: comparing.runs[1] is not one and all(run.path is not None for run in comparing.runs))
    for run in comparing.runs:
        assert run.problem.experiment.sampling.steps == 7


def test_a_reset_of_the_main_training_takes_the_columns_back_too(window) -> None:
    window.state.edit({"sampling.source": "learned"})
    window.training.start()
    wait(lambda: window.training.trained_steps >= 100)
    window.training.pause()
    wait(lambda: window.state.model.status == "paused")
    comparing = window.controllers.comparing
    window.controllers.column_edits.begin([Column(), Column.of({"objective.kind": "exact"})])

    def trained(steps: int) -> bool:
        training = comparing.runs[1].training if len(comparing.runs) > 1 else None
        return training is not None and (training.now.step >= steps > 0 or training.now.step == steps == 0)

    wait(lambda: trained(window.training.trained_steps))
    assert trained(window.training.trained_steps)
    assert comparing.runs[1].training.now.step > 0
    window.building.reset_training()

    def untrained() -> bool:
        return trained(0) and ready(comparing) and comparing.runs[1].model.weights.untrained

    wait(untrained)
    assert window.training.trained_steps == window.building.trainings.target == 0
    assert untrained()


@pytest.mark.parametrize("slow", [True, False])
def test_columns_play_on_while_those_of_newer_weights_are_sampled(window, connect, monkeypatch, slow) -> None:
    """As a single run does, if sampling is slower than playing; else newer ones are shown from their first frame on."""
    window.state.edit({"sampling.source": "learned"})
    comparing = compared(window, Column(), Column.of({"sampling.steps": 20}))
    before, steps = comparing.runs, window.training.trained_steps
    window.training.start()
    wait(lambda: window.training.trained_steps >= steps + 50)
    window.training.pause()
    wait(lambda: window.state.model.status == "paused")
    monkeypatch.setattr(SamplingWorker, "keeps_up", lambda *_: not slow)
    seen = []
    connect(comparing.changed, lambda: seen.append((comparing.runs, is_sampled(comparing))))
    wait(lambda: window.state.model.newest.version > before[0].model.weights.version)
    window.playing.again()
    if slow:
        wait(milliseconds=300)
        assert comparing.runs is before
        assert is_sampled(comparing)

    def shows_newer() -> bool:
        if slow:
            window.playing.again()  # as at each end of the loop
        return comparing.runs is not before

    wait(shows_newer)
    wait(lambda: bool(seen))
    assert seen[0] == (comparing.runs, slow)  # at once with all frames
    wait(lambda: ready(comparing))
    for old, new in zip(before, comparing.runs, strict=True):
        assert new.model.weights.version > old.model.weights.version
        assert not np.array_equal(old.trajectory.positions[-1], new.trajectory.positions[-1])


def test_a_column_whose_training_diverged_says_so(window, monkeypatch) -> None:
    def wild(*given, **more):
        model = assemble(*given, **more)
        settings = model.problem.experiment
        training = msgspec.structs.replace(
            settings.training, learning_rate=1e4
        )  # outside the bounds of files and panels
        model.training.trainer.set_hyperparameters(msgspec.structs.replace(settings, training=training))
        return model

    assemble = comparing_module.assemble
    monkeypatch.setattr(comparing_module, "assemble", wild)
    window.state.edit({"sampling.source": "learned"})
    window.training.start()
    wait(lambda: window.training.trained_steps >= 100)
    window.training.pause()
    wait(lambda: window.state.model.status == "paused")
    comparing, said = window.controllers.comparing, window.run_views.said
    # No other test trains a column with this network, whose training would be kept.
    window.controllers.column_edits.begin([Column(), Column.of({"objective.kind": "exact", "network.width": 24})])
    wait(lambda: "diverged" in said.text())
    assert "The training of column B diverged at step" in said.text()
    assert comparing.runs[1].training.now.progress.diverged is not None
    replaying = window.controllers.replaying
    replaying.choose(0)
    wait(lambda: "as far as the newest step" in said.text())
    assert "as far as the newest step, not 0." in said.text()
    replaying.choose(len(replaying.steps) - 1)


def test_trainings_of_columns_that_cannot_go_on_are_told_once(window, connect, monkeypatch) -> None:
    def fails(*_) -> bool:
        raise RuntimeError("Out of memory.")

    told: list[object] = []
    window.state.edit({"sampling.source": "learned"})
    window.training.start()
    wait(lambda: window.training.trained_steps >= 100)
    window.training.pause()
    wait(lambda: not window.training.is_resting)
    monkeypatch.setattr(LiveTraining, "advance", fails)
    comparing = window.controllers.comparing
    connect(window.state.notified, told.append)
    window.controllers.column_edits.begin([Column(), Column.of({"objective.kind": "exact", "network.width": 28})])
    wait(lambda: len(comparing.runs) == 2 and comparing.runs[1].failure is not None)
    assert str(comparing.runs[1].failure) == "Out of memory."
    wait(milliseconds=200)
    assert not window.controllers.jobs.running(training_module.JOB)
    (one,) = told
    assert one.level == "error"
    assert str(one.message) == "Training of columns stopped: Out of memory."


def test_a_column_that_fails_on_the_way_says_why_and_the_others_go_on(window, connect, monkeypatch) -> None:
    def fails(problem, *given, **more):
        if problem.experiment.sampling.steps == 33:
            raise UserError("Broken.")
        yield from sample(problem, *given, **more)

    monkeypatch.setattr(sampling_module, "sample", fails)
    comparing = window.controllers.comparing
    seen: list[list[bool]] = []
    connect(comparing.changed, lambda: seen.append([run.failure is not None for run in comparing.runs]))
    window.controllers.column_edits.begin((Column(), Column.of({"sampling.steps": 33})))
    wait(lambda: [False, True] in seen and comparing.runs[0].finished)
    assert str(comparing.runs[1].failure) == "Broken."
    assert window.playing.run.failure is None
    assert window.run_views.views[1].canvas.scene(300, 300).hint


def test_a_file_that_holds_other_points_by_now_is_trained_on_anew(window, tmp_path) -> None:
    path, generator = tmp_path / "points.csv", np.random.default_rng(0)
    comparing, toy = window.controllers.comparing, window.state.experiment.data

    def open_points(offset: float) -> None:
        before = window.state.model.training
        np.savetxt(path, offset + generator.normal(size=(400, 2)), delimiter=",", header="x,y", comments="")
        window.controllers.reading.open_points(str(path))
        wait(lambda: window.state.model is not None and window.state.model.training is not before)

    def trained_on_these() -> bool:
        trainings = [run.training for run in comparing.runs]
        return trainings[1:] != [] and trainings[1].trainer.problem.dataset is window.state.model.problem.dataset

    window.state.edit({"sampling.source": "learned"})
    open_points(0.0)
    window.controllers.column_edits.begin([Column(), Column.of({"noise.kind": "flow-matching"})])
    wait(trained_on_these)
    old = comparing.runs[1].training
    open_points(50.0)
    assert comparing.is_active
    wait(trained_on_these)
    assert trained_on_these()
    assert comparing.runs[1].training is not old
    window.controllers.column_edits.leave()
    window.state.stack.setIndex(0)
    wait(lambda: window.state.model is not None and window.state.model.problem.experiment.data == toy)


@pytest.mark.parametrize("colors", ["log_p", "start"])
def test_particles_have_their_colours_in_every_column(window, colors: str) -> None:
    compared(window, Column(), Column.of({"sampling.steps": 20}))
    window.playing.seek(window.playing.total // 2)
    window.canvas.layers.set_option("particles", "color", colors)

    def colored() -> bool:
        scenes = [view.canvas.scene(300, 300) for view in window.run_views.views]
        return all(scene.particles is not None and scene.particles.coloring is not None for scene in scenes)

    wait(colored)
    assert colored()
    window.canvas.layers.set_option("particles", "color", "one")


@pytest.mark.parametrize("size", [(1366, 768), (1280, 720)])
def test_the_names_of_four_columns_are_read_whole_and_the_canvases_stand_in_line(window, monkeypatch, size) -> None:
    window.resize(*size)
    edits = {}, {"sampling.kind": "probability-flow"}, {"sampling.kind": "edm"}, {"sampling.kind": "langevin"}
    compared(window, *(Column.of(edit) for edit in edits))
    views = window.run_views.views
    wait(lambda: views[0].head.remove.y() > views[0].head.button.y())
    elide, shown = QFontMetrics.elidedText, []

    def elided(metrics, text, *arguments):
        shown.append(elide(metrics, text, *arguments))
        return shown[-1]

    monkeypatch.setattr(QFontMetrics, "elidedText", elided)
    for view in views:
        view.head.button.grab()
    assert shown == ["Reverse SDE", "Probability flow", "EDM sampler", "Langevin"]
    assert len({view.canvas.y() for view in views}) == 1
    shown.clear()
    views[2].head.button.resize(80, views[2].head.button.height())
    views[2].head.button.grab()
    assert shown == ["EDM"]
    assert "EDM sampler" in views[2].head.button.toolTip()
    window.resize(1280, 720)


def test_four_columns_are_as_before_after_the_presenter_mode(window) -> None:
    window.resize(1366, 768)
    comparing = compared(window, *(Column.of({"sampling.steps": steps}) for steps in (20, 30, 40, 50)))
    window.playing.seek(window.playing.total - 1)
    last = [f"{run.trajectory.nfe_mean[-1]:.0f} evaluations" for run in comparing.runs]
    wait(lambda: [view.head.cost.text() for view in window.run_views.views] == last)
    assert [view.head.cost.text() for view in window.run_views.views] == last

    def looks() -> list[object]:
        return [[view.width() for view in window.run_views.views], window.columns.sizes(), window.size().toTuple()]

    def names() -> list[int]:
        return [view.head.button.width() for view in window.run_views.views if view.head.button.isVisible()]

    numbers = [view.head.cost for view in window.run_views.views]
    wait(lambda: all(number.width() >= number.sizeHint().width() for number in numbers))
    before, wide = looks(), pytest.approx(names(), abs=4)  # they leave what the number beside them needs
    assert min(names()) > 20
    window.presenter.begin()
    wait(lambda: looks() != before)
    assert looks() != before
    window.presenter.leave()
    wait(lambda: looks() == before and names() == wide)
    assert looks() == before
    assert names() == wide
    has_unit = lambda: {view.head.cost.text().endswith("evaluations") for view in window.run_views.views}  # noqa: E731
    for width in (1024, 1366):
        window.resize(width, 768)
        wait(lambda width=width: window.width() == width and has_unit() == {True})
        assert has_unit() == {True}  # two rows of two have room for the unit of the number in each head
    wait(lambda: looks() == before and names() == wide)
    assert looks() == before
    assert names() == wide
    window.controllers.column_edits.remove(3)
    wait(lambda: has_unit() == {False})
    assert has_unit() == {False}  # three beside each other have none
    window.resize(1280, 720)


@pytest.mark.parametrize("count", [2, 4])
def test_no_number_in_a_head_changes_the_width_of_the_name_beside_it(window, count) -> None:
    window.resize(1366, 768)
    window.columns.put_away(True)
    compared(window, *(Column.of({"sampling.steps": steps}) for steps in (20, 30, 40, 50)[:count]))
    window.playing.set_playing(False)
    heads = [view.head for view in window.run_views.views]
    wait(lambda: all(head.width() > ONE_ROW for head in heads))
    before = [(head.button.width(), head.cost.width()) for head in heads]
    for text in ("1 evaluation", "σ = 0.0123   700 evaluations (most 712)"):
        for head in heads:
            head.cost.setText(text)
        wait(milliseconds=60)
        assert [(head.button.width(), head.cost.width()) for head in heads] == before
        assert all(head.cost.sizeHint().width() <= head.cost.width() for head in heads)
    window.resize(1280, 720)


def test_a_narrow_head_shows_its_numbers_whole_and_what_is_cut_in_the_tooltip(window) -> None:
    window.resize(1024, 700)
    compared(window, Column.of({"sampling.steps": 20}), Column.of({"sampling.steps": 30}), Column.of({}))
    window.playing.set_playing(False)
    head = window.run_views.views[0].head
    head.set_caption(("weights of training step 12 000, untrained", "σ = 0.0123"))
    head.show_cost(window.playing.frame)
    shown, *numbers = head.cost.text().split("   ")
    assert shown.endswith("…")
    assert numbers[0] == "σ = 0.0123"
    assert head.cost.fontMetrics().horizontalAdvance(head.cost.text()) <= head.cost.width()
    assert "12 000, untrained" in head.cost.toolTip()
    window.resize(1280, 720)
