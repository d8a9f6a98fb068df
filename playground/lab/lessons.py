"""Lessons: steps that each set a scene, ask for a prediction, measure the answer, and then explain it.

A lesson is a Markdown file, ``NAME.lesson.md``. Its heads are TOML between lines ``+++``. The first head is the lesson's;
each other head begins a step. In a step, the text comes before a line ``---`` and the explanation after it::

    +++
    title = "Why Langevin gets the weights wrong"
    topic = "Langevin dynamics"
    +++

    +++
    scene = "langevin-weights"
    question = "What share of the particles ends in the right mode?"
    scale = [0.0, 1.0]
    check = { key = "mode_weights", index = 0 }
    +++
    Four of five data points lie in the right mode.

    ---
    You said {you}; measured is {measured}. Between the modes the score does not know their weights.

The program measures the answer when it is needed; it is never stored. A lesson is data only: a file from a stranger runs
no code. This module imports no torch.
"""

import functools
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from playground.lab import experiment as experiments
from playground.lab.columns import needs_training
from playground.lab.experiment import Described, Experiment, ExperimentError, every_field, files
from playground.lab.live_equation import LiveEquation
from playground.lab.scenes import PLACES, Figure, SceneFile, check, check_fields, filled_in, load_bundled
from playground.messages import Message
from playground.resources import resource

SUFFIX = ".lesson.md"
LONGEST = 200_000
"""Most characters of a file."""
FARTHEST = 1e9  # of a scale
MOST_WORDS = 80
"""Most words of a step's text, and of its explanation."""
NEGLIGIBLE = 1e-4  # of the larger coordinate of a place: the other one is 0 up to the solver's error
ANSWER = "measured"
"""The name of a step's figure; for a place, the beginning of the names of its two coordinates."""
NUMBERS = ("int", "float")  # kinds of settings that an equation may name
SURE = 2.0
"""Standard errors that a measured answer keeps from every bound of the choices."""
RESERVED = frozenset({ANSWER, f"{ANSWER}_x", f"{ANSWER}_y", "you", "you_x", "you_y", "distance"})
COLUMNS = ("lesson", "step", "question", "answer", "measured", "right")
"""Of a file of answers."""


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer to choose, and the values of the figure for which it is right.

    Attributes:
        text: the answer.
        at_least, below: bounds of the figure; a missing bound means that there is none on that side.
    """

    text: str
    at_least: float | None = None
    below: float | None = None

    def holds(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.below is None or value < self.below)


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The head of a lesson."""

    title: str
    topic: str = ""


class StepHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The head of a step.

    Attributes:
        scene: name of a bundled scene, whose settings are used.
        experiment: settings by section, instead of a scene or as changes to it.
        question: what is to be predicted; a step without a question is only text.
        choices: answers to choose from.
        scale: the ends of a scale on which a number is given, instead of choices.
        mark: a place on the canvas is marked, instead of choices. The value is the largest distance from the measured
            place that counts as right, in the data's unit.
        check: the figure that is the answer; for a mark, a figure that is a place.
        figures: further figures that are measured for the explanation, by name.
        equation: LaTeX, in which settings and what is measured may have a symbol and a value, see
            :mod:`playground.lab.live_equation`.
        highlight: the setting that the step is about.
    """

    scene: str = ""
    experiment: dict[str, Any] = {}
    question: str = ""
    choices: tuple[Choice, ...] = ()
    scale: tuple[float, float] | None = None
    mark: float | None = None
    check: Figure | None = None
    figures: dict[str, Figure] = {}
    equation: str = ""
    highlight: str = ""


@dataclass(frozen=True)
class Step:
    """One step of a lesson.

    Attributes:
        text: Markdown that is shown at once.
        explanation: Markdown that is shown once the answer is measured, with {you} and {measured} in it.
    """

    head: StepHead
    text: str
    explanation: str

    @functools.cached_property
    def settings(self) -> Experiment | None:
        """The settings that the step loads; None if the settings stay as they are."""
        scene = load_bundled().get(self.head.scene)
        if scene is None and not self.head.experiment:
            return None
        return experiments.from_file(self.head.experiment, Experiment() if scene is None else scene.settings)

    @functools.cached_property
    def answer_settings(self) -> Experiment | None:
        """The settings with which the answer is measured; :attr:`settings` if they need a training of their own."""
        before, asked = self.settings, self.head.check
        if before is None or asked is None:
            return before
        after = experiments.from_file(asked.settings, before)
        trained = before.sampling.follows == "learned" and before.data == after.data
        alone = after.sampling.follows == "learned" and (not trained or needs_training(before, after))
        return before if alone else after

    @functools.cached_property
    def equation_names_answer(self) -> bool:
        """Whether the equation is about what is to be predicted, and would tell it too early."""
        return not LiveEquation(self.head.equation).names.isdisjoint((ANSWER, f"{ANSWER}_x", f"{ANSWER}_y"))

    @functools.cached_property
    def scene(self) -> SceneFile:
        """What is to be measured."""
        head = self.head
        assert head.check is not None
        if head.mark is None:
            asked = {ANSWER: head.check}
        else:
            asked = {f"{ANSWER}_{axis}": msgspec.structs.replace(head.check, index=n) for n, axis in enumerate("xy")}
        return SceneFile(
            "", "", "", "", msgspec.to_builtins(self.settings or Experiment()), {**asked, **self.head.figures}
        )

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """The names of the values that its explanation may contain."""
        if self.head.check is None:
            return frozenset()
        said = {"you"} if self.head.mark is None else {"you_x", "you_y", "distance"}
        return frozenset(said | self.scene.figures.keys())

    def values(self, prediction: Sequence[float], measured: Mapping[str, float]) -> dict[str, float]:
        """The predicted and the measured values, by :attr:`names`."""
        if self.head.mark is None:
            return {**measured, "you": prediction[0]}
        x, y = self.place(measured)
        you = dict(zip(("you_x", "you_y"), prediction, strict=True))
        found = {f"{ANSWER}_x": x, f"{ANSWER}_y": y}
        return {**measured, **found, **you, "distance": math.hypot(you["you_x"] - x, you["you_y"] - y)}

    def place(self, measured: Mapping[str, float]) -> tuple[float, float]:
        """The measured place, if the step asks for one."""
        x, y = _without_errors([measured[f"{ANSWER}_{axis}"] for axis in "xy"])
        return x, y

    def right_choice(self, value: float) -> int | None:
        """The index of the choice that a measured value makes right; None if there are no choices, or none is right."""
        return next((place for place, choice in enumerate(self.head.choices) if choice.holds(value)), None)

    def is_right(self, prediction: Sequence[float], measured: Mapping[str, float]) -> bool | None:
        """Whether a prediction is right; None on a scale, where it is only more or less near."""
        if self.head.mark is not None:
            return self.values(prediction, measured)["distance"] <= self.head.mark
        if self.head.choices:
            return self.right_choice(measured[ANSWER]) == int(prediction[0])
        return None

    def say(self, prediction: Sequence[float]) -> str:
        """A prediction in words."""
        if self.head.choices:
            return self.head.choices[int(prediction[0])].text
        return said_place(prediction) if self.head.mark is not None else f"{prediction[0]:g}"

    def explained(
        self, prediction: Sequence[float], measured: Mapping[str, float], number: Callable[[float], str]
    ) -> str:
        """The explanation with the values in place, each written by `number`."""
        return filled_in(
            self.explanation, {name: number(value) for name, value in self.values(prediction, measured).items()}
        )


def judge(step: Step, value: float, error: float) -> tuple[str, bool]:
    """The answer that a measured value gives to a question with choices or a scale, in words, and whether it is a sound one.

    It is decided if no bound of the choices lies within `SURE` standard errors; so an error as large as a choice decides none.
    A number on a scale is only more or less near, so there the errors on both sides need only be less than the scale.

    Args:
        error: the standard error of the value; 0 if it is not known.
    """
    reach = SURE * error
    if step.head.scale is not None:
        low, high = step.head.scale
        if not low <= value <= high:
            return f"not on the scale from {low:g} to {high:g}", False
        if 2 * reach >= high - low:
            return "on the scale; its error is as large as the scale", False
        return "on the scale", True
    right = [choice.text for choice in step.head.choices if choice.holds(value)]
    if len(right) != 1:
        return ("none of the choices" if not right else f"more than one: {'; '.join(right)}"), False
    ends = {end for choice in step.head.choices for end in (choice.at_least, choice.below) if end is not None}
    near = [f"{end:g}" for end in sorted(ends) if abs(value - end) <= reach and error]
    return (f"{right[0]}; undecided, for its error reaches {' and '.join(near)}", False) if near else (right[0], True)


def measured_cell(values: Mapping[str, float]) -> float | str | None:
    """What a step has measured, in one cell of a table: a number, or a place."""
    if f"{ANSWER}_x" in values:
        return said_place([values[f"{ANSWER}_{axis}"] for axis in "xy"])
    return values.get(ANSWER)


def said_place(place: Sequence[float]) -> str:
    """A place of the plane in one cell of a table.

    >>> said_place((1.25, -0.5))
    '(1.25, -0.5)'
    >>> said_place((2.287, 1e-8))
    '(2.287, 0)'
    """
    return f"({', '.join(f'{value:.4g}' for value in _without_errors(place))})"


def _without_errors(place: Sequence[float]) -> list[float]:
    """A place with 0 for a coordinate that is the solver's error."""
    least = NEGLIGIBLE * max(map(abs, place))
    return [value if abs(value) > least else 0.0 for value in place]


