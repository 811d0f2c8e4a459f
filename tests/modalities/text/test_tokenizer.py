"""Tokenizers: text to ids and back, offsets that slice, the same from the same texts, and what a run keeps of them."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sounding as sd
from sounding.modalities.text.kinds import KINDS
from sounding.modalities.text.tokenizer import Tokenizer
from sounding.modalities.text.words import words

TEXTS = (
    "A fine film, and it isn't long.",
    "Eine schöne Überraschung: größer als gedacht!",
    "这部电影很好看。 ありがとうございます",
    "فيلم جميل جدا والقصة رائعة",
    "family 👨‍👩‍👧 and flags 🇩🇪🇫🇷, cafe\u0301 and café",
    "नमस्ते दुनिया, สวัสดีครับ",
    "lines\r\nand\ttabs   and \u00a0 spaces \u200b",
)
EXACT = ("bpe", "bytes")


def trained(kind: str, texts=TEXTS, **more) -> Tokenizer:
    return Tokenizer.train(kind, iter(texts), **{"vocabulary": 600, **more})


@pytest.mark.parametrize("kind", EXACT)
@settings(max_examples=150, deadline=None)
@given(text=st.text())
@example(text="[MASK] [PAD] [UNK] <s>")
@example(text="👍🏽 e\u0301 \u0301 \u202e שלום\x00\r\n")
def test_bytes_and_merges_of_bytes_give_every_text_back(kind, text):
    tokenizer = TOKENIZERS[kind]
    assert tokenizer.decode(tokenizer.ids(text)) == text


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet=st.sampled_from(sorted(set("".join(TEXTS))))))
def test_characters_give_back_what_training_had(text):
    tokenizer = TOKENIZERS["characters"]
    assert len(tokenizer.ids(text)) == len(text)
    assert tokenizer.decode(tokenizer.ids(text)) == text


TOKENIZERS = {kind: trained(kind) for kind in KINDS}


def test_a_character_that_training_never_had_is_one_unknown_and_shown_as_such():
    tokenizer = TOKENIZERS["characters"]
    ids = tokenizer.ids("aΩΩb")
    assert ids.tolist() == [tokenizer.id("a"), 1, 1, tokenizer.id("b")]
    assert tokenizer.decode(ids) == "a��b"


@pytest.mark.parametrize("kind", ["words", "wordpiece", "unigram"])
def test_words_come_back_with_one_space_between_them(kind):
    tokenizer = TOKENIZERS[kind]
    text = "family and flags"
    assert tokenizer.decode(tokenizer.ids(text)) == text


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("text", TEXTS)
def test_offsets_slice_the_text_without_gaps_but_for_spaces(kind, text):
    ids, offsets = TOKENIZERS[kind].encode(text)
    assert len(ids) == len(offsets)
    assert np.array_equal(ids, TOKENIZERS[kind].ids(text))
    covered = np.zeros(len(text), bool)
    for start, end in offsets.tolist():
        assert 0 <= start <= end <= len(text)
        covered[start:end] = True
    left = [letter for letter, seen in zip(text, covered, strict=True) if not seen]
    marks = {"\u0301"}  # joined to its letter, which is covered
    assert all(letter.isspace() or letter in marks for letter in left)


def test_the_offsets_of_words_are_the_words():
    text = TEXTS[0]
    _, offsets = TOKENIZERS["words"].encode(text)
    assert [text[start:end] for start, end in offsets.tolist()] == words(text)
    assert words(text) == ["A", "fine", "film", ",", "and", "it", "isn't", "long", "."]


def test_scripts_without_spaces_fall_into_characters_and_marks_stay_with_their_letters():
    assert words("我喜欢。 3.5 stars!!! 👨‍👩‍👧🇩🇪") == ["我", "喜", "欢", "。", "3.5", "stars", "!!!", "👨‍👩‍👧", "🇩🇪"]
    assert words("cafe\u0301 می‌خواهم नमस्ते ดี") == ["cafe\u0301", "می‌خواهم", "नमस्ते", "ดี"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_state_is_json_and_gives_the_same_tokenizer(kind):
    tokenizer = TOKENIZERS[kind]
    for again in (
        Tokenizer.restored(json.loads(json.dumps(tokenizer.state()))),
        pickle.loads(pickle.dumps(tokenizer)),
        copy.deepcopy(tokenizer),
    ):
        assert len(again) == len(tokenizer)
        for text in (*TEXTS, "a [MASK] film [PAD]"):
            assert np.array_equal(again.ids(text), tokenizer.ids(text))
        assert again.decode(again.ids(TEXTS[0])) == tokenizer.decode(tokenizer.ids(TEXTS[0]))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_the_mask_is_special_within_a_text(kind):
    ids = TOKENIZERS[kind].ids("a [MASK] film [PAD] [END]").tolist()
    assert ids.count(2) == 1
    assert not {0, 3, 4, 5} & set(ids)


def test_the_same_texts_give_the_same_tokenizer_in_another_process():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_tokenizer import KINDS, trained\n"
        "texts = ['the film was fun, a fun film and funny for what it was'] * 3 + ['over overt overbold'] * 2\n"
        "print('\\n'.join(trained(kind, texts, vocabulary=70).state()['json'] for kind in sorted(KINDS)))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code, __file__.rpartition("/")[0]], capture_output=True, text=True)
        for _ in range(2)
    ]
    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stdout.count("\n") == len(KINDS)


def test_the_vocabulary_is_bounded_and_rare_words_are_unknown():
    texts = ["one one one two two three"]
    assert len(trained("words", texts, vocabulary=8)) == 8
    assert trained("words", texts, frequency=2).ids("one two three").tolist() == [6, 7, 1]
    assert trained("words", ["One ONE"], lower=True).ids("one ONE oNe").tolist() == [6, 6, 6]


def test_long_texts_are_encoded_in_stretches_that_tear_no_token():
    text = "\n".join(f"line {number} of many lines, each with its number" for number in range(4000))
    assert len(text) > 2**17
    for kind in ("words", "bpe", "characters"):
        tokenizer = trained(kind, [text[:5000]], vocabulary=400)
        ids, offsets = tokenizer.encode(text)
        whole = tokenizer._library.encode(text, add_special_tokens=False)
        assert ids.tolist() == whole.ids
        assert offsets.tolist() == [list(pair) for pair in whole.offsets]


def test_what_cannot_be_trained_says_so():
    with pytest.raises(sd.UsageError, match=r"no tokenizer is called 'bpee'\. Did you mean bpe"):
        trained("bpee")
    with pytest.raises(sd.UsageError, match="a vocabulary of 6 has no room for text"):
        trained("words", vocabulary=6)


def test_training_leaves_the_environment_as_it_was(monkeypatch):
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    trained("words")
    assert "TOKENIZERS_PARALLELISM" not in os.environ
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    trained("words")
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"
