"""``score-playground scenes``: what the bundled scenes claim, or those of other files, and whether it holds."""

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from playground.cli.reporting import say, stage
from playground.lab import scenes
from playground.lab.scene_figures import measure
from playground.user_errors import UserError


def measure_scenes(names: Sequence[str], device: str) -> bool:
    """Measure scenes and say what came out.

    Args:
        names: of bundled scenes, or files; all bundled ones if there are none.

    Returns:
        Whether every claim holds.

    Raises:
        UserError: there is no such scene, or one cannot be measured.
    """
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    failed = [path.stem for path in [_path(name) for name in names or scenes.bundled()] if not _holds(path, device)]
    if failed:
        say(f"Claims that do not hold: {', '.join(failed)}")
    return not failed


def _path(name: str) -> Path:
    known = scenes.bundled()
    path = known.get(name, Path(name))
    if not path.is_file():
        raise UserError(f"{name} is no scene: give a file, or one of {', '.join(known)}.")
    return path


def _holds(path: Path, device: str) -> bool:
    scene = scenes.load(path)
    say(f"{scene.title}. {scene.claim}")
    with stage("Measuring") as update:
        for done, found in measure(scene, device):
            measured = found
            update(done, "")
    assert measured is not None
    say(f"  {measured.text}: {'does not hold' if measured.failed else 'holds'}")
    return not measured.failed
