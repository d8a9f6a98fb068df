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


TRACKER = "from multiprocessing.resource_tracker import main"


def serve_multiprocessing(arguments: list[str]) -> None:
    """Be a process of a sweep, or the tracker of its semaphores, if the program was started as one; otherwise return.

    multiprocessing starts this program as if it were Python. Its own check would load it before every window.
    """
    if "--multiprocessing-fork" in arguments[1:2]:
        from multiprocessing.spawn import freeze_support

        freeze_support()  # ends the process
    if arguments[-2:-1] == ["-c"] and arguments[-1].startswith(TRACKER):
        from multiprocessing.resource_tracker import main

        main(int(arguments[-1].removesuffix(")").rpartition("(")[2]))
        sys.exit()


if __name__ == "__main__":
    prepare_streams()
    serve_multiprocessing(sys.argv)
    if sys.platform == "linux":
        if not any(os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG")):
            os.environ["LC_CTYPE"] = "C.UTF-8"  # Qt would choose it too, with a warning
        borrow_libraries(Path(vars(sys)["_MEIPASS"]) / "fallback")  # where PyInstaller says that the files lie
    from playground.cli import main

    sys.exit(main())
