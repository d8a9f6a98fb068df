"""Opening, saving, recent files and unsaved work."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from playground.app.controllers.documents import Documents
from playground.app.controllers.opening import Opening
from playground.app.model.preferences import Preferences
from playground.app.model.state import State
from playground.app.style.labels import worded
from playground.app.widgets import file_prompts
from playground.app.widgets.file_prompts import FilePrompts
from playground.lab import experiment as experiments
from playground.lab import session
from playground.lab.document import LessonPlace
from playground.lab.experiment import Experiment
from playground.lab.session import Session, SessionError

Answer = QMessageBox.StandardButton


class Workspace(QObject):
    """Stands in for the controllers: remembers what it was given."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        self.is_opening = False
        self.sessions, self.experiments, self.points = [], [], []
        self.broken = set()  # paths that cannot be read
        self.busy = False  # while data are read, nothing can be packed

    def describe_view(self, own):
        return {}

    def when_built(self, call):
        self.built = call

    def pack(self, view):
        if self.busy:
            raise SessionError("Nothing is saved: there are no data yet.")
        points, experiment = np.random.default_rng(0).normal(size=(60, 2)), self.state.experiment
        return lambda: Session(experiment, points, points, view=view)

    def open(self, session):
        self.sessions.append(session)
        self.state.load(session.experiment)

    def begin(self, experiment):
        self.experiments.append(experiment)
        self.state.load(experiment)

    def open_points(self, path, kind, when_safe):
        self.points.append((path, kind))
        self.arrive = lambda: when_safe(lambda: self.take_points(path, kind))
        if path not in self.broken:
            self.arrive()

    def take_points(self, path, kind):
        self.state.edit({"data.kind": kind, "data.path": path})


class Fixture:
    def __init__(self, folder: Path, window: QWidget) -> None:
        self.folder = folder
        self.state = State()
        self.workspace = Workspace(self.state)
        self.settings = Preferences(folder / "settings.ini")
        self.bundled = folder / "opening.spg"  # not there unless a test puts it there
        prompts = FilePrompts(window)
        self.documents = Documents(self.state, self.workspace, self.settings, prompts)
        self.opening = Opening(self.workspace, self.workspace, self.documents, prompts, self.bundled)
        self.conflicts: list[str] = []  # as the window says them
        self.documents.refused.connect(lambda message: self.conflicts.append(worded(message)))

    def saved_session(self, name: str = "a.spg") -> Path:
        path = self.folder / name
        Workspace(State(experiments.replace(Experiment(), {"sampling.seed": 7}))).pack({})().save(path)
        return path


