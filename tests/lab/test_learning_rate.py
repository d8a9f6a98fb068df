"""The learning rate: it rises linearly at first, and then stays or falls to zero along a cosine."""

import pytest

from playground.lab.learning_rate import WARM_UP, learning_rate


@pytest.mark.parametrize(
    ("step", "share"), [(0, 1 / WARM_UP), (WARM_UP // 2 - 1, 0.5), (WARM_UP - 1, 1.0), (10**6, 1.0)]
)
def test_without_a_schedule_it_rises_and_stays(step, share):
    assert learning_rate(3e-3, "none", step, 0.9) == pytest.approx(3e-3 * share, rel=1e-12)


@pytest.mark.parametrize(
    ("done", "share"), [(0.0, 1.0), (1 / 3, 0.75), (0.5, 0.5), (2 / 3, 0.25), (1.0, 0.0), (1.2, 0.0)]
)
def test_along_a_cosine_it_falls_to_zero(done, share):
    assert learning_rate(3e-3, "cosine", WARM_UP, done) == pytest.approx(3e-3 * share, rel=1e-12, abs=1e-18)
