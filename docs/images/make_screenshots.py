"""Paints the pictures of README, guide and workshop from the real window, at each stage of its use, in both themes.

    python docs/images/make_screenshots.py [--out DIR] [--only NAME]

The window is driven as a user drives it, offscreen, with settings of its own; every picture is what its widgets painted.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"

from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from playground.app.controllers.measurements import map_level
from playground.app.controllers.overlay_timing import FOLLOWING
from playground.app.dialogs.boltzmann.machine import COST
from playground.app.dialogs.boltzmann.window import BoltzmannWindow
from playground.app.dialogs.gallery import Gallery
from playground.app.dialogs.sweep.window import SIZE, SweepWindow
from playground.app.model.errors import Log
from playground.app.model.preferences import Preferences
from playground.app.model.views import DensityView, FieldView, ProblemView
from playground.app.panels import DataPanel
from playground.app.window import MainWindow
from playground.lab import step_measuring
from playground.lab.sweep import Range
from playground.resources import resource

HERE = Path(__file__).parent
SECONDS = 8  # of training before a picture of it
Stage = Callable[[MainWindow], None]
Dialog = TypeVar("Dialog", bound=QWidget)


def wait(until: Callable[[], bool] | None = None, seconds: float = 300.0) -> None:
    """Run the event loop until something holds, or for some seconds; it sleeps between events and looks 100 times a second.

    Raises:
        TimeoutError: it does not hold, so that the picture would show something else.
    """
    if until is not None and until():
        return
    loop, look, end = QEventLoop(), QTimer(interval=10), QTimer(interval=round(1000 * seconds), singleShot=True)

    def check() -> None:
        if until is not None and until():
            loop.exit(1)  # it is not asked again: a finer density may begin in the next moment

    look.timeout.connect(check)
    end.timeout.connect(loop.quit)
    look.start()
    end.start()
    if not loop.exec() and until is not None:
        raise TimeoutError(f"What the picture is to show did not come in {seconds:g} s.")


def problem(window: MainWindow) -> ProblemView:
    """The problem in view, once there is one."""
    found = window.controllers.state.problem
    assert found is not None
    return found


def dialog(window: MainWindow, kind: type[Dialog]) -> Dialog:
    """The window's own dialog of a kind."""
    found = window.findChild(kind)
    assert found is not None
    return found


def place(window: MainWindow, x: float, y: float) -> QPoint:
    """The position of a point of the plane on the canvas."""
    x0, x1, y0, y1 = window.canvas.viewport
    surface = window.canvas.surface
    return QPoint(round((x - x0) / (x1 - x0) * surface.width()), round((y1 - y) / (y1 - y0) * surface.height()))


def show_frame(window: MainWindow, share: float) -> None:
    """Stop at a fraction of the run, and wait until the field, the density and the status bar show that moment."""
    controllers, came, shown = window.controllers, dict[str, float](), list[int]()
    frames = controllers.playing.frame_changed.connect(shown.append)

    def take(view: object) -> None:
        if isinstance(view, FieldView | DensityView):
            came["field" if isinstance(view, FieldView) else "density"] = view.sigma

    views = controllers.following.changed.connect(take)
    wait(lambda: not controllers.building.busy)
    before = controllers.playing.trajectory
    controllers.playing.set_loop(False)
    controllers.sampling.restart()  # a run that has begun in the background would later replace the shown one
    wait(
        lambda: controllers.playing.recorded > 0 and controllers.playing.trajectory is not before
    )  # it comes with the playhead at its start
    controllers.playing.step(1_000_000)  # the whole run is recorded without being played
    wait(lambda: controllers.playing.trajectory is not None and controllers.playing.trajectory.finished)
    controllers.playing.set_loop(True)
    controllers.playing.seek(round(share * (controllers.playing.recorded - 1)))

    def rests() -> bool:
        said = [label.text() for label in window.status.findChildren(QLabel)]
        still = (
            "at rest" in said and not controllers.jobs.running(FOLLOWING) and shown[-1:] == [controllers.playing.frame]
        )
        return still and came.items() >= followed(window).items()

    wait(rests)
    controllers.playing.frame_changed.disconnect(frames)
    controllers.following.changed.disconnect(views)


