"""Plug-ins in the window: the question before one runs, where its kinds appear, the list of the preferences, and unknown kinds."""

import hashlib
import re
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QMessageBox

from playground.app.controllers.plugins import Plugins
from playground.app.dialogs.plugins_dialog import PluginsDialog
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.panels import DataPanel, SamplingPanel
from playground.app.search import entries
from playground.app.widgets.file_prompts import FilePrompts
from playground.kinds import plugins
from playground.kinds.kind import forget, registered
from playground.lab.experiment import ExperimentError, parse
from playground.lab.session import Session, SessionError
from tests.app.conftest import end

PAGE = (Path(__file__).parents[2] / "docs/plugins.md").read_text(encoding="utf-8")
CROSS, *_, KUTTA = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with plug-ins of the page."""
    (tmp_path / "cross.py").write_text(CROSS, encoding="utf-8")
    (tmp_path / "kutta.py").write_text(KUTTA, encoding="utf-8")
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    return tmp_path.resolve()


class Answers:
    """Stands in for the user's answers."""

    def __init__(self, name: str = "", at_start: bool | None = None) -> None:
        self.name, self.at_start, self.asked = name, at_start, list[Path]()

    def open_name(self, title: str, folder: str, filters: str) -> str:
        return self.name

    def may_run_plugin(self, path: Path, changed: bool = False) -> bool | None:
        self.asked.append(path)
        assert changed == (self.name == "")
        return self.at_start


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()


def controller(folder: Path, answers: Answers, qtbot, kept: tuple[Path, ...] = ()) -> tuple[Plugins, list[str]]:
    preferences = Preferences(folder / "settings.ini")
    preferences.set("plugins", {str(path): checksum(path) for path in kept})
    state, said = State(), list[str]()
    made = Plugins(state, preferences, answers)
    state.notified.connect(lambda notification: said.append(f"{notification.level}: {notification.message}"))
    return made, said


@pytest.mark.parametrize(
    ("button", "ticked", "answer"),
    [("Cancel", True, None), ("Load", False, False), ("Load", True, True)],
)
def test_the_question_says_what_a_plugin_may_do_and_cancels_by_default(
    button: str, ticked: bool, answer: bool | None, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtWidgets import QWidget

    parent = QWidget()
    qtbot.addWidget(parent)

    def look(box: QMessageBox) -> int:
        assert box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)
        assert box.escapeButton() is box.button(QMessageBox.StandardButton.Cancel)
        said = box.text() + box.informativeText().replace("\u200b", "")
        assert "/home/ada/cross.py" in said
        assert "it can do anything that you can do" in said
        assert "Sessions, lessons and experiments never load one." in said
        (box_of_start,) = box.findChildren(QCheckBox)
        assert not box_of_start.isChecked()
        box_of_start.setChecked(ticked)
        yes = button == "Load"
        return (QMessageBox.StandardButton.Yes if yes else QMessageBox.StandardButton.Cancel).value

    monkeypatch.setattr(QMessageBox, "exec", look)
    assert FilePrompts(parent).may_run_plugin(Path("/home/ada/cross.py")) is answer


def test_the_question_about_a_changed_file_says_so_and_keeps_it_in_the_list(
    qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtWidgets import QWidget

    parent = QWidget()
    qtbot.addWidget(parent)

    def look(box: QMessageBox) -> int:
        assert "the file has changed since you agreed to load it" in box.informativeText()
        assert "it can do anything that you can do" in box.informativeText()
        assert box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)
        (box_of_start,) = box.findChildren(QCheckBox)
        assert box_of_start.isChecked()
        return QMessageBox.StandardButton.Yes.value

    monkeypatch.setattr(QMessageBox, "exec", look)
    assert FilePrompts(parent).may_run_plugin(Path("/home/ada/cross.py"), changed=True) is True


def test_nothing_runs_without_the_users_yes(folder: Path, qtbot) -> None:
    answers = Answers(str(folder / "cross.py"))
    made, said = controller(folder, answers, qtbot)
    made.ask()
    assert answers.asked == [folder / "cross.py"]
    assert made.shutdown(5)
    assert (said, plugins.loaded, made.listed) == ([], {}, [])


def test_a_plugin_can_be_kept_for_every_start_and_removed(folder: Path, qtbot) -> None:
    made, said = controller(folder, Answers(str(folder / "cross.py"), True), qtbot)
    with qtbot.waitSignal(made.changed):
        made.ask()
    qtbot.waitUntil(lambda: bool(said))
    assert said == ["info: cross.py adds data “Cross”."]
    cross = folder / "cross.py"
    assert Preferences(folder / "settings.ini").get("plugins") == {str(cross): checksum(cross)}
    (one,) = made.listed
    assert (one.at_start, [kind.name() for kind in one.kinds]) == (True, ["cross"])
    made.keep(one.path, False)
    assert Preferences(folder / "settings.ini").get("plugins") == {}
    assert [(plugin.path, plugin.at_start) for plugin in made.listed] == [(one.path, False)]
    made.load(one.path, False)
    qtbot.waitUntil(lambda: len(said) == 2)
    assert said[1] == "error: The plug-in cross.py is loaded already: start the program again to load it anew."


