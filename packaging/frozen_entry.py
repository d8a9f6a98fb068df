"""The entry point of the packaged program: preparations of a frozen program before the command line of playground.cli."""

import ctypes
import os
import sys
from pathlib import Path


def prepare_streams() -> None:
    """Replace missing streams. On Windows a program without a console has none, and printing would fail."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def borrow_libraries(folder: Path) -> None:
    """Load the package's copy of each screen library that this Linux system lacks, and use its keyboards and fonts if needed.

    Once a library is loaded, every later request for its name gets it, whatever the search path.
    """
    order = folder / "order.txt"
    for name in order.read_text().split() if order.exists() else ():
        try:
            ctypes.CDLL(name)
        except OSError:
            try:
                ctypes.CDLL(str(folder / name))
            except OSError as error:
                print(f"{name} cannot be loaded: {error}", file=sys.stderr)
    for variable, systems, ours in (
        ("XKB_CONFIG_ROOT", "/usr/share/X11/xkb", folder / "xkb"),
        ("FONTCONFIG_FILE", "/etc/fonts/fonts.conf", folder / "fonts.conf"),
    ):
        if not os.path.exists(systems):
            os.environ.setdefault(variable, str(ours))


if __name__ == "__main__":
    prepare_streams()
    if sys.platform == "linux":
        if not any(os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG")):
            os.environ["LC_CTYPE"] = "C.UTF-8"  # Qt would choose it too, with a warning
        borrow_libraries(Path(sys._MEIPASS) / "fallback")
    from playground.cli import main

    sys.exit(main())
