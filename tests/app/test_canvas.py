"""The canvas under a real mouse and keyboard."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from playground.app.canvas import CanvasView, ChipBar
from playground.app.canvas.chips import DOT, PADDING
from playground.app.canvas.legend import KEYS, LEGEND
from playground.app.style.wrapping import with_indices
from playground.drawing.coloring import by_class
from playground.drawing.film import at_frame
from playground.drawing.images import ImageGrid
from playground.drawing.layers import Density, Field, Particles, Path, ScoreError, Trails
from playground.drawing.palette import DARK, LIGHT
from playground.drawing.render import render
from playground.drawing.scene import Scene
from tests.app.conftest import heard

LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
BOX = (-2.0, 2.0, -1.0, 1.0)


@pytest.fixture
def canvas(qapp: QApplication) -> Iterator[CanvasView]:
    """600 x 300 pixels over BOX: 150 pixels a unit."""
    view = CanvasView()
    view.resize(600, 300)
    view.show()
    QTest.qWaitForWindowExposed(view)
    view.fit(BOX)
    QApplication.processEvents()
    yield view
    view.close()
    view.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def pixels(canvas: CanvasView) -> np.ndarray:
    """What is shown, (300, 600, 4) numbers of colour."""
    image = render(canvas.scene(600, 300), 600, 300)
    return np.frombuffer(bytes(image.constBits()), np.uint8).reshape(300, 600, 4).astype(int)


def drag(canvas: CanvasView, button: Qt.MouseButton, *places: tuple[int, int]) -> None:
    QTest.mousePress(canvas.surface, button, NONE, QPoint(*places[0]))
    for place in places[1:]:
        QTest.mouseMove(canvas.surface, QPoint(*place))
        QApplication.processEvents()
    QTest.mouseRelease(canvas.surface, button, NONE, QPoint(*places[-1]))


def turn(canvas: CanvasView, place: tuple[int, int], notches: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    at = QPointF(*place)
    event = QWheelEvent(
        at,
        canvas.surface.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas.surface, event)
    QApplication.processEvents()


def under(canvas: CanvasView, x: int, y: int) -> tuple[float, float]:
    """The user's coordinates below a pixel, computed here from the viewport alone."""
    x0, x1, y0, y1 = canvas.viewport
    return x0 + (x1 - x0) * x / canvas.width(), y1 - (y1 - y0) * y / canvas.height()


def moved(canvas: CanvasView) -> None:
    canvas.fit((-3.0, 1.0, 0.0, 2.0))


def picked(canvas: CanvasView, modifier: str = "") -> list[object]:
    """The points and images that are picked with a modifier from now on."""
    places: list[object] = []
    canvas.picking.picked.connect(lambda place, held: places.append(place) if held == modifier else None)
    return places


def zoomed(canvas: CanvasView) -> None:
    turn(canvas, (100, 40), 4)


def stretched(canvas: CanvasView) -> None:
    canvas.surface.set_aspect_locked(False)
    canvas.fit((0.0, 1.0, 200.0, 900.0))


def resized(canvas: CanvasView) -> None:
    canvas.resize(410, 390)
    QApplication.processEvents()


# --- coordinates


@pytest.mark.parametrize("change", [lambda _: None, moved, zoomed, stretched, resized])
def test_click_and_hover_tell_the_place_under_the_pointer(canvas: CanvasView, change: Callable) -> None:
    change(canvas)
    QTest.mouseMove(canvas.surface, QPoint(10, 10))  # a move to where the pointer is already says nothing
    QApplication.processEvents()
    clicked, hovered = picked(canvas), heard(canvas.hovered)
    QTest.mouseMove(canvas.surface, QPoint(120, 200))
    QApplication.processEvents()
    QTest.mouseClick(canvas.surface, LEFT, NONE, QPoint(120, 200))
    assert clicked == [pytest.approx(under(canvas, 120, 200))]
    assert hovered[-1] == pytest.approx(under(canvas, 120, 200))


def test_the_place_under_a_resting_pointer_follows_the_view(canvas: CanvasView) -> None:
    for place in ((10, 10), (120, 200)):
        QTest.mouseMove(canvas.surface, QPoint(*place))
        QApplication.processEvents()
    hovered = heard(canvas.hovered)
    for change in (moved, zoomed, stretched, CanvasView.fit):
        change(canvas)
        assert hovered[-1] == pytest.approx(under(canvas, 120, 200))
    canvas.set_readout(["x  (1.00, 2.00)"])
    resized(canvas)
    assert hovered[-1] is None
    assert canvas.readout() == ""


