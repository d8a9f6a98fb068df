"""An experiment as one file of torch and numpy that runs without this program.

The script consists of the very classes and functions that the experiment uses, taken from their source, and of a short training
loop. :mod:`playground.lab.standalone.recording` sees how the kinds build their objects, so that the script can build them again,
and :mod:`playground.lab.standalone.bundle` collects the source.
"""

from playground.lab.standalone.writer import Script as Script
from playground.lab.standalone.writer import standalone as standalone
