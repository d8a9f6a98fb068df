"""One column of a comparison: its head says what differs, and the canvas is below it."""

import functools
from collections.abc import Generator

import numpy as np
from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QToolButton, QWidget

from playground.app.canvas import column_menu, readouts
from playground.app.canvas.layers import Layers
from playground.app.canvas.run_view import RunView
from playground.app.canvas.view import CanvasView
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.runs import Run
from playground.app.controllers.video_frames import video_frames_over
from playground.app.model.columns import LETTERS
from playground.app.model.edit_text import SAME, difference
from playground.app.model.state import State
from playground.app.model.views import ProblemView
from playground.app.model.workspace import Model
from playground.app.style import theme
from playground.app.style.labels import worded
from playground.app.style.text_size import px
from playground.app.style.theme import UNIT, set_role, set_state
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.charts.distance import COLORS
from playground.app.widgets.menu_button import MenuButton
from playground.app.widgets.steady_size import SteadySize
from playground.drawing.film import FrameOverlay
from playground.drawing.plane import Viewport
from playground.drawing.side_by_side import DrawnColumn
from playground.lab.columns import Column
from playground.lab.document import Place

GAP = UNIT // 2
NARROWEST = 160, 140  # px, least width and height of a column; four fit beside the cards in a window of 1280
WIDE = 320  # px at the usual size of the text, width of a column from which its head explains its number


class ColumnView(QFrame):
    """A head that says only what differs, and the canvas, which shows the layers of the main one."""

    def __init__(
        self, place: int, state: State, controllers: Controllers, layers: Layers, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.place, self._state, self._controllers = place, state, controllers
        self._following = controllers.following
        self._comparing, self._inspecting = controllers.comparing, controllers.inspecting
        self._unit = ""  # behind the number in the head
        letter = LETTERS[place]
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        self.letter, self.cost = QLabel(letter), QLabel(alignment=right)
        set_role(self.letter, "heading")
        set_role(self.cost, "caption")
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill)
        self.button, self.remove = MenuButton(self.menu), QToolButton()
        self.remove.setText("✕")
        self.remove.setToolTip("Remove this column")
        set_role(self.remove, "quiet")
        self.remove.setAccessibleName(f"Remove column {letter}")
        self.remove.clicked.connect(lambda: controllers.column_edits.remove(place))
        for control in (self.button, self.remove):
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._cost_room = SteadySize(self.cost, self)
        name = layouts.across(self.letter, (self.button, 1), spacing=GAP, margins=0)
        end = layouts.across(None, self._cost_room, self.remove, spacing=GAP, margins=0)
        head = layouts.down(name, end, spacing=GAP, margins=GAP)
        self.canvas = CanvasView(layers=layers)
        self.canvas.setMinimumSize(*NARROWEST)
        self.canvas.surface.setAccessibleName(f"Canvas of column {letter}")
        self.canvas.surface.setAccessibleDescription(
            "In the plane arrow keys move all columns, plus and minus zoom, 0 shows all. Alt+click or Alt+Enter follows a "
            "particle in all columns."
        )
        self._view = RunView(controllers, self.canvas, lambda: self.run, place)
        self.canvas.picking.picked.connect(self._pick)
        self._inspecting.changed.connect(self._ring_image)
        layouts.down(head, (self.canvas, 1), within=self, spacing=0, margins=0)

    @property
    def _unit_here(self) -> str:
        """The unit of the number, where there is room for it."""
        return " evaluations" if self.width() > px(WIDE) else ""

    @property
    def column(self) -> Column:
        return self._comparing.columns[self.place]

    @property
    def run(self) -> Run | None:
        """Its run, which may be that of the columns before; None if there is none."""
        runs = self._comparing.runs
        return runs[self.place] if self.place < len(runs) else None

    @Slot(object, str)
    def _pick(self, place: Place, modifier: str) -> None:
        if modifier == "alt":
            self._inspecting.follow(self.canvas.particle_at(place), self.place)

    @Slot()
    def _fill(self) -> None:
        run, view, replaying = self.run, self._controllers.building.problem, self._controllers.replaying
        view = view if run is None or run.model is None else run.model.view
        steps = replaying.steps if replaying.can_choose else ()
        main, resolved = self._state.experiment, None if view is None else view.resolved
        choose = functools.partial(self._controllers.column_edits.put, self.place)
        column_menu.fill(self.menu, main, resolved, self.column, steps, choose)

    def drawn(self, frame: int | None, as_seen: bool) -> DrawnColumn | None:
        """The column for a film or a picture; None if it has no run.

        Args:
            frame: of a picture, the frame of the common timeline; None for a film. The run may still be sampled.
            as_seen: include field and density of the current frame, for a picture of that frame only.
        """
        run, total = self.run, self._controllers.playing.total
        trajectory = None if run is None else run.trajectory
        if run is None or run.model is None or run.failure is not None or trajectory is None:
            return None
        assert isinstance(run.model, Model)
        views = functools.partial(video_frames_over, run.model, self._following.wanted_by(run))
        maker = self._view.maker(views, run.experiment.sampling, self._view.weights)
        still = None if frame is None else run.frame_at(frame, total)

        def prepare(viewport: Viewport, frames: np.ndarray) -> Generator[float, None, FrameOverlay]:
            if as_seen:
                return lambda scene, frame: scene
            return (yield from maker(viewport)(trajectory, frames))

        return DrawnColumn(
            LETTERS[self.place],
            self.button.words(),
            COLORS[self.place],
            self.canvas.still(),
            prepare,
            lambda frame: run.frame_at(frame, total) if still is None else still,
            lambda frame: readouts.evaluations(trajectory, frame, " evaluations"),
        )

    def show_head(self) -> None:
        """Show what differs, and what a run costs."""
        main, column = self._state.experiment, self.column
        words = difference(main, column)
        self.button.show_words(words, difference(main, column, short=True))
        self.button.setToolTip(wrapped(f"{words}.", "Click to choose what this column changes of the main experiment."))
        self.button.setAccessibleName(f"Column {LETTERS[self.place]}: {words}")
        set_state(self.button, "same", words == SAME)
        self.remove.setVisible(self._controllers.column_edits.can_remove)

    def show_run(self, run: Run, view: ProblemView) -> None:
        """Show another run, with its data."""
        self._view.clear()
        self._view.show()  # which has nothing yet
        self.canvas.show_problem(view)
        self.canvas.change(hint="" if run.failure is None else worded(run.failure))
        self._ring_image()
        self.cost.setText("")

    @Slot()
    def _ring_image(self) -> None:
        self.canvas.choose_images(self._inspecting.number, None)

    def show_cost(self, frame: int) -> None:
        """Show the progress of its own training, or the score evaluations up to a frame of the common timeline."""
        run = self.run
        share = None if run is None else self._comparing.trained(run)
        if share is not None:
            self.cost.setText(f"training {share:.0%}")
        elif run is not None and run.trajectory is not None:
            unit = self._unit_here
            if unit != self._unit:
                self._unit = unit
                self._cost_room.apply_text_size()
            own = run.frame_at(frame, self._controllers.playing.total)
            self.cost.setText(readouts.evaluations(run.trajectory, own, unit))

    def apply_palette(self) -> None:
        self.letter.setStyleSheet(f"color: {theme.color(COLORS[self.place]).name()}; font-weight: 600;")

    def minimumSizeHint(self) -> QSize:
        """The canvas alone decides how narrow it gets, so that no number in a head makes columns unequal."""
        return QSize(self.canvas.minimumWidth(), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.show_cost(self._controllers.playing.frame)
        super().resizeEvent(event)
