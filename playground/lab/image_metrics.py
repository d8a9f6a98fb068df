"""Figures of generated images: their classes, and whether they are memorized."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from playground.lab.problem import Problem
from playground.lab.trust import nearest
from playground.theory.metrics import median_with_error, share_error

NEIGHBOURS = 5  # that vote on what an image shows: 98 % right on held-out digits
EVALUATED = 2_000  # most images looked at
SHOWN = 12  # samples whose nearest training images are told

Array = NDArray[np.floating]

FROM_IMAGES = (
    "nearest_neighbour_distance",
    "nearest_neighbour_distance_standard_error",
    "nearest_neighbour_distance_held_out",
    "nearest_neighbour_distance_held_out_standard_error",
    "nearest_neighbour_rows",
)
FROM_LABELS = ("class_frequencies", "class_frequencies_standard_error", "class_frequencies_true")


def image_figures(problem: Problem, samples: Array) -> dict[str, Any]:
    """Figures about samples (N, C, H, W) in user units, by the keys of FROM_IMAGES and, where there are labels, FROM_LABELS.

    - nearest_neighbour_distance: median Euclidean distance from a sample to the nearest training image; nearest_neighbour_distance_held_out: the
      same from held-out images; each with its _standard_error. Memorized samples lie much nearer than those.
    - nearest_neighbour_rows: the training images nearest to the first SHOWN samples.
    - class_frequencies: what share of the samples shows each class, by the vote of the NEIGHBOURS nearest training images, with the
      error of :func:`share_error`; class_frequencies_true: the classes' shares in the training set.
    """
    training = torch.from_numpy(np.asarray(problem.dataset.points, dtype=np.float32)).flatten(1)
    distances, rows = _nearest(training, samples[:EVALUATED])
    others = problem.dataset.held_out
    held_out, _ = _nearest(training, others[problem.some_rows(len(others), EVALUATED, "nearest")])
    found: dict[str, Any] = {
        "nearest_neighbour_rows": rows[:SHOWN, 0].tolist(),
    }
    for key, those in {
        "nearest_neighbour_distance": distances,
        "nearest_neighbour_distance_held_out": held_out,
    }.items():
        found[key], found[f"{key}_standard_error"] = median_with_error(those[:, 0])
    if problem.dataset.labels is not None:
        labels = torch.from_numpy(problem.dataset.labels)
        classes = int(labels.max()) + 1
        shares = torch.bincount(_voted(labels[rows]), minlength=classes).double() / len(rows)
        found["class_frequencies"] = shares.tolist()
        found["class_frequencies_standard_error"] = share_error(shares, len(rows)).tolist()
        found["class_frequencies_true"] = (torch.bincount(labels, minlength=classes).double() / len(labels)).tolist()
    return found


def _nearest(training: Tensor, images: Array) -> tuple[Tensor, Tensor]:
    """Distances to the nearest training images and their rows, (N, NEIGHBOURS) each, nearest first."""
    return nearest(torch.from_numpy(np.asarray(images, dtype=np.float32)).flatten(1), training, NEIGHBOURS)


def _voted(labels: Tensor) -> Tensor:
    """(N,) the commonest of each row's labels (N, NEIGHBOURS); of equally common ones that of the nearest image."""
    votes = (labels[:, :, None] == labels[:, None]).sum(2)
    chosen = (votes * labels.shape[1] - torch.arange(labels.shape[1])).argmax(1, keepdim=True)
    return labels.gather(1, chosen)[:, 0]
