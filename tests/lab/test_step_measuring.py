"""What steps measure, and what a scene's file may say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from playground.lab import lessons, sampling, training
from playground.lab.experiment import ExperimentError
from playground.lab.lessons import SCENES, MeasuredStep, Step
from playground.lab.sample_metrics import FLOOR_PAIRS
from playground.lab.step_figure import Figure
from playground.lab.step_measuring import SLICED, measure
from playground.user_errors import UserError

SCENE = """+++
title = "Two terms"
topic = "Likelihood"
+++

+++
[experiment]
data.kind = "two-moons"
data.points = 500
likelihood.source = "exact"
sampling.source = "exact"

[figures.log_p]
key = "log_prob"
point = [0.0, 1.0]
difference_from = "exact"
at_least = -0.02
at_most = 0.02

[figures.exact]
key = "exact_log_prob"
point = [0.0, 1.0]
+++
log p is the sum of two terms.

---
Measured: log p {log_p:.2f}.
"""
HEAD, SETTINGS = SCENE.split("+++")[1:4:2]
OLD_SCENE = f"""{HEAD}claim = "log p is the sum of two terms."
measured = "log p {{log_p:.2f}}"
{SETTINGS}"""
"""The same scene in TOML."""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.lesson.md"
    path.write_text(text)
    return path


def said(measured: MeasuredStep) -> str:
    """The explanation of a step, with what is measured so far."""
    return measured.explained(str)


def test_there_are_twenty_with_titles_of_their_own_and_claims_that_can_fail() -> None:
    found = [lessons.load(path) for path in lessons.bundled(SCENES).values()]
    others = {lesson.title for lesson in lessons.load_all().values()}
    assert len({scene.title for scene in found} - others) == len(found) >= 20
    for scene in found:
        assert scene.is_scene
        assert scene.steps[0].is_bounded, scene.title


def test_the_losses_of_a_gaussian_s_score_are_those_of_the_closed_form() -> None:
    """Of one Gaussian of variance v + sigma² along each axis: E|s|² = 2/(v + sigma²) = -E tr ∇s."""
    experiment = {"data": {"kind": "two-gaussians"}, "noise": {"kind": "single", "sigma": 0.5}}
    keys = ("matching_loss", "matching_loss_of_opposite", "misprinted_loss", "misprinted_loss_of_opposite")
    *_, (_, measured) = measure(Step(experiment=experiment, figures={key: Figure(key) for key in keys}))
    square = 2 / (1 + 0.5**2)  # the modes lie so far apart that each is a Gaussian by itself
    expected = square * np.array([1 / 2 - 1, 1 / 2 + 1, 1 / 2 + 1, 1 / 2 - 1])
    assert [measured.values[key] for key in keys] == pytest.approx(expected.tolist(), rel=0.05)


def test_the_law_of_an_inpainted_coordinate_is_that_given_the_other() -> None:
    experiment = {
        "data": {"kind": "two-gaussians"},
        "sampling": {
            "kind": "reverse-sde",
            "source": "exact",
            "particles": 400,
            "steps": 60,
            "inpainting_mask": "left",
        },
    }
    free = {"sampling": {"inpainting_mask": "none"}}
    figures = {
        "given": Figure("inpainting_distance"),
        "free": Figure("inpainting_distance", settings=free),
    }
    *_, (_, measured) = measure(Step(experiment=experiment, figures={"given": figures["given"]}))
    assert measured.values["given"] < 0.1
    with pytest.raises(UserError, match="Nothing is inpainted"):
        list(measure(Step(experiment=experiment, figures=figures)))


def test_a_scene_of_an_earlier_version_is_one_in_toml(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OLD_SCENE)
    assert replace(lessons.load(path), name="mine") == lessons.load(write(tmp_path, SCENE))


def test_a_claim_outside_its_bounds_is_named(tmp_path: Path) -> None:
    (step,) = lessons.load(write(tmp_path, SCENE.replace("at_least = -0.02", "at_least = 0.01"))).steps
    *_, (_, measured) = measure(step)
    assert measured.failed == ("log_p less exact",)
    assert said(measured) == f"Measured: log p {measured.values['log_p']:.2f}.".replace("-", "−")


def test_figures_come_one_by_one_and_the_claim_is_compared_once_all_are_there() -> None:
    figures = {name: Figure("log_prob", point=(0.0, 0.0), at_most=-1e6) for name in ("a", "b")}
    settings = {"data": {"kind": "two-gaussians"}, "likelihood": {"source": "exact"}}
    step = Step(experiment=settings, figures=figures, explanation="a {a:.2f}, b {b:.0%}")
    seen = {said(measured): measured for _, measured in measure(step)}
    begun, half, complete = seen.values()
    assert said(begun) == "a …, b …"
    assert said(half) == f"a {half.values['a']:.2f}, b …".replace("-", "−")
    assert (half.complete, half.failed) == (False, ())
    assert (complete.complete, complete.failed) == (True, ("a", "b"))


def test_figures_have_the_errors_that_are_known() -> None:
    experiment = {
        "data": {"kind": "two-gaussians", "points": 500},
        "sampling": {"kind": "langevin", "source": "exact", "particles": 400, "steps": 20},
        "likelihood": {"source": "exact"},
    }
    figures = {
        "share": Figure("mode_weights", index=0),
        "distance": Figure(SLICED),
        "floor": Figure(f"{SLICED}_floor"),
        "ratio": Figure(SLICED, over=f"{SLICED}_floor"),
        "log_p": Figure("exact_log_prob", point=(5.0, 5.0)),
    }
    *_, (_, measured) = measure(Step(experiment=experiment, figures=figures))
    values, errors = measured.values, measured.errors
    assert errors.keys() == {"share", "distance", "ratio"}  # log p is exact
    assert errors["share"] == pytest.approx(np.sqrt(values["share"] * (1 - values["share"]) / 400), rel=0.05)
    assert 0 < errors["distance"] < values["floor"]
    of_floor = values["ratio"] * errors["distance"] / np.sqrt(FLOOR_PAIRS)
    assert errors["ratio"] == pytest.approx(np.hypot(errors["distance"], of_floor) / values["floor"])


def test_ratio_and_difference_are_to_the_figure_that_is_named() -> None:
    step = Step(figures={"a": Figure("nfe_max", ratio_to="b", at_least=2.0), "b": Figure("nfe_mean")})
    assert MeasuredStep(step, {"a": 4.0, "b": 2.0}).failed == ()
    assert MeasuredStep(step, {"a": 3.9, "b": 2.0}).failed == ("a over b",)
    assert MeasuredStep(step, {"a": float("nan"), "b": 2.0}).failed == ("a over b",)


def test_equal_experiments_are_trained_and_sampled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained, sampled = list[Any](), list[Any]()
    monkeypatch.setattr(training, "Trainer", _counting(training.Trainer, trained))
    monkeypatch.setattr(sampling, "sample", _counting(sampling.sample, sampled))
    text = """+++
