"""The typeface that ships with the program, for the window, pictures and films: no text depends on the system's fonts.

A font of the system is used only for characters that the typeface lacks, such as in the names of a user's files.
"""

from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication

from playground.resources import resource

FAMILY = "Score Playground Inter"
FILES = ("Inter-Regular.otf", "Inter-SemiBold.otf", "Inter-Bold.otf")
_LOADED = "typeface"  # a property of the application, since its fonts end with it and another one may follow


def text_font(pixels: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The program's typeface in a size and weight.

    Args:
        pixels: its size, rounded to whole pixels.

    Raises:
        RuntimeError: there is no application yet.
        FileNotFoundError: the bundled files cannot be read.
    """
    _load()
    font = QFont(FAMILY)
    font.setPixelSize(round(pixels))
    font.setWeight(weight)
    font.setHintingPreference(
        QFont.HintingPreference.PreferVerticalHinting
    )  # with horizontal hinting, widths would depend on the system's settings
    return font


def number_font(pixels: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the text font with digits of equal width, so that a changing number does not jitter."""
    font = text_font(pixels, weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def _load() -> None:
    application = QGuiApplication.instance()
    if application is None:
        raise RuntimeError("Text needs an application: make one first.")
    if application.property(_LOADED):
        return
    for name in FILES:
        path = resource(f"fonts/{name}")
        if FAMILY not in QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(path))):
            raise FileNotFoundError(f"{path} is not a font that can be read: install the program again.")
    application.setProperty(_LOADED, True)
