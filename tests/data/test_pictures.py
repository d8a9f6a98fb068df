"""The user's own images: scaling, which files of a folder are read, and a clear message for every bad one."""

import os
import struct
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from playground.data import DataError, pictures
from playground.data.dataset import MOST_CLASS_NAMES, class_numbers
from playground.kinds.datasets import load_dataset
from tests.data.image_files import CLASSES, COLOUR, GREY, RANDOM, bytes_of, idx, load, same_images, save_picture
from tests.peak_memory import growth


def test_a_folders_images_are_scaled_and_its_sub_folders_are_classes(tmp_path: Path) -> None:
    for label, colour in enumerate([(255, 0, 0), (0, 0, 255)]):
        (tmp_path / f"class {label}").mkdir()
        for number in range(30):
            pixels = np.zeros((24, 40, 3), dtype=np.uint8)
            pixels[:, 8:32] = colour
            pixels[:12, 8:32] = number
            save_picture(tmp_path / f"class {label}" / f"{number}.{'png' if number % 2 else 'JPG'}".lower(), pixels)
    dataset = load(tmp_path, pixels=8)
    assert dataset.shape == (3, 8, 8)
    assert dataset.labels is not None
    assert len(dataset.points) == 48
    for image, label in zip(dataset.points, dataset.labels, strict=True):
        lower = (image[:, 4:].mean(axis=(1, 2)) + 1) * 128
        assert lower == pytest.approx([255 * (label == 0), 0, 255 * (label == 1)], abs=8)
    assert dataset.class_names == ("class 0", "class 1")
    assert "Classes are numbered as their folders are sorted: 0 class 0, 1 class 1." in str(dataset.note)
    grey = load(tmp_path, pixels=8, colours="grey")
    assert grey.shape == (1, 8, 8)


def test_files_beside_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for number in range(60):
        save_picture(tmp_path / "inner" / f"{number}.png", COLOUR[number])
    assert load(tmp_path).note is None
    (tmp_path / ".hidden").touch()
    (tmp_path / "empty").mkdir()
    for name in ("a.bmp", "inner/b.gif"):
        (tmp_path / name).touch()
    assert str(load(tmp_path).note).startswith(
        f"Passed over: a.bmp, empty, {Path('inner/b.gif')}; read are PNG and JPEG"
    )
    for number in range(60):
        save_picture(tmp_path / f"{number}.png", COLOUR[number])
    (tmp_path / "c.bmp").touch()
    note = str(load(tmp_path, points=40).note)
    assert note.startswith("52 of 60 images were drawn. Passed over: a.bmp, c.bmp, empty and 1 more; read are PNG")


def test_a_note_says_that_a_session_does_not_keep_so_many_names() -> None:
    few, many = class_numbers(("a",) * MOST_CLASS_NAMES), class_numbers(("a",) * (MOST_CLASS_NAMES + 1))
    assert str(few).endswith("0 a, 1 a, 2 a and 49,997 more.")
    assert str(many).endswith(
        "0 a, 1 a, 2 a and 49,998 more; a session keeps the names of at most 50,000, so it will have none."
    )


def test_hidden_pictures_are_ignored(tmp_path: Path) -> None:
    """macOS writes ._0.png beside 0.png on USB sticks and in archives, and it is not a picture."""
    for number in range(60):
        save_picture(tmp_path / f"{number}.png", COLOUR[number])
    (tmp_path / "._0.png").write_bytes(b"\0\5\x16\7")
    assert same_images(bytes_of(load(tmp_path)), COLOUR)


