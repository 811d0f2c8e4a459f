"""Text: reviews, questions, documents; whatever somebody wrote.

A value is the string itself, its Unicode as it was. After `fit` what is read is cut to what the model sees, so that
explanations and corruptions act on that alone.

Legend of shapes: B batch, T tokens, D width, P segments.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sounding.contract.inputs import (
    Attributable,
    Corruptible,
    Corruption,
    Discrete,
    Divisible,
    Fingerprinted,
    Invariance,
    Perturbable,
    Portable,
    Tokenized,
)
from sounding.contract.modality import Typed
from sounding.drawing.rendering import Marks, Rendering
from sounding.drawing.spans import spans
from sounding.errors import DataError, UsageError, did_you_mean
from sounding.modalities.text.corruptions import CORRUPTIONS
from sounding.modalities.text.encodings import announced, encoding_of, read_text, require_decoded
from sounding.modalities.text.fingerprint import fingerprint
from sounding.modalities.text.invariances import difference, invariances, joined
from sounding.modalities.text.kinds import require_known
from sounding.modalities.text.segments import masked, segment_spans, segment_texts, summed
from sounding.modalities.text.specials import END, PAD, START
from sounding.modalities.text.stretches import cuts
from sounding.modalities.text.tokenizer import PRETRAINED, Encoded, Tokenizer
from sounding.modalities.text.typos import can_err, misspellings
from sounding.modalities.text.words import word_spans
from sounding.wording import percent, shortened

if TYPE_CHECKING:
    from torch import Tensor

KEEPS = ("head", "ends")
HUGE = 100_000
"""Characters from which on a text is worth a word to who checks the data."""
SAMPLE = 2000
"""Training texts that are counted, at most, to say how many are longer than what is read."""


_REACH = 64  # characters of a token, at most, that are looked at to cut a huge text


class Tokens(NamedTuple):
    """A batch of texts: `ids` [B, T] int64, padded on the right with 0, and `lengths` [B] int64, each 1 or more."""

    ids: Tensor
    lengths: Tensor


class Text(Attributable, Corruptible, Discrete, Perturbable, Divisible, Fingerprinted, Tokenized, Portable):
    """A string, as tokens.

    `tokenizer` is a kind of tokenizer (`kinds.KINDS`), trained by `fit` with at most `vocabulary` tokens that training
    has `frequency` times or more; `lower` ignores case. Or it is a `Tokenizer`, which `fit` leaves as it is. `longest`
    is how many tokens of a text are read, 0 for all: its first ones, or with keep="ends" a quarter from its beginning
    and three from its end (Sun et al. 2019). With `ends` each text is put between START and END; a tokenizer that was
    read from a file has ends of its own.
    """

    columns: tuple[str, ...] = (
        *(
            "text",
            "sentence",
            "review",
            "review_text",
            "content",
            "document",
            "comment",
            "tweet",
            "message",
            "question",
        ),
        *("body", "description", "utterance", "post", "passage", "article", "abstract", "headline", "title", "prompt"),
    )
    suffixes = (".txt",)
    noun = "text"
    baselines = ("deleted", "masked")
    edit = "a typing error in one word"

    def __init__(
        self,
        tokenizer: str | Tokenizer = "words",
        vocabulary: int = 20_000,
        longest: int = 512,
        lower: bool = False,
        frequency: int = 1,
        keep: str = "head",
        ends: bool = False,
    ) -> None:
        if keep not in KEEPS:
            raise UsageError(f"no way to keep a part of a text called {keep!r}", fix=did_you_mean(keep, KEEPS))
        if isinstance(tokenizer, str):
            require_known(tokenizer, vocabulary)
        self.kind = tokenizer if isinstance(tokenizer, str) else tokenizer.kind
        self._tokenizer = None if isinstance(tokenizer, str) else tokenizer
        self._given = self._tokenizer is not None
        self.vocabulary, self.frequency, self.lower = vocabulary, frequency, lower
        self.longest, self.keep, self.ends = longest, keep, ends
        self._encodings: dict[str, str] = {}
        self._notes: list[str] = []

    # ---- reading

    @property
    def written(self) -> bool:
        """A text may be typed, although it may also be a file's."""
        return True

    def names_file(self, cell: Any, root: Path = Path()) -> bool:
        """Whether a cell names a file. A sentence that ends in ".txt" does so only if there is such a file."""
        if isinstance(cell, Path):
            return True
        if not isinstance(cell, str) or isinstance(cell, Typed) or not self._is_name(cell):
            return False
        return (root / cell).is_file() or len(cell.split()) == 1

    def accepts(self, cell: Any) -> bool:
        """Whether a cell is a text of more than one word, or names a text file."""
        if isinstance(cell, Path):
            return cell.suffix.lower() in self.suffixes
        return isinstance(cell, str) and (len(word_spans(cell[:1000])) > 1 or self._is_name(cell))

    def read(self, cell: Any, root: Path = Path()) -> str:
        """The text of a cell, or of the .txt file that it names (from `root`); after `fit` what of it a model reads.

        Raises DataError for what is no text, is empty, or holds NUL bytes or half characters.
        """
        text = self._of_file(root / cell) if self.names_file(cell, root) else cell
        if not isinstance(text, str):
            raise DataError(f"{text!r} is a {type(text).__name__}, not text", fix="Put a string in each cell")
        if "\0" in text:
            what = f"the text holds a NUL byte (character {text.index(chr(0)) + 1:,})"
            raise DataError(what, fix="Remove it, or export the text again as UTF-8")
        require_decoded(text)
        text = text.removeprefix("\ufeff")
        if all(unicodedata.category(sign)[0] in "CZ" for sign in text):  # spaces, and what nobody sees
            raise DataError("the text is empty", fix="Fill it in, or remove the row")
        return self._visible(text)

    def remark(self, value: str) -> str:
        """That a text is very long."""
        if len(value) <= HUGE or not self.longest:
            return ""
        return f"{len(value):,} characters, of which a model reads {self.longest:,} tokens"

    def _is_name(self, cell: str) -> bool:
        return cell.lower().endswith(self.suffixes) and len(cell) < 1000 and "\n" not in cell

    def _of_file(self, path: Path) -> str:
        if not path.exists():
            raise DataError(f"there is no file {path.name!r}", fix="Correct the path, or give the text itself")
        try:
            text, encoding = read_text(path, ""), encoding_of(path, "").name
        except DataError as error:
            line = error.where.strip(":")
            raise DataError(f"line {line}: {error.what}" if line else error.what, fix=error.fix) from None
        if encoding:
            self._encodings[f"{path.parent.name}/{path.name}"] = encoding
        return text

    def _visible(self, text: str) -> str:
        """What of a text is read, once a tokenizer is there."""
        if self._tokenizer is None or not self.longest or len(text.encode()) <= self.longest:
            return text
        head, tail = self._kept()
        near = _REACH * self.longest
        if len(text) > 2 * near:  # the middle of a huge text need not be looked at
            first, last = self._tokenizer.encode(text[:near]).offsets, self._tokenizer.encode(text[-near:]).offsets
            if min(len(first) - head, len(last) - tail) > 0:
                return _joined(text, int(first[head - 1, 1]), len(text) - near + int(last[-tail, 0]) if tail else None)
        offsets = self._tokenizer.encode(text).offsets
        if len(offsets) <= head + tail:
            return text
        return _joined(text, int(offsets[head - 1, 1]), int(offsets[-tail, 0]) if tail else None)

    # ---- state

    @property
    def tokenizer(self) -> Tokenizer:
        """Text to ids and back. Raises UsageError before `fit`."""
        if self._tokenizer is None:
            raise UsageError("the text has no tokenizer yet", fix="Fit it to training texts first")
        return self._tokenizer

    def use(self, tokenizer: Tokenizer) -> None:
        """Take a tokenizer from elsewhere, such as another run's; `fit` will leave it as it is."""
        self._tokenizer, self._given, self.kind = tokenizer, True, tokenizer.kind

    def adopt(self, state: Mapping[str, Any]) -> None:
        """Take the tokenizer of another model."""
        if state.get("tokenizer"):
            self.use(Tokenizer.restored(state["tokenizer"]))

    def token_texts(self, value: str) -> list[str]:
        """The characters of each token; of one that stands for none (an end, a mask), its name."""
        ids, offsets = self.encoded(value)
        pairs = zip(ids.tolist(), offsets.tolist(), strict=False)
        return [value[start:end] or self.tokenizer.token(id) for id, (start, end) in pairs]

    def fit(self, values: Iterable[str]) -> None:
        """Train the tokenizer, unless there is one; count how many texts are longer than what is read."""
        sample: list[str] = []
        texts = self._sampled(values, sample)
        if not self._given:
            self._tokenizer = Tokenizer.train(self.kind, texts, self.vocabulary, self.frequency, self.lower)
        for _ in texts:  # of which training may have taken none
            if len(sample) == SAMPLE:
                break
        if not sample:
            raise DataError("there is no text to learn from", fix="Give at least one row whose text can be read")
        self._notes = [*self._said_of_vocabulary(), *self._said_of_lengths(sample)]

    @staticmethod
    def _sampled(values: Iterable[str], sample: list[str]) -> Iterator[str]:
        for value in values:
            if len(sample) < SAMPLE:
                sample.append(value)
            yield value

    def _said_of_vocabulary(self) -> list[str]:
        if self._given or self.kind == "bytes":
            return []
        return [f"the tokenizer ({self.kind}) has {len(self.tokenizer):,} tokens"]

    def _said_of_lengths(self, sample: Sequence[str]) -> list[str]:
        if not self.longest:
            return []
        lengths = np.array([len(self.tokenizer.ids(text)) for text in sample])
        room = sum(self._kept())
        long = int((lengths > room).sum())
        if not long:
            return []
        share = np.minimum(lengths, room).sum() / lengths.sum()
        which = (
            f"the first {room:,}" if self.keep == "head" else f"{self._kept()[0]:,} first and {self._kept()[1]:,} last"
        )
        looked = f"{len(sample):,} training texts" + (" that were looked at" if len(sample) == SAMPLE else "")
        return [f"{long:,} of {looked} are cut: {which} tokens are read ({percent(share, 1)} of all tokens)"]

    def notes(self) -> list[str]:
        """Files that are not UTF-8, how many tokens there are, and how many texts are longer than what is read."""
        return [*announced(self._encodings), *self._notes]

    def state(self) -> dict[str, Any]:
        """The tokenizer, and how texts are cut."""
        numbers = {name: getattr(self, name) for name in ("longest", "keep", "ends")}
        numbers["given"] = self._given
        return {**numbers, "tokenizer": None if self._tokenizer is None else self._tokenizer.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.longest, self.keep, self.ends = state["longest"], state["keep"], state["ends"]
        if state["tokenizer"] is not None:
            self._tokenizer = Tokenizer.restored(state["tokenizer"])
            self.kind, self._given = self._tokenizer.kind, state["given"]

    # ---- tensors

    def length(self, value: str) -> int:
        """The tokens of a text, its ends among them."""
        return len(self._ids(value))

    def encode(self, values: Sequence[str]) -> Tokens:
        """The ids of each text, padded to the longest. A text without a token is one mask."""
        import torch

        return Tokens(*map(torch.from_numpy, self.arrays(values)))

    def arrays(self, values: Sequence[str]) -> tuple[np.ndarray, ...]:
        """The same without torch."""
        rows = [self._ids(value) for value in values]
        lengths = np.array([len(row) for row in rows], np.int64)
        ids = np.full((len(rows), int(lengths.max(initial=0))), PAD, np.int64)
        for row, found in zip(ids, rows, strict=True):
            row[: len(found)] = found
        return ids, lengths

    @property
    def axes(self) -> Mapping[str, tuple[str | int, ...]]:
        """The tokens, and how many there are of each text."""
        return {"ids": ("batch", "tokens"), "lengths": ("batch",)}

    @property
    def steps(self) -> Sequence[str]:
        """From characters to numbers."""
        before, after = self._around()
        head, tail = self._kept()
        ends = f"put the tokens {list(before)} before and {list(after)} behind them" if before or after else ""
        cut = f"keep the first {head:,} tokens" + (f" and the last {tail:,}" if tail else "")
        steps = (
            "split the text by tokenizer.json (Hugging Face tokenizers), special tokens neither added nor looked for",
            cut if self.longest else "",
            ends,
            f"`ids` int64, a batch padded on the right with {PAD}; `lengths` int64, the tokens of each text",
        )
        return tuple(filter(None, steps))

    def encoded(self, value: str) -> Encoded:
        """The tokens of a text as `encode` gives them, and the characters of each; none for its ends."""
        ids, offsets = self._encoding(value)
        before, after = self._around()
        nowhere = np.zeros((1, 2), np.int64)
        places = [nowhere.repeat(len(before), 0), self._cut(offsets), nowhere.repeat(len(after), 0)]
        return Encoded(self._closed(ids), np.concatenate(places) if len(ids) or before or after else nowhere)

    def _encoding(self, value: str) -> Encoded:
        """The tokens of a text; of one that is too long, the first or last of these are read."""
        return self.tokenizer.encode(value)

    def _ids(self, value: str) -> np.ndarray:
        return self._closed(self.tokenizer.ids(value))

    def _closed(self, ids: np.ndarray) -> np.ndarray:
        """The tokens that are read, between the ends."""
        before, after = self._around()
        found = np.concatenate([np.array(before, np.int64), self._cut(ids), np.array(after, np.int64)])
        if len(found):
            return found
        special = self.tokenizer.specials
        return np.array([special.mask or special.unknown or PAD], np.int64)

    def _around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if self.tokenizer.kind == PRETRAINED:
            return self.tokenizer.prefix, self.tokenizer.suffix
        return ((START,), (END,)) if self.ends else ((), ())

    def _kept(self) -> tuple[int, int]:
        """How many tokens are read from the beginning of a text and from its end."""
        room = max(1, self.longest - sum(map(len, self._around())))
        return (room, 0) if self.keep == "head" else (-(-room // 4), room - -(-room // 4))

    def _cut(self, tokens: np.ndarray) -> np.ndarray:
        if not self.longest or len(tokens) <= sum(self._kept()):
            return tokens
        head, tail = self._kept()
        return tokens[:head] if not tail else np.concatenate([tokens[:head], tokens[-tail:]])

    # ---- explaining

    def segments(self, value: str) -> int:
        """P: the words of a text, or the sentences where it has more than sixty words; see `segments.py`."""
        return len(segment_spans(value))

    def segment_name(self, value: str, part: int) -> str:
        """The word or the beginning of the sentence, and its number."""
        return f"“{shortened(segment_texts(value)[part], 40)}”, number {part + 1}"

    def mask(self, value: str, mask: np.ndarray, baseline: str) -> str:
        """The text with only the segments where `mask` [P] is true; the others are deleted, or each is one mask."""
        if baseline not in self.baselines:
            raise UsageError(f"texts have no baseline {baseline!r}", fix=did_you_mean(baseline, self.baselines))
        return masked(value, mask, "" if baseline == "deleted" else self._gap())

    def _gap(self) -> str:
        """What stands for a segment that is hidden: the mask, or else what is unknown to the tokenizer."""
        if self.tokenizer.mask_text:
            return self.tokenizer.mask_text
        return "_"

    def aggregate(self, saliency: Tensor, value: str) -> np.ndarray:
        """The sum of `saliency` [T, D] or [T] over the tokens of each segment: [P]."""
        values = saliency.detach().cpu().double()
        values = values.flatten(1).sum(1) if values.ndim > 1 else values
        offsets = self.encoded(value).offsets[: len(values)]
        return summed(values.numpy()[: len(offsets)], offsets, value)

    def blank(self, x: Tokens) -> Tokens:
        """As many masks (or else unknown tokens) as there are tokens."""
        import torch

        special = self.tokenizer.specials
        gap = next((id for id in (special.mask, special.unknown, special.pad) if id is not None), PAD)
        within = torch.arange(x.ids.shape[1], device=x.ids.device) < x.lengths[:, None]
        return Tokens(torch.where(within, gap, x.ids), x.lengths)

    # ---- disturbing

    @property
    def corruptions(self) -> Mapping[str, Corruption]:
        """Typing errors, case, punctuation and spacing; see `corruptions.py`. Case only where it is seen at all."""
        if self._tokenizer is not None and self._tokenizer.ignores_case:
            return {name: corrupt for name, corrupt in CORRUPTIONS.items() if name != "case"}
        return CORRUPTIONS

    def neighbours(self, value: str, rng: np.random.Generator) -> Iterator[str]:
        """The text with a typing error in one word; each word once before any is tried again.

        What became a word that the tokenizer knows is passed over: it might say something else.
        """
        words = [(start, end) for start, end in word_spans(value) if can_err(value[start:end])]
        order = [words[k] for k in rng.permutation(len(words)).tolist()]
        tries = [misspellings(value[start:end], rng) for start, end in order]
        while tries:
            left = []
            for (start, end), errors in zip(order, tries, strict=True):
                found = next((word for word in errors if not self.tokenizer.knows(word)), None)
                if found is not None:
                    yield value[:start] + found + value[end:]
                    left.append(((start, end), errors))
            order, tries = [place for place, _ in left], [errors for _, errors in left]

    def invariances(self, values: Sequence[str], answers: Sequence[Any]) -> Mapping[str, Invariance]:
        """Names, numbers, a typing error, a neutral word …; see `invariances.py`."""
        return invariances(values, answers, lambda text, rng: next(self.neighbours(text, rng), None))

    def extended(self, value: str, other: str) -> str:
        """The other text behind this one; before it, where what is behind is not read any more."""
        behind = joined(value, other)
        whole = not self.longest or len(self.tokenizer.ids(behind)) <= sum(self._kept())
        return behind if whole or self.keep == "ends" else joined(other, value)

    def difference(self, value: str, other: str) -> str:
        """The words that were changed, and some around them."""
        return difference(value, other)

    def fingerprint(self, value: str) -> np.ndarray:
        """A projection of the character n-grams of a text; see `fingerprint.py`."""
        return fingerprint(value)

    def divide(self, value: str, shares: Sequence[float]) -> list[str]:
        """Stretches of a text, cut between paragraphs, lines, sentences or words, whichever are near the shares."""
        return [value[start:end] for start, end in pairwise(cuts(value, shares))]

    # ---- showing

    def describe(self, value: str) -> str:
        """The beginning of a text on one line."""
        line = " ".join(value[:400].split())
        return line if len(line) <= 80 and len(value) <= 400 else f"{line[:79]}…"

    def render(self, value: str, weights: np.ndarray | None = None, answer: Marks | None = None) -> Rendering:
        """The text, each word or sentence on the colour of its weight [P]."""
        return spans(segment_texts(value), weights)


def _joined(text: str, end: int, start: int | None) -> str:
    """A text up to one place, and from another one where that is given."""
    return text[:end] if start is None else f"{text[:end]}\n{text[start:].lstrip()}"
