"""The entries of the command palette: every command, card, choice, setting, scene and lesson, each heading of guide and theory, and each
term of the glossary."""

import functools
import itertools
from collections.abc import Iterator

from PySide6.QtWidgets import QWidget

from playground.app.actions import LESSONS, MENUS, Action, Window
from playground.app.controllers.lessons import Lessons
from playground.app.dialogs.command_palette import Entry
from playground.app.dialogs.help import show_documentation
from playground.app.panels import DataPanel, LessonPanel
from playground.app.style.labels import CARDS, begun, capital, worded
from playground.app.widgets.collapsible_panel import CollapsiblePanel
from playground.app.widgets.field_row import FieldRow
from playground.lab.experiment import every_field, fields, owners
from playground.lab.glossary import glossary
from playground.lab.headings import headings
from playground.lab.lessons import load_all
from playground.messages import alternatives


def entries(window: Window) -> list[Entry]:
    """All entries that can be found now."""
    return [
        *_commands(window),
        *(Entry(panel.title, "Card", panel.reveal) for panel in window.panels if not isinstance(panel, LessonPanel)),
        *_choices(window),
        *_settings(window),
        *_lessons(window.controllers.lessons),
        *_headings(),
        *_terms(window),
    ]


def _commands(window: Window) -> Iterator[Entry]:
    actions = window.actions_by_key
    for menu, groups in MENUS.items():
        for key, entry in itertools.chain.from_iterable(group.items() for group in groups):
            if key == LESSONS:
                yield Entry("Lessons", menu, lambda: window.menu.show_lessons(window.canvas))
            elif isinstance(entry, Action) and key != "learn.palette":
                text = actions.text(key).rstrip("…").replace("&&", "&")
                yield Entry(text, menu, functools.partial(actions.trigger, key), actions.why_not(key))


def _choices(window: Window) -> Iterator[Entry]:
    """Every value of every choice: a data set, a noise, a sampler, a solver of the chosen sampler."""
    state, data = window.state, window.panel(DataPanel)
    for key, field in fields(state.experiment).items():
        for choice in field.choices:
            title = f"{begun(field.label)}: {field.title_of(choice)}"
            why = "This is chosen now." if state.value(key) == choice else None
            edit = functools.partial(state.edit, {key: choice})
            yield Entry(
                title,
                _card(key),
                data.tiles[choice].click if key == "data.kind" and choice in data.tiles else edit,
                why,
                f"{key} {choice}",
            )


def _settings(window: Window) -> Iterator[Entry]:
    """Every setting that has a row; for settings of other kinds, which kinds have them."""
    now, every = fields(window.state.experiment), every_field()
    shown = [row for panel in window.panels for row in panel.findChildren(FieldRow)]
    rows = {key: row for row in shown for key in row.keys}
    for key, field in every.items():
        if field.kind == "choice" or (key in now and key not in rows):
            continue
        title = begun(field.label)
        why = None
        if key not in now:
            kinds = every[f"{key.partition('.')[0]}.kind"]
            why = f"It is a setting of {alternatives([kinds.title_of(kind) for kind in owners(key)])}."
        elif rows[key].isHidden():
            waits = worded(now[key].otherwise)
            why = f"{capital(waits)}." if waits else "It has no effect with the other settings."
        run = functools.partial(choose, rows[key]) if key in rows else lambda: None
        yield Entry(title, _card(key), run, why, key)


def choose(row: FieldRow) -> None:
    """Show a setting in its card and give it the focus."""
    reveal(row)
    controls = row.controls()
    if controls:
        controls[0].setFocus()


def reveal(row: FieldRow) -> CollapsiblePanel | None:
    """Unfold the card of a setting, with its advanced part if necessary.

    Returns:
        The card whose advanced part was opened; None if it was open or is not needed.
    """
    above: QWidget | None = row
    while above is not None and not isinstance(above, CollapsiblePanel):
        above = above.parentWidget()
    if above is None:
        return None
    above.set_folded(False)
    opens = not row.isVisibleTo(above)
    if opens:
        above.disclosure.setChecked(True)
    above.reveal(row)
    return above if opens else None


def _lessons(lessons: Lessons) -> Iterator[Entry]:
    for kind, folder in (("Scene", "scenes"), ("Lesson", "lessons")):
        for name, lesson in load_all(folder).items():
            yield Entry(lesson.title, kind, functools.partial(lessons.begin, lesson), alias=f"{folder} {name}")


def _headings() -> Iterator[Entry]:
    """Each heading of the documentation, which opens in the browser."""
    for heading in headings():
        show = functools.partial(show_documentation, heading.place)
        yield Entry(f"{capital(heading.page)}: {heading.text}", "Help", show)


def _terms(window: Window) -> Iterator[Entry]:
    """Each term of the glossary once, which all its symbols find too."""
    symbols: dict[str, list[str]] = {}
    for entry in glossary():
        symbols.setdefault(entry.term, []).append(entry.symbol)
    for term, own in symbols.items():
        show = functools.partial(window.dialogs.show_term, term)
        yield Entry(f"Glossary: {term}", "Learn", show, alias=" ".join(own))


def _card(key: str) -> str:
    return CARDS.get(key.partition(".")[0], "Sample")
