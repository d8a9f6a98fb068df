"""The program from Python: train, sample and measure like the window, with numpy arrays in the user's units.

>>> import playground as sp
>>> experiment = sp.replace(sp.Experiment(), {"training.steps": 20, "sampling.steps": 10, "sampling.particles": 100})
>>> for progress in (training := sp.train(experiment)):
...     step, loss = progress.step, progress.loss
>>> session = training.result()
>>> sp.sample(session).result().positions.shape
(12, 100, 2)
"""

import contextlib
import dataclasses
import difflib
import functools
import inspect
import json
import math
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import msgspec
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from playground.data.units import Units
from playground.kinds.datasets.from_file import ARRAY, FromFile
from playground.kinds.kind import register  # noqa: F401 - a name of the package
from playground.lab import evaluation, likelihood
from playground.lab import experiment as experiments
from playground.lab import sweep as sweeps
from playground.lab.compute import passed_on
from playground.lab.conditioning import point_score
from playground.lab.conflicts import likelihood_conflict, refuse
from playground.lab.document import NeedsTraining
from playground.lab.experiment import SEED, Experiment, ExperimentError, plain_values, reset_key
from playground.lab.keys import RunKey, StartKey
from playground.lab.likelihood import PointLikelihoods
from playground.lab.measured import Figures
from playground.lab.model import Model
from playground.lab.opened import Opened
from playground.lab.points import Points
from playground.lab.problem import Problem
from playground.lab.progress import MeasuringProgress
from playground.lab.run_figures import run_figures
from playground.lab.sampling import require_sampler
from playground.lab.session import METRICS, MODEL, TRAJECTORY, Session, SessionError
from playground.lab.sweep import Progress as SweepProgress
from playground.lab.sweep import Row as Row
from playground.lab.sweep import folder as folders
from playground.lab.trained import Arrays, Trained, course_of, digest_of
from playground.lab.training import Trainer, TrainingProgress
from playground.lab.trajectory import Trajectory
from playground.records import record
from playground.theory.densities import Density
from playground.theory.networks import ScoreNetwork
from playground.theory.noise import ScoreFunction
from playground.user_errors import UserError

Progress = TypeVar("Progress")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")

FAR_OUTSIDE = 2.0
"""Factor beyond the ends of the trained noise levels from which a network's score is one to warn of."""


class UntrainedSigmaWarning(UserWarning):
    """A learned score is asked at a noise level far outside those that its network was trained at."""


class UnknownKeywordError(UserError, TypeError):
    """A function has no argument of this name."""


