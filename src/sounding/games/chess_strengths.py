"""How strong the chess program of the package is at a given number of nodes: the dial, and what was measured of it.

Nothing heavy is imported here: a UCI engine says what it offers before it compiles anything.
"""

from __future__ import annotations

from sounding.games.thinking import Strength

LEVELS = (
    (50, 2.0),
    (100, 1.2),
    (200, 0.8),
    (500, 0.5),
    (1_000, 0.3),
    (3_000, 0.2),
    (10_000, 0.1),
    (40_000, 0.0),
    (200_000, 0.0),
    (1_000_000, 0.0),
)
"""Nodes and temperature of the levels 1 to 10."""

RATINGS = (
    (1_050, Strength(50, 2.0)),
    (1_150, Strength(200, 0.8)),
    (1_250, Strength(500, 0.5)),
    (1_350, Strength(1_000, 0.3)),
    (1_600, Strength(3_000, 0.2)),
    (1_800, Strength(10_000, 0.1)),
    (1_950, Strength(20_000)),
    (2_200, Strength(80_000)),
)
"""Elo, as Stockfish 15.1 counts it by `UCI_Elo`, with the nodes and the temperature that come to it, weakest first.

Between Stockfish at 1,350, 1,700 and 2,200 the ratings of two ladders are read off, 12 and 8 games of each pair of
neighbours; the last is a match at 100 ms a move, in which so many nodes were searched. Each may be 200 off. How it was
measured is in docs/chess_engine.md.
"""
