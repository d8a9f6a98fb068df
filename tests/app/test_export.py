"""Films, pictures and trajectories: what is written, how it is cancelled, and what goes wrong."""

import functools
import re
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from playground.app.canvas.exported import Exported
from playground.app.controllers import exported_files
from playground.app.dialogs import export_dialog
from playground.app.dialogs import exports as exporting
from playground.app.dialogs.export_dialog import CUSTOM, SIZES
from playground.app.dialogs.exports import Exports
from playground.app.model.preferences import Preferences, VideoChoice
from playground.app.model.state import State
from playground.app.style.number_formats import megabytes
from playground.app.widgets import file_prompts
from playground.cli import main
from playground.drawing import film
from playground.drawing.film import at_frame
from playground.drawing.layers import Particles, Trails
from playground.drawing.palette import DARK
from playground.drawing.scene import Scene
from playground.lab import experiment as experiments
from playground.lab.experiment import Experiment
from playground.lab.trajectory import Trajectory
from playground.messages import Message
from tests.app.conftest import apply_theme

FRAMES, PARTICLES = 40, 30


def make_trajectory() -> Trajectory:
    random = np.random.default_rng(0)
    positions = random.normal(size=(FRAMES, PARTICLES, 2)).astype(np.float32)
    sigma = np.geomspace(8, 0.05, FRAMES)
    return Trajectory.from_arrays(
        {"positions": positions, "sigma": sigma, "time": np.linspace(1, 0, FRAMES), "step_size": np.full(FRAMES, 0.01)}
    )


class Growing:
    """Stands in for the first frames of a run."""

    total = FRAMES

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length


class Canvas:
    """Stands in for the view of a run and its canvas: a scene with a run."""

    def __init__(self) -> None:
        self.canvas = self
        self.painted: list[int] = []
        self.positions: list[np.ndarray] = []

    def scene(self, width, height):
        empty = np.zeros((0, 2))
        return Scene(palette=DARK, particles=Particles(empty), trails=Trails(empty[None]))

    def still(self):
        frame, positions = self.playing.frame, self.playing.trajectory.positions
        return lambda width, height: at_frame(self.scene(width, height), positions, frame)

    def width(self):
        return 640

    def height(self):
        return 360

    @property
    def run(self):
        return self.playing.run

    def overlay_makers(self, still=False):
        def show_frame(trajectory, scene, frame):
            shown = at_frame(scene, trajectory.positions, frame)
            self.painted.append(frame)
            self.positions.append(shown.particles.positions)
            return shown

        def overlay(trajectory, frames):
            yield from ()
            return functools.partial(show_frame, trajectory)

        return lambda viewport: overlay


class Window(QWidget):
    """Stands in for the window: a canvas and a run."""

    def __init__(self, folder) -> None:
        super().__init__()
        self.folder = folder
        self.state = State()
        self.run = make_trajectory()
        played = SimpleNamespace(trajectory=self.run, experiment=Experiment())
        self.playing = SimpleNamespace(run=played, trajectory=self.run, frame=FRAMES - 1)
        sampling = SimpleNamespace(trajectory_iterator=lambda: lambda: iter([self.run]))
        self.controllers = SimpleNamespace(
            sampling=sampling,
            playing=self.playing,
            comparing=SimpleNamespace(is_active=False),
            following=None,
            state=self.state,
        )
        self.canvas = Canvas()
        self.canvas.playing = self.playing


class Films(Exported):
    """Exports the stand-ins."""

    why_no_training = Message("nothing-trained", "Train first.")

    def overlay_makers(self, still=False):
        return self._view.overlay_makers(still=still) if still else self._view.overlay_makers()


def exported(window: Window) -> Exported:
    return Films(window.controllers, SimpleNamespace(views=[window.canvas]))


@pytest.fixture
def window(qtbot, tmp_path):
    window = Window(tmp_path)
    qtbot.addWidget(window)
    return window


@pytest.fixture
def exports(window, tmp_path):
    exports = Exports(
        exported(window),
        Preferences(tmp_path / "settings.ini"),
        lambda: window.folder / "mine.spg",
        window,
    )
    yield exports
    assert exports.shutdown(20.0)


def trajectory(window):
    return exported_files.trajectory(window.controllers.sampling.trajectory_iterator())


