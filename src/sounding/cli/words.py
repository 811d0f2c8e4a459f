"""What a person types, read: key=value words, profiles, columns. A part of the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sounding.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from sounding.engine.data import Columns

EVERYDAY = {"epochs", "time", "steps", "size", "seed", "out", "precision", "allow_bad"}
"""Options of train that may also be given as name=value."""


def columns(names: dict[str, Any]) -> Columns:
    """The columns that --input, --target, --group and --split name."""
    from sounding.engine.data import Columns

    return Columns(**names)


def profile(word: str) -> Any:
    """How much to measure; None for none."""
    known = ("quick", "standard", "full", "none")
    if word not in known:
        raise UsageError(f"no profile {word!r}", fix=did_you_mean(word, known))
    return None if word == "none" else word


def settings(words: Sequence[str], given: Sequence[str]) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """The words that are no settings, the recipe's settings, and options that were given as name=value.

    Bare key=value words are settings, as hands used to other tools type them; a path that exists is a path.
    """
    bare = [w for w in words if re.match(r"^[a-z_]+=", w) and not Path(w).exists()]
    pairs: dict[str, Any] = dict(_pair(setting) for setting in (*given, *bare))
    options = {name: _everyday(name, pairs.pop(name)) for name in EVERYDAY & pairs.keys()}
    return [w for w in words if w not in bare], pairs, options


def _everyday(name: str, text: str) -> Any:
    """The value of an option that was given as name=value, read as the option reads it."""
    context = click.get_current_context()
    option = next(p for p in context.command.params if p.name == name)
    return option.type_cast_value(context, text)


def _pair(setting: str) -> tuple[str, str]:
    key, equals, value = setting.partition("=")
    if not equals:
        raise UsageError(f"--set {setting} has no value", fix=f"Such as: --set {key}=1")
    return key, value
