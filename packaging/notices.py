"""Writes NOTICES.txt into the package: the licence of every part, and what the GPL parts mean for the whole package."""

import hashlib
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import product

BUILD_ONLY = {
    "altgraph",
    "macholib",
    "packaging",
    "pefile",
    "pip",
    "pyinstaller-hooks-contrib",
    "pywin32-ctypes",
    "setuptools",
}
LICENCE_FILE = re.compile(r"licen[cs]e|copying|notice|authors|gpl", re.IGNORECASE)
LIBRARIES = {  # in folders of wheels, which do not all have the licence texts: by the beginning of the file's name
    "libav": "LGPL-3.0-or-later by itself; linked with x264 and x265, as a whole GPL-3.0-or-later",
    "libsw": "LGPL-3.0-or-later by itself; linked with x264 and x265, as a whole GPL-3.0-or-later",
    "libx264": "GPL-2.0-or-later",
    "libx265": "GPL-2.0-or-later",
    "libSvtAv1Enc": "BSD-3-Clause-Clear",
    "libdav1d": "BSD-2-Clause",
    "libvpx": "BSD-3-Clause",
    "libwebp": "BSD-3-Clause",
    "libsharpyuv": "BSD-3-Clause",
    "libopus": "BSD-3-Clause",
    "libmp3lame": "LGPL-2.0-or-later",
    "libopencore": "Apache-2.0",
    "libgnutls": "LGPL-2.1-or-later",
    "libnettle": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libhogweed": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libgmp": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libunistring": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libasound": "LGPL-2.1-or-later",
    "libvpl": "MIT",
    "libdrm": "MIT",
    "libxcb": "MIT",
    "libXau": "MIT",
    "libjpeg": "IJG AND BSD-3-Clause AND Zlib",
    "libopenjp2": "BSD-2-Clause",
    "libtiff": "libtiff",
    "liblzma": "0BSD",
    "libzstd": "BSD-3-Clause",
    "libscipy_openblas": "BSD-3-Clause",
    "libgfortran": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libquadmath": "LGPL-2.1-or-later",
    "libicu": "Unicode-3.0",
}
FONTS = {
    "DejaVuSans.ttf": "Bitstream Vera licence, its changes public domain",
    "STIXTwoMath-Regular.ttf": "OFL-1.1",
    **dict.fromkeys(("Inter-Regular.otf", "Inter-SemiBold.otf", "Inter-Bold.otf"), "OFL-1.1"),
}
HEAD = f"""\
{product.TITLE} {product.version()}

{product.TITLE}'s own source is under the MIT licence, below. This package holds other people's work as well, each part under
its own licence; all of them follow.

What that means for the package as a whole
------------------------------------------
Films are encoded by FFmpeg, which comes in PyAV's wheel as it is published. That FFmpeg calls itself LGPL 3 or later, but it is linked
with x264 and x265, which are under the GNU General Public License, version 2 or later, and works only together with them. The
package as a whole is therefore passed on under the terms of the GNU GPL, version 3; the MIT licence of the
program's own source and the licences of all other parts (LGPL for Qt among them) allow that. You may use the program for any
purpose, hand the package on, and sell it, as long as whoever gets it gets these notices and can get the source:

- {product.TITLE}: in the release that this package is part of, as an archive of the commit's source.
- FFmpeg, x264, x265 and the other libraries in av.libs: PyAV's wheels are built by https://github.com/PyAV-Org/pyav-ffmpeg, whose
  build script names the source archive of each; PyAV itself is at https://github.com/PyAV-Org/PyAV.
- Qt and PySide6 (LGPL 3): https://download.qt.io/official_releases/QtForPython and .../qt. Qt's libraries lie as separate files in
  _internal/PySide6, so that they can be exchanged for others.
- Libraries of the system that built this package (Linux): https://snapshot.debian.org or the archive of that system, under the
  package names below.

What is made with the program (films, sessions, pictures) is yours; no licence here reaches it.
The H.264 format itself may be covered by patents in some countries; WebM (VP9) and GIF are offered beside it.
"""


def distributions() -> Iterator[importlib.metadata.Distribution]:
    """The distributions that pip installed in this environment and that are in the package, by name."""
    for found in sorted(importlib.metadata.distributions(), key=lambda one: one.metadata["Name"].lower()):
        if found.metadata["Name"].lower().replace("_", "-") not in BUILD_ONLY:
            yield found


def licence_of(found: importlib.metadata.Distribution) -> str:
    """The name of the licence, from the field that the distribution uses for it."""
    metadata = found.metadata
    classifiers = [
        line.rsplit(" :: ", 1)[1] for line in metadata.get_all("Classifier") or () if line.startswith("License ::")
    ]
    short, expression = ((metadata.get_all(field) or [""])[0].strip() for field in ("License", "License-Expression"))
    return expression or ", ".join(classifiers) or (short.splitlines()[0] if short else "see its text")


