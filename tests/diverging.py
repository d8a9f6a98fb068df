"""Settings with which training diverges within seconds."""

DIVERGING = {
    "network.width": 128,
    "training.learning_rate": 1.0,
    "training.batch": 512,
    "training.steps": 2_000,
    "training.lr_schedule": "none",
    "objective.weight": "constant",
}
