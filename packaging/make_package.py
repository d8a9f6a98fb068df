"""``make package``: the program as a folder that needs no installation, and the files to hand out.

    python packaging/make_package.py [--lock FILE] [--environment DIR]

Builds with exactly what the lock names, in an environment of its own that holds nothing else. Writes dist/: the program's folder,
an archive and installer of it for the system it runs on, the licences, the bill of materials, and SHA256SUMS.
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
EPOCH = "1735689600"  # 2025-01-01: one date in every file, so that two builds of one commit can be compared


def main() -> None:
    """Make the environment, freeze the program in it, pack what came out."""
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
    """A new environment with what the lock names; kept as long as the lock stays the same.

    Returns:
        Its Python.
    """
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    mark = folder / "lock.txt"
    if python.exists() and mark.exists() and mark.read_bytes() == lock.read_bytes():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=sys.platform != "win32")
    install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    install += ["--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", lock]
    if sys.platform == "linux" and not os.environ.get("PIP_FIND_LINKS"):
        install += ["--extra-index-url", CPU_INDEX]
    print(f"Installing {lock.name} into {folder}", flush=True)
    run(*install)
    shutil.copyfile(lock, mark)
    return python


def freeze(python: Path) -> None:
    """PyInstaller's part: dist/score-playground."""
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
    """Take the names of internal functions out of the heaviest libraries: an eighth of the package, and nothing reads them.

    Not out of those that auditwheel has moved sections in (numpy.libs, pillow.libs, av.libs): strip breaks some of these.
    """
    inside = product.FOLDER / "_internal"
    heavy = (("torch/lib", "*.so"), ("av", "**/*.so"), (".", "libpython3*.so*"), ("python3*/lib-dynload", "*.so"))
    for folder, names in heavy:
        for path in sorted(inside.glob(f"{folder}/{names}")):
            run("strip", "--strip-unneeded", path)


def run(*command: str | Path) -> None:
    """A command that must succeed; Python's own writes no bytecode into the source and hashes alike every time."""
    environment = os.environ | {
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": EPOCH,
        "PYTHONDONTWRITEBYTECODE": "1",
        "QT_QPA_PLATFORM": "offscreen",
    }
    subprocess.run([str(part) for part in command], cwd=product.ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
