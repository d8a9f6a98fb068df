"""Measures the figures of a lesson's step. It trains, samples and evaluates as the command line does, as far as needed."""

import dataclasses
import math
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from playground.lab import experiment as experiments
from playground.lab.audit.deviations import kolmogorov
from playground.lab.boltzmann.cost import measure_cost
from playground.lab.compute import passed_on
from playground.lab.conditioning import known_point
from playground.lab.experiment import Experiment
from playground.lab.fields import arrows_at
from playground.lab.keys import FiguresKey, Key
from playground.lab.latent import interpolate
from playground.lab.lessons import ANSWER, MeasuredStep, Step, bundled_weights
from playground.lab.likelihood import decode, log_likelihood
from playground.lab.measured import ENDS, owners
from playground.lab.model import Model
from playground.lab.opened import Opened
from playground.lab.run_figures import fraction, part_of
from playground.lab.sample_metrics import FLOOR_PAIRS
from playground.lab.session import Session
from playground.lab.step_figure import (
    AT_A_POINT,
    AT_PLACES,
    BOLTZMANN,
    FIELDS,
    HALFWAY,
    INPAINTING,
    PLACES,
    SPREAD,
    Figure,
)
from playground.lab.store import Store
from playground.lab.trained import Trained
from playground.lab.trajectory import Trajectory
from playground.theory.noise import ScoreFunction
from playground.theory.objectives import Exact
from playground.user_errors import UserError

SLICED = "sliced_wasserstein2"
SOME = 2_000
LINE = 4_000  # places along which the law of an inpainted coordinate is computed

Array = NDArray[np.floating]


def measure(step: Step, device: str = "cpu", store: Store | None = None) -> Iterator[tuple[float, MeasuredStep]]:
    """Train, sample and measure the figures of a step; yields the fraction done and the figures measured so far.

    Experiments with the same training share one network, and equal experiments share one run of the sampler.

    Args:
        store: what is computed on the way, and what was before.

    Raises:
        UserError: an experiment cannot be run.
    """
    values: dict[str, float] = {}
    errors: dict[str, float] = {}
    store = store or Store()
    runs: dict[Experiment, StepRun] = {}
    for count, (name, figure) in enumerate(step.asked.items()):
        experiment, so_far = step.settings_of(figure), MeasuredStep(step, dict(values), dict(errors))
        yield count / len(step.asked), so_far
        if experiment not in runs:
            runs[experiment] = StepRun(experiment, device, store, step.weights)
        for done in runs[experiment].measure(figure):
            yield (count + done) / len(step.asked), so_far
        values[name], error = runs[experiment].value(figure), runs[experiment].error(figure)
        if error is not None and math.isfinite(error):
            errors[name] = error
    found = MeasuredStep(step, values, errors)
    if step.compares:
        values[ANSWER] = math.nan if found.right_choice is None else found.columns[found.right_choice]
    yield 1.0, found


