"""The window as it opens, and the five steps from data to samples: docs/guide.md up to its timeline."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.journeys.conftest import EXACT, SMALL, Desk
from tests.journeys.reading import at_the_end, numbers, pause, show_only
from tests.journeys.user import User


def exports_trajectory(user: User, file: Path) -> None:
    user.menu("File", "Export trajectory.*")
    user.names_file(file)
    user.wait(file.exists, "the file")


@pytest.mark.guide("The window")
def test_first_start(desk: Desk) -> None:
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


@pytest.mark.guide("Data", "Undo and history")
def test_another_toy_and_its_settings(desk: Desk) -> None:
    """A value is typed, refused, set by a double click on its label, and all of it undone."""

    def journey(user: User) -> None:
        user.wait(lambda: bool(user.finds("Data: two moons · 2 000")), "the data")
        user.click("Data: Rings", "CheckBox")
        user.reads("Rings · denoising")
        user.click("Data: advanced settings")
        user.write("points N", "300")
        user.reads("rings · 300")
        user.write("scale", "-3")
        user.reads("-3.0 is not allowed", "Data")
        user.press("Escape")
        assert user.find("scale", "EditableText").value == "1"
        user.write("scale", "2")
        user.wait(lambda: user.find("scale", "EditableText").value == "2", "the scale")
        user.click("scale", "StaticText", double=True)
        user.wait(lambda: user.find("scale", "EditableText").value == "1", "the default")
        user.press("Ctrl+Z", times=4)
        user.reads("two moons · 2 000")

    desk(journey)


@pytest.mark.guide("Your own points", "Sampling")
def test_own_points_with_decimal_commas(desk: Desk, tmp_path: Path) -> None:
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
        pause(user)
        user.write("steps", "30", "Sample", end="Tab")  # tells the run from the one before
        user.press("E")
        user.reads("step 31/31")
        exports_trajectory(user, tmp_path / "mine.npz")

    desk(journey)
    with np.load(tmp_path / "mine.npz") as file:
        assert list(file["axes"]) == ["length", "mass"]
        last = file["positions"][-1]
    assert np.abs(last.mean(0) - points.mean(0)).max() < 2
    assert np.all(np.abs(np.log(last.std(0) / points.std(0))) < 0.3)


@pytest.mark.guide("Your own points", "When something is wrong")
def test_points_that_cannot_be_read(desk: Desk, tmp_path: Path) -> None:
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


def data_pixels(user: User, left: float, right: float) -> int:
    """How much of a stripe of the canvas has the colour of the data."""
    red, green, blue = colors(user, left, right)
    return int(((green > red + 40) & (green > blue)).sum())


def sample_pixels(user: User, left: float, right: float) -> int:
    """How much of a stripe of the canvas has the colour of the particles."""
    red, green, blue = colors(user, left, right)
    return int(((red > green + 40) & (green > blue + 40)).sum())


def colors(user: User, left: float, right: float) -> np.ndarray:
    """Red, green and blue of a stripe of the canvas."""
    picture = user.picture().astype(int)
    width = picture.shape[1]
    return np.moveaxis(picture[:, int(left * width) : int(right * width)], -1, 0)


@pytest.mark.guide("Drawing", "Likelihood")
def test_draw_train_and_click(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.click("Data: Drawing", "CheckBox")
        user.reads("nothing drawn yet")
        user.press("Space")
        user.drag("Canvas", (0.2, 0.3), (0.4, 0.6))
        user.reads("drawing · 2 000")
        user.drag("Canvas", (0.7, 0.3), (0.8, 0.6))
        user.wait(lambda: data_pixels(user, 0.6, 0.9) > 500, "the second stroke")
        user.click("Undo the last stroke")
        user.wait(lambda: data_pixels(user, 0.6, 0.9) < 200 < 500 < data_pixels(user, 0.1, 0.5), "one stroke alone")
        user.click("Train", "Button")
        user.reads("finished · 300 steps")
        at_the_end(user)
        show_only(user, "Particles")
        user.wait(lambda: sample_pixels(user, 0.1, 0.5) > 5 * sample_pixels(user, 0.5, 0.9), "samples on the stroke")
        if user.find("Brush").checked:
            user.click("Brush")
        user.click("Canvas", at=(0.3, 0.45))
        exact, learned = (numbers(user.measured(f"log p, {name}", "Likelihood"))[0] for name in ("exact", "model"))
        assert -5 < exact < 2  # on the stroke
        assert learned == pytest.approx(exact, abs=2)

    desk(journey)


@pytest.mark.guide("Noise", "When something is wrong")
def test_mend_too_little_noise(desk: Desk) -> None:
    """The warning's button makes the change that helps."""

    def journey(user: User) -> None:
        user.unfold("Noise")
        user.write("σ range, σ_max", "0.5")
        advised = user.reads("Raise σ max to [0-9.]+[0-9]", "Noise").split()[-1]
        user.click(f"σ max = {advised}", "Button")
        user.no_longer_reads("Raise σ max")
        assert user.find("σ range, σ_max", "EditableText").value == advised
        user.choose("noise", "Discrete")
        user.write("levels L", "2")
        user.reads("overlap", "Noise")
        user.press("Ctrl+Z")
        user.no_longer_reads("overlap")

    desk(journey)