def test_pictures_beside_class_folders_give_a_message(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        save_picture(tmp_path / "ab"[number % 2] / f"{number}.png", COLOUR[number])
    save_picture(tmp_path / "stray.png", COLOUR[0])
    with pytest.raises(
        DataError, match=r"1 picture \(stray\.png\) beside sub-folders .*\(a, b\).*: move it away to learn"
    ):
        load(tmp_path)
    (tmp_path / "stray.png").unlink()
    labels = load(tmp_path).labels
    assert labels is not None
    assert set(labels) == {0, 1}
    (tmp_path / "a" / "deeper").mkdir()
    with pytest.raises(DataError, match=r"^a has 30 images: at least 50"):
        load(tmp_path / "a")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize(
    ("shapes", "side"),
    [
        ([(12, 12)], 12),
        ([(12, 40), (30, 16), (50, 50)], 12),
        ([(40, 60)], 32),
        ([(50, 33), (8, 9)], 8),
    ],
)
def test_auto_does_not_enlarge_pictures(tmp_path: Path, suffix: str, shapes: list[tuple[int, int]], side: int) -> None:
    for number in range(60):
        pixels = RANDOM.integers(0, 256, (*shapes[number % len(shapes)], 3), dtype=np.uint8)
        save_picture(tmp_path / f"{number}{suffix}", pixels)
    dataset = load(tmp_path)
    assert dataset.shape == (3, side, side)
    assert dataset.note is None


def test_one_icon_does_not_make_other_pictures_small(tmp_path: Path) -> None:
    for number in range(60):
        save_picture(tmp_path / f"{number:02}.png", COLOUR[number][: 10 if number in (3, 5) else 24])
    dataset = load(tmp_path)
    assert dataset.shape == (3, 24, 24)
    assert str(dataset.note) == (
        "2 images smaller than 24 x 24 (03.png, 05.png) were enlarged, so bits per dimension count copied pixels: take them away, "
        "or choose data.pixels = 10."
    )
    assert load(tmp_path, pixels=10).note is None
    for number in (4, 6):  # more than a twentieth
        save_picture(tmp_path / f"{number:02}.png", COLOUR[number][:10])
    assert load(tmp_path).shape == (3, 10, 10)


def test_sizes_are_read_without_decoding(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_picture(path, COLOUR[0][:20])
    path.write_bytes(path.read_bytes()[:60])  # the pixels begin at 41
    assert pictures.read_size(str(path)) == (32, 20)


def test_pictures_of_their_own_size_are_kept_as_they_are(tmp_path: Path) -> None:
    small = np.repeat(GREY[:, :9, :9, None], 3, axis=3)
    for number in range(60):
        save_picture(tmp_path / f"{number}.png", small[number])
    assert same_images(bytes_of(load(tmp_path)), small[..., :1])


def test_enlarged_images_give_a_note(tmp_path: Path) -> None:
    for number in range(60):
        save_picture(tmp_path / f"{number}.png", COLOUR[number][: 9 if number < 20 else 32])
    said = "{} images smaller than {} x {}{} were enlarged, so bits per dimension count copied pixels{}."
    names = " (0.png, 1.png, 10.png and 17 more)"
    assert load(tmp_path, pixels=9).note is None
    way_out = ": choose data.pixels = auto, or at most 9"
    assert str(load(tmp_path, pixels=16).note) == said.format(20, 16, 16, names, way_out)
    np.save(tmp_path / "a.npy", GREY[:, :10, :12])
    assert load(tmp_path / "a.npy").note is None
    assert str(load(tmp_path / "a.npy", pixels=16).note) == said.format(60, 16, 16, "", way_out.replace("9", "10"))
    np.save(tmp_path / "a.npy", GREY[:, :6, :6])
    dataset = load(tmp_path / "a.npy")  # less than the smallest setting
    assert dataset.shape == (1, 8, 8)
    assert str(dataset.note) == said.format(60, 8, 8, "", "")


@pytest.mark.parametrize("colours", [1, 2, 3, 4])
def test_sixteen_bits_become_the_nearest_of_256_levels(tmp_path: Path, colours: int) -> None:
    """Grey or RGB, with or without an opaque alpha channel. For all but grey the upper byte may be off by one."""
    levels = RANDOM.integers(0, 256, (16, 16, colours))
    if colours in (2, 4):
        levels[..., -1] = 255
    for off in (0, -128, 128):
        rows = np.clip(257 * levels + off, 0, 65535).astype(">u2").reshape(16, -1)
        header = struct.pack(">2I5B", 16, 16, 16, {1: 0, 2: 4, 3: 2, 4: 6}[colours], 0, 0, 0)
        data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
        content = b"\x89PNG\r\n\x1a\n"
        for name, chunk in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")):
            content += struct.pack(">I", len(chunk)) + name + chunk + struct.pack(">I", zlib.crc32(name + chunk))
        (tmp_path / "a.png").write_bytes(content)
        wanted = levels[..., :3] if colours > 2 else np.repeat(levels[..., :1], 3, axis=2)
        if off >= 0 or colours in (1, 3):  # else the alpha channel is not opaque
            found = pictures.read_picture(str(tmp_path / "a.png"), 16).astype(int)
            assert np.abs(found - wanted).max() <= (off != 0 and colours > 1)


def test_a_scaled_pixel_is_the_mean_over_its_area() -> None:
    images = RANDOM.integers(0, 256, (3, 20, 24, 2), dtype=np.uint8)
    square = images[:, :, 2:22].astype(float)
    small = pictures.scaled(images, 10)
    wanted = square.reshape(3, 10, 2, 10, 2, 2).mean(axis=(2, 4))
    assert np.abs(small - wanted).max() <= 0.5
    assert np.array_equal(pictures.scaled(images[:, :, 2:22], 20), images[:, :, 2:22])
    assert pictures.scaled(images, 7).astype(float).mean() == pytest.approx(square.mean(), abs=1)


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    clear = np.zeros((10, 10, 4), dtype=np.uint8)
    clear[:5, :, 3] = 255
    save_picture(tmp_path / "a.png", clear)
    picture = pictures.read_picture(str(tmp_path / "a.png"), 10)
    assert picture[:5].max() == 0
    assert picture[5:].min() == 255


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        *(("a.png", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")),
        *(("a.jpg", mode, {}) for mode in ("L", "RGB", "CMYK", "YCbCr")),
        ("a.jpg", "RGB", {"progressive": True}),
        ("a.png", "L", {"transparency": 0}),
        ("a.png", "RGB", {"transparency": (0, 0, 0)}),
    ],
)
def test_every_pixel_format_is_read(tmp_path: Path, name: str, mode: str, options: dict[str, Any]) -> None:
    pixels = np.zeros((16, 16, 3), dtype=np.uint8)
    pixels[8:] = 255
    Image.fromarray(pixels).convert("L").convert(mode).save(tmp_path / name, **options)
    wanted = 255 if "transparency" in options else pixels
    assert np.abs(pictures.read_picture(str(tmp_path / name), 16).astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("clear", [0, bytes([0]), bytes([0, 0])])
def test_transparent_colours_of_a_palette_become_white(tmp_path: Path, clear: int | bytes) -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 3]], dtype=np.uint8)).convert("P")
    image.putpalette([7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10])
    image.save(tmp_path / "a.png", transparency=clear)
    found = pictures.read_picture(str(tmp_path / "a.png"), 2)
    second = 255 if clear == bytes([0, 0]) else 8
    assert found[..., 0].tolist() == found[..., 2].tolist() == [[255, second], [9, 10]]


