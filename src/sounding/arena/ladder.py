"""Many players on one scale: matches between all of them, or of newcomers against those that are known."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sounding.arena.bradley_terry import Ratings, bradley_terry
from sounding.arena.duels import Adjudication, Duel, play_duels
from sounding.arena.elo import Verdict, elo_difference, sequential_test
from sounding.arena.matches import Match, Mover, PlayedGame, play_match
from sounding.arena.openings import openings
from sounding.contract.evidence import SIDES, Estimate
from sounding.errors import UsageError
from sounding.games.contest import Contestant, Pace
from sounding.games.game import Game, Positions
from sounding.randomness import stream
from sounding.wording import in_columns


@dataclass(frozen=True)
class Ladder:
    """Matches, and the ratings that they come to. More matches can be added: `Ladder(anchor, (*matches, more))`."""

    anchor: str
    matches: tuple[Match, ...]

    @property
    def names(self) -> list[str]:
        """All players, in the order in which they came."""
        return list(dict.fromkeys(name for match in self.matches for name in (match.one, match.other)))

    @property
    def points(self) -> np.ndarray:
        """[K, K]: what the player of the row got against that of the column."""
        names = self.names
        points = np.zeros((len(names), len(names)))
        for match in self.matches:
            one, other = names.index(match.one), names.index(match.other)
            points[one, other] += match.pairs.sum()
            points[other, one] += match.pairs.size - match.pairs.sum()
        return points

    @property
    def ratings(self) -> Ratings:
        """All on one scale, the anchor at 0. Raises UsageError where no chain of games connects them."""
        return bradley_terry(self.names, self.points, self.anchor)

    def __str__(self) -> str:
        """The players, best first, and under them the matches."""
        found, points = self.ratings, self.points
        rows = [("player", "Elo", "95 % interval", "games", "points")]
        for name, rating in found.ratings.items():
            between = "(the scale begins here)" if name == self.anchor else f"{rating.low:+.0f} to {rating.high:+.0f}"
            share = points[self.names.index(name)].sum() / rating.n
            rows.append((name, f"{rating.value:+.0f}", between, str(rating.n), f"{100 * share:.1f} %"))
        lines = list(in_columns(rows))
        if found.added_draws:
            lines.append(f"Some won every game: {found.added_draws:g} draw was added between each two that met.")
        return "\n".join([*lines, "", *map(told, self.matches)])


def told(match: Match) -> str:
    """A match in a line: points, won, drawn and lost games, and the difference in Elo with its interval."""
    won, drawn, lost = match.won_drawn_lost
    line = f"{match.one} against {match.other}: {100 * match.score:.1f} % of {len(match.games)} games"
    line += f" (+{won} ={drawn} -{lost}), Elo {_signed(elo_difference(match.counts))}"
    forfeits = len(match.forfeits)
    return f"{line}, {forfeits} forfeited: {match.forfeits[0]}" if forfeits else line


def _signed(elo: Estimate) -> str:
    """A difference with its interval, or which side of the truth it is on."""
    if elo.low is None or elo.high is None:
        return f"{SIDES[elo.bound]} {elo.value:+.0f}"
    return f"{elo.value:+.0f} [{elo.low:+.0f}, {elo.high:+.0f}]"


def ladder(
    game: Game,
    movers: Sequence[Mover],
    pairs: int,
    plies: int,
    seed: int = 0,
    anchor: str = "",
    neighbours: int | None = None,
    at_a_time: int = 64,
    seconds: float | None = None,
    progress: Callable[[Match], None] = lambda match: None,
) -> Ladder:
    """Matches of `pairs` pairs of games between all `movers`, or only those up to `neighbours` places apart.

    Each match begins with openings of `plies` random moves, the same for all. The scale begins at the `anchor`, or the
    first of the movers. `progress` is told each match as it ends.
    """
    names = _names(movers, anchor)
    begins = openings(game, pairs, plies, stream("openings", seed))
    matches = []
    for one, other in _meetings(len(movers), neighbours):
        rng = stream("match", seed, names[one], names[other])
        matches.append(play_match(game, movers[one], movers[other], begins, rng, at_a_time, seconds))
        progress(matches[-1])
    return Ladder(anchor or names[0], tuple(matches))


def ladder_of_duels(
    game: Game,
    players: Sequence[Contestant],
    begins: Positions,
    pace: Pace,
    rules: Adjudication | None = None,
    anchor: str = "",
    neighbours: int | None = None,
    told: Callable[[PlayedGame, Duel, Match, Verdict | None], None] = lambda game, duel, match, verdict: None,
) -> Ladder:
    """Matches as those of `ladder`, one game at a time (`play_duels`): for engines that think about one game.

    Each match has two games from each of the positions `begins` [P]. `told` hears of each game.
    """
    names = _names(players, anchor)
    meetings = _meetings(len(players), neighbours)
    matches = (play_duels(game, players[i], players[j], begins, pace, rules, told=told) for i, j in meetings)
    return Ladder(anchor or names[0], tuple(matches))


def _names(players: Sequence[Mover] | Sequence[Contestant], anchor: str) -> list[str]:
    """Those of the players. Raises UsageError where two are called the same, or nobody like the anchor."""
    names = [player.name for player in players]
    if len(set(names)) < len(names) or len(names) < 2 or (anchor and anchor not in names):
        what = f"{', '.join(names) or 'nobody'} is no ladder{f' with {anchor}' if anchor else ''}"
        raise UsageError(what, fix="Give two or more players with different names, and one of them as the anchor")
    return names


def _meetings(players: int, neighbours: int | None) -> Iterable[tuple[int, int]]:
    """Who plays whom."""
    apart = players if neighbours is None else neighbours
    return ((i, j) for i, j in itertools.combinations(range(players), 2) if j - i <= apart)


def play_until_known(
    game: Game,
    one: Mover,
    other: Mover,
    low: float,
    high: float,
    plies: int,
    most_pairs: int = 1000,
    at_a_time: int = 32,
    seed: int = 0,
    seconds: float | None = None,
    progress: Callable[[Match, Verdict], None] = lambda match, verdict: None,
) -> tuple[Match, Verdict]:
    """A match that ends as soon as the sequential test tells whether `one` is better by `high` Elo rather than `low`.

    Asked after every `at_a_time` games, and at the latest after `most_pairs`, when it may be open still.
    """
    rng = stream("match", seed, one.name, other.name)
    begins = openings(game, most_pairs, plies, stream("openings", seed))
    match = Match(one.name, other.name, ())
    step = max(1, at_a_time // 2)
    for begin in range(0, most_pairs, step):
        match += play_match(game, one, other, begins[begin : begin + step], rng, at_a_time, seconds)
        verdict = sequential_test(match.counts, low, high)
        progress(match, verdict)
        if verdict.verdict != "open":
            break
    return match, verdict
