"""Every command of the window, in one registry with string keys.

Menus, top bar and toasts name an action by its key. A plain key (Space, an arrow, a letter) goes to the focused control
first, so that Space presses a button that Tab has reached. The window gives it to an action only if no control has used
it. The mouse gives no button and no box the focus. Shortcuts with a modifier act everywhere.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QWidget

from playground.app.canvas import CanvasView, ChipBar
from playground.app.canvas.layers import Layers
from playground.app.canvas.legend import LEGEND
from playground.app.columns import Columns
from playground.app.controllers import exported_files, why_disabled
from playground.app.controllers.controllers import Controllers
from playground.app.controllers.documents import Documents
from playground.app.controllers.opening import Opening
from playground.app.controllers.playback_clock import END
from playground.app.controllers.plugins import Plugins
from playground.app.dialogs.exports import Exports
from playground.app.dialogs.help import show_documentation
from playground.app.dialogs.tour import Tour
from playground.app.look import Look
from playground.app.model.errors import Log
from playground.app.model.state import State
from playground.app.panels import FieldNamesPanel, LikelihoodPanel, QualityPanel
from playground.app.panels.training import COMMAND, TrainingPanel
from playground.app.presenter import Presenter, Says
from playground.app.style import text_size
from playground.app.style.labels import worded
from playground.app.style.wrapping import wrapped
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.lab import script
from playground.lab.lessons import Lesson
from playground.messages import Message

PanelKind = TypeVar("PanelKind", bound=CollapsiblePanel)
NOTHING_TO_DO = Message("nothing-to-do", "There is nothing to do now.")


class Dialogs(Protocol):
    """What brings a dialog to the front."""

    def show(self, name: str) -> None: ...
    def show_audit(self, name: str) -> None: ...
    def check_lesson(self, lesson: Lesson) -> None: ...
    def show_term(self, term: str) -> None: ...


class Menu(Protocol):
    """What opens the lists of the menus."""

    def show_about(self) -> None: ...
    def show_keys(self) -> None: ...
    def show_lessons(self, over: QWidget) -> None: ...


class Window(Protocol):
    """The part of the window that commands, dialogs and search use."""

    log: Log
    panels: list[CollapsiblePanel]
    actions_by_key: "Actions"

    state: State
    controllers: Controllers
    documents: Documents
    opening: Opening
    exports: Exports
    plugins: Plugins
    canvas: CanvasView
    chips: ChipBar
    columns: Columns
    presenter: Presenter
    tour: Tour
    look: Look

    @property
    def notices(self) -> Says: ...
    @property
    def dialogs(self) -> Dialogs: ...
    @property
    def menu(self) -> Menu: ...
    def addAction(self, action: QAction) -> None: ...
    def close(self) -> bool: ...
    def isFullScreen(self) -> bool: ...
    def reset_layout(self) -> None: ...
    def panel(self, kind: type[PanelKind]) -> PanelKind: ...
    def windowState(self) -> Qt.WindowState: ...
    def setWindowState(self, state: Qt.WindowState) -> None: ...


Ask = Callable[[Window, Controllers], bool]


@dataclass(frozen=True)
class Action:
    """One command.

    Args:
        text: its text in the menu.
        tip: one line about its effect.
        run: carries it out.
        shortcut: a key with a modifier or a function key, which acts wherever the focus is.
        also: another shortcut.
        key: a plain key, which acts if the focused control does not use it.
        checked: for a switch, returns whether it is on.
        when: returns whether there is something to do now.
        why_not: returns why it cannot be done now, which replaces the tip; None if it can.
        label: returns its current text, if that can change.
    """

    text: str
    tip: str
    run: Callable[[Window, Controllers], object]
    shortcut: str | QKeySequence.StandardKey = ""
    also: str = ""
    key: str = ""
    checked: Ask | None = None
    when: Ask = lambda window, controllers: True
    why_not: Callable[[Controllers], Message | None] = lambda controllers: None
    label: Callable[[Window, Controllers], str] | None = None


def _toggle_training(window: Window, controllers: Controllers) -> None:
    """Start or pause training. At a start the card Train unfolds, so that its loss is seen; not in scenes and lessons, whose own
    cards need the room.
    """
    controllers.training.toggle()
    document = window.state.document
    if controllers.training.wanted and document.lesson is None:
        window.panel(TrainingPanel).set_folded(False)


def _check_lesson(window: Window, controllers: Controllers) -> None:
    lesson = controllers.lessons.lesson
    if lesson is not None:
        window.dialogs.check_lesson(lesson)


def reset_training(window: Window, controllers: Controllers) -> None:
    """Begin with new weights, and offer the old ones."""
    step = controllers.building.reset_training()
    if step is not None:
        said = "Training was reset. Undo brings the weights back."
        window.notices.notify("info", said, "edit.undo", lambda: window.state.last_step is step)


def toggle_full_screen(window: Window) -> None:
    """Enter or leave full screen; leave the presenter mode if it is on."""
    if window.presenter.is_on:
        window.presenter.leave()
    else:
        window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)


def clear(window: Window, controllers: Controllers) -> None:
    """Clear the followed particle or the clicked point; without both, leave the presenter mode or full screen."""
    inspecting, clicking = controllers.inspecting, controllers.clicking
    filled, followed = window.isFullScreen() or window.presenter.is_on, inspecting.is_active
    inspecting.clear()
    if filled and not followed and clicking.likelihood is None and not clicking.is_measuring_point:
        toggle_full_screen(window)
    else:
        clicking.clear_inspection()


def _resize(window: Window, percent: int) -> None:
    """Set the size of the text, and remember it unless it is that of the presenter mode."""
    window.look.set_text_size(percent, remember=not window.presenter.is_on)


def _copy(window: Window, text: str, said: str) -> None:
    QGuiApplication.clipboard().setText(text)
    window.notices.notify("info", said)


def _of(what: str, step: str | None) -> str:
    """The text of undo or redo with that of the step; "&" in a file's name is escaped."""
    return f"{what} {step or ''}".strip().replace("&", "&&")


