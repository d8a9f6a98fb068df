"""Random numbers that are drawn on the generator's device, so that a seed means the same on every device."""

import torch
from torch import Tensor


def normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers in the shape and precision of `like`, on its device."""
    return torch.randn(like.shape, generator=generator, device=generator.device, dtype=like.dtype).to(like.device)


def uniform(like: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform numbers in [0, 1), likewise."""
    return torch.rand(like.shape, generator=generator, device=generator.device, dtype=like.dtype).to(like.device)
