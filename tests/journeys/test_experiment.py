"""The window as it opens, and the five steps from data to samples: docs/guide.md up to its timeline."""

import numpy as np
import pytest

from tests.journeys.user import User


@pytest.mark.guide("The window")
def test_first_start(desk):
    """What comes with the program moves at once, and the tour that is offered can be left."""

    def journey(user: User) -> None:
        user.reads("A tour in two minutes")
        user.reads("finished · 12 000 steps")
        user.press("Return")
        user.reads("Here you choose the data")
        user.click("Canvas")
        user.press("Return")
        user.reads("Noise is added to the data")
        user.press("Escape")
        user.no_longer_reads("Noise is added to the data")
        user.wait(user.moves, "particles to move")
        user.menu("Help", "Tour")
        user.reads("A tour in two minutes")
        user.click("Skip", "Button")
        user.no_longer_reads("A tour in two minutes")

    desk(journey, None)


@pytest.mark.guide("Your own points", "Sampling")
def test_own_points_with_decimal_commas(desk, tmp_path):
    """What is sampled by the score of the own points has their units again."""
    points = np.random.default_rng(0).normal((1.5, 200.0), (0.1, 3.0), (200, 2))
    rows = "\n".join(f"{x:.4f};{y:.4f}".replace(".", ",") for x, y in points)
    (tmp_path / "mine.csv").write_text(f"length;mass\n{rows}\n", encoding="utf-8")

    def journey(user: User) -> None:
        user.click("Open", "Button")
        user.names_file(tmp_path / "mine.csv")
        user.reads("200 rows: length, mass")
        user.reads("160 to train, 40 held out")
        user.reads("mine.csv · denoising")
        user.choose("score", "Training set")
        user.press("E")
        user.menu("File", "Export trajectory.*")
        user.names_file(tmp_path / "mine.npz")
        user.wait((tmp_path / "mine.npz").exists, "the file")

    desk(journey)
    with np.load(tmp_path / "mine.npz") as file:
        assert list(file["axes"]) == ["length", "mass"]
        last = file["positions"][-1]
    assert np.abs(last.mean(0) - points.mean(0)).max() < 2
    assert np.all(np.abs(np.log(last.std(0) / points.std(0))) < 0.3)


@pytest.mark.guide("Your own points", "When something is wrong")
def test_points_that_cannot_be_read(desk, tmp_path):
    """The sentence names the line, and what was there is still there."""
    (tmp_path / "bad.csv").write_text("a,b\n" + "1,2\n" * 40 + "1,hello\n" * 20, encoding="utf-8")
    (tmp_path / "short.csv").write_text("a,b\n" + "1,2\n" * 40, encoding="utf-8")

    def journey(user: User) -> None:
        user.click("Train", "Button")
        user.reads("finished · 300 steps")
        user.click("Open", "Button")
        user.names_file(tmp_path / "bad.csv")
        user.reads('bad.csv, line 42: "hello" is not a number')
        user.click("Dismiss", "Button")
        user.press("Ctrl+O")
        user.names_file(tmp_path / "short.csv")
        user.reads("short.csv.*50")
        user.reads("two moons · 2 000")
        user.reads("finished · 300 steps")

    desk(journey)


@pytest.mark.guide("Noise", "When something is wrong")
def test_mend_too_little_noise(desk):
    """The warning's button makes the change that helps."""

    def journey(user: User) -> None:
        user.unfold("Noise")
        user.write("σ range, σ_max", "0.5")
        advised = user.reads("Raise σ_max to [0-9.]+[0-9]", "Noise").split()[-1]
        user.click(f"σ_max = {advised}", "Button")
        user.no_longer_reads("Raise σ_max")
        assert user.find("σ range, σ_max", "EditableText").value == advised
        user.choose("noise", "Discrete")
        user.write("levels L", "2")
        user.reads("overlap", "Noise")
        user.press("Ctrl+Z")
        user.no_longer_reads("overlap")

    desk(journey)


@pytest.mark.guide("Sampling")
def test_another_sampler(desk):
    """Sampler, steps, score and seed each change the next run; the first seed brings the first samples back."""

    def journey(user: User) -> None:
        user.choose("sampler", "Probability flow")
        user.reads("probability flow · 200")
        user.choose("score", "Exact")
        user.write("steps", "20", "Sample")
        user.press("E")
        user.wait(
            lambda: user.figure("score evaluations").isdigit() and 20 <= int(user.figure("score evaluations")) <= 41
        )
        user.click("Sample: advanced settings")
        user.write("seed", "3")
        user.reads("seed 3")

    desk(journey)


@pytest.mark.guide("Noise", "Undo and history")
def test_drag_the_noise(desk):
    """An end of the chart is dragged; undo takes it back, and redo brings it again."""

    def journey(user: User) -> None:
        def sigma_max() -> str:
            return user.find("σ range, σ_max", "EditableText").value

        user.unfold("Noise")
        user.wait(lambda: sigma_max() not in ("", "auto"), "the noise levels")
        before = sigma_max()
        user.drag("Noise levels.*", (0.157, 0.17), (0.4, 0.17), "Chart")
        user.wait(lambda: sigma_max() != before, "another coarsest level")
        dragged = sigma_max()
        assert float(dragged) < float(before)
        user.press("Ctrl+Z")
        user.wait(lambda: sigma_max() == before, "the coarsest level from before")
        user.press("Ctrl+Shift+Z")
        user.wait(lambda: sigma_max() == dragged, "the dragged level again")

    desk(journey)


@pytest.mark.guide("Training", "Undo and history")
def test_pause_train_more_and_reset(desk):
    def journey(user: User) -> None:
        user.unfold("Train")
        user.click("Train: advanced settings")
        user.write("steps", "40000", "Train")
        user.click("Train the network", "Button", "Train")
        user.reads("training", "Score Playground")
        user.click("Pause training", "Button", "Train")
        paused = user.reads("paused · [0-9 ]+ steps")
        user.click("Resume training", "Button", "Train")
        user.reads("steps/s", "Train")
        user.click("Pause training", "Button", "Train")
        later = user.reads("paused · [0-9 ]+ steps")
        assert steps(later) >= steps(paused) > 0
        user.click("Reset training", "Button", "Train")
        user.reads("untrained", "Train")
        user.press("Ctrl+Z")
        # The last steps may have come after the number was read.
        assert steps(user.reads("paused · [0-9 ]+ steps")) >= steps(later)

    desk(journey)


def steps(text: str) -> int:
    return int("".join(letter for letter in text if letter.isdigit()))


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
