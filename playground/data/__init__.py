"""The sources of points: toy densities, brush strokes, files and images."""

from playground.data.dataset import DataError, Dataset, DatasetRequest
from playground.data.digits import dequantise
from playground.data.files import read_columns, read_points
from playground.data.sources import SOURCES, Source, load_dataset

__all__ = [
    "SOURCES",
    "DataError",
    "Dataset",
    "DatasetRequest",
    "Source",
    "dequantise",
    "load_dataset",
    "read_columns",
    "read_points",
]
