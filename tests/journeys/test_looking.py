"""Looking at a run and its field: the second part of docs/guide.md."""

import re
import time
from pathlib import Path

import numpy as np
import pytest

from tests.journeys.conftest import Desk
from tests.journeys.reading import amber, at_the_end, comes_back, numbers, one_of, same, show_only, sigma, step
from tests.journeys.user import ALT, User


@pytest.mark.guide("The timeline")
def test_pause_step_and_scrub(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        track = "Timeline of the sampler"
        user.wait(user.moves, "particles to move")
        user.press("Space")
        user.find("Play", "Button")
        show_only(user, "Data", "Particles", "Trails")
        user.press("E")
        user.reads("step 41/41")
        data = sigma(user)
        user.press("A")
        user.reads("step 0/41")
        noise, begin = sigma(user), user.stands()
        assert noise > 100 * data
        user.click("Step", "Button")
        user.reads("step 1/41")
        first = user.stands()
        assert not same(begin, first)
        user.press(".")
        user.reads("step 2/41")
        user.click("Step back", "Button")
        user.reads("step 1/41")
        comes_back(user, first)
        user.drag(track, (0.02, 0.7), (0.6, 0.7), "Slider")
        middle = user.stands()
        assert 22 < step(user) < 28
        assert data < sigma(user) < noise
        user.drag(track, (0.6, 0.7), (0.0, 0.7), "Slider")
        user.reads("step 0/41")
        comes_back(user, begin)
        user.drag(track, (0.0, 0.7), (0.6, 0.7), "Slider")
        comes_back(user, middle)
        user.press("Space")
        user.find("Pause", "Button")
        user.wait(user.moves, "particles to move again")

    desk(journey, exact)


@pytest.mark.guide("The timeline")
def test_the_same_noise_and_other_noise(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        show_only(user, "Particles")
        user.click("Loop", "CheckBox")

        def end() -> np.ndarray:
            user.press("E")
            user.reads("step 41/41")
            return user.stands()

        first = end()
        user.click("Restart", "Button")
        user.wait(lambda: step(user) < 41, "the run to begin again")
        assert same(first, end())
        user.press("N")
        user.wait(lambda: step(user) < 41, "the run to begin again")
        other = end()
        assert not same(first, other)
        user.press("R")
        user.wait(lambda: step(user) < 41, "the run to begin again")
        assert same(other, end())

    desk(journey, exact)


@pytest.mark.guide("The timeline")
def test_loop_and_speed(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        speed = "Speed as a number"
        show_only(user, "Particles")
        user.write(speed, "8")
        user.wait(lambda: user.find(speed).value in ("8", "8×"), "a speed of 8")
        user.click("Loop", "CheckBox")
        user.reads("step 41/41")
        user.find("Play", "Button")  # the run has ended
        user.press("L")
        user.click("Play", "Button")
        for _ in range(2):
            user.wait(lambda: step(user) < 30, "the run to begin again")
            user.reads("step 41/41")
        user.write(speed, "fast")
        user.reads("“fast” is not possible: type a factor from 1/8 to 8")
        user.press("Escape")
        user.wait(lambda: user.find(speed).value in ("8", "8×"), "the speed of before")
        user.write(speed, "1/8")
        user.wait(lambda: user.find(speed).value in ("0.125", "0.125×"), "a speed of 1/8")
        user.press("R")
        user.wait(lambda: step(user) < 5, "the run to begin again")
        begin, first = time.monotonic(), step(user)
        user.wait(lambda: step(user) > first + 2, "three steps")
        assert time.monotonic() - begin > 0.7  # 21 frames a second at speed 1, and two whole ones at least
        user.click("Speed", "Slider", double=True)
        user.wait(lambda: user.find(speed).value == "1×", "the usual speed")

    desk(journey, exact)


@pytest.mark.guide("Watching the field being learned", "Training")
def test_watch_the_field_being_learned(desk: Desk) -> None:
    def journey(user: User) -> None:
        track = "Timeline of the training"
        user.click("Train", "Button")
        user.reads("finished · 300 steps")
        at_the_end(user)
        user.drag("Timeline of the sampler", (1.0, 0.7), (0.5, 0.7), "Slider")
        newest = user.stands()
        frame = step(user)
        user.drag(track, (0.99, 0.3), (0.01, 0.3), "Slider")
        user.reads("untrained network", inside="Score Playground")
        user.no_longer_reads("sampling…")
        user.reads(f"step {frame}/41")
        untrained = user.stands()
        assert not same(newest, untrained)
        user.press("]")
        middle = user.reads("weights of training step [^,]+")
        user.no_longer_reads("sampling…")
        user.reads(f"step {frame}/41")
        between = user.stands()
        assert not same(between, untrained)
        assert not same(between, newest)
        user.drag(track, (0.3, 0.3), (1.0, 0.3), "Slider")
        user.reads("weights of step 300, the newest")
        comes_back(user, newest)
        user.drag(track, (1.0, 0.3), (0.0, 0.3), "Slider")
        comes_back(user, untrained)
        user.press("]")
        user.reads(middle)
        comes_back(user, between)
        user.reads(f"step {frame}/41")

    desk(journey)


@pytest.mark.guide("Watching the field being learned")
def test_play_the_training(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.click("Train", "Button")
        user.reads("finished · 300 steps")
        user.press("E")
        user.reads("step 41/41")
        user.press("[", 3)
        seen = [numbers(user.reads("weights of training step [^,]+"))[0]]
        user.press("P")
        user.find("Pause training playback", "Button")
        user.find("Play", "Button")  # the run is paused meanwhile

        def newest() -> bool:
            found = re.search("weights of training step ([^,]+)", user.find("Canvas").value)
            if found and numbers(found[1])[0] != seen[-1]:
                seen.append(numbers(found[1])[0])
            return bool(user.finds("Play training", "Button"))

        user.wait(newest, "the playback to end")
        assert seen == sorted(seen)
        user.reads("weights of step 300, the newest")

    desk(journey)


@pytest.mark.guide("The canvas")
def test_layers_and_their_options(desk: Desk) -> None:
    def journey(user: User) -> None:
        at_the_end(user)
        user.press(",", 11)
        user.reads("step 30/41")
        all_of_them = user.stands()
        for number, layer in ((1, "Data"), (2, "Density p σ"), (3, "Learned score.*"), (6, "Particles"), (7, "Trails")):
            user.click(f"Layer: {layer}", "CheckBox")
            user.wait(lambda: not same(all_of_them, user.picture()), f"{layer} to be hidden")
            user.press(str(number))
            comes_back(user, all_of_them)
        show_only(user, "Particles")
        usual = amber(user.stands()).sum()
        user.click("Layer: Particles", "CheckBox", at=(0.95, 0.5))
        user.click("Large", "MenuItem")
        user.wait(lambda: amber(user.picture()).sum() > 1.5 * usual > 100, "larger particles")
        user.click("Layer: Score error", "CheckBox")
        user.wait(lambda: (user.picture()[:, :, 0] > 100).mean() > 0.05, "a map of the error")

    desk(journey)


@pytest.mark.guide("The canvas")
def test_move_and_zoom(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        at_the_end(user)
        show_only(user, "Data", "Particles")
        user.press("F")
        fitted = user.stands()
        at, at_pointer = (0.4, 0.4), "x [^ ]+ y [^ ]+"
        user.point_at("Canvas", at)
        x, y = numbers(user.reads(at_pointer))
        user.wheel(user.find("Canvas", "Canvas"), 3, at)
        nearer = user.stands()
        assert not same(fitted, nearer)
        user.point_at("Canvas", (0.41, 0.4))
        user.point_at("Canvas", at)
        user.wait(
            lambda: numbers(user.reads(at_pointer)) == pytest.approx([x, y], abs=0.01), "a zoom about the pointer"
        )
        user.drag("Canvas", (0.3, 0.3), (0.5, 0.4), "Canvas")
        user.point_at("Canvas", at)

        def moved() -> bool:
            left, up = numbers(user.reads(at_pointer))
            return left < x - 0.1 and up > y + 0.05

        user.wait(moved, "the plane to follow the drag")
        user.press("F")
        comes_back(user, fitted)
        user.drag("Canvas", (0.3, 0.3), (0.1, 0.9), "Canvas")
        user.click("Canvas", "Canvas", double=True)
        comes_back(user, fitted)

    desk(journey, exact)


@pytest.mark.guide("One field, five names", "The canvas")
def test_five_names_of_the_field(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        card = "One field, five names"
        at_the_end(user)
        user.press(",", 12)
        user.reads("step 29/41")
        user.point_at("Canvas", (0.3, 0.5))
        user.unfold(card)
        level = sigma(user)

        def agree() -> None:
            """All five are one vector: the score, at the noise level of the frame."""
            x = np.array(numbers(user.reads(r"exact · \([^)]*\)", card)))
            s, noise, denoised = (
                np.array(numbers(user.measured(name, card)))
                for name in ("score s", "noise ε = .*", "denoised estimate .*")
            )
            sigma, alpha = numbers(user.measured("σ, α", card))
            assert sigma == pytest.approx(level, rel=0.02)
            assert alpha == 1
            assert noise == pytest.approx(-sigma * s, rel=0.03, abs=0.01)
            assert denoised == pytest.approx(x + sigma**2 * s, rel=0.03, abs=0.02)
            ratio, logarithm = numbers(user.measured("SNR, log SNR", card))
            assert logarithm == pytest.approx(np.log(ratio), abs=0.01)

        agree()
        before = user.measured("score s", card)
        assert before in user.reads(r"exact \([^)]*\) log p")  # beside the pointer
        user.point_at("Train: (?!advanced).*", role="CheckBox")
        user.press(",", 10)
        user.reads("step 19/41")
        user.wait(lambda: user.measured("score s", card) != before, "the score at another noise level")
        assert sigma(user) > 2 * level
        level = sigma(user)
        user.wait(lambda: numbers(user.measured("σ, α", card))[0] == pytest.approx(level, rel=0.02), "its σ")
        agree()

    desk(journey, exact)


@pytest.mark.guide("A particle and its step")
def test_follow_a_particle(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        at_the_end(user)
        user.press(",", 20)
        user.reads("step 21/41")
        show_only(user, "Particles")
        plain = user.stands()
        user.click("Canvas", "Canvas", at=one_of(plain), keys=ALT)
        user.reads(r"Particle: \d+ · step 21")
        ringed = user.stands()
        assert not same(plain, ringed)

        def terms() -> list[np.ndarray]:
            names = ("xₖ", "score term", "noise", "xₖ₊₁")
            return [np.array(numbers(user.measured(name, "Particle"))) for name in names]

        x, score, noise, after = terms()
        assert x + score + noise == pytest.approx(after, abs=0.02)
        user.press(".")
        user.reads(r"Particle: \d+ · step 22")
        user.wait(lambda: terms()[0] == pytest.approx(after, abs=1e-9), "the particle to be where its step led")
        user.press("Escape")
        user.reads("Alt.click a particle to follow it")
        user.press(",")
        comes_back(user, plain)
        user.click("Canvas", "Canvas", at=one_of(plain), keys=ALT)
        user.reads(r"Particle: \d+ · step 21")
        comes_back(user, ringed)
        user.click("Stop following", "Button")
        comes_back(user, plain)

    desk(journey, exact)