def open_video(exports, *, seconds=1.0, fps=10, size=(160, 96)):
    exports.video()
    dialog = exports.dialog
    dialog.form.seconds.setValue(seconds)
    dialog.form.fps.setValue(fps)
    dialog.form.width_box.setValue(size[0])
    dialog.form.height_box.setValue(size[1])
    return dialog


def press(qtbot, dialog, name):
    qtbot.mouseClick(dialog.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".webm", "vp9"), (".gif", "gif")])
def test_film_has_the_chosen_size_length_and_rate(exports, window, qtbot, tmp_path, suffix, codec):
    dialog = open_video(exports)
    dialog.form.format.setCurrentIndex(dialog.form.format.findData(suffix))
    assert dialog.form.path.text() == str(tmp_path / f"mine{suffix}")
    with qtbot.waitSignal(exports.finished) as done:
        press(qtbot, dialog, "startExport")
    sentence, path = done.args
    assert sentence.startswith(f"Exported mine{suffix}, ")
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert codec in stream.codec_context.name
        assert (stream.width, stream.height) == (160, 96)
        times = [float(frame.pts * frame.time_base) for frame in container.decode(stream)]
    assert times[-1] - times[0] == pytest.approx(0.9, abs=0.01)
    # The last half is held: a GIF has its picture there at the end alone, beside where it began.
    assert len(times) == (6 if suffix == ".gif" else 10)
    assert window.canvas.painted[0] == 0
    assert window.canvas.painted[-1] == FRAMES - 1
    assert exports.dialog is None


def test_cancel_leaves_no_file_and_lets_one_try_again(exports, qtbot, tmp_path):
    dialog = open_video(exports, seconds=60, fps=60)
    press(qtbot, dialog, "startExport")
    qtbot.waitUntil(lambda: dialog.bar.value() > 0)
    assert re.match(r"\d+%", dialog.status.text())
    press(qtbot, dialog, "cancelExport")
    qtbot.waitUntil(lambda: not exports.busy)
    assert dialog.isVisible()
    assert dialog.status.text() == "Cancelled; nothing was written."
    assert not [path for path in tmp_path.iterdir() if "mine" in path.name]
    dialog.form.seconds.setValue(1)
    with qtbot.waitSignal(exports.finished):
        press(qtbot, dialog, "startExport")


def test_quitting_in_the_middle_leaves_no_file(exports, qtbot, tmp_path):
    press(qtbot, open_video(exports, seconds=60, fps=60), "startExport")
    qtbot.wait(200)
    assert exports.shutdown(20.0)
    assert not [path for path in tmp_path.iterdir() if "mine" in path.name]


def test_picture_has_the_chosen_size(exports, qtbot, tmp_path):
    exports.picture()
    dialog = exports.dialog
    dialog.form.width_box.setValue(502)
    dialog.form.height_box.setValue(302)
    with qtbot.waitSignal(exports.finished):
        press(qtbot, dialog, "startExport")
    image = QImage(str(tmp_path / "mine.png"))
    assert (image.width(), image.height()) == (502, 302)


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_a_drawing_has_the_words_that_were_chosen(exports, window, qtbot, tmp_path, suffix):
    exports.picture()
    dialog = exports.dialog
    dialog.form.format.setCurrentIndex(dialog.form.format.findData(suffix))
    dialog.form.legend.setChecked(False)
    with qtbot.waitSignal(exports.finished):
        press(qtbot, dialog, "startExport")
    content = (tmp_path / f"mine{suffix}").read_bytes()
    assert content.startswith(b"%PDF" if suffix == ".pdf" else b"<?xml")
    if suffix == ".svg":
        assert window.state.experiment.sampling.title in content.decode()
        assert ">particles<" not in content.decode()
    exports.picture()  # the choices are remembered
    assert exports.dialog.form.format.currentData() == suffix
    assert (exports.dialog.form.caption.isChecked(), exports.dialog.form.legend.isChecked()) == (True, False)


def test_a_picture_is_of_the_frame_at_which_its_dialog_opened(exports, window, qtbot, tmp_path):
    """Also where the run plays on or makes way for another meanwhile."""
    window.playing.frame = 3
    seen = window.run.positions[3]
    exports.picture()
    window.playing.frame = 20
    window.playing.trajectory = make_trajectory()
    window.playing.frame = 30
    with qtbot.waitSignal(exports.finished):
        press(qtbot, exports.dialog, "startExport")
    assert window.canvas.painted == [3]
    assert np.array_equal(*window.canvas.positions, seen)


