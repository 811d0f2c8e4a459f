"""What happens to texts that people type: five severities each, and a reader would answer the same.

    typos         typing errors in 5, 10, 20, 30, 50 % of the words of four letters or more (`typos.py`)
    case          10, 20, 40, 70, 100 % of the words in capitals; words in capitals in small letters
    punctuation   10, 20, 40, 60, 80 % of the marks are lost, and a quarter as many commas are put between other words
    spacing       2, 5, 10, 15, 20 % of the spaces between words are lost, and half as many long words are torn

Scripts without case or spaces are left alone by what they lack. Numbers are never touched, nor colons and brackets,
which are half of a smile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from sounding.contract.inputs import Corruption
from sounding.modalities.text.typos import can_err, letters_of, misspelt
from sounding.modalities.text.words import word_spans

TYPOS = (0.05, 0.1, 0.2, 0.3, 0.5)
CASE = (0.1, 0.2, 0.4, 0.7, 1.0)
MARKS = (0.1, 0.2, 0.4, 0.6, 0.8)
SPACES = (0.02, 0.05, 0.1, 0.15, 0.2)
_MARK = re.compile(r"[.,!?…;。，、！？؟،।]+(?![()\[\]DP])")
_LONG = 8  # letters of a word that may be torn


def typos(text: str, severity: int, rng: np.random.Generator) -> str:
    """Typing errors in a share of the words."""
    return _some(text, TYPOS[severity - 1], rng, can_err, lambda word: misspelt(word, rng))


def case(text: str, severity: int, rng: np.random.Generator) -> str:
    """A share of the words in capitals, or in small letters where they were capitals."""
    return _some(text, CASE[severity - 1], rng, lambda word: _cased(word) != word, _cased)


def punctuation(text: str, severity: int, rng: np.random.Generator) -> str:
    """A share of the marks is lost, and some are put where none was."""
    share = MARKS[severity - 1]
    lost = _some(text, share, rng, lambda word: _MARK.fullmatch(word) is not None, lambda word: "")
    spans = word_spans(lost)
    gaps = [i for i in range(len(spans) - 1) if _between_words(lost, spans[i], spans[i + 1])]
    chosen = set(_chosen(len(gaps), share / 4, rng))
    commas = {spans[gaps[k]][1] for k in chosen}
    return "".join("," * (place in commas) + sign for place, sign in enumerate(lost))


def spacing(text: str, severity: int, rng: np.random.Generator) -> str:
    """A share of the spaces between words is lost, and some long words are torn in two."""
    share = SPACES[severity - 1]
    spans = word_spans(text)
    gaps = [i for i in range(len(spans) - 1) if _between_words(text, spans[i], spans[i + 1])]
    kept = np.ones(len(text), bool)
    for k in _chosen(len(gaps), share, rng):
        kept[spans[gaps[k]][1] : spans[gaps[k] + 1][0]] = False
    joined = "".join(sign for sign, stays in zip(text, kept, strict=True) if stays)
    return _some(joined, share / 2, rng, lambda word: can_err(word) and len(word) >= _LONG, lambda w: _torn(w, rng))


CORRUPTIONS: Mapping[str, Corruption] = {
    "typos": typos,
    "case": case,
    "punctuation": punctuation,
    "spacing": spacing,
}


def _some(
    text: str,
    share: float,
    rng: np.random.Generator,
    fits: Callable[[str], bool],
    changed: Callable[[str], str],
) -> str:
    """The text with a share of those words that fit changed."""
    spans = [(start, end) for start, end in word_spans(text) if fits(text[start:end])]
    parts, place = [], 0
    for k in sorted(_chosen(len(spans), share, rng)):
        start, end = spans[k]
        parts += [text[place:start], changed(text[start:end])]
        place = end
    return "".join([*parts, text[place:]])


def _chosen(n: int, share: float, rng: np.random.Generator) -> list[int]:
    """That share of n, drawn; what is left of a whole number is a chance, so that short texts have their share too."""
    count = int(n * share + rng.random())
    return rng.permutation(n)[:count].tolist()


def _cased(word: str) -> str:
    return word.lower() if word.isupper() else word.upper()


def _between_words(text: str, left: tuple[int, int], right: tuple[int, int]) -> bool:
    """Whether two words of letters stand beside each other with one space between."""
    return text[left[1] : right[0]] == " " and text[left[1] - 1].isalpha() and text[right[0]].isalpha()


def _torn(word: str, rng: np.random.Generator) -> str:
    letters = letters_of(word)
    place = int(rng.integers(2, len(letters) - 1))
    return f"{''.join(letters[:place])} {''.join(letters[place:])}"
