"""Where the files that ship with the program lie."""

import sys
from pathlib import Path


def resource(name: str) -> Path:
    """The path of a bundled file, e.g. ``resource("icons/play.svg")``; frozen programs carry them beside the code."""
    root = Path(getattr(sys, "_MEIPASS", Path(__file__).resolve().parent.parent))
    return root / "resources" / name
