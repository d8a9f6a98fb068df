"""The followed particle: its next step as an equation with values."""

import html

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel

from playground.app.canvas.readouts import place, vector
from playground.app.controllers.controllers import Controllers
from playground.app.model.columns import LETTERS
from playground.app.model.state import State
from playground.app.panels.figure import Figure
from playground.app.style import theme
from playground.app.style.number_formats import format_number
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption, show_text
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.picture_row import PictureRow
from playground.lab.inspection import InspectedParticle, StepSum

HINT = "Alt+click a particle to follow it. Drag with Alt: where a particle that starts there ends, by the flow."
IMAGES = "Click an image, or Alt+click to stay in this frame: its denoised estimate and score as pictures."
COMPARED = "Alt+click a particle in a column. The one with the same start is followed in all columns."
COMPARED_IMAGES = "Alt+click an image in a column. The one with the same start is followed in all columns."
SKIPPED = "Frames are several steps apart: the terms of a step are not known. Take fewer particles or steps."
END = "The end of the run: there is no next step."
COMING = "The next frame is not sampled yet."
WEIGHTS_CHANGED = "The weights have changed since this run began. The terms use those that it began with."
OTHER = "The terms of this sampler's steps are not known."
NOISE, DRIFT, SCORE = "trails", "exact", "learned"  # as on the canvas; the more readable of its two ambers


