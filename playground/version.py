"""The version, and the addresses of the source, its tracker and its documentation. They stand here alone."""

__version__ = "0.1.0"
REPOSITORY = "https://github.com/score-playground/score-playground"
SITE = "https://score-playground.github.io/score-playground/"
ISSUES = f"{REPOSITORY}/issues"
