"""The Runs card and the table of all columns: what they show, and that every row can be worked with by keys."""

import csv
import time

import msgspec
import pytest
from controllers_double import ControllersDouble
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QHelpEvent, QPainter, QTextLayout
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QStyledItemDelegate, QToolTip

from playground.app.dialogs.runs_window import RunsWindow
from playground.app.model.pinned_runs import MOST, is_measured, with_run
from playground.app.model.state import State
from playground.app.panels import RunsPanel
from playground.app.panels.run_columns import COLUMNS
from playground.app.panels.run_table import MOST_ROWS, RunTable
from playground.app.style import theme
from playground.app.style.wrapping import BREAK, breakable
from playground.app.widgets import file_prompts
from playground.app.widgets.table import PAD, Table, TableColumn
from playground.drawing.palette import DARK, LIGHT
from playground.lab.experiment import Experiment, replace
from playground.lab.figures import FIGURES, sorts_of
from playground.lab.pinned_run import KL
from playground.messages import Message
from tests.app.conftest import apply_theme, pinned_run, put_pin, with_figures
from tests.machine import slowness

ROLE = Qt.ItemDataRole


def cell(table: RunTable, row: int, place: int, role=ROLE.DisplayRole):
    return table.cells.index(row, place).data(role)


def tip(table: RunTable, row: int, place: int) -> str:
    return cell(table, row, place, ROLE.ToolTipRole)


def texts(table: RunTable) -> list[list[str]]:
    """The texts of the rows, each with the line of differing settings below it if there is one."""
    rows = []
    for row in range(table.cells.rowCount()):
        rows.append([cell(table, row, place) for place in range(table.cells.columnCount())])
        rows += [[below] for below in [cell(table, row, 0, ROLE.AccessibleDescriptionRole)] if below]
    return rows


ENDS = {"wasserstein2_floor": 0.1, "wasserstein2_floor_std": 0.01, "classifier_accuracy_standard_error": 0.01}


def figures(distance: float, accuracy: float, first: float) -> dict:
    shares = {"mode_weights": [first, 1 - first], "mode_weights_standard_error": [0.02, 0.02]}
    return ENDS | {
        "wasserstein2": distance,
        "classifier_accuracy": accuracy,
        "mode_weights_true": [0.8, 0.2],
        **shares,
    }


FLOW = replace(Experiment(), {"sampling.kind": "probability-flow"})
RUNS = (
    pinned_run(1, "long"),
    pinned_run(2, "adaptive", FLOW),
    pinned_run(3, "unmeasured", replace(Experiment(), {"sampling.seed": 4})),
)
KNOWN = {
    RUNS[0].model: {"nfe_mean": 500.0, "nfe_max": 500.0} | figures(1.31, 0.64, 0.51),
    RUNS[1].model: {"nfe_mean": 79.0, "nfe_max": 104.0} | figures(0.105, 0.5, 0.79),
    RUNS[2].model: {"nfe_mean": 20.0, "nfe_max": 20.0},
}
"""What the store has, by the model."""


@pytest.fixture
def controllers(qapp):
    state = State()
    yield ControllersDouble(state)
    state.close()


@pytest.fixture
def panel(qapp, qtbot, controllers):
    apply_theme(qapp, DARK)  # its style sheet gives cells their room, and the chosen row its colour
    panel = RunsPanel(controllers.state, controllers)
    qtbot.addWidget(panel)
    panel.resize(300, 400)
    panel.show()
    return panel


def fill(controllers, runs=RUNS, **more):
    """Pin runs, of which the store has figures.

    Args:
        more: figures of all of them.
    """
    for run in runs:
        with_figures(controllers.pinning.store, run, KNOWN.get(run.model, {}) | more)
        put_pin(controllers.state, run)


def measured(controllers, found):
    """Measure the samples of the third run."""
    with_figures(controllers.pinning.store, RUNS[2], found)
    controllers.pinning.look_up()


def choose(table: RunTable, name: str) -> None:
    table.setCurrentIndex(table.cells.index(names(table).index(name), 0))


def header(table: RunTable, place: int) -> str:
    return table.cells.headerData(place, Qt.Orientation.Horizontal)


