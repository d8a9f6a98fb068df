"""The memory that a piece of code needs, measured in a process of its own."""

from tests.own_process import ran

# On Linux a process begins with the ru_maxrss of the one that started it, so its own peak is read from /proc.
MEASURE = """
def peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except FileNotFoundError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2

{prepare}
before = peak()
{code}
print(peak() - before)
"""


def growth(prepare: str, code: str) -> float:
    """The megabytes by which the peak of memory grows while `code` runs, after `prepare` ran.

    The code must assert what it makes: where it does nothing, memory does not grow either.
    """
    return float(ran(MEASURE.format(prepare=prepare, code=code)).split()[-1])
