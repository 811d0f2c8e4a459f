"""Transcripts as files that other programs read: SubRip (.srt), WebVTT (.vtt) and plain text (.txt).

Words become lines to be read while they are said: a line ends where somebody pauses, and before it is longer than
`LONGEST` characters or `SLOWEST` seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

LONGEST, SLOWEST, PAUSE = 64, 6.0, 0.7
"""Characters and seconds of a line; seconds of silence after which a new one begins."""
SHORTEST = 0.5
"""Seconds for which a line is shown at least, unless the next one comes."""


class Timed(Protocol):
    """A word with its times in seconds."""

    @property
    def text(self) -> str:
        """The word."""

    @property
    def start(self) -> float:
        """When it begins."""

    @property
    def end(self) -> float:
        """When it ends."""


class Line(NamedTuple):
    """What is shown from `start` to `end` seconds."""

    start: float
    end: float
    text: str


def lines(words: Sequence[Timed]) -> list[Line]:
    """The words as lines, none of which overlaps the next."""
    found = [Line(some[0].start, some[-1].end, " ".join(word.text for word in some)) for some in _together(words)]
    starts = [*(line.start for line in found[1:]), float("inf")]
    return [
        line._replace(end=min(max(line.end, line.start + SHORTEST), s)) for line, s in zip(found, starts, strict=False)
    ]


def _together(words: Sequence[Timed]) -> Iterator[list[Timed]]:
    held: list[Timed] = []
    for word in words:
        length = sum(len(one.text) + 1 for one in held) + len(word.text)
        full = length > LONGEST or (held and word.end - held[0].start > SLOWEST)
        if held and (full or word.start - held[-1].end > PAUSE):
            yield held
            held = []
        held.append(word)
    if held:
        yield held


def srt(words: Sequence[Timed]) -> str:
    """The words as SubRip."""
    cues = [
        f"{number}\n{clock(line.start, ',')} --> {clock(line.end, ',')}\n{line.text}\n"
        for number, line in enumerate(lines(words), 1)
    ]
    return "\n".join(cues)


def vtt(words: Sequence[Timed]) -> str:
    """The words as WebVTT (W3C)."""
    cues = [f"{clock(line.start, '.')} --> {clock(line.end, '.')}\n{_plain(line.text)}\n" for line in lines(words)]
    return "\n".join(["WEBVTT\n", *cues])


def clock(seconds: float, mark: str) -> str:
    """A time as hours:minutes:seconds and thousandths."""
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02}{mark}{whole % 1000:03}"


def _plain(text: str) -> str:
    """A text of which nothing is taken for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


FORMATS: Mapping[str, Any] = {".srt": srt, ".vtt": vtt}
"""Ending → words as the text of such a file."""
