"""How each kind of tokenizer is trained, with the `tokenizers` library; the same texts give the same tokenizer.

words        words and punctuation marks; what training did not have often enough is one unknown word
wordpiece    pieces of words, the longest first (Wu et al. 2016), as in BERT
unigram      pieces of words, the likeliest division (Kudo 2018), as in SentencePiece
bpe          merges of bytes (Sennrich et al. 2016), as in GPT-2: nothing is unknown, decoding is exact
bytes        the 256 bytes of UTF-8: the same, without merges
characters   characters, of which those are known that training had: decoding of these is exact
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from sounding.errors import UsageError, did_you_mean
from sounding.modalities.text.specials import NAMES, OURS
from sounding.modalities.text.words import word_splitter

Library = tokenizers.Tokenizer
_UNKNOWN = NAMES[OURS.unknown or 0]
_PRECISION = 6  # decimals of a unigram's score: sums of floats in the library's order of hashing differ beyond


def trained(kind: str, texts: Iterable[str], vocabulary: int, frequency: int, lower: bool) -> Library:
    """A tokenizer of a kind, with at most `vocabulary` tokens that are seen `frequency` times or more.

    Raises UsageError for an unknown kind, and for a vocabulary that has no room for the special tokens.
    """
    require_known(kind, vocabulary)
    library = KINDS[kind](iter(texts), vocabulary, frequency, lower)
    library.add_special_tokens([tokenizers.AddedToken(name, normalized=False) for name in NAMES])
    return library


def require_known(kind: str, vocabulary: int) -> None:
    """Raise UsageError for an unknown kind, and for a vocabulary that has no room for the special tokens."""
    if kind not in KINDS:
        raise UsageError(f"no tokenizer is called {kind!r}", fix=did_you_mean(kind, KINDS))
    if vocabulary <= len(NAMES):
        fix = f"Give more than {len(NAMES)}, which are special tokens"
        raise UsageError(f"a vocabulary of {vocabulary} has no room for text", fix=fix)


def _words(texts: Iterator[str], vocabulary: int, frequency: int, lower: bool) -> Library:
    library = _split(Library(models.WordLevel(unk_token=_UNKNOWN)), lower)
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocabulary, min_frequency=frequency, special_tokens=list(NAMES), show_progress=False
    )
    library.train_from_iterator(texts, trainer)
    return _split(Library(models.WordLevel(_vocabulary(library), unk_token=_UNKNOWN)), lower)


def _wordpiece(texts: Iterator[str], vocabulary: int, frequency: int, lower: bool) -> Library:
    library = _split(Library(models.WordPiece(unk_token=_UNKNOWN)), lower)
    kept = [library.normalizer.normalize_str(text) for text in texts]  # they are looked at twice
    letters = _frequent((letter for text in kept for letter in text if not letter.isspace()), 1, vocabulary // 4)
    inner = [f"##{letter}" for letter in letters]  # named, or they would be numbered in an order that is drawn
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        min_frequency=frequency,
        special_tokens=[*NAMES, *inner],
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        show_progress=False,
    )
    library.train_from_iterator(kept, trainer)
    whole = _split(Library(models.WordPiece(_vocabulary(library), unk_token=_UNKNOWN)), lower)
    whole.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    return whole


def _unigram(texts: Iterator[str], vocabulary: int, frequency: int, lower: bool) -> Library:
    def made(model: models.Unigram) -> Library:
        library = Library(model)
        library.normalizer = _normalizer(lower, compose=True)
        apart = pre_tokenizers.Split("[", "isolated")  # or "[PAD]", which is a piece, would be found in texts
        library.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), apart])
        library.decoder = decoders.Metaspace()
        return library

    library = made(models.Unigram())
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary, special_tokens=list(NAMES), unk_token=_UNKNOWN, show_progress=False
    )
    library.train_from_iterator(texts, trainer)
    pieces = json.loads(library.to_str())["model"]["vocab"]
    scored = _ordered({piece: round(score, _PRECISION) for piece, score in pieces if piece not in NAMES})
    return made(models.Unigram([*((name, 0.0) for name in NAMES), *scored], unk_id=OURS.unknown))


def _ordered(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """Pieces with their scores, best first.

    Letters that are no piece of their own get the lowest scores, one less than the other, in an order that the library
    draws; here it is that of their numbers.
    """
    least = min((score for piece, score in scores.items() if len(piece) > 1), default=0.0)
    letters = sorted(piece for piece, score in scores.items() if score < least)
    lowest = sorted((scores[letter] for letter in letters), reverse=True)
    fixed = {**scores, **dict(zip(letters, lowest, strict=True))}
    return sorted(fixed.items(), key=lambda pair: (-pair[1], pair[0]))


def _bpe(texts: Iterator[str], vocabulary: int, frequency: int, lower: bool) -> Library:
    library = _bytewise(Library(models.BPE()), lower)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=frequency,
        special_tokens=list(NAMES),
        initial_alphabet=_alphabet(),
        show_progress=False,
    )
    library.train_from_iterator(texts, trainer)
    return library


def _bytes(texts: Iterator[str], vocabulary: int, frequency: int, lower: bool) -> Library:
    return _bytewise(Library(models.BPE(vocab=_numbered(_alphabet()), merges=[])), lower)


def _characters(texts: Iterator[str], vocabulary: int, frequency: int, lower: bool) -> Library:
    normalizer = _normalizer(lower)
    normal = (normalizer.normalize_str(text) if normalizer else text for text in texts)
    letters = _frequent((letter for text in normal for letter in text), frequency, vocabulary - len(NAMES))
    library = Library(models.BPE(vocab=_numbered(letters), merges=[], unk_token=_UNKNOWN))
    if normalizer is not None:
        library.normalizer = normalizer
    library.decoder = decoders.Fuse()
    return library


KINDS: Mapping[str, Callable[[Iterator[str], int, int, bool], Library]] = {
    "words": _words,
    "wordpiece": _wordpiece,
    "unigram": _unigram,
    "bpe": _bpe,
    "bytes": _bytes,
    "characters": _characters,
}


def _split(library: Library, lower: bool) -> Library:
    """Words as `words.py` has them; a letter and its accent are one, however they were written."""
    library.normalizer = _normalizer(lower, compose=True)
    library.pre_tokenizer = word_splitter()
    return library


def _bytewise(library: Library, lower: bool) -> Library:
    if lower:
        library.normalizer = _normalizer(lower)
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    return library


def _normalizer(lower: bool, compose: bool = False) -> normalizers.Normalizer | None:
    steps = [*([normalizers.NFC()] if compose else []), *([normalizers.Lowercase()] if lower else [])]
    return normalizers.Sequence(steps) if steps else None


def _frequent(letters: Iterable[str], frequency: int, most: int) -> list[str]:
    """The most frequent letters, in order of their numbers."""
    often = [(letter, times) for letter, times in Counter(letters).items() if times >= frequency]
    often.sort(key=lambda pair: (-pair[1], pair[0]))
    return sorted(letter for letter, _ in often[:most])


def _alphabet() -> list[str]:
    """The 256 letters that stand for bytes."""
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def _numbered(letters: list[str]) -> dict[str, int]:
    return {token: number for number, token in enumerate([*NAMES, *letters])}


def _vocabulary(library: Library) -> dict[str, int]:
    """The ids that a training gave, in their order."""
    return dict(sorted(library.get_vocab().items(), key=lambda pair: pair[1]))
