"""Making new points: which sampler, from which score, how many steps."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel, QWidget

from playground.app import option_labels, readouts, theme
from playground.app.collapsible_panel import CollapsiblePanel, Notice
from playground.app.engine import Engine
from playground.app.fields import NumberField, make_field
from playground.app.number_formats import format_count
from playground.app.panels.figure import Figure
from playground.app.state import State
from playground.app.views import conditions_of
from playground.app.wrapping import breakable
from playground.data.dataset import one_line
from playground.data.sources import SOURCES
from playground.lab.conflicts import annealing_levels, sampling_conflict
from playground.lab.defaults import resolve
from playground.lab.experiment import value
from playground.lab.idle import acts

NAMES = {
    "langevin": "Langevin",
    "mala": "MALA",
    "annealed-langevin": "annealed Langevin",
    "reverse-sde": "reverse SDE",
    "probability-flow": "probability flow",
    "edm": "EDM",
    "forward": "forward",
}


class SamplingPanel(CollapsiblePanel):
    """The sampler and its numbers; a change acts on the next run, which begins at once."""

    def __init__(self, state: State, engine: Engine, parent: QWidget | None = None) -> None:
        super().__init__("Sample", 5, parent)
        self.state, self.engine = state, engine
        self.kind = make_field(state, "sampling.kind", None)
        self.source = make_field(state, "sampling.source")
        self.labels = make_field(state, "sampling.labels")
        self.label = make_field(state, "sampling.label")
        self.class_name = QLabel(self)
        self.class_name.setTextFormat(Qt.TextFormat.PlainText)
        self.class_name.setWordWrap(True)
        self.class_name.setAlignment(Qt.AlignmentFlag.AlignRight)  # below the number that it belongs to
        theme.set_role(self.class_name, "caption")
        self.guidance = make_field(state, "sampling.guidance")
        self.mask = make_field(state, "sampling.inpainting_mask")
        self.known = make_field(state, "sampling.inpainting_image")
        self.notice = Notice()
        self.step = make_field(state, "sampling.step")
        self.churn = make_field(state, "sampling.churn")
        self.steps = make_field(state, "sampling.steps")
        self.particles = make_field(state, "sampling.particles")
        self.cost = Figure(
            "score evaluations",
            "Score evaluations (NFE) of one particle up to the step in view; with the adaptive solver the mean "
            "and the maximum. Guidance takes two evaluations where one is enough without.",
        )
        for part in (
            self.kind,
            self.notice,
            self.source,
            self.labels,
            self.label,
            self.class_name,
            self.guidance,
            self.step,
            self.churn,
            self.steps,
            self.particles,
            self.cost,
        ):
            self.body.addWidget(part)
        self.denoise = make_field(state, "sampling.final_denoising")
        self.solver = make_field(state, "sampling.solver")
        self.tolerance = make_field(state, "sampling.tolerance")
        self.grid = make_field(state, "sampling.time_grid")
        self.churn_min = make_field(state, "sampling.churn_min")
        self.churn_max = make_field(state, "sampling.churn_max")
        self.churn_noise = make_field(state, "sampling.churn_noise")
        self.corrector_steps = make_field(state, "sampling.corrector_steps")
        self.snr = make_field(state, "sampling.snr")
        self.start = make_field(state, "sampling.start")
        self.seed = NumberField(state, "seed", slider=False)
        churning = (self.churn, self.churn_min, self.churn_max, self.churn_noise)
        for part in (
            self.mask,
            self.known,
            self.denoise,
            *churning[1:],
            self.solver,
            self.tolerance,
            self.grid,
            self.corrector_steps,
            self.snr,
            self.start,
            self.seed,
        ):
            self.advanced().addWidget(part)
        correcting = (self.corrector_steps, self.snr)
        # What some samplers read and others do not.
        self._read_at_times = (self.step, self.denoise, self.tolerance, self.grid, *correcting, *churning)
        state.changed.connect(self._refresh)
        engine.problem_changed.connect(self._refresh)
        engine.problem_failed.connect(self._refresh)
        engine.trajectory_changed.connect(lambda _: self._show_cost())
        engine.frame_changed.connect(lambda _: self._show_cost())
        self._refresh()

    def _show_cost(self) -> None:
        run, frame = self.engine.trajectory, self.engine.frame
        text = readouts.evaluations(run, frame, "") if run is not None and frame < len(run) else ""
        if text != self.cost.text():
            self.cost.show_text(text)

    @Slot()
    def _refresh(self) -> None:
        experiment = self.state.experiment
        sampling = experiment.sampling
        back = sampling.kind != "forward"
        for part in (self.source, self.start):
            part.setVisible(back)  # the way to noise asks for no score and starts from data
        view = self.engine.problem
        told = back and sampling.source == "learned" and view is not None and bool(view.conditions.classes)
        self.labels.setVisible(told)
        of_one = told and sampling.labels == "one"
        self.label.setVisible(of_one)
        self._name_class(view.class_names if of_one and view is not None else ())
        self.guidance.setVisible(told and sampling.labels != "none")
        if view is not None:
            assert isinstance(self.label, NumberField)
            assert isinstance(self.known, NumberField)
            self.label.set_last(max(view.conditions.classes, default=0))
            self.known.set_last(max(view.conditions.held_out - 1, 0))
        self.mask.setVisible(back)
        self.known.setVisible(back and sampling.inpainting_mask != "none")
        self.solver.setVisible(sampling.kind in ("reverse-sde", "probability-flow"))
        for part in self._read_at_times:
            part.setVisible(acts(experiment, part.key))
        self._resolve_churn()
        assert isinstance(self.step, NumberField)
        if acts(experiment, "sampling.step"):
            self.step.set_resolved(self.engine.default_step)
        particles = value(resolve(experiment), "sampling.particles")
        self.set_state(f"{NAMES.get(sampling.kind, sampling.kind)} · {format_count(particles)}")
        self._say()

    def _name_class(self, names: Sequence[str]) -> None:
        """Say what the class is called that is chosen: of many, the Data card names the first few."""
        number = self.state.experiment.sampling.label
        name = one_line(names[number]) if number < len(names) else ""
        self.class_name.setText(breakable(name))
        self.class_name.setVisible(bool(name))

    def _resolve_churn(self) -> None:
        view = self.engine.problem
        noise = None if view is None or view.resolved is None else view.resolved.noise
        for field, end in ((self.churn_min, noise and noise.sigma_min), (self.churn_max, noise and noise.sigma_max)):
            assert isinstance(field, NumberField)
            field.set_resolved(end if isinstance(end, float) else None)

    def _say(self) -> None:
        conditions = conditions_of(self.engine.problem)
        conflict = sampling_conflict(self.state.experiment, conditions)
        if conflict is None:
            self.notice.say("error", "")
        elif conflict.key == "sampling.source" and self.state.experiment.sampling.source == "learned":
            known = "exact" if SOURCES[self.state.experiment.data.kind].known_density else "empirical"
            self.notice.say(
                "error",
                conflict.sentence,
                self._way(f"Use {option_labels.title('sampling.source', known).lower()}", "sampling.source", known),
                self._way("Use Langevin", "sampling.kind", "langevin"),
            )
        elif conflict.key == "sampling.source":
            self.notice.say("error", conflict.sentence, self._way("Use learned", "sampling.source", "learned"))
        elif conflict.key == "sampling.steps":
            steps = annealing_levels(self.state.experiment)
            self.notice.say("error", conflict.sentence, self._way(f"Use {steps} steps", "sampling.steps", steps))
        elif conflict.key == "sampling.churn_min":
            self.notice.say("error", conflict.sentence, self._way("Use Auto", "sampling.churn_min", "auto"))
        elif conflict.key in ("sampling.labels", "sampling.inpainting_mask"):
            self.notice.say("error", conflict.sentence, self._way("Use none", conflict.key, "none"))
        elif conflict.key == "sampling.label":
            nearest = min(conditions.classes, key=lambda there: abs(there - self.state.experiment.sampling.label))
            self.notice.say("error", conflict.sentence, self._way(f"Use class {nearest}", "sampling.label", nearest))
        elif conflict.key == "sampling.inpainting_image":
            last = conditions.held_out - 1
            self.notice.say("error", conflict.sentence, self._way(f"Use {last}", "sampling.inpainting_image", last))
        elif conflict.key == "sampling.corrector_steps":
            self.notice.say("error", conflict.sentence, self._way("Use none", "sampling.corrector_steps", 0))
        elif conflict.key == "sampling.kind" and self.state.experiment.sampling.kind == "langevin":
            self.notice.say(
                "error",
                conflict.sentence,
                self._way("Use MALA", "sampling.kind", "mala"),
                self._way("Use VE noise", "noise.kind", "ve"),
            )
        elif conflict.key == "sampling.solver":
            self.notice.say("error", conflict.sentence, self._way("Use Auto", "sampling.solver", "auto"))
        else:
            self.notice.say(
                "error",
                conflict.sentence,
                self._way("Use Langevin", "sampling.kind", "langevin"),
                self._way("Use VE noise", "noise.kind", "ve"),
            )

    def _way(self, title: str, key: str, choice: str | int) -> tuple[str, str, object]:
        return title, option_labels.meaning(key, str(choice)), lambda: self.state.edit({key: choice})
