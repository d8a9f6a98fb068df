"""The value of early stopping for few rows: KL of files of 50 to 2,000 rows of known densities with and without it.

It runs on one thread. Each file is split as usual: a fifth of its rows is held out, and half of these decide when to stop.
KL(data || model) is estimated from the likelihood of fresh draws of the density, with its standard error. It exits with 1
if early stopping raises a KL by more than four standard errors of the difference.

    python benchmarks/few_rows.py [--rows 50 100 400 2000] [--data two-moons ...] [--steps 6900] [--seeds 1]
        [--table docs/benchmarks.md]
"""

import argparse
import platform
import sys
from pathlib import Path

import torch
from learned import learned
from tables import rows as rows_of
from tables import write_between

from playground.data.dataset import Dataset
from playground.kinds.datasets import load_dataset
from playground.lab.experiment import Experiment, replace
from playground.lab.likelihood import log_likelihood
from playground.lab.problem import Problem
from playground.theory.metrics import mean_with_error

FRESH = 500
"""Draws of the density from which KL is estimated."""


def measure(kind: str, count: int, early: str, steps: int, seed: int) -> tuple[torch.Tensor, int]:
    """log p of the data minus that of the model at fresh draws (FRESH,), in nats, and the step whose weights are kept."""
    toy = load_dataset(kind, points=count, held_out=FRESH, seed=1000 + seed)
    held_out = count // 5
    dataset = Dataset("rows.csv", toy.points[held_out:], None, (2,), ("x", "y"), toy.points[:held_out])
    settings = {"data.kind": "file", "data.path": "rows.csv", "training.steps": steps, "seed": seed}
    problem = Problem.build(replace(Experiment(), settings | {"training.early_stopping": early}), dataset)
    trainer = learned(problem)
    *_, last = log_likelihood(problem, trainer.ema.requires_grad_(False), toy.held_out)
    assert last.result is not None
    assert toy.density is not None
    true = toy.density.log_prob(torch.from_numpy(toy.held_out))
    return true - torch.from_numpy(last.result.log_prob), trainer.stopping.best_step or trainer.step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", type=int, default=[50, 100, 400, 2000])
    parser.add_argument("--data", nargs="+", default=["two-moons", "eight-gaussians", "pinwheel"])
    parser.add_argument("--steps", type=int, default=6900)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--table", type=Path, metavar="FILE.md", help="page to write the table into")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cells, harmless = [["data", "rows", "KL to the end", "KL stopped early", "step that is kept"]], True
    for kind in options.data:
        for count in options.rows:
            found = {
                early: [measure(kind, count, early, options.steps, seed) for seed in range(options.seeds)]
                for early in ("off", "on")
            }
            off, on = (torch.cat([kl for kl, _ in found[early]]) for early in ("off", "on"))
            (without, its_error), (with_it, error) = mean_with_error(off), mean_with_error(on)
            worse, uncertain = mean_with_error(on - off)
            harmless &= worse < 4 * uncertain
            steps = ", ".join(f"{step:,}" for _, step in found["on"])
            cells.append(
                [kind, f"{count:,}", f"{without:.3f} ± {its_error:.3f}", f"{with_it:.3f} ± {error:.3f}", steps]
            )
            print("  ".join(cells[-1]), flush=True)
    if options.table is not None:
        made = (
            f"KL(data || model) in nats, with its standard error over {FRESH} fresh draws, after {options.steps:,} training steps and with "
            f"early stopping. A fifth of the rows is held out. {options.seeds} seed{'s' if options.seeds > 1 else ''}, "
            f"one thread of {platform.processor() or platform.machine()}, torch {torch.__version__}."
        )
        write_between(options.table, "few rows", "benchmarks/few_rows.py", f"{made}\n\n{rows_of(cells)}")
    sys.exit(not harmless)


if __name__ == "__main__":
    main()
