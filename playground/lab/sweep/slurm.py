"""A sweep as a job array of Slurm: a script of text, which computes each unfinished cell in a task of its own."""

import itertools
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from playground.lab.sweep.description import Cell
from playground.user_errors import UserError

HIGHEST = 1000
"""The highest number of a task by Slurm's own configuration, MaxArraySize = 1001."""


def job_array(source: Path, folder: Path, waiting: Sequence[Cell], command: Sequence[str], device: str = "auto") -> str:
    """The text of a script for sbatch.

    Args:
        source: the sweep's file, which names the job.
        folder: the folder of the results, which all nodes can reach. The tasks read the sweep from there, so that a later change of
            the file renumbers no cell.
        waiting: the cells to compute.
        command: the words that start the program.

    Raises:
        UserError: a name has a line break, which would end a line of the script.
    """
    words = [*command, "sweep", str(folder.resolve()), "--out", str(folder.resolve())]
    if device != "auto":
        words += ["--device", device]
    if any(not character.isprintable() for word in words for character in word):
        raise UserError("A file's name with a line break cannot be written into a job array: rename it.")
    same, name = shlex.join(words), re.sub(r"[^\w.-]", "-", source.stem)
    return f"""#!/bin/bash
# Each task computes one cell; tasks that share a network train it once. Add what your cluster asks for, such as:
#   #SBATCH --partition=NAME
# When all have ended, this writes the tables and the pictures, and computes what failed:
#   {same}
#SBATCH --job-name={name}
#SBATCH --array={ranges([cell.number for cell in waiting])}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=01:00:00
set -eu
exec {same} --cell "$SLURM_ARRAY_TASK_ID"
"""


def ranges(numbers: Sequence[int]) -> str:
    """Numbers as Slurm writes them.

    >>> ranges([0, 1, 2, 5, 7, 8])
    '0-2,5,7-8'
    """
    runs = itertools.groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0])
    ends = [[number for _, number in run] for _, run in runs]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in ends)
