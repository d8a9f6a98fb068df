"""Goes by itself through everything that a lesson needs in the real window, and reports each step as a claim.

`score-playground doctor --window` runs it on a laptop before a workshop, and the package's own test runs it in the
frozen program. It uses the same actions as a user, with its own settings and files in a temporary folder.
"""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Slot

from playground.app.window import MainWindow
from playground.app.workers.timers import timer
from playground.lab.claims import Claim, Found
from playground.lab.experiment import Experiment, replace
from playground.messages import Message

TRAINING_SECONDS = 3.0
POINT = (0.0, 0.5)  # on the upper moon's inner side
LOOK = 10  # ms between two checks
PATIENCE = 6_000  # checks for one step: a minute, without the time that the machine slept
FILM = {"width_box": 640, "height_box": 360, "seconds": 1, "fps": 24}

Waiting = Callable[[], bool]


class WentWrong(Exception):
    """A step ended with another result than it should; the message says how."""


class EndToEndCheck(QObject):
    """Takes a window through every step, then closes it. It ends with the first step that fails or hangs.

    Args:
        window: a new window, not yet shown.
        folder: the folder for its files.
        report: called with each step when it ends.
        process_age: returns the seconds since the process began.
    """

    def __init__(
        self,
        window: MainWindow,
        folder: Path,
        report: Callable[[Claim], None],
        process_age: Callable[[], float],
    ) -> None:
        super().__init__(window)
        self._window, self._folder, self._report, self._process_age = window, folder, report, process_age
        self._painted = False
        self._name, self._found = "window", ""
        self._began, self._looks = time.monotonic(), 0
        self._steps = self._run()
        self._waiting: Waiting | None = None
        self.complete = False
        window.first_painted.connect(self._first_paint)
        for signal in (window.log.failed, window.log.refused):
            signal.connect(self._program_failed)
        window.documents.refused.connect(self._refused)
        window.exports.failed.connect(self._refused)
        self._timer = timer(self, self._go_on, interval=LOOK)
        self._timer.start()

    def _run(self) -> Iterator[Waiting]:
        """The steps. Each item is a condition to wait for; between two items a step may end and the next begin."""
        window, controllers = self._window, self._window.controllers
        yield lambda: self._painted
        self._next("torch and the opening session")
        yield lambda: controllers.state.problem is not None and not controllers.training.untrained
        yield lambda: controllers.playing.trajectory is not None and len(controllers.playing.trajectory) > 0
        self._end(f"on {controllers.building.device_text}")

        self._next("training")
        lesson = replace(
            Experiment(), {"data.kind": "two-moons", "training.seconds": TRAINING_SECONDS, "sampling.steps": 200}
        )
        window.state.load(lesson)
        yield lambda: window.state.experiment == lesson and controllers.state.problem is not None
        # The opening session may have the same experiment, already trained.
        window.actions_by_key.trigger("train.reset")
        yield lambda: controllers.training.untrained
        window.actions_by_key.trigger("train.toggle")
        yield lambda: controllers.training.trained_steps > 0
        first, work = time.monotonic() - self._shown, time.process_time() - self._worked
        yield lambda: controllers.training.status != "training"
        if controllers.training.status != "finished":
            raise WentWrong(f"training ended as {controllers.training.status}")
        self._end(
            f"two moons, {controllers.training.trained_steps} steps, the first {first:.2f} s after the window, {work:.2f} s of them at work"
        )

        self._next("sampling")
        before = controllers.playing.trajectory
        window.actions_by_key.trigger("sample.restart")
        yield (lambda: (run := controllers.playing.trajectory) is not before and run is not None and run.finished)
        run = controllers.playing.trajectory
        assert run is not None
        require_motion(run.positions)
        self._end(f"{len(run.positions[-1])} particles over {len(run)} frames")

        self._next("likelihood")
        controllers.clicking.inspect(POINT)
        yield lambda: controllers.clicking.likelihood is not None
        found = controllers.clicking.likelihood
        assert found is not None
        assert found.flow is not None
        if not math.isfinite(found.flow.log_prob):
            raise WentWrong(f"log p is {found.flow.log_prob}")
        self._end(f"log p{POINT} = {found.flow.log_prob:.2f}, exactly {found.exact:.2f}")

        self._next("film")
        film = self._folder / "film.mp4"
        window.actions_by_key.trigger("file.export_video")
        dialog = window.exports.dialog
        assert dialog is not None
        dialog.form.path.setText(str(film))
        for name, value in FILM.items():
            getattr(dialog.form, name).setValue(value)
        dialog.start_button.click()
        yield lambda: film.exists() and not window.exports.busy
        decoded, wanted = _pictures(film), FILM["seconds"] * FILM["fps"]
        if decoded != wanted:
            raise WentWrong(f"{decoded} pictures decoded, not {wanted}")
        self._end(f"{decoded} pictures decoded, {film.stat().st_size // 1024} KB")

        self._next("saving")
        session = self._folder / "check.spg"
        run = controllers.playing.trajectory
        assert run is not None
        trained, shown = window.state.experiment, run.positions
        window.documents.save_to(session)
        yield lambda: not window.documents.busy and session.exists()
        self._end(f"{session.stat().st_size // 1024} KB")

        self._next("reopening")
        saved = controllers.state.problem
        window.state.load(replace(Experiment(), {"data.kind": "rings"}))
        window.state.mark_saved()
        window.opening.open(session)
        yield (
            lambda: (
                controllers.state.problem is not saved
                and window.state.experiment == trained
                and not controllers.training.untrained
            )
        )
        run = controllers.playing.trajectory
        if run is None or not np.array_equal(run.positions[: len(shown)], shown):
            raise WentWrong("other particles came back")
        self._end("experiment, weights and particles are back")

    @Slot()
    def _first_paint(self) -> None:
        self._painted, self._shown, self._worked = True, time.monotonic(), time.process_time()
        size = self._window.size()
        self._tell("window", 0, f"{size.width()} x {size.height()}, painted, {self._process_age():.2f} s")

    @Slot()
    def _go_on(self) -> None:
        if self._waiting is not None and not self._waiting():
            self._looks += 1
            if self._looks > PATIENCE:
                self._fail(f"no result within {PATIENCE * LOOK // 1000} s")
            return
        try:
            self._waiting = next(self._steps)
        except StopIteration:
            self.complete = True
            self._leave()
        except WentWrong as error:
            self._fail(str(error))
        except Exception as error:
            self._fail(f"{type(error).__name__}: {error}")

    def _tell(self, name: str, wrong: int, words: str) -> None:
        """Report a step that has ended, and whether it went wrong."""
        self._report(Claim("the window", name, lambda: Found(wrong, words), 0).checked())

    def _next(self, name: str) -> None:
        self._name, self._began, self._looks = name, time.monotonic(), 0

    def _end(self, found: str) -> None:
        self._tell(self._name, 0, f"{found}, {time.monotonic() - self._began:.2f} s")

    @Slot(object)
    def _refused(self, message: Message | str) -> None:
        self._fail(str(message))

    @Slot(str)
    def _program_failed(self, sentence: str) -> None:
        self._fail(f"{sentence} {self._window.log.newest()}")

    def _fail(self, error: str) -> None:
        if self._timer.isActive():
            self._tell(self._name, 1, error)
            self._steps = iter(())
            self._leave()

    def _leave(self) -> None:
        self._timer.stop()
        self._window.leave()


def require_motion(positions: np.ndarray) -> None:
    """Check the frames of a run, (frames, particles, 2).

    Raises:
        WentWrong: a particle is lost, or all are where they began.
    """
    if not np.isfinite(positions[-1]).all():
        raise WentWrong("particles are not finite")
    if np.array_equal(positions[0], positions[-1]):
        raise WentWrong("the particles did not move")


def _pictures(film: Path) -> int:
    """The number of pictures that can be decoded from a film."""
    import av

    with av.open(str(film)) as container:
        return sum(1 for _ in container.decode(container.streams.video[0]))