class StepRun:
    """One experiment of a step. It trains, samples and measures only what a figure needs.

    Args:
        store: what other experiments of the step have computed, networks among it.
        weights: the name of the bundled session whose weights take the place of a training, or "".
    """

    def __init__(self, experiment: Experiment, device: str, store: Store, weights: str) -> None:
        untrained = dataclasses.replace(Opened.of(experiment, device), store=store)
        known = Trained(Session.load(bundled_weights()[weights]).weights or {}) if weights else None
        self._opened = untrained.begun(known)
        self.problem = untrained.problem
        self._found: dict[str, Any] = {}
        self._reasons: dict[str, Any] = {}

    def value(self, figure: Figure) -> float:
        """A figure that is measured."""
        return self._chosen(_name(figure), figure) / (float(self._found[figure.over]) if figure.over else 1.0)

    def error(self, figure: Figure) -> float | None:
        """The standard error of a figure that is measured, in its unit; None if it is not known.

        A sliced Wasserstein distance d has about the standard deviation s of its floor f, the distance between two clouds
        of the data, which is a mean over FLOOR_PAIRS pairs. So d/f has the error (s/f) sqrt(1 + (d/f)²/FLOOR_PAIRS).
        """
        found, name = self._found, figure.key + ENDS["error"]
        if figure.key == SLICED and figure.over in ("", f"{SLICED}_floor"):
            spread = found.get(f"{SLICED}_floor_std")
            if spread is None or not figure.over:
                return spread
            return float(spread / found[figure.over] * math.hypot(1.0, self.value(figure) / math.sqrt(FLOOR_PAIRS)))
        return None if figure.over or found.get(name) is None else self._chosen(name, figure)

    def _chosen(self, name: str, figure: Figure) -> float:
        """The found value of this name; of a list the one that a figure is about."""
        value = self._found[name]
        if figure.index is not None:
            value = value[figure.index]
        if figure.sigma is not None and figure.key not in PLACES:
            value = value[int(np.abs(np.log(np.array(self._found["score_sigmas"]) / figure.sigma)).argmin())]
        return float(value)

    def measure(self, figure: Figure) -> Iterator[float]:
        """Measure what a figure needs and is missing yet; yields the fraction done.

        Raises:
            UserError: the experiment has no such figure; the sentence says why.
        """
        for key in filter(None, (figure.key, figure.over)):
            if key in AT_A_POINT:
                yield from self._point(figure)
            elif key in PLACES:
                yield from self._place(figure)
            elif key == HALFWAY:
                yield from self._halfway(figure)
            elif key not in self._found:
                yield from self._part(key)
                if self._found.get(key) is None:
                    raise UserError(f"{key} is not known: {self._reasons.get(key, 'no figure has this name.')}")

    def _part(self, key: str) -> Iterator[float]:
        """Measure the part of ``metrics.json`` that contains a key."""
        if key == "seconds_per_step":
            trained = yield from self._compute(self._opened.training)
            self._found[key] = float(trained.state["seconds"]) / max(int(trained.state["step"]), 1)
        elif key in FIELDS:
            self._found |= self._matching_losses()
        elif key in (SPREAD, INPAINTING):
            run = yield from self.trajectory()
            measure = self._spread if key == SPREAD else self._inpainting_distance
            self._found[key] = measure(run.positions[-1])
        elif key in BOLTZMANN:
            yield from self._boltzmann()
        elif key in AT_PLACES:
            model = yield from self._compute(self._opened.document.model)
            self._found |= dict(zip(AT_PLACES, self._errors_at_places(model.learned), strict=True))
        else:
            figures = yield from self._compute(FiguresKey.of(part_of(key), self._opened.document.model))
            self._found |= figures.flat()
            self._reasons[key] = figures.known(owners(key, figures)[0][0]).reason

    def _compute(self, key: Key) -> Generator[float, None, Any]:
        """The value of a key; yields the fractions done of what it needs."""
        return passed_on(self._opened.compute(key), fraction)

    def trajectory(self) -> Generator[float, None, Trajectory]:
        run: Trajectory = yield from self._compute(self._opened.document.run)
        return run

    def network(self) -> Generator[float, None, torch.nn.Module | None]:
        """The network whose score the particles follow; None if they follow a known one."""
        if self.problem.experiment.sampling.follows != "learned":
            return None
        model: Model = yield from self._compute(self._opened.document.model)
        return model.network

    def _score(self, source: str) -> Generator[float, None, ScoreFunction]:
        """The score of a source; the learned one is trained first."""
        known = self.problem.known_score(source)
        if known is not None:
            return known
        model = yield from self._compute(self._opened.document.model)
        learned: ScoreFunction = model.learned
        return learned

    def _exact(self) -> ScoreFunction:
        exact = self.problem.known_score("exact")
        if exact is None or self.problem.shape != (2,):
            raise UserError("The exact score of these data is not known.")
        return exact

    def _spread(self, samples: Array) -> float:
        return math.sqrt(float(np.var(samples, axis=0).sum() / self.problem.dataset.points.var(axis=0).sum()))

    def _boltzmann(self) -> Iterator[float]:
        for cost in measure_cost():
            yield cost.fraction
        growth = cost.growth()
        self._found |= {
            "normalizer_growth": None if growth is None else growth[0],
            "normalizer_years": cost.years(),
        }

    def _halfway(self, figure: Figure) -> Iterator[float]:
        """log p of the point halfway between two points in latent space."""
        score = yield from self._score(self.problem.experiment.likelihood.source)
        ends = np.array([figure.point, figure.to])
        found = yield from interpolate(self.problem, score, ends, 3)
        self._found[_name(figure)] = float(found.log_prob[1])

    def _matching_losses(self) -> dict[str, float]:
        """E[|v|²/2 + tr ∇v] over data with the finest noise, per squared user unit, for the exact score s and for -s.

        With a minus before the trace, as the lecture misprints it, the losses of s and -s are exchanged.
        """
        problem, score = self.problem, self._exact()
        clean = problem.some(problem.train, 2 * SOME, "matching losses")
        sigma = torch.full((len(clean),), problem.noise.sigma_min, device=problem.device)
        objective, losses = Exact(problem.noise, weight="constant"), []
        for field in (score, lambda x, at: -score(x, at)):
            drawn = problem.generator("matching losses")  # the same noise for both
            loss = objective.loss(field, clean, sigma, drawn).detach().mean()
            losses.append(float(loss) / problem.units.length**2)
        return dict(zip(FIELDS, (*losses, *reversed(losses)), strict=True))

    def _inpainting_distance(self, samples: Array) -> float:
        """The Kolmogorov-Smirnov distance of the inpainted coordinate from its exact distribution, given the known one."""
        problem = self.problem
        mask = problem.experiment.sampling.mask
        if mask not in ("left", "top"):
            raise UserError("Nothing is inpainted: choose a mask that gives x or y.")
        self._exact()  # else the law is not known either
        free = 1 if mask == "left" else 0
        samples = np.sort(samples[:, free])
        low, high = problem.dataset.points[:, free].min(), problem.dataset.points[:, free].max()
        margin = 0.2 * (high - low)
        line = np.linspace(low - margin, high + margin, LINE)
        known = problem.units.to_user(known_point(problem).cpu().numpy())
        places = np.repeat(known[None], LINE, axis=0)
        places[:, free] = line
        log_prob = problem.exact_log_prob(places, problem.units.sigma_to_user(problem.noise.sigma_min))
        assert log_prob is not None
        weights = np.exp(log_prob.cpu().numpy() - float(log_prob.max()))
        law = np.interp(samples, line, np.cumsum(weights) / weights.sum())
        return kolmogorov(torch.from_numpy(law)) / math.sqrt(len(law))

    def _errors_at_places(self, learned: ScoreFunction) -> tuple[float, float]:
        """The relative errors of the learned score: root mean square error over the root mean square of the exact score."""
        problem, generator = self.problem, self.problem.generator("score errors")
        exact, sigma = self._exact(), torch.tensor(problem.noise.sigma_min, device=problem.device)
        clean = problem.test[:SOME]
        noise, within = (
            draw(clean.shape, generator=generator, device=problem.device) for draw in (torch.randn, torch.rand)
        )
        low, high = clean.amin(0), clean.amax(0)
        errors = []
        for places in (clean + sigma * noise, low + (high - low) * within):
            right = exact(places, sigma)
            with torch.no_grad():
                wrong = learned(places, sigma) - right
            errors.append(float((wrong.square().sum() / right.square().sum()).sqrt()))
        return errors[0], errors[1]

    def _point(self, figure: Figure) -> Iterator[float]:
        score = yield from self._score(self.problem.experiment.likelihood.source)
        result = yield from log_likelihood(self.problem, score, np.array([figure.point]))
        for key in AT_A_POINT:
            value = result.exact if key == "exact_log_prob" else getattr(result, key)
            self._found[f"{key} {figure.point}"] = math.nan if value is None else float(value[0])

    def _place(self, figure: Figure) -> Iterator[float]:
        """Where a point is carried, by the score that the particles follow."""
        if _name(figure) in self._found:
            return
        problem, point = self.problem, np.array([figure.point])
        if problem.shape != (2,):
            raise UserError(f"{figure.key} is of points of the plane, and these data are images.")
        score = yield from self._score(problem.experiment.sampling.follows or "learned")
        if figure.key == "denoised":
            assert figure.sigma is not None
            sigma = max(figure.sigma, problem.units.sigma_to_user(problem.noise.sigma_min))
            place = point + (sigma / problem.units.length) ** 2 * arrows_at(problem, score, point, sigma, None)
        elif figure.key == "flow_to_noise":
            flown = yield from log_likelihood(problem, score, point, record_path=True)
            assert flown.path is not None
            place = flown.path[-1]
        else:
            latent = problem.prior().to_normal(problem.internal(point)).cpu().numpy()
            decoded = yield from decode(problem, score, latent)
            place = decoded.points
        self._found[_name(figure)] = place[0].tolist()


