"""`make mutants` itself: its faults are those of the source as it is now."""

import pytest
from mutants import FAULTS, ROOT, Fault, stands


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_s_right_text_stands_in_the_source(fault: Fault) -> None:
    assert stands(fault), f"give tests/mutants.py the line's new text in playground/{fault.place}"
    for test in fault.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / "tests" / file).read_text(encoding="utf-8")


def test_there_are_twenty_and_more() -> None:
    assert len({(fault.place, fault.wrong) for fault in FAULTS}) == len(FAULTS) >= 20
