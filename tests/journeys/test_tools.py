"""Keys, preferences, and what is said when something is wrong."""

import itertools
from pathlib import Path

import pytest

from tests.journeys.conftest import Desk
from tests.journeys.user import User


@pytest.mark.guide("Keys")
def test_keys_do_what_their_list_says(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.press("F1")
        user.reads("Density map", inside="Keys")
        listed = [thing.name for thing in user.finds(".*", "StaticText", "Keys")]
        keys = dict(itertools.pairwise(listed))
        assert keys["Particles"] == "6"
        assert keys["Loop"] == "L"
        assert keys["Find"] == "Ctrl+K"
        user.press("Escape")
        user.wait(lambda: not user.finds("Keys", "Dialog"), "the list to close")

        user.press(keys["Particles"])
        user.wait(lambda: not user.find("Layer: Particles", "CheckBox").checked, "no particles")
        user.press(keys["Particles"])
        user.wait(lambda: user.find("Layer: Particles", "CheckBox").checked, "particles")
        user.press(keys["Loop"])
        user.wait(lambda: not user.find("Loop", "CheckBox").checked, "the loop to be off")
        user.press(keys["Find"])
        user.find("Find a command, setting, lesson, term or page", "EditableText")
        user.type("swiss")
        user.reads("Swiss roll", inside="What was found")
        user.press("Return")
        user.reads("Swiss roll · denoising")

    desk(journey)


@pytest.mark.guide("Preferences", "Scenes")
def test_presenter_mode_shows_the_canvas_and_the_words_of_the_scenes(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.reads("not trained")
        before = user.find("Canvas").where.width()
        user.press("Shift+F11")
        user.wait(lambda: not user.finds("Data: .*", "CheckBox"), "the cards to go")
        assert not user.finds("Quality", "CheckBox")
        assert user.find("Canvas").where.width() > before
        user.press("PgDown")
        user.reads("Langevin gets the weights wrong", inside="Scene")
        user.press("PgDown")
        user.reads("Annealing mends the weights", inside="Scene")
        user.press("PgUp")
        user.reads("Langevin gets the weights wrong", inside="Scene")
        user.press("Escape")
        user.find("Data: two Gaussians.*", "CheckBox")
        user.click("Back to my work", "Button")
        user.reads("Two moons · denoising")

    desk(journey)


@pytest.mark.guide("When something is wrong")
def test_a_damaged_file_gets_a_sentence_and_a_report_can_be_copied(desk: Desk, tmp_path: Path) -> None:
    damaged = tmp_path / "mine.spg"
    damaged.write_bytes(b"PK\x03\x04 this is none")

    def journey(user: User) -> None:
        user.reads("Two moons · denoising")
        user.click("Open", "Button")
        user.names_file(damaged)
        user.reads(r"mine\.spg is not a session of Score Playground, or a damaged one")
        user.reads("Two moons · denoising")
        user.wait(user.moves, "particles to move on")

        user.menu("Help", "Report a problem…")
        report = user.find("Report", "EditableText").value
        assert "Score Playground" in report
        assert "torch" in report
        user.click("Copy", "Button", "Report a problem")
        user.click("Report", "EditableText")
        user.press("Ctrl+A")
        user.press("Delete")
        user.wait(lambda: not user.find("Report", "EditableText").value, "an empty text")
        user.press("Ctrl+V")
        user.wait(lambda: user.find("Report", "EditableText").value == report, "what was copied")
        user.press("Escape")

    desk(journey)


@pytest.mark.guide("When something is wrong", "Sampling")
def test_a_number_that_is_not_allowed_is_told_and_escape_takes_the_old_one_back(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.unfold("Sample")
        user.write("steps", "0", "Sample")
        user.reads("whole number from 1", inside="Sample")
        user.press("Escape")
        user.wait(lambda: user.find("steps", "EditableText", "Sample").value == "40", "the old number")

    desk(journey)