def test_files_of_the_preferences_are_loaded_and_those_that_fail_get_a_sentence(folder: Path, qtbot) -> None:
    kept = (folder / "gone.py", folder / "broken.py", folder / "cross.py")
    made, said = controller(folder, Answers(), qtbot, kept)
    with qtbot.waitSignal(made.ready):
        made.start()
    assert said == [
        f"error: The plug-in {folder / 'gone.py'} is missing: remove it from the list in Tools > Plug-ins.",
        "error: The plug-in broken.py, line 1 failed: ModuleNotFoundError: No module named 'nothing_of_this_name'.",
    ]
    assert [(plugin.path, bool(plugin.kinds), bool(plugin.failure)) for plugin in made.listed] == [
        (kept[0], False, True),
        (kept[1], False, True),
        (kept[2], True, False),
    ]
    made.keep(kept[0], False)
    assert [plugin.path for plugin in made.listed] == list(kept[1:])


@pytest.mark.parametrize("answer", [None, False, True])
def test_a_file_of_the_preferences_that_has_changed_is_asked_about_again(
    folder: Path, answer: bool | None, qtbot
) -> None:
    cross, kutta = folder / "cross.py", folder / "kutta.py"
    answers = Answers(at_start=answer)
    made, said = controller(folder, answers, qtbot, (cross, kutta))
    agreed = checksum(cross)
    cross.write_text(CROSS.replace("A cross", "Another cross") + "\n", encoding="utf-8")
    with qtbot.waitSignal(made.ready):
        made.start()
    assert answers.asked == [cross]
    assert kutta in plugins.loaded
    assert (cross in plugins.loaded) == (answer is not None)
    kept = Preferences(folder / "settings.ini").get("plugins")
    if answer is None:
        assert said == ["error: The plug-in cross.py has changed since it was loaded last, and is not loaded."]
        assert kept[str(cross)] == agreed  # so that the next start asks again
    else:
        assert kept.get(str(cross)) == (checksum(cross) if answer else None)
        assert not said
    assert kept[str(kutta)] == checksum(kutta)


def test_a_file_that_changes_once_more_after_the_answer_is_asked_about_once_more(folder: Path, qtbot) -> None:
    cross = folder / "cross.py"

    class Slow(Answers):
        def may_run_plugin(self, path: Path, changed: bool = False) -> bool | None:
            answer = super().may_run_plugin(path, changed)
            if len(self.asked) == 1:
                path.write_text(CROSS + "\nraise SystemExit('evil')\n", encoding="utf-8")
                return answer
            return None

    answers = Slow(at_start=True)
    made, _ = controller(folder, answers, qtbot, (cross,))
    cross.write_text(CROSS + "\n", encoding="utf-8")
    with qtbot.waitSignal(made.ready):
        made.start()
    assert answers.asked == [cross, cross]
    assert plugins.loaded == {}


def test_without_plugins_the_start_waits_for_nothing(folder: Path, qtbot) -> None:
    made, _ = controller(folder, Answers(), qtbot)
    with qtbot.waitSignal(made.ready):
        made.start()


def test_a_plugin_that_fails_in_its_middle_leaves_no_kind(folder: Path) -> None:
    before = registered()
    (folder / "half.py").write_text(CROSS + "\nraise SystemExit(3)\n", encoding="utf-8")
    with pytest.raises(Exception, match=r"half\.py, line"):
        plugins.load_plugin(folder / "half.py")
    assert registered() == before


def test_files_of_one_name_in_two_folders_are_two_plugins(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other/cross.py").write_text(
        CROSS.replace("cross", "second").replace("Cross", "Second"), encoding="utf-8"
    )
    kinds = [*plugins.load_plugin(folder / "cross.py"), *plugins.load_plugin(folder / "other/cross.py")]
    assert [kind.name() for kind in kinds] == ["cross", "second"]
    assert len({sys.modules[kind.__module__] for kind in kinds}) == 2


