"""What the documents say is what the program does."""

import ast
import importlib.util
import itertools
import math
import re
import tomllib
from pathlib import Path

import pytest
import torch
from PIL import Image

from playground.app.actions import ACTIONS, MENUS
from playground.app.model.preferences import Preferences
from playground.app.style.labels import CARDS
from playground.app.window import SMALLEST
from playground.cli import COMMANDS
from playground.cli.doctor.machine import settings_folder
from playground.lab import experiment as experiments
from playground.lab.boltzmann.figures import FIGURES as OF_MACHINE
from playground.lab.conflicts import likelihood_conflict, sampling_conflict, training_conflict
from playground.lab.experiment import every_field, fields
from playground.lab.figures import FIGURES, sorts_of
from playground.lab.figures.error_budget import FIGURES as BUDGET
from playground.lab.figures.parts import PARTS
from playground.lab.figures.spec import MEASURED
from playground.theory.latent import linear, rotation, spherical

ROOT = Path(__file__).parents[1]
EXPERIMENTS = sorted((ROOT / "resources/experiments").glob("*.toml"))


def test_the_reference_of_the_settings_is_up_to_date() -> None:
    script = ROOT / "docs/make_experiment_reference.py"
    spec = importlib.util.spec_from_file_location("reference", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs/experiment.md").read_text(encoding="utf-8") == module.reference(), "run make docs"


def test_the_entries_of_declared_figures_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("metrics", ROOT / "docs/make_metrics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    assert "### Effective number of modes" in page
    assert page == module.page(page), "run make docs"


def test_norms_stay_norms_in_the_table_of_the_reference() -> None:
    page = (ROOT / "docs/experiment.md").read_text(encoding="utf-8")
    assert r"\Vert s(x + \sigma z, \sigma) + z/\sigma\Vert ^2" in page
    assert r"\\" not in page  # a line break


def test_the_equations_of_the_ways_between_codes_are_those_of_their_functions() -> None:
    equation = fields()["likelihood.interpolation"].equation_of
    assert r"\frac{\sin((1-u)\theta)\,\hat{z}_0 + \sin(u\theta)\,\hat{z}_1}{\sin\theta}" in equation("spherical")
    z0, z1, u = torch.tensor([3.0, 0.0]).double(), torch.tensor([-1.0, 1.0]).double(), 0.3
    theta, share = 0.75 * math.pi, torch.tensor([u])
    circle = (math.sin((1 - u) * theta) * z0 / z0.norm() + math.sin(u * theta) * z1 / z1.norm()) / math.sin(theta)
    torch.testing.assert_close(spherical(z0, z1, share)[0], ((1 - u) * z0.norm() + u * z1.norm()) * circle)
    assert r"\cos(\frac{\pi u}{2}) z_0 + \sin(\frac{\pi u}{2}) z_1" in equation("rotation")
    torch.testing.assert_close(
        rotation(z0, z1, share)[0], math.cos(math.pi * u / 2) * z0 + math.sin(math.pi * u / 2) * z1
    )
    assert r"(1 - u) z_0 + u z_1" in equation("linear")
    torch.testing.assert_close(linear(z0, z1, share)[0], (1 - u) * z0 + u * z1)


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs/dependencies.md").read_text()
    extras = project["optional-dependencies"]
    for requirement in [*project["dependencies"], *(one for extra in extras.values() for one in extra)]:
        name = re.split(r"[<>=]", requirement)[0]
        assert re.search(rf"\b{re.escape(name)}\b", page), name


def test_every_chart_that_is_not_pyqtgraph_s_is_explained() -> None:
    charts = set[str]()
    for path in (ROOT / "playground" / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and "accessible_role = QAccessible.Role.Chart" in map(
                ast.unparse, node.body
            ):
                charts.add(node.name)
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| pyqtgraph \|.*$", page, re.MULTILINE)
    assert charts - {"ChartView"} == set(re.findall(r"`(\w+)`", row))


PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def _anchors(page: Path) -> set[str]:
    """What a link can name in a page: GitHub's forms of its headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in _anchors(there), f"{target}#{anchor}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    found, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page not in found:
            found.add(page)
            linked = [(page.parent / target).resolve() for target, _ in LINK.findall(page.read_text(encoding="utf-8"))]
            left += [target for target in linked if target.suffix == ".md"]
    assert set(PAGES) - found == set()


def test_every_picture_is_shown_on_a_page() -> None:
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target, _ in LINK.findall(page.read_text(encoding="utf-8"))
    }
    assert set((ROOT / "docs/images").glob("*.png")) - shown == set()


def test_the_film_of_the_readme_moves_and_is_small() -> None:
    path = ROOT / "docs/images/film.webp"
    assert path.stat().st_size <= 5_000_000
    with Image.open(path) as film:
        assert film.is_animated
        assert film.n_frames > 60
    assert "docs/images/film.webp" in (ROOT / "README.md").read_text(encoding="utf-8").partition("## Start")[0]


SCREEN = 50  # lines of a page


def test_the_readme_has_a_screen_each_for_what_it_is_how_to_start_and_the_tour() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    parts = re.split(r"^## ", page, flags=re.MULTILINE)
    assert [part.partition("\n")[0] for part in parts[1:]] == ["Start", "A tour in two minutes", "More"]
    assert max(len(part.splitlines()) for part in parts) < SCREEN
    assert len(page.splitlines()) < 2 * SCREEN


def test_settings_in_the_guide_exist() -> None:
    assignments = re.findall(r"--set ([a-z_.]+=\S+)", (ROOT / "docs/guide.md").read_text(encoding="utf-8"))
    assert assignments
    for assignment in assignments:
        key, value = experiments.assignment(assignment)
        experiments.replace(experiments.Experiment(), {key: value})


def test_the_guide_shows_every_command() -> None:
    page = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^score-playground (\w+)", page, re.MULTILINE))
    assert shown == set(COMMANDS)


def test_the_guide_names_every_key_of_the_window() -> None:
    table = (ROOT / "docs/guide.md").read_text(encoding="utf-8").partition("| command | key |\n|---|---|\n")[2]
    told: dict[str, str] = {}
    for row in table.partition("\n\n")[0].splitlines():
        names, keys = row.strip("| ").split(" | ")
        told |= dict(zip(names.split(", "), re.findall("`([^`]+)`", keys), strict=True))
    actions = {action.text.rstrip("…"): action.shortcut or action.key for action in ACTIONS.values()}
    assert told == {name: key for name, key in actions.items() if key and isinstance(key, str)}


def test_the_window_fits_the_projectors_at_the_factors_that_the_workshop_names() -> None:
    page = (ROOT / "docs/workshop.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) x (\d+) \| ([\d.]+)", page, re.MULTILINE)
    assert len(rows) >= 3
    for width, height, factor in rows:
        assert SMALLEST[0] * float(factor) <= int(width)
        assert SMALLEST[1] * float(factor) <= int(height)
    assert f"needs {SMALLEST[0]} x {SMALLEST[1]} of its own pixels" in page


def test_the_workshop_names_the_command_that_resets_the_window() -> None:
    (menu,) = (menu for menu, groups in MENUS.items() if any("view.reset" in group for group in groups))
    said = f"{menu} > {ACTIONS['view.reset'].text} forgets"
    assert said in (ROOT / "docs/workshop.md").read_text(encoding="utf-8")


def test_what_the_workshop_says_to_delete_is_where_the_window_keeps_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / name)
    settings = Preferences()
    settings.set("theme", "light")
    settings.flush()
    assert str(tmp_path / "score-playground") in settings_folder().words
    (left,) = (tmp_path / "score-playground").iterdir()
    page = " ".join((ROOT / "docs/workshop.md").read_text(encoding="utf-8").split())
    assert f"`{left.name}` in the folder that `doctor`" in page
    left.unlink()
    assert Preferences().get("theme") == "system"


def test_each_data_set_has_an_example() -> None:
    kinds = {experiments.load(path).data.kind for path in EXPERIMENTS}
    assert kinds == set(fields()["data.kind"].choices)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_example_can_be_run(path: Path) -> None:
    experiment = experiments.load(path)
    assert training_conflict(experiment) is None
    assert sampling_conflict(experiment) is None
    assert (likelihood_conflict(experiment) is None) == experiment.noise.has_score  # there is none between two sets
    if experiment.data.kind == "file":
        assert Path(experiment.data.path).is_file()


def test_the_makefile_s_programs_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for script in re.findall(r"[\w/]+\.py|packaging/[\w-]+", makefile):
        assert (ROOT / script).is_file(), script


def _glossary() -> list[tuple[str, str, str, str]]:
    """Symbol, term, meaning and place on screen of each line."""
    page = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("|") and not line.startswith(("|---", "| symbol"))]
    rows = [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert {len(row) for row in rows} == {4}
    return [(symbol, term, meaning, place) for symbol, term, meaning, place in rows]


def test_each_symbol_of_a_setting_stands_in_the_glossary_with_its_place_on_screen() -> None:
    told = {(symbol, place) for symbol, _, _, place in _glossary()}
    settings = [field for field in every_field().values() if field.symbol]
    assert len(settings) > 30
    for field in settings:
        assert (field.symbol, f"{CARDS[field.key.split('.')[0]]}: {field.label}") in told, field.key


def _figures() -> set[str]:
    """The figures of all cards, by their names on screen; the parts of the error budget have one entry."""
    parts = BUDGET.keys() - {"budget_total"}
    return {words.title for key, words in FIGURES.items() if key not in parts} | {
        call.args[0].value
        for path in (ROOT / "playground/app/panels").glob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Figure"
        if isinstance(call.args[0], ast.Constant)
    }


def test_each_figure_on_screen_stands_in_the_glossary() -> None:
    told = {place.partition(": ")[2] for *_, place in _glossary()}
    told |= {words.title for words in FIGURES.values() if words.short in told - {""}}
    figures = _figures() | {spec.title for spec in OF_MACHINE.values()}
    assert len(figures) > 25
    assert figures <= told, figures - told


UNITS = {
    "": "none",
    "nat": "nats",
    "bit": "bits",
    "data": "that of the data",
    "data²": "that of the data, squared",
    "1/data²": "one over the squared unit",
    "share": "fraction",
    "count": "count",
    "s": "seconds",
}


@pytest.mark.parametrize("key", FIGURES)
def test_the_page_of_metrics_and_the_program_call_a_figure_alike(key: str) -> None:
    """Its entry has its title, its unit and its floor."""
    page, words = (ROOT / "docs/metrics.md").read_text(encoding="utf-8"), FIGURES[key]
    if key.endswith("_over_floor"):  # sweeps and the run table have it, and no metrics.json
        assert f"`{key}`" in page
        assert f"{words.title})" in page
        return
    stem = key.removesuffix("_floor")
    name = words.title if key == "integral" else f"`{stem if stem in FIGURES else key}`"
    entries = re.split("^### ", page, flags=re.MULTILINE)
    (entry,) = (entry for entry in entries if name in re.search("- Key: .*|$", entry)[0])
    assert words.title in entry
    if "- Meaning: " in entry:  # it is no number
        return
    unit, floor = (re.search(rf"^- {line}: (.*)$", entry, re.MULTILINE)[1] for line in ("Unit", "Floor"))
    assert UNITS[words.unit] in unit
    if words.floor == MEASURED:
        assert floor not in ("none.", "0.")
    elif isinstance(words.floor, str):
        assert f"`{words.floor}`" in entry or FIGURES[words.floor].title in floor
    elif words.floor is not None:
        assert str(words.floor).replace("0.5", "1/2") in re.findall(r"\d+(?:/\d+)?", floor)


def test_cards_tables_plots_and_command_line_take_the_names_of_figures_from_one_table() -> None:
    names = {name for words in FIGURES.values() for name in (words.title, words.heading) if re.search(r"\W", name)}
    names |= {"C2ST", "NFE"}
    names -= {FIGURES["budget_sigma_min"].title}  # also the setting
    rooms = "app/panels", "app/widgets", "app/dialogs/sweep", "lab/sweep", "cli"
    found = [
        f"{path.relative_to(ROOT)}: {part.value}"
        for room in rooms
        for path in (ROOT / "playground" / room).rglob("*.py")
        if path.name != "boltzmann.py"
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(part, ast.Constant) and part.value in names
    ]
    assert len(names) > 30
    assert found == []


def test_each_figure_stands_on_the_page_of_metrics() -> None:
    """By its name on screen, and by its key in the files of an experiment and of a Boltzmann machine."""
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    entries = [line.replace(r"\|", "|") for line in page.splitlines() if line.startswith(("- Key: ", "| "))]
    shown = (_figures() | {spec.title for spec in OF_MACHINE.values()}) - {words.title for words in FIGURES.values()}
    assert {name for name in shown if not any(name in entry for entry in entries)} == set()
    keys = {key for name, part in PARTS.items() if not part.on_request for key in sorts_of(name)}
    keys |= OF_MACHINE.keys() - {"partition"}
    for module, function in (
        ("lab/run_figures", "_training"),
        ("lab/run_figures", "sampling_cost"),
        ("cli/boltzmann", "_metrics"),
    ):
        tree = ast.parse((ROOT / f"playground/{module}.py").read_text(encoding="utf-8"))
        (body,) = (part for part in tree.body if isinstance(part, ast.FunctionDef) and part.name == function)
        written = [part for part in ast.walk(body) if isinstance(part, ast.Dict)]
        keys |= {key.value for found in written for key in found.keys if isinstance(key, ast.Constant)}
    assert len(keys) > 90
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_each_entry_of_the_page_of_metrics_says_all_that_there_is_to_say() -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    entries = {part.partition("\n")[0]: part for part in re.split(r"^#{2,3} ", page, flags=re.MULTILINE)[1:]}
    entries = {title: part for title, part in entries.items() if "\n- Key: " in part and "\n- Meaning: " not in part}
    assert len(entries) > 20
    for title, part in entries.items():
        assert re.findall(r"^- (\w+):", part, re.MULTILINE) == ["Key", "Formula", "Unit", "Error", "Floor", "Source"], (
            title
        )


def test_the_glossary_says_each_thing_once_in_one_sentence() -> None:
    rows = _glossary()
    for _, term, meaning, _ in rows:
        assert re.fullmatch(r"[^.]+(?:\.(?! )[^.]*|et al\. [^.]*)*\.", meaning), term
    assert len({(symbol, term, place) for symbol, term, _, place in rows}) == len(rows)


def _architecture() -> str:
    return (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def test_each_file_that_the_architecture_names_exists() -> None:
    named = set(re.findall(r"`((?:playground|tests|docs)/[\w./-]*)`", _architecture()))
    assert len(named) > 40
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_the_architecture_names_every_room_and_every_folder_of_the_window() -> None:
    rooms = re.findall(r"^\| `playground/(\w+)/` \|", _architecture(), re.MULTILINE)
    folders = re.findall(r"^\| `playground/app/(\w+)/` \|", _architecture(), re.MULTILINE)
    assert sorted(rooms) == sorted(path.parent.name for path in (ROOT / "playground").glob("*/__init__.py"))
    assert sorted(folders) == sorted(path.parent.name for path in (ROOT / "playground/app").glob("*/__init__.py"))


@pytest.mark.parametrize(
    ("section", "contract"),
    [("Rooms", "Each room imports only the rooms before it"), ("Inside the window", "Inside the window")],
)
def test_a_diagram_is_the_contract_of_the_imports(section: str, contract: str) -> None:
    """Each arrow leads from a layer to the next, of at most eight; "top" stands for the modules beside the folders."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (one["layers"] for one in contracts if one["name"] == contract)
    names = [["top"] if ":" in layer else layer.replace("playground.", "").split(" | ") for layer in layers]
    assert len(names) <= 8
    diagram = re.search(rf"^## {section}$.*?^```mermaid\n(.*?)^```", _architecture(), re.MULTILINE | re.DOTALL)
    assert diagram is not None
    arrows = [arrow for above, below in itertools.pairwise(names) for arrow in itertools.product(above, below)]
    assert re.findall(r"(\w+)(?:\[.*\])? --> (\w+)", diagram[1]) == arrows


def test_each_controller_of_the_architecture_is_a_class_in_the_file_of_its_name() -> None:
    named = re.findall(
        r"^\| `([A-Z]\w+)` \|", _architecture().partition("| controller |")[2].partition("\n\n")[0], re.MULTILINE
    )
    assert len(named) >= 8
    for name in named:
        path = ROOT / f"playground/app/controllers/{name.lower()}.py"
        assert f"\nclass {name}(" in path.read_text(encoding="utf-8") or f"\nclass {name}:" in path.read_text(
            encoding="utf-8"
        )


def test_what_is_to_be_changed_stands_in_the_file_that_the_architecture_says() -> None:
    """Each name in a row of "Where to change" is in one of the row's files."""
    rows = [row for row in _architecture().partition("## Where to change")[2].splitlines() if row.startswith("| ")][1:]
    assert len(rows) >= 10
    for row in rows:
        quoted = re.findall(r"`([^`]+)`", row.split(" | ")[1])
        files = [ROOT / name for name in quoted if name.endswith(".py")]
        text = "".join(path.read_text(encoding="utf-8") for path in files)
        names = {name.removesuffix("(...)") for name in quoted if not name.endswith(".py")}
        assert not files or {name for name in names if name not in text} == set(), row
