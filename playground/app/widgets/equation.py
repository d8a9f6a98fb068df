"""Equations in tooltips, drawn when a tooltip is first shown and never at the program's start."""

import base64
import functools
import html
import threading
import warnings
from collections.abc import Callable

from PySide6.QtCore import QBuffer, QByteArray, QEvent, QIODevice, QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication, QHelpEvent, QImage, QPainter, QPalette
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QWidget

from playground.app.style.wrapping import with_indices
from playground.app.widgets.controls import ChoiceBox
from playground.lab.experiment import Field

SIZE = 16  # px
_DRAWING = threading.Lock()
"""Held while ziamath is imported and draws: its modules import each other, and all its drawings read one open font file."""


def equation_svg(latex: str, color: str, pixels: int = SIZE) -> bytes:
    """LaTeX as an SVG drawing in one colour, with letters of a given height. The first call takes half a second.

    Raises:
        ValueError: the LaTeX cannot be read.
    """
    with _DRAWING:
        with warnings.catch_warnings():
            # On Python 3.11 and 3.12 its import of its own fonts warns.
            warnings.simplefilter("ignore", DeprecationWarning)
            from ziamath.config import config
            from ziamath.zmath import Latex

        config.svg2 = False  # by default QSvgRenderer draws nothing and still says it is valid
        try:
            svg: str = Latex(latex, size=pixels, color=color).svg()
        except Exception as error:  # ziamath raises any error of its parser
            raise ValueError(f"{latex} cannot be drawn: {error}") from error
    return svg.encode()


@functools.lru_cache(maxsize=256)
def equation_image(latex: str, color: str, ratio: float, pixels: int = SIZE) -> QImage:
    """LaTeX drawn in one colour on a transparent background, with `ratio` device pixels per pixel.

    Args:
        pixels: height of the letters.

    Raises:
        ValueError: the LaTeX cannot be read.
    """
    renderer = QSvgRenderer(QByteArray(equation_svg(latex, color, pixels)))
    size = renderer.defaultSize()
    image = QImage(size * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def equation_tag(latex: str, widget: QWidget) -> str:
    """An equation as an image tag for the tooltip of a widget; "" if there is none."""
    color = QGuiApplication.palette().color(QPalette.ColorRole.ToolTipText).name()
    return _tag(latex, color, widget.devicePixelRatioF()) if latex else ""


@functools.lru_cache(maxsize=256)
def _tag(latex: str, color: str, ratio: float) -> str:
    image = equation_image(latex, color, ratio)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub asks for bytes
    data = base64.b64encode(buffer.data().data()).decode()
    size = image.deviceIndependentSize().toSize()
    return f'<p><img src="data:image/png;base64,{data}" width="{size.width()}" height="{size.height()}"></p>'


class Tooltip(QObject):
    """A widget's tooltip: words at once, and on request the equation and a current sentence.

    Args:
        widget: the widget, which owns the object.
        words: rich text without the equation.
        equation: LaTeX or ""; a function if the equation can change.
        now: a function that returns a sentence about the current state, or "".
    """

    def __init__(
        self,
        widget: QWidget,
        words: str,
        equation: str | Callable[[], str] = "",
        now: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(widget)
        self._widget, self._words, self._equation, self._now = widget, words, equation, now
        widget.setToolTip(words)
        widget.installEventFilter(self)

    def set_words(self, words: str) -> None:
        if words != self._words:
            self._words = words
            self._widget.setToolTip(words)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            self._complete()
        return super().eventFilter(watched, event)

    def _complete(self) -> None:
        latex = self._equation if isinstance(self._equation, str) else self._equation()
        text = self._words + equation_tag(latex, self._widget)
        sentence = self._now() if self._now is not None else ""
        if sentence:
            text += f"<p><b>{html.escape(sentence)}</b></p>"
        if text != self._widget.toolTip():
            self._widget.setToolTip(text)


class ItemTooltips(QObject):
    """The tooltips of a list's entries: the meaning of each entry and its equation, drawn on request.

    Args:
        box: the box with the list, which owns the object.
        words_of: returns rich text for an entry's data, without the equation.
        equation_of: returns its LaTeX, or "".
    """

    def __init__(self, box: ChoiceBox, words_of: Callable[[str], str], equation_of: Callable[[str], str]) -> None:
        super().__init__(box)
        self._box, self._words_of, self._equation_of = box, words_of, equation_of
        for row in range(box.count()):
            box.setItemData(row, words_of(box.itemData(row)), Qt.ItemDataRole.ToolTipRole)
        box.opening.connect(self._watch)

    @Slot()
    def _watch(self) -> None:
        self._box.view().viewport().installEventFilter(self)  # installing it again changes nothing

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._box.view().indexAt(event.pos()).row()
            if row >= 0:
                choice = self._box.itemData(row)
                text = self._words_of(choice) + equation_tag(self._equation_of(choice), self._box)
                self._box.setItemData(row, text, Qt.ItemDataRole.ToolTipRole)
        return super().eventFilter(watched, event)


UNITS = {
    "": "",
    "data": "in your data's unit",
    "data²": "in your data's unit, squared",
    "s": "in seconds",
    "×": "a factor",
}
"""How units are described that are not their own words."""


def words(field: Field) -> str:
    """The description of a setting: symbol, meaning, bounds, unit, and the cost of a change."""
    symbol = f"<b>{html.escape(field.symbol)}</b> &nbsp; " if field.symbol else ""
    lines = [with_indices(f"<p>{symbol}{html.escape(field.description)}.</p>")]
    facts = [html.escape(field.bound) if field.kind in ("int", "float") else ""]
    facts.append(UNITS.get(field.unit, f"in {html.escape(field.unit)}"))
    if any(facts):
        lines.append(
            f"<p>{', '.join(fact for fact in facts if fact).capitalize()}. Double-click the label: default.</p>"
        )
    if field.resets:
        lines.append("<p><i>Changing this needs new training.</i></p>")
    lines.append(f"<p><code>{html.escape(field.key)}</code></p>")
    return "".join(lines)
