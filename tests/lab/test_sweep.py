"""Sweeps: their cells, their shared trainings, and that nothing is computed twice."""

import contextlib
import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground.cli import sweep as command
from playground.drawing.sweep_pictures import default_plots
from playground.lab import experiment as experiments
from playground.lab import sampling
from playground.lab import sweep as sweeps
from playground.lab.autoguidance import with_weaker
from playground.lab.checkpoints import kept_steps
from playground.lab.compute import result
from playground.lab.evaluation import sample_distances
from playground.lab.experiment import SEEDS, Experiment, ExperimentError, replace
from playground.lab.opened import Opened
from playground.lab.problem import Problem
from playground.lab.sampling import sample, shared_path
from playground.lab.session import Session
from playground.lab.sweep import folder as folders
from playground.lab.sweep.description import NOTE
from playground.lab.sweep.executors import Workers
from playground.lab.sweep.orders import CURVES, CellResult, Order
from playground.lab.sweep.table import write_tables
from playground.lab.training import Trainer
from playground.lab.trajectory import Trajectory
from playground.resources import resource
from playground.version import __version__
from tests.figures import flat

SMALL = {"training.steps": 5, "sampling.particles": 60, "sampling.steps": 4}


def written(folder: Path, text: str) -> Path:
    path = folder / "sweep.toml"
    path.write_text(text, encoding="utf-8")
    return path


def finished(folder: Path, sweep: sweeps.Sweep, cells: Sequence[sweeps.Cell]) -> list[sweeps.Progress]:
    return list(sweeps.run(sweep, cells, folder, device="cpu"))


def test_counts_of_a_sweep_may_be_whole_floats(tmp_path: Path) -> None:
    text = "seeds = 2e0\n[axes]\n'sampling.steps' = [4e0, 8]\n'data.noise' = {{ from = 0.1, to = 1.0, count = {} }}"
    _, cells = sweeps.load(written(tmp_path, text.format("2e0")))
    assert [type(cell.values["sampling.steps"]) for cell in cells] == [int] * 8
    assert [cell.values["sampling.steps"] for cell in cells] == [4, 4, 8, 8] * 2
    with pytest.raises(ExperimentError, match=r"sweep.toml is no sweep: .*count"):
        sweeps.load(written(tmp_path, text.format("2.5")))
    with pytest.raises(ExperimentError, match=r"The axis sampling\.steps has 4 twice"):
        sweeps.load(written(tmp_path, "[axes]\n'sampling.steps' = [4, 4.0]"))


