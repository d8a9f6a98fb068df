"""Labels, guidance and known parts on the way from the settings to the sampler."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from playground.kinds.datasets import load_dataset
from playground.kinds.inpainting import known_coordinates
from playground.kinds.samplers.from_noise import KNOWN_CORRECTORS
from playground.lab.compute import result
from playground.lab.conflicts import Conditions, comparison_conflict, sampling_conflict, training_conflict
from playground.lab.defaults import resolve
from playground.lab.evaluation import evaluate, sample_distances
from playground.lab.experiment import Experiment, ExperimentError, fields, owners, replace, value
from playground.lab.label_dropout_checks import (
    untrained_conditional_score,
    untrained_unconditional_score,
)
from playground.lab.objective import build_objective
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.score_errors import score_figures
from playground.lab.training import Trainer
from playground.lab.without_effect import settings_without_effect
from playground.theory.noise.process import ScoreFunction
from playground.theory.samplers import SamplerDiverged
from tests.densities import density_of
from tests.figures import flat
from tests.fitting import dotted
from tests.generators import seeded
from tests.present import present

TINY = {
    "network.width": 32,
    "network.depth": 2,
    "training.steps": 20,
    "sampling.steps": 12,
    "sampling.particles": 6,
}


def digits(**changes: object) -> Problem:
    settings = dotted(changes)
    return Problem.build(replace(Experiment(), {"data.kind": "digits", **TINY, **settings}))


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """A network in which every layer has an effect, as after minutes of training."""
    network, generator = digits().network(), seeded(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    return network.requires_grad_(False)


def last(problem: Problem, score: ScoreFunction) -> np.ndarray:
    *_, trajectory = sample(problem, score)
    return np.array(trajectory.positions[-1])


def test_a_label_and_guidance_reach_the_sampler(network: torch.nn.Module) -> None:
    one_start = {"sampling__start": "uniform"}
    plain = last(digits(sampling__labels="none", **one_start), network)
    one, guided = (
        last(digits(sampling__labels="one", sampling__label=3, sampling__guidance=w, **one_start), network)
        for w in (0, 2)
    )
    told = last(digits(sampling__labels="none", **one_start), lambda x, sigma: network(x, sigma, torch.tensor(3)))
    assert np.array_equal(one, told)
    assert np.abs(one - plain).max() > 0.01
    assert np.abs(guided - one).max() > 0.01


def test_all_labels_come_in_the_datas_shares() -> None:
    seen: list[torch.Tensor] = []

    def score(x: torch.Tensor, sigma: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        seen.append(present(label))
        return -x / (1 + sigma**2)  # a stable score: with a random network particles would move far away

    last(digits(sampling__labels="all", sampling__particles=400), score)
    shares = np.bincount(seen[0], minlength=10) / 400
    assert np.abs(shares - 0.1).max() < 0.06
    assert all(label is seen[0] or torch.equal(label, seen[0]) for label in seen)


def test_the_adaptive_solver_tells_each_particle_its_own_label(network: torch.nn.Module) -> None:
    flow = {"sampling__kind": "probability-flow", "sampling__solver": "adaptive", "sampling__steps": 3}
    problem = digits(sampling__labels="all", **flow)
    told, together = present(problem.particle_labels), last(problem, network)
    assert len(set(told.tolist())) > 1
    for label in told.unique():
        alone = last(digits(sampling__labels="one", sampling__label=int(label), **flow), network)
        own, others = told == label, told != label
        assert np.abs(alone - together)[own].max() < 1e-3
        assert np.abs(alone - together)[others].max() > 0.01


@pytest.mark.parametrize("labels", ["one", "all"])
def test_the_flow_to_a_class_starts_with_the_moments_of_that_class(labels: str) -> None:
    """At this sigma_max the start of all data would put the mean of each moon half of its distance from the other too far."""
    settings = {
        "data.kind": "two-moons",
        "data.classes": "on",
        "noise.sigma_max": 2.0,
        "sampling.kind": "probability-flow",
    }
    of_class = {"sampling.source": "exact", "sampling.labels": labels, "sampling.label": 1, "sampling.particles": 4000}
    problem = Problem.build(replace(Experiment(), settings | of_class))
    samples, told = last(problem, present(problem.known_score())), present(problem.particle_labels)
    for label in told.unique():
        points = problem.dataset.points[problem.dataset.labels == int(label)]
        own = samples[(told.expand(len(samples)) == label).numpy()]
        assert np.abs(own.mean(0) - points.mean(0)).max() < 4 * float(points.std(0).max()) / len(own) ** 0.5
        np.testing.assert_allclose(own.std(0), points.std(0), rtol=0.06)


def distance_from_the_conditional_distribution(problem: Problem) -> float:
    """The Kolmogorov-Smirnov distance of the sampled y from p(y | x), which is integrated over a line."""
    y = np.sort(last(problem, present(problem.known_score()))[:, 1].astype(np.float64))
    line = np.linspace(-12.0, 12.0, 20_001)
    x = problem.dataset.held_out[value(problem.experiment, "sampling.inpainting_image")][0]
    log_prob = present(problem.exact_log_prob(np.stack([np.full_like(line, x), line], axis=1)))
    cumulated = log_prob.exp().cumsum(0).numpy()
    expected = np.interp(y, line, cumulated / cumulated[-1])
    return float(np.abs(expected - (np.arange(len(y)) + 0.5) / len(y)).max())


@pytest.mark.claims
@pytest.mark.parametrize("mask", ["left", "top", "frame"])
@pytest.mark.parametrize("kind", ["reverse-sde", "edm", "annealed-langevin"])
def test_the_known_part_of_an_image_is_reached(network: torch.nn.Module, mask: str, kind: str) -> None:
    problem = digits(
        sampling__inpainting_mask=mask, sampling__inpainting_image=5, sampling__kind=kind, sampling__steps=40
    )
    known = present(known_coordinates(problem.experiment.sampling.mask, problem)).numpy()
    end, source = last(problem, network), problem.dataset.held_out[5]
    assert known.shape == (1, 8, 8)
    assert 16 <= (~known).sum() <= 32
    assert np.abs(end - source)[:, known].max() < 1e-4
    assert np.abs(end - source)[:, ~known].max() > 0.1
    assert end[:, ~known].std(axis=0).max() > 0.01


def test_samplers_that_cannot_be_guided_offer_no_mask() -> None:
    """Some samplers cannot use a known part.

    The Metropolis test compares densities, but only the score of the conditional density is known. The forward process
    leads every part of a point to noise.
    """
    assert set(fields()["sampling.kind"].choices) - set(owners("sampling.inpainting_mask")) == {"mala", "forward"}


@pytest.mark.claims
@pytest.mark.parametrize(
    "chosen",
    [
        *({"kind": kind} for kind in owners("sampling.inpainting_mask")),
        {"kind": "probability-flow", "solver": "adaptive"},
    ],
    ids=lambda chosen: "-".join(chosen.values()),
)
@pytest.mark.parametrize("noise", ["ve", "single", "none"])
def test_every_sampler_reaches_the_known_part_or_says_why_not(chosen: dict[str, str], noise: str) -> None:
    settings = chosen | {"inpainting_mask": "left", "source": "exact", "particles": 50, "steps": 200}
    changes = {f"sampling.{key}": setting for key, setting in settings.items()} | {"noise.kind": noise}
    problem = Problem.build(replace(Experiment(), changes))
    refusal = sampling_conflict(problem.experiment)
    if refusal is not None:
        assert "choose" in str(refusal)
        with pytest.raises(ExperimentError):
            next(sample(problem, present(problem.known_score())))
        return
    end, finest = last(problem, present(problem.known_score())), problem.units.sigma_to_user(problem.noise.sigma_min)
    assert np.isfinite(end).all()
    assert np.abs(end[:, 0] - problem.dataset.held_out[0][0]).max() < 5 * finest
    assert np.abs(end[:, 1]).max() < 4


@pytest.mark.claims  # a statistic
def test_langevin_samples_the_rest_from_its_conditional_distribution() -> None:
    """Two moons given x = -0.70, where y has one mode. The distribution is smoothed by sigma_min, like the samples."""
    settings = {"kind": "langevin", "inpainting_mask": "left", "source": "exact", "particles": 1_000}
    changes = {f"sampling.{key}": setting for key, setting in settings.items()} | {"likelihood.points": 100}
    problem = Problem.build(replace(Experiment(), changes))
    assert distance_from_the_conditional_distribution(problem) < 0.06


@pytest.mark.parametrize(("mask", "axis"), [("left", 0), ("top", 1)])
def test_in_the_plane_one_coordinate_is_known(mask: str, axis: int) -> None:
    """With a given x, the sampled y lies on the moons at that x."""
    experiment = replace(
        Experiment(),
        {
            "sampling.inpainting_mask": mask,
            "sampling.source": "exact",
            "sampling.particles": 300,
            "sampling.steps": 150,
        },
    )
    problem = Problem.build(experiment)
    end = last(problem, present(problem.known_score()))
    source = problem.dataset.held_out[0]
    assert np.abs(end[:, axis] - source[axis]).max() < 1e-4
    inside = density_of(problem.dataset).log_prob(torch.from_numpy(end).double()) > -6
    assert float(inside.double().mean()) > 0.97


@pytest.mark.claims
@pytest.mark.parametrize(("correctors", "low", "high"), [("auto", 0.0, 0.1), (0, 0.25, 1.0)])
def test_the_rest_follows_its_conditional_distribution(correctors: str | int, low: float, high: float) -> None:
    """Two moons given x = 1.27, with 1,000 particles: the distance is 0.04 by chance.

    With the default settings it is 0.04 to 0.06. Without correctors it is 0.35, because the two moons have wrong shares.
    """
    settings = {
        "sampling.inpainting_mask": "left",
        "sampling.inpainting_image": 9,
        "sampling.source": "exact",
        "sampling.particles": 1_000,
        "sampling.corrector_steps": correctors,
        "likelihood.points": 100,
    }
    assert low < distance_from_the_conditional_distribution(Problem.build(replace(Experiment(), settings))) < high


@pytest.mark.claims
def test_adaptive_steps_that_inpainting_makes_too_short_name_a_remedy() -> None:
    """The training set's score with half of an image known is stiff at the default finest level, but not at a coarser one."""
    settings = {
        "kind": "probability-flow",
        "solver": "adaptive",
        "corrector_steps": 0,
        "inpainting_mask": "left",
        "source": "empirical",
    }
    asked = {f"sampling__{key}": value for key, value in settings.items()} | {"sampling__particles": 4}
    problem = digits(**asked)
    with pytest.raises(SamplerDiverged, match=r"the score is stiff there, .* raise the finest noise level\. Heun's"):
        last(problem, present(problem.known_score()))
    coarser = digits(noise__sigma_min=1.0, **asked)
    assert np.isfinite(last(coarser, present(coarser.known_score()))).all()


