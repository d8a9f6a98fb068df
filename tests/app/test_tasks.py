import threading
import time

import pytest

from playground.app.workers.tasks import Tasks
from playground.app.workers.worker import Mailbox, Worker
from playground.data import DataError


@pytest.fixture
def tasks(qtbot):
    tasks = Tasks()
    yield tasks
    assert tasks.shutdown(20.0)


def counting(count, seconds=0.0):
    for step in range(1, count + 1):
        time.sleep(seconds)
        yield step / count, step


def test_the_last_item_arrives_and_the_task_ends(qtbot, tasks):
    items, states = [], []
    tasks.changed.connect(lambda name, status: states.append((name, status.running)))
    tasks.start("count", "Counting", lambda: counting(5), items.append)
    assert tasks.running("count")
    qtbot.waitUntil(lambda: not tasks.running("count"))
    assert items[-1] == 5
    assert states[0] == ("count", True)
    assert states[-1] == ("count", False)


def test_an_error_goes_to_whoever_asked_for_it_and_into_the_log(qtbot, tasks, caplog):
    def broken():
        yield 0.5, None
        raise ValueError("no such thing")

    failures = []
    tasks.start("broken", "Breaking", broken, lambda item: None, failures.append)
    qtbot.waitUntil(lambda: bool(failures))
    assert str(failures[0]) == "no such thing"
    (record,) = caplog.records
    assert record.message == "broken stopped"
    assert "ValueError: no such thing" in caplog.text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DataError("a.csv has no numbers."), "reading stopped: a.csv has no numbers."),
        (FileNotFoundError(2, "No such file or directory", "part-of-the-program.npz"), ""),
    ],
)
def test_a_user_error_is_a_sentence_in_the_log_without_a_traceback(qtbot, tasks, caplog, error, said):
    def broken():
        yield 0.5, None
        raise error

    failures = []
    tasks.start("reading", "Reading", broken, lambda item: None, failures.append)
    qtbot.waitUntil(lambda: bool(failures))
    (record,) = caplog.records
    assert record.message == (said or "reading stopped")
    assert (record.exc_info is None) == bool(said)


def test_cancelling_stops_the_iterator_and_closes_it_in_its_thread(qtbot, tasks):
    closed = []

    def endless():
        try:
            for step in range(10**9):
                time.sleep(0.001)
                yield None, step
        finally:
            closed.append(True)

    tasks.start("endless", "Going on", endless, lambda item: None)
    qtbot.wait(30)
    tasks.cancel("endless")
    assert not tasks.running("endless")
    qtbot.waitUntil(lambda: closed == [True])


def test_a_new_task_replaces_one_of_the_same_name(qtbot, tasks):
    items = []
    tasks.start("count", "Counting", lambda: counting(1000, 0.01), lambda item: items.append(("old", item)))
    tasks.start("count", "Counting", lambda: counting(3), lambda item: items.append(("new", item)))
    qtbot.waitUntil(lambda: not tasks.running("count"))
    assert items == [("new", 3)] or items[-1] == ("new", 3)
    assert all(kind == "new" for kind, _ in items)


def test_a_call_is_made_once_at_a_time_and_its_result_is_waited_for(tasks):
    goes_on, results = threading.Event(), []

    def slow(number):
        goes_on.wait(60)
        return number

    def take(number):
        results.append(number)
        if number == 1:
            assert tasks.call("slow", lambda: slow(3), take, results.append)  # what follows is waited for too

    assert tasks.call("slow", lambda: slow(1), take, results.append)
    assert not tasks.call("slow", lambda: slow(2), take, results.append)
    assert not tasks.wait(0.01)
    goes_on.set()
    assert tasks.wait(60)
    assert results == [1, 3]


def test_an_interrupted_task_ends_at_its_next_step_and_says_so(qtbot, tasks):
    items, ended = [], []
    tasks.start(
        "count", "Counting", lambda: counting(10**9, 0.001), items.append, on_end=lambda: ended.append(items[-1])
    )
    qtbot.waitUntil(lambda: bool(items))
    tasks.interrupt("count")
    assert tasks.running("count")
    qtbot.waitUntil(lambda: bool(ended))
    assert not tasks.busy
    assert ended == [items[-1]]


def test_progress_tells_the_time_left(qtbot, tasks):
    left = []
    tasks.changed.connect(lambda name, status: left.append(status.seconds_left))
    tasks.start("count", "Counting", lambda: counting(20, 0.02), lambda item: None)
    qtbot.waitUntil(lambda: not tasks.running("count"))
    estimates = [seconds for seconds in left if seconds is not None]
    assert estimates
    assert all(0 <= seconds < 1.0 for seconds in estimates)


def test_a_mailbox_keeps_only_the_newest():
    mailbox = Mailbox()
    mailbox.put(1)
    mailbox.put(2)
    assert mailbox.take() == 2
    assert mailbox.take() is None


def test_a_worker_stops_when_asked(qtbot):
    worker = Worker(lambda: counting(10**9, 0.001), "counter")
    worker.start()
    qtbot.waitUntil(lambda: worker.last is not None)
    assert worker.stop()
    assert worker.isFinished()
