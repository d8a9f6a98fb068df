"""Dialogs: those of files all begin in one folder; and the keys of every button."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QUrl
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QMessageBox,
    QPushButton,
    QWidget,
)

from playground.app.dialogs import help as help_dialogs
from playground.app.dialogs.audit_dialog import AuditDialog
from playground.app.dialogs.boltzmann.window import BoltzmannWindow
from playground.app.dialogs.export_dialog import ExportDialog
from playground.app.dialogs.help import show_about
from playground.app.dialogs.plugins_dialog import PluginsDialog
from playground.app.model.preferences import Preferences
from playground.app.widgets import file_prompts
from playground.app.widgets.file_prompts import FilePrompts
from playground.version import SITE
from tests.app.conftest import wait


def test_all_dialogs_begin_in_the_folder_that_was_used_last(window, tmp_path, monkeypatch):
    proposed: list[Path] = []
    answers = [""]
    monkeypatch.setattr(
        file_prompts,
        "save_name",
        lambda parent, title, at, filters: (proposed.append(Path(at)), (answers[0], filters))[1],
    )
    monkeypatch.setattr(
        file_prompts, "open_name", lambda parent, title, at, filters: proposed.append(Path(at, "x")) or ""
    )
    monkeypatch.setattr(file_prompts, "folder_name", lambda parent, title, at: proposed.append(Path(at, "x")) or "")

    def folders() -> set[Path]:
        proposed.clear()
        window.documents.save_as()
        window.opening.ask_open()
        window.opening.ask_open_folder()
        window.actions_by_key.trigger("file.export_settings")
        window.actions_by_key.trigger("file.export_trajectory")
        window.exports.picture()
        proposed.append(Path(window.exports.dialog.form.path.text()))
        window.exports.dialog.close()
        assert len(proposed) == 6
        return {path.parent for path in proposed}

    window.preferences.set("folder", "")
    assert folders() == {Path.home()}
    answers[0] = str(tmp_path / "lesson.toml")
    window.actions_by_key.trigger("file.export_settings")
    wait(lambda: (tmp_path / "lesson.toml").is_file() and not window.exports.busy)
    answers[0] = ""
    assert folders() == {tmp_path}
    for (
        toast
    ) in window.toasts.shown:  # the settings that were written are told of for longer than the look for timers waits
        toast.dismiss()


def test_a_proposal_keeps_the_name_of_the_open_file(tmp_path):
    settings = Preferences(tmp_path / "settings.ini")
    assert settings.propose(tmp_path / "a" / "mine.spg", "rings") == tmp_path / "a" / "mine.spg"
    settings.remember_folder(tmp_path / "b" / "film.mp4")
    assert settings.propose(tmp_path / "a" / "mine.spg", "rings") == tmp_path / "b" / "mine.spg"
    assert settings.propose(None, "rings") == tmp_path / "b" / "rings"


# Keys of the buttons


def keys_of(dialog: QWidget) -> dict[str, str]:
    """The text of every button that acts, and of every label with a buddy, to its key."""
    choices = ("segment", "tile", "chip")
    texts = [button.text() for button in dialog.findChildren(QPushButton) if button.property("role") not in choices]
    texts += [label.text() for label in dialog.findChildren(QLabel) if label.buddy() is not None]
    assert texts
    return {text: found[1].lower() if (found := re.search(r"&(\w)", text)) else "" for text in texts}


def assert_keys(dialog: QWidget) -> None:
    keys = keys_of(dialog)
    assert all(keys.values()), keys
    assert len(set(keys.values())) == len(keys), keys


def test_every_button_of_the_dialogs_has_a_key_of_its_own(window, tmp_path):
    window.dialogs.show("log")
    window.dialogs.show("report")
    window.dialogs.show("answers")
    window.menu.show_keys()
    show_about(window)
    shown = [
        window.findChild(QWidget, name)
        for name in ("logDialog", "reportDialog", "answersDialog", "keysDialog", "aboutDialog")
    ]
    made = [ExportDialog(kind, tmp_path / "moons", window.preferences, window) for kind in ("video", "picture")]
    boltzmann = BoltzmannWindow(window)
    made += [AuditDialog(window.state, window), PluginsDialog(window.plugins, print, window)]
    for dialog in (*shown, *made, boltzmann):
        assert_keys(dialog)
    assert "It sends nothing by itself" in window.findChild(QMessageBox, "aboutDialog").informativeText()
    assert boltzmann.shutdown(5)
    for dialog in (*shown, *made, boltzmann):
        dialog.close()
    for dialog in (*made, boltzmann):
        dialog.deleteLater()
    QApplication.processEvents()


def test_documentation_opens_the_packaged_pages_and_else_the_published_ones(window, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(help_dialogs.QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    monkeypatch.setattr(help_dialogs, "resource", lambda name: tmp_path / name)
    window.actions_by_key.trigger("help.documentation")
    (tmp_path / "site").mkdir()
    window.actions_by_key.trigger("help.documentation")
    assert opened == [f"{SITE}index.html", QUrl.fromLocalFile(str(tmp_path / "site/index.html")).toString()]


def test_about_names_the_licences_of_the_readme_and_stands_off_both_edges(window):
    show_about(window)
    box = window.findChild(QMessageBox, "aboutDialog")
    wait()
    readme = Path("README.md").read_text(encoding="utf-8").split("- Licences:")[1]
    for licence in ("MIT licence", "OFL 1.1", "CC BY 4.0", "GPL 3"):
        assert licence in readme
        assert licence in box.informativeText()
    text = box.findChild(QLabel, "qt_msgbox_informativelabel")
    left = text.mapTo(box, QPoint()).x()
    assert box.width() - text.mapTo(box, QPoint(text.width(), 0)).x() == pytest.approx(left, abs=8)
    box.close()
    QApplication.processEvents()


def test_every_button_of_the_questions_has_a_key_of_its_own(window, monkeypatch):
    asked = []

    def look(box: QMessageBox) -> int:
        assert_keys(box)
        asked.append(box.objectName())
        return QMessageBox.StandardButton.Cancel.value

    monkeypatch.setattr(QMessageBox, "exec", look)
    FilePrompts(window).save_or_discard("moons.spg")
    file_prompts.may_replace(window, "moons.spg exists already.")
    assert asked == ["unsavedWork", "replaceFile"]
