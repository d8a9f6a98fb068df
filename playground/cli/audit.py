"""Audits, the self-test among them, as a table of lines, as a file and as a picture."""

from pathlib import Path

from playground.cli.claims import print_claims
from playground.cli.reporting import note, say
from playground.cli.results import write_csv, write_json
from playground.lab.audit import Audit
from playground.lab.claims import COLUMNS, as_json, measured, row


def print_audit(made: Audit, json: bool = False, out: Path | None = None, picture: Path | None = None) -> bool:
    """Measure every claim of an audit, and print or write what was measured; return whether all of them hold.

    Args:
        json: print JSON in place of the table.
        out: file of the table, CSV or JSON, if any.
        picture: file of the charts, PNG, SVG or PDF, if any.

    Raises:
        UserError: a file cannot be written.
    """
    tell = note if json else say
    found = print_claims(made.claims, measured(made.claims), json, made.title)
    if out is not None:
        if out.suffix.lower() == ".csv":
            write_csv(out, COLUMNS, map(row, found))
        else:
            write_json(out, {"kind": made.name, **as_json(found)})
        tell(f"The table is {out}")
    if picture is not None:
        tell(_paint(made, picture))
    return all(claim.holds for claim in found)


def _paint(made: Audit, picture: Path) -> str:
    charts = made.charts()
    if not charts:
        return f"{made.title} has no chart, so there is no picture."
    from playground.drawing.audit import save_audit_picture
    from playground.drawing.render import headless

    _application = headless()
    save_audit_picture(made.title, charts, picture)
    return f"The picture is {picture}"
