"""The base class of kinds, which a user can choose by a name, and the registry of all kinds."""

import functools
import importlib
import itertools
import pkgutil
import typing
from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

import msgspec

from playground.kinds.setting import ExperimentError, Field, Option, field, meta, own_fields

_K = typing.TypeVar("_K", bound="Kind")


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """One value of ``section.kind``. Its fields are its settings, and its docstring's first line is its meaning on screen.

    A kind is defined by ``@register class VariancePreserving(Noise, tag="vp", frozen=True)`` in a file of its own. The family's
    base class sets the first four attributes.

    Attributes:
        section: the section of the experiment.
        summary: the description of ``section.kind``.
        noun: the name of the family's members in a sentence.
        resets: whether training starts anew with another kind.
        title: its name on screen.
        place: its position in the family's list; ties are sorted by name.
        equation: LaTeX.
    """

    section: ClassVar[str]
    summary: ClassVar[str]
    noun: ClassVar[str]
    resets: ClassVar[bool] = False
    title: ClassVar[str]
    place: ClassVar[float] = 0.0
    equation: ClassVar[str] = ""

    @classmethod
    def name(cls) -> str:
        """The name in files: ``reverse-sde``."""
        return typing.cast(str, cls.__struct_config__.tag)

    @property
    def kind(self) -> str:
        """The name in files of a chosen kind."""
        return self.name()

    @classmethod
    def meaning(cls) -> str:
        """The meaning in one line."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def kinds(cls) -> Mapping[str, type[Self]]:
        """Return all kinds of the family, by name, in the order of the window."""
        family = _REGISTRY.get(cls.section, {}).values()
        return {kind.name(): kind for kind in sorted(family, key=lambda kind: (kind.place, kind.name()))}  # type: ignore[misc]

    @classmethod
    def choice(cls, default: str) -> Field:
        """The setting ``section.kind`` itself."""
        options = {name: Option(kind.title, kind.meaning(), kind.equation) for name, kind in cls.kinds().items()}
        described = meta(cls.summary, label=cls.noun, offered=lambda: options, resets=cls.resets)
        return field(f"{cls.section}.kind", typing.Annotated[str, described], default)

    def switched(self, kind: "type[_K]", remembered: "_K | None" = None) -> "_K":
        """Another kind in place of this one. Settings that both declare alike keep their values.

        Args:
            kind: the other kind.
            remembered: its settings when it was last chosen; None for its defaults.
        """
        shared = {name: getattr(self, name) for name in shared_settings(type(self), kind)}
        return msgspec.structs.replace(remembered or kind(), **shared)


@functools.cache  # each step of a panel resolves an automatic network by it
def shared_settings(one: type[Kind], other: type[Kind]) -> tuple[str, ...]:
    """The settings that two kinds of a family declare alike, with the same type and description."""
    own, others = (typing.get_type_hints(kind, include_extras=True) for kind in (one, other))
    return tuple(name for name in one.__struct_fields__ if own[name] == others.get(name))


_REGISTRY: dict[str, dict[str, type[Kind]]] = {}


def register(kind: type[_K]) -> type[_K]:
    """Add a kind to the registry.

    Raises:
        ExperimentError: it is no class of a family, or its family already has a kind of that name.
    """
    if not (isinstance(kind, type) and issubclass(kind, Kind) and hasattr(kind, "section")):
        raise ExperimentError(f"{kind!r} is no kind: register a class that derives from the base of a family.")
    family = _REGISTRY.get(kind.section, {})
    if kind.name() in family:
        raise ExperimentError(f"There are two kinds {kind.name()} of {kind.section}: {family[kind.name()]} and {kind}.")
    own_fields(kind, kind.section)  # a wrong description fails here and not in a panel
    _REGISTRY[kind.section] = {**family, kind.name(): kind}  # a new one: a thread may go through the old one meanwhile
    own_fields.cache_clear()
    return kind


def registered() -> tuple[type[Kind], ...]:
    """All registered kinds of all families."""
    return tuple(itertools.chain.from_iterable(family.values() for family in list(_REGISTRY.values())))


def forget(kind: type[Kind]) -> None:
    """Remove a kind from the registry, as after a plug-in that failed in its middle."""
    _REGISTRY[kind.section] = {name: one for name, one in _REGISTRY[kind.section].items() if one is not kind}
    own_fields.cache_clear()


def discover(package: str, path: Iterable[str]) -> None:
    """Import every module of a package, so that its kinds register themselves."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")
