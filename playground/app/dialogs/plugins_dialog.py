"""Tools > Plug-ins: the files that are loaded, and those that are loaded at every start."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from playground.app.controllers.plugins import Plugin, Plugins
from playground.app.style.theme import UNIT
from playground.app.style.wrapping import wrapped
from playground.app.widgets import layouts
from playground.app.widgets.captions import button, caption
from playground.app.widgets.dialog import Dialog

PATH = Qt.ItemDataRole.UserRole
ABOUT = (
    "A plug-in is a program with your rights. Only this list, the option --plugin and installed packages load one: "
    "sessions, lessons and experiments never do."
)


class PluginsDialog(Dialog):
    """The list of plug-ins, from which files can be removed.

    Args:
        plugins: the controller.
        audit: opens the audit of a kind, by its section and name.
    """

    def __init__(self, plugins: Plugins, audit: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__("pluginsDialog", "Plug-ins", parent, (720, 340))
        self._plugins, self._audit = plugins, audit
        about = caption(ABOUT)
        self.table = QTreeWidget()
        self.table.setHeaderLabels(["File", "Adds", "Loaded"])
        self.table.setAccessibleName("Plug-ins, what each adds and when it is loaded")
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        header = self.table.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(0, 200)
        header.resizeSection(2, self.fontMetrics().horizontalAdvance("at every start, failed") + 4 * UNIT)
        self.table.itemSelectionChanged.connect(self._refresh)

        self.load = button("&Load…", "Choose a plug-in, and run it.", plugins.ask)
        self.audit = button("&Audit…", "Check what it adds against closed forms.", self._audit_chosen)
        self.keep = button("Load at every &start", "Load the file whenever the window opens.", lambda: self._set(True))
        self.remove = button(
            "&Remove",
            "Load the file no longer at start; what it added stays until the program ends.",
            lambda: self._set(False),
        )
        close = button("&Close", "Close this list.", self.close)
        buttons = layouts.across(self.load, self.audit, self.keep, self.remove, None, close)
        layouts.down(about, (self.table, 1), buttons, within=self, spacing=UNIT, margins=2 * UNIT)
        plugins.changed.connect(self._show)
        self._show()

    @property
    def chosen(self) -> Plugin | None:
        """The selected plug-in."""
        items = self.table.selectedItems()
        path = items[0].data(0, PATH) if items else None
        return next((plugin for plugin in self._plugins.listed if str(plugin.path) == path), None)

    @Slot()
    def _show(self) -> None:
        before = self.chosen
        self.table.clear()
        for plugin in self._plugins.listed:
            adds = ", ".join(f"{kind.noun} “{kind.title}”" for kind in plugin.kinds)
            when = "at every start" if plugin.at_start else "this time"
            item = QTreeWidgetItem(self.table, [plugin.path.name, plugin.failure or adds or "not loaded", when])
            item.setData(0, PATH, str(plugin.path))
            item.setToolTip(0, wrapped(str(plugin.path)))
            item.setToolTip(1, wrapped(plugin.failure or adds))
            if before is not None and plugin.path == before.path:
                item.setSelected(True)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        chosen = self.chosen
        self.audit.setEnabled(chosen is not None and bool(chosen.kinds))
        self.keep.setEnabled(chosen is not None and not chosen.at_start)
        self.remove.setEnabled(chosen is not None and chosen.at_start)

    def _set(self, at_start: bool) -> None:
        chosen = self.chosen
        if chosen is not None:
            self._plugins.keep(Path(chosen.path), at_start)

    def _audit_chosen(self) -> None:
        chosen = self.chosen
        if chosen is not None and chosen.kinds:
            first = chosen.kinds[0]
            self._audit(f"{first.section}.{first.name()}")
