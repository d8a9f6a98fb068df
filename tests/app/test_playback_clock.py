import pytest

from playground.app.controllers.playback_clock import FRAMES_A_SECOND, HOLD, LEAST_SECONDS, TICK, PlaybackClock


def test_every_tick_shows_the_next_frame():
    """60 frames in 62.5 ticks would show two of them twice in every second."""
    clock = PlaybackClock()
    for tick in range(1, 400):
        clock.advance(TICK / 1000, recorded=500, total=500)
        assert clock.frame == tick


@pytest.mark.parametrize("speed", [0.125, 0.5, 4.0])
def test_speed_scales_the_frames(speed):
    clock = PlaybackClock()
    clock.speed = speed
    for _ in range(20):
        clock.advance(0.05, recorded=500, total=500)
    assert clock.frame == pytest.approx(FRAMES_A_SECOND * speed, abs=1)


def test_few_frames_are_shown_long_enough_to_be_seen():
    clock, seconds = PlaybackClock(), 0.0
    while clock.frame < 25:
        clock.advance(TICK / 1000, recorded=26, total=26)
        seconds += TICK / 1000
    assert seconds == pytest.approx(LEAST_SECONDS, rel=0.06)


def test_it_waits_for_frames_that_are_not_recorded_yet():
    clock = PlaybackClock()
    for _ in range(20):
        assert not clock.advance(0.05, recorded=10, total=500)
    assert clock.frame == 9


def test_it_goes_along_to_a_frame_that_is_not_recorded_yet_even_at_rest():
    clock = PlaybackClock()
    clock.playing = False
    clock.seek(30, 10)
    seen = []
    for recorded in (10, 17, 29, 31, 40):
        clock.advance(0.05, recorded, total=500)
        seen.append(clock.frame)
    assert seen == [9, 16, 28, 30, 30]


def test_a_finished_run_is_held_and_then_begins_again():
    clock = PlaybackClock()
    clock.seek(9, 10)
    seconds = 0.0
    while not clock.advance(0.05, recorded=10, total=10):
        seconds += 0.05
        assert seconds < 2 * HOLD
    assert seconds == pytest.approx(HOLD, abs=0.1)


def test_without_loop_it_stops_at_the_end():
    clock = PlaybackClock(loop=False)
    clock.seek(9, 10)
    for _ in range(40):
        assert not clock.advance(0.05, recorded=10, total=10)
    assert not clock.playing
    assert clock.frame == 9


def test_a_pause_moves_nothing():
    clock = PlaybackClock()
    clock.playing = False
    clock.seek(3, 10)
    assert not clock.advance(1.0, recorded=10, total=10)
    assert clock.frame == 3


def test_seeking_stays_within_what_is_recorded():
    clock = PlaybackClock()
    clock.seek(99, 10)
    assert clock.frame == 9
    clock.seek(-5, 10)
    assert clock.frame == 0


def test_a_stall_does_not_leap():
    clock = PlaybackClock()
    clock.advance(10.0, recorded=500, total=500)
    assert clock.frame <= 6