def texts_of(found: importlib.metadata.Distribution) -> dict[str, str]:
    """The licence texts of a distribution, by file name."""
    named = {}
    for file in found.files or ():
        if ".dist-info" in file.parts[0] and file.suffix != ".pyc" and LICENCE_FILE.search("/".join(file.parts[1:])):
            path = Path(str(found.locate_file(file)))
            if path.is_file():
                named["/".join(file.parts[1:])] = path.read_text(encoding="utf-8", errors="replace")
    return named


def system_packages() -> dict[str, Path]:
    """The Debian packages whose libraries are in the package, each with the file of its licence."""
    if product.SYSTEM != "linux":
        return {}
    inside = {path.name for path in (product.FOLDER / "_internal").rglob("*.so*") if "libs/" not in path.as_posix()}
    owners: dict[str, Path] = {}
    for folder in ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"):
        ours = [path for path in Path(folder).glob("*.so*") if path.name in inside]
        targets = {str(path.resolve()) for path in ours}
        for path in sorted(targets | {target.removeprefix("/usr") for target in targets}):
            found = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False).stdout
            if found:
                name = found.split(":", 1)[0]
                owners[name] = Path("/usr/share/doc") / name / "copyright"
    if (product.FOLDER / "_internal" / "fallback" / "xkb").exists():
        owners["xkb-data"] = Path("/usr/share/doc/xkb-data/copyright")
    return dict(sorted(owners.items()))


def libraries() -> Iterator[tuple[str, str]]:
    """The name and licence of each library of another project in a wheel, and of each font in the package.

    Raises:
        SystemExit: a library or font is not in the tables here.
    """
    inside = product.FOLDER / "_internal"
    places = ("av.libs/*", "numpy.libs/*", "pillow.libs/*", "PySide6/Qt/lib/libicu*")
    files = [path for place in places for path in inside.glob(place)]
    for path in sorted(files):
        known = [licence for start, licence in LIBRARIES.items() if path.name.lower().startswith(start.lower())]
        if not known and product.SYSTEM == "linux":  # other systems have other names, but the same versions
            raise SystemExit(f"{path.name} has no licence in packaging/notices.py: look it up and add it.")
        yield path.name, known[0] if known else "see the list of PyAV's wheel for Linux"
    fonts = [*inside.glob("zia*/fonts/*.ttf"), *inside.glob("resources/fonts/*.otf")]
    yield from ((path.name, FONTS[path.name]) for path in sorted(fonts))


def python_licence() -> str:
    """The licence of CPython, from the place where this build has it."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    places = [
        Path(sys.base_prefix) / "LICENSE.txt",
        Path(sys.base_prefix) / "lib" / version / "LICENSE.txt",
        Path("/usr/share/doc") / version / "copyright",
        Path("/usr/share/doc") / f"{version}-minimal" / "copyright",
    ]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        return "Python Software Foundation License, https://docs.python.org/3/license.html"
    return found.read_text(encoding="utf-8", errors="replace")


def notices() -> str:
    """The whole file. A text that several parts share is included once."""
    named = "\n".join(f"{name}: {licence}" for name, licence in libraries())
    parts = [
        HEAD,
        section("Libraries inside the wheels below, and fonts", named),
        section(f"{product.TITLE} (MIT)", (product.ROOT / "LICENSE").read_text(encoding="utf-8")),
    ]
    digits = product.ROOT / "resources" / "digits-LICENSE.txt"
    parts.append(section("Handwritten digits (CC BY 4.0)", digits.read_text(encoding="utf-8")))
    inter = product.ROOT / "resources" / "fonts" / "OFL.txt"
    parts.append(
        section("Inter, the typeface of the window and of pictures (OFL 1.1)", inter.read_text(encoding="utf-8"))
    )
    parts.append(section(f"Python {sys.version.split()[0]} (PSF-2.0)", python_licence()))
    seen: dict[str, str] = {}
    for found in distributions():
        title = f"{found.metadata['Name']} {found.version} ({licence_of(found)})"
        body = []
        for name, text in texts_of(found).items():
            digest = hashlib.sha256(text.encode()).hexdigest()
            body.append(f"{name}: the same text as {seen[digest]}" if digest in seen else f"{name}:\n\n{text.strip()}")
            seen.setdefault(digest, f"{name} of {title}")
        parts.append(section(title, "\n\n".join(body) or "The wheel brings no text of its own; see the name above."))
    for name, path in system_packages().items():
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else "No copyright file here."
        parts.append(section(f"{name}, from the system that built this package", text))
    common = sorted((product.PACKAGING / "licences").glob("*.txt"))
    return "\n".join([*parts, *(section(path.stem, path.read_text(encoding="utf-8")) for path in common)])


def section(title: str, text: str) -> str:
    """A heading and a text under it."""
    return f"\n{'=' * 100}\n{title}\n{'=' * 100}\n\n{text.strip()}\n"


if __name__ == "__main__":
    (product.FOLDER / "NOTICES.txt").write_text(notices(), encoding="utf-8")