def test_theme_can_differ_from_the_window(exports, qtbot, tmp_path):
    exports.picture()
    exports.dialog.form.theme.setCurrentIndex(exports.dialog.form.theme.findData("light"))
    with qtbot.waitSignal(exports.finished):
        press(qtbot, exports.dialog, "startExport")
    assert QImage(str(tmp_path / "mine.png")).pixelColor(3, 40).lightness() > 200


def test_trajectory_as_numpy_and_as_text(exports, window, qtbot, tmp_path):
    with qtbot.waitSignal(exports.finished):
        exports.write(trajectory(window), tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as file:
        np.testing.assert_array_equal(file["positions"], window.run.positions)
        np.testing.assert_array_equal(file["sigma"], window.run.sigma)
    with qtbot.waitSignal(exports.finished):
        exports.write(trajectory(window), tmp_path / "run.csv")
    rows = np.loadtxt(tmp_path / "run.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(rows[:, 2:4].reshape(FRAMES, PARTICLES, 2), window.run.positions, rtol=1e-6)


@pytest.mark.parametrize("name", ["run.npz", "run.csv"])
def test_a_trajectory_that_is_still_sampled_is_completed(exports, window, qtbot, tmp_path, name):
    whole = window.run
    arrays = {key: array[:2] if len(array) == FRAMES else array for key, array in whole.arrays().items() if array.ndim}
    window.run = window.playing.trajectory = type(whole).from_arrays(whole.arrays() | arrays)
    window.controllers.sampling.trajectory_iterator = lambda: lambda: iter([window.run, whole])
    with qtbot.waitSignal(exports.finished):
        exports.write(trajectory(window), tmp_path / name)
    if name.endswith(".npz"):
        with np.load(tmp_path / name) as file:
            np.testing.assert_array_equal(file["positions"], whole.positions)
    else:
        assert len((tmp_path / name).read_text(encoding="utf-8").splitlines()) == 1 + FRAMES * PARTICLES


DRAWN = {
    "data.kind": "drawn",
    "data.strokes": [{"points": [[-1.0, 0.0], [1.0, 0.5]], "radius": 0.2}],
    "data.points": 500,
    "training.steps": 5,
    "sampling.particles": 10,
    "sampling.steps": 5,
    "likelihood.points": 10,
}


def exported_settings(exports, window, qtbot, monkeypatch, path, shown=None):
    """Export them by the menu's dialog, in which a name is typed; what it proposed is appended to `shown`."""

    def ask(parent, title, proposed, filters):
        (shown if shown is not None else []).append((title, proposed, filters))
        return str(path), filters

    monkeypatch.setattr(file_prompts, "save_name", ask)
    with qtbot.waitSignal(exports.finished) as done:
        exports.save(exported_files.settings(window.state.experiment))
    return done.args


def test_settings_come_back_as_they_were_set_and_run_without_a_window(exports, window, qtbot, tmp_path, monkeypatch):
    assert window.state.edit(DRAWN)
    asked = []
    sentence, path = exported_settings(exports, window, qtbot, monkeypatch, tmp_path / "lesson", asked)
    assert asked == [("Export settings", str(tmp_path / "mine.toml"), "Experiments (*.toml)")]
    assert path == str(tmp_path / "lesson.toml")
    assert sentence == "Exported lesson.toml, 1 kB."
    assert (tmp_path / "lesson.toml").read_text(encoding="utf-8").startswith('# provenance = {"version": ')
    found = experiments.load(path)
    assert found == window.state.experiment
    assert found.training.batch == found.noise.sigma_max == "auto"
    assert main(["run", path, "--out", str(tmp_path / "out"), "--device=cpu"]) == 0
    assert window.state.modified  # what was trained is in no file


@pytest.mark.parametrize(
    ("data", "named"), [("points.csv", "points.csv"), ("set/a.csv", "set/a.csv"), ("../points.csv", None)]
)
def test_data_beside_the_settings_are_named_from_there(exports, window, qtbot, tmp_path, monkeypatch, data, named):
    (tmp_path / "lesson").mkdir()
    points = (tmp_path / "lesson" / data).resolve()
    window.state.edit({"data.kind": "file", "data.path": str(points)})
    _, path = exported_settings(exports, window, qtbot, monkeypatch, tmp_path / "lesson/mine.toml")
    assert experiments.parse((tmp_path / "lesson/mine.toml").read_text()).data.path == (named or str(points))
    assert experiments.load(path) == window.state.experiment


def test_exported_settings_tell_nothing_of_other_data_looked_at_before(exports, window, qtbot, tmp_path, monkeypatch):
    window.state.edit(DRAWN)
    window.state.edit({"data.kind": "file", "data.path": str(tmp_path / "private.csv")})
    window.state.edit({"data.kind": "rings"})
    _, path = exported_settings(exports, window, qtbot, monkeypatch, tmp_path / "lesson")
    assert experiments.load(path).data.kind == "rings"
    written = Path(path).read_text()
    assert "private" not in written
    assert "strokes" not in written
    assert window.state.replaced_by({"data.kind": "drawn"}).data.strokes  # there again when the drawing is chosen


@pytest.mark.parametrize(
    ("choice", "typed", "name", "begins"),
    [
        ("Short script (*.py)", "mine", "mine.py", "import playground as sp"),
        ("Short script (*.py)", "mine.ipynb", "mine.ipynb", '{\n "cells"'),
        ("Short notebook (*.ipynb)", "mine", "mine.ipynb", '{\n "cells"'),
        ("Stand-alone folder of torch and numpy (*.zip)", "mine", "mine.zip", '"""Two moons, '),
        ("Stand-alone folder of torch and numpy (*.zip)", "mine.py", "mine.py.zip", '"""Two moons, '),
    ],
)
def test_a_script_is_saved_in_each_form(exports, window, qtbot, tmp_path, monkeypatch, choice, typed, name, begins):
    offered = []

    def ask(parent, title, proposed, filters):
        offered.extend(filters.split(";;"))
        assert Path(proposed).suffix == ""  # or it would decide, whatever type is chosen
        return str(tmp_path / typed), choice

    monkeypatch.setattr(file_prompts, "save_name", ask)
    with qtbot.waitSignal(exports.finished) as done:
        exports.save(exported_files.script(window.state.experiment, None))
    assert choice in offered
    path = tmp_path / name
    ending = path.suffix
    assert done.args[1] == str(path)
    if ending == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(f"{path.stem}/experiment.py").decode()
            assert f"{path.stem}/playground/theory/samplers/reverse.py" in archive.namelist()
    else:
        text = path.read_text(encoding="utf-8")
    head, _, below = text.partition("\n")
    assert (text if ending == ".ipynb" else below).startswith(begins)
    assert head.startswith("{" if ending == ".ipynb" else "# provenance = {")


def test_settings_that_cannot_be_written_leave_a_sentence(exports, window, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(
        file_prompts, "save_name", lambda *_: (str(tmp_path / "gone" / "mine.toml"), "Experiments (*.toml)")
    )
    with qtbot.waitSignal(exports.failed) as failed:
        exports.save(exported_files.settings(window.state.experiment))
    assert str(failed.args[0]).endswith(
        "mine.toml cannot be written (no such file or directory): choose another folder."
    )


def test_the_dialog_of_a_film_stays_open_while_other_things_are_exported(exports, window, qtbot, tmp_path):
    dialog = open_video(exports)
    with qtbot.waitSignal(exports.finished):
        exports.write(exported_files.settings(window.state.experiment), tmp_path / "mine.toml")
    with qtbot.waitSignal(exports.failed):
        exports.write(exported_files.settings(window.state.experiment), tmp_path / "gone/mine.toml")
    assert exports.dialog is dialog
    assert dialog.isVisible()
    assert not exports.in_dialog  # so that the window does
    with qtbot.waitSignal(exports.finished):
        press(qtbot, dialog, "startExport")
    assert exports.dialog is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Give the file a name."),
        ("film.avi", ".avi is not a format for a video: end the name in .mp4, .webm, .gif."),
        ("film", "A name without ending is not a format"),
        ("nowhere/film.mp4", "The folder"),
    ],
)
def test_bad_names_are_refused_before_anything_starts(exports, qtbot, tmp_path, name, words):
    dialog = open_video(exports)
    dialog.form.path.setText(str(tmp_path / name) if name else "")
    press(qtbot, dialog, "startExport")
    assert words in dialog.status.text()
    assert not exports.busy


def test_a_folder_in_the_way_is_a_sentence_and_the_dialog_stays(exports, qtbot, tmp_path):
    (tmp_path / "taken.mp4").mkdir()
    dialog = open_video(exports)
    dialog.form.path.setText(str(tmp_path / "taken.mp4"))
    with qtbot.waitSignal(exports.failed) as failed:
        press(qtbot, dialog, "startExport")
    assert "taken.mp4 cannot be written" in str(failed.args[0])
    assert str(failed.args[0]).endswith(": choose another name.")
    assert exports.in_dialog
    assert dialog.isVisible()
    assert dialog.start_button.isEnabled()


@pytest.mark.parametrize("kind", ["video", "picture"])
def test_a_name_that_is_too_long_is_told_in_a_dialog_that_grows_no_wider(exports, qtbot, tmp_path, kind):
    getattr(exports, kind)()
    dialog = exports.dialog
    width = dialog.width()
    dialog.form.path.setText(str(tmp_path / (300 * "n" + dialog.form.format.currentData())))
    with qtbot.waitSignal(exports.failed) as failed:
        press(qtbot, dialog, "startExport")
    assert str(failed.args[0]).endswith("(file name too long): give it a shorter name.")
    qtbot.wait(50)
    assert dialog.width() == width
    assert dialog.status.height() >= dialog.status.heightForWidth(dialog.status.width())  # and every line is seen
    dialog.form.path.setText(str(tmp_path / ("m" * 300) / f"a{dialog.form.format.currentData()}"))
    press(qtbot, dialog, "startExport")
    assert dialog.failure.endswith("does not exist.")
    qtbot.wait(50)
    assert dialog.width() == width


def test_an_unforeseen_error_is_a_sentence_too(exports, window, qtbot, caplog):
    def broken():
        yield from ()
        raise KeyError("no such weight")

    window.controllers.sampling.trajectory_iterator = lambda: broken
    dialog = open_video(exports)
    with qtbot.assertNotEmitted(exports.failed):  # an error of the program: told with the log, and once
        press(qtbot, dialog, "startExport")
        qtbot.waitUntil(lambda: not exports.busy)
    assert "KeyError" in dialog.status.text()
    (record,) = (record for record in caplog.records if getattr(record, "sentence", ""))
    assert record.sentence == dialog.status.text()


def test_no_run_yet(exports, window, qtbot):
    window.controllers.sampling.trajectory_iterator = lambda: lambda: iter(())
    with qtbot.waitSignal(exports.failed) as failed:
        press(qtbot, open_video(exports), "startExport")
    assert str(failed.args[0]) == "There is no run to export yet: press play first."


def test_only_one_export_at_a_time(exports, window, qtbot, tmp_path):
    press(qtbot, open_video(exports, seconds=60, fps=60), "startExport")
    with qtbot.waitSignal(exports.failed) as failed:
        exports.write(trajectory(window), tmp_path / "run.npz")
    assert str(failed.args[0]) == "mine.mp4 is still being exported: wait for it, or cancel it."
    assert not exports.in_dialog  # the dialog is that of the other one
    exports.cancel()
    qtbot.waitUntil(lambda: not exports.busy)
    assert not (tmp_path / "run.npz").exists()


def test_a_picture_that_is_cancelled_while_it_is_painted_is_not_written(exports, window, qtbot, monkeypatch, tmp_path):
    painting, go_on = threading.Event(), threading.Event()
    real = film.picture

    def picture(*args):
        painting.set()
        assert go_on.wait(20)
        return real(*args)

    monkeypatch.setattr(film, "picture", picture)
    exports.picture()
    try:
        press(qtbot, exports.dialog, "startExport")
        qtbot.waitUntil(painting.is_set)
        exports.cancel()
        with qtbot.waitSignal(exports.failed) as failed:  # its thread would write after this one
            exports.write(trajectory(window), tmp_path / "run.npz")
    finally:
        go_on.set()
    assert str(failed.args[0]) == "mine.png is still being cancelled: wait a moment."
    qtbot.waitUntil(lambda: not exports.busy)
    assert not list(tmp_path.glob("mine*"))
    assert not (tmp_path / "run.npz").exists()


@pytest.mark.parametrize("lengths", [(FRAMES,), (4, 20, FRAMES)])
@pytest.mark.parametrize("prepares", [(), (0.1, 0.6, 1.0)])
def test_the_progress_of_a_film_begins_at_nothing_and_never_falls(window, monkeypatch, tmp_path, lengths, prepares):
    """Of a finished run or one that grows, with maps that must be computed before or none."""
    runs = [Growing(length) for length in lengths]
    monkeypatch.setattr(window.controllers.sampling, "trajectory_iterator", lambda: lambda: iter(runs))

    def overlay(run, frames):
        yield from prepares
        return lambda scene, frame: scene

    monkeypatch.setattr(window.canvas, "overlay_makers", lambda: lambda viewport: overlay)
    done = list(exported(window).film()(VideoChoice(width=64, height=48, seconds=1.0, fps=10), tmp_path / "a.mp4"))
    assert done == sorted(done)
    assert done[0] < 0.15
    assert done[-1] == 1.0


def test_choices_are_remembered_and_presets_follow_the_numbers(exports, qtbot):
    dialog = open_video(exports, size=(1920, 1080))
    assert dialog.form.size_preset.currentText() == SIZES[1][0]
    dialog.form.width_box.setValue(300)
    assert dialog.form.size_preset.currentText() == CUSTOM
    dialog.form.height_box.setValue(200)
    with qtbot.waitSignal(exports.finished):
        press(qtbot, dialog, "startExport")
    exports.video()
    again = exports.dialog
    assert (again.form.width_box.value(), again.form.height_box.value(), again.form.fps.value()) == (300, 200, 10)


def test_every_control_has_a_name_and_a_tip(exports):
    dialog = open_video(exports)
    for control in (
        dialog.form.path,
        dialog.form.format,
        dialog.form.size_preset,
        dialog.form.width_box,
        dialog.form.seconds,
        dialog.form.theme,
    ):
        assert control.accessibleName()
        assert control.toolTip()


def test_an_odd_size_is_mended_in_view(exports, qtbot):
    dialog = open_video(exports)
    dialog.activateWindow()
    dialog.form.width_box.setFocus()
    qtbot.waitUntil(dialog.form.width_box.hasFocus)
    dialog.form.width_box.selectAll()
    qtbot.keyClicks(dialog.form.width_box, "321")
    qtbot.keyClick(dialog.form.width_box, Qt.Key.Key_Tab)
    assert dialog.form.width_box.text() == "320"
    assert dialog.form.choice().width == 320
    assert any("even" in label.text() for label in dialog.findChildren(QLabel))


def test_controls_are_disabled_while_an_export_runs(exports, qtbot):
    apply_theme(QApplication.instance(), DARK)
    dialog = open_video(exports)
    looks = []
    for running in (False, True):
        dialog.set_running(running)
        qtbot.wait(20)
        image = dialog.form.width_box.grab().toImage()
        looks.append({image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())})
    dialog.set_running(False)
    assert DARK.text in looks[0]
    assert DARK.text not in looks[1]


