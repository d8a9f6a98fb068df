"""``score-playground boltzmann``: train a Boltzmann machine by summing over its states, and write the results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from playground.app.dialogs.boltzmann.readings import figure_text
from playground.app.style.number_formats import without_typography
from playground.cli.folders import create_folder, replace_results
from playground.cli.reporting import say, short, stage
from playground.cli.results import require_free_folder, write_csv, write_json
from playground.drawing.boltzmann import HEIGHT, WIDTH, paint_machine
from playground.drawing.palette import DARK
from playground.drawing.render import headless, save_painting
from playground.lab import experiment as experiments
from playground.lab.boltzmann.cost import YEAR, Cost, measure_cost
from playground.lab.boltzmann.figures import FIGURES
from playground.lab.boltzmann.patterns import write_pattern
from playground.lab.boltzmann.settings import Boltzmann, are_patterns, patterns_of, training_conflict
from playground.lab.boltzmann.training import Learned, learn
from playground.lab.provenance import Provenance
from playground.user_errors import UserError

SETTINGS, METRICS, PICTURE = "boltzmann.toml", "metrics.json", "picture.png"
WEIGHTS, SAMPLES, COST = "weights.csv", "samples.csv", "cost.csv"
EVERYTHING = (SETTINGS, METRICS, WEIGHTS, SAMPLES, COST, PICTURE)


def read_settings(path: Path | None, assignments: Sequence[str], seed: int | None) -> Boltzmann:
    """The settings of a machine: from a file, or the defaults, with changes.

    Raises:
        ExperimentError: the file or a change cannot be used.
    """
    settings = Boltzmann() if path is None else experiments.load_as(Boltzmann, path)
    changes = dict(experiments.assignment(text, Boltzmann) for text in assignments)
    return experiments.replace(settings, changes if seed is None else changes | {"seed": seed})


def run_boltzmann(settings: Boltzmann, folder: Path, overwrite: bool) -> None:
    """Train, sample, measure the cost of Z, and write the results into a folder.

    Raises:
        UserError: there is nothing to learn, or the folder holds results that must not be overwritten.
    """
    conflict = training_conflict(settings)
    if conflict is not None:
        raise UserError(
            f"There are no patterns to learn: set patterns to {experiments.fields(Boltzmann)['patterns'].bound}."
        )
    require_free_folder(folder, EVERYTHING, overwrite)
    torch.set_num_threads(1)  # with work this small, more threads would wait for each other
    with create_folder(folder):
        with stage("Training") as update:
            for learned in learn(settings):
                progress, samples = learned.progress, learned.samples
                words = f"step {progress.step}, NLL {progress.nll:.4f} (optimal {progress.optimal_nll:.4f})"
                update(progress.step / settings.steps, words)
        with stage("Cost of Z") as update:
            for cost in measure_cost():
                update(cost.fraction, f"{cost.units[-1]} units")
        with replace_results(folder, EVERYTHING) as new:
            provenance = Provenance.of(settings, "cpu")
            experiments.save(settings, new / SETTINGS, provenance)
            measured = _metrics(settings, learned, cost)
            write_json(new / METRICS, measured | {"provenance": provenance.as_json()})
            units = range(progress.units)
            write_csv(new / WEIGHTS, [f"w{unit}" for unit in units], progress.weights.tolist())
            write_csv(new / SAMPLES, [f"y{unit}" for unit in units], samples.reshape(len(samples), -1).tolist())
            table = [*zip(cost.units.tolist(), cost.partition.tolist(), cost.weight.tolist(), strict=True)]
            write_csv(new / COST, ["units", "seconds_partition", "seconds_weight_of_one_state"], table)
            application = headless()
            save_painting(
                lambda painter: paint_machine(painter, patterns_of(settings), learned, cost, DARK),
                (WIDTH, HEIGHT),
                new / PICTURE,
                "Boltzmann machine",
                provenance=str(provenance),
            )
            del application
    say(f"{'units':>8}  {'Z and its gradient':>20}  {'one state':>12}")
    for count, partition, weight in table:
        say(f"{count:>8}  {1e3 * partition:>17.3f} ms  {1e6 * weight:>9.1f} µs")
    say(cost.words(short))
    for key, spec in FIGURES.items():
        say(f"{spec.title:>25}  {without_typography(figure_text(key, progress))}")
    say(f"{'samples that are patterns':>25}  {measured['samples_that_are_patterns']:.1%} of {len(samples)}")
    say(f"Everything is in {folder}")


def _metrics(settings: Boltzmann, learned: Learned, cost: Cost) -> dict[str, Any]:
    growth, years, progress, samples = cost.growth(), cost.years(), learned.progress, learned.samples
    figures = {key: getattr(progress, key) for key in FIGURES if key != "partition"}  # may be too large for JSON
    return figures | {
        "units": progress.units,
        "patterns": len(patterns_of(settings)),
        "steps": progress.step,
        "entropy": progress.entropy,
        "largest_weight": float(np.abs(progress.weights).max()),
        "most_probable": [
            {"state": write_pattern(state), "probability": float(chance), "is_pattern": bool(known)}
            for state, chance, known in zip(learned.states, learned.probabilities, learned.known, strict=True)
        ],
        "sampler": settings.sampler,
        "samples": len(samples),
        "samples_that_are_patterns": float(are_patterns(settings, samples).mean()),
        "cost_factor_per_unit": None if growth is None else growth[0],
        "cost_seconds_of_64_units": None if years is None else years * YEAR,
        "seed": settings.seed,
    }
