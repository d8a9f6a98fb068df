"""Kills the program at random moments: ``python benchmarks/kills.py --rounds 50 [--seed 0]``.

Each round starts the real window in a process of its own. It takes up what the round before left, or discards it, and a random user
works in it and keeps a journal. Once he has changed something and a step of the history is on disk, it is killed after a random
time, as by ``kill -9``; every fourth round does not wait for the disk. Then every file that the next start would need is read, and its
checksum compared; the history in it must be the one that the journal has for that moment; and what is lost is the time from that
moment to the kill. The next round must be offered the work. Exits with 1 where anything fails: also where the program ended before it
was killed, its user changed nothing, or no step came back.
"""

import atexit
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"  # before Qt is imported

import msgspec
import numpy as np
import typer
from PySide6.QtCore import QEventLoop, QTimer

from playground.app.main import make_application
from playground.app.model.errors import ExceptionHook, Log
from playground.app.model.history import History
from playground.app.model.preferences import Preferences
from playground.app.window import MainWindow
from playground.app.workers.garbage import GarbageCollector
from playground.lab import checked_file, recovery
from playground.lab import experiment as experiments
from playground.lab.recovery import Work
from playground.lab.store import NOTE, SUFFIX

sys.path.insert(0, str(Path(__file__).parent))
from random_user import RandomUser

MOST_LOST = 15.0  # seconds
IDLE = 4  # times the patience, within which the user's own work must have changed
LOOK = 0.05  # seconds between two looks at the journal and the disk
PAUSE = (20, 250)  # ms between two things that are done
JOURNAL, RECOVERY = "journal.jsonl", "recovery"


@dataclass(frozen=True)
class Kill:
    """What came of one round.

    Attributes:
        lived: seconds that the user worked.
        lost: seconds of work that are not on disk.
        steps: of the history that come back, those that were undone included.
        problem: what is wrong; "" where nothing is.
    """

    lived: float
    lost: float
    steps: int
    problem: str = ""


def state_of(history: History) -> list[int]:
    """What tells one state of the work from another: length and place of the history, and the settings."""
    return [len(history.documents) - 1, history.place, crc32(experiments.dump(history.document.experiment).encode())]


def wait(milliseconds: float) -> None:
    """Run the event loop for a while."""
    loop = QEventLoop()
    QTimer.singleShot(int(milliseconds), loop.quit)
    loop.exec()


def work(folder: Path, seed: int, restores: bool) -> None:
    """Be the process that is killed."""
    application, log = make_application(), Log()
    GarbageCollector(application)
    atexit.register(ExceptionHook(log).remove)
    window = MainWindow(Preferences(folder / "settings.ini"), log, device="cpu")
    window.controllers.train_in_process()
    window.resize(1280, 720)
    window.show()
    while window.state.model is None:
        wait(20)
    recovering = window.recovering
    told: dict[str, object] = {"offered": recovering.offer is not None}
    while recovering.offer is not None:
        if restores and "restored" not in told:
            recovering.restore()
            while recovering.busy:
                wait(20)
            told["restored"] = _journal_entry(window)[1:]
        else:
            recovering.discard()
    user, pauses = RandomUser(window, seed, dialogs=False), random.Random(seed)
    with (folder / JOURNAL).open("w") as journal:
        print(json.dumps(told), flush=True)
        while not application.closingDown():
            journal.write(json.dumps(_journal_entry(window)) + "\n")
            journal.flush()
            try:
                user.act()
            except Exception:
                traceback.print_exc(file=sys.stderr)  # the window's own hook would only log it
                os._exit(1)
            wait(pauses.uniform(*PAUSE))


def _journal_entry(window: MainWindow) -> list[float]:
    """The time and the state; of a scene or a lesson, the own work's."""
    return [time.time(), *state_of(window.autosaving.history)]


