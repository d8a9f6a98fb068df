"""The calm window: what is needed is there, what is asked for comes, and nothing hidden acts in secret."""

import itertools

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollBar,
)

from playground.app.canvas.chips import ChipBar, InView
from playground.app.canvas.layers import Layers
from playground.app.connections import CLICK
from playground.app.hidden_settings import CROSS
from playground.app.panels import (
    DataPanel,
    FieldNamesPanel,
    LikelihoodPanel,
    NoisePanel,
    ObjectivePanel,
    ParticlePanel,
    QualityPanel,
    RunsPanel,
    SamplingPanel,
    TrainingPanel,
)
from playground.app.panels.data import FIRST
from playground.app.panels.measured_figure import not_told_apart
from playground.app.search import entries
from playground.lab.columns import Column, with_edits
from playground.lab.lessons import SCENES, load_all
from playground.lab.measured import Figures, Measured
from tests.app.conftest import end, make_window, pinned_run, put_pin, wait

PIPELINE = (DataPanel, NoisePanel, ObjectivePanel, TrainingPanel, SamplingPanel)
MEASUREMENTS = (LikelihoodPanel, ParticlePanel, FieldNamesPanel, QualityPanel, RunsPanel)
COUNTED = (QLabel, QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
MOST = 60
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def calm(window):
    window.columns.reset()
    window.look.set_all_cards(False)
    wait(lambda: window.columns.sizes()[2] == 0)
    wait(milliseconds=300)  # until the cards stand where they stay
    return window


def test_a_density_map_that_is_asked_for_is_shown(calm):
    calm.canvas.layers.set_visible("density", False)
    calm.actions_by_key.trigger("measure.density_map")
    wait(lambda: calm.canvas.shown().density is not None)
    calm.playing.set_playing(True)


def shown(window) -> list[type]:
    return [kind for kind in MEASUREMENTS if window.panel(kind).isVisible()]


def rests(window) -> bool:
    return not window.controllers.building.busy and window.playing.recorded > 5


@pytest.mark.parametrize(
    ("size", "percent", "share"), [((1366, 768), 100, 0.75), ((1280, 720), 150, 0.60), ((1280, 720), 100, 0.75)]
)
def test_the_first_window_has_few_controls_and_a_wide_canvas(qtbot, tmp_path, size, percent, share):
    window = make_window(tmp_path, first_start=True)
    try:
        window.look.set_text_size(percent)
        window.show()
        wait(lambda: rests(window))
        window.resize(*size)
        window.tour.end()
        wait()
        parts = [one for kind in COUNTED for one in window.findChildren(kind) if one.isVisible()]
        counted = {id(part): part for part in parts if not isinstance(part, QScrollBar)}.values()
        assert len(counted) <= MOST, [f"{type(part).__name__} {part.accessibleName()}" for part in counted]
        assert window.canvas.width() >= share * window.width()
        assert shown(window) == []
        if percent == 100:
            assert not any(window.panel(kind).is_folded() for kind in PIPELINE)
            column = window.panel(SamplingPanel).column()
            wait(lambda: column.verticalScrollBar().maximum() == 0)
    finally:
        window.look.set_text_size(100)  # other windows of the process have the same
        end(window)


def test_a_click_brings_the_likelihood_and_escape_takes_it_away(calm):
    wide = calm.canvas.width()
    calm.clicking.inspect((0.0, 0.5))
    wait(lambda: calm.clicking.likelihood is not None)
    assert shown(calm) == [LikelihoodPanel]
    assert calm.canvas.width() < wide
    card = calm.panel(LikelihoodPanel)
    assert card.log_prob.isVisible()
    assert card.exact.isVisible()
    assert not card.latent.isVisible()
    assert not card.test.isVisible()
    card.disclosure.click()
    assert card.latent.isVisible()
    assert card.test.isVisible()
    assert not card.held_out.nll.isVisible()  # not measured
    card.disclosure.click()
    calm.actions_by_key.trigger("measure.clear")
    wait(lambda: shown(calm) == [] and calm.canvas.width() == wide)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_what_was_clicked_stays_under_the_pointer_until_this_leaves(calm, share):
    surface = calm.canvas.surface
    place, wide, before = QPoint(round(share * surface.width()), 200), surface.width(), calm.canvas.viewport[:2]
    under = lambda: surface.plane().to_user(place.x(), place.y())  # noqa: E731
    clicked = under()
    QTest.mouseClick(surface, LEFT, pos=place)
    wait(lambda: surface.width() < wide)
    assert calm.state.document.clicked == (clicked,)
    if share < 0.5:
        assert under() == pytest.approx(clicked)
        QApplication.sendEvent(surface, QEvent(QEvent.Type.Leave))
    assert calm.canvas.viewport[:2] == pytest.approx(before, abs=0.2)  # all that was in view
    calm.actions_by_key.trigger("measure.clear")
    wait(lambda: surface.width() == wide)


def test_a_clicked_image_stays_under_the_pointer_until_this_leaves(calm):
    calm.state.edit({"data.kind": "digits"})
    wait(lambda: rests(calm) and calm.playing.is_of_now and calm.playing.trajectory.finished)
    surface = calm.canvas.surface
    tiles = lambda: calm.canvas.shown().images.tiles(surface.width(), surface.height())  # noqa: E731
    number, wide, before = tiles().columns + 1, surface.width(), tiles()
    place = before.box(number).center().toPoint()
    QTest.mouseClick(surface, LEFT, pos=place)
    wait(lambda: surface.width() < wide)
    assert tiles() == before
    QTest.mouseDClick(surface, LEFT, pos=place)
    assert tiles() == before
    assert calm.state.document.clicked == (number,)
    QApplication.sendEvent(surface, QEvent(QEvent.Type.Leave))
    assert tiles() != before
    assert surface.rect().toRectF().contains(tiles().box(tiles().shown - 1))  # all of it is in view
    calm.controllers.inspecting.clear()


def test_without_room_a_card_comes_below_the_others_and_is_in_view_with_its_figures(calm):
    calm.look.set_text_size(150)
    wait(lambda: calm.columns.joined)
    wide, card = calm.canvas.width(), calm.panel(LikelihoodPanel)
    assert wide >= calm.width() / 2
    calm.clicking.inspect((0.0, 0.5))
    wait(lambda: calm.clicking.likelihood is not None)
    wait(lambda: card.exact.visibleRegion().boundingRect() == card.exact.rect())
    assert calm.canvas.width() == wide
    assert card.column() is calm.panel(DataPanel).column()


def test_with_all_cards_in_one_column_a_click_shows_its_card(calm):
    calm.look.set_all_cards(True)
    calm.resize(1024, 700)
    wait(lambda: calm.columns.joined)
    exact = calm.panel(LikelihoodPanel).exact
    assert exact.visibleRegion().isEmpty()
    calm.clicking.inspect((0.0, 0.5))
    wait(lambda: calm.clicking.likelihood is not None)
    wait(lambda: exact.visibleRegion().boundingRect() == exact.rect())


def test_a_card_that_came_is_closed_by_its_cross_and_comes_again(calm):
    calm.clicking.inspect((0.0, 0.5))
    cross = calm.panel(LikelihoodPanel).header.cross
    QTest.mouseClick(cross, LEFT)
    assert shown(calm) == []
    calm.clicking.inspect((0.5, 0.5))
    assert shown(calm) == [LikelihoodPanel]
    cross.setFocus()
    QTest.keyClick(cross, Qt.Key.Key_Return)
    assert shown(calm) == []


def test_a_followed_particle_and_a_pinned_run_bring_their_cards(calm):
    calm.controllers.inspecting.follow(3)
    assert shown(calm) == [ParticlePanel]
    put_pin(calm.state, pinned_run(1, "one"))
    assert shown(calm) == [ParticlePanel, RunsPanel]
    calm.controllers.inspecting.clear()
    assert shown(calm) == [RunsPanel]
    put_pin(calm.state, pinned_run(2, "two"))
    QTest.mouseClick(calm.panel(RunsPanel).header.cross, LEFT)
    calm.state.undo()
    assert shown(calm) == []  # it was closed, and nothing was asked for
    calm.state.redo()
    assert shown(calm) == [RunsPanel]
    calm.state.undo()
    calm.state.undo()
    assert shown(calm) == []


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("measure.test_set", LikelihoodPanel),
        ("measure.samples", QualityPanel),
        ("measure.errors", QualityPanel),
        ("learn.field_names", FieldNamesPanel),
    ],
)
def test_a_command_brings_the_card_of_its_result(calm, key, kind):
    calm.actions_by_key.refresh()
    calm.actions_by_key.trigger(key)
    assert shown(calm) == [kind]
    for job in ("test-set", "quality", "fisher"):
        calm.controllers.jobs.cancel(job)


