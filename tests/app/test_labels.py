"""Sentences of the laboratory, as the window says them."""

import re

import pytest

from playground.app.labels import CARDS, LABELS, UNLABELLED, label_of, spoken
from playground.app.panels import LikelihoodPanel, QualityPanel, SamplingPanel
from playground.lab.experiment import fields
from tests.app.conftest import wait

SETTINGS = [key for key in fields() if "." in key]


def test_labels_are_of_settings():
    assert {*LABELS, *UNLABELLED} <= set(SETTINGS)
    assert set(CARDS) == {key.split(".")[0] for key in SETTINGS}


def test_no_key_is_left_in_a_sentence():
    for key in SETTINGS:
        said = spoken(f"Lower {key} = 3.")
        assert key not in said
        assert (
            said == f"Lower {UNLABELLED.get(key) or label_of(fields()[key])} = 3."
            or f"({CARDS[key.split('.')[0]]})" in said
        )


def test_no_two_settings_are_called_the_same():
    said = [spoken(key) for key in SETTINGS]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("training.batch = 0 is not allowed: it must be 1.", "Batch B = 0 is not allowed: it must be 1."),
        ("Choose sampling.solver = euler, heun or shark.", "Choose solver “Euler”, “Heun” or “ShARK”."),
        ("Choose a noise, or sampling.inpainting_mask = none.", "Choose a noise, or inpainting mask “None”."),
        ("Choose likelihood.source = learned or empirical.", "Choose score (Likelihood) “Learned” or “Training set”."),
        ("Choose noise.kind = discrete, ve or another one.", "Choose noise “Discrete”, “VE” or another one."),
        ("noise.sigma_min = 9 must lie below noise.sigma_max = 8.", "σ min = 9 must lie below σ max = 8."),
        ("No file is chosen: set data.path to a CSV file.", "No file is chosen: open a CSV file."),
        ("It diverged (loss 1.23e+05, rate 1e-04).", "It diverged (loss 123\u202f000, rate 1e-4)."),
        ("run1e5.csv, line 3: 3e5 apples.", "run1e5.csv, line 3: 3e5 apples."),
    ],
)
def test_spoken(sentence, said):
    assert spoken(sentence) == said


def test_a_toast_speaks_labels_and_leaves_with_its_cause(shared_window):
    window = shared_window
    before = window.state.experiment
    window.state.edit({"noise.kind": "single"})
    wait(lambda: window.engine.problem.sigma_max == window.engine.problem.sigma_min, 20_000)
    window.engine.inspect(0.0, 0.0)
    said = [toast.sentence for toast in window.toasts.shown]  # of the point, and of the sampler
    assert "noise “Single σ” has no such path" in said[0]
    assert "noise “Single σ” has no path between them" in said[1]
    assert not re.search(r"\w\.\w", " ".join(said))
    window.state.edit({"training.learning_rate": 2e-3})
    assert [toast.sentence for toast in window.toasts.shown] == said
    window.state.edit({"noise.kind": "ve"})
    assert window.toasts.shown == []
    window.state.load(before)
    assert window.panel(LikelihoodPanel).isVisible()


def test_a_failed_opening_is_forgotten_once_another_succeeds(shared_window, tmp_path):
    window = shared_window
    window.state.mark_saved()
    window.documents.open(tmp_path / "there-is-none.spg")
    assert [toast.level for toast in window.toasts.shown] == ["error"]
    window.documents.new()
    assert window.toasts.shown == []


def test_nothing_of_images_is_left_beside_an_empty_drawing(shared_window):
    window = shared_window
    before = window.state.experiment
    sampling, quality = window.panel(SamplingPanel), window.panel(QualityPanel)
    of_images = (sampling.labels, sampling.label, sampling.guidance, quality.labels, quality.nearest)
    window.state.edit({"data.kind": "digits", "sampling.labels": "one"})
    wait(lambda: window.engine.problem.is_image, 20_000)
    assert not any(part.isHidden() for part in of_images)
    window.state.edit({"data.kind": "drawn"})
    wait(lambda: window.engine.problem is None, 20_000)
    assert all(part.isHidden() for part in of_images)
    window.state.load(before)
    wait(lambda: window.engine.problem is not None, 20_000)


def test_a_mistake_in_a_setting_leaves_once_the_setting_changes(shared_window):
    window = shared_window
    before = window.state.experiment
    window.state.edit({"sampling.inpainting_mask": "left", "sampling.inpainting_image": 999_999})
    wait(lambda: window.toasts.shown, 20_000)
    (toast,) = window.toasts.shown
    assert re.fullmatch(
        r"There is no held-out point 999999: there are (\d+) \(inpainting image = 0 to \d+\)\.", toast.sentence
    )
    window.state.edit({"sampling.snr": 0.2})
    assert len(window.toasts.shown) == 1
    window.state.edit({"sampling.inpainting_image": 5})
    assert window.toasts.shown == []
    window.state.load(before)
