"""Lessons: steps that each take settings, ask for a prediction, measure the answer, and then explain it.

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
    You said {you}; we measured {measured}. Between the modes the score does not know their weights.

A scene is a lesson of one step without a question: its text is a claim, and its figures have the claimed bounds. Earlier
versions had scenes in TOML, which can still be read.

The program measures the figures when they are needed; they are never stored. A lesson is data only: a file from a stranger runs
no code. This module imports no torch.
"""

import functools
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from playground.lab import experiment as experiments
from playground.lab.claims import Claim, Found
from playground.lab.columns import FEWEST, MOST, may_differ, needs_training
from playground.lab.experiment import Described, Experiment, ExperimentError, every_field, files
from playground.lab.live_equation import LiveEquation
from playground.lab.step_figure import FARTHEST, PLACES, Figure, check_fields, check_figures, filled_in
from playground.messages import Message
from playground.resources import resource

Read = TypeVar("Read")

SUFFIX = ".lesson.md"
LESSONS, SCENES = "lessons", "scenes"
"""The folders of those that ship with the program."""
LONGEST = 200_000
"""Most characters of a file."""
WORDS_A_MINUTE = 150
"""Read by someone who learns from them."""
MOST_WORDS = 80
"""Most words of a step's text, and of its explanation."""
NEGLIGIBLE = 1e-4  # of the larger coordinate of a place: the other one is 0 up to the solver's error
ANSWER = "measured"
"""The name of a step's figure; for a place, the beginning of the names of its two coordinates."""
NUMBERS = ("int", "float")  # kinds of settings that an equation may name
SURE = 2.0
"""Standard errors that a measured answer keeps from every bound of the choices."""
OF_COLUMNS = frozenset(f"{ANSWER}_{number}" for number in range(1, MOST + 1))
RESERVED = OF_COLUMNS | {ANSWER, f"{ANSWER}_x", f"{ANSWER}_y", "you", "you_x", "you_y", "distance"}
EXTREME: dict[str, Callable[[list[float]], float]] = {"least": min, "greatest": max}
COLUMNS = ("student", "lesson", "step", "question", "answer", "measured", "right")
"""Of a file of answers, and of the table of a class."""


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer to choose, and the values of the figure for which it is right; or a column to choose.

    Attributes:
        text: the answer.
        settings: of a column: what it changes in the step's settings, by section.
        at_least, below: bounds of the figure; infinite where there is none on that side.
    """

    text: str
    settings: dict[str, Any] = {}
    at_least: float = -math.inf
    below: float = math.inf

    def holds(self, value: float) -> bool:
        return self.at_least <= value < self.below


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One step of a lesson: its head, and its two texts.

    Attributes:
        scene: name of a bundled scene, whose settings are used.
        experiment: settings by section, instead of a scene or as changes to it.
        weights: the name of a session that ships with the program: its weights take the place of a training.
        question: what is to be predicted; a step without a question is only shown, and its figures measured.
        choices: answers to choose from. If some have settings, each is a column of a comparison, two to four.
        right: of columns, the one with the least or with the greatest figure.
        scale: the ends of a scale on which a number is given, instead of choices.
        mark: a place on the canvas is marked, instead of choices. The value is the largest distance from the measured
            place that counts as right, in the data's unit.
        check: the figure that is the answer; for a mark, a figure that is a place.
        figures: figures that are measured for the explanation, by name.
        equation: LaTeX, in which settings and what is measured may have a symbol and a value, see
            :mod:`playground.lab.live_equation`.
        highlight: the setting that the step is about.
        text: Markdown that is shown at once.
        explanation: Markdown that is shown once the figures are measured, with their names in braces.
    """

    scene: str = ""
    experiment: dict[str, Any] = {}
    weights: str = ""
    question: str = ""
    choices: tuple[Choice, ...] = ()
    right: Literal["least", "greatest"] = "least"
    scale: tuple[float, float] | None = None
    mark: float | None = None
    check: Figure | None = None
    figures: dict[str, Figure] = {}
    equation: str = ""
    highlight: str = ""
    text: str = ""
    explanation: str = ""

    @functools.cached_property
    def settings(self) -> Experiment | None:
        """The settings that the step loads; None if the settings stay as they are."""
        scene = load_all(SCENES).get(self.scene)
        if scene is None and not self.experiment:
            return None
        return experiments.from_file(self.experiment, Experiment() if scene is None else scene.steps[0].shown_settings)

    @property
    def shown_settings(self) -> Experiment:
        """The settings with which its figures are measured, but for those that a figure changes."""
        return self.settings or Experiment()

    def settings_of(self, figure: Figure) -> Experiment:
        """The settings with which one of its figures is measured."""
        return experiments.from_file(figure.settings, self.shown_settings)

    @functools.cached_property
    def answer_settings(self) -> Experiment | None:
        """The settings with which the answer is measured; :attr:`settings` if they need a training of their own."""
        before, asked = self.settings, self.check
        if before is None or asked is None:
            return before
        after = experiments.from_file(asked.settings, before)
        return before if _trains_alone(before, after) else after

    @functools.cached_property
    def equation_names_answer(self) -> bool:
        """Whether the equation is about what is to be predicted, and would tell it too early."""
        return not LiveEquation(self.equation).names.isdisjoint((ANSWER, f"{ANSWER}_x", f"{ANSWER}_y"))

    @functools.cached_property
    def asked(self) -> dict[str, Figure]:
        """The figures that are measured, by name: the answer, and those for the explanation."""
        if self.check is None:
            return self.figures
        if self.compares:
            return {f"{ANSWER}_{number}": figure for number, figure in enumerate(self.answers, start=1)} | self.figures
        if self.mark is None:
            return {ANSWER: self.check, **self.figures}
        places = {f"{ANSWER}_{axis}": msgspec.structs.replace(self.check, index=n) for n, axis in enumerate("xy")}
        return {**places, **self.figures}

    @property
    def answers(self) -> list[Figure]:
        """The answer of each column, if its choices are columns."""
        assert self.check is not None
        return [msgspec.structs.replace(self.check, settings=choice.settings) for choice in self.choices]

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """The names of the values that its explanation may contain."""
        said: tuple[str, ...] = ("you", ANSWER) if self.check is not None else ()
        if self.mark is not None:
            said = "you_x", "you_y", "distance"
        return frozenset((*said, *self.asked))

    @property
    def compares(self) -> bool:
        """Whether its choices are columns of a comparison."""
        return any(choice.settings for choice in self.choices)

    @property
    def is_bounded(self) -> bool:
        """Whether it claims something of its figures."""
        return any(math.isfinite(bound) for one in self.asked.values() for bound in one.bounds)

    def right_choice(self, value: float) -> int | None:
        """The index of the choice whose bounds hold a measured value; None if there are no choices, or none does."""
        return next((place for place, choice in enumerate(self.choices) if choice.holds(value)), None)

    def say(self, prediction: Sequence[float]) -> str:
        """A prediction in words."""
        if self.choices:
            return self.choices[int(prediction[0])].text
        return said_place(prediction) if self.mark is not None else f"{prediction[0]:g}"

    def claims(self, source: str, found: Callable[[], "MeasuredStep"]) -> list[Claim]:
        """What the step claims of its figures; one without bounds is only measured.

        Args:
            found: returns the measured figures, each time the same.
        """

        def value(name: str, figure: Figure) -> Found:
            values = found().values
            less, over = values.get(figure.difference_from, 0.0), values.get(figure.ratio_to, 1.0)
            value = (values[name] - less) / over if over else math.nan
            compared = bool(figure.difference_from or figure.ratio_to)  # then its error is not known
            error = 0.0 if compared else found().errors.get(name, 0.0)
            near = any(abs(value - bound) < error for bound in figure.bounds)
            return Found(value, "", f"Within one standard error, {error:.2g}, of its bound." if near else "")

        made = []
        for name, figure in self.asked.items():
            of = f" over {figure.ratio_to}" if figure.ratio_to else ""
            of += f" less {figure.difference_from}" if figure.difference_from else ""
            made.append(Claim(source, name + of, functools.partial(value, name, figure), *figure.bounds))
        return made


