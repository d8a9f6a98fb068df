"""What is remembered comes back; what is damaged never does harm."""

import msgspec
import pytest
from PySide6.QtCore import QSettings

from playground.app.model.preferences import KEYS, RECENT_FILES, Preferences, VideoChoice

VALUES = {
    "theme": "light",
    "text_size": 130,
    "all_cards": True,
    "clicked": True,
    "time_to_data": True,
    "plugins": {"/tmp/ä b.py": "0" * 64},
    "student": "Ada",
    "geometry": b"\x00\x01\xff",
    "columns": (300, 800, 300),
    "folded": {"data": True},
    "recent": ["/tmp/ä b.spg"],
    "folder": "/tmp",
    "tour_offered": True,
    "video": VideoChoice(width=640, height=360, suffix=".gif"),
    "picture": KEYS["picture"][1],
}


def stored(path):
    """The file, as Qt reads it."""
    return QSettings(str(path), QSettings.Format.IniFormat)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "settings.ini"


@pytest.mark.parametrize("key", KEYS)
def test_values_come_back_in_another_run(path, key):
    settings = Preferences(path)
    settings.set(key, VALUES[key])
    settings.flush()
    assert Preferences(path).get(key) == VALUES[key]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("damage", ["not json", "[1, 2", '{"width": 33}', "17.5", "@Invalid()"])
def test_stored_values_that_do_not_fit_are_dropped(path, key, damage):
    stored(path).setValue(key, damage)
    assert Preferences(path).get(key) == KEYS[key][1]
    assert stored(path).value(key) is None


def test_a_file_of_rubbish_gives_the_defaults(path):
    path.write_bytes(bytes(range(256)) * 20)
    settings = Preferences(path)
    assert {key: settings.get(key) for key in KEYS} == {key: default for key, (_, default) in KEYS.items()}


@pytest.mark.files
def test_a_folder_that_cannot_be_written_loses_values_and_nothing_else(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Preferences(tmp_path / "file" / "settings.ini")
    settings.set("theme", "light")
    settings.flush()
    assert settings.get("theme") == "light"


def test_what_is_cleared_is_gone_from_the_file_too(path):
    settings = Preferences(path)
    for key in KEYS:
        settings.set(key, VALUES[key])
    stored(path).setValue("key of an earlier version", "1")
    settings.flush()
    settings.clear()
    settings.flush()
    assert stored(path).allKeys() == []


def test_a_wrong_type_is_no_user_error(path):
    with pytest.raises(msgspec.ValidationError):
        Preferences(path).set("theme", "blue")


def test_recent_files_newest_first_without_repeats(path, tmp_path):
    settings = Preferences(path)
    for number in [*range(RECENT_FILES + 2), 5]:
        settings.add_recent(tmp_path / f"{number}.spg")
    names = [name.rsplit("/", 1)[-1] for name in settings.get("recent")]
    assert names[:3] == ["5.spg", "11.spg", "10.spg"]
    assert len(names) == len(set(names)) == RECENT_FILES
