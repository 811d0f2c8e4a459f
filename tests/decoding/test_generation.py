"""Decoding apart from any net: a decoder that knows a table of next tokens; and with one, against computing anew."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sounding.architectures.transformer import LanguageModel, TransformerConfig
from sounding.decoding.generation import Generation
from sounding.decoding.language_model import LanguageModelDecoder
from sounding.decoding.sampling import Sampler, Sampling
from sounding.errors import UsageError

END = 4


class Table:
    """A decoder whose next token depends on the last alone, by a table of probabilities [V, V]."""

    def __init__(self, probabilities):
        self.logits = np.log(probabilities)
        self.batches = []

    def start(self, prompts):
        return self.step(np.array([prompt[-1] for prompt in prompts]))

    def step(self, ids):
        self.batches.append(len(ids))
        return self.logits[ids]

    def take(self, rows):
        pass


CHAIN = np.full((5, 5), 0.01) + 0.95 * np.roll(np.eye(5), 1, axis=1)  # 0 → 1 → 2 → 3 → 4 → 0


def written(decoder, prompts, sampling=Sampling(temperature=0), limit=8, streams=None, ends=(END,)):  # noqa: B008
    found = [[] for _ in prompts]
    sampler = Sampler(sampling, streams or range(len(prompts)), prompts)
    for step in Generation(decoder, prompts, sampler, limit, ends):
        for token in step:
            found[token.row].append(token.id)
    return found


def test_the_most_probable_token_again_and_again_until_the_end():
    decoder = Table(CHAIN)
    assert written(decoder, [[0], [2], [1, 3]]) == [[1, 2, 3, 4], [3, 4], [4]]
    assert decoder.batches == [3, 2, 1, 1]  # rows that are done take no more time
    assert written(Table(CHAIN), [[0]], limit=2) == [[1, 2]]
    assert written(Table(CHAIN), []) == []


def test_a_text_that_is_told_to_stop_stops():
    decoder = Table(CHAIN)
    generation = Generation(decoder, [[0], [0]], Sampler(Sampling(temperature=0), (0, 1), [[0], [0]]), 3)
    found = []
    for step in generation:
        found.append([(token.row, token.id) for token in step])
        generation.stop(0)
    assert found == [[(0, 1), (1, 1)], [(1, 2)], [(1, 3)]]


def test_draws_are_from_the_distribution_and_the_log_probability_is_told():
    probabilities = np.tile([0.5, 0.3, 0.1, 0.07, 0.03], (5, 1))
    steps = [
        next(iter(Generation(Table(probabilities), [[0]] * 400, Sampler(Sampling(), streams, [[0]] * 400), 1)))
        for streams in (range(400), range(400, 800), range(800, 1200))
    ]
    ids = np.array([token.id for step in steps for token in step])
    np.testing.assert_allclose(np.bincount(ids, minlength=5) / 1200, probabilities[0], atol=4 * 0.5 / math.sqrt(1200))
    told = {token.id: token.log_probability for token in steps[0]}
    assert told[1] == pytest.approx(math.log(0.3))


def test_a_text_does_not_depend_on_its_neighbours():
    flat = np.full((5, 5), 0.2)
    together = written(Table(flat), [[0], [1], [2]], Sampling(), streams=("a", "b", "c"), ends=())
    assert written(Table(flat), [[1]], Sampling(), streams=("b",), ends=()) == [together[1]]
    assert together[0] != together[1]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-6, 6).map(lambda value: round(value, 3)), min_size=3, max_size=30),
    st.integers(0, 40),
    st.floats(0.05, 1),
    st.floats(0, 1),
    st.floats(0.2, 3),
)
def test_what_is_left_out_is_as_defined(values, top_k, top_p, min_p, temperature):
    logits = np.array([values], np.float32)
    seen = np.zeros(logits.shape, bool)
    kept = Sampling(temperature, top_k, 1.0, 0.0).scores(logits, seen)
    shares = np.array(values) / temperature
    if top_k:
        least = np.sort(shares)[::-1][min(top_k, len(shares)) - 1]
        assert all(bool(np.isfinite(kept[0, i])) == (shares[i] >= least - 1e-6) for i in range(len(shares)))
    kept = Sampling(temperature, 0, top_p, 0.0).scores(logits, seen)
    left = np.isfinite(kept[0])
    whole = torch.tensor(values).div(temperature).softmax(0).numpy()
    assert whole[left].sum() >= top_p - 1e-5  # enough is kept …
    assert whole[left].sum() - whole[left].min() < top_p + 1e-5  # … and no more than that
    kept = Sampling(temperature, 0, 1.0, min_p).scores(logits, seen)
    assert bool(np.isfinite(kept[0, logits[0].argmax()]))
    assert (whole[np.isfinite(kept[0])] >= min_p * whole.max() - 1e-5).all()


def test_what_was_there_scores_less():
    logits, seen = np.array([[2.0, -2.0, 1.0]]), np.array([[True, True, False]])
    assert Sampling(repetition_penalty=2).scores(logits, seen).tolist() == [[1.0, -4.0, 1.0]]
    loop = np.full((5, 5), 0.05)
    loop[:, 1] = 0.8
    assert written(Table(loop), [[0]], limit=3, ends=()) == [[1, 1, 1]]
    assert written(Table(loop), [[0]], Sampling(temperature=0, repetition_penalty=100), limit=2, ends=()) != [[1, 1]]


@pytest.mark.parametrize("words", [{"temperature": -1}, {"top_p": 0}, {"top_p": 1.5}, {"min_p": 2}, {"top_k": -1}])
def test_numbers_that_mean_nothing_are_refused(words):
    with pytest.raises(UsageError, match="out of its range"):
        Sampling(**words)


def model(**words):
    torch.manual_seed(0)
    config = {"vocabulary": 20, "width": 16, "layers": 2, "heads": 2, "causal": True, "context": 64, **words}
    found = LanguageModel(TransformerConfig(**config)).eval()
    for p in found.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return found


def greedy_anew(net, prompt, limit):
    """The most probable token, each time from the whole text."""
    text = list(prompt)
    for _ in range(limit):
        text.append(int(net(torch.tensor([text]))[0, -1].argmax()))
    return text[len(prompt) :]


@torch.no_grad()
def test_with_a_cache_and_in_a_batch_as_computed_anew():
    net = model()
    prompts = [[1, 2, 3, 4, 5], [7], [3, 9, 3]]
    expected = [greedy_anew(net, prompt, 10) for prompt in prompts]
    assert written(LanguageModelDecoder(net, 20), prompts, limit=10, ends=()) == expected
    ends = {expected[0][3]}
    cut = [text[: next((i + 1 for i, id in enumerate(text) if id in ends), 10)] for text in expected]
    assert written(LanguageModelDecoder(net, 20), prompts, limit=10, ends=ends) == cut


@torch.no_grad()
def test_beyond_its_context_a_model_goes_on_behind_the_last_half():
    net = model(context=8)
    text = [1, 2, 3]
    for _ in range(20):  # 8 tokens at most are seen; then the last 4 of them, with the new one
        text.append(int(net(torch.tensor([_seen(text, 8)]))[0, -1].argmax()))
    assert written(LanguageModelDecoder(net, 23), [[1, 2, 3]], limit=20, ends=()) == [text[3:]]
    assert len(written(LanguageModelDecoder(net, 40), [list(range(1, 15))], limit=5, ends=())[0]) == 5


def _seen(text, context):
    """Where the model's sight begins: it falls back to half whenever it is full."""
    start = 0
    for length in range(1, len(text) + 1):
        if length - start > context:
            start = length - context // 2
    return text[start:]


def test_an_empty_prompt_is_refused():
    with pytest.raises(UsageError, match="nothing to go on from"):
        LanguageModelDecoder(model(), 10).start([[1], []])