@pytest.fixture
def window(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    return window


@pytest.fixture
def at(tmp_path, window):
    return Fixture(tmp_path, window)


def answer_with(button: Answer, seen: list[str]) -> None:
    """Click a button of the question once it is there."""

    def click() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        seen.append(box.text())
        box.button(button).click()

    QTimer.singleShot(0, click)


def test_session_comes_back_from_its_file(at, qtbot):
    at.state.edit({"sampling.particles": 123})
    path = at.folder / "mine.spg"
    at.documents.path = path
    with qtbot.waitSignal(at.documents.saved) as saved:
        at.documents.save()
    assert saved.args == ["Saved mine.spg."]
    assert not at.state.modified
    at.state.edit({"sampling.particles": 5})
    at.state.undo()
    with qtbot.waitSignal(at.documents.opened):
        at.opening.open(path)
    assert at.workspace.sessions[-1].experiment.sampling.particles == 123
    assert at.documents.path == path


@pytest.mark.parametrize("name", ["", "model.safetensors"])
def test_the_model_of_a_run_from_the_command_line_opens(at, qtbot, name):
    path = at.saved_session("model.safetensors")
    with qtbot.waitSignal(at.documents.opened):
        at.opening.open(at.folder / name)
    assert at.workspace.sessions
    assert at.documents.path == path


def test_a_folder_that_may_not_be_entered_is_left_to_the_reader_of_pictures(at, monkeypatch):
    stat = os.stat

    def refused(path, **options):
        if str(path).endswith("model.safetensors"):
            raise PermissionError(13, "Permission denied")
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", refused)
    at.opening.open(at.folder)
    assert at.workspace.points == [(str(at.folder), "images")]


def test_title_marks_unsaved_work(at, qtbot):
    assert at.documents.title == "Untitled - Score Playground"
    at.state.edit({"sampling.seed": 3})
    assert at.documents.title == "• Untitled - Score Playground"
    at.documents.path = at.folder / "x.spg"
    with qtbot.waitSignal(at.documents.saved):
        at.documents.save()
    assert at.documents.title == "x.spg - Score Playground"


def test_changes_while_a_file_is_written_are_unsaved(at, qtbot):
    at.documents.path = at.folder / "x.spg"
    at.state.edit({"sampling.seed": 3})
    with qtbot.waitSignal(at.documents.saved):
        at.documents.save()
        at.state.edit({"sampling.seed": 4})
    assert at.state.modified
    assert Session.load(at.documents.path).experiment.sampling.seed == 3


def test_experiment_file_replaces_the_settings(at):
    path = at.folder / "e.toml"
    path.write_text("seed = 9\n[noise]\nkind = 'discrete'\n")
    at.opening.open(path)
    assert at.workspace.experiments == [at.state.experiment]
    assert at.state.experiment.sampling.seed == 9
    assert at.state.experiment.noise.kind == "discrete"
    assert not at.state.modified
    assert not at.conflicts


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".npy", ".CSV"])
def test_points_go_to_the_workspace(at, suffix):
    path = at.folder / f"points{suffix}"
    path.write_text("1,2\n")
    at.opening.open(path)
    assert at.workspace.points == [(str(path), "file")]
    assert at.documents.recent() == [path]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "a.docx",
            b"x",
            "a.docx cannot be opened: give a file ending in .spg, .safetensors, .toml, .csv, .tsv, .npy, .npz, .gz, .bin, -ubyte, .ubyte or .lesson.md, or a folder of pictures",
        ),
        ("missing.spg", None, "does not exist"),
        ("empty.spg", b"", "is empty"),
        ("rubbish.spg", bytes(range(256)), "open another .spg file"),
        ("bad.toml", b"[noise]\nsigma_mx = 3\n", "did you mean noise.sigma_max?"),
        ("bad.toml", b"[noise]\nkind = 'discrete'\nlevels = 0\n", "noise.levels = 0 is not allowed: it must be"),
        ("bad.toml", b"[noise\n", "not valid TOML"),
        ("latin.toml", "# \xe9".encode("latin-1"), "not a text file"),
    ],
)
def test_bad_files_give_a_sentence_and_a_line_of_the_log_and_change_nothing(at, qtbot, caplog, name, content, words):
    path = at.folder / name
    if content is not None:
        path.write_bytes(content)
    before = at.state.experiment
    at.opening.open(path)
    qtbot.waitUntil(lambda: bool(at.conflicts))
    (sentence,) = at.conflicts
    assert words in sentence
    assert sentence.endswith((".", "?"))
    (line,) = caplog.messages
    assert words in line
    assert at.state.experiment == before
    assert not at.workspace.sessions
    assert at.documents.recent() == []


def test_a_session_with_wrong_settings_is_refused_with_the_names_of_the_cards(at, qtbot):
    """Its settings cannot be changed in an editor, unlike those of a TOML file."""
    path, points = at.folder / "wrong.spg", np.zeros((60, 2))
    lists = {"axes": '["x", "y"]', "training": "{}", "view": "{}"}
    settings = "noise.kind = 'discrete'\nnoise.levels = 0"
    metadata = {"format": session.FORMAT, "version": "1", "experiment": settings} | lists
    path.write_bytes(safetensors.numpy.save({"data/points": points, "data/held_out": points}, metadata))
    at.opening.open(path)
    qtbot.waitUntil(lambda: bool(at.conflicts))
    start = "wrong.spg holds an experiment that cannot be used: levels L (Noise) = 0 is not allowed"
    assert at.conflicts[0].startswith(start)


@pytest.mark.parametrize("name", ["pictures", "x.spg", "train-images-idx3-ubyte", "mnist.npz", "data_batch_1.bin"])
def test_folders_and_files_of_images_go_to_the_workspace(at, name):
    path = at.folder / name
    if name in ("pictures", "x.spg"):
        path.mkdir()
    else:
        path.write_bytes(b"x")
    at.opening.open(path)
    assert at.workspace.points == [(str(path), "images")]
    assert at.documents.recent() == [path]


