"""Tools > Sweep: an experiment over axes and seeds, its table and its pictures."""
