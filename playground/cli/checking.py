"""The self-test as a table of lines."""

import time

from playground.cli.reporting import say
from playground.drawing.selftest import CHECKS
from playground.lab.selftest import Row, selftest

CLAIM = max(len(check.claim) for check in CHECKS) + 2


def print_selftest() -> bool:
    """Measure every claim and print it as soon as it is known; return whether all of them hold."""
    start, rows, area = time.monotonic(), list[Row](), ""
    say(f"{'claim':<{CLAIM}}  {'measured':>12}  bound")
    for row in selftest(CHECKS):
        if row.area != area:
            area = row.area
            say(area)
        verdict = "" if row.passed else "  FAILED"
        say(f"{'  ' + row.claim:<{CLAIM}}  {row.measured_text:>12}  {row.bound_text}{verdict}")
        rows.append(row)
    passed = sum(row.passed for row in rows)
    say(f"{passed} of {len(rows)} claims hold, in {time.monotonic() - start:.1f} s.")
    return passed == len(rows)
