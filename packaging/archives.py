"""Makes the files to download from the packaged program: .tar.xz and .deb on Linux, an installer on Windows, .dmg on macOS."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import product
import sizes

BUILD = product.ROOT / "build" / "package"
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "1735689600"))
README = f"""\
{product.TITLE} {product.version()}

Nothing to install: run ./{product.COMMAND} in this folder, from wherever it lies; it writes nothing beside itself.
./{product.COMMAND} doctor says whether this machine has what it needs, ./{product.COMMAND} --help what else it can do.
Licences of everything inside: NOTICES.txt.
"""
CONTROL = """\
Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: Score Playground contributors <score-playground@users.noreply.github.com>
Installed-Size: {kilobytes}
Depends: libc6 (>= {glibc})
Recommends: fonts-dejavu-core | fonts-liberation | fonts-noto-core, libegl1, libgl1
Section: education
Priority: optional
Description: {summary}
 Train a score network, watch it sample, measure it: one window for score-based
 generative models and diffusion, and the same experiments on the command line.
 .
 Python, Qt, torch for the CPU and FFmpeg are inside; nothing else is needed.
"""
DESKTOP = f"""\
[Desktop Entry]
Type=Application
Name={product.TITLE}
Comment={product.SUMMARY}
Exec={product.COMMAND} %f
Icon={product.COMMAND}
Terminal=false
Categories=Education;ArtificialIntelligence;
MimeType={product.SESSION_TYPE};
StartupWMClass={product.COMMAND}
"""
MIME = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="{product.SESSION_TYPE}">
    <comment>{product.TITLE} session</comment>
    <icon name="{product.COMMAND}"/>
    <glob pattern="*.{product.SESSION_SUFFIX}"/>
  </mime-type>
</mime-info>
"""


def tar_xz() -> Path:
    """Pack the folder. Names are sorted, all dates are equal and there is no owner, so the same build gives the same bytes."""
    path = product.DIST / f"{product.archive_stem()}.tar.xz"
    (product.FOLDER / "README.txt").write_text(README, encoding="utf-8")

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = EPOCH
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with path.open("wb") as out:
        xz = subprocess.Popen(["xz", "-6", "--threads=2", "--block-size=64MiB"], stdin=subprocess.PIPE, stdout=out)
        assert xz.stdin is not None
        with tarfile.open(fileobj=xz.stdin, mode="w|") as archive:
            archive.add(product.FOLDER, f"{product.COMMAND}-{product.version()}", filter=plain)
        xz.stdin.close()
        if xz.wait():
            raise SystemExit("xz failed")
    return path


