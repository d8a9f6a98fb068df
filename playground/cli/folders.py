"""The folder of a run: it is either complete or as it was before, even if the run is killed."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from playground.cli import reporting, results
from playground.lab.atomic import hold, replace
from playground.lab.session import MODEL
from playground.user_errors import UserError, user_error


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
def replace_results(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """A new folder for all files of a run, which take the places of the earlier files once the block ends.

    Until then the earlier files stay as they are. If the block fails, a trained model is kept under another name. If the user
    stops it and there is a trained model, the complete files take the places of all earlier ones, which are of another model.

    A note in the folder is locked while the block runs, so that another run knows that the folder is in use. It names the new
    folder. If the process is killed, the note stays, and the next run puts the folder in order at its end.

    Raises:
        UserError: another run writes the folder, or an earlier file cannot be replaced; the new files are then kept beside it.
    """
    note = folder / results.INCOMPLETE
    held = contextlib.ExitStack()
    try:
        held.enter_context(hold(note))
    except BlockingIOError:
        raise results.folder_in_use(folder) from None
    new = folder / f"{results.NEW}{secrets.token_hex(4)}"  # not hidden, because a power cut may leave it
    try:
        with held:
            try:
                with note.open("a", encoding="utf-8") as file:  # before there is a folder that a kill could leave
                    file.write(f"\n{new.name}\n")
                new.mkdir()
                try:
                    yield new
                except BaseException as error:
                    _finish(new, () if isinstance(error, Exception) or not (new / MODEL).exists() else names)
                    said = user_error(error)
                    if said is not None and str(new) in str(said):
                        raise UserError(str(said).replace(str(new), str(folder))) from error
                    raise
                _finish(new, names)
            finally:
                _remove(note)
    finally:
        if os.name == "nt":  # it cannot remove a file that is open; others must do so before another run locks the file
            _remove(note)


def _remove(note: Path) -> None:
    if not results.left_by_killed(note.parent):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            note.unlink()


def _finish(new: Path, names: Collection[str]) -> None:
    """End a run, after those that were killed before it: install its files in place of those of the names, or discard them if none."""
    try:
        for left in results.left_by_killed(new.parent):
            if left == new:
                continue
            if (left / results.REPLACED).exists():
                _go_on(left)
            else:
                _bring_back(left)
                _discard(left)
        if names:
            _install(new, names)
    except OSError as error:
        if names and not results.is_half_installed(new):
            # The note does not name it, so it is the user's.
            kept = new.rename(new.with_name(new.name.replace(results.NEW, "kept-")))
            at = error.filename2 or error.filename
            raise UserError(f"{at} cannot be replaced ({error.strerror}): the new files are kept in {kept}.") from error
        if names:
            raise
    if not names:
        _discard(new)


def _install(new: Path, names: Collection[str]) -> None:
    """Set the earlier files aside, then give the new ones their places. If it fails, all is as before."""
    folder, earlier, replaced = new.parent, new / results.EARLIER, new / results.REPLACED
    earlier.mkdir()
    try:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                replace(folder / name, earlier / name)
        earlier.rename(replaced)  # from here on the next run goes on if this one is killed; before, it brings them back
        _go_on(new)
    except BaseException:
        if replaced.exists():
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    replace(folder / name, new / name)
            replaced.rename(earlier)
        _bring_back(new)
        raise


def _go_on(new: Path) -> None:
    for file in new.iterdir():
        if file.is_file():
            replace(file, new.parent / file.name)
    shutil.rmtree(new, ignore_errors=True)


def _bring_back(new: Path) -> None:
    earlier = new / results.EARLIER
    if earlier.exists():
        for file in earlier.iterdir():
            replace(file, new.parent / file.name)
        earlier.rmdir()


def _discard(new: Path) -> None:
    """Remove the files of a run that failed, but for its trained model."""
    if (new / MODEL).exists():
        kept = new.parent / results.UNFINISHED
        replace(new / MODEL, kept)
        reporting.note(f"The trained model is kept in {kept}")
    shutil.rmtree(new)
