"""The doctor's verdict on one requirement."""

from dataclasses import dataclass
from typing import Literal

OK: Literal["ok"] = "ok"
WARNING: Literal["warning"] = "warning"
FAILED: Literal["FAILED"] = "FAILED"


@dataclass(frozen=True)
class Verdict:
    """One requirement on this machine.

    Args:
        level: "ok"; "warning" if the program works but less well; "FAILED" if a part of it does not work.
        found: the fact, with its number.
        advice: a sentence that says what to do; empty if nothing has to be done.
    """

    level: Literal["ok", "warning", "FAILED"]
    found: str
    advice: str = ""
