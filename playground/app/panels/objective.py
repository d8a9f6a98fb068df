"""What training minimises, and the network that learns."""

import math

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from playground.app.collapsible_panel import CollapsiblePanel, Notice
from playground.app.engine import Engine
from playground.app.fields import make_field
from playground.app.number_formats import format_compact, format_count
from playground.app.state import State
from playground.app.views import conditions_of
from playground.lab.conflicts import training_conflict
from playground.lab.defaults import LEVELS, derivative_passes, resolve
from playground.lab.idle import acts

NETWORK = ("kind", "width", "depth", "activation", "features", "feature_scale")


class ObjectivePanel(CollapsiblePanel):
    """Score matching in three forms, or maximum likelihood; the network behind "Advanced"."""

    def __init__(self, state: State, engine: Engine, parent: QWidget | None = None) -> None:
        super().__init__("Objective", 3, parent)
        self.state, self.engine = state, engine

        def unsaved_steps() -> int:
            return engine.trained_steps

        self.kind = make_field(state, "objective.kind", None)
        self.weight = make_field(state, "objective.weight")
        self.projections = make_field(state, "objective.projections")
        self.projection = make_field(state, "objective.probes")
        self.variance_reduced = make_field(state, "objective.variance_reduced")
        self.cells = make_field(state, "objective.normalizer_grid")
        self.notice = Notice()
        for part in (
            self.kind,
            self.notice,
            self.weight,
            self.cells,
            self.projections,
            self.projection,
            self.variance_reduced,
        ):
            self.body.addWidget(part)
        self.network = {name: make_field(state, f"network.{name}", unsaved_steps=unsaved_steps) for name in NETWORK}
        self.reference = make_field(state, "objective.target_batch")
        for part in (self.reference, *self.network.values()):
            self.advanced().addWidget(part)
        state.changed.connect(self._refresh)
        engine.problem_changed.connect(self._refresh)
        engine.problem_failed.connect(self._refresh)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        experiment, view = self.state.experiment, self.engine.problem
        self.weight.setVisible(experiment.noise.kind != "none")
        for part in (self.cells, self.projections, self.projection, self.variance_reduced):
            part.setVisible(acts(experiment, part.key))
        told = view is not None and bool(view.conditions.classes)  # each image then has its own noise for a target
        self.reference.setVisible(experiment.objective.kind == "denoising" and not told)
        kind = resolve(experiment).network.kind
        name = {"mlp": "MLP", "energy": "Energy"}.get(kind, "U-Net")
        text = f"{name} {experiment.network.width}×{experiment.network.depth}"
        self.set_state(f"{text} · {format_compact(view.parameters_count)}" if view is not None else text)
        for part in ("features", "feature_scale"):
            self.network[part].setVisible(kind in ("mlp", "energy"))
        self._say()

    def _say_cost(self) -> None:
        """What the full trace costs where that is much, and what costs less."""
        objective, view = self.state.experiment.objective, self.engine.problem
        known = view is not None and view.describes(self.state.experiment)
        dim = math.prod(view.points.shape[1:]) if known else 0
        passes = derivative_passes(objective, dim)
        if objective.kind == "maximum-likelihood":
            levels = 1 if self.state.experiment.noise.kind in ("none", "single") else LEVELS
            self.notice.say(
                "info", f"Z is summed over {format_count(levels * objective.normalizer_grid**2)} points at every step."
            )
            return
        if objective.kind != "exact" or passes <= 2:
            self.notice.say("info", "")
            return
        self.notice.say(
            "info",
            f"Exact matching differentiates the score along each of {passes} axes at every step. Sliced matching "
            "takes a few random directions; its loss has the same mean.",
            ("Use sliced", "objective.kind = sliced", lambda: self.state.edit({"objective.kind": "sliced"})),
        )

    def _say(self) -> None:
        experiment = self.state.experiment
        view = self.engine.problem
        conflict = training_conflict(experiment, conditions_of(view))
        if conflict is None or conflict.key.startswith("data."):
            self._say_cost()
        elif conflict.key == "network.kind":
            mend = ("Use an MLP", "network.kind = mlp", lambda: self.state.edit({"network.kind": "mlp"}))
            self.notice.say("error", conflict.sentence, mend)
        elif conflict.key == "objective.target_batch":
            own = (
                "Use Auto",
                "objective.target_batch = auto",
                lambda: self.state.edit({"objective.target_batch": "auto"}),
            )
            self.notice.say("error", conflict.sentence, own)
        elif experiment.objective.kind == "maximum-likelihood":
            score = (
                "Use denoising",
                "objective.kind = denoising",
                lambda: self.state.edit({"objective.kind": "denoising"}),
            )
            energy = ("Use an energy", "network.kind = energy", lambda: self.state.edit({"network.kind": "energy"}))
            self.notice.say(
                "error", conflict.sentence, *((score,) if experiment.network.kind == "energy" else (energy, score))
            )
        else:
            self.notice.say(
                "error",
                conflict.sentence,
                ("Use sliced", "objective.kind = sliced", lambda: self.state.edit({"objective.kind": "sliced"})),
                ("Add noise", "noise.kind = ve", lambda: self.state.edit({"noise.kind": "ve"})),
            )
