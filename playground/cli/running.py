"""``score-playground run``: train, sample, evaluate, and write the results."""

import itertools
import math
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from playground.app.model.model import Model
from playground.cli import results
from playground.cli.folders import create_folder, replace_results
from playground.cli.painting import paint_picture, paint_video, paint_web_page
from playground.cli.reporting import Update, note, say, stage, warn, with_error
from playground.cli.stopping import if_stopped
from playground.cli.summary import print_figures
from playground.lab import experiment as experiments
from playground.lab.compute import result
from playground.lab.conflicts import Conditions, refuse, sampling_conflict, training_conflict
from playground.lab.diagnostics import noise_diagnostics
from playground.lab.experiment import Experiment
from playground.lab.measured import Figures
from playground.lab.memorization import memorization_warning
from playground.lab.opened import Opened
from playground.lab.problem import Problem
from playground.lab.progress import MeasuringProgress
from playground.lab.provenance import Provenance
from playground.lab.run_figures import run_figures
from playground.lab.sampling import require_stable_step
from playground.lab.session import METRICS, MODEL, TRAJECTORY, Session
from playground.lab.trained import Trained
from playground.lab.training import TrainingProgress
from playground.user_errors import UserError

VIDEO_SIZE, VIDEO_FPS = (960, 720), 30


def run_experiment(experiment: Experiment, folder: Path, device: str, overwrite: bool, web: bool = False) -> None:
    """Run an experiment and write the results into a folder.

    Args:
        overwrite: replace the files of an earlier run in the folder.
        web: write a web page too.

    Raises:
        UserError, ExperimentError, DataError: the experiment, its data, the device or the folder cannot be used.
    """
    _check(experiment)
    results.require_free_folder(folder, results.EVERYTHING, overwrite)
    untrained = Opened.of(experiment, device)
    trained: Trained | None = None
    with if_stopped(lambda: UNTRAINED if trained is None else _complete(folder)), create_folder(folder):
        problem, opened = untrained.problem, untrained.begun()
        _check(experiment, problem.conditions)
        known = problem.known_score()
        if known is not None:  # for a learned score this is known only after training
            require_stable_step(problem, known)
        note(_read(problem))
        warn(*noise_diagnostics(problem))
        results.warn_of_settings(problem)
        passes = experiment.objective.passes(math.prod(problem.shape))
        if passes > 2:
            note(f"Each training step differentiates the score along {passes} directions")
        results.use_threads(problem)
        found = _train(opened)
        with replace_results(folder, results.EVERYTHING) as new:
            experiments.save(problem.resolve(), new / results.EXPERIMENT, Provenance.of(experiment, problem.device))
            _session(problem, found).save(new / MODEL)
            trained = found
            trajectory = results.run_sampler(opened)
            trajectory.save_npz(new / TRAJECTORY)
            final = trajectory.positions[-1]
            results.write_csv(new / results.SAMPLES, results.column_names(problem), final.reshape(len(final), -1))
            measured = _measure(run_figures(opened))
            made_by = {"provenance": measured.value("provenance")}  # as in other files
            results.write_json(new / METRICS, measured.to_json() | made_by)
            painted = Model.of(problem, opened.model.network)
            paint_picture(painted, trajectory, new / results.PICTURE, VIDEO_SIZE)
            paint_video(painted, trajectory, new / results.VIDEO, VIDEO_SIZE, VIDEO_FPS)
            if web:
                steps = results.training_steps(opened.model)
                paint_web_page(painted, trajectory, new / results.WEB, measured, steps)
    print_figures(measured, problem)
    say(f"Everything is in {folder}")
    warn(memorization_warning(measured, problem.experiment))


UNTRAINED = "nothing is written, and the training is not kept. The same command begins anew."


def _complete(folder: Path) -> str:
    """What a run says that is stopped after its training."""
    there = ", ".join(name for name in results.EVERYTHING if (folder / name).exists())
    return (
        f"{folder} has the trained network, and these complete files: {there}. score-playground sample {folder} goes on from there, "
        "and the same command with --overwrite begins anew."
    )


def _check(experiment: Experiment, conditions: Conditions | None = None) -> None:
    """Refuse an experiment that cannot be trained or sampled.

    Args:
        conditions: what can be conditioned on, if the data have been read; more conflicts are found with it.
    """
    for conflict in (training_conflict(experiment, conditions), sampling_conflict(experiment, conditions)):
        if conflict is not None and conflict.key == "data.strokes":  # without a window there is no canvas to draw on
            raise UserError(f"Nothing is drawn: set data.strokes to {experiments.every_field()['data.strokes'].bound}.")
        refuse(conflict)


def _read(problem: Problem) -> str:
    """Return a line about the data, and about rows that were left out."""
    dataset = problem.dataset
    train, held_out = len(dataset.points), len(dataset.held_out)
    if len(problem.shape) == 3:
        channels, height, width = problem.shape
        what = f"images of {width} x {height}, {'grey' if channels == 1 else 'RGB'}"
    else:
        what = f"{'rows' if dataset.density is None else 'draws'} of {', '.join(dataset.axes)}"
    line = f"Data: {dataset.name}, {train + held_out:,} {what}: {train:,} to train, {held_out:,} held out."
    return line if dataset.note is None else f"{line} {dataset.note}"


def _train(opened: Opened) -> Trained:
    """Train, and say how it ended."""
    with stage("Training") as update:
        work = opened.compute(opened.training)
        trained: Trained = result(work, lambda progress: _show(progress, f"loss {progress.loss:.4f}", update))
    if trained.last is not None and trained.last.note:
        note(trained.last.note)
    if trained.last is not None and trained.last.diverged:
        note(f"score-playground: {trained.last.diverged}")
    return trained


def _show(progress: TrainingProgress, loss: str, update: Update) -> None:
    left = progress.seconds_left or 0.0
    spent = progress.seconds
    words = f"step {progress.step}, {loss}{_floor(progress)}, {progress.steps_per_second:.0f} steps/s"
    update(spent / (spent + left) if spent + left else 1.0, words)


def _floor(progress: TrainingProgress) -> str:
    """The optimal loss, if it is known."""
    if progress.optimal_loss is None:
        return ""
    return f" (optimal {with_error(progress.optimal_loss, progress.optimal_loss_error or 0.0)})"


def _session(problem: Problem, trained: Trained) -> Session:
    """The model as a session. Each "auto" stays, so that other data in the window get the values that suit them."""
    weights = dict(trained.state)
    if problem.resolve().training.seconds == "auto":
        # If only the steps limit the training, the seconds do not matter and would differ from run to run.
        weights["seconds"] = np.zeros(())
    return Session.of(problem.experiment, problem.dataset, weights=weights, device=trained.device)


def _measure(measuring: Generator[MeasuringProgress, None, Figures]) -> Figures:
    """Measure all figures, each stage with a line of its own."""
    reports: list[Figures] = []

    def progress() -> Iterator[MeasuringProgress]:
        reports.append((yield from measuring))

    for title, stage_of in itertools.groupby(progress(), key=lambda report: report.stage):
        with stage(title) as update:
            for report in stage_of:
                update(report.fraction, report.label)
    return reports[0]
