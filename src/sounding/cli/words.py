"""What a person types, read: key=value words, profiles, columns. A part of the command line."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

import click
from click.core import ParameterSource

from sounding.contract.settings import TRAINING_WORDS, Settings
from sounding.errors import UsageError, did_you_mean, require_one

if TYPE_CHECKING:
    from sounding.data import Columns

NEAR = 0.8
"""How alike a word has to be to an option to be one that was misspelt (difflib's ratio)."""


def columns(names: dict[str, Any]) -> Columns:
    """The columns that --input, --target, --group and --split name."""
    from sounding.data import Columns

    return Columns(**names)


def profile(word: str) -> Any:
    """How much to measure; None for none."""
    known = ("quick", "standard", "full", "none")
    if word not in known:
        raise UsageError(f"no profile {word!r}", fix=did_you_mean(word, known))
    return None if word == "none" else word


def settings(words: Sequence[str], given: Sequence[str]) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """The words that are no settings, the task's settings, and options of the command that were given as name=value.

    What is an option of the command (time=10m, card=none) is read as the option reads it. What is an option and none of
    the command's is a setting (--lr 0.1, --image-size=224).
    """
    words, long = _long_options(words)
    words, pairs = answering(words, given)
    context, known = click.get_current_context(), _options()
    for name in pairs:
        others = [long[name]] if name in long else _as_option(context, known.get(name), pairs[name])
        _require_once(name, [pairs[name], *others])
    pairs |= long
    typed = [(known[key], pairs.pop(key)) for key in known.keys() & pairs.keys()]
    options = {str(option.name): option.type_cast_value(context, text) for option, text in typed}
    return words, pairs, options


def require_no_words_of_python(settings: Mapping[str, Any]) -> None:
    """Raise UsageError for a setting called as Python calls a word of a training, and this command does not."""
    for name in sorted(settings.keys() & TRAINING_WORDS):
        raise UsageError(f"there is no option {name!r} here", fix=did_you_mean(name, _options()))


def answering(
    words: Sequence[str], given: Sequence[str], options: type[Settings] | None = None
) -> tuple[list[str], dict[str, Any]]:
    """The words that are no settings, and the settings.

    Bare key=value words are settings, as hands used to other tools type them; a path that exists is a path. Where
    others may be texts, only words that name one of the `options` are settings: "x=3 is good" is a text. Raises
    UsageError for a word that is given two values, and for one that nearly names an option.
    """
    if options is not None:
        _require_no_near_miss(words, options)
    bare = [word for word in words if _is_setting(word) and (options is None or _sets(word, options))]
    pairs = [_pair(setting) for setting in (*given, *bare)]
    for name, _ in pairs:
        _require_once(name, [value for other, value in pairs if other == name])
    return [word for word in words if word not in bare], dict(pairs)


def places(words: Sequence[str], names: Sequence[str], least: int, such: str) -> list[str | None]:
    """The words for the arguments called `names`, of which the last may be left out down to `least`."""
    if not least <= len(words) <= len(names):
        said = " ".join(names[:least]) + "".join(f" [{name}]" for name in names[least:])
        raise UsageError(f"this takes {said}", fix=f"Such as: {such}")
    return [*words, *[None] * (len(names) - len(words))]


def _long_options(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The words without `--name value` and `--name=value`, and these by name; a name without a value is "yes"."""
    rest, found = list[str](), dict[str, str]()
    left = list(reversed(words))
    while left:
        word = left.pop()
        if not word.startswith("--"):
            rest.append(word)
            continue
        name, equals, value = word.removeprefix("--").partition("=")
        if not equals:
            value = left.pop() if left and not left[-1].startswith("--") else "yes"
        found[name.replace("-", "_")] = value
    return rest, found


def _require_once(name: str, values: Sequence[str]) -> None:
    """Raise UsageError for a word that is given two values."""
    require_one({f"{name}={value}": True for value in values})


def _as_option(context: click.Context, option: click.Option | None, text: str) -> list[str]:
    """The value that the command line gave an option of the command, if it gave another one than `text`."""
    if option is None or context.get_parameter_source(str(option.name)) is not ParameterSource.COMMANDLINE:
        return []
    value = context.params[str(option.name)]
    return [] if option.type_cast_value(context, text) == value else [str(value)]


def _is_setting(word: str) -> bool:
    return re.match(r"^[a-z_]+=", word) is not None and not os.path.exists(word)


def _sets(word: str, options: type[Settings]) -> bool:
    """Whether a word sets one of the options: "length=3 is good" does not, since a length is one word."""
    name, _, value = word.partition("=")
    return name in options.names() and (" " not in value.strip() or get_type_hints(options)[name] is str)


def _require_no_near_miss(words: Sequence[str], options: type[Settings]) -> None:
    """Raise UsageError for "temprature=0.7", which would else be read as a text."""
    for word in words:
        name, _, value = word.partition("=")
        if not _is_setting(word) or name in options.names() or " " in value.strip():
            continue
        if near := difflib.get_close_matches(name, options.names(), n=1, cutoff=NEAR):
            fix = f"Did you mean {near[0]}? What is a text is read from standard input, in the place of -"
            raise UsageError(f"there is no option {name!r} here", fix=fix)


def _options() -> dict[str, click.Option]:
    """The options of the present command that take a value, by the word a person types; --set itself is none."""
    found = [p for p in click.get_current_context().command.params if isinstance(p, click.Option) and not p.is_flag]
    named = {p.opts[0].lstrip("-").replace("-", "_"): p for p in found if not p.multiple}
    return {word: p for word, p in named.items() if word not in ("resume", "help")}


def _pair(setting: str) -> tuple[str, str]:
    key, equals, value = setting.partition("=")
    if not equals:
        raise UsageError(f"--set {setting} has no value", fix=f"Such as: --set {key}=1")
    return key, value
