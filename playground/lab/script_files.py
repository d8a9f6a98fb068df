"""Scripts and notebooks as files, each with its data beside it if it needs any."""

import re
from pathlib import Path

from playground.data import Dataset
from playground.lab.atomic import atomic_write
from playground.lab.experiment import Experiment
from playground.lab.notebook import short_notebook, standalone_notebook
from playground.lab.script import as_python
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
    if not standalone:
        _write(path, (short_notebook if notebook else as_python)(experiment).encode())
        return None
    # The name is written into the script, where a quotation mark would end a text.
    beside = path.with_name(re.sub(r"[^\w.-]", "-", path.stem) + "-data.npz")
    script = standalone_script(experiment, dataset, beside.name)
    if script.arrays:
        if beside.exists() and not path.exists():
            raise UserError(f"{beside.name} exists already and would be lost: give the script another name.")
        _write(beside, script.data())
    _write(path, (standalone_notebook(script) if notebook else script.text()).encode())
    return beside if script.arrays else None


def _write(path: Path, contents: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(contents)
