"""The layers of a picture, one class each: plain arrays in the user's units that paint themselves.

A layer never changes; a new frame is a new layer. A layer keeps its costly results for the plane on which it was last
painted, so panning computes them again and a still picture does not.
"""

import functools
import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import field
from typing import ClassVar, Literal, TypeVar

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from playground.drawing import lines, raster
from playground.drawing.axes import figure_font, paint_label
from playground.drawing.color_scale import ColorScale
from playground.drawing.color_scale import number as number_text
from playground.drawing.coloring import OPACITY, Coloring
from playground.drawing.contours import contour_segments
from playground.drawing.palette import Palette, density_colors, rgb
from playground.drawing.pixel_buffers import image_of
from playground.drawing.plane import Plane
from playground.drawing.vectors import embed, fine, is_vector
from playground.lab.chart import nice_step
from playground.records import record

Role = Literal["data", "learned", "exact", "error", "particles", "trails", "likelihood"]
DensityStyle = Literal["plain", "contours", "log"]
Made = TypeVar("Made")

SHOWN = 0.75
"""The colour is proportional to this power of p over its peak, which makes tails a little more visible."""
LEVELS, LOG_RANGE = 7, 14.0
"""Approximate number of contours, and nats below the peak down to which log p has colours and contours."""
ERROR_SHOWN, ERROR_ALPHA = 0.5, 0.5
"""The power for an error, a twentieth of which should be visible, and the largest opacity of its red."""

SPRITES = 10_000  # up to so many particles are drawn one by one; more are counted per pixel
DOT, DOT_OPACITY = 1.4, 0.65  # radius of a training point in painter units, and its opacity
TRAIL_SEGMENTS = 8_000  # most segments of all trails in a frame; half as many with 10,000 particles
TRAIL_ROOM = 250_000  # square painter units of the smallest picture with so many
TRAIL_PIXELS = 8  # assumed length of a segment in pixels
ARROW_PIXELS = 90  # most painter units of the longest arrow of a magnified step


@record
class Layer:
    """Base of all layers. It keeps the last result that was computed for painting."""

    _kept: dict[str, tuple[Hashable, object]] = field(default_factory=dict, init=False, repr=False)

    def _keep(self, name: str, key: Hashable, make: Callable[[], Made]) -> Made:
        kept = self._kept.get(name)
        if kept is None or kept[0] != key:
            kept = key, make()
            self._kept[name] = kept
        return kept[1]  # type: ignore[return-value]

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        raise NotImplementedError


@record
class _Map(Layer):
    """Values on a grid, as colours that are scaled smoothly to the picture.

    Args:
        values: (H, W), row 0 at the bottom.
        extent: the rectangle that the grid's cells cover.
    """

    values: np.ndarray
    extent: tuple[float, float, float, float]

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        if is_vector(painter):
            embed(painter, plane, self._scaled(fine(plane), palette))
            return
        # A map changes more rarely than the layers above it, and smooth scaling takes ten times as long as a copy.
        painter.drawImage(0, 0, self._keep("scaled", (plane, palette), lambda: self._scaled(plane, palette)))

    def _scaled(self, plane: Plane, palette: Palette) -> QImage:
        small = self._keep("image", palette, lambda: self.image(palette))
        opaque = small.format() == QImage.Format.Format_RGB32
        image = QImage(plane.columns, plane.rows, small.format())
        image.fill(palette.color("background") if opaque else Qt.GlobalColor.transparent)
        x0, x1, y0, y1 = self.extent
        corners = plane.to_pixels(np.array([[x0, y1], [x1, y0]]))
        target = QRectF(QPointF(*corners[0].tolist()), QPointF(*corners[1].tolist()))
        with QPainter(image) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
            painter.drawImage(target, small)
        image.setDevicePixelRatio(plane.ratio)
        return image

    def image(self, palette: Palette) -> QImage:
        """The map with one pixel for each cell, the top row first."""
        raise NotImplementedError


