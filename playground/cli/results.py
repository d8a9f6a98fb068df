"""The folder of a run: its files, and the commands that use them later."""

import dataclasses
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from playground.cli.reporting import say, stage, warn
from playground.cli.settings import with_settings, with_settings_after_training
from playground.lab import experiment as experiments
from playground.lab import script_files
from playground.lab.atomic import is_held, write_whole
from playground.lab.compute import result
from playground.lab.csv_table import write_csv as write_csv
from playground.lab.label_dropout_checks import untrained_conditional_score, untrained_unconditional_score
from playground.lab.measured import Figures
from playground.lab.model import Model
from playground.lab.opened import Opened
from playground.lab.problem import Problem
from playground.lab.run_figures import sampling_cost
from playground.lab.sampling import require_sampler
from playground.lab.session import METRICS, MODEL, TRAJECTORY, Session
from playground.lab.training import recommended_threads
from playground.lab.trajectory import Trajectory
from playground.lab.without_effect import settings_without_effect
from playground.messages import Message
from playground.user_errors import UserError

if TYPE_CHECKING:
    from playground.app.model.live_training import Weights

EXPERIMENT = "experiment.toml"
SAMPLES, PICTURE, VIDEO, WEB = "samples.csv", "picture.png", "video.mp4", "run.html"
PAGE = ".html"
"""The suffix of a web page."""
EVERYTHING = (EXPERIMENT, MODEL, METRICS, TRAJECTORY, SAMPLES, PICTURE, VIDEO, WEB)
UNFINISHED = "unfinished.safetensors"


INCOMPLETE = "incomplete.txt"
"""A file in a folder, and locked, while a run writes its results there. It names the folder of the new files, and stays after a kill."""
NEW = "new-"
"""Begins the name of a folder into which a run writes."""
EARLIER, REPLACED = "earlier", "replaced"
"""A folder in it for the earlier files, while they are set aside and while the new ones take their places."""


STILL_WRITTEN = "is still being written by another run"


def folder_in_use(folder: Path) -> UserError:
    """Return the error for a folder that another run is writing."""
    return UserError(f"--out {folder} {STILL_WRITTEN}: wait for its end, or give another folder.")


def why_incomplete(folder: Path) -> str | None:
    """Why the files of a folder may be from different runs, as part of a sentence; None if they are of one run."""
    if is_held(folder / INCOMPLETE):
        return STILL_WRITTEN
    half = any(map(is_half_installed, left_by_killed(folder)))
    return "is half written, because its run was stopped" if half else None


def left_by_killed(folder: Path) -> list[Path]:
    """The folders of the runs that the note names, oldest first, and none of the user's own."""
    try:
        note = (folder / INCOMPLETE).read_text("utf-8", "replace")
    except OSError:
        return []
    return [
        folder / name for name in re.findall(rf"^{NEW}[0-9a-f]{{8}}$", note, re.MULTILINE) if (folder / name).is_dir()
    ]


def is_half_installed(new: Path) -> bool:
    """Whether the files of a run are changing places with the earlier ones."""
    return (new / EARLIER).exists() or (new / REPLACED).exists()


def require_free_folder(folder: Path, names: Iterable[str], overwrite: bool) -> None:
    """Make sure that files can be written into a folder, and that no earlier file is lost without the user's consent.

    Raises:
        UserError: a folder has the name of a file, or a file exists and must not be overwritten.
    """
    for name in names:
        if (folder / name).is_dir():
            raise UserError(f"--out {folder} holds a folder named {name}, where a file is to be written: move it away.")
    if is_held(folder / INCOMPLETE):
        raise folder_in_use(folder)
    half = why_incomplete(folder)
    if half and not overwrite:
        raise UserError(f"--out {folder} {half}: give another folder, or add --overwrite to replace it.")
    there = [name for name in names if (folder / name).exists()]
    if there and not overwrite:
        raise UserError(
            f"--out {folder} already holds {there[0]}: give another folder, or add --overwrite to replace the results there."
        )


