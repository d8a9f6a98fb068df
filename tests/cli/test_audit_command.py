"""Audits and the self-test on the command line: a table, JSON, files of it, a picture, and an exit code for failed claims."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.drawing import selftest
from playground.lab import audit as audits
from playground.lab.audit import Audit, Claim, audit
from playground.lab.experiment import Experiment
from tests.cli.conftest import Ask


def test_a_table_and_its_files(ask: Ask, tmp_path: Path) -> None:
    table, picture = tmp_path / "vp.json", tmp_path / "vp.svg"
    settings = ("--set", "noise.beta_max=15", "--set", "data.kind=checkerboard")
    code, said, error = ask("audit", "vp", *settings, "--out", str(table), "--picture", str(picture))
    assert (code, error) == (0, "")
    title, head, area, first, *_, end, written, painted = said.splitlines()
    assert title == "VP (noise.kind = vp)"
    assert head.split() == ["claim", "measured", "bound"]
    assert area == "process"
    assert first.split()[-3:] == ["at", "most", "1.0e-05"]
    assert end.startswith("12 of 12 claims hold, in ")
    assert (written, painted) == (f"The table is {table}", f"The picture is {picture}")
    found = json.loads(table.read_text(encoding="utf-8"))
    assert found["kind"] == "noise.vp"
    assert [row["holds"] for row in found["claims"]] == [True] * 12
    assert found["claims"][0]["low"] is None
    assert "Schedules" in picture.read_text(encoding="utf-8")


def some(*claims: Claim) -> Callable[..., Audit]:
    return lambda *asked: Audit("noise.vp", "VP", claims)


def test_a_self_test_is_a_table_of_claim_measured_and_bound(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = (Claim("noise", "one", lambda: 1e-12, 1e-9), Claim("noise", "two", lambda: 2.03, 2.3, 1.7))
    monkeypatch.setattr(selftest, "selftest", some(*claims))
    code, said, error = ask("selftest")
    assert (code, error) == (0, "")
    _, head, source, one, two, end = said.splitlines()
    assert head.split() == ["claim", "measured", "bound"]
    assert source == "noise"
    assert one.split() == ["one", "1.0e-12", "at", "most", "1.0e-09"]
    assert two.split() == ["two", "2.03", "1.7", "to", "2.3"]
    assert end.startswith("2 of 2 claims hold, in ")
    assert "\x1b" not in said
    assert "\r" not in said


@pytest.mark.parametrize("command", [("selftest",), ("audit", "vp")])
def test_json_is_all_that_is_printed(command: tuple[str, ...], ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((selftest, "selftest"), (audits, "audit")):
        monkeypatch.setattr(
            module, name, some(Claim("a", "good", lambda: 0.5, 1.0), Claim("a", "bad", lambda: 2.0, 1.0))
        )
    code, said, _ = ask(*command, "--json")
    found = json.loads(said)
    assert (code, found["passed"], [row["claim"] for row in found["claims"]]) == (1, False, ["good", "bad"])


def test_the_self_test_takes_no_arguments(ask: Ask) -> None:
    code, _, error = ask("selftest", "out")
    assert code == 2
    assert "see score-playground selftest --help" in error


def test_claims_that_fail_and_mere_measurements(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> float:
        raise ArithmeticError

    inf = float("inf")
    claims = (
        Claim("a", "=good", lambda: 0.5, 1.0),
        Claim("a", "wide", lambda: 7.0, inf),
        Claim("b", "low", lambda: 2.0, inf, 3.0),
        Claim("b", "ugly", broken, inf),
    )
    monkeypatch.setattr(audits, "audit", some(*claims))
    table = tmp_path / "table.csv"
    code, said, error = ask("audit", "vp", "--out", str(table), "--picture", str(tmp_path / "a.png"))
    assert (code, error) == (1, "")
    assert [line.split()[0] for line in said.splitlines() if "FAILED" in line] == ["low", "ugly"]
    assert "ArithmeticError" in said
    assert "1 of 3 claims hold" in said
    assert "has no chart" in said
    assert not (tmp_path / "a.png").exists()
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["claim"] for row in rows] == ["'=good", "wide", "low", "ugly"]
    assert [row["holds"] for row in rows] == ["True", "", "False", "False"]
    assert [row["measured"] for row in rows] == ["0.5", "7.0", "2.0", ""]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("vpp",), "did you mean vp?"),
        (("vp", "--out", "a.txt"), "--out a.txt must end in .csv or .json"),
        (("vp", "--picture", "a.gif"), "--picture a.gif must end in .png or .svg or .pdf"),
        (("vp", "--set", "noise.sigma_max=3"), "sigma_max"),
        (("images",), "data.path"),
        (("drawn",), "Nothing is drawn yet"),
    ],
)
def test_what_cannot_be_audited_gets_a_sentence(ask: Ask, arguments: tuple[str, ...], reason: str) -> None:
    code, said, error = ask("audit", *arguments)
    assert (code, said) == (2, "")
    assert reason in error
    assert len(error.splitlines()) == 1


def test_a_png_has_all_charts(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PySide6.QtGui import QImage

    from playground.drawing.audit import WIDTH, audit_height

    def few(experiment: Experiment, section: str) -> Audit:
        made = audit(experiment, section)
        return Audit(made.name, made.title, made.claims[:1], made.charts)

    monkeypatch.setattr(audits, "audit", few)
    for name in ("a.png", "a.pdf"):
        code, _, _ = ask("audit", "cosine", "--picture", str(tmp_path / name))
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    image = QImage(str(tmp_path / "a.png"))
    assert code == 0
    height = audit_height([None, None])  # type: ignore[list-item]  # only their number counts
    assert (image.width(), image.height()) == (2 * WIDTH, 2 * height)
