"""``score-playground scenes``: measure the claims of the bundled scenes, or of other files, and say whether they hold."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from playground.cli.reporting import say, stage
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
    failed = [path.stem for path in paths if not _holds(path, device)]
    if failed:
        say(f"Claims that do not hold: {', '.join(failed)}")
    return not failed


def chosen(names: Sequence[str], known: Mapping[str, Path], what: str, file: str) -> list[Path]:
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
    return list(paths.values())


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
