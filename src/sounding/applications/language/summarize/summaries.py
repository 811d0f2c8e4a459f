"""Summaries: of one document there may be several true ones; and where a written one was drawn from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from sounding.applications.language.shared.rewritten import Rewritten, Written
from sounding.applications.language.summarize.sentences import sentences
from sounding.drawing.colours import OKABE_ITO, light
from sounding.drawing.rendering import Rendering
from sounding.drawing.spans import tinted
from sounding.errors import DataError
from sounding.modalities.text.words import sentence_spans, words

LEAST = 0.25
"""The share of the words of a summary's sentence, rare ones counting more, that a source sentence has to add."""
SHORT, LONG, SPARE = 0.01, 0.99, 1.5
"""Quantiles of the lengths of training summaries that say how short and long an answer may be; how much longer yet."""
MOST = 3
"""Source sentences, at most, that are told for one sentence."""


class References(str):
    """Several true summaries of one document: the first of them, which is the one that is learnt, and `all`."""

    __slots__ = ("all",)
    all: tuple[str, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """The summaries, one or more."""
        made = cls(texts[0])
        made.all = tuple(texts)
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and references(self) == references(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return References.of, (self.all,)


def references(truth: str) -> tuple[str, ...]:
    """All true summaries."""
    return truth.all if isinstance(truth, References) else (str(truth),)


@dataclass(frozen=True)
class Origin:
    """A `sentence` of a summary, the sentences of the document that it was `drawn_from`, as numbers from 1 and as text,
    most telling first, and the `share` of its words that they hold.
    """

    sentence: str
    numbers: tuple[int, ...]
    drawn_from: tuple[str, ...]
    share: float


@lru_cache(maxsize=1024)
def drawn(summary: str, document: str) -> tuple[Origin, ...]:
    """Where each sentence of a summary was drawn from.

    The source sentence is taken that holds most of its words, then the one that adds most of those still missing, and
    so on. A word counts the more, the fewer sentences of the document have it.
    """
    source = sentences(document)
    bags = [_bag(sentence) for sentence in source]
    seen = Counter(word for bag in bags for word in bag)
    found = []
    for sentence in sentences(summary):
        missing = {word: math.log(1 + len(source) / max(1, seen[word])) for word in _bag(sentence)}
        whole = sum(missing.values())
        chosen: list[int] = []
        while missing and len(chosen) < MOST:
            gains = [sum(weight for word, weight in missing.items() if word in bag) for bag in bags]
            place = int(np.argmax(gains)) if gains else 0
            if not gains or gains[place] < LEAST * whole:
                break
            chosen.append(place)
            missing = {word: weight for word, weight in missing.items() if word not in bags[place]}
        share = 1 - sum(missing.values()) / whole if whole else 0.0
        numbers = tuple(place + 1 for place in chosen)
        found.append(Origin(sentence, numbers, tuple(source[place] for place in chosen), round(share, 3)))
    return tuple(found)


def _bag(text: str) -> frozenset[str]:
    return frozenset(word for word in words(text.casefold()) if any(letter.isalnum() for letter in word))


class Summary(Written):
    """A summary. A cell may be a list of several true ones, of which the first is learnt and all are compared with.

    After `learn_lengths`, an answer has `least` to `most` tokens; `unicode` says by which words ROUGE counts.
    """

    noun = "summary"
    columns = (
        *("summary", "highlights", "synopsis", "tldr", "abstract", "headline", "title", "references", "summaries"),
        *("target", "short", "gist"),
    )

    def __init__(self, tokenizer: str, vocabulary: int, context: int) -> None:
        super().__init__(tokenizer, vocabulary, context, "summary_text")
        self.least, self.most, self.unicode = 1, context, False

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a text, or a list of texts."""
        if isinstance(cell, list | tuple | np.ndarray):
            return len(cell) > 0 and all(isinstance(each, str) for each in cell)
        return super().accepts(cell)

    def read(self, cell: Any, root: Path = Path()) -> str:
        """The summary, or the `References` of a list. Raises DataError for what is none, and names it in a list."""
        if not isinstance(cell, list | tuple | np.ndarray):
            return super().read(cell, root)
        if not len(cell):
            raise DataError("the list of summaries is empty", fix="Give a summary, or remove the row")
        found = []
        for number, each in enumerate(cell, 1):
            try:
                found.append(super().read(each, root))
            except DataError as error:
                what = f"summary {number} of {len(cell)}: {error.what}"
                raise DataError(what, fix="Fill it in, or remove it from the list") from None
        return found[0] if len(found) == 1 else References.of(found)

    def learn_lengths(self, values: Iterable[str]) -> None:
        """How long summaries are, and whether ROUGE needs words of another script than the Latin one."""
        texts = list(values)
        lengths = np.array([min(self.room, len(self.tokenizer.ids(text))) for text in texts])
        low, high = np.quantile(lengths, (SHORT, LONG))
        self.least, self.most = max(1, int(low)), min(self.room, int(SPARE * high) + 4)
        letters = [letter for text in texts for letter in text if letter.isalpha()]
        self.unicode = 2 * sum(letter.isascii() for letter in letters) < len(letters)

    def state(self) -> dict[str, Any]:
        """With what was learnt of lengths and of the script."""
        return {**super().state(), "least": self.least, "most": self.most, "unicode": self.unicode}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        super().restore(state)
        self.least, self.most, self.unicode = state["least"], state["most"], state["unicode"]

    # ---- as an answer

    def fields(self, value: str, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """Besides the text: `sources`, where each of its sentences was drawn from."""
        return {**super().fields(value, scores), "sources": lambda: [asdict(each) for each in self.sources(value)]}

    def sources(self, value: str) -> tuple[Origin, ...]:
        """Where each sentence of a written summary was drawn from."""
        return drawn(str(value), value.source) if isinstance(value, Rewritten) else ()

    def drawing(self, value: str) -> Rendering | None:
        """The summary above its document, each sentence and those that it was drawn from on one colour.

        The map of an alignment instead, where that was asked for.
        """
        if not isinstance(value, Rewritten) or value.alignment is not None:
            return super().drawing(value)
        found, places = self.sources(value), sentence_spans(value.source)
        tints = [light(OKABE_ITO[number % len(OKABE_ITO)]) for number in range(len(found))]
        coloured: dict[tuple[int, int], str] = {}
        for each, tint in zip(found, tints, strict=True):
            for number in each.numbers:
                coloured.setdefault(places[number - 1], tint)
        head = tinted([f"{each.sentence} " for each in found], tints)
        return head.above(_coloured(value.source, coloured))

    def describe(self, value: str) -> str:
        """All of the text; of several true summaries the first, and how many more there are."""
        more = len(references(value)) - 1
        return f"{value} (and {more} more)" if more else str(value)

    def to_json(self, value: str) -> Any:
        """The text; a list of several."""
        found = references(value)
        return list(found) if len(found) > 1 else found[0]


def _coloured(text: str, colours: Mapping[tuple[int, int], str]) -> Rendering:
    """A text with the stretches from one character to another on their colours."""
    segments, tints, place = [], [], 0
    for (start, end), colour in sorted(colours.items()):
        segments += [text[place:start], text[start:end]]
        tints += ["", colour]
        place = end
    return tinted([*segments, text[place:]], [*tints, ""])