def names(table: RunTable) -> list[str]:
    return [run.name for run, _ in table.cells.rows]


def test_an_empty_card_says_what_it_is_for(panel, controllers):
    assert panel.empty.isVisible()
    assert not panel.table.isVisible()
    fill(controllers)
    assert not panel.empty.isVisible()
    assert panel.table.isVisible()
    assert panel.header.state == "3 pinned"


def test_a_row_has_cost_and_distances_and_below_it_what_differs(panel, controllers, recolor):
    fill(controllers)
    assert texts(panel.table) == [
        ["long", "500", "13.1", "64 %", ".51/.49"],
        ["sampler Reverse SDE, seed 0"],
        ["adaptive", "79", "1.05", "50 %", ".79/.21"],
        ["sampler Probability flow, seed 0"],
        ["unmeasured", "20", "–", "–", "–"],
        ["sampler Reverse SDE, seed 4"],
    ]
    table, (long, adaptive, unmeasured) = panel.table, range(3)
    assert "floor 0.1 ± 10 %" in tip(table, long, 2)
    assert "64 ± 1 %" in tip(table, long, 3)
    assert "0.510 ± 0.020" in tip(table, long, 4)
    assert "104 at most" in tip(table, adaptive, 1)
    assert cell(table, adaptive, 2, ROLE.ForegroundRole) == DARK.color("data")  # within the floor's deviation
    assert "as near as a perfect sampler" in tip(table, adaptive, 2)
    assert "not measured" in tip(table, unmeasured, 2)
    recolor(LIGHT)
    assert cell(table, adaptive, 2, ROLE.ForegroundRole) == LIGHT.color("data")


def test_a_run_of_weights_that_changed_says_so_in_card_and_table(qtbot, panel, controllers):
    fill(controllers, [msgspec.structs.replace(RUNS[0], trained_from=2_565)])
    assert texts(panel.table)[1] == ["while training from step 2\u202f565"]
    said = "Training changed its weights while it was sampled, from step 2\u202f565 on."
    assert said in tip(panel.table, 0, 0)
    table = RunTable(controllers, whole=True)
    qtbot.addWidget(table)
    place = next(place for place, column in enumerate(COLUMNS) if column.title == "trained")
    assert cell(table, 0, place) == "while training"
    assert said in tip(table, 0, place)


