"""How the objects of an experiment were made: the class or function of each, and its arguments.

Kinds build objects of theory/ and data/ from settings and data. While a :class:`Recording` is active, each object that is made
there is remembered with the call that made it, so that a script can make it again. This works for every kind, plug-ins included,
and a new one needs no template.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import msgspec

ROOMS = ("playground.theory", "playground.data")
"""The rooms whose objects are recorded."""


@dataclass(frozen=True, eq=False)
class Made:
    """The call that made an object.

    Attributes:
        module, name: the place of the class or function, such as ``playground.data.toys`` and ``two_moons``.
        owner: the object whose method it is, or None.
        arguments: the values by parameter, the owner left out.
        defaults: the defaults by parameter.
    """

    module: str
    name: str
    owner: object
    arguments: Mapping[str, Any]
    defaults: Mapping[str, Any]


class Recording:
    """Remembers how objects are made while it is entered; it sees the calls of this thread only.

    A function's result is remembered if the caller is not itself of theory/ or data/. So ``two_moons(0.1)`` is one call, and not
    the mixture of hundreds of Gaussians that it makes.

    Args:
        plugins: the modules of kinds that do not belong to the program; their classes and functions are recorded too.
    """

    def __init__(self, plugins: frozenset[str] = frozenset()) -> None:
        self._plugins = plugins
        self._made: dict[int, tuple[int, object, Made]] = {}
        self._open: list[tuple[FrameType, Made, int, bool]] = []
        self._calls = 0
        self._before: Callable[..., Any] | None = None

    def __enter__(self) -> "Recording":
        self._before = sys.getprofile()
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)
        self._open.clear()

    def made(self, value: object) -> Made | None:
        """The call that made an object, or None if it was not recorded."""
        found = self._made.get(id(value))
        return None if found is None else found[2]

    def _seen(self, frame: FrameType, event: str, result: object) -> None:
        if event == "call" and self._is_recorded(frame):
            self._calls += 1
            call = _call(frame)
            if call is not None:
                outermost = frame.f_back is None or not self._is_recorded(frame.f_back)
                self._open.append((frame, call, self._calls, outermost))
        elif event == "return" and self._open and self._open[-1][0] is frame:
            _, call, number, outermost = self._open.pop()
            value = call.owner if call.name.endswith(".__init__") else result
            known = self._made.get(id(value))
            given = (call.owner, *call.arguments.values())
            if call.name.endswith(".__init__"):
                if type(value).__init__.__code__ is frame.f_code:
                    self._keep(number, value, call)  # not that of a base class
            elif outermost and (known is None or known[0] > number) and all(value is not one for one in (None, *given)):
                self._keep(number, value, call)

    def _keep(self, number: int, value: object, call: Made) -> None:
        if type(value) in (bool, int, float, str, bytes, tuple, list, dict):
            return  # these are written as they are
        if call.name.endswith(".__init__"):
            kind = type(value)
            call = Made(kind.__module__, kind.__qualname__, None, call.arguments, call.defaults)
        self._made[id(value)] = (number, value, call)  # holding the value keeps its id from being used again

    def _is_recorded(self, frame: FrameType) -> bool:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(ROOMS):
            return True
        if module not in self._plugins or not frame.f_code.co_argcount:
            return module in self._plugins
        first = frame.f_locals.get(frame.f_code.co_varnames[0])
        return not isinstance(first, msgspec.Struct) and not (
            isinstance(first, type) and issubclass(first, msgspec.Struct)
        )


def _call(frame: FrameType) -> Made | None:
    """The call of a frame that has just begun; None if it cannot be written as one."""
    code = frame.f_code
    made_by_dataclass = code.co_name == "__init__" and code.co_filename == "<string>"
    if ("<" in code.co_qualname and not made_by_dataclass) or code.co_flags & (
        inspect.CO_GENERATOR | inspect.CO_COROUTINE
    ):
        return None
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return None
    arguments = {name: frame.f_locals[name] for name in names}
    owner: object = None
    if "." in code.co_qualname or code.co_name == "__init__":
        if not names:
            return None
        owner = arguments.pop(names[0])
    module = str(frame.f_globals.get("__name__", ""))
    if code.co_name == "__init__":
        return Made(module, f"{type(owner).__qualname__}.__init__", owner, arguments, _defaults(type(owner).__init__))
    if isinstance(owner, type):
        return Made(owner.__module__, f"{owner.__qualname__}.{code.co_name}", None, arguments, {})
    function = frame.f_globals.get(code.co_name) if owner is None else getattr(type(owner), code.co_name, None)
    if owner is None and getattr(function, "__code__", None) is not code:
        return None
    return Made(module, code.co_name, owner, arguments, _defaults(function))


def _defaults(function: Any) -> Mapping[str, Any]:
    if not isinstance(getattr(function, "__code__", None), CodeType):
        return {}
    parameters = inspect.signature(function).parameters
    return {name: one.default for name, one in parameters.items() if one.default is not inspect.Parameter.empty}
