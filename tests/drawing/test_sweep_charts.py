"""What the pictures of a sweep show."""

import numpy as np
import pytest

from playground.drawing.sweep_pictures import pictures
from playground.lab import sweep as sweeps
from playground.lab.experiment import Experiment
from playground.lab.sweep.orders import CellResult
from playground.lab.sweep.table import Row, rows_of
from playground.resources import resource

SAMPLERS = {"euler": 1, "heun": 2}


def table(sweep: sweeps.Sweep) -> list[Row]:
    """Rows whose distance is 1/steps, over a floor of 0.1, with evaluations by the order of the sampler."""
    found = []
    for cell in sweeps.cells(sweep, Experiment()):
        steps, order = cell.values["sampling.steps"], SAMPLERS[cell.values["sampler"]]
        distance = 1 / steps + 0.01 * cell.values["seed"]
        metrics = {"wasserstein2": distance, "wasserstein2_floor": 0.1, "nfe_mean": steps * order}
        curves = {"sigma": [0.1, 1.0], "train_loss": [0.5, 0.2], "held_out_loss": [0.5 + cell.values["seed"], 0.2]}
        metrics["wasserstein2_over_floor"] = distance / 0.1
        found.append((cell, CellResult(metrics, curves)))
    return rows_of(found)


@pytest.fixture(scope="module")
def sweep() -> sweeps.Sweep:
    flow = [{"name": name, "sampling.kind": "probability-flow", "sampling.solver": name} for name in SAMPLERS]
    return sweeps.Sweep({"sampling.steps": [10, 5, 20], "sampler": flow}, seeds=2)


def test_the_default_pictures_are_distance_against_evaluations_and_steps_and_losses(sweep: sweeps.Sweep) -> None:
    evaluations, steps, losses = pictures(sweep, table(sweep)).values()
    assert (evaluations.x.name, evaluations.y.name) == ("score evaluations", "W₂")
    assert [line.name for line in evaluations.series] == ["euler", "heun", "floor"]
    np.testing.assert_allclose(evaluations.series[1].x, [10, 20, 40])
    np.testing.assert_allclose(evaluations.series[1].y, [0.205, 0.105, 0.055])
    assert evaluations.series[1].error is not None
    np.testing.assert_allclose(evaluations.series[1].error, 0.005)  # of two seeds that are 0.01 apart
    np.testing.assert_allclose(evaluations.series[2].y, 0.1)
    np.testing.assert_allclose(steps.series[0].x, [5, 10, 20])  # in order, as the axis is not
    assert losses.x.name == "σ"
    np.testing.assert_allclose(losses.series[1].y, [1, 0.2])
    assert losses.series[1].error is not None
    np.testing.assert_allclose(losses.series[1].error, [0.5, 0], atol=1e-12)


def test_a_file_chooses_its_pictures(sweep: sweeps.Sweep) -> None:
    rows = table(sweep)
    asked = sweeps.Plot("nfe_mean", "wasserstein2", where={"sampler": "heun"}), sweeps.Plot("sampling.steps", "none")
    (only,) = pictures(sweeps.Sweep(sweep.axes, plots=list(asked)), rows).values()  # nothing is known of the other
    assert [line.name for line in only.series] == ["W₂", "floor"]
    np.testing.assert_allclose(only.series[0].x, [10, 20, 40])
    assert not only.x.log


def test_a_heat_map_of_an_earlier_version_is_a_line_for_each_value_of_its_other_axis(sweep: sweeps.Sweep) -> None:
    asked = {"x": "sampling.steps", "y": "sampler", "color": "wasserstein2_over_floor", "log": ["color"]}
    read = sweeps.from_tree({"axes": sweep.axes, "plots": [asked]})
    (found,) = pictures(read, table(sweep)).values()
    assert [line.name for line in found.series] == ["euler", "heun"]
    np.testing.assert_allclose(found.series[1].y, [2.05, 1.05, 0.55])
    assert (found.x.log, found.y.log) == (False, True)


def test_values_that_are_no_numbers_stand_side_by_side_in_their_order(sweep: sweeps.Sweep) -> None:
    asked = sweeps.Plot("sampler", "nfe_mean", log=["x", "y"])
    (found,) = pictures(sweeps.Sweep(sweep.axes, plots=[asked]), table(sweep)).values()
    assert found.x.marks(9) == [(0, "euler"), (1, "heun")]
    assert found.x.marks(1) == [(0, "euler")]
    assert [line.name for line in found.series] == ["steps 10", "steps 5", "steps 20"]
    np.testing.assert_allclose(found.series[2].x, [0, 1])
    np.testing.assert_allclose(found.series[2].y, [20, 40])
    assert not found.x.log
    assert not found.can_be_log(0)
    names = sweeps.Sweep({"sampler": sweep.axes["sampler"], "sampling.steps": [5]}, seeds=2)
    assert [one.x.name for one in pictures(names, table(names)).values()][1] == "sampler"


@pytest.mark.parametrize("name", ["samplers", "evaluations", "memorization"])
def test_the_sweeps_that_ship_ask_for_pictures_of_their_axes(name: str) -> None:
    sweep, cells = sweeps.load(resource(f"sweeps/{name}.toml"))
    assert len({cell.values["seed"] for cell in cells}) == 3
    assert sweep.plots
    for plot in sweep.plots:
        assert {plot.x, plot.y, *plot.where} <= {
            *sweep.axes,
            "nfe_mean",
            "wasserstein2",
            "wasserstein2_over_floor",
            "memorized_share",
            "sigma",
            "loss",
        }
        assert all(value in sweep.axes[axis] for axis, value in plot.where.items())  # type: ignore[operator]