def test_automatic_correctors_act_with_inpainting_and_stay_automatic() -> None:
    free, given = Experiment(), replace(Experiment(), {"sampling.inpainting_mask": "left"})
    assert value(resolve(free), "sampling.corrector_steps") == 0
    assert value(resolve(given), "sampling.corrector_steps") == KNOWN_CORRECTORS
    assert value(resolve(replace(given, {"sampling.corrector_steps": 1})), "sampling.corrector_steps") == 1
    # A model trained without a mask is sampled with one, so "auto" must not have been replaced by 0.
    assert value(Problem.build(free).resolve(), "sampling.corrector_steps") == "auto"


def test_what_is_not_there_is_refused_in_a_sentence(network: torch.nn.Module) -> None:
    for key, wrong, said in (
        ("sampling.label", 10, "choose one from 0 to 9"),
        ("sampling.inpainting_image", 9_999, r"are 359 \(sampling\.inpainting_image = 0 to 358\)"),
    ):
        experiment = replace(
            digits().experiment, {key: wrong, "sampling.labels": "one", "sampling.inpainting_mask": "left"}
        )
        with pytest.raises(ExperimentError, match=said):
            last(dataclasses.replace(digits(), experiment=experiment), network)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"sampling.inpainting_mask": "frame"}, "sampling.inpainting_mask"),
        (
            {"sampling.inpainting_mask": "left", "noise.kind": "none", "sampling.kind": "langevin"},
            "sampling.inpainting_mask",
        ),
    ],
)
def test_pairs_that_make_no_sense_are_refused(changes: dict[str, Any], key: str) -> None:
    refusal = sampling_conflict(replace(Experiment(), changes))
    assert refusal is not None
    assert refusal.key == key
    assert "choose" in str(refusal)


