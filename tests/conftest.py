"""What every test stands on: no display, no settings of the user's, one torch thread, nothing left running."""

import faulthandler
import gc
import hashlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# One thread, as torch has below, also in the processes that tests start.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"  # before Qt is imported
faulthandler.enable()


def pytest_configure() -> None:
    import torch
    from hypothesis import settings

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup and some services ignore it, and all that they start
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as what a shell starts in the background does
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Several threads make small networks slower, and results depend on their number.
    torch.set_num_threads(1)
    # A busy machine is no failure; the same examples everywhere make a red run repeatable.
    settings.register_profile("project", deadline=None, derandomize=True, max_examples=50)
    settings.load_profile("project")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: a window's test waits for a third of its time. With two more all waited for each other."""
    return (os.cpu_count() or 1) + 1


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The passes of the few tests that run alone, or measure claims, read no other files."""
    chosen = config.option.markexpr.partition(" and ")[0]
    if chosen in ("alone", "claims") and collection_path.name.startswith("test_"):
        return f"pytest.mark.{chosen}" not in collection_path.read_text(encoding="utf-8") or None
    return None


@pytest.fixture(scope="session", autouse=True)
def application() -> Any:
    """Text needs an application. It is the windows' own kind from the start, whatever is tested first: what paints without
    a window makes a lesser one, and there is one in a process.

    Not pytest-qt's fixture: only tests that ask for Qt are searched for windows and threads left behind.
    """
    from PySide6.QtWidgets import QApplication

    return QApplication.instance() or QApplication([])


PLACES = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "APPDATA", "LOCALAPPDATA")


@pytest.fixture(autouse=True, scope="session")
def nobodys_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fixtures that many tests share do not touch the user's settings either."""
    with pytest.MonkeyPatch.context() as patch:
        for name in PLACES:
            patch.setenv(name, str(tmp_path_factory.mktemp("nobody")))
        yield


@pytest.fixture(scope="session")
def everyones_places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("places")


