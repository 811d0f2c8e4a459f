"""A match as it is asked for on the command line: openings, pace, adjudication, games kept, and what is told of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sounding.arena.duels import NEVER, Adjudication, Duel, play_duels
from sounding.arena.elo import Verdict
from sounding.arena.ladder import ladder_of_duels, told
from sounding.arena.matches import Match, PlayedGame
from sounding.arena.openings import openings
from sounding.errors import DataError, UsageError
from sounding.files import shortened_name, unreadable
from sounding.games.contest import Contestant, Pace
from sounding.games.game import Game, Positions
from sounding.games.manners import Played, manner_of
from sounding.machine.setting import processor
from sounding.randomness import stream
from sounding.wording import counted

PLIES = {"chess": 8, "go": 2, "connect4": 4}
"""Random moves of openings, where neither a number nor a file is given; chess has named ones."""
SAID = 10
"""Games between two lines on how far it is."""


@dataclass(frozen=True)
class MatchPlan:
    """What is played. `test` are two differences in Elo, of which a match with an early end decides; of a ladder the
    `anchor` is its 0, and only `neighbours` so many places apart play.
    """

    game: Game
    games: int
    pace: Pace
    test: tuple[float, float] | None = None
    openings: Path | None = None
    plies: int | None = None
    adjudicated: bool = True
    out: Path | None = None
    seed: int = 0
    anchor: str = ""
    neighbours: int | None = None

    @property
    def conditions(self) -> str:
        """In a sentence, for whoever wants to play it again."""
        rules = (
            "decided and level games adjudicated where both players agree" if self.adjudicated else "no adjudication"
        )
        return f"{self.game.name}, {self.pace}, {self._begun}, {rules}; {processor()[0]}"

    @property
    def _begun(self) -> str:
        if self.openings is not None:
            return f"openings of {self.openings.name}"
        if self.game.name == "chess" and self.plies is None:
            return "named openings"
        return f"openings of {counted(self._random, 'random move')}"

    @property
    def _random(self) -> int:
        return PLIES[self.game.name] if self.plies is None else self.plies

    def beginnings(self) -> Positions:
        """[P]: positions to begin with, in an order that the seed decides, no two alike."""
        pairs, rng = self.games // 2, stream("openings", self.seed)
        if self.openings is None and (self.game.name != "chess" or self.plies is not None):
            return openings(self.game, pairs, self._random, rng)
        found = self._known()
        chosen = rng.permutation(len(found))[:pairs]
        positions = found[chosen]
        if pairs <= len(positions):
            return positions
        return np.concatenate([positions, openings(self.game, pairs - len(positions), PLIES["chess"], rng)])

    def _known(self) -> Positions:
        from sounding.games.chess import Chess

        if not isinstance(self.game, Chess):
            raise UsageError("only openings of chess are read from files", fix="Leave --openings out")
        if self.openings is not None:
            return positions_of(self.openings, self.game)
        from sounding.games.chess.openings import named_openings

        return named_openings(self.game)


def positions_of(path: Path, game: Game) -> Positions:
    """[N]: the positions of chess in a file, a FEN or the four fields of an EPD on each line. Raises DataError."""
    from sounding.games.chess import Chess, fen

    assert isinstance(game, Chess)
    found = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise unreadable(str(path), error) from None
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        counts = words[4:6] if len(words) > 5 and all(word.isdecimal() for word in words[4:6]) else ["0", "1"]
        try:
            position = fen.read(" ".join([*words[:4], *counts]), game.chess960, game.claims)
        except DataError as error:
            raise DataError(error.what, where=f"{path.name}:{number}", fix=error.fix) from None
        if not game.over(position)[0]:
            found.append(position)
    if not found:
        raise DataError("no position is in it", where=str(path), fix="Give a FEN or EPD on each line")
    return np.concatenate(found)


class Keeper:
    """Keeps the games of a match in a file, which is written anew after each game, and says how far it is."""

    def __init__(self, plan: MatchPlan, path: Path, say: Callable[[str], None]) -> None:
        self._plan, self._path, self._say = plan, path, say
        self._manner = manner_of(plan.game)
        self._games: list[Played] = []

    def __call__(self, game: PlayedGame, duel: Duel, match: Match, verdict: Verdict | None) -> None:
        """A game has ended."""
        names = (match.one, match.other) if game.first else (match.other, match.one)
        self._games.append(Played(duel.session, names, duel.winner, duel.how, duel.remarks))
        self._manner.save(self._path, self._games)
        if game.forfeit:
            self._say(f"game {len(self._games)}: {game.forfeit}: it has lost the game")
        if not game.first and (len(self._games) % SAID == 0 or (verdict and verdict.verdict != "open")):
            tested = f", log likelihood ratio {verdict.ratio:+.2f}" if verdict else ""
            self._say(f"{told(match)}{tested}")


def play(plan: MatchPlan, one: Contestant, other: Contestant, say: Callable[[str], None]) -> str:
    """Play a match, and tell of it. Raises DataError where the file of the games is there already."""
    path = _new_file(plan, (one, other), "match")
    begin = plan.beginnings()
    say(f"{plan.conditions}; games in {path}")
    rules = Adjudication() if plan.adjudicated else NEVER
    match = play_duels(plan.game, one, other, begin, plan.pace, rules, plan.test, Keeper(plan, path, say))
    lines = [told(match), f"pairs with 0, ½, 1, 1½, 2 points: {' '.join(f'{n:g}' for n in match.counts)}"]
    if plan.test is not None:
        lines.append(_tested(match, plan.test))
    return "\n".join([*lines, f"conditions: {plan.conditions}", f"games: {path}"])


def play_ladder(plan: MatchPlan, players: Sequence[Contestant], say: Callable[[str], None]) -> str:
    """Let all play all, or only neighbours, and tell of it. Raises DataError where the file is there already."""
    path = _new_file(plan, players[:2], "ladder")
    begin = plan.beginnings()
    say(f"{plan.conditions}; games in {path}")
    rules = Adjudication() if plan.adjudicated else NEVER
    keeper = Keeper(plan, path, say)
    found = ladder_of_duels(plan.game, players, begin, plan.pace, rules, plan.anchor, plan.neighbours, keeper)
    return f"{found}\n\nconditions: {plan.conditions}\ngames: {path}"


def _tested(match: Match, test: tuple[float, float]) -> str:
    from sounding.arena.elo import sequential_test

    verdict = sequential_test(match.counts, *test)
    low, high = test
    said = {
        "better": f"better by {high:g} Elo rather than {low:g}",
        "not better": f"better by {low:g} Elo rather than {high:g}",
        "open": f"open, whether by {low:g} or by {high:g} Elo",
    }[verdict.verdict]
    bounds = f"log likelihood ratio {verdict.ratio:+.2f} of {verdict.least:.2f} to {verdict.most:.2f}"
    return f"sequential test: {match.one} is {said} ({bounds})"


def _new_file(plan: MatchPlan, players: Sequence[Contestant], kind: str) -> Path:
    """Where the games are kept: a file that is not there yet."""
    suffix = manner_of(plan.game).suffix
    if plan.out is not None:
        if plan.out.suffix.lower() != suffix:
            raise UsageError(f"games of {plan.game.name} are kept as {suffix}", fix=f"Such as: --out games{suffix}")
        if plan.out.exists():
            what = f"there is a file {plan.out}, and it is not overwritten"
            raise DataError(what, fix="Give another name behind --out")
        return plan.out
    words = "-".join(re.sub(r"[^\w.]+", "_", shortened_name(player.name)) for player in players)
    numbers = ("" if number == 1 else f"-{number}" for number in range(1, 10_000))
    return next(path for number in numbers if not (path := Path(f"{kind}-{words}{number}{suffix}")).exists())
