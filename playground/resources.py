"""Where the files that ship with the program lie."""

import sys
from pathlib import Path


def resource(name: str) -> Path:
    """The path of a bundled file, e.g. ``resource("icons/play.svg")``.

    They lie in ``resources/`` beside the code, in a frozen program too; a wheel has them inside the package.
    """
    package = Path(__file__).resolve().parent
    inside = package / "bundled"
    root = Path(getattr(sys, "_MEIPASS", package.parent))
    return (inside if inside.is_dir() else root / "resources") / name


def page(name: str) -> Path:
    """The path of a page of docs/ that the program shows too; a wheel and a frozen program have it among the bundled files."""
    bundled = resource(name)
    return bundled if bundled.is_file() else Path(__file__).resolve().parents[1] / "docs" / name


def notices() -> Path | None:
    """The licences of everything in a packaged program, or None where the program runs from its source."""
    if not hasattr(sys, "_MEIPASS"):
        return None
    program = Path(sys.executable).resolve().parent
    places = (program / "NOTICES.txt", program.parent / "Resources" / "NOTICES.txt")  # the latter in a macOS bundle
    return next((place for place in places if place.exists()), None)