class Killing:
    """Rounds in one folder, each of which finds what the one before left.

    Args:
        folder: of the settings, the journal and the unsaved work.
        seed: of the user and of the moments.
        most_seconds: from the first work on disk to the kill.
        victim: the command of the program that is killed, which gets ``--user folder --seed number [--restores]``.
        patience: seconds within which the user changes something and the program writes it.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        most_seconds: float,
        victim: Sequence[str] = (sys.executable, __file__),
        patience: float = MOST_LOST,
    ) -> None:
        self._folder, self._seed, self._most_seconds = folder, seed, most_seconds
        self._victim, self._patience = victim, patience
        self._random = random.Random(seed)
        self._left: list[int] | None = None  # the state that the next start is to offer

    def round(self, number: int) -> Kill:
        """Start, kill and look."""
        restores, early = number % 2 == 0, number % 4 == 3
        command = [*self._victim, "--user", str(self._folder), "--seed", str(self._seed + number)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        (self._folder / JOURNAL).unlink(missing_ok=True)
        command += ["--restores"] if restores else []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            try:
                told = json.loads(process.stdout.readline() or "{}")
                begun = time.time()
                problem = self._expected(told, restores) or self._at_work(process, begun, early)
                if not problem:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(self._random.uniform(0.2, self._most_seconds))
                        problem = f"it ended by itself, with {process.returncode}"
            finally:
                process.kill()
                killed = time.time()
        return self._look(begun, killed, problem, early)

    def _at_work(self, process: "subprocess.Popen[str]", begun: float, early: bool) -> str:
        """Wait until the user has changed something and, unless it is killed early, something is on disk; else say what is wrong."""
        while process.poll() is None:
            journal, now = self._journal(), time.time()
            changed = any(entry[1:] != journal[0][1:] for entry in journal)
            if changed and (early or self._has_written_a_step()):
                return ""
            untouched = [moment for moment, _, place, _ in journal if not place]  # as while scenes are shown
            if changed and now - max([begun, *untouched]) > self._patience:
                return "no step is on disk"
            if now - begun > IDLE * self._patience:
                return "the user changed nothing"
            time.sleep(LOOK)
        return f"it ended by itself, with {process.returncode}"

    def _has_written_a_step(self) -> bool:
        """Whether the history on disk has a step; at first it may have none, where a network was trained before anything else."""
        notes = (_contents(path)["contents"].tobytes() for path in (self._folder / RECOVERY).glob(f"*/{NOTE}"))
        return any(len(History.from_json(msgspec.json.decode(note, type=Work).history).documents) > 1 for note in notes)

    def _journal(self) -> list[list[float]]:
        """The moments and states so far; the last line may be half written."""
        try:
            lines = (self._folder / JOURNAL).read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line[-1:] == "]"]

    def _expected(self, told: dict[str, object], restores: bool) -> str:
        """What is wrong with what the start offered."""
        if not told:
            return "it did not start"
        if told["offered"] != (self._left is not None):
            return f"offered: {told['offered']}, left behind: {self._left}"
        if restores and self._left is not None and told.get("restored") != self._left:
            return f"restored {told.get('restored')} in place of {self._left}"
        return ""

    def _look(self, begun: float, killed: float, problem: str, early: bool) -> Kill:
        """Read what is on disk, as the next start would."""
        journal = self._journal()
        found = recovery.left_behind(self._folder / RECOVERY)
        saved, self._left, steps = begun, None, 0
        for store in found:
            assert store.folder is not None
            try:
                for path in store.folder.glob(f"[!.]*{SUFFIX}"):
                    _contents(path)
                left = recovery.read(store)
                history = History.from_json(left.history)
            except Exception as error:
                problem = problem or f"{type(error).__name__}: {error}"
            else:
                if not steps:
                    saved, steps = max(left.saved, begun), len(history.documents) - 1
                    self._left = state_of(history) if left.modified else None
                    problem = problem or _differs(journal, left.saved, begun, state_of(history))
            store.close()
        lost = killed - saved
        if not steps and not early:
            problem = problem or "no step came back"
        if lost > MOST_LOST:
            problem = problem or f"{lost:.1f} s are lost"
        if len(found) > 1:
            problem = problem or f"{len(found)} folders are left"
        return Kill(killed - begun, lost, steps, problem)


def _contents(path: Path) -> dict[str, np.ndarray]:
    """What is in a file.

    Raises:
        ValueError: it is damaged.
    """
    texts, arrays = checked_file.read(path)
    if not checked_file.is_intact(path, texts):
        raise ValueError(f"{path} does not have its checksum.")
    return arrays


def _differs(journal: list[list[float]], saved: float, begun: float, state: list[int]) -> str:
    """What is wrong where the state on disk is not one that the journal has about that moment."""
    if saved < begun:
        return ""  # what was restored, of which the round before has told
    before = [entry[1:] for entry in journal if entry[0] <= saved][-1:]
    after = [entry[1:] for entry in journal if entry[0] > saved][:1]  # an action may have been half done
    near = before + after
    return "" if state in near or not near else f"on disk is {state}, and the user had {near}"


def main(
    rounds: int = 50, seconds: float = 14.0, seed: int = 0, user: Path | None = None, restores: bool = False
) -> None:
    """Kill so many times, each within so many seconds after the first work is on disk."""
    if user is not None:
        work(user, seed, restores)
    kills = []
    with TemporaryDirectory() as folder:
        killing = Killing(Path(folder), seed, seconds)
        for number in range(rounds):
            kills.append(killing.round(number))
            kill = kills[-1]
            said = f"{number + 1:3}: killed after {kill.lived:4.1f} s, {kill.lost:4.1f} s lost, {kill.steps} steps come back"
            print(f"{said}  {kill.problem}", flush=True)
    lost, wrong = [kill.lost for kill in kills], [kill for kill in kills if kill.problem]
    print(
        f"{rounds} kills: {len(wrong)} went wrong; lost at most {max(lost):.1f} s, {statistics.mean(lost):.1f} s in the mean"
    )
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
