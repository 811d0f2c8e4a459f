"""Changes of a text that a good answer does not heed: the invariance tests of CheckList (Ribeiro et al. 2020, arXiv
2005.04118), where they can be made without knowing what the text is about.

    first names, places     each is swapped for another of its kind (`lexicon.py`)
    numbers                 whole numbers from 10 on are moved by a fifth at most; none that is a mark ("9 out of 10")
    typing error            one, in one word
    full stop               lost from the end, or added
    web address             added at the end
    neutral word            put in somewhere: a word that goes with all answers of the training rows alike
    contractions            "do not" for "don't" and the other way round; English
    neutral sentence        added at the end; English

The last two are left out where the training texts are not English. A change that finds nothing to change gives None.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sounding.contract.inputs import Invariance
from sounding.modalities.text.lexicon import ENGLISH, FIRST_NAMES, NEUTRAL_SENTENCES, PLACES
from sounding.modalities.text.words import words
from sounding.wording import shortened

_NUMBER = re.compile(
    r"(?<![\w.,:/$€£%#+-])(?<!of )[1-9]\d{1,3}(?![\w%/:-]|[.,]\d|\s*(?:/|%|out\b|of\b|stars?\b|points?\b|percent\b))"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_MARKS = tuple(".!?…。！？")
_COMMON, _NEUTRAL = 200, 10
"""Words that are looked at, the most common ones, and how many of them are taken for neutral at most."""
_APART = 0.1
"""How far the shares of answers of a neutral word's rows may be from those of all rows (total variation)."""
_PRONOUN = r"(?!\s+(?:i|you|he|she|it|we|they)\b)"  # "isn't it" is not "is not it"
_LONG_FORMS = {"ca": "can", "wo": "will", "sha": "shall"}
_SHORT_FORMS = {long: short for short, long in _LONG_FORMS.items()}
_CONTRACTED = re.compile(rf"\b([a-z]+?)\s?n['’]t\b{_PRONOUN}", re.IGNORECASE)
_SPELT_OUT = re.compile(
    rf"\b(is|are|was|were|do|does|did|have|has|had|would|could|should|will|can)(\s?)not\b{_PRONOUN}", re.IGNORECASE
)


def invariances(values: Sequence[str], answers: Sequence[Any], typo: Invariance) -> Mapping[str, Invariance]:
    """The changes by name. `values` with their `answers` are training rows; `typo` makes a typing error."""
    found: dict[str, Invariance] = {
        "first names swapped": lambda text, rng: _swapped(text, FIRST_NAMES, rng),
        "places swapped": lambda text, rng: _swapped(text, PLACES, rng),
        "numbers changed": _other_numbers,
        "one typing error": typo,
        "full stop added or lost": lambda text, rng: full_stop(text),
        "web address added": _with_address,
    }
    if neutral := neutral_words(values, answers):
        found["neutral word added"] = lambda text, rng: _with_word(text, neutral, rng)
    if is_english(values):
        gap = " " if _apart(values) else ""
        found["contractions (English)"] = lambda text, rng: _contractions(text, gap)
        found["neutral sentence added (English)"] = _with_sentence
    return found


def is_english(values: Iterable[str]) -> bool:
    """Whether at least half of the texts hold one of the commonest words of English."""
    held = [not ENGLISH.isdisjoint(words(text[:1000].lower())) for text in values]
    return bool(held) and sum(held) >= len(held) / 2


def neutral_words(values: Sequence[str], answers: Sequence[Any]) -> list[str]:
    """The common words that least tell the answer: their rows have about the shares of answers that all rows have."""
    kinds = {answer: place for place, answer in enumerate(dict.fromkeys(answers))}
    if len(kinds) < 2:
        return []
    held = {word: np.zeros(len(kinds)) for word in _common(values)}
    for text, answer in zip(values, answers, strict=True):
        for word in set(words(text.lower())) & held.keys():
            held[word][kinds[answer]] += 1
    shares = np.bincount([kinds[answer] for answer in answers]) / len(answers)

    apart = {word: float(np.abs(n / n.sum() - shares).sum() / 2) for word, n in held.items()}
    doubt = {word: 0.5 / float(np.sqrt(n.sum())) for word, n in held.items()}  # what chance alone may add
    neutral = [word for word in held if apart[word] <= _APART]
    return sorted(neutral, key=lambda word: apart[word] + doubt[word])[:_NEUTRAL]


def _common(values: Sequence[str]) -> list[str]:
    """The commonest words of two letters or more, each in a hundredth of the texts at least, and in ten."""
    counts = Counter(word for text in values for word in set(words(text.lower())) if len(word) > 1 and word.isalpha())
    least = max(10, len(values) / 100)
    return [word for word, n in counts.most_common(_COMMON) if n >= least]


