"""``score-playground scenes``: measure the claims of the bundled scenes, or of other files, and say whether they hold."""

import functools
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from playground.cli.claims import print_claims
from playground.cli.reporting import stage
from playground.lab import scenes
from playground.lab.claims import Claim, measured
from playground.lab.scene_figures import measure
from playground.lab.scenes import MeasuredScene, SceneFile
from playground.user_errors import UserError


def measure_scenes(names: Sequence[str], device: str, json: bool = False) -> bool:
    """Measure the claims of scenes and print them.

    Args:
        names: names of bundled scenes, or files; if there are none, all bundled scenes.

    Returns:
        Whether every claim holds.

    Raises:
        UserError: there is no such scene, or one cannot be measured.
    """
    loaded = {name: scenes.load(path) for name, path in chosen(names, scenes.bundled(), "scene", "a file").items()}
    claims = {
        name: scenes.claims(scene, functools.cache(functools.partial(measured_scene, scene, device, "Measuring")))
        for name, scene in loaded.items()
    }
    return print_files(claims, "scenes", json)


def print_files(claims: Mapping[str, Sequence[Claim]], command: str, json: bool) -> bool:
    """Measure and print the claims of files; a command that is stopped says how the others are measured."""

    def left(done: int) -> str:
        waiting = [name for name, some in claims.items() if (done := done - len(some)) < 0]
        measured_ones = f"{len(claims) - len(waiting)} of {len(claims)} are measured."
        return f"{measured_ones} For the others: score-playground {command} {shlex.join(waiting)}"

    every = [claim for some in claims.values() for claim in some]
    return all(claim.holds for claim in print_claims(every, measured(every), json, left=left))


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


def measured_scene(scene: SceneFile, device: str, title: str) -> MeasuredScene:
    """Measure a scene and show the progress with this title."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    with stage(title) as update:
        for done, latest in measure(scene, device):
            update(done, "")
            found = latest
    return found
