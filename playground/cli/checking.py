"""The self-test as a table of lines."""

import time

from playground.cli.audit import as_json, unfinished
from playground.cli.reporting import say, stage
from playground.cli.results import as_text
from playground.cli.stopping import if_stopped
from playground.drawing.selftest import CHECKS
from playground.lab.selftest import Row, selftest

CLAIM = max(len(check.claim) for check in CHECKS) + 2


def print_selftest(json: bool = False) -> bool:
    """Measure every claim; return whether all of them hold.

    Args:
        json: print all of them as JSON when they are measured, in place of a line for each as soon as it is known.
    """
    start, rows, area = time.monotonic(), list[Row](), ""
    with if_stopped(lambda: unfinished(len(rows), len(CHECKS))):
        if json:
            with stage("Self-test") as update:
                for row in selftest(CHECKS):
                    rows.append(row)
                    update(len(rows) / len(CHECKS), row.area)
        else:
            say(f"{'claim':<{CLAIM}}  {'measured':>12}  bound")
            for row in selftest(CHECKS):
                if row.area != area:
                    area = row.area
                    say(area)
                verdict = "" if row.passed else "  FAILED"
                say(f"{'  ' + row.claim:<{CLAIM}}  {row.measured_text:>12}  {row.bound_text}{verdict}")
                rows.append(row)
    held = sum(row.passed for row in rows)
    passed = 0 < held == len(rows)
    if json:
        say(as_text({"passed": passed, "rows": as_json(rows)}))
    else:
        say(f"{held} of {len(rows)} claims hold, in {time.monotonic() - start:.1f} s.")
    return passed
