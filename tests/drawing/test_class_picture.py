"""The picture of a class: predictions and measured answers are in the right places."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from playground.drawing.axes import figure_font
from playground.drawing.class_picture import (
    NAMES,
    Question,
    Reply,
    class_height,
    numbers_chart,
    paint_class,
    save_class_picture,
)
from playground.drawing.palette import LIGHT
from playground.drawing.render import PictureError


def painted(*questions: Question) -> np.ndarray:
    image = QImage(960, class_height(questions), QImage.Format.Format_RGB888)
    with QPainter(image) as painter:
        paint_class(painter, questions)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def places(image: np.ndarray, role: str) -> np.ndarray:
    """The rows and columns of the pixels with a role's colour, (N, 2)."""
    color = QColor(getattr(LIGHT, role))
    return np.argwhere((np.abs(image - np.array([color.red(), color.green(), color.blue()])) <= 2).all(axis=2))


def test_bars_are_as_long_as_their_shares_and_the_right_one_has_the_measured_colour(qapp: object) -> None:
    few = [Reply(f"s{number}", "few", right=False) for number in range(3)]
    image = painted(Question("mine, step 1", "Which?", (*few, Reply("ada", "many", right=True)), ((0.7,),)))
    wrong, right = places(image, "accent"), places(image, "particles")
    assert np.ptp(wrong[:, 1]) == pytest.approx(225, abs=3)
    assert np.ptp(right[:, 1]) == pytest.approx(75, abs=3)
    assert wrong[:, 0].mean() < right[:, 0].mean()  # the commonest comes first


def numbers(*values: float, scale: tuple[float, float] | None = (0.0, 10.0), measured: float = 5.0) -> Question:
    replies = tuple(Reply(f"s{number}", f"{value:g}", (value,)) for number, value in enumerate(values))
    return Question("mine, step 1", "How many?", replies, ((measured,),), scale)


def test_numbers_stand_on_one_axis_beside_what_was_measured(qapp: object) -> None:
    image = painted(numbers(0.0, 1.0, 0.5, scale=None, measured=0.5))
    dots, line = places(image, "accent"), places(image, "particles")
    rows = np.unique(dots[:, 0])
    parts = np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1)
    low, middle, high = (dots[np.isin(dots[:, 0], part)][:, 1].mean() for part in parts)
    assert low < middle < high
    line = line[line[:, 0] > rows[0] - 11]  # without its name above
    assert line[:, 1].mean() == pytest.approx((low + high) / 2, abs=2)
    assert middle == pytest.approx(line[:, 1].mean(), abs=2)
    assert np.ptp(line[:, 0]) > 55  # across all three rows


def test_the_axis_is_the_questions_scale_and_what_lies_outside_is_an_arrow_at_its_name(qapp: object) -> None:
    for values in ((4.0, 6.0), (-900.0, 5.0, 7e5)):
        chart = numbers_chart(numbers(*values))
        assert [chart.x.low, chart.x.high] == pytest.approx([-0.6, 10.6])
    answers = chart.series[-1]
    assert (answers.x.tolist(), answers.y.tolist()) == ([5.0], [1])
    assert [name for _, name in chart.y.marks(9)] == ["→ s2: 700000", "s1: 5", "← s0: -900"]  # the least at the top


def test_a_name_that_is_too_long_leaves_room_for_the_numbers(qapp: object) -> None:
    question = Question("mine", "?", (Reply("a" * 400, "1", (1.0,)), Reply("eve", "2", (2.0,))))
    (_, name) = numbers_chart(question).y.marks(9)[1]
    assert name.endswith("…")
    assert QFontMetricsF(figure_font(11)).horizontalAdvance(name) <= NAMES
    assert np.ptp(places(painted(question), "accent")[:, 1]) > 400


def test_marks_lie_in_one_plane_with_the_measured_place(qapp: object) -> None:
    replies = (Reply("ada", "(0, 0)", (0.0, 0.0), True), Reply("eve", "(2, 0)", (2.0, 0.0)))
    image = painted(Question("mine, step 1", "Where?", replies, ((1.0, 1.0),)))
    dots = places(image, "accent")
    dots = dots[dots[:, 0] > dots[:, 0].min() + 40]  # without the one beside its name
    left, right = (dots[side][:, 1].mean() for side in (dots[:, 1] < dots[:, 1].mean(), dots[:, 1] > dots[:, 1].mean()))
    pale = image[round(dots[:, 0].mean() - (right - left) / 2), round((left + right) / 2)]
    # One scale along both axes, and y points up: the disc is as far above the middle of both as they are beside it.
    assert tuple(pale) != tuple(image[0, 0])
    assert pale[0] > pale[2] + 60  # the colour of what is measured


@pytest.mark.parametrize("replies", [(Reply("ada", "x"),), (Reply("ada", "1", (1.0,)),), (Reply("a", "", (0.0, 0.0)),)])
def test_one_answer_without_a_measurement_is_painted(qapp: object, replies: tuple[Reply, ...]) -> None:
    assert len(places(painted(Question("mine", "?", replies)), "accent"))


def test_answers_of_more_than_one_kind_are_listed_in_words() -> None:
    assert Question("mine", "?", (Reply("ada", "few"), Reply("eve", "0.5", (0.5,)))).numbers == 0


def test_a_png_too_tall_is_refused_with_a_way_out(qapp: object, tmp_path: Path) -> None:
    replies = tuple(Reply(f"s{number}", "0", (0.0,)) for number in range(1_500))
    with pytest.raises(PictureError, match="pixels tall: choose an SVG"):
        save_class_picture([Question("mine", "?", replies)], tmp_path / "class.png")
    save_class_picture([Question("mine", "?", replies)], tmp_path / "class.svg")
    assert (tmp_path / "class.svg").stat().st_size > 10_000
    with pytest.raises(PictureError, match="cannot be written"):
        save_class_picture([Question("mine", "?", replies[:1])], tmp_path / "none" / "class.svg")
