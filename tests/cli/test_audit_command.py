"""The audit on the command line: a table, files of it, a picture, and an exit code for failed claims."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.cli import audit as module
from playground.lab.audit import Audit, Check, audit
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
    assert end.startswith("11 of 11 claims hold, in ")
    assert (written, painted) == (f"The table is {table}", f"The picture is {picture}")
    found = json.loads(table.read_text(encoding="utf-8"))
    assert found["kind"] == "noise.vp"
    assert [row["holds"] for row in found["rows"]] == [True] * 11
    assert found["rows"][0]["low"] is None
    assert "Schedules" in picture.read_text(encoding="utf-8")


def some(*checks: Check) -> Callable[..., Audit]:
    def made(experiment, section: str) -> Audit:
        return Audit(section, getattr(experiment, section), checks, lambda: [])

    return made


def test_claims_that_fail_and_mere_measurements(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> float:
        raise ArithmeticError

    inf = float("inf")
    checks = (
        Check("a", "=good", lambda: 0.5, 1.0),
        Check("a", "wide", lambda: 7.0, inf),
        Check("b", "low", lambda: 2.0, inf, 3.0),
        Check("b", "ugly", broken, inf),
    )
    monkeypatch.setattr(module, "audit", some(*checks))
    table = tmp_path / "table.csv"
    code, said, error = ask("audit", "vp", "--out", str(table), "--picture", str(tmp_path / "a.png"))
    assert (code, error) == (1, "")
    assert [line.split()[0] for line in said.splitlines() if line.endswith("FAILED")] == ["low", "ugly"]
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
        (("vp", "--picture", "a.gif"), "--picture a.gif must end in .png or .svg"),
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

    def few(experiment, section: str) -> Audit:
        made = audit(experiment, section)
        return Audit(section, made.kind, made.checks[:1], made.charts)

    monkeypatch.setattr(module, "audit", few)
    code, _, _ = ask("audit", "cosine", "--picture", str(tmp_path / "a.png"))
    image = QImage(str(tmp_path / "a.png"))
    assert code == 0
    assert (image.width(), image.height()) == (2 * WIDTH, 2 * audit_height([None, None]))
