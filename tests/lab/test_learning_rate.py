"""The learning rate: it rises linearly at first, and then stays or falls to zero along a cosine."""

import pytest

from playground.lab.learning_rate import WARM_UP, learning_rate


@pytest.mark.parametrize(
    ("schedule", "step", "done", "share"),
    [
        ("none", 0, 0.9, 1 / WARM_UP),
        ("none", WARM_UP // 2 - 1, 0.9, 0.5),
        ("none", WARM_UP - 1, 0.9, 1.0),
        ("none", 10**6, 0.9, 1.0),
        ("cosine", WARM_UP, 0.0, 1.0),
        ("cosine", WARM_UP, 1 / 3, 0.75),
        ("cosine", WARM_UP, 0.5, 0.5),
        ("cosine", WARM_UP, 2 / 3, 0.25),
        ("cosine", WARM_UP, 1.0, 0.0),
        ("cosine", WARM_UP, 1.2, 0.0),
    ],
)
def test_it_rises_and_then_stays_or_falls_to_zero(schedule: str, step: int, done: float, share: float) -> None:
    assert learning_rate(3e-3, schedule, step, done) == pytest.approx(3e-3 * share, rel=1e-12, abs=1e-18)
