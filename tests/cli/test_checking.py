"""The self-test on the command line: a plain table, and an exit code for failed claims."""

import json

import pytest

from playground.cli import checking
from playground.drawing.selftest import CHECKS, FILMS
from playground.lab import selftest
from playground.lab.selftest import Check
from tests.cli.conftest import Ask


def test_a_table_of_claim_measured_and_bound(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = (Check("noise", "one", lambda: 1e-12, 1e-9), Check("noise", "two", lambda: 2.03, 2.3, 1.7))
    monkeypatch.setattr(checking, "CHECKS", checks)
    code, said, error = ask("selftest")
    assert (code, error) == (0, "")
    head, area, one, two, end = said.splitlines()
    assert head.split() == ["claim", "measured", "bound"]
    assert area == "noise"
    assert one.split() == ["one", "1.0e-12", "at", "most", "1.0e-09"]
    assert two.split() == ["two", "2.03", "1.7", "to", "2.3"]
    assert end.startswith("2 of 2 claims hold, in ")
    assert "\x1b" not in said
    assert "\r" not in said


def test_a_claim_that_fails_is_marked_and_the_exit_code_is_1(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> float:
        raise ArithmeticError

    checks = (
        Check("a", "good", lambda: 0.0, 1.0),
        Check("b", "bad", lambda: 2.0, 1.0),
        Check("b", "ugly", broken, 1.0),
    )
    monkeypatch.setattr(checking, "CHECKS", checks)
    code, said, error = ask("selftest")
    assert (code, error) == (1, "")
    lines = said.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("FAILED")] == ["bad", "ugly"]
    assert "ArithmeticError" in said
    assert lines[-1].startswith("1 of 3 claims hold")


def test_json_has_a_row_for_each_claim_and_nothing_else(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> float:
        raise ArithmeticError

    inf = float("inf")
    checks = (Check("a", "good", lambda: 0.5, 1.0), Check("b", "ugly", broken, inf, 2.0))
    monkeypatch.setattr(checking, "CHECKS", checks)
    code, said, error = ask("selftest", "--json")
    assert json.loads(said) == {
        "passed": False,
        "rows": [
            {"area": "a", "claim": "good", "measured": 0.5, "low": None, "high": 1.0, "holds": True},
            {
                "area": "b",
                "claim": "ugly",
                "measured": None,
                "low": 2.0,
                "high": None,
                "holds": False,
                "failure": "ArithmeticError",
            },
        ],
    }
    assert (code, error.splitlines()[0]) == (1, "Self-test ...")
    monkeypatch.setattr(checking, "CHECKS", checks[:1])
    code, said, _ = ask("selftest", "--json")
    assert (code, json.loads(said)["passed"]) == (0, True)


def test_no_claim_at_all_is_no_success(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "CHECKS", ())
    code, said, _ = ask("selftest")
    assert code == 1
    assert "0 of 0 claims hold" in said
    code, said, _ = ask("selftest", "--json")
    assert (code, json.loads(said)["passed"]) == (1, False)


def test_it_takes_no_arguments(ask: Ask) -> None:
    code, _, error = ask("selftest", "out")
    assert code == 2
    assert "see score-playground selftest --help" in error


def test_the_self_test_checks_theory_and_films() -> None:
    assert (*selftest.CHECKS, *FILMS) == CHECKS


@pytest.mark.parametrize("check", FILMS, ids=lambda check: check.claim.split(":")[0])
def test_films_are_decoded_with_their_colours(check: Check) -> None:
    assert check.row().passed


def test_a_film_of_other_colours_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from playground.drawing import selftest as films

    right = films.write_video

    def mirrored(path, pictures, total, size, fps):  # red and blue are exchanged
        return right(path, (picture.rgbSwapped() for picture in pictures), total, size, fps)

    monkeypatch.setattr(films, "write_video", mirrored)
    assert not FILMS[0].row().passed
