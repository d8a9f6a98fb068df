"""What the commands refuse, and how."""

import contextlib
import errno
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground import user_errors
from playground.cli import folders, results
from playground.data import DataError
from playground.drawing.render import PictureError
from playground.drawing.video import VideoError
from playground.lab.atomic import is_held
from playground.lab.boltzmann.cost import measure_cost
from playground.lab.experiment import ExperimentError
from playground.lab.session import Session, SessionError
from playground.theory.ode import TooManySteps
from playground.theory.samplers import SamplerDiverged
from playground.user_errors import UserError
from tests.cli.conftest import Ask

ABSENT = "cuda" if sys.platform == "darwin" else "mps"

MISTAKES: dict[str, tuple[list[str], str]] = {
    "unknown command": (["rnu"], "rnu is neither a file nor a command; did you mean run?"),
    "unknown word": (["zzz"], "zzz is neither a file nor a command; the commands are run, sample"),
    "two files for the window": (["{tmp}/points.csv", "x"], "The window opens one file"),
    "unknown option": (["--foo"], "No such option: --foo"),
    "unknown option of run": (["run", "{tmp}/empty.toml", "--oot", "x"], "No such option: --oot"),
    "no experiment": (["sweep", "--out", "{tmp}/o"], "Missing argument 'SWEEP.toml'"),
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
    "--set without a name": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "=3"],
        "'=3' has no name before its =.",
    ),
    "value out of bounds": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "training.batch=0"],
        'training.batch = 0 is not allowed: it must be a whole number from 1 to 65536 or "auto".',
    ),
    "rungs without a digit": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "noise.sigmas=[3,1,.1]"],
        "noise.sigmas=[3,1,.1] is not TOML, which wants digits on both sides of a point: 0.1",
    ),
    "rungs that are no list": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "noise.kind=discrete", "--set", "noise.sigmas=3"],
        "it must be a list, as in [8.0, 2.0, 0.5].",
    ),
    "a stroke of numbers": (
        [
            *("run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "data.kind=drawn"),
            *("--set", "data.strokes=[{{points=[[0,0],[1]],radius=1}}]"),
        ],
        "data.strokes[0].points[1] cannot be used: data.strokes must be a list, as in [{points = ",
    ),
    "negative seed": (["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--seed", "-1"], "seed = -1 is not allowed"),
    "seed of text": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--seed", "x"],
        "--seed x is not possible: it must be a whole number.",
    ),
    "seed of a million digits": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--seed", "1e9999999"],
        "--seed 1e9999999 is not possible: it must be a whole number.",
    ),
    "a class that is not there": (
        [
            *("run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "data.kind=digits"),
            *("--set", "sampling.labels=one", "--set", "sampling.label=12"),
        ],
        "sampling.label = 12 is not a class of these data: choose one from 0 to 9.",
    ),
    "a class that no network is told": (
        [
            *("run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "data.kind=digits"),
            *("--set", "network.kind=energy", "--set", "sampling.labels=one"),
        ],
        "The network has no classes, so sampling.labels = one would change nothing",
    ),
    "a mean over other classes": (
        [
            *("run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "data.kind=digits"),
            *("--set", "objective.target_batch=64"),
        ],
        "objective.target_batch = 64: choose objective.target_batch = auto or 1",
    ),
    "a known point that is not there": (
        [
            "run",
            "{tmp}/empty.toml",
            "--out",
            "{tmp}/o",
            "--set",
            "sampling.inpainting_mask=left",
            "--set",
            "sampling.inpainting_image=999999",
        ],
        "There is no held-out point 999999: there are 2000",
    ),
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
        "Denoising needs noise: ",
    ),
    "reverse SDE without noise": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "noise.kind=none", "--set", "objective.kind=exact"],
        "has no path between them: choose noise.kind = discrete, ve or another process",
    ),
    "no data file": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "data.kind=file"],
        "No file is chosen: set data.path",
    ),
    "nothing drawn": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "data.kind=drawn"],
        "Nothing is drawn: set data.strokes to a list, as in [{points = ",
    ),
    "missing data file": (["run", "{tmp}/missing.toml", "--out", "{tmp}/o"], "nowhere.csv does not exist"),
    "data of text": (["run", "{tmp}/words.toml", "--out", "{tmp}/o"], "words.csv"),
    "data too few": (["run", "{tmp}/few.toml", "--out", "{tmp}/o"], "points.csv has 2 rows: at least 50 are needed"),
    "--out is a file": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/points.csv"],
        "is a file: give the name of a folder.",
    ),
    "--out with a folder for a file": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/taken"],
        "holds a folder named picture.png, where a file is to be written",
    ),
    "--out of an earlier run": (
        ["run", "{tmp}/empty.toml", "--out", "{run}"],
        "already holds experiment.toml: give another folder, or add --overwrite to replace the results there.",
    ),
    "--out of one file of an earlier run": (
        ["boltzmann", "--out", "{run}", "--set", "steps=1"],
        "already holds metrics.json: give another folder",
    ),
    "--out below a file": (["run", "{tmp}/empty.toml", "--out", "{tmp}/points.csv/o"], "points.csv is a file."),
    "no folder": (["sample", "{tmp}/nowhere", "--out", "{tmp}/a.npz"], "is not a folder: give the DIR that"),
    "no session": (["sample", __file__, "--out", "{tmp}/a.npz"], "test_user_errors.py is no"),
    "folder without model": (["sample", "{tmp}", "--out", "{tmp}/a.npz"], "holds no model.safetensors"),
    "corrupt model": (["sample", "{tmp}/corrupt", "--out", "{tmp}/a.npz"], "model.safetensors is not a session"),
    "truncated model": (["sample", "{tmp}/truncated", "--out", "{tmp}/a.npz"], "model.safetensors is not a session"),
    "unknown sampler": (
        ["sample", "{run}", "--sampler", "langvin", "--out", "{tmp}/a.npz"],
        "; did you mean langevin?",
    ),
    "no particles": (["sample", "{run}", "--particles", "0", "--out", "{tmp}/a.npz"], "sampling.particles = 0"),
    "particles of text": (
        ["sample", "{run}", "--particles", "many", "--out", "{tmp}/a.npz"],
        "--particles many is not possible",
    ),
    "half a picture": (["video", "{run}", "--out", "{tmp}/a.mp4", "--fps", "2.5"], "--fps 2.5 is not possible"),
    "a setting that needs training": (
        ["sample", "{run}", "--set", "network.width=8", "--out", "{tmp}/a.npz"],
        "network.width would need a new training",
    ),
    "a seed that needs training": (
        ["sample", "{run}", "--set", "training.seed=8", "--out", "{tmp}/a.npz"],
        "training.seed would need a new training: a trained model takes only sampling and likelihood.",
    ),
    "a seed of other data": (
        ["likelihood", "{run}", "--points", "{tmp}/points.csv", "--set", "data.seed=8", "--out", "{tmp}/a.csv"],
        "data.seed would need a new training",
    ),
    "a setting of another kind": (
        ["run", "{tmp}/empty.toml", "--out", "{tmp}/o", "--set", "noise.beta_max=10"],
        "noise.beta_max is a setting of noise.kind = vp or sub-vp, and this is noise.kind = ve: choose that",
    ),
    "a setting of another kind in a file": (
        ["run", "{tmp}/others.toml", "--out", "{tmp}/o"],
        "sampling.tolerance is a setting of sampling.kind = probability-flow, and this is sampling.kind = langevin",
    ),
    "levels of another sampler": (
        ["sample", "{run}", "--set", "sampling.levels=5", "--out", "{tmp}/a.npz"],
        "sampling.levels is a setting of sampling.kind = annealed-langevin, and this is sampling.kind = reverse-sde",
    ),
    "levels of a continuous process": (
        ["sample", "{run}", "--set", "noise.levels=5", "--out", "{tmp}/a.npz"],
        "noise.levels would need a new training",
    ),
    "levels of a network with one": (
        ["sample", "{single}", "--set", "noise.levels=5", "--out", "{tmp}/a.npz"],
        "noise.levels would need a new training",
    ),
    "fewer steps than levels": (
        ["sample", "{run}", "--sampler", "annealed-langevin", "--set", "sampling.steps=3", "--out", "{tmp}/a.npz"],
        "at least one step at each of its 20 levels, but sampling.steps = 3",
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
        "The likelihood follows the probability flow from data to noise, but noise.kind = single has no such path",
    ),
    "missing points": (
        ["likelihood", "{run}", "--points", "{tmp}/none.csv", "--out", "{tmp}/a.csv"],
        "none.csv does not exist",
    ),
    "points and results in one file": (
        ["likelihood", "{run}", "--points", "{tmp}/points.csv", "--out", "{tmp}/folder.csv/../points.csv"],
        "is the file of --points, which would be lost",
    ),
    "text for an array": (
        ["likelihood", "{run}", "--points", "{tmp}/words.npy", "--out", "{tmp}/a.csv"],
        "words.npy is neither an NPY file nor a table of two columns",
    ),
    "points of text": (["likelihood", "{run}", "--points", "{tmp}/words.csv", "--out", "{tmp}/a.csv"], "words.csv"),
    "points with NaN": (["likelihood", "{run}", "--points", "{tmp}/nan.csv", "--out", "{tmp}/a.csv"], "line 3"),
    "points of three columns": (
        ["likelihood", "{run}", "--points", "{tmp}/three.csv", "--out", "{tmp}/a.csv"],
        "three.csv, line 1: 3 columns, but points of the plane have 2; name two of them x and y in a header",
    ),
    "points of unequal rows": (
        ["likelihood", "{run}", "--points", "{tmp}/ragged.csv", "--out", "{tmp}/a.csv"],
        "ragged.csv, line 3: 2 cells where the header has 3; complete or remove the line.",
    ),
    "points of which one lacks a number": (
        ["likelihood", "{run}", "--points", "{tmp}/blank.csv", "--out", "{tmp}/a.csv"],
        "blank.csv, line 3: a cell is empty",
    ),
    "an array without rows": (
        ["likelihood", "{run}", "--points", "{tmp}/none.npy", "--out", "{tmp}/a.csv"],
        "none.npy has no rows: it needs two columns of numbers.",
    ),
    "empty points": (["likelihood", "{run}", "--points", "{tmp}/empty.toml", "--out", "{tmp}/a.csv"], "is empty"),
    "codes that are points": (
        ["decode", "{run}", "--latent", "{tmp}/points.csv", "--out", "{tmp}/a.csv"],
        "points.csv holds no latent codes: it needs columns z0 to z1",
    ),
    "codes of another model": (
        ["decode", "{run}", "--latent", "{tmp}/digits.csv", "--out", "{tmp}/a.csv"],
        "digits.csv has a column Z2, but the codes of this model end with z1: decode them by the model whose",
    ),
    "codes of which one is NaN": (
        ["decode", "{run}", "--latent", "{tmp}/nancode.csv", "--out", "{tmp}/a.csv"],
        "nancode.csv: point 2 has no latent code: remove its row.",
    ),
    "codes of which one is blank": (
        ["decode", "{run}", "--latent", "{tmp}/blankcode.csv", "--out", "{tmp}/a.csv"],
        "blankcode.csv: point 2 has no latent code: remove its row.",
    ),
    "codes of which one is cut short": (
        ["decode", "{run}", "--latent", "{tmp}/shortcode.csv", "--out", "{tmp}/a.csv"],
        "shortcode.csv: point 1 has no latent code: remove its row.",
    ),
    "codes that are no text": (
        ["decode", "{run}", "--latent", "{tmp}/binary.toml", "--out", "{tmp}/a.csv"],
        "binary.toml holds no latent codes",
    ),
    "no codes": (["decode", "{run}", "--latent", "{tmp}/none.csv", "--out", "{tmp}/a.csv"], "none.csv cannot be read"),
    "a way of one point": (
        ["interpolate", "{run}", "--points", "{tmp}/points.csv", "--out", "{tmp}/a.csv", "--count", "1"],
        "--count 1 is not possible",
    ),
    "a way from nowhere": (
        ["interpolate", "{single}", "--points", "{tmp}/points.csv", "--out", "{tmp}/a.csv"],
        "Latent codes are the ends of the probability flow from data to noise, but noise.kind = single has no such path",
    ),
    "codes without process": (
        ["decode", "{single}", "--latent", "{tmp}/points.csv", "--out", "{tmp}/a.csv"],
        "Latent codes are the ends of the probability flow from data to noise, but noise.kind = single has no such path",
    ),
    "likelihoods of unknown suffix": (
        ["likelihood", "{run}", "--points", "{tmp}/points.csv", "--out", "{tmp}/a.npz"],
        "must end in .csv.",
    ),
    "likelihoods into a folder": (
        ["likelihood", "{run}", "--points", "{tmp}/points.csv", "--out", "{tmp}/folder.csv"],
        "folder.csv is a folder",
    ),
    "unknown video": (["video", "{run}", "--out", "{tmp}/a.avi"], "must end in .mp4 or .webm or .gif or .html."),
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
    """Folders and files with all kinds of faults."""
    tmp = tmp_path_factory.mktemp("mistakes")
    for name, text in {
        "empty.toml": "",
        "broken.toml": "[data\n",
        "others.toml": "[sampling]\nkind = 'langevin'\ntolerance = 1e-3\n",
        "missing.toml": "[data]\nkind = 'file'\npath = 'nowhere.csv'\n",
        "words.toml": "[data]\nkind = 'file'\npath = 'words.csv'\n",
        "few.toml": "[data]\nkind = 'file'\npath = 'points.csv'\n",
        "points.csv": "x,y\n1,2\n3,4\n",
        "words.csv": "one two\nthree four\n",
        "words.npy": "hello world\n",
        "nan.csv": "x,y\n1,2\nnan,4\n",
        "three.csv": "a,b,c\n1,2,3\n",
        "ragged.csv": "x,y,z\n1,2,3\n4,5\n",
        "blank.csv": "z,x,y\n1,2,3\n4,,\n",
        "digits.csv": "z0, z1, Z2\n1,2,3\n",
        "nancode.csv": "z0,z1\n1,2\nnan,4\n",
        "blankcode.csv": "z0,z1\n1,2\n , \n",
        "shortcode.csv": "z0,z1\n1\n",
    }.items():
        (tmp / name).write_text(text)
    (tmp / "binary.toml").write_bytes(bytes(range(256)))
    np.save(tmp / "none.npy", np.ones((0, 2)))
    (tmp / "folder.csv").mkdir()
    (tmp / "taken/picture.png").mkdir(parents=True)
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
def test_an_error_of_the_user_ends_with_code_2_and_one_sentence(name: str, places: dict[str, Path], ask: Ask) -> None:
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


