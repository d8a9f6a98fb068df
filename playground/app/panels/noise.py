"""What noise does to the data: none, one level, a ladder, or a process that goes on continuously."""

import math
from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from playground.app import option_labels, theme
from playground.app.charts.ladder import SigmaLadder
from playground.app.collapsible_panel import CollapsiblePanel, Notice
from playground.app.engine import Engine
from playground.app.equation import Tooltip
from playground.app.field_row import warning
from playground.app.fields import NumberField, make_field
from playground.app.number_formats import format_number
from playground.app.range_field import RangeField
from playground.app.state import State
from playground.app.views import ProblemView
from playground.lab.experiment import fields
from playground.lab.idle import acts
from playground.lab.settings import PROCESSES, RATED

CURVE = 33  # points of a process's curve
DRAWN = 6  # points of a drawn schedule before it is drawn
START = "the noise at t = 1, where sampling starts"
END = "the learned density is smoothed by this much"
RATED_LADDER = (
    "Noise over signal, σ = std/α: the process shrinks the data while it adds noise. Left: σ(1), "
    f"{START}; dragging it sets the rate β₁. Right: σ min, at the end of sampling; {END}."
)
LADDER = {
    "none": "No noise is added: there are no levels.",
    "single": f"Drag the noise level: {END}.",
    "discrete": f"The noise levels from coarse to fine. Left: σ max, where sampling starts. Right: σ min; {END}. Drag "
    "an end to move all levels, or one level alone.",
    "ve": f"σ(t): the process adds noise and leaves the data where they are. Left: σ max, {START}. Right: σ min, at t = 0; "
    f"{END}. Drag the ends.",
    "vp": RATED_LADDER,
    "sub-vp": RATED_LADDER,
    "cosine": "Noise over signal, σ = std/α = tan θ: the process shrinks the data while it adds noise, with θ "
    f"linear in t. Left: σ max, {START}. Right: σ min, at t = 0; {END}. Drag the ends.",
    "custom": f"Your own σ(t), through points to drag. Left: σ max, {START}. Right: σ min, at t = 0; {END}.",
}
"""What the ladder's ends are, by the kind of noise."""


GAP = "<p>Dotted line: the widest gap in the data, which the coarsest noise level should exceed.</p>"


