"""Score Playground: train score networks, sample from them and measure them, in one window."""

import os

__version__ = "0.1.0"

# What Apple's MPS lacks (erfcx, for one), torch then does on the CPU instead of failing. It reads this when it is imported.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
