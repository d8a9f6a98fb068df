"""Images of one's own: every published format read back bit by bit, pictures scaled right, and every bad file in a sentence."""

import gzip
import pickle
import struct
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from playground.data import DataError, Dataset, load_dataset, pictures
from playground.data.archives import read_archive

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (60, 28, 28), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
CLASSES = np.arange(60) % 10


def load(path: Path, **changes: object) -> Dataset:
    settings: dict = {"held_out": 12} | changes
    return load_dataset("images", path=str(path), **settings)


def bytes_of(dataset: Dataset) -> np.ndarray:
    """All images as bytes, (N, H, W, C), in no particular order."""
    points = np.concatenate([dataset.points, dataset.held_out])
    return np.rint((points + 1) * 128 - 0.5).astype(np.uint8).transpose(0, 2, 3, 1)


def same_images(found: np.ndarray, wanted: np.ndarray) -> bool:
    return sorted(image.tobytes() for image in found) == sorted(image.tobytes() for image in wanted)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def save_picture(path: Path, pixels: np.ndarray) -> None:
    """A PNG or JPEG file, by its suffix."""
    codec, layout = ("png", "rgb24") if path.suffix == ".png" else ("mjpeg", "yuvj444p")
    source = "rgba" if pixels.shape[2] == 4 else "rgb24"
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=source)
    context = av.CodecContext.create(codec, "w")
    context.width, context.height = pixels.shape[1], pixels.shape[0]
    context.pix_fmt = source if path.suffix == ".png" else layout
    context.time_base = Fraction(1, 25)
    packets = [*context.encode(frame.reformat(format=context.pix_fmt)), *context.encode(None)]
    path.write_bytes(b"".join(bytes(packet) for packet in packets))


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_is_read_with_its_labels(tmp_path: Path, packed: bool) -> None:
    pack = gzip.compress if packed else bytes
    end = ".gz" if packed else ""
    path = tmp_path / f"train-images-idx3-ubyte{end}"
    path.write_bytes(pack(idx(GREY)))
    assert load(path).labels is None
    (tmp_path / f"train-labels-idx1-ubyte{end}").write_bytes(pack(idx(CLASSES)))
    dataset = load(path)
    assert dataset.shape == (1, 28, 28)
    assert dataset.grey_levels == 256
    assert same_images(bytes_of(dataset), GREY[..., None])
    assert dataset.labels is not None
    by_image = {image.tobytes(): label for image, label in zip(GREY, CLASSES, strict=True)}
    levels = np.rint((dataset.points + 1) * 128 - 0.5).astype(np.uint8)
    assert [by_image[image.tobytes()] for image in levels] == dataset.labels.tolist()


@pytest.mark.parametrize("labels", [1, 2])
def test_cifar_is_read(tmp_path: Path, labels: int) -> None:
    first = np.repeat(CLASSES[:, None], labels, axis=1).astype(np.uint8)
    rows = np.concatenate([first, COLOUR.transpose(0, 3, 1, 2).reshape(60, -1)], axis=1)
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(rows.tobytes())
    for place in (path, tmp_path):
        dataset = load(place)
        assert dataset.shape == (3, 32, 32)
        assert same_images(bytes_of(dataset), COLOUR)
        assert dataset.labels is not None
        assert len(np.unique(dataset.labels)) == 10