def test_no_number_of_a_name_is_broken_over_two_lines(panel, controllers):
    for number, steps in ((1, 5_430), (2, 2_565)):
        run = msgspec.structs.replace(RUNS[0], number=number, sampler_steps=500, trained_steps=steps)
        controllers.state.put(pins=with_run(controllers.state.document.pins, run))
    name = cell(panel.table, 1, 0)
    assert name.replace("\u202f", " ") == "reverse SDE 500 · 2 565 training steps"
    layout = QTextLayout(name, cell(panel.table, 1, 0, ROLE.FontRole))
    for width in range(panel.table.columnWidth(0) // 2, 300):
        layout.beginLayout()
        starts = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            starts.append(line.textStart())
        layout.endLayout()
        assert name.index("565") not in starts


def test_a_run_that_is_being_measured_says_so_and_one_that_cannot_be_says_why(qtbot, panel, controllers):
    controllers.pinning.waiting.add(RUNS[2].keys["Distances"])
    fill(controllers)
    assert texts(panel.table)[4] == ["unmeasured", "20", "…", "…", "…"]
    assert "being measured" in tip(panel.table, 2, 2)
    table = RunTable(controllers, whole=True)
    qtbot.addWidget(table)
    kl = next(place for place, column in enumerate(COLUMNS) if column.title == FIGURES["kl"].heading)
    assert cell(table, 2, kl) == "…"
    assert "being measured" in tip(table, 2, kl)
    controllers.pinning.waiting.clear()
    reasons = {"wasserstein2": Message("few", "There are only {} samples.", (3,))}
    measured(controllers, {"reasons": reasons})
    assert "There are only 3 samples." in tip(panel.table, 2, 2)


def test_many_modes_are_shown_by_the_largest_difference(panel, controllers):
    eight = {f"mode_weights{end}": [0.125] * 8 for end in ("", "_true", "_standard_error")}
    eight["mode_weights"] = [0.155, 0.095, *[0.125] * 6]
    fill(controllers, RUNS[:1], **eight)
    assert texts(panel.table)[0][4] == "±.030"
    assert "largest difference is 0.030" in tip(panel.table, 0, 4)


def test_numbers_stand_right_and_names_left(panel, controllers):
    fill(controllers)
    sides = [cell(panel.table, 0, place, ROLE.TextAlignmentRole) for place in range(5)]
    assert sides[0] & Qt.AlignmentFlag.AlignLeft
    assert all(side & Qt.AlignmentFlag.AlignRight for side in sides[1:])


def test_a_header_sorts_and_what_is_missing_comes_last(panel, controllers):
    fill(controllers)
    table = panel.table
    for expected in (
        ["adaptive", "long", "unmeasured"],
        ["long", "adaptive", "unmeasured"],
        ["long", "adaptive", "unmeasured"],
    ):
        table.header().sectionClicked.emit(2)
        assert names(table) == expected
    table.header().sectionClicked.emit(1)
    assert names(table) == ["unmeasured", "adaptive", "long"]
    assert header(table, 1) == "NFE ↑"
    assert header(table, 2) == "W₂ /\nfloor"
    table.header().sectionClicked.emit(0)
    assert names(table) == ["adaptive", "long", "unmeasured"]


def test_keys_restore_rename_delete_and_copy(panel, controllers, qtbot):
    fill(controllers)
    table = panel.table
    choose(table, "adaptive")
    QTest.keyClick(table, Qt.Key.Key_Return)
    QTest.keyClick(table, Qt.Key.Key_Delete)
    QTest.keyClick(table, Qt.Key.Key_F2)
    editor = table.findChild(QLineEdit)
    assert editor.text() == "adaptive"
    editor.setText("Heun")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(table)[1] == "Heun")
    assert controllers.state.undo_text == "renaming of Heun"
    assert controllers.asked == [("restore", 2), ("delete", 2)]
    assert controllers.state.document.pins[1] == msgspec.structs.replace(RUNS[1], name="Heun")
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    header, *lines = QGuiApplication.clipboard().text().splitlines()
    assert header.startswith("run\tsampling.kind\t")
    assert [line.split("\t")[0] for line in lines] == ["long", "Heun", "unmeasured"]


def test_a_double_click_renames_and_an_empty_name_is_none(panel, controllers):
    fill(controllers)
    table = panel.table
    choose(table, "long")
    table.doubleClicked.emit(table.cells.index(0, 2))
    editor = table.findChild(QLineEdit)
    assert editor.accessibleName() == "Name of the run"
    editor.setText("other")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert controllers.asked == []
    assert names(table)[0] == "long"


def with_a_name_typed(panel, controllers) -> RunTable:
    """The table of three runs, with an editor over the name of one."""
    fill(controllers)
    choose(panel.table, "adaptive")
    QTest.keyClick(panel.table, Qt.Key.Key_F2)
    return panel.table


def test_figures_that_come_while_a_name_is_typed_wait_for_it(panel, controllers, qtbot):
    table = with_a_name_typed(panel, controllers)
    editor = table.findChild(QLineEdit)
    editor.setText("Half typ")
    controllers.state.put(pins=controllers.state.document.pins[:1])
    assert table.findChild(QLineEdit) is editor
    assert len(names(table)) == 3
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: len(names(table)) == 1)


def test_a_click_on_a_header_while_a_name_is_typed_shows_what_came(panel, controllers, qtbot):
    table = with_a_name_typed(panel, controllers)
    controllers.state.put(pins=controllers.state.document.pins[:2])
    table.header().sectionClicked.emit(2)
    QTest.keyClick(table.findChild(QLineEdit), Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: names(table) == ["adaptive", "long"])


