"""The protocols of benchmarks/published.py, one file each: ours beside what is published."""
