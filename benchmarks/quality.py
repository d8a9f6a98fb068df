"""How close the default experiment comes to the truth: KL in nats after 20 seconds of training, one thread.

Per data set and seed: train with the default settings, then KL(data || model) by the likelihood of fresh points under the
averaged weights, with its standard error; beside it the speed and the loss's distance to its floor. Every target is the
least the project promises; exits with 1 if a mean KL lies above its own.

    python benchmarks/quality.py [--data two-moons ...] [--seconds 20 | --steps 9000] [--seeds 3] [--set key=value ...]
        [--table docs/benchmarks.md]
"""

import argparse
import platform
import sys
from pathlib import Path

import numpy as np
import torch

from playground.lab.evaluation import evaluate
from playground.lab.experiment import Experiment, assignment, replace
from playground.lab.problem import Problem
from playground.lab.training import Trainer, build_objective

TARGETS = {
    "two-moons": 0.008,
    "two-gaussians": 0.003,
    "eight-gaussians": 0.012,
    "checkerboard": 0.05,
    "pinwheel": 0.03,
    "two-spirals": 0.03,
    "rings": 0.03,
    "swiss-roll": 0.03,
}


def measure(experiment: Experiment) -> tuple[float, float]:
    """Train and judge one experiment, print a line, give KL and its standard error."""
    problem = Problem.build(experiment)
    trainer = Trainer(problem)
    *_, last = trainer
    network = trainer.ema.requires_grad_(False)
    judge, generator, losses = build_objective(problem), problem.generator("benchmark"), []
    for x in problem.test.split(1000):
        sigma = problem.noise.training_sigmas(len(x), generator, experiment.training.sigmas)
        losses.append(float(judge.loss(network, x, sigma, generator).detach().mean()))
    *_, result = evaluate(problem, network)
    assert result.metrics is not None
    kl, error = result.metrics["kl"], result.metrics["kl_standard_error"]
    floor = "unknown" if last.floor is None else f"{last.floor:.4f}"
    print(
        f"{experiment.data.kind:16} seed {experiment.seed}  {last.step:6,} steps {last.step / last.seconds:5.0f}/s  "
        f"loss {np.mean(losses):.4f} (floor {floor})  KL {kl:.4f} +- {error:.4f} nat",
        flush=True,
    )
    if last.diverged:
        print(last.diverged)
    return kl, error


START, END = "<!-- KL: made by benchmarks/quality.py -->", "<!-- end of KL -->"


def table(found: dict[str, list[tuple[float, float]]], length: str, settings: list[str]) -> str:
    """KL per data set and seed as Markdown: each with its standard error, their mean beside the target."""
    seeds = max(map(len, found.values()))
    header = ["data", *(f"seed {seed}" for seed in range(seeds)), "mean", "target"]
    rows = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for kind, runs in found.items():
        mean, target = float(np.mean([kl for kl, _ in runs])), TARGETS.get(kind)
        mark = "" if target is None else "" if mean <= target else " (missed)"
        each = [f"{kl:.4f} ± {error:.4f}" for kl, error in runs]
        rows.append([kind, *each, f"{mean:.4f}{mark}", "" if target is None else f"{target:g}"])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    other = f", {', '.join(settings)}" if settings else ""
    made = (
        f"KL(data || model) in nats with its standard error over held-out points, after {length} of training with the default "
        f"settings{other}; one thread of {platform.processor() or platform.machine()}, torch {torch.__version__}."
    )
    return "\n".join([START, made, "", *lines, END])


def write_table(path: Path, text: str) -> None:
    """Put the table in place of the one that the file holds, or at its end."""
    page = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n\n## KL per data set\n\n"
    before, found, rest = page.partition(START)
    after = rest.partition(END)[2] if found else "\n"
    path.write_text(before + text + after, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=list(TARGETS), help="data sets with a known density")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=20.0)
    length.add_argument("--steps", type=int, help="instead of seconds, where the machine is busy with other things")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--points", type=int, default=10_000, help="held-out points to estimate KL from")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any other setting")
    parser.add_argument("--table", type=Path, metavar="FILE.md", help="page to write the table into")
    options = parser.parse_args()
    torch.set_num_threads(1)  # a second thread makes a small network no faster
    limit = {"training.steps": options.steps} if options.steps else {"training.seconds": options.seconds}
    settings = limit | {"likelihood.points": options.points} | dict(map(assignment, options.set))
    missed = False
    found: dict[str, list[tuple[float, float]]] = {}
    for kind in options.data:
        found[kind] = runs = [
            measure(replace(Experiment(), settings | {"data.kind": kind, "seed": seed}))
            for seed in range(options.seeds)
        ]
        mean = float(np.mean([kl for kl, _ in runs]))
        target = TARGETS.get(kind)
        verdict = "" if target is None else f", target {target:g}: {'met' if mean <= target else 'MISSED'}"
        missed |= target is not None and mean > target
        print(f"{kind:16} mean KL {mean:.4f} nat over {options.seeds} seeds{verdict}\n", flush=True)
    if options.table is not None:
        length = f"{options.steps} steps" if options.steps else f"{options.seconds:g} s"
        write_table(options.table, table(found, length, options.set))
    sys.exit(missed)


if __name__ == "__main__":
    main()
