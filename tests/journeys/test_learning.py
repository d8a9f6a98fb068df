"""Scenes and lessons."""

import csv
from functools import partial
from pathlib import Path

import pytest

from tests.journeys.conftest import Desk
from tests.journeys.user import User

LESSON = "Lesson"


def follows(user: User, sampler: str) -> bool:
    return user.find("sampler", "ComboBox").value == sampler


def predicts(user: User, step: int, answer: str) -> None:
    """Go to the next step, see that nothing is told yet, predict, and read the explanation.

    Args:
        answer: a choice's text; "" for the middle of the scale.
    """
    user.click("Next", "Button", LESSON)
    user.reads(f"step {step} of 4", inside="Lesson")
    assert not user.find("Next|Finish", "Button", LESSON).enabled
    assert not user.finds(".*easured.*", "StaticText", LESSON)[1:]  # but the card's purpose
    if answer:
        user.click(answer, "RadioButton", LESSON)
    else:
        user.click("Your prediction", "Slider", LESSON)
    user.click("This is my prediction", "Button", LESSON)
    user.reads(r"[Ww]e measured \**−\d", inside=LESSON)


@pytest.mark.guide("Lessons")
def test_a_lesson_to_its_end(desk: Desk, tmp_path: Path) -> None:
    """Each prediction comes before its answer; own work comes back, and the answers are a file."""
    answers = tmp_path / "ada.csv"

    def journey(user: User) -> None:
        user.click("Data: Rings", "CheckBox")
        user.reads("Rings · denoising")
        user.menu("Learn", "Lessons", "What a score is.*")
        user.reads("Two Gaussians · denoising")
        user.reads("step 1 of 4", inside="Lesson")
        predicts(user, 2, "")
        predicts(user, 3, "")
        predicts(user, 4, "It rises")
        user.click("Finish", "Button", LESSON)
        user.reads("Rings · denoising")
        assert not user.finds("Lesson.*", "CheckBox")
        user.menu("Learn", "Save answers.*")
        user.write("Your name", "Ada", inside="Save answers", end="Tab")
        user.click("Save…", "Button", "Save answers")
        user.names_file(answers)
        user.wait(answers.exists, "the file of answers")

    desk(journey)
    with answers.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = [(row["student"], row["lesson"], row["step"]) for row in rows]
    assert told == [("Ada", "01-score", step) for step in "234"]
    assert rows[2]["answer"] == "It rises"
    assert rows[2]["right"] == "False"
    centre = -2.0610  # log 0.8 - log 2 pi
    for row, exact in zip(rows, (centre - 4.5, centre - 1.3863, centre - 0.6931), strict=True):
        assert float(row["measured"]) == pytest.approx(exact, abs=0.01)


@pytest.mark.guide("Lessons")
def test_a_lesson_goes_on_where_it_was_left(desk: Desk) -> None:
    def begins(user: User) -> None:
        user.menu("Learn", "Lessons", "What a score is.*")
        user.reads("step 1 of 4", inside="Lesson")
        predicts(user, 2, "")
        user.click("Leave", "Button", LESSON)
        user.reads("Two moons · denoising")

    def goes_on(user: User) -> None:
        user.reads("not trained")
        user.menu("Learn", "Lessons", "What a score is.*")
        user.reads("step 3 of 4", inside="Lesson")
        user.click("Start again", "Button", LESSON)
        user.click("Forget", "Button")
        user.reads("step 1 of 4", inside="Lesson")

    desk(begins)
    desk(goes_on)


@pytest.mark.guide("Scenes", "Five questions")
def test_a_scene_is_measured_and_own_work_comes_back(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.click("Data: Rings", "CheckBox")
        user.reads("Rings · denoising")
        user.click("Layer: Trails", "CheckBox", at=(0.3, 0.5))
        user.wait(lambda: not user.find("Layer: Trails", "CheckBox").checked, "no trails")
        user.click("Scenes", "Button")
        user.click("log p and its two terms: .*", "Button", "Scenes")
        user.reads("Two moons · denoising")
        user.reads("The flow carries a point to the prior", inside="Scene")
        assert user.find("Layer: Trails", "CheckBox").checked
        user.click("Measure what the scene claims", "Button", "Scene")
        user.reads("The claim holds", inside="Scene")
        user.click("Back to my work", "Button", "Scene")
        user.reads("Rings · denoising")
        user.wait(lambda: not user.find("Layer: Trails", "CheckBox").checked, "own layers")
        assert not user.finds("Scene: .*", "CheckBox")

    desk(journey)


@pytest.mark.guide("Five questions", "Scenes")
def test_the_way_to_each_of_the_five_questions(desk: Desk) -> None:
    """Without typing, from what is on the first screen: the scenes and lessons that the guide names are there."""

    def journey(user: User) -> None:
        user.menu("Learn", "Lessons", "What a score is.*")
        user.reads("The score is the gradient of the log-density", inside="Lesson")
        for title, followed in (
            ("Langevin gets the weights wrong", "Langevin"),
            ("Annealing mends the weights", "Annealed Langevin"),
            ("Heun against Euler at equal cost", "Probability flow"),
            ("Exact, sliced, denoising agree", "Reverse SDE"),
        ):
            user.click("Scenes", "Button")
            user.click(f"{title}: .*", "Button", "Scenes")
            user.find(title, "StaticText", "Scene")
            user.unfold("Sample")
            user.wait(partial(follows, user, followed), followed)
        user.press("Ctrl+Z", 5)
        user.reads("Two moons · denoising")
        user.click("Canvas")
        user.reads(r"log p.* −?\d+\.\d+", inside="Likelihood")

    desk(journey)
