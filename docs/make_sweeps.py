"""Writes the tables and the pictures of docs/sweeps.md from computed sweeps.

for name in samplers evaluations memorization; do score-playground sweep resources/sweeps/$name.toml --out out/$name; done
python docs/make_sweeps.py out
"""

import argparse
import csv
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path += [str(HERE.parent), str(HERE.parent / "benchmarks")]

from tables import rows, write_between  # noqa: E402

from playground.drawing.sweep_pictures import pictures as pictures_of  # noqa: E402
from playground.drawing.sweep_pictures import save_pictures  # noqa: E402
from playground.lab import sweep as sweeps  # noqa: E402

Row = dict[str, str]


def measured(row: Row, key: str) -> str:
    """A mean and its standard error with two digits of the error."""
    value, error = float(row[key]), float(row[f"{key}_standard_error"])
    places = 2 if error >= 0.095 else 3
    return f"{value:.{places}f} ± {error:.{places}f}"


def by_sampler(key: str) -> Callable[[list[Row]], str]:
    """Samplers down, steps across."""

    def table(found: list[Row]) -> str:
        steps = sorted({int(row["sampling.steps"]) for row in found})
        samplers = list(dict.fromkeys(row["sampler"] for row in found))
        cells = {(row["sampler"], int(row["sampling.steps"])): row for row in found}
        lines = [[name, *(measured(cells[name, step], key) for step in steps)] for name in samplers]
        return rows([["sampler", *(f"{step} steps" for step in steps)], *lines])

    return table


def by_points(found: list[Row]) -> str:
    """Numbers of training points down, training steps across."""
    steps = sorted({int(row["training.steps"]) for row in found})
    points = sorted({int(row["data.points"]) for row in found})
    cells = {(int(row["data.points"]), int(row["training.steps"])): row for row in found}
    lines = [
        [f"{size:,} points", *(measured(cells[size, step], "memorized_share") for step in steps)] for size in points
    ]
    return rows([["training points", *(f"{step:,} steps" for step in steps)], *lines])


TABLES: dict[str, Callable[[list[Row]], str]] = {
    "samplers": by_sampler("wasserstein2_over_floor"),
    "evaluations": by_sampler("wasserstein2_over_floor"),
    "memorization": by_points,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder with the folders of the sweeps, all or some")
    folder = parser.parse_args().folder
    computed = [name for name in TABLES if (folder / name).is_dir()]
    if not computed:
        parser.error(f"{folder} has none of the folders {', '.join(TABLES)}")
    pictures = HERE / "images" / "sweeps"
    pictures.mkdir(exist_ok=True)
    for name in computed:
        with (folder / name / "means.csv").open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
        write_between(HERE / "sweeps.md", name, "docs/make_sweeps.py", TABLES[name](found))
        shutil.copy(folder / name / "means.csv", pictures / f"{name}.csv")
        sweep, cells = sweeps.load(folder / name)
        with tempfile.TemporaryDirectory() as drawn:
            for number, path in enumerate(
                save_pictures(pictures_of(sweep, sweeps.rows(folder / name, cells)), Path(drawn)), 1
            ):
                shutil.copy(path, pictures / f"{name}-{number}.png")


if __name__ == "__main__":
    main()
