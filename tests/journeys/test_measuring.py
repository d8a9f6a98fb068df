"""Measuring points, samples and runs, and comparing them: the third part of docs/guide.md."""

import csv
from pathlib import Path

import av
import numpy as np
import pytest

from tests.journeys.conftest import Desk
from tests.journeys.reading import amber, at_the_end, comes_back, numbers, one_of, read, same, show_only
from tests.journeys.user import ALT, SHIFT, User


@pytest.mark.guide("Likelihood")
def test_click_points_for_their_likelihood(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        at_the_end(user)
        show_only(user, "Particles", "Likelihood path")
        plain = user.stands()
        user.click("Canvas", "Canvas", at=one_of(plain))
        model, known = (numbers(user.measured(f"log p, {name}", "Likelihood"))[0] for name in ("exact score", "exact"))
        assert model == pytest.approx(known, abs=0.1)
        assert -5 < known < 0  # a sample lies where the density is high
        sum_of_terms = numbers(user.measured("prior term . trace term", "Likelihood").replace(" ", ""))
        assert sum(sum_of_terms) == pytest.approx(model, abs=0.02)
        path = user.stands()
        assert not same(plain, path)
        user.click("Canvas", "Canvas", at=(0.1, 0.1), keys=SHIFT)
        lowest = numbers(user.measured("lowest log p between", "Likelihood"))[0]
        assert lowest < known - 5  # the second point is far from the data
        assert not same(path, user.stands())
        user.click("Canvas", "Canvas", at=(0.1, 0.9))
        user.wait(lambda: numbers(user.measured("log p, exact", "Likelihood"))[0] < known - 5, "log p of a far point")
        user.press("Escape")
        user.reads("Click a point on the canvas")
        user.no_longer_reads("log p, exact")
        comes_back(user, plain)

    desk(journey, exact)


@pytest.mark.guide("Likelihood")
def test_density_map_and_test_set(desk: Desk, exact: Path) -> None:
    def journey(user: User) -> None:
        user.click("Test set", "Button")
        test, best = (numbers(user.measured(rf"{name} NLL( \(\d+\))?", "Likelihood")) for name in ("test", "optimal"))
        assert test[0] == pytest.approx(best[0], abs=0.1)
        entropy = numbers(user.measured("entropy of the data", "Likelihood"))[0]
        assert test[0] == pytest.approx(entropy, abs=4 * test[1])
        at_the_end(user)
        show_only(user, "Density p σ")
        plain = user.stands()
        user.click("Play", "Button")
        user.click("Density map", "Button")
        user.find("Play", "Button")  # the run is paused
        user.find("Density map", "Button")  # and no longer Cancel
        user.reads("density .exact. at σ", inside="Score Playground")
        assert (user.stands() != plain).any()
        user.click("Play", "Button")
        user.wait(lambda: "density (" not in user.find("Canvas").value, "the map to go away with the frame")

    desk(journey, exact)


@pytest.mark.guide("Quality")
def test_measure_score_samples_and_budget(desk: Desk) -> None:
    def journey(user: User) -> None:
        user.click("Train", "Button")
        user.reads("finished · 300 steps")
        at_the_end(user)

        def at_this() -> float:
            return numbers(user.measured("relative error at σ", "Quality"))[0]

        user.wait(lambda: at_this() > 100, "the error at the last step, measured at the end of training")
        error = at_this()
        user.press(",", 20)
        user.wait(lambda: at_this() < error, "the error at another σ")
        user.click("Measure the samples", "Button")
        distance, floor = numbers(user.measured("sliced W₂", "Quality"))[:2]
        assert 0 < floor < 0.3
        assert distance < 10 * floor
        assert 50 < numbers(user.measured("C2ST accuracy", "Quality"))[0] <= 100
        user.reads("Along x, samples and data share [4-9][0-9]% of their area")
        user.click("Measure the error budget", "Button")
        whole = numbers(user.measured("squared sliced W₂", "Quality"))[0]
        names = ("score", "steps", "prior", "σ min", "floor")
        parts = [numbers(user.measured(name, "Quality"))[0] for name in names]
        assert sum(parts) == pytest.approx(whole, abs=2e-4)
        user.write("steps", "20", "Sample")
        user.press("Tab")
        user.reads("sliced W₂: –.*easure")
        user.no_longer_reads("squared sliced W₂")
        user.reads(r"step \d+/21")
        user.press("E")
        user.reads("step 21/21")
        user.click("Measure the samples", "Button")
        assert numbers(user.measured("sliced W₂", "Quality"))[0] != distance

    desk(journey)


@pytest.mark.guide("Runs")
def test_pin_three_runs_and_restore_one(desk: Desk, exact: Path, tmp_path: Path) -> None:
    def costs(user: User) -> list[float]:
        return [numbers(cell.name)[0] for cell in user.finds("NFE: .*", "TreeItem")]

    def journey(user: User) -> None:
        at_the_end(user)
        for steps in (40, 20, 10):
            user.write("steps", str(steps), "Sample")
            user.press("Tab")  # out of the field: letters are commands again
            user.reads(rf"step \d+/{steps + 1}")
            user.press("E")
            user.reads(f"step {steps + 1}/{steps + 1}")
            user.click("Pin this run", "Button")
            user.find(f"run: reverse SDE {steps}", "TreeItem")
        user.wait(lambda: len(user.finds(r"W₂ / floor: \d.*", "TreeItem")) == 3, "three distances")
        assert costs(user) == [41, 21, 11]
        user.click("NFE", "ColumnHeader")
        user.wait(lambda: costs(user) == [11, 21, 41], "the cheapest run to come first")
        user.click("run: reverse SDE 40", "TreeItem")
        user.press("F2")
        user.type("dear")
        user.press("Return")
        user.click("run: dear", "TreeItem")
        user.press("Return")
        user.wait(lambda: user.find("steps", "EditableText", "Sample").value == "40", "the run's steps")
        user.reads("step .*/41")
        user.press("Ctrl+Z")
        user.wait(lambda: user.find("steps", "EditableText", "Sample").value == "10", "the steps of before")
        user.click("run: dear", "TreeItem")
        user.press("Delete")
        user.wait(lambda: not user.finds("run: dear", "TreeItem"), "the run to go")
        user.press("Ctrl+Z")
        user.find("run: dear", "TreeItem")
        user.menu("File", "Export runs.*")
        user.names_file(tmp_path / "runs.csv")
        user.wait((tmp_path / "runs.csv").exists, "the file")

    desk(journey, exact)
    with (tmp_path / "runs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["run"]: float(row["nfe_mean"]) for row in rows} == {
        "dear": 41,
        "reverse SDE 20": 21,
        "reverse SDE 10": 11,
    }
    assert all(0 < float(row["sliced_wasserstein2"]) < 1 for row in rows)


@pytest.mark.guide("Compare", "Exports", "A particle and its step")
def test_compare_four_runs_and_film_them(desk: Desk, exact: Path, tmp_path: Path) -> None:
    film = tmp_path / "four.mp4"

    def canvases(user: User) -> list[np.ndarray]:
        return [user.picture(f"Canvas of column {letter}", "Canvas") for letter in "ABCD"]

    def shares(user: User) -> list[float]:
        """How far each column is in its own run."""
        said = [read(user, r"step (\d+/\d+)", f"Canvas of column {letter}").split("/") for letter in "ABCD"]
        return [int(now) / int(last) for now, last in said]

    def journey(user: User) -> None:
        show_only(user, "Data", "Particles")
        user.click("Loop", "CheckBox")
        at_the_end(user)
        user.press("F")
        alone = user.stands()
        user.click("Compare", "Button")
        for letter in "CD":
            user.click(". Column", "Button")
            user.find(f"Column {letter}: .*", "ButtonMenu")
        heads = [thing.name for thing in user.finds("Column [A-D]: .*", "ButtonMenu")]
        assert heads[0] == "Column A: Reverse SDE"
        assert len(set(heads)) == 4
        user.click("Column B: .*", "ButtonMenu")
        user.click("Steps", "MenuItem")
        user.click("20", "MenuItem", "Steps")
        user.find("Column B: .*20.*", "ButtonMenu")
        user.reads("A ends at .*, B ends at .*, C ends at .*, D ends at")
        user.press("E")
        user.wait(lambda: shares(user) == [1.0] * 4, "all columns to end")
        user.find("Play")  # without the loop it stops there; before, it would play on from where it is dragged to
        ends = canvases(user)
        user.drag("Timeline of the sampler", (0.97, 0.7), (0.5, 0.7), "Slider")
        user.wait(lambda: shares(user) == pytest.approx([0.5] * 4, abs=0.06), "all columns half-way")
        assert not any(map(same, ends, canvases(user)))
        user.wheel(user.find("Canvas of column C", "Canvas"), 3)
        user.wait(lambda: not any(map(same, ends, canvases(user))), "all columns to zoom")
        user.click("Canvas of column C", "Canvas", at=one_of(user.stands("Canvas of column C")), keys=ALT)
        user.reads(r"Particle: C · \d+ · step")
        user.press("Escape")
        user.click("Export video", "Button")
        entries = (
            ("File", "EditableText", film),
            ("Width in pixels", "SpinBox", 640),
            ("Height in pixels", "SpinBox", 360),
        )
        for field, role, value in (*entries, ("Length in seconds", "SpinBox", 1), ("Frames a second", "SpinBox", 10)):
            user.click(field, role)
            user.press("Ctrl+A")
            user.type(str(value))
        user.click("Export", "Button")
        user.wait(film.exists, "the film")
        user.click("Leave", "Button")
        user.find("Canvas", "Canvas")
        assert not user.finds("Column [A-D]: .*")
        user.press("E")
        user.press("F")
        comes_back(user, alone)

    desk(journey, exact)
    with av.open(str(film)) as opened:
        frames = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    assert len(frames) == pytest.approx(10, abs=2)
    assert frames[0].shape == (360, 640, 3)
    for quarter in range(4):  # each column has particles, which move
        first, last = (frame[:, quarter * 160 : (quarter + 1) * 160].astype(int) for frame in (frames[0], frames[-1]))
        assert amber(last).any()
        assert np.abs(first - last).mean() > 1