class NoisePanel(CollapsiblePanel):
    """The kind of noise, its levels as a ladder to drag, and its numbers."""

    def __init__(self, state: State, engine: Engine, parent: QWidget | None = None) -> None:
        super().__init__("Noise", 2, parent)
        self.state, self.engine = state, engine
        self._gesture, self._by_key = 0, False
        self._failure = ""

        def unsaved_steps() -> int:
            return engine.trained_steps

        self._unsaved_steps = unsaved_steps
        self.kind = make_field(state, "noise.kind", None, unsaved_steps)
        self.ladder = SigmaLadder()  # without a parent, as all that is added below: Tab follows that order
        self._ladder_tip = Tooltip(self.ladder, "")
        self.ladder.grabbed.connect(self._grabbed)
        self.ladder.previewed.connect(self._previewed)
        self.ladder.moved.connect(self._moved)
        self.ladder.abandoned.connect(self._refresh)
        self.range = RangeField(state, ("noise.sigma_max", "noise.sigma_min"), "σ range", unsaved_steps)
        self.sigma = make_field(state, "noise.sigma", unsaved_steps=unsaved_steps)
        self.finest = make_field(state, "noise.sigma_min", unsaved_steps=unsaved_steps)
        self.levels = make_field(state, "noise.levels", unsaved_steps=unsaved_steps)
        assert isinstance(self.sigma, NumberField)
        assert isinstance(self.finest, NumberField)
        self.by_hand = QWidget()
        row = QHBoxLayout(self.by_hand)
        row.setContentsMargins(0, 0, 0, 0)
        self._by_hand_text = QLabel(self.by_hand)
        theme.set_role(self._by_hand_text, "caption")
        self.evenly = QPushButton("Space evenly", self.by_hand)
        self.evenly.setAccessibleName("Space the noise levels evenly")
        self.evenly.setToolTip("<p>Keep both ends and space the levels between them at equal ratios.</p>")
        self.evenly.clicked.connect(self._space_evenly)
        row.addWidget(self._by_hand_text, 1)
        row.addWidget(self.evenly)
        self.notice = Notice()
        parts = (self.kind, self.ladder, self.range, self.sigma, self.finest, self.levels, self.by_hand, self.notice)
        for part in parts:
            self.body.addWidget(part)
        self.beta_max = make_field(state, "noise.beta_max", unsaved_steps=unsaved_steps)
        self.beta_min = make_field(state, "noise.beta_min", unsaved_steps=unsaved_steps)
        for part in (self.beta_max, self.beta_min):
            self.advanced().addWidget(part)
        state.changed.connect(self._state_changed)
        engine.problem_changed.connect(self._problem_changed)
        engine.problem_failed.connect(self._problem_failed)
        self._refresh()

    # What the user does

    @Slot(bool)
    def _grabbed(self, by_key: bool) -> None:
        # Every drag is an undo step of its own; presses of a key in a row are one.
        self._by_key = by_key
        if not by_key:
            self._gesture += 1
        text = warning(self._unsaved_steps())
        if text:
            self.notice.say("warning", text)

    @Slot(object)
    def _previewed(self, sigmas: np.ndarray) -> None:
        self.range.preview(float(sigmas[0]), float(sigmas[-1]))
        self.set_state(f"σ {format_number(sigmas[0])} → {format_number(sigmas[-1])}")

    @Slot(int, object)
    def _moved(self, index: int, sigmas: np.ndarray) -> None:
        noise = self.state.experiment.noise
        value, last = float(f"{sigmas[index]:.3g}"), len(sigmas) - 1
        changes: dict[str, object] = {}
        if noise.kind == "single":
            changes["noise.sigma"] = value
        elif noise.kind in RATED and index == 0:
            changes["noise.beta_max"] = self._beta_max(value)
        elif noise.kind == "custom":
            points = zip(self._times().tolist(), sigmas.tolist(), strict=True)
            changes["noise.schedule"] = tuple((t, float(f"{sigma:.4g}")) for t, sigma in points)[::-1]
        elif noise.kind == "discrete" and (noise.sigmas or index not in (0, last)):
            changes["noise.sigmas"] = tuple(float(f"{sigma:.4g}") for sigma in sigmas)
        else:
            changes["noise.sigma_max" if index == 0 else "noise.sigma_min"] = value
        self.state.edit(changes, merge=f"ladder {self._gesture} {index}" if self._by_key else "")
        self._refresh()

    @Slot()
    def _space_evenly(self) -> None:
        noise = self.state.experiment.noise
        if noise.kind == "custom":
            (_, fine), *_, (_, coarse) = noise.schedule
            self.state.edit({"noise.schedule": (), "noise.sigma_max": coarse, "noise.sigma_min": fine})
            return
        sigmas = noise.sigmas
        self.state.edit(
            {
                "noise.sigmas": (),
                "noise.sigma_max": sigmas[0],
                "noise.sigma_min": sigmas[-1],
                "noise.levels": len(sigmas),
            }
        )

    # What is shown

    @Slot(object)
    def _state_changed(self, keys: frozenset[str]) -> None:
        if any(key.startswith(("noise.", "data.", "sampling.")) for key in keys):
            self._failure = ""
            self._refresh()
        elif "objective.kind" in keys:
            self._warn(self.engine.problem)

    @Slot(object)
    def _problem_changed(self, view: ProblemView) -> None:
        self._failure = ""
        self._refresh()

    @Slot(str)
    def _problem_failed(self, sentence: str) -> None:
        self._failure = sentence if sentence.startswith("noise.") else ""
        self._refresh()  # what is advised of data that are gone goes with them
        if self._failure:
            self.reveal()

    def _refresh(self) -> None:
        noise, view = self.state.experiment.noise, self.engine.problem
        drawn = noise.kind == "custom"
        marked = view is not None and not view.is_image and noise.kind not in ("none", "single")
        self._ladder_tip.set_words(f"<p>{LADDER[noise.kind]}</p>" + (GAP if marked else ""))
        by_hand = bool(noise.schedule if drawn else noise.kind == "discrete" and noise.sigmas)
        self.range.setVisible(acts(self.state.experiment, "noise.sigma_max"))
        self.sigma.setVisible(noise.kind == "single")
        self.finest.setVisible(noise.kind in RATED)
        # Of a process only annealed Langevin takes levels.
        annealed = self.state.experiment.sampling.kind == "annealed-langevin"
        self.levels.setVisible((noise.kind == "discrete" and not by_hand) or (noise.kind in PROCESSES and annealed))
        self.by_hand.setVisible(by_hand)
        self.disclosure.setVisible(noise.kind in RATED)
        if noise.kind not in RATED:
            self.disclosure.setChecked(False)
        self._by_hand_text.setText(f"{len(noise.schedule if drawn else noise.sigmas)} points set by hand")
        self.evenly.setText("Straighten" if drawn else "Space evenly")
        resolved = None if view is None or view.resolved is None else view.resolved.noise
        if view is None:
            self.sigma.set_resolved(None)
            self.finest.set_resolved(None)
            self.range.set_resolved(None, None)
        elif resolved is not None and resolved.kind == noise.kind:
            self.sigma.set_resolved(_number(resolved.sigma))
            self.finest.set_resolved(_number(resolved.sigma_min))
            self.range.set_resolved(_number(resolved.sigma_max), _number(resolved.sigma_min))
        sigmas = self._levels(view)
        if sigmas is not None:
            gap = None if view is None or view.is_image else view.widest_gap
            times = self._times() if drawn else None
            self.ladder.show_levels(noise.kind, sigmas, evenly=not by_hand, gap=gap, times=times)
        elif view is None or self.ladder.kind != noise.kind:  # to drag those of another would set this one's
            self.ladder.show_levels(noise.kind, np.zeros(0))
        self._summarise(sigmas)
        self._warn(view)

    def _levels(self, view: ProblemView | None) -> np.ndarray | None:
        """The levels to draw, coarse to fine; None while they are being worked out."""
        noise = self.state.experiment.noise
        if noise.kind == "none":
            return np.zeros(0)
        if noise.kind == "discrete" and noise.sigmas:
            return np.array(noise.sigmas)
        if noise.kind == "custom" and noise.schedule:
            return np.array([sigma for _, sigma in reversed(noise.schedule)])
        if noise.kind == "single":
            sigma = self.sigma.shown_value()
            return None if sigma is None else np.array([sigma])
        fine = self.finest.shown_value()
        times = np.linspace(1.0, 0.0, 4 * CURVE)
        if noise.kind in RATED:
            if view is None or fine is None:
                return None
            curve = view.sigma * _rated_sigma(noise.kind, times, noise.beta_min, noise.beta_max)
            curve = curve[curve > fine]
            return np.append(curve, fine) if len(curve) > 1 else None
        coarse = self.range.value("noise.sigma_max")
        fine = self.range.value("noise.sigma_min")
        if coarse is None or fine is None or coarse <= fine:
            return None
        if noise.kind == "cosine":
            return None if view is None else _cosine_sigma(times, fine / view.sigma, coarse / view.sigma) * view.sigma
        return np.geomspace(coarse, fine, DRAWN if noise.kind == "custom" else noise.levels)

    def _times(self) -> np.ndarray:
        """Of a drawn schedule's points, as its levels from coarse to fine."""
        schedule = self.state.experiment.noise.schedule
        return np.array([t for t, _ in reversed(schedule)]) if schedule else np.linspace(1.0, 0.0, DRAWN)

    def _beta_max(self, sigma: float) -> float:
        """The rate at t = 1 for which the process ends at this sigma."""
        noise, view = self.state.experiment.noise, self.engine.problem
        assert view is not None
        end = sigma / view.sigma
        integral = math.log1p(end**2) if noise.kind == "vp" else 2 * math.asinh(end / 2)  # of beta over [0, 1]
        field = fields()["noise.beta_max"]
        rate = max(2 * integral - noise.beta_min, 1.01 * noise.beta_min)
        return float(f"{min(max(rate, field.minimum or 0.0), field.maximum or rate):.3g}")

    def _summarise(self, sigmas: np.ndarray | None) -> None:
        noise = self.state.experiment.noise
        name = option_labels.title("noise.kind", noise.kind)
        if noise.kind == "none":
            self.set_state("no noise")
        elif sigmas is None or not len(sigmas):
            self.set_state(name)
        elif noise.kind == "single":
            self.set_state(f"σ = {format_number(sigmas[0])}")
        elif noise.kind == "discrete":
            self.set_state(f"{'by hand' if noise.sigmas else 'geometric'}, L = {len(sigmas)}")
        else:
            self.set_state(
                f"σ {format_number(sigmas[0])} → {format_number(sigmas[-1])} · {name}"
            )  # its end goes where there is no room

    def _warn(self, view: ProblemView | None) -> None:
        experiment = self.state.experiment
        if self._failure:
            self.notice.say("error", self._failure)
            return
        stale = view is None or view.resolved is None or view.resolved.noise.kind != experiment.noise.kind
        found = () if stale or not view.describes(experiment) else view.diagnostics(experiment.objective.kind)
        if not found:
            self.notice.say("warning", "")
            return
        ways = [
            (_title(diagnostic.changes), _way(diagnostic.changes), self._mend(diagnostic.changes))
            for diagnostic in found
            if diagnostic.changes
        ]
        self.notice.say("warning", "\n".join(diagnostic.sentence for diagnostic in found), *ways)

    def _mend(self, changes: Mapping[str, object]) -> Callable[[], object]:
        return lambda: self.state.edit(dict(changes))


def _title(changes: Mapping[str, object]) -> str:
    """What stands on that button: the one number that matters, or the curve's name where it is many."""
    key, value = next(iter(changes.items()))
    symbol = fields()[key].symbol
    return f"{symbol} = {format_number(value)}" if isinstance(value, int | float) else f"Change {symbol}"


def _way(changes: Mapping[str, object]) -> str:
    """What a button that makes these changes says it does."""
    return ", ".join(f"{key} = {value}" for key, value in changes.items())


def _rated_sigma(kind: str, t: np.ndarray, beta_min: float, beta_max: float) -> np.ndarray:
    """sigma(t) = std/alpha of VP and sub-VP on standardized data, (T,) to (T,), as in playground.theory.noise."""
    integral = beta_min * t + 0.5 * (beta_max - beta_min) * t**2
    return np.sqrt(np.expm1(integral)) if kind == "vp" else 2 * np.sinh(integral / 2)


def _cosine_sigma(t: np.ndarray, fine: float, coarse: float) -> np.ndarray:
    """The same of the cosine process between two sigmas."""
    return np.tan(math.atan(fine) + t * (math.atan(coarse) - math.atan(fine)))


def _number(value: float | str) -> float | None:
    return None if isinstance(value, str) else float(value)