@record
class Density(_Map):
    """A density on a grid, coloured by (p / peak)^(3/4), which makes tails a little more visible.

    Args:
        values: per unit of both axes.
        style: "plain"; "contours" with lines of equal density; "log" with colours and lines evenly spaced in log p.
    """

    style: DensityStyle = "plain"

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        super().paint(painter, plane, palette)
        if self.style != "plain" and self.peak() > 0:
            segments = self._keep("segments", plane, lambda: self._segments(plane))
            _paint_lines(painter, plane, palette, "text", segments, np.ones(len(segments)), opacity=0.45)

    def peak(self) -> float:
        """The largest value, which has the brightest colour; 0 if there is none."""
        values = np.asarray(self.values, np.float64)
        finite = values[np.isfinite(values)]
        return float(finite.max()) if finite.size else 0.0

    def scale(self, palette: Palette, axes: tuple[str, str]) -> ColorScale | None:
        """The scale of the density in a picture with these axes; None if there is no density."""
        peak = self.peak()
        if peak <= 0:
            return None
        unit = "unit²" if axes == ("x", "y") else " × ".join(axes)
        colors = density_colors(palette)
        if self.style == "log":
            low, high = self._log_range()
            numbers = [((level - low) / (high - low), number_text(level)) for level in self.levels()]
            return ColorScale(f"log p, p per {unit}", colors, tuple(numbers))
        colors = colors[np.round(255 * np.linspace(0, 1, 256) ** SHOWN).astype(int)]
        if self.style == "contours":
            marked = [(0.0, "0"), *((level / peak, number_text(level)) for level in self.levels())]
        else:
            marked = [(share, number_text(share * peak)) for share in (0.0, 0.5, 1.0)]
        return ColorScale(f"density p per {unit}", colors, tuple(marked))

    def levels(self) -> list[float]:
        """The values of p, or of log p, at the contours."""
        low, high = self._log_range() if self.style == "log" else (0.0, self.peak())
        step = nice_step((high - low) / LEVELS)
        first, last = math.floor(low / step) + 1, math.ceil(high / step) - 1
        return [step * number for number in range(first, last + 1)]

    def _log_range(self) -> tuple[float, float]:
        high = math.log(self.peak())
        return high - LOG_RANGE, high

    def shares(self) -> np.ndarray:
        """The position of each value on the colour bar, (H, W), from 0 to 1."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            ratio = np.nan_to_num(np.asarray(self.values, np.float64) / self.peak(), nan=0.0, posinf=1.0)
            if self.style == "log":
                return np.clip(1 + np.log(np.clip(ratio, 0, 1)) / LOG_RANGE, 0, 1)
        clipped: np.ndarray = np.clip(ratio, 0, 1) ** SHOWN
        return clipped

    def image(self, palette: Palette) -> QImage:
        return image_of(density_colors(palette)[np.round(255 * self.shares()[::-1]).astype(np.uint8)])

    def _segments(self, plane: Plane) -> np.ndarray:
        """The contours' segments, (M, 4) in device pixels."""
        values = np.nan_to_num(np.asarray(self.values, np.float64), nan=0.0, posinf=self.peak())
        if self.style == "log":
            values = np.log(np.maximum(values, self.peak() * math.exp(-2 * LOG_RANGE)))
        rows, columns = values.shape
        x0, x1, y0, y1 = self.extent
        cell = np.array([(x1 - x0) / columns, (y1 - y0) / rows])
        pieces = np.concatenate([contour_segments(values, level) for level in self.levels()] or [np.zeros((0, 4))])
        return plane.to_pixels((pieces.reshape(-1, 2) + 0.5) * cell + np.array([x0, y0])).reshape(-1, 4)


