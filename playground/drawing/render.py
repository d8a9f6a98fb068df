"""Pictures without a window."""

import os
from pathlib import Path

from PySide6.QtCore import QSizeF
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter

from playground.drawing import vectors
from playground.drawing.no_display import instead_of_abort
from playground.drawing.scene import Scene, paint
from playground.lab.atomic import atomic_write
from playground.user_errors import UserError, cannot_write

PROVENANCE = "provenance"
"""The text of an image, and of its PNG, that says what made it."""
NO_DISPLAY_NEEDED = "There is no display here, and pictures need none: unset QT_QPA_PLATFORM, or set it to offscreen."


class PictureError(UserError, RuntimeError):
    """A picture cannot be written; the message is one sentence for the user."""


def headless() -> QGuiApplication:
    """The application that text needs: the present one, or a new one without a display. Keep the result."""
    application = QGuiApplication.instance()
    if application is None:
        from PySide6.QtWidgets import QApplication  # for charts, whose items are widgets

        # An empty value counts as unset: Qt would look for a display, and abort the process if there is none.
        os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"
        with instead_of_abort(NO_DISPLAY_NEEDED):
            application = QApplication(["score-playground"])
    return application  # type: ignore[return-value]


def render(scene: Scene, width: float, height: float, pixel_ratio: float = 1.0) -> QImage:
    """The scene as an opaque image of `width` x `height` units of `pixel_ratio` pixels."""
    ground = scene.palette.color("background")
    return painted(
        lambda painter: paint(painter, scene, width, height), (width, height), pixel_ratio, scene.provenance, ground
    )


def save_image(image: QImage | bytes, path: str | os.PathLike[str]) -> None:
    """Write an image as PNG, or the contents of a drawing, whole or not at all.

    Raises:
        PictureError: the folder cannot be written or the disk is full.
    """
    target = Path(path)
    try:
        with atomic_write(target) as temporary:
            temporary.touch()  # its error says why the file cannot be written; Qt's does not
            if isinstance(image, bytes):
                temporary.write_bytes(image)
            # The type stub requires bytes, which PySide6 6.11 refuses.
            elif not image.save(str(temporary), "PNG"):  # type: ignore[call-overload]
                raise OSError(f"the picture of {image.width()} × {image.height()} pixels was refused")
    except OSError as error:
        raise PictureError(cannot_write(target, error)) from None


def painted(
    paint: vectors.Paint, size: tuple[float, float], ratio: float, provenance: str = "", ground: QColor | None = None
) -> QImage:
    """An image of what is painted over [0, width] x [0, height], at `ratio` pixels per painter unit.

    Args:
        ground: the colour below, for what leaves a part of the last pixels free.
    """
    image = QImage((QSizeF(*size) * ratio).toSize(), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    if ground is not None:
        image.fill(ground)
    with QPainter(image) as painter:
        paint(painter)
    image.setText(PROVENANCE, provenance)
    return image


def save_painting(
    paint: vectors.Paint,
    size: tuple[int, int],
    path: str | os.PathLike[str],
    title: str,
    ratio: float = 2.0,
    provenance: str = "",
) -> None:
    """Write what is painted as PNG, SVG or PDF, by the suffix of the file's name, whole or not at all.

    Args:
        paint: paints over [0, width] x [0, height], the background too.
        size: width and height in painter units.
        title: the title inside an SVG or PDF.
        ratio: pixels of a PNG per painter unit.
        provenance: what made it, one line of ASCII.

    Raises:
        PictureError: the folder cannot be written or the disk is full.
    """
    suffix = Path(path).suffix.lower()
    drawn = suffix in vectors.SUFFIXES
    save_image(
        vectors.drawing(suffix, paint, size, size, title, provenance)
        if drawn
        else painted(paint, size, ratio, provenance),
        path,
    )
