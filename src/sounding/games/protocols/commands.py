"""What the protocol understands of any game of two players; `go_commands.py` adds what only Go has.

A command is a method called `do_` and its name, which takes the arguments and returns the answer: a text, or a `Stream`
of lines. What cannot be done is raised as a Refusal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from sounding.games.diagram import diagram
from sounding.games.game import Game
from sounding.games.protocols import analysis
from sounding.games.protocols.analysis import Asked
from sounding.games.protocols.clock import Clock
from sounding.games.protocols.framing import Refusal
from sounding.games.session import Session
from sounding.games.thinking import Limit, Strength, Thinker, Thought

Drawn = Callable[[Game, np.ndarray, Thought, Asked], str]

POLLED = 0.05
"""Seconds within which an analysis that is no longer asked for stops."""
COLOURS = {"b": 0, "black": 0, "x": 0, "w": 1, "white": 1, "o": 1}


@dataclass
class Stream:
    """Lines of an answer that come one after the other; `until_asked`: they end as soon as another line comes in."""

    lines: Iterator[str]
    until_asked: bool = False


class Commands:
    """A game in progress with a thinker that plays it, and the commands for both."""

    def __init__(
        self, thinker: Thinker, game: Game, strength: Strength, rng: np.random.Generator, version: str = ""
    ) -> None:
        self.thinker, self.strength, self.rng, self.version = thinker, strength, rng, version
        self.session, self.clock = Session(game), Clock()

    @property
    def game(self) -> Game:
        """The rules of the game in progress."""
        return self.session.game

    @property
    def names(self) -> list[str]:
        """The commands, in the order of the alphabet."""
        return sorted(_spoken(name) for name in dir(self) if name.startswith("do_"))

    def run(self, name: str, arguments: Sequence[str]) -> str | Stream:
        """Do a command. Raises Refusal for one that is unknown or cannot be done."""
        if name not in self.names:
            raise Refusal("unknown command")
        method: Any = getattr(self, "do_" + name.replace("-", "__"))
        return method(arguments)

    # ---- about itself

    def do_protocol_version(self, words: Sequence[str]) -> str:
        """The version of the protocol."""
        return "2"

    def do_name(self, words: Sequence[str]) -> str:
        """Who plays."""
        return self.thinker.name

    def do_version(self, words: Sequence[str]) -> str:
        """The version of the package."""
        return self.version

    def do_known_command(self, words: Sequence[str]) -> str:
        """Whether there is such a command."""
        return str(bool(words) and words[0] in self.names).lower()

    def do_list_commands(self, words: Sequence[str]) -> str:
        """All commands, one a line."""
        return "\n".join(self.names)

    def do_quit(self, words: Sequence[str]) -> str:
        """Nothing; the server stops behind it."""
        return ""

    # ---- the game

    def do_clear_board(self, words: Sequence[str]) -> str:
        """A new game."""
        self.session = Session(self.game)
        return ""

    def do_showboard(self, words: Sequence[str]) -> str:
        """The board as text."""
        return "\n" + diagram(self.game, self.session.position, self.session.last)

    def do_play(self, words: Sequence[str]) -> str:
        """`play COLOUR MOVE`."""
        if len(words) != 2:
            raise Refusal("syntax error")
        player = colour(words[0])
        try:
            self.session.play(self.game.action(words[1], self.session.position[0]), player)
        except ValueError:
            raise Refusal("illegal move") from None
        return ""

    def do_undo(self, words: Sequence[str]) -> str:
        """Take the last move back."""
        try:
            self.session.undo()
        except ValueError:
            raise Refusal("cannot undo") from None
        return ""

    # ---- thinking

    def do_genmove(self, words: Sequence[str]) -> str:
        """`genmove COLOUR`: think, play the move, and say it."""
        if len(words) != 1:
            raise Refusal("syntax error")
        player = colour(words[0])
        position, limit = self.position_of(player), self._limit(player)
        began = time.monotonic()
        thought = self.thinker.think(self.game, position, limit)
        self.clock.spend(player, time.monotonic() - began)
        return self._chosen(thought, player)

    def do_reg_genmove(self, words: Sequence[str]) -> str:
        """`reg_genmove COLOUR`: think, and say the best move without playing it."""
        if len(words) != 1:
            raise Refusal("syntax error")
        position = self.position_of(colour(words[0]))
        thought = self.thinker.think(self.game, position, self.strength.limit())
        return self.game.text(thought.candidates[0].action, position[0])

    def do_lz__analyze(self, words: Sequence[str]) -> Stream:
        """`lz-analyze [COLOUR] [INTERVAL] [KEY VALUE] …`."""
        return self._analysis(words, analysis.leela)

    def do_kata__analyze(self, words: Sequence[str]) -> Stream:
        """`kata-analyze [COLOUR] [INTERVAL] [KEY VALUE] …`."""
        return self._analysis(words, analysis.kata)

    def do_lz__genmove_analyze(self, words: Sequence[str]) -> Stream:
        """As genmove, with lines of lz-analyze before it."""
        return self._analysed_move(words, analysis.leela)

    def do_kata__genmove_analyze(self, words: Sequence[str]) -> Stream:
        """As genmove, with lines of kata-analyze before it."""
        return self._analysed_move(words, analysis.kata)

    def _analysis(self, words: Sequence[str], drawn: Drawn) -> Stream:
        player, options = self._asked(words)
        position = self.position_of(player)
        return Stream(self._lines(position, options, drawn), until_asked=True)

    def _lines(self, position: np.ndarray, options: Asked, drawn: Drawn) -> Iterator[str]:
        """A line for each interval that has passed; nothing between, so that the caller can look for input."""
        due, latest = time.monotonic() + options.interval, ""
        for thought in self.thinker.ponder(self.game, position, Limit(), min(POLLED, options.interval)):
            latest = drawn(self.game, position, thought, options)
            is_due = time.monotonic() >= due
            yield latest if is_due else ""
            if is_due:
                due, latest = time.monotonic() + options.interval, ""
        yield latest

    def _analysed_move(self, words: Sequence[str], drawn: Drawn) -> Stream:
        player, options = self._asked(words)
        return Stream(self._thought_aloud(player, self.position_of(player), options, drawn))

    def _thought_aloud(self, player: int, position: np.ndarray, options: Asked, drawn: Drawn) -> Iterator[str]:
        began = time.monotonic()
        for thought in self.thinker.ponder(self.game, position, self._limit(player), options.interval):
            yield drawn(self.game, position, thought, options)
        self.clock.spend(player, time.monotonic() - began)
        yield f"play {self._chosen(thought, player)}"

    def _asked(self, words: Sequence[str]) -> tuple[int, Asked]:
        if words and words[0].lower() in COLOURS:
            return colour(words[0]), analysis.asked(words[1:])
        return self.session.to_play, analysis.asked(words)

    def position_of(self, player: int) -> np.ndarray:
        """The position [1] with this player to move. Raises Refusal where the thinker cannot play it."""
        if why := self.thinker.refuses(self.game):
            raise Refusal(why)
        try:
            return self.session.seen_by(player)
        except ValueError as error:
            raise Refusal("the game is over" if self.session.over else str(error)) from None

    def _chosen(self, thought: Thought, player: int) -> str:
        action = self.strength.choose(thought, self.rng)
        said = self.game.text(action, self.session.position[0])
        self.session.play(action, player)
        return said

    def _limit(self, player: int) -> Limit:
        squares = int(np.prod(self.game.shape[1:]))
        moves_left = max(0, squares - len(self.session.moves)) // 2
        return self.strength.limit(self.clock.allowance(player, moves_left))

    # ---- time

    def do_time_settings(self, words: Sequence[str]) -> str:
        """`time_settings MAIN PERIOD STONES`, in seconds."""
        main, period, stones = (number(word) for word in words) if len(words) == 3 else (-1.0, 0.0, 0.0)
        if min(main, period, stones) < 0 or stones % 1:
            raise Refusal("syntax error")
        self.clock.set(main, period, int(stones))
        return ""

    def do_time_left(self, words: Sequence[str]) -> str:
        """`time_left COLOUR SECONDS STONES`."""
        if len(words) != 3:
            raise Refusal("syntax error")
        seconds, stones = number(words[1]), number(words[2])
        if stones < 0 or stones % 1:
            raise Refusal("syntax error")
        self.clock.tell(colour(words[0]), max(0.0, seconds), int(stones))
        return ""


def colour(word: str) -> int:
    """The player that a word names. Raises Refusal for none."""
    if word.lower() not in COLOURS:
        raise Refusal("syntax error")
    return COLOURS[word.lower()]


def number(word: str) -> float:
    """The number that a word is. Raises Refusal for none that is finite."""
    try:
        found = float(word)
    except ValueError:
        raise Refusal("syntax error") from None
    if not isfinite(found):
        raise Refusal("syntax error")
    return found


def _spoken(method: str) -> str:
    """`do_lz__genmove_analyze` → `lz-genmove_analyze`."""
    return method.removeprefix("do_").replace("__", "-")
