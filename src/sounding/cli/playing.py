"""The verb that plays: play, at a terminal or as an engine that other programs ask."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING

import click

from sounding.cli.group import cli, prepare
from sounding.cli.watching import Wishes, is_environment, person_plays, require_none, watch
from sounding.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from sounding.games.thinking import Strength, Thinker
    from sounding.runs.model import Model

PLAYERS = {"first": 0, "black": 0, "b": 0, "x": 0, "second": 1, "white": 1, "w": 1, "o": 1}
OF_CHESS = {"first": 0, "white": 0, "w": 0, "second": 1, "black": 1, "b": 1}


@cli.command()
@click.argument("run")
@click.option("--colour", "--color", default="first", show_default=True, help="Yours: white, black (first, second).")
@click.option("--strength", help="1 (a beginner) to 10, or a number of simulations of a move: 10, if nothing is said.")
@click.option("--rating", type=int, help="chess: as a player rated so, in place of --strength; UCI_Elo in UCI.")
@click.option("--uci", is_flag=True, help="Speak UCI, for Cute Chess, Arena, lichess-bot and other programs of chess.")
@click.option("--gtp", is_flag=True, help="Speak the Go Text Protocol, for Sabaki, GoGui and other programs.")
@click.option(
    "--size", type=int, help="Lines of a Go board: what the run learnt, if nothing is said (play go: 9, or 7)."
)
@click.option("--komi", type=float, help="Points for White, in Go.")
@click.option("--seed", type=int, help="The same choices again, where a weak player chooses freely; the episode's.")
@click.option("--out", type=click.Path(), help="arcade: a film of it: a .gif, an .mp4 (ffmpeg), or a folder of PNGs.")
@click.option("--explain", is_flag=True, help="arcade: how much each part of the screen weighed for what is done.")
@click.option("--record", type=click.Path(), help="arcade: a folder in which what is played is recorded.")
@click.option("--episodes", type=click.IntRange(1), default=1, help="arcade: how many are played.")
def play(
    run: str,
    colour: str,
    strength: str | None,
    rating: int | None,
    uci: bool,
    gtp: bool,
    size: int | None,
    komi: float | None,
    seed: int | None,
    out: str | None,
    explain: bool,
    record: str | None,
    episodes: int,
) -> None:
    """Play against a run that has learnt a game, or against the package (play chess, play connect4, play go).

    A run of arcade is watched; an environment's name (play CartPole-v1) lets you play, with arrows or digits.

    Type moves, or help. With --uci or --gtp other programs play against it: name "sounding play chess --uci" as an
    engine there.
    """
    if colour.lower() not in {*PLAYERS, *OF_CHESS}:
        raise UsageError(
            f"no colour {colour!r}", fix=did_you_mean(colour.lower(), ("black", "white", "first", "second"))
        )
    if strength is not None and rating is not None:
        raise UsageError("--strength and --rating both say how strongly it plays", fix="Give one of them")
    import numpy as np

    rng = np.random.default_rng(seed)
    if uci:
        _speak_uci(run, strength, rating, rng)
        return
    wishes = Wishes(out, record, explain, episodes, seed)
    if is_environment(run):
        person_plays(run, wishes)
        return
    model = _model(run, size)
    if model is not None and _acts(model):
        watch(model, wishes)
        return
    require_none(wishes, run)
    from sounding import __version__
    from sounding.runs.playing import game_of

    thinker = _thinker(run, model)
    dial = _dial(strength, rating, thinker)
    game = game_of(thinker, size=size, komi=komi)
    if gtp:
        from sounding.games.protocols.gtp import commands_of, serve

        # Unbuffered: a thread that waits in a buffer of Python's own standard input is fatal when Python ends.
        with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as source:
            serve(commands_of(thinker, game, dial, rng, __version__), source, sys.stdout)
        return
    from sounding.games.table import Table

    players = OF_CHESS if game.name == "chess" else PLAYERS
    person = players.get(colour.lower(), PLAYERS.get(colour.lower(), 0))
    table = Table(thinker, game, dial, person, rng, click.echo)
    table.begin()
    while (line := _typed(table.prompt)) is not None and table.take(line):
        pass


def _speak_uci(run: str, strength: str | None, rating: int | None, rng: np.random.Generator) -> None:
    """Be a UCI engine. Nothing heavy is imported before it has answered `uci`."""
    from sounding import __version__
    from sounding.games.chess_strengths import RATINGS
    from sounding.games.protocols.uci import About, Uci
    from sounding.games.protocols.uci_options import Range
    from sounding.games.shipped import is_shipped

    name, elo = f"sounding {__version__}", None
    if is_shipped(run):
        elo = Range(RATINGS[0][0], RATINGS[-1][0])
    else:
        if not os.path.exists(os.path.join(run, "config.json")):
            raise UsageError(f"{run} is no run", fix="Name a folder such as runs/chess/1, or chess")
        name, known = f"{name} {run}", _ratings(run)
        elo = None if known is None else Range(*known)

    def opened() -> Thinker:
        thinker = opened_thinker(run)
        if thinker.game.name != "chess":
            raise UsageError(f"{run} plays {thinker.game.name}, and UCI is for chess", fix="Use --gtp")
        return thinker

    def dial(thinker: Thinker) -> Strength | None:
        return None if strength is None and rating is None else _dial(strength, rating, thinker)

    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as source:
        Uci(About(name, elo=elo, strength=dial), opened, rng, source, sys.stdout).serve()


def opened_thinker(run: str) -> Thinker:
    """The thinker of a run, or of the package."""
    return _thinker(run, _model(run))


def _model(run: str, size: int | None = None) -> Model | None:
    """The model of a run, or of the package, for a board of this size; None for what an engine of the package plays."""
    from sounding.games.shipped import is_shipped, net_of

    if is_shipped(run):
        return None
    prepare()
    from sounding import api

    return api.load(net_of(run, size) or run)


def _acts(model: Model) -> bool:
    from sounding.runs.policy import acts

    return acts(model.task)


def _thinker(run: str, model: Model | None) -> Thinker:
    if model is None:
        from sounding.games.shipped import shipped

        return shipped(run)
    return model.thinker()


def _ratings(run: str) -> tuple[int, int] | None:
    """Between which ratings a run has learnt to play, by its file alone: an engine answers before it opens anything."""
    for folder in (os.path.join(run, "best"), run):
        with contextlib.suppress(OSError, ValueError, LookupError, AttributeError, TypeError):
            with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
                recipe = json.load(file)["recipe"]
            least, most = int(recipe.get("least_rating", 0)), int(recipe.get("most_rating", 0))
            return (least, most) if 0 < least <= most else None
    return None


def _dial(word: str | None, rating: int | None, thinker: Thinker) -> Strength:
    from sounding.games.thinking import Strength

    if rating is not None:
        return thinker.rated(rating)
    return Strength.named(word or str(len(thinker.levels)), thinker.levels)


def _typed(prompt: str) -> str | None:
    """A line that is typed, None at the end of the input."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - lines can then be edited
    try:
        return input(prompt)
    except EOFError:
        click.echo()
        return None
