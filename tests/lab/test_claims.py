"""Claims: bounds, failures, threads and numbers."""

import functools
import math

import pytest
import torch

from playground.lab.claims import Claim, Found, as_json, how_many_hold, measured, number


def test_a_claim_that_raises_fails_alone() -> None:
    def broken() -> float:
        raise ValueError("no\nand more")

    bad, good = measured((Claim("a", "b", broken, 1.0), Claim("a", "c", lambda: 0.5, 1.0)))
    assert (bad.holds, bad.verdict, bad.measured_text) == (False, "FAILED", "ValueError: no")
    assert (good.holds, good.verdict, good.measured_text, good.bound_text) == (True, "ok", "0.5", "at most 1")
    assert how_many_hold([bad, good]) == "1 of 2 claims hold"


@pytest.mark.parametrize(("value", "holds"), [(0.9, False), (1.0, True), (1.9, True), (2.1, False), (math.nan, False)])
def test_a_bound_may_have_two_ends(value: float, holds: bool) -> None:
    claim = Claim("a", "b", lambda: value, 2.0, 1.0).checked()
    assert claim.holds == holds
    assert claim.bound_text == "1 to 2"


def test_a_claim_with_words_is_shown_by_them_and_one_with_advice_is_a_warning() -> None:
    claim = Claim("a", "b", lambda: Found(3.0, "3 of 4", "Take one."), low=2.0).checked()
    assert (claim.holds, claim.verdict, claim.measured_text, claim.advice) == (True, "warning", "3 of 4", "Take one.")


def test_json_has_every_claim() -> None:
    def broken() -> float:
        raise ArithmeticError

    claims = (
        Claim("a", "good", lambda: 0.5, 1.0),
        Claim("a", "wide", lambda: 7.0),
        Claim("b", "ugly", broken, low=2.0),
    )
    assert as_json(measured(claims)) == {
        "passed": False,
        "claims": [
            {
                "source": "a",
                "claim": "good",
                "measured": 0.5,
                "low": None,
                "high": 1.0,
                "holds": True,
                "words": "",
                "advice": "",
            },
            {
                "source": "a",
                "claim": "wide",
                "measured": 7.0,
                "low": None,
                "high": None,
                "holds": None,
                "words": "",
                "advice": "",
            },
            {
                "source": "b",
                "claim": "ugly",
                "measured": None,
                "low": 2.0,
                "high": None,
                "holds": False,
                "words": "ArithmeticError",
                "advice": "",
            },
        ],
    }


def test_it_takes_one_thread_and_gives_the_others_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        claims = measured((Claim("a", "b", torch.get_num_threads, 1.0), Claim("a", "c", lambda: 0.0, 1.0)))
        assert next(claims).holds
        claims.close()  # cancelled
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_nothing_is_measured_before_it_is_asked_for() -> None:
    asked: list[int] = []

    def asks(number: int) -> float:
        asked.append(number)
        return 0.0

    claims = measured(tuple(Claim("a", str(n), functools.partial(asks, n), 1.0) for n in range(3)))
    next(claims)
    assert asked == [0]


def test_numbers_are_short() -> None:
    said = [number(value) for value in (0.0, 1.9412, 3e-16, 1e-9, 12345.0)]
    assert said == ["0", "1.94", "3.0e-16", "1.0e-09", "1.2e+04"]