def test_cells_are_every_combination_for_every_seed(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        seeds = [3, 5]
        [experiment]
        data.kind = "rings"
        [axes]
        "sampling.steps" = { from = 5, to = 40, count = 3, log = true }
        solver = [
          { name = "Euler", "sampling.kind" = "probability-flow", "sampling.solver" = "euler" },
          { name = "SDE", "sampling.kind" = "reverse-sde" },
        ]
        """,
    )
    _, cells = sweeps.load(path)
    assert [cell.number for cell in cells] == list(range(12))
    assert [cell.values["sampling.steps"] for cell in cells[:6:2]] == [5, 14, 40]
    assert {experiments.value(cell.experiment, key) for cell in cells for key in SEEDS} == {3, 5}
    assert cells[0].values == {"sampling.steps": 5, "solver": "Euler", "seed": 3}
    assert (cells[0].experiment.sampling.kind, cells[1].experiment.sampling.kind) == ("probability-flow", "reverse-sde")
    assert {cell.experiment.data.kind for cell in cells} == {"rings"}


@pytest.mark.parametrize(
    ("axes", "networks", "seeds"),
    [
        ({}, 2, [(3, 3, 3), (5, 5, 5)]),
        ({"sampling.seed": [0, 1, 2]}, 2, [(each, each, draw) for each in (3, 5) for draw in (0, 1, 2)]),
        ({"training.seed": [0, 1]}, 4, [(each, network, each) for each in (3, 5) for network in (0, 1)]),
        ({"data.seed": [7], "sampling.seed": [0, 1]}, 2, [(7, each, draw) for each in (3, 5) for draw in (0, 1)]),
    ],
)
def test_a_seed_may_be_an_axis_and_seeds_sets_the_others(axes: dict[str, Any], networks: int, seeds: list[Any]) -> None:
    """Cells that differ in the seed of sampling share their network."""
    _, cells = sweeps.settled(sweeps.Sweep(axes=axes, seeds=[3, 5]))
    assert [tuple(experiments.value(cell.experiment, key) for key in SEEDS) for cell in cells] == seeds
    assert len({cell.training for cell in cells}) == networks


def test_several_sample_seeds_train_one_network(tmp_path: Path) -> None:
    told = sweeps.Cell(0, {}, replace(Experiment(), SMALL)).settings
    sweep, cells = sweeps.settled(sweeps.Sweep(axes={"sampling.seed": [0, 1]}, experiment=told, seeds=1))
    assert finished(tmp_path, sweep, cells)[-1].done == 2
    assert len(list((tmp_path / "models").iterdir())) == 1
    first, second = (sweeps.result(tmp_path, cell) for cell in cells)
    assert first is not None
    assert second is not None
    assert first["sliced_wasserstein2"] != second["sliced_wasserstein2"]
    assert first["sliced_wasserstein2_floor"] == second["sliced_wasserstein2_floor"]


@pytest.mark.parametrize(
    "text",
    [
        'seeds = [0, 1, 0]\n[axes]\n"sampling.steps" = [5, 6]',
        '[axes]\n"sampling.steps" = [5, 6, 5]',
        '[axes]\nsampler = [{ name = "a", "sampling.steps" = 5 }, { name = "a", "sampling.steps" = 50 }]',
    ],
)
def test_what_would_count_as_other_seeds_of_one_row_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ExperimentError, match="twice"):
        sweeps.load(written(tmp_path, text))


def test_cells_of_a_seed_share_their_brownian_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[np.ndarray] = []
    monkeypatch.setattr(sampling, "sample", lambda *given, **named: recorded(ends, sample(*given, **named)))
    base = {"sampling": {"kind": "reverse-sde", "source": "exact", "particles": 200}, "data": {"kind": "two-moons"}}
    sweep, cells = sweeps.settled(sweeps.Sweep({"sampling.steps": [100, 200]}, experiment=base))
    finished(tmp_path, sweep, cells)
    few, many = (points.reshape(-1) for points in ends)
    assert np.corrcoef(few, many)[0, 1] > 0.9


def recorded(ends: list[np.ndarray], run: Iterator[Trajectory]) -> Iterator[Trajectory]:
    for trajectory in run:
        yield trajectory
    ends.append(trajectory.positions[-1])


def test_a_range_of_whole_numbers_has_whole_values() -> None:
    assert sweeps.Range(5, 40, 4, log=True).values() == [5, 10, 20, 40]
    assert sweeps.Range(0, 1, 3).values() == [0, 1]
    assert sweeps.Range(0.5, 1.0, 3).values() == [0.5, 0.75, 1.0]


def test_the_sweep_that_ships_is_five_samplers_at_four_step_counts() -> None:
    _, cells = sweeps.load(resource("sweeps/samplers.toml"))
    assert len(cells) == 5 * 4 * 3
    assert len({cell.training for cell in cells}) == 3


def test_training_for_a_time_depends_on_the_speed_of_the_machine() -> None:
    for settings, depends in (({}, True), ({"training.steps": 5}, False), ({"sampling.source": "exact"}, False)):
        assert sweeps.Cell(0, {}, replace(Experiment(), settings)).depends_on_speed is depends


def test_a_base_is_read_from_the_folder_of_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("[noise]\nkind = 'vp'\n", encoding="utf-8")
    path = written(tmp_path, 'base = "base.toml"\n[axes]\n"noise.beta_max" = [10.0, 20.0]\n')
    _, cells = sweeps.load(path)
    assert [cell.experiment.noise.kind for cell in cells] == ["vp", "vp"]
    assert len({cell.training for cell in cells}) == 2  # another noise needs another training


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[axes", "is no sweep"),
        ("seeds = 2\n", "is no sweep"),
        ('[axes]\n"sampling.stepz" = [1]', "sampling.stepz"),
        ('[axes]\n"sampling.steps" = []', "has no values"),
        (
            "[axes]\nseed = [1]",
            "seed is no axis: give seeds = 3, .* or an axis data.seed, training.seed or sampling.seed",
        ),
        ('[axes]\nsolver = [{ "sampling.steps" = 1 }]', "needs a name"),
        ('[axes]\n"sampling.steps" = { from = 0, to = 9, count = 3, log = true }', "ends above 0"),
        ('seeds = 9999\n[axes]\n"sampling.steps" = { from = 1, to = 900, count = 900 }', "cells: it can have"),
        ('bass = 1\n[axes]\n"sampling.steps" = [1]', "bass"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ExperimentError, match=reason) as caught:
        sweeps.load(written(tmp_path, text))
    assert str(caught.value).count(". ") == 0


def test_cells_that_differ_only_in_sampling_share_a_training_and_its_noise(tmp_path: Path) -> None:
    sweep = sweeps.Sweep(axes={"sampling.kind": ["reverse-sde", "probability-flow"]}, seeds=1)
    cells = sweeps.cells(sweep, replace(Experiment(), SMALL))
    finished(tmp_path / "out", sweep, cells)
    assert len(list((tmp_path / "out" / folders.MODELS).iterdir())) == 1
    results = [sweeps.result(tmp_path / "out", cell) for cell in cells]
    assert results[0] is not None
    assert results[1] is not None
    assert results[0]["sliced_wasserstein2_floor"] == results[1]["sliced_wasserstein2_floor"]
    # Compare with the same steps by hand.
    trainer = Trainer(Problem.build(cells[0].experiment))
    for _ in trainer:
        pass
    path = shared_path(trainer.problem, trainer.problem.experiment.sampling.seed)
    (*_, trajectory) = sample(trainer.problem, trainer.ema.requires_grad_(False), path=path)
    figures = flat(result(sample_distances(trainer.problem, trajectory.positions[-1])))
    assert results[0]["sliced_wasserstein2"] == pytest.approx(figures["sliced_wasserstein2"], rel=1e-6)
    assert results[0]["nfe_mean"] == trajectory.nfe_mean[-1]


@pytest.mark.claims
@pytest.mark.parametrize("as_jobs", [False, True])
def test_cells_are_guided_by_earlier_steps_of_their_training(tmp_path: Path, as_jobs: bool) -> None:
    axes: dict[str, sweeps.Range | list[Any]] = {"sampling.guidance": [0.0, 2.0], "sampling.guide_step": [10, 100]}
    told = SMALL | {"training.steps": 300, "network.width": 16, "sampling.guide": "checkpoint"}
    sweep, cells = sweeps.settled(
        sweeps.Sweep(axes, experiment=sweeps.Cell(0, {}, replace(Experiment(), told)).settings)
    )
    if as_jobs:
        for cell in cells:
            assert sweeps.run_cell(sweep, cells, tmp_path, cell.number, "cpu") is None
    else:
        finished(tmp_path, sweep, cells)
    results = [sweeps.result(tmp_path, cell) for cell in cells]
    assert [sweeps.failure(tmp_path, cell) for cell in cells] == [None] * 4
    found = [one["sliced_wasserstein2"] for one in results if one is not None]
    assert found[0] == found[1]  # without guidance
    assert len(set(found)) == 3
    # Compare with the same steps by hand, from the same training.
    trainer = Trainer(Problem.build(cells[3].experiment))
    for _ in trainer:
        pass
    assert len([step for step in trainer.checkpoints.weights if step < 300]) > 2
    score = with_weaker(trainer.problem, trainer.ema.requires_grad_(False), trainer.checkpoints.weights, trainer.step)
    path = shared_path(trainer.problem, trainer.problem.experiment.sampling.seed)
    (*_, trajectory) = sample(trainer.problem, score, path=path)
    figures = flat(result(sample_distances(trainer.problem, trajectory.positions[-1])))
    assert found[3] == pytest.approx(figures["sliced_wasserstein2"], rel=1e-6)
    opened = folders.opened(tmp_path, cells[3])
    assert isinstance(opened, Session)
    assert len(Opened.session(opened, "cpu").model.checkpoints) == len(trainer.checkpoints.weights)


def test_weights_of_earlier_steps_are_left_out_where_none_guides(tmp_path: Path) -> None:
    sweep = sweeps.Sweep(axes={"sampling.steps": [2, 3]}, seeds=1)
    cells = sweeps.cells(sweep, replace(Experiment(), SMALL))
    finished(tmp_path, sweep, cells)
    weights = Session.load(folders.model_path(tmp_path, cells[0])).weights or {}
    assert weights
    assert not kept_steps(weights)


def test_finished_cells_are_never_computed_again(tmp_path: Path) -> None:
    sweep = sweeps.Sweep(axes={"sampling.steps": [2, 3, 4]}, seeds=1)
    cells = sweeps.cells(sweep, replace(Experiment(), SMALL | {"sampling.source": "exact"}))
    work = sweeps.run(sweep, cells, tmp_path, device="cpu")
    first = next(progress.finished[0] for progress in work if progress.finished)
    del work  # stopped, as by Ctrl+C
    path = tmp_path / folders.CELLS / f"{first.key}.json"
    text = path.read_text(encoding="utf-8")
    (tmp_path / folders.CELLS / f"{cells[1].key}.json").write_text('{"metr', encoding="utf-8")  # half of a file
    assert [cell.number for cell in folders.waiting(tmp_path, cells)] == [1, 2]
    path.write_text(text.replace('"nfe_mean": ', '"nfe_mean": 1000'), encoding="utf-8")  # a mark
    reports = finished(tmp_path, sweep, cells)
    assert [cell.number for report in reports for cell in report.finished] == [1, 2]
    assert (reports[0].done, reports[-1].done, reports[-1].total) == (1, 3, 3)
    assert folders.waiting(tmp_path, cells) == []
    marked = sweeps.result(tmp_path, first)
    assert marked is not None
    assert marked["nfe_mean"] > 1000


def test_a_cell_that_fails_says_why_and_the_others_go_on(tmp_path: Path) -> None:
    sweep = sweeps.Sweep(axes={"sampling.step": [1e9, "auto"]}, seeds=1)
    settings = SMALL | {"sampling.kind": "langevin", "sampling.source": "exact"}
    cells = sweeps.cells(sweep, replace(Experiment(), settings))
    finished(tmp_path, sweep, cells)
    assert "unstable" in str(sweeps.failure(tmp_path, cells[0]))
    assert sweeps.failure(tmp_path, cells[1]) is None
    assert [cell.number for cell in folders.waiting(tmp_path, cells)] == [0]  # it is tried again


@pytest.mark.claims
@pytest.mark.parametrize("in_processes", [False, True])
def test_an_error_of_a_plugin_ends_one_cell_and_is_tried_again(
    fragile: Path, tmp_path: Path, in_processes: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    source = written(
        tmp_path,
        '[experiment]\nsampling.kind = "fragile"\nsampling.source = "exact"\nsampling.particles = 60\n'
        '[axes]\n"sampling.steps" = [3, 2, 4]\n',
    )
    folder = tmp_path / "out"
    place = sweeps.processes(2) if in_processes else contextlib.nullcontext()
    assert not command.run_sweep(source, folder, place, "cpu")  # the command's exit code is 1
    _, cells = sweeps.load(source)
    log = folders.log_path(folder, cells[0])
    why = f"This should not have happened (Broken: three steps): see cells/{log.name}."
    assert [sweeps.failure(folder, cell) for cell in cells] == [why, None, None]
    text = log.read_text(encoding="utf-8")
    assert "Traceback" in text
    assert 'raise Broken("three steps' in text
    assert "are too many" in text
    with (folder / "cells.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["sampling.steps"], row["error"], bool(row["nfe_mean"])) for row in table] == [
        ("3", why, False),
        ("2", "", True),
        ("4", "", True),
    ]
    assert f"cell 0 failed: {why}" in capfd.readouterr().err
    fragile.with_name("mended").touch()
    place = sweeps.processes(2) if in_processes else contextlib.nullcontext()
    assert command.run_sweep(source, folder, place, "cpu")
    assert "2 of 3 cells are there already" in capfd.readouterr().err
    assert all(sweeps.result(folder, cell) for cell in cells)
    assert not log.exists()


@pytest.mark.claims
@pytest.mark.parametrize("once", [True, False])
def test_a_cell_whose_process_is_killed_is_tried_once_more_and_the_others_go_on(
    deadly: Path, tmp_path: Path, once: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    if once:
        deadly.with_name("once").touch()
    source = written(
        tmp_path,
        '[experiment]\nsampling.kind = "deadly"\nsampling.source = "exact"\nsampling.particles = 60\n'
        '[axes]\n"sampling.steps" = [3, 2, 4, 5]\n',
    )
    folder = tmp_path / "out"
    assert command.run_sweep(source, folder, sweeps.processes(2), "cpu") == once
    assert deadly.with_name("killed").exists() == once
    _, cells = sweeps.load(source)
    why = (
        None
        if once
        else "Each worker that computed this cell was killed, perhaps for lack of memory: take fewer at once."
    )
    assert [sweeps.failure(folder, cell) for cell in cells] == [why, None, None, None]
    assert len(folders.waiting(folder, cells)) == (0 if once else 1)
    assert (f"cell 0 failed: {why}" in capfd.readouterr().err) != once


def test_a_cell_that_an_executor_gives_up_is_one_failed_cell(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    class Killing(Executor):
        def submit(self, function: Callable[[Order], Any], /, order: Order) -> Future[Any]:  # type: ignore[override]  # a cell's order is all that it is given
            future = Future[Any]()
            if order.settings["sampling"]["steps"] == 3:
                future.set_exception(Killed())
            else:
                future.set_result(function(order))
            return future

    sweep = sweeps.Sweep(axes={"sampling.steps": [3, 2]}, seeds=1)
    cells = sweeps.cells(sweep, replace(Experiment(), SMALL | {"sampling.source": "exact"}))
    list(sweeps.run(sweep, cells, tmp_path, Workers(Killing(), 2, Killed), "cpu"))
    assert "computed this cell was killed" in str(sweeps.failure(tmp_path, cells[0]))
    assert sweeps.result(tmp_path, cells[1])


def test_the_table_has_means_and_standard_errors_over_the_seeds(tmp_path: Path) -> None:
    sweep = sweeps.Sweep(axes={"sampling.steps": [2, 3]}, seeds=3)
    cells = sweeps.cells(sweep, replace(Experiment(), SMALL))
    folders.prepare(sweep, tmp_path)
    numbers = {cell.number: float(cell.number**2) for cell in cells}
    for cell in cells[:-1]:
        path = tmp_path / folders.CELLS / f"{cell.key}.json"
        path.write_text(json.dumps({"metrics": {"kl": numbers[cell.number]}}), encoding="utf-8")
    rows = sweeps.rows(tmp_path, cells)
    assert [(row.values, row.count) for row in rows] == [({"sampling.steps": 2}, 3), ({"sampling.steps": 3}, 2)]
    drawn = np.array([0.0, 4.0, 16.0])  # the cells 0, 2 and 4
    assert rows[0].mean["kl"] == pytest.approx(drawn.mean())
    assert rows[0].error["kl"] == pytest.approx(drawn.std(ddof=1) / 3**0.5)


def test_the_columns_of_the_means_have_different_names_and_errors_of_cells_count(tmp_path: Path) -> None:
    """The scatter of seeds contains the errors within their cells, but two seeds may agree by chance."""
    sweep = sweeps.Sweep(axes={"sampling.steps": [2, 3, 4]}, seeds=2)
    cells = sweeps.cells(sweep, replace(Experiment(), SMALL))
    folders.prepare(sweep, tmp_path)
    given = {  # by number of steps, for both seeds: the figure and its error within the cell
        2: [(0.5, 0.03), (0.5, 0.04)],  # they agree by chance
        3: [(0.4, 0.03), (0.6, 0.04)],  # they differ by more than that
        4: [(0.7, 0.02)],  # one seed has failed
    }
    for cell in cells:
        drawn = given[cell.values["sampling.steps"]]
        if cell.values["seed"] < len(drawn):
            share, error = drawn[cell.values["seed"]]
            metrics = {"classifier_accuracy": share, "classifier_accuracy_standard_error": error, "nfe_mean": 5.0}
            folders.write(tmp_path, cell, CellResult(metrics))
        else:
            folders.write(tmp_path, cell, CellResult(error="No."))
    write_tables(tmp_path, cells)
    with (tmp_path / "means.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = list(csv.reader(file))
    assert header == [
        *("sampling.steps", "seeds", "classifier_accuracy", "classifier_accuracy_standard_error"),
        *("classifier_accuracy_standard_error_within_cells", "nfe_mean", "nfe_mean_standard_error"),
    ]
    within = ((0.03**2 + 0.04**2) / 2 / 2) ** 0.5
    expected = [
        [2, 2, 0.5, within, within, 5, 0],
        [3, 2, 0.5, 0.1, within, 5, 0],
        [4, 1, 0.7, 0.02, 0.02, 5, math.nan],
    ]
    found = [[float(text) if text else math.nan for text in line] for line in lines]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert [row.error["classifier_accuracy"] for row in sweeps.rows(tmp_path, cells)] == pytest.approx(
        [within, 0.1, 0.02]
    )


BROKEN = {
    "nothing": "",
    "an empty object": "{}",
    "a list of figures": '{"metrics": []}',
    "no figure": '{"metrics": {}}',
    "a figure that is no number": '{"metrics": {"nfe_mean": NaN}}',
    "a figure that is too large": '{"metrics": {"nfe_mean": 1e999}}',
    "a count that is too large": '{"metrics": {"nfe_mean": 1' + 400 * "0" + "}}",
    "a figure in words": '{"metrics": {"nfe_mean": "5"}}',
    "figures and a list": '{"metrics": {"nfe_mean": 5.0}, "curves": []}',
    "figures and a curve of words": '{"metrics": {"nfe_mean": 5.0}, "curves": {"sigma": ["a"], "train_loss": ["a"], "held_out_loss": ["a"]}}',
    "figures and one curve": '{"metrics": {"nfe_mean": 5.0}, "curves": {"sigma": [1.0]}}',
    "figures and an empty curve": '{"metrics": {"nfe_mean": 5.0}, "curves": {"sigma": []}}',
    "curves of other lengths": (
        '{"metrics": {"nfe_mean": 5.0}, "curves": {"sigma": [1.0], "train_loss": [1.0], "held_out_loss": [1.0, 2.0]}}'
    ),
    "an error that is no sentence": '{"error": []}',
    "an error and figures": '{"error": 0, "metrics": {"nfe_mean": 5.0}}',
    "another encoding": "\udcff",
    "nested too deep": 100_000 * "[",
}


WHOLE = CellResult({"nfe_mean": 5.0}, {name: [1.0, math.nan] for name in CURVES})


def break_cell(folder: Path, cell: sweeps.Cell, text: str) -> None:
    (folder / folders.CELLS / f"{cell.key}.json").write_bytes(text.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_cell_waits_again(text: str, tmp_path: Path) -> None:
    sweep = sweeps.Sweep(axes={"sampling.steps": [2, 3, 4]}, seeds=1)
    cells = sweeps.cells(sweep, replace(Experiment(), SMALL))
    folders.prepare(sweep, tmp_path)
    for cell in cells[1:]:
        folders.write(tmp_path, cell, WHOLE)
    break_cell(tmp_path, cells[1], text)
    assert [cell.number for cell in folders.broken(tmp_path, cells)] == [1]
    assert [cell.number for cell in folders.waiting(tmp_path, cells)] == [0, 1]
    assert [row.values["sampling.steps"] for row in write_tables(tmp_path, cells)] == [4]


@pytest.mark.parametrize("metrics", [{}, {"nfe_mean": 5.0}, {"nfe_mean": math.nan}])
def test_a_cell_with_an_error_is_whole_whatever_its_figures(metrics: dict[str, float], tmp_path: Path) -> None:
    (cell,) = sweeps.cells(sweeps.Sweep(axes={"sampling.steps": [2]}, seeds=1), replace(Experiment(), SMALL))
    (tmp_path / folders.CELLS).mkdir()
    folders.write(tmp_path, cell, CellResult(metrics, error="No."))
    assert folders.broken(tmp_path, [cell]) == []
    assert sweeps.failure(tmp_path, cell) == "No."


def test_broken_cells_are_said_and_computed_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = "sampling.source = 'exact'\nsampling.particles = 60\n[axes]\n'sampling.steps' = [2, 3, 4, 5]\n"
    source = written(tmp_path, f"[experiment]\n{settings}")
    sweep, cells = sweeps.load(source)
    folder, place = tmp_path / "out", contextlib.nullcontext()
    folders.prepare(sweep, folder)
    for cell in cells[1:]:
        folders.write(folder, cell, CellResult({"nfe_mean": 5.0}))
    for cell in cells[1:3]:
        break_cell(folder, cell, BROKEN["a list of figures"])
    assert command.run_sweep(source, folder, place, "cpu")
    said = capsys.readouterr().err
    assert said.count("The files of cells 1-2 are broken, so the cells are computed anew.") == 1
    assert all(len(sweeps.result(folder, cell) or {}) > 1 for cell in cells[:3])
    assert sweeps.result(folder, cells[3]) == {"nfe_mean": 5.0}  # a whole one is kept
    break_cell(folder, cells[2], BROKEN["a figure that is no number"])
    assert command.compute_cell(source, folder, 2, "cpu")
    assert "The file of cell 2 is broken, so the cell is computed anew." in capsys.readouterr().err
    assert folders.broken(folder, cells) == []


EXACT = SMALL | {"sampling.source": "exact", "likelihood.points": 10}


def steps(counts: Sequence[int], **more: Any) -> tuple[sweeps.Sweep, list[sweeps.Cell]]:
    base = sweeps.Cell(0, {}, replace(Experiment(), EXACT)).settings
    return sweeps.settled(sweeps.Sweep({"sampling.steps": list(counts)}, experiment=base, **more))


def computed(folder: Path, sweep: sweeps.Sweep, cells: Sequence[sweeps.Cell]) -> list[int]:
    """The numbers of the cells that a sweep computes."""
    return [cell.number for report in finished(folder, sweep, cells) for cell in report.finished]


def test_a_sweep_whose_axis_is_changed_keeps_the_cells_that_belong_to_it(tmp_path: Path) -> None:
    assert computed(tmp_path, *steps([2, 3])) == [0, 1]
    sweep, cells = steps([3, 4])
    assert computed(tmp_path, sweep, cells) == [1]
    assert [row.values["sampling.steps"] for row in sweeps.rows(tmp_path, cells)] == [3, 4]
    assert sweeps.load(tmp_path) == (sweep, cells)
    assert computed(tmp_path, *steps([2, 3, 4])) == []
    assert computed(tmp_path, *steps([2, 3], seeds=2)) == [2, 3]
    assert computed(tmp_path, *steps([2, 3], losses=True)) == [0, 1]  # other figures


def test_the_order_of_the_axes_numbers_the_cells_and_names_none(tmp_path: Path) -> None:
    axes: dict[str, sweeps.Range | list[Any]] = {
        "sampling.steps": [2, 3],
        "sampling.kind": ["reverse-sde", "probability-flow"],
    }
    base = sweeps.Cell(0, {}, replace(Experiment(), EXACT)).settings
    (_, one), (_, other) = (
        sweeps.settled(sweeps.Sweep(dict(order), experiment=base)) for order in (axes.items(), reversed(axes.items()))
    )
    assert [cell.key for cell in one] == [other[number].key for number in (0, 2, 1, 3)]
    assert len({cell.key for cell in one}) == 4


def test_a_network_without_earlier_steps_is_trained_again_where_they_guide(tmp_path: Path) -> None:
    settings = SMALL | {"training.steps": 300, "sampling.guidance": 2.0}
    base = sweeps.Cell(0, {}, replace(Experiment(), settings)).settings
    sweep, cells = sweeps.settled(sweeps.Sweep({"sampling.guide": ["unconditional"]}, experiment=base))
    finished(tmp_path, sweep, cells)
    assert not kept_steps(Session.load(folders.model_path(tmp_path, cells[0])).weights or {})
    sweep, cells = sweeps.settled(sweeps.Sweep({"sampling.guide": ["unconditional", "checkpoint"]}, experiment=base))
    assert computed(tmp_path, sweep, cells) == [1]
    assert kept_steps(Session.load(folders.model_path(tmp_path, cells[1])).weights or {})


def test_the_command_goes_on_with_the_cells_of_another_sweep(tmp_path: Path, capsys: Any) -> None:
    source = written(tmp_path, "[experiment]\nsampling.source = 'exact'\n[axes]\n'sampling.steps' = [2, 3, 4]\n")
    sweep, cells = sweeps.load(source)
    folders.prepare(sweep, tmp_path / "out")
    for cell in cells:
        folders.write(tmp_path / "out", cell, CellResult({"nfe_mean": 5.0}))
    assert command.run_sweep(source, tmp_path / "out", contextlib.nullcontext(), "cpu")
    said = capsys.readouterr().err
    assert "3 of 3 cells are there already" in said
    assert "another sweep" not in said
    source.write_text(source.read_text("utf-8").replace("[2, 3, 4]", "[2, 3]"), encoding="utf-8")
    assert command.run_sweep(source, tmp_path / "out", contextlib.nullcontext(), "cpu")
    assert "had another sweep: its cells stay and count where they are the same" in capsys.readouterr().err


def test_a_number_of_held_out_points_has_networks_of_its_own() -> None:
    one, other = (sweeps.Cell(0, {}, replace(Experiment(), {"likelihood.points": count})) for count in (20, 300))
    assert one.training != other.training
    sampled = replace(Experiment(), {"likelihood.points": 20, "likelihood.tolerance": 0.1, "sampling.steps": 3})
    assert sweeps.Cell(0, {}, sampled).training == one.training


@pytest.mark.parametrize(
    "axes",
    [
        {key: [0, 1] for key in SEEDS},
        {"step": [{"name": "a", "sampling.steps": 3}, {"name": "b", "sampling.steps": 3}]},
    ],
    ids=["each seed is an axis", "two tables alike"],
)
def test_a_draw_that_would_count_twice_is_refused(axes: dict[str, Any]) -> None:
    with pytest.raises(ExperimentError, match="Two cells would be the same experiment and count as two draws"):
        sweeps.settled(sweeps.Sweep(axes, seeds=2))


def test_no_picture_has_a_line_along_a_seed(tmp_path: Path) -> None:
    base = sweeps.Cell(0, {}, replace(Experiment(), EXACT)).settings
    sweep, cells = sweeps.settled(sweeps.Sweep({"sampling.seed": [0, 1]}, experiment=base))
    finished(tmp_path, sweep, cells)
    assert not [plot for plot in default_plots(sweep, sweeps.rows(tmp_path, cells)) if "seed" in f"{plot.x} {plot.y}"]


def of_another_version(folder: Path, changes: Mapping[str, Any]) -> None:
    """Let a folder be one that another version has half computed: in its settings some are missing, or others there."""
    for path in [folder / NOTE, *(folder / folders.CELLS).glob("*.json")]:
        tree = json.loads(path.read_text(encoding="utf-8"))
        for key, new in changes.items():
            section, name = key.split(".")
            assert name in tree["experiment"][section] or new is not None
            tree["experiment"][section] |= {name: new}
            if new is None:
                del tree["experiment"][section][name]
        if "version" in tree:
            tree["version"] = "0.0.9"
        path.write_text(json.dumps(tree), encoding="utf-8")


def test_a_killed_sweep_goes_on_after_an_update_with_its_networks_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(
        tmp_path,
        "[experiment]\ntraining.steps = 5\nsampling.particles = 60\nsampling.stochasticity = 0.5\n"
        '[axes]\n"sampling.steps" = [2, 3, 4]\n',
    )
    sweep, cells = sweeps.load(source)
    folder = tmp_path / "out"
    work = sweeps.run(sweep, cells, folder, device="cpu")
    next(progress for progress in work if progress.finished)
    del work  # stopped
    # The older program did not have these settings, which are at their defaults in the sweep.
    of_another_version(folder, {"network.prediction": None, "training.batch": None, "sampling.score_factor": None})
    before = [(path.name, path.stat().st_mtime_ns) for path in (folder / folders.MODELS).iterdir()]
    place = contextlib.nullcontext()
    assert command.run_sweep(source, folder, place, "cpu")
    said = capsys.readouterr().err
    assert "1 of 3 cells are there already" in said
    assert f"(version 0.0.9: 0, and version {__version__} computes the others)" in said
    assert [(path.name, path.stat().st_mtime_ns) for path in (folder / folders.MODELS).iterdir()] == before
    assert folders.versions(folders.everything(folder, cells)) == {"0.0.9": [0], __version__: [1, 2]}
    with (folder / "cells.csv").open(encoding="utf-8", newline="") as file:
        assert [row["version"] for row in csv.DictReader(file)] == ["0.0.9", __version__, __version__]
    assert command.run_sweep(source, folder, place, "cpu")
    assert f"(version 0.0.9: 0; version {__version__}: 1-2)" in capsys.readouterr().err
    assert isinstance(folders.opened(folder, cells[0]), Session)


def test_cells_with_another_default_of_an_earlier_version_are_computed_anew(tmp_path: Path) -> None:
    sweep, cells = steps([2, 3])
    finished(tmp_path, sweep, cells)
    of_another_version(tmp_path, {"sampling.score_factor": 1.5})
    assert folders.broken(tmp_path, cells) == []
    assert computed(tmp_path, sweep, cells) == [0, 1]
