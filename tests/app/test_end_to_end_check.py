"""The end-to-end check in the real window, which the doctor and the package's test rely on."""

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from playground.app import end_to_end_check, main
from playground.app.end_to_end_check import WentWrong, require_motion
from playground.lab.claims import Claim
from playground.lab.experiment import replace


@pytest.fixture
def small(monkeypatch) -> None:
    """The same lesson with less to compute."""
    sizes = {"data.points": 500, "network.width": 16, "sampling.particles": 50, "sampling.steps": 20}
    monkeypatch.setattr(
        end_to_end_check, "replace", lambda experiment, changes: replace(experiment, {**changes, **sizes})
    )
    monkeypatch.setattr(end_to_end_check, "TRAINING_SECONDS", 0.3)
    monkeypatch.setattr(end_to_end_check, "FILM", {"width_box": 128, "height_box": 128, "seconds": 1, "fps": 8})


@pytest.mark.claims  # the check of a package, whole
def test_every_step_of_a_lesson_goes_well(qapp: QApplication, small) -> None:
    steps: list[Claim] = []
    assert main.run_end_to_end_check(qapp, steps.append)
    assert [step.words for step in steps if not step.holds] == []
    names = [step.what for step in steps]
    assert names == [
        *(
            "window",
            "torch and the opening session",
            "training",
            "sampling",
            "likelihood",
            "film",
            "saving",
            "reopening",
        ),
    ]
    assert "8 pictures decoded" in steps[5].words


@pytest.mark.claims  # the check of a package, whole
def test_a_hanging_step_ends_the_check(qapp: QApplication, small, monkeypatch) -> None:
    monkeypatch.setattr(end_to_end_check, "PATIENCE", 20)
    monkeypatch.setattr("playground.app.controllers.training.Training.start", lambda self: None)
    steps: list[Claim] = []
    assert not main.run_end_to_end_check(qapp, steps.append)
    assert not steps[-1].holds


@pytest.mark.claims  # the check of a package, whole
def test_a_film_without_pictures_ends_the_check(qapp: QApplication, small, monkeypatch) -> None:
    monkeypatch.setattr(end_to_end_check, "_pictures", lambda _: 0)
    steps: list[Claim] = []
    assert not main.run_end_to_end_check(qapp, steps.append)
    assert (steps[-1].what, steps[-1].words) == ("film", "0 pictures decoded, not 8")


def test_particles_that_are_lost_or_stay_where_they_began_end_the_check() -> None:
    run = np.arange(12.0).reshape(3, 2, 2)
    require_motion(run)
    with pytest.raises(WentWrong, match="did not move"):
        require_motion(run[[0, 1, 0]])
    run[-1, 0, 0] = np.nan
    with pytest.raises(WentWrong, match="not finite"):
        require_motion(run)
