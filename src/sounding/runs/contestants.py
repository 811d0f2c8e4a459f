"""Players of matches by what people call them.

chess                                  the engine of the package
connect4, go                           the networks of the package
runs/go/1 strength=5                   a run, at full strength or at one of its dial
runs/chess/1 rating=1500               a run that has learnt ratings, as a player of this rating
random, greedy, mcts:1000              fixed opponents
stockfish UCI_LimitStrength=true UCI_Elo=2200 Hash=16 name=SF
                                       any other program, with options: by UCI in chess, by GTP in other games
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sounding.arena.matches import Mover
from sounding.errors import UsageError, did_you_mean
from sounding.games.contest import Contestant, Moving, Thinking
from sounding.games.game import Game
from sounding.games.playouts import Greedily, Randomly, Rollouts
from sounding.games.shipped import is_shipped, net_of, shipped
from sounding.games.thinking import LEVELS, Strength, Thinker
from sounding.runs.folder import Run
from sounding.runs.playing import board_of, game_of

GAMES = ("chess", "connect4", "go")
_SETTING = re.compile(r"([A-Za-z][\w ]*)=(.*)")
_ROLLOUTS = re.compile(r"mcts:([1-9]\d{0,6})")


@dataclass(frozen=True)
class Called:
    """What somebody is called: words, and settings behind them."""

    text: str
    words: tuple[str, ...]
    settings: dict[str, str]

    @classmethod
    def of(cls, text: str) -> Called:
        """The meaning of a text. Raises UsageError where it is empty or its quotes do not match."""
        try:
            parts = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"{text!r} names nobody: {error}", fix="Close what is quoted") from None
        found = [_SETTING.fullmatch(part) for part in parts]
        words = tuple(part for part, setting in zip(parts, found, strict=True) if setting is None)
        if not words:
            raise UsageError(f"{text!r} names nobody", fix="Name a run, chess, random, mcts:1000 or a program")
        return cls(text, words, {setting[1]: setting[2] for setting in found if setting is not None})


def gathered(
    texts: Sequence[str],
    opened: Callable[[str], Thinker],
    game: str | None,
    rng: np.random.Generator,
    limited: bool,
    **board: Any,
) -> tuple[Game, list[Contestant]]:
    """The game that is played, and its players; `opened` gives the thinker of a run, `limited` says that a pace ends
    what is thought.

    The game is that of the first who has learnt one, or the one that is named. `board` is what is wanted of it (size,
    komi), or None. Raises UsageError where the players have no game in common, or one of them is nobody.
    """
    called = [Called.of(text) for text in texts]
    opening = ((one.text, _thinker(one.words[0], opened, board.get("size"))) for one in called)
    thinkers = {text: thinker for text, thinker in opening if thinker is not None}
    known = {thinker.game.name for thinker in thinkers.values()}
    if game is not None and game not in GAMES:
        raise UsageError(f"no game {game!r}", fix=did_you_mean(game, GAMES))
    names = known | ({game} if game else set())
    if len(names) != 1:
        what = f"these players play {' and '.join(sorted(names))}" if names else "nobody says which game it is"
        raise UsageError(what, fix="Name players of one game, or the game with --game chess")
    rules = _board(names.pop(), next(iter(thinkers.values()), None), board)
    return rules, [_contestant(one, thinkers.get(one.text), rules, rng, limited) for one in called]


def _thinker(name: str, opened: Callable[[str], Thinker], size: int | None) -> Thinker | None:
    """The thinker of the package, for a board of this size, or of a run; None where this is neither."""
    if is_shipped(name):
        return shipped(name)
    if (net := net_of(name, size)) is not None:
        return opened(str(net))
    return opened(name) if Run.is_one(name) else None


def _board(name: str, thinker: Thinker | None, wanted: dict[str, Any]) -> Game:
    """The rules on the board that is wanted: as the thinker learnt them, else the usual ones."""
    if thinker is not None:
        return game_of(thinker, **wanted)
    return board_of(_usual(name), **wanted)


def _usual(name: str) -> Game:
    if name == "chess":
        from sounding.games.chess import Chess

        return Chess()
    if name == "go":
        from sounding.games.go import Go

        return Go(size=9, komi=7.0)
    from sounding.games.connect4 import Connect4

    return Connect4()


def _contestant(
    called: Called, thinker: Thinker | None, game: Game, rng: np.random.Generator, limited: bool
) -> Contestant:
    settings = dict(called.settings)
    name = settings.pop("name", "")
    if thinker is not None:
        if why := thinker.refuses(game):
            raise UsageError(why, fix="Let it play as it learnt it")
        strength = _strength(called, settings, thinker, limited)
        _require_none(called, settings)
        return Thinking(thinker, rng, strength, name or called.text)
    fixed = _fixed(called.words[0]) if len(called.words) == 1 else None
    if fixed is not None:
        _require_none(called, settings)
        return Moving(fixed, rng)
    if game.name == "chess":
        from sounding.games.protocols.uci_mover import UciMover

        return UciMover(called.words, settings, name=name)
    from sounding.games.protocols.engine_mover import EngineMover

    _require_none(called, settings)
    return Moving(EngineMover(called.words, name=name), rng)


def _strength(called: Called, settings: dict[str, str], thinker: Thinker, limited: bool) -> Strength | None:
    """How strongly a thinker plays, which is taken out of the settings; None: as well as the pace lets it."""
    level, rating = settings.pop("strength", ""), settings.pop("rating", "")
    if level and rating:
        raise UsageError(f"{called.text} has a strength and a rating", fix="Give one of them")
    if rating:
        if not (rating.isascii() and rating.isdecimal()):
            raise UsageError(f"rating {rating!r} is no number", fix="Such as: rating=1500")
        return thinker.rated(int(rating[:9]))
    if not level and limited:
        return None
    return Strength.named(level or str(len(thinker.levels)), thinker.levels)


def _fixed(word: str) -> Mover | None:
    """An opponent that needs no network."""
    if word == "random":
        return Randomly()
    if word == "greedy":
        return Greedily()
    rollouts = _ROLLOUTS.fullmatch(word)
    return Rollouts(int(rollouts[1])) if rollouts else None


def _require_none(called: Called, settings: dict[str, str]) -> None:
    if settings:
        what = f"{called.words[0]} has no setting {next(iter(settings))!r}"
        raise UsageError(what, fix=f"A run has strength=1 to strength={len(LEVELS)}; other programs have options")
