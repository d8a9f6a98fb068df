"""What commands print: results on standard output, and progress, notes and warnings on standard error.

Progress is a bar on a terminal, and plain lines in a pipe.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playground.app.style.number_formats import format_measured, format_number, without_typography
from playground.messages import Message

HUGE = 1e6
PATIENCE = 5.0  # seconds between two plain lines

Update = Callable[[float, str], None]


def say(line: Message | str) -> None:
    """A line of the program's answer."""
    print(line, flush=True)


def note(line: Message | str) -> None:
    """A line about the work and not of its answer."""
    print(line, file=sys.stderr, flush=True)


def warn(*messages: Message | str | None) -> None:
    """Print the warnings that are not None, one line each."""
    for message in messages:
        if message is not None:
            note(f"Warning: {message}")


def number(value: float) -> str:
    """A number with four decimals; a huge number in the window's short form."""
    return f"{value:.4f}" if abs(value) < HUGE else without_typography(format_number(value, 4))


def short(value: float) -> str:
    """A number with three digits, as in the window: for a figure whose error is not known.

    >>> short(-6.5600000001), short(0.75)
    ('-6.56', '0.75')
    """
    return without_typography(format_number(value))


def with_error(value: float, error: float) -> str:
    """A value and its error, rounded to two digits of the error, as in the window."""
    return without_typography(format_measured(value, error, 2))


@contextmanager
def stage(name: str) -> Iterator[Update]:
    """Show the progress of one stage; call the yielded function with the fraction done (0 to 1) and a few words."""
    if sys.stderr.isatty():
        yield from _bar(name)
    else:
        yield from _lines(name)


def _bar(name: str) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[words]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=8) as progress:
        task = progress.add_task(name, total=1.0, words="")
        yield lambda fraction, words: progress.update(task, completed=fraction, words=words)
        progress.update(task, completed=1.0)


def _lines(name: str) -> Iterator[Update]:
    start = last = time.monotonic()
    note(f"{name} ...")
    newest = ""

    def update(fraction: float, words: str) -> None:
        nonlocal last, newest
        newest = words
        if time.monotonic() - last >= PATIENCE:
            last = time.monotonic()
            note(f"{name}: {fraction:.0%}" + (f", {words}" if words else ""))

    yield update
    note(f"{name}: done in {time.monotonic() - start:.1f} s" + (f", {newest}" if newest else ""))