def test_fit_shows_the_whole_undistorted(canvas: CanvasView) -> None:
    assert canvas.viewport == pytest.approx(BOX)
    canvas.fit((0.0, 1.0, 0.0, 10.0))
    x0, x1, y0, y1 = canvas.viewport
    assert (y0, y1) == pytest.approx((0, 10))
    assert (x1 - x0) / 600 == pytest.approx((y1 - y0) / 300)
    assert (x0 + x1) / 2 == pytest.approx(0.5)


def test_fit_without_bounds_shows_the_data_else_the_particles(canvas: CanvasView) -> None:
    canvas.change(particles=Particles(np.array([[100.0, 100.0], [101.0, 101.0]])))
    canvas.fit()
    assert 100 < sum(canvas.viewport[:2]) / 2 < 101
    canvas.set_data(np.array([[-7.0, 5.0], [-5.0, 6.0]]))
    canvas.fit()
    assert sum(canvas.viewport[:2]) / 2 == pytest.approx(-6)


def test_unlocked_axes_take_their_own_scales(canvas: CanvasView) -> None:
    stretched(canvas)
    assert canvas.viewport == pytest.approx((0.0, 1.0, 200.0, 900.0))
    canvas.surface.set_aspect_locked(True)
    x0, x1, y0, y1 = canvas.viewport
    assert (x1 - x0) / 600 == pytest.approx((y1 - y0) / 300)


# --- pan and zoom


@pytest.mark.parametrize("button", [LEFT, MIDDLE, RIGHT])
def test_a_drag_takes_the_plane_along(canvas: CanvasView, button: Qt.MouseButton) -> None:
    clicked, viewports = picked(canvas), heard(canvas.viewport_changed)
    before = under(canvas, 300, 150)
    drag(canvas, button, (300, 150), (320, 160), (390, 120))
    assert under(canvas, 390, 120) == pytest.approx(before)
    assert viewports[-1] == pytest.approx(canvas.viewport)
    assert not clicked


def test_a_press_that_trembles_is_still_a_click(canvas: CanvasView) -> None:
    clicked = picked(canvas)
    drag(canvas, LEFT, (300, 150), (301, 151), (302, 150))
    assert len(clicked) == 1
    assert canvas.viewport == pytest.approx(BOX)


def test_the_wheel_zooms_about_the_pointer(canvas: CanvasView) -> None:
    before = under(canvas, 450, 60)
    turn(canvas, (450, 60), 3)
    assert under(canvas, 450, 60) == pytest.approx(before)
    assert canvas.viewport[1] - canvas.viewport[0] == pytest.approx(4 / 1.25**3)
    turn(canvas, (450, 60), -3)
    assert canvas.viewport == pytest.approx(BOX)


def test_zoom_has_ends(canvas: CanvasView) -> None:
    for notches, width in ((10, 4e-4), (-10, 400.0)):
        for _ in range(12):
            turn(canvas, (300, 150), notches)
        assert canvas.viewport[1] - canvas.viewport[0] == pytest.approx(width)
        assert canvas.grab().width() == 600


def test_the_view_stays_within_reach_of_the_data(canvas: CanvasView) -> None:
    for _ in range(12):
        turn(canvas, (10, 10), -10)
    assert canvas.viewport == pytest.approx((-200.0, 200.0, -100.0, 100.0))
    turn(canvas, (10, 10), 10)
    for _ in range(60):
        drag(canvas, LEFT, (10, 10), (590, 290))
    x0, _, _, y1 = canvas.viewport
    assert (x0, y1) == pytest.approx((-200.0, 100.0))


def test_double_click_shows_all(canvas: CanvasView) -> None:
    zoomed(canvas)
    QTest.mouseDClick(canvas.surface, LEFT, NONE, QPoint(50, 50))
    assert canvas.viewport == pytest.approx(BOX)


def test_keys_pan_zoom_and_fit(canvas: CanvasView) -> None:
    canvas.setFocus()
    view = canvas.focusProxy()
    for key, expected in (
        (Qt.Key.Key_Right, (-1.6, 2.4, -1.0, 1.0)),
        (Qt.Key.Key_Up, (-1.6, 2.4, -0.8, 1.2)),
        (Qt.Key.Key_Left, (-2.0, 2.0, -0.8, 1.2)),
        (Qt.Key.Key_Down, BOX),
        (Qt.Key.Key_Plus, (-1.6, 1.6, -0.8, 0.8)),
        (Qt.Key.Key_Minus, BOX),
        (Qt.Key.Key_Plus, (-1.6, 1.6, -0.8, 0.8)),
        (Qt.Key.Key_0, BOX),
    ):
        QTest.keyClick(view, key)
        assert canvas.viewport == pytest.approx(expected), key


