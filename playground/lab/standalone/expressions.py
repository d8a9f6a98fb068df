"""Python expressions for the objects of an experiment, from the calls that made them."""

import functools
import itertools
import math
import types
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from playground.lab.experiment import Experiment
from playground.lab.experiment import value as value_of
from playground.lab.problem import seed_of
from playground.lab.standalone.bundle import PLAIN, Bundle
from playground.lab.standalone.recording import Made, Recording
from playground.lab.standalone.source import NoSource

MOST_NUMBERS = 40
"""Longer arrays are written to the file of data."""


class Expressions:
    """Writes objects as Python. Numbers and strings become constants, and long arrays entries of the file of data.

    Args:
        experiment: has the seeds.

    Attributes:
        names: the variables of the script by the ids of their values; the values must live as long as this.
        constants: the constants by name.
        taken: names of constants that the script has for other values.
        arrays: the arrays of the file of data, by name.
    """

    def __init__(self, recording: Recording, bundle: Bundle, experiment: Experiment) -> None:
        self._recording, self._bundle, self._experiment = recording, bundle, experiment
        self._held: list[object] = []
        self.names: dict[int, str] = {}
        self.constants: dict[str, Any] = {}
        self.taken: frozenset[str] = frozenset()
        self.arrays: dict[str, np.ndarray] = {}

    def call(self, value: object, name: str) -> None:
        """Let the script have a variable of this name for a value."""
        self._held.append(value)
        self.names[id(value)] = name

    def constant(self, name: str, value: Any, prefix: str = "") -> str:
        """The constant of a value: `name`, or with `prefix` if another value has that name."""
        for candidate in (
            name,
            f"{prefix}_{name}" if prefix else name,
            *(f"{name}_{count}" for count in range(2, 1000)),
        ):
            if candidate not in self.constants:
                self.constants[candidate] = value
            if self.constants[candidate] == value and type(self.constants[candidate]) is type(value):
                return candidate
        raise AssertionError(name)

    def seed(self, purpose: str) -> str:
        """The constant of the seed that a purpose's random numbers have."""
        key = seed_of(purpose)
        return self.constant(key.replace(".", "_").upper(), value_of(self._experiment, key))

    def stream(self, purpose: str) -> str:
        """A new generator of a purpose's random numbers."""
        return f'{self._bundle.need(PLAIN, "stream")}({self.seed(purpose)}, "{purpose}")'

    def of(self, value: Any, parameter: str = "value", prefix: str = "", purpose: str = "") -> str:
        """A value as an expression.

        Args:
            parameter: the parameter that takes it, which names its constant.
            prefix: what distinguishes its constant from one of the same name.
            purpose: the purpose of its random numbers.

        Raises:
            NoSource: the value was made in a way that cannot be written.
        """
        if id(value) in self.names:
            return self.names[id(value)]
        if value is None or isinstance(value, bool):
            return repr(value)
        if isinstance(value, int | float | str):
            if isinstance(value, float) and not math.isfinite(value):
                return _literal(value)
            name = parameter.strip("_").upper()
            return self.constant(name if name not in self.taken else f"{prefix}_{name}", value, prefix)
        if isinstance(value, torch.Generator):
            return self.stream(purpose)
        if isinstance(value, torch.device):
            return repr(str(value))
        if isinstance(value, torch.dtype):
            return str(value)
        made = self._recording.made(value)
        if made is not None:
            return self._made(made, purpose)
        if isinstance(value, types.MethodType):
            return f"{self.of(value.__self__, parameter, prefix, purpose)}.{value.__name__}"
        if isinstance(value, functools.partial):
            given = [self.of(value.func), *(self.of(one, parameter, prefix, purpose) for one in value.args)]
            named = [f"{name}={self.of(one, name, prefix, purpose)}" for name, one in value.keywords.items()]
            return f"functools.partial({', '.join([*given, *named])})"
        if isinstance(value, type | types.FunctionType):
            if "<" in value.__qualname__:
                raise NoSource(
                    f"A function of {value.__module__} was made while it ran, so no script can be written of it."
                )
            return self._bundle.need(value.__module__, value.__qualname__)
        if isinstance(value, msgspec.Struct):
            settings = msgspec.structs.asdict(value).items()
            return f"types.SimpleNamespace({', '.join(f'{name}={_literal(one)}' for name, one in settings)})"
        if isinstance(value, Tensor):
            return self.array(value, parameter)
        if isinstance(value, np.ndarray):
            return f"{self.array(torch.from_numpy(value), parameter)}.numpy()"
        if isinstance(value, tuple | list):
            parts = [self.of(one, parameter, prefix, purpose) if not _is_plain(one) else _literal(one) for one in value]
            return (
                f"({', '.join(parts)}{',' * (len(parts) == 1)})"
                if isinstance(value, tuple)
                else f"[{', '.join(parts)}]"
            )
        if type(value).__init__ is object.__init__ and not getattr(value, "__dict__", None):
            return f"{self._bundle.need(type(value).__module__, type(value).__qualname__)}()"
        raise NoSource(f"{type(value).__name__} has no source code that a stand-alone script could contain.")

    def array(self, value: Tensor, name: str) -> str:
        """A tensor: its numbers, or the name of its entry in the file of data."""
        value = value.detach().cpu()
        dtype = f", dtype={value.dtype}" if value.dtype not in (torch.float32, torch.int64, torch.bool) else ""
        if not value.is_floating_point() or value.any():
            if value.numel() <= MOST_NUMBERS:
                return f"torch.tensor({_literal(value.tolist())}{dtype})"
            name = next(
                one
                for one in itertools.chain([name], map(f"{name}_{{}}".format, itertools.count(2)))
                if one not in self.arrays
            )
            self.arrays[name] = value.numpy()
            return f'torch.from_numpy(data["{name}"])'
        return f"torch.zeros({tuple(value.shape)!r}{dtype})"

    def _made(self, made: Made, purpose: str) -> str:
        owner, _, method = made.name.rpartition(".")
        if made.owner is not None:
            function, prefix = f"{self.of(made.owner, purpose=purpose)}.{made.name}", made.name
        elif owner:
            function, prefix = f"{self._bundle.need(made.module, owner)}.{method}", owner
        else:
            function = prefix = self._bundle.need(made.module, made.name)
        arguments = []
        for name, value in made.arguments.items():
            if name in made.defaults and _is_plain(value) and made.defaults[name] == value:
                continue
            arguments.append(f"{name}={self.of(value, name, prefix.upper(), purpose)}")
        if len(made.arguments) == 1:
            arguments = [argument.partition("=")[2] for argument in arguments]
        return f"{function}({', '.join(arguments)})"


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _literal(value: Any) -> str:
    """A number, text or tree of them as Python.

    >>> _literal((0.5, -math.inf, [math.nan]))
    '(0.5, -math.inf, [math.nan])'
    """
    value = msgspec.to_builtins(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "math.nan" if math.isnan(value) else f"{'-' if value < 0 else ''}math.inf"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_literal(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' * (len(value) == 1)})"
    return repr(value)
