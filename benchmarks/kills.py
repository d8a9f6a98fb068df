"""Kills the program at random moments: ``python benchmarks/kills.py --rounds 50 [--seed 0]``.

Each round starts the real window in a process of its own. It takes up what the round before left, or discards it, and a random user
works in it and keeps a journal. After a random time the process is killed, as by ``kill -9``. Then every file that the next start
would need is read, and its checksum compared; the history in it must be the one that the journal has for that moment; and what is
lost is the time from that moment to the kill. The next round must be offered the work. Exits with 1 where anything fails.
"""

import atexit
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"  # before Qt is imported

import typer
from PySide6.QtCore import QEventLoop, QTimer

from playground.app.main import make_application
from playground.app.model.errors import ExceptionHook, Log
from playground.app.model.history import History
from playground.app.model.preferences import Preferences
from playground.app.window import MainWindow
from playground.app.workers.garbage import GarbageCollector
from playground.lab import experiment as experiments
from playground.lab.recovery import RecoveryFolder
from playground.lab.session import Session

sys.path.insert(0, str(Path(__file__).parent))
from random_user import RandomUser

MOST_LOST = 15.0  # seconds
PAUSE = (20, 250)  # ms between two things that are done
JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Kill:
    """What came of one round.

    Attributes:
        lived: seconds that the user worked.
        lost: seconds of work that are not on disk.
        steps: of the history that come back.
        problem: what is wrong; "" where nothing is.
    """

    lived: float
    lost: float
    steps: int
    problem: str = ""


def state_of(history: History) -> list[int]:
    """What tells one state of the work from another: length and place of the history, and the settings."""
    return [len(history.steps), history.place, crc32(experiments.dump(history.experiment).encode())]


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
    window.resize(1280, 720)
    window.show()
    while window.building.workspace is None:
        wait(20)
    recovering = window.recovering
    told = {"offered": recovering.offer is not None, "seen": 0}
    while recovering.offer is not None:
        if restores and not told["seen"]:
            recovering.restore()
            while recovering.busy:
                wait(20)
            told["restored"] = _journal_entry(window)[1:]
        else:
            recovering.discard()
        told["seen"] += 1
    user, pauses = RandomUser(window, seed, dialogs=False), random.Random(seed)
    with (folder / JOURNAL).open("w") as journal:
        print(json.dumps(told), flush=True)
        while not application.closingDown():
            journal.write(json.dumps(_journal_entry(window)) + "\n")
            journal.flush()
            try:
                user.act()
            except Exception as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            wait(pauses.uniform(*PAUSE))


def _journal_entry(window: MainWindow) -> list[float]:
    """The time and the state; of a scene or a lesson, the own work's."""
    place = window.controllers.own_place()
    history = window.autosaving._history(place)
    return [time.time(), *state_of(history)]


class Killing:
    """Rounds in one folder, each of which finds what the one before left."""

    def __init__(self, folder: Path, seed: int, most_seconds: float) -> None:
        self._folder, self._seed, self._most_seconds = folder, seed, most_seconds
        self._random = random.Random(seed)
        self._left: list[int] | None = None  # the state that the next start is to offer

    def round(self, number: int) -> Kill:
        """Start, kill and look."""
        restores = number % 2 == 0
        command = [sys.executable, __file__, "--user", str(self._folder), "--seed", str(self._seed + number)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(
            [*command, *(["--restores"] if restores else [])], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline() or "{}")
            begun = time.time()
            lives = self._random.uniform(0.2, self._most_seconds)
            time.sleep(lives)
        finally:
            process.send_signal(signal.SIGKILL)
            killed = time.time()
            process.wait()
        problem = self._expected(told, restores)
        return self._look(begun, killed, problem)

    def _expected(self, told: dict[str, object], restores: bool) -> str:
        """What is wrong with what the start offered."""
        if not told:
            return "it did not start"
        if told["offered"] != (self._left is not None):
            return f"offered: {told['offered']}, left behind: {self._left}"
        if restores and self._left is not None and told.get("restored") != self._left:
            return f"restored {told.get('restored')} in place of {self._left}"
        return ""

    def _look(self, begun: float, killed: float, problem: str) -> Kill:
        """Read what is on disk, as the next start would."""
        journal = [json.loads(line) for line in (self._folder / JOURNAL).read_text().splitlines() if line[-1:] == "]"]
        found = RecoveryFolder.left_behind(self._folder / "recovery")
        saved, self._left, steps = begun, None, 0
        for folder in found:
            try:
                list(folder.check())
                for name in folder.names():
                    Session.load(folder.path / name)
                left = folder.read()
                history = History.from_json(left.history)
            except Exception as error:
                problem = problem or f"{type(error).__name__}: {error}"
            else:
                if self._left is None and left.modified:
                    saved, self._left, steps = max(left.saved, begun), state_of(history), len(history.steps)
                    problem = problem or _differs(journal, left.saved, begun, self._left)
            folder.release()
        lost = killed - saved
        if lost > MOST_LOST:
            problem = problem or f"{lost:.1f} s are lost"
        if len(found) > 1:
            problem = problem or f"{len(found)} folders are left"
        return Kill(killed - begun, lost, steps, problem)


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
    """Kill so many times, each within so many seconds of work."""
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
