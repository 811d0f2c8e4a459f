"""Translation: a text in another language."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.applications.language.shared.fidelity import name_fidelity, number_fidelity
from sounding.applications.language.shared.rewriters import RewritingRecipe
from sounding.applications.language.shared.rewriting import Rewriting
from sounding.applications.language.shared.rewritten import Read, Rewritten, Written
from sounding.applications.language.shared.writing import Limits
from sounding.applications.language.translate import fidelity
from sounding.applications.language.translate.bleu import bleu
from sounding.applications.language.translate.chrf import chrf
from sounding.applications.language.translate.languages import are_sources, odd_pairs
from sounding.applications.language.translate.memory import TranslationMemory
from sounding.applications.language.translate.texts import SourceText, TranslatedText, TranslateOptions
from sounding.contract.invertible import Invertible
from sounding.contract.metrics import Metric
from sounding.contract.records import Example, Record
from sounding.errors import DataError
from sounding.randomness import stream

MOST = 100_000
"""Training pairs, at most, that the translation memory of the baseline holds."""


@dataclass(frozen=True)
class TranslateRecipe(RewritingRecipe):
    """The numbers of a training of a translator."""


class Translate(Rewriting, Invertible):
    """Translation: a text in another language."""

    Recipe = TranslateRecipe
    Options = TranslateOptions
    pipeline = "translation"
    pool_methods = ("back-translation",)
    caution = (
        "A translation reads well also where it is wrong: names, numbers and negations have to be checked by somebody "
        "who knows both languages. Texts unlike those of the training are translated badly."
    )
    recipe: TranslateRecipe
    options: TranslateOptions

    def modalities(self) -> tuple[Read, Written]:
        """The texts of two languages."""
        r = self.recipe
        source = SourceText(r.tokenizer, r.vocabulary, r.context)
        return source, TranslatedText(r.tokenizer, r.vocabulary, r.context)

    @property
    def metrics(self) -> Sequence[Metric]:
        """chrF first, BLEU beside it; then what n-grams do not tell."""
        return (
            chrf(),
            bleu(),
            fidelity.word_precision(),
            number_fidelity(),
            name_fidelity(),
        )

    def details(self, records: Sequence[Record]) -> Mapping[str, Any]:
        """How long answers are, how many are their source again, and how many have no end."""
        return fidelity.details(records)

    @property
    def ranking(self) -> Metric:
        """chrF of one row."""
        return chrf()

    @property
    def limits(self) -> Limits:
        """Twice as many tokens as are read, and some."""
        return Limits(1, 2, 20)

    def told(self, examples: Sequence[Example]) -> list[str]:
        """Pairs that look wrong."""
        return odd_pairs(examples)

    def inverse(self) -> Translate:
        """The other direction, answered greedily."""
        other: Any = copy.copy(self)
        other.input, other.target = self.target, self.input
        other.options = TranslateOptions(beams=1)
        return other

    def unfit(self, input: str, answer: str) -> str:
        """That a source which was made is empty, endless, or the text itself."""
        if not input.strip():
            return "empty"
        if not getattr(input, "ended", True):
            return "without an end"
        return "as they were" if input.strip().casefold() == answer.strip().casefold() else ""

    def require_answers(self, values: Sequence[str], rows: Sequence[Example]) -> None:
        """Raises DataError for texts that are in the language that is translated from."""
        if are_sources(values, rows):
            what = "most of the texts look as if they were in the language that is translated from"
            fix = "Back-translation learns from texts in the language that is translated to"
            raise DataError(what, where="--unlabelled", fix=fix)

    def likelihood(self, rows: Sequence[object]) -> tuple[float, str]:
        """Two columns of texts may be many things; what is meant for a translation has languages in its names."""
        return 0.45, "pairs of texts"

    def baselines(self, train: Sequence[Example], examples: Sequence[Example]) -> Mapping[str, Sequence[Record]]:
        """The source itself; the translation of the most similar training text."""
        order = stream("baseline").permutation(len(train))[:MOST].tolist()
        rows = [train[place] for place in order]
        memory = TranslationMemory([row.input for row in rows], [row.target for row in rows])

        def record(example: Example, text: str) -> Record:
            return Record(Rewritten.of(text, example.input), example.target, None, math.nan, example.group)

        return {
            "the source itself": [record(example, example.input) for example in examples],
            "a translation memory": [record(example, memory.translation(example.input)) for example in examples],
        }

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Sentences of a tiny grammar in English, and the same in German."""
        return [_pair(rng) for _ in range(n)]


_NOUNS = {"dog": "Hund", "cook": "Koch", "boy": "Junge", "teacher": "Lehrer", "bird": "Vogel", "guest": "Gast"}
_VERBS = {"sees": "sieht", "knows": "kennt", "finds": "findet", "paints": "malt", "likes": "mag"}
_THINGS = {"house": "Haus", "book": "Buch", "boat": "Boot", "picture": "Bild", "horse": "Pferd", "glass": "Glas"}
_KINDS = {"old": "alt", "small": "klein", "new": "neu", "red": "rot", "heavy": "schwer"}


def _pair(rng: np.random.Generator) -> Example:
    """Who does what to which thing; in German the adjective bends, and in some sentences the verb moves."""
    noun, verb, thing, kind, other = (str(rng.choice(list(some))) for some in (_NOUNS, _VERBS, _THINGS, _KINDS, _KINDS))
    number = int(rng.integers(2, 6))
    who, does, what = _NOUNS[noun], _VERBS[verb], _THINGS[thing]
    return (
        Example(f"The {kind} {noun} {verb} the {thing}.", f"Der {_KINDS[kind]}e {who} {does} das {what}."),
        Example(f"Today the {noun} {verb} a {other} {thing}.", f"Heute {does} der {who} ein {_KINDS[other]}es {what}."),
        Example(f"The {noun} has {number} years.", f"Der {who} hat {number} Jahre."),
        Example(f"The {kind} {thing} has {number} doors.", f"Das {_KINDS[kind]}e {what} hat {number} Türen."),
    )[int(rng.integers(4))]
