"""Numbers and words that a person may set by name: how a model is trained (Recipe), how it answers (Options)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Self, get_type_hints

from sounding.errors import UsageError, did_you_mean

SPOKEN = frozenset(
    (
        *("input", "target", "group", "split", "allow_bad"),
        *("epochs", "time", "steps", "until", "size", "seed", "out", "precision", "resume"),
        *("start", "from", "unlabelled", "method", "control", "harden", "every", "log", "card", "watch"),
    )
)
"""What a person tells a training by name besides the fields of a recipe."""
_OF_PROGRAMS = ("task", "source", "columns", "profile", "reporter", "say", "set", "settings", "help")
TRAINING_WORDS = SPOKEN.union(_OF_PROGRAMS)
"""What a training is told by name besides the fields of a recipe, from Python or on the command line. No field of a
recipe may be called so, since every one of them is an option as well."""


@dataclass(frozen=True)
class Settings:
    """Named numbers and words. Strings are read as the field's type, so that a command line can set them."""

    called: ClassVar[str] = "settings"
    """What messages call a thing of this kind."""

    def changed(self, settings: Mapping[str, Any]) -> Self:
        """These with `settings` over them. Raises UsageError for an unknown field or a value that cannot be read."""
        types, names = get_type_hints(type(self)), self.names()
        unknown = [name for name in settings if name not in names]
        if unknown:
            fix = did_you_mean(unknown[0], names) if names else "It has none"
            raise UsageError(f"the {self.called} has no setting {unknown[0]!r}", fix=fix)
        return replace(self, **{name: _read(name, value, types[name]) for name, value in settings.items()})

    @classmethod
    def names(cls) -> list[str]:
        """The names of the fields."""
        return [field.name for field in fields(cls)]

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The settings that gave `values`; fields that it does not know raise UsageError."""
        return cls().changed(values)


_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _read(key: str, text: Any, kind: type) -> Any:
    if kind is bool and isinstance(text, str):
        if text.lower() in _FLAGS:
            return _FLAGS[text.lower()]
    else:
        try:
            return kind(text)
        except (TypeError, ValueError, OverflowError):
            pass
    raise UsageError(f"{key}={text} is not {_noun(kind)}", fix=f"Give {key} {_noun(kind)}, such as {_sample(kind)}")


def _noun(kind: type) -> str:
    return {bool: "yes or no", int: "a whole number", float: "a number"}.get(kind, "a word")


def _sample(kind: type) -> str:
    return {bool: "yes", int: "64", float: "0.01"}.get(kind, "relu")
