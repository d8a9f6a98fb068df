"""What the window remembers between runs: layout, theme, size of the text, recent files, export choices.

Every value is kept as JSON in one INI file and read back against its type; one that does not fit is dropped and its
default taken, so a damaged file never keeps the window from opening.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import platformdirs
from msgspec import Meta
from PySide6.QtCore import QSettings

Even = Annotated[int, Meta(ge=64, le=7680, multiple_of=2)]  # H.264 halves the colour planes: sides must be even


class VideoChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last choices in the export dialog; `theme` "" means the window's own."""

    width: Even = 1280
    height: Even = 720
    seconds: Annotated[float, Meta(ge=1, le=600)] = 8.0
    fps: Annotated[int, Meta(ge=5, le=120)] = 30
    suffix: Literal[".mp4", ".webm", ".gif"] = ".mp4"
    theme: Literal["", "dark", "light"] = ""
    subject: Literal["run", "training"] = "run"
    caption: bool = True
    legend: bool = True


GIF = {"width": 480, "height": 270, "fps": 10}
"""Size and rate of a GIF, which has no motion in its coding: at a video's it would be 71 MB, too many to mail."""


class PictureChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last choices for a still picture."""

    width: Even = 1920
    height: Even = 1080
    theme: Literal["", "dark", "light"] = ""
    suffix: Literal[".png", ".svg", ".pdf"] = ".png"
    caption: bool = True
    legend: bool = True


KEYS: dict[str, tuple[Any, Any]] = {  # key: (type, default)
    "theme": (Literal["system", "dark", "light"], "system"),
    "text_size": (Annotated[int, Meta(ge=80, le=200)], 100),  # % of the usual one
    "geometry": (bytes, b""),
    "columns": (tuple[int, int, int] | None, None),
    "folded": (dict[str, bool] | None, None),  # None: as the room allows
    "recent": (list[str], []),
    "folder": (str, ""),
    "tour_offered": (bool, False),
    "video": (VideoChoice, VideoChoice()),
    "picture": (PictureChoice, PictureChoice()),
}

RECENT_FILES = 10


class Preferences:
    """The remembered values by key; see :data:`KEYS`.

    Args:
        path: the INI file; by default the one in the user's configuration folder.

    Attributes:
        recovery: the folder for work that is not saved.
    """

    def __init__(self, path: Path | None = None) -> None:
        states = path.parent if path else platformdirs.user_state_path("score-playground")
        self.recovery = states / "recovery"
        self._path = path or platformdirs.user_config_path("score-playground") / "settings.ini"
        self._store = QSettings(str(self._path), QSettings.Format.IniFormat)

    def beside(self, name: str) -> Path:
        """A file of another kind in the same folder."""
        return self._path.with_name(name)

    def get(self, key: str) -> Any:
        """The remembered value, or the default where there is none that fits."""
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
        msgspec.json.decode(text, type=kind)  # a wrong type is a mistake of the program: say so now, not at next start
        self._store.setValue(key, text)

    def add_recent(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        name = str(path.resolve())
        others = [known for known in self.get("recent") if known != name]
        self.set("recent", [name, *others][:RECENT_FILES])

    def propose(self, present: Path | None, name: str) -> Path:
        """What every dialog proposes: a file in the folder where one was opened, saved or exported last.

        Args:
            present: the file that is open; its name is kept, and its folder where none is remembered.
            name: that of a new file.
        """
        remembered = self.get("folder")
        folder = Path(remembered) if remembered else present.parent if present else Path.home()
        return folder / (present.name if present else name)

    def remember_folder(self, path: Path) -> None:
        """Begin the next dialog in the folder of this file."""
        self.set("folder", str(path.resolve().parent))

    def clear(self) -> None:
        """Forget everything, keys of other versions too."""
        self._store.clear()

    def flush(self) -> None:
        """Write the file now. A folder that cannot be written loses the values, nothing else."""
        self._store.sync()