def test_its_kinds_are_in_cards_and_palette_at_once(folder: Path, bare_window, qtbot) -> None:
    window = bare_window
    data, sampling = window.panel(DataPanel), window.panel(SamplingPanel)
    before = sampling.kind.control
    tab = sampling.kind.controls()[0].focusPolicy()
    for name in ("cross.py", "kutta.py"):
        window.plugins.load(folder / name, False)
        qtbot.waitUntil(lambda name=name: folder / name in plugins.loaded and not window.plugins.background.busy)
    tile = data.tiles["cross"]
    assert tile.accessibleName() == "Data: Cross"
    assert list(data.tiles)[-1] == "cross"
    assert {"Data: Cross", "Sampler: Kutta"} <= {entry.title for entry in entries(window)}
    assert sampling.kind.control is not before
    assert sampling.kind.control.findData("kutta") >= 0
    assert sampling.kind.controls()[0].focusPolicy() == tab
    assert sampling.kind.control.accessibleName()
    assert window.state.edit({"sampling.kind": "kutta"})
    assert sampling.kind.control.value() == "kutta"
    tile.click()
    assert window.state.experiment.data.kind == "cross"
    assert tile.isChecked()
    window.state.undo()
    window.state.undo()
    assert sampling.kind.control.value() == "reverse-sde"


def test_a_file_that_names_an_unknown_kind_says_so_and_loads_nothing(folder: Path) -> None:
    with pytest.raises(ExperimentError) as raised:
        parse(f'[data]\nkind = "cross"\n# {folder / "cross.py"}\n')
    assert 'data.kind = "cross" is not allowed' in str(raised.value)
    assert str(raised.value).endswith("If a plug-in adds it, load that first.")
    with pytest.raises(ExperimentError, match="did you mean ve"):
        parse('[noise]\nkind = "vee"\n')
    assert plugins.loaded == {}


def test_the_list_shows_plugins_and_removes_them(folder: Path, qtbot) -> None:
    made, _ = controller(folder, Answers(), qtbot, (folder / "cross.py", folder / "gone.py"))
    with qtbot.waitSignal(made.ready):
        made.start()
    audited = list[str]()
    dialog = PluginsDialog(made, audited.append)
    qtbot.addWidget(dialog)
    dialog.show()

    def cells() -> list[list[str]]:
        items = [dialog.table.topLevelItem(row) for row in range(dialog.table.topLevelItemCount())]
        return [[item.text(column) for column in range(3)] for item in items]

    (first, second) = cells()
    assert first == ["cross.py", "data “Cross”", "at every start"]
    assert second[1].startswith("The plug-in")
    assert not dialog.remove.isEnabled()
    assert any("never do" in label.text() for label in dialog.findChildren(QLabel))
    dialog.table.topLevelItem(0).setSelected(True)
    QTest.mouseClick(dialog.audit, Qt.MouseButton.LeftButton)
    assert audited == ["data.cross"]
    QTest.mouseClick(dialog.remove, Qt.MouseButton.LeftButton)
    assert cells()[-1] == ["cross.py", "data “Cross”", "this time"]
    assert dialog.keep.isEnabled()
    QTest.mouseClick(dialog.keep, Qt.MouseButton.LeftButton)
    dialog.table.clearSelection()
    gone = next(row for row, cell in enumerate(cells()) if cell[0] == "gone.py")
    dialog.table.topLevelItem(gone).setSelected(True)
    assert not dialog.audit.isEnabled()
    QTest.mouseClick(dialog.remove, Qt.MouseButton.LeftButton)
    assert [cell[0] for cell in cells()] == ["cross.py"]


def test_a_session_that_names_an_unknown_kind_says_so_and_loads_nothing(folder: Path) -> None:
    (kind,) = plugins.load_plugin(folder / "cross.py")
    experiment = parse('[data]\nkind = "cross"\npoints = 60\n')
    Session.of(experiment, experiment.data.load(20, 0)).save(folder / "cross.spg")
    assert Session.load(folder / "cross.spg").experiment.data.kind == "cross"
    forget(kind)
    plugins.loaded.clear()
    with pytest.raises(SessionError) as raised:
        Session.load(folder / "cross.spg")
    assert 'data.kind = "cross" is not allowed' in str(raised.value)
    assert "If a plug-in adds it, load that first." in str(raised.value)
    assert plugins.loaded == {}
    assert "cross" not in type(experiment.data).kinds()


def test_a_file_with_a_kind_of_the_preferences_opens_at_start(
    folder: Path, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plug-ins are loaded before the file is read."""
    from playground.app import window as module
    from playground.app.model.errors import Log

    preferences = Preferences(folder / "settings.ini")
    preferences.set("tour_offered", True)
    preferences.set("plugins", {str(folder / "cross.py"): checksum(folder / "cross.py")})
    path = folder / "cross.toml"
    path.write_text('[data]\nkind = "cross"\npoints = 300\n[sampling]\nparticles = 50\nsteps = 5\n', encoding="utf-8")
    window = module.MainWindow(preferences, Log(), path, device="cpu")
    window.show()
    qtbot.waitUntil(lambda: window.state.problem is not None and window.state.experiment.data.kind == "cross")
    assert window.panel(DataPanel).tiles["cross"].isChecked()
    end(window)