@pytest.mark.parametrize("asked", [{"sampling.labels": "one"}, {"sampling.guidance": 2.0}])
@pytest.mark.parametrize("data", ["digits", "images"])
def test_labels_that_the_network_is_not_given_are_refused(asked: dict[str, Any], data: str) -> None:
    experiment = replace(Experiment(), {"data.kind": data, "network.kind": "energy", **asked})
    refusal = sampling_conflict(experiment)
    assert refusal is not None
    assert refusal.key == "sampling.labels"
    assert "has no classes" in str(refusal)
    assert next(iter(asked)) in str(refusal)
    assert sampling_conflict(replace(experiment, {"sampling.labels": "none"})) is None
    if data == "images":  # only the files say whether they have classes
        unread = replace(experiment, {"network.kind": "auto"})
        assert sampling_conflict(unread) is None
        assert sampling_conflict(unread, Conditions((0, 1, 2))) is None
        assert sampling_conflict(unread, Conditions()) == refusal


def test_labels_chosen_for_images_do_not_stop_points() -> None:
    """After guided digits, two moons can be sampled; the controls of labels are hidden then."""
    asked = {"sampling.labels": "one", "sampling.guidance": 2.0}
    assert sampling_conflict(replace(Experiment(), asked)) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"data__kind": "two-moons", "sampling__label": 3},
            "sampling.label = 3 changes nothing: the network has no classes",
        ),
        ({"data__kind": "two-moons", "sampling__guidance": 2.0}, "sampling.guidance = 2 changes nothing: the network"),
        (
            {"network__kind": "energy", "sampling__label": 3},
            "sampling.label = 3 changes nothing: the network has no classes",
        ),
        ({"sampling__label": 3}, "sampling.label = 3 changes nothing: sampling.labels = all; choose"),
        ({"sampling__labels": "none", "sampling__guidance": 2.0}, "nothing: sampling.labels = none; choose"),
        (
            {"sampling__labels": "one", "sampling__label": 3, "sampling__source": "empirical"},
            "sampling.labels = one changes nothing: the empirical score has no classes; choose",
        ),
        ({"sampling__labels": "one", "sampling__label": 3, "sampling__guidance": 2.0}, None),
        ({"sampling__labels": "none"}, None),
        ({"data__kind": "two-moons"}, None),
        ({"sampling__kind": "forward"}, None),
    ],
)
def test_a_class_without_an_effect_gives_a_remark_and_no_error(settings: dict[str, Any], said: str | None) -> None:
    problem = digits(**settings)
    assert sampling_conflict(problem.experiment, problem.conditions) is None
    remarks = [str(message) for message in settings_without_effect(problem)]
    assert remarks == [] if said is None else said in remarks[0]


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ((3, 7), "3 or 7"),
        ((0, 2, 9), "0, 2 or 9"),
        ((4,), "4"),
        ((2, 3, 4), "one from 2 to 4"),
        (
            range(1, 100, 2),
            "one of the 50 from 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39 to 99",
        ),
    ],
)
def test_a_class_that_no_image_has_is_refused_and_never_drawn(given: Sequence[int], choice: str) -> None:
    known = digits(sampling__particles=200)
    count = len(known.dataset.points)
    dataset = dataclasses.replace(known.dataset, labels=np.resize(np.array(given), count))
    drawn = present(Problem.build(known.experiment, dataset).particle_labels)
    assert set(drawn.tolist()) <= set(given)
    for label, there in (
        (given[0], True),
        (given[-1], True),
        (6 if len(given) < 10 else 50, False),
        (500, False),
    ):
        problem = Problem.build(replace(known.experiment, {"sampling.labels": "one", "sampling.label": label}), dataset)
        if there:
            assert problem.particle_labels == label
        else:
            refusal = present(sampling_conflict(problem.experiment, problem.conditions))
            assert refusal.key == "sampling.label"
            assert str(refusal) == f"sampling.label = {label} is not a class of these data: choose {choice}."
            forward = replace(problem.experiment, {"sampling.kind": "forward"})
            assert sampling_conflict(forward, problem.conditions) is None  # which is told no class