@pytest.mark.files
def test_a_folder_that_takes_no_files_is_refused_before_the_work(
    moons: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "empty.toml").write_text("")
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)  # root may write nearly everywhere
    for arguments in (
        ("run", tmp_path / "empty.toml", "--out", tmp_path / "o"),
        ("sample", moons, "--out", tmp_path / "a.npz"),
    ):
        code, said, error = ask(*arguments)
        assert (code, said) == (2, "")
        assert "takes no files (Permission denied)" in error
    assert [file.name for file in tmp_path.iterdir()] == ["empty.toml"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has /proc")
def test_proc_takes_no_files_though_it_says_so(moons: Path, ask: Ask) -> None:
    code, said, error = ask("sample", moons, "--out", "/proc/a.npz")
    assert (code, said) == (2, "")
    assert "the folder /proc takes no files" in error


class FullDisk(io.BytesIO):
    """A file that nothing can be written to."""

    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.files
@pytest.mark.parametrize("name", ["a.csv", "a.npz", "frames.csv"])
def test_a_full_disk_is_reported_with_a_remedy(
    name: str, moons: Path, tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", *arguments: Any, **others: Any) -> Any:
        if "w" not in mode:
            return opened(path, mode, *arguments, **others)
        file = FullDisk()
        return file if "b" in mode else io.TextIOWrapper(file)

    monkeypatch.setattr(Path, "open", full)
    frames = ["--frames"] if name.startswith("frames") else []
    code, _, error = ask("sample", moons, "--particles", 50, "--out", tmp_path / name, *frames)
    assert code == 2
    helps = "free some space or choose another folder."
    assert f"{tmp_path / name} cannot be written (no space left on device): {helps}" in error
    assert list(tmp_path.iterdir()) == []


def test_unusable_files_are_errors_of_the_user() -> None:
    replaced = IsADirectoryError(21, "Is a directory", ".a-1.png", None, "a.png")
    assert str(user_errors.user_error(replaced)) == "a.png cannot be read or written: Is a directory."
    assert user_errors.user_error(OSError(5, "Input/output error", "a.csv")) is not None
    assert user_errors.user_error(OSError(28, "No space left on device")) is not None
    assert user_errors.user_error(OSError(9, "Bad file descriptor")) is None


@pytest.mark.files
def test_a_full_disk_is_reported_in_a_sentence(
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


@pytest.mark.files
@pytest.mark.parametrize(
    "failing", ["experiment.toml", "model.safetensors", "trajectory.npz", "picture.png", "video.mp4"]
)
def test_a_run_onto_a_full_disk_names_the_file_and_does_not_hinder_the_next(
    failing: str, tmp_path: Path, ask: Ask, quickest: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.toml").write_text("")
    run = ("run", tmp_path / "empty.toml", "--out", tmp_path / "o", *quickest)
    flush, stem = os.fsync, failing.split(".")[0]

    def full(file: int) -> None:
        if any(found.name.startswith(f".{stem}-") for found in (tmp_path / "o").rglob("*")):
            raise OSError(28, "No space left on device")
        flush(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        code, _, error = ask(*run)
    assert code == 2
    assert f"{tmp_path / 'o' / failing} cannot be" in error
    assert "no space left on device" in error.lower()
    if failing in ("experiment.toml", "model.safetensors"):
        assert not (tmp_path / "o").exists()
    else:
        assert [file.name for file in (tmp_path / "o").iterdir()] == ["unfinished.safetensors"]
        assert f"The trained model is kept in {tmp_path / 'o/unfinished.safetensors'}" in error
        assert Session.load(tmp_path / "o/unfinished.safetensors").weights is not None
    if failing == "video.mp4":  # one rerun is enough: two other failures leave the same folder, the rest none
        assert ask(*run)[0] == 0


DIVERGING = ("--set=sampling.kind=langevin", "--set=sampling.step=1e30")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("failing", ["experiment.toml", "model.safetensors", "picture.png", "the sampler"])
def test_a_run_that_fails_leaves_the_earlier_results_as_they_were(
    failing: str, moons: Path, tmp_path: Path, ask: Ask, quickest: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.toml").write_text("")
    out = Path(shutil.copytree(moons, tmp_path / "o"))
    before, flush, stem = contents(out), os.fsync, failing.split(".")[0]

    def full(file: int) -> None:
        if any(found.name.startswith(f".{stem}-") for found in out.rglob("*")):
            raise OSError(28, "No space left on device")
        flush(file)

    monkeypatch.setattr(os, "fsync", full)
    changes = DIVERGING if failing == "the sampler" else ()
    code, _, error = ask("run", tmp_path / "empty.toml", "--out", out, "--overwrite", *quickest, *changes)
    assert code == 2
    after = contents(out)
    kept = after.pop("unfinished.safetensors", None)
    assert after == before
    assert ("The trained model is kept in" in error) == (kept is not None)
    assert (kept is not None) == (failing in ("picture.png", "the sampler"))
    assert kept != before["model.safetensors"]


@pytest.mark.parametrize("error", [MemoryError(), ZeroDivisionError(), KeyboardInterrupt()])
def test_a_new_model_is_kept_after_any_failure_without_files_of_another(
    error: BaseException, moons: Path, tmp_path: Path, ask: Ask, quickest: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the user stops the run, only the new files are there, under their names."""
    (tmp_path / "empty.toml").write_text("")
    out = Path(shutil.copytree(moons, tmp_path / "o"))

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("playground.cli.running.paint_picture", fail)
    ask("run", tmp_path / "empty.toml", "--out", out, "--overwrite", *quickest)
    new = {"experiment.toml", "model.safetensors", "trajectory.npz", "samples.csv", "metrics.json"}
    stopped = isinstance(error, KeyboardInterrupt)
    assert set(contents(out)) == (new if stopped else {*contents(moons), "unfinished.safetensors"})
    assert (contents(out)["model.safetensors"] == contents(moons)["model.safetensors"]) != stopped


KILLED = """
import os, signal, sys
from playground.cli import main, running

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(running, sys.argv[1], kill)
main(sys.argv[2:])
"""


@pytest.mark.claims
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_folder_whose_run_was_killed_is_recognised_and_put_in_order(
    moons: Path, tmp_path: Path, ask: Ask, quickest: list[str]
) -> None:
    (tmp_path / "empty.toml").write_text("")
    out = Path(shutil.copytree(moons, tmp_path / "o"))
    before = contents(out)
    run = ("run", tmp_path / "empty.toml", "--out", out, *quickest)
    again = [sys.executable, "-c", KILLED, "paint_picture", *map(str, run), "--overwrite"]
    assert subprocess.run(again, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert (out / "incomplete.txt").exists()
    (left,) = out.glob("new-*")
    new = (left / "model.safetensors").read_bytes()
    assert {name: (out / name).read_bytes() for name in before} == before

    code, _, error = ask(*run)
    assert (code, "already holds experiment.toml" in error) == (2, True)
    code, _, error = ask("sample", out, "--out", tmp_path / "a.csv")
    assert (code, "half written" in error) == (0, False)
    assert ask(*run, "--overwrite", *DIVERGING)[0] == 2
    assert {name: text for name, text in contents(out).items() if name != "unfinished.safetensors"} == before
    assert new != before["model.safetensors"]
    assert ask(*run, "--overwrite")[0] == 0
    assert set(contents(out)) == {*before, "unfinished.safetensors"}


class Killed(BaseException):
    """A kill in place of a call: no code runs after it."""


def kill_at(call: int, patch: pytest.MonkeyPatch) -> None:
    """Kill the process before or after one of its changes of the disk."""
    left = [call]

    def counted(what: Any) -> Any:
        def called(*arguments: Any, **others: Any) -> Any:
            if left[0] < 0:
                raise Killed
            left[0] -= 1
            done = what(*arguments, **others)
            if left[0] < 0:
                raise Killed
            return done

        return called

    for owner, names in ((Path, ("rename", "unlink", "mkdir", "rmdir")), (os, ("replace",)), (shutil, ("rmtree",))):
        for name in names:
            patch.setattr(owner, name, counted(getattr(owner, name)))


@pytest.mark.parametrize("error", [None, ValueError(), KeyboardInterrupt()])
def test_nothing_of_the_earlier_run_is_lost_wherever_a_run_is_killed(
    error: BaseException | None, moons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While files are set aside, take their places, or are removed; a stopped run has a part of the files."""
    written, half = results.EVERYTHING[: 3 if isinstance(error, KeyboardInterrupt) else None], 0
    before, new_files = contents(moons), dict.fromkeys(written, b"new")
    for call in range(50):
        out = Path(shutil.copytree(moons, tmp_path / f"{call}"))
        with monkeypatch.context() as patch, contextlib.suppress(Killed, ValueError, KeyboardInterrupt):
            kill_at(call, patch)
            with folders.replace_results(out, results.EVERYTHING) as new:
                for name in written:
                    (new / name).write_text("new")
                if error is not None:
                    raise error
        files = {file.name: file.read_bytes() for file in out.iterdir() if file.is_file()}
        files = {name: text for name, text in files.items() if name in results.EVERYTHING}
        if files not in (before, new_files):
            half += 1
            assert results.why_incomplete(out) == "is half written, because its run was stopped"
            with pytest.raises(UserError, match="is half written"):
                results.require_free_folder(out, results.EVERYTHING, overwrite=False)
        with contextlib.suppress(ValueError), folders.replace_results(out, results.EVERYTHING):
            raise ValueError  # the next run fails: what was complete before is there
        found = {name: text for name, text in contents(out).items() if name != "unfinished.safetensors"}
        assert found == before or (found == new_files and not isinstance(error, ValueError))
    assert (half > 5) != isinstance(error, ValueError)
    assert found == (before if isinstance(error, ValueError) else new_files)


@pytest.mark.parametrize("name", ["new-best_run", "new-pictures", "new-datasets", "new-0123abcd", "whole-abcdefgh"])
def test_a_users_own_folders_beside_results_stay(name: str, moons: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(moons, tmp_path / "o"))
    (out / name / ".git").mkdir(parents=True)
    shutil.copy(out / "metrics.json", out / name)
    (out / "whole-dataset.csv").write_text("1,2")
    (out / "new-empties").mkdir()
    assert results.why_incomplete(out) is None
    with folders.replace_results(out, results.EVERYTHING) as new:
        (new / "samples.csv").write_text("new")
    assert {file.name for file in out.iterdir()} == {"samples.csv", name, "whole-dataset.csv", "new-empties"}
    assert {file.name for file in (out / name).iterdir()} == {".git", "metrics.json"}


def stuck(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    """Let these files be open in another program on Windows."""
    move = os.replace

    def fail(source: Path, target: Path) -> None:
        if Path(source) in paths or Path(target) in paths:
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(source), None, os.fspath(target))
        move(source, target)

    monkeypatch.setattr(os, "replace", fail)


@pytest.mark.parametrize("open_file", ["video.mp4", "unset.txt"])
def test_results_that_cannot_all_be_replaced_stay_and_so_do_the_new_ones(
    open_file: str, moons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either an earlier file cannot be set aside, or a new one cannot take its place."""
    out = Path(shutil.copytree(moons, tmp_path / "o"))
    (out / "video.mp4").rename(out / open_file)  # in the second case, there is no earlier video
    before = contents(out)
    with monkeypatch.context() as patch:
        stuck(patch, out / "video.mp4")
        with (
            pytest.raises(
                UserError, match=r"video.mp4 cannot be replaced \(Permission denied\): the new files are kept"
            ),
            folders.replace_results(out, results.EVERYTHING) as new,
        ):
            _ = [(new / name).write_text("new") for name in results.EVERYTHING]
    (kept,) = out.glob("kept-*")
    assert contents(kept) == dict.fromkeys(results.EVERYTHING, b"new")
    with folders.replace_results(out, ()):
        pass
    shutil.rmtree(kept)  # which no other run removes
    assert contents(out) == before


def test_a_killed_run_that_cannot_be_put_in_order_costs_the_next_run_nothing(
    moons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(moons, tmp_path / "o"))
    for call in (4, 13):  # while earlier files are set aside, and while new ones take their places
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            kill_at(call, patch)
            with folders.replace_results(out, results.EVERYTHING) as new:
                for name in results.EVERYTHING:
                    (new / name).write_text(f"{call}")
        assert results.why_incomplete(out)
        with monkeypatch.context() as patch:
            stuck(patch, out / "video.mp4", out / "experiment.toml")
            with pytest.raises(UserError, match="are kept"), folders.replace_results(out, results.EVERYTHING) as new:
                (new / "model.safetensors").write_text("next")
        (kept,) = out.glob("kept-*")
        assert contents(kept) == {"model.safetensors": b"next"}
        assert results.why_incomplete(out)
        shutil.rmtree(kept)


@pytest.mark.files
def test_a_folder_that_is_being_written_is_left_to_its_run(
    moons: Path, tmp_path: Path, ask: Ask, quickest: list[str]
) -> None:
    (tmp_path / "empty.toml").write_text("")
    out = Path(shutil.copytree(moons, tmp_path / "o"))
    before = contents(out)
    with folders.replace_results(out, results.EVERYTHING) as new:
        code, _, error = ask("run", tmp_path / "empty.toml", "--out", out, "--overwrite", *quickest)
        assert (code, "is still being written by another run" in error) == (2, True)
        (new / "samples.csv").write_bytes(before["samples.csv"])
    assert contents(out) == {"samples.csv": before["samples.csv"]}


@pytest.mark.files
def test_two_runs_that_overlap_leave_the_results_of_the_first_whole(moons: Path, tmp_path: Path) -> None:
    """Both find the folder free and train; the second wants to write while the first is writing."""
    out = Path(shutil.copytree(moons, tmp_path / "o"))
    with folders.replace_results(out, results.EVERYTHING) as new:
        for name in results.EVERYTHING[:3]:
            (new / name).write_text("first")
        with (
            pytest.raises(UserError, match=r"is still being written by another run: wait for its end, or give another"),
            folders.replace_results(out, results.EVERYTHING) as second,
        ):
            (second / "metrics.json").write_text("second")
        assert results.why_incomplete(out) == "is still being written by another run"
        for name in results.EVERYTHING[3:]:
            (new / name).write_text("first")
    assert contents(out) == dict.fromkeys(results.EVERYTHING, b"first")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_a_killed_run_frees_its_folder_where_the_file_system_knows_no_locks(
    moons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    out = Path(shutil.copytree(moons, tmp_path / "o"))
    (out / "incomplete.txt").write_text("killed")
    monkeypatch.setattr("fcntl.flock", without)
    results.require_free_folder(out, results.EVERYTHING, overwrite=True)
    with folders.replace_results(out, results.EVERYTHING) as new:
        (new / "metrics.json").write_text("new")
    assert contents(out) == {"metrics.json": b"new"}
    (out / "incomplete.txt").mkdir()  # a lock that cannot be opened is held by nobody
    assert not is_held(out / "incomplete.txt")


def test_a_sampler_that_diverges_does_not_hinder_the_next_run(tmp_path: Path, ask: Ask, quickest: list[str]) -> None:
    (tmp_path / "empty.toml").write_text("")
    run = ("run", tmp_path / "empty.toml", "--out", tmp_path / "o", *quickest)
    code, _, error = ask(*run, *DIVERGING)
    assert (code, "The trained model is kept in" in error) == (2, True)
    assert list(contents(tmp_path / "o")) == ["unfinished.safetensors"]
    assert ask(*run)[0] == 0


def test_a_boltzmann_run_that_fails_leaves_the_earlier_results_as_they_were(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ("boltzmann", "--out", tmp_path / "o", "--set=steps=1")
    monkeypatch.setattr("playground.cli.boltzmann.measure_cost", lambda: measure_cost(2, 5))
    assert ask(*run)[0] == 0
    before = contents(tmp_path / "o")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("playground.cli.boltzmann.save_painting", full)
    assert ask(*run, "--overwrite", "--seed=3")[0] == 2
    assert contents(tmp_path / "o") == before


def test_a_boltzmann_run_onto_a_full_disk_does_not_hinder_the_next(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("playground.cli.boltzmann.save_painting", full)
        assert ask("boltzmann", "--out", tmp_path / "o", "--set=steps=1")[0] == 2
    assert not (tmp_path / "o").exists()


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


@pytest.mark.parametrize(
    "kind", [ExperimentError, SessionError, DataError, SamplerDiverged, TooManySteps, PictureError, VideoError]
)
def test_errors_written_for_the_user_are_user_errors(kind: type[Exception]) -> None:
    assert str(user_errors.user_error(kind("Choose another."))) == "Choose another."


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (OSError(errno.ENAMETOOLONG, "File name too long"), "(file name too long): give it a shorter name."),
        (OSError(errno.EISDIR, "Is a directory"), "(is a directory): choose another name."),
        (OSError(errno.EROFS, "Read-only file system"), "(read-only file system): choose another folder."),
        (OSError(errno.ENOSPC, "No space left"), "(no space left): free some space or choose another folder."),
        (RuntimeError(), "(RuntimeError): free some space or choose another folder."),
    ],
)
def test_a_write_error_says_what_helps(error: Exception, helps: str) -> None:
    assert user_errors.cannot_write("a.mp4", error).lower() == f"a.mp4 cannot be written {helps}".lower()


def test_memory_that_runs_out_is_a_sentence() -> None:
    sentence = str(user_errors.user_error(MemoryError()))
    assert sentence is not None
    assert "sampling.particles" in sentence


@pytest.mark.parametrize("source", ["exact", "learned"])
def test_an_unstable_step_of_langevin_is_refused(source: str, tmp_path: Path, ask: Ask, quickest: list[str]) -> None:
    """A step of 0.5 on two moons would end with W2 = 2e26 and exit code 0. With a known score it is refused before training."""
    (tmp_path / "empty.toml").write_text("")
    changes = ("sampling.kind=langevin", "sampling.step=3.0", f"sampling.source={source}")
    options = [f"--set={change}" for change in changes]
    code, _, wrong = ask("run", tmp_path / "empty.toml", "--out", tmp_path / "o", *quickest, *options)
    assert code == 2
    assert "sampling.step = 3 is unstable" in wrong
    assert ("The trained model is kept" in wrong) == (source == "learned")
    assert (tmp_path / "o").exists() == (source == "learned")
