"""How the C library keeps memory that was freed.

glibc gives threads heaps of their own, up to eight for each core, and keeps the free end of each: up to 64 MB once arrays
of that size were freed, which `malloc_trim` leaves there too. A window starts some 80 workers a minute while one works in
it, several at once, so each heap comes to its largest size some time. Measured on two cores, a random user had 16 heaps of
1,450 MB after six minutes, of which 350 MB were in use.
"""

import ctypes
import os
import platform

ARENA_MAX, TRIM_THRESHOLD, MMAP_THRESHOLD = -8, -1, -3  # M_ARENA_MAX and so on in glibc's malloc.h
HEAPS = 2  # while one thread is in the first, another takes the second
END = 16 * 2**20  # bytes that a heap may keep at its end
ARRAY = 8 * 2**20  # bytes from which an array has memory of its own; from 1 MB on, sampling would take a tenth longer
CHOSEN = ("GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")


def limit_heaps() -> None:
    """Have few heaps that keep little. Call before any thread is started.

    Does nothing with another C library, or where the user's environment says how memory is to be kept.
    """
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in CHOSEN):
        return
    mallopt = ctypes.CDLL(None).mallopt
    for option, value in ((ARENA_MAX, HEAPS), (MMAP_THRESHOLD, ARRAY), (TRIM_THRESHOLD, END)):
        mallopt(option, value)