@pytest.mark.parametrize(
    ("settings", "of_classes", "of_all"),
    [
        ({"training__label_dropout": 1.0}, True, False),
        ({"training__label_dropout": 1.0, "sampling__labels": "one", "sampling__label": 3}, True, False),
        ({"training__label_dropout": 1.0, "sampling__labels": "none"}, False, False),
        ({"training__label_dropout": 1.0, "sampling__source": "empirical"}, False, False),
        ({"training__label_dropout": 0.0}, False, True),
        ({"training__label_dropout": 0.3}, False, False),
        ({"training__label_dropout": 0.0, "network__kind": "energy"}, False, False),
        ({"training__label_dropout": 1.0, "network__kind": "energy"}, False, False),
    ],
)
def test_scores_that_are_never_trained_are_reported(settings: dict[str, Any], of_classes: bool, of_all: bool) -> None:
    """The score of a class is untrained if no label is shown; that of all data together if every label is."""
    problem = digits(**settings)
    classes, whole = (
        rule(problem.experiment, problem.conditions)
        for rule in (untrained_conditional_score, untrained_unconditional_score)
    )
    assert (classes is not None, whole is not None) == (of_classes, of_all)
    assert classes is None or "training.label_dropout = 1 hides every label" in str(classes)
    assert whole is None or "training.label_dropout = 0 shows the network every label" in str(whole)