def open_model(folder: Path, assignments: Sequence[str] = (), seed: int | None = None, device: str = "auto") -> Opened:
    """Open the model in a run's folder, or in a session that the window saved, with changed settings.

    Raises:
        UserError: there is no such folder or file, or a setting would need a new training.
        SessionError: the model file is damaged.
        ExperimentError: a setting cannot be used, or there is no such device.
    """
    if not folder.exists():
        raise UserError(f"{folder} is not a folder: give the DIR that score-playground run wrote, or a session (.spg).")
    half = why_incomplete(folder)
    if half:
        warn(f"{folder} {half}: only {MODEL} is used, and other files may be missing.")
    path = folder / MODEL if folder.is_dir() else folder
    if not path.is_file():
        raise UserError(f"{folder} holds no {MODEL}: give the DIR that score-playground run wrote.")
    found = Opened.session(Session.load(path), device, path)
    found = dataclasses.replace(found, document=with_settings_after_training(found.document, assignments, seed))
    use_threads(found.problem)
    return found


def use_threads(problem: Problem) -> None:
    """Use the number of torch threads that is best for training such a network."""
    torch.set_num_threads(recommended_threads(problem, os.cpu_count() or 1))


def run_sampler(model: Opened) -> Trajectory:
    """The whole trajectory of a run."""
    _ = model.model.score  # its error says how a session gets weights
    kind = model.document.experiment.sampling.kind
    with stage("Sampling") as update:
        found: Trajectory = result(
            model.compute(model.document.run),
            lambda run: update(len(run) / run.total, f"{run.positions.shape[1]} particles by {kind}"),
        )
    return found


def cost_in_words(cost: Figures) -> str:
    """Put the cost into words."""
    mean, most, seconds = map(cost.value, ("nfe_mean", "nfe_max", "sampling_seconds"))
    count = f"{most:,}" if mean == most else f"mean {mean:,.1f}, most {most:,}"
    return f"{count} of a particle, in {seconds:.3g} s"


def warn_of_settings(problem: Problem) -> None:
    """Warn of settings without an effect, and of scores that are used but never trained."""
    warn(*settings_without_effect(problem))
    warn(
        *(
            untrained(problem.experiment, problem.conditions)
            for untrained in (untrained_conditional_score, untrained_unconditional_score)
        )
    )


def write_samples(
    folder: Path, assignments: Sequence[str], seed: int | None, device: str, out: Path, frames: bool
) -> None:
    """``score-playground sample``: write every frame of the trajectory with `frames`, otherwise the final points."""
    model = open_model(folder, assignments, seed, device)
    require_sampler(model.problem)
    warn_of_settings(model.problem)
    trajectory = run_sampler(model)
    if out.suffix.lower() == ".npz":
        (trajectory if frames else trajectory.last_frame()).save_npz(out)
    elif frames:
        trajectory.save_csv(out)
    else:
        final = trajectory.positions[-1]
        write_csv(out, column_names(model.problem), final.reshape(len(final), -1))
    say(f"Score evaluations: {cost_in_words(Figures(sampling_cost(trajectory)))}")
    what = f"{len(trajectory)} frames" if frames else "The final points"
    say(f"{what} of {trajectory.positions.shape[1]} particles are in {out}")


def write_script(source: Path, out: Path, standalone: bool, assignments: Sequence[str] = ()) -> None:
    """``score-playground script``. The data of a session go with the script unless a setting of the data is changed."""
    path = source / EXPERIMENT if (source / EXPERIMENT).is_file() else source
    session = None if path.suffix.lower() == ".toml" else Session.load(path)
    given = experiments.load(path) if session is None else session.experiment
    experiment = with_settings(given, assignments, None)
    same = session is not None and experiment.data == given.data and experiment.noise.file == given.noise.file
    dataset = session.dataset() if session and same else None
    if standalone:
        script_files.save_standalone(experiment, out, dataset)
        say(f"The script, its notebook, its data and the files that they import are in {out}")
        return
    beside = script_files.save(experiment, out, dataset)
    say(
        f"The {'notebook' if out.suffix.lower() == script_files.NOTEBOOK else 'script'} is {out}"
        + (f"\nIts data are in {beside}" if beside else "")
    )


