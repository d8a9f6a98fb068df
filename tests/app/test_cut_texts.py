"""No text is cut: every widget of the window at two sizes, in many states, and in both themes."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QTextDocument
from PySide6.QtWidgets import QAbstractButton, QDialog, QLabel, QLayout, QLineEdit, QPushButton, QScrollArea, QWidget

from playground.app.dialog_registry import DIALOGS
from playground.app.panels import LessonPanel, QualityPanel, RunsPanel, SamplingPanel
from playground.app.widgets.charts.chart import ChartView
from playground.app.widgets.charts.histogram import MarginalHistogram
from playground.app.widgets.charts.level_picture import LevelPicture
from playground.app.widgets.charts.library import library
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.lab.experiment import replace
from playground.lab.lessons import MeasuredStep, load_all
from tests.app.conftest import pinned_run, put_pin, wait, with_figures

pytestmark = pytest.mark.claims

SIZES = [(1280, 720), (1440, 900)]
LIGHT_TOO = ("as it opens", "digits")
"""States that are seen in the light theme as well: themes differ in colours alone."""

STATES: dict[str, dict[str, object]] = {
    "as it opens": {},
    "annealed Langevin": {"noise.kind": "discrete", "sampling.kind": "annealed-langevin"},
    "Metropolis": {"sampling.kind": "mala", "sampling.source": "exact"},
    "churn": {"noise.kind": "cosine", "sampling.kind": "edm"},
    "flow": {"noise.kind": "sub-vp", "sampling.kind": "probability-flow", "sampling.solver": "adaptive"},
    "sliced": {"objective.kind": "sliced", "noise.kind": "single", "sampling.kind": "langevin"},
    "likelihood": {"network.kind": "energy", "objective.kind": "maximum-likelihood", "likelihood.trace": "hutchinson"},
    "known part": {"sampling.inpainting_mask": "left", "sampling.corrector_steps": 12, "data.kind": "eight-gaussians"},
    "no noise": {"noise.kind": "none", "objective.kind": "exact", "sampling.kind": "langevin"},
    "digits": {"data.kind": "digits"},
}


class Cuts:
    """What was cut while it was painted, and what has less room than its text."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: set[str] = set()
        self.where = ""
        elided, words = QFontMetrics.elidedText, LevelPicture.words

        def elide(metrics: QFontMetrics, text: str, *arguments: object) -> str:
            result = elided(metrics, text, *arguments)
            if result != text:
                self.found.add(f"{self.where}: “{text}” elided to “{result}”")
            return result

        def write(picture: LevelPicture, text: str, *arguments: object, **more: object) -> None:
            if picture.painter.fontMetrics().horizontalAdvance(text) > picture.width - 2:
                self.found.add(f"{self.where}: “{text}” is wider than its chart")
            words(picture, text, *arguments, **more)

        monkeypatch.setattr(QFontMetrics, "elidedText", elide)
        monkeypatch.setattr(LevelPicture, "words", write)

    def look(self, part: QWidget, where: str) -> None:
        self.where = where
        lay_out()
        part.grab()
        for widget in (part, *part.findChildren(QWidget)):
            if widget.isVisibleTo(part) and widget.width() > 0:
                if too_small(widget):  # a message may have come a moment ago
                    wait(lambda widget=widget: not too_small(widget))
                short = too_small(widget)
                if short:
                    self.found.add(f"{where}: {short}")


def lay_out() -> None:
    """Lay out what has changed, as is done before it is painted."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)


def laid_out(around: QWidget) -> list[QWidget]:
    """The widgets that lie directly in another one's layout, or in layouts within it."""
    layouts = (around.layout(), *around.layout().findChildren(QLayout))
    children = around.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return [child for child in children if any(layout.indexOf(child) >= 0 for layout in layouts)]


def misplaced(root: QWidget) -> list[str]:
    """The widgets that lie over one another, or stick out of what they lie in."""
    lay_out()
    found = []
    for around in (root, *root.findChildren(QWidget)):
        if around.layout() is None or not around.isVisibleTo(root):
            continue
        parts = [part for part in laid_out(around) if part.isVisibleTo(root)]
        for place, part in enumerate(parts):
            if not around.rect().adjusted(-1, -1, 1, 1).contains(part.geometry()):
                found.append(f"{type(part).__name__} {part.accessibleName()} sticks out of {type(around).__name__}")
            for other in parts[place + 1 :]:
                common = part.geometry().intersected(other.geometry())
                if common.width() > 1 and common.height() > 1:
                    found.append(f"{type(part).__name__} lies over {type(other).__name__} in {type(around).__name__}")
    return found