def difference(text: str, other: str, around: int = 5) -> str:
    """Where another text differs from this one, between some words: "… directed by [john → paul] moore …"."""
    before, after = text.split(), other.split()
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    lost, come = before[start : len(before) - end], after[start : len(after) - end]
    change = " → ".join(filter(None, [shortened(" ".join(lost), 60), shortened(" ".join(come), 60) or "nothing"]))
    left, right = after[max(0, start - around) : start], after[len(after) - end :][:around]
    parts = ["…" * (start > around), *left, f"[{change}]" if lost else f"[+ {change}]", *right, "…" * (end > around)]
    return " ".join(filter(None, parts))


def _alike(some: Sequence[str], others: Sequence[str]) -> int:
    """How many words are the same from the beginning."""
    return next((k for k, (a, b) in enumerate(zip(some, others, strict=False)) if a != b), min(len(some), len(others)))


# ---- the changes


def _swapped(text: str, groups: Sequence[Sequence[str]], rng: np.random.Generator) -> str | None:
    """Each word of a group gives way to another of its group, the same one each time."""
    into: dict[str, str] = {}
    said = dict.fromkeys(_LETTERS.findall(text.lower()))
    for group in groups:
        known = {name.lower() for name in group}
        held = [word for word in said if word in known]
        others = [name for name in group if name.lower() not in held]
        into |= dict(zip(held, (others[k] for k in rng.permutation(len(others)).tolist()), strict=False))
    return _LETTERS.sub(lambda word: _in_its_case(word[0], into), text) if into else None


def _in_its_case(word: str, into: Mapping[str, str]) -> str:
    if word.lower() not in into:
        return word
    other = into[word.lower()]
    return other.upper() if word.isupper() else other.lower() if word.islower() else other


def _other_numbers(text: str, rng: np.random.Generator) -> str | None:
    changed = _NUMBER.sub(lambda found: near(found[0], rng), text)
    return None if changed == text else changed


def near(number: str, rng: np.random.Generator) -> str:
    """Another number of as many digits, a fifth away at most."""
    value, reach = int(number), max(1, int(number) // 5)
    low, high = max(10 ** (len(number) - 1), value - reach), min(10 ** len(number) - 1, value + reach)
    return str(rng.choice([other for other in range(low, high + 1) if other != value]))


def full_stop(text: str) -> str | None:
    """The text without the full stop at its end, or with one; None where another sign ends it."""
    stripped = text.rstrip()
    if stripped.endswith(".") and not stripped.endswith(".."):
        return stripped[:-1].rstrip() or None
    return f"{stripped}." if stripped[-1:].isalnum() and stripped[-1:].isascii() else None


def _with_address(text: str, rng: np.random.Generator) -> str:
    letters = "".join(rng.choice(list("bcdfghjkmnpqrtvwxyz23456789"), 7))
    return f"{text} https://example.com/{letters}"


def _with_word(text: str, neutral: Sequence[str], rng: np.random.Generator) -> str | None:
    """A word between two others that a space parts."""
    gaps = [found.start() for found in re.finditer(r"(?<=\w) (?=\w)", text)]
    if not gaps:
        return None
    place = int(rng.choice(gaps))
    return f"{text[:place]} {rng.choice(list(neutral))}{text[place:]}"


def _with_sentence(text: str, rng: np.random.Generator) -> str:
    sentence = str(rng.choice(NEUTRAL_SENTENCES))
    return joined(text, sentence.lower() if text == text.lower() else sentence)


def joined(text: str, other: str) -> str:
    """One text behind the other, as sentences of their own."""
    stripped = text.rstrip()
    return f"{stripped}{'' if stripped.endswith(_MARKS) else '.'} {other.lstrip()}"


def _contractions(text: str, gap: str) -> str | None:
    """Contractions spelt out; where there are none, "not" drawn to its verb, with a `gap` where texts are cut so."""
    changed = _CONTRACTED.sub(lambda found: f"{_LONG_FORMS.get(found[1].lower(), found[1])} not", text)
    if changed == text:
        changed = _SPELT_OUT.sub(lambda found: f"{_SHORT_FORMS.get(found[1].lower(), found[1])}{gap}n't", text)
    return None if changed == text else changed


def _apart(values: Iterable[str]) -> bool:
    """Whether texts have "do n't" oftener than "don't", as those that were cut into words before."""
    apart = together = 0
    for text in values:
        apart, together = apart + text.count(" n't"), together + len(re.findall(r"\wn['’]t", text))
    return apart > together
