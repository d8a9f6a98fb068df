"""The version, and the addresses of the source and of its tracker. They stand here alone."""

__version__ = "0.1.0"
REPOSITORY = "https://github.com/score-playground/score-playground"
ISSUES = f"{REPOSITORY}/issues"
