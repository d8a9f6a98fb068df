"""Paints every scene and every step of every lesson in both themes, and puts the pictures on one page.

    python docs/images/make_gallery.py [--out DIR] [--only NAME]

The page is index.html in the folder: each scene measured, each question answered, as a user would see it. Both pictures of a
place show the same run.
"""

import argparse
import html
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from make_screenshots import wait  # which also sets Qt's platform
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication

from playground.app.model.errors import Log
from playground.app.model.preferences import Preferences
from playground.app.window import MainWindow
from playground.lab import lessons

SIZE = 1280, 800
THEMES = "dark", "light"
SECONDS = 10.0  # most seconds of training before a picture of it
SETTLED = 0.5  # seconds
PATIENCE = 600.0  # seconds for one measurement


def paint(window: MainWindow, folder: Path, name: str) -> Path:
    """Take a picture in each theme in the middle of the shown run, once its field is painted; returns its path in a theme."""
    controllers = window.controllers
    begun = time.monotonic()
    wait(lambda: time.monotonic() - begun > SETTLED)  # until texts have their room, and what was asked for begins
    wait(lambda: controllers.state.problem is not None and not controllers.building.busy)
    wait(lambda: not controllers.training.wanted, SECONDS)
    wait(lambda: controllers.playing.recorded > 1, 30)
    wait(lambda: controllers.playing.frame >= 0.6 * (controllers.playing.total - 1) > 0, 20)
    controllers.playing.set_playing(False)
    for theme in THEMES:
        window.look.set_theme(theme)
        wait(lambda: not window.look.restyling.running)
        wait(lambda: not controllers.following.waits, 10)  # field and density of this frame
        wait(lambda: controllers.jobs.idle, 5)  # the equation is drawn
        window.grab().save(str(folder / theme / f"{name}.png"))
    controllers.playing.set_playing(True)
    return Path(f"{name}.png")


def of_lessons(window: MainWindow, only: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Each scene, measured, and each step of each lesson; a question is shown before and after its answer."""
    taught = window.controllers.lessons
    every = [*lessons.load_all(lessons.SCENES).values(), *lessons.load_all().values()]
    for lesson in (one for one in every if only in one.name):
        taught.begin(lesson)
        for place, step in enumerate(lesson.steps):
            taught.go(place)
            title = f"{lesson.title}, step {place + 1} of {len(lesson.steps)}"
            name = f"{'scene' if lesson.is_scene else 'lesson'}-{lesson.name}-{place + 1}"
            yield title, paint(window, folder, name)
            if not step.asked:
                continue
            if step.question:
                middle = (0.0, 0.0) if step.mark is not None else (0.0,)
                taught.predict(*(step.scale[:1] if step.scale else middle))
            else:
                taught.measure()
            wait(lambda: taught.measured is not None and taught.measured.complete, PATIENCE)
            yield f"{title}, measured", paint(window, folder, f"{name}-measured")
        taught.leave()


def shown(settings: Preferences, only: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """All pictures of one window."""
    window = MainWindow(settings, Log())
    painted = QSignalSpy(window.first_painted)
    window.show()
    wait(lambda: painted.count() > 0 and window.controllers.playing.recorded > 2)
    window.resize(*SIZE)  # before it was painted, its size is limited to the screen, which is small offscreen
    yield from of_lessons(window, only, folder)
    window.leave()


def page(pictures: list[tuple[str, Path]]) -> str:
    """The page of all pictures."""
    figures = "\n".join(
        f'<figure><img src="{theme}/{path.name}" loading="lazy" alt="{html.escape(title)}">'
        f"<figcaption>{html.escape(title)} ({theme})</figcaption></figure>"
        for title, path in pictures
        for theme in THEMES
    )
    style = "figure {display: inline-block; width: 46%; margin: 1%} img {width: 100%} body {font-family: sans-serif}"
    return f"<!doctype html><meta charset=utf-8><title>Scenes and lessons</title><style>{style}</style>\n{figures}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/gallery"))
    parser.add_argument("--only", default="", help="a part of the name of a scene or lesson")
    arguments = parser.parse_args()
    application = QApplication([])
    for theme in THEMES:
        (arguments.out / theme).mkdir(parents=True, exist_ok=True)
    pictures: list[tuple[str, Path]] = []
    with tempfile.TemporaryDirectory() as place_of_settings:
        settings = Preferences(Path(place_of_settings) / "settings.ini")
        settings.set("all_cards", True)
        settings.set("tour_offered", True)
        for title, path in shown(settings, arguments.only, arguments.out):
            pictures.append((title, path))
            print(path, flush=True)
    pictures.sort(key=lambda picture: picture[1].name)
    (arguments.out / "index.html").write_text(page(pictures), encoding="utf-8")
    del application


if __name__ == "__main__":
    main()
