"""What happens where Qt finds no screen. By itself it aborts the process, which no code can catch."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

NO_DISPLAY = "There is no display here to open a window on: run an experiment without one by score-playground run EXPERIMENT.toml --out DIR."
USERS_ERROR = 2  # the exit code

_NEEDED = (
    "needed to load the Qt xcb platform plugin"  # said after each failure of xcb, also where only the display is dead
)
_UNKNOWN = "Could not find the Qt platform plugin"
_NOTHING_NEW = ("even though it was found", "no Qt platform plugin could be initialized")


def refusal(said: Sequence[str], no_display: str) -> list[str]:
    """The sentence about an application that Qt could not make, and those of Qt's own messages that add to it.

    Args:
        said: Qt's messages, the fatal one last.
        no_display: the sentence where no display can be opened.
    """
    text = "\n".join(said)
    unknown = re.findall(f'{_UNKNOWN} "(.*?)"', text)
    lacks_library = _NEEDED in text and os.environ.get("DISPLAY") and "could not connect to display" not in text
    known = [*_NOTHING_NEW]
    if os.environ.get("QT_QPA_PLATFORM") and unknown and "even though it was found" not in text:
        allowed = re.search(r"Available platform plugins are: (.*)\.", text)
        sentence = (
            f"Qt has no platform of this name: {', '.join(unknown)} (allowed: {allowed[1] if allowed else 'none'}). "
            "Unset QT_QPA_PLATFORM, or set it to one of these."
        )
        known.append(_UNKNOWN)
    elif lacks_library:
        from playground.drawing.screen_libraries import SCREEN_LIBRARIES, how_to_install, missing_libraries

        missing = missing_libraries()  # Qt always names xcb-cursor, whichever is missing
        which = f": {', '.join(missing)}" if missing else ""
        sentence = f"Qt's window needs a system library that cannot be loaded{which}. {how_to_install(missing or SCREEN_LIBRARIES)}"
    else:
        sentence = no_display
        known.append(_NEEDED)
    return [sentence, *(message.strip() for message in said if not any(part in message for part in known))]


@contextmanager
def instead_of_abort(no_display: str) -> Iterator[None]:
    """While an application is made: where Qt would abort, the process ends with a sentence and the code of a user's error.

    Qt tells its message handler first, so that nothing needs to be tried beforehand, which would delay every start.

    Args:
        no_display: the sentence where no display can be opened.
    """
    from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

    said: list[str] = []

    def hear(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        said.append(message)
        if kind == QtMsgType.QtFatalMsg:
            print("score-playground: " + "\nQt: ".join(refusal(said, no_display)), file=sys.stderr, flush=True)
            os._exit(USERS_ERROR)

    before = qInstallMessageHandler(hear)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
        for message in said:  # of an application that was made all the same
            print(message, file=sys.stderr)
