"""An experiment as a short Python script, or as a command line, that trains and samples it anew."""

import json
import shlex
from typing import Any

from playground.kinds.datasets.from_file import FromFile
from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment
from playground.messages import Message

NO_FILE = Message(
    "no-file-for-command",
    "The data were given as an array, and a command needs a file: save a script, which has them beside it.",
)


def has_array(experiment: Experiment) -> bool:
    """Whether the data were given as an array, which a script needs beside it."""
    return isinstance(experiment.data, FromFile) and experiment.data.is_array


def beginning(experiment: Experiment, data_name: str, imports: str = "") -> str:
    """The imports of a script, and the statements that make its experiment, in which `sp` is this package.

    Args:
        data_name: the name of a session with the data, if they were given as an array.
        imports: lines that import what else the script needs.
    """
    settings = "".join(f"        {key!r}: {value!r},\n" for key, value in experiments.changed(experiment).items())
    changed = f"sp.replace(\n    sp.Experiment(),\n    {{\n{settings}    }},\n)" if settings else "sp.Experiment()"
    made = f"{imports}import playground as sp\n\nexperiment = {changed}\n"
    if not has_array(experiment):
        return made
    return (
        f"import dataclasses\n\n{made}"
        "# The data were given as an array. File > Save as writes this session with them; a saved script has it beside it already.\n"
        f'experiment = dataclasses.replace(sp.Session.load("{data_name}"), experiment=experiment, weights=None)\n'
    )


def as_python(experiment: Experiment, data_name: str = "data.spg") -> str:
    """A script by :mod:`playground.api` that trains this experiment, samples it and measures it.

    Args:
        data_name: as for :func:`beginning`.
    """
    return f"""{beginning(experiment, data_name)}session = sp.train(experiment).result()
trajectory = sp.sample(session).result()
figures = sp.evaluate(session, trajectory.positions[-1]).result()
print({{name: figure.value for name, figure in figures.items() if isinstance(figure.value, float)}})
"""


def why_no_command(experiment: Experiment) -> Message | None:
    """Why no command line can run this experiment; None if one can."""
    return NO_FILE if has_array(experiment) else None


def as_command(experiment: Experiment) -> str:
    """A command line that runs this experiment and writes everything into a folder.

    >>> as_command(experiments.replace(Experiment(), {"noise.kind": "vp", "sampling.steps": 50}))
    'score-playground run --out out/run --set noise.kind=vp --set sampling.steps=50'
    """
    words = ["score-playground", "run", "--out", "out/run"]
    for key, value in experiments.changed(experiment).items():
        words += ["--set", f"{key}={value if isinstance(value, str) else _inline(value)}"]
    return shlex.join(words)


def _inline(value: Any) -> str:
    """A value as TOML in one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_inline(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    return json.dumps(value)  # numbers, strings and truth values are written alike
