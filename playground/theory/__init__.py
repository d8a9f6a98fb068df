"""The mathematics of score-based generative models: torch only, no files, threads, clocks or Qt."""
