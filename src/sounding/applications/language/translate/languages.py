"""Languages: what columns and files call them, and pairs of texts of which one looks as if it were the other language.

Which language is which is learnt from the pairs themselves: a text is in the language whose texts have its trigrams of
letters more often (Cavnar and Trenkle 1994 rank these; here they are counted, as naive Bayes does).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from sounding.contract.records import Example

NAMED = {
    **{"en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese"},
    **{"nl": "dutch", "pl": "polish", "cs": "czech", "ru": "russian", "uk": "ukrainian", "zh": "chinese"},
    **{"ja": "japanese", "ko": "korean", "ar": "arabic", "he": "hebrew", "tr": "turkish", "fi": "finnish"},
    **{"sv": "swedish", "da": "danish", "nb": "bokmål", "no": "norwegian", "hu": "hungarian", "ro": "romanian"},
    **{"bg": "bulgarian", "el": "greek", "hr": "croatian", "sk": "slovak", "sl": "slovenian", "et": "estonian"},
    **{"lv": "latvian", "lt": "lithuanian", "vi": "vietnamese", "hi": "hindi", "fa": "persian", "ga": "irish"},
    **{"ca": "catalan", "eu": "basque", "gl": "galician", "is": "icelandic", "mk": "macedonian", "sr": "serbian"},
}
"""Codes of languages (ISO 639-1), and their names. English first: where nothing else is said, it is what is read."""
LANGUAGES = (*NAMED, *NAMED.values())
LEAST, SURE = 200, 2.0
"""Rows from which on languages are learnt; nats a letter trigram by which a text has to be nearer to the other one."""
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{2,5});")
_SHOWN = 3


class Profile:
    """How often letters stand in a row, three at a time, in the texts of one language."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._counts: Counter[str] = Counter()
        for text in texts:
            self._counts.update(trigrams(text))
        self._total = sum(self._counts.values())

    def nats(self, text: str) -> float:
        """Minus the mean log-probability of a text's trigrams."""
        found = trigrams(text)
        seen = [math.log((self._counts[each] + 0.1) / (self._total + 1e4)) for each in found]
        return -sum(seen) / max(1, len(seen))


def trigrams(text: str) -> list[str]:
    """Each three letters in a row, spaces around words among them."""
    line = f" {' '.join(text.lower().split())} "
    return [line[k : k + 3] for k in range(len(line) - 2)]


def odd_pairs(examples: Sequence[Example]) -> list[str]:
    """What should be said of training pairs that look wrong, with the places of some."""
    inputs, targets = [str(e.input) for e in examples], [str(e.target) for e in examples]
    same = [k for k, (a, b) in enumerate(zip(inputs, targets, strict=True)) if a.strip() == b.strip()]
    entities = [k for k, pair in enumerate(zip(inputs, targets, strict=True)) if any(map(_ENTITY.search, pair))]
    notes = _note(examples, same, "have the same text on both sides")
    if len(same) < len(examples) / 2 and len(examples) >= LEAST:
        ours, theirs = Profile(inputs), Profile(targets)
        foreign = [_is_foreign(text, ours, theirs) for text in inputs]
        turned = [_is_foreign(text, theirs, ours) for text in targets]
        others = [k for k in range(len(examples)) if k not in set(same)]
        both = [k for k in others if foreign[k] and turned[k]]
        notes += _note(examples, both, "look as if input and target were exchanged")
        one = [k for k in others if foreign[k] != turned[k]]
        notes += _note(examples, one, "look as if both sides were in one language")
    return notes + _note(examples, entities, "have HTML entities such as &amp;, which are learnt as they stand")


def _is_foreign(text: str, own: Profile, other: Profile) -> bool:
    """Whether a text of some length is clearly nearer to the other language."""
    return len(text) >= 20 and own.nats(text) - other.nats(text) > SURE


def _note(examples: Sequence[Example], places: Sequence[int], what: str) -> list[str]:
    if not places:
        return []
    where = getattr(examples, "where", None)
    some = [f"example {k + 1}" if where is None else where(k) for k in places[:_SHOWN]]
    more = ", …" if len(places) > _SHOWN else ""
    verb = {"have": "has", "look": "looks"}
    if len(places) == 1:
        first, _, rest = what.partition(" ")
        what = f"{verb[first]} {rest}"
    noun = "pair" if len(places) == 1 else "pairs"
    return [f"{len(places):,} training {noun} ({', '.join(some)}{more}) {what}"]
