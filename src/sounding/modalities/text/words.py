"""Where the words and sentences of a text begin and end, in any script.

A word is a run of letters, marks and digits (with an apostrophe, or the joiners of Persian and Indian scripts, within),
a number with its points, a run of one punctuation mark ("..."), or one symbol with all that belongs to it (an emoji).
Scripts that write no spaces between words (Chinese, Japanese, Thai …) fall into characters. This is close to the word
boundaries of Unicode's Standard Annex 29, which need a dictionary for these scripts.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_LETTERS = rf"[[\p{{L}}\p{{M}}\p{{N}}_]&&[^{_UNSPACED}]]"
WORD = "|".join(
    (
        r"\p{N}+(?:[.,:]\p{N}+)+",  # 3.5  1,000  12:30
        rf"[{_UNSPACED}]\p{{M}}*",
        r"(?:\p{L}\.){2,}",  # U.S.A.
        rf"{_LETTERS}+(?:['’\u200c\u200d]{_LETTERS}+)*",
        r"['’](?:s|d|m|t|re|ve|ll)\b",  # cut off, as in texts that were tokenised before: it 's
        r"([\p{P}$+<=>^`|~])\1*",
        r"(?=\S)\X",
    )
)
"""One word, as a regular expression of the Oniguruma library."""

_SENTENCE = re.compile(r"""\S.*?(?:[.!?…]+["'”’»)\]]*(?=\s)|[。！？]+["”’）」』]*|\n\s*(?=\S)|\Z)""", re.DOTALL)


def word_splitter() -> Split:
    """Cuts a text into words and leaves the spaces out."""
    return Split(Regex(WORD), "removed", invert=True)


_SPLITTER = word_splitter()


@lru_cache(maxsize=1024)
def word_spans(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of each word, in characters."""
    return tuple(span for _, span in _SPLITTER.pre_tokenize_str(text))


def words(text: str) -> list[str]:
    """The words themselves."""
    return [text[start:end] for start, end in word_spans(text)]


def word_count(text: str) -> int:
    """How many words there are, signs aside."""
    return sum(any(letter.isalnum() for letter in word) for word in words(text))


def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of each sentence, without the spaces around it; a line break ends one too."""
    return tuple((found.start(), found.start() + len(found.group().rstrip())) for found in _SENTENCE.finditer(text))
