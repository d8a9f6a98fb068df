"""``score-playground doctor``: whether this machine has what the program needs, one verdict per requirement.

It is meant for people who prepare many computers. It installs nothing and changes no setting, and each failure says what
to do. A requirement is a function in one of the two tables here; the output and the tests are made from these tables.
"""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from json import dumps

from playground.cli.doctor import machine, program
from playground.cli.doctor.verdict import FAILED, OK, WARNING, Verdict
from playground.cli.reporting import say

Requirements = Mapping[str, Callable[[], Verdict]]

MACHINE: Requirements = {  # checked before Qt and torch are loaded, which need these
    "system": machine.system,
    "memory": machine.memory,
    "screen libraries": machine.screen_libraries,
    "screen": machine.screen,
    "settings folder": machine.settings_folder,
    "temporary folder": machine.temporary_folder,
}
PROGRAM: Requirements = {
    "processor": program.processor,
    "device": program.device,
    "fonts": program.fonts,
    "bundled files": program.bundled_files,
    "training": program.training,
    "video": program.video,
}
WIDTH = max(map(len, [*MACHINE, *PROGRAM, "torch and the opening session"]))


def examine(requirements: Requirements) -> Iterator[tuple[str, Verdict]]:
    """Check each requirement in turn. A requirement whose check raises an exception has failed."""
    for name, look in requirements.items():
        try:
            verdict = look()
        except Exception as error:
            kind = f"{type(error).__name__}: {error}".splitlines()[0]
            verdict = Verdict(FAILED, kind, "Send this line to whoever gave you the program.")
        yield name, verdict


def print_doctor(window: bool = False, json: bool = False) -> bool:
    """Print the verdict on each requirement as soon as it is known; return whether none has failed.

    Args:
        window: run the end-to-end check in the real window as well.
        json: print all verdicts as JSON when they are known, in place of lines.
    """
    levels, told, hung = [], [], False
    for name, verdict in _everything(window):
        levels.append(verdict.level)
        told.append({"name": name, **dataclasses.asdict(verdict)})
        hung |= (name, verdict.level) == ("quitting", FAILED)
        if json:
            continue
        say(f"{name:<{WIDTH}}  {verdict.level:<7}  {verdict.found}".rstrip())
        if verdict.advice:
            say(f"{'':<{WIDTH}}  {'':<7}  {verdict.advice}")
    failed, warned = levels.count(FAILED), levels.count(WARNING)
    if json:
        say(dumps({"works": not failed, "checks": told}, indent=2, ensure_ascii=False))
    elif failed:
        say(f"{failed} of {len(levels)} failed: Score Playground does not work here as it should.")
    elif warned:
        say(f"Score Playground works here; {warned} of {len(levels)} could be better.")
    else:
        say(f"Score Playground works here: all {len(levels)} checks passed.")
    if hung:
        # A thread of the window is in a call that cannot be interrupted, and would crash the interpreter as it exits.
        sys.stdout.flush()
        os._exit(1)
    return not failed


def _everything(window: bool) -> Iterator[tuple[str, Verdict]]:
    levels = {}
    for name, verdict in examine(MACHINE):
        levels[name] = verdict.level
        yield name, verdict
    application = None
    # Qt aborts the process without a helpful message if there is no screen or a library is missing.
    if window and (levels["screen"] != OK or FAILED in levels.values()):
        yield "window", Verdict(FAILED, "not opened", "First fix what is reported above.")
    elif window:
        from playground.app.main import make_application

        application = make_application()  # Qt allows one application in a process: the next checks use it too
        yield from _end_to_end_check(application)
    yield from examine(PROGRAM)
    del application


def _end_to_end_check(application: object) -> Iterator[tuple[str, Verdict]]:
    """The steps of the end-to-end check. They come all at once when the window has closed, after its event loop."""
    from playground.app.end_to_end_check import Step
    from playground.app.main import run_end_to_end_check

    steps: list[Step] = []
    well = run_end_to_end_check(application, steps.append)  # type: ignore[arg-type]
    advice = "Send these lines to whoever gave you the program."
    for step in steps:
        if step.error:
            yield step.name, Verdict(FAILED, step.error, advice)
        else:
            yield step.name, Verdict(OK, f"{step.found}, {step.seconds:.2f} s")
    yield "quitting", Verdict(OK, "every thread ended") if well else Verdict(FAILED, "it ended with an error", advice)
