"""What a measurement returns: numbers that carry their spread, in sections that a card prints.

    Estimate   a value with its interval           what metrics and the Python API give
    Number     an estimate that can be printed     id, name, definition, unit, kind, seed, seconds
    Figure     one picture, as SVG text, and what can be heard of it
    Section    one part of the card                title, one sentence, numbers, figures; or its status and why

The JSON of these is a public format (`card.json`, schema 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from sounding.errors import SoundingError

Kind = Literal["measured", "estimated", "bound"]

COUNTED = "complete count"
"""The interval of what was counted and not sampled: there is none, and none is missing."""
_LONGEST = 300  # characters of an error's words that a reason holds


class Bound(StrEnum):
    """On which side of the truth a bound lies: a lower bound says "at least", an upper one "at most"."""

    NONE = ""
    LOWER = "lower"
    UPPER = "upper"


SIDES = {Bound.NONE: "", Bound.LOWER: "at least", Bound.UPPER: "at most"}
"""What is said before a bound."""


class Status(StrEnum):
    """What became of a section. The public format knows the first three; the others are `skipped` there."""

    OK = "ok"
    NOT_APPLICABLE = "not_applicable"
    SKIPPED = "skipped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def public(self) -> Status:
        """As card.json says it."""
        return Status.SKIPPED if self in (Status.FAILED, Status.INTERRUPTED) else self


@dataclass(frozen=True)
class Estimate:
    """A value and the interval [low, high] that holds the truth with probability `level`.

    `interval` names the method (wilson, bootstrap, clustered bootstrap, t over clusters, clopper-pearson, model
    uncertainty, none, none over clusters); `n` counts the independent things measured. Where no interval can be had,
    low and high are None. `bound` says on which side of the truth the value lies, where it is a bound.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    level: float = 0.95
    interval: str = "none"
    bound: Bound = Bound.NONE

    @property
    def cell(self) -> dict[str, float | None]:
        """What of it stands in a table of a section's `details`: value, interval; a card prints one cell."""
        return {"value": self.value, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        value = f"{SIDES[self.bound]} {self.value:z.3f}".strip()
        return value if self.low is None or self.high is None else f"{value} [{self.low:z.3f}, {self.high:z.3f}]"


@dataclass(frozen=True)
class Number:
    """One printed number: its estimate, what it means, and how it was had. One of the kind "bound" says which, and so
    does its estimate, for whoever prints that alone.
    """

    id: str
    name: str
    estimate: Estimate
    definition: str
    unit: str = ""
    kind: Kind = "measured"
    seed: int | None = None
    seconds: float = 0.0
    bound: Bound = Bound.NONE

    def __post_init__(self) -> None:
        object.__setattr__(self, "estimate", replace(self.estimate, bound=self.bound))

    def to_json(self) -> dict[str, Any]:
        """The number as card.json holds it: the estimate's fields stand beside its own."""
        own = asdict(self)
        estimate = own.pop("estimate")
        return {**own, **estimate, "bound": self.bound.value}


@dataclass(frozen=True)
class Clip:
    """A sound to be played beside a picture: what it is called, and the bytes of its file, as base64.

    `media` is what the file is ("audio/flac", "audio/wav"), by which its ending is known, too.
    """

    name: str
    media: str
    base64: str

    @property
    def ending(self) -> str:
        """That of the file (".flac")."""
        return f".{self.media.rpartition('/')[2]}"


@dataclass(frozen=True)
class Figure:
    """One picture: `svg` is a complete <svg> element; `caption` says what to see in it.

    `clips` are what can be heard of what it shows, in the order in which it is shown.
    """

    id: str
    caption: str
    svg: str
    clips: tuple[Clip, ...] = ()

    @property
    def clip_names(self) -> tuple[str, ...]:
        """The names of the clips' files."""
        return tuple(f"{self.id}_{number}{clip.ending}" for number, clip in enumerate(self.clips, 1))

    def to_json(self) -> dict[str, Any]:
        """The figure as card.json holds it: by the names of its files, which lie beside it."""
        found: dict[str, Any] = {"id": self.id, "caption": self.caption, "file": f"plots/{self.id}.svg"}
        if self.clips:
            named = zip(self.clips, self.clip_names, strict=True)
            found["clips"] = [{"name": clip.name, "media": clip.media, "file": f"plots/{file}"} for clip, file in named]
        return found


@dataclass(frozen=True)
class Section:
    """One part of the card. `sentence` is the finding in plain words; `reason` says why a status is not ok.

    `details` holds tables and lists that explain a number but are none (per-class rows, examples), as JSON.
    """

    id: str
    title: str
    sentence: str = ""
    numbers: tuple[Number, ...] = ()
    figures: tuple[Figure, ...] = ()
    status: Status = Status.OK
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def __getitem__(self, id: str) -> Estimate:
        """The estimate of the number called `id`."""
        for number in self.numbers:
            if number.id == id:
                return number.estimate
        raise KeyError(f"{self.id} has no number {id}; it has {', '.join(n.id for n in self.numbers) or 'none'}")

    @property
    def failed(self) -> bool:
        """Whether measuring it broke with an error."""
        return self.status is Status.FAILED

    @property
    def interrupted(self) -> bool:
        """Whether it was not measured because somebody stopped the measuring."""
        return self.status is Status.INTERRUPTED

    def to_json(self) -> dict[str, Any]:
        """The section as card.json holds it; figures by id and caption (their files lie in plots/).

        `cause` says why a section was skipped where that was an error ("failed") or a person ("interrupted").
        """
        return {
            "id": self.id,
            "title": self.title,
            "status": self.status.public.value,
            "cause": "" if self.status is self.status.public else self.status.value,
            "reason": self.reason,
            "sentence": self.sentence,
            "numbers": [number.to_json() for number in self.numbers],
            "figures": [figure.to_json() for figure in self.figures],
            "details": dict(self.details),
            "seconds": round(self.seconds, 6),
        }


def not_applicable(id: str, title: str, reason: str) -> Section:
    """The section of a challenge that has no meaning for this model; the card prints why."""
    return Section(id, title, status=Status.NOT_APPLICABLE, reason=reason)


def skipped(id: str, title: str, reason: str) -> Section:
    """The section of a challenge that was not measured this time, and what would measure it."""
    return Section(id, title, status=Status.SKIPPED, reason=reason)


def failed(id: str, title: str, error: Exception) -> Section:
    """The section of a challenge whose measurement broke, with the error's own words."""
    words = " ".join(str(error).split())
    kind = "" if isinstance(error, SoundingError) else type(error).__name__
    reason = ": ".join(part for part in (kind, words) if part)
    if len(reason) > _LONGEST:
        reason = f"{reason[: _LONGEST - 1]}…"
    return Section(id, title, status=Status.FAILED, reason=f"failed: {reason}")


def interrupted(id: str, title: str) -> Section:
    """The section of a challenge that was not measured because somebody stopped the measuring."""
    return Section(id, title, status=Status.INTERRUPTED, reason="interrupted before it was measured")