def squeezed(part: QWidget) -> bool:
    """Whether a part's widgets have less room than they take, as while its layout settles."""
    return any(
        widget.isVisibleTo(part) and widget.height() < widget.minimumSizeHint().height()
        for widget in part.findChildren(QAbstractButton)
    )


def too_small(widget: QWidget) -> str:
    """What a widget has less room for than it takes; nothing where all is whole."""
    metrics, inside = widget.fontMetrics(), widget.contentsRect()
    if isinstance(widget, ChartView) and widget.series:
        wait(lambda: widget.plot is not None)  # a thread loads what draws the first chart
        view = widget.plot.view.geometry()
        outside = [
            entry for box, entry in widget.laid_out() if box.bottom() > view.top() + 1 or box.right() > view.right() + 1
        ]
        return f"entries {outside} of {widget.accessibleName()}, {widget.width()} px" if outside else ""
    if isinstance(widget, QLabel) and widget.text() and type(widget).__name__ != "FieldLabel":
        document = QTextDocument()
        document.setDefaultFont(widget.font())
        document.setDocumentMargin(0)
        shown = widget.text() if widget.buddy() is None else widget.text().replace("&", "")
        shown = re.sub(r"\[([^\]]*)\]\(term:[^)]*\)", r"\1", shown)  # of a link its words are seen
        rich = Qt.TextFormat.PlainText != widget.textFormat() and "<" in widget.text()
        (document.setHtml if rich else document.setPlainText)(shown)
        if widget.wordWrap():
            document.setTextWidth(inside.width())
        size = document.size()
        if document.idealWidth() > inside.width() + 1 or size.height() > inside.height() + 2:
            return f"label “{widget.text()}” of {document.idealWidth():.0f} x {size.height():.0f} in {inside.size().toTuple()}"
    elif isinstance(widget, QPushButton) and widget.text():
        width = metrics.horizontalAdvance(widget.text().replace("&&", "§").replace("&", ""))
        if width > widget.width() - 4 or metrics.height() > widget.height():
            return f"button “{widget.text()}” of {width} in {widget.width()}"
    elif isinstance(widget, QAbstractButton) and widget.text() and type(widget).__name__ == "Chip":
        if widget.sizeHint().width() > widget.width():
            return f"chip “{widget.text()}”"
    elif isinstance(widget, QLineEdit) and widget.text() and not widget.hasFocus():
        width = metrics.horizontalAdvance(widget.text())
        if width > widget.width() - 4:
            return f"number “{widget.text()}” of {width} in {widget.width()}"
    return ""


@pytest.fixture
def settled(window) -> Callable[[dict[str, object]], None]:
    """Put settings into the window and wait for their problem."""
    before = window.state.experiment

    def settle(changes: dict[str, object]) -> None:
        window.state.load(before)
        window.state.edit(changes)
        wait(
            lambda: (
                window.controllers.state.problem is not None
                and window.controllers.state.problem.is_image == ("digits" in changes.values())
            ),
        )
        wait(milliseconds=300)

    return settle


@pytest.mark.parametrize("state", STATES)
def test_no_text_of_the_window_is_cut(window, settled, monkeypatch, state):
    settled(STATES[state])
    cards = [card for card in window.findChildren(CollapsiblePanel) if card.isVisible()]
    cuts = Cuts(monkeypatch)
    for name in ("dark", "light") if state in LIGHT_TOO else ("dark",):
        window.look.set_theme(name)
        wait(lambda: not window.look.restyling.running)
        for size in SIZES:
            window.resize(*size)
            for opened in (False, True):
                for card in cards:
                    if hasattr(card, "disclosure") and card.disclosure.isVisibleTo(card):
                        card.disclosure.setChecked(opened)
                cuts.where = f"{size[0]} x {size[1]}"
                wait(milliseconds=60)
                wait(lambda: not any(map(squeezed, cards)))  # layouts within layouts settle one after the other
                for part in (window.top_bar, window.transport, window.status, window.chips, *cards):
                    cuts.look(part, f"{part.objectName()}, {size[0]} x {size[1]}")
    assert sorted(cuts.found) == []


