"""Languages: what columns and files call them, and pairs of texts of which one looks as if it were the other language.

Which language is which is learnt from the pairs themselves: a text is in the language whose texts have its trigrams of
letters more often (Cavnar and Trenkle 1994 rank these; here they are counted, as naive Bayes does).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from sounding.applications.language.shared.rewritten import places
from sounding.contract.records import Example
from sounding.wording import counted

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
LOOKED_AT = 1000
"""Texts, at most, by which it is told in which language many are."""
LEAST, SURE = 200, 2.0
"""Rows from which on languages are learnt; nats a letter trigram by which a text has to be nearer to the other one."""
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{2,5});")


def canonical(name: str) -> str:
    """The code of a language, however it is called: "German", "de", "de-AT"; another name without its case."""
    said = name.casefold()
    if said.split("-")[0].split("_")[0] in NAMED:
        return said.split("-")[0].split("_")[0]
    return next((code for code, english in NAMED.items() if english == said), said)


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
    notes = _note(examples, same, ("has", "have"), "the same text on both sides")
    if len(same) < len(examples) / 2 and len(examples) >= LEAST:
        ours, theirs = Profile(inputs), Profile(targets)
        foreign = [_is_foreign(text, ours, theirs) for text in inputs]
        turned = [_is_foreign(text, theirs, ours) for text in targets]
        others = [k for k in range(len(examples)) if k not in set(same)]
        both = [k for k in others if foreign[k] and turned[k]]
        notes += _note(examples, both, ("looks", "look"), "as if input and target were exchanged")
        one = [k for k in others if foreign[k] != turned[k]]
        notes += _note(examples, one, ("looks", "look"), "as if both sides were in one language")
    return notes + _note(
        examples, entities, ("has", "have"), "HTML entities such as &amp;, which are learnt as they stand"
    )


def are_sources(texts: Sequence[str], examples: Sequence[Example]) -> bool:
    """Whether most of some texts are clearly in the language of the inputs of pairs. Of few pairs nothing is known."""
    if len(examples) < LEAST:
        return False
    some = [examples[k] for k in range(0, len(examples), 1 + len(examples) // LOOKED_AT)]
    sources, targets = Profile(str(e.input) for e in some), Profile(str(e.target) for e in some)
    looked = texts[:: 1 + len(texts) // LOOKED_AT]
    return sum(_is_foreign(text, targets, sources) for text in looked) > len(looked) / 2


def _is_foreign(text: str, own: Profile, other: Profile) -> bool:
    """Whether a text of some length is clearly nearer to the other language."""
    return len(text) >= 20 and own.nats(text) - other.nats(text) > SURE


def _note(examples: Sequence[Example], rows: Sequence[int], verb: tuple[str, str], what: str) -> list[str]:
    """How many pairs there are of this kind, where some are, and what they do; `verb` of one and of several."""
    if not rows:
        return []
    one = len(rows) == 1
    return [f"{counted(len(rows), 'training pair')} ({places(examples, rows)}) {verb[0] if one else verb[1]} {what}"]
