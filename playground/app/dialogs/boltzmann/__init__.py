"""Tools > Boltzmann machine: the window that shows the cost of Z."""
