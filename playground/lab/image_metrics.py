"""Figures of generated images: their classes, and whether they are memorized."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.lab.measured import Measured
from playground.lab.problem import Problem
from playground.theory.local_geometry import nearest
from playground.theory.metrics import median_with_error, share_error

NEIGHBOURS = 5  # nearest training images that vote on an image's class: 98 % right on held-out digits
EVALUATED = 2_000  # most images that are compared
SHOWN = 12  # samples whose nearest training images are reported

Array = NDArray[np.floating]


def image_figures(problem: Problem, samples: Array) -> dict[str, Measured]:
    """Figures of samples (N, C, H, W) in user units.

    - nearest_neighbour_distance: median Euclidean distance from a sample to the nearest training image. Its floor is the same from
      held-out images, with its standard error. Memorized samples are much nearer to training images than held-out images are.
    - nearest_neighbour_rows: the training images nearest to the first SHOWN samples.
    - class_frequencies, if there are labels: the share of the samples in each class, by a vote of the NEIGHBOURS nearest training images, with
      the error of :func:`share_error`. Their floor: the shares of the classes in the training set.
    """
    training = torch.tensor(problem.dataset.points, dtype=torch.float32).flatten(1)
    distances, rows = _nearest(training, samples[:EVALUATED])
    others = problem.dataset.held_out
    held_out, _ = _nearest(training, problem.some(others, EVALUATED, "nearest"))
    (near, error), (floor, floor_error) = (median_with_error(those[:, 0]) for those in (distances, held_out))
    found = {
        "nearest_neighbour_distance": Measured(near, error, floor, floor_error),
        "nearest_neighbour_rows": Measured(tuple(rows[:SHOWN, 0].tolist())),
    }
    if problem.dataset.labels is not None:
        labels = torch.tensor(problem.dataset.labels)
        classes = int(labels.max()) + 1
        shares = torch.bincount(_voted(labels[rows]), minlength=classes).double() / len(rows)
        true = torch.bincount(labels, minlength=classes).double() / len(labels)
        parts = shares, share_error(shares, len(rows)), true
        found["class_frequencies"] = Measured(*(tuple(part.tolist()) for part in parts))
    return found


def _nearest(training: Tensor, images: Array) -> tuple[Tensor, Tensor]:
    """Distances to the nearest training images and their rows, (N, NEIGHBOURS) each, nearest first."""
    return nearest(torch.tensor(images, dtype=torch.float32).flatten(1), training, NEIGHBOURS)


def _voted(labels: Tensor) -> Tensor:
    """The commonest label of each row of labels (N, NEIGHBOURS), (N,). In a tie, that of the nearest image wins."""
    votes = (labels[:, :, None] == labels[:, None]).sum(2)
    chosen = (votes * labels.shape[1] - torch.arange(labels.shape[1])).argmax(1, keepdim=True)
    return labels.gather(1, chosen)[:, 0]
