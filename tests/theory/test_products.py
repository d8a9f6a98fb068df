"""Matrix products equal those of torch, with oneDNN and without."""

import time

import pytest
import torch

from playground.theory import fused


@pytest.mark.parametrize("lies", ["as it is", "transposed", "with gaps"])
@pytest.mark.parametrize(
    "sizes",
    [(0, 7, 3), (3, 0, 5), (5, 7, 0), (1, 1, 1), (128, 65, 160), (1, 1_030, 1_030), (300, 0, 300), (300, 1, 300)],
)
def test_products_are_those_of_torch(lies: str, sizes: tuple[int, int, int]) -> None:
    """In single precision, in which large ones use oneDNN if it is there, for any memory layout."""
    rows, inner, columns = sizes
    a, b = torch.randn(rows, inner), torch.randn(columns, inner)
    b = {"as it is": b, "transposed": b.t().contiguous().t(), "with gaps": torch.cat([b, b], 1)[:, :inner]}[lies]
    expected = a.double() @ b.double().t()
    torch.testing.assert_close(fused.product(a, b), expected.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.alone
def test_a_product_with_gaps_is_not_slow() -> None:
    """oneDNN would take a thousandfold without the check of the memory layout."""
    a, b = torch.randn(128, 128), torch.randn(128, 2_048)
    start = time.process_time()
    fused.product(a, b[:, 1_024:].t())
    assert time.process_time() - start < 0.1


def test_other_processors_have_no_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert not fused.has_onednn.__wrapped__()
