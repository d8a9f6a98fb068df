"""Limits for the memory that libraries keep after it was freed.

**glibc** gives threads heaps of their own, up to eight for each core. It keeps the free end of each, up to 64 MB once arrays of
that size were freed, and `malloc_trim` does not return it. A window starts about 80 workers a minute while one works in it,
several at once, so each heap reaches its largest size at some time. Measured on two cores with a random user, 16 heaps had
1,450 MB after six minutes, of which 350 MB were in use.

**oneDNN and ideep**, which compute torch's matrix products, keep the code and the plan of each shape of product, 1,024 of each.
Each network of another size that is trained adds 2.5 MB, so that memory grows for an hour.
"""

import ctypes
import os
import platform

ARENA_MAX, TRIM_THRESHOLD, MMAP_THRESHOLD = -8, -1, -3  # M_ARENA_MAX and so on in glibc's malloc.h
HEAPS = 2  # while one thread uses the first, another uses the second
END = 16 * 2**20  # bytes that a heap may keep at its end
ARRAY = 8 * 2**20  # bytes from which an array has memory of its own; from 1 MB on, sampling would take a tenth longer
CHOSEN = ("GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
PRODUCTS = "128"  # shapes of products that are kept; a network in training and sampling has about 25
CAPACITIES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")


def limit_memory() -> None:
    """Limit what glibc, oneDNN and ideep keep. Call before any thread is started and before torch is loaded.

    What the user's environment says stays. Heaps are limited only with glibc.
    """
    for name in CAPACITIES:
        os.environ.setdefault(name, PRODUCTS)
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in CHOSEN):
        return
    mallopt = ctypes.CDLL(None).mallopt
    for option, value in ((ARENA_MAX, HEAPS), (MMAP_THRESHOLD, ARRAY), (TRIM_THRESHOLD, END)):
        mallopt(option, value)
