"""Linux: which libraries of the building system go into the package, and how.

Of a system's own libraries, those that Python's modules need lie beside the program as usual. Those for the screen (X, GL, fonts,
keyboard, D-Bus) are taken from the user's system, where drivers and settings fit together, and only one that lacks a library
gets ours, from the folder fallback/.
"""

import re
import subprocess
from pathlib import Path

from playground.cli.doctor.machine import SCREEN_LIBRARIES

Entry = tuple[str, str, str]

WINDOW = re.compile(
    r"PySide6/Qt/plugins/(platforms|xcbglintegrations|platformthemes|platforminputcontexts)/|libQt6(Gui|XcbQpa|DBus|Core|Svg|OpenGL)\.so"
)
"""Of the package's own files: those whose needs are the screen's libraries."""
GLIBC = re.compile(r"^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl|BrokenLocale|mvec|thread_db))\.so")
"""Never ours: another glibc than the system's would end the process."""
SYSTEM_FOLDERS = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
NEEDED = re.compile(r"^\s*(\S+) => (\S+) \(0x")


def needs(path: str | Path) -> dict[str, Path]:
    """The libraries that a file needs and that the system has, by the name they are asked for, as ldd finds them."""
    lines = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout.splitlines()
    found = (NEEDED.match(line) for line in lines)
    return {match[1]: Path(match[2]) for match in found if match and is_systems(match[2])}


def is_systems(path: str | Path) -> bool:
    """Whether a library is the building system's own, and not glibc's."""
    return str(path).startswith(SYSTEM_FOLDERS) and not GLIBC.match(Path(path).name)


def located(name: str) -> Path:
    """Where the building system has a library."""
    lines = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [line.rsplit(" => ", 1)[1] for line in lines if line.strip().startswith(f"{name} ")]
    if not paths:
        raise SystemExit(f"{name} is not on this system: run `make libraries` first.")
    return Path(paths[0])


def split(binaries: list[Entry]) -> tuple[list[Entry], list[Path]]:
    """Divide what PyInstaller collected.

    Returns:
        What lies beside the program, and the fallback libraries by their asked-for names, each after those it needs itself.
    """
    # A system's Python keeps its extension modules among the system's libraries; they are no libraries.
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
    for name in SCREEN_LIBRARIES:  # some of them Qt opens by name, so that ldd does not see them
        path = located(name)
        for_screen |= {name: path} | needs(path)
    fallback = {name: path for name, path in for_screen.items() if name not in for_python}
    return [*wheels, *beside], in_order(fallback)


def in_order(libraries: dict[str, Path]) -> list[Path]:
    """Each after those it needs; the paths end in the names that the loader asks for."""
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
    """Keyboard tables and the font settings, for a system without them."""
    rows = [("fallback/fonts.conf", str(Path(__file__).parent / "linux" / "fonts.conf"), "DATA")]
    tables = Path("/usr/share/X11/xkb")
    rows += [
        (f"fallback/xkb/{file.relative_to(tables)}", str(file), "DATA")
        for file in sorted(tables.rglob("*"))
        if file.is_file()
    ]
    return rows