def test_how_good_is_it_measures_and_shows_the_quality(calm, monkeypatch):
    monkeypatch.setattr(type(calm.training), "trained_steps", 300)
    calm.training.changed.emit("finished")
    good = calm.panel(TrainingPanel).good
    wait(good.isEnabled)
    QTest.mouseClick(good, LEFT)
    assert shown(calm) == [QualityPanel]
    wait(lambda: calm.controllers.measuring.evaluation.value("sliced_wasserstein2") is not None)
    rows = calm.panel(QualityPanel).samples.rows
    assert rows["sliced_wasserstein2"].isVisible()
    wait(lambda: not calm.panel(QualityPanel).buttons["quality"].isVisible())  # it would measure nothing new
    assert all(row.isVisible() == (row.text() != "–") for row in rows.values())
    card = calm.panel(QualityPanel)
    assert card.buttons["fisher"].isVisible()
    assert not card.score.isVisible()
    assert not card.budget.isVisible()
    calm.controllers.measuring.measure("fisher")
    wait(card.score.chart.isVisible)


def test_a_lesson_begins_with_the_layers_that_the_window_opens_with(qtbot, tmp_path):
    """At coarse noise the density covers the whole canvas."""
    window = make_window(tmp_path, first_start=True)
    try:
        window.show()
        wait(lambda: rests(window))
        window.tour.end()
        layers = window.canvas.layers
        assert not layers.visible["density"]
        window.controllers.lessons.begin(load_all()["01-score"])
        assert not layers.visible["density"]
        window.controllers.lessons.leave()
    finally:
        end(window)


