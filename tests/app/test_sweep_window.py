"""Tools > Sweep, as a user clicks and types in it."""

import itertools
import shutil
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from playground.app.controllers.sweeping import Sweeping, _report
from playground.app.dialogs.sweep.window import SweepWindow
from playground.app.widgets import file_prompts
from playground.lab import sweep as sweeps
from playground.lab.experiment import Experiment, replace
from playground.lab.session import Session
from playground.lab.sweep import folder as folders
from playground.lab.sweep.cluster import cluster
from playground.lab.sweep.orders import CellResult
from playground.version import __version__
from tests.app.conftest import wait
from tests.app.watchdog import LIMIT, assert_holds_up_nothing
from tests.machine import slowness

BASE = replace(
    Experiment(),
    {
        "data.kind": "two-gaussians",
        "data.points": 500,
        "training.steps": 2,
        "sampling.particles": 60,
        "sampling.steps": 4,
    },
)


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep of two samplers by two step counts, with one seed of one network."""
    folder = tmp_path_factory.mktemp("computed") / "sweep-1"
    axes = {"sampling.steps": [3, 5], "sampling.kind": ["reverse-sde", "probability-flow"]}
    sweep, cells = sweeps.settled(sweeps.Sweep(axes, experiment=sweeps.Cell(0, {}, BASE).settings))
    assert all(progress.total == 4 for progress in sweeps.run(sweep, cells, folder, device="cpu"))
    return folder


@pytest.fixture
def opened() -> list[Session | Experiment]:
    return []


@pytest.fixture
def window(qtbot, tmp_path, opened):
    sweeping = Sweeping(lambda make: opened.append(make()))
    window = SweepWindow(sweeping, lambda: BASE, lambda: tmp_path)
    qtbot.addWidget(window)
    window.show()
    yield window
    assert window.shutdown(20)


def read(window: SweepWindow, path: Path) -> None:
    window.form.read(path)
    wait(lambda: not window.sweeping.running)


def lines(window: SweepWindow) -> list[list[str]]:
    table = window.table.cells
    return [
        [table.data(table.index(row, column)) for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def test_the_controls_begin_and_end_below_each_other(window):
    first = [window.form.source, window.form.seeds, window.form.scheduler, window.form.measure, window.form.place]
    assert len({control.x() for control in first}) == 1
    last = [window.form.source, window.form.processes, window.form.scheduler, window.form.place, window.form.axes]
    assert len({control.mapTo(window, control.rect().topRight()).x() for control in last}) == 1


def test_a_folder_shows_its_axes_its_table_and_its_pictures(window, computed):
    read(window, computed)
    assert [row.key for row in window.form.axes.rows] == ["sampling.steps", "sampling.kind"]
    assert [row.values.text() for row in window.form.axes.rows] == ["3, 5", "reverse-sde, probability-flow"]
    assert window.form.said.text() == "4 cells"
    assert window.start_button.text() == "&Resume"
    assert window.status.text() == "4 of 4 cells"
    found = lines(window)
    assert [line[:3] for line in found] == [
        ["3", "reverse-sde", "1"],
        ["3", "probability-flow", "1"],
        ["5", "reverse-sde", "1"],
        ["5", "probability-flow", "1"],
    ]
    assert "floor" in found[0][3]
    titles = [window.choice.itemText(place) for place in range(window.choice.count())]
    assert titles == ["W₂ against score evaluations", "W₂ against sampling.steps"]
    QTest.mouseClick(window.lines.buttons["cells"], Qt.MouseButton.LeftButton)
    assert [line[2] for line in lines(window)] == ["0"] * 4  # the seed


def test_a_line_opens_its_run_with_its_network(window, computed, opened):
    read(window, computed)
    window.table.setFocus()
    window.table.setCurrentIndex(window.table.cells.index(2, 0))
    assert window.run_button.isEnabled()
    QTest.mouseClick(window.run_button, Qt.MouseButton.LeftButton)
    (first,) = opened
    assert isinstance(first, Session)
    assert (first.experiment.sampling.kind, first.experiment.sampling.steps) == ("reverse-sde", 5)
    _, cells = sweeps.load(computed)
    trained = Session.load(folders.model_path(computed, cells[0])).weights
    assert trained is not None
    assert set(first.weights or {}) == set(trained)


def test_what_cannot_be_computed_is_said_and_not_started(window):
    (row,) = window.form.axes.rows
    assert (row.key, row.values.text()) == ("sampling.steps", "5 to 50, 4 values, log")
    assert window.form.said.text() == "12 cells"
    for edit, text, said in (
        (row.values, "5, 0", "0 is not allowed"),
        (row.values, "5 to ten, 4 values", "Steps (Sample): ten is no number"),
        (row.values, "", "Steps (Sample) has no values"),
        (row.values, "5 to 50, 1 values", "Steps (Sample): a range has from 2"),
        (row.values, "0 to 50, 3 values, log", "Steps (Sample): a range at equal ratios"),
        (row.values, ".5, 2", "Steps (Sample): .5 is no number here"),
        (window.form.seeds, "none", "write how many"),
        (window.form.scheduler, "tcp://127.0.0.1:8786", "anyone who reaches a tcp port can run code there"),
        (window.form.scheduler, "127.0.0.1:8786", "give tls://HOST:PORT"),
        (window.form.seeds, "9000", "at most 100"),
    ):
        before = edit.text()
        typed(edit, text)
        if text == "9000":
            typed(row.values, "1 to 900, 900 values")
        assert said in window.form.said.text().replace("\u202f", ""), window.form.said.text()
        assert not window.start_button.isEnabled()
        typed(edit, before)
        typed(row.values, "5 to 50, 4 values, log")
        assert window.start_button.isEnabled()
    QTest.mouseClick(window.form.axes.add, Qt.MouseButton.LeftButton)
    assert window.form.axes.rows[1].key == "training.steps"
    assert not window.start_button.isEnabled()
    QTest.mouseClick(window.form.axes.rows[1].remove, Qt.MouseButton.LeftButton)
    assert len(window.form.axes.rows) == 1
    assert window.start_button.isEnabled()


def test_cells_are_given_to_the_scheduler_whose_address_is_written(window, monkeypatch):
    taken = []
    monkeypatch.setattr(window.sweeping, "compute", lambda sweep, folder, place: taken.append(place))
    QTest.mouseClick(window.start_button, Qt.MouseButton.LeftButton)
    typed(window.form.scheduler, "tls://node:8786")
    assert not window.form.processes.isEnabled()
    QTest.mouseClick(window.start_button, Qt.MouseButton.LeftButton)
    here, there = taken
    assert (here.func, here.args) == (sweeps.processes, (window.form.processes.value(),))
    assert (there.func, there.args) == (cluster, ("tls://node:8786",))
    monkeypatch.setattr("playground.lab.sweep.cluster.find_spec", lambda name: None)
    typed(window.form.scheduler, "tls://node:8787")
    assert "pip install 'score-playground[cluster]'" in window.form.said.text()
    assert not window.start_button.isEnabled()


def test_a_sweep_s_file_and_its_folders_are_asked_for_over_the_window(window, computed, tmp_path, monkeypatch):
    answers = {"Open the folder of a sweep": str(computed), "Folder of the results": str(tmp_path / "mine")}
    monkeypatch.setattr(file_prompts, "folder_name", lambda over, title, folder: answers[title])
    monkeypatch.setattr(file_prompts, "open_name", lambda over, title, folder, filters: "")
    base, place = (
        {one.text(): one for one in button.menu().actions()} for button in (window.form.source, window.form.place)
    )
    base["A sweep's file…"].trigger()  # none is chosen
    assert not window.sweeping.running
    base["A sweep's folder…"].trigger()
    wait(lambda: not window.sweeping.running)
    assert window.form.folder == computed
    place["Choose a folder…"].trigger()
    assert window.form.folder == tmp_path / "mine"


def test_a_scheduler_that_does_not_answer_is_an_error_in_a_sentence(window, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    typed(window.form.scheduler, "tls://127.0.0.1:1")
    window.form.set_place(tmp_path / "nowhere")
    QTest.mouseClick(window.start_button, Qt.MouseButton.LeftButton)
    wait(lambda: not window.sweeping.running)
    assert window.status.text().startswith("tls needs certificates: set them in dask's configuration")
    assert window.start_button.isEnabled()


def typed(edit: QLineEdit, text: str) -> None:
    edit.selectAll()
    QTest.keyClick(edit, Qt.Key.Key_Delete)
    QTest.keyClicks(edit, text)


@pytest.mark.claims
def test_a_cancelled_sweep_resumes_and_computes_nothing_twice(window, computed, tmp_path):
    folder = tmp_path / "half"
    shutil.copytree(computed, folder)
    _, cells = sweeps.load(folder)
    missing = [folder / folders.CELLS / f"{cells[number].key}.json" for number in (1, 3)]
    for path in missing:
        path.unlink()
    kept = {path: path.stat().st_mtime_ns for path in (folder / "cells").iterdir()}
    read(window, folder)
    assert window.status.text() == "2 of 4 cells"
    assert len(lines(window)) == 2
    QTest.mouseClick(window.start_button, Qt.MouseButton.LeftButton)
    assert window.sweeping.running
    assert not window.start_button.isEnabled()
    assert window.cancel_button.isEnabled()
    QTest.mouseClick(window.cancel_button, Qt.MouseButton.LeftButton)  # before any cell
    wait(lambda: not window.sweeping.running)
    assert window.status.text().startswith("Cancelled: ")
    assert window.start_button.isEnabled()
    QTest.mouseClick(window.start_button, Qt.MouseButton.LeftButton)
    wait(lambda: not window.sweeping.running)
    assert window.sweeping.error is None
    assert window.status.text() == "4 of 4 cells"
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert all(path.is_file() for path in missing)
    assert (folder / "means.csv").is_file()
    assert (folder / "plots" / "wasserstein2-against-nfe_mean.png").is_file()
    assert len(lines(window)) == 4


@pytest.mark.claims
def test_a_broken_cell_is_said_and_computed_anew(window, computed, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(computed, folder)
    _, cells = sweeps.load(folder)
    broken = folder / folders.CELLS / f"{cells[1].key}.json"
    broken.write_text('{"metrics": []}', encoding="utf-8")
    read(window, folder)
    said = "The file of cell 1 is broken, so the cell is computed anew"
    assert window.status.text() == f"3 of 4 cells. {said}"
    QTest.mouseClick(window.start_button, Qt.MouseButton.LeftButton)
    wait(lambda: not window.sweeping.running)
    assert window.sweeping.error is None
    assert window.status.text() == f"4 of 4 cells. {said}"
    assert len(lines(window)) == 4
    read(window, folder)
    assert window.status.text() == "4 of 4 cells"


def test_a_failed_cell_is_counted_and_its_reason_is_in_the_table(window, computed, tmp_path):
    folder = tmp_path / "failed"
    shutil.copytree(computed, folder)
    _, cells = sweeps.load(folder)
    folders.write(folder, cells[1], CellResult(error="This should not have happened (ValueError: no)."), "Traceback")
    read(window, folder)
    assert window.status.text() == "4 of 4 cells, 1 failed: see Cells"
    assert len(lines(window)) == 3
    QTest.mouseClick(window.lines.buttons["cells"], Qt.MouseButton.LeftButton)
    found = lines(window)
    assert [line[3] for line in found] == [
        "–",
        f"This should not have happened (ValueError: no): see cells/{cells[1].key}.log.",
        *["–"] * 2,
    ]
    assert {*found[1][4:]} == {"–"}
    window.table.setCurrentIndex(window.table.cells.index(1, 0))
    assert not window.run_button.isEnabled()


@pytest.mark.alone
def test_no_call_holds_up_the_window_while_twelve_cells_are_computed(window, tmp_path):
    window.form.axes.load({"sampling.steps": [2, 3, 4, 5]})
    window.form.processes.setValue(1)
    QTest.mouseClick(window.lines.buttons["cells"], Qt.MouseButton.LeftButton)
    places = itertools.count()

    def work() -> None:
        window.form.set_place(tmp_path / f"twelve-{next(places)}")
        QTest.mouseClick(window.start_button, Qt.MouseButton.LeftButton)
        wait(lambda: not window.sweeping.running)
        for place in range(window.choice.count()):
            window.choice.setCurrentIndex(place)
            window.show_picture()
            wait(milliseconds=50)
        assert window.status.text() == "12 of 12 cells"

    assert_holds_up_nothing(work)


@pytest.mark.alone
@pytest.mark.parametrize("shown", ["means", "cells"])
def test_a_report_of_thousands_of_cells_is_shown_at_once(window, tmp_path, shown):
    axes = {"sampling.steps": list(range(2, 1002))}
    sweep, cells = sweeps.settled(sweeps.Sweep(axes, experiment={"sampling": {"source": "exact"}}, seeds=3))
    figures = {"wasserstein2": 1.25, "wasserstein2_floor": 1.0, "sliced_wasserstein2": 0.5, "nfe_mean": 7.0}
    report = _report(sweep, cells, tmp_path, {cell.number: CellResult(figures) for cell in cells})
    window.lines.set_value(shown)
    window.sweeping.report = report
    taken = []
    for _ in range(3):
        begun = time.thread_time()
        window._show_report()
        taken.append(time.thread_time() - begun)
        wait()  # which paints
    assert len(lines(window)) == {"means": 1000, "cells": 3000}[shown]
    assert min(taken) < LIMIT * slowness()


def test_cells_of_another_version_are_counted_with_it(window, computed, tmp_path, monkeypatch):
    folder = tmp_path / "older"
    shutil.copytree(computed, folder)
    _, cells = sweeps.load(folder)
    monkeypatch.setattr(folders, "__version__", "0.0.9")
    folders.write(folder, cells[1], CellResult(sweeps.result(folder, cells[1])))
    read(window, folder)
    assert window.status.text() == f"4 of 4 cells, by version 0.0.9 and {__version__}"


@pytest.mark.claims  # starts processes
def test_a_sweep_whose_axis_is_changed_computes_only_the_new_cells(window, computed, tmp_path):
    folder = tmp_path / "changed"
    shutil.copytree(computed, folder)
    read(window, folder)
    before = {path.name: path.stat().st_mtime_ns for path in (folder / folders.CELLS).iterdir()}
    window.form.processes.setValue(1)
    window.form.axes.rows[0].values.setText("5, 7")
    QTest.mouseClick(window.start_button, Qt.MouseButton.LeftButton)
    wait(lambda: not window.sweeping.running)
    assert window.status.text() == "4 of 4 cells"
    after = {path.name: path.stat().st_mtime_ns for path in (folder / folders.CELLS).iterdir()}
    assert after.items() >= before.items()
    assert len(after) == 6
    assert [line[0] for line in lines(window)] == ["5", "5", "7", "7"]


def test_training_for_a_time_is_said_to_depend_on_the_machine(window):
    window.form._shown = Experiment
    window.form.follow()
    assert window.form.said.text().startswith("12 cells. Networks are trained for a time")
    window.form.axes.load({"training.steps": [5, 10]})
    assert window.form.said.text() == "6 cells"
