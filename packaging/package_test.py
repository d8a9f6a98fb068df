"""``make package-test``: the packaged program alone goes through a typical session; a table shows the results.

    python packaging/package_test.py [--archive FILE] [--root FOLDER]

It unpacks the archive into a folder whose name has a space and non-ASCII letters, and makes it read-only. It removes HOME
and the network as far as this system allows, and runs the program there: offscreen, and on a virtual screen if there is
Xvfb. With --root, the folder of a bare system (made by debootstrap), the program runs inside it by chroot and finds no
library outside.
"""

import argparse
import ast
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import product
from other_programs import Clock, others_were_busy, waited_for_others

PLACE = "USB stick, Schülerin №1"
WARM, COLD, FIRST_STEP = (
    0.6,
    3.0,
    3.0,
)  # seconds: first window with and without its files in memory, first training step after it
TRIES = 5  # of the warm start; the best counts, because other programs may delay the others
FATAL = re.compile(
    r"Traceback|Could not load the Qt platform plugin|cannot be loaded|Segmentation|core dumped|Fatal Python"
)
STEPS = (
    "window",
    "torch and the opening session",
    "training",
    "sampling",
    "likelihood",
    "film",
    "saving",
    "reopening",
    "quitting",
)


@dataclass
class Table:
    """The rows of results, each printed at once."""

    failed: list[str] = field(default_factory=list)

    def add(self, item: str, held: bool, found: str) -> None:
        print(f"{item:<58} {'ok' if held else 'FAILED':<7} {found}", flush=True)
        if not held:
            self.failed.append(item)