def test_enter_takes_the_point_in_the_middle_as_a_click_would(canvas: CanvasView) -> None:
    first, second = picked(canvas), picked(canvas, "shift")
    view = canvas.focusProxy()
    view.clearFocus()
    view.setFocus(Qt.FocusReason.TabFocusReason)
    marked = canvas.surface.grab().toImage().pixelColor(300, 150)
    assert marked == canvas.shown().palette.color("accent")
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Return)
    QTest.keyClick(view, Qt.Key.Key_Up)
    QTest.keyClick(view, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert first == [pytest.approx((0.4, 0.0))]
    assert second == [pytest.approx((0.4, 0.2))]
    canvas.surface.take_brush(True)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert len(first) == 1


@pytest.mark.parametrize("tool", ["point", "brush"])
def test_a_key_of_the_windows_is_left_to_it(canvas: CanvasView, tool: str) -> None:
    canvas.surface.take_brush(tool == "brush")
    for key in (Qt.Key.Key_Space, Qt.Key.Key_R, *([Qt.Key.Key_Escape] if tool == "point" else [])):
        event = QKeyEvent(QEvent.Type.KeyPress, key, NONE)
        QApplication.sendEvent(canvas.focusProxy(), event)
        assert not event.isAccepted(), key


# --- the brush


def test_a_stroke_follows_the_mouse_and_is_previewed(canvas: CanvasView) -> None:
    canvas.surface.take_brush(True)
    canvas.brush.set_radius(0.1)
    strokes, clicked = heard(canvas.brush.ended), picked(canvas)
    QTest.mousePress(canvas.surface, LEFT, NONE, QPoint(100, 100))
    for x in range(110, 301, 10):
        QTest.mouseMove(canvas.surface, QPoint(x, 100))
        QApplication.processEvents()
    middle = canvas.grab().toImage().pixelColor(200, 100)
    assert middle.green() > middle.red() + 20  # teal
    QTest.mouseRelease(canvas.surface, LEFT, NONE, QPoint(300, 100))
    ((points, radius),) = strokes
    assert radius == 0.1
    assert points[0] == pytest.approx(under(canvas, 100, 100))
    assert points[-1] == pytest.approx(under(canvas, 300, 100), abs=0.04)
    assert 5 < len(points) <= 21
    assert not clicked
    assert canvas.viewport == pytest.approx(BOX)
    after = canvas.grab().toImage().pixelColor(200, 100)
    assert after.green() < after.red() + 20  # the points take the preview's place


def test_a_single_press_is_a_stroke_of_one_point(canvas: CanvasView) -> None:
    canvas.surface.take_brush(True)
    strokes = heard(canvas.brush.ended)
    QTest.mouseClick(canvas.surface, LEFT, NONE, QPoint(300, 150))
    assert strokes == [([pytest.approx((0.0, 0.0))], 0.05)]


def test_earlier_strokes_stay_while_a_new_one_is_painted_and_escape_takes_it_back(canvas: CanvasView) -> None:
    canvas.surface.take_brush(True)
    canvas.set_strokes([(np.array([[1.0, 0.5], [1.5, 0.5]]), 0.1)])
    strokes = heard(canvas.brush.ended)
    before = canvas.scene(600, 300).strokes
    QTest.mousePress(canvas.surface, LEFT, NONE, QPoint(100, 100))
    QTest.mouseMove(canvas.surface, QPoint(160, 100))
    QApplication.processEvents()
    assert len(canvas.scene(600, 300).strokes.strokes) == 2
    QTest.keyClick(canvas.focusProxy(), Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas.surface, LEFT, NONE, QPoint(160, 100))
    assert not strokes
    assert len(canvas.scene(600, 300).strokes.strokes) == len(before.strokes) == 1


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier])
def test_the_wheel_with_a_modifier_sizes_the_brush(canvas: CanvasView, modifier: Qt.KeyboardModifier) -> None:
    canvas.surface.take_brush(True)
    canvas.brush.set_radius(0.1)
    radii = heard(canvas.brush.radius_changed)
    turn(canvas, (300, 150), 2, modifier)
    assert radii == [pytest.approx(0.1 * 1.15**2)]
    assert canvas.viewport == pytest.approx(BOX)
    for _ in range(100):
        turn(canvas, (300, 150), 10, modifier)
    assert radii[-1] == pytest.approx(0.6)
    QTest.keyClick(canvas.focusProxy(), Qt.Key.Key_BracketLeft)
    assert radii[-1] == pytest.approx(0.6 / 1.15)


