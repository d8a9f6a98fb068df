"""The sources of points: toy densities, brush strokes, files and images."""

from playground.data.dataset import DataError, Dataset, DatasetRequest
from playground.data.digits import dequantise
from playground.data.files import read_columns, read_points

__all__ = [
    "DataError",
    "Dataset",
    "DatasetRequest",
    "dequantise",
    "read_columns",
    "read_points",
]
