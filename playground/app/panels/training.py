"""The training card: start, pause, reset; the loss beside the optimal loss."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QProgressBar, QPushButton

from playground.app.controllers import why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.model.state import State
from playground.app.panels.figure import JobButton
from playground.app.style import theme
from playground.app.style.figure_words import in_words
from playground.app.style.labels import worded
from playground.app.style.number_formats import format_count, format_duration, format_number
from playground.app.style.painting import RIGHT
from playground.app.style.text_size import px
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, named, text_line
from playground.app.widgets.charts.loss import LossChart
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.app.widgets.fields import make_field
from playground.app.widgets.throttle import Throttle
from playground.lab.conflicts import training_conflict
from playground.lab.figures import FIGURES
from playground.lab.label_dropout_checks import SHARE, untrained_conditional_score, untrained_unconditional_score
from playground.lab.measured import Figures
from playground.messages import Message, setting

BUTTON = {
    "untrained": "Train",
    "waiting": "Cancel",
    "training": "Pause",
    "paused": "Resume",
    "finished": "Train more",
    "diverged": "Resume",
}
COMMAND = {
    "untrained": "Train",
    "waiting": "Cancel training",
    "training": "Pause training",
    "paused": "Resume training",
    "finished": "Train more",
    "diverged": "Resume training",
}
"""The button's text where no card around it names the object."""
SPOKEN = COMMAND | {"untrained": "Train the network", "finished": "Train the network more"}
TIPS = {
    "untrained": "Train the score; sampling continues with the newest weights.",
    "waiting": "Training starts as soon as the data and the network are ready. Press to cancel.",
    "training": "Pause training; nothing is lost.",
    "paused": "Resume training where it stopped.",
    "finished": "Train as long again, from the present weights.",
    "diverged": "Resume from the last good weights; lower the learning rate first.",
}
PRESS = "Press Train: the loss appears here, beside the optimal loss."
OF_ANOTHER = "The loss so far belongs to another objective or other noise levels. Train to see the present one."
NO_HISTORY = "This model's file holds no losses. Train to see them."
GOOD = "<p>Compare the samples with data, and show the figures in the card Quality.</p>"
CHART_UPDATES = 100  # ms between two updates of the loss


