"""Few rows: KL of networks and of a kernel density for files of 50 to 2,000 rows of known densities.

It runs on one thread. Each file is split as usual: a fifth of its rows is held out, and half of these decide when to stop.
KL(data || model) is estimated from the likelihood of fresh draws of the density, with its standard error. The kernel density has
the training rows and the width of their best leave-one-out likelihood. Networks are trained with the defaults, with these and
early stopping, and with early stopping and the default of sigma_min for many rows, a hundredth of the standard deviation. It
exits with 1 if a KL with the defaults exceeds 1.5 times the kernel's.

    python benchmarks/few_rows.py [--rows 50 100 400 2000] [--data two-moons ...] [--steps 3000] [--seeds 1]
        [--table docs/benchmarks.md]
"""

import argparse
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from learned import learned
from numpy.typing import NDArray
from tables import rows as rows_of
from tables import write_between

from playground.data.dataset import Dataset
from playground.kinds.datasets import load_dataset
from playground.kinds.noise.noise import SIGMA_MIN
from playground.lab.compute import result
from playground.lab.experiment import Experiment, replace
from playground.lab.likelihood import log_likelihood
from playground.lab.problem import WIDEST, Problem
from playground.theory.empirical import Empirical
from playground.theory.kernel_density import kernel_width
from playground.theory.metrics import mean_with_error

FRESH = 500
"""Draws of the density from which KL is estimated."""
MOST = 1.5
"""Largest KL with the defaults, over that of the kernel density."""


class Rows(NamedTuple):
    """A file of a known density, and fresh draws of it (FRESH, 2) with their log p (FRESH,) in nats."""

    problem: Problem
    fresh: NDArray[np.floating]
    log_prob: torch.Tensor

    def kernel(self) -> torch.Tensor:
        """log p of the data minus that of the kernel density at the fresh draws (FRESH,), in nats."""
        width = kernel_width(self.problem.train, SIGMA_MIN, WIDEST)
        assert width is not None
        x = torch.from_numpy(self.problem.units.to_internal(self.fresh))
        log_prob = Empirical(self.problem.train.double()).log_prob(x, width)
        return self.log_prob - torch.from_numpy(self.problem.units.log_prob_to_user(log_prob.numpy()))

    def network(self, settings: Mapping[str, object]) -> torch.Tensor:
        """The same for a network that is trained with these settings."""
        trainer = learned(self.problem.with_experiment(replace(self.problem.experiment, settings)))
        last = result(log_likelihood(trainer.problem, trainer.ema.requires_grad_(False), self.fresh))
        return self.log_prob - torch.from_numpy(last.log_prob)

    def fixed(self) -> torch.Tensor:
        """The same for a network with the default of sigma_min for many rows."""
        return self.network({"noise.sigma_min": self.problem.units.sigma_to_user(SIGMA_MIN)})


def rows(kind: str, count: int, steps: int, seed: int) -> Rows:
    """A file with `count` rows of a toy, a fifth of them held out."""
    toy = load_dataset(kind, points=count, held_out=FRESH, seed=1000 + seed)
    held_out = count // 5
    dataset = Dataset("rows.csv", toy.points[held_out:], None, (2,), ("x", "y"), toy.points[:held_out])
    settings = {"data.kind": "file", "data.path": "rows.csv", "training.steps": steps, "seed": seed}
    assert toy.density is not None
    log_prob = toy.density.log_prob(torch.from_numpy(toy.held_out))
    return Rows(Problem.build(replace(Experiment(), settings), dataset), toy.held_out, log_prob)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", type=int, default=[50, 100, 400, 2000])
    parser.add_argument("--data", nargs="+", default=["two-moons", "eight-gaussians", "pinwheel"])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--table", type=Path, metavar="FILE.md", help="page to write the table into")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cells, near = [["data", "rows", "kernel density", "fixed σ_min", "default", "over kernel", "stopped early"]], True
    for kind in options.data:
        for count in options.rows:
            files = [rows(kind, count, options.steps, seed) for seed in range(options.seeds)]
            kernel = torch.cat([file.kernel() for file in files])
            fixed = torch.cat([file.fixed() for file in files])
            default, early = (
                torch.cat([file.network(settings) for file in files])
                for settings in ({}, {"training.early_stopping": "on"})
            )
            ratio = float(default.mean() / kernel.mean())
            near &= ratio < MOST
            found = ["{:.3f} ± {:.3f}".format(*mean_with_error(kl)) for kl in (kernel, fixed, default, early)]
            cells.append([kind, f"{count:,}", *found[:3], f"{ratio:.2f}", found[3]])
            print("  ".join(cells[-1]), flush=True)
    if options.table is not None:
        made = (
            f"KL(data || model) in nats, with its standard error over {FRESH} fresh draws, after at most {options.steps:,} training "
            "steps. A fifth of the rows is held out. Fixed σ_min: a hundredth of the standard deviation, with early stopping. "
            f"Stopped early: the default with early stopping. {options.seeds} seed{'s' if options.seeds > 1 else ''}, one thread of "
            f"{platform.processor() or platform.machine()}, torch {torch.__version__}."
        )
        write_between(options.table, "few rows", "benchmarks/few_rows.py", f"{made}\n\n{rows_of(cells)}")
    sys.exit(not near)


if __name__ == "__main__":
    main()
