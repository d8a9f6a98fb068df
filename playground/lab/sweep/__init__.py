"""Sweeps: one experiment with some settings varied and several seeds. Each combination is trained, sampled and measured.

>>> import tempfile
>>> from pathlib import Path
>>> sweep, cells = settled(Sweep({"sampling.steps": [4, 8]}, experiment={
...     "sampling": {"source": "exact", "particles": 60}, "likelihood": {"points": 10}}, seeds=2))
>>> with tempfile.TemporaryDirectory() as folder:
...     for progress in run(sweep, cells, Path(folder)):
...         pass
...     progress.done, [row.count for row in rows(Path(folder), cells)]
(4, [2, 2])
"""

from playground.lab.sweep.description import BY_TIME as BY_TIME
from playground.lab.sweep.description import Cell as Cell
from playground.lab.sweep.description import Plot as Plot
from playground.lab.sweep.description import Range as Range
from playground.lab.sweep.description import Sweep as Sweep
from playground.lab.sweep.description import cells as cells
from playground.lab.sweep.description import from_tree as from_tree
from playground.lab.sweep.description import load as load
from playground.lab.sweep.description import settled as settled
from playground.lab.sweep.executors import processes as processes
from playground.lab.sweep.folder import failure as failure
from playground.lab.sweep.folder import result as result
from playground.lab.sweep.running import Progress as Progress
from playground.lab.sweep.running import run as run
from playground.lab.sweep.running import run_cell as run_cell
from playground.lab.sweep.table import Row as Row
from playground.lab.sweep.table import rows as rows