def test_failed_save_keeps_the_work_unsaved_and_the_old_file_whole(at, qtbot):
    at.state.edit({"sampling.seed": 3})
    at.documents.path = at.folder / "gone" / "x.spg"
    at.documents.save()
    qtbot.waitUntil(lambda: bool(at.conflicts))
    assert "cannot be written" in at.conflicts[0]
    assert at.state.modified


def test_nothing_is_asked_where_nothing_is_unsaved(at):
    done = []
    at.documents.when_safe(lambda: done.append(1))
    assert done == [1]


@pytest.mark.parametrize(("button", "goes_on"), [(Answer.Discard, True), (Answer.Cancel, False)])
def test_unsaved_work_is_asked_about(at, qtbot, button, goes_on):
    at.state.edit({"sampling.seed": 3})
    done, seen = [], []
    answer_with(button, seen)
    at.documents.when_safe(lambda: done.append(1))
    assert seen == ["Save the changes to Untitled?"]
    assert bool(done) == goes_on
    assert at.state.modified


def files_to_open(folder: Path) -> dict[str, Path]:
    """A file of each kind that can be opened."""
    (folder / "a.toml").write_text("seed = 7\n")
    (folder / "a.csv").write_text("1,2\n3,4\n")
    (folder / "pictures").mkdir()
    return {name: folder / name for name in ("a.spg", "a.toml", "a.csv", "pictures")}


@pytest.mark.parametrize("name", ["a.spg", "a.toml", "a.csv", "pictures"])
def test_a_file_that_cannot_be_read_asks_nothing_about_unsaved_work(at, qtbot, monkeypatch, name):
    at.saved_session()
    path = files_to_open(at.folder)[name]
    if path.is_file():
        path.write_bytes(b"\x10\0\0\0\0\0\0\0{no session}")
    at.workspace.broken.add(str(path))
    asked = []
    monkeypatch.setattr(FilePrompts, "save_or_discard", lambda self, name: asked.append(name))
    at.state.edit({"sampling.seed": 3})
    at.opening.open(path)
    qtbot.waitUntil(lambda: not at.documents.busy and bool(at.conflicts or at.workspace.points))
    assert asked == []


@pytest.mark.parametrize("name", ["a.spg", "a.toml", "a.csv", "pictures"])
@pytest.mark.parametrize("may", [False, None])
def test_a_file_that_was_read_asks_once_and_then_opens_or_not(at, qtbot, monkeypatch, name, may):
    at.saved_session()
    path = files_to_open(at.folder)[name]
    asked = []
    monkeypatch.setattr(FilePrompts, "save_or_discard", lambda self, name: (asked.append(name), may)[1])
    at.state.edit({"sampling.seed": 3})
    at.opening.open(path)
    qtbot.waitUntil(lambda: asked == ["Untitled"])
    opened = bool(at.workspace.sessions or at.workspace.experiments or at.state.experiment.data.file)
    assert opened is (may is False)
    assert at.conflicts == []


def test_a_file_that_is_opened_during_a_save_opens_after_it(at, qtbot):
    at.state.edit({"sampling.seed": 3})
    at.documents.path = at.folder / "x.spg"
    other = at.saved_session()
    at.documents.save()
    assert at.documents.saving
    at.opening.open(other)
    qtbot.waitUntil(lambda: at.state.experiment.sampling.seed == 7)
    assert at.conflicts == []


def test_save_is_written_before_going_on(at, qtbot):
    at.state.edit({"sampling.seed": 3})
    at.documents.path = at.folder / "x.spg"
    done, seen = [], []
    answer_with(Answer.Save, seen)
    at.documents.when_safe(lambda: done.append(Session.load(at.folder / "x.spg").experiment.sampling.seed))
    qtbot.waitUntil(lambda: done == [3])


def test_a_scene_that_is_saved_is_not_the_own_work(at, qtbot, monkeypatch):
    at.state.edit({"sampling.seed": 3})
    at.documents.path = at.folder / "own.spg"
    at.state.put(lesson=LessonPlace("scene", "A scene"), experiment=Experiment())
    monkeypatch.setattr(FilePrompts, "save_path", lambda self, *_: at.folder / "scene.spg")
    at.documents.save()
    qtbot.waitUntil(lambda: not at.documents.saving)
    assert Session.load(at.folder / "scene.spg").experiment == Experiment()
    assert (at.documents.path.name, at.state.modified) == ("own.spg", True)
    done, seen = [], []
    answer_with(Answer.Save, seen)
    at.documents.when_safe(lambda: done.append(Session.load(at.folder / "own.spg").experiment.sampling.seed))
    qtbot.waitUntil(lambda: done == [3])
    assert not at.state.modified