def untrained(problem: Problem) -> tuple[bool, bool]:
    """Whether scores of classes, and those of all data together, were never trained."""
    found = (
        rule(problem.experiment, problem.conditions)
        for rule in (untrained_conditional_score, untrained_unconditional_score)
    )
    return tuple(sentence is not None for sentence in found)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("first", "then", "before", "after"),
    [
        (0.0, 0.1, (False, True), (False, False)),
        (0.0, 1.0, (False, True), (False, False)),
        (0.3, 0.0, (False, False), (False, False)),
        (0.3, 1.0, (False, False), (False, False)),
        (1.0, 0.3, (True, False), (False, False)),
        (0.0, 0.0, (False, True), (False, True)),
    ],
)
def test_untrained_scores_follow_from_the_labels_shown(
    first: float, then: float, before: tuple[bool, bool], after: tuple[bool, bool]
) -> None:
    """A share that is chosen later counts only when training goes on with it. The record is saved and restored."""
    trainer = Trainer(digits(training__label_dropout=first))
    assert trainer.problem.conditions.hidden_labels is None
    next(trainer)
    trainer.set_hyperparameters(replace(trainer.problem.experiment, {"training.label_dropout": then}))
    assert untrained(trainer.problem) == before
    opened = Trainer(digits(training__label_dropout=then))
    opened.restore(trainer.state())
    assert untrained(opened.problem) == before
    for each in (trainer, opened):
        next(each)
        assert untrained(each.problem) == after


def test_after_a_change_of_settings_the_advice_is_to_train_on() -> None:
    settings = digits(training__label_dropout=0.1).experiment
    whole = untrained_unconditional_score(settings, Conditions((0, 1), 9, hidden_labels=(0.0, 0.0)))
    assert whole is not None
    assert str(whole).startswith(
        "Training has shown the network every label so far, so the score without a class is untrained"
    )
    assert str(whole).endswith("resume or restart training with training.label_dropout = 0.1.")
    classes = untrained_conditional_score(settings, Conditions((0, 1), 9, hidden_labels=(1.0, 1.0)))
    assert classes is not None
    assert str(classes).startswith("Training has hidden every label so far, so no class is learned")
    assert str(classes).endswith(
        "resume or restart training with training.label_dropout = 0.1, or choose sampling.labels = none."
    )


def test_a_state_of_earlier_versions_counts_as_trained_by_the_settings_it_is_opened_with() -> None:
    trainer = Trainer(digits(training__label_dropout=0.0))
    next(trainer)
    state = trainer.state()
    for settings in (0.0, 0.3):
        opened = Trainer(digits(training__label_dropout=settings))
        opened.restore({name: array for name, array in state.items() if name != "hidden_labels"})
        assert untrained(opened.problem) == (False, settings == 0)
    with pytest.raises(ExperimentError, match="incomplete or damaged"):
        trainer.restore(state | {"hidden_labels": np.zeros(3)})


def test_weights_before_the_first_step_were_shown_nothing() -> None:
    opened = Trainer(digits(training__label_dropout=0.3))
    opened.restore(Trainer(digits(training__label_dropout=0.3)).state())
    opened.set_hyperparameters(replace(opened.problem.experiment, {"training.label_dropout": 0.0}))
    next(opened)
    assert untrained(opened.problem) == (False, True)


