"""The sampling card: which sampler, which score, how many steps."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from playground.app.canvas import readouts
from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.model.views import conditions_of
from playground.app.panels.measured_figure import MeasuredFigure
from playground.app.style import theme
from playground.app.style.number_formats import format_count
from playground.app.style.wrapping import breakable
from playground.app.widgets import layouts
from playground.app.widgets.captions import caption, show_text
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.app.widgets.controls import ChoiceBox
from playground.app.widgets.field_row import FieldRow
from playground.app.widgets.fields import make_field
from playground.app.widgets.kind_rows import KindRows, column
from playground.app.widgets.number_rows import NumberField
from playground.app.widgets.throttle import Throttle
from playground.data.dataset import one_line
from playground.lab.conflicts import sampling_conflict

OF_CLASSES = frozenset({"sampling.labels", "sampling.label"})
OF_GUIDANCE = frozenset({"sampling.guidance", "sampling.guidance_min", "sampling.guidance_max"})
COUNTED = 100  # ms between two numbers of score evaluations: new ones in every frame could not be read


class ClassField(NumberField):
    """The number of a class, and its name."""

    def fill(self) -> None:
        super().fill()
        self.class_name = caption()
        self.class_name.setTextFormat(Qt.TextFormat.PlainText)
        self.class_name.setAlignment(Qt.AlignmentFlag.AlignRight)  # below the number that it belongs to
        self.class_name.hide()
        self._column.addWidget(self.class_name)

    def show_class(self, names: Sequence[str]) -> None:
        """Show the name of the chosen class; the Data card names only the first few."""
        number = self.state.value(self.key)
        show_text(self.class_name, breakable(one_line(names[number])) if number < len(names) else "")


class SamplingPanel(CollapsiblePanel):
    """The sampler and its numbers. A change starts the next run at once."""

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Sample", 5, purpose="New points, by following the score.")
        self.state = state
        self._building, self._playing = controllers.building, controllers.playing
        self.kind = make_field(state, "sampling.kind", None)
        self.notice = Notice()
        self._top = layouts.across((self.kind, 1), spacing=theme.UNIT, margins=0)
        self._beside: QWidget | None = None
        layouts.add(self.body, self._top, self.notice)
        first, rest = column(self.body), self.behind()
        rows = column(rest)
        self.cost = MeasuredFigure("nfe_mean", more="Shown is the number up to the step in view.")
        rest.addWidget(self.cost)
        self.sampler = KindRows(
            state,
            "sampling",
            first,
            column(self.advanced()),
            make={"sampling.label": ClassField},
            rest=rows,
            first=("sampling.source", "sampling.steps"),
            last=("sampling.steps", "sampling.particles", "sampling.seed"),
            applies=self._applies,
            parent=self,
        )
        state.changed.connect(self._refresh)
        self.state.problem_changed.connect(self._refresh)
        self._playing.trajectory_changed.connect(lambda _: self._show_cost())
        self._playing.frame_changed.connect(Throttle(COUNTED, self._show_cost, self).ask)
        self._refresh()

    def put_beside_sampler(self, part: QWidget) -> None:
        """Put a button beside the choice of the sampler."""
        self._top.addWidget(part)
        layouts.tab_through(self.kind.controls()[-1], part)
        self._beside = part
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Put the button below the sampler if the sampler's name would be cut beside it."""
        box = self.kind.controls()[0]
        if self._beside is not None and isinstance(box, ChoiceBox):
            needed = box.whole_width + theme.UNIT + self._beside.sizeHint().width()
            layouts.turn(self._top, needed <= self._top.geometry().width())

    def _applies(self, key: str) -> bool:
        """Whether a setting has an effect; without classes, or before the data are read, no class can be chosen."""
        if key in OF_GUIDANCE and self.state.experiment.sampling.follows_checkpoint:
            return True
        return key not in OF_CLASSES | OF_GUIDANCE or bool(self._classes())

    def _classes(self) -> tuple[int, ...]:
        view, sampling = self.state.problem, self.state.experiment.sampling
        return view.conditions.classes_of(sampling.follows) if view is not None else ()

    @Slot()
    def _show_cost(self) -> None:
        run, frame = self._playing.trajectory, self._playing.frame
        text = readouts.evaluations(run, frame, "") if run is not None and frame < len(run) else ""
        if text != self.cost.text():
            self.cost.show_text(text)

    @Slot()
    def _refresh(self) -> None:
        experiment, view = self.state.experiment, self.state.problem
        self.sampler.refresh()
        sampling, rows = experiment.sampling, self.sampler.rows
        if view is not None:
            self._settle(rows, view.class_names, max(self._classes(), default=0), view.conditions.held_out - 1)
        noise = None if view is None or view.resolved is None else view.resolved.noise
        self.sampler.resolve(
            {
                "sampling.step": self._building.default_step,
                "sampling.churn_min": getattr(noise, "sigma_min", None),
                "sampling.churn_max": getattr(noise, "sigma_max", None),
            }
        )
        particles = self.state.resolved.sampling.particles
        assert particles != "auto"
        self.set_state(f"{sampling.short} · {format_count(particles)}")
        self._arrange()
        self.notice.show_message("error", sampling_conflict(experiment, conditions_of(view)), self.state.edit)

    def _settle(self, rows: dict[str, FieldRow], names: Sequence[str], last_class: int, last_point: int) -> None:
        """Limit the sliders by the current data, and show the name of the class."""
        label, known = rows.get("sampling.label"), rows.get("sampling.inpainting_image")
        if isinstance(label, ClassField):
            label.set_last(last_class)
            label.show_class(names)
        if isinstance(known, NumberField):
            known.set_last(max(last_point, 0))
