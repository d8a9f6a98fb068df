"""Writes odd-units.csv: a crescent and a round cloud, measured with offset 300 and scale 40."""

from pathlib import Path

import numpy as np

rng = np.random.default_rng(0)
angle = rng.uniform(0.15 * np.pi, 1.1 * np.pi, 2100)
crescent = np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.08, (2100, 2))
cloud = rng.normal((0.35, -0.35), 0.16, (900, 2))
points = 300 + 40 * rng.permutation(np.concatenate([crescent, cloud]))
path = Path(__file__).with_name("odd-units.csv")
np.savetxt(path, points, fmt="%.3f", delimiter=",", header="length (mm),width (mm)", comments="")
