"""Writes a comparison as a film or a picture, in the export's thread."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage

from playground.app.controllers.export_size import png_size, sampled_pieces
from playground.app.controllers.exporting import Progress
from playground.app.model.preferences import PictureChoice, VideoChoice
from playground.drawing import film
from playground.drawing.palette import PALETTES
from playground.drawing.side_by_side import SideBySide

PREPARING = 0.2  # the share of the work for densities and similar preparations


def paint_comparison_film(drawing: SideBySide, choice: VideoChoice, path: Path) -> Iterator[Progress]:
    """Paint all columns over the common timeline; yields the pictures done and their total."""
    from playground.drawing.video import write_video  # loads FFmpeg's libraries, which opening the window does not need

    frames = film.schedule(drawing.total, choice.seconds, choice.fps)
    total, palette = len(frames), PALETTES.get(choice.theme)
    painted, preparing = drawing.prepare(np.unique(frames), choice.width, choice.height, palette)
    for done in preparing:
        yield int(PREPARING * done * total), total
    images = film.each_once(painted, frames.tolist())
    for done in write_video(path, images, total, (choice.width, choice.height), choice.fps):
        yield int((PREPARING + (1 - PREPARING) * done) * total), total
    yield total, total


def paint_comparison_picture(
    drawing: SideBySide, frame: int, choice: PictureChoice
) -> Iterator[tuple[float, QImage | bytes | None]]:
    """Paint one frame of all columns; yields the share done and finally the image or drawing file."""
    palette = PALETTES.get(choice.theme)
    if choice.suffix != ".png":
        drawn, waiting = drawing.prepare_drawing(frame, choice.width, choice.height, choice.suffix, palette)
        for done in waiting:
            yield 0.99 * done, None
        yield 1.0, drawn()
        return
    painted, preparing = drawing.prepare(np.array([frame]), choice.width, choice.height, palette)
    for done in preparing:
        yield 0.99 * done, None
    yield 1.0, painted(frame)


def estimate_comparison_film_size(drawing: SideBySide, choice: VideoChoice) -> Iterator[tuple[float, int | None]]:
    """Paint and encode some pieces of the film; yields the share done and finally the estimated bytes."""
    from playground.drawing.video import estimated_size, packet_sizes  # loads FFmpeg's libraries

    moving, pieces = sampled_pieces(film.schedule(drawing.total, choice.seconds, choice.fps))
    palette = PALETTES.get(choice.theme)
    painted, preparing = drawing.prepare(np.concatenate(pieces), choice.width, choice.height, palette)
    for done in preparing:
        yield 0.5 * done, None
    size, found = (choice.width, choice.height), list[list[int]]()
    for frames in pieces:
        found.append(packet_sizes(choice.suffix, film.each_once(painted, frames), size, choice.fps))
        yield 0.5 + 0.5 * len(found) / len(pieces), None
    yield 1.0, estimated_size(choice.suffix, found, moving)


def estimate_comparison_picture_size(
    drawing: SideBySide, frame: int, choice: PictureChoice
) -> Iterator[tuple[float, int | None]]:
    """Paint and encode one frame; yields the share done and finally the bytes."""
    *_, (_, painted) = paint_comparison_picture(drawing, frame, choice)
    assert painted is not None
    yield 1.0, len(painted) if isinstance(painted, bytes) else png_size(painted)
