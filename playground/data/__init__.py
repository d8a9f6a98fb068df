"""Where points come from: toy densities, brush strokes, files and images."""