def test_a_right_click_asks_for_the_menu_and_a_drag_does_not(canvas: CanvasView) -> None:
    asked, surface = heard(canvas.surface.menu_requested), canvas.surface
    QTest.mouseClick(surface, RIGHT, pos=QPoint(120, 80))
    assert asked == [surface.mapToGlobal(QPoint(120, 80))]
    QTest.mousePress(surface, RIGHT, pos=QPoint(120, 80))
    QTest.mouseMove(surface, QPoint(180, 80))
    QTest.mouseRelease(surface, RIGHT, pos=QPoint(180, 80))
    QTest.mouseClick(surface, LEFT, pos=QPoint(120, 80))
    assert len(asked) == 1
    QTest.keyClick(surface, Qt.Key.Key_Menu)
    assert len(asked) == 2


@pytest.mark.parametrize("button", [MIDDLE, Qt.MouseButton.RightButton])
def test_the_brush_still_pans_with_the_other_buttons(canvas: CanvasView, button: Qt.MouseButton) -> None:
    canvas.surface.take_brush(True)
    strokes = heard(canvas.brush.ended)
    before = under(canvas, 300, 150)
    drag(canvas, button, (300, 150), (350, 150))
    assert under(canvas, 350, 150) == pytest.approx(before)
    assert not strokes


def test_classes_colour_the_data_until_one_colour_is_chosen(canvas: CanvasView) -> None:
    points, classes = np.zeros((4, 2)), by_class(np.array([0, 1, 0, 1]), ("a", "b"))
    canvas.set_data(points, classes)
    assert canvas.shown().data.coloring is classes
    canvas.layers.set_option("data", "color", "one")
    assert canvas.shown().data.coloring is None
    canvas.layers.set_option("data", "color", "class")
    assert canvas.shown().data.coloring is classes
    canvas.set_data(points)
    assert canvas.shown().data.coloring is None


# --- pictures


def put(canvas: CanvasView, **layers: object) -> None:
    """Put layers on the canvas, as the frames do."""
    canvas.change_scene(lambda scene: dataclasses.replace(scene, **layers))


def fill(canvas: CanvasView) -> None:
    generator = np.random.default_rng(0)
    points = generator.normal(scale=0.4, size=(300, 2))
    canvas.set_data(points)
    put(
        canvas,
        density=Density(np.arange(64.0).reshape(8, 8), BOX),
        learned=Field(points[:50], -points[:50], "learned"),
        exact=Field(points[:50], points[:50], "exact"),
        error=ScoreError(np.linspace(0, 1, 64).reshape(8, 8), BOX, 1.0, Field(points, points, "error")),
    )
    trails = Trails(np.stack([points[:100] + 0.1 * step for step in range(-5, 1)]))
    canvas.change(particles=Particles(points[:100]), trails=trails)
    canvas.change(path=Path(np.array([[0.0, 0.5], [1.0, 0.9]])))
    canvas.change(caption=("σ = 1",))


def image_of(canvas: CanvasView) -> QImage:
    QApplication.processEvents()
    return canvas.surface.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_what_is_exported_is_what_the_screen_shows(canvas: CanvasView, palette, recolor) -> None:
    fill(canvas)
    recolor(palette)
    canvas.layers.set_visible("exact", True)
    turn(canvas, (100, 40), 2)
    assert render(canvas.scene(600, 300), 600, 300) == image_of(canvas)


def test_a_video_of_another_shape_shows_at_least_as_much(canvas: CanvasView) -> None:
    fill(canvas)
    x0, x1, y0, y1 = canvas.scene(400, 400).viewport
    assert x0 <= -2
    assert x1 >= 2
    assert (x1 - x0) == pytest.approx(y1 - y0)


