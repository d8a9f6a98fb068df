"""The documentation as a site: its links lead somewhere, it asks no network, and its search finds what a page says."""

import html
import importlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from PySide6.QtGui import QImage

import playground
from playground.lab import lessons
from playground.lab.headings import headings
from playground.version import REPOSITORY, SITE

pytestmark = pytest.mark.claims
ROOT = Path(__file__).parents[1]
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
"""What a browser loads by itself."""
PLAYED = "annealing", "guidance"


class Page(HTMLParser):
    """What a page links to, what it loads, and the places that a link can name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.loaded, self.places = list[str](), list[str](), set[str]()
        self.equations = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.places |= {told[name] for name in ("id", "name") if name in told}
        self.equations += told.get("class") == "equation"
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        for name, value in told.items():
            if (tag, name) in LOADED and told.get("rel") not in ("index", "search", "next", "prev", "canonical"):
                self.loaded.append(value)


@pytest.fixture(scope="module")
def make_site() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs/site")
        yield importlib.import_module("make_site")


@pytest.fixture(scope="module")
def site(make_site: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with the web pages of two scenes: one of a known score, one of digits by weights that ship with the program."""
    folder = tmp_path_factory.mktemp("site") / "site"
    make_site.main(["--out", str(folder), "--moving", *PLAYED])  # a warning of Sphinx fails
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.glob("*.html")}


def test_every_link_leads_to_a_page_and_a_place(site: Path, pages: dict[Path, Page]) -> None:
    count = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert there.is_file(), f"{path.name}: {link}"
            if parts.fragment and there.suffix == ".html":
                assert unquote(parts.fragment) in pages[there].places, f"{path.name}: {link}"
            count += 1
    assert count > 1000


def test_every_link_to_the_repository_leads_to_a_file(pages: dict[Path, Page]) -> None:
    files = re.compile(re.escape(REPOSITORY) + r"/(?:blob|edit|raw|tree)/main/([^?#]+)")
    linked = {found[1] for page in pages.values() for link in page.links if (found := files.match(link))}
    assert len(linked) > 5
    assert [name for name in sorted(linked) if not (ROOT / name).exists()] == []


def test_a_link_to_a_page_has_its_title_and_not_the_name_of_its_file(pages: dict[Path, Page]) -> None:
    for path in pages:
        assert re.findall(r'<span class="std std-\w+">[\w/-]+\.md<', path.read_text(encoding="utf-8")) == [], path.name


def test_every_heading_that_find_lists_is_a_place(site: Path, pages: dict[Path, Page]) -> None:
    for heading in headings():
        page, _, place = heading.place.partition("#")
        assert place in pages[site / page].places, heading


def test_it_loads_nothing_from_the_network(site: Path, pages: dict[Path, Page]) -> None:
    assert all(page.loaded for page in pages.values())
    for path, page in pages.items():
        for loaded in page.loaded:
            assert not urlsplit(loaded).scheme, f"{path.name}: {loaded}"
            assert (path.parent / urlsplit(loaded).path).is_file(), f"{path.name}: {loaded}"


def test_it_has_every_lesson_every_equation_and_the_api(site: Path, pages: dict[Path, Page]) -> None:
    taught = (site / "lessons-that-ship.html").read_text(encoding="utf-8")
    every = lessons.load_all().values()
    assert all(lesson.title in taught for lesson in every)
    equations = sum(bool(step.equation) for lesson in every for step in lesson.steps)
    assert pages[site / "lessons-that-ship.html"].equations == equations > 5
    shown = (site / "equations.html").read_text(encoding="utf-8")
    assert all(f'"{name}"' in shown.replace("&quot;", '"') for name in ("two-moons", "vp", "denoising", "reverse-sde"))
    assert pages[site / "equations.html"].equations > 20
    assert pages[site / "theory.html"].equations > 300
    named = pages[site / "api.html"].places
    assert {f"playground.{name}" for name in playground.__all__ if not name.startswith("_")} <= named


def test_the_gallery_has_every_scene_and_plays_those_that_were_run(site: Path, pages: dict[Path, Page]) -> None:
    shown = (site / "gallery.html").read_text(encoding="utf-8")
    for name, scene in lessons.load_all(lessons.SCENES).items():
        place = f"scenes/{name}"
        assert scene.title in html.unescape(shown).replace("’", "'")
        linked = pages[site / "gallery.html"].links
        assert (f"{place}.html" if name in PLAYED else f"{SITE}{place}.html") in linked
        assert (f"{place}.png" in pages[site / "gallery.html"].loaded) == (name in PLAYED)
    assert re.search(r"Measured: right mode 0\.(7[6-9]|8[0-4]), data 0\.80\.", shown)  # the claim of annealing
    for name in PLAYED:
        told = (site / f"scenes/{name}.html").read_text(encoding="utf-8")
        assert lessons.load_all(lessons.SCENES)[name].title in told
        assert 50_000 < len(told) < 3_000_000
        picture = QImage(str(site / f"scenes/{name}.png"))
        assert len({picture.pixel(x, y) for x in range(0, 480, 3) for y in range(0, 360, 3)}) > 20


def test_without_what_moves_the_film_is_a_picture_and_a_scene_plays_in_the_published_site(
    make_site: ModuleType, tmp_path: Path
) -> None:
    make_site.gather(tmp_path, None)
    assert "images/film.webp" not in (tmp_path / "index.md").read_text(encoding="utf-8")
    gallery = (tmp_path / "gallery.md").read_text(encoding="utf-8")
    assert gallery.count(f"[Play]({SITE}scenes/") == len(lessons.load_all(lessons.SCENES))


@pytest.fixture
def tab() -> Iterator[tuple[Any, list[str]]]:
    """A page in a browser, and what it asks for."""
    from tests.drawing.test_web_page_in_browser import CHROMIUM, sync_api

    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page, asked = browser.new_page(), list[str]()
        page.on("request", lambda request: asked.append(request.url))
        yield page, asked
        browser.close()


def test_its_search_finds_a_word_of_the_guide(site: Path, tab: tuple[Any, list[str]]) -> None:
    page, asked = tab
    page.goto((site / "search.html").as_uri() + "?q=in-painting")
    page.wait_for_selector("#search-results li a")
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(link => link.textContent)")
    assert "Guide" in " ".join(found)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_a_scene_plays_from_the_gallery(site: Path, tab: tuple[Any, list[str]]) -> None:
    page, asked = tab
    page.goto((site / "gallery.html").as_uri())
    page.click("a.scene")
    page.wait_for_selector("html[data-ready=yes]")
    assert page.text_content("h1") == lessons.load_all(lessons.SCENES)[PLAYED[0]].title
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
