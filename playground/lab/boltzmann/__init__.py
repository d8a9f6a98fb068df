"""A Boltzmann machine as it learns: its settings, the patterns it learns, training, samples, and what Z costs."""
