"""The verb that lets another program label positions: teach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sounding.cli.group import cli, say


@cli.command()
@click.argument("games", type=Path)
@click.option("--engine", default="stockfish", show_default=True, help="The command of a program that speaks UCI.")
@click.option("--out", type=Path, required=True, help="The folder of the labels; one that is there is gone on with.")
@click.option("--limit", default="depth 6", show_default=True, help="How long it thinks: depth 6, or nodes 300.")
@click.option("--every", default=2, show_default=True, help="Of each game one position of so many.")
@click.option("--first", default=8, show_default=True, help="Moves at the beginning of each game that are left out.")
@click.option("--deviations", default=4, show_default=True, help="Random places at which each game is left.")
@click.option("--follow", default=6, show_default=True, help="Moves that the engine plays on from there.")
@click.option("--ahead", default=1, show_default=True, help="Positions told at a time: 16 is faster with Stockfish.")
@click.option("--time", help="End after so long, such as 10m; later it can go on.")
def teach(games: Path, engine: str, out: Path, time: str | None, **asked: Any) -> None:
    """Let a chess engine say of positions along GAMES (Parquet, a column of moves) how good they are."""
    from sounding import api
    from sounding.games.chess.teacher import Lesson, label, read_games

    seconds = api.seconds(time) if time else None
    label(read_games(games), engine, out, Lesson(**asked), say, seconds)
