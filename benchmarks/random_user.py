"""A user who does at random what a window can do, the same for the same seed: for soak.py and kills.py beside this file."""

import math
import random
from collections.abc import Callable
from typing import Any

from playground.app.window import MainWindow
from playground.lab.lessons import load_all

MOST: dict[str, float] = {
    "data.points": 3_000,
    "network.width": 48,
    "network.depth": 3,
    "training.steps": 2_000,
    "training.batch": 512,
    "training.seconds": 20,
    "sampling.particles": 500,
    "sampling.steps": 200,
    "sampling.corrector_steps": 3,
    "noise.levels": 30,
    "objective.target_batch": 500,
    "objective.normalizer_grid": 100,
    "likelihood.points": 40,
    "likelihood.trace_probes": 4,
    "likelihood.dequantization_samples": 2,
}
"""What would only take long, so that more is done in a minute."""
LEAST: dict[str, float] = {"likelihood.tolerance": 1e-4}
NOT_CHOSEN = {"data.kind": ("file", "images")}  # they need a file
NOT_SET = ("data.path",)
COMMANDS = (
    ("train.toggle", 6),
    ("train.reset", 1),
    ("train.replay", 1),
    ("train.step", 2),
    ("train.step_back", 2),
    ("sample.play", 2),
    ("sample.step", 2),
    ("sample.step_back", 1),
    ("sample.start", 1),
    ("sample.end", 2),
    ("sample.restart", 2),
    ("sample.restart_new_seed", 3),
    ("sample.loop", 1),
    ("sample.pin", 2),
    ("measure.density_map", 1),
    ("measure.test_set", 1),
    ("measure.samples", 1),
    ("measure.errors", 1),
    ("measure.clear", 1),
    ("view.fit", 1),
    ("edit.undo", 6),
    ("edit.redo", 4),
    ("edit.copy_picture", 1),
)
"""Commands by how often they are given; those that open a dialog are not among them."""


class RandomUser:
    """Does one thing after another in a window.

    Args:
        window: shown, with a problem built.
        seed: of all choices.
        dialogs: whether windows of their own are opened and closed too.
    """

    def __init__(self, window: MainWindow, seed: int, dialogs: bool = True) -> None:
        self._window, self._random = window, random.Random(seed)
        self._shown = [list(load_all(folder).values()) for folder in ("scenes", "lessons")]
        self._doings: list[tuple[Callable[[], str], int]] = [
            (self._edit, 30),
            (self._command, 30),
            (self._drag, 5),
            (self._layer, 4),
            (self._scrub, 5),
            (self._click, 4),
            (self._draw, 2),
            (self._learn, 2),
            (self._leave, 2),
            (self._delete_run, 1),
            *([(self._theme, 1), (self._dialog, 2)] if dialogs else []),
        ]

    def act(self) -> str:
        """Do one thing.

        Returns:
            What it was.
        """
        (do,) = self._random.choices([do for do, _ in self._doings], [often for _, often in self._doings])
        return do()

    def _value(self, key: str) -> Any:
        field, pick = self._window.state.field(key), self._random
        if field.auto and pick.random() < 0.3:
            return "auto"
        if field.kind == "bool":
            return pick.random() < 0.5
        if field.kind == "choice":
            return pick.choice([choice for choice in field.choices if choice not in NOT_CHOSEN.get(key, ())])
        assert field.minimum is not None
        assert field.maximum is not None
        low, high = max(field.minimum, LEAST.get(key, -math.inf)), min(field.maximum, MOST.get(key, math.inf))
        low = min(low, high)
        if low > 0 and high / low > 50:
            number = math.exp(pick.uniform(math.log(low), math.log(high)))
        else:
            number = pick.uniform(low, high)
        return min(max(round(number), math.ceil(low)), math.floor(high)) if field.kind == "int" else number

    def _edit(self) -> str:
        fields = self._window.state.fields()
        keys = [key for key, field in fields.items() if field.kind not in ("list", "text") and key not in NOT_SET]
        key = self._random.choice(keys)
        value = self._value(key)
        self._window.state.edit({key: value})
        return f"{key} = {value}"

    def _drag(self) -> str:
        """A slider that is dragged: many values, one step."""
        keys = [key for key, field in self._window.state.fields().items() if field.kind == "float"]
        key = self._random.choice(keys)
        for _ in range(8):
            self._window.state.edit({key: self._value(key)}, merge=key)
        return f"drag {key}"

    def _command(self) -> str:
        (key,) = self._random.choices([key for key, _ in COMMANDS], [often for _, often in COMMANDS])
        self._window.actions_by_key.trigger(key)  # nothing, where it cannot be done now
        return key

    def _layer(self) -> str:
        name = self._random.choice(list(self._window.canvas.layers.visible))
        self._window.canvas.layers.toggle(name)
        return f"layer {name}"

    def _scrub(self) -> str:
        recorded = self._window.playing.recorded
        if recorded:
            self._window.playing.seek(self._random.randrange(recorded))
        return "scrub"

    def _click(self) -> str:
        problem = self._window.state.problem
        if problem is not None and not problem.is_image:
            x0, x1, y0, y1 = problem.bounds
            point = self._random.uniform(x0, x1), self._random.uniform(y0, y1)
            (self._window.clicking.go_to if self._random.random() < 0.3 else self._window.clicking.inspect)(point)
        return "click"

    def _draw(self) -> str:
        state = self._window.state
        points = [[self._random.uniform(-2, 2), self._random.uniform(-2, 2)] for _ in range(12)]
        stroke = {"points": points, "radius": 0.2}
        if "data.strokes" in state.fields():
            return f"stroke {state.edit({'data.strokes': [*state.value('data.strokes'), stroke]})}"
        return f"drawing {state.edit({'data.kind': 'drawn', 'data.strokes': [stroke]})}"

    def _learn(self) -> str:
        lessons = self._window.controllers.lessons
        if lessons.lesson is not None and lessons.scene is None:
            step = lessons.step
            if step is not None and step.question and lessons.answer is None:
                if step.choices:
                    lessons.predict(self._random.randrange(len(step.choices)))
                else:  # a number, or a mark on the canvas
                    lessons.predict(*([step.scale[0]] if step.scale else [0.0, 0.0]))
            elif lessons.may_go_on:
                lessons.go(lessons.place + 1)
            return f"lesson step {lessons.place}"
        lesson = self._random.choice(self._random.choice(self._shown))
        lessons.begin(lesson)
        return f"{'scene' if lesson.is_scene else 'lesson'} {lesson.name}"

    def _leave(self) -> str:
        """Go back to the own work."""
        self._window.controllers.lessons.leave()
        return "leave"

    def _delete_run(self) -> str:
        runs = self._window.controllers.pinning.runs
        if runs:
            self._window.controllers.pinning.delete(self._random.choice(runs))
        return "delete run"

    def _theme(self) -> str:
        name = self._random.choice(("dark", "light"))
        self._window.look.set_theme(name)
        return f"{name} theme"

    def _dialog(self) -> str:
        name = self._random.choice(("history", "runs", "scenes", "log", "palette"))
        self._window.dialogs.show(name)
        self._window.dialogs.made[name].close()
        return f"dialog {name}"