@pytest.mark.parametrize("replace", [False, True])
def test_a_file_that_is_there_is_replaced_only_when_asked(exports, qtbot, tmp_path, monkeypatch, replace):
    (tmp_path / "mine.mp4").write_bytes(b"old")
    asked = []
    monkeypatch.setattr(export_dialog, "may_replace", lambda parent, sentence: asked.append(sentence) or replace)
    dialog = open_video(exports)
    press(qtbot, dialog, "startExport")
    assert exports.busy == replace
    qtbot.waitUntil(lambda: not exports.busy)
    assert asked == ["mine.mp4 exists already."]
    assert ((tmp_path / "mine.mp4").read_bytes() == b"old") != replace


def test_the_file_dialog_has_asked_already(exports, qtbot, tmp_path, monkeypatch):
    path = tmp_path / "other.mp4"
    path.write_bytes(b"old")
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: (str(path), ""))
    monkeypatch.setattr(export_dialog, "may_replace", lambda *_: pytest.fail("asked twice"))
    dialog = open_video(exports)
    dialog.form._browse()
    with qtbot.waitSignal(exports.finished):
        press(qtbot, dialog, "startExport")
    assert path.read_bytes() != b"old"


@pytest.mark.parametrize("replace", [False, True])
def test_a_completed_name_of_a_trajectory_asks_before_it_replaces(
    exports, window, qtbot, tmp_path, monkeypatch, replace
):
    path = tmp_path / "run.csv"
    path.write_text("old")
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: (str(tmp_path / "run"), "values (*.csv)"))
    monkeypatch.setattr(file_prompts, "may_replace", lambda parent, sentence: replace)
    exports.save(trajectory(window))
    qtbot.waitUntil(lambda: not exports.busy)
    assert (path.read_text() == "old") != replace


