"""Networks for texts against torch's packed sequences and loops over texts, and what padding must not change."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sounding.architectures.bag import Bag, BagConfig
from sounding.architectures.pooling import AttentionPooling
from sounding.architectures.rnn import RNN, RNNConfig, TextRNN
from sounding.architectures.textcnn import TextCNN, TextCNNConfig
from sounding.architectures.word_vectors import WordVectors
from sounding.errors import UsageError

LENGTHS = torch.tensor([7, 1, 4])
D = 6


def texts(tokens: int = 7) -> torch.Tensor:
    """[3, T, D]: what stands in the padding is noise, too."""
    return torch.randn(3, tokens, D, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_both_directions_compute_what_packed_sequences_compute(cell, layers):
    torch.manual_seed(0)
    ours = RNN(RNNConfig(D, 5, layers, cell)).eval()
    theirs = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](D, 5, layers, batch_first=True, bidirectional=True)
    for layer in range(layers):
        for part, end in ((ours.ahead[layer], ""), (ours.back[layer], "_reverse")):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                setattr(theirs, f"{name}_l{layer}{end}", getattr(part, f"{name}_l0"))
    packed = pack_padded_sequence(texts(), LENGTHS, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
    torch.testing.assert_close(ours(texts(), LENGTHS), expected, atol=1e-6, rtol=1e-5)


def test_one_direction_does_not_look_ahead():
    ours = RNN(RNNConfig(D, 5, bidirectional=False))
    changed = texts()
    changed[0, 4:] = 0.0
    before, after = ours(texts(), LENGTHS), ours(changed, LENGTHS)
    torch.testing.assert_close(before[0, :4], after[0, :4])
    assert not torch.allclose(before[0, 4:], after[0, 4:])


def test_attention_pooling_is_a_mean_with_shares_that_sum_to_one():
    torch.manual_seed(0)
    pooling = AttentionPooling(D)
    found, shares = pooling(texts(), LENGTHS), pooling.weights(texts(), LENGTHS)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(3))
    for row, length in enumerate(LENGTHS.tolist()):
        x = texts()[row, :length]
        scores = torch.stack([pooling.score.weight[0] @ torch.tanh(pooling.hidden(one)) for one in x])
        expected = sum(share * one for share, one in zip(scores.exp() / scores.exp().sum(), x, strict=True))
        torch.testing.assert_close(found[row], expected)
        assert not shares[row, length:].any()


def test_filters_give_their_largest_answer_over_the_windows_of_a_text():
    torch.manual_seed(0)
    net = TextCNN(TextCNNConfig(D, 4, (2, 3, 5)))
    found = net(texts(), LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        expected = []
        for filters, reach in zip(net.filters, (2, 3, 5), strict=True):
            zeros = torch.zeros(reach, D)
            around = torch.cat([zeros, texts()[row, :length], zeros])
            starts = [reach + centre - (reach - 1) // 2 for centre in range(length)]
            windows = torch.stack([around[start : start + reach] for start in starts])
            answers = torch.einsum("tkd,cdk->tc", windows, filters.weight) + filters.bias
            expected.append(answers.amax(dim=0).clamp(min=0))
        torch.testing.assert_close(found[row], torch.cat(expected), atol=1e-6, rtol=1e-5)


def test_a_bag_is_the_mean_of_its_words_in_any_order():
    torch.manual_seed(0)
    bag = Bag(BagConfig(D, 5, layers=1))
    found = bag(texts(), LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        mean = texts()[row, :length].mean(dim=0)
        torch.testing.assert_close(found[row], F.relu(bag.layers[0].weight @ mean + bag.layers[0].bias))
    turned = texts().clone()
    turned[0] = turned[0].flip(0)
    torch.testing.assert_close(bag(turned, LENGTHS)[0], found[0])
    torch.testing.assert_close(Bag(BagConfig(D, layers=0))(texts(), LENGTHS)[1], texts()[1, 0])


NETS = {
    "lstm": lambda: TextRNN(RNNConfig(D, 5, 2)),
    "gru": lambda: TextRNN(RNNConfig(D, 5, cell="gru", pool="largest")),
    "mean": lambda: TextRNN(RNNConfig(D, 5, bidirectional=False, pool="mean")),
    "cnn": lambda: TextCNN(TextCNNConfig(D, 4)),
    "bag": lambda: Bag(BagConfig(D, 5, 2)),
}


@pytest.mark.parametrize("kind", NETS)
def test_padding_changes_nothing_and_gets_no_gradient(kind):
    torch.manual_seed(0)
    net = NETS[kind]().eval()
    x = texts(11).requires_grad_()
    together = net(x, LENGTHS)
    assert together.shape == (3, net.outputs)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = net(x[row : row + 1, :length], torch.tensor([length]))
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-6, rtol=1e-5)
    (gradient,) = torch.autograd.grad(together.square().sum(), x)
    padding = torch.arange(11) >= LENGTHS[:, None]
    assert not gradient[padding].any()
    assert gradient[~padding].any(dim=1).all()


def test_a_word_is_its_own_vector_and_the_mean_of_its_pieces():
    torch.manual_seed(0)
    vectors = WordVectors(9, D, buckets=7)
    ids, pieces = torch.tensor([[3, 0]]), torch.tensor([[[2, 9, 0], [0, 0, 0]]])  # 9 and 2 are one in a table of 7
    found = vectors(ids, pieces)
    torch.testing.assert_close(found[0, 0], vectors.words.weight[3] + vectors.pieces.weight[2])
    other = vectors(ids, torch.tensor([[[2, 4, 0], [0, 0, 0]]]))
    both = (vectors.pieces.weight[2] + vectors.pieces.weight[4]) / 2
    torch.testing.assert_close(other[0, 0], vectors.words.weight[3] + both)
    torch.testing.assert_close(other[0, 1], vectors.words.weight[0])


@pytest.mark.parametrize("words", [{"cell": "lstn"}, {"pool": "first"}])
def test_a_cell_or_pool_that_does_not_exist_is_refused(words):
    with pytest.raises(UsageError, match="is not known"):
        RNNConfig(D, **words)
