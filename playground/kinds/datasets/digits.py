from playground.data import digits
from playground.data.dataset import Dataset, DatasetRequest
from playground.kinds.datasets.data_source import DataSource
from playground.kinds.kind import register


@register
class Digits(DataSource, tag="digits", frozen=True):
    """Handwritten digits, 8x8 pixels: a space of 64 dimensions."""

    title = "Digits"
    phrase = "digits"
    place = 8
    is_finite = True
    images = True

    @property
    def labelled(self) -> bool | None:
        return True

    def fits_shape(self, shape: tuple[int, ...]) -> bool:
        return shape == (1, 8, 8)

    def read(self, request: DatasetRequest) -> Dataset:
        return digits.load_digits(self.phrase, request)