def followed(window: MainWindow) -> dict[str, float]:
    """The noise levels of this moment's field and density, as far as the canvas shows them."""
    controllers, visible, view = window.controllers, window.canvas.layers.visible, problem(window)
    if view.is_image:
        return {}
    levels = {"field": controllers.playing.sigma} if visible["learned"] or visible["exact"] else {}
    closed = controllers.following.wanted.density_source != "learned"
    if visible["density"] and (closed or view.shows_learned_density):
        levels["density"] = controllers.playing.sigma if closed else map_level(controllers.playing.sigma, view)
    return levels


def opening(window: MainWindow) -> None:
    """Just opened: the bundled model samples two moons."""
    show_frame(window, 0.72)


def training(window: MainWindow) -> None:
    """Two spirals, the network half trained."""
    choose(window, "two-spirals")
    window.state.edit({"training.steps": 40_000})  # no seconds, of which a busy machine has fewer steps
    window.controllers.training.start()
    wait(seconds=SECONDS)
    wait(lambda: window.controllers.playing.frame > 380)


def likelihood(window: MainWindow) -> None:
    """A clicked point with its path, and the quality measured."""
    show_frame(window, 0.8)
    QTest.mouseClick(window.canvas.surface, Qt.MouseButton.LeftButton, pos=place(window, -0.62, 0.98))
    wait(lambda: window.controllers.clicking.likelihood is not None)
    for command, job in (("test_set", "test-set"), ("samples", "quality"), ("errors", "fisher")):
        window.actions_by_key.refresh()
        window.actions_by_key.trigger(f"measure.{command}")  # which brings the card of the result
        while window.controllers.jobs.running(job):
            wait(seconds=0.1)


def annealed(window: MainWindow) -> None:
    """Annealed Langevin with the exact score."""
    choose(window, "two-gaussians")
    window.state.edit({"noise.kind": "discrete", "sampling.kind": "annealed-langevin", "sampling.source": "exact"})
    wait(lambda: problem(window).name == "two Gaussians" and window.controllers.playing.recorded > 10)
    window.canvas.layers.set_visible("learned", False)
    window.canvas.layers.set_visible("exact", True)
    show_frame(window, 0.55)


def digits(window: MainWindow) -> None:
    """Images that are denoised together, on the same timeline."""
    choose(window, "digits")
    window.controllers.training.start()
    wait(seconds=2.5 * SECONDS)
    window.controllers.training.pause()
    show_frame(window, 0.9)


def file(window: MainWindow) -> None:
    """A user's file, in its own units."""
    window.opening.open(resource("experiments/odd-units.csv"))
    wait(lambda: window.state.experiment.data.kind == "file" and problem(window).axes != ("x", "y"))
    window.controllers.training.start()
    wait(seconds=SECONDS)
    show_frame(window, 0.7)


def export(window: MainWindow) -> None:
    """The export dialog over the window."""
    show_frame(window, 0.72)
    window.exports.video()
    assert window.exports.dialog is not None
    window.exports.dialog.form.path.setText("two-moons.mp4")


def error(window: MainWindow) -> None:
    """An error in the program, and a file that cannot be read."""
    show_frame(window, 0.72)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measured.csv"
        path.write_text("east,north\n" + "1.5,2.5\n" * 60 + "3.0,oops\n")
        window.opening.open(path)
        wait(lambda: bool(window.toasts.shown))
    window.log.failed.emit("Something went wrong (ValueError: an example). Your work is kept; the log has the details.")
    wait(lambda: len(window.toasts.shown) == 2)


def boltzmann(window: MainWindow) -> None:
    """The Boltzmann machine has learned its bars and stripes."""
    window.actions_by_key.trigger("tools.boltzmann")
    machine = dialog(window, BoltzmannWindow).machine
    wait(lambda: machine.finished and not (machine.training or machine.jobs.running(COST)), 300)