def deb() -> Path:
    """Make a package for Debian and Ubuntu. The system's triggers update menus and file types, so it needs no scripts."""
    root = BUILD / "deb"
    shutil.rmtree(root, ignore_errors=True)
    program = root / "usr/lib" / product.COMMAND
    shutil.copytree(product.FOLDER, program, symlinks=True)
    (program / "README.txt").unlink(missing_ok=True)
    documents = root / "usr/share/doc" / product.COMMAND
    files = {
        root / "usr/share/applications" / f"{product.COMMAND}.desktop": DESKTOP,
        root / "usr/share/mime/packages" / f"{product.COMMAND}.xml": MIME,
        documents / "copyright": (program / "NOTICES.txt").read_text(encoding="utf-8"),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (program / "NOTICES.txt").unlink()
    (program / "NOTICES.txt").symlink_to(f"../../share/doc/{product.COMMAND}/copyright")
    changes = (product.ROOT / "CHANGELOG.md").read_bytes()
    (documents / "changelog.gz").write_bytes(gzip.compress(changes, 9, mtime=EPOCH))
    icons = root / "usr/share/icons/hicolor"
    for size, icon in (
        ("scalable", product.PACKAGING / "icon.svg"),
        ("256x256", product.ICONS / f"{product.COMMAND}.png"),
    ):
        place = icons / size / "apps" / f"{product.COMMAND}{icon.suffix}"
        place.parent.mkdir(parents=True)
        shutil.copyfile(icon, place)
    binary = root / "usr/bin"
    binary.mkdir(parents=True)
    (binary / product.COMMAND).symlink_to(f"../lib/{product.COMMAND}/{product.COMMAND}")
    machine = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    control = CONTROL.format(
        name=product.COMMAND,
        version=product.version(),
        architecture=machine,
        kilobytes=sum(sizes.weigh(root).values()) // 1024,
        glibc="{}.{}".format(*sizes.needed_glibc(sizes.asked_of_glibc(product.FOLDER))),
        summary=product.SUMMARY[0].lower() + product.SUMMARY[1:],
    )
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(control, encoding="utf-8")
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    path = product.DIST / f"{product.COMMAND}_{product.version()}_{machine}.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z6", "--build", str(root), str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def installer() -> Path:
    """Make the per-user installer for Windows with NSIS."""
    path = product.DIST / f"{product.archive_stem()}-setup.exe"
    compile_installer(product.FOLDER, path)
    return path


def compile_installer(folder: Path, path: Path) -> None:
    """Compile the NSIS script for a program's folder, on any system with makensis."""
    values = {
        "TITLE": product.TITLE,
        "COMMAND": product.COMMAND,
        "VERSION": product.version(),
        "SUFFIX": product.SESSION_SUFFIX,
        "MIME": product.SESSION_TYPE,
        "FOLDER": str(folder.resolve()),
        "ICON": str(product.WINDOWS_ICON.resolve()),
        "KILOBYTES": str(sum(sizes.weigh(folder).values()) // 1024),
        "OUTPUT": str(path.resolve()),
    }
    flag = "/" if sys.platform == "win32" else "-"
    defines = [f"{flag}D{name}={value}" for name, value in values.items()]
    script = product.PACKAGING / "installer.nsi"
    options = [f"{flag}V2", f"{flag}WX", f"{flag}INPUTCHARSET", "UTF8"]
    subprocess.run(["makensis", *options, *defines, str(script)], check=True)


def disk_image() -> Path:
    """Put the signed app bundle on a compressed disk image. Apple silicon starts no unsigned program."""
    path = product.DIST / f"{product.archive_stem()}.dmg"
    bundle = product.DIST / f"{product.TITLE}.app"
    shutil.copyfile(product.FOLDER / "NOTICES.txt", bundle / "Contents/Resources/NOTICES.txt")
    sign = ["codesign", "--force", "--deep", "--sign", product.SIGNER or "-"]
    if product.SIGNER:  # what Apple's notary asks for
        sign += ["--timestamp", "--options", "runtime", "--entitlements", str(product.ENTITLEMENTS)]
    subprocess.run([*sign, str(bundle)], check=True)
    stage = BUILD / "dmg"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    shutil.copytree(bundle, stage / bundle.name, symlinks=True)
    (stage / "Applications").symlink_to("/Applications")
    command = [
        "hdiutil",
        "create",
        "-volname",
        product.TITLE,
        "-srcfolder",
        str(stage),
        "-ov",
        "-format",
        "ULMO",
        str(path),
    ]
    subprocess.run(command, check=True)
    return path


def checksums(paths: list[Path]) -> Path:
    """Write one line of SHA-256 and name for each file, in the format of sha256sum --check."""
    listing = product.DIST / f"SHA256SUMS-{product.SYSTEM}.txt"
    lines = []
    for path in paths:
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    listing.write_text("".join(lines), encoding="utf-8", newline="\n")
    return listing


ARCHIVES = {"linux": (tar_xz, deb), "windows": (installer,), "macos": (disk_image,)}

if __name__ == "__main__":
    made = [pack() for pack in ARCHIVES[product.SYSTEM]]
    checksums([*made, product.DIST / f"{product.archive_stem()}.cdx.json"])
