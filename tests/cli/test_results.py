"""What the commands write."""

import csv
import dataclasses
import json
import math
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from playground.app.model.model import Model
from playground.app.style.figure_words import number_in_words
from playground.app.style.number_formats import without_typography
from playground.cli import main, painting
from playground.cli.reporting import number, with_error
from playground.cli.results import open_model
from playground.data.tables import columns_named
from playground.drawing.images import ImageGrid
from playground.drawing.labels import Labels
from playground.drawing.scene import Scene
from playground.lab import experiment as experiments
from playground.lab.compute import result
from playground.lab.figures import FIGURES
from playground.lab.measured import Figures, Measured
from playground.lab.memorization import nearness
from playground.lab.problem import Problem
from playground.lab.run_figures import finite
from playground.lab.session import Session
from playground.lab.trajectory import Trajectory
from playground.messages import plain
from tests import fewer
from tests.cli.conftest import Ask, run
from tests.data.image_files import save_cats_and_dogs

EIGENVALUES = ["eigenvalue_1", "eigenvalue_2", "eigenvalue_imag"]
ROOT = Path(__file__).parents[2]


def table(path: Path) -> tuple[list[str], np.ndarray]:
    """The columns of numbers; an empty cell is NaN."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    if header[-1] == "note":
        header, rows = header[:-1], [row[:-1] for row in rows]
    return header, np.array([[cell or "nan" for cell in row] for row in rows], dtype=float)


def notes(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["note"] for row in csv.DictReader(file)]


def metrics(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "metrics.json").read_text())
    assert found["version"] == 2
    flat = Figures.of(found).flat()
    return flat | {"reasons": {name: str(why) for name, why in flat["reasons"].items()}}


def pictures(path: Path) -> tuple[int, int, int]:
    """Width, height and number of a video's pictures."""
    with av.open(str(path)) as container:
        frames = [(frame.width, frame.height) for frame in container.decode(video=0)]
    return *frames[0], len(frames)


def test_a_run_writes_everything(moons: Path) -> None:
    assert {file.name for file in moons.iterdir()} == {
        "experiment.toml",
        "model.safetensors",
        "metrics.json",
        "trajectory.npz",
        "samples.csv",
        "picture.png",
        "video.mp4",
    }
    header, samples = table(moons / "samples.csv")
    assert header == ["x", "y"]
    with np.load(moons / "trajectory.npz") as trajectory:
        positions, sigma = trajectory["positions"], trajectory["sigma"]
    assert positions.shape == (14, 40, 2)  # start, 12 steps, denoising
    assert sigma.shape == (14,)
    assert np.all(np.diff(sigma) <= 0)
    np.testing.assert_array_equal(samples.astype(np.float32), positions[-1])
    width, height, count = pictures(moons / "video.mp4")
    assert (width, height) == (960, 720)
    assert count == 90


def test_a_run_splits_its_distance_by_causes(moons: Path) -> None:
    found = metrics(moons)
    assert found["budget_points"] == [10, 40]
    parts = [found[f"budget_{part}"] for part in ("score_factor", "score", "steps", "prior", "sigma_min", "floor")]
    assert sum(parts) == pytest.approx(found["budget_total"])
    assert min(found["budget_score_standard_error"], found["budget_floor"]) > 0


def test_a_run_warns_of_noise_that_ends_too_early(tmp_path: Path, ask: Ask, quickest: list[str]) -> None:
    (tmp_path / "early.toml").write_text("[noise]\nsigma_max = 0.5\n")
    code, _, error = ask("run", tmp_path / "early.toml", "--out", tmp_path / "out", *quickest)
    assert code == 0
    assert "Warning: At σ = 0.5 the data are still" in error


