"""What the commands refuse, and how."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.cli import mistakes

Ask = Callable[..., tuple[int, str, str]]

ABSENT = "cuda" if sys.platform == "darwin" else "mps"

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
        'training.batch = 0 is not allowed: it must be a whole number from 1 to 65536 or "auto".',
    ),
    "negative seed": (["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--seed", "-1"], "seed = -1 is not allowed"),
    "seed of text": (["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--seed", "x"], "Invalid value for '--seed'"),
    "unknown device": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--device", "tpu"],
        "device = tpu is not known: it must be one of auto, cpu, cuda, mps.",
    ),
    "absent device": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--device", ABSENT],
        f"device = {ABSENT} is not available on this machine",
    ),
    "denoising without noise": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "noise.kind=none"],
        "Denoising needs noise to remove",
    ),
    "reverse SDE without noise": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "noise.kind=none", "--set", "objective.kind=exact"],
        "has no path between them: choose ladder or a process such as ve",
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
        "must be one of langevin, annealed-langevin, reverse-sde, probability-flow, churn; did you mean langevin?",
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