def _known_keywords(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """The function, which answers an unknown keyword by a sentence that says what was probably meant."""
    names = [*inspect.signature(function).parameters]

    @functools.wraps(function)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Returned:
        for name in kwargs:
            if name not in names:
                raise UnknownKeywordError(f"{function.__name__}() has no argument {name}; {_meant(name, names)}")
        return function(*args, **kwargs)

    return checked


def _meant(name: str, names: Sequence[str]) -> str:
    """The end of a sentence about an unknown argument: the argument or the setting of the nearest name, or all arguments."""
    of_settings = next((given for given in ("settings", "changes", "axes") if given in names), None)
    short = {key: key if "." in name else key.split(".")[-1] for key in experiments.every_field() if of_settings}
    near = difflib.get_close_matches(name, [*names, *short.values()], n=1)
    if not near:
        return f"its arguments are {', '.join(names)}."
    if near[0] in names:
        return f"did you mean {near[0]}?"
    meant = [key for key in short if short[key] == near[0]]
    return f"did you mean {' or '.join(f'{of_settings}={{{key!r}: ...}}' for key in meant)}?"


load, replace = _known_keywords(experiments.load), _known_keywords(experiments.replace)


class Work(Generic[Progress, Result]):
    """Work that is done by iterating: each item is a progress report. Stop iterating to cancel.

    :meth:`result` does the rest of the work and returns its result.
    """

    def __init__(self, steps: Generator[Progress, None, Result]) -> None:
        self._steps = steps
        self._result: Result | None = None

    def __iter__(self) -> Iterator[Progress]:
        return self

    def __next__(self) -> Progress:
        try:
            return next(self._steps)
        except StopIteration as end:
            if end.value is not None:
                self._result = end.value
            raise StopIteration from None

    def result(self) -> Result:
        """Do the rest of the work.

        Raises:
            RuntimeError: the work had already ended with an error.
        """
        for _ in self:
            pass
        if self._result is None:
            raise RuntimeError("The work ended by an error, and there is no result.")
        return self._result


@record
class Run:
    """All results of an experiment.

    Attributes:
        session: the trained network, with its data and settings.
        trajectory: the particles of every recorded step.
        metrics: the figures of docs/metrics.md by name, each with `value`, `error`, `floor`, `floor_std` and `points`; of a figure that
            does not apply they are None, and `reason` says why.
    """

    session: Session
    trajectory: Trajectory
    metrics: Figures = field(repr=False)

    def save_html(self, path: str | os.PathLike[str]) -> None:
        """Write the run as a web page: one file that plays in any browser, with the weights of each training step that is kept.

        Raises:
            UserError: the file cannot be written, or does not end in .html; the sentence says why.
        """
        if Path(path).suffix.lower() != ".html":
            raise UserError(f"{os.fspath(path)} must end in .html.")
        with tempfile.TemporaryDirectory(prefix="score-playground-") as name:
            folder = Path(name)
            self.session.save(folder / MODEL)
            self.trajectory.save_npz(folder / TRAJECTORY)
            (folder / METRICS).write_text(json.dumps(self.metrics.to_json(), default=str), "utf-8")
            # The pictures of frames are a matter of rooms above this one.
            command = [sys.executable, "-m", "playground", "video", str(folder), "--out", os.fspath(path)]
            done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode:
            raise UserError(done.stderr.strip().rpartition("\n")[2])


@_known_keywords
def train(
    source: Experiment | Session,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    data: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> Work[TrainingProgress, Session]:
    """Train a score network.

    Args:
        source: an experiment; or a session, whose network is trained further for the same length again. A change of a setting
            that resets training, as in the window, trains a new one: of the data (other points), the noise, the network,
            or ``training.seed``.
        settings: settings to change, such as ``{"training.steps": 1000}``. ``seed`` is a name for the three seeds ``data.seed``,
            ``training.seed`` and ``sampling.seed``, so ``{"seed": 1}`` trains a new network on other points.
        device: "auto", "cpu", "cuda" or "mps".
        data: points (N, 2) in place of the experiment's data set; or images (N, H, W), (N, H, W, 3) or
            (N, C, H, W), of which each is cut and scaled to a square as those of a file: whole numbers from 0 to 255, or others
            from -1 to 1, as a session has them. A part is held out as of a file. The session has ``data.kind = file``, or images, with
            "numpy array" in place of a path.
        labels: the class of each of these points, (N,) whole numbers or texts.

    Raises:
        ExperimentError: the settings, or the device, cannot be used; or there are data or labels where none can be.
        DataError: the data cannot be loaded.
        ExperimentError: training diverged; raised by the work itself, after the last progress.
    """
    experiment, points, weights = _experiment(source, settings), None, None
    if isinstance(source, Session):
        before = source.experiment
        weights = source.weights if reset_key(experiment) == reset_key(before) else None
        if experiment.data == before.data:
            points = Points.of(source.dataset())
        elif isinstance(experiment.data, FromFile) and experiment.data.is_array:
            raise ExperimentError(
                "The data were given as an array, of which a session has one split: give them again with an experiment."
            )
        if data is not None:
            raise ExperimentError("A session has its data: give other data with an experiment.")
    if data is not None or labels is not None:
        experiment, points = _of_array(experiment, data, labels)
    opened = Opened.of(experiment, device, points)

    def steps() -> Generator[TrainingProgress, None, Session]:
        if weights is None:
            ready = yield from _trained(opened)
        else:
            ready = yield from _trained_further(opened, weights)
        return ready.saved()

    return Work(steps())


@_known_keywords
def sample(
    source: Session | Experiment,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str = "auto",
    start: ArrayLike | None = None,
) -> Work[Trajectory, Trajectory]:
    """Draw samples; the progress is the same growing trajectory after each step.

    Args:
        source: a trained session; an experiment is enough if the particles follow a known score.
        settings: settings of sampling to change, such as ``{"sampling.kind": "probability-flow"}``.
        seed: seed of the start and of all noise, instead of ``sampling.seed``.
        start: the points at which the particles start, one particle each, (N, 2) or (N, C, H, W): what ``positions[0]`` of a
            trajectory holds. None: the sampler draws them.

    Raises:
        ExperimentError: the sampler does not fit, a setting would need a new training, or the start has another shape or is
            not finite.
        SessionError: the score is learned, and the session has no trained weights.
        SamplerDiverged: a step is too long.
    """
    begun = None if start is None else _array(start)
    if begun is not None and begun.ndim:
        settings = {**(settings or {}), "sampling.particles": len(begun)}
    if seed is not None:
        settings = {**(settings or {}), "sampling.seed": seed}
    opened = _opened(source, settings, device)
    model, own = opened.model, None
    require_sampler(model.problem)
    _ = model.score  # its error says what to do if there is no network
    if begun is not None:
        points = _shaped(model.problem, begun)
        own = StartKey(digest_of({"start": points}))
        opened.store.put(own, likelihood.checked_points(model.problem, points))
    return Work(opened.compute(RunKey.of(opened.document.model, own)))


@_known_keywords
def score(
    source: Session | Experiment,
    points: ArrayLike,
    sigma: ArrayLike,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> NDArray[np.floating]:
    """The score that particles follow at points in data coordinates: the gradient of log p_sigma.

    The class, guidance, inpainting and factor of the sampling settings change it as they change it for the particles.

    Args:
        points: (..., 2) or (..., C, H, W), in the user's units.
        sigma: the noise level of the smoothing, > 0, in the user's units: a number, or an array that is broadcast with the
            leading axes of `points`. So (N,) has one level for each of N points, and (S, 1) gives S rows of all points.
        settings: settings to change, such as ``{"sampling.labels": "one", "sampling.label": 2}``.

    Returns:
        An array in 1/units, with the shape of `points`, or with leading axes that are broadcast with `sigma`.

    Raises:
        ExperimentError: the points have another shape, or are not finite; sigma is not above 0, or cannot be broadcast; between
            two sets there is no score; the sampler does not fit; or each particle has a class of its own.
        SessionError: the score is learned, and the session has no trained weights.

    Warns:
        UntrainedSigmaWarning: the score is learned, and sigma lies far outside the noise levels of its training.
    """
    levels, model = _levels(sigma), _model(source, settings, device)
    problem = model.problem
    refuse(problem.experiment.noise.score_conflict())
    require_sampler(problem)
    followed = point_score(problem, model.score)
    flat, levels, leading = _broadcast(problem.shape, points, levels)
    x = likelihood.checked_points(problem, flat)
    if problem.known_score() is None:
        _warn_of_untrained(problem, levels)
    inside = torch.from_numpy(levels / problem.units.length).to(x)
    with torch.no_grad():
        found = followed(x, inside)
    return problem.units.score_to_user(found.cpu().numpy()).reshape((*leading, *problem.shape))


@_known_keywords
def log_likelihood(
    source: Session | Experiment,
    points: ArrayLike,
    settings: Mapping[str, Any] | None = None,
    sigma: ArrayLike | None = None,
    device: str = "auto",
    seed: int | None = None,
) -> Work[MeasuringProgress, PointLikelihoods]:
    """log p_sigma of points by the probability-flow ODE, in nats per the user's units.

    Args:
        points: (..., 2) or (..., C, H, W), in the user's units.
        settings: settings to change, such as ``{"likelihood.tolerance": 1e-6}``.
        sigma: the noise level of the smoothing, in the user's units, a number or an array that is broadcast as in :func:`score`;
            each different level takes an integration of its own. None for the finest noise level.
        seed: seed of the random trace probes, instead of ``data.seed``; ``{"seed": 3}`` in `settings` is the same.

    Returns:
        Work whose result has `log_prob`, `latent` and the others with the leading axes of `points`, broadcast with `sigma`.

    Raises:
        ExperimentError: the noise has no process, sigma lies outside it or cannot be broadcast, or the points have another shape
            or are not finite.
        SessionError: the score is learned, and the session has no trained weights.
    """
    given = None if sigma is None else _levels(sigma)
    if seed is None and isinstance(source, Session):
        seed = (settings or {}).get(SEED)
    model = _model(source, settings, device).with_likelihood_seed(seed)
    refuse(likelihood_conflict(model.problem.experiment))
    asked, levels, leading = _broadcast(model.problem.shape, points, given)
    likelihood.checked_points(model.problem, asked)
    followed = model.likelihood_score
    rows_of = {level: np.flatnonzero(levels == level) for level in np.unique(levels).tolist()}

    def told(begun: int, rows: int, share: float) -> MeasuringProgress:
        return MeasuringProgress((begun + share * rows) / len(asked))

    def steps() -> Generator[MeasuringProgress, None, PointLikelihoods]:
        parts, done = [], 0
        for level, rows in rows_of.items():
            own = None if given is None else level
            part = yield from passed_on(
                likelihood.log_likelihood(model.problem, followed, asked[rows], sigma=own),
                functools.partial(told, done, len(rows)),
            )
            parts.append(part)
            done += len(rows)
        found = _joined(parts, np.concatenate([*rows_of.values()]), leading)
        if given is not None and given.ndim:
            found = dataclasses.replace(found, sigma=levels.reshape(leading))
        yield MeasuringProgress(1.0)
        return found

    return Work(steps())


@_known_keywords
def network(source: Session, settings: Mapping[str, Any] | None = None, device: str = "cpu") -> "NetworkScore":
    """The score of a trained network as a :class:`torch.nn.Module` in the user's units.

    Raises:
        ExperimentError: a setting would need a new training, or between two sets there is no score.
        SessionError: the session has no trained weights.
    """
    model = _model(source, settings, device)
    refuse(model.problem.experiment.noise.score_conflict())
    if model.network is None:
        raise SessionError("The session holds no trained weights: train it by train().")
    return NetworkScore(model.network, model.problem.units).to(model.problem.device)


@_known_keywords
def density(source: Session | Experiment, settings: Mapping[str, Any] | None = None) -> "TrueDensity":
    """The density from which the data are drawn, in the user's units and double precision.

    Raises:
        ExperimentError: the density is not known, as of a file, or a setting would need a new training.
        DataError: the data cannot be loaded.
    """
    problem = _model(source, settings, "cpu").problem
    if problem.dataset.density is None:
        raise ExperimentError(f"The density of data.kind = {problem.experiment.data.kind} is not known.")
    return TrueDensity(problem.dataset.density.to("cpu", torch.float64), problem.experiment.data.kind)


@record
class TrueDensity:
    """A density that is known with all its smoothed versions, in the user's units.

    Attributes:
        name: the kind of the data.
        torch: the same for tensors, with autograd; also its `mean`, `variance`, `modes` and `entropy()`. See
            :class:`playground.theory.densities.Density`.
    """

    torch: Density
    name: str

    def log_prob(self, points: ArrayLike, sigma: ArrayLike = 0.0) -> NDArray[np.float64]:
        """log p_sigma in nats per the user's units, in the leading shape of the points (..., 2), broadcast with `sigma`.

        Args:
            sigma: the standard deviation of the noise that smooths the density, >= 0, in the user's units.

        Raises:
            ExperimentError: as :func:`score`.
        """
        return self._found(self.torch.log_prob, points, sigma)

    def score(self, points: ArrayLike, sigma: ArrayLike = 0.0) -> NDArray[np.float64]:
        """The gradient of :meth:`log_prob` in 1/units, in the shape of the points, broadcast with `sigma`."""
        return self._found(self.torch.score, points, sigma)

    def sample(self, count: int, seed: int = 0) -> NDArray[np.float64]:
        """Independent samples (count, 2), without smoothing."""
        return self.torch.sample(int(count), torch.Generator().manual_seed(seed)).numpy()

    def _found(
        self, function: Callable[[Tensor, Tensor], Tensor], points: ArrayLike, sigma: ArrayLike
    ) -> NDArray[np.float64]:
        flat, levels, leading = _broadcast((self.torch.dim,), points, _levels(sigma, at_zero=True))
        if not np.isfinite(flat).all():
            raise ExperimentError("Points are not finite.")
        found = function(torch.tensor(flat), torch.tensor(levels)).numpy()
        return found.reshape((*leading, *found.shape[1:]))

    def __repr__(self) -> str:
        return f"<TrueDensity of {self.name}>"


class NetworkScore(nn.Module):
    """A score network that takes and gives the user's units.

    Attributes:
        network: the network itself, in standardized coordinates: the data there have mean 0 and mean variance 1 per axis.
        offset, scale: user = standardized * scale + offset, in the shape of one point.
        length: the standardized sigma's unit in the user's, the geometric mean of `scale`.
    """

    offset: Tensor
    scale: Tensor

    def __init__(self, network: ScoreNetwork, units: Units) -> None:
        super().__init__()
        self.network, self.length = network, units.length
        for name, values in (("offset", units.offset), ("scale", units.scale)):
            self.register_buffer(name, torch.from_numpy(values.astype(np.float32)))

    def forward(self, x: Tensor, sigma: Tensor | float, label: Tensor | None = None) -> Tensor:
        """The score at x (N, \\*shape), in its shape and in 1/units, with gradients.

        Args:
            x: points of the data plus Gaussian noise, in the user's units.
            sigma: the standard deviation of that noise in the user's units, one number or (N,).
            label: the class of the points, 0-d or (N,) int64; None if it is unknown.
        """
        level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device) / self.length
        found: Tensor = self.network(((x - self.offset) / self.scale).to(self.scale), level, label)
        return (found / self.scale).to(x)


@_known_keywords
def evaluate(
    source: Session | Experiment,
    samples: ArrayLike | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> Work[MeasuringProgress, Figures]:
    """Measure a score by its likelihoods, and samples by their distance to the data.

    Without trained weights, the figures of a learned score have no value, and their `reason` says how to get them.

    Args:
        samples: (N, 2) or (N, C, H, W), in the user's units; None to measure no samples.

    Returns:
        Work whose result is a mapping of the figures of docs/metrics.md by name, as the `metrics` of :class:`Run`.

    Raises:
        ExperimentError: the samples have another shape or are not finite.
    """
    model = _model(source, settings, device)
    drawn = None if samples is None else _shaped(model.problem, samples)
    if drawn is not None:
        likelihood.checked_points(model.problem, drawn)
    return Work(_evaluated(model.problem, model.evaluated_score, drawn))


@_known_keywords
def run(
    experiment: Experiment,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    data: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> Work[TrainingProgress | Trajectory | MeasuringProgress, Run]:
    """Train, sample and measure all figures, like ``score-playground run`` but without files; `data` and `labels` are those of
    :func:`train`.

    Raises:
        ExperimentError, DataError, SamplerDiverged: as :func:`train`, :func:`sample` and :func:`evaluate`.
    """
    experiment, points = _experiment(experiment, settings), None
    if data is not None or labels is not None:
        experiment, points = _of_array(experiment, data, labels)
    untrained = Opened.of(experiment, device, points)

    def steps() -> Generator[TrainingProgress | Trajectory | MeasuringProgress, None, Run]:
        opened = yield from _trained(untrained)
        require_sampler(opened.problem)
        trajectory = yield from opened.compute(opened.document.run)
        metrics = yield from run_figures(opened)
        return Run(opened.saved(), trajectory, metrics)

    return Work(steps())


@_known_keywords
def sweep(
    source: Experiment | str | os.PathLike[str],
    axes: Mapping[str, Any] | None = None,
    seeds: int | Sequence[int] | NDArray[np.integer] = 1,
    out: str | os.PathLike[str] | None = None,
    workers: int | None = 1,
    measure: str = "samples",
    device: str = "auto",
) -> Work[SweepProgress, list[Row]]:
    """Train, sample and measure each combination of some values, with each seed, like ``score-playground sweep``.

    Cells that differ only in sampling share one trained network. A cell that fails is left out of the rows; with `out`,
    :func:`playground.lab.sweep.failure` says why.

    Args:
        source: an experiment; or a sweep's file, or the folder of one, which state axes and seeds themselves.
        axes: the values by setting, such as ``{"sampling.steps": [10, 20, 50]}``. A value is a list, a mapping with `from`, `to`,
            `count` and `log`, or under a name of your own a list of mappings, each with a `name` and several settings.
        seeds: the seeds, or their number, counted from 0. Each sets ``data.seed``, ``training.seed`` and ``sampling.seed``, except
            those that are axes: with the axis ``sampling.seed`` one network is sampled several times.
        out: a folder for cells and networks. Cells that it has already, of this sweep or another, are not computed again. None for
            a temporary one.
        workers: processes of this machine, None for one a core. With 1 the work is done here, and a script needs no
            ``if __name__ == "__main__"``.
        measure: "samples", or "all" for likelihoods too.
        device: "auto", "cpu", "cuda" or "mps".

    Returns:
        Work whose progress has `done`, `total` and `seconds_left`. Its result is a row for each combination, with `values` by axis,
        and `mean` and standard `error` over the seeds by the figures of docs/metrics.md.

    Raises:
        ExperimentError: the axes or their values cannot be used.
        UserError: every cell failed; raised by the work itself.
    """
    if isinstance(source, Experiment):
        told = plain_values(
            {"experiment": msgspec.to_builtins(source), "axes": axes or {}, "seeds": seeds, "measure": measure}
        )
        try:
            described, cells = sweeps.settled(sweeps.from_tree(told))
        except msgspec.ValidationError as error:
            raise ExperimentError(f"This is no sweep: {error}.") from None
    elif axes is not None:
        raise ExperimentError("A sweep's file states its own axes: give them with an experiment.")
    elif isinstance(source, str | os.PathLike):
        described, cells = sweeps.load(Path(source))
    else:
        raise ExperimentError(f"{source!r} is neither an experiment nor the path of a sweep's file.")
    if workers is not None and not (workers >= 1 and float(workers).is_integer()):
        raise ExperimentError(f"A sweep needs a whole number of workers, at least one, not {workers}.")

    def steps() -> Generator[SweepProgress, None, list[Row]]:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()) if out is None else out)
            chosen = None if workers == 1 else stack.enter_context(sweeps.processes(workers and int(workers)))
            broken = folders.of_broken(folders.broken(folder, cells))
            if broken is not None:
                warnings.warn(str(broken), stacklevel=2)
            yield from sweeps.run(described, cells, folder, chosen, device)
            rows = sweeps.rows(folder, cells)
            if not rows:
                raise UserError(f"All {len(cells)} cells failed, the first because: {sweeps.failure(folder, cells[0])}")
            return rows

    return Work(steps())


@_known_keywords
def open_window(session: Session) -> subprocess.Popen[bytes]:
    """Open the window on a session, in a process of its own that continues when Python ends.

    The session is written to a temporary file, which stays until the system removes it.

    Raises:
        SessionError: the file cannot be written.
    """
    path = Path(tempfile.mkdtemp(prefix="score-playground-")) / "from-python.spg"
    session.save(path)
    return subprocess.Popen([sys.executable, "-m", "playground", str(path)])


def _of_array(experiment: Experiment, data: ArrayLike | None, labels: ArrayLike | None) -> tuple[Experiment, Points]:
    """An experiment with given points in place of its data set; see :func:`train`."""
    if data is None:
        raise ExperimentError("Labels are classes of given points: give data too.")
    array, told = _array(data), None if labels is None else _array(labels)
    experiment = replace(experiment, {"data.kind": "images" if array.ndim > 2 else "file", "data.path": ARRAY})
    assert isinstance(experiment.data, FromFile)
    return experiment, Points.of(experiment.data.of_array(array, told, experiment.likelihood.points))


def _trained(opened: Opened) -> Generator[TrainingProgress, None, Opened]:
    """Train from the start to the end."""
    begun = opened.begun()
    trained: Trained = yield from begun.compute(begun.training)
    refuse(None if trained.last is None else trained.last.diverged)
    return begun


def _trained_further(opened: Opened, weights: Arrays) -> Generator[TrainingProgress, None, Opened]:
    """Train for the same length again."""
    trainer, last = Trainer(opened.problem), None
    trainer.restore(weights)
    trainer.set_hyperparameters(opened.document.experiment)
    trainer.extend()
    for last in trainer:
        yield last
        refuse(last.diverged)
    return opened.begun(Trained(trainer.state(), course_of(last), opened.device))


def _joined(parts: Sequence[PointLikelihoods], rows: NDArray[np.int64], leading: tuple[int, ...]) -> PointLikelihoods:
    """The likelihoods of all points, in the shape in which they were given.

    Args:
        rows: (N,) the numbers of the points, part by part.
    """

    def whole(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        if all(value is None for value in values):
            return None
        filled = [
            np.full(len(part.log_prob), np.nan) if value is None else value
            for part, value in zip(parts, values, strict=True)
        ]
        ordered = np.concatenate(filled)[np.argsort(rows)]
        return ordered.reshape((*leading, *ordered.shape[1:]))

    names = ("log_prob", "prior_term", "trace_term", "standard_error", "latent", "exact", "evaluations")
    return dataclasses.replace(parts[0], **{name: whole(name) for name in names})


def _warn_of_untrained(problem: Problem, levels: NDArray[np.float64]) -> None:
    """Warn of noise levels, in the user's units, at which the network extrapolates far."""
    ends = [problem.units.sigma_to_user(end) for end in (problem.noise.sigma_min, problem.noise.sigma_max)]
    far = levels[(levels * FAR_OUTSIDE < ends[0]) | (levels > FAR_OUTSIDE * ends[1])]
    if len(far):
        warnings.warn(
            f"sigma = {far[0]:g} lies far outside the noise levels of the training, {ends[0]:g} to {ends[1]:g}: the network's "
            "score is a guess there.",
            UntrainedSigmaWarning,
            stacklevel=4,  # the caller of score
        )


def _evaluated(
    problem: Problem, score: ScoreFunction | None, samples: NDArray[np.floating] | None
) -> Generator[MeasuringProgress, None, Figures]:
    of_score = yield from passed_on(
        evaluation.evaluate(problem, score), lambda told: dataclasses.replace(told, fraction=0.9 * told.fraction)
    )
    of_samples = yield from passed_on(
        evaluation.sample_distances(problem, samples),
        lambda told: dataclasses.replace(told, fraction=0.9 + 0.1 * told.fraction),
    )
    return Figures.union([of_score, of_samples])


def _experiment(source: Session | Experiment, settings: Mapping[str, Any] | None) -> Experiment:
    if not isinstance(source, Experiment | Session):
        raise ExperimentError(
            f"{source!r} is neither an experiment nor a session: load(path) reads one, and Session.load(path) the other."
        )
    experiment = source.experiment if isinstance(source, Session) else source
    return replace(experiment, settings or {})


def _opened(source: Session | Experiment, settings: Mapping[str, Any] | None, device: str) -> Opened:
    if not isinstance(source, Session):
        return Opened.of(_experiment(source, settings), device)
    opened = Opened.session(source, device)
    try:
        return dataclasses.replace(opened, document=opened.document.after_training(settings or {}))
    except NeedsTraining as error:
        raise ExperimentError(f"{error.key} would need a new training: give it to train().") from None


def _model(source: Session | Experiment, settings: Mapping[str, Any] | None, device: str) -> Model:
    return _opened(source, settings, device).model


def _shaped(problem: Problem, given: ArrayLike) -> NDArray[np.float64]:
    """Points (N, *shape), N >= 1, which may not be finite.

    Raises:
        ExperimentError: they are no real numbers, or have another shape.
    """
    wanted = ", ".join(map(str, ("N", *problem.shape)))
    found = _numbers(given, wanted)
    if found.shape[1:] != problem.shape or not found.size:
        raise ExperimentError(f"Points have shape ({wanted}) with N of at least 1, and these have {found.shape}.")
    return found


def _broadcast(
    shape: tuple[int, ...], given: ArrayLike, levels: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, ...]]:
    """Points (..., *shape) and noise levels, broadcast as numpy does it.

    Args:
        shape: that of one point.
        levels: None for one level, whatever it is.

    Returns:
        The points (N, *shape), which may not be finite, the levels (N,), and the leading axes of N.

    Raises:
        ExperimentError: they are no real numbers, there is no point, or the shapes do not fit.
    """
    dims = len(shape)
    wanted = ", ".join(map(str, ("...", *shape)))
    found = _numbers(given, wanted)
    if found.ndim < dims or found.shape[-dims:] != shape or not found.size:
        raise ExperimentError(f"Points have shape ({wanted}), at least one of them, and these have {found.shape}.")
    own, levels = found.shape[:-dims], np.zeros(()) if levels is None else levels
    try:
        leading = np.broadcast_shapes(own, levels.shape)
    except ValueError:
        raise ExperimentError(
            f"sigma has shape {levels.shape}, which cannot be broadcast with the points' {own}: give one number, one for each "
            "point, or (S, 1) for S rows of all points."
        ) from None
    points = np.broadcast_to(found, (*leading, *shape)).reshape(-1, *shape)
    return points, np.broadcast_to(levels, leading).reshape(-1), leading


def _numbers(given: ArrayLike, wanted: str) -> NDArray[np.float64]:
    """Points as real numbers, in any shape.

    Args:
        wanted: the shape that they should have, for the error.

    Raises:
        ExperimentError: they are no real numbers.
    """
    found = _array(given)
    if found.dtype.kind not in "fiu":
        raise ExperimentError(
            f"Points are a numpy array of real numbers of shape ({wanted}), such as positions[-1] of a trajectory."
        )
    return found.astype(np.float64)


def _array(given: ArrayLike) -> NDArray[Any]:
    """An array, or one that holds None if it is no array."""
    try:
        return np.asarray(given)
    except (TypeError, ValueError, RuntimeError):  # ragged lists; tensors with gradients or on a GPU
        return np.array(None)


def _levels(sigma: ArrayLike, at_zero: bool = False) -> NDArray[np.float64]:
    """Noise levels, in any shape.

    Args:
        at_zero: whether 0, no noise, is one too.

    Raises:
        ExperimentError: one is no finite number above 0, or there is none.
    """
    found = _array(sigma)
    levels = found.astype(np.float64) if found.dtype.kind in "fiu" else np.array(math.nan)
    wrong = np.flatnonzero(~((levels > 0) & (levels < math.inf) | at_zero & (levels == 0)))
    if len(wrong) or not levels.size:
        shown = repr(sigma) if not levels.ndim else str(levels.flat[wrong[0]] if len(wrong) else sigma)
        least = "of at least 0" if at_zero else "above 0"
        raise ExperimentError(f"sigma = {shown} is no noise level: it must be a finite number {least}.")
    return levels
