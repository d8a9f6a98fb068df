"""No module imports itself by way of others, not even for annotations."""

import graphlib

import grimp


def test_no_imports_form_a_cycle() -> None:
    graph = grimp.build_graph("playground")  # with what is imported for annotations alone
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 300
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        raise AssertionError(f"a cycle: {' imports '.join(reversed(error.args[1]))}") from None
