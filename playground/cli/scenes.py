"""``score-playground scenes``: measure the claims of the bundled scenes, or of other files, and say whether they hold."""

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch

from playground.cli.reporting import say, stage
from playground.cli.stopping import if_stopped
from playground.lab import scenes
from playground.lab.scene_figures import measure
from playground.lab.scenes import Measured, SceneFile
from playground.user_errors import UserError


def measure_scenes(names: Sequence[str], device: str) -> bool:
    """Measure scenes and print the figures.

    Args:
        names: names of bundled scenes, or files; if there are none, all bundled scenes.

    Returns:
        Whether every claim holds.

    Raises:
        UserError: there is no such scene, or one cannot be measured.
    """
    paths = chosen(names, scenes.bundled(), "scene", "a file")
    failed = [name for name, holds in each(paths, lambda path: _holds(path, device), "scenes") if not holds]
    if failed:
        say(f"Claims that do not hold: {', '.join(failed)}")
    return not failed


def each(paths: Mapping[str, Path], measure_one: Callable[[Path], bool], command: str) -> Iterator[tuple[str, bool]]:
    """Measure files one after another; a command that is stopped says which are done, and how the others are measured."""
    waiting = list(paths)

    def left() -> str:
        done = len(paths) - len(waiting)
        return f"{done} of {len(paths)} are measured. For the others: score-playground {command} {shlex.join(waiting)}"

    with if_stopped(left):
        for name, path in paths.items():
            yield name, measure_one(path)
            waiting.remove(name)


def chosen(names: Sequence[str], known: Mapping[str, Path], what: str, file: str) -> dict[str, Path]:
    """The files of some names, or all known files if no name is given.

    Args:
        known: the bundled files by their names; any other name is the path of a file.
        what, file: words for the messages: what a file contains, and which files can be given.

    Raises:
        UserError: there is no such file.
    """
    paths = {name: known.get(name, Path(name)) for name in names or known}
    for name, path in paths.items():
        if not path.is_file():
            raise UserError(f"{name} is no {what}: give {file}, or one of {', '.join(known)}.")
    return paths


def measured(scene: SceneFile, device: str, title: str) -> Measured:
    """Measure a scene and show the progress with this title."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    with stage(title) as update:
        for done, latest in measure(scene, device):
            update(done, "")
            found = latest
    return found


def _holds(path: Path, device: str) -> bool:
    scene = scenes.load(path)
    say(f"{scene.title}. {scene.claim}")
    found = measured(scene, device, "Measuring")
    say(f"  {found.text}: {'does not hold' if found.failed else 'holds'}")
    return not found.failed
