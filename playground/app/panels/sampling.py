"""Making new points: which sampler, from which score, how many steps."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from playground.app import choices
from playground.app.card import Card, Notice
from playground.app.engine import Engine
from playground.app.fields import NumberField, make_field
from playground.app.panels.figure import count
from playground.app.state import State
from playground.lab.automatic import resolved
from playground.lab.experiment import sampling_refusal, value

NAMES = {
    "langevin": "Langevin",
    "annealed-langevin": "annealed Langevin",
    "reverse-sde": "reverse SDE",
    "probability-flow": "probability flow",
}


class SamplingPanel(Card):
    """The sampler and its numbers; a change acts on the next run, which begins at once."""

    def __init__(self, state: State, engine: Engine, parent: QWidget | None = None) -> None:
        super().__init__("Sample", 5, parent)
        self.state, self.engine = state, engine
        self.kind = make_field(state, "sampling.kind", None)
        self.source = make_field(state, "sampling.source", "score")
        self.notice = Notice(self)
        self.step = make_field(state, "sampling.step", "step ε")
        self.steps = make_field(state, "sampling.steps", "steps")
        self.particles = make_field(state, "sampling.particles", "particles")
        for part in (self.kind, self.notice, self.source, self.step, self.steps, self.particles):
            self.body.addWidget(part)
        self.denoise = make_field(state, "sampling.denoise", "last step noise-free")
        self.solver = make_field(state, "sampling.solver", "solver")
        self.grid = make_field(state, "sampling.grid", "step grid")
        self.corrector_steps = make_field(state, "sampling.corrector_steps", "corrector steps")
        self.snr = make_field(state, "sampling.snr", "corrector r")
        self.start = make_field(state, "sampling.start", "start")
        self.seed = NumberField(state, "seed", "seed", slider=False)
        for part in (self.denoise, self.solver, self.grid, self.corrector_steps, self.snr, self.start, self.seed):
            self.advanced().addWidget(part)
        state.changed.connect(self._refresh)
        engine.problem_changed.connect(self._refresh)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        experiment = self.state.experiment
        sampling = experiment.sampling
        langevin = sampling.kind in ("langevin", "annealed-langevin")
        self.step.setVisible(langevin)
        self.denoise.setVisible(sampling.kind in ("annealed-langevin", "reverse-sde"))
        for part in (self.solver, self.grid, self.corrector_steps):
            part.setVisible(not langevin)
        self.snr.setVisible(not langevin and sampling.corrector_steps > 0)
        if langevin:
            assert isinstance(self.step, NumberField)
            self.step.set_resolved(self.engine.automatic_step)
        particles = value(resolved(experiment), "sampling.particles")
        self.set_state(f"{NAMES.get(sampling.kind, sampling.kind)} · {count(particles)}")
        self._say()

    def _say(self) -> None:
        refusal = sampling_refusal(self.state.experiment)
        if refusal is None:
            self.notice.say("error", "")
        elif refusal.key == "sampling.source":
            self.notice.say("error", refusal.sentence, self._way("Use learned", "sampling.source", "learned"))
        elif refusal.key == "sampling.solver":
            self.notice.say("error", refusal.sentence, self._way("Use Auto", "sampling.solver", "auto"))
        else:
            self.notice.say(
                "error",
                refusal.sentence,
                self._way("Use Langevin", "sampling.kind", "langevin"),
                self._way("Use VE noise", "noise.kind", "ve"),
            )

    def _way(self, title: str, key: str, choice: str) -> tuple[str, str, object]:
        return title, choices.meaning(key, choice), lambda: self.state.edit({key: choice})
