"""Text: what is read and cut, tokens, segments and masks, saliency by offsets, and what may happen to it."""

from __future__ import annotations

import itertools
import json
import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import sounding as sd
from sounding.modalities.text import corruptions
from sounding.modalities.text.text import Text
from sounding.modalities.text.tokenizer import Tokenizer
from sounding.modalities.text.words import word_spans, words
from sounding.randomness import stream

LINES = (
    "The film was really wonderful, and the acting was brilliant throughout.",
    "Terrible plot; however, some scenes stayed with me for several days!",
    "我喜欢这部电影。 فيلم جميل جدا 😀",
)
LONG = " ".join(
    f"Sentence number {number} says something about the film, the actors and the music." for number in range(12)
)


def fitted(kind="words", **more) -> Text:
    text = Text(kind, **{"vocabulary": 400, **more})
    text.fit(iter([*LINES, LONG]))
    return text


TEXT = fitted()


# ---- reading and tokens


def test_a_batch_is_padded_on_the_right_and_its_lengths_are_told():
    ids, lengths = TEXT.encode(["the film", "the acting was brilliant"])
    assert ids.dtype == lengths.dtype == torch.int64
    assert lengths.tolist() == [2, 4]
    assert ids.shape == (2, 4)
    assert ids[0, 2:].tolist() == [0, 0]
    assert (ids[1] > 0).all()
    assert [TEXT.length(value) for value in ("the film", "")] == [2, 1]


def test_a_text_of_which_nothing_is_left_is_one_mask():
    assert TEXT.encode([""]).ids.tolist() == [[2]]
    assert fitted(ends=True).encode([""]).ids.tolist() == [[3, 4]]


def test_ends_stand_around_a_text_and_count():
    text = fitted(ends=True, longest=4)
    ids = text.encode(["the film was wonderful"]).ids[0].tolist()
    assert (ids[0], ids[-1], len(ids)) == (3, 4, 4)
    assert ids[1:3] == TEXT.encode(["the film"]).ids[0].tolist()


@pytest.mark.parametrize("kind", ["words", "bpe", "characters"])
@pytest.mark.parametrize("keep", ["head", "ends"])
def test_long_texts_are_cut_where_they_are_read_as_where_they_are_encoded(kind, keep):
    text, whole = fitted(kind, longest=20, keep=keep), fitted(kind, longest=0)
    expected = whole.encode([LONG]).ids[0]
    expected = expected[:20] if keep == "head" else torch.cat([expected[:5], expected[-15:]])
    assert torch.equal(text.encode([LONG]).ids[0], expected)
    value = text.read(LONG)
    assert len(value) < len(LONG)
    assert LONG.startswith(value) if keep == "head" else LONG.endswith(value.partition("\n")[2])
    assert text.length(value) <= 20
    assert text.read(value) == value or keep == "ends"


@pytest.mark.parametrize("keep", ["head", "ends"])
def test_huge_texts_are_cut_as_others_are(keep):
    text = fitted(longest=20, keep=keep)
    huge = f"{LINES[0]} {'and so on, ' * 3000}{LINES[1]}"
    assert torch.equal(text.encode([text.read(huge)]).ids, text.encode([huge]).ids)
    assert len(text.read(huge)) < 200


def test_half_of_the_tokens_are_read_and_that_is_said():
    text = Text(longest=5)
    text.fit(["one two three four five six seven eight nine ten"] * 3)
    assert "3 of 3 training texts are cut: the first 5 tokens are read (50.0 % of all tokens)" in text.notes()


@pytest.mark.parametrize("kind", ["words", "wordpiece", "unigram", "bpe", "bytes", "characters"])
def test_the_state_gives_the_same_ids(kind):
    text = fitted(kind, longest=30, keep="ends", ends=True)
    again = Text()
    again.restore(json.loads(json.dumps(text.state())))
    assert torch.equal(again.encode(list(LINES)).ids, text.encode(list(LINES)).ids)


def test_a_given_tokenizer_is_left_as_it_is():
    tokenizer = Tokenizer.train("words", ["one two"])
    text = Text(tokenizer)
    text.fit(["three four"])
    assert text.encode(["two three"]).ids.tolist() == [[7, 1]]


def test_what_is_no_text_says_what_to_do():
    for cell, said in ((7, "7 is a int, not text"), (["a"], "is a list, not text")):
        with pytest.raises(sd.DataError, match=said):
            TEXT.read(cell)
    with pytest.raises(sd.UsageError, match="no tokenizer yet"):
        Text().encode(["a"])
    with pytest.raises(sd.DataError, match="no text to learn from"):
        Text().fit([])
    with pytest.raises(sd.UsageError, match="Did you mean head"):
        Text(keep="hed")


