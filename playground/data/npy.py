"""NPY files, without pickles."""

import math
from pathlib import Path
from typing import IO, Any

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


def size_in_header(file: IO[bytes]) -> int:
    """The bytes of the array that begins here, from its header alone.

    Raises:
        ValueError: this is no array, or its header is damaged or of a format for named fields.
    """
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"arrays of format {version} have named fields")
    shape, _, dtype = readers[version](file)
    return math.prod(shape) * dtype.itemsize
