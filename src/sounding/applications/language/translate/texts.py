"""Texts that are translated, translations, and how these are written."""

from __future__ import annotations

from dataclasses import dataclass

from sounding.applications.language.shared.rewritten import Read, Written
from sounding.applications.language.shared.writing import RewritingOptions
from sounding.applications.language.translate.languages import LANGUAGES, canonical


@dataclass(frozen=True)
class TranslateOptions(RewritingOptions):
    """How a text is translated."""


class SourceText(Read):
    """A text to be translated."""

    columns = ("source", "src", "source_text", "source_sentence", *LANGUAGES)
    asked = "TEXT"

    def canonical(self, column: str) -> str:
        """The code of a language."""
        return canonical(column)


class TranslatedText(Written):
    """A translation."""

    columns = ("target", "tgt", "trg", "translation", "target_text", "target_sentence", *LANGUAGES)

    def __init__(self, tokenizer: str, vocabulary: int, context: int) -> None:
        super().__init__(tokenizer, vocabulary, context, "translation_text")

    def canonical(self, column: str) -> str:
        """The code of a language."""
        return canonical(column)
