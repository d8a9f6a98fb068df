"""Our figures beside published ones, by the published protocols.

    python benchmarks/published.py sets [--seeds 3] [--steps 20000] [--points 2000] [--table docs/published.md]
    python benchmarks/published.py evaluations [--seeds 3] [--steps 4000] [--particles 2000] [--clouds 2] [--table docs/published.md]
    python benchmarks/published.py time [--seeds 3] [--seconds 40] [--points 2000] [--data two-moons] [--table docs/published.md]
    python benchmarks/published.py trees [--seeds 3] [--steps 4096] [--particles 2048] [--clouds 2] [--picture docs/images/two-trees.png]
        [--table docs/published.md]
    python benchmarks/published.py moons [--seeds 3] [--steps 4000] [--points 1000] [--table docs/published.md]

Each command makes one table; what it measures is said in its file in `protocols/`. With `--table` it replaces the table of the page.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from protocols import few_evaluations, time_to_quality, two_trees
from protocols import moons as protocol_of_moons
from protocols import sets as protocol_of_sets
from tables import write_between

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)
Page = Annotated[Path | None, typer.Option("--table", metavar="FILE.md", help="page to write the table into")]


def show(name: str, made: str, page: Path | None) -> None:
    """Print a table, or put it in its place in a page too."""
    print(made)
    if page is not None:
        write_between(page, name, "benchmarks/published.py", made)


@app.command()
def sets(seeds: int = 3, steps: int = 20_000, points: int = 2_000, table: Page = None) -> None:
    """From eight Gaussians to two moons, by flow matching."""
    show("eight Gaussians to moons", protocol_of_sets.table(seeds, steps, points), table)


@app.command()
def evaluations(
    seeds: int = 3, steps: int = 4_000, particles: int = 2_000, clouds: int = 2, table: Page = None
) -> None:
    """Samples at few score evaluations, beside diffusers on the same network."""
    show("few evaluations", few_evaluations.table(seeds, steps, particles, clouds), table)


@app.command()
def time(
    seeds: int = 3,
    seconds: float = 40.0,
    points: int = 2_000,
    data: list[str] = ["two-moons"],  # noqa: B006
    table: Page = None,
) -> None:
    """Seconds of training until a KL, beside the plain loop and smalldiffusion."""
    show("time to quality", time_to_quality.table(seeds, seconds, points, tuple(data)), table)


@app.command()
def trees(
    seeds: int = 3,
    steps: int = 4_096,
    particles: int = 2_048,
    clouds: int = 2,
    picture: Path | None = None,
    table: Page = None,
) -> None:
    """Guidance on two trees, and a picture of its samples."""
    show("two trees", two_trees.table(seeds, steps, particles, clouds, picture), table)


@app.command()
def moons(seeds: int = 3, steps: int = 4_000, points: int = 1_000, table: Page = None) -> None:
    """KL on two moons beside published flows."""
    show("moons", protocol_of_moons.table(seeds, steps, points), table)


if __name__ == "__main__":
    torch.set_num_threads(1)  # a second thread makes a small network no faster
    app()
