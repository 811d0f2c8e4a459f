"""Beginnings of games as people play them, for matches: neither side stands much better.

Each is a line of the usual names (Ruy Lopez, Sicilian …), at most eight moves of both players, in SAN.
"""

from __future__ import annotations

import numpy as np

from sounding.games.chess import Chess
from sounding.games.chess.actions import action_of
from sounding.games.chess.san import move_of
from sounding.games.game import Positions

LINES = """
e4 e5 Nf3 Nc6 Bb5 a6 Ba4 Nf6
e4 e5 Nf3 Nc6 Bb5 Nf6 O-O Nxe4
e4 e5 Nf3 Nc6 Bb5 a6 Bxc6 dxc6
e4 e5 Nf3 Nc6 Bb5 d6 d4 Bd7
e4 e5 Nf3 Nc6 Bb5 Bc5 c3 Nf6
e4 e5 Nf3 Nc6 Bc4 Bc5 c3 Nf6
e4 e5 Nf3 Nc6 Bc4 Nf6 d3 Be7
e4 e5 Nf3 Nc6 Bc4 Nf6 Ng5 d5
e4 e5 Nf3 Nc6 d4 exd4 Nxd4 Nf6
e4 e5 Nf3 Nc6 d4 exd4 Nxd4 Bc5
e4 e5 Nf3 Nc6 Nc3 Nf6 Bb5 Bb4
e4 e5 Nf3 Nc6 c3 Nf6 d4 Nxe4
e4 e5 Nf3 Nf6 Nxe5 d6 Nf3 Nxe4
e4 e5 Nf3 Nf6 d4 Nxe4 Bd3 d5
e4 e5 Nf3 d6 d4 exd4 Nxd4 Nf6
e4 e5 Nc3 Nf6 f4 d5 fxe5 Nxe4
e4 e5 Bc4 Nf6 d3 c6 Nf3 d5
e4 e5 d4 exd4 Qxd4 Nc6 Qe3 Nf6
e4 c5 Nf3 d6 d4 cxd4 Nxd4 Nf6
e4 c5 Nf3 Nc6 d4 cxd4 Nxd4 g6
e4 c5 Nf3 Nc6 d4 cxd4 Nxd4 Nf6
e4 c5 Nf3 e6 d4 cxd4 Nxd4 a6
e4 c5 Nf3 e6 d4 cxd4 Nxd4 Nc6
e4 c5 Nf3 Nc6 Bb5 g6 O-O Bg7
e4 c5 Nf3 d6 Bb5+ Bd7 Bxd7+ Qxd7
e4 c5 c3 Nf6 e5 Nd5
e4 c5 c3 d5 exd5 Qxd5
e4 c5 Nc3 Nc6 g3 g6
e4 c5 Nc3 Nc6 f4 g6
e4 c5 d4 cxd4 c3 Nf6 e5 Nd5
e4 e6 d4 d5 Nc3 Nf6 Bg5 Be7
e4 e6 d4 d5 Nc3 Bb4 e5 c5
e4 e6 d4 d5 Nc3 dxe4 Nxe4 Nd7
e4 e6 d4 d5 Nd2 Nf6 e5 Nfd7
e4 e6 d4 d5 Nd2 c5 exd5 exd5
e4 e6 d4 d5 e5 c5 c3 Nc6
e4 e6 d4 d5 exd5 exd5 Nf3 Nf6
e4 e6 d3 d5 Nd2 Nf6
e4 c6 d4 d5 Nc3 dxe4 Nxe4 Bf5
e4 c6 d4 d5 Nc3 dxe4 Nxe4 Nd7
e4 c6 d4 d5 e5 Bf5 Nf3 e6
e4 c6 d4 d5 exd5 cxd5 c4 Nf6
e4 c6 d4 d5 exd5 cxd5 Bd3 Nc6
e4 c6 d4 d5 f3 e6 Nc3 Bb4
e4 c6 Nc3 d5 Nf3 Bg4
e4 d5 exd5 Qxd5 Nc3 Qa5
e4 d5 exd5 Nf6 d4 Nxd5
e4 d6 d4 Nf6 Nc3 g6
e4 g6 d4 Bg7 Nc3 d6
e4 Nf6 e5 Nd5 d4 d6
e4 Nf6 e5 Nd5 c4 Nb6 d4 d6
e4 Nc6 Nf3 d6 d4 Nf6
d4 d5 c4 e6 Nc3 Nf6 Bg5 Be7
d4 d5 c4 e6 Nc3 Nf6 cxd5 exd5
d4 d5 c4 e6 Nc3 Be7 Nf3 Nf6
d4 d5 c4 e6 Nc3 c5 cxd5 exd5
d4 d5 c4 e6 Nf3 Nf6 g3 Be7
d4 d5 c4 c6 Nf3 Nf6 Nc3 dxc4
d4 d5 c4 c6 Nf3 Nf6 Nc3 e6
d4 d5 c4 c6 Nf3 Nf6 e3 Bf5
d4 d5 c4 c6 cxd5 cxd5 Nc3 Nf6
d4 d5 c4 dxc4 Nf3 Nf6 e3 e6
d4 d5 c4 dxc4 e4 e5 Nf3 exd4
d4 d5 c4 Nc6 Nc3 dxc4 Nf3 Nf6
d4 d5 Nf3 Nf6 e3 e6 Bd3 c5
d4 d5 Nf3 Nf6 g3 e6 Bg2 Be7
d4 d5 Bf4 Nf6 e3 c5
d4 d5 Nc3 Nf6 Bg5 Nbd7
d4 Nf6 c4 e6 Nc3 Bb4 e3 O-O
d4 Nf6 c4 e6 Nc3 Bb4 Qc2 O-O
d4 Nf6 c4 e6 Nc3 Bb4 Nf3 c5
d4 Nf6 c4 e6 Nf3 b6 g3 Ba6
d4 Nf6 c4 e6 Nf3 b6 g3 Bb7
d4 Nf6 c4 e6 Nf3 Bb4+ Bd2 Qe7
d4 Nf6 c4 e6 g3 d5 Bg2 dxc4
d4 Nf6 c4 g6 Nc3 Bg7 e4 d6
d4 Nf6 c4 g6 Nc3 Bg7 Nf3 O-O
d4 Nf6 c4 g6 Nc3 d5 cxd5 Nxd5
d4 Nf6 c4 g6 Nc3 d5 Nf3 Bg7
d4 Nf6 c4 g6 g3 Bg7 Bg2 O-O
d4 Nf6 c4 c5 d5 e6 Nc3 exd5
d4 Nf6 c4 c5 d5 b5 cxb5 a6
d4 Nf6 Bg5 Ne4 Bf4 d5
d4 Nf6 Bg5 e6 e4 h6 Bxf6 Qxf6
d4 Nf6 Nf3 g6 Bf4 Bg7
d4 Nf6 Nf3 g6 g3 Bg7
d4 Nf6 Nf3 e6 e3 b6
d4 f5 g3 Nf6 Bg2 e6
d4 f5 c4 Nf6 g3 g6
d4 d6 e4 Nf6 Nc3 e5
c4 e5 Nc3 Nf6 Nf3 Nc6
c4 e5 g3 Nf6 Bg2 d5
c4 c5 Nf3 Nf6 Nc3 Nc6
c4 c5 Nc3 Nc6 g3 g6
c4 Nf6 Nc3 e6 e4 d5
c4 e6 Nf3 d5 g3 Nf6
c4 c6 Nf3 d5 b3 Nf6
Nf3 d5 g3 Nf6 Bg2 c6
Nf3 d5 c4 d4 g3 c5
Nf3 Nf6 c4 g6 b3 Bg7
Nf3 c5 c4 Nc6 d4 cxd4 Nxd4 Nf6
b3 e5 Bb2 Nc6 e3 d5
f4 d5 Nf3 Nf6 e3 g6
"""


def named_openings(game: Chess) -> Positions:
    """[N]: the positions after the lines, all different."""
    found = []
    for line in LINES.strip().splitlines():
        position = game.start(1)
        for text in line.split():
            move = move_of(text, position[0])
            game.play(position, np.array([action_of(move, int(position["turn"][0]))]))
        found.append(position)
    return np.concatenate(found)
