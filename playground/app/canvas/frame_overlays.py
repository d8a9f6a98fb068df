"""What the canvas shows with a frame besides particles: score fields, density, caption, and which score the particles follow."""

import typing

import numpy as np
from PySide6.QtCore import QObject

from playground.app.canvas import readouts
from playground.app.model.views import DensityView, FieldView

if typing.TYPE_CHECKING:
    from playground.app.window import MainWindow
    from playground.lab.trajectory import Trajectory

FOLLOWED = "The particles follow this score."
UNTRAINED = "The network is untrained: these are its random weights."
FIELD_NAMES = {"exact": "Exact score", "empirical": "Training-set score"}


class FrameOverlays(QObject):
    """Puts on the canvas what the engine computes for a frame, and takes it away with the frame.

    Attributes:
        density: the one that the canvas shows.
        stale: a run of other data, of which nothing is said.
    """

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window, self._state, self._engine, self._canvas = window, window.state, window.engine, window.canvas
        self.density: DensityView | None = None
        self.stale: Trajectory | None = None
        self._followed = "learned"  # the score whose field is shown by default
        engine = self._engine
        engine.field_changed.connect(self._show_field)
        engine.density_changed.connect(self._show_density)
        engine.overlay_dropped.connect(self._drop)
        engine.training_changed.connect(lambda _: self.show_caption())
        engine.training_changed.connect(lambda _: self.name_fields())
        engine.problem_changed.connect(lambda _: self.name_fields())
        self._canvas.layer_toggled.connect(self.show_caption)
        self._state.changed.connect(self._edited)
        self._show_followed()

    # --- field and density

    def _show_field(self, view: FieldView) -> None:
        if self._engine.problem is None:
            return  # computed before the drawing was cleared
        self._canvas.set_field(view.positions, view.learned, "learned")
        self._canvas.set_field(view.positions, view.exact, "exact")

    def _show_density(self, view: DensityView) -> None:
        if self._engine.problem is None or not self._window.chips.chips["density"].isEnabled():
            return  # computed for data or noise that are gone
        self._canvas.set_density(view.density, view.extent)
        self.density = view
        self.show_caption()

    def _drop(self, name: str) -> None:
        """Take away what belongs to no frame in view."""
        if name == "density":
            self._canvas.set_density(None)
            self.density = None
            self.show_caption()
        else:
            for role in ("learned", "exact"):
                self._canvas.set_field(np.zeros((0, 2)), None, role)

    def forget(self) -> None:
        """Take both away: they are of other data."""
        for name in ("field", "density"):
            self._drop(name)

    # --- caption

    @property
    def shows_untrained(self) -> bool:
        """Whether what the canvas shows is of a network with random weights: its arrows, or particles that follow it."""
        follows = self._state.experiment.sampling.follows == "learned"
        return self._engine.untrained and (follows or self._canvas.visible["learned"])

    def show_caption(self) -> None:
        trajectory, frame = self._engine.trajectory, self._engine.frame
        if trajectory is None or trajectory is self.stale or frame >= len(trajectory):
            return
        lines = readouts.caption(trajectory, frame, self._state.experiment.sampling.kind, self.shows_untrained)
        if self.density is not None and self._canvas.visible["density"]:
            lines += readouts.asked_density(self.density)
        self._canvas.set_caption(lines)

    # --- the score that particles follow

    def _edited(self, keys: frozenset[str]) -> None:
        if "sampling.source" in keys:
            self._show_followed()
        elif "sampling.kind" in keys:
            self.name_fields()

    def _show_followed(self) -> None:
        """Show the field that particles follow in place of the other one, whenever another is chosen to be followed."""
        source = self._state.experiment.sampling.follows
        if source not in (None, self._followed):
            self._followed = source
            if source != "learned":
                self._canvas.set_option("exact", "source", source)
            self._canvas.set_layer_visible("learned", source == "learned")
            self._canvas.set_layer_visible("exact", source != "learned")
        self.name_fields()

    def name_fields(self) -> None:
        """Say on the chips of the two fields which score each is of, and which one the particles follow."""
        followed, engine = self._state.experiment.sampling.follows, self._engine
        for layer, source, title in (
            ("learned", "learned", "Learned score"),
            ("exact", engine.exact_source, FIELD_NAMES[engine.exact_source]),
        ):
            # Beside the learned score, which is followed unless one chooses otherwise, there is no room for more words.
            told = source == followed and source != "learned"
            notes = [FOLLOWED] if source == followed else []
            if layer == "learned" and engine.untrained and engine.problem is not None:
                notes.append(UNTRAINED)
            self._window.chips.name(layer, f"{title} (followed)" if told else title, notes)
