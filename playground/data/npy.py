"""NPY files, without NPZ archives and pickles."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def open_npy(path: Path) -> NDArray[Any]:
    """The memory-mapped array of a file. Only the header is read.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, holds Python objects, or is another kind of file, such as an NPZ archive with that name.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (EOFError, SyntaxError, TypeError, OverflowError) as error:  # a damaged header
        raise ValueError(str(error)) from None