@record
class ScoreError(_Map):
    """The error of a learned score: its size as red that grows with the root of the error, and its direction as arrows.

    Args:
        values: per unit; None for the arrows only.
        top: the error with the strongest red, which all larger errors have too.
        arrows: learned minus exact score; None for the map only.
    """

    values: np.ndarray | None  # type: ignore[assignment]
    top: float
    arrows: "Field | None" = None

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        if self.values is not None:
            super().paint(painter, plane, palette)

    def scale(self, palette: Palette, axes: tuple[str, str]) -> ColorScale | None:
        """The scale of the map in a picture with these axes; None if there is no map."""
        if self.values is None:
            return None
        unit = "unit" if axes == ("x", "y") else axes[0]
        ground, red = (np.array(rgb(palette.color(name))) for name in ("background", "error"))
        share = ERROR_ALPHA * np.linspace(0, 1, 256)[:, None] ** ERROR_SHOWN
        colors = raster.premultiplied(ground * (1 - share) + red * share, np.ones(256))
        numbers = ((0.0, "0"), (0.5, number_text(self.top / 2)), (1.0, f"≥ {number_text(self.top)}"))
        return ColorScale(f"score error per {unit}", colors, numbers)

    def shares(self) -> np.ndarray:
        """The strength of each value's red, (H, W), from 0 to 1."""
        assert self.values is not None
        with np.errstate(over="ignore", invalid="ignore"):
            ratio = np.nan_to_num(np.asarray(self.values, np.float64) / self.top, nan=1.0, posinf=1.0)
        shown: np.ndarray = np.clip(ratio, 0, 1) ** ERROR_SHOWN
        return shown

    def image(self, palette: Palette) -> QImage:
        level = np.round(255 * self.shares()[::-1]).astype(np.uint8)
        colors = raster.tints(palette.color("error"), ERROR_ALPHA)[level]
        return image_of(colors, QImage.Format.Format_ARGB32_Premultiplied)