def test_what_came_while_a_name_was_typed_is_not_shown_over_what_came_after(panel, controllers, qapp):
    table = with_a_name_typed(panel, controllers)
    controllers.state.put(pins=controllers.state.document.pins[:2])
    table.closeEditor(table.findChild(QLineEdit), QStyledItemDelegate.EndEditHint.NoHint)
    table.itemDelegate().closeEditor.emit(table.findChild(QLineEdit), QStyledItemDelegate.EndEditHint.NoHint)
    controllers.state.put(pins=controllers.state.document.pins[:1])
    qapp.processEvents()
    assert names(table) == ["long"]


class Painted:
    """What a table paints: each text with its box."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: list[tuple[str, QRect]] = []
        original = QPainter.drawText

        def draw(painter: QPainter, *given: object) -> object:
            if isinstance(given[0], QRect):
                self.found.append((given[-1], QRect(given[0])))
            return original(painter, *given)

        monkeypatch.setattr(QPainter, "drawText", draw)

    def of(self, table: Table) -> list[tuple[str, QRect]]:
        self.found.clear()
        table.viewport().grab()
        return self.found


def test_cells_and_the_lines_below_rows_are_painted_in_their_boxes(panel, controllers, monkeypatch):
    files = [{"data.kind": "file", "data.path": 33 * letter + ".csv"} for letter in "WM"]
    fill(
        controllers,
        [pinned_run(place, "of a file", replace(Experiment(), file)) for place, file in enumerate(files, 1)],
    )
    fill(controllers, RUNS[2:])
    table, expected = panel.table, []
    for row in range(3):
        name, below = table.heights[row]
        line = table.visualRect(table.cells.index(row, 0))
        assert line.height() == name + below
        for place in (place for place in range(5) if not table.isColumnHidden(place)):
            box = table.visualRect(table.cells.index(row, place))
            expected.append((cell(table, row, place), QRect(box.left() + PAD, box.top(), box.width() - 2 * PAD, name)))
        room = table.viewport().width() - 2 * PAD
        said = breakable(cell(table, row, 0, ROLE.AccessibleDescriptionRole))
        expected.append((said, QRect(PAD, line.top() + name, room, below)))
        small = QFontMetrics(theme.text_font(theme.CAPTION_PIXELS))
        assert max(map(small.horizontalAdvance, said.replace(BREAK, " ").split())) <= room
        assert small.boundingRect(QRect(0, 0, room, 1000), Qt.TextFlag.TextWordWrap, said).height() <= below
    assert any(len(text) > 33 and BREAK in text for text, _ in expected)
    assert Painted(monkeypatch).of(table) == expected


def test_a_line_below_a_row_has_a_tooltip_of_its_own(panel, controllers):
    fill(controllers)
    table = panel.table
    box = table.visualRect(table.cells.index(1, 0))
    for at, said in (
        (box.topLeft(), "Double-click"),
        (box.bottomLeft(), "The settings that differ among the pinned runs."),
    ):
        event = QHelpEvent(QEvent.Type.ToolTip, at + QPoint(5, 0), table.viewport().mapToGlobal(at))
        QGuiApplication.sendEvent(table.viewport(), event)
        assert said in QToolTip.text()


def test_a_table_of_numbers_keeps_its_place_and_cuts_what_has_no_room(qtbot, monkeypatch):
    columns = [TableColumn(f"column {place}", str, lambda row: row) for place in range(20)]
    columns[1] = TableColumn("error", lambda row: 90 * "word ", lambda row: row, has_words=True)
    table = Table("numbers", lambda row: row)
    qtbot.addWidget(table)
    table.resize(500, 120)
    table.show()
    table.show_rows(columns, range(20))
    table.setCurrentIndex(table.cells.index(9, 12))
    bars = table.horizontalScrollBar(), table.verticalScrollBar()
    at = [bar.value() for bar in bars]
    assert all(at)
    table.show_rows(columns, range(21))
    assert [bar.value() for bar in bars] == at
    assert (table.row, table.currentIndex().column()) == (9, 12)
    assert not table.cells.flags(table.currentIndex().siblingAtColumn(0)) & Qt.ItemFlag.ItemIsEditable
    bars[0].setValue(0)
    metrics = QFontMetrics(theme.text_font())
    painted = [(text, box) for text, box in Painted(monkeypatch).of(table) if text.startswith("word")]
    assert painted
    assert all(text.endswith("…") and metrics.horizontalAdvance(text) <= box.width() for text, box in painted)


def test_the_row_that_keys_act_on_is_marked(panel, controllers, qtbot):
    fill(controllers)
    table = panel.table
    panel.activateWindow()
    table.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(table.hasFocus)
    assert [run.name for run, _ in table.selected] == [table.run.name] == ["long"]
    focused = table.viewport().grab().toImage()
    panel.whole.setFocus()
    assert not table.hasFocus()
    assert table.viewport().grab().toImage() != focused
    assert table.run.name == "long"


def test_letters_are_left_to_the_window(panel, controllers):
    fill(controllers)
    choose(panel.table, "long")
    panel.table.setFocus()
    QTest.keyClick(panel.table, Qt.Key.Key_A)  # which would go to the row of that letter
    assert panel.table.run.name == "long"


def test_the_buttons_say_why_not(panel, controllers):
    fill(controllers)
    assert not panel.restore.isEnabled()
    choose(panel.table, "long")
    assert panel.restore.isEnabled()
    panel.restore.click()
    assert controllers.asked == [("restore", 1)]
    assert not panel.pin.isEnabled()
    assert "has not ended yet" in panel.pin.toolTip() or "loading" in panel.pin.toolTip()
    controllers.build()
    controllers.pinning.finished = object()
    controllers.pinning.finished_changed.emit()
    assert panel.pin.isEnabled()
    panel.pin.click()
    assert controllers.asked[-1] == "pin"
    asked = []
    panel.table_requested.connect(lambda: asked.append(True))
    panel.whole.click()
    assert asked == [True]


def test_no_cell_of_the_card_is_cut_at_any_width(panel, controllers):
    long = msgspec.structs.replace(RUNS[1], number=4, name="probability flow " + 30 * "w")
    fill(controllers, [*RUNS, long])
    table, hidden = panel.table, []
    for width in (272, 300, 436):
        panel.resize(width, 500)
        assert panel.width() == width
        header = table.header()
        shown = [place for place in range(5) if not table.isColumnHidden(place)]
        hidden.append(table.isColumnHidden(4))
        assert sum(header.sectionSize(place) for place in shown) <= table.viewport().width()
        for row in range(4):
            for place in range(5):
                metrics = QFontMetrics(cell(table, row, place, ROLE.FontRole))
                words = cell(table, row, place).replace(BREAK, " ").split()
                widest = max(map(metrics.horizontalAdvance, words))
                assert place not in shown or widest + 6 <= header.sectionSize(place)
        last = table.visualRect(table.cells.index(3, 0))
        assert (last.height(), last.bottom() < table.viewport().height()) == (sum(table.heights[3]), True)
    assert hidden == [True, False, False]
    controllers.state.put(pins=())
    fill(controllers, [pinned_run(run.number, run.name) for run in [*RUNS, long]])
    assert table.isColumnHidden(4)  # these data have no modes


def test_the_table_scrolls_with_many_runs(panel, controllers):
    fill(controllers, [msgspec.structs.replace(RUNS[0], number=number) for number in range(1, MOST_ROWS + 5)])
    height = panel.table.height()
    fill(controllers, [msgspec.structs.replace(RUNS[0], number=99)])
    assert panel.table.height() == height
    assert panel.table.verticalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAlwaysOn


def sixty(controllers) -> None:
    """Pin as many runs as can be pinned, all with figures."""
    kinds, runs = ("reverse-sde", "probability-flow"), []
    for number in range(1, MOST + 1):
        experiment = replace(Experiment(), {"sampling.seed": number, "sampling.kind": kinds[number % 2]})
        run = pinned_run(number, f"run {number}", experiment)
        runs.append(with_figures(controllers.pinning.store, run, KNOWN[RUNS[0].model]))
    controllers.state.put(pins=tuple(runs))


@pytest.mark.alone
@pytest.mark.parametrize("whole", [False, True], ids=["card", "window"])
def test_sixty_runs_are_shown_within_50_milliseconds(qtbot, qapp, controllers, whole):
    apply_theme(qapp, DARK)
    panel = RunsWindow(controllers, lambda: None) if whole else RunsPanel(controllers.state, controllers)
    qtbot.addWidget(panel)
    panel.resize(1180, 700)
    panel.show()
    sixty(controllers)

    def took(number: int) -> float:
        begun = time.thread_time()
        controllers.pinning.rename(controllers.state.document.pins[4], f"name {number}")
        qapp.sendPostedEvents()
        qapp.processEvents()
        return time.thread_time() - begun

    assert min(map(took, range(7))) < 0.05 * slowness()  # beside a busy core each takes longer
    assert len(texts(panel.table)) == 2 * MOST


def test_a_changed_list_keeps_the_chosen_row(panel, controllers):
    fill(controllers)
    choose(panel.table, "adaptive")
    measured(controllers, figures(0.3, 0.6, 0.7))
    assert panel.table.run.name == "adaptive"


def test_the_whole_table_has_every_column(qtbot, controllers):
    asked = []
    dialog = RunsWindow(controllers, lambda: asked.append("export"))
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.said.text().startswith("Press K to pin")
    fill(controllers, RUNS[:1], sampling_seconds=5.12)
    fill(controllers, RUNS[1:])
    assert "floor" in dialog.said.text()
    titles = [column.title for column in COLUMNS]
    assert [header(dialog.table, place) for place in range(dialog.table.cells.columnCount())] == titles
    first = dict(zip(titles, texts(dialog.table)[0], strict=True))
    assert first["W₂"] == "1.31"
    assert first["floor of W₂"] == "0.1"
    assert first["seconds"] == "5.1"
    assert "as near as a perfect sampler" in tip(dialog.table, 1, titles.index("floor of W₂"))
    assert "not measured" in tip(dialog.table, 2, titles.index("floor of W₂"))
    assert texts(dialog.table)[1] == ["sampler Reverse SDE, seed 0"]
    assert first["seed"] == "0"
    assert not dialog.delete.isEnabled()
    choose(dialog.table, "long")
    dialog.delete.click()
    dialog.export.click()
    assert controllers.asked == [("delete", 1)]
    assert asked == ["export"]


def test_k_pins_the_run_of_the_window_and_it_is_exported(window, qtbot, tmp_path, monkeypatch):
    pinning = window.controllers.pinning
    window.playing.seek(10**9)
    qtbot.waitUntil(lambda: pinning.finished is not None)
    assert window.actions_by_key["sample.pin"].isEnabled()
    QTest.keyClick(window.canvas.focusProxy(), Qt.Key.Key_K)
    (run,) = pinning.runs
    table = window.panel(RunsPanel).table
    assert texts(table)[0][0] == run.name
    QGuiApplication.clipboard().clear()
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)  # elsewhere it copies the canvas
    assert QGuiApplication.clipboard().text().startswith("run\tsampling.kind")
    qtbot.waitUntil(lambda: is_measured(pinning.known[0][1]))
    path = tmp_path / "runs.csv"
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: (str(path), ""))
    with qtbot.waitSignal(window.exports.finished):
        window.actions_by_key.trigger("file.export_runs")
    header, row = csv.reader(path.read_text(encoding="utf-8").splitlines())
    assert {*sorts_of("Distances"), *KL} - {"nearest_neighbour_rows"} <= {*header}
    assert row[0] == run.name
    window.state.mark_saved()


def test_two_to_four_selected_runs_are_compared(qtbot, controllers):
    fill(controllers)
    dialog = RunsWindow(controllers, lambda: None)
    qtbot.addWidget(dialog)
    dialog.show()
    compare = dialog.compare
    assert not compare.isEnabled()
    choose(dialog.table, "long")
    assert not compare.isEnabled()
    at = dialog.table.visualRect(dialog.table.cells.index(names(dialog.table).index("unmeasured"), 0)).center()
    QTest.mouseClick(dialog.table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, at)
    assert [run.name for run, _ in dialog.table.selected] == ["long", "unmeasured"]
    assert compare.isEnabled()
    compare.click()
    assert controllers.asked == [("compare", ["long", "unmeasured"])]
    assert next(action for action in dialog.table.menu().actions() if action.text() == "Compare these").isEnabled()
