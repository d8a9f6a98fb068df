"""Tools > Boltzmann machine: the window that shows what it costs to need Z."""