def test_a_save_that_waits_for_data_does_not_write_what_is_shown_since(at):
    at.documents.path = at.folder / "own.spg"
    at.workspace.busy = True
    at.documents.save()
    at.state.put(lesson=LessonPlace("scene", "A scene"))
    at.workspace.busy = False
    at.workspace.built()
    assert not (at.folder / "own.spg").exists()
    assert at.conflicts == ["own.spg is not saved: something else was shown before its data were there."]


def test_a_save_that_fails_does_not_go_on(at, qtbot):
    at.state.edit({"sampling.seed": 3})
    at.documents.path = at.folder / "gone" / "x.spg"
    done, seen = [], []
    answer_with(Answer.Save, seen)
    at.documents.when_safe(lambda: done.append(1))
    qtbot.waitUntil(lambda: bool(at.conflicts))
    assert not done


def test_work_that_is_made_opens_without_a_name_once_unsaved_work_is_safe(at, qtbot, monkeypatch):
    made = experiments.replace(Experiment(), {"data.kind": "rings"})
    points = np.zeros((60, 2))
    asked = []
    monkeypatch.setattr(FilePrompts, "save_or_discard", lambda self, name: asked.append(name))  # Cancel
    at.state.edit({"data.points": 700})
    at.opening.open_made(lambda: made)
    qtbot.waitUntil(lambda: asked == ["Untitled"])
    assert at.state.experiment.data.points == 700
    at.state.mark_saved()
    at.opening.open_made(lambda: Session(made, points, points))
    qtbot.waitUntil(lambda: at.state.experiment == made)
    assert [session.experiment for session in at.workspace.sessions] == [made]
    at.opening.open_made(lambda: Experiment())
    qtbot.waitUntil(lambda: at.state.experiment == Experiment())
    assert at.documents.path is None


@pytest.mark.parametrize("folder", ["", "gone"])
def test_opening_during_a_save_waits_until_the_work_is_saved(at, qtbot, folder):
    at.state.edit({"sampling.seed": 3})
    at.documents.path = at.folder / folder / "x.spg"
    at.documents.save()
    assert at.documents.saving
    done = []
    at.documents.when_safe(lambda: done.append(at.documents.path.exists()))
    assert not done
    qtbot.waitUntil(lambda: not at.documents.saving)
    assert done == ([] if folder else [True])
    assert at.state.modified == bool(folder)


def test_changes_during_a_save_are_asked_about_after_it(at, qtbot):
    at.documents.path = at.folder / "x.spg"
    at.documents.save()
    done, seen = [], []
    at.documents.saved.connect(lambda: answer_with(Answer.Cancel, seen))
    at.documents.when_safe(lambda: done.append(1))
    at.state.edit({"sampling.seed": 3})
    qtbot.waitUntil(lambda: bool(seen))
    assert not done


def test_data_that_arrive_during_a_save_are_not_named_after_it(at, qtbot):
    path = at.folder / "points.csv"
    path.write_text("1,2\n")
    at.workspace.broken.add(str(path))  # not read yet
    at.opening.open(path)
    at.documents.path = at.folder / "x.spg"
    at.documents.save()
    at.workspace.arrive()
    with qtbot.waitSignal(at.documents.saved):
        pass
    assert at.documents.path is None


def test_a_save_waits_for_the_data_of_the_last_change(at, qtbot):
    at.workspace.busy = True
    at.documents.save_to(at.folder / "mine.spg")
    assert not at.documents.saving
    at.workspace.busy = False
    with qtbot.waitSignal(at.documents.saved):
        at.workspace.built()
    assert at.documents.path == at.folder / "mine.spg"
    assert at.conflicts == []


def test_a_save_that_waits_for_data_that_cannot_be_had_is_refused(at):
    at.workspace.busy = True
    at.documents.save_to(at.folder / "mine.spg")
    assert at.conflicts == []
    at.workspace.busy = False
    at.workspace.pack = _no_data
    at.workspace.built()
    assert at.conflicts == ["Nothing is saved: there are no data yet."]


def _no_data(view):
    raise SessionError("Nothing is saved: there are no data yet.")


