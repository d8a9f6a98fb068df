"""The calm window: its top bar, its canvas and its timeline, without all cards."""

from pathlib import Path

import pytest

from tests.journeys.conftest import Desk
from tests.journeys.reading import at_the_end, numbers, pause, read, same, sigma
from tests.journeys.user import User


@pytest.mark.guide("The canvas")
def test_one_button_opens_the_layers(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        def in_view() -> str:
            return user.find("In view").value

        at_the_end(user)
        user.reads("Exact score.*, Particles, Trails", inside="Layers")
        assert "Density" not in in_view()
        assert not user.finds("Layer: .*")
        level = sigma(user)
        assert numbers(in_view())[0] == level
        shown = user.stands()
        user.click("Layers", "Button")
        user.click("Layer: Particles", "CheckBox")
        user.wait(lambda: "Particles" not in in_view(), "the particles to leave the names")
        user.click("Layer: Density p σ", "CheckBox")
        user.wait(lambda: "Density" in in_view(), "the density among the names")
        user.press("Escape")
        user.wait(lambda: not user.finds("Layer: .*"), "the chips to close")
        assert not same(shown, user.stands())

    desk(journey, exact, all_cards=False)


@pytest.mark.guide("The canvas", "The timeline")
def test_the_caption_says_the_step_only_while_the_run_is_paused(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        user.wait(user.moves, "particles to move")
        user.reads("σ = ", inside="Layers")
        assert "step" not in user.find("Canvas", "Canvas").value
        user.wait(lambda: sigma(user) < 1, "the run to come so far")
        pause(user)
        assert read(user, r"step (\d+/41)") in user.reads(r"step \d+/41", inside="Layers")
        before = sigma(user)
        user.press("A")
        user.reads("step 0/41", inside="Layers")
        assert sigma(user) > before
        for name in ("Restart", "Step", "Loop", "Speed"):
            assert not user.finds(name)
        user.find("Timeline of the sampler", "Slider")
        user.find("Speed as a number")

    desk(journey, exact, all_cards=False)


@pytest.mark.guide("The canvas", "Likelihood")
def test_a_line_says_what_a_click_does_until_one_did_it(desk: Desk, exact: Path) -> None:
    line = "click a point for its likelihood"

    def clicks(user: User) -> None:
        assert line in user.reads("click a point.*", inside="Score Playground")
        user.click("Canvas", "Canvas", at=(0.4, 0.4))
        user.reads(r"log p.* −?\d+\.\d+", inside="Likelihood")
        user.wait(lambda: line not in user.find("Canvas", "Canvas").value, "the line to go")

    def starts_again(user: User) -> None:
        user.reads("σ = ")
        assert line not in user.find("Canvas", "Canvas").value

    desk(clicks, exact, all_cards=False)
    desk(starts_again, exact, all_cards=False)


@pytest.mark.guide("The canvas", "Keys")
def test_arrow_keys_read_out_what_is_in_the_middle(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        at_the_end(user)
        user.press("Right")
        x, y = numbers(user.reads("x [^ ]+ y [^ ]+"))
        user.press("Right")
        user.wait(lambda: numbers(user.reads("x [^ ]+ y [^ ]+"))[0] > x + 0.1, "the values further right")
        user.press("Left")
        user.wait(lambda: numbers(user.reads("x [^ ]+ y [^ ]+")) == pytest.approx([x, y], abs=0.01), "those of before")
        user.press("Return")
        user.reads(r"log p.* −?\d+\.\d+", inside="Likelihood")

    desk(journey, exact, all_cards=False)


@pytest.mark.guide("Lessons", "Scenes")
def test_learn_has_the_lessons_and_the_last_step_the_next_one(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.click("Learn", "ButtonMenu")
        user.find("Scenes", "MenuItem")
        user.find("Glossary", "MenuItem")
        user.click(r"1 What a score is.*", "MenuItem")
        user.reads("step 1 of 4", inside="Lesson")
        for step in (2, 3, 4):
            assert not user.finds("Next lesson")
            user.click("Next", "Button", "Lesson")
            user.reads(f"step {step} of 4", inside="Lesson")
            if step == 4:
                user.click("It rises", "RadioButton", "Lesson")
            else:
                user.click("Your prediction", "Slider", "Lesson")
            user.click("This is my prediction", "Button", "Lesson")
            user.reads(r"[Mm]easured \**−\d", inside="Lesson")
        user.click("Next lesson", "Button", "Lesson")
        user.find("Exact score matching.*", "StaticText", "Lesson")
        user.reads("step 1 of", inside="Lesson")
        user.click("Leave", "Button", "Lesson")
        user.click("Learn", "ButtonMenu")
        user.find(r"1 What a score is ✓ \d+ min", "MenuItem")
        user.press("Escape")

    desk(journey)


@pytest.mark.guide("The window", "Watching the field being learned")
def test_the_timeline_of_the_training_comes_with_the_first_training(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.wait(user.moves, "particles to move")
        assert not user.finds("Timeline of the training")
        where = user.find("Timeline of the sampler").where
        user.click("Train", "Button")
        user.find("Timeline of the training", "Slider")
        assert user.find("Timeline of the sampler").where == where
        for name in ("Open", "Save"):
            user.find(name, "Button")
        assert not user.finds("Export video|Scenes", "Button")

    desk(journey, all_cards=False)


@pytest.mark.guide("Compare")
def test_compared_runs_have_the_room_of_the_side_columns(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        at_the_end(user)
        wide = user.find("Canvas", "Canvas").where.width()
        user.click("Compare", "Button", "Sample")
        user.find("Column B: .*", "ButtonMenu")
        user.wait(lambda: not user.finds("Sample: .*·.*", "CheckBox"), "the cards to make room")
        user.reads("S brings them back")
        for letter in "CD":
            user.click(". Column", "Button")
            user.find(f"Column {letter}: .*", "ButtonMenu")
        places = [user.find(f"Canvas of column {letter}", "Canvas").where for letter in "ABCD"]
        assert places[0].top() == places[1].top() < places[2].top() == places[3].top()
        assert places[0].left() == places[2].left() < places[1].left() == places[3].left()
        assert sum(place.width() for place in places[:2]) > wide
        user.press("S")
        user.find("Sample: .*·.*", "CheckBox")
        user.press("S")
        user.wait(lambda: not user.finds("Sample: .*·.*", "CheckBox"), "the cards to go again")
        user.click("Leave", "Button")
        user.find("Sample: .*·.*", "CheckBox")
        user.wait(lambda: user.find("Canvas", "Canvas").where.width() == wide, "the canvas as it was")

    desk(journey, exact, all_cards=False)


@pytest.mark.guide("Compare", "Objective and network")
def test_objectives_are_compared_by_one_command(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.menu("Sample", "Compare objectives")
        for head in ("A: .*[Ee]xact.*", "B: .*[Ss]liced.*", "C: [Dd]enoising.*"):
            user.find(f"Column {head}", "ButtonMenu")
        user.click("Leave", "Button")
        user.find("Canvas", "Canvas")

    desk(journey, all_cards=False)
