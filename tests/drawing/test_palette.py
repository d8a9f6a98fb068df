"""The colours: their contrast with backgrounds, and their differences for every colour vision."""

import numpy as np
import pytest
from PySide6.QtGui import QColor

from playground.drawing.palette import PALETTES, Palette, density_colors
from tests.colors import rgb

CONCEPTS = ("data", "density", "learned", "exact", "error", "particles", "trails", "likelihood")


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_density_colours_run_evenly_from_the_background(palette: Palette) -> None:
    colors = density_colors(palette)
    assert colors[0] == QColor(palette.background).rgb()
    lightness = np.array([_lightness(int(color)) for color in colors[::15]])
    steps = np.diff(lightness)
    assert (steps > 0).all() if palette.dark else (steps < 0).all()
    assert np.abs(steps).max() < 1.6 * np.abs(steps).min()


def _lightness(rgb: int) -> float:
    """L of Oklab (Ottosson 2020)."""
    channels = np.array([rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255]) / 255
    return float(_oklab(_linear(channels))[0])


def _linear(channels: np.ndarray) -> np.ndarray:
    """The linear light of sRGB values in [0, 1]."""
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def _oklab(light: np.ndarray) -> np.ndarray:
    cones = np.array([[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]) @ light
    lab: np.ndarray = np.array(
        [[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]]
    ) @ np.cbrt(cones)
    return lab


# Colours as protanopes and deuteranopes see them, in linear light (Machado, Oliveira & Fernandes 2009, severity 1).
SIGHTS = {
    "all": np.eye(3),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_particle_colours_differ_from_all_colours_beside_them(palette: Palette, sight: str) -> None:
    """They differ by three just noticeable differences, 0.02 in Oklab each."""

    def seen(concept: str) -> np.ndarray:
        light = _linear(np.array(rgb(QColor(getattr(palette, concept)))) / 255)
        return _oklab(np.clip(SIGHTS[sight] @ light, 0, 1))

    for concept in CONCEPTS:
        if concept != "particles":
            assert np.linalg.norm(seen(concept) - seen("particles")) > 0.06, concept


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_text_and_concepts_stand_out_from_every_surface(palette: Palette) -> None:
    for surface in ("background", "panel", "raised", "hover"):
        for text in ("text", "muted"):
            assert _contrast(getattr(palette, text), getattr(palette, surface)) >= 4.5
        if surface != "hover":
            for concept in CONCEPTS:
                assert _contrast(getattr(palette, concept), getattr(palette, surface)) >= 3.0, concept


def _contrast(one: str, other: str) -> float:
    """Ratio of relative luminances, WCAG 2."""

    def luminance(color: str) -> float:
        return float(_linear(np.array(rgb(QColor(color))) / 255) @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
