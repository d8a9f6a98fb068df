"""Train the model that the window opens with, and record the run that plays before torch is loaded.

python resources/checkpoints/make_checkpoints.py

Writes two-moons.spg, a session of less than 1 MB: the default experiment trained longer than by default, its averaged
weights, its training set in single precision, and one run of the sampler in half precision and every fifth frame.
"""

from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from playground.lab.evaluation import evaluate
from playground.lab.experiment import Experiment, replace
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.training import Trainer

STEPS = 12_000
PARTICLES = 1_000  # in the recorded run; the live one that follows has as many as the experiment says
EVERY = 5
LARGEST = 1_000_000  # bytes


def main() -> None:
    torch.set_num_threads(1)
    experiment = Experiment()
    problem = Problem.build(replace(experiment, {"training.steps": STEPS, "sampling.particles": PARTICLES}))
    trainer = Trainer(problem)
    steps, losses = [], []
    progress = None
    for progress in track(trainer, "training", total=None):
        steps.append(progress.step)
        losses.append(progress.loss)
    assert progress is not None
    network = trainer.ema.requires_grad_(False)
    *_, trajectory = sample(problem, network)
    *_, result = evaluate(problem, network, trajectory.positions[-1])
    print({name: value for name, value in (result.metrics or {}).items() if isinstance(value, float)})

    state = trainer.state()
    kept = {name: array for name, array in state.items() if not name.startswith(("network.", "adam."))}
    frames = np.unique([*range(0, len(trajectory), EVERY), len(trajectory) - 1])
    arrays = {name: array for name, array in trajectory.arrays().items() if name != "axes"}
    recorded = {name: array if name == "shape" else array[frames] for name, array in arrays.items()}
    every = max(len(steps) // 500, 1)
    session = Session(
        experiment=experiment,
        points=problem.dataset.points.astype(np.float32),
        held_out=problem.dataset.held_out.astype(np.float32),
        weights=kept,
        trajectory=recorded | {"positions": recorded["positions"].astype(np.float16)},
        training={
            "state": "finished",
            "progress": {name: getattr(progress, name) for name in progress.__dataclass_fields__},
            "steps": steps[(len(steps) - 1) % every :: every],  # the last one among them
            "losses": losses[(len(steps) - 1) % every :: every],
        },
    )
    target = Path(__file__).with_name("two-moons.spg")
    session.save(target)
    size = target.stat().st_size
    print(f"{target.name}: {size:,} bytes, {trainer.step:,} steps")
    assert size < LARGEST, f"{size:,} bytes are too many to ship"


if __name__ == "__main__":
    main()
