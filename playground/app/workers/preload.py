"""Loads torch without stopping the window.

``import torch`` maps a library of some 400 MB while it holds the interpreter: a measured pause of 170 to 300 ms for all
other threads. A foreign call releases the interpreter, so that loading the libraries that way first leaves 90 ms.
"""

import ctypes
import gc
import importlib.util
import sys
from pathlib import Path

LIBRARIES = ("libc10", "libtorch_cpu", "libtorch", "libtorch_python")  # each needs the ones before it
RTLD_LAZY = 1  # the same on Linux and macOS


def load_torch() -> None:
    """Import torch if it is not. Its many objects stay, so no later collection of garbage looks at them."""
    if "torch" in sys.modules:
        return
    _map_libraries()
    import torch  # noqa: F401

    gc.freeze()


def _map_libraries() -> None:
    """Map torch's libraries into the process. Does nothing if they are missing, because the import reports that."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None or sys.platform == "win32":
        return  # Windows finds dependent libraries only along the paths that the import itself sets up
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    load = ctypes.CDLL(None).dlopen
    load.argtypes, load.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    for library in LIBRARIES:
        path = Path(spec.origin).parent / "lib" / f"{library}{suffix}"
        if path.exists():
            load(bytes(path), RTLD_LAZY)