def sweep(window: MainWindow) -> None:
    """A sweep of two samplers by four step counts, with the exact score, once it is computed."""
    window.state.edit({"sampling.source": "exact", "sampling.kind": "probability-flow"})
    window.actions_by_key.trigger("tools.sweep")
    made = dialog(window, SweepWindow)
    made.form.axes.load({"sampling.steps": Range(5, 40, 4, log=True), "sampling.solver": ["ddim", "heun", "unipc"]})
    made.form.seeds.setText("2")
    with tempfile.TemporaryDirectory() as folder:
        made.form.set_place(Path(folder) / "sweep-1")
        made.start_button.click()
        wait(lambda: not made.sweeping.running, 900)
    made.table.setCurrentIndex(made.table.cells.index(0, 0))
    made.resize(*SIZE)


def scenes(window: MainWindow) -> None:
    """The gallery of scenes, once its runs are computed; each network is trained as far as a quiet machine comes."""
    step_measuring.PREVIEW_SECONDS = 10.0
    window.actions_by_key.trigger("learn.scenes")
    gallery = dialog(window, Gallery)
    gallery.resize(gallery.sizeHint())
    wait(lambda: gallery.complete, 600)


STAGES: dict[str, Stage] = {
    stage.__name__: stage
    for stage in (opening, training, likelihood, annealed, digits, file, boltzmann, sweep, scenes, export, error)
}
SIZES = {"opening": ((1440, 900), (1280, 720))}


def choose(window: MainWindow, kind: str) -> None:
    """Press a tile of the data card, which may be one of those behind "more", and wait for the data."""
    window.panel(DataPanel).tiles[kind].click()

    def chosen() -> bool:
        resolved = problem(window).resolved
        return not window.controllers.jobs.running("problem") and resolved is not None and resolved.data.kind == kind

    wait(chosen)
    wait(lambda: window.controllers.playing.recorded > 2)


def make(name: str, theme: str, size: tuple[int, int], folder: Path) -> Path:
    """One picture."""
    with tempfile.TemporaryDirectory() as place_of_settings:
        settings = Preferences(Path(place_of_settings) / "settings.ini")
        settings.set("theme", theme)
        settings.set("tour_offered", True)
        window = MainWindow(settings, Log())
        window.show()
        wait(lambda: window.controllers.state.problem is not None and window.controllers.playing.recorded > 2)
        window.resize(
            *size
        )  # after it was painted: before, its size is limited to the screen, which is small offscreen
        STAGES[name](window)
        QApplication.processEvents()  # applies the new layout
        window.grab()  # a frame's first picture may still have the arrows of the last one, see Picture
        window.canvas.surface.picture.change()
        opened = [window.findChild(kind) for kind in (BoltzmannWindow, SweepWindow, Gallery)]
        picture = next(filter(None, opened), window).grab()
        if window.exports.dialog is not None:
            draw_over(picture, window.exports.dialog)
        path = folder / f"{name}-{theme}{'' if size == (1440, 900) else f'-{size[0]}x{size[1]}'}.png"
        picture.save(str(path))
        gone = QSignalSpy(window.destroyed)
        window.leave()
        window.deleteLater()
        wait(lambda: gone.count() == 1)
    return path


def draw_over(picture: QPixmap, dialog: QWidget) -> None:
    """Paint a dialog in the middle of the window, where a window manager would place it."""
    painter = QPainter(picture)
    painter.fillRect(picture.rect(), QColor(0, 0, 0, 90))
    painter.drawPixmap(
        (picture.width() - dialog.width()) // 2, (picture.height() - dialog.height()) // 2, dialog.grab()
    )
    painter.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--only", choices=list(STAGES))
    parser.add_argument("--theme", choices=["dark", "light"])
    parser.add_argument("--size", help="WIDTHxHEIGHT")
    arguments = parser.parse_args()
    application = QApplication([])
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in [arguments.only] if arguments.only else list(STAGES):
        for theme in [arguments.theme] if arguments.theme else ["dark", "light"]:
            sizes = SIZES.get(name, ((1440, 900),))
            if arguments.size:
                width, height = arguments.size.split("x")
                sizes = ((int(width), int(height)),)
            for size in sizes:
                print(make(name, theme, size, arguments.out), flush=True)
    del application


if __name__ == "__main__":
    main()
