"""Documents that are summarized, and what is read of one that is longer than the model's context.

    first      its first tokens, as many as fit
    central    its first sentence, then whole sentences, the most central ones first (TextRank), as many as fit, in
               their order

Legend of shapes: T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sounding.applications.language.shared.rewritten import Read
from sounding.applications.language.summarize.corruptions import boilerplate, shuffled
from sounding.applications.language.summarize.sentences import by_centrality
from sounding.contract.inputs import Corruption
from sounding.modalities.text.tokenizer import Encoded
from sounding.modalities.text.words import sentence_spans

RULES: Mapping[str, str] = {
    "first": "its first {room:,} tokens are read",
    "central": "its first sentence and its most central ones are read, {room:,} tokens at most",
}
"""What is read of a document that is too long, in words."""


class Document(Read):
    """A text to be summarized, of which `context` tokens are read by the rule `long`."""

    noun = "document"
    columns = (
        *("document", "article", "text", "description", "body", "content", "source", "dialogue", "story", "passage"),
        *("report", "maintext", "abstract"),
    )
    asked = "DOCUMENT"

    def __init__(self, tokenizer: str, vocabulary: int, context: int, long: str = "first") -> None:
        super().__init__(tokenizer, vocabulary, context)
        self.long = long

    @property
    def arguments(self) -> Mapping[str, Any]:
        """With what is read of a long one."""
        return {**super().arguments, "long": self.long}

    @property
    def rule(self) -> str:
        """What is read of a document that is too long, in words."""
        return RULES[self.long].format(room=self.room)

    def tokens(self, value: str) -> int:
        """How many tokens a document has, read or not."""
        return len(self.tokenizer.ids(value))

    def end_of(self, value: str) -> int:
        """How many characters of a document there are up to the last that is read."""
        return int(self.encoded(value).offsets[:, 1].max(initial=0))

    def _ids(self, value: str) -> np.ndarray:
        ids = self.tokenizer.ids(value)
        return self._closed(ids if self.long == "first" or len(ids) <= self.room else self._encoding(value).ids)

    def _encoding(self, value: str) -> Encoded:
        found = super()._encoding(value)
        if self.long == "first" or len(found.ids) <= self.room:
            return found
        places = central(value, found.offsets, self.room)
        return Encoded(found.ids[places], found.offsets[places])

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """What happens to all texts; and sentences in another order, and ones that are about nothing."""
        return {**super().corruptions, "sentence order": shuffled, "boilerplate": boilerplate}


def central(text: str, offsets: np.ndarray, room: int) -> np.ndarray:
    """The places of at most `room` tokens of a text, whose characters are `offsets` [T, 2]: whole sentences."""
    spans = sentence_spans(text)
    ends = np.array([start for start, _ in spans[1:]] + [len(text) + 1])
    owner = np.searchsorted(ends, offsets[:, 0], side="right")  # the sentence that each token stands in
    sizes = np.bincount(owner, minlength=len(spans))
    kept, left = set(), room
    for number in dict.fromkeys((0, *by_centrality(text))):
        if sizes[number] <= left:
            kept.add(number)
            left -= int(sizes[number])
    if not kept:
        return np.arange(room)
    return np.flatnonzero(np.isin(owner, sorted(kept)))
