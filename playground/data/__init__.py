"""The sources of points: toy densities, brush strokes, files and images."""

from playground.data.dataset import DataError as DataError
from playground.data.dataset import Dataset as Dataset
from playground.data.dataset import DatasetRequest as DatasetRequest
from playground.data.digits import dequantise as dequantise
from playground.data.files import read_columns as read_columns
from playground.data.files import read_points as read_points
