"""A device that is none: its tensors lie on the CPU, but refuse to meet the CPU's as those of a real device do.

Where no CUDA and no MPS is at hand it shows what would break there: a tensor made in the wrong place, a generator of another
device and, as on MPS, float64. What only a real device has, its kernels, speed and rounding, it cannot show.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

try:
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend
except ImportError:
    pytest.skip("this torch lets no device be made in Python", allow_module_level=True)

NAME = "elsewhere"

MIXED = ("aten._to_copy.default", "aten.copy_.default")  # what may take one device to another
INDEXED = "aten.index.Tensor"  # a tensor of the device may be indexed by the CPU's numbers, not the reverse
FETCHED = ("aten._local_scalar_dense.default", "aten.equal.default")


class There(Tensor):
    """A tensor of the device; `here` holds its numbers."""

    here: Tensor

    @staticmethod
    def __new__(cls, here: Tensor) -> "There":
        made: There = Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=torch.device(NAME, 0),
        )
        made.here = here
        return made

    def __repr__(self) -> str:
        return f"There({self.here!r})"

    @classmethod
    def __torch_function__(cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.data.__get__:
            return There(args[0].here.detach())
        if func is Tensor.data.__set__:
            args[0].here = args[1].here
        if func is Tensor.numpy:
            raise TypeError(f"can't convert {NAME} device type tensor to numpy")
        if func is Tensor.tolist:
            return args[0].here.tolist()
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} of a tensor of the second device, outside the block that emulates it")


class Generator(torch.Generator):
    """Draws on the CPU and says that it lives where it was asked to."""

    _device: torch.device

    def __new__(cls, device: torch.device | str = "cpu") -> "Generator":
        made: Generator = super().__new__(cls, "cpu")
        made._device = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self._device


class Calls(TorchFunctionMode):
    """What is decided before the dispatcher: whose generator draws, and where numbers become tensors."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        generator = kwargs.get("generator")
        if generator is not None:
            like = next((part for part in args if isinstance(part, Tensor)), None)
            device = torch.device(kwargs.get("device") or ("cpu" if like is None else like.device))
            if device.type != generator.device.type:
                raise RuntimeError(f"Expected a '{device.type}' generator but found '{generator.device.type}'")
        if func in (torch.tensor, torch.as_tensor) and torch.device(kwargs.get("device") or "cpu").type == NAME:
            return func(*args, **{**kwargs, "device": "cpu"}).to(kwargs["device"])
        if func is Tensor.new_tensor and isinstance(args[0], There):
            return torch.tensor(args[1], dtype=args[0].dtype).to(args[0].device)
        return func(*args, **kwargs)


class Operations(TorchDispatchMode):
    """Carries out the device's operations on the CPU, and refuses what a device refuses."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, _name(func)
        parts = list(_parts((args, kwargs)))
        there = [part for part in parts if isinstance(part, There)]
        here = [part for part in parts if isinstance(part, Tensor) and not isinstance(part, There) and part.dim() > 0]
        indexed = name == INDEXED and isinstance(args[0], There)
        if there and here and name not in MIXED and not indexed:
            raise RuntimeError(f"Expected all tensors to be on the same device, but {name} met {NAME} and cpu")
        args, inner = _each(_within, (args, kwargs))
        asked = kwargs.get("device")
        if asked is not None and asked.type == NAME:
            inner["device"] = torch.device("cpu")
        result = func(*args, **inner)
        if name in FETCHED or (asked is not None and asked.type != NAME) or (asked is None and not there):
            return result
        same = {id(part.here): part for part in there}

        def wrapped(part: Any) -> Any:
            if not isinstance(part, Tensor):
                return part
            if part.dtype == torch.float64:
                raise TypeError(f"Cannot make {name} a float64 tensor: the second device has none, as MPS")
            return same[id(part)] if id(part) in same else There(part)

        return _each(wrapped, result)


_name = functools.cache(str)


def _within(part: Any) -> Any:
    return part.here if isinstance(part, There) else part


# Operations take and give tensors, lists of them and names for them. torch's own walks through trees of any kind took most of
# the time here.


def _parts(tree: Any) -> Iterator[Any]:
    if isinstance(tree, (tuple, list)):
        for part in tree:
            yield from _parts(part)
    elif isinstance(tree, dict):
        yield from _parts(list(tree.values()))
    else:
        yield tree


def _each(change: Callable[[Any], Any], tree: Any) -> Any:
    if isinstance(tree, (tuple, list)):
        return type(tree)([_each(change, part) for part in tree])
    if isinstance(tree, dict):
        return {name: _each(change, part) for name, part in tree.items()}
    return change(tree)


class _Module:
    """What torch asks the module of a device."""

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return True

    def _is_in_bad_fork(self) -> bool:
        return False

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def manual_seed_all(self, seed: int) -> None:
        """Nothing draws by a generator of its own."""

    def get_rng_state(self, device: object = 0) -> Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: Tensor, device: object = 0) -> None:
        """As with the seed."""


# Once in a process, and before any test: autograd counts the devices at its first pass back and knows of no later ones.
_setup_privateuseone_for_python_backend(NAME, _Module())


@contextlib.contextmanager
def second_device() -> Iterator[torch.device]:
    """Inside the block there is one more device: the one that it gives."""
    real = torch.Generator
    torch.Generator = Generator  # type: ignore[misc]
    try:
        with Operations(), Calls():
            yield torch.device(NAME, 0)
    finally:
        torch.Generator = real  # type: ignore[misc]
