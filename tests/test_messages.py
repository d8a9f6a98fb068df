"""Messages in files: they come back as they were, and a stranger's file can put nothing into them but words and numbers."""

import json

import pytest

from playground.lab.conflicts import likelihood_conflict, sampling_conflict
from playground.lab.experiment import Experiment, every_field, replace
from playground.lab.progress import TrainingProgress
from playground.messages import Edit, Message, from_json, joined, plain, setting, to_json, to_set


def of_every_sort() -> Message:
    """A message with all that one can hold."""
    inner = Message(
        "inner", "{} and {:.2g}", (setting("noise.schedule", ((0.0, 0.1), (1.0, 9.0))), 0.125), "noise.schedule"
    )
    values = (inner, to_set("data.path"), 12_345, "{words}", setting("data.kind", "file", "another one"))
    return Message(
        "outer", "{}: {} a file of {:,} {} for {}.", values, "data.path", (Edit("Use VE", {"noise.kind": "ve"}),)
    )


def test_a_message_survives_json() -> None:
    message = of_every_sort()
    assert from_json(json.loads(json.dumps(to_json(message)))) == message
    assert message.keys == {"data.path", "data.kind", "noise.schedule"}
    assert str(message).endswith("set data.path to a file of 12,345 {words} for data.kind = file or another one.")


@pytest.mark.parametrize("gap", ["{}", "{:,}", "{:.2f}", "{:.3g}"])
@pytest.mark.parametrize("number", [10**99, -(10**99), 1e99, 10**15])
def test_no_number_makes_a_sentence_long(gap: str, number: float) -> None:
    said = str(Message("example", f"{gap} and {{}}", (number, setting("seed", number))))
    assert len(said) < 40
    assert "e" in said.split(" and ")[0]


def test_a_report_of_training_survives_json_with_its_messages() -> None:
    report = TrainingProgress(3, 1.0, 3.0, 0.5, None, 1e-3, None, True, of_every_sort(), note=plain("It stopped."))
    assert TrainingProgress.from_json(json.loads(json.dumps(report.to_json()))) == report
    assert TrainingProgress.from_json(report.to_json() | {"diverged": None, "note": None}) is not None
    assert TrainingProgress.from_json(report.to_json() | {"step": "many"}) is None
    assert TrainingProgress.from_json([]) is None


@pytest.mark.parametrize(
    "broken",
    [
        None,
        3,
        [],
        {},
        {"text": "{0.__class__}", "values": ["a"]},
        {"text": "{!r}", "values": ["a"]},
        {"text": "{:999999999}", "values": ["a"]},
        {"text": "{} {}", "values": ["a"]},
        {"text": "{", "values": []},
        {"text": "{}", "values": [["a"]]},
        {"text": "{:.3g}", "values": [10**400]},
        {"text": "{}", "values": [{"setting": 3, "values": [], "to_set": False}]},
        {"text": "{}", "values": [{"message": {}}]},
        {"text": "a", "values": [], "edits": [{"title": "Use", "changes": {"seed": {"a": 1}}}]},
        {"text": 3, "values": []},
    ],
)
def test_what_is_no_message_in_a_file_is_none(broken: object) -> None:
    whole = {"code": "", "key": "", "edits": []}
    assert from_json(whole | broken if isinstance(broken, dict) and broken else broken) is None


def test_messages_are_told_apart_by_their_codes_and_name_what_there_is() -> None:
    single = replace(Experiment(), {"noise.kind": "single"})
    found = [conflict for conflict in (sampling_conflict(single), likelihood_conflict(single)) if conflict is not None]
    assert len({message.code for message in found}) == 2
    for message in found:
        assert message.keys <= every_field().keys()
        for edit in message.edits:
            replace(single, edit.changes)
    together = joined(*found)
    assert together is not None
    assert together.keys == found[0].keys | found[1].keys
    assert together.edits == found[0].edits + found[1].edits
