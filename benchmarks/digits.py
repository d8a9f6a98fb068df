"""How good generated digits are after training from the defaults: what a judge trained on real digits makes of them.

The judge is a support vector machine with a radial kernel (scikit-learn, a development dependency). Printed and demanded:

- the share of samples that it is 90 % sure of, at least 0.92 of that share among real held-out digits;
- the shares of the ten digits, each within 0.05 of a tenth;
- the median distance to the nearest training image, no nearer than that of held-out digits less two standard errors: not memorised.

    python benchmarks/digits.py [--seconds 120 | --steps 6000] [--samples 500] [--set key=value ...]

Exits with 1 if one is missed.
"""

import argparse
import sys

import numpy as np
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import SVC

from playground.lab.experiment import Experiment, assignment, replace
from playground.lab.image_metrics import image_figures
from playground.lab.problem import Problem
from playground.lab.sampling import sample
from playground.lab.training import Trainer

SURE, SHARE, UNEVEN = 0.9, 0.92, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float)
    length.add_argument("--steps", type=int, help="instead of seconds, where the machine is busy with other things")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any other setting")
    options = parser.parse_args()
    torch.set_num_threads(1)
    limit = {"training.seconds": options.seconds, "training.steps": options.steps}
    limit = {key: value for key, value in limit.items() if value is not None}
    settings = {"data.kind": "digits", "sampling.particles": options.samples} | limit
    problem = Problem.build(replace(Experiment(), settings | dict(map(assignment, options.set))))
    trainer = Trainer(problem)
    *_, last = trainer
    *_, trajectory = sample(problem, trainer.ema.requires_grad_(False))
    samples, real = np.clip(trajectory.positions[-1], -1, 1), problem.dataset.held_out
    judge = CalibratedClassifierCV(SVC(C=10.0), ensemble=False).fit(
        problem.dataset.points.reshape(-1, 64), problem.dataset.labels
    )
    sure, sure_real = (
        float((judge.predict_proba(images.reshape(-1, 64)).max(1) > SURE).mean()) for images in (samples, real)
    )
    shares = np.bincount(judge.predict(samples.reshape(-1, 64)), minlength=10) / len(samples)
    figures = image_figures(problem, samples)
    near, error, near_real = (figures[f"nearest_distance{end}"] for end in ("", "_standard_error", "_held_out"))
    print(f"{trainer.network.parameters_count:,} weights, {last.step:,} steps in {last.seconds:.0f} s")
    verdicts = {
        f"sure of {sure:.3f} of the samples, {sure_real:.3f} of real digits: {sure / sure_real:.3f} of it": sure
        >= SHARE * sure_real,
        "shares " + " ".join(f"{share:.3f}" for share in shares): np.abs(shares - 0.1).max() <= UNEVEN,
        f"nearest training image {near:.3f} +- {error:.3f}, of real digits {near_real:.3f}": near
        >= near_real - 2 * error,
    }
    for sentence, met in verdicts.items():
        print(f"{sentence}: {'met' if met else 'MISSED'}")
    sys.exit(not all(verdicts.values()))


if __name__ == "__main__":
    main()
