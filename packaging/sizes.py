"""Checks the package's size: the size and the reason of each large file, and failure if a budget is exceeded."""

import re
import subprocess
import sys
from pathlib import Path

import product

MB = 1_000_000
DOWNLOAD, INSTALLED, HEAVY = 200 * MB, 720 * MB, 5 * MB  # bytes; a larger file than the last needs a reason
REASONS = {  # by a pattern of the path inside the package
    r"torch_cpu": "torch's operators and their gradients: training, sampling, likelihood",
    r"torch_python|_C\..*pyd": "torch's binding to Python",
    r"PYZ|score-playground(\.exe)?$|Score Playground(\.exe)?$": "all Python code, compressed, in the program's own file",
    r"(lib)?x265": "FFmpeg's libavcodec links it; H.265 is not offered, but the library does not load without it",
    r"(lib)?avcodec": "FFmpeg's encoders and decoders: films",
    r"(lib)?avfilter": "FFmpeg's filters: the palette of a GIF",
    r"SvtAv1": "FFmpeg's libavcodec links it; like x265",
    r"Qt6Core|QtCore": "Qt: events, threads, files",
    r"Qt6Gui|QtGui": "Qt: painting, fonts, pictures",
    r"Qt6Widgets|QtWidgets": "Qt: the window's controls",
    r"openblas": "numpy's linear algebra",
    r"icudata": "Qt: text in every language",
    r"_multiarray_umath": "numpy's arrays",
    r"libpython3|python311\.dll|Python$": "Python itself",
    r"mkl|dnnl|iomp5|uv\.dll": "torch's arithmetic",
    r"pydantic_core": "the command line's reading of options (typer)",
    r"libcrypto": "Python's hashes",
    r"opengl32sw": "Qt: a software OpenGL for Windows",
}


def weigh(folder: Path) -> dict[str, int]:
    """The bytes of each file by its path inside the folder; links count once."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def reason(path: str) -> str:
    """Why a large file is in the package; empty if no reason is given."""
    return next((why for pattern, why in REASONS.items() if re.search(pattern, path)), "")


Asked = dict[str, tuple[int, list[str]]]  # by file: the newest glibc 2.x that it needs, and the functions that need it


def asked_of_glibc(folder: Path) -> Asked:
    """The glibc version that each file in the package needs, on Linux.

    Raises:
        SystemExit: objdump finds no version in a file that names one, so that the needs are not known.
    """
    asked: Asked = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and (".so" in path.name or path.name == product.COMMAND):
            done = subprocess.run(["objdump", "-T", path], capture_output=True, text=True, check=False)
            found = [(int(minor), name) for minor, name in re.findall(r"\(GLIBC_2\.(\d+)[.\d]*\)\s+(\S+)", done.stdout)]
            if not found and b"GLIBC_2." in path.read_bytes():
                said = (done.stderr or done.stdout).strip()[:300]
                raise SystemExit(
                    f"{path} names a version of glibc, but objdump -T tells none that is understood: {said}"
                )
            if found:
                newest = max(minor for minor, _ in found)
                asked[path.relative_to(folder).as_posix()] = newest, [name for minor, name in found if minor == newest]
    return asked


def needed_glibc(asked: Asked) -> tuple[int, int]:
    """The oldest glibc with which the package runs. Fallback libraries do not count, since few systems load them.

    Raises:
        SystemExit: no file needs any version, which is impossible for a package.
    """
    minors = [minor for path, (minor, _) in asked.items() if "/fallback/" not in path]
    if not minors:
        raise SystemExit(f"No file in {product.FOLDER} asks for any version of glibc: it is no whole package.")
    return 2, max(minors)


def print_glibc(asked: Asked) -> None:
    """Print the version that is needed, and the files that need it."""
    floor = needed_glibc(asked)[1]
    print(f"Runs with glibc 2.{floor} or newer. So new a one is asked for by:")
    for path, (minor, names) in asked.items():
        if minor >= floor:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            print(f"    2.{minor}  {path}: {', '.join(names[:3])}{more}")


def main() -> int:
    """Print the table; return 1 if a budget is exceeded or a large file has no reason."""
    sizes = weigh(product.FOLDER)
    total = sum(sizes.values())
    broken = []
    print(f"Files above {HEAVY / MB:.0f} MB:")
    for path, size in sorted(sizes.items(), key=lambda item: -item[1]):
        if size > HEAVY:
            print(f"{size / MB:8.1f} MB  {path}: {reason(path) or 'NOBODY HAS SAID WHY'}")
            if not reason(path):
                broken.append(f"{path} is heavy and packaging/sizes.py does not say why it is needed")
    groups: dict[str, int] = {}
    for path, size in sizes.items():
        parts = path.split("/")
        group = parts[1] if parts[0] == "_internal" and len(parts) > 2 else "others"
        groups[group] = groups.get(group, 0) + size
    print(
        "By part: "
        + ", ".join(f"{name} {size / MB:.0f}" for name, size in sorted(groups.items(), key=lambda i: -i[1])[:9])
    )
    print(f"Installed: {total / MB:.0f} MB of at most {INSTALLED / MB:.0f}, {len(sizes)} files")
    if total > INSTALLED:
        broken.append(f"installed size {total / MB:.0f} MB is above {INSTALLED / MB:.0f}")
    for made in sorted(product.DIST.glob(f"{product.COMMAND}*")):
        if made.is_file() and made.suffix in (".xz", ".deb", ".exe", ".dmg"):
            size = made.stat().st_size
            print(f"Download: {size / MB:.1f} MB of at most {DOWNLOAD / MB:.0f}, {made.name}")
            if size > DOWNLOAD:
                broken.append(f"{made.name} is above {DOWNLOAD / MB:.0f} MB")
    if product.SYSTEM == "linux":
        print_glibc(asked_of_glibc(product.FOLDER))
    for sentence in broken:
        print(f"BROKEN: {sentence}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
