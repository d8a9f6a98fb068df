import re

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPalette
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QPushButton, QWidget
from shiboken6 import delete

from playground.app import bars
from playground.app.dialogs.export_dialog import ExportDialog
from playground.app.model.preferences import Preferences
from playground.app.style import theme
from playground.app.widgets.collapsible_panel import Disclosure
from playground.app.widgets.controls import SegmentedControl
from playground.drawing.palette import PALETTES, Palette
from tests.app.conftest import apply_theme, end, make_window

TEXT_PAIRS = (
    *((text, behind) for text in ("text", "muted") for behind in ("background", "panel", "raised", "hover")),
    *(("accent", behind) for behind in ("background", "panel", "raised")),
    *((concept, "raised") for concept in ("error", "likelihood", "data")),
    ("error", "panel"),
    ("on_accent", "accent"),
)
"""The colours of a text and of its background: every pair has a contrast of 4.5:1 in every palette."""


@pytest.fixture(autouse=True)
def style(qapp) -> None:
    """The program's style, whichever test is the first."""
    apply_theme(qapp, PALETTES["dark"])


def luminance(color: str) -> float:
    """Relative luminance of #rrggbb by WCAG 2."""
    parts = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize(("text", "behind"), TEXT_PAIRS)
def test_text_can_be_read(palette: Palette, text: str, behind: str):
    assert contrast(getattr(palette, text), getattr(palette, behind)) >= 4.5


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize("token", ["learned", "data", "particles", "error", "exact", "likelihood", "accent"])
def test_curves_and_focus_rings_stand_out_from_the_card(palette: Palette, token: str):
    assert contrast(getattr(palette, token), palette.raised) >= 3


def test_the_style_sheet_sets_text_only_in_checked_pairs():
    pairs = set(TEXT_PAIRS) | {("disabled", "panel")}  # what cannot be used is exempt
    for block in re.findall(r"\{([^}]*)\}", theme.SHEET):
        text = re.search(r"(?<![-\w])color: @(\w+)", block)
        behind = re.search(r"background: @(\w+)", block)
        if text and behind and text[1] != "disabled":
            assert (text[1], behind[1]) in pairs, block


def test_every_token_is_replaced_by_a_role_that_has_its_colour():
    tokens = set(re.findall(r"@(\w+)", theme.SHEET + bars.SHEET))
    sheet = theme.style_sheet(bars.SHEET)
    assert "@" not in sheet
    assert "#topBar" in sheet
    names = dict(zip(re.findall(r"@(\w+)", theme.SHEET), re.findall(r"palette\((.+?)\)", sheet), strict=False))
    assert names["on_accent"] == "highlighted-text"
    assert names["muted"] == "placeholder-text"
    for palette in PALETTES.values():
        roles = theme.qt_palette(palette)
        has = {roles.color(role).name() for role in theme.ROLES}
        assert {getattr(palette, token) for token in tokens} <= has


def test_a_token_that_no_role_has_is_an_error():
    with pytest.raises(KeyError, match="mauve"):
        theme.style_sheet("QLabel { color: @mauve; }")


def test_one_palette_takes_the_place_of_the_other(qapp):
    for palette in PALETTES.values():
        apply_theme(qapp, palette)
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(palette.panel)


def test_digits_are_all_of_one_width(qapp):
    metrics = QFontMetricsF(theme.number_font())
    assert len({round(metrics.horizontalAdvance(digit * 8), 3) for digit in "0123456789"}) == 1


def test_icons_take_the_colour_they_are_given(qapp):
    image = theme.icon("data-rings", "#ff0000").pixmap(16).toImage()
    seen = {image.pixelColor(x, y).name() for x in range(16) for y in range(16) if image.pixelColor(x, y).alpha() > 250}
    assert seen == {"#ff0000"}


def test_a_missing_icon_is_an_error(qapp):
    with pytest.raises(FileNotFoundError):
        theme.icon("no-such-icon", "#ffffff")


