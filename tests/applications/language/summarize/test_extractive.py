"""Sentences chosen from documents: the first, the central, those that a summary was drawn from, those that are read."""

import numpy as np
import pytest

from sounding.applications.language.shared.rewritten import Rewritten
from sounding.applications.language.summarize.corruptions import BOILERPLATE, boilerplate, shuffled
from sounding.applications.language.summarize.documents import Document
from sounding.applications.language.summarize.sentences import by_centrality, lead, most_central, sentences
from sounding.applications.language.summarize.summaries import Summary, drawn
from sounding.errors import DataError
from sounding.modalities.text.tokenizer import Tokenizer
from sounding.randomness import stream

FLOOD = (
    "Good morning. The river flooded the old town on Monday. In the town the river reached the church. "
    "Bread is sold at nine. The old church of the town was flooded before."
)


def test_lead_is_the_first_sentences():
    assert lead(FLOOD, 1) == "Good morning."
    assert lead(FLOOD, 3) == " ".join(sentences(FLOOD)[:3])
    assert lead("no end", 3) == "no end"


def test_central_sentences_share_words_with_others_and_stay_in_their_order():
    assert set(by_centrality(FLOOD)[:3]) == {1, 2, 4}
    assert most_central(FLOOD, 3) == " ".join(sentences(FLOOD)[place] for place in (1, 2, 4))


def test_centrality_is_the_stationary_distribution_of_the_walk_from_sentence_to_sentence():
    """Beside the leading eigenvector of the matrix of TextRank's equation, for words that are easily counted."""
    text = "a b c d. a b x y. a b c z. q q r s. d z c w."
    bags = [set("abcd"), set("abxy"), set("abcz"), set("qrs"), set("dzcw")]
    likeness = np.array(
        [[len(a & b) / (np.log(1 + len(a)) + np.log(1 + len(b))) * (a is not b) for b in bags] for a in bags]
    )
    sums = likeness.sum(axis=1, keepdims=True)
    walk = np.where(sums > 0, likeness / np.maximum(sums, 1e-9), 1 / 5)
    values, vectors = np.linalg.eig((0.15 / 5 + 0.85 * walk).T)
    rank = np.abs(vectors[:, np.argmax(values.real)].real)
    assert list(by_centrality(text)) == np.argsort(-rank.round(9), kind="stable").tolist()


def test_documents_without_a_sentence_in_common_keep_their_order():
    assert by_centrality("One. Two. Three.") == (0, 1, 2)
    assert by_centrality("only one") == (0,)
    assert most_central("only one", 3) == "only one"


def test_the_sentences_that_a_summary_was_drawn_from_are_found():
    first, second = drawn("The river flooded the town. Bread at nine!", FLOOD)
    assert first.numbers[0] == 2
    assert first.drawn_from[0] == sentences(FLOOD)[1]
    assert first.share == 1
    assert second.numbers == (4,)
    (none,) = drawn("Cats purr.", FLOOD)
    assert (none.numbers, none.share) == ((), 0)


def test_a_summary_is_drawn_above_its_document_with_the_sentences_it_was_drawn_from_in_colour():
    summary = Summary("words", 100, 50)
    value = Rewritten.of("Bread at nine! The river flooded the town.", FLOOD)
    drawing = summary.drawing(value)
    assert drawing.text.splitlines()[1] == FLOOD
    marked = [part.split(">", 1)[1].split("<")[0] for part in drawing.html.split("<mark")[1:]]
    assert marked == ["Bread at nine! ", "The river flooded the town. ", *(sentences(FLOOD)[k] for k in (1, 3))]
    assert summary.drawing("a true one, of which the document is not known") is None
    (bread, river) = summary.fields(value, None)["sources"]()
    assert (bread["numbers"], river["numbers"][0]) == ((4,), 2)


def reader(text, context, long):
    document = Document("words", 1000, context, long)
    document.learnt(Tokenizer.train("words", [text]))
    return document


def read(document, text):
    """What is read of a text, by its tokens without their ends."""
    return document.tokenizer.decode(document.encode([text]).ids[0, 1:-1].tolist())


def test_of_a_long_document_the_first_tokens_are_read_or_whole_central_sentences():
    assert read(reader(FLOOD, 500, "central"), FLOOD) == read(reader(FLOOD, 500, "first"), FLOOD)
    assert read(reader(FLOOD, 10, "first"), FLOOD) == "Good morning . The river flooded the old"
    kept = read(reader(FLOOD, 2 + 3 + 10 + 9, "central"), FLOOD)  # the first sentence, and room for two others
    whole = [" ".join(sentence.replace(".", " .").split()) for sentence in sentences(FLOOD)]
    chosen = [sentence for sentence in whole if sentence in kept]
    assert kept == " ".join(chosen)
    assert chosen[0] == "Good morning ."
    assert "Bread is sold at nine ." not in chosen
    assert len(chosen) == 3


@pytest.mark.parametrize("long", ["first", "central"])
def test_explanations_see_the_characters_of_the_tokens_that_are_read(long):
    document = reader(FLOOD, 24, long)
    encoded = document.encoded(FLOOD)
    assert encoded.ids.tolist() == document.encode([FLOOD]).ids[0].tolist()
    for number, (start, end) in list(zip(encoded.ids.tolist(), encoded.offsets.tolist(), strict=True))[1:-1]:
        assert document.tokenizer.ids(FLOOD[start:end]).tolist() == [number]


def test_a_first_sentence_without_end_is_cut():
    text = "word " * 50
    assert len(reader(text, 12, "central").encode([text]).ids[0]) == 12


def test_disturbances_move_sentences_or_add_such_as_say_nothing():
    for severity in range(1, 6):
        moved = shuffled(FLOOD, severity, stream("test"))
        assert moved != FLOOD
        assert sorted(sentences(moved)) == sorted(sentences(FLOOD))
        longer = boilerplate(FLOOD, severity, stream("test"))
        added = [sentence for sentence in sentences(longer) if sentence not in sentences(FLOOD)]
        assert len(added) == severity
        assert set(added) <= set(BOILERPLATE)
    assert shuffled("One only.", 5, stream("test")) == "One only."


def test_a_summary_may_be_a_list_and_what_is_wrong_in_one_is_named():
    summary = Summary("words", 100, 50)
    value = summary.read(["A cat.", "The cat."])
    assert (str(value), value.all) == ("A cat.", ("A cat.", "The cat."))
    assert summary.to_json(value) == ["A cat.", "The cat."]
    assert summary.to_json(summary.read(["A cat."])) == "A cat."
    assert value == summary.read(["A cat.", "The cat."])
    assert value != summary.read(["A cat.", "Another."])
    assert summary.accepts(["a", "b"])
    assert not summary.accepts([])
    with pytest.raises(DataError, match="summary 2 of 3: the text is empty"):
        summary.read(["A cat.", " ", "The cat."])
    with pytest.raises(DataError, match="summary 1 of 1: 7 is a int, not text"):
        summary.read([7])
    with pytest.raises(DataError, match="the list of summaries is empty"):
        summary.read([])
