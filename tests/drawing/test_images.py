"""The grid of images: layout, orientation, selection."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QColor

from playground.drawing.images import CARD, SMALLEST, ImageGrid, Strip, _edge
from playground.drawing.palette import DARK, PALETTES, Palette
from playground.drawing.render import render
from playground.drawing.scene import Scene
from playground.kinds.chosen import Mask
from playground.kinds.inpainting import known_pixels
from tests.colors import rgb


def picture(grid: ImageGrid, palette: Palette = DARK) -> tuple[Any, ...]:
    image = render(Scene(palette=palette, images=grid), 400, 300)
    return image, grid.tiles(400, 300)


@pytest.mark.parametrize("count", [1, 2, 7, 100, 5000])
@pytest.mark.parametrize("size", [(400, 300), (300, 900), (1200, 200), (60, 60)])
def test_tiles_fit_do_not_overlap_and_can_be_found(count: int, size: tuple[int, int]) -> None:
    tiles = ImageGrid(np.zeros((count, 8, 8))).tiles(*size)
    assert 1 <= tiles.shown <= count
    assert tiles.shown == count or tiles.side < 2 * SMALLEST
    for number in {0, tiles.shown // 2, tiles.shown - 1}:
        box = tiles.box(number)
        assert box.left() >= 0
        assert box.top() >= 0
        assert box.right() <= size[0]
        assert box.bottom() <= max(size[1], 21 + tiles.side)
        assert tiles.at(box.center().x(), box.center().y()) == number
        assert tiles.at(box.left() - 1, box.center().y()) != number
    assert tiles.at(-5, -5) is None
    assert tiles.at(1e4, 1e4) is None


def test_no_images_are_no_tiles() -> None:
    grid = ImageGrid(np.zeros((0, 8, 8)))
    assert grid.tiles(400, 300).shown == 0
    render(Scene(images=grid), 400, 300)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
@pytest.mark.parametrize("channels", [False, True])
def test_pixels_stand_upright_and_unmirrored(palette: Palette, channels: bool) -> None:
    images = np.zeros((3, 8, 8))
    images[1, 0, 7] = 1.0  # top right of the second
    grid = ImageGrid(images[:, None] if channels else images)
    image, tiles = picture(grid, palette)
    cell = tiles.side / 8

    def at(number: int, row: int, column: int) -> str:
        box = tiles.box(number)
        return str(
            image.pixelColor(round(box.left() + (column + 0.5) * cell), round(box.top() + (row + 0.5) * cell)).name()
        )

    assert at(0, 4, 4) == palette.raised
    assert at(1, 0, 7) != palette.raised
    assert at(1, 7, 0) == at(1, 0, 0) == at(2, 0, 7) == palette.raised


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_pictures_of_the_background_s_lightness_have_an_outline(palette: Palette) -> None:
    """White and black images, and the palest of the role's hue; the outline is outside the pixels."""
    colours = np.zeros((2, 3, 8, 8))
    colours[0] = 1.0
    for grid in (ImageGrid(colours), ImageGrid(colours[:, 0])):
        image, tiles = picture(grid, palette)
        for number in (0, 1):
            box, y = tiles.box(number), round(tiles.box(number).center().y())
            around = [QColor(image.pixelColor(x, y)) for x in range(int(box.left()) - 3, int(box.left()) + 4)]
            ground, inside = around[0], image.pixelColor(round(box.center().x()), y)
            assert around[-1] == inside
            line = [color for color in around if color not in (ground, inside)]
            assert line  # a hairline may share its colour with two pixels, half with each
            assert abs(line[0].lightness() - ground.lightness()) >= 6


def test_values_run_through_the_hue_and_are_clipped_to_the_limits() -> None:
    images = np.stack([np.full((8, 8), value) for value in (-9.0, -1.0, 0.4, 1.0, 9.0, np.nan)])
    image, tiles = picture(ImageGrid(images, limits=(-1.0, 1.0)))
    seen = [image.pixelColor(tiles.box(number).center().toPoint()) for number in range(6)]
    assert seen[0] == seen[1] == QColor(DARK.raised)
    assert np.subtract(rgb(seen[2]), rgb(QColor(DARK.particles))) == pytest.approx(0, abs=2)  # at 0.7, the hue
    assert seen[3] == seen[4]
    assert seen[3].lightness() > seen[2].lightness()
    data, _ = picture(ImageGrid(images, (-1.0, 1.0), role="data"))
    teal = data.pixelColor(tiles.box(2).center().toPoint())
    assert np.subtract(rgb(teal), rgb(QColor(DARK.data))) == pytest.approx(0, abs=2)


