"""What tests need the known density of."""

from playground.data.dataset import Dataset
from playground.lab.problem import Problem
from playground.theory.densities import Density


def density_of(known: Problem | Dataset) -> Density:
    """The density of data that have one: a problem's in its own coordinates, a data set's in the user's."""
    assert known.density is not None
    return known.density