def test_a_class_without_an_effect_is_reported(tmp_path: Path, ask: Ask, quickest: list[str], moons: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    label = "--set=sampling.label=3"
    for command in (
        ("run", tmp_path / "empty.toml", "--out", tmp_path / "out", *quickest),
        ("sample", moons, "--out", tmp_path / "more.npz"),
    ):
        code, _, error = ask(*command, label)
        assert code == 0
        assert "Warning: sampling.label = 3 changes nothing: the network has no classes; choose" in error
    assert "changes nothing" not in ask("sample", moons, "--out", tmp_path / "more.npz")[2]


def test_a_setting_without_an_effect_is_reported(tmp_path: Path, ask: Ask, quickest: list[str], moons: Path) -> None:
    (tmp_path / "levels.toml").write_text("noise.kind = 'discrete'\n")
    for command, setting, said in (
        (
            ("run", tmp_path / "levels.toml", *quickest),
            "training.sigma_distribution=time",
            "training.sigma_distribution = time changes nothing: only a continuous process",
        ),
        (
            ("sample", moons, "--sampler", "probability-flow"),
            "sampling.tolerance=0.01",
            "sampling.tolerance = 0.01 changes nothing: only sampling.solver = adaptive",
        ),
    ):
        code, _, error = ask(*command, "--out", tmp_path / f"{command[0]}.npz", f"--set={setting}")
        assert code == 0
        assert f"Warning: {said}" in error


@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize(("share", "said"), [(0, "shows the network every label"), (1, "hides every label")])
def test_a_run_warns_of_scores_that_it_never_trains(
    tmp_path: Path, ask: Ask, quick: list[str], share: int, said: str
) -> None:
    (tmp_path / "digits.toml").write_text('data.kind = "digits"\nnetwork.width = 16\n')
    dropout = f"--set=training.label_dropout={share}"
    code, _, error = ask("run", tmp_path / "digits.toml", "--out", tmp_path / "out", *quick, dropout)
    assert code == 0
    assert f"Warning: training.label_dropout = {share} {said}" in error
    found = metrics(tmp_path / "out")
    for key in ("bits_per_dim", "fisher_divergence"):
        assert (found[key] is None) == (share == 0)
        assert ("so the score without a class is never trained" in found["reasons"].get(key, "")) == (share == 0)


@pytest.mark.usefixtures("unpainted")
def test_a_model_warns_of_scores_that_its_training_has_not_shown(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    """The label dropout that was chosen in the window before saving does not matter."""
    (tmp_path / "digits.toml").write_text('data.kind = "digits"\nnetwork.width = 16\n')
    out = tmp_path / "out"
    assert ask("run", tmp_path / "digits.toml", "--out", out, *quick, "--set=training.label_dropout=0")[0] == 0
    session = Session.load(out / "model.safetensors")
    other = experiments.replace(session.experiment, {"training.label_dropout": 0.3})
    dataclasses.replace(session, experiment=other).save(out / "model.safetensors")
    code, _, error = ask("sample", out, "--out", tmp_path / "more.npz")
    assert code == 0
    assert "Warning: Training has shown the network every label so far" in error


@pytest.mark.usefixtures("unpainted")
def test_a_run_warns_of_points_without_a_density(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    (tmp_path / "line.csv").write_text("x,y\n" + "".join(f"{x},{3 * x}\n" for x in range(100)))
    (tmp_path / "line.toml").write_text('[data]\nkind = "file"\npath = "line.csv"\n')
    code, _, error = ask("run", tmp_path / "line.toml", "--out", tmp_path / "out", *quick)
    assert code == 0
    assert "Warning: The points lie on a line and have no density" in error


def in_words(found: Mapping[str, Any], key: str) -> str:
    """A figure of metrics.json as a run prints it."""
    return without_typography(number_in_words(FIGURES[key], found[key], found[f"{key}_standard_error"]))


def test_what_a_run_prints_is_what_it_writes(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    (tmp_path / "two.toml").write_text('data.kind = "two-gaussians"\n')
    code, said, error = ask("run", tmp_path / "two.toml", "--out", tmp_path / "out", *quick)
    found = metrics(tmp_path / "out")
    assert code == 0
    floor = f"(optimal {with_error(found['optimal_loss'], found['optimal_loss_standard_error'])})"
    loss = with_error(found["final_loss"], found["final_loss_standard_error"])
    line = {title.strip(): text for title, text in re.findall(r"(?m)^ *(\w[^\n]*?)  +(\S.*)$", said)}
    assert line["final loss"] == f"{loss} {floor}"
    assert line["test NLL"].endswith("  Mean of -log p over the held-out points, in nats, with its standard error")
    assert line["test NLL"].startswith(f"{in_words(found, 'test_nll')} nats  ")
    assert line["energy distance"].endswith("(floor 0) in the data's unit, 40 samples beside 40 data")
    assert line["sliced W₂"].endswith(" in the data's unit, 40 samples beside 40 data")
    assert line["C2ST accuracy"].endswith("(floor 50 %), 40 samples beside 40 data")
    assert line["W₂"].endswith(", 40 samples beside 40 data")
    assert found["sliced_wasserstein2_points"] == found["two_sample_points"] == [40, 40]
    assert found["wasserstein2"] ** 2 == pytest.approx(found["wasserstein2_squared"])
    assert "Data: two Gaussians, 50,020 draws of x, y: 50,000 to train, 20 held out.\n" in error
    # Standard output has the figures alone, a line each, and where the files are.
    *lines, end = said.splitlines()
    assert [text for text in lines if re.fullmatch(r" *\w.*?  .+", text) is None] == []
    assert end == f"Everything is in {tmp_path / 'out'}"
    assert (found["train_points"], found["held_out_points"], found["data_note"]) == (50_000, 20, "")
    assert line["log p model"].startswith("of p_sigma of the data by the learned score, smoothed by sigma_min = 0.04")
    assert line["log p model"].endswith("; at 20 held-out points")
    assert line["optimal NLL"].startswith(in_words(found, "optimal_nll"))
    assert line["KL of smoothing"].startswith(in_words(found, "kl_of_smoothing"))
    assert line["entropy of the data"].endswith(
        "The expected NLL of a perfect model without smoothing: no model can do better"
    )
    assert line["KL(data || model)"].startswith(f"{in_words(found, 'kl')} (floor ")
    assert line["mode weights"] == "{:.2f} / {:.2f} (true 0.80 / 0.20)".format(*found["mode_weights"])
    assert found["budget_score_factor"] == 0.0
    assert ("score factor" in line, "squared sliced W₂" in line) == (False, found["budget_total"] is not None)


def test_a_run_of_conditioned_samples_says_why_it_does_not_compare_them(
    tmp_path: Path, ask: Ask, quick: list[str]
) -> None:
    (tmp_path / "left.toml").write_text('sampling.inpainting_mask = "left"\ndata.kind = "two-gaussians"\n')
    code, said, _ = ask("run", tmp_path / "left.toml", "--out", tmp_path / "out", *quick)
    assert code == 0
    assert "samples and data  not compared: The samples are conditioned on the first coordinate" in said
    assert "mode weights" not in said
    assert metrics(tmp_path / "out")["sliced_wasserstein2"] is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-1.23456, "-1.2346"), (0.0, "0.0000"), (-523_456.789, "-523456.7890"), (-6.25e17, "-6.25e17")],
)
def test_huge_numbers_are_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_values_have_the_digits_that_their_errors_leave() -> None:
    assert with_error(-8.71e-7, 1.84e-7) == "-8.7e-7 ± 1.8e-7"
    assert with_error(12_345.6, 0.1) == "12345.60 ± 0.10"
    assert with_error(12_345.6, 30.0) == "12346 ± 30"


@pytest.mark.claims
@pytest.mark.usefixtures("unpainted")
@pytest.mark.parametrize("sampler", ["probability-flow", "langevin"])
def test_no_unit_is_too_small_or_too_large(sampler: str, tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    """A run with standard deviation 1e-9 or 1e9 differs from that with 1 only by the unit, and so do its files."""
    points, found = np.random.default_rng(0).normal(size=(300, 2)) - 0.015, []
    for unit in (1.0, 1e-9, 1e9):
        np.save(tmp_path / "points.npy", points * unit)
        (tmp_path / "points.toml").write_text(f"data.kind = 'file'\ndata.path = '{tmp_path / 'points.npy'}'\n")
        out = tmp_path / f"out {unit}"
        assert ask("run", tmp_path / "points.toml", "--out", out, *quick, f"--set=sampling.kind={sampler}")[0] == 0
        Problem.build(experiments.load(out / "experiment.toml"), Session.load(out / "model.safetensors").dataset())
        assert ask("likelihood", out, "--points", out / "samples.csv", "--out", out / "evaluated.csv")[0] == 0
        evaluated, figures = table(out / "evaluated.csv")[1], metrics(out)
        log_area = 2 * np.log(unit)
        found.append(
            [
                *(evaluated[:, :2] / unit).ravel(),
                *(evaluated[:, 2] + log_area),
                *(figures[key] / unit for key in ("sliced_wasserstein2", "energy_distance", "round_trip_error")),
                *(figures[key] for key in ("mmd_squared", "classifier_accuracy", "final_loss")),
                figures["test_nll"] - log_area,
            ]
        )
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-3, atol=1e-3)


@pytest.mark.usefixtures("unpainted")
def test_a_run_says_that_rows_repeat(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    points = np.repeat(np.random.default_rng(0).normal(size=(100, 2)), 40, axis=0)
    np.savetxt(tmp_path / "points.csv", points, delimiter=",", header="a,b", comments="")
    (tmp_path / "points.toml").write_text(f"data.kind = 'file'\ndata.path = '{tmp_path / 'points.csv'}'\n")
    code, said, error = ask(
        "run", tmp_path / "points.toml", "--out", tmp_path / "out", "--set=data.split=groups", *quick
    )
    assert code == 0
    assert "Data: points.csv, 4,000 rows of a, b: 3,960 to train, 40 held out. 3,900 of 4,000 rows repeat" in error
    assert "held-out points, of another distribution than all rows, because duplicates are held out together\n" in said
    assert metrics(tmp_path / "out")["data_note"].startswith("3,900 of 4,000 rows repeat another")


def test_results_are_kept_unless_overwrite_is_given(moons: Path, tmp_path: Path, ask: Ask) -> None:
    out = Path(shutil.copytree(moons, tmp_path / "out"))
    changed = ("--set=training.steps=0", "--set=training.seed=5", "--seed", 1)
    again = ("run", out / "experiment.toml", "--out", out, *changed)
    code, said, error = ask(*again)
    assert (code, said) == (2, "")
    assert "add --overwrite" in error
    assert {file.name: file.read_bytes() for file in out.iterdir()} == {
        file.name: file.read_bytes() for file in moons.iterdir()
    }
    assert ask(*again, "--overwrite")[0] == 0
    seeds = [[metrics(folder)[f"{name}_seed"] for name in ("data", "training", "sampling")] for folder in (moons, out)]
    assert seeds == [[3, 3, 3], [1, 5, 1]]  # a seed that is set by its own name keeps that


def test_the_page_of_metrics_names_every_field_and_no_other(moons: Path) -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8").partition("## Boltzmann machine")[0]
    keys = re.findall(r"^(?:- Key: (.+)|\| (`[^|]+) \|.*)$", page, re.MULTILINE)
    named = {name for entry, row in keys for name in re.findall(r"`(\w+)`", entry + row)}
    assert named == set(json.loads((moons / "metrics.json").read_text()))


def test_the_guide_names_every_array_of_a_trajectory(moons: Path) -> None:
    guide = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    table = guide.partition("| array | what it is |\n")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines() for name in re.findall("`([a-z_]+)`", row.split("|")[1])}
    with np.load(moons / "trajectory.npz") as trajectory:
        assert named == {*trajectory.files, "accepted"}  # this sampler has none


def test_metrics_have_a_number_or_a_reason(moons: Path) -> None:
    found = metrics(moons)
    for key in ("steps", "seconds", "steps_per_second", "final_loss", "optimal_loss", "test_nll", "entropy", "kl"):
        assert isinstance(found[key], int | float), key
    for key in (
        "test_nll_standard_error",
        "kl_standard_error",
        "wasserstein2",
        "wasserstein2_floor",
        "wasserstein2_squared",
        "wasserstein2_squared_floor",
        "sliced_wasserstein2",
        "sliced_wasserstein2_floor",
        "sliced_wasserstein2_floor_std",
        "energy_distance_standard_error",
        "mmd_squared_standard_error",
        "classifier_accuracy_standard_error",
    ):
        assert found[key] > 0, key
    assert (found["steps"], found["training_seed"], found["threads"]) == (50, 3, 1)
    assert found["device"] in ("cpu", "cuda", "mps")
    assert found["entropy"] == pytest.approx(1.0076, abs=1e-3)
    assert found["test_points"] == 20
    # For the same held-out points, NLL and KL differ by the mean of their log p, which is not exactly the entropy.
    density = Problem.build(experiments.load(moons / "experiment.toml")).dataset.density
    assert density is not None
    true = density.log_prob(torch.from_numpy(Session.load(moons / "model.safetensors").held_out))
    assert found["kl"] == pytest.approx(found["test_nll"] + float(true.mean()), abs=1e-6)
    assert found["bits_per_dim"] is None
    assert "images" in found["reasons"]["bits_per_dim"]


def test_a_run_prints_the_cost_of_sampling(moons: Path, tmp_path: Path, ask: Ask) -> None:
    found, frames = metrics(moons), Trajectory.load_npz(moons / "trajectory.npz")
    steps = experiments.load(moons / "experiment.toml").sampling.steps
    assert steps != "auto"
    assert found["nfe_mean"] == found["nfe_max"] == steps + 1  # Euler-Maruyama, and the final denoising step
    assert frames.nfe_mean[-1] == frames.nfe_max[-1] == steps + 1
    assert 0 < found["sampling_seconds"] < 60
    fitted = ("--sampler", "probability-flow", "--set=sampling.solver=adaptive", "--particles", 50)
    code, said, _ = ask("sample", moons, *fitted, "--out", tmp_path / "fitted.npz")
    assert code == 0
    frames = Trajectory.load_npz(tmp_path / "fitted.npz")
    assert f"mean {frames.nfe_mean[-1]:,.1f}, most {frames.nfe_max[-1]:,.0f} of a particle, in " in said


def null(found: dict[str, Any]) -> set[str]:
    return {key for key, value in found.items() if value is None or (isinstance(value, list) and None in value)}


@pytest.mark.claims
@pytest.mark.usefixtures("unpainted")
def test_every_field_that_is_null_has_a_reason(
    moons: Path, odd: Path, tmp_path: Path, ask: Ask, quick: list[str]
) -> None:
    (tmp_path / "sharp.toml").write_text("data.kind = 'checkerboard'\nnoise.kind = 'none'\nobjective.kind = 'exact'\n")
    few = [*quick, "--set=training.steps=5", "--set=likelihood.points=10", "--set=likelihood.tolerance=0.1"]
    assert (
        ask("run", tmp_path / "sharp.toml", "--out", tmp_path / "sharp", *few, "--set=sampling.kind=langevin")[0] == 0
    )
    (tmp_path / "digits.toml").write_text("data.kind = 'digits'\n")
    assert ask("run", tmp_path / "digits.toml", "--out", tmp_path / "digits", *few, "--set=network.width=4")[0] == 0
    for folder, floor in {
        moons: None,
        odd: "data.kind = file is not known",
        tmp_path / "digits": "data.kind = digits is not known",
        tmp_path / "sharp": "choose a noise, or data.noise above 0",
    }.items():
        found = metrics(folder)
        assert null(found) == set(found["reasons"])
        assert found["reasons"]["diverged"] == "Training did not diverge: it ran to its end."
        assert (floor is None) == (found["optimal_loss"] is not None) == ("optimal_loss_standard_error" in found)
        assert (floor or "") in found["reasons"].get("optimal_loss", "")


@pytest.mark.usefixtures("unpainted")
def test_a_run_names_the_score_whose_density_it_prints(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    (tmp_path / "exact.toml").write_text("likelihood.source = 'exact'\n")
    code, said, _ = ask("run", tmp_path / "exact.toml", "--out", tmp_path / "out", *quick)
    assert code == 0
    assert "log p exact score  of p_sigma of the known density by its exact score, smoothed by" in said
    assert "; at 20 held-out points\n" in said
    assert "log p model" not in said


@pytest.mark.usefixtures("unpainted")
def test_a_run_with_little_to_measure_by_says_so(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    """Fifty rows have five different points, and one of these is held out."""
    rows = np.repeat(np.random.default_rng(0).normal(size=(5, 2)) * [1, 100], [46, 1, 1, 1, 1], axis=0)
    np.save(tmp_path / "five.npy", rows)
    (tmp_path / "five.toml").write_text(
        f"data = {{kind = 'file', path = '{tmp_path / 'five.npy'}', split = 'groups'}}\n"
    )
    code, said, _ = ask("run", tmp_path / "five.toml", "--out", tmp_path / "out", *quick)
    assert code == 0
    assert re.search(
        r"; at 1 held-out point, of another distribution than all rows, .*\n +test NLL .* nats .*\(One held-out point gives no",
        said,
    )
    assert "reference set  rows drawn from all, trained on or not: 45 of 50 repeat another" in said
    assert "in the geometric mean of the columns' units, 40 samples beside 10 data" in said
    assert "not a number" not in said


@pytest.mark.claims
def test_the_written_experiment_runs_again_with_the_same_numbers(
    moons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = experiments.load(moons / "experiment.toml")
    assert experiments.value(written, "noise.sigma_max") != "auto"
    assert [experiments.value(written, key) for key in experiments.SEEDS] == [3, 3, 3]
    fewer.points_of_optimal_losses(monkeypatch)  # as for the run before
    assert main(["run", str(moons / "experiment.toml"), "--out", str(tmp_path / "again")]) == 0
    first, second = metrics(moons), metrics(tmp_path / "again")
    assert first["reasons"] == second["reasons"]
    # Noise levels are converted to the user's units and back, which costs a digit of float32.
    for key in ("steps", "final_loss", "optimal_loss", "test_nll", "kl", "sliced_wasserstein2", "data_seed"):
        assert first[key] == pytest.approx(second[key], rel=1e-3), key
    np.testing.assert_allclose(table(moons / "samples.csv")[1], table(tmp_path / "again/samples.csv")[1], atol=1e-3)


@pytest.mark.claims
def test_the_same_command_gives_the_same_numbers(moons: Path, tmp_path: Path) -> None:
    run(moons.parent / "empty.toml", tmp_path / "out", "--seed", "3", film=lambda _: None)
    clock = {"seconds", "steps_per_second", "sampling_seconds"}
    first, second = metrics(moons), metrics(tmp_path / "out")
    assert {key for key in first if first[key] != second[key]} <= clock
    for file in moons.iterdir():
        if file.name != "metrics.json":
            assert file.read_bytes() == (tmp_path / "out" / file.name).read_bytes(), file.name


def test_the_model_of_a_run_is_a_session_with_each_auto_as_it_was_written(odd: Path, quick: list[str]) -> None:
    session = Session.load(odd / "model.safetensors")
    written = experiments.load(ROOT / "resources/experiments/odd-units.toml")
    changes = (option.removeprefix("--set=") for option in quick if option.startswith("--set="))
    assert session.experiment == experiments.replace(written, dict(map(experiments.assignment, changes)))
    for key in ("network.kind", "noise.sigma_max"):
        assert experiments.value(session.experiment, key) == "auto"
    assert Problem.build(session.experiment, session.dataset()).resolve() == experiments.load(odd / "experiment.toml")
    assert session.axes == ("length (mm)", "width (mm)")
    assert session.points.shape == (2980, 2)
    assert session.weights is not None


def test_results_are_in_the_units_of_the_file(odd: Path) -> None:
    header, samples = table(odd / "samples.csv")
    assert header == ["length (mm)", "width (mm)"]
    assert np.all(np.abs(samples.mean(axis=0) - 300) < 40)
    with np.load(odd / "trajectory.npz") as trajectory:
        assert trajectory["sigma"][0] > 50
    # A density per mm²: standardized units would miss 2 ln 40 = 7.4 nats.
    assert metrics(odd)["test_nll"] == pytest.approx(2 * np.log(40) + 1, abs=2.5)
    assert metrics(odd)["entropy"] is None
    assert "not known" in metrics(odd)["reasons"]["entropy"]


def test_sampling_again_by_another_sampler(moons: Path, tmp_path: Path, ask: Ask) -> None:
    for sampler in ("langevin", "annealed-langevin", "reverse-sde", "probability-flow", "edm"):
        out = tmp_path / f"{sampler}.npz"
        code, said, _ = ask(
            "sample", moons, "--sampler", sampler, "--particles", 7, "--set=sampling.steps=20", "--frames", "--out", out
        )
        assert code == 0
        assert str(out) in said
        with np.load(out) as trajectory:
            assert trajectory["positions"].shape[1:] == (7, 2)
            assert len(trajectory["sigma"]) == len(trajectory["positions"]) > 1


def test_a_session_of_the_window_stands_in_for_a_runs_folder(moons: Path, tmp_path: Path, ask: Ask) -> None:
    shutil.copy(moons / "model.safetensors", tmp_path / "moons.spg")
    for name, model in {"folder": moons, "file": tmp_path / "moons.spg"}.items():
        assert ask("sample", model, "--out", tmp_path / f"{name}.csv", "--device", "cpu")[0] == 0
    assert (tmp_path / "file.csv").read_bytes() == (tmp_path / "folder.csv").read_bytes()
    (tmp_path / "points.csv").write_text("x,y\n0.1,0.2\n1,0\n")
    bundled = ROOT / "resources/checkpoints/two-moons.spg"
    for command in ("likelihood", "interpolate"):
        code, _, error = ask(
            command, bundled, "--points", tmp_path / "points.csv", "--out", tmp_path / "out.csv", "--device", "cpu"
        )
        assert (code, "Warning" in error) == (0, False)


@pytest.mark.parametrize("command", ["sample", "likelihood", "decode", "interpolate", "video"])
def test_each_command_that_takes_a_session_says_so(command: str, ask: Ask) -> None:
    assert "a session of the window (.spg)" in " ".join(ask(command, "--help")[1].replace("│", " ").split())


def test_a_session_is_filmed_by_its_own_run_or_by_a_new_one(moons: Path, tmp_path: Path, ask: Ask) -> None:
    session, trajectory = Session.load(moons / "model.safetensors"), Trajectory.load_npz(moons / "trajectory.npz")
    assert session.trajectory is None
    session.save(tmp_path / "new.spg")
    dataclasses.replace(session, trajectory=trajectory.arrays()).save(tmp_path / "own.spg")
    films = {}
    for name, model in {"folder": moons, "own": tmp_path / "own.spg", "new": tmp_path / "new.spg"}.items():
        out = tmp_path / f"{name}.gif"
        code, _, error = ask("video", model, "--out", out, "--size", "64x64")
        assert (code, "Warning" in error) == (0, False)
        films[name] = out.read_bytes()
    assert films["own"] == films["folder"]
    with av.open(str(tmp_path / "new.gif")) as film:
        assert sum(1 for _ in film.decode(video=0)) > 1


def test_a_training_is_filmed_from_its_first_weights_to_its_last(
    moons: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, ...]] = []
    shown = Labels.on

    def noted(labels: Labels, scene: Scene) -> Scene:
        said.append(shown(labels, scene).caption)
        return shown(labels, scene)

    monkeypatch.setattr(Labels, "on", noted)
    out = tmp_path / "training.gif"
    assert ask("video", moons, "--training", "--out", out, "--size", "128x96")[0] == 0
    steps = [next(line for line in caption if line.startswith("weights of")) for caption in said]
    assert steps[0] == "weights of training step 0, untrained network"
    assert steps[-1] == "weights of training step 50"
    assert len(set(steps)) == len(steps) > 3
    assert all(caption[0] == "density, learned score, Reverse SDE" for caption in said)
    with av.open(str(out)) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) - 1 == len(steps)  # the last is there when its hold begins and when it ends
    assert (frames[0] != frames[-2]).mean() > 0.02


def test_a_training_that_kept_no_weights_cannot_be_filmed(moons: Path, tmp_path: Path, ask: Ask) -> None:
    session = Session.load(moons / "model.safetensors")
    assert session.weights is not None
    newest = {name: array for name, array in session.weights.items() if not name.startswith("checkpoints")}
    dataclasses.replace(session, weights=newest).save(tmp_path / "new.spg")
    code, _, error = ask("video", tmp_path / "new.spg", "--training", "--out", tmp_path / "a.gif")
    assert code == 2
    assert "holds no weights of earlier training steps: train anew" in " ".join(error.split())
    dataclasses.replace(session, weights=None).save(tmp_path / "bare.spg")
    code, _, error = ask("video", tmp_path / "bare.spg", "--training", "--out", tmp_path / "a.gif")
    assert code == 2
    assert "holds no trained weights" in " ".join(error.split())


def test_a_session_without_weights_says_how_it_gets_them(moons: Path, tmp_path: Path, ask: Ask) -> None:
    """`run` takes no session; the window exports its settings for `run`."""
    dataclasses.replace(Session.load(moons / "model.safetensors"), weights=None).save(tmp_path / "new.spg")
    code, _, error = ask("sample", tmp_path / "new.spg", "--out", tmp_path / "more.npz")
    assert code == 2
    assert "holds no trained weights: train it in the window" in error
    assert "File > Export settings" in error


def test_a_session_without_weights_follows_a_known_score(moons: Path, tmp_path: Path, ask: Ask) -> None:
    dataclasses.replace(Session.load(moons / "model.safetensors"), weights=None).save(tmp_path / "new.spg")
    for who, model in (("trained", moons), ("untrained", tmp_path / "new.spg")):
        for command, source in (("sample", "sampling.source=exact"), ("likelihood", "likelihood.source=exact")):
            points = ["--points", moons / "samples.csv"] if command == "likelihood" else []
            out = tmp_path / f"{command}-{who}.csv"
            assert ask(command, model, *points, "--set", source, "--out", out)[0] == 0
    for command in ("sample", "likelihood"):
        assert (tmp_path / f"{command}-trained.csv").read_bytes() == (
            tmp_path / f"{command}-untrained.csv"
        ).read_bytes()


def test_sampling_takes_settings_and_seeds(moons: Path, tmp_path: Path, ask: Ask) -> None:
    def positions(*arguments: object) -> np.ndarray:
        assert ask("sample", moons, "--particles", 5, "--frames", "--out", tmp_path / "a.npz", *arguments)[0] == 0
        with np.load(tmp_path / "a.npz") as trajectory:
            found: np.ndarray = trajectory["positions"]
        return found

    first = positions()
    np.testing.assert_array_equal(first, positions("--seed", 3))
    others = positions("--seed", 4)
    assert not np.array_equal(first, others)
    for same in ("seed", "sampling.seed"):  # the network and its data keep theirs
        np.testing.assert_array_equal(others, positions("--set", f"{same}=4"))
    assert len(positions("--set", "sampling.steps=5", "--set", "sampling.final_denoising=false")) == 6
    assert len(positions("--set", "sampling.source=exact")) == 14
    # The solver in the model's file belongs to the old sampler; the flow uses DPM-Solver++ by default.
    flow = positions("--sampler", "probability-flow")
    np.testing.assert_array_equal(
        flow, positions("--sampler", "probability-flow", "--set", "sampling.solver=dpm-solver++")
    )
    assert not np.array_equal(flow, positions("--sampler", "probability-flow", "--set", "sampling.solver=euler"))
    annealed = (
        "--sampler",
        "annealed-langevin",
        "--set",
        "sampling.levels=5",
        "--set",
        "sampling.final_denoising=false",
    )
    assert len(positions(*annealed)) == 11  # 12 steps allow two at each of five levels; the start is a frame too
    code, _, _ = ask("sample", moons, "--particles", 5, "--frames", "--out", tmp_path / "a.csv")
    assert code == 0
    assert table(tmp_path / "a.csv")[0] == ["frame", "particle", "x", "y", "sigma"]


def test_samples_are_the_final_points_unless_all_frames_are_asked_for(moons: Path, tmp_path: Path, ask: Ask) -> None:
    """A table of every frame would have 1.2 million rows. The table of final points can be read by `likelihood`."""
    asked = ("sample", moons, "--particles", 5, "--device", "cpu", "--out")
    for name in ("a.csv", "a.npz"):
        code, said, _ = ask(*asked, tmp_path / name)
        assert (code, "The final points of 5 particles are in" in said) == (0, True)
        assert ask(*asked, tmp_path / f"frames-{name}", "--frames")[0] == 0
    header, rows = table(tmp_path / "a.csv")
    final, frames = (Trajectory.load_npz(tmp_path / name) for name in ("a.npz", "frames-a.npz"))
    assert header == ["x", "y"]
    np.testing.assert_allclose(rows, frames.positions[-1], rtol=1e-6)
    assert (len(final), final.step[0], final.sigma[0]) == (1, frames.step[-1], frames.sigma[-1])
    np.testing.assert_array_equal(final.positions[0], frames.positions[-1])
    assert len(frames) > 1
    assert len(table(tmp_path / "frames-a.csv")[1]) == 5 * len(frames)
    assert ask("likelihood", moons, "--points", tmp_path / "a.csv", "--out", tmp_path / "evaluated.csv")[0] == 0


def test_likelihoods_of_a_file(moons: Path, odd: Path, tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "points.csv").write_text("x,y\n0,1\n0.5,0.25\n")  # two rows are enough to evaluate
    code, _, _ = ask("likelihood", moons, "--points", tmp_path / "points.csv", "--out", tmp_path / "out.csv")
    assert code == 0
    header, rows = table(tmp_path / "out.csv")
    assert header == ["x", "y", "log_prob", "standard_error", "evaluations", "exact", *EIGENVALUES]
    density = Problem.build(experiments.load(moons / "experiment.toml")).dataset.density
    assert density is not None
    sigma = experiments.value(experiments.load(moons / "experiment.toml"), "noise.sigma_min")
    np.testing.assert_allclose(rows[:, 5], density.log_prob(torch.from_numpy(rows[:, :2]), sigma), atol=1e-4)
    np.testing.assert_array_equal(rows[:, :2], [[0, 1], [0.5, 0.25]])
    assert np.isfinite(rows[:, 2]).all()
    assert np.isfinite(rows[:, 6:]).all()
    assert (rows[:, 6] <= rows[:, 7]).all()
    assert rows[:, 3].tolist() == [0, 0]  # the trace is exact
    assert np.all(rows[:, 4] > 10)
    estimated = (
        "--set",
        "likelihood.trace=hutchinson",
        "--set",
        "likelihood.trace_probes=8",
        "--set",
        "likelihood.probes=gaussian",
    )
    assert (
        ask("likelihood", moons, "--points", tmp_path / "points.csv", "--out", tmp_path / "h.csv", *estimated)[0] == 0
    )
    estimates = table(tmp_path / "h.csv")[1]
    assert np.all(estimates[:, 3] > 0)
    assert np.all(np.abs(estimates[:, 2] - rows[:, 2]) < 6 * estimates[:, 3])

    samples = odd / "samples.csv"
    assert ask("likelihood", odd, "--points", samples, "--out", tmp_path / "odd.csv")[0] == 0
    header, rows = table(tmp_path / "odd.csv")
    assert header == ["length (mm)", "width (mm)", "log_prob", "standard_error", "evaluations", *EIGENVALUES]
    assert rows[:, 2].mean() == pytest.approx(-metrics(odd)["test_nll"], abs=2)


def test_points_are_matched_by_the_names_of_their_columns(odd: Path, tmp_path: Path, ask: Ask) -> None:
    points = tmp_path / "points.csv"

    def evaluated(text: str) -> np.ndarray:
        points.write_text(text)
        assert ask("likelihood", odd, "--points", points, "--out", tmp_path / "out.csv")[0] == 0
        header, rows = table(tmp_path / "out.csv")
        assert header[:2] == ["length (mm)", "width (mm)"]
        return rows[0, :3]

    plain = evaluated("310,270\n")
    assert plain[:2].tolist() == [310, 270]
    np.testing.assert_array_equal(evaluated("length (mm),width (mm)\n310,270\n"), plain)
    np.testing.assert_array_equal(evaluated("width (mm),length (mm)\n270,310\n"), plain)
    np.testing.assert_array_equal(evaluated("Width (MM) ,LENGTH (mm)\n270,310\n"), plain)
    np.testing.assert_array_equal(evaluated("Length (mm),Width (mm)\n310,270\n"), plain)
    points.write_text("mass,width (mm)\n270,310\n")
    code, _, error = ask("likelihood", odd, "--points", points, "--out", tmp_path / "out.csv")
    assert (code, error.count("\n")) == (2, 1)
    assert "has columns mass and width (mm), but the model was trained on length (mm) and width (mm): name" in error


@pytest.mark.usefixtures("unpainted")
def test_columns_of_one_name_keep_their_order(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    points = tmp_path / "points.csv"
    np.savetxt(points, np.random.default_rng(0).normal((0, 9), size=(60, 2)), delimiter=",", header="a,a", comments="")
    (tmp_path / "points.toml").write_text("data.kind = 'file'\ndata.path = 'points.csv'\n")
    assert ask("run", tmp_path / "points.toml", "--out", tmp_path / "out", *quick)[0] == 0
    points.write_text("a,a\n0.5,9\n")
    assert ask("likelihood", tmp_path / "out", "--points", points, "--out", tmp_path / "out.csv")[0] == 0
    assert table(tmp_path / "out.csv")[1][0, :2].tolist() == [0.5, 9]


@pytest.mark.parametrize(
    ("names", "header", "places"),
    [
        (("x", "y"), ("y", "X"), [1, 0]),
        (("a", "A"), ("A", "a"), [1, 0]),  # each by its exact name
        (("A", "a"), ("b", "a"), None),
        (("a", "b"), ("A", "a "), None),
        (("a", "b"), ("A", "A", "b"), None),  # the name fits two columns
        (("z0", "z1"), ("Z0", "log_prob", "z0", "Z1"), [2, 3]),
        (("a", "a"), ("a", "a"), None),
    ],
)
def test_a_column_is_matched_only_by_an_unambiguous_name(
    names: tuple[str, ...], header: tuple[str, ...], places: list[int] | None
) -> None:
    assert columns_named(names, header) == places


def test_data_without_names_take_points_of_any(moons: Path, tmp_path: Path, ask: Ask) -> None:
    points = tmp_path / "points.csv"
    for text in ("0.5,1\n", "a,b\n0.5,1\n", "y,x\n1,0.5\n", "y,X\n1,0.5\n", '"Y ",x\n1,0.5\n'):
        points.write_text(text)
        assert ask("likelihood", moons, "--points", points, "--out", tmp_path / "out.csv")[0] == 0
        assert table(tmp_path / "out.csv")[1][0, :2].tolist() == [0.5, 1]


@pytest.mark.parametrize("header", ["y,b", "a, X", "x,X"])
def test_a_column_of_the_other_axis_is_not_taken_by_its_place(
    moons: Path, tmp_path: Path, ask: Ask, header: str
) -> None:
    (tmp_path / "points.csv").write_text(f"{header}\n0.5,1\n")
    code, _, error = ask("likelihood", moons, "--points", tmp_path / "points.csv", "--out", tmp_path / "out.csv")
    assert code == 2
    assert "but the model was trained on x and y: name them alike" in error


def test_columns_that_changed_places_have_the_same_closed_form(moons: Path, tmp_path: Path, ask: Ask) -> None:
    points, found = tmp_path / "points.csv", []
    for text in ("x,y\n0.5,0.25\n0,1\n", "y,x\n0.25,0.5\n1,0\n"):
        points.write_text(text)
        exact = ("--points", points, "--out", tmp_path / "out.csv", "--set", "likelihood.source=exact")
        assert ask("likelihood", moons, *exact)[0] == 0
        found.append(table(tmp_path / "out.csv"))
    assert (
        found[0][0]
        == found[1][0]
        == ["x", "y", "log_prob", "standard_error", "evaluations", "closed_form", *EIGENVALUES]
    )
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_far_points_are_marked_and_the_others_answered(moons: Path, tmp_path: Path, ask: Ask) -> None:
    points, out = tmp_path / "points.csv", tmp_path / "out.csv"
    points.write_text("x,y\n1e9,0\n0,1\n30,0\n1,-0.5\n")
    code, said, error = ask("likelihood", moons, "--points", points, "--out", out)
    assert code == 0
    assert [note.partition(":")[0] for note in notes(out)] == ["extrapolated", "", "extrapolated", ""]
    assert re.search(
        r"Warning: Point 1 of 4 is extrapolated: \S+ times as far .*; column note has the same for 1 more\.", error
    )
    assert error.count("Few data are here: none of ") == 1
    assert re.search(r"Warning: Point 1: Few data are here: .* far off\. The same holds for 1 more\.", error)
    exact = ask(
        "likelihood", moons, "--points", points, "--out", tmp_path / "exact.csv", "--set=likelihood.source=exact"
    )
    assert exact[0] == 0
    assert "Few data" not in exact[2]
    log_prob = table(out)[1][:, 2]
    mean = re.search(r"Mean log-likelihood (\S+) nats of 4 points \((\S+) of the 2 that are not extrapolated\)", said)
    assert mean is not None
    assert [float(text) for text in mean.groups()] == pytest.approx(
        [log_prob.mean(), log_prob[[1, 3]].mean()], rel=1e-3
    )
    assert len(mean[1]) < 12
    points.write_text("x,y\n1e9,0\n0,1\n")
    said = ask("likelihood", moons, "--points", points, "--out", out)[1]
    assert re.search(r" nats of 2 points \(\S+ of the one that is not extrapolated\)", said)
    points.write_text("x,y\n0,1\n")
    assert " nats of 1 point; each is in " in ask("likelihood", moons, "--points", points, "--out", out)[1]


def test_points_that_cannot_be_measured_are_named_and_the_others_answered(
    moons: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the moons the training set's flow takes hundreds of steps; with a loose tolerance it fails."""
    points, out = tmp_path / "points.csv", tmp_path / "out.csv"
    points.write_text("x,y\n0,1\n-0.65,-2.56\n1,-0.5\n")
    empirical = ("--points", points, "--out", out, "--latent", "--set=likelihood.source=empirical")
    monkeypatch.setattr("playground.theory.likelihood.MOST_STEPS", 100)
    code, said, error = ask("likelihood", moons, *empirical)
    assert code == 0
    assert "Warning: Point 2 of 3 is not measured: the flow from here takes too many steps" in error
    assert "nats of 2 points; each is in" in said
    header, rows = table(out)
    assert header == [
        "x",
        "y",
        "log_prob",
        "standard_error",
        "evaluations",
        "closed_form",
        "exact",
        "z0",
        "z1",
        *EIGENVALUES,
    ]
    assert np.isnan(rows[:, [2, 3, 7, 8]]).tolist() == [[False] * 4, [True] * 4, [False] * 4]
    np.testing.assert_allclose(rows[[0, 2], 2], rows[[0, 2], 5], atol=0.05)
    code, _, error = ask("likelihood", moons, *empirical, "--set=likelihood.tolerance=0.1")
    assert code == 0
    assert re.search(r"Point 2 of 3 is not measured: the flow gives \S+ and misses the closed form, \S+\.", error)
    assert np.isnan(table(out)[1][:, 2]).tolist() == [False, True, False]
    points.write_text("x,y\n-0.65,-2.56\n")
    out.unlink()
    code, _, error = ask("likelihood", moons, *empirical)
    assert (code, "No point could be measured. Point 1 of 1 is not measured: the flow" in error) == (2, True)
    assert not out.exists()


def test_points_go_to_latent_codes_and_back_and_to_each_other(moons: Path, tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "points.csv").write_text("x,y\n0,1\n0.5,0.25\n")
    codes, back, way = (tmp_path / name for name in ("codes.csv", "back.csv", "way.csv"))
    tight = ("--set", "likelihood.tolerance=1e-5")
    assert ask("likelihood", moons, "--points", tmp_path / "points.csv", "--out", codes, "--latent", *tight)[0] == 0
    header, evaluated = table(codes)
    assert header == ["x", "y", "log_prob", "standard_error", "evaluations", "exact", "z0", "z1", *EIGENVALUES]
    assert ask("decode", moons, "--latent", codes, "--out", back, *tight)[0] == 0
    header, decoded = table(back)
    assert header == ["x", "y", "log_prob", "standard_error"]
    assert decoded[:, 3].tolist() == [0, 0]  # the trace is exact
    np.testing.assert_allclose(decoded[:, :2], evaluated[:, :2], atol=5e-3)
    np.testing.assert_allclose(decoded[:, 2], evaluated[:, 2], atol=5e-3)
    assert ask("interpolate", moons, "--points", tmp_path / "points.csv", "--out", way, "--count", 5, *tight)[0] == 0
    header, between = table(way)
    assert header == ["u", "x", "y", "log_prob", "standard_error"]
    assert between[:, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert [note.partition(":")[0] for note in notes(back)] == ["", "extrapolated"]  # between the moons
    np.testing.assert_allclose(between[[0, -1], 1:3], evaluated[:, :2], atol=5e-3)


@pytest.mark.claims  # integrals
def test_the_ends_of_an_interpolation_have_the_values_of_likelihood(moons: Path, tmp_path: Path, ask: Ask) -> None:
    """With estimated traces too, whose errors are written; for one probe they are not known."""
    (tmp_path / "points.csv").write_text("x,y\n0,1\n0.5,0.25\n")
    evaluated, way, back = (tmp_path / name for name in ("evaluated.csv", "way.csv", "back.csv"))
    given = ("--points", tmp_path / "points.csv")
    estimated = ("--set", "likelihood.trace=hutchinson", "--set", "likelihood.tolerance=1e-6")
    three = (*estimated, "--set", "likelihood.trace_probes=3", "--set", "likelihood.probes=gaussian")
    assert ask("likelihood", moons, *given, "--out", evaluated, "--latent", *three)[0] == 0
    assert ask("interpolate", moons, *given, "--out", way, "--count", 5, *three)[0] == 0
    assert ask("decode", moons, "--latent", evaluated, "--out", back, *three)[0] == 0
    expected = table(evaluated)[1][:, 2:4]
    assert (expected[:, 1] > 0.01).all()
    np.testing.assert_allclose(table(way)[1][[0, -1], 3], expected[:, 0], atol=5e-3)
    assert (table(way)[1][:, 4] > 0.01).all()  # errors of the ends, estimated with the points between
    np.testing.assert_allclose(table(back)[1][:, 2:4], expected, atol=5e-3)
    written = evaluated.read_bytes()
    tables: dict[int, bytes] = {}
    for seed, same in ((3, True), (4, False)):
        for option in (f"--seed={seed}", f"--set=seed={seed}"):
            assert ask("likelihood", moons, *given, "--out", evaluated, "--latent", *three, option)[0] == 0
            assert (evaluated.read_bytes() == written) == same
            assert tables.setdefault(seed, evaluated.read_bytes()) == evaluated.read_bytes()
    for command, start in (("decode", ("--latent", evaluated)), ("interpolate", (*given, "--count", 5))):
        found = []
        for options in ((), ("--seed=4",), ("--set=seed=4",)):
            assert ask(command, moons, *start, "--out", back, *three, *options)[0] == 0
            found.append(back.read_bytes())
        assert found[0] != found[1] == found[2]
    assert ask("interpolate", moons, *given, "--out", way, "--count", 5, *estimated)[0] == 0
    assert np.isnan(table(way)[1][:, 4]).all()


def test_the_help_names_every_column_that_a_table_adds(
    moons: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    points, evaluated, out = (tmp_path / name for name in ("points.csv", "evaluated.csv", "out.csv"))
    points.write_text("x,y\n0,1\n0.5,0.25\n")
    assert ask("likelihood", moons, "--points", points, "--out", evaluated, "--latent")[0] == 0
    for command, given in (("interpolate", ("--points", points)), ("decode", ("--latent", evaluated))):
        assert ask(command, moons, *given, "--out", out)[0] == 0
        added = set(out.read_text().splitlines()[0].split(",")) - {"x", "y"}
        said = re.findall(r"\w+", ask(command, "--help")[1])
        assert added <= set(said), command


def test_codes_of_far_points_are_marked_and_missing_ones_named(moons: Path, tmp_path: Path, ask: Ask) -> None:
    codes, out = tmp_path / "codes.csv", tmp_path / "out.csv"
    codes.write_text("z0,z1\n0.3,0.1\n90,40\n")
    code, _, error = ask("decode", moons, "--latent", codes, "--out", out)
    assert code == 0
    assert "Warning: Point 2 of 2 is extrapolated" in error
    assert [note.partition(":")[0] for note in notes(out)] == ["", "extrapolated"]
    codes.write_text("z0,z1\n0.3,0.1\n", encoding="utf-8-sig")  # as Excel saves it
    assert ask("decode", moons, "--latent", codes, "--out", out)[0] == 0
    plain = out.read_text()
    codes.write_text("note, Z1,Z0\n,0.1,0.3\n")
    assert ask("decode", moons, "--latent", codes, "--out", out)[0] == 0
    assert out.read_text() == plain
    codes.write_text("z0,z1,note\n0.3,0.1,\n,,not measured\n")
    code, _, error = ask("decode", moons, "--latent", codes, "--out", out)
    assert (code, "codes.csv: point 2 has no latent code: remove its row." in error) == (2, True)
    (tmp_path / "points.csv").write_text("x,y\n0,1\n40,0\n")
    code, _, _ = ask("interpolate", moons, "--points", tmp_path / "points.csv", "--out", out, "--count", 3)
    assert code == 0
    assert notes(out)[-1].startswith("extrapolated")


def test_points_written_by_a_command_are_read_by_column_names(moons: Path, tmp_path: Path, ask: Ask) -> None:
    codes, decoded, evaluated = (tmp_path / name for name in ("codes.csv", "decoded.csv", "evaluated.csv"))
    codes.write_text("z0,z1\n0.3,0.1\n")
    code, said, _ = ask("decode", moons, "--latent", codes, "--out", decoded)
    assert (code, f"1 code is decoded in {decoded}" in said) == (0, True)
    assert ask("likelihood", moons, "--points", decoded, "--out", evaluated)[0] == 0
    assert (table(evaluated)[1][:, :2] == table(decoded)[1][:, :2]).all()
    np.testing.assert_allclose(table(evaluated)[1][:, 2], table(decoded)[1][:, 2], atol=5e-3)


@pytest.mark.parametrize(
    ("suffix", "size", "shown"),
    [(".mp4", "128x96", (128, 96)), (".webm", "160x120", (160, 120)), (".gif", "129x97", (129, 97))],
)
def test_videos_of_any_kind_and_size(moons: Path, tmp_path: Path, ask: Ask, suffix: str, size: str, shown: Any) -> None:
    out = tmp_path / f"film{suffix}"
    assert ask("video", moons, "--out", out, "--size", size, "--fps", 10)[0] == 0
    width, height, count = pictures(out)
    assert (width, height) == shown
    assert count == 30 or (suffix == ".gif" and 10 < count < 30)  # it shows a repeated picture for longer
    with av.open(str(out)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert None not in times
    assert times[-1] - times[0] == pytest.approx(2.9, abs=0.01)
    assert [file.name for file in tmp_path.iterdir()] == [out.name]


def test_picture_and_video_show_the_border_of_the_known_part(
    tmp_path: Path, ask: Ask, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "digits.toml").write_text('data.kind = "digits"\nnetwork.width = 8\nsampling.inpainting_mask = "top"\n')
    seen: list[list[int]] = []
    monkeypatch.setattr(ImageGrid, "paint", lambda grid, *_: seen.append(grid.known.sum(axis=1).tolist()))
    quickest = [*quick, "--set=training.steps=2", "--set=likelihood.points=10"]
    assert ask("run", tmp_path / "digits.toml", "--out", tmp_path / "out", *quickest)[0] == 0
    assert len(seen) > 12  # the picture, and every frame of the video
    assert all(rows == [8, 8, 8, 8, 0, 0, 0, 0] for rows in seen)


@pytest.mark.claims
def test_images_from_training_to_likelihood(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    (tmp_path / "digits.toml").write_text("[data]\nkind = 'digits'\n[network]\nwidth = 8\n")
    quickest = [*quick, "--set=training.steps=5", "--set=likelihood.points=10"]
    assert ask("run", tmp_path / "digits.toml", "--out", tmp_path / "out", *quickest)[0] == 0
    header, samples = table(tmp_path / "out/samples.csv")
    assert header == [f"p{pixel}" for pixel in range(64)]
    assert samples.shape == (40, 64)
    assert metrics(tmp_path / "out")["bits_per_dim"] > 0
    points = tmp_path / "out/samples.csv"
    assert ask("likelihood", tmp_path / "out", "--points", points, "--out", tmp_path / "evaluated.csv")[0] == 0
    header, evaluated = table(tmp_path / "evaluated.csv")
    assert header[-3:] == ["log_prob", "standard_error", "evaluations"]
    assert np.isnan(evaluated[:, -2]).all()  # one probe has no spread
    turned, bare = tmp_path / "turned.csv", tmp_path / "bare.csv"
    rows = points.read_text().splitlines()[1:4]
    bare.write_text("\n".join(rows))
    named = ",".join(header[:64]).upper()
    turned.write_text("\n".join(",".join(line.split(",")[::-1]) for line in [named, *rows]))
    arrays = [tmp_path / "rows.npy", tmp_path / "images.npy"]
    for path, shape in zip(arrays, ((3, 64), (3, 1, 8, 8)), strict=True):
        np.save(path, samples[:3].reshape(shape))
    for path in (bare, turned, *arrays, tmp_path / "evaluated.csv"):
        assert ask("likelihood", tmp_path / "out", "--points", path, "--out", tmp_path / "some.csv")[0] == 0
        np.testing.assert_allclose(table(tmp_path / "some.csv")[1][:3, :65], evaluated[:3, :65], rtol=1e-5)
    (tmp_path / "two.csv").write_text("x,y\n1,2\n")
    (tmp_path / "ragged.csv").write_text((tmp_path / "evaluated.csv").read_text() + "1,2\n")
    np.save(tmp_path / "levels.npy", np.full((3, 64), 255, np.uint8))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    np.save(tmp_path / "other.npy", np.zeros((3, 8, 9)))
    np.savez(tmp_path / "packed.npz", samples)
    (tmp_path / "packed.npz").rename(tmp_path / "packed.npy")
    (tmp_path / "short.npy").write_bytes((tmp_path / "rows.npy").read_bytes()[:200])
    for name, sentence in (
        ("two.csv", "holds no images"),
        ("ragged.csv", "holds no images"),
        ("levels.npy", "array (N, 1, 8, 8) of real numbers"),
        ("objects.npy", "holds no images"),
        ("other.npy", "holds no images"),
        ("packed.npy", "holds no images"),
        ("short.npy", "holds no images"),
        ("none.csv", "cannot be read"),
        ("digits.toml", "no images"),
    ):
        code, _, error = ask("likelihood", tmp_path / "out", "--points", tmp_path / name, "--out", tmp_path / "o.csv")
        assert (code, sentence in error) == (2, True)


def test_noise_without_a_process_still_runs_and_says_why_figures_are_missing(without_process: Path) -> None:
    found = metrics(without_process)
    assert found["test_nll"] is None
    assert "noise.kind = single has no such path" in found["reasons"]["test_nll"]
    assert found["sliced_wasserstein2"] > 0


@pytest.mark.claims
def test_an_energy_without_a_flow_has_likelihoods_and_says_where_they_come_from(
    tmp_path: Path, ask: Ask, quick: list[str]
) -> None:
    """An untrained energy is a Gaussian with the data's moments, smoothed by sigma."""
    (tmp_path / "energy.toml").write_text(
        'network.kind = "energy"\nnoise.kind = "single"\nnoise.sigma = 0.5\nsampling.kind = "langevin"\n'
    )
    run = [*quick, "--set=training.steps=0", "--set=objective.kind=denoising"]
    code, output, _ = ask("run", tmp_path / "energy.toml", "--out", tmp_path / "out", *run)
    assert code == 0
    assert ("test NLL, energy" in output, output.count("test NLL")) == (True, 1)
    found = metrics(tmp_path / "out")
    assert found["test_nll"] == found["energy_nll"]
    perfect = f"optimal NLL  {in_words(found, 'optimal_nll')} nats"
    assert (perfect in output, "KL of smoothing" in output) == (True, False)  # its KL is to the smoothed data
    assert "the data smoothed by sigma = 0.5 (user units); ln Z = " in found["density"]
    points, out = tmp_path / "points.csv", tmp_path / "evaluated.csv"
    points.write_text("x,y\n0.5,0.25\n1e6,-1e6\n")
    code, output, _ = ask("likelihood", tmp_path / "out", "--points", points, "--out", out)
    assert code == 0
    assert "By exp(-f)/Z of the learned energy, of the data smoothed by sigma = 0.5 (user units); ln Z = " in output
    header, rows = table(out)
    assert header == ["x", "y", "log_prob", "log_partition_error", "exact", *EIGENVALUES]
    density = Problem.build(experiments.load(tmp_path / "out/experiment.toml")).dataset.density
    assert density is not None
    np.testing.assert_allclose(rows[:, 4], density.log_prob(torch.from_numpy(rows[:, :2]), 0.5), rtol=1e-6)
    # Near the middle of the moons, whose variance along an axis is 0.49 on average: -ln(2 pi (0.49 + 0.25)).
    assert rows[0, 2] == pytest.approx(-math.log(2 * math.pi * 0.74), abs=0.05)
    assert rows[1, 2] == pytest.approx(-1e12 / 0.74, rel=0.1)
    assert 0 < rows[0, 3] < 2e-3
    np.testing.assert_allclose(rows[1, 5:], [-1 / 0.74, -1 / 0.74, 0], atol=0.1)  # far away it is one Gaussian
    code, _, error = ask("likelihood", tmp_path / "out", "--points", points, "--out", out, "--latent")
    assert (code, "no latent codes" in error) == (2, True)


def test_a_run_that_is_not_trained_still_runs(tmp_path: Path, ask: Ask, quickest: list[str]) -> None:
    (tmp_path / "none.toml").write_text("")
    assert ask("run", tmp_path / "none.toml", "--out", tmp_path / "out", *quickest, "--set=training.steps=0")[0] == 0
    found = metrics(tmp_path / "out")
    for key in ("final_loss", "optimal_loss", "steps_per_second", "diverged"):
        assert found[key] is None
        assert found["reasons"][key] == "Nothing was trained: set training.steps, or training.seconds, above 0."
    assert null(found) == set(found["reasons"])


def test_a_curve_s_values_that_are_no_numbers_are_null_and_say_so() -> None:
    """JSON knows none; the others stay."""
    found = finite(Measured((1.0, math.nan, 2.0), (0.1, math.inf, 0.2)))
    assert (found.value, found.error) == ((1.0, None, 2.0), (0.1, None, 0.2))
    assert str(found.reason).startswith("The result is not finite: if training diverged, lower training.learning_rate")
    assert finite(Measured(math.inf)) == Measured(None, reason=found.reason)
    known = Measured((1.0, math.nan), reason=plain("The exact score is 0 there."))
    assert finite(known) == Measured((1.0, None), reason=known.reason)
    assert finite(Measured((1.0,), 0.0)) == Measured((1.0,), 0.0)


def test_the_model_of_a_folder_names_its_classes(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    save_cats_and_dogs(tmp_path / "animals")
    (tmp_path / "animals.toml").write_text('[data]\nkind = "images"\npath = "animals"\n')
    few = ("--set=training.steps=2", "--set=likelihood.points=10", "--set=likelihood.tolerance=0.1")
    code, _, error = ask("run", tmp_path / "animals.toml", "--out", tmp_path / "out", *quick, *few)
    assert code == 0, error
    assert "Classes are numbered as their folders are sorted: 0 cats, 1 dogs." in error
    assert Session.load(tmp_path / "out" / "model.safetensors").class_names == ("cats", "dogs")


@pytest.mark.claims
@pytest.mark.usefixtures("unpainted")
def test_a_run_reports_memorization_and_stops_early_with_few_rows(tmp_path: Path, ask: Ask, quick: list[str]) -> None:
    turn = np.random.default_rng(0).uniform(0, 6.3, 60)
    points = np.stack([np.cos(turn), np.sin(turn)], 1) + 0.1 * np.random.default_rng(1).normal(size=(60, 2))
    np.save(tmp_path / "few.npy", points)
    (tmp_path / "few.toml").write_text(f"data = {{kind = 'file', path = '{tmp_path / 'few.npy'}'}}\n")
    # With the default of so few rows, that of a kernel density, a network that memorizes is no worse.
    fine = ["--set=noise.sigma_min=0.01"]
    longer = ["--set=training.steps=1600", "--set=network.width=64", "--set=sampling.particles=300", *fine]
    for early, stopped in (("auto", True), ("off", False)):
        out = tmp_path / early
        code, said, error = ask(
            "run", tmp_path / "few.toml", "--out", out, *quick, *longer, f"--set=training.early_stopping={early}"
        )
        found = metrics(out)
        assert code == 0
        assert (found["kept_step"] < found["steps"] < 1600) == stopped
        assert ("Training stopped early at step" in error) == stopped == (found["early_stopping"] is not None)
        assert ("Warning: The training points are memorized" in error) != stopped
        assert found["held_out_loss"] > found["final_loss"]
        assert found["train_nll"] < found["test_nll"]
        assert f"NLL, kernel density  {in_words(found, 'kernel_nll')} nats" in said
        assert str(nearness(Figures.of(found))) in said
        near = nearness(Figures.of(found))
        assert near is not None
        assert ("copies" in said) == (near.code == "copies")
    assert found["held_out_loss"] - found["final_loss"] > 2 * found["held_out_loss_standard_error"]


def test_a_video_has_the_learned_density_if_that_of_the_data_is_unknown(odd: Path) -> None:
    """The window's video has it too: one function decides what a frame shows."""
    model, trajectory = open_model(odd, device="cpu"), Trajectory.load_npz(odd / "trajectory.npz")
    painted, last = Model.of(model.problem, model.model.network), len(trajectory) - 1
    scene = painting._scene(model.problem, (96, 72))
    told: list[float] = []
    shown = result(painting._frames(painted, scene, trajectory, np.array([0, last]), (96, 72)), told.append)
    assert told[-1] == 1.0
    first, end = (shown(scene, frame) for frame in (0, last))
    x0, x1, y0, y1 = scene.viewport
    for picture in (first, end):
        assert picture.density is not None
        assert picture.density.extent == scene.viewport
        assert picture.learned is not None
        assert len(picture.caption) == 3  # the noise level, the step, its cost
    assert end.density is not None
    assert first.density is not None
    assert end.particles is not None
    cell = (x1 - x0) * (y1 - y0) / end.density.values.size
    assert end.density.values.sum() * cell == pytest.approx(1.0, abs=0.1)
    assert end.density.values.max() > 3 * first.density.values.max()
    np.testing.assert_array_equal(end.particles.positions, trajectory.positions[last])
