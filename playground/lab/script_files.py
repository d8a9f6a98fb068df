"""Scripts and notebooks as files: a short one with its data beside it if it needs any, or a stand-alone folder."""

import json
import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from playground.data import Dataset
from playground.lab import standalone
from playground.lab.atomic import atomic_write, write_whole
from playground.lab.experiment import Experiment
from playground.lab.notebook import dumped, short_notebook
from playground.lab.provenance import Provenance
from playground.lab.script import as_python, has_array
from playground.lab.session import Session
from playground.user_errors import UserError

NOTEBOOK, ARCHIVE = ".ipynb", ".zip"


def save(experiment: Experiment, path: Path, dataset: Dataset | None = None) -> Path | None:
    """Write the short script of an experiment, or its notebook if the file's name ends so.

    Args:
        dataset: its data, if they are not to be loaded anew.

    Returns:
        The file of data that was written beside it, or None.

    Raises:
        UserError: a file of data would be lost, which no script of this name has written.
        OSError: a file cannot be written.
    """
    notebook = path.suffix.lower() == NOTEBOOK
    # The name is written into the script, where a quotation mark would end a text.
    beside = path.with_name(re.sub(r"[^\w.-]", "-", path.stem) + "-data.spg")
    text = (short_notebook if notebook else as_python)(experiment, beside.name)
    dataset = dataset if has_array(experiment) else None
    if dataset is not None:
        if beside.exists() and not path.exists():
            raise UserError(f"{beside.name} exists already and would be lost: give the script another name.")
        Session.of(experiment, dataset).save(beside)
    write_whole(path, _told(text, Provenance.of(experiment), notebook))
    return None if dataset is None else beside


def save_standalone(experiment: Experiment, path: Path, dataset: Dataset | None = None) -> None:
    """Write an experiment as a folder that runs without this program, or as an archive of it if the name ends in .zip.

    Args:
        dataset: its data, if they are not to be loaded anew.

    Raises:
        UserError: there is a folder with files, or no stand-alone script can be written of the experiment.
        ExperimentError, DataError: the experiment cannot be trained or sampled.
        OSError: a file cannot be written.
    """
    archive = path.suffix.lower() == ARCHIVE
    if not archive and path.is_dir() and any(path.iterdir()):
        raise UserError(f"The folder {path} has files already: give the name of a new one.")
    files, provenance = standalone.files(experiment, dataset), Provenance.of(experiment)
    for name in (standalone.SCRIPT, standalone.NOTEBOOK):
        files[name] = _told(files[name].decode(), provenance, name == standalone.NOTEBOOK).encode()
    (_write_archive if archive else _write_folder)(path, files)


def _write_archive(path: Path, files: Mapping[str, bytes]) -> None:
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, contents in files.items():  # without the time, so that the same experiment writes the same file
            archive.writestr(zipfile.ZipInfo(f"{path.stem}/{name}"), contents, zipfile.ZIP_DEFLATED)


def _write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a new folder, which appears when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as temporary:
        whole = Path(temporary, path.name)
        for name, contents in files.items():
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            (whole / name).write_bytes(contents)
        if path.is_dir():
            path.rmdir()
        whole.rename(path)


def _told(text: str, provenance: Provenance, notebook: bool) -> str:
    """The script with its provenance, or the notebook with it in its metadata."""
    if not notebook:
        return f"# provenance = {provenance}\n{text}"
    contents = json.loads(text)
    contents["metadata"]["provenance"] = provenance.as_json()
    return dumped(contents)
