"""Makes the documentation as a site that needs no network: `make site`.

    python docs/site/make_site.py [--out DIR] [--moving [SCENE ...]]

The pages of docs/ as they are, the lessons with their equations, the claims of all scenes, the functions of ``import playground`` from
their docstrings, and the equations of all kinds. What moves takes most of the room, and is only in the site that is published: the film
of README, and a web page for each scene.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import playground
from playground.kinds.kind import Kind
from playground.lab import lessons
from playground.lab.experiment import Experiment
from playground.lab.lessons import Lesson
from playground.lab.live_equation import LiveEquation
from playground.version import REPOSITORY, SITE

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OUT = ROOT / "out/site"
"""Where the site comes to lie, with index.html."""
PARTS = {
    "Use it": ("guide", "lessons-that-ship", "gallery", "workshop", "sweeps"),
    "Understand it": ("theory", "equations", "metrics", "glossary", "samplers", "published"),
    "Extend it": ("python", "api", "lessons", "plugins", "experiment", "architecture"),
    "The project": ("benchmarks", "packaging", "releasing", "dependencies", "contributing", "changelog"),
}
"""The pages by part of the table of contents."""
PICTURES = ".png", ".webp"
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
"""A link to a file."""
NAMED = re.compile(r"\[[\w/-]+\.md\](?=\((?!https?:))")
"""The text of a link to a page that is the name of its file; without a text a link has the title of its page or section."""
INSIDE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "README.md": "index.md"}
"""Files outside docs/ that the site has, and their names there."""
FILM, STILL = "images/film.webp", "images/opening-dark.png"
"""The film of README, and the picture in its place where nothing moves."""
Scenes = Mapping[str, str]
"""What was measured of each scene that has a web page."""


def gather(folder: Path, scenes: Scenes | None) -> None:
    """Put the sources of all pages into a folder.

    Args:
        scenes: None for a site where nothing moves.
    """
    shutil.copytree(DOCS / "images", folder / "images", ignore=shutil.ignore_patterns("*.py"))
    for page in [*sorted(DOCS.glob("*.md")), *(ROOT / name for name in INSIDE)]:
        text = _linked(page)
        text = text.replace(FILM, STILL) if scenes is None else text
        (folder / INSIDE.get(page.name, page.name)).write_text(text, encoding="utf-8")
    with (folder / "index.md").open("a", encoding="utf-8") as index:
        index.write(_contents())
    for name, text in (
        ("equations", _equations()),
        ("api", _api()),
        ("gallery", _gallery(scenes or {})),
        ("lessons-that-ship", "".join(_lessons())),
    ):
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def _linked(page: Path) -> str:
    """A page with its links as they are on the site."""
    text = LINK.sub(lambda link: f"]({_place(page.parent, link[1])}", page.read_text(encoding="utf-8"))
    return NAMED.sub("[]", text)


def _place(folder: Path, file: str) -> str:
    """Where a link of a page in a folder leads to from the site: to another page, a picture, or the repository."""
    path = (folder / file).resolve()
    if path.is_relative_to(DOCS) and path.suffix in (".md", *PICTURES):
        return path.relative_to(DOCS).as_posix()
    name = path.relative_to(ROOT).as_posix()
    return INSIDE.get(name, f"{REPOSITORY}/blob/main/{name}")


def _contents() -> str:
    parts = (
        f"```{{toctree}}\n:caption: {title}\n:hidden:\n:maxdepth: 2\n\n" + "\n".join(names) + "\n```\n"
        for title, names in PARTS.items()
    )
    return "\n" + "\n".join(parts)


def _equations() -> str:
    """All kinds of the program with their equations, by family."""
    lines = ["# Equations", "", "Each kind that an experiment can choose, as its tooltip in the window shows it."]
    for section in Experiment.__struct_fields__:
        chosen = getattr(Experiment(), section)
        if not isinstance(chosen, Kind):
            continue
        base = next(one for one in type(chosen).__mro__ if issubclass(one, Kind) and Kind in one.__bases__)
        lines += ["", f"## {base.noun[0].upper()}{base.noun[1:]}"]
        for name, kind in base.kinds().items():
            lines += ["", f"### {kind.title}", "", f'`{section}.kind = "{name}"`: {kind.meaning()}']
            lines += ["", f"$$\n{kind.equation}\n$$"] if kind.equation else []
    return "\n".join(lines) + "\n"


def _api() -> str:
    """What ``import playground`` has, from the docstrings."""
    named = [name for name in playground.__all__ if not name.startswith("_")]
    functions = "\n".join(f".. autofunction:: {name}" for name in named if not _is_class(name))
    classes = "\n".join(f".. autoclass:: {name}\n   :members:\n" for name in named if _is_class(name))
    return (
        "# The Python API\n\n`import playground as sp`; [From Python](python.md) shows how they go together.\n\n"
        f"```{{eval-rst}}\n.. currentmodule:: playground\n\nFunctions\n---------\n\n{functions}\n\nClasses\n-------\n\n{classes}\n```\n"
    )


def _is_class(name: str) -> bool:
    return isinstance(getattr(playground, name), type)


def _lessons() -> Iterator[str]:
    yield "# Lessons\n\nWhat the lessons of **Learn** ask. The window measures each answer, once you have said yours.\n"
    for number, lesson in enumerate(lessons.load_all().values(), 1):
        yield f"\n## {number} {lesson.title}\n"
        yield from _steps(lesson)


def _steps(lesson: Lesson) -> Iterator[str]:
    for step in lesson.steps:
        yield f"\n{step.text}\n"
        if step.equation:
            yield f"\n$$\n{LiveEquation(step.equation).symbols}\n$$\n"
        if step.question:
            yield f"\n> **{step.question}**\n"
            yield from (f"> - {choice.text}\n" for choice in step.choices)


def _gallery(scenes: Scenes) -> str:
    """The claims of all scenes, each with its picture, which opens its web page, and what was measured."""
    lines = ["# Gallery", "", "The scenes of **Learn > Scenes**: each states a claim, and the window measures it."]
    for scene in lessons.load_all(lessons.SCENES).values():
        place, text = f"scenes/{scene.name}", scene.steps[0].text
        lines += ["", f"## {scene.title}", ""]
        if scene.name in scenes:
            picture = f'<img src="{place}.png" alt="The last step of the run" width="480" height="360" loading="lazy">'
            lines += [
                f'<a class="scene" href="{place}.html">{picture}<span>Play</span></a>',
                "",
                text,
                "",
                scenes[scene.name],
            ]
        else:
            lines += [text, "", f"[Play]({SITE}{place}.html)"]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument(
        "--moving", nargs="*", metavar="SCENE", help="with what moves; of scenes only these, if some are named"
    )
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sources, played = Path(folder, "sources"), Path(folder, "scenes")
        sources.mkdir()
        played.mkdir()
        gather(sources, None if chosen.moving is None else _played(chosen.moving, played))
        shutil.rmtree(chosen.out, ignore_errors=True)
        command = [sys.executable, "-m", "sphinx", "-b", "html", "--fail-on-warning", "--keep-going", "-q"]
        places = ["-c", str(DOCS / "site"), "-d", f"{folder}/doctrees", str(sources), str(chosen.out)]
        subprocess.run([*command, *places], check=True)
        if chosen.moving is not None:
            shutil.copytree(played, chosen.out / "scenes")


def _played(names: Sequence[str], folder: Path) -> Scenes:
    """Write the web pages of scenes into a folder; of all scenes, if none are named."""
    from scene_pages import write_scene  # loads torch

    every = lessons.load_all(lessons.SCENES)
    return {name: write_scene(every[name], folder) for name in names or every}


if __name__ == "__main__":
    main()
