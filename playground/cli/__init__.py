"""``score-playground``: the window, and the same experiments without a window.

Exit codes: 0 success; 1 a fault of the program, or a check of selftest or doctor that failed; 2 an error of the user, with
one sentence on standard error; 129 SIGHUP; 130 Ctrl+C; 141 a closed pipe; 143 SIGTERM. Nothing heavy is imported here, so that
``--version`` answers at once and the window opens before torch is loaded.
"""

import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from playground.app.workers.signals import ending_signals
from playground.cli.stopping import INTERRUPTED, Stopped
from playground.drawing.no_display import NO_DISPLAY
from playground.user_errors import UserError, did_you_mean, user_error

BROKEN_PIPE = 141  # after the reader of the output has closed the pipe
COMPLETE = "_SCORE_PLAYGROUND_COMPLETE"
"""The variable by which a shell asks, at each press of Tab, what may follow."""
COMMANDS = (
    "run",
    "sample",
    "likelihood",
    "decode",
    "interpolate",
    "video",
    "boltzmann",
    "scenes",
    "script",
    "sweep",
    "lesson",
    "selftest",
    "audit",
    "doctor",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: the arguments after the program's name; by default those of the command line.

    Returns:
        The exit code.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a pipe on Windows may know no σ and no W₂
    try:
        if not os.environ.get(COMPLETE):
            arguments, kept_plugins = _load_plugins(arguments)
            if not arguments:
                return _window(None, kept_plugins)
            if arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
                return _window(_file(arguments), kept_plugins)
        from playground.cli.commands import app

        with _terminable():
            code = app(args=arguments, prog_name="score-playground", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # typer's result after Ctrl+C
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, Stopped) as stop:
        found = stop if isinstance(stop, Stopped) else Stopped(INTERRUPTED)
        with suppress(OSError):  # after SIGHUP there may be no terminal
            print(f"\nInterrupted: {found.said}", file=sys.stderr)
        return found.code
    except (BrokenPipeError, SystemExit) as left:
        # typer exits with code 1 if the pipe broke, but for doctor and selftest that code means a failed check.
        if isinstance(left, SystemExit) and not isinstance(left.__context__, BrokenPipeError):
            raise
        # The pipe is closed. Without this line, Python would print another error when it flushes at exit.
        for stream in (sys.stdout, sys.stderr):  # with 2>&1 both are this pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return BROKEN_PIPE
    except Exception as error:
        sentence = user_error(error) or _misuse(error, arguments)
        if sentence is not None:
            print(f"score-playground: {sentence}", file=sys.stderr)
            return 2
        print(f"score-playground: {_unexpected(error)}", file=sys.stderr)
        return 1


def _load_plugins(arguments: list[str]) -> tuple[list[str], bool]:
    """Load installed plug-ins, those of the options at the beginning and, for a command, those of the preferences.

    Returns:
        The other arguments, and whether those of the preferences are wanted; the window loads them itself.
    """
    from playground.kinds.plugins import load_installed, load_plugin

    load_installed()
    kept_plugins = True
    while arguments and arguments[0].partition("=")[0] in ("--plugin", "--no-plugins"):
        option, equals, path = arguments.pop(0).partition("=")
        if option == "--no-plugins":
            kept_plugins = False
            continue
        if not equals and not arguments:
            raise UserError("--plugin needs the name of a file.")
        load_plugin(Path(path if equals else arguments.pop(0)))
    if kept_plugins and arguments and arguments[0] in COMMANDS:
        _load_kept_plugins()
    return arguments, kept_plugins


def _load_kept_plugins() -> None:
    """Load the plug-ins of the preferences. One that cannot be loaded, or has changed, gets a sentence."""
    import platformdirs

    settings = platformdirs.user_config_path("score-playground") / "settings.ini"
    try:
        if b"plugins=" not in settings.read_bytes():
            return  # without loading Qt
    except OSError:
        return
    from playground.app.model.preferences import Preferences
    from playground.kinds.plugins import ChangedPlugin, load_kept

    files = {Path(name): checksum for name, checksum in Preferences().get("plugins").items()}
    for path, error in load_kept(files).items():
        sentence = user_error(error) or _unexpected(error)
        helps = f" To run it as it is now, name it: --plugin {path}" if isinstance(error, ChangedPlugin) else ""
        print(f"score-playground: {sentence}{helps}", file=sys.stderr)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a command as Ctrl+C does, so that no incomplete file is left. The window handles them itself."""

    def terminate(number: int, _: object) -> None:
        raise Stopped(128 + number)

    before = {name: signal.signal(name, terminate) for name in ending_signals()}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _window(path: Path | None, kept_plugins: bool) -> int:
    if sys.platform == "linux" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        raise UserError(NO_DISPLAY)
    gc.disable()  # among the new classes a collection takes 50 ms and frees nothing; the window collects by itself
    from playground.app.main import launch

    return launch(path, kept_plugins=kept_plugins)


def _file(arguments: list[str]) -> Path:
    first, *rest = arguments
    path = Path(first)
    if not path.exists():
        raise UserError(f"{first} is neither a file nor a command; {did_you_mean(first, COMMANDS, 'commands')}")
    if rest:
        raise UserError(f"The window opens one file, but {first} is followed by {rest[0]!r}.")
    return path


def _misuse(error: Exception, arguments: Sequence[str]) -> str | None:
    """The sentence for unknown options and missing arguments, or None for another error.

    Args:
        arguments: those with which the program was called.
    """
    typer = sys.modules.get("typer")  # if it is not loaded, the error is another one
    if typer is None or not isinstance(error, typer.TyperException):
        return None
    context = getattr(error, "ctx", None)
    command = _command(arguments) if context is None else context.command_path
    return f"{' '.join(error.format_message().split()).rstrip('.')}; see {command} --help."


def _command(arguments: Sequence[str]) -> str:
    """The command that was called, with its subcommand; an option without its value knows neither."""
    from typer.main import get_command

    from playground.cli.commands import app

    said, command = "score-playground", get_command(app)
    for word in arguments:
        below = getattr(command, "commands", {})
        if word not in below:
            break
        said, command = f"{said} {word}", below[word]
    return said


def _unexpected(error: Exception) -> str:
    """Write the traceback to a file that the user can send, and say where it is."""
    import platformdirs

    kind = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    try:
        folder = Path(platformdirs.user_log_dir("score-playground", ensure_exists=True))
        log = folder / "error.log"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return f"This should not have happened ({kind})."
    return f"This should not have happened ({kind}); what to report is in {log}."
