"""A person and a thinker at one board, in plain text: what is typed goes in as lines, what is told comes out as text.

table = Table(thinker, game, strength, person=0, rng=rng, say=print)
while (line := ask(table.prompt)) is not None and table.take(line):
    …
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from sounding.errors import DataError, SoundingError, UsageError, did_you_mean
from sounding.files import write
from sounding.games.diagram import SIGNS, diagram
from sounding.games.game import Game
from sounding.games.records.record import GameRecord, score_text
from sounding.games.records.sgf import save
from sounding.games.session import Session
from sounding.games.thinking import Limit, Strength, Thinker, Thought
from sounding.wording import counted, percent

WORDS = {
    "undo": "take your last move and the answer to it back",
    "hint": "what the model would play, and how it would go on",
    "board": "draw the board again",
    "save FILE": "write the game to a file (.sgf of Go, .txt of other games)",
    "resign": "give up",
    "quit": "leave",
    "help": "this list",
}
HINT = Strength(200)
"""How much is thought for a hint, at least."""
HINTS = 3
"""Moves of a hint."""
LONGEST_LINE = 8
"""Moves of a line that are shown."""


class Table:
    """A game of a person, who is player 0 or 1, against a thinker. `say` is told what happens.

    `take` does what a typed line says; it is False when the person leaves.
    """

    def __init__(
        self,
        thinker: Thinker,
        game: Game,
        strength: Strength,
        person: int,
        rng: np.random.Generator,
        say: Callable[[str], None],
    ) -> None:
        self.thinker, self.strength, self.person, self.rng, self.say = thinker, strength, person, rng, say
        self.session = Session(game)
        self._comments: list[str] = []
        self._resigned = False
        self._saved: set[Path] = set()

    @property
    def prompt(self) -> str:
        """What is asked of the person now."""
        return "undo, save FILE or quit: " if self.over else f"{self._sign(self.person)} to move: "

    @property
    def over(self) -> bool:
        """Whether the game has ended."""
        return self._resigned or self.session.over

    def begin(self) -> None:
        """Say who is who, and let the thinker move where it is first."""
        mine, other = self._sign(self.person), self._sign(1 - self.person)
        self.say(f"You are {mine}, {self.thinker.name} is {other}; {self._sign(0)} begins. Type a move, or help.")
        if self.person == 0:
            self._draw()
        self._answer()

    def take(self, line: str) -> bool:
        """Do what a line says; False where it says to leave."""
        word, _, rest = line.strip().partition(" ")
        if word.lower() in ("quit", "exit"):
            return False
        try:
            self._do(word, rest.strip())
        except SoundingError as error:
            self.say(str(error))
        return True

    def _do(self, word: str, rest: str) -> None:
        does = {"undo": self._undo, "hint": self._hint, "board": self._draw, "resign": self._resign, "help": self._help}
        name = word.lower()
        if not word:
            return
        if name == "save":
            self._save(rest)
        elif name in does and not rest:
            does[name]()
        else:
            self._move(f"{word} {rest}".strip())

    # ---- moves

    def _move(self, text: str) -> None:
        if self.over:
            raise UsageError("the game is over", fix="undo, save FILE or quit")
        try:
            action = self.session.game.action(text, self.session.position[0])
        except ValueError as error:
            near = did_you_mean(text.lower(), [name.split()[0] for name in WORDS])
            raise UsageError(
                str(error), fix=near if near.startswith("Did") else "help lists what else there is"
            ) from None
        try:
            self.session.play(action)
        except ValueError:
            raise UsageError(f"{text} is not legal here") from None
        self._comments.append("")
        self._answer()

    def _answer(self) -> None:
        """The thinker's move, where it is to move, and the end of the game, where it has come."""
        if not self.over and self.session.to_play != self.person:
            thought = self.thinker.think(self.session.game, self.session.position, self.strength.limit())
            action = self.strength.choose(thought, self.rng)
            told = self._told(thought, action)
            said = self._text(action)
            self.session.play(action)
            self._comments.append(told)
            self._draw()
            self.say(f"{self._sign(1 - self.person)} plays {said}: {told}")
        elif self.over:
            self._draw()
        if self.over:
            self.say(self._ending())

    def _undo(self) -> None:
        """Take moves back until the person is to move again, and has one fewer played."""
        mine = [number for number, move in enumerate(self.session.moves) if move.player == self.person]
        if self._resigned:
            self._resigned = False
        elif not mine:
            raise UsageError("there is no move of yours to take back")
        else:
            while len(self.session.moves) > mine[-1]:
                self.session.undo()
                self._comments.pop()
        self._draw()

    def _resign(self) -> None:
        if self.over:
            raise UsageError("the game is over", fix="undo, save FILE or quit")
        self._resigned = True
        self.say(self._ending())

    # ---- what is told

    def _hint(self) -> None:
        if self.over:
            raise UsageError("the game is over", fix="undo, save FILE or quit")
        limit = Limit(max(HINT.simulations, self.strength.simulations))
        thought = self.thinker.think(self.session.game, self.session.position, limit)
        for move in thought.candidates[:HINTS]:
            lead = "" if move.lead is None else f", {move.lead:+.1f} points"
            tried = counted(move.visits, "simulation")
            line = self._line(move.line or (move.action,))
            self.say(f"  {self._text(move.action)}: {percent(move.win_rate)} for you{lead}, {tried}; expects {line}")

    def _told(self, thought: Thought, action: int) -> str:
        """The thinker's view of the position that it moves in, and how its move would go on."""
        line = next(move.line for move in thought.candidates if move.action == action) or (action,)
        lead = "" if thought.lead is None else f", {thought.lead:+.1f} points"
        who = f"win rate of {self._sign(self.session.to_play)} {percent(thought.win_rate)}{lead}"
        return f"{who}, {counted(thought.simulations, 'simulation')}; expects {self._line(line)}"

    def _line(self, actions: tuple[int, ...]) -> str:
        """A line of moves from the present position."""
        return " ".join(self._text(action) for action in actions[:LONGEST_LINE])

    def _draw(self) -> None:
        self.say("\n" + diagram(self.session.game, self.session.position, self.session.last) + "\n")

    def _ending(self) -> str:
        """Who has won, and how."""
        if self._resigned:
            return f"{self._sign(1 - self.person)} wins: you resigned."
        points = self._points
        counted_so = f" ({points}: area, all stones on the board alive)" if points else ""
        result = self.session.result
        return f"A draw{counted_so}." if result == 0 else f"{self._sign(int(result < 0))} wins{counted_so}."

    @property
    def _points(self) -> str:
        """The score of a game that is counted."""
        if self.session.game.name != "go":
            return ""
        from sounding.games.go import Go

        game = self.session.game
        return score_text(float(game.score(self.session.position)[0])) if isinstance(game, Go) else ""

    def _help(self) -> None:
        such = self._text(self.session.game.actions // 2)
        self.say("\n".join(f"  {name:10} {what}" for name, what in {such: "a move", **WORDS}.items()))

    def _sign(self, player: int) -> str:
        return SIGNS[1 - 2 * player]

    def _text(self, action: int) -> str:
        return self.session.game.text(action, self.session.position[0])

    # ---- keeping

    def _save(self, name: str) -> None:
        """Write the game; never over a file that was there before this game."""
        ending = ".sgf" if self.session.game.name == "go" else ".txt"
        path = Path(name).expanduser()
        if not name or path.suffix.lower() != ending:
            raise UsageError(
                f"a game of {self.session.game.name} is saved as {ending}", fix=f"Such as: save game{ending}"
            )
        if path.exists() and path not in self._saved:
            raise DataError(f"there is a file {name}, and it is not overwritten", fix="Give another name")
        if ending == ".sgf":
            save(path, [self._record()])
        else:
            write(path, "".join(self.session.game.text(move.action) for move in self.session.moves) + "\n")
        self._saved.add(path)
        self.say(f"{counted(len(self.session.moves), 'move')} in {name}")

    def _record(self) -> GameRecord:
        from sounding.games.go import Go

        game = self.session.game
        assert isinstance(game, Go)
        names = {self.person: "you", 1 - self.person: self.thinker.name}
        result = f"{'BW'[1 - self.person]}+R" if self._resigned else self._points if self.over else ""
        return GameRecord(
            size=game.size,
            moves=self.session.moves,
            komi=game.komi,
            result=result,
            players=(names[0], names[1]),
            rules="Tromp-Taylor",
            comments=tuple(self._comments) if any(self._comments) else (),
        )
