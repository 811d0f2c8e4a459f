"""A toy that learns from text without answers: how a stretch of characters goes on, in windows cut from documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from charlm import CharLM, CharRecipe
from modalities import Characters

from sounding.contract.records import Example
from sounding.contract.task import Learning

WORDS = ("ba", "bo", "da", "do", "gaga", "gogo", "mama", "papa")


@dataclass(frozen=True)
class BabbleRecipe(CharRecipe):
    """The numbers of a training of `Babble`."""

    select: str = "loss"
    context: int = 12  # characters that are given
    longest: int = 6  # characters that are to be told


class Babble(CharLM):
    """Continue babble: the next characters after those before."""

    Recipe = BabbleRecipe
    learns = Learning.DOCUMENTS
    recipe: BabbleRecipe

    def modalities(self) -> tuple[Characters, Characters]:
        """One vocabulary, of the documents: what is told is of the same kind as what is given."""
        characters = Characters("text")
        return characters, characters

    def fit(self, examples: Sequence[Example]) -> None:
        """Of what is given alone, which is all that documents hold."""
        self.input.fit(example.input for example in examples)

    def windows(self, documents: Sequence[Any]) -> Sequence[Example]:
        """Stretches of a document, one after the other: what is given, and what follows."""
        given, whole = self.recipe.context, self.recipe.context + self.recipe.longest
        return [
            Example(text[at : at + given], text[at + given : at + whole], f"document {number}")
            for number, text in enumerate(documents)
            for at in range(0, len(text) - whole + 1, whole)
        ]

    def demo(self, rng: np.random.Generator, n: int) -> list[Example]:
        """Documents of some words, each said twice."""
        return [Example(babble(rng)) for _ in range(n)]


def babble(rng: np.random.Generator) -> str:
    return " ".join(f"{word} {word}" for word in rng.choice(WORDS, 12))
