"""How a summary is written, by a run or by its exported networks."""

from __future__ import annotations

from dataclasses import dataclass

from sounding.applications.language.shared.rewritten import Read, Rewritten
from sounding.applications.language.shared.writing import BestText, RewritingOptions
from sounding.applications.language.summarize.sentences import lead
from sounding.decoding.beam import Hypothesis


@dataclass(frozen=True)
class SummarizeOptions(RewritingOptions):
    """How a summary is written."""

    no_repeat: int = 3  # no so many tokens in a row twice; 0: as often as may be


@dataclass(frozen=True)
class BestSummary(BestText):
    """The best summary that a search with beams finds."""

    options: SummarizeOptions

    def _text(self, found: Hypothesis, source: str, target: Read) -> Rewritten:
        """The summary; the first sentence of the document where tokens make no text."""
        written = super()._text(found, source, target)
        return written if written else Rewritten.of(lead(source, 1), source, found.ended)
