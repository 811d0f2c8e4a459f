"""Tokens to text while it is written: whole characters at once, and nothing that a stop string may begin with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

NOT_WHOLE = "\ufffd"
"""What a decoder gives for bytes that are no whole character yet."""


class Writer:
    """Gathers the tokens of one text. `decode` makes text of ids; `stops` end it, and are left out."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str] = ()) -> None:
        self._decode, self._stops = decode, [stop for stop in stops if stop]
        self.ids: list[int] = []
        self.log_probability = 0.0
        self.stopped = False
        self._given = 0

    @property
    def text(self) -> str:
        """What was written, up to a stop string."""
        text = self._decode(self.ids)
        found = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        return text[: min(found)] if found else text

    def add(self, token: int, log_probability: float) -> None:
        """One token more; `stopped` is set where a stop string is complete."""
        self.ids.append(token)
        self.log_probability += log_probability
        if self._stops:
            text = self._decode(self.ids)
            self.stopped = any(stop in text for stop in self._stops)

    def new(self, *, done: bool = False) -> str:
        """What is written beyond what was given before, as far as it is certain; `done`: all of it."""
        text = self.text
        certain = len(text)
        if not done and not self.stopped:
            while certain and text[certain - 1] == NOT_WHOLE:
                certain -= 1
            certain -= max((_begun(text[:certain], stop) for stop in self._stops), default=0)
        piece = text[self._given : certain]
        self._given = max(self._given, certain)
        return piece


def _begun(text: str, stop: str) -> int:
    """How many characters at the end of a text a stop string begins with."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