@pytest.mark.parametrize("replace", [False, True])
def test_a_completed_name_of_a_film_asks_at_once_and_keeps_its_dots(exports, qtbot, tmp_path, monkeypatch, replace):
    """The full stop of "run 0.72" begins no format."""
    path = tmp_path / "run 0.72.mp4"
    path.write_bytes(b"old")
    monkeypatch.setattr(file_prompts, "save_name", lambda *_: (str(path.with_suffix("")), ""))
    asked = []
    monkeypatch.setattr(file_prompts, "may_replace", lambda parent, sentence: asked.append(sentence) or replace)
    monkeypatch.setattr(export_dialog, "may_replace", lambda *_: pytest.fail("asked twice"))
    dialog = open_video(exports)
    before = dialog.form.path.text()
    dialog.form._browse()
    assert asked == ["run 0.72.mp4 exists already."]
    assert dialog.form.path.text() == (str(path) if replace else before)
    press(qtbot, dialog, "startExport")
    qtbot.waitUntil(lambda: not exports.busy)
    assert (path.read_bytes() == b"old") != replace


def test_the_canvas_is_copied_as_it_is_at_twice_its_pixels(exports, window):
    window.playing.frame = 3
    exports.copy_picture()
    first = QApplication.clipboard().image()
    assert (first.width(), first.height()) == (2 * window.canvas.width(), 2 * window.canvas.height())
    window.playing.frame = 20
    exports.copy_picture()
    assert QApplication.clipboard().image() != first


