"""``score-playground doctor``: whether this machine has what the program needs, one claim per requirement.

It is meant for people who prepare many computers. It installs nothing and changes no setting, and each failure says what
to do. The films are those of the self-test.
"""

import dataclasses
import os
import sys
from collections.abc import Iterator

from playground.cli.claims import print_claims
from playground.cli.doctor import machine, program
from playground.lab.claims import Claim, Found, measured

MACHINE = (  # measured before Qt and torch are loaded, which need these
    Claim("this machine", "system", machine.system, 0),
    Claim("this machine", "memory", machine.memory, low=machine.LEAST_MEMORY),
    Claim("this machine", "screen libraries", machine.screen_libraries, 0),
    Claim("this machine", "screen", machine.screen, 0),
    Claim("this machine", "settings folder", machine.settings_folder, 0),
    Claim("this machine", "temporary folder", machine.temporary_folder, 0),
)
PROGRAM = (
    Claim("the program", "processor", program.processor, 0),
    Claim("the program", "device", program.device, 0),
    Claim("the program", "fonts", program.fonts, 0),
    Claim("the program", "bundled files", program.bundled_files, 0),
    Claim("the program", "training", program.training, 0),
)
WIDEST = Claim("the window", "torch and the opening session", lambda: 0)
ADVICE = "Send this line to whoever gave you the program."


def print_doctor(window: bool = False, json: bool = False) -> bool:
    """Print each claim as soon as it is measured; return whether all hold.

    Args:
        window: run the end-to-end check in the real window as well.
        json: print all as JSON when they are measured, in place of lines.
    """
    found = print_claims((*MACHINE, *PROGRAM, WIDEST), map(_advised, _everything(window)), json)
    if any(claim.what == "quitting" and not claim.holds for claim in found):
        # A thread of the window is in a call that cannot be interrupted, and would crash the interpreter as it exits.
        sys.stdout.flush()
        os._exit(1)
    return all(claim.holds for claim in found)


def _advised(claim: Claim) -> Claim:
    return claim if claim.holds or claim.advice else dataclasses.replace(claim, advice=ADVICE)


def _everything(window: bool) -> Iterator[Claim]:
    blocked = False
    for claim in measured(MACHINE):
        blocked |= not claim.holds or (claim.what == "screen" and bool(claim.advice))
        yield claim
    application = None
    # Qt aborts the process without a helpful message if there is no screen or a library is missing.
    if window and blocked:
        yield Claim(
            "the window", "window", lambda: Found(1, "not opened", "First fix what is reported above."), 0
        ).checked()
    elif window:
        from playground.app.main import make_application

        application = make_application()  # Qt allows one application in a process: the next claims use it too
        yield from _end_to_end_check(application)
    yield from measured(PROGRAM)
    from playground.drawing.selftest import FILMS

    yield from measured(FILMS)
    del application


def _end_to_end_check(application: object) -> Iterator[Claim]:
    """The steps of the end-to-end check. They come all at once when the window has closed, after its event loop."""
    from playground.app.main import run_end_to_end_check

    steps: list[Claim] = []
    well = run_end_to_end_check(application, steps.append)  # type: ignore[arg-type]
    yield from steps
    said = Found(not well, "every thread ended" if well else "it ended with an error")
    yield Claim("the window", "quitting", lambda: said, 0).checked()
