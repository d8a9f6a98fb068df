"""The pinned runs as a table of text, for the clipboard and for files. Columns are named as in docs/metrics.md."""

import io
from collections.abc import Sequence

from playground.app.model.pinned_runs import KnownRun, differing_keys
from playground.lab import experiment as description
from playground.lab.csv_table import write_rows
from playground.lab.figures import sorts_of
from playground.lab.measured import REASONS
from playground.lab.pinned_run import KL
from playground.messages import written

COST = (
    "sampling.steps",
    "nfe_mean",
    "nfe_max",
    "sampling_seconds",
    "trained_steps",
    "trained_from",
    "sampling.seed",
)


def table_text(known: Sequence[KnownRun], separator: str = ",") -> str:
    """The table with a header: name, sampler, differing settings, cost, and every figure. Missing values are empty."""
    flats = [figures.flat() for _, figures in known]
    names = dict.fromkeys([*sorts_of("Distances"), *KL, *(key for flat in flats for key in flat)])
    measured = [key for key in names if key not in ("nearest_neighbour_rows", REASONS, *COST)]  # rows of the data
    keys = [key for key in differing_keys([run for run, _ in known]) if key not in ("sampling.kind", *COST)]
    rows: list[list[object]] = [["run", "sampling.kind", *keys, *COST, *measured]]
    for (run, figures), flat in zip(known, flats, strict=True):
        fields = description.fields(run.experiment)
        settings = [written(run.setting(key)) if key in fields else "" for key in keys]
        cost = (
            run.sampler_steps,
            *map(figures.number, ("nfe_mean", "nfe_max", "sampling_seconds")),
            *(run.trained_steps, run.trained_from, run.experiment.sampling.seed),
        )
        rows.append([run.name, run.experiment.sampling.kind, *settings, *cost, *map(flat.get, measured)])
    file = io.StringIO()
    write_rows(file, rows, separator)
    return file.getvalue()
