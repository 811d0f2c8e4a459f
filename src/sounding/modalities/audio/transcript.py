"""What was said: a text, brought into one form, and its units, which a model writes one after the other.

`plain` form: small letters and numbers, with the apostrophes within words; everything else is a space. `written` form:
as it stands, but for white space. Both are in Unicode's composed form (NFKC), with one kind of apostrophe. In this form
what a person wrote is compared with what a model answers.

Units are the characters of the training transcripts, or word pieces (`bpe`, `unigram`) for languages with many.

Legend of shapes: B batch, L units.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from sounding.contract.answers import Answer, Documented, Exported, Listing, Overlaid, Spelled
from sounding.drawing.rendering import Marks
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.modalities.audio import subtitles
from sounding.modalities.audio.drawing import word_marks
from sounding.modalities.text.encodings import announced, encoding_of, read_text
from sounding.modalities.text.text import Tokens
from sounding.modalities.text.tokenizer import Tokenizer

FORMS = ("plain", "written")
UNITS = ("characters", "bpe", "unigram")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ′`´", "'"))
_NO_WORD = re.compile(r"[^\w']|_")
_LOOSE = re.compile(r"(?<!\w)'+|'+(?!\w)")
_SHOWN = 8


class Word(NamedTuple):
    """A word of a transcript: when it was said in seconds, and the probability that it is right."""

    text: str
    start: float
    end: float
    confidence: float


class Transcribed(str):
    """A transcript with its words, where a model wrote it; `seconds` is how long the recording is."""

    __slots__ = ("seconds", "words")
    words: tuple[Word, ...]
    seconds: float

    @classmethod
    def of(cls, words: Sequence[Word], seconds: float) -> Self:
        """The text of these words."""
        made = cls(" ".join(word.text for word in words))
        made.words, made.seconds = tuple(words), seconds
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Transcribed.of, (self.words, self.seconds)


def in_form(text: str, form: str) -> str:
    """A transcript in one of `FORMS`."""
    text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    if form == "plain":
        text = unicodedata.normalize("NFKC", text.casefold())
        text = _LOOSE.sub(" ", _NO_WORD.sub(" ", text))
    return " ".join(text.split())


class Transcript(Answer, Overlaid, Listing, Exported, Documented, Spelled):
    """What is said in a recording."""

    columns = (
        *("transcript", "transcription", "sentence", "text", "normalized_text", "raw_text", "utterance", "words"),
        *("label", "target"),
    )
    asked = "TRANSCRIPT"
    endings = (".srt", ".vtt", ".txt")

    def __init__(self, form: str = "plain", units: str = "characters", vocabulary: int = 256) -> None:
        for name, word, known in (("form", form, FORMS), ("units", units, UNITS)):
            if word not in known:
                raise UsageError(f"{name}={word} is not known", fix=did_you_mean(word, known))
        self.form, self.units, self.vocabulary = form, units, vocabulary
        self._tokenizer: Tokenizer | None = None
        self.learnt = ""
        """What `fit` found, in a sentence."""
        self._encodings: dict[str, str] = {}

    # ---- reading

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a text."""
        return isinstance(cell, str)

    def read(self, cell: Any, root: Path = Path()) -> str:
        """The transcript in its form; that of a text file, where the cell is a `Path`.

        Raises DataError for what is no text, for a file that is missing, and for a text of which nothing is left.
        """
        if isinstance(cell, Path):
            if not cell.is_file():
                what = f"there is no {cell.name} with what is said in it"
                raise DataError(what, fix="Write it beside the recording", or_remove=True)
            self._encodings[f"{cell.parent.name}/{cell.name}"] = encoding_of(cell, cell.name).name
            cell = read_text(cell, cell.name)
        if not isinstance(cell, str):
            raise DataError(f"a {type(cell).__name__} is not a transcript", fix="Give what is said as text")
        text = in_form(cell, self.form)
        if cell.strip() and not text:
            raise DataError(f"{cell!r} holds no words", fix="Write what is said", or_remove=True)
        return text

    def remark(self, value: str) -> str:
        """After `fit`: characters that no training transcript has; ahead of it: digits, which nobody says."""
        if self._tokenizer is not None:
            some = " ".join(map(repr, self.unseen_units(value)[:_SHOWN]))
            return f"no training transcript has {some}, which cannot be got right" if some else ""
        return "numbers are written in digits: write them as they are said" if re.search(r"\d", value) else ""

    # ---- state

    @property
    def tokenizer(self) -> Tokenizer:
        """Text to units and back. Raises UsageError before `fit`."""
        if self._tokenizer is None:
            raise UsageError("the transcripts have no units yet", fix="Fit them to training transcripts first")
        return self._tokenizer

    def fit(self, values: Iterable[str]) -> None:
        """Learn the units of the training transcripts."""
        texts = list(values)
        if not any(texts):
            raise DataError("there is no transcript to learn from", fix="Give rows with what is said")
        self._tokenizer = Tokenizer.train(self.units, texts, self.vocabulary)
        words = Counter(word for text in texts for word in text.split())
        how = "small letters, without punctuation" if self.form == "plain" else "as written"
        self.learnt = (
            f"transcripts are compared {how} (form={self.form}); {sum(words.values()):,} words, {len(words):,} of them "
            f"different; a model writes {len(self._tokenizer):,} {self.units}"
        )

    def unseen_units(self, value: str) -> list[str]:
        """The characters that no training transcript has, each once."""
        ids, offsets = self.tokenizer.encode(value)
        odd = offsets[ids == self.tokenizer.specials.unknown].tolist()
        return list(dict.fromkeys(value[start:end] for start, end in odd))

    def notes(self) -> list[str]:
        """Files that are not UTF-8."""
        return announced(self._encodings)

    def state(self) -> dict[str, Any]:
        """The form and the units."""
        made = None if self._tokenizer is None else self._tokenizer.state()
        return {"form": self.form, "units": self.units, "vocabulary": self.vocabulary, "tokenizer": made}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.form, self.units, self.vocabulary = state["form"], state["units"], state["vocabulary"]
        if state["tokenizer"] is not None:
            self._tokenizer = Tokenizer.restored(state["tokenizer"])

    # ---- tensors

    def length(self, value: str) -> int:
        """The units of a transcript."""
        return len(self.tokenizer.ids(value))

    def encode(self, values: Sequence[str]) -> Tokens:
        """The units of each transcript [B, L], padded with 0, and how many they are [B]."""
        rows = self.tokenizer.batch([str(value) for value in values])
        lengths = np.array([len(row) for row in rows], np.int64)
        ids = np.zeros((len(rows), max(1, int(lengths.max(initial=0)))), np.int64)
        for row, found in zip(ids, rows, strict=True):
            row[: len(found)] = found
        import torch

        return Tokens(torch.from_numpy(ids), torch.from_numpy(lengths))

    # ---- showing

    def lists_nothing(self, value: str) -> bool:
        """Whether nothing was said."""
        return not value

    def answers(self, value: str, confidence: float | None, scores: np.ndarray | None) -> list[dict[str, Any]]:
        """What was said, as the pipeline of speech recognition gives it, with the words in `chunks`."""
        chunks = [{"text": word.text, "timestamp": (word.start, word.end)} for word in words_of(value)]
        return [{"text": str(value), "score": confidence, "chunks": chunks}]

    def fields(self, value: str, scores: np.ndarray | None) -> Mapping[str, Callable[[], Any]]:
        """`text`: what was said; `words`: each with its times and its confidence."""
        return {"text": lambda: str(value), "words": lambda: list(words_of(value))}

    def marks(self, value: str) -> Marks:
        """The words at their times; nothing where those are not known."""
        return word_marks([(word.text, word.start, word.end) for word in words_of(value)])

    def describe(self, value: str) -> str:
        """All of the text; that nothing was said."""
        return str(value) or "(nothing)"

    def to_json(self, value: str) -> Any:
        """The text; what a model wrote, with its words."""
        if not isinstance(value, Transcribed):
            return str(value)
        return {"text": str(value), "words": self._words(value)}

    def exported(self, answers: Sequence[tuple[str, str]], ending: str) -> str:
        """Subtitles of one recording, or the text of each on a line.

        Raises UsageError for subtitles of several.
        """
        if ending == ".txt":
            return "".join(f"{value}\n" for _, value in answers)
        if len(answers) > 1:
            fix = "Give a folder, in which each has a file of its own"
            raise UsageError(f"{len(answers):,} recordings cannot have one {ending} file", fix=fix)
        return subtitles.FORMATS[ending](words_of(answers[0][1]) if answers else ())

    def document(self, answers: Sequence[tuple[str, str]]) -> Any:
        """A list with the source of each recording, its text and its words."""
        return [{"audio": source, "text": str(value), "words": self._words(value)} for source, value in answers]

    @staticmethod
    def _words(value: str) -> list[dict[str, Any]]:
        return [
            {"word": w.text, "start": round(w.start, 3), "end": round(w.end, 3), "confidence": round(w.confidence, 4)}
            for w in words_of(value)
        ]


def words_of(value: str) -> tuple[Word, ...]:
    """The words of a transcript that a model wrote; none of another."""
    return value.words if isinstance(value, Transcribed) else ()
