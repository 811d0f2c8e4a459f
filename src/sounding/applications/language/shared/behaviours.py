"""What should become of a text that is written when the text that is read changes.

    full stop added or lost   invariance: the answer stays, its own full stop aside
    number exchanged          equivariance: the answer holds the new number, and is otherwise the same
    name exchanged            the same of a name, which is one that both sides of the pairs write alike

A number or a name is exchanged where the true answer has it as well: what an answer need not tell is not asked of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from sounding.applications.language.shared.fidelity import WORD, names
from sounding.contract.behaviour import EQUIVARIANCE, Behaviour, Changed
from sounding.contract.records import Example
from sounding.modalities.text.invariances import full_stop, near
from sounding.modalities.text.lexicon import FIRST_NAMES, PLACES

FULL_STOP, NUMBER, NAME = "full stop added or lost", "number exchanged", "name exchanged"
_NUMBER = re.compile(r"(?<![\w.,:/-])[1-9]\d{0,3}(?![\w/:-]|[.,]\d)")
_ALIKE = ("234", "56789")
"""Digits that stand for each other: what is counted takes one form after those of a group, in most languages."""
_SHORTEST = 3
"""Letters of a name, at least."""
_GROUPS = (*FIRST_NAMES, *PLACES)


def behaviours(train: Sequence[Example]) -> dict[str, Behaviour]:
    """The three of them; `train` says which names there are."""
    known = known_names(train)
    follows = (
        "whose answer does not hold the new {0}, or is otherwise another one than before; the true answer has the {0}"
    )
    return {
        FULL_STOP: Behaviour(_full_stop, fails="whose answer changed otherwise than in its own full stop"),
        NUMBER: Behaviour(_number, EQUIVARIANCE, follows.format("number")),
        NAME: Behaviour(lambda row, rng: _name(row, known, rng), EQUIVARIANCE, follows.format("name")),
    }


def known_names(rows: Sequence[Example]) -> tuple[str, ...]:
    """Words with a capital that stand on both sides of a pair alike, and nowhere in small letters."""
    found: Counter[str] = Counter()
    small: set[str] = set()
    for row in rows:
        found.update(names(row.input, row.target))
        small.update(word for text in (row.input, row.target) for word in WORD.findall(text) if word == word.lower())
    return tuple(sorted(word for word in found if _may_be_name(word) and word.lower() not in small))


def _may_be_name(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha() and word[0].isupper()


# ---- the changes


def _full_stop(row: Example, rng: np.random.Generator) -> Changed | None:
    changed = full_stop(row.input)
    return None if changed is None else Changed(changed, _rest_changed)


def _rest_changed(before: str, after: str) -> str:
    return "" if _without_stop(before) == _without_stop(after) else "the answer changed"


def _without_stop(text: str) -> str:
    return " ".join(text.split()).rstrip(".。．।։። ")


def _number(row: Example, rng: np.random.Generator) -> Changed | None:
    theirs = _NUMBER.findall(row.target)
    told = [number for number in dict.fromkeys(_NUMBER.findall(row.input)) if number in theirs]
    others = [(old, _other_number(old, rng)) for old in told]
    return _exchanged(row, [(old, new) for old, new in others if new and new not in row.input], rng, "number")


def _other_number(number: str, rng: np.random.Generator) -> str:
    """Another number of as many digits; nothing for a 1, after which words have a form of their own."""
    if len(number) > 1:
        return near(number, rng)
    group = next((group for group in _ALIKE if number in group), "")
    return str(rng.choice([digit for digit in group if digit != number])) if group else ""


def _name(row: Example, known: Sequence[str], rng: np.random.Generator) -> Changed | None:
    told = [name for name in sorted(names(row.input, row.target)) if name in known]
    others = [(old, _other_name(old, row, known, rng)) for old in told]
    return _exchanged(row, [(old, new) for old, new in others if new], rng, "name")


def _other_name(name: str, row: Example, known: Sequence[str], rng: np.random.Generator) -> str:
    """Another name of the same kind, as far as kinds are known, which stands in neither text; nothing without one."""
    fits = [each for each in known if _kind(each) == _kind(name) and each not in row.input and each not in row.target]
    return str(rng.choice(fits)) if fits else ""


def _kind(name: str) -> tuple[int, bool]:
    """In which list of names one stands, where it stands in any; and whether it is all capitals, as EU is."""
    return next((place for place, group in enumerate(_GROUPS) if name in group), -1), name.isupper()


# ---- what becomes of answers


def _exchanged(row: Example, choices: Sequence[tuple[str, str]], rng: np.random.Generator, noun: str) -> Changed | None:
    """The row with one of these exchanged for the other that stands beside it."""
    if not choices:
        return None
    old, new = choices[int(rng.integers(len(choices)))]

    def fault(before: str, after: str) -> str:
        if not _alone(new).search(after):
            return f"the new {noun} is missing"
        return "" if _spaced(_alone(old).sub(new, before)) == _spaced(after) else "the rest of the answer changed"

    return Changed(_alone(old).sub(new, row.input), fault)


def _alone(word: str) -> re.Pattern[str]:
    """A number or name where it is no part of another."""
    return re.compile(rf"(?<![\w-])(?<!\d[.,:]){re.escape(word)}(?![\w-]|[.,:]\d)")


def _spaced(text: str) -> str:
    return " ".join(text.split())
