"""An experiment as a Jupyter notebook: the short script by :mod:`playground.api`, in cells."""

import json
from collections.abc import Iterable

from playground.lab.experiment import Experiment
from playground.lab.script import beginning

Cell = tuple[str, str]
"""Its kind, "markdown" or "code", and its text."""

PLOT = """figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5))
left.plot({losses})
left.set(xlabel="training step", ylabel="loss")
{drawn}"""
POINTS = """right.plot(*data_points[:2000].T, ".", markersize=2, alpha=0.4, label="data")
right.plot(*samples.T, ".", markersize=2, label="samples")
right.set_aspect("equal")
right.legend()"""
IMAGES = """rows, columns = 4, 8
shown = samples[: rows * columns]
height, width = shown.shape[2:]
sheet = np.ones((rows * height, columns * width, shown.shape[1]))
for place, image in enumerate(shown):
    row, column = divmod(place, columns)
    sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = image.transpose(1, 2, 0)
right.imshow(np.clip((sheet + 1) / 2, 0, 1).squeeze(), cmap="gray")
right.axis("off")"""


def short_notebook(experiment: Experiment, data_name: str) -> str:
    """A notebook that trains, samples and measures an experiment by this program's Python names.

    Args:
        data_name: as for :func:`playground.lab.script.beginning`.
    """
    plotted = IMAGES if experiment.data.images else POINTS
    cells: list[Cell] = [
        (
            "markdown",
            f"# {title(experiment)}\n\nThe experiment by `import playground`; see docs/python.md of Score Playground.",
        ),
        ("code", beginning(experiment, data_name, "import numpy as np\n\n")),
        ("markdown", "## Training"),
        (
            "code",
            "losses = []\ntraining = sp.train(experiment)\nfor progress in training:\n"
            "    losses.append((progress.step, progress.loss))\nsession = training.result()",
        ),
        ("markdown", "## Samples"),
        (
            "code",
            "trajectory = sp.sample(session).result()\nsamples = trajectory.positions[-1]\n"
            "figures = sp.evaluate(session, samples).result()\n"
            "{name: figure.value for name, figure in figures.items() if isinstance(figure.value, float)}",
        ),
        ("markdown", "## Plot"),
        (
            "code",
            "import matplotlib.pyplot as plt\n\n"
            + PLOT.format(losses="*np.transpose(losses)", drawn=plotted.replace("data_points", "session.points")),
        ),
    ]
    return notebook(cells)


def notebook(cells: Iterable[Cell]) -> str:
    """Cells as a notebook in format 4.5 of Jupyter."""
    contents = {
        "cells": [_cell(number, *cell) for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return dumped(contents)


def dumped(contents: object) -> str:
    """The text of a notebook."""
    return json.dumps(contents, indent=1, ensure_ascii=False) + "\n"


def _cell(number: int, kind: str, text: str) -> dict[str, object]:
    cell: dict[str, object] = {
        "cell_type": kind,
        "id": f"cell-{number}",
        "metadata": {},
        "source": text.strip("\n").splitlines(keepends=True),
    }
    return cell | {"execution_count": None, "outputs": []} if kind == "code" else cell


def title(experiment: Experiment) -> str:
    """What an experiment is, in a few words."""
    words = (experiment.data.title, experiment.noise.title, experiment.objective.title, experiment.sampling.title)
    return ", ".join(words)
