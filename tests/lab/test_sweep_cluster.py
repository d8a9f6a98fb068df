"""A sweep on a real cluster: a scheduler and two workers on the loopback, over TLS."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from playground.lab import sweep as sweeps
from playground.lab.sweep import folder as folders
from playground.lab.sweep.cluster import cluster
from playground.user_errors import UserError

pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
if shutil.which("openssl") is None:
    pytest.skip("openssl, which makes the certificates, is not installed", allow_module_level=True)

EXACT = {"source": "exact", "particles": 100}


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificates(folder: Path, name: str) -> None:
    """An authority `name`-ca.pem, and a certificate `name`.pem that it has signed."""
    folder.mkdir(exist_ok=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-x509", *key, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", f"{name}-ca.pem")
    openssl(folder, "req", *key, "-subj", "/CN=node", "-keyout", f"{name}.key", "-out", "node.csr")
    signed = ["-CA", f"{name}-ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem"]
    openssl(folder, "x509", "-req", "-in", "node.csr", *signed)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    certificates(folder, "ours")
    certificates(folder, "other")
    return folder


@pytest.fixture(scope="module")
def scheduler(
    certified: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its two workers."""
    place = tmp_path_factory.mktemp("cluster")
    note = place / "scheduler.json"
    tls = ["--tls-ca-file", str(certified / "ours-ca.pem"), "--tls-cert", str(certified / "ours.pem")]
    tls += ["--tls-key", str(certified / "ours.key"), "--scheduler-file", str(note)]
    log = (place / "log.txt").open("wb")

    def begin(name: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{name}", *tls, *words]
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=place)

    here = ["--host", "tls://127.0.0.1"]
    started = [begin("dask_scheduler", "--protocol", "tls", *here, "--port", "0", "--no-dashboard", "--no-show")]
    while not (
        note.exists() and note.read_text(encoding="utf-8").rstrip().endswith("}")
    ):  # it is there while it is written
        assert started[0].poll() is None, (place / "log.txt").read_text()
        time.sleep(0.05)
    started += [
        begin("dask_worker", *here, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--name", name)
        for name in ("one", "two")
    ]
    try:
        yield json.loads(note.read_text(encoding="utf-8"))["address"], started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()
        log.close()


def busy(client: Any, seconds: float = 1.0) -> str | None:
    """The address of a worker that has work to lose. Between two tasks there may be none for a moment."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for place, keys in client.processing().items():
            if keys:
                return str(place)
        time.sleep(0.01)
    return None


@pytest.mark.claims
def test_a_worker_is_killed_in_the_middle_and_nothing_is_lost_or_there_twice(
    scheduler: tuple[str, list[subprocess.Popen[bytes]]], certified: Path, tmp_path: Path
) -> None:
    address, _ = scheduler
    settings = {"data": {"kind": "two-gaussians"}, "sampling": EXACT}
    sweep, cells = sweeps.settled(sweeps.Sweep({"sampling.steps": [3, 4, 5]}, experiment=settings, seeds=4))
    ca, cert, key = (certified / name for name in ("ours-ca.pem", "ours.pem", "ours.key"))
    reports, killed = [], None
    with cluster(address, ca, cert, key) as chosen:
        client = chosen.executor._client  # type: ignore[attr-defined]
        client.wait_for_workers(2, timeout=60)
        pids = client.run(os.getpid)
        for progress in sweeps.run(sweep, cells, tmp_path / "cluster", chosen, "cpu"):
            reports.append(progress)
            if killed is None and any(one.finished for one in reports):
                killed = busy(client)
                if killed is not None:
                    os.kill(pids[killed], signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    assert killed is not None, "no worker was seen at work"
    finished = [cell.number for report in reports for cell in report.finished]
    assert sorted(finished) == [cell.number for cell in cells]  # none lost, none twice
    assert reports[-1].done == reports[-1].total == 12
    last = finished[-1]  # computed after the kill
    assert sweeps.run_cell(sweep, cells, tmp_path / "here", last, "cpu") is None
    found = [sweeps.result(tmp_path / name, cells[last]) for name in ("cluster", "here")]
    same = [{key: value for key, value in (one or {}).items() if "seconds" not in key} for one in found]
    assert same[0] == same[1] != {}


@pytest.mark.claims
def test_an_error_of_a_plugin_ends_one_cell(
    scheduler: tuple[str, list[subprocess.Popen[bytes]]], certified: Path, fragile: Path, tmp_path: Path
) -> None:
    settings = {"sampling": EXACT | {"kind": "fragile"}}
    sweep, cells = sweeps.settled(sweeps.Sweep({"sampling.steps": [3, 2, 4]}, experiment=settings))
    ca, cert, key = (certified / name for name in ("ours-ca.pem", "ours.pem", "ours.key"))
    with cluster(scheduler[0], ca, cert, key) as chosen:
        (*_, last) = sweeps.run(sweep, cells, tmp_path / "out", chosen, "cpu")
    assert last.done == 3
    failed, *others = cells
    assert "Broken: three steps" in str(sweeps.failure(tmp_path / "out", failed))
    assert "are too many" in folders.log_path(tmp_path / "out", failed).read_text(encoding="utf-8")
    assert all(sweeps.result(tmp_path / "out", cell) for cell in others)


@pytest.mark.claims
def test_certificates_can_be_those_of_dasks_configuration_as_in_the_window(
    scheduler: tuple[str, list[subprocess.Popen[bytes]]], certified: Path, tmp_path: Path
) -> None:
    import dask

    sweep, cells = sweeps.settled(sweeps.Sweep({"sampling.steps": [2]}, experiment={"sampling": EXACT}))
    files = {"ca-file": "ours-ca.pem", "client.cert": "ours.pem", "client.key": "ours.key"}
    configured = {f"distributed.comm.tls.{key}": str(certified / name) for key, name in files.items()}

    def compute() -> None:  # in a thread, like the window
        with cluster(scheduler[0]) as chosen:
            list(sweeps.run(sweep, cells, tmp_path, chosen, "cpu"))

    with dask.config.set(configured), ThreadPoolExecutor(1) as thread:
        thread.submit(compute).result(60)
    assert sweeps.result(tmp_path, cells[0])


@pytest.mark.claims
def test_a_certificate_of_another_authority_is_refused(
    scheduler: tuple[str, list[subprocess.Popen[bytes]]], certified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.lab.sweep.cluster.PATIENCE", 1.0)
    ca, cert, key = (certified / name for name in ("other-ca.pem", "other.pem", "other.key"))
    with pytest.raises(UserError, match="No scheduler answers"), cluster(scheduler[0], ca, cert, key):
        pass


@pytest.mark.parametrize(
    ("address", "given", "reason"),
    [
        ("tcp://127.0.0.1:1", {}, "anyone who reaches a tcp port can run code there"),
        ("localhost:8786", {}, "give tls://HOST:PORT"),
        ("tls://127.0.0.1:1", {}, "tls needs certificates"),
        ("tls://127.0.0.1:1", {"ca": Path("none.pem")}, "--tls-ca none.pem is no file"),
        ("tcp://127.0.0.1:1", {"insecure_tcp": True}, "No scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_what_is_not_safe_or_not_there_is_refused(
    address: str, given: dict[str, object], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.lab.sweep.cluster.PATIENCE", 0.5)
    with pytest.raises(UserError, match=reason), cluster(address, **given):  # type: ignore[arg-type]
        pass