@record
class _Dots(Layer):
    """Points as discs, in the colour of a role or of their classes; more than `most` uncoloured ones are counted pixel by pixel.

    Args:
        positions: (N, 2).
        coloring: a property of each point that its colour shows.
    """

    role: ClassVar[Role]
    opacity: ClassVar[float]
    most: ClassVar[int]

    positions: np.ndarray
    coloring: Coloring | None = None

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        if not is_vector(painter):
            inked = self._keep("inked", (plane, palette), lambda: self._inked(plane, palette))
            raster.paint_tinted(painter, *inked, plane.ratio)
        elif len(self.positions) <= self.most:
            self._draw(painter, plane, palette)
        else:
            found, colors = self._inked(fine(plane), palette)
            embed(painter, plane, image_of(colors[found], QImage.Format.Format_ARGB32_Premultiplied))

    def radius(self) -> float:
        """That of a disc, in painter units."""
        raise NotImplementedError

    def square(self) -> float:
        """The side of the square on which a point is counted, in painter units."""
        raise NotImplementedError

    def crowd(self, counts: np.ndarray, palette: Palette) -> np.ndarray:
        """The colours of 0 to 255 points on a pixel, (256,) uint32, for counts (H, W)."""
        raise NotImplementedError

    def _inked(self, plane: Plane, palette: Palette) -> tuple[np.ndarray, np.ndarray]:
        """The coverage of the picture, and the colours of its values."""
        pixels, radius = plane.to_pixels(self.positions), self.radius() * plane.ratio
        if self.coloring is not None:
            found = raster.discs(pixels, max(radius, 1.0), plane.columns, plane.rows, self.coloring.labels)
            return found, self.coloring.colors(palette, self.opacity)
        if len(pixels) <= self.most:
            found = raster.discs(pixels, radius, plane.columns, plane.rows)
            return found, raster.tints(palette.color(self.role), self.opacity)
        square = max(1, round(self.square() * plane.ratio))
        found = np.minimum(raster.counts(pixels, plane.columns, plane.rows, square), 255).astype(np.uint8)
        return found, self.crowd(found, palette)

    def _draw(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        """Draw the visible points as discs of a file of lines and text."""
        inks = None
        if self.coloring is not None:
            inks = self.coloring.colors(palette, self.opacity)[255 * 256 :][self.coloring.labels].tolist()
        painter.setBrush(palette.color(self.role, self.opacity))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        radius, places = self.radius(), plane.to_painter(self.positions)
        room = np.array([plane.width, plane.height]) + radius
        with np.errstate(invalid="ignore"):
            seen = np.flatnonzero(((places > -radius) & (places < room)).all(axis=1))
        for number in seen.tolist():
            if inks is not None:
                painter.setBrush(_unpremultiplied(inks[number]))
            painter.drawEllipse(QPointF(*places[number].tolist()), radius, radius)


@record
class Data(_Dots):
    """The training points as small dots; the colour is stronger if several share a pixel."""

    role = "data"
    opacity = DOT_OPACITY
    most = 2_000

    def radius(self) -> float:
        return DOT

    def square(self) -> float:
        return 1.5

    def crowd(self, counts: np.ndarray, palette: Palette) -> np.ndarray:
        # A single point must be visible, and a million must not fill the canvas.
        typical = float(counts.sum()) / max(int(np.count_nonzero(counts)), 1)
        opacity = np.maximum(1 - np.exp(-0.5 * np.arange(256) / max(typical, 1.0)), 0.16)
        opacity[0] = 0
        colors: np.ndarray = raster.tints(palette.color("data"), DOT_OPACITY)[np.round(255 * opacity).astype(int)]
        return colors


@record
class Field(Layer):
    """Vectors as arrows centred on their positions. Length and opacity grow with the logarithm of the magnitude.

    A score spans decades over one picture; drawn to scale, all but a few arrows would vanish. The longest arrow, that of
    the 95th percentile of magnitudes, just fits between its neighbours.

    Args:
        positions: (N, 2).
        vectors: (N, 2), as displacements in the user's units.
        what: what the arrows are.
    """

    positions: np.ndarray
    vectors: np.ndarray
    role: Role = "learned"
    what: str = "score"

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        if len(self.positions):
            # The exact score is a broader, paler stroke under the learned one, so both are visible where they agree.
            thickness = {"exact": 2.6, "error": 1.5}.get(self.role, 1.0)
            opacity = 0.55 if self.role == "exact" else 1.0
            _paint_lines(painter, plane, palette, self.role, *self._strokes(plane), thickness, opacity)

    def _strokes(self, plane: Plane) -> tuple[np.ndarray, np.ndarray]:
        """The shafts and heads of the arrows: (M, 4) device pixels, and (M,) strengths."""
        tails, tips, strength = self.arrows(plane)
        step = tips - tails
        length = np.hypot(step[:, 0], step[:, 1])
        along = step / np.maximum(length, 1e-12)[:, None]
        head = np.minimum(0.42 * length, 5.5 * plane.ratio)[:, None]
        side = np.stack([-along[:, 1], along[:, 0]], axis=1)
        left, right = tips - head * (along - 0.55 * side), tips - head * (along + 0.55 * side)
        segments = np.concatenate([np.hstack([tails, tips]), np.hstack([left, tips]), np.hstack([right, tips])])
        return segments, np.tile(strength, 3)

    def arrows(self, plane: Plane) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tails (N, 2) and tips (N, 2) in device pixels, and opacities (N,) in [0.4, 1]; without zero vectors."""
        positions, vectors = np.asarray(self.positions, float), np.asarray(self.vectors, float)
        step = vectors * plane.scale
        length = np.hypot(step[:, 0], step[:, 1])
        seen = np.isfinite(length) & (length > 0) & np.isfinite(positions).all(axis=1)
        positions, step, length = positions[seen], step[seen], length[seen]
        if not len(length):
            return np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)
        place = round(0.95 * (len(length) - 1))
        saturation = max(float(np.partition(length, place)[place]), 1e-300)
        size = np.clip(np.log1p(9 * length / saturation) / math.log(10), 0, 1)
        pixels = plane.to_pixels(positions)
        extent = np.ptp(pixels, axis=0)
        spacing = math.sqrt(max(float(extent[0] * extent[1]), 1.0) / len(pixels))
        longest = min(max(0.86 * spacing, 8 * plane.ratio), 34 * plane.ratio)
        half = step / length[:, None] * (size * longest / 2)[:, None]
        return pixels - half, pixels + half, 0.4 + 0.6 * size


@record
class Particles(_Dots):
    """The sampler's particles; more than SPRITES are a glow.

    Args:
        size: factor on the radius.
    """

    role = "particles"
    opacity = OPACITY
    most = SPRITES

    size: float = 1.0

    def radius(self) -> float:
        """Painter units: 3 for a few hundred, 1.5 for ten thousand."""
        crowding = math.sqrt(math.sqrt(600 / max(len(self.positions), 1)))
        return self.size * min(3.0, max(1.5, 3.0 * crowding))

    def square(self) -> float:
        return self.size

    def crowd(self, counts: np.ndarray, palette: Palette) -> np.ndarray:
        return _glow(palette)


@record
class Trails(Layer):
    """The recent positions of particles: (K, N, 2), oldest first; the last row has the present ones.

    If there are many particles, only every second, fourth, eighth... has a trail, always the same ones. The picture stays
    legible and each frame is painted in time.

    Args:
        length: the number of given steps that a trail reaches back.
    """

    positions: np.ndarray
    length: int = 16

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        if len(self.positions) >= 2:
            _paint_lines(painter, plane, palette, "trails", *self._strokes(plane), ink=True)

    def drawn(self, plane: Plane) -> np.ndarray:
        """(K, M, 2) device pixels of the particles whose trails are drawn."""
        positions = self.positions[-(self.length + 1) :]
        hops, count = len(positions) - 1, positions.shape[1]
        # Dots and trails share the time of a frame, and a small picture has room for fewer.
        room = min(1.0, plane.width * plane.height / TRAIL_ROOM)
        budget = room * max(TRAIL_SEGMENTS - self.positions.shape[1] // 2, TRAIL_SEGMENTS // 2)
        stride = 1
        while hops * count > stride * budget:
            stride *= 2
        paths = plane.to_pixels(positions[:, ::stride])
        with np.errstate(invalid="ignore"):
            steps = np.abs(np.diff(paths, axis=0)).max(axis=2)
        # Early on, at large sigma, single steps cross the canvas: fewer trails then.
        length = float(np.nansum(np.minimum(steps, max(plane.columns, plane.rows))))
        thinner = 1
        while length > thinner * TRAIL_PIXELS * budget * plane.ratio and thinner < paths.shape[1]:
            thinner *= 2
        return paths[:, ::thinner]

    def _strokes(self, plane: Plane) -> tuple[np.ndarray, np.ndarray]:
        """The segments of the trails: (M, 4) device pixels and (M,) strengths."""
        paths = self.drawn(plane)
        hops = len(paths) - 1
        age = np.repeat(np.arange(1, hops + 1) / hops, paths.shape[1])
        return np.concatenate([paths[:-1], paths[1:]], axis=2).reshape(-1, 4), 0.12 + 0.48 * age


@record
class Path(Layer):
    """The path of one point under the probability flow, (P, 2) from the data to the noise, with falling opacity."""

    points: np.ndarray

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        corners = _corners(plane, self.points)
        if not corners:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for number in range(len(corners) - 1):
            alpha = 1.0 - 0.75 * number / max(len(corners) - 2, 1)
            pen = QPen(palette.color("likelihood", alpha), 2.0)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            painter.drawLine(corners[number], corners[number + 1])
        _dot(painter, corners[0], 6.0, palette)


@record
class FollowedParticle(Layer):
    """One particle: a ring, its path so far, and the terms of its next step as arrows, each from the end of the one before.

    Args:
        positions: (K, 2), its path; the last row is its present position.
        terms: displacements (2,) with their colours, in the order of the arrows.
        denoised: (2,), the end of a thin line with a small ring; None without noise.
    """

    positions: np.ndarray
    terms: tuple[tuple[np.ndarray, Role], ...] = ()
    denoised: np.ndarray | None = None

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        way = _corners(plane, self.positions)
        if not way:
            return
        for _ in outlined(painter, palette, "text", 1.4, 0.55):
            painter.drawPolyline(way)
        middle = way[-1]
        self._paint_terms(painter, plane, palette, middle)
        for end in [] if self.denoised is None else _corners(plane, self.denoised[None]):
            for pen in outlined(painter, palette, "data", 1.8):
                painter.drawEllipse(end, 4.5, 4.5)
                pen.setDashPattern([7.0 / pen.widthF(), 6.0 / pen.widthF()])
                painter.setPen(pen)
                painter.drawLine(middle, end)
        for _ in outlined(painter, palette, "text", 2.2):
            painter.drawEllipse(middle, 6.5, 6.5)

    def magnified(self, plane: Plane) -> int:
        """The magnification of its arrows, 1, 2, 5, 10 and so on, so that a small step is visible."""
        lengths = [math.hypot(*(step * plane.scale).tolist()) for step, _ in self.terms]
        longest: float = max(lengths, default=0.0)
        if not 0 < longest < ARROW_PIXELS / 2:
            return 1
        factors = [factor * 10**power for power in range(7) for factor in (1, 2, 5)]
        return max((factor for factor in factors if factor * longest <= ARROW_PIXELS), default=1)

    def _paint_terms(self, painter: QPainter, plane: Plane, palette: Palette, start: QPointF) -> None:
        factor = self.magnified(plane)
        if factor > 1:
            font = figure_font(11)
            text, metrics = f"arrows × {factor}", QFontMetricsF(font)
            box = QRectF(start.x() + 12, start.y() + 10, metrics.horizontalAdvance(text), metrics.height())
            painter.setFont(font)
            paint_label(painter, palette, box, text, "text")
        for step, role in self.terms:
            across, down = (factor * step * plane.scale).tolist()
            end = QPointF(start.x() + across, start.y() + down)
            length = math.hypot(across, down)
            if not length < 1e5:
                return  # its end is far outside the picture
            if length >= 0.5:
                along = QPointF(across / length, down / length)
                head = min(9.0, 0.6 * length)
                sides = [
                    end - QPointF(along.x() - turn * along.y(), along.y() + turn * along.x()) * head
                    for turn in (0.45, -0.45)
                ]
                for _ in outlined(painter, palette, role, 2.6):
                    painter.drawLine(start, end)
                    painter.drawPolyline([sides[0], end, sides[1]])
            start = end


@record
class Flow(Layer):
    """The path of a dragged start, (P, 2), from the noise to the data: a line from a dot to a ring."""

    points: np.ndarray

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        corners = _corners(plane, self.points)
        if len(corners) < 2:
            return
        for _ in outlined(painter, palette, "likelihood", 2.2):
            painter.drawPolyline(corners)
        for dot in self.dots(corners):
            _dot(painter, dot, 4.0, palette)
        painter.setBrush(palette.color("background"))
        painter.setPen(QPen(palette.color("likelihood"), 2.5))
        painter.drawEllipse(corners[-1], 6.0, 6.0)

    def dots(self, corners: list[QPointF]) -> list[QPointF]:
        """Those of its corners that have a dot."""
        return corners[:1]


@record
class InterpolatedPoints(Flow):
    """The points of an interpolation, (P, 2): a line through all, evenly spaced dots, and a ring at the end."""

    def dots(self, corners: list[QPointF]) -> list[QPointF]:
        return corners[:: max((len(corners) - 1) // 8, 1)][1:]


@record
class Strokes(Layer):
    """Brush strokes: polylines of (P, 2) points with a radius of one standard deviation, in the user's units."""

    strokes: tuple[tuple[np.ndarray, float], ...]

    def paint(self, painter: QPainter, plane: Plane, palette: Palette) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for points, radius in self.strokes:
            corners = plane.to_painter(np.asarray(points).reshape(-1, 2)).tolist()
            path = QPainterPath(QPointF(*corners[0]))
            for x, y in corners[1:] or [(corners[0][0] + 0.01, corners[0][1])]:
                path.lineTo(x, y)
            # Two standard deviations faint, one stronger: the shape of the painted density.
            for deviations, alpha in ((2.0, 0.14), (1.0, 0.28)):
                pen = QPen(palette.color("data", alpha), max(2 * deviations * radius * plane.scale[0], 1.0))
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
                painter.strokePath(path, pen)


def _unpremultiplied(value: int) -> QColor:
    """The colour of a premultiplied ARGB pixel that is not transparent."""
    alpha = value >> 24
    red, green, blue = (min(round(255 * (value >> shift & 255) / alpha), 255) for shift in (16, 8, 0))
    return QColor(red, green, blue, alpha)


def _paint_lines(
    painter: QPainter,
    plane: Plane,
    palette: Palette,
    color: str,
    segments: np.ndarray,
    strength: np.ndarray,
    thickness: float = 1.0,
    opacity: float = 1.0,
    ink: bool = False,
) -> None:
    """Paint line segments (M, 4) in device pixels, each with a strength (M,) from 0 to 1.

    Args:
        thickness: in painter units.
        opacity: that of strength 1.
        ink: whether crossing lines add up, until they saturate; otherwise the stronger one stays.
    """
    if not is_vector(painter):
        broad = max(thickness * plane.ratio, 1.0)
        coverage = lines.line_coverage(segments, strength, broad, plane.columns, plane.rows, ink=ink)
        colors = _ink(palette) if ink else raster.tints(palette.color(color), opacity)
        raster.paint_tinted(painter, coverage, colors, plane.ratio)
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    steps = np.round(20 * (np.tanh(strength) if ink else opacity * strength)).astype(int)
    finite = np.isfinite(segments).all(axis=1)
    for step in np.unique(steps[finite]).tolist():  # those of similar opacity together
        pen = QPen(palette.color(color, step / 20), thickness)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLines([QLineF(*ends) for ends in segments[finite & (steps == step)].tolist()])


@functools.lru_cache(maxsize=4)
def _glow(palette: Palette) -> np.ndarray:
    """Colours (256,) uint32: amber for one particle on a pixel, stronger for a few, paler (on light, deeper) for many."""
    number = np.arange(256)
    color = palette.color("particles")
    crowd = color.lighter(150) if palette.dark else color.darker(160)
    part = (1 - np.exp(-np.maximum(number - 2, 0) / 12))[:, None]
    colors = np.array(rgb(color)) * (1 - part) + np.array(rgb(crowd)) * part
    return raster.premultiplied(colors, 0.95 * (1 - 0.5**number))


@functools.lru_cache(maxsize=4)
def _ink(palette: Palette) -> np.ndarray:
    """Colours (256,) uint32 that saturate, so that a hundred trails on a pixel are not too bright."""
    saturated: np.ndarray = raster.tints(palette.color("trails"))[
        np.round(255 * np.tanh(np.arange(256) / 128)).astype(int)
    ]
    return saturated


def _corners(plane: Plane, points: np.ndarray) -> list[QPointF]:
    """Return the corners of a line through points (P, 2), in painter units, without those that are not finite."""
    places = plane.to_painter(points)
    places = places[np.isfinite(places).all(axis=1)]
    return [QPointF(x, y) for x, y in np.clip(places, -1e5, 1e5).tolist()]


def _dot(painter: QPainter, centre: QPointF, radius: float, palette: Palette) -> None:
    painter.setPen(QPen(palette.color("background", 0.85), 1.5))
    painter.setBrush(palette.color("likelihood"))
    painter.drawEllipse(centre, radius, radius)


def outlined(painter: QPainter, palette: Palette, role: str, width: float, alpha: float = 1.0) -> Iterator[QPen]:
    """Set two pens in turn, for the same lines drawn twice: in the role's colour, over a border that keeps them apart from other layers."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, wide in ((palette.color("background", 0.8), width + 2.8), (palette.color(role, alpha), width)):
        pen = QPen(color, wide, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        yield pen
