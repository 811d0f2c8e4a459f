"""Documents as windows of a fixed number of tokens, one behind the other, without padding.

The tokens of all documents are laid end to end, a separator after each, and cut every `length - overlap` tokens. So a
batch is all tokens and no padding; a window may hold the end of one document and the beginning of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sounding.contract.records import Example


class PackedWindows(Sequence[Example]):
    """The windows of some documents, each made when it is asked for; arrays of tokens are not copied.

    `tokens`: one array [n] of whole numbers, or one for each document; they may be mapped from files. `length`: tokens
    of a window. `separator`: the token behind each document, None for none. `make_example(window [length], group)`
    gives the example. `overlap`: tokens that a window shares with the one before: 1 where each token is to be told from
    those before it, so that all but the first are told exactly once.

    The last window ends at the last token, and shares more with the one before if need be: no token is left out, unless
    there are fewer than `length` in all, which make no window. `group` names the document in which a window begins, so
    that intervals draw whole documents; it is empty where there is one document only, whose windows stand for
    themselves. Raises ValueError for a length that is not larger than the overlap.
    """

    def __init__(
        self,
        tokens: np.ndarray | Sequence[np.ndarray],
        length: int,
        separator: int | None,
        make_example: Callable[[np.ndarray, str], Example],
        *,
        overlap: int = 0,
    ) -> None:
        if not 0 <= overlap < length:
            raise ValueError(f"windows of {length} tokens cannot overlap by {overlap}")
        self._documents = [tokens] if isinstance(tokens, np.ndarray) else list(tokens)
        self._length, self._step, self._separator, self._make = length, length - overlap, separator, make_example
        extra = 0 if separator is None else 1
        self._ends = np.cumsum([len(document) + extra for document in self._documents], dtype=np.int64)
        self.tokens = int(self._ends[-1]) if len(self._ends) else 0
        """How many tokens there are in all, separators included."""
        self._windows = range(0 if self.tokens < length else 1 - (length - self.tokens) // self._step)

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return _Slice(self, self._windows[index])
        start = min(self._windows[index] * self._step, self.tokens - self._length)
        first = int(np.searchsorted(self._ends, start, side="right"))
        return self._make(self._read(first, start), str(first) if len(self._documents) > 1 else "")

    def _read(self, document: int, start: int) -> np.ndarray:
        """The window [length] from token `start` on, which lies in `document`."""
        parts, missing = [], self._length
        at = start - (int(self._ends[document - 1]) if document else 0)
        while missing:
            part = np.asarray(self._documents[document][at : at + missing])
            parts.append(part)
            missing -= len(part)
            if missing and self._separator is not None:
                parts.append(np.array([self._separator], part.dtype))
                missing -= 1
            document, at = document + 1, 0
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


class _Slice(Sequence[Example]):
    """Some windows of others."""

    def __init__(self, windows: PackedWindows, numbers: range) -> None:
        self._windows, self._numbers = windows, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: Any) -> Any:
        numbers = self._numbers[index]
        return _Slice(self._windows, numbers) if isinstance(numbers, range) else self._windows[numbers]
