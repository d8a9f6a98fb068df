"""The command line: what it writes, what it refuses and how, and that it leaves nothing half-done."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from playground import __version__
from playground.cli import COMMANDS, main, mistakes
from playground.cli.commands import app
from playground.lab import experiment as experiments
from playground.lab.session import Session

ROOT = Path(__file__).parents[1]
ODD_UNITS = ROOT / "resources/experiments/odd-units.toml"
QUICK = [
    f"--set={assignment}"
    for assignment in ("training.steps=50", "sampling.particles=40", "sampling.steps=12", "likelihood.points=20")
]

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Call the program; exit code, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def moons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on two moons."""
    place = tmp_path_factory.mktemp("moons")
    (place / "empty.toml").write_text("")
    assert main(["run", str(place / "empty.toml"), "--out", str(place / "out"), *QUICK, "--seed", "3"]) == 0
    return place / "out"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on points with offset 300 and scale 40."""
    place = tmp_path_factory.mktemp("odd") / "out"
    assert main(["run", str(ODD_UNITS), "--out", str(place), *QUICK]) == 0
    return place


@pytest.fixture(scope="module")
def without_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with a single sigma, which has no probability flow."""
    place = tmp_path_factory.mktemp("single")
    (place / "one.toml").write_text('[noise]\nkind = "single"\n[sampling]\nkind = "langevin"\n')
    assert main(["run", str(place / "one.toml"), "--out", str(place / "out"), *QUICK]) == 0
    return place / "out"


