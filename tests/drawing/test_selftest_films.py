"""The films of the self-test."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QImage

from playground.drawing import selftest as films
from playground.drawing.video import write_video
from playground.lab.claims import Claim


def test_the_self_test_has_the_films() -> None:
    assert films.selftest().claims[-3:] == films.FILMS


@pytest.mark.parametrize("claim", films.FILMS, ids=lambda claim: claim.what.split(":")[0])
def test_films_are_decoded_with_their_colours(claim: Claim) -> None:
    assert claim.checked().holds


def test_a_film_of_other_colours_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = write_video

    def mirrored(path: Path, pictures: Iterable[QImage], *others: Any) -> Iterable[float]:  # red and blue are exchanged
        return right(path, (picture.rgbSwapped() for picture in pictures), *others)

    monkeypatch.setattr(films, "write_video", mirrored)
    assert not films.FILMS[0].checked().holds
