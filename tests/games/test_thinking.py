"""The dial: what a strength thinks, and how it chooses among the moves of a thought."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sounding.errors import UsageError
from sounding.games.thinking import DRAWN_FROM, LEVELS, Candidate, Limit, Strength, Thinker, Thought, rated


def thought(*visits: int, priors: tuple[float, ...] = ()) -> Thought:
    priors = priors or (0.0,) * len(visits)
    moves = [Candidate(k, n, p, 0.5, (k,)) for k, (n, p) in enumerate(zip(visits, priors, strict=True))]
    return Thought(0.5, tuple(moves), sum(visits))


def test_levels_and_simulations():
    assert Strength.named("10") == Strength(*LEVELS[9])
    assert Strength.named("400") == Strength(400, 0.0)
    simulations, temperatures = zip(*LEVELS, strict=True)
    assert sorted(simulations) == list(simulations)
    assert sorted(temperatures, reverse=True) == list(temperatures)
    for word in ("0", "-3", "strong", "1.5", "٣", "99999999"):
        with pytest.raises(UsageError, match="neither a level nor a number"):
            Strength.named(word)


def test_full_strength_takes_the_first_and_others_choose_by_share():
    rng = np.random.default_rng(0)
    assert {Strength(8).choose(thought(1, 99), rng) for _ in range(50)} == {0}
    chosen = [Strength(8, 1.0).choose(thought(30, 10), rng) for _ in range(4000)]
    assert np.mean(chosen) == pytest.approx(0.25, abs=0.03)
    chosen = [Strength(8, 0.5).choose(thought(30, 10), rng) for _ in range(4000)]
    assert np.mean(chosen) == pytest.approx(0.1, abs=0.02)


def test_where_nothing_was_tried_the_network_decides():
    rng = np.random.default_rng(0)
    chosen = [Strength(1, 1.0).choose(thought(0, 0, priors=(0.8, 0.2)), rng) for _ in range(4000)]
    assert np.mean(chosen) == pytest.approx(0.2, abs=0.03)
    assert {Strength(1, 1.0).choose(thought(0, 0), rng) for _ in range(50)} == {0, 1}


def test_where_values_are_known_a_pawn_at_temperature_1_is_worth_a_factor_of_e():
    moves = [Candidate(k, 1, 0.0, 0.5, (k,), centipawns=worth) for k, worth in enumerate((50, -50, None))]
    rng = np.random.default_rng(0)
    chosen = np.array([Strength(8, 1.0).choose(Thought(0.5, tuple(moves), 9), rng) for _ in range(4000)])
    assert np.mean(chosen == 1) == pytest.approx(1 / (1 + np.e), abs=0.03)
    assert 2 not in chosen
    assert Strength(8, 1.0).limit().lines == DRAWN_FROM
    assert Strength(8).limit(3.0) == Limit(8, 3.0)


def test_a_rating_lies_between_those_that_were_measured():
    measured = ((1000, Strength(10, 1.0)), (2000, Strength(1000, 0.0)))
    assert rated(measured, 1500) == Strength(100, 0.5)
    assert rated(measured, 1000) == rated(measured, 400) == Strength(10, 1.0)
    assert rated(measured, 3000) == Strength(1000, 0.0)


def test_a_dial_of_its_own_has_levels_of_its_own():
    dial = ((5, 1.0), (70, 0.0))
    assert [Strength.named(word, dial) for word in ("1", "2", "3")] == [Strength(5, 1.0), Strength(70), Strength(3)]


def test_thinking_needs_an_end_and_gives_the_last_thought():
    class Two(Thinker):
        name = "two"

        def ponder(self, game, position, limit, every=1.0):
            yield thought(1)
            yield thought(2)

    assert Two().think(None, None, Limit(simulations=2)).simulations == 2
    assert Two().think(None, None, Limit(depth=1)).simulations == 2
    with pytest.raises(ValueError, match="no end"):
        Two().think(None, None, Limit(target=1.0, mate=3))


def test_the_page_on_playing_has_the_levels():
    page = (Path(__file__).parents[2] / "docs" / "play.md").read_text()
    for name, values in zip(("simulations", "temperature"), zip(*LEVELS, strict=True), strict=True):
        assert f"| {name} | " + " | ".join(f"{value:g}" for value in values) + " |" in page
