"""The verb that plays: play, at a terminal or as an engine that other programs ask."""

from __future__ import annotations

import contextlib
import sys

import click

from sounding.cli.group import cli, prepare
from sounding.errors import UsageError, did_you_mean

COLOURS = {"black": 0, "b": 0, "x": 0, "first": 0, "white": 1, "w": 1, "o": 1, "second": 1}


@cli.command()
@click.argument("run")
@click.option("--colour", "--color", default="first", show_default=True, help="Yours: black, white (first, second).")
@click.option("--strength", default="10", show_default=True, help="1 (a beginner) to 10, or a number of simulations.")
@click.option("--gtp", is_flag=True, help="Speak the Go Text Protocol, for Sabaki, GoGui and other programs.")
@click.option("--size", type=int, help="Lines of a Go board: what the run learnt, if nothing is said.")
@click.option("--komi", type=float, help="Points for White, in Go.")
@click.option("--seed", type=int, help="The same choices again, where a weak player chooses freely.")
def play(
    run: str, colour: str, strength: str, gtp: bool, size: int | None, komi: float | None, seed: int | None
) -> None:
    """Play against a run that has learnt a game; type moves, or help.

    With --gtp other programs play against it: name "sounding play RUN --gtp" as an engine there.
    """
    if colour.lower() not in COLOURS:
        raise UsageError(
            f"no colour {colour!r}", fix=did_you_mean(colour.lower(), ("black", "white", "first", "second"))
        )
    prepare()
    import numpy as np

    from sounding import __version__, api
    from sounding.games.thinking import Strength
    from sounding.runs.playing import game_of, thinker_of

    dial = Strength.named(strength)
    thinker = thinker_of(api.load(run))
    game = game_of(thinker, size=size, komi=komi)
    rng = np.random.default_rng(seed)
    if gtp:
        from sounding.games.protocols.gtp import commands_of, serve

        # Unbuffered: a thread that waits in a buffer of Python's own standard input is fatal when Python ends.
        with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as source:
            serve(commands_of(thinker, game, dial, rng, __version__), source, sys.stdout)
        return
    from sounding.games.table import Table

    table = Table(thinker, game, dial, COLOURS[colour.lower()], rng, click.echo)
    table.begin()
    while (line := _typed(table.prompt)) is not None and table.take(line):
        pass


def _typed(prompt: str) -> str | None:
    """A line that is typed, None at the end of the input."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - lines can then be edited
    try:
        return input(prompt)
    except EOFError:
        click.echo()
        return None
