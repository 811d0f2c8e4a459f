"""The verb that sets players against each other: match."""

from __future__ import annotations

from pathlib import Path

import click

from sounding.cli.group import cli, prepare, say
from sounding.errors import UsageError, require_one


@cli.command()
@click.argument("one")
@click.argument("others", nargs=-1, required=True, metavar="OTHER [MORE]…")
@click.option("--games", default=200, show_default=True, help="How many; two with each opening, sides changed.")
@click.option("--game", help="chess, go or connect4, where no player is a run.")
@click.option("--clock", metavar="S+S", help="Seconds for a game, and what each move adds: 10+0.1.")
@click.option("--movetime", type=click.FloatRange(0, min_open=True), metavar="S", help="Seconds of each move.")
@click.option("--nodes", type=click.IntRange(1), help="Nodes (simulations) of each move.")
@click.option("--depth", type=click.IntRange(1), help="Moves that each move looks ahead.")
@click.option("--sprt", metavar="LOW,HIGH", help="End as soon as it is known which of two differences in Elo it is.")
@click.option("--anchor", metavar="NAME", help="With more than two players: whose rating is 0 (the first one's).")
@click.option("--neighbours", type=click.IntRange(1), help="Only those play who are named so many places apart.")
@click.option("--openings", type=Path, metavar="FILE", help="Positions of chess to begin with, a FEN or EPD a line.")
@click.option("--plies", type=click.IntRange(0), help="Random moves of the openings, where there is no file.")
@click.option("--adjudicate/--no-adjudicate", default=True, help="End games that both players call decided or level.")
@click.option("--out", type=Path, metavar="FILE", help="Where the games are kept: match-ONE-OTHER.pgn, or .sgf, .txt.")
@click.option("--size", type=int, help="Lines of a Go board.")
@click.option("--komi", type=float, help="Points for White, in Go.")
@click.option("--seed", default=0, show_default=True, help="Of openings, and of what is drawn by chance.")
def match(
    one: str,
    others: tuple[str, ...],
    games: int,
    game: str | None,
    clock: str | None,
    movetime: float | None,
    nodes: int | None,
    depth: int | None,
    sprt: str | None,
    anchor: str | None,
    neighbours: int | None,
    openings: Path | None,
    plies: int | None,
    adjudicate: bool,
    out: Path | None,
    size: int | None,
    komi: float | None,
    seed: int,
) -> None:
    """Let players play a match, and say how much the one is stronger, with its interval.

    With more than two all play all, and a ladder puts them on one scale. --games are those of each two.

    A player is a run, chess (the engine of the package), random, greedy, mcts:1000, or another program in quotes with
    its options: "stockfish UCI_LimitStrength=true UCI_Elo=2200 Hash=16". Behind a run stands strength=1 to 10.
    """
    require_one({"--clock": clock, "--movetime": movetime, "--nodes": nodes, "--depth": depth})
    if games < 2 or games % 2:
        raise UsageError(f"{games} games are no pairs", fix="Give an even number: each opening is played twice")
    if len(others) < 2 and (anchor is not None or neighbours is not None):
        raise UsageError("--anchor and --neighbours are for ladders", fix="Name more than two players")
    if sprt is not None and len(others) > 1:
        raise UsageError("--sprt decides a match of two players", fix="Leave it out, or name two players")
    from sounding.games.contest import Pace

    test = None if sprt is None else _bounds(sprt)
    pace = Pace(move_seconds=movetime, nodes=nodes, depth=depth) if clock is None else Pace.clock(clock)
    prepare()
    from sounding import api
    from sounding.randomness import stream
    from sounding.runs.contestants import gathered
    from sounding.runs.matching import MatchPlan, play, play_ladder

    rules, players = gathered(
        [one, *others],
        lambda run: api.load(run).thinker(),
        game,
        stream("players", seed),
        limited=pace != Pace(),
        size=size,
        komi=komi,
    )
    try:
        plan = MatchPlan(rules, games, pace, test, openings, plies, adjudicate, out, seed, anchor or "", neighbours)
        if len(players) == 2:
            click.echo(play(plan, players[0], players[1], say))
        else:
            click.echo(play_ladder(plan, players, say))
    finally:
        for player in players:
            player.close()


def _bounds(text: str) -> tuple[float, float]:
    """Two differences in Elo, the smaller one first."""
    try:
        low, high = (float(word) for word in text.split(","))
    except ValueError:
        raise UsageError(
            f"--sprt {text!r} are no two numbers", fix="Give two differences in Elo: --sprt 0,10"
        ) from None
    if not low < high:
        raise UsageError(f"a test of {low:g} against {high:g} Elo asks nothing", fix="Give the smaller number first")
    return low, high