def test_a_transparent_level_of_sixteen_bits_becomes_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[383, 127], [257, 65535]], dtype=np.uint16))
    image.save(tmp_path / "a.png", transparency=383)
    assert pictures.read_picture(str(tmp_path / "a.png"), 2)[..., 1].tolist() == [[255, 0], [1, 255]]


def test_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    first, *others = map(Image.fromarray, COLOUR[:3])
    first.save(tmp_path / "a.png", save_all=True, append_images=others)
    np.testing.assert_array_equal(pictures.read_picture(str(tmp_path / "a.png"), 32), COLOUR[0])


@pytest.mark.parametrize("form", ["BMP", "GIF", "PPM", "TIFF", "WEBP"])
def test_other_formats_are_refused_under_any_name(tmp_path: Path, form: str) -> None:
    Image.fromarray(COLOUR[0]).save(tmp_path / "a.png", form)
    with pytest.raises(DataError, match=r"a\.png is not a PNG or JPEG picture, or a damaged one: remove it"):
        load(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_size_in_a_pictures_header_is_checked_before_decoding(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save_picture(path, COLOUR[0])
    content = path.read_bytes()
    for width, height in ((30_000, 4_000), (30_000, 5_000), (65_000, 65_000)):
        if suffix == ".png":
            header = b"IHDR" + struct.pack(">2I", width, height) + content[24:29]
            path.write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])
        else:
            start = content.index(b"\xff\xc0") + 5
            path.write_bytes(content[:start] + struct.pack(">2H", height, width) + content[start + 4 :])
        if height == 4_000:
            assert pictures.read_size(str(path)) == (30_000, 4_000)
            continue
        with pytest.raises(
            DataError,
            match=rf"a{suffix} has {width} x {height} pixels: at most 134 million can be decoded; make it smaller",
        ):
            load(tmp_path)


