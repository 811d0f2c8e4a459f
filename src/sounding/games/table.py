"""A person and a thinker at one board, in plain text: what is typed goes in as lines, what is told comes out as text.

table = Table(thinker, game, strength, person=0, rng=rng, say=print)
while (line := ask(table.prompt)) is not None and table.take(line):
    …
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from sounding.errors import DataError, SoundingError, UsageError, did_you_mean
from sounding.games.game import Game
from sounding.games.manners import Played, manner_of
from sounding.games.session import Session
from sounding.games.thinking import Candidate, Limit, Strength, Thinker, Thought
from sounding.wording import counted, percent

WORDS = {
    "undo": "take your last move and the answer to it back (takeback is the same)",
    "hint": "what the model would play, and how it would go on",
    "board": "draw the board again",
    "evaluate": "what the model thinks of the position",
    "strength N": "how strongly it plays from here: 1 (a beginner) and up",
    "rating N": "let it play as a player rated so, where it knows ratings",
    "save FILE": "write the game to a file (SUFFIX)",
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
        self.session, self.manner = Session(game), manner_of(game)
        self._comments: list[str] = []
        self._resigned = False
        self._saved: set[Path] = set()

    @property
    def prompt(self) -> str:
        """What is asked of the person now."""
        return "undo, save FILE or quit: " if self.over else f"{self._name(self.person)} to move: "

    @property
    def over(self) -> bool:
        """Whether the game has ended."""
        return self._resigned or self.session.over

    def begin(self) -> None:
        """Say who is who, and let the thinker move where it is first."""
        mine, other = self._name(self.person), self._name(1 - self.person)
        self.say(f"You are {mine}, {self.thinker.name} is {other}; {self._name(0)} begins. Type a move, or help.")
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
        does = {
            "undo": self._undo,
            "takeback": self._undo,
            "hint": self._hint,
            "evaluate": self._evaluate,
            "board": self._draw,
            "resign": self._resign,
            "help": self._help,
        }
        name = word.lower()
        if not word:
            return
        if name == "save":
            self._save(rest)
        elif name == "strength":
            self.strength = Strength.named(rest, self.thinker.levels)
            self.say(f"{counted(self.strength.simulations, self.thinker.unit)} a move from here")
        elif name == "rating":
            self._rate(rest)
        elif name in does and not rest:
            does[name]()
        else:
            self._move(f"{word} {rest}".strip())

    def _rate(self, word: str) -> None:
        if not (word.isascii() and word.isdecimal()):
            raise UsageError(f"rating {word!r} is no number", fix="Such as: rating 1500")
        self.strength = self.thinker.rated(int(word[:9]))
        self.say(f"plays like a player rated {int(word)} from here")

    # ---- moves

    def _move(self, text: str) -> None:
        if self.over:
            raise UsageError("the game is over", fix="undo, save FILE or quit")
        try:
            action = self.manner.action(text, self.session.position)
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
            self.say(f"{self._name(1 - self.person)} plays {said}: {told}")
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
        limit = Limit(max(HINT.simulations, self.strength.simulations), lines=HINTS)
        thought = self.thinker.think(self.session.game, self.session.position, limit)
        for move in thought.candidates[:HINTS]:
            tried = counted(move.visits, self.thinker.unit)
            line = self._line(move.line or (move.action,))
            told = f"{percent(move.win_rate)} for you{_worth(move)}, {tried}; expects {line}"
            self.say(f"  {self._text(move.action)}: {told}")

    def _evaluate(self) -> None:
        if self.over:
            raise UsageError("the game is over", fix="undo, save FILE or quit")
        limit = Limit(max(HINT.simulations, self.strength.simulations))
        thought = self.thinker.think(self.session.game, self.session.position, limit)
        self.say(f"  {self._told(thought, thought.candidates[0].action)}")

    def _told(self, thought: Thought, action: int) -> str:
        """The thinker's view of the position that it moves in, and how its move would go on."""
        move = next(move for move in thought.candidates if move.action == action)
        worth = _worth(replace(move, lead=thought.lead))
        who = f"win rate of {self._name(self.session.to_play)} {percent(thought.win_rate)}{worth}"
        depth = f"depth {thought.depth}, " if move.centipawns is not None or move.mate is not None else ""
        line = self._line(move.line or (action,))
        return f"{who}, {depth}{counted(thought.simulations, self.thinker.unit)}; expects {line}"

    def _line(self, actions: tuple[int, ...]) -> str:
        """A line of moves from the present position."""
        return " ".join(self.manner.line(self.session.position, actions[:LONGEST_LINE]))

    def _draw(self) -> None:
        self.say("\n" + self.manner.board(self.session, self.person) + "\n")

    def _ending(self) -> str:
        """Who has won, and how."""
        if self._resigned:
            return f"{self._name(1 - self.person)} wins: you resigned."
        reason = self.manner.reason(self.session)
        so = f" ({reason})" if reason else ""
        return f"{self._name(int(self._winner < 0))} wins{so}." if self._winner else f"A draw{so}."

    @property
    def _winner(self) -> int:
        """+1 where the first player has won, −1 where the second has, 0 for a draw."""
        return (1 if self.person else -1) if self._resigned else self.session.result

    def _help(self) -> None:
        words = {self.manner.example: "a move", **WORDS}
        self.say("\n".join(f"  {name:12} {what}" for name, what in words.items()).replace("SUFFIX", self.manner.suffix))

    def _name(self, player: int) -> str:
        return self.manner.players[player]

    def _text(self, action: int) -> str:
        return self.manner.text(action, self.session.position)

    # ---- keeping

    def _save(self, name: str) -> None:
        """Write the game; never over a file that was there before this game."""
        path, suffix = Path(name).expanduser(), self.manner.suffix
        if not name or path.suffix.lower() != suffix:
            raise UsageError(
                f"a game of {self.session.game.name} is saved as {suffix}", fix=f"Such as: save game{suffix}"
            )
        if path.exists() and path not in self._saved:
            raise DataError(f"there is a file {name}, and it is not overwritten", fix="Give another name")
        names = {self.person: "you", 1 - self.person: self.thinker.name}
        how = "resignation" if self._resigned else self.manner.reason(self.session) if self.over else ""
        winner = self._winner if self.over else None
        self.manner.save(path, [Played(self.session, (names[0], names[1]), winner, how, self._comments)])
        self._saved.add(path)
        self.say(f"{counted(len(self.session.moves), 'move')} in {name}")


def _worth(move: Candidate) -> str:
    """What a move is worth beside its win rate, where that is known: points, pawns, a mate."""
    if move.mate is not None:
        return f", mate in {move.mate}" if move.mate > 0 else f", mated in {-move.mate}"
    if move.centipawns is not None:
        return f", {move.centipawns / 100:+.2f}"
    return "" if move.lead is None else f", {move.lead:+.1f} points"
