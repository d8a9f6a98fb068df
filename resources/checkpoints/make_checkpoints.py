"""Train the models that ship, and record a run of each that plays before torch is loaded.

python resources/checkpoints/make_checkpoints.py [two-moons digits ...]
python resources/checkpoints/make_checkpoints.py --resave    write the present files in the present format, without training

It writes NAME.spg for each data set, a session of less than 4 MB: the default experiment on these data, trained longer than
by default. The session has the averaged weights, the data, the checkpoints of the training in half precision, and every few
frames of one run of the sampler in half precision. The data are in single precision. The digits, which have 17 grey levels,
and their weights are in half precision, whose rounding is far below a grey level.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from playground.lab.checkpoints import PREFIX
from playground.lab.evaluation import sample_distances
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.training import Trainer

LARGEST = 4_000_000  # bytes


@dataclass(frozen=True)
class Recipe:
    """The length of the training, and the part of the run that is kept.

    Attributes:
        steps: training steps.
        particles: particles in the recorded run; later runs have the experiment's number.
        every: every so many frames of the run, one is kept.
        thin: every so many checkpoints of the training, one is kept.
        half: whether data and weights are stored in half precision.
    """

    steps: int = 12_000
    particles: int = 1_000
    every: int = 8
    thin: int = 1
    half: bool = False


RECIPES = {
    "two-moons": Recipe(),
    "eight-gaussians": Recipe(),
    "checkerboard": Recipe(),
    "two-spirals": Recipe(),
    "digits": Recipe(steps=6_000, particles=96, every=20, thin=3, half=True),
}


def make(kind: str, recipe: Recipe) -> None:
    """Train, record and write one session."""
    experiment = replace(Experiment(), {"data.kind": kind})
    changes = {"training.steps": recipe.steps, "sampling.particles": recipe.particles}
    problem = Problem.build(replace(experiment, changes))
    trainer = Trainer(problem)
    steps, losses = [], []
    progress = None
    for progress in track(trainer, f"training on {kind}", total=None):
        steps.append(progress.step)
        losses.append(progress.loss)
    assert progress is not None
    network = trainer.ema.requires_grad_(False)
    *_, trajectory = sample(problem, network)
    *_, result = sample_distances(problem, trajectory.positions[-1])
    print({name: value for name, value in (result.metrics or {}).items() if isinstance(value, float)})

    width = np.float16 if recipe.half else np.float32
    state = trainer.state()
    kept = {name: array for name, array in state.items() if not name.startswith(("network.", "adam."))}
    kept |= {name: array.astype(width) for name, array in kept.items() if name.startswith("ema.")}
    shown = {f"{step}" for step in [*trainer.checkpoints][:: recipe.thin]}
    for name in [name for name in kept if name.startswith(f"{PREFIX}.")]:
        array = kept.pop(name)
        if name.split(".")[1] in shown:
            kept[name] = array.astype(np.float16)
    frames = np.unique([*range(0, len(trajectory), recipe.every), len(trajectory) - 1])
    arrays = {name: array for name, array in trajectory.arrays().items() if name != "axes"}
    recorded = {name: array if name == "shape" else array[frames] for name, array in arrays.items()}
    every = max(len(steps) // 500, 1)
    session = Session(
        experiment=experiment,
        points=problem.dataset.points.astype(width),
        held_out=problem.dataset.held_out.astype(width),
        weights=kept,
        trajectory=recorded | {"positions": recorded["positions"].astype(np.float16)},
        training={
            "state": "finished",
            "progress": {name: getattr(progress, name) for name in progress.__dataclass_fields__},
            "steps": steps[(len(steps) - 1) % every :: every],  # the last one included
            "losses": losses[(len(steps) - 1) % every :: every],
        },
    )
    target = Path(__file__).with_name(f"{kind}.spg")
    session.save(target)
    size = target.stat().st_size
    print(f"{target.name}: {size:,} bytes, {trainer.step:,} steps")
    assert size < LARGEST, f"{size:,} bytes are too many to ship"


def main() -> None:
    if sys.argv[1:] == ["--resave"]:
        for path in sorted(Path(__file__).parent.glob("*.spg")):
            Session.load(path).save(path)
        return
    torch.set_num_threads(1)
    for kind in sys.argv[1:] or RECIPES:
        make(kind, RECIPES[kind])


if __name__ == "__main__":
    main()