@dataclass(frozen=True)
class Lesson:
    """A lesson: its head and its steps, at least one."""

    name: str
    head: Head
    steps: tuple[Step, ...]


def bundled() -> dict[str, Path]:
    """The lessons that ship with the program, by name, in the order of their numbers."""
    return {path.name.removesuffix(SUFFIX): path for path in sorted(resource("lessons").glob(f"*{SUFFIX}"))}


@functools.cache
def load_all() -> dict[str, Lesson]:
    """Read the bundled lessons, once. They are not checked, as the tests do that: it would hold up the window."""
    return {name: read(path) for name, path in bundled().items()}


def load(path: Path) -> Lesson:
    """Read a lesson and check that every step can be shown, asked and measured.

    Raises:
        ExperimentError: as :func:`read`, or for a step that cannot.
    """
    lesson = read(path)
    for number, step in enumerate(lesson.steps, start=1):
        _check(step, _where(path, number))
    return lesson


def read(path: Path) -> Lesson:
    """Read a lesson without checking what its steps say.

    Raises:
        ExperimentError: the file cannot be read, or is not a lesson; the sentence says where and why.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(LONGEST + 1)
    except OSError as error:
        raise ExperimentError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ExperimentError(f"{path.name} is not a text file: lessons are Markdown in UTF-8.") from None
    if len(text) > LONGEST:
        raise ExperimentError(f"{path.name} has more than {LONGEST:,} characters: make two lessons of it.")
    name = path.name.removesuffix(SUFFIX)
    heads, texts = _parts(text, path.name)
    head = _head(Head, heads[0], f"{path.name}: its first head")
    steps = []
    for number, (one, body) in enumerate(zip(heads[1:], texts[1:], strict=True), start=1):
        said, _, explanation = re.sub(r"(?m)^---[ \t]*$", "\0", body, count=1).partition("\0")
        steps.append(Step(_head(StepHead, one, _where(path, number)), said.strip(), explanation.strip()))
    if not steps:
        raise ExperimentError(f"{path.name} has no step: begin one by a head between two lines +++.")
    return Lesson(name, head, tuple(steps))


def _where(path: Path, number: int) -> str:
    return f"{path.name}, step {number}"


def _parts(text: str, name: str) -> tuple[list[str], list[str]]:
    """The heads, and what follows each."""
    parts = re.split(r"(?m)^\+\+\+[ \t]*$", text)
    if len(parts) < 3 or len(parts) % 2 == 0 or parts[0].strip():
        raise ExperimentError(
            f"{name} is no lesson: it begins with a head between two lines +++, and so does each step."
        )
    return parts[1::2], parts[2::2]


def _head(kind: type[Described], text: str, where: str) -> Described:
    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except (ValueError, RecursionError) as error:
        raise ExperimentError(f"{where}: {str(error).splitlines()[0].rstrip('.')}.") from None


def _check(step: Step, where: str) -> None:
    """Refuse a step that could not be shown, asked or measured."""
    head = step.head
    if head.scene and head.scene not in load_bundled():
        raise ExperimentError(f"{where}: there is no scene {head.scene}; there are {', '.join(load_bundled())}.")
    try:
        settings = step.settings
    except ExperimentError as error:
        raise ExperimentError(Message("in-a-step", "{}: {}", (where, error.message))) from None
    if settings is not None and files(settings):
        raise ExperimentError(f"{where}: a lesson reads no file of points or images.")
    for part in (step.text, step.explanation):
        if len(part.split()) > MOST_WORDS:
            raise ExperimentError(f"{where} says more than {MOST_WORDS} words at once: make two steps of it.")
    if head.question:
        if [head.scale is None, not head.choices, head.mark is None].count(False) != 1:
            raise ExperimentError(f"{where}: a question needs either choices, a scale or a mark.")
        if head.check is None:
            raise ExperimentError(f"{where}: a question needs a check, the figure that tells the answer.")
    if head.scale is not None and not -FARTHEST <= head.scale[0] < head.scale[1] <= FARTHEST:
        raise ExperimentError(f"{where}: a scale goes from a smaller to a larger number, at most {FARTHEST:g}.")
    if head.mark is not None and not 0 < head.mark <= FARTHEST:
        raise ExperimentError(f"{where}: mark is the distance that counts as right, above 0.")
    if head.check is not None and (head.mark is not None) != (head.check.key in PLACES):
        raise ExperimentError(f"{where}: a mark needs a check of a place, {' or '.join(PLACES)}, and no other has one.")
    if head.figures and (head.check is None or head.figures.keys() & RESERVED):
        raise ExperimentError(f"{where}: its figures need a check beside them, and names of their own.")
    equation = LiveEquation(head.equation)
    if not equation.is_sound:
        raise ExperimentError(
            f"{where}: its equation is too long, or has a value that is not written as [[symbol|name]]."
        )
    unknown = sorted(equation.names - step.names)
    if unknown:
        settings_known = every_field()
        unknown = [name for name in unknown if name not in settings_known or settings_known[name].kind not in NUMBERS]
    if unknown:
        known = ", ".join(sorted(step.names)) or "none that is measured"
        raise ExperimentError(
            f"{where}: its equation names {unknown[0]}, which is no setting with a number; or {known}."
        )
    if head.highlight and head.highlight not in every_field():
        raise ExperimentError(f"{where}: there is no setting {head.highlight}.")
    try:
        if re.search(r"\{\w*:", step.explanation) or equation.formatted & step.names:
            raise ExperimentError(
                "a result is written as {measured}, without a format: it has three digits everywhere."
            )
        check_fields(step.explanation, step.names, "its explanation")
        if head.check is not None:
            check(step.scene)
    except ExperimentError as error:
        raise ExperimentError(Message("in-a-step", "{}: {}", (where, error.message))) from None
    for said in (step.text, step.explanation, head.question):
        if "![" in said or re.search(r"<[a-zA-Z!/]", said):
            raise ExperimentError(f"{where}: a lesson is text, without pictures and HTML.")