class ParticlePanel(CollapsiblePanel):
    """Drift, score term, noise and denoised estimate of one particle, each in its colour on the canvas."""

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Particle", purpose="One particle and its next step.")
        self._state, self._playing = state, controllers.playing
        self._inspecting, self._comparing = controllers.inspecting, controllers.comparing
        self.hint, self.equation = caption(HINT), QLabel(wordWrap=True)
        self.equation.setTextFormat(Qt.TextFormat.RichText)
        self.equation.setAccessibleName("Equation of the step")
        self.place = Figure("xₖ", "Where it is, as particles are at this moment.")
        self.drift = Figure(
            "drift", "What the process itself contracts or expands, from the middle m of the data.", token=DRIFT
        )
        self.score = Figure("score term", "The score where it is, times its weight in this step.", token=SCORE)
        self.rest = Figure("noise", "What remains of the recorded step.", token=NOISE)
        self.end = Figure("xₖ₊₁", "Where the sampler put it: the sum of the terms.")
        self.denoised = Figure("denoised estimate", "The mean of the clean points that it may come from.", token="data")
        self.eigenvalues = Figure(
            "eigenvalues of ∇s", "Where one is negative, the score pulls together; where positive, apart.", r"\nabla s"
        )
        self.figures = (self.place, self.drift, self.score, self.rest, self.end, self.denoised, self.eigenvalues)
        self.stop = button("Stop following", "Follow no particle.", self._inspecting.clear)
        self.pictures = PictureRow(("xₖ", "denoised", "score"), ("particles", "data", "learned"))
        layouts.add(self.body, self.hint, self.pictures, self.equation, *self.figures, self.stop)
        for signal in (
            self._inspecting.changed,
            self._inspecting.measured,
            self._state.problem_changed,
            self._comparing.active_changed,
        ):
            signal.connect(self._show)
        self._playing.frame_changed.connect(self._name)
        self._show()

    def apply_palette(self) -> None:
        self._show()

    @Slot()
    def _name(self) -> None:
        """Say which step the values belong to; they come a little after the frame."""
        number, particle, problem = self._inspecting.number, self._inspecting.particle, self._state.problem
        if number is not None:
            images = problem is not None and problem.is_image  # other cards count images from 1
            step = self._playing.frame if particle is None else particle.frame
            column = f"{LETTERS[self._inspecting.place]} · " if self._comparing.is_active else ""
            self.set_state(f"{column}{f'image {number + 1}' if images else number} · step {step}")

    @Slot()
    def _show(self) -> None:
        number, particle, problem = self._inspecting.number, self._inspecting.particle, self._state.problem
        followed = number is not None
        images = problem is not None and problem.is_image
        for part in (self.equation, *self.figures):
            part.setVisible(followed)
        self.pictures.setVisible(followed and images)
        for figure in (self.place, self.end, self.denoised, self.eigenvalues):
            figure.setVisible(followed and not images)
        self.stop.setVisible(self._inspecting.is_active)
        self.set_state("")
        self._name()
        if not followed or particle is None or problem is None:
            said = (HINT, IMAGES), (COMPARED, COMPARED_IMAGES)
            show_text(self.hint, "" if followed else said[self._comparing.is_active][images])
            self.equation.setText("")
            self.pictures.show_images((None, None, None))
            for figure in self.figures:
                figure.show_text("")
            return
        field = particle.field
        if images:
            self._show_pictures(particle, problem.limits)
        else:
            self.place.show_text(place(particle.position, problem.bounds))
            self.denoised.show_text("" if field is None else place(field.denoised[0], problem.bounds))
            known = particle.eigenvalues
            self.eigenvalues.show_text("" if known is None else _pair(known[0]))
        step = particle.step
        if step is None:
            show_text(self.hint, self._why_no_step(particle))
            self.equation.setText("")
            for figure in (self.drift, self.score, self.rest, self.end):
                figure.show_text("")
            return
        show_text(self.hint, WEIGHTS_CHANGED if self._inspecting.weights_changed else "")
        self._show_terms(step)
        if not images:
            self.end.show_text(place(step.after, problem.bounds))

    def _show_pictures(self, particle: InspectedParticle, limits: tuple[float, float]) -> None:
        """For an image: x as painted in the grid, the denoised estimate alike, and the score with 0 at mid-grey."""
        field = particle.field
        if field is None:
            self.pictures.show_images(((particle.position, limits), None, None))
            return
        most = float(np.abs(field.score).max()) or 1.0
        self.pictures.show_images(
            ((particle.position, limits), (field.denoised[0], limits), (field.score[0], (-most, most)))
        )

    def _why_no_step(self, particle: InspectedParticle) -> str:
        run = self._inspecting.trajectory
        if particle.skipped:
            return SKIPPED
        if run is not None and particle.frame + 1 >= len(run):
            return END if run.finished else COMING
        return OTHER

    def _show_terms(self, step: StepSum) -> None:
        self.drift.setVisible(bool(np.any(step.drift)))
        self.score.setVisible(bool(step.symbols[1]))
        self.rest.setVisible(bool(step.names))
        self.rest.rename(" + ".join(step.names) or "rounding")
        for figure, term in ((self.drift, step.drift), (self.score, step.score), (self.rest, step.rest)):
            figure.show_text(vector(term) if term.ndim == 1 else f"length {format_number(float(np.linalg.norm(term)))}")
        self.equation.setText(self._equation(step))

    def _equation(self, step: StepSum) -> str:
        """The update in symbols, and with the values of its weights."""
        noise = step.weights[2]
        rest = "r" if noise is None else "z"
        terms = [
            (DRIFT, step.symbols[0], step.weights[0], "(x − m)"),
            (SCORE, step.symbols[1], step.weights[1], "s"),
            (NOISE, "" if noise is None else step.symbols[2], noise, rest),
        ]
        symbols, values = ["x"], ["x"]
        for token, symbol, weight, factor in terms:
            if not symbol and factor != "r":
                continue
            if factor == "r" and not step.names:
                continue
            color = theme.color(token).name()
            sign = "−" if weight is not None and weight < 0 else "+"
            number = "" if weight is None else f"{format_number(abs(weight))} "
            symbols.append(f'+ <span style="color:{color}">{f"{html.escape(symbol)} {factor}".strip()}</span>')
            values.append(f'{sign} <span style="color:{color}">{number}{factor}</span>')
        return f"<p>x′ = {' '.join(symbols)}<br>&nbsp;&nbsp;&nbsp;= {' '.join(values)}</p>"


def _pair(eigenvalues: np.ndarray) -> str:
    """Two real eigenvalues, or the conjugate pair of a field that turns."""
    low, high = (format_number(float(one.real)) for one in eigenvalues)
    turn = abs(float(eigenvalues[0].imag))
    return f"{low} ± {format_number(turn)} i" if turn else f"{low}, {high}"