def test_how_good_is_it_is_asked_of_a_trained_network_only(calm, monkeypatch):
    good = calm.panel(TrainingPanel).good
    for steps in (0, 300):
        monkeypatch.setattr(type(calm.training), "trained_steps", property(lambda _, steps=steps: steps))
        calm.training.changed.emit(calm.training.status)
        assert good.isEnabled() == (steps > 0)
        assert ("Train first" in good.toolTip()) == (steps == 0)


def test_a_histogram_of_samples_says_at_which_moment_they_are(calm):
    wait(lambda: rests(calm))
    calm.panel(QualityPanel).reveal()
    histogram = calm.panel(QualityPanel).marginals.histogram
    legend = lambda: [entry.text for entry in histogram.entries()]  # noqa: E731
    calm.playing.set_playing(False)
    calm.playing.seek(3)
    wait(lambda: any("at σ = " in text and "step 3/" in text for text in legend()))
    calm.playing.seek(calm.playing.total - 1)
    wait(lambda: "samples" in legend())


@pytest.mark.parametrize(
    ("value", "said"), [(0.021, "The samples are as close to the data as fresh points are (sliced W₂)."), (0.05, "")]
)
def test_a_distance_at_its_floor_is_said_in_words(value, said):
    figures = Figures({"sliced_wasserstein2": Measured(value, floor=0.02, floor_std=0.002)})
    assert not_told_apart(figures).startswith(said)
    assert bool(not_told_apart(figures)) == bool(said)


def test_find_brings_a_card_and_a_setting(calm):
    def choose(title: str, kind: str) -> None:
        next(one for one in entries(calm) if one.title == title and one.place == kind).run()

    choose("Runs", "Card")
    assert shown(calm) == [RunsPanel]
    choose("Tolerance", "Likelihood")
    assert shown(calm) == [LikelihoodPanel, RunsPanel]
    assert calm.panel(LikelihoodPanel).settings["tolerance"].isVisible()
    choose("Learning rate", "Train")
    assert calm.panel(TrainingPanel).rate.isVisible()