RECENT, LESSONS = "file.recent", "learn.lessons"
"""The lists in the menus: of the recent files, and of the bundled lessons."""
LAYERS = {entry.key: entry.title for entry in LEGEND}


def _layers(window: Window) -> Layers:
    return window.canvas.layers


def _map_density(window: Window, controllers: Controllers) -> None:
    """Compute the density, and show its layer, which a calm window hides at first."""
    _layers(window).set_visible("density", True)
    controllers.mapping.compute()


def _opens(dialog: str) -> Callable[[Window, Controllers], object]:
    """What opens a dialog."""
    return lambda w, c: w.dialogs.show(dialog)


def _measures(job: str, kind: type[CollapsiblePanel]) -> Callable[[Window, Controllers], object]:
    """What measures something, and brings the card that shows it."""

    def run(window: Window, controllers: Controllers) -> None:
        window.panel(kind).reveal()
        controllers.measuring.measure(job)

    return run


def _theme(choice: str, title: str, tip: str) -> Action:
    return Action(title, tip, lambda w, c: w.look.set_theme(choice), checked=lambda w, c: w.look.theme_choice == choice)


def _layer(name: str) -> Action:
    title = LAYERS[name]
    return Action(
        title,
        f"Show or hide {title.lower()} on the canvas",
        lambda w, c: _layers(w).toggle(name),
        key=str(list(LAYERS).index(name) + 1),
        checked=lambda w, c: _layers(w).visible[name],
    )


