"""`make mutants` itself: its faults are those of the source as it is now."""

from pathlib import Path

import pytest

from tests import mutants
from tests.mutants import FAULTS, ROOT, stands


def test_a_fault_s_right_text_stands_in_the_source() -> None:
    gone = [(fault.name, fault.place) for fault in FAULTS if not stands(fault)]
    assert gone == [], "give tests/mutants.py the lines' new text"


def test_the_tests_that_are_to_notice_exist() -> None:
    asked = {test for fault in FAULTS for test in fault.tests}
    gone = set()
    for test in asked:
        file, _, name = test.partition("::")
        if f"def {name}" not in (ROOT / "tests" / file).read_text(encoding="utf-8"):
            gone.add(test)
    assert gone == set()


def test_there_are_twenty_and_more() -> None:
    assert len({(fault.place, fault.wrong) for fault in FAULTS}) == len(FAULTS) >= 20


def test_a_fault_that_cannot_run_is_not_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fault = FAULTS[0]
    place = tmp_path / "playground" / fault.place
    place.parent.mkdir(parents=True)
    place.write_text(fault.right, encoding="utf-8")
    monkeypatch.setattr(
        mutants, "run_tests", lambda *_: (1, "FAILED tests/a.py::test_a - NameError: name 'x' is not\n")
    )
    with pytest.raises(RuntimeError, match="could not say anything"):
        mutants.caught_by(tmp_path, fault)
    monkeypatch.setattr(mutants, "run_tests", lambda *_: (1, "FAILED tests/a.py::test_a - assert 1 == 2\n"))
    assert mutants.caught_by(tmp_path, fault)[0] == "a.py::test_a"
    monkeypatch.setattr(mutants, "run_tests", lambda *_: (0, "1 passed\n"))
    assert mutants.caught_by(tmp_path, fault)[0] is None
    assert place.read_text(encoding="utf-8") == fault.right


def test_words_that_name_no_fault_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main(["no", "such", "fault"]) == 1
    assert "No fault has all of these words" in capsys.readouterr().out
