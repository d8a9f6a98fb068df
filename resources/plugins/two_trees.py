"""A plug-in: two trees of ever finer branches, where a small network leaves samples between the branches."""

import numpy as np
import torch

from playground.kinds.datasets import ToyWithClasses
from playground.kinds.kind import register
from playground.theory.densities import GaussianMixture

LEVELS = 7
SHORTER, THINNER, STRAIGHTER = 0.8, 0.8, 0.72
"""Length, width and turn of a branch as multiples of those of the branch that it grows from."""
LENGTH, TURN = 0.4, 0.95
"""Of the first branch, and in radians from it to the next ones."""
SPREAD = 0.18
"""Relative standard deviation of lengths and turns."""
SPACING = 2.0
"""Distance of neighbouring Gaussians in standard deviations; a ripple of 1.4 % along a branch."""


@register
class TwoTrees(ToyWithClasses, tag="two-trees", frozen=True):
    """Two trees with thin branches, each of which splits in two six times."""

    title = "Two trees"
    phrase = "two trees"
    place = 21
    own_noise = 0.016
    parts = ("upper tree", "lower tree")

    @classmethod
    def density(cls, noise: float) -> GaussianMixture:
        """The mixture along the branches, with the standard deviation `noise` across the first one."""
        random = np.random.default_rng(4)
        means, stds, weights, classes = [], [], [], []
        for tree, direction in enumerate((0.25 * np.pi, 1.25 * np.pi)):
            starts, angles = np.zeros((1, 2)), np.array([direction])
            for level in range(LEVELS):
                lengths = LENGTH * SHORTER**level * (1 + SPREAD * random.standard_normal(len(angles)))
                ends = starts + lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
                std = noise * THINNER**level
                count = max(2, round(LENGTH * SHORTER**level / (SPACING * std)))
                along = (np.arange(count) + 0.5)[None, :, None] / count
                means.append((starts[:, None] + along * (ends - starts)[:, None]).reshape(-1, 2))
                stds.append(np.full(len(means[-1]), std))
                weights.append(np.repeat(lengths, count) / count / 2**level)
                classes.append(np.full(len(means[-1]), tree))
                turns = TURN * STRAIGHTER**level * np.array([1.0, -1.0])
                jitter = 1 + SPREAD * random.standard_normal((len(angles), 2))
                starts, angles = np.repeat(ends, 2, axis=0), (angles[:, None] + turns * jitter).reshape(-1)
        return GaussianMixture(
            torch.from_numpy(np.concatenate(means)),
            torch.from_numpy(np.concatenate(stds)),
            torch.from_numpy(np.concatenate(weights)),
            classes=torch.from_numpy(np.concatenate(classes)),
        )