@dataclass
class Place:
    """The folder of the program and how to run it there.

    Args:
        program: path of the executable in the system that runs it.
        folder: path of its folder in the present system.
        prefix: the beginning of a command: chroot, or unshare for no network.
        scratch: a folder to write to, in the system that runs the program.
        written: path of that folder in the present system.
    """

    program: str
    folder: Path
    prefix: tuple[str, ...]
    scratch: str
    written: Path

    def run(self, *arguments: str, display: str = "", timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run the program with a minimal environment; without a display, offscreen."""
        command = [*self.prefix, self.program, *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=self.environment(display),
            encoding="utf-8",
        )

    def environment(self, display: str) -> dict[str, str]:
        """The environment: a HOME that does not exist, no locale, no library path."""
        screen = {"DISPLAY": display} if display else {"QT_QPA_PLATFORM": "offscreen"}
        if sys.platform == "win32":
            kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP", "PATH") if name in os.environ}
        else:
            kept = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "TMPDIR": self.scratch}
        return kept | screen | {"PYTHONUTF8": "1"}

    def seconds_to_window(self, display: str = "") -> tuple[float, float]:
        """Start the window, wait for its line that it was painted, and close it.

        Returns:
            Seconds until that line, without and with the time in which other programs had the processors. Only Linux
            reports that time; on other systems the two are the same.
        """
        with subprocess.Popen(
            [*self.prefix, self.program],
            env=self.environment(display) | {"SCORE_PLAYGROUND_READY": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        ) as process:
            assert process.stdout is not None
            begun = time.monotonic()
            line = next((line for line in process.stdout if line.startswith("ready")), "")
            seconds = time.monotonic() - begun
            waited = waited_for_others(Path(f"/proc/{process.pid}")) if line else 0.0
            alive = process.poll() is None
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
            process.wait(timeout=60)
        if not line:
            raise SystemExit(f"The window never said that it was ready: {process.returncode}")
        if not alive or process.returncode != (
            1 if sys.platform == "win32" else 0
        ):  # SIGTERM closes it; there it kills
            raise SystemExit(f"The window did not stay open until it was closed: {process.returncode}")
        return seconds - waited, seconds


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file, to see whether anything was written."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


@contextmanager
def read_only(folder: Path) -> Iterator[str]:
    """Make a folder read-only, by a mount if root may mount, otherwise by its permissions; yield which."""
    mounted = False
    if sys.platform == "linux" and os.geteuid() == 0:
        bind = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode == 0
        mounted = (
            bind
            and subprocess.run(["mount", "-o", "remount,ro,bind", folder], capture_output=True, check=False).returncode
            == 0
        )
    else:
        for path in [*folder.rglob("*"), folder]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)
    try:
        yield "mounted read-only" if mounted else "without write permission"
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=False)
        for path in [folder, *folder.rglob("*")]:
            if not mounted and not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o200)


@contextmanager
def virtual_screen() -> Iterator[str]:
    """A display of Xvfb, or "" if there is none."""
    if shutil.which("Xvfb") is None:
        yield ""
        return
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def forget(folder: Path) -> None:
    """Drop the files from the system's cache, so that the next start reads them from disk."""
    for path in folder.rglob("*"):
        if path.is_file() and hasattr(os, "posix_fadvise"):
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run_end_to_end_check(table: Table, place: Place, display: str, screen: str) -> None:
    """Run the end-to-end check in the window by `doctor --window`, which reports each step."""
    before = Clock.now()
    done = place.run("doctor", "--window", display=display, timeout=600)
    busy = others_were_busy(before, Clock.now())
    lines = done.stdout.splitlines()
    for name in STEPS:
        row = next((line for line in lines if re.match(rf"\s*{re.escape(name)}\s+(ok|FAILED)\s", line)), "")
        table.add(
            f"{screen}: {name}",
            bool(re.match(rf"\s*{re.escape(name)}\s+ok\s", row)),
            " ".join(row.split()[name.count(" ") + 2 :]),
        )
    trained = re.search(r"the first ([\d.]+) s after the window(?:, ([\d.]+) s of them at work)?", done.stdout)
    first, work = (float(trained[1]), float(trained[2] or trained[1])) if trained else (float("inf"), float("inf"))
    table.add(
        f"{screen}: first training step after the window",
        (work if busy else first) <= FIRST_STEP,
        f"{first:.2f} s of {FIRST_STEP}, {work:.2f} s of processors",
    )
    failed = [" ".join(line.split()) for line in lines if " FAILED " in line] or lines[-1:] or [done.stderr[-200:]]
    table.add(f"{screen}: doctor ends with 0", done.returncode == 0, "; ".join(failed))
    noise = FATAL.search(done.stderr)
    table.add(
        f"{screen}: nothing fatal on standard error", noise is None, done.stderr.strip()[-300:].replace("\n", " | ")
    )


def check_files(table: Table, folder: Path) -> None:
    """Check that every file of resources/ is in the package, byte for byte."""
    sources = [path for path in (product.ROOT / "resources").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    inside = folder / "_internal" if (folder / "_internal").exists() else folder / "Contents/Resources"
    differing = [
        path.name
        for path in sources
        if not (copy := inside / "resources" / path.relative_to(product.ROOT / "resources")).is_file()
        or hashlib.sha256(copy.read_bytes()).digest() != hashlib.sha256(path.read_bytes()).digest()
    ]
    table.add(
        "data sets, examples, sessions and icons are inside", not differing, f"{len(sources)} files {differing or ''}"
    )
    notices = (folder / "NOTICES.txt").read_text(encoding="utf-8") if (folder / "NOTICES.txt").exists() else ""
    named = [
        part for part in ("x264", "PySide6", "torch", "numpy", "GNU GENERAL PUBLIC LICENSE") if part not in notices
    ]
    table.add("licences of everything inside", bool(notices) and not named, f"{len(notices) // 1024} KB {named or ''}")


def add_window(table: Table, item: str, budget: float, seconds: tuple[float, float]) -> None:
    own, whole = seconds
    busy = f", {whole:.2f} s with waiting for a processor" if whole > 1.2 * own else ""
    table.add(item, own <= budget, f"{own:.2f} s of {budget}{busy}")


def examine(table: Table, place: Place, how: str, cold: bool) -> None:
    """Run all checks, in an order in which an early failure explains later ones."""
    check_files(table, place.folder)
    before = snapshot(place.folder)
    done = place.run("--version")
    table.add("version", done.stdout.split()[-1:] == [product.version()], done.stdout.strip() or done.stderr[-200:])
    if cold:
        forget(place.folder)
        add_window(table, "first window, cold", COLD, place.seconds_to_window())
    add_window(table, "first window, warm", WARM, min(place.seconds_to_window() for _ in range(TRIES)))
    run_end_to_end_check(table, place, "", "offscreen")
    with virtual_screen() as display:
        if display:
            run_end_to_end_check(table, place, display, "Xvfb")
    check_commands(table, place)
    table.add(
        f"nothing is written beside the program ({how})", snapshot(place.folder) == before, f"{len(before)} files"
    )


def check_commands(table: Table, place: Place) -> None:
    """Check what the commands without a window say and write."""
    done = place.run("selftest", timeout=600)
    found = (done.stdout.strip().splitlines() or [done.stderr[-200:]])[-1]
    table.add("selftest", done.returncode == 0 and bool(re.match(r"([1-9]\d*) of \1 claims hold", found)), found)
    out = f"{place.scratch}/out"
    example = next(place.folder.rglob("experiments/two-moons.toml"))
    seen = str(Path(place.program).parent / example.relative_to(place.folder))
    done = place.run(
        "run", seen, "--out", out, "--set", "training.steps=200", "--set", "likelihood.points=50", timeout=600
    )
    table.add(
        "run without a window",
        done.returncode == 0 and (place.written / "out" / "metrics.json").is_file(),
        (done.stdout.strip().splitlines() or [done.stderr[-300:]])[-1],
    )
    alone = ("alone", "alone/experiment.py", ("--standalone",))  # with files of the source in the package
    for what, out, script, options in (("short", "short.py", "short.py", ()), ("stand-alone", *alone)):
        done = place.run("script", seen, *options, "--out", f"{place.scratch}/{out}")
        table.add(
            f"{what} script",
            done.returncode == 0 and is_program(place.written / script),
            (done.stdout.strip() or done.stderr.strip()[-300:] or "no output").splitlines()[-1],
        )


def is_program(path: Path) -> bool:
    """Whether a file has statements of Python."""
    try:
        return bool(ast.parse(path.read_text(encoding="utf-8")).body)
    except (OSError, SyntaxError):
        return False


def check_deb(table: Table, root: Path, deb: Path) -> None:
    """Install the Debian package in a bare system, run it and remove it; no other file may be left."""

    def inside(*command: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nowhere", "QT_QPA_PLATFORM": "offscreen"}
        return subprocess.run(
            [shutil.which("chroot") or "chroot", str(root), *command],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    def files() -> set[str]:
        return {str(path) for folder in ("usr", "etc", "opt") for path in (root / folder).rglob("*")}

    before = files()
    copy = root / "tmp" / deb.name
    shutil.copyfile(deb, copy)
    done = inside("dpkg", "--install", f"/tmp/{deb.name}")
    copy.unlink()
    added = files() - before
    wanted = (
        "bin/score-playground",
        ".desktop",
        "mime/packages/score-playground.xml",
        "apps/score-playground.svg",
        "copyright",
    )
    lacking = [end for end in wanted if not any(path.endswith(end) for path in added)]
    table.add(".deb: installs on a bare system", done.returncode == 0, done.stderr.strip()[-200:] or deb.name)
    table.add(".deb: menu entry, file type, icon, licences", not lacking, f"{len(added)} files {lacking or ''}")
    done = inside(product.COMMAND, "doctor")
    table.add(
        ".deb: doctor ends with 0",
        done.returncode == 0 and bool(re.search(r"^ *bundled files +ok ", done.stdout, re.MULTILINE)),
        (done.stdout.strip().splitlines() or [done.stderr[-200:]])[-1],
    )
    done = inside("dpkg", "--purge", product.COMMAND)
    left = files() - before
    table.add(
        ".deb: removal leaves nothing",
        done.returncode == 0 and not left,
        f"{done.stderr.strip()[-200:]} {sorted(left)[:3] or ''}",
    )


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack or copy the program into `folder`, and return its own folder there."""
    if archive.is_dir():
        return Path(shutil.copytree(archive, folder / archive.name, symlinks=True))
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="fully_trusted")
    (inside,) = folder.iterdir()
    return inside


def main() -> int:
    """Unpack, check, and report whether every check passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--archive", type=Path, help="the .tar.xz, or a program's folder; by default what make package wrote"
    )
    parser.add_argument("--root", type=Path, help="a bare system in a folder, to run inside by chroot")
    chosen = parser.parse_args()
    archive = chosen.archive or product.DIST / f"{product.archive_stem()}.tar.xz"
    if not archive.exists():
        if chosen.archive:
            parser.error(f"{archive} is not there: give the .tar.xz, or a program's folder.")
        archive = product.FOLDER
    table = Table()
    with ExitStack() as stack:
        above = chosen.root.resolve() if chosen.root else None
        temporary = stack.enter_context(tempfile.TemporaryDirectory(dir=above / "tmp" if above else None))
        outer = Path(temporary) / PLACE
        outer.mkdir()
        folder = unpack(archive, outer)
        scratch = Path(temporary) / "scratch"
        scratch.mkdir()
        how = stack.enter_context(read_only(folder))
        prefix: tuple[str, ...] = ()
        if above:
            sockets = above / "tmp/.X11-unix"
            for inside, mount in ((sockets, ("--bind", "/tmp/.X11-unix")), (above / "proc", ("-t", "proc", "proc"))):
                inside.mkdir(exist_ok=True)
                subprocess.run(["mount", *mount, inside], check=True)
                stack.callback(subprocess.run, ["umount", inside], check=False)
            prefix = (shutil.which("chroot") or "chroot", str(above))
        if sys.platform == "linux" and os.geteuid() == 0:
            # An empty network namespace has no network, not even to this machine. X uses a socket file.
            prefix = ("unshare", "--net", *prefix)
            how += ", no network"

        def seen(path: Path) -> str:
            return f"/{path.relative_to(above)}" if above else str(path)

        executable = product.COMMAND + (".exe" if sys.platform == "win32" else "")
        place = Place(seen(folder / executable), folder, prefix, seen(scratch), scratch)
        table.add("unpacked", True, f"{archive.name} into {place.program}, {how}")
        examine(table, place, how, cold=sys.platform == "linux")
        if above:
            for deb in product.DIST.glob("*.deb"):
                check_deb(table, above, deb)
    if table.failed:
        print(f"{len(table.failed)} failed: {', '.join(table.failed)}")
    return bool(table.failed)


if __name__ == "__main__":
    sys.exit(main())
