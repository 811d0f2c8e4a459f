"""Summarization: a document in few words.

Legend of shapes: B batch, T tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sounding.applications.language.shared.fidelity import name_fidelity, number_fidelity, source, unended
from sounding.applications.language.shared.rewriters import RewritingRecipe
from sounding.applications.language.shared.rewriting import Rewriting
from sounding.applications.language.shared.rewritten import Rewritten, places
from sounding.applications.language.shared.writing import Limits
from sounding.applications.language.summarize import faithful, irrelevant
from sounding.applications.language.summarize.documents import RULES, Document
from sounding.applications.language.summarize.notices import notice
from sounding.applications.language.summarize.rouge import rouge
from sounding.applications.language.summarize.sentences import lead, most_central, sentences
from sounding.applications.language.summarize.summaries import Summary
from sounding.applications.language.summarize.writing import BestSummary, SummarizeOptions
from sounding.contract.behaviour import Behaviour
from sounding.contract.metrics import Metric
from sounding.contract.modality import Row
from sounding.contract.records import Example, Record
from sounding.errors import UsageError, did_you_mean
from sounding.wording import counted

LOOKED_AT, SHORTER = 200, 2.5
"""Rows by which it is guessed what data are for; words of documents, at least, for each of summaries."""


@dataclass(frozen=True)
class SummarizeRecipe(RewritingRecipe):
    """The numbers of a training of a summarizer."""

    sizes: ClassVar = {**RewritingRecipe.sizes, "tiny": {**RewritingRecipe.sizes["tiny"], "layers": 1}}
    shaping: ClassVar[Sequence[str]] = (*RewritingRecipe.shaping, "long")

    smoothing: float = 0.0
    dropout: float = 0.1  # more keeps a training from learning to copy
    context: int = 512
    copying: bool = True
    long: str = "first"  # what is read of a document beyond `context` tokens: first, or central sentences

    def __post_init__(self) -> None:
        """Raises UsageError besides for a rule that is not known."""
        super().__post_init__()
        if self.long not in RULES:
            raise UsageError(f"long={self.long} is not known", fix=did_you_mean(self.long, RULES))


class Summarize(Rewriting):
    """Summarization: a document in few words."""

    Recipe = SummarizeRecipe
    Options = SummarizeOptions
    pipeline = "summarization"
    caution = (
        "A summary may say what its document does not: numbers, names and negations have to be checked against it. "
        "Documents unlike those of the training are summarized badly."
    )
    recipe: SummarizeRecipe
    options: SummarizeOptions
    writes = BestSummary
    input: Document
    target: Summary

    def modalities(self) -> tuple[Document, Summary]:
        """A document, and its summary or several of them."""
        r = self.recipe
        return Document(r.tokenizer, r.vocabulary, r.context, r.long), Summary(r.tokenizer, r.vocabulary, r.context)

    @property
    def metrics(self) -> Sequence[Metric]:
        """ROUGE-1 first, -2 and -L beside it; then what n-grams do not tell."""
        return (
            *rouge(self.target.unicode),
            number_fidelity(),
            name_fidelity(),
            faithful.invented(),
            faithful.novel_pairs(),
            faithful.compression(),
        )

    @property
    def ranking(self) -> Metric:
        """ROUGE-L of one row, which also asks for the order of words."""
        return rouge(self.target.unicode)[2]

    def fit(self, examples: Sequence[Example]) -> None:
        """Train the tokenizer; learn how long summaries are."""
        super().fit(examples)
        self.target.learn_lengths(example.target for example in examples)

    def told(self, examples: Sequence[Example]) -> list[str]:
        """Summaries that are as long as their document or longer."""
        odd = [k for k, e in enumerate(examples) if len(e.target.split()) >= len(e.input.split())]
        if not odd:
            return []
        said = counted(len(odd), "training summary", "are")
        return [f"{said} not shorter than the document ({places(examples, odd)})"]

    def _cut(self, examples: Sequence[Example]) -> list[str]:
        """How many documents and summaries are longer than what is read, and what is read of them."""
        found = []
        if long := sum(self.input.tokens(example.input) > self.input.room for example in examples):
            found.append(_too_long(long, len(examples), "training documents", self.input))
        room = self.target.room
        if long := sum(len(self.target.tokenizer.ids(example.target)) > room for example in examples):
            said = counted(long, "training summary", "are")
            found.append(f"{said} longer than {room:,} tokens: the first {room:,} are learnt")
        return found

    def too_long(self, input: str) -> str:
        """That a document is longer than what is read of it."""
        length = self.input.tokens(input)
        return f"the document has {length:,} tokens: {self.input.rule}" if length > self.input.room else ""

    @property
    def limits(self) -> Limits:
        """Half as many tokens again as the longest training summaries have, at least as many as the shortest: the
        longest and the shortest hundredth aside.
        """
        return Limits(self.target.least, 0, self.target.most)

    def likelihood(self, rows: Sequence[Row]) -> tuple[float, str]:
        """Likely where the answers are texts that are much shorter than the others; else hardly."""
        texts = [(row.input, _first(row.target)) for row in rows[:LOOKED_AT]]
        long, short = (sum(len(str(text).split()) for text in side) for side in zip(*texts, strict=True))
        if short < 2 * len(texts) or long < SHORTER * short:
            return 0.1, "texts and answers that are about as long"
        return 0.6, "texts, and shorter ones beside them"

    # ---- beside the model

    def baselines(self, train: Sequence[Example], examples: Sequence[Example]) -> Mapping[str, Sequence[Record]]:
        """The first sentence, the first three; as many of the most central ones as training summaries have."""
        length = max(1, round(float(np.median([len(sentences(example.target)) for example in train]))))
        noun = "sentence" if length == 1 else f"{length} sentences"

        def records(summarized: Mapping[int, str]) -> list[Record]:
            return [
                Record(Rewritten.of(summarized[k], each.input), each.target, None, math.nan, each.group)
                for k, each in enumerate(examples)
            ]

        return {
            "the first sentence (lead-1)": records({k: lead(e.input, 1) for k, e in enumerate(examples)}),
            "the first three sentences (lead-3)": records({k: lead(e.input, 3) for k, e in enumerate(examples)}),
            f"the most central {noun} (TextRank)": records(
                {k: most_central(e.input, length) for k, e in enumerate(examples)}
            ),
        }

    def behaviours(self, train: Sequence[Example]) -> Mapping[str, Behaviour]:
        """As of all texts; and a sentence of another document put in."""
        return {**super().behaviours(train), irrelevant.NAME: irrelevant.irrelevant_sentence(train, self.input.end_of)}

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """The novelty of answers and true summaries; how many documents were too long."""
        known = [source(record) for record in records if source(record)]
        long = sum(self.input.tokens(document) > self.input.room for document in known)
        return {
            "novelty": faithful.novelty(records),
            "answers_without_an_end": sum(unended(record.value) for record in records),
            "long_documents": _too_long(long, len(known), "documents that were summarized", self.input),
        }

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Notices of libraries in made-up towns."""
        return [Example(*notice(rng)) for _ in range(n)]


def _first(cell: Any) -> Any:
    """The first of several summaries."""
    return cell[0] if isinstance(cell, list | tuple | np.ndarray) and len(cell) else cell


def _too_long(long: int, of: int, documents: str, input: Document) -> str:
    """How many documents are too long, and what is read of these."""
    said = f"{long:,} of {of:,} {documents} {'is' if long == 1 else 'are'} longer than {input.room:,} tokens"
    return f"{said}: of each {input.rule}" if long else said
