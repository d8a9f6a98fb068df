"""Classes of a folder of pictures keep their names through a session, and strangers' names break nothing."""

from dataclasses import replace

from playground.app.panels import DataPanel
from playground.app.widgets import file_prompts
from playground.lab.session import Session
from tests.data.image_files import save_cats_and_dogs

SAID = "Classes are numbered as their folders are sorted: 0 cats, 1 dogs."


def test_classes_have_their_names_after_file_open(window, qtbot, tmp_path, monkeypatch):
    animals, path = tmp_path / "animals", tmp_path / "mine.spg"
    save_cats_and_dogs(animals)
    notice, controllers = window.panel(DataPanel).notice, window.controllers
    window.opening.open(animals)
    qtbot.waitUntil(lambda: SAID in notice.text.text())
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: (str(path), ""))
    with qtbot.waitSignal(window.documents.saved):
        window.documents.save()
    assert Session.load(path).class_names == ("cats", "dogs")
    assert controllers.state.problem.class_names == ("cats", "dogs")
    window.state.edit({"data.kind": "rings"})
    qtbot.waitUntil(lambda: controllers.state.problem.name == "rings" and notice.text.text() == "")
    window.state.mark_saved()
    window.opening.open(path)
    qtbot.waitUntil(lambda: controllers.state.problem.name == "animals")
    qtbot.waitUntil(lambda: notice.text.text() == SAID)

    # A stranger's file: names as they stand, in the room that there is.
    width, name = notice.width(), "<img src='x' width=9000><h1>" + 200 * "n"
    replace(Session.load(path), class_names=(name, "dogs")).save(tmp_path / "strange.spg")
    window.opening.open(tmp_path / "strange.spg")
    qtbot.waitUntil(lambda: "<img" in notice.text.text())
    assert notice.width() == width
