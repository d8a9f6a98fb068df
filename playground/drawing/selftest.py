"""The self-test: the theory, and whether this machine's video encoders write films that can be read."""

import tempfile
from functools import partial
from pathlib import Path

import av
import numpy as np
from PySide6.QtGui import QColor, QImage

from playground.drawing.video import VideoError, encoder, write_video
from playground.lab.audit import Audit
from playground.lab.claims import Claim, Found
from playground.lab.selftest import claims

COLOURS = ("#3584e4", "#f5c211", "#1c1c1e")
SIZE = (128, 96)


def film_error(suffix: str) -> float | Found:
    """Largest distance of a decoded picture's middle from the painted plain colour, in levels of 255; 0 without an encoder."""
    try:
        encoder(suffix)
    except VideoError as error:
        return Found(0.0, str(error), "Export in another format.")
    pictures = []
    for colour in COLOURS:
        picture = QImage(*SIZE, QImage.Format.Format_RGB32)
        picture.fill(QColor(colour))
        pictures.append(picture)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film{suffix}"
        for _ in write_video(path, iter(pictures), len(pictures), SIZE, 10):
            pass
        with av.open(str(path)) as film:
            read = [frame.to_ndarray(format="rgb24")[SIZE[1] // 2, SIZE[0] // 2] for frame in film.decode(video=0)]
    if len(read) != len(COLOURS):
        raise ValueError(f"{len(read)} of {len(COLOURS)} pictures came back")
    painted = [(c.red(), c.green(), c.blue()) for c in map(QColor, COLOURS)]
    return float(np.abs(np.array(read, dtype=float) - np.array(painted, dtype=float)).max())


FILMS = tuple(
    Claim(
        "films",
        f"{suffix[1:].upper()}: error of a colour, /255",
        partial(film_error, suffix),
        8,
    )
    for suffix in (".mp4", ".webm", ".gif")
)


def selftest() -> Audit:
    """The self-test; nothing is measured yet."""
    return Audit("selftest", "Self-test", (*claims(), *FILMS))
