"""The playhead: the position in the recorded frames."""

import sys

TICK = 16  # ms between two ticks of the clock
FRAMES_A_SECOND = 1000 / TICK  # at speed 1
END = sys.maxsize  # a frame beyond the last one of every run
LEAST_SECONDS = 2.0  # least duration of a run at speed 1, however few frames it has
HOLD = 0.8  # seconds that a finished run stays in view before it loops


class PlaybackClock:
    """A clock that counts frames: advance it by the time passed, then read the frame.

    Args:
        loop: start again at the end.
    """

    def __init__(self, loop: bool = True) -> None:
        self.playing = True
        self.loop = loop
        self.speed = 1.0
        self.target: int | None = None
        """The frame to go to when it is recorded."""
        self._position = 0.0
        self._held = 0.0

    @property
    def frame(self) -> int:
        return int(self._position)

    def play(self, playing: bool) -> None:
        """Play, or pause at the current frame."""
        self.playing, self.target = playing, None

    def set_loop(self, loop: bool) -> None:
        self.loop = loop

    def set_speed(self, speed: float) -> None:
        self.speed = speed

    def seek(self, frame: int, recorded: int) -> None:
        """Go to a frame; until it is recorded, follow the newest one."""
        self.target = frame if frame >= recorded else None
        self._position = float(min(max(frame, 0), max(recorded - 1, 0)))
        self._held = 0.0

    def advance(self, seconds: float, recorded: int, total: int) -> bool:
        """Let time pass.

        Args:
            seconds: since the last call.
            recorded: number of frames that exist.
            total: number of frames of the complete run.

        Returns:
            Whether the run has ended, was held in view, and should start again.
        """
        if self.target is not None:
            self.seek(self.target, recorded)
        if not self.playing or recorded == 0:
            return False
        # After a stall (a dialog, a busy machine) continue instead of jumping.
        step = min(seconds, 0.1) * min(FRAMES_A_SECOND, total / LEAST_SECONDS) * self.speed
        self._position = min(self._position + step, recorded - 1.0)
        if self.frame < total - 1:
            self._held = 0.0
            return False
        self._held += seconds
        if self._held < HOLD:
            return False
        self._held = 0.0
        if not self.loop:
            self.playing = False
            return False
        return True
