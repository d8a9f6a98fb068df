"""The libraries of the building Linux system that go into the package.

System libraries that Python's modules need are beside the program as usual. Libraries for the screen (X, GL, fonts, keyboard,
D-Bus) are taken from the user's system, whose drivers and settings fit them. A system that lacks one uses the package's copy
in the folder fallback/.
"""

import re
import subprocess
from pathlib import Path

from playground.drawing.screen_libraries import SCREEN_LIBRARIES

Entry = tuple[str, str, str]

WINDOW = re.compile(
    r"PySide6/Qt/plugins/(platforms|xcbglintegrations|platformthemes|platforminputcontexts)/|libQt6(Gui|XcbQpa|DBus|Core|Svg|OpenGL)\.so"
)
"""Files of the package whose dependencies are screen libraries."""
GLIBC = re.compile(r"^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl|BrokenLocale|mvec|thread_db))\.so")
"""Libraries of glibc, which are never included: another glibc than the system's would abort the process."""
SYSTEM_FOLDERS = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
NEEDED = re.compile(r"^\s*(\S+) => (\S+) \(0x")


def needs(path: str | Path) -> dict[str, Path]:
    """The system's libraries that a file needs, by their requested names, as found by ldd."""
    lines = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout.splitlines()
    found = (NEEDED.match(line) for line in lines)
    return {match[1]: Path(match[2]) for match in found if match and is_systems(match[2])}


def is_systems(path: str | Path) -> bool:
    """Whether a library belongs to the building system, but not to glibc."""
    return str(path).startswith(SYSTEM_FOLDERS) and not GLIBC.match(Path(path).name)


def located(name: str) -> Path:
    """The path of a library in the building system."""
    lines = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [line.rsplit(" => ", 1)[1] for line in lines if line.strip().startswith(f"{name} ")]
    if not paths:
        raise SystemExit(f"{name} is not on this system: run `make libraries` first.")
    return Path(paths[0])


def split(binaries: list[Entry]) -> tuple[list[Entry], list[Path]]:
    """Divide the binaries that PyInstaller collected.

    Returns:
        The files beside the program, and the fallback libraries, named as they are requested. Each library is after
        those that it needs.
    """
    # The system's Python has its extension modules among the system's libraries, but they are not libraries.
    systems = [entry for entry in binaries if entry[2] == "BINARY" and is_systems(entry[1])]
    wheels = [entry for entry in binaries if entry not in systems and not GLIBC.match(Path(entry[0]).name)]
    for_screen: dict[str, Path] = {}
    for_python: dict[str, Path] = {}
    for destination, source, _ in wheels:
        if WINDOW.search(destination):
            for_screen |= needs(source)
        elif not destination.startswith(("PySide6/", "shiboken6/", "libQt6")):
            for_python |= needs(source)
    pythons = [entry for entry in systems if entry[0].startswith("libpython")]
    for _, source, _ in pythons:
        for_python |= needs(source)
    beside = [*pythons, *((name, str(path), "BINARY") for name, path in sorted(for_python.items()))]
    for name in SCREEN_LIBRARIES:  # Qt opens some of them by name, so that ldd does not find them
        path = located(name)
        for_screen |= {name: path} | needs(path)
    fallback = {name: path for name, path in for_screen.items() if name not in for_python}
    return [*wheels, *beside], in_order(fallback)


def in_order(libraries: dict[str, Path]) -> list[Path]:
    """The paths of the libraries, each after those that it needs; they end in the names that the loader requests."""
    inside = {name: set(needs(path)) & libraries.keys() - {name} for name, path in libraries.items()}
    ordered: list[str] = []
    while inside:
        free = sorted(name for name, needed in inside.items() if needed <= set(ordered))
        if not free:
            raise SystemExit(f"these libraries need each other in a circle: {', '.join(sorted(inside))}")
        ordered += free
        for name in free:
            del inside[name]
    return [libraries[name].with_name(name) for name in ordered]


def keyboards_and_fonts() -> list[Entry]:
    """The keyboard tables and the font settings, for a system without them."""
    rows = [("fallback/fonts.conf", str(Path(__file__).parent / "linux" / "fonts.conf"), "DATA")]
    tables = Path("/usr/share/X11/xkb")
    rows += [
        (f"fallback/xkb/{file.relative_to(tables)}", str(file), "DATA")
        for file in sorted(tables.rglob("*"))
        if file.is_file()
    ]
    return rows
