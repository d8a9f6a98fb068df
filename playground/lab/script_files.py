"""Scripts and notebooks as files, each with its data beside it if it needs any."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from playground.data import Dataset
from playground.lab.atomic import atomic_write
from playground.lab.experiment import Experiment
from playground.lab.notebook import short_notebook, standalone_notebook
from playground.lab.provenance import Provenance
from playground.lab.script import as_python, data_given
from playground.lab.session import Session
from playground.lab.standalone import standalone as standalone_script
from playground.user_errors import UserError

NOTEBOOK = ".ipynb"


def save(experiment: Experiment, path: Path, standalone: bool, dataset: Dataset | None = None) -> Path | None:
    """Write the script of an experiment, or its notebook if the file's name ends so.

    Args:
        standalone: whether it runs without this program.
        dataset: its data, if they are not to be loaded anew.

    Returns:
        The file of data that was written beside it, or None.

    Raises:
        UserError: a file of data would be lost, which no script of this name has written.
        ExperimentError, DataError, NoSource: no stand-alone script can be written of it.
        OSError: a file cannot be written.
    """
    notebook = path.suffix.lower() == NOTEBOOK
    # The name is written into the script, where a quotation mark would end a text.
    beside = path.with_name(re.sub(r"[^\w.-]", "-", path.stem) + ("-data.npz" if standalone else "-data.spg"))
    write_data: Callable[[], None] | None = None
    if standalone:
        script = standalone_script(experiment, dataset, beside.name)
        text = standalone_notebook(script) if notebook else script.text()
        if script.arrays:
            write_data = partial(_write, beside, script.data())
    else:
        text = (short_notebook if notebook else as_python)(experiment, beside.name)
        if dataset is not None and data_given(experiment, beside.name):
            write_data = partial(Session.of(experiment, dataset).save, beside)
    if write_data is not None:
        if beside.exists() and not path.exists():
            raise UserError(f"{beside.name} exists already and would be lost: give the script another name.")
        write_data()
    _write(path, _told(text, Provenance.of(experiment), notebook).encode())
    return None if write_data is None else beside


def _told(text: str, provenance: Provenance, notebook: bool) -> str:
    """The script with its provenance, or the notebook with it in its metadata."""
    if not notebook:
        return f"# provenance = {provenance}\n{text}"
    contents = json.loads(text)
    contents["metadata"]["provenance"] = provenance.as_json()
    return json.dumps(contents, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, contents: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(contents)
