"""Random numbers of tests."""

import torch


def seeded(seed: int = 0) -> torch.Generator:
    """A generator of the CPU."""
    return torch.Generator().manual_seed(seed)
