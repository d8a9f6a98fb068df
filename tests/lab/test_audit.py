"""Audits: the plug-ins of docs/plugins.md hold, each fault put into one of them is found, and every built-in kind has an audit."""

import copy
import dataclasses
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from playground.data.dataset import DataError, Dataset
from playground.kinds import plugins
from playground.kinds.kind import Kind, registered
from playground.lab import audit as audits
from playground.lab.audit import (
    Audit,
    Claim,
    audit,
    datasets,
    experiment_of,
    gaussian,
    kind_named,
    networks,
    objectives,
    samplers,
)
from playground.lab.claims import measured
from playground.lab.experiment import Experiment, ExperimentError, replace
from playground.theory.densities import GaussianMixture
from playground.theory.guidance import GuidedScore
from playground.theory.samplers import Langevin, MetropolisAdjustedLangevin
from playground.user_errors import UserError
from tests.densities import density_of
from tests.kinds.test_listings import listing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
LISTINGS = dict(
    re.findall(r"```python\n(.*?)```.*?score-playground --plugin \w+\.py audit ([\w-]+)\n", PAGE, re.DOTALL)
)
LISTINGS = {name: text for text, name in LISTINGS.items()}
TABLES = dict(
    re.findall(r"^\$ score-playground --plugin \w+\.py audit ([\w-]+)\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
)

NO_NUMBERS = """
    evaluations_per_step = 3

    def run(self, score, start, generator):
        from dataclasses import replace

        for step in super().run(score, start, generator):  # its check of each step has seen numbers
            yield replace(step, positions=float("nan") * step.positions)
"""

# A fault: the listing, what is written in it, what is put in its place, and the beginnings of the claims that must fail.
FAULTS = {
    "wrong shares of the dots": (
        "cross",
        "mode_weights=weights",
        "mode_weights=weights.flip(0)",
        ["shares of the modes"],
    ),
    "half of the variance": ("laplace", "len(mean), 2 * scale**2", "len(mean), scale**2", ["mean and mean square"]),
    "a density with some of its mass missing": (
        "laplace",
        "math.log(2 * self.scale)).sum",
        "math.log(2.01 * self.scale)).sum",
        ["integrates to 1"],
    ),
    "smoothing without its factor": (
        "laplace",
        "+ s**2 / 2 ",
        "",
        ["integrates to 1, smoothed by 0.1", "smoothing twice", "mean of log p"],
    ),
    "samples of another scale": (
        "laplace",
        "self.scale * (first - second)",
        "1.1 * self.scale * (first - second)",
        ["mean and mean square", "Kolmogorov", "counts in cells"],
    ),
    "samples far from their density": (
        "laplace",
        "self.scale * (first - second)",
        "1e3 + self.scale * (first - second)",
        ["mean and mean square", "Kolmogorov", "mean of log p", "counts in cells"],
    ),
    "drift with the wrong sign": (
        "constant-rate",
        "as_time(t), -0.5 * self.b)",
        "as_time(t), 0.5 * self.b)",
        ["α′ is", "v′ is"],
    ),
    "g twice too large in its square": (
        "constant-rate",
        "self.b**0.5",
        "(2 * self.b) ** 0.5",
        ["v′ is"],
    ),
    "an inverse of another process": ("constant-rate", "sigma).square()) /", "sigma)) /", ["t(σ) is the inverse"]),
    "a network that cuts its gradient": (
        "cosines",
        "torch.cos(angles)",
        "torch.cos(angles.detach())",
        ["along a direction of all weights", "along a direction of x", "weights that"],
    ),
    "a network that ignores the noise level": (
        "cosines",
        "noise[:, None] * self.level + ",
        "",
        ["error with the noise level of another point"],
    ),
    "a network of the whole batch": ("cosines", "noise[:, None] *", "noise.mean() *", ["shapes, finite numbers"]),
    "twice the noise as target": (
        "antithetic",
        "+ sign * z / level",
        "+ 2 * sign * z / level",
        ["σ = 0.3: slope", "σ = 1: slope"],
    ),
    "noise as target with the wrong sign": ("antithetic", "+ sign * z / level", "- sign * z / level", ["σ = 1: slope"]),
    "absolute values for squares": (
        "antithetic",
        ".square().sum(1)",
        ".abs().sum(1)",
        ["σ = 1: slope", "loss of the true score"],
    ),
    "a sampler that goes away from the data": (
        "kutta",
        "-sigma * score",
        "sigma * score",
        ["Gaussian, VE: weak", "Gaussian, VP: relative"],
    ),
    "a sampler that stops because it diverges": (
        "kutta",
        "-sigma * score",
        'float("nan") * score',
        ["Gaussian, VE: relative", "Gaussian, VP: relative"],
    ),
    "a sampler that goes on without numbers": (
        "kutta",
        "    evaluations_per_step = 3\n",
        NO_NUMBERS,
        ["Gaussian, VE: relative", "Gaussian, VP: relative"],
    ),
    "weights that do not add to one": ("kutta", "h / 6", "h / 5", ["Gaussian, VE: weak", "Gaussian, VP: relative"]),
    "weights of a lower order": (
        "kutta",
        "first + 4 * second + third",
        "2 * first + 2 * second + 2 * third",
        ["Gaussian, VE: weak"],
    ),
    "an order that it has not": ("kutta", "weak_order = 3.0", "weak_order = 4.0", ["Gaussian, VE: weak"]),
    "evaluations that it does not take": ("kutta", "per_step = 3", "per_step = 2", ["evaluations counted"]),
}


Load = Callable[[str], Audit]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Returns what loads a listing as a plug-in and makes its audit."""

    def made(text: str) -> Audit:
        path = tmp_path / f"listing_{len(plugins.loaded)}.py"
        path.write_text(text, encoding="utf-8")
        (kind,) = plugins.load_plugin(path)
        return audit(experiment_of(kind), kind.section)

    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smaller samples, which show the same."""
    monkeypatch.setattr(objectives, "BATCHES", 16)
    monkeypatch.setattr(objectives, "PARTS", 6)
    monkeypatch.setattr(networks, "STEPS", 250)
    monkeypatch.setattr(networks, "ROWS", 300)
    monkeypatch.setattr(samplers, "BUDGETS", (10, 20))
    monkeypatch.setattr(samplers, "CLOUD", 60)


def those(made: Audit, *begin: str) -> list[Claim]:
    """The measured claims that begin so."""
    claims = [claim for claim in made.claims if claim.what.startswith(begin or ("",))]
    assert len(claims) >= len(begin)
    return list(measured(claims))


def test_the_page_has_a_plugin_of_each_sort(load: Load) -> None:
    assert {load(text).name.partition(".")[0] for text in LISTINGS.values()} == {
        "data",
        "noise",
        "network",
        "objective",
        "sampling",
    }


@pytest.mark.parametrize("name", LISTINGS)
def test_the_tables_on_the_page_have_the_claims_of_the_audits(name: str, load: Load) -> None:
    made = load(LISTINGS[name])
    title, _, *lines, end = TABLES[name].splitlines()
    assert title == made.title
    printed = [re.split(r" {2,}", line.strip()) for line in lines if line.startswith("  ")]
    asked = made.claims
    assert [(claim, bound) for claim, _, bound in printed] == [(row.what, row.bound_text) for row in asked]
    assert [line for line in lines if not line.startswith("  ")] == list(dict.fromkeys(row.source for row in asked))
    claims = sum(row.is_bounded for row in asked)
    assert end.startswith(f"{claims} of {claims} claims hold, in ")


@pytest.mark.claims
@pytest.mark.parametrize("name", LISTINGS)
def test_the_plugins_of_the_page_hold(name: str, load: Load, quick: None) -> None:
    made = load(LISTINGS[name])
    rows = list(measured(made.claims))
    assert [row for row in rows if not row.holds] == []
    for chart in made.charts():
        for one in chart.series:
            assert len(one.x) == len(one.y) > 1
            for values, log in ((one.x, chart.x.log), (one.y, chart.y.log)):
                assert all(math.isfinite(value) and (value > 0 or not log) for value in values.tolist())


@pytest.mark.claims
@pytest.mark.parametrize(("name", "right", "wrong", "claims"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_in_a_plugin_fails_its_audit(
    name: str, right: str, wrong: str, claims: list[str], load: Load, quick: None
) -> None:
    assert LISTINGS[name].count(right) == 1
    rows = those(load(LISTINGS[name].replace(right, wrong)), *claims)
    assert [row.what for row in rows if row.holds] == []
    assert not any("monotonically" in str(row) for row in rows)  # samples may lie anywhere


STUDENT = """
import math
import torch
from playground.kinds.datasets import Toy
from playground.kinds.kind import register
from playground.theory.densities import GaussianMixture

class Scales(GaussianMixture):
    def sample(self, count, generator):
        return 1.0 * super().sample(count, generator)

    def _log_prob(self, x, sigma):
        return super()._log_prob(x, sigma) + 0.0

@register
class Student(Toy, tag="TAG", frozen=True):
    title = phrase = "Student"
    place = 20
    own_noise = 0.1

    @classmethod
    def density(cls, noise):
        # A Gaussian of variance 3/c for chi-squared c with 3 degrees of freedom, at 200 quantiles of c.
        c = torch.linspace(1e-4, 40, 200_001, dtype=torch.float64)
        below = torch.special.gammainc(torch.tensor(1.5, dtype=torch.float64), c / 2)
        quantiles = c[torch.searchsorted(below, (torch.arange(200, dtype=torch.float64) + 0.5) / 200)]
        one = torch.zeros(1, 2, dtype=torch.float64)
        stds = (3 / quantiles + noise**2).sqrt()
        return Scales(one.repeat(200, 1), stds, modes=one, mode_weights=torch.ones(1, dtype=torch.float64))
"""
"""Student's t with 3 degrees of freedom, as a mixture with the one mode 0."""


@pytest.mark.claims
def test_heavy_tails_and_a_single_mode_fail_no_claim(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Student's t with 3 degrees of freedom has no fourth moment, and half a per cent of its mass outside the square."""
    for seed in (17, 18, 19):
        monkeypatch.setattr(datasets, "SEED", seed)
        made = load(STUDENT.replace("TAG", f"student-{seed}"))
        rows = list(measured(made.claims))
        assert [row for row in rows if not row.holds] == []
        (outside,) = (row for row in rows if row.what.startswith("mass outside"))
        assert 0.003 < outside.measured < 0.01
        assert not any("shares of the modes" in row.what for row in rows)  # one mode has all samples


@pytest.mark.parametrize(
    ("right", "wrong", "claims"),
    [
        ("1.0 * super", "1.06 * super", ["mean and mean square", "counts in cells"]),
        ("sigma) + 0.0", "sigma) - 0.01", ["integrates to 1", "integrates to 1, smoothed by 0.5"]),
        ("sigma) + 0.0", "sigma) + 0.01", ["integrates to 1", "integrates to 1, smoothed by 0.1"]),
    ],
)
def test_a_fault_in_heavy_tails_is_found(right: str, wrong: str, claims: list[str], load: Load) -> None:
    assert STUDENT.count(right) == 1
    tag = f"student-{len(plugins.loaded)}"
    rows = those(load(STUDENT.replace("TAG", tag).replace(right, wrong)), *claims)
    assert [row.what for row in rows if row.holds] == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("self.mean, self.scale = mean, scale", "self.scale = scale", "has no mean: its __init__ must set"),
        ("self.dim, self.variance = len(mean), 2 * scale**2", "pass", "has no dim or variance: its __init__ must set"),
        ("2 * scale**2", "math.inf", "has the variance inf: it must be above 0 and finite"),
        ("torch.zeros(2,", "torch.zeros(3,", "is not over the plane"),
        ("    def cdf(", "    def cumulative(", "cannot be made: TypeError"),
        ("return Laplace(torch.zeros", "return Exception(torch.zeros", "is no Density"),
    ],
)
def test_a_density_that_lacks_something_is_told_so_in_a_sentence(right: str, wrong: str, said: str, load: Load) -> None:
    assert LISTINGS["laplace"].count(right) == 1
    with pytest.raises(DataError, match=re.escape(said)) as refused:
        load(LISTINGS["laplace"].replace(right, wrong))
    assert "two Laplace variables" in str(refused.value)
    assert str(refused.value).endswith("The page docs/plugins.md shows a whole one.")


def test_an_objective_with_another_minimiser_fails(load: Load) -> None:
    """That of a pseudo-Huber loss is not the score."""
    (row,) = those(load(listing("An objective")), "σ = 1: slope")
    assert not row.holds


def test_a_sampler_without_a_stationary_law_says_so_and_is_held_to_it(load: Load, quick: None) -> None:
    """Ascent without noise shrinks to a point. One that states the opposite fails, and so does one that has a law."""
    text = listing("A sampler")
    made = load(text)
    assert [row for row in measured(made.claims) if not row.holds] == []
    (row,) = those(made, "Gaussian: stationary law: has none, as it states")
    assert row.measured > 0.99  # of the variance nothing is left
    assert not any("weak order" in check.what for check in made.claims)
    (row,) = those(load(_other(text.replace("has_law = False", "has_law = True"), "second")), "Gaussian: relative")
    assert not row.holds
    noisy = text.replace("self.step * score(x, sigma)", "self.step * score(x, sigma) + NOISE")
    noisy = noisy.replace("NOISE", "(2 * self.step) ** 0.5 * torch.randn(x.shape, generator=generator, dtype=x.dtype)")
    (row,) = those(load(_other(noisy, "third")), "Gaussian: stationary law")
    assert not row.holds


def _other(text: str, tag: str) -> str:
    """The text of a sampler under another name."""
    return text.replace('tag="gradient-ascent"', f'tag="{tag}"')


def test_classes_of_points_are_held_to_the_densities_of_the_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    def classes(change: Callable[[Dataset], Dataset]) -> dict[str, Claim]:
        monkeypatch.setattr(Experiment().data.kinds()["two-moons"], "load", lambda *given: change(WHOLE(*given)))
        made = audit(replace(Experiment(), {"data.kind": "two-moons"}), "data")
        return {row.what[:6]: row for row in measured(tuple(one for one in made.claims if one.source == "classes"))}

    def labelled(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Dataset], Dataset]:
        def changed(data: Dataset) -> Dataset:
            assert data.labels is not None
            return dataclasses.replace(data, labels=change(data.labels))

        return changed

    WHOLE = Experiment().data.kinds()["two-moons"].load
    right = classes(lambda data: data)
    assert [row.holds for row in right.values()] == [True] * 5
    exchanged = classes(labelled(lambda labels: 1 - labels))
    assert [name for name, row in exchanged.items() if not row.holds] == ["classe"]
    one = classes(labelled(lambda labels: 0 * labels))
    assert [name for name, row in one.items() if not row.holds] == ["shares", "classe"]

    def with_a_gap(data: Dataset) -> Dataset:
        density = copy.copy(data.density)
        assert isinstance(density, GaussianMixture)
        assert density.classes is not None
        density.classes = 2 * density.classes
        return dataclasses.replace(data, density=density)

    gap = classes(with_a_gap)
    assert [row.holds for row in gap.values()] == [False] * 5


BUILT_IN = [kind for kind in registered() if kind.__module__.startswith("playground.")]
WITHOUT_DATA = {"file", "images", "drawn"}
EXPENSIVE = ("log p of", "W₂ over", "integrates to 1", "weights that", "mean square error")


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: f"{kind.section}.{kind.name()}")
def test_every_built_in_kind_has_an_audit(kind: type[Kind]) -> None:
    """Only noise, whose rows take no time, is measured here for each kind; `audit` measures the others."""
    experiment = experiment_of(kind)
    if kind.section == "data" and kind.name() in WITHOUT_DATA:
        with pytest.raises((ExperimentError, UserError)):
            audit(experiment, kind.section)
        return
    made = audit(experiment, kind.section)
    assert made.claims
    assert len({(check.source, check.what) for check in made.claims}) == len(made.claims)
    if kind.section == "noise":
        cheap = tuple(check for check in made.claims if not check.what.startswith(EXPENSIVE))
        assert [row for row in measured(cheap) if not row.holds] == []


