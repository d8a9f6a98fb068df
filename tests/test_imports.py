"""No module imports itself by way of others, not even for annotations."""

import graphlib
import importlib

import grimp

from playground.kinds.kind import registered

KNOW_ONE_KIND = {
    "playground.lab.settings": "the kinds of a new experiment",
    "playground.app.canvas.run_view": "the strokes of the brush",
    "playground.app.canvas.tools": "the brush",
    "playground.app.panels.data": "the brush",
}
"""The modules outside of kinds/ that may name a single kind, and what for."""


def test_no_imports_form_a_cycle() -> None:
    graph = grimp.build_graph("playground")  # with what is imported for annotations alone
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 300
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        raise AssertionError(f"a cycle: {' imports '.join(reversed(error.args[1]))}") from None


def test_outside_of_kinds_no_module_names_a_single_kind() -> None:
    """Others ask a property or a method of a kind, so that a new one needs no line elsewhere."""
    importlib.import_module("playground.lab.settings")  # loads all kinds
    graph = grimp.build_graph("playground")
    kinds = {kind.__module__ for kind in registered()}
    importers = set().union(*(graph.find_modules_that_directly_import(module) for module in kinds))
    assert {module for module in importers if not module.startswith("playground.kinds.")} == set(KNOW_ONE_KIND)
