"""What the window shows of a problem."""

from typing import TYPE_CHECKING

import numpy as np

from playground.app.model.views import Bounds, ProblemView, plane_bounds
from playground.lab.conflicts import has_energy

if TYPE_CHECKING:
    from playground.lab.problem import Problem
    from playground.theory.densities import Density

SHOWN_POINTS = 20_000
MARGINAL_PLACES = 401  # positions of a known density along each axis in view: one or two per pixel of the histogram
LEVELS = 20  # noise levels of a process in views


def problem_view(problem: "Problem", parameters_count: int) -> ProblemView:
    """The values of a problem and its network for the window."""
    from playground.lab.diagnostics import data_diagnostics, objective_diagnostics

    of_any = data_diagnostics(problem)  # outside the GUI thread, which asks again for each objective
    dataset, noise, units = problem.dataset, problem.noise, problem.units
    is_image = len(problem.shape) == 3
    resolved = problem.resolve()
    has_process = problem.experiment.noise.has_path
    sigmas = noise.levels(LEVELS) if has_process else np.array([noise.sigma_max])
    shown, labels, count = dataset.points, dataset.labels, len(dataset.points)
    if count > SHOWN_POINTS:  # all of them are shown without a copy
        rows = problem.some_rows(count, SHOWN_POINTS, "shown")
        shown, labels = shown[rows], None if labels is None else labels[rows]
    bounds = (0.0, 1.0, 0.0, 1.0) if is_image else plane_bounds(dataset.points)
    known = problem.density
    weights = None if known is None or known.modes is None else known.mode_weights
    return ProblemView(
        name=dataset.name,
        points=shown,
        count=count,
        test_points=len(problem.evaluation_points),
        bounds=bounds,
        brightness=shown.reshape(len(shown), -1).mean(axis=1) if is_image else None,
        limits=(float(shown.min()), float(shown.max())),
        axes=dataset.axes,
        data=problem.experiment.data,
        note=dataset.note,
        is_image=is_image,
        isotropic=units.isotropic,
        known_density=problem.path_density is not None,
        has_process=has_process,
        has_score=problem.has_score,
        has_energy=has_energy(problem.experiment),
        has_kernel_density=problem.kernel_width() is not None,
        sigma_min=units.sigma_to_user(noise.sigma_min),
        sigma_max=units.sigma_to_user(noise.sigma_max),
        sigmas=np.array([units.sigma_to_user(float(sigma)) for sigma in sigmas]),
        sigma=units.sigma_to_user(1.0),
        diameter=units.sigma_to_user(problem.diameter()),
        parameters_count=parameters_count,
        conditions=problem.conditions,
        labelled=dataset.labels is not None,
        labels=labels,
        class_names=dataset.class_names,
        diagnostics=lambda objective: (*objective_diagnostics(problem, objective), *of_any),
        mode_weights=None if weights is None else weights.numpy(),
        modes=None if dataset.density is None or dataset.density.modes is None else dataset.density.modes.numpy(),
        marginals=None if dataset.density is None else _marginals(dataset.density, bounds),
        resolved=resolved,
    )


def _marginals(density: "Density", bounds: Bounds) -> np.ndarray:
    """See :class:`ProblemView`; without noise they are those of the data."""
    import torch

    exact, found = density.to("cpu", torch.float64), []
    for axis, (low, high) in enumerate((bounds[:2], bounds[2:])):
        places = torch.linspace(low, high, MARGINAL_PLACES, dtype=torch.float64)
        found.append(torch.stack([places, exact.marginal(axis).cdf(places[:, None])]).numpy())
    return np.stack(found)