@pytest.fixture(autouse=True)
def own_places(everyones_places: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, caches and logs go to a folder of the test's own, never to the user's."""
    # Not pytest's own mktemp, which looks through the folders of all the tests before.
    place = Path(tempfile.mkdtemp(dir=everyones_places))
    for name in PLACES:
        monkeypatch.setenv(name, str(place))
    if "PySide6.QtCore" in sys.modules:
        from PySide6.QtCore import QSettings

        for form in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
            QSettings.setPath(form, QSettings.Scope.UserScope, str(place))
    return place


@pytest.fixture(autouse=True, scope="session")
def equal_points_are_measured_once(pytestconfig: pytest.Config) -> Iterator[None]:
    """Diameter, thickness, neighbours and the like of the same few sets were computed for hundreds of windows and runs. Tests
    of time compute them each time.
    """
    from playground.lab import diagnostics, problem
    from playground.theory import local_geometry

    measures: list[tuple[Any, str]] = [(problem, name) for name in ("diameter", "_thickness", "_kernel_width")]
    measures += (diagnostics, "gaussianity"), (local_geometry, "nearest")
    with pytest.MonkeyPatch.context() as patch:
        for module, name in measures if pytestconfig.option.markexpr != "alone" else ():
            patch.setattr(module, name, _remembering(getattr(module, name)))
        yield


def _remembering(measure: Callable[..., Any]) -> Callable[..., Any]:
    """The same function of points (N, *shape) and numbers, which remembers its values."""
    values: dict[Any, Any] = {}

    def remembered(*given: Any) -> Any:
        key = tuple(map(_digest, given))
        if key not in values:
            values[key] = measure(*given)
        return values[key]

    return remembered


def _digest(given: Any) -> Any:
    """A number itself, and of points what tells them from others."""
    if isinstance(given, int | float):
        return given
    held: Any = given.cpu().numpy()
    return hashlib.sha256(np.ascontiguousarray(held)).digest(), held.shape, held.dtype, given.device


@pytest.fixture(autouse=True)
def no_plugins() -> Iterator[None]:
    """The plug-ins that a test loaded, and their kinds, are taken away again."""
    yield
    if "playground.kinds.plugins" not in sys.modules:
        return
    from playground.kinds import plugins
    from playground.kinds.kind import forget, registered

    for kind in registered():
        if kind.__module__.startswith("score_playground_plugin_"):
            forget(kind)
    plugins.loaded.clear()
    for name in list(sys.modules):  # while threads import
        if name.startswith("score_playground_plugin_"):
            del sys.modules[name]


@pytest.fixture(autouse=True, scope="module")
def old_objects_are_not_looked_at_again() -> None:
    """The looks for what a test left behind went through every imported library: most of the time of the windows' tests.

    What lives before a module's first fixture was there before its tests, and what lives before a test was there before it;
    what is frozen is passed over from then on.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves a thread running, a window open or a timer ticking.

    What was there before the test, a window shared by a module for instance, is no fault of the test.
    """
    if not {"qtbot", "qapp"} & set(request.fixturenames):
        yield
        return
    # Asked for here, so that the test's own Qt fixtures end before this one looks.
    application = request.getfixturevalue("qapp")
    if "known_window" in request.fixturenames:
        request.getfixturevalue("known_window").get()  # another one, if the test before left it broken
    before = _alive(application)
    gc.freeze()  # and not after the test, as pytest lets go of its fixtures later
    gc.disable()  # as in the program: a collection in a worker's thread would destroy Qt's objects there
    yield
    gc.enable()
    patience = 30.0  # seconds for what ends by itself, which a busy machine holds up; looks do not count
    while left := [
        thing for thing in _alive(application) if not any(thing is old or _waits_in(thing, old) for old in before)
    ]:
        if patience < 0:
            names = ", ".join(_named(thing) for thing in left)
            pytest.fail(f"The test left behind: {names}", pytrace=False)
        del left
        begun = time.monotonic()
        time.sleep(0.05)
        application.processEvents()
        patience -= time.monotonic() - begun


def _waits_in(thing: Any, window: Any) -> bool:
    """Whether it is a single-shot timer of a window that was there before, as one that plays starts at every frame."""
    from PySide6.QtCore import QObject, QTimer

    if not (isinstance(thing, QTimer) and thing.isSingleShot() and isinstance(window, QObject)):
        return False
    above: QObject | None = thing
    while above is not None and above is not window:
        above = above.parent()
    return above is window


def _named(thing: Any) -> str:
    """Its type and name, and of a timer whose it is."""
    parent = getattr(thing, "parent", lambda: None)()
    of = "" if parent is None else f" of {type(parent).__name__} {parent.objectName()}"
    return f"{type(thing).__name__} {thing.objectName()}{of}".strip()


def _alive(application: Any) -> list[Any]:
    """Open windows, running threads and active timers."""
    import shiboken6
    from PySide6.QtCore import QCoreApplication, QEvent, QThread, QTimer
    from PySide6.QtWidgets import QMainWindow

    gc.collect()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    windows = [window for window in application.topLevelWidgets() if window.isVisible() or type(window) is QMainWindow]
    found = windows
    # Not by gc.get_objects(): it also holds the tuples that other threads have half built, which then fail to grow.
    looks: list[tuple[type, Callable[[Any], bool]]] = [(QThread, _running), (QTimer, QTimer.isActive)]
    for base, alive in looks:
        instances = (thing for thing in gc.get_referrers(*_with_subclasses(base)) if isinstance(thing, base))
        found += [thing for thing in instances if shiboken6.isValid(thing) and alive(thing)]
    return found


def _running(thread: Any) -> bool:
    from PySide6.QtCore import QThread

    return bool(thread.isRunning()) and thread is not QThread.currentThread()


def _with_subclasses(base: type) -> set[type]:
    subclasses: list[type] = base.__subclasses__()
    return {base}.union(*map(_with_subclasses, subclasses))
