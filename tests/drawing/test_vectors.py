"""Drawings as SVG and PDF have the contents of the pixel picture, as lines and text."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from playground.drawing import film, vectors
from playground.drawing.coloring import by_number
from playground.drawing.labels import Labels
from playground.drawing.layers import Data, Density, Field, Particles, Path, Trails
from playground.drawing.palette import PALETTES
from playground.drawing.scene import Scene

SIZE = 960, 720
RNG = np.random.default_rng(0)
GRID = np.stack(np.meshgrid(np.linspace(-2, 2, 12), np.linspace(-1.5, 1.5, 9)), axis=-1).reshape(-1, 2)
AXIS = np.linspace(-2, 2, 40)
HILL = np.exp(-(AXIS[None] ** 2) - AXIS[:, None] ** 2)


def whole_scene(theme: str = "dark", count: int = 300) -> Scene:
    particles = 0.5 * RNG.normal(size=(count, 2))
    return Scene(
        viewport=(-2.0, 2.0, -1.5, 1.5),
        palette=PALETTES[theme],
        density=Density(HILL, (-2, 2, -2, 2), "contours"),
        data=Data(0.7 * RNG.normal(size=(500, 2))),
        learned=Field(GRID, -GRID, "learned"),
        exact=Field(GRID, -GRID, "exact"),
        particles=Particles(particles),
        trails=Trails(particles + np.linspace(0.2, 0, 6)[:, None, None]),
        path=Path(np.linspace([0.0, 0.0], [1.0, 1.0], 20)),
        caption=("σ = 1", "step 3/7"),
    )


def parts(scene: Scene) -> tuple[str, ElementTree.Element]:
    written = film.picture(scene, *SIZE, ".svg")
    assert isinstance(written, bytes)
    text = written.decode()
    return text, ElementTree.fromstring(text)


def count(root: ElementTree.Element, name: str) -> int:
    return sum(element.tag.endswith("}" + name) for element in root.iter())


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_an_svg_looks_like_the_picture(theme: str) -> None:
    scene = whole_scene(theme)
    text, _ = parts(scene)
    painted = QImage(*SIZE, QImage.Format.Format_RGB32)
    renderer = QSvgRenderer(text.encode())
    with QPainter(painted) as painter:
        renderer.render(painter)
    plain = film.picture(scene, *SIZE)
    assert isinstance(plain, QImage)
    pixels = [_pixels(painted), _pixels(plain)]
    shrunk = [one.reshape(SIZE[1] // 12, 12, SIZE[0] // 12, 12, 3).mean(axis=(1, 3)) for one in pixels]
    assert np.abs(shrunk[0] - shrunk[1]).mean() < 2.5  # of 255: lines and letters lie a fraction of a pixel apart
    assert np.quantile(np.abs(shrunk[0] - shrunk[1]), 0.99) < 25


def _pixels(image: QImage) -> np.ndarray:
    shown = image.convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(shown.constBits(), np.uint8).reshape(SIZE[1], SIZE[0], 4)[:, :, :3].astype(float)


def test_particles_arrows_and_text_are_no_pixels_and_the_density_is_an_image() -> None:
    scene = whole_scene()
    _, root = parts(scene)
    assert scene.particles is not None
    inside = (np.abs(scene.particles.positions) < (2.0, 1.5)).all(axis=1).sum()
    assert count(root, "circle") >= inside
    assert count(root, "image") >= 1
    words = " ".join("".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text"))
    assert "step 3/7" in words
    lines = count(root, "polyline") + count(root, "path") + count(root, "line")
    assert lines > 2 * 3 * len(GRID) * 0.9


def test_each_particle_keeps_a_colour_of_its_own() -> None:
    scene = Scene(
        particles=Particles(np.array([[-0.5, 0.0], [0.5, 0.0]]), coloring=by_number(np.array([0.0, 1.0]), "speed"))
    )
    _, root = parts(scene)
    fills = [element.get("fill") for element in root.iter() if element.get("fill", "").startswith("#")]
    assert len(set(fills)) > 2


def test_crowds_are_embedded_as_images() -> None:
    small, large = (len(parts(whole_scene(count=count))[0]) for count in (10_000, 100_000))
    assert large < small


def test_the_typeface_has_fallbacks() -> None:
    text, _ = parts(whole_scene())
    assert "Score Playground Inter" not in text
    assert re.search(r'font-family="Inter, .*sans-serif"', text)


def test_a_pdf_has_the_page_and_the_words() -> None:
    content = film.picture(whole_scene(), *SIZE, ".pdf")
    assert isinstance(content, bytes)
    assert content.startswith(b"%PDF-")
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
    assert box is not None
    assert [float(side) for side in box.groups()] == pytest.approx([720.0, 540.0], abs=1)
    assert b"/FontFile" in content or b"/FontDescriptor" in content


def test_another_suffix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\.svg or \.pdf"):
        vectors.drawing(".eps", lambda painter: None, SIZE, SIZE, "")


def test_the_caption_names_what_is_seen() -> None:
    scene = Labels("Reverse SDE").on(whole_scene())
    assert scene.caption == ("data, density, learned score, exact score, Reverse SDE", "σ = 1", "step 3/7")
    names = [name for _, name in scene.layer_names]
    assert names == ["data", "density", "learned score", "exact score", "particles", "trails", "likelihood path"]
    assert len(scene.legends()) == 1


def test_caption_and_legend_are_left_out_on_demand() -> None:
    scene = Labels("Reverse SDE", caption=False, legend=False).on(whole_scene())
    assert (scene.caption, scene.layer_names, scene.legends()) == ((), (), [])
    _, root = parts(scene)
    words = " ".join("".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text"))
    assert "step" not in words
    assert "density" not in words
