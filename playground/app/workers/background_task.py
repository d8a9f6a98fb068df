"""One slow call at a time off the GUI thread: reading and writing files."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Slot

from playground.app.workers.worker import Worker

Result = TypeVar("Result")


class BackgroundTask(QObject):
    """Runs a function in a thread of its own and hands back, in the GUI thread, what it returned or raised."""

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
        """Start `function`; one of `done` and `failed` is called later.

        Returns:
            False, and nothing is started, where another call is still running.
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
        """Block until the call has ended, for quitting; its outcome is still handed back.

        Returns:
            Whether it ended in time.
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
