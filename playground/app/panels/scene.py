"""The scene card: its claim, and the measured figures."""

from PySide6.QtCore import Slot
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from playground.app.controllers.controllers import Controllers
from playground.app.controllers.scenes import TASK
from playground.app.model.state import State
from playground.app.panels.figure import TaskButton
from playground.app.style import theme
from playground.app.style.wrapping import unbroken
from playground.app.widgets import layouts
from playground.app.widgets.captions import named
from playground.app.widgets.collapsible_panel import CollapsiblePanel, Notice
from playground.app.widgets.selectable import SelectableLabel

HOLDS, FAILS = "The claim holds.", "The claim does not hold here."
CHANGED = "The settings are no longer the scene's. Measure takes the scene's own."


class ScenePanel(CollapsiblePanel):
    """Hidden while no scene is shown."""

    def __init__(self, state: State, controllers: Controllers, parent: QWidget | None = None) -> None:
        super().__init__("Scene", None, parent, purpose="Shows one thing, and measures its claim.")
        self._state, self._scenes = state, controllers.scenes
        self.name = QLabel(wordWrap=True)
        self.name.setFont(theme.text_font(theme.FONT_PIXELS, QFont.Weight.DemiBold))
        self.claim = SelectableLabel()
        self.claim.setWordWrap(True)
        self.figures = SelectableLabel()
        self.figures.setWordWrap(True)
        self.changed, self.notice = Notice(), Notice()
        self.measure = TaskButton(
            "Measure",
            "<p>Train, sample and measure what the scene claims, on this machine and now.</p>",
            controllers,
            TASK,
            self._scenes.measure,
            name="Measure what the scene claims",
        )
        self.measure.failed.connect(lambda message: self.notice.say("error", message))
        self.back = QPushButton("Back to my work")
        named(self.back, self.back.text(), "Undo the scene and all that was changed in it.")
        self.back.clicked.connect(self._scenes.leave)
        buttons = layouts.across(self.back, None, self.measure, margins=(0, theme.UNIT // 2, 0, theme.UNIT // 2))
        layouts.add(self.body, self.name, self.claim, buttons, self.changed)
        self.body.addWidget(self.figures)  # below the pressed button, so that it moves nothing when it comes
        self.body.addWidget(self.notice)
        self._scenes.changed.connect(self._show)
        state.changed.connect(self._compare)
        self._show()

    @Slot()
    def _compare(self) -> None:
        """Say whether settings were changed, for they are not what is measured."""
        scene = self._scenes.scene
        self.changed.say("info", CHANGED if scene is not None and self._state.experiment != scene.settings else "")

    @Slot()
    def _show(self) -> None:
        scene, measured = self._scenes.scene, self._scenes.measured
        appears = self.isHidden() and scene is not None
        self.setVisible(scene is not None)
        if scene is None:
            return
        self.name.setText(scene.title)
        self.claim.setText(unbroken(scene.claim))
        self.set_state(scene.topic)
        self._compare()
        self.figures.setVisible(measured is not None and bool(measured.values))
        if measured is not None:
            text = unbroken(measured.text)
            self.figures.setText(f"Measured: {text}." if measured.complete else f"Measured so far: {text}")
        if measured is None or not measured.complete:
            self.notice.say("info", "")
        else:
            self.notice.say(*("warning", FAILS) if measured.failed else ("info", HOLDS))
        if appears:
            self.reveal()