def test_a_network_without_labels_gives_no_warning_about_them() -> None:
    trainer = Trainer(digits(network__kind="energy"))
    next(trainer)
    assert "hidden_labels" not in trainer.state()


def test_a_score_that_was_never_trained_is_not_measured(network: torch.nn.Module) -> None:
    problem = digits(training__label_dropout=0.0)
    progress = result(evaluate(problem, network))
    errors = flat(result(score_figures(problem, network)))
    for found, key in ((flat(progress), "bits_per_dim"), (errors, "fisher_divergence")):
        assert found[key] is None
        assert "never trained" in str(found["reasons"][key])


def test_the_defaults_use_no_labels_with_an_mlp() -> None:
    for data in ("digits", "images", "two-moons"):
        assert (
            sampling_conflict(replace(Experiment(), {"data.kind": data, "network.kind": "mlp"}), Conditions()) is None
        )
    assert sampling_conflict(digits(sampling__labels="one", sampling__guidance=1.0).experiment) is None


def test_classes_take_no_stable_target() -> None:
    told, untold = digits(objective__target_batch=64), digits(objective__target_batch=64, network__kind="energy")
    assert build_objective(digits()).target_batch == value(digits().resolve(), "objective.target_batch") == 1
    assert build_objective(untold).target_batch == 64
    assert value(untold.resolve(), "objective.target_batch") == 64
    files = replace(told.experiment, {"data.kind": "images", "data.path": "images"})
    for problem in (told, Problem.build(files, told.dataset)):  # only the files themselves say that they have classes
        with pytest.raises(
            ExperimentError, match=r"objective\.target_batch = 64: choose objective\.target_batch = auto or 1"
        ):
            Trainer(problem)
    assert training_conflict(digits(objective__target_batch=1).experiment) is None
    assert training_conflict(files) is None
    assert training_conflict(files, Conditions(tuple(range(10)))) == training_conflict(told.experiment)


def test_an_energy_is_given_no_labels() -> None:
    problem = digits(network__kind="energy")
    assert problem.classes == 0
    assert load_dataset("digits").labels is not None
    *_, progress = Trainer(problem)
    assert progress.step == 20


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"labels": "all"}, None),
        ({"labels": "none", "guidance": 2.0}, None),
        ({"labels": "one", "source": "empirical"}, None),  # which is told no class
        ({"labels": "all", "guidance": 2.0}, "pushed towards their classes by sampling.guidance = 2,"),
        ({"labels": "one", "label": 3}, "conditioned on class 3,"),
        ({"inpainting_mask": "top", "inpainting_image": 5}, "conditioned on the upper half of held-out point 5,"),
    ],
)
def test_conditioned_samples_are_not_compared_with_the_data(settings: dict[str, object], why: str | None) -> None:
    problem = digits(**{f"sampling__{key}": value for key, value in settings.items()})
    progress = result(sample_distances(problem, problem.dataset.held_out[:40]))
    found = flat(progress)
    refusal = comparison_conflict(problem.experiment, problem.conditions)
    assert (why or "") in ("" if refusal is None else str(refusal))
    assert (refusal is None) == (why is None)
    for key in (
        "sliced_wasserstein2",
        "energy_distance",
        "nearest_neighbour_distance_held_out",
        "nearest_neighbour_distance_held_out_standard_error",
    ):
        assert (found.get(key) is None) == (why is not None), key
    assert sum(found["class_frequencies"]) == pytest.approx(1)  # the class frequencies are still reported


def test_inpainted_points_are_not_compared_with_the_data_and_say_why() -> None:
    settings = {"data.kind": "two-gaussians", "data.points": 500, "likelihood.points": 20}
    problem = Problem.build(
        replace(Experiment(), settings | {"sampling.inpainting_mask": "left", "sampling.inpainting_image": 3})
    )
    progress = result(sample_distances(problem, problem.dataset.held_out))
    found = flat(progress)
    for key in ("sliced_wasserstein2", "mmd_squared", "mode_weights"):
        assert found[key] is None
        assert "conditioned on the first coordinate of held-out point 3, but the data are not" in str(
            found["reasons"][key]
        )
    assert found["mode_weights_true"] == pytest.approx([0.8, 0.2])
    progress = result(evaluate(problem, density_of(problem).score))
    assert flat(progress)["test_nll"] is not None  # it needs no samples
