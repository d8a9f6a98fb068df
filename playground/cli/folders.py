"""The folder that a run writes: whole, or as it was before, also where the run is killed."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from playground.cli import results
from playground.cli.reporting import say
from playground.lab.atomic import hold
from playground.lab.session import MODEL
from playground.user_errors import UserError


@contextlib.contextmanager
def create_folder(folder: Path) -> Iterator[None]:
    """Make the folder; take it away again if the work ends before anything is in it.

    Raises:
        UserError: it cannot be made.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder} cannot be made: {error.strerror}.") from None
    try:
        yield
    except BaseException:
        if new and not any(folder.iterdir()):
            folder.rmdir()
        raise


@contextlib.contextmanager
def replace_results(folder: Path, names: Collection[str]) -> Iterator[None]:
    """Within, all files of a run are written; those of an earlier one, set aside meanwhile, come back if one cannot be.

    A trained model is not lost: it stays, by another name. Where the user stops the work it stays by its own, with what else
    is whole, and without the files of the earlier run, for they are another model's.

    A note is held meanwhile, by which another run knows that the folder is taken. Where the process is killed it stays, and is
    not empty as long as the files by these names are the new ones; the next run brings the earlier ones back before it begins.

    Raises:
        UserError: another run writes the folder.
    """
    note = folder / results.INCOMPLETE
    held = contextlib.ExitStack()
    try:
        held.enter_context(hold(note))
    except BlockingIOError:
        raise results.folder_in_use(folder) from None
    try:
        with held:
            _recover(folder, names)
            with _set_earlier_aside(folder, names):
                yield
    finally:  # no sooner, for a file that is open cannot be removed everywhere
        with contextlib.suppress(FileNotFoundError):
            if not note.stat().st_size:
                note.unlink()


@contextlib.contextmanager
def _set_earlier_aside(folder: Path, names: Collection[str]) -> Iterator[None]:
    """Set the earlier files aside, and bring them back if the work fails, once the folder is held and in order."""
    model, note = folder / MODEL, folder / results.INCOMPLETE
    aside = Path(tempfile.mkdtemp(prefix=EARLIER, dir=folder))  # no hidden one: a power cut may leave it
    try:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (folder / name).replace(aside / name)
    except BaseException:
        _bring_back(aside)
        raise
    try:
        note.write_text(NOTE, encoding="utf-8")
        yield
    except BaseException as error:
        trained = MODEL in names and model.exists()
        if trained and not isinstance(error, Exception):
            _discard(aside)
            note.write_text("")
            raise
        if trained:
            model.replace(folder / results.UNFINISHED)
        for name in names:
            (folder / name).unlink(missing_ok=True)
        note.write_text("")
        _bring_back(aside)
        if trained:
            say(f"The trained model is kept in {folder / results.UNFINISHED}")
        raise
    _discard(aside)
    note.write_text("")


EARLIER, DISCARDED = "earlier-", ".earlier-"
NOTE = f"""Score Playground is writing this folder, or was stopped while writing it: files may be missing.
Earlier results, if any, are in the folder {EARLIER}...; the next run into this folder with --overwrite starts from there.
"""


def _recover(folder: Path, names: Collection[str]) -> None:
    """Put a folder in order whose run was killed: the files of the run before, as far as they lie aside, are back.

    A model that was trained whole stays, by another name.
    """
    note = folder / results.INCOMPLETE
    half = note.stat().st_size > 0
    for aside in folder.iterdir():
        dead = re.fullmatch(rf"\.?{re.escape(EARLIER)}[a-z0-9_]{{8}}", aside.name) and aside.is_dir()
        if not dead or not {file.name for file in aside.iterdir()} <= set(names):
            continue  # someone else's
        if aside.name.startswith(DISCARDED):
            shutil.rmtree(aside)
            continue
        if half:
            with contextlib.suppress(FileNotFoundError):
                (folder / MODEL).replace(folder / results.UNFINISHED)
            for name in names:
                (folder / name).unlink(missing_ok=True)
            note.write_text("")
            half = False
        _bring_back(aside)
    note.write_text("")


def _bring_back(aside: Path) -> None:
    for file in aside.iterdir():
        file.replace(aside.parent / file.name)
    aside.rmdir()


def _discard(aside: Path) -> None:
    """Remove what was set aside; whoever is killed meanwhile leaves what nobody brings back."""
    discarded = aside.with_name(f".{aside.name}")
    aside.rename(discarded)
    shutil.rmtree(discarded)