@dataclass(frozen=True)
class MeasuredStep:
    """The figures of a step as far as they are measured, beside the prediction if it has a question.

    Attributes:
        values: by the figures' names; nan if a figure is not known.
        errors: the standard errors of those figures for which they are known.
        prediction: the index of a choice, a number on a scale, or the two coordinates of a mark; empty without a question.
    """

    step: Step
    values: Mapping[str, float]
    errors: Mapping[str, float] = field(default_factory=dict)
    prediction: tuple[float, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all figures are measured."""
        return self.values.keys() >= self.step.asked.keys()

    @property
    def failed(self) -> tuple[str, ...]:
        """The claims that do not hold; none before all figures are measured."""
        claims = self.step.claims("", lambda: self) if self.complete else ()
        return tuple(claim.what for claim in claims if not claim.checked().holds)

    @property
    def place(self) -> tuple[float, float]:
        """The measured place, if the step asks for one."""
        x, y = _without_errors([self.values[f"{ANSWER}_{axis}"] for axis in "xy"])
        return x, y

    @property
    def named(self) -> dict[str, float]:
        """The predicted and the measured values, by :attr:`Step.names`."""
        if self.step.mark is None or not self.prediction:
            return {**self.values, **dict(zip(("you",), self.prediction, strict=False))}
        you, found = (
            {f"{name}_x": x, f"{name}_y": y} for name, (x, y) in (("you", self.prediction), (ANSWER, self.place))
        )
        return {**self.values, **found, **you, "distance": math.dist(self.prediction, self.place)}

    @property
    def right_choice(self) -> int | None:
        """The index of the choice that is right by what is measured; None if there are no choices, or none is right."""
        if not self.step.compares:
            return self.step.right_choice(self.values[ANSWER])
        values = self.columns
        return values.index(EXTREME[self.step.right](values)) if all(map(math.isfinite, values)) else None

    @property
    def columns(self) -> list[float]:
        """The measured figure of each column."""
        return [self.values[f"{ANSWER}_{number}"] for number in range(1, len(self.step.choices) + 1)]

    @property
    def right(self) -> bool | None:
        """Whether the prediction is right; None on a scale, where it is only more or less near."""
        if self.step.mark is not None:
            return math.dist(self.prediction, self.place) <= self.step.mark
        if self.step.choices:
            return self.right_choice == int(self.prediction[0])
        return None

    def explained(self, number: Callable[[float], str]) -> str:
        """The explanation with the values in place, each written by `number` unless it has a format."""
        return filled_in(self.step.explanation, self.named, number)


def judge(found: MeasuredStep) -> tuple[str, bool]:
    """The answer that measured values give to a question with choices or a scale, in words, and whether it is a sound one.

    It is decided if no bound of the choices lies within `SURE` standard errors; so an error as large as a choice decides none.
    A column is right if no other comes within `SURE` standard errors of their difference. A number on a scale is only more or less
    near, so there the errors on both sides need only be less than the scale. An error that is not known counts as 0.
    """
    step = found.step
    if step.compares:
        return _judge_columns(found)
    value, error = found.values[ANSWER], found.errors.get(ANSWER, 0.0)
    reach = SURE * error
    if step.scale is not None:
        low, high = step.scale
        if not low <= value <= high:
            return f"not on the scale from {low:g} to {high:g}", False
        if 2 * reach >= high - low:
            return "on the scale; its error is as large as the scale", False
        return "on the scale", True
    right = [choice.text for choice in step.choices if choice.holds(value)]
    if len(right) != 1:
        return ("none of the choices" if not right else f"more than one: {'; '.join(right)}"), False
    ends = {end for choice in step.choices for end in (choice.at_least, choice.below)}
    near = [f"{end:g}" for end in sorted(ends) if abs(value - end) <= reach and error]
    return _decided(right[0], near, "its error reaches {}")


def _judge_columns(found: MeasuredStep) -> tuple[str, bool]:
    first, texts, values = found.right_choice, [choice.text for choice in found.step.choices], found.columns
    if first is None:
        return "the figure of a column is not known", False
    errors = [found.errors.get(f"{ANSWER}_{number}", 0.0) for number in range(1, len(values) + 1)]
    near = [
        text
        for place, text in enumerate(texts)
        if place != first and abs(values[place] - values[first]) <= SURE * math.hypot(errors[place], errors[first])
    ]
    return _decided(texts[first], near, "{} may be it too")


def _decided(right: str, near: Sequence[str], why: str) -> tuple[str, bool]:
    """The right answer, and whether it is decided: it is not if something comes too near."""
    return (f"{right}; undecided, for {why.format(' and '.join(near))}", False) if near else (right, True)


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


class Lesson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lesson: its head and its steps, at least one."""

    name: str
    title: str
    steps: tuple[Step, ...]
    topic: str = ""

    @property
    def is_scene(self) -> bool:
        """Whether it is one step without a question, with settings of its own."""
        return len(self.steps) == 1 and not self.steps[0].question and self.steps[0].settings is not None

    @property
    def minutes(self) -> int:
        """About how long it takes: its texts are read, and each prediction is thought over and measured."""
        words = sum(len(f"{step.text} {step.question} {step.explanation}".split()) for step in self.steps)
        return round(words / WORDS_A_MINUTE) + sum(bool(step.question) for step in self.steps)


def bundled(folder: str = LESSONS) -> dict[str, Path]:
    """The lessons or scenes that ship with the program, by name, in the order of their numbers; names of scenes have none."""
    paths = {path.name.removesuffix(SUFFIX): path for path in sorted(resource(folder).glob(f"*{SUFFIX}"))}
    return paths if folder == LESSONS else {name.partition("-")[2]: path for name, path in paths.items()}


@functools.cache
def load_all(folder: str = LESSONS) -> dict[str, Lesson]:
    """Read them, once. They are not checked, as the tests do that: it would hold up the window."""
    return {name: msgspec.structs.replace(read(path), name=name) for name, path in bundled(folder).items()}


def bundled_weights() -> dict[str, Path]:
    """The sessions with weights that ship with the program, by name."""
    return {path.stem: path for path in sorted(resource("checkpoints").glob("*.spg"))}


def load(path: Path) -> Lesson:
    """Read a lesson or a scene and check that every step can be shown, asked and measured.

    Raises:
        ExperimentError: as :func:`read`, or for a step that cannot.
    """
    lesson = read(path)
    for number, step in enumerate(lesson.steps, start=1):
        try:
            _check(step)
            if path.suffix != ".toml":  # the window does not show such a scene of an earlier version
                _check_texts(step)
        except ExperimentError as error:
            raise ExperimentError(Message("in-a-step", "{}: {}", (_where(path, number), error.message))) from None
    return lesson


def read(path: Path) -> Lesson:
    """Read a lesson or a scene without checking what its steps say.

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
    steps: list[Step] = []
    if path.suffix == ".toml":
        where = f"{path.name} is no scene"
        head = _table(text, where)
        shown = {key: head.pop(key) for key in head.keys() - {"title", "topic"}}
        shown["text"], shown["explanation"] = shown.pop("claim", ""), f"Measured: {shown.pop('measured', '')}."
        steps.append(_converted(Step, shown, where))
    else:
        where = f"{path.name}: its first head"
        heads, texts = _parts(text, path.name)
        head = _table(heads[0], where)
        for number, (one, body) in enumerate(zip(heads[1:], texts[1:], strict=True), start=1):
            said, _, explanation = re.sub(r"(?m)^---[ \t]*$", "\0", body, count=1).partition("\0")
            shown = {**_table(one, _where(path, number)), "text": said.strip(), "explanation": explanation.strip()}
            steps.append(_converted(Step, shown, _where(path, number)))
    if not steps:
        raise ExperimentError(f"{path.name} has no step: begin one by a head between two lines +++.")
    return _converted(Lesson, {**head, "name": path.name.removesuffix(SUFFIX), "steps": steps}, where)


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


def _table(text: str, where: str) -> dict[str, Any]:
    return _in_place(lambda: tomllib.loads(text), where)


def _converted(kind: type[Described], table: dict[str, Any], where: str) -> Described:
    return _in_place(lambda: msgspec.convert(table, kind), where)


def _in_place(work: Callable[[], Read], where: str) -> Read:
    """What `work` returns; its errors say where they are."""
    try:
        return work()
    except (ValueError, RecursionError) as error:
        raise ExperimentError(f"{where}: {str(error).splitlines()[0].rstrip('.')}.") from None


def _check(step: Step) -> None:
    """Refuse a step that could not be asked or measured."""
    if step.scene and step.scene not in load_all(SCENES):
        raise ExperimentError(f"there is no scene {step.scene}; there are {', '.join(load_all(SCENES))}.")
    settings = step.shown_settings
    if step.weights and step.weights not in bundled_weights():
        raise ExperimentError(f"weights names {step.weights}; there is {', '.join(bundled_weights())}.")
    if step.question:
        if [step.scale is None, not step.choices, step.mark is None].count(False) != 1:
            raise ExperimentError("a question needs either choices, a scale or a mark.")
        if step.check is None:
            raise ExperimentError("a question needs a check, the figure that tells the answer.")
    if step.scale is not None and not -FARTHEST <= step.scale[0] < step.scale[1] <= FARTHEST:
        raise ExperimentError(f"a scale goes from a smaller to a larger number, at most {FARTHEST:g}.")
    if step.mark is not None and not 0 < step.mark <= FARTHEST:
        raise ExperimentError("mark is the distance that counts as right, above 0.")
    if step.check is not None and (step.mark is not None) != (step.check.key in PLACES):
        raise ExperimentError(f"a mark needs a check of a place, {' or '.join(PLACES)}, and no other has one.")
    if step.compares:
        _check_columns(step)
    if step.check is not None and step.figures.keys() & RESERVED:
        raise ExperimentError("its figures need names of their own.")
    if step.question and re.search(r"\{\w*:", step.explanation):
        raise ExperimentError("a result is written as {measured}, without a format: it has three digits everywhere.")
    check_fields(step.explanation, step.names)
    check_figures(step.asked, settings)


def _check_columns(step: Step) -> None:
    """Refuse columns that the window could not show at once."""
    main = step.settings
    if main is None or step.check is None or step.check.settings:
        raise ExperimentError("columns change the settings of their step: it needs some, and its check none.")
    if not FEWEST <= len(step.choices) <= MOST:
        raise ExperimentError(f"there are {FEWEST} to {MOST} columns, not {len(step.choices)}.")
    for choice in step.choices:
        if math.isfinite(choice.at_least) or math.isfinite(choice.below):
            raise ExperimentError("a column has no bounds: the one with the least or the greatest figure is right.")
        other = experiments.from_file(choice.settings, main)
        for key in experiments.differing(main, other):
            if not may_differ(key):
                raise ExperimentError(f"{key} cannot differ between columns.")
        if _trains_alone(main, other):
            raise ExperimentError(f"the column {choice.text} would need a training of its own.")


def _trains_alone(main: Experiment, other: Experiment) -> bool:
    """Whether other settings need a training that the settings of a step do not begin."""
    trained = main.sampling.follows == "learned" and main.data == other.data
    return other.sampling.follows == "learned" and (not trained or needs_training(main, other))


def _check_texts(step: Step) -> None:
    """Refuse a step that could not be shown in the window, or that reads other files."""
    if files(step.shown_settings):
        raise ExperimentError("a lesson reads no file of points or images.")
    for part in (step.text, step.explanation):
        if len(part.split()) > MOST_WORDS:
            raise ExperimentError(f"it says more than {MOST_WORDS} words at once: make two steps of it.")
    for said in (step.text, step.explanation, step.question):
        if "![" in said or re.search(r"<[a-zA-Z!/]", said):
            raise ExperimentError("a lesson is text, without pictures and HTML.")
    equation = LiveEquation(step.equation)
    if not equation.is_sound:
        raise ExperimentError("its equation is too long, or has a value that is not written as [[symbol|name]].")
    known = every_field()
    for name in sorted(equation.names - step.names):
        if name not in known or known[name].kind not in NUMBERS:
            measured = ", ".join(sorted(step.names)) or "none that is measured"
            raise ExperimentError(f"its equation names {name}, which is no setting with a number; or {measured}.")
    if equation.formatted & step.names:
        raise ExperimentError("a result is written as {measured}, without a format: it has three digits everywhere.")
    if step.highlight and step.highlight not in known:
        raise ExperimentError(f"there is no setting {step.highlight}.")
