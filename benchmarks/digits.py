"""The quality of generated digits with the default settings, measured by a classifier that was trained on real digits.

The classifier is a support vector machine with a radial kernel (scikit-learn, a development dependency). The model that
ships has seed 0; for each seed from 1 on, a model is trained. For each of them, three figures are printed and must hold:

- the share of samples that the classifier is 90 % sure of: at least 0.92 of that share of real held-out digits;
- the shares of the ten digits: each within 0.05 of a tenth;
- the median distance to the nearest training image: at least that of held-out digits less two standard errors, so that
  nothing is memorized.

    python benchmarks/digits.py [--seconds 120 | --steps 6000] [--seeds 2] [--samples 500] [--set key=value ...]
        [--table docs/benchmarks.md]

It exits with 1 if one of them does not hold.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import SVC
from tables import rows, write_between

from playground.lab.experiment import Experiment, assignment, replace
from playground.lab.image_metrics import image_figures
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.session import Session
from playground.lab.training import Trainer
from playground.resources import resource

SURE, SHARE, UNEVEN = 0.9, 0.92, 0.05


@dataclass(frozen=True)
class Found:
    """The figures of samples, and of real digits.

    Attributes:
        sure, sure_real: share of which the classifier is sure.
        shares: shares of the ten digits.
        near, near_error, near_real: median distance to the nearest training image.
    """

    sure: float
    sure_real: float
    shares: list[float]
    near: float
    near_error: float
    near_real: float

    @property
    def sure_enough(self) -> bool:
        return self.sure >= SHARE * self.sure_real

    @property
    def balanced(self) -> bool:
        return max(abs(share - 0.1) for share in self.shares) <= UNEVEN

    @property
    def new(self) -> bool:
        return self.near >= self.near_real - 2 * self.near_error

    def __str__(self) -> str:
        sentences = {
            f"sure of {self.sure:.3f} of the samples, {self.sure_real:.3f} of real digits, "
            f"{self.sure / self.sure_real:.3f} of it": self.sure_enough,
            "shares " + " ".join(f"{share:.3f}" for share in self.shares): self.balanced,
            f"nearest training image {self.near:.3f} +- {self.near_error:.3f}, of real digits {self.near_real:.3f}": self.new,
        }
        return "\n".join(f"  {sentence}: {'met' if met else 'MISSED'}" for sentence, met in sentences.items())

    def cells(self) -> list[str]:
        """For a row of the table."""

        def marked(text: str, met: bool) -> str:
            return text if met else f"{text} (missed)"

        return [
            marked(f"{self.sure:.3f} / {self.sure_real:.3f} = {self.sure / self.sure_real:.3f}", self.sure_enough),
            marked(f"{min(self.shares):.3f} to {max(self.shares):.3f}", self.balanced),
            marked(f"{self.near:.3f} ± {self.near_error:.3f} / {self.near_real:.3f}", self.new),
        ]


def evaluated(problem: Problem, trainer: Trainer) -> Found:
    """Sample from the averaged weights and measure the figures."""
    *_, trajectory = sample(problem, trainer.ema.requires_grad_(False))
    dataset = problem.dataset
    samples = np.clip(trajectory.positions[-1], -1, 1)
    classifier = CalibratedClassifierCV(SVC(C=10.0), ensemble=False).fit(dataset.points.reshape(-1, 64), dataset.labels)
    sure, sure_real = (
        float((classifier.predict_proba(images.reshape(-1, 64)).max(1) > SURE).mean())
        for images in (samples, dataset.held_out)
    )
    shares = np.bincount(classifier.predict(samples.reshape(-1, 64)), minlength=10) / len(samples)
    near = image_figures(problem, samples)["nearest_neighbour_distance"]
    return Found(sure, sure_real, shares.tolist(), near.value, near.error, near.floor)


def shipped(settings: dict[str, object]) -> Found:
    """Of the model that ships."""
    session = Session.load(resource("checkpoints/digits.spg"))
    problem = Problem.build(replace(session.experiment, settings))
    trainer = Trainer(problem)
    trainer.restore(dict(session.weights or {}))
    print(f"the model that ships: {trainer.network.parameters_count:,} weights, {trainer.step:,} steps")
    return evaluated(problem, trainer)


def trained(settings: dict[str, object], seed: int) -> tuple[Found, int]:
    """The figures of a model trained with this seed, and the number of its steps."""
    problem = Problem.build(replace(Experiment(), settings | {"seed": seed}))
    trainer = Trainer(problem)
    *_, last = trainer
    print(f"seed {seed}: {last.step:,} steps in {last.seconds:.0f} s")
    return evaluated(problem, trainer), last.step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float)
    length.add_argument("--steps", type=int, help="instead of seconds, where the machine is busy with other things")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any other setting")
    parser.add_argument("--table", type=Path, metavar="FILE.md", help="page to write the table into")
    options = parser.parse_args()
    torch.set_num_threads(1)
    limit = {"training.seconds": options.seconds, "training.steps": options.steps}
    settings = {"data.kind": "digits", "sampling.particles": options.samples} | dict(map(assignment, options.set))
    found = {"the model that ships": shipped(settings)}
    print(found["the model that ships"], flush=True)
    settings |= {key: value for key, value in limit.items() if value is not None}
    for seed in range(1, 1 + options.seeds):
        one, steps = trained(settings, seed)
        found[f"seed {seed}, {steps:,} steps"] = one
        print(one, flush=True)
    if options.table is not None:
        other = f" ({', '.join(options.set)})" if options.set else ""
        made = (
            f"{options.samples} samples with the default settings{other}, evaluated by a support vector machine that was trained on "
            f"real digits. Targets: the share of which it is {SURE:.0%} sure is at least {SHARE} times that of real held-out digits; "
            f"each digit's share is within {UNEVEN} of a tenth; the nearest training image is at least as far as that of held-out "
            "digits, within two standard errors."
        )
        header = ["model", "sure of samples / of real digits", "shares", "nearest training image / of real digits"]
        lines = rows([header, *([name, *one.cells()] for name, one in found.items())])
        write_between(options.table, "digits", "benchmarks/digits.py", f"{made}\n\n{lines}")
    sys.exit(not all(one.sure_enough and one.balanced and one.new for one in found.values()))


if __name__ == "__main__":
    main()