MENUS: dict[str, tuple[dict[str, Action | str], ...]] = {
    "File": (
        {
            "file.new": Action(
                "New",
                "Start again with the opening session",
                lambda w, c: w.opening.new(),
                QKeySequence.StandardKey.New,
            ),
            "file.open": Action(
                "Open…",
                "Open a session, an experiment, points or images",
                lambda w, c: w.opening.ask_open(),
                QKeySequence.StandardKey.Open,
            ),
            RECENT: "Open recent",
            "file.load_plugin": Action(
                "Load plug-in…",
                "Run a Python file that adds data sets, noise, networks, objectives or samplers",
                lambda w, c: w.plugins.ask(),
            ),
        },
        {
            "file.save": Action(
                "Save",
                "Save experiment, weights, points and trajectory in one file",
                lambda w, c: w.documents.save(),
                QKeySequence.StandardKey.Save,
            ),
            "file.save_as": Action(
                "Save as…",
                "Save under another name",
                lambda w, c: w.documents.save_as(),
                QKeySequence.StandardKey.SaveAs,
            ),
        },
        {
            "file.export_video": Action(
                "Export video…",
                "Export the run, or the training, as MP4, WebM or GIF",
                lambda w, c: w.exports.video(),
                "Ctrl+E",
                when=lambda w, c: w.exports.has_frames,
            ),
            "file.export_picture": Action(
                "Export picture…",
                "Export the canvas as it is now as PNG, SVG or PDF",
                lambda w, c: w.exports.picture(),
                "Ctrl+Shift+E",
            ),
            "file.export_page": Action(
                "Export web page…",
                "Export the run, the training or the columns as one file that plays in any browser",
                lambda w, c: w.exports.web_page(),
                why_not=why_disabled.exporting_page,
                when=lambda w, c: w.exports.has_frames,
            ),
            "file.export_trajectory": Action(
                "Export trajectory…",
                "Export the particles of every frame as NPZ or CSV",
                lambda w, c: w.exports.save(exported_files.trajectory(c.sampling.trajectory_iterator())),
                when=lambda w, c: w.exports.has_frames,
            ),
            "file.export_runs": Action(
                "Export runs…",
                "Export the table of the pinned runs as CSV",
                lambda w, c: w.exports.save(exported_files.runs(c.pinning.known)),
                why_not=why_disabled.exporting_runs,
            ),
            "file.export_settings": Action(
                "Export settings…",
                "Export all settings as TOML, for this window or the command line",
                lambda w, c: w.exports.save(exported_files.settings(w.state.experiment)),
            ),
            "file.export_script": Action(
                "Save as script…",
                "Save a Python script or a notebook of this experiment, or a folder that runs without this program",
                lambda w, c: w.exports.save(exported_files.script(w.state.experiment, c.building.dataset)),
            ),
        },
        {
            "file.quit": Action("Quit", "Close the window", lambda w, c: w.close(), "Ctrl+Q"),
        },
    ),
    "Edit": (
        {
            "edit.undo": Action(
                "Undo",
                "Undo the last change of a setting, stroke or reset",
                lambda w, c: w.state.undo(),
                QKeySequence.StandardKey.Undo,
                when=lambda w, c: w.state.undo_text is not None,
                label=lambda w, c: _of("Undo", w.state.undo_text),
            ),
            "edit.redo": Action(
                "Redo",
                "Redo what was undone",
                lambda w, c: w.state.redo(),
                "Ctrl+Shift+Z",
                when=lambda w, c: w.state.redo_text is not None,
                label=lambda w, c: _of("Redo", w.state.redo_text),
            ),
        },
        {
            "edit.copy_picture": Action(
                "Copy picture",
                "Copy the canvas as it is now, unless text is being edited or selected",
                lambda w, c: w.exports.copy_picture(),
                "Ctrl+C",
            ),
            "edit.copy_python": Action(
                "Copy as Python",
                "Copy a short script that trains, samples and measures this experiment",
                lambda w, c: _copy(w, script.as_python(w.state.experiment), "The script is copied."),
            ),
            "edit.copy_command": Action(
                "Copy as command line",
                "Copy the command that runs this experiment and writes everything into a folder",
                lambda w, c: _copy(w, script.as_command(w.state.experiment), "The command is copied."),
                why_not=lambda controllers: script.why_no_command(controllers.state.experiment),
            ),
        },
    ),
    "Train": (
        {
            "train.toggle": Action(
                "Train",
                "Train the network, or pause training",
                _toggle_training,
                key="T",
                why_not=why_disabled.training,
                label=lambda w, c: COMMAND[c.training.status],
            ),
            "train.reset": Action(
                "Reset training", "Discard the learned weights and start from new random ones", reset_training
            ),
        },
        {
            "train.replay": Action(
                "Play training",
                "Watch the network learn: show the weights of one training step after another",
                lambda w, c: c.replaying.set_playing(not c.replaying.is_playing),
                key="P",
                why_not=why_disabled.choosing_step,
                label=lambda w, c: "Pause training playback" if c.replaying.is_playing else "Play training",
            ),
            "train.step": Action(
                "Later weights",
                "Show everything with the weights of the next training step",
                lambda w, c: c.replaying.move(1),
                key="]",
                why_not=why_disabled.choosing_step,
            ),
            "train.step_back": Action(
                "Earlier weights",
                "Show everything with the weights of the previous training step",
                lambda w, c: c.replaying.move(-1),
                key="[",
                why_not=why_disabled.choosing_step,
            ),
        },
    ),
    "Sample": (
        {
            "sample.play": Action(
                "Play",
                "Play or pause the sampler's timeline",
                lambda w, c: c.playing.set_playing(not c.playing.is_playing),
                key="Space",
                why_not=why_disabled.playing,
                label=lambda w, c: "Pause" if c.playing.is_playing and not why_disabled.playing(c) else "Play",
            ),
            "sample.step": Action(
                "Step", "One frame forward", lambda w, c: c.playing.step(1), key=".", why_not=why_disabled.playing
            ),
            "sample.step_back": Action(
                "Step back", "One frame back", lambda w, c: c.playing.step(-1), key=",", why_not=why_disabled.playing
            ),
            "sample.start": Action(
                "To the start", "The first frame: pure noise", lambda w, c: c.playing.seek(0), key="A"
            ),
            "sample.end": Action(
                "To the end",
                "The end of the run; missing frames are sampled first",
                lambda w, c: c.playing.seek(END),
                key="E",
                why_not=why_disabled.playing,
            ),
        },
        {
            "sample.restart": Action(
                "Restart",
                "Run the sampler again with the same noise",
                lambda w, c: c.sampling.restart(False),
                key="R",
                why_not=why_disabled.sampling,
            ),
            "sample.restart_new_seed": Action(
                "Restart with new noise",
                "Run the sampler again with another seed",
                lambda w, c: c.sampling.restart(True),
                key="N",
                why_not=why_disabled.sampling,
            ),
            "sample.loop": Action(
                "Loop",
                "Start again when the run ends",
                lambda w, c: c.playing.set_loop(not c.playing.loop),
                key="L",
                checked=lambda w, c: c.playing.loop,
            ),
        },
        {
            "sample.pin": Action(
                "Pin this run",
                "Keep the run's settings, cost and distances in the Runs card",
                lambda w, c: c.pinning.pin(),
                key="K",
                why_not=why_disabled.pinning,
            ),
            "sample.compare": Action(
                "Compare",
                "Show runs side by side that differ in a few settings, with the same noise; again to leave",
                lambda w, c: c.column_edits.toggle(),
                key="C",
                checked=lambda w, c: c.comparing.is_active,
                why_not=why_disabled.comparing,
            ),
            "sample.compare_objectives": Action(
                "Compare objectives",
                "Show exact, sliced and denoising score matching side by side, each trained for as many steps",
                lambda w, c: c.column_edits.compare_objectives(),
                why_not=why_disabled.comparing,
            ),
        },
    ),
    "Measure": (
        {
            "measure.density_map": Action(
                "Density map",
                "Compute the learned density over the canvas",
                _map_density,
                key="D",
                why_not=why_disabled.mapping_density,
            ),
            "measure.test_set": Action(
                "Evaluate the test set",
                "Log-likelihood of held-out points",
                _measures("test-set", LikelihoodPanel),
                why_not=why_disabled.evaluating,
            ),
            "measure.samples": Action(
                "Compare samples with data",
                "Distances, mode weights and memorization of the samples",
                _measures("quality", QualityPanel),
                why_not=why_disabled.comparing_samples,
            ),
            "measure.errors": Action(
                "Score error along σ",
                "Relative error of the learned score at each noise level",
                _measures("fisher", QualityPanel),
                why_not=why_disabled.measuring_score,
            ),
        },
        {
            "measure.clear": Action(
                "Clear the clicked point",
                "Remove the followed particle, or the likelihood path and the interpolation; without any, leave full screen",
                clear,
                key="Escape",
            ),
        },
    ),
    "View": (
        {
            "view.fit": Action("Fit", "Show all of the data", lambda w, c: w.canvas.fit(), key="F"),
        },
        {
            **{f"view.layer.{name}": _layer(name) for name in LAYERS},
            "view.time_to_data": Action(
                "Time from noise to data",
                "Show t as flow matching counts it, 0 at the noise and 1 at the data; equations keep 0 at the data",
                lambda w, c: w.look.set_time_to_data(not w.look.time_to_data),
                checked=lambda w, c: w.look.time_to_data,
            ),
        },
        {
            "view.system_theme": _theme(
                "system", "Theme of the system", "Dark or light as the system is, now and whenever it changes"
            ),
            "view.dark": _theme("dark", "Dark theme", "Light on dark"),
            "view.light": _theme("light", "Light theme", "Dark on light"),
        },
        {
            "view.text_larger": Action(
                "Larger text",
                "Show text, controls and captions larger, up to 200 %",
                lambda w, c: _resize(w, text_size.step(w.look.text_percent, 1)),
                "Ctrl++",
                also="Ctrl+=",
                when=lambda w, c: w.look.text_percent < text_size.PERCENT[1],
                label=lambda w, c: f"Larger text (now {w.look.text_percent} %)",
            ),
            "view.text_smaller": Action(
                "Smaller text",
                "Show text, controls and captions smaller, down to 80 %",
                lambda w, c: _resize(w, text_size.step(w.look.text_percent, -1)),
                "Ctrl+-",
                when=lambda w, c: w.look.text_percent > text_size.PERCENT[0],
            ),
            "view.text_usual": Action(
                "Usual text size",
                "Show text, controls and captions at 100 %",
                lambda w, c: _resize(w, 100),
                "Ctrl+0",
                when=lambda w, c: w.look.text_percent != 100,
            ),
        },
        {
            "view.all_cards": Action(
                "All cards",
                "Show every card with everything on it, or only what is needed; the rest comes when it is asked for",
                lambda w, c: w.look.set_all_cards(not w.look.all_cards),
                "F9",
                checked=lambda w, c: w.look.all_cards,
            ),
            "view.columns": Action(
                "Side columns",
                "Show or hide the cards left and right of the canvas; a comparison hides them",
                lambda w, c: w.columns.put_away(not w.columns.are_away),
                key="S",
                checked=lambda w, c: not w.columns.are_away,
            ),
            "view.fullscreen": Action(
                "Full screen",
                "Show the window in full screen",
                lambda w, c: toggle_full_screen(w),
                "F11",
                checked=lambda w, c: w.isFullScreen(),
            ),
            "view.present": Action(
                "Presenter mode",
                "Show canvas, timeline and the lesson's text alone, in large type on the full screen; Escape leaves it",
                lambda w, c: w.presenter.toggle(),
                "Shift+F11",
                checked=lambda w, c: w.presenter.is_on,
            ),
            "view.page_on": Action(
                "Next page",
                "In presenter mode: the lesson's next step, or the next scene where no lesson is open",
                lambda w, c: w.presenter.turn(1),
                "PgDown",
                when=lambda w, c: w.presenter.is_on,
            ),
            "view.page_back": Action(
                "Previous page",
                "In presenter mode: the lesson's step before, or the scene before",
                lambda w, c: w.presenter.turn(-1),
                "PgUp",
                when=lambda w, c: w.presenter.is_on,
            ),
        },
        {
            "view.history": Action(
                "History",
                "List every change since the file was opened; a click on one goes there",
                _opens("history"),
                "Ctrl+H",
            ),
            "view.runs": Action(
                "Run table",
                "Show the pinned runs with every column",
                _opens("runs"),
            ),
        },
        {
            "view.reset": Action(
                "Reset window",
                "Restore the first layout and clear recent files, folders and export choices; your work stays",
                lambda w, c: w.reset_layout(),
            ),
        },
    ),
    "Learn": (
        {
            "learn.palette": Action(
                "Find…",
                "Find any command, setting, lesson, term or page by a few letters of its name",
                _opens("palette"),
                "Ctrl+K",
            ),
            "learn.scenes": Action(
                "Scenes",
                "Show what goes wrong and right in score-based models, each with a claim that is measured here",
                _opens("scenes"),
                "Ctrl+G",
            ),
            LESSONS: "Lessons",
            "learn.field_names": Action(
                "One field, five names",
                "Show the score at the pointer in each form that a network may predict",
                lambda w, c: w.panel(FieldNamesPanel).reveal(),
            ),
            "learn.check": Action(
                "Check lesson",
                "Measure the figures of each step of the lesson in view, beside the bounds that it claims",
                _check_lesson,
                when=lambda w, c: c.lessons.lesson is not None,
            ),
            "learn.answers": Action(
                "Save answers…",
                "Save what you predicted in the lessons that you choose, and what was measured, as CSV",
                _opens("answers"),
                when=lambda w, c: c.lessons.has_answers,
            ),
        },
    ),
    "Tools": (
        {
            "tools.sweep": Action(
                "Sweep…",
                "Vary settings of this experiment over several seeds, and compare the figures",
                _opens("sweep"),
                "Ctrl+Shift+W",
            ),
            "tools.boltzmann": Action(
                "Boltzmann machine…",
                "Learn patterns of a few pixels by summing over all states, and time what Z costs",
                _opens("boltzmann"),
                "Ctrl+B",
            ),
        },
        {
            "tools.audit": Action(
                "Audit…",
                "Check any kind, built-in or a plug-in, against closed forms on this machine",
                _opens("audit"),
            ),
            "tools.plugins": Action(
                "Plug-ins…",
                "List the plug-ins that are loaded, now or at every start",
                _opens("plugins"),
            ),
        },
    ),
    "Help": (
        {
            "help.tour": Action("Tour", "See in two minutes what is where", lambda w, c: w.tour.start()),
            "help.documentation": Action(
                "Documentation",
                "Open guide, lessons, theory and API in the browser",
                lambda w, c: show_documentation(),
            ),
            "help.glossary": Action("Glossary", "Find what a symbol or a term means", _opens("glossary")),
            "help.keys": Action("Keys", "Keyboard shortcuts", lambda w, c: w.menu.show_keys(), "F1"),
            "help.write_lesson": Action(
                "Write a lesson…",
                "Make a lesson file whose first step shows this experiment",
                lambda w, c: w.documents.ask_write_lesson(),
            ),
            "help.log": Action("Log", "The program's log, to copy into a report", _opens("log")),
            "help.report": Action(
                "Report a problem…",
                "See what a report would contain, copy it, and open the tracker",
                _opens("report"),
            ),
            "help.selftest": Action(
                "Self-test",
                "Check the theory against closed forms on this machine",
                lambda w, c: w.dialogs.show_audit("selftest"),
            ),
            "help.about": Action("About Score Playground", "Version and licence", lambda w, c: w.menu.show_about()),
        },
    ),
}
"""The menus: what stands in each, in groups between lines. A text is the title of a list that the menu fills."""

