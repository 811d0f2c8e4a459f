"""What `predict` does with games of chess: it judges their moves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sounding.cli.refusals import Refusals
from sounding.errors import DataError, UsageError

if TYPE_CHECKING:
    from sounding.games.thinking import Thinker

SUFFIX = ".pgn"
LEVEL = "9"
"""Of the dial, where nothing is said: fractions of a second for each move."""


def are_games(inputs: Sequence[str]) -> bool:
    """Whether these are files of games."""
    files = [name for name in inputs if "=" not in name]
    return bool(files) and all(name.lower().endswith(SUFFIX) for name in files)


def judge(thinker: Thinker, words: Sequence[str], out: Path | None, as_json: bool) -> int:
    """Print what is thought of the games in files; `strength=` says how much is thought. Returns the status."""
    from sounding.games.records.pgn import save
    from sounding.games.thinking import Limit, Strength
    from sounding.runs.reviewing import reviewed

    names, settings = _divided(words)
    level = settings.pop("strength", LEVEL)
    if settings:
        raise UsageError(f"no setting {next(iter(settings))!r}", fix=f"strength=1 to strength={len(thinker.levels)}")
    if out is not None and (out.suffix.lower() != SUFFIX or out.exists()):
        what = f"there is a file {out}" if out.exists() else f"{out} is no name of annotated games"
        raise DataError(what, fix=f"Give a new name that ends in {SUFFIX} behind --out")
    refused, kept = Refusals(), []
    limit = Limit(simulations=Strength.named(level, thinker.levels).simulations)
    for game in reviewed(thinker, [Path(name) for name in names], limit, refused):
        click.echo(json.dumps(game.to_json()) if as_json else f"{game}")
        if out is not None:
            kept.append(game.annotated())
            save(out, kept)
    return refused.status


def _divided(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Files, and settings."""
    names = [word for word in words if word.lower().endswith(SUFFIX)]
    settings: Mapping[str, str] = dict(word.split("=", 1) for word in words if word not in names)
    return names, dict(settings)
