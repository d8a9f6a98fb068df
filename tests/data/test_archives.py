"""Files of many images: every published format is read exactly, and every bad file gives a clear message."""

import gzip
import io
import pickle
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground.data import DataError
from playground.data.archives import read_archive
from tests.data.image_files import CLASSES, COLOUR, GREY, bytes_of, cifar, idx, load, same_images
from tests.peak_memory import growth


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


@pytest.mark.parametrize(
    ("training", "testing", "labels"),
    [
        ("data_batch_1.bin", "test_batch.bin", None),
        ("train.bin", "test.bin", None),
        ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte.gz", "t10k-images.idx3-ubyte.gz", "train-labels.idx1-ubyte"),
    ],
)
def test_a_published_folder_is_read_without_its_test_set(
    tmp_path: Path, training: str, testing: str, labels: str | None
) -> None:
    pack = gzip.compress if training.endswith(".gz") else bytes
    images, of = (COLOUR, cifar) if labels is None else (GREY[..., None], lambda some: pack(idx(some[..., 0])))
    (tmp_path / training).write_bytes(of(images))
    if labels is not None:
        (tmp_path / labels).write_bytes(idx(CLASSES))
    assert load(tmp_path).note is None
    (tmp_path / testing).write_bytes(of(255 - images))
    dataset = load(tmp_path)
    assert same_images(bytes_of(dataset), images)
    assert dataset.labels is not None
    assert str(dataset.note) == f"Left out: {testing}; the held-out images are taken from the training files."
    (tmp_path / training).unlink()
    with pytest.raises(DataError, match=rf"or a file of images: {testing}"):
        load(tmp_path)


def test_mnist_without_labels_gives_a_note(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(GREY))
    note = str(load(tmp_path / "train-images-idx3-ubyte").note)
    assert note == "They have no classes, for train-labels-idx1-ubyte does not lie beside them."
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(CLASSES)))
    assert load(tmp_path / "train-images-idx3-ubyte").labels is not None


@pytest.mark.parametrize("images", [GREY, COLOUR, COLOUR.transpose(0, 3, 1, 2), COLOUR / 255, COLOUR.astype(np.int64)])
def test_npz_and_npy_are_read(tmp_path: Path, images: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", x_train=images, y_train=CLASSES)
    np.save(tmp_path / "a.npy", images)
    wanted = GREY[..., None] if images is GREY else COLOUR
    for name in ("a.npz", "a.npy"):
        dataset = load(tmp_path / name)
        assert same_images(bytes_of(dataset), wanted)
        assert (dataset.labels is None) == (name == "a.npy")


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_numbers_of_a_file_go_from_0_to_1(tmp_path: Path, value: float) -> None:
    images = COLOUR / 255
    images[0, 0, 0, 0] = value
    np.save(tmp_path / "a.npy", images)
    with pytest.raises(DataError, match="give whole ones from 0 to 255, or others from 0 to 1"):
        load(tmp_path / "a.npy")


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
def test_arrays_of_an_npz_file_are_chosen_by_name(
    tmp_path: Path, arrays: dict[str, Any], images: str, labels: str | None, said: str | None
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    found, classes, note = read_archive(tmp_path / "a.npz")
    np.testing.assert_array_equal(found[..., 0], arrays[images])
    if labels is None:
        assert classes is None
    else:
        np.testing.assert_array_equal(classes, arrays[labels].reshape(-1))
    assert note is None if said is None else said in str(note)
    assert load(tmp_path / "a.npz").note == note


def test_other_entries_of_an_npz_file_are_ignored(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=GREY)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as packed:
        packed.writestr("read me.txt", "60 images")
    assert load(tmp_path / "a.npz").shape == (1, 28, 28)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module")
def test_arrays_that_together_are_too_large_are_not_unpacked(tmp_path: Path) -> None:
    """Each of three arrays is smaller than the bound, here 64 MB instead of 2 GB. The file has 180 kB."""
    path = tmp_path / "a.npz"
    arrays: dict[str, Any] = {name: np.zeros((10_000, 28, 28)) for name in "abc"}
    np.savez_compressed(path, **arrays)
    lower = "from pathlib import Path; from playground.data import DataError, archives; archives.MOST_BYTES = 2**26"
    code = f"""
try:
    archives.read_archive(Path({str(path)!r}))
except DataError as error:
    assert str(error) == "a.npz holds 0.2 GB of images: keep a part of at most 0 GB.", error
else:
    raise AssertionError("it was read")"""
    assert growth(lower, code) < 20


def test_neither_the_archive_nor_an_arrays_header_can_hide_its_size(tmp_path: Path) -> None:
    said = r"a\.npz holds 3\.8 GB of images: keep a part of at most 2 GB\."
    path, header = tmp_path / "a.npz", io.BytesIO()
    told = {"descr": "|u1", "fortran_order": False, "shape": (4_000_000, 32, 32)}
    np.lib.format.write_array_header_1_0(header, told)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("images.npy", header.getvalue())
    with pytest.raises(DataError, match=said):
        read_archive(path)
    np.savez(path, images=GREY)
    content = path.read_bytes()
    listed = content.rindex(b"PK\1\2") + 24  # the archive's list of its members: the unpacked size
    path.write_bytes(content[:listed] + struct.pack("<I", 4_096_000_000) + content[listed + 4 :])
    with pytest.raises(DataError, match=said):
        read_archive(path)


@pytest.mark.claims
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module")
def test_numbers_are_converted_piece_by_piece(tmp_path: Path) -> None:
    """An array of 128 MB becomes 16 MB of bytes; in single precision it would take 64 MB four times."""
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=np.zeros((16_384, 32, 32)))
    code = f"assert archives.read_archive(Path({str(path)!r}))[0].shape[:3] == (16_384, 32, 32)"
    assert growth("from pathlib import Path; from playground.data import archives", code) < 128 + 16 + 100


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.bin", b"", "no images that can be read"),
        ("a.bin", b"x" * 1000, "no images that can be read"),
        ("a.gz", gzip.compress(idx(GREY))[:5_000], "damaged|cut off"),
        ("a.gz", gzip.compress(idx(GREY)[:5_000]), "cut off"),
        ("a.gz", gzip.compress(idx(GREY))[:-8] + bytes(8), "damaged"),  # its checksum
        ("a-ubyte", idx(GREY) + b"x", "holds more than the 47,040 bytes that its header tells of"),
        ("a.bin", b"\n" + bytes(3072), "a record of CIFAR has 3,073 or 3,074 bytes, the class first"),
        ("a-ubyte", idx(CLASSES), "labels and no images"),
        ("a-ubyte", struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**10, 2**10), "GB"),
        ("a.bin", pickle.dumps({"data": [1]}), "pickle"),
        ("a.npz", b"PK\3\4 damaged", "damaged"),
        ("a.npy", None, "shape"),
    ],
)
def test_a_bad_file_gives_a_message(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is None:
        np.save(path, np.zeros((60, 5)))
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=said) as raised:
        load(path)
    assert str(raised.value).endswith(".")
