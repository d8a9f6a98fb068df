"""Fills the recipes for conda-forge, winget, Homebrew and Flathub into dist/recipes: ``python packaging/recipes.py``.

A template says ``@NAME@`` where a value of this release belongs. The values come from pyproject.toml, playground/version.py and
dist/SHA256SUMS.txt, which the release workflow writes over all files to download.
"""

import re
import runpy
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import product
from packaging.requirements import Requirement

TEMPLATES = product.PACKAGING / "recipes"
DOWNLOADS = {"SDIST": ".tar.gz", "INSTALLER": "-setup.exe", "DISK_IMAGE": ".dmg", "DEB": ".deb"}
"""The ends of the names of the files that the recipes download."""
CONDA_NAMES = {"pyside6-essentials": "pyside6", "torch": "pytorch"}


def fill(folder: Path) -> list[Path]:
    """Write all recipes, below a folder that has SHA256SUMS.txt."""
    known = values(folder / "SHA256SUMS.txt")
    made = []
    for template in sorted(path for path in TEMPLATES.rglob("*") if path.is_file()):
        path = folder / "recipes" / template.relative_to(TEMPLATES)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = re.sub(r"@(\w+)@", lambda found: known[found[1]], template.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8", newline="\n")
        made.append(path)
    return made


def values(sums: Path) -> dict[str, str]:
    """The values of this release by the names that templates have."""
    project = tomllib.loads((product.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    written = runpy.run_path(str(product.ROOT / "playground" / "version.py"))
    python = project["project"]["requires-python"].removeprefix(">=")
    licence = project["project"]["license"]
    return {
        **{name: written[name] for name in ("REPOSITORY", "SITE", "ISSUES")},
        **downloads(sums),
        "VERSION": product.version(),
        "RELEASE": f"{written['REPOSITORY']}/releases/download/v{product.version()}",
        "SUMMARY": product.SUMMARY,
        "LICENCE": licence,
        "PACKAGE_LICENCE": f"{licence} AND GPL-3.0-or-later",  # FFmpeg's, see docs/packaging.md
        "DATE": f"{datetime.now(UTC):%Y-%m-%d}",
        "PYTHON": python,
        "BUILD_SYSTEM": conda(project["build-system"]["requires"], python),
        "DEPENDENCIES": conda(project["project"]["dependencies"], python),
    }


def downloads(sums: Path) -> dict[str, str]:
    """Name and checksum of each file that a recipe downloads."""
    found: dict[str, str] = {}
    for line in sums.read_text(encoding="utf-8").splitlines():
        checksum, name = line.split()
        for kind, end in DOWNLOADS.items():
            if name.endswith(end):
                found |= {kind: name, f"{kind}_SHA256": checksum}
    missing = [end for kind, end in DOWNLOADS.items() if kind not in found]
    if missing:
        raise SystemExit(f"{sums} has no line for a file that ends with {', '.join(missing)}.")
    return found


def conda(requirements: list[str], python: str) -> str:
    """Requirements as conda-forge names them. One package serves every Python, so it has the limits of the oldest."""
    lines = []
    for wanted in map(Requirement, requirements):
        if not wanted.marker or wanted.marker.evaluate({"python_version": python}):
            name = wanted.name.lower()
            bounds = sorted(map(str, wanted.specifier), reverse=True)
            lines.append(f"{CONDA_NAMES.get(name, name)} {','.join(bounds)}")
    return "\n    - ".join(lines)


if __name__ == "__main__":
    for path in fill(product.DIST):
        print(path.relative_to(product.ROOT))
