"""A chess program: alpha-beta search over the judgement of a small network.

memory       what a search works with and remembers
table        positions that were met: score, bound, move
exchanges    what a series of captures on one square comes to
ordering     which move is tried first
checks       which moves give check
drawn        draws that a search meets
endings      those that cannot be won
quiescence   captures and checks are played out before a position is judged
search       alpha-beta. All these are compiled
deepening    a search deeper and deeper, of one line or several
alphabeta    AlphaBeta: the whole as a Thinker
"""

from sounding.games.chess.engine.alphabeta import AlphaBeta

__all__ = ["AlphaBeta"]
