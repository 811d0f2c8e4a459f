"""Matches one game at a time, with clocks where they are wanted: for engines that think about one game.

A game ends by its rules, or by adjudication, for which both players have to agree in what they say of it:

    won     both say for 4 moves each that the same one is 10 pawns ahead, or mates
    drawn   from move 40 on both say for 8 moves each that nobody is more than a tenth of a pawn ahead
    drawn   after 300 moves of each

A player forfeits a game by an illegal move, when it fails or hangs, and when its time runs out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sounding.arena.elo import Verdict, sequential_test
from sounding.arena.matches import Match, PlayedGame
from sounding.games.contest import Clocks, Contestant, Forfeit, Pace
from sounding.games.game import Game, Positions
from sounding.games.session import Session


@dataclass(frozen=True)
class Adjudication:
    """When a game is taken to be decided; scores in centipawns, moves are those of one player. 0 moves: never."""

    win: int = 1000
    win_moves: int = 4
    draw: int = 10
    draw_moves: int = 8
    draw_from: int = 40
    longest: int = 300

    def verdict(self, scores: Sequence[int | None]) -> tuple[int, str] | None:
        """Who has won (+1 the first player, 0 nobody, −1 the second) and why; None while that is open.

        `scores` are those of each move so far, from the view of the first player; None: not told.
        """
        agreed = self._agreed(scores, self.win_moves)
        if agreed and min(agreed) >= self.win:
            return 1, "adjudication: decided"
        if agreed and max(agreed) <= -self.win:
            return -1, "adjudication: decided"
        agreed = self._agreed(scores, self.draw_moves)
        if agreed and max(map(abs, agreed)) <= self.draw and len(scores) >= 2 * self.draw_from:
            return 0, "adjudication: level"
        if self.longest and len(scores) >= 2 * self.longest:
            return 0, f"adjudication: {self.longest} moves"
        return None

    @staticmethod
    def _agreed(scores: Sequence[int | None], moves: int) -> list[int]:
        """The scores of the last so many moves of each; nothing where there are fewer, or one was not told."""
        latest = [score for score in scores[max(0, len(scores) - 2 * moves) :] if score is not None]
        return latest if len(latest) == 2 * moves else []


NEVER = Adjudication(win_moves=0, draw_moves=0, longest=0)


@dataclass(frozen=True)
class Duel:
    """A game that was played: who has won (+1 the first player), how it ended, and who failed where somebody did."""

    session: Session
    winner: int
    how: str
    forfeit: str = ""
    scores: tuple[int | None, ...] = ()
    """What the player to move said before each move, in centipawns, from the view of the first player."""
    seconds: tuple[float, ...] = ()
    """That each move took."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Of each move what its player said, as PGN has it (the first player's view), and how long it took."""
        pairs = zip(self.scores, self.seconds, strict=True)
        return tuple(f"{_evaluated(score)}{seconds:.2f}s" for score, seconds in pairs)


def _evaluated(score: int | None) -> str:
    return "" if score is None else f"[%eval {score / 100:.2f}] "


def play_duel(
    game: Game, opening: Positions, players: tuple[Contestant, Contestant], pace: Pace, rules: Adjudication
) -> Duel:
    """A game from the position `opening` [1]; the first of the players moves first in the game's sense (White)."""
    session, clocks = Session(game, opening), Clocks(pace)
    scores, times = list[int | None](), list[float]()

    def ended(winner: int, how: str, forfeit: str = "") -> Duel:
        return Duel(session, winner, how, forfeit, tuple(scores), tuple(times))

    for player in players:
        player.begin()
    while not session.over:
        if (verdict := rules.verdict(scores)) is not None:
            return ended(*verdict)
        mover = session.to_play
        player, loss = players[mover], 2 * mover - 1
        began = time.monotonic()
        try:
            answer = player.answer(session, clocks, pace)
        except Forfeit as error:
            return ended(loss, "forfeit", str(error))
        except Exception as error:  # whatever a player does wrong, the match goes on
            return ended(loss, "forfeit", f"{player.name} failed: {str(error) or type(error).__name__}")
        spent = time.monotonic() - began
        if not clocks.spend(mover, spent):
            return ended(loss, "time forfeit", f"{player.name} lost on time")
        try:
            session.play(answer.action)
        except ValueError as error:
            return ended(loss, "illegal move", f"{player.name} made an illegal move ({error})")
        worth = answer.centipawns
        scores.append(worth if worth is None or mover == 0 else -worth)
        times.append(spent)
    return ended(session.result, "")


def play_duels(
    game: Game,
    one: Contestant,
    other: Contestant,
    openings: Positions,
    pace: Pace,
    rules: Adjudication | None = None,
    test: tuple[float, float] | None = None,
    told: Callable[[PlayedGame, Duel, Match, Verdict | None], None] = lambda game, duel, match, verdict: None,
) -> Match:
    """Two games from each of the `openings` [P], in which sides are changed.

    `test` are two differences in Elo: the match ends as soon as the sequential test tells which of them it is rather.
    `told` hears of each game, with the match so far; the verdict comes with the second game of a pair.
    """
    match = Match(one.name, other.name, ())
    for number in range(len(openings)):
        for is_first in (True, False):
            players = (one, other) if is_first else (other, one)
            duel = play_duel(game, openings[number : number + 1], players, pace, rules or Adjudication())
            points = (1 + (1 if is_first else -1) * duel.winner) / 2
            actions = tuple(move.action for move in duel.session.moves)
            played = PlayedGame(number, is_first, points, actions, duel.forfeit)
            match = replace(match, games=(*match.games, played))
            verdict = None if test is None or is_first else sequential_test(match.counts, *test)
            told(played, duel, match, verdict)
        if verdict is not None and verdict.verdict != "open":
            break
    return match
