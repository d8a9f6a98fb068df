"""The mathematics of score-based generative models: torch only (and numpy's sines), no files, threads, clocks or Qt."""