@pytest.mark.parametrize("key", KEYS)
def test_a_hidden_layer_is_not_in_the_picture(canvas: CanvasView, key: str) -> None:
    fill(canvas)
    toggled = heard(canvas.layers.toggled)
    canvas.layers.set_visible(key, False)
    without = image_of(canvas)
    assert getattr(canvas.scene(600, 300), key) is None
    canvas.layers.set_visible(key, True)
    assert getattr(canvas.scene(600, 300), key) is not None
    assert image_of(canvas) != without
    assert toggled[-1] == (key, True)
    before = len(toggled)
    canvas.layers.set_visible(key, True)
    assert len(toggled) == before


def test_it_paints_when_something_changes_and_only_then(canvas: CanvasView) -> None:
    painted = heard(canvas.surface.painted)
    fill(canvas)
    QApplication.processEvents()
    assert len(painted) == 1
    assert painted[0] > 0
    canvas.surface.update()
    for x in (10, 40):
        QTest.mouseMove(canvas.surface, QPoint(x, 40))
    QApplication.processEvents()
    canvas.layers.set_visible("data", True)
    QApplication.processEvents()
    assert len(painted) == 1


def test_an_empty_canvas_is_not_grey(canvas: CanvasView) -> None:
    canvas.change(hint="Paint points with the brush.")
    image = image_of(canvas)
    assert image.pixelColor(3, 3) == QColor(DARK.background)
    assert len({image.pixel(x, y) for x in range(600) for y in range(100, 200)}) > 10


def test_the_readout_stays_inside_and_goes_with_the_pointer(canvas: CanvasView) -> None:
    canvas.set_readout(["not yet"])
    assert canvas.readout() == ""
    for place in ((300, 100), (20, 20), (590, 290)):
        QTest.mouseMove(canvas.surface, QPoint(*place))
        QApplication.processEvents()
        canvas.set_readout(["x  (1.00, 2.00)", "log p  −0.7"])
        assert canvas.readout() == "x  (1.00, 2.00)\nlog p  −0.7"
        assert canvas.rect().contains(canvas.readout_label.geometry())
        assert not canvas.readout_label.geometry().contains(QPoint(*place))
    canvas.set_readout([])
    assert canvas.readout() == ""


def test_options_reach_the_layers(canvas: CanvasView) -> None:
    fill(canvas)
    changed = heard(canvas.layers.option_changed)
    canvas.layers.set_option("particles", "size", 1.6)
    canvas.layers.set_option("trails", "length", 4)
    columns, rows = canvas.arrow_grid()
    canvas.layers.set_option("exact", "spacing", 18)
    shown = canvas.with_run(Scene())
    assert (shown.particles.size, shown.trails.length) == (1.6, 4)
    assert canvas.arrow_grid() > (columns, rows)
    assert canvas.layers.options["learned", "spacing"] == 18  # both fields share their grid
    assert changed == [("particles", "size", 1.6), ("trails", "length", 4), ("exact", "spacing", 18)]


def test_a_second_point_is_picked_with_shift_and_the_way_to_it_is_part_of_the_path(canvas: CanvasView) -> None:
    first, second = picked(canvas), picked(canvas, "shift")
    QTest.mouseClick(canvas.surface, LEFT, SHIFT, QPoint(300, 150))
    assert not first
    assert len(second) == 1
    bare = pixels(canvas)
    x0, x1, y0, y1 = canvas.viewport
    canvas.set_interpolation(
        np.linspace((x0 + 0.2 * (x1 - x0), (y0 + y1) / 2), (x0 + 0.8 * (x1 - x0), (y0 + y1) / 2), 17)
    )
    drawn = np.argwhere((pixels(canvas) != bare).any(axis=2))
    assert np.abs(drawn[:, 0] - 150).max() < 12
    assert (drawn[:, 1].min(), drawn[:, 1].max()) == pytest.approx((120, 480), abs=10)
    canvas.layers.set_visible("path", False)
    assert canvas.scene(600, 300).interpolation is None
    canvas.layers.set_visible("path", True)
    canvas.set_interpolation(None)
    assert canvas.scene(600, 300).interpolation is None


def show(canvas: CanvasView, images: np.ndarray) -> None:
    """Show images as those of data, or in place of others as the next frame."""
    if canvas.shown().images is None:
        canvas.set_images(ImageGrid(images, (float(images.min()), float(images.max()))))
    else:
        canvas.change_scene(lambda scene: at_frame(scene, images[None], 0))