@pytest.mark.parametrize("percent", [80, 130, 200])
@pytest.mark.parametrize("state", ["as it opens", "known part"])
def test_no_text_is_cut_at_other_sizes_of_the_text(window, settled, monkeypatch, state, percent):
    settled(STATES[state])
    cards = [card for card in window.findChildren(CollapsiblePanel) if card.isVisible()]
    cuts = Cuts(monkeypatch)
    window.resize(*SIZES[0])
    window.look.set_text_size(percent)
    for opened in (False, True):
        for card in cards:
            if hasattr(card, "disclosure") and card.disclosure.isVisibleTo(card):
                card.disclosure.setChecked(opened)
        wait(milliseconds=60)
        wait(lambda: not any(map(squeezed, cards)))
        assert window.size().toTuple() == SIZES[0]
        for part in (window.top_bar, window.transport, window.status, window.chips, *cards):
            cuts.look(part, f"{part.objectName()}, {percent} %")
    assert sorted(cuts.found) == []


LARGER = [(1366, 768), (1920, 1080), (3840, 2160)]  # also 1280 x 720 to 3840 x 2160 at scales up to 2


@pytest.mark.parametrize("percent", [80, 100, 200])
def test_nothing_is_cut_or_lies_over_another_at_any_size(window, settled, percent):
    settled({})
    window.look.set_text_size(percent)
    found = []
    for size in (*SIZES, *LARGER):
        window.resize(*size)
        wait(milliseconds=60)
        whole = window.centralWidget()
        wait(lambda whole=whole: not misplaced(whole))
        found += [f"{size}: {text}" for text in misplaced(whole)]
        for widget in whole.findChildren(QWidget):
            if widget.isVisibleTo(whole) and widget.width() > 0 and too_small(widget):
                found.append(f"{size}: {too_small(widget)}")
    assert found == []


def wrong(dialog: QDialog) -> list[str]:
    """What is misplaced or cut in a dialog."""
    widgets = [one for one in dialog.findChildren(QWidget) if one.isVisibleTo(dialog) and one.width() > 0]
    return misplaced(dialog) + [cut for one in widgets if (cut := too_small(one))]


@pytest.mark.parametrize("percent", [80, 100, 200])
def test_nothing_of_a_dialog_is_cut_or_lies_over_another(window, settled, monkeypatch, percent):
    found = []
    settled({})
    window.resize(*SIZES[0])
    window.look.set_text_size(percent)
    commands, cuts = ["file.export_video", "help.keys"], Cuts(monkeypatch)
    for name in (*DIALOGS, *commands, "equation"):
        if name in DIALOGS:
            window.dialogs.show(name)
        elif name == "equation":
            window.panel(SamplingPanel).equation_button.click()
        else:
            window.actions_by_key.trigger(name)
        wait(milliseconds=100)
        shown = [dialog for dialog in window.findChildren(QDialog) if dialog.isVisible()]
        assert shown, name
        for dialog in shown:
            wait(lambda dialog=dialog: not wrong(dialog))
            found += [f"{name}: {text}" for text in wrong(dialog)]
            if name == "scenes":
                for tile in dialog.tiles:
                    cuts.look(tile, name)
            if name in ("palette", "equation", "glossary", "log", "report", "history", *commands):
                dialog.resize(dialog.size().boundedTo(QSize(*SIZES[0])))  # the screen of the tests is higher
                assert QRect(0, 0, *SIZES[0]).contains(dialog.rect()), (name, dialog.size())
            dialog.close()
    assert found + [cut for cut in sorted(cuts.found) if cut.startswith("scenes")] == []


def beyond(column: QScrollArea) -> int:
    """By how many px the cards of a column are wider than its viewport."""
    return column.widget().minimumSizeHint().width() - column.viewport().width()


def test_no_card_is_wider_than_its_column(window, settled):
    """The column does not scroll to the side: it would cut the right edge of all of its cards."""
    settled({})
    window.resize(*SIZES[0])
    opened = [panel for panel in window.panels if hasattr(panel, "disclosure") and panel.disclosure.isVisible()]
    assert len(opened) >= 4
    for panel in opened:
        panel.disclosure.setChecked(True)
        wait(milliseconds=50)
        column = panel.column()
        wait(lambda column=column: beyond(column) <= 0)  # its layout may settle
        assert beyond(column) <= 0, (type(panel).__name__, beyond(column))
        panel.disclosure.setChecked(False)


