"""From data to samples: the first half of docs/guide.md."""

import numpy as np
import pytest

from tests.journeys.user import User


@pytest.mark.guide("Training")
def test_train_and_sample(desk):
    """Training: the loss falls, and the status says how many steps were trained."""

    def journey(user: User) -> None:
        user.click("Train", "Button")
        user.reads("300 steps", inside="Train|window")
        user.click("Data: Two Gaussians", "CheckBox")
        user.reads("Two Gaussians · denoising")
        user.press("Ctrl+Z")
        user.reads("Two moons · denoising")

    desk(journey)


@pytest.mark.guide("The timeline")
def test_pause_scrub_and_step(desk):
    def journey(user: User) -> None:
        user.wait(user.moves, "particles to move")
        user.press("Space")
        user.wait(lambda: not user.moves(), "particles to stand")
        before = user.picture()
        user.press(".")
        user.wait(lambda: not np.array_equal(before, user.picture()), "another frame")

    desk(journey)


@pytest.mark.guide("Saving and opening")
def test_save_and_open(desk, tmp_path):
    def journey(user: User) -> None:
        user.click("Data: Rings", "CheckBox")
        user.reads("Rings · denoising")
        user.press("Ctrl+S")
        user.names_file(tmp_path / "mine.spg")
        user.reads("mine.spg")
        user.click("Data: Pinwheel", "CheckBox")
        user.reads("Pinwheel · denoising")
        user.click("Open", "Button")
        user.names_file(tmp_path / "mine.spg")
        user.click("Discard", "Button")
        user.reads("Rings · denoising")

    desk(journey)
    assert (tmp_path / "mine.spg").stat().st_size > 1_000
