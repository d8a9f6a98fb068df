"""The libraries of a Linux system that Qt's window needs, and the packages that have them."""

import ctypes
from collections.abc import Iterable

SCREEN_LIBRARIES = {  # each with its Debian package
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libOpenGL.so.0": "libopengl0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
}


def missing_libraries() -> list[str]:
    """Those that cannot be loaded."""
    return [name for name in SCREEN_LIBRARIES if not _loads(name)]


def how_to_install(libraries: Iterable[str]) -> str:
    """The command that installs them."""
    return f"On Debian and Ubuntu: sudo apt-get install {' '.join(SCREEN_LIBRARIES[name] for name in libraries)}"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
