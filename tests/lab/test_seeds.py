"""Which seed changes what: data, weights, runs, and nothing that measures them."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from playground.lab import experiment as experiments
from playground.lab.compute import result
from playground.lab.early_stopping import HeldOutCheck
from playground.lab.evaluation import sample_distances
from playground.lab.experiment import SEEDS, Experiment
from playground.lab.likelihood import trace_probes
from playground.lab.loss_curve import losses_along_sigma
from playground.lab.measured import Figures
from playground.lab.problem import SEED_OF, Problem, seed_of
from playground.lab.sampling import sample, shared_path
from playground.lab.training import Trainer

HOUSE = Path(__file__).parents[2] / "playground"
SMALL = {
    **{"data.kind": "two-moons", "data.points": 300, "data.classes": "on", "likelihood.points": 60},
    **{"likelihood.trace": "hutchinson", "network.kind": "mlp", "network.width": 8, "network.depth": 1},
    **{"training.steps": 40, "training.batch": 16, "training.early_stopping": "on"},
    **{"sampling.steps": 3, "sampling.particles": 60},
}
DATA, TRAINING, SAMPLING = SEEDS
PURPOSE = "purpose"
DRAW = {"generator": 0, "_generator": 0, "_seed": 0, "some_rows": 2, "some": 2, "trace_probes": 2}
"""The functions that draw, and the place of the purpose among their arguments."""
OF_OTHERS = {"request.seed", "hash((start, end))", "2 * leaf.number + 1", "2 * interval.number", "0"}
"""What the generators of a data set's points and of a Brownian path take: a seed, or the number of a piece."""
BY_DATA = {
    *(
        "validation",
        "judged",
        "points of the held-out loss",
        "held-out loss",
        "final loss",
        "reference",
        "reference points",
    ),
    *("loss along sigma", "noise of the loss along sigma", "matching losses", "score errors", "typical score"),
    *("likelihood", "interpolation", "round trip", "train NLL", "energy", "tilted density", "error budget"),
    *("distances", "directions", "transport", "two samples", "path energy", "curvature", "curvature points"),
    *(
        "neighbours",
        "judged neighbours",
        "ranked by density",
        "noise of ranked points",
        "copies",
        "held-out copies",
        "nearest",
    ),
    *("distinct points", "overlap", "overlap points", "dragged start", "shown"),
}
"""The purposes that the seed of the data draws for."""
CHANGES = {
    # what training and sampling do with the same points
    "first weights": {TRAINING},
    "weights": {DATA, TRAINING},
    "training losses": {DATA, TRAINING},
    "samples": {DATA, TRAINING, SAMPLING},
    "samples of the exact score": {DATA, SAMPLING},
    "classes of particles": {DATA, SAMPLING},
    "path of compared runs": {SAMPLING},
    # the points
    "points": {DATA},
    "held-out points": {DATA},
    "points that stop training": {DATA},
    # what measures them
    "figures of given samples, with their floors": {DATA},
    "held-out loss of given weights": {DATA},
    "final loss of given weights": {DATA},
    "losses along sigma of given weights": {DATA},
    "optimal loss": {DATA},
    "trace probes": {DATA},
}


def build(changes: Mapping[str, object], settings: Mapping[str, object] = SMALL) -> Problem:
    return Problem.build(experiments.replace(Experiment(), {**settings, **changes}))


def numbers(values: Mapping[str, object]) -> np.ndarray:
    return np.array([values[key] for key in sorted(values) if isinstance(values[key], float)])


def flat(network: torch.nn.Module) -> np.ndarray:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()]).numpy()


