"""Paths that a file from somebody else may not name: reading them reaches another computer, or never ends."""

import posixpath

SYSTEM = ("/dev", "/proc", "/sys")  # folders of devices on Linux and macOS
DEVICES = frozenset({"nul", "con", "prn", "aux", "conin$", "conout$"}) | {
    f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"
}
"""Names that Windows takes for a device in any folder and with any ending."""


def is_remote_or_device(path: str) -> bool:
    r"""Whether a path names a network share or a device, on any system.

    >>> [is_remote_or_device(path) for path in (r"\\server\share\a.csv", "/dev/zero", "data/nul.csv", "data/a.csv")]
    [True, True, True, False]
    """
    slashed = path.strip().replace("\\", "/")
    if slashed.startswith(("//", "/??/")):  # also //./ and //?/, which Windows takes for devices and shares
        return True
    plain = posixpath.normpath(slashed)
    return any(plain == folder or plain.startswith(folder + "/") for folder in SYSTEM) or has_device_name(plain)


def has_device_name(path: str) -> bool:
    """Whether a part of a path is a name that Windows takes for a device; elsewhere it may be that of a file.

    >>> [has_device_name(path) for path in ("data/nul.csv", "Con/a.csv", "data/null.csv")]
    [True, True, False]
    """
    parts = path.replace("\\", "/").split("/")
    return any(part.partition(".")[0].partition(":")[0].strip().casefold() in DEVICES for part in parts)
