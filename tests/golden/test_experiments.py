"""Small experiments give the values that they gave before: from Python, and by the command line."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from playground.cli import main
from tests.golden.comparing import differences, read, tolerance
from tests.golden.measuring import BY_COMMAND, EXPERIMENTS, by_command, from_python

pytestmark = pytest.mark.claims

SETTINGS = {name: tomllib.loads(path.read_text("utf-8")) for name, path in EXPERIMENTS.items()}
DEFAULTS = {
    "data": "two-moons",
    "noise": "ve",
    "network": "auto",
    "objective": "denoising",
    "sampling": "reverse-sde",
}
"""The kinds of an empty file."""


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_from_python(name: str) -> None:
    golden = read(name)
    assert differences(golden.python, from_python(name), tolerance(name, golden)) == []


@pytest.mark.parametrize("name", BY_COMMAND)
def test_by_the_command_line(name: str, tmp_path: Path) -> None:
    golden = read(name)
    assert differences(golden.by_command, by_command(name, tmp_path / "out"), tolerance(name, golden)) == []


def test_every_kind_has_an_experiment(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that `run --help` lists: of data, noise, network, objective and sampler."""
    monkeypatch.setenv("COLUMNS", "4000")
    assert main(["run", "--help"]) == 0
    listed = dict(re.findall(r"([a-z]+)\.kind: ([a-z0-9-]+(?:,\s+[a-z0-9-]+)*)", capsys.readouterr().out))
    assert listed.keys() == DEFAULTS.keys()
    for section, names in listed.items():
        chosen = {settings.get(section, {}).get("kind", DEFAULTS[section]) for settings in SETTINGS.values()}
        assert set(re.split(r",\s+", names)) == chosen


@pytest.mark.parametrize(
    "setting",
    [
        "data.classes=on",
        "data.split=groups",
        "noise.source=eight-gaussians",
        "noise.source=file",
        "noise.coupling=optimal-transport",
        "training.reflow=True",
        "sampling.source=exact",
        "sampling.source=empirical",
        "sampling.guide=checkpoint",
        "sampling.guidance=1.5",
        "sampling.labels=one",
        "sampling.labels=all",
        "sampling.inpainting_mask=left",
        "likelihood.source=exact",
        *(
            f"sampling.solver={name}"
            for name in ("ddim", "euler", "heun", "dpm-solver++", "shark", "unipc", "adaptive")
        ),
    ],
)
def test_a_setting_that_takes_another_way_has_an_experiment(setting: str) -> None:
    key, value = setting.split("=")
    section, name = key.split(".")
    assert value in {str(settings.get(section, {}).get(name)) for settings in SETTINGS.values()}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_golden_values_are_of_something(name: str) -> None:
    """Particles that moved, losses of every training, and figures."""
    golden = read(name).python
    assert all(np.isfinite(golden.arrays[frame]).all() for frame in ("start", "middle", "samples"))
    assert not np.allclose(golden.arrays["start"], golden.arrays["samples"])
    steps = SETTINGS[name]["training"]["steps"]
    assert golden.losses is not None
    assert max(golden.losses, default=0) == steps
    assert len(golden.losses) >= (2 if steps > 32 else steps > 0)
    assert all(np.isfinite(loss) for loss in golden.losses.values())
    assert sum(isinstance(value, float) for value in golden.metrics.values()) >= 10
