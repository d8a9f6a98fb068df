"""Scripts and notebooks as files, each with its data beside it if it needs any."""

from pathlib import Path

from playground.data import Dataset
from playground.lab.atomic import atomic_write
from playground.lab.experiment import Experiment
from playground.lab.notebook import short_notebook, standalone_notebook
from playground.lab.script import as_python
from playground.lab.standalone import standalone as standalone_script

NOTEBOOK = ".ipynb"


def save(experiment: Experiment, path: Path, standalone: bool, dataset: Dataset | None = None) -> Path | None:
    """Write the script of an experiment, or its notebook if the file's name ends so.

    Args:
        standalone: whether it runs without this program.
        dataset: its data, if they are not to be loaded anew.

    Returns:
        The file of data that was written beside it, or None.

    Raises:
        ExperimentError, DataError, NoSource: no stand-alone script can be written of it.
        OSError: a file cannot be written.
    """
    notebook = path.suffix.lower() == NOTEBOOK
    if not standalone:
        _write(path, (short_notebook if notebook else as_python)(experiment).encode())
        return None
    beside = path.with_name(f"{path.stem}-data.npz")
    script = standalone_script(experiment, dataset, beside.name)
    if script.arrays:
        _write(beside, script.data())
    _write(path, (standalone_notebook(script) if notebook else script.text()).encode())
    return beside if script.arrays else None


def _write(path: Path, contents: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(contents)
