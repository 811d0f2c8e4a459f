"""The options of a UCI engine: what is offered, and what a program has set.

option name Hash type spin default 16 min 1 max 4096          ←  declared(settings, elo)
setoption name Hash value 64                                  →  changed(settings, "Hash", "64", elo)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from sounding.errors import did_you_mean
from sounding.games.protocols.framing import Refusal


@dataclass(frozen=True)
class Settings:
    """What was set. Times are milliseconds, memory mebibytes."""

    memory: int = 16
    lines: int = 1
    ponders: bool = False
    chess960: bool = False
    shows_wdl: bool = False
    is_limited: bool = False
    elo: int = 0  # 0: the highest that is offered
    overhead: int = 30


class Option(NamedTuple):
    """An option: its name in the protocol, its field in the settings, its kind and its range."""

    name: str
    field: str
    kind: Literal["spin", "check"]
    least: int = 0
    most: int = 0


class Range(NamedTuple):
    """The ratings that an engine can be held to."""

    least: int
    most: int


OPTIONS = (
    Option("Hash", "memory", "spin", 1, 4096),
    Option("MultiPV", "lines", "spin", 1, 218),
    Option("Ponder", "ponders", "check"),
    Option("Move Overhead", "overhead", "spin", 0, 5000),
    Option("UCI_Chess960", "chess960", "check"),
    Option("UCI_ShowWDL", "shows_wdl", "check"),
)
CLEAR = "Clear Hash"
"""A button: nothing is kept of it."""


def offered(elo: Range | None) -> tuple[Option, ...]:
    """The options of an engine, those on ratings where some were measured."""
    if elo is None:
        return OPTIONS
    return (*OPTIONS, Option("UCI_LimitStrength", "is_limited", "check"), Option("UCI_Elo", "elo", "spin", *elo))


def declared(settings: Settings, elo: Range | None) -> list[str]:
    """The lines that answer `uci`, with these settings as the defaults."""
    lines = []
    for option in offered(elo):
        value = getattr(settings, option.field)
        if option.kind == "check":
            lines.append(f"option name {option.name} type check default {str(value).lower()}")
        else:
            default = value or option.most
            lines.append(f"option name {option.name} type spin default {default} min {option.least} max {option.most}")
    return [*lines, f"option name {CLEAR} type button"]


def changed(settings: Settings, name: str, value: str, elo: Range | None) -> Settings:
    """The settings with one changed. Raises Refusal for an option that there is not, and for a value out of range."""
    known = {option.name.lower(): option for option in offered(elo)}
    if name.lower() not in known:
        raise Refusal(f"there is no option {name[:40]!r}. {did_you_mean(name, [*known, CLEAR])}")
    option = known[name.lower()]
    field: dict[str, Any] = {option.field: _value(option, value)}
    return replace(settings, **field)


def _value(option: Option, text: str) -> int | bool:
    if option.kind == "check":
        if text.lower() not in ("true", "false"):
            raise Refusal(f"{option.name} is true or false, not {text[:40]!r}")
        return text.lower() == "true"
    if not (text.isascii() and text.isdecimal() and option.least <= int(text[:9]) <= option.most):
        raise Refusal(f"{option.name} is a number from {option.least} to {option.most}, not {text[:40]!r}")
    return int(text)


def named(words: list[str]) -> tuple[str, str]:
    """Name and value of `setoption name … value …`; both may hold spaces. Raises Refusal where no name is given."""
    lower = [word.lower() for word in words]
    if lower[:1] != ["name"] or len(words) < 2:
        raise Refusal("an option is set so: setoption name NAME value VALUE")
    end = lower.index("value") if "value" in lower else len(words)
    return " ".join(words[1:end]), " ".join(words[end + 1 :])
