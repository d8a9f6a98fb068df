"""The command palette: what is found by a few letters, what it does, and why something cannot be done now."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from playground.app.dialogs import help as help_dialogs
from playground.app.dialogs.command_palette import CommandPalette, Entry, match
from playground.app.dialogs.glossary_dialog import GlossaryDialog
from playground.app.panels import SamplingPanel
from playground.app.search import entries
from playground.app.widgets.field_row import FieldRow
from playground.lab.lessons import load_all
from playground.messages import Message
from playground.resources import page
from playground.version import SITE


def titles(palette):
    return [palette.found.item(row).text() for row in range(palette.found.count())]


@pytest.fixture
def done():
    return []


@pytest.fixture
def palette(qtbot, done):
    known = [
        Entry("Annealed Langevin", "Sample", lambda: done.append("annealed")),
        Entry("Langevin", "Sample", lambda: done.append("langevin")),
        Entry("Levels L", "Sample", lambda: done.append("levels"), Message("why", "It is a setting of others.")),
        Entry("σ max", "Noise", lambda: done.append("sigma"), alias="noise.sigma_max"),
    ]
    palette = CommandPalette(lambda: known)
    qtbot.addWidget(palette)
    palette.start()
    palette.show()
    return palette


@pytest.mark.parametrize(
    ("query", "title", "found"),
    [
        ("ann", "Annealed Langevin", True),
        ("lang ann", "Annealed Langevin", False),  # letters come in their order
        ("ANL", "Annealed Langevin", True),
        ("xq", "Annealed Langevin", False),
        ("anneal", "Latent interpolation: Linear", False),  # letters strewn over a title
        ("", "Anything", True),
    ],
)
def test_letters_are_found_in_their_order(query, title, found):
    hit = match(query, title)
    assert (hit is not None) == found
    if hit is not None:
        assert "".join(title[place] for place in hit[1]).lower() == query.replace(" ", "").lower()


def test_the_best_match_comes_first(palette):
    palette.line.setText("lan")
    assert titles(palette) == ["Langevin", "Annealed Langevin"]


def test_the_palette_is_as_high_as_what_is_found_and_says_if_nothing_is(palette):
    whole = palette.height()
    palette.line.setText("lan")
    assert palette.height() < whole
    assert palette.found.isVisible()
    assert not palette.nothing.isVisible()
    palette.line.setText("xyz")
    assert not palette.found.isVisible()
    assert palette.nothing.isVisible()
    assert palette.line.accessibleDescription() == palette.nothing.text()
    palette.line.clear()
    assert palette.height() == whole


def test_a_setting_is_found_by_its_key(palette):
    palette.line.setText("sigma_max")
    assert titles(palette) == ["σ max"]


def test_enter_does_what_is_chosen_by_arrows_and_closes(palette, done):
    QTest.keyClicks(palette.line, "lan")
    QTest.keyClick(palette.line, Qt.Key.Key_Down)
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert done == ["annealed"]
    assert not palette.isVisible()


def test_what_cannot_be_done_now_says_why_and_does_nothing(palette, done):
    palette.line.setText("levels")
    item = palette.found.item(0)
    assert item.text() == "Levels L"
    assert "It is a setting of others." in item.data(Qt.ItemDataRole.AccessibleTextRole)
    palette._run(item)
    assert done == []
    assert palette.isVisible()


def test_the_first_that_can_be_done_is_chosen_at_first(palette):
    palette.line.setText("lev")
    assert titles(palette)[0] == "Levels L"
    assert palette.found.currentItem().text() == "Langevin"


def test_it_opens_empty_each_time_with_what_there_is_now(palette):
    palette.line.setText("lan")
    palette._make = lambda: [Entry("Other", "View", lambda: None)]
    palette.start()
    assert (palette.line.text(), titles(palette)) == ("", ["Other"])


def of(window, title):
    found = [entry for entry in entries(window) if entry.title == title]
    assert len(found) == 1, title
    return found[0]


def test_it_finds_commands_choices_settings_and_scenes(window):
    found = entries(window)
    assert {scene.title for scene in load_all("scenes").values()} <= {entry.title for entry in found}
    assert of(window, "Dark theme").place == "View"
    assert of(window, "Sampler: Annealed Langevin").place == "Sample"
    assert of(window, "σ max").place == of(window, "σ min").place == "Noise"  # which share a row


def test_lesson_finds_their_list_and_each_of_them_in_order(window, qtbot):
    palette = CommandPalette(lambda: entries(window))
    qtbot.addWidget(palette)
    palette.start()
    for query in ("lesson", "lessons"):
        palette.line.setText(query)
        found = titles(palette)
        assert found[0] == "Lessons"
        bundled = [lesson.title for lesson in load_all().values()]
        assert [title for title in found if title in bundled] == bundled
    palette.line.setText("scene")
    assert {scene.title for scene in load_all("scenes").values()} < set(titles(palette))


def test_a_term_opens_its_line_of_the_glossary(window, qtbot):
    palette = CommandPalette(lambda: entries(window))
    qtbot.addWidget(palette)
    palette.start()
    palette.line.setText("kullback")
    assert titles(palette)[0] == "Glossary: Kullback-Leibler divergence"
    palette._run(palette.found.currentItem())
    glossary = window.findChild(GlossaryDialog)
    assert glossary.isVisible()
    assert "Kullback-Leibler divergence" in glossary.entries.toPlainText()
    assert "sliced Wasserstein" not in glossary.entries.toPlainText()
    glossary.line.clear()
    glossary.close()


def test_the_list_of_lessons_opens_from_the_palette(window):
    of(window, "Lessons").run()
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert len(menu.actions()) == len(load_all())
    menu.close()


def test_a_choice_is_made_and_is_then_one_that_is_chosen(window):
    entry = of(window, "Sampler: Annealed Langevin")
    assert entry.why_disabled is None
    entry.run()
    assert window.state.experiment.sampling.kind == "annealed-langevin"
    assert of(window, "Sampler: Annealed Langevin").why_disabled == "This is chosen now."


def test_a_setting_of_other_kinds_says_of_which(window):
    assert of(window, "S churn").why_disabled == "It is a setting of EDM sampler."


def test_a_setting_is_brought_into_view_with_its_card_unfolded(window):
    panel = window.panel(SamplingPanel)
    why = of(window, "Corrector SNR r").why_disabled
    assert why is not None
    assert "corrector" in why.lower()
    window.state.edit({"sampling.corrector_steps": 2})
    panel.set_folded(True)
    of(window, "Corrector SNR r").run()
    assert not panel.is_folded()
    row = next(row for row in panel.findChildren(FieldRow) if row.key == "sampling.snr")
    assert row.isVisibleTo(panel)
    assert window.focusWidget() in row.controls()


def test_a_command_is_done_as_by_its_menu(window):
    before = window.playing.loop
    of(window, "Loop").run()
    assert window.playing.loop != before
    assert window.actions_by_key["sample.loop"].isChecked() == window.playing.loop


def test_it_finds_headings_of_guide_and_theory_and_opens_their_place(window, monkeypatch):
    opened = []
    monkeypatch.setattr(help_dialogs.QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    monkeypatch.setattr(help_dialogs, "resource", lambda name: Path("none"))
    for title in ("Guide: The calm window", "Theory: Annealed Langevin dynamics"):
        of(window, title).run()
    assert opened == [f"{SITE}guide.html#the-calm-window", f"{SITE}theory.html#annealed-langevin-dynamics-t9"]
    known = {entry.title for entry in entries(window)}
    guide = re.findall(r"(?m)^## (.+)$", page("guide.md").read_text("utf-8"))
    assert {f"Guide: {title}" for title in guide} <= known
    assert not any("# " in title for title in known)
