"""The pinned runs as a table of text, for the clipboard and for files: one row a run, the columns by their names of metrics.json."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from playground.app.model.pinned_runs import FIGURES, PinnedRun, differing_keys
from playground.lab import experiment as description
from playground.messages import written

COST = ("sampling.steps", "nfe_mean", "nfe_max", "sampling_seconds", "trained_steps", "seed", "new_noise")
FORMULA = ("=", "+", "-", "@", "\t")  # with which a spreadsheet takes a text for something to compute


def table_text(runs: Sequence[PinnedRun], separator: str = ",") -> str:
    """The table with a header: name, sampler, settings that differ, cost, and every figure; what is missing is empty."""
    keys = [key for key in differing_keys(runs) if key not in ("sampling.kind", *COST)]
    file = io.StringIO()
    rows = csv.writer(file, delimiter=separator, lineterminator="\n")
    rows.writerow(["run", "sampling.kind", *keys, *COST, *FIGURES])
    for run in runs:
        known = description.fields(run.experiment)
        settings = [written(run.setting(key)) if key in known else "" for key in keys]
        cost = (
            *(run.sampler_steps, run.nfe_mean, run.nfe_max, run.seconds, run.trained_steps),
            *(run.experiment.seed, run.noise),
        )
        figures = [(run.figures or {}).get(key) for key in FIGURES]
        rows.writerow(map(_cell, [run.name, run.experiment.sampling.kind, *settings, *cost, *figures]))
    return file.getvalue()


def _cell(value: Any) -> str:
    """A value in one cell: numbers with all their digits, lists with blanks between, and no text that is a formula."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " ".join(map(_cell, value))
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return repr(float(value)) if isinstance(value, float) else str(value)
