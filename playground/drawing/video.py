"""Videos from pictures: MP4 (H.264), WebM (VP9) and GIF, chosen by the file's suffix."""

import os
import typing
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PySide6.QtGui import QImage

from playground.drawing.render import PROVENANCE
from playground.lab.atomic import atomic_write
from playground.user_errors import UserError, cannot_write

if typing.TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream


class VideoError(UserError, RuntimeError):
    """A video cannot be written; the message is one sentence for the user."""


@dataclass(frozen=True)
class Format:
    """One kind of video file.

    Args:
        title: the format's usual name.
        encoders: FFmpeg's names, best first; builds differ in the encoders that they have.
        pixels: the pixel format of the encoder.
        options: settings of the first encoder.
        layout: settings of the file around it.
    """

    title: str
    encoders: tuple[str, ...]
    pixels: str
    options: dict[str, str]
    layout: dict[str, str]


FORMATS = {
    ".mp4": Format(
        "H.264",
        ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf"),
        "yuv420p",
        # Quality before size, because thin lines on a dark background show every artefact.
        # No macroblock trees, because x264 computes them differently with AVX-512, and the files would differ.
        {"crf": "18", "preset": "veryfast", "mbtree": "0"},
        {"movflags": "+faststart"},
    ),
    ".webm": Format(
        "VP9",
        ("libvpx-vp9",),
        "yuv420p",
        {"crf": "28", "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"},
        {},
    ),
    ".gif": Format("GIF", ("gif",), "pal8", {}, {}),
}

BT709 = 1  # FFmpeg's number for the colour matrix, primaries and transfer of high-definition video


def encoder(suffix: str) -> str:
    """The encoder for a suffix on this machine.

    Raises:
        VideoError: the suffix is not in FORMATS, or the build of FFmpeg lacks its encoders.
    """
    if suffix.lower() not in FORMATS:
        raise VideoError(f"{suffix or 'A name without suffix'} is not a video format: choose .mp4, .webm or .gif.")
    for name in FORMATS[suffix.lower()].encoders:
        if name in av.codecs_available:
            return name
    title, others = FORMATS[suffix.lower()].title, [other for other in FORMATS if other != suffix.lower()]
    raise VideoError(f"This build of FFmpeg has no encoder for {title}: choose {' or '.join(others)} instead.")


def write_video(
    path: str | os.PathLike[str], frames: Iterator[QImage], total: int, size: tuple[int, int], fps: float
) -> Generator[float, None, None]:
    """Write pictures one by one; the file appears under its name once it is complete.

    Stop iterating to cancel: when the generator is closed or deleted, no file is left.

    Args:
        path: the file; its suffix chooses the format.
        frames: the pictures, each of `size` device pixels. The provenance of the first becomes the comment of the file.
        total: the number of pictures, for the progress only.
        size: width and height in pixels. H.264 and VP9 halve the resolution of colours, so an odd last row or column is
            left out.
        fps: frames per second. GIF rounds the time of a frame to hundredths of a second.

    Yields:
        The fraction done, in (0, 1]; exactly 1 once the file has its name.

    Raises:
        VideoError: the format is unknown or missing, the disk is full, the folder is not writable, or a picture does not
            have this size.
    """
    target = Path(path)
    name = encoder(target.suffix)
    form = FORMATS[target.suffix.lower()]
    try:
        # FFmpeg's errors are OSErrors too. An OSError from `frames` has the same meaning.
        with atomic_write(target) as temporary:
            # Raises an error with a clear reason before the first picture is painted.
            temporary.touch()
            told, last, written = "", None, -1
            repeatable = {"fflags": "+bitexact"}  # a Matroska file has a random number otherwise
            with av.open(str(temporary), "w", options=repeatable | form.layout) as container:
                encode = _encoding(container, name, form, size, fps)
                for number, frame in enumerate(frames):
                    if not number:
                        told = container.metadata["comment"] = frame.text(PROVENANCE)
                    # Each frame of a GIF has its own palette, so one that repeats would be stored whole.
                    if frame is not last or form.title != "GIF":
                        encode(frame, number)
                        written = number
                    last = frame
                    yield min((number + 1) / max(total, 1), 0.999)
                if last is not None and written < number:  # until when a repeated one is seen
                    encode(last, number)
                container.mux(container.streams.video[0].encode(None))
            if form.title == "GIF" and told:
                _comment(temporary, told)
    except (OSError, av.FFmpegError) as error:
        raise VideoError(cannot_write(target, error)) from error
    yield 1.0


def _comment(path: Path, text: str) -> None:
    """Write a comment of ASCII before the first frame of a GIF, since FFmpeg writes none."""
    contents = path.read_bytes()
    has_palette, bits = contents[10] & 0x80, contents[10] & 0x07
    head = 13 + (3 * 2 ** (bits + 1) if has_palette else 0)
    pieces = [text[start : start + 255].encode() for start in range(0, len(text), 255)]
    comment = b"\x21\xfe" + b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\0"
    path.write_bytes(contents[:head] + comment + contents[head:])


def _encoding(
    container: "OutputContainer", name: str, form: Format, size: tuple[int, int], fps: float
) -> "typing.Callable[[QImage, int], None]":
    """Return a function that encodes a picture, which is seen from that of this number on."""
    even = form.pixels == "yuv420p"
    width, height = (side // 2 * 2 if even else side for side in size)
    rate = Fraction(fps).limit_denominator(1000)
    stream: VideoStream = container.add_stream(name, rate=rate)  # type: ignore[assignment]
    stream.width, stream.height, stream.pix_fmt = width, height, form.pixels
    if name == form.encoders[0]:
        stream.options = dict(form.options)
    if even:
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = 1  # 16 to 235, as players expect
    palette = None if even else _palette_graph(width, height, rate)

    def encode(image: QImage, number: int) -> None:
        frame = av.VideoFrame.from_ndarray(_pixels(image, size)[:height, :width], format="bgra")
        frame.pts, frame.time_base = number, 1 / rate
        if palette is None:
            frame = frame.reformat(format=form.pixels, dst_colorspace="ITU709", dst_color_range="MPEG")
        else:
            palette.push(frame)
            pulled = palette.pull()
            assert isinstance(pulled, av.VideoFrame)  # only pictures were pushed
            frame = pulled
            frame.pts, frame.time_base = number, 1 / rate
        container.mux(stream.encode(frame))

    return encode


def _palette_graph(width: int, height: int, rate: Fraction) -> av.filter.Graph:
    """FFmpeg's filters that choose 256 colours for each picture, and dither in a pattern that does not move."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("bgra"), time_base=1 / rate)
    split = graph.add("split")
    generate = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    use = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(generate, 0, 0)
    split.link_to(use, 1, 0)
    generate.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _pixels(image: QImage, size: tuple[int, int]) -> np.ndarray:
    """(height, width, 4) uint8 in the order blue, green, red, alpha; a copy."""
    if (image.width(), image.height()) != tuple(size):
        raise VideoError(
            f"A picture of {image.width()} × {image.height()} pixels does not fit a video of {size[0]} × {size[1]}."
        )
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).copy()  # the rows end with the image
