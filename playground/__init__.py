"""Score Playground: train score networks, sample from them and measure them, in one window."""

__version__ = "0.1.0"
