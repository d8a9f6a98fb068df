import re

import pytest
from PySide6.QtGui import QColor, QFontMetricsF, QPalette
from PySide6.QtWidgets import QLabel, QPushButton

from playground.app import theme
from playground.drawing.palette import PALETTES, Palette


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
@pytest.mark.parametrize(("text", "behind"), theme.TEXT_PAIRS)
def test_text_can_be_read(palette: Palette, text: str, behind: str):
    assert contrast(getattr(palette, text), getattr(palette, behind)) >= 4.5


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize("token", ["learned", "data", "particles", "error", "exact", "likelihood", "accent"])
def test_curves_and_focus_rings_stand_out_from_the_card(palette: Palette, token: str):
    assert contrast(getattr(palette, token), palette.raised) >= 3


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_the_style_sheet_sets_text_only_in_checked_pairs(palette: Palette):
    pairs = set(theme.TEXT_PAIRS) | {("disabled", "panel")}  # what cannot be used is exempt
    for block in re.findall(r"\{([^}]*)\}", theme._SHEET):
        text = re.search(r"(?<![-\w])color: @(\w+)", block)
        behind = re.search(r"background: @(\w+)", block)
        if text and behind and text[1] != "disabled":
            assert (text[1], behind[1]) in pairs, block


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_every_token_is_replaced(palette: Palette):
    sheet = theme.style_sheet(palette)
    assert "@" not in sheet
    assert palette.accent in sheet


def test_one_palette_takes_the_place_of_the_other(qapp):
    for palette in PALETTES.values():
        theme.apply(qapp, palette)
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(palette.panel)
        assert palette.raised in qapp.styleSheet()


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
    theme.apply(qapp, PALETTES["dark"])
    label = QLabel("x")
    qtbot.addWidget(label)
    label.show()
    theme.set_role(label, "refusal")
    assert label.palette().color(QPalette.ColorRole.WindowText) == QColor(PALETTES["dark"].error)


def test_the_focus_ring_can_be_seen(qtbot, qapp):
    button = QPushButton("Press")
    qtbot.addWidget(button)
    with qtbot.waitExposed(button):
        button.show()

    def colors() -> set[str]:
        image = button.grab().toImage()
        return {image.pixelColor(x, 0).name() for x in range(8, image.width() - 8)}

    for palette in PALETTES.values():
        theme.apply(qapp, palette)
        button.clearFocus()
        assert palette.accent not in colors()
        button.setFocus()
        assert palette.accent in colors()
