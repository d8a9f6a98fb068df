"""Of a large sorted file the canvas shows points from all of it."""

import numpy as np

from playground.app.model import assembling, problem_views
from playground.lab.experiment import Experiment, replace


def test_points_on_the_canvas_are_of_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr(problem_views, "SHOWN_POINTS", 500)
    points = np.random.default_rng(0).normal(size=(4_000, 2))
    np.save(tmp_path / "points.npy", points[points[:, 0].argsort()])
    experiment = replace(Experiment(), {"data.kind": "file", "data.path": str(tmp_path / "points.npy")})
    made = assembling.assemble(experiment, "cpu")
    assert len(made.view.points) == 500
    assert abs(made.view.points[:, 0].mean()) < 0.25  # five standard errors
