"""One slow call at a time outside the GUI thread, to read and write files."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Slot

from playground.app.workers.worker import Worker

Result = TypeVar("Result")


class BackgroundTask(QObject):
    """Runs a function in its own thread and returns its result or error in the GUI thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: Worker[Any] | None = None
        self._done: Callable[[Any], None] = _ignore
        self._failed: Callable[[BaseException], None] = _ignore

    @property
    def busy(self) -> bool:
        return self._worker is not None

    def run(
        self,
        name: str,
        function: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> bool:
        """Start `function`; later `done` or `failed` is called.

        Returns:
            False if another call is still running; nothing is started then.
        """
        if self.busy:
            return False

        def once() -> Iterator[Result]:
            yield function()

        self._done, self._failed = done, failed
        self._worker = Worker(once, name)
        self._worker.finished.connect(self._finished)
        self._worker.start()
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until the call has ended, when quitting; its result is still delivered.

        Returns:
            Whether the call ended in time.
        """
        worker = self._worker
        if worker is None:
            return True
        if not worker.wait(int(seconds * 1000)):
            return False
        self._finished()
        return True

    @Slot()
    def _finished(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.wait()
        if worker.error is not None:
            self._failed(worker.error)
        else:
            self._done(worker.last)


def _ignore(_: object) -> None:
    return
