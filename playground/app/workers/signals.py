"""The signals by which a system ends the program."""

import signal


def ending_signals() -> list[int]:
    """SIGTERM, and SIGHUP where the system has it: the terminal has gone. A program that ``nohup`` started goes on."""
    hangup: int | None = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN:
        return [signal.SIGTERM]
    return [signal.SIGTERM, hangup]