def write_json(path: Path, contents: Mapping[str, Any]) -> None:
    """Write numbers, text and messages as JSON, atomically."""
    write_whole(path, as_text(contents) + "\n")


def as_text(contents: Mapping[str, Any]) -> str:
    """Numbers, text and messages as JSON."""
    return json.dumps(contents, indent=2, ensure_ascii=False, allow_nan=False, default=_text)


def _text(value: object) -> str:
    """Convert a message to its text."""
    if isinstance(value, Message):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON.")


def column_names(problem: Problem) -> list[str]:
    """The header of a table of points: the two axes, or p0, p1, ... for the pixels of images."""
    if problem.shape == (2,):
        return list(problem.dataset.axes)
    return [f"p{pixel}" for pixel in range(int(np.prod(problem.shape)))]


def write_video(folder: Path, out: Path, size: tuple[int, int], fps: int, training: bool = False) -> None:
    """``score-playground video``; the suffix of a web page makes one."""
    from playground.app.model.model import Model
    from playground.cli.painting import paint_training_video, paint_video, paint_web_page

    model = open_model(folder, device="cpu")
    problem, shown = model.problem, Model.of(model.problem, model.model.network)
    page, steps = out.suffix.lower() == PAGE, training_steps(model.model)
    if training or (page and steps):
        require_sampler(problem)
    if training and not steps:
        _ = model.model.learned  # its error says what to do if there is no network
        none = f"{folder} holds no weights of earlier training steps: train anew by score-playground run."
        raise UserError(none)
    if training and not page:
        paint_training_video(shown, steps, out, size, fps)
    else:
        trajectory = _recorded(folder, problem) if folder.is_dir() else _played(model)
        if page:
            # The run of a session may be of the weights of an earlier step.
            steps = steps if folder.is_dir() else []
            paint_web_page(shown, trajectory, out, _figures(folder), steps)
        else:
            paint_video(shown, trajectory, out, size, fps)
    say(f"The {'web page' if page else 'video'} is {out}")


def training_steps(model: Model) -> "list[Weights]":
    """The weights of each training step that a session keeps, and the newest weights; empty if it keeps no earlier step."""
    from playground.app.model.live_training import Weights

    if model.network is None:
        return []
    kept, last = model.checkpoints, model.step
    earlier = [step for step in kept if step < last]
    if not earlier:
        return []
    found = [Weights(number, kept[step], untrained=step == 0, step=step) for number, step in enumerate(earlier)]
    return [*found, Weights(len(found), model.network.state_dict(), untrained=False, step=last)]


def _figures(folder: Path) -> Figures | None:
    """What was measured of the run in a folder, if it can be read."""
    try:
        return Figures.of(json.loads((folder / METRICS).read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _recorded(folder: Path, problem: Problem) -> Trajectory:
    """The trajectory of a run's folder."""
    path = folder / TRAJECTORY
    if not path.is_file():
        raise UserError(f"{folder} holds no {TRAJECTORY}: sample it by score-playground run.")
    try:
        trajectory = Trajectory.load_npz(path)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} holds no trajectory that can be read: sample again by score-playground run."
        ) from error
    if trajectory.shape != problem.shape:
        raise UserError(f"{path} is of other data than {MODEL}: sample again by score-playground run.")
    return trajectory


def _played(model: Opened) -> Trajectory:
    """The run in a session of the window; if it was saved without one, a new run, as the window would play it."""
    if model.recorded is not None:
        return Trajectory.from_arrays(dict(model.recorded))
    require_sampler(model.problem)
    return run_sampler(model)