def test_a_save_that_waits_for_its_data_never_saves_other_work(at, qtbot):
    other = at.saved_session("other.spg")
    before = other.read_bytes()
    at.workspace.busy = True
    at.documents.save_to(at.folder / "mine.spg")
    with qtbot.waitSignal(at.documents.opened):
        at.opening.open(other)
    at.workspace.busy = False
    at.workspace.built()
    assert not at.documents.saving
    assert not (at.folder / "mine.spg").exists()
    assert other.read_bytes() == before


def test_save_asks_for_a_name_once_and_adds_the_ending(at, qtbot, monkeypatch):
    asked = []

    def choose(*arguments):
        asked.append(arguments)
        return str(at.folder / "named"), ""

    monkeypatch.setattr(file_prompts, "save_name", choose)
    for _ in range(2):
        with qtbot.waitSignal(at.documents.saved):
            at.documents.save()
    assert len(asked) == 1
    assert (at.folder / "named.spg").is_file()


def test_the_model_of_a_run_is_saved_as_a_session_beside_it(at, qtbot, monkeypatch):
    """What the run measured, which lies there too, is of that model."""
    model = at.saved_session("model.safetensors")
    before = model.read_bytes()
    with qtbot.waitSignal(at.documents.opened):
        at.opening.open(model)
    at.state.edit({"sampling.seed": 3})
    monkeypatch.setattr(file_prompts, "save_name", lambda *arguments: (arguments[2], ""))
    with qtbot.waitSignal(at.documents.saved):
        at.documents.save()
    assert at.documents.path == at.folder / "model.spg"
    assert model.read_bytes() == before


def test_cancelled_file_dialogs_do_nothing(at, monkeypatch):
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: ("", ""))
    monkeypatch.setattr(file_prompts, "open_name", lambda *_: "")
    at.state.edit({"sampling.seed": 3})
    at.documents.save()
    at.opening.ask_open()
    assert at.state.modified
    assert not at.documents.busy


def test_recent_files_that_are_gone_are_left_out(at, qtbot):
    path = at.saved_session()
    with qtbot.waitSignal(at.documents.opened):
        at.opening.open(path)
    assert at.documents.recent() == [path]
    path.unlink()
    assert at.documents.recent() == []


def test_bundled_session_has_no_name_and_is_no_recent_file(at):
    at.saved_session(at.bundled.name)
    assert at.opening.open_bundled()
    assert at.state.experiment.sampling.seed == 7
    assert at.documents.title == "Untitled - Score Playground"
    assert at.documents.recent() == []
    assert not at.state.modified


def test_missing_or_broken_bundle_leaves_the_defaults(at):
    assert not at.opening.open_bundled()
    at.bundled.write_bytes(b"no")
    assert not at.opening.open_bundled()
    assert at.state.experiment == Experiment()


def test_new_is_what_the_program_opens_with(at):
    at.saved_session(at.bundled.name)
    at.state.edit({"sampling.seed": 3})
    answer_with(Answer.Discard, [])
    at.opening.new()
    assert [session.experiment.sampling.seed for session in at.workspace.sessions] == [7]
    assert at.documents.title == "Untitled - Score Playground"
    assert not at.state.stack.canUndo()


def test_new_without_a_bundle_is_the_default_experiment_afresh(at):
    at.state.load(experiments.replace(Experiment(), {"sampling.seed": 3}))
    at.opening.new()
    assert at.workspace.experiments == [Experiment()]


def put_another_in_place_of(path: Path) -> None:
    Workspace(State(experiments.replace(Experiment(), {"sampling.seed": 99}))).pack({})().save(path)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))  # a clock may be coarse


@pytest.mark.parametrize(("button", "seed"), [(Answer.Yes, 3), (Answer.Cancel, 99)])
@pytest.mark.parametrize("begun", ["opened", "saved"])
def test_a_file_that_changed_on_disk_is_asked_about(at, qtbot, begun, button, seed):
    if begun == "opened":
        path = at.saved_session()
        with qtbot.waitSignal(at.documents.opened):
            at.opening.open(path)
    else:
        path = at.documents.path = at.folder / "a.spg"
        with qtbot.waitSignal(at.documents.saved):
            at.documents.save()
    at.state.edit({"sampling.seed": 3})
    put_another_in_place_of(path)
    seen = []
    answer_with(button, seen)
    at.documents.save()
    assert seen == ["a.spg has changed on disk since it was opened or saved here."]
    qtbot.waitUntil(lambda: not at.documents.busy)
    assert Session.load(path).experiment.sampling.seed == seed
    assert at.state.modified == (button == Answer.Cancel)