@pytest.mark.claims
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module")
@pytest.mark.parametrize(
    ("name", "mode", "side", "most"),
    [("a.png", "1", 11_000, 200), ("a.png", "RGB", 4_000, 100), ("a.jpg", "RGB", 8_000, 40)],
)
def test_a_large_picture_takes_little_more_memory_than_its_pixels(
    tmp_path: Path, name: str, mode: str, side: int, most: float
) -> None:
    """Its pixels in single precision would take 1.9 GB, 256 MB and 1 GB. A JPEG picture is decoded at an eighth of its size."""
    Image.new(mode, (side, side)).save(tmp_path / name)
    code = f"assert pictures.read_picture({str(tmp_path / name)!r}, 28).shape == (28, 28, 3)"
    assert growth("from playground.data import pictures; import PIL.ImageOps, PIL.JpegImagePlugin", code) < most


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_is_no_file_of_images(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.npz")  # to open it would wait for a writer
    with pytest.raises(DataError, match=r"a\.npz is not a regular file: choose a folder"):
        load(tmp_path / "a.npz")


def test_large_pictures_are_decoded_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first large one waits for a second one to begin, which must not happen. Small ones do not wait for it."""
    began, small, reduced = threading.Semaphore(0), threading.Semaphore(0), pictures._reduced
    together: list[bool] = []

    def slow(image: Image.Image, factor: int) -> Image.Image:
        if image.width < 40:
            small.release()
        else:
            began.release()
            if not together:
                assert small.acquire(timeout=60)
                together.append(began.acquire() and began.acquire(timeout=0.5))
        return reduced(image, factor)

    monkeypatch.setattr(pictures, "_reduced", slow)
    monkeypatch.setattr(pictures, "LARGE", 40 * 40 - 1)
    for number in range(60):
        save_picture(
            tmp_path / f"{number:02}.png", RANDOM.integers(0, 256, (40 - 10 * (number % 2),) * 2 + (3,), np.uint8)
        )
    assert len(bytes_of(load(tmp_path))) == 60
    assert together == [False]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "I;16"])
@pytest.mark.parametrize("strip", [1, 2**20])
def test_a_reduced_picture_has_the_means_over_its_areas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, strip: int
) -> None:
    """A picture of 402 x 303 pixels is reduced by 3, in one strip or many, and then scaled to 10 x 10 pixels."""
    monkeypatch.setattr(pictures, "STRIP", strip)
    monkeypatch.setattr(pictures, "REDUCED", 10)
    wave = np.sin(np.arange(303)[:, None] / 80) * np.cos(np.arange(402) / 90)
    if mode == "I;16":
        image = Image.fromarray(np.rint(32767 * (1 + wave)).astype(np.uint16))
    else:
        image = Image.fromarray(np.rint(127 * (1 + wave)).astype(np.uint8)).convert(mode)
    image.save(tmp_path / "a.png")
    wanted = pictures.scaled(np.rint(127.5 * (1 + wave)).astype(np.uint8)[None, ..., None], 10)[0].astype(int)
    found = pictures.read_picture(str(tmp_path / "a.png"), 10).astype(int)
    assert np.abs(found - wanted).max() <= (
        4 if mode == "P" else 2
    )  # a palette has fewer colours; middles differ by a pixel


def test_at_most_the_wanted_number_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.concatenate([GREY, 255 - GREY, GREY // 2, GREY // 3]))
    dataset = load(tmp_path / "a.npy", points=100, held_out=20)
    assert (len(dataset.points), len(dataset.held_out)) == (100, 20)
    other = load(tmp_path / "a.npy", points=100, held_out=20, seed=1)
    assert not np.array_equal(dataset.points, other.points)


@pytest.mark.parametrize(
    ("copies", "least", "most"),
    [
        ([10] * 60, 100, 120),  # a fifth of 600
        ([4] * 10 + [1] * 50, 12, 30),
        ([1] * 50 + [900, 1, 1, 1, 1], 10, 11),  # a fifth of the different images, with the frequent one in training
        ([10] * 5, 10, 10),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_equal_images_are_on_one_side(tmp_path: Path, copies: list[int], least: int, most: int, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(sum(copies))
    np.save(tmp_path / "a.npy", np.repeat(GREY[: len(copies)], copies, axis=0)[order])
    dataset = load(tmp_path / "a.npy", held_out=1000, seed=seed)
    trained, held_out = ({image.tobytes() for image in part} for part in (dataset.points, dataset.held_out))
    assert not trained & held_out
    assert len(trained | held_out) == len(copies)
    assert least <= len(dataset.held_out) <= most
    assert len(dataset.points) + len(dataset.held_out) == sum(copies)
    repeated = f"{sum(copies) - len(copies):,} of {sum(copies):,} images repeat another;"
    assert str(dataset.note) == f"{repeated} duplicates are all in the training set or all held out."


def test_groups_of_equal_images_are_held_out_with_class_frequencies(tmp_path: Path) -> None:
    images, classes = np.repeat(GREY, 5, axis=0), np.repeat(CLASSES, 5)
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(idx(classes))
    dataset = load(tmp_path / "a-images-idx3-ubyte", held_out=50)
    assert dataset.labels is not None
    np.testing.assert_array_equal(np.bincount(dataset.labels), [25] * 10)  # of 30, five are held out


def test_empty_small_and_damaged_folders_give_messages(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no PNG or JPEG"):
        load(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "none")
    with pytest.raises(DataError, match="No images are chosen"):
        load_dataset("images")
    np.save(tmp_path / "few.npy", GREY[:10])
    with pytest.raises(DataError, match="10 images: at least 50"):
        load(tmp_path / "few.npy")
    np.save(tmp_path / "few.npy", GREY[:1])
    with pytest.raises(DataError, match="has 1 image: at least 50"):
        load(tmp_path / "few.npy")
    for same in (np.zeros_like(GREY), np.repeat(GREY[:1], len(GREY), axis=0)):
        np.save(tmp_path / "same.npy", same)
        with pytest.raises(
            DataError, match=r"^same\.npy has only 1 different image among 60: at least 5 are needed\.$"
        ):
            load(tmp_path / "same.npy")
    np.save(tmp_path / "same.npy", np.repeat(GREY[:4], 15, axis=0))
    with pytest.raises(DataError, match=r"^same\.npy has only 4 different images among 60"):
        load(tmp_path / "same.npy")
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png is not a PNG"):
        load(tmp_path)


@pytest.mark.parametrize("damage", [slice(10), slice(40), slice(60)])  # in the header, and in the pixels
def test_unreadable_files_are_left_out_and_named(tmp_path: Path, damage: slice) -> None:
    for number, pixels in enumerate(COLOUR):
        save_picture(tmp_path / f"{number:02}.png", pixels)
    whole = load(tmp_path)
    damaged = tmp_path / "07.png"
    content = damaged.read_bytes()
    damaged.write_bytes(content[damage])
    dataset = load(tmp_path)
    assert same_images(bytes_of(dataset), np.delete(COLOUR, 7, axis=0))
    assert whole.note is None
    assert (
        str(dataset.note)
        == "Left out: 07.png, which is damaged, no PNG or JPEG, not allowed to be read, or of over 134 million pixels."
    )
    for number in range(20, 26):
        (tmp_path / f"{number}.png").write_bytes(content[damage])
    gone = [7, *range(20, 26)]  # too many are smaller than the smallest learned size, so there is no size of their own
    assert same_images(bytes_of(load(tmp_path)), np.delete(COLOUR, gone, axis=0))
    for number in range(26, 31):
        (tmp_path / f"{number}.png").write_bytes(content[damage])
    with pytest.raises(
        DataError,
        match=r"has 48 images: at least 50 are needed to learn from\. Left out: 07\.png, 20\.png, .*, which are damaged",
    ):
        load(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_half_a_picture_is_damaged(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save_picture(path, COLOUR[0])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(
        DataError, match=r"is not a PNG or JPEG picture, or a damaged one: remove it from the folder\.$"
    ):
        pictures.read_picture(str(path), 8)


def test_an_unreadable_picture_does_not_fail_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read every file, so a file mode would not test this."""
    for number, pixels in enumerate(COLOUR):
        save_picture(tmp_path / f"{number:02}.png", pixels)
    read, locked = pictures.read_size, [str(tmp_path / "07.png")]

    def raise_conflict(name: str) -> tuple[int, int]:
        if name in locked:
            raise PermissionError(13, "Permission denied", name)
        return read(name)

    monkeypatch.setattr(pictures, "read_size", raise_conflict)
    dataset = load(tmp_path)
    assert same_images(bytes_of(dataset), np.delete(COLOUR, 7, axis=0))
    assert "Left out: 07.png" in str(dataset.note)
    locked += [str(tmp_path / f"{number:02}.png") for number in range(len(COLOUR))]
    with pytest.raises(DataError, match=r"00\.png may not be read"):
        load(tmp_path)
