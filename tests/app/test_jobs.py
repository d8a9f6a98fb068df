import threading
import time
from dataclasses import dataclass

import pytest

from playground.app.workers.jobs import ASKED, BACKGROUND, CLICKED, Jobs, Wanted
from playground.app.workers.worker import Mailbox, Worker
from playground.data import DataError
from playground.lab.compute import computes
from playground.lab.keys import Key
from playground.lab.store import Store


@pytest.fixture
def jobs(qtbot):
    jobs = Jobs()
    yield jobs
    assert jobs.shutdown(20.0)


def counting(count, seconds=0.0):
    for step in range(1, count + 1):
        time.sleep(seconds)
        yield step / count, step


def test_the_last_item_arrives_and_the_job_ends(qtbot, jobs):
    items, states = [], []
    jobs.changed.connect(lambda name, status: states.append((name, status.running)))
    jobs.start("count", lambda: counting(5), items.append)
    assert jobs.running("count")
    qtbot.waitUntil(lambda: not jobs.running("count"))
    assert items[-1] == 5
    assert states[0] == ("count", True)
    assert states[-1] == ("count", False)


def test_an_error_goes_to_whoever_asked_for_it_and_into_the_log(qtbot, jobs, caplog):
    def broken():
        yield 0.5, None
        raise ValueError("no such thing")

    failures = []
    jobs.start("broken", broken, lambda item: None, failures.append)
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
def test_a_user_error_is_a_sentence_in_the_log_without_a_traceback(qtbot, jobs, caplog, error, said):
    def broken():
        yield 0.5, None
        raise error

    failures = []
    jobs.start("reading", broken, lambda item: None, failures.append)
    qtbot.waitUntil(lambda: bool(failures))
    (record,) = caplog.records
    assert record.message == (said or "reading stopped")
    assert (record.exc_info is None) == bool(said)


def test_cancelling_stops_the_iterator_and_closes_it_in_its_thread(qtbot, jobs):
    closed = []

    def endless():
        try:
            for step in range(10**9):
                time.sleep(0.001)
                yield None, step
        finally:
            closed.append(True)

    jobs.start("endless", endless, lambda item: None)
    qtbot.wait(30)
    jobs.cancel("endless")
    assert not jobs.running("endless")
    qtbot.waitUntil(lambda: closed == [True])


def test_a_new_job_replaces_one_of_the_same_name(qtbot, jobs):
    items = []
    jobs.start("count", lambda: counting(1000, 0.01), lambda item: items.append(("old", item)))
    jobs.start("count", lambda: counting(3), lambda item: items.append(("new", item)))
    qtbot.waitUntil(lambda: not jobs.running("count"))
    assert items[-1] == ("new", 3)
    assert all(kind == "new" for kind, _ in items)


def test_the_result_of_a_call_is_waited_for(jobs):
    goes_on, results = threading.Event(), []

    def slow(number):
        goes_on.wait(60)
        return number

    def take(number):
        results.append(number)
        if number == 1:
            jobs.call("slow", lambda: slow(3), take, results.append)  # what follows is waited for too

    jobs.call("slow", lambda: slow(1), take, results.append)
    assert not jobs.wait(0.01)
    goes_on.set()
    assert jobs.wait(60)
    assert results == [1, 3]


def test_an_interrupted_job_ends_at_its_next_step_and_says_so(qtbot, jobs):
    items, ended = [], []
    jobs.start("count", lambda: counting(10**9, 0.001), items.append, on_end=lambda: ended.append(items[-1]))
    qtbot.waitUntil(lambda: bool(items))
    jobs.interrupt("count")
    assert jobs.running("count")
    qtbot.waitUntil(lambda: bool(ended))
    assert not jobs.busy
    assert ended == [items[-1]]


def test_progress_tells_the_time_left(qtbot, jobs):
    told, begin = [], time.monotonic()
    jobs.changed.connect(lambda name, status: told.append((time.monotonic() - begin, status)))
    jobs.start("count", lambda: counting(20, 0.02), lambda item: None)
    qtbot.waitUntil(lambda: not jobs.running("count"))
    estimated = [(passed, status) for passed, status in told if status.seconds_left is not None]
    assert estimated
    for passed, status in estimated:  # the parts that are left take as long as those that are done
        assert 0 <= status.seconds_left <= passed * (1 - status.fraction) / status.fraction + 1e-9
    assert max(status.seconds_left for _, status in estimated) > 0.01


class CountKey(Key, frozen=True, cache_hash=True):
    """So many steps, each of which takes a moment."""

    steps: int


@dataclass(frozen=True)
class Step:
    fraction: float
    known: int | None = None


