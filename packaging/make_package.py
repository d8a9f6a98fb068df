"""``make package``: the program as a folder that needs no installation, and the files to distribute.

    python packaging/make_package.py [--lock FILE] [--environment DIR]

It builds in a new environment with exactly the packages in the lock file. It writes dist/: the program's folder, an archive
and an installer for the present system, the licences, the bill of materials, and SHA256SUMS.
"""

import argparse
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import product
import sizes

BUILD = product.ROOT / "build" / "package"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
EPOCH = "1735689600"  # 2025-01-01: the date of every file, so that two builds of one commit can be compared


def main() -> None:
    """Make the environment, freeze the program in it, and pack the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lock", type=Path, default=product.PACKAGING / "lock" / f"{product.SYSTEM}.txt")
    parser.add_argument("--environment", type=Path, default=BUILD / "environment")
    chosen = parser.parse_args()
    if sys.version_info[:2] != (3, 11):
        raise SystemExit("The lock is for Python 3.11: run this with python3.11.")
    python = make_environment(chosen.environment.resolve(), chosen.lock.resolve())
    freeze(python)
    for step in ("notices.py", "materials.py", "archives.py", "sizes.py"):
        run(python, product.PACKAGING / step)


def make_environment(folder: Path, lock: Path) -> Path:
    """Make an environment with the packages in the lock file; it is kept while that file does not change.

    Returns:
        The path of its Python.
    """
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    mark = folder / "lock.txt"
    if python.exists() and mark.exists() and mark.read_bytes() == lock.read_bytes():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=sys.platform != "win32")
    install: list[str | Path] = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    install += ["--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", lock]
    if sys.platform == "linux" and not os.environ.get("PIP_FIND_LINKS"):
        install += ["--extra-index-url", CPU_INDEX]
    print(f"Installing {lock.name} into {folder}", flush=True)
    run(*install)
    shutil.copyfile(lock, mark)
    return python


def freeze(python: Path) -> None:
    """Run PyInstaller, which writes dist/score-playground."""
    shutil.rmtree(product.FOLDER, ignore_errors=True)
    run(python, product.PACKAGING / "icons.py")
    run(
        *(
            python,
            "-m",
            "PyInstaller",
            product.PACKAGING / "score-playground.spec",
            "--noconfirm",
            "--log-level",
            "WARN",
        ),
        *("--distpath", product.DIST, "--workpath", BUILD / "pyinstaller"),
    )
    if sys.platform == "linux":
        strip_symbols()
        needed = sizes.needed_glibc(sizes.asked_of_glibc(product.FOLDER))
        (product.FOLDER / "_internal" / "glibc.txt").write_text("{}.{}\n".format(*needed))  # for doctor


def strip_symbols() -> None:
    """Remove the symbols of the largest libraries. They take an eighth of the package and are not used.

    Libraries in which auditwheel has moved sections (numpy.libs, pillow.libs, av.libs) stay, because strip breaks some.
    """
    inside = product.FOLDER / "_internal"
    heavy = (
        *(("torch/lib", "*.so"), ("av", "**/*.so"), ("PySide6/Qt/lib", "libicu*.so*"), ("safetensors", "*.so")),
        *((".", "libpython3*.so*"), ("python3*/lib-dynload", "*.so"), ("PIL", "*.so")),
    )
    for folder, names in heavy:
        for path in sorted(inside.glob(f"{folder}/{names}")):
            run("strip", "--strip-unneeded", path)


def run(*command: str | Path) -> None:
    """Run a command that must succeed. Python writes no bytecode into the source and uses a fixed hash seed."""
    environment = os.environ | {
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": EPOCH,
        "PYTHONDONTWRITEBYTECODE": "1",
        "QT_QPA_PLATFORM": "offscreen",
    }
    subprocess.run([str(part) for part in command], cwd=product.ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
