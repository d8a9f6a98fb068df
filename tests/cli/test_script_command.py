"""``score-playground script``."""

from pathlib import Path

import pytest

from playground.cli import main
from playground.lab.experiment import Experiment, replace
from playground.lab.script import as_python
from playground.resources import resource


@pytest.mark.parametrize("name", ["experiments/drawn.toml", "checkpoints/two-moons.spg"])
def test_the_script_is_that_of_the_file(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "script.py"
    assert main(["script", str(resource(name)), "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    compile(out.read_text(encoding="utf-8"), "script.py", "exec")
    assert out.read_text(encoding="utf-8").startswith("import playground as sp\n")


def test_a_script_of_no_experiment_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.toml").write_text("[noise]\nkind = 'vee'\n", encoding="utf-8")
    assert main(["script", str(tmp_path / "wrong.toml"), "--out", str(tmp_path / "script.py")]) == 2
    assert "vee" in capsys.readouterr().err
    assert not (tmp_path / "script.py").exists()


def test_a_path_with_quotes_is_written_safely() -> None:
    experiment = replace(Experiment(), {"data.kind": "file", "data.path": '/tmp/it\'s "here".csv'})
    names: dict[str, object] = {}
    exec(as_python(experiment).split("session =")[0], names)
    assert names["experiment"] == experiment