def test_all_cards_bring_everything_and_back(calm):
    noise = calm.panel(NoisePanel)
    assert not noise.kind.isVisible()
    assert not noise.purpose.isVisible()
    calm.actions_by_key.trigger("view.all_cards")
    wait()
    assert shown(calm) == [*MEASUREMENTS]
    assert noise.kind.isVisible()
    assert noise.purpose.isVisible()
    assert calm.panel(LikelihoodPanel).held_out.nll.isVisible()  # a dash
    assert calm.panel(LikelihoodPanel).header.cross.isHidden()
    assert calm.preferences.get("all_cards")
    calm.actions_by_key.trigger("view.all_cards")
    wait()
    assert shown(calm) == []
    assert not noise.kind.isVisible()


def test_cards_that_came_stay_through_all_cards_and_back(calm):
    trigger = calm.actions_by_key.trigger
    trigger("learn.field_names")
    calm.panel(QualityPanel).reveal()
    trigger("view.all_cards")
    put_pin(calm.state, pinned_run(1, "one"))
    trigger("view.all_cards")
    assert shown(calm) == [FieldNamesPanel, QualityPanel, RunsPanel]
    QTest.mouseClick(calm.panel(RunsPanel).header.cross, LEFT)
    trigger("view.columns")
    trigger("view.all_cards")
    calm.controllers.inspecting.follow(3)
    assert shown(calm) == []
    trigger("view.all_cards")
    assert shown(calm) == []
    trigger("view.columns")
    assert shown(calm) == [ParticlePanel, FieldNamesPanel, QualityPanel]
    calm.controllers.inspecting.clear()


def test_a_lesson_begins_without_the_cards_of_the_own_work_which_come_back(calm):
    """Beside an open question a card may tell the answer."""
    lessons, known = calm.controllers.lessons, load_all()
    calm.panel(QualityPanel).reveal()
    put_pin(calm.state, pinned_run(1, "one"))
    lessons.begin(known["01-score"])
    assert shown(calm) == [RunsPanel]
    calm.panel(QualityPanel).reveal()
    lessons.go(1)
    assert shown(calm) == [QualityPanel, RunsPanel]  # asked for in the lesson
    calm.panel(FieldNamesPanel).reveal()
    lessons.begin(known["05-langevin-weights"])
    assert shown(calm) == [RunsPanel]
    QTest.mouseClick(calm.panel(RunsPanel).header.cross, LEFT)
    lessons.leave()
    assert shown(calm) == [QualityPanel, RunsPanel]
    calm.state.undo()


def test_six_tiles_have_names_and_more_brings_the_others(calm):
    data = calm.panel(DataPanel)
    seen = lambda: {kind for kind, tile in data.tiles.items() if tile.isVisible()}  # noqa: E731
    assert seen() == {*FIRST}
    for kind in FIRST:
        tile = data.tiles[kind]
        assert tile.fontMetrics().horizontalAdvance(tile.text()) <= tile.width(), tile.text()
    data.more.click()
    assert seen() == {*data.tiles}
    data.more.click()
    wait()
    high = data.height()
    calm.state.edit({"data.kind": "rings"})
    assert seen() == {*FIRST[:-1], "rings"}
    wait(lambda: rests(calm))
    assert data.height() == high
    calm.state.edit({"data.kind": "digits"})
    wait(lambda: rests(calm))
    assert seen() == {*FIRST}
    assert not data.file_row.isVisible()
    assert data.height() <= high
    calm.look.set_all_cards(True)
    assert data.file_row.isVisible()


def chip_buttons(window) -> list[QPushButton]:
    hidden = window.hidden_settings
    made = lambda: hidden.findChildren(QPushButton)  # noqa: E731
    wait(milliseconds=60)
    wait(lambda: not hidden.isVisible() or all(chip.isVisible() for chip in made()))  # Qt shows those of a layout later
    return [chip for chip in made() if chip.isVisible()]


def chips(window) -> dict[str, QPushButton | QAction]:
    """What sets back each hidden setting: the chip, or an action of the menu beside it."""
    found = {}
    for chip in chip_buttons(window):
        actions = [] if chip.menu() is None else chip.menu().actions()
        found |= {action.text().removesuffix(CROSS): action for action in actions} or {chip.accessibleName(): chip}
    return found


def press(chip: QPushButton | QAction) -> None:
    (chip.trigger if isinstance(chip, QAction) else chip.click)()


