"""Claims that are measured by using the program: processor, device, fonts, its files, training speed. Each counts what is wrong."""

import os
import platform
import time

from playground.lab.claims import Found
from playground.messages import how_many

SYMBOLS = "σ∇∂θ√×·"  # characters of labels that are no Latin letters
ALIASES = {"Sans Serif", "Serif", "Monospace"}  # fontconfig lists them even if there is no font
SPEED_SECONDS, SLOW = 1.0, 60  # seconds of training, and steps/s below which two moons take over a minute


def processor() -> Found:
    """Report the number of cores and the CPU instructions that torch uses."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    instructions = torch.backends.cpu.get_cpu_capability()
    found = f"{how_many(cores, 'core')}, {instructions} instructions"
    if instructions == "DEFAULT" and platform.machine().lower() in ("x86_64", "amd64"):
        return Found(
            0, found, "This processor has no AVX2, so training takes several times as long: choose short runs."
        )
    if cores == 1:
        return Found(0, found, "Training and the window share one core, so the picture will move less smoothly.")
    return Found(0, found)


def fonts() -> Found:
    """Whether the typeface that ships with the program can be used, and the system's fonts for other alphabets."""
    from PySide6.QtGui import QFontDatabase, QRawFont

    from playground.drawing.fonts import FAMILY, text_font
    from playground.drawing.render import headless

    application = headless()
    used = QRawFont.fromFont(text_font(13))
    others = len(set(QFontDatabase.families()) - ALIASES - {FAMILY})
    missing = [sign for sign in SYMBOLS if not used.supportsCharacter(ord(sign))]
    found = f"{used.familyName()}; {others or 'no'} other famil{'y' if others == 1 else 'ies'} for other alphabets"
    del application
    if used.familyName() != FAMILY or missing:
        return Found(1, f"{found}; lacks {' '.join(missing) or FAMILY}", "Unpack the program again.")
    return Found(0, found)


def bundled_files() -> Found:
    """Open the files that ship with the program: the opening session, each example with its data, each icon."""
    from PySide6.QtSvg import QSvgRenderer

    from playground.drawing.render import headless
    from playground.lab import experiment as experiments
    from playground.lab.problem import Problem
    from playground.lab.session import Session
    from playground.resources import resource

    application = headless()
    examples = sorted(resource("experiments").glob("*.toml"))
    sessions = sorted(resource("checkpoints").glob("*.spg"))
    icons = sorted(resource("icons").glob("*.svg"))
    broken = [icon.name for icon in icons if not QSvgRenderer(str(icon)).isValid()]
    kinds = {Problem.build(experiments.load(path)).experiment.data.kind for path in examples}
    broken += sorted(set(experiments.fields()["data.kind"].choices) - kinds)
    for path in sessions:
        Session.load(path)
    del application
    found = f"{len(examples)} examples of {len(kinds)} data sets, {len(sessions)} sessions, {len(icons)} icons"
    if broken or not sessions or not icons:
        return Found(1, f"{found}; broken or missing: {', '.join(broken)}", "Unpack the program again.")
    return Found(0, found)


def device() -> Found:
    """Check the device of "auto" by a small matrix product."""
    import torch

    from playground.lab.experiment import Experiment
    from playground.lab.problem import choose_device

    chosen = choose_device("auto", Experiment())
    values = torch.arange(6.0, device=chosen).reshape(2, 3)
    if (values @ values.T).tolist() != [[5.0, 14.0], [14.0, 50.0]]:
        return Found(1, f"{chosen.type} computes wrong numbers", "Choose --device cpu.")
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else ""
    return Found(0, f"torch {torch.__version__}, {chosen.type} {name}".rstrip())


def training() -> Found:
    """Train the opening experiment for a second."""
    from playground.cli import results
    from playground.lab.experiment import Experiment
    from playground.lab.problem import Problem, choose_device
    from playground.lab.training import Trainer

    begun = time.monotonic()
    problem = Problem.build(Experiment(), device=choose_device("auto", Experiment()))
    results.use_threads(problem)
    steps, first, start = 0, 0.0, time.monotonic()
    for progress in Trainer(problem):
        first = first or time.monotonic() - begun
        steps = progress.step
        if progress.diverged:
            return Found(1, str(progress.diverged))
        if time.monotonic() - start > SPEED_SECONDS:
            break
    rate = steps / (time.monotonic() - start)
    found = f"{rate:.0f} steps a second, the first after {first:.1f} s"
    if rate < SLOW:
        return Found(0, found, "Runs will take long here: close other programs, plug in the charger.")
    return Found(0, found)
