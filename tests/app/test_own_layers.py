"""Scenes and lessons begin with the default layers, and the user's come back with the own work."""

import numpy as np
import pytest

from playground.app.canvas.legend import LEGEND
from playground.lab.lessons import Lesson, Step

EXACT = {"data": {"kind": "two-gaussians"}, "sampling": {"kind": "langevin", "source": "exact"}}
SCENE = Lesson("a-scene", "A scene", (Step(experiment=EXACT),))
LEARNED = Lesson("other", "Other", (Step(experiment={"data": {"kind": "rings"}}),))
LESSON = Lesson("mine", "A lesson", (Step(experiment=EXACT), Step(text="End.")))
DEFAULT = {entry.key: entry.on for entry in LEGEND}
OF_EXACT = DEFAULT | {"learned": False, "exact": True}


@pytest.fixture
def own(window):
    """Layers that the user chose."""
    for name, on in (("error", True), ("trails", False), ("exact", True)):
        assert window.canvas.layers.visible[name] != on
        window.canvas.layers.set_visible(name, on)
    return dict(window.canvas.layers.visible)


@pytest.mark.parametrize("shown", ["scene", "lesson"])
@pytest.mark.parametrize("undone", [False, True])
def test_they_begin_with_the_default_layers_and_give_back_the_users(window, own, shown, undone):
    lessons, visible = window.controllers.lessons, window.canvas.layers.visible
    lessons.begin(SCENE if shown == "scene" else LESSON)
    assert visible == OF_EXACT
    window.canvas.layers.set_visible("density", False)  # which one may play with
    if undone:
        window.state.stack.setIndex(0)
    else:
        lessons.leave()
    assert lessons.lesson is None
    assert visible == own
    window.state.redo()
    assert visible == OF_EXACT
    window.state.undo()
    assert visible == own


def test_one_after_another_gives_back_the_users_layers(window, own):
    lessons, visible = window.controllers.lessons, window.canvas.layers.visible
    lessons.begin(SCENE)
    window.canvas.layers.set_visible("error", True)
    lessons.begin(LEARNED)
    assert visible == DEFAULT
    lessons.begin(LESSON)
    assert visible == OF_EXACT
    window.canvas.layers.set_visible("trails", False)
    lessons.next()
    assert visible == OF_EXACT | {"trails": False}
    lessons.leave()
    assert visible == own


def test_the_users_layers_are_what_is_kept_for_recovery(window, own):
    window.controllers.lessons.begin(SCENE)
    sessions = window.controllers.sessions
    assert sessions.describe_view(True)["layers"] == own
    assert sessions.describe_view(False)["layers"] == OF_EXACT


def test_settings_and_fields_of_a_scene_stay_with_opened_points_and_one_undo_brings_the_own_work_back(
    window, qtbot, tmp_path
):
    canvas, state = window.canvas, window.state
    canvas.layers.set_visible("error", True)
    own, place = state.experiment, state.stack.index()
    path = tmp_path / "own.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(300, 2)), delimiter=",")
    window.controllers.lessons.begin(SCENE)
    state.edit({"sampling.steps": 7})
    of_scene = state.experiment
    window.controllers.reading.open_points(str(path))
    qtbot.waitUntil(lambda: state.experiment.data.kind == "file")
    assert window.controllers.lessons.scene is None
    assert (state.experiment.noise, state.experiment.sampling.steps) == (of_scene.noise, 7)
    assert canvas.layers.visible["error"]
    followed = state.experiment.sampling.follows
    assert (canvas.layers.visible["learned"], canvas.layers.visible["exact"]) == (
        followed == "learned",
        followed != "learned",
    )
    state.undo()
    assert (state.experiment, state.stack.index()) == (own, place)
