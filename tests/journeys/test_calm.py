"""The calm window: what is needed is there, and what is asked for comes."""

from pathlib import Path

import pytest

from tests.journeys.conftest import Desk
from tests.journeys.reading import numbers, one_of, pause
from tests.journeys.user import ALT, User

CARDS = "Likelihood|Particle|One field, five names|Quality|Runs"


def cards(user: User) -> set[str]:
    """The cards that can be closed."""
    return {thing.name.removeprefix("Close ") for thing in user.finds(f"Close ({CARDS})", "Button")}


def shows(user: User, *names: str) -> None:
    user.wait(lambda: cards(user) == {*names}, f"the cards {names}")


@pytest.mark.guide("The window", "Likelihood", "A particle and its step", "Runs", "Quality")
def test_what_is_asked_for_comes_and_is_closed(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        user.reads("σ = ")
        pause(user)
        user.press("E")
        user.stands()
        shows(user)
        place = one_of(user.stands())
        user.click("Canvas", "Canvas", at=place)
        model, known = (numbers(user.measured(f"log p, {name}", "Likelihood"))[0] for name in ("exact score", "exact"))
        assert model == pytest.approx(known, abs=0.1)
        shows(user, "Likelihood")
        assert not user.finds("Test set", "Button")
        user.click("Likelihood: advanced settings", "CheckBox")
        user.find("Test set", "Button")
        user.click("Close Likelihood", "Button")
        shows(user)
        user.click("Canvas", "Canvas", at=one_of(user.stands()), keys=ALT)
        shows(user, "Particle")
        user.press("Escape")
        shows(user)
        user.press("K")
        user.find("run: reverse SDE 40", "TreeItem")
        shows(user, "Runs")
        user.click("Close Runs", "Button")
        assert not user.find("How good is it[?]", "Button").enabled  # nothing is trained
        user.click("Train", "Button")
        user.click("How good is it[?]", "Button")
        shows(user, "Quality")
        distance, floor = numbers(user.measured("sliced W₂", "Quality"))[:2]
        assert 0 < distance < 10 * floor
        assert not user.finds("squared sliced W₂")  # not measured
        user.click("Close Quality", "Button")
        user.menu("Learn", "One field, five names")
        shows(user, "One field, five names")
        user.point_at("Canvas", (0.4, 0.4))  # which has become narrower
        user.measured("score s", "One field, five names")

    desk(journey, exact, all_cards=False)


@pytest.mark.guide("The window", "The calm window", "Preferences")
def test_all_cards_and_back(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        user.reads("σ = ")
        shows(user)
        assert not user.finds("Data: Pinwheel")
        user.click("All data sets", "CheckBox")
        user.find("Data: Pinwheel")
        user.menu("View", "All cards.*")
        for name in CARDS.split("|"):
            user.find(f"{name}(: (?!advanced).*)?", "CheckBox")
        user.find("Test set", "Button")
        user.press("F9")
        user.wait(lambda: not user.finds("Test set", "Button"), "what was not asked for to go")

    desk(journey, exact, all_cards=False)


@pytest.mark.guide("The window", "Undo and history")
def test_a_hidden_setting_is_a_chip_that_sets_it_back(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        user.reads("σ = ")
        user.click("Sample: advanced settings", "CheckBox")
        user.write("noise ℓ", "0.5", "Sample")
        user.click("Sample: advanced settings", "CheckBox")
        user.click("noise ℓ 0.5", "Button")
        user.wait(lambda: not user.finds("noise ℓ 0.5", "Button"), "the chip to go")
        user.press("Ctrl+Z")
        user.find("noise ℓ 0.5", "Button")

    desk(journey, exact, all_cards=False)
