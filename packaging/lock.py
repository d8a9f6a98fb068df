"""Writes packaging/lock/: exact versions with hashes for each system's package, from pyproject.toml and requirements.in.

    python packaging/lock.py

It needs uv (``pip install uv``), which can resolve for other systems. On Linux, torch comes from its CPU index, because
PyPI's wheel of that version is for CUDA and takes three gigabytes with its dependencies. Windows and macOS have one wheel.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

PACKAGING = Path(__file__).parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PYTHON = "3.11"
PLATFORMS = {
    "linux": "x86_64-manylinux_2_34",  # the glibc that Qt's wheels need
    "windows": "x86_64-pc-windows-msvc",
    "macos": "aarch64-apple-darwin",
}
TORCH = "2.13.0"
PUBLISHED = "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"
"""sha256 of torch's CPU wheel for Linux and Python 3.11 on its index. A wheel folder may have a repacked wheel with
another hash."""

HEAD = """\
# Made by packaging/lock.py for {system}, Python {python}: change pyproject.toml or requirements.in and run it again.
"""


def locked(system: str) -> str:
    """The lock of one system: "name==version" with every hash."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "packaging/requirements.in", "--quiet"]
    command += ["--python-version", PYTHON, "--python-platform", PLATFORMS[system], "--only-binary", ":all:"]
    command += ["--generate-hashes", "--no-annotate", "--no-header", "--constraint", "-"]
    if system == "linux":
        wheels = os.environ.get("PIP_FIND_LINKS")
        command += (
            ["--find-links", wheels] if wheels else ["--index", CPU_INDEX, "--index-strategy", "unsafe-best-match"]
        )
    environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # the version that torch's wheels need
    run = subprocess.run(
        command,
        cwd=PACKAGING.parent,
        env=environment,
        input=f"torch=={TORCH}",
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        sys.exit(run.stderr)
    text = run.stdout
    if system == "linux" and PUBLISHED not in text:
        text = re.sub(r"(?m)^(torch==.*\\\n)", rf"\1    --hash=sha256:{PUBLISHED} \\\n", text)
    return HEAD.format(system=system, python=PYTHON) + text


if __name__ == "__main__":
    for system in PLATFORMS:
        (PACKAGING / "lock" / f"{system}.txt").write_text(locked(system), encoding="utf-8", newline="\n")
        print(f"packaging/lock/{system}.txt")
