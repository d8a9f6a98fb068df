"""What happens where Qt finds no screen. By itself it aborts the process, which no code can catch."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

NO_DISPLAY = "There is no display here to open a window on: run an experiment without one by score-playground run EXPERIMENT.toml --out DIR."
USERS_ERROR = 2  # the exit code


@contextmanager
def instead_of_abort(sentence: str) -> Iterator[None]:
    """While an application is made: where Qt would abort, the process ends with this sentence and the code of a user's error.

    Qt tells its message handler first, so that nothing needs to be tried beforehand, which would delay every start.
    """
    from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

    said: list[str] = []

    def hear(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if kind != QtMsgType.QtFatalMsg:
            said.append(message)
            return
        print(f"score-playground: {sentence}", file=sys.stderr, flush=True)
        os._exit(USERS_ERROR)

    before = qInstallMessageHandler(hear)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
        for message in said:  # of an application that was made all the same
            print(message, file=sys.stderr)