class Counts:
    """Counts for keys, and remembers the order of the steps and which counts ended early."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.ended: list[int] = []

    def count(self, key):
        try:
            for step in range(1, key.steps):
                time.sleep(0.002)
                self.steps.append(key.steps)
                yield Step(step / key.steps, step)
            if not key.steps:
                raise DataError("Nothing is counted.")
            return f"{key.steps} steps"
        finally:
            self.ended.append(key.steps)


@pytest.fixture
def counts():
    counts = Counts()
    computes(CountKey)(lambda key, _device: counts.count(key))
    return counts


def wanted(*steps, store, urgency=ASKED):
    return Wanted(tuple(map(CountKey, steps)), store, {}, urgency)


def test_wanted_values_come_in_order_and_are_in_the_store_when_they_are_announced(qtbot, jobs, counts):
    store, shown, arrived, fractions = Store(), [], [], []
    jobs.arrived.connect(lambda key: arrived.append((key.steps, store.get(key))))
    jobs.changed.connect(lambda name, status: fractions.append(status.fraction))
    jobs.want("count", wanted(20, 3, store=store), lambda key, told: shown.append((key.steps, told)))
    qtbot.waitUntil(lambda: not jobs.running("count"))
    assert arrived == [(20, "20 steps"), (3, "3 steps")]
    assert [told for told in shown if isinstance(told[1], str)] == arrived
    assert any(isinstance(told, int) for _, told in shown)
    known = [fraction for fraction in fractions if fraction is not None]
    assert known == sorted(known)
    assert known[-1] <= 1
    counts.steps.clear()
    jobs.want("count", wanted(20, store=store))
    qtbot.waitUntil(lambda: len(arrived) == 3)
    assert counts.steps == []  # what the store has is not computed again


def test_what_nobody_wants_any_more_ends_and_what_is_wanted_still_goes_on(qtbot, jobs, counts):
    store, arrived = Store(), []
    jobs.arrived.connect(lambda key: arrived.append(key.steps))
    jobs.want("count", wanted(10**6, store=store))
    qtbot.waitUntil(lambda: bool(counts.steps))
    jobs.want("count", wanted(10**6, store=store))
    qtbot.wait(50)
    assert counts.ended == []
    jobs.want("count", wanted(5, store=store))
    qtbot.waitUntil(lambda: arrived == [5] and jobs.idle)
    assert sorted(counts.ended) == [5, 10**6]
    assert CountKey(10**6) not in store


def test_what_is_clicked_goes_before_figures_and_these_before_the_background(qtbot, jobs, counts):
    store, arrived = Store(), []
    jobs.arrived.connect(lambda key: arrived.append(key.steps))
    jobs.want("pins", wanted(400, store=store, urgency=BACKGROUND))
    qtbot.waitUntil(lambda: len(counts.steps) > 10)
    jobs.want("figures", wanted(200, store=store))
    jobs.want("click", wanted(100, store=store, urgency=CLICKED))
    qtbot.waitUntil(lambda: jobs.idle)
    assert arrived == [100, 200, 400]
    begun = counts.steps.index(100) + 2  # the others make the step in progress
    until = len(counts.steps) - counts.steps[::-1].index(100) - 1
    assert counts.steps[begun:until].count(200) + counts.steps[begun:until].count(400) <= 2


def test_what_waits_for_something_urgent_can_be_cancelled(qtbot, jobs, counts):
    jobs.want("click", wanted(10**6, store=Store(), urgency=CLICKED))
    jobs.want("figures", wanted(10**5, store=Store()))
    qtbot.waitUntil(lambda: 10**5 in counts.steps)
    jobs.cancel("figures")
    qtbot.waitUntil(lambda: counts.ended == [10**5])
    assert jobs.running("click")


def test_a_wanted_value_that_cannot_be_computed_says_why(qtbot, jobs, counts):
    store, failures = Store(), []
    jobs.want("count", wanted(0, store=store), on_failure=failures.append)
    qtbot.waitUntil(lambda: bool(failures))
    assert str(failures[0]) == "Nothing is counted."
    assert CountKey(0) not in store


def test_a_mailbox_keeps_only_the_newest():
    mailbox = Mailbox()
    mailbox.put(1)
    mailbox.put(2)
    assert mailbox.take() == 2
    assert mailbox.take() is None


def test_a_worker_stops_when_asked(qtbot):
    worker = Worker(lambda: counting(10**9, 0.001), "counter")
    worker.start()
    qtbot.waitUntil(lambda: worker.latest.take() is not None)
    worker.requestInterruption()
    assert worker.wait()
