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
def replace_results(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """A new folder for all files of a run, which take the places of the earlier files once the block ends.

    Until then the earlier files stay as they are. If the block fails, a trained model is kept under another name. If the user
    stops it and there is a trained model, the complete files take the places of all earlier ones, which are of another model.

    A note in the folder is locked while the block runs, so that another run knows that the folder is in use. If the process is
    killed, the next run puts the folder in order before it begins.

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
            for left in _left_by_killed(folder, names):
                (_install if left.name.startswith(results.WHOLE) else _discard)(left)
            new = Path(tempfile.mkdtemp(prefix=NEW, dir=folder))  # not hidden, because a power cut may leave it
            try:
                yield new
            except BaseException as error:
                if isinstance(error, Exception) or not (new / MODEL).exists():
                    _discard(new)
                else:
                    for name in names:
                        if not (new / name).exists():
                            (folder / name).unlink(missing_ok=True)
                    _complete(new)
                raise
            _complete(new)
    finally:
        note.unlink(missing_ok=True)  # only now, because some systems cannot remove an open file


NEW = "new-"
"""Begins the name of a folder into which a run writes."""


def _left_by_killed(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """The folders that killed runs have left here, and none of the user's own."""
    for left in folder.iterdir():
        ours = (
            re.fullmatch(rf"({re.escape(NEW)}|{re.escape(results.WHOLE)})[a-z0-9_]{{8}}", left.name) and left.is_dir()
        )
        if ours and {file.name for file in left.iterdir() if file.name[0] != "."} <= set(
            names
        ):  # half a file is hidden
            yield left


def _complete(new: Path) -> None:
    """Give the files of a run their places. From its new name on, the next run does so if this one is killed."""
    _install(new.rename(new.with_name(f"{results.WHOLE}{new.name.removeprefix(NEW)}")))


def _install(whole: Path) -> None:
    for file in whole.iterdir():
        file.replace(whole.parent / file.name)
    whole.rmdir()


def _discard(new: Path) -> None:
    """Remove the files of a run that failed, but for its trained model."""
    if (new / MODEL).exists():
        kept = (new / MODEL).replace(new.parent / results.UNFINISHED)
        reporting.note(f"The trained model is kept in {kept}")
    shutil.rmtree(new)