@pytest.mark.parametrize("images", [GREY, COLOUR, COLOUR.transpose(0, 3, 1, 2), COLOUR / 255])
def test_npz_and_npy_are_read(tmp_path: Path, images: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", x_train=images, y_train=CLASSES)
    np.save(tmp_path / "a.npy", images)
    wanted = GREY[..., None] if images is GREY else COLOUR
    for name in ("a.npz", "a.npy"):
        dataset = load(tmp_path / name)
        assert same_images(bytes_of(dataset), wanted)
        assert (dataset.labels is None) == (name == "a.npy")


TEST = {"x_test": GREY[:30], "y_test": CLASSES[:30] + 100}


@pytest.mark.parametrize(
    ("arrays", "images", "labels", "said"),
    [
        ({"images": GREY, "ids": np.arange(60), "labels": CLASSES}, "images", "labels", "; left out: ids."),
        ({"x_train": GREY, "y_test": CLASSES[::-1], "y_train": CLASSES}, "x_train", "y_train", "; left out: y_test."),
        ({"x_test": 255 - GREY, "y_test": CLASSES * 0, "x_train": GREY, "y_train": CLASSES}, "x_train", "y_train", ""),
        (TEST | {"x_train": GREY, "y_train": CLASSES}, "x_train", "y_train", "; left out: x_test, y_test."),
        ({"trainY": CLASSES, "trainX": GREY, "masks": GREY // 255}, "trainX", "trainY", "; left out: masks."),
        ({"train_images": GREY, "LABELS": CLASSES[:, None]}, "train_images", "LABELS", ""),
        ({"images": GREY, "index": CLASSES[::-1], "label": CLASSES >= 5}, "images", "label", "; left out: index."),
        (
            {"arr_0": GREY, "arr_1": CLASSES},
            "arr_0",
            "arr_1",
            "The images come from the array arr_0, their classes from arr_1.",
        ),
        (
            {"images": GREY, "ids": np.arange(60)},
            "images",
            None,
            "left out: ids. Classes are read from an array called",
        ),
        ({"x_train": GREY, "y_test": CLASSES}, "x_train", None, "; left out: y_test. Classes are"),
        ({"images": GREY, "age": CLASSES, "size": CLASSES}, "images", None, "; left out: age, size. Classes are"),
        ({"images": GREY, "labels": CLASSES / 2, "age": CLASSES}, "images", None, "; left out: labels, age. Classes"),
        ({"images": GREY, "labels": CLASSES}, "images", "labels", None),
        ({"images": GREY}, "images", None, None),
    ],
)
def test_arrays_of_an_npz_file_go_by_their_names(
    tmp_path: Path, arrays: dict[str, np.ndarray], images: str, labels: str | None, said: str | None
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    found, classes, remark = read_archive(tmp_path / "a.npz")
    np.testing.assert_array_equal(found[..., 0], arrays[images])
    if labels is None:
        assert classes is None
    else:
        np.testing.assert_array_equal(classes, arrays[labels].reshape(-1))
    assert remark == "" if said is None else said in remark
    assert load(tmp_path / "a.npz").remark == remark


def test_what_is_no_array_in_an_npz_file_is_no_matter(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=GREY)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as packed:
        packed.writestr("read me.txt", "60 images")
    assert load(tmp_path / "a.npz").shape == (1, 28, 28)


def test_a_folder_is_cropped_scaled_and_takes_its_sub_folders_for_classes(tmp_path: Path) -> None:
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
    grey = load(tmp_path, pixels=8, colours="grey")
    assert grey.shape == (1, 8, 8)


def test_what_lies_beside_pictures_is_named(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for number in range(60):
        save_picture(tmp_path / "inner" / f"{number}.png", COLOUR[number])
    assert load(tmp_path).remark == ""
    (tmp_path / ".hidden").touch()
    (tmp_path / "empty").mkdir()
    for name in ("a.bmp", "inner/b.gif"):
        (tmp_path / name).touch()
    assert load(tmp_path).remark.startswith(f"Passed over: a.bmp, empty, {Path('inner/b.gif')}; read are PNG and JPEG")
    for number in range(60):
        save_picture(tmp_path / f"{number}.png", COLOUR[number])
    (tmp_path / "c.bmp").touch()
    remark = load(tmp_path, points=40).remark
    assert remark.startswith("52 of 60 images were drawn. Passed over: a.bmp, c.bmp, empty and 1 more; read are PNG")


def test_strays_beside_classes_are_named_with_a_way_out(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        save_picture(tmp_path / "ab"[number % 2] / f"{number}.png", COLOUR[number])
    save_picture(tmp_path / "stray.png", COLOUR[0])
    with pytest.raises(
        DataError, match=r"1 picture \(stray\.png\) beside sub-folders .*\(a, b\).*: move it away to learn"
    ):
        load(tmp_path)
    (tmp_path / "stray.png").unlink()
    assert set(load(tmp_path).labels) == {0, 1}
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
def test_auto_enlarges_no_picture(tmp_path: Path, suffix: str, shapes: list[tuple[int, int]], side: int) -> None:
    for number in range(60):
        pixels = RANDOM.integers(0, 256, (*shapes[number % len(shapes)], 3), dtype=np.uint8)
        save_picture(tmp_path / f"{number}{suffix}", pixels)
    dataset = load(tmp_path)
    assert dataset.shape == (3, side, side)
    assert dataset.remark == ""


def test_sizes_are_read_without_decoding(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_picture(path, COLOUR[0][:20])
    path.write_bytes(path.read_bytes()[:40])
    assert pictures._shorter_side(str(path)) == 20


def test_pictures_of_their_own_size_are_kept_as_they_are(tmp_path: Path) -> None:
    small = np.repeat(GREY[:, :9, :9, None], 3, axis=3)
    for number in range(60):
        save_picture(tmp_path / f"{number}.png", small[number])
    assert same_images(bytes_of(load(tmp_path)), small[..., :1])


def test_enlarged_images_are_remarked_on(tmp_path: Path) -> None:
    for number in range(60):
        save_picture(tmp_path / f"{number}.png", COLOUR[number][: 9 if number < 20 else 32])
    said = "{} images smaller than {} x {} were enlarged, so bits per dimension count copied pixels{}."
    assert load(tmp_path, pixels=9).remark == ""
    way_out = ": choose data.pixels = auto, or at most 9"
    assert load(tmp_path, pixels=16).remark == said.format(20, 16, 16, way_out)
    np.save(tmp_path / "a.npy", GREY[:, :10, :12])
    assert load(tmp_path / "a.npy").remark == ""
    assert load(tmp_path / "a.npy", pixels=16).remark == said.format(60, 16, 16, way_out.replace("9", "10"))
    np.save(tmp_path / "a.npy", GREY[:, :6, :6])
    dataset = load(tmp_path / "a.npy")  # less than a setting can say
    assert dataset.shape == (1, 8, 8)
    assert dataset.remark == said.format(60, 8, 8, "")


@pytest.mark.parametrize("colours", [1, 2, 3, 4])
def test_sixteen_bits_become_the_nearest_of_256_levels(tmp_path: Path, colours: int) -> None:
    """Grey or RGB, with or without an opaque alpha channel."""
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
        if off >= 0 or colours in (1, 3):  # else what is a little transparent
            np.testing.assert_array_equal(pictures._picture(str(tmp_path / "a.png"), 16), wanted)


def test_scaling_is_the_mean_of_what_each_pixel_covers() -> None:
    images = RANDOM.integers(0, 256, (3, 20, 24, 2), dtype=np.uint8)
    square = images[:, :, 2:22].astype(float)
    small = pictures.scaled(images, 10)
    wanted = square.reshape(3, 10, 2, 10, 2, 2).mean(axis=(2, 4))
    assert np.abs(small - wanted).max() <= 0.5
    assert np.array_equal(pictures.scaled(images[:, :, 2:22], 20), images[:, :, 2:22])
    assert pictures.scaled(images, 7).astype(float).mean() == pytest.approx(square.mean(), abs=1)


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    clear = np.zeros((10, 10, 4), dtype=np.uint8)
    clear[:5, :, 3] = 255
    save_picture(tmp_path / "a.png", clear)
    picture = pictures._picture(str(tmp_path / "a.png"), 10)
    assert picture[:5].max() == 0
    assert picture[5:].min() == 255


def test_only_so_many_are_taken(tmp_path: Path) -> None:
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
        ([1] * 50 + [900, 1, 1, 1, 1], 10, 11),  # a fifth of what differs, the frequent one left to training
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
    assert dataset.remark == f"{repeated} equal images are either trained on or held out."


def test_groups_of_equal_images_are_held_out_in_their_classes_shares(tmp_path: Path) -> None:
    images, classes = np.repeat(GREY, 5, axis=0), np.repeat(CLASSES, 5)
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(idx(classes))
    dataset = load(tmp_path / "a-images-idx3-ubyte", held_out=50)
    assert dataset.labels is not None
    np.testing.assert_array_equal(np.bincount(dataset.labels), [25] * 10)  # of 30, five are held out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.bin", b"", "no images that can be read"),
        ("a.bin", b"x" * 1000, "no images that can be read"),
        ("a.gz", gzip.compress(idx(GREY))[:5_000], "damaged|cut off"),
        ("a.gz", gzip.compress(idx(GREY)[:5_000]), "cut off"),
        ("a-ubyte", idx(CLASSES), "labels and no images"),
        ("a-ubyte", struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**10, 2**10), "GB"),
        ("a.bin", pickle.dumps({"data": [1]}), "pickle"),
        ("a.npz", b"PK\3\4 damaged", "damaged"),
        ("a.npy", None, "shape"),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is None:
        np.save(path, np.zeros((60, 5)))
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=said) as raised:
        load(path)
    assert str(raised.value).endswith(".")


def test_folders_without_pictures_few_equal_and_damaged_ones_are_sentences(tmp_path: Path) -> None:
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
    with pytest.raises(DataError, match=r"a\.png is no PNG"):
        load(tmp_path)
