"""The audit of a kind as a table of lines, as a file and as a picture."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playground.cli.reporting import say
from playground.cli.results import write_csv, write_json
from playground.cli.settings import with_settings
from playground.cli.stopping import if_stopped
from playground.lab.audit import Audit, Row, audit, experiment_of, kind_named

COLUMNS = ("area", "claim", "measured", "low", "high", "holds")


def print_audit(name: str, settings: Sequence[str], out: Path | None, picture: Path | None) -> bool:
    """Measure every claim of a kind and print it as soon as it is known; return whether all of them hold.

    Args:
        name: the name of the kind, such as ``vp``.
        settings: changes of settings, as ``section.key=value``.
        out: file of the table, CSV or JSON, if any.
        picture: file of the charts, PNG or SVG, if any.

    Raises:
        UserError: there is no such kind, the settings do not fit, or a file cannot be written.
    """
    kind = kind_named(name)
    made = audit(with_settings(experiment_of(kind), settings, None), kind.section)
    start, rows, area = time.monotonic(), list[Row](), ""
    wide = max(len(check.claim) for check in made.checks) + 2
    say(made.title)
    say(f"{'claim':<{wide}}  {'measured':>12}  bound")
    with if_stopped(lambda: unfinished(len(rows), len(made.checks))):
        for row in made.rows():
            if row.area != area:
                area = row.area
                say(area)
            say(
                f"{'  ' + row.claim:<{wide}}  {row.measured_text:>12}  {row.bound_text}{'' if row.passed else '  FAILED'}"
            )
            rows.append(row)
    claims = [row for row in rows if row.is_bounded or not row.passed]
    held = sum(row.passed for row in claims)
    say(f"{held} of {len(claims)} claims hold, in {time.monotonic() - start:.1f} s.")
    if out is not None:
        _write(made, rows, out)
    if picture is not None:
        _paint(made, picture)
    return held == len(claims)


def unfinished(done: int, total: int) -> str:
    """What a table of claims that is stopped says."""
    return f"{done} of {total} claims are measured. No file is written, and the same command begins anew."


def _write(made: Audit, rows: Sequence[Row], out: Path) -> None:
    if out.suffix.lower() == ".csv":
        write_csv(out, COLUMNS, map(_cells, rows))
    else:
        write_json(out, {"kind": f"{made.section}.{made.kind.name()}", "rows": as_json(rows)})
    say(f"The table is {out}")


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows of a table of claims for JSON; a claim that could not be measured has its `failure`."""
    return [
        dict(zip(COLUMNS, _cells(row), strict=True)) | ({"failure": row.failure} if row.failure else {}) for row in rows
    ]


def _cells(row: Row) -> tuple[Any, ...]:
    holds = row.passed if row.is_bounded or row.failure else None
    return (row.area, row.claim, _finite(row.measured), _finite(row.low), _finite(row.high), holds)


def _finite(value: float) -> float | None:
    """The value, or None for one that is not finite: neither JSON nor a spreadsheet knows it."""
    return value if math.isfinite(value) else None


def _paint(made: Audit, picture: Path) -> None:
    charts = made.charts()
    if not charts:
        say(f"{made.kind.title} has no chart, so there is no picture.")
        return
    from playground.drawing.audit import save_audit_picture
    from playground.drawing.render import headless

    _application = headless()
    save_audit_picture(made.title, charts, picture)
    say(f"The picture is {picture}")
