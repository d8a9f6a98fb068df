"""`make mutants` itself: its faults are those of the source as it is now."""

from mutants import FAULTS, ROOT, stands


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