def test_images_between_two_stand_in_a_strip_from_one_to_the_other(canvas: CanvasView) -> None:
    show(canvas, np.stack([np.zeros((1, 8, 8)), np.ones((1, 8, 8))]))
    shades = np.linspace(0, 1, 5)[:, None, None, None] * np.ones((1, 8, 8))
    canvas.set_interpolation(shades)
    canvas.layers.set_visible("path", False)  # images have no such layer: the strip stays
    scene = canvas.scene(600, 300)
    painted = pixels(canvas)
    middles = [box.center().toPoint() for box in scene.interpolation.boxes(600, 300)]
    assert all(0 < middle.x() < 600 and 150 < middle.y() < 234 for middle in middles)  # above the caption
    brightness = [painted[middle.y(), middle.x()].sum() for middle in middles]
    assert brightness == sorted(set(brightness))
    show(canvas, np.ones((2, 1, 8, 8)))  # the next frame leaves room for it too
    assert canvas.scene(600, 300).images.below == 5
    canvas.set_interpolation(None)
    assert canvas.scene(600, 300).images.below == 0


# --- images


def test_images_take_the_plane_and_one_can_be_chosen(canvas: CanvasView) -> None:
    digits = np.zeros((12, 1, 8, 8))
    digits[:, :, 2:6, 2:6] = 16.0
    show(canvas, digits)
    chosen, viewport = picked(canvas), canvas.viewport
    grid = canvas.scene(600, 300).images
    assert grid.limits == (0, 16)
    QTest.mouseClick(canvas.surface, LEFT, NONE, grid.tiles(600, 300).box(5).center().toPoint())
    assert chosen == [5]
    second = picked(canvas, "shift")
    QTest.mouseClick(canvas.surface, LEFT, SHIFT, grid.tiles(600, 300).box(2).center().toPoint())
    assert (chosen, second) == ([5], [2])
    canvas.choose_images(5, 2)
    show(canvas, 40 * digits - 3)
    assert (canvas.scene(600, 300).images.selected, canvas.scene(600, 300).images.second) == (5, 2)
    assert canvas.scene(600, 300).images.limits == (0, 16)  # those of the data, for samples too
    turn(canvas, (300, 150), 3)
    drag(canvas, MIDDLE, (300, 150), (350, 150))
    assert canvas.viewport == viewport
    missed = []
    canvas.picking.missed.connect(lambda: missed.append(1))
    QTest.mouseClick(canvas.surface, LEFT, NONE, QPoint(1, 1))
    assert chosen == [5]
    assert missed == [1]
    canvas.set_images(None)
    QTest.mouseClick(canvas.surface, LEFT, NONE, QPoint(300, 150))
    assert len(chosen) == 2
    assert chosen[1] == pytest.approx(under(canvas, 300, 150))


def test_an_image_is_chosen_by_keyboard(canvas: CanvasView) -> None:
    view, key = canvas.surface, Qt.Key
    show(canvas, np.zeros((10, 1, 8, 8)))  # in rows of five
    first, second = picked(canvas), picked(canvas, "shift")
    tiles = canvas.scene(600, 300).images.tiles(600, 300)
    assert tiles.columns == 5
    canvas.setFocus()
    QTest.qWaitForWindowActive(canvas)

    def press(*keys: Qt.Key) -> None:
        for one in keys:
            QTest.keyClick(view, one)

    def marked() -> set[int]:
        """Images around which the mark is painted, whose edge may lie between two pixels."""
        image, accent = view.grab().toImage(), QColor(DARK.accent)
        edges = {number: tiles.box(number).center() - QPointF(tiles.side / 2 + 6, 0) for number in range(tiles.shown)}
        return {
            number
            for number, edge in edges.items()
            if any(image.pixelColor((edge + QPointF(by, 0)).toPoint()) == accent for by in (-1, 0, 1))
        }

    press(key.Key_Return, key.Key_Enter)
    assert (first, marked()) == ([], set())  # none is chosen yet
    press(key.Key_Right)
    assert marked() == {0}
    press(key.Key_Right, key.Key_Down, key.Key_Return)
    assert (first, second, marked()) == ([6], [], {6})
    press(key.Key_Down, key.Key_Left, key.Key_Left, key.Key_Up)  # there is no row below, and none above the first
    assert marked() == {4}
    QTest.keyClick(view, key.Key_Enter, SHIFT)
    assert (first, second) == ([6], [4])
    show(canvas, np.ones((10, 1, 8, 8)))  # the next frame
    assert marked() == {4}
    view.clearFocus()
    assert marked() == set()
    canvas.setFocus()
    press(key.Key_End)
    assert marked() == {9}
    press(key.Key_Home)
    assert marked() == {0}
    press(key.Key_Escape, key.Key_End)
    assert marked() == {9}  # though none was marked
    press(key.Key_Escape, key.Key_Return)
    assert (first, second, marked()) == ([6], [4], set())
    canvas.choose_images(8, None)
    press(key.Key_Left)
    assert marked() == {8}  # from where the mouse was
    show(canvas, np.ones((3, 1, 8, 8)))
    press(key.Key_Return)
    assert first == [6]
    viewport, clicked = canvas.viewport, picked(canvas)
    canvas.set_images(None)
    press(key.Key_Right, key.Key_Return)
    assert canvas.viewport != viewport
    assert len(clicked) == 1


