"""Chess: the rules. `Chess` is all that most need; a search calls the compiled functions on boards itself.

bits, attacks   sets of squares; what pieces attack
layout          a position as words of 64 bits, and its parts
zobrist         keys of boards
moves, making   which moves are legal; what a move changes
perft           lines of play counted
actions         moves as numbers from 0 to 4,671, for networks
observation     what a network is given
turns           games: ends, repetitions, many at a time
starts          the starting position, and the 960
arranging       positions with other pieces on their squares
fen, uci, san   positions and moves in words
rules           Chess and Chess960: all of it as a Game
"""

from sounding.games.chess.rules import Chess, Chess960

__all__ = ["Chess", "Chess960"]
