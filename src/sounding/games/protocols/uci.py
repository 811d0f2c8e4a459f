"""A server of the Universal Chess Interface (S. Meyer-Kahlen and R. Huber, 2006), for chess and Chess960.

    with open(0, "rb", buffering=0, closefd=False) as source:
        Uci(about, opened, rng, source, sys.stdout).serve()

`uci` is answered before anything heavy is imported: the thinker is opened when it is needed first, at `isready` at the
latest. Everything happens in one thread: between two thoughts it is looked what has come in. `stop`, `ponderhit`,
`isready`, `debug` and `quit` are done at once, all else waits for the end of the search.

What cannot be understood is told in an `info string`, and nothing else comes of it; `go` is always answered by a move.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

import numpy as np

from sounding.errors import SoundingError
from sounding.games.protocols import uci_go
from sounding.games.protocols.framing import Line, Lines, Refusal
from sounding.games.protocols.uci_go import Asked
from sounding.games.protocols.uci_info import infos
from sounding.games.protocols.uci_options import CLEAR, Range, Settings, changed, declared, named
from sounding.games.protocols.uci_search import Search, limit_of, played
from sounding.games.thinking import Limit, Strength, Thinker, Thought, rated

if TYPE_CHECKING:
    from sounding.games.chess import Chess
    from sounding.games.protocols.uci_board import Board

LONGEST = 131_072
"""Bytes of a line: a game of 5,898 moves of each player, the longest that there can be, takes less."""
POLLED = 0.02
"""Seconds between two looks at what has come in during a search."""
COMMANDS = ("uci", "isready", "ucinewgame", "position", "go", "stop", "ponderhit", "setoption", "debug", "quit")
AT_ONCE = ("isready", "stop", "ponderhit", "debug", "quit")
"""What is done during a search."""


@dataclass(frozen=True)
class About:
    """What is known of an engine before it is opened. `strength` tells how it plays where no rating is asked for."""

    name: str
    author: str = "the authors of sounding"
    elo: Range | None = None
    strength: Callable[[Thinker], Strength | None] = lambda thinker: None


class Uci:
    """An engine: what it is, how its thinker is `opened`, and the streams that it listens to and speaks on."""

    def __init__(
        self,
        about: About,
        opened: Callable[[], Thinker],
        rng: np.random.Generator,
        source: IO[bytes],
        out: IO[str],
    ) -> None:
        self._about, self._opened, self._rng, self._out = about, opened, rng, out
        self._lines = Lines(source, LONGEST)
        self._waiting = deque[Line]()
        self._settings = Settings()
        self._thinker: Thinker | None = None
        self._board: Board | None = None
        self._debug = self._ends = False
        self._speaking = threading.Lock()

    def serve(self) -> None:
        """Answer each line until the input ends, it is told to quit, or nobody listens any more."""
        try:
            while not self._ends:
                line = self._waiting.popleft() if self._waiting else self._lines.take()
                if line is None:
                    return
                self._answer(line)
        except BrokenPipeError:
            with open(os.devnull, "wb") as nowhere:  # what is left in a buffer goes nowhere, and Python ends in silence
                os.dup2(nowhere.fileno(), self._out.fileno())

    def _answer(self, line: Line, search: Search | None = None) -> None:
        """Do what a line says, during a search or not."""
        name, words = self._command(line)
        if not name:
            return
        if search is not None and name not in AT_ONCE:
            if search.waits:
                self._note(f"{name} waits for the end of the search, which has none before stop")
            self._waiting.append(line)
            return
        try:
            if name not in ("stop", "ponderhit"):
                getattr(self, f"_do_{name}")(words)
            elif search is not None and name == "stop":
                search.stopped = True
            elif search is not None:
                search.hit()
        except Refusal as error:
            self._note(str(error))

    def _command(self, line: Line) -> tuple[str, list[str]]:
        """The first command of a line and the words behind it, nothing where there is none; what is before is told."""
        words = line.text.split()
        if line.is_long:
            self._note(f"a line of more than {LONGEST:,} bytes is not read")
            if words[:1] == ["position"]:
                self._on_board().clear()
            return "", []
        at = next((at for at, word in enumerate(words) if word.lower() in COMMANDS), len(words))
        if at:
            self._note(f"unknown: {' '.join(words[:at])[:60]!r}")
        return (words[at].lower(), words[at + 1 :]) if at < len(words) else ("", [])

    # ---- commands

    def _do_uci(self, words: Sequence[str]) -> None:
        self._say(f"id name {self._about.name}", f"id author {self._about.author}")
        self._say(*declared(self._settings, self._about.elo), "uciok")

    def _do_isready(self, words: Sequence[str]) -> None:
        self._ready()
        self._say("readyok")

    def _do_ucinewgame(self, words: Sequence[str]) -> None:
        if self._thinker is not None:
            self._thinker.forget()

    def _do_position(self, words: Sequence[str]) -> None:
        self._on_board().set(words)

    def _do_setoption(self, words: Sequence[str]) -> None:
        name, value = named(list(words))
        if name.lower() == CLEAR.lower():
            self._do_ucinewgame(words)
            return
        before = self._settings
        self._settings = changed(before, name, value, self._about.elo)
        if self._settings.chess960 != before.chess960:
            self._board = None
        if self._settings.memory != before.memory and self._thinker is not None:
            self._thinker.set_memory(self._settings.memory)

    def _do_debug(self, words: Sequence[str]) -> None:
        self._debug = [word.lower() for word in words] != ["off"]

    def _do_quit(self, words: Sequence[str]) -> None:
        self._ends = True

    def _do_go(self, words: Sequence[str]) -> None:
        asked = uci_go.asked(words)
        for fault in asked.faults:
            self._note(fault)
        try:
            game, position = self._on_board().to_think()
            if why := self._ready().refuses(game):
                raise Refusal(why)
        except Refusal as error:
            self._note(str(error))
            self._say("bestmove 0000")
            return
        if game.over(position)[0]:
            self._say(f"info depth 0 score {'mate 0' if game.results(position)[0] else 'cp 0'}", "bestmove (none)")
        else:
            self._think(game, position, asked)

    # ---- the search

    def _think(self, game: Chess, position: np.ndarray, asked: Asked) -> None:
        """Think aloud, and say the move."""
        share = asked.share(int(game.to_play(position)[0]), self._settings.overhead)
        strength, actions = self._strength(), self._actions(game, position, asked.actions)
        limit = limit_of(asked, share, actions, self._settings.lines, strength)
        if self._debug:
            self._note(f"{limit}")
        search = Search(share, waits=asked.ponder or asked.infinite)
        for thought in self._ready().ponder(game, position, limit, POLLED):
            self._show(game, position, thought, search)
            self._listen(search)
            if search.over:
                break
        while search.waits and not search.stopped:
            self._lines.wait()
            self._listen(search)
        self._show(game, position, thought, search, is_last=True)
        self._say(played(game, position, thought, strength, self._rng))

    def _show(self, game: Chess, position: np.ndarray, thought: Thought, search: Search, is_last: bool = False) -> None:
        if search.is_news(thought, is_last):
            seconds, settings = time.monotonic() - search.began, self._settings
            self._say(*infos(game, position, thought, settings.lines, seconds, settings.shows_wdl))

    def _listen(self, search: Search) -> None:
        """Do what has come in. At the end of the input a search without an end is stopped."""
        while self._lines.waiting and not self._ends:
            line = self._lines.take()
            if line is None:
                search.stopped = search.stopped or search.waits
                return
            self._answer(line, search)
        search.stopped = search.stopped or self._ends

    def _actions(self, game: Chess, position: np.ndarray, wanted: Sequence[str]) -> list[int]:
        """The legal actions, or those of them that are `wanted`; what is none of them is told, and left out."""
        legal, found = np.flatnonzero(game.legal(position)[0]).tolist(), list[int]()
        for text in wanted:
            try:
                found.append(game.action(text, position[0]))
            except ValueError as error:
                self._note(f"searchmoves: {error}")
        return found or legal

    def _strength(self) -> Strength | None:
        """How freely the move is chosen; None: the best that can be found."""
        thinker = self._ready()
        if self._settings.is_limited and thinker.ratings and self._about.elo is not None:
            return rated(thinker.ratings, self._settings.elo or self._about.elo.most)
        return self._about.strength(thinker)

    # ---- what is opened when it is needed

    def _ready(self) -> Thinker:
        """The thinker, opened and compiled; that it takes long is told."""
        if self._thinker is None:
            try:
                from sounding.games.compiled import announced

                with announced(self._note):
                    thinker = self._opened()
                    thinker.set_memory(self._settings.memory)
                    thinker.think(thinker.game, thinker.game.start(1), Limit(simulations=1, depth=1))
            except SoundingError as error:
                self._note(str(error))
                raise
            self._thinker = thinker
        return self._thinker

    def _on_board(self) -> Board:
        if self._board is None:
            from sounding.games.chess import Chess
            from sounding.games.protocols.uci_board import Board

            game = self._ready().game
            assert isinstance(game, Chess)
            self._board = Board(replace(game, chess960=self._settings.chess960))
        return self._board

    # ---- speech

    def _note(self, text: str) -> None:
        self._say(f"info string {' '.join(text.split())}")

    def _say(self, *lines: str) -> None:
        with self._speaking:  # that something is compiled is told by another thread
            self._out.write("".join(f"{line}\n" for line in lines))
            self._out.flush()
