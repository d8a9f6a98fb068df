"""The folder of a run: it is either complete or as it was before, even if the run is killed."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from playground.cli import reporting, results
from playground.lab.atomic import hold
from playground.lab.session import MODEL
from playground.user_errors import UserError


@contextlib.contextmanager
def create_folder(folder: Path) -> Iterator[None]:
    """Create the folder; remove it if the work fails before anything is in it.

    Raises:
        UserError: the folder cannot be created.
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
    """Write all files of a run in the block; if it fails, the files of the earlier run come back.

    The earlier files are set aside while the block runs. If it fails, a trained model is kept under another name. If the
    user stops it, a trained model keeps its name, together with the other complete files. The earlier files are then
    removed, because they belong to another model.

    A note in the folder is locked while the block runs, so that another run knows that the folder is in use. If the
    process is killed, the note stays. It is not empty while the files of these names may be the new ones; the next run
    then brings the earlier files back before it begins.

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
    finally:  # only now, because some systems cannot remove an open file
        with contextlib.suppress(FileNotFoundError):
            if not note.stat().st_size:
                note.unlink()


@contextlib.contextmanager
def _set_earlier_aside(folder: Path, names: Collection[str]) -> Iterator[None]:
    """Set the earlier files aside, and bring them back if the work fails. The folder must be locked and in order."""
    model, note = folder / MODEL, folder / results.INCOMPLETE
    aside = Path(tempfile.mkdtemp(prefix=EARLIER, dir=folder))  # not hidden, because a power cut may leave it
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
            reporting.note(f"The trained model is kept in {folder / results.UNFINISHED}")
        raise
    _discard(aside)
    note.write_text("")


EARLIER, DISCARDED = "earlier-", ".earlier-"
NOTE = f"""Score Playground is writing this folder, or was stopped while writing it: files may be missing.
Earlier results, if any, are in the folder {EARLIER}...; the next run into this folder with --overwrite starts from there.
"""


def _recover(folder: Path, names: Collection[str]) -> None:
    """Put a folder in order after its run was killed: bring back the files that were set aside.

    A complete trained model is kept under another name.
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
    """Remove the files that were set aside. They are renamed first, so that nobody brings back a part of them."""
    discarded = aside.with_name(f".{aside.name}")
    aside.rename(discarded)
    shutil.rmtree(discarded)
