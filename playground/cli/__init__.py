"""``score-playground``: the window, and the same experiments without one.

Exit codes: 0 done, 1 the program's own fault or what selftest or doctor found to fail, 2 the user's mistake (one sentence on standard error), 130 Ctrl+C, 141 its output is read no further, 143 a polite kill.
Nothing heavy is imported here: ``--version`` answers at once and the window opens before torch is loaded.
"""

import difflib
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playground.user_errors import UserError, user_error

INTERRUPTED = 130  # the exit code of Ctrl+C in every shell
BROKEN_PIPE = 141  # likewise of a program whose reader has gone
TERMINATED = 143  # likewise of one that SIGTERM ended
COMMANDS = (
    "run",
    "sample",
    "likelihood",
    "decode",
    "interpolate",
    "video",
    "boltzmann",
    "scenes",
    "lesson",
    "selftest",
    "doctor",
)


class Terminated(BaseException):
    """SIGTERM came. It is no KeyboardInterrupt, for typer turns any of these into Ctrl+C's exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: what follows the program's name; by default the command line's.

    Returns:
        The exit code.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if not arguments:
            return _window(None)
        if arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
            return _window(_file(arguments))
        from playground.cli.commands import app

        with _terminable():
            code = app(args=arguments, prog_name="score-playground", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # what typer makes of Ctrl+C
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, Terminated) as stop:
        print("\nInterrupted: nothing half-written is left behind.", file=sys.stderr)
        return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED
    except (BrokenPipeError, SystemExit) as left:
        # typer leaves by itself where the pipe broke, with code 1, which says of doctor and selftest that a check failed.
        if isinstance(left, SystemExit) and not isinstance(left.__context__, BrokenPipeError):
            raise
        # Whoever read the output has gone; without this, Python complains once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        sentence = user_error(error) or _misuse(error)
        if sentence is not None:
            print(f"score-playground: {sentence}", file=sys.stderr)
            return 2
        print(f"score-playground: {_unexpected(error)}", file=sys.stderr)
        return 1


@contextmanager
def _terminable() -> Iterator[None]:
    """Within, SIGTERM ends a command as Ctrl+C does, so that no half-written file stays. The window closes itself."""

    def terminate(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _window(path: Path | None) -> int:
    if sys.platform == "linux" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        raise UserError(
            "There is no display here to open a window on: run an experiment without one by score-playground run EXPERIMENT.toml --out DIR."
        )
    from playground.app.main import launch

    return launch(path)


def _file(arguments: list[str]) -> Path:
    first, *rest = arguments
    path = Path(first)
    if not path.exists():
        near = difflib.get_close_matches(first, COMMANDS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"the commands are {', '.join(COMMANDS)}."
        raise UserError(f"{first} is neither a file nor a command; {hint}")
    if rest:
        raise UserError(f"The window opens one file, but {first} is followed by {rest[0]!r}.")
    return path


def _misuse(error: Exception) -> str | None:
    """The sentence for unknown options and missing arguments, or None where it is another error."""
    typer = sys.modules.get("typer")  # where it is not loaded, the error is not its own
    if typer is None or not isinstance(error, typer.TyperException):
        return None
    return f"{' '.join(error.format_message().split()).rstrip('.')}; see score-playground --help."


def _unexpected(error: Exception) -> str:
    """Keep the traceback where it can be sent from, and say where that is."""
    import platformdirs

    kind = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    try:
        folder = Path(platformdirs.user_log_dir("score-playground", ensure_exists=True))
        log = folder / "error.log"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return f"This should not have happened ({kind})."
    return f"This should not have happened ({kind}); what to report is in {log}."