def test_escape_is_the_windows_where_no_image_is_chosen(canvas: CanvasView) -> None:
    show(canvas, np.zeros((10, 1, 8, 8)))
    canvas.setFocus()
    heard_above = []
    canvas.keyPressEvent = lambda event: heard_above.append(event.key())
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Escape, Qt.Key.Key_Escape, Qt.Key.Key_Space):
        QTest.keyClick(canvas.surface, key)
    assert heard_above == [Qt.Key.Key_Escape, Qt.Key.Key_Space]


# --- chips


@pytest.fixture
def chips(canvas: CanvasView) -> Iterator[ChipBar]:
    bar = ChipBar(canvas.layers)
    bar.resize(900, bar.sizeHint().height())
    bar.show()
    QTest.qWaitForWindowExposed(bar)
    yield bar
    bar.close()
    bar.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def test_chips_are_in_order_named_and_explained(chips: ChipBar) -> None:
    assert list(chips.chips) == ["data", "density", "learned", "exact", "error", "particles", "trails", "path"]
    for entry in LEGEND:
        chip = chips.chips[entry.key]
        assert entry.title in chip.accessibleName()
        assert with_indices(entry.tip) in chip.toolTip()
        assert chip.focusPolicy() & Qt.FocusPolicy.TabFocus


@pytest.mark.parametrize("key", KEYS)
def test_a_click_and_a_key_toggle_a_layer(canvas: CanvasView, chips: ChipBar, key: str) -> None:
    chip, before = chips.chips[key], canvas.layers.visible[key]
    QTest.mouseClick(chip, LEFT, NONE, QPoint(chip.width() - 30, 14))
    assert canvas.layers.visible[key] is not before
    QTest.keyClick(chip, Qt.Key.Key_Space)
    assert canvas.layers.visible[key] is before
    QTest.keyClick(chip, Qt.Key.Key_Return)
    assert canvas.layers.visible[key] is chip.isChecked() is not before
    canvas.layers.toggle(key)
    assert canvas.layers.visible[key] is chip.isChecked() is before


