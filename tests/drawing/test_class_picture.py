"""The picture of a class: predictions and measured answers are in the right places."""

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from playground.drawing.class_picture import Question, Reply, class_height, paint_class, save_class_picture
from playground.drawing.palette import LIGHT
from playground.drawing.render import PictureError


def painted(*questions):
    image = QImage(960, class_height(questions), QImage.Format.Format_RGB888)
    with QPainter(image) as painter:
        paint_class(painter, questions)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def places(image, role):
    """The rows and columns of the pixels with a role's colour, (N, 2)."""
    color = QColor(getattr(LIGHT, role))
    return np.argwhere((np.abs(image - np.array([color.red(), color.green(), color.blue()])) <= 2).all(axis=2))


def test_bars_are_as_long_as_their_shares_and_the_right_one_has_the_measured_colour(qapp):
    few = [Reply(f"s{number}", "few", right=False) for number in range(3)]
    image = painted(Question("mine, step 1", "Which?", (*few, Reply("ada", "many", right=True)), ((0.7,),)))
    wrong, right = places(image, "accent"), places(image, "particles")
    assert np.ptp(wrong[:, 1]) == pytest.approx(225, abs=3)
    assert np.ptp(right[:, 1]) == pytest.approx(75, abs=3)
    assert wrong[:, 0].mean() < right[:, 0].mean()  # the commonest comes first


def test_numbers_stand_on_one_axis_beside_what_was_measured(qapp):
    replies = tuple(Reply(who, str(value), (value,)) for who, value in (("ada", 0.0), ("eve", 1.0), ("bob", 0.5)))
    image = painted(Question("mine, step 1", "How many?", replies, ((0.5,), (0.5,))))
    dots, line = places(image, "accent"), places(image, "particles")
    rows = np.unique(dots[:, 0])
    parts = np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1)
    low, middle, high = (dots[np.isin(dots[:, 0], part)][:, 1].mean() for part in parts)
    assert low < middle < high
    assert line[:, 1].mean() == pytest.approx((low + high) / 2, abs=2)
    assert middle == pytest.approx(line[:, 1].mean(), abs=2)
    assert np.ptp(line[:, 0]) > 55  # across all three rows


def test_the_axis_is_the_questions_scale_and_what_lies_outside_is_at_its_edge(qapp):
    def dots(*values, scale=(0.0, 10.0)):
        replies = tuple(Reply(f"s{number}", str(value), (value,)) for number, value in enumerate(values))
        image = painted(Question("mine, step 1", "How many?", replies, ((5.0,),), scale))
        found, line = places(image, "accent"), places(image, "particles")
        rows = np.unique(found[:, 0])
        parts = np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1)
        return [found[np.isin(found[:, 0], part)][:, 1].mean() for part in parts], line[:, 1].mean()

    (near, far), middle = dots(4.0, 6.0)
    assert far - near == pytest.approx(0.2 * 626 / 1.12, abs=3)  # px: not the whole width, as of answers alone
    assert (near + far) / 2 == pytest.approx(middle, abs=2)
    (low, inside, high), middle = dots(-900.0, 5.0, 7e5)
    assert inside == pytest.approx(middle, abs=2)
    assert (low, high) == (pytest.approx(298 + 7, abs=3), pytest.approx(924 - 7, abs=3))  # px, at the plot's edges


def test_marks_lie_in_one_plane_with_the_measured_place(qapp):
    replies = (Reply("ada", "(0, 0)", (0.0, 0.0), True), Reply("eve", "(2, 0)", (2.0, 0.0)))
    image = painted(Question("mine, step 1", "Where?", replies, ((1.0, 1.0),)))
    crosses, ring = places(image, "accent"), places(image, "particles")
    assert ring[:, 1].mean() == pytest.approx((crosses[:, 1].min() + crosses[:, 1].max()) / 2, abs=3)
    up, across = crosses[:, 0].mean() - ring[:, 0].mean(), ring[:, 1].mean() - crosses[:, 1].min() - 5
    assert up == pytest.approx(across, abs=4)  # one scale along both axes, and y points up


@pytest.mark.parametrize("replies", [(Reply("ada", "x"),), (Reply("ada", "1", (1.0,)),), (Reply("a", "", (0.0, 0.0)),)])
def test_one_answer_without_a_measurement_is_painted(qapp, replies):
    assert len(places(painted(Question("mine", "?", replies)), "accent"))


def test_answers_of_more_than_one_kind_are_listed_in_words():
    assert Question("mine", "?", (Reply("ada", "few"), Reply("eve", "0.5", (0.5,)))).numbers == 0


def test_a_png_too_tall_is_refused_with_a_way_out(qapp, tmp_path):
    replies = tuple(Reply(f"s{number}", "0", (0.0,)) for number in range(1_500))
    with pytest.raises(PictureError, match="pixels tall: choose an SVG"):
        save_class_picture([Question("mine", "?", replies)], tmp_path / "class.png")
    save_class_picture([Question("mine", "?", replies)], tmp_path / "class.svg")
    assert (tmp_path / "class.svg").stat().st_size > 10_000
    with pytest.raises(PictureError, match="cannot be written"):
        save_class_picture([Question("mine", "?", replies[:1])], tmp_path / "none" / "class.svg")
