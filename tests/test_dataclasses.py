"""No dataclass of ours compares arrays by ==: that raises, from Python 3.13 on even between an object and itself."""

import dataclasses
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable

import numpy as np
import pytest
import torch

import playground


def dataclasses_of_ours() -> list[type]:
    """Each dataclass that a module of the program defines."""
    found = []
    for module in pkgutil.walk_packages(playground.__path__, "playground."):
        if not module.name.endswith("__main__"):
            things = vars(importlib.import_module(module.name)).values()
            found += [thing for thing in things if inspect.isclass(thing) and thing.__module__ == module.name]
    return [thing for thing in found if dataclasses.is_dataclass(thing)]


def holds_arrays(annotation: object) -> bool:
    """Whether a field of this type is an array or tensor, or a collection of some.

    Another class compares its own fields, and is looked at in its own right.
    """
    if isinstance(annotation, str):
        return "ndarray" in annotation or "Tensor" in annotation
    kind = typing.get_origin(annotation) or annotation
    if inspect.isclass(kind) and issubclass(kind, (np.ndarray, torch.Tensor)):
        return True
    # What a function takes and returns is not compared.
    return kind is not Callable and any(holds_arrays(part) for part in typing.get_args(annotation))


def test_no_dataclass_compares_arrays() -> None:
    classes = dataclasses_of_ours()
    assert len(classes) > 90
    comparable = {
        f"{ours.__module__}.{ours.__qualname__}"
        for ours in classes
        if ours.__eq__ is not object.__eq__
        and any(holds_arrays(field.type) for field in dataclasses.fields(ours) if field.compare)
    }
    assert comparable == set(), "make them a record"


@pytest.mark.parametrize(
    ("annotation", "holds"),
    [
        (np.ndarray, True),
        (torch.Tensor | None, True),
        (tuple[tuple[float, np.ndarray], ...], True),
        (dict[str, torch.nn.Parameter], True),
        ("np.ndarray | None", True),
        (Callable[[torch.Tensor], torch.Tensor], False),
        (tuple[float, str], False),
    ],
)
def test_arrays_are_found_in_collections(annotation: object, holds: bool) -> None:
    assert holds_arrays(annotation) is holds