@pytest.mark.guide("Sampling")
def test_another_sampler(desk: Desk) -> None:
    """Sampler, steps, score and seed each change the next run; the first seed brings the first samples back."""

    def journey(user: User) -> None:
        user.choose("sampler", "Probability flow")
        user.reads("probability flow · 200")
        user.choose("score", "Exact")
        user.write("steps", "20", "Sample")
        user.press("E")
        user.wait(lambda: 20 <= numbers(user.measured("score evaluations"))[0] <= 41, "the evaluations of 20 steps")
        user.click("Sample: advanced settings")
        user.write("seed", "3")
        user.reads("seed 3")

    desk(journey)


@pytest.mark.guide("Noise", "Undo and history")
def test_drag_the_noise(desk: Desk) -> None:
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


GUIDED = EXACT.replace("[sampling]", '[sampling]\nkind = "probability-flow"')


@pytest.mark.guide("Classes", "Sampling")
def test_one_moon_by_its_class(desk: Desk, tmp_path: Path) -> None:
    """With classes, particles are drawn from the chosen moon alone; without, from both."""
    file, moon, both = tmp_path / "guided.toml", tmp_path / "moon.npz", tmp_path / "both.npz"
    file.write_text(GUIDED, encoding="utf-8")

    def samples(user: User, steps: int, name: Path) -> None:
        user.write("steps", str(steps), "Sample", end="Tab")  # tells this run from the one before
        user.press("E")
        user.reads(f"step {steps}/{steps}")
        exports_trajectory(user, name)

    def journey(user: User) -> None:
        pause(user)
        user.click("Data: advanced settings")
        user.click("classes: Parts")
        user.unfold("Sample")
        user.click("class: One", inside="Sample")
        user.write("class c", "1", "Sample", end="Tab")
        user.reads("lower moon", "Sample")
        user.write("guidance w", "1", "Sample", end="Tab")
        samples(user, 20, moon)
        user.click("class: Any", inside="Sample")
        user.wait(lambda: not user.finds("guidance w"), "no guidance without a class")
        samples(user, 10, both)

    desk(journey, file)
    one, all_of_them = (np.load(name)["positions"][-1] for name in (moon, both))
    assert (one[:, 1] > 0.7).mean() < 0.02  # where the middle of the upper moon is
    assert 0.15 < (all_of_them[:, 1] > 0.7).mean() < 0.4


def pictures(folder: Path, count: int) -> None:
    """Pictures of 8 by 8 pixels in two folders: one side of a picture is dark, and the other one is bright."""
    random = np.random.default_rng(0)
    for name, way in (("bright-left", 1), ("bright-right", -1)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((8, 8), 128) + way * np.where(np.arange(8) < 4, 90, -90) + random.integers(-20, 20, (8, 8))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number}.png")


