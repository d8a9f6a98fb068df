"""``score-playground sweep``, including a sweep that is killed."""

import csv
import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from playground.cli import main
from playground.lab.sweep.slurm import job_array
from playground.user_errors import UserError
from tests.own_process import at_work

SWEEP = """
seeds = 2
[experiment]
data.kind = "two-gaussians"
sampling.source = "exact"
sampling.particles = 50
[axes]
"sampling.steps" = [3, 6]
"""


SWEEPS = "import sys; from playground.cli import main; print('begins', flush=True); main(sys.argv[1:])"


@pytest.mark.claims
def test_a_killed_sweep_goes_on_and_computes_nothing_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "sweep.toml", tmp_path / "out"
    source.write_text(
        SWEEP.replace("seeds = 2", "seeds = 10"), encoding="utf-8"
    )  # it is still at work when it is killed
    cells = out / "cells"
    with at_work(SWEEPS, "sweep", source, "--out", out, "--workers", "1") as (_, process):
        while process.poll() is None and not list(cells.glob("[0-9a-f]*.json")):
            time.sleep(0.01)
    before = {path.name: path.stat().st_mtime_ns for path in cells.glob("[0-9a-f]*.json")}
    assert before
    assert main(["sweep", str(source), "--out", str(out), "--workers", "1"]) == 0
    after = {path.name: path.stat().st_mtime_ns for path in cells.glob("[0-9a-f]*.json")}
    assert len(after) == 20 > len(before)
    assert {name: after[name] for name in before} == before
    said, told = capsys.readouterr()
    assert f"{len(before)} of 20 cells are there already" in told
    with (out / "means.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["sampling.steps"], row["seeds"]) for row in rows] == [("3", "10"), ("6", "10")]
    assert all(float(row["sliced_wasserstein2_over_floor"]) > 0 for row in rows)
    assert float(rows[0]["nfe_mean"]) == 4  # the last is the final denoising step
    assert "The pictures are in" in said
    assert len(list((out / "plots").glob("*.png"))) == 2  # against evaluations and steps
    with (out / "cells.csv").open(encoding="utf-8", newline="") as file:
        assert [row["cell"] for row in csv.DictReader(file)] == [str(number) for number in range(20)]


@pytest.mark.claims
def test_several_processes_make_the_same_cells(tmp_path: Path) -> None:
    source = tmp_path / "sweep.toml"
    source.write_text(SWEEP, encoding="utf-8")
    tables = []
    for workers in ("1", "2"):
        assert main(["sweep", str(source), "--out", str(tmp_path / workers), "--workers", workers]) == 0
        with (tmp_path / workers / "cells.csv").open(encoding="utf-8", newline="") as file:
            tables.append([{k: v for k, v in row.items() if "seconds" not in k} for row in csv.DictReader(file)])
    assert tables[0] == tables[1]


def test_a_sweep_of_one_cell_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "sweep.toml"
    source.write_text(SWEEP.replace("[3, 6]", "[3]").replace("seeds = 2", "seeds = 1"), encoding="utf-8")
    assert main(["sweep", str(source), "--out", str(tmp_path / "out"), "--workers", "1"]) == 0
    said = capsys.readouterr().err
    assert "Sweep of 1 cell ..." in said
    assert ", 1 of 1 cell" in said
    assert "1 cells" not in said


@pytest.mark.claims
def test_a_job_array_computes_each_cell_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out, script = tmp_path / "my sweep.toml", tmp_path / "out", tmp_path / "array.sh"
    source.write_text(SWEEP, encoding="utf-8")
    assert main(["sweep", str(source), "--out", str(out), "--cell", "2"]) == 0
    assert main(["sweep", str(source), "--out", str(out), "--slurm", str(script)]) == 0
    text = script.read_text(encoding="utf-8")
    assert "#SBATCH --array=0-1,3\n" in text  # cell 2 is there
    assert "#SBATCH --job-name=my-sweep\n" in text
    if bash := shutil.which("bash"):
        subprocess.run([bash, "-n", str(script)], check=True)
        (second,) = (out / "cells").glob("*.json")
        before = second.stat().st_mtime_ns
        for number in ("0", "1", "3"):  # as Slurm starts them
            task = os.environ | {"SLURM_ARRAY_TASK_ID": number}
            done = subprocess.run(
                [bash, str(script)], env=task, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
            )
            assert f"Cell {number} of 4 is there" in done.stdout
        assert len(list((out / "cells").iterdir())) == 4
        assert second.stat().st_mtime_ns == before
        capsys.readouterr()
        (same,) = [line.removeprefix("#   ") for line in text.splitlines() if line.endswith(str(out))]
        assert main(shlex.split(same)[3:]) == 0  # what the script says to run then
        assert "4 of 4 cells are there already" in capsys.readouterr().err
        assert (out / "means.csv").is_file()
    assert main(["sweep", str(source), "--out", str(out), "--cell", "4"]) == 2
    assert "this sweep has the cells 0 to 3" in capsys.readouterr().err


def test_a_job_array_has_documented_options_of_sbatch_before_its_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in the manual of sbatch: options stand before the first command; --array takes numbers and ranges from 0 on."""
    source, script = tmp_path / "many.toml", tmp_path / "array.sh"
    text = SWEEP.replace("[3, 6]", "{ from = 1, to = 600, count = 600 }")
    source.write_text(text, encoding="utf-8")
    assert main(["sweep", str(source), "--out", str(tmp_path / "out"), "--slurm", str(script)]) == 0
    assert "Slurm refuses tasks above 1000" in capsys.readouterr().err
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/bin/bash"
    options = [line.split()[1].partition("=") for line in lines if line.startswith("#SBATCH ")]
    forms = {
        "--job-name": r"[\w.-]+",
        "--array": r"\d+(-\d+)?(,\d+(-\d+)?)*",
        "--ntasks": r"\d+",
        "--cpus-per-task": r"\d+",
        "--mem": r"\d+[KMGT]?",
        "--time": r"\d+:\d\d:\d\d",
    }
    assert {name for name, _, _ in options} == {*forms}
    assert all(re.fullmatch(forms[name], value) for name, _, value in options)
    first = next(place for place, line in enumerate(lines) if line.strip() and not line.startswith("#"))
    assert not any(line.startswith("#SBATCH") for line in lines[first:])


def test_cells_of_a_job_array_train_their_shared_network_once(tmp_path: Path) -> None:
    source, out = tmp_path / "sweep.toml", tmp_path / "out"
    source.write_text(
        '[experiment]\ntraining.steps = 5\nsampling.particles = 60\n[axes]\n"sampling.steps" = [2, 3]\n',
        encoding="utf-8",
    )
    written = []
    for cell in ("0", "1"):
        assert main(["sweep", str(source), "--out", str(out), "--cell", cell]) == 0
        (model,) = (out / "models").glob("*.safetensors")
        written.append(model.stat().st_mtime_ns)
    assert written[0] == written[1]
    assert len(list((out / "cells").iterdir())) == 2


def test_invalid_sweeps_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(tmp_path / "none.toml"), "--out", str(tmp_path / "out")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["sweep", str(tmp_path / "none.toml"), "--out", str(tmp_path / "out"), "--workers", "0"]) == 2
    assert "--workers 0 is not possible" in capsys.readouterr().err
    assert main(["sweep", "x.toml", "--out", str(tmp_path), "--cell", "0", "--scheduler", "tls://h:1"]) == 2
    assert "--cell and --scheduler exclude each other" in capsys.readouterr().err
    assert main(["sweep", "x.toml", "--out", str(tmp_path), "--scheduler", "tcp://h:1"]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["tcp://h:1"], "is refused"),
        (["http://h:1"], "is not possible"),
        (["tls://h:1", "--tls-ca=none.pem"], "is no file"),
        (["tcp://127.0.0.1:9", "--insecure-tcp"], "No scheduler answers"),
    ],
)
def test_a_scheduler_that_is_refused_leaves_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    if "--insecure-tcp" in options:
        pytest.importorskip("distributed")
        monkeypatch.setattr("playground.lab.sweep.cluster.PATIENCE", 0.3)
    (tmp_path / "sweep.toml").write_text(SWEEP, encoding="utf-8")
    asked = ["sweep", str(tmp_path / "sweep.toml"), "--out", str(tmp_path / "out"), "--scheduler", *options]
    assert main(asked) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_name_of_a_sweep_ends_a_line_of_a_job_array(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="line break"):
        job_array(tmp_path / "x.toml", tmp_path / "a\nrm -r x", [], ["score-playground"])
    assert "#SBATCH --job-name=a-rm-x\n" in job_array(tmp_path / "a\nrm x.toml", tmp_path, [], ["score-playground"])
