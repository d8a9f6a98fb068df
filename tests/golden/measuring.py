"""The values of an experiment: by the command line, and from Python. Only the names that users have are imported, and the reader of figures."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import playground as sp
from playground.cli import main
from playground.lab.measured import Figures
from playground.lab.training import TrainingProgress

HERE = Path(__file__).parent
EXPERIMENTS = {path.stem: path for path in sorted((HERE / "experiments").glob("*.toml"))}
SESSIONS = {path.stem: path for path in sorted((HERE / "sessions").glob("*.spg"))}
"""Saved by the window of 0.1.0; see make_sessions.py."""
FOLLOWED = {
    "untrained": {"sampling.source": "exact", "likelihood.source": "exact"},
    "images": {"sampling.labels": "one"},
    "own-file": {"sampling.labels": "one"},
}
"""Settings by session, with which all particles follow one score."""
VALUES = HERE / "values"

BY_COMMAND = (
    "01-defaults",
    "03-energy-mala",
    "06-no-noise",
    "12-digits",
    "15-own-classes",
    "21-two-sets",
    "24-annealed-process",
    "25-wrong-factor",
)
"""Those that the command line runs too, each of which has metrics that the others lack. Painting takes most of its time."""

OF_THE_MACHINE = ("device", "provenance", "threads", "torch", "seconds", "steps_per_second", "sampling_seconds")
"""Metrics that are times, or say what computed the others."""
TEXT = "a text"
"""In place of a metric that is a sentence: it may be worded better, and stays a sentence."""


@dataclass(frozen=True)
class Values:
    """What an experiment gives.

    Args:
        arrays: of the run. `start`, `middle` and `samples` are the positions of its first, middle and last frame, (N, D).
            The others have one entry for each frame.
        losses: by training step the mean loss of all steps up to it. None by the command line, which does not write it.
        metrics: by name; a list, a number, None, or TEXT.
    """

    arrays: dict[str, np.ndarray]
    losses: dict[int, float] | None
    metrics: dict[str, Any] = field(repr=False)


def from_python(name: str) -> Values:
    """Train, sample and measure by `import playground`."""
    work = sp.run(sp.load(EXPERIMENTS[name]), device="cpu")
    losses: dict[int, float] = {}
    step, total = 0, 0.0
    for progress in work:
        if isinstance(progress, TrainingProgress) and progress.step > step:
            total += (progress.step - step) * progress.loss  # the mean over the steps since the last report
            step = progress.step
            losses[step] = total / step
    run = work.result()
    found = run.trajectory
    arrays = {"positions": found.positions, "sigma": found.sigma, "step_size": found.step_size, "nfe": found.nfe_mean}
    return Values(_of_frames(arrays), losses, _of_results(run.metrics))


def by_command(name: str, out: Path) -> Values:
    """Train, sample and measure by `score-playground run`.

    Args:
        out: a folder that is not there yet.
    """
    threads = torch.get_num_threads()
    try:
        code = main(["run", str(EXPERIMENTS[name]), "--out", str(out), "--device", "cpu"])
    finally:
        torch.set_num_threads(threads)
    assert code == 0
    with np.load(out / "trajectory.npz") as found:
        arrays = {name: found[name] for name in ("positions", "sigma", "step_size")} | {"nfe": found["nfe_mean"]}
    return Values(_of_frames(arrays), None, _of_results(json.loads((out / "metrics.json").read_text("utf-8"))))


def of_session(name: str) -> Values:
    """The data of a session, its score and log p at some of its points, and what its sampler draws."""
    session = sp.Session.load(SESSIONS[name])
    settings = FOLLOWED.get(name, {})
    run = sp.sample(session, settings, device="cpu").result()
    arrays = {"points": session.points, "held_out": session.held_out, "samples": run.positions[-1]}
    if session.experiment.noise.kind != "flow-matching":  # between two sets there is only a velocity
        few = session.held_out[:4]
        arrays["score"] = sp.score(session, few, run.sigma[[1, len(run) // 2]][:, None], settings, device="cpu")
        arrays["log_prob"] = sp.log_likelihood(session, few, settings, device="cpu").result().log_prob
    width = session.points[0].size
    flat = {name: array.reshape(-1, 1 if name == "log_prob" else width) for name, array in arrays.items()}
    return Values({name: array.astype(np.float32) for name, array in flat.items()}, {}, {})


def _of_frames(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    positions = arrays.pop("positions")
    positions = positions.reshape(*positions.shape[:2], -1)
    return {"start": positions[0], "middle": positions[len(positions) // 2], "samples": positions[-1], **arrays}


def _of_results(found: Any) -> dict[str, Any]:
    """The metrics without times; of the reasons only what they are given for."""
    flat = found.flat() if isinstance(found, Figures) else Figures.of(found).flat()
    metrics = {name: _plain(value) for name, value in flat.items() if name not in (*OF_THE_MACHINE, "reasons")}
    return in_one_form(metrics | {"reasons": list(flat["reasons"])})


def in_one_form(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics of this version or an earlier one, which wrote null for each part of a figure that was not measured."""
    if not metrics:
        return {}
    reasons = metrics.get("reasons", [])
    flat = Figures.of({**metrics, "reasons": dict.fromkeys(reasons, TEXT)}).flat()
    missing = {name for name in reasons if name not in metrics}
    return flat | {"reasons": sorted(missing | {*flat["reasons"]})}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return value.item()
    return TEXT


def machine() -> dict[str, Any]:
    """The machine and its kernels: where these are the same, the same program gives the same bits."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),  # images are trained with all but one
        "system": platform.system(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "kernels": _kernels(),
    }


def _cpu() -> str:
    """Vendor, family and model where the system says them."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    said = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)  # those of the first core
    known = {name.strip(): value.strip() for name, value in said.items()}
    return " ".join(known.get(name, "?") for name in ("vendor_id", "cpu family", "model"))


def _kernels() -> str:
    """A digest of what some kernels compute. Variables of the environment change them on one and the same machine."""
    generator = torch.Generator().manual_seed(0)
    x, weights = (torch.randn(shape, generator=generator) for shape in ((64, 35), (35, 16)))
    images, filters = torch.randn(4, 4, 8, 8, generator=generator), torch.randn(8, 4, 3, 3, generator=generator)
    found = [
        x @ weights,
        torch.nn.functional.conv2d(images, filters, padding=1),
        torch.nn.functional.silu(x),
        torch.logsumexp(x.double() @ x.double().t(), dim=1),
        (x.exp() + x.abs().log() + torch.tanh(x)).sum(1),
        torch.from_numpy(np.sin(x.numpy()) + np.exp(x.numpy())),
    ]
    return hashlib.sha256(b"".join(one.numpy().tobytes() for one in found)).hexdigest()[:16]
