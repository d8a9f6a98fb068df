"""Controllers for the panels' tests: the real signals and properties, no threads and no torch."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, Self

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from playground.app.controllers.pinning import Pinning
from playground.app.model.pinned_runs import known_runs
from playground.app.model.state import State
from playground.app.model.views import FlowLikelihood, LatentInterpolation, PointLikelihood, ProblemView
from playground.app.workers.jobs import JobStatus
from playground.lab import experiment as description
from playground.lab.conflicts import Conditions
from playground.lab.experiment import Experiment
from playground.lab.keys import FiguresKey
from playground.lab.measured import Figures
from playground.lab.pinned_run import PinnedRun
from playground.lab.store import Store
from playground.messages import Message


class _Building:
    default_step: float | None = 2e-4
    busy = False

    def prefer_bundled(self) -> None:
        pass


class _Model:
    """As much of a model as the panels read."""

    def __init__(self, view: ProblemView, experiment: Experiment) -> None:
        self.view, self.weights = view, SimpleNamespace(step=None)
        self.problem = SimpleNamespace(experiment=experiment)

    def at(self, step: int | None) -> Self:
        return self

    def told_labels(self) -> Self:
        return self

    def fits(self, experiment: Experiment) -> bool:
        return False


class _Training(QObject):
    changed = Signal(str)
    progress = Signal(object)

    def __init__(self, asked: list[Any]) -> None:
        super().__init__()
        self._asked = asked
        self.status = "untrained"
        self.last_progress: Any = None
        self.loss_history = (np.zeros(0), np.zeros(0))
        self.held_out_history = (np.zeros(0), np.zeros(0))
        self.other_objective: Any = None

    @property
    def untrained(self) -> bool:
        return self.trained_steps == 0

    @property
    def wanted(self) -> bool:
        return self.status in ("waiting", "training")

    @property
    def trained_steps(self) -> int:
        return 0 if self.last_progress is None else self.last_progress.step

    def start(self) -> None:
        self._asked.append("start")

    @Slot()
    def toggle(self) -> None:
        self._asked.append("pause" if self.wanted else "start")


class _Playing(QObject):
    trajectory_changed = Signal(object)
    frame_changed = Signal(int)
    playing_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.trajectory: Any = None
        self.frame = 0
        self.sigma = 0.22
        self.is_held = False


class _Replaying(QObject):
    steps_changed = Signal()
    playing_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.step: int | None = None
        self.steps: tuple[int, ...] = ()
        self.can_choose = False


class _Following(QObject):
    changed = Signal(object, int)
    probed = Signal(object)


class _Inspecting(QObject):
    changed = Signal()
    measured = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.number: int | None = None
        self.place = 0
        self.particle: Any = None
        self.trajectory: Any = None
        self.flow: Any = None
        self.weights_changed = self.is_active = False

    @Slot()
    def clear(self) -> None:
        self.number = self.particle = self.flow = None


class _Clicking(QObject):
    likelihood_changed = Signal(object)
    interpolation_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.likelihood: PointLikelihood | None = None
        self.interpolation: LatentInterpolation | None = None
        self.has_point = False


class _Mapping(QObject):
    def __init__(self, asked: list[Any]) -> None:
        super().__init__()
        self._asked = asked

    def compute(self) -> None:
        self._asked.append("density_map")

    def cancel(self, job: str) -> None:
        self._asked.append(("cancel", job))


class _Measuring(QObject):
    evaluation_changed = Signal(object)

    def __init__(self, asked: list[Any]) -> None:
        super().__init__()
        self._asked = asked
        self.evaluation = Figures({})

    def measure(self, job: str) -> None:
        self._asked.append(job)


class _Comparing(QObject):
    active_changed = Signal(bool)

    def __init__(self, asked: list[Any]) -> None:
        super().__init__()
        self._asked = asked
        self.is_active = False

    def compare(self, runs: Any) -> None:
        self._asked.append(("compare", [run.name for run in runs]))

    @Slot()
    def toggle(self) -> None:
        self._asked.append("compare")


class _Pinning(QObject):
    changed = Signal()
    finished_changed = Signal()

    def __init__(self, asked: list[Any], state: State) -> None:
        super().__init__()
        self._asked, self._state = asked, state
        self.store = Store()
        self.known: Any = ()
        self.finished: Any = None
        self.is_pinned = False
        self.waiting: set[FiguresKey] = set()
        state.document_changed.connect(self.look_up)

    runs, rename = Pinning.runs, Pinning.rename

    @Slot()
    def look_up(self) -> None:
        self.known = known_runs(self._state.document, self.store, self.waiting)
        self.changed.emit()

    @Slot()
    def pin(self) -> None:
        self._asked.append("pin")

    def restore(self, run: PinnedRun) -> None:
        self._asked.append(("restore", run.number))

    def delete(self, run: PinnedRun) -> None:
        self._asked.append(("delete", run.number))


class _Shown(QObject):
    """The scene and the lesson: none."""

    changed = Signal()
    scene = lesson = step = measured = None
    hides_values = False

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class _Jobs(QObject):
    changed = Signal(str, object)

    def __init__(self, asked: list[Any]) -> None:
        super().__init__()
        self._asked = asked

    def cancel(self, job: str) -> None:
        self._asked.append(("cancel", job))


class ControllersDouble:
    """Records the commands that its controllers get, in :attr:`asked`; tests set what they show."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.asked: list[Any] = []
        self.building, self.training = _Building(), _Training(self.asked)
        vars(state)["unsaved_steps"] = lambda: self.training.trained_steps
        self.reading = SimpleNamespace()
        self.replaying = _Replaying()
        self.playing, self.following, self.jobs = _Playing(), _Following(), _Jobs(self.asked)
        self.clicking, self.mapping, self.measuring = _Clicking(), _Mapping(self.asked), _Measuring(self.asked)
        self.pinning = _Pinning(self.asked, state)
        self.comparing, self.inspecting = _Comparing(self.asked), _Inspecting()
        self.column_edits = self.comparing
        self.scenes, self.lessons = _Shown(), _Shown()

    # What tests let happen

    def build(self, **changes: Any) -> None:
        """A problem as the controllers would build it from the experiment."""
        self.show(view(self.state.experiment, **changes))

    def show(self, problem: ProblemView | None, failure: Message | None = None) -> None:
        """A problem, or none."""
        self.state.install(None if problem is None else _Model(problem, self.state.experiment), failure)

    def fail(self, message: Message | None) -> None:
        """No problem, for a reason."""
        self.show(None, message)

    def train_to(self, step: int, training: str = "training", diverged: Message | None = None) -> None:
        generator = np.random.default_rng(0)
        steps = np.arange(10, step, max(step // 1500, 1))
        losses = (
            1.85 + 3 * np.exp(-steps / 800) + 0.05 * generator.standard_normal(len(steps)) + 8 * np.exp(-steps / 90)
        )
        self.training.loss_history = steps, losses
        self.training.status = training
        self.training.last_progress = SimpleNamespace(
            step=step,
            seconds=step / 812,
            steps_per_second=812.4,
            loss=1.86,
            optimal_loss=1.849,
            optimal_loss_error=0.002,
            learning_rate=3e-3,
            seconds_left=None if training == "finished" else 8.3,
            finished=training == "finished",
            diverged=diverged,
            note=None,
        )
        self.training.changed.emit(training)
        self.training.progress.emit(self.training.last_progress)

    def run(self, job: str, fraction: float | None = 0.4, error: str = "", running: bool = True) -> None:
        self.jobs.changed.emit(job, JobStatus(running, fraction, 4.2 if running else None, error))

    def show_point(self, flow: Mapping[str, Any] = MappingProxyType({}), **changes: Any) -> None:
        path = np.linspace((-0.62, 0.98), (-0.8, 3.0), 20)
        self.clicking.likelihood = PointLikelihood(
            point=np.array([-0.62, 0.98]),
            number=None,
            sigma=0.0081,
            exact=-0.705,
            flow=FlowLikelihood(
                log_prob=-0.713,
                prior_term=-3.92,
                trace_term=3.21,
                standard_error=0.0,
                evaluations=86,
                latent=np.array([0.31, -1.27]),
                distance=2.1e-5,
                log_prob_error=-4e-5,
                path=path,
            ),
            source="learned",
            untrained=False,
        )
        assert self.clicking.likelihood.flow is not None
        by_flow = dataclasses.replace(self.clicking.likelihood.flow, **flow)
        self.clicking.likelihood = dataclasses.replace(self.clicking.likelihood, **{"flow": by_flow} | changes)
        self.clicking.likelihood_changed.emit(self.clicking.likelihood)

    def measure(self) -> None:
        sigmas = np.geomspace(0.01, 8, 24)
        relative = 0.02 + 0.1 * np.exp(-(np.log(sigmas / 0.02) ** 2) / 4) + 0.02 * np.log(sigmas) ** 2 / 4
        errors = relative**2 / sigmas, 0.06 * relative**2 / sigmas, relative, 0.03 * relative
        found = {
            **score_errors(sigmas, *errors),
            "test_nll": 1.0149,
            "test_nll_standard_error": 0.0141,
            "optimal_nll": 1.0093,
            "optimal_nll_standard_error": 0.0139,
            "entropy": 1.0076,
            "integral": 0.9997,
            "round_trip_error": 2.1e-5,
            "round_trip_log_prob_error": 4e-5,
            "kl": 0.0079,
            "kl_standard_error": 0.0012,
            "kl_of_smoothing": 0.0021,
            "reference_set": "fresh draws of the known density",
            "sliced_wasserstein2": 0.0213,
            "sliced_wasserstein2_floor": 0.0181,
            "sliced_wasserstein2_floor_std": 0.0042,
            "wasserstein2": 0.0913,
            "wasserstein2_floor": 0.0852,
            "wasserstein2_floor_std": 0.0061,
            "wasserstein2_squared": 0.00834,
            "wasserstein2_squared_floor": 0.00729,
            "energy_distance": 0.0012,
            "energy_distance_standard_error": 0.0009,
            "mmd_squared": -0.0001,
            "mmd_squared_standard_error": 0.0003,
            "classifier_accuracy": 0.512,
            "classifier_accuracy_standard_error": 0.011,
            "mode_weights": [0.492, 0.508],
            "mode_weights_standard_error": [0.011, 0.011],
            "mode_weights_true": [0.5, 0.5],
        }
        self.measuring.evaluation = Figures.of(found)
        self.measuring.evaluation_changed.emit(self.measuring.evaluation)

    def sample(self, count: int = 2000) -> None:
        self.playing.trajectory = Frames([moons(count, 1), moons(count, 2)])
        self.playing.trajectory_changed.emit(self.playing.trajectory)
        self.playing.frame_changed.emit(0)


CURVES = [f"{name}{end}" for name in ("fisher_divergence", "relative_score_error") for end in ("", "_standard_error")]
"""The errors of a score along sigma, by the names of their columns."""


def score_errors(sigmas: np.ndarray, *errors: np.ndarray) -> dict[str, Any]:
    """The figures of a score's errors along sigma: Fisher divergence and its error, relative error and its error."""
    return {"score_sigmas": sigmas.tolist()} | dict(zip(CURVES, map(np.ndarray.tolist, errors), strict=True))


class Frames:
    """As much of a trajectory as the panels read."""

    def __init__(self, positions: list[np.ndarray]) -> None:
        self.positions = positions
        self.total = len(positions)
        self.steps, self.step = self.total - 1, np.arange(self.total)
        self.sigma = np.geomspace(1.0, 0.01, self.total)
        self.nfe_mean = self.nfe_max = np.full(len(positions), np.nan)

    def __len__(self) -> int:
        return len(self.positions)


def moons(count: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    angle = generator.uniform(0, np.pi, count)
    upper = generator.random(count) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], axis=1) + 0.1 * generator.standard_normal((count, 2))


def view(experiment: Experiment, **changes: Any) -> ProblemView:
    """What the controllers would say of an experiment, near enough."""
    noise, data = experiment.noise, experiment.data
    numbers = {"noise.sigma": 0.24, "noise.sigma_min": 0.0081, "noise.sigma_max": 3.39}
    known = description.fields(experiment)
    resolved = {
        key: value for key, value in numbers.items() if key in known and description.value(experiment, key) == "auto"
    }
    if experiment.training.steps == "auto" and experiment.training.seconds == "auto":
        resolved["training.seconds"] = 20.0
    after = description.replace(experiment, resolved)
    image, known_density = data.images, data.known_density
    level = getattr(after.noise, "sigma", 0.0)  # where there is no path, the one there is
    fine = getattr(after.noise, "sigma_min", level)
    coarse = getattr(after.noise, "sigma_max", 3.39 if noise.has_path else level)
    points = np.random.default_rng(0).random((200, 1, 8, 8)) if image else moons(5000)
    settings: dict[str, Any] = {
        "name": data.kind.replace("-", " "),
        "points": points,
        "count": 1437 if image else getattr(data, "points", len(points)),
        "conditions": Conditions(held_out=359),
        "test_points": experiment.likelihood.points if known_density else 359,
        "bounds": (-2.0, 3.0, -1.5, 2.0),
        "brightness": points.mean(axis=(1, 2, 3)) if image else None,
        "limits": (float(points.min()), float(points.max())),
        "axes": ("x", "y"),
        "is_image": image,
        "isotropic": True,
        "known_density": known_density,
        "has_process": noise.has_path,
        "sigma_min": fine,
        "sigma_max": coarse,
        "sigmas": np.geomspace(coarse, fine, noise.count or 20) if noise.has_noise else np.zeros(1),
        "sigma": 0.81,
        "diameter": 3.4,
        "parameters_count": 41_987,
        "mode_weights": np.array([0.5, 0.5]) if known_density else None,
        "marginals": np.array([[np.linspace(-2, 3, 401), np.linspace(0, 1, 401)]] * 2) if known_density else None,
        "resolved": after,
        "data": data,
    }
    return ProblemView(**(settings | changes))
