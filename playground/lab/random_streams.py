"""Random numbers by their purpose."""

import zlib

import numpy as np
import torch


def stream(seed: int, purpose: str, device: str | torch.device = "cpu") -> torch.Generator:
    """A new generator of the random numbers of one purpose, independent of those of the others.

    >>> bool(torch.rand(1, generator=stream(0, "network")) == torch.rand(1, generator=stream(0, "training")))
    False
    """
    # Mixed, because torch's generator on the CPU uses the lowest 32 bits only.
    mixed = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())])
    return torch.Generator(device).manual_seed(int(mixed.generate_state(1, np.uint64)[0] >> np.uint64(1)))