def test_the_border_of_the_known_part_is_drawn_on_every_image_and_nowhere_else() -> None:
    grid, known = ImageGrid(np.zeros((6, 4, 8))), np.zeros((4, 8), dtype=bool)
    known[:2, :6] = True
    plain, tiles = picture(grid)
    image, _ = picture(dataclasses.replace(grid, known=known))
    for box in map(tiles.box, range(6)):
        for across, down, drawn in ((0.75, 0.3, True), (0.3, 0.5, True), (0.75, 0.7, False), (0.9, 0.5, False)):
            pixel = int(box.left() + across * box.width() - 0.01), int(box.top() + down * box.height() - 0.01)
            seen = image.pixelColor(*pixel)
            assert (seen != plain.pixelColor(*pixel)) == drawn
            if drawn:
                assert abs(seen.hsvHue() - QColor(DARK.data).hsvHue()) < 12
    all_known, _ = picture(dataclasses.replace(grid, known=np.ones((4, 8), dtype=bool)))
    assert all_known == plain


def test_a_straight_border_is_one_line_for_any_number_of_pixels() -> None:
    """A grid of 500 images is painted 60 times a second: a line for each pixel took as long as the images."""

    masks: tuple[Mask, ...] = ("left", "top", "frame")

    def lines(mask: Mask) -> int:
        known = known_pixels(mask, 32, 32)
        assert known is not None
        return _edge(known).elementCount() // 2

    assert [lines(mask) for mask in masks] == [1, 1, 4]


def test_the_selected_image_has_a_ring() -> None:
    grid = ImageGrid(np.zeros((9, 8, 8)))
    plain, tiles = picture(grid)
    ringed, _ = picture(dataclasses.replace(grid, selected=4))
    box = tiles.box(4)
    edge = int(box.left() - 2.5), round(box.center().y())
    assert plain.pixelColor(*edge) == QColor(DARK.background)
    assert abs(ringed.pixelColor(*edge).hsvHue() - QColor(DARK.likelihood).hsvHue()) < 12
    out_of_reach, _ = picture(dataclasses.replace(grid, selected=99))
    assert out_of_reach == plain


@pytest.mark.parametrize("size", [(404, 430), (640, 480), (1200, 700)])
def test_the_caption_lies_below_the_images(size: tuple[int, int]) -> None:
    bare = Scene(palette=DARK, images=ImageGrid(np.zeros((96, 8, 8))))
    told = dataclasses.replace(bare, caption=("weights of step 3", "σ = 0.22   t = 0.3", "Δt = 2e-3   step 3/500", "7"))
    one, other = (render(scene, *size) for scene in (bare, told))
    shape = (size[1], size[0], 4)
    changed = np.frombuffer(bytes(one.constBits()), np.uint8) != np.frombuffer(bytes(other.constBits()), np.uint8)
    rows, _, _ = np.nonzero(changed.reshape(shape))
    assert len(rows)
    assert bare.images is not None
    tiles = bare.images.tiles(*size)
    assert rows.min() >= tiles.box(tiles.shown - 1).bottom() - 1


@pytest.mark.parametrize("size", [(398, 329), (640, 480), (1200, 700)])
def test_a_strip_covers_no_image_of_the_grid(size: tuple[int, int]) -> None:
    grid = ImageGrid(np.zeros((96, 8, 8)), below=11)
    tiles, boxes = grid.tiles(*size), Strip(np.zeros((11, 8, 8))).boxes(*size)
    assert tiles.shown > 40
    assert max(tiles.box(number).bottom() for number in range(tiles.shown)) < boxes[0].top() - CARD
    assert tiles.box(0).height() > 12
