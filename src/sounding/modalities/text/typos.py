"""Typing errors: letters swapped, lost, doubled, or struck on the key beside (Belinkov and Bisk 2018).

The first letter stays, and words of fewer than four letters are left alone: they would become other words. Letters keep
their marks. The key beside is known for Latin letters (QWERTY); the other errors happen in every script that writes
letters, and none to scripts whose words are single characters here (Chinese, Japanese, Thai).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np

LEAST = 4
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEAR = {
    key: "".join(
        other
        for far, line in enumerate(_ROWS)
        for at, other in enumerate(line)
        if other != key and abs(far - row) <= 1 and -1 <= at - place + (far - row) * 0.5 <= 1
    )
    for row, keys in enumerate(_ROWS)
    for place, key in enumerate(keys)
}


def letters_of(word: str) -> list[str]:
    """The letters of a word, each with the marks that belong to it."""
    letters: list[str] = []
    for sign in word:
        if letters and unicodedata.category(sign)[0] in "MC":
            letters[-1] += sign
        else:
            letters.append(sign)
    return letters


def can_err(word: str) -> bool:
    """Whether a typing error leaves a word the word that it is."""
    letters = letters_of(word)
    return len(letters) >= LEAST and all(letter[0].isalpha() for letter in letters)


def misspelt(word: str, rng: np.random.Generator) -> str:
    """The word with one typing error, drawn by kind and then by place; the word itself where none is possible."""
    return next(misspellings(word, rng), word)


def misspellings(word: str, rng: np.random.Generator) -> Iterator[str]:
    """Words one typing error away, each once, in random order."""
    letters, seen = letters_of(word), {word}
    kinds: Sequence[Callable[[list[str], int, np.random.Generator], list[str]]] = (_swapped, _lost, _doubled, _beside)
    for kind in rng.permutation(len(kinds)).tolist():
        for place in rng.permutation(np.arange(1, len(letters))).tolist():
            found = "".join(kinds[kind](letters, place, rng))
            if found not in seen:
                seen.add(found)
                yield found


def _swapped(letters: list[str], place: int, rng: np.random.Generator) -> list[str]:
    return [*letters[:place], *letters[place : place + 2][::-1], *letters[place + 2 :]]


def _lost(letters: list[str], place: int, rng: np.random.Generator) -> list[str]:
    last = place == len(letters) - 1  # "quite" would be "quit"
    return letters if last else [*letters[:place], *letters[place + 1 :]]


def _doubled(letters: list[str], place: int, rng: np.random.Generator) -> list[str]:
    return [*letters[: place + 1], *letters[place:]]


def _beside(letters: list[str], place: int, rng: np.random.Generator) -> list[str]:
    keys = _NEAR.get(letters[place].lower())
    if not keys:
        return letters
    key = str(rng.choice(list(keys)))
    return [*letters[:place], key.upper() if letters[place].isupper() else key, *letters[place + 1 :]]
