"""How people say it: how many, how long, and where a sentence begins. Messages and the card share these."""

from __future__ import annotations


def counted(n: int, noun: str, plural: str = "") -> str:
    """So many of something: 1 row, 1,200 rows, 2 classes."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {plural or noun + 's'}"


def listed(words: list[str], most: int, separator: str = ", ") -> str:
    """The first words, and a mark where there are more."""
    return separator.join(words[:most]) + (f"{separator}…" if len(words) > most else "")


def shortened(text: str, longest: int) -> str:
    """A text on one line of at most `longest` characters, with a mark where it goes on."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.4 s, 12 s, 3 min 20 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def capital(text: str) -> str:
    """The text with a large first letter and the others as they are; a name such as mAP50 stays as it is written."""
    first = text.split(" ")[0]
    return text if first != first.lower() else text[:1].upper() + text[1:]
