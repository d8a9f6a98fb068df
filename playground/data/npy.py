"""NPY files, read as nothing but NPY."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def open_npy(path: Path) -> NDArray[Any]:
    """The array of a file, of which no more than the header is read so far.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, holds Python objects, or is another kind of file, as an NPZ under that name.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (EOFError, SyntaxError, TypeError, OverflowError) as error:  # of a damaged header
        raise ValueError(str(error)) from None
