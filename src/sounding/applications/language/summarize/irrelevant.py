"""A sentence of another document, put into a document: does the summary take anything from it?

A summary takes from it where it has a word, or two words in a row, which the sentence has, and which neither the
document has nor the summary that was written without the sentence. Signs are no words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sounding.applications.language.summarize.rouge import ngrams, words
from sounding.applications.language.summarize.sentences import sentences
from sounding.contract.behaviour import Behaviour, Changed
from sounding.contract.records import Example
from sounding.modalities.text.words import sentence_spans

NAME = "irrelevant sentence added"
FAILS = (
    "whose answer takes a word, or two words in a row, from a sentence of another document that was put in, which "
    "neither the document has nor the answer to it (the copy rate)"
)
LEAST = 4
"""Words that such a sentence has at least."""


def irrelevant_sentence(train: Sequence[Example], read: Callable[[str], int]) -> Behaviour:
    """Sentences of the documents of `train`; `read` says how many characters of a document are read."""

    def changed(row: Example, rng: np.random.Generator) -> Changed | None:
        text = row.input
        for place in rng.permutation(len(train)).tolist()[:20]:
            other = train[place].input
            found = [each for each in sentences(other) if len(words(each, True)) >= LEAST and each not in text]
            if other != text and found:
                return _changed(text, found[int(rng.integers(len(found)))], read(text), rng)
        return None

    return Behaviour(changed, fails=FAILS)


def _changed(text: str, sentence: str, end: int, rng: np.random.Generator) -> Changed:
    return Changed(_with(text, sentence, end, rng), lambda before, after: _taken(text, sentence, before, after))


def _with(text: str, sentence: str, end: int, rng: np.random.Generator) -> str:
    """The document with the sentence ahead of one that begins before the character `end`, or behind the last."""
    starts = [start for start, _ in sentence_spans(text) if start < end]
    place = int(rng.integers(len(starts) + (end >= len(text.rstrip()))))
    if place == len(starts):
        return f"{text.rstrip()} {sentence}"
    return f"{text[: starts[place]]}{sentence} {text[starts[place] :]}"


def _taken(document: str, sentence: str, before: str, after: str) -> str:
    """What an answer has from the sentence alone, in words; nothing where it has nothing."""
    for n, what in ((1, "it takes words from it"), (2, "it takes two words in a row from it")):
        own, known, former, told = (set(ngrams(words(text, True), n)) for text in (sentence, document, before, after))
        if (own & told) - known - former:
            return what
    return ""