# ---- explaining


@settings(max_examples=100, deadline=None)
@given(value=st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=120))
def test_segments_are_the_text_and_keeping_all_is_the_identity(value):
    count = TEXT.segments(value)
    assert count >= 1
    for baseline in TEXT.baselines:
        assert TEXT.mask(value, np.ones(count, bool), baseline) == value
    assert TEXT.mask(value, np.zeros(count, bool), "deleted") == ""


def test_a_deleted_word_takes_its_space_along_and_a_masked_one_is_one_token():
    value = "The film, which I saw, was good (really)!"
    parts = words(value)
    mask = np.array([part not in ("film", "really") for part in parts])
    assert TEXT.mask(value, mask, "deleted") == "The , which I saw, was good ()!"
    masked = TEXT.mask(value, mask, "masked")
    assert masked == "The [MASK], which I saw, was good ([MASK])!"
    ids, plain = (TEXT.encode([text]).ids[0] for text in (masked, value))
    assert (ids == 2).tolist() == (~mask).tolist()
    assert torch.equal(ids[mask], plain[mask])


def test_long_texts_are_explained_by_sentences():
    assert TEXT.segments(LONG) == 12
    assert TEXT.mask(LONG, np.arange(12) == 3, "deleted").startswith("Sentence number 3 says")
    endless = "word " * 200
    assert TEXT.segments(endless) == 10


def test_saliency_is_summed_over_the_characters_of_each_segment():
    text = fitted("characters", ends=True)
    value = "ab, c"  # [START] a b , _ c [END]
    saliency = torch.tensor([[100.0, 0], [1, 1], [2, 2], [3, 3], [50, 0], [4, 4], [200, 0], [0, 0]])
    # the space belongs to the comma's segment, since it follows it
    assert text.aggregate(saliency, value).tolist() == [6.0, 56.0, 8.0]
    assert text.aggregate(saliency.sum(1), value).tolist() == [6.0, 56.0, 8.0]


def test_a_token_over_several_segments_is_shared_among_them():
    text = Text("bpe", vocabulary=270)
    text.fit(["我喜 " * 50])
    assert text.length("我喜") < 6
    offsets = text.encoded("我喜").offsets
    saliency = torch.arange(1.0, len(offsets) + 1)
    expected = np.zeros(2)
    for value, (start, end) in zip(saliency.tolist(), offsets.tolist(), strict=True):
        expected[start:end] += value / (end - start)
    np.testing.assert_allclose(text.aggregate(saliency, "我喜"), expected)


@pytest.mark.parametrize("kind", ["words", "wordpiece", "unigram", "bpe", "bytes", "characters"])
@pytest.mark.parametrize("value", [*LINES, LONG])
def test_nothing_of_the_saliency_is_lost(kind, value):
    text = fitted(kind, longest=0)
    saliency = torch.rand(text.length(value), 3, generator=torch.Generator().manual_seed(0))
    assert text.aggregate(saliency, value).sum() == pytest.approx(saliency.sum().item(), rel=1e-5)


def test_words_are_drawn_on_their_colours():
    value = "not good"
    drawn = TEXT.render(value, np.array([-1.0, 0.5]))
    assert drawn.text == "not(-1.00) good(+0.50)"
    assert drawn.html.count("<mark") == 2


# ---- disturbing


def test_as_many_words_have_typing_errors_as_the_severity_says():
    words_of = ["wonderful", "acting", "brilliant", "throughout", "terrible"]
    value = " ".join(words_of * 400)
    for severity, share in enumerate((0.05, 0.1, 0.2, 0.3, 0.5), 1):
        found = corruptions.typos(value, severity, stream("typos", severity)).split(" ")
        pairs = list(zip(found, value.split(" "), strict=True))
        changed = [(a, b) for a, b in pairs if a != b]
        assert len(changed) == pytest.approx(share * len(pairs), abs=1)
        assert all(a[0] == b[0] and abs(len(a) - len(b)) <= 1 for a, b in changed)
        assert all(len(set(a) - set(b)) <= 1 for a, b in changed)


def test_small_shares_of_short_texts_are_chances():
    value = "wonderful acting"
    changed = [corruptions.typos(value, 1, stream("short", i)) != value for i in range(2000)]
    assert np.mean(changed) == pytest.approx(0.1, abs=0.025)