def test_what_is_set_and_hidden_is_a_chip_whose_cross_sets_it_back(calm):
    before = chips(calm)
    calm.state.edit({"training.learning_rate": 5.5e-5})
    (text,) = chips(calm).keys() - before.keys()
    assert text == "learning rate 5.5e-5"
    card = calm.panel(TrainingPanel)
    card.disclosure.click()
    assert text not in chips(calm)  # it is in view
    card.disclosure.click()
    press(chips(calm)[text])
    assert calm.state.value("training.learning_rate") == calm.state.field("training.learning_rate").default
    assert chips(calm).keys() == before.keys()
    calm.state.undo()
    assert text in chips(calm)
    calm.look.set_all_cards(True)
    assert not chips(calm)


def test_hidden_settings_stand_in_one_line_that_moves_nothing(calm):
    """The first chip is as wide as there is room for; the others are counted, and in a menu."""
    header, kind = calm.panel(SamplingPanel).header, calm.panel(SamplingPanel).kind
    end, place = calm.panel(SamplingPanel).column().verticalScrollBar().maximum(), kind.mapTo(calm, QPoint())
    edits = {
        "training.learning_rate": 5.5e-5,
        "training.batch": 300,
        "sampling.stochasticity": 0.5,
        "noise.sigma_max": 9,
    }
    for key, value in edits.items():
        calm.state.edit({key: value})
        wait(milliseconds=60)
    named = chips(calm)
    assert {"learning rate 5.5e-5", "noise ℓ 0.5"} <= named.keys()
    first, others = chip_buttons(calm)
    assert others.text() == f"+{len(named) - 1}"
    assert header.rect().contains(QRect(others.mapTo(header, QPoint()), others.size()))
    assert others.geometry().left() > first.geometry().right()
    assert first.text().endswith(CROSS)
    assert kind.mapTo(calm, QPoint()) == place
    assert calm.panel(SamplingPanel).column().verticalScrollBar().maximum() == end
    others.showMenu()
    QApplication.activePopupWidget().close()


def test_in_a_lesson_a_chip_is_only_what_the_user_changed(calm):
    lessons = calm.controllers.lessons
    for name, known in (("05-langevin-weights", load_all()), ("guidance", load_all(SCENES))):
        lessons.begin(known[name])
        given = calm.state.experiment
        assert given == lessons.given
        assert not chips(calm)
        calm.state.edit({"training.learning_rate": 5.5e-5})
        assert chips(calm).keys() == {"learning rate 5.5e-5"}
        calm.state.undo()
        assert not chips(calm)
    calm.look.set_all_cards(True)
    lessons.leave()


def test_a_chip_sets_back_what_the_step_of_a_lesson_has_set_and_names_the_card_where_two_have_its_label(calm):
    lessons = calm.controllers.lessons
    lessons.begin(load_all()["05-langevin-weights"])
    assert calm.state.value("sampling.source") == "exact"
    calm.state.edit({"sampling.source": "learned", "likelihood.source": "exact"})
    found = chips(calm)
    assert found.keys() == {"Sample score Learned", "Likelihood score Exact"}
    assert "back to Exact" in found["Sample score Learned"].toolTip()
    press(found["Sample score Learned"])
    assert calm.state.value("sampling.source") == "exact"
    assert chips(calm).keys() == {"Likelihood score Exact"}
    lessons.leave()


