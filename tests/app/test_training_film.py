"""A film of the training: one picture for each step, all of the same noise and frame."""

from functools import partial
from types import SimpleNamespace

import av
import numpy as np
import pytest

from playground.app.controllers.measurements import learned_score
from playground.app.dialogs.export_dialog import ExportDialog
from playground.app.model.preferences import Preferences
from playground.drawing.film import at_frame, schedule
from playground.drawing.frames import FilmedRun, Style, of_training, write_film
from playground.drawing.layers import Particles, Path, Trails
from playground.drawing.palette import DARK
from playground.drawing.render import PictureError
from playground.drawing.scene import Scene
from playground.lab.compute import result
from playground.lab.sampling import sample
from playground.messages import Message

FRAMES = 21


def stage(number: int, asked: list) -> FilmedRun:
    """A run whose particles all stand at (number, frame)."""
    whole = np.stack([np.full((5, 2), (number, frame), float) for frame in range(FRAMES)])

    class Growing(SimpleNamespace):
        total = FRAMES

        def __len__(self) -> int:
            return len(self.positions)

    def run():
        for length in range(1, FRAMES + 1):
            asked.append((number, length))
            yield Growing(positions=whole[:length])

    def overlay(run, frames):
        yield 0.5
        return lambda scene, frame: at_frame(scene, run.positions, frame)

    return FilmedRun(run, overlay)


def test_each_step_is_sampled_to_the_frame_in_view_and_held_as_long_as_any_other(tmp_path, monkeypatch):
    from playground.drawing import film

    painted, asked = [], []
    real = film.picture

    def picture(scene, width, height, suffix):
        painted.append((scene.particles.positions[0].tolist(), len(scene.trails.positions)))
        assert scene.particles.positions.base is None  # not the memory of a whole run
        assert scene.path is None  # it was measured by the weights of one step
        return real(scene, width, height, suffix)

    monkeypatch.setattr(film, "picture", picture)
    empty = np.zeros((0, 2))
    path = Path(np.zeros((3, 2)))
    scene = Scene(palette=DARK, particles=Particles(empty), trails=Trails(empty[None]), path=path)
    file = tmp_path / "learned.gif"
    frames = partial(of_training, scene, [stage(number, asked) for number in range(4)], 0.5, Style((96, 64)))
    done = list(write_film(frames, file, 3.0, 10))
    assert [place for place, _ in painted] == [[number, 10.0] for number in range(4)]
    assert painted[0][1] == 11  # the trail of the frames before
    assert max(length for _, length in asked) == 11  # no frame beyond the one in view
    assert done[-1] == 1.0
    assert done == sorted(done)
    with av.open(str(file)) as film_file:
        seconds = film_file.duration / av.time_base
    assert seconds == pytest.approx(3.0, abs=0.2)
    held = np.bincount(schedule(4, 3.0, 10))
    assert held[:-1].min() >= 3


def test_a_film_of_few_pictures_samples_only_the_steps_that_it_shows(tmp_path):
    asked = []
    scene = Scene(palette=DARK, particles=Particles(np.zeros((0, 2))), trails=None)
    frames = partial(of_training, scene, [stage(number, asked) for number in range(40)], 0.0, Style((96, 64)))
    for _ in write_film(frames, tmp_path / "a.gif", 1.0, 5):
        pass
    assert 2 <= len({number for number, _ in asked}) <= 5


def test_without_training_there_is_no_film(tmp_path):
    with pytest.raises(PictureError, match="train first"):
        list(write_film(partial(of_training, Scene(), [], 1.0, Style((96, 64))), tmp_path / "a.mp4", 1.0, 5))


def test_the_dialog_asks_what_the_film_shows_and_says_why_there_is_no_training(qtbot, tmp_path):
    preferences = Preferences(tmp_path / "settings.ini")
    dialog = ExportDialog("video", tmp_path / "a.mp4", preferences)
    qtbot.addWidget(dialog)
    assert dialog.form.choice().subject == "run"
    dialog.form.subject.setCurrentIndex(1)
    preferences.set("video", dialog.form.choice())
    other = ExportDialog("video", tmp_path / "a.mp4", preferences)
    qtbot.addWidget(other)
    assert other.form.choice().subject == "training"
    other.form.refuse_training(None)
    assert other.form.choice().subject == "training"
    other.form.refuse_training(Message("x", "Train first."))
    assert other.form.choice().subject == "run"
    assert not other.form.subject.isEnabled()
    assert "Train first." in other.form.subject.toolTip()


def test_the_window_films_its_training_by_the_weights_of_each_step(window, qtbot, tmp_path):
    controllers = window.controllers
    window.state.edit({"training.steps": 200, "network.width": 8, "network.depth": 1})
    qtbot.waitUntil(lambda: not controllers.building.busy)
    assert window.exported.why_no_training is not None
    window.training.start()
    qtbot.waitUntil(lambda: controllers.training.status == "finished")
    controllers.playing.set_playing(False)
    newest = controllers.state.model.newest
    qtbot.waitUntil(lambda: controllers.playing.run.weights is newest)
    controllers.playing.seek(10_000)
    qtbot.waitUntil(lambda: controllers.playing.frame == controllers.playing.total - 1)
    steps = controllers.replaying.steps
    scene = window.canvas.scene(640, 360)
    stages = window.exported.training_film(scene.viewport)
    assert len(stages) == len(steps)
    model, last = controllers.state.model, controllers.playing.total - 1
    for number in (0, 1, len(steps) - 1):
        for run in stages[number].run():  # noqa: B007
            pass
        overlay = result(stages[number].overlay_maker(run, np.array([last])))
        shown = overlay(scene, last)
        assert shown.caption[0].startswith(f"weights of training step {steps[number]}")
        weights = model.newest if steps[number] == steps[-1] else model.training.now.weights_at(steps[number])
        for expected in sample(model.problem, learned_score(model.problem, weights), seed=0):  # noqa: B007
            pass
        np.testing.assert_allclose(shown.particles.positions, expected.positions[-1], rtol=1e-4, atol=1e-4)
    window.exports.video()
    dialog = window.exports.dialog
    dialog.form.path.setText(str(tmp_path / "learned.gif"))
    dialog.form.path.textEdited.emit(dialog.form.path.text())
    dialog.form.subject.setCurrentIndex(1)
    dialog.form.seconds.setValue(1.0)
    dialog.form.fps.setValue(6)
    dialog.form.width_box.setValue(160)
    dialog.form.height_box.setValue(96)
    with qtbot.waitSignal(window.exports.finished):
        dialog.start_button.click()
    assert (tmp_path / "learned.gif").stat().st_size > 1_000