title = "t"
+++
+++
[experiment]
data.points = 500
training.steps = 3
sampling.steps = 4
sampling.particles = 50
[figures.a]
key = "nfe_max"
[figures.b]
key = "nfe_mean"
[figures.c]
key = "nfe_max"
settings.sampling.kind = "probability-flow"
+++
---
Measured: {a:g} {b:g} {c:g}.
"""
    *_, (_, measured) = measure(lessons.load(write(tmp_path, text)).steps[0])
    assert (len(trained), len(sampled)) == (1, 2)
    assert said(measured) == "Measured: 5 5 4."


def _counting(make: Callable[..., Any], calls: list[Any]) -> Callable[..., Any]:
    def counted(*arguments: Any, **others: Any) -> Any:
        calls.append(arguments)
        return make(*arguments, **others)

    return counted


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Two terms"', "", "its first head: Object missing required field `title`"),
        ('title = "Two terms"', "title = ", "its first head"),
        ('"two-moons"', '"three-moons"', "three-moons"),
        ("data.points", "data.pints", "pints"),
        ("{log_p:.2f}", "{log_q:.2f}", "names log_q; there is "),
        ("{log_p:.2f}", "{log_p:.2q}", "may write a number as {name:.2f}"),
        ("{log_p:.2f}", "{log_p:{exact}}", "mine.lesson.md, step 1: its explanation"),
        ("{log_p:.2f}", "{log_p:{exact.real}}", "mine.lesson.md, step 1: its explanation"),
        ("{log_p:.2f}", "{log_p:99999999}", "may write a number as {name:.2f}"),
        ("{log_p:.2f}", "{log_p!r}", "mine.lesson.md, step 1: its explanation"),
        ("{log_p:.2f}", "}", "may write a number as {name:.2f}"),
        ("{log_p:.2f}", "{log_p.__class__}", "names log_p.__class__; there is"),
        ("point = [0.0, 1.0]\ndiff", "diff", "figures.log_p needs a point"),
        ('"log_prob"', '"halfway_log_prob"', "figures.log_p needs `to`, a second point"),
        ("point = [0.0, 1.0]\ndiff", "point = [0.0, 1.0]\nto = [0.0, 1.0]\ndiff", "exactly where its key is halfway"),
        ("[experiment]", 'weights = "../x"\n[experiment]', "weights names ../x; there is checkerboard, digits"),
        ('difference_from = "exact"', 'difference_from = "other"', "figures.log_p names other"),
    ],
)
def test_a_file_that_is_no_scene_is_refused_with_a_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SCENE
    with pytest.raises(ExperimentError) as refused:
        lessons.load(write(tmp_path, SCENE.replace(old, new, 1)))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_figure_is_refused(tmp_path: Path) -> None:
    (step,) = lessons.load(write(tmp_path, SCENE.replace('"log_prob"\npoint = [0.0, 1.0]', '"test_nlll"'))).steps
    with pytest.raises(UserError, match="test_nlll is not known: no figure has this name"):
        list(measure(step))
