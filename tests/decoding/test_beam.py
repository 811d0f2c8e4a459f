"""Beam search apart from any net, against all texts that there are; and with one, against transformers' generate."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sounding.architectures import checkpoints
from sounding.decoding.beam import Beams, BeamSearch, Ranker
from sounding.decoding.constraints import Constraints
from sounding.decoding.generation import Generation
from sounding.decoding.language_model import LanguageModelDecoder
from sounding.decoding.sampling import Sampler, Sampling
from sounding.errors import UsageError

V, END = 4, 3


class Pairs:
    """A decoder whose next token depends on the last two, by a table of logits [V, V, V]."""

    def __init__(self, logits):
        self.logits, self.batches = np.asarray(logits, np.float32), []

    def start(self, prompts):
        self.texts = [list(prompt) for prompt in prompts]
        return self._scores()

    def step(self, ids):
        self.texts = [[*text, id] for text, id in zip(self.texts, ids.tolist(), strict=True)]
        return self._scores()

    def take(self, rows):
        self.texts = [self.texts[row] for row in rows.tolist()]

    def _scores(self):
        self.batches.append(len(self.texts))
        last = np.array([[0, *text][-2:] for text in self.texts])
        return self.logits[last[:, 0], last[:, 1]]


def table(seed):
    return np.random.default_rng(seed).normal(size=(V, V, V)) * 2


def every_text(logits, prompt, limit):
    """(log-probability, text, whether it ended) of each text of at most `limit` tokens."""
    told = torch.tensor(logits).log_softmax(dim=2)
    found = []
    for length in range(1, limit + 1):
        for text in itertools.product(range(V), repeat=length):
            if END in text[:-1] or (length < limit and text[-1] != END):
                continue
            whole = [0, *prompt, *text]
            start = len(whole) - length
            p = sum(float(told[whole[k - 2], whole[k - 1], whole[k]]) for k in range(start, len(whole)))
            ended = text[-1] == END
            found.append((p, text[:-1] if ended else text, ended))
    return found


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, 2.0])
def test_with_beams_for_all_texts_it_finds_what_trying_all_finds(penalty):
    for seed in range(4):
        logits, ranker = table(seed), Ranker(penalty)
        search = BeamSearch(Pairs(logits), [[1], [2, 0]], Beams(V**4, penalty, "certain"), 4, (END,))
        for found, prompt in zip(search.run(), ([1], [2, 0]), strict=True):
            texts = every_text(logits, prompt, 4)
            scored = sorted(((ranker.score(p, len(t) + e), t) for p, t, e in texts), reverse=True)
            assert [one.ids for one in found[:10]] == [text for _, text in scored[:10]]
            np.testing.assert_allclose([one.score for one in found[:10]], [s for s, _ in scored[:10]], rtol=1e-5)
            best = max(texts, key=lambda one: ranker.score(one[0], len(one[1]) + one[2]))
            assert found[0].log_probability == pytest.approx(best[0], rel=1e-5)
            assert found[0].ended == best[2]


def repeats(text, n):
    stretches = [text[k : k + n] for k in range(len(text) - n + 1)]
    return len(set(stretches)) < len(stretches)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_what_is_forbidden_is_not_found_and_the_best_of_the_rest_is(n):
    for seed in range(4):
        logits, prompt = table(seed), [1, 0, 1]
        rules = Constraints(shortest=2, no_repeat=n)
        prompt = [1] if n == 1 else prompt
        search = BeamSearch(Pairs(logits), [prompt], Beams(V**4, 0.0, "certain"), 4, (END,), rules)
        found = search.run()[0]
        texts = [
            (p, text, ended)
            for p, text, ended in every_text(logits, prompt, 4)
            if not repeats((*prompt, *text), n) and (len(text) >= 2 or not ended)
        ]
        assert found[0].ids == max(texts)[1]
        assert {one.ids for one in found} == {text for _, text, _ in texts}


def in_a_row(text, most):
    """Whether any stretch of a text stands there more often than `most` times, one behind the other."""
    return any(
        text[at : at + size] * (most + 1) == text[at : at + size * (most + 1)]
        for size in range(1, len(text) // (most + 1) + 1)
        for at in range(len(text) - size * (most + 1) + 1)
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([[1], [2, 1, 2]]), st.sampled_from([1, 2]))
def test_no_stretch_of_tokens_stands_more_often_in_a_row(seed, prompt, most):
    logits = table(seed)
    rules = Constraints(in_a_row=most)
    found = BeamSearch(Pairs(logits), [prompt], Beams(V**4, 0.0, "certain"), 4, (END,), rules).run()[0]
    allowed = {text for _, text, _ in every_text(logits, prompt, 4) if not in_a_row((*prompt, *text), most)}
    assert {one.ids for one in found} == allowed


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0, 1, 2]), st.sampled_from([0, 2]))
def test_one_beam_is_greedy(seed, no_repeat, shortest):
    logits, prompts, rules = table(seed), [[0], [1, 2], [2]], Constraints(shortest, no_repeat)
    found = BeamSearch(Pairs(logits), prompts, Beams(1), 6, (END,), rules).run()
    greedy = [[] for _ in prompts]
    sampler = Sampler(Sampling(temperature=0), range(3), prompts)
    for step in Generation(Pairs(logits), prompts, sampler, 6, (END,), rules):
        for token in step:
            greedy[token.row].append(token)
    for text, tokens in zip(found, greedy, strict=True):
        assert list(text[0].ids) == [token.id for token in tokens if token.id != END]
        assert text[0].log_probability == pytest.approx(sum(token.log_probability for token in tokens), rel=1e-4)


def test_prompts_do_not_depend_on_their_neighbours_and_leave_when_they_are_done():
    logits = table(3)
    logits[1, :, END] += 4  # where some end at once
    prompts = [[0], [1, 2], [2], [1, 1]]
    together = Pairs(logits)
    found = BeamSearch(together, prompts, Beams(3), 12, (END,)).run()
    assert found == [BeamSearch(Pairs(logits), [p], Beams(3), 12, (END,)).run()[0] for p in prompts]
    assert together.batches[:2] == [4, 12]
    assert together.batches[-1] < 12


def test_more_beams_find_more_probable_texts():
    logits = [table(seed) for seed in range(40)]
    means = []
    for beams in (1, 2, 8):
        found = [BeamSearch(Pairs(one), [[0]], Beams(beams, 0.0, "certain"), 8, (END,)).run()[0][0] for one in logits]
        means.append(np.mean([one.log_probability for one in found]))
    assert means[0] < means[1] <= means[2]


def test_a_longer_text_costs_less_with_a_higher_penalty():
    logits = [table(seed) for seed in range(20)]
    lengths = [
        sum(BeamSearch(Pairs(one), [[0]], Beams(4, penalty), 10, (END,)).run()[0][0].tokens for one in logits)
        for penalty in (-1.0, 0.0, 1.0, 3.0)
    ]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]


def test_where_everything_is_forbidden_nothing_is():
    rules = Constraints(shortest=9, no_repeat=1)
    found = BeamSearch(Pairs(table(0)), [[0]], Beams(2), 9, (END,), rules).run()[0]
    assert sorted(found[0].ids[:2]) == [1, 2]
    assert found[0].tokens > 2


@pytest.mark.parametrize("words", [{"beams": 0}, {"length_penalty": math.nan}, {"stop": "never"}])
def test_beams_that_mean_nothing_are_refused(words):
    with pytest.raises(UsageError):
        Beams(**words)
    with pytest.raises(UsageError, match="shortest=-1"):
        Constraints(shortest=-1)


@pytest.mark.parametrize("stop", ["first", "likely", "certain"])
@pytest.mark.parametrize("words", [{}, {"no_repeat_ngram_size": 2}, {"min_new_tokens": 5}, {"length_penalty": 2.0}])
@torch.no_grad()
def test_it_finds_what_generate_of_transformers_finds(stop, words, tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is the one that is compared with")
    torch.manual_seed(0)
    shape = {"vocab_size": 12, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40}
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**shape, bos_token_id=0, eos_token_id=0)).eval()
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.2)
    torch.nn.init.normal_(theirs.transformer.wpe.weight, std=2)  # or it would say one token for ever
    theirs.save_pretrained(tmp_path)
    ours = checkpoints.read(tmp_path).model().eval()
    prompts = torch.randint(5, 12, (6, 3), generator=torch.Generator().manual_seed(2))
    early = {"first": True, "likely": False, "certain": "never"}[stop]
    rules = Constraints(words.get("min_new_tokens", 0), words.get("no_repeat_ngram_size", 0))
    beams = Beams(3, words.get("length_penalty", 1.0), stop)
    lengths = set()
    for ends in ([0], [0, 1]):
        asked = {"num_beams": 3, "max_new_tokens": 12, "early_stopping": early, "pad_token_id": 0, "eos_token_id": ends}
        expected = theirs.generate(prompts, **asked, **words)[:, 3:].tolist()
        search = BeamSearch(LanguageModelDecoder(ours, 20), prompts.tolist(), beams, 12, ends, rules)
        found = [one[0] for one in search.run()]
        assert [list(one.ids) for one in found] == [[id for id in row if id not in ends] for row in expected]
        lengths.update(one.tokens for one in found)
    assert len(lengths) > 1 or stop == "certain"  # which likes the longest here
