"""The program's typeface: no text depends on the fonts of the system."""

import ast
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFont, QFontMetricsF, QRawFont

from playground.drawing import fonts
from playground.resources import resource
from tests.own_process import ran

ROOT = Path(__file__).parents[2]
WEIGHTS = (QFont.Weight.Normal, QFont.Weight.DemiBold, QFont.Weight.Bold)


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda weight: weight.name)
def test_every_weight_is_drawn_from_a_file_of_its_own(weight: QFont.Weight) -> None:
    used = QRawFont.fromFont(fonts.text_font(13, weight))
    assert used.familyName() == fonts.FAMILY
    assert used.weight() == weight


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda weight: weight.name)
def test_figures_have_one_width(weight: QFont.Weight) -> None:
    metrics = QFontMetricsF(fonts.number_font(12, weight))
    assert len({metrics.horizontalAdvance(4 * figure) for figure in "0123456789"}) == 1


def signs() -> dict[str, str]:
    """Every character of the texts that the program can show, with a place where it occurs."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "playground").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {sign: f"{path.name}:{node.lineno}" for sign in node.value if sign.isprintable()}
    return found


@pytest.mark.claims
@pytest.mark.parametrize("name", fonts.FILES)
def test_no_sign_of_the_program_is_left_to_the_system(name: str) -> None:
    font = QRawFont(str(resource(f"fonts/{name}")), 13)
    shown = signs()
    assert len(shown) > 120
    missing = [(sign, place) for sign, place in shown.items() if not font.supportsCharacter(ord(sign))]
    # If Inter lacks a character, resources/fonts/make_fonts.py can add it.
    assert missing == []


def test_a_nabla_is_a_delta_on_its_head() -> None:
    font = QRawFont(str(resource("fonts/Inter-Regular.otf")), 100)
    for sign, base_on_top in (("∇", True), ("Δ", False)):
        outline = font.pathForGlyph(font.glyphIndexesForString(sign)[0])
        box = outline.boundingRect()
        corner = QRectF(box.left(), box.top(), box.width() / 8, box.height() / 8)
        assert outline.intersects(corner) is base_on_top
        assert outline.intersects(corner.translated(0, 7 / 8 * box.height())) is not base_on_top


def test_the_licence_lies_beside_the_files() -> None:
    text = resource("fonts/OFL.txt").read_text(encoding="utf-8")
    assert text.startswith("Copyright 2016 The Inter Project Authors")
    assert "SIL OPEN FONT LICENSE" in text
    assert {path.name for path in resource("fonts").glob("*.otf")} == set(fonts.FILES)


LAY_OUT = """
import hashlib, json, sys
from pathlib import Path

from PySide6.QtGui import QFontDatabase, QFontInfo, QImage
from PySide6.QtWidgets import QApplication, QWidget

from playground.drawing.palette import PALETTES
from playground.drawing.render import render
from playground.drawing.scene import Scene
from tests.app.conftest import make_window

application = QApplication([])
window = make_window(Path(sys.argv[1]))
window.ensurePolished()
widgets = [widget for widget in window.findChildren(QWidget) if widget.objectName() != "log"]
leaves = [widget for widget in widgets if widget.layout() is None]  # layouts take turns, and so depend on the time
scene = Scene(palette=PALETTES["dark"], caption=("σ = 0.5, ∇ log p",), hint="Train, or choose another score.")
print(json.dumps({
    "system": len(QFontDatabase.families()),
    "families": sorted({QFontInfo(widget.font()).family() for widget in widgets}),
    "sizes": [[type(widget).__name__, *widget.sizeHint().toTuple(), *widget.minimumSizeHint().toTuple()] for widget in leaves],
    "picture": hashlib.sha256(bytes(render(scene, 480, 320).convertToFormat(QImage.Format.Format_RGB888).constBits())).hexdigest(),
}))
"""


HINTED = (
    '<match target="font"><edit name="hinting" mode="assign"><bool>true</bool></edit>'
    '<edit name="hintstyle" mode="assign"><const>hintfull</const></edit></match>'
)
"""A setting of the desktop with which widths of letters are whole pixels."""


def laid_out(folder: Path, only: Path, rules: str = "") -> dict[str, Any]:
    """The layout of the window and of a picture on a system whose only fonts are in one folder."""
    folder.mkdir()
    settings = folder / "fonts.conf"
    places = f"<dir>{only}</dir><cachedir>{folder / 'cache'}</cachedir>"
    settings.write_text(f'<?xml version="1.0"?><fontconfig>{places}{rules}</fontconfig>')
    layout: dict[str, Any] = json.loads(
        ran(LAY_OUT, folder, QT_QPA_PLATFORM="offscreen", FONTCONFIG_FILE=str(settings))
    )
    return layout


@pytest.mark.claims
def test_window_and_picture_are_the_same_whatever_fonts_the_system_has(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("ziafont")  # it contains a DejaVu Sans
    assert spec is not None
    assert spec.origin is not None
    dejavu = laid_out(tmp_path / "dejavu", Path(spec.origin).parent / "fonts", HINTED)
    none = laid_out(tmp_path / "none", tmp_path / "empty")
    if sys.platform == "linux":  # on other systems both use the system's fonts
        assert dejavu["system"] > none["system"]
    assert dejavu["families"] == none["families"] == [fonts.FAMILY]
    assert len(none["sizes"]) > 200
    assert dejavu["sizes"] == none["sizes"]
    assert dejavu["picture"] == none["picture"]