@pytest.mark.parametrize("percent", [100, 200])
def test_compared_columns_keep_their_canvas_and_heads_at_any_size(window, settled, percent):
    comparing = window.controllers.comparing
    settled({"sampling.source": "exact"})
    window.resize(*SIZES[0])
    window.look.set_text_size(percent)
    window.controllers.column_edits.begin()
    wait(lambda: len(comparing.runs) == 2 and window.run_views.views[0].canvas.height() > 100)
    view = window.run_views
    # The first numbers in the heads are laid out.
    wait(lambda: not any(too_small(one) for one in view.findChildren(QWidget) if one.isVisibleTo(view) and one.width()))
    assert view.chart.isVisible() == (percent == 100)  # in a low window the canvases need its room
    assert all(column.canvas.height() > 100 for column in view.views)
    widgets = [one for one in view.findChildren(QWidget) if one.isVisibleTo(view) and one.width() > 0]
    assert [too_small(one) for one in widgets if too_small(one)] == []


def test_no_text_of_a_scene_is_cut(window, settled, monkeypatch):
    cuts = Cuts(monkeypatch)
    card, controller = window.panel(LessonPanel), window.controllers.lessons
    settled({})
    for name, scene in load_all("scenes").items():
        controller.begin(scene)
        controller.figures = MeasuredStep(scene.steps[0], dict.fromkeys(scene.steps[0].figures, 0.1))
        controller.changed.emit()
        for size in SIZES:
            window.resize(*size)
            wait(lambda: not squeezed(card) and not too_small(card.text))
            cuts.look(card, f"{name}, {size[0]} x {size[1]}")
        controller.leave()
    wait(lambda: not window.building.busy)
    assert sorted(cuts.found) == []


def test_no_text_of_the_pinned_runs_is_cut(window, settled, monkeypatch):
    cuts = Cuts(monkeypatch)
    card, store = window.panel(RunsPanel), window.state.store
    settled({})
    figures = {"wasserstein2": 1.31, "wasserstein2_floor": 0.1, "classifier_accuracy": 0.64, "mode_weights": [0.5, 0.5]}
    figures |= {"nfe_mean": 10_000.0, "nfe_max": 10_000.0}
    names = ("reverse SDE 500", "probability flow, adaptive", "annealed Langevin 10 000", 60 * "w")
    experiments = [
        replace(window.state.experiment, {"sampling.seed": seed, "sampling.steps": 10 + seed}) for seed in range(4)
    ]
    for place, (name, experiment) in enumerate(zip(names, experiments, strict=True), 1):
        put_pin(window.state, with_figures(store, pinned_run(place, name, experiment), figures))
    for size in SIZES:
        window.resize(*size)
        wait(lambda: not squeezed(card))
        cuts.look(card, f"{size[0]} x {size[1]}")
        header, table = card.table.header(), card.table
        assert sum(header.sectionSize(place) for place in range(header.count())) <= table.viewport().width()
        assert table.verticalScrollBar().maximum() == 0
    window.state.put(pins=())
    assert sorted(cuts.found) == []


def test_the_read_out_of_the_histogram_is_whole(qtbot):
    """All three shares and a long number before them, in the narrowest column and at both its ends."""
    values = np.random.default_rng(0).normal(-1234.5, 1e-3, 5000)
    places = np.linspace(values.min(), values.max(), 9)
    library.load()
    chart = MarginalHistogram()
    qtbot.addWidget(chart)
    chart.show()
    chart.show_data(values, "x", np.stack([places, np.linspace(0, 1, 9)]))
    chart.show_samples(values)
    for width in (206, 240, 300):
        chart.resize(width, chart.height())
        assert too_small(chart) == ""
        for x in chart.series[0].x[[0, 14, 27]]:
            chart.point_at(float(x))
            assert too_small(chart) == ""
            assert all(name in str(chart.entries()) for name in ("exact", "data", "samples"))
        chart.point_at(None)


def test_the_axes_of_a_file_have_their_whole_names(window, monkeypatch):
    panel, cuts = window.panel(QualityPanel), Cuts(monkeypatch)
    for names in (("pressure", "temperature"), ("pressure [hPa]", "wind & rain"), ("x", "y")):
        panel.marginals._name_axes(*names)
        wait()
        cuts.look(panel, str(names))
        assert [button.text().replace("&&", "&") for button in panel.marginals.axes.buttons.values()] == list(names)
        assert panel.marginals.caption.width() > 60
    assert sorted(cuts.found) == []