def test_a_file_of_ones_own_is_saved_again_without_a_question(at, qtbot):
    path = at.saved_session()
    with qtbot.waitSignal(at.documents.opened):
        at.opening.open(path)
    for seed in (3, 4):
        at.state.edit({"sampling.seed": seed})
        with qtbot.waitSignal(at.documents.saved):
            at.documents.save()
        assert Session.load(path).experiment.sampling.seed == seed


@pytest.mark.parametrize(("button", "seed"), [(Answer.Yes, 3), (Answer.Cancel, 7)])
def test_a_file_under_the_completed_name_is_asked_about(at, qtbot, monkeypatch, button, seed):
    path = at.saved_session("named.spg")
    at.state.edit({"sampling.seed": 3})
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: (str(at.folder / "named"), ""))
    seen = []
    answer_with(button, seen)
    at.documents.save_as()
    assert seen == ["named.spg exists already."]
    qtbot.waitUntil(lambda: not at.documents.busy)
    assert Session.load(path).experiment.sampling.seed == seed


def test_how_long_ago_the_save_was(at, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("playground.app.controllers.documents.time.monotonic", lambda: now[0])
    assert at.documents.saved_text() == ""
    at.state.edit({"sampling.seed": 3})
    assert at.documents.saved_text() == "not saved"
    at.documents.saved_at = 988.0
    assert at.documents.saved_text() == "saved 12 s ago"
    now[0] += 600
    assert at.documents.saved_text() == "saved 10 min ago"


def test_a_save_is_told_with_the_name_that_it_gives(at, qtbot):
    told = []
    at.documents.changed.connect(lambda: told.append((at.documents.name, at.documents.saved_text())))
    with qtbot.waitSignal(at.documents.saved):
        at.documents.save_to(at.folder / "a.spg")
    assert told[-1] == ("a.spg", "saved 0 s ago")


@pytest.mark.parametrize("of_the_session", [False, True])
def test_opened_data_are_not_saved_over_the_session_before_them(at, qtbot, monkeypatch, of_the_session):
    """The session's own file of data too: it may hold other points by now."""
    session, points = at.saved_session("lesson.spg"), at.folder / "points.csv"
    points.write_text("1,2\n")
    if of_the_session:
        held = Session.load(session)
        data = {"data.kind": "file", "data.path": str(points.resolve())}
        dataclasses.replace(held, experiment=experiments.replace(held.experiment, data)).save(session)
    before = session.read_bytes()
    with qtbot.waitSignal(at.documents.changed):
        at.opening.open(session)
    at.opening.open(points)
    assert at.documents.path is None
    proposed = []
    monkeypatch.setattr(file_prompts, "save_name", lambda *arguments, **_: (proposed.append(arguments[2]), ("", ""))[1])
    at.documents.save()
    assert proposed == [str(at.folder / "file.spg")]
    assert session.read_bytes() == before


def test_data_that_cannot_be_read_leave_the_session_its_name(at, qtbot):
    session, rubbish = at.saved_session(), at.folder / "rubbish.csv"
    rubbish.write_bytes(b"\0")
    at.workspace.broken.add(str(rubbish))
    with qtbot.waitSignal(at.documents.changed):
        at.opening.open(session)
    at.opening.open(rubbish)
    at.state.edit({"sampling.seed": 3})
    assert at.documents.path == session


@pytest.mark.parametrize("name", ["other.spg", "", "points.csv"])
def test_an_opened_session_counts_as_saved_on_its_own(at, qtbot, name):
    with qtbot.waitSignal(at.documents.saved):
        at.documents.save_to(at.folder / "a.spg")
    assert at.documents.saved_text() == "saved 0 s ago"
    if name == "other.spg":
        path = at.saved_session(name)
        with qtbot.waitSignal(at.documents.changed):
            at.opening.open(path)
        assert at.documents.saved_text() == ""
    elif name:
        (at.folder / name).write_text("1,2\n")
        at.opening.open(at.folder / name)
        assert at.documents.saved_text() == "not saved"
    else:
        at.opening.new()
        assert at.documents.saved_text() == ""


def test_data_that_cannot_be_read_are_no_recent_file(at):
    path = at.folder / "rubbish.csv"
    path.write_bytes(b"\0")
    at.workspace.broken.add(str(path))
    at.opening.open(path)
    assert at.workspace.points
    assert at.documents.recent() == []