class TrainingPanel(CollapsiblePanel):
    """The large button, the loss with its floor, and the time left.

    Signals:
        reset_requested(): the user asked for new weights.
        quality_requested(): the user asked how good the samples are.
    """

    reset_requested = Signal()
    quality_requested = Signal()

    def __init__(self, state: State, controllers: Controllers) -> None:
        super().__init__("Train", 4, purpose="Fits the network, a batch at a time.")
        self.state, self._controllers = state, controllers
        self._training = controllers.training
        self.chart = LossChart()
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(px(3))
        layouts.keep_room(self.bar)  # the buttons below do not move when training begins
        named(self.bar, "Training progress", "Fraction of the training time or steps that is done.")
        self._build_buttons()
        self.notice = Notice()
        self.rate = make_field(state, "training.learning_rate")
        self.good = JobButton(
            "How good is it?", GOOD, controllers, "quality", lambda: controllers.measuring.measure("quality")
        )
        self.good.clicked.connect(self.quality_requested)
        self.good.setFixedHeight(px(28))
        self._redraw = Throttle(CHART_UPDATES, self._draw, self)
        row = layouts.across(self.button, self.reset, (self.distance, 1), spacing=theme.UNIT, margins=(0, 2, 0, 2))
        layouts.add(self.body, self.chart, self.bar)
        self.behind(row)
        self.body.addWidget(self.notice)
        self.behind(self.rate)
        layouts.add(self.body, self.good)
        self.sigmas = make_field(state, "training.sigma_distribution")
        self.dropout = make_field(state, "training.label_dropout")
        layouts.add(
            self.advanced(),
            *(make_field(state, f"training.{name}") for name in ("batch", "seconds", "steps", "lr_schedule")),
            *(make_field(state, f"training.{name}") for name in ("early_stopping", "ema_decay")),
            self.sigmas,
            self.dropout,
            make_field(state, "training.reflow"),
            make_field(state, "training.seed"),
        )
        self.folded.connect(self._show)  # nothing is drawn while it is folded
        state.changed.connect(self._edited)
        self.state.problem_changed.connect(self._show)
        self._training.changed.connect(self._show)
        controllers.playing.trajectory_changed.connect(self._offer)
        self._training.progress.connect(self._progressed)
        controllers.measuring.evaluation_changed.connect(self._evaluated)
        self._replaying = controllers.replaying
        for signal in (state.weights_chosen, self._replaying.steps_changed):
            signal.connect(self._mark_step)
        self._show()

    def show_all(self, on: bool) -> None:
        super().show_all(on)
        self.good.setHidden(on)  # then the card Quality is in view

    def apply_text_size(self) -> None:
        self.button.setFixedWidth(self._widest())

    @staticmethod
    def _widest() -> int:
        """The width of the training button with its longest text, so that its neighbour does not move."""
        metrics = QFontMetrics(theme.text_font(weight=QFont.Weight.DemiBold))
        return max(metrics.horizontalAdvance(text) for text in BUTTON.values()) + 28

    def _build_buttons(self) -> None:
        self.button = QPushButton("Train", self)
        self.button.setFixedWidth(self._widest())
        self.button.clicked.connect(self._training.toggle)
        self.reset = button("Reset", "", self.reset_requested.emit, spoken="Reset training")
        self.distance = text_line()
        self.distance.setAlignment(RIGHT)
        self.distance.setToolTip(
            "<p>Kullback-Leibler divergence from the data to the model, in nats, with its standard error: 0 is perfect.</p>"
        )

    # The user's actions

    def _slower(self) -> None:
        self.state.edit({"training.learning_rate": float(f"{self.state.experiment.training.learning_rate / 3:.1e}")})
        self._training.start()

    def _share(self) -> None:
        self.state.edit({"training.label_dropout": self.state.field("training.label_dropout").default})
        if self._training.trained_steps:
            self.reset_requested.emit()

    # Content

    @Slot()
    def _show(self) -> None:
        self._refresh()
        self._draw()

    @Slot(object)
    def _edited(self, keys: frozenset[str]) -> None:
        self._refresh()
        if self.chart.empty or any(key.startswith(("objective.", "training.")) for key in keys):
            self._draw()

    @Slot(object)
    def _progressed(self, progress: object) -> None:
        self._summarise()
        self._redraw.ask()

    @Slot(object)
    def _evaluated(self, figures: Figures) -> None:
        # Otherwise it says nothing about the trained model.
        learned = self.state.experiment.likelihood.source == "learned"
        kl = in_words(figures, "kl") if learned else ""
        text = kl and f"{FIGURES['kl'].short} {kl} nat"
        self.distance.setText(text.replace(" ±", "\n±"))  # beside two buttons it does not fit in one line
        self._offer()

    @Slot()
    def _mark_step(self) -> None:
        """Mark the training step whose weights are in view, if they are not the newest."""
        self.chart.mark(self._replaying.step)

    @Slot()
    def _draw(self) -> None:
        if not self.chart.isVisibleTo(self):
            return
        progress = self._training.last_progress
        steps, losses = self._training.loss_history
        if progress is None or not len(steps):
            asked = PRESS if not self._training.trained_steps else NO_HISTORY if progress is None else OF_ANOTHER
            self.chart.show_empty(asked if self.button.isEnabled() else "")
        else:
            held_out = self._training.held_out_history
            self.chart.show_history(steps, losses, progress.optimal_loss, progress.optimal_loss_error, held_out)

    @Slot()
    def _refresh(self) -> None:
        self.sigmas.setVisible(self.state.experiment.noise.is_continuous)
        view = self.state.problem
        self.dropout.setVisible(view is not None and bool(view.conditions.classes))
        self._offer()
        self._show_button()
        self._summarise()
        self._say()

    @Slot()
    def _offer(self) -> None:
        self.good.set_why_disabled(why_disabled.judging(self._controllers))

    def _show_button(self) -> None:
        training = self._training.status
        why = why_disabled.training(self._controllers)
        self.button.setText(BUTTON[training])
        named(self.button, SPOKEN[training], worded(why) or TIPS[training])
        self.button.setEnabled(why is None)

    def _summarise(self) -> None:
        progress, training = self._training.last_progress, self._training.status
        trained = self._training.trained_steps
        self.reset.setEnabled(trained > 0)
        self.reset.setToolTip(
            f"<p>Discard the weights of {format_count(trained)} steps and start from new random ones.</p>"
        )
        self.bar.setVisible(training not in ("untrained", "waiting"))
        self.bar.setValue(self._thousandths())
        if training == "waiting":
            self.set_state("starts when ready")
            return
        if progress is None or training == "untrained":
            known = "" if self.state.model is None else "untrained"  # at the start weights may still be read
            self.set_state(f"{training} · {format_count(trained)} steps" if trained else known)
            return
        steps = f"{format_count(progress.step)} steps"
        if training == "training" and not progress.finished:  # otherwise it is of the training before
            left = "" if progress.seconds_left is None else f" · {format_duration(progress.seconds_left)}"
            self.set_state(f"{format_number(progress.steps_per_second)} steps/s{left}")
        else:
            self.set_state(f"{training} · {steps}")

    def _thousandths(self) -> int:
        """The passed part of the training time in thousandths, as far as known."""
        progress = self._training.last_progress
        if self._training.status == "finished" or (progress is not None and progress.finished):
            return 1000
        if progress is None or progress.seconds_left is None:
            return 0
        total = progress.seconds + progress.seconds_left
        return round(1000 * progress.seconds / total) if total > 0 else 0

    def _say(self) -> None:
        progress, training = self._training.last_progress, self._training.status
        conflict = training_conflict(self.state.experiment, self.state.conditions)
        if training == "diverged" and progress is not None and progress.diverged:
            self.notice.say(
                "error",
                progress.diverged,
                ("Resume slower", "A third of the learning rate, from the last good weights.", self._slower),
            )
        elif conflict is not None:
            place = {"data": "Data", "network": "Objective", "objective": "Objective"}[conflict.key.split(".")[0]]
            self.notice.say("info", f"Training cannot start: see {place} above.")
        elif (other := self._training.other_objective) is not None:
            tip = "Start from new random weights. Undo brings the present ones back."
            self.notice.say("warning", other, ("Reset", tip, self.reset_requested.emit))
        elif training == "finished" and progress is not None and progress.note:
            self.notice.say("info", progress.note)
        else:
            self._say_untrained()

    def _say_untrained(self) -> None:
        """Say that scores are requested that training never shows, with the share that would train all of them."""
        experiment, view = self.state.experiment, self.state.problem
        why = None
        if view is not None and view.describes(experiment):
            why = untrained_conditional_score(experiment, view.conditions) or untrained_unconditional_score(
                experiment, view.conditions
            )
        share = self.state.field(SHARE).default
        tip = Message("fresh-weights", "{}, and fresh weights", (setting(SHARE, share),))
        self.notice.say("warning", why, *([(f"Use {share}", tip, self._share)] if why else []))