def test_case_punctuation_and_spacing_change_what_they_say_and_nothing_else():
    for severity, share in enumerate(corruptions.CASE, 1):
        value = "wonderful acting " * 200
        found = corruptions.case(value, severity, stream("case", severity))
        assert found.casefold() == value.casefold()
        assert np.mean([word.isupper() for word in found.split()]) == pytest.approx(share, abs=0.01)
    for severity in range(1, 6):
        for value in LINES:
            rng = stream("marks", severity)
            letters = [sign for sign in corruptions.punctuation(value, severity, rng) if sign.isalpha()]
            assert letters == [sign for sign in value if sign.isalpha()]
            squeezed = corruptions.spacing(value, severity, rng).replace(" ", "")
            assert squeezed == value.replace(" ", "")


@pytest.mark.parametrize("name", sorted(corruptions.CORRUPTIONS))
@pytest.mark.parametrize("value", ["12:30 and 3.5 of 1,000", ":) 7", "我喜欢这部电影"])
def test_numbers_smiles_and_words_of_one_character_are_left_alone(name, value):
    for severity in range(1, 6):
        found = corruptions.CORRUPTIONS[name](value, severity, stream(name, severity))
        assert [w for w in words(found) if not w.isascii() or w.isdigit() or w[0].isdigit()] == [
            w for w in words(value) if not w.isascii() or w.isdigit() or w[0].isdigit()
        ]
        assert (":)" in found) == (":)" in value)


def test_marks_stay_with_their_letters():
    value = unicodedata.normalize("NFD", "überäußerst naïve crème brûlée")
    for i in range(50):
        found = corruptions.typos(value, 5, stream("marks", i))
        assert not any(unicodedata.combining(word[0]) for word in found.split())


def test_neighbours_are_one_typing_error_away_and_no_word_that_is_known():
    value = LINES[0]
    found = list(itertools.islice(TEXT.neighbours(value, stream("near")), 40))
    assert len(set(found)) == 40
    for other in found:
        pairs = [(a, b) for a, b in itertools.zip_longest(words(other), words(value)) if a != b]
        assert len(pairs) == 1
        assert not TEXT.tokenizer.knows(pairs[0][0])
    count = sum(len(value[start:end]) >= 4 for start, end in word_spans(value))
    places = [next(i for i, (a, b) in enumerate(zip(words(o), words(value))) if a != b) for o in found[:count]]
    assert len(set(places)) == count  # each word before any is tried again


def test_neighbours_pass_over_words_that_training_had():
    text = Text()
    text.fit(["from form fro fomr formm forrm ffrom froom fromm frrom"])
    assert not {"from", "formm", "forrm"} & set(itertools.islice(text.neighbours("form", stream("form")), 30))


def test_near_duplicates_have_near_fingerprints_and_others_have_not():
    from sounding.data.duplicates import NEAR

    def apart(a: str, b: str) -> float:
        return float(np.abs(TEXT.fingerprint(a) - TEXT.fingerprint(b)).max())

    assert TEXT.fingerprint(LONG).dtype == np.float32
    assert apart(LONG, LONG.upper().replace(",", "  ")) == 0
    assert 0 < apart(LONG, LONG.replace("music", "musik", 1)) < NEAR
    assert apart(LONG, LONG + " " + LINES[1]) > NEAR
    assert apart(LINES[0], LINES[1]) > NEAR
    assert apart("good", "bad") > NEAR
    assert np.isnan(TEXT.fingerprint("!?")).all()


# ---- dividing


@settings(max_examples=100, deadline=None)
@given(value=st.text(st.sampled_from("ab .\n我"), min_size=1, max_size=300))
def test_stretches_put_together_are_the_text(value):
    parts = TEXT.divide(value, (0.8, 0.1, 0.1))
    assert len(parts) == 3
    assert "".join(parts) == value


def test_a_text_is_divided_between_paragraphs_lines_sentences_or_words():
    paragraphs = "\n\n".join(f"first line of {i}\nand second line. All of {i}." for i in range(100))
    head, middle, tail = TEXT.divide(paragraphs, (0.8, 0.1, 0.1))
    assert head.endswith(".\n\n")
    assert middle.startswith("first line of")
    assert len(head) / len(paragraphs) == pytest.approx(0.8, abs=0.05)
    assert len(tail) / len(paragraphs) == pytest.approx(0.1, abs=0.05)
    endless = "word " * 2000
    assert all(part.startswith("word") and part.endswith(" ") for part in TEXT.divide(endless, (0.8, 0.1, 0.1)))
    assert [len(part) for part in TEXT.divide("x" * 1000, (0.8, 0.1, 0.1))] == [800, 100, 100]