def _name(figure: Figure) -> str:
    """The name of a figure among the results of a run, since several figures may have one key."""
    parts = [figure.key, figure.point, figure.to, figure.sigma if figure.key in PLACES else None]
    return " ".join(str(part) for part in parts if part is not None)


PREVIEW_PARTICLES, PREVIEW_FRAMES, PREVIEW_SECONDS = 300, 40, 2.0


def preview(step: Step) -> Iterator[tuple[Array, Array] | None]:
    """Run the experiment of a step with few particles, after a short training if it follows the learned score.

    Yields:
        None after each step of the work, so that it can be stopped there. At last some of the data, (N, 2), and the run,
        (frames, particles, 2), in the user's units. For images the data are (N, C, H, W), and there are no frames.
    """
    few = {"sampling.particles": PREVIEW_PARTICLES, "training.seconds": PREVIEW_SECONDS}
    experiment = experiments.replace(step.shown_settings, few)
    runner, frames = StepRun(experiment, "cpu", Store(), step.weights), np.zeros((0, 0, 2))
    points: Array = runner.problem.dataset.points
    if len(runner.problem.shape) != 3:
        run = yield from passed_on(runner.trajectory(), lambda _: None)
        places = np.linspace(0, len(run) - 1, min(PREVIEW_FRAMES, len(run)))
        frames = run.positions[places.round().astype(int)]
    yield points[:: -(-len(points) // SOME)].copy(), frames  # a view would keep all of them
