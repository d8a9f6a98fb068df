"""Memory that workers have freed goes back to the system."""

import os
import platform
import statistics

import pytest
from own_process import ran

from playground.app.workers import memory

WORKERS = """
import ctypes, os, threading
import numpy as np
from playground.app.workers.memory import limit_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def work():
    together.wait()
    np.ones(30 * 2**17)  # after it glibc of itself keeps up to 60 MB at the end of each heap
    arrays = [np.ones(2**17) for _ in range(50)]
    together.wait()

limit_memory()
before = resident()
together = threading.Barrier(6)
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ctypes.CDLL(None).malloc_trim(0)
print(resident() - before)
"""


def grown(**variables: str) -> float:
    """Megabytes by which a process has grown once six workers have freed what they had."""
    chosen = ("GLIBC_TUNABLES", "MALLOC_")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(chosen)]:
            patch.delenv(name)
        return float(ran(WORKERS, **variables))


@pytest.mark.claims
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory in its own way")
def test_memory_that_workers_have_freed_goes_back_to_the_system() -> None:
    assert statistics.median(grown() for _ in range(3)) < 50  # one in 25 keeps 63: how workers share heaps is chance
    assert grown(MALLOC_ARENA_MAX="16") > 100  # who chooses for himself gets what he chose


def test_products_are_kept_for_few_shapes_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(memory.ctypes, "CDLL", None)  # which cannot be called: another C library is left alone
    first, second = memory.CAPACITIES
    monkeypatch.setenv(first, "7")
    monkeypatch.delenv(second, raising=False)
    memory.limit_memory()
    assert (os.environ[first], os.environ[second]) == ("7", memory.PRODUCTS)