Measured = dict[str, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def measured() -> Measured:
    """Everything in CHANGES: with the default seeds, and with each of the seeds changed."""
    given = torch.Generator().manual_seed(0)
    places, weights = torch.randn(60, 2, generator=given).numpy(), build({}).network()
    found = {}
    for changed in ("", *SEEDS):
        problem = build({changed: 1} if changed else {})
        assert problem.labels is not None
        trainer = Trainer(problem)
        first = flat(trainer.network)
        reports = list(trainer)
        exact = problem.with_experiment(experiments.replace(problem.experiment, {"sampling.source": "exact"}))
        known = exact.known_score()
        assert known is not None
        *_, learned = sample(problem, trainer.ema)
        *_, true = sample(exact, known)
        figures = result(sample_distances(problem, places))
        judged = Trainer(problem)
        judged.ema.load_state_dict(weights.state_dict())
        final = result(judged.evaluate_loss())
        check = HeldOutCheck(problem)(weights)
        classes, probes = problem.particle_labels, trace_probes(problem, torch.zeros(60, 2))
        assert classes is not None
        assert probes is not None
        found[changed] = {
            "first weights": first,
            "weights": flat(trainer.ema),
            "training losses": np.array([report.loss for report in reports]),
            "samples": learned.positions[-1],
            "samples of the exact score": true.positions[-1],
            "classes of particles": classes.numpy(),
            "path of compared runs": shared_path(problem, problem.experiment.sampling.seed)
            .over(0.0, 1.0)
            .normal(torch.zeros(60, 2))
            .numpy(),
            "points": problem.dataset.points,
            "held-out points": problem.dataset.held_out,
            "points that stop training": problem.validation.numpy(),
            "figures of given samples, with their floors": numbers(Figures(figures or {}).flat()),
            "held-out loss of given weights": np.array([check.loss, check.gap]),
            "final loss of given weights": np.array(final),
            "losses along sigma of given weights": np.array(list(losses_along_sigma(problem, weights).values())),
            "optimal loss": np.array([reports[0].optimal_loss]),
            "trace probes": probes.numpy(),
        }
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("what", CHANGES)
def test_a_seed_changes_its_own_and_nothing_else(measured: Measured, what: str, seed: str) -> None:
    before, after = measured[""][what], measured[seed][what]
    assert before.size
    assert np.array_equal(before, after) == (seed not in CHANGES[what])


def test_everything_drawn_is_in_the_table(measured: Measured) -> None:
    assert set(measured[""]) == set(CHANGES)
    assert {seed_of(purpose) for purpose in ("network", "pairs 3", "sampling", "held-out loss", "anything")} == set(
        SEEDS
    )


def drawn_purposes() -> Iterator[str]:
    """What the code of playground/ draws for, without a number at its end; as Python code if it is not written out."""
    for path in HOUSE.rglob("*.py"):
        if "cli" in path.parts:  # whose _seed is an option
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                arguments = [one.arg for one in node.args.args][::-1]
                defaults = dict(zip(arguments, node.args.defaults[::-1], strict=False))
                yield from purposes([defaults[PURPOSE]] if PURPOSE in defaults and "lab" in path.parts else [])
            elif isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                place = DRAW.get(name, 0)
                given = [*node.args[place : place + 1], *(one.value for one in node.keywords if one.arg == PURPOSE)]
                yield from purposes(given if name in DRAW else [])


def purposes(given: Sequence[ast.expr]) -> Iterator[str]:
    for part in given:
        text = part.values[0] if isinstance(part, ast.JoinedStr) else part
        yield (
            text.value.rstrip() if isinstance(text, ast.Constant) and isinstance(text.value, str) else ast.unparse(part)
        )


def test_each_purpose_has_a_seed_that_somebody_chose() -> None:
    """A new one belongs in SEED_OF or in BY_DATA, and one that nothing draws in neither."""
    assert not BY_DATA & set(SEED_OF)
    assert set(drawn_purposes()) - {"", PURPOSE, *OF_OTHERS} == BY_DATA | set(SEED_OF)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_split_of_finite_data_is_the_datas(seed: str) -> None:
    digits = {"data.kind": "digits", "network.kind": "u-net", "sampling.particles": 4, "likelihood.points": 100}
    before, after = (build(changes, digits) for changes in ({}, {seed: 1}))
    for name in ("train", "test", "validation"):
        same = torch.equal(getattr(before, name), getattr(after, name))
        assert same == (seed != DATA)


def test_one_name_sets_all_seeds() -> None:
    asked = experiments.replace(Experiment(), {"seed": 4})
    assert [experiments.value(asked, key) for key in SEEDS] == [4, 4, 4]
    assert experiments.replace(Experiment(), {"seed": 4, "training.seed": 2}).training.seed == 2
    old = 'seed = 7\n[data]\nkind = "rings"\n[training]\nsteps = 5\n'
    assert [experiments.value(experiments.parse(old), key) for key in SEEDS] == [7, 7, 7]
    assert "\nseed" not in experiments.dump(asked).partition("[")[0]
    kept = experiments.replace(asked, {"data.kind": "rings", "sampling.kind": "langevin"})
    assert [experiments.value(kept, key) for key in SEEDS] == [4, 4, 4]
