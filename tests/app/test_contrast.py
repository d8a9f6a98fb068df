"""Every text of the window reaches 4.5:1 on what lies behind it, in both themes; computed from what is painted."""

import re
from collections import Counter

import pytest
from PySide6.QtCore import QPoint, QRect, QRectF
from PySide6.QtGui import QColor, QPainter, QPixmap, QRegion
from PySide6.QtWidgets import QWidget

from playground.app import bars
from playground.app.panels.figure import Figure
from playground.app.panels.lesson import Scale
from playground.app.widgets.collapsible_panel import Notice
from playground.drawing.axes import OPAQUE
from playground.drawing.palette import PALETTES, Palette
from tests.app.conftest import wait
from tests.app.test_theme import TEXT_PAIRS, contrast

LEAST = 4.5
ALONE = QWidget.RenderFlag.DrawWindowBackground  # without what lies inside


def blended(color: QColor | str, opacity: float, behind: str) -> str:
    """What is seen of a translucent colour."""
    parts = zip(QColor(color).getRgbF()[:3], QColor(behind).getRgbF()[:3], strict=True)
    return QColor.fromRgbF(*(opacity * over + (1 - opacity) * below for over, below in parts)).name()


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_text_over_the_canvas_can_be_read_whatever_it_lies_on(palette: Palette):
    concepts = (
        "data",
        "density",
        "learned",
        "exact",
        "error",
        "particles",
        "trails",
        "likelihood",
        "text",
        "background",
    )
    under = [getattr(palette, name) for name in concepts]
    under += [*palette.density_stops, *palette.value_stops, *palette.categories]
    for color in under:
        patch = blended(palette.background, OPAQUE, color)
        for token, opacity in (("muted", 1.0), ("text", 0.85)):
            assert contrast(blended(getattr(palette, token), opacity, patch), patch) >= LEAST, (token, color)


def test_the_sheet_of_the_bars_sets_text_only_in_checked_pairs():
    pairs, found = set(TEXT_PAIRS), 0
    for block in re.findall(r"\{([^}]*)\}", bars.SHEET):
        text = re.search(r"(?<![-\w])color: @(\w+)", block)
        behind = re.search(r"background: @(\w+)", block)
        if text and text[1] != "disabled":
            found += 1
            assert (text[1], behind[1] if behind else "raised") in pairs, block
    assert found


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_numbers_in_the_colour_of_a_concept_can_be_read_on_their_card(window, palette: Palette):
    tokens = {figure._token for figure in window.findChildren(Figure)}
    assert len(tokens) >= 5
    for token in tokens:
        assert contrast(getattr(palette, token), palette.raised) >= LEAST, token


class Texts:
    """What widgets write while they are painted: text, colour and place."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: list[tuple[str, QColor, QRect]] = []
        original = QPainter.drawText

        def draw(painter: QPainter, place: object, *more: object) -> object:
            text = next((part for part in more if isinstance(part, str) and part.strip()), "")
            if text and isinstance(place, QRect | QRectF):
                where = painter.deviceTransform().mapRect(QRectF(place)).toRect()
                self.found.append((text, painter.pen().color(), where))
            return original(painter, place, *more)

        monkeypatch.setattr(QPainter, "drawText", draw)

    def faint(self, widget: QWidget, window: QWidget) -> list[str]:
        """What a widget writes too faintly on what is seen behind it."""
        seen = window.grab(QRect(widget.mapTo(window, QPoint()), widget.size())).toImage()
        self.found.clear()
        widget.render(QPixmap(widget.size()), QPoint(), QRegion(), ALONE)
        faint = []
        for text, color, place in self.found:
            inside = place.intersected(seen.rect())
            pixels = Counter(
                seen.pixelColor(x, y).name()
                for x in range(inside.left(), inside.right(), 2)
                for y in range(inside.top(), inside.bottom(), 2)
            )
            if pixels:
                ((behind, _),) = pixels.most_common(1)
                ratio = contrast(blended(color, color.alphaF(), behind), behind)
                if ratio < LEAST:
                    faint.append(f"{type(widget).__name__} “{text}”: {color.name()} on {behind}, {ratio:.2f}")
        return faint


@pytest.mark.parametrize("theme_name", PALETTES)
def test_what_widgets_write_can_be_read(window, monkeypatch, theme_name):
    window.look.set_theme(theme_name)
    window.resize(1440, 2400)  # all of both columns is seen
    for panel in window.panels:
        panel.set_folded(False)
    wait(lambda: not window.look.restyling.running)
    wait(milliseconds=150)
    texts, faint, kinds = Texts(monkeypatch), [], set()
    for widget in window.findChildren(QWidget):
        painted = type(widget).__module__.startswith("playground") and widget is not window.canvas.surface
        if painted and widget.isEnabled() and widget.visibleRegion().boundingRect() == widget.rect():
            faint += texts.faint(widget, window)
            kinds |= {type(widget)} if texts.found else set()
    monkeypatch.undo()
    assert len(kinds) >= 7
    assert faint == []


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_the_scale_of_a_prediction_can_be_read(qtbot, monkeypatch, recolor, palette: Palette):
    scale = Scale()
    qtbot.addWidget(scale)
    scale.setStyleSheet(f"background: {palette.raised}")
    recolor(palette)
    scale.show_values((0.0, 1.0), 0.8, 0.5, said=True)
    scale.resize(260, 58)
    scale.show()
    texts = Texts(monkeypatch)
    assert texts.faint(scale, scale) == []
    assert {text.partition(":")[0] for text, *_ in texts.found} == {"you", "measured", "0", "1"}


def test_a_warning_and_an_error_differ_by_more_than_colour(qtbot, monkeypatch):
    notice = Notice()
    qtbot.addWidget(notice)
    notice.resize(240, 60)
    texts, signs = Texts(monkeypatch), []
    for level in ("warning", "error"):
        notice.say(level, "A sentence.")
        texts.found.clear()
        notice.grab()
        signs.append([text for text, *_ in texts.found])
        assert notice.accessibleName().lower().startswith(level)
    assert signs == [["!"], ["×"]]
