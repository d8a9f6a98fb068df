"""Claims that are measured without Qt and torch: system, memory, libraries for the screen, folders. Most count what is wrong."""

import ctypes
import os
import platform
import sys
import tempfile
from pathlib import Path

import platformdirs

from playground import __version__
from playground.drawing.screen_libraries import SCREEN_LIBRARIES, how_to_install, missing_libraries
from playground.lab.claims import Found

LEAST_GLIBC = (2, 34)  # of Qt's wheels
SYSTEMS = {  # systems with at least this glibc
    (2, 35): "Debian 12, Ubuntu 22.04, Fedora 36",
    (2, 36): "Debian 12, Ubuntu 24.04, Fedora 37",
    (2, 39): "Debian 13, Ubuntu 24.04, Fedora 40",
}
LEAST_MEMORY, ENOUGH_MEMORY = (
    0.7,
    1.5,
)  # GiB free: the window with torch takes 0.6, a long run with many particles twice that
GIB = 1024**3


def system() -> Found:
    """Check the system and the build of the program; on Linux whether its C library is new enough."""
    found = f"Score Playground {__version__} on {platform.system()} {platform.release()}, {platform.machine()}"
    if sys.platform != "linux":
        return Found(0, found)
    name, version = platform.libc_ver()
    found = f"{found}, {name or 'unknown C library'} {version}".rstrip()
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    least = least_glibc()
    asked = "glibc {}.{} or newer".format(*least)
    if name != "glibc" or numbers < least:
        systems = next((f": {names} or later" for version, names in SYSTEMS.items() if version >= least), "")
        return Found(1, found, f"The program needs {asked}{systems}.")
    return Found(0, f"{found} (needs {asked})")


def least_glibc() -> tuple[int, ...]:
    """Return the least glibc that the program needs: that of Qt's wheels, or in a package the one that its build noted."""
    note = Path(getattr(sys, "_MEIPASS", "/nowhere")) / "glibc.txt"
    return tuple(map(int, note.read_text().split("."))) if note.is_file() else LEAST_GLIBC


def memory() -> Found:
    """Compare the free memory with the window's needs."""
    free, total = free_memory()
    advice = "Close other programs before long runs." if free < ENOUGH_MEMORY * GIB else ""
    if free < LEAST_MEMORY * GIB:
        advice = f"The program needs {LEAST_MEMORY} GiB: close other programs, the browser first."
    return Found(free / GIB, f"{free / GIB:.1f} of {total / GIB:.1f} GiB free", advice)


def free_memory() -> tuple[int, int]:
    """Free bytes and total bytes of memory. macOS does not report free bytes, so there both are the total."""
    if sys.platform == "win32":
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return status.free, status.total
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free, total = (int(lines[key].split()[0]) * 1024 for key in ("MemAvailable", "MemTotal"))
    except (OSError, KeyError):
        free = total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return free, total


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of Windows."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("rest", ctypes.c_ulonglong * 5),
    )


def screen_libraries() -> Found:
    """Whether each library that Qt's window needs can be loaded. A package has its own copies of missing ones."""
    if sys.platform != "linux":
        return Found(0, "part of the system")
    missing = missing_libraries()
    if missing:
        return Found(1, f"missing {', '.join(missing)}", how_to_install(missing))
    return Found(0, f"all {len(SCREEN_LIBRARIES)} libraries of GL, X and fonts load")


def screen() -> Found:
    """Whether there is a display to open a window on."""
    if sys.platform != "linux":
        return Found(0, "part of the system")
    names = [
        f"{name}={os.environ[name]}"
        for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY")
        if os.environ.get(name)
    ]
    if names:
        return Found(0, ", ".join(names))
    return Found(
        0, "none", "The window cannot open here; score-playground run and the other commands work without one."
    )


def settings_folder() -> Found:
    """Whether layout, theme and recent files can be saved."""
    return _writable(
        platformdirs.user_config_path("score-playground"),
        Found(0, "", "The window works, but forgets its layout and recent files when it is closed."),
    )


def temporary_folder() -> Found:
    """Whether films and sessions can be written. Each is written to a temporary file beside its target first."""
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError:
        return Found(1, "no folder takes files", "Set TMPDIR to a folder that you may write to.")
    return _writable(folder, Found(1, "", "Set TMPDIR to a folder that you may write to."))


def _writable(folder: Path, otherwise: Found) -> Found:
    """Whether a file can be written in the folder, or in the nearest existing folder above it."""
    above = folder
    while not above.exists() and above != above.parent:
        above = above.parent
    try:
        tempfile.TemporaryFile(dir=above).close()
    except OSError as error:
        return otherwise._replace(words=f"{folder} cannot be written ({error.strerror})")
    return Found(0, f"{folder} can be written")