ACTIONS: dict[str, Action] = {
    key: entry
    for groups in MENUS.values()
    for group in groups
    for key, entry in group.items()
    if isinstance(entry, Action)
} | {
    "file.recent.clear": Action(
        "Clear recent files",
        "Clear the list of recent files",
        lambda w, c: w.documents.clear_recent(),
        when=lambda w, c: bool(w.documents.recent()),
    )
}


class Actions(QObject):
    """The registry's commands as QActions of one window."""

    def __init__(self, window: Window, parent: QObject) -> None:
        super().__init__(parent)
        self._window, self._controllers = window, window.controllers
        self._actions: dict[str, QAction] = {}
        self._plain: dict[int, str] = {}
        self._tips: dict[str, str] = {}
        for key, command in ACTIONS.items():
            self._actions[key] = action = QAction(command.text, self)
            action.setObjectName(key)
            action.setStatusTip(command.tip)
            action.setCheckable(command.checked is not None)
            action.setShortcuts([QKeySequence(keys) for keys in (command.shortcut, command.also) if keys])
            self._tips[key] = wrapped(_with_key(command.tip, command.key, action))
            action.setToolTip(self._tips[key])
            if command.key:
                self._plain[QKeySequence(command.key)[0].key()] = key  # type: ignore[index]
            action.triggered.connect(functools.partial(self._run, key))
            window.addAction(action)
        self["file.quit"].setMenuRole(QAction.MenuRole.QuitRole)
        self["help.about"].setMenuRole(QAction.MenuRole.AboutRole)

    def __getitem__(self, key: str) -> QAction:
        return self._actions[key]

    def trigger(self, key: str) -> None:
        """Carry out a command by its key, as its menu does."""
        self[key].trigger()

    @staticmethod
    def title(key: str) -> str:
        """The command's text without the dots of a dialog, for a button."""
        return ACTIONS[key].text.rstrip("…")

    def text(self, key: str) -> str:
        """The command's text as it is now."""
        label = ACTIONS[key].label
        return ACTIONS[key].text if label is None else label(self._window, self._controllers)

    def why_not(self, key: str) -> Message | None:
        """Why a command cannot be carried out now; None if it can."""
        there = ACTIONS[key].when(self._window, self._controllers)
        return ACTIONS[key].why_not(self._controllers) if there else NOTHING_TO_DO

    def plain_key(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        """Carry out the command of a plain key.

        Returns:
            Whether the key has a command.
        """
        name = self._plain.get(key)
        if name is None or modifiers & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        self.refresh()
        why = self.why_not(name)
        if why is not None:
            self._window.notices.notify("info", why, is_current=lambda: self.why_not(name) == why)
        self.trigger(name)
        return True

    def refresh(self) -> None:
        """Update texts, check marks and which commands are enabled."""
        for key, command in ACTIONS.items():
            action, text, why = self[key], self.text(key), self.why_not(key)
            if command.checked:
                action.setChecked(command.checked(self._window, self._controllers))
            action.setProperty("label", text if command.label else None)
            action.setText(f"{text}\t{command.key}" if command.key else text)
            action.setEnabled(why is None)
            action.setToolTip(self._tips[key] if why in (None, NOTHING_TO_DO) else wrapped(worded(why)))

    def _run(self, key: str) -> None:
        ACTIONS[key].run(self._window, self._controllers)
        self.refresh()


def _with_key(tip: str, key: str, action: QAction) -> str:
    """The tip with the command's key, if it has one."""
    key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText) or key
    return f"{tip} ({key})" if key else tip
