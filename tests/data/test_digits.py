"""The bundled digits: complete, licensed, split by class, and equal to the published ones."""

import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits as load_original

from playground.data import DataError, dequantise, digits
from playground.kinds.datasets import load_dataset
from playground.resources import resource


def _levels(images: np.ndarray) -> np.ndarray:
    return (images + 1) * 17 / 2 - 0.5


def test_the_images_are_the_published_ones() -> None:
    dataset = load_dataset("digits", held_out=300)
    assert dataset.points.shape == (1497, 1, 8, 8)
    assert dataset.held_out.shape == (300, 1, 8, 8)
    assert dataset.density is None
    assert dataset.labels is not None
    original = load_original()
    ours = np.concatenate([dataset.points, dataset.held_out])
    ours = np.rint(_levels(ours)).astype(int).reshape(-1, 64)
    assert sorted(map(bytes, ours.astype(np.uint8))) == sorted(map(bytes, original.data.astype(np.uint8)))
    by_image = {
        bytes(image): label for image, label in zip(original.data.astype(np.uint8), original.target, strict=True)
    }
    for image, label in zip(ours[:1497], dataset.labels, strict=True):
        assert by_image[bytes(image.astype(np.uint8))] == label


def test_pixels_take_seventeen_levels_in_bins_that_fill_the_range() -> None:
    dataset = load_dataset("digits")
    levels = _levels(dataset.points)
    assert np.abs(levels - np.rint(levels)).max() < 1e-9
    assert set(np.rint(levels).astype(int).ravel()) == set(range(17))
    assert dataset.grey_levels == 17
    noisy = dequantise(dataset.points, 17, seed=0)
    assert noisy.min() >= -1
    assert noisy.max() <= 1
    assert np.abs(noisy - dataset.points).max() <= 1 / 17
    assert (noisy - dataset.points).std() == pytest.approx(2 / 17 / math.sqrt(12), rel=0.01)
    assert np.array_equal(noisy, dequantise(dataset.points, 17, seed=0))


@pytest.mark.parametrize("wanted", [10, 100, 359, 2_000])
def test_the_split_keeps_the_class_frequencies(wanted: int) -> None:
    dataset = load_dataset("digits", held_out=wanted, seed=5)
    count = min(wanted, 359)
    assert len(dataset.held_out) == count
    total = np.bincount(load_original().target)
    assert dataset.labels is not None
    held = total - np.bincount(dataset.labels)
    assert (np.abs(held - total * count / 1797) <= 1).all()


def test_the_licence_is_bundled() -> None:
    text = resource("digits-LICENSE.txt").read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    assert "Alpaydin" in text
    assert "Kaynak" in text
    assert resource("digits.npz").stat().st_size < 100_000


def test_a_damaged_file_gives_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (("missing", None), ("junk", b"junk"), ("cut", resource("digits.npz").read_bytes()[:9_000])):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setattr(digits, "resource", lambda _, path=path: path)
        with pytest.raises(DataError, match="install the program again"):
            load_dataset("digits")