def test_a_gif_has_a_size_and_rate_of_its_own_unless_others_were_chosen(exports):
    exports.video()
    dialog = exports.dialog

    def chosen():
        return dialog.form.width_box.value(), dialog.form.height_box.value(), dialog.form.fps.value()

    video = chosen()
    dialog.form.format.setCurrentIndex(dialog.form.format.findData(".gif"))
    assert chosen() == (480, 270, 10)
    dialog.form.format.setCurrentIndex(dialog.form.format.findData(".webm"))
    assert chosen() == video
    dialog.form.fps.setValue(25)
    dialog.form.format.setCurrentIndex(dialog.form.format.findData(".gif"))
    assert chosen() == (*video[:2], 25)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_the_size_is_said_while_a_film_is_written(exports, qtbot, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(exporting, "SIZED", 0.0)  # the film may be written within half a second
    dialog = open_video(exports, seconds=4.0, fps=20, size=(640, 360))
    dialog.form.format.setCurrentIndex(dialog.form.format.findData(suffix))
    dialog.form.width_box.setValue(640)
    said, show, measure, looked = [], dialog.set_progress, exporting.size_so_far, threading.Event()

    def set_progress(*progress):
        show(*progress)
        said.append((progress[1], dialog.status.text()))
        if progress[1]:
            looked.set()

    def size_so_far(path):
        if sized:  # the window looks now and then: the film waits for it once, however fast it is written
            looked.wait(30.0)
        sized[:] = [size] if (size := measure(path)) else []
        return size

    sized: list[int] = []
    dialog.set_progress = set_progress
    monkeypatch.setattr(exporting, "size_so_far", size_so_far)
    with qtbot.waitSignal(exports.finished) as finished:
        press(qtbot, dialog, "startExport")
    size = (tmp_path / f"mine{suffix}").stat().st_size
    sizes = [so_far for so_far, _ in said]
    assert sizes == sorted(sizes)
    assert 0 < max(sizes) <= size
    assert all(not so_far or megabytes(so_far) in text for so_far, text in said)
    assert finished.args[0] == f"Exported mine{suffix}, {megabytes(size)}."
