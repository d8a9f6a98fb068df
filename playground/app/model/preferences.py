"""Remembers between runs of the program: layout, theme, size of the text, recent files, export choices.

Every value is kept as JSON in one INI file and checked against its type when read. A value that does not fit is
replaced by its default, so a damaged file never keeps the window from opening.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import platformdirs
from msgspec import Meta
from PySide6.QtCore import QSettings

Even = Annotated[int, Meta(ge=64, le=7680, multiple_of=2)]  # H.264 halves the colour planes, so sides must be even
Checksum = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last choices in the dialog of an export; `theme` "" means the window's own theme."""

    width: Even = 1920
    height: Even = 1080
    theme: Literal["", "dark", "light"] = ""
    suffix: str = ""
    caption: bool = True
    legend: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height


class PictureChoice(Choice, frozen=True):
    """Those of a still picture."""

    suffix: Literal[".png", ".svg", ".pdf"] = ".png"


class VideoChoice(Choice, frozen=True):
    """Those of a film."""

    width: Even = 1280
    height: Even = 720
    suffix: Literal[".mp4", ".webm", ".gif"] = ".mp4"
    seconds: Annotated[float, Meta(ge=1, le=600)] = 8.0
    fps: Annotated[int, Meta(ge=5, le=120)] = 30
    subject: Literal["run", "training"] = "run"


GIF = {"width": 480, "height": 270, "fps": 10}
"""Size and frame rate of a GIF, which does not encode motion: with a video's values it would have 71 MB."""


KEYS: dict[str, tuple[Any, Any]] = {  # key: (type, default)
    "theme": (Literal["system", "dark", "light"], "system"),
    "text_size": (Annotated[int, Meta(ge=80, le=200)], 100),  # % of the usual size
    "geometry": (bytes, b""),
    "columns": (tuple[int, int, int] | None, None),
    "folded": (dict[str, bool], {}),
    "recent": (list[str], []),
    "folder": (str, ""),
    "student": (str, ""),  # whose answers to lessons are saved; "": the computer's name
    "time_to_data": (bool, False),
    "all_cards": (bool, False),  # False: what is needed, when it is needed
    "clicked": (bool, False),  # whether a click on the canvas has shown a likelihood
    "tour_offered": (bool, False),
    "plugins": (dict[str, Checksum], {}),  # the files of plug-ins that are loaded at start, each with its SHA-256
    "video": (VideoChoice, VideoChoice()),
    "picture": (PictureChoice, PictureChoice()),
}

RECENT_FILES = 10


class Preferences:
    """The remembered values by key; see :data:`KEYS`.

    Args:
        path: the INI file; by default in the user's configuration folder.

    Attributes:
        recovery: the folder for unsaved work.
    """

    def __init__(self, path: Path | None = None) -> None:
        states = path.parent if path else platformdirs.user_state_path("score-playground")
        self.recovery = states / "recovery"
        self._path = path or platformdirs.user_config_path("score-playground") / "settings.ini"
        self._store = QSettings(str(self._path), QSettings.Format.IniFormat)

    def beside(self, name: str) -> Path:
        """The path of another file in the same folder."""
        return self._path.with_name(name)

    def get(self, key: str) -> Any:
        """The remembered value, or the default if there is no valid one."""
        kind, default = KEYS[key]
        text = self._store.value(key)
        if text is None:
            return default
        try:
            return msgspec.json.decode(text, type=kind)
        except (msgspec.DecodeError, TypeError, UnicodeError):
            self._store.remove(key)
            return default

    def set(self, key: str, value: Any) -> None:
        """Remember a value of the key's type."""
        kind, _ = KEYS[key]
        text = msgspec.json.encode(value).decode()
        # A wrong type is an error of the program: report it now, not at the next start.
        msgspec.json.decode(text, type=kind)
        self._store.setValue(key, text)

    def add_recent(self, path: Path) -> None:
        """Put a file first in the list of recent files."""
        name = str(path.resolve())
        others = [known for known in self.get("recent") if known != name]
        self.set("recent", [name, *others][:RECENT_FILES])

    def propose(self, present: Path | None, name: str) -> Path:
        """The file that dialogs propose, in the folder where a file was last opened, saved or exported.

        Args:
            present: the open file; its name is used, and its folder if none is remembered.
            name: the name of a new file.
        """
        remembered = self.get("folder")
        folder = Path(remembered) if remembered else present.parent if present else Path.home()
        return folder / (present.name if present else name)

    def remember_folder(self, path: Path) -> None:
        """Let the next dialog start in the folder of this file."""
        self.set("folder", str(path.resolve().parent))

    def clear(self) -> None:
        """Forget everything, including keys of other versions."""
        self._store.clear()

    def flush(self) -> None:
        """Write the file now. If the folder is not writable, only the values are lost."""
        self._store.sync()