def test_the_arrow_and_the_down_key_open_the_options_and_the_dot_toggles(canvas: CanvasView, chips: ChipBar) -> None:
    chip = chips.chips["trails"]
    changed = heard(canvas.layers.option_changed)
    for open_menu in (
        lambda: QTest.mouseClick(
            chip, LEFT, NONE, QPoint(chip.width() - PADDING - 3, 14)
        ),  # where the arrow is painted
        lambda: QTest.keyClick(chip, Qt.Key.Key_Down),
    ):
        shown = canvas.layers.visible["trails"]
        open_menu()
        assert chip.menu.isVisible()
        assert canvas.layers.visible["trails"] is shown
        assert [action.text() for action in chip.menu.actions() if action.isChecked()] == ["16 steps"]
        chip.menu.close()
    next(action for action in chip.menu.actions() if action.text() == "4 steps").trigger()
    assert changed == [("trails", "length", 4)]
    for key in ("trails", "path"):  # of which the one has options and the other none
        shown = canvas.layers.visible[key]
        QTest.mouseClick(chips.chips[key], LEFT, NONE, QPoint(PADDING + DOT // 2, 14))
        assert canvas.layers.visible[key] is not shown
    assert not chip.menu.isVisible()
    QTest.mouseClick(chips.chips["path"], LEFT, NONE, QPoint(chips.chips["data"].width() - PADDING - 3, 14))
    assert canvas.layers.visible["path"]  # without options there is no arrow


def test_no_menu_of_a_chip_begins_or_ends_with_a_line(chips: ChipBar) -> None:
    menus = [chip.menu for chip in chips.chips.values() if chip.menu is not None]
    for menu in menus:
        actions = menu.actions()
        lines = [action.isSeparator() for action in actions]
        assert not lines[0]
        assert not lines[-1]
        assert not any(a and b for a, b in itertools.pairwise(lines))
        titles = [menu.actions()[0].defaultWidget().text()]
        assert titles[0]  # what the entries set, which the bare line that Qt draws for a section does not say
    assert len(menus) == 7


def test_a_layer_that_cannot_be_shown_says_why(canvas: CanvasView, chips: ChipBar) -> None:
    chips.set_available("exact", False, "The density of these data is not known.")
    chip = chips.chips["exact"]
    QTest.mouseClick(chip, LEFT, NONE, QPoint(chip.width() - 30, 14))
    assert not canvas.layers.visible["exact"]
    assert "not known" in chip.toolTip()
    chips.set_available("exact", True)
    assert "not known" not in chip.toolTip()
    assert chip.isEnabled()


@pytest.mark.parametrize("layer", KEYS)
def test_a_layer_that_there_cannot_be_leaves_the_canvas(canvas: CanvasView, chips: ChipBar, layer: str) -> None:
    canvas.layers.set_visible(layer, True)
    plane, line = np.ones((4, 2)), np.ones((3, 4, 2))

    def fill() -> None:
        canvas.set_data(plane)
        put(
            canvas,
            density=Density(np.ones((4, 4)), BOX),
            learned=Field(plane, plane, "learned"),
            exact=Field(plane, plane, "exact"),
            error=ScoreError(np.ones((4, 4)), BOX, 1.0),
        )
        canvas.change(particles=Particles(plane), trails=Trails(line), path=Path(plane))

    fill()
    assert getattr(canvas.scene(100, 100), layer) is not None
    chips.set_available(layer, False, "There is none.")
    assert getattr(canvas.scene(100, 100), layer) is None
    fill()  # what was still under way
    chips.set_available(layer, True)
    assert getattr(canvas.scene(100, 100), layer) is None
    fill()
    assert getattr(canvas.scene(100, 100), layer) is not None


@pytest.mark.parametrize("width", [160, 320, 500, 900])
def test_chips_wrap_and_none_is_cut_off(chips: ChipBar, width: int) -> None:
    width = max(width, chips.minimumSizeHint().width())
    chips.resize(width, chips.heightForWidth(width))
    QApplication.processEvents()
    boxes = [chip.geometry() for chip in chips.chips.values()]
    assert all(chips.rect().contains(box) for box in boxes)
    assert not any(one.intersects(other) for n, one in enumerate(boxes) for other in boxes[:n])
    for chip in chips.chips.values():
        text = chip.fontMetrics().horizontalAdvance(chip.text())
        assert chip.width() >= text + chip.arrow().width() + 2 * PADDING


def test_on_and_off_differ_without_colour(canvas: CanvasView, chips: ChipBar) -> None:
    """A dot is full or hollow, for those who see no hues."""
    chip = chips.chips["data"]
    centre = QPoint(12 + 4, 14)
    on = chip.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8).pixelColor(centre).value()
    canvas.layers.toggle("data")
    off = chip.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8).pixelColor(centre).value()
    assert on - off > 80


def test_chips_take_the_theme(chips: ChipBar, recolor) -> None:
    theme_before = chips.chips["data"].grab().toImage()
    recolor(LIGHT)
    image = chips.chips["data"].grab().toImage()
    assert image != theme_before
    assert image.pixelColor(image.width() - 14, 4).lightness() > 200


def test_a_window_of_another_size_in_the_same_shape_has_other_arrows(canvas):
    told = heard(canvas.viewport_changed)
    before, arrows = canvas.viewport, canvas.arrow_grid()
    canvas.resize(1200, 600)
    QApplication.processEvents()
    assert canvas.viewport == before
    assert canvas.arrow_grid() != arrows
    assert told[-1] == before


def test_every_device_pixel_is_painted_at_a_fractional_scale(canvas):
    for width in (601, 602, 605):
        image = canvas.surface.picture.image(width, 300, 1.25)
        assert image.width() >= width * 1.25


def test_a_picture_that_fails_leaves_no_painter_open(canvas, monkeypatch, capfd):
    def broken():
        raise ValueError("no scene")

    monkeypatch.setattr(canvas.surface.picture, "_scene", broken)
    canvas.surface.picture.change()
    with pytest.raises(ValueError, match="no scene"):
        canvas.surface.grab()
    monkeypatch.undo()
    canvas.surface.picture.change()
    assert not canvas.surface.grab().isNull()
    assert "painter" not in capfd.readouterr().err
