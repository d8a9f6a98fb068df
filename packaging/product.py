"""The product's names: file names, identifiers, version. The version is defined in playground/version.py only."""

import os
import platform
import re
import sys
from pathlib import Path

PACKAGING = Path(__file__).resolve().parent
ROOT = PACKAGING.parent
COMMAND = "score-playground"
TITLE = "Score Playground"
IDENTIFIER = "io.github.score-playground"
SUMMARY = "See how score-based generative models and diffusion work"
SESSION_SUFFIX, SESSION_TYPE = "spg", "application/x-score-playground"
ICONS = ROOT / "build" / "package" / "icons"  # made by icons.py
WINDOWS_ICON, MACOS_ICON = ICONS / "score-playground.ico", ICONS / "score-playground.icns"
SYSTEM = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
DIST = ROOT / "dist"
FOLDER = DIST / COMMAND  # PyInstaller's output
SIGNER = os.environ.get("CODESIGN_IDENTITY")
"""The name of Apple's certificate to sign with; without one the program is signed ad hoc."""
ENTITLEMENTS = PACKAGING / "entitlements.plist"


def version() -> str:
    """Read the version from the source, so that nothing needs to be installed."""
    text = (ROOT / "playground" / "version.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit('playground/version.py has no line __version__ = "..."')
    return found[1]


def archive_stem() -> str:
    """The name of an archive without its suffix, such as "score-playground-0.1.0-linux-x86_64"."""
    return f"{COMMAND}-{version()}-{SYSTEM}-{platform.machine().lower()}"


def info_plist() -> dict[str, object]:
    """The bundle's properties for macOS: its name, the support of Retina screens, and the type of session files."""
    return {
        "CFBundleDisplayName": TITLE,
        "CFBundleShortVersionString": version(),
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "MIT licence; bundled parts under their own, see NOTICES.txt",
        "LSMinimumSystemVersion": "14.0",  # the version that torch's wheels need
        "LSApplicationCategoryType": "public.app-category.education",
        "CFBundleDocumentTypes": [
            {
                "CFBundleTypeName": f"{TITLE} session",
                "CFBundleTypeRole": "Editor",
                "LSHandlerRank": "Owner",
                "LSItemContentTypes": [f"{IDENTIFIER}.session"],
            }
        ],
        "UTExportedTypeDeclarations": [
            {
                "UTTypeIdentifier": f"{IDENTIFIER}.session",
                "UTTypeDescription": f"{TITLE} session",
                "UTTypeConformsTo": ["public.data"],
                "UTTypeTagSpecification": {
                    "public.filename-extension": [SESSION_SUFFIX],
                    "public.mime-type": [SESSION_TYPE],
                },
            }
        ],
    }


def windows_version_file(folder: Path) -> Path:
    """Write the program's properties for Windows into a folder, in PyInstaller's format."""
    numbers = (*map(int, re.findall(r"\d+", version())[:3]), 0)
    strings = {
        "CompanyName": "Score Playground contributors",
        "FileDescription": TITLE,
        "FileVersion": version(),
        "ProductName": TITLE,
        "ProductVersion": version(),
        "LegalCopyright": "MIT licence; bundled parts under their own, see NOTICES.txt",
    }
    table = ", ".join(f"StringStruct({key!r}, {value!r})" for key, value in strings.items())
    path = folder / "version.txt"
    path.write_text(
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}), kids=["
        f"StringFileInfo([StringTable('040904B0', [{table}])]), VarFileInfo([VarStruct('Translation', [1033, 1200])])])\n",
        encoding="utf-8",
    )
    return path
