"""Pins finished runs, measures them, and restores one on request."""

import math

from msgspec import structs
from PySide6.QtCore import Signal, Slot

from playground.app.controllers.building import Building
from playground.app.controllers.controller import Controller
from playground.app.controllers.measurements import ways
from playground.app.controllers.notification import notify
from playground.app.controllers.runs import Run
from playground.app.controllers.sampling import Sampling
from playground.app.model.model import LiveModel
from playground.app.model.pinned_runs import (
    WAITING,
    KnownRun,
    clean_name,
    is_full,
    known_runs,
    named,
    unknown_model,
    with_run,
)
from playground.app.model.state import State
from playground.app.style.number_formats import format_count
from playground.app.workers.jobs import BACKGROUND, Wanted
from playground.lab import experiment as description
from playground.lab.compute import Way
from playground.lab.figures import sorts_of
from playground.lab.keys import FiguresKey, Key
from playground.lab.measured import Figures, Measured, missing
from playground.lab.pinned_run import PinnedRun
from playground.lab.trajectory import Trajectory
from playground.messages import Message
from playground.user_errors import message_of

PINNED = "pinned run"
"""The job that measures the samples of a pinned run."""


class Pinning(Controller):
    """The runs that the document pins.

    Signals:
        changed(): the runs, a name or what is known of them changed; read :attr:`known`.
        finished_changed(): another run can be pinned, or none.

    Attributes:
        known: the runs, in the order in which they were pinned, with what the store has of each.
        finished: the run in view, if it can be pinned.
    """

    changed = Signal()
    finished_changed = Signal()

    def __init__(
        self,
        state: State,
        building: Building,
        sampling: Sampling,
    ) -> None:
        super().__init__(state)
        self._building, self._sampling = building, sampling
        self.known: tuple[KnownRun, ...] = ()
        self.finished: Run | None = None
        self._candidate: PinnedRun | None = None  # it as it would be pinned, without a number and a name
        self._unmeasured: dict[FiguresKey, dict[type[Key], Way]] = {}  # the figures that are wanted, in order
        self._awaited: PinnedRun | None = None  # the run to play when its model is there
        self._store = state.store  # of the work that these belong to
        self._wanted: tuple[object, ...] | None = (
            None  # what is to be pinned once it is sampled with the chosen weights
        )
        state.document_changed.connect(self._follow_document)
        state.model_changed.connect(self._take)
        self._jobs.arrived.connect(self._arrived)
        state.ticked.connect(self.look)

    # What the window may read

    @property
    def runs(self) -> tuple[PinnedRun, ...]:
        """The pinned runs."""
        return self._state.document.pins

    @property
    def is_pinned(self) -> bool:
        """Whether the run in view is pinned."""
        return self._candidate is not None and any(run.run == self._candidate.run for run in self.runs)

    # What the window may ask for

    @Slot()
    def pin(self) -> None:
        """Keep the run in view, and measure its samples unless that was done.

        If another one with the chosen weights is being sampled in its place, that one is pinned when it is there.
        """
        if self._sampling.playing.main.is_replacing and not is_full(self.runs):
            wanted = self._wanted = self._in_view
            said = "The run is sampled again with the weights in view. It is pinned when it has ended."
            notify(self._state, "info", said, "", lambda: self._wanted is wanted)
            return
        run, candidate = self.finished, self._candidate
        if run is None or candidate is None or run.model is None or run.trajectory is None:
            return
        if self.is_pinned or is_full(self.runs):
            return
        problem = run.problem
        trajectory, experiment = run.trajectory, run.experiment
        number = 1 + max((one.number for document in self._state.documents for one in document.pins), default=0)
        found = problem.resolve()
        fields = description.fields(experiment).keys() & description.fields(found).keys()
        resolved = {
            key: description.value(found, key) for key in fields if description.value(experiment, key) == "auto"
        }
        # If particles take steps of their own, the setting counts frames.
        own_steps, steps = math.isnan(trajectory.step_size.sum()), found.sampling.steps
        pinned = structs.replace(
            candidate,
            number=number,
            resolved=tuple((key, value) for key, value in resolved.items() if value != "auto"),
            sampler_steps=None if own_steps or steps == "auto" else steps,
        )
        store = self._state.store
        store.hold(pinned.run, trajectory)
        cost = {
            "nfe_mean": trajectory.nfe_mean[-1],
            "nfe_max": trajectory.nfe_max[-1],
            "sampling_seconds": trajectory.seconds,
        }
        store.hold(pinned.keys["Sampling"], Figures({key: Measured(float(value)) for key, value in cost.items()}))
        self._unmeasured[pinned.keys["Distances"]] = ways(problem, run.model.weights, lambda: iter((trajectory,)))
        self._state.put(pins=with_run(self.runs, pinned))
        self._measure_next()
        said = "The run is pinned in the Runs card."
        if pinned.trained_from is not None:
            said += (
                f" Training changed its weights while it was sampled, from step {format_count(pinned.trained_from)} on."
            )
        notify(self._state, "info", said, "view.runs", lambda: self._is_there(number))
        self.finished_changed.emit()

    def rename(self, run: PinnedRun, name: str) -> None:
        """Name a run, as a step that can be undone; an empty name changes nothing."""
        name = clean_name(name)
        if name:
            self._state.put(pins=tuple(named(one, name) if one.number == run.number else one for one in self.runs))

    def delete(self, run: PinnedRun) -> None:
        """Remove a run from the list, as a step that can be undone."""
        if not self._is_there(run.number):
            return
        self._state.put(pins=tuple(one for one in self.runs if one.number != run.number))
        step = self._state.last_step
        said = "The run is deleted. Undo brings it back."
        notify(self._state, "info", said, "edit.undo", lambda: self._state.last_step is step)

    def restore(self, run: PinnedRun) -> None:
        """Make a run the main one: one step of the history takes its settings and kept weights.

        Its recorded particles play again if they are kept. Otherwise it is sampled again with the same seed.
        """
        experiment = run.experiment
        self._awaited = None
        if experiment == self._state.experiment:
            self._sampling.restart(False)
        elif not self._state.edit({key: description.value(experiment, key) for key in description.fields(experiment)}):
            return
        self._awaited = run
        if not self._building.busy:
            self._take()
        self._sampling.playing.set_playing(True)

    # How it proceeds

    @property
    def _in_view(self) -> tuple[object, ...]:
        """What a run that replaces the one in view must have in common with it."""
        experiment = self._state.experiment
        return self._building.key, experiment.sampling

    @Slot()
    def look(self) -> None:
        """Check whether the run in view has finished, and pin it if that was to be waited for."""
        if self._store is not self._state.store:  # other work has come
            self._store, self._awaited = self._state.store, None
            self._unmeasured.clear()
            self._jobs.cancel(PINNED)
        self._look()
        if self._wanted is not None and self._wanted != self._in_view:
            self._wanted = None  # another run was begun
        elif self._wanted is not None and self.finished is not None and self.finished.is_of_its_weights:
            self._wanted = None
            self.pin()
        self._measure_next()

    def _look(self) -> None:
        run = self._sampling.playing.run
        if run is None or run.model is None or not run.finished:
            run = None
        before, self.finished = self.finished, run
        if run is before:
            return
        self._candidate = None
        if run is not None and isinstance(run.model, LiveModel):
            self._candidate = _candidate(run, run.model)
        self.finished_changed.emit()

    @Slot()
    def _take(self) -> None:
        """Play the particles of the requested run, if they are kept and its model is there."""
        run, self._awaited = self._awaited, None
        model = self._state.model
        if run is None or model is None or run.experiment != self._state.experiment:
            return
        steps = model.training.now.shown_steps
        if run.trained_steps in steps:
            self._state.choose(run.trained_steps)
            model = self._state.model or model  # with the weights of that step
        trajectory: Trajectory | None = self._state.store.get(run.run)
        if trajectory is not None and trajectory.shape == model.problem.shape:
            same = run.trained_steps is not None and run.model == model.model_key
            weights = model.weights if same else None
            self.finished = self._sampling.show_recorded(trajectory, model, weights)
            self._candidate = run
            self.finished_changed.emit()
        elif run.trained_from is not None:
            said = (
                "Training changed the weights of this run from step {:,} on. It is sampled again with the present ones."
            )
            self._warn(Message("weights-changed", said, (run.trained_from,)), run)
        if run.trained_steps is not None and run.trained_steps not in steps:
            said = "The run was sampled after {:,} training steps, whose weights are not kept."
            self._warn(Message("other-weights", said, (run.trained_steps,)), run)

    def _warn(self, message: Message, run: PinnedRun) -> None:
        notify(self._state, "warning", message, "", lambda: self._state.experiment == run.experiment)

    # Figures

    @Slot()
    def _follow_document(self) -> None:
        if self.runs != tuple(run for run, _ in self.known):
            self._look_up()

    def _look_up(self) -> None:
        self.known = known_runs(self._state.document, self._state.store, self._unmeasured)
        self.changed.emit()

    def _measure_next(self) -> None:
        """Want the figures of the first pinned run that was not measured; those of deleted runs may come back by undo."""
        store = self._state.store
        for key in [key for key in self._unmeasured if key in store]:
            del self._unmeasured[key]
        if not self._unmeasured:
            return
        found = [key for key in (run.keys["Distances"] for run in self.runs) if key in self._unmeasured]
        if not found:
            self._jobs.cancel(PINNED)
            return
        key = found[0]

        def fail(error: BaseException) -> None:
            store.hold(key, Figures(missing(sorts_of("Distances"), message_of(error))))
            self._arrived(key)

        wanted = Wanted((key,), store, self._unmeasured[key], BACKGROUND)
        self._jobs.want(PINNED, wanted, on_failure=fail)

    @Slot(object)
    def _arrived(self, key: Key) -> None:
        """Show what was measured of pinned runs, which is unsaved work if the store did not have it."""
        if any(key in run.keys.values() for run in self.runs):
            before = self.known
            self._look_up()
            if _measured(before) != _measured(self.known):
                self._state.mark_modified(own=True)

    def _is_there(self, number: int) -> bool:
        return any(run.number == number for run in self.runs)


def _candidate(run: Run, model: LiveModel) -> PinnedRun:
    """A finished run as it would be pinned, without a number and a name."""
    experiment, made = run.experiment, None if run.weights is None else run.weights.made
    is_learned, is_known = experiment.sampling.follows == "learned", run.is_of_its_weights
    key = model.key_after((is_known and made) or 0) if is_known or not is_learned else None
    return PinnedRun(
        number=0,
        name="",
        experiment=experiment,
        model=key or unknown_model(experiment),
        trained_steps=made if is_learned and is_known else None,
        trained_from=made if is_learned and not is_known else None,
    )


def _measured(known: tuple[KnownRun, ...]) -> list[dict[str, int]]:
    """What tells measured figures apart: a store gives the same objects until others take their place."""
    return [
        {name: id(figure) for name, figure in figures.items() if figure.reason is not WAITING} for _, figures in known
    ]
