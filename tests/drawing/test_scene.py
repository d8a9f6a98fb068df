"""The contents of a picture and their places, read from its pixels."""

import dataclasses
import pathlib
import threading
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from playground.drawing.layers import (
    SPRITES,
    Data,
    Density,
    Field,
    InterpolatedPoints,
    Particles,
    Path,
    Strokes,
    Trails,
)
from playground.drawing.marks import Marks
from playground.drawing.palette import DARK, LIGHT, PALETTES, Palette
from playground.drawing.plane import Plane, bounds_of, shaped
from playground.drawing.render import PictureError, render, save_image
from playground.drawing.scene import Scene, Still, paint
from playground.lab.chart import nice_step, ticks

BOX = (0.0, 10.0, 0.0, 5.0)  # 200 x 100 pixels: 20 pixels a unit
GENERATOR = np.random.default_rng(0)


def pixels(image: QImage) -> np.ndarray:
    """(height, width, 3) of red, green, blue."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def painted(scene: Scene, width: int = 200, height: int = 100, ratio: float = 1.0) -> np.ndarray:
    return pixels(render(scene, width, height, ratio))


def difference(scene: Scene, **more: Any) -> np.ndarray:
    """How much each pixel changes when layers are added, (height, width)."""
    changed: np.ndarray = np.abs(painted(dataclasses.replace(scene, **more)) - painted(scene)).sum(axis=2)
    return changed


def hue(color: str) -> int:
    return QColor(color).hsvHue()


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_a_particle_is_amber_where_it_should_be(palette: Palette) -> None:
    image = painted(Scene(BOX, palette, particles=Particles(np.array([[2.5, 4.0]]))))
    found = QColor(*image[20, 50].tolist())  # 1 unit below the top: the y axis points up
    assert abs(found.hsvHue() - hue(palette.particles)) <= 3
    assert np.abs(image[80, 50] - image[80, 60]).sum() < 20  # nothing at the mirrored place


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_the_marks_of_a_prediction_are_where_they_should_be_each_with_its_shape(palette: Palette) -> None:
    bare, shown = Scene(BOX, palette), Marks((2.0, 2.5), (5.0, 2.5), (8.0, 2.5))
    moved = difference(bare, marks=shown)
    found = painted(dataclasses.replace(bare, marks=shown))
    assert abs(QColor(*found[50, 100].tolist()).hsvHue() - hue(palette.accent)) <= 6  # the middle of the cross
    assert abs(QColor(*found[50, 168].tolist()).hsvHue() - hue(palette.particles)) <= 6  # the rim of the ring
    assert moved[50, 160] < 20  # its middle is free
    assert moved[50, 130] + moved[50, 134] + moved[50, 138] > 50  # the line between them is dashed
    assert moved[50, 46] > 50  # the square's side
    assert difference(bare, marks=Marks(None, None, (float("nan"), 0.0))).sum() == 0


@pytest.mark.parametrize("count", [1, SPRITES, SPRITES + 1, 3 * SPRITES])
def test_every_number_of_particles_lies_where_it_should(count: int) -> None:
    inside = GENERATOR.uniform([4.0, 1.0], [6.0, 2.0], size=(count, 2))
    changed = difference(Scene(BOX), particles=Particles(inside)) > 0
    rows, columns = np.nonzero(changed)
    assert columns.min() >= 80 - 4
    assert columns.max() <= 120 + 4
    assert rows.min() >= 60 - 4
    assert rows.max() <= 80 + 4


def test_more_particles_on_a_pixel_glow_brighter() -> None:
    crowd = np.concatenate([np.tile([[2.5, 2.5]], (SPRITES + 1, 1)), [[7.5, 2.5]]])
    image = painted(Scene(BOX, particles=Particles(crowd)))
    assert image[50, 50].sum() > image[50, 150].sum() > painted(Scene(BOX))[50, 150].sum() + 60


def test_size_scales_particles() -> None:
    areas = [
        np.count_nonzero(difference(Scene(BOX), particles=Particles(np.array([[5.0, 2.5]]), size=size)))
        for size in (0.6, 1.0, 1.6)
    ]
    assert areas[0] < areas[1] < areas[2]


@pytest.mark.parametrize("angle", np.arange(0, 360, 30))
def test_arrows_point_along_their_vectors(angle: int) -> None:
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    field = Field(np.array([[5.0, 2.5]]), direction[None])
    tails, tips, _ = field.arrows(Plane(BOX, 200, 100))
    (step,) = tips - tails
    assert np.allclose(step / np.hypot(*step), direction * (1, -1))
    assert np.allclose((tails + tips) / 2, [[100, 50]])
    # The head has more ink than the tail.
    ink = difference(Scene(BOX), learned=field).astype(float)
    rows, columns = np.indices(ink.shape) + 0.5
    along = (columns - 100) * direction[0] - (rows - 50) * direction[1]
    assert ink[along > 0].sum() > 1.3 * ink[along < 0].sum()


def test_longer_vectors_make_longer_and_stronger_arrows_up_to_the_spacing() -> None:
    positions = np.stack([np.arange(1.0, 10.0), np.full(9, 2.5)], axis=1)
    positions = np.concatenate([positions, positions - [0, 1.0]])
    magnitudes = np.geomspace(1e-3, 1e3, 18)
    tails, tips, strength = Field(positions, magnitudes[:, None] * [1.0, 0.0]).arrows(Plane(BOX, 200, 100))
    lengths = np.hypot(*(tips - tails).T)
    assert (np.diff(lengths) >= 0).all()
    assert lengths[10] > lengths[0]
    assert (np.diff(strength) >= 0).all()
    assert lengths.max() <= 20


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_no_arrow_crosses_out_a_number_of_the_axes(palette: Palette) -> None:
    """An arrow across a number changes less than a third of its pixels."""
    arrows = Field(np.array([[4.0, 0.25], [4.0, 4.25]]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    plain = painted(Scene(BOX, palette), 400, 200)
    struck = painted(Scene(BOX, palette, learned=arrows), 400, 200)
    number = np.s_[184:197, 154:166]  # the 4 at the bottom
    written = np.abs(plain[number] - plain[184, 154]).sum(2).max()
    assert written > 150
    assert 0 < np.abs(struck[number] - plain[number]).sum(2).max() < written / 3


def test_zero_and_broken_vectors_are_no_arrows() -> None:
    field = Field(np.zeros((3, 2)), np.array([[0.0, 0.0], [np.nan, 1.0], [np.inf, 0.0]]))
    assert [len(part) for part in field.arrows(Plane(BOX, 200, 100))] == [0, 0, 0]
    assert not difference(Scene(BOX), learned=field).any()


def test_a_field_on_stretched_axes_points_where_the_displacement_goes() -> None:
    tails, tips, _ = Field(np.array([[0.5, 50.0]]), np.array([[0.1, 10.0]])).arrows(Plane((0, 1, 0, 100), 200, 200))
    (step,) = tips - tails
    assert step[0] == pytest.approx(-step[1])


def test_trails_end_at_their_particles_and_are_amber() -> None:
    walk = np.stack([np.linspace([2.0, 1.0], [8.0, 4.0], 9)], axis=1)
    ink = difference(Scene(BOX), trails=Trails(walk))
    assert ink[40 - 20 : 44 - 20, 155:160].any()  # (8, 4) is at (160, 20)
    on_path, off_path = ink[50, 98:103].max(), ink[50, 60:70].max()
    assert on_path > 60
    assert off_path == 0
    assert ink[25, 145:155].max() > ink[75, 45:55].max()  # older parts are fainter


def test_a_trail_reaches_back_its_length_and_no_further() -> None:
    walk = np.stack([np.linspace([1.0, 2.5], [9.0, 2.5], 17)], axis=1)  # ten pixels a step
    columns = np.nonzero(difference(Scene(BOX), trails=Trails(walk, length=4)).any(axis=0))[0]
    assert columns.min() == pytest.approx(140, abs=1)
    assert columns.max() == pytest.approx(180, abs=1)


@pytest.mark.parametrize("jump", [0.05, 30.0])
def test_trails_stay_within_their_budget_and_follow_the_same_particles(jump: float) -> None:
    walk = GENERATOR.uniform(0, 5, size=(1, 20_000, 2)) + jump * GENERATOR.normal(size=(17, 20_000, 2)).cumsum(axis=0)
    plane = Plane(BOX, 200, 100)
    drawn = Trails(walk).drawn(plane)
    steps = np.abs(np.diff(drawn, axis=0)).max(axis=2)
    assert drawn.shape[1] >= 1
    assert steps.size < 5_000 + 17
    assert np.minimum(steps, 200).sum() <= 40_000
    everyone = plane.to_pixels(walk[-1])
    assert all((everyone == place).all(axis=1).any() for place in drawn[-1])


def test_a_narrow_picture_has_fewer_trails() -> None:
    walk = GENERATOR.uniform(1, 4, size=(1, 10_000, 2)) + 0.01 * GENERATOR.normal(size=(17, 10_000, 2)).cumsum(axis=0)
    whole, narrow = (Trails(walk).drawn(Plane(BOX, width, 600)).shape[1] for width in (600, 150))
    assert 0 < narrow < 0.6 * whole


def test_data_are_teal_and_visible_however_many() -> None:
    for count in (1, 50, 100_000):
        points = np.concatenate([[[9.0, 4.5]], GENERATOR.uniform([1.0, 1.0], [3.0, 3.0], size=(count - 1, 2))])
        scene = Scene(BOX, data=Data(points))
        assert difference(Scene(BOX), data=scene.data)[9:12, 178:182].max() > 20
        strongest = painted(scene)[8:13, 177:184].reshape(-1, 3).max(axis=0)
        assert strongest[1] > strongest[0]


def test_density_lies_upright_in_its_extent() -> None:
    values = np.zeros((10, 20))
    values[8, 15] = 4.0  # row 8 of 10 is near the top
    image = painted(Scene(BOX, density=Density(values, BOX)))
    peak = np.unravel_index(image.sum(axis=2).argmax(), (100, 200))
    assert peak == pytest.approx((15, 155), abs=5)


@pytest.mark.parametrize("values", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.full((4, 4), -np.inf)])
def test_a_density_without_a_peak_is_background(values: np.ndarray) -> None:
    assert not difference(Scene(BOX), density=Density(values, BOX)).any()


def test_path_and_strokes_are_where_they_are_set() -> None:
    path = difference(Scene(BOX), path=Path(np.linspace([1.0, 1.0], [9.0, 1.0], 9)))
    assert path[80, 20] > 100  # the dot at its beginning
    assert path[80, 60] > path[80, 170] > 0  # fading on the way
    stroke = difference(Scene(BOX), strokes=Strokes(((np.array([[2.0, 2.5], [8.0, 2.5]]), 0.25),)))
    assert stroke[50, 100] > stroke[42, 100] > 0  # one standard deviation is 5 pixels, two are 10
    assert stroke[35, 100] == 0
    dot = difference(Scene(BOX), strokes=Strokes(((np.array([[5.0, 2.5]]), 0.25),)))
    assert dot[50, 100] > 0


def test_caption_is_at_the_bottom_right_and_a_hint_in_the_middle() -> None:
    rows, columns = np.nonzero(
        np.abs(painted(Scene(BOX, caption=("σ = 0.220", "step 3")), 600, 400) - painted(Scene(BOX), 600, 400)).sum(
            axis=2
        )
    )
    assert rows.min() > 300
    assert columns.min() > 450
    rows, columns = np.nonzero(
        np.abs(painted(Scene(BOX, hint="Paint points."), 600, 400) - painted(Scene(BOX), 600, 400)).sum(axis=2)
    )
    assert rows.mean() == pytest.approx(200, abs=10)
    assert columns.mean() == pytest.approx(300, abs=10)


@pytest.mark.parametrize(
    ("path", "between", "moved"),
    [
        ((9.0, 0.5), None, True),
        (None, (9.5, 0.4), True),
        ((1.0, 1.0), (9.5, 0.4), True),
        ((7.0, 0.5), None, True),  # longer numbers would reach it
        ((9.0, 2.5), (1.0, 1.0), False),
        ((9.0, 4.5), (9.0, 0.5), False),  # there is one in either corner
    ],
)
def test_the_caption_makes_way_for_a_clicked_point(
    path: tuple[float, float] | None, between: tuple[float, float] | None, moved: bool
) -> None:
    middle = np.array([[5.0, 2.5]])
    bare = Scene(
        BOX,
        path=None if path is None else Path(np.concatenate([[path], middle])),
        interpolation=None if between is None else InterpolatedPoints(np.concatenate([middle, [between]])),
    )
    for caption in (("σ = 1", "step 3"), ("σ = 1   t = 0.300", "Δt = 2e-3   step 300/500")):
        told = dataclasses.replace(bare, caption=caption)
        rows, columns = np.nonzero(np.abs(painted(told, 600, 300) - painted(bare, 600, 300)).sum(axis=2))
        assert columns.min() > 350
        assert rows.max() < 80 if moved else rows.min() > 220


def test_twice_the_pixels_show_the_same_picture_finer() -> None:
    scene = Scene(
        BOX,
        density=Density(np.arange(16.0).reshape(4, 4), BOX),
        particles=Particles(np.array([[2.5, 4.0]])),
        learned=Field(np.array([[7.0, 2.0]]), np.array([[1.0, 1.0]])),
    )
    once, twice = painted(scene), painted(scene, ratio=2.0)
    assert twice.shape == (200, 400, 3)
    halved = twice.reshape(100, 2, 200, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - once).mean() < 2.5
    assert np.abs(halved[20, 50] - once[20, 50]).max() < 20


def test_positions_are_exact_far_from_the_origin() -> None:
    """For a file in metres, 5 000 000 +- 1, single precision would shift particles by a quarter of a unit."""
    here = painted(Scene(BOX, particles=Particles(np.array([[2.5, 4.0]]))))
    offset = 5_000_000.0
    box = (offset, offset + 10.0, offset, offset + 5.0)
    there = painted(Scene(box, particles=Particles(np.array([[offset + 2.5, offset + 4.0]]))))
    assert np.array_equal(here[:80, 20:180], there[:80, 20:180])


def test_still_layers_are_cached_until_they_change() -> None:
    """The pixels are the same with and without the image of the still layers, whichever layer is new."""
    generator = np.random.default_rng(4)
    points = generator.normal(size=(300, 2))
    scene = Scene(
        viewport=(-2.0, 2.0, -2.0, 2.0),
        density=Density(generator.random((8, 8)), (-2.0, 2.0, -2.0, 2.0)),
        data=Data(points),
        exact=Field(points, -points, "exact"),
        learned=Field(points, points),
        trails=Trails(np.stack([points, 1.1 * points])),
        particles=Particles(points),
    )
    changes: dict[str, Any] = {
        "density": Density(generator.random((8, 8)), (-2.0, 2.0, -2.0, 2.0)),
        "data": None,
        "learned": Field(points, -2 * points[:, ::-1]),
        "exact": None,
        "strokes": Strokes(((points[:5], 0.2),)),
        "particles": Particles(0.5 * points),
        "viewport": (-1.0, 1.0, -1.0, 1.0),
        "palette": LIGHT,
        "axes": ("length", "width"),
    }
    still = Still()
    for name in (None, *changes):
        if name is not None:
            scene = dataclasses.replace(scene, **{name: changes[name]})
        image = QImage(200, 200, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        plane = Plane(scene.viewport, 200, 200)
        paint(painter, scene, 200, 200, still.image(scene, plane))
        painter.end()
        assert image == render(scene, 200, 200), name
        late = dataclasses.replace(scene, learned=Field(points, -points))
        assert still.image(late, plane, later=True) is still.image(scene, plane)
        assert not still.stale
        still.image(late, plane, later=True)
        assert still.stale


def test_two_threads_paint_the_same_layers_as_one() -> None:
    """An export paints in its own thread while the window paints the same scene."""
    scenes = [
        Scene(
            BOX,
            trails=Trails(GENERATOR.uniform(0, 5, size=(5, 400, 2))),
            particles=Particles(GENERATOR.uniform(0, 5, size=(400, 2))),
            data=Data(GENERATOR.uniform(0, 5, size=(3000, 2))),
        )
        for _ in range(6)
    ]
    expected = [painted(scene) for scene in scenes]
    wrong: list[int] = []

    def work() -> None:
        for _ in range(4):
            wrong.extend(
                number for number, scene in enumerate(scenes) if not np.array_equal(painted(scene), expected[number])
            )

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_themes_differ() -> None:
    assert painted(Scene(BOX, LIGHT)).mean() > 220
    assert painted(Scene(BOX, DARK)).mean() < 40


@pytest.mark.parametrize(
    ("low", "high", "step", "labels"),
    [
        (-1.2, 1.2, 0.5, ["−1.0", "−0.5", "0", "0.5", "1.0"]),
        (290.0, 410.0, 50.0, ["300", "350", "400"]),
        (1e-4, 3.2e-4, 1e-4, ["0.0001", "0.0002", "0.0003"]),
        (5_000_000.0, 5_000_001.1, 1.0, ["5000000", "5000001"]),
        (2.5e8, 2.52e8, 1e6, ["2.50e8", "2.51e8", "2.52e8"]),
        (-2.1e-7, 2.1e-7, 1e-7, ["−2e−7", "−1e−7", "0", "1e−7", "2e−7"]),
    ],
)
def test_tick_labels_are_distinct(low: float, high: float, step: float, labels: list[str]) -> None:
    found = ticks(low, high, step)
    assert [label for _, label in found] == labels
    assert all(low <= value <= high for value, _ in found)


def test_a_nice_step_is_near_and_nice() -> None:
    for raw in np.geomspace(1e-12, 1e12, 200):
        step = nice_step(raw)
        assert 0.6 < step / raw < 1.6
        assert round(step / 10.0 ** np.floor(np.log10(step) + 1e-9)) in (1, 2, 5)


def test_bounds_of_degenerate_points_can_still_be_shown() -> None:
    assert bounds_of(np.zeros((0, 2))) is None
    assert bounds_of(np.full((3, 2), np.nan)) is None
    for points in ([[3.0, 4.0]], [[0.0, 0.0]], [[1.0, 5.0], [2.0, 5.0]], [[1e6, 1e6], [1e6 + 1e-3, 1e6]]):
        x0, x1, y0, y1 = bounds_of(np.array(points)) or (0, 0, 0, 0)
        assert x0 < x1
        assert y0 < y1
        assert all(x0 <= x <= x1 and y0 <= y <= y1 for x, y in points)


def test_bounds_do_not_depend_on_the_unit() -> None:
    """A file with values around 1e-10 fills its picture like one with values around 1."""
    points = np.array([[-1.0, 0.5], [2.0, -0.25]])
    small, large = bounds_of(points * 1e-10), bounds_of(points)
    assert small is not None
    assert large is not None
    np.testing.assert_allclose(small, np.multiply(large, 1e-10), rtol=1e-12)


def test_a_picture_of_another_shape_cuts_nothing_off() -> None:
    x0, x1, y0, y1 = shaped(BOX, 300, 300)
    assert x0 <= 0
    assert x1 >= 10
    assert y0 <= 0
    assert y1 >= 5
    assert (x1 - x0) / 300 == pytest.approx((y1 - y0) / 300)


def test_png_is_written_whole_or_refused_in_a_sentence(tmp_path: pathlib.Path) -> None:
    scene = Scene(BOX, particles=Particles(np.array([[2.5, 4.0]])))
    save_image(render(scene, 200, 100), tmp_path / "picture.png")
    assert np.array_equal(pixels(QImage(str(tmp_path / "picture.png"))), painted(scene))
    with pytest.raises(PictureError, match="cannot be written"):
        save_image(render(scene, 200, 100), tmp_path / "nowhere" / "picture.png")
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]
