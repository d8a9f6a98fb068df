"""Settings with which training diverges at once, whatever the machine's kernels and the seed."""

DIVERGING = {
    "network.width": 256,
    "network.depth": 6,
    "training.learning_rate": 1.0,
    "training.batch": 512,
    "training.steps": 2_000,
    "training.lr_schedule": "none",
    "objective.weight": "constant",
}
