"""Sentences of the laboratory, as the window says them."""

import re

import pytest

from playground.app.panels import LikelihoodPanel, QualityPanel, SamplingPanel
from playground.app.style.labels import CARDS, worded
from playground.kinds.noise.noise import crossed_ends
from playground.lab.experiment import Experiment, every_field, fields, owners, replace
from playground.messages import Message, setting, to_set
from tests.app.conftest import wait

FIELDS = every_field()
SETTINGS = [key for key in FIELDS if "." in key]
CHOSEN = [
    (section, kind) for section in CARDS for kind in FIELDS.get(f"{section}.kind", FIELDS["sampling.seed"]).choices
]


def test_every_section_has_a_card():
    assert set(CARDS) == {key.split(".")[0] for key in SETTINGS}


def test_no_key_is_left_in_a_sentence():
    for key in SETTINGS:
        said, label = worded(message("Lower {}.", setting(key, 3))), FIELDS[key].label
        assert key not in said
        assert said in (f"Lower {label} = 3.", f"Lower {label} ({CARDS[key.split('.')[0]]}) = 3.")


def test_no_two_settings_are_called_the_same():
    said = [worded(message("Lower {}.", setting(key))) for key in SETTINGS]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(("section", "kind"), CHOSEN)
def test_no_two_rows_of_a_card_are_called_the_same(section, kind):
    """By every kind of the section: what the others of them call theirs is not on the card."""
    known = fields(replace(Experiment(), {f"{section}.kind": kind}))
    card = [field for key, field in known.items() if CARDS.get(key.split(".")[0]) == CARDS[section]]
    labels = [field.label for field in card]
    assert len(set(labels)) == len(labels)
    for field in card:
        assert field.label
        assert field.label.strip() == field.label


def test_a_setting_of_several_kinds_is_called_the_same_by_all():
    for key in SETTINGS:
        section = key.split(".")[0]
        chosen = [fields(replace(Experiment(), {f"{section}.kind": kind}))[key] for kind in owners(key)]
        assert len({field.label for field in chosen}) <= 1, key


def test_a_choice_of_any_kind_is_said_by_its_title():
    for key in SETTINGS:
        section = key.split(".")[0]
        kinds = [fields(replace(Experiment(), {f"{section}.kind": kind}))[key] for kind in owners(key)]
        for field in kinds or [FIELDS[key]]:
            for choice in field.choices:
                said = f"“{field.title_of(choice)}”"
                assert worded(message("choose {}", setting(key, choice))).endswith(said), (key, choice)


def message(text, *values):
    return Message("test", text, values)


@pytest.mark.parametrize(
    ("message", "own", "said"),
    [
        (message("{} is not allowed.", setting("training.batch", 0)), "", "Batch B = 0 is not allowed."),
        (
            message("Choose {}.", setting("sampling.solver", "euler", "heun", "shark")),
            "",
            "Choose solver “Euler in t”, “Heun” or “ShARK”.",
        ),
        (
            message("Choose {}.", setting("likelihood.source", "learned", "empirical")),
            "",
            "Choose score (Likelihood) “Learned” or “Training set”.",
        ),
        (message("{}: lower it.", setting("likelihood.tolerance")), "likelihood.tolerance", "Tolerance: lower it."),
        (
            message("Choose {}.", setting("noise.kind", "discrete", "ve", "another one")),
            "",
            "Choose noise “Discrete”, “VE” or another one.",
        ),
        (crossed_ends(9.0, 8.0), "", "σ min = 9 must lie below σ max = 8: lower one or raise the other."),
        (message("No file: {} a CSV file.", to_set("data.path")), "", "No file: open a CSV file."),
        (
            message("It diverged (loss {:.3g}, rate {:g}).", 123_456, 1e-4),
            "",
            "It diverged (loss 123\u202f000, rate 1e-4).",
        ),
        (message("{} has {:,} rows.", "run1e5.csv", 12_345), "", "run1e5.csv has 12\u202f345 rows."),
        (
            message("{}, so {}.", message("{} hides all", setting("sampling.seed", 1)), "no"),
            "",
            "Seed = 1 hides all, so no.",
        ),
        ("training.batch of a stranger's file", "", "training.batch of a stranger's file"),
        (None, "", ""),
    ],
)
def test_a_message_is_worded_by_labels_titles_and_the_window_s_numbers(message, own, said):
    assert worded(message, own) == said


def test_a_toast_speaks_labels_and_leaves_with_its_cause(window):
    window.state.edit({"noise.kind": "single"})
    wait(lambda: window.controllers.state.problem.sigma_max == window.controllers.state.problem.sigma_min)
    window.controllers.clicking.inspect((0.0, 0.0))
    said = [toast.sentence for toast in window.toasts.shown]  # of the point, and of the sampler
    assert "noise “Single σ” has no such path" in said[0]
    assert "noise “Single σ” has no path between them" in said[1]
    assert not re.search(r"\w\.\w", " ".join(said))
    window.state.edit({"training.learning_rate": 2e-3})
    assert [toast.sentence for toast in window.toasts.shown] == said
    window.state.edit({"noise.kind": "ve"})
    assert window.toasts.shown == []
    assert window.panel(LikelihoodPanel).isVisible()


def test_a_failed_opening_is_forgotten_once_another_succeeds(window, tmp_path):
    window.state.mark_saved()
    window.opening.open(tmp_path / "there-is-none.spg")
    assert [toast.level for toast in window.toasts.shown] == ["error"]
    window.opening.new()
    assert window.toasts.shown == []


def test_nothing_of_images_is_left_beside_an_empty_drawing(window):
    sampling, quality = window.panel(SamplingPanel), window.panel(QualityPanel)
    rows = (sampling.sampler.rows[f"sampling.{name}"] for name in ("labels", "label", "guidance"))
    of_images = (*rows, quality.samples.rows["class_frequencies"], quality.samples.rows["nearest_neighbour_distance"])
    window.state.edit({"data.kind": "digits", "sampling.labels": "one"})
    wait(lambda: window.controllers.state.problem.is_image)
    assert not any(part.isHidden() for part in of_images)
    window.state.edit({"data.kind": "drawn"})
    wait(lambda: window.controllers.state.problem is None)
    assert all(part.isHidden() for part in of_images)


def test_a_message_about_a_setting_leaves_once_the_setting_changes(window):
    window.state.edit({"sampling.inpainting_mask": "left", "sampling.inpainting_image": 999_999})
    wait(lambda: window.toasts.shown)
    (toast,) = window.toasts.shown
    assert re.fullmatch(
        r"There is no held-out point 999999: there are (\d+) \(inpainting image = 0 to \d+\)\.", toast.sentence
    )
    window.state.edit({"sampling.snr": 0.2})
    assert len(window.toasts.shown) == 1
    window.state.edit({"sampling.inpainting_image": 5})
    assert window.toasts.shown == []