def test_a_chip_is_reached_after_the_title_and_stays_when_the_card_is_folded(calm):
    calm.state.edit({"training.learning_rate": 5.5e-5})
    chip, header = chips(calm)["learning rate 5.5e-5"], calm.panel(SamplingPanel).header
    calm.canvas.setFocus()
    QTest.mouseClick(chip, LEFT)
    assert calm.canvas.hasFocus()
    calm.state.undo()
    header.click()
    chip = chips(calm)["learning rate 5.5e-5"]
    assert header.isVisible()
    assert not calm.panel(SamplingPanel).kind.isVisible()
    header.setFocus()
    QTest.keyClick(header, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() in chip_buttons(calm), QApplication.focusWidget().accessibleName()


def test_a_closed_card_leaves_a_chip_of_what_is_set_on_it(calm):
    calm.clicking.inspect((0.0, 0.5))
    card = calm.panel(LikelihoodPanel)
    card.disclosure.click()
    before = chips(calm).keys()
    calm.state.edit({"likelihood.tolerance": 2e-4})
    assert chips(calm).keys() == before
    QTest.mouseClick(card.header.cross, LEFT)
    assert any("tolerance" in text for text in chips(calm).keys() - before)


def test_tab_goes_from_part_to_part_and_down_each_card(calm):
    calm.state.edit({"training.learning_rate": 5.5e-5})
    calm.clicking.inspect((0.0, 0.5))
    chips(calm)
    calm.panel(DataPanel).header.setFocus()
    found = [QApplication.focusWidget()]
    while QTest.keyClick(found[-1], Qt.Key.Key_Tab) or QApplication.focusWidget() is not found[0]:
        found.append(QApplication.focusWidget())  # a chart twice, for its two ends
    place = lambda one: QRect(one.mapTo(calm, QPoint()), one.size())  # noqa: E731
    left, right = (calm.panel(kind).column() for kind in (DataPanel, LikelihoodPanel))
    centre, bar = calm.columns.centre, calm.transport
    parts = [next((n for n, p in enumerate((left, centre, right, bar)) if p.isAncestorOf(one)), 4) for one in found]
    assert parts == sorted(parts)
    wrong = [
        (one.accessibleName(), other.accessibleName())
        for (one, part), (other, after) in itertools.pairwise(zip(found, parts, strict=True))
        if part == after and part in (0, 2) and not one.isAncestorOf(other)
        if place(other).bottom() < place(one).top()
        or (
            place(other).top() < place(one).bottom()
            and place(one).top() < place(other).bottom()
            and place(other).x() < place(one).x()
        )
    ]
    assert wrong == []
    assert {*chip_buttons(calm)} <= {*found}, [one.accessibleName() for one in found]


def test_tab_reaches_the_layers_after_the_left_cards_also_after_all_cards_came_and_went(calm):
    def stops() -> list:
        calm.panel(DataPanel).header.setFocus()
        found = [QApplication.focusWidget()]
        while QTest.keyClick(found[-1], Qt.Key.Key_Tab) or QApplication.focusWidget() is not found[0]:
            found.append(QApplication.focusWidget())
        left, bar = calm.panel(DataPanel).column(), calm.chips
        return [next((n for n, p in enumerate((left, bar, calm.canvas)) if p.isAncestorOf(one)), 3) for one in found]

    for _ in range(3):
        found = stops()
        assert {0, 1, 2} <= {*found}
        assert found[: found.index(3)] == sorted(found[: found.index(3)])
        assert {*found[found.index(3) :]} == {3}
        calm.actions_by_key.trigger("view.all_cards")


def test_one_button_at_a_time_is_filled(calm):
    button = calm.top_bar.train
    role = lambda: button.property("role")  # noqa: E731
    assert role() == "primary"
    calm.tour.start()
    assert role() == ""
    calm.tour.end()
    assert role() == "primary"


def test_nothing_in_the_pipeline_moves_when_a_card_comes(calm):
    places = [calm.panel(kind).mapTo(calm, QPoint(0, 0)) for kind in PIPELINE]
    calm.clicking.inspect((0.0, 0.5))
    wait(lambda: calm.clicking.likelihood is not None)
    assert [calm.panel(kind).mapTo(calm, QPoint(0, 0)) for kind in PIPELINE] == places


def test_layers_open_where_none_can_be_shown(qtbot):
    bar = ChipBar(Layers())
    qtbot.addWidget(bar)
    bar.show_all(False)
    bar.show()
    for key in bar.chips:
        bar.set_available(key, False, "Images have none.")
    bar.button.click()
    assert QApplication.activePopupWidget() is bar.findChild(QFrame, "layers")
    QApplication.activePopupWidget().close()


def test_names_of_layers_without_room_are_counted_and_all_are_in_the_tooltip(qtbot):
    line, names = InView(), ["Data", "Density p_σ", "Learned score (followed)", "Particles", "Trails"]
    qtbot.addWidget(line)
    line.show_frame([("data", name) for name in names], "σ = 0.5")
    line.resize(2000, 28)
    assert line.fitting() == 5
    counts = []
    for width in range(800, 0, -5):
        line.resize(width, 28)
        counts.append(line.fitting())
    assert counts == sorted(counts, reverse=True)
    assert {*counts} == {*range(6)}
    line.resize(300, 28)
    image = line.grab().toImage()
    line.show_frame([("data", name) for name in names[: line.fitting()]], "σ = 0.5")
    assert line.grab().toImage() != image  # where there was the number of the others
    line.show_frame([("data", name) for name in names], "σ = 0.5")
    assert line.accessible_value() == ", ".join([*names, "σ = 0.5"])
    assert all(part in line.toolTip() for part in ("Data", "Learned score (followed)", "Trails"))


def test_the_left_column_comes_back_as_wide_as_it_was(calm):
    left, _, right = calm.columns.widths
    calm.columns.restore([left + 60, calm.columns.width() - left - 60, 0])
    wait()
    wide = calm.columns.widths[0]
    assert wide > left
    calm.columns.put_away(True)
    wait()
    assert calm.columns.widths == (wide, calm.columns.width(), right)
    calm.columns.put_away(False)
    calm.columns.restore([left, calm.columns.width() - left, 0])


def test_a_card_that_is_asked_for_comes_alone_into_a_comparison(calm):
    wait(lambda: rests(calm))
    calm.controllers.inspecting.follow(3)
    assert shown(calm) == [ParticlePanel]
    calm.controllers.column_edits.begin()
    wait(lambda: calm.controllers.comparing.is_active)
    assert shown(calm) == []
    assert not calm.panel(DataPanel).brush.isEnabled()
    put_pin(calm.state, pinned_run(1, "one"))
    assert shown(calm) == [RunsPanel]
    assert not any(calm.panel(kind).isVisible() for kind in PIPELINE)
    calm.columns.put_away(False)
    assert shown(calm) == [ParticlePanel, RunsPanel]
    calm.controllers.column_edits.leave()
    assert all(calm.panel(kind).isVisible() for kind in PIPELINE)
    assert calm.panel(DataPanel).brush.isEnabled()
    calm.controllers.inspecting.clear()


def test_four_columns_stand_in_one_row_where_two_have_no_room(calm):
    wait(lambda: rests(calm))
    calm.controllers.column_edits.begin([Column()] * 4)
    wait(lambda: len(calm.run_views.views) == 4)
    rows = lambda: {view.y() for view in calm.run_views.views}  # noqa: E731
    wait(lambda: len(rows()) == 2)
    calm.look.set_text_size(150)
    wait(lambda: len(rows()) == 1)
    assert min(view.canvas.height() for view in calm.run_views.views) > 200
    calm.look.set_text_size(100)
    wait(lambda: len(rows()) == 2)
    calm.controllers.column_edits.leave()


def test_a_picture_has_the_whole_caption_and_the_line_beside_a_canvas_a_short_one(calm):
    wait(lambda: rests(calm))
    calm.playing.set_playing(True)
    wait(lambda: calm.playing.shown_frame > 2)
    assert not any("step" in line for line in calm.canvas.beside)
    assert any("step" in line for line in calm.canvas.scene(800, 600).caption)
    assert calm.canvas.scene(800, 600).beside is None
    assert calm.canvas.shown().beside == calm.canvas.beside


def test_objectives_are_compared_by_learned_scores(calm):
    calm.state.edit({"sampling.source": "exact"})
    wait(lambda: rests(calm))
    calm.controllers.column_edits.compare_objectives()
    experiments = [with_edits(calm.state.experiment, column) for column in calm.state.document.columns]
    assert {one.objective.kind for one in experiments} == {"exact", "sliced", "denoising"}
    assert [one.sampling.follows for one in experiments] == ["learned"] * 3
    calm.controllers.column_edits.leave()


def test_nothing_asks_for_a_click_once_there_is_one(calm, qtbot):
    card, clicking = calm.panel(LikelihoodPanel), calm.controllers.clicking
    surface = calm.canvas.surface
    assert CLICK in surface.accessible_value()
    clicking.inspect((0.1, 0.2))
    assert clicking.likelihood is None  # it is being measured
    assert (CLICK in surface.accessible_value(), card.hint.isVisibleTo(card)) == (False, False)
    qtbot.waitUntil(lambda: clicking.likelihood is not None)
    calm.state.edit({"noise.sigma_max": 5.0})  # it is measured anew
    assert (CLICK in surface.accessible_value(), card.hint.isVisibleTo(card)) == (False, False)
    calm.state.undo()
    calm.state.undo()
    assert card.hint.isVisibleTo(card)
