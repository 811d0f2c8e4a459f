"""The Conformer: shapes, padding, distances, refusals."""

import pytest
import torch

from sounding.architectures.conformer import Conformer, ConformerConfig, Subsampling
from sounding.errors import UsageError


def nets() -> tuple[Subsampling, Conformer]:
    torch.manual_seed(0)
    return Subsampling(20, 4, 16), Conformer(ConformerConfig(16, 2, 2, kernel=5, dropout=0.1)).eval()


@torch.no_grad()
def test_a_row_gives_the_same_alone_and_padded():
    subsampling, conformer = nets()
    x = torch.randn(2, 41, 20)
    lengths = torch.tensor([41, 22])
    vectors, short = subsampling(x, lengths)
    assert vectors.shape == (2, 11, 16)
    assert short.tolist() == [11, 6]
    together = conformer(vectors, short)
    alone = conformer(*subsampling(x[1:, :22], lengths[1:]))
    torch.testing.assert_close(together[1, :6], alone[0], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_every_vector_is_reached_and_order_matters():
    _, conformer = nets()
    x, lengths = torch.randn(1, 30, 16), torch.tensor([30])
    before = conformer(x, lengths)
    moved = x.clone()
    moved[0, 29] = torch.randn(16)
    assert (conformer(moved, lengths)[0, 0] - before[0, 0]).abs().max() > 1e-5  # attention reaches the far end
    turned = conformer(x.flip(1), lengths).flip(1)
    assert (turned - before).abs().max() > 1e-2


@pytest.mark.parametrize(("width", "heads", "kernel"), [(15, 2, 5), (18, 6, 5), (16, 2, 4)])
def test_shapes_that_do_not_go_together_are_refused(width, heads, kernel):
    with pytest.raises(UsageError):
        ConformerConfig(width, 2, heads, kernel=kernel)