@pytest.mark.claims
@pytest.mark.parametrize("name", ["reverse-sde", "annealed-langevin", "mala", "forward", "two-gaussians", "digits"])
def test_claims_of_built_in_kinds_hold(name: str) -> None:
    kind = kind_named(name)
    made = audit(experiment_of(kind), kind.section)
    rows = measured(tuple(check for check in made.claims if not check.what.startswith(EXPENSIVE)))
    assert [row for row in rows if not row.holds] == []


def test_a_sampler_that_is_told_a_class_is_audited_with_it(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class alone is sampled; with guidance the samples are not those of the tilted density, which is only measured."""
    told = {"data.classes": "on", "sampling.labels": "one", "sampling.guidance": 3.0}

    def claims() -> list[Claim]:
        return those(audit(replace(Experiment(), told), "sampling"), "W₂ to")

    alone, guided = claims()
    assert alone.holds
    assert (guided.what, guided.is_bounded) == ("W₂ to the tilted density, w = 3, over its floor", False)
    assert guided.measured > alone.measured
    monkeypatch.setattr(
        samplers, "conditioned_score", lambda problem, score: density_of(problem).score
    )  # of both moons
    assert not claims()[0].holds
    assert not any("W₂ to" in check.what for check in audit(Experiment(), "sampling").claims)


def test_a_sampler_that_is_guided_by_an_earlier_step_is_audited_with_it(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samplers, "TRAINED", 60)
    guided = {"sampling.guide": "checkpoint", "sampling.guidance": 1.5, "sampling.steps": 10}

    def claims(experiment: Experiment) -> list[Claim]:
        made = audit(experiment, "sampling")
        return list(measured(tuple(check for check in made.claims if "guided by an earlier one" in check.source)))

    score, evaluations, without, with_guidance = claims(replace(Experiment(), guided))
    assert score.measured < 1e-6
    assert evaluations.measured == 2
    assert without.measured > 1 < with_guidance.measured != without.measured
    monkeypatch.setattr(GuidedScore, "__call__", lambda self, x, sigma: self.score(x, sigma))
    assert [row.holds for row in claims(replace(Experiment(), guided))] == [False, False, True, True]
    interval = guided | {"sampling.guidance_min": 0.5, "sampling.guidance_max": 1.0}
    monkeypatch.undo()
    monkeypatch.setattr(samplers, "TRAINED", 60)
    monkeypatch.setattr(samplers, "CLOUD", 60)
    score, evaluations, _, _ = claims(replace(Experiment(), interval))
    assert score.holds
    assert 1 < evaluations.measured < 2
    assert not claims(Experiment())


def test_settings_choose_what_is_audited() -> None:
    """ShARK states weak order 2 and strong order 1.5."""
    made = audit(replace(Experiment(), {"sampling.solver": "shark"}), "sampling")
    claims = [check.what for check in made.claims]
    assert "Gaussian, VE: weak order in its steps, 2 as it states" in claims
    assert "Gaussian, VE: strong order on one path, 1.5 as it states" in claims


def test_particles_that_steer_each_other_are_sampled() -> None:
    """Correctors take their step from the norms of all particles, so that no particle is linear by itself."""
    made = audit(replace(Experiment(), {"sampling.corrector_steps": 2}), "sampling")
    claims = [check.what for check in made.claims if check.source == "law"]
    assert claims == [
        f"Gaussian, {process}: relative error of mean and variance of 8,000 particles" for process in ("VE", "VP")
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("vpp", "There is no kind vpp: did you mean vp?"), ("noise.mlp", "no kind noise.mlp"), ("q", "the kinds are ")],
)
def test_a_kind_that_is_not_there_is_named(name: str, reason: str) -> None:
    with pytest.raises(UserError, match=re.escape(reason)):
        kind_named(name)


def test_two_kinds_of_one_name_are_told_apart_by_their_section(monkeypatch: pytest.MonkeyPatch) -> None:
    both = kind_named("vp"), kind_named("mlp")
    monkeypatch.setattr(audits, "registered", lambda: (*both, both[0]))
    with pytest.raises(UserError, match=r"write noise\.vp or noise\.vp"):
        kind_named("vp")
    assert kind_named("network.mlp") is both[1]


def test_moments_of_langevin_are_those_of_its_recursion() -> None:
    step, steps = 0.05, 400
    sampler = Langevin(0.0, step, steps)
    found = gaussian.exact_moments(sampler, gaussian.Moments(3.0, 2.0))
    kept = 1 - step / gaussian.STD**2
    mean, variance = 3.0, 2.0
    for _ in range(steps):
        mean, variance = gaussian.MEAN[0] + kept * (mean - gaussian.MEAN[0]), kept**2 * variance + 2 * step
    assert (found.mean, found.variance) == pytest.approx((mean, variance), rel=1e-9)
    assert variance == pytest.approx(gaussian.STD**2 / (1 - step / (2 * gaussian.STD**2)), rel=1e-6)


def test_a_run_that_is_not_linear_is_refused() -> None:
    def log_density(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return -0.5 * (x - gaussian.center()).square().sum(1) / gaussian.STD**2

    with pytest.raises(gaussian.NotLinear):
        gaussian.exact_moments(MetropolisAdjustedLangevin(log_density, 0.0, 0.1, 5), gaussian.Moments(0.0, 1.0))


def test_orders_are_slopes_of_the_logarithms() -> None:
    assert samplers.order((10, 20, 40), [3e-2, 7.5e-3, 1.875e-3]) == pytest.approx(2.0)
    assert samplers.order((10, 20), [1.0, math.nan]) == 0.0
