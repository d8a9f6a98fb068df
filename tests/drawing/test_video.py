"""Videos as players decode them: frames, size, rate and colours; and the files after an interrupted video."""

import signal
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from playground.drawing import video
from playground.drawing.palette import DARK
from playground.drawing.video import FORMATS, VideoError, write_video
from tests.colors import rgb

SIZE = (96, 65)  # an odd height
SUFFIXES = list(FORMATS)


def frame(number: int, size: tuple[int, int] = SIZE) -> QImage:
    """A frame in amber on dark, with a moving teal bar."""
    image = QImage(*size, QImage.Format.Format_RGB32)
    image.fill(QColor(DARK.background))
    for x in range(20, 60):
        for y in range(10, 30):
            image.setPixelColor(x, y, QColor(DARK.particles))
    for x in range(size[0]):
        for y in range(40, 56):
            if 4 * number <= x < 4 * number + 16:
                image.setPixelColor(x, y, QColor(DARK.data))
    return image


def frames(count: int, size: tuple[int, int] = SIZE) -> Iterator[QImage]:
    for number in range(count):
        yield frame(number, size)


def premultiplied(count: int, size: tuple[int, int]) -> Iterator[QImage]:
    """Frames in the format that is painted fastest, which the writer converts."""
    for image in frames(count, size):
        yield image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


def noise(count: int) -> Iterator[QImage]:
    """Frames that cannot be made small."""
    generator = np.random.default_rng(0)
    for _ in range(count):
        pixels = generator.integers(0, 2**32, size=(65, 96), dtype=np.uint32)
        yield QImage(pixels.data, 96, 65, 384, QImage.Format.Format_RGB32).copy()


def decoded(path: Path) -> tuple[list[np.ndarray], float, str]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [picture.to_ndarray(format="rgb24").astype(int) for picture in container.decode(stream)]
        assert stream.average_rate is not None
        return pictures, float(stream.average_rate), stream.codec_context.name


@pytest.mark.parametrize(
    ("suffix", "codec", "size"), [(".mp4", "h264", (96, 64)), (".webm", "vp9", (96, 64)), (".gif", "gif", SIZE)]
)
@pytest.mark.parametrize("fps", [25, 10])
def test_what_is_written_can_be_played(
    tmp_path: Path, suffix: str, codec: str, size: tuple[int, int], fps: int
) -> None:
    path = tmp_path / f"run{suffix}"
    progress = list(write_video(path, frames(12), 12, SIZE, fps))
    pictures, rate, name = decoded(path)
    assert len(pictures) == 12
    assert pictures[0].shape == (size[1], size[0], 3)
    assert rate == pytest.approx(fps)
    assert name.startswith(codec) or codec == "vp9"
    assert progress == sorted(progress)
    assert progress[0] == pytest.approx(1 / 12)
    assert progress[-1] == 1.0
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    for number in (0, 5, 11):
        expected = {(20, 40): DARK.particles, (48, 4 * number + 8): DARK.data, (4, 4): DARK.background}
        for (row, column), color in expected.items():
            wanted = rgb(QColor(color))
            assert np.abs(pictures[number][row, column] - wanted).max() < 20, (number, color)
        assert np.abs(pictures[number][48, (4 * number + 48) % 96] - rgb(QColor(DARK.background))).max() < 20


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_frames_are_the_same_file(tmp_path: Path, suffix: str) -> None:
    """The format in which they were painted does not matter. Uninitialised memory would show in a few of ten files."""
    written = set()
    for number in range(10):
        path = tmp_path / f"{number}{suffix}"
        painted = premultiplied if number % 2 else frames
        list(write_video(path, painted(8, (320, 200)), 8, (320, 200), 25))
        written.add(path.read_bytes())
    assert len(written) == 1


def test_pixels_outlive_their_image() -> None:
    assert video._pixels(frame(0).convertToFormat(QImage.Format.Format_ARGB32), SIZE).flags.owndata


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cancelled_video_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    writing = write_video(tmp_path / f"run{suffix}", noise(50), 50, SIZE, 25)
    for _ in range(5):
        next(writing)
    assert list(tmp_path.iterdir())
    writing.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cancelled_video_leaves_the_old_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    path.write_bytes(b"the old film")
    writing = write_video(path, noise(50), 50, SIZE, 25)
    next(writing)
    writing.close()
    assert path.read_bytes() == b"the old film"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(VideoError, match=r"run.* cannot be written \(.+\): free some space"):
            list(write_video(tmp_path / f"run{suffix}", noise(60), 60, SIZE, 25))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


def test_a_painter_that_fails_is_not_hidden(tmp_path: Path) -> None:
    def broken() -> Iterator[QImage]:
        yield frame(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(write_video(tmp_path / "run.mp4", broken(), 2, SIZE, 25))
    assert not list(tmp_path.iterdir())


def test_user_errors_are_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VideoError, match=r"\.avi is not a video format: choose \.mp4"):
        next(write_video(tmp_path / "run.avi", frames(1), 1, SIZE, 25))
    with pytest.raises(VideoError, match="name without suffix"):
        next(write_video(tmp_path / "run", frames(1), 1, SIZE, 25))
    with pytest.raises(VideoError, match=r"no such file or directory"):
        next(write_video(tmp_path / "nowhere" / "run.mp4", frames(1), 1, SIZE, 25))
    with pytest.raises(VideoError, match="96 × 65 pixels does not fit a video of 64 × 64"):
        list(write_video(tmp_path / "run.mp4", frames(1), 1, (64, 64), 25))
    monkeypatch.setattr(av, "codecs_available", {"gif"})
    with pytest.raises(VideoError, match=r"no encoder for H\.264: choose \.webm or \.gif instead"):
        next(write_video(tmp_path / "run.mp4", frames(1), 1, SIZE, 25))
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_before_the_first_frame_is_asked_for(tmp_path: Path) -> None:
    write_video(tmp_path / "run.mp4", frames(3), 3, SIZE, 25)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_film_of_one_frame_is_a_film(tmp_path: Path, suffix: str) -> None:
    list(write_video(tmp_path / f"run{suffix}", frames(1), 1, SIZE, 25))
    assert len(decoded(tmp_path / f"run{suffix}")[0]) == 1
