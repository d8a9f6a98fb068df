"""The score at the pointer, in each form that a network may predict."""

import numpy as np
from PySide6.QtCore import Slot

from playground.app.canvas.readouts import NAMES, place, vector
from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.model.views import PointReadout
from playground.app.panels.figure import Figure
from playground.app.style.number_formats import format_number
from playground.app.widgets import layouts
from playground.app.widgets.captions import caption, show_text
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.lab.field_names import added_noise

NO_POINT = "Point at the canvas: the values there come here."
NO_NOISE = "Without noise there is only the score."
IMAGES = "The table is of points of the plane. Click an image: the card Particle has pictures of it."


class FieldNamesPanel(CollapsiblePanel):
    """Score, noise, denoised estimate, v and velocity at a point: five forms of one field."""

    def __init__(self, state: State, controllers: Controllers) -> None:
        purpose = "What a network can predict, here."
        super().__init__("One field, five names", purpose=purpose)
        self._state, self._playing = controllers.state, controllers.playing
        self._point: tuple[float, float] | None = None
        self._time_to_data = False
        self._following = controllers.following
        self.hint = caption(NO_NOISE)
        self.body.addWidget(self.hint)
        self.score = Figure(
            "score s",
            "The gradient of the log-density, which particles follow; per unit.",
            r"s = \nabla \log p_\sigma(x)",
            "learned",
        )
        self.noise = Figure(
            "noise ε = −σ s",
            "All the noise in x, as the network would predict it, in standard deviations.",
            r"\hat\epsilon = -\alpha\sigma\,s = E[z\,|\,x]",
        )
        self.denoised = Figure(
            "denoised estimate x₀",
            "The mean of the clean points that x may come from.",
            r"\hat{x}_0 = (x + \alpha^2\sigma^2 s)/\alpha = E[x_0\,|\,x]",
            "data",
        )
        self.v = Figure(
            "v = αε − σx₀",
            "Of the process with α² + σ² = 1 at the same SNR, with standardized data (Salimans & Ho 2022).",
            r"v = (\hat\epsilon - \sigma\hat{x}_0)/\sqrt{1 + \sigma^2}",
        )
        self.velocity = Figure(
            "velocity (flow matching)",
            "Along the straight path, in your units, in the direction in which t grows: see View > Time from noise to data.",
            r"u = E[z - x_0\,|\,x]",
        )
        self.levels = Figure("σ, α", "Noise over signal, in your units, and what the process multiplies the data by.")
        self.times = Figure(
            "t, flow time",
            "Of the noise process, and of the straight path at the same SNR.",
            r"\tau = \sigma/(1 + \sigma)",
        )
        self.ratio = Figure(
            "SNR, log SNR",
            "Variance of the standardized data over that of the noise, and its logarithm.",
            r"1/\sigma^2",
        )
        self.step = Figure(
            "σ of last step, of all",
            "Noise between this frame and the one before, beside all the noise. A network predicts all of it.",
            r"\sqrt{|\sigma_k^2 - \sigma_{k-1}^2|},\ \sigma_k",
        )
        self.figures = (
            *(self.score, self.noise, self.denoised, self.v, self.velocity),
            *(self.levels, self.times, self.ratio, self.step),
        )
        layouts.add(self.body, *self.figures)
        self._following.probed.connect(self._show)
        self._state.problem_changed.connect(self._follow_problem)
        self._playing.frame_changed.connect(self._follow)
        self._forget()

    @Slot()
    def _follow_problem(self) -> None:
        if self._state.failure is None or self._state.problem is None:  # else an edit was refused
            self._forget()

    def _forget(self) -> None:
        """Show nothing: the values belong to other data or other noise."""
        self._point, problem = None, self._state.problem
        images = problem is not None and problem.is_image
        for figure in self.figures:
            figure.show_text("")
            figure.setVisible(not images)
        show_text(self.hint, IMAGES if images else NO_POINT)
        self.set_state("")

    @Slot()
    def _follow(self) -> None:
        """Request the values at the same point in another frame, when the canvas does not request them itself."""
        if self._point is not None and self.is_open():
            self._following.probe(*self._point)

    def set_time_to_data(self, on: bool) -> None:
        """Let t be 0 at the noise and 1 at the data, with the velocity's sign, or the other way round."""
        self._time_to_data = on
        self._follow()

    def _shown(self, time: float) -> float:
        return 1 - time if self._time_to_data else time

    @Slot(object)
    def _show(self, readout: PointReadout) -> None:
        problem, names, run = self._state.problem, readout.names, self._playing.trajectory
        if problem is None or not self.is_open():
            return
        self._point = readout.point
        show_text(self.hint, NO_NOISE if names is None else "")
        self.set_state(f"{NAMES[readout.followed]} · {place(np.array(readout.point), problem.bounds)}")
        if names is None:
            for figure in self.figures:
                figure.show_text("")
            self.score.show_text("" if readout.learned is None else vector(readout.learned))
            return
        self.score.show_text("" if readout.velocity else vector(names.score[0]), "Between two sets there is no score.")
        self.noise.show_text(vector(names.noise[0]))
        self.denoised.show_text(place(names.denoised[0], problem.bounds))
        self.v.show_text(vector(names.v[0]))
        self.velocity.show_text(vector(-names.velocity[0] if self._time_to_data else names.velocity[0]))
        self.levels.show_text(f"{format_number(names.sigma)}, {format_number(names.alpha)}")
        time = "–" if names.time is None else f"{self._shown(names.time):.3f}"
        self.times.show_text(f"{time}, {self._shown(names.flow_time):.3f}")
        self.ratio.show_text(f"{format_number(names.snr)}, {format_number(names.log_snr)}")
        frame = self._playing.frame
        added = None if run is None or frame >= len(run) else added_noise(run.sigma, frame)
        self.step.show_text(f"{'–' if added is None else format_number(added)}, {format_number(names.sigma)}")
