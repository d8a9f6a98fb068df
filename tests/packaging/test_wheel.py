"""The wheel and the source distribution: whoever installs one by pip has all that the program needs."""

import email
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from playground.version import ISSUES, REPOSITORY, __version__

ROOT = Path(__file__).parents[2]


def build(kind: str, source: Path, target: Path) -> Path:
    """What ``python -m build`` makes of a folder, without a download."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (made,) = target.iterdir()
    return made


def alone() -> dict[str, str]:
    """Variables under which Python finds nothing of the source; the window is painted offscreen."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"QT_QPA_PLATFORM": "offscreen"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment with the wheel in it; what the program depends on is borrowed from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*install, "--disable-pip-version-check", str(wheel)], check=True, env=alone())
    place = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (place / "borrowed.pth").write_text("".join(f"{path}\n" for path in sorted(borrowed)))
    return python


def ask(python: Path, *arguments: str, code: int = 0) -> str:
    """Run the environment's Python where none of the source lies; what it printed."""
    done = subprocess.run(
        [str(python), *arguments],
        cwd=python.parent,
        env=alone(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.claims
def test_the_wheel_has_every_file_of_the_resources(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    sources = [
        path
        for path in (ROOT / "resources").rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.name.startswith("make_")
    ]
    assert len(sources) > 40
    for path in sources:
        name = "playground/bundled/" + path.relative_to(ROOT / "resources").as_posix()
        assert inside.get(name) == path.read_bytes(), name
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "playground").rglob("*.py")}
    plugins = {f"playground/bundled/plugins/{path.name}" for path in (ROOT / "resources" / "plugins").glob("*.py")}
    assert {name for name in inside if name.endswith(".py")} == modules | plugins


@pytest.mark.claims
def test_a_package_index_can_show_it(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", ROOT, tmp_path)
    checking = [sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)]
    done = subprocess.run(checking, capture_output=True, text=True, check=False, env=alone())
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_wheel_says_its_licences_and_where_its_source_is(wheel: Path) -> None:
    """Every picture and link of README is an address of a file that is in the source, at the version's tag."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
        licences = {Path(name).name for name in archive.namelist() if ".dist-info/licenses/" in name}
    assert metadata["License-Expression"] == "MIT AND OFL-1.1 AND CC-BY-4.0"
    assert licences == {"LICENSE", "OFL.txt", "digits-LICENSE.txt"}
    assert f"Issues, {ISSUES}" in metadata.get_all("Project-URL", [])
    assert metadata["Description-Content-Type"] == "text/markdown"
    written = metadata.get_payload(decode=True)
    assert isinstance(written, bytes)
    readme = written.decode()
    assert "The packaged program as a whole is under the GPL 3" in readme
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)]*)\)", readme)
    assert len(links) > 20
    for picture, address in links:
        place = f"{REPOSITORY}/{'raw' if picture else 'blob'}/v{__version__}/"
        assert address.startswith(place), address
        assert (ROOT / address.removeprefix(place).partition("#")[0]).exists(), address


def test_the_address_of_the_repository_stands_in_one_place() -> None:
    kept = subprocess.run(["git", "grep", "-lF", REPOSITORY], cwd=ROOT, capture_output=True, text=True, check=False)
    if kept.returncode > 1:
        pytest.skip("this is no clone of the repository")
    assert kept.stdout.split() == ["playground/version.py"]


@pytest.mark.claims
def test_the_source_distribution_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "sdist").mkdir()
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = build("wheel", source, tmp_path / "wheel")
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


@pytest.mark.claims
def test_the_installed_program_is_the_wheel_s(installed: Path) -> None:
    place = Path(ask(installed, "-c", "import playground; print(playground.__file__)").strip())
    assert place.is_relative_to(installed.parents[1])


@pytest.mark.claims
def test_the_installed_program_finds_its_files(installed: Path) -> None:
    said = ask(installed, "-m", "playground", "doctor")
    assert re.search(r"^ *bundled files +ok ", said, re.MULTILINE), said
    assert re.search(r"^ *fonts +ok +Score Playground Inter", said, re.MULTILINE), said


@pytest.mark.claims
def test_the_installed_program_runs_an_experiment(installed: Path, tmp_path: Path) -> None:
    code = "from playground.resources import resource; print(resource('experiments/odd-units.toml'))"
    example = ask(installed, "-c", code).strip()
    settings = ("training.steps=20", "network.width=16", "sampling.particles=100", "sampling.steps=3", "seed=1")
    judged = ("likelihood.points=20", "likelihood.tolerance=0.1")
    changed = [part for setting in (*settings, *judged) for part in ("--set", setting)]
    ask(installed, "-m", "playground", "run", example, "--out", str(tmp_path / "out"), *changed)
    assert (tmp_path / "out" / "video.mp4").stat().st_size > 1000


@pytest.mark.claims
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to close a window by")
def test_the_installed_window_opens_and_closes(installed: Path, own_places: Path) -> None:
    variables = alone() | {"SCORE_PLAYGROUND_READY": "1"}
    command = [str(installed.parent / "score-playground")]
    with subprocess.Popen(command, cwd=installed.parent, env=variables, stdout=subprocess.PIPE, text=True) as window:
        assert window.stdout is not None
        assert window.stdout.readline().startswith("ready")
        window.send_signal(signal.SIGTERM)
        assert window.wait(60) == 0
    (log,) = own_places.rglob("score-playground.log")
    assert "SIGTERM closes the window" in log.read_text(encoding="utf-8")  # it had not ended by itself