def test_a_role_styles_a_widget_that_is_already_shown(qtbot, qapp):
    apply_theme(qapp, PALETTES["dark"])
    label = QLabel("x")
    qtbot.addWidget(label)
    label.show()
    theme.set_role(label, "refusal")
    assert label.palette().color(QPalette.ColorRole.WindowText) == QColor(PALETTES["dark"].error)


def test_the_focus_ring_can_be_seen(qtbot, qapp):
    button = QPushButton("Press")
    qtbot.addWidget(button)
    with qtbot.waitActive(button):
        button.show()
        button.activateWindow()

    def colors() -> set[str]:
        image = button.grab().toImage()
        return {image.pixelColor(x, 0).name() for x in range(8, image.width() - 8)}

    restyling = theme.Restyling(qapp)
    for palette in PALETTES.values():
        restyling.start(palette)
        qtbot.waitUntil(lambda: not restyling.running)
        button.clearFocus()
        assert palette.accent not in colors()
        button.setFocus()
        assert palette.accent in colors()


@pytest.mark.parametrize(("role", "checked"), [("primary", False), ("", True), ("", False)])
def test_the_focus_can_be_seen_on_every_button_of_a_card(qtbot, qapp, role, checked):
    card = QFrame()
    theme.set_role(card, "card")
    button, other = QPushButton("Press", card), QPushButton("Other", card)
    other.move(0, 60)
    button.setCheckable(checked)
    button.setChecked(checked)
    if role:
        theme.set_role(button, role)
    qtbot.addWidget(card)
    with qtbot.waitExposed(card):
        card.show()

    def edge() -> str:
        image = button.grab().toImage()
        return image.pixelColor(image.width() // 2, 0).name()

    restyling = theme.Restyling(qapp)
    for palette in PALETTES.values():
        restyling.start(palette)
        qtbot.waitUntil(lambda: not restyling.running)
        other.setFocus()
        before = edge()
        button.setFocus()
        assert contrast(before, edge()) > 2


@pytest.mark.parametrize("role", ["card", ""])
def test_the_chosen_segment_can_be_seen_on_a_card_and_elsewhere(qtbot, qapp, role):
    ground = QFrame()
    theme.set_role(ground, role)
    segments = SegmentedControl([("means", "Means"), ("cells", "Cells")], ground)
    segments.resize(200, 30)
    segments.set_value("cells")
    qtbot.addWidget(ground)
    apply_theme(qapp, PALETTES["dark"])
    ground.show()
    picture = segments.grab().toImage()

    def behind(name: str) -> QColor:
        place = segments.buttons[name].geometry()
        return picture.pixelColor(place.left() + 6, place.center().y())

    assert behind("cells") != behind("means")


def test_a_window_that_moves_goes_on_after_a_change_of_palette(qtbot, qapp):
    """Qt loses a request to paint that comes while a window has no updates, and never makes another."""

    class Moving(QWidget):
        paints = 0

        def paintEvent(self, event: object) -> None:
            self.paints += 1

    window = Moving()
    qtbot.addWidget(window)
    timer = QTimer(window)
    timer.timeout.connect(window.update)
    with qtbot.waitExposed(window):
        window.show()
    restyling = theme.Restyling(qapp)
    for palette in PALETTES.values():
        window.update()
        restyling.start(palette)
        qtbot.waitUntil(lambda: not restyling.running)
        window.paints = 0
        timer.start(5)
        qtbot.waitUntil(lambda: window.paints > 3)
        timer.stop()


@pytest.mark.parametrize("way", ["setAutoFillBackground", "setAttribute"])
def test_a_widget_that_covers_its_place_is_painted_once_after_a_change_of_palette(qtbot, qapp, way):
    class Counted(QWidget):
        paints = 0

        def paintEvent(self, event: object) -> None:
            self.paints += 1

    window = QWidget()
    qtbot.addWidget(window)
    inside = Counted(window)
    if way == "setAttribute":
        inside.setAttribute(theme.OPAQUE)
    else:
        inside.setAutoFillBackground(True)
    with qtbot.waitExposed(window):
        window.show()
    restyling = theme.Restyling(qapp)
    inside.apply_palette = inside.update  # lost, for nothing is painted yet
    for palette in PALETTES.values():
        qtbot.wait(20)
        inside.paints = 0
        restyling.start(palette)
        qtbot.waitUntil(lambda: not restyling.running)
        qtbot.waitUntil(lambda: inside.paints > 0)
        qtbot.wait(20)
        assert inside.paints == 1


def test_a_widget_that_goes_while_the_palette_changes_is_passed_over(qtbot, qapp):
    window = QWidget()
    qtbot.addWidget(window)
    label = QLabel("x", window)
    window.show()
    restyling = theme.Restyling(qapp)
    restyling.start(PALETTES["light"])
    delete(label)
    qtbot.waitUntil(lambda: not restyling.running)
    assert window.updatesEnabled()


def test_a_window_that_gets_another_palette_before_its_first_picture_is_painted(qtbot, qapp):
    class Counted(QWidget):
        painted = 0

        def paintEvent(self, event):
            self.painted += 1

    window = Counted()
    qtbot.addWidget(window)
    window.show()
    restyling = theme.Restyling(qapp)
    restyling.start(PALETTES["light"])
    qtbot.waitUntil(lambda: not restyling.running)
    qtbot.waitUntil(lambda: window.painted > 0)


def test_the_last_of_two_palettes_holds(qtbot, qapp):
    button = QPushButton("Press")
    qtbot.addWidget(button)
    with qtbot.waitExposed(button):
        button.show()
    restyling = theme.Restyling(qapp)
    restyling.start(PALETTES["light"])
    restyling.start(PALETTES["dark"])
    qtbot.waitUntil(lambda: not restyling.running)
    assert button.grab().toImage().pixelColor(10, 5).name() == PALETTES["dark"].raised


def test_a_window_that_changed_its_theme_looks_like_one_that_opened_in_it(own_window, qtbot, tmp_path):
    """Parts, dialogs and menus; those that were shown, and those that were hidden while the theme changed."""
    window = own_window

    def pictures(one) -> dict[str, QImage]:
        qtbot.waitUntil(lambda: one.playing.trajectory.finished)  # its cards tell it
        one.playing.set_playing(False)
        one.playing.seek(0)
        dialog = ExportDialog("video", tmp_path / "film", one.preferences, one)
        dialog.fail("A sentence.")
        dialog.show()
        one.notices.notify("warning", "A sentence.")
        one.notices.notify("error", "Another.", "edit.undo")
        qtbot.wait(50)
        dialog.hide()
        if one is window:
            one.look.set_theme("light")
            qtbot.waitUntil(lambda: not one.look.restyling.running)
        dialog.show()
        dialog.start_button.setFocus()  # a line edit's cursor blinks
        for panel in one.panels:
            panel.set_folded(False)
            if panel.findChild(Disclosure):
                panel.disclosure.setChecked(True)
        parts = {
            **{panel.title: panel for panel in one.panels},
            **{f"toast {toast.level}": toast for toast in one.toasts.shown},
            "chips": one.chips,
            "dialog": dialog,
            "menu": one.findChild(QMenu, "menu"),
            "top bar": one.top_bar,
        }
        seen = []

        def stand() -> bool:
            seen.append({name: part.grab().toImage() for name, part in parts.items()})
            return len(seen) > 1 and seen[-1] == seen[-2]

        qtbot.waitUntil(stand)
        return seen[-1]

    changed = pictures(window)
    (tmp_path / "other").mkdir()
    Preferences(tmp_path / "other" / "settings.ini").set("theme", "light")
    other = make_window(tmp_path / "other")
    other.resize(window.size())
    with qtbot.waitSignal(other.controllers.state.problem_changed):
        other.show()
    qtbot.waitUntil(lambda: other.controllers.playing.recorded > 5)
    opened = pictures(other)
    end(other)
    assert changed.keys() == opened.keys()
    assert [name for name in changed if changed[name] != opened[name]] == []