@pytest.mark.guide("Images", "Sampling")
def test_fill_in_the_right_half_of_pictures(desk: Desk, tmp_path: Path) -> None:
    """A folder of pictures becomes the data; what is given of a held-out picture stays, and the rest goes with it."""
    pictures(tmp_path / "pictures", 40)
    file = tmp_path / "filled.npz"

    def journey(user: User) -> None:
        user.click("Data: Images", "CheckBox")
        user.names_file(tmp_path / "pictures")
        user.reads("80 images: 8 × 8, grey")
        user.reads("bright-left.*bright-right")
        user.choose("score", "Training set")
        user.click("Sample: advanced settings")
        user.choose("inpainting mask", "Left")
        user.write("particles", "8", "Sample", end="Tab")
        pause(user)
        user.write("steps", "20", "Sample", end="Tab")
        user.press("E")
        user.reads("step 21/21")
        exports_trajectory(user, file)

    desk(journey)
    with np.load(file) as arrays:
        assert list(arrays["shape"]) == [1, 8, 8]
        filled = arrays["positions"][-1].reshape(-1, 8, 8)
    given, rest = filled[:, :, :4], filled[:, :, 4:]
    assert np.abs(given - given[0]).max() < 1e-4
    assert np.sign(rest.mean((1, 2))).tolist() == [-np.sign(given.mean())] * 8


@pytest.mark.guide("Noise", "Training", "Quality")
@pytest.mark.claims  # a statistic of a training
def test_flow_from_one_set_to_another(desk: Desk, tmp_path: Path) -> None:
    """Particles begin at the second set, and end at the data; the paths are measured."""
    file = tmp_path / "paths.npz"

    def journey(user: User) -> None:
        user.unfold("Noise")
        user.choose("noise", "Flow matching")
        user.choose("start", "Eight Gaussians", "Noise")
        user.choose("sampler", "Probability flow")
        user.click("Train", "Button")
        user.reads("finished · 300 steps")
        pause(user)
        user.press("E")
        user.reads("step 40/40")
        exports_trajectory(user, file)
        user.click("Measure the paths.*", "Button", "Quality")
        assert 0 < numbers(user.measured("straightness", "Quality"))[0] < 1

    desk(journey)
    with np.load(file) as arrays:
        first, last = arrays["positions"][[0, -1]]
    radii = np.hypot(*first.T)
    assert radii.mean() == pytest.approx(2.83, abs=0.2)  # that of the eight Gaussians
    assert radii.std() < 0.6
    assert (last.std(0) < 0.75 * first.std(0)).all()


@pytest.mark.guide("Objective and network", "Training")
def test_maximum_likelihood_asks_for_an_energy(desk: Desk, tmp_path: Path) -> None:
    """What cannot be trained is said with a way out; another objective goes on from the weights of the one before."""
    file = tmp_path / "short.toml"
    file.write_text(SMALL.read_text(encoding="utf-8").replace("steps = 300", "steps = 40"), encoding="utf-8")

    def journey(user: User) -> None:
        user.unfold("Objective")
        user.click("objective: Likelihood")
        user.reads("Maximum likelihood needs a density", "Objective")
        assert not user.find("Train", "Button").enabled
        user.click("Use an energy", "Button", "Objective")
        user.no_longer_reads("Maximum likelihood needs a density")
        user.write("normalizer grid", "16", "Objective")
        user.click("Train", "Button")
        user.reads("finished · 40 steps")
        user.click("objective: Denoising")
        user.reads("These weights were trained with the objective “Likelihood”", "Train")
        user.find("Train: finished · 40 steps", "CheckBox")
        user.click("Reset", "Button", "Train")
        user.find("Train: untrained", "CheckBox")
        user.no_longer_reads("These weights were trained")
        user.press("Ctrl+Z")
        user.find("Train: finished · 40 steps", "CheckBox")

    desk(journey, file)


@pytest.mark.guide("Training", "Undo and history")
def test_pause_train_more_and_reset(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.unfold("Train")
        user.click("Train: advanced settings")
        user.write("steps", "40000", "Train")
        user.click("Train the network", "Button", "Train")
        user.reads("steps/s", "Train")  # it may be paused before its first step
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


@pytest.mark.guide("Saving and opening")
def test_save_and_open(desk: Desk, tmp_path: Path) -> None:
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
