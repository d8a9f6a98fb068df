"""The recipes for conda-forge, winget, Homebrew and Flathub, filled for a release whose files are stand-ins."""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "packaging"))  # after the library of the same name

import product  # noqa: E402
import recipes  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = product.version()
FLATHUB = "flathub/io.github.score_playground.score-playground"
WINGET = "winget/ScorePlayground.ScorePlayground"
CHECKSUMS = {
    name: hashlib.sha256(name.encode()).hexdigest()
    for name in (
        f"score_playground-{VERSION}.tar.gz",
        f"score_playground-{VERSION}-py3-none-any.whl",
        f"score-playground-{VERSION}-linux-x86_64.tar.xz",
        f"score-playground_{VERSION}_amd64.deb",
        f"score-playground-{VERSION}-windows-amd64-setup.exe",
        f"score-playground-{VERSION}-macos-arm64.dmg",
    )
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the filled recipes."""
    dist = tmp_path_factory.mktemp("dist")
    lines = (f"{checksum}  {name}\n" for name, checksum in CHECKSUMS.items())
    (dist / "SHA256SUMS.txt").write_text("".join(lines), encoding="utf-8")
    recipes.fill(dist)
    return dist / "recipes"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_every_value_is_filled_in(filled: Path) -> None:
    files = [path for path in filled.rglob("*") if path.is_file()]
    assert len(files) == 8
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"@\w+@", text), path
        assert path.name == "flathub.json" or VERSION in text, path


def test_each_checksum_is_that_of_the_file_at_its_address(filled: Path) -> None:
    conda = read(filled / "conda-forge/recipe.yaml")["source"]
    (winget,) = read(filled / f"{WINGET}.installer.yaml")["Installers"]
    flathub = read(filled / f"{FLATHUB}.yaml")["modules"][0]["sources"][0]
    cask = (filled / "homebrew/score-playground.rb").read_text(encoding="utf-8")
    quoted = dict(re.findall(r'^  (url|sha256) "(.*)"', cask, re.MULTILINE))
    for address, checksum in (
        (conda["url"].replace("${{ version }}", VERSION), conda["sha256"]),
        (winget["InstallerUrl"], winget["InstallerSha256"]),
        (flathub["url"], flathub["sha256"]),
        (quoted["url"].replace("#{version}", VERSION), quoted["sha256"]),
    ):
        assert CHECKSUMS[address.rpartition("/")[2]] == checksum
        assert address.startswith("https://pypi.org/packages/source/s/") or f"/releases/download/v{VERSION}/" in address


def test_a_release_that_lacks_a_file_fills_no_recipe(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS.txt").write_text(f"{'0' * 64}  score_playground-{VERSION}.tar.gz\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"no line for a file that ends with -setup\.exe, \.dmg, \.deb"):
        recipes.fill(tmp_path)


def test_conda_gets_what_the_oldest_python_needs(filled: Path) -> None:
    recipe = read(filled / "conda-forge/recipe.yaml")
    run = [line.split(maxsplit=1) for line in recipe["requirements"]["run"]]
    names = {re.match(r"[\w-]+", line)[0].lower() for line in PROJECT["dependencies"]}  # type: ignore[index]
    assert {name for name, _ in run} == {recipes.CONDA_NAMES.get(name, name) for name in names} | {"python"}
    assert len(run) == len(names) + 1
    assert ["pyside6", ">=6.11.2,<6.13,!=6.12.0"] in run
    assert ["pytorch", ">=2.6,<3"] in run
    assert f">={recipe['context']['python_min']}" == PROJECT["requires-python"]
    assert recipe["about"]["license"] == PROJECT["license"]
    assert recipe["about"]["license_file"] == PROJECT["license-files"]
    ((command, function),) = PROJECT["scripts"].items()
    assert recipe["build"]["python"]["entry_points"] == [f"{command} = {function}"]


def test_what_the_recipes_say_of_the_packages_is_so(filled: Path) -> None:
    """The identifiers under which the installers register the program, and the systems that they need."""
    parts = [read(filled / f"{WINGET}{end}.yaml") for end in ("", ".installer", ".locale.en-US")]
    assert [part["ManifestType"] for part in parts] == ["version", "installer", "defaultLocale"]
    assert all((part["PackageIdentifier"], part["PackageVersion"]) == (Path(WINGET).name, VERSION) for part in parts)
    version, installer, locale = parts
    assert version["DefaultLocale"] == locale["PackageLocale"]
    assert (installer["ProductCode"], installer["FileExtensions"]) == (product.COMMAND, [product.SESSION_SUFFIX])
    assert locale["License"] == f"{PROJECT['license']} AND GPL-3.0-or-later"
    cask = (filled / "homebrew/score-playground.rb").read_text(encoding="utf-8")
    assert f'app "{product.TITLE}.app"' in cask
    assert {"14.0": ":sonoma"}[str(product.info_plist()["LSMinimumSystemVersion"])] in cask
    metainfo = ElementTree.parse(filled / f"{FLATHUB}.metainfo.xml").getroot()
    assert metainfo.findtext("project_license") == locale["License"]
    assert metainfo.findtext("summary") == locale["ShortDescription"] == product.SUMMARY
    assert metainfo.findtext("provides/mediatype") == product.SESSION_TYPE
    assert metainfo.findtext("id") == read(filled / f"{FLATHUB}.yaml")["id"] == Path(FLATHUB).name
    for image in metainfo.iter("image"):
        assert (ROOT / str(image.text).partition(f"/v{VERSION}/")[2]).is_file()


def test_rattler_build_renders_the_recipe_of_conda_forge(filled: Path) -> None:
    rattler = pytest.importorskip("rattler_build", reason="needs py-rattler-build")
    (variant,) = rattler.Stage0Recipe.from_file(filled / "conda-forge/recipe.yaml").render()
    recipe = variant.recipe.to_dict()
    assert recipe["package"] == {"name": product.COMMAND, "version": VERSION}
    assert recipe["source"][0]["url"].endswith(f"/score_playground-{VERSION}.tar.gz")
    assert recipe["requirements"]["run"][0] == PROJECT["requires-python"].replace(">", "python >")


@pytest.mark.parametrize(
    "command",
    [
        ("ruby", "-c", "homebrew/score-playground.rb"),
        ("appstreamcli", "validate", "--no-net", "--pedantic", f"{FLATHUB}.metainfo.xml"),
        ("flatpak-builder", "--show-manifest", f"{FLATHUB}.yaml"),
    ],
    ids=lambda command: command[0],
)
def test_its_own_tool_accepts_a_recipe(filled: Path, command: tuple[str, ...]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    done = subprocess.run(command, cwd=filled, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