def table(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, np.array(rows, dtype=float)


def metrics(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


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


def test_metrics_have_a_number_or_a_reason(moons: Path) -> None:
    found = metrics(moons)
    for key in ("steps", "seconds", "steps_per_second", "final_loss", "loss_floor", "test_nll", "entropy", "kl"):
        assert isinstance(found[key], int | float), key
    for key in ("test_nll_standard_error", "kl_standard_error", "sliced_wasserstein2", "sliced_wasserstein2_floor"):
        assert found[key] > 0, key
    assert (found["steps"], found["seed"], found["threads"]) == (50, 3, 1)
    assert found["device"] in ("cpu", "cuda", "mps")
    assert found["entropy"] == pytest.approx(1.0076, abs=1e-3)
    assert found["kl"] == pytest.approx(found["test_nll"] - found["entropy"], abs=0.6)
    assert found["bits_per_dim"] is None
    assert "images" in found["reasons"]["bits_per_dim"]


def test_the_written_experiment_runs_again_with_the_same_numbers(moons: Path, tmp_path: Path, ask: Ask) -> None:
    written = experiments.load(moons / "experiment.toml")
    assert written.noise.sigma_max != "auto"
    assert written.seed == 3
    assert ask("run", moons / "experiment.toml", "--out", tmp_path / "again")[0] == 0
    first, second = metrics(moons), metrics(tmp_path / "again")
    assert first["reasons"] == second["reasons"]
    # Noise levels pass through the user's units and back, which costs a digit of float32.
    for key in ("steps", "final_loss", "loss_floor", "test_nll", "kl", "sliced_wasserstein2", "seed"):
        assert first[key] == pytest.approx(second[key], rel=1e-3), key
    np.testing.assert_allclose(table(moons / "samples.csv")[1], table(tmp_path / "again/samples.csv")[1], atol=1e-3)


def test_the_same_command_gives_the_same_numbers(moons: Path, tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "empty.toml").write_text("")
    code, _, _ = ask("run", tmp_path / "empty.toml", "--out", tmp_path / "out", *QUICK, "--seed", 3, "--device", "cpu")
    assert code == 0
    assert (moons / "samples.csv").read_text() == (tmp_path / "out/samples.csv").read_text()


def test_the_model_of_a_run_is_a_session(odd: Path) -> None:
    session = Session.load(odd / "model.safetensors")
    assert session.experiment == experiments.load(odd / "experiment.toml")
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
    for sampler in ("langevin", "annealed-langevin", "reverse-sde", "probability-flow"):
        out = tmp_path / f"{sampler}.npz"
        code, said, _ = ask("sample", moons, "--sampler", sampler, "--particles", 7, "--out", out)
        assert code == 0
        assert str(out) in said
        with np.load(out) as trajectory:
            assert trajectory["positions"].shape[1:] == (7, 2)
            assert len(trajectory["sigma"]) == len(trajectory["positions"])


def test_sampling_takes_settings_and_seeds(moons: Path, tmp_path: Path, ask: Ask) -> None:
    def positions(*arguments: object) -> np.ndarray:
        assert ask("sample", moons, "--particles", 5, "--out", tmp_path / "a.npz", *arguments)[0] == 0
        with np.load(tmp_path / "a.npz") as trajectory:
            found: np.ndarray = trajectory["positions"]
        return found

    first = positions()
    np.testing.assert_array_equal(first, positions("--seed", 3))
    assert not np.array_equal(first, positions("--seed", 4))
    assert len(positions("--set", "sampling.steps=5", "--set", "sampling.denoise=false")) == 6
    assert len(positions("--set", "sampling.source=exact")) == 14
    code, _, _ = ask("sample", moons, "--particles", 5, "--out", tmp_path / "a.csv")
    assert code == 0
    assert table(tmp_path / "a.csv")[0] == ["frame", "particle", "x", "y", "sigma"]


def test_likelihoods_of_a_file(moons: Path, odd: Path, tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "points.csv").write_text("x,y\n0,1\n0.5,0.25\n")  # two rows are enough to be judged
    code, _, _ = ask("likelihood", moons, "--points", tmp_path / "points.csv", "--out", tmp_path / "out.csv")
    assert code == 0
    header, rows = table(tmp_path / "out.csv")
    assert header == ["x", "y", "log_prob", "evaluations"]
    np.testing.assert_array_equal(rows[:, :2], [[0, 1], [0.5, 0.25]])
    assert np.isfinite(rows[:, 2]).all()
    assert np.all(rows[:, 3] > 10)

    samples = odd / "samples.csv"
    assert ask("likelihood", odd, "--points", samples, "--out", tmp_path / "odd.csv")[0] == 0
    header, rows = table(tmp_path / "odd.csv")
    assert header == ["length (mm)", "width (mm)", "log_prob", "evaluations"]
    assert rows[:, 2].mean() == pytest.approx(-metrics(odd)["test_nll"], abs=2)


@pytest.mark.parametrize(
    ("suffix", "size", "shown"),
    [(".mp4", "128x96", (128, 96)), (".webm", "160x120", (160, 120)), (".gif", "129x97", (129, 97))],
)
def test_videos_of_any_kind_and_size(moons: Path, tmp_path: Path, ask: Ask, suffix: str, size: str, shown: Any) -> None:
    out = tmp_path / f"film{suffix}"
    assert ask("video", moons, "--out", out, "--size", size, "--fps", 10)[0] == 0
    width, height, count = pictures(out)
    assert (width, height) == shown
    assert count == 30
    assert [file.name for file in tmp_path.iterdir()] == [out.name]


def test_images_from_training_to_likelihood(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "digits.toml").write_text("[data]\nkind = 'digits'\n[network]\nwidth = 8\n")
    quick = [*QUICK, "--set=training.steps=5", "--set=likelihood.points=10"]
    assert ask("run", tmp_path / "digits.toml", "--out", tmp_path / "out", *quick)[0] == 0
    header, samples = table(tmp_path / "out/samples.csv")
    assert header == [f"p{pixel}" for pixel in range(64)]
    assert samples.shape == (40, 64)
    assert metrics(tmp_path / "out")["bits_per_dim"] > 0
    points = tmp_path / "out/samples.csv"
    assert ask("likelihood", tmp_path / "out", "--points", points, "--out", tmp_path / "judged.csv")[0] == 0
    assert table(tmp_path / "judged.csv")[0][-2:] == ["log_prob", "evaluations"]
    (tmp_path / "two.csv").write_text("x,y\n1,2\n")
    for name, sentence in (
        ("two.csv", "holds no images"),
        ("none.csv", "cannot be read"),
        ("digits.toml", "no images"),
    ):
        code, _, error = ask("likelihood", tmp_path / "out", "--points", tmp_path / name, "--out", tmp_path / "o.csv")
        assert (code, sentence in error) == (2, True)


def test_what_has_no_process_still_runs_and_says_why_numbers_are_missing(without_process: Path) -> None:
    found = metrics(without_process)
    assert found["test_nll"] is None
    assert "noise.kind = single has no such path" in found["reasons"]["test_nll"]
    assert found["sliced_wasserstein2"] > 0


def test_a_run_that_is_not_trained_still_runs(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "none.toml").write_text("")
    assert ask("run", tmp_path / "none.toml", "--out", tmp_path / "out", *QUICK, "--set=training.steps=0")[0] == 0
    assert metrics(tmp_path / "out")["final_loss"] is None


MISTAKES: dict[str, tuple[list[str], str]] = {
    "unknown command": (["rnu"], "rnu is neither a file nor a command; did you mean run?"),
    "unknown word": (["zzz"], "zzz is neither a file nor a command; the commands are run, sample"),
    "a folder for the window": (["{tmp}"], "is a folder: open a session, an experiment or a file of points."),
    "two files for the window": (["{tmp}/points.csv", "x"], "The window opens one file"),
    "unknown option": (["--foo"], "No such option: --foo"),
    "unknown option of run": (["run", "{tmp}/empty.toml", "--oot", "x"], "No such option: --oot"),
    "no experiment": (["run"], "Missing argument 'EXPERIMENT.toml'"),
    "no --out": (["run", "{tmp}/empty.toml"], "Missing option '--out'"),
    "--out of nothing": (["run", "{tmp}/empty.toml", "--out"], "requires an argument"),
    "missing experiment": (["run", "{tmp}/none.toml", "--out", "{tmp}/o"], "none.toml cannot be read: No such file"),
    "experiment is a folder": (["run", "{tmp}", "--out", "{tmp}/o"], "cannot be read: Is a directory"),
    "experiment is binary": (["run", "{tmp}/binary.toml", "--out", "{tmp}/o"], "is not a text file"),
    "experiment is no TOML": (["run", "{tmp}/broken.toml", "--out", "{tmp}/o"], "broken.toml is not valid TOML"),
    "unknown setting": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "noise.sigma_mx=3"],
        "did you mean noise.sigma_max?",
    ),
    "--set without =": (["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "seed"], "'seed' has no =."),
    "value out of bounds": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "training.batch=0"],
        "training.batch = 0 is not allowed: it must be a whole number from 1 to 65536.",
    ),
    "negative seed": (["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--seed", "-1"], "seed = -1 is not allowed"),
    "seed of text": (["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--seed", "x"], "Invalid value for '--seed'"),
    "unknown device": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--device", "tpu"],
        "device = tpu is not known: it must be one of auto, cpu, cuda, mps.",
    ),
    "absent device": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--device", "mps"],
        "device = mps is not available on this machine",
    ),
    "denoising without noise": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "noise.kind=none"],
        "Denoising needs noise to remove",
    ),
    "reverse SDE without noise": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "noise.kind=none", "--set", "objective.kind=exact"],
        "has no path between them: choose ladder, ve or vp",
    ),
    "no data file": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "data.kind=file"],
        "No file is chosen: set data.path",
    ),
    "nothing drawn": (["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "data.kind=drawn"], "Nothing is drawn"),
    "missing data file": (["run", "{tmp}/missing.toml", "--out", "{tmp}/o"], "nowhere.csv does not exist"),
    "data of text": (["run", "{tmp}/words.toml", "--out", "{tmp}/o"], "words.csv"),
    "data too few": (["run", "{tmp}/few.toml", "--out", "{tmp}/o"], "points.csv has 2 rows: at least 50 are needed"),
    "--out is a file": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/points.csv"],
        "is a file: give the name of a folder.",
    ),
    "--out below a file": (["run", "{tmp}/empty.toml", "--out", "{tmp}/points.csv/o"], "points.csv is a file."),
    "no folder": (["sample", "{tmp}/nowhere", "--out", "{tmp}/a.npz"], "is no folder: give the DIR that"),
    "folder without model": (["sample", "{tmp}", "--out", "{tmp}/a.npz"], "holds no model.safetensors"),
    "corrupt model": (["sample", "{tmp}/corrupt", "--out", "{tmp}/a.npz"], "model.safetensors is no session"),
    "truncated model": (["sample", "{tmp}/truncated", "--out", "{tmp}/a.npz"], "model.safetensors is no session"),
    "unknown sampler": (
        ["sample", "{run}", "--sampler", "langvin", "--out", "{tmp}/a.npz"],
        "must be one of langevin, annealed-langevin, reverse-sde, probability-flow; did you mean langevin?",
    ),
    "no particles": (["sample", "{run}", "--particles", "0", "--out", "{tmp}/a.npz"], "sampling.particles = 0"),
    "particles of text": (["sample", "{run}", "--particles", "many", "--out", "{tmp}/a.npz"], "'--particles'"),
    "a setting that needs training": (
        ["sample", "{run}", "--set", "network.width=8", "--out", "{tmp}/a.npz"],
        "network.width would need a new training",
    ),
    "sampler without its noise": (
        ["sample", "{single}", "--sampler", "reverse-sde", "--out", "{tmp}/a.npz"],
        "noise.kind = single has no path between them",
    ),
    "exact score of a file": (
        ["sample", "{odd}", "--set", "sampling.source=exact", "--out", "{tmp}/a.npz"],
        "The exact score of data.kind = file is not known",
    ),
    "samples of unknown suffix": (["sample", "{run}", "--out", "{tmp}/a.txt"], "must end in .npz or .csv."),
    "samples into no folder": (["sample", "{run}", "--out", "{tmp}/no/a.npz"], "no does not exist."),
    "likelihood without process": (
        ["likelihood", "{single}", "--points", "{tmp}/points.csv", "--out", "{tmp}/a.csv"],
        "noise.kind = single has no such path",
    ),
    "missing points": (
        ["likelihood", "{run}", "--points", "{tmp}/none.csv", "--out", "{tmp}/a.csv"],
        "none.csv does not exist",
    ),
    "points of text": (["likelihood", "{run}", "--points", "{tmp}/words.csv", "--out", "{tmp}/a.csv"], "words.csv"),
    "points with NaN": (["likelihood", "{run}", "--points", "{tmp}/nan.csv", "--out", "{tmp}/a.csv"], "line 3"),
    "points of three columns": (
        ["likelihood", "{run}", "--points", "{tmp}/three.csv", "--out", "{tmp}/a.csv"],
        "three.csv",
    ),
    "empty points": (["likelihood", "{run}", "--points", "{tmp}/empty.toml", "--out", "{tmp}/a.csv"], "is empty"),
    "likelihoods of unknown suffix": (
        ["likelihood", "{run}", "--points", "{tmp}/points.csv", "--out", "{tmp}/a.npz"],
        "must end in .csv.",
    ),
    "likelihoods into a folder": (
        ["likelihood", "{run}", "--points", "{tmp}/points.csv", "--out", "{tmp}/folder.csv"],
        "folder.csv is a folder",
    ),
    "unknown video": (["video", "{run}", "--out", "{tmp}/a.avi"], "must end in .mp4 or .webm or .gif."),
    "size of text": (["video", "{run}", "--out", "{tmp}/a.mp4", "--size", "big"], "must read like 1280x720."),
    "size of nothing": (["video", "{run}", "--out", "{tmp}/a.mp4", "--size", "0x0"], "between 64x64 and 7680x4320."),
    "size of planets": (["video", "{run}", "--out", "{tmp}/a.mp4", "--size", "99999x99999"], "between 64x64"),
    "odd size": (["video", "{run}", "--out", "{tmp}/a.mp4", "--size", "641x480"], "even numbers, as in 642x480."),
    "no frames a second": (["video", "{run}", "--out", "{tmp}/a.mp4", "--fps", "0"], "--fps 0 is not possible"),
    "video without trajectory": (["video", "{silent}", "--out", "{tmp}/a.mp4"], "holds no trajectory.npz"),
    "video of a corrupt trajectory": (
        ["video", "{torn}", "--out", "{tmp}/a.mp4"],
        "holds no trajectory that can be read",
    ),
    "video of pickles": (["video", "{pickled}", "--out", "{tmp}/a.mp4"], "holds no trajectory that can be read"),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, moons: Path, odd: Path, without_process: Path) -> dict[str, Path]:
    """Folders and files that are wrong in all kinds of ways."""
    tmp = tmp_path_factory.mktemp("mistakes")
    for name, text in {
        "empty.toml": "",
        "broken.toml": "[data\n",
        "missing.toml": "[data]\nkind = 'file'\npath = 'nowhere.csv'\n",
        "words.toml": "[data]\nkind = 'file'\npath = 'words.csv'\n",
        "few.toml": "[data]\nkind = 'file'\npath = 'points.csv'\n",
        "points.csv": "x,y\n1,2\n3,4\n",
        "words.csv": "one two\nthree four\n",
        "nan.csv": "x,y\n1,2\nnan,4\n",
        "three.csv": "x,y,z\n1,2,3\n",
    }.items():
        (tmp / name).write_text(text)
    (tmp / "binary.toml").write_bytes(bytes(range(256)))
    (tmp / "folder.csv").mkdir()
    model = (moons / "model.safetensors").read_bytes()
    made = {"tmp": tmp, "run": moons, "odd": odd, "single": without_process}
    for name, contents, trajectory in (
        ("corrupt", b"\x80\x04not a model", None),
        ("truncated", model[: len(model) // 2], None),
        ("silent", model, None),
        ("torn", model, (moons / "trajectory.npz").read_bytes()[:300]),
        ("pickled", model, b"\x80\x04\x95"),
    ):
        made[name] = tmp / name
        made[name].mkdir()
        (made[name] / "model.safetensors").write_bytes(contents)
        if trajectory is not None:
            (made[name] / "trajectory.npz").write_bytes(trajectory)
    return made


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_with_code_2_and_one_sentence(name: str, places: dict[str, Path], ask: Ask) -> None:
    arguments, sentence = MISTAKES[name]
    before = sorted(places["tmp"].iterdir())
    code, said, error = ask(*(argument.format(**places) for argument in arguments))
    assert code == 2
    assert sentence in error
    assert error.startswith("score-playground: ")
    assert error.count("\n") == 1
    assert error.rstrip()[-1] in ".?"
    assert "Traceback" not in said + error
    assert sorted(places["tmp"].iterdir()) == before


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.toml").write_text("")
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)  # root may write everywhere
    for arguments in (
        ("run", tmp_path / "empty.toml", "--out", tmp_path / "o"),
        ("sample", tmp_path, "--out", "a.npz"),
    ):
        code, _, error = ask(*arguments)
        assert code == 2
        assert "is not yours to write in" in error


def test_a_full_disk_is_told_in_a_sentence(
    moons: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "film")

    monkeypatch.setattr(os, "fsync", full)
    for arguments in (
        ("sample", moons, "--out", tmp_path / "a.npz"),
        ("video", moons, "--out", tmp_path / "a.gif", "--size", "64x64", "--fps", "5"),
    ):
        code, _, error = ask(*arguments)
        assert code == 2
        assert "no space left on device" in error.lower()
    assert not list(tmp_path.iterdir())


def test_the_program_s_own_faults_end_with_code_1_and_a_log(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, own_places: Path, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("playground.cli.settings.read_experiment", broken)
    code, said, error = ask("run", "x.toml", "--out", tmp_path / "o")
    assert code == 1
    assert "ZeroDivisionError: division by zero" in error
    assert "Traceback" not in said + error
    log = re.search(r"is in (.*)\.\n", error)
    assert log is not None
    assert "Traceback" in Path(log[1]).read_text()
    assert Path(log[1]).is_relative_to(own_places)


def test_memory_that_runs_out_is_a_sentence() -> None:
    sentence = mistakes.mistake_of(MemoryError())
    assert sentence is not None
    assert "sampling.particles" in sentence


def test_version_and_help(ask: Ask) -> None:
    assert ask("--version") == (0, f"score-playground {__version__}\n", "")
    code, said, _ = ask("--help")
    assert code == 0
    for command in COMMANDS:
        assert command in said
        code, described, _ = ask(command, "--help")
        assert code == 0
        assert "--out" in described
    assert set(COMMANDS) == {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]


def test_version_and_help_load_neither_torch_nor_qt() -> None:
    for option in ("--version", "--help"):
        code = f"import sys; from playground.cli import main; main([{option!r}]); sys.exit(bool({{'torch', 'PySide6'}} & set(sys.modules)))"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_without_arguments_the_window_opens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[Path | None] = []

    def launch(path: Path | None) -> int:
        opened.append(path)
        return 0

    window = types.ModuleType("playground.app.main")
    window.launch = launch  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "playground.app.main", window)
    (tmp_path / "points.csv").write_text("x,y\n")
    assert main([]) == 0
    assert main([str(tmp_path / "points.csv")]) == 0
    assert opened == [None, tmp_path / "points.csv"]


def test_without_a_display_the_window_is_refused(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    code, _, error = ask()
    assert code == 2
    assert "There is no display here" in error


def test_a_pipe_gets_plain_lines(moons: Path, tmp_path: Path, ask: Ask) -> None:
    _, said, _ = ask("sample", moons, "--out", tmp_path / "a.npz")
    assert said.splitlines()[0] == "Sampling ..."
    assert "\x1b" not in said
    assert "\r" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for other processes")
def test_interrupting_leaves_nothing_half_done(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text("[training]\nseconds = 600\n")
    command = [sys.executable, "-m", "playground", "run", "long.toml", "--out", "out"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "Training ...\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert [file.name for file in tmp_path.iterdir()] == ["long.toml"]


@pytest.mark.parametrize("stage", ["paint_picture", "paint_video", "_evaluate"])
def test_an_interrupted_run_leaves_whole_files_of_one_run(
    stage: str, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.toml").write_text("")
    out = tmp_path / "out"
    out.mkdir()
    (out / "video.mp4").write_text("of an earlier run")
    (out / "notes.txt").write_text("the user's own")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"playground.cli.running.{stage}", stop)
    code, _, error = ask("run", tmp_path / "empty.toml", "--out", out, *QUICK)
    assert code == 130
    assert "Interrupted" in error
    assert Session.load(out / "model.safetensors").weights
    assert (out / "notes.txt").exists()
    assert not (out / "video.mp4").exists()
    assert not [file for file in out.iterdir() if file.name.startswith(".")]
